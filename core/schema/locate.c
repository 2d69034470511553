/*
 * locate.c - what a reference means: a document of the library or its folder, and a place in it
 *
 * A file of the folder is looked for as host/path and path; by a part of its path only when it says
 * that URI in its "$id". No name leads out of the folder. A place is a JSON Pointer or an anchor;
 * a pointer that goes into a resource inside another belongs to the inner one.
 *
 * Thread: the compilation's. Ownership: what is found belongs to the library.
 */
#define _GNU_SOURCE 1
#include "core/schema/internal.h"

bool bb_sfile_read(const char *path, struct bb_buf *b)
{
    FILE *in = fopen(path, "re");
    size_t n = 1;
    uint8_t *p;

    bb_buf_init(b, BB_SCHEMA_TEXT_MAX);
    while (in && n && (p = bb_buf_room(b, 4096))) {
        n = fread(p, 1, 4096, in);
        b->len += n;
    }
    n = in && !ferror(in) && !b->failed;
    if (in)
        fclose(in);
    if (!n)
        bb_buf_free(b);
    return n;
}

static bool says_uri(struct bb_bytes json, const char *uri)
{
    struct bb_buf value;
    struct bb_bytes id;
    bool yes;

    bb_buf_init(&value, 2 * json.len + 64);
    yes = bb_json_read(json, &value, NULL) == 0 &&
          bb_map_get((struct bb_bytes){value.ptr, value.len}, "$id", &id) == 1 &&
          bb_as_str(id, &id) && bb_bytes_are(id, uri);
    bb_buf_free(&value);
    return yes;
}

static bool leads_out(const char *name)
{
    const char *p;

    for (p = name; *p; p += strcspn(p, "/")) {
        p += strspn(p, "/");
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2]))
            return true;
    }
    return !*name || name[strlen(name) - 1] == '/';
}

/* urn:busbar:schema:NAME:MAJOR is the file NAME.MAJOR.json (docs/model.md). */
static bool model_file(const char *uri, char *name, size_t size)
{
    static const char urn[] = "urn:busbar:schema:";
    const char *s = uri + sizeof(urn) - 1, *major;

    if (strncmp(uri, urn, sizeof(urn) - 1) != 0 || !(major = strchr(s, ':')) || s[0] == '.' ||
        strchr(major + 1, ':') || strchr(s, '/'))
        return false;
    return snprintf(name, size, "%.*s.%s.json", (int)(major - s), s, major + 1) < (int)size;
}

static uint32_t folder_find(struct bb_library *l, const char *uri)
{
    char name[BB_URI_MAX], path[2 * BB_URI_MAX];
    const char *p, *rest;
    struct bb_buf text;
    uint32_t found;
    unsigned tries;

    p = strstr(uri, "://");
    if (!model_file(uri, name, sizeof(name)))
        snprintf(name, sizeof(name), "%s", p ? p + 3 : uri);
    name[strcspn(name, "?#")] = '\0';
    name[bb_uri_decode(name, strlen(name))] = '\0';
    if (leads_out(name))
        return BB_NO_RESOURCE;
    for (rest = name, tries = 0; rest; tries++) {
        rest += strspn(rest, "/");
        if (snprintf(path, sizeof(path), "%s/%s", l->options->remotes, rest) < (int)sizeof(path) &&
            *rest && bb_sfile_read(path, &text)) {
            struct bb_bytes json = {text.ptr, text.len};
            if (tries < (p ? 2u : 1u) || says_uri(json, uri)) {
                found = bb_library_add(l, uri, path, json, true);
                bb_buf_free(&text);
                return found;
            }
            bb_buf_free(&text);
        }
        rest = strchr(rest, '/');
    }
    return BB_NO_RESOURCE;
}

uint32_t bb_library_resource(struct bb_library *l, const char *uri, char why[200])
{
    const char *meta = bb_meta_text(uri);
    uint32_t found = BB_NO_RESOURCE;
    size_t i;

    for (i = 0; i < l->n_resources; i++)
        if (strcmp(l->resources[i].uri, uri) == 0)
            return bb_library_root(l, l->resources[i].at);
    if (meta)
        found = bb_library_add(l, uri, uri, (struct bb_bytes){meta, strlen(meta)}, false);
    else if (l->options->remotes)
        found = folder_find(l, uri);
    if (found != BB_NO_RESOURCE)
        return found;
    if (l->options->remotes)
        snprintf(why, 200, "no such schema here and no file for it in %.90s", l->options->remotes);
    else
        snprintf(why, 200, "no such schema here, and no folder of other schemas was given "
                           "(--remotes DIR)");
    return found;
}

/* ", did you mean ..." of the keys of a map, or "". */
static void nearest_key(struct bb_bytes map, const char *name, char out[80])
{
    const char *near, *names[64];
    char keys[64][64];
    struct bb_cur c = bb_cur_of(map);
    struct bb_tok t, key;
    size_t n = 0;

    *out = '\0';
    if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_MAP)
        return;
    for (; t.n-- && n < 64 && bb_cur_next(&c, &key) == 0 && bb_cur_skip(&c) == 0; n++) {
        snprintf(keys[n], sizeof(keys[n]), "%.*s", (int)(key.s.len < 64 ? key.s.len : 63),
                 (const char *)key.s.ptr);
        names[n] = keys[n];
    }
    near = bb_nearest(name, names, n);
    if (near)
        snprintf(out, 80, ": did you mean \"%s\"?", near);
}

static const uint8_t *pointer_find(struct bb_library *l, uint32_t *resource, const char *pointer,
                                   char why[200])
{
    const struct bb_sdoc *d = &l->docs[l->resources[*resource].doc];
    const uint8_t *p = l->resources[*resource].at;
    char step[BB_URI_MAX];
    struct bb_bytes v;
    uint32_t root;

    while (*pointer) {
        size_t n = 1 + strcspn(pointer + 1, "/");
        memcpy(step, pointer, n);
        step[n] = '\0';
        if (bb_pointer_get(bb_sdoc_rest(d, p), step, &v) != 1) {
            char near[80];
            nearest_key(bb_sdoc_rest(d, p), step + 1, near);
            snprintf(why, 200, "there is no \"%.60s\" on the way%.90s", step + 1, near);
            return NULL;
        }
        p = v.ptr;
        root = bb_library_root(l, p);
        *resource = root == BB_NO_RESOURCE ? *resource : root;
        pointer += n;
    }
    return p;
}

const uint8_t *bb_library_find(struct bb_library *l, uint32_t from, struct bb_bytes ref,
                               uint32_t *resource, const struct bb_sanchor **anchor, char why[200])
{
    char uri[BB_URI_MAX], part[BB_URI_MAX];
    struct bb_bytes fragment;
    size_t n;

    *anchor = NULL;
    if (bb_uri_resolve(l->resources[from].uri, ref, uri, &fragment) != 0 ||
        fragment.len >= sizeof(part)) {
        snprintf(why, 200, "it is no URI, or too long");
        return NULL;
    }
    *resource = strcmp(l->resources[from].uri, uri) == 0 ? from : bb_library_resource(l, uri, why);
    if (*resource == BB_NO_RESOURCE)
        return NULL;
    if (!fragment.len)
        return l->resources[*resource].at;
    memcpy(part, fragment.ptr, fragment.len);
    n = bb_uri_decode(part, fragment.len);
    part[n] = '\0';
    if (*part == '/')
        return pointer_find(l, resource, part, why);
    *anchor = bb_library_anchor(l, *resource, (struct bb_bytes){part, n});
    if (*anchor)
        return (*anchor)->at;
    snprintf(why, 200, "there is no anchor \"%.60s\" in %.80s", part,
             *uri ? uri : "this schema");
    return NULL;
}

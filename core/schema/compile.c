/*
 * compile.c - a schema and all that it refers to, to a program of nodes
 *
 * Nodes are compiled from a queue, not by recursion: a chain of references, however long, takes no
 * stack. A subschema is known by where its bytes are, so each becomes one node however many refer
 * to it. When all are there: subschemas that look at the same value in a circle are refused, since
 * they would never come to an end, and what must not be shown is marked.
 *
 * Thread: the caller's. Ownership: the program owns its arena and patterns; documents end with the
 * compilation.
 */
#define _GNU_SOURCE 1
#include "core/schema/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)256 << 20)

void bb_draft_say(struct bb_draft *d, bool error, const uint8_t *p, const char *fmt, ...)
{
    struct bb_library *l = &d->b->lib;
    const struct bb_sdoc *doc = &l->docs[l->resources[d->b->made[d->at].resource].doc];
    char text[400];
    va_list ap;

    if (!error && !doc->own)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    bb_note(l->notes, error, doc->file, (struct bb_bytes){doc->text.ptr, doc->text.len},
            bb_place_of(doc, p), "%s", text);
}

const char *bb_build_at(struct bb_draft *d, const char *keyword, struct bb_bytes *part)
{
    const char *base = d->node->at, *s = part ? part->ptr : NULL;
    size_t n = strlen(base) + strlen(keyword) + 3 + (part ? 2 * part->len : 0), i;
    char *at = bb_sarena_get(&d->b->s->arena, n), *w;

    if (!at)
        return "";
    w = at + snprintf(at, n, "%s/%s", base, keyword);
    if (part)
        *w++ = '/';
    for (i = 0; part && i < part->len; i++) {
        if (s[i] == '~' || s[i] == '/') {
            *w++ = '~';
            *w++ = s[i] == '~' ? '0' : '1';
        } else {
            *w++ = s[i] ? s[i] : '?';
        }
    }
    return at;
}

/* ---- nodes by the place of their bytes --------------------------------------------------------- */
static size_t hash_of(const uint8_t *p, size_t cap)
{
    return (size_t)((uint64_t)(uintptr_t)p * 0x9e3779b97f4a7c15u >> 20) & (cap - 1);
}

static uint32_t *index_at(struct bb_build *b, const uint8_t *p)
{
    size_t i = hash_of(p, b->cap_index);

    while (b->index[i] && b->made[b->index[i] - 1].node->source != p)
        i = (i + 1) & (b->cap_index - 1);
    return &b->index[i];
}

static int index_grow(struct bb_build *b)
{
    size_t i, want = b->cap_index ? b->cap_index * 2 : 256;
    uint32_t *v = calloc(want, sizeof(*v));

    if (!v)
        return -1;
    free(b->index);
    b->index = v;
    b->cap_index = want;
    for (i = 0; i < b->n_made; i++)
        *index_at(b, b->made[i].node->source) = (uint32_t)i + 1;
    return 0;
}

struct bb_snode *bb_build_node(struct bb_build *b, const struct bb_draft *d, const uint8_t *p,
                               uint32_t resource, bool same, const char *at)
{
    size_t max = b->options->nodes_max ? b->options->nodes_max : BB_SCHEMA_NODES_MAX;
    struct bb_snode *n;
    uint32_t *slot;

    if (b->n_made * 2 >= b->cap_index && index_grow(b) != 0)
        goto memory;
    slot = index_at(b, p);
    if (!*slot) {
        if (b->n_made >= max)
            goto memory;
        n = bb_sarena_get(&b->s->arena, sizeof(*n));
        if (!n || bb_grow(&b->made, b->n_made, &b->cap_made, sizeof(*b->made)) != 0)
            goto memory;
        n->source = p;
        n->at = at;
        n->types = BB_K_ALL;
        b->made[b->n_made].node = n;
        b->made[b->n_made++].resource = resource;
        *slot = (uint32_t)b->n_made;
    }
    if (d && same) {
        if (bb_grow(&b->edges, b->n_edges, &b->cap_edges, sizeof(*b->edges)) != 0)
            goto memory;
        b->edges[b->n_edges].from = d->at;
        b->edges[b->n_edges++].to = *slot - 1;
    }
    return b->made[*slot - 1].node;
memory:
    b->s->arena.failed = true;
    return NULL;
}

/* ---- one node ----------------------------------------------------------------------------------- */
static void unknown_say(struct bb_draft *d)
{
    char name[64], quoted[44];
    const char *near;

    snprintf(name, sizeof(name), "%.*s", (int)(d->key_text.len < 64 ? d->key_text.len : 63),
             (const char *)d->key_text.ptr);
    if (strncmp(name, "x-", 2) == 0)
        return;
    near = bb_skeyword_nearest(name);
    bb_draft_say(d, d->b->options->strict, d->key, "unknown keyword \"%s\"%s%s%s",
                 bb_fault_quote(quoted, d->key_text.ptr, d->key_text.len),
                 near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void map_compile(struct bb_draft *d, struct bb_cur c, uint32_t n)
{
    struct bb_tok key;
    struct bb_bytes value;

    while (n--) {
        const struct bb_skeyword *k;
        d->key = c.p;
        if (bb_cur_next(&c, &key) != 0 || bb_cur_value(&c, &value) != 0)
            return;
        d->key_text = key.s;
        d->value = value.ptr;
        k = bb_skeyword_find(key.s);
        if (!k)
            unknown_say(d);
        else if (k->read && (k->vocab & d->vocab))
            k->read(d, value);
    }
    bb_draft_finish(d);
}

static void node_compile(struct bb_build *b, uint32_t at)
{
    struct bb_draft d = {.b = b, .at = at, .node = b->made[at].node};
    struct bb_sresource *r = &b->lib.resources[b->made[at].resource];
    struct bb_bytes rest = bb_sdoc_rest(&b->lib.docs[r->doc], d.node->source), id;
    struct bb_cur c = bb_cur_of(rest);
    struct bb_tok t;
    uint32_t root;
    char *uri;

    d.value = d.node->source;
    if (bb_cur_next(&c, &t) != 0)
        return;
    if (t.kind == BB_T_MAP && bb_map_get(rest, "$id", &id) == 1 &&
        (root = bb_library_root(&b->lib, d.node->source)) != BB_NO_RESOURCE) {
        b->made[at].resource = root;
        r = &b->lib.resources[root];
        uri = bb_sarena_get(&b->s->arena, strlen(r->uri) + 2);
        if (uri) {
            snprintf(uri, strlen(r->uri) + 2, "%s#", r->uri);
            d.node->at = uri;
        }
    }
    d.node->resource = b->made[at].resource;
    d.vocab = r->vocab;
    if (t.kind == BB_T_MAP)
        map_compile(&d, c, t.n);
    else if (t.kind == BB_T_BOOL)
        d.node->flags |= t.i ? 0 : BB_NODE_NEVER;
    else
        bb_draft_say(&d, true, d.node->source, "a schema is an object, true or false");
}

/* ---- circles, by taking away what has nothing behind it, then what has nothing before ---------- */
static void peel(const struct bb_build *b, uint32_t *left, uint32_t *queue, uint8_t *gone,
                 const uint32_t *first, const uint32_t *next, bool back)
{
    size_t i, n = 0, done;
    uint32_t e, other;

    memset(left, 0, b->n_made * sizeof(*left));
    for (i = 0; i < b->n_edges; i++)
        if (!gone[b->edges[i].from] && !gone[b->edges[i].to])
            left[back ? b->edges[i].from : b->edges[i].to]++;
    for (i = 0; i < b->n_made; i++)
        if (!gone[i] && !left[i])
            queue[n++] = (uint32_t)i;
    for (done = 0; done < n; done++) {
        gone[queue[done]] = 1;
        for (e = first[queue[done]]; e; e = next[e - 1]) {
            other = back ? b->edges[e - 1].from : b->edges[e - 1].to;
            if (!gone[other] && --left[other] == 0)
                queue[n++] = other;
        }
    }
}

static void circles_refuse(struct bb_build *b)
{
    size_t n = b->n_made + 1, e, i;
    uint32_t *work = calloc(3 * n + b->n_edges + 1, sizeof(*work));
    uint8_t *gone = calloc(n, 1);
    uint32_t *left = work, *queue = work + n, *first = work + 2 * n, *next = work + 3 * n;
    unsigned back;

    for (back = 0; work && gone && back < 2; back++) {
        memset(first, 0, n * sizeof(*first));
        for (e = 0; e < b->n_edges; e++) {
            uint32_t *head = &first[back ? b->edges[e].to : b->edges[e].from];
            next[e] = *head;
            *head = (uint32_t)e + 1;
        }
        peel(b, left, queue, gone, first, next, back);
    }
    for (i = 0; work && gone && i < b->n_made; i++)
        if (!gone[i]) {
            struct bb_draft d = {.b = b, .at = (uint32_t)i, .node = b->made[i].node};
            bb_draft_say(&d, true, d.node->source,
                         "this schema comes back to itself without going deeper into the value: "
                         "checking it would never end");
            break;
        }
    if (!work || !gone)
        b->s->arena.failed = true;
    free(work);
    free(gone);
}

/* ---- what is not shown -------------------------------------------------------------------------- */
static void secrets_spread(struct bb_build *b)
{
    bool more = true;
    unsigned rounds = 0;
    size_t i;

    while (more && !(b->s->all_secret = rounds++ == 64)) { /* a node is secret when one that looks at the same value is */
        more = false;
        for (i = b->n_edges; i--;) {
            struct bb_snode *from = b->made[b->edges[i].from].node;
            if (!(from->flags & BB_NODE_SECRET) &&
                (b->made[b->edges[i].to].node->flags & BB_NODE_SECRET)) {
                from->flags |= BB_NODE_SECRET;
                more = true;
            }
        }
    }
}

static bool secret(const struct bb_snode *n)
{
    return n && (n->flags & BB_NODE_SECRET);
}

static void secrets_of(struct bb_schema *s, const struct bb_snode *n, struct bb_stable *names,
                       size_t max)
{
    uint32_t i;

    for (i = 0; n->arr && i < n->arr->n_prefix; i++)
        s->all_secret |= secret(n->arr->prefix[i]);
    if (n->arr)
        s->all_secret |= secret(n->arr->items) || secret(n->arr->contains) ||
                         secret(n->arr->unevaluated);
    if (!n->obj)
        return;
    s->all_secret |= secret(n->obj->additional) || secret(n->obj->unevaluated) ||
                     secret(n->obj->names);
    for (i = 0; i < n->obj->n_patterns; i++)
        s->all_secret |= secret(n->obj->patterns[i].node);
    for (i = 0; n->obj->keys && i < n->obj->keys->n; i++)
        if (secret(n->obj->keys->v[i].node)) {
            s->has_secrets = true;
            if (names->n < max)
                names->v[names->n++] = n->obj->keys->v[i];
            else
                s->all_secret = true;
        }
}

static void secrets_find(struct bb_build *b)
{
    size_t i, max = 1000;

    secrets_spread(b);
    for (i = 0; i < b->n_made && !secret(b->made[i].node); i++)
        ;
    if (i == b->n_made)
        return;
    b->s->secrets.v = bb_sarena_get(&b->s->arena, max * sizeof(*b->s->secrets.v));
    for (i = 0; b->s->secrets.v && i < b->n_made; i++)
        secrets_of(b->s, b->made[i].node, &b->s->secrets, max);
    b->s->all_secret |= secret(b->made[0].node);
    bb_stable_build(&b->s->secrets, &b->s->arena);
}

/* ---- all of it ---------------------------------------------------------------------------------- */
static void dynamics_keep(struct bb_build *b)
{
    struct bb_schema *s = b->s;
    size_t i;

    s->dynamics = bb_sarena_get(&s->arena, (b->lib.n_anchors + 1) * sizeof(*s->dynamics));
    for (i = 0; s->dynamics && i < b->lib.n_anchors; i++) {
        const struct bb_sanchor *a = &b->lib.anchors[i];
        uint32_t *slot = a->dynamic ? index_at(b, a->at) : NULL;
        if (slot && *slot)
            s->dynamics[s->n_dynamics++] =
                (struct bb_sdynamic){a->name, a->resource, b->made[*slot - 1].node};
    }
}

/* Every node in the queue, and every $dynamicAnchor: any may be met while a value is checked. */
static void queue_compile(struct bb_build *b)
{
    size_t i = 0, a = 0;

    while (!b->s->arena.failed) {
        if (i < b->n_made) {
            node_compile(b, (uint32_t)i++);
        } else if (a < b->lib.n_anchors) {
            const struct bb_sanchor *one = &b->lib.anchors[a++];
            char at[BB_URI_MAX + 256];
            snprintf(at, sizeof(at), "%s#%s", b->lib.resources[one->resource].uri, one->name);
            if (one->dynamic)
                bb_build_node(b, NULL, one->at, one->resource, false,
                              bb_sarena_text(&b->s->arena, at, strlen(at)));
        } else {
            break;
        }
    }
}

static void program_make(struct bb_build *b, const char *file, struct bb_bytes json)
{
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    uint32_t root = bb_library_add(&b->lib, base, file, json, true);

    if (root == BB_NO_RESOURCE)
        return;
    b->s->root = bb_build_node(b, NULL, b->lib.resources[root].at, root, false, "#");
    queue_compile(b);
    if (b->s->arena.failed || b->lib.notes->errors)
        return;
    circles_refuse(b);
    secrets_find(b);
    dynamics_keep(b);
    bb_program_link(b);
    b->s->n_nodes = b->n_made;
}

struct bb_schema *bb_schema_compile(const char *file, struct bb_bytes json,
                                    const struct bb_schema_options *options,
                                    struct bb_schema_notes *notes)
{
    struct bb_schema *s = calloc(1, sizeof(*s));
    struct bb_schema_options given = options ? *options : (struct bb_schema_options){0};
    struct bb_build b = {.s = s, .options = &given};
    size_t before = notes->errors;

    if (s) {
        s->arena.max = ARENA_MAX;
        b.lib.options = &given;
        b.lib.notes = notes;
        b.lib.arena = &s->arena;
        notes->errors = 0;
        program_make(&b, file, json);
        if ((s->arena.failed || !s->root) && !notes->errors)
            bb_note(notes, true, file, (struct bb_bytes){NULL, 0}, 0,
                    "with all it refers to the schema is too large: more than %zu subschemas, or "
                    "not enough memory",
                    given.nodes_max ? given.nodes_max : BB_SCHEMA_NODES_MAX);
        if (notes->errors)
            bb_schema_free(&s);
        notes->errors += before;
    }
    bb_library_free(&b.lib);
    free(b.made);
    free(b.edges);
    free(b.index);
    return s;
}

struct bb_schema *bb_schema_load(const char *file, const struct bb_schema_options *options,
                                 struct bb_schema_notes *notes)
{
    struct bb_schema *s = NULL;
    struct bb_buf text;

    errno = 0;
    if (bb_sfile_read(file, &text)) {
        s = bb_schema_compile(file, (struct bb_bytes){text.ptr, text.len}, options, notes);
        bb_buf_free(&text);
    } else {
        bb_note(notes, true, file, (struct bb_bytes){NULL, 0}, 0, "cannot be read: %s",
                errno ? strerror(errno) : "it is larger than a schema may be");
    }
    return s;
}

void bb_schema_free(struct bb_schema **schema_p)
{
    struct bb_schema *s = *schema_p;
    struct bb_spattern *p;

    if (!s)
        return;
    *schema_p = NULL;
    for (p = s->patterns; p; p = p->next)
        bb_spattern_free(p);
    bb_sarena_free(&s->arena);
    free(s);
}

size_t bb_schema_nodes(const struct bb_schema *schema)
{
    return schema->n_nodes;
}

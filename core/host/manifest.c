/*
 * manifest.c - what a plugin says of itself, read before any of its code is mapped
 *
 * Thread: any. A manifest is a msgpack map (docs/plugins.md lists its members); unknown members are
 * left alone, because a newer plugin may say more. bb_manifest owns raw; schema points into it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config/config.h"
#include "core/host/internal.h"

/* ---- members ---------------------------------------------------------------------------------- */

static int bb_manifest_text(const struct bb_manifest *m, const char *key, bool needed, char *out,
                            size_t cap, struct bb_fault *err)
{
    struct bb_bytes v, s;

    out[0] = '\0';
    if (bb_map_get(m->raw, key, &v) != 1) {
        if (!needed)
            return 0;
        return bb_host_fault(err, 0, "its manifest has no \"%s\"", key);
    }
    if (!bb_as_str(v, &s) || s.len == 0 || s.len >= cap || memchr(s.ptr, 0, s.len))
        return bb_host_fault(err, 0, "its manifest's \"%s\" is not a text of 1 to %zu bytes", key,
                             cap - 1);
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return 0;
}

/* Opens a list of strings; 1 there, 0 absent, -1 wrong. */
static int bb_manifest_list(const struct bb_manifest *m, const char *key, struct bb_cur *c,
                            uint32_t *n, struct bb_fault *err)
{
    struct bb_bytes v;
    struct bb_cur check;
    struct bb_tok t;

    *n = 0;
    if (bb_map_get(m->raw, key, &v) != 1)
        return 0;
    *c = bb_cur_of(v);
    if (bb_cur_next(c, &t) < 0 || t.kind != BB_T_ARRAY)
        return bb_host_fault(err, 0, "its manifest's \"%s\" is not a list", key);
    *n = t.n;
    check = *c;
    for (uint32_t i = 0; i < *n; i++) {
        if (bb_cur_next(&check, &t) < 0 || t.kind != BB_T_STR)
            return bb_host_fault(err, 0, "its manifest's \"%s\" holds something else than texts",
                                 key);
    }
    return 1;
}

static bool bb_text_is(struct bb_bytes s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

/* Sets the flags that the texts of a list name; a text that no flag has is refused only if strict. */
struct bb_manifest_flag {
    const char *text;
    bool *flag;
};

static int bb_manifest_flags(const struct bb_manifest *m, const char *key,
                             const struct bb_manifest_flag *flags, bool strict,
                             struct bb_fault *err)
{
    struct bb_cur c;
    struct bb_tok t;
    uint32_t n;

    if (bb_manifest_list(m, key, &c, &n, err) < 0)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        const struct bb_manifest_flag *f = flags;

        if (bb_cur_next(&c, &t) < 0)
            return -1;
        while (f->text && !bb_text_is(t.s, f->text))
            f++;
        if (f->text && f->flag)
            *f->flag = true;
        else if (!f->text && strict)
            return bb_host_fault(err, 0, "its manifest's \"%s\" names \"%.*s\", which this Busbar "
                                         "does not have: install a newer Busbar",
                                 key, (int)(t.s.len > 60 ? 60 : t.s.len), (const char *)t.s.ptr);
    }
    return 0;
}

static int bb_manifest_abi(struct bb_manifest *m, struct bb_fault *err)
{
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok t, lo, hi;

    if (bb_map_get(m->raw, "abi", &v) != 1)
        return bb_host_fault(err, 0, "its manifest has no \"abi\"");
    c = bb_cur_of(v);
    if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_ARRAY || t.n != 2 || bb_cur_next(&c, &lo) < 0 ||
        bb_cur_next(&c, &hi) < 0 || lo.kind != BB_T_INT || hi.kind != BB_T_INT || lo.i < 0 ||
        hi.i < lo.i || hi.i > UINT32_MAX)
        return bb_host_fault(err, 0, "its manifest's \"abi\" is not [min, max]");
    m->abi_min = (uint32_t)lo.i;
    m->abi_max = (uint32_t)hi.i;
    /* the compare stays right when BB_ABI is no longer 0 */
    if ((int64_t)BB_ABI >= lo.i && (int64_t)BB_ABI <= hi.i)
        return 0;
    if (m->abi_min > BB_ABI)
        return bb_host_fault(err, 0,
                             "plugin %s speaks ABI %u..%u, this Busbar %u: install a build for "
                             "ABI %u or a newer Busbar",
                             m->id, m->abi_min, m->abi_max, BB_ABI, BB_ABI);
    return bb_host_fault(err, 0,
                         "plugin %s speaks ABI %u..%u, this Busbar %u: install a newer build of "
                         "the plugin for ABI %u",
                         m->id, m->abi_min, m->abi_max, BB_ABI, BB_ABI);
}

static bool bb_manifest_id_ok(const char *id)
{
    if (id[0] < 'a' || id[0] > 'z')
        return false;
    return strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(id);
}

static int bb_manifest_choice(const struct bb_manifest *m, const char *key,
                              const char *const *choices, unsigned *out, struct bb_fault *err)
{
    char text[32];

    *out = 0;
    if (bb_manifest_text(m, key, false, text, sizeof(text), err) < 0)
        return -1;
    for (unsigned i = 0; text[0] && choices[i]; i++) {
        if (strcmp(choices[i], text) == 0) {
            *out = i;
            return 0;
        }
    }
    return text[0] ? bb_host_fault(err, 0, "its manifest's \"%s\" is \"%s\", not one that this "
                                           "Busbar has", key, text)
                   : 0;
}

static int bb_manifest_fields(struct bb_manifest *m, struct bb_fault *err)
{
    static const char *const threading[] = {"loop", "blocking", NULL};
    static const char *const batch[] = {"none", "any", "ordered", NULL};
    static const char *const lists[] = {"types_in", "types_out", "queries", "bom_features"};
    const struct bb_manifest_flag roles[] = {
        {"source", &m->source}, {"sink", &m->sink}, {"transform", &m->transform}, {NULL, NULL}};
    const struct bb_manifest_flag extensions[] = {{BB_EXT_PROBE, &m->probe},
                                                  {BB_EXT_QUERY, &m->query},
                                                  {BB_EXT_HEALTH, &m->health},
                                                  {NULL, NULL}};
    const struct bb_manifest_flag services[] = {
        {BB_EXT_INSTANCE, NULL}, {BB_EXT_REFUSAL, NULL}, {NULL, NULL}};
    struct bb_cur c;
    struct bb_tok t;
    unsigned choice;
    uint64_t workers;
    uint32_t n;

    if (bb_value_check(m->raw, err) < 0)
        return -1;
    c = bb_cur_of(m->raw);
    if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_MAP)
        return bb_host_fault(err, 0, "its manifest is not a map");
    if (bb_manifest_text(m, "id", true, m->id, sizeof(m->id), err) < 0)
        return -1;
    if (!bb_manifest_id_ok(m->id))
        return bb_host_fault(err, 0, "its manifest's \"id\" may hold a-z, 0-9 and - only, and "
                                     "starts with a letter");
    if (bb_manifest_abi(m, err) < 0 ||
        bb_manifest_text(m, "version", true, m->version, sizeof(m->version), err) < 0 ||
        bb_manifest_text(m, "vendor", false, m->vendor, sizeof(m->vendor), err) < 0 ||
        bb_manifest_flags(m, "roles", roles, true, err) < 0 ||
        bb_manifest_flags(m, "extensions", extensions, false, err) < 0 ||
        bb_manifest_flags(m, "requires", services, true, err) < 0 ||
        bb_host_uint(m->raw, "its manifest", "workers", 0, UINT32_MAX, &workers, err) < 0)
        return -1;
    m->workers_max = (uint32_t)workers;
    if (!m->source && !m->sink && !m->transform)
        return bb_host_fault(err, 0, "its manifest names no role (source, sink, transform)");
    if (bb_manifest_choice(m, "threading", threading, &choice, err) < 0)
        return -1;
    m->blocking = choice == 1;
    if (bb_manifest_choice(m, "batch", batch, &choice, err) < 0)
        return -1;
    m->batch = choice > 0;
    m->ordered_batch = choice == 2;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (bb_manifest_list(m, lists[i], &c, &n, err) < 0)
            return -1;
    }
    if (bb_map_get(m->raw, "config", &m->schema) == 1) {
        c = bb_cur_of(m->schema);
        if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_MAP)
            return bb_host_fault(err, 0, "its manifest's \"config\" is not a JSON Schema object");
    }
    return 0;
}

static int bb_manifest_from(const struct bb_elf_source *s, struct bb_manifest *m,
                            struct bb_fault *err)
{
    memset(m, 0, sizeof(*m));
    if (bb_elf_manifest(s, &m->raw, err) == 0 && bb_manifest_fields(m, err) == 0)
        return 0;
    bb_manifest_free(m);
    return -1;
}

/* ---- files ------------------------------------------------------------------------------------ */

static int bb_manifest_memory(const struct bb_elf_source *s, uint64_t off, void *buf, size_t len)
{
    const uint8_t *p = s->memory;

    if (off > s->size || len > s->size - off)
        return -1;
    memcpy(buf, p + off, len);
    return 0;
}

static int bb_manifest_file(const struct bb_elf_source *s, uint64_t off, void *buf, size_t len)
{
    uint8_t *p = buf;

    while (len > 0) {
        ssize_t n = pread(s->fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        p += n;
        len -= (size_t)n;
        off += (uint64_t)n;
    }
    return 0;
}

int bb_manifest_parse(struct bb_bytes elf, struct bb_manifest *m, struct bb_fault *err)
{
    struct bb_elf_source s = {bb_manifest_memory, elf.ptr, -1, elf.len};

    return bb_manifest_from(&s, m, err);
}

int bb_manifest_read(const char *path, struct bb_manifest *m, struct bb_fault *err)
{
    struct bb_elf_source s = {bb_manifest_file, NULL, -1, 0};
    struct bb_fault why = {0, ""};
    struct stat st;
    int rc = -1;

    memset(m, 0, sizeof(*m));
    if (strlen(path) >= sizeof(m->path))
        return bb_host_fault(err, 0, "a path of %zu bytes is too long", strlen(path));
    /* O_NONBLOCK: opening a FIFO that someone left in the folder must not hang */
    s.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s.fd < 0)
        return bb_host_fault(err, 0, "%s: %s", path, strerror(errno));
    if (fstat(s.fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        bb_host_fault(err, 0, "%s: not a regular file", path);
        goto out;
    }
    s.size = (uint64_t)st.st_size;
    if (bb_manifest_from(&s, m, &why) < 0) {
        bb_host_fault(err, why.offset, "%s: %s", path, why.text);
        goto out;
    }
    snprintf(m->path, sizeof(m->path), "%s", path);
    rc = 0;
out:
    close(s.fd);
    return rc;
}

void bb_manifest_free(struct bb_manifest *m)
{
    free((void *)(uintptr_t)m->raw.ptr);
    memset(m, 0, sizeof(*m));
}

/* ---- by id ------------------------------------------------------------------------------------ */

#define FIND_MAX 1024 /* plugins that are remembered for "did you mean" */

struct bb_find {
    const char *id;
    char *ids[FIND_MAX];
    size_t n;
    struct bb_fault refused; /* why the file named like the id was no use */
    char where[80];          /* the folders, for the text */
};

static int bb_find_is_so(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return n > 3 && d->d_name[0] != '.' && strcmp(d->d_name + n - 3, ".so") == 0;
}

/* 1 found, 0 not in this file, whatever the reason. */
static int bb_find_file(struct bb_find *f, const char *folder, const char *name,
                        struct bb_manifest *m)
{
    struct bb_fault err = {0, ""};
    char path[sizeof(m->path)];
    size_t id = strlen(f->id);

    if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
        return 0;
    if (bb_manifest_read(path, m, &err) < 0) {
        if (strlen(name) == id + 3 && strncmp(name, f->id, id) == 0 && !f->refused.text[0])
            f->refused = err;
        return 0;
    }
    if (strcmp(m->id, f->id) == 0)
        return 1;
    if (f->n < FIND_MAX && (f->ids[f->n] = strdup(m->id)))
        f->n++;
    bb_manifest_free(m);
    return 0;
}

static int bb_find_folder(struct bb_find *f, const char *folder, struct bb_manifest *m)
{
    struct dirent **list = NULL;
    int n = scandir(folder, &list, bb_find_is_so, alphasort);
    int found = 0;

    for (int i = 0; i < n; i++) {
        if (!found)
            found = bb_find_file(f, folder, list[i]->d_name, m);
        free(list[i]);
    }
    free(list);
    return found;
}

int bb_manifest_find(const char *id, char *const *folders, struct bb_manifest *m,
                     struct bb_fault *err)
{
    struct bb_find *f = calloc(1, sizeof(*f));
    const char *nearest;
    size_t at = 0;
    int rc = -1;

    memset(m, 0, sizeof(*m));
    if (!f)
        return bb_host_fault(err, 0, "out of memory");
    f->id = id;
    for (size_t i = 0; folders && folders[i]; i++) {
        if (at < sizeof(f->where))
            at += (size_t)snprintf(f->where + at, sizeof(f->where) - at, "%s%s", i ? ", " : "",
                                   folders[i]);
        if (bb_find_folder(f, folders[i], m)) {
            rc = 0;
            goto out;
        }
    }
    nearest = bb_nearest(id, (const char *const *)f->ids, f->n);
    if (f->refused.text[0])
        bb_host_fault(err, f->refused.offset, "%s", f->refused.text);
    else if (nearest)
        bb_host_fault(err, 0, "no plugin \"%.40s\" (did you mean \"%.40s\"?) in %s", id,
                      nearest, f->where);
    else
        bb_host_fault(err, 0,
                      "no plugin \"%.40s\": install it or add its folder to plugins: path "
                      "(looked in %s)", id, f->where[0] ? f->where : "no folder");
out:
    for (size_t i = 0; i < f->n; i++)
        free(f->ids[i]);
    free(f);
    return rc;
}

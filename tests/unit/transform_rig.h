/*
 * transform_rig.h - values and rules from JSON, and a small random number
 */
#ifndef TRANSFORM_RIG_H
#define TRANSFORM_RIG_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* asprintf */
#endif
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "core/transform/transform.h"

static inline struct bb_bytes bytes_of(const struct bb_buf *b)
{
    struct bb_bytes v = {b->ptr, b->len};
    return v;
}

static inline void json_to(struct bb_buf *b, const char *json)
{
    struct bb_bytes j = {json, strlen(json)};
    struct bb_fault f = {0, ""};
    bb_buf_init(b, 1 << 26);
    ck_assert_msg(bb_json_read(j, b, &f) == 0, "%s: %s", json, f.text);
}

static inline char *json_of(struct bb_bytes v)
{
    struct bb_buf b;
    struct bb_fault f = {0, ""};
    bb_buf_init(&b, 1 << 26);
    ck_assert_msg(bb_json_write(v, &b, &f) == 0, "%s", f.text);
    bb_buf_put(&b, "", 1);
    ck_assert(!b.failed);
    return (char *)b.ptr;
}

struct mistake { /* the first one said */
    char file[64], pointer[256], text[400];
    int n;
};
static inline void mistake_say(void *arg, const char *file, const char *pointer, const char *text)
{
    struct mistake *m = arg;
    if (m->n++)
        return;
    snprintf(m->file, sizeof m->file, "%s", file ? file : "");
    snprintf(m->pointer, sizeof m->pointer, "%s", pointer);
    snprintf(m->text, sizeof m->text, "%s", text);
}

/* The files that rules name in tests, as JSON. */
static const struct rig_file {
    const char *name, *json;
} *rig_files;
static inline int rig_file(void *arg, const char *name, struct bb_bytes *value, struct bb_fault *err)
{
    static struct bb_buf kept[16];
    (void)arg;
    for (size_t k = 0; rig_files && rig_files[k].name; k++)
        if (strcmp(rig_files[k].name, name) == 0) {
            bb_buf_free(&kept[k]);
            json_to(&kept[k], rig_files[k].json);
            *value = bytes_of(&kept[k]);
            return 0;
        }
    snprintf(err->text, sizeof err->text, "there is no file %s", name);
    return -1;
}

/* steps as JSON; NULL with the first mistake in m. */
static inline struct bb_transform *compile_steps(const char *steps, struct mistake *m)
{
    struct bb_transform_source src = {m, rig_file, mistake_say, NULL, NULL};
    struct bb_transform *t;
    struct bb_fault f;
    struct bb_buf b;
    memset(m, 0, sizeof *m);
    json_to(&b, steps);
    t = bb_transform_compile(bytes_of(&b), &src, &f);
    ck_assert_msg(t || !m->n || *f.text, "%s: no text", steps);
    bb_buf_free(&b);
    return t;
}

static inline struct bb_transform *compiled(const char *rules)
{
    struct mistake m;
    struct bb_transform *t;
    char *text;
    ck_assert_int_ge(asprintf(&text, "[{\"map\":%s}]", rules), 0);
    t = compile_steps(text, &m);
    ck_assert_msg(t != NULL, "%s: %s at %s", rules, m.text, m.pointer);
    free(text);
    return t;
}

static unsigned seed;
static inline unsigned rnd(unsigned n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 12) % n;
}

#endif

/*
 * transform_rig.h - values and rules from JSON, a small random number, and damaged copies
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

/* A zone's file of version 2 with at most one change, at 1970, and a rule for what comes after. */
static inline void rig_zone(struct bb_buf *b, int32_t first, int32_t then, const char *rule)
{
    uint8_t head[44] = "TZif2";
    struct bb_buf f;
    bool change = then != first;
    bb_buf_init(b, 4096);
    bb_buf_init(&f, 4096);
    head[39] = 1; /* the 32-bit part: one type, no change */
    head[43] = 4;
    bb_buf_put(&f, head, 44);
    bb_buf_put(&f, "\0\0\0\0\0\0", 6);
    bb_buf_put(&f, "UTC\0", 4);
    head[35] = change;
    head[39] = (uint8_t)(1 + change);
    bb_buf_put(&f, head, 44);
    if (change)
        bb_buf_put(&f, "\0\0\0\0\0\0\0\0\1", 9);
    for (int k = 0; k < 1 + change; k++) {
        uint32_t at = (uint32_t)(k ? then : first);
        uint8_t t[6] = {(uint8_t)(at >> 24), (uint8_t)(at >> 16), (uint8_t)(at >> 8), (uint8_t)at, 0, 0};
        bb_buf_put(&f, t, 6);
    }
    bb_buf_put(&f, "UTC\0\n", 5);
    bb_buf_put(&f, rule, strlen(rule));
    bb_buf_put(&f, "\n", 1);
    bb_put_bin(b, f.ptr, f.len);
    bb_buf_free(&f);
}

static const struct rig_zone {
    const char *name;
    int32_t first, then;
    const char *rule;
} rig_zones[] = {{"zone:Test/Berlin", 3600, 3600, "CET-1CEST,M3.5.0,M10.5.0/3"},
                 {"zone:Test/Sydney", 36000, 36000, "AEST-10AEDT,M10.1.0,M4.1.0/3"},
                 {"zone:Test/Old", -3600, 1800, ""},
                 {"zone:Test/Bad", 0, 0, "what is this"}};

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
    for (size_t k = 0; k < sizeof rig_zones / sizeof rig_zones[0]; k++)
        if (strcmp(rig_zones[k].name, name) == 0) {
            bb_buf_free(&kept[12 + k]);
            rig_zone(&kept[12 + k], rig_zones[k].first, rig_zones[k].then, rig_zones[k].rule);
            *value = bytes_of(&kept[12 + k]);
            return 0;
        }
    snprintf(err->text, sizeof err->text, "there is no file %s", name);
    return -1;
}

/* steps as JSON; NULL with the first mistake in m. */
static inline struct bb_transform *compile_steps(const char *steps, struct mistake *m)
{
    struct bb_transform_source src = {.arg = m, .file = rig_file, .say = mistake_say};
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

/* A message's attributes that must be there, for "[{" RIG_HEAD "},...]". */
#define RIG_HEAD "\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"t\",\"type\":\"mfg.x\""

/* A copy with one to three bytes changed, one in eight cut short; of exactly its length, so that ASan sees
 * a read behind it. The caller frees it with damaged_free(). */
static inline struct bb_bytes damaged(const struct bb_buf *b)
{
    size_t len = rnd(8) ? b->len : rnd((unsigned)b->len);
    uint8_t *copy = malloc(b->len), *exact;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, b->ptr, b->len);
    for (unsigned k = 0; k < 1 + rnd(3); k++)
        copy[rnd((unsigned)b->len)] = (uint8_t)rnd(256);
    exact = realloc(copy, len ? len : 1);
    ck_assert_ptr_nonnull(exact);
    return (struct bb_bytes){exact, len};
}

static inline void damaged_free(struct bb_bytes v)
{
    free((void *)(uintptr_t)v.ptr);
}

#endif

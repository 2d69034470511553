/*
 * transform_rig.h - values and rules from JSON, and a small random number
 */
#ifndef TRANSFORM_RIG_H
#define TRANSFORM_RIG_H

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

static inline struct bb_transform *compiled(const char *rules)
{
    struct bb_buf b;
    struct bb_fault f;
    char text[4096], where[256];
    struct bb_transform *t;
    snprintf(text, sizeof text, "[{\"map\":%s}]", rules);
    json_to(&b, text);
    t = bb_transform_compile(bytes_of(&b), where, sizeof where, &f);
    ck_assert_msg(t != NULL, "%s: %s at %s", rules, f.text, where);
    bb_buf_free(&b);
    return t;
}

static unsigned seed;
static inline unsigned rnd(unsigned n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 12) % n;
}

#endif

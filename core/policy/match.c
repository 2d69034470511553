/*
 * match.c - does a message match a route, and which lane is it in
 *
 * Reads the envelope only. A route matches when every attribute it names has one of the values
 * given for it; a value that ends in '*' stands for all that begin so.
 */
#include <stdlib.h>
#include <string.h>

#include "core/policy/policy.h"

#define MEMBER(n) {#n, offsetof(struct bb_envelope, n)}
static const struct {
    const char *name;
    size_t offset;
} members[] = {
    MEMBER(id),           MEMBER(source),      MEMBER(type),          MEMBER(subject),
    MEMBER(time),         MEMBER(dataschema),  MEMBER(datacontenttype), MEMBER(partitionkey),
    MEMBER(traceparent),  MEMBER(correlationid), MEMBER(causationid), MEMBER(plant),
    MEMBER(item),         MEMBER(revision),    MEMBER(change),        MEMBER(specversion),
};

static size_t member_offset(const char *name)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(members[i].name, name) == 0)
            return members[i].offset;
    return SIZE_MAX;
}

static bool attribute(const struct bb_envelope *e, size_t offset, const char *name,
                      struct bb_bytes *out)
{
    if (offset == SIZE_MAX)
        return bb_envelope_get(e, name, out) == 1;
    *out = *(const struct bb_bytes *)((const char *)e + offset);
    return out->ptr != NULL;
}

int bb_matcher_init(struct bb_matcher *m, const struct bb_match_rule *rules, size_t n, const char *order_by)
{
    m->n = n;
    m->rules = calloc(m->n ? m->n : 1, sizeof *m->rules);
    if (!m->rules)
        return -1;
    for (size_t i = 0; i < m->n; i++) {
        m->rules[i].rule = &rules[i];
        m->rules[i].offset = member_offset(rules[i].attribute);
    }
    m->order_by = order_by;
    m->order_offset = order_by ? member_offset(order_by) : SIZE_MAX;
    return 0;
}

void bb_matcher_free(struct bb_matcher *m)
{
    free(m->rules);
    m->rules = NULL;
}

static bool value_fits(const char *pattern, struct bb_bytes v)
{
    size_t n = strlen(pattern);

    if (n && pattern[n - 1] == '*')
        return v.len >= n - 1 && memcmp(v.ptr, pattern, n - 1) == 0;
    return v.len == n && memcmp(v.ptr, pattern, n) == 0;
}

/* The first rule that does not hold, and what stands there instead (empty: no such attribute); NULL:
 * all hold. */
static const struct bb_match_rule *first_miss(const struct bb_matcher *m, const struct bb_envelope *e,
                                              struct bb_bytes *v)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct bb_match_rule *rule = m->rules[i].rule;
        bool hit = false;

        if (!attribute(e, m->rules[i].offset, rule->attribute, v)) {
            *v = (struct bb_bytes){NULL, 0};
            return rule;
        }
        for (size_t k = 0; k < rule->n && !hit; k++)
            hit = value_fits(rule->values[k], *v);
        if (!hit)
            return rule;
    }
    return NULL;
}

bool bb_route_may_match(const struct bb_route_config *r, const char *attribute, const char *value)
{
    struct bb_bytes v = {value, strlen(value)};

    for (size_t i = 0; i < r->n_match; i++) {
        bool hit = strcmp(r->match[i].attribute, attribute) != 0;

        for (size_t k = 0; k < r->match[i].n && !hit; k++)
            hit = value_fits(r->match[i].values[k], v);
        if (!hit)
            return false;
    }
    return true;
}

bool bb_matcher_test(const struct bb_matcher *m, const struct bb_envelope *e)
{
    struct bb_bytes unused;

    return !first_miss(m, e, &unused);
}

int bb_route_match(const struct bb_route_config *r, const struct bb_envelope *e,
                   const struct bb_match_rule **miss, struct bb_bytes *found)
{
    struct bb_matcher m;

    if (bb_matcher_init(&m, r->match, r->n_match, NULL) != 0)
        return -1;
    *miss = first_miss(&m, e, found);
    bb_matcher_free(&m);
    return *miss == NULL;
}

/* Lane 0 is "no order"; 1 is shared by the messages that lack the key. Two keys that collide in
 * 64 bits share a lane, which costs order nothing. */
uint64_t bb_matcher_lane(const struct bb_matcher *m, const struct bb_envelope *e)
{
    struct bb_bytes v;
    uint64_t x = 0xcbf29ce484222325u;

    if (!m->order_by)
        return 0;
    if (!attribute(e, m->order_offset, m->order_by, &v))
        return 1;
    for (size_t i = 0; i < v.len; i++)
        x = (x ^ ((const uint8_t *)v.ptr)[i]) * 0x100000001b3u;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    x ^= x >> 32;
    return x < 2 ? x + 2 : x;
}

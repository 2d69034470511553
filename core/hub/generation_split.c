/*
 * generation_split.c - routes that take the same message apart give its children different ids
 *
 * A child's id is the id of what was accepted, the step's `as`, and a number. Two routes from one endpoint
 * that split the same message under the same `as` (or none) make different messages of one id: with claims
 * the later ones are conflicts, quarantined; without, a target sees one id twice. So `check` refuses it.
 * An explode has no `as`: of two of them it can only warn, for their rules may exclude each other.
 *
 * Thread: any, before the hub starts. Ownership: nothing is kept.
 */
#include "core/hub/generation_internal.h"

#include <string.h>

static bool values_meet(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    bool open_a = n && a[n - 1] == '*', open_b = m && b[m - 1] == '*';

    n -= open_a;
    m -= open_b;
    if (open_a && open_b)
        return strncmp(a, b, n < m ? n : m) == 0;
    if (open_a)
        return m >= n && strncmp(a, b, n) == 0;
    if (open_b)
        return n >= m && strncmp(a, b, m) == 0;
    return n == m && strncmp(a, b, n) == 0;
}

static bool rules_meet(const struct bb_match_rule *a, const struct bb_match_rule *b)
{
    if (strcmp(a->attribute, b->attribute) != 0)
        return true;
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < b->n; k++)
            if (values_meet(a->values[i], b->values[k]))
                return true;
    return false;
}

/* May one message match both? */
static bool routes_meet(const struct bb_route_config *a, const struct bb_route_config *b)
{
    for (size_t i = 0; i < a->n_match; i++)
        for (size_t k = 0; k < b->n_match; k++)
            if (!rules_meet(&a->match[i], &b->match[k]))
                return false;
    return true;
}

static const struct bb_step_config *last_of(const struct bb_route_config *r)
{
    return &r->steps[r->n_steps - 1];
}

static bool is_split(const struct bb_route_config *r)
{
    return strcmp(last_of(r)->kind, "split") == 0;
}

static struct bb_bytes as_of(const struct bb_route_config *r)
{
    struct bb_bytes v, text = {"", 0};

    if (is_split(r) && bb_map_get(last_of(r)->config, "as", &v) == 1)
        bb_as_str(v, &text);
    return text;
}

static void say(const struct bb_route_config *r, const struct bb_route_config *other, struct bb_bytes as,
                struct bb_diags *d)
{
    const char *mend = is_split(r)       ? "give this one another as: (a word in the ids)"
                       : is_split(other) ? "give that one an as: (a word in the ids)"
                                         : "put the rules into one explode, or let their match exclude each other";

    bb_config_diag(d, is_split(r) || is_split(other) ? BB_SEV_ERROR : BB_SEV_WARNING, last_of(r)->where,
                   "route \"%s\": route \"%s\" may take the same message of endpoint \"%s\" apart, and the ids "
                   "of what they make would be the same (ID/%.*s%s1): %s",
                   r->name, other->name, r->from, (int)as.len, (const char *)as.ptr, as.len ? "/" : "", mend);
}

void gen_splits_check(const struct bb_generation *g, struct bb_diags *d)
{
    const struct bb_config *c = g->config;

    for (size_t i = 0; i < c->n_routes; i++)
        for (size_t k = i + 1; gen_ends_in_split(&c->routes[i]) && k < c->n_routes; k++) {
            const struct bb_route_config *a = &c->routes[i], *b = &c->routes[k];
            struct bb_bytes as, other;

            if (!gen_ends_in_split(b) || strcmp(a->from, b->from) != 0 || !routes_meet(a, b))
                continue;
            as = as_of(a);
            other = as_of(b);
            if (as.len != other.len || (as.len && memcmp(as.ptr, other.ptr, as.len) != 0))
                continue;
            say(a, b, as, d);
            say(b, a, as, d);
        }
}

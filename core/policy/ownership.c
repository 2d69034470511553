/*
 * ownership.c - which endpoint may say what: a domain, a plant, some fields of it
 *
 *   policies:
 *     ownership:
 *       stock: {match: {type: mfg.inventory.*, plant: "1000"}, owner: wms}
 *       planning: {match: {type: mfg.item.*}, fields: [/data/planning], owner: erp, foreign: refuse}
 *
 * A message that a rule matches, and that has one of its fields where it names some, may come from the
 * rule's owners alone. What follows from what was accepted (split, explode, emit) is not asked again.
 */
#include "core/policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule {
    struct bb_matcher matcher;
    struct bb_owned owned;
};
struct bb_owners {
    size_t n;
    struct rule v[];
};

static void text_make(struct bb_owned *o)
{
    const struct bb_ownership *r = o->rule;
    char who[200] = "", brief[260];
    size_t len = 0;

    for (size_t i = 0; i < r->n_owners && len < sizeof who; i++)
        len += (size_t)snprintf(who + len, sizeof who - len, "%s\"%s\"", i ? ", " : "", r->owners[i]);
    snprintf(brief, sizeof brief, "ownership \"%s\": only %.150s may say this", r->name, who);
    snprintf(o->text, sizeof o->text, "%.255s (%.120s:%u)", brief,
             r->where.file ? r->where.file : "conf.d", r->where.line);
    memcpy(o->brief, brief, sizeof o->brief);
}

int bb_owners_new(const struct bb_config *c, struct bb_owners **out)
{
    struct bb_owners *o;

    *out = NULL;
    if (!c->n_ownership)
        return 0;
    o = calloc(1, sizeof *o + c->n_ownership * sizeof *o->v);
    if (!o)
        return -1;
    for (; o->n < c->n_ownership; o->n++) {
        struct rule *r = &o->v[o->n];

        r->owned.rule = &c->ownership[o->n];
        if (bb_matcher_init(&r->matcher, r->owned.rule->match, r->owned.rule->n_match, NULL) != 0) {
            bb_owners_free(&o);
            return -1;
        }
        text_make(&r->owned);
    }
    *out = o;
    return 0;
}

void bb_owners_free(struct bb_owners **op)
{
    for (size_t i = 0; *op && i < (*op)->n; i++)
        bb_matcher_free(&(*op)->v[i].matcher);
    free(*op);
    *op = NULL;
}

static bool has_fields(const struct bb_ownership *r, const struct bb_envelope *e)
{
    struct bb_bytes unused;

    for (size_t i = 0; i < r->n_fields; i++)
        if (bb_pointer_get(e->data, r->fields[i] + strlen("/data"), &unused) == 1)
            return true;
    return r->n_fields == 0;
}

static bool owns(const struct bb_ownership *r, const char *endpoint)
{
    for (size_t i = 0; i < r->n_owners; i++)
        if (strcmp(r->owners[i], endpoint) == 0)
            return true;
    return false;
}

const struct bb_owned *bb_owners_foreign(const struct bb_owners *o, const char *endpoint, const struct bb_envelope *e)
{
    for (size_t i = 0; o && i < o->n; i++)
        if (!owns(o->v[i].owned.rule, endpoint) && bb_matcher_test(&o->v[i].matcher, e) &&
            has_fields(o->v[i].owned.rule, e))
            return &o->v[i].owned;
    return NULL;
}

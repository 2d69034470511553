/*
 * split.c - the steps split and explode: a message becomes other messages, its children
 *
 *   split:   one rule; each entry of the list `at` becomes a message
 *   explode: a list of rules; each makes a message of the value at `data`, or one of each entry of
 *            the list `each`, if that is there
 *
 * A child has the attributes of its parent, as the steps before left them, but for: id (the parent's
 * as it was accepted, "/" and a number from 1 over all children; between them the step's `as`),
 * causationid (the parent's id), correlationid (the parent's, or its id), generation (one more),
 * type and dataschema (the rule's). The ids depend on nothing but the message and the configuration.
 *
 * Thread: any. Ownership: a step owns its rules. Invariant: a child is a whole canonical message.
 */
#include "core/transform/split/split.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHILD_MAX (256u << 20) /* the host's limit is lower */

struct work {
    struct bb_apply *a;
    const struct bb_split *s;
    const struct bb_split_rule *r;
    struct bb_envelope parent; /* as it was accepted */
    struct bb_ref_message m;   /* as the steps before left it, and the entry */
    int64_t generation;        /* of the children */
    uint32_t made, entry;      /* entry: from 1; 0: the rule has no list */
    struct bb_buf child;
};

static bb_status fail(struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bb_status fail(struct work *w, const char *fmt, ...)
{
    char text[140], rule[24] = "", entry[24] = "";
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (w->s->n > 1)
        snprintf(rule, sizeof rule, " rule %u", (unsigned)(w->r - w->s->rules) + 1);
    if (w->entry)
        snprintf(entry, sizeof entry, " entry %u", w->entry);
    return bb_apply_reject(w->a, "mapping", "step %u (%s)%s%s: %s", w->a->step, w->s->name, rule, entry,
                           text);
}

static void put_pair(struct bb_buf *b, const char *name, struct bb_bytes text)
{
    bb_put_cstr(b, name);
    bb_put_str(b, text.ptr, text.len);
}

/* The parent's attribute that the child has, too. */
static bool inherited(const struct bb_split_rule *r, struct bb_bytes name)
{
    static const char *const own[] = {"specversion", "id", "source", "type", "causationid",
                                      "correlationid", "generation", "dataschema"};

    for (uint32_t k = 0; k < r->attributes.n; k++)
        if (bb_bytes_are(name, r->attributes.v[k].name))
            return false;
    return bb_word_of(name, own, sizeof own / sizeof *own) == sizeof own / sizeof *own;
}

/* A text, or a number as its text. */
static bb_status put_attribute(struct work *w, const struct bb_split_pair *p)
{
    struct bb_bytes v, text;
    struct bb_tok t;
    char small[32];
    int rc = bb_ref_get(&p->ref, &w->m, &v);

    if (rc < 0)
        return fail(w, "damaged at %.60s", p->ref.pointer);
    if (!rc || !bb_scalar_of(v, &t))
        return rc ? fail(w, "%s at %.60s cannot be attribute %s", bb_kind_of(v), p->ref.pointer, p->name)
                  : fail(w, "no value at %.60s for attribute %s", p->ref.pointer, p->name);
    if (!bb_scalar_text(&t, small, &text))
        return fail(w, "no value at %.60s for attribute %s", p->ref.pointer, p->name);
    put_pair(&w->child, p->name, text);
    return BB_OK;
}

static bb_status put_attributes(struct work *w)
{
    const struct bb_envelope *p = &w->parent;
    struct bb_bytes name, value;
    struct bb_buf *b = &w->child;
    uint32_t n, keep = 0;
    char number[24], id[BB_ATTRIBUTE_MAX + BB_SPLIT_WORD_MAX + 32];
    bb_status s = BB_OK;
    struct bb_cur c;
    int len;

    if (!bb_group_of(w->m.e.attributes, BB_T_MAP, &c, &n))
        return fail(w, "damaged attributes");
    for (struct bb_cur look = c; n && bb_pair_next(&look, &name, &value) == 0; n--)
        keep += inherited(w->r, name);
    snprintf(number, sizeof number, "%u", w->made + 1);
    len = snprintf(id, sizeof id, "%.*s/%s%s%s", (int)p->id.len, (const char *)p->id.ptr,
                   w->s->as ? w->s->as : "", w->s->as ? "/" : "", number);
    bb_put_map(b, 7 + (w->r->schema != NULL) + keep + w->r->attributes.n);
    bb_put_cstr(b, "specversion");
    bb_put_cstr(b, "1.0");
    put_pair(b, "id", (struct bb_bytes){id, (size_t)len});
    put_pair(b, "source", p->source);
    put_pair(b, "type", (struct bb_bytes){w->r->type, strlen(w->r->type)});
    put_pair(b, "causationid", p->id);
    put_pair(b, "correlationid", p->correlationid.len ? p->correlationid : p->id);
    bb_put_cstr(b, "generation");
    bb_put_int(b, w->generation);
    if (w->r->schema)
        put_pair(b, "dataschema", (struct bb_bytes){w->r->schema, strlen(w->r->schema)});
    bb_group_of(w->m.e.attributes, BB_T_MAP, &c, &n);
    for (; n && bb_pair_next(&c, &name, &value) == 0; n--) {
        if (!inherited(w->r, name))
            continue;
        bb_put_str(b, name.ptr, name.len);
        bb_put_raw(b, value);
    }
    for (uint32_t k = 0; k < w->r->attributes.n && s == BB_OK; k++)
        s = put_attribute(w, &w->r->attributes.v[k]);
    return s;
}

/* The entry, or a map of the header's fields and the entry's own (or the entry under a key). */
static bb_status put_data(struct work *w)
{
    const struct bb_split_rule *r = w->r;
    struct bb_bytes v;
    struct bb_cur c;
    uint32_t n = 0;

    if (!r->under && !r->header.n) {
        bb_put_raw(&w->child, w->m.entry);
        return BB_OK;
    }
    if (!r->under && !bb_group_of(w->m.entry, BB_T_MAP, &c, &n))
        return fail(w, "%s cannot take the header's fields; say under: a key for it",
                    bb_kind_of(w->m.entry));
    bb_put_map(&w->child, r->header.n + (r->under ? 1 : n));
    for (uint32_t k = 0; k < r->header.n; k++) {
        if (bb_ref_get(&r->header.v[k].ref, &w->m, &v) != 1)
            return fail(w, "no value at %.60s for field %.40s", r->header.v[k].ref.pointer,
                        r->header.v[k].name);
        bb_put_cstr(&w->child, r->header.v[k].name);
        bb_put_raw(&w->child, v);
    }
    if (r->under) {
        bb_put_cstr(&w->child, r->under);
        bb_put_raw(&w->child, w->m.entry);
    } else {
        bb_put_raw(&w->child, (struct bb_bytes){c.p, (size_t)(c.end - c.p)});
    }
    return BB_OK;
}

static bb_status make(struct work *w, struct bb_bytes value)
{
    struct bb_fault bad = {0};
    bb_status s;
    int rc;

    w->m.entry = value;
    rc = bb_ref_holds(w->r->when, &w->m);
    if (rc <= 0)
        return rc ? fail(w, "the condition compares what is no number") : BB_OK;
    bb_buf_reset(&w->child);
    bb_put_array(&w->child, 2);
    s = put_attributes(w);
    if (s == BB_OK)
        s = put_data(w);
    if (s != BB_OK)
        return s;
    if (w->child.failed)
        return BB_E_RETRY; /* no memory */
    if (bb_message_check((struct bb_bytes){w->child.ptr, w->child.len}, &bad) != 0)
        return fail(w, "the message would not be canonical: %.90s", bad.text);
    w->made++;
    return bb_apply_child(w->a, (struct bb_bytes){w->child.ptr, w->child.len});
}

static bb_status run_rule(struct work *w)
{
    struct bb_bytes v, entry;
    bb_status s = BB_OK;
    struct bb_cur c;
    uint32_t n;
    int rc;

    w->entry = 0;
    w->m.entry = (struct bb_bytes){NULL, 0};
    rc = bb_ref_get(&w->r->at, &w->m, &v);
    if (rc < 0)
        return fail(w, "damaged at %.80s", w->r->at.pointer);
    if (rc == 0 || (v.len == 1 && *(const uint8_t *)v.ptr == 0xc0))
        return w->s->n == 1 && w->r->each ? fail(w, "no list at %.80s", w->r->at.pointer) : BB_OK;
    if (!w->r->each)
        return make(w, v);
    if (!bb_group_of(v, BB_T_ARRAY, &c, &n))
        return fail(w, "%s at %.80s is no list", bb_kind_of(v), w->r->at.pointer);
    for (w->entry = 1; w->entry <= n && s == BB_OK; w->entry++)
        s = bb_cur_value(&c, &entry) == 0 ? make(w, entry) : fail(w, "damaged");
    w->entry = 0;
    return s;
}

static bb_status split_apply(const void *self, struct bb_apply *a, struct bb_bytes whole,
                             struct bb_buf *out)
{
    struct work w = {.a = a, .s = self};
    bb_status s = BB_OK;

    (void)out;
    w.r = w.s->rules;
    if (bb_envelope_read(a->original, &w.parent, NULL) != 0 || bb_envelope_read(whole, &w.m.e, NULL) != 0)
        return fail(&w, "damaged message");
    w.generation = bb_ref_generation(&w.parent) + 1;
    if (w.generation > BB_GENERATIONS_MAX)
        return fail(&w, "it comes from splits of splits, %d deep: does a route split what it makes?",
                    BB_GENERATIONS_MAX);
    bb_buf_init(&w.child, CHILD_MAX);
    for (uint32_t k = 0; k < w.s->n && s == BB_OK; k++) {
        w.r = &w.s->rules[k];
        s = run_rule(&w);
    }
    bb_buf_free(&w.child);
    if (s != BB_OK || w.made)
        return s;
    w.r = w.s->rules;
    if (w.s->empty_fails)
        return fail(&w, w.s->n > 1 ? "no rule makes a message of it" : "no entry becomes a message");
    bb_fail(a->err, "step %u (%s): no entry becomes a message", a->step, w.s->name);
    return BB_E_CANCEL;
}

const struct bb_step_ops bb_step_split = {.name = "split", .pure = true, .splits = true,
                                          .compile = bb_split_compile, .apply = split_apply,
                                          .free = bb_split_free};
const struct bb_step_ops bb_step_explode = {.name = "explode", .pure = true, .splits = true,
                                            .compile = bb_explode_compile, .apply = split_apply,
                                            .free = bb_split_free};

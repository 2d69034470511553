/*
 * object.c - the members of an object, in one walk; and what no other keyword has looked at
 *
 * Each member is found in the node's table by name, then tried with the patterns; what neither
 * knows is "additional". Thread: the run's.
 */
#include "core/schema/internal.h"

static bool member_has(struct bb_schema_run *r, const uint8_t *p, struct bb_bytes name)
{
    struct bb_cur c = {p, r->end};
    struct bb_tok t = {0}, key;

    if (bb_cur_read(&c, &t) != 0 || !bb_run_work(r, t.n))
        return false;
    while (t.n--) {
        if (bb_cur_read(&c, &key) != 0 || key.kind != BB_T_STR) {
            bb_run_fault(r, "the bytes are no canonical value");
            return false;
        }
        if (key.s.len == name.len && memcmp(key.s.ptr, name.ptr, name.len) == 0)
            return true;
        if (bb_cur_skip(&c) != 0) {
            bb_run_fault(r, "the bytes are no canonical value");
            return false;
        }
    }
    return false;
}

static bool missing(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                    struct bb_bytes name)
{
    char quoted[44];

    return bb_run_fail(r, n, "required", p, "lacks the property \"%s\"",
                       r->gather ? bb_fault_quote(quoted, name.ptr, name.len) : "");
}

static bool required_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                           uint64_t seen)
{
    const struct bb_sobj *o = n->obj;
    uint64_t lack = o->required & ~seen;
    uint32_t i;

    if (lack && !r->gather)
        return false;
    for (i = 0; lack && i < o->keys->n; i++)
        if (o->keys->v[i].bit >= 0 && (lack >> o->keys->v[i].bit & 1) &&
            !missing(r, n, p, (struct bb_bytes){o->keys->v[i].key, o->keys->v[i].len}))
            return false;
    for (i = 0; i < o->n_late; i++)
        if (!member_has(r, p, o->late[i]) && (r->faulted || !missing(r, n, p, o->late[i])))
            return false;
    return true;
}

static bool depends_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                          struct bb_smarks *marks)
{
    const struct bb_sdepend *d = n->obj->depends, *end = d + n->obj->n_depends;
    char a[44], b[44];
    uint32_t i;

    for (; d < end; d++) {
        if (!member_has(r, p, d->key)) {
            if (r->faulted)
                return false;
            continue;
        }
        for (i = 0; i < d->n; i++)
            if (!member_has(r, p, d->names[i]) &&
                (r->faulted ||
                 !bb_run_fail(r, n, "dependentRequired", p,
                              "with \"%s\", the property \"%s\" must be there too",
                              bb_fault_quote(a, d->key.ptr, d->key.len),
                              bb_fault_quote(b, d->names[i].ptr, d->names[i].len))))
                return false;
        if (d->node && !bb_node_check(r, d->node, p, marks))
            return false;
    }
    return true;
}

/* A member that nothing allows. */
static bool excess(struct bb_schema_run *r, const struct bb_snode *n, const char *keyword,
                   const uint8_t *value, struct bb_bytes name)
{
    char quoted[44], names[32][44];
    const char *near = NULL, *list[32];
    const struct bb_stable *keys = n->obj->keys;
    uint32_t i, k = 0;

    if (!r->gather)
        return false;
    bb_fault_quote(quoted, name.ptr, name.len);
    for (i = 0; keys && i < keys->n && k < 32; i++)
        if (keys->v[i].node || keys->v[i].bit >= 0) {
            list[k] = bb_fault_quote(names[k], keys->v[i].key, keys->v[i].len);
            k++;
        }
    if (k)
        near = bb_nearest(quoted, list, k);
    return bb_run_fail(r, n, keyword, value, "the property \"%s\" is not allowed here%s%s%s",
                       quoted, near ? ": did you mean \"" : "", near ? near : "",
                       near ? "\"?" : "");
}

struct member {
    const uint8_t *key, *value;
    const uint8_t *end; /* of the value; NULL until something looked at it */
    uint64_t bit;
    bool known;
};

static bool member_run(struct bb_schema_run *r, const struct bb_snode *child, struct member *m)
{
    m->known = true;
    m->end = bb_node_swift(child, m->value, r->end);
    if (!m->end)
        m->end = bb_node_check(r, child, m->value, NULL);
    return m->end != NULL;
}

static void member_note(struct bb_sframe *f, unsigned id, const uint8_t *value)
{
    if (f->seen >> id & 1)
        f->known = 0; /* twice: no canonical value, and each is to be looked at */
    f->seen |= (uint64_t)1 << id;
    f->at[id] = value;
}

static bool member_check(struct bb_schema_run *r, const struct bb_snode *n, struct bb_bytes name,
                         struct member *m, struct bb_sframe *frame)
{
    const struct bb_sobj *o = n->obj;
    const struct bb_sentry *e = o->keys ? bb_stable_find(o->keys, name) : NULL;
    bool holds;
    uint32_t i;

    if (e) {
        m->bit = e->bit >= 0 ? (uint64_t)1 << e->bit : 0;
        if (frame && e->watch)
            member_note(frame, e->watch - 1u, m->value);
        if (e->node && !member_run(r, e->node, m))
            return false;
    }
    for (i = 0; i < o->n_patterns; i++) {
        if (!bb_run_pattern(r, o->patterns[i].pattern, name, &holds) ||
            (holds && !member_run(r, o->patterns[i].node, m)))
            return false;
    }
    if (!m->known && o->additional) {
        m->known = true;
        if (o->additional->flags & BB_NODE_NEVER)
            return excess(r, n, "additionalProperties", m->value, name);
        return member_run(r, o->additional, m);
    }
    return true;
}

/* A key and a skip, for the short forms that most have; the fields are filled one by one so that
 * none is read in other pieces than it was written, which stalls. */
static inline bool key_read(struct bb_cur *c, struct bb_bytes *key)
{
    struct bb_tok t;

    if (c->p < c->end && (*c->p & 0xe0) == 0xa0 && (*c->p & 0x1f) < c->end - c->p) {
        key->ptr = c->p + 1;
        key->len = *c->p & 0x1f;
        c->p += 1 + key->len;
        return true;
    }
    if (bb_cur_read(c, &t) != 0 || t.kind != BB_T_STR)
        return false;
    key->ptr = t.s.ptr;
    key->len = t.s.len;
    return true;
}

static inline bool value_skip(struct bb_cur *c)
{
    if (c->p < c->end && (*c->p & 0xe0) == 0xa0 && (*c->p & 0x1f) < c->end - c->p) {
        c->p += 1 + (*c->p & 0x1f);
        return true;
    }
    return bb_cur_skip(c) == 0;
}

static const uint8_t *members_check(struct bb_schema_run *r, const struct bb_snode *n,
                                    struct bb_cur c, uint32_t count, struct bb_smarks *marks,
                                    uint64_t *seen, struct bb_sframe *frame)
{
    struct bb_spath path = {r->path, {NULL, 0}, 0};
    uint32_t i;

    for (i = 0; i < count; i++) {
        struct member m = {.key = c.p};
        bool good;
        if (!key_read(&c, &path.key))
            return bb_run_fault(r, "the bytes are no canonical value");
        m.value = c.p;
        r->path = &path;
        good = member_check(r, n, path.key, &m, frame) &&
               (!n->obj->names || bb_node_check(r, n->obj->names, m.key, NULL));
        r->path = path.up;
        if (!good)
            return NULL;
        *seen |= m.bit;
        if (m.known && marks)
            bb_marks_set(marks, i);
        if (m.end)
            c.p = m.end;
        else if (!value_skip(&c))
            return bb_run_fault(r, "the bytes are no canonical value");
    }
    return c.p;
}

/* An object whose members were noted: all that n asks for is among the notes. */
static const uint8_t *noted_check(struct bb_schema_run *r, const struct bb_sobj *o,
                                  const struct bb_sframe *f)
{
    const struct bb_sentry *e = o->keys->v, *end = e + o->keys->n;

    for (; e < end; e++) {
        unsigned id = e->watch - 1u;
        if (!(f->seen >> id & 1)) {
            if (e->bit >= 0)
                return NULL;
        } else if (e->node && !bb_node_swift(e->node, f->at[id], r->end) &&
                   !bb_node_check(r, e->node, f->at[id], NULL)) {
            return NULL;
        }
    }
    return f->end;
}

static bool frame_new(struct bb_schema_run *r, const struct bb_sobj *o, const uint8_t *p,
                      struct bb_sframe **frame)
{
    struct bb_sframe *f;

    if (!o->watch)
        return true;
    f = bb_run_get(r, sizeof(*f) + r->s->n_watch * sizeof(*f->at));
    if (!f)
        return false;
    f->p = p;
    f->known = o->watch;
    *frame = f;
    return true;
}

const uint8_t *bb_object_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                               struct bb_cur c, uint32_t count, struct bb_smarks *marks)
{
    const struct bb_sobj *o = n->obj;
    const struct bb_sframe *noted = r->frame;
    struct bb_sframe *frame = NULL;
    const uint8_t *end;
    uint64_t seen = 0;

    if (noted && noted->p == p && o->need && !(o->need & ~noted->known) && !r->gather && !marks)
        return noted_check(r, o, noted);
    if (count < o->min &&
        !bb_run_fail(r, n, "minProperties", p, "has %u properties: at least %u", count, o->min))
        return NULL;
    if (count > o->max &&
        !bb_run_fail(r, n, "maxProperties", p, "has %u properties: at most %u", count, o->max))
        return NULL;
    if (!bb_run_work(r, count) || !frame_new(r, o, p, &frame))
        return NULL;
    end = members_check(r, n, c, count, marks, &seen, frame);
    if (!end)
        return NULL;
    if (frame) {
        frame->end = end;
        r->frame = frame;
    }
    if ((o->required & ~seen || o->n_late) && !required_check(r, n, p, seen))
        return NULL;
    if (o->n_depends && !depends_check(r, n, p, marks))
        return NULL;
    return end;
}

/* ---- what nothing has looked at ----------------------------------------------------------------- */
static bool rest_check(struct bb_schema_run *r, const struct bb_snode *n,
                       const struct bb_snode *child, const uint8_t *value, struct bb_bytes name,
                       uint32_t i)
{
    if (!(child->flags & BB_NODE_NEVER))
        return bb_node_check(r, child, value, NULL) != NULL;
    if (name.ptr)
        return excess(r, n, "unevaluatedProperties", value, name);
    return bb_run_fail(r, n, "unevaluatedItems", value, "the item %u is not allowed here", i);
}

bool bb_unevaluated_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                          struct bb_smarks *marks)
{
    struct bb_spath path = {r->path, {NULL, 0}, 0};
    struct bb_cur c = {p, r->end};
    struct bb_tok t, key = {0};
    const struct bb_snode *child;
    uint32_t i;
    bool good = true;

    if (bb_cur_read(&c, &t) != 0 || marks->all)
        return marks->all;
    child = t.kind == BB_T_MAP ? n->obj->unevaluated : n->arr->unevaluated;
    for (i = 0; good && i < t.n; i++) {
        if (t.kind == BB_T_MAP && bb_cur_read(&c, &key) != 0)
            return false;
        if (!bb_marks_get(marks, i)) {
            path.key = key.s;
            path.index = i;
            r->path = &path;
            good = rest_check(r, n, child, c.p, key.s, i);
            r->path = path.up;
        }
        if (bb_cur_skip(&c) != 0)
            return false;
    }
    marks->all = true;
    return good;
}

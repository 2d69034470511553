/*
 * envelope.c - the attributes of a message: what routing reads
 *
 * One walk over the attributes fills the struct with pointers into the message. What is allowed
 * is decided in bb_attribute_check() alone, which the reader of CloudEvents JSON asks too.
 * Thread: any; no state, no memory.
 */
#include "codec.h"
#include <stddef.h>
#include <stdio.h>

/* The attributes with a member of their own, by length: slots_from[n] is the first of n bytes. */
enum { ANY, VERSION, FILLED }; /* what is asked of its value */
static const struct {
    const char *name;
    uint16_t member;
    uint8_t rule;
} slots[BB_SLOTS] = {
#define SLOT(n, rule)                                                                              \
    {                                                                                              \
#n, offsetof(struct bb_envelope, n), rule                                                  \
    }
    SLOT(id, FILLED),
    SLOT(type, FILLED),
    SLOT(time, ANY),
    SLOT(item, ANY),
    SLOT(plant, ANY),
    SLOT(source, FILLED),
    SLOT(change, ANY),
    SLOT(subject, ANY),
    SLOT(revision, ANY),
    SLOT(dataschema, ANY),
    SLOT(specversion, VERSION),
    SLOT(traceparent, ANY),
    SLOT(causationid, ANY),
    SLOT(partitionkey, ANY),
    SLOT(correlationid, ANY),
    SLOT(datacontenttype, ANY),
#undef SLOT
};
static const uint8_t slots_from[] = {0, 0, 0, 1, 1, 4, 5, 7, 8, 9, 9, 10, 13, 14, 15, 15, 16};
#define SLOT_LONGEST 15
#define NAME_LONGEST 20

struct bb_bytes *bb_envelope_slot(struct bb_envelope *e, int slot)
{
    return (struct bb_bytes *)(void *)((char *)e + slots[slot].member);
}

static int slot_find(struct bb_bytes name)
{
    if (name.len > SLOT_LONGEST)
        return -1;
    for (int i = slots_from[name.len]; i < slots_from[name.len + 1]; i++)
        if (memcmp(slots[i].name, name.ptr, name.len) == 0)
            return i;
    return -1;
}

static int name_valid(struct bb_bytes name)
{
    const uint8_t *p = name.ptr;

    if (name.len == 0 || name.len > NAME_LONGEST)
        return 0;
    for (size_t i = 0; i < name.len; i++)
        if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9')))
            return 0;
    return name.len != 4 || memcmp(p, "data", 4) != 0;
}

/* Text without control characters: it goes to logs and headers. */
static const char *value_fault(struct bb_bytes v)
{
    const uint8_t *p = v.ptr, *end = p + v.len;

    if (v.len > BB_ATTRIBUTE_MAX)
        return "is longer than 4096 bytes";
    while ((p = bb_text_run(p, end)) < end) {
        if (*p < 0x20)
            return "has a control character in it";
        if (*p == '"' || *p == '\\') {
            p++;
            continue;
        }
        int n = bb_utf8_seq(p, end);
        if (n <= 0)
            return "is not UTF-8";
        p += n;
    }
    return NULL;
}

int bb_attribute_check(struct bb_bytes name, const struct bb_tok *v, int *slot, char text[200])
{
    int s = slot_find(name);
    const char *why = NULL;
    char quoted[44];

    *slot = s;
    if (s < 0 && !name_valid(name)) {
        snprintf(text, 200, "\"%s\" cannot name an attribute: 1 to %d of a-z and 0-9, not \"data\"",
                 bb_fault_quote(quoted, name.ptr, name.len), NAME_LONGEST);
        return -1;
    }
    if (v->kind == BB_T_STR)
        why = value_fault(v->s);
    else if (s >= 0)
        why = "must be a string: put quotes around it";
    else if (v->kind != BB_T_INT && v->kind != BB_T_UINT)
        why = "must be a string or an integer";
    if (!why && s >= 0) {
        if (slots[s].rule == VERSION && (v->s.len != 3 || memcmp(v->s.ptr, "1.0", 3) != 0))
            why = "must be \"1.0\"";
        else if (slots[s].rule == FILLED && !v->s.len)
            why = "is empty";
    }
    if (!why)
        return 0;
    snprintf(text, 200, "attribute \"%s\" %s", bb_fault_quote(quoted, name.ptr, name.len), why);
    return -1;
}

const char *bb_envelope_missing(const struct bb_envelope *e)
{
    if (!e->specversion.ptr)
        return "specversion";
    if (!e->id.ptr)
        return "id";
    if (!e->source.ptr)
        return "source";
    return e->type.ptr ? NULL : "type";
}

static int same(struct bb_bytes a, struct bb_bytes b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* One attribute. others: names so far that have no member. */
static int read_attribute(struct bb_cur *c, const uint8_t *base, struct bb_envelope *e,
                          struct bb_bytes *others, uint32_t *n, struct bb_fault *err)
{
    size_t at = (size_t)(c->p - base), value_at;
    struct bb_tok k, v;
    char text[200], quoted[44];
    int slot, twice = 0;

    if (bb_cur_read(c, &k) != 0)
        return bb_fault_set(err, at, "the attributes are cut off");
    if (k.kind != BB_T_STR)
        return bb_fault_set(err, at, "an attribute's name must be a string");
    value_at = (size_t)(c->p - base);
    if (bb_cur_read(c, &v) != 0)
        return bb_fault_set(err, value_at, "the attributes are cut off");
    if (bb_attribute_check(k.s, &v, &slot, text) != 0)
        return bb_fault_set(err, value_at, "%s", text);
    if (slot >= 0) {
        struct bb_bytes *member = bb_envelope_slot(e, slot);
        twice = member->ptr != NULL;
        *member = v.s;
    } else {
        for (uint32_t i = 0; i < *n; i++)
            twice |= same(others[i], k.s);
        others[(*n)++] = k.s;
    }
    if (twice)
        return bb_fault_set(err, at, "duplicate attribute \"%s\"",
                            bb_fault_quote(quoted, k.s.ptr, k.s.len));
    return 0;
}

int bb_envelope_head(struct bb_cur *c, struct bb_envelope *e, struct bb_fault *err)
{
    const uint8_t *base = c->p, *map_at;
    struct bb_bytes others[BB_ATTRIBUTES_MAX];
    uint32_t n = 0;
    struct bb_tok t;
    const char *missing;

    memset(e, 0, sizeof(*e));
    if (bb_cur_read(c, &t) != 0 || t.kind != BB_T_ARRAY || t.n != 2)
        return bb_fault_set(err, 0, "not a message: an array of two, [attributes, data]");
    map_at = c->p;
    if (bb_cur_read(c, &t) != 0 || t.kind != BB_T_MAP)
        return bb_fault_set(err, (size_t)(map_at - base), "the attributes are not a map");
    if (t.n > BB_ATTRIBUTES_MAX)
        return bb_fault_set(err, (size_t)(map_at - base), "%u attributes: at most %d are allowed",
                            (unsigned)t.n, BB_ATTRIBUTES_MAX);
    for (uint32_t left = t.n; left; left--)
        if (read_attribute(c, base, e, others, &n, err) != 0)
            return -1;
    missing = bb_envelope_missing(e);
    if (missing)
        return bb_fault_set(err, 0, BB_TEXT_MISSING, missing);
    e->attributes.ptr = map_at;
    e->attributes.len = (size_t)(c->p - map_at);
    return 0;
}

int bb_envelope_read(struct bb_bytes whole, struct bb_envelope *e, struct bb_fault *err)
{
    struct bb_cur c = bb_cur_of(whole);
    const uint8_t *base = c.p;

    if (bb_envelope_head(&c, e, err) != 0)
        return -1;
    if (bb_cur_value(&c, &e->data) != 0)
        return bb_fault_set(err, (size_t)(c.p - base), "the data is cut off or not msgpack");
    if (c.p != c.end)
        return bb_fault_set(err, (size_t)(c.p - base), "bytes after the end of the message");
    return 0;
}

int bb_envelope_get(const struct bb_envelope *e, const char *name, struct bb_bytes *out)
{
    struct bb_bytes value;
    return bb_map_get(e->attributes, name, &value) == 1 && bb_as_str(value, out);
}

/* The order in which a built message has its attributes: CloudEvents' own first. */
static const char *const written[BB_SLOTS] = {
    "specversion",  "id",          "source",        "type",
    "subject",      "time",        "dataschema",    "datacontenttype",
    "partitionkey", "traceparent", "correlationid", "causationid",
    "plant",        "item",        "revision",      "change",
};

void bb_envelope_put(struct bb_buf *b, const struct bb_envelope *e)
{
    static const struct bb_bytes version = {"1.0", 3};
    struct bb_cur c = bb_cur_of(e->data);
    struct bb_envelope all = *e;
    uint32_t n = 0;

    if (e->data.len && (bb_cur_skip(&c) != 0 || c.p != c.end)) {
        b->failed = 1;
        return;
    }
    if (!all.specversion.ptr)
        all.specversion = version;
    for (int i = 0; i < BB_SLOTS; i++)
        n += bb_envelope_slot(&all, i)->ptr != NULL;
    bb_put_array(b, 2);
    bb_put_map(b, n);
    for (int i = 0; i < BB_SLOTS; i++) {
        struct bb_bytes name = {written[i], strlen(written[i])};
        const struct bb_bytes *v = bb_envelope_slot(&all, slot_find(name));
        if (!v->ptr)
            continue;
        bb_put_str(b, name.ptr, name.len);
        bb_put_str(b, v->ptr, v->len);
    }
    if (e->data.len)
        bb_put_raw(b, e->data);
    else
        bb_put_nil(b);
}

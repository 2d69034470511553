/*
 * event.c - CloudEvents 1.0 in JSON structured mode to a canonical message and back
 *
 * The members of the object are transcoded where they stand; "data" may come anywhere, and what
 * follows it is moved in front of it at the end. An attribute that is null counts as absent.
 * Depth: the object is one level, as the message's array is.
 * Thread: any. Memory: the buffer given, and the set of keys (keys.c).
 */
#include "codec.h"

#define MEMBERS_MAX (BB_ATTRIBUTES_MAX * 2) /* with those that are null */
#define MOVE_MAX 4096                       /* bytes moved with the help of the stack */
#define NAME_MAX_BYTES 24

struct event {
    struct bb_json r;
    uint32_t n;               /* attributes written */
    size_t data_at, data_len; /* from the base on; 0: none yet */
    struct bb_envelope seen;  /* a member with ptr set has been met */
    uint32_t members;
    struct name {
        uint8_t len;
        char s[NAME_MAX_BYTES];
    } names[MEMBERS_MAX];
};

static int event_fault(struct event *v, const uint8_t *where, const char *text)
{
    return bb_fault_set(v->r.err, (size_t)(where - v->r.start), "%s", text);
}

static size_t written(const struct event *v)
{
    return (size_t)(v->r.w - bb_json_base(&v->r));
}

/* Names are kept aside: null and data leave no key behind in the output. */
static int member_note(struct event *v, struct bb_bytes name, const uint8_t *where)
{
    struct name *n = &v->names[v->members];
    char quoted[44];

    if (name.len > NAME_MAX_BYTES)
        return 0; /* too long to be allowed: bb_attribute_check() says so */
    if (v->members == MEMBERS_MAX)
        return event_fault(v, where, "too many attributes: at most 64 are allowed");
    for (uint32_t i = 0; i < v->members; i++)
        if (v->names[i].len == name.len && memcmp(v->names[i].s, name.ptr, name.len) == 0)
            return bb_fault_set(v->r.err, (size_t)(where - v->r.start), "duplicate key \"%s\"",
                                bb_fault_quote(quoted, name.ptr, name.len));
    n->len = (uint8_t)name.len;
    memcpy(n->s, name.ptr, name.len);
    v->members++;
    return 0;
}

static int data_read(struct event *v)
{
    v->data_at = written(v);
    if (bb_json_value(&v->r, 1) != 0)
        return -1;
    v->data_len = written(v) - v->data_at;
    return 0;
}

/* The attribute whose key was written at key_at; p is at its value. */
static int attribute_read(struct event *v, size_t key_at, const uint8_t *name_src)
{
    struct bb_json *r = &v->r;
    const uint8_t *src = r->p;
    size_t value_at = written(v);
    struct bb_bytes name;
    struct bb_cur c;
    struct bb_tok t;
    char text[200];
    int slot;

    if (*src == '{' || *src == '[')
        return event_fault(v, src,
                           "an attribute must be a string or an integer; objects and "
                           "arrays belong into \"data\"");
    if (bb_json_value(r, 1) != 0)
        return -1;
    name = bb_key_bytes(bb_json_base(r) + key_at);
    c.p = bb_json_base(r) + value_at;
    c.end = r->w;
    if (bb_cur_next(&c, &t) != 0)
        return event_fault(v, src, "an attribute could not be read");
    if (t.kind ==
        BB_T_NIL) { /* absent, but its name must be one: ask with a value that any takes */
        t.kind = BB_T_STR;
        t.s.ptr = "1.0";
        t.s.len = 3;
        if (bb_attribute_check(name, &t, &slot, text) != 0)
            return event_fault(v, name_src, text);
        r->w = bb_json_base(r) + key_at;
        return 0;
    }
    if (t.kind == BB_T_BOOL) {
        r->w = bb_json_base(r) + value_at;
        if (bb_json_room(r, 6, src) != 0)
            return -1;
        name = bb_key_bytes(bb_json_base(r) + key_at);
        r->w = bb_head_str(r->w, t.i ? 4 : 5);
        t.s.ptr = memcpy(r->w, t.i ? "true" : "false", t.i ? 4 : 5);
        t.s.len = t.i ? 4 : 5;
        r->w += t.s.len;
        t.kind = BB_T_STR;
    }
    if (bb_attribute_check(name, &t, &slot, text) != 0)
        return event_fault(v, strstr(text, "cannot name") ? name_src : src, text);
    if (v->n == BB_ATTRIBUTES_MAX)
        return event_fault(v, name_src, "too many attributes: at most 64 are allowed");
    if (slot >= 0)
        bb_envelope_slot(&v->seen, slot)->ptr = r->start;
    v->n++;
    return 0;
}

static int bytes_are(struct bb_bytes s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

/* p is at the quote of a key. */
static int member_read(struct event *v)
{
    struct bb_json *r = &v->r;
    const uint8_t *src = r->p;
    size_t key_at = written(v);
    struct bb_bytes name;

    if (bb_json_string(r) != 0)
        return -1;
    name = bb_key_bytes(bb_json_base(r) + key_at);
    if (member_note(v, name, src) != 0)
        return -1;
    if (bytes_are(name, "data_base64"))
        return event_fault(v, src, "data_base64 is not taken: send \"data\" as JSON");
    bb_json_space(r);
    if (r->p == r->end || *r->p != ':')
        return bb_json_fault(r, r->p, "':' after a key");
    r->p++;
    bb_json_space(r);
    if (r->p == r->end)
        return bb_json_fault(r, r->p, "a value");
    if (bytes_are(name, "data")) {
        r->w = bb_json_base(r) + key_at;
        return data_read(v);
    }
    return attribute_read(v, key_at, src);
}

/* p is after the opening brace. */
static int members_read(struct event *v)
{
    struct bb_json *r = &v->r;

    bb_json_space(r);
    if (r->p < r->end && *r->p == '}') {
        r->p++;
        return 0;
    }
    for (;;) {
        bb_json_space(r);
        if (r->p == r->end || *r->p != '"')
            return bb_json_fault(r, r->p, "a key in quotes");
        if (member_read(v) != 0)
            return -1;
        bb_json_space(r);
        if (r->p == r->end || (*r->p != ',' && *r->p != '}'))
            return bb_json_fault(r, r->p, "',' or '}'");
        if (*r->p++ == '}')
            return 0;
    }
}

static void reverse(uint8_t *p, uint8_t *end)
{
    while (p < end) {
        uint8_t c = *p;
        *p++ = *--end;
        *end = c;
    }
}

/* Puts the n bytes at tail in front of those from p on. */
static void move_front(uint8_t *p, uint8_t *tail, size_t n)
{
    uint8_t aside[MOVE_MAX];

    if (n <= sizeof(aside)) {
        memcpy(aside, tail, n);
        memmove(p + n, p, (size_t)(tail - p));
        memcpy(p, aside, n);
    } else {
        reverse(p, tail);
        reverse(tail, tail + n);
        reverse(p, tail + n);
    }
}

/* The heads, and data to the end. */
static int event_close(struct event *v)
{
    struct bb_json *r = &v->r;
    unsigned wide = bb_head_size(v->n) - 1;
    uint8_t *base;

    if (bb_json_room(r, wide + !v->data_at, r->end - 1) != 0)
        return -1;
    base = bb_json_base(r);
    if (!v->data_at) {
        *r->w++ = 0xc0;
    } else {
        uint8_t *tail = base + v->data_at + v->data_len;
        if (tail < r->w)
            move_front(base + v->data_at, tail, (size_t)(r->w - tail));
    }
    if (wide) {
        memmove(base + 2 + wide, base + 2, (size_t)(r->w - base) - 2);
        r->w += wide;
    }
    base[0] = 0x92;
    bb_head_group(base + 1, 1, v->n);
    return 0;
}

static int event_run(struct event *v)
{
    struct bb_json *r = &v->r;
    const char *missing;

    bb_json_space(r);
    if (r->p == r->end || *r->p != '{')
        return bb_json_fault(r, r->p, "an event, a JSON object");
    if (bb_json_room(r, 2, r->p) != 0)
        return -1;
    r->p++;
    r->w += 2;
    if (members_read(v) != 0 || bb_json_after(r) != 0)
        return -1;
    missing = bb_envelope_missing(&v->seen);
    if (missing)
        return bb_fault_set(r->err, 0, BB_TEXT_MISSING, missing);
    return event_close(v);
}

int bb_event_read(struct bb_bytes json, struct bb_buf *b, struct bb_fault *err)
{
    struct event v;

    if (bb_json_begin(&v.r, json, b, err) != 0)
        return -1;
    v.n = 0;
    v.data_at = 0;
    v.data_len = 0;
    v.members = 0;
    memset(&v.seen, 0, sizeof(v.seen));
    return bb_json_end(&v.r, event_run(&v));
}

static int event_emit(struct bb_bytes whole, struct bb_buf *b, struct bb_fault *err)
{
    const uint8_t *base = whole.ptr;
    struct bb_envelope e;
    struct bb_cur c;
    struct bb_tok map;

    if (bb_envelope_read(whole, &e, err) != 0)
        return -1;
    c = bb_cur_of(e.attributes);
    if (bb_cur_read(&c, &map) != 0)
        return -1;
    for (uint32_t i = 0; i < map.n; i++) {
        bb_buf_put(b, i ? "," : "{", 1);
        if (bb_json_emit(&c, base, b, 0, err) != 0)
            return -1;
        bb_buf_put(b, ":", 1);
        if (bb_json_emit(&c, base, b, 0, err) != 0)
            return -1;
    }
    if (*(const uint8_t *)e.data.ptr != 0xc0) {
        c = bb_cur_of(e.data);
        bb_buf_put(b, ",\"data\":", 8);
        if (bb_json_emit(&c, base, b, 0, err) != 0)
            return -1;
    }
    bb_buf_put(b, "}", 1);
    return b->failed ? bb_fault_set(err, 0, "the text is larger than %zu bytes", b->max) : 0;
}

int bb_event_write(struct bb_bytes whole, struct bb_buf *b, struct bb_fault *err)
{
    size_t before = b->len;

    if (b->failed)
        return bb_fault_set(err, 0, "the buffer has failed before");
    if (event_emit(whole, b, err) == 0)
        return 0;
    b->len = before;
    b->failed = 0;
    return -1;
}

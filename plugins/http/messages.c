/*
 * messages.c - a request's body and headers as canonical messages
 *
 * CloudEvents 1.0 in the three modes of its HTTP binding, or plain JSON with the attributes that
 * the config's `envelope` names. All messages of a request are made before any is handed in, so
 * that a request is taken whole or not at all; what is wrong with it is listed, not only the
 * first.
 *
 * Thread: the instance's. Memory: s->out holds the messages until the next request, s->tmp is
 * scratch. Invariant: s->parts[0 .. r->messages) are whole messages in s->out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include "messages.h"

#define RECORDS_MAX 100000u
#define ATTRIBUTES_MAX 48

struct attr {
    struct bb_bytes name, value;
    const char *prefix; /* may be NULL */
    char number[24];
};

/* ---- parts ------------------------------------------------------------------------------------- */
int part_add(struct source *s, struct request *r, size_t at, struct problems *p)
{
    if (r->messages == s->cap_parts) {
        size_t cap = s->cap_parts ? s->cap_parts * 2 : 64;
        struct bb_bytes *v = cap > RECORDS_MAX * 2u ? NULL : realloc(s->parts, cap * sizeof *v);
        if (!v) {
            problem_set(p, 413, "more than %u messages in one request", RECORDS_MAX);
            return -1;
        }
        s->parts = v;
        s->cap_parts = cap;
    }
    s->parts[r->messages].ptr = (void *)at; /* an offset until parts_fix() */
    s->parts[r->messages++].len = s->out.len - at;
    return 0;
}

static void parts_fix(struct source *s, const struct request *r)
{
    for (size_t k = 0; k < r->messages; k++)
        s->parts[k].ptr = s->out.ptr + (size_t)s->parts[k].ptr;
}

void body_fault(struct source *s, struct bb_bytes json, size_t shift, size_t nth, int many,
                       const struct bb_fault *f, struct problems *p)
{
    struct bb_fault again = {0, ""};

    bb_buf_reset(&s->tmp);
    if (bb_json_read(json, &s->tmp, &again) != 0) {
        if (s->tmp.failed)
            problem_set(p, 413, "the body is too large when read");
        else
            problem_set(p, 400, "bad JSON at byte %zu: %s", shift + again.offset, again.text);
        return;
    }
    if (!p->status)
        problem_set(p, 422, many ? "one or more messages are not complete; nothing was accepted"
                                 : "%s", f->text);
    if (many)
        problem_add(p, "message %zu, byte %zu: %s", nth, shift + f->offset, f->text);
    else
        problem_add(p, "byte %zu: %s", shift + f->offset, f->text);
}

/* ---- attributes to messages ---------------------------------------------------------------------------- */
static void attr_put(struct bb_buf *b, const struct attr *a)
{
    char whole[BB_ATTRIBUTE_MAX + 256];
    size_t n = a->prefix ? strlen(a->prefix) : 0;

    bb_put_str(b, a->name.ptr, a->name.len);
    if (!n) {
        bb_put_str(b, a->value.ptr, a->value.len);
        return;
    }
    if (n > 255)
        n = 255;
    size_t m = a->value.len > BB_ATTRIBUTE_MAX ? BB_ATTRIBUTE_MAX : a->value.len;
    memcpy(whole, a->prefix, n);
    memcpy(whole + n, a->value.ptr, m);
    bb_put_str(b, whole, n + m);
}

static const struct attr *attr_find(const struct attr *v, size_t n, const char *name)
{
    for (size_t k = 0; k < n; k++)
        if (bb_str_is(v[k].name, name))
            return &v[k];
    return NULL;
}

static void attr_set(struct attr *v, size_t *n, const char *name, const char *value)
{
    if (*n < ATTRIBUTES_MAX)
        v[(*n)++] = (struct attr){.name = bb_str(name), .value = bb_str(value)};
}

/* Fills in what may be left out, writes the message up to its data. made: room for an id and time. */
static void head_put(struct source *s, struct request *r, struct attr *v, size_t n, size_t nth,
                     int many, char made[192])
{
    const char *id = NULL;
    char *now = made + 144;

    if (!attr_find(v, n, "id")) {
        id = request_header(r, "webhook-id");
        if (!id)
            id = request_header(r, "Idempotency-Key");
        if (id && *id && strlen(id) < 128) {
            snprintf(made, 144, many ? "%s/%zu" : "%s", id, nth);
        } else {
            bb_id_make(made);
            r->unprotected = 1;
        }
        attr_set(v, &n, "id", made);
    }
    if (!attr_find(v, n, "specversion"))
        attr_set(v, &n, "specversion", "1.0");
    if (!attr_find(v, n, "source"))
        attr_set(v, &n, "source", s->default_source);
    if (!attr_find(v, n, "time")) {
        bb_time_now(now);
        attr_set(v, &n, "time", now);
    }
    bb_put_array(&s->out, 2);
    bb_put_map(&s->out, (uint32_t)n);
    for (size_t k = 0; k < n; k++)
        attr_put(&s->out, &v[k]);
}

/* The message from at on is whole: note it, or say what is wrong with it. */
static int head_check(struct source *s, struct request *r, size_t at, size_t nth, int many,
                      struct problems *p)
{
    struct bb_envelope e;
    struct bb_fault f = {0, ""};

    if (s->out.failed) {
        problem_set(p, 413, "the messages of this request are too large together");
        return -1;
    }
    struct bb_bytes whole = {s->out.ptr + at, s->out.len - at};
    if (bb_envelope_read(whole, &e, &f) == 0)
        return part_add(s, r, at, p);
    if (!p->status)
        problem_set(p, 422, many ? "one or more messages are not complete; nothing was accepted"
                                 : "%s", f.text);
    problem_add(p, many ? "message %zu: %s" : "%.0zu%s", nth, f.text);
    return 0;
}

/* ---- plain JSON ----------------------------------------------------------------------------------------- */
/* A scalar's text: 1, or 0 when it is none or null. */
static int scalar_text(struct bb_bytes value, struct attr *a)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok t;

    if (bb_cur_next(&c, &t) != 0)
        return 0;
    switch (t.kind) {
    case BB_T_STR:
    case BB_T_DECIMAL:
        a->value = t.s;
        return t.s.len > 0;
    case BB_T_INT:
        snprintf(a->number, sizeof a->number, "%lld", (long long)t.i);
        break;
    case BB_T_UINT:
        snprintf(a->number, sizeof a->number, "%llu", (unsigned long long)t.u);
        break;
    case BB_T_BOOL:
        snprintf(a->number, sizeof a->number, "%s", t.i ? "true" : "false");
        break;
    default:
        return 0;
    }
    a->value = (struct bb_bytes){NULL, 0}; /* a->number; set when it has its place */
    return 1;
}

/* One attribute of one record: 1 found. */
static int rule_apply(const struct rule *rule, const struct request *r, struct bb_bytes record,
                      struct attr *a)
{
    struct bb_bytes v;
    const char *h;

    a->name = bb_str(rule->name);
    a->prefix = rule->prefix;
    switch (rule->kind) {
    case RULE_CONSTANT:
        a->value = bb_str(rule->value);
        return 1;
    case RULE_HEADER:
        h = request_header(r, rule->value);
        a->value = bb_str(h);
        return h && *h;
    default:
        if (bb_pointer_get(record, rule->value, &v) != 1 || !scalar_text(v, a))
            return 0;
        if (!a->value.ptr)
            a->value = bb_str(a->number);
        return 1;
    }
}

int record_make(struct source *s, struct request *r, struct bb_bytes record, size_t nth,
                       int many, struct problems *p)
{
    static const char *const kinds[] = {[RULE_CONSTANT] = "constant",
                                        [RULE_POINTER] = "pointer",
                                        [RULE_HEADER] = "header"};
    struct attr v[ATTRIBUTES_MAX];
    char made[192];
    size_t n = 0, at = s->out.len;
    int missing = 0;

    for (size_t k = 0; k < s->n_rules; k++) {
        const struct rule *rule = &s->rules[k];
        if (rule_apply(rule, r, record, &v[n])) {
            n++;
        } else if (strcmp(rule->name, "type") == 0 || strcmp(rule->name, "id") == 0) {
            /* the others may be absent; these two tell messages apart */
            missing = 1;
            if (!p->status)
                problem_set(p, 422, "one or more attributes are missing; nothing was accepted");
            problem_add(p, "message %zu: no %s at %s \"%s\"", nth, rule->name, kinds[rule->kind],
                        rule->value);
        }
    }
    if (missing)
        return 0;
    head_put(s, r, v, n, nth, many, made);
    bb_put_raw(&s->out, record);
    return head_check(s, r, at, nth, many, p);
}

static int json_make(struct source *s, struct request *r, struct bb_bytes body, struct problems *p)
{
    struct bb_fault f = {0, ""};
    struct bb_bytes root, record;
    struct bb_iter it;
    size_t nth = 0;

    bb_buf_reset(&s->tmp);
    if (bb_json_read(body, &s->tmp, &f) != 0) {
        if (s->tmp.failed)
            problem_set(p, 413, "the body is too large when read");
        else
            problem_set(p, 400, "bad JSON at byte %zu: %s", f.offset, f.text);
        return -1;
    }
    root = (struct bb_bytes){s->tmp.ptr, s->tmp.len};
    if (s->records && bb_pointer_get(root, s->records, &record) == 1) {
        root = record;
    } else if (s->records) {
        problem_set(p, 422, "there is nothing at \"%s\", where the records should be", s->records);
        return -1;
    }
    if (!bb_iter_of(root, &it) || it.map) {
        if (record_make(s, r, root, 0, 0, p) != 0)
            return -1;
        return p->status ? -1 : 0;
    }
    if (!it.n)
        problem_set(p, 422, "the array of records is empty");
    while (bb_iter_next(&it, NULL, &record))
        if (record_make(s, r, record, nth++, 1, p) != 0)
            return -1;
    return p->status ? -1 : 0;
}

/* ---- binary mode ----------------------------------------------------------------------------------------- */
struct headers_walk {
    struct source *s;
    struct attr v[ATTRIBUTES_MAX];
    size_t n;
    int bad;
};

static int hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Copies s into tmp (there is room: nothing moves), %XX decoded. */
static struct bb_bytes value_decode(struct bb_buf *tmp, const char *s)
{
    uint8_t *start = tmp->ptr + tmp->len, *w = start;

    while (*s) {
        if (*s == '%' && hex_of(s[1]) >= 0 && hex_of(s[2]) >= 0) {
            *w++ = (uint8_t)(hex_of(s[1]) * 16 + hex_of(s[2]));
            s += 3;
        } else {
            *w++ = (uint8_t)*s++;
        }
    }
    tmp->len += (size_t)(w - start);
    return (struct bb_bytes){start, (size_t)(w - start)};
}

static enum MHD_Result header_take(void *arg, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    struct headers_walk *w = arg;
    struct bb_buf *tmp = &w->s->tmp;
    size_t n;
    (void)kind;

    if (strncasecmp(key, "ce-", 3) != 0 || !value)
        return MHD_YES;
    n = strlen(key + 3);
    if (w->n == ATTRIBUTES_MAX - 5 || tmp->len + n + strlen(value) > tmp->cap) {
        w->bad = 1;
        return MHD_NO;
    }
    struct attr *a = &w->v[w->n++];
    *a = (struct attr){.name = {tmp->ptr + tmp->len, n}};
    for (size_t k = 0; k < n; k++)
        tmp->ptr[tmp->len++] = (uint8_t)(key[3 + k] >= 'A' && key[3 + k] <= 'Z' ? key[3 + k] + 32
                                                                              : key[3 + k]);
    a->value = value_decode(tmp, value);
    return MHD_YES;
}

static int binary_make(struct source *s, struct request *r, struct bb_bytes body,
                       struct problems *p)
{
    struct headers_walk w = {.s = s};
    struct bb_fault f = {0, ""};
    char made[192];

    bb_buf_reset(&s->tmp);
    if (!bb_buf_room(&s->tmp, s->max_headers * 2)) {
        problem_set(p, 503, "no memory");
        return -1;
    }
    MHD_get_connection_values(r->conn->mhd, MHD_HEADER_KIND, header_take, &w);
    if (w.bad) {
        problem_set(p, 422, "too many ce- headers");
        return -1;
    }
    if (!attr_find(w.v, w.n, "id") || !attr_find(w.v, w.n, "type") ||
        !attr_find(w.v, w.n, "source") || !attr_find(w.v, w.n, "specversion")) {
        problem_set(p, 422, "one or more attributes are missing");
        for (const char *const *a = (const char *const[]){"specversion", "id", "source", "type", NULL};
             *a; a++)
            if (!attr_find(w.v, w.n, *a))
                problem_add(p, "header ce-%s is missing", *a);
        return -1;
    }
    head_put(s, r, w.v, w.n, 0, 0, made);
    if (!body.len) {
        bb_put_nil(&s->out);
    } else if (bb_json_read(body, &s->out, &f) != 0) {
        problem_set(p, s->out.failed ? 413 : 400, "bad JSON at byte %zu: %s", f.offset, f.text);
        return -1;
    }
    if (head_check(s, r, 0, 0, 0, p) != 0)
        return -1;
    return p->status ? -1 : 0;
}

/* ---- the door ------------------------------------------------------------------------------------------------ */
int messages_make(struct source *s, struct request *r, struct bb_bytes body, struct problems *p)
{
    static int (*const makers[])(struct source *, struct request *, struct bb_bytes,
                                 struct problems *) = {[CT_JSON] = json_make,
                                                       [CT_EVENT] = event_make,
                                                       [CT_BATCH] = batch_make,
                                                       [CT_BINARY] = binary_make};
    enum content kind = r->content;

    bb_buf_reset(&s->out);
    r->messages = 0;
    r->unprotected = 0;
    if (kind == CT_JSON && !s->n_rules) { /* no envelope: the body must be an event itself */
        const char *at = space_skip(body.ptr, (const char *)body.ptr + body.len);
        kind = at < (const char *)body.ptr + body.len && *at == '[' ? CT_BATCH : CT_EVENT;
    }
    if (!body.len && kind != CT_BINARY) {
        problem_set(p, 400, "the body is empty");
        return -1;
    }
    if (makers[kind](s, r, body, p) != 0) {
        if (!p->status)
            problem_set(p, 503, "no memory");
        return -1;
    }
    parts_fix(s, r);
    return 0;
}

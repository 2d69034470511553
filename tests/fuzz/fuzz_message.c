/*
 * fuzz_message.c - any bytes as msgpack: the readers agree on what they are
 *
 * Asserted: a value that passes the check is skipped to its very end, becomes JSON and comes back
 * to bytes that give the same JSON; skipping, token reading and pointers stay inside; a message
 * that passes the check has an envelope, and a rebuilt one reads back the same.
 */
#include <busbar/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

static struct bb_bytes held(const struct bb_buf *b)
{
    struct bb_bytes v = {b->ptr, b->len};
    return v;
}

static int equal(struct bb_bytes a, struct bb_bytes b)
{
    return a.len == b.len && !a.ptr == !b.ptr && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void check_json(struct bb_bytes value)
{
    struct bb_buf text, back, again;
    struct bb_fault err;

    bb_buf_init(&text, 1u << 26);
    bb_buf_init(&back, 1u << 26);
    bb_buf_init(&again, 1u << 26);
    MUST(bb_json_write(value, &text, &err) == 0);
    MUST(bb_json_read(held(&text), &back, &err) == 0);
    MUST(back.len <= value.len); /* the smallest form */
    MUST(bb_json_write(held(&back), &again, &err) == 0);
    MUST(equal(held(&text), held(&again)));
    bb_buf_free(&text);
    bb_buf_free(&back);
    bb_buf_free(&again);
}

static void check_walk(struct bb_bytes in)
{
    struct bb_cur c = bb_cur_of(in), s = c;
    struct bb_tok t;
    struct bb_bytes v;
    uint64_t due = 1, tokens = 0;
    int skipped = bb_cur_skip(&s) == 0;

    while (due && bb_cur_next(&c, &t) == 0) {
        MUST(c.p <= c.end);
        if (t.kind == BB_T_STR || t.kind == BB_T_DECIMAL || t.kind == BB_T_BIN ||
            t.kind == BB_T_EXT)
            MUST((const uint8_t *)t.s.ptr + t.s.len == c.p);
        due += t.kind == BB_T_ARRAY ? t.n : t.kind == BB_T_MAP ? 2 * (uint64_t)t.n : 0;
        due--;
        MUST(++tokens <= in.len);
    }
    MUST(skipped == (due == 0));
    if (skipped)
        MUST(s.p == c.p);
    if (bb_pointer_get(in, "/a/0", &v) == 1)
        MUST((const uint8_t *)v.ptr + v.len <= c.end);
    if (bb_map_get(in, "a", &v) == 1)
        MUST((const uint8_t *)v.ptr + v.len <= c.end);
}

static void check_message(struct bb_bytes in)
{
    struct bb_envelope e, f;
    struct bb_buf b;
    struct bb_fault err;
    int good = bb_message_check(in, &err) == 0;

    if (!good)
        MUST(err.offset <= in.len);
    if (bb_envelope_read(in, &e, &err) != 0) {
        MUST(!good && err.offset <= in.len);
        return;
    }
    MUST(good == (bb_value_check(in, NULL) == 0));
    bb_buf_init(&b, 1u << 26);
    bb_envelope_put(&b, &e);
    MUST(!b.failed);
    MUST(bb_envelope_read(held(&b), &f, &err) == 0);
    MUST(equal(e.id, f.id) && equal(e.type, f.type) && equal(e.item, f.item));
    MUST(equal(e.subject, f.subject) && equal(e.causationid, f.causationid));
    MUST(equal(e.data, f.data));
    if (good) {
        bb_buf_reset(&b);
        MUST(bb_event_write(in, &b, &err) == 0);
    }
    bb_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_bytes in = {data, size};
    struct bb_buf b;
    struct bb_fault err;

    check_walk(in);
    if (bb_value_check(in, &err) == 0) {
        struct bb_cur c = bb_cur_of(in);
        MUST(bb_cur_skip(&c) == 0 && c.p == c.end);
        check_json(in);
    } else {
        MUST(err.offset <= size && err.text[0]);
        bb_buf_init(&b, 1u << 26);
        if (bb_json_write(in, &b, &err) != 0)
            MUST(b.len == 0 && !b.failed);
        bb_buf_free(&b);
    }
    check_message(in);
    return 0;
}

/*
 * fuzz_json.c - any text: what is accepted must be canonical and come back the same
 *
 * Asserted: accepted JSON passes the check, is written as JSON that reads to the same bytes, pretty
 * or not; the prefix reader agrees; an offset lies inside the text; a refusal leaves the buffer as
 * it was; an event that was read is a whole message.
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

static int same(const struct bb_buf *a, const struct bb_buf *b)
{
    return a->len == b->len && (!a->len || memcmp(a->ptr, b->ptr, a->len) == 0);
}

static void round_trip(const struct bb_buf *value, int pretty)
{
    struct bb_buf text, again;
    struct bb_fault err;

    bb_buf_init(&text, 1u << 26);
    bb_buf_init(&again, 1u << 26);
    MUST((pretty ? bb_json_write_pretty : bb_json_write)(held(value), &text, &err) == 0);
    MUST(bb_json_read(held(&text), &again, &err) == 0);
    MUST(same(value, &again));
    bb_buf_free(&text);
    bb_buf_free(&again);
}

static void check_prefix(struct bb_bytes json, const struct bb_buf *value, int whole)
{
    struct bb_buf b;
    struct bb_fault err;
    size_t used;
    int status;

    bb_buf_init(&b, 1u << 26);
    status = bb_json_read_prefix(json, &used, &b, &err);
    if (status == 0) {
        struct bb_bytes part = {json.ptr, used};
        MUST(used <= json.len);
        if (whole)
            MUST(same(value, &b));
        bb_buf_reset(&b);
        MUST(bb_json_read(part, &b, &err) == 0);
    } else {
        MUST(err.offset <= json.len && b.len == 0 && !b.failed);
        if (whole) /* only a bare number that may go on */
            MUST(err.offset == json.len);
    }
    bb_buf_free(&b);
}

static void check_event(struct bb_bytes json)
{
    struct bb_buf b, text, again;
    struct bb_fault err;

    bb_buf_init(&b, 1u << 26);
    bb_buf_init(&text, 1u << 26);
    bb_buf_init(&again, 1u << 26);
    if (bb_event_read(json, &b, &err) == 0) {
        MUST(bb_message_check(held(&b), &err) == 0);
        MUST(bb_event_write(held(&b), &text, &err) == 0);
        MUST(bb_event_read(held(&text), &again, &err) == 0);
        MUST(same(&b, &again));
    } else {
        MUST(err.offset <= json.len && b.len == 0 && !b.failed);
    }
    bb_buf_free(&b);
    bb_buf_free(&text);
    bb_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_bytes json = {data, size};
    struct bb_buf b, tight;
    struct bb_fault err;
    int whole;

    bb_buf_init(&b, 1u << 26);
    whole = bb_json_read(json, &b, &err) == 0;
    if (whole) {
        MUST(bb_value_check(held(&b), &err) == 0);
        round_trip(&b, 0);
        round_trip(&b, 1);
        bb_buf_init(&tight, b.len - 1); /* one byte too few */
        MUST(bb_json_read(json, &tight, &err) == -1 && err.offset < size);
        bb_buf_free(&tight);
        bb_buf_init(&tight, b.len);
        MUST(bb_json_read(json, &tight, &err) == 0 && same(&b, &tight));
        bb_buf_free(&tight);
    } else {
        MUST(err.offset <= size && err.text[0] && b.len == 0 && !b.failed);
    }
    check_prefix(json, &b, whole);
    check_event(json);
    bb_buf_free(&b);
    return 0;
}

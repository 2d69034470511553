/*
 * input.c - messages from bytes: JSON events one after the other (also as lines), or canonical ones
 *
 * Which of the two it is shows in the first byte: canonical bytes begin with an array's head.
 */
#include "core/rehearse/internal.h"

#include <string.h>

static size_t blanks(struct bb_bytes in, size_t at)
{
    const char *p = in.ptr;

    while (at < in.len && p[at] && strchr(" \t\r\n", p[at]))
        at++;
    return at;
}

static struct bb_bytes rest_of(struct bb_bytes in, size_t at)
{
    return (struct bb_bytes){(const uint8_t *)in.ptr + at, in.len - at};
}

/* The message at the start of in: whole in scratch (JSON) or in itself; *used bytes of it. */
static int one_read(struct bb_bytes in, bool json, struct bb_buf *scratch, size_t *used,
                    struct bb_bytes *whole, struct bb_fault *err)
{
    struct bb_cur c = bb_cur_of(in);

    if (!json) {
        if (bb_cur_value(&c, whole) != 0)
            return bb_fail(err, "the bytes are cut short");
        *used = whole->len;
        return bb_message_check(*whole, err);
    }
    bb_buf_reset(scratch);
    if (bb_json_read_prefix(in, used, scratch, err) != 0)
        return -1;
    bb_buf_reset(scratch);
    if (bb_event_read((struct bb_bytes){in.ptr, *used}, scratch, err) != 0)
        return -1;
    *whole = bb_bytes_of(scratch);
    return 0;
}

int bb_input_each(struct bb_bytes in, int (*fn)(void *arg, size_t offset, struct bb_bytes whole,
                                                struct bb_fault *err),
                  void *arg, struct bb_fault *err)
{
    size_t at = blanks(in, 0), used = 0;
    bool json = at < in.len && strchr("{[", ((const char *)in.ptr)[at]);
    struct bb_buf scratch;
    struct bb_bytes whole;
    int rc = 0;

    at = json ? at : 0;
    bb_buf_init(&scratch, 2 * (64u << 20));
    while (rc == 0 && at < in.len) {
        rc = one_read(rest_of(in, at), json, &scratch, &used, &whole, err);
        if (rc != 0)
            err->offset += at;
        else
            rc = fn(arg, at, whole, err);
        at = json ? blanks(in, at + used) : at + used;
    }
    bb_buf_free(&scratch);
    return rc;
}

/*
 * events.c - CloudEvents in structured and batched mode
 *
 * A batch is cut at the level of its elements first and each element read by the reader of events:
 * one strict reader for both, and an error that names the element.
 *
 * Thread: the instance's. Memory: as in messages.c.
 */
#include "messages.h"

int event_make(struct source *s, struct request *r, struct bb_bytes body, struct problems *p)
{
    struct bb_fault f = {0, ""};

    if (bb_event_read(body, &s->out, &f) == 0)
        return part_add(s, r, 0, p);
    body_fault(s, body, 0, 0, 0, &f, p);
    return -1;
}

/* Where the value that begins at p ends, judged by quotes and brackets alone: the reader of the
 * value checks the rest. end when it does not. */
static const char *value_end(const char *p, const char *end)
{
    unsigned depth = 0;

    for (; p < end; p++) {
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++)
                if (*p == '\\')
                    p++;
            if (p >= end)
                return end;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (!depth)
                return p;
            if (--depth == 0)
                return p + 1;
        } else if (*p == ',' && !depth) {
            return p;
        }
    }
    return end;
}

int batch_make(struct source *s, struct request *r, struct bb_bytes body, struct problems *p)
{
    const char *start = body.ptr, *end = start + body.len, *at = space_skip(start, end), *to;
    struct bb_fault f = {0, ""};
    size_t nth = 0;

    if (at == end || *at != '[')
        goto bad;
    at = space_skip(at + 1, end);
    if (at < end && *at == ']') {
        if (space_skip(at + 1, end) != end)
            goto bad;
        problem_set(p, 422, "the batch is empty");
        return -1;
    }
    for (;; nth++) {
        size_t was = s->out.len;
        to = value_end(at, end);
        struct bb_bytes one = {at, (size_t)(to - at)};
        if (bb_event_read(one, &s->out, &f) == 0) {
            if (part_add(s, r, was, p) != 0)
                return -1;
        } else {
            body_fault(s, one, (size_t)(at - start), nth, 1, &f, p);
            if (p->status != 422)
                return -1;
        }
        at = space_skip(to, end);
        if (at < end && *at == ',') {
            at = space_skip(at + 1, end);
            continue;
        }
        if (at < end && *at == ']' && space_skip(at + 1, end) == end)
            return p->status ? -1 : 0;
        goto bad;
    }
bad:
    f.offset = (size_t)(at - start);
    bb_buf_reset(&s->tmp);
    if (bb_json_read(body, &s->tmp, &f) != 0)
        problem_set(p, 400, "bad JSON at byte %zu: %s", f.offset, f.text);
    else
        problem_set(p, 422, "a batch is a JSON array of events");
    return -1;
}

/*
 * json.c - the elements of one array inside a JSON document, one at a time
 *
 * The way to the array (config `records`) is walked token by token: keys are read, values beside the
 * way are passed over by counting brackets outside strings, in constant memory. Each element is then
 * read and checked whole. After the array the rest of the document is passed over in the same way,
 * so a file that was cut off is noticed. With records "" a document that is no array is one record.
 *
 * Thread: [ctl]. Invariant: at.stack holds the brackets open around the next element.
 */
#include "file.h"

#include <stdio.h>
#include <stdlib.h>

/* The next byte that is no white space: 1, 0 at the end of the file, -1. */
static int peek(struct reader *r, uint8_t *c, struct bad *bad)
{
    for (;;) {
        while (r->start < r->len) {
            *c = r->window[r->start];
            if (*c != ' ' && *c != '\t' && *c != '\r' && *c != '\n')
                return 1;
            reader_use(r, 1);
        }
        int rc = reader_fill(r, bad);
        if (rc <= 0)
            return rc;
    }
}

static int expect(struct reader *r, uint8_t want, struct bad *bad)
{
    uint8_t c = 0;
    int rc = peek(r, &c, bad);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return reader_bad(r, bad, 0, "the file ends where \"%c\" was expected", want);
    if (c != want)
        return reader_bad(r, bad, 0, "\"%c\" was expected", want);
    reader_use(r, 1);
    return 0;
}

/* One whole value into b. */
static int value_read(struct reader *r, struct bb_buf *b, struct bad *bad)
{
    for (;;) {
        struct bb_bytes have = {r->window + r->start, r->len - r->start};
        struct bb_fault f = {0, ""};
        size_t used = 0, was = b->len;
        int rc = bb_json_read_prefix(have, &used, b, &f), more;
        /* at the very end a number is whole though digits could follow */
        if (rc != 0 && r->eof && f.offset >= have.len && bb_json_read(have, b, NULL) == 0) {
            used = have.len;
            rc = 0;
        }
        /* a number at the window's end may go on behind it */
        if (rc == 0 && (used < have.len || r->eof)) {
            if (used > r->c->max_record) {
                reader_bad(r, bad, 0, "the record is larger than max_record (%zu bytes)",
                           r->c->max_record);
                bad->go_on = true;
                reader_use(r, used);
                return -1;
            }
            reader_use(r, used);
            return 0;
        }
        b->len = was;
        if (rc != 0 && (f.offset < have.len || r->eof))
            return reader_bad(r, bad, f.offset, "%s", r->eof && f.offset >= have.len
                                                          ? "the file ends inside a record"
                                                          : f.text);
        if (have.len > r->c->max_record)
            return reader_bad(r, bad, 0, "the record is larger than max_record (%zu bytes)",
                              r->c->max_record);
        more = reader_fill(r, bad);
        if (more < 0)
            return -1;
    }
}

/* Passes over one value without keeping it. */
static int value_skip(struct reader *r, struct bad *bad)
{
    unsigned depth = 0;
    bool in_string = false, escaped = false, scalar = false;
    uint8_t c;
    int rc = peek(r, &c, bad);
    if (rc <= 0)
        return rc < 0 ? -1 : reader_bad(r, bad, 0, "the file ends where a value was expected");
    for (;;) {
        size_t k = r->start;
        for (; k < r->len; k++) {
            c = r->window[k];
            if (in_string) {
                if (escaped)
                    escaped = false;
                else if (c == '\\')
                    escaped = true;
                else if (c == '"') {
                    in_string = false;
                    if (depth == 0) {
                        k++;
                        goto end;
                    }
                }
            } else if (c == '"') {
                in_string = true;
            } else if (c == '{' || c == '[') {
                depth++;
            } else if (c == '}' || c == ']') {
                if (depth == 0)
                    goto end; /* the scalar before it is over */
                if (--depth == 0) {
                    k++;
                    goto end;
                }
            } else if (depth == 0) {
                if (scalar && (c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t'))
                    goto end;
                scalar = true;
            }
        }
        reader_use(r, k - r->start);
        rc = reader_fill(r, bad);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            if (scalar && depth == 0 && !in_string)
                return 0;
            return reader_bad(r, bad, 0, "the file ends inside a value: it is cut off");
        }
        continue;
    end:
        reader_use(r, k - r->start);
        return 0;
    }
}

static int push(struct reader *r, uint8_t bracket, struct bad *bad)
{
    size_t n = strlen(r->at.stack);
    if (n == STACK_MAX)
        return reader_bad(r, bad, 0, "records leads deeper than %d levels", STACK_MAX);
    r->at.stack[n] = (char)bracket;
    r->at.stack[n + 1] = 0;
    return 0;
}

/* Whether the key just read equals the segment p of len bytes, which may hold ~0 and ~1. */
static int key_is(struct bb_bytes key, const char *p, size_t len)
{
    const char *k = key.ptr;
    size_t n = 0;
    for (size_t j = 0; j < len; j++, n++) {
        char c = p[j];
        if (c == '~')
            c = p[++j] == '0' ? '~' : '/';
        if (n >= key.len || k[n] != c)
            return 0;
    }
    return n == key.len;
}

static int enter_map(struct reader *r, const char *seg, size_t len, struct bad *bad)
{
    for (bool first = true;; first = false) {
        struct bb_buf b;
        struct bb_bytes key, raw;
        uint8_t c = 0;
        int rc = peek(r, &c, bad), found;
        if (rc < 0)
            return -1;
        if (rc == 1 && c == '}')
            return reader_bad(r, bad, 0, "there is no \"%.*s\" on the way to %s", (int)len, seg,
                              r->c->records);
        if (!first && expect(r, ',', bad) != 0)
            return -1;
        if (peek(r, &c, bad) != 1 || c != '"')
            return reader_bad(r, bad, 0, "a key in quotes was expected");
        bb_buf_init(&b, r->c->max_record + 16);
        rc = value_read(r, &b, bad);
        raw.ptr = b.ptr;
        raw.len = b.len;
        found = rc == 0 && bb_as_str(raw, &key) == 1 && key_is(key, seg, len);
        bb_buf_free(&b);
        if (rc != 0) {
            bad->go_on = false;
            return -1;
        }
        if (expect(r, ':', bad) != 0)
            return -1;
        if (found)
            return 0;
        if (value_skip(r, bad) != 0)
            return -1;
    }
}

static int enter_array(struct reader *r, const char *seg, size_t len, struct bad *bad)
{
    unsigned long index = strtoul(seg, NULL, 10);
    (void)len;
    for (unsigned long k = 0; k < index; k++)
        if (value_skip(r, bad) != 0 || expect(r, ',', bad) != 0)
            return -1;
    return 0;
}

/* Goes to the array's first element. 1 there, 0 no array but one record, -1. */
static int enter(struct reader *r, struct bad *bad)
{
    const char *p = r->c->records;
    uint8_t c = 0;
    int rc;
    while (*p) {
        const char *seg = p + 1, *slash = strchr(seg, '/');
        size_t len = slash ? (size_t)(slash - seg) : strlen(seg);
        rc = peek(r, &c, bad);
        if (rc < 0)
            return -1;
        if (rc == 0 || (c != '{' && !(c == '[' && len && seg[0] >= '0' && seg[0] <= '9')))
            return reader_bad(r, bad, 0, "there is no %s: a map was expected here", r->c->records);
        reader_use(r, 1);
        if (push(r, c, bad) != 0)
            return -1;
        rc = c == '{' ? enter_map(r, seg, len, bad) : enter_array(r, seg, len, bad);
        if (rc != 0)
            return -1;
        p = seg + len;
    }
    rc = peek(r, &c, bad);
    if (rc <= 0)
        return rc < 0 ? -1 : reader_bad(r, bad, 0, "the file is empty");
    if (c != '[') {
        if (r->c->records[0])
            return reader_bad(r, bad, 0, "%s is no array", r->c->records);
        return 0;
    }
    reader_use(r, 1);
    return push(r, '[', bad) == 0 ? 1 : -1;
}

/* Closes what is open around the array and wants the end of the file. 0, -1. */
static int leave(struct reader *r, struct bad *bad)
{
    size_t n = strlen(r->at.stack);
    uint8_t c = 0;
    int rc;
    while (n > 0) {
        uint8_t close = r->at.stack[n - 1] == '{' ? '}' : ']';
        rc = peek(r, &c, bad);
        if (rc < 0)
            return -1;
        if (rc == 0)
            return reader_bad(r, bad, 0, "the file ends where \"%c\" was expected: it is cut off",
                              close);
        if (c == close) {
            reader_use(r, 1);
            r->at.stack[--n] = 0;
        } else {
            if (expect(r, ',', bad) != 0)
                return -1;
            if (close == '}' && (value_skip(r, bad) != 0 || expect(r, ':', bad) != 0))
                return -1;
            if (value_skip(r, bad) != 0)
                return -1;
        }
    }
    rc = peek(r, &c, bad);
    if (rc == 1)
        return reader_bad(r, bad, 0, "something follows after the document's end");
    r->ended = rc == 0;
    return rc;
}

int reader_json_next(struct reader *r, struct bb_buf *b, struct bad *bad)
{
    bool first = false;
    uint8_t c = 0;
    int rc;
    if (r->ended)
        return 0;
    if (!r->begun) {
        if (r->at.record) { /* one record that was no array: it has been had */
            rc = peek(r, &c, bad);
            return rc == 1 ? reader_bad(r, bad, 0, "something follows after the document's end") : rc;
        }
        rc = enter(r, bad);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            r->at.record++;
            rc = value_read(r, b, bad);
            bad->go_on = false;
            return rc == 0 ? 1 : -1;
        }
        r->begun = first = true;
    }
    rc = peek(r, &c, bad);
    if (rc < 0)
        return -1;
    if (rc == 1 && c == ']')
        return leave(r, bad);
    if (!first && r->at.record > 0 && expect(r, ',', bad) != 0)
        return -1;
    r->at.record++;
    return value_read(r, b, bad) == 0 ? 1 : -1;
}

/*
 * wrap.c - what stands around the records of an XML file that a sink writes
 *
 * `xml.record` is the path of the records from the root, /List/Group/Item: everything but its last
 * step is opened once at the file's start and closed at its end, so that what the sink wrote is
 * what a source with the same mapping reads. The start and end tags come from the codec: the
 * elements are written around a text, and the document is cut in two there. So names and namespaces
 * are checked by the one place that knows them.
 *
 * Thread: [ctl]. Invariant: after 0 head and tail are not empty and head + tail is well-formed.
 */
#include "file.h"

#include <stdio.h>

#define HERE                                                                                       \
    "busbar" /* a text that ends a start tag: ">busbar</" is in no tag, as "<" is escaped there */
#define STEPS_MAX 16

/* Where the step at p ends: slashes inside {uri} do not count. */
static const char *step_end(const char *p)
{
    bool in = false;
    for (; *p && (in || *p != '/'); p++)
        in = *p == '{' || (in && *p != '}');
    return p;
}

/* The steps of the record's path, the last one apart. How many are around it, -1 with why. */
static int steps_of(const char *path, struct bb_bytes *around, struct bb_bytes *last, char *why,
                    size_t cap)
{
    int n = -1;
    last->ptr = NULL;
    last->len = 0;
    while (*path == '/') {
        const char *end = step_end(++path);
        if (n == STEPS_MAX) {
            snprintf(why, cap, "has more than %d steps", STEPS_MAX + 1);
            return -1;
        }
        if (n >= 0)
            around[n] = *last;
        last->ptr = path;
        last->len = (size_t)(end - path);
        n++;
        path = end;
    }
    if (n < 1)
        snprintf(why, cap,
                 "must have two steps or more for a sink, as in /Orders/Order: the file's root, "
                 "and the element that each message is");
    for (int k = 0; k < n; k++)
        if (bb_str_is(around[k], "*")) {
            snprintf(why, cap,
                     "can only have * as its last step for a sink: the elements around the "
                     "records need names");
            return -1;
        }
    return n < 1 ? -1 : n;
}

int wrap_open(struct render *r, char *why, size_t cap)
{
    static const char cut[] = ">" HERE "</",
                      first[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    struct bb_bytes around[STEPS_MAX], doc;
    struct bb_buf value, text;
    struct bb_fault f;
    const uint8_t *at;
    int rc = -1, n = steps_of(r->c->xml_record, around, &r->element, why, cap);
    if (n < 0)
        return -1;
    if (bb_str_is(r->element, "*"))
        r->element.ptr = NULL;
    bb_buf_init(&value, 65536);
    bb_buf_init(&text, 65536);
    for (int k = 0; k < n; k++) {
        bb_put_map(&value, 1);
        bb_put_str(&value, around[k].ptr, around[k].len);
    }
    bb_put_cstr(&value, HERE);
    doc.ptr = value.ptr;
    doc.len = value.len;
    if (value.failed || bb_xml_write(r->c->xml, doc, &text, &f) != 0) {
        snprintf(why, cap, "the elements around the records: %s",
                 value.failed ? "too long" : f.text);
        goto out;
    }
    at = memmem(text.ptr, text.len, cut, sizeof cut - 1);
    if (!at) {
        snprintf(why, cap, "the elements around the records cannot be written");
        goto out;
    }
    at++;
    bb_buf_put(&r->head, first, sizeof first - 1);
    bb_buf_put(&r->head, text.ptr, (size_t)(at - (const uint8_t *)text.ptr));
    bb_buf_put(&r->head, "\n", 1);
    at += sizeof HERE - 1;
    bb_buf_put(&r->tail, at, text.len - (size_t)(at - (const uint8_t *)text.ptr));
    bb_buf_put(&r->tail, "\n", 1);
    rc = r->head.failed || r->tail.failed ? -1 : 0;
    if (rc != 0)
        snprintf(why, cap, "out of memory");
out:
    bb_buf_free(&value);
    bb_buf_free(&text);
    return rc;
}

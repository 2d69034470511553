/*
 * record.c - a record becomes a message
 *
 * Thread: [ctl]. Ownership: none kept. Without an `id` in the config a message's id is the file's
 * name and the record's number, so reading a file again gives the same ids and claims catch it.
 */
#include "file.h"

#include <stdio.h>

/* What the record has at f's pointer, as text in buf: 1, 0 nothing there, -1 with why. */
static int from_record(const struct field *f, struct bb_bytes record, char *buf, size_t cap,
                       size_t *len, const char **why)
{
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok t;
    char number[32];
    size_t pre = strlen(f->prefix);
    if (bb_pointer_get(record, f->pointer, &v) != 1)
        return 0;
    c = bb_cur_of(v);
    if (bb_cur_next(&c, &t) != 0 || t.kind == BB_T_NIL)
        return 0;
    switch (t.kind) {
    case BB_T_STR:
    case BB_T_DECIMAL:
        break;
    case BB_T_INT:
        t.s.len = (size_t)snprintf(number, sizeof number, "%lld", (long long)t.i);
        t.s.ptr = number;
        break;
    case BB_T_UINT:
        t.s.len = (size_t)snprintf(number, sizeof number, "%llu", (unsigned long long)t.u);
        t.s.ptr = number;
        break;
    default:
        *why = "is no text and no number";
        return -1;
    }
    if (t.s.len == 0)
        return 0;
    if (pre + t.s.len > cap) {
        *why = "is longer than 4096 bytes";
        return -1;
    }
    memcpy(buf, f->prefix, pre);
    memcpy(buf + pre, t.s.ptr, t.s.len);
    *len = pre + t.s.len;
    return 1;
}

int record_message(const struct config *c, const struct origin *o, uint64_t record,
                   struct bb_bytes value, struct bb_buf *b, char *why, size_t cap)
{
    static const char nil = (char)0xc0;
    char text[FIELDS][BB_ATTRIBUTE_MAX];
    struct bb_envelope e;
    struct bb_bytes *const slots[FIELDS] = {
        &e.id,    &e.source,   &e.type,   &e.subject,       &e.time,        &e.dataschema, &e.plant,
        &e.item,  &e.revision, &e.change, &e.correlationid, &e.causationid, &e.partitionkey};
    memset(&e, 0, sizeof e);
    for (uint32_t k = 0; k < FIELDS; k++) {
        const struct field *f = &c->fields[k];
        const char *what = NULL;
        size_t len = 0;
        int rc;
        if (f->text) {
            *slots[k] = bb_str(f->text);
            continue;
        }
        if (!f->pointer)
            continue;
        rc = from_record(f, value, text[k], sizeof text[k], &len, &what);
        if (rc < 0 || (rc == 0 && k <= FIELD_TYPE)) {
            snprintf(why, cap, "%s: the value at %s %s", field_names[k], f->pointer,
                     what ? what : "is missing or empty");
            return -1;
        }
        if (rc == 1) {
            slots[k]->ptr = text[k];
            slots[k]->len = len;
        }
    }
    e.specversion = bb_str("1.0");
    if (!e.id.ptr) {
        int n = snprintf(text[FIELD_ID], sizeof text[FIELD_ID], "%s:%llu", o->file,
                         (unsigned long long)record);
        e.id.ptr = text[FIELD_ID];
        e.id.len = (size_t)n;
    }
    if (!e.source.ptr) {
        int n = snprintf(text[FIELD_SOURCE], sizeof text[FIELD_SOURCE], "/file/%s", o->endpoint);
        e.source.ptr = text[FIELD_SOURCE];
        e.source.len = (size_t)n;
    }
    if (!e.time.ptr)
        e.time = bb_str(o->time);
    e.data = value;
    if (!e.data.ptr) {
        e.data.ptr = &nil;
        e.data.len = 1;
    }
    bb_envelope_put(b, &e);
    if (b->failed) {
        snprintf(why, cap, "out of memory, or the batch is too large");
        return -1;
    }
    return 0;
}

/*
 * render.c - a message as what the sink's file holds: a line of JSON, an array's element, a row, an
 * element of XML
 *
 * A file in layout array, or of XML, is a whole document after each write: the next write begins
 * where the closing bracket or tags are (tail) and ends with new ones. Rows are made as UTF-8 and recoded one by one, so
 * that a character which the encoding has not refuses its own message only.
 *
 * Thread: [ctl]. Ownership: the buffers and the recoder are its own.
 */
#include "file.h"

#include <stdio.h>
#include <strings.h>

#define OUT_MAX (256u << 20)

int render_open(struct render *r, const struct config *c, char *why, size_t cap)
{
    static const char *const ends[] = {"\n", "\n", "\r"}; /* the last byte tells */
    const char *end = c->content == CONTENT_CSV ? ends[c->csv.line_end] : "\n";
    struct bb_fault f = {0, ""};
    memset(r, 0, sizeof *r);
    r->c = c;
    bb_buf_init(&r->text, OUT_MAX);
    bb_buf_init(&r->row, OUT_MAX);
    bb_buf_init(&r->end, 64);
    bb_buf_init(&r->head, 65536);
    bb_buf_init(&r->tail, 65536);
    if (c->array) {
        bb_buf_put(&r->head, "[\n", 2);
        bb_buf_put(&r->tail, "\n]\n", 3);
    }
    if (c->content == CONTENT_XML) {
        char text[200];
        int n = wrap_open(r, text, sizeof text);
        if (n != 0) {
            snprintf(why, cap, "xml.record: %s", text);
            return -1;
        }
    }
    if (c->content != CONTENT_CSV || strcasecmp(c->encoding, "UTF-8") == 0) {
        bb_buf_put(&r->end, end, 1);
        return r->end.failed || r->head.failed || r->tail.failed ? -1 : 0;
    }
    r->recode = bb_recode_new(bb_str(c->encoding), 1, &f);
    if (r->recode && bb_recode_put(r->recode, bb_str(end), 1, &r->end, &f) == 0)
        return 0;
    snprintf(why, cap, "csv.encoding: %s", f.text);
    return -1;
}

void render_close(struct render *r)
{
    bb_recode_free(&r->recode);
    bb_buf_free(&r->text);
    bb_buf_free(&r->row);
    bb_buf_free(&r->end);
    bb_buf_free(&r->head);
    bb_buf_free(&r->tail);
}

/* The column's text: its offset in r->text, made a pointer when all are in. */
static int column_put(struct render *r, struct bb_bytes root, const char *pointer,
                      struct bb_bytes *field)
{
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok t;
    struct bb_fault f;
    size_t at = r->text.len;
    if (bb_pointer_get(root, pointer, &v) == 1) {
        c = bb_cur_of(v);
        if (bb_cur_next(&c, &t) != 0)
            return -1;
        if (t.kind == BB_T_STR)
            bb_buf_put(&r->text, t.s.ptr, t.s.len);
        else if (t.kind == BB_T_DECIMAL)
            bb_csv_decimal_put(&r->text, t.s, r->c->decimal_sign);
        else if (t.kind != BB_T_NIL && bb_json_write(v, &r->text, &f) != 0)
            return -1;
    }
    field->ptr = (const void *)(uintptr_t)at;
    field->len = r->text.len - at;
    return r->text.failed ? -1 : 0;
}

static int fields_put(struct render *r, const struct bb_bytes *fields, struct bb_buf *out,
                      struct bb_fault *f)
{
    struct bb_bytes row;
    if (!r->recode)
        return bb_csv_write(out, &r->c->csv, fields, r->c->n_columns, f);
    bb_buf_reset(&r->row);
    if (bb_csv_write(&r->row, &r->c->csv, fields, r->c->n_columns, f) != 0)
        return -1;
    row.ptr = r->row.ptr;
    row.len = r->row.len;
    return bb_recode_put(r->recode, row, 1, out, f);
}

static int row_put(struct render *r, const struct bb_envelope *e, struct bb_buf *out,
                   struct bb_fault *f)
{
    struct bb_bytes fields[COLUMNS_MAX];
    bb_buf_reset(&r->text);
    for (uint32_t k = 0; k < r->c->n_columns; k++) {
        const char *p = r->c->columns[k].pointer;
        int data = strncmp(p, "/data", 5) == 0;
        if (column_put(r, data ? e->data : e->attributes, p + (data ? 5 : 11), &fields[k]) != 0) {
            snprintf(f->text, sizeof f->text, "column %s cannot be written", r->c->columns[k].name);
            return -1;
        }
    }
    for (uint32_t k = 0; k < r->c->n_columns; k++)
        fields[k].ptr = fields[k].len ? (const void *)(r->text.ptr + (uintptr_t)fields[k].ptr) : "";
    return fields_put(r, fields, out, f);
}

int render_lead(struct render *r, struct bb_buf *out, bool fresh, bool open_line)
{
    struct bb_bytes fields[COLUMNS_MAX], mark;
    struct bb_fault f;
    r->first = true;
    if (r->tail.len) {
        if (fresh)
            bb_buf_put(out, r->head.ptr, r->head.len);
        else if (r->c->array)
            bb_buf_put(out, ",\n", 2);
        return out->failed ? -1 : 0;
    }
    if (open_line)
        bb_buf_put(out, r->end.ptr, r->end.len);
    if (!fresh || r->c->content != CONTENT_CSV)
        return out->failed ? -1 : 0;
    mark = r->recode ? bb_recode_mark(r->recode) : (struct bb_bytes){"", 0};
    bb_buf_put(out, mark.ptr, mark.len);
    for (uint32_t k = 0; k < r->c->n_columns; k++)
        fields[k] = bb_str(r->c->columns[k].name);
    return fields_put(r, fields, out, &f) == 0 && !out->failed ? 0 : -1;
}

/* The data as one element: the codec says what is wrong, but not that it is another record. */
static int element_put(struct render *r, struct bb_bytes data, struct bb_buf *out, struct bb_fault *f)
{
    struct bb_iter it;
    struct bb_bytes key = {NULL, 0}, v;
    if (!bb_iter_of(data, &it) || !it.map || it.n != 1 || !bb_iter_next(&it, &key, &v) ||
        (r->element.ptr &&
         (key.len != r->element.len || memcmp(key.ptr, r->element.ptr, key.len) != 0))) {
        snprintf(f->text, sizeof f->text, "the data must be a map of one key, %.*s, as xml.record says; "
                                          "let the route's map put it there",
                 r->element.ptr ? (int)(r->element.len < 100 ? r->element.len : 100) : 18,
                 r->element.ptr ? (const char *)r->element.ptr : "an element's name");
        return -1;
    }
    return bb_xml_write(r->c->xml, data, out, f);
}

int render_message(struct render *r, struct bb_bytes whole, struct bb_buf *out, struct bb_fault *f)
{
    struct bb_envelope e;
    size_t at = out->len;
    int rc = bb_envelope_read(whole, &e, f);
    if (rc == 0 && r->c->array && !r->first)
        bb_buf_put(out, ",\n", 2);
    if (rc == 0 && r->c->content == CONTENT_CSV)
        rc = row_put(r, &e, out, f);
    else if (rc == 0 && r->c->content == CONTENT_XML)
        rc = element_put(r, e.data, out, f);
    else if (rc == 0)
        rc = r->c->content == CONTENT_EVENT ? bb_event_write(whole, out, f)
                                            : bb_json_write(e.data, out, f);
    if (rc == 0 && r->c->content != CONTENT_CSV && !r->c->array)
        bb_buf_put(out, "\n", 1);
    if (rc == 0 && !out->failed) {
        r->first = false;
        return 0;
    }
    out->len = at;
    return -1;
}

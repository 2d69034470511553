/*
 * body.c - a message as the body and headers of a request
 *
 * The three forms of CloudEvents' HTTP binding: structured, only the data, binary (attributes as
 * ce- headers); and the gathered forms of a batch.
 *
 * Thread: the instance's. Memory: the call's buffers only.
 */
#include "body.h"

int body_put(struct bb_http_call *call, enum body_form form, const struct bb_msg_view *v,
             struct bb_error *err)
{
    struct bb_fault f = {0, ""};
    int rc = form == BODY_EVENT ? bb_event_write(v->whole, &call->body, &f)
                                : bb_json_write(v->data, &call->body, &f);

    if (rc != 0 || call->body.failed) {
        bb_error_set(err, BB_E_REJECT, "the message cannot be written as JSON: %s",
                     call->body.failed ? "it is too long" : f.text);
        return -1;
    }
    return 0;
}

/* CloudEvents HTTP binding 3.1.3.2: space, quote, percent and all but printable ASCII as %XX. */
static void value_encode(struct bb_buf *out, struct bb_bytes v)
{
    static const char hex[] = "0123456789ABCDEF";
    const uint8_t *p = v.ptr;
    uint8_t *w = bb_buf_room(out, v.len * 3);
    size_t n = 0;

    if (!w)
        return;
    for (size_t k = 0; k < v.len; k++) {
        if (p[k] > ' ' && p[k] < 0x7f && p[k] != '"' && p[k] != '%') {
            w[n++] = p[k];
        } else {
            w[n++] = '%';
            w[n++] = (uint8_t)hex[p[k] >> 4];
            w[n++] = (uint8_t)hex[p[k] & 15];
        }
    }
    out->len += n;
}

static int header_put(struct bb_http_call *call, struct bb_bytes key, struct bb_bytes value,
                      struct bb_buf *tmp)
{
    char name[64];
    struct bb_bytes s;

    if (key.len > sizeof name - 4)
        return -1;
    memcpy(name, "ce-", 3);
    memcpy(name + 3, key.ptr, key.len);
    name[3 + key.len] = 0;
    bb_buf_reset(tmp);
    if (bb_as_str(value, &s) == 1)
        value_encode(tmp, s);
    else if (bb_json_write(value, tmp, NULL) != 0)
        return -1;
    return tmp->failed ? -1
                       : bb_http_call_header(call, name, (struct bb_bytes){tmp->ptr, tmp->len});
}

static int binary_headers(struct bb_http_call *call, const struct bb_msg_view *v)
{
    struct bb_envelope e;
    struct bb_iter it;
    struct bb_bytes key, value;
    struct bb_buf tmp;
    int rc = -1;

    bb_buf_init(&tmp, 3 * BB_ATTRIBUTE_MAX + 16);
    if (bb_envelope_read(v->whole, &e, NULL) != 0 || !bb_iter_of(e.attributes, &it))
        goto done;
    while (bb_iter_next(&it, &key, &value))
        if (!bb_str_is(key, "datacontenttype") && header_put(call, key, value, &tmp) != 0)
            goto done;
    rc = 0;
done:
    bb_buf_free(&tmp);
    return rc;
}

int body_headers(struct bb_http_call *call, enum body_form form, const char *type,
                 const struct bb_msg_view *v, struct bb_error *err)
{
    if (!type)
        type = form == BODY_EVENT ? "application/cloudevents+json" : "application/json";
    if (bb_http_call_header(call, "Content-Type", bb_str(type)) == 0 &&
        (form != BODY_BINARY || binary_headers(call, v) == 0))
        return 0;
    bb_error_set(err, BB_E_REJECT, "the message's attributes do not fit into headers: "
                                   "use body: event");
    return -1;
}

int body_member(struct bb_http_call *call, enum batch_form batch, enum body_form form,
                const struct bb_msg_view *v, size_t nth, struct bb_error *err)
{
    struct bb_buf *b = &call->body;
    size_t start;

    if (batch != BATCH_LINES)
        bb_buf_put(b, nth ? "," : "[", 1);
    start = b->len;
    if (form == BODY_EVENT || batch == BATCH_EVENTS) {
        /* the event's own "{" is overwritten: the key goes in front of its members */
        bb_buf_put(b, "{\"idempotencykey\":", 18);
        bb_json_write_str(b, v->key.ptr, v->key.len);
        if (v->flags & BB_MSG_REDELIVERY)
            bb_buf_put(b, ",\"redelivery\":true", 18);
        start = b->len;
        if (body_put(call, BODY_EVENT, v, err) != 0)
            return -1;
        b->ptr[start] = ',';
    } else if (body_put(call, BODY_DATA, v, err) != 0) {
        return -1;
    }
    if (batch == BATCH_LINES)
        bb_buf_put(b, "\n", 1);
    return b->failed ? -1 : 0;
}

void body_end(struct bb_http_call *call, enum batch_form batch)
{
    if (batch != BATCH_LINES)
        bb_buf_put(&call->body, "]", 1);
}

const char *body_batch_type(enum batch_form batch, enum body_form form)
{
    if (batch == BATCH_EVENTS || (batch == BATCH_ARRAY && form == BODY_EVENT))
        return "application/cloudevents-batch+json";
    return batch == BATCH_LINES ? "application/x-ndjson" : "application/json";
}

/*
 * batch.c - several requests as one: $batch with one changeset, all of it or nothing
 *
 * multipart/mixed as V2 and V4 both take it. The answer is 202 or 200 whatever came of it. A changeset that
 * failed is ONE part with the error, in the place of all its members; members that are missing without an
 * error leave it open what happened, and so does one member of 400 or more among others.
 *
 * Thread: the instance's. Memory: the call's body; parts of an answer point into it.
 */
#include <stdio.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "sap.h"

void notes_take(struct job *j, struct bb_bytes value)
{
    size_t before = j->notes.len;
    struct bb_bytes one;
    struct bb_iter it;
    struct bb_buf json;

    bb_buf_init(&json, 64u << 10);
    if (j->n_notes < 100 && bb_json_read(value, &json, NULL) == 0) {
        struct bb_bytes v = {json.ptr, json.len};
        if (bb_iter_of(v, &it) && !it.map) {
            while (bb_iter_next(&it, NULL, &one)) {
                bb_put_raw(&j->notes, one);
                j->n_notes++;
            }
        } else {
            bb_put_raw(&j->notes, v);
            j->n_notes++;
        }
    } else if (value.len && j->n_notes < 100) {
        bb_put_str(&j->notes, value.ptr, value.len); /* not what it should be: kept as it is */
        j->n_notes++;
    }
    if (j->notes.failed) {
        j->notes.failed = 0;
        j->notes.len = before;
    }
    bb_buf_free(&json);
}

/* Each member has a key of its own: they are different effects. */
static void request_put(struct job *j, const struct request *r, struct bb_buf *out)
{
    char line[128];
    int n;

    bb_buf_put(out, r->method, strlen(r->method));
    bb_buf_put(out, " ", 1);
    bb_buf_put(out, j->text.ptr + r->path, strlen((const char *)j->text.ptr + r->path));
    bb_buf_put(out, " HTTP/1.1\r\nAccept: application/json\r\n", 37);
    if (r->etag && j->etag.len) {
        bb_buf_put(out, "If-Match: ", 10);
        bb_buf_put(out, j->etag.ptr, j->etag.len);
        bb_buf_put(out, "\r\n", 2);
    }
    bb_buf_put(out, "Idempotency-Key: ", 17);
    bb_buf_put(out, j->v.key.ptr, j->v.key.len);
    n = snprintf(line, sizeof line, "/%zu\r\n", (size_t)(r - j->rq) + 1);
    bb_buf_put(out, line, (size_t)n);
    n = snprintf(line, sizeof line, "%sContent-Length: %zu\r\n\r\n",
                 r->body_len ? "Content-Type: application/json\r\n" : "", r->body_len);
    bb_buf_put(out, line, (size_t)n);
    bb_buf_put(out, j->text.ptr + r->body, r->body_len);
    bb_buf_put(out, "\r\n", 2);
}

void batch_write(struct job *j, struct bb_buf *out)
{
    char set[64], head[160];

    bb_boundary_make("changeset", set);
    snprintf(head, sizeof head, "Content-Type: multipart/mixed; boundary=%s\r\n", set);
    bb_multipart_part(out, j->boundary, head);
    for (size_t k = 0; k < j->n_rq; k++) {
        snprintf(head, sizeof head, "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
                                    "Content-ID: %zu\r\n", k + 1);
        bb_multipart_part(out, set, head);
        request_put(j, &j->rq[k], out);
    }
    bb_multipart_end(out, set);
    bb_multipart_end(out, j->boundary);
}

static void first_entity(struct job *j, struct bb_bytes body)
{
    struct bb_buf json;
    struct bb_bytes d, v;

    if (j->result.len || !body.len)
        return;
    bb_buf_init(&json, JOB_BODY_MAX);
    if (bb_json_read(body, &json, NULL) == 0) {
        d = (struct bb_bytes){json.ptr, json.len};
        if (bb_map_get(d, "d", &v) == 1)
            d = v;
        if (entity_read(j->s->edm, j->set->type, d, &j->result) != 0)
            bb_buf_reset(&j->result);
    }
    bb_buf_free(&json);
}

/* One application/http part. OK, or what its status means. */
static bb_status member_read(struct job *j, struct bb_bytes body, struct bb_error *err)
{
    struct bb_part_http h;
    struct bb_bytes v;

    if (bb_part_http_read(body, &h, NULL) != 0)
        return bb_error_set(err, BB_E_UNKNOWN, "$batch: a part of the answer cannot be read");
    if (bb_part_header(h.head, "sap-message", &v) || bb_part_header(h.head, "sap-messages", &v))
        notes_take(j, v);
    if (h.status < 400) {
        first_entity(j, h.body);
        return BB_OK;
    }
    return fault_judge(&j->i->faults, h.status, h.body, NULL, err);
}

static bb_status changeset_read(struct job *j, const struct bb_part *p, size_t *n, struct bb_error *err)
{
    struct bb_bytes type, boundary;
    struct bb_part in;
    bb_status st = BB_OK, one;
    size_t at = 0;
    int got;

    if (!bb_part_header(p->head, "Content-Type", &type) || !bb_multipart_boundary(type, &boundary)) {
        st = member_read(j, p->body, err); /* the changeset collapsed to one part */
        *n = j->n_rq;
        return st != BB_OK ? st : bb_error_set(err, BB_E_UNKNOWN, "$batch: one answer for a changeset that did not fail");
    }
    while ((got = bb_multipart_next(p->body, boundary, &at, &in, NULL)) == 1) {
        one = member_read(j, in.body, err);
        st = st == BB_OK ? one : st;
        (*n)++;
    }
    if (got < 0)
        return bb_error_set(err, BB_E_UNKNOWN, "$batch: the changeset's answer is cut off");
    return st;
}

bb_status batch_read(struct job *j, const struct bb_http_answer *a, struct bb_error *err)
{
    struct bb_bytes boundary;
    struct bb_part p;
    size_t at = 0, n = 0;
    bb_status st;

    if (!bb_multipart_boundary(a->type, &boundary) || bb_multipart_next(a->body, boundary, &at, &p, NULL) != 1)
        return bb_error_set(err, BB_E_UNKNOWN, "$batch: answered %u, and what is in it cannot be read", a->code);
    st = changeset_read(j, &p, &n, err);
    if (st == BB_OK && n != j->n_rq)
        return bb_error_set(err, BB_E_UNKNOWN, "$batch: %zu answers to %zu requests", n, j->n_rq);
    return st;
}

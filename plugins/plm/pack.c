/*
 * pack.c - a notice becomes the messages of its package: their turn, and handing in (pack_read.c reads them)
 *
 * One package is read at a time, in the order of their deliveries, so that what two of them say of one item is handed
 * in in that order. The delivery is OK when the journal has all of its messages; until then nothing is lost by a crash:
 * the notice is delivered again, and what was handed in already is dropped by the claims.
 *
 * Thread, ownership: see pack.h. Invariant: cookies have the top bit set, those of bb_poll (addresses) have not.
 */
#include <stdio.h>
#include <stdlib.h>
#include "pack.h"

#define BATCH 500u
#define BATCH_BYTES (8u << 20)
#define MESSAGES_MAX (64u << 20)
#define PAGE_MAX (32u << 20)
#define AGAIN_MS 1000
#define COOKIE (1ull << 63)

void pack_free(struct pack **pp)
{
    struct pack *p = *pp;

    if (!p)
        return;
    bb_buf_free(&p->url);
    bb_buf_free(&p->package);
    bb_buf_free(&p->page);
    bb_buf_free(&p->messages);
    bb_buf_free(&p->ends);
    structure_free(&p->structure);
    free(p->number);
    free(p);
    *pp = NULL;
}

void pack_fail(struct pack *p, bb_status st, const struct bb_error *err)
{
    job_end(p->j, st, NULL, err); /* and p with it */
}

void pack_refuse(struct pack *p, bb_status st, const char *text)
{
    struct bb_error err = bb_error_none();

    bb_error_set(&err, st, "change %.60s: %s", p->number, text);
    pack_fail(p, st, &err);
}

/* ---- handing in --------------------------------------------------------------------------------------------- */
static size_t messages_n(const struct pack *p)
{
    return p->ends.len / sizeof(size_t);
}

static size_t end_of(const struct pack *p, size_t nth) /* of message nth - 1; 0 for 0 */
{
    size_t end = 0;

    if (nth)
        memcpy(&end, p->ends.ptr + (nth - 1) * sizeof end, sizeof end);
    return end;
}

void pack_submit(struct pack *p)
{
    const struct bb_ctx *x = &p->j->i->ctx;
    struct bb_bytes parts[BATCH];
    struct bb_error err = bb_error_none();
    size_t from = end_of(p, p->at), n = 0;
    static uint64_t cookies;
    bb_status st;

    while (n < BATCH && p->at + n < messages_n(p) && (!n || end_of(p, p->at + n + 1) - from <= BATCH_BYTES)) {
        size_t start = end_of(p, p->at + n);
        parts[n] = (struct bb_bytes){p->messages.ptr + start, end_of(p, p->at + n + 1) - start};
        n++;
    }
    p->n_sent = n;
    p->cookie = COOKIE | ++cookies;
    p->state = PACK_SENT;
    st = x->api->submit(x->host, parts, n, NULL, p->cookie, &err);
    if (st == BB_E_BUSY) {
        p->state = PACK_FULL;
        p->due_ms = INT64_MAX;
    } else if (st != BB_PENDING) {
        pack_refuse(p, st < 0 ? st : BB_E_RETRY, err.text[0] ? err.text : "its messages were not taken");
    }
}

static void pack_done(struct pack *p)
{
    struct bb_buf reply;

    bb_buf_init(&reply, 1024);
    struct open o = map_open(&reply);
    map_text(&o, "change", bb_str(p->number));
    map_key(&o, "messages");
    bb_put_uint(&reply, messages_n(p));
    map_key(&o, "duplicates");
    bb_put_uint(&reply, p->duplicates);
    open_end(&o);
    job_end(p->j, BB_OK, &reply, NULL);
    bb_buf_free(&reply);
}

static struct pack *pack_first(bb_inst *i)
{
    for (struct job *j = i->jobs; j; j = j->next)
        if (j->pack)
            return j->pack;
    return NULL;
}

int pack_acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    struct pack *p = pack_first(i);
    char text[200];

    if (!(cookie & COOKIE))
        return 0;
    if (!p || p->cookie != cookie || p->state != PACK_SENT)
        return 1;
    if (s == BB_OK) {
        p->at += p->n_sent;
        p->duplicates += r->duplicates;
        if (p->at == messages_n(p))
            pack_done(p);
        else
            pack_submit(p);
    } else if (s == BB_E_BUSY || s == BB_E_RETRY) {
        p->state = PACK_FULL;
        p->due_ms = bb_clock_ms() + AGAIN_MS;
    } else {
        snprintf(text, sizeof text, "%.*s", (int)(r->error.len > 160 ? 160 : r->error.len),
                 r->error.len ? (const char *)r->error.ptr : "its messages were refused");
        pack_refuse(p, BB_E_REJECT, text);
    }
    return 1;
}

void packs_resume(bb_inst *i)
{
    struct pack *p = pack_first(i);

    if (p && p->state == PACK_FULL)
        p->due_ms = bb_clock_ms();
}

/* ---- beginning -------------------------------------------------------------------------------------------------- */
bb_status pack_deliver(bb_inst *i, const struct bb_msg_view *v, bb_token t, struct bb_error *err)
{
    struct bb_envelope e;
    struct bb_bytes number;
    struct job *j;

    if (!(bb_instance_roles(&i->ctx) & BB_ROLE_SOURCE))
        return bb_error_set(err, BB_E_CONFIG, "a notice is to be read, but no route comes from this endpoint: there is nobody to "
                                              "give the package to");
    if (bb_envelope_read(v->whole, &e, NULL) != 0)
        return bb_error_set(err, BB_E_REJECT, "no message");
    number = e.change.len ? e.change : field_text(i, v->data, "number");
    if (!number.len) /* of a webhook, whose style is its own */
        number = bb_conf_str(v->data, "/number", NULL);
    if (!number.len)
        return bb_error_set(err, BB_E_REJECT, "the notice names no change: give it the attribute change, or number in its data");
    j = job_new(i, t, v->budget_ms);
    if (!j)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    j->pack = calloc(1, sizeof *j->pack);
    if (!j->pack || !(j->pack->number = bb_str_dup(number))) {
        job_free(j);
        return bb_error_set(err, number.len && memchr(number.ptr, 0, number.len) ? BB_E_REJECT : BB_E_RETRY, "out of memory");
    }
    j->pack->j = j;
    bb_buf_init(&j->pack->url, 16384);
    bb_buf_init(&j->pack->package, PAGE_MAX);
    bb_buf_init(&j->pack->page, PAGE_MAX);
    bb_buf_init(&j->pack->messages, MESSAGES_MAX);
    bb_buf_init(&j->pack->ends, 1u << 20);
    return BB_PENDING;
}

void packs_run(bb_inst *i)
{
    struct pack *p = pack_first(i);
    int64_t now = bb_clock_ms();

    if (!p || p->state == PACK_READS || p->state == PACK_SENT)
        return;
    if (now >= p->j->end_ms)
        pack_refuse(p, BB_E_RETRY, p->state == PACK_FULL ? "the journal had no room for it in time"
                               : p->state == PACK_WAITS ? "others were read before it: raise the endpoint's timeout"
                                                        : "it took too long to read: raise the endpoint's timeout");
    else if (p->state == PACK_FULL && now >= p->due_ms)
        pack_submit(p);
    else if (p->state == PACK_PAUSES && now >= p->due_ms)
        pack_read_again(p);
    else if (p->state == PACK_WAITS) {
        pack_read(p);
    }
}

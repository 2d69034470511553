/*
 * pack.c - a notice becomes the messages of its package: read from the PLM, then handed in
 *
 *     WAITS -> READS change -> READS item, structure page ... -> SENT (500 messages at most at once) -> OK
 *              PAUSES: the same call again, 5 times           FULL: the journal has no room, until resume()
 *
 * A package can be a hundred calls, so one that fails for the moment is repeated here and does not cost the others.
 *
 * One package is read at a time, in the order of their deliveries, so that what two of them say of one item is handed
 * in in that order. The delivery is OK when the journal has all of its messages; until then nothing is lost by a crash:
 * the notice is delivered again, and what was handed in already is dropped by the claims.
 *
 * Thread: the instance's. Ownership: a pack belongs to its job. Invariant: one call or one submit on its way; cookies
 * have the top bit set, those of bb_poll (addresses) have not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "plm.h"

#define BATCH 500u
#define BATCH_BYTES (8u << 20)
#define MESSAGES_MAX (64u << 20)
#define PAGE_MAX (32u << 20)
#define AGAIN_MS 1000
#define TRIES 5
#define PAUSE_MS 100
#define PAUSE_MOST_MS 2000
#define COOKIE (1ull << 63)

struct pack {
    struct job *j;
    char *number;
    enum { PACK_WAITS, PACK_READS, PACK_PAUSES, PACK_SENT, PACK_FULL } state;
    unsigned tries;               /* of the call in url */
    struct bb_buf url;            /* that was asked last */
    uint64_t cookie;
    int64_t due_ms;
    struct bb_buf package, page;  /* values */
    struct bb_iter all, affected; /* in package */
    int pass;                     /* over it: items, structures, items that end */
    struct structure *structure;  /* that is being read */
    struct bb_buf messages, ends; /* ends: size_t each */
    size_t at, n_sent;            /* handed in, on its way */
    unsigned duplicates;
};

static void object_next(struct pack *p);

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

static void failed(struct pack *p, bb_status st, const struct bb_error *err)
{
    job_end(p->j, st, NULL, err); /* and p with it */
}

static void refused(struct pack *p, bb_status st, const char *text)
{
    struct bb_error err = bb_error_none();

    bb_error_set(&err, st, "change %.60s: %s", p->number, text);
    failed(p, st, &err);
}

/* A mapper's or a page's fault: its status stands in no field, so memory is told by its text. */
static void unreadable(struct pack *p, const struct bb_error *why)
{
    char text[200];

    snprintf(text, sizeof text, "%.199s", why->text);
    refused(p, strcmp(text, "out of memory") == 0 ? BB_E_RETRY : BB_E_REJECT, text);
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

static void pack_submit(struct pack *p)
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
        refused(p, st < 0 ? st : BB_E_RETRY, err.text[0] ? err.text : "its messages were not taken");
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
        refused(p, BB_E_REJECT, text);
    }
    return 1;
}

void packs_resume(bb_inst *i)
{
    struct pack *p = pack_first(i);

    if (p && p->state == PACK_FULL)
        p->due_ms = bb_clock_ms();
}

/* ---- reading -------------------------------------------------------------------------------------------------- */
/* 1: the call will be made again after a pause. */
static int pauses(struct pack *p, bb_status st, uint32_t wish_ms)
{
    int64_t pause = wish_ms ? (int64_t)wish_ms : bb_backoff_ms(p->tries + 1, PAUSE_MS, PAUSE_MOST_MS);

    if (st != BB_E_RETRY || ++p->tries > TRIES || bb_clock_ms() + pause >= p->j->end_ms || p->j->i->stopping)
        return 0;
    p->state = PACK_PAUSES;
    p->due_ms = bb_clock_ms() + pause;
    return 1;
}

/* 1 the answer is a value in b, 0 it will be asked for again, or the pack is gone. */
static int value_read(struct pack *p, const struct bb_http_answer *a, struct bb_buf *b)
{
    struct bb_error err = bb_error_none();
    struct bb_fault f = {0, ""};
    char text[240];

    if (a->code != 200) {
        bb_status st = answer_fault(p->j->i, a, p->j->what, &err);
        if (st >= 0)
            st = bb_error_set(&err, BB_E_CONFIG, "%.90s: the PLM answered %u instead of 200; mend base_url, style or paths",
                              p->j->what, a->code);
        st = st == BB_E_UNKNOWN ? BB_E_RETRY : st; /* it was only read */
        if (!pauses(p, st, a->retry_after_ms))
            failed(p, st, &err);
        return 0;
    }
    bb_buf_reset(b);
    if (bb_json_read(a->body, b, &f) == 0)
        return 1;
    snprintf(text, sizeof text, "%.60s: the answer is no JSON (%.50s): mend base_url or paths", p->j->what, f.text);
    refused(p, BB_E_CONFIG, text);
    return 0;
}

static void url_ask(struct pack *p)
{
    p->state = PACK_READS;
    if (job_ask(p->j, "GET", (const char *)p->url.ptr, (struct bb_bytes){NULL, 0}, NULL) != 0)
        refused(p, BB_E_RETRY, "out of memory");
}

static void page_ask(struct pack *p, const char *url, void (*answer)(struct job *j, const struct bb_http_answer *a))
{
    p->j->answer = answer;
    p->tries = 0;
    bb_buf_reset(&p->url);
    bb_buf_put(&p->url, url, strlen(url) + 1);
    if (p->url.failed)
        refused(p, BB_E_REJECT, "a URL is too long");
    else
        url_ask(p);
}

static void object_ask(struct pack *p, const char *path, struct bb_bytes object,
                       void (*answer)(struct job *j, const struct bb_http_answer *a))
{
    bb_inst *i = p->j->i;
    struct bb_bytes item = field_text(i, object, "item");
    const struct place places[] = {{"number", bb_str(p->number)}, {"item", item}, {"revision", field_text(i, object, "revision")},
                                   {"plant", field_text(i, object, "plant")}, {"usage", field_text(i, object, "usage")},
                                   {"alternative", field_text(i, object, "alternative")}};
    struct bb_buf url;

    snprintf(p->j->what, sizeof p->j->what, "change %.30s%s%.*s", p->number, item.len ? ", item " : "",
             (int)(item.len > 40 ? 40 : item.len), item.len ? (const char *)item.ptr : "");
    bb_buf_init(&url, 16384);
    path_put(i, path, places, sizeof places / sizeof *places, &url);
    if (url.failed)
        refused(p, BB_E_REJECT, "a number in it is too long");
    else
        page_ask(p, (const char *)url.ptr, answer);
    bb_buf_free(&url);
}

/* What was just appended is a message; 0, -1 with err. */
static int message_end(struct pack *p, struct bb_error *err)
{
    size_t end = p->messages.len;

    bb_buf_put(&p->ends, &end, sizeof end);
    if (!p->messages.failed && !p->ends.failed)
        return 0;
    bb_error_set(err, BB_E_REJECT, "it comes to more than 64 MiB of messages: lower structure.levels");
    return -1;
}

static int assembly_put(void *arg, struct bb_bytes header, const struct bb_bytes *lines, size_t n, struct bb_error *err)
{
    struct pack *p = arg;

    return bom_message(p->j->i, header, lines, n, &p->messages, err) == 0 ? message_end(p, err) : -1;
}

static void item_answer(struct job *j, const struct bb_http_answer *a)
{
    struct pack *p = j->pack;
    struct bb_error err = bb_error_none();

    if (!value_read(p, a, &p->page))
        return;
    if (item_message(j->i, (struct bb_bytes){p->page.ptr, p->page.len}, &p->messages, &err) != 0 || message_end(p, &err) != 0)
        unreadable(p, &err);
    else
        object_next(p);
}

static void structure_answer(struct job *j, const struct bb_http_answer *a)
{
    struct pack *p = j->pack;
    struct bb_error err = bb_error_none();
    struct bb_bytes next;
    struct bb_buf url;

    if (!value_read(p, a, &p->page))
        return;
    if (structure_page(p->structure, (struct bb_bytes){p->page.ptr, p->page.len}, &next, &err) != 0) {
        unreadable(p, &err);
        return;
    }
    if (!next.len) {
        int rc = structure_each(p->structure, assembly_put, p, &err);
        structure_free(&p->structure);
        if (rc == 0)
            object_next(p);
        else
            unreadable(p, &err);
        return;
    }
    bb_buf_init(&url, 16384);
    if (bb_uri_resolve(bb_str(bb_http_answer_url(a)), next, &url) != 0 || (bb_buf_put(&url, "", 1), url.failed))
        refused(p, BB_E_REJECT, "the link to the next page is no URL");
    else if (!bb_http_is_home(j->i->client, (const char *)url.ptr))
        refused(p, BB_E_CONFIG, "the next page is at another host, which is not asked: mend base_url");
    else
        page_ask(p, (const char *)url.ptr, structure_answer);
    bb_buf_free(&url);
}

/* A receiver needs a part before what it is in, and until nothing holds it any more. */
static int pass_of(const bb_inst *i, struct bb_bytes one)
{
    struct bb_bytes object = field_text(i, one, "object");

    if (bb_str_is(object, "bom"))
        return 1;
    return !bb_str_is(object, "item") ? -1 : bb_str_is(field_text(i, one, "action"), "obsolete") ? 2 : 0;
}

static void object_read(struct pack *p, struct bb_bytes one)
{
    bb_inst *i = p->j->i;

    if (p->pass != 1) {
        object_ask(p, i->conf.item, one, item_answer);
        return;
    }
    p->structure = structure_new(i);
    if (!p->structure)
        refused(p, BB_E_RETRY, "out of memory");
    else
        object_ask(p, i->conf.structure, one, structure_answer);
}

/* The next object of the package that has something to read; at the end the change itself, and all is handed in. */
static void object_next(struct pack *p)
{
    bb_inst *i = p->j->i;
    struct bb_bytes one;
    struct bb_error err = bb_error_none();

    for (; p->pass < 3; p->pass++, p->affected = p->all)
        while (bb_iter_next(&p->affected, NULL, &one))
            if (pass_of(i, one) == p->pass) {
                object_read(p, one);
                return;
            }
    if (change_message(i, (struct bb_bytes){p->package.ptr, p->package.len}, &p->messages, &err) != 0 || message_end(p, &err) != 0)
        unreadable(p, &err);
    else
        pack_submit(p);
}

static void package_answer(struct job *j, const struct bb_http_answer *a)
{
    struct pack *p = j->pack;
    struct bb_bytes package, state, list;

    if (!value_read(p, a, &p->package))
        return;
    package = (struct bb_bytes){p->package.ptr, p->package.len};
    state = field_text(j->i, package, "state");
    list = field(j->i, package, "affected");
    memset(&p->all, 0, sizeof p->all); /* none: only what is released is there to be read */
    if ((bb_str_is(state, "released") || bb_str_is(state, "implemented")) && (!list.len || !bb_iter_of(list, &p->all) || p->all.map))
        refused(p, BB_E_REJECT, "the package has no list of what it affects: say what it is called there, names: {affected: ...}");
    else {
        p->affected = p->all;
        object_next(p);
    }
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
        refused(p, BB_E_RETRY, p->state == PACK_FULL ? "the journal had no room for it in time"
                               : p->state == PACK_WAITS ? "others were read before it: raise the endpoint's timeout"
                                                        : "it took too long to read: raise the endpoint's timeout");
    else if (p->state == PACK_FULL && now >= p->due_ms)
        pack_submit(p);
    else if (p->state == PACK_PAUSES && now >= p->due_ms)
        url_ask(p);
    else if (p->state == PACK_WAITS) {
        object_ask(p, i->conf.change, (struct bb_bytes){NULL, 0}, package_answer);
    }
}

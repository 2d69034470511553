/*
 * poll.c - a feed's rounds: when to ask, what to submit, what to do when it fails
 *
 * See poll.h beside it for the states. A page of more records than max_messages goes in several
 * submits; only the last of them moves the place, so a crash between them reads the page again.
 *
 * Thread: the client's. Ownership: see poll.h. Invariant: at most one request or one submit is on its
 * way; the cookie of a submit is the poll's own address, which nobody else uses.
 */
#include <stdlib.h>
#include <stdio.h>
#include "poll.h"

#define MESSAGES_MAX 4096
#define BATCH_BYTES (16u << 20)
#define FIRST_PAUSE_MS 1000
#define NEXT_MAX 8192

/* ---- life -------------------------------------------------------------------------------------------- */
static int texts_copy(struct bb_poll *p)
{
    const char **each[] = {&p->conf.url, &p->conf.records, &p->conf.next_pointer, &p->conf.cursor_pointer,
                           &p->conf.cursor_param, &p->conf.cursor_start};
    size_t n = 1;
    char *w;

    for (size_t k = 0; k < sizeof each / sizeof each[0]; k++)
        n += *each[k] ? strlen(*each[k]) + 1 : 0;
    if (!(p->texts = w = malloc(n)))
        return -1;
    for (size_t k = 0; k < sizeof each / sizeof each[0]; k++)
        if (*each[k]) {
            size_t len = strlen(*each[k]) + 1;
            memcpy(w, *each[k], len);
            *each[k] = w;
            w += len;
        }
    return 0;
}

static void place_init(struct place *p)
{
    bb_buf_init(&p->cursor, BB_POLL_CURSOR_MAX);
    bb_buf_init(&p->seen, BB_POLL_CURSOR_MAX);
    bb_buf_init(&p->next, NEXT_MAX);
}

static void place_free(struct place *p)
{
    bb_buf_free(&p->cursor);
    bb_buf_free(&p->seen);
    bb_buf_free(&p->next);
}

static bb_status conf_check(const struct bb_poll_conf *f, struct bb_error *err)
{
    int in_url = strstr(f->url, "{cursor}") != NULL;

    if (in_url && (!f->cursor_pointer || !f->cursor_start))
        return bb_error_set(err, BB_E_CONFIG, "poll: {cursor} in url needs cursor with its pointer and its "
                                              "first value, start");
    if (f->cursor_pointer && !in_url && !f->cursor_param)
        return bb_error_set(err, BB_E_CONFIG, "poll: the cursor has no place in the request: give cursor's "
                                              "param, or write {cursor} into url");
    if (f->next == BB_NEXT_POINTER && !f->next_pointer)
        return bb_error_set(err, BB_E_CONFIG, "poll: next needs its pointer");
    return BB_OK;
}

bb_status bb_poll_new(const struct bb_poll_conf *conf, struct bb_poll **out, struct bb_error *err)
{
    bb_status st = conf_check(conf, err);
    struct bb_poll *p;

    if (st != BB_OK)
        return st;
    p = calloc(1, sizeof *p);
    if (!p)
        goto fail;
    p->conf = *conf;
    p->conf.records = conf->records ? conf->records : "";
    p->conf.interval_ms = conf->interval_ms > 0 ? conf->interval_ms : 60000;
    p->conf.backoff_max_ms = conf->backoff_max_ms > 0 ? conf->backoff_max_ms : 300000;
    p->conf.max_messages = conf->max_messages ? conf->max_messages : 500;
    if (p->conf.max_messages > MESSAGES_MAX)
        p->conf.max_messages = MESSAGES_MAX;
    p->conf.max_page = conf->max_page ? conf->max_page : 8u << 20;
    place_init(&p->place);
    place_init(&p->then);
    bb_buf_init(&p->url, NEXT_MAX + BB_POLL_CURSOR_MAX * 3);
    bb_buf_init(&p->page, p->conf.max_page * 2 + 4096);
    bb_buf_init(&p->messages, p->conf.max_page * 4 + BATCH_BYTES);
    bb_buf_init(&p->state_bytes, 65536);
    p->parts = calloc(p->conf.max_messages, sizeof *p->parts);
    if (!p->parts || texts_copy(p) != 0)
        goto fail;
    *out = p;
    return BB_OK;
fail:
    bb_poll_free(&p);
    return bb_error_set(err, BB_E_RETRY, "out of memory");
}

void bb_poll_free(struct bb_poll **pp)
{
    struct bb_poll *p = *pp;

    if (!p)
        return;
    bb_poll_stop(p);
    place_free(&p->place);
    place_free(&p->then);
    bb_buf_free(&p->url);
    bb_buf_free(&p->page);
    bb_buf_free(&p->messages);
    bb_buf_free(&p->state_bytes);
    free(p->parts);
    free(p->texts);
    free(p);
    *pp = NULL;
}

static bb_status place_load(struct bb_poll *p, struct bb_error *err)
{
    const struct bb_ctx *x = p->conf.ctx;
    size_t len = 0;
    uint8_t *buf = bb_buf_room(&p->state_bytes, 65536);
    bb_status st = buf ? x->api->state(x->host, buf, 65536, &len, &p->version) : BB_E_RETRY;

    if (st != BB_OK)
        return bb_error_set(err, st, "the feed's stored place cannot be read");
    if (!p->version || !len) {
        bb_buf_reset(&p->place.cursor);
        bb_buf_reset(&p->place.seen);
        bb_buf_reset(&p->place.next);
        if (p->conf.cursor_start)
            bb_buf_put(&p->place.cursor, p->conf.cursor_start, strlen(p->conf.cursor_start));
    } else if (place_read((struct bb_bytes){buf, len}, &p->place) != 0) {
        return bb_error_set(err, BB_E_CONFIG, "the stored place is not a feed's: this endpoint's name belonged "
                                              "to another kind of source; give it a new name");
    }
    return BB_OK;
}

bb_status bb_poll_start(struct bb_poll *p, struct bb_error *err)
{
    bb_status st = p ? place_load(p, err) : BB_OK;

    if (st != BB_OK || !p)
        return st;
    p->state = POLL_IDLE;
    p->due_ms = bb_clock_ms();
    return BB_OK;
}

void bb_poll_stop(struct bb_poll *p)
{
    if (!p)
        return;
    p->state = POLL_STOPPED; /* first: done() must not go on */
    if (p->call)
        bb_http_cancel(p->call);
}

bb_status bb_poll_health(const struct bb_poll *p, struct bb_error *why)
{
    return !p || p->health == BB_OK ? BB_OK : bb_error_set(why, p->health, "%s", p->why);
}

/* ---- failing --------------------------------------------------------------------------------------- */
/* Waits, then asks for the page again. The first of a row is a warning, the rest would flood the log. */
static void failed(struct bb_poll *p, const char *text, uint32_t wish_ms)
{
    p->failures++;
    p->state = POLL_IDLE;
    p->due_ms = bb_clock_ms() +
                (wish_ms ? wish_ms : bb_backoff_ms(p->failures, FIRST_PAUSE_MS, p->conf.backoff_max_ms));
    p->health = BB_E_DOWN;
    if (p->failures == 1 || strcmp(text, p->why) != 0)
        bb_host_log(p->conf.ctx, BB_LOG_WARN, "feed: %s", text);
    snprintf(p->why, sizeof p->why, "%s", text);
}

static void worked(struct bb_poll *p)
{
    if (p->failures)
        bb_host_log(p->conf.ctx, BB_LOG_INFO, "feed: works again");
    p->failures = 0;
    p->health = BB_OK;
}

/* ---- submitting -------------------------------------------------------------------------------------- */
static void submit_on(struct bb_poll *p)
{
    const struct bb_ctx *x = p->conf.ctx;
    struct bb_state state = {.size = sizeof state, .expected_version = p->version};
    struct bb_error err = bb_error_none();
    bb_status st;

    if (p->last)
        place_write(&p->then, &p->state_bytes);
    state.value = (struct bb_bytes){p->state_bytes.ptr, p->state_bytes.len};
    if (p->state_bytes.failed) {
        failed(p, "the place in the feed is too long to be stored", 0);
        return;
    }
    p->state = POLL_SENT;
    st = x->api->submit(x->host, p->parts, p->n_parts, p->last ? &state : NULL, (uint64_t)(uintptr_t)p, &err);
    if (st == BB_E_BUSY)
        p->state = POLL_FULL; /* until resume() */
    else if (st != BB_PENDING && p->state == POLL_SENT)
        failed(p, err.text[0] ? err.text : "the host did not take the page", err.retry_after_ms);
    p->due_ms = p->state == POLL_FULL ? INT64_MAX : p->due_ms;
}

static void round_end(struct bb_poll *p)
{
    int64_t most = p->conf.interval_ms * (p->conf.jitter > 100 ? 100 : p->conf.jitter) / 100;
    /* half of first .. first: the only random number at hand; spread to both sides of the interval */
    int64_t shift = most ? (bb_backoff_ms(1, 2 * most, 2 * most) - most) * 2 - most : 0;

    p->state = POLL_IDLE;
    p->due_ms = bb_clock_ms() + p->conf.interval_ms + shift;
}

/* The journal has the page: go on from there. */
static void page_done(struct bb_poll *p)
{
    place_copy(&p->place, &p->then);
    if (!p->place.next.len) {
        round_end(p);
        return;
    }
    p->state = POLL_IDLE;
    p->due_ms = bb_clock_ms();
}

/* Makes the next messages of the page: 0, -1 with err. */
static int messages_make(struct bb_poll *p, struct bb_error *err)
{
    struct bb_bytes record;
    size_t nth = p->records.n - p->records.left;

    bb_buf_reset(&p->messages);
    p->n_parts = 0;
    while (p->n_parts < p->conf.max_messages && p->messages.len < BATCH_BYTES &&
           bb_iter_next(&p->records, NULL, &record)) {
        struct bb_error why = bb_error_none();
        size_t at = p->messages.len;
        int rc = p->conf.message(p->conf.arg, record, &p->messages, &why);
        if (rc < 0 || p->messages.failed || poll_seen(p, record, &why) != 0) {
            bb_error_set(err, BB_E_DOWN, "record %zu of the page: %.180s", nth,
                         p->messages.failed ? "too large" : why.text);
            return -1;
        }
        nth++;
        if (rc == 0)
            continue;
        p->parts[p->n_parts].ptr = (const void *)(uintptr_t)at; /* the buffer may still move */
        p->parts[p->n_parts++].len = p->messages.len - at;
    }
    for (size_t k = 0; k < p->n_parts; k++)
        p->parts[k].ptr = p->messages.ptr + (uintptr_t)p->parts[k].ptr;
    return 0;
}

static int place_same(const struct place *a, const struct place *b)
{
    const struct bb_buf *x[] = {&a->cursor, &a->seen, &a->next}, *y[] = {&b->cursor, &b->seen, &b->next};

    for (int k = 0; k < 3; k++)
        if (x[k]->len != y[k]->len || (x[k]->len && memcmp(x[k]->ptr, y[k]->ptr, x[k]->len) != 0))
            return 0;
    return 1;
}

static void page_on(struct bb_poll *p)
{
    struct bb_error err = bb_error_none();

    if (messages_make(p, &err) != 0) {
        failed(p, err.text, 0);
        return;
    }
    p->last = p->records.left == 0;
    if (p->last && !p->then.next.len) { /* the round's end: the cursor moves */
        if (p->then.seen.len) {
            bb_buf_reset(&p->then.cursor);
            bb_buf_put(&p->then.cursor, p->then.seen.ptr, p->then.seen.len);
        }
        bb_buf_reset(&p->then.seen);
    }
    if (!p->n_parts && p->last && place_same(&p->place, &p->then)) {
        page_done(p); /* nothing new: nothing to store */
        return;
    }
    if (p->n_parts || p->last)
        submit_on(p);
    else
        p->state = POLL_READY; /* a stretch of records that nobody wants */
}

int bb_poll_acked(struct bb_poll *p, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    char text[200];

    if (!p || cookie != (uint64_t)(uintptr_t)p)
        return 0;
    if (p->state != POLL_SENT)
        return 1;
    if (s == BB_OK) {
        if (!p->last) {
            p->state = POLL_READY;
            return 1;
        }
        p->version = r->state_version;
        page_done(p);
        return 1;
    }
    if (s == BB_E_BUSY || s == BB_E_RETRY) {
        p->state = POLL_FULL;
        p->due_ms = bb_clock_ms() + FIRST_PAUSE_MS;
        return 1;
    }
    snprintf(text, sizeof text, "the page is refused and held: %.*s",
             (int)(r->error.len > 150 ? 150 : r->error.len),
             r->error.len ? (const char *)r->error.ptr : "no reason was given");
    (void)place_load(p, NULL); /* somebody else may have moved the place */
    failed(p, text, 0);
    return 1;
}

void bb_poll_resume(struct bb_poll *p)
{
    if (p && p->state == POLL_FULL)
        p->due_ms = bb_clock_ms();
}

/* ---- asking -------------------------------------------------------------------------------------------- */
/* A next page that is gone: the round begins again; claims drop what came already. */
static int next_is_gone(const struct bb_poll *p, unsigned code)
{
    return p->asked_next && (code == 400 || code == 404 || code == 410 || code == 412);
}

static void on_page(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct bb_poll *p = call->arg;
    struct bb_error err = bb_error_none();

    p->call = NULL;
    if (p->state != POLL_ASKING)
        return; /* stopped */
    if (next_is_gone(p, a->code)) {
        bb_buf_reset(&p->place.next);
        bb_buf_reset(&p->place.seen);
        failed(p, "the next page is not there any more: the round begins again", 0);
        return;
    }
    if (a->code != 200) {
        failed(p, a->text[0] ? a->text : "the feed did not answer 200", a->retry_after_ms);
        return;
    }
    if (poll_page(p, a, &err) != 0) {
        failed(p, err.text, 0);
        return;
    }
    worked(p);
    p->state = POLL_READY;
}

static void ask(struct bb_poll *p)
{
    struct bb_error err = bb_error_none();

    if (poll_url(p, &err) != 0) {
        failed(p, err.text, 0);
        return;
    }
    p->call = bb_http_call_new(p->conf.client, "GET", (char *)p->url.ptr);
    if (!p->call) {
        failed(p, "out of memory", 0);
        return;
    }
    bb_http_call_header(p->call, "Accept", bb_str(p->conf.body ? "*/*" : "application/json"));
    if (p->conf.request)
        p->conf.request(p->conf.arg, p->call);
    p->call->max_response = p->conf.max_page;
    p->call->done = on_page;
    p->call->arg = p;
    p->state = POLL_ASKING;
    if (bb_http_send(p->call) != 0) {
        p->call = NULL;
        failed(p, "the request could not be sent: its URL is too long, or no memory", 0);
    }
}

uint32_t bb_poll_before(struct bb_poll *p, uint32_t timeout_ms)
{
    int64_t left;

    if (p && p->state == POLL_READY)
        return 0;
    if (!p || (p->state != POLL_IDLE && p->state != POLL_FULL))
        return timeout_ms;
    left = p->due_ms - bb_clock_ms();
    return left <= 0 ? 0 : left < timeout_ms ? (uint32_t)left : timeout_ms;
}

void bb_poll_after(struct bb_poll *p)
{
    if (!p)
        return;
    if (p->state == POLL_READY)
        page_on(p);
    else if (p->state == POLL_FULL && bb_clock_ms() >= p->due_ms)
        submit_on(p);
    else if (p->state == POLL_IDLE && bb_clock_ms() >= p->due_ms)
        ask(p);
}

/*
 * poll.c - the http connector as a source that asks: the SDK's feed with this plugin's envelope
 *
 * A record becomes a message as a record of a posted body does, by the same `envelope` rules; the
 * webhook's struct source serves as their holder and never listens.
 *
 * Thread: the instance's. Ownership: the feed owns its client, its poll and that holder; the poll goes
 * before the client.
 */
#include <stdlib.h>
#include <stdio.h>
#include "messages.h"
#include <busbar/poll.h>

struct feed {
    bb_inst *inst;
    struct bb_http *client;
    struct bb_poll *poll;
    struct source *maker;
    struct request record;
};

static int message_make(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err)
{
    struct feed *f = arg;
    struct problems p = {0};

    bb_buf_reset(&f->maker->out);
    f->record.messages = 0;
    if (record_make(f->maker, &f->record, record, 0, 0, &p) != 0 || p.status) {
        bb_error_set(err, BB_E_DOWN, "%.220s", p.n ? p.list[0] : p.detail);
        return -1;
    }
    bb_buf_put(out, f->maker->out.ptr, f->maker->out.len);
    return 1;
}

static struct source *maker_new(bb_inst *i, struct bb_bytes conf, size_t max_page, struct bb_error *err)
{
    struct source *s = calloc(1, sizeof *s);

    if (!s || asprintf(&s->default_source, "/busbar/%s", i->who.endpoint) < 0) {
        free(s);
        bb_error_set(err, BB_E_RETRY, "out of memory");
        return NULL;
    }
    s->inst = i;
    s->listen_fd = s->epoll_fd = -1;
    bb_buf_init(&s->out, max_page * 4 + (64u << 10));
    if (rules_read(s, conf, err) == 0)
        return s;
    source_free(&s);
    return NULL;
}

/* An id made at random would be another one each time the record is read. */
static bb_status envelope_check(const struct source *s, struct bb_error *err)
{
    for (size_t k = 0; k < s->n_rules; k++) {
        if (s->rules[k].kind == RULE_HEADER)
            return bb_error_set(err, BB_E_CONFIG, "envelope: a polled record has no headers: give %s a "
                                                  "pointer", s->rules[k].name);
        if (strcmp(s->rules[k].name, "id") == 0 && s->rules[k].kind == RULE_POINTER)
            return BB_OK;
    }
    return bb_error_set(err, BB_E_CONFIG, "poll needs envelope with id: {pointer: ...}, so that a record that "
                                          "is read twice is known");
}

struct feed *feed_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err, bb_status *why)
{
    struct bb_poll_conf pc = {.ctx = &i->ctx, .message = message_make};
    struct bb_http_config hc = {.agent = "busbar-http/1"};
    struct feed *f = calloc(1, sizeof *f);
    char *texts = NULL, *base = NULL;
    struct bb_bytes poll;

    *why = BB_E_RETRY;
    if (!f || !bb_conf_find(conf, "/poll", &poll)) {
        bb_error_set(err, BB_E_RETRY, "out of memory");
        goto fail;
    }
    f->inst = i;
    if ((*why = bb_poll_conf_read(poll, &pc, &texts, err)) != BB_OK)
        goto fail;
    *why = BB_E_CONFIG;
    f->maker = maker_new(i, conf, pc.max_page, err);
    if (!f->maker || (*why = envelope_check(f->maker, err)) != BB_OK)
        goto fail;
    base = strdup(pc.url); /* the whole URL is the feed's, credentials go to its host */
    if (!base)
        goto fail;
    base[strcspn(base, "?#{")] = 0;
    hc.base = base;
    if ((*why = bb_http_from_conf(&i->ctx, conf, &hc, &f->client, err)) != BB_OK)
        goto fail;
    pc.client = f->client;
    pc.arg = f;
    if ((*why = bb_poll_new(&pc, &f->poll, err)) != BB_OK)
        goto fail;
    free(texts);
    free(base);
    return f;
fail:
    free(texts);
    free(base);
    feed_free(&f);
    return NULL;
}

void feed_free(struct feed **fp)
{
    struct feed *f = *fp;

    if (!f)
        return;
    if (f->poll)
        bb_poll_free(&f->poll);
    bb_http_free(&f->client);
    source_free(&f->maker);
    free(f);
    *fp = NULL;
}

struct bb_poll *feed_poll(struct feed *f)
{
    return f->poll;
}

struct bb_http *feed_client(struct feed *f)
{
    return f->client;
}

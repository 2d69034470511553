/*
 * changed.c - what conf.d may not change while deliveries are under way
 *
 * A route's lanes are hashes of its ordering key, and its deliveries belong to one target: so `to` and
 * `order_by` may change only when nothing of the route is pending. What they were is kept in the
 * journal. A route that is no longer in conf.d keeps its deliveries: they are shown and counted until
 * it comes back and drains them. Runs before the hub's thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/hub/internal.h"

void hub_start_op(struct bb_hub *h, struct bb_op *op)
{
    zmq_pollitem_t it = {.fd = bb_journal_fd(h->journal), .events = ZMQ_POLLIN};
    bool done = false;

    bb_journal_post(h->journal, op);
    while (!done) { /* what an earlier hub posted may come first: nobody waits for that any more */
        struct bb_op *next;

        for (struct bb_op *o = bb_journal_take(h->journal); o; o = next) {
            next = o->next;
            done |= o == op;
        }
        if (!done)
            zmq_poll(&it, 1, 1000);
    }
}

int hub_route_unchanged(struct bb_hub *h, struct hub_route *r, struct bb_fault *err)
{
    const struct bb_route_config *c = r->config;
    struct bb_route_state st;
    struct bb_buf was;
    char key[100], now[200];
    uint64_t version = 0;
    int rc = 0;

    snprintf(key, sizeof key, "route/%s", c->name);
    snprintf(now, sizeof now, "to: %s, order_by: %s", c->to, c->order_by ? c->order_by : "(none)");
    bb_buf_init(&was, 4096);
    if (bb_journal_source_state(h->journal, key, &was, &version) != 0)
        version = 0;
    if (version && was.len == strlen(now) && memcmp(was.ptr, now, was.len) == 0)
        goto out;
    if (version && bb_journal_route(h->journal, r->id, &st) == 0 && st.pending) {
        rc = bb_fail(err,
                     "route \"%s\": %" PRIu64 " deliveries are pending under \"%.*s\", conf.d says now "
                     "\"%s\": put it back and let it drain, or give the new route another name",
                     c->name, st.pending, (int)was.len, (const char *)was.ptr, now);
        goto out;
    }
    struct bb_op op = {.kind = BB_OP_STATE};
    op.state.key = key;
    op.state.expected = version;
    op.state.value = (struct bb_bytes){now, strlen(now)};
    hub_start_op(h, &op);
    if (op.status != BB_OK)
        rc = bb_fail(err, "route \"%s\": the journal does not take its description: %s", c->name, op.text);
out:
    bb_buf_free(&was);
    return rc;
}

struct each {
    struct bb_hub *h;
    void (*fn)(void *, const char *, const struct bb_route_state *);
    void *arg;
};

static int each_route(void *arg, const char *name, const struct bb_route_state *s)
{
    struct each *e = arg;

    if (s->id == BB_ROUTE_UNMATCHED || hub_route_by_id(e->h, s->id))
        return 0;
    if (s->pending || s->counts[BB_D_QUARANTINED])
        e->fn(e->arg, name, s);
    return 0;
}

void hub_removed_each(struct bb_hub *h, void (*fn)(void *, const char *, const struct bb_route_state *),
                      void *arg)
{
    struct bb_view *v = bb_view_of(h->journal);
    struct each e = {h, fn, arg};

    if (v)
        bb_view_routes(v, each_route, &e);
    bb_view_close(&v);
}

static void say(void *arg, const char *name, const struct bb_route_state *s)
{
    (void)arg;
    bb_logf(BB_LOG_WARN,
            "route \"%s\" is not in conf.d any more, but %" PRIu64 " of its deliveries are pending and %"
            PRIu64 " quarantined: put it back to drain them",
            name, s->pending, s->counts[BB_D_QUARANTINED]);
}

void hub_removed_say(struct bb_hub *h)
{
    hub_removed_each(h, say, NULL);
}

/*
 * batch.c - deliveries of one lane that are in flight together (manifest: "batch": "ordered")
 *
 * Their answers wait here for each other, for a settlement alone would say nothing about the lane:
 * whether one goes on depends on those before it. The last answer (or the host's death, which
 * answers for all) settles them in the lane's order, in one operation as a rule. The rows of a
 * batch are INFLIGHT in the journal until then, so it hands out nothing that stands behind them.
 */
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

struct hub_batch *hub_batch_new(struct bb_hub *h, size_t n)
{
    struct hub_batch *b = calloc(1, sizeof *b + n * sizeof b->kept[0]);

    if (!b)
        return NULL;
    b->next = h->batches;
    if (b->next)
        b->next->prev = b;
    h->batches = b;
    return b;
}

static void kept_free(struct hub_kept *k)
{
    for (size_t i = 0; i < sizeof k->bytes / sizeof *k->bytes; i++)
        free(k->bytes[i]);
    memset(k, 0, sizeof *k);
}

void hub_batch_free(struct bb_hub *h, struct hub_batch *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        kept_free(&b->kept[i]);
    *(b->prev ? &b->prev->next : &h->batches) = b->next;
    if (b->next)
        b->next->prev = b->prev;
    free(b);
}

void hub_batch_join(struct hub_batch *b, struct hub_flight *f)
{
    f->batch = b;
    f->at = b->n;
    b->flight[b->n++] = f;
    b->unposted = b->unsettled = b->n;
}

bool hub_batch_settled(struct bb_hub *h, struct hub_flight *f)
{
    if (!f->batch)
        return true;
    if (--f->batch->unsettled)
        return false;
    hub_batch_free(h, f->batch);
    return true;
}

static struct bb_bytes keep(struct bb_bytes b, void **own)
{
    void *p = b.len ? malloc(b.len) : NULL;

    if (!p) /* without memory the status still counts */
        return (struct bb_bytes){NULL, 0};
    memcpy(p, b.ptr, b.len);
    *own = p;
    return (struct bb_bytes){p, b.len};
}

static bool passes(int32_t status)
{
    return status == BB_OK || status == BB_NOT_APPLIED;
}

/* May it have been applied, as far as this answer says? */
static bool maybe(const struct hub_flight *f, int32_t status)
{
    if (f->op == BB_DELIVER_PROBE)
        return status != BB_NOT_APPLIED;
    switch (status) {
    case BB_NOT_APPLIED:
    case BB_E_RETRY:
    case BB_E_REJECT:
    case BB_E_DOWN:
    case BB_E_CONFIG:
    case BB_E_UNSUP:
    case BB_E_BUSY:
    case BB_E_CANCEL:
        return false;
    default:
        return true;
    }
}

/* It was to stop. What it applied it applied; a person should know why the order is not kept. */
static void promise_broken(struct bb_hub *h, const struct hub_batch *b, uint32_t first)
{
    const struct hub_flight *f = b->flight[0];
    uint32_t n = 0;

    for (uint32_t i = first + 1; i < b->n; i++)
        n += b->kept[i].w.status == BB_OK;
    if (n && hub_peer_line(h, f->peer))
        bb_logf(BB_LOG_ERROR,
                "endpoint \"%s\": its connector promises ordered batches, and went on "
                "after a failure: %u of route \"%s\" were delivered before message %llu",
                f->peer->ep->name, n, f->route->config->name,
                (unsigned long long)b->flight[first]->seq);
}

static void finish(struct bb_hub *h, struct hub_batch *b)
{
    bool probes = b->flight[0]->op == BB_DELIVER_PROBE; /* no answer says anything about another */
    uint32_t first = 0, last_maybe = 0; /* the first that failed; behind the last maybe applied */
    uint64_t not_before = 0;

    while (first < b->n && (probes || passes(b->kept[first].w.status)))
        first++;
    for (uint32_t i = 0; i < b->n; i++)
        if (maybe(b->flight[i], b->kept[i].w.status))
            last_maybe = i + 1;
    if (first < b->n)
        promise_broken(h, b, first);
    if (h->settling && h->settling->op.settle.n + b->n > HUB_SETTLES)
        hub_settle_flush(h);
    for (uint32_t i = 0; i < b->n; i++)
        hub_outcome_member(h, b->flight[i], &b->kept[i].w, i > first, i + 1 < last_maybe,
                           &not_before);
    for (uint32_t i = 0; i < b->n; i++)
        kept_free(&b->kept[i]);
}

void hub_batch_answer(struct bb_hub *h, struct hub_flight *f, const struct bb_w_result *w)
{
    struct hub_batch *b = f->batch;
    struct hub_kept *k = &b->kept[f->at];

    hub_flight_close(f->route->to, f);
    k->w = *w;
    k->w.vendor_code = keep(w->vendor_code, &k->bytes[0]);
    k->w.text = keep(w->text, &k->bytes[1]);
    k->w.reply = keep(w->reply, &k->bytes[2]);
    /* nobody has seen what was not sent: it is made again */
    k->w.body = keep(w->status == BB_E_CANCEL ? (struct bb_bytes){NULL, 0} : w->body, &k->bytes[3]);
    if (++b->answered == b->n)
        finish(h, b);
}

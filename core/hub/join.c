/*
 * join.c - a new route takes the messages that are stored already (start: oldest)
 *
 * The journal says which stretch the route has yet to look at (core/journal/join.c); here each of
 * its messages is matched as at its append, in order, and what the route takes is posted piece by
 * piece. Runs before the hub's thread and so before anything newer is accepted. Memory: a piece's
 * list and one look's messages. Asked to end, or killed, it goes on from the last piece at the next
 * start.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

#define PIECE_ITEMS 1024u
#define PIECE_BYTES (1u << 20) /* of messages, whose records are written anew */
#define LOOKS 8192u            /* messages looked at for one piece */
#define SAY_MS 5000
#define DAMAGED_SAID 10u /* lines; the rest are counted */

struct joining {
    struct bb_hub *h;
    struct hub_route *r;
    struct bb_join v[PIECE_ITEMS];
    size_t n, bytes;
    uint64_t next, end, looked, damaged, taken;
};

static int look(void *arg, const struct bb_record *rec)
{
    struct joining *j = arg;
    struct bb_envelope env;

    if (rec->seq >= j->end)
        return 1;
    j->next = rec->seq + 1;
    j->looked++;
    if (rec->bad) {
        if (++j->damaged <= DAMAGED_SAID)
            bb_logf(BB_LOG_ERROR,
                    "route \"%s\": passes over message %" PRIu64 ": its record in the journal is "
                    "damaged; `busbar journal check` tells more",
                    j->r->config->name, rec->seq);
        return 0;
    }
    /* a conflict waits for a person to say which of the two is true */
    if (rec->conflict || rec->endpoint != j->r->from->id ||
        bb_envelope_read(rec->whole, &env, NULL) != 0 || !bb_matcher_test(&j->r->matcher, &env))
        return 0;
    j->v[j->n++] = (struct bb_join){rec->seq, bb_matcher_lane(&j->r->matcher, &env)};
    j->bytes += rec->whole.len;
    return j->n == PIECE_ITEMS || j->bytes >= PIECE_BYTES;
}

static int piece(struct joining *j, struct bb_view *v, struct bb_fault *err)
{
    struct bb_op op = {.kind = BB_OP_JOIN, .join = {.route = j->r->id, .v = j->v}};
    uint64_t looked = j->looked;
    int rc;

    j->n = j->bytes = 0;
    rc = bb_view_messages(v, j->next, LOOKS, look, j);
    if (rc < 0)
        return bb_fail(err,
                       "route \"%s\": the stored messages cannot be read: look at the disk, then "
                       "run `busbar journal check`",
                       j->r->config->name);
    if (j->looked == looked || (rc == 0 && j->looked - looked < LOOKS))
        j->next = j->end; /* nothing stored from there on, or newer ones only */
    op.join.next = j->next;
    op.join.n = j->n;
    op.join.bytes = j->bytes;
    hub_start_op(j->h, &op);
    if (op.status != BB_OK)
        return bb_fail(err,
                       "route \"%s\" cannot take the stored messages: %s: give it room and start "
                       "again, or take the route out, which ends its way through them",
                       j->r->config->name, op.text);
    j->taken += op.join.taken;
    return 0;
}

int hub_route_join(struct bb_hub *h, struct hub_route *r, struct bb_view *v, uint64_t from,
                   uint64_t end, struct bb_fault *err)
{
    struct joining *j = hub_must(calloc(1, sizeof *j));
    int64_t said = bb_mono_ms();
    int rc = 0;

    *j = (struct joining){.h = h, .r = r, .next = from, .end = end};
    bb_logf(BB_LOG_INFO, "route \"%s\" %s the stored messages from %" PRIu64 " up to %" PRIu64,
            r->config->name, from > 1 ? "goes on with" : "begins with", from, end - 1);
    while (rc == 0 && j->next < end) {
        if (h->go_on && !h->go_on(h->go_on_arg))
            rc = bb_fail(err,
                         "route \"%s\": asked to end at stored message %" PRIu64
                         ": the next start goes on from there",
                         r->config->name, j->next);
        else
            rc = piece(j, v, err);
        if (rc == 0 && bb_mono_ms() - said >= SAY_MS) {
            said = bb_mono_ms();
            bb_logf(BB_LOG_INFO,
                    "route \"%s\": at stored message %" PRIu64 " of %" PRIu64 ", took %" PRIu64,
                    r->config->name, j->next, end - 1, j->taken);
        }
    }
    if (rc == 0)
        bb_logf(j->damaged ? BB_LOG_WARN : BB_LOG_INFO,
                "route \"%s\": through with the stored messages: took %" PRIu64 " of %" PRIu64
                ", %" PRIu64 " damaged ones passed over",
                r->config->name, j->taken, j->looked, j->damaged);
    free(j);
    return rc;
}

struct gone { /* one that conf.d has no more */
    struct bb_hub *h;
    uint32_t id;
    char name[64];
};

static int find_gone(void *arg, const char *name, const struct bb_route_state *s)
{
    struct gone *g = arg;
    struct bb_route_state st;

    if (hub_route_by_id(g->h, s->id) || bb_journal_route(g->h->journal, s->id, &st) != 0 ||
        !st.joining)
        return 0;
    g->id = s->id;
    snprintf(g->name, sizeof g->name, "%s", name);
    return 1;
}

void hub_joins_give_up(struct bb_hub *h, struct bb_view *v)
{
    struct gone g = {.h = h};

    while (bb_view_routes(v, find_gone, &g) == 1) {
        struct bb_op op = {.kind = BB_OP_JOIN, .join = {.route = g.id, .next = UINT64_MAX}};

        hub_start_op(h, &op);
        bb_logf(BB_LOG_WARN,
                "route \"%s\" is not in conf.d any more and was not through with the stored messages: "
                "it does not get the rest of them, even if it comes back",
                g.name);
        if (op.status != BB_OK)
            return;
    }
}

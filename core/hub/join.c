/*
 * join.c - a new route that starts with the oldest stored message, before the hub's thread runs
 *
 * Nothing is taken in yet, so what is stored stands before what will come, in every lane. The
 * messages are matched as at intake and joined in pieces; a crash between two of them loses nothing:
 * the journal knows how far it came, and the next start goes on there.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/hub/internal.h"

#define PIECE 512u              /* messages joined in one operation */
#define PIECE_BYTES (4u << 20)  /* ... or their bytes */
#define LOOKED_AT 8192u         /* in one read */
#define SAY_MS 2000

struct join {
    const struct hub_route *r;
    struct bb_join v[PIECE];
    size_t n, bytes;
    uint64_t last;    /* looked at up to here */
    uint64_t damaged;
};

static int one(void *arg, const struct bb_record *rec)
{
    struct join *j = arg;
    struct bb_envelope e;

    j->last = rec->seq;
    if (rec->bad)
        j->damaged++;
    else if (!rec->conflict && rec->endpoint == j->r->from->id &&
             bb_envelope_read(rec->whole, &e, NULL) == 0 && hub_matcher_test(&j->r->matcher, &e)) {
        j->v[j->n++] = (struct bb_join){rec->seq, hub_matcher_lane(&j->r->matcher, &e)};
        j->bytes += rec->whole.len;
    }
    return j->n == PIECE || j->bytes >= PIECE_BYTES;
}

int hub_route_join(struct bb_hub *h, struct hub_route *r, struct bb_view *v, struct bb_fault *err)
{
    uint64_t through, total = 0, damaged = 0;
    int64_t said = bb_mono_ms();

    if (bb_journal_joined(h->journal, r->config->name, &through) != 0)
        return bb_fail(err, "route \"%s\": the journal cannot be read", r->config->name);
    while (through != UINT64_MAX) {
        struct join *j = hub_must(calloc(1, sizeof *j));
        struct bb_op op = {.kind = BB_OP_JOIN};
        int rc;

        j->r = r;
        j->last = through;
        rc = bb_view_messages(v, through + 1, LOOKED_AT, one, j);
        op.join.route = r->id;
        op.join.v = j->v;
        op.join.n = j->n;
        op.join.through = j->last > through ? j->last : UINT64_MAX; /* there was nothing more */
        if (rc >= 0)
            hub_start_op(h, &op);
        through = op.join.through;
        total += j->n;
        damaged += j->damaged;
        free(j);
        if (rc < 0 || op.status != BB_OK)
            return bb_fail(err, "route \"%s\": start: oldest: what is stored cannot be joined: %s; start "
                                "again, it goes on where it was", r->config->name,
                           rc < 0 ? "the journal cannot be read" : op.text);
        if (bb_mono_ms() - said >= SAY_MS || (through == UINT64_MAX && (total || damaged))) {
            said = bb_mono_ms();
            bb_logf(BB_LOG_INFO, "route \"%s\": %" PRIu64 " stored messages joined%s", r->config->name, total,
                    through == UINT64_MAX ? "" : " so far");
        }
    }
    if (damaged)
        bb_logf(BB_LOG_WARN, "route \"%s\": %" PRIu64 " damaged records were passed over: "
                "`busbar journal check` names them", r->config->name, damaged);
    return 0;
}

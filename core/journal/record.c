/*
 * record.c - reading the store's records without trusting them
 *
 * Thread: any. Every length is checked against the value's before it is used.
 */
#include "core/journal/record.h"

const struct bb_table_def bb_tables[BB_TABS] = {
    [BB_TAB_META] = {"meta", 0},   [BB_TAB_MSG] = {"msg", MDB_INTEGERKEY},
    [BB_TAB_FEED] = {"feed", 0},   [BB_TAB_ROW] = {"row", 0},
    [BB_TAB_DUE] = {"due", 0},     [BB_TAB_OPEN] = {"open", 0},
    [BB_TAB_BODY] = {"body", 0},   [BB_TAB_EVENT] = {"event", MDB_INTEGERKEY},
    [BB_TAB_HIST] = {"hist", 0},   [BB_TAB_ROUTE] = {"route", 0},
    [BB_TAB_STATE] = {"state", 0}, [BB_TAB_NAME] = {"name", 0},
    [BB_TAB_CLAIM] = {"claim", MDB_INTEGERKEY},
};

const char *const bb_dstate_names[BB_D_STATES] = {
    "waiting", "spilled",     "inflight",  "retrying", "probing",
    "held",    "quarantined", "delivered", "skipped",  "discarded"};

int bb_row_due(const struct bb_row *row, uint64_t *due_ms)
{
    *due_ms = 0;
    if (row->state == BB_D_INFLIGHT)
        return 1;
    if (row->state == BB_D_RETRYING || row->state == BB_D_PROBING) {
        *due_ms = row->due_ms ? row->due_ms : 1; /* 0 is INFLIGHT's */
        return 1;
    }
    *due_ms = row->due_ms;
    return row->state == BB_D_SPILLED && row->due_ms != 0;
}

int bb_record_head(const MDB_val *v, struct bb_rec_msg *out)
{
    if (!v->mv_data || v->mv_size < sizeof *out) /* NULL: from a damaged page */
        return -1;
    memcpy(out, v->mv_data, sizeof *out);
    if (v->mv_size != sizeof *out + out->n_matches * sizeof(struct bb_match) + (size_t)out->len)
        return -1;
    return 0;
}

int bb_record_read(const MDB_val *v, uint64_t seq, struct bb_record *out)
{
    const uint8_t *p = v->mv_data;
    struct bb_rec_msg h;

    *out = (struct bb_record){.seq = seq, .bad = true};
    if (bb_record_head(v, &h) != 0)
        return -1;
    out->accept_ms = h.accept_ms;
    out->endpoint = h.endpoint;
    out->conflict = (h.flags & BB_REC_CONFLICT) != 0;
    if (h.seq != seq || bb_crc32c(0, p + 4, v->mv_size - 4) != h.crc)
        return -1;
    out->matches = (const struct bb_match *)(const void *)(p + sizeof h);
    out->n_matches = h.n_matches;
    out->whole = (struct bb_bytes){p + sizeof h + h.n_matches * sizeof(struct bb_match), h.len};
    out->bad = false;
    return 0;
}

int bb_rec_event_read(const MDB_val *v, struct bb_rec_event *out, struct bb_bytes *rest)
{
    const uint8_t *p = v->mv_data;
    if (!v->mv_data || v->mv_size < sizeof *out)
        return -1;
    memcpy(out, p, sizeof *out);
    *rest = (struct bb_bytes){p + sizeof *out, v->mv_size - sizeof *out};
    if (bb_crc32c(0, p + 4, v->mv_size - 4) != out->crc)
        return -1;
    if (out->kind == BB_EV_DETAIL)
        return rest->len >= 8 ? 0 : -1;
    if (out->kind == BB_EV_RANGES)
        return rest->len % sizeof(struct bb_rec_range) == 0 ? 0 : -1;
    return out->kind == BB_EV_NOTE ? 0 : -1;
}

int bb_route_read(const MDB_val *v, struct bb_rec_route *out, struct bb_bytes *name,
                  const uint8_t **words)
{
    const uint8_t *p = v->mv_data;
    if (!v->mv_data || v->mv_size < sizeof *out)
        return -1;
    memcpy(out, p, sizeof *out);
    if (out->window_words > BB_WINDOW_WORDS ||
        v->mv_size != sizeof *out + out->name_len + 8 * (size_t)out->window_words)
        return -1;
    *name = (struct bb_bytes){p + sizeof *out, out->name_len};
    *words = p + sizeof *out + out->name_len;
    return out->frontier <= out->tail ? 0 : -1;
}

uint64_t bb_route_pending(uint64_t tail, const uint64_t counts[BB_D_STATES])
{
    return tail - counts[BB_D_QUARANTINED] - counts[BB_D_DELIVERED] - counts[BB_D_SKIPPED] -
           counts[BB_D_DISCARDED];
}

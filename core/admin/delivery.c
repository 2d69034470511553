/*
 * delivery.c - one delivery: its row, its history, and how to mend it
 */
#include "core/admin/report.h"

#include <inttypes.h>
#include <stdio.h>
#include "core/base/base.h"

#define HISTORY_MAX 256u

/* ---- rows and history ------------------------------------------------------------------------ */
static const char *state_name(unsigned state)
{
    return state < BB_D_STATES ? bb_dstate_names[state] : "unknown";
}

void bb_report_row(struct bb_rows *m, const struct bb_row *row)
{
    bool waits = row->state == BB_D_RETRYING || row->state == BB_D_PROBING;

    bb_rows_text(m, "state", state_name(row->state));
    bb_rows_number(m, "attempts", row->attempts);
    bb_rows_number(m, "sends", row->sends);
    bb_rows_number(m, "epoch", row->epoch);
    bb_rows_flag(m, "maybe_sent", row->flags & BB_ROW_MAYBE_SENT);
    bb_rows_flag(m, "overtaken", row->flags & BB_ROW_OVERTAKEN);
    bb_rows_time(m, "due", waits ? row->due_ms : 0);
    bb_rows_time(m, "sent", row->sent_ms);
}

static void reason_of(struct bb_report_story *h, struct bb_bytes detail)
{
    struct bb_bytes v, code = {"", 0}, text;

    h->reason[0] = '\0';
    if (bb_map_get(detail, "code", &v) == 1)
        bb_as_str(v, &code);
    if ((bb_map_get(detail, "text", &v) == 1 || bb_map_get(detail, "reason", &v) == 1) &&
        bb_as_str(v, &text))
        snprintf(h->reason, sizeof(h->reason), "%.*s%s%.*s", (int)(code.len < 40 ? code.len : 40),
                 (const char *)code.ptr, code.len ? ": " : "",
                 (int)(text.len < 460 ? text.len : 460), (const char *)text.ptr);
}

static int take_event(void *arg, const struct bb_event *ev)
{
    struct bb_report_story *h = arg;
    struct bb_rows one;
    /* what a plugin said is only passed on when it is canonical */
    bool detail = ev->detail.len && bb_value_check(ev->detail, NULL) == 0;

    h->last_ms = ev->time_ms;
    if (detail)
        reason_of(h, ev->detail);
    if (h->rows.n == HISTORY_MAX)
        return 1;
    bb_rows_begin(&one);
    bb_rows_time(&one, "at", ev->time_ms);
    bb_rows_text(&one, "state", state_name(ev->to));
    if (detail)
        bb_put_raw(bb_rows_pair(&one, "detail"), ev->detail);
    bb_rows_end_map(&one, bb_rows_item(&h->rows));
    return 0;
}

void bb_report_history_read(struct bb_report *r, uint32_t route, uint64_t seq,
                            struct bb_report_story *h)
{
    *h = (struct bb_report_story){0};
    bb_rows_begin(&h->rows);
    bb_view_history(r->view, route, seq, take_event, h);
}

void bb_report_history(struct bb_report *r, uint32_t route, uint64_t seq, struct bb_rows *m)
{
    struct bb_report_story h;

    bb_report_history_read(r, route, seq, &h);
    bb_rows_end_array(&h.rows, bb_rows_pair(m, "history"));
}

/* ---- one delivery ---------------------------------------------------------------------------- */
static const struct mend {
    bool unmatched;
    uint8_t state, flags; /* all of these */
    bool named;           /* the delivery's name follows */
    const char *text;
} mends[] = {
    {true, BB_D_QUARANTINED, 0, false,
     "No route took it, or its id came before with other content. Add a route or correct the sender, "
     "and let the sender send it again under an id of its own."},
    {true, BB_D_QUARANTINED, 0, true, "Then put this one away: busbar quarantine discard"},
    {false, BB_D_QUARANTINED, BB_ROW_MAYBE_SENT, false,
     "It may have been applied: look into the target system before anything else."},
    {false, BB_D_QUARANTINED, BB_ROW_OVERTAKEN, false,
     "A later message of its lane went out since: an old state would land on a new one. Replay it "
     "with --overtaken only if that is right."},
    {false, BB_D_QUARANTINED, 0, true,
     "Correct the cause (in the target system, the message's sender, or conf.d and then start the core again), then: "
     "busbar quarantine replay"},
    {false, BB_D_QUARANTINED, 0, true, "To give it up for good: busbar quarantine discard"},
    {false, BB_D_HELD, BB_ROW_MAYBE_SENT, false,
     "It may have been applied: look into the target system before anything else."},
    {false, BB_D_HELD, 0, true,
     "It holds its lane: later messages of the same key wait. Correct the cause, then: busbar hold "
     "release"},
    {false, BB_D_HELD, 0, true, "To give it up and let the lane go on: busbar quarantine discard"},
    {false, BB_D_RETRYING, 0, false, "Nothing to do: it is sent again by itself at the time shown."},
    {false, BB_D_PROBING, 0, false, "Nothing to do: the target is asked whether it was applied."},
};

static void put_mends(struct bb_rows *m, uint32_t route, const char *name, uint64_t seq,
                      const struct bb_row *row)
{
    struct bb_rows l;
    char text[512];

    bb_rows_begin(&l);
    for (const struct mend *p = mends; p < mends + sizeof(mends) / sizeof(*mends); p++) {
        if (p->unmatched != (route == BB_ROUTE_UNMATCHED) || p->state != row->state ||
            (row->flags & p->flags) != p->flags)
            continue;
        if (p->named)
            snprintf(text, sizeof(text), "%s %s/%" PRIu64, p->text, name, seq);
        bb_put_cstr(bb_rows_item(&l), p->named ? text : p->text);
    }
    bb_rows_end_array(&l, bb_rows_pair(m, "mend"));
}

/* What is kept of the transform's work: sent again as it is, or, of one that failed, for people. */
static void put_body(struct bb_report *r, uint32_t route, uint64_t seq, const struct bb_row *row, struct bb_rows *m)
{
    struct bb_buf body;

    if (!(row->flags & BB_ROW_BODY))
        return;
    bb_buf_init(&body, BB_REPORT_BYTES);
    if (bb_view_body(r->view, route, seq, &body) == 1 && !body.failed && bb_message_check(bb_bytes_of(&body), NULL) == 0)
        bb_report_event(bb_bytes_of(&body),
                        bb_rows_pair(m, row->flags & BB_ROW_PARTIAL ? "partly_transformed" : "transformed"));
    bb_buf_free(&body);
}

int bb_report_delivery(struct bb_report *r, const struct bb_query *q, struct bb_buf *out,
                       struct bb_fault *err)
{
    struct bb_report_message m = {0};
    struct bb_row row = {0};
    struct bb_rows one;
    struct bb_buf event;
    uint32_t route;
    int rc;

    if (!bb_report_route_id(r, q->route, &route, err))
        return 0;
    rc = bb_view_delivery(r->view, route, q->seq, &row);
    if (rc <= 0) {
        bb_fail(err, rc ? "cannot read message %" PRIu64 " of route \"%s\" from the journal"
                        : "message %" PRIu64 " is not a delivery of route \"%s\"",
                q->seq, q->route);
        return rc;
    }
    bb_buf_init(&event, BB_REPORT_BYTES);
    m.event = &event;
    bb_report_message(r, q->seq, &m);
    bb_rows_begin(&one);
    bb_rows_text(&one, "route", q->route);
    bb_rows_number(&one, "seq", q->seq);
    bb_rows_text(&one, "endpoint", m.endpoint);
    bb_rows_time(&one, "accepted", m.accept_ms);
    bb_report_row(&one, &row);
    bb_rows_flag(&one, "conflict", m.conflict);
    put_mends(&one, route, q->route, q->seq, &row);
    bb_report_history(r, route, q->seq, &one);
    if (event.len && !event.failed)
        bb_put_raw(bb_rows_pair(&one, "message"), bb_bytes_of(&event));
    else
        bb_put_nil(bb_rows_pair(&one, "message"));
    put_body(r, route, q->seq, &row, &one);
    bb_rows_end_map(&one, out);
    bb_buf_free(&event);
    return 1;
}

/*
 * test_journal_model.c - thousands of random operations against a model that is too simple to err
 *
 * The test plays the hub: it scans the feed, keeps at most one delivery of a lane in flight,
 * settles with random outcomes, marks what is due, acts as an operator, and now and then stops
 * without settling and opens the store again. The model keeps each delivery's state in an array
 * and finds everything by looking at all of them. After each step counts and frontier agree, often
 * every row does. At the end everything must drain: a lane that nobody wakes would not.
 * JOURNAL_SEED and JOURNAL_STEPS choose another run.
 */
#include "tests/unit/journal_rig.h"

#define ROUTES 3 /* 0 is BB_ROUTE_UNMATCHED */
#define LANES 5  /* 0: no order */
#define MOST 6000

struct dlv {
    uint64_t seq;
    uint32_t lane;
    uint8_t state; /* enum bb_dstate */
    bool hub;      /* in flight in the hub */
    bool overtaken, accounted;
    uint32_t attempts;
    uint16_t epoch;
    int32_t last;
};
static struct rig R;
static uint32_t ids[ROUTES];
static struct dlv D[ROUTES][MOST];
static size_t nd[ROUTES], scan[ROUTES];
static uint64_t rng, next_seq = 1, duplicates, conflicts;
static uint64_t claim_seq[64]; /* by id */

static uint32_t rnd(uint32_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)((rng >> 16) % n);
}

static bool blocks(const struct dlv *d)
{
    return d->state >= BB_D_SPILLED && d->state <= BB_D_HELD;
}

static struct dlv *head_of(int r, uint32_t lane)
{
    for (size_t i = 0; lane && i < nd[r]; i++)
        if (D[r][i].lane == lane && blocks(&D[r][i]))
            return &D[r][i];
    return NULL;
}

static bool busy(int r, uint32_t lane)
{
    for (size_t i = 0; lane && i < nd[r]; i++)
        if (D[r][i].lane == lane && D[r][i].hub)
            return true;
    return false;
}

static struct dlv *by_seq(int r, uint64_t seq)
{
    for (size_t i = 0; i < nd[r]; i++)
        if (D[r][i].seq == seq)
            return &D[r][i];
    ck_abort_msg("route %d has no message %llu", r, (unsigned long long)seq);
    return NULL;
}

static void went_out(int r, const struct dlv *d)
{
    for (size_t i = 0; d->lane && i < nd[r]; i++)
        if (D[r][i].lane == d->lane && D[r][i].seq < d->seq && D[r][i].state == BB_D_QUARANTINED)
            D[r][i].overtaken = true;
}

static void sent(int r, struct dlv *d)
{
    ck_assert_msg(!busy(r, d->lane), "two of lane %u at once", d->lane);
    d->state = BB_D_INFLIGHT;
    d->hub = true;
    went_out(r, d);
}

/* ---- the hub's steps ------------------------------------------------------------------------------ */
static void add(int r, uint32_t lane, uint8_t state)
{
    D[r][nd[r]++] = (struct dlv){.seq = next_seq, .lane = lane, .state = state,
                                 .accounted = state != BB_D_WAITING, .last = BB_E_REJECT};
}

static void step_append(void)
{
    struct bb_match m[ROUTES];
    struct bb_append_msg msg[8];
    struct bb_buf b[8];
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.endpoint = 1, .msgs = msg, .n = 1 + rnd(8), .matches = m,
                                  .n_matches = ROUTES - 1}};
    uint32_t body[8], id[8];
    static uint32_t claim_body[64];
    char text[32], name[32];
    for (int r = 1; r < ROUTES; r++)
        m[r - 1] = (struct bb_match){.route = ids[r], .lane = rnd(LANES)};
    for (size_t i = 0; i < op.append.n; i++) {
        msg[i] = (struct bb_append_msg){.match = rnd(ROUTES - 1)};
        msg[i].n_match = rnd(ROUTES - msg[i].match);
        id[i] = rnd(64);
        body[i] = rnd(3) ? 0 : rnd(4);
        snprintf(text, sizeof text, "body %u", body[i]);
        snprintf(name, sizeof name, "id %u", id[i]);
        msg[i].whole = rig_message(&b[i], name, NULL, text, rnd(20) ? 0 : 300 + rnd(9000));
        if (rnd(2) && msg[i].whole.len < 300)
            bb_journal_fingerprint(R.j, 1, (struct bb_bytes){"/test", 5},
                                   (struct bb_bytes){name, strlen(name)}, msg[i].claim);
        else
            id[i] = 64;
    }
    ck_assert_int_eq(rig_do(&R, &op), BB_OK);
    for (size_t i = 0; i < op.append.n; i++) {
        bool held = id[i] < 64 && claim_seq[id[i]], same = held && claim_body[id[i]] == body[i];
        bb_buf_free(&b[i]);
        ck_assert_int_eq(msg[i].duplicate, same);
        ck_assert_int_eq(msg[i].conflict, held && !same);
        if (same) {
            ck_assert_uint_eq(msg[i].seq, claim_seq[id[i]]);
            duplicates++;
            continue;
        }
        ck_assert_uint_eq(msg[i].seq, next_seq);
        conflicts += held;
        if (id[i] < 64 && !held) {
            claim_seq[id[i]] = next_seq;
            claim_body[id[i]] = body[i];
        }
        if (held || !msg[i].n_match)
            add(0, 0, BB_D_QUARANTINED);
        else
            for (uint32_t k = 0; k < msg[i].n_match; k++)
                add((int)(msg[i].match + k + 1), (uint32_t)m[msg[i].match + k].lane, BB_D_WAITING);
        next_seq++;
    }
}

static void step_scan(int r)
{
    struct dlv *d;
    struct bb_settle s;
    while (scan[r] < nd[r] && D[r][scan[r]].accounted)
        scan[r]++;
    if (scan[r] == nd[r])
        return;
    d = &D[r][scan[r]];
    if (!d->lane || (!busy(r, d->lane) && !head_of(r, d->lane))) {
        scan[r]++;
        d->hub = true; /* sent; nothing of it on disk but the route's mark */
        return;
    }
    s = (struct bb_settle){.route = ids[r], .to = BB_TO_SPILLED, .ord = scan[r]++, .seq = d->seq,
                           .lane = d->lane, .lane_in_flight = busy(r, d->lane)};
    rig_settle(&R, s);
    d->state = BB_D_SPILLED;
    d->accounted = true;
}

static void step_finish(int r, bool drain)
{
    static const uint8_t to[] = {BB_TO_DELIVERED, BB_TO_DELIVERED, BB_TO_DELIVERED, BB_TO_SKIPPED,
                                 BB_TO_RETRYING,  BB_TO_PROBING,   BB_TO_HELD, BB_TO_QUARANTINED,
                                 BB_TO_INFLIGHT};
    static const uint8_t becomes[] = {BB_D_DELIVERED, BB_D_SKIPPED,  BB_D_DISCARDED,
                                      BB_D_SPILLED,   BB_D_RETRYING, BB_D_PROBING,
                                      BB_D_HELD,      BB_D_QUARANTINED, BB_D_INFLIGHT};
    struct bb_settle s = {.route = ids[r], .to = drain ? 0 : to[rnd(sizeof to)]};
    size_t n = 0, at;
    struct dlv *d = NULL;
    for (size_t i = 0; i < nd[r]; i++)
        n += D[r][i].hub;
    if (!n)
        return;
    n = rnd((uint32_t)n);
    for (at = 0; !d; at++)
        if (D[r][at].hub && n-- == 0)
            d = &D[r][at];
    s.ord = d->accounted ? BB_ORD_NONE : at - 1;
    s.seq = d->seq;
    s.lane = d->lane;
    s.take_next = rnd(2);
    s.row.due_ms = 1 + rnd(1000);
    s.row.attempts = d->attempts += s.to == BB_TO_RETRYING;
    s.row.epoch = d->epoch;
    s.row.last_status = d->last = rnd(2) ? BB_E_RETRY : BB_E_UNKNOWN;
    if (s.to > BB_TO_DISCARDED && rnd(2))
        s.body = (struct bb_bytes){"body", 4};
    if (rnd(2))
        s.event = (struct bb_bytes){"\x80", 1};
    d->accounted = true;
    d->state = becomes[s.to];
    d->overtaken = false;
    d->hub = s.to == BB_TO_INFLIGHT;
    s = rig_settle(&R, s);
    if (s.to == BB_TO_DELIVERED)
        went_out(r, d);
    if (s.has_next) {
        struct dlv *next = by_seq(r, s.next_seq);
        ck_assert_ptr_eq(next, head_of(r, d->lane));
        ck_assert_int_eq(next->state, BB_D_SPILLED);
        sent(r, next);
    } else if (s.take_next && (s.to <= BB_TO_DISCARDED || s.to == BB_TO_QUARANTINED)) {
        struct dlv *next = head_of(r, d->lane);
        ck_assert(!next || next->state != BB_D_SPILLED);
    }
}

static size_t step_due(int r)
{
    struct bb_read rd = {.kind = BB_READ_DUE, .route = ids[r], .from = UINT64_MAX - 1,
                         .max_items = 1 + rnd(8), .max_bytes = 1 << 20};
    size_t n;
    rig_read(&R, &rd);
    n = rd.n;
    for (size_t i = 0; i < rd.n; i++) {
        struct dlv *d = by_seq(r, rd.items[i].seq), *h = head_of(r, d->lane);
        ck_assert(!rd.items[i].bad);
        ck_assert(d->state == rd.items[i].row.state || d->hub);
        ck_assert_uint_eq(rd.items[i].lane, d->lane);
        if (busy(r, d->lane) || d->hub)
            continue;
        ck_assert_int_eq(rig_mark(&R, ids[r], d->lane, d->seq), !d->lane || d == h);
        if (!d->lane || d == h)
            sent(r, d);
    }
    bb_journal_read_free(&rd);
    return n;
}

static void step_operator(int r, bool drain)
{
    enum bb_operator what = drain ? BB_OPER_DISCARD : (enum bb_operator)rnd(3);
    struct bb_op op;
    struct dlv *d = NULL, *h;
    bool ok, force = rnd(2);
    for (size_t tries = 0; tries < 40 && nd[r]; tries++) {
        d = &D[r][rnd((uint32_t)nd[r])];
        if (d->state == BB_D_HELD || d->state == BB_D_QUARANTINED)
            break;
    }
    if (!d)
        return;
    ok = what == BB_OPER_DISCARD   ? d->state == BB_D_HELD || d->state == BB_D_QUARANTINED
         : what == BB_OPER_RELEASE ? d->state == BB_D_HELD
                                   : r && d->state == BB_D_QUARANTINED && (!d->overtaken || force);
    ck_assert_int_eq(rig_oper(&R, what, ids[r], d->seq, force, &op), ok ? BB_OK : BB_E_REJECT);
    if (!ok) {
        ck_assert_uint_gt(strlen(op.text), 10);
        return;
    }
    if (what == BB_OPER_DISCARD) {
        d->state = BB_D_DISCARDED;
        return;
    }
    h = head_of(r, d->lane);
    d->epoch += what == BB_OPER_REPLAY && d->last != BB_E_UNKNOWN;
    d->attempts = 0;
    d->state = what == BB_OPER_REPLAY && h ? BB_D_SPILLED : BB_D_RETRYING;
    ck_assert_int_eq(op.oper.row.state, d->state);
}

/* ---- comparing ------------------------------------------------------------------------------------- */
static void compare_counts(int r)
{
    struct bb_route_state st = rig_state(&R, ids[r]);
    uint64_t n[BB_D_STATES] = {0}, frontier = 0, pending = 0;
    for (size_t i = 0; i < nd[r]; i++) {
        const struct dlv *d = &D[r][i];
        n[d->state]++;
        pending += d->state <= BB_D_HELD;
    }
    while (frontier < nd[r] && D[r][frontier].accounted)
        frontier++;
    for (int s = BB_D_SPILLED; s < BB_D_STATES; s++)
        ck_assert_msg(st.counts[s] == n[s], "route %d %s: %llu, model %llu", r, bb_dstate_names[s],
                      (unsigned long long)st.counts[s], (unsigned long long)n[s]);
    ck_assert_uint_eq(st.frontier, frontier);
    ck_assert_uint_eq(st.tail, nd[r]);
    ck_assert_uint_eq(st.pending, pending);
}

static int seen_row(void *arg, uint64_t lane, uint64_t seq, const struct bb_row *row)
{
    int r = *(int *)arg;
    struct dlv *d = by_seq(r, seq);
    ck_assert_uint_eq(d->lane, lane);
    ck_assert_msg(d->state == row->state, "route %d message %llu: %s, model %s", r,
                  (unsigned long long)seq, bb_dstate_names[row->state], bb_dstate_names[d->state]);
    if (d->state == BB_D_QUARANTINED)
        ck_assert_int_eq(d->overtaken, (row->flags & BB_ROW_OVERTAKEN) != 0);
    if (r)
        ck_assert_uint_eq(d->epoch, row->epoch);
    if (d->state != BB_D_SPILLED && r)
        ck_assert_uint_eq(d->attempts, row->attempts);
    return 0;
}

static void compare_rows(void)
{
    struct bb_view *v = bb_view_of(R.j);
    struct bb_journal_stats st;
    for (int r = 0; r < ROUTES; r++)
        ck_assert_int_eq(bb_view_rows(v, ids[r], seen_row, &r), 0);
    bb_view_close(&v);
    bb_journal_stats(R.j, &st);
    ck_assert_uint_eq(st.next_seq, next_seq);
    ck_assert_uint_eq(st.accepted, next_seq - 1);
    ck_assert_uint_eq(st.duplicates, duplicates);
    ck_assert_uint_eq(st.conflicts, conflicts);
}

static void say(void *arg, const char *text)
{
    (void)arg;
    if (getenv("JOURNAL_SAY"))
        fprintf(stderr, "%s\n", text);
}

static void check_folder(void)
{
    struct bb_check_report rep;
    struct bb_fault err = {0};
    int rc;
    bb_journal_close(&R.j);
    rc = bb_journal_check(R.dir, &rep, say, NULL, &err);
    ck_assert_msg(rc == 0, "check: %d %s, unbalanced %llu dangling %llu bad %llu", rc, err.text,
                  (unsigned long long)rep.unbalanced, (unsigned long long)rep.dangling,
                  (unsigned long long)rep.bad_records);
    rig_open(&R);
}

/* The process ends with deliveries in flight: those of the feed are scanned again, rows that were
 * in flight are found and are the hub's once more. */
static void step_crash(void)
{
    if (rnd(4))
        rig_again(&R);
    else
        check_folder();
    for (int r = 1; r < ROUTES; r++) {
        struct bb_read rd = {.kind = BB_READ_INFLIGHT, .route = ids[r], .max_items = MOST,
                             .max_bytes = 64 << 20};
        size_t n = 0;
        rig_read(&R, &rd);
        for (size_t i = 0; i < nd[r]; i++)
            D[r][i].hub = false;
        for (size_t i = 0; i < rd.n; i++) {
            struct dlv *d = by_seq(r, rd.items[i].seq);
            ck_assert_int_eq(d->state, BB_D_INFLIGHT);
            d->hub = true;
        }
        for (size_t i = 0; i < nd[r]; i++)
            n += D[r][i].state == BB_D_INFLIGHT;
        ck_assert_uint_eq(n, rd.n);
        bb_journal_read_free(&rd);
        scan[r] = rig_state(&R, ids[r]).frontier;
        rd = (struct bb_read){.kind = BB_READ_FEED, .route = ids[r], .from = scan[r],
                              .max_items = MOST, .max_bytes = 64 << 20};
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, nd[r] - scan[r]);
        for (size_t i = 0; i < rd.n; i++) {
            ck_assert_uint_eq(rd.items[i].seq, D[r][scan[r] + i].seq);
            ck_assert_uint_eq(rd.items[i].lane, D[r][scan[r] + i].lane);
            ck_assert_int_eq(rd.items[i].done, D[r][scan[r] + i].accounted);
        }
        bb_journal_read_free(&rd);
    }
}

static bool drained(void)
{
    for (int r = 1; r < ROUTES; r++)
        for (size_t i = 0; i < nd[r]; i++)
            if (D[r][i].state < BB_D_HELD)
                return false;
    return true;
}

static void release_held(int r)
{
    for (size_t i = 0; i < nd[r]; i++)
        if (D[r][i].state == BB_D_HELD) {
            ck_assert_int_eq(rig_oper(&R, BB_OPER_RELEASE, ids[r], D[r][i].seq, false, NULL), BB_OK);
            D[r][i].state = BB_D_RETRYING;
            D[r][i].attempts = 0;
        }
}

START_TEST(random_operations)
{
    const char *seed = getenv("JOURNAL_SEED"), *many = getenv("JOURNAL_STEPS");
    uint64_t start = seed ? strtoull(seed, NULL, 10) : 1 + (uint64_t)_i;
    int steps = many ? atoi(many) : 2500;
    rng = start * 0x9e3779b97f4a7c15u + 1;
    rig_init(&R);
    ids[1] = rig_route(&R, "one");
    ids[2] = rig_route(&R, "two");
    for (int i = 0; i < steps; i++) {
        uint32_t what = rnd(100);
        int r = 1 + (int)rnd(ROUTES - 1);
        if (what < 18 && nd[1] + 8 < MOST && nd[2] + 8 < MOST && nd[0] + 8 < MOST)
            step_append();
        else if (what < 50)
            step_scan(r);
        else if (what < 78)
            step_finish(r, false);
        else if (what < 90)
            (void)step_due(r);
        else if (what < 99)
            step_operator(what < 97 ? r : 0, false);
        else
            step_crash();
        for (r = 0; r < ROUTES; r++)
            compare_counts(r);
        if (i % 97 == 0)
            compare_rows();
    }
    for (int i = 0; !drained(); i++) {
        ck_assert_msg(i < 10 * MOST, "seed %llu: something is never woken",
                      (unsigned long long)start);
        for (int r = 1; r < ROUTES; r++) {
            step_scan(r);
            release_held(r);
            (void)step_due(r);
            step_finish(r, true);
        }
    }
    release_held(1);
    release_held(2);
    for (int r = 0; r < ROUTES; r++)
        compare_counts(r);
    compare_rows();
    check_folder();
    rig_end(&R);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal-model");
    TCase *t = tcase_create("model");
    SRunner *r;
    int failed;
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, random_operations, 0, 3);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

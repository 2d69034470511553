/*
 * test_journal_children.c - a delivery ends with the messages that it became, in one operation
 */
#include "core/journal/internal.h"
#include "tests/unit/journal_rig.h"

#define MANY 3

static struct rig R;
static uint32_t parents, kids;

static void setup(void)
{
    rig_init(&R);
    parents = rig_route(&R, "parents");
    kids = rig_route(&R, "kids");
}

static void teardown(void)
{
    rig_end(&R);
}

/* A settlement of the parent with MANY children "p/1" .., to route; the last of them to none. */
struct birth {
    struct bb_op op, append;
    struct bb_settle s;
    struct bb_match match[MANY];
    struct bb_append_msg msg[MANY];
    struct bb_buf b[MANY];
};

static void birth_make(struct birth *c, struct bb_settle s, uint32_t route, const char *data, size_t pad)
{
    *c = (struct birth){.s = s};
    for (uint32_t i = 0; i < MANY; i++) {
        char id[16];

        snprintf(id, sizeof id, "p/%u", i + 1);
        c->match[i] = (struct bb_match){.route = route, .lane = 5};
        c->msg[i] = (struct bb_append_msg){.match = i, .n_match = i + 1 < MANY,
                                           .whole = rig_message(&c->b[i], id, NULL, data, pad)};
        bb_journal_fingerprint(R.j, 1, (struct bb_bytes){"/test", 5}, (struct bb_bytes){id, strlen(id)},
                               c->msg[i].claim);
    }
    c->append = (struct bb_op){.kind = BB_OP_APPEND,
                               .append = {.endpoint = 1, .msgs = c->msg, .n = MANY,
                                          .matches = c->match, .n_matches = MANY}};
    c->op = (struct bb_op){.kind = BB_OP_SETTLE,
                           .settle = {.v = &c->s, .n = 1, .children = &c->append}};
}

static void birth_free(struct birth *c)
{
    for (int i = 0; i < MANY; i++)
        bb_buf_free(&c->b[i]);
}

static int32_t birth(struct birth *c, struct bb_settle s, uint32_t route, const char *data)
{
    birth_make(c, s, route, data, 0);
    rig_do(&R, &c->op);
    birth_free(c);
    return c->op.status;
}

static struct bb_settle ends(uint64_t ord, uint64_t seq, uint64_t lane)
{
    return (struct bb_settle){.route = parents, .to = BB_TO_DELIVERED, .ord = ord, .seq = seq, .lane = lane};
}

/* So many messages, parents that ended, and children that are pending. */
static void expect(uint64_t accepted, uint64_t ended, uint64_t pending)
{
    for (int again = 0; again < 2; again++) {
        struct bb_journal_stats st;

        bb_journal_stats(R.j, &st);
        ck_assert_uint_eq(st.accepted, accepted);
        ck_assert_uint_eq(rig_state(&R, parents).counts[BB_D_DELIVERED], ended);
        ck_assert_uint_eq(rig_state(&R, kids).pending, pending);
        rig_again(&R);
    }
}

START_TEST(all_of_it_in_one)
{
    struct birth c;
    uint64_t seq = rig_append(&R, parents, 0, "p");

    ck_assert_int_eq(birth(&c, ends(0, seq, 0), kids, "d"), BB_OK);
    for (uint32_t i = 0; i < MANY; i++)
        ck_assert_uint_eq(c.msg[i].seq, seq + 1 + i);
    expect(1 + MANY, 1, MANY - 1);
    ck_assert_uint_eq(rig_state(&R, BB_ROUTE_UNMATCHED).counts[BB_D_QUARANTINED], 1);
}
END_TEST

START_TEST(from_a_row_and_its_lane_goes_on)
{
    struct birth c;
    uint64_t first = rig_append(&R, parents, 9, "p"), next = rig_append(&R, parents, 9, "q");
    struct bb_settle s = ends(0, first, 9);

    s.to = BB_TO_RETRYING;
    s.row.due_ms = 1;
    rig_settle(&R, s);
    s = ends(1, next, 9);
    s.to = BB_TO_SPILLED;
    rig_settle(&R, s);
    ck_assert(rig_mark(&R, parents, 9, first));
    s = ends(BB_ORD_NONE, first, 9);
    s.take_next = 1;
    ck_assert_int_eq(birth(&c, s, kids, "d"), BB_OK);
    ck_assert_uint_eq(c.s.has_next, 1);
    ck_assert_uint_eq(c.s.next_seq, next);
    expect(2 + MANY, 1, MANY - 1);
}
END_TEST

/* What has ended brings nothing a second time: neither from the feed nor from a row. */
START_TEST(not_twice)
{
    struct birth c;
    uint64_t seq = rig_append(&R, parents, 0, "p"), other = rig_append(&R, parents, 0, "q");
    struct bb_settle s = ends(1, other, 0);

    ck_assert_int_eq(birth(&c, ends(0, seq, 0), kids, "d"), BB_OK);
    ck_assert_int_eq(birth(&c, ends(0, seq, 0), kids, "other data"), BB_E_REJECT);
    s.to = BB_TO_RETRYING;
    s.row.due_ms = 1;
    rig_settle(&R, s);
    rig_settle(&R, ends(BB_ORD_NONE, other, 0));
    birth(&c, ends(BB_ORD_NONE, other, 0), kids, "more data");
    expect(2 + MANY, 2, MANY - 1);
}
END_TEST

START_TEST(same_ids_are_claimed)
{
    struct birth c;
    uint64_t seq = rig_append(&R, parents, 0, "p"), again = rig_append(&R, parents, 0, "p"),
             other = rig_append(&R, parents, 0, "p");

    ck_assert_int_eq(birth(&c, ends(0, seq, 0), kids, "d"), BB_OK);
    ck_assert_int_eq(birth(&c, ends(1, again, 0), kids, "d"), BB_OK);
    ck_assert(c.msg[0].duplicate && c.msg[0].seq == other + 1);
    expect(3 + MANY, 2, MANY - 1);
    ck_assert_int_eq(birth(&c, ends(2, other, 0), kids, "changed"), BB_OK);
    ck_assert(c.msg[0].conflict && !c.msg[0].duplicate);
    expect(3 + 2 * MANY, 3, MANY - 1);
}
END_TEST

/* A child that cannot be: the parent has not ended. */
START_TEST(none_of_it)
{
    struct birth c;
    uint64_t seq = rig_append(&R, parents, 0, "p");

    ck_assert_int_eq(birth(&c, ends(0, seq, 0), 77, "d"), BB_E_REJECT);
    ck_assert_msg(strstr(c.op.text, "77") != NULL, "%s", c.op.text);
    expect(1, 0, 0);
    birth_make(&c, ends(0, seq, 0), kids, "d", 0);
    c.s.to = BB_TO_SKIPPED;
    ck_assert_int_eq(rig_do(&R, &c.op), BB_E_REJECT);
    birth_free(&c);
    expect(1, 0, 0);
    ck_assert_int_eq(birth(&c, ends(0, seq, 0), kids, "d"), BB_OK);
    expect(1 + MANY, 1, MANY - 1);
}
END_TEST

static bool intake_open(void)
{
    return bb_journal_intake(R.j, NULL) == NULL;
}

/* A full store: children are as unwelcome as any message; the parent waits and loses nothing. */
START_TEST(a_full_store_puts_it_off)
{
    struct birth c;
    struct bb_settle s;
    uint64_t seq = 0, n = 0, parent;

    bb_journal_close(&R.j);
    R.o.map_size = 16 << 20;
    R.o.retention_ms = 1;
    rig_open(&R);
    parent = rig_append(&R, parents, 0, "p");
    for (;; n++) { /* until there is no room for three large ones; they are route kids' */
        struct bb_append_msg m = {.n_match = 1};
        struct bb_match to = {.route = kids};
        struct bb_op op = {.kind = BB_OP_APPEND,
                           .append = {.msgs = &m, .n = 1, .matches = &to, .n_matches = 1}};
        struct bb_buf b;

        m.whole = rig_message(&b, "pad", NULL, "d", 100000);
        rig_do(&R, &op);
        bb_buf_free(&b);
        ck_assert_uint_lt(n, 1000);
        if (op.status == BB_E_BUSY)
            break;
        seq = m.seq;
    }
    birth_make(&c, ends(0, parent, 0), kids, "d", 0);
    ck_assert_int_eq(rig_do(&R, &c.op), BB_E_BUSY);
    ck_assert_msg(strncmp(c.op.text, "disk full", 9) == 0, "%s", c.op.text);
    ck_assert_uint_eq(c.s.parked, 0);
    ck_assert_uint_eq(rig_state(&R, kids).tail, n);
    ck_assert_uint_eq(rig_state(&R, parents).pending, 1);
    s = ends(0, parent, 0);
    s.to = BB_TO_RETRYING;
    s.row.due_ms = 1;
    rig_settle(&R, s);
    for (uint64_t i = 0; i < n; i++) {
        s = (struct bb_settle){.route = kids, .to = BB_TO_DELIVERED, .ord = i, .seq = seq - n + 1 + i};
        rig_settle(&R, s);
    }
    for (int i = 0; i < 400 && !intake_open(); i++)
        poll(NULL, 0, 50);
    ck_assert(intake_open());
    c.op.settle.v[0] = ends(BB_ORD_NONE, parent, 0);
    ck_assert_int_eq(rig_do(&R, &c.op), BB_OK);
    birth_free(&c);
    ck_assert_uint_eq(rig_state(&R, parents).counts[BB_D_DELIVERED], 1);
    ck_assert_uint_eq(rig_state(&R, kids).tail, n + MANY - 1);
}
END_TEST

/* Intake is open, and only with the children in hand it shows that there is no room. */
START_TEST(no_room_found_on_the_way)
{
    struct birth c;
    uint64_t parent;

    bb_journal_close(&R.j);
    R.o.map_size = 16 << 20;
    rig_open(&R);
    parent = rig_append(&R, parents, 0, "p");
    birth_make(&c, ends(0, parent, 0), kids, "d", 5 << 20);
    ck_assert_int_eq(rig_do(&R, &c.op), BB_E_BUSY);
    birth_free(&c);
    ck_assert_uint_eq(rig_state(&R, parents).pending, 1);
    ck_assert_uint_eq(rig_state(&R, kids).tail, 0);
    rig_settle(&R, ends(0, parent, 0));
}
END_TEST

/* Larger than any transaction should be, one that no log file holds: still one operation. */
START_TEST(a_large_one)
{
    struct birth c;
    uint64_t seq;

    bb_journal_close(&R.j);
    R.o.wal_size = 1 << 20;
    rig_open(&R);
    seq = rig_append(&R, parents, 0, "p");
    birth_make(&c, ends(0, seq, 0), kids, "d", 9 << 20);
    ck_assert_int_eq(rig_do(&R, &c.op), BB_OK);
    birth_free(&c);
    expect(1 + MANY, 1, MANY - 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("children");
    TCase *t = tcase_create("journal");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, all_of_it_in_one);
    tcase_add_test(t, from_a_row_and_its_lane_goes_on);
    tcase_add_test(t, not_twice);
    tcase_add_test(t, same_ids_are_claimed);
    tcase_add_test(t, none_of_it);
    tcase_add_test(t, a_full_store_puts_it_off);
    tcase_add_test(t, no_room_found_on_the_way);
    tcase_add_test(t, a_large_one);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

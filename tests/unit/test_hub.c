/*
 * test_hub.c - the hub's own pieces: the lane table against a model, matching, flights' tokens
 *
 * What the hub does as a whole is tested with whole programs in tests/integration and tests/fault.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

#define LANES 300

START_TEST(lanes_agree_with_a_model)
{
    struct hub_lanes l;
    bool model[2][LANES] = {{false}};
    size_t n = 0;

    srand(7);
    ck_assert_int_eq(hub_lanes_init(&l), 0);
    for (int i = 0; i < 200000; i++) {
        uint32_t r = (uint32_t)rand() % 2;
        uint64_t lane = (uint64_t)(rand() % LANES) * 0x100000001u + 1;
        size_t k = (size_t)(lane & 0xffffffff) - 1;

        ck_assert_int_eq(hub_lanes_find(&l, r, lane) != NULL, model[r][k]);
        if (rand() % 2) {
            struct hub_lane *at = hub_lanes_add(&l, r, lane);
            ck_assert_uint_eq(at->lane, lane);
            ck_assert_uint_eq(at->route, r + 1);
            n += !model[r][k];
            model[r][k] = true;
        } else {
            hub_lanes_remove(&l, r, lane);
            n -= model[r][k];
            model[r][k] = false;
        }
        ck_assert_uint_eq(l.n, n);
    }
    hub_lanes_free(&l);
}
END_TEST

START_TEST(a_lane_keeps_its_late_spill_when_the_table_grows)
{
    struct hub_lanes l;

    ck_assert_int_eq(hub_lanes_init(&l), 0);
    hub_lanes_add(&l, 3, 42)->late_spill = 1;
    for (uint64_t i = 100; i < 5000; i++)
        hub_lanes_add(&l, 3, i);
    ck_assert_ptr_nonnull(hub_lanes_find(&l, 3, 42));
    ck_assert_uint_eq(hub_lanes_find(&l, 3, 42)->late_spill, 1);
    ck_assert_ptr_null(hub_lanes_find(&l, 2, 42));
    hub_lanes_free(&l);
}
END_TEST


static struct bb_buf message(const char *type, const char *item, const char *site)
{
    struct bb_buf b;

    bb_buf_init(&b, 4096);
    bb_put_array(&b, 2);
    bb_put_map(&b, 4u + (item != NULL) + (site != NULL));
    const char *pairs[] = {"specversion", "1.0", "id", "1", "source", "/t", "type", type};
    for (size_t i = 0; i < 8; i++)
        bb_put_cstr(&b, pairs[i]);
    if (item) {
        bb_put_cstr(&b, "item");
        bb_put_cstr(&b, item);
    }
    if (site) {
        bb_put_cstr(&b, "site");
        bb_put_cstr(&b, site);
    }
    bb_put_nil(&b);
    return b;
}

static bool matches(const struct bb_route_config *r, const char *type, const char *item,
                    const char *site, uint64_t *lane)
{
    struct bb_matcher m;
    struct bb_buf b = message(type, item, site);
    struct bb_envelope e;
    bool yes;

    ck_assert_int_eq(bb_envelope_read((struct bb_bytes){b.ptr, b.len}, &e, NULL), 0);
    ck_assert_int_eq(bb_matcher_init(&m, r->match, r->n_match, r->order_by), 0);
    yes = bb_matcher_test(&m, &e);
    if (lane)
        *lane = bb_matcher_lane(&m, &e);
    bb_matcher_free(&m);
    bb_buf_free(&b);
    return yes;
}

START_TEST(a_route_matches_by_value_prefix_and_any_attribute)
{
    char type[] = "type", bom[] = "mfg.bom.*", move[] = "mfg.inventory.movement", site[] = "site",
         north[] = "north";
    char *types[] = {bom, move}, *sites[] = {north};
    struct bb_match_rule rules[] = {{type, types, 2}, {site, sites, 1}};
    struct bb_route_config r = {.match = rules, .n_match = 1};

    ck_assert(matches(&r, "mfg.bom.released", NULL, NULL, NULL));
    ck_assert(matches(&r, "mfg.inventory.movement", NULL, NULL, NULL));
    ck_assert(!matches(&r, "mfg.inventory.movement2", NULL, NULL, NULL));
    ck_assert(!matches(&r, "mfg.bo", NULL, NULL, NULL));
    r.n_match = 2;
    ck_assert(matches(&r, "mfg.bom.x", NULL, "north", NULL));
    ck_assert(!matches(&r, "mfg.bom.x", NULL, "south", NULL));
    ck_assert(!matches(&r, "mfg.bom.x", NULL, NULL, NULL));
}
END_TEST

START_TEST(lanes_follow_the_ordering_key)
{
    char item[] = "item";
    struct bb_route_config none = {0}, by = {.order_by = item};
    uint64_t a, b, c, d;

    matches(&none, "t", "A", NULL, &a);
    ck_assert_uint_eq(a, 0);
    matches(&by, "t", "A", NULL, &a);
    matches(&by, "u", "A", NULL, &b);
    matches(&by, "t", "B", NULL, &c);
    matches(&by, "t", NULL, NULL, &d);
    ck_assert_uint_eq(a, b);
    ck_assert_uint_ne(a, c);
    ck_assert_uint_eq(d, 1); /* one shared lane for messages without the key */
    ck_assert_uint_gt(a, 1);
}
END_TEST

START_TEST(a_token_lives_once)
{
    struct bb_hub h = {0};
    struct hub_endpoint e = {0};
    struct hub_peer p = {.ep = &e};
    struct hub_flight *f = hub_flight_new(&h);
    uint64_t token;

    ck_assert_ptr_nonnull(f);
    f->peer = &p;
    f->bytes = 10;
    token = hub_flight_token(f);
    hub_flight_open(&e, f);
    ck_assert_uint_eq(e.in_flight, 1);
    ck_assert_uint_eq(e.bytes, 10);
    ck_assert_ptr_eq(hub_flight_of(&h, token), f);
    ck_assert_ptr_null(hub_flight_of(&h, token + (1ull << 32)));
    ck_assert_ptr_null(hub_flight_of(&h, token + 4096));
    hub_flight_close(&e, f);
    ck_assert_ptr_null(hub_flight_of(&h, token)); /* answered: a second RESULT finds nothing */
    ck_assert_uint_eq(e.in_flight, 0);
    ck_assert_uint_eq(e.bytes, 0);
    hub_flight_free(&h, f);
    f = hub_flight_new(&h);
    f->peer = &p;
    ck_assert_uint_ne(hub_flight_token(f), token); /* the slot again, another generation */
    ck_assert_ptr_null(hub_flight_of(&h, token));
    for (size_t i = 0; i < h.n_flights / 256; i++)
        free(h.flights[i]);
    free(h.flights);
}
END_TEST

START_TEST(the_frontier_passes_what_is_settled_in_any_order)
{
    static struct hub_route r;

    r.window = calloc(BB_WINDOW / 64, sizeof *r.window);
    for (uint64_t base = 0; base < 3ull * BB_WINDOW; base += 8) {
        const uint64_t order[] = {3, 1, 7, 0, 2, 6, 5, 4};
        for (size_t i = 0; i < 8; i++)
            hub_route_account(&r, base + order[i]);
        ck_assert_uint_eq(r.frontier, base + 8);
    }
    hub_route_account(&r, 5); /* below: nothing */
    ck_assert_uint_eq(r.frontier, 3ull * BB_WINDOW);
    free(r.window);
}
END_TEST

/* Is a message with that text at /attributes/site an echo from e? */
static bool echoed(const struct bb_hub *h, const struct hub_endpoint *e, const char *text)
{
    struct bb_buf b = message("t", NULL, text);
    struct bb_envelope env;
    bool yes;

    ck_assert_int_eq(bb_envelope_read((struct bb_bytes){b.ptr, b.len}, &env, NULL), 0);
    yes = hub_is_echo(h, e, &env);
    bb_buf_free(&b);
    return yes;
}

START_TEST(a_key_says_whose_it_is)
{
    char site[] = "/attributes/site", *at[] = {site}, key[HUB_KEY_MAX], brief[17];
    struct bb_endpoint_config config = {.echo = at, .n_echo = 1};
    struct bb_gen_endpoint gen = {.config = &config};
    struct hub_endpoint to = {.gen = &gen}, other = {.gen = &gen};
    struct hub_route r = {.id = 4097, .to = &to};
    struct bb_hub h = {.routes = &r, .n_routes = 1, .tag = "0fab1234", .short_tag = {0x0f, 0xab, 0x12, 0x34}};
    struct bb_hub foreign = h;

    hub_key_long(&h, r.id, UINT64_C(0x3ffffffffff), 7, key);
    hub_key_short(&h, r.id, UINT64_C(0x3ffffffffff), 7, brief);
    ck_assert_uint_eq(strlen(brief), 16);
    ck_assert(echoed(&h, &to, key) && echoed(&h, &to, brief));
    ck_assert(!echoed(&h, &other, key) && !echoed(&h, &other, brief)); /* no route goes there */
    memcpy(foreign.tag, "0fab1235", 9);
    foreign.short_tag[0] = 0x10;
    ck_assert(!echoed(&foreign, &to, key) && !echoed(&foreign, &to, brief));
    r.id = 1;
    ck_assert(!echoed(&h, &to, key));
    ck_assert(echoed(&h, &to, brief)); /* of the route it has 12 bits alone */
    strcat(key, "0");
    r.id = 4097;
    ck_assert(!echoed(&h, &to, key + 1));
    ck_assert(!echoed(&h, &to, "0fab1234-1001-0001-7")); /* not as they are written */
    ck_assert(!echoed(&h, &to, "0123456789abcdef") && !echoed(&h, &to, "") && !echoed(&h, &to, "-"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub");
    TCase *t = tcase_create("pieces");
    SRunner *run;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, lanes_agree_with_a_model);
    tcase_add_test(t, a_lane_keeps_its_late_spill_when_the_table_grows);
    tcase_add_test(t, a_route_matches_by_value_prefix_and_any_attribute);
    tcase_add_test(t, lanes_follow_the_ordering_key);
    tcase_add_test(t, a_key_says_whose_it_is);
    tcase_add_test(t, a_token_lives_once);
    tcase_add_test(t, the_frontier_passes_what_is_settled_in_any_order);
    suite_add_tcase(s, t);
    run = srunner_create(s);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed ? 1 : 0;
}

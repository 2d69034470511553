/*
 * test_enrich.c - the step enrich with a mocked endpoint, the step plugin without a host, and the cache
 */
#include "tests/unit/transform_rig.h"

#include "core/base/base.h"
#include "core/host/internal.h"

/* ---- compile --------------------------------------------------------------------------------------------- */
static const struct {
    const char *config, *pointer, *text;
} faults[] = {
    {"{\"from\":\"plm\",\"query\":\"item\"}", "/0/enrich", "\"into\" is missing"},
    {"{\"from\":\"plm\",\"into\":\"/data/x\"}", "/0/enrich", "\"query\" is missing"},
    {"{\"query\":\"item\",\"into\":\"/data/x\"}", "/0/enrich", "\"from\" is missing"},
    {"[]", "/0/enrich", "enrich takes a map"},
    {"{\"from\":\"\",\"query\":\"q\",\"into\":\"/data/x\"}", "/0/enrich/from", "must be the name of an endpoint"},
    {"{\"from\":\"plm\",\"query\":7,\"into\":\"/data/x\"}", "/0/enrich/query", "must be the name of a query"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data\"}", "/0/enrich/into", "the answer goes below /data"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/attributes/x\"}", "/0/enrich/into", "the answer goes below /data"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"x\"}", "/0/enrich/into", "starts with /data"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"with\":[]}", "/0/enrich/with", "takes a map of pointers"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"with\":{\"a\":1}}", "/0/enrich/with/a", "must be a pointer"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"with\":{\"a\":\"./b\"}}", "/0/enrich/with/a", "starts with /data or /attributes"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"timeout\":\"5\"}", "/0/enrich/timeout", "a time with its unit"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"timeout\":\"11m\"}", "/0/enrich/timeout", "at most 10m"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"cache\":{\"max\":5}}", "/0/enrich/cache", "\"ttl\" is missing"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"cache\":{\"ttl\":\"1m\",\"max\":0}}", "/0/enrich/cache/max", "1 to 100000"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"on_failure\":\"rety\"}", "/0/enrich/on_failure", "did you mean \"retry\"?"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"on_failure\":{\"x\":1}}", "/0/enrich/on_failure", "{default: value}"},
    {"{\"from\":\"plm\",\"query\":\"q\",\"into\":\"/data/x\",\"wiht\":{}}", "/0/enrich/wiht", "did you mean \"with\"?"},
};

START_TEST(mistakes_are_said_at_their_place)
{
    struct bb_transform *t;
    struct mistake m;
    char *steps;

    ck_assert_int_ge(asprintf(&steps, "[{\"enrich\":%s}]", faults[_i].config), 0);
    t = compile_steps(steps, &m);
    ck_assert_msg(!t, "%s", steps);
    ck_assert_msg(strcmp(m.pointer, faults[_i].pointer) == 0, "%s: at %s", steps, m.pointer);
    ck_assert_msg(strstr(m.text, faults[_i].text) != NULL, "%s: %s", steps, m.text);
    free(steps);
}
END_TEST

/* ---- apply ------------------------------------------------------------------------------------------------- */
static struct {
    bb_status status;
    const char *answer; /* JSON */
    unsigned asked;
    char *key;
} mock;

static bb_status mock_ask(void *arg, const struct bb_question *q, struct bb_buf *answer, struct bb_fault *err)
{
    struct bb_buf b;

    (void)arg;
    mock.asked++;
    free(mock.key);
    mock.key = json_of(q->key);
    ck_assert_str_eq(q->endpoint, "plm");
    ck_assert_str_eq(q->op, "item");
    ck_assert_int_eq(bb_message_check(q->request, err), 0);
    if (mock.status != BB_OK) {
        bb_fail(err, "as told");
        return mock.status;
    }
    json_to(&b, mock.answer);
    bb_put_raw(answer, bytes_of(&b));
    bb_buf_free(&b);
    return BB_OK;
}

/* What became of the message's data; more: further options. */
static bb_status enriched(const char *more, const char *data, char **got, struct bb_fault *err)
{
    struct bb_transform_run run = {.ask = mock_ask};
    struct bb_transform *t;
    struct mistake m;
    struct bb_buf in, out;
    struct bb_bytes v;
    char *text;
    bb_status s;

    ck_assert_int_ge(asprintf(&text, "[{\"enrich\":{\"from\":\"plm\",\"query\":\"item\",\"with\":{\"n\":\"/data/item\","
                                     "\"p\":\"/attributes/plant\"},\"into\":\"/data/m/x\"%s}}]", more), 0);
    t = compile_steps(text, &m);
    ck_assert_msg(t != NULL, "%s: %s", text, m.text);
    ck_assert(!bb_transform_is_pure(t));
    free(text);
    ck_assert_int_ge(asprintf(&text, "[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"t\",\"type\":\"x\","
                                     "\"plant\":\"1000\"},%s]", data), 0);
    json_to(&in, text);
    free(text);
    bb_buf_init(&out, 1 << 20);
    s = bb_transform_apply(t, bytes_of(&in), &out, &run, err);
    *got = NULL;
    if (s == BB_OK) {
        ck_assert_int_eq(bb_message_check(bytes_of(&out), err), 0);
        ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1", &v), 1);
        *got = json_of(v);
    }
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_transform_free(&t);
    return s;
}

static const struct {
    bb_status mock;
    const char *answer, *more, *data;
    bb_status status;
    const char *want; /* data, or text */
} cases[] = {
    {BB_OK, "{\"a\":1.50}", "", "{\"item\":\"A\"}", BB_OK, "{\"item\":\"A\",\"m\":{\"x\":{\"a\":1.50}}}"},
    {BB_OK, "7", "", "{\"item\":\"A\",\"m\":{\"x\":1,\"y\":2}}", BB_OK, "{\"item\":\"A\",\"m\":{\"x\":7,\"y\":2}}"},
    {BB_OK, "7", "", "{\"item\":\"A\",\"m\":5}", BB_E_REJECT, "/data/m/x"},
    {BB_OK, "null", "", "{\"item\":\"A\"}", BB_E_REJECT, "it knows nothing of it"},
    {BB_OK, "null", ",\"on_failure\":{\"default\":[]}", "{\"item\":\"A\"}", BB_OK, "{\"item\":\"A\",\"m\":{\"x\":[]}}"},
    {BB_OK, "1", "", "{\"no\":1}", BB_E_REJECT, "no value at /data/item"},
    {BB_E_DOWN, "", "", "{\"item\":\"A\"}", BB_E_RETRY, "step 1 (enrich): endpoint \"plm\", query \"item\": as told"},
    {BB_E_UNKNOWN, "", ",\"on_failure\":\"retry\"", "{\"item\":\"A\"}", BB_E_RETRY, "as told"},
    {BB_E_DOWN, "", ",\"on_failure\":\"quarantine\"", "{\"item\":\"A\"}", BB_E_REJECT, "as told"},
    {BB_E_DOWN, "", ",\"on_failure\":{\"default\":0}", "{\"item\":\"A\"}", BB_OK, "{\"item\":\"A\",\"m\":{\"x\":0}}"},
    {BB_E_REJECT, "", "", "{\"item\":\"A\"}", BB_E_REJECT, "as told"},
    {BB_E_UNSUP, "", ",\"on_failure\":\"retry\"", "{\"item\":\"A\"}", BB_E_REJECT, "as told"},
    {BB_E_REJECT, "", ",\"on_failure\":{\"default\":0}", "{\"item\":\"A\"}", BB_OK, "{\"item\":\"A\",\"m\":{\"x\":0}}"},
};

START_TEST(each_answer_has_its_end)
{
    struct bb_fault err = {0, ""};
    char *got;
    bb_status s;

    mock.status = cases[_i].mock;
    mock.answer = cases[_i].answer;
    s = enriched(cases[_i].more, cases[_i].data, &got, &err);
    ck_assert_msg(s == cases[_i].status, "case %d: status %d: %s", _i, s, err.text);
    if (s == BB_OK)
        ck_assert_str_eq(got, cases[_i].want);
    else
        ck_assert_msg(strstr(err.text, cases[_i].want) != NULL, "case %d: %s", _i, err.text);
    free(got);
}
END_TEST

START_TEST(the_request_holds_what_was_named)
{
    struct bb_fault err = {0, ""};
    char *got;

    mock.status = BB_OK;
    mock.answer = "1";
    ck_assert_int_eq(enriched("", "{\"item\":{\"no\":\"A\"}}", &got, &err), BB_OK);
    ck_assert_str_eq(mock.key, "{\"n\":{\"no\":\"A\"},\"p\":\"1000\"}");
    free(got);
}
END_TEST

START_TEST(an_answer_may_not_nest_too_deep)
{
    struct bb_fault err = {0, ""};
    char deep[200] = "", *got;

    for (int k = 0; k < 63; k++)
        strcat(deep, "[");
    for (int k = 0; k < 63; k++)
        strcat(deep, "]");
    mock.status = BB_OK;
    mock.answer = deep;
    ck_assert_int_eq(enriched("", "{\"item\":\"A\"}", &got, &err), BB_E_REJECT);
    ck_assert_msg(strstr(err.text, "64 levels") != NULL, "%s", err.text);
}
END_TEST

/* ---- the cache ------------------------------------------------------------------------------------------- */
static struct bb_question question(const char *op, const char *key, uint64_t ttl_ms, uint32_t max)
{
    return (struct bb_question){.endpoint = "plm", .op = op, .key = {key, strlen(key)}, .ttl_ms = ttl_ms, .max = max};
}

static bool has(struct bb_answers *a, const struct bb_question *q, uint64_t now, const char *want)
{
    struct bb_buf out;
    bool there;

    bb_buf_init(&out, 1 << 26);
    there = bb_answers_get(a, q, now, &out);
    if (there && want)
        ck_assert(bb_bytes_are(bytes_of(&out), want));
    bb_buf_free(&out);
    return there;
}

static void put(struct bb_answers *a, const struct bb_question *q, uint64_t now, const char *answer)
{
    bb_answers_put(a, q, now, (struct bb_bytes){answer, strlen(answer)});
}

START_TEST(an_answer_serves_for_its_time)
{
    struct bb_answers *a = bb_answers_new();
    struct bb_question q = question("item", "k", 10, 5), other = question("stock", "k", 10, 5),
                       off = question("item", "k", 0, 5);
    const uint64_t ms = 1000000;

    ck_assert(!has(a, &q, 0, NULL));
    put(a, &q, 5 * ms, "one");
    ck_assert(has(a, &q, 14 * ms, "one"));
    ck_assert(!has(a, &other, 14 * ms, NULL));
    ck_assert(!has(a, &off, 14 * ms, NULL));
    put(a, &q, 14 * ms, "two");
    ck_assert(has(a, &q, 16 * ms, "two"));
    ck_assert(!has(a, &q, 24 * ms, NULL));
    ck_assert(!has(a, &q, 15 * ms, NULL)); /* it is gone, not only hidden */
    bb_answers_free(a);
}
END_TEST

START_TEST(what_was_not_asked_for_longest_makes_room)
{
    struct bb_answers *a = bb_answers_new();
    char key[16];

    for (int k = 0; k < 4; k++) {
        struct bb_question q;

        snprintf(key, sizeof key, "k%d", k);
        q = question("item", key, 1000, 3);
        put(a, &q, 0, key);
        q = question("item", "k0", 1000, 3);
        ck_assert(has(a, &q, 1, "k0")); /* asked for each time: it stays */
    }
    for (int k = 0; k < 4; k++) {
        struct bb_question q;

        snprintf(key, sizeof key, "k%d", k);
        q = question("item", key, 1000, 3);
        ck_assert_int_eq(has(a, &q, 1, key), k != 1);
    }
    bb_answers_free(a);
}
END_TEST

START_TEST(memory_is_bounded_whatever_the_numbers)
{
    struct bb_answers *a = bb_answers_new();
    size_t len = 1 << 20, there = 0;
    char *big = malloc(len + 1), op[16], key[16];

    ck_assert_ptr_nonnull(big);
    memset(big, 'x', len);
    big[len] = '\0';
    for (int k = 0; k < 400; k++) { /* 400 MiB into ten shelves */
        struct bb_question q;

        snprintf(op, sizeof op, "op%d", k % 10);
        snprintf(key, sizeof key, "k%d", k);
        q = question(op, key, 100000, 100000);
        put(a, &q, 0, big);
    }
    for (int k = 0; k < 400; k++) {
        struct bb_question q;

        snprintf(op, sizeof op, "op%d", k % 10);
        snprintf(key, sizeof key, "k%d", k);
        q = question(op, key, 100000, 100000);
        there += has(a, &q, 1, NULL);
    }
    ck_assert_uint_gt(there, 30);
    ck_assert_uint_le(there, 64);
    free(big);
    bb_answers_free(a);
}
END_TEST

/* ---- plugin: without a host ------------------------------------------------------------------------------- */
START_TEST(a_plugin_step_needs_somebody_who_loads_it)
{
    struct mistake m;

    ck_assert_ptr_null(compile_steps("[{\"plugin\":{\"connector\":\"acme\"}}]", &m));
    ck_assert_str_eq(m.text, "no plugin can be used here");
    ck_assert_str_eq(m.pointer, "/0/plugin/connector");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("enrich");
    TCase *t = tcase_create("enrich");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, mistakes_are_said_at_their_place, 0, sizeof faults / sizeof *faults);
    tcase_add_loop_test(t, each_answer_has_its_end, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, the_request_holds_what_was_named);
    tcase_add_test(t, an_answer_may_not_nest_too_deep);
    tcase_add_test(t, an_answer_serves_for_its_time);
    tcase_add_test(t, what_was_not_asked_for_longest_makes_room);
    tcase_add_test(t, memory_is_bounded_whatever_the_numbers);
    tcase_add_test(t, a_plugin_step_needs_somebody_who_loads_it);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

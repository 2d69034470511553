/*
 * test_rehearse.c - a rehearsal's clock is exact, its play is kept to, and results are compared as values
 */
#define _GNU_SOURCE 1
#include "core/rehearse/internal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];
static struct bb_generation *g;
static struct bb_cases cases;
static struct bb_diags diags;

static void file_write(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static const char conf[] =
    "endpoints:\n"
    "  src: {connector: none}\n"
    "  plm: {connector: none}\n"
    "  dst: {connector: none, timeout: 30s, probe_after: 2m, breaker: {failures: 0}}\n"
    "routes:\n"
    "  r:\n"
    "    from: src\n"
    "    to: dst\n"
    "    match: {type: t}\n"
    "    order_by: item\n"
    "    retry: {attempts: 5, backoff: fixed, initial: 10s, jitter: none}\n"
    "    transform:\n"
    "      - map:\n"
    "          - copy: {from: /data/a, to: /data/b}\n"
    "          - copy: {from: /data/c, to: /data/d, optional: true}\n"
    "  q:\n"
    "    from: src\n"
    "    to: dst\n"
    "    match: {type: q}\n"
    "    transform:\n"
    "      - enrich: {from: plm, query: item, with: {number: /data/item}, into: /data/master}\n";

static void setup(void)
{
    char path[128];

    setenv("BUSBAR_LOG_LEVEL", "error", 1);
    snprintf(dir, sizeof(dir), "/tmp/rehearse-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    file_write("c.yaml", conf);
    g = bb_generation_rehearse(dir, &diags);
    ck_assert_msg(g != NULL, "%s", diags.n ? diags.v[0].text : "no generation");
    snprintf(path, sizeof(path), "%s/c.yaml", dir);
    unlink(path);
}

static void teardown(void)
{
    bb_cases_free(&cases);
    bb_generation_free(&g);
    bb_diags_free(&diags);
    rmdir(dir);
}

static const struct bb_case *case_of(const char *text)
{
    char path[128], name[24];

    snprintf(name, sizeof(name), "t%zu.yaml", cases.n); /* a name is read once */
    file_write(name, text);
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_msg(bb_cases_load(&cases, path, g->config, &diags) == 0, "%s", diags.n ? diags.v[0].text : "?");
    unlink(path);
    return &cases.v[cases.n - 1];
}

static struct bb_buf result_of(const struct bb_case *c, struct bb_coverage *cov)
{
    struct bb_fault err = {0};
    struct bb_buf b;

    bb_buf_init(&b, BB_REPORT_BYTES);
    ck_assert_msg(bb_rehearse(g, c, cov, &b, &err) == 0, "%s", err.text);
    return b;
}

static void json_is(struct bb_bytes v, const char *expected)
{
    struct bb_buf text;

    bb_buf_init(&text, BB_REPORT_BYTES);
    ck_assert_int_eq(bb_json_write(v, &text, NULL), 0);
    bb_buf_put(&text, "", 1);
    ck_assert_str_eq((const char *)text.ptr, expected);
    bb_buf_free(&text);
}

/* ---- questions ----------------------------------------------------------------------------------- */
static const struct bb_case *asks(const char *queries)
{
    char text[800];

    snprintf(text, sizeof(text),
             "tests:\n  - name: n\n    route: q\n    input: {event: {type: q, data: {item: \"4711\"}}}\n"
             "    queries: %s\n", queries);
    return case_of(text);
}

static void master_is(const char *queries, const char *expected)
{
    struct bb_buf b = result_of(asks(queries), NULL);
    struct bb_bytes v;

    ck_assert_int_eq(bb_pointer_get((struct bb_bytes){b.ptr, b.len}, "/0/sent/data/master", &v), 1);
    json_is(v, expected);
    bb_buf_free(&b);
}

static void fails(const char *queries, const char *why)
{
    struct bb_fault err = {0};
    struct bb_buf b;

    bb_buf_init(&b, BB_REPORT_BYTES);
    ck_assert_int_eq(bb_rehearse(g, asks(queries), NULL, &b, &err), -1);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
    bb_buf_free(&b);
}

START_TEST(questions_are_answered_by_the_case)
{
    master_is("{plm: {item: {reply: {name: bolt, w: 1.50}}}}", "{\"name\":\"bolt\",\"w\":1.50}");
    master_is("{plm: {item: [{with: {number: \"4711\"}, reply: 1, times: 1}]}}", "1");
    fails("{plm: {item: [{with: {number: \"4712\"}, reply: 1}, {with: {number: \"4711\"}, reply: 2}]}}",
          "nobody asked endpoint \"plm\" for \"item\" so");
    fails("{plm: {item: {with: {number: 4711}, reply: 1}}}", /* a number is no text */
          "endpoint \"plm\" was asked for \"item\" of {\"number\":\"4711\"}, and \"queries\" has no answer");
    fails("{}", "and \"queries\" has no answer");
}
END_TEST

START_TEST(a_refused_question_fails_the_message)
{
    struct bb_buf b = result_of(asks("{plm: {item: {answer: reject, text: no such item}}}"), NULL);
    struct bb_bytes v, s;

    ck_assert_int_eq(bb_pointer_get((struct bb_bytes){b.ptr, b.len}, "/0/state", &v), 1);
    ck_assert(bb_as_str(v, &s) && bb_bytes_are(s, "quarantined"));
    ck_assert_int_eq(bb_pointer_get((struct bb_bytes){b.ptr, b.len}, "/0/error", &v), 1);
    ck_assert(bb_as_str(v, &s) && memmem(s.ptr, s.len, "no such item", 12));
    bb_buf_free(&b);
}
END_TEST

/* One that is down is asked again until the message is too old or the case ends. */
START_TEST(no_answer_now_is_waited_for)
{
    master_is("{plm: {item: [{answer: down, times: 3}, {reply: late}]}}", "\"late\"");
}
END_TEST

/* ---- the clock ----------------------------------------------------------------------------------- */
/* The end of the case on the axis says how much time went by: to the millisecond, whatever the machine. */
static void takes(const char *answers, uint64_t ms)
{
    char text[600];
    struct bb_buf b;
    const struct bb_case *c;

    snprintf(text, sizeof(text),
             "tests:\n  - name: n\n    route: r\n    clock: 2026-03-29T00:59:59.500Z\n"
             "    input: {event: {type: t, item: i, data: {a: 1}}}\n    %s\n", answers);
    c = case_of(text);
    ck_assert_uint_eq(c->clock_ms, UINT64_C(1774745999500));
    b = result_of(c, NULL);
    ck_assert_uint_eq(bb_axis_ms() - c->clock_ms, ms);
    bb_buf_free(&b);
}

START_TEST(time_is_exact)
{
    takes("answers: {dst: ok}", 0);
    takes("answers: {dst: [retry, retry, ok]}", 20000);
    takes("answers: {dst: {answer: retry, after: 9m}}", 540000);
    /* unknown: asked after two minutes, and again, then sent at once */
    takes("answers: {dst: unknown}\n    probes: {dst: [not-applied, not-applied]}", 240001);
    takes("answers: {dst: silent}\n    probes: {dst: applied}", 30000 + 120000);
    takes("answers: {dst: {answer: retry, times: always}}", 40000);
}
END_TEST

START_TEST(only_a_rehearsal_rests)
{
    struct bb_ask a = {.kind = BB_ASK_REST, .until_ms = UINT64_MAX};
    struct bb_case c = {.name = "n", .clock_ms = 1000, .until_ms = 2000};
    struct bb_stage s;
    struct bb_fault err = {0};

    ck_assert_msg(bb_stage_open(&s, g, &c, NULL, &err) == 0, "%s", err.text);
    ck_assert_int_eq(bb_hub_ask(s.hub, &a, 5000), 0);
    ck_assert_int_eq(a.status, BB_E_UNSUP);
    bb_stage_close(&s);
    bb_axis_hold(0);
}
END_TEST

/* ---- the play, coverage -------------------------------------------------------------------------- */
START_TEST(results_and_coverage)
{
    const struct bb_case *c = case_of(
        "tests:\n  - name: n\n    route: r\n    answers: {dst: [{answer: reject, text: no, code: E1}, ok]}\n"
        "    input:\n      - event: {type: t, item: i, data: {a: 1.50}}\n"
        "      - event: {type: t, item: j, data: {}}\n      - event: {type: u, data: 1}\n"
        "      - event: {type: t, item: k, data: {a: 2, c: 3}}\n");
    struct bb_coverage *cov = bb_coverage_new(g);
    const struct bb_coverage_item *v;
    struct bb_buf b = result_of(c, cov);

    json_is(bb_bytes_of(&b),
            "[{\"message\":1,\"route\":\"r\",\"state\":\"held\",\"error\":\"no\",\"sends\":1,\"probes\":0,"
            "\"sent\":{\"type\":\"t\",\"item\":\"i\",\"specversion\":\"1.0\",\"source\":\"/test\","
            "\"id\":\"test-1\",\"data\":{\"a\":1.50,\"b\":1.50}}},"
            "{\"message\":2,\"route\":\"r\",\"state\":\"held\","
            "\"error\":\"step 1 (map) rule 1 (copy): no value at /data/a\",\"sends\":0,\"probes\":0},"
            "{\"message\":3,\"state\":\"quarantined\",\"error\":\"no route matched\"},"
            "{\"message\":4,\"route\":\"r\",\"state\":\"delivered\",\"sends\":1,\"probes\":0,"
            "\"sent\":{\"type\":\"t\",\"item\":\"k\",\"specversion\":\"1.0\",\"source\":\"/test\","
            "\"id\":\"test-4\",\"data\":{\"a\":2,\"c\":3,\"b\":2,\"d\":3}}}]");
    ck_assert_uint_eq(bb_coverage_items(cov, &v), 6); /* with the other route and its step */
    ck_assert_uint_eq(v[0].ran, 3); /* deliveries */
    ck_assert_uint_eq(v[1].ran, 3); /* the step, also where it failed */
    ck_assert_uint_eq(v[2].ran, 3);
    ck_assert_str_eq(v[3].rule, "2");
    ck_assert_uint_eq(v[3].ran, 2); /* not behind the failure */
    bb_coverage_free(&cov);
    bb_buf_free(&b);
}
END_TEST

START_TEST(hundred_runs_are_the_same)
{
    const struct bb_case *c = case_of(
        "tests:\n  - name: n\n    route: r\n    answers: {dst: [unknown, retry, silent, down, ok]}\n"
        "    probes: {dst: [not-applied, retry, not-applied, applied, applied]}\n"
        "    input:\n      - event: {type: t, item: i, data: {a: 1}}\n"
        "      - event: {type: t, item: i, data: {a: 2}}\n      - event: {type: t, item: j, data: {a: 3}}\n");
    struct bb_buf first = result_of(c, NULL), b;
    uint64_t end = bb_axis_ms();

    for (int i = 0; i < 100; i++) {
        b = result_of(c, NULL);
        ck_assert_uint_eq(bb_axis_ms(), end);
        ck_assert_uint_eq(b.len, first.len);
        ck_assert_mem_eq(b.ptr, first.ptr, b.len);
        bb_buf_free(&b);
    }
    bb_buf_free(&first);
}
END_TEST

/* ---- comparing ----------------------------------------------------------------------------------- */
static struct bb_buf value_of(const char *json)
{
    struct bb_fault err = {0};
    struct bb_buf b;

    bb_buf_init(&b, 1u << 20);
    ck_assert_msg(bb_json_read((struct bb_bytes){json, strlen(json)}, &b, &err) == 0, "%s: %s", json, err.text);
    return b;
}

static char whats[1000];

static void on_difference(void *arg, size_t delivery, const char *what, struct bb_bytes e, struct bb_bytes got)
{
    size_t n = strlen(whats);

    (void)arg;
    snprintf(whats + n, sizeof(whats) - n, "%zu:%s%s ", delivery, what, !e.len ? "+" : !got.len ? "-" : "");
}

static void differs(const char *expect, const char *result, const char *expected)
{
    struct bb_buf e = value_of(expect), r = value_of(result);

    *whats = '\0';
    bb_results_compare(bb_bytes_of(&e), bb_bytes_of(&r), on_difference, NULL);
    ck_assert_str_eq(whats, expected);
    bb_buf_free(&e);
    bb_buf_free(&r);
}

START_TEST(values_are_compared)
{
    differs("[]", "[]", "");
    differs("[{}]", "[{\"state\":\"held\"}]", "");
    differs("{\"state\":\"held\"}", "[{\"state\":\"held\"}]", "");
    differs("[{\"state\":\"held\"}]", "[{\"state\":\"delivered\"}]", "1:state ");
    differs("[{},{}]", "[{\"state\":\"held\"}]", "2:- ");
    differs("[]", "[{\"state\":\"held\"}]", "1:+ ");
    differs("[{\"sent\":{\"a\":1,\"b\":[1,2]}}]", "[{\"sent\":{\"b\":[1,2],\"a\":1}}]", "");
    differs("[{\"sent\":{\"a\":1,\"b\":[1,2,3],\"c\":0}}]", "[{\"sent\":{\"b\":[1,4],\"a\":1,\"d/~\":5}}]",
            "1:/b/1 1:/b/2- 1:/c- 1:/d~1~0+ ");
    differs("[{\"sent\":{\"a\":1.50}}]", "[{\"sent\":{\"a\":1.5}}]", "1:/a ");
    differs("[{\"sent\":{\"a\":\"1\"}}]", "[{\"sent\":{\"a\":1}}]", "1:/a ");
    differs("[{\"sent\":{}}]", "[{}]", "1:sent- ");
    differs("[{\"error\":\"b c\"}]", "[{\"error\":\"a b c d\"}]", "");
    differs("[{\"error\":\"b d\"}]", "[{\"error\":\"a b c d\"}]", "1:error ");
    differs("[{\"error\":\"b\"}]", "[{}]", "1:error- ");
    differs("[{\"fields\":{\"/a/0\":1,\"/b\":2},\"absent\":[\"/c\",\"/a\"]}]", "[{\"sent\":{\"a\":[1]}}]",
            "1:/b- 1:/a+ ");
    differs("[{\"fields\":{\"/a\":null}}]", "[{}]", "1:/a- ");
    differs("[{\"fields\":{\"/a\":null}}]", "[{\"sent\":{\"a\":null}}]", "");
}
END_TEST

START_TEST(what_is_expected_again)
{
    struct bb_buf e = value_of("[{\"sends\":1,\"fields\":{\"/a\":1,\"/b\":2},\"error\":\"x\",\"absent\":\"/c\"}]");
    struct bb_buf r = value_of("[{\"message\":1,\"state\":\"held\",\"error\":\"yxz\",\"sends\":3,\"sent\":{\"a\":4,\"c\":5}},"
                               "{\"message\":2,\"route\":\"r\",\"state\":\"delivered\",\"sends\":1,\"sent\":{}}]");
    struct bb_buf out;

    bb_buf_init(&out, 1u << 20);
    bb_results_expect(bb_bytes_of(&e), bb_bytes_of(&r), &out);
    json_is(bb_bytes_of(&out), "[{\"state\":\"held\",\"error\":\"x\",\"sends\":3,\"fields\":{\"/a\":4},\"absent\":[\"/b\"]},"
                               "{\"route\":\"r\",\"state\":\"delivered\",\"sent\":{}}]");
    ck_assert_uint_eq(bb_results_compare(bb_bytes_of(&out), bb_bytes_of(&r), NULL, NULL), 0);
    bb_buf_free(&out);
    bb_buf_free(&e);
    bb_buf_free(&r);
}
END_TEST

/* ---- input --------------------------------------------------------------------------------------- */
static int count(void *arg, size_t offset, struct bb_bytes whole, struct bb_fault *err)
{
    (void)err;
    ck_assert_int_eq(bb_message_check(whole, NULL), 0);
    ((size_t *)arg)[0]++;
    ((size_t *)arg)[1] = offset;
    return 0;
}

START_TEST(input_of_each_kind)
{
    static const char lines[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":1}\n"
                                "  {\"specversion\":\"1.0\",\"id\":\"2\",\n\"source\":\"/s\",\"type\":\"t\"}\n";
    struct bb_fault err = {0};
    size_t n[2] = {0, 0};
    struct bb_buf b;

    ck_assert_int_eq(bb_input_each((struct bb_bytes){lines, sizeof(lines) - 1}, count, n, &err), 0);
    ck_assert_uint_eq(n[0], 2);
    bb_buf_init(&b, 1u << 16);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(bb_event_read((struct bb_bytes){lines, strcspn(lines, "\n")}, &b, &err), 0);
    n[0] = 0;
    ck_assert_int_eq(bb_input_each(bb_bytes_of(&b), count, n, &err), 0);
    ck_assert_uint_eq(n[0], 3);
    ck_assert_int_eq(bb_input_each((struct bb_bytes){b.ptr, b.len - 1}, count, n, &err), -1);
    ck_assert_uint_eq(err.offset, n[1] ? b.len / 3 * 2 : 0);
    ck_assert_int_eq(bb_input_each((struct bb_bytes){"{\"id\":1} x", 10}, count, n, &err), -1);
    ck_assert_int_eq(bb_input_each((struct bb_bytes){"", 0}, count, n, &err), 0);
    bb_buf_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rehearse");
    TCase *t = tcase_create("cases"), *pure = tcase_create("pure");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, questions_are_answered_by_the_case);
    tcase_add_test(t, a_refused_question_fails_the_message);
    tcase_add_test(t, no_answer_now_is_waited_for);
    tcase_add_test(t, time_is_exact);
    tcase_add_test(t, only_a_rehearsal_rests);
    tcase_add_test(t, results_and_coverage);
    tcase_add_test(t, hundred_runs_are_the_same);
    tcase_add_test(pure, values_are_compared);
    tcase_add_test(pure, what_is_expected_again);
    tcase_add_test(pure, input_of_each_kind);
    suite_add_tcase(s, t);
    suite_add_tcase(s, pure);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

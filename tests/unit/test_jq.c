/*
 * test_jq.c - the step jq: what goes in and comes out, numbers, what a program must not see, mistakes
 */
#include <unistd.h>
#include <sys/stat.h>
#include <pthread.h>
#include "tests/unit/transform_rig.h"

static bb_status apply_to(struct bb_transform *t, const char *data, char **got, struct bb_fault *err)
{
    struct bb_buf in, out;
    char *message;
    bb_status s;

    ck_assert_int_ge(asprintf(&message, "[{" RIG_HEAD "},%s]", data), 0);
    json_to(&in, message);
    bb_buf_init(&out, 1 << 20);
    s = bb_transform_apply(t, bytes_of(&in), &out, NULL, err);
    *got = s == BB_OK ? json_of(bytes_of(&out)) : strdup("");
    if (s != BB_OK)
        ck_assert_uint_eq(out.len, 0);
    bb_buf_free(&in);
    bb_buf_free(&out);
    free(message);
    return s;
}

static struct bb_transform *program(const char *config)
{
    struct bb_transform *t;
    struct mistake m;
    char *steps;

    ck_assert_int_ge(asprintf(&steps, "[{\"jq\":%s}]", config), 0);
    t = compile_steps(steps, &m);
    ck_assert_msg(t != NULL, "%s: %s at %s", steps, m.text, m.pointer);
    ck_assert(bb_transform_is_foreign(t));
    free(steps);
    return t;
}

/* what comes out of data; "!text": rejected; "-": skipped */
static const struct {
    const char *config, *data, *out;
} cases[] = {
    {"\".\"", "{\"b\":[1,-2,\"x\",null,true,false,{}],\"a\":\"\"}", "{\"b\":[1,-2,\"x\",null,true,false,{}],\"a\":\"\"}"},
    {"\".a + 1\"", "{\"a\":1.5}", "2.5"},
    {"\"{a: .b, c: (.d | length)}\"", "{\"b\":\"\\u00e4\\u0000x\",\"d\":[1,2]}", "{\"a\":\"\\u00e4\\u0000x\",\"c\":2}"},
    {"\"# a comment\\ndef f: . + 1;\\n.a | f # another\"", "{\"a\":1}", "2"},
    {"\"empty\"", "1", "-the program gives nothing"},
    {"\".[]\"", "[1]", "1"},
    {"\".[]\"", "[1,2]", "!several values: with collect: true"},
    {"{\"program\":\".[]\",\"collect\":true}", "[1,\"b\",{}]", "[1,\"b\",{}]"},
    {"{\"program\":\".[]\",\"collect\":true}", "[]", "[]"},
    {"\"error(\\\"no bom\\\")\"", "1", "!step 1 (jq): no bom"},
    {"\"error({a: 1})\"", "1", "!{\"a\":1}"},
    {"\".a.b\"", "{\"a\":1}", "!Cannot index number"},
    /* numbers: the same, or not at all */
    {"\".\"", "[0.1,1.5,0.125,123456789.123,9007199254740991,-9007199254740991]",
     "[0.1,1.5,0.125,123456789.123,9007199254740991,-9007199254740991]"},
    {"\".\"", "[1.50]", "!1.50 would not be the same in jq"},
    {"\".\"", "[1e3]", "!1e3 would not"},
    {"\".\"", "[0.1234567890123456789]", "!0.1234567890123456789 would not"},
    {"\".\"", "[9007199254740992]", "!9007199254740992 is past"},
    {"\".\"", "[18446744073709551615]", "!18446744073709551615 is past"},
    {"\".\"", "[1e400]", "!1e400 would not"},
    {"{\"program\":\".\",\"numbers\":\"text\"}", "[1.50,9007199254740993,18446744073709551615,1e400,2.5]",
     "[\"1.50\",\"9007199254740993\",\"18446744073709551615\",\"1e400\",2.5]"},
    {"\".[0] + .[1]\"", "[9007199254740991,1]", "9007199254740992"},
    {"\".[0] * 2\"", "[9007199254740991]", "!past 2^53"},
    {"\"nan\"", "1", "!no number"},
    {"\"infinite\"", "1", "!no number"},
    {"\"0.1 + 0.2\"", "1", "0.30000000000000004"},
    /* the whole message */
    {"{\"program\":\".attributes.item = .data.n | .data = 7\",\"input\":\"message\"}", "{\"n\":\"4711\"}", "*\"item\":\"4711\"},7]"},
    {"{\"program\":\".data\",\"input\":\"message\"}", "{}", "!gives {attributes, data}"},
    {"{\"program\":\"del(.attributes.id)\",\"input\":\"message\"}", "{}", "!no message"},
    {"{\"program\":\".attributes.item = 1.5\",\"input\":\"message\"}", "{}", "!no message"},
    /* a program sees its input alone */
    {"\"$ENV\"", "1", "null"},
    {"\"env\"", "1", "!env is not there"},
    {"\"[inputs]\"", "1", "!inputs is not there"},
    {"\"input\"", "1", "!input is not there"},
    {"\"input_filename\"", "1", "!input_filename is not there"},
    {"\"now\"", "1", "!now is not there"},
    {"\"debug\"", "1", "!debug is not there"},
    {"\"halt\"", "1", "!halt is not there"},
    {"\"\\\"x\\\" | halt_error\"", "1", "!halt_error is not there"},
    {"\"halt_error(1)\"", "1", "!halt_error is not there"},
    {"\"0 | strflocaltime(\\\"%Z\\\")\"", "1", "!localtime is not there"},
    {"\"get_search_list\"", "1", "!get_search_list is not there"},
    {"\"[-1] | implode\"", "1", "!not all are characters"},
    {"\"[55296] | implode\"", "1", "!not all are characters"},
    {"\"[97,8364] | implode\"", "1", "\"a\\u20ac\""},
    {"\"0 | todate\"", "1", "\"1970-01-01T00:00:00Z\""},
    {"\"reduce range(100) as $i (0; [.])\"", "1", "!nests deeper"},
};

START_TEST(programs_by_table)
{
    struct bb_transform *t = program(cases[_i].config);
    struct bb_fault err = {0, ""};
    const char *out = cases[_i].out;
    char *got, *want;

    for (int again = 0; again < 3; again++) { /* a failed run leaves nothing behind */
        bb_status s = apply_to(t, cases[_i].data, &got, &err);

        if (*out == '!' || (*out == '-' && !(out[1] >= '0' && out[1] <= '9'))) {
            ck_assert_msg(s == (*out == '!' ? BB_E_REJECT : BB_E_CANCEL), "case %d: %d %s", _i, s, got);
            ck_assert_msg(strstr(err.text, out + 1) != NULL, "case %d: %s", _i, err.text);
        } else if (*out == '*') {
            ck_assert_msg(s == BB_OK && strstr(got, out + 1), "case %d: %s%s", _i, got, err.text);
        } else {
            ck_assert_int_ge(asprintf(&want, "[{" RIG_HEAD "},%s]", out), 0);
            ck_assert_msg(s == BB_OK, "case %d: %s", _i, err.text);
            if (!strchr(out, '\\')) {
                ck_assert_str_eq(got, want);
            }
            free(want);
        }
        free(got);
    }
    bb_transform_free(&t);
}
END_TEST

static const struct rig_file files[] = {{"odd.jq", "\".a\\n| .b }\\n\""}, {"fine.jq", "\".a\""}, {"map.yaml", "[]"}, {NULL, NULL}};

static const struct {
    const char *config, *file, *pointer, *text;
} mistakes[] = {
    {"7", "", "/0/jq", "jq takes a program"},
    {"\"\"", "", "/0/jq", "1 to 65536 bytes"},
    {"{}", "", "/0/jq", "needs program or file"},
    {"{\"program\":\".\",\"file\":\"fine.jq\"}", "", "/0/jq/file", "once"},
    {"{\"program\":\".\",\"nubmers\":\"text\"}", "", "/0/jq/nubmers", "did you mean \"numbers\""},
    {"{\"program\":\".\",\"numbers\":\"double\"}", "", "/0/jq/numbers", "refuse, text"},
    {"{\"program\":\".\",\"input\":\"dta\"}", "", "/0/jq/input", "did you mean \"data\""},
    {"{\"program\":\".\",\"collect\":1}", "", "/0/jq/collect", "true or false"},
    {"{\"file\":\"map.yaml\"}", "", "/0/jq/file", "ends in .jq"},
    {"\".a }\"", "", "/0/jq", "jq: syntax error, unexpected INVALID_CHARACTER"},
    {"\".a |\\n\\n nosuch\"", "", "/0/jq", "jq, line 3 of the program: nosuch/0 is not defined"},
    {"\". | $x\"", "", "/0/jq", "$x is not defined"},
    {"{\"file\":\"odd.jq\"}", "odd.jq", "/1", "unexpected INVALID_CHARACTER, expecting"},
    /* out of the parentheses */
    {"\"1) | (2\"", "", "/0/jq", "syntax error"},
    {"\"import \\\"x\\\" as x; .\"", "", "/0/jq", "cannot be used"},
    {"\" # first\\n#\\n include \\\"x\\\"; .\"", "", "/0/jq", "cannot be used"},
    {"\"module {}; .\"", "", "/0/jq", "cannot be used"},
    {"\". | import \\\"x\\\" as x; .\"", "", "/0/jq", "syntax error"},
};

START_TEST(mistakes_by_table)
{
    struct bb_transform *t;
    struct mistake m;
    char *steps;

    rig_files = files;
    ck_assert_int_ge(asprintf(&steps, "[{\"jq\":%s}]", mistakes[_i].config), 0);
    t = compile_steps(steps, &m);
    ck_assert_msg(!t, "%s was taken", steps);
    ck_assert_msg(strcmp(m.pointer, mistakes[_i].pointer) == 0 && strcmp(m.file, mistakes[_i].file) == 0 &&
                      strstr(m.text, mistakes[_i].text), "%s: %s at %s %s", steps, m.text, m.file, m.pointer);
    free(steps);
}
END_TEST

START_TEST(a_file_of_a_program)
{
    struct bb_fault err = {0, ""};
    struct bb_transform *t;
    char *got;

    rig_files = files;
    t = program("{\"file\":\"fine.jq\"}");
    ck_assert_msg(apply_to(t, "{\"a\":5}", &got, &err) == BB_OK, "%s", err.text);
    ck_assert(strstr(got, ",5]") || strstr(got, "},5"));
    free(got);
    bb_transform_free(&t);
}
END_TEST

/* ~/.jq could redefine anything: it is refused, not read. */
START_TEST(the_users_own_file_is_not_read)
{
    char home[] = "/tmp/busbar-jq-XXXXXX", path[64];
    struct bb_transform *t;
    struct mistake m;
    FILE *f;

    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(path, sizeof path, "%s/.jq", home);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("def length: 42;", f);
    fclose(f);
    setenv("HOME", home, 1);
    t = compile_steps("[{\"jq\":\"length\"}]", &m);
    ck_assert_ptr_null(t);
    ck_assert_msg(strstr(m.text, "/.jq with each program") != NULL, "%s", m.text);
    unlink(path);
    t = compile_steps("[{\"jq\":\"length\"}]", &m);
    ck_assert_ptr_nonnull(t);
    bb_transform_free(&t);
    rmdir(home);
}
END_TEST

static void *many(void *arg)
{
    for (int i = 0; i < 200; i++) {
        struct bb_fault err = {0, ""};
        char *got, data[40], want[16];

        snprintf(data, sizeof data, "{\"a\":%d}", i);
        snprintf(want, sizeof want, ",%d]", i + 1);
        ck_assert_int_eq(apply_to(arg, data, &got, &err), BB_OK);
        ck_assert_msg(strstr(got, want) != NULL, "%s", got);
        free(got);
    }
    return NULL;
}

START_TEST(on_several_threads_at_once)
{
    struct bb_transform *t = program("\".a + 1\"");
    pthread_t v[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&v[i], NULL, many, t), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(v[i], NULL);
    bb_transform_free(&t);
}
END_TEST

START_TEST(too_large)
{
    struct bb_transform *t = program("\"1\"");
    struct bb_fault err = {0, ""};
    char *data = malloc(5 << 20), *got;

    ck_assert_ptr_nonnull(data);
    memset(data, 'x', 5 << 20);
    data[0] = data[(5 << 20) - 2] = '"';
    data[(5 << 20) - 1] = '\0';
    ck_assert_int_eq(apply_to(t, data, &got, &err), BB_E_REJECT);
    ck_assert_msg(strstr(err.text, "4 MiB") != NULL, "%s", err.text);
    free(got);
    free(data);
    bb_transform_free(&t);
}
END_TEST

/* Whatever the bytes are, nothing is read past the end (ASan judges), and what comes out is a message. */
START_TEST(hostile_bytes)
{
    struct bb_transform *t = program("{\"program\":\".\",\"numbers\":\"text\"}");
    struct bb_buf in, out;
    struct bb_fault err, bad = {0, ""};
    unsigned held = 0;

    json_to(&in, "[{" RIG_HEAD "},{\"a\":[1,2.5,\"x\",null,{\"b\":true}],\"c\":\"text\"}]");
    bb_buf_init(&out, 1 << 20);
    seed = 13;
    for (int round = 0; round < 20000; round++) {
        struct bb_bytes copy = damaged(&in);

        bb_buf_reset(&out);
        if (bb_transform_apply(t, copy, &out, NULL, &err) == BB_OK) {
            ck_assert_msg(bb_message_check(bytes_of(&out), &bad) == 0, "%s", bad.text);
            held++;
        }
        damaged_free(copy);
    }
    ck_assert_uint_gt(held, 1000);
    bb_transform_free(&t);
    bb_buf_free(&in);
    bb_buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("jq");
    TCase *c = tcase_create("jq");
    SRunner *r;
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, programs_by_table, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(c, mistakes_by_table, 0, (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_test(c, a_file_of_a_program);
    tcase_add_test(c, the_users_own_file_is_not_read);
    tcase_add_test(c, on_several_threads_at_once);
    tcase_add_test(c, too_large);
    tcase_add_test(c, hostile_bytes);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

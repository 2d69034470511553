/*
 * test_transform.c - the map step: rules by table, mistakes by table, size, depth, hostile bytes
 */
#include "tests/unit/transform_rig.h"

/* ---- rules ----------------------------------------------------------------------------------- */

/* attrs after the required four, data; what comes out, or the error's text when out is NULL */
static const struct {
    const char *rules, *attrs, *data, *attrs_out, *data_out;
} cases[] = {
    {"[{\"copy\":{\"from\":\"/data/a\",\"to\":\"/data/b\"}}]", "", "{\"a\":1.50}", "",
     "{\"a\":1.50,\"b\":1.50}"},
    {"[{\"rename\":{\"from\":\"/data/a\",\"to\":\"/data/b\"}}]", "", "{\"a\":1,\"c\":2}", "",
     "{\"c\":2,\"b\":1}"},
    {"[{\"rename\":{\"from\":\"/data/a\",\"to\":\"/data/c\"}}]", "", "{\"a\":1,\"c\":2}", "",
     "{\"c\":1}"},
    {"[{\"rename\":{\"from\":\"/data/a\",\"to\":\"/data/a\"}}]", "", "{\"a\":1,\"c\":2}", "",
     "{\"c\":2,\"a\":1}"},
    {"[{\"constant\":{\"to\":\"/data/x/y/z\",\"value\":[1,{\"q\":null}]}}]", "", "{}", "",
     "{\"x\":{\"y\":{\"z\":[1,{\"q\":null}]}}}"},
    {"[{\"constant\":{\"to\":\"/data/x\",\"value\":1}}]", "", "null", "", "{\"x\":1}"},
    {"[{\"drop\":\"/data/q\"},{\"drop\":\"/data/not/there\"}]", "", "{\"q\":[1,2],\"r\":true}", "",
     "{\"r\":true}"},
    {"[{\"drop\":\"/data/l/1\"}]", "", "{\"l\":[1,2,3]}", "", "{\"l\":[1,3]}"},
    {"[{\"copy\":{\"from\":\"/data/l/0\",\"to\":\"/data/l/-\"}}]", "", "{\"l\":[1,2]}", "",
     "{\"l\":[1,2,1]}"},
    {"[{\"constant\":{\"to\":\"/data/l/-/k\",\"value\":5}}]", "", "{\"l\":[1]}", "",
     "{\"l\":[1,{\"k\":5}]}"},
    {"[{\"constant\":{\"to\":\"/data/l/1\",\"value\":5}}]", "", "{\"l\":[1,2]}", "",
     "{\"l\":[1,5]}"},
    {"[{\"copy\":{\"from\":\"/data\",\"to\":\"/data/old\"}}]", "", "{\"a\":1}", "",
     "{\"a\":1,\"old\":{\"a\":1}}"},
    {"[{\"copy\":{\"from\":\"/data\",\"to\":\"/data/o/p\"}},"
     "{\"copy\":{\"from\":\"/data\",\"to\":\"/data/o/q\"}}]", "", "{\"a\":1}", "",
     "{\"a\":1,\"o\":{\"p\":{\"a\":1},\"q\":{\"a\":1,\"o\":{\"p\":{\"a\":1}}}}}"},
    {"[{\"copy\":{\"from\":\"/data/inner\",\"to\":\"/data\"}}]", "", "{\"inner\":{\"a\":1}}", "",
     "{\"a\":1}"},
    {"[{\"constant\":{\"to\":\"/data\",\"value\":null}}]", "", "{\"a\":1}", "", "null"},
    {"[{\"copy\":{\"from\":\"/data/n\",\"to\":\"/attributes/item\"}}]", "", "{\"n\":4711}",
     ",\"item\":\"4711\"", "{\"n\":4711}"},
    {"[{\"copy\":{\"from\":\"/data/n\",\"to\":\"/attributes/item\"}}]", ",\"plant\":\"1\"",
     "{\"n\":-12345678901234567890123456789012345.50}",
     ",\"plant\":\"1\",\"item\":\"-12345678901234567890123456789012345.50\"",
     "{\"n\":-12345678901234567890123456789012345.50}"},
    {"[{\"rename\":{\"from\":\"/attributes/plant\",\"to\":\"/data/plant\"}}]",
     ",\"plant\":\"1000\"", "{}", "", "{\"plant\":\"1000\"}"},
    {"[{\"drop\":\"/attributes/plant\"}]", ",\"plant\":\"1000\",\"item\":\"i\"", "[]",
     ",\"item\":\"i\"", "[]"},
    {"[{\"copy\":{\"from\":\"/data/no\",\"to\":\"/data/x\",\"optional\":true}}]", "", "{\"a\":1}",
     "", "{\"a\":1}"},
    {"[{\"rename\":{\"from\":\"/data/a~1b\",\"to\":\"/data/c~0d\"}}]", "", "{\"a/b\":1}", "",
     "{\"c~d\":1}"},
    {"[{\"copy\":{\"from\":\"/data/\",\"to\":\"/data/x\"}}]", "", "{\"\":7}", "",
     "{\"\":7,\"x\":7}"},
    /* errors at run time */
    {"[{\"drop\":\"/data/z\"},{\"copy\":{\"from\":\"/data/qty\",\"to\":\"/data/x\"}}]", "", "{}",
     NULL, "step 1 (map) rule 2 (copy): no value at /data/qty"},
    {"[{\"constant\":{\"to\":\"/data/a/b\",\"value\":1}}]", "", "{\"a\":1}", NULL,
     "step 1 (map) rule 1 (constant): the way leads through a value that is no map or array at "
     "/data/a/b"},
    {"[{\"constant\":{\"to\":\"/data/l/7\",\"value\":1}}]", "", "{\"l\":[]}", NULL,
     "step 1 (map) rule 1 (constant): an array has no such index (\"-\" appends) at /data/l/7"},
    {"[{\"copy\":{\"from\":\"/data/l\",\"to\":\"/attributes/item\"}}]", "", "{\"l\":[]}", NULL,
     "step 1 (map) rule 1 (copy): an attribute takes a string or a number, which it is not at "
     "/data/l"},
    {"[{\"copy\":{\"from\":\"/data/e\",\"to\":\"/attributes/id\"}}]", "", "{\"e\":\"\"}", NULL,
     "step 1 (map) rule 1 (copy): id, type and source cannot be empty at /data/e"},
};

START_TEST(rules_by_table)
{
    char text[8192];
    struct bb_buf in, out;
    struct bb_fault f;
    struct bb_transform *t = compiled(cases[_i].rules);
    bb_status s;
    snprintf(text, sizeof text, "[{" RIG_HEAD "%s},%s]", cases[_i].attrs, cases[_i].data);
    json_to(&in, text);
    bb_buf_init(&out, 65536);
    s = bb_transform_apply(t, bytes_of(&in), &out, NULL, &f);
    if (cases[_i].attrs_out) {
        char *got;
        ck_assert_msg(s == BB_OK, "%s: %s", cases[_i].rules, f.text);
        snprintf(text, sizeof text, "[{" RIG_HEAD "%s},%s]", cases[_i].attrs_out, cases[_i].data_out);
        got = json_of(bytes_of(&out));
        ck_assert_str_eq(got, text);
        ck_assert_int_eq(bb_message_check(bytes_of(&out), &f), 0);
        free(got);
    } else {
        ck_assert_int_eq(s, BB_E_REJECT);
        ck_assert_str_eq(f.text, cases[_i].data_out);
        ck_assert_uint_eq(out.len, 0);
    }
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_transform_free(&t);
    ck_assert_ptr_null(t);
}
END_TEST

/* ---- mistakes -------------------------------------------------------------------------------- */

static const struct {
    const char *steps, *pointer, *text;
} mistakes[] = {
    {"{}", "", "transform takes a list"},
    {"[1]", "/0", "a step is a map with one key"},
    {"[{\"mop\":[]}]", "/0/mop", "did you mean \"map\"?"},
    {"[{\"map\":{}}]", "/0/map", "map takes a list of rules"},
    {"[{\"map\":[]},{\"map\":[{\"renam\":{}}]}]", "/1/map/0/renam", "did you mean \"rename\"?"},
    {"[{\"map\":[{\"teleport\":{}}]}]", "/0/map/0/teleport", "there are copy, rename, constant, default, drop"},
    {"[{\"map\":[{\"copy\":{\"from\":\"/data/a\"}}]}]", "/0/map/0/copy", "needs \"to\""},
    {"[{\"map\":[{\"copy\":{\"form\":\"/data/a\"}}]}]", "/0/map/0/copy/form",
     "did you mean \"from\"?"},
    {"[{\"map\":[{\"copy\":{\"value\":1}}]}]", "/0/map/0/copy/value", "there are from, to, optional"},
    {"[{\"map\":[{\"copy\":{\"from\":\"/payload/a\",\"to\":\"/data\"}}]}]", "/0/map/0/copy/from",
     "starts with /data or /attributes"},
    {"[{\"map\":[{\"drop\":\"/database\"}]}]", "/0/map/0/drop", "starts with /data"},
    {"[{\"map\":[{\"drop\":\"/attributes/id\"}]}]", "/0/map/0/drop", "cannot be removed"},
    {"[{\"map\":[{\"drop\":\"/data\"}]}]", "/0/map/0/drop", "cannot be removed"},
    {"[{\"map\":[{\"drop\":\"/data/~2\"}]}]", "/0/map/0/drop", "~0"},
    {"[{\"map\":[{\"drop\":\"/attributes/a/b\"}]}]", "/0/map/0/drop", "one name"},
    {"[{\"map\":[{\"rename\":{\"from\":\"/attributes/type\",\"to\":\"/data/t\"}}]}]",
     "/0/map/0/rename/from", "cannot be removed"},
    {"[{\"map\":[{\"rename\":{\"from\":\"/data/a\",\"to\":\"/data/a/b\"}}]}]",
     "/0/map/0/rename/to", "lies inside"},
    {"[{\"map\":[{\"constant\":{\"to\":\"/attributes/plant\",\"value\":1000}}]}]",
     "/0/map/0/constant/value", "put it in quotes"},
    {"[{\"map\":[{\"constant\":{\"to\":\"/attributes/specversion\",\"value\":\"2\"}}]}]",
     "/0/map/0/constant/to", "always 1.0"},
    {"[{\"map\":[{\"copy\":{\"from\":\"/data\",\"to\":\"/attributes\"}}]}]", "/0/map/0/copy/to",
     "cannot be replaced"},
    {"[{\"map\":[{\"copy\":{\"from\":\"/data/a\",\"to\":\"/data/b\",\"optional\":\"yes\"}}]}]",
     "/0/map/0/copy/optional", "true or false"},
};

START_TEST(mistakes_by_table)
{
    struct mistake m;
    struct bb_fault f;
    struct bb_buf b;
    ck_assert_ptr_null(compile_steps(mistakes[_i].steps, &m));
    ck_assert_str_eq(m.pointer, mistakes[_i].pointer);
    ck_assert_msg(strstr(m.text, mistakes[_i].text) != NULL, "%s lacks %s", m.text, mistakes[_i].text);
    /* without anyone to tell it to, the place is in the error */
    json_to(&b, mistakes[_i].steps);
    ck_assert_ptr_null(bb_transform_compile(bytes_of(&b), NULL, &f));
    ck_assert_msg(strncmp(f.text, mistakes[_i].pointer, strlen(mistakes[_i].pointer)) == 0, "%s",
                  f.text);
    bb_buf_free(&b);
}
END_TEST

START_TEST(every_mistake_is_said)
{
    struct mistake m;
    ck_assert_ptr_null(compile_steps(
        "[{\"map\":[{\"drop\":\"/data\"},{\"copy\":{\"from\":1,\"to\":2}},{\"mop\":1}]},{\"x\":1}]", &m));
    ck_assert_int_eq(m.n, 5);
}
END_TEST

/* ---- steps, programs, files -------------------------------------------------------------------- */
START_TEST(a_program_stands_alone)
{
    static const struct rig_file files[] = {
        {"maps/a.yaml", "[{\"rename\":{\"from\":\"/data/a\",\"to\":\"/data/b\"}}]"}, {NULL, NULL}};
    struct bb_buf steps, program, in, out;
    struct bb_transform_source src = {.file = rig_file, .program = &program};
    struct bb_transform *t;
    struct bb_fault f = {0, ""};
    char *got;
    rig_files = files;
    json_to(&steps, "[{\"map\":{\"file\":\"maps/a.yaml\"}},{\"map\":[]},"
                    "{\"map\":[{\"rename\":{\"from\":\"/data/b\",\"to\":\"/data/c\"}},"
                    "{\"copy\":{\"from\":\"/data/no\",\"to\":\"/data/x\",\"optional\":true}}]}]");
    bb_buf_init(&program, BB_PROGRAM_MAX);
    t = bb_transform_compile(bytes_of(&steps), &src, &f);
    ck_assert_msg(t != NULL, "%s", f.text);
    ck_assert(bb_transform_is_pure(t));
    bb_transform_free(&t);
    rig_files = NULL;
    t = bb_transform_compile(bytes_of(&program), NULL, &f);
    ck_assert_msg(t != NULL, "%s", f.text);
    json_to(&in, "[{" RIG_HEAD "},{\"a\":1}]");
    bb_buf_init(&out, 65536);
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &f), BB_OK);
    got = json_of(bytes_of(&out));
    ck_assert_str_eq(got, "[{" RIG_HEAD "},{\"c\":1}]");
    free(got);
    bb_transform_free(&t);
    bb_buf_free(&steps);
    bb_buf_free(&program);
    bb_buf_free(&in);
    bb_buf_free(&out);
}
END_TEST

START_TEST(a_mistake_in_a_file_is_shown_there)
{
    static const struct rig_file files[] = {
        {"maps/a.yaml", "[{\"drop\":\"/data/a\"},{\"renam\":1}]"}, {NULL, NULL}};
    struct mistake m;
    rig_files = files;
    ck_assert_ptr_null(compile_steps("[{\"map\":{\"file\":\"maps/a.yaml\"}}]", &m));
    ck_assert_str_eq(m.file, "maps/a.yaml");
    ck_assert_str_eq(m.pointer, "/1/renam");
    ck_assert_ptr_null(compile_steps("[{\"map\":{\"file\":\"maps/b.yaml\"}}]", &m));
    ck_assert_str_eq(m.file, "");
    ck_assert_str_eq(m.pointer, "/0/map/file");
    ck_assert_ptr_nonnull(strstr(m.text, "no file maps/b.yaml"));
    ck_assert_ptr_null(compile_steps("[{\"map\":{\"fil\":\"maps/b.yaml\"}}]", &m));
    ck_assert_ptr_nonnull(strstr(m.text, "did you mean \"file\"?"));
    rig_files = NULL;
}
END_TEST

START_TEST(a_rejected_message_can_be_kept_as_far_as_it_came)
{
    struct mistake m;
    struct bb_transform *t = compile_steps(
        "[{\"map\":[{\"drop\":\"/data/a\"}]},{\"map\":[{\"copy\":{\"from\":\"/data/q\",\"to\":\"/data/r\"}}]}]",
        &m);
    struct bb_transform_run run = {.keep_partial = true};
    struct bb_buf in, out;
    struct bb_fault f;
    char *got;
    json_to(&in, "[{" RIG_HEAD "},{\"a\":1,\"b\":2}]");
    bb_buf_init(&out, 65536);
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, &run, &f), BB_E_REJECT);
    ck_assert_str_eq(f.text, "step 2 (map) rule 1 (copy): no value at /data/q");
    ck_assert_uint_eq(run.step, 2);
    ck_assert_str_eq(run.failure, "mapping");
    got = json_of(bytes_of(&out));
    ck_assert_str_eq(got, "[{" RIG_HEAD "},{\"b\":2}]");
    free(got);
    bb_buf_free(&out);
    bb_buf_free(&in);
    bb_transform_free(&t);
}
END_TEST

START_TEST(nothing_to_do_is_no_transform)
{
    static const char *const empty[] = {"[]", "[{\"map\":[]}]"};
    struct bb_fault f;
    struct bb_bytes none = {"", 0};
    ck_assert_ptr_null(bb_transform_compile(none, NULL, &f));
    ck_assert_str_eq(f.text, "");
    for (size_t k = 0; k < 2; k++) {
        struct bb_buf b;
        json_to(&b, empty[k]);
        ck_assert_ptr_null(bb_transform_compile(bytes_of(&b), NULL, &f));
        ck_assert_str_eq(f.text, "");
        bb_buf_free(&b);
    }
}
END_TEST

/* ---- size, depth, hostile bytes -------------------------------------------------------------- */

START_TEST(large_maps_and_arrays_are_cut_not_listed)
{
    struct bb_transform *t =
        compiled("[{\"drop\":\"/data/m/k5000\"},{\"constant\":{\"to\":\"/data/m/k9999\","
                 "\"value\":\"x\"}},{\"rename\":{\"from\":\"/data/m/k0\",\"to\":\"/data/first\"}},"
                 "{\"drop\":\"/data/l/0\"},{\"copy\":{\"from\":\"/data/l/99998\",\"to\":"
                 "\"/data/last\"}},{\"constant\":{\"to\":\"/data/l/-\",\"value\":7}},"
                 "{\"constant\":{\"to\":\"/data/l/500\",\"value\":-1}}]");
    struct bb_buf in, out;
    struct bb_fault f = {0, ""};
    struct bb_bytes v;
    int64_t i;
    char key[16];
    bb_buf_init(&in, 1 << 24);
    bb_buf_init(&out, 1 << 24);
    bb_put_array(&in, 2);
    bb_put_map(&in, 0);
    bb_put_map(&in, 2);
    bb_put_cstr(&in, "m");
    bb_put_map(&in, 10000);
    for (int k = 0; k < 10000; k++) {
        snprintf(key, sizeof key, "k%d", k);
        bb_put_cstr(&in, key);
        bb_put_int(&in, k);
    }
    bb_put_cstr(&in, "l");
    bb_put_array(&in, 100000);
    for (int k = 0; k < 100000; k++)
        bb_put_int(&in, k);
    ck_assert_msg(bb_transform_apply(t, bytes_of(&in), &out, NULL, &f) == BB_OK, "%s", f.text);
    ck_assert_int_eq(bb_value_check(bytes_of(&out), &f), 0);
    ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1/m/k5000", &v), 0);
    ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1/m/k5001", &v), 1);
    ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1/first", &v), 1);
    ck_assert(bb_as_int(v, &i) == 1 && i == 0);
    ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1/last", &v), 1);
    ck_assert(bb_as_int(v, &i) == 1 && i == 99999);
    ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1/l/500", &v), 1);
    ck_assert(bb_as_int(v, &i) == 1 && i == -1);
    ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1/l/501", &v), 1);
    ck_assert(bb_as_int(v, &i) == 1 && i == 502);
    ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1/l/99999", &v), 1);
    ck_assert(bb_as_int(v, &i) == 1 && i == 7);
    bb_transform_free(&t);
    bb_buf_free(&in);
    bb_buf_free(&out);
}
END_TEST

START_TEST(copies_into_itself_stay_bounded)
{
    char rules[8192];
    size_t n = 0;
    struct bb_transform *t;
    struct bb_buf in, out;
    struct bb_fault f;
    n += (size_t)snprintf(rules, sizeof rules, "[{\"drop\":\"/data/q\"}");
    for (int k = 0; k < 60; k++)
        n += (size_t)snprintf(rules + n, sizeof rules - n,
                              ",{\"copy\":{\"from\":\"/data\",\"to\":\"/data/a%d\"}}", k);
    snprintf(rules + n, sizeof rules - n, "]");
    struct bb_buf steps;
    char *text;
    ck_assert_int_ge(asprintf(&text, "[{\"map\":%s}]", rules), 0);
    json_to(&steps, text);
    free(text);
    t = bb_transform_compile(bytes_of(&steps), NULL, &f);
    ck_assert_ptr_nonnull(t);
    json_to(&in, "[{},{\"x\":1}]");
    bb_buf_init(&out, 1 << 20);
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &f), BB_E_REJECT);
    ck_assert_msg(strstr(f.text, "too many times") != NULL, "%s", f.text);
    ck_assert_uint_eq(out.len, 0);
    bb_transform_free(&t);
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_buf_free(&steps);
}
END_TEST

START_TEST(a_message_never_gets_too_deep_or_too_large)
{
    struct bb_transform *t = compiled("[{\"copy\":{\"from\":\"/data\",\"to\":\"/data/a/b/c\"}}]");
    struct bb_buf in, out;
    struct bb_fault f;
    bb_buf_init(&in, 1 << 20);
    bb_put_array(&in, 2);
    bb_put_map(&in, 0);
    for (int k = 0; k < 62; k++) {
        bb_put_map(&in, 1);
        bb_put_cstr(&in, k ? "x" : "y");
    }
    bb_put_int(&in, 1);
    bb_buf_init(&out, 1 << 20);
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &f), BB_E_REJECT);
    ck_assert_msg(strstr(f.text, "deeper") != NULL, "%s", f.text);
    bb_buf_free(&in);
    bb_buf_free(&out);
    json_to(&in, "[{},{\"k\":\"0123456789012345678901234567890123456789\"}]");
    bb_buf_init(&out, 64);
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &f), BB_E_REJECT);
    ck_assert_msg(strstr(f.text, "larger") != NULL, "%s", f.text);
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_transform_free(&t);
}
END_TEST

START_TEST(hostile_bytes)
{
    struct bb_transform *t =
        compiled("[{\"rename\":{\"from\":\"/data/a/b\",\"to\":\"/data/c/-\"}},{\"drop\":"
                 "\"/attributes/plant\"},{\"copy\":{\"from\":\"/data/l/1\",\"to\":"
                 "\"/attributes/item\",\"optional\":true}}]");
    struct bb_buf in, out;
    struct bb_fault f;
    json_to(&in, "[{" RIG_HEAD ",\"plant\":\"1\"},{\"a\":{\"b\":[1,2.5,\"x\"]},\"c\":[],"
                 "\"l\":[1,22,333]}]");
    bb_buf_init(&out, 1 << 16);
    for (size_t len = 0; len < in.len; len++) {
        uint8_t *exact = malloc(len ? len : 1);
        struct bb_bytes cut = {exact, len};
        memcpy(exact, in.ptr, len);
        bb_buf_reset(&out);
        ck_assert_int_eq(bb_transform_apply(t, cut, &out, NULL, &f), BB_E_REJECT);
        free(exact);
    }
    seed = 5;
    for (int round = 0; round < 60000; round++) {
        struct bb_bytes bad = damaged(&in);
        bb_buf_reset(&out);
        (void)bb_transform_apply(t, bad, &out, NULL, &f);
        (void)bb_transform_compile(bad, NULL, &f);
        damaged_free(bad);
    }
    bb_transform_free(&t);
    bb_buf_free(&in);
    bb_buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transform");
    TCase *c = tcase_create("map");
    SRunner *r;
    int failed;
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, rules_by_table, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(c, mistakes_by_table, 0, (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_test(c, every_mistake_is_said);
    tcase_add_test(c, a_program_stands_alone);
    tcase_add_test(c, a_mistake_in_a_file_is_shown_there);
    tcase_add_test(c, a_rejected_message_can_be_kept_as_far_as_it_came);
    tcase_add_test(c, nothing_to_do_is_no_transform);
    tcase_add_test(c, large_maps_and_arrays_are_cut_not_listed);
    tcase_add_test(c, copies_into_itself_stay_bounded);
    tcase_add_test(c, a_message_never_gets_too_deep_or_too_large);
    tcase_add_test(c, hostile_bytes);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

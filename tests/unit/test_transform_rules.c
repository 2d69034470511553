/*
 * test_transform_rules.c - every rule of the map step and its failures, mistakes that check finds, and
 * maps that undo one another
 */
#include "tests/unit/transform_rig.h"

#include "tests/unit/transform_cases.h"

#define HEAD "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"t\",\"type\":\"mfg.x\"}"

START_TEST(rules_by_table)
{
    struct bb_transform *t = compiled(cases[_i].rules);
    const char *want = cases[_i].want;
    struct bb_buf in, out;
    struct bb_fault f = {0, ""};
    struct bb_bytes data;
    bb_status s;
    char *text;
    ck_assert_int_ge(asprintf(&text, "[" HEAD ",%s]", cases[_i].data), 0);
    json_to(&in, text);
    free(text);
    bb_buf_init(&out, 65536);
    s = bb_transform_apply(t, bytes_of(&in), &out, NULL, &f);
    if (strncmp(want, "error: ", 7) == 0 || strncmp(want, "skipped: ", 9) == 0) {
        ck_assert_int_eq(s, *want == 'e' ? BB_E_REJECT : BB_E_CANCEL);
        ck_assert_str_eq(f.text, strchr(want, ' ') + 1);
        ck_assert_uint_eq(out.len, 0);
    } else {
        ck_assert_msg(s == BB_OK, "%s: %s", cases[_i].rules, f.text);
        ck_assert_msg(bb_message_check(bytes_of(&out), &f) == 0, "%s: %s", cases[_i].rules, f.text);
        ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1", &data), 1);
        text = json_of(data);
        ck_assert_str_eq(text, want);
        free(text);
    }
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_transform_free(&t);
}
END_TEST

START_TEST(mistakes_by_table)
{
    struct mistake m;
    char *steps, *pointer;
    ck_assert_int_ge(asprintf(&steps, "[{\"map\":%s}]", mistakes[_i].rules), 0);
    ck_assert_int_ge(asprintf(&pointer, "/0/map%s", mistakes[_i].pointer), 0);
    ck_assert_msg(compile_steps(steps, &m) == NULL, "accepted: %s", steps);
    ck_assert_msg(strstr(m.text, mistakes[_i].text) != NULL, "%s: %s lacks %s", steps, m.text,
                  mistakes[_i].text);
    ck_assert_msg(strcmp(m.pointer, pointer) == 0, "%s: at %s, not %s", steps, m.pointer, pointer);
    free(steps);
    free(pointer);
}
END_TEST

START_TEST(what_is_not_wrong_is_not_refused)
{
    struct bb_transform *t = compiled(fine[_i]);
    bb_transform_free(&t);
}
END_TEST

/* ---- forward and back ------------------------------------------------------------------------------ */

/* A random line of a BOM, members in the order in which the rules put them back. */
static void random_line(struct bb_buf *b)
{
    static const char *const units[] = {"ST", "KG", "M"};
    char text[64];
    bb_put_map(b, 5);
    bb_put_cstr(b, "item");
    snprintf(text, sizeof text, "%u-%u", rnd(1000), rnd(10));
    bb_put_cstr(b, text);
    bb_put_cstr(b, "extra");
    if (rnd(2))
        bb_put_decimal(b, "1.500", 5);
    else
        bb_put_array(b, 0);
    bb_put_cstr(b, "qty");
    bb_put_int(b, (int)rnd(2000000) - 1000000);
    bb_put_cstr(b, "unit");
    bb_put_cstr(b, units[rnd(3)]);
    bb_put_cstr(b, "date");
    snprintf(text, sizeof text, "%04u%02u%02u", 1900 + rnd(300), 1 + rnd(12), 1 + rnd(28));
    bb_put_cstr(b, text);
}

START_TEST(forward_and_back_gives_the_same_bytes)
{
    struct bb_transform *forward = compiled(
        "[{\"rename\":{\"from\":\"/data/plant\",\"to\":\"/attributes/plant\"}},"
        "{\"rename\":{\"from\":\"/data/lines\",\"to\":\"/data/bom/components\"}},"
        "{\"for_each\":{\"at\":\"/data/bom/components\",\"do\":["
        "{\"rename\":{\"from\":\"./qty\",\"to\":\"./quantity/value\"}},"
        "{\"scale\":{\"from\":\"./quantity/value\",\"per\":1000}},"
        "{\"rename\":{\"from\":\"./unit\",\"to\":\"./quantity/unit\"}},"
        "{\"lookup\":{\"from\":\"./quantity/unit\",\"table\":{\"ST\":\"H87\",\"KG\":\"KGM\",\"M\":\"MTR\"}}},"
        "{\"date\":{\"from\":\"./date\",\"parse\":\"yyyyMMdd\"}},"
        "{\"split\":{\"from\":\"./item\",\"by\":\"-\"}}]}}]");
    struct bb_transform *back = compiled(
        "[{\"for_each\":{\"at\":\"/data/bom/components\",\"do\":["
        "{\"join\":{\"from\":\"./item\",\"by\":\"-\"}},"
        "{\"rename\":{\"from\":\"./date\",\"to\":\"./then\"}},"
        "{\"rename\":{\"from\":\"./quantity/value\",\"to\":\"./qty\"}},"
        "{\"scale\":{\"from\":\"./qty\",\"by\":1000}},{\"round\":{\"from\":\"./qty\",\"places\":0}},"
        "{\"lookup\":{\"from\":\"./quantity/unit\",\"to\":\"./unit\",\"table\":{\"H87\":\"ST\",\"KGM\":\"KG\","
        "\"MTR\":\"M\"}}},{\"drop\":\"./quantity\"},"
        "{\"date\":{\"from\":\"./then\",\"to\":\"./date\",\"format\":\"yyyyMMdd\"}},{\"drop\":\"./then\"}]}},"
        "{\"rename\":{\"from\":\"/attributes/plant\",\"to\":\"/data/plant\"}},"
        "{\"rename\":{\"from\":\"/data/bom/components\",\"to\":\"/data/lines\"}},{\"drop\":\"/data/bom\"}]");
    struct bb_fault f = {0, ""};
    seed = (unsigned)_i * 31 + 7;
    for (int round = 0; round < 500; round++) {
        struct bb_buf in, there, again;
        unsigned lines = rnd(rnd(10) ? 8 : 200);
        bb_buf_init(&in, 1 << 20);
        bb_buf_init(&there, 1 << 20);
        bb_buf_init(&again, 1 << 20);
        json_to(&there, HEAD);
        bb_put_array(&in, 2);
        bb_put_raw(&in, bytes_of(&there));
        there.len = 0;
        bb_put_map(&in, 2);
        bb_put_cstr(&in, "plant");
        bb_put_cstr(&in, "1000");
        bb_put_cstr(&in, "lines");
        bb_put_array(&in, lines);
        for (unsigned k = 0; k < lines; k++)
            random_line(&in);
        ck_assert_msg(bb_transform_apply(forward, bytes_of(&in), &there, NULL, &f) == BB_OK, "%s", f.text);
        ck_assert_msg(bb_message_check(bytes_of(&there), &f) == 0, "%s", f.text);
        ck_assert(there.len != in.len || memcmp(there.ptr, in.ptr, in.len) != 0);
        ck_assert_msg(bb_transform_apply(back, bytes_of(&there), &again, NULL, &f) == BB_OK, "%s", f.text);
        if (again.len != in.len || memcmp(again.ptr, in.ptr, in.len) != 0)
            ck_abort_msg("%s\n%s", json_of(bytes_of(&in)), json_of(bytes_of(&again)));
        bb_buf_free(&in);
        bb_buf_free(&there);
        bb_buf_free(&again);
    }
    bb_transform_free(&forward);
    bb_transform_free(&back);
}
END_TEST

/* ---- size ------------------------------------------------------------------------------------------ */
static void add(struct bb_buf *b, const char *text)
{
    bb_buf_put(b, text, strlen(text));
}

START_TEST(limits_hold)
{
    struct mistake m;
    struct bb_buf b;
    char text[64];
    bb_buf_init(&b, 1 << 20);
    add(&b, "[{\"map\":["); /* nested too deep */
    for (int k = 0; k < 9; k++)
        add(&b, "{\"when\":{\"if\":{\"at\":\"/data/l\",\"exists\":true},\"then\":[");
    add(&b, "{\"drop\":\"/data/x\"}");
    for (int k = 0; k < 9; k++)
        add(&b, "]}}");
    bb_buf_put(&b, "]}]", 4);
    ck_assert_ptr_null(compile_steps((const char *)b.ptr, &m));
    ck_assert_msg(strstr(m.text, "rules nest at most 8 levels deep") != NULL, "%s", m.text);
    b.len = 0; /* too many */
    add(&b, "[{\"map\":[{\"drop\":\"/data/x\"}");
    for (int k = 0; k < 1024; k++) {
        snprintf(text, sizeof text, ",{\"drop\":\"/data/y%d\"}", k);
        add(&b, text);
    }
    bb_buf_put(&b, "]}]", 4);
    ck_assert_ptr_null(compile_steps((const char *)b.ptr, &m));
    ck_assert_ptr_nonnull(strstr(m.text, "at most 1024 rules"));
    bb_buf_free(&b);
}
END_TEST

START_TEST(what_rules_make_is_bounded)
{
    struct bb_transform *t = compiled("[{\"merge\":{\"from\":[\"/data/a\",\"/data/a\"],\"to\":\"/data/b\"}},"
                                      "{\"merge\":{\"from\":[\"/data/b\",\"/data/b\"],\"to\":\"/data/c\"}}]");
    struct bb_transform *j = compiled("[{\"join\":{\"from\":\"/data/a\",\"by\":\"0123456789\"}}]");
    struct bb_buf in, out;
    struct bb_fault f = {0, ""};
    bb_buf_init(&in, 1 << 20);
    bb_put_array(&in, 2);
    bb_put_map(&in, 0);
    bb_put_map(&in, 1);
    bb_put_cstr(&in, "a");
    bb_put_array(&in, 1000);
    for (int k = 0; k < 1000; k++)
        bb_put_int(&in, 1);
    bb_buf_init(&out, 3000);
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &f), BB_E_REJECT);
    ck_assert_msg(strstr(f.text, "larger than the largest") != NULL, "%s", f.text);
    ck_assert_int_eq(bb_transform_apply(j, bytes_of(&in), &out, NULL, &f), BB_E_REJECT);
    ck_assert_msg(strstr(f.text, "too large") != NULL, "%s", f.text);
    bb_transform_free(&t);
    bb_transform_free(&j);
    bb_buf_free(&in);
    bb_buf_free(&out);
}
END_TEST

/* Each list is made anew beside the old one: all of them together are bounded too. */
START_TEST(lists_made_anew_are_bounded_together)
{
    struct bb_buf rules, in, out;
    struct bb_transform *t;
    struct bb_fault f;
    bb_buf_init(&rules, 1 << 20);
    add(&rules, "[{\"drop\":\"/data/b\"}");
    for (int k = 0; k < 20; k++)
        add(&rules, ",{\"sort\":{\"at\":\"/data/a\",\"by\":\".\"}}");
    bb_buf_put(&rules, "]", 2);
    t = compiled((const char *)rules.ptr);
    bb_buf_init(&in, 1 << 20);
    bb_put_array(&in, 2);
    bb_put_map(&in, 0);
    bb_put_map(&in, 1);
    bb_put_cstr(&in, "a");
    bb_put_array(&in, 1000);
    for (int k = 0; k < 1000; k++)
        bb_put_int(&in, 1);
    bb_buf_init(&out, 1100);
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &f), BB_E_REJECT);
    ck_assert_msg(strstr(f.text, "rule 19 (sort): the rules make new lists too many times") != NULL, "%s",
                  f.text);
    bb_buf_free(&out);
    bb_buf_init(&out, 1 << 20);
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &f), BB_OK);
    bb_transform_free(&t);
    bb_buf_free(&rules);
    bb_buf_free(&in);
    bb_buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("map rules");
    TCase *c = tcase_create("rules");
    SRunner *r;
    int failed;
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, rules_by_table, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(c, mistakes_by_table, 0, (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_loop_test(c, what_is_not_wrong_is_not_refused, 0, (int)(sizeof fine / sizeof fine[0]));
    tcase_add_loop_test(c, forward_and_back_gives_the_same_bytes, 0, 4);
    tcase_add_test(c, limits_hold);
    tcase_add_test(c, what_rules_make_is_bounded);
    tcase_add_test(c, lists_made_anew_are_bounded_together);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

/*
 * test_schema.c - schemas: verdicts, errors in words, notes with their place, limits, secrets
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "core/schema/schema.h"

static struct bb_schema *compiled(const char *text, bool strict, struct bb_schema_notes *notes)
{
    struct bb_schema_options o = {.strict = strict, .formats = true};

    return bb_schema_compile("s.json", (struct bb_bytes){text, strlen(text)}, &o, notes);
}

static int checked(const char *schema, const char *document, struct bb_schema_run *run)
{
    struct bb_schema_notes notes = {0};
    struct bb_schema *s = compiled(schema, true, &notes);
    struct bb_buf b;
    int rc, plain;

    ck_assert_msg(s != NULL, "%s: %s", schema, notes.n ? notes.v[0].text : "?");
    bb_buf_init(&b, 1 << 20);
    ck_assert(bb_json_read((struct bb_bytes){document, strlen(document)}, &b, NULL) == 0);
    plain = bb_schema_valid(s, (struct bb_bytes){b.ptr, b.len}, run);
    rc = bb_schema_check(s, (struct bb_bytes){b.ptr, b.len}, run, 3);
    ck_assert_int_eq(plain, rc);
    bb_buf_free(&b);
    bb_schema_free(&s);
    bb_schema_notes_free(&notes);
    return rc;
}

static const struct {
    const char *schema, *document;
    int verdict;
} verdicts[] = {
    {"{\"const\":1}", "1.0", 1},
    {"{\"const\":1.10}", "11e-1", 1},
    {"{\"const\":12345678901234567890123456789.1}", "12345678901234567890123456789.2", 0},
    {"{\"enum\":[[1,{\"a\":1,\"b\":2}]]}", "[1.0,{\"b\":2,\"a\":1}]", 1},
    {"{\"maximum\":0.1}", "0.1000000000000000000000000001", 0},
    {"{\"multipleOf\":0.1}", "12345678901234567890.3", 1},
    {"{\"multipleOf\":0.01}", "4.405", 0},
    {"{\"type\":\"integer\"}", "3.00", 1},
    {"{\"type\":\"integer\"}", "18446744073709551615", 1},
    {"{\"maxLength\":2}", "\"\\u00e9\\ud83d\\ude00\"", 1},
    {"{\"minLength\":3}", "\"\\u00e9\\ud83d\\ude00\"", 0},
    {"{\"pattern\":\"^a$\"}", "\"a\\n\"", 0},
    {"{\"pattern\":\"^\\\\d$\"}", "\"\\u09ea\"", 0},
    {"{\"pattern\":\"^.$\"}", "\"\\u2028\"", 0},
    {"{\"pattern\":\"^[[]$\"}", "\"[\"", 1},
    {"{\"pattern\":\"^\\\\p{Letter}$\"}", "\"\\u00e9\"", 1},
    {"{\"format\":\"unit\"}", "\"KGM\"", 1},
    {"{\"format\":\"unit\"}", "\"ST\"", 0}, /* a deleted code */
    {"{\"format\":\"decimal\"}", "\"12.50\"", 1},
    {"{\"format\":\"decimal\"}", "\"1,5\"", 0},
    {"{\"format\":\"decimal\"}", "1.5", 1},
    {"{\"format\":\"date\"}", "\"2100-02-29\"", 0},
    {"{\"uniqueItems\":true}", "[1,2,3,1.0]", 0},
    {"{\"properties\":{\"a\":true},\"allOf\":[{\"properties\":{\"b\":true}}],"
     "\"unevaluatedProperties\":false}", "{\"a\":1,\"b\":2}", 1},
    {"{\"properties\":{\"a\":true},\"anyOf\":[{\"properties\":{\"b\":{\"type\":\"null\"}}},true],"
     "\"unevaluatedProperties\":false}", "{\"a\":1,\"b\":2}", 0},
    {"{\"anyOf\":[{\"properties\":{\"b\":true}}],\"unevaluatedProperties\":false}", "{\"b\":2}", 1},
    {"{\"anyOf\":[{\"properties\":{\"b\":true},\"required\":[\"z\"]},true],"
     "\"unevaluatedProperties\":false}", "{\"b\":2}", 0},
    {"{\"items\":{\"$ref\":\"#\"},\"maxItems\":1}", "[[[[]]]]", 1},
    {"{\"pattern\":\"^(a+)+$\"}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"", -1},
};

START_TEST(verdict)
{
    struct bb_schema_run *run = bb_schema_run_new(0);

    ck_assert_msg(checked(verdicts[_i].schema, verdicts[_i].document, run) == verdicts[_i].verdict,
                  "%s on %s: %s", verdicts[_i].schema, verdicts[_i].document,
                  bb_schema_fault(run));
    bb_schema_run_free(&run);
}
END_TEST

static const struct {
    const char *schema, *document;
    const char *pointer, *keyword, *at, *value, *rule; /* of the first error */
} errors[] = {
    {"{\"properties\":{\"a/b\":{\"items\":{\"maximum\":5}}}}", "{\"a/b\":[1,7]}", "/a~1b/1",
     "maximum", "#/properties/a~1b/items/maximum", "7", "must be at most 5"},
    {"{\"required\":[\"x\",\"y\"]}", "{\"x\":1}", "", "required", "#/required", "an object of 1",
     "lacks the property \"y\""},
    {"{\"properties\":{\"quantity\":true},\"additionalProperties\":false}", "{\"quantiy\":1}",
     "/quantiy", "additionalProperties", "#/additionalProperties", "1",
     "the property \"quantiy\" is not allowed here: did you mean \"quantity\"?"},
    {"{\"$id\":\"urn:a\",\"$ref\":\"#/$defs/n\",\"$defs\":{\"n\":{\"type\":[\"string\",\"number\"]}}}",
     "null", "", "type", "urn:a#/$defs/n/type", "null", "must be string or number"},
    {"{\"anyOf\":[{\"type\":\"null\"},{\"properties\":{\"a\":{\"const\":1}}}]}", "{\"a\":2}", "",
     "anyOf", "#/anyOf", "an object of 1", "matches none of the 2 alternatives"},
    {"{\"enum\":[\"a\",1,null]}", "\"b\"", "", "enum", "#/enum", "\"b\"",
     "must be one of \"a\", 1 or null"},
    /* secrets: by the property's own schema, by a sibling's, and inside a given object */
    {"{\"properties\":{\"p\":{\"writeOnly\":true,\"maxLength\":3}}}", "{\"p\":\"hunter2\"}", "/p",
     "maxLength", "#/properties/p/maxLength", "(not shown)", "is 7 characters long: at most 3"},
    {"{\"properties\":{\"p\":{\"$ref\":\"#/$defs/s\"}},\"allOf\":[{\"properties\":{\"p\":{\"maxLength\":"
     "3}}}],\"$defs\":{\"s\":{\"format\":\"password\"}}}", "{\"p\":\"hunter2\"}", "/p", "maxLength",
     "#/allOf/0/properties/p/maxLength", "(not shown)", "is 7 characters long: at most 3"},
    {"{\"items\":{\"writeOnly\":true,\"maxLength\":3}}", "[\"hunter2\"]", "/0", "maxLength",
     "#/items/maxLength", "(not shown)", "is 7 characters long: at most 3"},
    {"{\"format\":\"password\",\"maxLength\":3}", "\"hunter2\"", "", "maxLength", "#/maxLength",
     "(not shown)", "is 7 characters long: at most 3"},
    {"{\"properties\":{\"p\":{\"writeOnly\":true}},\"maxProperties\":0}", "{\"p\":\"hunter2\"}", "",
     "maxProperties", "#/maxProperties", "an object of 1", "has 1 properties: at most 0"},
};

START_TEST(error_words)
{
    struct bb_schema_run *run = bb_schema_run_new(0);
    const struct bb_schema_error *e;
    size_t n, more;

    ck_assert_int_eq(checked(errors[_i].schema, errors[_i].document, run), 0);
    e = bb_schema_errors(run, &n, &more);
    ck_assert(n > 0);
    ck_assert_str_eq(e->pointer, errors[_i].pointer);
    ck_assert_str_eq(e->keyword, errors[_i].keyword);
    ck_assert_str_eq(e->schema, errors[_i].at);
    ck_assert_str_eq(e->value, errors[_i].value);
    ck_assert_str_eq(e->rule, errors[_i].rule);
    bb_schema_run_free(&run);
}
END_TEST

START_TEST(errors_counted)
{
    struct bb_schema_run *run = bb_schema_run_new(0);
    size_t n, more;

    ck_assert_int_eq(checked("{\"items\":{\"type\":\"null\"}}", "[1,2,3,4,5,null,6]", run), 0);
    bb_schema_errors(run, &n, &more);
    ck_assert_uint_eq(n, 3);
    ck_assert_uint_eq(more, 3);
    bb_schema_run_free(&run);
}
END_TEST

static const struct {
    const char *schema;
    unsigned line, col;
    const char *text; /* a part of it */
} wrong[] = {
    {"{\n  \"propertys\": {}}", 2, 3, "unknown keyword \"propertys\": did you mean \"properties\"?"},
    {"{\"type\":\n \"sting\"}", 2, 2, "there is no type \"sting\" (did you mean \"string\"?)"},
    {"{\"pattern\": \"a(b\"}", 1, 13, "the pattern \"a(b\" is wrong"},
    {"{\"pattern\": \"a\\\\Z\"}", 1, 13, "no such escape"},
    {"{\"$defs\":{\"quantity\":{}},\n\"$ref\":\"#/$defs/quantiy\"}", 2, 8,
     "\"#/$defs/quantiy\" refers to nothing: there is no \"quantiy\" on the way: did you mean "
     "\"quantity\"?"},
    {"{\"$ref\":\"http://x.example/a\"}", 1, 9, "no folder of other schemas was given"},
    {"{\"minLength\":-1}", 1, 14, "\"minLength\" takes a whole number from 0 on"},
    {"{\"properties\":{\"a\":[]}}", 1, 20, "a schema is an object, true or false"},
    {"{\"format\":\"datetime\"}", 1, 11, "unknown format \"datetime\": did you mean \"date-time\"?"},
    {"{\"$ref\":\"#\"}", 1, 1, "comes back to itself"},
    {"{\"$defs\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/b\"}]},\"b\":{\"$ref\":\"#/$defs/a\"}}}", 1, 15,
     "comes back to itself"},
    {"{\"a\":1,}", 1, 8, "this is no JSON"},
    {"{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", 1, 12, "is another draft"},
};

START_TEST(wrong_schema)
{
    struct bb_schema_notes notes = {0};
    struct bb_schema *s = compiled(wrong[_i].schema, true, &notes);

    ck_assert_msg(s == NULL, "%s compiled", wrong[_i].schema);
    ck_assert(notes.n > 0 && notes.errors > 0);
    ck_assert_msg(strstr(notes.v[0].text, wrong[_i].text) != NULL, "%s", notes.v[0].text);
    ck_assert_msg(notes.v[0].line == wrong[_i].line && notes.v[0].col == wrong[_i].col,
                  "%s: %u:%u", notes.v[0].text, notes.v[0].line, notes.v[0].col);
    bb_schema_notes_free(&notes);
}
END_TEST

START_TEST(unknown_is_a_warning)
{
    struct bb_schema_notes notes = {0};
    struct bb_schema *s = compiled("{\"propertys\":1,\"format\":\"own\"}", false, &notes);

    ck_assert(s != NULL);
    ck_assert_uint_eq(notes.n, 2);
    ck_assert_uint_eq(notes.errors, 0);
    bb_schema_free(&s);
    bb_schema_notes_free(&notes);
}
END_TEST

/* anyOf of ten references a level, thirty levels deep: 10^30 ways without a budget */
START_TEST(bomb_ends)
{
    struct bb_schema_run *run = bb_schema_run_new(0);
    struct bb_schema_notes notes = {0};
    struct bb_schema *s;
    struct bb_buf b;
    char part[400];
    int i, k;

    bb_buf_init(&b, 1 << 20);
    bb_buf_put(&b, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{", 30);
    for (i = 0; i < 30; i++) {
        size_t n = (size_t)snprintf(part, sizeof(part), "\"d%d\":{\"anyOf\":[", i);
        for (k = 0; k < 10; k++)
            n += (size_t)snprintf(part + n, sizeof(part) - n, "%s{\"$ref\":\"#/$defs/d%d\"}",
                                  k ? "," : "", i + 1);
        n += (size_t)snprintf(part + n, sizeof(part) - n, "]},");
        bb_buf_put(&b, part, n);
    }
    bb_buf_put(&b, "\"d30\":false}}", 13);
    ck_assert(!b.failed);
    s = bb_schema_compile("bomb", (struct bb_bytes){b.ptr, b.len}, NULL, &notes);
    ck_assert_msg(s != NULL, "%s", notes.n ? notes.v[0].text : "");
    ck_assert_int_eq(bb_schema_valid(s, (struct bb_bytes){"\xc0", 1}, run), -1);
    ck_assert(strstr(bb_schema_fault(run), "too many steps"));
    bb_schema_free(&s);
    bb_schema_run_free(&run);
    bb_buf_free(&b);
}
END_TEST

/* A value deeper than any message, cut bytes, bytes after the value, a float: faults, no verdict. */
START_TEST(hostile_values)
{
    static const struct bb_bytes bad[] = {
        {"", 0}, {"\xa5" "ab", 3}, {"\xc0\xc0", 2}, {"\xca\0\0\0\0", 5}, {"\x81\x01\x01", 3},
        {"\xdd\xff\xff\xff\xff", 5}, {"\x92\x01", 2}};
    struct bb_schema_run *run = bb_schema_run_new(0);
    struct bb_schema_notes notes = {0};
    struct bb_schema *s = compiled("{\"items\":{\"$ref\":\"#\"},\"properties\":{\"a\":true}}", true,
                                   &notes);
    char deep[5000];
    size_t i;

    ck_assert(s != NULL);
    for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        ck_assert_int_eq(bb_schema_check(s, bad[i], run, 0), -1);
        ck_assert(strstr(bb_schema_fault(run), "canonical"));
    }
    memset(deep, 0x91, sizeof(deep));
    deep[sizeof(deep) - 1] = (char)0xc0;
    ck_assert_int_eq(bb_schema_check(s, (struct bb_bytes){deep, sizeof(deep)}, run, 0), -1);
    ck_assert(strstr(bb_schema_fault(run), "deeper"));
    bb_schema_free(&s);
    bb_schema_run_free(&run);
}
END_TEST

START_TEST(memory_bounded)
{
    struct bb_schema_run *small = bb_schema_run_new(8192), *large = bb_schema_run_new(0);
    char text[8000];
    size_t n = 1;
    int i;

    text[0] = '[';
    for (i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d", i ? "," : "", i);
    snprintf(text + n, sizeof(text) - n, "]");
    ck_assert_int_eq(checked("{\"uniqueItems\":true}", text, small), -1);
    ck_assert(strstr(bb_schema_fault(small), "memory"));
    ck_assert_int_eq(checked("{\"uniqueItems\":true}", text, large), 1);
    bb_schema_run_free(&small);
    bb_schema_run_free(&large);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schema");
    TCase *t = tcase_create("schema");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, verdict, 0, (int)(sizeof(verdicts) / sizeof(*verdicts)));
    tcase_add_loop_test(t, error_words, 0, (int)(sizeof(errors) / sizeof(*errors)));
    tcase_add_test(t, errors_counted);
    tcase_add_loop_test(t, wrong_schema, 0, (int)(sizeof(wrong) / sizeof(*wrong)));
    tcase_add_test(t, unknown_is_a_warning);
    tcase_add_test(t, bomb_ends);
    tcase_add_test(t, hostile_values);
    tcase_add_test(t, memory_bounded);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

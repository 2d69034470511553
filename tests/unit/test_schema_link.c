/*
 * test_schema_link.c - the short ways of link.c: what they say is what a walk says, and they are
 * taken
 *
 * Each verdict is asked for plainly, which takes the short ways, and gathered, which does not.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "core/schema/schema.h"

static struct bb_schema *compiled(const char *text)
{
    struct bb_schema_options o = {.strict = true, .formats = true};
    struct bb_schema_notes notes = {0};
    struct bb_schema *s =
        bb_schema_compile("s.json", (struct bb_bytes){text, strlen(text)}, &o, &notes);

    ck_assert_msg(s != NULL, "%s: %s", text, notes.n ? notes.v[0].text : "?");
    bb_schema_notes_free(&notes);
    return s;
}

static int both_ways(const char *schema, const void *value, size_t len, struct bb_schema_run *run)
{
    struct bb_schema *s = compiled(schema);
    struct bb_bytes v = {value, len};
    int plain = bb_schema_valid(s, v, run);

    ck_assert_int_eq(bb_schema_check(s, v, run, 3), plain);
    bb_schema_free(&s);
    return plain;
}

static int checked(const char *schema, const char *document, struct bb_schema_run *run)
{
    struct bb_buf b;
    int rc;

    bb_buf_init(&b, 1 << 20);
    ck_assert(bb_json_read((struct bb_bytes){document, strlen(document)}, &b, NULL) == 0);
    rc = both_ways(schema, b.ptr, b.len, run);
    bb_buf_free(&b);
    return rc;
}

/* Conditions on an object whose members its own node walks. */
#define KIND "{\"properties\":{\"kind\":{\"enum\":[\"in\",\"out\"]},\"n\":{\"type\":\"integer\"}},"
#define IF_IN KIND "\"if\":{\"properties\":{\"kind\":{\"const\":\"in\"}}}," \
    "\"then\":{\"required\":[\"to\"]},\"else\":{\"required\":[\"from\"]}}"
#define ANY KIND "\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"n\",\"b\"]}]}"
#define INNER "{\"properties\":{\"in\":" IF_IN ",\"kind\":true},\"if\":{\"properties\":{\"in\":" \
    "{\"required\":[\"x\"]}}},\"then\":{\"required\":[\"kind\"]}}"
/* One node, asked by two objects of which only one notes its name. */
#define SHARED "{\"properties\":{\"p\":{\"properties\":{\"a\":true},\"allOf\":[{\"$ref\":\"#/$defs/c\"}]}," \
    "\"q\":{\"allOf\":[{\"$ref\":\"#/$defs/c\"}]}},\"$defs\":{\"c\":{\"properties\":" \
    "{\"z\":{\"maximum\":5}},\"required\":[\"y\"]}}}"
/* The same node asks the whole and a member of it, which has no notes of its own. */
#define PART "{\"properties\":{\"k\":true},\"allOf\":[{\"properties\":{\"q\":{\"$ref\":\"#/$defs/c\"}}}," \
    "{\"$ref\":\"#/$defs/c\"}],\"$defs\":{\"c\":{\"required\":[\"y\"]}}}"
/* What is asked lies under another object's part in between. */
#define DEEP "{\"properties\":{\"a\":{\"type\":\"integer\"}},\"allOf\":[{\"properties\":{\"b\":true}," \
    "\"additionalProperties\":{\"type\":\"integer\"},\"not\":{\"required\":[\"c\"]}}]}"
#define CLOSED "{\"properties\":{\"a\":true},\"anyOf\":[{\"properties\":{\"b\":{\"const\":1}}},{\"required\":" \
    "[\"c\"],\"properties\":{\"c\":true}}],\"unevaluatedProperties\":false}"
#define STRICT "{\"properties\":{\"a\":true},\"additionalProperties\":false,\"not\":{\"required\":[\"b\"]}}"
#define TWENTY_CODES "{\"minLength\":20,\"maxLength\":20}"
#define CODE "{\"type\":\"string\",\"if\":{\"format\":\"unit\"},\"else\":{\"if\":{\"pattern\":\"^X[0-9]$\"}," \
    "\"else\":{\"format\":\"unit\"}}}"
#define CODE_OF(x) "{\"properties\":{\"u\":" x "}}"
#define DYNAMIC "{\"$id\":\"urn:tree\",\"$dynamicAnchor\":\"n\",\"properties\":{\"c\":{\"$ref\":\"urn:leaf\"}}," \
    "\"$defs\":{\"l\":{\"$id\":\"urn:leaf\",\"$ref\":\"#/$defs/in\",\"$defs\":{\"in\":{\"$id\":\"urn:in\"," \
    "\"$dynamicRef\":\"#m\",\"$defs\":{\"m\":{\"$dynamicAnchor\":\"m\",\"type\":\"string\"}}}," \
    "\"o\":{\"$dynamicAnchor\":\"m\",\"type\":\"integer\"}}}}}"
static const struct {
    const char *schema, *document;
    int verdict;
} verdicts[] = {
    {IF_IN, "{\"kind\":\"in\",\"to\":1}", 1},
    {IF_IN, "{\"kind\":\"in\",\"from\":1}", 0},
    {IF_IN, "{\"kind\":\"out\",\"from\":1}", 1},
    {IF_IN, "{\"to\":1,\"kind\":\"out\"}", 0},
    {IF_IN, "{\"to\":1}", 1}, /* without a kind "if" holds */
    {IF_IN, "{\"from\":1}", 0},
    {IF_IN, "{\"from\":1,\"kind\":7,\"to\":1}", 0},
    {ANY, "{\"a\":null}", 1},
    {ANY, "{\"n\":1,\"b\":null}", 1},
    {ANY, "{\"n\":1}", 0},
    {ANY, "{}", 0},
    {ANY, "{\"n\":\"1\",\"a\":1}", 0},
    {INNER, "{\"in\":{\"x\":1,\"to\":1},\"kind\":1}", 1}, /* each object's own notes */
    {INNER, "{\"in\":{\"x\":1,\"to\":1}}", 0},
    {INNER, "{\"in\":{\"to\":1}}", 1},
    {INNER, "{\"in\":{\"from\":1},\"to\":1}", 0},
    {INNER, "{\"in\":{\"kind\":\"out\",\"from\":1},\"kind\":\"in\"}", 1},
    {SHARED, "{\"p\":{\"y\":1,\"z\":5},\"q\":{\"y\":1,\"z\":5}}", 1},
    {SHARED, "{\"p\":{\"y\":1,\"z\":6}}", 0},
    {SHARED, "{\"q\":{\"y\":1,\"z\":6}}", 0},
    {SHARED, "{\"p\":{\"z\":1}}", 0},
    {SHARED, "{\"q\":{\"z\":1}}", 0},
    {SHARED, "{\"p\":[],\"q\":1}", 1},
    {PART, "{\"y\":1,\"q\":{}}", 0},
    {PART, "{\"y\":1,\"q\":{\"y\":1}}", 1},
    {PART, "{\"q\":{\"y\":1}}", 0},
    {DEEP, "{\"a\":1,\"b\":null}", 1},
    {DEEP, "{\"a\":1,\"c\":2}", 0},
    {DEEP, "{\"a\":1,\"d\":null}", 0},
    {CLOSED, "{\"a\":1,\"b\":1}", 1},
    {CLOSED, "{\"a\":1,\"b\":2}", 0},
    {CLOSED, "{\"a\":1,\"c\":2}", 1},
    {CLOSED, "{\"b\":2,\"c\":2}", 0},
    {STRICT, "{\"a\":1}", 1},
    {STRICT, "{\"b\":1}", 0},
    /* texts: bytes are not characters, and what is not accepted at once is looked at in full */
    {CODE_OF("{\"maxLength\":2}"), "{\"u\":\"\\u00e9\\ud83d\\ude00\"}", 1},
    {CODE_OF("{\"maxLength\":2}"), "{\"u\":\"abc\"}", 0},
    {CODE_OF("{\"minLength\":3}"), "{\"u\":\"\\u00e9\\ud83d\\ude00\"}", 0},
    {CODE_OF("{\"minLength\":2}"), "{\"u\":\"\\ud83d\\ude00\"}", 0},
    {CODE_OF("{\"minLength\":2}"), "{\"u\":\"\\ud83d\\ude00a\"}", 1},
    {CODE_OF("{\"minLength\":2}"), "{\"u\":\"ab\"}", 1},
    {CODE_OF("{\"minLength\":1}"), "{\"u\":\"\"}", 0},
    {CODE_OF("{\"minLength\":1}"), "{\"u\":7}", 1},
    {CODE_OF("{\"type\":\"string\"}"), "{\"u\":true}", 0},
    {CODE_OF("{\"type\":\"boolean\"}"), "{\"u\":false}", 1},
    {CODE_OF("{\"type\":\"boolean\"}"), "{\"u\":null}", 0},
    {CODE_OF("{\"type\":\"boolean\",\"const\":true}"), "{\"u\":false}", 0},
    {CODE_OF("{\"format\":\"date\"}"), "{\"u\":\"2026-02-29\"}", 0},
    {CODE_OF("{\"enum\":[\"a\",\"bb\"],\"minLength\":2}"), "{\"u\":\"a\"}", 0},
    {CODE_OF("{\"enum\":[\"a\",\"bb\"],\"type\":\"integer\"}"), "{\"u\":\"a\"}", 0},
    {CODE_OF("{\"enum\":[\"a-name-of-more-than-16-bytes\"]}"), "{\"u\":\"a-name-of-lore-than-16-bytes\"}", 0},
    {CODE_OF("{\"enum\":[\"a-name-of-more-than-16-bytes\"]}"), "{\"u\":\"a-name-of-more-than-16-bytes\"}", 1},
    {CODE_OF(TWENTY_CODES), "{\"u\":\"12345678901234567890\"}", 1},
    {CODE_OF(TWENTY_CODES), "{\"u\":\"1234567890123456789\"}", 0},
    {CODE_OF(CODE), "{\"u\":\"KGM\"}", 1},
    {CODE_OF(CODE), "{\"u\":\"X7\"}", 1},
    {CODE_OF(CODE), "{\"u\":\"ST\"}", 0},
    {CODE_OF(CODE), "{\"u\":1}", 0},
    {CODE_OF("{\"if\":{\"format\":\"unit\"},\"then\":{\"maxLength\":2}}"), "{\"u\":\"KGM\"}", 0},
    {CODE_OF("{\"$ref\":\"#/$defs/a\"},\"v\":{\"$ref\":\"#/$defs/a\",\"maxLength\":1}},\"$defs\":{\"a\":"
             "{\"$ref\":\"#/$defs/b\"},\"b\":{\"type\":\"string\",\"minLength\":1}"),
     "{\"u\":\"ab\",\"v\":\"a\"}", 1},
    {CODE_OF("{\"$ref\":\"#/$defs/a\"},\"v\":{\"$ref\":\"#/$defs/a\",\"maxLength\":1}},\"$defs\":{\"a\":"
             "{\"$ref\":\"#/$defs/b\"},\"b\":{\"type\":\"string\",\"minLength\":1}"),
     "{\"u\":\"ab\",\"v\":\"ab\"}", 0},
    /* urn:leaf is nothing but a $ref, and yet its anchor is the outermost */
    {DYNAMIC, "{\"c\":1}", 1},
    {DYNAMIC, "{\"c\":\"1\"}", 0},
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

START_TEST(name_twice)
{
    /* no canonical value, but both are looked at as ever: {"a":"x","a":1}, {"a":1,"a":"x"} */
    static const char first[] = "\x82\xa1" "a\xa1x\xa1" "a\x01", last[] = "\x82\xa1" "a\x01\xa1" "a\xa1x";
    const char *schema = "{\"properties\":{\"b\":true},"
                         "\"allOf\":[{\"properties\":{\"a\":{\"type\":\"integer\"}}}]}";
    struct bb_schema_run *run = bb_schema_run_new(0);

    ck_assert_int_eq(both_ways(schema, first, sizeof(first) - 1, run), 0);
    ck_assert_int_eq(both_ways(schema, last, sizeof(last) - 1, run), 0);
    bb_schema_run_free(&run);
}
END_TEST

/* count conditions, each on a name of its own or all on one; a document of 100 members. */
static int conditions(unsigned count, bool one, const char *more, struct bb_schema_run *run)
{
    struct bb_buf schema, document, value;
    char part[120];
    unsigned i;
    int rc;

    bb_buf_init(&schema, 1 << 20);
    bb_buf_init(&document, 1 << 20);
    bb_buf_init(&value, 1 << 20);
    bb_buf_put(&schema, "{\"properties\":{\"m0\":true},\"allOf\":[true", 39);
    for (i = 0; i < count; i++)
        bb_buf_put(&schema, part,
                   (size_t)snprintf(part, sizeof(part), ",{\"properties\":{\"m%u\":{\"type\":\"integer\"}}}",
                                    one ? 0 : i));
    bb_buf_put(&schema, "]}", 3);
    bb_buf_put(&document, "{\"x\":0", 6);
    for (i = 0; i < 100; i++)
        bb_buf_put(&document, part, (size_t)snprintf(part, sizeof(part), ",\"m%u\":%u", i, i % 10));
    bb_buf_put(&document, more, strlen(more) + 1);
    ck_assert(!schema.failed && !document.failed);
    ck_assert(bb_json_read((struct bb_bytes){document.ptr, document.len - 1}, &value, NULL) == 0);
    struct bb_schema *s = compiled((const char *)schema.ptr);
    rc = bb_schema_valid(s, (struct bb_bytes){value.ptr, value.len}, run);
    bb_schema_free(&s);
    bb_buf_free(&schema);
    bb_buf_free(&document);
    bb_buf_free(&value);
    return rc;
}

START_TEST(walked_once)
{
    struct bb_schema_run *run = bb_schema_run_new(0);

    bb_schema_run_limit(run, 1); /* and 64 steps a byte: 500 bytes and no 1,000 walks of 100 members */
    ck_assert_int_eq(conditions(1000, true, "}", run), 1);
    bb_schema_run_free(&run);
}
END_TEST

START_TEST(more_names_than_numbers)
{
    struct bb_schema_run *run = bb_schema_run_new(0);

    ck_assert_int_eq(conditions(100, false, "}", run), 1);
    ck_assert_int_eq(conditions(101, false, ",\"m100\":null}", run), 0);
    ck_assert_int_eq(conditions(101, false, ",\"m101\":null}", run), 1);
    bb_schema_run_free(&run);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schema_link");
    TCase *t = tcase_create("schema_link");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, verdict, 0, (int)(sizeof(verdicts) / sizeof(*verdicts)));
    tcase_add_test(t, name_twice);
    tcase_add_test(t, walked_once);
    tcase_add_test(t, more_names_than_numbers);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

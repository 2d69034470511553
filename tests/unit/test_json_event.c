/*
 * test_json_event.c - CloudEvents in JSON: in, out, what is refused and where
 */
#include "json_rig.h"

#define HEAD "\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"mfg.x\""

START_TEST(event_round)
{
    static const char *const same[] = {
        "{" HEAD "}",
        "{" HEAD ",\"data\":{\"a\":1.50}}",
        "{" HEAD ",\"sequence\":5,\"plant\":\"1000\",\"data\":[1,2]}",
        "{" HEAD ",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
        "\"k\":1,\"l\":1,"
        "\"m\":1,\"n\":1,\"data\":\"x\"}",
    };
    struct bb_envelope e;

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        bb_buf_reset(&out);
        bb_buf_reset(&text);
        ck_assert_msg(bb_event_read(bytes(same[i]), &out, &fault) == 0, "%s", fault.text);
        ck_assert_int_eq(bb_message_check(held(&out), &fault), 0);
        ck_assert_int_eq(bb_event_write(held(&out), &text, &fault), 0);
        ck_assert_msg(text.len == strlen(same[i]) && !memcmp(text.ptr, same[i], text.len), "%.*s",
                      (int)text.len, (char *)text.ptr);
    }
    bb_buf_reset(&out);
    bb_buf_reset(&text);
    ck_assert_int_eq(
        bb_event_read(bytes("{\"data\":{\"q\":2},\"flag\":true,\"subject\":null," HEAD "}"), &out,
                      &fault),
        0);
    ck_assert_int_eq(bb_envelope_read(held(&out), &e, &fault), 0);
    ck_assert_ptr_null(e.subject.ptr);
    ck_assert_int_eq(bb_event_write(held(&out), &text, &fault), 0);
    bb_buf_put(&text, "", 1);
    ck_assert_str_eq((char *)text.ptr, "{\"flag\":\"true\"," HEAD ",\"data\":{\"q\":2}}");
}
END_TEST

/* Attributes behind the data, more of them than the stack holds. */
START_TEST(event_data_first)
{
    struct bb_buf json;
    struct bb_envelope e;
    char *big = malloc(4001);

    ck_assert_ptr_nonnull(big);
    memset(big, 'x', 4000);
    big[4000] = 0;
    bb_buf_init(&json, 1u << 20);
    for (int n = 0; n < 3; n++) {
        bb_buf_reset(&json);
        bb_buf_reset(&out);
        bb_buf_put(&json, "{\"data\":[\"d\",2]", 15);
        for (int i = 0; i < n; i++) {
            char key[20];
            bb_buf_put(&json, key, (size_t)snprintf(key, sizeof(key), ",\"k%d\":\"", i));
            bb_buf_put(&json, big, 4000);
            bb_buf_put(&json, "\"", 1);
        }
        bb_buf_put(&json, "," HEAD "}", sizeof("," HEAD "}") - 1);
        ck_assert_msg(bb_event_read(held(&json), &out, &fault) == 0, "%s", fault.text);
        ck_assert_int_eq(bb_message_check(held(&out), &fault), 0);
        ck_assert_int_eq(bb_envelope_read(held(&out), &e, &fault), 0);
        ck_assert_uint_eq(e.data.len, 4);
        ck_assert(memcmp(e.data.ptr,
                         "\x92\xa1"
                         "d\x02",
                         4) == 0);
    }
    bb_buf_free(&json);
    free(big);
}
END_TEST

START_TEST(event_faults)
{
    static const struct {
        const char *json;
        size_t offset;
        const char *says;
    } cases[] = {
        {"[]", 0, "event"},
        {"{}", 0, "\"specversion\" is missing"},
        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\"}", 0, "\"source\" is missing"},
        {"{\"specversion\":\"0.3\"}", 15, "must be \"1.0\""},
        {"{\"id\":\"\"}", 6, "empty"},
        {"{\"id\":5}", 6, "must be a string"},
        {"{\"plant\":1000," HEAD "}", 9, "put quotes"},
        {"{\"Plant\":\"1\"}", 1, "cannot name"},
        {"{\"averyverylongattributename\":\"1\"}", 1, "cannot name"},
        {"{\"averyverylongattributename\":null}", 1, "cannot name"},
        {"{\"a\":1.5}", 5, "string or an integer"},
        {"{\"a\":{}}", 5, "\"data\""},
        {"{\"a\":null,\"a\":1}", 10, "duplicate"},
        {"{\"data\":1,\"data\":2}", 10, "duplicate"},
        {"{\"data_base64\":\"\"}", 1, "data_base64"},
        {"{\"subject\":\"a\\nb\"}", 11, "control"},
        {"{\"id\":\"1\"", 9, "the text ends"},
        {"{" HEAD ",\"data\":[1,}", 0, NULL},
        {"{" HEAD "} x", 0, NULL},
        {"{" HEAD ",}", 0, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(bb_event_read(bytes(cases[i].json), &out, &fault) == -1, "%s", cases[i].json);
        ck_assert_uint_eq(out.len, 0);
        if (!cases[i].says)
            continue;
        ck_assert_msg(fault.offset == cases[i].offset, "%s: %zu %s", cases[i].json, fault.offset,
                      fault.text);
        ck_assert_msg(strstr(fault.text, cases[i].says) != NULL, "%s: %s", cases[i].json,
                      fault.text);
    }
}
END_TEST

/* The deepest event is the deepest message. */
START_TEST(event_depth)
{
    struct bb_buf json;

    bb_buf_init(&json, 1u << 20);
    for (int over = 0; over < 2; over++) {
        nest(&text, "[", "", "]", BB_DEPTH_MAX - 1 + over);
        bb_buf_reset(&json);
        bb_buf_put(&json, "{" HEAD ",\"data\":", sizeof("{" HEAD ",\"data\":") - 1);
        bb_buf_put(&json, text.ptr, text.len);
        bb_buf_put(&json, "}", 1);
        ck_assert_int_eq(bb_event_read(held(&json), &out, &fault), over ? -1 : 0);
        if (!over)
            ck_assert_int_eq(bb_message_check(held(&out), &fault), 0);
    }
    bb_buf_free(&json);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("event");

    tcase_add_test(t, event_round);
    tcase_add_test(t, event_data_first);
    tcase_add_test(t, event_faults);
    tcase_add_test(t, event_depth);
    return run_case(t);
}

/*
 * test_message.c - the envelope and its faults, depth, limits, ids
 */
#include "message_rig.h"
#include <time.h>

static void whole(uint32_t n, const char *name, const char *value)
{
    bb_buf_reset(&out);
    bb_put_array(&out, 2);
    bb_put_map(&out, n);
    bb_put_cstr(&out, "specversion");
    bb_put_cstr(&out, "1.0");
    bb_put_cstr(&out, "id");
    bb_put_cstr(&out, "1");
    bb_put_cstr(&out, "source");
    bb_put_cstr(&out, "/s");
    bb_put_cstr(&out, "type");
    bb_put_cstr(&out, "mfg.x");
    if (name) {
        bb_put_cstr(&out, name);
        bb_put_cstr(&out, value);
    }
    if (n < 6)
        bb_put_int(&out, 42);
}

START_TEST(envelope)
{
    struct bb_envelope e, f;
    struct bb_bytes got;

    whole(5, "plant", "1000");
    ck_assert_msg(bb_envelope_read(held(), &e, &fault) == 0, "%s", fault.text);
    ck_assert(is(e.specversion, "1.0") && is(e.id, "1") && is(e.source, "/s") &&
              is(e.type, "mfg.x"));
    ck_assert(is(e.plant, "1000") && is(e.data, "*") && !e.item.ptr);
    ck_assert_int_eq(bb_envelope_get(&e, "plant", &got), 1);
    ck_assert_int_eq(bb_envelope_get(&e, "item", &got), 0);
    struct bb_buf again;
    bb_buf_init(&again, 1000);
    bb_envelope_put(&again, &e);
    ck_assert(again.len == out.len && memcmp(again.ptr, out.ptr, out.len) == 0);
    e.data = lit("\x01\x01");
    bb_envelope_put(&again, &e);
    ck_assert_int_eq(again.failed, 1);
    bb_buf_reset(&again);
    memset(&f, 0, sizeof(f));
    f.id = f.source = f.type = f.subject = f.time = f.dataschema = f.datacontenttype = lit("v");
    f.partitionkey = f.traceparent = f.correlationid = f.causationid = lit("w");
    f.plant = f.item = f.revision = f.change = lit("x");
    bb_envelope_put(&again, &f);
    got.ptr = again.ptr;
    got.len = again.len;
    ck_assert_int_eq(bb_message_check(got, &fault), 0);
    ck_assert_int_eq(bb_envelope_read(got, &e, &fault), 0);
    ck_assert(is(e.datacontenttype, "v") && is(e.causationid, "w") && is(e.change, "x") &&
              is(e.specversion, "1.0"));
    ck_assert(is(e.partitionkey, "w") && is(e.traceparent, "w") && is(e.correlationid, "w") &&
              is(e.revision, "x"));
    ck_assert(is(e.subject, "v") && is(e.time, "v") && is(e.dataschema, "v") && is(e.item, "x") &&
              is(e.data, "\xc0"));
    bb_buf_free(&again);
}
END_TEST

START_TEST(envelope_faults)
{
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"id", "2", "duplicate attribute \"id\""},
        {"Plant", "2", "cannot name"},
        {"", "2", "cannot name"},
        {"data", "2", "cannot name"},
        {"abcdefghijklmnopqrstu", "2", "cannot name"},
        {"x-y", "2", "cannot name"},
        {"item", "a\tb", "control"},
        {"item", "a\xff", "UTF-8"},
    };
    struct bb_envelope e;

    for (size_t i = 0; i < COUNT(cases); i++) {
        whole(5, cases[i].name, cases[i].value);
        ck_assert_int_eq(bb_envelope_read(held(), &e, &fault), -1);
        ck_assert_msg(strstr(fault.text, cases[i].says) != NULL, "%s", fault.text);
        ck_assert_int_eq(bb_message_check(held(), &fault), -1);
    }
    whole(4, NULL, NULL);
    ck_assert_int_eq(bb_envelope_read(held(), &e, &fault), 0);
    for (size_t n = 0; n < out.len; n++) {
        struct bb_bytes cut = {out.ptr, n};
        ck_assert_int_eq(bb_envelope_read(cut, &e, &fault), -1);
        ck_assert_int_eq(bb_message_check(cut, &fault), -1);
    }
    bb_put_nil(&out);
    ck_assert_int_eq(bb_envelope_read(held(), &e, &fault), -1);
    ck_assert_int_eq(bb_message_check(held(), &fault), -1);
    ck_assert_int_eq(bb_envelope_read(lit("\x92\x80\xc0"), &e, &fault), -1);
    ck_assert_ptr_nonnull(strstr(fault.text, "\"specversion\" is missing"));
    whole(6, "y", "1"); /* data that routing does not look at, but the check does */
    bb_put_cstr(&out, "z");
    bb_put_int(&out, -5);
    bb_put_cstr(&out, "\xff");
    ck_assert_int_eq(bb_envelope_read(held(), &e, &fault), 0);
    ck_assert_int_eq(bb_message_check(held(), &fault), -1);
    ck_assert_uint_eq(fault.offset, out.len - 1);
}
END_TEST

/* A message's array is one level: its data may have one less than a value of its own. */
START_TEST(message_depth)
{
    for (int levels = BB_DEPTH_MAX - 1; levels <= BB_DEPTH_MAX + 1; levels++) {
        struct bb_envelope e;
        whole(4, NULL, NULL);
        out.len--;
        for (int i = 1; i < levels; i++)
            bb_put_array(&out, 1);
        bb_put_map(&out, 0);
        ck_assert_int_eq(bb_envelope_read(held(), &e, &fault), 0);
        ck_assert_int_eq(bb_message_check(held(), &fault), levels < BB_DEPTH_MAX ? 0 : -1);
        ck_assert_int_eq(bb_value_check(e.data, &fault), levels <= BB_DEPTH_MAX ? 0 : -1);
    }
}
END_TEST

START_TEST(envelope_twice)
{
    struct bb_envelope e;

    whole(6, "own", "1");
    bb_put_cstr(&out, "own");
    bb_put_int(&out, 1);
    bb_put_nil(&out);
    ck_assert_int_eq(bb_envelope_read(held(), &e, &fault), -1);
    ck_assert_ptr_nonnull(strstr(fault.text, "duplicate attribute \"own\""));
}
END_TEST

START_TEST(envelope_limits)
{
    struct bb_envelope e;
    char *big = calloc(1, BB_ATTRIBUTE_MAX + 2), name[20];

    ck_assert_ptr_nonnull(big);
    memset(big, 'x', BB_ATTRIBUTE_MAX + 1);
    whole(5, "item", big);
    ck_assert_int_eq(bb_envelope_read(held(), &e, &fault), -1);
    big[BB_ATTRIBUTE_MAX] = 0;
    whole(5, "item", big);
    ck_assert_int_eq(bb_envelope_read(held(), &e, &fault), 0);
    for (uint32_t n = BB_ATTRIBUTES_MAX; n <= BB_ATTRIBUTES_MAX + 1; n++) {
        whole(n, NULL, NULL);
        for (uint32_t i = 4; i < n; i++) {
            snprintf(name, sizeof(name), "x%u", i);
            bb_put_cstr(&out, name);
            bb_put_int(&out, i);
        }
        bb_put_nil(&out);
        ck_assert_int_eq(bb_message_check(held(), &fault), n > BB_ATTRIBUTES_MAX ? -1 : 0);
    }
    free(big);
}
END_TEST

START_TEST(ids)
{
    char a[37], b[37], t[40];
    struct timespec pause = {0, 2000000};

    bb_id_make(a);
    ck_assert_uint_eq(strlen(a), 36);
    ck_assert(a[8] == '-' && a[13] == '-' && a[14] == '7' && a[18] == '-' && a[23] == '-');
    ck_assert(strchr("89ab", a[19]) != NULL);
    nanosleep(&pause, NULL); /* the clock must move on: this is what is tested */
    bb_id_make(b);
    ck_assert_int_lt(strcmp(a, b), 0);
    bb_time_now(t);
    ck_assert_uint_eq(strlen(t), 30);
    ck_assert(t[4] == '-' && t[10] == 'T' && t[19] == '.' && t[29] == 'Z');
    struct tm tm = {0};
    ck_assert_ptr_eq(strptime(t, "%Y-%m-%dT%H:%M:%S", &tm), t + 19);
    ck_assert_int_le(llabs((long long)timegm(&tm) - (long long)time(NULL)), 2);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("message");

    tcase_add_test(t, envelope);
    tcase_add_test(t, envelope_faults);
    tcase_add_test(t, message_depth);
    tcase_add_test(t, envelope_twice);
    tcase_add_test(t, envelope_limits);
    tcase_add_test(t, ids);
    return run_case(t);
}

/*
 * test_plugin.c - the friendly layer: config, errors, drafts, durations; and busbar-manifest, run as
 * a program on manifests that are right and wrong
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <busbar/json.h>
#include <busbar/plugin.h>

static struct bb_buf made;

static struct bb_bytes conf(const char *json)
{
    struct bb_bytes v;
    struct bb_fault f = {0, ""};
    bb_buf_free(&made);
    bb_buf_init(&made, 1 << 20);
    ck_assert_msg(bb_json_read(bb_str(json), &made, &f) == 0, "%s", f.text);
    v.ptr = made.ptr;
    v.len = made.len;
    return v;
}

START_TEST(config_by_pointer)
{
    struct bb_bytes c = conf("{\"a\":{\"n\":-7,\"s\":\"text\",\"t\":true,\"z\":null},\"l\":[1,\"x\"],"
                             "\"nul\":\"a\\u0000b\"}"), v, key, kept;
    struct bb_iter it;
    char buf[5], *s;
    unsigned n = 0;
    ck_assert_int_eq(bb_conf_int(c, "/a/n", 3), -7);
    ck_assert_int_eq(bb_conf_int(c, "/a/s", 3), 3);
    ck_assert_int_eq(bb_conf_int(c, "/a/none", 3), 3);
    ck_assert_int_eq(bb_conf_bool(c, "/a/t", 0), 1);
    ck_assert(bb_str_is(bb_conf_str(c, "/a/s", "d"), "text"));
    ck_assert(bb_str_is(bb_conf_str(c, "/a/n", "d"), "d"));
    ck_assert_ptr_null(bb_conf_str(c, "/a/q", NULL).ptr);
    ck_assert_int_eq(bb_conf_find(c, "/a/z", &v), 0); /* null is as good as absent */
    s = bb_conf_dup(c, "/a/s", NULL);
    ck_assert_str_eq(s, "text");
    free(s);
    ck_assert_ptr_null(bb_conf_dup(c, "/nul", NULL));
    ck_assert_int_eq(bb_str_copy(bb_conf_str(c, "/a/s", ""), buf, 5), 0);
    ck_assert_int_eq(bb_str_copy(bb_conf_str(c, "/a/s", ""), buf, 4), -1);
    ck_assert(bb_conf_find(c, "/l", &v) && bb_iter_of(v, &it) && !it.map && it.n == 2);
    while (bb_iter_next(&it, &key, &v))
        n += key.ptr == NULL;
    ck_assert_uint_eq(n, 2);
    ck_assert(bb_iter_of(c, &it) && it.map);
    ck_assert(bb_iter_next(&it, &key, &v) && bb_str_is(key, "a"));
    ck_assert(!bb_iter_of(bb_str("\x01"), &it));
    ck_assert_int_eq(bb_conf_keep(c, &kept), 0);
    ck_assert(kept.ptr != c.ptr && kept.len == c.len && memcmp(kept.ptr, c.ptr, c.len) == 0);
    free((void *)(uintptr_t)kept.ptr);
    /* bytes cut anywhere give defaults, never a read past the end */
    for (size_t len = 0; len < c.len; len++) {
        uint8_t *exact = malloc(len + !len);
        struct bb_bytes cut = {exact, len};
        memcpy(exact, c.ptr, len);
        (void)bb_conf_int(cut, "/a/n", 0);
        (void)bb_conf_str(cut, "/l/1", NULL);
        if (bb_iter_of(cut, &it))
            while (bb_iter_next(&it, &key, &v))
                continue;
        free(exact);
    }
}
END_TEST

START_TEST(errors_are_cut_between_characters)
{
    struct bb_error e = bb_error_none();
    char longer[400];
    struct {
        uint32_t size;
        char rest[8];
    } small = {8, "untouch"};
    ck_assert_int_eq(bb_error_set(&e, BB_E_REJECT, "no plant %d", 7), BB_E_REJECT);
    ck_assert_str_eq(e.text, "no plant 7");
    for (int k = 0; k < 399; k += 3)
        memcpy(longer + k, "\xe2\x82\xac", 3); /* euro signs: 239 is no multiple of 3 */
    longer[399] = 0;
    bb_error_set(&e, BB_E_REJECT, "%s", longer);
    ck_assert_uint_eq(strlen(e.text), 237);
    ck_assert_int_eq(bb_error_set(NULL, BB_E_DOWN, "x"), BB_E_DOWN);
    bb_error_set((struct bb_error *)(void *)&small, BB_E_DOWN, "an older host's smaller struct");
    ck_assert_str_eq(small.rest, "untouch");
    bb_error_vendor(&e, "M7/021");
    ck_assert_str_eq(e.vendor_code, "M7/021");
}
END_TEST

START_TEST(a_draft_is_a_message)
{
    struct bb_draft d;
    struct bb_buf b;
    struct bb_bytes whole;
    struct bb_envelope e;
    struct bb_fault f = {0, ""};
    bb_buf_init(&b, 4096);
    bb_draft_init(&d, "/me", "mfg.test.tick");
    d.e.plant = bb_str("1000");
    ck_assert_int_eq(bb_draft_put(&d, &b), 0);
    whole.ptr = b.ptr;
    whole.len = b.len;
    ck_assert_msg(bb_message_check(whole, &f) == 0, "%s", f.text);
    ck_assert_int_eq(bb_envelope_read(whole, &e, &f), 0);
    ck_assert(bb_str_is(e.plant, "1000") && bb_str_is(e.type, "mfg.test.tick"));
    ck_assert_uint_eq(e.id.len, 36);
    ck_assert_uint_eq(e.data.len, 1);
    bb_buf_free(&b);
}
END_TEST

static const struct {
    const char *text;
    int64_t ms; /* -1: no duration */
    const char *back;
} durations[] = {{"0", 0, "0"},         {"500ms", 500, "500ms"}, {"2m", 120000, "2m"},
                 {"90s", 90000, "1m30s"}, {"1h30m", 5400000, "1h30m"}, {"3d", 259200000, "3d"},
                 {"", -1, ""},          {"5", -1, ""},           {"m5", -1, ""},
                 {"1m1h", -1, ""},      {"1m1m", -1, ""},        {"-1s", -1, ""},
                 {"1.5s", -1, ""},      {"99999999999999999999d", -1, ""}};

START_TEST(durations_by_table)
{
    int64_t ms = -1;
    char out[32];
    int rc = bb_duration_read(bb_str(durations[_i].text), &ms);
    if (durations[_i].ms < 0) {
        ck_assert_int_eq(rc, -1);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(ms, durations[_i].ms);
    bb_duration_write(ms, out);
    ck_assert_str_eq(out, durations[_i].back);
}
END_TEST

START_TEST(backoff_grows_to_its_maximum)
{
    for (uint32_t n = 1; n < 100; n++) {
        int64_t full = n < 8 ? 100 << (n - 1) : 10000, ms = bb_backoff_ms(n, 100, 10000);
        if (full > 10000)
            full = 10000;
        ck_assert_int_ge(ms, full / 2);
        ck_assert_int_le(ms, full);
    }
    ck_assert_int_eq(bb_backoff_ms(UINT32_MAX, 0, 1000), 0);
}
END_TEST

/* ---- busbar-manifest --------------------------------------------------------------------------- */

#define GOOD "{\"id\":\"x\",\"version\":\"1\",\"vendor\":\"v\",\"abi\":[0,0],\"roles\":[\"sink\"],"    \
             "\"threading\":\"loop\",\"config\":{\"type\":\"object\"%s}%s}"

static int manifest(const char *in_config, const char *beside, char *out, size_t cap)
{
    char path[] = "/tmp/busbar-manifest-XXXXXX", cmd[300];
    int fd = mkstemp(path), status;
    FILE *f = fdopen(fd, "w"), *p;
    size_t n;
    ck_assert_ptr_nonnull(f);
    fprintf(f, GOOD, in_config, beside);
    ck_assert_int_eq(fclose(f), 0);
    snprintf(cmd, sizeof cmd, "%s %s 2>&1", getenv("BUSBAR_MANIFEST") ? getenv("BUSBAR_MANIFEST")
             : "sdk/tools/busbar-manifest", path);
    p = popen(cmd, "r");
    ck_assert_ptr_nonnull(p);
    n = fread(out, 1, cap - 1, p);
    out[n] = 0;
    status = pclose(p);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct {
    const char *config, *beside, *text;
} manifests[] = {
    {"", "", NULL},
    {",\"properties\":{\"t\":{\"type\":\"integer\",\"format\":\"duration\",\"default\":\"5s\"}},"
     "\"required\":[\"t\"],\"additionalProperties\":false", ",\"batch\":\"any\"", NULL},
    {"", ",\"confg\":1", "/confg: not a field of a manifest"},
    {"", ",\"batch\":\"some\"", "/batch: must be"},
    {"", ",\"workers\":-1", "/workers: must be"},
    {"", ",\"extensions\":[\"busbar.probe\"]", "/extensions/0: "},
    {",\"properties\":{\"a\":{\"type\":\"text\"}}", "", "/config/properties/a: type must be"},
    {",\"properties\":{\"a\":{\"type\":\"integer\",\"default\":\"x\"}}", "",
     "/config/properties/a/default: is not of type integer"},
    {",\"properties\":{\"a\":{\"type\":\"string\",\"format\":\"secret\",\"default\":\"x\"}}", "",
     "a secret has no default"},
    {",\"required\":[\"b\"]", "", "\"b\" is not among the properties"},
    {",\"oneOf\":[]", "", "/config/oneOf: not a keyword"},
    {",\"additionalProperties\":{\"type\":[\"string\",\"object\"],\"pattern\":\"^[a-z]+$\"},"
     "\"required\":[\"b\"],\"propertyNames\":{\"maxLength\":3},\"anyOf\":[{\"required\":[\"b\"]}]",
     "", NULL},
    {",\"additionalProperties\":{\"type\":[\"text\"]}", "",
     "/config/additionalProperties: type must be"},
    {",\"pattern\":\"a{2}\"", "", "/config/pattern: must be"},
    {",\"pattern\":\"(a)\\\\1\"", "", "/config/pattern: must be"},
    {",\"pattern\":\"(\"", "", "/config/pattern: must be"},
    {",\"anyOf\":[{\"type\":\"string\"}]", "", "/config/anyOf: must be"},
    {",\"maxLength\":-1", "", "/config/maxLength: must be"},
    {"", ",\"id\":\"y\"", "duplicate key"},
};

START_TEST(manifests_by_table)
{
    char out[16384];
    int rc = manifest(manifests[_i].config, manifests[_i].beside, out, sizeof out);
    if (manifests[_i].text) {
        ck_assert_int_eq(rc, 1);
        ck_assert_msg(strstr(out, manifests[_i].text) != NULL, "%s", out);
        ck_assert_ptr_null(strstr(out, "BB_MANIFEST("));
    } else {
        ck_assert_msg(rc == 0, "%s", out);
        ck_assert_ptr_nonnull(strstr(out, "BB_MANIFEST("));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plugin");
    TCase *c = tcase_create("plugin");
    SRunner *r;
    int failed;
    tcase_add_test(c, config_by_pointer);
    tcase_add_test(c, errors_are_cut_between_characters);
    tcase_add_test(c, a_draft_is_a_message);
    tcase_add_loop_test(c, durations_by_table, 0, (int)(sizeof durations / sizeof durations[0]));
    tcase_add_test(c, backoff_grows_to_its_maximum);
    tcase_add_loop_test(c, manifests_by_table, 0, (int)(sizeof manifests / sizeof manifests[0]));
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

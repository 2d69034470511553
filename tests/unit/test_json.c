/*
 * test_json.c - JSON in and out: the grammar, exact numbers, hostile text, events
 */
#include "json_cases.h"
#include <busbar/json.h>
#include <check.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

static struct bb_buf out, text;
static struct bb_fault fault;

static void setup(void)
{
    bb_buf_init(&out, 64u << 20);
    bb_buf_init(&text, 64u << 20);
    memset(&fault, 0, sizeof(fault));
}

static void teardown(void)
{
    bb_buf_free(&out);
    bb_buf_free(&text);
}

static struct bb_bytes bytes(const char *s)
{
    struct bb_bytes b = {s, strlen(s)};
    return b;
}

static struct bb_bytes held(const struct bb_buf *b)
{
    struct bb_bytes v = {b->ptr, b->len};
    return v;
}

/* A copy that ends where its memory ends, so that a sanitizer sees a read past it. */
static struct bb_bytes exact(const char *s, size_t len)
{
    struct bb_bytes b = {malloc(len ? len : 1), len};
    ck_assert_ptr_nonnull(b.ptr);
    memcpy((void *)(uintptr_t)b.ptr, s, len);
    return b;
}

static void drop(struct bb_bytes b)
{
    free((void *)(uintptr_t)b.ptr);
}

START_TEST(accepts)
{
    const struct json_case *c = &accepted[_i];
    struct bb_bytes in = exact(c->text, c->len);
    const char *back = c->back ? c->back : c->text;

    ck_assert_msg(bb_json_read(in, &out, &fault) == 0, "%s: %s", c->text, fault.text);
    ck_assert_msg(bb_value_check(held(&out), &fault) == 0, "%s: %s", c->text, fault.text);
    ck_assert_int_eq(bb_json_write(held(&out), &text, &fault), 0);
    ck_assert_msg(text.len == strlen(back) && !memcmp(text.ptr, back, text.len), "%s: %.*s",
                  c->text, (int)text.len, (const char *)text.ptr);
    drop(in);
}
END_TEST

START_TEST(rejects)
{
    const struct json_case *c = &rejected[_i];
    struct bb_bytes in = exact(c->text, c->len);

    bb_put_nil(&out);
    ck_assert_msg(bb_json_read(in, &out, &fault) == -1, "%s was accepted", c->text);
    ck_assert_uint_eq(out.len, 1);
    ck_assert_int_eq(out.failed, 0);
    ck_assert_uint_le(fault.offset, c->len);
    ck_assert_int_ne(fault.text[0], 0);
    drop(in);
}
END_TEST

/* Cut anywhere, a text is an error that more input could mend, and says so by its offset. */
START_TEST(prefixes)
{
    const struct json_case *c = &accepted[_i];
    size_t used, end = c->len;

    while (end && strchr(" \t\r\n", c->text[end - 1]))
        end--;
    for (size_t n = 0; n < end; n++) {
        struct bb_bytes in = exact(c->text, n);
        if (bb_json_read_prefix(in, &used, &out, &fault) == 0)
            ck_abort_msg("%.*s is not whole", (int)n, c->text);
        ck_assert_msg(fault.offset == n, "%.*s: offset %zu: %s", (int)n, c->text, fault.offset,
                      fault.text);
        drop(in);
    }
    bb_buf_put(&text, c->text, end);
    bb_buf_put(&text, " ]", 2);
    ck_assert_int_eq(bb_json_read_prefix(held(&text), &used, &out, &fault), 0);
    ck_assert_uint_eq(used, end);
}
END_TEST

START_TEST(prefix_faults)
{
    /* what no input can mend has an offset before the end */
    static const char *const bad[] = {"[1,,", "{\"a\" 1", "[\"\\ud800x",    "tra",
                                      "[01",  "\"\x01",   "{\"a\":1,\"a\"", "[1 2",
                                      "}",    "\"\\x",    "\"\xff"};
    size_t used;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(bb_json_read_prefix(bytes(bad[i]), &used, &out, &fault), -1);
        ck_assert_msg(fault.offset < strlen(bad[i]), "%s: %zu", bad[i], fault.offset);
    }
    ck_assert_int_eq(bb_json_read_prefix(bytes(" {\"a\":1}{\"b\":2}"), &used, &out, &fault), 0);
    ck_assert_uint_eq(used, 8);
}
END_TEST

START_TEST(offsets)
{
    static const struct {
        const char *json;
        size_t offset;
        const char *says;
    } cases[] = {
        {"{\"id\":1,\"b\":2,\"id\":3}", 14, "duplicate key \"id\""},
        {"{\"a\":tru}", 5, "value"},
        {"[1,2,]", 5, "unexpected ']'"},
        {"[1] x", 4, "end of the text"},
        {"{\"a\":\"b\xff\"}", 7, "UTF-8"},
        {"[\"ab\tc\"]", 4, "\\u0009"},
        {"[007]", 2, "begin with 0"},
        {"[\"ok\",\"\\ud800\"]", 7, "surrogate"},
        {"[1", 2, "the text ends"},
        {"\xef\xbb\xbf[]", 0, "0xef"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(bb_json_read(bytes(cases[i].json), &out, &fault), -1);
        ck_assert_msg(fault.offset == cases[i].offset, "%s: %zu", cases[i].json, fault.offset);
        ck_assert_msg(strstr(fault.text, cases[i].says) != NULL, "%s", fault.text);
    }
}
END_TEST

static void nest(struct bb_buf *b, const char *open, const char *inner, const char *close, int n)
{
    bb_buf_reset(b);
    for (int i = 0; i < n; i++)
        bb_buf_put(b, open, strlen(open));
    bb_buf_put(b, inner, strlen(inner));
    for (int i = 0; i < n && close; i++)
        bb_buf_put(b, close, strlen(close));
}

START_TEST(nesting)
{
    nest(&text, "[", "1", "]", BB_DEPTH_MAX);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), 0);
    nest(&text, "[", "", "]", BB_DEPTH_MAX + 1);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
    ck_assert_uint_eq(fault.offset, BB_DEPTH_MAX);
    nest(&text, "{\"a\":", "1", "}", BB_DEPTH_MAX + 1);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
    ck_assert_uint_eq(fault.offset, BB_DEPTH_MAX * 5);
    nest(&text, "[", "", NULL, 100000);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
    ck_assert_uint_eq(fault.offset, BB_DEPTH_MAX);
    nest(&text, "[{\"\":", "\n", NULL, 50000);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
}
END_TEST

START_TEST(long_numbers)
{
    char *s = malloc(5002);
    struct bb_bytes in = {s, 4096};

    ck_assert_ptr_nonnull(s);
    memset(s, '7', 5002);
    ck_assert_int_eq(bb_json_read(in, &out, &fault), 0);
    ck_assert_int_eq(bb_json_write(held(&out), &text, &fault), 0);
    ck_assert_uint_eq(text.len, 4096);
    in.len = 4097;
    ck_assert_int_eq(bb_json_read(in, &out, &fault), -1);
    ck_assert_ptr_nonnull(strstr(fault.text, "at most 4096"));
    free(s);
}
END_TEST

static void keys_text(struct bb_buf *b, unsigned n, const char *last)
{
    char key[40];

    bb_buf_reset(b);
    bb_buf_put(b, "{", 1);
    for (unsigned i = 0; i < n; i++)
        bb_buf_put(b, key, (size_t)snprintf(key, sizeof(key), "\"key-%u\":0,", i * 7919 % n));
    bb_buf_put(b, last, strlen(last));
    bb_buf_put(b, ":1}", 3);
}

START_TEST(many_keys)
{
    static const unsigned sizes[] = {14, 15, 30, 31, 32, 33, 34, 100, 65535, 100000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        bb_buf_reset(&out);
        keys_text(&text, sizes[i], "\"other\"");
        ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), 0);
        ck_assert_int_eq(bb_value_check(held(&out), &fault), 0);
        keys_text(&text, sizes[i], "\"key-7\"");
        ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
        ck_assert_ptr_nonnull(strstr(fault.text, "duplicate key \"key-7\""));
        ck_assert_uint_eq(fault.offset, text.len - 10);
    }
}
END_TEST

/* A limit of the buffer is a limit of the output, to the byte. */
START_TEST(buffer_limit)
{
    static const char json[] =
        "{\"a\":[1,2.5,\"x\\n\",300,-70000,\"0123456789abcdefghijklmnopqrstuv\","
        "0,0,0,0,0,0,0,0,0,0,0,0],\"b\":{\"c\":null}}";
    struct bb_buf small;

    ck_assert_int_eq(bb_json_read(bytes(json), &out, &fault), 0);
    for (size_t max = 0; max <= out.len; max++) {
        bb_buf_init(&small, max);
        ck_assert_int_eq(bb_json_read(bytes(json), &small, &fault), max == out.len ? 0 : -1);
        if (max < out.len)
            ck_assert_uint_lt(fault.offset, strlen(json));
        ck_assert_uint_eq(small.len, max == out.len ? max : 0);
        bb_buf_free(&small);
    }
    ck_assert_int_eq(bb_json_write(held(&out), &text, &fault), 0);
    for (size_t max = 0; max <= text.len; max++) {
        bb_buf_init(&small, max);
        ck_assert_int_eq(bb_json_write(held(&out), &small, &fault), max == text.len ? 0 : -1);
        bb_buf_free(&small);
    }
}
END_TEST

START_TEST(pretty)
{
    ck_assert_int_eq(
        bb_json_read(bytes("{\"a\":[1,{}],\"b\":[],\"c\":{\"d\":null}}"), &out, &fault), 0);
    ck_assert_int_eq(bb_json_write_pretty(held(&out), &text, &fault), 0);
    bb_buf_put(&text, "", 1);
    ck_assert_str_eq((char *)text.ptr, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": [],\n"
                                       "  \"c\": {\n    \"d\": null\n  }\n}");
}
END_TEST

START_TEST(write_str)
{
    bb_json_write_str(&text, "a\"\xff\n\xc3\xa4", 6);
    bb_buf_put(&text, "", 1);
    ck_assert_str_eq((char *)text.ptr, "\"a\\\"\xef\xbf\xbd\\n\xc3\xa4\"");
}
END_TEST

START_TEST(write_refuses)
{
    static const struct {
        const char *p;
        size_t len;
    } bad[] = {{"", 0},
               {"\xc1", 1},
               {"\xcb\0\0\0\0\0\0\0\0", 9},
               {"\xc4\x01x", 3},
               {"\xa2\xff\xff", 3},
               {"\x91", 1},
               {"\x81\x01\x02", 3},
               {"\xd5\x01"
                "1.",
                4},
               {"\xd4\x02"
                "1",
                3},
               {"\x01\x02", 2},
               {"\xdd\xff\xff\xff\xff", 5}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bb_bytes in = exact(bad[i].p, bad[i].len);
        ck_assert_msg(bb_json_write(in, &text, &fault) == -1, "case %zu", i);
        ck_assert_uint_eq(text.len, 0);
        drop(in);
    }
}
END_TEST

/* ---- properties: seeded, so that a failure can be repeated -------------------------------------
 */
static uint64_t seed;
static unsigned pick(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void digits(struct bb_buf *b, unsigned n, int leading)
{
    for (unsigned i = 0; i < n; i++) {
        char c = (char)('0' + (i || leading ? pick(10) : 1 + pick(9)));
        bb_buf_put(b, &c, 1);
    }
}

static void random_number(struct bb_buf *b)
{
    static const char *const e[] = {"e", "E", "e+", "E-", "e-", "E+"};
    if (pick(3) == 0)
        bb_buf_put(b, "-", 1);
    if (pick(5) == 0)
        bb_buf_put(b, "0", 1);
    else
        digits(b, 1 + pick(22), 0);
    if (pick(2)) {
        bb_buf_put(b, ".", 1);
        digits(b, 1 + pick(20), 1);
    }
    if (pick(4) == 0) {
        const char *x = e[pick(6)];
        bb_buf_put(b, x, strlen(x));
        digits(b, 1 + pick(4), 1);
    }
}

static void random_string(struct bb_buf *b, int unique)
{
    static const char *const parts[] = {
        "a",    "Zz9",     "\xc3\xa4", "\xe2\x82\xac",         "\xf0\x9f\x98\xb9", "\\n", "\\\"",
        "\\\\", "\\u0001", "/",        " long plain text here"};
    char tail[16];
    bb_buf_put(b, "\"", 1);
    for (unsigned n = pick(8); n; n--) {
        const char *p = parts[pick(11)];
        bb_buf_put(b, p, strlen(p));
    }
    if (unique >= 0)
        bb_buf_put(b, tail, (size_t)snprintf(tail, sizeof(tail), "%d", unique));
    bb_buf_put(b, "\"", 1);
}

static void random_value(struct bb_buf *b, int depth)
{
    static const char *const names[] = {"null", "true", "false"};
    unsigned kind = pick(depth ? 8 : 5), n = pick(depth == 3 ? 40 : 6);

    if (kind == 0) {
        const char *s = names[pick(3)];
        bb_buf_put(b, s, strlen(s));
    } else if (kind < 3) {
        random_number(b);
    } else if (kind < 5) {
        random_string(b, -1);
    } else {
        int map = kind == 7;
        bb_buf_put(b, map ? "{" : "[", 1);
        for (unsigned i = 0; i < n; i++) {
            if (i)
                bb_buf_put(b, ",", 1);
            if (map) {
                random_string(b, (int)i);
                bb_buf_put(b, ":", 1);
            }
            random_value(b, depth - 1);
        }
        bb_buf_put(b, map ? "}" : "]", 1);
    }
}

START_TEST(identity)
{
    struct bb_buf json, again;

    bb_buf_init(&json, 1u << 20);
    bb_buf_init(&again, 1u << 20);
    seed = (uint64_t)_i * 977 + 1;
    for (int i = 0; i < 400; i++) {
        bb_buf_reset(&json);
        bb_buf_reset(&out);
        bb_buf_reset(&text);
        bb_buf_reset(&again);
        random_value(&json, 4);
        bb_buf_put(&json, "", 1);
        json.len--;
        ck_assert_msg(bb_json_read(held(&json), &out, &fault) == 0, "%s: %s", (char *)json.ptr,
                      fault.text);
        ck_assert_int_eq(bb_json_write(held(&out), &text, &fault), 0);
        ck_assert_msg(text.len == json.len && !memcmp(text.ptr, json.ptr, json.len), "%s",
                      (char *)json.ptr);
        ck_assert_int_eq(bb_value_check(held(&out), &fault), 0);
        bb_buf_reset(&text);
        ck_assert_int_eq(bb_json_write_pretty(held(&out), &text, &fault), 0);
        ck_assert_int_eq(bb_json_read(held(&text), &again, &fault), 0);
        ck_assert(again.len == out.len && !memcmp(again.ptr, out.ptr, out.len));
    }
    bb_buf_free(&json);
    bb_buf_free(&again);
}
END_TEST

/* ---- the oracle: msgpack-c unpacks what we wrote and packs it to the same bytes -----------------
 */
static void pack_theirs(struct bb_buf *b, const msgpack_object *o)
{
    msgpack_sbuffer s;
    msgpack_packer k;

    msgpack_sbuffer_init(&s);
    msgpack_packer_init(&k, &s, msgpack_sbuffer_write);
    ck_assert_int_eq(msgpack_pack_object(&k, *o), 0);
    bb_buf_put(b, s.data, s.size);
    msgpack_sbuffer_destroy(&s);
}

START_TEST(oracle)
{
    struct bb_buf json, theirs;

    bb_buf_init(&json, 1u << 20);
    bb_buf_init(&theirs, 1u << 20);
    seed = (uint64_t)_i * 31 + 7;
    for (int i = 0; i < 400; i++) {
        msgpack_unpacked u;
        size_t off = 0;
        bb_buf_reset(&json);
        bb_buf_reset(&out);
        bb_buf_reset(&theirs);
        random_value(&json, 4);
        ck_assert_int_eq(bb_json_read(held(&json), &out, &fault), 0);
        msgpack_unpacked_init(&u);
        ck_assert_int_eq(msgpack_unpack_next(&u, (char *)out.ptr, out.len, &off),
                         MSGPACK_UNPACK_SUCCESS);
        ck_assert_uint_eq(off, out.len);
        pack_theirs(&theirs, &u.data);
        ck_assert(theirs.len == out.len && !memcmp(theirs.ptr, out.ptr, out.len));
        msgpack_unpacked_destroy(&u);
    }
    bb_buf_free(&json);
    bb_buf_free(&theirs);
}
END_TEST

/* ---- events
 * -------------------------------------------------------------------------------------- */
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

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("json");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(t, rejects, 0, COUNT(rejected));
    tcase_add_loop_test(t, prefixes, 0, COUNT(accepted));
    tcase_add_test(t, prefix_faults);
    tcase_add_test(t, offsets);
    tcase_add_test(t, nesting);
    tcase_add_test(t, long_numbers);
    tcase_add_test(t, many_keys);
    tcase_add_test(t, buffer_limit);
    tcase_add_test(t, pretty);
    tcase_add_test(t, write_str);
    tcase_add_test(t, write_refuses);
    tcase_add_loop_test(t, identity, 0, 8);
    tcase_add_loop_test(t, oracle, 0, 8);
    tcase_add_test(t, event_round);
    tcase_add_test(t, event_data_first);
    tcase_add_test(t, event_faults);
    tcase_add_test(t, event_depth);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

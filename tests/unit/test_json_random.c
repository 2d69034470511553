/*
 * test_json_random.c - random values come back as they were, and are what msgpack-c reads and
 * writes
 *
 * Seeded by the test's number, so that a failure can be repeated.
 */
#include "json_rig.h"
#include <msgpack.h>

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

/* ---- the oracle: msgpack-c unpacks what we wrote and packs it to the same bytes ----------------
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

int main(void)
{
    TCase *t = tcase_create("random");

    tcase_add_loop_test(t, identity, 0, 8);
    tcase_add_loop_test(t, oracle, 0, 8);
    return run_case(t);
}

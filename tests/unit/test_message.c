/*
 * test_message.c - buffer, building, cursor, lookups, check, envelope, ids
 */
#include <busbar/message.h>
#include <check.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct bb_buf out;
static struct bb_fault fault;

static void setup(void)
{
    bb_buf_init(&out, 64u << 20);
    memset(&fault, 0, sizeof(fault));
}

static void teardown(void)
{
    bb_buf_free(&out);
}

static struct bb_bytes held(void)
{
    struct bb_bytes v = {out.ptr, out.len};
    return v;
}

static struct bb_bytes lit(const char *s)
{
    struct bb_bytes v = {s, strlen(s)};
    return v;
}

static int is(struct bb_bytes b, const char *s)
{
    return b.ptr && b.len == strlen(s) && memcmp(b.ptr, s, b.len) == 0;
}

START_TEST(buffer)
{
    struct bb_buf b;
    uint8_t *w;

    bb_buf_init(&b, 10);
    bb_buf_put(&b, "12345678", 8);
    w = bb_buf_room(&b, 2);
    ck_assert_ptr_nonnull(w);
    ck_assert_ptr_eq(w, b.ptr + 8);
    bb_buf_put(&b, "abc", 3);
    ck_assert_int_eq(b.failed, 1);
    ck_assert_uint_eq(b.len, 8);
    bb_buf_put(&b, "a", 1); /* sticky */
    ck_assert_uint_eq(b.len, 8);
    ck_assert_ptr_null(bb_buf_room(&b, 1));
    bb_buf_reset(&b);
    bb_buf_put(&b, "0123456789", 10);
    ck_assert_int_eq(b.failed, 0);
    ck_assert_ptr_null(bb_buf_room(&b, SIZE_MAX));
    bb_buf_free(&b);
    ck_assert_uint_eq(b.max, 10);
}
END_TEST

/* ---- the oracle packs the same, and reads what we pack -------------------------------------- */
static const int64_t ints[] = {
    0,  1,   127, 128,  255,  256,    65535,  65536,         4294967295,    4294967296, INT64_MAX,
    -1, -32, -33, -128, -129, -32768, -32769, -2147483648LL, -2147483649LL, INT64_MIN};
static const uint32_t lengths[] = {0,  1,   15,  16,  17,    31,    32,
                                   33, 255, 256, 257, 65535, 65536, 70000};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(oracle)
{
    char *s = malloc(70000);
    msgpack_sbuffer theirs;
    msgpack_packer k;

    ck_assert_ptr_nonnull(s);
    memset(s, 'x', 70000);
    msgpack_sbuffer_init(&theirs);
    msgpack_packer_init(&k, &theirs, msgpack_sbuffer_write);
    for (size_t i = 0; i < COUNT(ints); i++) {
        bb_put_int(&out, ints[i]);
        msgpack_pack_int64(&k, ints[i]);
        bb_put_uint(&out, (uint64_t)ints[i]);
        msgpack_pack_uint64(&k, (uint64_t)ints[i]);
    }
    for (size_t i = 0; i < COUNT(lengths); i++) {
        uint32_t n = lengths[i];
        bb_put_str(&out, s, n);
        msgpack_pack_str_with_body(&k, s, n);
        bb_put_bin(&out, s, n);
        msgpack_pack_bin_with_body(&k, s, n);
        bb_put_array(&out, n);
        msgpack_pack_array(&k, n);
        bb_put_map(&out, n);
        msgpack_pack_map(&k, n);
    }
    s[1] = '.';
    s[0] = '0';
    memset(s + 2, '1', 4094);
    for (uint32_t n = 3; n <= 4096; n = n < 20 ? n + 1 : n * 2 > 4096 && n < 4096 ? 4096 : n * 2) {
        bb_put_decimal(&out, s, n);
        msgpack_pack_ext(&k, n, BB_EXT_DECIMAL);
        msgpack_pack_ext_body(&k, s, n);
    }
    bb_put_nil(&out);
    msgpack_pack_nil(&k);
    bb_put_bool(&out, 1);
    msgpack_pack_true(&k);
    bb_put_bool(&out, 0);
    msgpack_pack_false(&k);
    ck_assert_int_eq(out.failed, 0);
    ck_assert_uint_eq(out.len, theirs.size);
    ck_assert(memcmp(out.ptr, theirs.data, out.len) == 0);
    msgpack_sbuffer_destroy(&theirs);
    free(s);
}
END_TEST

START_TEST(cursor_kinds)
{
    static const char in[] =
        "\x05\xff\xcc\xc8\xcd\x01\x00\xce\x00\x01\x00\x00"
        "\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xd0\x80\xd1\x80\x00\xd2\x80\x00\x00\x00"
        "\xd3\x80\x00\x00\x00\x00\x00\x00\x00\xa2hi\xd9\x01x\xc0\xc2\xc3"
        "\xca\x3f\xc0\x00\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xc4\x02zz\xd6\x01"
        "-1.5"
        "\xd6\xff"
        "1234\xc7\x00\x09\x92\x01\x81\xa1k\x02";
    struct bb_bytes all = {in, sizeof(in) - 1};
    struct bb_cur c = bb_cur_of(all);
    struct bb_tok t;
    static const int64_t want[] = {5, -1, 200, 256, 65536};

    for (size_t i = 0; i < COUNT(want); i++) {
        ck_assert_int_eq(bb_cur_next(&c, &t), 0);
        ck_assert_uint_eq(t.kind, BB_T_INT);
        ck_assert_int_eq(t.i, want[i]);
    }
    ck_assert_int_eq(bb_cur_next(&c, &t), 0);
    ck_assert_uint_eq(t.kind, BB_T_UINT);
    ck_assert(t.u == UINT64_MAX);
    static const int64_t low[] = {INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN};
    for (size_t i = 0; i < COUNT(low); i++) {
        ck_assert_int_eq(bb_cur_next(&c, &t), 0);
        ck_assert_int_eq(t.i, low[i]);
    }
    ck_assert_int_eq(bb_cur_next(&c, &t), 0);
    ck_assert(t.kind == BB_T_STR && is(t.s, "hi"));
    ck_assert_int_eq(bb_cur_next(&c, &t), 0);
    ck_assert(t.kind == BB_T_STR && is(t.s, "x"));
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_NIL);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_BOOL && t.i == 0);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_BOOL && t.i == 1);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_FLOAT && t.f == 1.5);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_FLOAT && t.f == 1.5);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_BIN && is(t.s, "zz"));
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_DECIMAL && is(t.s, "-1.5"));
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_EXT && t.i == -1 && is(t.s, "1234"));
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_EXT && t.i == 9 && t.s.len == 0);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_ARRAY && t.n == 2);
    ck_assert_int_eq(bb_cur_skip(&c), 0);
    ck_assert_int_eq(bb_cur_skip(&c), 0);
    ck_assert_ptr_eq(c.p, c.end);
    ck_assert_int_eq(bb_cur_next(&c, &t), -1);
}
END_TEST

START_TEST(cursor_hostile)
{
    static const struct {
        const char *p;
        size_t len;
    } bad[] = {{"\xc1", 1},
               {"\xdd\x0f\xff\xff\xff", 5},
               {"\xdf\x80\x00\x00\x00\x00\x00", 7},
               {"\x91", 1},
               {"\x82\x01\x02\x03", 4},
               {"\xdb\xff\xff\xff\xff"
                "a",
                6},
               {"\xc9\xff\xff\xff\xff\x01", 6},
               {"\xd9", 1},
               {"\xcf\x00\x00", 3},
               {"\xc7\x01", 2},
               {"\xd8\x01"
                "123",
                5},
               {"\xa5"
                "1234",
                5},
               {"", 0},
               {"\x92\x91\x91\x01", 4}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char *copy = malloc(bad[i].len + !bad[i].len);
        struct bb_bytes in = {copy, bad[i].len};
        struct bb_cur c = bb_cur_of(in);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, bad[i].p, bad[i].len);
        ck_assert_msg(bb_cur_skip(&c) == -1, "case %zu", i);
        ck_assert_ptr_eq(c.p, copy);
        ck_assert_int_eq(bb_value_check(in, &fault), -1);
        free(copy);
    }
    /* a million levels cost no stack to skip, and the check stops at its limit */
    for (int i = 0; i < 1000000; i++)
        bb_buf_put(&out, "\x91", 1);
    bb_put_nil(&out);
    struct bb_cur c = bb_cur_of(held());
    ck_assert_int_eq(bb_cur_skip(&c), 0);
    ck_assert_int_eq(bb_value_check(held(), &fault), -1);
    ck_assert_uint_eq(fault.offset, BB_DEPTH_MAX);
}
END_TEST

START_TEST(lookups)
{
    /* {"a/b": 1, "m~n": [10, {"x": true}], "": "e"} */
    static const char in[] = "\x83\xa3"
                             "a/b\x01\xa3m~n\x92\x0a\x81\xa1x\xc3\xa0\xa1"
                             "e";
    struct bb_bytes v = {in, sizeof(in) - 1}, got, s;
    int64_t i;
    int b;

    ck_assert_int_eq(bb_map_get(v, "a/b", &got), 1);
    ck_assert(bb_as_int(got, &i) == 1 && i == 1);
    ck_assert(bb_as_str(got, &s) == 0 && bb_as_bool(got, &b) == 0);
    ck_assert_int_eq(bb_map_get(v, "zz", &got), 0);
    ck_assert_int_eq(bb_map_get(lit("\x01"), "zz", &got), -1);
    ck_assert(bb_pointer_get(v, "", &got) == 1 && got.len == v.len);
    ck_assert(bb_pointer_get(v, "/a~1b", &got) == 1 && bb_as_int(got, &i) && i == 1);
    ck_assert(bb_pointer_get(v, "/m~0n/0", &got) == 1 && bb_as_int(got, &i) && i == 10);
    ck_assert(bb_pointer_get(v, "/m~0n/1/x", &got) == 1 && bb_as_bool(got, &b) && b == 1);
    ck_assert(bb_pointer_get(v, "/", &got) == 1 && bb_as_str(got, &s) && is(s, "e"));
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/2", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/-", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/01", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/4294967296", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/a~1b/x", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "a", &got), -1);
    ck_assert_int_eq(bb_pointer_get(v, "/zz~2", &got), -1);
    ck_assert_int_eq(bb_pointer_get(v, "/zz~", &got), -1);
    v.len--;
    ck_assert_int_eq(bb_pointer_get(v, "/", &got), -1);
}
END_TEST

START_TEST(value_checks)
{
    static const struct {
        const char *p;
        size_t len;
        const char *says; /* NULL: canonical */
        size_t offset;
    } cases[] = {
        {"\xcd\x00\x01", 3, NULL, 0},
        {"\xde\x00\x01\xd9\x01x\xdc\x00\x00", 9, NULL, 0},
        {"\xd6\x01"
         "-1.5",
         6, NULL, 0},
        {"\xc7\x02\x01"
         "-0",
         5, NULL, 0},
        {"\x92\x01\xca\x00\x00\x00\x00", 7, "float", 2},
        {"\xc4\x00", 2, "bin", 0},
        {"\x91\xd4\xff"
         "1",
         4, "ext", 1},
        {"\xd4\x01"
         "5",
         3, "fits an integer", 0},
        {"\xd5\x01"
         "1.",
         4, "not a JSON number", 0},
        {"\xd6\x01"
         "01.5",
         6, "not a JSON number", 0},
        {"\xd6\x01"
         "1.5 ",
         6, "not a JSON number", 0},
        {"\xc7\x00\x01", 3, "not a JSON number", 0},
        {"\xd5\x01"
         "In",
         4, "not a JSON number", 0},
        {"\xa3"
         "ab\xff",
         4, "UTF-8", 3},
        {"\xa3\x61\xff\x62", 4, "UTF-8", 2},
        {"\xa9\x61\xff\x62\x63\x64\x65\x66\x67\x68", 10, "UTF-8", 2},
        {"\xa6\x61\x62\x63\x64\xff\x66", 7, "UTF-8", 5},
        {"\xb1\xff\x62\x63\x64\x65\x66\x67\x68\x61\x62\x63\x64\x65\x66\x67\x68\x69", 18, "UTF-8",
         1},
        {"\xa2\xc3", 2, "token", 0},
        {"\x81\x01\x02", 3, "key must be a string", 1},
        {"\x81\xa1\xff\x02", 4, "UTF-8", 2},
        {"\x82\xa1"
         "a\x01\xa1"
         "a\x02",
         7, "duplicate key \"a\"", 4},
        {"\x82\xa1"
         "a\x01\xd9\x01"
         "a\x02",
         8, "duplicate key \"a\"", 4},
        {"\x82\xa1"
         "a\x81\xa1"
         "a\x01\xa1"
         "b\x02",
         10, NULL, 0},
        {"\x01\x01", 2, "after the end", 1},
        {"\x92\x01", 2, "token", 0},
        {"\x92\x01\x91", 3, "token", 2},
        {"\xc1", 1, "not msgpack", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bb_bytes v = {cases[i].p, cases[i].len};
        int status = bb_value_check(v, &fault);
        ck_assert_msg(status == (cases[i].says ? -1 : 0), "case %zu: %s", i, fault.text);
        ck_assert_int_eq(bb_value_check(v, NULL), status);
        if (status == 0)
            continue;
        ck_assert_msg(strstr(fault.text, cases[i].says) != NULL, "case %zu: %s", i, fault.text);
        ck_assert_msg(fault.offset == cases[i].offset, "case %zu: %zu", i, fault.offset);
    }
}
END_TEST

START_TEST(decimals)
{
    static const struct {
        const char *text, *packed; /* NULL: refused */
    } cases[] = {{"1.50", "\xd6\x01"
                          "1.50"},
                 {"7", "\x07"},
                 {"-0", "\xd5\x01"
                        "-0"},
                 {"-7", "\xf9"},
                 {"1.", NULL},
                 {"", NULL},
                 {"abc", NULL},
                 {"1e5", "\xc7\x03\x01"
                         "1e5"},
                 {"18446744073709551615", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"},
                 {" 1", NULL},
                 {"1 ", NULL},
                 {"+1", NULL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        bb_buf_reset(&out);
        bb_put_decimal(&out, cases[i].text, strlen(cases[i].text));
        ck_assert_int_eq(out.failed, cases[i].packed == NULL);
        if (cases[i].packed)
            ck_assert(is(held(), cases[i].packed));
    }
}
END_TEST

/* ---- the envelope -------------------------------------------------------------------------------
 */
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
    Suite *s = suite_create("message");
    TCase *t = tcase_create("message");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, buffer);
    tcase_add_test(t, oracle);
    tcase_add_test(t, cursor_kinds);
    tcase_add_test(t, cursor_hostile);
    tcase_add_test(t, lookups);
    tcase_add_test(t, value_checks);
    tcase_add_test(t, decimals);
    tcase_add_test(t, envelope);
    tcase_add_test(t, envelope_faults);
    tcase_add_test(t, message_depth);
    tcase_add_test(t, envelope_twice);
    tcase_add_test(t, envelope_limits);
    tcase_add_test(t, ids);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

/*
 * test_decimal.c - decimals: text, limits, every mode, questions, msgpack
 *
 * The arithmetic at large is compared with python's decimal in decimal.sh; here are the edges.
 */
#include <busbar/decimal.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bb_fault fault;
static char text[BB_DECIMAL_TEXT];

static struct bb_decimal dec(const char *s)
{
    struct bb_decimal d;
    memset(&d, 0xa5, sizeof(d));
    memset(&fault, 0, sizeof(fault));
    ck_assert_msg(bb_decimal_parse(&d, s, strlen(s), &fault) == 0, "%s: %s", s, fault.text);
    return d;
}

static const char *str(const struct bb_decimal *d)
{
    ck_assert_uint_eq(bb_decimal_format(d, text), strlen(text));
    return text;
}

static const struct {
    const char *in, *out;
} texts[] = {
    {"0", "0"},
    {"-0", "0"},
    {"-0.00", "0.00"},
    {"1.50", "1.50"},
    {"-1.5e1", "-15"},
    {"1e3", "1000"},
    {"1E-3", "0.001"},
    {"12.5E+2", "1250"},
    {"0e99999999999999999999", "0"},
    {"0.000e2", "0.0"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"-9223372036854775809", "-9223372036854775809"},
    {"18446744073709551615", "18446744073709551615"},
    {"18446744073709551616", "18446744073709551616"},
    {"0.0000000000000000000000000000001", "0.0000000000000000000000000000001"},
    {"1234567890123456789.0", "1234567890123456789.0"},
    {"12345678901234567890.123456789012345678901234567890e-5",
     "123456789012345.67890123456789012345678901234567890"},
    {"1e40", "10000000000000000000000000000000000000000"},
};

START_TEST(text_in_out)
{
    struct bb_decimal d = dec(texts[_i].in);
    ck_assert_str_eq(str(&d), texts[_i].out);
}
END_TEST

static const struct {
    const char *in, *part;
    size_t offset;
} bad[] = {
    {"", "1 to 4096 characters", 0}, {"+1", "is no number", 0},
    {"1.", "character 3", 2},        {".5", "is no number", 0},
    {"1,5", "character 2", 1},       {"01", "character 2", 1},
    {"1e", "character 3", 2},        {"1 ", "character 2", 1},
    {"NaN", "is no number", 0},      {"0x10", "character 2", 1},
    {"1e4090", "out of range", 0},   {"1e999999999999999999999", "out of range", 0},
    {"1e-4081", "out of range", 0},  {"1e-99999999999", "out of range", 0},
};

START_TEST(text_bad)
{
    struct bb_decimal d;
    memset(&fault, 0, sizeof(fault));
    bb_decimal_set_int(&d, 7);
    if (strstr(bad[_i].in, "e4090")) { /* caught by its digits, not its exponent */
        ck_assert_int_eq(bb_decimal_parse(&d, bad[_i].in, strlen(bad[_i].in), &fault), -1);
        ck_assert_ptr_nonnull(strstr(fault.text, "4,084 digits"));
        return;
    }
    ck_assert_int_eq(bb_decimal_parse(&d, bad[_i].in, strlen(bad[_i].in), &fault), -1);
    ck_assert_msg(strstr(fault.text, bad[_i].part) != NULL, "%s: %s", bad[_i].in, fault.text);
    ck_assert_uint_eq(fault.offset, bad[_i].offset);
    ck_assert_int_eq(bb_decimal_parse(&d, bad[_i].in, strlen(bad[_i].in), NULL), -1);
    ck_assert_str_eq(str(&d), "7"); /* untouched */
}
END_TEST

/* The widest of all: what is at the limit works, one step further is an error, nothing breaks. */
START_TEST(limits)
{
    char nines[4097];
    struct bb_decimal a, b, c, one = dec("1");
    struct bb_buf buf;

    memset(nines, '9', sizeof(nines));
    ck_assert_int_eq(bb_decimal_parse(&a, nines, 4084, &fault), 0);
    ck_assert_int_eq(bb_decimal_parse(&b, nines, 4086, &fault), -1);
    ck_assert_int_eq(bb_decimal_parse(&b, nines, 4096, &fault), -1);
    ck_assert_int_eq(bb_decimal_parse(&b, nines, 4097, &fault), -1);
    ck_assert_int_eq(bb_decimal_multiply(&b, &a, &a, &fault), -1);
    ck_assert_ptr_nonnull(strstr(fault.text, "more than 4,084 digits"));
    /* 9..9 * 9..9 / 9..9 passes through 8,168 digits and comes back */
    ck_assert_int_eq(bb_decimal_scale(&b, &a, &a, &a, BB_SCALE_EXACT, 0, &fault), 0);
    ck_assert_int_eq(bb_decimal_compare(&a, &b), 0);
    ck_assert_int_eq(bb_decimal_scale(&b, &a, &a, &a, 0, BB_ROUND_DOWN, &fault), 0);
    ck_assert_int_eq(bb_decimal_compare(&a, &b), 0);
    b = dec("1e-4080");
    ck_assert_int_eq(bb_decimal_compare(&a, &b), 1);
    ck_assert_int_eq(bb_decimal_is_multiple(&a, &b), 1);
    ck_assert_int_eq(bb_decimal_is_multiple(&b, &a), 0);
    ck_assert_int_eq(bb_decimal_add(&c, &a, &b, &fault), -1);
    ck_assert_int_eq(bb_decimal_multiply(&c, &b, &b, &fault), -1);
    ck_assert_ptr_nonnull(strstr(fault.text, "8160 decimal places"));
    ck_assert_int_eq(bb_decimal_scale(&c, &a, &a, &b, 4080, BB_ROUND_UP, &fault), -1);
    ck_assert_int_eq(bb_decimal_scale(&c, &b, &b, &a, 4080, BB_ROUND_UP, &fault), 0);
    ck_assert_int_eq(bb_decimal_compare(&c, &b), 0); /* rounded up to the least there is */
    ck_assert_int_eq(bb_decimal_scale(&c, &b, &b, &a, 4080, BB_ROUND_HALF_UP, &fault), 0);
    ck_assert_int_eq(bb_decimal_sign(&c), 0);
    ck_assert_int_eq(bb_decimal_scale(&c, &b, &b, &b, BB_SCALE_EXACT, 0, &fault), 0);
    ck_assert_int_eq(bb_decimal_compare(&c, &b), 0);
    /* every decimal fits a message */
    ck_assert_int_eq(bb_decimal_subtract(&c, &one, &a, &fault), 0);
    bb_buf_init(&buf, 1u << 16);
    bb_decimal_put(&buf, &c);
    ck_assert(!buf.failed);
    ck_assert_int_eq(bb_as_decimal((struct bb_bytes){buf.ptr, buf.len}, &a, &fault), 1);
    ck_assert_int_eq(bb_decimal_compare(&a, &c), 0);
    bb_buf_free(&buf);
}
END_TEST

/* Value, to scale 0, by mode in the header's order. */
static const struct {
    const char *in, *out[7];
} rounds[] = {
    {"2.5", {"2", "3", "2", "3", "2", "3", "2"}},
    {"3.5", {"4", "4", "3", "4", "3", "4", "3"}},
    {"-2.5", {"-2", "-3", "-2", "-3", "-2", "-2", "-3"}},
    {"2.51", {"3", "3", "3", "3", "2", "3", "2"}},
    {"2.49", {"2", "2", "2", "3", "2", "3", "2"}},
    {"-0.5", {"0", "-1", "0", "-1", "0", "0", "-1"}},
    {"0.000000000000000000000000000001", {"0", "0", "0", "1", "0", "1", "0"}},
    {"99999999999999999999.5",
     {"100000000000000000000", "100000000000000000000", "99999999999999999999",
      "100000000000000000000", "99999999999999999999", "100000000000000000000",
      "99999999999999999999"}},
    {"7.00", {"7", "7", "7", "7", "7", "7", "7"}},
};

START_TEST(rounding)
{
    struct bb_decimal in = dec(rounds[_i].in), one = dec("1"), out;

    for (int mode = 0; mode < 7; mode++) {
        ck_assert_int_eq(bb_round_mode(bb_round_name(mode)), mode);
        ck_assert_int_eq(bb_decimal_round(&out, &in, 0, mode, &fault), 0);
        ck_assert_str_eq(str(&out), rounds[_i].out[mode]);
        ck_assert_int_eq(bb_decimal_scale(&out, &in, &one, &one, 0, mode, &fault), 0);
        ck_assert_str_eq(str(&out), rounds[_i].out[mode]);
    }
}
END_TEST

START_TEST(rounding_bad)
{
    struct bb_decimal in = dec("1.5"), zero = dec("0.00"), out;

    ck_assert_int_eq(bb_round_mode("nearest"), -1);
    ck_assert_ptr_null(bb_round_name(7));
    ck_assert_ptr_null(bb_round_name(-1));
    ck_assert_int_eq(bb_decimal_round(&out, &in, -1, 0, &fault), -1);
    ck_assert_int_eq(bb_decimal_round(&out, &in, 4081, 0, &fault), -1);
    ck_assert_int_eq(bb_decimal_round(&out, &in, 0, 7, &fault), -1);
    ck_assert_int_eq(bb_decimal_scale(&out, &in, &in, &zero, 2, 0, &fault), -1);
    ck_assert_str_eq(fault.text, "division by zero");
    ck_assert_int_eq(bb_decimal_round(&in, &in, 4, 0, &fault), 0);
    ck_assert_str_eq(str(&in), "1.5000");
}
END_TEST

/* a * num / den, exactly: what it gives, NULL when it has no end. */
static const struct {
    const char *a, *num, *den, *out;
} factors[] = {
    {"12", "1", "12", "1"},
    {"1.50", "1000", "1", "1500"},
    {"6", "1", "12", "0.5"},
    {"1", "1", "3", NULL},
    {"9", "1", "3", "3"},
    {"0.00", "7", "3", "0"},
    {"-1", "1", "1024", "-0.0009765625"},
    {"1", "1", "0.00032", "3125"},
    {"100", "0.45359237", "1", "45.359237"},
    {"45.359237", "1", "0.45359237", "100"},
    {"7", "3", "0.21", "100"},
    {"1", "0.001", "1000000000000000000000000", "0.000000000000000000000000001"},
    {"123456789012345678901234567891", "3", "7", NULL},
    {"123456789012345678901234567890", "7", "70", "12345678901234567890123456789"},
};

START_TEST(scaling)
{
    struct bb_decimal a = dec(factors[_i].a), num = dec(factors[_i].num),
                      den = dec(factors[_i].den);
    int status = bb_decimal_scale(&a, &a, &num, &den, BB_SCALE_EXACT, 0, &fault);

    if (!factors[_i].out) {
        ck_assert_int_eq(status, -1);
        ck_assert_ptr_nonnull(strstr(fault.text, "has no end"));
        ck_assert_str_eq(str(&a), factors[_i].a);
        return;
    }
    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(str(&a), factors[_i].out);
}
END_TEST

START_TEST(sums)
{
    struct bb_decimal a = dec("0.1"), b = dec("0.20"), c;

    ck_assert_int_eq(bb_decimal_add(&c, &a, &b, &fault), 0);
    ck_assert_str_eq(str(&c), "0.30");
    ck_assert_int_eq(bb_decimal_subtract(&c, &a, &b, &fault), 0);
    ck_assert_str_eq(str(&c), "-0.10");
    ck_assert_int_eq(bb_decimal_subtract(&a, &a, &a, &fault), 0);
    ck_assert_str_eq(str(&a), "0.0");
    ck_assert_int_eq(bb_decimal_sign(&a), 0);
    ck_assert_int_eq(bb_decimal_subtract(&a, &b, &a, &fault), 0);
    ck_assert_str_eq(str(&a), "0.20");
    a = dec("18446744073709551615");
    ck_assert_int_eq(bb_decimal_add(&a, &a, &a, &fault), 0);
    ck_assert_str_eq(str(&a), "36893488147419103230");
    b = dec("-36893488147419103229");
    ck_assert_int_eq(bb_decimal_add(&a, &a, &b, &fault), 0);
    ck_assert_str_eq(str(&a), "1");
    a = dec("-1.20");
    ck_assert_int_eq(bb_decimal_multiply(&c, &a, &a, &fault), 0);
    ck_assert_str_eq(str(&c), "1.4400");
    bb_decimal_trim(&c);
    ck_assert_str_eq(str(&c), "1.44");
    c = dec("-100.0000000000000000000000000000000000000");
    bb_decimal_trim(&c);
    ck_assert_str_eq(str(&c), "-100");
}
END_TEST

static struct bb_bytes value(struct bb_buf *b, const char *number)
{
    bb_buf_reset(b);
    bb_put_decimal(b, number, strlen(number));
    ck_assert(!b->failed);
    return (struct bb_bytes){b->ptr, b->len};
}

static const struct {
    const char *a, *b;
    int order, multiple, integer; /* of a */
} pairs[] = {
    {"1", "1.0", 0, 1, 1},
    {"1.00", "1", 0, 1, 1},
    {"3", "2", 1, 0, 1},
    {"-9223372036854775808", "-1", -1, 1, 1},
    {"-9223372036854775808", "9223372036854775807", -1, 0, 1},
    {"18446744073709551615", "5", 1, 1, 1},
    {"0.0075", "0.0001", 1, 1, 0},
    {"0.00751", "0.0001", 1, 0, 0},
    {"1e308", "0.123456789", 1, 0, 1},
    {"1e-300", "1e-301", 1, 1, 0},
    {"4.5", "1.5", 1, 1, 0},
    {"0.1", "0.3", -1, 0, 0},
    {"-0.1", "0.1", -1, 1, 0},
    {"-7.5", "-7.25", -1, 0, 0},
    {"0", "0", 0, 1, 1},
    {"5", "0", 1, 0, 1},
    {"0.0", "3", -1, 1, 1},
    {"12345678901234567890123.5", "0.5", 1, 1, 0},
    {"1e20", "100000000000000000000", 0, 1, 1},
};

START_TEST(questions)
{
    struct bb_decimal a = dec(pairs[_i].a), b = dec(pairs[_i].b);
    struct bb_buf ba, bb;
    struct bb_bytes va, vb;
    int order = 9;

    ck_assert_int_eq(bb_decimal_compare(&a, &b), pairs[_i].order);
    ck_assert_int_eq(bb_decimal_compare(&b, &a), -pairs[_i].order);
    ck_assert_int_eq(bb_decimal_is_multiple(&a, &b), pairs[_i].multiple);
    ck_assert_int_eq(bb_decimal_is_integer(&a), pairs[_i].integer);
    bb_buf_init(&ba, 1u << 16);
    bb_buf_init(&bb, 1u << 16);
    va = value(&ba, pairs[_i].a);
    vb = value(&bb, pairs[_i].b);
    ck_assert_int_eq(bb_number_compare(va, vb, &order), 0);
    ck_assert_int_eq(order, pairs[_i].order);
    ck_assert_int_eq(bb_number_is_multiple(va, vb), pairs[_i].multiple);
    ck_assert_int_eq(bb_number_is_integer(va), pairs[_i].integer);
    bb_buf_free(&ba);
    bb_buf_free(&bb);
}
END_TEST

START_TEST(values)
{
    struct bb_buf b;
    struct bb_bytes one, none = {NULL, 0}, word, far;
    struct bb_decimal d;
    int64_t i = 0;
    int order;
    static const char huge[] = "\xc7\x06\x01"
                               "1e9999";

    bb_buf_init(&b, 1u << 16);
    d = dec("3.00");
    bb_decimal_put(&b, &d);
    ck_assert_uint_eq(b.len, 6); /* ext, fixed 4: its places are kept */
    ck_assert_int_eq(bb_decimal_to_int(&d, &i), 1);
    ck_assert_int_eq(i, 3);
    d = dec("3.01");
    ck_assert_int_eq(bb_decimal_to_int(&d, &i), 0);
    d = dec("-9223372036854775808.0");
    ck_assert_int_eq(bb_decimal_to_int(&d, &i), 1);
    ck_assert(i == INT64_MIN);
    d = dec("9223372036854775808");
    ck_assert_int_eq(bb_decimal_to_int(&d, &i), 0);
    d = dec("0.0");
    ck_assert_int_eq(bb_decimal_to_int(&d, &i), 1);
    ck_assert_int_eq(i, 0);
    bb_buf_reset(&b);
    d = dec("-9223372036854775808");
    bb_decimal_put(&b, &d);
    ck_assert_int_eq(bb_as_int((struct bb_bytes){b.ptr, b.len}, &i), 1);
    ck_assert(i == INT64_MIN);
    bb_buf_reset(&b);
    d = dec("-9223372036854775809");
    bb_decimal_put(&b, &d);
    ck_assert_int_eq(bb_as_int((struct bb_bytes){b.ptr, b.len}, &i), 0);
    ck_assert_int_eq(bb_as_decimal((struct bb_bytes){b.ptr, b.len}, &d, &fault), 1);
    ck_assert_str_eq(str(&d), "-9223372036854775809");

    one.ptr = "\x01";
    one.len = 1;
    word.ptr = "\xa1"
               "5";
    word.len = 2;
    far.ptr = huge;
    far.len = sizeof(huge) - 1;
    ck_assert_int_eq(bb_as_decimal(word, &d, &fault), 0);
    ck_assert_int_eq(bb_as_decimal(none, &d, &fault), 0);
    ck_assert_int_eq(bb_as_decimal(far, &d, &fault), -1);
    ck_assert_int_eq(bb_number_compare(one, word, &order), -1);
    ck_assert_int_eq(bb_number_compare(word, one, &order), -1);
    ck_assert_int_eq(bb_number_compare(one, far, &order), -1);
    ck_assert_int_eq(bb_number_is_multiple(word, one), -1);
    ck_assert_int_eq(bb_number_is_multiple(one, far), -1);
    ck_assert_int_eq(bb_number_is_integer(word), -1);
    ck_assert_int_eq(bb_number_is_integer(none), -1);
    ck_assert_int_eq(bb_number_is_integer(one), 1);
    bb_buf_free(&b);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
    Suite *s = suite_create("decimal");
    TCase *t = tcase_create("decimal");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, text_in_out, 0, COUNT(texts));
    tcase_add_loop_test(t, text_bad, 0, COUNT(bad));
    tcase_add_test(t, limits);
    tcase_add_loop_test(t, rounding, 0, COUNT(rounds));
    tcase_add_test(t, rounding_bad);
    tcase_add_loop_test(t, scaling, 0, COUNT(factors));
    tcase_add_test(t, sums);
    tcase_add_loop_test(t, questions, 0, COUNT(pairs));
    tcase_add_test(t, values);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

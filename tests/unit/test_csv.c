/*
 * test_csv.c - tables: every chunk border, every error, and back
 */
#include <busbar/csv.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct bb_buf seen; /* rows as text: fields in <>, rows end with ; */
static struct bb_fault fault;

static void setup(void)
{
    bb_buf_init(&seen, 1u << 20);
    memset(&fault, 0, sizeof(fault));
}

static void teardown(void)
{
    bb_buf_free(&seen);
}

static void row_note(const struct bb_csv *c)
{
    for (uint32_t i = 0; i < c->columns; i++) {
        struct bb_bytes s = bb_csv_field(c, i);
        bb_buf_put(&seen, "<", 1);
        bb_buf_put(&seen, s.ptr, s.len);
        bb_buf_put(&seen, ">", 1);
    }
    ck_assert_ptr_null(bb_csv_field(c, c->columns).ptr);
    bb_buf_put(&seen, ";", 1);
}

/* Reads the whole table in chunks of step bytes. 0, or -1 at the first error that ends it. */
static int table_read(struct bb_csv *c, const char *in, size_t len, size_t step)
{
    size_t at = 0;
    int status;

    bb_buf_reset(&seen);
    while (at < len) {
        size_t n = len - at < step ? len - at : step, used;
        char *copy = malloc(n);
        struct bb_bytes chunk = {copy, n};
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, in + at, n);
        status = bb_csv_read(c, chunk, &used, &fault);
        free(copy);
        at += used;
        if (status == 1)
            row_note(c);
        else if (status < 0 && c->broken)
            return -1;
        else if (status < 0)
            bb_buf_put(&seen, "!", 1);
        else
            ck_assert_uint_eq(used, n);
    }
    status = bb_csv_end(c, &fault);
    if (status == 1)
        row_note(c);
    if (status < 0 && !c->broken)
        bb_buf_put(&seen, "!", 1);
    if (status >= 0)
        ck_assert_int_eq(bb_csv_end(c, &fault), 0);
    return status < 0 && c->broken ? -1 : 0;
}

static const struct {
    const char *in, *rows;
    char delimiter;
    uint8_t header, ragged;
} good[] = {
    {"a,b\r\n1,2\r\n", "<a><b>;<1><2>;", 0, 0, 0},
    {"a,b\n1,2", "<a><b>;<1><2>;", 0, 0, 0},
    {"a,b\n1,2\n", "<1><2>;", 0, 1, 0},
    {"\xef\xbb\xbf"
     "a,b\n1,2\n",
     "<1><2>;", 0, 1, 0},
    {"\xef\xbb\xbf\"a\",b\n", "<a><b>;", 0, 0, 0},
    {"\xef\xbb\xbf", "", 0, 0, 0},
    {"", "", 0, 0, 0},
    {"\r\n\n\n", "", 0, 0, 0},
    {"a;b\n1,0;2\n", "<a><b>;<1,0><2>;", ';', 0, 0},
    {"a\tb\n", "<a><b>;", '\t', 0, 0},
    {"\"a,1\",\"b\"\"q\"\"\",\"c\r\nd\"\r\n", "<a,1><b\"q\"><c\r\nd>;", 0, 0, 0},
    {",\n,\n", "<><>;<><>;", 0, 0, 0},
    {"\"\"\n\"\"\n", "<>;<>;", 0, 0, 0},
    {"\"\",\n", "<><>;", 0, 0, 0},
    {"a,", "<a><>;", 0, 0, 0},
    {"\"\"\"\"", "<\">;", 0, 0, 0},
    {"a,b\n1\n1,2,3\n3,4\n", "<a><b>;!!<3><4>;", 0, 0, 0},
    {"a,b\n1\n1,2,3\n", "<a><b>;<1>;<1><2><3>;", 0, 0, 1},
    {"a\n\xff\nb\n", "<a>;!<b>;", 0, 0, 0},
    {"\xc3\xa4,\xe2\x82\xac\n", "<\xc3\xa4><\xe2\x82\xac>;", 0, 0, 0},
    {" a , b \n", "< a >< b >;", 0, 0, 0},
    {"a\n1,2", "<a>;!", 0, 0, 0},
    {"ab", "<ab>;", 0, 0, 0},
    {"\xef\xbb\xbd\n", "<\xef\xbb\xbd>;", 0, 0, 0},
};

START_TEST(tables)
{
    struct bb_csv_options o = {
        .delimiter = good[_i].delimiter, .header = good[_i].header, .ragged = good[_i].ragged};
    size_t len = strlen(good[_i].in);

    for (size_t step = 1; step <= len + 1; step++) {
        struct bb_csv c;
        ck_assert_int_eq(bb_csv_init(&c, &o, &fault), 0);
        ck_assert_msg(table_read(&c, good[_i].in, len, step) == 0, "%s: %s", good[_i].in,
                      fault.text);
        bb_buf_put(&seen, "", 1);
        ck_assert_str_eq((char *)seen.ptr, good[_i].rows);
        bb_csv_free(&c);
    }
}
END_TEST

static const struct {
    const char *in;
    size_t len, offset;
    const char *says;
    uint8_t header;
} bad[] = {
#define BAD(s, at, text, header)                                                                   \
    {                                                                                              \
        s, sizeof(s) - 1, at, text, header                                                         \
    }
    BAD("a,b\"c\n", 3, "line 1, column 2: a quote inside", 0),
    BAD("a\n\"b\"c\n", 5, "line 2, column 1: text after", 0),
    BAD("a\rb\n", 2, "CR without LF", 0),
    BAD("a\r", 2, "CR without LF", 0),
    BAD("\"x\ny", 4, "line 2, column 1: the table ends inside", 0),
    BAD("a\x00"
        "b",
        1, "NUL", 0),
    BAD("\"\x00", 1, "NUL", 0),
    BAD("\"a\"\x00", 3, "NUL", 0),
    BAD("a,a\n1,2\n", 3, "two columns are named \"a\"", 1),
    BAD("a,\n1,2\n", 2, "column 2 has no name", 1),
    BAD("a,\xff\n1,2\n", 3, "line 1, column 2: byte 0xff", 1),
};

START_TEST(broken)
{
    struct bb_csv_options o = {.header = bad[_i].header};

    for (size_t step = 1; step <= bad[_i].len; step++) {
        struct bb_csv c;
        size_t used;
        ck_assert_int_eq(bb_csv_init(&c, &o, &fault), 0);
        ck_assert_int_eq(table_read(&c, bad[_i].in, bad[_i].len, step), -1);
        ck_assert_msg(strstr(fault.text, bad[_i].says) != NULL, "%s", fault.text);
        ck_assert_msg(fault.offset == bad[_i].offset, "%s: %zu", fault.text, fault.offset);
        ck_assert_int_eq(bb_csv_read(&c, (struct bb_bytes){"a\n", 2}, &used, &fault), -1);
        ck_assert_int_eq(bb_csv_end(&c, &fault), -1);
        bb_csv_free(&c);
    }
}
END_TEST

START_TEST(limits)
{
    struct bb_csv_options o = {.field_max = 4, .row_max = 8, .columns_max = 3};
    static const struct {
        const char *in;
        int status;
        size_t offset;
    } cases[] = {{"1234,5678\n", 0, 0},  {"12345\n", -1, 4},      {"123,456,789\n", -1, 10},
                 {"1,2,3\n", 0, 0},      {"1,2,3,4\n", -1, 7},    {"\"1234\"\n", 0, 0},
                 {"\"12345\"\n", -1, 5}, {"\"12\"\"4\"\n", 0, 0}, {"\"123\"\"\"\"\"\n", -1, 7}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t step = 1; step < 13; step++) {
            struct bb_csv c;
            ck_assert_int_eq(bb_csv_init(&c, &o, &fault), 0);
            ck_assert_msg(table_read(&c, cases[i].in, strlen(cases[i].in), step) == cases[i].status,
                          "%s", cases[i].in);
            if (cases[i].status)
                ck_assert_uint_eq(fault.offset, cases[i].offset);
            bb_csv_free(&c);
        }
    struct bb_csv c;
    o.delimiter = '"';
    ck_assert_int_eq(bb_csv_init(&c, &o, &fault), -1);
    bb_csv_free(&c);
}
END_TEST

START_TEST(names_and_lines)
{
    static const char in[] = "item,text\n\nA,\"x\ny\"\nB,z\n";
    struct bb_csv_options o = {.header = 1};
    struct bb_csv c;
    struct bb_bytes chunk = {in, sizeof(in) - 1};
    size_t used, at = 0;

    ck_assert_int_eq(bb_csv_init(&c, &o, &fault), 0);
    ck_assert_int_eq(bb_csv_read(&c, chunk, &used, &fault), 1);
    ck_assert_uint_eq(c.line, 3);
    ck_assert_uint_eq(c.row, 1);
    ck_assert_int_eq(bb_csv_column(&c, "text"), 1);
    ck_assert_int_eq(bb_csv_column(&c, "tex"), -1);
    ck_assert(memcmp(bb_csv_name(&c, 0).ptr, "item", 4) == 0);
    at = used;
    chunk.ptr = in + at;
    chunk.len = sizeof(in) - 1 - at;
    ck_assert_int_eq(bb_csv_read(&c, chunk, &used, &fault), 1);
    ck_assert_uint_eq(c.line, 5);
    ck_assert_uint_eq(c.row, 2);
    ck_assert_uint_eq(at + used, sizeof(in) - 1);
    bb_csv_free(&c);
}
END_TEST

START_TEST(writes)
{
    struct bb_bytes row[] = {{"a", 1},      {"b,c", 3}, {"d\"e", 3},
                             {"f\r\ng", 4}, {NULL, 0},  {"h;", 2}};
    struct bb_bytes empty = {"", 0}, nul = {"a\0b", 3}, raw = {"\xff", 1};

    ck_assert_int_eq(bb_csv_write(&seen, 0, row, 6, &fault), 0);
    ck_assert_int_eq(bb_csv_write(&seen, ';', row, 6, &fault), 0);
    ck_assert_int_eq(bb_csv_write(&seen, ',', &empty, 1, &fault), 0);
    ck_assert_int_eq(bb_csv_write(&seen, ',', &nul, 1, &fault), -1);
    ck_assert_int_eq(bb_csv_write(&seen, ',', &raw, 1, &fault), -1);
    bb_buf_put(&seen, "", 1);
    ck_assert_str_eq((char *)seen.ptr, "a,\"b,c\",\"d\"\"e\",\"f\r\ng\",,h;\r\n"
                                       "a;b,c;\"d\"\"e\";\"f\r\ng\";;\"h;\"\r\n\"\"\r\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("csv");
    TCase *t = tcase_create("csv");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, tables, 0, (int)(sizeof(good) / sizeof(good[0])));
    tcase_add_loop_test(t, broken, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_test(t, limits);
    tcase_add_test(t, names_and_lines);
    tcase_add_test(t, writes);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

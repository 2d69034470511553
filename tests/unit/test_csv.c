/*
 * test_csv.c - tables: every chunk border, every error, and back
 */
#include <busbar/csv.h>
#include <busbar/json.h>
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
    struct bb_csv_options semicolon = {.delimiter = ';'};

    ck_assert_int_eq(bb_csv_write(&seen, NULL, row, 6, &fault), 0);
    ck_assert_int_eq(bb_csv_write(&seen, &semicolon, row, 6, &fault), 0);
    ck_assert_int_eq(bb_csv_write(&seen, NULL, &empty, 1, &fault), 0);
    ck_assert_int_eq(bb_csv_write(&seen, NULL, &nul, 1, &fault), -1);
    ck_assert_int_eq(bb_csv_write(&seen, NULL, &raw, 1, &fault), -1);
    bb_buf_put(&seen, "", 1);
    ck_assert_str_eq((char *)seen.ptr, "a,\"b,c\",\"d\"\"e\",\"f\r\ng\",,h;\r\n"
                                       "a;b,c;\"d\"\"e\";\"f\r\ng\";;\"h;\"\r\n\"\"\r\n");
}
END_TEST

/* ---- dialects -----------------------------------------------------------------------------------
 */

static const struct {
    struct bb_csv_options o;
    const char *in, *out; /* out: "!" and part of the text of the error that ends it */
} dialects[] = {
    {{.quote = '\''}, "'a''b',\"c\"\n", "<a'b><\"c\">;"},
    {{.no_quote = 1}, "a\"b,\"c\"\n", "<a\"b><\"c\">;"},
    {{.escape = BB_CSV_BACKSLASH}, "\"a\\\"b\\\\\",c\\,d\\\ne\n", "<a\"b\\><c,d\ne>;"},
    {{.escape = BB_CSV_BACKSLASH}, "\"a\"\"b\"\n", "!text after a closing quote"},
    {{.escape = BB_CSV_BACKSLASH}, "a\\", "!after a backslash"},
    {{.line_end = BB_CSV_CR}, "a,b\rc\n,\"d\re\"\r", "<a><b>;<c\n><d\re>;"},
    {{.line_end = BB_CSV_CR}, "a,b\r\r", "<a><b>;"},
    {{.comment = '#'}, "# x \"\na,#b\n#\n\n\"#c\",d\n#e", "<a><#b>;<#c><d>;"},
    {{.skip = 2}, "Report \"x\n\na,b\n", "<a><b>;"},
    {{.skip = 2}, "x\n", ""},
    {{.skip = 1, .header = 1}, "x;y;z\na,b\n1,2\n", "<1><2>;"},
    {{.trim = 1, .ragged = 1}, "  a b\t, \"c \" ,\t\n , \n \nd", "<a b><c ><>;<><>;<d>;"},
    {{.trim = 1}, "\"a\" \"b\"\n", "!text after a closing quote"},
    {{.trim = 1, .delimiter = '\t'}, " a \t b\n", "<a><b>;"},
    {{.comment = '#', .trim = 1}, "x\n  # a comment\n#c\n\"#d\"\n", "<x>;<#d>;"},
};

START_TEST(dialect)
{
    static const size_t steps[] = {1, 2, 3, 5, 1000};
    size_t len = strlen(dialects[_i].in);

    for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
        struct bb_csv c;
        const char *want = dialects[_i].out;
        int status;
        ck_assert_int_eq(bb_csv_init(&c, &dialects[_i].o, &fault), 0);
        status = table_read(&c, dialects[_i].in, len, steps[k]);
        bb_buf_put(&seen, "", 1);
        if (*want == '!') {
            ck_assert_int_eq(status, -1);
            ck_assert_msg(strstr(fault.text, want + 1) != NULL, "%s: %s", dialects[_i].in, fault.text);
        } else {
            ck_assert_msg(status == 0, "%s: %s", dialects[_i].in, fault.text);
            ck_assert_str_eq((char *)seen.ptr, want);
        }
        bb_csv_free(&c);
    }
}
END_TEST

START_TEST(dialect_writes)
{
    struct bb_bytes row[] = {{"#a", 2},  {" b", 2},   {"c\"d'", 4},
                             {"e\\", 2}, {"f\ng", 3}, {"h,i", 3}};
    static const struct {
        struct bb_csv_options o;
        const char *text;
    } rows[] = {{{.quote = '\''}, "#a, b,'c\"d''',e\\,'f\ng','h,i'\r\n"},
                {{.comment = '#', .trim = 1, .line_end = BB_CSV_LF},
                 "\"#a\",\" b\",\"c\"\"d'\",e\\,\"f\ng\",\"h,i\"\n"},
                {{.escape = BB_CSV_BACKSLASH}, "#a, b,\"c\\\"d'\",\"e\\\\\",\"f\ng\",\"h,i\"\r\n"},
                {{.no_quote = 1, .escape = BB_CSV_BACKSLASH, .comment = '#', .line_end = BB_CSV_CR},
                 "\\#a, b,c\"d',e\\\\,f\\\ng,h\\,i\r"}};
    struct bb_csv_options bare = {.no_quote = 1};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bb_csv c;
        size_t used;
        struct bb_bytes all;
        bb_buf_reset(&seen);
        ck_assert_int_eq(bb_csv_write(&seen, &rows[i].o, row, 6, &fault), 0);
        bb_buf_put(&seen, "", 1);
        ck_assert_str_eq((char *)seen.ptr, rows[i].text);
        all.ptr = seen.ptr;
        all.len = seen.len - 1;
        ck_assert_int_eq(bb_csv_init(&c, &rows[i].o, &fault), 0);
        ck_assert_int_eq(bb_csv_read(&c, all, &used, &fault), 1);
        ck_assert_uint_eq(c.columns, 6);
        for (uint32_t k = 0; k < 6; k++) {
            ck_assert_uint_eq(bb_csv_field(&c, k).len, row[k].len);
            ck_assert_mem_eq(bb_csv_field(&c, k).ptr, row[k].ptr, row[k].len);
        }
        bb_csv_free(&c);
    }
    ck_assert_int_eq(bb_csv_write(&seen, &bare, row, 6, &fault), -1);
    ck_assert_ptr_nonnull(strstr(fault.text, "without quotes"));
}
END_TEST

START_TEST(options)
{
    static const struct bb_csv_options wrong[] = {
        {.delimiter = '"'},  {.delimiter = '\n'}, {.quote = ','},
        {.comment = ','},    {.comment = '"'},    {.escape = 2},
        {.line_end = 3},     {.escape = 1, .quote = '\\'},
        {.trim = 1, .delimiter = ' '}};
    struct bb_bytes names[] = {{"x", 1}, {"y", 1}}, twice[] = {{"x", 1}, {"x", 1}};
    struct bb_bytes all = {"1,2\n", 4};
    struct bb_csv_options given = {.names = names, .n_names = 2};
    struct bb_csv c;
    size_t used;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_int_eq(bb_csv_init(&c, &wrong[i], &fault), -1);
        bb_csv_free(&c);
    }
    ck_assert_int_eq(bb_csv_init(&c, &given, &fault), 0);
    ck_assert_int_eq(bb_csv_read(&c, all, &used, &fault), 1);
    ck_assert_int_eq(bb_csv_column(&c, "y"), 1);
    bb_csv_free(&c);
    all.ptr = "1,2,3\n";
    all.len = 6;
    ck_assert_int_eq(bb_csv_init(&c, &given, &fault), 0);
    ck_assert_int_eq(bb_csv_read(&c, all, &used, &fault), -1);
    bb_csv_free(&c);
    given.names = twice;
    ck_assert_int_eq(bb_csv_init(&c, &given, &fault), -1);
    bb_csv_free(&c);
}
END_TEST

START_TEST(decimals)
{
    static const char *const good_ones[][2] = {
        {"1234,50", "1234.50"}, {" +5 ", "5"}, {"-,5", "-0.5"},     {"007,0", "7.0"},
        {"", "null"},           {"0", "0"},    {"1,5E3", "1.5E3"},  {"-12", "-12"},
        {"00", "0"},            {"12345678901234567890,123", "12345678901234567890.123"}};
    static const char *const bad_ones[] = {"1.234,50", "1,2,3", "x",  "1 000", "5-",
                                           ",",        "1,",    "--1", "+-1"};

    for (size_t i = 0; i < sizeof(good_ones) / sizeof(good_ones[0]); i++) {
        struct bb_bytes f = {good_ones[i][0], strlen(good_ones[i][0])}, v;
        struct bb_buf text;
        bb_buf_reset(&seen);
        bb_buf_init(&text, 1000);
        ck_assert_msg(bb_csv_decimal(f, ',', &seen, &fault) == 0, "%s: %s", good_ones[i][0],
                      fault.text);
        v.ptr = seen.ptr;
        v.len = seen.len;
        ck_assert_int_eq(bb_json_write(v, &text, &fault), 0);
        bb_buf_put(&text, "", 1);
        ck_assert_str_eq((char *)text.ptr, good_ones[i][1]);
        bb_buf_free(&text);
    }
    bb_buf_reset(&seen);
    for (size_t i = 0; i < sizeof(bad_ones) / sizeof(bad_ones[0]); i++) {
        struct bb_bytes f = {bad_ones[i], strlen(bad_ones[i])};
        ck_assert_msg(bb_csv_decimal(f, ',', &seen, &fault) == -1, "%s", bad_ones[i]);
        ck_assert_uint_eq(seen.len, 0);
    }
    bb_csv_decimal_put(&seen, (struct bb_bytes){"-1.50", 5}, ',');
    bb_csv_decimal_put(&seen, (struct bb_bytes){"7", 1}, ',');
    bb_buf_put(&seen, "", 1);
    ck_assert_str_eq((char *)seen.ptr, "-1,507");
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
    tcase_add_loop_test(t, dialect, 0, (int)(sizeof(dialects) / sizeof(dialects[0])));
    tcase_add_test(t, dialect_writes);
    tcase_add_test(t, options);
    tcase_add_test(t, decimals);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

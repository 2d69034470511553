/*
 * test_units.c - units: codes and schemes, exact conversion, items' own units, every refusal
 */
#include <busbar/units.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bb_fault fault;
static char text[BB_DECIMAL_TEXT];

static struct bb_decimal dec(const char *s)
{
    struct bb_decimal d;
    ck_assert_int_eq(bb_decimal_parse(&d, s, strlen(s), &fault), 0);
    return d;
}

/* The text of the result, or NULL with fault filled. */
static const char *convert(const char *quantity, const char *from, const char *to,
                           const struct bb_unit_rule *rule)
{
    struct bb_decimal q = dec(quantity), out;

    memset(&fault, 0, sizeof(fault));
    bb_decimal_set_int(&out, -77);
    if (bb_unit_convert(&out, &q, from, to, rule, &fault) != 0) {
        bb_decimal_format(&out, text);
        ck_assert_str_eq(text, "-77"); /* untouched */
        ck_assert_uint_gt(strlen(fault.text), 10);
        return NULL;
    }
    bb_decimal_format(&out, text);
    return text;
}

/* ---- codes ----------------------------------------------------------------------------------- */

static const struct {
    const char *code;
    int scheme;
    const char *unit, *part; /* what it is, or what the error says */
} codes[] = {
    {"KGM", BB_SCHEME_REC20, "KGM", NULL},
    {"H87", BB_SCHEME_REC20, "H87", NULL},
    {"23", BB_SCHEME_REC20, "23", NULL},
    {"L61", BB_SCHEME_REC20, NULL, "\"L61\" (pint (US dry)) was deleted from Rec 20; use PTD"},
    {"05", BB_SCHEME_REC20, NULL, "\"05\" (lift) was deleted from Rec 20"},
    {"Z9", BB_SCHEME_REC20, "Z9", NULL},
    {"ST", BB_SCHEME_REC20, NULL, "scheme \"sap\", say so: it means H87"},
    {"ST", BB_SCHEME_SAP, "H87", NULL},
    {"ST", BB_SCHEME_ISO, NULL, "packages have Rec 21 codes"},
    {"PCE", BB_SCHEME_REC20, NULL, "scheme \"iso\", say so: it means H87"},
    {"PCE", BB_SCHEME_ISO, "H87", NULL},
    {"PCE", BB_SCHEME_SAP, NULL, "no internal unit code of SAP"},
    {"KG", BB_SCHEME_SAP, "KGM", NULL},
    {"KG", BB_SCHEME_REC20, NULL, "was deleted from Rec 20; if it is a code of the scheme \"sap\""},
    {"G", BB_SCHEME_SAP, "GRM", NULL},
    {"L", BB_SCHEME_SAP, "LTR", NULL},
    {"M", BB_SCHEME_SAP, "MTR", NULL},
    {"M", BB_SCHEME_REC20, NULL, "is no Rec 20 code"},
    {"TAG", BB_SCHEME_SAP, "DAY", NULL},
    {"YD3", BB_SCHEME_SAP, "YDQ", NULL},
    {"\"", BB_SCHEME_SAP, "INH", NULL},
    {"KGM", BB_SCHEME_SAP, NULL, "no internal unit code of SAP"},
    {"KGM", BB_SCHEME_ISO, "KGM", NULL},
    {"OZ", BB_SCHEME_ISO, "OZ", NULL},
    {"BX", BB_SCHEME_REC20, NULL, "packages have Rec 21 codes"},
    {"kgm", BB_SCHEME_REC20, NULL, "is no Rec 20 code"},
    {"", BB_SCHEME_REC20, NULL, "is no Rec 20 code"},
    {"KGMX", BB_SCHEME_REC20, NULL, "is no Rec 20 code"},
    {"0", BB_SCHEME_REC20, NULL, "is no Rec 20 code"},
    {"\xff\xff\xff", BB_SCHEME_REC20, NULL, "is no Rec 20 code"},
};

START_TEST(lookup)
{
    const struct bb_unit *u = NULL;
    int status = bb_unit_get(codes[_i].code, strlen(codes[_i].code), codes[_i].scheme, &u, &fault);

    if (codes[_i].unit) {
        ck_assert_msg(status == 0, "%s: %s", codes[_i].code, fault.text);
        ck_assert_str_eq(u->code, codes[_i].unit);
    } else {
        ck_assert_int_eq(status, -1);
        ck_assert_ptr_null(u);
        ck_assert_msg(strstr(fault.text, codes[_i].part) != NULL, "%s", fault.text);
    }
}
END_TEST

/* Every row is found under its own code, and the codes stand in order. */
START_TEST(table)
{
    const struct bb_unit *u, *found, *before = NULL;
    size_t n, dead = 0;

    for (n = 0; (u = bb_unit_at(n)) != NULL; n++) {
        int status = bb_unit_get(u->code, strlen(u->code), BB_SCHEME_REC20, &found, &fault);
        ck_assert_int_eq(status, u->status == BB_UNIT_DELETED ? -1 : 0);
        ck_assert(status != 0 || found == u);
        ck_assert(!before || strcmp(before->code, u->code) < 0);
        ck_assert_uint_gt(strlen(u->name), 0);
        if (u->status == BB_UNIT_EXACT)
            ck_assert(u->num && u->den && *u->dimension);
        dead += u->status == BB_UNIT_DELETED;
        before = u;
    }
    ck_assert_uint_eq(n, 2136);
    ck_assert_uint_eq(dead, 309);
    ck_assert_int_eq(bb_unit_scheme("sap"), BB_SCHEME_SAP);
    ck_assert_int_eq(bb_unit_scheme("rec20"), BB_SCHEME_REC20);
    ck_assert_int_eq(bb_unit_scheme("iso"), BB_SCHEME_ISO);
    ck_assert_int_eq(bb_unit_scheme("SAP"), -1);
}
END_TEST

/* ---- by Rec 20 ------------------------------------------------------------------------------- */

static const struct {
    const char *quantity, *from, *to, *out; /* NULL: an error that holds part */
    const char *part;
} exact[] = {
    {"1", "KGM", "GRM", "1000", NULL},
    {"1.50", "KGM", "GRM", "1500", NULL},
    {"1.50", "KGM", "KGM", "1.50", NULL}, /* nothing to do: as it is written */
    {"100", "LBR", "KGM", "45.359237", NULL},
    {"45.359237", "KGM", "LBR", "100", NULL},
    {"1", "KGM", "LBR", NULL, "KGM to LBR: the quotient has no end"},
    {"16", "ONZ", "LBR", "1", NULL}, /* by the definition, not the rounding that is printed */
    {"1", "GLL", "LTR", "3.785411784", NULL},
    {"8", "PTL", "GLL", "1", NULL},
    {"1", "GLI", "LTR", "4.54609", NULL},
    {"36", "INH", "YRD", "1", NULL},
    {"7200", "SEC", "HUR", "2", NULL},
    {"3600", "LTR", "DMQ", "3600", NULL},
    {"36", "MQH", "4X", "36", NULL},
    {"90", "D61", "DD", "1.5", NULL}, /* both are pi by something */
    {"1", "DD", "C81", NULL, "there is no factor"},
    {"144", "EA", "DZN", "12", NULL},
    {"5", "H87", "C62", "5", NULL},
    {"50", "P1", "NX", "500", NULL},
    {"1", "C62", "P1", NULL, "there is no factor"},
    {"1", "NU", "JOU", NULL, "there is no factor"}, /* torque is not energy */
    {"1", "KVA", "KWT", NULL, "there is no factor"},
    {"1", "NM3", "MTQ", NULL, "there is no factor"},
    {"1", "E64", "AD", "1024", NULL},
    {"20", "CEL", "KEL", "293.15", NULL},
    {"212", "FAH", "CEL", "100", NULL},
    {"-40.0", "CEL", "FAH", "-40", NULL},
    {"491.67", "A48", "CEL", "0", NULL},
    {"1", "FAH", "CEL", NULL, "the quotient has no end"},
    {"1", "KGM", "MTR", NULL, "KGM to MTR: there is no factor"},
    {"1", "APZ", "GRM", NULL, "Rec 20 has a wrong factor for APZ"},
    {"3", "APZ", "APZ", "3", NULL},
    {"1", "C63", "MTR", NULL, "only a rounded factor for C63"},
    {"1", "E51", "C62", NULL, "Rec 20 has no factor for E51"},
    {"2", "E51", "E51", "2", NULL},
    {"1", "ST", "H87", NULL, "ST to H87: \"ST\" was deleted"},
    {"1", "ST", "ST", NULL, "was deleted"},
    {"1", "KGM", "XYZ", NULL, "\"XYZ\" is no Rec 20 code"},
    {"1e4000", "MTR", "A71", "", NULL},
};

START_TEST(by_rec20)
{
    const char *out = convert(exact[_i].quantity, exact[_i].from, exact[_i].to, NULL);

    if (exact[_i].out && *exact[_i].out) {
        ck_assert_msg(out != NULL, "%s", fault.text);
        ck_assert_str_eq(out, exact[_i].out);
    } else if (exact[_i].part) {
        ck_assert_ptr_null(out);
        ck_assert_msg(strstr(fault.text, exact[_i].part) != NULL, "%s", fault.text);
    } else {
        ck_assert(out != NULL || strlen(fault.text) > 0);
    }
}
END_TEST

START_TEST(rounds_once)
{
    struct bb_unit_rule rule = {.scale = 3, .mode = BB_ROUND_HALF_EVEN};

    ck_assert_str_eq(convert("1", "KGM", "LBR", &rule), "2.205");
    ck_assert_str_eq(convert("-1", "KGM", "LBR", &rule), "-2.205");
    rule.mode = BB_ROUND_DOWN;
    ck_assert_str_eq(convert("1", "KGM", "LBR", &rule), "2.204");
    rule.mode = BB_ROUND_CEILING;
    ck_assert_str_eq(convert("-1", "KGM", "LBR", &rule), "-2.204");
    ck_assert_str_eq(convert("100", "FAH", "CEL", &rule), "37.778");
    rule.scale = 0;
    rule.mode = BB_ROUND_HALF_UP;
    ck_assert_str_eq(convert("0.4996", "KGM", "KGM", &rule), "0");
    /* 2.4999 t are 2499.9 kg are 2 t: one rounding, not 2500 kg and then 3 */
    ck_assert_str_eq(convert("2499.9", "KGM", "TNE", &rule), "2");
    rule.mode = 99;
    ck_assert_ptr_null(convert("1", "KGM", "GRM", &rule));
}
END_TEST

/* ---- an item's own units ----------------------------------------------------------------------
 */

static const struct bb_item_factor rows[] = {
    {"4711", "BOX", "EA", "12", "1"},  {"4711", "EA", "KGM", "0.250", "1"},
    {"4711", "XPX", "BOX", "40", "1"}, {"4712", "BOX", "EA", "10", "1"},
    {"4712", "MTR", "KGM", "1", "3"}, /* 3 m are 1 kg */
};
static const struct bb_item_factors items = {rows, sizeof(rows) / sizeof(rows[0])};

static const struct {
    const char *item, *quantity, *from, *to, *out, *part;
} chains[] = {
    {"4711", "1", "BOX", "EA", "12", NULL},
    {"4711", "24", "EA", "BOX", "2", NULL},
    {"4711", "3", "BOX", "DZN", "3", NULL},    /* BOX, EA, dozen */
    {"4711", "1", "XPX", "DZN", "40", NULL},   /* XPX, BOX, EA, dozen */
    {"4711", "1", "XPX", "TNE", "0.12", NULL}, /* XPX, BOX, EA, kg, t */
    {"4711", "120", "KGM", "XPX", "1", NULL},
    {"4711", "1000", "GRM", "H87", "4", NULL},
    {"4711", "1", "EA", "XPX", NULL, "item 4711: EA to XPX: the quotient has no end"},
    {"4711", "2.0", "BOX", "BOX", "2.0", NULL},
    {"4712", "1", "BOX", "DZN", NULL, "item 4712: BOX to DZN: the quotient has no end"},
    {"4712", "6", "BOX", "DZN", "5", NULL},
    {"4712", "1", "BOX", "KGM", NULL, "item 4712: BOX to KGM: there is no factor: add one"},
    {"4712", "600", "CMT", "GRM", "2000", NULL},
    {"4712", "1", "XPX", "EA", NULL, "item 4712: XPX to EA: \"XPX\" is no Rec 20 code"},
    {"4713", "1", "BOX", "EA", NULL, "item 4713: BOX to EA: \"BOX\" is no Rec 20 code"},
    {"4713", "1", "KGM", "EA", NULL, "item 4713: KGM to EA: there is no factor"},
    {NULL, "1", "KGM", "EA", NULL, "KGM to EA: there is no factor"},
};

START_TEST(by_item)
{
    struct bb_unit_rule rule = {BB_SCALE_EXACT, 0, chains[_i].item, &items};
    const char *out = convert(chains[_i].quantity, chains[_i].from, chains[_i].to, &rule);

    if (chains[_i].out) {
        ck_assert_msg(out != NULL, "%s", fault.text);
        ck_assert_str_eq(out, chains[_i].out);
    } else {
        ck_assert_ptr_null(out);
        ck_assert_msg(strstr(fault.text, chains[_i].part) != NULL, "%s", fault.text);
    }
}
END_TEST

static const struct {
    struct bb_item_factor row[3];
    const char *part; /* NULL: good */
    size_t at;
} tables[] = {
    {{{"1", "BOX", "EA", "12", "1"}, {"1", "CASE", "BOX", "4", "1"}}, NULL, 0},
    {{{"1", "BOX", "EA", "12", "1"}, {"1", "BOX", "EA", "10", "1"}}, "the item's other rows", 1},
    {{{"1", "BOX", "EA", "12", "1"}, {"1", "BOX", "H87", "12", "1"}}, "the item's other rows", 1},
    {{{"1", "BOX", "EA", "12", "1"}, {"1", "DZN", "BOX", "1", "1"}}, "the item's other rows", 1},
    {{{"1", "KGM", "GRM", "900", "1"}}, "convert already, by Rec 20", 0},
    {{{"1", "BOX", "BOX", "1", "1"}}, "convert already, by Rec 20", 0},
    {{{"1", "BOX", "EA", "0", "1"}}, "item 1: a factor must be above 0", 0},
    {{{"1", "BOX", "EA", "12", "-1"}}, "a factor must be above 0", 0},
    {{{"1", "BOX", "EA", "a dozen", "1"}}, "is no number", 0},
    {{{"1", "BOX", "EA", NULL, "1"}}, "a factor is missing", 0},
    {{{"1", "BX", "EA", "12", "1"}}, "\"BX\" (box) was deleted", 0},
    {{{"1", "", "EA", "12", "1"}}, "1 to 32 characters", 0},
    {{{"1", "BOX", NULL, "12", "1"}}, "1 to 32 characters", 0},
    {{{"1", "A-NAME-THAT-IS-FAR-TOO-LONG-FOR-ANY-UNIT", "EA", "12", "1"}}, "1 to 32", 0},
    {{{"", "BOX", "EA", "12", "1"}}, "a row without an item", 0},
    {{{"2", "BOX", "EA", "12", "1"}, {"1", "BOX", "EA", "12", "1"}}, "not sorted", 1},
    {{{"1", "CASE", "BOX", "4", "1"}, {"1", "BOX", "EA", "12", "1"}}, "not sorted", 1},
};

START_TEST(item_tables)
{
    struct bb_item_factors t = {tables[_i].row, 0};

    while (t.rows < 3 && t.row[t.rows].item)
        t.rows++;
    memset(&fault, 0, sizeof(fault));
    if (!tables[_i].part) {
        ck_assert_msg(bb_item_factors_check(&t, &fault) == 0, "%s", fault.text);
        return;
    }
    ck_assert_int_eq(bb_item_factors_check(&t, &fault), -1);
    ck_assert_msg(strstr(fault.text, tables[_i].part) != NULL, "%s", fault.text);
    ck_assert_uint_eq(fault.offset, tables[_i].at);
}
END_TEST

/* As many rows as there may be, and a chain through all of them; one more is refused. */
START_TEST(item_widest)
{
    static struct bb_item_factor many[BB_ITEM_UNITS_MAX + 1];
    static char names[BB_ITEM_UNITS_MAX + 2][16];
    struct bb_item_factors t = {many, BB_ITEM_UNITS_MAX};
    struct bb_unit_rule rule = {BB_SCALE_EXACT, 0, "X", &t};

    for (int i = 0; i <= BB_ITEM_UNITS_MAX + 1; i++)
        snprintf(names[i], sizeof(names[i]), "U%04d", i);
    for (int i = BB_ITEM_UNITS_MAX; i >= 0; i--)
        many[BB_ITEM_UNITS_MAX - i] =
            (struct bb_item_factor){"X", names[i], names[i + 1], "2", "1"};
    bb_item_factors_sort(many, BB_ITEM_UNITS_MAX + 1);
    ck_assert_msg(bb_item_factors_check(&t, &fault) == 0, "%s", fault.text);
    ck_assert_str_eq(convert("1", names[0], names[BB_ITEM_UNITS_MAX], &rule),
                     "18446744073709551616");
    ck_assert_str_eq(convert("18446744073709551616", names[BB_ITEM_UNITS_MAX], names[0], &rule),
                     "1");
    t.rows++;
    ck_assert_int_eq(bb_item_factors_check(&t, &fault), -1);
    ck_assert_ptr_nonnull(strstr(fault.text, "more than 64 rows"));
    ck_assert_uint_eq(fault.offset, 64);
}
END_TEST

START_TEST(shared_table)
{
    struct bb_decimal num, den;
    struct bb_unit_rule rule = {BB_SCALE_EXACT, 0, "4711", &items};

    ck_assert_int_eq(bb_item_factors_check(&items, &fault), 0);
    ck_assert_int_eq(bb_unit_factor(&num, &den, "XPX", "DZN", &rule, &fault), 0);
    ck_assert_int_eq(bb_decimal_scale(&num, &num, &num, &num, BB_SCALE_EXACT, 0, &fault), 0);
    ck_assert_int_eq(bb_unit_factor(&num, &den, "CEL", "KEL", &rule, &fault), -1);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
    Suite *s = suite_create("units");
    TCase *t = tcase_create("units");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, lookup, 0, COUNT(codes));
    tcase_add_test(t, table);
    tcase_add_loop_test(t, by_rec20, 0, COUNT(exact));
    tcase_add_test(t, rounds_once);
    tcase_add_loop_test(t, by_item, 0, COUNT(chains));
    tcase_add_loop_test(t, item_tables, 0, COUNT(tables));
    tcase_add_test(t, item_widest);
    tcase_add_test(t, shared_table);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

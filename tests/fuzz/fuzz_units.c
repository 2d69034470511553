/*
 * fuzz_units.c - any numbers, any unit codes, any item's table
 *
 * The input is lines: three numbers, two units, then rows of four words for an item's table. The
 * first byte chooses scale and mode. Asserted: what is read is written and read back the same;
 * sums and products can be undone; a result within its scale; a rounding is at most one off and on
 * its mode's side; a conversion there and back is the same where both are exact; a table that was
 * accepted converts each of its own rows both ways.
 */
#include <busbar/units.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)
#define ROWS 8

static void text_check(const struct bb_decimal *d)
{
    char text[BB_DECIMAL_TEXT];
    size_t n = bb_decimal_format(d, text);
    struct bb_decimal again;
    struct bb_buf b;
    int64_t i;

    MUST(n > 0 && n < BB_DECIMAL_TEXT && text[n] == 0);
    MUST(d->n <= BB_DECIMAL_LIMBS && d->scale <= BB_SCALE_MAX && (d->n || !d->negative));
    MUST(!d->n || d->limb[d->n - 1]);
    MUST(bb_decimal_parse(&again, text, n, NULL) == 0);
    MUST(again.scale == d->scale && bb_decimal_compare(&again, d) == 0);
    bb_buf_init(&b, 1u << 16);
    bb_decimal_put(&b, d);
    MUST(!b.failed);
    MUST(bb_value_check((struct bb_bytes){b.ptr, b.len}, NULL) == 0);
    MUST(bb_as_decimal((struct bb_bytes){b.ptr, b.len}, &again, NULL) == 1);
    MUST(bb_decimal_compare(&again, d) == 0);
    MUST(bb_number_is_integer((struct bb_bytes){b.ptr, b.len}) == bb_decimal_is_integer(d));
    bb_buf_free(&b);
    if (bb_decimal_to_int(d, &i)) {
        MUST(bb_decimal_is_integer(d));
        bb_decimal_set_int(&again, i);
        MUST(bb_decimal_compare(&again, d) == 0);
    }
    bb_decimal_copy(&again, d);
    bb_decimal_trim(&again);
    MUST(again.scale <= d->scale && bb_decimal_compare(&again, d) == 0);
}

static void round_check(const struct bb_decimal *a, int scale, int mode)
{
    struct bb_decimal r, off, one;

    if (bb_decimal_round(&r, a, scale, mode, NULL) != 0)
        return;
    MUST(r.scale == (uint32_t)scale);
    text_check(&r);
    if (bb_decimal_subtract(&off, &r, a, NULL) != 0)
        return;
    bb_decimal_set_uint(&one, 1);
    one.scale = (uint32_t)scale;
    int side = bb_decimal_sign(&off), negative = bb_decimal_sign(a) < 0;
    off.negative = 0;
    MUST(bb_decimal_compare(&off, &one) < 0);
    MUST(mode != BB_ROUND_FLOOR || side <= 0);
    MUST(mode != BB_ROUND_CEILING || side >= 0);
    MUST(mode != BB_ROUND_UP || (negative ? side <= 0 : side >= 0));
    MUST(mode != BB_ROUND_DOWN || (negative ? side >= 0 : side <= 0));
    if (mode <= BB_ROUND_HALF_DOWN && bb_decimal_add(&off, &off, &off, NULL) == 0)
        MUST(bb_decimal_compare(&off, &one) <= 0);
}

static void numbers_check(const struct bb_decimal *a, const struct bb_decimal *b,
                          const struct bb_decimal *c, int scale, int mode)
{
    struct bb_decimal x, y;

    if (bb_decimal_add(&x, a, b, NULL) == 0) {
        text_check(&x);
        if (bb_decimal_subtract(&y, &x, b, NULL) == 0)
            MUST(bb_decimal_compare(&y, a) == 0);
    }
    if (bb_decimal_multiply(&x, a, b, NULL) == 0 && bb_decimal_sign(b)) {
        text_check(&x);
        MUST(bb_decimal_is_multiple(&x, b) || !bb_decimal_is_integer(a));
        bb_decimal_set_uint(&y, 1);
        MUST(bb_decimal_scale(&x, &x, &y, b, BB_SCALE_EXACT, 0, NULL) == 0);
        MUST(bb_decimal_compare(&x, a) == 0);
    }
    if (bb_decimal_scale(&x, a, b, c, BB_SCALE_EXACT, 0, NULL) == 0) {
        text_check(&x);
        MUST(bb_decimal_sign(b) == 0 ||
             (bb_decimal_scale(&y, &x, c, b, BB_SCALE_EXACT, 0, NULL) == 0 &&
              bb_decimal_compare(&y, a) == 0));
    }
    if (bb_decimal_scale(&x, a, b, c, scale, mode, NULL) == 0)
        text_check(&x);
    MUST(bb_decimal_compare(a, b) == -bb_decimal_compare(b, a));
    round_check(a, scale, mode);
}

static void units_check(const struct bb_decimal *q, const char *from, const char *to,
                        struct bb_item_factor *row, size_t rows)
{
    struct bb_item_factors t = {row, rows};
    struct bb_unit_rule rule = {BB_SCALE_EXACT, 0, "i", NULL};
    const struct bb_unit *u;
    struct bb_decimal x, y;
    struct bb_fault err;

    for (int scheme = 0; scheme < 3; scheme++)
        if (bb_unit_get(from, strlen(from), scheme, &u, &err) == 0)
            MUST(u->status != BB_UNIT_DELETED);
        else
            MUST(strlen(err.text) > 10);
    bb_item_factors_sort(row, rows);
    if (bb_item_factors_check(&t, &err) == 0) {
        rule.factors = &t;
        for (size_t i = 0; i < rows; i++)
            MUST(bb_unit_factor(&x, &y, row[i].unit, row[i].base, &rule, &err) == 0 ||
                 strstr(err.text, "digits") || strstr(err.text, "places"));
    }
    if (bb_unit_convert(&x, q, from, to, &rule, &err) == 0) {
        text_check(&x);
        if (bb_unit_convert(&y, &x, to, from, &rule, &err) == 0)
            MUST(bb_decimal_compare(&y, q) == 0);
    } else {
        MUST(strstr(err.text, " to ") != NULL && strlen(err.text) < sizeof(err.text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *rest = text, *line[5], *word;
    struct bb_item_factor row[ROWS];
    struct bb_decimal d[3];
    size_t rows = 0;
    int good = 1;

    MUST(text != NULL);
    if (size)
        memcpy(text, data + 1, size - 1);
    text[size ? size - 1 : 0] = 0;
    for (int i = 0; i < 5; i++) {
        line[i] = strsep(&rest, "\n");
        if (!line[i])
            line[i] = text + strlen(text);
    }
    for (int i = 0; i < 3; i++) {
        good = bb_decimal_parse(&d[i], line[i], strlen(line[i]), NULL) == 0 && good;
        if (good)
            text_check(&d[i]);
    }
    while (rest && rows < ROWS) {
        char *one = strsep(&rest, "\n"), *words[4] = {NULL};
        for (int i = 0; i < 4 && (word = strsep(&one, " ")) != NULL; i++)
            words[i] = word;
        if (!words[1])
            break;
        row[rows++] = (struct bb_item_factor){"i", words[0], words[1], words[2], words[3]};
    }
    if (good) {
        numbers_check(&d[0], &d[1], &d[2], data[0] % 12 == 11 ? 4000 : data[0] % 12,
                      data[0] / 12 % 7);
        units_check(&d[0], line[3], line[4], row, rows);
    }
    free(text);
    return 0;
}

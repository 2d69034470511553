/*
 * convert.c - the rule convert: a number and its unit into another unit
 *
 * The code that is there is read in its scheme (SAP's ST is a piece, Rec 20's was a sheet); units that only
 * an item knows (1 BOX = 12 H87) come from a table. There is no factor but those of Rec 20 and of the table:
 * what cannot be converted fails, with item and units. Without `to` only the code is translated.
 *
 * Thread: any. Ownership: the factors' texts lie in one block of the rule's.
 */
#include "core/transform/map/map.h"

#include <busbar/units.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 1000000u
#define CODE_MAX (BB_ITEM_UNIT_LENGTH + 1)
#define ITEM_MAX 256

struct factors {
    struct bb_item_factors t;
    struct bb_item_factor *rows;
    struct bb_buf block; /* the texts, NUL-terminated */
};
struct convert {
    struct bb_rule head;
    struct bb_path at, value, unit, item; /* at: of both, value and unit inside it */
    char *to, *scheme_name;
    int scheme;
    int64_t places; /* plus one, 0: exact */
    int rounding;   /* plus one */
    int optional;
    struct {
        struct bb_bytes value;
        const char *file;
    } source; /* of the factors, until check() */
    struct factors factors;
};

/* ---- the table of factors --------------------------------------------------------------------------- */
static const char *const columns[] = {"item", "unit", "base", "num", "den"};

static int source_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct convert *p = (struct convert *)(void *)((char *)member - a->offset);
    struct bb_bytes text;

    p->source.value = v;
    return bb_as_str(v, &text) == 1 ? bb_compile_file(m->c, v, &p->source.value, &p->source.file) : 0;
}
static const struct bb_arg_kind arg_source = {source_read, NULL, NULL};

/* One cell as a text in the block: its place, or SIZE_MAX said. */
static size_t cell_text(struct bb_map_compile *m, struct factors *f, struct bb_bytes row,
                        struct bb_bytes header, const char *name)
{
    size_t at = f->block.len;
    struct bb_bytes v, text;
    struct bb_tok t;
    char small[32];

    if (!bb_table_cell(row, header, name, &v)) {
        if (strcmp(name, "den") != 0) {
            bb_compile_say(m->c, "the row has no \"%s\"; a row has item, unit, base, num and perhaps den",
                           name);
            return SIZE_MAX;
        }
        bb_buf_put(&f->block, "1", 2);
        return at;
    }
    if (!bb_scalar_of(v, &t) || !bb_scalar_text(&t, small, &text) || memchr(text.ptr, 0, text.len)) {
        bb_compile_say(m->c, "\"%s\" is no text or number", name);
        return SIZE_MAX;
    }
    bb_buf_put(&f->block, text.ptr, text.len);
    bb_buf_put(&f->block, "", 1);
    return at;
}

/* A header or not, the rows behind it: how many there are at *c. */
static int rows_begin(struct bb_map_compile *m, struct bb_bytes source, struct bb_cur *c, uint32_t *n,
                      struct bb_bytes *header)
{
    struct bb_cur first, in;
    struct bb_bytes row;
    uint32_t k;

    *header = (struct bb_bytes){NULL, 0};
    if (!bb_group_of(source, BB_T_ARRAY, c, n) || *n == 0 || *n > ROWS_MAX)
        return bb_compile_say(m->c, "takes a list of maps {item, unit, base, num, den}, or the name of a .csv "
                                    "or .yaml file with these columns");
    first = *c;
    if (bb_cur_value(&first, &row) == 0 && bb_group_of(row, BB_T_ARRAY, &in, &k)) {
        *header = row;
        *c = first;
        --*n;
    }
    return 0;
}

/* Reads all rows as places in the block, five a row. */
static int rows_read(struct bb_map_compile *m, struct factors *f, struct bb_cur *c, uint32_t n,
                     struct bb_bytes header, size_t *places)
{
    struct bb_bytes row;
    int rc = 0;

    for (uint32_t k = 0; k < n && rc == 0; k++) {
        bb_compile_down_n(m->c, k + (header.ptr != NULL));
        if (bb_cur_value(c, &row) != 0)
            rc = bb_compile_say(m->c, "damaged configuration");
        for (uint32_t i = 0; i < 5 && rc == 0; i++) {
            places[5 * (size_t)k + i] = cell_text(m, f, row, header, columns[i]);
            rc = places[5 * (size_t)k + i] == SIZE_MAX ? -1 : 0;
        }
        bb_compile_up(m->c);
    }
    if (rc == 0 && f->block.failed)
        rc = bb_compile_say(m->c, "the table is too large");
    return rc;
}

/* Sorts and checks; the fault is said at its row. */
static int rows_check(struct bb_map_compile *m, struct factors *f, uint32_t n, bool header,
                      const size_t *places)
{
    struct bb_fault why = {0, ""};
    uint32_t row = 0;
    int rc;

    for (uint32_t k = 0; k < n; k++) {
        const char *s[5];

        for (uint32_t i = 0; i < 5; i++)
            s[i] = (const char *)f->block.ptr + places[5 * (size_t)k + i];
        f->rows[k] = (struct bb_item_factor){s[0], s[1], s[2], s[3], s[4]};
    }
    bb_item_factors_sort(f->rows, n);
    f->t = (struct bb_item_factors){f->rows, n};
    rc = bb_item_factors_check(&f->t, &why);
    if (rc == 0)
        return 0;
    while (why.offset < n && row < n &&
           f->rows[why.offset].item != (const char *)f->block.ptr + places[5 * (size_t)row])
        row++;
    bb_compile_down_n(m->c, row + header);
    bb_compile_say(m->c, "%s", why.text);
    bb_compile_up(m->c);
    return -1;
}

static int factors_read(struct bb_map_compile *m, struct convert *p)
{
    struct bb_compile_place before;
    struct bb_bytes header;
    struct bb_cur c;
    size_t *places;
    uint32_t n;
    int rc;

    before = bb_compile_enter(m->c, p->source.file ? p->source.file : m->c->file);
    if (!p->source.file) {
        m->c->base = before.base;
        bb_compile_down(m->c, (struct bb_bytes){"factors", 7});
    }
    rc = rows_begin(m, p->source.value, &c, &n, &header);
    if (rc == 0) {
        places = calloc(5 * (size_t)n + 1, sizeof *places);
        p->factors.rows = calloc((size_t)n + 1, sizeof *p->factors.rows);
        bb_buf_init(&p->factors.block, 4u * BB_PROGRAM_MAX);
        rc = !places || !p->factors.rows ? bb_compile_say(m->c, "out of memory")
             : rows_read(m, &p->factors, &c, n, header, places) != 0
                 ? -1 : rows_check(m, &p->factors, n, header.ptr != NULL, places);
        free(places);
    }
    bb_compile_leave(m->c, before);
    return rc;
}

/* ---- the rule ---------------------------------------------------------------------------------------- */
static const struct bb_arg convert_args[] = {
    {"at", &bb_arg_at, offsetof(struct convert, at), false},
    {"value", &bb_arg_at, offsetof(struct convert, value), false},
    {"unit", &bb_arg_at, offsetof(struct convert, unit), false},
    {"to", &bb_arg_text, offsetof(struct convert, to), false},
    {"scheme", &bb_arg_text, offsetof(struct convert, scheme_name), false},
    {"places", &bb_arg_whole, offsetof(struct convert, places), false},
    {"rounding", &bb_arg_rounding, offsetof(struct convert, rounding), false},
    {"item", &bb_arg_from, offsetof(struct convert, item), false},
    {"factors", &arg_source, offsetof(struct convert, source), false},
    {"optional", &bb_arg_truth, offsetof(struct convert, optional), false},
    {NULL, NULL, 0, false}};

static int inside(struct bb_map_compile *m, const struct bb_path *at, const char *member, struct bb_path *to)
{
    struct bb_fault why = {0, ""};
    char *text = bb_text("%s/%s", at->pointer, member);
    int rc = text ? bb_path_compile((struct bb_bytes){text, strlen(text)}, to, &why)
                  : bb_fail(&why, "out of memory");

    free(text);
    return rc == 0 ? 0 : bb_compile_say(m->c, "%s", why.text);
}

/* The unit that all is converted to: Rec 20, or a name that some item's rows know. */
static int to_check(struct bb_map_compile *m, const struct convert *p)
{
    const struct bb_unit *unit;
    struct bb_fault why = {0, ""};

    if (!p->to || bb_unit_get(p->to, strlen(p->to), BB_SCHEME_REC20, &unit, &why) == 0)
        return 0;
    for (size_t k = 0; k < p->factors.t.rows; k++)
        if (strcmp(p->factors.rows[k].unit, p->to) == 0 || strcmp(p->factors.rows[k].base, p->to) == 0)
            return 0;
    return bb_compile_say_at(m->c, "to", "%s", why.text);
}

static int convert_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct convert *p = (struct convert *)r;
    bool one = p->at.pointer, two = p->value.pointer || p->unit.pointer;

    m->map->grows += 64;
    if (one == two || (two && !(p->value.pointer && p->unit.pointer)))
        return bb_compile_say(m->c, "convert needs \"at\", a map of value and unit, or pointers to both: "
                                    "\"value\" and \"unit\"");
    if (one && (inside(m, &p->at, "value", &p->value) != 0 || inside(m, &p->at, "unit", &p->unit) != 0))
        return -1;
    p->scheme = p->scheme_name ? bb_unit_scheme(p->scheme_name) : BB_SCHEME_REC20;
    if (p->scheme < 0)
        return bb_compile_say_at(m->c, "scheme", "there are rec20, sap and iso");
    if (p->places > 1001)
        return bb_compile_say_at(m->c, "places", "at most 1000");
    if (p->rounding && !p->places)
        return bb_compile_say_at(m->c, "rounding", "to how many \"places\"?");
    if (p->source.value.ptr && !p->item.pointer)
        return bb_compile_say_at(m->c, "factors", "of which \"item\"? Give the pointer to it");
    if (p->source.value.ptr && factors_read(m, p) != 0)
        return -1;
    p->source.value = (struct bb_bytes){NULL, 0}; /* it does not outlive the compile */
    p->source.file = NULL;
    return to_check(m, p);
}

static void convert_free(struct bb_rule *r)
{
    struct convert *p = (struct convert *)r;

    free(p->factors.rows);
    bb_buf_free(&p->factors.block);
}

/* A text or number at path as a C string of at most cap bytes with its NUL. */
static bb_status text_of(struct bb_work *w, const struct bb_path *path, bool optional, char *out, size_t cap,
                         bool *there)
{
    struct bb_bytes text;
    struct bb_tok t;
    char small[32];
    bb_status s;
    struct bb_span **link = bb_work_find(w, path, !optional, &s);

    *there = link != NULL;
    if (!link)
        return s;
    if (!bb_span_scalar(*link, &t) || !bb_scalar_text(&t, small, &text) || text.len >= cap ||
        memchr(text.ptr, 0, text.len)) {
        *there = t.kind != BB_T_NIL || !optional;
        return *there ? bb_work_reject(w, "a short text is needed, there is something else", path) : BB_OK;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return BB_OK;
}

/* Whether the item's rows know a unit by that name. */
static bool item_knows(const struct convert *p, const char *item, const char *unit)
{
    size_t lo = 0, hi = p->factors.t.rows;

    while (lo < hi) { /* the rows are in the order of their items */
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(p->factors.rows[mid].item, item) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < p->factors.t.rows && strcmp(p->factors.rows[lo].item, item) == 0; lo++)
        if (strcmp(p->factors.rows[lo].unit, unit) == 0 || strcmp(p->factors.rows[lo].base, unit) == 0)
            return true;
    return false;
}

static bb_status number_convert(struct bb_work *w, const struct convert *p, const char *unit,
                                const char *item)
{
    struct bb_unit_rule rule = {.scale = p->places ? (int)p->places - 1 : BB_SCALE_EXACT,
                                .mode = p->rounding ? p->rounding - 1 : BB_ROUND_HALF_EVEN,
                                .item = item, .factors = item ? &p->factors.t : NULL};
    struct bb_decimal d, out;
    struct bb_fault why = {0, ""};
    struct bb_tok t;
    bb_status s;
    struct bb_span **link = bb_work_find(w, &p->value, !p->optional, &s);

    if (!link)
        return s;
    if (!bb_span_scalar(*link, &t) || bb_scalar_decimal(&t, &d) != 0)
        return bb_work_reject(w, "a number is needed, there is something else", &p->value);
    if (bb_unit_convert(&out, &d, unit, p->to, &rule, &why) != 0)
        return bb_work_reject(w, why.text, &p->value);
    s = bb_work_put_decimal(w, &p->value, &out, &p->value);
    return s == BB_OK ? bb_work_put_text(w, &p->unit, p->to, strlen(p->to), &p->unit) : s;
}

static bb_status convert_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct convert *p = (const struct convert *)r;
    char unit[CODE_MAX], item[ITEM_MAX];
    const struct bb_unit *u = NULL;
    struct bb_fault why = {0, ""};
    bool there, has_item = false;
    bb_status s = text_of(w, &p->unit, p->optional, unit, sizeof unit, &there);

    if (s != BB_OK || !there)
        return s;
    if (p->item.pointer) {
        s = text_of(w, &p->item, true, item, sizeof item, &has_item);
        if (s != BB_OK)
            return s;
    }
    if (!has_item || !item_knows(p, item, unit)) {
        if (bb_unit_get(unit, strlen(unit), p->scheme, &u, &why) != 0) {
            char text[300];

            snprintf(text, sizeof text, "%s%.40s%s%s%s", has_item ? "item " : "", has_item ? item : "",
                     has_item ? ": " : "", why.text,
                     has_item && p->factors.t.rows ? ", and the table has no factor for it" : "");
            return bb_work_reject(w, text, &p->unit);
        }
        snprintf(unit, sizeof unit, "%s", u->code);
    }
    if (!p->to)
        return bb_work_put_text(w, &p->unit, unit, strlen(unit), &p->unit);
    return number_convert(w, p, unit, has_item ? item : NULL);
}

const struct bb_rule_ops bb_rule_convert = {
    .name = "convert", .size = sizeof(struct convert), .args = convert_args, .check = convert_check,
    .run = convert_run, .free = convert_free};

/*
 * field.c - the PLM's values by our names: fields, words, units, paths; and maps that are being written
 *
 * A field is looked up under the name that `names` in the config gives it, else under ours, in OData with a capital first
 * letter. Numbers are taken as numbers or as texts (OData writes decimals so) and keep every digit.
 *
 * Thread: any. Memory: the buffer's; everything read points into what was read.
 */
#include <stdio.h>
#include <busbar/units.h>
#include <busbar/web.h>
#include "plm.h"

/* ---- writing --------------------------------------------------------------------------------------------- */
static struct open open_at(struct bb_buf *b, uint8_t head)
{
    struct open o = {b, b->len, 0};
    const uint8_t bytes[5] = {head}; /* the widest head: its count is set at the end */

    bb_buf_put(b, bytes, sizeof bytes);
    return o;
}

struct open map_open(struct bb_buf *b)
{
    return open_at(b, 0xdf);
}

struct open list_open(struct bb_buf *b)
{
    return open_at(b, 0xdd);
}

void open_end(struct open *o)
{
    for (int k = 0; !o->b->failed && k < 4; k++)
        o->b->ptr[o->at + 1 + (size_t)k] = (uint8_t)(o->n >> (24 - 8 * k));
}

void map_key(struct open *o, const char *key)
{
    bb_put_cstr(o->b, key);
    o->n++;
}

void map_text(struct open *o, const char *key, struct bb_bytes text)
{
    if (!text.len)
        return;
    map_key(o, key);
    bb_put_str(o->b, text.ptr, text.len);
}

void map_true(struct open *o, const char *key, int yes)
{
    if (!yes)
        return;
    map_key(o, key);
    bb_put_bool(o->b, 1);
}

/* ---- reading ---------------------------------------------------------------------------------------------- */
static const char *name_of(const bb_inst *i, const char *name, char buf[128])
{
    char pointer[80];
    struct bb_bytes own;

    snprintf(pointer, sizeof pointer, "/names/%s", name);
    own = bb_conf_str(i->raw, pointer, NULL);
    if (own.len && bb_str_copy(own, buf, 128) == 0)
        return buf;
    snprintf(buf, 128, "%s", name);
    if (i->conf.odata && buf[0] >= 'a' && buf[0] <= 'z')
        buf[0] = (char)(buf[0] - 'a' + 'A');
    return buf;
}

struct bb_bytes field(const bb_inst *i, struct bb_bytes map, const char *name)
{
    struct bb_bytes v;
    char buf[128];

    if (!map.len || bb_map_get(map, name_of(i, name, buf), &v) != 1 || *(const uint8_t *)v.ptr == 0xc0)
        return (struct bb_bytes){NULL, 0};
    return v;
}

struct bb_bytes field_text(const bb_inst *i, struct bb_bytes map, const char *name)
{
    struct bb_bytes v = field(i, map, name), s;

    return v.len && bb_as_str(v, &s) == 1 && s.len ? s : (struct bb_bytes){NULL, 0};
}

int field_true(const bb_inst *i, struct bb_bytes map, const char *name)
{
    struct bb_bytes v = field(i, map, name);
    int yes = 0;

    return v.len && bb_as_bool(v, &yes) == 1 && yes;
}

int field_number(const bb_inst *i, struct bb_bytes map, const char *name, char out[64])
{
    struct bb_bytes v = field(i, map, name);
    struct bb_cur cur = bb_cur_of(v);
    struct bb_decimal d;
    struct bb_tok t = {0};

    *out = 0;
    if (!v.len || bb_cur_next(&cur, &t) != 0)
        return 0;
    if (t.kind == BB_T_STR && !t.s.len)
        return 0;
    if (t.kind == BB_T_INT)
        snprintf(out, 64, "%lld", (long long)t.i);
    else if (t.kind == BB_T_UINT)
        snprintf(out, 64, "%llu", (unsigned long long)t.u);
    else if ((t.kind != BB_T_DECIMAL && t.kind != BB_T_STR) || bb_str_copy(t.s, out, 64) != 0 ||
             bb_decimal_parse(&d, out, strlen(out), NULL) != 0)
        return -1;
    return 1;
}

struct bb_bytes word_in(const struct word *rows, struct bb_bytes theirs)
{
    for (; theirs.len && rows->theirs; rows++)
        if (bb_str_is(theirs, rows->theirs))
            return bb_str(rows->ours);
    return (struct bb_bytes){NULL, 0};
}

/* ---- units, quantities, validity --------------------------------------------------------------------------- */
static const struct word units[] = {
    {"ea", "H87"},   {"each", "H87"},  {"pc", "H87"},    {"pcs", "H87"},   {"piece", "H87"}, {"kg", "KGM"}, {"g", "GRM"},
    {"t", "TNE"},    {"lb", "LBR"},    {"m", "MTR"},     {"mm", "MMT"},    {"cm", "CMT"},    {"in", "INH"}, {"ft", "FOT"},
    {"l", "LTR"},    {"ml", "MLT"},    {"sq_m", "MTK"},  {"m2", "MTK"},    {"cu_m", "MTQ"},  {"m3", "MTQ"}, {"box", "XBX"},
    {"crate", "XCR"}, {"set", "SET"},  {"pair", "PR"},   {"h", "HUR"},     {"min", "MIN"},   {NULL, NULL}};

int unit_in(const bb_inst *i, struct bb_bytes theirs, struct bb_bytes *code, int *same, struct bb_error *err)
{
    const struct bb_unit *u;
    struct bb_bytes table, own, word;
    const struct word *row = units;

    *same = 1;
    if (theirs.len && bb_conf_find(i->raw, "/units", &table) == 1) {
        char name[40];
        if (bb_str_copy(theirs, name, sizeof name) == 0 && bb_map_get(table, name, &own) == 1 && bb_as_str(own, code) == 1)
            return 0;
    }
    word = word_in(units, theirs);
    if (word.len) {
        while (strcmp(row->ours, word.ptr) != 0)
            row++;
        *same = bb_str_is(theirs, row->theirs);
        *code = word;
        return 0;
    }
    if (theirs.len && bb_unit_get(theirs.ptr, theirs.len, BB_SCHEME_REC20, &u, NULL) == 0) {
        *code = theirs;
        return 0;
    }
    bb_error_set(err, BB_E_REJECT, "unit \"%.*s\" is not known: say what it is, units: {\"%.*s\": H87}",
                 (int)(theirs.len > 40 ? 40 : theirs.len), theirs.len ? (const char *)theirs.ptr : "",
                 (int)(theirs.len > 40 ? 40 : theirs.len), theirs.len ? (const char *)theirs.ptr : "");
    return -1;
}

int quantity_put(const bb_inst *i, struct open *o, const char *key, const char *digits, struct bb_bytes unit,
                 struct bb_error *err)
{
    struct bb_bytes code;
    int same;

    if (unit_in(i, unit, &code, &same, err) != 0)
        return -1;
    digits += *digits == '-';
    map_key(o, key);
    struct open q = map_open(o->b);
    map_key(&q, "value");
    bb_put_decimal(o->b, digits, strlen(digits));
    map_text(&q, "unit", code);
    if (!same)
        map_text(&q, "sourceUnit", unit);
    open_end(&q);
    return 0;
}

void validity_put(const bb_inst *i, struct open *o, struct bb_bytes map)
{
    struct bb_bytes from = field_text(i, map, "from"), to = field_text(i, map, "to"), change = field_text(i, map, "changeTo");

    if (to.len >= 10 && memcmp(to.ptr, "9999-12-31", 10) == 0)
        to.len = 0;
    if (!from.len && !to.len && !change.len)
        return;
    map_key(o, "effectivity");
    struct open e = map_open(o->b);
    map_text(&e, "from", from);
    map_text(&e, "to", to);
    map_text(&e, "changeTo", change);
    open_end(&e);
}

/* ---- paths ---------------------------------------------------------------------------------------------------- */
static void text_put(const bb_inst *i, struct bb_bytes text, struct bb_buf *out)
{
    const char *p = text.ptr, *q;

    while (i->conf.odata && text.len && (q = memchr(p, '\'', text.len)) != NULL) { /* '' within quotes */
        size_t n = (size_t)(q - p) + 1;
        bb_uri_put(out, (struct bb_bytes){p, n});
        bb_uri_put(out, bb_str("'"));
        p += n;
        text.len -= n;
    }
    bb_uri_put(out, (struct bb_bytes){p, text.len});
}

void path_put(const bb_inst *i, const char *path, const struct place *places, size_t n, struct bb_buf *out)
{
    char number[24];

    while (*path) {
        size_t plain = strcspn(path, "{"), k = 0, len;
        bb_buf_put(out, path, plain);
        path += plain;
        if (!*path)
            break;
        len = strcspn(path, "}");
        while (k < n && (strlen(places[k].name) != len - 1 || strncmp(path + 1, places[k].name, len - 1) != 0))
            k++;
        if (k < n) {
            text_put(i, places[k].text, out);
        } else {
            snprintf(number, sizeof number, "%lld", (long long)(strncmp(path, "{levels", 7) == 0 ? i->conf.levels : i->conf.page));
            bb_buf_put(out, number, strlen(number));
        }
        path += len + (path[len] == '}');
    }
    bb_buf_put(out, "", 1);
}

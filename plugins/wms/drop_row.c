/*
 * drop_row.c - the text of a file: rows of movements, the trailer's totals and checksum, both ways
 *
 * One table of columns serves both ways, so what is written is read back to the same movement. A serial has a row
 * of its own. A line that begins with '#' is no row; the count in the trailer finds a row that was lost that way.
 *
 * Thread: any. Memory: the buffers given.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <busbar/csv.h>
#include <busbar/decimal.h>
#include "drop.h"

enum { KEY, ID, KIND, ITEM, LOT, SERIAL, QUANTITY, UNIT, DIFFERENCE, FROM, TO = FROM + 4, PO = TO + 4, PO_LINE, WO, WO_LINE,
       AT, PLANT, COLUMNS };
static const struct {
    const char *name, *pointer;
} columns[COLUMNS] = {
    {"key", ""}, {"id", "/id"}, {"kind", "/kind"}, {"item", "/item/id"}, {"lot", "/lot/id"}, {"serial", ""},
    {"quantity", "/quantity/value"}, {"unit", "/quantity/unit"}, {"difference", "/difference/value"},
    {"from_plant", "/from/location/plant"}, {"from_location", "/from/location/storageLocation"},
    {"from_bin", "/from/location/bin"}, {"from_type", "/from/stockType"},
    {"to_plant", "/to/location/plant"}, {"to_location", "/to/location/storageLocation"},
    {"to_bin", "/to/location/bin"}, {"to_type", "/to/stockType"},
    {"purchase_order", "/purchaseOrder/id"}, {"purchase_order_line", "/purchaseOrder/line"},
    {"work_order", "/workOrder/id"}, {"work_order_line", "/workOrder/line"}, {"at", "/at"}, {"plant", "/plant"}};

static int checksum(const void *p, size_t n, char hex[65])
{
    unsigned char sum[32];
    unsigned int len = 0;

    if (EVP_Digest(p, n, sum, &len, EVP_sha256(), NULL) != 1 || len != sizeof sum)
        return -1;
    for (size_t k = 0; k < sizeof sum; k++)
        snprintf(hex + 2 * k, 3, "%02x", sum[k]);
    return 0;
}

static int sum_add(struct bb_decimal *sum, struct bb_bytes number)
{
    struct bb_decimal one;

    return number.len == 0 ||
           (bb_decimal_parse(&one, number.ptr, number.len, NULL) == 0 && bb_decimal_add(sum, sum, &one, NULL) == 0)
               ? 0 : -1;
}

/* ---- out ------------------------------------------------------------------------------------------------------- */
static void header_put(struct bb_buf *out, const struct bb_csv_options *o)
{
    struct bb_bytes names[COLUMNS];

    for (size_t k = 0; k < COLUMNS; k++)
        names[k] = bb_str(columns[k].name);
    bb_csv_write(out, o, names, COLUMNS, NULL);
}

static void fields_fill(const struct wms_conf *c, const struct bb_msg_view *v, struct bb_bytes f[COLUMNS],
                        char numbers[COLUMNS][64])
{
    struct bb_bytes side;

    for (size_t k = 0; k < COLUMNS; k++) {
        f[k] = *columns[k].pointer ? bb_conf_str(v->data, columns[k].pointer, NULL) : (struct bb_bytes){NULL, 0};
        if (!f[k].len && *columns[k].pointer)
            f[k] = bb_str(number_text(v->data, columns[k].pointer, numbers[k]));
    }
    f[KEY] = v->key;
    if (!f[PLANT].len)
        f[PLANT] = bb_str(c->plant);
    for (int k = FROM; k <= TO; k += 4) { /* what a side leaves out */
        if (bb_conf_find(v->data, k == FROM ? "/from" : "/to", &side) != 1)
            continue;
        if (!f[k].len)
            f[k] = f[PLANT];
        if (!f[k + 1].len)
            f[k + 1] = bb_str(c->storage);
    }
    if (!f[UNIT].len)
        f[UNIT] = bb_conf_str(v->data, "/difference/unit", NULL);
}

bb_status drop_file_put(const struct wms_conf *c, const struct bb_msg_view *v, struct bb_buf *out, struct bb_error *err)
{
    const struct bb_csv_options o = {.line_end = BB_CSV_LF};
    struct bb_bytes f[COLUMNS], serials, list;
    char numbers[COLUMNS][64], hex[65], text[BB_DECIMAL_TEXT];
    struct bb_decimal sum;
    struct bb_iter it;
    unsigned rows = 0;
    int bad = 0;

    bb_decimal_set_int(&sum, 0);
    fields_fill(c, v, f, numbers);
    if (!kind_known(f[KIND]) || !f[ITEM].len || !f[AT].len)
        return bb_error_set(err, BB_E_REJECT, "the movement lacks a kind that the warehouse knows, item.id or at");
    header_put(out, &o);
    if (bb_conf_find(v->data, "/serials", &list) == 1 && bb_iter_of(list, &it)) {
        f[QUANTITY] = bb_str("1");
        while (!bad && bb_iter_next(&it, NULL, &serials) && bb_as_str(serials, &f[SERIAL]) == 1) {
            bad = bb_csv_write(out, &o, f, COLUMNS, NULL) != 0 || sum_add(&sum, f[QUANTITY]) != 0;
            rows++;
        }
    } else {
        bad = bb_csv_write(out, &o, f, COLUMNS, NULL) != 0 || sum_add(&sum, f[QUANTITY]) != 0;
        rows = 1;
    }
    bb_decimal_trim(&sum);
    if (bad || out->failed || checksum(out->ptr, out->len, hex) != 0)
        return bb_error_set(err, BB_E_REJECT, "a value of the movement cannot stand in a CSV file");
    bb_decimal_format(&sum, text);
    char line[BB_DECIMAL_TEXT + 100];
    int n = snprintf(line, sizeof line, "#END,%u,%s,%s\n", rows, text, hex);
    bb_buf_put(out, line, (size_t)n);
    return out->failed ? bb_error_set(err, BB_E_RETRY, "out of memory") : BB_OK;
}

/* ---- in -------------------------------------------------------------------------------------------------------- */
struct table {
    const struct wms_conf *c;
    const char *name;
    struct bb_csv csv;
    int at[COLUMNS];
    struct bb_decimal sum;
    uint64_t rows;
    struct bb_buf *messages, *ends;
    char *why;
};

static int bad_row(struct table *t, const char *what)
{
    snprintf(t->why, 240, "%.100s:%llu: %.110s", t->name, (unsigned long long)t->csv.line, what);
    return -1;
}

static struct bb_bytes field(struct table *t, int k)
{
    return t->at[k] < 0 ? (struct bb_bytes){NULL, 0} : bb_csv_field(&t->csv, (uint32_t)t->at[k]);
}

static void quantity_put(struct table *t, struct open *d, const char *key, int column)
{
    struct bb_bytes number = field(t, column), unit = field(t, UNIT);

    if (!number.len)
        return;
    map_key(d, key);
    struct open o = map_open(d->b);
    map_key(&o, "value");
    bb_put_decimal(d->b, number.ptr, number.len);
    map_text(&o, "unit", unit);
    open_end(&o);
}

static void reference_put(struct table *t, struct open *d, const char *key, const char *kind, int column)
{
    if (!field(t, column).len)
        return;
    map_key(d, key);
    struct open o = map_open(d->b);
    map_text(&o, "kind", bb_str(kind));
    map_text(&o, "id", field(t, column));
    map_text(&o, "line", field(t, column + 1));
    open_end(&o);
}

static void side_put(struct table *t, struct open *d, const char *key, int column)
{
    if (!field(t, column).len && !field(t, column + 2).len)
        return;
    map_key(d, key);
    struct open o = map_open(d->b);
    map_key(&o, "location");
    struct open in = map_open(d->b);
    map_text(&in, "plant", field(t, column));
    map_text(&in, "storageLocation", field(t, column + 1));
    map_text(&in, "bin", field(t, column + 2));
    open_end(&in);
    map_text(&o, "stockType", field(t, column + 3));
    open_end(&o);
}

static void one_put(struct open *d, const char *key, const char *member, struct bb_bytes text)
{
    if (!text.len)
        return;
    map_key(d, key);
    struct open o = map_open(d->b);
    map_text(&o, member, text);
    open_end(&o);
}

static void data_put(struct table *t, struct bb_bytes id, struct bb_buf *b)
{
    struct open d = map_open(b);

    map_text(&d, "id", field(t, KEY).len ? field(t, KEY) : id);
    map_text(&d, "kind", field(t, KIND));
    one_put(&d, "item", "id", field(t, ITEM));
    quantity_put(t, &d, "quantity", QUANTITY);
    quantity_put(t, &d, "difference", DIFFERENCE);
    side_put(t, &d, "from", FROM);
    side_put(t, &d, "to", TO);
    one_put(&d, "lot", "id", field(t, LOT));
    if (field(t, SERIAL).len) {
        map_key(&d, "serials");
        struct open l = list_open(b);
        bb_put_str(b, field(t, SERIAL).ptr, field(t, SERIAL).len);
        l.n = 1;
        open_end(&l);
    }
    map_text(&d, "at", field(t, AT));
    reference_put(t, &d, "purchaseOrder", "purchase-order", PO);
    reference_put(t, &d, "workOrder", "work-order", WO);
    map_text(&d, "plant", field(t, PLANT));
    open_end(&d);
}

static int row_take(struct table *t)
{
    struct bb_draft d;
    struct bb_buf data;
    char id[400];
    int rc = 0;

    t->rows++;
    if (!kind_known(field(t, KIND)) || !field(t, ITEM).len || !field(t, AT).len)
        return bad_row(t, "a row needs a kind of the model, item and at");
    if (sum_add(&t->sum, field(t, QUANTITY)) != 0)
        return bad_row(t, "quantity is no number");
    snprintf(id, sizeof id, "%s#%llu", t->name, (unsigned long long)t->rows);
    bb_draft_init(&d, t->c->source, "mfg.inventory.movement");
    d.e.id = field(t, ID).len ? field(t, ID) : bb_str(id);
    d.e.item = field(t, ITEM);
    d.e.plant = field(t, PLANT);
    bb_buf_init(&data, 1u << 20);
    data_put(t, d.e.id, &data);
    d.e.data = (struct bb_bytes){data.ptr, data.len};
    if (data.failed || bb_draft_put(&d, t->messages) != 0 || t->messages->failed)
        rc = bad_row(t, "difference is no number, or the row is too large");
    bb_buf_put(t->ends, &t->messages->len, sizeof t->messages->len);
    bb_buf_free(&data);
    return rc;
}

static int rows_read(struct table *t, struct bb_bytes text)
{
    struct bb_fault f = {0};
    size_t used;
    int got, first = 1;

    while ((got = text.len ? bb_csv_read(&t->csv, text, &used, &f) : bb_csv_end(&t->csv, &f)) >= 0) {
        if (text.len) {
            text.ptr = (const char *)text.ptr + used;
            text.len -= used;
        } else if (got == 0) {
            return 0;
        }
        if (got == 1 && first) {
            first = 0;
            for (int k = 0; k < COLUMNS; k++)
                t->at[k] = bb_csv_column(&t->csv, columns[k].name);
        }
        if (got == 1 && row_take(t) != 0)
            return -1;
    }
    return bad_row(t, f.text);
}

/* The last line: its place, or SIZE_MAX when the file does not end with a trailer. */
static size_t trailer_find(struct bb_bytes text)
{
    const char *p = text.ptr;
    size_t n = text.len;

    while (n && (p[n - 1] == '\n' || p[n - 1] == '\r'))
        n--;
    while (n && p[n - 1] != '\n')
        n--;
    return text.len - n > 5 && memcmp(p + n, "#END,", 5) == 0 ? n : SIZE_MAX;
}

int drop_file_read(const struct wms_conf *c, const char *name, struct bb_bytes text, struct bb_buf *messages,
                   struct bb_buf *ends, char why[240])
{
    struct table t = {.c = c, .name = name, .messages = messages, .ends = ends, .why = why};
    const struct bb_csv_options o = {.header = 1, .comment = '#'};
    size_t at = trailer_find(text);
    char hex[65], line[300] = "", want[65] = "", sum[128] = "";
    unsigned long long rows = 0;
    struct bb_decimal told;
    int rc;

    if (at == SIZE_MAX) {
        snprintf(why, 240, "%.100s: no trailer #END,ROWS,SUM,SHA256: the file is not whole", name);
        return -1;
    }
    snprintf(line, sizeof line, "%.*s", (int)(text.len - at < 290 ? text.len - at : 290), (const char *)text.ptr + at);
    if (sscanf(line, "#END,%20llu,%120[-+0-9.eE],%64[0-9a-f]", &rows, sum, want) != 3 || checksum(text.ptr, at, hex) != 0 ||
        strcmp(want, hex) != 0) {
        snprintf(why, 240, "%.100s: the checksum of the trailer is not the file's: it was changed or cut", name);
        return -1;
    }
    bb_decimal_set_int(&t.sum, 0);
    if (bb_csv_init(&t.csv, &o, NULL) != 0)
        return bad_row(&t, "out of memory");
    rc = rows_read(&t, (struct bb_bytes){text.ptr, at});
    if (rc == 0 && rows != t.rows) {
        snprintf(why, 240, "%.100s: it has %llu rows, its trailer says %llu", name, (unsigned long long)t.rows, rows);
        rc = -1;
    }
    if (rc == 0 && (bb_decimal_parse(&told, sum, strlen(sum), NULL) != 0 || bb_decimal_compare(&told, &t.sum) != 0)) {
        snprintf(why, 240, "%.100s: the sum of its quantities is not the trailer's %.60s", name, sum);
        rc = -1;
    }
    bb_csv_free(&t.csv);
    return rc;
}

/*
 * report.c - one SegmentResponse as a canonical production report
 *
 * Material actuals by their use: Consumed, Produced (also by- and co-products), and of use Other with
 * OtherValue Scrap or Rework. What is made names the report's item; with one entry of it that is the yield too.
 * Uses that the model has no place for (samples, inventoried) are counted in the note. Quantities keep every
 * digit; units become UN/ECE codes; instants become UTC with every digit of their fraction.
 *
 * Nothing is guessed: a quantity that is no number or below zero, a unit that is unknown, an instant that is
 * none make the report unreadable, which performance.c hands on as such.
 *
 * Thread: the instance's. Memory: the buffer given.
 */
#include <stdio.h>
#include <busbar/units.h>
#include <busbar/web.h>
#include "mes.h"

enum use { USE_CONSUMED, USE_PRODUCED, USE_CO, USE_BY, USE_SCRAP, USE_REWORK, USE_NONE };

static const struct {
    const char *word;
    enum use use;
} uses[] = {
    {"Consumed", USE_CONSUMED},          {"Material Consumed", USE_CONSUMED},
    {"Consumable", USE_CONSUMED},        {"Produced", USE_PRODUCED},
    {"Material Produced", USE_PRODUCED}, {"Yield Produced", USE_PRODUCED},
    {"Co-product Produced", USE_CO},     {"By-product Produced", USE_BY},
};

static enum use use_of(struct bb_bytes actual)
{
    struct bb_bytes word = tree_text(actual, "/MaterialUse"), other = bb_conf_str(actual, "/MaterialUse/@OtherValue", NULL);

    for (size_t k = 0; k < sizeof uses / sizeof *uses; k++)
        if (bb_str_is(word, uses[k].word))
            return uses[k].use;
    return bb_str_is(other, "Scrap") ? USE_SCRAP : bb_str_is(other, "Rework") ? USE_REWORK : USE_NONE;
}

/* ---- values ------------------------------------------------------------------------------------------ */
#define ZERO 1 /* number_check(): nothing of it */

/* 0, ZERO, or -1 with err. */
static int number_check(struct bb_bytes s, struct bb_error *err)
{
    struct bb_buf b;
    const char *p = s.ptr;
    int zero = 1, bad;

    bb_buf_init(&b, 8192);
    bb_put_decimal(&b, s.ptr, s.len);
    bad = b.failed || !s.len;
    bb_buf_free(&b);
    for (size_t k = 0; k < s.len && p[k] != 'e' && p[k] != 'E'; k++)
        zero &= p[k] < '1' || p[k] > '9';
    if (!bad && (zero || *p != '-'))
        return zero ? ZERO : 0;
    bb_error_set(err, BB_E_REJECT, "QuantityString \"%.*s\": %s", (int)(s.len > 40 ? 40 : s.len), s.len ? p : "",
                 bad ? "no number" : "below zero; a report is taken back by a reversal");
    return -1;
}

/* {value, unit}; the number was checked. 0, -1 with err. */
static int quantity_put(const struct report *r, struct bb_bytes of, struct bb_buf *out, struct bb_error *err)
{
    struct bb_bytes n = tree_text(of, "/QuantityString"), u = tree_text(of, "/UnitOfMeasure");
    const struct bb_unit *unit;
    struct bb_fault f = {0, ""};
    int other;

    if (bb_unit_get(u.len ? u.ptr : "", u.len, r->conf->scheme, &unit, &f) != 0) {
        bb_error_set(err, BB_E_REJECT, "UnitOfMeasure \"%.*s\" is not known (see units in the endpoint's config): %s",
                     (int)(u.len > 20 ? 20 : u.len), u.len ? (const char *)u.ptr : "", f.text);
        return -1;
    }
    other = !bb_str_is(u, unit->code);
    bb_put_map(out, other ? 3 : 2);
    bb_put_cstr(out, "value");
    bb_put_decimal(out, n.ptr, n.len);
    bb_put_cstr(out, "unit");
    bb_put_cstr(out, unit->code);
    if (other) {
        bb_put_cstr(out, "sourceUnit");
        bb_put_str(out, u.ptr, u.len);
    }
    return 0;
}

/* To UTC, the fraction's digits kept as they are. 0, -1: it is no instant. */
static int instant_make(const struct mes_conf *conf, struct bb_bytes s, char out[64])
{
    char text[64], given[40], fraction[16] = "";
    const char *dot, *zone;
    size_t n;
    int64_t ms;

    if (s.len < 19 || bb_str_copy(s, given, sizeof given) != 0)
        return -1;
    snprintf(text, sizeof text, "%s%s", given, strpbrk(given + 19, "Z+-") ? "" : conf->zone);
    dot = text[19] == '.' ? text + 19 : NULL;
    if (dot) {
        zone = strpbrk(dot, "Z+-");
        n = (size_t)(zone - dot);
        if (n < 2 || n > 10 || strspn(dot + 1, "0123456789") != n - 1)
            return -1;
        memcpy(fraction, dot, n);
        fraction[n] = 0;
        memmove(text + 19, zone, strlen(zone) + 1);
    }
    if (bb_date_iso_read(bb_str(text), &ms) != 0 || bb_date_iso_write(ms, out) != 0)
        return -1;
    snprintf(out + 19, 64 - 19, "%sZ", fraction);
    return 0;
}

static int instant_put(const struct report *r, struct open *m, const char *key, struct bb_bytes s, struct bb_error *err)
{
    char text[64];

    if (!s.len)
        return 0;
    if (instant_make(r->conf, s, text) == 0) {
        map_text(m, key, bb_str(text));
        return 0;
    }
    bb_error_set(err, BB_E_REJECT, "\"%.*s\" is no instant", (int)(s.len > 40 ? 40 : s.len), (const char *)s.ptr);
    return -1;
}

/* ---- materials --------------------------------------------------------------------------------------- */
static void lot_put(struct open *m, struct bb_bytes actual)
{
    struct bb_bytes lot = tree_text(actual, "/MaterialLotID"), sub = tree_text(actual, "/MaterialSubLotID");
    struct open o;

    if (!lot.len && !sub.len)
        return;
    map_key(m, "lot");
    o = map_open(m->b);
    map_text(&o, "id", lot);
    map_text(&o, "subLot", sub);
    open_end(&o);
}

static void named_put(struct open *m, const char *key, const char *inner, struct bb_bytes text)
{
    if (!text.len)
        return;
    map_key(m, key);
    bb_put_map(m->b, 1);
    bb_put_cstr(m->b, inner);
    bb_put_str(m->b, text.ptr, text.len);
}

static struct bb_bytes place_of(struct bb_bytes actual)
{
    struct bb_bytes place = tree_text(actual, "/StorageLocation/Location");

    return place.len ? place : tree_text(actual, "/StorageLocation"); /* as B2MML 6 and before have it */
}

static int actual_put(const struct report *r, enum use use, struct bb_bytes actual, struct bb_bytes quantity,
                      struct bb_buf *out, struct bb_error *err)
{
    struct open m = map_open(out);
    int rc;

    if (use != USE_SCRAP && use != USE_REWORK) {
        named_put(&m, "item", "id", tree_text(actual, "/MaterialDefinitionID"));
        named_put(&m, use == USE_CONSUMED ? "from" : "to", "storageLocation", place_of(actual));
        if (use == USE_CO || use == USE_BY)
            map_text(&m, "role", bb_str(use == USE_CO ? "co-product" : "by-product"));
    } else {
        named_put(&m, "reason", "text", tree_text(actual, "/Description"));
    }
    if (use != USE_REWORK)
        lot_put(&m, actual);
    map_key(&m, "quantity");
    rc = quantity_put(r, quantity, out, err);
    open_end(&m);
    return rc;
}

/* All actuals of the uses from..to as a list under key. */
static int actuals_put(const struct report *r, struct open *m, const char *key, enum use from, enum use to,
                       struct bb_error *err)
{
    struct bb_bytes actual, quantity;
    struct tree_iter w, q;
    struct open list = {NULL, 0, 0};
    int rc;

    tree_walk(r->segment, "/MaterialActual", &w);
    while (tree_next(&w, &actual)) {
        enum use use = use_of(actual);
        if (use < from || use > to)
            continue;
        tree_walk(actual, "/Quantity", &q);
        if (!tree_next(&q, &quantity))
            continue; /* something of it, nobody says how much */
        if ((rc = number_check(tree_text(quantity, "/QuantityString"), err)) != 0) {
            if (rc == ZERO)
                continue;
            return -1;
        }
        if (!list.b) {
            map_key(m, key);
            list = list_open(m->b);
        }
        list.n++;
        if (actual_put(r, use, actual, quantity, m->b, err) != 0)
            return -1;
    }
    if (list.b)
        open_end(&list);
    return 0;
}

/* What is made: the item, and the yield when there is one entry of it. */
static int product_put(struct report *r, struct open *m, struct bb_error *err)
{
    struct bb_bytes actual, quantity, one = {NULL, 0};
    struct tree_iter w, q;
    unsigned n = 0, none = 0;
    char note[80];

    tree_walk(r->segment, "/MaterialActual", &w);
    while (tree_next(&w, &actual)) {
        enum use use = use_of(actual);
        none += use == USE_NONE;
        if (use != USE_PRODUCED && (use != USE_SCRAP || r->item.len))
            continue;
        if (use == USE_PRODUCED && n++ == 0)
            one = actual;
        if (!r->item.len || n == 1)
            r->item = tree_text(actual, "/MaterialDefinitionID");
    }
    named_put(m, "item", "id", r->item);
    if (none) {
        snprintf(note, sizeof note, "%u material actuals of a use that has no place here were left out", none);
        map_text(m, "note", bb_str(note));
    }
    tree_walk(one, "/Quantity", &q);
    if (n != 1 || !tree_next(&q, &quantity))
        return 0;
    if (number_check(tree_text(quantity, "/QuantityString"), err) < 0)
        return -1;
    map_key(m, "yield");
    return quantity_put(r, quantity, m->b, err);
}

/* ---- the report -------------------------------------------------------------------------------------- */
static const struct {
    const char *state, *canonical, *kind;
} states[] = {
    {"Running", "running", "partial"},    {"Completed", "completed", "final"}, {"Closed", "completed", "final"},
    {"Aborted", "aborted", "final"},      {"Held", "interrupted", "interruption"},
    {"Paused", "interrupted", "interruption"}, {"Suspended", "interrupted", "interruption"},
};

static void state_put(const struct report *r, struct open *m)
{
    struct bb_bytes s = tree_text(r->response, "/ResponseState");

    if (!s.len)
        s = tree_text(r->segment, "/SegmentState");
    for (size_t k = 0; k < sizeof states / sizeof *states; k++)
        if (bb_str_is(s, states[k].state)) {
            map_text(m, "state", bb_str(states[k].canonical));
            map_text(m, "kind", bb_str(states[k].kind));
        }
}

static struct bb_bytes end_of(const struct report *r)
{
    struct bb_bytes s = tree_text(r->segment, "/ActualEndTime");

    s = s.len ? s : tree_text(r->response, "/EndTime");
    s = s.len ? s : tree_text(r->segment, "/ActualStartTime");
    return s.len ? s : tree_text(r->performance, "/PublishedDate");
}

static struct bb_bytes plant_of(const struct report *r)
{
    struct bb_bytes s = tree_text(r->segment, "/HierarchyScope/EquipmentID");

    s = s.len ? s : tree_text(r->response, "/HierarchyScope/EquipmentID");
    s = s.len ? s : tree_text(r->performance, "/HierarchyScope/EquipmentID");
    return s.len ? s : bb_str(r->conf->plant);
}

int report_put(struct report *r, struct bb_buf *out, struct bb_error *err)
{
    struct bb_bytes at = end_of(r), order = tree_text(r->response, "/OperationsRequestID");
    struct open m = map_open(out);

    r->plant = plant_of(r);
    r->item = (struct bb_bytes){NULL, 0};
    if (!at.len) {
        bb_error_set(err, BB_E_REJECT, "nothing says when it was: no ActualEndTime, EndTime or PublishedDate");
        return -1;
    }
    map_text(&m, "id", r->id);
    map_text(&m, "plant", r->plant);
    state_put(r, &m);
    if (order.len) {
        map_key(&m, "workOrder");
        bb_put_map(out, 2);
        bb_put_cstr(out, "kind");
        bb_put_cstr(out, "work-order");
        bb_put_cstr(out, "id");
        bb_put_str(out, order.ptr, order.len);
    }
    named_put(&m, "operation", "operation", tree_text(r->segment, "/ID"));
    if (instant_put(r, &m, "at", at, err) != 0 ||
        instant_put(r, &m, "startedAt", tree_text(r->segment, "/ActualStartTime"), err) != 0 ||
        product_put(r, &m, err) != 0 || actuals_put(r, &m, "scrap", USE_SCRAP, USE_SCRAP, err) != 0 ||
        actuals_put(r, &m, "rework", USE_REWORK, USE_REWORK, err) != 0 ||
        actuals_put(r, &m, "consumed", USE_CONSUMED, USE_CONSUMED, err) != 0 ||
        actuals_put(r, &m, "produced", USE_PRODUCED, USE_BY, err) != 0)
        return -1;
    open_end(&m);
    return out->failed ? -1 : 0;
}

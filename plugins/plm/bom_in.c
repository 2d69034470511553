/*
 * bom_in.c - one assembly of a structure as mfg.bom
 *
 * The id is item, plant, alternative, usage and revision, and a digest: a revision that is released is frozen, so an
 * assembly that is met again in another package is the same message, to the byte, and dropped. Which revision of a component is used is
 * not said in a line: it is the one in force.
 *
 * What comes out (co- and by-products) has a quantity below zero in many systems: here the role says it, never the sign.
 * Thread: any. Memory: the buffer given.
 */
#include <stdio.h>
#include <stdlib.h>
#include "plm.h"

static const struct word usages[] = {{"production", "manufacturing"}, {"manufacturing", "manufacturing"},
                                     {"engineering", "engineering"}, {"service", "service"}, {"universal", "universal"},
                                     {NULL, NULL}};
static const struct word statuses[] = {{"released", "active"}, {"released-with-history", "active-with-history"},
                                       {"in-work", "in-work"}, {"inactive", "inactive"}, {"obsolete", "obsolete"}, {NULL, NULL}};
static const struct word kinds[] = {{"part", "stock"}, {"non-stock", "non-stock"}, {"cut", "variable-size"},
                                    {"text", "text"}, {"document", "document"}, {NULL, NULL}};
static const struct word outputs[] = {{"co-product", "co-product"}, {"by-product", "by-product"}, {NULL, NULL}};
static const struct word strategies[] = {{"probability", "by-probability"}, {"priority", "by-priority"}, {"manual", "manual"},
                                         {"all", "all-or-nothing"}, {NULL, NULL}};

struct line { /* one that is being written */
    const bb_inst *i;
    struct bb_bytes v, id;
    struct open o;
    struct bb_error *err;
};

static int refuse(struct line *l, const char *what)
{
    bb_error_set(l->err, BB_E_REJECT, "line %.*s: %s", (int)(l->id.len > 40 ? 40 : l->id.len),
                 l->id.len ? (const char *)l->id.ptr : "", what);
    return -1;
}

static void text_put(struct line *l, const char *key, const char *name)
{
    map_text(&l->o, key, field_text(l->i, l->v, name));
}

/* A number into m under key; 1 written, 0 not there, -1 refused. */
static int number_put(struct line *l, struct open *m, const char *key, const char *name)
{
    char digits[64];
    int rc = field_number(l->i, l->v, name, digits);

    if (rc < 0 || *digits == '-') {
        char text[80];
        snprintf(text, sizeof text, "%s is no number from zero up", name);
        return refuse(l, text);
    }
    if (rc == 1) {
        map_key(m, key);
        bb_put_decimal(m->b, digits, strlen(digits));
    }
    return rc;
}

static int has(struct line *l, const char *name)
{
    return field(l->i, l->v, name).len > 0;
}

static int scrap_put(struct line *l)
{
    int net = field_true(l->i, l->v, "netScrap"), rc;

    if (!has(l, "scrap") && !has(l, "operationScrap") && !net)
        return 0;
    map_key(&l->o, "scrap");
    struct open s = map_open(l->o.b);
    rc = number_put(l, &s, "component", "scrap");
    if (rc >= 0)
        rc = number_put(l, &s, "operation", "operationScrap");
    map_true(&s, "net", net);
    open_end(&s);
    return rc < 0 ? -1 : 0;
}

static int alternate_put(struct line *l)
{
    struct bb_bytes group = field_text(l->i, l->v, "alternateGroup"), strategy = field_text(l->i, l->v, "alternateStrategy");
    char priority[64];
    int rc;

    if (!group.len)
        return 0;
    map_key(&l->o, "alternate");
    struct open a = map_open(l->o.b);
    map_text(&a, "group", group);
    rc = field_number(l->i, l->v, "alternatePriority", priority);
    if (rc != 0) { /* "01" is a priority, though no number of JSON */
        struct bb_bytes text = field_text(l->i, l->v, "alternatePriority");
        if (text.len && (text.len > 9 || bb_str_copy(text, priority, sizeof priority) != 0))
            *priority = 0;
        if (!*priority || strspn(priority, "0123456789") != strlen(priority))
            return refuse(l, "alternatePriority is no whole number");
        map_key(&a, "priority");
        bb_put_int(a.b, atoi(priority));
    }
    map_text(&a, "strategy", word_in(strategies, strategy));
    map_text(&a, "sourceStrategy", strategy);
    rc = number_put(l, &a, "probability", "alternateShare");
    open_end(&a);
    return rc < 0 ? -1 : 0;
}

static void discontinuation_put(struct line *l)
{
    struct bb_bytes group = field_text(l->i, l->v, "discontinuationGroup"), follow = field_text(l->i, l->v, "followUpGroup");

    if (!group.len && !follow.len)
        return;
    map_key(&l->o, "discontinuation");
    struct open d = map_open(l->o.b);
    map_text(&d, "group", group);
    map_text(&d, "followUpGroup", follow);
    map_text(&d, "role", bb_str(group.len ? "discontinued" : "follow-up"));
    open_end(&d);
}

static void one_put(struct line *l, const char *key, const char *inner, const char *name)
{
    struct bb_bytes text = field_text(l->i, l->v, name);

    if (!text.len)
        return;
    map_key(&l->o, key);
    struct open m = map_open(l->o.b);
    map_text(&m, inner, text);
    open_end(&m);
}

static void designators_put(struct line *l)
{
    struct bb_bytes list = field(l->i, l->v, "designators"), one, s;
    struct bb_iter it;

    if (!list.len || !bb_iter_of(list, &it) || it.map || !it.n)
        return;
    map_key(&l->o, "referenceDesignators");
    struct open all = list_open(l->o.b);
    while (bb_iter_next(&it, NULL, &one))
        if (bb_as_str(one, &s) == 1 && s.len) {
            bb_put_str(all.b, s.ptr, s.len);
            all.n++;
        }
    open_end(&all);
}

/* What is taken, or what comes out: quantity above zero, the role in a word. */
static int quantity_of(struct line *l, struct bb_bytes kind)
{
    struct bb_bytes role = word_in(outputs, field_text(l->i, l->v, "output"));
    char digits[64];
    int rc = field_number(l->i, l->v, "quantity", digits);

    if (bb_str_is(kind, "text"))
        return 0;
    if (rc != 1)
        return rc < 0 ? refuse(l, "the quantity is no number") : bb_str_is(kind, "document") ? 0 : refuse(l, "it has no quantity");
    if (*digits == '-' && !role.len)
        return refuse(l, "a quantity below zero, but no output that says co-product or by-product");
    if (strspn(digits, "-0.") == strlen(digits))
        return bb_str_is(kind, "document") ? 0 : refuse(l, "the quantity is zero");
    map_text(&l->o, "role", role);
    return quantity_put(l->i, &l->o, "quantity", digits, field_text(l->i, l->v, "unit"), l->err);
}

static int what_put(struct line *l, struct bb_bytes kind)
{
    struct bb_bytes item = field_text(l->i, l->v, "component"), doc = field_text(l->i, l->v, "document");
    int plain = bb_str_is(kind, "text") || bb_str_is(kind, "document");

    if (!plain && !item.len)
        return refuse(l, "it has no component");
    if (bb_str_is(kind, "document") && !doc.len)
        return refuse(l, "a line of category document names none");
    if (bb_str_is(kind, "text"))
        map_text(&l->o, "description", has(l, "note") ? field_text(l->i, l->v, "note") : bb_str("-"));
    if (item.len)
        one_put(l, "item", "id", "component");
    if (doc.len) {
        map_key(&l->o, "document");
        struct open d = map_open(l->o.b);
        map_text(&d, "kind", bb_str("document"));
        map_text(&d, "id", doc);
        open_end(&d);
    }
    return quantity_of(l, kind);
}

static int size_put(struct line *l)
{
    char digits[64];
    int rc = field_number(l->i, l->v, "length", digits);

    if (rc <= 0)
        return rc == 0 ? 0 : refuse(l, "the length is no number");
    map_key(&l->o, "variableSize");
    struct open s = map_open(l->o.b);
    rc = quantity_put(l->i, &s, "length", digits, bb_str("mm"), l->err);
    open_end(&s);
    return rc;
}

static int line_put(const bb_inst *i, struct bb_bytes v, struct bb_buf *b, struct bb_error *err)
{
    struct line l = {.i = i, .v = v, .id = field_text(i, v, "line"), .err = err};
    struct bb_bytes category = field_text(i, v, "category"), kind = category.len ? word_in(kinds, category) : bb_str("stock");

    if (!l.id.len)
        return refuse(&l, "a line without an identity: say what it is called, names: {line: ...}");
    if (!kind.len)
        return refuse(&l, "its category is none of part, non-stock, cut, text, document");
    l.o = map_open(b);
    map_text(&l.o, "id", l.id);
    text_put(&l, "position", "position");
    map_text(&l.o, "kind", kind);
    if (what_put(&l, kind) != 0 || scrap_put(&l) != 0 || alternate_put(&l) != 0 || size_put(&l) != 0) {
        char why[240]; /* a unit's refusal does not say whose */
        snprintf(why, sizeof why, "%s", err->text);
        return strncmp(why, "line ", 5) == 0 ? -1 : refuse(&l, why);
    }
    map_true(&l.o, "fixedQuantity", field_true(i, v, "fixed"));
    map_true(&l.o, "phantom", field_true(i, v, "phantom"));
    map_true(&l.o, "bulk", field_true(i, v, "bulk"));
    discontinuation_put(&l);
    designators_put(&l);
    one_put(&l, "operation", "operation", "operation");
    one_put(&l, "issueLocation", "storageLocation", "location");
    text_put(&l, "sortString", "sort");
    if (!bb_str_is(kind, "text"))
        text_put(&l, "note", "note");
    text_put(&l, "change", "change");
    validity_put(i, &l.o, v);
    open_end(&l.o);
    return 0;
}

/* ---- the header ----------------------------------------------------------------------------------------------- */
static int lot_put(const bb_inst *i, struct open *o, struct bb_bytes h, struct bb_error *err)
{
    static const char *const names[][2] = {{"lotFrom", "from"}, {"lotTo", "to"}};
    struct bb_bytes unit = field_text(i, h, "unit");
    char digits[2][64];
    int any = 0;

    for (int k = 0; k < 2; k++) {
        if (field_number(i, h, names[k][0], digits[k]) < 0)
            return bb_error_set(err, BB_E_REJECT, "%s is no number", names[k][0]), -1;
        if (strspn(digits[k], "0.") == strlen(digits[k]))
            *digits[k] = 0;
        any |= *digits[k] != 0;
    }
    if (!any)
        return 0;
    map_key(o, "lotSize");
    struct open l = map_open(o->b);
    for (int k = 0; k < 2; k++)
        if (*digits[k] && quantity_put(i, &l, names[k][1], digits[k], unit, err) != 0)
            return -1;
    open_end(&l);
    return 0;
}

static int header_put(const bb_inst *i, struct open *o, struct bb_bytes h, struct bb_error *err)
{
    struct bb_bytes usage = field_text(i, h, "usage"), known = usage.len ? word_in(usages, usage) : bb_str("manufacturing");
    struct bb_bytes status = word_in(statuses, field_text(i, h, "status")), at = field_text(i, h, "released");
    char base[64];
    int rc = field_number(i, h, "base", base);

    map_key(o, "item");
    struct open in = map_open(o->b);
    map_text(&in, "id", field_text(i, h, "item"));
    map_text(&in, "revision", field_text(i, h, "revision"));
    open_end(&in);
    map_text(o, "plant", field_text(i, h, "plant"));
    map_text(o, "usage", known.len ? known : bb_str("other"));
    if (!known.len)
        map_text(o, "sourceUsage", usage);
    map_text(o, "alternative", field_text(i, h, "alternative"));
    map_text(o, "status", status.len ? status : bb_str("active"));
    if (at.len) {
        map_key(o, "approval");
        in = map_open(o->b);
        map_text(&in, "state", bb_str("released"));
        map_text(&in, "at", at);
        open_end(&in);
    }
    validity_put(i, o, h);
    map_text(o, "change", field_text(i, h, "change"));
    if (rc < 0 || *base == '-' || (rc == 1 && strspn(base, "0.") == strlen(base)))
        return bb_error_set(err, BB_E_REJECT, "the base quantity is no number above zero"), -1;
    if (quantity_put(i, o, "baseQuantity", rc == 1 ? base : "1", field_text(i, h, "unit"), err) != 0 || lot_put(i, o, h, err) != 0)
        return -1;
    map_text(o, "description", field_text(i, h, "note"));
    return 0;
}

static int data_put(const bb_inst *i, struct bb_bytes h, const struct bb_bytes *lines, size_t n, struct bb_buf *b,
                    struct bb_error *err)
{
    struct open o = map_open(b), all;

    if (header_put(i, &o, h, err) != 0)
        return -1;
    map_key(&o, "lines");
    all = list_open(b);
    for (size_t k = 0; k < n; k++, all.n++)
        if (line_put(i, lines[k], b, err) != 0)
            return -1;
    open_end(&all);
    open_end(&o);
    return 0;
}

int bom_message(const bb_inst *i, struct bb_bytes h, const struct bb_bytes *lines, size_t n, struct bb_buf *out,
                struct bb_error *err)
{
    struct bb_bytes item = field_text(i, h, "item"), revision = field_text(i, h, "revision"), plant = field_text(i, h, "plant");
    struct bb_bytes alternative = field_text(i, h, "alternative"), usage = field_text(i, h, "usage"), dash = bb_str("-");
    struct bb_buf data;
    int rc;

    if (!item.len)
        return bb_error_set(err, BB_E_REJECT, "a structure without its item: say what it is called, names: {item: ...}"), -1;
    struct envelope e = {.kind = "bom", .type = bb_str("mfg.bom.released"), .item = item, .revision = revision, .plant = plant,
                         .change = field_text(i, h, "change"), .correlation = field_text(i, h, "correlation"),
                         .time = field_text(i, h, "released"),
                         .id = {item, plant.len ? plant : dash, alternative.len ? alternative : dash, usage.len ? usage : dash,
                                revision.len ? revision : dash}};
    bb_buf_init(&data, 16u << 20);
    rc = data_put(i, h, lines, n, &data, err);
    if (rc != 0) {
        char why[240];
        snprintf(why, sizeof why, "%s", err->text);
        bb_error_set(err, BB_E_REJECT, "structure of %.*s: %.180s", (int)(item.len > 40 ? 40 : item.len), (const char *)item.ptr, why);
    } else if (data.failed) {
        rc = (bb_error_set(err, BB_E_REJECT, "the structure of one assembly is larger than 16 MiB"), -1);
    } else {
        rc = message_put(i, &e, (struct bb_bytes){data.ptr, data.len}, out, err);
    }
    bb_buf_free(&data);
    return rc;
}

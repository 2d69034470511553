/*
 * bom.c - mfg.bom.*: a bill of materials as it shall be, created, changed or taken out of force
 *
 * What is there is read whole (header, items, sub-items), and only what differs is written: one request
 * alone, several as one changeset, so that a BOM is never half changed. Items are matched by their number.
 * With a change number, items change through UpdateBOMItemWithECN and DeleteBOMItemWithECN; an item that
 * another change has ended is history and is left alone.
 *
 * Thread: the instance's. job.want holds header and items; an item's lasting key comes from what was read.
 */
#include <stdio.h>
#include <busbar/decimal.h>
#include "sap.h"

#define ITEMS "to_BillOfMaterialItem"
#define SUBS "to_BOMSubItem"

struct word {
    const char *model, *sap;
};
static const struct word usages[] = {{"manufacturing", "1"}, {"engineering", "2"}, {"universal", "3"},
                                     {"service", "4"},       {"sales", "5"},       {"costing", "6"}, {NULL, NULL}};
static const struct word statuses[] = {{"active", "1"}, {"inactive", "2"}, {"in-work", "2"}, {"obsolete", "2"},
                                       {"active-with-history", "3"}, {NULL, NULL}};
static const struct word kinds[] = {{"stock", "L"}, {"non-stock", "N"}, {"text", "T"},
                                    {"document", "D"}, {"variable-size", "R"}, {NULL, NULL}};
static const struct word strategies[] = {{"by-probability", "1"}, {"all-or-nothing", "2"}, {"by-priority", "2"},
                                         {"manual", "3"}, {NULL, NULL}};

static struct bb_bytes word_out(const struct word *rows, struct bb_bytes model, const char *none)
{
    for (; model.len && rows->model; rows++)
        if (bb_str_is(model, rows->model))
            return bb_str(rows->sap);
    return model.len ? (struct bb_bytes){NULL, 0} : bb_str(none);
}

/* A number's digits with zeros before them, as SAP keeps it: "10" is item 0010. */
static struct bb_bytes padded(struct bb_bytes s, int width, char out[16])
{
    int n = s.len > 12 ? 12 : (int)s.len;

    if (n >= width || !n || strspn(s.ptr, "0123456789") < (size_t)n)
        return s;
    snprintf(out, 16, "%0*d%.*s", width - n, 0, n, (const char *)s.ptr);
    return bb_str(out);
}

static void put_flag(struct map_put *m, const char *key, struct bb_bytes value)
{
    int b = 0;

    if (value.len)
        (void)bb_as_bool(value, &b);
    map_key(m, key);
    bb_put_bool(m->b, b);
}

static void put_number(struct map_put *m, const char *key, struct bb_bytes value)
{
    map_key(m, key);
    if (value.len)
        bb_put_raw(m->b, value);
    else
        bb_put_int(m->b, 0); /* absent means none: what was there is taken back */
}

static void put_word(struct map_put *m, const char *key, struct bb_bytes text)
{
    map_key(m, key);
    bb_put_str(m->b, text.ptr ? text.ptr : "", text.len);
}

static struct bb_bytes change_of(const struct job *j)
{
    return j->i->changes ? data_text(j, "/change") : (struct bb_bytes){NULL, 0};
}

static struct bb_bytes at(struct bb_bytes line, const char *pointer)
{
    struct bb_bytes v;

    return bb_pointer_get(line, pointer, &v) == 1 ? v : (struct bb_bytes){NULL, 0};
}

static struct bb_bytes text_at(struct bb_bytes line, const char *pointer)
{
    struct bb_bytes v = at(line, pointer), s = {NULL, 0};

    if (v.len)
        (void)bb_as_str(v, &s);
    return s;
}

/* ---- what the message wants ------------------------------------------------------------------------------- */
static bb_status quantity_put(struct job *j, struct map_put *m, struct bb_bytes line, int output, struct bb_error *err)
{
    struct bb_bytes q = at(line, "/quantity"), unit;
    struct bb_decimal d, zero;

    if (!q.len)
        return bb_error_set(err, BB_E_REJECT, "a line has no quantity");
    unit = unit_out(j->i, q, err);
    if (!unit.len)
        return BB_E_REJECT;
    map_key(m, "BillOfMaterialItemQuantity");
    if (output && bb_as_decimal(at(q, "/value"), &d, NULL) == 1) {
        bb_decimal_set_int(&zero, 0);
        bb_decimal_subtract(&d, &zero, &d, NULL);
        bb_decimal_put(m->b, &d); /* what comes out stands with a minus */
    } else {
        bb_put_raw(m->b, at(q, "/value"));
    }
    map_text(m, "BillOfMaterialItemUnit", unit);
    return BB_OK;
}

static void subs_put(struct map_put *m, struct bb_bytes line)
{
    struct bb_bytes list = at(line, "/referenceDesignators"), one, s;
    struct map_put subs, e;
    struct bb_iter it;
    char number[8];

    if (!list.len || !bb_iter_of(list, &it))
        return;
    map_key(m, SUBS);
    subs = list_open(m->b);
    while (bb_iter_next(&it, NULL, &one) && subs.n < 9999) {
        if (bb_as_str(one, &s) != 1)
            continue;
        e = map_open(m->b);
        snprintf(number, sizeof number, "%04u", ++subs.n);
        map_text(&e, "BOMSubItemNumberValue", bb_str(number));
        map_text(&e, "BOMSubItemInstallationPoint", s);
        map_key(&e, "BillOfMaterialSubItemQuantity");
        bb_put_int(m->b, 1);
        map_close(&e);
    }
    map_close(&subs);
}

/* What stands on a document's line, or on that of a material cut to size. */
static bb_status kind_put(struct map_put *m, struct bb_bytes line, struct bb_bytes kind, struct bb_error *err)
{
    struct bb_bytes size = at(line, "/variableSize");

    if (bb_str_is(kind, "D") && !text_at(line, "/document/id").len)
        return bb_error_set(err, BB_E_REJECT, "a document's line names no document");
    if (bb_str_is(kind, "D"))
        map_text(m, "DocumentNumber", text_at(line, "/document/id"));
    if (!bb_str_is(kind, "R"))
        return BB_OK;
    if (at(size, "/width").len || at(size, "/height").len || at(size, "/formula").len)
        return bb_error_set(err, BB_E_REJECT, "of a variable size only the length is written here");
    if (at(size, "/length").len && !bb_str_is(text_at(size, "/length/unit"), "MMT"))
        return bb_error_set(err, BB_E_REJECT, "a variable size is written in millimetres (MMT) here");
    map_value(m, "Size1", at(size, "/length/value"));
    return BB_OK;
}

static bb_status line_put(struct job *j, struct bb_buf *b, struct bb_bytes line, struct bb_error *err)
{
    struct bb_bytes role = text_at(line, "/role"), kind = word_out(kinds, text_at(line, "/kind"), "L");
    int output = bb_str_is(role, "co-product") || bb_str_is(role, "by-product"), phantom = 0;
    struct map_put m = map_open(b);
    char small[16];
    bb_status st = BB_OK;

    if (!text_at(line, "/position").len || !kind.len)
        return bb_error_set(err, BB_E_REJECT, "line %.*s: %s", (int)text_at(line, "/id").len,
                            text_at(line, "/id").len ? (const char *)text_at(line, "/id").ptr : "",
                            kind.len ? "it has no position (the step bom: {positions: ...} gives one)"
                                     : "this kind of line is not written here");
    map_text(&m, "BillOfMaterialItemNumber", padded(text_at(line, "/position"), 4, small));
    map_text(&m, "BillOfMaterialItemCategory", kind);
    map_text(&m, "BillOfMaterialComponent", text_at(line, "/item/id"));
    if (!bb_str_is(kind, "T") || at(line, "/quantity").len)
        st = quantity_put(j, &m, line, output, err);
    if (st == BB_OK)
        st = kind_put(&m, line, kind, err);
    put_flag(&m, "FixedQuantity", at(line, "/fixedQuantity"));
    put_number(&m, "ComponentScrapInPercent", at(line, "/scrap/component"));
    put_number(&m, "OperationScrapInPercent", at(line, "/scrap/operation"));
    put_flag(&m, "IsNetScrap", at(line, "/scrap/net"));
    put_word(&m, "AlternativeItemGroup", text_at(line, "/alternate/group"));
    if (at(line, "/alternate/priority").len) {
        int64_t n = 0;
        (void)bb_as_int(at(line, "/alternate/priority"), &n);
        snprintf(small, sizeof small, "%02lld", (long long)(n < 0 || n > 99 ? 99 : n));
        map_text(&m, "AlternativeItemPriority", bb_str(small));
    }
    put_word(&m, "AlternativeItemStrategy", word_out(strategies, text_at(line, "/alternate/strategy"), ""));
    put_number(&m, "UsageProbabilityPercent", at(line, "/alternate/probability"));
    put_word(&m, "DiscontinuationGroup", text_at(line, "/discontinuation/group"));
    put_word(&m, "FollowUpGroup", text_at(line, "/discontinuation/followUpGroup"));
    map_key(&m, "MaterialIsCoProduct");
    bb_put_bool(b, bb_str_is(role, "co-product"));
    put_flag(&m, "IsBulkMaterial", at(line, "/bulk"));
    if (at(line, "/phantom").len)
        (void)bb_as_bool(at(line, "/phantom"), &phantom);
    put_word(&m, "SpecialProcurementType", bb_str(phantom ? "50" : ""));
    put_word(&m, "ProdOrderIssueLocation", text_at(line, "/issueLocation/storageLocation"));
    map_text(&m, "BOMItemDescription", text_at(line, "/note"));
    map_text(&m, "ValidityStartDate", text_at(line, "/effectivity/from"));
    map_text(&m, "ValidityEndDate", text_at(line, "/effectivity/to"));
    subs_put(&m, line);
    map_close(&m);
    return st;
}

static bb_status header_put(struct job *j, struct map_put *m, struct bb_error *err)
{
    struct bb_bytes usage = word_out(usages, data_text(j, "/usage"), "1"), q = data_value(j, "/baseQuantity"), unit;
    struct bb_bytes status = word_out(statuses, data_text(j, "/status"), "1"), plant = data_text(j, "/plant");
    char small[16];

    if (bb_str_is(j->e.type, "mfg.bom.withdrawn"))
        status = bb_str("2");
    if (!usage.len || !status.len)
        return bb_error_set(err, BB_E_REJECT, "this usage or status of a BOM has no code of SAP's");
    unit = unit_out(j->i, q, err);
    if (!unit.len)
        return BB_E_REJECT;
    map_text(m, "Material", data_text(j, "/item/id"));
    map_text(m, "Plant", plant.len ? plant : j->e.plant);
    map_text(m, "BillOfMaterialCategory", bb_str("M"));
    map_text(m, "BillOfMaterialVariant", data_text(j, "/alternative").len
                                             ? padded(data_text(j, "/alternative"), 2, small) : bb_str("01"));
    map_text(m, "BillOfMaterialVariantUsage", usage);
    map_text(m, "BillOfMaterialStatus", status);
    map_text(m, "BOMHeaderText", data_text(j, "/description"));
    map_text(m, "HeaderValidityStartDate", data_text(j, "/effectivity/from"));
    map_text(m, "HeaderValidityEndDate", data_text(j, "/effectivity/to"));
    map_value(m, "BOMHeaderQuantityInBaseUnit", member(q, "value"));
    map_text(m, "BOMHeaderBaseUnit", unit);
    map_value(m, "MatFromLotSizeQuantity", data_value(j, "/lotSize/from/value"));
    map_value(m, "MaterialToLotSizeQuantity", data_value(j, "/lotSize/to/value"));
    return BB_OK;
}

/* The header and its items; with the change number where the BOM is new or its header changes. */
static bb_status want_make(struct job *j, int with_change, struct bb_error *err)
{
    struct bb_bytes lines = data_value(j, "/lines"), line;
    struct map_put m, list;
    struct bb_iter it;
    bb_status st;

    bb_buf_reset(&j->want);
    m = map_open(&j->want);
    st = header_put(j, &m, err);
    if (with_change)
        map_text(&m, "EngineeringChangeDocForEdit", change_of(j));
    map_key(&m, ITEMS);
    list = list_open(&j->want);
    if (st == BB_OK && lines.len && bb_iter_of(lines, &it))
        while (st == BB_OK && bb_iter_next(&it, NULL, &line)) {
            st = line_put(j, &j->want, line, err);
            list.n++;
        }
    map_close(&list);
    map_close(&m);
    return st == BB_OK && j->want.failed ? bb_error_set(err, BB_E_REJECT, "the BOM is too large") : st;
}

static bb_status prepare(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    static const char *const keys[] = {"Material", "Plant", "BillOfMaterialVariant", "BillOfMaterialVariantUsage"};
    bb_status st = want_make(j, 1, err);

    bb_buf_put(path, "MaterialBOM?$filter=", 20);
    for (size_t k = 0; st == BB_OK && k < 4; k++)
        st = filter_put(j, path, keys[k], field((struct bb_bytes){j->want.ptr, j->want.len}, keys[k]), err);
    bb_buf_put(path, "&$expand=" ITEMS "," ITEMS "/" SUBS, strlen("&$expand=" ITEMS "," ITEMS "/" SUBS));
    return st;
}

/* ---- what differs -------------------------------------------------------------------------------------------- */
static struct bb_bytes items_of(struct bb_bytes header)
{
    return member(header, ITEMS);
}

static int is_history(struct bb_bytes item)
{
    return field(item, "ChgToEngineeringChgDocument").len > 0 || flag(item, "IsDeleted");
}

static int same_text(struct bb_bytes a, struct bb_bytes b, const char *name)
{
    struct bb_bytes x = field(a, name), y = field(b, name);

    return x.len && x.len == y.len && memcmp(x.ptr, y.ptr, x.len) == 0;
}

/* The item with that number: one that begins on the same day, also where another change has ended it since (the
 * BOM may still say so); else one that is in force. */
static struct bb_bytes item_find(struct bb_bytes items, struct bb_bytes like)
{
    struct bb_bytes one, found = {NULL, 0};
    struct bb_iter it;

    if (items.len && bb_iter_of(items, &it))
        while (bb_iter_next(&it, NULL, &one)) {
            if (!same_text(one, like, "BillOfMaterialItemNumber") || flag(one, "IsDeleted"))
                continue;
            if (same_text(one, like, "ValidityStartDate"))
                return one;
            if (!found.len && !is_history(one))
                found = one;
        }
    return found;
}

/* The item with the keys that it belongs below: to make, or as a function's parameters. */
static void item_keyed(struct job *j, struct bb_bytes header, struct bb_bytes old, struct bb_bytes item, int change,
                       struct bb_buf *out)
{
    static const char *const keys[] = {"BillOfMaterial", "BillOfMaterialCategory", "BillOfMaterialVariant",
                                       "BillOfMaterialVersion", "Material", "Plant"};
    struct map_put m = map_open(out);
    struct bb_bytes k, v;
    struct bb_iter it;

    for (size_t n = 0; n < 6; n++)
        map_value(&m, keys[n], member(header, keys[n]));
    map_value(&m, "HeaderChangeDocument", old.len ? member(old, "HeaderChangeDocument")
                                                  : member(header, "EngineeringChangeDocument"));
    map_value(&m, "BillOfMaterialItemNodeNumber", old.len ? member(old, "BillOfMaterialItemNodeNumber")
                                                          : (struct bb_bytes){NULL, 0});
    if (change)
        map_text(&m, "EngineeringChangeDocument", change_of(j));
    if (item.len && bb_iter_of(item, &it))
        while (bb_iter_next(&it, &k, &v)) {
            bb_put_str(out, k.ptr, k.len);
            bb_put_raw(out, v);
            m.n++;
        }
    map_close(&m);
}

/* Under a change number an item changes only in what the function has a parameter for. */
static bb_status change_call(struct job *j, const struct edm_set *items, struct bb_bytes header, struct bb_bytes old,
                             struct bb_bytes item, struct bb_error *err)
{
    const struct edm_function *f = edm_function_find(j->s->edm, "UpdateBOMItemWithECN");
    struct bb_bytes k, v;
    struct bb_iter it;
    struct bb_buf b;
    char name[64];
    bb_status st;
    int differs = 0;

    if (!bb_iter_of(item, &it))
        return BB_OK;
    while (bb_iter_next(&it, &k, &v)) {
        const struct edm_prop *p = edm_prop_find(items->type, k);
        size_t n = 0;
        if (!p || bb_str_copy(k, name, sizeof name) != 0 || value_same(p, v, member(old, name)))
            continue;
        differs = 1;
        while (f && n < f->n_params && strcmp(f->params[n].name, name) != 0)
            n++;
        if (f && n == f->n_params)
            return bb_error_set(err, BB_E_REJECT, "item %.*s: %s cannot be changed under a change number by this "
                                                  "system: it has no parameter for it",
                                (int)field(old, "BillOfMaterialItemNumber").len,
                                (const char *)field(old, "BillOfMaterialItemNumber").ptr, name);
    }
    if (!differs)
        return BB_OK;
    bb_buf_init(&b, 65536);
    item_keyed(j, header, old, item, 1, &b);
    st = job_call(j, "UpdateBOMItemWithECN", (struct bb_bytes){b.ptr, b.len}, 0, err);
    bb_buf_free(&b);
    return st;
}

static bb_status item_plan(struct job *j, const struct edm_set *items, struct bb_bytes header, struct bb_bytes item,
                           struct bb_error *err)
{
    struct bb_bytes old = item_find(items_of(header), item), none = {NULL, 0};
    int change = change_of(j).len > 0;
    struct bb_buf b;
    bb_status st;

    if (old.len)
        return change ? change_call(j, items, header, old, item, err) : job_write(j, items, item, old, err);
    bb_buf_init(&b, 65536);
    item_keyed(j, header, none, item, change, &b);
    st = job_write(j, items, (struct bb_bytes){b.ptr, b.len}, none, err);
    bb_buf_free(&b);
    return st;
}

static bb_status item_drop(struct job *j, const struct edm_set *items, struct bb_bytes header, struct bb_bytes old,
                           struct bb_error *err)
{
    struct bb_bytes none = {NULL, 0};
    struct bb_buf b;
    bb_status st;

    bb_buf_init(&b, 8192);
    if (change_of(j).len) {
        item_keyed(j, header, old, none, 1, &b);
        st = job_call(j, "DeleteBOMItemWithECN", (struct bb_bytes){b.ptr, b.len}, 0, err);
    } else {
        st = key_put(j->s->edm, items, old, &b, err);
        if (st == BB_OK)
            st = job_request(j, "DELETE", (struct bb_bytes){b.ptr, b.len}, none, items->etag, err);
    }
    bb_buf_free(&b);
    return st;
}

static bb_status items_plan(struct job *j, struct bb_bytes header, struct bb_error *err)
{
    const struct edm_set *items = job_set(j, "MaterialBOMItem", err);
    struct bb_bytes want = items_of((struct bb_bytes){j->want.ptr, j->want.len}), one;
    struct bb_iter it;
    bb_status st = items ? BB_OK : BB_E_CONFIG;

    if (st == BB_OK && bb_iter_of(items_of(header), &it)) /* first out, then in: a position may be taken again */
        while (st == BB_OK && bb_iter_next(&it, NULL, &one))
            if (!is_history(one) && !item_find(want, one).len)
                st = item_drop(j, items, header, one, err);
    if (st == BB_OK && bb_iter_of(want, &it))
        while (st == BB_OK && bb_iter_next(&it, NULL, &one))
            st = item_plan(j, items, header, one, err);
    return st;
}

static bb_status plan(struct job *j, struct bb_error *err)
{
    struct bb_bytes now = job_now(j, 0), none = {NULL, 0};
    int withdrawn = bb_str_is(j->e.type, "mfg.bom.withdrawn");
    bb_status st;

    if (!now.len) {
        j->did = withdrawn ? "unchanged" : "created";
        return withdrawn ? BB_OK : job_write(j, j->set, (struct bb_bytes){j->want.ptr, j->want.len}, none, err);
    }
    j->did = "changed";
    st = want_make(j, 0, err);
    if (st == BB_OK)
        st = job_write(j, j->set, (struct bb_bytes){j->want.ptr, j->want.len}, now, err);
    if (st == BB_OK && j->n_rq && change_of(j).len) {
        j->n_rq = 0;
        bb_buf_reset(&j->text);
        st = want_make(j, 1, err);
        if (st == BB_OK)
            st = job_write(j, j->set, (struct bb_bytes){j->want.ptr, j->want.len}, now, err);
    }
    if (st == BB_OK && !withdrawn)
        st = items_plan(j, now, err);
    if (!j->n_rq)
        j->did = "unchanged";
    return st;
}

const struct op op_bom = {.type = "mfg.bom.*", .service = "bom", .set = "MaterialBOM", .prepare = prepare, .plan = plan};

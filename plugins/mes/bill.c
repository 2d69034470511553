/*
 * bill.c - a BOM as an OperationsMaterialBill
 *
 * The bill's first item, of use Produced, is what it makes and how much of it the other quantities are for.
 * A line's ID is its position, which is what the floor knows, else its id; lines without an item (texts,
 * documents) go as items without MaterialSpecificationID, which a MES skips. The bill is the whole: a line that
 * is not in it is gone, so lines marked as deleted are left out.
 *
 * Thread: the instance's. Memory: 32 bytes a line while lines are compared.
 */
#include <stdlib.h>
#include "mes.h"

struct place { /* two lines with the same are one to a MES */
    struct bb_bytes id, from;
};

static int bytes_compare(struct bb_bytes a, struct bb_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

    return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

static int place_compare(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    int c = bytes_compare(p->id, q->id);

    return c ? c : bytes_compare(p->from, q->from);
}

static struct bb_bytes line_id(struct bb_bytes line)
{
    struct bb_bytes id = bb_conf_str(line, "/position", NULL);

    return id.len ? id : bb_conf_str(line, "/id", NULL);
}

static int line_gone(struct bb_bytes line)
{
    return bb_conf_bool(line, "/deleted", 0);
}

static bb_status places_check(struct bod *d, struct bb_bytes lines)
{
    struct bb_iter it;
    struct bb_bytes line;
    struct place *p;
    size_t n = 0;
    bb_status st = BB_OK;

    if (!bb_iter_of(lines, &it) || it.n > MES_LINES_MAX)
        return bb_error_set(d->err, BB_E_REJECT, "lines: a list of at most %u", MES_LINES_MAX);
    p = calloc(it.n ? it.n : 1, sizeof *p);
    if (!p)
        return bb_error_set(d->err, BB_E_RETRY, "out of memory");
    while (bb_iter_next(&it, NULL, &line))
        if (!line_gone(line))
            p[n++] = (struct place){line_id(line), bb_conf_str(line, "/effectivity/from", NULL)};
    qsort(p, n, sizeof *p, place_compare);
    for (size_t k = 1; st == BB_OK && k < n; k++)
        if (place_compare(&p[k - 1], &p[k]) == 0)
            st = bb_error_set(d->err, BB_E_REJECT, "two lines have position %.*s and begin on the same day: a MES would "
                                                   "take one for the other",
                              (int)(p[k].id.len > 60 ? 60 : p[k].id.len), (const char *)p[k].id.ptr);
    free(p);
    return st;
}

static const char *use_of(struct bb_bytes line)
{
    struct bb_bytes role = bb_conf_str(line, "/role", "component");

    return bb_str_is(role, "co-product")   ? "Co-product Produced"
           : bb_str_is(role, "by-product") ? "By-product Produced"
                                           : "Consumed";
}

static void line_put(struct bod *d, struct bb_bytes line)
{
    xml_open(&d->x, "OperationsMaterialBillItem");
    xml_put(&d->x, "ID", line_id(line));
    xml_put(&d->x, "Description", bb_conf_str(line, "/description", NULL));
    bod_time(d, "EffectiveStartDate", line, "/effectivity/from");
    bod_time(d, "EffectiveEndDate", line, "/effectivity/to");
    xml_put(&d->x, "UseType", bb_str(use_of(line)));
    xml_put(&d->x, "MaterialSpecificationID", bb_conf_str(line, "/item/id", NULL));
    bod_quantity(d, line, "/quantity");
    xml_close(&d->x, "OperationsMaterialBillItem");
}

static void header_put(struct bod *d)
{
    xml_open(&d->x, "OperationsMaterialBillItem");
    xml_put(&d->x, "ID", bb_str("0"));
    xml_put(&d->x, "UseType", bb_str("Produced"));
    xml_put(&d->x, "MaterialSpecificationID", bb_conf_str(d->v->data, "/item/id", NULL));
    bod_quantity(d, d->v->data, "/baseQuantity");
    xml_close(&d->x, "OperationsMaterialBillItem");
}

/* "ITEM" or "ITEM/ALTERNATIVE" */
static void id_put(struct bod *d)
{
    struct bb_bytes item = bb_conf_str(d->v->data, "/item/id", NULL);
    struct bb_bytes alternative = bb_conf_str(d->v->data, "/alternative", NULL);
    char id[1100];
    size_t n = 0;

    if (item.len + alternative.len + 1 <= sizeof id) {
        memcpy(id, item.ptr, item.len);
        n = item.len;
        if (alternative.len) {
            id[n++] = '/';
            memcpy(id + n, alternative.ptr, alternative.len);
            n += alternative.len;
        }
    }
    xml_put(&d->x, "ID", (struct bb_bytes){id, n});
}

static struct bb_bytes usage_of(struct bod *d)
{
    static const char *const words[][2] = {{"manufacturing", "Production"}, {"universal", "Production"},
                                           {"engineering", "Engineering"},  {"service", "Maintenance"}};
    struct bb_bytes usage = bb_conf_str(d->v->data, "/usage", NULL);

    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (bb_str_is(usage, words[k][0]))
            return bb_str(words[k][1]);
    return usage;
}

bb_status bill_put(struct bod *d)
{
    struct bb_bytes data = d->v->data, lines, line, version;
    struct bb_iter it;
    bb_status st;

    if (!bb_conf_str(data, "/item/id", NULL).len || !bb_conf_find(data, "/lines", &lines))
        return bb_error_set(d->err, BB_E_REJECT, "the BOM has no item or no lines");
    st = places_check(d, lines);
    if (st != BB_OK)
        return st;
    version = bb_conf_str(data, "/revision", NULL);
    version = version.len ? version : bb_conf_str(data, "/item/revision", NULL);
    id_put(d);
    xml_put(&d->x, "Description", bb_conf_str(data, "/description", NULL));
    xml_put(&d->x, "Version", version);
    bod_time(d, "EffectiveStartDate", data, "/effectivity/from");
    bod_time(d, "EffectiveEndDate", data, "/effectivity/to");
    bod_scope(d);
    xml_put(&d->x, "UseType", usage_of(d));
    header_put(d);
    if (bb_iter_of(lines, &it))
        while (bb_iter_next(&it, NULL, &line))
            if (!line_gone(line))
                line_put(d, line);
    xml_put(&d->x, "BillOfMaterialsID", bb_conf_str(data, "/id", NULL));
    return BB_OK;
}

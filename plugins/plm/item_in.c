/*
 * item_in.c - a revision of an item as mfg.item
 *
 * The id is the item's number, its revision and status, and a digest: a revision that is released is frozen, so what is
 * read twice is the same message, to the byte.
 *
 * Thread: any. Memory: the buffer given.
 */
#include "plm.h"

static const struct word kinds[] = {{"product", "finished"}, {"assembly", "semi-finished"}, {"part", "component"},
                                    {"raw", "raw"}, {"packaging", "packaging"}, {"document", "document"},
                                    {"software", "software"}, {"tool", "tool"}, {NULL, NULL}};
static const struct word statuses[] = {{"in-work", "in-work"}, {"prototype", "prototype"}, {"active", "active"},
                                       {"released", "active"}, {"phase-out", "phase-out"}, {"inactive", "blocked"},
                                       {"blocked", "blocked"}, {"obsolete", "obsolete"}, {NULL, NULL}};
static const struct word procurements[] = {{"make", "make"}, {"buy", "buy"}, {"both", "both"}, {NULL, NULL}};

static int units_put(const bb_inst *i, struct open *o, struct bb_bytes list, struct bb_error *err)
{
    struct bb_bytes one, code;
    struct bb_iter it;
    char num[64], den[64];
    int same;

    if (!list.len || !bb_iter_of(list, &it) || it.map || !it.n)
        return 0;
    map_key(o, "units");
    struct open all = list_open(o->b), u;
    while (bb_iter_next(&it, NULL, &one)) {
        if (unit_in(i, field_text(i, one, "unit"), &code, &same, err) != 0)
            return -1;
        if (field_number(i, one, "numerator", num) != 1 || field_number(i, one, "denominator", den) != 1 || strpbrk(num, ".-eE") ||
            strpbrk(den, ".-eE")) {
            bb_error_set(err, BB_E_REJECT, "a conversion of units lacks numerator or denominator, whole numbers");
            return -1;
        }
        u = map_open(o->b);
        map_text(&u, "unit", code);
        map_key(&u, "numerator");
        bb_put_decimal(o->b, num, strlen(num));
        map_key(&u, "denominator");
        bb_put_decimal(o->b, den, strlen(den));
        open_end(&u);
        all.n++;
    }
    open_end(&all);
    return 0;
}

static void plants_put(const bb_inst *i, struct open *o, struct bb_bytes list)
{
    struct bb_bytes one;
    struct bb_iter it;

    if (!list.len || !bb_iter_of(list, &it) || it.map || !it.n)
        return;
    map_key(o, "plants");
    struct open all = list_open(o->b), p;
    while (bb_iter_next(&it, NULL, &one)) {
        p = map_open(o->b);
        map_text(&p, "plant", field_text(i, one, "plant"));
        open_end(&p);
        all.n++;
    }
    open_end(&all);
}

static int data_put(const bb_inst *i, struct bb_bytes v, struct bb_bytes status, struct bb_buf *b, struct bb_error *err)
{
    struct bb_bytes type = field_text(i, v, "type"), kind = word_in(kinds, type), unit;
    struct open o = map_open(b), in;
    char weight[64];
    int same, rc;

    map_key(&o, "item");
    in = map_open(b);
    map_text(&in, "id", field_text(i, v, "number"));
    map_text(&in, "revision", field_text(i, v, "revision"));
    open_end(&in);
    map_text(&o, "name", field_text(i, v, "name"));
    map_text(&o, "kind", field_true(i, v, "phantom") ? bb_str("phantom") : kind);
    if (!kind.len)
        map_text(&o, "sourceKind", type);
    map_text(&o, "status", status);
    map_text(&o, "sourceStatus", field_text(i, v, "status"));
    if (field_text(i, v, "released").len) {
        map_key(&o, "approval");
        in = map_open(b);
        map_text(&in, "state", bb_str("released"));
        map_text(&in, "at", field_text(i, v, "released"));
        open_end(&in);
    }
    map_text(&o, "change", field_text(i, v, "change"));
    map_text(&o, "procurement", word_in(procurements, field_text(i, v, "procurement")));
    if (unit_in(i, field_text(i, v, "unit"), &unit, &same, err) != 0)
        return -1;
    map_text(&o, "baseUnit", unit);
    if (units_put(i, &o, field(i, v, "units"), err) != 0)
        return -1;
    map_true(&o, "lotManaged", field_true(i, v, "lots"));
    map_true(&o, "serialManaged", field_true(i, v, "serials"));
    rc = field_number(i, v, "weight", weight);
    if (rc < 0 || (rc == 1 && quantity_put(i, &o, "netWeight", weight, bb_str("kg"), err) != 0))
        return rc < 0 ? (bb_error_set(err, BB_E_REJECT, "the weight is no number"), -1) : -1;
    plants_put(i, &o, field(i, v, "plants"));
    open_end(&o);
    return 0;
}

int item_message(const bb_inst *i, struct bb_bytes v, struct bb_buf *out, struct bb_error *err)
{
    struct bb_bytes number = field_text(i, v, "number"), revision = field_text(i, v, "revision");
    struct bb_bytes status = word_in(statuses, field_text(i, v, "status"));
    int ended = bb_str_is(status, "obsolete"), rc;
    struct bb_buf data;

    if (!number.len || !status.len) {
        bb_error_set(err, BB_E_REJECT, number.len ? "the item's status is none of in-work, prototype, active, phase-out, inactive, "
                                                    "obsolete"
                                                  : "the item has no number: say what it is called there, names: {number: ...}");
        return -1;
    }
    struct envelope e = {.kind = "item", .type = bb_str(ended ? "mfg.item.obsoleted" : "mfg.item.released"), .item = number,
                         .revision = revision, .change = field_text(i, v, "change"),
                         .correlation = field_text(i, v, "correlation"), .time = field_text(i, v, "released"),
                         .id = {number, revision.len ? revision : bb_str("-"), status}};
    bb_buf_init(&data, 1u << 20);
    rc = data_put(i, v, status, &data, err);
    if (rc == 0 && data.failed)
        rc = (bb_error_set(err, BB_E_REJECT, "the item is larger than 1 MiB"), -1);
    if (rc == 0)
        rc = message_put(i, &e, (struct bb_bytes){data.ptr, data.len}, out, err);
    bb_buf_free(&data);
    return rc;
}

/*
 * ops.c - which operation a message's type is, units of measure, and the generic operation
 *
 * sap.entity.*: any set of any service, for what no canonical type says. The data is {service, set, entity}
 * (create, upsert, change: what differs is written), {service, set, key} (delete), or {service, set, function,
 * parameters} (call). They converge like the others, by reading first; create and call are read for nothing
 * and answered by the system.
 *
 * Units: the config's units (Rec 20 to SAP's code), the code the source used, then the usual ones. No default:
 * a unit that is not known refuses the message.
 *
 * Thread: the instance's.
 */
#include <stdio.h>
#include <busbar/units.h>
#include "sap.h"

/* ---- units ------------------------------------------------------------------------------------------------ */
static const struct {
    const char *rec20, *sap;
} usual[] = {{"H87", "PC"}, {"C62", "EA"}, {"EA", "EA"},  {"KGM", "KG"}, {"GRM", "G"},  {"TNE", "TO"},
             {"MTR", "M"},  {"CMT", "CM"}, {"MMT", "MM"}, {"LTR", "L"},  {"MLT", "ML"}, {"MTK", "M2"},
             {"MTQ", "M3"}, {"HUR", "H"},  {"MIN", "MIN"}, {"DAY", "TAG"}, {"XBX", "BOX"}, {"XCT", "CAR"},
             {"XPX", "PAL"}};

struct bb_bytes unit_out(const bb_inst *i, struct bb_bytes quantity, struct bb_error *err)
{
    struct bb_bytes unit = field(quantity, "unit"), own = field(quantity, "sourceUnit"), v;
    char at[80];

    snprintf(at, sizeof at, "/units/%.*s", (int)(unit.len > 20 ? 20 : unit.len), unit.len ? (const char *)unit.ptr : "");
    v = bb_conf_str(i->conf, at, NULL);
    if (v.len)
        return v;
    if (own.len && own.len <= 3)
        return own;
    for (size_t k = 0; k < sizeof usual / sizeof usual[0]; k++)
        if (bb_str_is(unit, usual[k].rec20))
            return bb_str(usual[k].sap);
    bb_error_set(err, BB_E_REJECT, "unit %.*s: SAP's code for it is not known, give it in units",
                 (int)(unit.len > 20 ? 20 : unit.len), unit.len ? (const char *)unit.ptr : "");
    return (struct bb_bytes){NULL, 0};
}

void quantity_in(const bb_inst *i, struct map_put *m, const char *key, struct bb_bytes number, struct bb_bytes unit)
{
    const struct bb_unit *u;
    struct map_put q;
    struct bb_iter it;
    struct bb_bytes map, k, v, s;
    const char *code = NULL;
    char keep[24];

    if (!number.len || !unit.len)
        return;
    if (bb_conf_find(i->conf, "/units", &map) && bb_iter_of(map, &it))
        while (!code && bb_iter_next(&it, &k, &v))
            if (bb_as_str(v, &s) == 1 && s.len == unit.len && memcmp(s.ptr, unit.ptr, s.len) == 0 &&
                bb_str_copy(k, keep, sizeof keep) == 0)
                code = keep;
    for (size_t n = 0; !code && n < sizeof usual / sizeof usual[0]; n++)
        if (bb_str_is(unit, usual[n].sap))
            code = usual[n].rec20;
    if (!code && bb_unit_get(unit.ptr, unit.len, BB_SCHEME_SAP, &u, NULL) == 0)
        code = u->code;
    map_key(m, key);
    q = map_open(m->b);
    map_value(&q, "value", number);
    map_text(&q, "unit", bb_str(code)); /* absent where nobody knows the code: a schema check then finds it */
    map_text(&q, "sourceUnit", unit);
    map_close(&q);
}

/* ---- any entity --------------------------------------------------------------------------------------------- */
static int is_verb(const struct job *j, const char *verb)
{
    char want[40];

    snprintf(want, sizeof want, "sap.entity.%s", verb);
    return bb_str_is(j->e.type, want);
}

static bb_status prepare(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    struct bb_bytes entity = data_value(j, "/entity"), key = data_value(j, "/key");

    if (is_verb(j, "call"))
        return data_text(j, "/function").len ? BB_OK : bb_error_set(err, BB_E_REJECT, "data: function is wanted");
    if (!key.len)
        key = entity;
    if (!key.len || (!entity.len && !is_verb(j, "delete")))
        return bb_error_set(err, BB_E_REJECT, "data: entity is wanted (with its key), for a deletion key");
    for (size_t k = 0; is_verb(j, "create") && k < j->set->type->n_props; k++)
        if (j->set->type->props[k].key && !member(key, j->set->type->props[k].name).len)
            return BB_OK; /* the system gives the number: there is nothing to look for */
    return key_put(j->s->edm, j->set, key, path, err);
}

static bb_status plan(struct job *j, struct bb_error *err)
{
    struct bb_bytes entity = data_value(j, "/entity"), now = job_now(j, 0), none = {NULL, 0};
    struct bb_buf path;
    char name[80];
    bb_status st;

    if (is_verb(j, "call")) {
        j->did = "called";
        return bb_str_copy(data_text(j, "/function"), name, sizeof name) != 0
                   ? bb_error_set(err, BB_E_REJECT, "function: a name is wanted")
                   : job_call(j, name, data_value(j, "/parameters"), 0, err);
    }
    if (is_verb(j, "delete")) {
        j->did = "deleted";
        if (!now.len)
            return BB_OK;
        bb_buf_init(&path, 8192);
        st = key_put(j->s->edm, j->set, now, &path, err);
        if (st == BB_OK)
            st = job_request(j, "DELETE", (struct bb_bytes){path.ptr, path.len}, none, j->set->etag, err);
        bb_buf_free(&path);
        return st;
    }
    if (is_verb(j, "change") && !now.len)
        return bb_error_set(err, BB_E_REJECT, "%s: there is none with that key", j->set->name);
    st = job_write(j, j->set, entity, now, err);
    j->did = !now.len ? "created" : j->n_rq ? "changed" : "unchanged";
    return st == BB_E_CONFIG ? BB_E_REJECT : st; /* the message named the property, not the connector */
}

const struct op op_entity = {.type = "sap.entity.*", .prepare = prepare, .plan = plan};

const struct op *op_find(struct bb_bytes type)
{
    static const struct op *const all[] = {&op_move, &op_bom, &op_item, &op_order, &op_entity};

    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        size_t n = strlen(all[k]->type);
        if (bb_str_is(type, all[k]->type) ||
            (all[k]->type[n - 1] == '*' && type.len >= n && memcmp(type.ptr, all[k]->type, n - 1) == 0))
            return all[k];
    }
    return NULL;
}

/*
 * odata_write.c - POST (deep too), PATCH, MERGE, PUT, DELETE, function imports
 *
 * The whole request is one savepoint (kit.c; a changeset of a batch its own), so a rule that refuses
 * after some rows were written takes all of them back.
 */
#include <string.h>

#include "tools/plant/json.h"
#include "tools/plant/odata.h"

static bool rule(struct odata_op op)
{
    return !op.row->set->rule || op.row->set->rule(&op);
}

static bool bad_value(struct odata_ctx *x, const char *name)
{
    return odata_fail(x, 400, x->s->version == 2 ? "CX_SXML_PARSE_ERROR" : "/IWBEP/CM_V4_MED/003", name,
                      "Property '%s' has an invalid value, or one that is too long for it", name);
}

/* The members of an object into a row; navigations only noted: their JSON goes to kids[]. */
static bool row_read(struct odata_ctx *x, struct odata_row *r, struct plant_text json, struct plant_text *kids)
{
    struct plant_items it;
    struct plant_text k, v;
    if (!plant_members_of(json, &it))
        return odata_fail(x, 400, "CX_SXML_PARSE_ERROR", NULL, "The body is not a JSON object");
    while (plant_members_next(&it, &k, &v)) {
        const char *name = plant_mem_text(&x->c->mem, k);
        const struct odata_prop *p = odata_prop_find(r->set, name);
        int nav;
        if (p) {
            if (!odata_value_read(x, p, v, &r->v[p - r->set->props]))
                return bad_value(x, name);
        } else if (odata_nav_find(r->set, name, &nav)) {
            kids[nav] = v;
        } else if (strcmp(name, "__metadata") != 0 && name[0] != '@') {
            return odata_fail(x, 400, x->s->version == 2 ? "/IWBEP/CM_MGW_RT/176" : "/IWBEP/CM_V4_MED/002", name,
                              "Property '%s' is invalid for type '%s'", name, r->set->type);
        }
    }
    return true;
}

static bool create(struct odata_ctx *x, struct odata_row *r, struct odata_row *parent, struct plant_text json,
                   int depth);

static bool children_create(struct odata_ctx *x, struct odata_row *r, const struct plant_text *kids, int depth)
{
    for (int i = 0; i < r->set->n_navs; i++) {
        struct plant_text list = kids[i], one, results;
        struct plant_items it;
        if (!list.n || (list.p[0] != '[' && list.p[0] != '{'))
            continue;
        if (list.p[0] == '{' && plant_json_find(list, "/results", &results))
            list = results;
        if (!r->set->navs[i].owns)
            return odata_fail(x, 400, "/IWBEP/CM_MGW_RT/180", r->set->navs[i].name,
                              "'%s' cannot be written with its parent", r->set->navs[i].name);
        if (depth >= ODATA_DEPTH)
            return odata_fail(x, 400, "/IWBEP/CM_MGW_RT/181", NULL, "The insert is too deep");
        r->fresh[i] = true;
        plant_items_of(list, false, &it);
        while (plant_items_next(&it, &one)) {
            struct odata_row *kid = plant_mem_take(&x->c->mem, sizeof *kid);
            kid->set = odata_set_find(x->s, r->set->navs[i].target);
            for (int k = 0; k < r->set->navs[i].n; k++)
                odata_put(kid, r->set->navs[i].theirs[k], odata_get(r, r->set->navs[i].own[k]));
            if (!create(x, kid, r, one, depth + 1))
                return false;
        }
    }
    return true;
}

static bool duplicate(struct odata_ctx *x, const struct odata_row *r)
{
    if (strcmp(plant_option(x->c, "duplicate", "500"), "400") == 0)
        return odata_fail(x, 400, "BOM/046", NULL, "%s already exists", odata_link(x, r));
    return odata_fail(x, 500, "SQL/301", NULL, "unique constraint violated: Table(%s)", odata_table(r->set));
}

static bool create(struct odata_ctx *x, struct odata_row *r, struct odata_row *parent, struct plant_text json,
                   int depth)
{
    struct plant_text kids[ODATA_NAVS] = {{NULL, 0}};
    if (!row_read(x, r, json, kids))
        return false;
    if (r->set->changed)
        odata_put(r, r->set->changed, plant_now(x->c));
    if (!rule((struct odata_op){.x = x, .verb = 'C', .row = r, .parent = parent}))
        return false;
    if (!odata_insert(x, r))
        return duplicate(x, r);
    return children_create(x, r, kids, depth) &&
           rule((struct odata_op){.x = x, .verb = 'C', .after = true, .row = r, .parent = parent});
}

static void post(struct odata_ctx *x)
{
    struct odata_target t;
    struct odata_row *r = plant_mem_take(&x->c->mem, sizeof *r);
    if (!odata_target_find(x, &t))
        return;
    if (t.row || t.count || (t.set->flags & ODATA_NO_POST && !t.nav)) {
        odata_fail(x, 405, "/IWBEP/CM_MGW_RT/501", NULL, "Method 'POST' is not allowed on '%s'", x->rest);
        return;
    }
    r->set = t.set;
    for (int k = 0; t.nav && k < t.nav->n; k++)
        odata_put(r, t.nav->theirs[k], odata_get(t.parent, t.nav->own[k]));
    if (!create(x, r, t.parent, x->c->rq->body, 0))
        return;
    plant_putf(&x->c->head, "Location: http://%s%s/%s\r\n", plant_call_header(x->c, "host"), x->s->path,
               odata_link(x, r));
    struct odata_row *stored = odata_row_by(x, r->set->name, odata_key_where(x, r));
    if (stored) /* rules may have gone on from there */
        memcpy(stored->fresh, r->fresh, sizeof r->fresh);
    odata_entity_answer(x, 201, stored ? stored : r, NULL, NULL);
}

static bool etag_fits(struct odata_ctx *x, const struct odata_row *r)
{
    const char *given = plant_call_header(x->c, "if-match");
    if (!(r->set->flags & ODATA_ETAG) || strcmp(given, "*") == 0)
        return true;
    if (!*given)
        return odata_fail(x, 428, x->s->version == 2 ? "/IWBEP/CM_MGW_RT/039" : "/IWBEP/CM_V4_RT/001", NULL,
                          "Precondition required: the If-Match header is missing");
    if (strcmp(given, odata_etag(x, r)) != 0)
        return odata_fail(x, 412, x->s->version == 2 ? "/IWBEP/CM_MGW_RT/038" : "/IWBEP/CM_V4_RT/002", NULL,
                          "Precondition failed: the entity was changed in the meantime");
    return true;
}

static bool remove_row(struct odata_ctx *x, struct odata_row *r, int depth)
{
    if (!rule((struct odata_op){.x = x, .verb = 'D', .row = r}))
        return false;
    for (int i = 0; i < r->set->n_navs && depth < ODATA_DEPTH; i++) {
        const struct odata_nav *nav = &r->set->navs[i];
        if (nav->owns)
            plant_db_do(x->c->db, plant_mem_printf(&x->c->mem, "DELETE FROM %s WHERE %s",
                                                   odata_table(odata_set_find(x->s, nav->target)),
                                                   odata_child_where(x, r, nav)), 0);
    }
    plant_db_do(x->c->db, plant_mem_printf(&x->c->mem, "DELETE FROM %s WHERE %s", odata_table(r->set),
                                           odata_key_where(x, r)), 0);
    return rule((struct odata_op){.x = x, .verb = 'D', .after = true, .row = r});
}

static bool change(struct odata_ctx *x, struct odata_row *old, struct odata_row *r)
{
    struct plant_text kids[ODATA_NAVS] = {{NULL, 0}};
    if (strcmp(x->method, "PUT") == 0)
        for (int i = 0; i < r->set->n_props; i++)
            if (!r->set->props[i].key)
                r->v[i] = NULL;
    if (!row_read(x, r, x->c->rq->body, kids))
        return false;
    for (int i = 0; i < r->set->n_props; i++)
        if (r->set->props[i].key)
            r->v[i] = old->v[i]; /* a key does not change */
    if (r->set->changed)
        odata_put(r, r->set->changed, plant_now(x->c));
    if (!rule((struct odata_op){.x = x, .verb = 'U', .row = r, .old = old}))
        return false;
    odata_store(x, r);
    for (int i = 0; i < r->set->n_navs; i++)
        if (kids[i].n && r->set->navs[i].owns) /* a deep PATCH replaces what it brings */
            plant_db_do(x->c->db, plant_mem_printf(&x->c->mem, "DELETE FROM %s WHERE %s",
                                                   odata_table(odata_set_find(x->s, r->set->navs[i].target)),
                                                   odata_child_where(x, r, &r->set->navs[i])), 0);
    return children_create(x, r, kids, 0) &&
           rule((struct odata_op){.x = x, .verb = 'U', .after = true, .row = r, .old = old});
}

static void patch(struct odata_ctx *x, struct odata_target *t)
{
    struct odata_row *r = plant_mem_take(&x->c->mem, sizeof *r);
    *r = *t->row;
    if (t->set->flags & ODATA_NO_PATCH) {
        odata_fail(x, 405, "/IWBEP/CM_MGW_RT/501", NULL, "Method '%s' is not allowed on '%s'", x->method, t->set->name);
        return;
    }
    if (!etag_fits(x, t->row) || !change(x, t->row, r))
        return;
    const char *as = plant_option(x->c, "patch_answer", x->s->version == 2 ? "204" : "200");
    if (strcmp(as, "200") == 0) {
        odata_entity_answer(x, 200, r, NULL, NULL);
        return;
    }
    if (r->set->flags & ODATA_ETAG)
        plant_putf(&x->c->head, "ETag: %s\r\n", odata_etag(x, r));
    plant_call_answer(x->c, 204, "application/json", "");
}

static bool function_take(struct odata_ctx *x, const char *name)
{
    const struct odata_function *f = x->s->functions;
    for (; f && f->name; f++)
        if (strcmp(f->name, name) == 0)
            break;
    if (!f || !f->name)
        return false;
    if (strcmp(f->method, x->method) != 0) {
        odata_fail(x, 405, "/IWBEP/CM_MGW_RT/501", NULL, "Function import '%s' wants %s", name, f->method);
        return true;
    }
    struct odata_set params = {.name = f->name, .type = f->name, .props_text = f->params};
    char **args = plant_mem_take(&x->c->mem, ODATA_PROPS * sizeof *args);
    odata_params_read(&params);
    for (int i = 0; i < params.n_props; i++) {
        const char *text = plant_call_query(x->c, params.props[i].name);
        if (!text && params.props[i].key) {
            odata_fail(x, 400, "/IWBEP/CM_MGW_RT/023", params.props[i].name, "Parameter '%s' is missing",
                       params.props[i].name);
            return true;
        }
        if (text && !odata_literal_read(x, &params.props[i], text, &args[i])) {
            bad_value(x, params.props[i].name);
            return true;
        }
    }
    struct odata_row *out = NULL;
    if (!f->take(x, args, &out))
        return true;
    if (out)
        odata_entity_answer(x, 200, out, NULL, NULL);
    else
        plant_call_answer(x->c, 204, "application/json", "");
    return true;
}

void odata_write(struct odata_ctx *x)
{
    struct odata_target t;
    if (function_take(x, x->rest + (*x->rest == '/')))
        return;
    if (strcmp(x->method, "POST") == 0) {
        post(x);
        return;
    }
    if (!odata_target_find(x, &t))
        return;
    if (!t.row)
        odata_fail(x, 405, "/IWBEP/CM_MGW_RT/501", NULL, "Method '%s' is not allowed on a collection", x->method);
    else if (strcmp(x->method, "DELETE") != 0)
        patch(x, &t);
    else if (t.set->flags & ODATA_NO_DELETE)
        odata_fail(x, 405, "/IWBEP/CM_MGW_RT/501", NULL, "'%s' cannot be deleted", t.set->name);
    else if (etag_fits(x, t.row) && remove_row(x, t.row, 0))
        plant_call_answer(x->c, 204, "application/json", "");
}

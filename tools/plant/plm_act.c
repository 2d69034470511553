/*
 * plm_act.c - what the engineers do: propose a change, release it, make a component obsolete (see plm.h)
 *
 * A change revises an assembly: the item and all its structures get the next revision, in which one line is another
 * quantity, a further component or another one. Until it is released the new revision is there and not current. What is
 * chosen hangs on a number that counts up, so a run can be repeated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/plm.h"

#define PARENTS_MAX 5

/* Assemblies that every ERP's interface takes: not under history; no cuts, documents or lines that a change
 * has ended in any of their structures. */
#define EASY(P) \
    "SELECT item FROM boms WHERE current = '1' AND (" P " = '' OR plant = " P ") GROUP BY item HAVING max(status) != '3' AND" \
    " item NOT IN (SELECT b.item FROM boms b JOIN lines l USING(bom) WHERE b.current = '1' AND (l.category IN ('cut', 'document')" \
    " OR l.change_to != ''))"

static const char *asked(struct plant_call *c, const char *pointer, const char *otherwise)
{
    char *s = plant_call_json(c, pointer);
    return s ? s : otherwise;
}

static void nothing(struct plant_call *c, const char *text)
{
    plm_problem(c, 409, "PLM-409", "%s", text);
}

/* The next revision: B after A, AA after Z. */
static const char *revision_next(struct plant_call *c, const char *item)
{
    char *s = plant_db_text(&c->mem, c->db, "SELECT revision FROM items WHERE item = ?1 ORDER BY length(revision) DESC,"
                                            " revision DESC LIMIT 1", 1, item);
    size_t n = s ? strlen(s) : 0;
    if (n == 0)
        return "A";
    if (s[n - 1] != 'Z') {
        s[n - 1]++;
        return s;
    }
    return plant_mem_printf(&c->mem, "%.*sAA", (int)n - 1, s);
}

static const char *change_new(struct plant_call *c, const char *title, const char *reason)
{
    const char *number = asked(c, "/number", NULL), *now = plant_now(c);
    if (!number)
        number = plant_mem_printf(&c->mem, "ECO-%s", plant_number(c, "change", 5001, 4));
    plant_db_do(c->db, "INSERT INTO changes VALUES(?1, (SELECT coalesce(max(seq), 0) + 1 FROM changes), 0, 'draft', 'order', ?2,"
                       " ?3, 'normal', ?4, ?5, 'M. Miller', ?6, '', ?7)", 7, number, title, reason,
                asked(c, "/from", plant_today(c)), asked(c, "/strategy", "immediate"), now, c->correlation);
    return number;
}

static void affected_add(struct plant_call *c, const char *number, const char *object, const char *action, const char *item,
                         const char *revision, const char *replacement)
{
    plant_db_do(c->db, "INSERT INTO affected SELECT ?1, (SELECT count(*) + 1 FROM affected WHERE number = ?1), ?2, ?3, ?4,"
                       " (SELECT revision FROM items WHERE item = ?4 AND current = '1'), ?5, '', '', '', ?6", 6, number, object,
                action, item, revision, replacement);
}

/* The item's next revision with its structures as they are; a line of them is to be changed afterwards. */
static const char *item_revise(struct plant_call *c, const char *number, const char *item)
{
    const char *revision = revision_next(c, item);
    plant_db_do(c->db, "INSERT INTO items SELECT item, ?2, text, type, unit, grp, weight, status, lots, serials, procurement,"
                       " phantom, ?3, '', ?4, '' FROM items WHERE item = ?1 AND current = '1'", 4, item, revision, number,
                c->correlation);
    affected_add(c, number, "item", "revise", item, revision, "");
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT bom FROM boms WHERE item = ?1 AND current = '1' ORDER BY bom", 1, item);
    while (plant_db_row(&st)) {
        const char *old = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 0));
        plant_db_do(c->db, "INSERT INTO boms SELECT NULL, item, plant, alternative, usage, ?2, status, base, unit, valid_from,"
                           " valid_to, lot_from, lot_to, text, ?3, '', ?4, '' FROM boms WHERE bom = CAST(?1 AS INTEGER)", 4, old,
                    revision, number, c->correlation);
        plant_db_do(c->db, "INSERT INTO lines SELECT (SELECT max(bom) FROM boms), line, position, category, component, quantity,"
                           " unit, fixed, scrap, op_scrap, net_scrap, alt_group, alt_priority, alt_strategy, alt_share,"
                           " disc_group, follow_group, output, bulk, phantom, explosion, location, operation, valid_from,"
                           " valid_to, change, change_to, sort, text, document, size1 FROM lines WHERE"
                           " bom = CAST(?1 AS INTEGER)", 1, old);
        plant_db_do(c->db, "INSERT INTO designators SELECT (SELECT max(bom) FROM boms), line, seq, designator FROM designators"
                           " WHERE bom = CAST(?1 AS INTEGER)", 1, old);
        plant_db_do(c->db, "INSERT INTO affected SELECT ?1, (SELECT count(*) + 1 FROM affected WHERE number = ?1), 'bom', 'revise',"
                           " item, revision, ?3, plant, alternative, usage, '' FROM boms WHERE bom = CAST(?2 AS INTEGER)", 3,
                    number, old, revision);
    }
    return revision;
}

/* ---- what a change does to the new revision ------------------------------------------------------------------ */
static const char *bom_of(struct plant_call *c, const char *item, const char *revision)
{
    char *s = plant_db_text(&c->mem, c->db, "SELECT bom FROM boms WHERE item = ?1 AND revision = ?2 AND usage = 'production'"
                                            " AND alternative = '01' ORDER BY plant LIMIT 1", 2, item, revision);
    return s ? s : "0";
}

/* A bought component that plant has and the structure has not. */
static const char *other_part(struct plant_call *c, const char *bom, int64_t turn)
{
    char *s = plant_db_text(&c->mem, c->db,
                            "SELECT i.item FROM items i JOIN item_plants p USING(item) JOIN boms b ON b.bom = CAST(?1 AS INTEGER)"
                            " AND b.plant = p.plant WHERE i.current = '1' AND i.status = 'active' AND i.type = 'ROH' AND i.unit ="
                            " 'PC' AND i.item NOT IN (SELECT component FROM lines WHERE bom = b.bom) ORDER BY i.item LIMIT 1"
                            " OFFSET CAST(?2 AS INTEGER)", 2, bom, plant_mem_printf(&c->mem, "%lld", (long long)(turn * 7 % 400)));
    return s ? s : "";
}

static void line_change(struct plant_call *c, const char *item, const char *revision, int64_t turn)
{
    static const char *const kinds[] = {"quantity", "add", "replace"};
    const char *bom = bom_of(c, item, revision), *kind = asked(c, "/kind", kinds[turn % 3]);
    char *line = plant_db_text(&c->mem, c->db, "SELECT line FROM lines WHERE bom = CAST(?1 AS INTEGER) AND category = 'part' AND"
                                               " output = '' AND alt_group = '' AND disc_group = '' AND follow_group = '' AND"
                                               " component NOT IN (SELECT item FROM boms) AND unit = 'PC' ORDER BY line LIMIT 1",
                               1, bom);
    if (strcmp(kind, "add") == 0 || !line)
        plant_db_do(c->db, "INSERT INTO lines SELECT bom, printf('%08d', max(CAST(line AS INTEGER)) + 1), printf('%04d',"
                           " max(CAST(position AS INTEGER)) + 10), 'part', ?2, '2', 'PC', '', '', '', '', '', '', '', '', '',"
                           " '', '', '', '', '', '0002', '0010', '2025-01-01', '9999-12-31', '', '', 'S99', '', '', ''"
                           " FROM lines WHERE bom = CAST(?1 AS INTEGER) GROUP BY bom", 2, bom, other_part(c, bom, turn));
    else if (strcmp(kind, "replace") == 0)
        plant_db_do(c->db, "UPDATE lines SET component = ?3 WHERE bom = CAST(?1 AS INTEGER) AND line = ?2", 3, bom, line,
                    other_part(c, bom, turn));
    else
        plant_db_do(c->db, "UPDATE lines SET quantity = qty(milli(quantity) + 1000) WHERE bom = CAST(?1 AS INTEGER) AND"
                           " line = ?2", 2, bom, line);
}

static const char *change_make(struct plant_call *c)
{
    int64_t turn = atoll(plant_number(c, "turn", 1, 1)), n;
    const char *item = asked(c, "/item", NULL), *plant = asked(c, "/plant", "");
    n = plant_db_int(c->db, "SELECT count(*) FROM (" EASY("?1") ")", 1, plant);
    if (!item && n)
        item = plant_db_text(&c->mem, c->db, EASY("?1") " ORDER BY item LIMIT 1 OFFSET CAST(?2 AS INTEGER)", 2, plant,
                             plant_mem_printf(&c->mem, "%lld", (long long)(turn * 37 % n)));
    if (!item || plant_db_int(c->db, "SELECT count(*) FROM boms WHERE item = ?1 AND current = '1'", 1, item) == 0) {
        nothing(c, "there is no such assembly");
        return NULL;
    }
    if (plant_db_int(c->db, "SELECT count(*) FROM affected JOIN changes USING(number) WHERE item = ?1 AND state IN ('open',"
                            " 'approved')", 1, item)) {
        nothing(c, "another change has that assembly");
        return NULL;
    }
    const char *number = change_new(c, "Better function", "improvement"), *revision = item_revise(c, number, item);
    line_change(c, item, revision, turn);
    return number;
}

/* What the package made is current from now on and frozen. */
static void change_release(struct plant_call *c, const char *number)
{
    const char *now = plant_now(c);
    static const char *const tables[] = {"items", "boms"};
    for (int k = 0; k < 2; k++) {
        plant_db_do(c->db, plant_mem_printf(&c->mem, "UPDATE %s SET current = '' WHERE current = '1' AND item IN (SELECT item FROM"
                                                     " %s WHERE change = ?1 AND released = '')", tables[k], tables[k]), 1, number);
        plant_db_do(c->db, plant_mem_printf(&c->mem, "UPDATE %s SET current = '1', released = ?2, correlation = CASE ?3 WHEN ''"
                                                     " THEN correlation ELSE ?3 END WHERE change = ?1 AND released = ''",
                                            tables[k]), 3, number, now, c->correlation);
    }
    plm_change_move(c, number, "released");
}

static void told(struct plant_call *c, const char *number)
{
    plant_call_answer(c, 200, "application/json",
                      plant_db_text(&c->mem, c->db, "SELECT json_object('number', number, 'state', state, 'version', version,"
                                                    " 'item', (SELECT item FROM affected a WHERE a.number = c.number ORDER BY n"
                                                    " LIMIT 1), 'plant', coalesce((SELECT plant FROM affected a WHERE a.number ="
                                                    " c.number AND plant != '' LIMIT 1), '')) FROM changes c WHERE number = ?1",
                                    1, number));
}

static void propose(struct plant_call *c)
{
    const char *number = change_make(c);
    if (!number)
        return;
    plm_change_move(c, number, "open");
    told(c, number);
}

static void approve(struct plant_call *c)
{
    const char *number = asked(c, "/number", "");
    if (plant_db_int(c->db, "SELECT count(*) FROM changes WHERE number = ?1 AND state = 'open'", 1, number) == 0) {
        nothing(c, "there is no such open change");
        return;
    }
    plm_change_move(c, number, "approved");
    told(c, number);
}

static void release(struct plant_call *c)
{
    const char *number = asked(c, "/number", NULL);
    char *state = number ? plant_db_text(&c->mem, c->db, "SELECT state FROM changes WHERE number = ?1", 1, number) : NULL;
    if (state && strcmp(state, "open") != 0 && strcmp(state, "approved") != 0) {
        nothing(c, "the change is released or given up");
        return;
    }
    if (!state && !(number = change_make(c)))
        return;
    change_release(c, number);
    told(c, number);
}

static void cancel(struct plant_call *c)
{
    const char *number = asked(c, "/number", "");
    if (plant_db_int(c->db, "SELECT count(*) FROM changes WHERE number = ?1 AND state IN ('open', 'approved')", 1, number) == 0) {
        nothing(c, "there is no such open change");
        return;
    }
    plm_change_move(c, number, "cancelled");
    told(c, number);
}

/* One that only such assemblies have; NULL: none is left. */
static const char *component_choose(struct plant_call *c, int64_t turn)
{
    static const char sql[] =
        "SELECT component FROM lines JOIN boms b USING(bom) WHERE b.current = '1' AND ?1 = '' AND component NOT IN (SELECT item"
        " FROM boms) AND component IN (SELECT item FROM items WHERE current = '1' AND status = 'active' AND unit = 'PC') GROUP BY"
        " component HAVING count(DISTINCT b.item) <= 5 AND sum(b.item NOT IN (" EASY("?1") ")) = 0 ORDER BY component";
    int64_t n = plant_db_int(c->db, plant_mem_printf(&c->mem, "SELECT count(*) FROM (%s)", sql), 1, "");
    if (n == 0)
        return NULL;
    return plant_db_text(&c->mem, c->db, plant_mem_printf(&c->mem, "%s LIMIT 1 OFFSET CAST(?2 AS INTEGER)", sql), 2, "",
                         plant_mem_printf(&c->mem, "%lld", (long long)(turn % n)));
}

/* A component ends; the structures that have it get another one. */
static void obsolete(struct plant_call *c)
{
    int64_t turn = atoll(plant_number(c, "turn", 1, 1));
    const char *item = asked(c, "/item", NULL), *names[PARENTS_MAX];
    size_t n = 0;
    if (!item)
        item = component_choose(c, turn);
    sqlite3_stmt *st = item ? plant_db_ask(c->db, "SELECT DISTINCT b.item FROM lines JOIN boms b USING(bom) WHERE component = ?1 AND"
                                                  " b.current = '1' ORDER BY b.item", 1, item) : NULL;
    while (st && plant_db_row(&st)) {
        if (n == PARENTS_MAX) {
            sqlite3_finalize(st);
            nothing(c, "that component is in too many structures for one package");
            return;
        }
        names[n++] = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 0));
    }
    if (!item || plant_db_int(c->db, "SELECT count(*) FROM items WHERE item = ?1 AND current = '1' AND status = 'active'", 1,
                              item) == 0) {
        nothing(c, "there is no such active component");
        return;
    }
    const char *number = change_new(c, "Component ends", "obsolescence"), *by = "", *revision = revision_next(c, item);
    for (size_t k = 0; k < n; k++) {
        const char *r = item_revise(c, number, names[k]);
        by = *by ? by : other_part(c, bom_of(c, names[k], r), turn);
        plant_db_do(c->db, "UPDATE lines SET component = ?3 WHERE component = ?2 AND bom IN (SELECT bom FROM boms WHERE"
                           " change = ?1 AND released = '')", 3, number, item, by);
    }
    affected_add(c, number, "item", "obsolete", item, revision, by);
    plant_db_do(c->db, "INSERT INTO items SELECT item, ?2, text, type, unit, grp, weight, 'obsolete', lots, serials, procurement,"
                       " phantom, ?3, '', ?4, '' FROM items WHERE item = ?1 AND current = '1'", 4, item, revision, number,
                c->correlation);
    change_release(c, number);
    told(c, number);
}

const struct plant_action plm_actions[] = {{"propose", propose, 1}, {"approve", approve, 0}, {"release", release, 2},
                                           {"cancel", cancel, 0}, {"obsolete", obsolete, 1}, {0}};

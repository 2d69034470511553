/*
 * x12_commit.c - X12 855 as a commitment of the model, and what 855 and 856 share: item ids, quantities
 *
 * Read are BAK, N1 (by id), REF VN, PO1 and its ACKs; all other segments are passed over. A code that is not in the
 * tables refuses the set: an answer that is not understood must not look like a yes.
 *
 * Thread: any. Memory: the buffer given.
 */
#include <stdio.h>
#include "portal.h"

#define ACKS_MAX 100u /* of a line */

/* Qualifiers of element 235. The first is the buyer's own number, which is the item; others stand in where it is missing. */
static const char *const ids[][2] = {{"BP", ""}, {"IN", ""}, {"VP", "vendor"}, {"VN", "vendor"}, {"MG", "mpn"}, {"UP", "upc"},
                                     {"UK", "gtin"}, {"EN", "ean"}};

static struct bb_bytes pair_get(const struct x12_seg *s, uint32_t from, const char *qualifier)
{
    for (uint32_t k = from; k + 1 < s->n; k += 2)
        if (bb_str_is(x12_at(s, k), qualifier))
            return x12_at(s, k + 1);
    return (struct bb_bytes){NULL, 0};
}

int x12_item_put(struct open *o, const char *key, const struct x12_seg *s, uint32_t from, struct bb_bytes *id)
{
    struct open m, list, in;
    int others = 0;

    *id = (struct bb_bytes){NULL, 0};
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
        struct bb_bytes v = pair_get(s, from, ids[k][0]);
        others |= v.len && *ids[k][1];
        if (!id->len)
            *id = v;
    }
    if (!id->len)
        return 0;
    map_key(o, key);
    m = map_open(o->b);
    map_text(&m, "id", *id);
    map_text(&m, "revision", pair_get(s, from, "EC"));
    if (others) {
        map_key(&m, "identifiers");
        list = list_open(o->b);
        for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
            struct bb_bytes v = *ids[k][1] ? pair_get(s, from, ids[k][0]) : (struct bb_bytes){NULL, 0};
            if (!v.len)
                continue;
            in = map_open(o->b);
            map_text(&in, "scheme", bb_str(ids[k][1]));
            map_text(&in, "id", v);
            open_end(&in);
            list.n++;
        }
        open_end(&list);
    }
    open_end(&m);
    return 1;
}

int x12_quantity_put(struct open *o, const char *key, const struct x12_seg *s, uint32_t k, struct bb_fault *err)
{
    struct bb_bytes value = x12_at(s, k), code = x12_at(s, k + 1);
    const char *unit = x12_unit_in(code);
    char number[64];

    if (!value.len)
        return 0;
    if (x12_number(value, number) != 0 || *number == '-')
        return x12_error(err, s, "element %u is no quantity", k);
    if (!unit)
        return x12_error(err, s, "unit \"%.*s\" is not known here", (int)(code.len > 8 ? 8 : code.len), (const char *)code.ptr);
    map_quantity(o, key, number, unit);
    return 0;
}

/* ---- 855 ------------------------------------------------------------------------------------------------------- */
static const char *const purposes[][3] = {{"00", "original", "mfg.commitment.given"}, {"04", "change", "mfg.commitment.changed"},
                                          {"05", "replace", "mfg.commitment.changed"}};
static const char *const outcomes[][2] = {{"AD", "accepted"}, {"AK", "accepted"}, {"AT", "accepted"},
                                          {"AC", "accepted-with-changes"}, {"AE", "accepted-with-changes"},
                                          {"RD", "rejected"}, {"RJ", "rejected"}};
static const char *const answers[][2] = {{"IA", "accepted"}, {"AR", "accepted"}, {"IQ", "quantity-changed"},
                                         {"DR", "date-changed"}, {"IP", "price-changed"}, {"IS", "substituted"},
                                         {"IB", "backordered"}, {"BP", "partial"}, {"IH", "on-hold"}, {"IR", "rejected"},
                                         {"ID", "deleted"}};
static const char *const dates[][2] = {{"067", "due"}, {"002", "due"}, {"017", "due"}, {"068", "ship"}, {"010", "ship"},
                                       {"011", "ship"}};

static const char *look(const char *const (*rows)[2], size_t n, struct bb_bytes code)
{
    for (size_t k = 0; k < n; k++)
        if (bb_str_is(code, rows[k][0]))
            return rows[k][1];
    return NULL;
}
#define LOOK(rows, code) look(rows, sizeof rows / sizeof *rows, code)

struct commit {
    const struct x12_set *set;
    struct x12_seg bak, line;
    struct bb_bytes seller, buyer, ship_to, theirs; /* theirs: the seller's number of the order */
    struct x12 acks; /* where the line's ACKs begin */
    struct bb_fault *err;
};

/* The next ACK of the line at x: 1, 0 none, -1. */
static int ack_next(struct x12 *x, struct x12_seg *s, struct bb_fault *err)
{
    int rc;

    while ((rc = x12_next(x, s, err)) == 1 && !x12_is(s, "PO1") && !x12_is(s, "CTT"))
        if (x12_is(s, "ACK"))
            return 1;
    return rc < 0 ? -1 : 0;
}

static int outcomes_put(struct commit *p, struct open *m, struct bb_bytes *code)
{
    struct open list;
    struct x12 x = p->acks;
    struct x12_seg s;
    const char *seen[ACKS_MAX];
    uint32_t n = 0, k;
    int rc;

    *code = (struct bb_bytes){NULL, 0};
    map_key(m, "outcomes");
    list = list_open(m->b);
    while ((rc = ack_next(&x, &s, p->err)) == 1) {
        const char *word = LOOK(answers, x12_at(&s, 1));
        if (!word || n == ACKS_MAX)
            return x12_error(p->err, &s, word ? "too many answers to a line" : "ACK01 %.*s is not known here",
                             (int)(x12_at(&s, 1).len > 8 ? 8 : x12_at(&s, 1).len), (const char *)x12_at(&s, 1).ptr);
        if (!code->len)
            *code = x12_at(&s, 1);
        for (k = 0; k < list.n && strcmp(seen[k], word) != 0;)
            k++;
        n++;
        if (k < list.n)
            continue;
        seen[list.n++] = word;
        bb_put_cstr(m->b, word);
    }
    open_end(&list);
    return rc < 0 ? -1 : list.n ? 0 : x12_error(p->err, &p->line, "a line without an ACK");
}

static int schedule_put(struct commit *p, struct open *m)
{
    struct open list, in;
    struct x12 x = p->acks;
    struct x12_seg s;
    char day[16];
    int rc, begun = 0;

    while ((rc = ack_next(&x, &s, p->err)) == 1) {
        const char *key = LOOK(dates, x12_at(&s, 4)), *word = LOOK(answers, x12_at(&s, 1));
        if (!x12_at(&s, 2).len)
            continue;
        if (!begun) {
            map_key(m, "schedule");
            list = list_open(m->b);
            begun = 1;
        }
        in = map_open(m->b);
        if (word)
            map_text(&in, "outcome", bb_str(word));
        if (x12_quantity_put(&in, "quantity", &s, 2, p->err) != 0)
            return -1;
        if (key && x12_date(x12_at(&s, 5), day) != 0)
            return x12_error(p->err, &s, "ACK05 is no date");
        if (key)
            map_text(&in, key, bb_str(day));
        open_end(&in);
        list.n++;
    }
    if (begun)
        open_end(&list);
    return rc;
}

static int substitute_put(struct commit *p, struct open *m)
{
    struct x12 x = p->acks;
    struct x12_seg s;
    struct bb_bytes id;
    int rc;

    while ((rc = ack_next(&x, &s, p->err)) == 1)
        if (bb_str_is(x12_at(&s, 1), "IS"))
            return x12_item_put(m, "substitute", &s, 7, &id) ? 0 : x12_error(p->err, &s, "a substitution without the item");
    return rc;
}

static int line_put(struct commit *p, struct open *list, struct found *f)
{
    struct open m = map_open(list->b);
    struct bb_bytes code, item;

    map_text(&m, "line", x12_at(&p->line, 1));
    if (outcomes_put(p, &m, &code) != 0)
        return -1;
    map_text(&m, "sourceOutcome", code);
    if (x12_item_put(&m, "item", &p->line, 6, &item))
        f->item = list->n ? (struct bb_bytes){NULL, 0} : item;
    if (x12_quantity_put(&m, "asked", &p->line, 2, p->err) != 0 || substitute_put(p, &m) != 0 || schedule_put(p, &m) != 0)
        return -1;
    open_end(&m);
    list->n++;
    return 0;
}

static void party_take(struct commit *p, const struct x12_seg *s)
{
    struct bb_bytes role = x12_at(s, 1), id = x12_at(s, 4);

    if (bb_str_is(role, "SE") || bb_str_is(role, "SU") || bb_str_is(role, "VN"))
        p->seller = id;
    else if (bb_str_is(role, "BY"))
        p->buyer = id;
    else if (bb_str_is(role, "ST"))
        p->ship_to = id;
}

static int head_read(struct commit *p)
{
    struct x12 x = p->set->body;
    struct x12_seg s;
    int rc;

    while ((rc = x12_next(&x, &s, p->err)) == 1 && !x12_is(&s, "PO1")) {
        if (x12_is(&s, "BAK"))
            p->bak = s;
        else if (x12_is(&s, "N1"))
            party_take(p, &s);
        else if (x12_is(&s, "REF") && bb_str_is(x12_at(&s, 1), "VN"))
            p->theirs = x12_at(&s, 2);
    }
    if (rc >= 0 && (!p->bak.n || !x12_at(&p->bak, 3).len))
        rc = x12_error(p->err, NULL, "855 without BAK03, the order's number");
    return rc < 0 ? -1 : 0;
}

/* 1 a line was written, 0 the end, -1. */
static int lines_put(struct commit *p, struct open *o, struct found *f)
{
    struct x12 x = p->set->body;
    struct open list = {0};
    int rc;

    while ((rc = x12_next(&x, &p->line, p->err)) == 1) {
        if (!x12_is(&p->line, "PO1"))
            continue;
        if (!list.b) {
            map_key(o, "lines");
            list = list_open(o->b);
        }
        p->acks = x;
        if (line_put(p, &list, f) != 0)
            return -1;
    }
    if (list.b)
        open_end(&list);
    return rc;
}

int x12_commit_get(const struct portal_conf *c, const struct x12_set *set, struct bb_buf *out, struct found *f,
                   struct bb_fault *err)
{
    struct commit p = {.set = set, .err = err};
    struct open o = map_open(out), in;
    const char *outcome, *purpose = NULL;
    char day[16];

    (void)c;
    memset(f, 0, sizeof *f);
    if (head_read(&p) != 0)
        return -1;
    for (size_t k = 0; k < 3; k++)
        if (bb_str_is(x12_at(&p.bak, 1), purposes[k][0])) {
            purpose = purposes[k][1];
            f->type = purposes[k][2];
        }
    outcome = LOOK(outcomes, x12_at(&p.bak, 2));
    if (!purpose || !outcome)
        return x12_error(err, &p.bak, "%s is not known here", purpose ? "BAK02, the answer as a whole," : "BAK01, the purpose,");
    f->id = x12_at(&p.bak, 8).len ? x12_at(&p.bak, 8) : x12_at(&p.bak, 3);
    f->order = x12_at(&p.bak, 3);
    map_text(&o, "id", f->id);
    map_text(&o, "purpose", bb_str(purpose));
    map_text(&o, "kind", bb_str("order"));
    map_key(&o, "answers");
    in = map_open(out);
    map_text(&in, "kind", bb_str("purchase-order"));
    map_text(&in, "id", f->order);
    open_end(&in);
    map_text(&o, "outcome", bb_str(outcome));
    map_text(&o, "sourceOutcome", x12_at(&p.bak, 2));
    if (x12_at(&p.bak, 9).len && x12_date(x12_at(&p.bak, 9), day) == 0)
        map_text(&o, "on", bb_str(day));
    map_text(&o, "supplierReference", p.theirs);
    map_id(&o, "seller", p.seller);
    map_id(&o, "buyer", p.buyer);
    map_id(&o, "shipTo", p.ship_to);
    if (lines_put(&p, &o, f) != 0)
        return -1;
    open_end(&o);
    return 0;
}

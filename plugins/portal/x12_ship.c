/*
 * x12_ship.c - X12 856 as a ship notice of the model
 *
 * The levels of HL (S shipment, O order, T tare, P pack, I item) are read into a list first, each with its parent, then
 * written: packages[] with their parents, lines[] with their order and package. A level must stand behind its parent, and
 * an item needs an order above it. Read are BSN, HL, TD1, TD5, REF (BM, CN, LT, LI), DTM (011, 017), N1 (by id), PRF, MAN,
 * LIN, SN1; all other segments are passed over.
 *
 * Thread: any. Memory: at most LEVELS_MAX levels while it reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include "portal.h"

#define LEVELS_MAX 5000u
#define NONE UINT32_MAX

struct level {
    struct bb_bytes id, package, order, order_date, line, lot, revision;
    struct x12_seg lin, sn1; /* of an item; n 0: not there */
    uint32_t parent;
    char code;
};
struct ship {
    const struct portal_conf *c;
    struct level *level;
    uint32_t n;
    struct bb_bytes id, purpose, date, time, mark, consignment, scac, mode, seller, from, to, buyer, plant;
    struct x12_seg td1;
    char shipped[16], due[16];
    struct bb_fault *err;
};

/* 14 is "advance notification", which some send for an original. */
static const char *const purposes[][3] = {{"00", "original", "mfg.shipment.announced"}, {"14", "original", "mfg.shipment.announced"},
                                          {"01", "cancel", "mfg.shipment.cancelled"}, {"04", "change", "mfg.shipment.changed"},
                                          {"05", "replace", "mfg.shipment.changed"}};
#define PURPOSES (sizeof purposes / sizeof *purposes)
static const struct {
    char code;
    const char *name, *package;
} levels[] = {{'S', "shipment", NULL}, {'O', "order", NULL}, {'T', "tare", "tare"}, {'P', "pack", "pack"}, {'I', "item", NULL}};
static const char *const modes[][2] = {{"M", "road"}, {"J", "road"}, {"R", "rail"}, {"A", "air"}, {"S", "sea"}, {"U", "parcel"}};

static int level_begin(struct ship *p, const struct x12_seg *s)
{
    struct bb_bytes id = x12_at(s, 1), parent = x12_at(s, 2), code = x12_at(s, 3);
    struct level *l = &p->level[p->n];
    size_t known = 0;

    if (p->n == LEVELS_MAX)
        return x12_error(p->err, s, "more than %u levels", LEVELS_MAX);
    while (known < 5 && !(code.len == 1 && *(const char *)code.ptr == levels[known].code))
        known++;
    if (!id.len || known == 5)
        return x12_error(p->err, s, "a level without number, or of another kind than S, O, T, P, I");
    *l = (struct level){.id = id, .parent = NONE, .code = levels[known].code};
    for (uint32_t k = p->n; k-- && parent.len && l->parent == NONE;)
        if (p->level[k].id.len == parent.len && memcmp(p->level[k].id.ptr, parent.ptr, parent.len) == 0)
            l->parent = k;
    if ((parent.len > 0) != (l->parent != NONE) || (l->code == 'S') != (p->n == 0))
        return x12_error(p->err, s, "it does not stand under a level before it");
    p->n++;
    return 0;
}

static void reference_take(struct ship *p, struct level *l, const struct x12_seg *s)
{
    struct bb_bytes kind = x12_at(s, 1), value = x12_at(s, 2);

    if (bb_str_is(kind, "BM") && l->code == 'S')
        p->mark = value;
    else if (bb_str_is(kind, "CN") && l->code == 'S')
        p->consignment = value;
    else if (bb_str_is(kind, "LT"))
        l->lot = value;
    else if (bb_str_is(kind, "LI"))
        l->line = value;
}

static void party_take(struct ship *p, const struct x12_seg *s)
{
    struct bb_bytes role = x12_at(s, 1), id = x12_at(s, 4);

    if (bb_str_is(role, "SE") || bb_str_is(role, "SU") || bb_str_is(role, "VN"))
        p->seller = id;
    else if (bb_str_is(role, "SF") || bb_str_is(role, "SH"))
        p->from = id;
    else if (bb_str_is(role, "BY"))
        p->buyer = id;
    else if (bb_str_is(role, "ST")) {
        p->to = id;
        if (bb_str_is(x12_at(s, 3), "92")) /* the buyer's own number */
            p->plant = id;
    }
}

static int date_take(struct ship *p, const struct x12_seg *s)
{
    struct bb_bytes kind = x12_at(s, 1);
    char *to = bb_str_is(kind, "011") ? p->shipped : bb_str_is(kind, "017") ? p->due : NULL;

    return !to || x12_date(x12_at(s, 2), to) == 0 ? 0 : x12_error(p->err, s, "%.*s is no date", 12, (const char *)x12_at(s, 2).ptr);
}

/* A segment below HL. */
static int detail_take(struct ship *p, const struct x12_seg *s)
{
    struct level *l = &p->level[p->n - 1];

    if (x12_is(s, "TD1") && l->code == 'S')
        p->td1 = *s;
    else if (x12_is(s, "TD5") && l->code == 'S') {
        p->scac = bb_str_is(x12_at(s, 2), "2") ? x12_at(s, 3) : p->scac;
        p->mode = x12_at(s, 4);
    } else if (x12_is(s, "REF"))
        reference_take(p, l, s);
    else if (x12_is(s, "DTM"))
        return date_take(p, s);
    else if (x12_is(s, "N1"))
        party_take(p, s);
    else if (x12_is(s, "PRF") && l->code == 'O') {
        l->order = x12_at(s, 1);
        l->order_date = x12_at(s, 4);
    } else if (x12_is(s, "MAN"))
        l->package = x12_at(s, 2);
    else if (x12_is(s, "LIN"))
        l->lin = *s;
    else if (x12_is(s, "SN1"))
        l->sn1 = *s;
    return 0;
}

static int walk(struct ship *p, const struct x12_set *set)
{
    struct x12 x = set->body;
    struct x12_seg s;
    int rc;

    while ((rc = x12_next(&x, &s, p->err)) == 1) {
        if (x12_is(&s, "BSN")) {
            p->purpose = x12_at(&s, 1), p->id = x12_at(&s, 2), p->date = x12_at(&s, 3), p->time = x12_at(&s, 4);
        } else if (x12_is(&s, "HL")) {
            rc = level_begin(p, &s);
        } else if (p->n) {
            rc = detail_take(p, &s);
        }
        if (rc < 0)
            return -1;
    }
    if (rc == 0 && (!p->id.len || !p->n))
        rc = x12_error(p->err, NULL, "856 without BSN02 (its number) or without HL");
    return rc;
}

static const struct level *above(const struct ship *p, const struct level *l, const char *codes)
{
    while (l->parent != NONE) {
        l = &p->level[l->parent];
        if (strchr(codes, l->code))
            return l;
    }
    return NULL;
}

/* Its mark, or where it has none the level's number. */
static struct bb_bytes package_id(const struct level *l, char text[600])
{
    struct bb_bytes b = l->package;

    if (!b.len) {
        snprintf(text, 600, "HL-%.*s", (int)l->id.len, (const char *)l->id.ptr);
        b = bb_str(text);
    }
    return b;
}

static void packages_put(struct ship *p, struct open *o)
{
    struct open list, m;
    char text[600];
    int any = 0;

    for (uint32_t k = 0; k < p->n; k++)
        any |= p->level[k].code == 'T' || p->level[k].code == 'P';
    if (!any)
        return;
    map_key(o, "packages");
    list = list_open(o->b);
    for (uint32_t k = 0; k < p->n; k++) {
        const struct level *l = &p->level[k], *up = above(p, l, "TP");
        if (l->code != 'T' && l->code != 'P')
            continue;
        m = map_open(o->b);
        map_text(&m, "id", package_id(l, text));
        map_text(&m, "level", bb_str(l->code == 'T' ? "tare" : "pack"));
        if (up)
            map_text(&m, "parent", package_id(up, text));
        open_end(&m);
        list.n++;
    }
    open_end(&list);
}

static void package_of(const struct ship *p, const struct level *l, struct open *m)
{
    const struct level *pack = above(p, l, "TP");
    struct open list, in;
    char text[600];

    if (pack) {
        map_key(m, "packages");
        list = list_open(m->b);
        in = map_open(m->b);
        map_text(&in, "package", package_id(pack, text));
        open_end(&in);
        list.n = 1;
        open_end(&list);
    }
    if (l->lot.len) {
        map_key(m, "lots");
        list = list_open(m->b);
        in = map_open(m->b);
        map_id(&in, "lot", l->lot);
        open_end(&in);
        list.n = 1;
        open_end(&list);
    }
}

static int line_put(struct ship *p, const struct level *l, struct open *list, struct found *f)
{
    const struct level *order = above(p, l, "O");
    struct open m = map_open(list->b), in;
    struct bb_bytes line = x12_at(&l->lin, 1), item = {NULL, 0};
    char number[32], day[16], amount[64];

    if (!l->lin.n || !l->sn1.n || !order || !order->order.len)
        return x12_error(p->err, NULL, "item level HL*%.*s needs LIN, SN1 and above it an order (HL O with PRF01)",
                         (int)(l->id.len > 20 ? 20 : l->id.len), (const char *)l->id.ptr);
    snprintf(number, sizeof number, "%u", list->n + 1);
    map_text(&m, "line", line.len ? line : bb_str(number));
    if (!x12_item_put(&m, "item", &l->lin, 2, &item))
        return x12_error(p->err, &l->lin, "none of its ids is of a kind that is known here");
    if (x12_number(x12_at(&l->sn1, 2), amount) != 0 || *amount == '-' || strspn(amount, "0.") == strlen(amount))
        return x12_error(p->err, &l->sn1, "a shipped quantity must be above 0");
    if (x12_quantity_put(&m, "quantity", &l->sn1, 2, p->err) != 0 || x12_quantity_put(&m, "ordered", &l->sn1, 5, p->err) != 0)
        return -1;
    map_key(&m, "order");
    in = map_open(list->b);
    map_text(&in, "kind", bb_str("purchase-order"));
    map_text(&in, "id", order->order);
    map_text(&in, "line", l->line.len ? l->line : line);
    if (order->order_date.len && x12_date(order->order_date, day) == 0)
        map_text(&in, "date", bb_str(day));
    open_end(&in);
    package_of(p, l, &m);
    open_end(&m);
    f->item = list->n++ ? (struct bb_bytes){NULL, 0} : item; /* of the message only where it is the one item */
    f->order = order->order;
    return 0;
}

static void header_put(struct ship *p, struct open *o, const char *purpose)
{
    struct open list, m;
    char at[32];
    unsigned seen = 0;

    map_text(o, "id", p->id);
    map_text(o, "purpose", bb_str(purpose));
    map_key(o, "structure");
    list = list_open(o->b);
    for (uint32_t k = 0; k < p->n; k++)
        for (unsigned c = 0; c < 5; c++)
            if (levels[c].code == p->level[k].code && !(seen & 1u << c)) {
                bb_put_cstr(o->b, levels[c].name);
                seen |= 1u << c;
                list.n++;
            }
    open_end(&list);
    if (x12_instant(p->date, p->time, p->c->zone, at) == 0)
        map_text(o, "issuedAt", bb_str(at));
    map_text(o, "shipped", bb_str(p->shipped));
    map_text(o, "estimatedArrival", bb_str(p->due));
    map_id(o, "seller", p->seller.len ? p->seller : p->from);
    map_id(o, "shipFrom", p->from);
    map_id(o, "buyer", p->buyer);
    map_id(o, "shipTo", p->to);
    map_text(o, "plant", p->plant);
    if (p->mark.len || p->consignment.len || p->scac.len) {
        map_key(o, "transport");
        m = map_open(o->b);
        for (size_t k = 0; k < sizeof modes / sizeof *modes; k++)
            if (bb_str_is(p->mode, modes[k][0]))
                map_text(&m, "mode", bb_str(modes[k][1]));
        map_text(&m, "scac", p->scac);
        map_text(&m, "billOfLading", p->mark);
        map_text(&m, "consignment", p->consignment);
        open_end(&m);
    }
}

static int weight_put(struct ship *p, struct open *o)
{
    struct bb_bytes count = x12_at(&p->td1, 2), kind = x12_at(&p->td1, 6);
    char number[64];

    if (count.len && x12_number(count, number) == 0 && strspn(number, "0123456789") == strlen(number) && strlen(number) < 10)
        map_int(o, "packageCount", atol(number));
    return bb_str_is(kind, "G")   ? x12_quantity_put(o, "grossWeight", &p->td1, 7, p->err)
           : bb_str_is(kind, "N") ? x12_quantity_put(o, "netWeight", &p->td1, 7, p->err)
                                  : 0;
}

static int ship_put(struct ship *p, struct bb_buf *out, struct found *f)
{
    struct open o = map_open(out), list;
    size_t k = 0;

    while (k < PURPOSES && !bb_str_is(p->purpose, purposes[k][0]))
        k++;
    if (k == PURPOSES)
        return x12_error(p->err, NULL, "BSN01 %.*s is not known here: 00, 01, 04, 05 or 14", (int)(p->purpose.len > 8 ? 8 : p->purpose.len),
                         (const char *)p->purpose.ptr);
    header_put(p, &o, purposes[k][1]);
    if (weight_put(p, &o) != 0)
        return -1;
    packages_put(p, &o);
    map_key(&o, "lines");
    list = list_open(out);
    for (uint32_t n = 0; n < p->n; n++)
        if (p->level[n].code == 'I' && line_put(p, &p->level[n], &list, f) != 0)
            return -1;
    open_end(&list);
    open_end(&o);
    f->type = purposes[k][2];
    f->id = p->id;
    f->plant = p->plant;
    return 0;
}

int x12_ship_get(const struct portal_conf *c, const struct x12_set *set, struct bb_buf *out, struct found *f, struct bb_fault *err)
{
    struct ship p = {.c = c, .err = err};
    int rc;

    memset(f, 0, sizeof *f);
    p.level = calloc(LEVELS_MAX, sizeof *p.level);
    if (!p.level)
        return x12_error(err, NULL, "out of memory");
    rc = walk(&p, set);
    if (rc == 0)
        rc = ship_put(&p, out, f);
    free(p.level);
    return rc;
}

/*
 * x12_forecast.c - a forecast as X12 830, version 4010
 *
 *     BFR  purpose, id, release, DL or SH, A or C, horizon, issued     N1  BY, SU, ST by id
 *     LIN  line, BP item, VP the partner's item, EC revision            UIT unit
 *     FST  quantity, C firm or D planning, D W M F, first day, last day
 *
 * Firm are the periods that will be taken (firm, immediate), all others are planning. What 830 could say beside that
 * (authorizations, cumulative counts, receipts) is not written. A period by the instant, a negative quantity and a unit
 * without an X12 code are refused: nothing is bent to fit.
 *
 * Thread: any. Memory: the post's buffers.
 */
#include <stdio.h>
#include <busbar/web.h>
#include "portal.h"

bb_status x12_post_begin(struct post *p, struct x12_out *o, struct x12_envelope *e, const char *function, const char *set)
{
    int64_t at;

    if (!p->e.time.len || bb_date_iso_read((struct bb_bytes){p->e.time.ptr, p->e.time.len > 19 ? 19 : p->e.time.len}, &at) != 0)
        return bb_error_set(p->err, BB_E_REJECT, "X12 is dated by the message's own time, and this one has none: set attribute time");
    *e = (struct x12_envelope){p->conf->sender_qualifier, p->conf->sender, p->conf->receiver_qualifier, p->partner,
                               p->conf->usage, function, set, p->v->key, at};
    if (x12_envelope_begin(o, p->body, e) != 0)
        return bb_error_set(p->err, BB_E_REJECT, "X12 %s: %s", set, o->bad);
    return BB_OK;
}

bb_status x12_post_end(struct post *p, struct x12_out *o, const struct x12_envelope *e)
{
    x12_envelope_end(o, e);
    return o->bad[0] ? bb_error_set(p->err, BB_E_REJECT, "X12 %s: %s", e->set, o->bad) : BB_OK;
}

static struct bb_bytes word(struct bb_bytes value, const char *const (*rows)[2], size_t n, const char *otherwise)
{
    for (size_t k = 0; k < n; k++)
        if (bb_str_is(value, rows[k][0]))
            return bb_str(rows[k][1]);
    return bb_str(otherwise);
}
#define WORD(value, rows, otherwise) word(value, rows, sizeof rows / sizeof *rows, otherwise)

static const char *const purposes[][2] = {{"original", "00"}, {"cancel", "01"}, {"change", "04"}, {"replace", "05"},
                                          {"confirm", "06"}, {"duplicate", "07"}};
static const char *const lengths[][2] = {{"week", "W"}, {"month", "M"}, {"flexible", "F"}, {"quarter", "F"}, {"year", "F"}};

/* 2026-04-01 as 20260401; "" when it is no date. */
static const char *day(struct bb_bytes date, char out[16])
{
    const char *p = date.ptr;

    *out = 0;
    if (date.len >= 10 && p[4] == '-' && p[7] == '-')
        snprintf(out, 16, "%.4s%.2s%.2s", p, p + 5, p + 8);
    return out;
}

static void party_put(struct x12_out *o, const char *role, struct bb_bytes id)
{
    if (!id.len)
        return;
    x12_open(o, "N1");
    x12_puts(o, role), x12_puts(o, ""), x12_puts(o, "92"), x12_put(o, id, 80);
    x12_end(o);
}

static struct bb_bytes partner_item(struct bb_bytes line)
{
    struct bb_bytes list, one, none = {NULL, 0};
    struct bb_iter it;

    if (bb_conf_find(line, "/item/identifiers", &list) == 1 && bb_iter_of(list, &it))
        while (bb_iter_next(&it, NULL, &one)) {
            struct bb_bytes scheme = bb_conf_str(one, "/scheme", "");
            if (bb_str_is(scheme, "supplier") || bb_str_is(scheme, "vendor"))
                return bb_conf_str(one, "/id", NULL);
        }
    return none;
}

static bb_status period_put(struct post *p, struct x12_out *o, struct bb_bytes item, struct bb_bytes period, struct bb_bytes unit)
{
    char quantity[64], from[16], to[16];
    struct bb_bytes firmness = bb_conf_str(period, "/firmness", "planned"), u = bb_conf_str(period, "/quantity/unit", NULL);
    const char *why = NULL;

    number_text(period, "/quantity/value", quantity);
    day(bb_conf_str(period, "/from", NULL), from);
    if (!*from)
        why = "has no first day (from): X12 830 knows no instants";
    else if (!*quantity || *quantity == '-' || strpbrk(quantity, "eE") || strlen(quantity) > 15)
        why = "has no quantity of at most 15 digits from 0 on";
    else if (u.len != unit.len || memcmp(u.ptr, unit.ptr, u.len) != 0)
        why = "is in another unit than the line's first";
    if (why)
        return bb_error_set(p->err, BB_E_REJECT, "item %.*s: a period %s; send it as JSON (formats: {forecast: json})",
                            (int)(item.len > 40 ? 40 : item.len), (const char *)item.ptr, why);
    x12_open(o, "FST");
    x12_puts(o, quantity);
    x12_puts(o, bb_str_is(firmness, "firm") || bb_str_is(firmness, "immediate") ? "C" : "D");
    x12_put(o, WORD(bb_conf_str(period, "/granularity", ""), lengths, "D"), 1);
    x12_puts(o, from);
    x12_puts(o, day(bb_conf_str(period, "/to", NULL), to));
    x12_end(o);
    return BB_OK;
}

static bb_status line_put(struct post *p, struct x12_out *o, struct bb_bytes line)
{
    struct bb_bytes item = bb_conf_str(line, "/item/id", NULL), vendor = partner_item(line), periods, one;
    struct bb_bytes revision = bb_conf_str(line, "/item/revision", NULL), unit = {NULL, 0};
    struct bb_iter it;
    bb_status st = BB_OK;

    if (bb_conf_find(line, "/periods", &periods) == 1 && bb_iter_of(periods, &it) && bb_iter_next(&it, NULL, &one))
        unit = bb_conf_str(one, "/quantity/unit", NULL);
    if (!item.len || !unit.len)
        return bb_error_set(p->err, BB_E_REJECT, "a forecast's line has no item, or no period with quantity and unit");
    if (!x12_unit_out(unit))
        return bb_error_set(p->err, BB_E_REJECT, "item %.*s: unit %.*s has no X12 code here; convert it in the route (units)",
                            (int)(item.len > 40 ? 40 : item.len), (const char *)item.ptr, (int)(unit.len > 8 ? 8 : unit.len),
                            (const char *)unit.ptr);
    x12_open(o, "LIN");
    x12_put(o, bb_conf_str(line, "/line", ""), 20), x12_puts(o, "BP"), x12_put(o, item, 48);
    if (vendor.len)
        x12_puts(o, "VP"), x12_put(o, vendor, 48);
    if (revision.len)
        x12_puts(o, "EC"), x12_put(o, revision, 48);
    x12_end(o);
    x12_open(o, "UIT");
    x12_puts(o, x12_unit_out(unit));
    x12_end(o);
    if (bb_iter_of(periods, &it))
        while (st == BB_OK && bb_iter_next(&it, NULL, &one))
            st = period_put(p, o, item, one, unit);
    return st;
}

static void header_put(struct post *p, struct x12_out *o, int64_t at_ms)
{
    struct bb_bytes d = p->e.data, lines, line, period = {NULL, 0}, first = {NULL, 0}, from = bb_conf_str(d, "/horizon/from", NULL);
    struct bb_iter it;
    char now[32], text[16];

    if (bb_conf_find(d, "/lines", &lines) == 1 && bb_iter_of(lines, &it) && bb_iter_next(&it, NULL, &line) &&
        bb_conf_find(line, "/periods", &period) == 1 && bb_iter_of(period, &it) && bb_iter_next(&it, NULL, &period))
        first = bb_conf_str(period, "/from", NULL);
    if (bb_date_iso_write(at_ms, now) != 0)
        *now = 0;
    x12_open(o, "BFR");
    x12_put(o, WORD(bb_conf_str(d, "/purpose", "replace"), purposes, "05"), 2);
    x12_put(o, bb_conf_str(d, "/id", ""), 30);
    x12_put(o, bb_conf_str(d, "/release", ""), 30);
    x12_puts(o, bb_str_is(bb_conf_str(period, "/timing", ""), "shipment") ? "SH" : "DL");
    x12_puts(o, bb_str_is(bb_conf_str(d, "/basis", ""), "cumulative") ? "C" : "A");
    x12_puts(o, day(from.len ? from : first, text));
    x12_puts(o, day(bb_conf_str(d, "/horizon/to", NULL), text));
    x12_puts(o, day(bb_str(now), text));
    x12_end(o);
    party_put(o, "BY", bb_conf_str(d, "/buyer/id", NULL));
    party_put(o, "SU", p->partner);
    party_put(o, "ST", bb_conf_str(d, "/plant", NULL));
}

bb_status x12_forecast_put(struct post *p)
{
    struct x12_out o;
    struct x12_envelope e;
    struct bb_bytes lines, one;
    struct bb_iter it;
    char count[16];
    bb_status st;

    if (!bb_conf_str(p->e.data, "/id", NULL).len || bb_conf_find(p->e.data, "/lines", &lines) != 1 || !bb_iter_of(lines, &it) ||
        it.map)
        return bb_error_set(p->err, BB_E_REJECT, "a forecast needs id and lines");
    st = x12_post_begin(p, &o, &e, "PS", "830");
    if (st != BB_OK)
        return st;
    header_put(p, &o, e.at_ms);
    snprintf(count, sizeof count, "%u", it.n);
    while (st == BB_OK && bb_iter_next(&it, NULL, &one))
        st = line_put(p, &o, one);
    x12_open(&o, "CTT");
    x12_puts(&o, count);
    x12_end(&o);
    return st == BB_OK ? x12_post_end(p, &o, &e) : st;
}

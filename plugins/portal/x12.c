/*
 * x12.c - reading: segments, the envelope, values (see x12.h)
 *
 * Thread: any. Invariant: nothing is read past the text's end; a set's body is a part of the text that holds whole
 * segments only.
 */
#include <stdarg.h>
#include <stdio.h>
#include <busbar/web.h>
#include "x12.h"

#define ISA_ELEMENTS 17u

/* ---- segments -------------------------------------------------------------------------------------------------- */
int x12_error(struct bb_fault *err, const struct x12_seg *s, const char *fmt, ...)
{
    char text[160];
    va_list a;

    va_start(a, fmt);
    vsnprintf(text, sizeof text, fmt, a);
    va_end(a);
    if (s)
        snprintf(err->text, sizeof err->text, "X12 segment %u (%.*s): %s", s->number, (int)(s->e[0].len > 3 ? 3 : s->e[0].len),
                 (const char *)s->e[0].ptr, text);
    else
        snprintf(err->text, sizeof err->text, "X12: %s", text);
    return -1;
}

struct bb_bytes x12_at(const struct x12_seg *s, uint32_t k)
{
    struct bb_bytes b = {"", 0};

    if (k >= s->n)
        return b;
    b = s->e[k];
    while (b.len && ((const char *)b.ptr)[b.len - 1] == ' ')
        b.len--;
    return b;
}

int x12_is(const struct x12_seg *s, const char *name)
{
    return bb_str_is(s->e[0], name);
}

static int name_good(struct bb_bytes name)
{
    const char *p = name.ptr;

    for (size_t k = 0; k < name.len; k++)
        if (!((p[k] >= 'A' && p[k] <= 'Z') || (k && p[k] >= '0' && p[k] <= '9')))
            return 0;
    return name.len == 2 || name.len == 3;
}

static int element_good(struct bb_bytes e)
{
    const unsigned char *p = e.ptr;

    for (size_t k = 0; k < e.len; k++)
        if (p[k] < ' ' || p[k] > '~')
            return 0;
    return e.len <= X12_ELEMENT_MAX;
}

int x12_next(struct x12 *x, struct x12_seg *s, struct bb_fault *err)
{
    const char *stop;

    s->n = 0;
    s->number = x->count + 1;
    s->e[0] = bb_str("?");
    while (x->p < x->end && (*x->p == '\n' || *x->p == '\r' || *x->p == ' ' || *x->p == '\t'))
        x->p++; /* lines are for people */
    if (x->p == x->end)
        return 0;
    stop = memchr(x->p, x->segment, (size_t)(x->end - x->p));
    if (!stop && x->segment == '\n')
        stop = x->end; /* where lines are segments, the last one may lack its end */
    if (!stop)
        return x12_error(err, s, "the text ends inside a segment");
    for (const char *p = x->p;; p++) {
        const char *to = memchr(p, x->element, (size_t)(stop - p));
        if (s->n == X12_ELEMENTS_MAX)
            return x12_error(err, s, "more than %u elements", X12_ELEMENTS_MAX - 1);
        s->e[s->n] = (struct bb_bytes){p, (size_t)((to ? to : stop) - p)};
        if (!to && s->e[s->n].len && ((const char *)s->e[s->n].ptr)[s->e[s->n].len - 1] == '\r')
            s->e[s->n].len--; /* a line end as separator */
        if (!element_good(s->e[s->n])) {
            s->e[0] = s->n ? s->e[0] : bb_str("?");
            return x12_error(err, s, "element %u has characters that are not printable ASCII, or is longer than %u", s->n,
                             X12_ELEMENT_MAX);
        }
        s->n++;
        if (!to)
            break;
        p = to;
    }
    x->p = stop == x->end ? stop : stop + 1;
    x->count++;
    return name_good(s->e[0]) ? 1 : x12_error(err, NULL, "segment %u begins with no name", x->count);
}

/* ---- the envelope ---------------------------------------------------------------------------------------------- */
struct envelope {
    struct x12 x;
    struct x12_seg s;
    struct x12_set *sets, now; /* now: what the next set gets from ISA and GS */
    uint32_t n, first;         /* first: the segment number of ST */
    unsigned groups, in_group;
    int in_isa, in_gs, in_st;
};

/* Separators: after "ISA", and after the sixteenth element's one character. */
static int isa_open(struct bb_bytes text, struct x12 *x, struct bb_fault *err)
{
    const char *p;
    size_t at = 3, n = 0;

    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0) { /* an editor's mark */
        text.ptr = (const char *)text.ptr + 3;
        text.len -= 3;
    }
    p = text.ptr;
    if (text.len > X12_TEXT_MAX)
        return x12_error(err, NULL, "an interchange of more than 1 MiB");
    if (text.len < 60 || memcmp(p, "ISA", 3) != 0)
        return x12_error(err, NULL, "it does not begin with ISA: no interchange");
    for (; at < text.len && at < 160 && n < 16; at++)
        n += p[at] == p[3];
    if (n < 16 || at + 1 >= text.len)
        return x12_error(err, NULL, "the ISA has not sixteen elements");
    *x = (struct x12){p, p + text.len, p[3], p[at + 1], 0};
    if (x->segment == '\r' && at + 2 < text.len && p[at + 2] == '\n')
        x->segment = '\n';
    if (x->segment == x->element || p[at] == x->element || p[at] == x->segment || x->element == ' ' ||
        (x->element >= '0' && x->element <= 'z' && !strchr(":;<=>?@[\\]^_`", x->element)))
        return x12_error(err, NULL, "the ISA's separators are not three different signs");
    return 0;
}

static uint32_t count_of(const struct x12_seg *s, uint32_t k)
{
    struct bb_bytes b = x12_at(s, k);
    const char *p = b.ptr;
    uint32_t v = 0;

    if (!b.len || b.len > 9)
        return UINT32_MAX;
    for (size_t i = 0; i < b.len; i++) {
        if (p[i] < '0' || p[i] > '9')
            return UINT32_MAX;
        v = v * 10 + (uint32_t)(p[i] - '0');
    }
    return v;
}

static int equal(struct bb_bytes a, struct bb_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static int set_begin(struct envelope *v, struct bb_fault *err)
{
    if (v->n == X12_SETS_MAX)
        return x12_error(err, &v->s, "more than %u transaction sets", X12_SETS_MAX);
    v->now.id = x12_at(&v->s, 1);
    v->now.control = x12_at(&v->s, 2);
    v->now.code = NULL;
    v->now.body = v->x;
    v->now.nth_group = v->groups;
    if (!v->now.id.len || !v->now.control.len)
        return x12_error(err, &v->s, "a transaction set without number or control number");
    v->in_st = 1;
    v->first = v->s.number;
    return 0;
}

/* A set ends with SE; or without one, where the group or another set goes on: then its code says so. */
static void set_end(struct envelope *v, const char *end, int trailer)
{
    v->now.body.end = end;
    if (!trailer)
        v->now.code = "2";
    else if (!equal(x12_at(&v->s, 2), v->now.control))
        v->now.code = "3";
    else if (count_of(&v->s, 1) != v->s.number - v->first + 1)
        v->now.code = "4";
    v->sets[v->n++] = v->now;
    v->in_group++;
    v->in_st = 0;
}

static int group_end(struct envelope *v, struct bb_fault *err)
{
    if (!v->in_gs)
        return x12_error(err, &v->s, "a group's end without its beginning");
    if (!equal(x12_at(&v->s, 2), v->now.group))
        return x12_error(err, &v->s, "the group's control numbers differ in GS and GE");
    if (count_of(&v->s, 1) != v->in_group)
        return x12_error(err, &v->s, "the group has %u transaction sets, not as many as its GE says", v->in_group);
    v->in_gs = 0;
    return 0;
}

static int envelope_segment(struct envelope *v, const char *from, struct bb_fault *err)
{
    struct x12_seg *s = &v->s;

    if (x12_is(s, "SE") && v->in_st) {
        set_end(v, from, 1);
        return 0;
    }
    if (v->in_st && (x12_is(s, "ST") || x12_is(s, "GE") || x12_is(s, "IEA")))
        set_end(v, from, 0);
    if (x12_is(s, "GS")) {
        if (!v->in_isa || v->in_gs || !x12_at(s, 1).len || !x12_at(s, 6).len)
            return x12_error(err, s, "a group in the wrong place, or without its control number");
        v->now.function = x12_at(s, 1);
        v->now.group = x12_at(s, 6);
        v->groups++;
        v->in_group = 0;
        v->in_gs = 1;
        return 0;
    }
    if (x12_is(s, "ST"))
        return v->in_gs ? set_begin(v, err) : x12_error(err, s, "a transaction set outside of a group");
    if (x12_is(s, "GE"))
        return group_end(v, err);
    if (x12_is(s, "IEA")) {
        if (v->in_gs || count_of(s, 1) != v->groups)
            return x12_error(err, s, "the interchange has %u groups, not as many as its IEA says", v->groups);
        if (!equal(x12_at(s, 2), v->now.interchange))
            return x12_error(err, s, "the interchange's control numbers differ in ISA and IEA");
        v->in_isa = 0;
        return 0;
    }
    return v->in_st ? 0 : x12_error(err, s, "a segment outside of a transaction set");
}

int x12_read(struct bb_bytes text, struct x12_set sets[X12_SETS_MAX], uint32_t *n, struct bb_fault *err)
{
    struct envelope v = {.sets = sets};
    int rc;

    *n = 0;
    if (isa_open(text, &v.x, err) != 0)
        return -1;
    if (x12_next(&v.x, &v.s, err) != 1)
        return -1;
    if (v.s.n != ISA_ELEMENTS)
        return x12_error(err, &v.s, "it has %u elements, not sixteen", v.s.n - 1);
    v.now.sender = x12_at(&v.s, 6);
    v.now.receiver = x12_at(&v.s, 8);
    v.now.interchange = x12_at(&v.s, 13);
    v.in_isa = 1;
    for (;;) {
        const char *from = v.x.p;
        rc = x12_next(&v.x, &v.s, err);
        if (rc <= 0)
            break;
        if (!v.in_isa)
            return x12_error(err, &v.s, "something follows the interchange: one at a time");
        if (envelope_segment(&v, from, err) != 0)
            return -1;
    }
    if (rc == 0 && v.in_isa)
        rc = x12_error(err, NULL, "the interchange has no IEA: it was cut off");
    *n = rc == 0 ? v.n : 0;
    return rc;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */
int x12_number(struct bb_bytes text, char out[64])
{
    const char *p = text.ptr, *end = p + text.len;
    size_t n = 0, digits = 0;

    if (text.len > 40)
        return -1;
    if (p < end && *p == '-') {
        out[n++] = '-';
        p++;
    }
    while (p + 1 < end && *p == '0' && p[1] >= '0' && p[1] <= '9')
        p++;
    for (; p < end && *p >= '0' && *p <= '9'; digits++)
        out[n++] = *p++;
    if (p < end && *p == '.') {
        if (!digits)
            out[n++] = '0';
        if (++p < end)
            out[n++] = '.';
        for (; p < end && *p >= '0' && *p <= '9'; digits++)
            out[n++] = *p++;
    }
    out[n] = 0;
    return p == end && digits ? 0 : -1;
}

int x12_date(struct bb_bytes text, char out[16])
{
    char full[16];
    int64_t ms;
    const char *p = text.ptr;

    if (text.len != 8 && text.len != 6)
        return -1;
    for (size_t k = 0; k < text.len; k++)
        if (p[k] < '0' || p[k] > '9')
            return -1;
    snprintf(full, sizeof full, "%s%.*s", text.len == 6 ? "20" : "", (int)text.len, p);
    snprintf(out, 16, "%.4s-%.2s-%.2s", full, full + 4, full + 6);
    return bb_date_iso_read(bb_str(out), &ms);
}

int x12_instant(struct bb_bytes date, struct bb_bytes time, const char *zone, char out[32])
{
    char day[16], text[48];
    const char *p = time.ptr;
    int64_t ms;

    if (x12_date(date, day) != 0 || (time.len != 4 && time.len != 6))
        return -1;
    for (size_t k = 0; k < time.len; k++)
        if (p[k] < '0' || p[k] > '9')
            return -1;
    snprintf(text, sizeof text, "%.10sT%.2s:%.2s:%.2s%.6s", day, p, p + 2, time.len == 6 ? p + 4 : "00", zone);
    return bb_date_iso_read(bb_str(text), &ms) == 0 ? bb_date_iso_write(ms, out) : -1;
}

/* X12 data element 355, as far as goods are counted in it, and UN/ECE Rec 20 (packages: X and Rec 21). */
static const char *const units[][2] = {
    {"EA", "EA"},  {"PC", "H87"}, {"UN", "C62"}, {"KG", "KGM"}, {"GR", "GRM"}, {"LB", "LBR"}, {"OZ", "ONZ"},
    {"TN", "STN"}, {"MP", "TNE"}, {"MR", "MTR"}, {"CM", "CMT"}, {"MM", "MMT"}, {"FT", "FOT"}, {"IN", "INH"},
    {"YD", "YRD"}, {"LT", "LTR"}, {"ML", "MLT"}, {"GA", "GLL"}, {"SM", "MTK"}, {"SF", "FTK"}, {"CR", "MTQ"},
    {"CF", "FTQ"}, {"DZ", "DZN"}, {"TH", "MIL"}, {"PR", "PR"},  {"ST", "SET"}, {"HR", "HUR"}, {"BX", "XBX"},
    {"CA", "XCS"}, {"CT", "XCT"}, {"BG", "XBG"}, {"RL", "XRO"},
};

const char *x12_unit_in(struct bb_bytes code)
{
    for (size_t k = 0; k < sizeof units / sizeof *units; k++)
        if (bb_str_is(code, units[k][0]))
            return units[k][1];
    return NULL;
}

const char *x12_unit_out(struct bb_bytes unit)
{
    for (size_t k = 0; k < sizeof units / sizeof *units; k++)
        if (bb_str_is(unit, units[k][1]))
            return units[k][0];
    return NULL;
}

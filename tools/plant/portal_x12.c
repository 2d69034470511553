/*
 * portal_x12.c - X12 4010 at the portal: 830 and 997 read, 856, 855 and 997 written (see portal.h)
 *
 * Separators come from the ISA. An 830 is judged as a translator does: envelope and counts first, and its 997 says
 * what was found (AK5 R with 3, 4 or 5); only then as a forecast.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/plant/portal.h"

#define ELEMENTS 40

struct scan { /* a copy of the text, cut up as it is read */
    char *p, *end, element, segment;
    char *e[ELEMENTS];
    int n;
    long count; /* segments so far */
};

static bool scan_open(struct plant_call *c, struct scan *s)
{
    if (c->rq->body.n < 107 || memcmp(c->rq->body.p, "ISA", 3) != 0)
        return false;
    s->p = plant_mem_text(&c->mem, c->rq->body);
    s->end = s->p + c->rq->body.n;
    s->element = s->p[3];
    s->segment = s->p[105];
    s->count = 0;
    return s->element && s->segment && s->element != s->segment;
}

static bool scan_next(struct scan *s)
{
    while (s->p < s->end && (*s->p == '\n' || *s->p == '\r'))
        s->p++;
    char *stop = memchr(s->p, s->segment, (size_t)(s->end - s->p));
    if (!stop)
        return false;
    *stop = '\0';
    s->n = 0;
    for (char *p = s->p; s->n < ELEMENTS;) {
        s->e[s->n++] = p;
        p = strchr(p, s->element);
        if (!p)
            break;
        *p++ = '\0';
    }
    s->p = stop + 1;
    s->count++;
    return true;
}

static const char *el(const struct scan *s, int k)
{
    return k < s->n ? s->e[k] : "";
}

static bool is(const struct scan *s, const char *id)
{
    return strcmp(el(s, 0), id) == 0;
}

static char *kept(struct plant_call *c, const char *s)
{
    size_t n = strlen(s);
    while (n && s[n - 1] == ' ')
        n--;
    return plant_mem_copy(&c->mem, s, n);
}

static const char *day_of(struct plant_call *c, const char *ccyymmdd)
{
    return strlen(ccyymmdd) == 8 ? plant_mem_printf(&c->mem, "%.4s-%.2s-%.2s", ccyymmdd, ccyymmdd + 4, ccyymmdd + 6) : "";
}

/* The series' segments; BFR has begun it. */
static bool line_take(struct plant_call *c, const struct scan *s, const char *partner, const char *id, const char **item,
                      struct portal_refusal *why)
{
    if (is(s, "LIN"))
        for (int k = 2; k + 1 < s->n; k += 2)
            if (strcmp(el(s, k), "BP") == 0)
                *item = kept(c, el(s, k + 1));
    if (!is(s, "FST"))
        return true;
    struct portal_need n = {*item, day_of(c, el(s, 4)), el(s, 1), strcmp(el(s, 2), "C") == 0 ? "firm" : "planned"};
    return portal_need_take(c, partner, id, &n, why);
}

bool portal_x12_forecast(struct plant_call *c, const char *partner, struct portal_x12 *x, struct portal_refusal *why)
{
    struct scan s;
    const char *id = "", *item = "", *interchange = "";
    long first = 0;
    bool good = true, ended = false;
    if (!scan_open(c, &s))
        return portal_refuse(c, why, "SP-030", "This is no X12 interchange");
    while (scan_next(&s)) {
        if (is(&s, "ISA")) {
            x->sender = kept(c, el(&s, 6));
            x->receiver = kept(c, el(&s, 8));
            interchange = kept(c, el(&s, 13));
        } else if (is(&s, "GS")) {
            x->group = kept(c, el(&s, 1));
            x->control = kept(c, el(&s, 6));
        } else if (is(&s, "ST")) {
            x->set = kept(c, el(&s, 1));
            x->set_control = kept(c, el(&s, 2));
            first = s.count;
            if (strcmp(x->set, "830") != 0)
                x->code = "1";
        } else if (is(&s, "BFR")) {
            x->id = id = kept(c, el(&s, 2));
            good = good && portal_forecast_begin(c, partner, id, why);
        } else if (is(&s, "SE")) {
            if (atol(el(&s, 1)) != s.count - first + 1)
                x->code = "4";
            else if (!x->set_control || strcmp(el(&s, 2), x->set_control) != 0)
                x->code = "3";
        } else if (is(&s, "IEA")) {
            ended = strcmp(el(&s, 2), interchange) == 0;
        }
        good = good && line_take(c, &s, partner, id, &item, why);
    }
    if (!ended || !x->control || !x->set_control) {
        x->control = NULL;
        return portal_refuse(c, why, "SP-030", "The interchange's envelope is broken");
    }
    if (x->receiver && strcmp(x->receiver, partner) != 0) {
        x->control = NULL;
        return portal_refuse(c, why, "SP-031", "The interchange is for %s, not for %s", x->receiver, partner);
    }
    if (good && !x->code && !*id)
        x->code = "5";
    if (!good) /* what it says is wrong, not how it is written: that is no 997's business */
        x->control = NULL;
    return good && !x->code;
}

bool portal_x12_acknowledgement(struct plant_call *c, const char *partner, struct portal_refusal *why)
{
    struct scan s;
    char *control = NULL, *outcome = NULL;
    if (!scan_open(c, &s))
        return portal_refuse(c, why, "SP-030", "This is no X12 interchange");
    while (scan_next(&s))
        if (is(&s, "AK1"))
            control = kept(c, el(&s, 2));
        else if (is(&s, "AK9"))
            outcome = kept(c, el(&s, 1));
    if (!control || !outcome)
        return portal_refuse(c, why, "SP-032", "A 997 needs AK1 and AK9");
    plant_db_do(c->db, "INSERT INTO acknowledgements(supplier, control, outcome) VALUES(?1, ?2, ?3)", 3, partner, control,
                outcome);
    return true;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */
struct out {
    struct plant_buf *b;
    const char *day, *time, *number, *group, *set;
    size_t from; /* where ST begins */
};

static char *digits(struct plant_call *c, const char *text)
{
    char *s = plant_mem_take(&c->mem, strlen(text) + 1);
    size_t n = 0;
    for (; *text; text++)
        if (*text >= '0' && *text <= '9')
            s[n++] = *text;
    return s;
}

static struct out out_begin(struct plant_call *c, struct plant_buf *b, const char *partner, const char *group, const char *set)
{
    const char *now = plant_now(c);
    struct out o = {b, digits(c, plant_mem_printf(&c->mem, "%.10s", now)),
                    digits(c, plant_mem_printf(&c->mem, "%.5s", now + 11)), plant_number(c, "interchange", 1, 9), group, set, 0};
    plant_putf(b, "ISA*00*          *00*          *ZZ*%-15s*ZZ*%-15s*%s*%s*U*00401*%s*0*P*>~\n", partner, "BUSBAR", o.day + 2,
               o.time, o.number);
    plant_putf(b, "GS*%s*%s*BUSBAR*%s*%s*%ld*X*004010~\n", group, partner, o.day, o.time, atol(o.number));
    o.from = b->n;
    plant_putf(b, "ST*%s*0001~\n", set);
    return o;
}

static void out_end(struct out *o)
{
    long n = 1;
    for (size_t i = o->from; i < o->b->n; i++)
        n += o->b->p[i] == '~';
    plant_putf(o->b, "SE*%ld*0001~\nGE*1*%ld~\nIEA*1*%s~\n", n, atol(o->number), o->number);
}

void portal_x12_997(struct plant_call *c, const char *partner, const struct portal_x12 *x, struct plant_buf *b)
{
    struct out o = out_begin(c, b, partner, "FA", "997");
    plant_putf(b, "AK1*%s*%s~\nAK2*%s*%s~\n", x->group, x->control, x->set, x->set_control);
    if (x->code)
        plant_putf(b, "AK5*R*%s~\nAK9*R*1*1*0~\n", x->code);
    else
        plant_puts(b, "AK5*A~\nAK9*A*1*1*1~\n");
    out_end(&o);
}

void portal_x12_856(struct plant_call *c, const struct portal_shipment *s, struct plant_buf *b)
{
    struct out o = out_begin(c, b, s->partner, "SH", "856");
    const char *unit = portal_unit(s->unit, true);
    plant_putf(b, "BSN*00*%s*%s*%s*0001~\nHL*1**S~\nTD1*PLT*1****G*402*KG~\nTD5**2*LANG*M~\nREF*BM*BOL-%s~\n", s->id, o.day,
               o.time, s->id);
    plant_putf(b, "DTM*011*%s~\nDTM*017*%s~\nN1*SF**92*%s~\nN1*ST**92*%s~\n", o.day, o.day, s->partner, s->plant);
    plant_putf(b, "HL*2*1*O~\nPRF*%s~\nHL*3*2*T~\nMAN*GM*%s~\n", s->po, s->sscc);
    plant_putf(b, "HL*4*3*I~\nLIN*%s*BP*%s*VP*%s~\nSN1**%s*%s**%s*%s~\n", s->line, s->item, s->supplier_item, s->quantity,
               unit, s->ordered, unit);
    if (*s->lot)
        plant_putf(b, "REF*LT*%s~\n", s->lot);
    plant_puts(b, "CTT*4~\n");
    out_end(&o);
}

void portal_x12_855(struct plant_call *c, const struct portal_answer *a, struct plant_buf *b)
{
    struct out o = out_begin(c, b, a->partner, "PR", "855");
    const char *unit = portal_unit(a->unit, true);
    plant_putf(b, "BAK*00*%s*%s*%s****%s*%s~\nN1*SE**92*%s~\n", strcmp(a->code, "IA") == 0 ? "AD" : "AC", a->po, o.day, a->id,
               o.day, a->partner);
    plant_putf(b, "PO1*%s*%s*%s***BP*%s*VP*%s~\n", a->line, a->asked, unit, a->item, a->supplier_item);
    plant_putf(b, "ACK*%s*%s*%s*067*%s~\nCTT*1~\n", a->code, a->quantity, unit, digits(c, a->due));
    out_end(&o);
}

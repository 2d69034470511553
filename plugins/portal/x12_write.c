/*
 * x12_write.c - writing segments and the envelope (see x12.h)
 *
 * Separators are * and ~ and, for components, >. Control numbers come from the message's key and the date from its
 * time: the same message gives the same bytes at each attempt, so that a partner who compares them sees one thing.
 *
 * Thread: any. Memory: the buffer's.
 */
#include <stdio.h>
#include <busbar/web.h>
#include "x12.h"

void x12_open(struct x12_out *o, const char *name)
{
    o->name = name;
    o->segment = o->b->len;
    bb_buf_put(o->b, name, strlen(name));
}

void x12_put(struct x12_out *o, struct bb_bytes text, size_t max)
{
    const unsigned char *p = text.ptr;
    const char *why = text.len > max ? "is too long" : NULL;

    for (size_t k = 0; k < text.len && !why; k++)
        if (p[k] < ' ' || p[k] > '~' || p[k] == '*' || p[k] == '~' || p[k] == '>')
            why = "has a character that X12 cannot carry here";
    if (why && !o->bad[0])
        snprintf(o->bad, sizeof o->bad, "\"%.*s\" %s (%s, at most %zu printable ASCII characters without * ~ >)",
                 (int)(text.len > 60 ? 60 : text.len), (const char *)text.ptr, why, o->name, max);
    bb_buf_put(o->b, "*", 1);
    if (!why)
        bb_buf_put(o->b, text.ptr, text.len);
}

void x12_puts(struct x12_out *o, const char *text)
{
    x12_put(o, bb_str(text), X12_ELEMENT_MAX);
}

void x12_end(struct x12_out *o)
{
    while (!o->b->failed && o->b->len > o->segment && o->b->ptr[o->b->len - 1] == '*')
        o->b->len--; /* elements at the end that say nothing */
    bb_buf_put(o->b, "~", 1);
    o->segments++;
}

uint32_t x12_control(struct bb_bytes key)
{
    const unsigned char *p = key.ptr;
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

    for (size_t k = 0; k < key.len; k++)
        h = (h ^ p[k]) * 0x100000001b3u;
    return (uint32_t)(h % 999999999u) + 1;
}

static void padded(struct x12_out *o, struct bb_bytes text, size_t width)
{
    static const char blanks[] = "               ";

    x12_put(o, text, width);
    if (text.len < width)
        bb_buf_put(o->b, blanks, width - text.len);
}

int x12_envelope_begin(struct x12_out *o, struct bb_buf *b, const struct x12_envelope *e)
{
    char when[32] = "", day[16], hour[8], number[16], group[16];

    memset(o, 0, sizeof *o);
    o->b = b;
    if (bb_date_iso_write(e->at_ms, when) != 0)
        snprintf(when, sizeof when, "1970-01-01T00:00:00Z");
    snprintf(day, sizeof day, "%.4s%.2s%.2s", when, when + 5, when + 8);
    snprintf(hour, sizeof hour, "%.2s%.2s", when + 11, when + 14);
    snprintf(number, sizeof number, "%09u", x12_control(e->key));
    snprintf(group, sizeof group, "%u", x12_control(e->key));
    x12_open(o, "ISA");
    x12_puts(o, "00"), padded(o, bb_str(""), 10), x12_puts(o, "00"), padded(o, bb_str(""), 10);
    x12_puts(o, e->sender_qualifier), padded(o, bb_str(e->sender), 15);
    x12_puts(o, e->receiver_qualifier), padded(o, e->receiver, 15);
    x12_puts(o, day + 2), x12_puts(o, hour), x12_puts(o, "U"), x12_puts(o, "00401"), x12_puts(o, number);
    x12_puts(o, "0"), x12_puts(o, e->usage);
    bb_buf_put(b, "*>~", 3);
    x12_open(o, "GS");
    x12_puts(o, e->function), x12_put(o, bb_str(e->sender), 15), x12_put(o, e->receiver, 15);
    x12_puts(o, day), x12_puts(o, hour), x12_puts(o, group), x12_puts(o, "X"), x12_puts(o, X12_VERSION);
    x12_end(o);
    o->segments = 0;
    x12_open(o, "ST");
    x12_puts(o, e->set), x12_puts(o, "0001");
    x12_end(o);
    return o->bad[0] ? -1 : 0;
}

void x12_envelope_end(struct x12_out *o, const struct x12_envelope *e)
{
    char text[80];

    snprintf(text, sizeof text, "SE*%u*0001~GE*1*%u~IEA*1*%09u~", o->segments + 1, x12_control(e->key), x12_control(e->key));
    bb_buf_put(o->b, text, strlen(text));
}

/*
 * x12.h - a small, strict reader and writer of ASC X12 interchanges
 *
 * Reading: x12_read() checks the envelope (ISA/IEA, GS/GE, ST/SE: order, counts, control numbers) and gives the
 * transaction sets; x12_next() walks the segments of one. What is wrong with the envelope refuses the interchange;
 * what is wrong with a set (its trailer, its count) marks the set with the code that a 997 has for it. Separators come
 * from the ISA, which must have its fixed width or at least its sixteen elements. Component and repetition separators
 * are not taken apart: none of the sets read here needs them.
 *
 * Writing: elements are checked (printable ASCII, no separator, length) and the first that does not fit is said.
 *
 * Thread: any; no function keeps state. Memory: everything points into the text given. Limits: below; the rest of the
 * standard (binary segments, TA1, several versions) is not here.
 */
#ifndef BB_PLUGIN_PORTAL_X12_H
#define BB_PLUGIN_PORTAL_X12_H

#include <busbar/plugin.h>

#define X12_TEXT_MAX (1u << 20) /* bytes of an interchange */
#define X12_ELEMENTS_MAX 64u    /* of a segment, its name counted */
#define X12_ELEMENT_MAX 512u    /* bytes */
#define X12_SETS_MAX 200u       /* of an interchange */
#define X12_VERSION "004010"

struct x12 { /* a place in a text */
    const char *p, *end;
    char element, segment;
    uint32_t count; /* segments given so far, for messages */
};
struct x12_seg {
    struct bb_bytes e[X12_ELEMENTS_MAX]; /* e[0] is the name */
    uint32_t n, number;
};
/* 1 a segment, 0 the end, -1 with err. */
int x12_next(struct x12 *x, struct x12_seg *s, struct bb_fault *err);
/* Element k without blanks at its end, or none. */
struct bb_bytes x12_at(const struct x12_seg *s, uint32_t k);
int x12_is(const struct x12_seg *s, const char *name);
int x12_error(struct bb_fault *err, const struct x12_seg *s, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

struct x12_set {
    struct bb_bytes sender, receiver, interchange; /* ISA06, ISA08, ISA13 */
    struct bb_bytes function, group;               /* GS01, GS06 */
    struct bb_bytes id, control;                   /* ST01, ST02 */
    struct x12 body;                               /* what is between ST and SE */
    unsigned nth_group;
    const char *code; /* of AK502 when the set is broken, else NULL */
};
/* The sets of one interchange. 0, -1 with err: no interchange, a broken envelope, past a limit. */
int x12_read(struct bb_bytes text, struct x12_set sets[X12_SETS_MAX], uint32_t *n, struct bb_fault *err);

/* ---- values ---------------------------------------------------------------------------------------------------- */
/* A number as JSON writes it ("007", ".5" and "3." are read too): 0, -1. */
int x12_number(struct bb_bytes text, char out[64]);
/* CCYYMMDD or YYMMDD (of this century) as 2026-04-01: 0, -1. */
int x12_date(struct bb_bytes text, char out[16]);
/* Date and HHMM[SS] in a zone ("Z", "+01:00") as an instant in UTC: 0, -1. */
int x12_instant(struct bb_bytes date, struct bb_bytes time, const char *zone, char out[32]);
/* The model's unit (UN/ECE Rec 20) for an X12 code and back; NULL: not known. */
const char *x12_unit_in(struct bb_bytes code);
const char *x12_unit_out(struct bb_bytes unit);

/* ---- writing ----------------------------------------------------------------------------------------------------- */
struct x12_out {
    struct bb_buf *b;
    size_t segment;    /* where the open one begins */
    uint32_t segments; /* ended since ST */
    const char *name;
    char bad[200]; /* what does not fit, "" nothing */
};
void x12_open(struct x12_out *o, const char *name);
void x12_put(struct x12_out *o, struct bb_bytes text, size_t max); /* the next element, may be empty */
void x12_puts(struct x12_out *o, const char *text);
void x12_end(struct x12_out *o);

struct x12_envelope {
    const char *sender_qualifier, *sender, *receiver_qualifier; /* from the config */
    struct bb_bytes receiver;
    const char *usage; /* "P" or "T" */
    const char *function, *set;
    struct bb_bytes key; /* makes the control numbers, so that a repetition has the same */
    int64_t at_ms;       /* the message's own time, for the same reason */
};
/* ISA, GS and ST; then SE, GE and IEA. 0, -1: the receiver does not fit, o->bad says why. */
int x12_envelope_begin(struct x12_out *o, struct bb_buf *b, const struct x12_envelope *e);
void x12_envelope_end(struct x12_out *o, const struct x12_envelope *e);
/* The control number of a message: nine digits, never 0. */
uint32_t x12_control(struct bb_bytes key);

#endif

/*
 * xml_read.c - XML documents to records, through libxml2's push parser
 *
 * bytes --pieces--> libxml2 --SAX2 events--> nodes of one record --emit--> queue --> the caller
 *
 * The push interface and not xmlTextReader: it builds no tree of its own, takes bytes as they come
 * and keeps at most one tag; so every limit is ours. It cannot stop in the middle of a piece, so
 * what a piece completes waits in a queue; pieces are small.
 *
 * What is no XML, and a document that must not be read (DOCTYPE, limits of the document), ends the
 * reader; a bad record is reported in its turn (xml_events.c).
 *
 * Thread: the owner's. libxml2's state of a thread is as it was after each call.
 */
#include "xml_read.h"
#include <pthread.h>
#include <stdlib.h>

#define PIECE 4096
#define TAG_LOOK (4u * PIECE) /* unparsed bytes that are worth a look */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void set_up(void)
{
    xmlInitParser();
}

/* ---- faults ------------------------------------------------------------------------------------
 */

void bb_xml_stop_at(struct bb_xml *x, int line, int column, const char *text)
{
    if (x->broken)
        return;
    x->broken = 1;
    bb_fault_set(&x->end_fault, (size_t)xmlByteConsumed(x->p), "line %d, column %d: %s", line,
                 column, text);
    xmlStopParser(x->p);
}

void bb_xml_stop(struct bb_xml *x, const char *text)
{
    bb_xml_stop_at(x, xmlSAX2GetLineNumber(x->p), xmlSAX2GetColumnNumber(x->p), text);
}

/* ---- bytes -------------------------------------------------------------------------------------
 */

/* What the parser has kept because a tag (or comment) has no end yet must stay small, and one
 * start tag must not hold so many attributes that comparing them takes long. */
static void tag_check(struct bb_xml *x)
{
    const xmlChar *p = x->p->input ? x->p->input->cur : NULL;
    const xmlChar *end = p ? x->p->input->end : NULL;
    uint32_t equals = 0;

    if (x->broken || !p || end - p < (ptrdiff_t)TAG_LOOK)
        return;
    if ((size_t)(end - p) > x->limits.tag_max) {
        bb_xml_stop(x, "a tag, comment or instruction is too long");
        return;
    }
    if (*p != '<' || p[1] == '!' || p[1] == '?')
        return;
    for (; p < end; p++)
        equals += *p == '=';
    if (equals > 8 * x->limits.attributes_max)
        bb_xml_stop(x, "an element with too many attributes");
}

static void silent(void *ctx, const char *format, ...)
{
    (void)ctx;
    (void)format;
}

/* Errors of the encoders go past the handler, to standard error, unless this thread's printer is
 * another one; it is so for the time of a call only. */
struct printer {
    xmlGenericErrorFunc print;
    void *context;
};
static struct printer printer_off(void)
{
    struct printer was = {xmlGenericError, xmlGenericErrorContext};

    xmlSetGenericErrorFunc(NULL, silent);
    return was;
}

static void piece_push(struct bb_xml *x, const char *p, size_t n, int last)
{
    struct printer was = printer_off();
    int rc = xmlParseChunk(x->p, p, (int)n, last);

    xmlSetGenericErrorFunc(was.context, was.print);
    if (!x->broken && (!x->p->wellFormed || rc == XML_ERR_INVALID_ENCODING ||
                       rc == XML_I18N_CONV_FAILED || x->p->instate == XML_PARSER_EOF) &&
        (!last || rc != 0))
        bb_xml_stop(x, "these bytes are no text in the document's encoding");
    if (!x->broken && last && !x->closed)
        bb_xml_stop(x, "the document ends too early");
    tag_check(x);
}

/* Whether the first bytes are those of an encoding that is read: NULs are UTF-16's "<" or none. */
static int head_good(const char *h, size_t n)
{
    static const char *const good[] = {"<\0?\0", "\0<\0?"};

    if (n == 4 && memcmp(h, "\x4c\x6f\xa7\x94", 4) == 0)
        return 0; /* EBCDIC */
    if (!memchr(h, 0, n) || memcmp(h, "\xff\xfe", 2) == 0 || memcmp(h, "\xfe\xff", 2) == 0)
        return 1;
    return n == 4 && (memcmp(h, good[0], 4) == 0 || memcmp(h, good[1], 4) == 0);
}

/* The first four bytes say which encoding it is: they go in together. */
static int parser_open(struct bb_xml *x)
{
    xmlSAXHandler events = bb_xml_events; /* copied */
    struct printer was;

    if (!head_good(x->head, x->head_len)) {
        x->broken = 1;
        return bb_fault_set(&x->end_fault, 0, "line 1, column 1: this encoding is not read; write "
                                              "the file as UTF-8");
    }
    was = printer_off();
    x->p = xmlCreatePushParserCtxt(&events, x, x->head, (int)x->head_len, NULL);
    xmlSetGenericErrorFunc(was.context, was.print);
    if (!x->p) {
        x->broken = 1;
        return bb_fault_set(&x->end_fault, 0, "no memory for the XML parser");
    }
    /* NOENT only makes &amp; in attributes one character: no other entity can be there */
    (void)xmlCtxtUseOptions(x->p, XML_PARSE_NOENT | XML_PARSE_NONET);
    return 0;
}

static int done_next(struct bb_xml *x, struct bb_xml_record *r, struct bb_fault *err)
{
    const struct xml_done *d = &x->done[x->given++];

    x->number++;
    r->number = x->number;
    r->line = d->line;
    r->column = d->column;
    r->value.ptr = d->len ? x->out.ptr + d->at : NULL;
    r->value.len = d->len;
    if (!d->bad)
        return 1;
    if (err)
        *err = d->fault;
    return -1;
}

static int broken_say(struct bb_xml *x, struct bb_xml_record *r, struct bb_fault *err)
{
    x->told = 1;
    r->number = x->number + 1;
    if (err)
        *err = x->end_fault;
    return -1;
}

int bb_xml_read(struct bb_xml *x, struct bb_bytes chunk, size_t *used, struct bb_xml_record *r,
                struct bb_fault *err)
{
    const char *p = chunk.ptr;

    *used = 0;
    memset(r, 0, sizeof(*r));
    if (x->given < x->n_done)
        return done_next(x, r, err);
    x->given = x->n_done = 0;
    bb_buf_reset(&x->out);
    while (!x->broken && !x->n_done && *used < chunk.len) {
        size_t n = chunk.len - *used;
        if (!x->p) {
            x->head[x->head_len++] = p[(*used)++];
            if (x->head_len == sizeof(x->head) && parser_open(x) != 0)
                break;
            continue;
        }
        n = n < PIECE ? n : PIECE;
        piece_push(x, p + *used, n, 0);
        *used += n;
    }
    if (x->n_done)
        return done_next(x, r, err);
    return x->broken ? broken_say(x, r, err) : 0;
}

int bb_xml_end(struct bb_xml *x, struct bb_xml_record *r, struct bb_fault *err)
{
    memset(r, 0, sizeof(*r));
    if (x->given < x->n_done)
        return done_next(x, r, err);
    if (!x->broken && !x->ended) {
        if (!x->p && !x->head_len) {
            x->broken = 1;
            bb_fault_set(&x->end_fault, 0, "line 1, column 1: the document is empty");
        }
        if (x->broken || (!x->p && parser_open(x) != 0))
            return broken_say(x, r, err);
        x->given = x->n_done = 0;
        bb_buf_reset(&x->out);
        piece_push(x, "", 0, 1);
        x->ended = 1;
        if (x->n_done)
            return done_next(x, r, err);
    }
    return x->broken ? broken_say(x, r, err) : 0;
}

int bb_xml_broken(const struct bb_xml *x)
{
    return x->told;
}

struct bb_xml *bb_xml_new(const struct bb_xml_map *m, const struct bb_xml_limits *limits)
{
    struct bb_xml *x = calloc(1, sizeof(*x));
    struct bb_xml_limits *l;

    if (!x)
        return NULL;
    (void)pthread_once(&once, set_up);
    x->map = m;
    x->record_path = m->record;
    x->default_space = bb_xml_uri(m, (struct bb_bytes){"", 0}) != NULL;
    l = &x->limits;
    if (limits)
        *l = *limits;
    l->record_max = l->record_max ? l->record_max : 16u << 20;
    l->tag_max = l->tag_max ? l->tag_max : 1u << 20;
    l->tag_max = l->tag_max < (8u << 20) ? l->tag_max : 8u << 20;
    l->depth_max = l->depth_max && l->depth_max < BB_XML_DEPTH_MAX ? l->depth_max : BB_XML_DEPTH_MAX;
    l->attributes_max = l->attributes_max ? l->attributes_max : 256;
    l->paths_max = l->paths_max ? l->paths_max : 65536;
    l->name_max = l->name_max ? l->name_max : 1024;
    bb_buf_init(&x->t.text, l->record_max);
    bb_buf_init(&x->t.keys, (size_t)l->paths_max * l->name_max);
    bb_buf_init(&x->out, 2 * l->record_max + (4u << 20));
    return x;
}

void bb_xml_free(struct bb_xml **xp)
{
    struct bb_xml *x = *xp;

    if (!x)
        return;
    if (x->p)
        xmlFreeParserCtxt(x->p);
    bb_buf_free(&x->t.text);
    bb_buf_free(&x->t.keys);
    bb_buf_free(&x->out);
    free(x->t.nodes);
    free(x->t.names);
    free(x->index);
    free(x->done);
    free(x);
    *xp = NULL;
}

/*
 * xml_read.h - the state of one XML reader; not installed
 *
 * Invariants: open[0..depth) are the elements around the parser's place; while in_record and not
 * record_bad those from record_depth on have nodes; the queue is done[given..n_done).
 */
#ifndef BB_SDK_XML_READ_H
#define BB_SDK_XML_READ_H

#include "xml_tree.h"
#include <libxml/parserInternals.h>

#define BB_XML_DEPTH_MAX 128

struct xml_open {
    uint32_t name, node;
    uint32_t elements; /* it has some */
    uint32_t line, column;
};
struct xml_done { /* a record that was completed */
    size_t at, len; /* in out */
    uint32_t line, column;
    int bad;
    struct bb_fault fault;
};
struct bb_xml {
    const struct bb_xml_map *map;
    struct bb_xml_limits limits;
    struct xml_path record_path; /* the mapping's own */
    int default_space;           /* the mapping gives a namespace to names without prefix */
    xmlParserCtxtPtr p;
    char head[4];
    size_t head_len;
    struct xml_open open[BB_XML_DEPTH_MAX];
    uint32_t depth, record_depth;
    int in_record, record_bad;
    struct bb_fault record_fault, end_fault;
    struct xml_tree t;
    uint32_t *index, index_cap; /* names by hash */
    struct bb_buf out;
    struct xml_done *done;
    size_t n_done, given, done_cap;
    uint64_t number;
    int closed; /* the root element ended */
    int broken, told, ended;
};

/* The document cannot be read on. The first reason stands. */
void bb_xml_stop(struct bb_xml *x, const char *text);
void bb_xml_stop_at(struct bb_xml *x, int line, int column, const char *text);

/* xml_names.c: the index of a name in its place, made when it is new; XML_NONE: the reader stopped. */
uint32_t bb_xml_name(struct bb_xml *x, uint32_t up, const void *local, const void *uri,
                     uint32_t kind);
/* xml_events.c: what the parser calls, with the reader as its context. */
extern const xmlSAXHandler bb_xml_events;

#endif

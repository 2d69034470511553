/*
 * xml_read.h - the state of one XML reader; not installed
 *
 * Invariants: open[0..depth) are the elements around the parser's place; while in_record and not
 * record_bad those from record_depth on have nodes; the queue is done[given..n_done).
 */
#ifndef BB_SDK_XML_READ_H
#define BB_SDK_XML_READ_H

#include "xml_tree.h"
#include <libxml/parser.h>

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

#endif

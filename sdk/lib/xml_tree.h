/*
 * xml_tree.h - one record while it is read: its nodes, its text, its names; not installed
 *
 * Nodes and names are indices into arrays, so that both may grow. Names outlive records: a name is
 * one path from the document's root (parent's name, local name, namespace), with its key and its
 * rules found once. Nodes and text are forgotten when their record ends.
 */
#ifndef BB_SDK_XML_TREE_H
#define BB_SDK_XML_TREE_H

#include "xml_map.h"

#define XML_NONE 0xffffffffu

enum { XML_ELEMENT, XML_ATTRIBUTE, XML_TEXT };
struct xml_name {
    const void *local, *uri; /* the parser's own, one for each text; uri NULL: none */
    uint32_t up;             /* the name around it, XML_NONE at the root */
    uint32_t kind;           /* XML_ELEMENT or XML_ATTRIBUTE */
    uint32_t flags;          /* of the mapping's rules; below a record only */
    uint32_t is_record, in_record;
    uint32_t depth;
    size_t key; /* where its key is in keys */
    uint32_t key_len;
    uint64_t owner;
    uint32_t last; /* grouping: the node that did it, and its latest child of this name */
};
struct xml_node {
    uint32_t kind, name;
    uint32_t first, last, next; /* children; next sibling */
    uint32_t same, chained;     /* the next sibling of its name; one before it has it as that */
    uint32_t line, column;
    size_t text; /* XML_ATTRIBUTE and XML_TEXT: where in text */
    size_t len;
};
struct xml_tree {
    struct xml_node *nodes;
    uint32_t n, cap, max;
    uint64_t seen; /* nodes of the records before this one */
    struct bb_buf text;
    struct xml_name *names;
    uint32_t n_names, names_cap;
    struct bb_buf keys;
};

static inline struct bb_bytes bb_xml_key(const struct xml_tree *t, uint32_t name)
{
    struct bb_bytes k = {t->keys.ptr + t->names[name].key, t->names[name].key_len};
    return k;
}
/* White space of XML alone. */
static inline int bb_xml_blank(const void *s, size_t len)
{
    const char *p = s;
    while (len && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) {
        p++;
        len--;
    }
    return len == 0;
}
/* Puts the record whose element is node 0 into b as a map of one key. 0, -1 with a text that says
 * line and column. */
int bb_xml_emit(struct xml_tree *t, struct bb_buf *b, struct bb_fault *err);

#endif

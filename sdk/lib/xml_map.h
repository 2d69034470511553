/*
 * xml_map.h - the compiled mapping that the XML reader and writer share; not installed
 *
 * A path is matched from its end towards the record's element, along a chain of names that the
 * caller walks: both sides do it once for each different path (reader) or element (writer).
 */
#ifndef BB_SDK_XML_MAP_H
#define BB_SDK_XML_MAP_H

#include "codec.h"
#include <busbar/xml.h>

#define XML_URI "http://www.w3.org/XML/1998/namespace"
#define XSI_URI "http://www.w3.org/2001/XMLSchema-instance"
#define XML_STEPS_MAX 64
#define XML_RULES_MAX 1024

/* What a rule says about its path. */
#define XML_ARRAY 1u
#define XML_ORDERED 2u
#define XML_MIXED 4u
#define XML_TYPES 0xf0u /* the type, in these bits */
#define XML_INTEGER 0x10u
#define XML_DECIMAL 0x20u
#define XML_BOOLEAN 0x30u
#define XML_DATE 0x40u

struct xml_path {
    char **steps; /* "*" is any element; attributes begin with "@" */
    uint32_t n;
    int deep; /* began with "//" */
};
struct xml_rule {
    struct xml_path path;
    uint32_t flags;
    char **order;
    uint32_t n_order;
};
struct xml_space {
    char *prefix, *uri;
    uint32_t known; /* xml, xsi: declared on a root only when used */
};
struct bb_xml_map {
    struct xml_path record;
    struct xml_space *spaces;
    uint32_t n_spaces;
    struct xml_rule *rules;
    uint32_t n_rules;
};

/* A chain of names from an element (or attribute) up to its record's element; key of the root's
 * parent is never asked for. */
struct xml_chain {
    const struct xml_chain *up; /* NULL: this is the record's element */
    struct bb_bytes key;
};
/* Does the path match the chain's end? */
int bb_xml_path_matches(const struct xml_path *p, const struct xml_chain *at);
/* All rules' flags together; *order (may be NULL) the rule that gives an order, or NULL. */
uint32_t bb_xml_rules(const struct bb_xml_map *m, const struct xml_chain *at,
                      const struct xml_rule **order);
/* The prefix for uri ("" too), or NULL. */
const char *bb_xml_prefix(const struct bb_xml_map *m, const char *uri);
/* The uri of a prefix, or NULL. */
const char *bb_xml_uri(const struct bb_xml_map *m, struct bb_bytes prefix);

/* xml_qname.c: a key taken apart. */
struct xml_qname {
    struct bb_bytes prefix, uri, local; /* prefix.ptr NULL: by uri; uri.ptr NULL: in none */
};
/* The key of an element, or of an attribute ("@" in front). 0, -1 when it is no name. */
int bb_xml_qname_read(const struct bb_xml_map *m, struct bb_bytes key, int attribute,
                      struct xml_qname *q, struct bb_fault *err);

#endif

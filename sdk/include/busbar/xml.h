/*
 * xml.h - XML to canonical msgpack and back, by a declared mapping, record by record
 *
 * The value of a record is a map of one key, the element's name, to the element's value:
 *   - an element without attributes and elements is its text: "12", and "" when it is empty;
 *   - any other is a map: "@name" for each attribute, "#text" for the text of an element without
 *     elements (absent when empty), and the name of each element in it, in the order of their first
 *     occurrence. Elements of one name become an array, at one occurrence only where `arrays` says
 *     so. White space between elements is dropped.
 *   - at a path of `ordered` it has "#content" instead, an array of maps of one key, in the order
 *     of the document; at a path of `mixed` the same with the text between, white space included.
 *     Text beside elements anywhere else is an error.
 * A name is "local", "p:local" where the mapping gives the prefix p for its namespace, or
 * "{uri}local" where it gives none: prefixes of the document do not matter. "xml" and "xsi" are
 * known. With a namespace given for the prefix "", a name in no namespace is "{}local". Qualified
 * names inside text or values stay as they are, so give such a namespace the document's prefix.
 * Text stays text: nothing is guessed. `types` makes it an integer, a decimal (every digit kept), a
 * boolean or a date (checked, stays text); empty text is nil there. Comments and processing
 * instructions are dropped.
 *
 * Refused, always: a DOCTYPE, so no entity can be declared, loaded or expanded; XInclude and
 * anything else that leaves the document does not exist here. Encodings: UTF-8, UTF-16, US-ASCII,
 * ISO-8859-1, ISO-8859-15, Windows-1252. Faults say line and column.
 *
 * The parser is libxml2's push interface: a program that uses these functions links libxml2
 * (pkg-config libxml-2.0), one that does not needs none. Thread: one reader, one thread; a mapping
 * may be shared once it is made. Memory: a record's text and 56 bytes a node, its value, and a tag;
 * at the very most (nothing but empty elements, new names all the way) some 20 times record_max and
 * 80 MiB for names.
 */
#ifndef BUSBAR_XML_H
#define BUSBAR_XML_H

#include <busbar/message.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bb_xml_map;
/* Compiles a mapping from a config value, a map with any of
 *   record: path of the elements that are records, from the document's root: /Doc/List/Item, a step
 *           may be "*"; absent or "": the root element is the one record
 *   namespaces: {prefix: uri}
 *   arrays, ordered, mixed: lists of paths; types: {path: integer | decimal | boolean | date}
 *   order: {path: [name, ...]} for the writer: these elements first, in this order
 * These paths begin at the record, as pointers into its value do: /Item/Line/@no, a step may be
 * "*"; "//Line" is any Line. An empty value is the mapping without rules.
 * NULL with err, whose text begins with the key that is wrong. */
struct bb_xml_map *bb_xml_map_new(struct bb_bytes config, struct bb_fault *err);
void bb_xml_map_free(struct bb_xml_map **m);

struct bb_xml_limits {       /* all zero: the values in brackets */
    size_t record_max;       /* text of a record and 8 bytes a node [16 MiB] */
    size_t tag_max;          /* bytes in one tag, comment or instruction [1 MiB, at most 8 MiB] */
    uint32_t depth_max;      /* elements around an element [128]; in a record BB_DEPTH_MAX rules */
    uint32_t attributes_max; /* of one element [256] */
    uint32_t paths_max;      /* different paths in a document [65536] */
    uint32_t name_max;       /* bytes in a name with its namespace [1024] */
};
struct bb_xml_record {
    struct bb_bytes value; /* valid until the next call */
    uint64_t number;       /* from 1, bad ones counted */
    uint64_t line, column; /* of the record's element */
};

struct bb_xml;
/* The mapping must live longer. NULL: no memory. */
struct bb_xml *bb_xml_new(const struct bb_xml_map *m, const struct bb_xml_limits *limits);
void bb_xml_free(struct bb_xml **x);
/* Takes bytes of chunk until a record is there; *used says how many. 1: a record; 0: all is used,
 * more is needed; -1: an error, and unless bb_xml_broken() the next call goes on with the record
 * after: *r then says which one was bad. err->offset counts bytes of the document as UTF-8. */
int bb_xml_read(struct bb_xml *x, struct bb_bytes chunk, size_t *used, struct bb_xml_record *r,
                struct bb_fault *err);
/* There is no more input: call it until it gives 0. 1 a record, 0 the end, -1 as above. */
int bb_xml_end(struct bb_xml *x, struct bb_xml_record *r, struct bb_fault *err);
/* The last error said leaves no way to go on. */
int bb_xml_broken(const struct bb_xml *x);

/* Appends a record's value (a map of one key) as a document without declaration, UTF-8. The
 * mapping's namespaces are declared on its root. -1 with err and b as it was: a key that is no
 * name, a prefix without namespace, a character that XML has not, text beside elements, an array in
 * an array. Reading it again gives the same value, but: an array of one at a path that is not
 * declared becomes its element, an empty array nothing, a map without entries "", a number or
 * boolean at a path without type its text, and keys stand in the order that `order` gave them. */
int bb_xml_write(const struct bb_xml_map *m, struct bb_bytes value, struct bb_buf *b,
                 struct bb_fault *err);

#ifdef __cplusplus
}
#endif
#endif

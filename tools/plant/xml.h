/*
 * xml.h - XML bodies for the plant's systems, by libxml2: no DTDs, no entities, no network
 *
 * Names are local names; a namespace is not looked at (a lenient system). Free the document with
 * xmlFreeDoc(); texts live as long as the plant_mem.
 */
#ifndef PLANT_XML_H
#define PLANT_XML_H

#include <libxml/tree.h>

#include "tools/plant/mem.h"

/* NULL: not XML, or with a DTD; *why says where. */
xmlDoc *plant_xml_read(struct plant_mem *m, struct plant_text body, const char **why);
/* The first child element of that name after `after` (NULL: from the start); name NULL: any. */
xmlNode *plant_xml_child(const xmlNode *parent, const char *name, const xmlNode *after);
/* Down a path of names, "A/B/C": the element, NULL when it is not there; "" is the node itself. */
xmlNode *plant_xml_at(xmlNode *node, const char *path);
/* Its text without blanks around it; "" when it is not there. */
char *plant_xml_text(struct plant_mem *m, xmlNode *node, const char *path);
char *plant_xml_attribute(struct plant_mem *m, const xmlNode *node, const char *name); /* or "" */

#endif

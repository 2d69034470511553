/*
 * mes.h - what the files of the plant's MES share
 *
 * It speaks B2MML 7 (ISA-95) over HTTP: transactions by POST /b2mml, each answered by a ConfirmBOD; what it
 * knows and what happened by GET. Documents are read by libxml2 into a tree, looked at by local names.
 */
#ifndef PLANT_MES_H
#define PLANT_MES_H

#include <libxml/tree.h>

#include "tools/plant/kit.h"

#define MES_NS "http://www.mesa.org/xml/B2MML"

struct mes_call { /* a transaction on its way */
    struct plant_call *c;
    xmlNode *root; /* SyncOperationsMaterialBill, ... */
    const char *verb, *noun, *bod;
    const char *correlation; /* what the schedule is called; performances quote it */
    char skipped[96];        /* told in the confirmation */
};

/* The node at a path of local names below n, "DataArea/Sync"; NULL: not there. */
xmlNode *mes_node(xmlNode *n, const char *path);
xmlNode *mes_next(xmlNode *n); /* the next sibling of the same name */
/* Its text without blanks around; "" when it is not there. */
const char *mes_text(struct mes_call *m, xmlNode *n, const char *path);
/* Refuses: 422 and a ConfirmBOD with that code. Always false. */
bool mes_refuse(struct mes_call *m, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void mes_confirm(struct plant_call *c, int status, const char *bod, const char *state, const char *code,
                 const char *text);
/* UN/ECE codes outside, the floor's own inside. */
const char *mes_unit_in(const char *code);
const char *mes_unit_out(const char *unit);
bool mes_own_plant(struct mes_call *m, const char *plant);
bool mes_material(struct mes_call *m, const char *item, const char *plant); /* known and active there? */

/* mes_bill.c, mes_order.c: false when they have refused */
bool mes_bill_take(struct mes_call *m, xmlNode *noun);
bool mes_definition_take(struct mes_call *m, xmlNode *noun);
bool mes_schedule_take(struct mes_call *m, xmlNode *noun);
/* mes_show.c */
void mes_show_take(struct plant_call *c);
void mes_scope_put(struct plant_buf *b, const char *plant);
void mes_quantity_put(struct plant_buf *b, const char *quantity, const char *unit);
/* mes_floor.c */
extern const struct plant_action mes_actions[];

#endif

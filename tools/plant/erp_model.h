/*
 * erp_model.h - the ERP's services, and what its rules share
 */
#ifndef PLANT_ERP_MODEL_H
#define PLANT_ERP_MODEL_H

#include "tools/plant/odata.h"

extern struct odata_service plant_erp_services[];

/* Rules of the sets (erp_bom.c, erp_post.c, erp_order.c) and their function imports. */
bool erp_product_rule(struct odata_op *op), erp_product_part_rule(struct odata_op *op);
bool erp_bom_rule(struct odata_op *op);
bool erp_bom_item_rule(struct odata_op *op);
bool erp_change_rule(struct odata_op *op);
bool erp_document_rule(struct odata_op *op);
bool erp_document_item_rule(struct odata_op *op);
bool erp_order_rule(struct odata_op *op);
bool erp_purchase_rule(struct odata_op *op);
bool erp_purchase_item_rule(struct odata_op *op);
extern const struct odata_function erp_bom_functions[], erp_change_functions[], erp_document_functions[],
    erp_order_functions[];

/* Is somebody else at this object? Then it has failed, with M3/024 or BOM206. */
bool erp_locked(struct odata_ctx *x, const char *object, const char *code);
/* The product is there, active and known in the plant; else it has failed. */
bool erp_product_fits(struct odata_ctx *x, const char *item, const char *plant, const char *target);
/* A quantity in a unit of the item, in its base unit; false: failed, there is no conversion. */
bool erp_to_base(struct odata_ctx *x, const char *item, const char *unit, int64_t milli, int64_t *out);
char *erp_base_unit(struct odata_ctx *x, const char *item); /* NULL: no such item */
void erp_put_default(struct odata_row *r, const char *prop, const char *value); /* unless it has one */

/* Of BOMs: the keys as JSON, an item's header, a new node number. */
char *erp_bom_keys(struct odata_ctx *x, const struct odata_row *r);
struct odata_row *erp_bom_header(struct odata_ctx *x, const struct odata_row *item);
char *erp_bom_node(struct odata_ctx *x, const struct odata_row *item);
/* Nobody is at it, and the change number ("": none) is open, or not needed; else it has failed. */
bool erp_bom_may_change(struct odata_ctx *x, const struct odata_row *header, const char *change);
bool erp_bom_item_fits(struct odata_op *op);
void erp_bom_touched(struct odata_ctx *x, const struct odata_row *item, const char *kind, const char *change);
char *erp_keys(struct odata_ctx *x, int n, ...); /* n names with values, as a JSON object */
/* An event that carries keys only. */
void erp_event(struct odata_ctx *x, const char *object, const char *what, const char *keys);
bool erp_order_may_move(struct odata_ctx *x, const char *order, const char *type, const char *item, int64_t milli);
bool erp_purchase_receive(struct odata_ctx *x, const char *po, const char *line, int64_t milli);

void erp_idoc_take(struct plant_call *c); /* /sap/bc/idoc_xml */
/* Its MATMAS as an event, where option idoc_out says so. */
void erp_idoc_item(struct odata_ctx *x, const struct odata_row *r);
void erp_release_orders(struct plant_call *c); /* an action */

#endif

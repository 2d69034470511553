/*
 * kind.c - the model's kinds of movements and the business steps of EPCIS's vocabulary (CBV 2.0)
 *
 * The step alone does not say what a movement was (receiving may be from a supplier or not), so the kind goes along
 * as an extension, wms:kind, and only an event that has it is anything but an observation.
 */
#include "wms.h"

static const struct {
    const char *kind, *step;
} kinds[] = {
    {"purchase-receipt", "receiving"},
    {"production-receipt", "commissioning"},
    {"by-product-receipt", "commissioning"},
    {"other-receipt", "receiving"},
    {"initial-entry", "commissioning"},
    {"issue-to-order", "picking"},
    {"issue-to-cost-center", "picking"},
    {"issue-to-project", "picking"},
    {"issue-to-customer", "shipping"},
    {"other-issue", "picking"},
    {"scrap", "destroying"},
    {"vendor-return", "returning"},
    {"order-return", "receiving"},
    {"customer-return", "receiving"},
    {"transfer-plant", "shipping"},
    {"transfer-location", "storing"},
    {"transfer-bin", "storing"},
    {"stock-type-change", "inspecting"},
    {"count-adjustment", "cycle_counting"},
    {"correction", "cycle_counting"},
    {"observation", "inspecting"},
};

const char *kind_step(struct bb_bytes kind)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (bb_str_is(kind, kinds[k].kind))
            return kinds[k].step;
    return NULL;
}

int kind_known(struct bb_bytes kind)
{
    return kind_step(kind) != NULL;
}

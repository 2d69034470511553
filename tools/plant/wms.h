/*
 * wms.h - what the files of the plant's WMS share
 *
 * The WMS runs storage location 0001 of each plant: what lies in its bins. Everything that happens is an
 * EPCIS event, kept as JSON (EPCIS 2.0, 5.2): what comes in by capture, a flat file or one of its own actions goes
 * through wms_event_take(), which changes the stock and keeps the event; XML is turned into that JSON at the door.
 *
 * Thread: the system's own. Memory: the call's.
 */
#ifndef PLANT_WMS_H
#define PLANT_WMS_H

#include "tools/plant/json.h"
#include "tools/plant/kit.h"

#define WMS_LOCATION "0001"
#define WMS_ITEM "urn:plant:item:"      /* item[:lot] */
#define WMS_PLACE "urn:plant:loc:"      /* plant[:location[:bin]] */
#define WMS_DOCUMENT "urn:plant:doc:"   /* number[:line] */

struct wms_place {
    const char *plant, *location, *bin; /* "" when not said */
};
struct wms_move { /* what an event means for the stock */
    const char *item, *lot, *quantity, *uom, *type, *type_to;
    struct wms_place from, to;
    bool has_from, has_to;
};
struct wms_refusal {
    const char *code, *text; /* code NULL: nothing is refused */
};

/* Applies one event and keeps it. false: refused, nothing was changed. */
bool wms_event_take(struct plant_call *c, struct plant_text event, struct wms_refusal *why);
/* A member of an event, decoded; "" when it is not there. */
const char *wms_at(struct plant_call *c, struct plant_text event, const char *pointer);
/* Changes the stock by all quantities of an event. */
bool wms_stock_apply(struct plant_call *c, struct plant_text event, struct wms_refusal *why);
bool wms_refuse(struct plant_call *c, struct wms_refusal *why, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
const char *wms_unit_out(const char *unit); /* PC to H87, as EPCIS wants */

void wms_epcis_take(struct plant_call *c); /* /epcis/v2/... */
void wms_stock_show(struct plant_call *c); /* GET /stock/... */
/* wms_xml.c: an EPCIS document as its events in JSON, one a line; NULL: it is none, *why says why. */
const char *wms_xml_events(struct plant_call *c, const char **why);
void wms_xml_put(struct plant_call *c, struct plant_buf *b, struct plant_text event); /* one event as XML */
/* wms_drop.c: actions take-files (what lies in DIR/wms-in) and give-files (into DIR/wms-out) */
void wms_drop_take(struct plant_call *c);
void wms_drop_give(struct plant_call *c);
extern const struct plant_action wms_actions[];

#endif

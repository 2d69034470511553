/*
 * portal.h - what the files of the plant's supplier portal share
 *
 * The portal stands between the plants and their suppliers. In: forecasts, change notices and functional
 * acknowledgements, each for one partner (a supplier), as JSON in the model's shape or as X12. Out: ship notices,
 * commitments and quality events, in a feed (GET /v1/messages) and, those in JSON, as CloudEvents to who subscribed.
 * A post is known by its Idempotency-Key: the same key and body give the first answer again and change nothing.
 *
 * Thread: the system's own. Memory: the call's.
 */
#ifndef PLANT_PORTAL_H
#define PLANT_PORTAL_H

#include "tools/plant/json.h"
#include "tools/plant/kit.h"

#define PORTAL_X12 "application/edi-x12"

struct portal_refusal {
    const char *code, *text; /* code NULL: nothing is refused */
};
bool portal_refuse(struct plant_call *c, struct portal_refusal *why, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* application/problem+json with the portal's code. */
void portal_problem(struct plant_call *c, int status, const char *code, const char *text);

struct portal_need { /* what a forecast says for one item and day */
    const char *item, *day, *quantity, *firmness;
};
/* One forecast taken: id, then each need. false: refused. */
bool portal_forecast_begin(struct plant_call *c, const char *partner, const char *id, struct portal_refusal *why);
bool portal_need_take(struct plant_call *c, const char *partner, const char *id, const struct portal_need *n,
                      struct portal_refusal *why);

/* ---- portal_take.c ------------------------------------------------------------------------------------------ */
void portal_post_take(struct plant_call *c); /* POST /v1/partners/P/KIND */
void portal_submission_show(struct plant_call *c); /* GET /v1/submissions/KEY */
void portal_messages_show(struct plant_call *c); /* GET /v1/messages?after=N&limit=N */
/* ---- portal_sign.c: Standard Webhooks and the partners' limits ------------------------------------------------ */
bool portal_signed(struct plant_call *c, struct portal_refusal *why);
bool portal_rate_left(struct plant_call *c, const char *partner);
/* ---- portal_x12.c ------------------------------------------------------------------------------------------- */
struct portal_x12 { /* of an interchange read: what its 997 has to say */
    char *group, *control, *set, *set_control, *sender, *receiver;
    const char *id;   /* the forecast's */
    const char *code; /* AK501 beside R: the set is refused */
};
bool portal_x12_forecast(struct plant_call *c, const char *partner, struct portal_x12 *x, struct portal_refusal *why);
bool portal_x12_acknowledgement(struct plant_call *c, const char *partner, struct portal_refusal *why);
void portal_x12_997(struct plant_call *c, const char *partner, const struct portal_x12 *x, struct plant_buf *out);

struct portal_shipment { /* one order line on its way */
    const char *partner, *id, *po, *line, *plant, *item, *supplier_item, *quantity, *ordered, *unit, *lot, *sscc;
};
struct portal_answer { /* of a supplier to one order line */
    const char *partner, *id, *po, *line, *item, *supplier_item, *asked, *quantity, *unit, *due, *code;
};
void portal_x12_856(struct plant_call *c, const struct portal_shipment *s, struct plant_buf *out);
void portal_x12_855(struct plant_call *c, const struct portal_answer *a, struct plant_buf *out);

/* ---- portal_act.c ------------------------------------------------------------------------------------------- */
/* Into the feed; JSON also goes to who subscribed, as a CloudEvent of that type. */
void portal_say(struct plant_call *c, const char *partner, const char *kind, const char *type, const char *media,
                const char *body);
const char *portal_unit(const char *unit, bool x12); /* PC, KG, M, L: the model's codes or X12's */
extern const struct plant_action portal_actions[];

#endif

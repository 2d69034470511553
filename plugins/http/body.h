/*
 * body.h - a message as the body and headers of a request
 */
#ifndef BB_PLUGIN_HTTP_BODY_H
#define BB_PLUGIN_HTTP_BODY_H

#include <busbar/http.h>
#include <busbar/json.h>

enum body_form { BODY_EVENT, BODY_DATA, BODY_BINARY };
enum batch_form { BATCH_ARRAY, BATCH_LINES, BATCH_EVENTS };

/* Appends one message's body (BODY_BINARY: its data). 0, -1 with err. */
int body_put(struct bb_http_call *call, enum body_form form, const struct bb_msg_view *v,
             struct bb_error *err);
/* Content-Type (type, if not NULL, is the admin's) and for BODY_BINARY the ce- headers. */
int body_headers(struct bb_http_call *call, enum body_form form, const char *type,
                 const struct bb_msg_view *v, struct bb_error *err);
/* One member of a gathered body; an event carries its key as "idempotencykey". 0, -1. */
int body_member(struct bb_http_call *call, enum batch_form batch, enum body_form form,
                const struct bb_msg_view *v, size_t nth, struct bb_error *err);
void body_end(struct bb_http_call *call, enum batch_form batch);
const char *body_batch_type(enum batch_form batch, enum body_form form);

#endif

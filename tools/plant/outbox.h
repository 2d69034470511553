/*
 * outbox.h - sends the systems' events to who subscribed, in order, until they are taken
 *
 * One thread for all systems. It only reads their databases; how far each subscriber has come is in
 * DIR/outbox.db, so that a plant that was killed goes on there and at most one event is sent again.
 * Requests carry Standard Webhooks headers (webhook-id, webhook-timestamp and, when the subscription has
 * a secret, webhook-signature) and the correlation id of the call that raised the event.
 */
#ifndef PLANT_OUTBOX_H
#define PLANT_OUTBOX_H

#include "tools/plant/kit.h"

/* Sends until *stop is not zero. */
void plant_outbox_run(const struct plant_system *systems, size_t n, const char *dir, const atomic_int *stop);

#endif

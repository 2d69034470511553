/*
 * hub_rig.h - a hub on a real journal, and hosts that the test plays itself
 *
 * Two endpoints, "src" and "dst", both as processes would be (over ipc), and a route from the one to
 * the other. hub_rig.c defines bb_child_*: the hub "starts" hosts that do nothing; the test connects
 * their DEALERs, says what it likes, and looks at what the hub does.
 */
#ifndef HUB_RIG_H
#define HUB_RIG_H

#include "core/hub/internal.h"

#define RIG_ENDPOINTS 2
#define RIG_HOSTS 3 /* also src/query, where src is asked */
struct rig {
    struct bb_config config;
    struct bb_endpoint_config eps[RIG_ENDPOINTS];
    struct bb_route_config route;
    struct bb_gen_endpoint gen_eps[RIG_ENDPOINTS];
    struct bb_generation gen;
    struct bb_gen_query query; /* dst asks src for "item", once rig_asks() has been called */
    bool impure;
    bool splits;       /* the route does */
    bool emits;        /* a message follows each of its deliveries */
    uint64_t map_size; /* of the journal; 0: plenty */
    struct bb_journal *journal;
    struct bb_hub *hub;
    void *zmq; /* the test's own context */
    char dir[300], run[300], log[320];
};
struct rig_host { /* an instance, played by the test */
    struct rig *rig;
    void *sock;
    uint64_t session;
};

/* What the configuration holds may be changed between the two. */
void rig_configure(struct rig *r);
/* dst may ask src for "item": the hub starts a host src/query. */
void rig_asks(struct rig *r);
/* Opens the journal and starts the hub; the core's stderr goes to r->log. */
void rig_start(struct rig *r);
/* The hub alone, on the open journal: 0, or -1 with err filled. */
int rig_hub(struct rig *r, struct bb_fault *err);
void rig_stop(struct rig *r);
/* How many lines of the log hold the text. */
unsigned rig_logged(const struct rig *r, const char *text);
/* Waits until the log holds the text, 10 seconds at most. */
void rig_wait_log(const struct rig *r, const char *text);
/* STATUS as JSON, to be freed. */
char *rig_status(struct rig *r);
/* Waits until STATUS holds the text, 10 seconds at most. */
void rig_wait_status(struct rig *r, const char *text);

/* Connects as "endpoint/0" with the secret of the host that the hub started last. */
struct rig_host rig_connect(struct rig *r, const char *endpoint);
void rig_hello(struct rig_host *h, const char *endpoint, const uint8_t *secret);
/* HELLO, WELCOME, READY. */
struct rig_host rig_up(struct rig *r, const char *endpoint);
void rig_send(struct rig_host *h, struct bb_buf *b); /* and empties it */
/* The next frame of this kind, others are left out; fails after 10 seconds. The message is the
 * caller's to close. */
void rig_receive(struct rig_host *h, uint32_t kind, zmq_msg_t *m, struct bb_frame *f);
void rig_close(struct rig_host *h);
/* A message of that id and item, of about `size` bytes. */
struct bb_buf rig_message(const char *id, const char *item, size_t size);
/* How often hosts of the endpoint were killed by the hub. */
unsigned rig_kills(const char *endpoint);
const uint8_t *rig_secret(const char *endpoint);

#endif

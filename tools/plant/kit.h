/*
 * kit.h - what every system of the simulated plant is made of: a description, a port, a database
 *
 * A system is one `struct plant_kind` in kinds[] (plant.c): its tables as SQL, its seed as SQL that
 * copies from the factory's database (attached as "factory"), its routes, and the views `audit` and
 * `audit_scope` that `plant audit` compares. One thread serves a system and is the only writer of
 * its database. A call runs inside a savepoint: an answer of 400 or more takes back what it wrote.
 * The commit comes once a turn, before the answers leave. Faults are met before or after the rules
 * (spoil.c), so that a system's own code knows nothing of them.
 */
#ifndef PLANT_KIT_H
#define PLANT_KIT_H

#include "tools/plant/db.h"
#include "tools/plant/spoil.h"

struct plant_system;

struct plant_call { /* one request; valid until its handler returns */
    struct plant_system *sys;
    sqlite3 *db;
    struct plant_mem mem;
    const struct plant_request *rq;
    const char *method, *path, *query; /* the path without its query, both still encoded */
    const char *key;                   /* Idempotency-Key, or "" */
    const char *correlation;           /* X-Correlation-ID, or "" */
    int status;                        /* the answer; 0: the handler gave none */
    const char *type;
    struct plant_buf head, body; /* head: further header lines, each with its CRLF */
};

struct plant_route {
    const char *method; /* "*": any */
    const char *prefix; /* of the path */
    void (*take)(struct plant_call *c);
    bool open; /* without credentials */
};

/* Something that happens in the system by its own people: POST /control/do/NAME, JSON in and out. What
 * `plant scenario` and `plant load` are made of. */
struct plant_action {
    const char *name;
    void (*take)(struct plant_call *c);
    unsigned weight; /* how often `plant load` chooses it; 0: never */
};

struct plant_kind {
    const char *name;
    const char *schema; /* run at each start: CREATE ... IF NOT EXISTS */
    void (*make)(sqlite3 *db); /* further tables, from descriptions; may be NULL */
    const char *seed;   /* run once, with the factory attached as "factory" */
    const struct plant_route *routes; /* the first that fits; ends with an empty one */
    /* Answers a call in the system's own words when a lock or an old ETag is to be shown, and when
     * credentials are wrong (what: "lock", "etag", "auth"). NULL: the kit's plain answers. */
    void (*refuse)(struct plant_call *c, const char *what);
    const struct plant_action *actions; /* ends with an empty one; may be NULL */
    const char *event_source; /* of its CloudEvents; NULL: its events go as they are */
};

struct plant_system {
    const struct plant_kind *kind;
    sqlite3 *db;
    struct plant_server *server;
    struct plant_spoils spoils;
    const char *dir;
    uint64_t calls;
    int64_t second; /* of option rate: this one, */
    int64_t taken;  /* and the calls in it */
};

/* Opens DIR/NAME.db, makes and seeds it when it is new. */
void plant_system_open(struct plant_system *s, const struct plant_kind *k, const char *dir);
void plant_system_handle(void *arg, struct plant_conn *conn, const struct plant_request *rq);
void plant_system_sync(void *arg);
/* Handles a request without faults and without a connection: the answer is in c, to be freed with
 * plant_mem_free(&c->mem). For the fuzzer. */
void plant_system_call(struct plant_system *s, const struct plant_request *rq, struct plant_call *c);
void plant_system_close(struct plant_system *s);

/* ---- for a system's code ------------------------------------------------------------------- */

const char *plant_call_header(struct plant_call *c, const char *name); /* "" when absent */
char *plant_call_query(struct plant_call *c, const char *name);         /* decoded, or NULL */
/* Sets the answer; the body's text is copied. */
void plant_call_answer(struct plant_call *c, int status, const char *type, const char *body);
/* The value at a pointer in the JSON body, decoded (a number as it stands); NULL: not there or null. */
char *plant_call_json(struct plant_call *c, const char *pointer);
char *plant_json_text(struct plant_mem *m, struct plant_text value); /* decoded; null: NULL */
/* Notes an effect under the call's key (or ref, when the call has none). The same kind and key again
 * is a double. */
void plant_effect(struct plant_call *c, const char *kind, const char *object, const char *ref);
/* A setting that PUT /control/options changes. */
char *plant_option(struct plant_call *c, const char *name, const char *otherwise);
int64_t plant_option_int(struct plant_call *c, const char *name, int64_t otherwise);
/* The next number of a range, as text of that width: plant_number(c, "document", 5000000000, 10). */
char *plant_number(struct plant_call *c, const char *range, int64_t first, int width);
char *plant_now(struct plant_call *c);   /* 2026-11-28T20:15:00Z, moved by option clock_offset */
char *plant_today(struct plant_call *c); /* its date */
/* A message to whoever subscribed at this system (PUT /control/subscriptions), sent by outbox.c after the
 * commit, again until it is taken; media: its content type. A JSON event of a kind with an event_source
 * goes as a CloudEvent. */
void plant_event(struct plant_call *c, const char *type, const char *media, const char *body);
/* POST /oauth2/token: client credentials, HTTP basic or in the body. */
void plant_token_take(struct plant_call *c);
bool plant_call_allowed(struct plant_call *c);

void plant_control_take(struct plant_call *c); /* /control/... */

#endif

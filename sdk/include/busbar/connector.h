/*
 * connector.h - binary contract between the core and a connector (ABI 0, until it freezes as 1)
 *
 * Threads  [ctl]  calls on one instance never overlap; they come from the instance's own thread
 *          [any]  may be called on any thread at any time between create() and destroy()
 * Memory   arguments are borrowed until the call returns; msg_ref() keeps a message longer;
 *          neither side frees what the other allocated
 * Growth   structs carry their size and grow at the end only: test a member with BB_HAS();
 *          a new meaning gets a new id ("busbar.query/2"), never a changed field
 * Process  nothing here assumes a shared address space: the same .so runs in a thread of the
 *          core or in a `busbar host` process. No enum, bool, long, time_t or varargs.
 * C++      no exception may cross the contract
 */
#ifndef BUSBAR_CONNECTOR_H
#define BUSBAR_CONNECTOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BB_ABI 0u
#define BB_EXPORT __attribute__((visibility("default")))

/* True if the struct that p points to is large enough to hold member f and f is set. */
#define BB_HAS(p, f)                                                                               \
    ((p)->size >= offsetof(__typeof__(*(p)), f) + sizeof((p)->f) && (p)->f)

/* What a call came to. An int32_t, not an enum: an enum's width can vary.
 * RETRY, DOWN and CANCEL assert "surely not applied"; in doubt it is UNKNOWN. */
typedef int32_t bb_status;
#define BB_OK 0
#define BB_PENDING 1         /* the answer comes later, through done(), acked() or stopped() */
#define BB_NOT_APPLIED 2     /* a probe's answer: surely not applied */
#define BB_E_RETRY (-1)      /* transient: the route's policy retries */
#define BB_E_REJECT (-2)     /* refused for good: the message goes to the route's on_failure */
#define BB_E_DOWN (-3)       /* peer gone: the endpoint pauses */
#define BB_E_CONFIG (-4)     /* an operator must act: the endpoint is not restarted */
#define BB_E_UNSUP (-5)      /* not offered */
#define BB_E_BUSY (-6)       /* no room: wait for resume() */
#define BB_E_CANCEL (-7)     /* given up before it was sent */
#define BB_E_BUG (-8)        /* the caller broke the contract */
#define BB_E_UNKNOWN (-9)    /* sent, answer lost: probe before any retry */

typedef uint64_t bb_token;      /* slot + generation, never a pointer */
typedef struct bb_host bb_host; /* the host's side of one instance */
typedef struct bb_inst bb_inst; /* the plugin's side; each plugin defines it */
typedef struct bb_msg bb_msg;   /* immutable, counted by the host */

struct bb_bytes {
    const void *ptr;
    size_t len; /* bytes */
};

struct bb_error { /* caller's buffer, callee fills it */
    uint32_t size;
    uint32_t retry_after_ms; /* 0: the route's policy decides */
    char vendor_code[32];    /* the system's own code, "M7/021", or "" */
    char text[240];          /* UTF-8, NUL-terminated, no secrets */
};

struct bb_msg_view { /* what a sink reads; all of it lives as long as the message */
    uint32_t size;
    uint32_t attempt;          /* 1 on the first delivery */
    uint32_t flags;            /* BB_MSG_* */
    uint32_t budget_ms;        /* time left for the answer, 0: none */
    struct bb_bytes whole;     /* canonical [attributes, data] */
    struct bb_bytes data;      /* the data part of whole */
    struct bb_bytes type;      /* "mfg.bom.released" */
    struct bb_bytes key;       /* idempotency key, stable over retries */
    struct bb_bytes short_key; /* the same in 16 characters of [0-9A-V] */
};
#define BB_MSG_REDELIVERY 1u /* may have been sent before */

struct bb_state { /* a source's cursor: compare and set, committed with its messages */
    uint32_t size;
    uint32_t reserved;
    uint64_t expected_version; /* 0: none stored yet */
    struct bb_bytes value;     /* at most 64 KiB, the plugin's own format */
};

struct bb_receipt { /* what became of one submit() */
    uint32_t size;
    uint32_t duplicates;    /* of its messages, how many were held already (claims) */
    uint64_t first;         /* journal sequence number of the first message, 0 if none */
    uint64_t last;          /* of the last; duplicates keep the number they have */
    uint64_t state_version; /* version of the state after this submit */
    struct bb_bytes error;  /* text when the status is not OK, else empty */
};

/* Host services. A plugin links to nothing of the core. Lives until destroy() returns. */
struct bb_host_api {
    uint32_t size;
    uint32_t abi; /* BB_ABI of the host */

    /* A host's extension by id ("busbar.instance/1"), or NULL. [any] */
    const void *(*extension)(bb_host *h, const char *id);

    /* level: BB_LOG_*; text is UTF-8, no secrets; attrs: a msgpack map or NULL. [any] */
    void (*log)(bb_host *h, uint32_t level, const char *text, size_t len,
                const struct bb_bytes *attrs);

    /* kind: BB_METRIC_*. Returns an id for metric_add(), 0 if refused (bad name, too many). [ctl] */
    uint32_t (*metric)(bb_host *h, uint32_t kind, const char *name);
    void (*metric_add)(bb_host *h, uint32_t id, double v); /* [any] */

    /* Fills out up to out->size, which the caller sets. [any] */
    void (*msg_view)(const bb_msg *m, struct bb_msg_view *out);
    const bb_msg *(*msg_ref)(const bb_msg *m); /* [any] */
    void (*msg_unref)(const bb_msg *m);        /* [any] */

    /* Ends a pending deliver(), query() or probe(), exactly once; a late or second call is
     * counted and ignored. reply: canonical data or NULL (a document number, warnings, a
     * query's answer). err: NULL with OK. [any] */
    void (*done)(bb_host *h, bb_token t, bb_status s, const struct bb_bytes *reply,
                 const struct bb_error *err);

    /* Hands in n whole messages and, if not NULL, the source's new state as one atomic
     * operation; the host copies. PENDING: acked(cookie) follows once it is durable.
     * REJECT: a message is not canonical, nothing was taken. BUSY: no room; every submit is
     * BUSY until resume(), so order holds. [any] */
    bb_status (*submit)(bb_host *h, const struct bb_bytes *messages, size_t n,
                        const struct bb_state *state, uint64_t cookie, struct bb_error *err);

    /* Copies the state last committed into buf (at most cap) and sets *len to its whole length
     * and *version (0: none stored). BUSY when cap is too small. [ctl] */
    bb_status (*state)(bb_host *h, void *buf, size_t cap, size_t *len, uint64_t *version);

    /* Nonzero once t is cancelled or past its deadline, or the endpoint stops: a blocking call
     * polls it. t may be 0. [any] */
    int32_t (*cancelled)(bb_host *h, bb_token t);

    void (*stopped)(bb_host *h); /* ends a pending stop() [any] */

    /* The value behind a secret's handle found in the config, NUL-terminated in buf.
     * BUSY when cap is too small (*len is set), UNSUP when there is no such handle. [any] */
    bb_status (*secret)(bb_host *h, const char *handle, char *buf, size_t cap, size_t *len);
};
#define BB_LOG_ERROR 1u
#define BB_LOG_WARN 2u
#define BB_LOG_INFO 3u
#define BB_LOG_DEBUG 4u
#define BB_METRIC_COUNTER 1u
#define BB_METRIC_GAUGE 2u

#define BB_EXT_INSTANCE "busbar.instance/1" /* host's extension: which instance this is */
struct bb_instance {
    uint32_t size;
    uint32_t roles;    /* BB_ROLE_*: what the routes use this instance for */
    uint32_t worker;   /* 0 .. workers-1 */
    uint32_t workers;  /* instances of this endpoint in this host */
    char endpoint[64]; /* the name in conf.d */
};
struct bb_ext_instance {
    uint32_t size;
    uint32_t reserved;
    /* Writes the endpoint's name, its place among the workers and its roles. [any] */
    void (*describe)(bb_host *h, struct bb_instance *out);
};
#define BB_EXT_REFUSAL "busbar.refusal/1" /* host's extension: all that is wrong with what was refused */
struct bb_ext_refusal {
    uint32_t size;
    uint32_t reserved;
    /* After a submit() of the calling thread that returned REJECT: {"errors": [{"message": 2, "pointer":
     * "/data/qty", "code": "condition", "text": "..."}, ...], "more": 0}, msgpack, at most 64 KiB;
     * message counts from 0 in what was submitted, more says how many had no room. *len is set to its
     * length. BUSY when cap is too small; UNSUP when there is no such list: then err of submit() is all
     * there is to say. [any] */
    bb_status (*last)(bb_host *h, void *buf, size_t cap, size_t *len);
};
#define BB_ROLE_SOURCE 1u /* only ever set on one instance of an endpoint */
#define BB_ROLE_SINK 2u
#define BB_ROLE_QUERY 4u  /* asked by other endpoints: it gets query() calls and nothing else */

/* A connector. Members after destroy may be NULL. */
struct bb_connector {
    uint32_t size;
    uint32_t flags; /* 0 */
    const char *id; /* equals the manifest's id */

    /* config: a msgpack map that the host has checked and defaulted against the manifest's
     * schema; secrets are handles. Must not connect. [ctl] */
    bb_status (*create)(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *config,
                        bb_inst **out, struct bb_error *err);
    /* OK with the peer down too: that is the breaker's matter. [ctl] */
    bb_status (*start)(bb_inst *i, struct bb_error *err);
    /* No new work follows. PENDING, then host->stopped(). budget_ms: time left. [ctl] */
    bb_status (*stop)(bb_inst *i, uint32_t budget_ms);
    /* Only when stopped; joins every thread of the plugin's. [ctl] */
    void (*destroy)(bb_inst *i);

    /* Final status, or PENDING and host->done(t) now or later. Blocks only if the manifest says
     * threading "blocking". Must NOT return RETRY, DOWN or CANCEL when the message may have been
     * applied: then it is UNKNOWN. [ctl] */
    bb_status (*deliver)(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);
    void (*cancel)(bb_inst *i, bb_token t); /* done() is still due [ctl] */
    /* The answer to submit(cookie): OK, or why not. BUSY: the journal is closed for intake.
     * REJECT: refused (no route, conflict, not accepted). RETRY: not stored, try again. [ctl] */
    void (*acked)(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r);
    void (*resume)(bb_inst *i);                            /* there is room again [ctl] */
    const void *(*extension)(bb_inst *i, const char *id); /* pure, NULL if unknown [any] */
};

#define BB_EXT_QUERY "busbar.query/1" /* request and reply */
struct bb_ext_query {
    uint32_t size;
    uint32_t reserved;
    bb_status (*query)(bb_inst *i, const char *op, const bb_msg *req, bb_token t,
                       struct bb_error *err); /* [ctl] */
};

#define BB_EXT_HEALTH "busbar.health/1" /* cheap: opens no connection */
struct bb_ext_health {
    uint32_t size;
    uint32_t reserved;
    bb_status (*health)(bb_inst *i, struct bb_error *why); /* [ctl] */
};

#define BB_EXT_PROBE "busbar.probe/1" /* was this key applied? */
struct bb_ext_probe {
    uint32_t size;
    uint32_t reserved;
    /* Final status or done(): OK applied (reply as deliver would give), NOT_APPLIED, or
     * RETRY: cannot tell yet. [ctl] */
    bb_status (*probe)(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);
};

#define BB_EXT_BATCH "busbar.batch/1" /* several deliveries in one call */
struct bb_ext_batch {
    uint32_t size;
    uint32_t reserved;
    /* Each token ends on its own through done(), before or after the return. With
     * "ordered-batch" in the manifest members may share a lane: it stops at the first failure
     * and ends the rest with CANCEL. Returns PENDING, or a failure that ends every token not
     * yet ended. [ctl] */
    bb_status (*deliver)(bb_inst *i, const bb_msg *const *m, const bb_token *t, size_t n,
                         struct bb_error *err);
};

#define BB_EXT_TRANSFORM "busbar.transform/1" /* a step, pure */
struct bb_ext_transform {
    uint32_t size;
    uint32_t reserved;
    /* Writes the new whole message into buf. OK, REJECT, UNSUP, or BUSY with *len set when cap
     * is too small. [ctl] */
    bb_status (*apply)(bb_inst *i, const bb_msg *m, void *buf, size_t cap, size_t *len,
                       struct bb_error *err);
};

#define BB_EXT_WAIT "busbar.wait/1" /* the plugin has an event loop: it waits for the host */
struct bb_pollfd {
    int32_t fd;
    uint32_t events;  /* always readable, BB_POLL_IN */
    uint32_t revents; /* BB_POLL_IN when ready */
};
#define BB_POLL_IN 1u
struct bb_ext_wait {
    uint32_t size;
    uint32_t reserved;
    /* Called in place of poll() on the instance's thread: waits for the plugin's own descriptors
     * and the host's n, at most timeout_ms, does the plugin's own work, sets revents. Must
     * return soon after any of the host's is ready, and at once after a submit() or done() made
     * inside it: what the host sends leaves when it has its thread back. [ctl] */
    void (*wait)(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms);
};

struct bb_module {
    uint32_t size;
    uint32_t abi; /* BB_ABI at build time */
    uint32_t count;
    uint32_t reserved;
    const struct bb_connector *const *connectors;
};
/* The only exported symbol; a file may also export _v2 beside it. */
BB_EXPORT const struct bb_module *bb_module_v1(uint32_t host_abi);

/* Manifest: ELF note, owner "busbar", type 1, msgpack. Read from PT_NOTE before any code of the
 * file is mapped. `busbar-manifest manifest.json` writes BB_MANIFEST(19, 0x82, ...). */
#define BB_MANIFEST_OWNER "busbar"
#define BB_MANIFEST_TYPE 1u
#define BB_MANIFEST(len, ...)                                                                      \
    __attribute__((used, aligned(4), section(".note.busbar"))) static const struct {               \
        uint32_t namesz, descsz, type;                                                             \
        char name[8];                                                                              \
        unsigned char desc[((len) + 3) / 4 * 4];                                                   \
    } bb_manifest_note = {7, (len), BB_MANIFEST_TYPE, BB_MANIFEST_OWNER, {__VA_ARGS__}}

#ifdef __cplusplus
}
#endif
#endif

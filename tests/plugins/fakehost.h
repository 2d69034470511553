/*
 * fakehost.h - a host in the test's own process, for a connector linked into the test
 *
 * The journal outlives the instance, as the real one does: make one struct fake_journal, run an
 * instance on it, drop the instance without stop() (a crash) and make the next on the same journal.
 * Claims work as in the hub: a message whose source and id were accepted before is a duplicate.
 *
 * Thread: [ctl] calls come only from the functions below, on the test's thread; what a plugin may
 * call from any thread is locked. Ownership: the journal owns what it accepted until fake_journal_free.
 */
#ifndef BB_TEST_FAKEHOST_H
#define BB_TEST_FAKEHOST_H

#include <pthread.h>
#include <busbar/plugin.h>

struct fake_record {
    uint8_t *ptr; /* a whole message */
    size_t len;
};
struct fake_journal {
    pthread_mutex_t lock;
    struct fake_record *accepted; /* each once, in the order of acceptance */
    size_t n, cap;
    unsigned duplicates;
    uint8_t state[65536];
    size_t state_len;
    uint64_t version;
    int keep; /* 0: count the messages only, for tests of memory */
    uint64_t count;
};
void fake_journal_init(struct fake_journal *j);
void fake_journal_free(struct fake_journal *j);
/* Attribute of accepted message k as a static NUL-terminated text, "" when it has none. */
const char *fake_attribute(const struct fake_journal *j, size_t k, const char *name);
/* The data of accepted message k as JSON in a static buffer. */
const char *fake_data(const struct fake_journal *j, size_t k);

struct fake_host;
/* create() with config from JSON text (secrets: handles are the values). NULL when it fails, with
 * *err. Defaults of the manifest are not applied: say everything. */
struct fake_host *fake_host_new(struct fake_journal *j, const struct bb_connector *c,
                                const char *config_json, uint32_t roles, struct bb_error *err);
bb_inst *fake_host_inst(struct fake_host *h);
bb_status fake_host_start(struct fake_host *h, struct bb_error *err);
/* stop() and its answer within ms: the status, or BB_E_UNKNOWN when it did not come. */
bb_status fake_host_stop(struct fake_host *h, uint32_t ms);
/* destroy(); what was submitted and not acked is forgotten, as in a crash. */
void fake_host_free(struct fake_host **hp);

/* Drives the instance for about ms or until something was submitted, done or stopped: busbar.wait/1
 * if there is one, else a short sleep. */
void fake_host_pump(struct fake_host *h, uint32_t ms);
/* Answers to submit(): the next n are BUSY at once; then resume() with fake_host_resume(). */
void fake_host_busy(struct fake_host *h, unsigned n);
void fake_host_resume(struct fake_host *h);
unsigned fake_host_submits(const struct fake_host *h); /* all calls of submit() so far */
unsigned fake_host_pending(struct fake_host *h);       /* submits not yet acked */
/* acked() for the oldest pending submit. With OK it is committed first: claims, compare and set (a
 * wrong version makes it REJECT). text goes with other statuses. Returns the status given. */
bb_status fake_host_ack(struct fake_host *h, bb_status s, const char *text);
/* For a sink that submits: what it hands in while a delivery is waited for is answered so. text is borrowed. */
void fake_host_acks(struct fake_host *h, bb_status s, const char *text);
/* Pumps and acks with OK until n messages are in the journal; -1 when not within ms. */
int fake_host_run(struct fake_host *h, uint64_t n, uint32_t ms);

/* ---- sinks ----------------------------------------------------------------------------------- */
struct fake_result {
    bb_status status;
    struct bb_error err;
    char reply[4096]; /* JSON of the reply, or "" */
};
/* A message from JSON text [attributes, data]; free with fake_msg_free. */
bb_msg *fake_msg(const char *json, const char *key, uint32_t flags);
void fake_msg_free(bb_msg *m);
/* One deliver(), batch or probe() and its answers, waited for at most ms (else status PENDING). */
void fake_host_deliver(struct fake_host *h, bb_msg *m, uint32_t ms, struct fake_result *r);
void fake_host_batch(struct fake_host *h, bb_msg *const *m, size_t n, uint32_t ms,
                     struct fake_result *r);
void fake_host_probe(struct fake_host *h, bb_msg *m, uint32_t ms, struct fake_result *r);
/* The last lines that the plugin logged. */
const char *fake_host_log_text(const struct fake_host *h);

#endif

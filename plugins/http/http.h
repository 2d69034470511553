/*
 * http.h - what the files of this plugin share
 *
 * One instance may be a webhook server (source), a client (sink) or both, or poll a feed. Everything runs on the
 * instance's thread: the host calls wait() in place of poll(), and that runs libmicrohttpd and
 * libcurl; there is no lock and no thread of ours.
 *
 * Ownership: the instance owns its source and sink; config is read in create() and copied.
 */
#ifndef BB_PLUGIN_HTTP_H
#define BB_PLUGIN_HTTP_H

#include <busbar/http.h>
#include <busbar/json.h>

#define HTTP_SECRET_MAX 4096

struct source;
struct sink;
struct feed;
struct bb_poll;
struct bb_inst {
    struct bb_ctx ctx;
    struct bb_instance who;
    struct source *source; /* NULL: this instance does not listen */
    struct sink *sink;     /* NULL: it does not send */
    struct feed *feed;     /* NULL: it does not poll */
    int stopping;
    int64_t stop_at_ms; /* stopped() is due then at the latest */
};

/* ---- sink.c ------------------------------------------------------------------------------------ */
struct sink *sink_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err, bb_status *why);
void sink_free(struct sink **sp); /* what is open ends as the cancelled do */
struct bb_http *sink_client(struct sink *s);
bb_status sink_deliver(struct sink *s, const bb_msg *m, bb_token t, struct bb_error *err);
bb_status sink_batch(struct sink *s, const bb_msg *const *m, const bb_token *t, size_t n,
                     struct bb_error *err);
bb_status sink_probe(struct sink *s, const bb_msg *m, bb_token t, struct bb_error *err);
void sink_cancel(struct sink *s, bb_token t);
void sink_end(struct sink *s); /* cancels everything that is open */
bb_status sink_health(const struct sink *s, struct bb_error *why);

/* ---- source.c ---------------------------------------------------------------------------------- */
struct source *source_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err, bb_status *why);
void source_free(struct source **sp);
bb_status source_start(struct source *s, struct bb_error *err);
void source_quiesce(struct source *s);       /* no new connection, no new message */
int source_waits(const struct source *s);    /* requests that wait for acked() */
void source_close(struct source *s);         /* answers those 503, closes everything */
void source_acked(struct source *s, uint64_t cookie, bb_status st, const struct bb_receipt *r);
void source_resume(struct source *s);
bb_status source_health(const struct source *s, struct bb_error *why);
/* What wait() needs: a descriptor (-1 none) and a time-out before it, the work after it. */
int source_fd(const struct source *s);
uint32_t source_before(struct source *s, uint32_t timeout_ms);
void source_after(struct source *s);

/* ---- poll.c ------------------------------------------------------------------------------------ */
struct feed *feed_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err, bb_status *why);
void feed_free(struct feed **fp);
struct bb_poll *feed_poll(struct feed *f);
struct bb_http *feed_client(struct feed *f);

#endif

/*
 * fakehost.c - a host in the test's own process
 *
 * Thread: see fakehost.h. Invariant: one mutex guards the queue of submits, the tokens and the log;
 * no call into the plugin is made with it held.
 */
#include "tests/plugins/fakehost.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <busbar/json.h>

#define TOKENS 1024
#define SUBMITS 256

struct bb_msg {
    unsigned refs;
    struct bb_buf whole;
    struct bb_bytes data, type;
    char key[64], short_key[17];
    uint32_t flags;
};
struct submit {
    struct fake_record *records;
    size_t n;
    uint8_t *state;
    size_t state_len;
    uint64_t expected, cookie;
    int has_state;
};
struct bb_host { /* the plugin's name for it */
    struct fake_journal *journal;
    const struct bb_connector *connector;
    bb_inst *inst;
    pthread_mutex_t lock;
    int wake; /* eventfd: something happened */
    uint32_t roles;
    struct submit queue[SUBMITS];
    size_t queued;
    unsigned submits, busy;
    int held; /* BUSY was answered: all are until resume */
    int stopped;
    struct fake_result results[TOKENS];
    int open[TOKENS];
    uint64_t generation;
    unsigned late;
    char log[8192];
    size_t log_len;
};
struct fake_host {
    struct bb_host h;
    int acks; /* fake_host_acks() */
    bb_status ack_with;
    const char *ack_text;
};

/* ---- journal ---------------------------------------------------------------------------------- */

void fake_journal_init(struct fake_journal *j)
{
    memset(j, 0, sizeof *j);
    pthread_mutex_init(&j->lock, NULL);
    j->keep = 1;
}

void fake_journal_free(struct fake_journal *j)
{
    for (size_t k = 0; k < j->n; k++)
        free(j->accepted[k].ptr);
    free(j->accepted);
    pthread_mutex_destroy(&j->lock);
}

static struct bb_envelope envelope_of(const struct fake_record *r)
{
    struct bb_envelope e;
    struct bb_fault f;
    struct bb_bytes b = {r->ptr, r->len};
    if (bb_envelope_read(b, &e, &f) != 0) {
        fprintf(stderr, "fakehost: not a message: %s\n", f.text);
        abort();
    }
    return e;
}

const char *fake_attribute(const struct fake_journal *j, size_t k, const char *name)
{
    static char text[4][BB_ATTRIBUTE_MAX + 1];
    static unsigned turn;
    struct bb_envelope e;
    struct bb_bytes v;
    char *out = text[turn++ % 4];
    out[0] = 0;
    if (k >= j->n)
        return out;
    e = envelope_of(&j->accepted[k]);
    if (bb_envelope_get(&e, name, &v) == 1)
        (void)bb_str_copy(v, out, BB_ATTRIBUTE_MAX + 1);
    return out;
}

const char *fake_data(const struct fake_journal *j, size_t k)
{
    static char text[65536];
    struct bb_buf b;
    struct bb_fault f;
    text[0] = 0;
    if (k >= j->n)
        return text;
    bb_buf_init(&b, sizeof text);
    if (bb_json_write(envelope_of(&j->accepted[k]).data, &b, &f) == 0 && b.len < sizeof text) {
        memcpy(text, b.ptr, b.len);
        text[b.len] = 0;
    }
    bb_buf_free(&b);
    return text;
}

static int same(struct bb_bytes a, struct bb_bytes b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static int known(const struct fake_journal *j, const struct fake_record *r)
{
    struct bb_envelope a = envelope_of(r);
    for (size_t k = 0; k < j->n; k++) {
        struct bb_envelope b = envelope_of(&j->accepted[k]);
        if (same(a.id, b.id) && same(a.source, b.source))
            return 1;
    }
    return 0;
}

static bb_status commit(struct fake_journal *j, struct submit *s, struct bb_receipt *r)
{
    bb_status status = BB_OK;
    pthread_mutex_lock(&j->lock);
    if (s->has_state && s->expected != j->version) {
        r->error = bb_str("state version conflict");
        status = BB_E_REJECT;
    } else {
        r->first = j->count + 1;
        for (size_t k = 0; k < s->n; k++) {
            if (j->keep && known(j, &s->records[k])) {
                j->duplicates++;
                r->duplicates++;
                continue;
            }
            j->count++;
            if (!j->keep)
                continue;
            if (j->n == j->cap) {
                j->cap = j->cap ? j->cap * 2 : 64;
                j->accepted = realloc(j->accepted, j->cap * sizeof *j->accepted);
                if (!j->accepted)
                    abort();
            }
            j->accepted[j->n++] = s->records[k];
            s->records[k].ptr = NULL;
        }
        r->last = j->count;
        if (s->has_state) {
            memcpy(j->state, s->state, s->state_len);
            j->state_len = s->state_len;
            j->version++;
        }
        r->state_version = j->version;
    }
    pthread_mutex_unlock(&j->lock);
    return status;
}

/* ---- the table --------------------------------------------------------------------------------- */

static void wake(bb_host *h)
{
    uint64_t one = 1;
    if (write(h->wake, &one, sizeof one) < 0)
        abort();
}

static void api_describe(bb_host *h, struct bb_instance *out)
{
    out->roles = h->roles;
    out->worker = 0;
    out->workers = 1;
    snprintf(out->endpoint, sizeof out->endpoint, "test");
}

static const void *api_extension(bb_host *h, const char *id)
{
    static const struct bb_ext_instance instance = {sizeof instance, 0, api_describe};
    (void)h;
    return strcmp(id, BB_EXT_INSTANCE) == 0 ? &instance : NULL;
}

static void api_log(bb_host *h, uint32_t level, const char *text, size_t len,
                    const struct bb_bytes *attrs)
{
    (void)level;
    (void)attrs;
    pthread_mutex_lock(&h->lock);
    if (len > sizeof h->log / 2)
        len = sizeof h->log / 2;
    if (h->log_len + len + 2 > sizeof h->log)
        h->log_len = 0;
    memcpy(h->log + h->log_len, text, len);
    h->log_len += len;
    h->log[h->log_len++] = '\n';
    h->log[h->log_len] = 0;
    pthread_mutex_unlock(&h->lock);
}

static uint32_t api_metric(bb_host *h, uint32_t kind, const char *name)
{
    (void)h;
    (void)kind;
    return *name ? 1 : 0;
}

static void api_metric_add(bb_host *h, uint32_t id, double v)
{
    (void)h;
    (void)id;
    (void)v;
}

static void api_msg_view(const bb_msg *m, struct bb_msg_view *out)
{
    uint32_t size = out->size;
    struct bb_msg_view v;
    memset(&v, 0, sizeof v);
    v.size = size;
    v.attempt = m->flags & BB_MSG_REDELIVERY ? 2 : 1;
    v.flags = m->flags;
    v.budget_ms = 30000;
    v.whole.ptr = m->whole.ptr;
    v.whole.len = m->whole.len;
    v.data = m->data;
    v.type = m->type;
    v.key = bb_str(m->key);
    v.short_key = bb_str(m->short_key);
    memcpy(out, &v, size < sizeof v ? size : sizeof v);
}

static const bb_msg *api_msg_ref(const bb_msg *m)
{
    __atomic_add_fetch(&((bb_msg *)(uintptr_t)m)->refs, 1, __ATOMIC_RELAXED);
    return m;
}

static void api_msg_unref(const bb_msg *m)
{
    __atomic_sub_fetch(&((bb_msg *)(uintptr_t)m)->refs, 1, __ATOMIC_ACQ_REL);
}

static void result_set(struct fake_result *r, bb_status s, const struct bb_bytes *reply,
                       const struct bb_error *err)
{
    r->status = s;
    if (err)
        r->err = *err;
    if (reply && reply->ptr) {
        struct bb_buf b;
        bb_buf_init(&b, sizeof r->reply - 1);
        if (bb_json_write(*reply, &b, NULL) == 0 && !b.failed) {
            memcpy(r->reply, b.ptr, b.len);
            r->reply[b.len] = 0;
        }
        bb_buf_free(&b);
    }
}

static void api_done(bb_host *h, bb_token t, bb_status s, const struct bb_bytes *reply,
                     const struct bb_error *err)
{
    size_t slot = (size_t)(t & 0xffffffffu);
    pthread_mutex_lock(&h->lock);
    if (slot >= TOKENS || !h->open[slot] || t >> 32 != h->generation) {
        h->late++;
    } else {
        h->open[slot] = 0;
        result_set(&h->results[slot], s, reply, err);
    }
    pthread_mutex_unlock(&h->lock);
    wake(h);
}

static void submit_free(struct submit *s)
{
    for (size_t k = 0; k < s->n; k++)
        free(s->records[k].ptr);
    free(s->records);
    free(s->state);
    memset(s, 0, sizeof *s);
}

static bb_status api_submit(bb_host *h, const struct bb_bytes *messages, size_t n,
                            const struct bb_state *state, uint64_t cookie, struct bb_error *err)
{
    struct submit s;
    struct bb_fault f;
    bb_status status = BB_PENDING;
    memset(&s, 0, sizeof s);
    for (size_t k = 0; k < n; k++)
        if (bb_message_check(messages[k], &f) != 0)
            return bb_error_set(err, BB_E_REJECT, "message %zu: %s at byte %zu", k, f.text, f.offset);
    pthread_mutex_lock(&h->lock);
    h->submits++;
    if (h->busy) {
        h->busy--;
        h->held = 1;
    }
    if (h->held || h->queued == SUBMITS) {
        h->held = 1;
        status = BB_E_BUSY;
        goto out;
    }
    s.records = calloc(n ? n : 1, sizeof *s.records);
    if (!s.records)
        abort();
    s.n = n;
    for (size_t k = 0; k < n; k++) {
        s.records[k].ptr = malloc(messages[k].len);
        s.records[k].len = messages[k].len;
        memcpy(s.records[k].ptr, messages[k].ptr, messages[k].len);
    }
    if (state) {
        s.has_state = 1;
        s.expected = state->expected_version;
        s.state = malloc(state->value.len + 1);
        s.state_len = state->value.len;
        memcpy(s.state, state->value.ptr, state->value.len);
    }
    s.cookie = cookie;
    h->queue[h->queued++] = s;
out:
    pthread_mutex_unlock(&h->lock);
    wake(h);
    return status;
}

static bb_status api_state(bb_host *h, void *buf, size_t cap, size_t *len, uint64_t *version)
{
    struct fake_journal *j = h->journal;
    bb_status s = BB_OK;
    pthread_mutex_lock(&j->lock);
    *len = j->state_len;
    *version = j->version;
    if (j->state_len > cap)
        s = BB_E_BUSY;
    memcpy(buf, j->state, j->state_len > cap ? cap : j->state_len);
    pthread_mutex_unlock(&j->lock);
    return s;
}

static int32_t api_cancelled(bb_host *h, bb_token t)
{
    (void)h;
    (void)t;
    return 0;
}

static void api_stopped(bb_host *h)
{
    pthread_mutex_lock(&h->lock);
    h->stopped = 1;
    pthread_mutex_unlock(&h->lock);
    wake(h);
}

static bb_status api_secret(bb_host *h, const char *handle, char *buf, size_t cap, size_t *len)
{
    (void)h;
    *len = strlen(handle);
    if (*len >= cap)
        return BB_E_BUSY;
    memcpy(buf, handle, *len + 1);
    return BB_OK;
}

static const struct bb_host_api table = {
    sizeof table,  BB_ABI,       api_extension, api_log,  api_metric, api_metric_add, api_msg_view,
    api_msg_ref,   api_msg_unref, api_done,     api_submit, api_state, api_cancelled, api_stopped,
    api_secret,
};

/* ---- an instance ------------------------------------------------------------------------------- */

struct fake_host *fake_host_new(struct fake_journal *j, const struct bb_connector *c,
                                const char *config_json, uint32_t roles, struct bb_error *err)
{
    struct fake_host *f = calloc(1, sizeof *f);
    struct bb_bytes json = bb_str(config_json), config;
    struct bb_fault fault;
    struct bb_buf b;
    bb_status s;
    if (!f)
        abort();
    pthread_mutex_init(&f->h.lock, NULL);
    f->h.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    f->h.journal = j;
    f->h.connector = c;
    f->h.roles = roles;
    f->h.generation = 1;
    bb_buf_init(&b, 1 << 20);
    if (bb_json_read(json, &b, &fault) != 0) {
        fprintf(stderr, "fakehost: config: %s at byte %zu\n", fault.text, fault.offset);
        abort();
    }
    config.ptr = b.ptr;
    config.len = b.len;
    *err = bb_error_none();
    s = c->create(&f->h, &table, &config, &f->h.inst, err);
    /* borrowed until the call returns: nothing may point there now */
    memset(b.ptr, 0xc1, b.len);
    bb_buf_free(&b);
    if (s != BB_OK) {
        f->h.inst = NULL;
        fake_host_free(&f);
    }
    return f;
}

bb_inst *fake_host_inst(struct fake_host *h)
{
    return h->h.inst;
}

bb_status fake_host_start(struct fake_host *h, struct bb_error *err)
{
    *err = bb_error_none();
    return h->h.connector->start(h->h.inst, err);
}

static int64_t deadline_in(uint32_t ms)
{
    return bb_clock_ms() + ms;
}

bb_status fake_host_stop(struct fake_host *h, uint32_t ms)
{
    int64_t until = deadline_in(ms);
    bb_status s = h->h.connector->stop(h->h.inst, ms);
    if (s != BB_PENDING)
        return s;
    while (bb_clock_ms() < until) {
        pthread_mutex_lock(&h->h.lock);
        int stopped = h->h.stopped;
        pthread_mutex_unlock(&h->h.lock);
        if (stopped)
            return BB_OK;
        fake_host_pump(h, 20);
    }
    return BB_E_UNKNOWN;
}

void fake_host_free(struct fake_host **hp)
{
    struct fake_host *f = *hp;
    if (!f)
        return;
    if (f->h.inst)
        f->h.connector->destroy(f->h.inst);
    for (size_t k = 0; k < f->h.queued; k++)
        submit_free(&f->h.queue[k]);
    close(f->h.wake);
    pthread_mutex_destroy(&f->h.lock);
    free(f);
    *hp = NULL;
}

void fake_host_pump(struct fake_host *h, uint32_t ms)
{
    const struct bb_ext_wait *w = h->h.connector->extension
                                      ? h->h.connector->extension(h->h.inst, BB_EXT_WAIT)
                                      : NULL;
    uint64_t count;
    if (w) {
        struct bb_pollfd fd = {h->h.wake, BB_POLL_IN, 0};
        w->wait(h->h.inst, &fd, 1, ms);
    } else {
        struct pollfd fd = {h->h.wake, POLLIN, 0};
        (void)poll(&fd, 1, (int)ms);
    }
    if (read(h->h.wake, &count, sizeof count) < 0)
        return;
}

void fake_host_busy(struct fake_host *h, unsigned n)
{
    pthread_mutex_lock(&h->h.lock);
    h->h.busy = n;
    pthread_mutex_unlock(&h->h.lock);
}

void fake_host_resume(struct fake_host *h)
{
    pthread_mutex_lock(&h->h.lock);
    h->h.held = 0;
    pthread_mutex_unlock(&h->h.lock);
    h->h.connector->resume(h->h.inst);
}

unsigned fake_host_submits(const struct fake_host *h)
{
    return h->h.submits;
}

unsigned fake_host_pending(struct fake_host *h)
{
    pthread_mutex_lock(&h->h.lock);
    unsigned n = (unsigned)h->h.queued;
    pthread_mutex_unlock(&h->h.lock);
    return n;
}

bb_status fake_host_ack(struct fake_host *h, bb_status s, const char *text)
{
    struct submit first;
    struct bb_receipt r;
    pthread_mutex_lock(&h->h.lock);
    if (h->h.queued == 0) {
        pthread_mutex_unlock(&h->h.lock);
        return BB_E_BUG;
    }
    first = h->h.queue[0];
    h->h.queued--;
    memmove(&h->h.queue[0], &h->h.queue[1], h->h.queued * sizeof h->h.queue[0]);
    pthread_mutex_unlock(&h->h.lock);
    memset(&r, 0, sizeof r);
    r.size = (uint32_t)sizeof r;
    r.error = bb_str(text);
    if (s == BB_OK)
        s = commit(h->h.journal, &first, &r);
    h->h.connector->acked(h->h.inst, first.cookie, s, &r);
    submit_free(&first);
    return s;
}

void fake_host_acks(struct fake_host *h, bb_status s, const char *text)
{
    h->acks = 1;
    h->ack_with = s;
    h->ack_text = text;
}

int fake_host_run(struct fake_host *h, uint64_t n, uint32_t ms)
{
    int64_t until = deadline_in(ms);
    while (h->h.journal->count < n) {
        if (bb_clock_ms() > until)
            return -1;
        if (fake_host_pending(h))
            (void)fake_host_ack(h, BB_OK, NULL);
        else
            fake_host_pump(h, 20);
    }
    return 0;
}

/* ---- sinks ------------------------------------------------------------------------------------- */

bb_msg *fake_msg(const char *json, const char *key, uint32_t flags)
{
    bb_msg *m = calloc(1, sizeof *m);
    struct bb_bytes whole;
    struct bb_envelope e;
    struct bb_fault f;
    if (!m)
        abort();
    bb_buf_init(&m->whole, 1 << 26);
    if (bb_json_read(bb_str(json), &m->whole, &f) != 0) {
        fprintf(stderr, "fakehost: %s\n", f.text);
        abort();
    }
    whole.ptr = m->whole.ptr;
    whole.len = m->whole.len;
    if (bb_envelope_read(whole, &e, &f) != 0) {
        fprintf(stderr, "fakehost: %s\n", f.text);
        abort();
    }
    m->data = e.data;
    m->type = e.type;
    m->flags = flags;
    snprintf(m->key, sizeof m->key, "%s", key);
    snprintf(m->short_key, sizeof m->short_key, "%016X", (unsigned)strlen(key));
    m->refs = 1;
    return m;
}

void fake_msg_free(bb_msg *m)
{
    if (__atomic_load_n(&m->refs, __ATOMIC_ACQUIRE) != 1) {
        fprintf(stderr, "fakehost: a message is still held\n");
        abort();
    }
    bb_buf_free(&m->whole);
    free(m);
}

static void tokens_open(struct fake_host *h, bb_token *t, size_t n)
{
    pthread_mutex_lock(&h->h.lock);
    h->h.generation++;
    for (size_t k = 0; k < n; k++) {
        t[k] = h->h.generation << 32 | k;
        h->h.open[k] = 1;
        memset(&h->h.results[k], 0, sizeof h->h.results[k]);
        h->h.results[k].status = BB_PENDING;
        h->h.results[k].err = bb_error_none();
    }
    pthread_mutex_unlock(&h->h.lock);
}

/* s ends what is still open unless it is PENDING; then the rest is waited for. */
static void tokens_end(struct fake_host *h, size_t n, bb_status s, const struct bb_error *err,
                       uint32_t ms, struct fake_result *r)
{
    int64_t until = deadline_in(ms);
    for (;;) {
        size_t still = 0;
        pthread_mutex_lock(&h->h.lock);
        for (size_t k = 0; k < n; k++) {
            if (h->h.open[k] && s != BB_PENDING) {
                h->h.open[k] = 0;
                result_set(&h->h.results[k], s, NULL, err);
            }
            still += h->h.open[k] != 0;
        }
        pthread_mutex_unlock(&h->h.lock);
        if (!still || bb_clock_ms() > until)
            break;
        if (h->acks && fake_host_pending(h))
            (void)fake_host_ack(h, h->ack_with, h->ack_text);
        else
            fake_host_pump(h, 20);
    }
    pthread_mutex_lock(&h->h.lock);
    memcpy(r, h->h.results, n * sizeof *r);
    pthread_mutex_unlock(&h->h.lock);
}

void fake_host_deliver(struct fake_host *h, bb_msg *m, uint32_t ms, struct fake_result *r)
{
    struct bb_error err = bb_error_none();
    bb_token t;
    bb_status s;
    tokens_open(h, &t, 1);
    s = h->h.connector->deliver(h->h.inst, m, t, &err);
    tokens_end(h, 1, s, &err, ms, r);
}

void fake_host_batch(struct fake_host *h, bb_msg *const *m, size_t n, uint32_t ms,
                     struct fake_result *r)
{
    const struct bb_ext_batch *b = h->h.connector->extension(h->h.inst, BB_EXT_BATCH);
    struct bb_error err = bb_error_none();
    bb_token t[TOKENS];
    bb_status s;
    if (!b || n > TOKENS)
        abort();
    tokens_open(h, t, n);
    s = b->deliver(h->h.inst, (const bb_msg *const *)m, t, n, &err);
    tokens_end(h, n, s, &err, ms, r);
}

void fake_host_probe(struct fake_host *h, bb_msg *m, uint32_t ms, struct fake_result *r)
{
    const struct bb_ext_probe *p = h->h.connector->extension(h->h.inst, BB_EXT_PROBE);
    struct bb_error err = bb_error_none();
    bb_token t;
    bb_status s;
    if (!p)
        abort();
    tokens_open(h, &t, 1);
    s = p->probe(h->h.inst, m, t, &err);
    tokens_end(h, 1, s, &err, ms, r);
}

const char *fake_host_log_text(const struct fake_host *h)
{
    return h->h.log;
}

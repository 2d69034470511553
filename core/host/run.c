/*
 * run.c - the instances of one endpoint in this process
 *
 * Thread: the owner's (hub, or main of `busbar host`). Each instance has its own thread with all
 * signals blocked. What a hung plugin or its threads may still touch is left behind, never freed
 * under them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/host/internal.h"

#define WORKERS_MAX 64u

static void bb_worker_free(struct bb_host *h)
{
    if (!h)
        return;
    bb_welcome_free(h);
    bb_out_free(h);
    bb_tokens_free(&h->tokens);
    bb_pool_end(h->pool);
    bb_pool_end(h->first_pool);
    if (h->wake >= 0)
        close(h->wake);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static struct bb_host *bb_worker_new(struct bb_host_run *r, uint32_t worker)
{
    struct bb_host *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    if (pthread_mutex_init(&h->lock, NULL) != 0) {
        free(h);
        return NULL;
    }
    h->run = r;
    bb_buf_init(&h->refusal, BB_REFUSAL_MAX);
    h->worker = worker;
    memcpy(h->endpoint, r->endpoint, sizeof(h->endpoint));
    h->first_pool = bb_pool_new(0);
    h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bb_tokens_init(&h->tokens) == 0 && h->first_pool && h->wake >= 0)
        return h;
    bb_worker_free(h);
    return NULL;
}

static int bb_worker_start(struct bb_host *h)
{
    sigset_t all, old;
    char name[16];
    int e;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    e = pthread_create(&h->thread, NULL, bb_host_thread, h);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e != 0)
        return e;
    snprintf(name, sizeof(name), "%.11s/%u", h->endpoint, h->worker % 1000);
    pthread_setname_np(h->thread, name);
    return 0;
}

void bb_host_run_ended(struct bb_host_run *r)
{
    static const uint64_t one = 1;
    int fd = r->done_fd;

    /* once all have ended the owner may free r, so it is not touched after the count */
    if (atomic_fetch_add(&r->ended, 1) + 1 == r->n)
        while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
}

static void bb_host_run_free(struct bb_host_run *r)
{
    for (uint32_t i = 0; r->v && i < r->n; i++)
        bb_worker_free(r->v[i]);
    if (r->done_fd >= 0)
        close(r->done_fd);
    explicit_bzero(r->spec.secret, sizeof(r->spec.secret));
    bb_answers_free(r->answers);
    free(r->v);
    free(r->joined);
    free(r);
}

struct bb_host_run *bb_host_run_start(const struct bb_host_spec *s, struct bb_fault *err)
{
    struct bb_host_run *r = NULL;
    uint32_t started = 0;
    int e = 0;

    if (s->workers == 0 || s->workers > WORKERS_MAX ||
        strlen(s->endpoint) >= sizeof(r->endpoint) || strlen(s->address) >= sizeof(r->address)) {
        bb_host_fault(err, 0, "endpoint \"%.80s\": %u workers, or a name or address too long",
                      s->endpoint, s->workers);
        return NULL;
    }
    r = calloc(1, sizeof(*r));
    if (!r)
        goto memory;
    r->answers = bb_answers_new();
    r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->spec = *s;
    strcpy(r->endpoint, s->endpoint);
    strcpy(r->address, s->address);
    r->spec.endpoint = r->endpoint;
    r->spec.address = r->address;
    r->v = calloc(s->workers, sizeof(struct bb_host *));
    r->joined = calloc(s->workers, sizeof(*r->joined));
    if (r->done_fd < 0 || !r->answers || !r->v || !r->joined)
        goto memory;
    for (r->n = 0; r->n < s->workers; r->n++) {
        r->v[r->n] = bb_worker_new(r, r->n);
        if (!r->v[r->n])
            goto memory;
    }
    while (started < r->n && (e = bb_worker_start(r->v[started])) == 0)
        started++;
    if (e == 0)
        return r;
    bb_host_fault(err, 0, "endpoint \"%s\": cannot start a thread: %s", r->endpoint, strerror(e));
    /* those that run hold r: it stays, as a run that is short of workers; the rest never counts */
    atomic_fetch_add(&r->ended, r->n - started);
    for (uint32_t i = 0; i < started; i++)
        pthread_detach(r->v[i]->thread);
    if (started == 0)
        bb_host_run_free(r);
    return NULL;
memory:
    bb_host_fault(err, 0, "endpoint \"%s\": out of memory or descriptors", s->endpoint);
    if (r)
        bb_host_run_free(r);
    return NULL;
}

bool bb_host_run_done(const struct bb_host_run *r)
{
    return atomic_load(&((struct bb_host_run *)(uintptr_t)r)->ended) >= r->n;
}

/* By the monotonic clock, as pthread_timedjoin_np is not: a clock set back must not lengthen the wait.
 * Not pthread_clockjoin_np, of which ThreadSanitizer does not know that it joins. */
static int bb_thread_join(pthread_t thread, int64_t until_ms)
{
    static const struct timespec nap = {0, 1000000};
    int rc;

    while ((rc = pthread_tryjoin_np(thread, NULL)) == EBUSY && bb_mono_ms() < until_ms)
        nanosleep(&nap, NULL);
    return rc;
}

int bb_host_run_join(struct bb_host_run **rp, uint32_t timeout_ms)
{
    struct bb_host_run *r = *rp;
    int64_t until = bb_mono_ms() + timeout_ms;
    bool left = false;
    int hang = 0;

    if (!r)
        return 0;
    *rp = NULL;
    for (uint32_t i = 0; i < r->n; i++) {
        if (bb_thread_join(r->v[i]->thread, until) != 0) {
            pthread_detach(r->v[i]->thread);
            r->v[i] = NULL; /* its thread's from now on */
            hang++;
        } else if (r->v[i]->abandoned) {
            r->v[i] = NULL; /* the plugin's threads may still call in */
            left = true;
        }
    }
    if (hang == 0 && !left)
        bb_host_run_free(r);
    else
        for (uint32_t i = 0; i < r->n; i++) {
            bb_worker_free(r->v[i]);
            r->v[i] = NULL;
        }
    return hang;
}

/*
 * flood.c - test-flood: a source that submits without end, two threads at once, and takes no BUSY
 * for an answer; "logs" lines of log come with each submit
 */
#include <pthread.h>
#include <stdatomic.h>
#include "tests/plugins/faults.h"
#include "tests/plugins/flood-manifest.h"

#define THREADS 2

struct flood {
    struct bb_inst base;
    pthread_t thread[THREADS];
    int n;
    uint64_t logs;
    atomic_int stop;
};

static void *flood_thread(void *arg)
{
    static const char line[] = "this line comes again and again, and says nothing that matters to anyone";
    struct flood *f = arg;
    struct bb_draft d;
    struct bb_bytes m;
    struct bb_buf b;

    bb_buf_init(&b, 4096);
    while (!f->stop) {
        bb_buf_reset(&b);
        bb_draft_init(&d, "/test/flood", "mfg.inventory.movement");
        if (bb_draft_put(&d, &b) != 0)
            break;
        m.ptr = b.ptr;
        m.len = b.len;
        f->base.ctx.api->submit(f->base.ctx.host, &m, 1, NULL, 0, NULL);
        for (uint64_t k = 0; k < f->logs && !f->stop; k++)
            f->base.ctx.api->log(f->base.ctx.host, BB_LOG_WARN, line, sizeof line - 1, NULL);
    }
    bb_buf_free(&b);
    return NULL;
}

static bb_status flood_create(bb_host *h, const struct bb_host_api *api,
                              const struct bb_bytes *config, bb_inst **out, struct bb_error *err)
{
    struct flood *f = calloc(1, sizeof(*f));
    bb_inst *base = NULL;
    bb_status s = fault_create(h, api, config, &base, err);

    if (s != BB_OK || !f) {
        free(f);
        return s != BB_OK ? s : BB_E_RETRY;
    }
    f->base = *base;
    fault_destroy(base);
    f->logs = (uint64_t)bb_conf_int(*config, "/logs", 0);
    *out = &f->base;
    return BB_OK;
}

static bb_status flood_start(bb_inst *i, struct bb_error *err)
{
    struct flood *f = (struct flood *)i;

    for (; f->n < THREADS; f->n++) {
        if (pthread_create(&f->thread[f->n], NULL, flood_thread, f) != 0)
            return bb_error_set(err, BB_E_RETRY, "cannot start a thread");
    }
    return BB_OK;
}

static bb_status flood_stop(bb_inst *i, uint32_t budget_ms)
{
    struct flood *f = (struct flood *)i;

    f->stop = 1;
    while (f->n > 0)
        pthread_join(f->thread[--f->n], NULL);
    return fault_stop(i, budget_ms);
}

static const struct bb_connector flood = {
    .size = sizeof(flood), .id = "test-flood", .create = flood_create, .start = flood_start,
    .stop = flood_stop, .destroy = fault_destroy,
};
FAULT_MODULE(flood);

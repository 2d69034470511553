/*
 * teller.c - test-teller: answers questions, well and badly, and is a sink that shows what it got
 *
 * The question says what is done: item answers with what was asked and a number that never comes twice,
 * so a test sees whether a body was made anew; slow blocks first; later answers from another thread; die
 * ends the process, lie answers with bytes that are no value, silent never answers. A line in "file" is
 * "query OP" or "deliver KEY ATTEMPT FLAGS JSON", written in one go.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <busbar/json.h>
#include <busbar/plugin.h>
#include "tests/plugins/teller-manifest.h"

struct later {
    struct later *next;
    struct bb_inst *inst;
    pthread_t thread;
    bb_token token;
    struct bb_buf answer;
};
struct bb_inst {
    struct bb_ctx ctx;
    int fd;
    int64_t delay_ms;
    char first[16];
    struct later *threads;
};

static void teller_line(bb_inst *i, struct bb_buf *b)
{
    bb_buf_put(b, "\n", 1);
    if (i->fd >= 0 && !b->failed && write(i->fd, b->ptr, b->len) < 0)
        bb_host_log(&i->ctx, BB_LOG_ERROR, "cannot write");
    bb_buf_free(b);
}

static bb_status teller_create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *config,
                               bb_inst **out, struct bb_error *err)
{
    struct bb_inst *i = calloc(1, sizeof(*i));
    char *file;

    if (!i)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    i->ctx.host = h;
    i->ctx.api = api;
    i->fd = -1;
    i->delay_ms = bb_conf_int(*config, "/delay_ms", 0);
    bb_str_copy(bb_conf_str(*config, "/first", "ok"), i->first, sizeof(i->first));
    file = bb_conf_dup(*config, "/file", NULL);
    if (file)
        i->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    free(file);
    *out = i;
    return BB_OK;
}

static bb_status teller_start(bb_inst *i, struct bb_error *err)
{
    (void)i;
    (void)err;
    return BB_OK;
}

static bb_status teller_stop(bb_inst *i, uint32_t budget_ms)
{
    (void)budget_ms;
    while (i->threads) {
        struct later *l = i->threads;

        i->threads = l->next;
        pthread_join(l->thread, NULL);
        bb_buf_free(&l->answer);
        free(l);
    }
    return BB_OK;
}

static void teller_destroy(bb_inst *i)
{
    if (i->fd >= 0)
        close(i->fd);
    free(i);
}

static void nap(int64_t ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&ts, NULL);
}

/* {"asked": the request's data, "n": a number that never comes twice} */
static void teller_answer(const struct bb_msg_view *v, struct bb_buf *b)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    bb_buf_init(b, 1 << 20);
    bb_put_map(b, 2);
    bb_put_cstr(b, "asked");
    bb_put_raw(b, v->data);
    bb_put_cstr(b, "n");
    bb_put_uint(b, (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

static void *teller_later(void *arg)
{
    struct later *l = arg;
    struct bb_bytes b = {l->answer.ptr, l->answer.len};

    nap(l->inst->delay_ms);
    l->inst->ctx.api->done(l->inst->ctx.host, l->token, BB_OK, &b, NULL);
    return NULL;
}

static bb_status teller_query(bb_inst *i, const char *op, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof(v)};
    static const struct bb_bytes lie = {"\x81\xc1", 2};
    struct bb_buf b;
    struct bb_bytes reply;
    struct later *l;

    bb_buf_init(&b, 4096);
    bb_buf_put(&b, "query ", 6);
    bb_buf_put(&b, op, strlen(op));
    teller_line(i, &b);
    if (strcmp(op, "die") == 0)
        abort();
    if (strcmp(op, "silent") == 0)
        return BB_PENDING;
    if (strcmp(op, "down") == 0)
        return bb_error_set(err, BB_E_DOWN, "its peer is gone");
    if (strcmp(op, "refuse") == 0)
        return bb_error_set(err, BB_E_REJECT, "no such item");
    if (strcmp(op, "nothing") == 0)
        return BB_OK;
    if (strcmp(op, "lie") == 0) {
        i->ctx.api->done(i->ctx.host, t, BB_OK, &lie, NULL);
        return BB_PENDING;
    }
    i->ctx.api->msg_view(m, &v);
    if (strcmp(op, "later") == 0) {
        if (!(l = calloc(1, sizeof(*l))))
            return BB_E_RETRY;
        l->inst = i;
        l->token = t;
        teller_answer(&v, &l->answer);
        if (pthread_create(&l->thread, NULL, teller_later, l) != 0) {
            bb_buf_free(&l->answer);
            free(l);
            return BB_E_RETRY;
        }
        l->next = i->threads;
        i->threads = l;
        return BB_PENDING;
    }
    if (strcmp(op, "slow") == 0)
        nap(i->delay_ms);
    teller_answer(&v, &b);
    reply = (struct bb_bytes){b.ptr, b.len};
    i->ctx.api->done(i->ctx.host, t, BB_OK, &reply, NULL);
    bb_buf_free(&b);
    return BB_PENDING;
}

static bb_status teller_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof(v)};
    char head[200];
    struct bb_buf b;

    (void)t;
    i->ctx.api->msg_view(m, &v);
    bb_buf_init(&b, 1 << 24);
    bb_buf_put(&b, head,
               (size_t)snprintf(head, sizeof(head), "deliver %.*s %u %u ", (int)v.key.len,
                                (const char *)v.key.ptr, v.attempt, v.flags));
    if (bb_json_write(v.whole, &b, NULL) != 0)
        return bb_error_set(err, BB_E_REJECT, "no JSON");
    teller_line(i, &b);
    if (v.attempt > 1 || v.flags & BB_MSG_REDELIVERY || strcmp(i->first, "ok") == 0)
        return BB_OK;
    if (strcmp(i->first, "die") == 0)
        abort();
    if (strcmp(i->first, "hang") == 0)
        return BB_PENDING;
    return bb_error_set(err, strcmp(i->first, "retry") == 0 ? BB_E_RETRY : BB_E_UNKNOWN, "as configured");
}

static bb_status teller_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    (void)i;
    (void)m;
    (void)t;
    (void)err;
    return BB_NOT_APPLIED;
}

static const void *teller_extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_query query = {sizeof(query), 0, teller_query};
    static const struct bb_ext_probe probe = {sizeof(probe), 0, teller_probe};

    (void)i;
    return strcmp(id, BB_EXT_QUERY) == 0 ? (const void *)&query : strcmp(id, BB_EXT_PROBE) == 0 ? &probe : NULL;
}

static const struct bb_connector teller = {
    .size = sizeof(teller), .id = "test-teller", .create = teller_create, .start = teller_start,
    .stop = teller_stop, .destroy = teller_destroy, .deliver = teller_deliver,
    .extension = teller_extension,
};
static const struct bb_connector *const all[] = {&teller};
static const struct bb_module module = {sizeof(module), BB_ABI, 1, 0, all};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    return host_abi == BB_ABI ? &module : NULL;
}

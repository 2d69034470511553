/*
 * accept.c - what an endpoint accepts: messages looked at before they are handed in
 *
 * The only thing that can refuse a caller for what its message says. It runs in the source's host, in
 * submit() and on its thread, so the hub never looks into a message. All messages are looked at, and all
 * that does not hold is kept as a list for the plugin (busbar.refusal/1); one that is refused refuses the
 * whole submit. What has no room in the list is counted.
 *
 * Thread: any. Ownership: the list is the host's, under its lock, and belongs to the thread that made it.
 */
#include <stdio.h>
#include <string.h>

#include "core/host/internal.h"

#define LIST_MAX (BB_REFUSAL_MAX - 64) /* the rest is its frame */

struct looking { /* at the messages of one submit() */
    struct bb_buf list;
    size_t message;
    uint32_t n, more, here; /* here: of this message */
    char first[200];
};

static void found(void *arg, const char *pointer, const char *failure, const char *why)
{
    struct looking *k = arg;
    size_t before = k->list.len;

    if (!k->n && !k->more)
        snprintf(k->first, sizeof(k->first), "message %zu: %s %s", k->message, pointer, why);
    k->here++;
    bb_put_map(&k->list, 4);
    bb_put_cstr(&k->list, "message");
    bb_put_uint(&k->list, k->message);
    bb_put_cstr(&k->list, "pointer");
    bb_put_cstr(&k->list, pointer);
    bb_put_cstr(&k->list, "code");
    bb_put_cstr(&k->list, failure ? failure : "mapping");
    bb_put_cstr(&k->list, "text");
    bb_put_cstr(&k->list, why);
    if (!k->list.failed) {
        k->n++;
        return;
    }
    k->list.failed = 0;
    k->list.len = before;
    k->more++;
}

static void keep(struct bb_host *h, const struct looking *k)
{
    struct bb_buf *b = &h->refusal;

    pthread_mutex_lock(&h->lock);
    bb_buf_reset(b);
    h->refused_thread = pthread_self();
    bb_put_map(b, 2);
    bb_put_cstr(b, "errors");
    bb_put_array(b, k->n);
    bb_buf_put(b, k->list.ptr, k->list.len);
    bb_put_cstr(b, "more");
    bb_put_uint(b, k->more);
    pthread_mutex_unlock(&h->lock);
}

bb_status bb_accept_check(struct bb_host *h, const struct bb_bytes *messages, size_t n, struct bb_error *err)
{
    struct looking k = {.n = 0};
    struct bb_transform_run run = {.found = found, .arg = &k};
    bb_status s = BB_OK;
    uint32_t others;

    bb_buf_init(&k.list, LIST_MAX);
    for (k.message = 0; k.message < n; k.message++) {
        struct bb_fault why = {0, ""};

        k.here = 0;
        bb_status one = bb_transform_check(h->accept, messages[k.message], &run, &why);

        if (one == BB_E_RETRY) {
            bb_buf_free(&k.list);
            return one;
        }
        if (one == BB_OK)
            continue;
        s = BB_E_REJECT;
        if (!k.here) /* a step that does not say where */
            found(&k, "", run.failure, why.text);
    }
    others = k.n + k.more - (s != BB_OK);
    if (s != BB_OK)
        keep(h, &k);
    bb_buf_free(&k.list);
    if (s == BB_OK || !err || err->size < sizeof(*err))
        return s;
    err->retry_after_ms = 0;
    err->vendor_code[0] = '\0';
    if (others)
        snprintf(err->text, sizeof(err->text), "not accepted: %.180s, and %u more", k.first, others);
    else
        snprintf(err->text, sizeof(err->text), "not accepted: %.199s", k.first);
    return s;
}

bb_status bb_accept_refusal(struct bb_host *h, void *buf, size_t cap, size_t *len)
{
    bb_status s = BB_OK;

    pthread_mutex_lock(&h->lock);
    *len = h->refusal.len;
    if (!h->refusal.len || h->refusal.failed || !pthread_equal(h->refused_thread, pthread_self()))
        s = BB_E_UNSUP;
    else if (cap < h->refusal.len)
        s = BB_E_BUSY;
    else
        memcpy(buf, h->refusal.ptr, h->refusal.len);
    pthread_mutex_unlock(&h->lock);
    return s;
}

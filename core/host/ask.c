/*
 * ask.c - a step's question to another endpoint, while a delivery is rendered
 *
 * The instance's thread sends ASK and waits for ANSWER: at most the question's time-out and what is left
 * of the delivery's. Meanwhile it reads what the hub sends as a blocking plugin's cancelled() does, so it
 * answers PING and hears of STOP and CANCEL; nothing of the plugin is called but its health. One question
 * at a time: an instance's credit is never used up by itself.
 *
 * Thread: the instance's. Ownership: the answer's bytes are copied into the asker's buffer.
 */
#include <poll.h>
#include <string.h>

#include "core/host/internal.h"

#define MS_NS 1000000u
#define LOOK_MS 100 /* STOP is noticed so soon, whatever the descriptors say */

static bool ask_send(struct bb_host *h, const struct bb_question *q, uint64_t id, uint32_t budget_ms)
{
    struct bb_w_query a = {.token = id,
                           .endpoint = {q->endpoint, strlen(q->endpoint)},
                           .op = {q->op, strlen(q->op)},
                           .request = q->request,
                           .budget_ms = budget_ms};
    struct bb_list l;
    struct bb_out *o;
    bool good;

    pthread_mutex_lock(&h->lock);
    o = bb_out_new_locked(h, q->request.len + 1024);
    if (o) {
        l = bb_list_begin(&o->buf, BB_F_ASK, h->session);
        bb_list_query(&o->buf, &l, &a);
        bb_list_end(&o->buf, &l);
    }
    good = o && !o->buf.failed;
    if (good)
        bb_out_put_locked(h, o);
    pthread_mutex_unlock(&h->lock);
    if (!good)
        bb_out_drop(o);
    return good;
}

void bb_ask_answered(struct bb_host *h, struct bb_frame *f)
{
    struct bb_asking *a = &h->asking;
    struct bb_w_result r;
    int rc;

    while ((rc = bb_frame_next_result(f, &r)) > 0) {
        if (!a->id || a->answered || r.token != a->id)
            continue; /* its asker has given up */
        a->answered = true;
        a->status = r.status;
        if (r.status == BB_OK && r.reply.ptr && bb_value_check(r.reply, NULL) < 0) {
            a->status = BB_E_UNKNOWN; /* its host is not trusted either */
            bb_host_fault(a->err, 0, "its answer is not canonical");
            continue;
        }
        if (r.status == BB_OK && r.reply.ptr)
            bb_put_raw(a->answer, r.reply);
        else if (r.status == BB_OK)
            bb_put_nil(a->answer);
        else
            bb_host_fault(a->err, 0, "%.*s", (int)(r.text.len < 160 ? r.text.len : 160),
                          r.text.len ? (const char *)r.text.ptr : "it gave no reason");
    }
    if (rc < 0)
        h->refused_frames++;
}

static bool ask_over(struct bb_host *h)
{
    bool stopping;

    pthread_mutex_lock(&h->lock);
    stopping = h->stopping;
    pthread_mutex_unlock(&h->lock);
    return stopping || h->phase != BB_PHASE_RUN;
}

static void ask_wait(struct bb_host *h, uint64_t until)
{
    uint64_t now;

    bb_out_flush(h);
    while (!h->asking.answered && !ask_over(h) && (now = bb_host_now()) < until) {
        struct pollfd fds[2] = {{bb_link_fd(&h->link), POLLIN, 0}, {h->wake, POLLIN, 0}};
        uint64_t left = (until - now) / MS_NS + 1;

        if (!bb_link_holds(&h->link))
            poll(fds, 2, (int)(left < LOOK_MS ? left : LOOK_MS));
        bb_host_unmark(h);
        bb_host_pump(h);
        bb_out_flush(h);
    }
}

bb_status bb_ask(void *arg, const struct bb_question *q, struct bb_buf *answer, struct bb_fault *err)
{
    const struct bb_asker *asker = arg;
    struct bb_host *h = asker->h;
    uint64_t now = bb_host_now(), until = now + q->timeout_ms * MS_NS;
    struct bb_asking *a = &h->asking;
    bb_status s;

    if (h->run->spec.rehearsal)
        return h->run->spec.rehearsal->ask(h->run->spec.rehearsal->arg, q, answer, err);
    if (bb_answers_get(h->run->answers, q, now, answer))
        return answer->failed ? BB_E_RETRY : BB_OK;
    if (until > asker->m->deadline)
        until = asker->m->deadline;
    if (until <= now) {
        bb_host_fault(err, 0, "no time is left to ask endpoint \"%s\"", q->endpoint);
        return BB_E_RETRY;
    }
    *a = (struct bb_asking){.id = ++h->next_ask, .status = BB_E_UNKNOWN, .answer = answer, .err = err};
    if (!ask_send(h, q, a->id, (uint32_t)((until - now) / MS_NS + 1))) {
        a->id = 0;
        bb_host_fault(err, 0, "out of memory");
        return BB_E_RETRY;
    }
    ask_wait(h, until);
    if (!a->answered)
        bb_host_fault(err, 0, "%s", ask_over(h) ? "the endpoint stops" : "no answer in time");
    s = a->status;
    a->id = 0;
    if (s == BB_OK && answer->failed) {
        bb_host_fault(err, 0, "the answer does not fit");
        return BB_E_REJECT;
    }
    if (s == BB_OK)
        bb_answers_put(h->run->answers, q, bb_host_now(), (struct bb_bytes){answer->ptr, answer->len});
    return s;
}

/*
 * status.c - what another system did with a change, told to the PLM; and whether it was told already
 *
 * A status is posted under a reference, which is the idempotency key; the PLM does not look for doubles, so after a lost
 * answer the statuses of the change are asked for that reference: only a list that is one, and empty, says "not applied".
 *
 * Thread: the instance's.
 */
#include <stdio.h>
#include <busbar/json.h>
#include "plm.h"

static const struct word states[] = {{"planned", "planned"}, {"released", "released"}, {"implemented", "implemented"},
                                     {"rejected", "rejected"}, {"not-applicable", "not-applicable"}, {NULL, NULL}};

struct told { /* what a message says */
    struct bb_bytes number, plant, item, revision, state, at, note, system, correlation;
};

static bb_status told_read(const bb_inst *i, const struct bb_msg_view *v, struct told *t, struct bb_error *err)
{
    struct bb_envelope e;
    struct bb_bytes word, list, one;
    struct bb_iter it;
    const char *dot;

    memset(t, 0, sizeof *t);
    if (bb_envelope_read(v->whole, &e, NULL) != 0)
        return bb_error_set(err, BB_E_REJECT, "no message");
    t->number = e.change;
    if (!t->number.len && e.type.len > 11 && memcmp(e.type.ptr, "mfg.change.", 11) == 0)
        t->number = bb_conf_str(v->data, "/id", NULL);
    if (!t->number.len)
        return bb_error_set(err, BB_E_REJECT, "the message names no change: it needs the attribute change");
    dot = memrchr(e.type.ptr, '.', e.type.len);
    word = dot ? (struct bb_bytes){dot + 1, e.type.len - (size_t)(dot + 1 - (const char *)e.type.ptr)} : e.type;
    t->plant = e.plant, t->item = e.item, t->revision = e.revision, t->at = e.time, t->correlation = e.correlationid;
    t->system = bb_str(i->conf.system);
    if (bb_conf_find(v->data, "/plants", &list) == 1 && bb_iter_of(list, &it) && !it.map && it.n) {
        if (it.n > 1)
            return bb_error_set(err, BB_E_REJECT, "one status a message: split the message by /data/plants");
        (void)bb_iter_next(&it, NULL, &one);
        word = bb_conf_str(one, "/state", NULL);
        t->plant = bb_conf_str(one, "/plant", NULL);
        t->note = bb_conf_str(one, "/note", NULL);
        if (bb_conf_str(one, "/system", NULL).len)
            t->system = bb_conf_str(one, "/system", NULL);
    } else {
        t->note = bb_conf_str(v->data, "/note", NULL);
    }
    t->state = word_in(states, word);
    if (!t->state.len)
        return bb_error_set(err, BB_E_REJECT, "\"%.*s\" is no status of a change: planned, released, implemented, rejected, "
                                              "not-applicable (the last word of the type, or /data/plants/0/state)",
                            (int)(word.len > 40 ? 40 : word.len), word.len ? (const char *)word.ptr : "");
    return BB_OK;
}

static void body_put(const bb_inst *i, const struct told *t, struct bb_bytes key, struct bb_buf *out)
{
    const struct {
        const char *name;
        struct bb_bytes text;
    } rows[] = {{"reference", key}, {"system", t->system}, {"plant", t->plant}, {"item", t->item}, {"revision", t->revision},
                {"state", t->state}, {"at", t->at}, {"note", t->note}};
    const char *sep = "{";
    char name[32];

    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        if (!rows[k].text.len)
            continue;
        snprintf(name, sizeof name, "%s", rows[k].name);
        if (i->conf.odata)
            name[0] = (char)(name[0] - 'a' + 'A');
        bb_buf_put(out, sep, 1);
        bb_json_write_str(out, name, strlen(name));
        bb_buf_put(out, ":", 1);
        bb_json_write_str(out, rows[k].text.ptr, rows[k].text.len);
        sep = ",";
    }
    bb_buf_put(out, "}", 1);
}

static void told_end(struct job *j, struct bb_bytes body)
{
    struct bb_buf v;

    bb_buf_init(&v, 1u << 20);
    if (!body.len || bb_json_read(body, &v, NULL) != 0)
        bb_buf_reset(&v);
    job_end(j, BB_OK, &v, NULL);
    bb_buf_free(&v);
}

static void status_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error err = bb_error_none();
    bb_status st;

    if (a->outcome == BB_OK) {
        told_end(j, a->body);
        return;
    }
    st = answer_fault(j->i, a, j->what, &err);
    job_end(j, st, NULL, &err);
}

/* ---- asking for it -------------------------------------------------------------------------------------------- */
/* 1 the reference is in the list, 0 it is empty, -1 it is no such list, with err. */
static int reference_found(const struct job *j, struct bb_bytes body, struct bb_buf *v, struct bb_error *err)
{
    struct bb_bytes list, one, ref, value;
    struct bb_iter it;

    if (bb_json_read(body, v, NULL) != 0 || (value = (struct bb_bytes){v->ptr, v->len},
                                             bb_map_get(value, j->i->conf.odata ? "value" : "entries", &list) != 1) ||
        !bb_iter_of(list, &it) || it.map) {
        bb_error_set(err, BB_E_RETRY, "%s: asked for its statuses, the PLM gave no list: mend paths.probe", j->what);
        return -1;
    }
    if (it.n == 0)
        return 0;
    while (bb_iter_next(&it, NULL, &one)) {
        ref = bb_conf_str(one, j->i->conf.odata ? "/Reference" : "/reference", NULL);
        if (bb_str_is(ref, j->key))
            return 1;
    }
    bb_error_set(err, BB_E_RETRY, "%s: asked for one reference, the PLM gave others: it does not honour the question", j->what);
    return -1;
}

static void probe_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error err = bb_error_none();
    struct bb_buf v;
    int found = -1;

    bb_buf_init(&v, 4u << 20);
    if (a->code == 200)
        found = reference_found(j, a->body, &v, &err);
    else
        answer_fault(j->i, a, j->what, &err);
    bb_buf_free(&v);
    job_end(j, found == 1 ? BB_OK : found == 0 ? BB_NOT_APPLIED : BB_E_RETRY, NULL, &err);
}

static bb_status ask(bb_inst *i, const struct bb_msg_view *v, bb_token t, int probe, struct bb_error *err)
{
    struct told told;
    bb_status st = told_read(i, v, &told, err);
    const struct place places[] = {{"number", told.number}, {"reference", v->key}, {"plant", told.plant}, {"item", told.item}};
    struct bb_buf url, body;
    struct job *j = NULL;

    if (st != BB_OK)
        return st;
    bb_buf_init(&url, 16384);
    bb_buf_init(&body, 65536);
    path_put(i, probe ? i->conf.probe : i->conf.status, places, 4, &url);
    body_put(i, &told, v->key, &body);
    st = BB_PENDING;
    if (url.failed || body.failed || v->key.len >= sizeof j->key)
        st = bb_error_set(err, BB_E_REJECT, "a number or text in it is too long");
    else if (!(j = job_new(i, t, v->budget_ms)))
        st = bb_error_set(err, BB_E_RETRY, "out of memory");
    if (j) {
        snprintf(j->what, sizeof j->what, "change %.*s", (int)(told.number.len > 60 ? 60 : told.number.len),
                 (const char *)told.number.ptr);
        bb_str_copy(v->key, j->key, sizeof j->key);
        if (bb_str_copy(told.correlation, j->correlation, sizeof j->correlation) != 0)
            j->correlation[0] = 0; /* too long for a header: not worth a refusal */
        j->answer = probe ? probe_answer : status_answer;
        if (job_ask(j, probe ? "GET" : "POST", (const char *)url.ptr, v->key, probe ? NULL : &body) != 0) {
            job_free(j);
            st = bb_error_set(err, BB_E_RETRY, "out of memory");
        }
    }
    bb_buf_free(&url);
    bb_buf_free(&body);
    return st;
}

bb_status status_deliver(bb_inst *i, const struct bb_msg_view *v, bb_token t, struct bb_error *err)
{
    return ask(i, v, t, 0, err);
}

bb_status status_probe(bb_inst *i, const struct bb_msg_view *v, bb_token t, struct bb_error *err)
{
    bb_status st = ask(i, v, t, 1, err);

    return st == BB_E_REJECT ? BB_NOT_APPLIED : st; /* it can never have been sent */
}

/*
 * mock.c - what a case's endpoints answer when a step asks them (enrich)
 *
 *   queries: {plm: {item: [{with: {number: "4711"}, reply: {...}}, {answer: reject, text: no such item}]}}
 *
 * The first entry whose `with` holds in the request's data and that is not used up answers. A question
 * without one fails the case, and so does an entry that was never used: it tests nothing.
 *
 * Threads: reading on the caller's; answering on an instance's, under play.c's lock.
 */
#include "core/rehearse/internal.h"

#include <stdio.h>
#include <string.h>

#define STR (1u << BB_T_STR)
#define INT (1u << BB_T_INT)
#define MAP (1u << BB_T_MAP)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct bb_case_key mock_keys[] = {{"with", MAP, false}, {"answer", STR, false}, {"text", STR, false},
                                               {"reply", 0, false},  {"times", INT, false}};
static const struct word {
    const char *name;
    bb_status status;
} words[] = {{"ok", BB_OK}, {"reject", BB_E_REJECT}, {"down", BB_E_DOWN}, {"silent", BB_E_UNKNOWN}};

/* ---- reading ---------------------------------------------------------------------------------------- */
/* Does a step of the configuration ask that? Else the mock is for nobody. */
static void asked_check(struct bb_case_reader *x, const char *at, const struct bb_config *c, const char *endpoint,
                        const char *op)
{
    const char *names[64], *near;
    struct bb_bytes v, from, query;
    size_t n = 0;

    for (size_t i = 0; i < c->n_routes; i++)
        for (size_t k = 0; k < c->routes[i].n_steps; k++) {
            const struct bb_step_config *s = &c->routes[i].steps[k];

            if (!s->kind || strcmp(s->kind, "enrich") != 0 || bb_map_get(s->config, "from", &v) != 1 ||
                !bb_as_str(v, &from) || !bb_bytes_are(from, endpoint) ||
                bb_map_get(s->config, "query", &v) != 1 || !bb_as_str(v, &query))
                continue;
            if (bb_bytes_are(query, op))
                return;
            if (n < COUNT(names))
                names[n++] = bb_case_text(x, query);
        }
    near = bb_nearest(op, names, n);
    if (near)
        bb_case_say(x, at, "no step asks \"%.60s\" for \"%.60s\" (did you mean \"%s\"?)", endpoint, op, near);
    else
        bb_case_say(x, at, "no step asks \"%.60s\" for \"%.60s\"", endpoint, op);
}

static void answer_read(struct bb_case_reader *x, struct bb_bytes v, const char *at, struct bb_case_mock *m)
{
    const char *word, *near, *names[COUNT(words)];
    char inner[400];

    m->times = UINT64_MAX;
    m->where = bb_extras_where(x->files, x->file, at);
    if (!bb_case_keys(x, v, at, mock_keys, COUNT(mock_keys)))
        return;
    m->with = bb_member(v, "with");
    m->reply = bb_member(v, "reply");
    m->text = bb_case_member(x, v, "text");
    word = bb_case_member(x, v, "answer");
    if (bb_member(v, "times").len)
        m->times = bb_member_int(v, "times", 0) > 0 ? (uint64_t)bb_member_int(v, "times", 0) : 0;
    snprintf(inner, sizeof(inner), "%.300s/times", at);
    if (!m->times)
        bb_case_say(x, inner, "times: a number from 1");
    for (size_t i = 0; i < COUNT(words); i++) {
        names[i] = words[i].name;
        if (!strcmp(word ? word : "ok", words[i].name)) {
            m->status = words[i].status;
            word = NULL;
            break;
        }
    }
    snprintf(inner, sizeof(inner), "%.300s/answer", at);
    near = word ? bb_nearest(word, names, COUNT(words)) : NULL;
    if (word)
        bb_case_say(x, inner, near ? "answer to a query \"%.60s\" is none (did you mean \"%s\"?)"
                                   : "there is no answer to a query \"%.60s\"", word, near);
    snprintf(inner, sizeof(inner), "%.300s/reply", at);
    if (m->reply.len && m->status != BB_OK)
        bb_case_say(x, inner, "reply: only \"ok\" has one");
}

void bb_mocks_read(struct bb_case_reader *x, struct bb_bytes v, const char *at, const struct bb_config *c,
                   struct bb_case *k)
{
    struct bb_items w = bb_pairs_of(v), ops, l;
    struct bb_bytes name, map, op, list, item;
    char one[200], two[300], three[330];
    size_t n = 0;

    while (bb_pairs_next(&w, &name, &map))
        for (ops = bb_pairs_of(map); bb_pairs_next(&ops, &op, &list);)
            n += bb_items_of(list).left;
    k->mocks = bb_case_get(x, (n + 1) * sizeof(*k->mocks));
    for (w = bb_pairs_of(v); bb_pairs_next(&w, &name, &map);) {
        const char *endpoint = bb_case_text(x, name);

        snprintf(one, sizeof(one), "%.100s/%.80s", at, endpoint);
        bb_case_endpoint_check(x, one, c, endpoint);
        if (bb_kind_of_value(map) != BB_T_MAP)
            bb_case_say(x, one, "takes a map of queries, such as {item: [{reply: {...}}]}");
        for (ops = bb_pairs_of(map); bb_pairs_next(&ops, &op, &list);) {
            const char *query = bb_case_text(x, op);
            size_t i = 0;

            snprintf(two, sizeof(two), "%s/%.80s", one, query);
            asked_check(x, two, c, endpoint, query);
            for (l = bb_items_of(list); bb_items_next(&l, &item); i++) {
                struct bb_case_mock *m = &k->mocks[k->n_mocks++];

                m->endpoint = endpoint;
                m->op = query;
                snprintf(three, sizeof(three), l.one.len ? "%s" : "%s/%zu", two, i);
                answer_read(x, item, three, m);
            }
        }
    }
}

/* ---- answering -------------------------------------------------------------------------------------- */
static bool fits(struct bb_bytes with, struct bb_bytes data)
{
    struct bb_items w = bb_pairs_of(with);
    struct bb_bytes key, value, got;
    char name[256];

    while (bb_pairs_next(&w, &key, &value)) {
        snprintf(name, sizeof(name), "%.*s", (int)(key.len < 255 ? key.len : 255), (const char *)key.ptr);
        got = bb_member(data, name);
        if (!got.len || !bb_values_same(value, got))
            return false;
    }
    return true;
}

static struct bb_bytes data_of(struct bb_bytes whole)
{
    struct bb_envelope e;

    return bb_envelope_read(whole, &e, NULL) == 0 ? e.data : (struct bb_bytes){NULL, 0};
}

bb_status bb_mock_answer(const struct bb_case *c, uint64_t *used, const struct bb_question *q, struct bb_buf *answer,
                         struct bb_fault *err, char *unanswered, size_t cap)
{
    struct bb_bytes data = data_of(q->request);
    struct bb_buf json;

    for (size_t i = 0; i < c->n_mocks; i++) {
        const struct bb_case_mock *m = &c->mocks[i];

        if (strcmp(m->endpoint, q->endpoint) != 0 || strcmp(m->op, q->op) != 0 || used[i] >= m->times ||
            !fits(m->with, data))
            continue;
        used[i]++;
        if (m->status != BB_OK)
            bb_fail(err, "%s", m->text ? m->text : "the test says so");
        else if (m->reply.len)
            bb_put_raw(answer, m->reply);
        else
            bb_put_nil(answer);
        return m->status;
    }
    bb_buf_init(&json, 4096);
    if (bb_json_write(data, &json, NULL) != 0 || json.failed)
        bb_buf_reset(&json);
    if (!*unanswered)
        snprintf(unanswered, cap, "endpoint \"%s\" was asked for \"%s\" of %.*s, and \"queries\" has no answer%s",
                 q->endpoint, q->op, (int)(json.len < 120 ? json.len : 120), json.len ? (const char *)json.ptr : "?",
                 c->n_mocks ? " (any more)" : "");
    bb_buf_free(&json);
    bb_fail(err, "the test has no answer to that");
    return BB_E_REJECT;
}

const struct bb_case_mock *bb_mock_unused(const struct bb_case *c, const uint64_t *used)
{
    for (size_t i = 0; i < c->n_mocks; i++)
        if (!used[i])
            return &c->mocks[i];
    return NULL;
}

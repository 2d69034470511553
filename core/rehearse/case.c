/*
 * case.c - a file of route tests as cases
 *
 * The file goes the way of every YAML file that conf.d names (core/config/extra.c), so it has the same
 * limits and its mistakes are shown in the same way. All of them are found in one run; names of routes
 * and endpoints are held against the configuration.
 */
#include "core/rehearse/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CASES_MAX 10000u
#define CLOCK_DEFAULT UINT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define UNTIL_DEFAULT (UINT64_C(10) * 24 * 3600 * 1000)
#define STR (1u << BB_T_STR)
#define INT (1u << BB_T_INT)
#define LIST (1u << BB_T_ARRAY)
#define MAP (1u << BB_T_MAP)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct bb_case_key file_keys[] = {{"tests", LIST, true}};
static const struct bb_case_key case_keys[] = {
    {"name", STR, true},      {"route", STR, false}, {"from", STR, false},
    {"clock", STR, false},    {"until", STR, false}, {"input", STR | LIST | MAP, true},
    {"answers", MAP, false},  {"probes", MAP, false}, {"queries", MAP, false},
    {"expect", LIST | MAP, false}};
static const struct bb_case_key input_keys[] = {
    {"file", STR, false}, {"event", MAP, false}, {"from", STR, false}};
static const struct bb_case_key answer_keys[] = {
    {"answer", STR, true}, {"after", STR, false},     {"text", STR, false},
    {"code", STR, false},  {"reply", 0, false},       {"times", STR | INT, false}};
static const struct bb_case_key expect_keys[] = {
    {"message", INT, false}, {"route", STR, false},    {"state", STR, false}, {"error", STR, false},
    {"history", LIST, false}, {"sends", INT, false},   {"probes", INT, false}, {"sent", MAP, false},
    {"fields", MAP, false},  {"absent", LIST | STR, false}};

static const struct word {
    const char *name;
    bb_status status;
    bool silent, delivery, probe;
} words[] = {
    {"ok", BB_OK, false, true, false},
    {"retry", BB_E_RETRY, false, true, true},
    {"reject", BB_E_REJECT, false, true, false},
    {"down", BB_E_DOWN, false, true, true},
    {"unknown", BB_E_UNKNOWN, false, true, true},
    {"silent", BB_E_UNKNOWN, true, true, true},
    {"applied", BB_OK, false, false, true},
    {"not-applied", BB_NOT_APPLIED, false, false, true},
};
static const char *const states[] = {"waiting",  "spilled",     "inflight", "retrying",
                                     "probing",  "held",        "quarantined", "delivered",
                                     "skipped",  "discarded",   "refused",   "duplicate"};

/* A pointer to a member, for a report. */
struct pointer {
    char text[400];
};
static struct pointer below(const char *at, const char *key)
{
    struct pointer p;

    snprintf(p.text, sizeof(p.text), "%.300s/%.80s", at, key);
    return p;
}

/* ---- values -------------------------------------------------------------------------------------- */
static void word_check(struct bb_case_reader *x, const char *at, const char *what, const char *word,
                       const char *const *all, size_t n)
{
    const char *near = bb_nearest(word, all, n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i], word) == 0)
            return;
    if (near)
        bb_case_say(x, at, "%s \"%.60s\" is none (did you mean \"%s\"?)", what, word, near);
    else
        bb_case_say(x, at, "there is no %s \"%.60s\"", what, word);
}

static uint64_t duration(struct bb_case_reader *x, const char *at, const char *text, uint64_t otherwise)
{
    uint64_t ms = otherwise;
    const char *why = text ? bb_config_duration(text, &ms) : NULL;

    if (why)
        bb_case_say(x, at, "\"%.40s\" %s", text, why);
    return ms;
}

/* "2026-01-31T08:15:00Z", with or without milliseconds. */
static uint64_t instant(struct bb_case_reader *x, const char *at, const char *text)
{
    struct tm tm = {0};
    unsigned ms = 0;
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int n = 0;

    if (end && *end == '.' && sscanf(end, ".%3u%n", &ms, &n) == 1 && n == 4)
        end += n;
    if (end && strcmp(end, "Z") == 0 && tm.tm_year >= 70)
        return (uint64_t)timegm(&tm) * 1000 + ms;
    bb_case_say(x, at, "\"%.40s\" is no instant such as 2026-01-31T08:15:00Z", text);
    return CLOCK_DEFAULT;
}

void bb_case_endpoint_check(struct bb_case_reader *x, const char *at, const struct bb_config *c, const char *name)
{
    const char **names = bb_case_get(x, (c->n_endpoints + 1) * sizeof(*names));

    for (size_t i = 0; i < c->n_endpoints; i++)
        names[i] = c->endpoints[i].name;
    if (name)
        word_check(x, at, "endpoint", name, names, c->n_endpoints);
}

static const struct bb_route_config *route_find(struct bb_case_reader *x, const char *at,
                                                const struct bb_config *c, const char *name)
{
    const char **names = bb_case_get(x, (c->n_routes + 1) * sizeof(*names));

    for (size_t i = 0; i < c->n_routes; i++) {
        names[i] = c->routes[i].name;
        if (strcmp(name, names[i]) == 0)
            return &c->routes[i];
    }
    word_check(x, at, "route", name, names, c->n_routes);
    return NULL;
}

/* ---- input --------------------------------------------------------------------------------------- */
/* Files are named from the test file's own folder on. */
static const char *beside(struct bb_case_reader *x, const char *name)
{
    const char *slash = strrchr(x->file, '/');
    size_t dir = slash && *name != '/' ? (size_t)(slash - x->file) + 1 : 0;
    char *path = bb_case_get(x, dir + strlen(name) + 1);

    memcpy(path, x->file, dir);
    memcpy(path + dir, name, strlen(name));
    return path;
}

static void input_read(struct bb_case_reader *x, struct bb_bytes v, const char *at,
                       const struct bb_config *c, struct bb_case_input *in)
{
    struct bb_bytes name;

    in->where = bb_extras_where(x->files, x->file, at);
    if (bb_as_str(v, &name)) {
        in->file = beside(x, bb_case_text(x, name));
        return;
    }
    if (!bb_case_keys(x, v, at, input_keys, COUNT(input_keys)))
        return;
    in->file = bb_case_member(x, v, "file");
    in->event = bb_member(v, "event");
    in->from = bb_case_member(x, v, "from");
    bb_case_endpoint_check(x, below(at, "from").text, c, in->from);
    if (!in->file == !in->event.len)
        bb_case_say(x, at, "an input has either \"file\" or \"event\"");
    in->file = in->file ? beside(x, in->file) : NULL;
}

static void inputs_read(struct bb_case_reader *x, struct bb_bytes v, const char *at,
                        const struct bb_config *c, struct bb_case *k)
{
    struct bb_items w = bb_items_of(v);
    struct bb_bytes item;
    char one[300];

    if (v.len && !w.left)
        bb_case_say(x, at, "input: there is no message in it, so that nothing is tested");
    k->inputs = bb_case_get(x, (w.left + 1) * sizeof(*k->inputs));
    while (bb_items_next(&w, &item)) {
        snprintf(one, sizeof(one), w.one.len ? "%s" : "%s/%zu", at, k->n_inputs);
        input_read(x, item, one, c, &k->inputs[k->n_inputs++]);
    }
}

/* ---- answers ------------------------------------------------------------------------------------- */
static void answer_word(struct bb_case_reader *x, const char *at, bool probe, const char *word,
                        struct bb_case_answer *a)
{
    const char *names[COUNT(words)];
    size_t n = 0;

    for (size_t i = 0; i < COUNT(words); i++) {
        if (!(probe ? words[i].probe : words[i].delivery))
            continue;
        names[n++] = words[i].name;
        if (strcmp(words[i].name, word) == 0) {
            a->status = words[i].status;
            a->silent = words[i].silent;
        }
    }
    word_check(x, at, probe ? "answer to a probe" : "answer", word, names, n);
}

static void answer_read(struct bb_case_reader *x, struct bb_bytes v, const char *at, bool probe,
                        struct bb_case_answer *a)
{
    struct bb_bytes word;
    const char *times;

    a->times = 1;
    if (bb_as_str(v, &word)) {
        answer_word(x, at, probe, bb_case_text(x, word), a);
        return;
    }
    if (!bb_case_keys(x, v, at, answer_keys, COUNT(answer_keys)))
        return;
    answer_word(x, at, probe, bb_case_member(x, v, "answer"), a);
    a->text = bb_case_member(x, v, "text");
    a->code = bb_case_member(x, v, "code");
    a->reply = bb_member(v, "reply");
    a->after_ms = duration(x, below(at, "after").text, bb_case_member(x, v, "after"), 0);
    times = bb_case_member(x, v, "times");
    a->times = (uint64_t)bb_member_int(v, "times", 1);
    if (times && strcmp(times, "always") == 0)
        a->times = UINT64_MAX;
    else if (times || bb_member_int(v, "times", 1) < 1)
        bb_case_say(x, below(at, "times").text, "times: a number from 1, or always");
    if (a->after_ms && a->status != BB_E_RETRY)
        bb_case_say(x, below(at, "after").text, "after: only a \"retry\" says when (Retry-After)");
    if (a->reply.len && a->status != BB_OK)
        bb_case_say(x, below(at, "reply").text, "reply: only \"ok\" and \"applied\" have one");
}

static void scripts_read(struct bb_case_reader *x, struct bb_bytes v, const char *at,
                         const struct bb_config *c, bool probe, struct bb_case *k)
{
    struct bb_items w = bb_pairs_of(v), l;
    struct bb_bytes name, list, item;
    char one[300], inner[320];

    while (bb_pairs_next(&w, &name, &list)) {
        struct bb_case_script *s = &k->scripts[k->n_scripts++];

        s->endpoint = bb_case_text(x, name);
        s->probe = probe;
        snprintf(one, sizeof(one), "%s/%.80s", at, s->endpoint);
        bb_case_endpoint_check(x, one, c, s->endpoint);
        l = bb_items_of(list);
        s->v = bb_case_get(x, (l.left + 1) * sizeof(*s->v));
        while (bb_items_next(&l, &item)) {
            snprintf(inner, sizeof(inner), l.one.len ? "%s" : "%s/%zu", one, s->n);
            answer_read(x, item, inner, probe, &s->v[s->n++]);
        }
    }
}

/* ---- expectations -------------------------------------------------------------------------------- */
static void pointers_check(struct bb_case_reader *x, struct bb_bytes e, const char *at)
{
    struct bb_items fields = bb_pairs_of(bb_member(e, "fields")), gone = bb_items_of(bb_member(e, "absent"));
    struct bb_bytes p, v;

    while (bb_pairs_next(&fields, &p, &v))
        if (!p.len || *(const char *)p.ptr != '/')
            bb_case_say(x, below(at, "fields").text, "fields: \"%.*s\" is no pointer such as /data/quantity",
                        (int)(p.len < 60 ? p.len : 60), (const char *)p.ptr);
    while (bb_items_next(&gone, &v))
        if (!bb_as_str(v, &p) || !p.len || *(const char *)p.ptr != '/')
            bb_case_say(x, below(at, "absent").text, "absent: takes pointers such as /data/quantity");
}

static void expect_check(struct bb_case_reader *x, struct bb_bytes list, const char *at,
                         const struct bb_config *c)
{
    struct bb_items w = bb_items_of(list), h;
    struct bb_bytes e, s;
    char one[300];

    for (size_t i = 0; bb_items_next(&w, &e); i++) {
        const char *state, *route;

        snprintf(one, sizeof(one), w.one.len ? "%s" : "%s/%zu", at, i);
        if (!bb_case_keys(x, e, one, expect_keys, COUNT(expect_keys)))
            continue;
        if (bb_pairs_of(e).left == (bb_member(e, "message").len > 0))
            bb_case_say(x, one, "expect: an empty result is like any other; name at least its state");
        if ((state = bb_case_member(x, e, "state")))
            word_check(x, below(one, "state").text, "state", state, states, COUNT(states));
        if ((route = bb_case_member(x, e, "route")))
            route_find(x, below(one, "route").text, c, route);
        for (h = bb_items_of(bb_member(e, "history")); bb_items_next(&h, &s);)
            word_check(x, below(one, "history").text, "state", bb_as_str(s, &s) ? bb_case_text(x, s) : "", states, COUNT(states));
        pointers_check(x, e, one);
    }
}

/* ---- cases --------------------------------------------------------------------------------------- */
static void case_read(struct bb_case_reader *x, struct bb_bytes v, const char *at,
                      const struct bb_config *c, struct bb_case *k)
{
    const struct bb_route_config *r = NULL;
    struct bb_bytes answers = bb_member(v, "answers"), probes = bb_member(v, "probes");
    const char *clock = bb_case_member(x, v, "clock");
    char inner[200];

    k->file = x->file;
    k->name = bb_case_member(x, v, "name");
    k->route = bb_case_member(x, v, "route");
    k->from = bb_case_member(x, v, "from");
    k->where = bb_extras_where(x->files, x->file, at);
    snprintf(x->what, sizeof(x->what), "test \"%.80s\"", k->name);
    if (k->route)
        r = route_find(x, below(at, "route").text, c, k->route);
    bb_case_endpoint_check(x, below(at, "from").text, c, k->from);
    k->from = k->from ? k->from : r ? r->from : NULL;
    k->clock_ms = clock ? instant(x, below(at, "clock").text, clock) : CLOCK_DEFAULT;
    k->until_ms = k->clock_ms + duration(x, below(at, "until").text, bb_case_member(x, v, "until"), UNTIL_DEFAULT);
    snprintf(inner, sizeof(inner), "%s/input", at);
    inputs_read(x, bb_member(v, "input"), inner, c, k);
    for (size_t i = 0; i < k->n_inputs; i++)
        if (!k->inputs[i].from && !k->from)
            bb_case_say(x, at, "say which endpoint the input comes from: \"from\", or a \"route\"");
    k->scripts = bb_case_get(x, (bb_pairs_of(answers).left + bb_pairs_of(probes).left + 1) *
                                    sizeof(*k->scripts));
    snprintf(inner, sizeof(inner), "%s/answers", at);
    scripts_read(x, answers, inner, c, false, k);
    snprintf(inner, sizeof(inner), "%s/probes", at);
    scripts_read(x, probes, inner, c, true, k);
    snprintf(inner, sizeof(inner), "%s/queries", at);
    bb_mocks_read(x, bb_member(v, "queries"), inner, c, k);
    snprintf(inner, sizeof(inner), "%s/expect", at);
    k->expect = bb_member(v, "expect");
    k->expect_where = bb_extras_where(x->files, x->file, inner);
    expect_check(x, k->expect, inner, c);
}

int bb_cases_load(struct bb_cases *cases, const char *file, const struct bb_config *c, struct bb_diags *d)
{
    struct bb_case_reader x = {.d = d, .memory = cases->memory};
    struct bb_bytes root, v;
    struct bb_fault err = {0};
    struct bb_items w;
    char at[40];

    if (!cases->files && !(cases->files = bb_extras_new(".")))
        return -1;
    x.files = cases->files;
    x.file = bb_case_text(&x, (struct bb_bytes){file, strlen(file)});
    if (bb_extras_get(x.files, x.file, &root, d, &err) != 0) {
        x.failed = true;
        if (*err.text)
            bb_config_diag(d, BB_SEV_ERROR, (struct bb_where){0}, "%s", err.text);
    } else if (bb_case_keys(&x, root, "", file_keys, COUNT(file_keys))) {
        w = bb_items_of(bb_member(root, "tests"));
        if (cases->n + w.left > CASES_MAX) {
            bb_case_say(&x, "", "more than %u tests", CASES_MAX);
            w.left = 0;
        }
        struct bb_case *more = bb_case_get(&x, (cases->n + w.left + 1) * sizeof(*more));
        if (cases->n)
            memcpy(more, cases->v, cases->n * sizeof(*more));
        cases->v = more;
        for (size_t i = 0; bb_items_next(&w, &v); i++) {
            snprintf(at, sizeof(at), "/tests/%zu", i);
            *x.what = '\0';
            if (bb_case_keys(&x, v, at, case_keys, COUNT(case_keys)))
                case_read(&x, v, at, c, &cases->v[cases->n++]);
        }
    }
    cases->memory = x.memory;
    return x.failed ? -1 : 0;
}

void bb_cases_free(struct bb_cases *cases)
{
    struct bb_memory *m = cases->memory, *next;

    for (; m; m = next) {
        next = m->next;
        free(m);
    }
    bb_extras_free(&cases->files);
    *cases = (struct bb_cases){0};
}

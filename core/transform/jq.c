/*
 * jq.c - the step jq: a program of jq's on the message's data, or on the whole message
 *
 * For odd shapes; a map is exact and a hundred times faster. The library is libjq, whose numbers are
 * doubles: one that would not come back with the same text does not reach it (numbers: refuse), or does
 * as a text (numbers: text); it is never changed. What comes out is as the program made it.
 *
 * The program sees nothing but its input: a head in front of it takes input, env, now, debug, halt and
 * their like from it, and it stands in parentheses, where import and include are none. libjq knows no
 * time limit and ends the process when memory is out; so does a program without an end, for whom the
 * host's watchdog comes. Therefore the core takes this step only where the sink has a process of its own.
 *
 * Thread: apply on any: each run takes a compiled program of its own from the step's list.
 * Ownership: a step owns its programs.
 */
#include "core/transform/ref.h"

#include <errno.h>
#include <jq.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM_MAX (64u << 10)
#define INPUT_MAX (4u << 20) /* bytes of the message: jq needs many times that */
#define VALUES_MAX 16384u    /* that a program may give with collect */
#define EXACT_MAX 9007199254740992.0
#define TEXT_MAX 160

struct program {
    struct program *next;
    jq_state *jq;
};
struct jq {
    pthread_mutex_t lock;
    struct program *idle; /* under lock */
    char *text;
    bool whole, texts, collect;
};

/* implode in 1.6 ends the process on what is no character. */
#define GONE(name) "def " name ": error(\"" name " is not there: a program sees its input alone\");"
static const char head[] =
    GONE("input") GONE("inputs") GONE("debug") GONE("stderr") GONE("input_filename")
    GONE("input_line_number") GONE("env") GONE("halt") GONE("halt_error") GONE("now") GONE("localtime")
    GONE("get_search_list") GONE("modulemeta")
    "def halt_error(f): halt_error; def debug(f): debug; def strflocaltime(f): localtime;"
    "def __implode: implode;"
    "def implode: if type == \"array\" and all(.[]; type == \"number\" and . == floor and . >= 0 and "
    ". <= 1114111 and (. < 55296 or . > 57343)) then __implode else error(\"implode: not all are "
    "characters\") end;"
    "null as $ENV | null as $__prog_args | $__in | (\n";
static const char start[] = ". as $__in | ", tail[] = "\n)";

/* ---- compile ------------------------------------------------------------------------------------- */
struct said { /* libjq's first words */
    char text[TEXT_MAX];
    unsigned line; /* 0: it names none */
};

static void said_take(void *arg, jv msg)
{
    struct said *s = arg;
    static const char aside[] = " (Unix shell quoting issues?)";
    const char *text, *at;
    char *cut;
    size_t n;

    msg = jq_format_error(msg);
    text = jv_get_kind(msg) == JV_KIND_STRING ? jv_string_value(msg) : "it does not compile";
    if (!*s->text) {
        text += strncmp(text, "jq: error: ", 11) == 0 ? 11 : 0;
        at = strstr(text, " at <top-level>, line ");
        n = at ? (size_t)(at - text) : strcspn(text, "\n");
        snprintf(s->text, sizeof s->text, "%.*s", (int)(n < TEXT_MAX - 1 ? n : TEXT_MAX - 1), text);
        cut = strstr(s->text, aside);
        if (cut)
            memmove(cut, cut + sizeof aside - 1, strlen(cut + sizeof aside - 1) + 1);
        s->line = at ? (unsigned)strtoul(at + 22, NULL, 10) : 0;
    }
    jv_free(msg);
}

static jq_state *jq_new(const char *program, struct said *s)
{
    jq_state *jq = jq_init();

    *s = (struct said){.line = 0};
    if (!jq)
        return NULL;
    jq_set_error_cb(jq, said_take, s);
    jq_set_attr(jq, jv_string("JQ_LIBRARY_PATH"), jv_array()); /* an assertion asks for one */
    if (jq_compile(jq, program))
        return jq;
    if (!*s->text)
        snprintf(s->text, sizeof s->text, "it does not compile");
    jq_teardown(&jq);
    return NULL;
}

/* libjq reads ~/.jq by itself, where anything could be redefined. */
static int home_check(struct bb_compile *c)
{
    const char *home = getenv("HOME");
    char path[4096];

    if (home && snprintf(path, sizeof path, "%s/.jq", home) < (int)sizeof path && access(path, F_OK) == 0)
        return bb_compile_say(c, "libjq would read %s with each program: take it away, or run Busbar as a "
                                 "user without it", path);
    return 0;
}

static int compile_say(struct bb_compile *c, const char *file, const struct said *s)
{
    struct bb_compile_place here = {0};
    unsigned line = s->line ? s->line : 1;

    if (!file)
        return line > 1 ? bb_compile_say(c, "jq, line %u of the program: %s", line, s->text)
                        : bb_compile_say(c, "jq: %s", s->text);
    here = bb_compile_enter(c, file);
    bb_compile_down_n(c, line - 1);
    bb_compile_say(c, "jq: %s", s->text);
    bb_compile_up(c);
    bb_compile_leave(c, here);
    return -1;
}

/* These stand only at the beginning, and would make libjq look for files. */
static bool has_modules(struct bb_bytes text)
{
    static const char *const words[] = {"import", "include", "module"};
    const char *p = text.ptr, *end = p + text.len, *word;

    while (p < end && (*p == '#' || strchr(" \t\r\n", *p))) {
        if (*p == '#')
            while (p < end && *p != '\n')
                p++;
        else
            p++;
    }
    for (word = p; p < end && *p >= 'a' && *p <= 'z'; p++)
        ;
    return bb_word_of((struct bb_bytes){word, (size_t)(p - word)}, words, 3) < 3;
}

/* The text alone first: it must be a program by itself, with lines that are its own. */
static int program_check(struct bb_compile *c, struct jq *q, struct bb_bytes text, const char *file)
{
    struct bb_buf b;
    struct said s;
    char *alone;
    jq_state *jq;
    int rc = -1;

    if (!text.len || text.len > PROGRAM_MAX || memchr(text.ptr, 0, text.len))
        return bb_compile_say(c, "a program has 1 to %u bytes", PROGRAM_MAX);
    if (has_modules(text))
        return bb_compile_say(c, "import, include and module cannot be used: a program stands alone");
    if (home_check(c) != 0)
        return -1;
    alone = strndup(text.ptr, text.len);
    jq = alone ? jq_new(alone, &s) : NULL;
    free(alone);
    if (!jq)
        return compile_say(c, file, &s);
    jq_teardown(&jq);
    bb_buf_init(&b, PROGRAM_MAX + 8192);
    bb_buf_put(&b, start, sizeof start - 1);
    bb_buf_put(&b, head, sizeof head - 1);
    bb_buf_put(&b, text.ptr, text.len);
    bb_buf_put(&b, tail, sizeof tail);
    q->text = b.failed ? NULL : strdup((const char *)b.ptr);
    bb_buf_free(&b);
    q->idle = calloc(1, sizeof *q->idle);
    if (!q->text || !q->idle)
        return bb_compile_say(c, "out of memory");
    q->idle->jq = jq_new(q->text, &s);
    if (q->idle->jq)
        rc = 0;
    else
        bb_compile_say(c, "jq: %s", s.text);
    return rc;
}

static int options_read(struct bb_compile *c, struct bb_bytes config, struct jq *q, struct bb_bytes *text,
                        const char **file)
{
    static const char *const names[] = {"program", "file", "input", "numbers", "collect"};
    static const char *const inputs[] = {"data", "message"}, *const numbers[] = {"refuse", "text"};
    struct bb_bytes key, val, word;
    struct bb_cur cur;
    uint32_t n, k;
    int rc = 0, truth;

    if (bb_as_str(config, text) == 1)
        return 0;
    if (!bb_group_of(config, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "jq takes a program, or a map such as {file: maps/odd.jq, numbers: text}");
    for (; n; n--) {
        if (bb_pair_next(&cur, &key, &val) != 0)
            return bb_compile_say(c, "damaged configuration");
        k = bb_word_of(key, names, 5);
        word = (struct bb_bytes){"", 0};
        bb_as_str(val, &word);
        bb_compile_down(c, key);
        if (k < 2 && text->ptr) {
            rc = bb_compile_say(c, "say program or file, once");
        } else if (k == 0) {
            *text = word;
        } else if (k == 1) {
            rc |= bb_compile_file(c, val, &val, file);
            if (*file && bb_as_str(val, text) != 1)
                rc = bb_compile_say(c, "that is no program: its name ends in .jq");
        } else if (k == 2) {
            q->whole = bb_bytes_are(word, "message");
            if (!q->whole && !bb_bytes_are(word, "data"))
                rc = bb_compile_unknown(c, "input", word, inputs, 2);
        } else if (k == 3) {
            q->texts = bb_bytes_are(word, "text");
            if (!q->texts && !bb_bytes_are(word, "refuse"))
                rc = bb_compile_unknown(c, "way to deal with numbers", word, numbers, 2);
        } else if (k == 4) {
            rc |= bb_as_bool(val, &truth) == 1 ? 0 : bb_compile_say(c, "must be true or false");
            q->collect = rc == 0 && truth;
        } else {
            rc = bb_compile_unknown(c, "option", key, names, 5);
        }
        bb_compile_up(c);
    }
    if (!rc && !text->ptr)
        rc = bb_compile_say(c, "jq needs program or file");
    return rc ? -1 : 0;
}

static int jq_compile_step(struct bb_compile *c, struct bb_bytes config, void **self)
{
    struct jq *q = *self = calloc(1, sizeof *q);
    struct bb_bytes text = {NULL, 0};
    const char *file = NULL;

    if (!q)
        return bb_compile_say(c, "out of memory");
    pthread_mutex_init(&q->lock, NULL);
    if (options_read(c, config, q, &text, &file) != 0)
        return -1;
    return program_check(c, q, text, file);
}

static void jq_free(void *self)
{
    struct jq *q = self;

    while (q && q->idle) {
        struct program *p = q->idle;

        q->idle = p->next;
        if (p->jq)
            jq_teardown(&p->jq);
        free(p);
    }
    if (q) {
        pthread_mutex_destroy(&q->lock);
        free(q->text);
    }
    free(q);
}

static struct program *program_take(struct jq *q)
{
    struct program *p;
    struct said s;

    pthread_mutex_lock(&q->lock);
    p = q->idle;
    if (p)
        q->idle = p->next;
    pthread_mutex_unlock(&q->lock);
    if (p)
        return p;
    p = calloc(1, sizeof *p);
    if (p)
        p->jq = jq_new(q->text, &s);
    if (!p || p->jq) {
        if (p)
            jq_set_error_cb(p->jq, NULL, NULL);
        return p;
    }
    free(p);
    return NULL;
}

static void program_give(struct jq *q, struct program *p)
{
    pthread_mutex_lock(&q->lock);
    p->next = q->idle;
    q->idle = p;
    pthread_mutex_unlock(&q->lock);
}

/* ---- in ------------------------------------------------------------------------------------------- */
struct way { /* one conversion */
    const struct jq *q;
    char why[TEXT_MAX]; /* "": no memory */
    char place[TEXT_MAX];
};

/* The shortest text that is this double. */
static void double_text(double d, char out[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, d);
        if (strtod(out, NULL) == d) /* the program never sets a locale */
            return;
    }
}

/* A number's text: as a number if it comes back the same, else as the step says. */
static jv number_in(struct way *w, struct bb_bytes text)
{
    char copy[64], back[32];
    double d;

    if (text.len < sizeof copy) {
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = '\0';
        d = strtod(copy, NULL);
        double_text(d, back);
        if (isfinite(d) && strcmp(copy, back) == 0 && fabs(d) <= EXACT_MAX)
            return jv_number(d);
    }
    if (w->q->texts)
        return jv_string_sized(text.ptr, (int)text.len);
    snprintf(w->why, sizeof w->why, "%.*s would not be the same in jq; say numbers: text to have such a number "
                                    "as a text, or use map", (int)(text.len < 40 ? text.len : 40),
             (const char *)text.ptr);
    return jv_invalid();
}

static jv integer_in(struct way *w, const struct bb_tok *t)
{
    char text[24];
    int n;

    if (t->kind == BB_T_INT && fabs((double)t->i) < EXACT_MAX)
        return jv_number((double)t->i);
    n = t->kind == BB_T_INT ? snprintf(text, sizeof text, "%lld", (long long)t->i)
                            : snprintf(text, sizeof text, "%llu", (unsigned long long)t->u);
    if (w->q->texts)
        return jv_string_sized(text, n);
    snprintf(w->why, sizeof w->why, "%s is past what jq counts exactly; say numbers: text to have it as a text",
             text);
    return jv_invalid();
}

static jv value_in(struct way *w, struct bb_cur *c, unsigned depth);

static jv members_in(struct way *w, struct bb_cur *c, const struct bb_tok *t, unsigned depth)
{
    jv to = t->kind == BB_T_MAP ? jv_object() : jv_array();
    struct bb_tok key;

    for (uint32_t i = 0; i < t->n && jv_get_kind(to) != JV_KIND_INVALID; i++) {
        jv k = jv_null(), v;

        if (t->kind == BB_T_MAP) {
            if (bb_cur_next(c, &key) != 0 || key.kind != BB_T_STR) {
                jv_free(to);
                return jv_invalid();
            }
            k = jv_string_sized(key.s.len ? key.s.ptr : "", (int)key.s.len);
        }
        v = value_in(w, c, depth + 1);
        if (!jv_is_valid(v)) {
            jv_free(v);
            jv_free(k);
            jv_free(to);
            return jv_invalid();
        }
        to = t->kind == BB_T_MAP ? jv_object_set(to, k, v) : jv_array_append(to, v);
    }
    return to;
}

static jv value_in(struct way *w, struct bb_cur *c, unsigned depth)
{
    struct bb_tok t;

    if (depth > BB_DEPTH_MAX || bb_cur_next(c, &t) != 0) {
        snprintf(w->why, sizeof w->why, "damaged or too deep");
        return jv_invalid();
    }
    switch (t.kind) {
    case BB_T_NIL:
        return jv_null();
    case BB_T_BOOL:
        return t.i ? jv_true() : jv_false();
    case BB_T_INT:
    case BB_T_UINT:
        return integer_in(w, &t);
    case BB_T_STR:
        return jv_string_sized(t.s.len ? t.s.ptr : "", (int)t.s.len);
    case BB_T_DECIMAL:
        return number_in(w, t.s);
    case BB_T_ARRAY:
    case BB_T_MAP:
        return members_in(w, c, &t, depth);
    default:
        snprintf(w->why, sizeof w->why, "%s is nothing that jq knows", "a value of another kind");
        return jv_invalid();
    }
}

/* ---- out ------------------------------------------------------------------------------------------- */
static int number_out(struct way *w, double d, struct bb_buf *out)
{
    char text[32];

    if (!isfinite(d) || fabs(d) > EXACT_MAX) {
        snprintf(w->why, sizeof w->why, isfinite(d) ? "%.17g came out: past 2^53 jq's integers are not exact"
                                                    : "%g came out, which is no number", d);
        return -1;
    }
    if (d == floor(d)) {
        bb_put_int(out, (int64_t)d);
        return 0;
    }
    double_text(d, text);
    bb_put_decimal(out, text, strlen(text));
    return 0;
}

static int string_out(jv v, struct bb_buf *out)
{
    bb_put_str(out, jv_string_value(v), (size_t)jv_string_length_bytes(jv_copy(v)));
    return 0;
}

/* v is consumed. */
static int value_out(struct way *w, jv v, unsigned depth, struct bb_buf *out)
{
    int rc = 0, n;

    if (depth > BB_DEPTH_MAX) {
        snprintf(w->why, sizeof w->why, "what came out nests deeper than %d levels", BB_DEPTH_MAX);
        jv_free(v);
        return -1;
    }
    switch (jv_get_kind(v)) {
    case JV_KIND_NULL:
        bb_put_nil(out);
        break;
    case JV_KIND_FALSE:
    case JV_KIND_TRUE:
        bb_put_bool(out, jv_get_kind(v) == JV_KIND_TRUE);
        break;
    case JV_KIND_NUMBER:
        rc = number_out(w, jv_number_value(v), out);
        break;
    case JV_KIND_STRING:
        rc = string_out(v, out);
        break;
    case JV_KIND_ARRAY:
        n = jv_array_length(jv_copy(v));
        bb_put_array(out, (uint32_t)n);
        for (int i = 0; i < n && rc == 0 && !out->failed; i++)
            rc = value_out(w, jv_array_get(jv_copy(v), i), depth + 1, out);
        break;
    case JV_KIND_OBJECT:
        bb_put_map(out, (uint32_t)jv_object_length(jv_copy(v)));
        for (int i = jv_object_iter(v); rc == 0 && !out->failed && jv_object_iter_valid(v, i);
             i = jv_object_iter_next(v, i)) {
            jv key = jv_object_iter_key(v, i);

            string_out(key, out);
            jv_free(key);
            rc = value_out(w, jv_object_iter_value(v, i), depth + 1, out);
        }
        break;
    default:
        rc = -1;
    }
    jv_free(v);
    return rc;
}

/* ---- apply ------------------------------------------------------------------------------------------- */
static bb_status fail(struct bb_apply *a, const char *why)
{
    return bb_apply_reject(a, "mapping", "step %u (jq): %.160s", a->step, *why ? why : "out of memory");
}

/* The program's own error(...) */
static bb_status program_failed(struct bb_apply *a, jv invalid)
{
    jv msg = jv_invalid_get_msg(invalid);
    char text[TEXT_MAX] = "the program failed";
    bb_status s;

    if (jv_get_kind(msg) != JV_KIND_STRING)
        msg = jv_dump_string(msg, 0);
    snprintf(text, sizeof text, "%s", jv_string_value(msg));
    jv_free(msg);
    s = fail(a, text);
    return s;
}

/* All that the program gives, one after the other: BB_OK with how many. */
static bb_status run(struct bb_apply *a, struct way *w, jq_state *jq, struct bb_buf *values, uint32_t *n)
{
    uint32_t most = w->q->collect ? VALUES_MAX : 1;
    jv v = jq_next(jq);

    for (*n = 0; jv_is_valid(v); v = jq_next(jq)) {
        if (*n == most) {
            jv_free(v);
            return fail(a, w->q->collect ? "the program gives more than 16384 values"
                                         : "the program gives several values: with collect: true they become "
                                           "a list, which split can take apart");
        }
        ++*n;
        if (value_out(w, v, 3, values) != 0)
            return fail(a, w->why);
        if (values->failed)
            return fail(a, "what the program gives is too large");
    }
    if (jv_invalid_has_msg(jv_copy(v)))
        return program_failed(a, v);
    jv_free(v);
    return BB_OK;
}

/* [attributes, value], or what the program made of a whole message. */
static bb_status message_put(struct bb_apply *a, const struct jq *q, const struct bb_envelope *e,
                             struct bb_bytes values, uint32_t n, struct bb_buf *out)
{
    struct bb_fault bad = {0};
    struct bb_bytes attributes = e->attributes, data = values;
    size_t from = out->len;

    if (q->whole) {
        if (q->collect || bb_map_get(values, "attributes", &attributes) != 1 ||
            bb_map_get(values, "data", &data) != 1)
            return fail(a, "with input: message the program gives {attributes, data}");
    }
    bb_put_array(out, 2);
    bb_put_raw(out, attributes);
    if (q->collect)
        bb_put_array(out, n);
    bb_put_raw(out, data);
    if (!out->failed &&
        bb_message_check((struct bb_bytes){out->ptr + from, out->len - from}, &bad) != 0) {
        char why[TEXT_MAX];

        snprintf(why, sizeof why, "what the program gives is no message: %.110s", bad.text);
        return fail(a, why);
    }
    return BB_OK;
}

static jv input_make(struct way *w, const struct bb_envelope *e)
{
    struct bb_cur c = bb_cur_of(e->data), attributes = bb_cur_of(e->attributes);
    jv data = value_in(w, &c, 2), all;

    if (!w->q->whole || !jv_is_valid(data))
        return data;
    all = value_in(w, &attributes, 2);
    if (!jv_is_valid(all)) {
        jv_free(data);
        return all;
    }
    return jv_object_set(jv_object_set(jv_object(), jv_string("attributes"), all), jv_string("data"), data);
}

static bb_status jq_apply(const void *self, struct bb_apply *a, struct bb_bytes whole, struct bb_buf *out)
{
    struct jq *q = (struct jq *)(uintptr_t)self; /* but for the list of idle programs it is only read */
    struct way w = {.q = q};
    struct bb_envelope e;
    struct bb_buf values;
    struct program *p;
    uint32_t n = 0;
    bb_status s;
    jv in;

    if (whole.len > INPUT_MAX)
        return fail(a, "a message of more than 4 MiB is too much for jq: use map");
    if (bb_envelope_read(whole, &e, NULL) != 0)
        return fail(a, "damaged message");
    in = input_make(&w, &e);
    if (!jv_is_valid(in)) {
        jv_free(in);
        return *w.why ? fail(a, w.why) : BB_E_RETRY;
    }
    p = program_take(q);
    if (!p) {
        jv_free(in);
        return BB_E_RETRY;
    }
    bb_buf_init(&values, out->max);
    jq_start(p->jq, in, 0);
    s = run(a, &w, p->jq, &values, &n);
    jq_start(p->jq, jv_null(), 0); /* lets go of what the run still holds */
    program_give(q, p);
    if (s == BB_OK && !n && !q->collect) {
        bb_fail(a->err, "step %u (jq): the program gives nothing", a->step);
        s = BB_E_CANCEL;
    } else if (s == BB_OK) {
        s = message_put(a, q, &e, (struct bb_bytes){values.ptr, values.len}, n, out);
    }
    bb_buf_free(&values);
    return s;
}

const struct bb_step_ops bb_step_jq = {.name = "jq", .pure = true, .foreign = true,
                                       .compile = jq_compile_step, .apply = jq_apply, .free = jq_free};

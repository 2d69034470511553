/*
 * program.c - jq programs: their configuration, the head that hides all but the input, compiling
 *
 * Thread: compiling one at a time; taking and giving back on any. Ownership: a step owns its programs.
 */
#include "core/transform/jq/jq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM_MAX (64u << 10)

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

struct said { /* libjq's first words */
    char text[BB_JQ_TEXT_MAX];
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
        snprintf(s->text, sizeof s->text, "%.*s", (int)(n < BB_JQ_TEXT_MAX - 1 ? n : BB_JQ_TEXT_MAX - 1), text);
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
    if (jq_compile(jq, program)) {
        jq_set_error_cb(jq, NULL, NULL); /* s is the caller's */
        return jq;
    }
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
static int program_check(struct bb_compile *c, struct bb_jq *q, struct bb_bytes text, const char *file)
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

static int options_read(struct bb_compile *c, struct bb_bytes config, struct bb_jq *q, struct bb_bytes *text,
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

int bb_jq_compile(struct bb_compile *c, struct bb_bytes config, void **self)
{
    struct bb_jq *q = *self = calloc(1, sizeof *q);
    struct bb_bytes text = {NULL, 0};
    const char *file = NULL;

    if (!q)
        return bb_compile_say(c, "out of memory");
    pthread_mutex_init(&q->lock, NULL);
    if (options_read(c, config, q, &text, &file) != 0)
        return -1;
    return program_check(c, q, text, file);
}

void bb_jq_free(void *self)
{
    struct bb_jq *q = self;

    while (q && q->idle) {
        struct bb_jq_program *p = q->idle;

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

struct bb_jq_program *bb_jq_take(struct bb_jq *q)
{
    struct bb_jq_program *p;
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
    if (!p || p->jq)
        return p;
    free(p);
    return NULL;
}

void bb_jq_give(struct bb_jq *q, struct bb_jq_program *p)
{
    pthread_mutex_lock(&q->lock);
    p->next = q->idle;
    q->idle = p;
    pthread_mutex_unlock(&q->lock);
}

/*
 * compile.c - the list of steps, from the configuration or from a program, to a compiled transform
 *
 * A program is {"steps": [...], "files": {name: value}}. The same code compiles both, so that what
 * `busbar check` accepts a host accepts. Compiling goes on after a mistake: each is reported with
 * the file and the pointer where it stands.
 *
 * Thread: any. Ownership: a transform owns its steps; the names of files belong to the compile.
 */
#include "core/transform/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table of steps: a new one is a row here. */
static const struct bb_step_ops *const kinds[] = {
    &bb_step_map,       &bb_step_jq,        &bb_step_require,  &bb_step_enrich,   &bb_step_plugin,      &bb_step_split,
    &bb_step_explode,   &bb_step_bom,       &bb_step_bom_split, &bb_step_bom_merge, &bb_step_bom_diff,  &bb_step_bom_apply,
    &bb_step_bom_carries, &bb_step_emit,
};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---- places ------------------------------------------------------------------------------------ */
void bb_compile_down(struct bb_compile *c, struct bb_bytes key)
{
    if (c->n < BB_PLACE_DEPTH)
        c->part[c->n] = key;
    c->n++; /* deeper than that, the place shown is the nearest above */
}

void bb_compile_down_n(struct bb_compile *c, uint32_t index)
{
    char *text = c->n < BB_PLACE_DEPTH ? c->numbers[c->n] : NULL;
    struct bb_bytes key = {text, 0};

    if (text)
        key.len = (size_t)snprintf(text, sizeof c->numbers[0], "%u", index);
    bb_compile_down(c, key);
}

void bb_compile_up(struct bb_compile *c)
{
    c->n--;
}

struct bb_compile_place bb_compile_enter(struct bb_compile *c, const char *file)
{
    struct bb_compile_place before = {c->file, c->n, c->base};

    c->file = file;
    c->base = c->n;
    return before;
}

void bb_compile_leave(struct bb_compile *c, struct bb_compile_place before)
{
    c->file = before.file;
    c->n = before.n;
    c->base = before.base;
}

static void place_text(const struct bb_compile *c, char *pointer, size_t cap)
{
    size_t len = 0;

    pointer[0] = '\0';
    for (uint32_t k = c->base; k < c->n && k < BB_PLACE_DEPTH; k++) {
        const char *p = c->part[k].ptr;

        if (len + 2 * c->part[k].len + 2 > cap)
            return;
        pointer[len++] = '/';
        for (size_t i = 0; i < c->part[k].len; i++) {
            if (p[i] == '~' || p[i] == '/')
                pointer[len++] = '~';
            pointer[len++] = (char)(p[i] == '~' ? '0' : p[i] == '/' ? '1' : p[i]);
        }
        pointer[len] = '\0';
    }
}

static int say(struct bb_compile *c, const char *text)
{
    char pointer[BB_PLACE_BYTES];

    place_text(c, pointer, sizeof pointer);
    if (!c->mistakes++) {
        if (c->source->say) /* the place is told apart */
            bb_fail(c->err, "%s", text);
        else
            bb_fail(c->err, "%s%s%s: %s", c->file ? c->file : "", c->file ? " at " : "", pointer, text);
    }
    if (c->source->say)
        c->source->say(c->source->arg, c->file, pointer, text);
    return -1;
}

int bb_compile_say(struct bb_compile *c, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return say(c, text);
}

int bb_compile_say_at(struct bb_compile *c, const char *key, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bb_compile_down(c, (struct bb_bytes){key, strlen(key)});
    say(c, text);
    bb_compile_up(c);
    return -1;
}

int bb_compile_unknown(struct bb_compile *c, const char *what, struct bb_bytes word,
                       const char *const *words, size_t n)
{
    const char *near;
    char text[64], list[300] = "";
    size_t len = 0;

    snprintf(text, sizeof text, "%.*s", (int)(word.len < 60 ? word.len : 60), (const char *)word.ptr);
    near = bb_nearest(text, words, n);
    if (near)
        return bb_compile_say(c, "unknown %s \"%s\"; did you mean \"%s\"?", what, text, near);
    for (size_t k = 0; k < n && len < sizeof list; k++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", k ? ", " : "", words[k]);
    return bb_compile_say(c, "unknown %s \"%s\"; there %s %s", what, text, n == 1 ? "is" : "are", list);
}

/* ---- files --------------------------------------------------------------------------------------- */
int bb_compile_file(struct bb_compile *c, struct bb_bytes name, struct bb_bytes *value,
                    const char **kept)
{
    struct bb_compile_file *f = c->files;
    char text[256];
    struct bb_bytes s;
    struct bb_fault why = {0, ""};
    int rc = -1;

    if (bb_as_str(name, &s) != 1 || s.len == 0 || s.len >= sizeof text || memchr(s.ptr, 0, s.len))
        return bb_compile_say(c, "must be the name of a file, at most %zu bytes", sizeof text - 1);
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    for (; f < c->files + c->n_files; f++)
        if (strcmp(f->name, text) == 0)
            goto found;
    if (c->n_files == BB_FILES_MAX)
        return bb_compile_say(c, "a route's steps name at most %d files", BB_FILES_MAX);
    if (c->packed.ptr)
        rc = bb_map_get(c->packed, text, &f->value) == 1
                 ? 0 : bb_fail(&why, "the program lacks the file %s", text);
    else if (c->source->file)
        rc = c->source->file(c->source->arg, text, &f->value, &why);
    else
        bb_fail(&why, "files cannot be read here");
    if (rc != 0 && !*why.text)
        c->mistakes++; /* the file's own mistakes have been reported */
    else if (rc != 0)
        bb_compile_say(c, "%s", why.text);
    if (rc != 0)
        return -1;
    f->name = strdup(text);
    if (!f->name)
        return bb_compile_say(c, "out of memory");
    c->n_files++;
found:
    *value = f->value;
    *kept = f->name;
    return 0;
}

/* It travels in the program like a file. */
int bb_compile_plugin(struct bb_compile *c, const char *connector, struct bb_bytes *value)
{
    struct bb_compile_file *f = &c->files[c->n_files];
    struct bb_fault why = {0, ""};
    const char *key = "connector";
    char name[32];
    int rc = -1;

    if (c->n_files == BB_FILES_MAX)
        return bb_compile_say(c, "a route's steps name at most %d files and plugins", BB_FILES_MAX);
    snprintf(name, sizeof name, "plugin %u", c->step);
    if (c->packed.ptr)
        rc = bb_map_get(c->packed, name, value) == 1 ? 0 : bb_fail(&why, "the program lacks it");
    else if (c->source->plugin)
        rc = c->source->plugin(c->source->arg, c->step, connector, value, &key, &why);
    else
        bb_fail(&why, "no plugin can be used here");
    if (rc != 0 && !*why.text)
        c->mistakes++; /* its configuration's mistakes have been said */
    else if (rc != 0)
        bb_compile_say_at(c, key, "%s", why.text);
    if (rc != 0)
        return -1;
    f->name = strdup(name);
    if (!f->name)
        return bb_compile_say(c, "out of memory");
    f->value = *value;
    c->n_files++;
    return 0;
}

/* ---- reading values ------------------------------------------------------------------------------ */
bool bb_group_of(struct bb_bytes v, uint32_t kind, struct bb_cur *c, uint32_t *n)
{
    struct bb_tok t;

    *c = bb_cur_of(v);
    if (bb_cur_next(c, &t) != 0 || t.kind != kind)
        return false;
    *n = t.n;
    return true;
}

int bb_pair_next(struct bb_cur *c, struct bb_bytes *key, struct bb_bytes *value)
{
    struct bb_bytes k;

    return bb_cur_value(c, &k) == 0 && bb_as_str(k, key) && bb_cur_value(c, value) == 0 ? 0 : -1;
}

bool bb_one_pair(struct bb_bytes v, struct bb_bytes *key, struct bb_bytes *value)
{
    struct bb_cur c;
    uint32_t n;

    return bb_group_of(v, BB_T_MAP, &c, &n) && n == 1 && bb_pair_next(&c, key, value) == 0;
}

uint32_t bb_word_of(struct bb_bytes word, const char *const *words, uint32_t n)
{
    uint32_t k = 0;

    while (k < n && !bb_bytes_are(word, words[k]))
        k++;
    return k;
}

const char *bb_kind_of(struct bb_bytes v)
{
    static const char *const names[] = {
        [BB_T_NIL] = "nothing",  [BB_T_BOOL] = "true or false", [BB_T_INT] = "a number",
        [BB_T_UINT] = "a number", [BB_T_STR] = "a text",        [BB_T_BIN] = "bytes",
        [BB_T_DECIMAL] = "a number", [BB_T_ARRAY] = "a list",   [BB_T_MAP] = "a map",
        [BB_T_FLOAT] = "a float", [BB_T_EXT] = "an unknown value"};
    struct bb_cur c = bb_cur_of(v);
    struct bb_tok t;

    return bb_cur_next(&c, &t) == 0 && t.kind <= BB_T_EXT ? names[t.kind] : "damaged";
}

/* ---- steps ----------------------------------------------------------------------------------------- */
static int step_read(struct bb_compile *c, struct bb_bytes key, struct bb_bytes config,
                     struct bb_transform *t)
{
    const char *names[KINDS];
    struct bb_step *s = &t->steps[t->n];
    uint32_t k;
    int rc;

    for (k = 0; k < KINDS; k++)
        names[k] = kinds[k]->name;
    k = bb_word_of(key, names, KINDS);
    if (k == KINDS)
        return bb_compile_unknown(c, "step", key, names, KINDS);
    if (c->source->accept && !kinds[k]->checks)
        return bb_compile_say(c, "accept only looks at messages, and %s changes them: it belongs into a "
                                 "route's transform", kinds[k]->name);
    s->ops = kinds[k];
    s->number = c->step;
    if (c->step > 1 && c->ends)
        return bb_compile_say(c, "step %u (%s) leaves nothing for a step behind it", c->ends, c->ends_with);
    if (s->ops->splits) {
        c->ends = c->step;
        c->ends_with = s->ops->name;
    }
    if (c->rule)
        c->rule(c->rule_arg, c->step, NULL, s->ops->name);
    rc = s->ops->compile(c, config, &s->self);
    if (rc == 0 && s->self)
        t->n++;
    else if (s->self)
        s->ops->free(s->self);
    t->impure |= !s->ops->pure && rc == 0;
    return rc;
}

static int steps_read(struct bb_compile *c, struct bb_bytes steps, struct bb_transform *t)
{
    struct bb_bytes step, key, val;
    struct bb_cur cur;
    uint32_t n;

    if (!bb_group_of(steps, BB_T_ARRAY, &cur, &n))
        return bb_compile_say(c, "%s takes a list of steps, such as - %s", c->source->accept ? "accept" : "transform",
                              c->source->accept ? "require: {present: [/data/item]}" : "map: [...]");
    if (n > BB_STEPS_MAX)
        return bb_compile_say(c, "a route has at most %d steps", BB_STEPS_MAX);
    t->steps = calloc(n + 1, sizeof *t->steps);
    if (!t->steps)
        return bb_compile_say(c, "out of memory");
    for (uint32_t k = 0; k < n; k++) {
        struct bb_compile_place here = bb_compile_enter(c, NULL);

        bb_compile_down_n(c, k);
        c->step = k + 1;
        if (bb_cur_value(&cur, &step) != 0)
            return bb_compile_say(c, "damaged configuration");
        if (bb_one_pair(step, &key, &val)) {
            bb_compile_down(c, key);
            step_read(c, key, val, t);
        } else {
            bb_compile_say(c, "a step is a map with one key, such as - map: [...]");
        }
        bb_compile_leave(c, here);
    }
    return c->mistakes ? -1 : 0;
}

/* {"steps": ..., "files": ...} into the buffer that asked for it. */
static void program_write(struct bb_compile *c, struct bb_bytes steps)
{
    struct bb_buf *b = c->source->program;

    bb_put_map(b, 2);
    bb_put_cstr(b, "steps");
    bb_put_raw(b, steps);
    bb_put_cstr(b, "files");
    bb_put_map(b, c->n_files);
    for (uint32_t k = 0; k < c->n_files; k++) {
        bb_put_cstr(b, c->files[k].name);
        bb_put_raw(b, c->files[k].value);
    }
    if (b->failed || b->len > BB_PROGRAM_MAX)
        bb_compile_say(c, "the steps and the files that they name are larger than %u MiB together",
                       BB_PROGRAM_MAX >> 20);
}

static void compile_all(struct bb_compile *c, struct bb_bytes steps, struct bb_transform *t)
{
    struct bb_bytes inside;

    if (bb_map_get(steps, "steps", &inside) == 1 && bb_map_get(steps, "files", &c->packed) == 1)
        steps = inside;
    if (steps_read(c, steps, t) == 0 && c->source->program && t->n)
        program_write(c, steps);
    t->impure |= c->impure;
}

static struct bb_transform *compile(struct bb_bytes steps, const struct bb_transform_source *source,
                                    bb_transform_rule_fn *rule, void *rule_arg, struct bb_fault *err)
{
    static const struct bb_transform_source nothing;
    struct bb_fault unused;
    struct bb_transform *t;
    struct bb_compile *c;

    err = err ? err : &unused;
    err->offset = 0;
    err->text[0] = '\0';
    if (steps.len == 0)
        return NULL;
    t = calloc(1, sizeof *t);
    c = calloc(1, sizeof *c);
    if (t && c) {
        c->source = source ? source : &nothing;
        c->err = err;
        c->rule = rule;
        c->rule_arg = rule_arg;
        compile_all(c, steps, t);
    } else {
        bb_fail(err, "out of memory");
    }
    if (!c || c->mistakes || !t || t->n == 0) /* an empty list is no transform: text stays "" */
        bb_transform_free(&t);
    for (uint32_t k = 0; c && k < c->n_files; k++)
        free(c->files[k].name);
    if (c && c->mistakes && !*err->text)
        bb_fail(err, "a file of the transform cannot be used");
    free(c);
    return t;
}

struct bb_transform *bb_transform_compile(struct bb_bytes steps,
                                          const struct bb_transform_source *source,
                                          struct bb_fault *err)
{
    return compile(steps, source, NULL, NULL, err);
}

void bb_transform_list(struct bb_bytes program, bb_transform_rule_fn *fn, void *arg)
{
    struct bb_transform *t = compile(program, NULL, fn, arg, NULL);

    bb_transform_free(&t);
}

void bb_transform_free(struct bb_transform **tp)
{
    struct bb_transform *t = *tp;

    if (!t)
        return;
    for (uint32_t k = 0; k < t->n; k++)
        t->steps[k].ops->free(t->steps[k].self);
    free(t->steps);
    free(t);
    *tp = NULL;
}

bool bb_transform_is_foreign(const struct bb_transform *t)
{
    for (uint32_t k = 0; k < t->n; k++)
        if (t->steps[k].ops->foreign)
            return true;
    return false;
}

bool bb_transform_splits(const struct bb_transform *t)
{
    return t->n && t->steps[t->n - 1].ops->splits;
}

bool bb_transform_is_pure(const struct bb_transform *t)
{
    return !t->impure;
}

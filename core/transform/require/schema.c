/*
 * schema.c - require's schema: a JSON Schema with all that it refers to, as files of the program
 *
 *   schema: mfg.bom/1                   by name, from the schema path (docs/model.md)
 *   schema: {file: schemas/acme.json}   a file of the configuration's
 *
 * The texts travel with the program like maps and tables, so a host compiles what the core checked. They
 * are put into one document, each as a resource of its own under its $id, and compiled as that: no folder
 * is looked into. Only urn:busbar:schema:NAME:MAJOR is followed into another text.
 *
 * Thread: applying on any; each check takes a run (a thread's memory) from the schema's list.
 * Ownership: a schema owns its program and its runs.
 */
#include "core/schema/schema.h"
#include "core/transform/require/require.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>

#define URN "urn:busbar:schema:"
#define DOCS_MAX 32
#define NAME_MAX_BYTES 100
#define BUNDLE_MAX (8u << 20)

struct run {
    struct run *next;
    struct bb_schema_run *run;
};
struct bb_require_schema {
    struct bb_schema *schema;
    pthread_mutex_t lock;
    struct run *idle; /* under lock */
};

/* ---- the texts ------------------------------------------------------------------------------------ */
struct doc {
    char name[NAME_MAX_BYTES]; /* NAME/MAJOR, or the file's */
    const char *file;          /* the compile's name for it */
    struct bb_bytes text;
    unsigned line; /* of its first line in the bundle, from 1 */
};
struct bundle {
    struct bb_compile *c;
    struct doc docs[DOCS_MAX];
    uint32_t n;
};

/* NAME/MAJOR: lower-case words joined by - and ., a dot at least; a whole number from 1. */
static bool name_valid(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-"), digits = strspn(s + n + (s[n] == '/'), "0123456789");

    return n && s[n] == '/' && memchr(s, '.', n) && *s != '.' && *s != '-' && s[n - 1] != '.' && s[n - 1] != '-' &&
           !strstr(s, "..") && digits && digits < 6 && s[n + 1] != '0' && !s[n + 1 + digits];
}

static int doc_add(struct bundle *b, const char *name, struct bb_bytes file)
{
    struct doc *d = &b->docs[b->n];
    struct bb_bytes value;

    if (b->n == DOCS_MAX)
        return bb_compile_say(b->c, "a schema refers to at most %d others", DOCS_MAX - 1);
    snprintf(d->name, sizeof d->name, "%s", name);
    if (bb_compile_file(b->c, file, &value, &d->file) != 0)
        return -1;
    if (bb_as_str(value, &d->text) != 1)
        return bb_compile_say(b->c, "that is no schema: its name ends in .json");
    b->n++;
    return 0;
}

static int doc_named(struct bundle *b, const char *name)
{
    char file[NAME_MAX_BYTES + 16];
    struct bb_buf v;
    int rc;

    for (uint32_t k = 0; k < b->n; k++)
        if (strcmp(b->docs[k].name, name) == 0)
            return 0;
    if (!name_valid(name))
        return bb_compile_say(b->c, "\"%.80s\" names no schema: it is NAME/MAJOR, such as mfg.bom/1", name);
    snprintf(file, sizeof file, "schema:%s", name);
    bb_buf_init(&v, 256);
    bb_put_cstr(&v, file);
    rc = v.failed ? bb_compile_say(b->c, "out of memory") : doc_add(b, name, (struct bb_bytes){v.ptr, v.len});
    bb_buf_free(&v);
    return rc;
}

/* The texts that this one refers to: "$ref": "urn:busbar:schema:NAME:MAJOR#...". */
static int doc_follow(struct bundle *b, const struct doc *d)
{
    const char *p = d->text.ptr, *end = p + d->text.len;

    while ((p = memmem(p, (size_t)(end - p), "ref\"", 4)) != NULL) { /* $ref, $dynamicRef */
        char name[NAME_MAX_BYTES];
        const char *q = p += 4, *to, *colon;

        while (q < end && (isspace((unsigned char)*q) || *q == ':'))
            q++;
        if ((size_t)(end - q) <= sizeof URN || *q != '"' || memcmp(q + 1, URN, sizeof URN - 1) != 0)
            continue;
        q += sizeof URN;
        to = q;
        while (to < end && *to != '#' && *to != '"')
            to++;
        colon = memrchr(q, ':', (size_t)(to - q));
        if (!colon || (size_t)(to - q) >= sizeof name)
            continue; /* the compiler will say that it is not there */
        snprintf(name, sizeof name, "%.*s/%.*s", (int)(colon - q), q, (int)(to - colon - 1), colon + 1);
        if (doc_named(b, name) != 0)
            return -1;
    }
    return 0;
}

static unsigned lines_of(struct bb_bytes text)
{
    const char *p = text.ptr, *end = p + text.len;
    unsigned n = 0;

    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        n++;
        p++;
    }
    return n;
}

/* Whether the text is an object without an $id, and empty: 1, 0. */
static bool is_anonymous(struct bb_bytes text, bool *empty)
{
    struct bb_bytes key, value;
    struct bb_fault ignored;
    struct bb_buf v;
    struct bb_cur c;
    uint32_t n = 0;
    bool found = false, map;

    bb_buf_init(&v, BUNDLE_MAX);
    map = bb_json_read(text, &v, &ignored) == 0 && bb_group_of((struct bb_bytes){v.ptr, v.len}, BB_T_MAP, &c, &n);
    *empty = n == 0;
    for (; map && n && !found && bb_pair_next(&c, &key, &value) == 0; n--)
        found = bb_bytes_are(key, "$id");
    bb_buf_free(&v);
    return map && !found;
}

/* The text as a resource of its own, so that "#/..." in it means itself: with an $id when it has none. */
static void doc_write(const struct doc *d, uint32_t k, struct bb_buf *out)
{
    const char *p = d->text.ptr, *brace = memchr(p, '{', d->text.len);
    char id[64];
    bool empty;

    if (brace && is_anonymous(d->text, &empty)) {
        bb_buf_put(out, p, (size_t)(++brace - p));
        bb_buf_put(out, id, (size_t)snprintf(id, sizeof id, "\"$id\":\"urn:busbar:require:%u\"%s", k, empty ? "" : ","));
        bb_buf_put(out, brace, (size_t)(p + d->text.len - brace));
    } else {
        bb_buf_put(out, p, d->text.len);
    }
}

/* {"$id": .., "$ref": "urn of the first" or "#/$defs/0", "$defs": {"0": text, ...}} */
static int bundle_write(struct bundle *b, struct bb_buf *out)
{
    char head[512], name[NAME_MAX_BYTES], *slash;
    unsigned line = 2;

    snprintf(name, sizeof name, "%s", b->docs[0].name);
    slash = strchr(name, '/');
    if (slash)
        *slash = ':';
    snprintf(head, sizeof head, "{\"$schema\":\"" BB_SCHEMA_DRAFT "\",\"$id\":\"urn:busbar:require\",\"$ref\":\"%s%s\","
             "\"$defs\":{\n", strncmp(b->docs[0].file, "schema:", 7) == 0 ? URN : "#/$defs/0",
             strncmp(b->docs[0].file, "schema:", 7) == 0 ? name : "");
    bb_buf_put(out, head, strlen(head));
    for (uint32_t k = 0; k < b->n; k++) {
        struct doc *d = &b->docs[k];

        snprintf(head, sizeof head, "%s\"%u\":\n", k ? "," : "", k);
        bb_buf_put(out, head, strlen(head));
        d->line = line + 1;
        doc_write(d, k, out);
        bb_buf_put(out, "\n", 1);
        line += 2 + lines_of(d->text);
    }
    bb_buf_put(out, "}}", 2);
    return out->failed ? bb_compile_say(b->c, "the schema and what it refers to are larger than %u MiB",
                                        BUNDLE_MAX >> 20) : 0;
}

/* A note of the bundle's compile, at its own text's line. */
static void note_say(struct bundle *b, const struct bb_schema_note *note)
{
    struct bb_compile_place here;
    uint32_t k = b->n;

    while (k && note->line < b->docs[k - 1].line)
        k--;
    if (!k) {
        bb_compile_say(b->c, "schema: %.300s", note->text);
        return;
    }
    here = bb_compile_enter(b->c, b->docs[k - 1].file);
    bb_compile_down_n(b->c, note->line - b->docs[k - 1].line);
    bb_compile_say(b->c, "schema: %.300s", note->text);
    bb_compile_up(b->c);
    bb_compile_leave(b->c, here);
}

static struct bb_schema *bundle_compile(struct bundle *b)
{
    struct bb_schema_options options = {.formats = true};
    struct bb_schema_notes notes = {0};
    struct bb_schema *schema = NULL;
    struct bb_buf text;
    bool said = false;

    bb_buf_init(&text, BUNDLE_MAX);
    if (bundle_write(b, &text) == 0)
        schema = bb_schema_compile("require", (struct bb_bytes){text.ptr, text.len}, &options, &notes);
    for (size_t k = 0; !schema && k < notes.n; k++)
        if (notes.v[k].error) {
            note_say(b, &notes.v[k]);
            said = true;
        }
    if (!schema && !said && !text.failed)
        bb_compile_say(b->c, "the schema cannot be compiled");
    bb_schema_notes_free(&notes);
    bb_buf_free(&text);
    return schema;
}

/* ---- compile, free ----------------------------------------------------------------------------------- */
int bb_require_schema_read(struct bb_compile *c, struct bb_bytes v, struct bb_require_schema **out)
{
    struct bundle *b = calloc(1, sizeof *b);
    struct bb_require_schema *s = *out = calloc(1, sizeof *s);
    struct bb_bytes key, file, word;
    char name[NAME_MAX_BYTES] = "";
    int rc = -1;

    if (s)
        pthread_mutex_init(&s->lock, NULL);
    if (!b || !s) {
        bb_compile_say(c, "out of memory");
        goto out;
    }
    b->c = c;
    if (bb_as_str(v, &word) == 1) {
        snprintf(name, sizeof name, "%.*s", (int)(word.len < sizeof name ? word.len : sizeof name - 1),
                 (const char *)word.ptr);
        rc = doc_named(b, name);
    } else if (bb_one_pair(v, &key, &file) && bb_bytes_are(key, "file")) {
        bb_compile_down(c, key);
        rc = doc_add(b, "", file);
        bb_compile_up(c);
    } else {
        bb_compile_say(c, "expected a schema's name such as mfg.bom/1, or {file: schemas/acme.json}");
    }
    for (uint32_t k = 0; rc == 0 && k < b->n; k++) /* it grows on the way */
        rc = doc_follow(b, &b->docs[k]);
    if (rc == 0)
        s->schema = bundle_compile(b);
    rc = s->schema ? 0 : -1;
out:
    free(b);
    return rc;
}

void bb_require_schema_free(struct bb_require_schema *s)
{
    if (!s)
        return;
    while (s->idle) {
        struct run *r = s->idle;

        s->idle = r->next;
        bb_schema_run_free(&r->run);
        free(r);
    }
    bb_schema_free(&s->schema);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- check --------------------------------------------------------------------------------------------- */
static struct run *run_take(struct bb_require_schema *s)
{
    struct run *r;

    pthread_mutex_lock(&s->lock);
    r = s->idle;
    if (r)
        s->idle = r->next;
    pthread_mutex_unlock(&s->lock);
    if (r)
        return r;
    r = calloc(1, sizeof *r);
    if (r)
        r->run = bb_schema_run_new(0);
    if (!r || r->run)
        return r;
    free(r);
    return NULL;
}

int bb_require_schema_check(struct bb_require_schema *s, struct bb_bytes data, size_t max,
                            bb_require_finding say, void *arg)
{
    const struct bb_schema_error *errors;
    struct run *r = run_take(s);
    size_t n = 0, more = 0;
    int rc;

    if (!r)
        return -1;
    rc = bb_schema_valid(s->schema, data, r->run); /* the usual case, and the quick one */
    if (rc == 0)
        rc = bb_schema_check(s->schema, data, r->run, max);
    if (rc < 0) {
        say(arg, "", bb_schema_fault(r->run), "");
    } else if (rc == 0) {
        errors = bb_schema_errors(r->run, &n, &more);
        for (size_t k = 0; k < n; k++)
            say(arg, errors[k].pointer, errors[k].rule, errors[k].value);
        for (; more; more--)
            say(arg, "", "", "");
    }
    pthread_mutex_lock(&s->lock);
    r->next = s->idle;
    s->idle = r;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

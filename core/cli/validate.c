/*
 * validate.c - busbar validate: documents against a JSON Schema, without a core
 *
 * One schema and files, or --batch: cases that bring their schema along, as test suites do. A case
 * always has its line: "valid", "invalid", or why there is no verdict, which is a failure too.
 * Main thread.
 */
#include "core/cli/cli.h"

#include <string.h>
#include "core/schema/schema.h"

#define LINE_MAX_TEXT 256

static struct bb_schema_options options_of(const struct bb_args *a)
{
    struct bb_schema_options o = {.remotes = a->remotes, .strict = a->strict, .formats = a->formats};

    return o;
}

static struct bb_bytes text_bytes(const char *s)
{
    struct bb_bytes b = {s, strlen(s)};

    return b;
}

/* ---- a document --------------------------------------------------------------------------------- */
static void errors_print(const char *name, struct bb_schema_run *run, int rc)
{
    size_t n, more, i;
    const struct bb_schema_error *e = bb_schema_errors(run, &n, &more);

    if (rc < 0) {
        printf("%s: no verdict: ", name);
        bb_print_text(stdout, "", text_bytes(bb_schema_fault(run)));
        putchar('\n');
        return;
    }
    printf("%s: %s\n", name, rc ? "valid" : "invalid");
    for (i = 0; !rc && i < n; i++) {
        printf("  %s", *e[i].pointer ? "" : "(whole)");
        bb_print_text(stdout, "", text_bytes(e[i].pointer));
        bb_print_text(stdout, ": ", text_bytes(e[i].value));
        bb_print_text(stdout, " ", text_bytes(e[i].rule));
        bb_print_text(stdout, " [", text_bytes(e[i].schema));
        fputs("]\n", stdout);
    }
    if (!rc && more)
        printf("  and %zu more\n", more);
}

static void put_text(struct bb_buf *b, const char *key, const char *text)
{
    bb_put_cstr(b, key);
    bb_put_cstr(b, text);
}

static void errors_json(const char *name, struct bb_schema_run *run, int rc)
{
    size_t n, more, i;
    const struct bb_schema_error *e = bb_schema_errors(run, &n, &more);
    struct bb_buf b;

    n = rc ? 0 : n;
    bb_buf_init(&b, 4u << 20);
    bb_put_map(&b, 4 + (rc < 0));
    put_text(&b, "document", name);
    bb_put_cstr(&b, "valid");
    bb_put_bool(&b, rc == 1);
    if (rc < 0)
        put_text(&b, "fault", bb_schema_fault(run));
    bb_put_cstr(&b, "errors");
    bb_put_array(&b, (uint32_t)n);
    for (i = 0; i < n; i++) {
        bb_put_map(&b, 5);
        put_text(&b, "pointer", e[i].pointer);
        put_text(&b, "keyword", e[i].keyword);
        put_text(&b, "schema", e[i].schema);
        put_text(&b, "value", e[i].value);
        put_text(&b, "rule", e[i].rule);
    }
    bb_put_cstr(&b, "more");
    bb_put_uint(&b, rc ? 0 : more);
    if (b.failed)
        bb_cli_fail("out of memory");
    else
        bb_print_json((struct bb_bytes){b.ptr, b.len}, false);
    bb_buf_free(&b);
}

static int document_check(const struct bb_args *a, const struct bb_schema *s,
                          struct bb_schema_run *run, const char *path)
{
    struct bb_buf text, value;
    struct bb_fault err;
    int rc = bb_read_input(path, &text);

    if (rc != BB_EXIT_OK)
        return rc;
    path = strcmp(path, "-") == 0 ? "stdin" : path;
    bb_buf_init(&value, 2 * text.len + 64);
    if (bb_json_read((struct bb_bytes){text.ptr, text.len}, &value, &err) != 0) {
        rc = bb_cli_fail("%s:byte %zu: %s", path, err.offset, err.text);
    } else {
        int valid = bb_schema_check(s, (struct bb_bytes){value.ptr, value.len}, run,
                                    a->max < SIZE_MAX ? (size_t)a->max : 0);
        (a->json ? errors_json : errors_print)(path, run, valid);
        rc = valid == 1 ? BB_EXIT_OK : BB_EXIT_FAILED;
    }
    bb_buf_free(&value);
    bb_buf_free(&text);
    return rc;
}

static int documents_check(const struct bb_args *a, struct bb_schema_run *run)
{
    struct bb_schema_options o = options_of(a);
    struct bb_schema_notes notes = {0};
    struct bb_schema *s = bb_schema_load(a->schema, &o, &notes);
    int rc = s ? BB_EXIT_OK : BB_EXIT_USAGE, i;

    bb_schema_notes_print(&notes, stderr);
    for (i = 0; s && i < a->n; i++)
        if (document_check(a, s, run, a->rest[i]) != BB_EXIT_OK)
            rc = BB_EXIT_FAILED;
    bb_schema_notes_free(&notes);
    bb_schema_free(&s);
    return rc;
}

/* ---- cases -------------------------------------------------------------------------------------- */
struct batch {
    struct bb_schema_options options;
    struct bb_schema_run *run;
    struct bb_schema *s; /* of the last case, NULL: it was bad */
    struct bb_bytes last;
    char why[LINE_MAX_TEXT];
};

/* Compiles the case's schema, unless it is the one of the case before. */
static void schema_take(struct batch *b, struct bb_bytes schema)
{
    struct bb_schema_notes notes = {0};
    struct bb_buf text;
    size_t i;

    if (b->last.ptr && b->last.len == schema.len &&
        memcmp(b->last.ptr, schema.ptr, schema.len) == 0)
        return;
    b->last = schema;
    bb_schema_free(&b->s);
    bb_buf_init(&text, BB_INPUT_MAX);
    snprintf(b->why, sizeof(b->why), "out of memory");
    if (bb_json_write(schema, &text, NULL) == 0)
        b->s = bb_schema_compile("schema", (struct bb_bytes){text.ptr, text.len}, &b->options,
                                 &notes);
    for (i = 0; i < notes.n; i++)
        if (notes.v[i].error && notes.v[i].text) {
            snprintf(b->why, sizeof(b->why), "%.*s", (int)sizeof(b->why) - 1, notes.v[i].text);
            break;
        }
    bb_schema_notes_free(&notes);
    bb_buf_free(&text);
}

static int case_check(struct batch *b, struct bb_bytes item)
{
    struct bb_bytes schema, document;
    int rc;

    if (bb_map_get(item, "schema", &schema) != 1 || bb_map_get(item, "document", &document) != 1) {
        puts("no verdict: a case is an object with \"schema\" and \"document\"");
        return BB_EXIT_FAILED;
    }
    schema_take(b, schema);
    if (!b->s) {
        fputs("no verdict: bad schema: ", stdout);
        bb_print_text(stdout, "", text_bytes(b->why));
        putchar('\n');
        return BB_EXIT_FAILED;
    }
    rc = bb_schema_valid(b->s, document, b->run);
    if (rc < 0) {
        bb_print_text(stdout, "no verdict: ", text_bytes(bb_schema_fault(b->run)));
        putchar('\n');
    } else {
        puts(rc ? "valid" : "invalid");
    }
    return rc == 1 ? BB_EXIT_OK : BB_EXIT_FAILED;
}

static int batch_check(const struct bb_args *a, struct bb_schema_run *run)
{
    struct batch b = {.options = options_of(a), .run = run};
    struct bb_buf text, value;
    struct bb_bytes item;
    struct bb_fault err;
    struct bb_walk walk;
    int rc = bb_read_input("-", &text);

    if (rc != BB_EXIT_OK)
        return rc;
    bb_buf_init(&value, 2 * (size_t)BB_INPUT_MAX);
    if (bb_json_read((struct bb_bytes){text.ptr, text.len}, &value, &err) != 0) {
        rc = bb_cli_fail("stdin:byte %zu: %s", err.offset, err.text);
    } else if ((*value.ptr & 0xf0) != 0x90 && *value.ptr != 0xdc && *value.ptr != 0xdd) {
        rc = bb_cli_usage("--batch takes a JSON array of cases on stdin");
    } else {
        walk = bb_each((struct bb_bytes){value.ptr, value.len});
        while (bb_each_next(&walk, &item))
            if (case_check(&b, item) != BB_EXIT_OK)
                rc = BB_EXIT_FAILED;
    }
    bb_schema_free(&b.s);
    bb_buf_free(&value);
    bb_buf_free(&text);
    return rc;
}

int bb_cmd_validate(const struct bb_args *a)
{
    struct bb_schema_run *run;
    int rc;

    if (a->batch ? a->schema || a->n : !a->schema || !a->n)
        return bb_cli_usage(a->batch ? "--batch takes its cases from stdin: no --schema, no DOC"
                                     : "something is missing: busbar validate --schema FILE DOC...");
    run = bb_schema_run_new(0);
    if (!run)
        return bb_cli_fail("out of memory");
    rc = a->batch ? batch_check(a, run) : documents_check(a, run);
    bb_schema_run_free(&run);
    return bb_print_end(rc);
}

/*
 * test.c - busbar test: route tests
 *
 * Finds the files, reads all of them before the first test runs, runs one test after the other, and
 * has the results reported. What a test is and how it runs: core/rehearse.
 */
#define _GNU_SOURCE 1
#include "core/cli/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files --------------------------------------------------------------------------------------- */
static int is_test_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".yaml") == 0;
}

static int folder_load(struct test_run *r, const char *dir, const struct bb_config *c, struct bb_diags *d)
{
    struct dirent **v = NULL;
    int n = scandir(dir, &v, is_test_file, alphasort), rc = n < 0 ? -1 : 0;

    if (n < 0)
        bb_config_diag(d, BB_SEV_ERROR, (struct bb_where){0}, "%s cannot be read: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *path = bb_text("%s/%s", dir, v[i]->d_name);

        rc |= path ? bb_cases_load(&r->cases, path, c, d) : -1;
        free(path);
        free(v[i]);
    }
    free(v);
    return rc;
}

static int files_load(struct test_run *r, const struct bb_config *c, struct bb_diags *d)
{
    char *dir = bb_text("%s/tests", r->a->conf);
    struct stat st;
    int rc = 0;

    if (!r->a->n && dir && stat(dir, &st) != 0 && errno == ENOENT)
        bb_config_diag(d, BB_SEV_ERROR, (struct bb_where){0},
                       "there is no folder %s: name a file of tests, or make one there", dir);
    else if (!r->a->n)
        rc = dir ? folder_load(r, dir, c, d) : -1;
    for (int i = 0; i < r->a->n; i++)
        rc |= stat(r->a->rest[i], &st) == 0 && S_ISDIR(st.st_mode)
                  ? folder_load(r, r->a->rest[i], c, d)
                  : bb_cases_load(&r->cases, r->a->rest[i], c, d);
    free(dir);
    return rc || d->errors ? -1 : 0;
}

/* ---- one test ------------------------------------------------------------------------------------ */
static struct bb_bytes copy_of(struct bb_bytes v)
{
    void *p = v.len ? malloc(v.len) : NULL;

    if (p)
        memcpy(p, v.ptr, v.len);
    return (struct bb_bytes){p, p ? v.len : 0};
}

static void on_difference(void *arg, size_t delivery, const char *what, struct bb_bytes expected,
                          struct bb_bytes got)
{
    struct test *t = arg;
    struct test_difference *more = realloc(t->v, (t->n + 1) * sizeof(*more));

    if (!more)
        return;
    t->v = more;
    t->v[t->n++] = (struct test_difference){delivery, strdup(what), copy_of(expected), copy_of(got)};
}

static void test_run_one(struct test_run *r, const struct bb_generation *g, struct test *t)
{
    struct bb_fault err = {0};
    uint64_t began = bb_mono_us();
    size_t n = 0;

    bb_buf_init(&t->result, BB_REPORT_BYTES);
    if (bb_rehearse_apart(g, t->c, r->coverage, &t->result, &err) != 0)
        snprintf(t->error, sizeof(t->error), "%s", err.text);
    else if (!t->c->expect.len)
        snprintf(t->error, sizeof(t->error), "nothing is expected: write \"expect\", or let --update do it");
    else
        n = bb_results_compare(t->c->expect, bb_bytes_of(&t->result), on_difference, t);
    t->passed = !*t->error && n == 0;
    t->us = (int64_t)(bb_mono_us() - began);
}

static int tests_run(struct test_run *r, const struct bb_generation *g)
{
    const char *only = r->a->only;

    r->v = calloc(r->cases.n + 1, sizeof(*r->v));
    if (!r->v)
        return bb_cli_fail("out of memory");
    for (size_t i = 0; i < r->cases.n; i++)
        if (!only || strstr(r->cases.v[i].name, only))
            r->v[r->n++].c = &r->cases.v[i];
    if (!r->n)
        return bb_cli_usage(only ? "no test has \"%s\" in its name" : "there is no test%s", only ? only : "");
    test_text_begin(r);
    for (size_t i = 0; i < r->n; i++) {
        test_run_one(r, g, &r->v[i]);
        r->passed += r->v[i].passed;
        test_text_one(r, &r->v[i], i + 1);
    }
    return BB_EXIT_OK;
}

/* ---- all ----------------------------------------------------------------------------------------- */
static void run_free(struct test_run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct test *t = &r->v[i];

        for (size_t k = 0; k < t->n; k++) {
            free(t->v[k].what);
            free((void *)(uintptr_t)t->v[k].expected.ptr);
            free((void *)(uintptr_t)t->v[k].got.ptr);
        }
        free(t->v);
        bb_buf_free(&t->result);
    }
    free(r->v);
    bb_coverage_free(&r->coverage);
    bb_cases_free(&r->cases);
}

static int report(struct test_run *r)
{
    size_t updated = 0;
    int rc = r->passed == r->n ? BB_EXIT_OK : BB_EXIT_FAILED;

    test_text_end(r);
    if (r->a->json && test_report_json(r) != BB_EXIT_OK)
        rc = BB_EXIT_FAILED;
    if (r->a->junit && test_report_junit(r, r->a->junit) != BB_EXIT_OK)
        rc = BB_EXIT_FAILED;
    if (!r->a->update || rc == BB_EXIT_OK)
        return rc;
    rc = test_update(r, &updated);
    if (updated)
        fprintf(stderr, "%zu test%s updated: look at what changed before you keep it\n", updated,
                updated == 1 ? "" : "s");
    return rc;
}

int bb_cmd_test(const struct bb_args *a)
{
    struct test_run r = {.a = a};
    struct bb_diags d = {0};
    struct bb_generation *g;
    int rc = BB_EXIT_USAGE;

    setenv("BUSBAR_LOG_LEVEL", "error", 0); /* the core's own lines are no part of a report */
    if (a->tap && a->json)
        return bb_cli_usage("--tap and --json both write to stdout: choose one");
    g = bb_generation_rehearse(a->conf, &d);
    if (g && files_load(&r, g->config, &d) == 0) {
        if (a->coverage)
            r.coverage = bb_coverage_new(g);
        bb_diags_print(&d, stderr);
        rc = tests_run(&r, g);
        if (rc == BB_EXIT_OK)
            rc = report(&r);
    } else {
        bb_diags_print(&d, stderr);
        bb_cli_fail("no test was run: the errors above come first");
    }
    run_free(&r);
    bb_generation_free(&g);
    bb_diags_free(&d);
    return bb_print_end(rc);
}

/*
 * test_report.c - results of tests for programs: JSON on stdout, JUnit's XML in a file
 *
 * JUnit: as Jenkins, GitLab and their like read it: one testsuite a file of tests, one testcase a test,
 * <failure> for a difference and <error> for a test that could not run.
 */
#define _GNU_SOURCE 1
#include "core/cli/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON ---------------------------------------------------------------------------------------- */
static void put_value(struct bb_rows *m, const char *key, struct bb_bytes v)
{
    if (v.len)
        bb_put_raw(bb_rows_pair(m, key), v);
}

static void put_test(const struct test *t, struct bb_rows *tests)
{
    struct bb_rows one, list, d;

    bb_rows_begin(&one);
    bb_rows_begin(&list);
    bb_rows_text(&one, "file", t->c->file);
    bb_rows_number(&one, "line", t->c->where.line);
    bb_rows_text(&one, "name", t->c->name);
    bb_rows_flag(&one, "passed", t->passed);
    bb_rows_number(&one, "us", (uint64_t)t->us);
    if (*t->error)
        bb_rows_text(&one, "error", t->error);
    for (size_t i = 0; i < t->n; i++) {
        bb_rows_begin(&d);
        bb_rows_number(&d, "delivery", t->v[i].delivery);
        bb_rows_text(&d, "what", t->v[i].what);
        put_value(&d, "expected", t->v[i].expected);
        put_value(&d, "got", t->v[i].got);
        bb_rows_end_map(&d, bb_rows_item(&list));
    }
    bb_rows_end_array(&list, bb_rows_pair(&one, "differences"));
    put_value(&one, "result", bb_bytes_of(&t->result));
    bb_rows_end_map(&one, bb_rows_item(tests));
}

static void put_coverage(const struct bb_coverage *c, struct bb_rows *m)
{
    const struct bb_coverage_item *v;
    size_t n = bb_coverage_items(c, &v);
    struct bb_rows list, one;

    bb_rows_begin(&list);
    for (size_t i = 0; i < n; i++) {
        bb_rows_begin(&one);
        bb_rows_text(&one, "route", v[i].route);
        if (v[i].step) {
            bb_rows_number(&one, "step", v[i].step);
            bb_rows_text(&one, "name", v[i].name);
        }
        if (v[i].rule)
            bb_rows_text(&one, "rule", v[i].rule);
        bb_rows_number(&one, "ran", v[i].ran);
        bb_rows_end_map(&one, bb_rows_item(&list));
    }
    bb_rows_end_array(&list, bb_rows_pair(m, "coverage"));
}

int test_report_json(const struct test_run *r)
{
    struct bb_rows all, tests;
    struct bb_buf out;
    int rc;

    bb_rows_begin(&all);
    bb_rows_begin(&tests);
    for (size_t i = 0; i < r->n; i++)
        put_test(&r->v[i], &tests);
    bb_rows_number(&all, "passed", r->passed);
    bb_rows_number(&all, "failed", r->n - r->passed);
    bb_rows_end_array(&tests, bb_rows_pair(&all, "tests"));
    if (r->coverage)
        put_coverage(r->coverage, &all);
    bb_buf_init(&out, 4 * BB_REPORT_BYTES);
    bb_rows_end_map(&all, &out);
    rc = bb_print_json(bb_bytes_of(&out), false);
    bb_buf_free(&out);
    return rc;
}

/* ---- JUnit --------------------------------------------------------------------------------------- */
/* Text of XML 1.0: what may not stand there becomes '?'. */
static void put_xml(FILE *out, const char *s, size_t n)
{
    static const struct { char c; const char *text; } marks[] = {
        {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\n', "&#10;"}};

    for (size_t i = 0; i < n; i++) {
        size_t k = 0;

        while (k < sizeof(marks) / sizeof(*marks) && marks[k].c != s[i])
            k++;
        if (k < sizeof(marks) / sizeof(*marks))
            fputs(marks[k].text, out);
        else
            fputc((unsigned char)s[i] < 0x20 && s[i] != '\t' ? '?' : s[i], out);
    }
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    put_xml(out, value, strlen(value));
    fputc('"', out);
}

static void put_xml_value(FILE *out, struct bb_bytes v)
{
    char *text = NULL;
    size_t n = 0;
    FILE *m = open_memstream(&text, &n);

    if (!m)
        return;
    test_text_value(m, v);
    fclose(m);
    put_xml(out, text, n);
    free(text);
}

static void put_testcase(FILE *out, const struct test *t)
{
    fputs("    <testcase", out);
    put_attribute(out, "classname", t->c->file);
    put_attribute(out, "name", t->c->name);
    fprintf(out, " time=\"%.3f\"%s>\n", (double)t->us / 1e6, t->passed ? "/" : "");
    if (t->passed)
        return;
    if (*t->error) {
        fputs("      <error", out);
        put_attribute(out, "message", t->error);
        fputs("/>\n", out);
    }
    if (t->n) {
        fprintf(out, "      <failure message=\"%zu difference%s\">", t->n, t->n == 1 ? "" : "s");
        for (size_t i = 0; i < t->n; i++) {
            fprintf(out, "delivery %zu: ", t->v[i].delivery);
            put_xml(out, t->v[i].what, strlen(t->v[i].what));
            fputs(": expected ", out);
            put_xml_value(out, t->v[i].expected);
            fputs(", got ", out);
            put_xml_value(out, t->v[i].got);
            fputc('\n', out);
        }
        fputs("</failure>\n", out);
    }
    fputs("    </testcase>\n", out);
}

/* The tests of one file, from i on: where the next file's begin. */
static size_t put_suite(FILE *out, const struct test_run *r, size_t i)
{
    const char *file = r->v[i].c->file;
    size_t end = i, failures = 0, errors = 0;
    int64_t us = 0;

    for (; end < r->n && strcmp(r->v[end].c->file, file) == 0; end++) {
        errors += *r->v[end].error != '\0';
        failures += !r->v[end].passed && !*r->v[end].error;
        us += r->v[end].us;
    }
    fputs("  <testsuite", out);
    put_attribute(out, "name", file);
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\" time=\"%.3f\">\n", end - i,
            failures, errors, (double)us / 1e6);
    for (; i < end; i++)
        put_testcase(out, &r->v[i]);
    fputs("  </testsuite>\n", out);
    return end;
}

int test_report_junit(const struct test_run *r, const char *path)
{
    FILE *out = fopen(path, "we");

    if (!out)
        return bb_cli_fail("cannot write %s: %s", path, strerror(errno));
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
    for (size_t i = 0; i < r->n;)
        i = put_suite(out, r, i);
    fputs("</testsuites>\n", out);
    if (ferror(out) | fclose(out))
        return bb_cli_fail("cannot write %s: %s", path, strerror(errno));
    return BB_EXIT_OK;
}

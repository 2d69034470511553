/*
 * schema_bench.c - what checking a message against a schema costs: CPU-seconds a million messages
 *
 *   schema_bench SCHEMA DOCUMENT [million] [runs] [remotes]
 * SCHEMA and DOCUMENT are JSON files; formats are asserted. million (1) times 10^6 checks of the
 * document's canonical bytes, runs (5) times; a line each and the median, which is microseconds a
 * message too. Beside it what one bare walk over the same bytes costs, the canonical check, and reading
 * the document's JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <busbar/json.h>
#include "core/schema/schema.h"

#define RUNS_MAX 99

static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct bb_bytes text; /* of the document */

static struct bb_bytes document_read(const char *path)
{
    struct bb_buf json, value;
    struct bb_fault err = {0};
    FILE *in = fopen(path, "re");
    size_t n;

    bb_buf_init(&json, 64u << 20);
    bb_buf_init(&value, 64u << 20);
    while (in && bb_buf_room(&json, 65536) && (n = fread(json.ptr + json.len, 1, 65536, in)))
        json.len += n;
    text = (struct bb_bytes){json.ptr, json.len};
    if (!in || bb_json_read(text, &value, &err) != 0) {
        fprintf(stderr, "%s: %s\n", path, in ? err.text : "cannot be read");
        exit(1);
    }
    fclose(in);
    return (struct bb_bytes){value.ptr, value.len};
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

enum { VALID, WALK, CANONICAL, JSON };

static double once(int what, const struct bb_schema *s, struct bb_schema_run *run,
                   struct bb_bytes doc, size_t count)
{
    double from = cpu_s();
    size_t i, bad = 0;
    struct bb_buf value;

    bb_buf_init(&value, 64u << 20);
    for (i = 0; i < count; i++) {
        struct bb_cur c = bb_cur_of(doc);
        if (what == VALID)
            bad += bb_schema_valid(s, doc, run) != 1;
        else if (what == WALK)
            bad += bb_cur_skip(&c) != 0;
        else if (what == CANONICAL)
            bad += bb_value_check(doc, NULL) != 0;
        else
            bad += bb_json_read(text, &value, NULL) != 0;
        bb_buf_reset(&value);
    }
    bb_buf_free(&value);
    if (bad) {
        fprintf(stderr, "the document is not valid: measure something that is\n");
        exit(1);
    }
    return (cpu_s() - from) * 1e6 / (double)count;
}

int main(int argc, char **argv)
{
    static const char *names[] = {"valid", "walk", "canonical", "json"};
    struct bb_schema_options options = {.formats = true, .strict = true};
    struct bb_schema_notes notes = {0};
    size_t count = argc > 3 ? strtoul(argv[3], NULL, 10) * 1000000 : 1000000, runs, i;
    struct bb_schema_run *run = bb_schema_run_new(0);
    double v[RUNS_MAX];
    struct bb_schema *s;
    struct bb_bytes doc;
    int what;

    runs = argc > 4 ? strtoul(argv[4], NULL, 10) : 5;
    options.remotes = argc > 5 ? argv[5] : NULL;
    if (argc < 3 || !count || !runs || runs > RUNS_MAX) {
        fprintf(stderr, "usage: schema_bench SCHEMA DOCUMENT [million] [runs] [remotes]\n");
        return 2;
    }
    s = bb_schema_load(argv[1], &options, &notes);
    bb_schema_notes_print(&notes, stderr);
    if (!s || !run)
        return 1;
    doc = document_read(argv[2]);
    printf("%zu bytes, %zu subschemas, %zu checks a run\n", doc.len, bb_schema_nodes(s), count);
    for (what = VALID; what <= JSON; what++) {
        for (i = 0; i < runs; i++)
            v[i] = once(what, s, run, doc, count);
        qsort(v, runs, sizeof(*v), order);
        printf("%-10s %.3f CPU-s a million (median of %zu; %.3f to %.3f)\n", names[what],
               v[runs / 2], runs, v[0], v[runs - 1]);
    }
    bb_schema_free(&s);
    bb_schema_run_free(&run);
    bb_schema_notes_free(&notes);
    free((void *)(uintptr_t)doc.ptr);
    free((void *)(uintptr_t)text.ptr);
    return 0;
}

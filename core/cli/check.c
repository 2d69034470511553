/*
 * check.c - busbar check: what would run, without running it
 *
 * Makes the same generation that `busbar run` would, so what passes here starts there.
 */
#include "core/cli/cli.h"

#include <stdlib.h>
#include "core/hub/generation.h"

static void count(FILE *out, size_t n, const char *one, const char *many)
{
    if (n == 0)
        fprintf(out, "no %s", many);
    else
        fprintf(out, "%zu %s", n, n == 1 ? one : many);
}

int bb_cmd_check(const struct bb_args *a)
{
    struct bb_diags d = {0};
    struct bb_generation *g = bb_generation_load(a->conf, &d);
    size_t warnings = d.n >= d.errors ? d.n - d.errors : 0;
    int rc = g ? BB_EXIT_OK : BB_EXIT_FAILED;

    if (a->json) {
        bb_diags_print_json(&d, stdout);
    } else {
        bb_diags_print(&d, stderr);
        printf("%s: ", a->conf);
        if (g) {
            count(stdout, g->config->n_endpoints, "endpoint", "endpoints");
            fputs(", ", stdout);
            count(stdout, g->config->n_routes, "route", "routes");
            fputs(", ", stdout);
        }
        count(stdout, d.errors, "error", "errors");
        if (warnings) {
            fputs(", ", stdout);
            count(stdout, warnings, "warning", "warnings");
        }
        putchar('\n');
    }
    bb_generation_free(&g);
    bb_diags_free(&d);
    return bb_print_end(rc);
}

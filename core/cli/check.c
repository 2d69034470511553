/*
 * check.c - busbar check: what would run, without running it
 *
 * Makes the same generation that `busbar run` would, so what passes here starts there.
 */
#include "core/cli/cli.h"

#include <stdlib.h>
#include "core/hub/generation.h"

static void count(const char *before, size_t n, const char *noun)
{
    if (n)
        printf("%s%zu %s%s", before, n, noun, n == 1 ? "" : "s");
    else
        printf("%sno %ss", before, noun);
}

int bb_cmd_check(const struct bb_args *a)
{
    struct bb_diags d = {0};
    struct bb_generation *g = bb_generation_load(a->conf, &d);
    int rc = g ? BB_EXIT_OK : BB_EXIT_FAILED;

    if (a->json) {
        bb_diags_print_json(&d, stdout);
    } else {
        bb_diags_print(&d, stderr);
        printf("%s: ", a->conf);
        if (g) {
            count("", g->config->n_endpoints, "endpoint");
            count(", ", g->config->n_routes, "route");
        }
        count(g ? ", " : "", d.errors, "error");
        if (d.n > d.errors)
            count(", ", d.n - d.errors, "warning");
        putchar('\n');
    }
    bb_generation_free(&g);
    bb_diags_free(&d);
    return bb_print_end(rc);
}

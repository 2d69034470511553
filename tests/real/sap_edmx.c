/*
 * sap_edmx.c - $metadata of real services, as it was published: every set has its type and keys, every navigation
 * leads somewhere
 *
 * Usage: sap_edmx FILE... One line a file; exit 1 at the first that is not so.
 */
#include <stdio.h>
#include <stdlib.h>
#include "plugins/sap/edm.h"

static int sound(const struct edm *e, size_t *props)
{
    for (size_t k = 0; k < e->n_types; k++) {
        const struct edm_type *t = &e->types[k];
        size_t keys = 0;
        for (size_t n = 0; n < t->n_props; n++)
            keys += (size_t)t->props[n].key;
        for (size_t n = 0; n < t->n_navs; n++)
            if (!t->navs[n].type)
                return 0;
        if (!keys)
            return 0;
        *props += t->n_props;
    }
    return e->n_sets > 0;
}

int main(int argc, char **argv)
{
    static char text[EDM_TEXT_MAX];

    for (int k = 1; k < argc; k++) {
        FILE *f = fopen(argv[k], "rb");
        size_t n = f ? fread(text, 1, sizeof text, f) : 0, props = 0;
        struct bb_fault err;
        struct edm *e = edm_read((struct bb_bytes){text, n}, &err);
        int good = e && sound(e, &props);

        if (f)
            fclose(f);
        printf("%s: %s%zu sets, %zu properties\n", argv[k], good ? "" : e ? "not sound: " : err.text, e ? e->n_sets : 0, props);
        edm_free(&e);
        if (!good)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

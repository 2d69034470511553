/*
 * nearest.c - "did you mean", as the end of a diagnostic
 */
#include "core/config/internal.h"

#include <stdio.h>

struct bb_hint bb_hint_for(const char *name, const char *const *names, size_t n)
{
    struct bb_hint h = {""};
    const char *near = bb_nearest(name, names, n);

    if (near)
        snprintf(h.text, sizeof(h.text), " (did you mean \"%s\"?)", near);
    return h;
}

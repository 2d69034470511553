/*
 * nearest.c - "did you mean"
 *
 * Distance counts inserted, deleted, changed and swapped neighbours. A name is near when the
 * distance is at most a third of its length. The last part of a compound counts too, one dearer:
 * "max_attemps" is "attempts" to whoever wrote it. Only names of up to 63 bytes are compared, so
 * the tables live on the stack. Any thread, no state.
 */
#include "core/base/base.h"

#include <string.h>

#define NAME_MAX_LEN 63

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

static unsigned distance(const char *a, size_t la, const char *b, size_t lb)
{
    unsigned row[3][NAME_MAX_LEN + 1], v;
    unsigned *before = row[0], *above = row[1], *now = row[2], *t;
    size_t i, k;

    for (k = 0; k <= lb; k++)
        above[k] = (unsigned)k;
    for (i = 1; i <= la; i++) {
        now[0] = (unsigned)i;
        for (k = 1; k <= lb; k++) {
            v = min3(above[k] + 1, now[k - 1] + 1, above[k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
                before[k - 2] + 1 < v)
                v = before[k - 2] + 1;
            now[k] = v;
        }
        t = before;
        before = above;
        above = now;
        now = t;
    }
    return above[lb];
}

const char *bb_nearest(const char *name, const char *const *names, size_t n)
{
    const char *best = NULL, *part;
    size_t len = strlen(name), i, want, plen;
    unsigned score, best_score = ~0u, limit;

    if (len == 0 || len > NAME_MAX_LEN)
        return NULL;
    for (i = 0; i < n; i++) {
        if (!names[i] || (want = strlen(names[i])) > NAME_MAX_LEN)
            continue;
        limit = (unsigned)(len > want ? len : want) / 3;
        limit += limit == 0;
        if ((len > want ? len - want : want - len) <= limit) {
            score = distance(name, len, names[i], want);
            if (score <= limit && score < best_score && score < want) {
                best = names[i];
                best_score = score;
            }
        }
        part = strpbrk(name, "_-");
        for (; part; part = strpbrk(part + 1, "_-")) {
            plen = strlen(part + 1);
            if (plen < 3)
                continue;
            score = distance(part + 1, plen, names[i], want) + 1;
            if (score <= plen / 3 + 1 && score < best_score) {
                best = names[i];
                best_score = score;
            }
        }
    }
    return best;
}

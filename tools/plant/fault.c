/* fault.c - see fault.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/fault.h"

static const struct {
    const char *name;
    enum plant_fault_kind kind;
} kinds[] = {{"reset", PLANT_RESET}, {"late", PLANT_LATE}, {"slow", PLANT_SLOW},
             {"hang", PLANT_HANG}};

static int one_read(struct plant_fault *f, const char *name, size_t n, double percent)
{
    char word[8];
    if (n >= sizeof word || percent < 0 || percent > 100)
        return -1;
    memcpy(word, name, n);
    word[n] = '\0';
    memset(f, 0, sizeof *f);
    f->parts = (uint32_t)(percent * 100 + 0.5);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(word, kinds[i].name) == 0) {
            f->kind = kinds[i].kind;
            return 0;
        }
    f->kind = PLANT_STATUS;
    f->status = atoi(word);
    return f->status >= 400 && f->status <= 599 ? 0 : -1;
}

int plant_faults_read(struct plant_faults *f, const char *text)
{
    struct plant_faults fresh = {.seed = f->seed};
    uint32_t sum = 0;
    const char *p = text;
    while (*p) {
        char *end;
        size_t n = strcspn(p, "=");
        double percent = p[n] ? strtod(p + n + 1, &end) : -1;
        if (!p[n] || end == p + n + 1 || (*end && *end != ',') ||
            fresh.n == sizeof fresh.v / sizeof *fresh.v ||
            one_read(&fresh.v[fresh.n], p, n, percent) < 0)
            goto fail;
        sum += fresh.v[fresh.n++].parts;
        p = *end ? end + 1 : end;
    }
    if (sum > 10000)
        goto fail;
    *f = fresh;
    return 0;
fail:
    fprintf(stderr, "plant: faults \"%s\": write them as 500=10,429=2.5,reset=5,late=5,slow=1,"
                    "hang=1: a status 400..599 or a word, percents of at most 100 together\n",
            text);
    return -1;
}

struct plant_fault *plant_faults_pick(struct plant_faults *f, uint64_t what, uint32_t attempt,
                                      bool *applies)
{
    uint64_t x = f->seed ^ what ^ ((uint64_t)attempt * 0x9e3779b97f4a7c15u);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    uint32_t roll = (uint32_t)(x >> 16) % 10000u;
    for (size_t i = 0; i < f->n; i++) {
        struct plant_fault *v = &f->v[i];
        if (roll >= v->parts) {
            roll -= v->parts;
            continue;
        }
        *applies = x & 1;
        if (v->kind == PLANT_STATUS && (v->status < 500 || v->status == 503))
            *applies = false;
        if (v->kind == PLANT_LATE || v->kind == PLANT_SLOW)
            *applies = true;
        v->met++;
        return v;
    }
    return NULL;
}

void plant_fault_name(const struct plant_fault *f, char out[8])
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == f->kind) {
            snprintf(out, 8, "%s", kinds[i].name);
            return;
        }
    snprintf(out, 8, "%d", f->status);
}

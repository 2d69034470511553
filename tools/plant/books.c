/* books.c - the simulated ERP's summary, and its memory over a restart */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/erp.h"
#include "tools/plant/json.h"

void plant_erp_sync(void *arg)
{
    struct plant_erp *e = arg;
    if (e->log && fflush(e->log) != 0) {
        fprintf(stderr, "plant: cannot write the log %s: %s\n", e->o.log_file, strerror(errno));
        exit(1); /* an answer without its line would be a lie */
    }
}

int plant_erp_recall(struct plant_erp *e, const char *file)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    FILE *f = fopen(file, "re");
    if (!f)
        return errno == ENOENT ? 0 : -1;
    while ((n = getline(&line, &cap, f)) > 0) {
        struct plant_text all = {line, (size_t)n}, key, what, lane, seq;
        uint64_t h[2], lh[2];
        if (!plant_json_get(all, "/key", &key) || !plant_json_get(all, "/outcome", &what))
            continue;
        plant_hash(key, h);
        struct plant_key *k = plant_key_find(&e->keys, h, true);
        if (!k)
            break;
        k->attempts++;
        if (!plant_text_is(what, "applied") && !plant_text_is(what, "double"))
            continue;
        k->applied++;
        if (!plant_json_get(all, "/lane", &lane) || !plant_json_get(all, "/seq", &seq))
            continue;
        plant_hash(lane, lh);
        struct plant_lane *l = plant_lane_find(&e->lanes, lh, true);
        if (l) {
            l->last = strtoll(seq.p, NULL, 10);
            l->keyh = h[0];
        }
    }
    free(line);
    fclose(f);
    return 0;
}

size_t plant_erp_summary(struct plant_erp *e, char *buf, size_t cap)
{
    const struct plant_counts *n = &e->n;
    const struct {
        const char *name;
        uint64_t v;
    } rows[] = {{"calls", n->calls}, {"items", n->items}, {"applied", n->applied},
                {"repeats", n->repeats}, {"doubles", n->doubles}, {"unmarked", n->unmarked},
                {"refused", n->refused}, {"rejected_calls", n->rejected},
                {"keyless", n->keyless}, {"order_violations", n->violations},
                {"probes_applied", n->probes_applied}, {"probes_not_applied", n->probes_not},
                {"probes_failed", n->probes_failed}, {"body_bytes", n->bytes},
                {"keys", e->keys.n}, {"lanes", e->lanes.n},
                {"latency_n", e->latency.n},
                {"latency_p50_us", bench_hist_at(&e->latency, 0.50)},
                {"latency_p99_us", bench_hist_at(&e->latency, 0.99)},
                {"latency_max_us", e->latency.max}};
    FILE *f = fmemopen(buf, cap, "w");
    if (!f)
        return 0;
    fputc('{', f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(f, "\"%s\":%llu,", rows[i].name, (unsigned long long)rows[i].v);
    fputs("\"faults\":{", f);
    for (size_t i = 0; i < e->faults.n; i++) {
        char name[8];
        plant_fault_name(&e->faults.v[i], name);
        fprintf(f, "%s\"%s\":%llu", i ? "," : "", name, (unsigned long long)e->faults.v[i].met);
    }
    fputs("}}\n", f);
    long len = ftell(f);
    fclose(f);
    return len > 0 ? (size_t)len : 0;
}

/*
 * metric.c - the figures that plugins keep of their own: named counters and gauges by endpoint
 *
 * A host is not trusted: names are checked and few, so the table is bounded. Each instance has its
 * own cell of a figure, an endpoint's is their sum. Counters stay over a host's restart, its gauges
 * end with it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

static bool name_ok(struct bb_bytes n)
{
    const char *s = n.ptr;

    if (n.len == 0 || n.len >= HUB_METRIC_NAME || s[0] < 'a' || s[0] > 'z')
        return false;
    for (size_t i = 0; i < n.len; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_'))
            return false;
    return true;
}

/* The figure of that name, a new one while there is room; NULL: none, or of another kind. */
static struct hub_metric *find(struct hub_endpoint *e, struct bb_bytes name, uint32_t kind)
{
    struct hub_metric *m;

    for (uint32_t i = 0; i < e->n_metrics; i++) {
        m = &e->metrics[i];
        if (strlen(m->name) == name.len && memcmp(m->name, name.ptr, name.len) == 0)
            return m->kind == kind ? m : NULL;
    }
    if (e->n_metrics == HUB_METRICS || !name_ok(name) ||
        (kind != BB_METRIC_COUNTER && kind != BB_METRIC_GAUGE))
        return NULL;
    if (!e->metrics)
        e->metrics = hub_must(calloc(HUB_METRICS, sizeof *e->metrics));
    m = &e->metrics[e->n_metrics];
    m->of = hub_must(calloc(e->workers, sizeof *m->of));
    memcpy(m->name, name.ptr, name.len);
    m->kind = kind;
    e->n_metrics++;
    return m;
}

void hub_metrics_take(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f)
{
    struct bb_bytes name;
    uint32_t kind, refused = 0;
    double v;
    int rc;

    while ((rc = bb_frame_next_metric(f, &name, &kind, &v)) == 1) {
        struct hub_metric *m = find(p->ep, name, kind);
        double now = m && kind == BB_METRIC_COUNTER ? m->of[p->worker] + v : v;

        if (m && isfinite(now) && (kind == BB_METRIC_GAUGE || v >= 0)) /* a counter never falls */
            m->of[p->worker] = now;
        else
            refused++;
    }
    p->ep->metrics_refused += refused;
    if (rc < 0) {
        h->frames_bad++;
        hub_peer_cut(h, p, "it sent a malformed METRIC");
    }
}

double hub_metric_value(const struct hub_endpoint *e, const struct hub_metric *m)
{
    double sum = 0;

    for (uint32_t w = 0; w < e->workers; w++)
        sum += m->of[w];
    return isfinite(sum) ? sum : 0;
}

void hub_metrics_host_ended(struct hub_endpoint *e)
{
    for (uint32_t i = 0; i < e->n_metrics; i++)
        if (e->metrics[i].kind == BB_METRIC_GAUGE)
            memset(e->metrics[i].of, 0, e->workers * sizeof *e->metrics[i].of);
}

void hub_metrics_free(struct hub_endpoint *e)
{
    for (uint32_t i = 0; i < e->n_metrics; i++)
        free(e->metrics[i].of);
    free(e->metrics);
}

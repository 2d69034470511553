/*
 * hub_core.c - the core under test; see hub_core.h
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/hub_core.h"

char core_top[128];

unsigned core_dice(struct core *c, unsigned n)
{
    c->rng = c->rng * 1103515245u + 12345u;
    return (c->rng >> 8) % n;
}

static char *word(const char *s)
{
    return s ? strdup(s) : NULL;
}

static void configure(struct core *c)
{
    static const char *const names[] = {"src", "mes", "erp"};
    static const struct {
        const char *name, *to;
        enum bb_on_unknown unknown;
        enum bb_on_failure failure;
    } r[PLANT_ROUTES] = {
        [PLAIN] = {"plain", "mes", BB_UNKNOWN_PROBE, BB_FAIL_QUARANTINE},
        [LANED] = {"laned", "mes", BB_UNKNOWN_PROBE, BB_FAIL_QUARANTINE},
        [HELD_LANES] = {"held-lanes", "erp", BB_UNKNOWN_PROBE, BB_FAIL_HOLD_LANE},
        [SHARED] = {"shared", "erp", BB_UNKNOWN_RETRY, BB_FAIL_QUARANTINE},
    };

    for (size_t i = 0; i < 3; i++) {
        struct bb_endpoint_config *e = &c->eps[i];
        e->name = word(names[i]);
        e->connector = word("fake");
        e->isolation = BB_ISO_THREAD;
        e->workers = i == 1 ? 2 : 1;
        e->limit.in_flight = i == 1 ? 40 : 6;
        e->breaker = (struct bb_breaker){4, 5, 40};
        e->probe_after_ms = 8;
        e->timeout_ms = 3000;
        e->claims = true;
        e->batch_max = 64;
        e->is_source = i == 0;
        e->is_sink = i != 0;
        c->gen_eps[i].config = e;
        bb_buf_init(&c->gen_eps[i].plugin_config, 64);
        bb_put_map(&c->gen_eps[i].plugin_config, 0);
        c->gen_eps[i].manifest.ordered_batch = i != 0 && atomic_load(&plant->ordered);
        snprintf(c->gen_eps[i].manifest.id, sizeof c->gen_eps[i].manifest.id, "fake");
    }
    for (size_t i = 0; i < PLANT_ROUTES; i++)
        c->routes[i] = (struct bb_route_config){
            .name = word(r[i].name), .from = word("src"), .to = word(r[i].to),
            .order_by = word(plant_lane_key[i]),
            .retry = {.attempts = 4, .exponential = true, .initial_ms = 2, .max_ms = 15,
                      .full_jitter = true, .retry_after_max_ms = 20},
            .on_unknown = r[i].unknown, .on_failure = r[i].failure};
    c->config = (struct bb_config){.endpoints = c->eps, .n_endpoints = 3, .routes = c->routes,
                                   .n_routes = PLANT_ROUTES,
                                   .journal = {.max_message = 1 << 20}};
    c->gen = (struct bb_generation){.config = &c->config, .endpoints = c->gen_eps};
}

void core_start(struct core *c)
{
    struct bb_fault err = {0};

    configure(c);
    plant->deaths++;
    snprintf(c->dir, sizeof c->dir, "%s/state", core_top);
    snprintf(c->run, sizeof c->run, "%s/run", core_top);
    for (int r = 0; r < (int)PLANT_ROUTES; r++)
        for (unsigned l = 0; l < PLANT_LANES; l++)
            atomic_store(&plant->open[r][l], 0);
    c->journal = bb_journal_open(&(struct bb_journal_options){
        .dir = c->dir, .map_size = 1u << 30, .reserve = 1 << 20, .retention_ms = 86400000,
        .claims_window_ms = 86400000, .claims_max = 1000000}, &err);
    if (!c->journal)
        plant_wrong("open: %s", err.text);
    /* routes get their numbers in the order of the first start, and keep them */
    for (unsigned i = 0; i < PLANT_ROUTES; i++)
        atomic_store(&plant_route_id[i], i + 1);
    c->hub = c->journal ? bb_hub_start(&(struct bb_hub_options){.generation = &c->gen,
                                                                .journal = c->journal,
                                                                .program = "/nowhere",
                                                                .run_dir = c->run}, &err)
                        : NULL;
    if (!c->hub) {
        plant_wrong("start: %s", err.text);
        _exit(1);
    }
}

bb_status core_ask(struct core *c, enum bb_ask_kind kind, const char *route, uint64_t seq)
{
    struct bb_ask a = {.kind = kind, .route = route, .seq = seq, .who = "test"};

    bb_buf_init(&a.out, 1 << 20);
    if (bb_hub_ask(c->hub, &a, 20000) != 0) {
        plant_wrong("the hub does not answer: %s", a.text);
        a.status = BB_E_DOWN;
    } else if (kind == BB_ASK_STATUS) {
        bb_put_raw(&a.out, (struct bb_bytes){"", 1});
        if (strstr((char *)a.out.ptr, "\"balanced\":false"))
            plant_wrong("the books do not balance: %.300s", strstr((char *)a.out.ptr, "\"routes\""));
    }
    bb_buf_free(&a.out);
    return a.status;
}

/* ---- an operator ------------------------------------------------------------------------------------ */
struct pick {
    uint32_t route;
    uint64_t seq;
    struct bb_row row;
    unsigned n, at;
};

static int pick_row(void *arg, uint32_t route, uint64_t seq, uint64_t lane, const struct bb_row *row)
{
    struct pick *p = arg;

    (void)lane;
    *p = (struct pick){route, seq, *row, p->n + 1, p->at};
    return p->n > p->at;
}

/* Deals with one held or quarantined delivery; false when there is none. */
bool core_operate(struct core *c)
{
    struct bb_view *v = bb_view_of(c->journal);
    struct pick p = {.at = core_dice(c, 20)};
    uint32_t which = core_dice(c, 2) ? HELD_LANES + 1 : PLAIN + 1;

    bb_view_open_rows(v, which, 0, 64, pick_row, &p);
    bb_view_close(&v);
    if (!p.n)
        return false;
    if (p.row.state == BB_D_HELD)
        core_ask(c, core_dice(c, 5) ? BB_ASK_RELEASE : BB_ASK_DISCARD, c->routes[p.route - 1].name, p.seq);
    else if (core_dice(c, 3) == 0)
        core_ask(c, BB_ASK_REPLAY, c->routes[p.route - 1].name, p.seq);
    return true;
}

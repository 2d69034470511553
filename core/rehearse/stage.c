/*
 * stage.c - the core that a case runs on: a journal in a folder of its own, and the hub
 *
 * The folder lies in memory (/dev/shm) where there is room: nothing in it has to survive. With a route
 * named, the configuration is cut down to that and its endpoints, so that no other one takes the
 * message. The cut is a copy of the heads; everything behind them stays the generation's.
 */
#include "core/rehearse/internal.h"

#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAP_SIZE (1u << 28)
#define RESERVE (1u << 20)
#define WAL_SIZE (8u << 20)

/* ---- the configuration --------------------------------------------------------------------------- */
static bool takes_part(const struct bb_generation *g, const struct bb_case *c, const char *endpoint)
{
    const struct bb_config *all = g->config;

    for (size_t i = 0; i < all->n_routes; i++)
        if ((!c->route || strcmp(all->routes[i].name, c->route) == 0) &&
            (strcmp(all->routes[i].from, endpoint) == 0 || strcmp(all->routes[i].to, endpoint) == 0))
            return true;
    for (size_t i = 0; i < c->n_inputs; i++)
        if (c->inputs[i].from && strcmp(c->inputs[i].from, endpoint) == 0)
            return true;
    return c->from && strcmp(c->from, endpoint) == 0;
}

static int cut(struct bb_stage *s, const struct bb_generation *g, const struct bb_case *c)
{
    const struct bb_config *all = g->config;
    size_t n = all->n_endpoints;
    struct bb_endpoint_config *e = calloc(n + 1, sizeof(*e));
    struct bb_gen_endpoint *ge = calloc(n + 1, sizeof(*ge));

    s->config = *all;
    s->g = *g;
    s->config.endpoints = e;
    s->g.endpoints = ge;
    s->g.config = &s->config;
    if (!e || !ge)
        return -1;
    s->config.n_endpoints = 0;
    s->g.queries = NULL;
    s->g.n_queries = 0;
    for (size_t i = 0; i < n; i++)
        if (takes_part(g, c, all->endpoints[i].name)) {
            size_t k = s->config.n_endpoints++;

            e[k] = all->endpoints[i];
            e[k].isolation = BB_ISO_THREAD;
            e[k].is_asked = false; /* the case answers in its place */
            e[k].workers = 1; /* one order of events, each run */
            ge[k] = g->endpoints[i];
            ge[k].config = &e[k];
        }
    for (size_t i = 0; c->route && i < all->n_routes; i++)
        if (strcmp(all->routes[i].name, c->route) == 0) {
            s->config.routes = &all->routes[i];
            s->config.n_routes = 1;
            s->g.programs = &g->programs[i];
            s->g.impure = &g->impure[i];
            s->g.splits = &g->splits[i];
            s->g.emits = &g->emits[i];
        }
    return 0;
}

/* ---- the folder ------------------------------------------------------------------------------------- */
static int wipe(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

/* Its name has the process's number, so that whoever outlives that can remove it. */
static const char *place(size_t i)
{
    const char *const places[] = {getenv("BUSBAR_TEST_DIR"), "/dev/shm", getenv("TMPDIR"), "/tmp"};

    for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++)
        if (places[k] && strlen(places[k]) <= 32 && i-- == 0)
            return places[k];
    return NULL;
}

void bb_stage_wipe(pid_t pid)
{
    char pattern[80];
    const char *dir;
    struct stat st;
    glob_t found;

    for (size_t i = 0; (dir = place(i)); i++) {
        snprintf(pattern, sizeof(pattern), "%s/busbar-test-%ld-*", dir, (long)pid);
        if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc; k++)
                if (lstat(found.gl_pathv[k], &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
                    nftw(found.gl_pathv[k], wipe, 16, FTW_DEPTH | FTW_PHYS);
        globfree(&found);
    }
}

/* ---- life ---------------------------------------------------------------------------------------- */
static int folder_make(struct bb_stage *s, struct bb_fault *err)
{
    const char *dir;

    for (size_t i = 0; (dir = place(i)); i++) {
        snprintf(s->dir, sizeof(s->dir), "%.32s/busbar-test-%ld-XXXXXX", dir, (long)getpid());
        if (mkdtemp(s->dir)) {
            snprintf(s->run, sizeof(s->run), "%s/run", s->dir);
            return 0;
        }
    }
    *s->dir = '\0';
    return bb_fail(err, "cannot make a temporary folder: %s", strerror(errno));
}

int bb_stage_open(struct bb_stage *s, const struct bb_generation *g, const struct bb_case *c,
                  const struct bb_rehearsal *rehearsal, struct bb_fault *err)
{
    const struct bb_journal_config *j = &g->config->journal;

    *s = (struct bb_stage){.dir = ""};
    if (cut(s, g, c) != 0)
        return bb_fail(err, "out of memory");
    if (folder_make(s, err) != 0)
        return -1;
    bb_axis_hold(c->clock_ms);
    s->journal = bb_journal_open(&(struct bb_journal_options){
        .dir = s->dir, .map_size = MAP_SIZE, .reserve = RESERVE, .wal_size = WAL_SIZE,
        .retention_ms = j->retention_ms, .claims_window_ms = j->claims_window_ms,
        .claims_max = j->claims_max < 100000 ? j->claims_max : 100000,
        .log = bb_log_sink, .arg = (void *)"journal"}, err);
    if (!s->journal)
        return -1;
    s->hub = bb_hub_start(&(struct bb_hub_options){.generation = &s->g, .journal = s->journal,
                                                   .program = "", .run_dir = s->run,
                                                   .rehearsal = rehearsal}, err);
    return s->hub ? 0 : -1;
}

void bb_stage_close(struct bb_stage *s)
{
    bb_hub_stop(&s->hub, 0);
    if (s->journal)
        bb_journal_close(&s->journal);
    if (*s->dir)
        nftw(s->dir, wipe, 16, FTW_DEPTH | FTW_PHYS);
    free(s->g.endpoints);
    free(s->config.endpoints);
    *s = (struct bb_stage){.dir = ""};
}

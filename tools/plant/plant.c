/*
 * plant.c - plant: five simulated systems (those in kinds[]), their seed and their audit
 *
 * `plant run` gives each system a thread, a port on the loopback and a database in DIR, and stops on
 * SIGTERM or SIGINT. What systems hold is on disk: a plant that was killed goes on where it was.
 */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/plant/audit.h"
#include "tools/plant/factory.h"
#include "tools/plant/kit.h"
#include "tools/plant/outbox.h"
#include "tools/plant/scenario.h"
#include "tools/plant/systems.h"

static const struct plant_kind *const kinds[] = {PLANT_SYSTEMS};
#define KINDS (sizeof kinds / sizeof *kinds)

static atomic_int stop_now; /* lock-free: a handler may set it */

struct options {
    const char *dir, *systems;
    uint64_t seed;
    uint16_t port; /* of the first system; 0: any free ones */
    size_t max_body;
    double rate;
    unsigned seconds;
};

static void on_signal(int sig)
{
    (void)sig;
    stop_now = 1;
}

static const char usage[] =
    "plant run --dir DIR [--seed N] [--systems erp,mes] [--port N]   until SIGTERM; DIR/NAME.port says where\n"
    "plant seed --dir DIR [--seed N] [--systems ...]                 makes the databases and ends\n"
    "plant audit --dir DIR [--systems ...]                           compares the systems; 1: they differ\n"
    "plant scenario NAME --dir DIR     drives the running systems; without NAME: which there are\n"
    "plant load --dir DIR --rate N [--seconds N] [--seed N]           their actions, so many a second\n"
    "  --port N       the first system's port, the next ones follow; 0 (as without): any free ones\n"
    "  --max-body N   bytes, above it 413; 1 MiB as without\n";

/* Written beside and renamed, so that a reader never sees half a number. */
static bool port_tell(const char *dir, const char *name, uint16_t port)
{
    struct plant_mem m = {0};
    const char *file = plant_mem_printf(&m, "%s/%s.port", dir, name);
    const char *fresh = plant_mem_printf(&m, "%s.new", file);
    FILE *f = fopen(fresh, "we");
    bool ok = f && fprintf(f, "%u\n", port) > 0;
    ok = f && fclose(f) == 0 && ok && rename(fresh, file) == 0;
    plant_mem_free(&m);
    return ok;
}

static bool chosen(const struct options *o, const char *name)
{
    size_t n = strlen(name);
    if (!o->systems)
        return true;
    for (const char *p = o->systems; *p; p += strcspn(p, ","), p += *p == ',')
        if (strncmp(p, name, n) == 0 && (p[n] == '\0' || p[n] == ','))
            return true;
    return false;
}

static void *serve(void *arg)
{
    struct plant_system *s = arg;
    if (plant_server_run(s->server, &stop_now) < 0)
        fprintf(stderr, "plant: %s: %s\n", s->kind->name, strerror(errno));
    return NULL;
}

static bool system_start(struct plant_system *s, const struct options *o, const struct plant_kind *k, uint16_t port)
{
    plant_system_open(s, k, o->dir);
    struct plant_server_options so = {.host = "127.0.0.1", .port = port, .max_body = o->max_body,
                                      .handle = plant_system_handle, .before_send = plant_system_sync, .arg = s};
    s->server = plant_server_new(&so);
    if (!s->server)
        return false;
    if (!port_tell(o->dir, k->name, plant_server_port(s->server))) {
        fprintf(stderr, "plant: cannot write %s/%s.port: %s\n", o->dir, k->name, strerror(errno));
        return false;
    }
    return true;
}

static int run(const struct options *o, bool serving)
{
    static struct plant_system systems[KINDS];
    pthread_t threads[KINDS];
    size_t n = 0, started = 0;
    bool ok = true;
    for (size_t i = 0; i < KINDS && ok; i++) {
        if (!kinds[i] || !chosen(o, kinds[i]->name))
            continue;
        if (serving)
            ok = system_start(&systems[n], o, kinds[i], o->port ? (uint16_t)(o->port + i) : 0);
        else
            plant_system_open(&systems[n], kinds[i], o->dir);
        n++;
    }
    for (; ok && serving && started < n; started++)
        ok = pthread_create(&threads[started], NULL, serve, &systems[started]) == 0;
    if (ok && serving)
        plant_outbox_run(systems, n, o->dir, &stop_now);
    stop_now = 1; /* also when one could not start */
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < n; i++)
        plant_system_close(&systems[i]);
    return !ok;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"dir", 1, NULL, 'd'}, {"seed", 1, NULL, 's'}, {"systems", 1, NULL, 'y'},
                                          {"port", 1, NULL, 'p'}, {"max-body", 1, NULL, 'm'},
                                          {"rate", 1, NULL, 'r'}, {"seconds", 1, NULL, 't'},
                                          {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct options o = {.seed = 1, .max_body = 1 << 20, .rate = 10, .seconds = 10};
    struct sigaction sa = {.sa_handler = on_signal};
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
        switch (c) {
        case 'd': o.dir = optarg; break;
        case 's': o.seed = strtoull(optarg, NULL, 10); break;
        case 'y': o.systems = optarg; break;
        case 'p': o.port = (uint16_t)atoi(optarg); break;
        case 'm': o.max_body = strtoull(optarg, NULL, 10); break;
        case 'r': o.rate = strtod(optarg, NULL); break;
        case 't': o.seconds = (unsigned)atoi(optarg); break;
        default: fputs(usage, c == 'h' ? stdout : stderr); return c == 'h' ? 0 : 2;
        }
    const char *verb = optind < argc ? argv[optind] : "", *names[KINDS];
    bool running = strcmp(verb, "run") == 0;
    size_t n = 0;
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i] && chosen(&o, kinds[i]->name))
            names[n++] = kinds[i]->name;
    if (o.dir && strcmp(verb, "audit") == 0)
        return plant_audit(o.dir, names, n);
    if (o.dir && strcmp(verb, "scenario") == 0)
        return plant_scenario(o.dir, optind + 1 < argc ? argv[optind + 1] : "");
    if (o.dir && strcmp(verb, "load") == 0)
        return plant_load(o.dir, names, n, o.rate, o.seconds, o.seed);
    if (!o.dir || (!running && strcmp(verb, "seed") != 0)) {
        fputs(usage, stderr);
        return 2;
    }
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (mkdir(o.dir, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "plant: cannot make %s: %s\n", o.dir, strerror(errno));
        return 1;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT); /* both before there are threads */
    xmlInitParser();
    plant_factory_make(o.dir, o.seed);
    int rc = run(&o, running);
    xmlCleanupParser();
    curl_global_cleanup();
    return rc;
}

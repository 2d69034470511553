/*
 * erp.c - plant-erp: a simulated ERP that takes HTTP calls, remembers idempotency keys and misbehaves
 *
 * For tests, benches and the quickstart: a target that fails in seeded, repeatable ways and keeps
 * books on what reached it, so that loss, doubles and broken order show. Stops on SIGTERM or SIGINT
 * and then prints its summary.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/plant/erp.h"

static atomic_int stop_now; /* lock-free: a handler may set it */

static void on_signal(int sig)
{
    (void)sig;
    stop_now = 1;
}

static const char usage[] =
    "plant-erp: a simulated ERP behind HTTP\n"
    "  --port N             port (0: any free one)        --host A          default 127.0.0.1\n"
    "  --port-file FILE     writes the port there when it listens\n"
    "  --log FILE           one JSON line per item; read again at the next start\n"
    "  --fault LIST         percents: 500=10,429=10,503=5,reset=5,late=5,slow=1,hang=1\n"
    "  --seed N             which calls those are          --late-ms N       default 1500\n"
    "  --retry-after N      seconds, with 429 and 503      --probe-fault P   percent of probes\n"
    "  --dedupe yes|no      no: the same key again is applied again, a double\n"
    "  --lane PTR --seq PTR where an item's lane and number are (/item, /data/seq; header:NAME)\n"
    "                     several make one lane: /type,/item\n"
    "  --key PTR --id PTR   key inside the items of a batch (/idempotencykey, else the id: /id)\n"
    "  --reject PTR=VALUE   items with that value are refused with 422\n"
    "  --latency PTR        microseconds since 1970 in the item: the summary shows its age\n"
    "  --forget             counts only, constant memory   --max-body N      default 64 MiB\n"
    "POST or PUT anywhere delivers; GET /applied/KEY answers 200 or 404; GET /summary;\n"
    "PUT /control/faults with a new list, PUT /control/zero sets the counts to 0.\n";

enum { O_HOST = 256, O_PORT, O_PORT_FILE, O_LOG, O_FAULT, O_SEED, O_LATE, O_RETRY, O_PROBE, O_DEDUPE,
       O_LANE, O_SEQ, O_KEY, O_ID, O_REJECT, O_LATENCY, O_FORGET, O_MAX_BODY, O_HELP };

static const struct option options[] = {
    {"host", 1, NULL, O_HOST}, {"port", 1, NULL, O_PORT}, {"port-file", 1, NULL, O_PORT_FILE},
    {"log", 1, NULL, O_LOG}, {"fault", 1, NULL, O_FAULT}, {"seed", 1, NULL, O_SEED},
    {"late-ms", 1, NULL, O_LATE}, {"retry-after", 1, NULL, O_RETRY},
    {"probe-fault", 1, NULL, O_PROBE}, {"dedupe", 1, NULL, O_DEDUPE}, {"lane", 1, NULL, O_LANE},
    {"seq", 1, NULL, O_SEQ}, {"key", 1, NULL, O_KEY}, {"id", 1, NULL, O_ID},
    {"reject", 1, NULL, O_REJECT}, {"latency", 1, NULL, O_LATENCY}, {"forget", 0, NULL, O_FORGET},
    {"max-body", 1, NULL, O_MAX_BODY}, {"help", 0, NULL, O_HELP}, {NULL, 0, NULL, 0}};

static int option_set(struct plant_erp *e, int c, char *v)
{
    struct plant_options *o = &e->o;
    char *eq;
    switch (c) {
    case O_HOST: o->host = v; return 0;
    case O_PORT: o->port = (uint16_t)atoi(v); return 0;
    case O_PORT_FILE: o->port_file = v; return 0;
    case O_LOG: o->log_file = v; return 0;
    case O_FAULT: return plant_faults_read(&e->faults, v);
    case O_SEED: e->faults.seed = strtoull(v, NULL, 10) * 0x9e3779b97f4a7c15u; return 0;
    case O_LATE: o->late_ms = (uint32_t)atoi(v); return 0;
    case O_RETRY: o->retry_after_s = (uint32_t)atoi(v); return 0;
    case O_PROBE: o->probe_fault = (uint32_t)atoi(v) % 100; return 0;
    case O_DEDUPE: o->dedupe = strcmp(v, "no") != 0; return 0;
    case O_LANE: o->lane = v; return 0;
    case O_SEQ: o->seq = v; return 0;
    case O_KEY: o->key = v; return 0;
    case O_ID: o->id = v; return 0;
    case O_LATENCY: o->latency = v; return 0;
    case O_FORGET: o->forget = true; return 0;
    case O_MAX_BODY: o->max_body = strtoull(v, NULL, 10); return 0;
    case O_REJECT:
        eq = strchr(v, '=');
        if (!eq)
            return -1;
        *eq = '\0';
        o->reject = v;
        o->reject_value = eq + 1;
        return 0;
    default: return -1;
    }
}

/* Written beside and renamed, so that a reader never sees half a number. */
static int port_tell(const char *file, uint16_t port)
{
    char tmp[4096];
    if (!file)
        return 0;
    if (snprintf(tmp, sizeof tmp, "%s.tmp", file) >= (int)sizeof tmp)
        return -1;
    FILE *f = fopen(tmp, "we");
    if (!f)
        return -1;
    int bad = fprintf(f, "%u\n", port) < 0;
    bad |= fclose(f) != 0;
    return bad || rename(tmp, file) != 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    static struct plant_erp e;
    struct sigaction sa = {.sa_handler = on_signal};
    struct plant_server *s = NULL;
    char buf[4096];
    int c, rc = 1;
    e.o = (struct plant_options){.host = "127.0.0.1", .late_ms = 1500, .retry_after_s = 1,
                                 .dedupe = true, .lane = "/item", .seq = "/data/seq",
                                 .key = "/idempotencykey", .id = "/id",
                                 .max_body = (size_t)64 << 20};
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (option_set(&e, c, optarg) < 0) {
            fputs(usage, c == O_HELP ? stdout : stderr);
            return c == O_HELP ? 0 : 2;
        }
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (e.o.log_file) {
        if (plant_erp_recall(&e, e.o.log_file) < 0 || !(e.log = fopen(e.o.log_file, "ae"))) {
            fprintf(stderr, "plant: cannot use the log %s: %s\n", e.o.log_file, strerror(errno));
            return 1;
        }
        setvbuf(e.log, NULL, _IOFBF, 1 << 20);
    }
    struct plant_server_options so = {.host = e.o.host, .port = e.o.port, .max_body = e.o.max_body,
                                      .handle = plant_erp_handle, .before_send = plant_erp_sync,
                                      .arg = &e};
    s = plant_server_new(&so);
    if (!s)
        goto out;
    if (port_tell(e.o.port_file, plant_server_port(s)) < 0) {
        fprintf(stderr, "plant: cannot write %s: %s\n", e.o.port_file, strerror(errno));
        goto out;
    }
    if (!e.o.port_file)
        fprintf(stderr, "plant: http://%s:%u/\n", e.o.host, plant_server_port(s));
    rc = plant_server_run(s, &stop_now) < 0;
    plant_erp_sync(&e);
    fwrite(buf, 1, plant_erp_summary(&e, buf, sizeof buf), stdout);
out:
    plant_server_free(&s);
    if (e.log)
        fclose(e.log);
    plant_table_free(&e.keys);
    plant_table_free(&e.lanes);
    return rc;
}

/*
 * keys.c - conf.d's own keys: sections, endpoints, routes, journal and plugins, and their defaults
 *
 * The reference that docs/configuration.md describes, as data: a key, its kind, its range. A test
 * holds the two together.
 *
 * Thread: any, constants.
 */
#include "core/config/internal.h"

#include <string.h>

#define SEC 1000.0
#define MINUTE 60000.0
#define HOUR 3600000.0
#define DAY (24 * HOUR)
#define KIB 1024.0
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

#define ROW(s, n, m) .name = n, .offset = offsetof(struct s, m), .size = sizeof(((struct s *)0)->m)
#define NUMBER(s, n, m, lo, hi) {ROW(s, n, m), .types = BB_TYPE_INT, .min = lo, .max = hi}
#define UNITS(s, n, m, f, lo, hi)                                                                  \
    {ROW(s, n, m), .types = BB_TYPE_INT, .format = f, .min = lo, .max = hi}
#define OR_0(s, n, m, f, lo, hi)                                                                   \
    {ROW(s, n, m), .types = BB_TYPE_INT, .format = f, .min = lo, .max = hi, .flags = BB_KEY_ZERO}
#define TRUTH(s, n, m) {ROW(s, n, m), .types = BB_TYPE_BOOL}
#define WORD(s, n, m, c) {ROW(s, n, m), .types = BB_TYPE_STR, .choices = c}
#define GROUP(s, n, m, k) {ROW(s, n, m), .types = BB_TYPE_MAP, .keys = k, .n_keys = BB_COUNT(k)}
#define LATER(n) {.name = n, .flags = BB_KEY_LATER}

static const struct bb_choice isolations[] = {
    {"process", BB_ISO_PROCESS}, {"thread", BB_ISO_THREAD}, {"remote", -1}, {NULL, 0}};
static const struct bb_choice unmatcheds[] = {{"quarantine", BB_UNMATCHED_QUARANTINE},
                                              {"refuse", BB_UNMATCHED_REFUSE},
                                              {"skip", BB_UNMATCHED_SKIP},
                                              {NULL, 0}};
static const struct bb_choice on_unknowns[] = {{"probe", BB_UNKNOWN_PROBE},
                                               {"retry", BB_UNKNOWN_RETRY},
                                               {"quarantine", BB_UNKNOWN_QUARANTINE},
                                               {NULL, 0}};
static const struct bb_choice on_failures[] = {{"hold-lane", BB_FAIL_HOLD_LANE},
                                               {"quarantine", BB_FAIL_QUARANTINE},
                                               {"skip", BB_FAIL_SKIP},
                                               {NULL, 0}};
static const struct bb_choice starts[] = {{"now", BB_START_NOW}, {"oldest", -1}, {NULL, 0}};
static const struct bb_choice backoffs[] = {{"exponential", 1}, {"fixed", 0}, {NULL, 0}};
static const struct bb_choice jitters[] = {{"full", 1}, {"none", 0}, {NULL, 0}};

static const struct bb_spec limit_keys[] = {
    {ROW(bb_limit, "rate", rate), .types = BB_TYPE_NUM, .format = BB_F_RATE, .min = 1 / 86400.0,
     .max = 1e6},
    NUMBER(bb_limit, "burst", burst, 1, 1000000),
    NUMBER(bb_limit, "in_flight", in_flight, 1, 65536),
};
static const struct bb_spec breaker_keys[] = {
    OR_0(bb_breaker, "failures", failures, BB_F_NONE, 1, 10000),
    UNITS(bb_breaker, "open", open_ms, BB_F_DURATION, 10, HOUR),
    UNITS(bb_breaker, "max", max_ms, BB_F_DURATION, 10, DAY),
};
#define E bb_endpoint_config
static const struct bb_spec endpoint_keys[] = {
    {ROW(E, "connector", connector), .types = BB_TYPE_STR, .format = BB_F_CONNECTOR,
     .flags = BB_KEY_REQUIRED, .text = "which connector this endpoint is one of"},
    WORD(E, "isolation", isolation, isolations),
    NUMBER(E, "workers", workers, 1, 64),
    GROUP(E, "limit", limit, limit_keys),
    GROUP(E, "breaker", breaker, breaker_keys),
    OR_0(E, "probe_after", probe_after_ms, BB_F_DURATION, 1, 7 * DAY),
    UNITS(E, "timeout", timeout_ms, BB_F_DURATION, 10, DAY),
    WORD(E, "unmatched", unmatched, unmatcheds),
    TRUTH(E, "claims", claims),
    NUMBER(E, "batch_max", batch_max, 1, 4096),
    OR_0(E, "memory_max", memory_max, BB_F_SIZE, 16 * MIB, 1024 * GIB),
    {.name = "config", .types = BB_TYPE_MAP | BB_TYPE_NULL, .read = bb_read_config},
    LATER("accept"),
};
const struct bb_spec bb_spec_endpoint = {
    .types = BB_TYPE_MAP, .keys = endpoint_keys, .n_keys = BB_COUNT(endpoint_keys)};

#define R bb_retry
static const struct bb_spec retry_keys[] = {
    NUMBER(R, "attempts", attempts, 1, 1000000),
    WORD(R, "backoff", exponential, backoffs),
    UNITS(R, "initial", initial_ms, BB_F_DURATION, 1, DAY),
    UNITS(R, "max", max_ms, BB_F_DURATION, 1, 7 * DAY),
    WORD(R, "jitter", full_jitter, jitters),
    UNITS(R, "retry_after_max", retry_after_max_ms, BB_F_DURATION, SEC, 7 * DAY),
    OR_0(R, "max_age", max_age_ms, BB_F_DURATION, SEC, 3650 * DAY),
};
#define C bb_route_config
static const struct bb_spec route_keys[] = {
    {ROW(C, "from", from), .types = BB_TYPE_STR, .format = BB_F_NAME, .flags = BB_KEY_REQUIRED,
     .text = "the endpoint that messages come from"},
    {ROW(C, "to", to), .types = BB_TYPE_STR, .format = BB_F_NAME, .flags = BB_KEY_REQUIRED,
     .text = "the endpoint that they go to"},
    {.name = "match", .types = BB_TYPE_MAP, .read = bb_read_match},
    {.name = "transform", .types = BB_TYPE_LIST, .read = bb_read_transform},
    {ROW(C, "order_by", order_by), .types = BB_TYPE_STR, .format = BB_F_ATTRIBUTE},
    GROUP(C, "retry", retry, retry_keys),
    WORD(C, "on_unknown", on_unknown, on_unknowns),
    WORD(C, "on_failure", on_failure, on_failures),
    WORD(C, "start", start, starts),
    TRUTH(C, "commutative", commutative),
    TRUTH(C, "paused", paused),
    LATER("emit"),
    LATER("sla"),
};
const struct bb_spec bb_spec_route = {
    .types = BB_TYPE_MAP, .keys = route_keys, .n_keys = BB_COUNT(route_keys)};

#define J bb_journal_config
static const struct bb_spec journal_keys[] = {
    UNITS(J, "map_size", map_size, BB_F_SIZE, 16 * MIB, 65536 * GIB),
    UNITS(J, "reserve", reserve, BB_F_SIZE, MIB, 1024 * GIB),
    UNITS(J, "retention", retention_ms, BB_F_DURATION, SEC, 36500 * DAY),
    UNITS(J, "claims_window", claims_window_ms, BB_F_DURATION, SEC, 36500 * DAY),
    NUMBER(J, "claims_max", claims_max, 1, 1000000000),
    UNITS(J, "max_message", max_message, BB_F_SIZE, KIB, 64 * MIB),
    TRUTH(J, "index", index),
};
static const struct bb_spec plugins_keys[] = {
    {.name = "path", .types = BB_TYPE_STR | BB_TYPE_LIST, .flags = BB_KEY_REQUIRED,
     .read = bb_read_plugin_path, .text = "a folder or a list of folders"},
};

static const struct bb_spec root_keys[] = {
    {.name = "endpoints", .types = BB_TYPE_MAP | BB_TYPE_NULL, .read = bb_read_endpoints},
    {.name = "routes", .types = BB_TYPE_MAP | BB_TYPE_NULL, .read = bb_read_routes},
    {ROW(bb_config, "journal", journal), .types = BB_TYPE_MAP | BB_TYPE_NULL, .keys = journal_keys,
     .n_keys = BB_COUNT(journal_keys)},
    {.name = "plugins", .types = BB_TYPE_MAP | BB_TYPE_NULL, .keys = plugins_keys,
     .n_keys = BB_COUNT(plugins_keys)},
    LATER("processes"),
    LATER("reconciliations"),
    LATER("policies"),
};
const struct bb_spec bb_spec_root = {
    .types = BB_TYPE_MAP, .keys = root_keys, .n_keys = BB_COUNT(root_keys)};

static bool known_in(const struct bb_spec *k, const char *name, size_t len)
{
    size_t i;

    for (i = 0; i < k->n_keys; i++)
        if ((strncmp(k->keys[i].name, name, len) == 0 && !k->keys[i].name[len]) ||
            known_in(&k->keys[i], name, len))
            return true;
    return false;
}

bool bb_spec_known(const char *name, size_t len)
{
    return known_in(&bb_spec_root, name, len) || known_in(&bb_spec_endpoint, name, len) ||
           known_in(&bb_spec_route, name, len);
}

const struct bb_endpoint_config bb_endpoint_defaults = {
    .isolation = BB_ISO_PROCESS,
    .workers = 1,
    .limit = {.in_flight = 256},
    .breaker = {.failures = 5, .open_ms = SEC, .max_ms = MINUTE},
    .probe_after_ms = 2 * MINUTE,
    .timeout_ms = 30 * SEC,
    .unmatched = BB_UNMATCHED_QUARANTINE,
    .claims = true,
    .batch_max = 64,
    .memory_max = 512 * MIB,
};
const struct bb_route_config bb_route_defaults = {
    .retry = {.attempts = 10,
              .exponential = true,
              .initial_ms = 500,
              .max_ms = 5 * MINUTE,
              .full_jitter = true,
              .retry_after_max_ms = 10 * MINUTE,
              .max_age_ms = 3 * DAY},
    .on_unknown = BB_UNKNOWN_PROBE,
    .on_failure = BB_FAIL_DEFAULT,
    .start = BB_START_NOW,
};
const struct bb_config bb_config_defaults = {
    .journal = {.map_size = 64 * GIB,
                .reserve = 64 * MIB,
                .retention_ms = 7 * DAY,
                .claims_window_ms = 7 * DAY,
                .claims_max = 5000000,
                .max_message = 16 * MIB,
                .index = true},
};

/*
 * tables.c - the keys of endpoints, routes, journal and plugins, and their defaults
 *
 * The reference that docs/configuration.md describes, as data: a key, its kind, its range. A test
 * holds the two together.
 *
 * Thread: any, constants.
 */
#include "core/config/internal.h"

#define MS 1u
#define SEC 1000u
#define MINUTE 60000u
#define HOUR 3600000ull
#define DAY (24 * HOUR)
#define KIB 1024ull
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TABLE(keys)                                                                                \
    {                                                                                              \
        keys, COUNT(keys)                                                                          \
    }

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
static const struct bb_choice starts[] = {
    {"now", BB_START_NOW}, {"oldest", -1}, {NULL, 0}};
static const struct bb_choice backoffs[] = {{"exponential", 1}, {"fixed", 0}, {NULL, 0}};
static const struct bb_choice jitters[] = {{"full", 1}, {"none", 0}, {NULL, 0}};

#define AT(m) offsetof(struct bb_limit, m)
static const struct bb_key limit_keys[] = {
    {"rate", BB_K_RATE, 0, AT(rate), 0, 0, NULL, NULL},
    {"burst", BB_K_U32, 0, AT(burst), 1, 1000000, NULL, NULL},
    {"in_flight", BB_K_U32, 0, AT(in_flight), 1, 65536, NULL, NULL},
};
#undef AT
static const struct bb_table limit_table = TABLE(limit_keys);

#define AT(m) offsetof(struct bb_breaker, m)
static const struct bb_key breaker_keys[] = {
    {"failures", BB_K_U32, BB_KEY_ZERO, AT(failures), 1, 10000, NULL, NULL},
    {"open", BB_K_DURATION, 0, AT(open_ms), 10 * MS, HOUR, NULL, NULL},
    {"max", BB_K_DURATION, 0, AT(max_ms), 10 * MS, DAY, NULL, NULL},
};
#undef AT
static const struct bb_table breaker_table = TABLE(breaker_keys);

#define AT(m) offsetof(struct bb_endpoint_config, m)
static const struct bb_key endpoint_keys[] = {
    {"connector", BB_K_READ, BB_KEY_REQUIRED, AT(connector), 0, 0, NULL, bb_read_connector},
    {"isolation", BB_K_ENUM, 0, AT(isolation), 0, 0, isolations, NULL},
    {"workers", BB_K_U32, 0, AT(workers), 1, 64, NULL, NULL},
    {"limit", BB_K_TABLE, 0, AT(limit), 0, 0, &limit_table, NULL},
    {"breaker", BB_K_TABLE, 0, AT(breaker), 0, 0, &breaker_table, NULL},
    {"probe_after", BB_K_DURATION, BB_KEY_ZERO, AT(probe_after_ms), 1 * MS, 7 * DAY, NULL, NULL},
    {"timeout", BB_K_DURATION, 0, AT(timeout_ms), 10 * MS, DAY, NULL, NULL},
    {"unmatched", BB_K_ENUM, 0, AT(unmatched), 0, 0, unmatcheds, NULL},
    {"claims", BB_K_BOOL, 0, AT(claims), 0, 0, NULL, NULL},
    {"batch_max", BB_K_U32, 0, AT(batch_max), 1, 4096, NULL, NULL},
    {"memory_max", BB_K_SIZE, BB_KEY_ZERO, AT(memory_max), 16 * MIB, 1024 * GIB, NULL, NULL},
    {"config", BB_K_READ, 0, AT(config), 0, 0, NULL, bb_read_config},
    {"accept", BB_K_RESERVED, 0, 0, 0, 0, NULL, NULL},
};
#undef AT
const struct bb_table bb_table_endpoint = TABLE(endpoint_keys);

#define AT(m) offsetof(struct bb_retry, m)
static const struct bb_key retry_keys[] = {
    {"attempts", BB_K_U32, 0, AT(attempts), 1, 1000000, NULL, NULL},
    {"backoff", BB_K_CHOICE, 0, AT(exponential), 0, 0, backoffs, NULL},
    {"initial", BB_K_DURATION, 0, AT(initial_ms), 1 * MS, DAY, NULL, NULL},
    {"max", BB_K_DURATION, 0, AT(max_ms), 1 * MS, 7 * DAY, NULL, NULL},
    {"jitter", BB_K_CHOICE, 0, AT(full_jitter), 0, 0, jitters, NULL},
    {"retry_after_max", BB_K_DURATION, 0, AT(retry_after_max_ms), 1 * SEC, 7 * DAY, NULL, NULL},
    {"max_age", BB_K_DURATION, BB_KEY_ZERO, AT(max_age_ms), 1 * SEC, 3650 * DAY, NULL, NULL},
};
#undef AT
static const struct bb_table retry_table = TABLE(retry_keys);

#define AT(m) offsetof(struct bb_route_config, m)
static const struct bb_key route_keys[] = {
    {"from", BB_K_NAME, BB_KEY_REQUIRED, AT(from), 0, 0, NULL, NULL},
    {"match", BB_K_READ, 0, 0, 0, 0, NULL, bb_read_match},
    {"transform", BB_K_READ, 0, 0, 0, 0, NULL, bb_read_transform},
    {"to", BB_K_NAME, BB_KEY_REQUIRED, AT(to), 0, 0, NULL, NULL},
    {"order_by", BB_K_ATTRIBUTE, 0, AT(order_by), 0, 0, NULL, NULL},
    {"retry", BB_K_TABLE, 0, AT(retry), 0, 0, &retry_table, NULL},
    {"on_unknown", BB_K_ENUM, 0, AT(on_unknown), 0, 0, on_unknowns, NULL},
    {"on_failure", BB_K_ENUM, 0, AT(on_failure), 0, 0, on_failures, NULL},
    {"start", BB_K_ENUM, 0, AT(start), 0, 0, starts, NULL},
    {"commutative", BB_K_BOOL, 0, AT(commutative), 0, 0, NULL, NULL},
    {"paused", BB_K_BOOL, 0, AT(paused), 0, 0, NULL, NULL},
    {"emit", BB_K_RESERVED, 0, 0, 0, 0, NULL, NULL},
    {"sla", BB_K_RESERVED, 0, 0, 0, 0, NULL, NULL},
};
#undef AT
const struct bb_table bb_table_route = TABLE(route_keys);

#define AT(m) offsetof(struct bb_journal_config, m)
static const struct bb_key journal_keys[] = {
    {"map_size", BB_K_SIZE, 0, AT(map_size), 16 * MIB, 65536 * GIB, NULL, NULL},
    {"reserve", BB_K_SIZE, 0, AT(reserve), 1 * MIB, 1024 * GIB, NULL, NULL},
    {"retention", BB_K_DURATION, 0, AT(retention_ms), 1 * SEC, 36500 * DAY, NULL, NULL},
    {"claims_window", BB_K_DURATION, 0, AT(claims_window_ms), 1 * SEC, 36500 * DAY, NULL, NULL},
    {"claims_max", BB_K_U64, 0, AT(claims_max), 1, 1000000000, NULL, NULL},
    {"max_message", BB_K_SIZE, 0, AT(max_message), 1 * KIB, 64 * MIB, NULL, NULL},
    {"index", BB_K_BOOL, 0, AT(index), 0, 0, NULL, NULL},
};
#undef AT
const struct bb_table bb_table_journal = TABLE(journal_keys);

static const struct bb_key plugins_keys[] = {
    {"path", BB_K_READ, BB_KEY_REQUIRED, offsetof(struct bb_config, plugin_path), 0, 0, NULL,
     bb_read_path},
};
const struct bb_table bb_table_plugins = TABLE(plugins_keys);

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

void bb_load_journal_defaults(struct bb_journal_config *j)
{
    *j = (struct bb_journal_config){.map_size = 64 * GIB,
                                    .reserve = 64 * MIB,
                                    .retention_ms = 7 * DAY,
                                    .claims_window_ms = 7 * DAY,
                                    .claims_max = 5000000,
                                    .max_message = 16 * MIB,
                                    .index = true};
}

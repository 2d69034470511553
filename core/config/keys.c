/*
 * keys.c - conf.d's own keys: sections, endpoints, routes, journal and plugins
 *
 * The reference that docs/configuration.md describes, as data: a key, its kind, its default, its
 * range. A test holds the two together.
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

/* clang-format off */
/* A row: key, member, default, then the range; a WORD's default is a value of its enum. */
#define ROW(n, m) .name = n, .offset = offsetof(struct S, m), .size = sizeof(((struct S *)0)->m)
#define NUMBER(n, m, d, lo, hi) {ROW(n, m), .types = BB_TYPE_INT, .initial = d, .min = lo, .max = hi}
#define SPAN(n, m, d, lo, hi)                                                                      \
    {ROW(n, m), .types = BB_TYPE_INT, .format = BB_F_DURATION, .initial = d, .min = lo, .max = hi}
#define SIZE(n, m, d, lo, hi)                                                                      \
    {ROW(n, m), .types = BB_TYPE_INT, .format = BB_F_SIZE, .initial = d, .min = lo, .max = hi}
#define OR_NONE(f, n, m, d, lo, hi)                                                                \
    {ROW(n, m), .types = BB_TYPE_INT, .format = f, .initial = d, .min = lo, .max = hi,             \
     .flags = BB_SPEC_ZERO}
#define TRUTH(n, m, d) {ROW(n, m), .types = BB_TYPE_BOOL, .initial = d}
#define WORD(n, m, d, ...)                                                                         \
    {ROW(n, m), .types = BB_TYPE_STR, .initial = d,                                                \
     .choices = (const struct bb_choice[]){__VA_ARGS__, {NULL, 0}}}
#define TEXT(n, m, f, fl, t) {ROW(n, m), .types = BB_TYPE_STR, .format = f, .flags = fl, .text = t}
#define GROUP(n, m, k) {ROW(n, m), .types = BB_TYPE_MAP, .keys = k, .n_keys = BB_COUNT(k)}
#define OWN(n, t, r) {.name = n, .types = t, .read = r}
#define LATER(n) {.name = n, .flags = BB_SPEC_LATER}
#define MAP(k) {.types = BB_TYPE_MAP, .keys = k, .n_keys = BB_COUNT(k)}
/* clang-format on */

#define S bb_limit
static const struct bb_spec limit_keys[] = {
    {ROW("rate", rate), .types = BB_TYPE_NUM, .format = BB_F_RATE, .min = 1 / 86400.0, .max = 1e6},
    {ROW("burst", burst), .types = BB_TYPE_INT, .min = 1, .max = 1000000},
    NUMBER("in_flight", in_flight, 256, 1, 65536),
};
#undef S
#define S bb_breaker
static const struct bb_spec breaker_keys[] = {
    OR_NONE(BB_F_NONE, "failures", failures, 5, 1, 10000),
    SPAN("open", open_ms, SEC, 10, HOUR),
    SPAN("max", max_ms, MINUTE, 10, DAY),
};
#undef S
#define S bb_endpoint_config
static const struct bb_spec endpoint_keys[] = {
    TEXT("connector", connector, BB_F_CONNECTOR, BB_SPEC_REQUIRED,
         "which connector this endpoint is one of"),
    WORD("isolation", isolation, BB_ISO_PROCESS, {"process", BB_ISO_PROCESS},
         {"thread", BB_ISO_THREAD}, {"remote", -1}),
    NUMBER("workers", workers, 1, 1, 64),
    GROUP("limit", limit, limit_keys),
    GROUP("breaker", breaker, breaker_keys),
    OR_NONE(BB_F_DURATION, "probe_after", probe_after_ms, 2 * MINUTE, 1, 7 * DAY),
    SPAN("timeout", timeout_ms, 30 * SEC, 10, DAY),
    WORD("unmatched", unmatched, BB_UNMATCHED_QUARANTINE, {"quarantine", BB_UNMATCHED_QUARANTINE},
         {"refuse", BB_UNMATCHED_REFUSE}, {"skip", BB_UNMATCHED_SKIP}),
    TRUTH("claims", claims, true),
    NUMBER("batch_max", batch_max, 64, 1, 4096),
    OR_NONE(BB_F_SIZE, "memory_max", memory_max, 512 * MIB, 16 * MIB, 1024 * GIB),
    NUMBER("nice", nice, 0, 0, 19),
    OWN("config", BB_TYPE_MAP | BB_TYPE_NULL, bb_read_config),
    OWN("accept", BB_TYPE_LIST, bb_read_accept),
    OWN("echo", BB_TYPE_STR | BB_TYPE_LIST, bb_read_echo),
};
const struct bb_spec bb_spec_endpoint = MAP(endpoint_keys);
#undef S
#define S bb_retry
static const struct bb_spec retry_keys[] = {
    NUMBER("attempts", attempts, 10, 1, 1000000),
    WORD("backoff", exponential, true, {"exponential", true}, {"fixed", false}),
    SPAN("initial", initial_ms, 500, 1, DAY),
    SPAN("max", max_ms, 5 * MINUTE, 1, 7 * DAY),
    WORD("jitter", full_jitter, true, {"full", true}, {"none", false}),
    SPAN("retry_after_max", retry_after_max_ms, 10 * MINUTE, SEC, 7 * DAY),
    OR_NONE(BB_F_DURATION, "max_age", max_age_ms, 3 * DAY, SEC, 3650 * DAY),
};
#undef S
#define S bb_emit
static const struct bb_spec emit_keys[] = {
    TEXT("type", type, BB_F_NONE, BB_SPEC_REQUIRED, "the type of the message that is sent then"),
    {ROW("on", on), .types = BB_TYPE_STR, .flags = BB_SPEC_REQUIRED,
     .choices = (const struct bb_choice[]){{"delivered", BB_EMIT_DELIVERED}, {NULL, 0}},
     .text = "when: delivered"},
};
#undef S
#define S bb_route_config
static const struct bb_spec route_keys[] = {
    TEXT("from", from, BB_F_NAME, BB_SPEC_REQUIRED, "the endpoint that messages come from"),
    TEXT("to", to, BB_F_NAME, BB_SPEC_REQUIRED, "the endpoint that they go to"),
    OWN("match", BB_TYPE_MAP, bb_read_match),
    OWN("transform", BB_TYPE_LIST, bb_read_transform),
    TEXT("order_by", order_by, BB_F_ATTRIBUTE, 0, NULL),
    GROUP("retry", retry, retry_keys),
    WORD("on_unknown", on_unknown, BB_UNKNOWN_PROBE, {"probe", BB_UNKNOWN_PROBE},
         {"retry", BB_UNKNOWN_RETRY}, {"quarantine", BB_UNKNOWN_QUARANTINE}),
    WORD("on_failure", on_failure, BB_FAIL_DEFAULT, {"hold-lane", BB_FAIL_HOLD_LANE},
         {"quarantine", BB_FAIL_QUARANTINE}, {"skip", BB_FAIL_SKIP}),
    WORD("start", start, BB_START_NOW, {"now", BB_START_NOW}, {"oldest", BB_START_OLDEST}),
    TRUTH("commutative", commutative, false),
    TRUTH("paused", paused, false),
    OWN("waive", BB_TYPE_LIST, bb_read_waive),
    GROUP("emit", emit, emit_keys),
    LATER("sla"),
};
const struct bb_spec bb_spec_route = MAP(route_keys);
#undef S
#define S bb_waiver
static const struct bb_spec waiver_keys[] = {
    TEXT("feature", feature, BB_F_NONE, BB_SPEC_REQUIRED, "the BOM feature that the sink cannot carry"),
    TEXT("owner", owner, BB_F_NONE, BB_SPEC_REQUIRED, "who answers for its loss"),
    {ROW("until", until), .types = BB_TYPE_STR, .flags = BB_SPEC_REQUIRED,
     .pattern = "^[0-9][0-9][0-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
     .text = "the last day on which it holds, such as \"2026-12-31\""},
};
const struct bb_spec bb_spec_waiver = MAP(waiver_keys);
#undef S
#define S bb_journal_config
static const struct bb_spec journal_keys[] = {
    SIZE("map_size", map_size, 64 * GIB, 16 * MIB, 65536 * GIB),
    SIZE("reserve", reserve, 64 * MIB, MIB, 1024 * GIB),
    SPAN("retention", retention_ms, 7 * DAY, SEC, 36500 * DAY),
    SPAN("claims_window", claims_window_ms, 7 * DAY, SEC, 36500 * DAY),
    NUMBER("claims_max", claims_max, 5000000, 1, 1000000000),
    SIZE("max_message", max_message, 16 * MIB, KIB, 64 * MIB),
    TRUTH("index", index, true),
};
#undef S
static const struct bb_spec plugins_keys[] = {
    {.name = "path",
     .types = BB_TYPE_STR | BB_TYPE_LIST,
     .flags = BB_SPEC_REQUIRED,
     .read = bb_read_plugin_path,
     .text = "a folder or a list of folders"},
};
#define S bb_ownership
static const struct bb_spec ownership_keys[] = {
    {.name = "match", .types = BB_TYPE_MAP, .flags = BB_SPEC_REQUIRED, .read = bb_read_ownership_match,
     .text = "which messages this is about, as in a route"},
    OWN("fields", BB_TYPE_STR | BB_TYPE_LIST, bb_read_ownership_fields),
    {.name = "owner", .types = BB_TYPE_STR | BB_TYPE_LIST, .flags = BB_SPEC_REQUIRED, .read = bb_read_ownership_owner,
     .text = "the endpoint that alone may send them, or a list"},
    WORD("foreign", foreign, BB_FOREIGN_QUARANTINE, {"quarantine", BB_FOREIGN_QUARANTINE},
         {"refuse", BB_FOREIGN_REFUSE}),
};
const struct bb_spec bb_spec_ownership = MAP(ownership_keys);
#undef S
#define S bb_config
static const struct bb_spec policies_keys[] = {
    OWN("ownership", BB_TYPE_MAP | BB_TYPE_NULL, bb_read_ownership),
};
static const struct bb_spec root_keys[] = {
    OWN("endpoints", BB_TYPE_MAP | BB_TYPE_NULL, bb_read_endpoints),
    OWN("routes", BB_TYPE_MAP | BB_TYPE_NULL, bb_read_routes),
    {ROW("journal", journal), .types = BB_TYPE_MAP | BB_TYPE_NULL, .keys = journal_keys,
     .n_keys = BB_COUNT(journal_keys)},
    {.name = "plugins",
     .types = BB_TYPE_MAP | BB_TYPE_NULL,
     .keys = plugins_keys,
     .n_keys = BB_COUNT(plugins_keys)},
    LATER("processes"),
    LATER("reconciliations"),
    {.name = "policies", .types = BB_TYPE_MAP | BB_TYPE_NULL, .keys = policies_keys,
     .n_keys = BB_COUNT(policies_keys)},
};
const struct bb_spec bb_spec_root = MAP(root_keys);

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

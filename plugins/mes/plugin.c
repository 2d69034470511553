/*
 * plugin.c - the mes connector: B2MML 7 over HTTP, out (sink), in (feed) and asked (query)
 *
 * Thread: the instance's alone, see mes.h. The host's roles say which of the three this instance is for: only
 * the source polls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include <busbar/units.h>
#include "mes.h"
#include "mes-manifest.h"

/* ---- config ------------------------------------------------------------------------------------------ */
static const struct {
    const char *pointer, *def;
    size_t at;
} texts[] = {
    {"/base_url", NULL, offsetof(struct mes_conf, base)},
    {"/paths/transactions", "/b2mml", offsetof(struct mes_conf, post)},
    {"/paths/confirmations", "/b2mml/confirmations", offsetof(struct mes_conf, confirmations)},
    {"/paths/orders", "/b2mml/orders", offsetof(struct mes_conf, orders)},
    {"/paths/bills", "/b2mml/bills", offsetof(struct mes_conf, bills)},
    {"/receive/path", "/b2mml/performances", offsetof(struct mes_conf, performances)},
    {"/plant", "", offsetof(struct mes_conf, plant)},
    {"/utc_offset", "Z", offsetof(struct mes_conf, zone)},
};

static char **text_at(struct mes_conf *c, size_t k)
{
    return (char **)((char *)c + texts[k].at);
}

static bb_status conf_read(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    struct bb_ext_instance const *e = i->ctx.api->extension(i->ctx.host, BB_EXT_INSTANCE);
    struct bb_instance who = {.size = sizeof who, .endpoint = "mes"};
    char *scheme = bb_conf_dup(conf, "/units", "rec20");
    int bad = !scheme;

    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        char *s = bb_conf_dup(conf, texts[k].pointer, texts[k].def);
        memcpy(text_at(&i->conf, k), &s, sizeof s);
        bad |= !s;
    }
    if (e && BB_HAS(e, describe))
        e->describe(i->ctx.host, &who);
    if (asprintf(&i->conf.source, "/busbar/%.63s", who.endpoint) < 0)
        i->conf.source = NULL;
    i->conf.scheme = scheme ? bb_unit_scheme(scheme) : -1;
    i->conf.timeout_ms = (uint32_t)bb_conf_int(conf, "/timeout", 30000);
    free(scheme);
    if (bad || !i->conf.source)
        return bb_error_set(err, BB_E_CONFIG, "base_url is missing, a text holds a NUL, or there is no memory");
    if (i->conf.scheme < 0)
        return bb_error_set(err, BB_E_CONFIG, "units: rec20, sap or iso");
    return BB_OK;
}

/* ---- mappings of the documents that we read ------------------------------------------------------------ */
static const char *const arrays[] = {
    "[]",
    ("[\"/ShowOperationsPerformance/DataArea/OperationsPerformance\", \"//OperationsResponse\", \"//SegmentResponse\","
     " \"//MaterialActual\"]"),
    "[\"//OperationsRequest\"]",
    "[\"//OperationsMaterialBillItem\"]",
};

static struct bb_xml_map *map_make(const char *array, struct bb_error *err)
{
    char json[512];
    struct bb_buf b;
    struct bb_fault f = {0, "out of memory"};
    struct bb_xml_map *m = NULL;
    int n = snprintf(json, sizeof json, "{\"namespaces\": {\"\": \"" MES_NS "\"}, \"arrays\": %s}", array);

    bb_buf_init(&b, 4096);
    if (bb_json_read((struct bb_bytes){json, (size_t)n}, &b, &f) == 0)
        m = bb_xml_map_new((struct bb_bytes){b.ptr, b.len}, &f);
    if (!m)
        bb_error_set(err, BB_E_RETRY, "a mapping: %s", f.text);
    bb_buf_free(&b);
    return m;
}

static bb_status maps_make(bb_inst *i, struct bb_error *err)
{
    struct bb_xml_map **const to[] = {&i->confirm_map, &i->performance_map, &i->order_map, &i->bill_map};

    for (size_t k = 0; k < sizeof to / sizeof *to; k++)
        if (!(*to[k] = map_make(arrays[k], err)))
            return BB_E_RETRY;
    return BB_OK;
}

/* ---- life ---------------------------------------------------------------------------------------------- */
static bb_status poll_make(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    struct bb_poll_conf p = {.ctx = &i->ctx, .client = i->client, .records = "", .next = BB_NEXT_LINK,
                             .cursor_pointer = "/cursor", .cursor_param = "after", .message = performance_message,
                             .body = performance_body, .arg = i, .max_messages = 4096};
    struct bb_bytes any;
    char url[1024];

    if (!(bb_instance_roles(&i->ctx) & BB_ROLE_SOURCE))
        return BB_OK;
    if (!bb_conf_find(conf, "/receive", &any))
        return bb_error_set(err, BB_E_CONFIG, "a route comes from this endpoint: it needs receive, for example "
                                              "receive: {interval: 10s}");
    if (snprintf(url, sizeof url, "%s?limit=%lld", i->conf.performances,
                 (long long)bb_conf_int(conf, "/receive/page", 100)) >= (int)sizeof url)
        return bb_error_set(err, BB_E_CONFIG, "receive: path is too long");
    p.url = url;
    p.interval_ms = bb_conf_int(conf, "/receive/interval", 10000);
    p.jitter = (uint32_t)bb_conf_int(conf, "/receive/jitter", 10);
    p.backoff_max_ms = bb_conf_int(conf, "/receive/backoff_max", 300000);
    p.max_page = (size_t)bb_conf_int(conf, "/receive/max_page", 8 << 20);
    return bb_poll_new(&p, &i->poll, err);
}

static void inst_destroy(bb_inst *i)
{
    bb_poll_free(&i->poll);
    bb_http_free(&i->client); /* ends every job */
    bb_xml_map_free(&i->confirm_map);
    bb_xml_map_free(&i->performance_map);
    bb_xml_map_free(&i->order_map);
    bb_xml_map_free(&i->bill_map);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        free(*text_at(&i->conf, k));
    free(i->conf.source);
    bb_buf_free(&i->reply);
    bb_buf_free(&i->tmp);
    free(i);
}

static bb_status inst_create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *conf, bb_inst **out,
                             struct bb_error *err)
{
    bb_inst *i = calloc(1, sizeof *i);
    struct bb_http_config f = {.agent = "busbar-mes/1", .outcomes = mes_outcomes};
    bb_status st;

    if (!i)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    i->ctx = (struct bb_ctx){h, api};
    bb_buf_init(&i->reply, 1u << 20); /* the most that done() takes */
    bb_buf_init(&i->tmp, 64u << 20);
    st = conf_read(i, *conf, err);
    f.base = i->conf.base;
    f.csrf_path = i->conf.post;
    if (st == BB_OK)
        st = maps_make(i, err);
    if (st == BB_OK)
        st = bb_http_from_conf(&i->ctx, *conf, &f, &i->client, err);
    if (st == BB_OK)
        st = poll_make(i, *conf, err);
    if (st == BB_OK)
        *out = i;
    else
        inst_destroy(i);
    return st;
}

static bb_status inst_start(bb_inst *i, struct bb_error *err)
{
    i->stopping = 0;
    return bb_poll_start(i->poll, err);
}

static bb_status inst_stop(bb_inst *i, uint32_t budget_ms)
{
    bb_poll_stop(i->poll);
    i->stop_at_ms = bb_clock_ms() + budget_ms - budget_ms / 8;
    i->stopping = i->jobs != NULL;
    return i->stopping ? BB_PENDING : BB_OK;
}

static void inst_wait(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    if (i->stopping && timeout_ms > 20)
        timeout_ms = 20;
    bb_http_wait(i->client, host, n, bb_poll_before(i->poll, timeout_ms));
    bb_poll_after(i->poll);
    if (!i->stopping || (i->jobs && bb_clock_ms() < i->stop_at_ms))
        return;
    while (i->jobs)
        bb_http_cancel(i->jobs->call);
    i->stopping = 0;
    i->ctx.api->stopped(i->ctx.host);
}

/* ---- the contract's calls ------------------------------------------------------------------------------ */
static void inst_cancel(bb_inst *i, bb_token t)
{
    for (struct job *j = i->jobs; j; j = j->next)
        if (j->t == t) {
            bb_http_cancel(j->call);
            return;
        }
}

static void inst_acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    bb_poll_acked(i->poll, cookie, s, r);
}

static void inst_resume(bb_inst *i)
{
    bb_poll_resume(i->poll);
}

static bb_status inst_health(bb_inst *i, struct bb_error *why)
{
    bb_status st = bb_poll_health(i->poll, why);

    return st == BB_OK && i->last == BB_E_DOWN ? bb_error_set(why, BB_E_DOWN, "%s", i->last_text) : st;
}

static const void *inst_extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_probe probe = {.size = sizeof probe, .probe = sink_probe};
    static const struct bb_ext_query query = {.size = sizeof query, .query = query_ask};
    static const struct bb_ext_health health = {.size = sizeof health, .health = inst_health};
    static const struct bb_ext_wait wait = {.size = sizeof wait, .wait = inst_wait};
    static const struct {
        const char *id;
        const void *table;
    } rows[] = {{BB_EXT_PROBE, &probe}, {BB_EXT_QUERY, &query}, {BB_EXT_HEALTH, &health}, {BB_EXT_WAIT, &wait}};
    (void)i;

    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        if (strcmp(id, rows[k].id) == 0)
            return rows[k].table;
    return NULL;
}

static const struct bb_connector connector = {
    .size = sizeof connector, .id = "mes", .create = inst_create, .start = inst_start, .stop = inst_stop,
    .destroy = inst_destroy, .deliver = sink_deliver, .cancel = inst_cancel, .acked = inst_acked,
    .resume = inst_resume, .extension = inst_extension,
};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    static const struct bb_connector *const list[] = {&connector};
    static const struct bb_module module = {.size = sizeof module, .abi = BB_ABI, .count = 1, .connectors = list};
    (void)host_abi;

    return &module;
}

/*
 * plugin.c - the plm connector's life: config, start, stop, its loop (see plm.h)
 *
 * Thread: the instance's. Ownership: create() makes all of an instance, destroy() frees it; the feed goes before
 * its client.
 */
#include <stdio.h>
#include <stdlib.h>
#include "plm.h"
#include "plm-manifest.h"

static const struct {
    const char *pointer, *rest, *odata; /* the default by the PLM's style */
    size_t at;
} texts[] = {
#define AT(m) offsetof(struct plm_conf, m)
    {"/base_url", NULL, NULL, AT(base)},
    {"/paths/changes", "/plm/changes?limit={page}&since={cursor}",
     "/odata/Changes?$filter=Seq%20gt%20{cursor}&$orderby=Seq&$top={page}", AT(changes)},
    {"/paths/change", "/plm/changes/{number}", "/odata/Changes('{number}')?$expand=Affected", AT(change)},
    {"/paths/item", "/plm/items/{item}?revision={revision}",
     "/odata/Items(Number='{item}',Revision='{revision}')?$expand=Units,Plants", AT(item)},
    {"/paths/structure",
     ("/plm/structures/{item}?plant={plant}&alternative={alternative}&usage={usage}&revision={revision}"
      "&levels={levels}&limit={page}"),
     ("/odata/Structures(Item='{item}',Plant='{plant}',Alternative='{alternative}',Usage='{usage}',Revision='{revision}')"
      "?levels={levels}&$top={page}&$expand=Lines"), AT(structure)},
    {"/paths/status", "/plm/changes/{number}/status", "/odata/Changes('{number}')/Status", AT(status)},
    {"/paths/probe", "/plm/changes/{number}/status?reference={reference}",
     "/odata/Changes('{number}')/Status?$filter=Reference%20eq%20'{reference}'", AT(probe)},
    {"/source", "/plm", "/plm", AT(source)},
    {"/status/system", "busbar", "busbar", AT(system)},
#undef AT
};
#define TEXTS (sizeof texts / sizeof *texts)

static char **text_at(struct plm_conf *c, size_t k)
{
    return (char **)(void *)((char *)c + texts[k].at);
}

static bb_status conf_read(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    i->conf.odata = bb_str_is(bb_conf_str(conf, "/style", "rest"), "odata");
    for (size_t k = 0; k < TEXTS; k++) {
        char **p = text_at(&i->conf, k);
        *p = bb_conf_dup(conf, texts[k].pointer, i->conf.odata ? texts[k].odata : texts[k].rest);
        if (!*p)
            return bb_error_set(err, BB_E_CONFIG, "%s is missing, holds a NUL, or there is no memory", texts[k].pointer + 1);
    }
    i->conf.levels = bb_conf_int(conf, "/structure/levels", 1);
    i->conf.page = bb_conf_int(conf, "/structure/page", 100);
    i->conf.lines_max = bb_conf_int(conf, "/structure/lines", 20000);
    i->conf.timeout_ms = (uint32_t)bb_conf_int(conf, "/timeout", 30000);
    return bb_conf_keep(conf, &i->raw) == 0 ? BB_OK : bb_error_set(err, BB_E_RETRY, "out of memory");
}

/* The feed's URL has {page} filled in here, {cursor} by bb_poll. */
static int feed_url(const char *path, int64_t page, char *out, size_t cap)
{
    const char *at = strstr(path, "{page}");
    int n = at ? snprintf(out, cap, "%.*s%lld%s", (int)(at - path), path, (long long)page, at + 6) : snprintf(out, cap, "%s", path);

    return n >= 0 && (size_t)n < cap ? 0 : -1;
}

static bb_status feed_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    struct bb_bytes poll;
    int odata = i->conf.odata;
    char url[1024], records[256], cursor[256], start[256];
    struct bb_poll_conf p = {.ctx = &i->ctx, .client = i->client, .url = url, .records = records,
                             .next = odata ? BB_NEXT_ODATA : BB_NEXT_POINTER, .next_pointer = "/next", .cursor_pointer = cursor,
                             .cursor_start = start, .message = notice_message, .arg = i};

    if (!(bb_instance_roles(&i->ctx) & BB_ROLE_SOURCE) || bb_conf_find(conf, "/poll", &poll) != 1)
        return BB_OK;
    if (feed_url(i->conf.changes, bb_conf_int(poll, "/page", 100), url, sizeof url) != 0 ||
        bb_str_copy(bb_conf_str(poll, "/records", odata ? "/value" : "/changes"), records, sizeof records) != 0 ||
        bb_str_copy(bb_conf_str(poll, "/cursor", odata ? "/Seq" : "/seq"), cursor, sizeof cursor) != 0 ||
        bb_str_copy(bb_conf_str(poll, "/start", "0"), start, sizeof start) != 0)
        return bb_error_set(err, BB_E_CONFIG, "paths.changes, poll.records, poll.cursor or poll.start is too long");
    p.interval_ms = bb_conf_int(poll, "/interval", 30000);
    p.jitter = (uint32_t)bb_conf_int(poll, "/jitter", 10);
    p.backoff_max_ms = bb_conf_int(poll, "/backoff_max", 300000);
    return bb_poll_new(&p, &i->poll, err);
}

static void destroy(bb_inst *i)
{
    bb_poll_free(&i->poll);
    bb_http_free(&i->client); /* ends its calls: their jobs go with them */
    while (i->jobs)
        job_free(i->jobs);
    for (size_t k = 0; k < TEXTS; k++)
        free(*text_at(&i->conf, k));
    free((void *)(uintptr_t)i->raw.ptr);
    free(i);
}

static bb_status create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *conf, bb_inst **out,
                        struct bb_error *err)
{
    bb_inst *i = calloc(1, sizeof *i);
    bb_status st = i ? BB_OK : bb_error_set(err, BB_E_RETRY, "out of memory");

    if (st == BB_OK) {
        i->ctx = (struct bb_ctx){h, api};
        i->last_job = &i->jobs;
        st = conf_read(i, *conf, err);
    }
    if (st == BB_OK) {
        struct bb_http_config f = {.base = i->conf.base, .agent = "busbar-plm/1", .outcomes = plm_outcomes,
                                   .max_response = (size_t)bb_conf_int(*conf, "/max_response", 8 << 20)};
        st = bb_http_from_conf(&i->ctx, *conf, &f, &i->client, err);
    }
    if (st == BB_OK)
        st = feed_new(i, *conf, err);
    if (st == BB_OK)
        *out = i;
    else if (i)
        destroy(i);
    return st;
}

static bb_status start(bb_inst *i, struct bb_error *err)
{
    return i->poll ? bb_poll_start(i->poll, err) : BB_OK;
}

static bb_status stop(bb_inst *i, uint32_t budget_ms)
{
    (void)budget_ms; /* a job ends by its own time-out */
    bb_poll_stop(i->poll);
    i->stopping = i->jobs != NULL || bb_http_open(i->client) > 0;
    return i->stopping ? BB_PENDING : BB_OK;
}

static void wait_once(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    packs_run(i);
    if (i->jobs && timeout_ms > 100)
        timeout_ms = 100; /* one that waits: for its turn, a pause, for room */
    bb_http_wait(i->client, host, n, bb_poll_before(i->poll, timeout_ms));
    bb_poll_after(i->poll);
    packs_run(i);
    if (i->stopping && !i->jobs && !bb_http_open(i->client)) {
        i->stopping = 0;
        i->ctx.api->stopped(i->ctx.host);
    }
}

static void cancel(bb_inst *i, bb_token t)
{
    struct job *j = i->jobs;
    struct bb_error err = bb_error_none();

    while (j && j->t != t)
        j = j->next;
    if (j && j->call) {
        bb_http_cancel(j->call);
    } else if (j) { /* a package that waits or is being handed in: to read it again does no harm */
        bb_error_set(&err, BB_E_RETRY, "cancelled before all of its messages were handed in");
        job_end(j, BB_E_RETRY, NULL, &err);
    }
}

static bb_status health(bb_inst *i, struct bb_error *why)
{
    bb_status st = i->poll ? bb_poll_health(i->poll, why) : BB_OK;

    return st != BB_OK || i->last == BB_OK ? st : bb_error_set(why, i->last, "%s", i->last_text);
}

static void acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    if (!pack_acked(i, cookie, s, r))
        bb_poll_acked(i->poll, cookie, s, r);
}

static void resume(bb_inst *i)
{
    packs_resume(i);
    bb_poll_resume(i->poll);
}

static const void *extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_wait wait_table = {.size = sizeof wait_table, .wait = wait_once};
    static const struct bb_ext_health health_table = {.size = sizeof health_table, .health = health};
    static const struct bb_ext_probe probe_table = {.size = sizeof probe_table, .probe = sink_probe};
    static const struct {
        const char *id;
        const void *table;
    } all[] = {{BB_EXT_WAIT, &wait_table}, {BB_EXT_HEALTH, &health_table}, {BB_EXT_PROBE, &probe_table}};

    (void)i;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (strcmp(all[k].id, id) == 0)
            return all[k].table;
    return NULL;
}

static const struct bb_connector connector = {
    .size = sizeof connector, .id = "plm", .create = create, .start = start, .stop = stop, .destroy = destroy,
    .deliver = sink_deliver, .cancel = cancel, .acked = acked, .resume = resume, .extension = extension};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    static const struct bb_connector *const list[] = {&connector};
    static const struct bb_module module = {sizeof module, BB_ABI, 1, 0, list};
    return host_abi == BB_ABI ? &module : NULL;
}

/*
 * service.c - the system's services: where they are and what their $metadata says
 *
 * A description is read when the first job needs it, by one call for all that wait, and again when a
 * day has gone (a system is upgraded while we run). What cannot be read ends those that wait: the next job
 * tries again. A wrong path is for a person (CONFIG), a peer that is down is not.
 *
 * Thread: the instance's. Ownership: the instance owns services, a service its description.
 */
#include <stdlib.h>
#include "sap.h"

#define DAY_MS 86400000
#define AGAIN_MS 5000

static const struct {
    const char *name, *path;
} known[] = {
    {"product", "/sap/opu/odata/sap/API_PRODUCT_SRV"},
    {"bom", "/sap/opu/odata/sap/API_BILL_OF_MATERIAL_SRV;v=0002"},
    {"document", "/sap/opu/odata/sap/API_MATERIAL_DOCUMENT_SRV"},
    {"stock", "/sap/opu/odata/sap/API_MATERIAL_STOCK_SRV"},
    {"order", "/sap/opu/odata/sap/API_PRODUCTION_ORDER_2_SRV"},
    {"purchase", "/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV"},
    {"source", "/sap/opu/odata/sap/API_PURCHASING_SOURCE_SRV"},
    {"change", "/sap/opu/odata/sap/API_CHANGEMASTER;v=0002"},
};

struct service *service_find(const bb_inst *i, struct bb_bytes name)
{
    struct service *s = i->services;

    while (s && !bb_str_is(name, s->name))
        s = s->next;
    return s;
}

struct bb_bytes service_link(const struct service *s, struct bb_bytes link)
{
    const char *text = link.ptr, *path;
    size_t scheme = link.len > 8 && memcmp(text, "https://", 8) == 0 ? 8 : link.len > 7 && memcmp(text, "http://", 7) == 0 ? 7 : 0;
    size_t n = strlen(s->path), left;

    path = scheme ? memchr(text + scheme, '/', link.len - scheme) : NULL;
    left = path ? link.len - (size_t)(path - text) : 0;
    if (left > n && memcmp(path, s->path, n) == 0 && path[n] == '/')
        return (struct bb_bytes){path, left};
    return link;
}

static int service_add(bb_inst *i, struct bb_bytes name, struct bb_bytes path)
{
    struct service *s = service_find(i, name);
    char *text = bb_str_dup(path);
    size_t n = text ? strlen(text) : 0;

    if (!text)
        return -1;
    while (n > 1 && text[n - 1] == '/')
        text[--n] = 0;
    if (!s) {
        s = calloc(1, sizeof *s);
        if (s)
            s->name = bb_str_dup(name);
        if (!s || !s->name) {
            free(s);
            free(text);
            return -1;
        }
        s->next = i->services;
        i->services = s;
    }
    free(s->path);
    s->path = text;
    return 0;
}

bb_status services_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    struct bb_iter it;
    struct bb_bytes map, k, v, path;
    int bad = 0;

    for (size_t n = 0; n < sizeof known / sizeof known[0]; n++)
        bad |= service_add(i, bb_str(known[n].name), bb_str(known[n].path));
    if (bb_conf_find(conf, "/services", &map) && bb_iter_of(map, &it))
        while (bb_iter_next(&it, &k, &v))
            bad |= bb_as_str(v, &path) != 1 || service_add(i, k, path);
    return bad ? bb_error_set(err, BB_E_RETRY, "out of memory") : BB_OK;
}

void services_free(bb_inst *i)
{
    while (i->services) {
        struct service *s = i->services;
        i->services = s->next;
        edm_free(&s->edm);
        free(s->name);
        free(s->path);
        free(s);
    }
}

/* ---- reading a description ----------------------------------------------------------------------------- */
static bb_status description_take(struct service *s, const struct bb_http_answer *a, struct bb_error *err)
{
    struct bb_fault why;
    struct edm *e;

    if (a->code == 404 || a->code == 403)
        return bb_error_set(err, BB_E_CONFIG, "service %s: %s; give its path in services, and see that the user may "
                                              "use it", s->name, a->text);
    if (a->outcome != BB_OK) {
        bb_status st = bb_http_answer_error(a, err);
        return st == BB_E_REJECT ? BB_E_CONFIG : st; /* no message was in it that could be refused */
    }
    e = edm_read(a->body, &why);
    if (!e)
        return bb_error_set(err, BB_E_CONFIG, "service %s: %s/$metadata cannot be used: %s", s->name, s->path,
                            why.text);
    edm_free(&s->edm);
    s->edm = e;
    s->read_at_ms = bb_clock_ms();
    return BB_OK;
}

static void on_description(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct service *s = call->arg;
    struct bb_error err = bb_error_none();
    bb_status st = description_take(s, a, &err);
    struct job *j = s->waiting;

    s->call = NULL;
    s->waiting = NULL;
    s->again_ms = st == BB_OK ? 0 : bb_clock_ms() + AGAIN_MS;
    if (a->code != BB_HTTP_E_CANCELLED)
        job_remember(s->i, st, &err);
    while (j) {
        struct job *next = j->behind;
        j->behind = NULL;
        if (st == BB_OK)
            job_go_on(j);
        else
            job_end(j, st == BB_E_UNKNOWN ? BB_E_RETRY : st, &err); /* only a read was lost */
        j = next;
    }
}

/* Jobs on their way point into the description: a new one waits until they have ended. */
static int fresh(const struct service *s)
{
    return s->edm && (s->users || bb_clock_ms() - s->read_at_ms < DAY_MS);
}

void service_load(struct service *s, bb_inst *i)
{
    struct bb_http_call *c;

    if (fresh(s) || s->call || bb_clock_ms() < s->again_ms)
        return;
    s->i = i;
    c = bb_http_call_new(i->client, "GET", s->path);
    if (!c)
        return;
    bb_buf_put(&c->url, "/$metadata", 10);
    c->max_response = EDM_TEXT_MAX;
    c->done = on_description;
    c->arg = s;
    s->call = bb_http_send(c) == 0 ? c : NULL;
}

void service_wait(struct service *s, struct job *j)
{
    struct bb_error err = bb_error_none();
    struct job **end = &s->waiting;

    if (fresh(s)) {
        job_go_on(j);
        return;
    }
    s->again_ms = 0; /* a message waits: now */
    service_load(s, j->i);
    if (!s->call) {
        bb_error_set(&err, BB_E_RETRY, "out of memory");
        job_end(j, BB_E_RETRY, &err);
        return;
    }
    while (*end)
        end = &(*end)->behind;
    *end = j;
}

/*
 * kind.c - what a message becomes: where it is posted, for whom and in which form
 *
 * The partner is the attribute `partner`, else the data's seller (a forecast) or partner (an acknowledgement), else the
 * config's. JSON is the message's data as it is: a portal that wants another shape gets it from the route's transform.
 *
 * Thread: any. Memory: the buffers given.
 */
#include <busbar/json.h>
#include <busbar/web.h>
#include "portal.h"

static bb_status json_put(struct post *p)
{
    struct bb_fault f = {0, ""};

    if (bb_json_write(p->e.data, p->body, &f) != 0)
        return bb_error_set(p->err, BB_E_REJECT, "the data cannot be written as JSON: %s", f.text);
    return BB_OK;
}

static const struct {
    const char *type; /* ends in a dot: all that begin so */
    size_t path;      /* in the config */
    const char *partner;
    bb_status (*x12)(struct post *p);
    const char *set;
} kinds[] = {
#define AT(m) offsetof(struct portal_conf, m)
    {"mfg.forecast.issued", AT(forecasts), "/seller/id", x12_forecast_put, "830"},
    {"mfg.change.", AT(changes), "/partner", NULL, NULL},
    {PORTAL_ACKNOWLEDGE, AT(acknowledgements), "/partner", x12_ack_put, "997"},
#undef AT
};
#define KINDS (sizeof kinds / sizeof *kinds)

static size_t kind_of(struct bb_bytes type)
{
    size_t k = 0;

    for (; k < KINDS; k++) {
        size_t n = strlen(kinds[k].type);
        if (kinds[k].type[n - 1] == '.' ? type.len > n && memcmp(type.ptr, kinds[k].type, n) == 0
                                        : bb_str_is(type, kinds[k].type))
            break;
    }
    return k;
}

void path_put(struct bb_buf *b, const char *path, struct bb_bytes partner, struct bb_bytes key)
{
    static const char *const names[] = {"{partner}", "{key}"};
    const struct bb_bytes values[] = {partner, key};

    while (*path) {
        size_t n = strcspn(path, "{"), k = 0;
        bb_buf_put(b, path, n);
        path += n;
        while (*path && k < 2 && strncmp(path, names[k], strlen(names[k])) != 0)
            k++;
        if (*path && k < 2) {
            bb_uri_put(b, values[k]);
            path += strlen(names[k]);
        } else if (*path) {
            bb_buf_put(b, path++, 1);
        }
    }
}

static bb_status partner_find(struct post *p, size_t k, const char *path)
{
    if (bb_envelope_get(&p->e, "partner", &p->partner) == 1 && p->partner.len)
        return BB_OK;
    p->partner = bb_conf_str(p->e.data, kinds[k].partner, p->conf->partner);
    if (!p->partner.len && (kinds[k].x12 || strstr(path, "{partner}")))
        return bb_error_set(p->err, BB_E_REJECT, "the message names no partner: set the attribute partner in the route (copy: "
                                                 "{from: ..., to: /attributes/partner})%s, or partner in the endpoint's config",
                            k == 0 ? ", data.seller.id" : "");
    return BB_OK;
}

bb_status post_make(struct post *p)
{
    size_t k = kind_of(p->v->type);
    struct bb_fault f = {0, ""};
    const char *path;
    bb_status st;
    int x12;

    if (k == KINDS)
        return bb_error_set(p->err, BB_E_REJECT, "the portal takes mfg.forecast.issued, mfg.change.* and " PORTAL_ACKNOWLEDGE
                                                 ", not %.*s: mend the route's match", (int)(p->v->type.len > 80 ? 80 : p->v->type.len),
                            (const char *)p->v->type.ptr);
    if (bb_envelope_read(p->v->whole, &p->e, &f) != 0)
        return bb_error_set(p->err, BB_E_REJECT, "the message cannot be read: %s", f.text);
    path = *(char *const *)(const void *)((const char *)p->conf + kinds[k].path);
    st = partner_find(p, k, path);
    if (st != BB_OK)
        return st;
    path_put(p->url, path, p->partner, p->v->key);
    x12 = kinds[k].x12 && (k != 0 || p->conf->forecast_x12);
    p->media = x12 ? PORTAL_X12 : "application/json";
    p->set = x12 ? kinds[k].set : NULL;
    st = x12 ? kinds[k].x12(p) : json_put(p);
    if (st == BB_OK && (p->body->failed || p->url->failed))
        st = bb_error_set(p->err, BB_E_REJECT, "the message is too large for a post");
    return st;
}

/*
 * change_in.c - a change package as mfg.change, and a record of the feed as a notice
 *
 * A message's id is what it is about (here: the change's number and version) and a digest of all that it says. Read
 * twice it is the same message, to the byte, and dropped by the endpoint's claims; so nothing goes into it that another
 * call could find otherwise: what other systems said of the change is left out. Read again with another mapping (units,
 * names) it is another message, and goes on.
 *
 * Thread: any. Memory: the buffer given.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include "plm.h"

static const struct word types[] = {{"open", "mfg.change.requested"},         {"approved", "mfg.change.approved"},
                                    {"released", "mfg.change.released"},      {"implemented", "mfg.change.implemented"},
                                    {"cancelled", "mfg.change.cancelled"},    {NULL, NULL}};
static const struct word approvals[] = {{"open", "submitted"},       {"approved", "approved"},   {"released", "released"},
                                        {"implemented", "released"}, {"cancelled", "withdrawn"}, {NULL, NULL}};
static const struct word statuses[] = {{"open", "open"},               {"approved", "in-work"},    {"released", "in-work"},
                                       {"implemented", "implemented"}, {"cancelled", "cancelled"}, {NULL, NULL}};
static const struct word kinds[] = {{"request", "request"}, {"order", "order"},   {"notice", "notice"},
                                    {"deviation", "deviation"}, {"waiver", "waiver"}, {NULL, NULL}};
static const struct word priorities[] = {{"low", "low"}, {"normal", "normal"}, {"high", "high"},
                                         {"emergency", "emergency"}, {NULL, NULL}};
static const struct word strategies[] = {{"immediate", "immediate"}, {"date", "date"}, {"serial", "serial"}, {"lot", "lot"},
                                         {"next-order", "next-order"}, {"use-up", "use-up"}, {NULL, NULL}};
static const struct word objects[] = {{"item", "item"}, {"bom", "bom"}, {"document", "document"}, {NULL, NULL}};
static const struct word actions[] = {{"create", "create"}, {"revise", "revise"}, {"obsolete", "obsolete"},
                                      {"replace", "replace"}, {"change", "change"}, {NULL, NULL}};
static const struct word usages[] = {{"production", "manufacturing"}, {"manufacturing", "manufacturing"},
                                     {"engineering", "engineering"}, {"service", "service"}, {NULL, NULL}};

#define DIGEST 16 /* characters of an id's end: 64 bits of SHA-256 */

/* Of all that a message says but its id: read again with another mapping, it is another message. */
static int digest_put(const struct bb_envelope *v, char out[DIGEST + 1])
{
    const struct bb_bytes parts[] = {v->type, v->item, v->revision, v->plant, v->change, v->correlationid, v->time, v->data};
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    unsigned char sum[EVP_MAX_MD_SIZE];
    int ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1;

    for (size_t k = 0; ok && k < sizeof parts / sizeof *parts; k++)
        ok = EVP_DigestUpdate(c, parts[k].len ? parts[k].ptr : "", parts[k].len) == 1 && EVP_DigestUpdate(c, "", 1) == 1;
    ok = ok && EVP_DigestFinal_ex(c, sum, NULL) == 1;
    EVP_MD_CTX_free(c);
    for (int k = 0; ok && k < DIGEST / 2; k++)
        snprintf(out + 2 * k, 3, "%02x", sum[k]);
    return ok ? 0 : -1;
}

int message_put(const bb_inst *i, const struct envelope *e, struct bb_bytes data, struct bb_buf *out, struct bb_error *err)
{
    struct bb_envelope v;
    struct bb_fault f;
    char id[1024], time[48];
    size_t at = out->len, n = (size_t)snprintf(id, sizeof id, "%s", e->kind);

    for (size_t k = 0; k < 5 && e->id[k].len && n < sizeof id; k++)
        n += (size_t)snprintf(id + n, sizeof id - n, "/%.*s", (int)e->id[k].len, (const char *)e->id[k].ptr);
    if (n + 1 + DIGEST >= sizeof id) {
        bb_error_set(err, BB_E_REJECT, "a number is too long: %.60s...", id);
        return -1;
    }
    memset(&v, 0, sizeof v);
    v.source = bb_str(i->conf.source);
    v.type = e->type;
    v.item = e->item, v.revision = e->revision, v.plant = e->plant, v.change = e->change;
    v.correlationid = e->correlation.len ? e->correlation : e->change;
    v.time = e->time;
    if (e->time.len == 10) { /* a day: its first moment */
        snprintf(time, sizeof time, "%.10sT00:00:00Z", (const char *)e->time.ptr);
        v.time = bb_str(time);
    }
    v.data = data;
    id[n++] = '/';
    if (digest_put(&v, id + n) != 0) {
        bb_error_set(err, BB_E_RETRY, "libcrypto offers no SHA-256 here");
        return -1;
    }
    v.id = bb_str(id);
    bb_envelope_put(out, &v);
    if (!out->failed && bb_message_check((struct bb_bytes){out->ptr + at, out->len - at}, &f) != 0) {
        bb_error_set(err, BB_E_REJECT, "it cannot be a message: %.180s", f.text); /* a number with a line end in it, say */
        return -1;
    }
    return 0;
}

/* ---- the notice ------------------------------------------------------------------------------------------- */
int notice_message(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err)
{
    const bb_inst *i = arg;
    struct bb_bytes number = field_text(i, record, "number");
    char version[64];

    if (!number.len || field_number(i, record, "version", version) != 1) {
        bb_error_set(err, BB_E_DOWN, "a record of the feed has no number or no version: say what they are called there, "
                                     "names: {number: ..., version: ...}");
        return -1;
    }
    struct envelope e = {.kind = "notice", .type = bb_str(PLM_NOTICE), .change = number,
                         .correlation = field_text(i, record, "correlation"), .time = field_text(i, record, "changed"),
                         .id = {number, bb_str(version)}};
    return message_put(i, &e, record, out, err) == 0 ? 1 : -1;
}

/* ---- the package ------------------------------------------------------------------------------------------- */
static void item_put(struct open *o, const char *key, struct bb_bytes id, struct bb_bytes revision)
{
    if (!id.len)
        return;
    map_key(o, key);
    struct open item = map_open(o->b);
    map_text(&item, "id", id);
    map_text(&item, "revision", revision);
    open_end(&item);
}

static int affected_put(const bb_inst *i, struct bb_bytes a, struct bb_buf *b, struct bb_error *err)
{
    struct bb_bytes object = field_text(i, a, "object"), item = field_text(i, a, "item"), none = {NULL, 0};
    struct bb_bytes known = word_in(objects, object), action = word_in(actions, field_text(i, a, "action"));
    struct open o = map_open(b), bom;

    if (!object.len || !action.len) {
        bb_error_set(err, BB_E_REJECT, "an affected object has no object, or an action that is none of create, revise, obsolete, "
                                       "replace, change");
        return -1;
    }
    map_text(&o, "id", field_text(i, a, "line"));
    map_text(&o, "object", known.len ? known : bb_str("other"));
    map_text(&o, "action", action);
    item_put(&o, "item", item, field_text(i, a, "revision"));
    map_text(&o, "fromRevision", field_text(i, a, "fromRevision"));
    map_text(&o, "toRevision", field_text(i, a, "revision"));
    item_put(&o, "replacement", field_text(i, a, "replacement"), none);
    map_text(&o, "plant", field_text(i, a, "plant"));
    if (bb_str_is(known, "bom")) {
        map_key(&o, "bom");
        bom = map_open(b);
        item_put(&bom, "item", item, none);
        map_text(&bom, "plant", field_text(i, a, "plant"));
        map_text(&bom, "usage", word_in(usages, field_text(i, a, "usage")));
        map_text(&bom, "alternative", field_text(i, a, "alternative"));
        open_end(&bom);
    }
    open_end(&o);
    return 0;
}

static void approval_put(const bb_inst *i, struct open *o, struct bb_bytes p, struct bb_bytes state)
{
    struct bb_bytes at = field_text(i, p, "released");

    map_key(o, "approval");
    struct open a = map_open(o->b);
    map_text(&a, "state", word_in(approvals, state));
    map_text(&a, "sourceState", state);
    map_text(&a, "at", at);
    open_end(&a);
}

static void one_put(struct open *o, const char *key, const char *inner, struct bb_bytes text)
{
    if (!text.len)
        return;
    map_key(o, key);
    struct open m = map_open(o->b);
    map_text(&m, inner, text);
    open_end(&m);
}

static int data_put(const bb_inst *i, struct bb_bytes p, struct bb_bytes state, struct bb_buf *b, struct bb_error *err)
{
    struct bb_bytes list = field(i, p, "affected"), one, kind = word_in(kinds, field_text(i, p, "kind"));
    struct open o = map_open(b), all;
    struct bb_iter it;

    map_text(&o, "id", field_text(i, p, "number"));
    map_text(&o, "kind", kind.len ? kind : bb_str("order"));
    map_text(&o, "title", field_text(i, p, "title"));
    one_put(&o, "reason", "code", field_text(i, p, "reason"));
    map_text(&o, "priority", word_in(priorities, field_text(i, p, "priority")));
    approval_put(i, &o, p, state);
    map_text(&o, "status", word_in(statuses, state));
    map_text(&o, "sourceStatus", state);
    map_true(&o, "frozen", bb_str_is(word_in(approvals, state), "released"));
    validity_put(i, &o, p);
    one_put(&o, "strategy", "kind", word_in(strategies, field_text(i, p, "strategy")));
    one_put(&o, "owner", "name", field_text(i, p, "owner"));
    map_text(&o, "changed", field_text(i, p, "changed"));
    map_key(&o, "affected");
    all = list_open(b);
    if (list.len && bb_iter_of(list, &it) && !it.map)
        while (bb_iter_next(&it, NULL, &one)) {
            if (affected_put(i, one, b, err) != 0)
                return -1;
            all.n++;
        }
    open_end(&all);
    open_end(&o);
    return 0;
}

int change_message(const bb_inst *i, struct bb_bytes p, struct bb_buf *out, struct bb_error *err)
{
    struct bb_bytes number = field_text(i, p, "number"), state = field_text(i, p, "state"), type = word_in(types, state);
    char version[64];
    struct bb_buf data;
    int rc;

    if (!number.len || field_number(i, p, "version", version) != 1) {
        bb_error_set(err, BB_E_REJECT, "the package has no number or no version: say what they are called there, names: "
                                       "{number: ..., version: ...}");
        return -1;
    }
    if (!type.len) {
        bb_error_set(err, BB_E_REJECT, "state \"%.*s\" is none of open, approved, released, implemented, cancelled",
                     (int)(state.len > 60 ? 60 : state.len), state.len ? (const char *)state.ptr : "");
        return -1;
    }
    struct envelope e = {.kind = "change", .type = type, .change = number, .correlation = field_text(i, p, "correlation"),
                         .time = field_text(i, p, "changed"), .id = {number, bb_str(version)}};
    bb_buf_init(&data, 8u << 20);
    rc = data_put(i, p, state, &data, err);
    if (rc == 0 && data.failed)
        rc = (bb_error_set(err, BB_E_REJECT, "the package is larger than 8 MiB"), -1);
    if (rc == 0)
        rc = message_put(i, &e, (struct bb_bytes){data.ptr, data.len}, out, err);
    bb_buf_free(&data);
    return rc;
}

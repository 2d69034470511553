/*
 * query.c - questions: stock.snapshot (a page of a snapshot with its watermark) and bin.stock
 *
 * The question's data: {plant, next, limit} and {plant, bin, item}. The answer has the shape of the model's
 * stock snapshot; `extensions.wms.next` is what to ask with for the page after, and `complete` is true where one page
 * is all. All pages of a snapshot show the moment of its watermark, whatever is posted meanwhile.
 *
 * Thread: the instance's.
 */
#include <stdio.h>
#include <string.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "wms.h"

static const struct {
    const char *op, *from, *param;
} params[] = {{"stock.snapshot", "/next", "next"}, {"stock.snapshot", "/limit", "perPage"}, {"bin.stock", "/bin", "bin"},
              {"bin.stock", "/item", "item"}};

static void param_put(struct bb_buf *b, const char *name, struct bb_bytes value)
{
    if (!value.len)
        return;
    bb_buf_put(b, b->len ? "&" : "?", 1);
    bb_buf_put(b, name, strlen(name));
    bb_buf_put(b, "=", 1);
    bb_uri_put(b, value);
}

static void entry_put(struct bb_buf *out, struct bb_bytes e)
{
    struct open o = map_open(out), in;
    struct bb_bytes lot = bb_conf_str(e, "/lot", NULL), serial = bb_conf_str(e, "/serial", NULL);

    map_key(&o, "item");
    in = map_open(out);
    map_text(&in, "id", bb_conf_str(e, "/item", NULL));
    open_end(&in);
    map_key(&o, "location");
    in = map_open(out);
    map_text(&in, "plant", bb_conf_str(e, "/plant", NULL));
    map_text(&in, "storageLocation", bb_conf_str(e, "/location", NULL));
    map_text(&in, "bin", bb_conf_str(e, "/bin", NULL));
    open_end(&in);
    map_text(&o, "stockType", bb_conf_str(e, "/stockType", NULL));
    if (lot.len) {
        map_key(&o, "lot");
        in = map_open(out);
        map_text(&in, "id", lot);
        open_end(&in);
    }
    if (serial.len) {
        map_key(&o, "serials");
        in = list_open(out);
        bb_put_str(out, serial.ptr, serial.len);
        in.n = 1;
        open_end(&in);
    }
    map_key(&o, "quantity");
    in = map_open(out);
    map_value(&in, "value", e, "/quantity");
    map_value(&in, "unit", e, "/uom");
    open_end(&in);
    open_end(&o);
}

/* 0, -1: it is no list of stock. */
static int snapshot_put(struct bb_bytes page, int continued, struct bb_buf *out)
{
    struct bb_bytes entries, one, next = bb_conf_str(page, "/next", NULL);
    struct bb_iter it;

    if (bb_conf_find(page, "/entries", &entries) != 1 || !bb_iter_of(entries, &it) || it.map ||
        !bb_conf_str(page, "/asOf", NULL).len)
        return -1;
    struct open o = map_open(out), in;
    map_value(&o, "asOf", page, "/asOf");
    map_value(&o, "watermark", page, "/watermark");
    map_key(&o, "complete");
    bb_put_bool(out, !next.len && !continued);
    map_key(&o, "entries");
    in = list_open(out);
    while (bb_iter_next(&it, NULL, &one)) {
        entry_put(out, one);
        in.n++;
    }
    open_end(&in);
    if (next.len) {
        map_key(&o, "extensions");
        struct open ext = map_open(out);
        map_key(&ext, "wms");
        in = map_open(out);
        map_text(&in, "next", next);
        open_end(&in);
        open_end(&ext);
    }
    open_end(&o);
    return 0;
}

static void query_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error err = bb_error_none();
    struct bb_buf page, reply;
    bb_status st;

    bb_buf_init(&page, 16u << 20);
    bb_buf_init(&reply, 1u << 20);
    if (a->outcome != BB_OK) {
        st = answer_fault(j->i, a, &err);
        if (st == BB_E_CONFIG && a->code == 404)
            st = BB_E_REJECT; /* of a question: no such bin, most likely */
    } else if (bb_json_read(a->body, &page, NULL) != 0 ||
               snapshot_put((struct bb_bytes){page.ptr, page.len}, j->tries == 1, &reply) != 0) {
        st = bb_error_set(&err, BB_E_REJECT, "what the warehouse answered is no list of stock: mend paths.snapshot or paths.bins");
    } else if (reply.failed) {
        st = bb_error_set(&err, BB_E_REJECT, "the answer is larger than 1 MiB: ask with a smaller limit");
    } else {
        st = BB_OK;
    }
    job_end(j, st, &reply, &err);
    bb_buf_free(&page);
    bb_buf_free(&reply);
}

bb_status query_ask(bb_inst *i, const char *op, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof v};
    int snapshot = strcmp(op, "stock.snapshot") == 0, sent;
    struct bb_buf query;
    char number[64];

    i->ctx.api->msg_view(m, &v);
    if (!snapshot && strcmp(op, "bin.stock") != 0)
        return bb_error_set(err, BB_E_UNSUP, "%s: the warehouse is asked stock.snapshot and bin.stock", op);
    if (!snapshot && !bb_conf_str(v.data, "/bin", NULL).len && !bb_conf_str(v.data, "/item", NULL).len)
        return bb_error_set(err, BB_E_REJECT, "bin.stock needs bin or item");
    if (!i->client)
        return bb_error_set(err, BB_E_UNSUP, "there is no base_url: a warehouse of files answers no questions");
    struct job *j = job_new(i, t, v.budget_ms);
    if (!j)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    j->answer = query_answer;
    j->tries = bb_conf_str(v.data, "/next", NULL).len > 0; /* a page that is not the first */
    bb_buf_init(&query, 16384);
    param_put(&query, "plant", bb_conf_str(v.data, "/plant", i->conf.plant));
    for (size_t k = 0; k < sizeof params / sizeof *params; k++)
        if (strcmp(params[k].op, op) == 0)
            param_put(&query, params[k].param, bb_str(number_text(v.data, params[k].from, number)));
    sent = job_ask(j, "GET", snapshot ? i->conf.snapshot : i->conf.bins, &query, NULL);
    bb_buf_free(&query);
    if (sent == 0)
        return BB_PENDING;
    job_free(j);
    return bb_error_set(err, BB_E_RETRY, "out of memory");
}

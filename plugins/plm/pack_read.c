/*
 * pack_read.c - reads a package from the PLM: the change, its items, its structures page by page, into messages
 *
 * Items come first, then structures, then items that end. A package can be a hundred calls, so one that fails for the
 * moment is repeated here and does not cost the others; what it comes to is handed in when all of it is there.
 *
 * Thread, ownership: see pack.h.
 */
#include <stdio.h>
#include <string.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "pack.h"

#define TRIES 5
#define PAUSE_MS 100
#define PAUSE_MOST_MS 2000

static void object_next(struct pack *p);

/* A mapper's or a page's fault: its status stands in no field, so memory is told by its text. */
static void unreadable(struct pack *p, const struct bb_error *why)
{
    char text[200];

    snprintf(text, sizeof text, "%.199s", why->text);
    pack_refuse(p, strcmp(text, "out of memory") == 0 ? BB_E_RETRY : BB_E_REJECT, text);
}

/* 1: the call will be made again after a pause. */
static int pauses(struct pack *p, bb_status st, uint32_t wish_ms)
{
    int64_t pause = wish_ms ? (int64_t)wish_ms : bb_backoff_ms(p->tries + 1, PAUSE_MS, PAUSE_MOST_MS);

    if (st != BB_E_RETRY || ++p->tries > TRIES || bb_clock_ms() + pause >= p->j->end_ms || p->j->i->stopping)
        return 0;
    p->state = PACK_PAUSES;
    p->due_ms = bb_clock_ms() + pause;
    return 1;
}

/* 1 the answer is a value in b, 0 it will be asked for again, or the pack is gone. */
static int value_read(struct pack *p, const struct bb_http_answer *a, struct bb_buf *b)
{
    struct bb_error err = bb_error_none();
    struct bb_fault f = {0, ""};
    char text[240];

    if (a->code != 200) {
        bb_status st = answer_fault(p->j->i, a, p->j->what, &err);
        if (st >= 0)
            st = bb_error_set(&err, BB_E_CONFIG, "%.90s: the PLM answered %u instead of 200; mend base_url, style or paths",
                              p->j->what, a->code);
        st = st == BB_E_UNKNOWN ? BB_E_RETRY : st; /* it was only read */
        if (!pauses(p, st, a->retry_after_ms))
            pack_fail(p, st, &err);
        return 0;
    }
    bb_buf_reset(b);
    if (bb_json_read(a->body, b, &f) == 0)
        return 1;
    snprintf(text, sizeof text, "%.60s: the answer is no JSON (%.50s): mend base_url or paths", p->j->what, f.text);
    pack_refuse(p, BB_E_CONFIG, text);
    return 0;
}

void pack_read_again(struct pack *p)
{
    p->state = PACK_READS;
    if (job_ask(p->j, "GET", (const char *)p->url.ptr, (struct bb_bytes){NULL, 0}, NULL) != 0)
        pack_refuse(p, BB_E_RETRY, "out of memory");
}

static void page_ask(struct pack *p, const char *url, void (*answer)(struct job *j, const struct bb_http_answer *a))
{
    p->j->answer = answer;
    p->tries = 0;
    bb_buf_reset(&p->url);
    bb_buf_put(&p->url, url, strlen(url) + 1);
    if (p->url.failed)
        pack_refuse(p, BB_E_REJECT, "a URL is too long");
    else
        pack_read_again(p);
}

static void object_ask(struct pack *p, const char *path, struct bb_bytes object,
                       void (*answer)(struct job *j, const struct bb_http_answer *a))
{
    bb_inst *i = p->j->i;
    struct bb_bytes item = field_text(i, object, "item");
    const struct place places[] = {{"number", bb_str(p->number)}, {"item", item}, {"revision", field_text(i, object, "revision")},
                                   {"plant", field_text(i, object, "plant")}, {"usage", field_text(i, object, "usage")},
                                   {"alternative", field_text(i, object, "alternative")}};
    struct bb_buf url;

    snprintf(p->j->what, sizeof p->j->what, "change %.30s%s%.*s", p->number, item.len ? ", item " : "",
             (int)(item.len > 40 ? 40 : item.len), item.len ? (const char *)item.ptr : "");
    bb_buf_init(&url, 16384);
    path_put(i, path, places, sizeof places / sizeof *places, &url);
    if (url.failed)
        pack_refuse(p, BB_E_REJECT, "a number in it is too long");
    else
        page_ask(p, (const char *)url.ptr, answer);
    bb_buf_free(&url);
}

/* What was just appended is a message; 0, -1 with err. */
static int message_end(struct pack *p, struct bb_error *err)
{
    size_t end = p->messages.len;

    bb_buf_put(&p->ends, &end, sizeof end);
    if (!p->messages.failed && !p->ends.failed)
        return 0;
    bb_error_set(err, BB_E_REJECT, "it comes to more than 64 MiB of messages: lower structure.levels");
    return -1;
}

static int assembly_put(void *arg, struct bb_bytes header, const struct bb_bytes *lines, size_t n, struct bb_error *err)
{
    struct pack *p = arg;

    return bom_message(p->j->i, header, lines, n, &p->messages, err) == 0 ? message_end(p, err) : -1;
}

static void item_answer(struct job *j, const struct bb_http_answer *a)
{
    struct pack *p = j->pack;
    struct bb_error err = bb_error_none();

    if (!value_read(p, a, &p->page))
        return;
    if (item_message(j->i, (struct bb_bytes){p->page.ptr, p->page.len}, &p->messages, &err) != 0 || message_end(p, &err) != 0)
        unreadable(p, &err);
    else
        object_next(p);
}

static void structure_answer(struct job *j, const struct bb_http_answer *a)
{
    struct pack *p = j->pack;
    struct bb_error err = bb_error_none();
    struct bb_bytes next;
    struct bb_buf url;

    if (!value_read(p, a, &p->page))
        return;
    if (structure_page(p->structure, (struct bb_bytes){p->page.ptr, p->page.len}, &next, &err) != 0) {
        unreadable(p, &err);
        return;
    }
    if (!next.len) {
        int rc = structure_each(p->structure, assembly_put, p, &err);
        structure_free(&p->structure);
        if (rc == 0)
            object_next(p);
        else
            unreadable(p, &err);
        return;
    }
    bb_buf_init(&url, 16384);
    if (bb_uri_resolve(bb_str(bb_http_answer_url(a)), next, &url) != 0 || (bb_buf_put(&url, "", 1), url.failed))
        pack_refuse(p, BB_E_REJECT, "the link to the next page is no URL");
    else if (!bb_http_is_home(j->i->client, (const char *)url.ptr))
        pack_refuse(p, BB_E_CONFIG, "the next page is at another host, which is not asked: mend base_url");
    else
        page_ask(p, (const char *)url.ptr, structure_answer);
    bb_buf_free(&url);
}

/* A receiver needs a part before what it is in, and until nothing holds it any more. */
static int pass_of(const bb_inst *i, struct bb_bytes one)
{
    struct bb_bytes object = field_text(i, one, "object");

    if (bb_str_is(object, "bom"))
        return 1;
    return !bb_str_is(object, "item") ? -1 : bb_str_is(field_text(i, one, "action"), "obsolete") ? 2 : 0;
}

static void object_read(struct pack *p, struct bb_bytes one)
{
    bb_inst *i = p->j->i;

    if (p->pass != 1) {
        object_ask(p, i->conf.item, one, item_answer);
        return;
    }
    p->structure = structure_new(i);
    if (!p->structure)
        pack_refuse(p, BB_E_RETRY, "out of memory");
    else
        object_ask(p, i->conf.structure, one, structure_answer);
}

/* The next object of the package that has something to read; at the end the change itself, and all is handed in. */
static void object_next(struct pack *p)
{
    bb_inst *i = p->j->i;
    struct bb_bytes one;
    struct bb_error err = bb_error_none();

    for (; p->pass < 3; p->pass++, p->affected = p->all)
        while (bb_iter_next(&p->affected, NULL, &one))
            if (pass_of(i, one) == p->pass) {
                object_read(p, one);
                return;
            }
    if (change_message(i, (struct bb_bytes){p->package.ptr, p->package.len}, &p->messages, &err) != 0 || message_end(p, &err) != 0)
        unreadable(p, &err);
    else
        pack_submit(p);
}

static void package_answer(struct job *j, const struct bb_http_answer *a)
{
    struct pack *p = j->pack;
    struct bb_bytes package, state, list;

    if (!value_read(p, a, &p->package))
        return;
    package = (struct bb_bytes){p->package.ptr, p->package.len};
    state = field_text(j->i, package, "state");
    list = field(j->i, package, "affected");
    memset(&p->all, 0, sizeof p->all); /* none: only what is released is there to be read */
    if ((bb_str_is(state, "released") || bb_str_is(state, "implemented")) && (!list.len || !bb_iter_of(list, &p->all) || p->all.map))
        pack_refuse(p, BB_E_REJECT, "the package has no list of what it affects: say what it is called there, names: {affected: ...}");
    else {
        p->affected = p->all;
        object_next(p);
    }
}

void pack_read(struct pack *p)
{
    object_ask(p, p->j->i->conf.change, (struct bb_bytes){NULL, 0}, package_answer);
}

/*
 * poll_page.c - one page of a feed: its URL, its records, the link to the next, the cursor
 *
 * A cursor is a text or a number; the highest one counts, numbers by value and texts by their bytes (as
 * RFC 3339 instants, zero-padded numbers and UUIDv7 sort).
 *
 * Thread: the client's. Memory: the poll's buffers, each with its maximum.
 */
#include <stdio.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "poll.h"

/* ---- the place ------------------------------------------------------------------------------------- */
static void set(struct bb_buf *b, const void *p, size_t n)
{
    bb_buf_reset(b);
    bb_buf_put(b, p, n);
}

void place_copy(struct place *to, const struct place *from)
{
    set(&to->cursor, from->cursor.ptr, from->cursor.len);
    set(&to->seen, from->seen.ptr, from->seen.len);
    set(&to->next, from->next.ptr, from->next.len);
}

static struct bb_buf *member(struct place *p, int k)
{
    return k == 0 ? &p->cursor : k == 1 ? &p->seen : &p->next;
}
static const char *const members[] = {"cursor", "seen", "next"};

void place_write(const struct place *place, struct bb_buf *out)
{
    const struct bb_buf *each[] = {&place->cursor, &place->seen, &place->next};

    bb_buf_reset(out);
    bb_put_map(out, 3);
    for (int k = 0; k < 3; k++) {
        bb_put_cstr(out, members[k]);
        bb_put_str(out, (const char *)each[k]->ptr, each[k]->len);
    }
}

int place_read(struct bb_bytes state, struct place *place)
{
    struct bb_bytes v, text;

    for (int k = 0; k < 3; k++) {
        if (bb_map_get(state, members[k], &v) != 1 || bb_as_str(v, &text) != 1)
            return -1;
        set(member(place, k), text.ptr, text.len);
        if (member(place, k)->failed)
            return -1;
    }
    return 0;
}

/* ---- the URL ------------------------------------------------------------------------------------------ */
int poll_url(struct bb_poll *p, struct bb_error *err)
{
    static const char mark[] = "{cursor}";
    const char *url = p->conf.url, *at = strstr(url, mark);
    struct bb_bytes cursor = {p->place.cursor.ptr, p->place.cursor.len};

    bb_buf_reset(&p->url);
    bb_buf_put(&p->url, p->place.next.ptr, p->place.next.len);
    bb_buf_put(&p->url, "", 1);
    if (p->place.next.len && (p->url.failed || !bb_http_is_home(p->conf.client, (char *)p->url.ptr))) {
        bb_buf_reset(&p->place.seen); /* the config names another host now */
        bb_buf_reset(&p->place.next);
    }
    bb_buf_reset(&p->url);
    p->asked_next = p->place.next.len > 0;
    if (p->asked_next) {
        bb_buf_put(&p->url, p->place.next.ptr, p->place.next.len);
    } else if (at) {
        bb_buf_put(&p->url, url, (size_t)(at - url));
        bb_uri_put(&p->url, cursor);
        bb_buf_put(&p->url, at + sizeof mark - 1, strlen(at + sizeof mark - 1));
    } else {
        bb_buf_put(&p->url, url, strlen(url));
        if (p->conf.cursor_param && cursor.len) {
            bb_buf_put(&p->url, strchr(url, '?') ? "&" : "?", 1);
            bb_uri_put_keep(&p->url, bb_str(p->conf.cursor_param), "$");
            bb_buf_put(&p->url, "=", 1);
            bb_uri_put(&p->url, cursor);
        }
    }
    bb_buf_put(&p->url, "", 1);
    if (!p->url.failed)
        return 0;
    bb_error_set(err, BB_E_CONFIG, "the feed's URL is too long");
    return -1;
}

/* ---- the next page ---------------------------------------------------------------------------------- */
static int link_find(struct bb_poll *p, const struct bb_http_answer *a, struct bb_bytes *link)
{
    static const char *const odata[] = {"/@odata.nextLink", "/d/__next", "/__next", "/odata.nextLink", NULL};
    const char *const one[] = {p->conf.next_pointer, NULL};
    struct bb_bytes page = {p->page.ptr, p->page.len}, v;

    if (p->conf.next == BB_NEXT_LINK)
        return bb_http_answer_header(a, "Link", &v) && bb_link_next(v, link);
    if (p->conf.next == BB_NEXT_NONE)
        return 0;
    for (const char *const *at = p->conf.next == BB_NEXT_ODATA ? odata : one; *at; at++)
        if (bb_pointer_get(page, *at, &v) == 1 && bb_as_str(v, link) == 1)
            return link->len > 0;
    return 0;
}

static int next_take(struct bb_poll *p, const struct bb_http_answer *a, struct bb_error *err)
{
    struct bb_bytes link, here = bb_str(bb_http_answer_url(a));

    bb_buf_reset(&p->then.next);
    if (!link_find(p, a, &link))
        return 0;
    if (bb_uri_resolve(here, link, &p->then.next) != 0) {
        bb_error_set(err, BB_E_DOWN, "the link to the next page is no URL, or is too long");
        return -1;
    }
    struct bb_bytes next = {p->then.next.ptr, p->then.next.len};
    if (!bb_uri_same_origin(here, next)) {
        bb_error_set(err, BB_E_DOWN, "the next page is at another host (%.*s): not followed",
                     (int)(next.len > 80 ? 80 : next.len), (const char *)next.ptr);
        return -1;
    }
    if (next.len == here.len && memcmp(next.ptr, here.ptr, here.len) == 0) {
        bb_error_set(err, BB_E_DOWN, "the link to the next page leads to the same page");
        return -1;
    }
    return 0;
}

/* ---- the cursor -------------------------------------------------------------------------------------- */
/* Numbers by value: by length without sign and leading zeros, then digits; only whole ones. */
static int whole(struct bb_bytes v)
{
    const char *p = v.ptr;

    for (size_t k = 0; k < v.len; k++)
        if (p[k] < '0' || p[k] > '9')
            return 0;
    return v.len > 0;
}

static int higher(struct bb_bytes a, struct bb_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c;

    if (whole(a) && whole(b)) {
        while (a.len > 1 && *(const char *)a.ptr == '0')
            a.ptr = (const char *)a.ptr + 1, a.len--;
        while (b.len > 1 && *(const char *)b.ptr == '0')
            b.ptr = (const char *)b.ptr + 1, b.len--;
        if (a.len != b.len)
            return a.len > b.len;
        n = a.len;
    }
    c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c > 0 || (c == 0 && a.len > b.len);
}

static int seen_take(struct bb_poll *p, struct bb_bytes value, int always, struct bb_error *err)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok t;
    char number[24];
    struct bb_bytes text;

    if (bb_cur_next(&c, &t) != 0)
        return -1;
    text = t.s;
    if (t.kind == BB_T_INT || t.kind == BB_T_UINT) {
        if (t.kind == BB_T_INT)
            snprintf(number, sizeof number, "%lld", (long long)t.i);
        else
            snprintf(number, sizeof number, "%llu", (unsigned long long)t.u);
        text = bb_str(number);
    } else if (t.kind != BB_T_STR && t.kind != BB_T_DECIMAL) {
        bb_error_set(err, BB_E_DOWN, "cursor: what stands at \"%.80s\" is no text and no number",
                     p->conf.cursor_pointer);
        return -1;
    }
    if (always || higher(text, (struct bb_bytes){p->then.seen.ptr, p->then.seen.len}))
        set(&p->then.seen, text.ptr, text.len);
    if (!p->then.seen.failed)
        return 0;
    bb_error_set(err, BB_E_DOWN, "cursor: a value of more than %d bytes", BB_POLL_CURSOR_MAX);
    return -1;
}

int poll_seen(struct bb_poll *p, struct bb_bytes record, struct bb_error *err)
{
    struct bb_bytes v;

    if (!p->conf.cursor_pointer || p->conf.cursor_of_page)
        return 0;
    if (bb_pointer_get(record, p->conf.cursor_pointer, &v) == 1)
        return seen_take(p, v, 0, err);
    bb_error_set(err, BB_E_DOWN, "a record has nothing at cursor's pointer \"%.80s\"",
                 p->conf.cursor_pointer);
    return -1;
}

/* ---- the whole --------------------------------------------------------------------------------------- */
static int body_read(struct bb_poll *p, const struct bb_http_answer *a, struct bb_error *err)
{
    struct bb_fault f = {0, ""};

    bb_buf_reset(&p->page);
    if (a->truncated) {
        bb_error_set(err, BB_E_DOWN, "the page has more than %zu bytes: ask for fewer records, or raise "
                                     "max_page", p->conf.max_page);
        return -1;
    }
    if ((p->conf.body ? p->conf.body(p->conf.arg, a, &p->page, &f) : bb_json_read(a->body, &p->page, &f)) == 0)
        return 0;
    if (p->page.failed)
        bb_error_set(err, BB_E_DOWN, "the page is too large when read: ask for fewer records");
    else
        bb_error_set(err, BB_E_DOWN, "the page cannot be read: byte %zu: %.150s", f.offset, f.text);
    return -1;
}

int poll_page(struct bb_poll *p, const struct bb_http_answer *a, struct bb_error *err)
{
    struct bb_bytes v, page;

    place_copy(&p->then, &p->place);
    if (body_read(p, a, err) != 0)
        return -1;
    page = (struct bb_bytes){p->page.ptr, p->page.len};
    if (bb_pointer_get(page, p->conf.records, &v) != 1 || !bb_iter_of(v, &p->records) || p->records.map) {
        bb_error_set(err, BB_E_DOWN, "the page has no array of records at \"%.80s\": check records",
                     p->conf.records);
        return -1;
    }
    if (next_take(p, a, err) != 0)
        return -1;
    if (p->conf.cursor_pointer && p->conf.cursor_of_page &&
        bb_pointer_get(page, p->conf.cursor_pointer, &v) == 1 && seen_take(p, v, 1, err) != 0)
        return -1;
    return 0;
}

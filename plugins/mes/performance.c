/*
 * performance.c - a page of the feed of operations performances as records, and a record as a message
 *
 * performance_body() reads the page's XML into a list with a map for each segment's report: {cursor, id, item,
 * plant, correlation, data} or, for a report that cannot be read, {cursor, id, error, document}: that becomes a
 * mfg.mes.unreadable message, which no route takes, so it waits in quarantine and holds up nobody. A page that
 * is no XML at all holds the feed.
 *
 * The message's id is performance/response/segment, always the same, so that what comes twice is known by the
 * endpoint's claims. The performance's ID is the cursor. The schedule that it quotes is the correlation id.
 *
 * Thread: the instance's. Memory: a page, as a tree and as reports.
 */
#include <stdio.h>
#include "mes.h"

#define REPORTS_MAX 4096u /* of a page */
#define ATTRIBUTE_LONG 512u

struct page {
    bb_inst *i;
    struct open list;
    struct report r;
    struct bb_bytes performance_id;
};

/* May it stand in an attribute? */
static int clean(struct bb_bytes s)
{
    const uint8_t *p = s.ptr;

    for (size_t k = 0; k < s.len; k++)
        if (p[k] < ' ')
            return 0;
    return s.len <= ATTRIBUTE_LONG;
}

/* performance/response/segment: the nth makes it one of its kind, the rest is for people. */
static void id_make(const struct page *p, unsigned nth, struct bb_buf *b)
{
    struct bb_bytes response = tree_text(p->r.response, "/ID"), segment = tree_text(p->r.segment, "/ID");
    char text[16];

    bb_buf_reset(b);
    bb_buf_put(b, p->performance_id.ptr, p->performance_id.len);
    bb_buf_put(b, "/", 1);
    if (clean(response))
        bb_buf_put(b, response.ptr, response.len);
    bb_buf_put(b, text, (size_t)snprintf(text, sizeof text, "/%u", nth));
    if (segment.len && clean(segment)) {
        bb_buf_put(b, "-", 1);
        bb_buf_put(b, segment.ptr, segment.len);
    }
}

static void cursor_put(struct open *m, struct bb_bytes id)
{
    const char *p = id.ptr;
    size_t digits = 0;

    while (digits < id.len && p[digits] >= '0' && p[digits] <= '9')
        digits++;
    map_key(m, "cursor");
    if (digits == id.len && digits < 18 && *p != '0')
        bb_put_decimal(m->b, p, digits); /* 9 comes before 10 */
    else
        bb_put_str(m->b, p, id.len);
}

/* The report's data; what cannot be read or routed is replaced by the reason and the segment as it came. */
static void data_put(struct page *p, struct open *m)
{
    struct bb_buf *b = m->b;
    struct bb_error err = bb_error_none();
    struct open bad;
    size_t data;
    int ok;

    map_key(m, "data");
    data = b->len;
    ok = report_put(&p->r, b, &err) == 0;
    if (ok && (!clean(p->r.item) || !clean(p->r.plant))) {
        bb_error_set(&err, BB_E_REJECT, "a material or a plant is longer than %u bytes or has a line break", ATTRIBUTE_LONG);
        ok = 0;
    }
    if (ok) {
        map_text(m, "item", p->r.item);
        map_text(m, "plant", p->r.plant);
    } else if (!b->failed) {
        b->len = data;
        bad = map_open(b);
        map_text(&bad, "error", bb_str(err.text));
        map_key(&bad, "document");
        bb_put_raw(b, p->r.segment);
        open_end(&bad);
        map_key(m, "unreadable");
        bb_put_bool(b, 1);
    }
}

static int report_record(struct page *p, unsigned nth)
{
    struct bb_buf *b = p->list.b, id;
    struct bb_bytes correlation = tree_text(p->r.performance, "/OperationsScheduleID");
    struct open m = map_open(b);

    bb_buf_init(&id, 2048);
    id_make(p, nth, &id);
    p->r.id = (struct bb_bytes){id.ptr, id.len};
    cursor_put(&m, p->performance_id);
    map_text(&m, "id", p->r.id);
    if (clean(correlation))
        map_text(&m, "correlation", correlation);
    data_put(p, &m);
    open_end(&m);
    p->list.n++;
    b->failed |= id.failed;
    bb_buf_free(&id);
    return b->failed ? -1 : 0;
}

static int performance_add(struct page *p, struct bb_fault *err)
{
    struct tree_iter w, s;
    unsigned nth = 0;

    p->performance_id = tree_text(p->r.performance, "/ID");
    if (!p->performance_id.len || !clean(p->performance_id)) {
        snprintf(err->text, sizeof err->text, "an OperationsPerformance has no ID, or one that is too long or has a line "
                                              "break: it cannot be known when it comes again");
        return -1;
    }
    tree_walk(p->r.performance, "/OperationsResponse", &w);
    while (tree_next(&w, &p->r.response)) {
        tree_walk(p->r.response, "/SegmentResponse", &s);
        while (tree_next(&s, &p->r.segment))
            if (p->list.n >= REPORTS_MAX || report_record(p, nth++) != 0) {
                snprintf(err->text, sizeof err->text, "a page of more than %u reports, or too long: ask for less at once "
                                                      "(receive: page)", REPORTS_MAX);
                return -1;
            }
    }
    return 0;
}

int performance_body(void *arg, const struct bb_http_answer *a, struct bb_buf *out, struct bb_fault *err)
{
    bb_inst *i = arg;
    struct page p = {.i = i, .r = {.conf = &i->conf}};
    struct bb_bytes tree, root;
    struct tree_iter w;

    bb_buf_reset(&i->tmp);
    if (tree_read(i->performance_map, a->body, &i->tmp, err) != 0)
        return -1;
    tree = (struct bb_bytes){i->tmp.ptr, i->tmp.len};
    if (bb_map_get(tree, "ShowOperationsPerformance", &root) != 1) {
        snprintf(err->text, sizeof err->text, "the answer is no ShowOperationsPerformance: check receive: path");
        return -1;
    }
    p.list = list_open(out);
    tree_walk(root, "/DataArea/OperationsPerformance", &w);
    while (tree_next(&w, &p.r.performance))
        if (performance_add(&p, err) != 0)
            return -1;
    open_end(&p.list);
    return out->failed ? -1 : 0;
}

int performance_message(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err)
{
    bb_inst *i = arg;
    struct bb_draft d;

    bb_draft_init(&d, i->conf.source,
                  bb_conf_bool(record, "/unreadable", 0) ? "mfg.mes.unreadable" : "mfg.production.reported");
    d.e.id = bb_conf_str(record, "/id", NULL);
    d.e.item = bb_conf_str(record, "/item", NULL);
    d.e.plant = bb_conf_str(record, "/plant", NULL);
    d.e.correlationid = bb_conf_str(record, "/correlation", NULL);
    if (bb_conf_find(record, "/data", &d.e.data) && bb_draft_put(&d, out) == 0)
        return 1;
    bb_error_set(err, BB_E_DOWN, "a report is too large for a message");
    return -1;
}

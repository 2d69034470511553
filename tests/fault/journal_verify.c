/*
 * journal_verify.c - holds a journal to the acknowledgements that its driver printed
 *
 * Opens it as a core would, so that what recovery does is part of it. Memory: 32 bytes a message.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "tests/fault/journal_driver.h"

struct known { /* by tag */
    uint64_t seq; /* 0: not acknowledged */
    bool there, posted, settled, fed[ROUTES];
};
static struct known *known;
static uint64_t cap, tags, appended, settled;
static uint64_t *tag_of; /* by seq */
static uint64_t seqs;
static struct { uint32_t id; char name[64]; } names[4096];
static size_t n_names;

static struct known *known_at(uint64_t tag)
{
    if (tag >= cap) {
        uint64_t more = tag * 2 + 1024;

        if (tag > 1 << 24)
            die("a tag beyond reason");
        known = realloc(known, more * sizeof *known);
        if (!known)
            die("no memory");
        memset(known + cap, 0, (more - cap) * sizeof *known);
        cap = more;
    }
    if (tag >= tags)
        tags = tag + 1;
    return &known[tag];
}

static void acks_read(void)
{
    char line[200], name[64];
    uint64_t a, b;

    while (fgets(line, sizeof line, stdin)) {
        if (!strchr(line, '\n'))
            break; /* the last one was cut: never given */
        if (sscanf(line, "a %" SCNu64 " %" SCNu64, &a, &b) == 2) {
            known_at(a)->seq = b;
            appended++;
            if (b >= seqs)
                seqs = b + 1;
        } else if (*line == 'n' && sscanf(line + 1, "%" SCNu64 " %63s", &a, name) == 2 &&
                   n_names < sizeof names / sizeof *names) {
            names[n_names].id = (uint32_t)a;
            memcpy(names[n_names++].name, name, sizeof name);
        } else if (sscanf(line + 1, "%" SCNu64 " %" SCNu64, &a, &b) == 2) {
            for (uint64_t t = a; t < a + b; t++) {
                known_at(t)->posted = true;
                known_at(t)->settled |= *line == 's';
            }
            settled += *line == 's' ? b : 0;
        }
    }
    tag_of = calloc(seqs + 1, sizeof *tag_of);
    if (!tag_of)
        die("no memory");
    for (uint64_t t = 0; t < tags; t++) {
        uint64_t seq = known[t].seq;

        if (seq && tag_of[seq])
            violation("tags %" PRIu64 " and %" PRIu64 " both have number %" PRIu64, tag_of[seq], t, seq);
        tag_of[seq] = seq ? t : 0;
    }
}

/* ---- messages ---------------------------------------------------------------------------------- */

static int one(void *arg, const struct bb_record *r)
{
    struct bb_buf *b = arg;
    uint64_t tag = r->seq < seqs ? tag_of[r->seq] : 0;

    if (!tag) {
        if (r->bad)
            violation("message %" PRIu64 ", not acknowledged, is there and damaged", r->seq);
        return 0;
    }
    known[tag].there = true;
    if (r->bad != (tag == opt.bad)) {
        violation("message %" PRIu64 " of tag %" PRIu64 " is %s", r->seq, tag,
                  r->bad ? "damaged" : "said to be sound");
        return 0;
    }
    message_make(b, tag);
    if (!r->bad && (r->whole.len != b->len || memcmp(r->whole.ptr, b->ptr, b->len) != 0))
        violation("message %" PRIu64 " is not that of tag %" PRIu64, r->seq, tag);
    if (!r->bad && (r->n_matches != ROUTES || r->endpoint != endpoint))
        violation("message %" PRIu64 ": its endpoint or its routes are others", r->seq);
    return 0;
}

static void messages(struct bb_view *v)
{
    struct bb_buf b;

    bb_buf_init(&b, 64 << 20);
    if (bb_view_messages(v, 1, SIZE_MAX, one, &b) != 0)
        violation("the messages cannot be read to their end");
    bb_buf_free(&b);
    for (uint64_t t = 0; t < tags; t++)
        if (known[t].seq && !known[t].there)
            violation("tag %" PRIu64 " was acknowledged as message %" PRIu64 " and is not there", t,
                      known[t].seq);
}

/* ---- deliveries ----------------------------------------------------------------------------------- */

static struct bb_read *read_wait(struct bb_read *r)
{
    struct pollfd p = {.fd = bb_journal_read_fd(journal), .events = POLLIN};
    struct bb_read *got = NULL;
    int64_t end = bb_mono_ms() + 30000;

    bb_journal_read(journal, r);
    while (!(got = bb_journal_read_take(journal)) && bb_mono_ms() < end)
        poll(&p, 1, 100);
    if (got != r)
        die("a read was not answered within 30 s");
    return got;
}

/* What the hub would send: everything that waits, with its bytes. */
static void feed(int route)
{
    struct bb_route_state st;
    struct bb_buf b;
    uint64_t from;

    if (bb_journal_route(journal, routes[route], &st) != 0) {
        violation("route %d is gone", route);
        return;
    }
    bb_buf_init(&b, 64 << 20);
    for (from = st.frontier; from < st.tail;) {
        struct bb_read r = {.kind = BB_READ_FEED, .route = routes[route], .from = from,
                            .max_items = 1000, .max_bytes = 4 << 20};

        read_wait(&r);
        for (size_t i = 0; i < r.n; i++) {
            const struct bb_read_item *it = &r.items[i];
            uint64_t tag = it->seq < seqs ? tag_of[it->seq] : 0;

            from = it->ord + 1;
            if (!tag || it->done)
                continue;
            known[tag].fed[route] = true;
            message_make(&b, tag);
            if (it->bad != (tag == opt.bad) ||
                (!it->bad && (it->whole.len != b.len || memcmp(it->whole.ptr, b.ptr, b.len) != 0)))
                violation("route %d: tag %" PRIu64 " comes out %s", route, tag,
                          it->bad ? "as damaged" : "changed");
        }
        if (!r.n) {
            violation("route %d: nothing comes at ordinal %" PRIu64 " of %" PRIu64, route, from, st.tail);
            from = st.tail;
        }
        bb_journal_read_free(&r);
    }
    bb_buf_free(&b);
}

static void delivery(struct bb_view *v, int route, uint64_t tag)
{
    const struct known *k = &known[tag];
    enum bb_dstate end = message_state(route, tag);
    struct bb_row row;
    bool stays = message_waits(route, tag);

    if (bb_view_delivery(v, routes[route], k->seq, &row) != 1) {
        violation("tag %" PRIu64 ": its delivery on route %d is not known", tag, route);
        return;
    }
    bool ended = row.state == end;
    if (k->settled && !stays && (!ended || k->fed[route]))
        violation("tag %" PRIu64 " on route %d was acknowledged as %s and is %s%s", tag, route,
                  bb_dstate_names[end], bb_dstate_names[row.state], k->fed[route] ? ", in the feed" : "");
    if ((!k->posted || stays) && !k->fed[route])
        violation("tag %" PRIu64 " on route %d was never settled and is not in the feed", tag, route);
    if (!k->fed[route] && !ended)
        violation("tag %" PRIu64 " on route %d is neither in the feed nor settled", tag, route);
    if (!k->fed[route] && end == BB_D_RETRYING) {
        struct bb_buf kept, b;

        bb_buf_init(&kept, 64 << 20);
        bb_buf_init(&b, 64 << 20);
        message_make(&b, tag);
        if (!(row.flags & BB_ROW_BODY)) { /* so on a full disk, where it was surely not applied */
            if (row.flags & BB_ROW_MAYBE_SENT)
                violation("tag %" PRIu64 " on route %d may have been applied, and its body was not "
                          "kept", tag, route);
        } else if (bb_view_body(v, routes[route], k->seq, &kept) != 1 || kept.len != b.len ||
                   memcmp(kept.ptr, b.ptr, b.len) != 0)
            violation("tag %" PRIu64 " on route %d: its kept body is gone or changed", tag, route);
        bb_buf_free(&kept);
        bb_buf_free(&b);
    }
}

/* Sent again, every one must be known by its claim. */
static void repeated(void)
{
    struct batch b;

    opt.batch = 1;
    batch_new(&b);
    for (uint64_t t = 1; t < tags; t += 1 + tags / 500) {
        if (!known[t].seq || !known[t].there)
            continue;
        b.tag = t;
        batch_append(&b);
        struct pollfd p = {.fd = bb_journal_fd(journal), .events = POLLIN};
        while (!bb_journal_take(journal))
            poll(&p, 1, 100);
        if (b.op.status != BB_OK)
            violation("tag %" PRIu64 " sent again is refused: %s", t, b.op.text);
        else if (!b.msgs[0].duplicate || b.msgs[0].seq != known[t].seq)
            violation("tag %" PRIu64 " sent again is not known as message %" PRIu64, t, known[t].seq);
    }
    batch_free(&b);
}

static void finding(void *arg, const char *text)
{
    bool *counts = arg;

    if (*counts)
        violation("check: %s", text);
    else
        printf("check: %s\n", text);
}

static void check(void)
{
    struct bb_check_report rep;
    struct bb_fault err;
    bool counts = !opt.bad;
    int rc = bb_journal_check(opt.dir, &rep, finding, &counts, &err);

    if (rc < 0)
        violation("check: %s", err.text);
    else if (opt.bad ? rep.bad_records != 1 || rep.unbalanced || rep.dangling : rc != 0)
        violation("check: %" PRIu64 " bad records, %" PRIu64 " unbalanced, %" PRIu64 " dangling",
                  rep.bad_records, rep.unbalanced, rep.dangling);
}

void verify(void)
{
    struct bb_view *v;
    char name[64];

    acks_read();
    journal_start();
    v = bb_view_of(journal);
    if (!v)
        die("no memory");
    messages(v);
    for (size_t i = 0; i < n_names; i++)
        if (bb_view_name(v, names[i].id, name) != 0 || strcmp(name, names[i].name) != 0)
            violation("name %u was %s and is \"%s\"", names[i].id, names[i].name, name);
    for (int r = 0; r < ROUTES; r++)
        feed(r);
    for (uint64_t t = 1; t < tags; t++)
        for (int r = 0; r < ROUTES; r++)
            if (known[t].seq && known[t].there && t != opt.bad)
                delivery(v, r, t);
    repeated();
    bb_view_close(&v);
    bb_journal_close(&journal);
    check();
    printf("verified: %" PRIu64 " appended, %" PRIu64 " settled\n", appended, settled);
    free(known);
    free(tag_of);
}

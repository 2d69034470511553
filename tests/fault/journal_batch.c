/*
 * journal_batch.c - the driver's messages: each is told by its tag, as is what becomes of it
 *
 * Every message matches both routes, and none is refused after it got a number, so its ordinal on
 * both is its number less one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "tests/fault/journal_driver.h"

#define WHOLE_MAX (64u << 20)

void message_make(struct bb_buf *b, uint64_t tag)
{
    struct bb_envelope e = {0};
    struct bb_buf data;
    char text[32];
    int n = snprintf(text, sizeof text, "tag-%08" PRIu64, tag);

    bb_buf_init(&data, WHOLE_MAX);
    bb_put_array(&data, (uint32_t)(opt.size / 64 + 1));
    for (uint64_t i = 0; i <= opt.size / 64; i++) {
        char part[120];

        snprintf(part, sizeof part, "%s, part %08" PRIu64 " of what belongs to this tag only", text, i);
        bb_put_cstr(&data, part);
    }
    e.id = (struct bb_bytes){text, (size_t)n};
    e.source = (struct bb_bytes){"/fault", 6};
    e.type = (struct bb_bytes){"mfg.test.event", 14};
    e.data = (struct bb_bytes){data.ptr, data.len};
    bb_buf_reset(b);
    bb_envelope_put(b, &e);
    if (b->failed || data.failed)
        die("no memory for a message");
    bb_buf_free(&data);
}

static void claim(uint64_t tag, uint8_t out[16])
{
    char id[32];
    int n = snprintf(id, sizeof id, "tag-%08" PRIu64, tag);

    bb_journal_fingerprint(journal, endpoint, (struct bb_bytes){"/fault", 6},
                           (struct bb_bytes){id, (size_t)n}, out);
}

static uint64_t lane(int route, uint64_t tag)
{
    return route == 0 ? 1 + tag % 7 : 0;
}

/* A plain success mostly, and some of each other kind. */
static enum bb_settle_to becomes(int route, uint64_t tag)
{
    static const enum bb_settle_to ends[] = {
        BB_TO_DELIVERED, BB_TO_DELIVERED, BB_TO_RETRYING, BB_TO_DELIVERED,   BB_TO_HELD,
        BB_TO_DELIVERED, BB_TO_SKIPPED,   BB_TO_PROBING,  BB_TO_QUARANTINED, BB_TO_DELIVERED};

    return route == 0 ? ends[tag % (sizeof ends / sizeof *ends)] : BB_TO_DELIVERED;
}

enum bb_dstate message_state(int route, uint64_t tag)
{
    static const enum bb_dstate states[] = {
        [BB_TO_DELIVERED] = BB_D_DELIVERED, [BB_TO_SKIPPED] = BB_D_SKIPPED,
        [BB_TO_RETRYING] = BB_D_RETRYING,   [BB_TO_PROBING] = BB_D_PROBING,
        [BB_TO_HELD] = BB_D_HELD,           [BB_TO_QUARANTINED] = BB_D_QUARANTINED};

    return states[becomes(route, tag)];
}

bool message_waits(int route, uint64_t tag)
{
    return route == 1 && tag < 2000 && tag % 3 == 0;
}

void batch_new(struct batch *b)
{
    memset(b, 0, sizeof *b);
    b->msgs = calloc(opt.batch, sizeof *b->msgs);
    b->matches = calloc(opt.batch * ROUTES, sizeof *b->matches);
    b->bytes = calloc(opt.batch, sizeof *b->bytes);
    b->settles = calloc(opt.batch * ROUTES, sizeof *b->settles);
    if (!b->msgs || !b->matches || !b->bytes || !b->settles)
        die("no memory");
    for (uint64_t i = 0; i < opt.batch; i++)
        bb_buf_init(&b->bytes[i], WHOLE_MAX);
}

void batch_free(struct batch *b)
{
    for (uint64_t i = 0; i < opt.batch; i++)
        bb_buf_free(&b->bytes[i]);
    free(b->msgs);
    free(b->matches);
    free(b->bytes);
    free(b->settles);
}

void batch_append(struct batch *b)
{
    b->settling = false;
    b->op = (struct bb_op){.kind = BB_OP_APPEND, .arg = b};
    for (uint64_t i = 0; i < opt.batch; i++) {
        struct bb_append_msg *m = &b->msgs[i];

        message_make(&b->bytes[i], b->tag + i);
        *m = (struct bb_append_msg){.whole = {b->bytes[i].ptr, b->bytes[i].len},
                                    .match = (uint32_t)i * ROUTES, .n_match = ROUTES};
        claim(b->tag + i, m->claim);
        for (int r = 0; r < ROUTES; r++)
            b->matches[i * ROUTES + (uint64_t)r] =
                (struct bb_match){routes[r], 0, lane(r, b->tag + i)};
    }
    b->op.append.endpoint = endpoint;
    b->op.append.msgs = b->msgs;
    b->op.append.n = opt.batch;
    b->op.append.matches = b->matches;
    b->op.append.n_matches = opt.batch * ROUTES;
    bb_journal_post(journal, &b->op);
}

void batch_settle(struct batch *b)
{
    static const uint8_t event[] = "\x81\xa6reason\xa4test";
    size_t n = 0;

    b->settling = true;
    b->op = (struct bb_op){.kind = BB_OP_SETTLE, .arg = b};
    for (uint64_t i = 0; i < opt.batch; i++)
        for (int r = 0; r < ROUTES; r++) {
            uint64_t tag = b->tag + i;
            struct bb_settle *s = &b->settles[n];

            if (message_waits(r, tag))
                continue;
            *s = (struct bb_settle){.route = routes[r], .to = (uint8_t)becomes(r, tag),
                                    .ord = b->msgs[i].seq - 1, .seq = b->msgs[i].seq,
                                    .lane = lane(r, tag)};
            s->row.due_ms = bb_wall_ms() + 86400000;
            if (s->to == BB_TO_RETRYING) {
                s->body = b->msgs[i].whole;
                /* a body that must be kept would wait for room, which nobody here makes */
                if (tag % 4 < 2 && !bb_journal_intake(journal, NULL))
                    s->row.flags = BB_ROW_MAYBE_SENT;
            }
            if (s->to != BB_TO_DELIVERED)
                s->event = (struct bb_bytes){event, sizeof event - 1};
            n++;
        }
    b->op.settle.v = b->settles;
    b->op.settle.n = n;
    bb_journal_post(journal, &b->op);
}

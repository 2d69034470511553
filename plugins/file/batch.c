/*
 * batch.c - records of the file, gathered into a batch for the journal
 *
 * Each record is wrapped into a message as it is read. With the batch goes the place behind its last
 * record. What is wrong with a record ends the file's last batch in front of it.
 *
 * Thread: [ctl]. Ownership: a batch owns its bytes; its messages point into them once it is complete,
 * because the buffer moves while it grows.
 */
#include "source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_BYTES (1u << 20)
#define SLICE 8192  /* records looked at in one go, taken or not */
#define TOLD_MAX 10 /* skipped records logged one by one, a file */

int batch_init(struct batch *b, const struct config *c)
{
    bb_buf_init(&b->bytes, c->max_record * 2 + 2 * (size_t)BATCH_BYTES);
    bb_buf_init(&b->state, 65536);
    b->messages = calloc(c->batch, sizeof *b->messages);
    return b->messages ? 0 : -1;
}

void batch_free(struct batch *b)
{
    bb_buf_free(&b->bytes);
    bb_buf_free(&b->state);
    free(b->messages);
}

void batch_reset(struct batch *b)
{
    bb_buf_reset(&b->bytes);
    b->n = 0;
    b->complete = b->last = false;
}

static void state_put(struct batch *b, const struct source *s)
{
    const struct place *at = &s->reader.at;
    bb_buf_reset(&b->state);
    bb_put_map(&b->state, 8);
    bb_put_cstr(&b->state, "file");
    bb_put_str(&b->state, s->name, strlen(s->name));
    bb_put_cstr(&b->state, "inode");
    bb_put_uint(&b->state, (uint64_t)s->id.st_ino);
    bb_put_cstr(&b->state, "size");
    bb_put_uint(&b->state, (uint64_t)s->id.st_size);
    bb_put_cstr(&b->state, "mtime");
    bb_put_int(&b->state, (int64_t)s->id.st_mtim.tv_sec * 1000000000 + s->id.st_mtim.tv_nsec);
    bb_put_cstr(&b->state, "offset");
    bb_put_uint(&b->state, at->offset);
    bb_put_cstr(&b->state, "record");
    bb_put_uint(&b->state, at->record);
    bb_put_cstr(&b->state, "line");
    bb_put_uint(&b->state, at->line);
    bb_put_cstr(&b->state, "stack");
    bb_put_cstr(&b->state, at->stack);
}

/* ---- what is wrong ------------------------------------------------------------------------------- */

static void bad_text(struct source *s, uint64_t record, const struct bad *bad)
{
    snprintf(s->why, sizeof s->why,
             "%s: record %" PRIu64 ", line %" PRIu64 ", byte %" PRIu64 ": %s\n\n"
             "The records before it were taken. Mend the file and put it back under the same name "
             "into %s:\nrecords that were taken already are recognised by their ids and not taken "
             "twice.\nWith on_bad_record: skip a bad record is left out instead.\n",
             s->name, record, bad->line, bad->offset, bad->text, s->c->directory);
}

void batch_refused(struct source *s, const char *why)
{
    const struct batch *b = source_sent(s);

    snprintf(s->why, sizeof s->why,
             "%s: the %u records up to record %" PRIu64 ", line %" PRIu64 " were refused: %s\n\n"
             "Records before them were taken. Mend the cause and put the file back under the same "
             "name\ninto %s: records that were taken already are not taken twice.\n",
             s->name, b->n, b->end.record, b->end.line, why, s->c->directory);
}

/* All that the endpoint's accept found in them, a line each, as far as there is room. */
void batch_refusal_add(struct source *s)
{
    const struct bb_ext_refusal *ext = s->ctx.api->extension(s->ctx.host, BB_EXT_REFUSAL);
    struct bb_bytes list, one, at, why;
    size_t len = 0, used = strlen(s->why);
    struct bb_cur c;
    struct bb_tok t;
    int64_t n;
    void *buf;

    if (!ext || !BB_HAS(ext, last) || ext->last(s->ctx.host, NULL, 0, &len) != BB_E_BUSY ||
        !(buf = malloc(len)))
        return;
    if (ext->last(s->ctx.host, buf, len, &len) == BB_OK &&
        bb_map_get((struct bb_bytes){buf, len}, "errors", &list) == 1) {
        c = bb_cur_of(list);
        for (uint32_t k = bb_cur_next(&c, &t) == 0 && t.kind == BB_T_ARRAY ? t.n : 0;
             k && bb_cur_value(&c, &one) == 0; k--) {
            if (bb_map_get(one, "message", &at) != 1 || bb_as_int(at, &n) != 1 ||
                bb_map_get(one, "pointer", &at) != 1 || bb_as_str(at, &at) != 1 ||
                bb_map_get(one, "text", &why) != 1 || bb_as_str(why, &why) != 1)
                continue;
            used += (size_t)snprintf(s->why + used, sizeof s->why - used, "%srecord %" PRId64 " of them: %.*s %.*s\n",
                                     k == t.n ? "\n" : "", n + 1, (int)at.len, (const char *)at.ptr, (int)why.len,
                                     (const char *)why.ptr);
            if (used >= sizeof s->why - 1)
                break;
        }
    }
    free(buf);
}

/* ---- reading ------------------------------------------------------------------------------------- */

/* Wraps s->value, the record just read, into the batch. 0, -1 with bad. */
static int batch_add(struct source *s, struct batch *b, const struct place *before, struct bad *bad)
{
    struct bb_bytes value = {s->value.ptr, s->value.len}, whole;
    struct origin o = {s->endpoint, s->name, s->time};
    struct bb_envelope e;
    struct bb_fault f = {0, ""};
    size_t at = b->bytes.len;
    int rc = 0;
    if (s->c->format == FORMAT_EVENTS) {
        bb_buf_put(&b->bytes, value.ptr, value.len);
    } else {
        rc = record_message(s->c, &o, s->reader.at.record, value, &b->bytes, bad->text,
                            sizeof bad->text);
    }
    whole.ptr = b->bytes.ptr + at;
    whole.len = b->bytes.len - at;
    if (rc == 0 && (b->bytes.failed || bb_envelope_read(whole, &e, &f) != 0)) {
        snprintf(bad->text, sizeof bad->text, "%s", b->bytes.failed ? "out of memory" : f.text);
        rc = -1;
    }
    if (rc != 0) {
        b->bytes.len = at;
        b->bytes.failed = 0;
        bad->line = s->c->format == FORMAT_CSV || s->c->format == FORMAT_XML ? s->reader.at.line
                                                                         : before->line;
        bad->offset = before->offset;
        bad->go_on = true;
        bad->system = false;
        return -1;
    }
    /* an offset for now: the buffer may move until the batch is complete */
    b->messages[b->n].ptr = (const void *)(uintptr_t)at;
    b->messages[b->n].len = whole.len;
    b->n++;
    return 0;
}

/* The next record: 1 it is in the batch, or not to be; 0 there is none; -1 bad. */
static int record_read(struct source *s, struct batch *b, struct bad *bad)
{
    struct place before = s->reader.at;
    int rc;
    bb_buf_reset(&s->value);
    rc = reader_next(&s->reader, &s->value, bad);
    if (rc == 1 && s->reader.at.record <= s->passed)
        return 1;
    if (rc == 1 && s->value.failed) {
        snprintf(bad->text, sizeof bad->text, "out of memory");
        bad->system = true;
        return -1;
    }
    if (rc == 1)
        rc = batch_add(s, b, &before, bad) == 0 ? 1 : -1;
    if (rc >= 0 || bad->system)
        return rc;
    if (s->c->skip_bad && bad->go_on) {
        if (s->reader.at.record > s->passed && s->skipped++ < TOLD_MAX)
            bb_host_log(&s->ctx, BB_LOG_WARN, "%s: record %" PRIu64 ", line %" PRIu64 " skipped: %s",
                        s->name, s->reader.at.record, bad->line, bad->text);
        return 1;
    }
    bad_text(s, s->reader.at.record, bad);
    s->reader.at = before; /* the state must not pass it */
    return -1;
}

void batch_read(struct source *s)
{
    struct batch *b = source_fills(s);
    struct bad bad;
    int rc = 1;
    for (unsigned k = 0; k < SLICE && rc == 1 && b->n < s->c->batch && b->bytes.len < BATCH_BYTES; k++)
        rc = record_read(s, b, &bad);
    if (rc < 0 && bad.system) {
        snprintf(s->broken, sizeof s->broken, "%.150s", bad.text);
        return;
    }
    if (rc == 0)
        s->why[0] = 0;
    b->last = rc <= 0;
    b->complete = b->last || b->n == s->c->batch || b->bytes.len >= BATCH_BYTES;
    if (!b->complete)
        return;
    for (uint32_t k = 0; k < b->n; k++)
        b->messages[k].ptr = b->bytes.ptr + (uintptr_t)b->messages[k].ptr;
    b->end = s->reader.at;
    state_put(b, s);
}

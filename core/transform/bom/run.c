/*
 * run.c - a message through a BOM step
 *
 * Thread: any, several at once. Ownership: nothing is kept. Invariant: the data is written from its
 * own bytes and the work's; attributes go through as they are, but for plant.
 */
#include "core/transform/bom/bom.h"

#include <stdio.h>
#include <string.h>

struct message {
    struct bb_bytes attributes, data;
};

static bool message_read(struct bom_work *w, struct bb_bytes whole, struct message *m)
{
    struct bb_cur c = bb_cur_of(whole);
    struct bb_tok t;

    return (bb_cur_next(&c, &t) == 0 && t.kind == BB_T_ARRAY && t.n == 2 &&
            bb_cur_value(&c, &m->attributes) == 0 && bb_cur_value(&c, &m->data) == 0) ||
           bom_fail(w, "the message cannot be read");
}

/* What a configured pointer points at, len 0 without. */
static struct bb_bytes pointed(const struct bom_step *s, enum bom_text_at at,
                               const struct message *m)
{
    return s->text[at] ? bom_get(m->data, s->text[at] + strlen("/data"))
                       : (struct bb_bytes){NULL, 0};
}

static bb_status done(struct bom_work *w, struct bb_buf *out)
{
    bb_status st = BB_OK;

    if (!w->failed && out->failed)
        bom_fail(w, "the message is larger than one may be");
    if (w->failed)
        st = BB_E_REJECT;
    bom_work_free(w);
    return st;
}

/* value without what pointer, below it, points at: rewritten from the inside out. */
static void without(struct bb_buf *b, struct bb_bytes value, const char *pointer)
{
    char key[256];
    const char *rest = strchr(pointer + 1, '/');
    size_t n = rest ? (size_t)(rest - pointer - 1) : strlen(pointer + 1);
    struct bb_bytes inner;
    struct bb_buf part;
    struct bom_edit e = {key, {NULL, 0}};

    snprintf(key, sizeof key, "%.*s", (int)(n < 255 ? n : 255), pointer + 1);
    if (bb_map_get(value, key, &inner) != 1) {
        bb_put_raw(b, value);
        return;
    }
    bb_buf_init(&part, BOM_MADE_MAX);
    if (rest)
        without(&part, inner, rest);
    if (part.len > 1 || (part.len && part.ptr[0] != 0x80)) /* a map that is empty now goes, too */
        e.value = (struct bb_bytes){part.ptr, part.len};
    bom_edit_put(b, value, &e, 1);
    b->failed |= part.failed;
    bb_buf_free(&part);
}

static bool relevant(struct bb_bytes line, const char *usage)
{
    const char *word = strcmp(usage, "manufacturing") == 0 ? "production" : usage;
    struct bb_bytes list = bom_get(line, "/relevance"), v, t;
    struct bb_cur c;
    uint32_t n;

    if (!list.len || !bb_group_of(list, BB_T_ARRAY, &c, &n) || strcmp(usage, "universal") == 0)
        return true;
    while (n--)
        if (bb_cur_value(&c, &v) == 0 && bb_as_str(v, &t) && bb_bytes_are(t, word))
            return true;
    return false;
}

static bool usage(struct bom_work *w, const struct bom_step *s, struct bom_doc *d)
{
    struct bb_bytes is = bom_text(d->raw, "/usage"), plant = bom_text(d->raw, "/plant");
    uint32_t kept = 0;

    if (s->text[BOM_AT_USAGE_FROM] && !bb_bytes_are(is, s->text[BOM_AT_USAGE_FROM]))
        return bom_fail(w, "the BOM's usage is %.*s, not %s", (int)(is.len < 30 ? is.len : 30),
                        is.len ? (const char *)is.ptr : "missing", s->text[BOM_AT_USAGE_FROM]);
    if (s->text[BOM_AT_PLANT] && plant.len && !bb_bytes_are(plant, s->text[BOM_AT_PLANT]))
        return bom_fail(w, "the BOM is plant %.*s's, not %s's",
                        (int)(plant.len < 30 ? plant.len : 30), (const char *)plant.ptr,
                        s->text[BOM_AT_PLANT]);
    for (uint32_t i = 0; s->text[BOM_AT_USAGE_TO] && i < d->n; i++)
        if (relevant(bom_bytes(w, &d->lines[i]), s->text[BOM_AT_USAGE_TO]))
            d->lines[kept++] = d->lines[i];
    if (s->text[BOM_AT_USAGE_TO])
        d->n = kept;
    return true;
}

static bool at(struct bom_work *w, const struct bom_step *s, struct bom_doc *d)
{
    char today[16];
    int64_t now;

    if (!s->text[BOM_AT_AT])
        return true;
    if (strcmp(s->text[BOM_AT_AT], "today") != 0)
        return bom_effect_at(w, d,
                             (struct bb_bytes){s->text[BOM_AT_AT], strlen(s->text[BOM_AT_AT])});
    now = bb_apply_now(w->a) / 1000000000;
    bom_date_of(now / 86400, today);
    return bom_effect_at(w, d, (struct bb_bytes){today, strlen(today)});
}

static void header_put(struct bom_work *w, const struct bom_step *s, const struct bom_doc *d,
                       struct bb_buf *data)
{
    struct bb_buf value[2];
    struct bom_edit e[2];
    uint32_t n = 0;

    for (int i = 0; i < 2; i++) {
        const char *text = s->text[i ? BOM_AT_PLANT : BOM_AT_USAGE_TO];

        bb_buf_init(&value[i], 1 << 10);
        if (text) {
            bb_put_cstr(&value[i], text);
            e[n++] = (struct bom_edit){i ? "plant" : "usage", {value[i].ptr, value[i].len}};
        }
    }
    bom_doc_put(w, data, d, e, n);
    bb_buf_free(&value[0]);
    bb_buf_free(&value[1]);
}

static void attributes_put(const struct bom_step *s, struct bb_bytes attributes, struct bb_buf *out)
{
    struct bb_buf plant;

    bb_buf_init(&plant, 1 << 10);
    if (s->text[BOM_AT_PLANT])
        bb_put_cstr(&plant, s->text[BOM_AT_PLANT]);
    if (s->text[BOM_AT_PLANT])
        bom_edit_put(out, attributes, &(struct bom_edit){"plant", {plant.ptr, plant.len}}, 1);
    else
        bb_put_raw(out, attributes);
    bb_buf_free(&plant);
}

bb_status bom_run_rules(const void *self, struct bb_apply *a, struct bb_bytes whole,
                        struct bb_buf *out)
{
    const struct bom_step *s = self;
    struct bom_doc d = {0}, exploded = {0};
    struct bb_buf data, less;
    struct message m;
    struct bom_work w;
    bool ok;

    bom_work_init(&w, a, "bom");
    bb_buf_init(&data, BOM_MADE_MAX);
    bb_buf_init(&less, BOM_MADE_MAX);
    ok = message_read(&w, whole, &m) && bom_doc_read(&w, m.data, "data", &d) && usage(&w, s, &d) &&
         (!s->text[BOM_AT_BOMS] || bom_acyclic(&w, &d, pointed(s, BOM_AT_BOMS, &m)));
    if (ok && s->text[BOM_AT_PHANTOMS] && strcmp(s->text[BOM_AT_PHANTOMS], "explode") == 0) {
        exploded.raw = d.raw;
        ok = bom_explode(&w, &d, pointed(s, BOM_AT_BOMS, &m), &s->rounding, &exploded);
        bom_doc_free(&d);
        d = exploded;
    }
    ok = ok && at(&w, s, &d) &&
         (!s->text[BOM_AT_EFFECT] || strcmp(s->text[BOM_AT_EFFECT], "check") != 0 ||
          bom_effect_check(&w, &d)) &&
         (!s->number || bom_number(&w, &d, &s->numbers, pointed(s, BOM_AT_PREVIOUS, &m)));
    if (ok) {
        bb_put_array(out, 2);
        attributes_put(s, m.attributes, out);
        header_put(&w, s, &d, &data);
        for (int i = 0; i < 2; i++) {
            const char *gone = s->text[i ? BOM_AT_PREVIOUS : BOM_AT_BOMS];

            if (!gone || strcmp(gone, "/data") == 0)
                continue;
            bb_buf_reset(&less);
            without(&less, (struct bb_bytes){data.ptr, data.len}, gone + strlen("/data"));
            bb_buf_reset(&data);
            bb_put_raw(&data, (struct bb_bytes){less.ptr, less.len});
        }
        bb_put_raw(out, (struct bb_bytes){data.ptr, data.len});
        out->failed |= data.failed | less.failed;
    }
    bb_buf_free(&data);
    bb_buf_free(&less);
    bom_doc_free(&d);
    return done(&w, out);
}

bb_status bom_run_split(const void *self, struct bb_apply *a, struct bb_bytes whole,
                        struct bb_buf *out)
{
    const struct bom_step *s = self;
    const char *into = s->text[BOM_AT_INTO] ? s->text[BOM_AT_INTO] : "/data/boms";
    struct bom_doc d = {0};
    struct message m;
    struct bom_work w;

    bom_work_init(&w, a, "bom_split");
    if (message_read(&w, whole, &m) && bom_doc_read(&w, m.data, "data", &d)) {
        bb_put_array(out, 2);
        bb_put_raw(out, m.attributes);
        for (const char *p = into + strlen("/data"); *p;
             p = strchr(p + 1, '/') ? strchr(p + 1, '/') : "") {
            const char *next = strchr(p + 1, '/');

            bb_put_map(out, 1);
            bb_put_str(out, p + 1, next ? (size_t)(next - p - 1) : strlen(p + 1));
        }
        bom_split(&w, &d, out);
    }
    bom_doc_free(&d);
    return done(&w, out);
}

bb_status bom_run_merge(const void *self, struct bb_apply *a, struct bb_bytes whole,
                        struct bb_buf *out)
{
    const struct bom_step *s = self;
    struct message m;
    struct bom_work w;

    bom_work_init(&w, a, "bom_merge");
    if (message_read(&w, whole, &m)) {
        bb_put_array(out, 2);
        bb_put_raw(out, m.attributes);
        bom_merge(&w, pointed(s, BOM_AT_BOMS, &m), out);
    }
    return done(&w, out);
}

bb_status bom_run_diff(const void *self, struct bb_apply *a, struct bb_bytes whole,
                       struct bb_buf *out)
{
    const struct bom_step *s = self;
    struct message m;
    struct bom_work w;
    struct bb_bytes id;

    bom_work_init(&w, a, "bom_diff");
    if (message_read(&w, whole, &m)) {
        id = s->text[BOM_AT_ID] ? bom_text(m.data, s->text[BOM_AT_ID] + strlen("/data"))
                                : bom_text(m.attributes, "/change");
        if (!id.len)
            bom_fail(&w, "the change needs an id, and there is no text at %s",
                     s->text[BOM_AT_ID] ? s->text[BOM_AT_ID] : "/attributes/change");
        bb_put_array(out, 2);
        bb_put_raw(out, m.attributes);
        if (!w.failed)
            bom_diff(&w, pointed(s, BOM_AT_BEFORE, &m), pointed(s, BOM_AT_AFTER, &m), id, out);
    }
    return done(&w, out);
}

bb_status bom_run_apply(const void *self, struct bb_apply *a, struct bb_bytes whole,
                        struct bb_buf *out)
{
    const struct bom_step *s = self;
    bool forward = !s->text[BOM_AT_DIRECTION] || strcmp(s->text[BOM_AT_DIRECTION], "forward") == 0;
    struct message m;
    struct bom_work w;

    bom_work_init(&w, a, "bom_apply");
    if (message_read(&w, whole, &m)) {
        bb_put_array(out, 2);
        bb_put_raw(out, m.attributes);
        bom_apply(&w, pointed(s, BOM_AT_BOM, &m), pointed(s, BOM_AT_CHANGE, &m), forward, out);
    }
    return done(&w, out);
}

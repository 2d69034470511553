/*
 * emit.c - the step behind a route's own that says what follows when the sink has the message
 *
 * The core puts it there (`emit` of a route). When the delivery ends as delivered, or a probe says that it
 * was, its host makes the message: the attributes of the one that was accepted, but for id (that one's, "/" and
 * the route's name), type, causationid, correlationid, generation, time (the answer's) and what describes the
 * data; the data names the accepted message and has the sink's reply. The id depends on nothing else, so that
 * whoever makes it again makes the same message. What cannot be made fails the delivery here, before the sink has anything: afterwards
 * the effect is there, and what follows from it must be, too.
 *
 * Thread: any. Ownership: the step owns its texts.
 */
#include "core/base/base.h"
#include "core/transform/internal.h"
#include "core/transform/ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct emit {
    char *type, *route;
};

static void emit_free(void *self)
{
    struct emit *e = self;

    free(e->type);
    free(e->route);
    free(e);
}

static char *text_of(struct bb_bytes map, const char *key)
{
    struct bb_bytes v, s;

    return bb_map_get(map, key, &v) == 1 && bb_as_str(v, &s) && s.len ? strndup(s.ptr, s.len) : NULL;
}

static int emit_compile(struct bb_compile *c, struct bb_bytes config, void **self)
{
    struct emit *e = calloc(1, sizeof *e);

    if (!e)
        return bb_compile_say(c, "out of memory");
    *self = e;
    e->type = text_of(config, "type");
    e->route = text_of(config, "route");
    return e->type && e->route ? 0 : bb_compile_say(c, "takes {type: ..., route: ...}");
}

static const struct emit *emit_of(const struct bb_transform *t)
{
    for (uint32_t k = 0; k < t->n; k++)
        if (t->steps[k].ops == &bb_step_emit)
            return t->steps[k].self;
    return NULL;
}

bool bb_transform_emits(const struct bb_transform *t)
{
    return emit_of(t) != NULL;
}

/* ---- the message ----------------------------------------------------------------------------------- */
static bool inherited(struct bb_bytes name)
{
    static const char *const own[] = {"specversion",   "id",         "source",     "type",            "causationid",
                                      "correlationid", "generation", "dataschema", "datacontenttype", "time"};

    return bb_word_of(name, own, sizeof own / sizeof *own) == sizeof own / sizeof *own;
}

static void put_pair(struct bb_buf *b, const char *name, struct bb_bytes text)
{
    bb_put_cstr(b, name);
    bb_put_str(b, text.ptr, text.len);
}

static void put_message(struct bb_buf *b, const struct emit *e, const struct bb_envelope *p, int64_t generation,
                        struct bb_bytes reply, int64_t now_ns)
{
    char id[BB_ATTRIBUTE_MAX + 80], time[BB_TIME_TEXT];
    struct bb_bytes name, value;
    uint32_t n, keep = 0;
    struct bb_cur c;
    int len = snprintf(id, sizeof id, "%.*s/%s", (int)p->id.len, (const char *)p->id.ptr, e->route);

    bb_group_of(p->attributes, BB_T_MAP, &c, &n);
    for (struct bb_cur look = c; n && bb_pair_next(&look, &name, &value) == 0; n--)
        keep += inherited(name);
    bb_put_array(b, 2);
    bb_put_map(b, 8 + keep);
    bb_put_cstr(b, "specversion");
    bb_put_cstr(b, "1.0");
    put_pair(b, "id", (struct bb_bytes){id, (size_t)len});
    put_pair(b, "source", p->source);
    put_pair(b, "type", (struct bb_bytes){e->type, strlen(e->type)});
    put_pair(b, "causationid", p->id);
    put_pair(b, "correlationid", p->correlationid.len ? p->correlationid : p->id);
    bb_put_cstr(b, "time");
    bb_put_cstr(b, bb_time_text(now_ns ? (uint64_t)now_ns / 1000000 : bb_wall_ms(), time));
    bb_put_cstr(b, "generation");
    bb_put_int(b, generation);
    bb_group_of(p->attributes, BB_T_MAP, &c, &n);
    for (; n && bb_pair_next(&c, &name, &value) == 0; n--)
        if (inherited(name)) {
            bb_put_str(b, name.ptr, name.len);
            bb_put_raw(b, value);
        }
    bb_put_map(b, reply.len ? 3 : 2);
    put_pair(b, "type", p->type);
    put_pair(b, "id", p->id);
    if (reply.len) {
        bb_put_cstr(b, "reply");
        bb_put_raw(b, reply);
    }
}

/* As bb_transform_emit(). */
static int make(const struct emit *e, struct bb_bytes attributes, struct bb_bytes reply, int64_t now_ns,
                struct bb_buf *out, struct bb_fault *err)
{
    size_t start = out->len;
    struct bb_envelope p;
    struct bb_buf whole;
    int64_t generation;
    int rc;

    bb_buf_init(&whole, attributes.len + 2); /* with no data: an envelope that can be read */
    bb_put_array(&whole, 2);
    bb_put_raw(&whole, attributes);
    bb_put_nil(&whole);
    rc = whole.failed ? -1 : bb_envelope_read((struct bb_bytes){whole.ptr, whole.len}, &p, err) != 0;
    generation = rc ? 0 : bb_ref_generation(&p) + 1;
    if (generation > BB_GENERATIONS_MAX) {
        rc = 1;
        bb_fail(err, "it would be number %d in a chain: do the routes go in a circle?", BB_GENERATIONS_MAX + 1);
    }
    if (rc == 0) {
        put_message(out, e, &p, generation, reply, now_ns);
        rc = out->failed ? -1 : bb_message_check((struct bb_bytes){(uint8_t *)out->ptr + start, out->len - start}, err) != 0;
    }
    if (rc)
        out->len = start;
    bb_buf_free(&whole);
    return rc;
}

int bb_transform_emit(const struct bb_transform *t, struct bb_bytes attributes, struct bb_bytes reply,
                      int64_t now_ns, struct bb_buf *out, struct bb_fault *err)
{
    return make(emit_of(t), attributes, reply, now_ns, out, err);
}

/* ---- the step ---------------------------------------------------------------------------------------- */
static bb_status emit_apply(const void *self, struct bb_apply *a, struct bb_bytes whole, struct bb_buf *out)
{
    struct bb_bytes none = {NULL, 0};
    struct bb_envelope accepted;
    struct bb_fault why = {0};
    struct bb_buf b;
    bb_status s = BB_OK;
    int rc;

    (void)whole;
    if (bb_envelope_read(a->original, &accepted, &why) != 0)
        return bb_apply_reject(a, "mapping", "emit: %.150s", why.text);
    bb_buf_init(&b, 2u * BB_ATTRIBUTES_MAX * BB_ATTRIBUTE_MAX);
    rc = make(self, accepted.attributes, none, 0, &b, &why);
    if (rc < 0)
        s = BB_E_RETRY;
    else if (rc > 0)
        s = bb_apply_reject(a, "mapping", "emit: what is to follow cannot be made: %.110s", why.text);
    else if (b.len + BB_EMIT_HEAD > out->max)
        s = bb_apply_reject(a, "mapping", "emit: what is to follow would have %zu bytes, too many for max_message (%zu)", b.len, out->max);
    bb_buf_free(&b);
    return s;
}

const struct bb_step_ops bb_step_emit = {.name = "emit", .pure = true, .checks = true,
                                         .compile = emit_compile, .apply = emit_apply, .free = emit_free};

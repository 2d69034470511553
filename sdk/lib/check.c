/*
 * check.c - are these bytes canonical?
 *
 * One pass over the tokens with a stack of BB_DEPTH_MAX frames. Wider forms than needed are
 * allowed (other people's encoders write them); kinds that JSON cannot say are not.
 * Thread: any. Memory: the set of keys, see keys.c.
 */
#include "codec.h"

struct frame {
    uint64_t due; /* values still to come, keys counted */
    size_t first; /* its first key's index */
    int map;
};
struct check {
    struct bb_cur *c;
    const uint8_t *base;
    struct bb_fault *err;
    unsigned open, max;
    struct bb_keys keys;
    struct frame frames[BB_DEPTH_MAX];
};

static const char *const refused[] = {
    [BB_T_BIN] = "a bin value is not canonical: send bytes as base64 text",
    [BB_T_FLOAT] = "a float is not canonical: send the number as a decimal (ext type 1)",
    [BB_T_EXT] = "an ext value is not canonical, except type 1 (decimal)",
};

static inline int check_text(struct check *k, const struct bb_tok *t)
{
    size_t good;

    if (!bb_text_high(t->s.ptr, t->s.len))
        return 0;
    good = bb_utf8_check(t->s.ptr, t->s.len);
    if (good == t->s.len)
        return 0;
    return bb_fault_set(k->err, (size_t)((const uint8_t *)t->s.ptr - k->base) + good,
                        "a string is not UTF-8");
}

static int check_decimal(struct check *k, const struct bb_tok *t, size_t at)
{
    const uint8_t *p = t->s.ptr;
    struct bb_num n;
    int kind;
    char text[44];

    if (t->s.len > BB_DECIMAL_MAX)
        return bb_fault_set(k->err, at, "a decimal of %zu bytes: at most %d are allowed", t->s.len,
                            BB_DECIMAL_MAX);
    kind = bb_num_read(p, p + t->s.len, &n);
    if (kind == BB_NUM_DECIMAL && n.at == p + t->s.len)
        return 0;
    if (kind == BB_NUM_BAD || n.at != p + t->s.len)
        return bb_fault_set(k->err, at, "a decimal's text is not a JSON number");
    return bb_fault_set(k->err, at, "decimal \"%s\" fits an integer: write it as one",
                        bb_fault_quote(text, p, t->s.len));
}

static int check_key(struct check *k, const struct frame *f, const struct bb_tok *t, size_t at)
{
    struct bb_key dup = {0, (uint32_t)at, (uint32_t)at};

    if (t->kind != BB_T_STR)
        return bb_fault_set(k->err, at, "a map's key must be a string");
    if (check_text(k, t) != 0)
        return -1;
    switch (bb_keys_add(&k->keys, k->base, f->first, (uint32_t)at, (uint32_t)at)) {
    case 0:
        return 0;
    case 1:
        return bb_keys_fault(k->err, k->base, dup);
    default:
        return bb_fault_set(k->err, at, "no memory for the keys of a map");
    }
}

static int check_open(struct check *k, const struct bb_tok *t, size_t at)
{
    struct frame *f = &k->frames[k->open];

    if (k->open == k->max)
        return bb_fault_set(k->err, at, "nested deeper than %d", BB_DEPTH_MAX);
    f->map = t->kind == BB_T_MAP;
    f->due = (uint64_t)t->n << f->map;
    f->first = k->keys.n;
    k->open++;
    return 0;
}

static int check_token(struct check *k, const struct bb_tok *t, size_t at)
{
    switch (t->kind) {
    case BB_T_STR:
        return check_text(k, t);
    case BB_T_DECIMAL:
        return check_decimal(k, t, at);
    case BB_T_ARRAY:
    case BB_T_MAP:
        return check_open(k, t, at);
    case BB_T_BIN:
    case BB_T_FLOAT:
    case BB_T_EXT:
        return bb_fault_set(k->err, at, "%s", refused[t->kind]);
    default:
        return 0;
    }
}

/* Closes what is complete. */
static int check_close(struct check *k)
{
    while (k->open && k->frames[k->open - 1].due == 0) {
        struct frame *f = &k->frames[k->open - 1];
        struct bb_key dup;
        if (f->map) {
            int found = bb_keys_close(&k->keys, k->base, f->first, &dup);
            if (found > 0)
                return bb_keys_fault(k->err, k->base, dup);
            if (found < 0)
                return bb_fault_set(k->err, (size_t)(k->c->p - k->base),
                                    "no memory for the keys of a map");
        }
        k->open--;
    }
    return 0;
}

static int check_run(struct check *k)
{
    struct bb_tok t;

    do {
        size_t at = (size_t)(k->c->p - k->base);
        struct frame *f = k->open ? &k->frames[k->open - 1] : NULL;
        int is_key = f && f->map && !(f->due & 1);

        if (bb_cur_read(k->c, &t) != 0)
            return bb_fault_set(k->err, at,
                                k->c->p == k->c->end ? "the bytes end inside a value"
                                                     : "not msgpack, or cut off inside a token");
        if (f)
            f->due--;
        if (is_key ? check_key(k, f, &t, at) : check_token(k, &t, at))
            return -1;
        if (check_close(k) != 0)
            return -1;
    } while (k->open);
    return 0;
}

int bb_check_value(struct bb_cur *c, const uint8_t *base, unsigned depth, struct bb_fault *err)
{
    struct check k;
    int status;

    if (c->end - base > (ptrdiff_t)UINT32_MAX)
        return bb_fault_set(err, 0, "more than 4 GiB");
    k.c = c;
    k.base = base;
    k.err = err;
    k.open = 0;
    k.max = BB_DEPTH_MAX - depth;
    bb_keys_init(&k.keys);
    status = check_run(&k);
    bb_keys_free(&k.keys);
    return status;
}

static int check_end(const struct bb_cur *c, const uint8_t *base, struct bb_fault *err)
{
    if (c->p == c->end)
        return 0;
    return bb_fault_set(err, (size_t)(c->p - base), "bytes after the end of the value");
}

int bb_value_check(struct bb_bytes value, struct bb_fault *err)
{
    struct bb_cur c = bb_cur_of(value);
    const uint8_t *base = c.p;

    if (bb_check_value(&c, base, 0, err) != 0)
        return -1;
    return check_end(&c, base, err);
}

int bb_message_check(struct bb_bytes whole, struct bb_fault *err)
{
    struct bb_cur c = bb_cur_of(whole);
    const uint8_t *base = c.p;
    struct bb_envelope e;

    if (bb_envelope_head(&c, &e, err) != 0 || bb_check_value(&c, base, 1, err) != 0)
        return -1;
    return check_end(&c, base, err);
}

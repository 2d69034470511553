/*
 * ref.c - references into a message and conditions on what is there
 *
 * Thread: any. Ownership: compiled references and conditions own copies of what they were read from.
 */
#include "core/transform/ref.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REF_BYTES 1024
#define CONDS_MAX 64
#define SHOWN 40 /* characters of a value in an error */

static bool attribute_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789");

    return n >= 1 && n <= 20 && !s[n];
}

static bool starts(const char *s, const char *word, const char **rest)
{
    size_t n = strlen(word);

    *rest = s + n;
    return strncmp(s, word, n) == 0 && (s[n] == '/' || !s[n]);
}

static bool escapes_fine(const char *s)
{
    for (s = strchr(s, '~'); s; s = strchr(s + 1, '~'))
        if (s[1] != '0' && s[1] != '1')
            return false;
    return true;
}

int bb_ref_read(struct bb_compile *c, struct bb_bytes v, bool entry, struct bb_ref *r)
{
    struct bb_bytes s;
    const char *why = NULL;

    if (bb_as_str(v, &s) != 1 || s.len >= REF_BYTES || memchr(s.ptr, 0, s.len))
        return bb_compile_say(c, "expected a pointer such as /data/lines, not %s", bb_kind_of(v));
    r->text = strndup(s.ptr, s.len);
    if (!r->text)
        return bb_compile_say(c, "out of memory");
    if (starts(r->text, "/data", &r->rest))
        r->root = BB_REF_DATA;
    else if (starts(r->text, "/attributes", &r->rest))
        r->root = BB_REF_ATTRIBUTE;
    else if (entry && starts(r->text, ".", &r->rest))
        r->root = BB_REF_ENTRY;
    else
        why = entry ? "a pointer starts with /data, /attributes/ or, for the entry, ./"
                    : "a pointer starts with /data or /attributes/";
    if (!why && r->root == BB_REF_ATTRIBUTE) {
        r->rest += *r->rest == '/';
        if (!attribute_name(r->rest))
            why = "an attribute is /attributes/ and one name of a-z and 0-9";
    }
    if (!why && !escapes_fine(r->rest))
        why = "\"~\" is written ~0 and \"/\" in a name ~1";
    if (!why)
        return 0;
    bb_compile_say(c, "%s, not \"%.80s\"", why, r->text);
    bb_ref_free(r);
    return -1;
}

void bb_ref_free(struct bb_ref *r)
{
    free(r->text);
    *r = (struct bb_ref){0};
}

int bb_ref_get(const struct bb_ref *r, const struct bb_ref_message *m, struct bb_bytes *out)
{
    switch (r->root) {
    case BB_REF_ATTRIBUTE:
        return bb_map_get(m->e.attributes, r->rest, out);
    case BB_REF_ENTRY:
        return m->entry.len ? bb_pointer_get(m->entry, r->rest, out) : 0;
    default:
        return bb_pointer_get(m->e.data, r->rest, out);
    }
}

static bool token_of(struct bb_bytes v, struct bb_tok *t)
{
    struct bb_cur c = bb_cur_of(v);

    return bb_cur_next(&c, t) == 0;
}

bool bb_scalar_same(struct bb_bytes a, struct bb_bytes b)
{
    struct bb_tok x, y;

    if (!token_of(a, &x) || !token_of(b, &y) || x.kind != y.kind)
        return false;
    switch (x.kind) {
    case BB_T_NIL:
        return true;
    case BB_T_BOOL:
    case BB_T_INT:
        return x.i == y.i;
    case BB_T_UINT:
        return x.u == y.u;
    case BB_T_STR:
    case BB_T_DECIMAL:
        return x.s.len == y.s.len && (!x.s.len || memcmp(x.s.ptr, y.s.ptr, x.s.len) == 0);
    default:
        return false;
    }
}

void bb_scalar_text(struct bb_bytes v, char *out, size_t cap)
{
    struct bb_tok t;

    if (!token_of(v, &t)) {
        snprintf(out, cap, "damaged");
        return;
    }
    switch (t.kind) {
    case BB_T_NIL:
        snprintf(out, cap, "null");
        break;
    case BB_T_BOOL:
        snprintf(out, cap, "%s", t.i ? "true" : "false");
        break;
    case BB_T_INT:
        snprintf(out, cap, "%" PRId64, t.i);
        break;
    case BB_T_UINT:
        snprintf(out, cap, "%" PRIu64, t.u);
        break;
    case BB_T_DECIMAL:
        snprintf(out, cap, "%.*s", (int)(t.s.len < SHOWN ? t.s.len : SHOWN), (const char *)t.s.ptr);
        break;
    case BB_T_STR: {
        size_t n = t.s.len < SHOWN ? t.s.len : SHOWN;

        while (n && n < t.s.len && ((const uint8_t *)t.s.ptr)[n] >> 6 == 2)
            n--; /* not inside a character */
        snprintf(out, cap, "\"%.*s\"%s", (int)n, t.s.len ? (const char *)t.s.ptr : "",
                 n < t.s.len ? "..." : "");
        break;
    }
    default:
        snprintf(out, cap, "%s", bb_kind_of(v));
    }
}

/* ---- conditions ------------------------------------------------------------------------------------ */
static bool scalar(struct bb_bytes v)
{
    struct bb_tok t;

    return token_of(v, &t) && t.kind != BB_T_ARRAY && t.kind != BB_T_MAP;
}

/* A list of the values, in bytes of its own. */
static int values_read(struct bb_compile *c, struct bb_bytes v, struct bb_bytes *out)
{
    struct bb_bytes one;
    struct bb_cur cur;
    struct bb_buf b;
    uint32_t n;

    bb_buf_init(&b, 1u << 20);
    if (bb_group_of(v, BB_T_ARRAY, &cur, &n)) {
        if (!n)
            return bb_compile_say(c, "an empty list fits nothing");
        for (uint32_t k = 0; k < n; k++)
            if (bb_cur_value(&cur, &one) != 0 || !scalar(one))
                return bb_compile_say(c, "expected texts, numbers, true, false or null, not %s",
                                      bb_kind_of(one));
    } else if (scalar(v)) {
        bb_put_array(&b, 1);
    } else {
        return bb_compile_say(c, "expected a value or a list of values, not %s", bb_kind_of(v));
    }
    bb_put_raw(&b, v);
    if (b.failed) {
        bb_buf_free(&b);
        return bb_compile_say(c, "too many values");
    }
    *out = (struct bb_bytes){b.ptr, b.len};
    return 0;
}

int bb_conds_read(struct bb_compile *c, struct bb_bytes config, bool entry, struct bb_conds *out)
{
    struct bb_bytes key, val, raw;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(config, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "expected a map from pointers to values, such as "
                                 "{/data/status: released}, not %s", bb_kind_of(config));
    if (n > CONDS_MAX)
        return bb_compile_say(c, "at most %d conditions", CONDS_MAX);
    out->v = calloc(n ? n : 1, sizeof *out->v);
    if (!out->v)
        return bb_compile_say(c, "out of memory");
    for (; n; n--) {
        struct bb_cond *k = &out->v[out->n];

        if (bb_cur_value(&cur, &raw) != 0 || !bb_as_str(raw, &key) || bb_cur_value(&cur, &val) != 0)
            return bb_compile_say(c, "damaged configuration");
        bb_compile_down(c, key);
        out->n++;
        if (bb_ref_read(c, raw, entry, &k->ref) != 0 || values_read(c, val, &k->values) != 0)
            rc = -1;
        bb_compile_up(c);
    }
    return rc;
}

void bb_conds_free(struct bb_conds *c)
{
    for (uint32_t k = 0; k < c->n; k++) {
        bb_ref_free(&c->v[k].ref);
        free((void *)(uintptr_t)c->v[k].values.ptr);
    }
    free(c->v);
    *c = (struct bb_conds){0};
}

int bb_cond_test(const struct bb_cond *c, const struct bb_ref_message *m, struct bb_bytes *found)
{
    static const uint8_t nil = 0xc0;
    struct bb_bytes one;
    struct bb_cur cur;
    uint32_t n;
    int rc = bb_ref_get(&c->ref, m, found);

    if (rc < 0)
        return -1;
    if (rc == 0)
        *found = (struct bb_bytes){&nil, 1};
    if (!bb_group_of(c->values, BB_T_ARRAY, &cur, &n))
        return -1;
    for (; n; n--)
        if (bb_cur_value(&cur, &one) == 0 && bb_scalar_same(one, *found))
            return 1;
    return 0;
}

int bb_conds_test(const struct bb_conds *c, const struct bb_ref_message *m)
{
    struct bb_bytes found;
    int rc = 1;

    for (uint32_t k = 0; k < c->n && rc == 1; k++)
        rc = bb_cond_test(&c->v[k], m, &found);
    return rc;
}

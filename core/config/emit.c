/*
 * emit.c - a tree as msgpack and back
 *
 * Plain scalars follow YAML 1.2's core schema: 12 is an integer, 1.50 a decimal that keeps its
 * text, "12" a text. A number with a leading zero is refused, because in a plant it is nearly
 * always a code (0010) whose quotes were forgotten, and 10 would be another one.
 */
#include "core/config/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int emit_int(struct bb_buf *b, const char *s, struct bb_why *why)
{
    const char *p = s;
    bool minus = *p == '-';
    int base = 10;
    uint64_t v;

    if (*p == '-' || *p == '+')
        p++;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'o')) {
        base = p[1] == 'x' ? 16 : 8;
        p += 2;
    } else if (p[0] == '0' && p[1]) {
        snprintf(why->text, sizeof(why->text),
                 "starts with a zero: put a code in quotes, drop the zero of a number");
        return -1;
    }
    errno = 0;
    v = strtoull(p, NULL, base);
    if (errno == ERANGE || (minus && v > (uint64_t)INT64_MAX + 1)) {
        if (base != 10) {
            snprintf(why->text, sizeof(why->text), "is too large");
            return -1;
        }
        if (*s == '+')
            s++;
        bb_put_decimal(b, s, strlen(s));
    } else if (minus) {
        bb_put_int(b, v ? -(int64_t)(v - 1) - 1 : 0);
    } else {
        bb_put_uint(b, v);
    }
    return 0;
}

/* A decimal in JSON's grammar, which is narrower than YAML's: +.5 is 0.5, 1. is 1. */
static int emit_decimal(struct bb_buf *b, const char *s, size_t len, struct bb_why *why)
{
    struct bb_buf t;
    const char *p = s, *end = s + len;
    int rc = -1;

    bb_buf_init(&t, 4096);
    if (*p == '-')
        bb_buf_put(&t, p++, 1);
    else if (*p == '+')
        p++;
    if (p[0] == '.' && (p[1] < '0' || p[1] > '9')) {
        snprintf(why->text, sizeof(why->text), "is not a number that can be carried");
        goto done;
    }
    if (p[0] == '0' && p[1] >= '0' && p[1] <= '9') {
        snprintf(why->text, sizeof(why->text),
                 "starts with a zero: put a code in quotes, drop the zero of a number");
        goto done;
    }
    if (*p == '.')
        bb_buf_put(&t, "0", 1);
    for (; p < end; p++)
        if (*p != '.' || (p + 1 < end && p[1] >= '0' && p[1] <= '9'))
            bb_buf_put(&t, p, 1);
    if (t.failed) {
        snprintf(why->text, sizeof(why->text), "is too long for a number");
        goto done;
    }
    bb_put_decimal(b, (const char *)t.ptr, t.len);
    rc = 0;
done:
    bb_buf_free(&t);
    return rc;
}

int bb_emit_number(struct bb_buf *b, const char *text, size_t len, struct bb_why *why)
{
    switch (bb_core_kind(text, len)) {
    case BB_CORE_INT:
        return emit_int(b, text, why);
    case BB_CORE_NUMBER:
        return emit_decimal(b, text, len, why);
    default:
        snprintf(why->text, sizeof(why->text), "is not a number");
        return -1;
    }
}

static int emit_scalar(struct bb_buf *b, const struct bb_ynode *n, const char *what,
                       struct bb_diags *d)
{
    struct bb_why why;
    bool v = false;

    if (n->quoted || n->expanded) { /* a variable's value is a text, whatever is in it */
        bb_put_str(b, n->text, n->len);
        return 0;
    }
    switch (bb_core_kind(n->text, n->len)) {
    case BB_CORE_NULL:
        bb_put_nil(b);
        return 0;
    case BB_CORE_BOOL:
        (void)bb_value_bool(n->text, &v);
        bb_put_bool(b, v);
        return 0;
    case BB_CORE_STR:
        bb_put_str(b, n->text, n->len);
        return 0;
    default:
        break;
    }
    if (bb_emit_number(b, n->text, n->len, &why) == 0)
        return 0;
    bb_diag_node(d, BB_SEV_ERROR, n, "%s: \"%s\" %s", what, bb_ynode_shown(n).text, why.text);
    return -1;
}

int bb_emit_node(struct bb_buf *b, const struct bb_ynode *n, const char *what, struct bb_diags *d)
{
    int rc = 0;
    size_t i;

    switch (n->kind) {
    case BB_Y_SCALAR:
        return emit_scalar(b, n, what, d);
    case BB_Y_SEQ:
        bb_put_array(b, (uint32_t)n->n);
        for (i = 0; i < n->n; i++)
            rc |= bb_emit_node(b, n->items[i], what, d);
        return rc;
    case BB_Y_MAP:
        bb_put_map(b, (uint32_t)n->n);
        for (i = 0; i < n->n; i++) {
            bb_put_str(b, n->pairs[i].key->text, n->pairs[i].key->len);
            rc |= bb_emit_node(b, n->pairs[i].value, what, d);
        }
        return rc;
    default: /* reported where it was found */
        bb_put_nil(b);
        return -1;
    }
}

static struct bb_ynode *node_of(struct bb_arena *a, struct bb_cur *c, unsigned depth);

static int children_of(struct bb_arena *a, struct bb_cur *c, struct bb_ynode *n, uint32_t count,
                       unsigned depth)
{
    bool map = n->kind == BB_Y_MAP;
    void *v = bb_arena_get(a, count * (map ? sizeof(*n->pairs) : sizeof(*n->items)));
    struct bb_ynode *k;

    if (!v)
        return -1;
    if (map)
        n->pairs = v;
    else
        n->items = v;
    for (; n->n < count; n->n++) {
        if (!map) {
            if (!(n->items[n->n] = node_of(a, c, depth + 1)))
                return -1;
            continue;
        }
        k = node_of(a, c, depth + 1);
        if (!k || k->kind != BB_Y_SCALAR || !k->quoted)
            return -1;
        n->pairs[n->n].key = k;
        if (!(n->pairs[n->n].value = node_of(a, c, depth + 1)))
            return -1;
    }
    return 0;
}

static struct bb_ynode *node_of(struct bb_arena *a, struct bb_cur *c, unsigned depth)
{
    struct bb_ynode *n = depth < BB_CONF_DEPTH_MAX ? bb_arena_get(a, sizeof(*n)) : NULL;
    struct bb_tok t;
    char num[32];

    if (!n || bb_cur_next(c, &t) != 0)
        return NULL;
    n->at = n;
    n->kind = t.kind == BB_T_ARRAY ? BB_Y_SEQ : t.kind == BB_T_MAP ? BB_Y_MAP : BB_Y_SCALAR;
    n->quoted = t.kind == BB_T_STR;
    num[0] = 0;
    switch (t.kind) {
    case BB_T_ARRAY:
    case BB_T_MAP:
        return children_of(a, c, n, t.n, depth) == 0 ? n : NULL;
    case BB_T_STR:
    case BB_T_DECIMAL:
        n->text = bb_arena_str(a, t.s.ptr, t.s.len);
        n->len = (uint32_t)t.s.len;
        return n->text && !memchr(n->text, 0, n->len) ? n : NULL;
    case BB_T_INT:
        snprintf(num, sizeof(num), "%lld", (long long)t.i);
        break;
    case BB_T_UINT:
        snprintf(num, sizeof(num), "%llu", (unsigned long long)t.u);
        break;
    case BB_T_BOOL:
        snprintf(num, sizeof(num), "%s", t.i ? "true" : "false");
        break;
    case BB_T_NIL:
        break;
    default:
        return NULL;
    }
    n->len = (uint32_t)strlen(num);
    n->text = bb_arena_str(a, num, n->len);
    return n->text ? n : NULL;
}

struct bb_ynode *bb_ynode_from(struct bb_arena *a, struct bb_bytes value)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_ynode *n = node_of(a, &c, 0);

    return n && c.p == c.end ? n : NULL;
}

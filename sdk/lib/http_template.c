/*
 * http_template.c - "/items/{item}?lot={data:/lot}" with a message's values
 *
 * Compiled once into pieces; a piece is constant text or the name of a value. A template without
 * values never looks at the message.
 *
 * Thread: any after it was made. Memory: one block a template; text is a copy.
 */
#include <stdlib.h>
#include <busbar/http.h>
#include <busbar/json.h>

#define PIECES_MAX 32
#define VALUE_MAX 2048 /* bytes of one value in a URL or a header */

enum piece_kind { P_TEXT, P_ATTRIBUTE, P_DATA, P_KEY, P_SHORT_KEY };
struct piece {
    enum piece_kind kind;
    char *text; /* constant, attribute's name or pointer; in the template's own copy */
};
struct bb_http_template {
    struct piece v[PIECES_MAX];
    size_t n;
    char *copy;
};

static const struct {
    const char *name;
    enum piece_kind kind;
} names[] = {{"key", P_KEY}, {"short_key", P_SHORT_KEY}};

static enum piece_kind kind_of(char **name)
{
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (strcmp(*name, names[k].name) == 0)
            return names[k].kind;
    if (strncmp(*name, "data:", 5) == 0) {
        *name += 5;
        return P_DATA;
    }
    return P_ATTRIBUTE;
}

static int name_ok(enum piece_kind kind, const char *s)
{
    if (kind == P_DATA)
        return *s == 0 || *s == '/';
    return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

static int pieces_cut(struct bb_http_template *t, struct bb_error *err)
{
    char *p = t->copy, *open, *close;

    while (*p) {
        open = strchr(p, '{');
        close = open ? strchr(open, '}') : strchr(p, '}');
        if (!open != !close || t->n + 2 > PIECES_MAX) {
            bb_error_set(err, BB_E_CONFIG, "a template takes at most %d values, each in { and }",
                         PIECES_MAX / 2 - 1);
            return -1;
        }
        if (!open) {
            t->v[t->n++] = (struct piece){P_TEXT, p};
            break;
        }
        *open = *close = 0;
        if (open != p)
            t->v[t->n++] = (struct piece){P_TEXT, p};
        p = open + 1;
        enum piece_kind kind = kind_of(&p);
        if (!name_ok(kind, p)) {
            bb_error_set(err, BB_E_CONFIG, "\"{%.60s}\" in a template: write an attribute such as "
                                           "{item}, {data:/pointer}, {key} or {short_key}", open + 1);
            return -1;
        }
        t->v[t->n++] = (struct piece){kind, p};
        p = close + 1;
    }
    return 0;
}

struct bb_http_template *bb_http_template_new(const char *text, struct bb_error *err)
{
    struct bb_http_template *t = calloc(1, sizeof *t);

    if (!t || !(t->copy = strdup(text))) {
        bb_error_set(err, BB_E_RETRY, "out of memory");
        goto fail;
    }
    if (pieces_cut(t, err) != 0)
        goto fail;
    return t;
fail:
    bb_http_template_free(&t);
    return NULL;
}

void bb_http_template_free(struct bb_http_template **tp)
{
    if (*tp)
        free((*tp)->copy);
    free(*tp);
    *tp = NULL;
}

static void put_encoded(struct bb_buf *out, const char *s, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";
    uint8_t *w = bb_buf_room(out, len * 3);
    size_t n = 0;

    if (!w)
        return;
    for (size_t k = 0; k < len; k++) {
        uint8_t c = (uint8_t)s[k];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~') {
            w[n++] = c;
        } else {
            w[n++] = '%';
            w[n++] = (uint8_t)hex[c >> 4];
            w[n++] = (uint8_t)hex[c & 15];
        }
    }
    out->len += n;
}

/* The text of one scalar; numbers and booleans as JSON writes them. -1: no scalar, too long. */
static int scalar_put(struct bb_bytes value, struct bb_buf *out, int encode)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok tok;
    struct bb_bytes s;
    struct bb_buf json;
    int rc = -1;

    if (bb_cur_next(&c, &tok) != 0 || tok.kind == BB_T_NIL || tok.kind == BB_T_ARRAY ||
        tok.kind == BB_T_MAP)
        return -1;
    bb_buf_init(&json, VALUE_MAX);
    if (tok.kind == BB_T_STR || tok.kind == BB_T_DECIMAL) {
        s = tok.s;
    } else {
        if (bb_json_write(value, &json, NULL) != 0)
            goto done;
        s = (struct bb_bytes){json.ptr, json.len};
    }
    if (s.len == 0 || s.len > VALUE_MAX)
        goto done;
    if (encode && (bb_str_is(s, ".") || bb_str_is(s, "..")))
        goto done; /* would name another resource */
    if (encode)
        put_encoded(out, s.ptr, s.len);
    else
        bb_buf_put(out, s.ptr, s.len);
    rc = 0;
done:
    bb_buf_free(&json);
    return rc;
}

/* An attribute by name: the envelope's members are strings, others any scalar. */
static int attribute_find(const struct bb_envelope *e, const char *name, struct bb_bytes *value)
{
    return bb_map_get(e->attributes, name, value) == 1;
}

static int template_put(const struct bb_http_template *t, const struct bb_msg_view *m,
                        struct bb_buf *out, int encode, struct bb_error *err)
{
    struct bb_envelope e;
    int have = 0;

    for (size_t k = 0; k < t->n; k++) {
        const struct piece *p = &t->v[k];
        struct bb_bytes v = {NULL, 0}, key = p->kind == P_KEY ? m->key : m->short_key;
        int ok = 1;
        if (p->kind == P_TEXT) {
            bb_buf_put(out, p->text, strlen(p->text));
            continue;
        }
        if (p->kind == P_KEY || p->kind == P_SHORT_KEY) {
            if (encode)
                put_encoded(out, key.ptr, key.len);
            else
                bb_buf_put(out, key.ptr, key.len);
            continue;
        }
        if (!have && bb_envelope_read(m->whole, &e, NULL) != 0) {
            bb_error_set(err, BB_E_REJECT, "the message is not canonical");
            return -1;
        }
        have = 1;
        if (p->kind == P_DATA)
            ok = bb_pointer_get(e.data, p->text, &v) == 1;
        else
            ok = attribute_find(&e, p->text, &v);
        if (!ok || scalar_put(v, out, encode) != 0) {
            bb_error_set(err, BB_E_REJECT,
                         p->kind == P_DATA ? "the URL needs a string or number at \"%s\" of the "
                                             "data, and the message has none"
                                           : "the URL needs the attribute \"%s\", and the message "
                                             "has none", p->text);
            return -1;
        }
    }
    if (out->failed) {
        bb_error_set(err, BB_E_REJECT, "the URL or header becomes too long");
        return -1;
    }
    return 0;
}

int bb_http_template_put(const struct bb_http_template *t, const struct bb_msg_view *m,
                         struct bb_buf *out, struct bb_error *err)
{
    return template_put(t, m, out, 1, err);
}

int bb_http_template_text(const struct bb_http_template *t, const struct bb_msg_view *m,
                          struct bb_buf *out, struct bb_error *err)
{
    return template_put(t, m, out, 0, err);
}

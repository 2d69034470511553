/*
 * yaml.c - one file of conf.d as a tree that knows its places
 *
 * libfyaml's event parser does the grammar; the tree is ours. Why not its documents: it expands
 * aliases without bound, ignores documents after the first, keeps quiet about empty input, and
 * places a null or a block badly. Here an alias is refused where it stands, a second document is
 * an error, and every node has the byte range of its text, from which line, column and caret come.
 *
 * Thread: the loader's. Memory: the arena; libfyaml's own is gone when bb_yaml_parse() returns.
 * Invariants: a map's children all have a key that is text; depth and the number of nodes are
 * bounded while reading, so the recursion and memory are too.
 */
#include "core/config/internal.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>
#include "sdk/lib/codec.h"

struct parse {
    struct fy_parser *p;
    struct bb_file *f;
    struct bb_diags *d;
    size_t nodes;
    uint32_t start, end; /* of the newest token, for values that have none */
    bool told_alias, stop;
};
static struct bb_node the_end; /* of a list or map */

static void say(struct parse *b, struct bb_node *n, const char *text)
{
    bb_diag(b->d, BB_SEV_ERROR, bb_at(n), "%s", text);
}

/* A new node at tok, or at the newest token when it has none (a value left out). */
static struct bb_node *node_new(struct parse *b, enum bb_kind kind, struct fy_token *tok)
{
    const struct fy_mark *s = tok ? fy_token_start_mark(tok) : NULL;
    const struct fy_mark *e = tok ? fy_token_end_mark(tok) : NULL;
    struct bb_node *n = bb_arena_get(b->f->arena, sizeof(*n));

    if (++b->nodes > BB_CONF_NODES_MAX)
        bb_diag(b->d, BB_SEV_ERROR, BB_AT_NAME(b->f->name),
                "more than %u values in one file: split it", BB_CONF_NODES_MAX);
    if (!n || b->nodes > BB_CONF_NODES_MAX) {
        b->stop = true;
        return NULL;
    }
    n->kind = kind;
    n->file = b->f;
    n->text = "";
    n->start = s && s->input_pos <= b->f->len ? (uint32_t)s->input_pos : b->start;
    n->end = e && e->input_pos <= b->f->len ? (uint32_t)e->input_pos : b->end;
    b->start = n->start;
    b->end = n->end;
    return n;
}

static struct bb_node *scalar_new(struct parse *b, struct fy_token *tok)
{
    struct bb_node *n = node_new(b, BB_SCALAR, tok);
    const char *text;
    size_t len = 0;

    if (!n || !tok)
        return n;
    n->quoted = fy_token_scalar_style(tok) != FYSS_PLAIN;
    if (fy_token_scalar_style(tok) == FYSS_SINGLE_QUOTED ||
        fy_token_scalar_style(tok) == FYSS_DOUBLE_QUOTED) { /* the marks are inside the quotes */
        b->start = n->start -= n->start > 0;
        b->end = n->end += n->end < b->f->len;
    }
    text = fy_token_get_text(tok, &len);
    if (!text || !(n->text = bb_arena_str(b->f->arena, text, len))) {
        b->stop = true;
        return NULL;
    }
    n->len = (uint32_t)len;
    if (memchr(text, 0, len)) {
        say(b, n, "a text may not hold a NUL character");
        n->kind = BB_BAD;
    }
    return n;
}

/* Reports what YAML allows and conf.d does not. */
static void refuse_marks(struct parse *b, struct bb_node *n, bool anchor, bool tag)
{
    if (anchor && !b->told_alias)
        say(b, n, "anchors and aliases (&name, *name) are not supported: write the value out");
    b->told_alias |= anchor;
    if (tag)
        say(b, n, "tags (!name) are not supported: put a text in quotes, write the rest plain");
    if (tag && n->kind == BB_SCALAR)
        n->kind = BB_BAD;
}

/* True when something can be filed under it. */
static bool key_check(struct parse *b, struct bb_node *key)
{
    if (key->kind == BB_BAD)
        return false;
    if (key->kind != BB_SCALAR || bb_node_is_null(key))
        say(b, key, "a key must be a text");
    else if (!key->quoted && strcmp(key->text, "<<") == 0)
        say(b, key, "merge keys (<<) are not supported: write the keys out");
    else
        return true;
    return false;
}

static struct bb_node *node_read(struct parse *b, unsigned depth);

static void children_read(struct parse *b, struct bb_node *n, unsigned depth)
{
    struct bb_node **tail = &n->child, *key = NULL, *c;

    if (depth == BB_CONF_DEPTH_MAX) {
        bb_diag(b->d, BB_SEV_ERROR, bb_at(n), "nested deeper than %u levels", BB_CONF_DEPTH_MAX);
        b->stop = true;
    }
    while (!b->stop) {
        if (n->kind == BB_MAP && (!(key = node_read(b, depth + 1)) || key == &the_end))
            return;
        if (!(c = node_read(b, depth + 1)) || c == &the_end)
            return;
        if (key && !key_check(b, key))
            continue;
        c->key = key;
        if (key && bb_sounds_secret(key) && c->kind == BB_SCALAR)
            bb_node_mask(c);
        *tail = c;
        tail = &c->next;
        n->n++;
    }
}

/* The next value, &the_end at the end of a list or map, NULL when nothing more can be read. */
static struct bb_node *node_read(struct parse *b, unsigned depth)
{
    struct fy_event *e = b->stop ? NULL : fy_parser_parse(b->p);
    struct bb_node *n = NULL;

    if (!e)
        return NULL;
    switch (e->type) {
    case FYET_MAPPING_START:
        if ((n = node_new(b, BB_MAP, e->mapping_start.mapping_start)))
            refuse_marks(b, n, e->mapping_start.anchor, e->mapping_start.tag);
        break;
    case FYET_SEQUENCE_START:
        if ((n = node_new(b, BB_LIST, e->sequence_start.sequence_start)))
            refuse_marks(b, n, e->sequence_start.anchor, e->sequence_start.tag);
        break;
    case FYET_SCALAR:
        if ((n = scalar_new(b, e->scalar.value)))
            refuse_marks(b, n, e->scalar.anchor, e->scalar.tag);
        break;
    case FYET_ALIAS:
        if ((n = node_new(b, BB_BAD, e->alias.anchor))) {
            b->start = n->start -= n->start > 0; /* the mark is behind the star */
            refuse_marks(b, n, true, false);
        }
        break;
    default: /* the end of a list, map or document */
        n = &the_end;
        break;
    }
    fy_parser_event_free(b->p, e);
    if (n && (n->kind == BB_MAP || n->kind == BB_LIST))
        children_read(b, n, depth);
    return n;
}

/* The first document; another one is an error. */
static void documents_read(struct parse *b)
{
    struct fy_event *e;
    struct bb_node *n;
    unsigned documents = 0;

    while (!b->stop && (e = fy_parser_parse(b->p))) {
        if (e->type != FYET_DOCUMENT_START) {
            fy_parser_event_free(b->p, e);
            continue;
        }
        if (documents && (n = node_new(b, BB_BAD, e->document_start.document_start)))
            say(b, n, "a second document in one file: put it into a file of its own");
        fy_parser_event_free(b->p, e);
        if (documents++)
            b->stop = true;
        else if ((n = node_read(b, 0)) != &the_end)
            b->f->root = n;
    }
}

/* True when the line up to pos holds a variable: unquoted, its braces end a flow map. */
static bool has_variable(const struct bb_file *f, uint32_t pos)
{
    uint32_t i = pos < f->len ? pos : f->len;

    for (; i > 0 && f->text[i - 1] != '\n'; i--)
        if (f->text[i - 1] == '$' && f->text[i] == '{')
            return true;
    return false;
}

/* libfyaml's own findings, which it would print to stderr. */
static void syntax_errors(struct parse *b, struct fy_diag *fd)
{
    struct fy_diag_error *err;
    struct bb_span at = {.f = b->f};
    void *it = NULL;
    bool any = false;

    while ((err = fy_diag_errors_iterate(fd, &it))) {
        if (err->type < FYET_ERROR)
            continue;
        at.start = bb_file_pos(b->f, err->line > 0 ? (unsigned)err->line : 0,
                               err->column > 0 ? (unsigned)err->column : 0);
        at.end = at.start + 1;
        bb_diag(b->d, BB_SEV_ERROR, at, "not valid YAML: %s%s", err->msg,
                has_variable(b->f, at.start) ? " (inside {} and [], write \"${NAME}\" in quotes)"
                                             : "");
        any = true;
    }
    if (!any && !b->stop)
        bb_diag(b->d, BB_SEV_ERROR, BB_AT_NAME(b->f->name), "not valid YAML");
}

int bb_yaml_parse(struct bb_file *f, struct bb_diags *d)
{
    struct fy_diag_cfg dc;
    struct fy_parse_cfg pc = {.flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE};
    struct parse b = {.f = f, .d = d};
    struct bb_span bad = {.f = f};
    const char *nul = memchr(f->text, 0, f->len);

    bad.start = (uint32_t)(nul ? nul - f->text : (long)bb_utf8_check(f->text, f->len));
    bad.end = bad.start + 1;
    if (bad.start < f->len) { /* libfyaml drops some of it without a word */
        bb_diag(d, BB_SEV_ERROR, bad,
                nul ? "a NUL byte: this is not a text file"
                    : "not UTF-8 from here on: save the file as UTF-8");
        return -1;
    }
    fy_diag_cfg_default(&dc);
    dc.fp = NULL; /* nothing of libfyaml's reaches the terminal */
    dc.level = FYET_ERROR;
    if ((pc.diag = fy_diag_create(&dc))) {
        fy_diag_set_collect_errors(pc.diag, true);
        b.p = fy_parser_create(&pc);
    }
    if (b.p && fy_parser_set_string(b.p, f->text, f->len) == 0) {
        documents_read(&b);
        if (fy_parser_get_stream_error(b.p) || fy_diag_got_error(pc.diag))
            syntax_errors(&b, pc.diag);
        else
            f->parsed = !b.stop;
    } else {
        f->arena->failed = true;
    }
    if (b.p)
        fy_parser_destroy(b.p);
    if (pc.diag)
        fy_diag_destroy(pc.diag);
    if (!f->parsed && f->arena->failed)
        bb_diag(d, BB_SEV_ERROR, BB_AT_NAME(f->name), "not enough memory to read this file");
    if (!f->parsed)
        f->root = NULL;
    return f->parsed ? 0 : -1;
}

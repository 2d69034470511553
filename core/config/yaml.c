/*
 * yaml.c - one file of conf.d as a tree that knows its places
 *
 * libfyaml's event parser does the grammar; the tree is ours. Why not its documents: it expands
 * aliases without bound, ignores documents after the first, keeps quiet about empty input, and
 * places a null or a block badly. Here an alias is refused where it stands, a second document is
 * an error, and every node has the byte range of its text, from which line, column and caret come.
 *
 * Thread: the loader's. Memory: the arena; libfyaml's own is gone when bb_yaml_parse() returns.
 * Invariants: a map holds only pairs whose key is text; n of a BB_Y_BAD node is 0; depth and the
 * number of nodes are bounded while reading, so memory is too.
 */
#include "core/config/internal.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct frame { /* an open list or map */
    struct bb_ynode *node;
    struct bb_ynode *key; /* map: the key whose value comes next */
    size_t cap;
    bool drop; /* that key was refused: its value goes nowhere */
};
struct builder {
    struct bb_yfile *f;
    struct bb_arena *a;
    struct bb_diags *d;
    struct frame stack[BB_CONF_DEPTH_MAX];
    unsigned depth, documents;
    size_t nodes;
    uint32_t last_start, last_end; /* place of the newest token, for values that have none */
    bool told_alias, stop;
};

bool bb_ynode_is_null(const struct bb_ynode *n)
{
    return n->kind == BB_Y_SCALAR && !n->quoted && !n->expanded &&
           bb_core_kind(n->text, n->len) == BB_CORE_NULL;
}

struct bb_ynode *bb_ynode_get(const struct bb_ynode *map, const char *key)
{
    size_t i;

    if (!map || map->kind != BB_Y_MAP)
        return NULL;
    for (i = 0; i < map->n; i++)
        if (strcmp(map->pairs[i].key->text, key) == 0)
            return map->pairs[i].value;
    return NULL;
}

const char *bb_ynode_noun(const struct bb_ynode *n)
{
    switch (n->kind) {
    case BB_Y_SEQ:
        return "a list";
    case BB_Y_MAP:
        return "a map";
    default:
        break;
    }
    if (n->quoted || n->expanded)
        return "a text";
    switch (bb_core_kind(n->text, n->len)) {
    case BB_CORE_NULL:
        return "nothing";
    case BB_CORE_BOOL:
        return "true or false";
    case BB_CORE_INT:
    case BB_CORE_NUMBER:
        return "a number";
    default:
        return "a text";
    }
}

struct bb_shown bb_ynode_shown(const struct bb_ynode *n)
{
    struct bb_shown s = {""};
    const char *p = n->text ? n->text : "";
    size_t len = n->text ? n->len : 0;

    if (n->file && n->kind == BB_Y_SCALAR && n->end > n->start) { /* never an expanded value */
        p = n->file->text + n->start;
        len = n->end - n->start;
        if (n->quoted && len >= 2 && (*p == '"' || *p == '\'')) {
            p++;
            len -= 2;
        }
    }
    if (len > 60) {
        for (len = 57; len && ((unsigned char)p[len] & 0xc0) == 0x80;)
            len--;
        memcpy(s.text + len, "...", 4);
    }
    memcpy(s.text, p, len);
    return s;
}

bool bb_text_sounds_secret(const char *text, size_t len)
{
    static const char *const words[] = {"passw",   "passphrase", "secret",  "token", "credential",
                                        "private", "apikey",     "api_key", "api-key",
                                        "bearer",  "authorization", "whsec_"};
    size_t i, k, w;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        w = strlen(words[i]);
        for (k = 0; k + w <= len; k++)
            if (strncasecmp(text + k, words[i], w) == 0)
                return true;
    }
    return false;
}

/* A key that by its name holds something private: its value is kept out of excerpts even before
 * a connector's schema says so. */
static bool key_sounds_secret(const char *key, size_t len)
{
    static const char *const places[] = {"url", "uri", "file", "path", "name", "endpoint"};
    size_t i, w;

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        w = strlen(places[i]);
        if (len > w && strncasecmp(key + len - w, places[i], w) == 0)
            return false;
    }
    return bb_text_sounds_secret(key, len);
}

void bb_yfile_mask(struct bb_yfile *f, const struct bb_ynode *n)
{
    size_t i;
    struct bb_mask *v;

    if (!f || n->end <= n->start)
        return;
    for (i = 0; i < f->n_masks; i++)
        if (f->masks[i].start == n->start && f->masks[i].end == n->end)
            return;
    v = bb_arena_grow(f->arena, f->masks, f->n_masks, &f->cap_masks, sizeof(*v));
    if (!v)
        return;
    f->masks = v;
    v[f->n_masks].start = n->start;
    v[f->n_masks++].end = n->end;
}

/* A new node at tok, or at the newest token when it has none (a value left out). */
static struct bb_ynode *node_new(struct builder *b, enum bb_ykind kind, struct fy_token *tok)
{
    const struct fy_mark *s = tok ? fy_token_start_mark(tok) : NULL;
    const struct fy_mark *e = tok ? fy_token_end_mark(tok) : NULL;
    struct bb_ynode *n;

    if (++b->nodes > BB_CONF_NODES_MAX) {
        bb_diag_plain(b->d, BB_SEV_ERROR, b->f->name, "more than %u values in one file: split it",
                      BB_CONF_NODES_MAX);
        b->stop = true;
        return NULL;
    }
    if (!(n = bb_arena_get(b->a, sizeof(*n)))) {
        b->stop = true;
        return NULL;
    }
    n->kind = kind;
    n->file = b->f;
    n->text = "";
    n->at = n;
    n->start = s && s->input_pos <= b->f->len ? (uint32_t)s->input_pos : b->last_start;
    n->end = e && e->input_pos <= b->f->len ? (uint32_t)e->input_pos : b->last_end;
    return n;
}

static void place_keep(struct builder *b, const struct bb_ynode *n)
{
    b->last_start = n->start;
    b->last_end = n->end;
}

static struct bb_ynode *scalar_new(struct builder *b, struct fy_token *tok)
{
    struct bb_ynode *n = node_new(b, BB_Y_SCALAR, tok);
    const char *text;
    size_t len = 0;

    if (!n || !tok)
        return n;
    n->quoted = fy_token_scalar_style(tok) != FYSS_PLAIN;
    switch (fy_token_scalar_style(tok)) {
    case FYSS_SINGLE_QUOTED:
    case FYSS_DOUBLE_QUOTED: /* the marks are inside the quotes */
        n->start -= n->start > 0;
        n->end += n->end < b->f->len;
        break;
    default:
        break;
    }
    text = fy_token_get_text(tok, &len);
    if (!text || !(n->text = bb_arena_str(b->a, text, len))) {
        b->stop = true;
        return NULL;
    }
    n->len = (uint32_t)len;
    place_keep(b, n);
    if (memchr(text, 0, len)) {
        bb_diag_node(b->d, BB_SEV_ERROR, n, "a text may not hold a NUL character");
        n->kind = BB_Y_BAD;
    }
    return n;
}

/* Reports what YAML allows and conf.d does not; true when the node is to be forgotten. */
static bool refuse_marks(struct builder *b, struct bb_ynode *n, struct fy_token *anchor,
                         struct fy_token *tag)
{
    const struct frame *fr;
    unsigned i;

    for (i = 0; (anchor || tag) && n->kind == BB_Y_SCALAR && i < b->depth; i++) {
        fr = &b->stack[i];
        if (fr->key && key_sounds_secret(fr->key->text, fr->key->len))
            bb_yfile_mask(b->f, n); /* it is shown before it is filed under its key */
    }
    if (anchor && !b->told_alias) {
        b->told_alias = true;
        bb_diag_node(b->d, BB_SEV_ERROR, n,
                     "anchors and aliases (&name, *name) are not supported: write the value out");
    }
    if (!tag)
        return false;
    bb_diag_node(b->d, BB_SEV_ERROR, n,
                 "tags (!name) are not supported: put a text in quotes, write the rest plain");
    return true;
}

/* The key just read, or NULL when nothing can be filed under it. */
static struct bb_ynode *key_check(struct builder *b, struct bb_ynode *n)
{
    if (n->kind == BB_Y_BAD)
        return NULL;
    if (n->kind != BB_Y_SCALAR || bb_ynode_is_null(n)) {
        bb_diag_node(b->d, BB_SEV_ERROR, n, "a key must be a text, not %s", bb_ynode_noun(n));
        return NULL;
    }
    if (!n->quoted && strcmp(n->text, "<<") == 0) {
        bb_diag_node(b->d, BB_SEV_ERROR, n,
                     "merge keys (<<) are not supported: write the keys out");
        return NULL;
    }
    return n;
}

static void pair_add(struct builder *b, struct frame *fr, struct bb_ynode *value)
{
    struct bb_ynode *map = fr->node, *key = fr->key;
    struct bb_ypair *v = bb_arena_grow(b->a, map->pairs, map->n, &fr->cap, sizeof(*v));

    if (!v) {
        b->stop = true;
        return;
    }
    if (value->kind != BB_Y_SCALAR || bb_ynode_is_null(value))
        value->at = key;
    else if (key_sounds_secret(key->text, key->len))
        bb_yfile_mask(b->f, value);
    map->pairs = v;
    v[map->n].key = key;
    v[map->n].value = value;
    v[map->n++].first = NULL;
}

/* Files a finished node under what is open. */
static void node_attach(struct builder *b, struct bb_ynode *n)
{
    struct frame *fr = b->depth ? &b->stack[b->depth - 1] : NULL;
    struct bb_ynode **items;

    if (!fr) {
        b->f->root = n;
        return;
    }
    if (fr->node->kind == BB_Y_SEQ) {
        if (!(items = bb_arena_grow(b->a, fr->node->items, fr->node->n, &fr->cap,
                                    sizeof(struct bb_ynode *)))) {
            b->stop = true;
            return;
        }
        if (n->kind == BB_Y_MAP && n->n) /* a block map's own mark underlines its neighbour */
            n->at = n->pairs[0].key;
        fr->node->items = items;
        items[fr->node->n++] = n;
        return;
    }
    if (!fr->key && !fr->drop) {
        fr->key = key_check(b, n);
        fr->drop = !fr->key;
        return;
    }
    if (!fr->drop)
        pair_add(b, fr, n);
    fr->key = NULL;
    fr->drop = false;
}

static void open_node(struct builder *b, enum bb_ykind kind, struct fy_token *tok,
                      struct fy_token *anchor, struct fy_token *tag)
{
    struct bb_ynode *n = node_new(b, kind, tok);

    if (!n)
        return;
    place_keep(b, n);
    (void)refuse_marks(b, n, anchor, tag);
    if (b->depth == BB_CONF_DEPTH_MAX) {
        bb_diag_node(b->d, BB_SEV_ERROR, n, "nested deeper than %u levels", BB_CONF_DEPTH_MAX);
        b->stop = true;
        return;
    }
    b->stack[b->depth++] = (struct frame){.node = n};
}

/* Marks a key that came before in the same map: the loader words the report. */
static void map_duplicates(struct builder *b, struct bb_ynode *map)
{
    struct bb_names seen = {0};
    size_t i, k;

    for (i = 0; i < map->n; i++) {
        if (map->n > 8) {
            map->pairs[i].first =
                bb_names_add(&seen, b->a, map->pairs[i].key->text, map->pairs[i].key);
            continue;
        }
        for (k = 0; k < i && !map->pairs[i].first; k++)
            if (strcmp(map->pairs[k].key->text, map->pairs[i].key->text) == 0)
                map->pairs[i].first = map->pairs[k].key;
    }
}

static void close_node(struct builder *b)
{
    struct bb_ynode *n;

    if (!b->depth) /* cannot be: the parser pairs its events */
        return;
    n = b->stack[--b->depth].node;
    if (n->kind == BB_Y_MAP)
        map_duplicates(b, n);
    node_attach(b, n);
}

static void take_scalar(struct builder *b, struct fy_event *e)
{
    struct bb_ynode *n = scalar_new(b, e->scalar.value);

    if (!n)
        return;
    if (refuse_marks(b, n, e->scalar.anchor, e->scalar.tag))
        n->kind = BB_Y_BAD;
    node_attach(b, n);
}

static void take_event(struct builder *b, struct fy_event *e)
{
    struct bb_ynode *n;

    switch (e->type) {
    case FYET_DOCUMENT_START:
        if (b->documents++) {
            n = node_new(b, BB_Y_BAD, e->document_start.document_start);
            if (n)
                bb_diag_node(b->d, BB_SEV_ERROR, n,
                             "a second document in one file: put it into a file of its own");
            b->stop = true;
        }
        break;
    case FYET_MAPPING_START:
        open_node(b, BB_Y_MAP, e->mapping_start.mapping_start, e->mapping_start.anchor,
                  e->mapping_start.tag);
        break;
    case FYET_SEQUENCE_START:
        open_node(b, BB_Y_SEQ, e->sequence_start.sequence_start, e->sequence_start.anchor,
                  e->sequence_start.tag);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        close_node(b);
        break;
    case FYET_SCALAR:
        take_scalar(b, e);
        break;
    case FYET_ALIAS:
        if (!(n = node_new(b, BB_Y_BAD, e->alias.anchor)))
            break;
        n->start -= n->start > 0; /* the mark is behind the star */
        place_keep(b, n);
        (void)refuse_marks(b, n, e->alias.anchor, NULL);
        node_attach(b, n);
        break;
    default:
        break;
    }
}

/* True when the line up to pos holds a variable: unquoted, its braces end a flow map. */
static bool has_variable(const struct bb_yfile *f, uint32_t pos)
{
    uint32_t i = pos < f->len ? pos : f->len;

    for (; i > 0 && f->text[i - 1] != '\n'; i--)
        if (f->text[i - 1] == '$' && i < f->len && f->text[i] == '{')
            return true;
    return false;
}

/* libfyaml's own findings, which it would print to stderr. */
static void syntax_errors(struct builder *b, struct fy_diag *fd)
{
    struct bb_yfile *f = b->f;
    struct fy_diag_error *err;
    void *it = NULL;
    uint32_t pos;
    int col;
    bool any = false;

    while ((err = fy_diag_errors_iterate(fd, &it))) {
        if (err->type < FYET_ERROR)
            continue;
        pos = f->len;
        if (err->line >= 1 && (size_t)err->line <= f->n_lines) {
            pos = f->lines[err->line - 1];
            for (col = 1; col < err->column && pos < f->len && f->text[pos] != '\n'; col++)
                for (pos++; pos < f->len && ((unsigned char)f->text[pos] & 0xc0) == 0x80;)
                    pos++;
        }
        bb_diag_bytes(b->d, BB_SEV_ERROR, f, pos, pos + 1, "not valid YAML: %s%s", err->msg,
                      has_variable(f, pos) ? " (inside {} and [], write \"${NAME}\" in quotes)"
                                           : "");
        any = true;
    }
    if (!any && !b->stop)
        bb_diag_plain(b->d, BB_SEV_ERROR, f->name, "not valid YAML");
}

int bb_yaml_parse(struct bb_yfile *f, struct bb_arena *a, struct bb_diags *d)
{
    struct fy_diag_cfg dc;
    struct fy_parse_cfg pc = {.flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE};
    struct fy_diag *fd = NULL;
    struct fy_parser *p = NULL;
    struct fy_event *e;
    struct builder *b = bb_arena_get(a, sizeof(*b));
    size_t bad = bb_utf8_fault(f->text, f->len);
    int rc = -1;

    if (bad != f->len) { /* libfyaml drops some of it without a word */
        bb_diag_bytes(d, BB_SEV_ERROR, f, (uint32_t)bad, (uint32_t)bad + 1, "%s",
                      f->text[bad] ? "not UTF-8 from here on: save the file as UTF-8"
                                   : "a NUL byte: this is not a text file");
        return -1;
    }
    fy_diag_cfg_default(&dc);
    dc.fp = NULL; /* nothing of libfyaml's reaches the terminal */
    dc.level = FYET_ERROR;
    if (!b || !(fd = fy_diag_create(&dc)))
        goto done;
    b->f = f;
    b->a = a;
    b->d = d;
    fy_diag_set_collect_errors(fd, true);
    pc.diag = fd;
    if (!(p = fy_parser_create(&pc)) || fy_parser_set_string(p, f->text, f->len) != 0)
        goto done;
    while (!b->stop && (e = fy_parser_parse(p))) {
        take_event(b, e);
        fy_parser_event_free(p, e);
    }
    if (fy_parser_get_stream_error(p) || fy_diag_got_error(fd))
        syntax_errors(b, fd);
    else if (!b->stop)
        rc = 0;
    if (b->depth)
        rc = -1;
done:
    if (rc != 0)
        f->root = NULL;
    f->parsed = rc == 0;
    if (p)
        fy_parser_destroy(p);
    if (fd)
        fy_diag_destroy(fd);
    if (rc != 0 && (!b || !fd || !p || a->failed))
        bb_diag_plain(d, BB_SEV_ERROR, f->name, "not enough memory to read this file");
    return rc;
}

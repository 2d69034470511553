/*
 * lookup.c - the rule lookup: a value by its key in a table
 *
 * A table stands in the rule or in a file, in one of three shapes: a map {ST: H87}, a list of maps
 * [{sap: ST, rec20: H87}], or rows of texts with the header first, which is what a CSV file gives. It
 * is compiled into a hash of keys (texts; a number is its text) to msgpack values.
 *
 * Thread: any. Ownership: a table owns one block with its keys and values.
 */
#include "core/transform/map/map.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 4
#define KEY_BYTES 1024 /* of all parts of a key, with their lengths */

struct names { /* columns */
    char *v[KEYS_MAX];
    uint32_t n;
};
struct slot {
    uint32_t hash, row; /* row from 1; 0: empty */
    size_t key, value;  /* places in the block */
    uint32_t key_len, value_len;
};
struct table {
    struct slot *slots;
    uint32_t cap, n; /* cap a power of two */
    struct bb_buf block;
};
enum { MISS_REJECT, MISS_SKIP, MISS_KEEP, MISS_NOTHING, MISSES };
static const char *const miss_names[MISSES] = {"reject", "skip", "keep", "nothing"};

struct froms {
    struct bb_path v[KEYS_MAX];
    uint32_t n;
};
struct source { /* of the table, until check() */
    struct bb_bytes value;
    const char *file;
};
struct lookup {
    struct bb_rule head;
    struct froms from;
    struct bb_path to;
    struct source source;
    struct names key, column;
    struct bb_bytes otherwise; /* "default" */
    uint32_t on_miss; /* plus one */
    int optional;
    struct table table;
};

/* ---- arguments ------------------------------------------------------------------------------------- */
static int froms_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct froms *f = member;
    struct bb_bytes one;
    struct bb_cur c;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(v, BB_T_ARRAY, &c, &n)) {
        f->n = 1;
        return bb_arg_from.read(m, a, v, &f->v[0]);
    }
    if (n == 0 || n > KEYS_MAX)
        return bb_compile_say(m->c, "takes a pointer or 1 to %d of them", KEYS_MAX);
    for (uint32_t k = 0; k < n; k++) {
        bb_compile_down_n(m->c, k);
        rc |= bb_cur_value(&c, &one) == 0 ? bb_arg_from.read(m, a, one, &f->v[f->n++]) : -1;
        bb_compile_up(m->c);
    }
    return rc;
}

static void froms_free(void *member)
{
    struct froms *f = member;

    for (uint32_t k = 0; k < f->n; k++)
        bb_path_free(&f->v[k]);
}

static void froms_paths(const void *member, bb_path_visit visit, void *arg)
{
    const struct froms *f = member;

    for (uint32_t k = 0; k < f->n; k++)
        visit(arg, &f->v[k], BB_READS);
}
static const struct bb_arg_kind arg_froms = {froms_read, froms_free, froms_paths};

static int names_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct names *names = member;
    struct bb_bytes one = v, s;
    struct bb_cur c;
    uint32_t n;

    if (!bb_group_of(v, BB_T_ARRAY, &c, &n)) {
        c = bb_cur_of(v);
        n = 1;
    }
    if (n == 0 || n > KEYS_MAX)
        return bb_compile_say(m->c, "takes the name of a column, or 1 to %d of them", KEYS_MAX);
    while (n--) {
        if (bb_cur_value(&c, &one) != 0 || bb_as_str(one, &s) != 1 || memchr(s.ptr, 0, s.len))
            return bb_compile_say(m->c, "must be the name of a column, a text");
        names->v[names->n] = strndup(s.ptr, s.len);
        if (!names->v[names->n++])
            return bb_compile_say(m->c, "out of memory");
    }
    return names->n > 1 && strcmp(a->name, "value") == 0
               ? bb_compile_say(m->c, "must be the name of one column") : 0;
}

static void names_free(void *member)
{
    struct names *names = member;

    for (uint32_t k = 0; k < names->n; k++)
        free(names->v[k]);
}
static const struct bb_arg_kind arg_names = {names_read, names_free, NULL};

static int source_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct source *s = member;
    struct bb_bytes text;

    (void)a;
    s->value = v;
    return bb_as_str(v, &text) == 1 ? bb_compile_file(m->c, v, &s->value, &s->file) : 0;
}
static const struct bb_arg_kind arg_source = {source_read, NULL, NULL};

static int miss_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_bytes s = {"", 0};
    uint32_t k;

    (void)a;
    bb_as_str(v, &s);
    k = bb_word_of(s, miss_names, MISSES);
    *(uint32_t *)member = k + 1;
    return k < MISSES ? 0 : bb_compile_unknown(m->c, "word", s, miss_names, MISSES);
}
static const struct bb_arg_kind arg_miss = {miss_read, NULL, NULL};

static const struct bb_arg lookup_args[] = {
    {"from", &arg_froms, offsetof(struct lookup, from), true},
    {"to", &bb_arg_to, offsetof(struct lookup, to), false},
    {"table", &arg_source, offsetof(struct lookup, source), true},
    {"key", &arg_names, offsetof(struct lookup, key), false},
    {"value", &arg_names, offsetof(struct lookup, column), false},
    {"on_miss", &arg_miss, offsetof(struct lookup, on_miss), false},
    {"default", &bb_arg_value, offsetof(struct lookup, otherwise), false},
    {"optional", &bb_arg_truth, offsetof(struct lookup, optional), false},
    {NULL, NULL, 0, false}};

/* ---- the table ------------------------------------------------------------------------------------- */
struct key {
    uint32_t len;
    uint8_t bytes[KEY_BYTES];
};

/* Adds a part to a key: false: it is no text or number, or too long. */
static bool key_add(struct key *k, const struct bb_tok *t)
{
    struct bb_bytes text;
    char small[32];
    uint32_t len;

    if (!bb_scalar_text(t, small, &text) || text.len > KEY_BYTES - 4 - k->len || k->len + 4 > KEY_BYTES)
        return false;
    len = (uint32_t)text.len;
    memcpy(k->bytes + k->len, &len, 4);
    memcpy(k->bytes + k->len + 4, text.ptr, len);
    k->len += 4 + len;
    return true;
}

static uint32_t key_hash(const struct key *k)
{
    uint32_t h = 2166136261u;

    for (uint32_t i = 0; i < k->len; i++)
        h = (h ^ k->bytes[i]) * 16777619u;
    return h;
}

/* The key's slot, or the empty one where it would be. */
static struct slot *slot_of(const struct table *t, const struct key *k, uint32_t hash)
{
    uint32_t i = hash & (t->cap - 1);

    while (t->slots[i].row &&
           (t->slots[i].hash != hash || t->slots[i].key_len != k->len ||
            memcmp(t->block.ptr + t->slots[i].key, k->bytes, k->len) != 0))
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

static int table_room(struct bb_map_compile *m, struct table *t, uint32_t n)
{
    for (t->cap = 16; t->cap / 2 < n; t->cap *= 2)
        ;
    t->slots = calloc(t->cap, sizeof *t->slots);
    bb_buf_init(&t->block, 4u * BB_PROGRAM_MAX);
    return t->slots ? 0 : bb_compile_say(m->c, "out of memory");
}

/* row: as people count, from 1. */
static int table_add(struct bb_map_compile *m, struct table *t, const struct key *k, struct bb_bytes v,
                     uint32_t row)
{
    uint32_t hash = key_hash(k);
    struct slot *s = slot_of(t, k, hash);

    if (s->row && s->value_len == v.len && memcmp(t->block.ptr + s->value, v.ptr, v.len) == 0)
        return 0; /* said again */
    if (s->row)
        return bb_compile_say(m->c, "the key \"%.*s\" is in row %u already, with another value",
                              (int)(k->len - 4 < 40 ? k->len - 4 : 40), (const char *)k->bytes + 4, s->row);
    *s = (struct slot){hash, row, t->block.len, t->block.len + k->len, k->len, (uint32_t)v.len};
    bb_buf_put(&t->block, k->bytes, k->len);
    bb_buf_put(&t->block, v.ptr, v.len);
    t->n++;
    return t->block.failed ? bb_compile_say(m->c, "the table is too large") : 0;
}

/* {ST: H87} */
static int map_read(struct bb_map_compile *m, struct lookup *p)
{
    struct bb_bytes name, v;
    struct bb_cur c;
    uint32_t n;
    int rc = 0;

    if (p->key.n || p->column.n)
        return bb_compile_say(m->c, "a table that is a map has no columns to name");
    if (!bb_group_of(p->source.value, BB_T_MAP, &c, &n) || table_room(m, &p->table, n) != 0)
        return -1;
    for (uint32_t k = 0; k < n && rc == 0; k++) {
        struct key key = {0};
        struct bb_tok t = {.kind = BB_T_STR};

        if (bb_pair_next(&c, &name, &v) != 0)
            return bb_compile_say(m->c, "damaged configuration");
        t.s = name;
        bb_compile_down(m->c, name);
        rc = !key_add(&key, &t) ? bb_compile_say(m->c, "the key is too long")
                                : table_add(m, &p->table, &key, v, k + 1);
        bb_compile_up(m->c);
    }
    return rc;
}

int bb_table_cell(struct bb_bytes row, struct bb_bytes header, const char *name, struct bb_bytes *v)
{
    struct bb_cur c, h;
    struct bb_bytes title;
    uint32_t n, k;

    if (!header.ptr)
        return bb_map_get(row, name, v) == 1;
    if (!bb_group_of(row, BB_T_ARRAY, &c, &n) || !bb_group_of(header, BB_T_ARRAY, &h, &k))
        return 0;
    for (n = n < k ? n : k; n; n--) {
        struct bb_bytes s;

        if (bb_cur_value(&c, v) != 0 || bb_cur_value(&h, &title) != 0)
            return 0;
        if (bb_as_str(title, &s) == 1 && bb_bytes_are(s, name))
            return 1;
    }
    return 0;
}

static int row_read(struct bb_map_compile *m, struct lookup *p, struct bb_bytes row,
                    struct bb_bytes header, uint32_t n)
{
    struct key key = {0};
    struct bb_bytes v;
    struct bb_tok t;

    for (uint32_t k = 0; k < p->key.n; k++) {
        if (!bb_table_cell(row, header, p->key.v[k], &v))
            return bb_compile_say(m->c, "the row has no \"%s\"", p->key.v[k]);
        if (!bb_scalar_of(v, &t) || !key_add(&key, &t))
            return bb_compile_say(m->c, "\"%s\" is no text or number, or is too long", p->key.v[k]);
    }
    if (!bb_table_cell(row, header, p->column.v[0], &v))
        return bb_compile_say(m->c, "the row has no \"%s\"", p->column.v[0]);
    return table_add(m, &p->table, &key, v, n);
}

/* The names of the columns: of the header, or of the first row's keys. */
static uint32_t titles_of(struct bb_bytes first, struct bb_bytes titles[64])
{
    struct bb_bytes v;
    struct bb_cur c;
    uint32_t n, k = 0;

    if (bb_group_of(first, BB_T_MAP, &c, &n)) {
        while (k < n && k < 64 && bb_pair_next(&c, &titles[k], &v) == 0)
            k++;
    } else if (bb_group_of(first, BB_T_ARRAY, &c, &n)) {
        while (k < n && k < 64 && bb_cur_value(&c, &v) == 0 && bb_as_str(v, &titles[k]) == 1)
            k++;
    }
    return k;
}

/* Whether the table has these columns; first and second stand for none. */
static int names_check(struct bb_map_compile *m, struct names *names, const char *arg, uint32_t otherwise,
                       const struct bb_bytes *titles, uint32_t n)
{
    char text[64][64];
    const char *list[64];
    int rc = 0;

    if (!names->n && otherwise >= n)
        return bb_compile_say_at(m->c, "table", "the table has %u column%s, two are needed", n,
                                 n == 1 ? "" : "s");
    if (!names->n) {
        names->v[0] = strndup(titles[otherwise].ptr, titles[otherwise].len);
        names->n = names->v[0] ? 1 : 0;
        return names->n ? 0 : bb_compile_say(m->c, "out of memory");
    }
    for (uint32_t k = 0; k < n; k++) {
        snprintf(text[k], sizeof text[k], "%.*s", (int)(titles[k].len < 60 ? titles[k].len : 60),
                 (const char *)titles[k].ptr);
        list[k] = text[k];
    }
    for (uint32_t k = 0; k < names->n; k++) {
        struct bb_bytes s = {names->v[k], strlen(names->v[k])};

        if (bb_word_of(s, list, n) < n)
            continue;
        bb_compile_down(m->c, (struct bb_bytes){arg, strlen(arg)});
        rc = bb_compile_unknown(m->c, "column", s, list, n);
        bb_compile_up(m->c);
    }
    return rc;
}

static int rows_read(struct bb_map_compile *m, struct lookup *p)
{
    struct bb_compile_place before;
    struct bb_bytes row = {NULL, 0}, header = {NULL, 0}, titles[64];
    struct bb_cur c, in;
    uint32_t n, k = 0, n_titles;
    int rc = 0;

    if (!bb_group_of(p->source.value, BB_T_ARRAY, &c, &n) || n == 0 || bb_cur_value(&c, &row) != 0)
        return bb_compile_say_at(m->c, "table", "takes a map {key: value}, a list of maps, or the name of "
                                                "a .csv or .yaml file, none of them empty");
    n_titles = titles_of(row, titles);
    if (names_check(m, &p->key, "key", 0, titles, n_titles) != 0 ||
        names_check(m, &p->column, "value", 1, titles, n_titles) != 0)
        return -1;
    before = bb_compile_enter(m->c, p->source.file ? p->source.file : m->c->file);
    if (!p->source.file) {
        m->c->base = before.base;
        bb_compile_down(m->c, (struct bb_bytes){"table", 5});
    }
    if (bb_group_of(row, BB_T_ARRAY, &in, &k))
        header = row;
    rc = table_room(m, &p->table, n);
    for (k = header.ptr ? 1 : 0; k < n && rc == 0; k++) {
        if (k && bb_cur_value(&c, &row) != 0)
            row = (struct bb_bytes){NULL, 0};
        bb_compile_down_n(m->c, k);
        rc = row_read(m, p, row, header, k + 1);
        bb_compile_up(m->c);
    }
    bb_compile_leave(m->c, before);
    return rc;
}

static int lookup_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct lookup *p = (struct lookup *)r;
    struct bb_compile_place before = bb_compile_enter(m->c, m->c->file);
    struct bb_cur c;
    uint32_t n;
    int rc;

    m->c->base = before.base;
    if (p->otherwise.ptr && p->on_miss)
        return bb_compile_say_at(m->c, "default", "on_miss says what happens already: one of the two");
    if (p->from.n == 1 && bb_to_default(m, &p->from.v[0], &p->to) != 0)
        return -1;
    if (!p->to.pointer)
        return bb_compile_say(m->c, "lookup with several keys needs \"to\"");
    if (p->on_miss == MISS_KEEP + 1 && p->from.n > 1)
        return bb_compile_say_at(m->c, "on_miss", "several keys cannot be kept as one value");
    if (bb_group_of(p->source.value, BB_T_MAP, &c, &n)) {
        if (p->source.file) {
            bb_compile_leave(m->c, before);
            before = bb_compile_enter(m->c, p->source.file);
        } else {
            bb_compile_down(m->c, (struct bb_bytes){"table", 5});
        }
        rc = map_read(m, p);
        bb_compile_leave(m->c, before);
    } else {
        rc = rows_read(m, p);
    }
    if (rc == 0 && p->key.n && p->key.n != p->from.n)
        rc = bb_compile_say(m->c, "%u pointers in \"from\" and %u columns in \"key\"", p->from.n, p->key.n);
    m->map->deepens = true;
    m->map->grows += 64;
    p->source = (struct source){{NULL, 0}, NULL}; /* it does not outlive the compile */
    return rc;
}

/* ---- looking up ------------------------------------------------------------------------------------ */
static bb_status missed(struct bb_work *w, const struct lookup *p, const struct key *key)
{
    char why[100];

    switch (p->on_miss ? p->on_miss - 1 : p->otherwise.ptr ? MISSES : MISS_REJECT) {
    case MISSES:
        return bb_work_put_value(w, &p->to, p->otherwise, &p->from.v[0]);
    case MISS_NOTHING:
        return BB_OK;
    case MISS_KEEP: {
        struct bb_span copy = {0};
        bb_status s;
        struct bb_span **link = bb_work_find(w, &p->from.v[0], true, &s);

        if (!link)
            return s;
        bb_span_move(&copy, *link);
        return bb_work_put(w, &p->to, &copy, &p->from.v[0]);
    }
    default:
        break;
    }
    snprintf(why, sizeof why, "\"%.*s\" is not in the table",
             key->len < 4 ? 0 : (int)(key->len - 4 < 40 ? key->len - 4 : 40), (const char *)key->bytes + 4);
    (void)bb_work_reject(w, why, &p->from.v[0]);
    return p->on_miss == MISS_SKIP + 1 ? BB_E_CANCEL : BB_E_REJECT;
}

static bb_status lookup_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct lookup *p = (const struct lookup *)r;
    const struct slot *slot;
    struct key key;
    bool long_key = false;
    bb_status s;

    key.len = 0;
    for (uint32_t k = 0; k < p->from.n; k++) {
        struct bb_tok t;
        struct bb_span **link = bb_work_find(w, &p->from.v[k], !p->optional, &s);

        if (!link)
            return s;
        if (bb_span_scalar(*link, &t) && t.kind == BB_T_NIL && p->optional)
            return BB_OK;
        if (!bb_span_scalar(*link, &t) || t.kind == BB_T_NIL)
            return bb_work_reject(w, "a text or a number is needed, there is something else",
                                  &p->from.v[k]);
        long_key |= !key_add(&key, &t);
    }
    slot = long_key ? NULL : slot_of(&p->table, &key, key_hash(&key));
    if (!slot || !slot->row)
        return missed(w, p, &key);
    return bb_work_put_value(w, &p->to, (struct bb_bytes){p->table.block.ptr + slot->value, slot->value_len},
                             &p->from.v[0]);
}

static void lookup_free(struct bb_rule *r)
{
    struct lookup *p = (struct lookup *)r;

    free(p->table.slots);
    bb_buf_free(&p->table.block);
}

static bool lookup_maybe(const struct bb_rule *r)
{
    return ((const struct lookup *)r)->on_miss == MISS_NOTHING + 1;
}

const struct bb_rule_ops bb_rule_lookup = {
    .name = "lookup", .size = sizeof(struct lookup), .args = lookup_args, .check = lookup_check,
    .run = lookup_run, .free = lookup_free, .maybe = lookup_maybe};

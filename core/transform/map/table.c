/*
 * table.c - tables for lookups
 *
 * A table stands in the rule or in a file, in one of three shapes: a map {ST: H87}, a list of maps
 * [{sap: ST, rec20: H87}], or rows of texts with the header first, which is what a CSV file gives. It
 * is compiled into a hash of keys (texts; a number is its text) to msgpack values.
 *
 * Thread: any. Ownership: a table owns one block with its keys and values.
 */
#include "core/transform/map/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bb_table_slot {
    uint32_t hash, row; /* row from 1; 0: empty */
    size_t key, value;  /* places in the block */
    uint32_t key_len, value_len;
};

/* ---- arguments ------------------------------------------------------------------------------------- */
static int names_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_columns *names = member;
    struct bb_bytes one = v, s;
    struct bb_cur c;
    uint32_t n;

    if (!bb_group_of(v, BB_T_ARRAY, &c, &n)) {
        c = bb_cur_of(v);
        n = 1;
    }
    if (n == 0 || n > BB_KEYS_MAX)
        return bb_compile_say(m->c, "takes the name of a column, or 1 to %d of them", BB_KEYS_MAX);
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
    struct bb_columns *names = member;

    for (uint32_t k = 0; k < names->n; k++)
        free(names->v[k]);
}
const struct bb_arg_kind bb_arg_columns = {names_read, names_free, NULL};

static int source_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_table_source *s = member;
    struct bb_bytes text;

    (void)a;
    s->value = v;
    return bb_as_str(v, &text) == 1 ? bb_compile_file(m->c, v, &s->value, &s->file) : 0;
}
const struct bb_arg_kind bb_arg_table = {source_read, NULL, NULL};

/* ---- the table ------------------------------------------------------------------------------------- */
bool bb_table_key_add(struct bb_table_key *k, const struct bb_tok *t)
{
    struct bb_bytes text;
    char small[32];
    uint32_t len;

    if (!bb_scalar_text(t, small, &text) || text.len > BB_KEY_BYTES - 4 - k->len || k->len + 4 > BB_KEY_BYTES)
        return false;
    len = (uint32_t)text.len;
    memcpy(k->bytes + k->len, &len, 4);
    memcpy(k->bytes + k->len + 4, text.ptr, len);
    k->len += 4 + len;
    return true;
}

static uint32_t key_hash(const struct bb_table_key *k)
{
    uint32_t h = 2166136261u;

    for (uint32_t i = 0; i < k->len; i++)
        h = (h ^ k->bytes[i]) * 16777619u;
    return h;
}

/* The key's slot, or the empty one where it would be. */
static struct bb_table_slot *slot_of(const struct bb_table *t, const struct bb_table_key *k, uint32_t hash)
{
    uint32_t i = hash & (t->cap - 1);

    while (t->slots[i].row &&
           (t->slots[i].hash != hash || t->slots[i].key_len != k->len ||
            memcmp(t->block.ptr + t->slots[i].key, k->bytes, k->len) != 0))
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

static int table_room(struct bb_map_compile *m, struct bb_table *t, uint32_t n)
{
    for (t->cap = 16; t->cap / 2 < n; t->cap *= 2)
        ;
    t->slots = calloc(t->cap, sizeof *t->slots);
    bb_buf_init(&t->block, 4u * BB_PROGRAM_MAX);
    return t->slots ? 0 : bb_compile_say(m->c, "out of memory");
}

/* row: as people count, from 1. */
static int table_add(struct bb_map_compile *m, struct bb_table *t, const struct bb_table_key *k, struct bb_bytes v,
                     uint32_t row)
{
    uint32_t hash = key_hash(k);
    struct bb_table_slot *s = slot_of(t, k, hash);

    if (s->row && s->value_len == v.len && memcmp(t->block.ptr + s->value, v.ptr, v.len) == 0)
        return 0; /* said again */
    if (s->row)
        return bb_compile_say(m->c, "the key \"%.*s\" is in row %u already, with another value",
                              (int)(k->len - 4 < 40 ? k->len - 4 : 40), (const char *)k->bytes + 4, s->row);
    *s = (struct bb_table_slot){hash, row, t->block.len, t->block.len + k->len, k->len, (uint32_t)v.len};
    bb_buf_put(&t->block, k->bytes, k->len);
    bb_buf_put(&t->block, v.ptr, v.len);
    t->n++;
    return t->block.failed ? bb_compile_say(m->c, "the table is too large") : 0;
}

/* {ST: H87} */
static int map_read(struct bb_map_compile *m, struct bb_table *t)
{
    struct bb_bytes name, v;
    struct bb_cur c;
    uint32_t n;
    int rc = 0;

    if (t->key.n || t->column.n)
        return bb_compile_say(m->c, "a table that is a map has no columns to name");
    if (!bb_group_of(t->source.value, BB_T_MAP, &c, &n) || table_room(m, t, n) != 0)
        return -1;
    for (uint32_t k = 0; k < n && rc == 0; k++) {
        struct bb_table_key key = {0};
        struct bb_tok tok = {.kind = BB_T_STR};

        if (bb_pair_next(&c, &name, &v) != 0)
            return bb_compile_say(m->c, "damaged configuration");
        tok.s = name;
        bb_compile_down(m->c, name);
        rc = !bb_table_key_add(&key, &tok) ? bb_compile_say(m->c, "the key is too long")
                                : table_add(m, t, &key, v, k + 1);
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

static int row_read(struct bb_map_compile *m, struct bb_table *t, struct bb_bytes row,
                    struct bb_bytes header, uint32_t n)
{
    struct bb_table_key key = {0};
    struct bb_bytes v;
    struct bb_tok tok;

    for (uint32_t k = 0; k < t->key.n; k++) {
        if (!bb_table_cell(row, header, t->key.v[k], &v))
            return bb_compile_say(m->c, "the row has no \"%s\"", t->key.v[k]);
        if (!bb_scalar_of(v, &tok) || !bb_table_key_add(&key, &tok))
            return bb_compile_say(m->c, "\"%s\" is no text or number, or is too long", t->key.v[k]);
    }
    if (!bb_table_cell(row, header, t->column.v[0], &v))
        return bb_compile_say(m->c, "the row has no \"%s\"", t->column.v[0]);
    return table_add(m, t, &key, v, n);
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
static int names_check(struct bb_map_compile *m, struct bb_columns *names, const char *arg, uint32_t otherwise,
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

static int rows_read(struct bb_map_compile *m, struct bb_table *t)
{
    struct bb_compile_place before;
    struct bb_bytes row = {NULL, 0}, header = {NULL, 0}, titles[64];
    struct bb_cur c, in;
    uint32_t n, k = 0, n_titles;
    int rc = 0;

    if (!bb_group_of(t->source.value, BB_T_ARRAY, &c, &n) || n == 0 || bb_cur_value(&c, &row) != 0)
        return bb_compile_say_at(m->c, "table", "takes a map {key: value}, a list of maps, or the name of "
                                                "a .csv or .yaml file, none of them empty");
    n_titles = titles_of(row, titles);
    if (names_check(m, &t->key, "key", 0, titles, n_titles) != 0 ||
        names_check(m, &t->column, "value", 1, titles, n_titles) != 0)
        return -1;
    before = bb_compile_enter(m->c, t->source.file ? t->source.file : m->c->file);
    if (!t->source.file) {
        m->c->base = before.base;
        bb_compile_down(m->c, (struct bb_bytes){"table", 5});
    }
    if (bb_group_of(row, BB_T_ARRAY, &in, &k))
        header = row;
    rc = table_room(m, t, n);
    for (k = header.ptr ? 1 : 0; k < n && rc == 0; k++) {
        if (k && bb_cur_value(&c, &row) != 0)
            row = (struct bb_bytes){NULL, 0};
        bb_compile_down_n(m->c, k);
        rc = row_read(m, t, row, header, k + 1);
        bb_compile_up(m->c);
    }
    bb_compile_leave(m->c, before);
    return rc;
}

int bb_table_compile(struct bb_map_compile *m, struct bb_table *t)
{
    struct bb_compile_place before;
    struct bb_cur c;
    uint32_t n;
    int rc;

    if (bb_group_of(t->source.value, BB_T_MAP, &c, &n)) {
        before = bb_compile_enter(m->c, t->source.file ? t->source.file : m->c->file);
        if (!t->source.file) {
            m->c->base = before.base;
            bb_compile_down(m->c, (struct bb_bytes){"table", 5});
        }
        rc = map_read(m, t);
        bb_compile_leave(m->c, before);
    } else {
        rc = rows_read(m, t);
    }
    t->source = (struct bb_table_source){{NULL, 0}, NULL}; /* it does not outlive the compile */
    return rc;
}

void bb_table_free(struct bb_table *t)
{
    free(t->slots);
    bb_buf_free(&t->block);
}

bool bb_table_get(const struct bb_table *t, const struct bb_table_key *k, struct bb_bytes *value)
{
    const struct bb_table_slot *s = slot_of(t, k, key_hash(k));

    if (!s->row)
        return false;
    *value = (struct bb_bytes){t->block.ptr + s->value, s->value_len};
    return true;
}

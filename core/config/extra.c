/*
 * extra.c - the files that transform steps name: maps and tables, YAML or CSV, jq programs, schemas
 *
 * A YAML file goes the way of conf.d's own: the same parser, the same places, variables expanded. Of a
 * CSV file every row is a node with its place and no children; its fields go straight into the value.
 *
 * zone:NAME is a time zone's file from the machine's tz database, as bytes.
 *
 * Thread: one at a time. Memory: an arena that ends with the set; what a step keeps it copies.
 */
#include "core/config/internal.h"

#include <busbar/csv.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1024u
#define FILE_MAX (16u << 20) /* bytes in a table */
#define VALUE_MAX (32u << 20)
#define TEXT_MAX (64u << 10)   /* bytes of a program */
#define SCHEMA_MAX (4u << 20)
#define SCHEMA "schema:"
#define ZONE "zone:"
#define ZONE_MAX (256u << 10)

struct bb_extra {
    struct bb_extra *next;
    char *name;
    struct bb_file *file; /* NULL: it could not be read */
    struct bb_bytes value; /* ptr NULL: it is faulty, which has been said */
    struct bb_fault why;
};
struct bb_extras {
    struct bb_arena arena;
    char *dir;
    struct bb_extra *list;
    size_t n;
};

struct bb_extras *bb_extras_new(const char *dir)
{
    struct bb_extras *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    x->arena.max = BB_CONF_ARENA_MAX;
    x->dir = bb_arena_str(&x->arena, dir, strlen(dir));
    if (!x->dir)
        bb_extras_free(&x);
    return x;
}

void bb_extras_free(struct bb_extras **xp)
{
    if (!*xp)
        return;
    bb_arena_free(&(*xp)->arena);
    free(*xp);
    *xp = NULL;
}

/* ---- tables -------------------------------------------------------------------------------------- */
struct table {
    struct bb_extra *e;
    struct bb_arena *arena;
    struct bb_csv csv;
    struct bb_buf rows;
    struct bb_node **tail;
    uint32_t pos; /* bytes read so far: where the next row begins, but for empty lines */
};

/* The row that csv has, and its node. */
static int row_add(struct table *t, uint32_t end)
{
    struct bb_file *f = t->e->file;
    struct bb_node *n = bb_arena_get(t->arena, sizeof(*n));

    if (!n || t->csv.line > f->n_lines)
        return -1;
    n->kind = BB_LIST;
    n->file = f;
    n->text = "";
    n->start = f->lines[t->csv.line - 1];
    n->end = end;
    *t->tail = n;
    t->tail = &n->next;
    f->root->n++;
    bb_put_array(&t->rows, t->csv.columns);
    for (uint32_t i = 0; i < t->csv.columns; i++) {
        struct bb_bytes field = bb_csv_field(&t->csv, i);

        bb_put_str(&t->rows, field.ptr, field.len);
    }
    return 0;
}

/* Every row of the text; the first fault is reported and ends it. */
static int rows_read(struct table *t, struct bb_diags *d)
{
    struct bb_file *f = t->e->file;
    struct bb_fault err = {0, ""};
    int rc = 1;

    while (rc > 0) {
        struct bb_bytes rest = {f->text + t->pos, f->len - t->pos};
        size_t used = 0;

        rc = rest.len ? bb_csv_read(&t->csv, rest, &used, &err) : bb_csv_end(&t->csv, &err);
        t->pos += (uint32_t)used;
        if (rc == 0 && rest.len)
            rc = 1;
        else if (rc > 0 && row_add(t, t->pos) != 0)
            return bb_fail(&t->e->why, "not enough memory");
        if (rc == 1 && !rest.len)
            break;
    }
    if (rc < 0) {
        struct bb_span at = {.f = f, .start = (uint32_t)(err.offset < f->len ? err.offset : f->len)};

        at.end = at.start + 1;
        bb_diag(d, BB_SEV_ERROR, at, "not a table: %s", err.text);
    }
    return rc < 0 ? -1 : 0;
}

static void table_read(struct bb_extras *x, struct bb_extra *e, struct bb_diags *d)
{
    struct table t = {.e = e, .arena = &x->arena};
    struct bb_csv_options options = {.delimiter = 0};
    struct bb_buf whole;
    void *copy;

    e->file->root = bb_arena_get(&x->arena, sizeof(*e->file->root));
    if (!e->file->root || bb_csv_init(&t.csv, &options, &e->why) != 0)
        return;
    e->file->root->kind = BB_LIST;
    e->file->root->file = e->file;
    e->file->root->text = "";
    e->file->parsed = true;
    t.tail = &e->file->root->child;
    bb_buf_init(&t.rows, VALUE_MAX);
    bb_buf_init(&whole, VALUE_MAX);
    if (rows_read(&t, d) == 0) {
        bb_put_array(&whole, (uint32_t)e->file->root->n);
        bb_buf_put(&whole, t.rows.ptr, t.rows.len);
        copy = whole.failed || t.rows.failed ? NULL : bb_arena_get(&x->arena, whole.len);
        if (copy) {
            memcpy(copy, whole.ptr, whole.len);
            e->value = (struct bb_bytes){copy, whole.len};
        } else {
            bb_fail(&e->why, "not enough memory");
        }
    }
    bb_buf_free(&whole);
    bb_buf_free(&t.rows);
    bb_csv_free(&t.csv);
}

/* ---- YAML ---------------------------------------------------------------------------------------- */
static void yaml_read(struct bb_extras *x, struct bb_extra *e, struct bb_diags *d)
{
    struct bb_read r = {.d = d, .arena = &x->arena};
    size_t before = d->errors;
    struct bb_bytes value;

    if (bb_yaml_parse(e->file, d) != 0)
        return;
    if (!e->file->root || bb_node_is_null(e->file->root)) {
        bb_fail(&e->why, "the file is empty");
        return;
    }
    bb_load_prepare(&r, e->file->root);
    value = bb_tree_bytes(&r, e->file->root);
    if (d->errors == before && value.ptr)
        e->value = value;
}

/* ---- programs: the text, and each line a node with its place -------------------------------------- */
static void text_read(struct bb_extras *x, struct bb_extra *e, struct bb_diags *d)
{
    struct bb_file *f = e->file;
    struct bb_node **tail;
    struct bb_buf v;
    void *copy;

    (void)d;
    f->root = bb_arena_get(&x->arena, sizeof(*f->root));
    if (!f->root)
        return;
    *f->root = (struct bb_node){.kind = BB_LIST, .file = f, .text = ""};
    f->parsed = true;
    tail = &f->root->child;
    for (uint32_t i = 0; i < f->n_lines; i++) {
        struct bb_node *n = bb_arena_get(&x->arena, sizeof(*n));

        if (!n)
            return;
        *n = (struct bb_node){.kind = BB_SCALAR, .file = f, .text = "", .start = f->lines[i]};
        n->end = i + 1 < f->n_lines ? f->lines[i + 1] : (uint32_t)f->len;
        *tail = n;
        tail = &n->next;
        f->root->n++;
    }
    bb_buf_init(&v, SCHEMA_MAX + 16);
    bb_put_str(&v, f->text, f->len);
    copy = v.failed ? NULL : bb_arena_get(&x->arena, v.len);
    if (copy) {
        memcpy(copy, v.ptr, v.len);
        e->value = (struct bb_bytes){copy, v.len};
    }
    bb_buf_free(&v);
}

/* ---- time zones ---------------------------------------------------------------------------------- */
static void zone_read(struct bb_extras *x, struct bb_extra *e)
{
    const char *zones = getenv("TZDIR"), *name = e->name + strlen(ZONE);
    char path[PATH_MAX];
    struct bb_buf b, v;
    struct stat st;
    void *copy;

    zones = zones && *zones == '/' ? zones : "/usr/share/zoneinfo";
    if (!*name || *name == '/' || strstr(name, "..") ||
        name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-")] ||
        snprintf(path, sizeof(path), "%s/%s", zones, name) >= (int)sizeof(path)) {
        bb_fail(&e->why, "that is no name of a zone: UTC, +09:00, or one such as Europe/Berlin");
        return;
    }
    bb_buf_init(&b, ZONE_MAX + 1);
    bb_buf_init(&v, ZONE_MAX + 16);
    if (bb_file_slurp(path, ZONE_MAX, &b, &st, &e->why) != 0) {
        bb_fail(&e->why, "there is no zone of that name in %.80s (package tzdata)", zones);
    } else {
        bb_put_bin(&v, b.ptr, b.len);
        copy = v.failed ? NULL : bb_arena_get(&x->arena, v.len);
        if (copy) {
            memcpy(copy, v.ptr, v.len);
            e->value = (struct bb_bytes){copy, v.len};
        }
    }
    bb_buf_free(&b);
    bb_buf_free(&v);
}

/* ---- the set ------------------------------------------------------------------------------------- */
static const struct {
    const char *tail;
    size_t max;
    void (*read)(struct bb_extras *x, struct bb_extra *e, struct bb_diags *d);
    bool schema; /* what schema:NAME/MAJOR is */
} kinds[] = {{".yaml", BB_CONF_FILE_MAX, yaml_read, false}, {".csv", FILE_MAX, table_read, false},
             {".jq", TEXT_MAX, text_read, false}, {".json", SCHEMA_MAX, text_read, true}};

/* Where NAME/MAJOR of "schema:NAME/MAJOR" lies: in schemas/ of the configuration, in a folder of
 * $BUSBAR_SCHEMA_PATH, or where Busbar is installed. */
static int schema_path(const struct bb_extras *x, struct bb_extra *e, char path[PATH_MAX])
{
    const char *name = e->name + strlen(SCHEMA), *slash = strchr(name, '/');
    const char *env = getenv("BUSBAR_SCHEMA_PATH");

    if (!slash || strstr(name, "..") || *name == '/' || strchr(slash + 1, '/'))
        return bb_fail(&e->why, "that is no name of a schema: NAME/MAJOR, such as mfg.bom/1");
    if (snprintf(path, PATH_MAX, "%s/schemas/%.*s.%s.json", x->dir, (int)(slash - name), name, slash + 1) < PATH_MAX &&
        access(path, F_OK) == 0)
        return 0;
    while (env && *env) {
        size_t len = strcspn(env, ":");

        if (len && snprintf(path, PATH_MAX, "%.*s/%.*s.%s.json", (int)len, env, (int)(slash - name), name,
                            slash + 1) < PATH_MAX && access(path, F_OK) == 0)
            return 0;
        env += len + (env[len] == ':');
    }
    if (snprintf(path, PATH_MAX, "%s/schemas/%.*s.%s.json", BB_DATADIR, (int)(slash - name), name, slash + 1) < PATH_MAX &&
        access(path, F_OK) == 0)
        return 0;
    return bb_fail(&e->why, "there is no file %.*s.%.5s.json in schemas/ of the configuration, in "
                            "$BUSBAR_SCHEMA_PATH or in " BB_DATADIR "/schemas", (int)(slash - name), name, slash + 1);
}

static int extra_path(const struct bb_extras *x, struct bb_extra *e, char path[PATH_MAX])
{
    if (strncmp(e->name, SCHEMA, strlen(SCHEMA)) == 0)
        return schema_path(x, e, path);
    if (snprintf(path, PATH_MAX, "%s%s%s", *e->name == '/' ? "" : x->dir, *e->name == '/' ? "" : "/", e->name) < PATH_MAX)
        return 0;
    return bb_fail(&e->why, "its name is too long");
}

static void extra_read(struct bb_extras *x, struct bb_extra *e, struct bb_diags *d)
{
    bool schema = strncmp(e->name, SCHEMA, strlen(SCHEMA)) == 0;
    size_t len = strlen(e->name), n = 0, k;
    char path[PATH_MAX];
    struct bb_buf b;
    struct stat st;

    if (strncmp(e->name, ZONE, strlen(ZONE)) == 0) {
        zone_read(x, e);
        return;
    }
    for (k = 0; k < BB_COUNT(kinds); k++) {
        n = strlen(kinds[k].tail);
        if (schema ? kinds[k].schema : len > n && strcmp(e->name + len - n, kinds[k].tail) == 0)
            break;
    }
    if (k == BB_COUNT(kinds)) {
        bb_fail(&e->why, "its name has to end in .yaml, .csv, .jq or .json");
        return;
    }
    if (extra_path(x, e, path) != 0)
        return;
    bb_buf_init(&b, kinds[k].max + 1);
    if (bb_file_slurp(path, kinds[k].max, &b, &st, &e->why) == 0) {
        e->file = bb_file_new(&x->arena, path, x->dir, (const char *)b.ptr, b.len);
        if (e->file)
            kinds[k].read(x, e, d);
    }
    bb_buf_free(&b);
    if (x->arena.failed && !*e->why.text)
        bb_fail(&e->why, "not enough memory");
}

static struct bb_extra *extra_of(struct bb_extras *x, const char *name)
{
    struct bb_extra *e = x->list;

    while (e && strcmp(e->name, name) != 0)
        e = e->next;
    return e;
}

int bb_extras_get(struct bb_extras *x, const char *name, struct bb_bytes *value, struct bb_diags *d,
                  struct bb_fault *err)
{
    struct bb_extra *e = extra_of(x, name);

    if (!e) {
        e = x->n < FILES_MAX ? bb_arena_get(&x->arena, sizeof(*e)) : NULL;
        if (!e || !(e->name = bb_arena_str(&x->arena, name, strlen(name))))
            return bb_fail(err, e ? "not enough memory" : "more than %u files are named", FILES_MAX);
        e->next = x->list;
        x->list = e;
        x->n++;
        extra_read(x, e, d);
    }
    if (*e->why.text)
        return bb_fail(err, "%s\"%.60s\" cannot be used: %.130s",
                       strncmp(name, ZONE, strlen(ZONE)) == 0 || strncmp(name, SCHEMA, strlen(SCHEMA)) == 0
                           ? "" : "file ", name, e->why.text);
    if (!e->value.ptr) { /* its own faults have been said */
        err->text[0] = '\0';
        return -1;
    }
    *value = e->value;
    return 0;
}

struct bb_where bb_extras_where(struct bb_extras *x, const char *name, const char *pointer)
{
    const struct bb_extra *e = extra_of(x, name);
    struct bb_where w = {.file = name};

    if (!e || !e->file || !e->file->root)
        return w;
    w.node = e->file->root;
    return bb_config_locate(bb_node_where(e->file->root), pointer);
}

/*
 * ulx3s.c - one real BOM through its dated revisions: the changes between them, replayed
 *
 * Each revision (a CSV of KiBoM's, its columns not the same over the years) becomes a mfg.bom/1
 * with its designators, part and every other column under extensions. bom_diff makes the change
 * between two that follow each other; bom_apply, from the first on with the changes alone, must
 * give each revision again, and backward from the last each one before: the same bytes once keys
 * and lines are sorted. Prints the figures; 77 where the samples are not.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/csv.h>
#include <busbar/json.h>
#include "core/transform/transform.h"

#define MAX (1u << 24)
#define FILES 200

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            printf("not ok - line %d: %s\n", __LINE__, #x);                                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct bb_bytes of(const struct bb_buf *b)
{
    return (struct bb_bytes){b->ptr, b->len};
}

/* ---- a revision --------------------------------------------------------------------------------
 */
static void put_text(struct bb_buf *b, const char *key, struct bb_bytes v)
{
    bb_put_cstr(b, key);
    bb_put_str(b, v.ptr, v.len);
}

static struct bb_bytes column(const struct bb_csv *c, const char *name)
{
    int k = bb_csv_column(c, name);
    struct bb_bytes v = k < 0 ? (struct bb_bytes){NULL, 0} : bb_csv_field(c, (uint32_t)k);

    return v;
}

static void put_line(struct bb_buf *b, const struct bb_csv *c)
{
    struct bb_bytes refs = column(c, "References"), n = column(c, "Quantity Per PCB"), one,
                    part = column(c, "Part");
    struct bb_buf list, others;
    uint32_t count = 0, columns = 0;
    const char *p = refs.ptr, *end = p + refs.len;

    bb_buf_init(&list, MAX);
    bb_buf_init(&others, MAX);
    for (const char *q; p < end; p = q + 1) {
        q = memchr(p, ' ', (size_t)(end - p));
        q = q ? q : end;
        if (q > p) {
            bb_put_str(&list, p, (size_t)(q - p));
            count++;
        }
    }
    for (uint32_t k = 0; k < c->columns; k++) {
        one = bb_csv_name(c, k);
        if (!one.len || !bb_csv_field(c, k).len)
            continue;
        bb_put_str(&others, one.ptr, one.len);
        one = bb_csv_field(c, k);
        bb_put_str(&others, one.ptr, one.len);
        columns++;
    }
    MUST(count);
    one = (struct bb_bytes){refs.ptr,
                            strcspn(refs.ptr, " ") < refs.len ? strcspn(refs.ptr, " ") : refs.len};
    bb_put_map(b, 5);
    put_text(b, "id", one); /* a designator stands on one line only */
    bb_put_cstr(b, "item");
    bb_put_map(b, 1);
    put_text(b, "id", part);
    bb_put_cstr(b, "quantity");
    bb_put_map(b, 2);
    bb_put_cstr(b, "value");
    bb_put_decimal(b, n.ptr, n.len);
    bb_put_cstr(b, "unit");
    bb_put_cstr(b, "C62");
    bb_put_cstr(b, "referenceDesignators");
    bb_put_array(b, count);
    bb_put_raw(b, of(&list));
    bb_put_cstr(b, "extensions");
    bb_put_map(b, 1);
    bb_put_cstr(b, "kibom");
    bb_put_map(b, columns);
    bb_put_raw(b, of(&others));
    bb_buf_free(&list);
    bb_buf_free(&others);
}

static void revision(struct bb_buf *b, const char *path, const char *name, uint32_t *lines)
{
    struct bb_csv_options o = {.header = 1, .ragged = 1};
    struct bb_buf text, list;
    struct bb_fault err;
    struct bb_csv c;
    size_t used = 0, at = 0;
    FILE *f = fopen(path, "re");
    int rc;

    MUST(f);
    bb_buf_init(&text, MAX);
    bb_buf_init(&list, MAX);
    MUST(bb_buf_room(&text, MAX - 1));
    text.len = fread(text.ptr, 1, MAX - 1, f);
    fclose(f);
    MUST(bb_csv_init(&c, &o, &err) == 0);
    *lines = 0;
    for (;;) {
        rc = bb_csv_read(&c, (struct bb_bytes){text.ptr + at, text.len - at}, &used, &err);
        at += used;
        if (rc == 0 && at == text.len)
            rc = bb_csv_end(&c, &err);
        MUST(rc >= 0);
        if (rc == 0)
            break;
        if (!column(&c, "References").len)
            continue; /* KiBoM ends with lines of counts */
        put_line(&list, &c);
        ++*lines;
    }
    bb_csv_free(&c);
    bb_put_map(b, 4);
    bb_put_cstr(b, "item");
    bb_put_map(b, 2);
    bb_put_cstr(b, "id");
    bb_put_cstr(b, "ULX3S");
    bb_put_cstr(b, "revision");
    bb_put_str(b, name, strcspn(name, "."));
    bb_put_cstr(b, "usage");
    bb_put_cstr(b, "engineering");
    bb_put_cstr(b, "baseQuantity");
    bb_put_map(b, 2);
    bb_put_cstr(b, "value");
    bb_put_int(b, 1);
    bb_put_cstr(b, "unit");
    bb_put_cstr(b, "C62");
    bb_put_cstr(b, "lines");
    bb_put_array(b, *lines);
    bb_put_raw(b, of(&list));
    MUST(!b->failed && !list.failed && bb_value_check(of(b), &err) == 0);
    bb_buf_free(&text);
    bb_buf_free(&list);
}

/* ---- the same bytes once keys and lines are sorted ---------------------------------------------
 */
struct pair {
    struct bb_bytes key, value;
};

static int by_key(const void *x, const void *y)
{
    struct bb_bytes a = ((const struct pair *)x)->key, b = ((const struct pair *)y)->key;
    size_t n = a.len < b.len ? a.len : b.len;
    int r = memcmp(a.ptr, b.ptr, n);

    return r ? r : a.len < b.len ? -1 : a.len > b.len;
}

static void sorted(struct bb_buf *b, struct bb_bytes v)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_tok t;
    struct pair *p;

    MUST(bb_cur_next(&c, &t) == 0);
    if (t.kind != BB_T_MAP && t.kind != BB_T_ARRAY) {
        bb_put_raw(b, v);
        return;
    }
    p = calloc(t.n + 1, sizeof *p);
    MUST(p);
    for (uint32_t i = 0; i < t.n; i++) {
        struct bb_bytes id;

        MUST((t.kind == BB_T_ARRAY || bb_cur_value(&c, &p[i].key) == 0) &&
             bb_cur_value(&c, &p[i].value) == 0);
        if (t.kind == BB_T_ARRAY && bb_map_get(p[i].value, "id", &id) == 1)
            p[i].key = id; /* lines; designators keep their order */
    }
    if (t.kind == BB_T_MAP || (t.n && p[0].key.len))
        qsort(p, t.n, sizeof *p, by_key);
    if (t.kind == BB_T_MAP)
        bb_put_map(b, t.n);
    else
        bb_put_array(b, t.n);
    for (uint32_t i = 0; i < t.n; i++) {
        if (t.kind == BB_T_MAP)
            bb_put_raw(b, p[i].key);
        sorted(b, p[i].value);
    }
    free(p);
}

static void same(struct bb_bytes a, struct bb_bytes b, const char *what)
{
    struct bb_buf x, y;

    bb_buf_init(&x, MAX);
    bb_buf_init(&y, MAX);
    sorted(&x, a);
    sorted(&y, b);
    if (x.failed || y.failed || x.len != y.len || memcmp(x.ptr, y.ptr, x.len) != 0) {
        printf("not ok - %s does not come again\n", what);
        exit(1);
    }
    bb_buf_free(&x);
    bb_buf_free(&y);
}

/* ---- steps -------------------------------------------------------------------------------------
 */
static struct bb_transform *step(const char *json)
{
    struct bb_bytes j = {json, strlen(json)};
    struct bb_transform *t;
    struct bb_fault err;
    struct bb_buf b;

    bb_buf_init(&b, 1 << 16);
    MUST(bb_json_read(j, &b, &err) == 0);
    t = bb_transform_compile(of(&b), NULL, &err);
    MUST(t);
    bb_buf_free(&b);
    return t;
}

/* The data that the step makes of {x, y}, into out. */
static void run(const struct bb_transform *t, const struct bb_buf *x, const struct bb_buf *y,
                struct bb_buf *out)
{
    static const char attributes[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
                                     "ulx3s\",\"type\":\"mfg.bom.changed\",\"change\":\"ECO\"}";
    struct bb_buf in, whole;
    struct bb_fault err = {0, ""};
    struct bb_bytes data;

    bb_buf_init(&in, MAX);
    bb_buf_init(&whole, MAX);
    bb_put_array(&in, 2);
    MUST(bb_json_read((struct bb_bytes){attributes, sizeof attributes - 1}, &in, &err) == 0);
    bb_put_map(&in, 2);
    bb_put_cstr(&in, "x");
    bb_put_raw(&in, of(x));
    bb_put_cstr(&in, "y");
    bb_put_raw(&in, of(y));
    if (bb_transform_apply(t, of(&in), &whole, NULL, &err) != BB_OK) {
        printf("not ok - %s\n", err.text);
        exit(1);
    }
    MUST(bb_pointer_get(of(&whole), "/1", &data) == 1);
    bb_buf_reset(out);
    bb_put_raw(out, data);
    bb_buf_free(&in);
    bb_buf_free(&whole);
}

static uint32_t count(struct bb_bytes change)
{
    struct bb_bytes list;
    struct bb_cur c;
    struct bb_tok t;

    MUST(bb_pointer_get(change, "/affected/0/lines", &list) == 1);
    c = bb_cur_of(list);
    MUST(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_ARRAY);
    return t.n;
}

static int only_csv(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return n > 4 && strcmp(d->d_name + n - 4, ".csv") == 0;
}

int main(void)
{
    const char *env = getenv("BUSBAR_REAL_DATA"), *src = getenv("srcdir");
    struct bb_transform *diff =
        step("[{\"bom_diff\":{\"before\":\"/data/x\",\"after\":\"/data/y\"}}]");
    struct bb_transform *on =
        step("[{\"bom_apply\":{\"bom\":\"/data/x\",\"change\":\"/data/y\"}}]");
    struct bb_transform *back = step("[{\"bom_apply\":{\"bom\":\"/data/x\",\"change\":\"/data/"
                                     "y\",\"direction\":\"backward\"}}]");
    static struct bb_buf rev[FILES], change[FILES];
    struct bb_buf state, next;
    struct dirent **v;
    char dir[4096], path[8192];
    uint32_t lines = 0, all = 0, changed = 0;
    int n;

    if (env)
        snprintf(dir, sizeof dir, "%s/plm/osh-bom/ulx3s-history", env);
    else
        snprintf(dir, sizeof dir, "%s/../shared/data/plm/osh-bom/ulx3s-history", src ? src : ".");
    n = scandir(dir, &v, only_csv, alphasort);
    if (n <= 0) {
        printf("skipped: no real samples at %s (set BUSBAR_REAL_DATA to their folder)\n", dir);
        return 77;
    }
    MUST(n > 1 && n <= FILES);
    bb_buf_init(&state, MAX);
    bb_buf_init(&next, MAX);
    for (int i = 0; i < n; i++) {
        bb_buf_init(&rev[i], MAX);
        bb_buf_init(&change[i], MAX);
        snprintf(path, sizeof path, "%s/%s", dir, v[i]->d_name);
        revision(&rev[i], path, v[i]->d_name, &lines);
        all += lines;
        if (i) {
            run(diff, &rev[i - 1], &rev[i], &change[i]);
            changed += count(of(&change[i]));
        }
    }
    bb_put_raw(&state, of(&rev[0]));
    for (int i = 1; i < n; i++) { /* with the changes alone */
        run(on, &state, &change[i], &next);
        same(of(&next), of(&rev[i]), v[i]->d_name);
        bb_buf_reset(&state);
        bb_put_raw(&state, of(&next));
    }
    printf("ok - %d revisions, %u lines; %d changes of %u lines give each revision again\n", n, all,
           n - 1, changed);
    for (int i = n - 1; i > 0; i--) {
        run(back, &state, &change[i], &next);
        same(of(&next), of(&rev[i - 1]), v[i - 1]->d_name);
        bb_buf_reset(&state);
        bb_put_raw(&state, of(&next));
    }
    printf("ok - and backward from the last one\n");
    for (int i = 0; i < n; i++) {
        bb_buf_free(&rev[i]);
        bb_buf_free(&change[i]);
        free(v[i]);
    }
    free(v);
    bb_buf_free(&state);
    bb_buf_free(&next);
    bb_transform_free(&diff);
    bb_transform_free(&on);
    bb_transform_free(&back);
    return 0;
}

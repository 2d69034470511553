/*
 * test_transform_tree.c - the map step against a naive implementation on a tree, with random
 * messages and random rules
 */
#include <time.h>
#include "tests/unit/transform_rig.h"

/* ---- a naive implementation on a tree -------------------------------------------------------- */

struct tree {
    uint32_t kind; /* BB_T_ARRAY, BB_T_MAP, else a scalar */
    char *key;
    struct bb_bytes scalar;
    struct tree *kid[64];
    size_t n;
};

static struct tree *tree_of(struct bb_cur *c)
{
    struct tree *t = calloc(1, sizeof *t);
    struct bb_cur at = *c;
    struct bb_tok tok;
    ck_assert_int_eq(bb_cur_next(&at, &tok), 0);
    t->kind = tok.kind;
    if (tok.kind != BB_T_ARRAY && tok.kind != BB_T_MAP) {
        ck_assert_int_eq(bb_cur_value(c, &t->scalar), 0);
        return t;
    }
    *c = at;
    for (uint32_t k = 0; k < tok.n; k++) {
        char *key = NULL;
        if (t->kind == BB_T_MAP) {
            struct bb_tok kt;
            ck_assert_int_eq(bb_cur_next(c, &kt), 0);
            key = strndup(kt.s.ptr, kt.s.len);
        }
        t->kid[t->n] = tree_of(c);
        t->kid[t->n++]->key = key;
    }
    return t;
}

static void tree_free(struct tree *t)
{
    for (size_t k = 0; k < t->n; k++)
        tree_free(t->kid[k]);
    free(t->key);
    free(t);
}

static void tree_put(struct bb_buf *b, const struct tree *t)
{
    if (t->kind == BB_T_MAP)
        bb_put_map(b, (uint32_t)t->n);
    else if (t->kind == BB_T_ARRAY)
        bb_put_array(b, (uint32_t)t->n);
    else
        bb_put_raw(b, t->scalar);
    for (size_t k = 0; k < t->n; k++) {
        if (t->kid[k]->key)
            bb_put_cstr(b, t->kid[k]->key);
        tree_put(b, t->kid[k]);
    }
}

static struct tree *tree_copy(const struct tree *t)
{
    struct tree *c = calloc(1, sizeof *c);
    *c = *t;
    c->key = NULL;
    for (size_t k = 0; k < t->n; k++) {
        c->kid[k] = tree_copy(t->kid[k]);
        c->kid[k]->key = t->kid[k]->key ? strdup(t->kid[k]->key) : NULL;
    }
    return c;
}

static long kid_of(const struct tree *t, const char *seg)
{
    char *end;
    if (t->kind == BB_T_MAP) {
        for (size_t k = 0; k < t->n; k++)
            if (strcmp(t->kid[k]->key, seg) == 0)
                return (long)k;
        return -1;
    }
    if (t->kind != BB_T_ARRAY || seg[0] < '0' || seg[0] > '9')
        return -1;
    unsigned long v = strtoul(seg, &end, 10);
    return *end || v >= t->n ? -1 : (long)v;
}

/* A condition that always holds: what random rules are to one another is then unknown, and they are
 * not refused for it. */
#define ALWAYS ",\"when\":{\"at\":\"/attributes\",\"exists\":true}"

/* Segments of the random pointers have no escapes. */
static struct tree *tree_at(struct tree *t, const char *pointer, struct tree **parent, size_t *index)
{
    char text[256], *save = NULL;
    snprintf(text, sizeof text, "%s", pointer);
    for (char *s = strtok_r(text, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
        long k = kid_of(t, s);
        if (k < 0)
            return NULL;
        *parent = t;
        *index = (size_t)k;
        t = t->kid[k];
    }
    return t;
}

static void tree_remove(struct tree *parent, size_t index)
{
    memmove(&parent->kid[index], &parent->kid[index + 1],
            (parent->n - index - 1) * sizeof parent->kid[0]);
    parent->n--;
}

/* 0 set, -1 impossible. Takes v. */
static int tree_set(struct tree *root, const char *pointer, struct tree *v)
{
    char text[256], *save = NULL;
    struct tree *t = root;
    snprintf(text, sizeof text, "%s", pointer);
    for (char *s = strtok_r(text, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
        long k;
        if (t->kind == BB_T_NIL) {
            t->kind = BB_T_MAP;
            t->n = 0;
        }
        k = kid_of(t, s);
        if (k < 0) {
            if ((t->kind != BB_T_MAP && t->kind != BB_T_ARRAY) ||
                (t->kind == BB_T_ARRAY && strcmp(s, "-") != 0) || t->n == 64) {
                tree_free(v);
                return -1;
            }
            k = (long)t->n++;
            t->kid[k] = calloc(1, sizeof *t);
            t->kid[k]->kind = BB_T_NIL;
            t->kid[k]->key = t->kind == BB_T_MAP ? strdup(s) : NULL;
        }
        t = t->kid[k];
    }
    for (size_t k = 0; k < t->n; k++)
        tree_free(t->kid[k]);
    v->key = t->key;
    *t = *v;
    free(v);
    return 0;
}

static void random_value(struct bb_buf *b, unsigned depth)
{
    static const char *const keys[] = {"a", "b", "c", "d", "0", "1"};
    unsigned n;
    switch (depth ? rnd(7) : 6) {
    case 0:
        bb_put_int(b, (int)rnd(100000) - 50000);
        break;
    case 1:
        bb_put_decimal(b, "1.50", 4);
        break;
    case 2:
        bb_put_cstr(b, "some text that is longer than thirty-one bytes");
        break;
    case 3:
        bb_put_nil(b);
        break;
    case 4:
        n = rnd(5);
        bb_put_array(b, n);
        while (n--)
            random_value(b, depth > 4 ? 99 : depth + 1);
        break;
    default:
        n = depth > 4 ? 0 : 1 + rnd(6);
        bb_put_map(b, n);
        for (unsigned k = 0; k < n; k++) {
            bb_put_cstr(b, keys[k]);
            random_value(b, depth + 1);
        }
        break;
    }
}

static void random_pointer(char *out, size_t cap, unsigned least)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "0", "1", "2", "-"};
    unsigned n = least + rnd(4);
    size_t len = 0;
    out[0] = 0;
    while (n--)
        len += (size_t)snprintf(out + len, cap - len, "/%s", keys[rnd(9)]);
}

/* One random rule, both ways. 0, -1 when the tree says it cannot be done. */
static int random_rule(struct bb_buf *rules, struct tree *data)
{
    char from[64], to[64], json[512];
    struct tree *parent = NULL, *at, *v;
    size_t index = 0, len;
    unsigned op = rnd(4);
    struct bb_fault f;
    struct bb_bytes j = {json, 0};
    random_pointer(from, sizeof from, op == 0 ? 0 : 1);
    random_pointer(to, sizeof to, 0);
    len = strlen(from);
    if (op == 1 && strncmp(to, from, len) == 0 && to[len] == '/')
        snprintf(to, sizeof to, "/e");
    switch (op) {
    case 0:
    case 1:
        snprintf(json, sizeof json, "{\"%s\":{\"from\":\"/data%s\",\"to\":\"/data%s\"" ALWAYS "}}",
                 op ? "rename" : "copy", from, to);
        break;
    case 2:
        snprintf(json, sizeof json, "{\"constant\":{\"to\":\"/data%s\",\"value\":{\"k\":1}" ALWAYS "}}", to);
        break;
    default:
        snprintf(json, sizeof json, "{\"drop\":{\"at\":\"/data%s\"" ALWAYS "}}", from);
        break;
    }
    j.len = strlen(json);
    ck_assert_int_eq(bb_json_read(j, rules, &f), 0);
    at = tree_at(data, from, &parent, &index);
    if (op == 3) {
        if (at) {
            tree_remove(parent, index);
            tree_free(at);
        }
        return 0;
    }
    if (op == 2) {
        v = calloc(1, sizeof *v);
        v->kind = BB_T_MAP;
        v->n = 1;
        v->kid[0] = calloc(1, sizeof *v);
        v->kid[0]->kind = BB_T_INT;
        v->kid[0]->scalar.ptr = "\1";
        v->kid[0]->scalar.len = 1;
        v->kid[0]->key = strdup("k");
        return tree_set(data, to, v);
    }
    if (!at)
        return -1;
    v = tree_copy(at);
    if (op == 1) {
        tree_remove(parent, index);
        tree_free(at);
    }
    return tree_set(data, to, v);
}

START_TEST(same_as_a_tree)
{
    unsigned applied = 0, refused = 0;
    const unsigned rounds = 4000;
    seed = (unsigned)_i * 7919u + 1;
    for (unsigned round = 0; round < rounds; round++) {
        struct bb_buf in, rules, steps, out, want;
        struct bb_fault f = {0, ""};
        struct bb_transform *t;
        struct bb_bytes data;
        struct bb_cur c;
        struct tree *tree;
        unsigned n = 1 + rnd(6), done = 0;
        int possible = 0;
        char *a, *b;
        bb_buf_init(&in, 1 << 20);
        bb_buf_init(&rules, 1 << 20);
        bb_buf_init(&steps, 1 << 20);
        bb_buf_init(&out, 1 << 20);
        bb_buf_init(&want, 1 << 20);
        bb_put_array(&in, 2);
        bb_put_map(&in, 0);
        size_t at = in.len;
        random_value(&in, 0);
        data.ptr = in.ptr + at;
        data.len = in.len - at;
        c = bb_cur_of(data);
        tree = tree_of(&c);
        while (done < n && possible == 0) {
            possible = random_rule(&rules, tree);
            done++;
        }
        bb_put_array(&steps, 1);
        bb_put_map(&steps, 1);
        bb_put_cstr(&steps, "map");
        bb_put_array(&steps, done);
        bb_put_raw(&steps, bytes_of(&rules));
        t = bb_transform_compile(bytes_of(&steps), NULL, &f);
        ck_assert_msg(t != NULL, "%s", f.text);
        if (bb_transform_apply(t, bytes_of(&in), &out, NULL, &f) != BB_OK) {
            a = json_of(bytes_of(&steps));
            ck_assert_msg(possible != 0, "refused: %s\n%s\n%s", f.text, a, json_of(data));
            free(a);
            refused++;
        } else {
            bb_put_array(&want, 2);
            bb_put_map(&want, 0);
            tree_put(&want, tree);
            a = json_of(bytes_of(&out));
            b = json_of(bytes_of(&want));
            ck_assert_msg(possible == 0, "done, but the tree cannot: %s", json_of(bytes_of(&steps)));
            ck_assert_msg(strcmp(a, b) == 0, "%s\n of %s\nis %s\nnot %s",
                          json_of(bytes_of(&steps)), json_of(data), a, b);
            free(a);
            free(b);
            applied++;
        }
        tree_free(tree);
        bb_transform_free(&t);
        bb_buf_free(&in);
        bb_buf_free(&rules);
        bb_buf_free(&steps);
        bb_buf_free(&out);
        bb_buf_free(&want);
    }
    ck_assert_uint_gt(applied, rounds / 10);
    ck_assert_uint_gt(refused, rounds / 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transform, against a tree");
    TCase *c = tcase_create("map");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, same_as_a_tree, 0, 4);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

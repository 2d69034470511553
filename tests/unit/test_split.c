/*
 * test_split.c - split and explode: children by table, mistakes by table, generations, hostile bytes
 */
#include "tests/unit/transform_rig.h"

#define HEAD "\"specversion\":\"1.0\",\"id\":\"p\",\"source\":\"t\",\"type\":\"mfg.order\""

struct children {
    struct bb_buf v[8];
    uint32_t n, most;
};

static int child_take(void *arg, struct bb_bytes whole, struct bb_fault *err)
{
    struct children *c = arg;
    struct bb_fault bad = {0, ""};

    ck_assert_msg(bb_message_check(whole, &bad) == 0, "%s", bad.text);
    if (c->n == c->most) {
        snprintf(err->text, sizeof err->text, "more than %u", c->most);
        return -1;
    }
    bb_buf_init(&c->v[c->n], 1 << 20);
    bb_buf_put(&c->v[c->n++], whole.ptr, whole.len);
    return 0;
}

static bb_status apply(const char *steps, const char *message, struct children *c, struct bb_fault *err)
{
    struct bb_transform_run run = {.child = child_take, .arg = c};
    struct bb_buf in, out;
    struct bb_transform *t;
    struct mistake m;
    bb_status s;

    c->n = 0;
    t = compile_steps(steps, &m);
    ck_assert_msg(t != NULL, "%s: %s at %s", steps, m.text, m.pointer);
    ck_assert(bb_transform_splits(t) && bb_transform_is_pure(t));
    json_to(&in, message);
    bb_buf_init(&out, 1 << 20);
    s = bb_transform_apply(t, bytes_of(&in), &out, &run, err);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_uint_eq(run.children, s == BB_OK ? c->n : 0);
    ck_assert(s != BB_E_REJECT || strcmp(run.failure, "mapping") == 0);
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_transform_free(&t);
    return s;
}

static void children_free(struct children *c)
{
    for (uint32_t k = 0; k < c->n; k++)
        bb_buf_free(&c->v[k]);
}

#define CHILD(id, type, more) "[{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"t\",\"type\":\"" type \
    "\",\"causationid\":\"p\",\"correlationid\":\"" more
#define LINES "\"lines\":[{\"pos\":10,\"c\":\"A\",\"qty\":1.50},{\"pos\":20,\"c\":\"B\",\"qty\":2}]"

/* attributes after the four, data; the children, or what the error holds */
static const struct {
    const char *steps, *attrs, *data, *out[4], *error;
} cases[] = {
    {"[{\"split\":{\"at\":\"/data/lines\",\"type\":\"l\"}}]", ",\"plant\":\"1000\"", "{" LINES "}",
     {CHILD("p/1", "l", "p\",\"generation\":1,\"plant\":\"1000\"},{\"pos\":10,\"c\":\"A\",\"qty\":1.50}]"),
      CHILD("p/2", "l", "p\",\"generation\":1,\"plant\":\"1000\"},{\"pos\":20,\"c\":\"B\",\"qty\":2}]")}, NULL},
    /* the correlation of a chain stays; what the parent was caused by does not */
    {"[{\"split\":{\"at\":\"/data/lines\",\"type\":\"l\",\"attributes\":{\"item\":\"./c\",\"pos\":\"./pos\"},"
     "\"header\":{\"order\":\"/data/no\",\"plant\":\"/attributes/plant\"},\"as\":\"lines\","
     "\"dataschema\":\"x/1\",\"when\":{\"at\":\"./c\",\"in\":[\"B\",\"C\"]}}}]",
     ",\"plant\":\"1000\",\"item\":\"X\",\"correlationid\":\"c7\",\"causationid\":\"gone\",\"dataschema\":\"y\"",
     "{\"no\":4711," LINES "}",
     {CHILD("p/lines/1", "l", "c7\",\"generation\":1,\"dataschema\":\"x/1\",\"plant\":\"1000\",\"item\":\"B\","
                            "\"pos\":\"20\"},{\"order\":4711,\"plant\":\"1000\",\"pos\":20,\"c\":\"B\",\"qty\":2}]")},
     NULL},
    {"[{\"split\":{\"at\":\"/data\",\"type\":\"l\",\"under\":\"value\",\"header\":{\"a\":\"/attributes/id\"}}}]",
     "", "[7,null]",
     {CHILD("p/1", "l", "p\",\"generation\":1},{\"a\":\"p\",\"value\":7}]"),
      CHILD("p/2", "l", "p\",\"generation\":1},{\"a\":\"p\",\"value\":null}]")}, NULL},
    /* the id is the accepted message's, whatever a step before did; the rest is as that left it */
    {"[{\"map\":[{\"constant\":{\"to\":\"/attributes/id\",\"value\":\"other\"}},"
     "{\"constant\":{\"to\":\"/attributes/plant\",\"value\":\"9\"}}]},"
     "{\"split\":{\"at\":\"/data/l\",\"type\":\"l\"}}]", "", "{\"l\":[true]}",
     {CHILD("p/1", "l", "p\",\"generation\":1,\"plant\":\"9\"},true]")}, NULL},
    {"[{\"explode\":[{\"data\":\"/data/head\",\"type\":\"h\"},{\"each\":\"/data/l\",\"type\":\"l\","
     "\"when\":{\"at\":\"./k\",\"equals\":1}},{\"data\":\"/data/none\",\"type\":\"n\"}]}]", "",
     "{\"head\":{\"x\":1},\"l\":[{\"k\":1},{\"k\":2},{\"k\":1,\"z\":0}]}",
     {CHILD("p/1", "h", "p\",\"generation\":1},{\"x\":1}]"), CHILD("p/2", "l", "p\",\"generation\":1},{\"k\":1}]"),
      CHILD("p/3", "l", "p\",\"generation\":1},{\"k\":1,\"z\":0}]")}, NULL},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\"}}]", ",\"generation\":7", "{\"l\":[1]}",
     {CHILD("p/1", "l", "p\",\"generation\":8},1]")}, NULL},
    /* skipped */
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\"}}]", "", "{\"l\":[]}", {0}, "step 1 (split): no entry"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"when\":{\"at\":\"./k\",\"exists\":false}}}]", "", "{\"l\":[{\"k\":1}]}", {0},
     "step 1 (split): no entry"},
    /* rejected */
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"empty\":\"fail\"}}]", "", "{\"l\":[]}", {0},
     "!step 1 (split): no entry"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\"}}]", "", "{}", {0}, "!step 1 (split): no list at /data/l"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\"}}]", "", "{\"l\":{}}", {0}, "!a map at /data/l is no list"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"attributes\":{\"item\":\"./i\"}}}]", "",
     "{\"l\":[{\"i\":1},{\"j\":1}]}", {0}, "!step 1 (split) entry 2: no value at ./i for attribute item"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"attributes\":{\"item\":\"./i\"}}}]", "",
     "{\"l\":[{\"i\":[]}]}", {0}, "!a list at ./i cannot be attribute item"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"header\":{\"i\":\"/data/n\"}}}]", "",
     "{\"n\":1,\"l\":[{\"i\":1}]}", {0}, "!duplicate"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"header\":{\"i\":\"/data/n\"}}}]", "",
     "{\"n\":1,\"l\":[1]}", {0}, "!say under"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"header\":{\"i\":\"/data/n\"}}}]", "",
     "{\"l\":[{}]}", {0}, "!no value at /data/n for field i"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\"}}]", ",\"generation\":8", "{\"l\":[1]}", {0},
     "!does a route split what it makes?"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"when\":{\"at\":\"./k\",\"above\":1}}}]", "",
     "{\"l\":[{\"k\":\"x\"}]}", {0}, "!entry 1: the condition compares what is no number"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\"}}]", "", "{\"l\":[1,2,3,4,5]}", {0}, "!step 1: more than 4"},
    {"[{\"explode\":[{\"data\":\"/data/a\",\"type\":\"l\"},{\"each\":\"/data/b\",\"type\":\"l\"}]}]", "", "{}",
     {0}, "!step 1 (explode) rule 1: no rule makes a message of it"},
};

START_TEST(children_by_table)
{
    struct children c = {.most = 4};
    struct bb_fault err = {0, ""};
    const char *error = cases[_i].error;
    char *message;
    bb_status s;
    uint32_t n = 0;

    ck_assert_int_ge(asprintf(&message, "[{" HEAD "%s},%s]", cases[_i].attrs, cases[_i].data), 0);
    s = apply(cases[_i].steps, message, &c, &err);
    ck_assert_msg(s == (error ? *error == '!' ? BB_E_REJECT : BB_E_CANCEL : BB_OK), "case %d: %d %s", _i, s,
                  err.text);
    if (error)
        ck_assert_msg(strstr(err.text, error + (*error == '!')) != NULL, "case %d: %s", _i, err.text);
    for (; s == BB_OK && n < c.n; n++) {
        char *got = json_of(bytes_of(&c.v[n]));

        ck_assert_msg(cases[_i].out[n] && strcmp(got, cases[_i].out[n]) == 0, "case %d child %u: %s", _i, n,
                      got);
        free(got);
    }
    ck_assert_msg(error || !cases[_i].out[n], "case %d: only %u", _i, n);
    children_free(&c);
    free(message);
}
END_TEST

static const struct {
    const char *steps, *pointer, *text;
} mistakes[] = {
    {"[{\"split\":3}]", "/0/split", "expected a map such as {at: /data/lines"},
    {"[{\"split\":{\"type\":\"l\"}}]", "/0/split", "needs at"},
    {"[{\"split\":{\"at\":\"/data/l\"}}]", "/0/split", "needs the type"},
    {"[{\"split\":{\"at\":\"/data/l\",\"tpye\":\"l\"}}]", "/0/split/tpye", "did you mean \"type\""},
    {"[{\"split\":{\"at\":\"data/l\",\"type\":\"l\"}}]", "/0/split/at", "starts with /data"},
    {"[{\"split\":{\"at\":\"./l\",\"type\":\"l\"}}]", "/0/split/at", "start with /data"},
    {"[{\"split\":{\"at\":\"/data/~l\",\"type\":\"l\"}}]", "/0/split/at", "~0"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"\"}}]", "/0/split/type", "1 to 256"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"empty\":\"skp\"}}]", "/0/split/empty", "\"skip\""},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"as\":\"7\"}}]", "/0/split/as", "not a number"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"attributes\":{\"id\":\"./x\"}}}]", "/0/split/attributes/id",
     "cannot be set"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"attributes\":{\"Item\":\"./x\"}}}]",
     "/0/split/attributes/Item", "cannot be set"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"when\":{\"at\":\"./x\",\"in\":[]}}}]", "/0/split/when/in", "never hold"},
    {"[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\"}},{\"map\":[{\"drop\":\"/data/x\"}]}]", "/1/map",
     "step 1 (split) leaves nothing"},
    {"[{\"explode\":{}}]", "/0/explode", "list of 1 to"},
    {"[{\"explode\":[{\"type\":\"l\"}]}]", "/0/explode/0", "needs each"},
    {"[{\"explode\":[{\"type\":\"l\",\"each\":\"/data/a\",\"data\":\"/data/b\"}]}]", "/0/explode/0/data", "not both"},
    {"[{\"explode\":[{\"type\":\"l\",\"each\":\"/data/a\",\"as\":\"b\"}]}]", "/0/explode/0/as", "unknown option"},
};

START_TEST(mistakes_by_table)
{
    struct mistake m;
    struct bb_transform *t = compile_steps(mistakes[_i].steps, &m);

    ck_assert_msg(!t, "%s was taken", mistakes[_i].steps);
    ck_assert_msg(strcmp(m.pointer, mistakes[_i].pointer) == 0 && strstr(m.text, mistakes[_i].text), "%s: %s at %s",
                  mistakes[_i].steps, m.text, m.pointer);
}
END_TEST

static int child_drop(void *arg, struct bb_bytes whole, struct bb_fault *err)
{
    struct bb_fault bad = {0, ""};

    (void)err;
    ck_assert_msg(bb_message_check(whole, &bad) == 0, "%s", bad.text);
    ++*(unsigned *)arg;
    return 0;
}

/* Whatever the bytes are: children are canonical, and nothing is read past the end (ASan judges). */
START_TEST(hostile_bytes)
{
    struct mistake m;
    struct bb_transform *t = compile_steps(
        "[{\"explode\":[{\"each\":\"/data/lines\",\"type\":\"l\",\"header\":{\"o\":\"/data/no\"},"
        "\"attributes\":{\"item\":\"./c\"},\"when\":{\"at\":\"./pos\",\"in\":[10,20]}},{\"data\":\"/data/no\",\"type\":\"n\"}]}]", &m);
    struct bb_buf in, out;
    unsigned made = 0;

    ck_assert_ptr_nonnull(t);
    json_to(&in, "[{" HEAD ",\"plant\":\"1\",\"generation\":2},{\"no\":4711," LINES "}]");
    bb_buf_init(&out, 1 << 20);
    seed = 11;
    for (int round = 0; round < 40000; round++) {
        struct bb_transform_run run = {.child = child_drop, .arg = &made};
        struct bb_bytes copy = damaged(&in);

        (void)bb_transform_apply(t, copy, &out, &run, NULL);
        damaged_free(copy);
    }
    ck_assert_uint_gt(made, 1000);
    bb_transform_free(&t);
    bb_buf_free(&in);
    bb_buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("split");
    TCase *c = tcase_create("split");
    SRunner *r;
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, children_by_table, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(c, mistakes_by_table, 0, (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_test(c, hostile_bytes);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

/*
 * fuzz_steps.c - the steps require, split, explode, enrich and jq: hostile configurations, hostile messages
 *
 * The first two bytes say how long the steps are: that many bytes are JSON, or msgpack that is sound; what
 * follows is a message, JSON from '[' on, else any bytes. Steps that do not compile leave the message to
 * lists of steps that use every option; the first byte says which. A program of jq's is ours only up to
 * libjq: it is one of a few, so that libjq's own compiler and endless programs are not what is tried.
 *
 * Asserted: what compiles compiles again from its program and does the same; children and questions are
 * sound messages, so is what a sound message became; a step that only checks changes nothing; a failure has
 * a text and leaves nothing behind.
 *
 * Thread: one. Ownership: the lists in `rich` are compiled once and kept.
 */
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include <sanitizer/lsan_interface.h>
#include "core/base/base.h"
#include "core/transform/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x) \
    do { \
        if (!(x)) \
            abort(); \
    } while (0)
#define OUT_MAX (1u << 20)
#define NOW (INT64_C(1774994400) * 1000000000)

static const char *const rich[] = {
    "[{\"require\":{\"approval\":{\"at\":\"/data/s\",\"in\":[\"released\",\"frozen\"]},\"effectivity\":{\"at\":\"/data/e\","
    "\"is\":\"not-past\",\"zone\":\"+02:00\"},\"present\":[\"/data/a\",\"/attributes/item\"],\"that\":[{\"at\":\"/data/q\",\"above\":"
    "0},{\"any\":[{\"at\":\"/data/u\",\"in\":[\"KG\",1.5]},{\"not\":{\"at\":\"/data/u\",\"matches\":\"^[a-z]+$\"}}]}],\"each\":[{\"at\":"
    "\"/data/l\",\"present\":\"./p\",\"that\":{\"at\":\"./q\",\"below\":9.5},\"unique\":[\"./p\",\"./q\"],\"windows\":{\"by\":\"./p\"},"
    "\"when\":{\"at\":\"./k\",\"exists\":true}},{\"at\":\"/data/m\",\"windows\":{\"by\":\"./p\",\"gaps\":\"allow\"}}]}}]",
    "[{\"require\":{\"schema\":\"a.part/1\",\"on_failure\":\"skip\",\"class\":\"plm-gap\"}}]",
    "[{\"map\":[{\"copy\":{\"from\":\"/data/a\",\"to\":\"/data/z\",\"optional\":true}}]},{\"split\":{\"at\":\"/data/l\",\"type\":\"l\","
    "\"attributes\":{\"item\":\"./p\",\"plant\":\"/attributes/item\"},\"header\":{\"order\":\"/data/a\"},\"as\":\"lines\",\"under\":"
    "\"value\",\"dataschema\":\"x/1\",\"when\":{\"at\":\"./q\",\"above\":0},\"empty\":\"fail\"}}]",
    "[{\"split\":{\"at\":\"/data/l\",\"type\":\"l\",\"header\":{\"order\":\"/data/a\"}}}]",
    "[{\"explode\":[{\"each\":\"/data/l\",\"type\":\"l\",\"header\":{\"o\":\"/data/a\"},\"attributes\":{\"item\":\"./p\"},\"when\":"
    "{\"at\":\"./q\",\"in\":[1,2]}},{\"data\":\"/data/m\",\"type\":\"n\"},{\"data\":\"/data\",\"type\":\"whole\"}]}]",
    "[{\"enrich\":{\"from\":\"plm\",\"query\":\"item\",\"with\":{\"number\":\"/data/a\",\"item\":\"/attributes/item\"},\"into\":"
    "\"/data/master/0\",\"timeout\":\"5s\",\"cache\":{\"ttl\":\"10m\",\"max\":7},\"on_failure\":{\"default\":[1.50,{}]}}}]",
    "[{\"enrich\":{\"from\":\"plm\",\"query\":\"item\",\"with\":{\"all\":\"/data\"},\"into\":\"/data/l/-\"}}]",
    "[{\"jq\":{\"program\":\".\",\"numbers\":\"text\"}}]",
    "[{\"jq\":{\"program\":\".[]\",\"collect\":true}}]",
    "[{\"jq\":{\"program\":\".data.x = .attributes\",\"input\":\"message\"}}]",
};
#define RICH (sizeof rich / sizeof rich[0])
static const char *const programs[] = {".", ".[]", ".data.x = .attributes", ".a", ". }"};

static struct bb_bytes bytes_of(const struct bb_buf *b)
{
    return (struct bb_bytes){b->ptr, b->len};
}

/* ---- the files that steps name ------------------------------------------------------------------- */
static int file_give(void *arg, const char *name, struct bb_bytes *value, struct bb_fault *err)
{
    static const struct {
        const char *name, *text;
    } files[] = {
        {"schema:a.part/1", "{\"$id\":\"urn:busbar:schema:a.part:1\",\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":"
                            "{\"type\":\"string\",\"maxLength\":4},\"q\":{\"$ref\":\"urn:busbar:schema:a.common:1#/$defs/quantity\"}}}"},
        {"schema:a.common/1", "{\"$id\":\"urn:busbar:schema:a.common:1\",\"$defs\":{\"quantity\":{\"minimum\":0},\"part\":{\"$ref\":"
                              "\"urn:busbar:schema:a.part:1\"}}}"},
        {"own.json", "{\"properties\":{\"p\":{\"$ref\":\"urn:busbar:schema:a.part:1\"}}}"},
        {"bad.json", "{\n\"type\":\n\"objct\"}"},
        {"fine.jq", "."},
    };
    static struct bb_buf kept[sizeof files / sizeof files[0]];

    (void)arg;
    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
        if (strcmp(files[k].name, name) == 0) {
            if (!kept[k].ptr) {
                bb_buf_init(&kept[k], 4096);
                bb_put_cstr(&kept[k], files[k].text);
            }
            *value = bytes_of(&kept[k]);
            return 0;
        }
    return bb_fail(err, "there is no such file");
}

static void mistake_say(void *arg, const char *file, const char *pointer, const char *text)
{
    (void)file;
    MUST(pointer && *text);
    ++*(unsigned *)arg;
}

/* ---- steps ------------------------------------------------------------------------------------------- */
static bool jq_known(struct bb_bytes config)
{
    struct bb_bytes text = config, none;

    if (bb_map_get(config, "file", &none) == 1)
        return true; /* of file_give() */
    if (bb_map_get(config, "program", &text) != 1)
        text = config;
    if (bb_as_str(text, &text) != 1)
        return true; /* a mistake */
    for (size_t k = 0; k < sizeof programs / sizeof programs[0]; k++)
        if (bb_bytes_are(text, programs[k]))
            return true;
    return false;
}

/* Whether every jq in it is one of ours; what is no plain list of steps must not name it. */
static bool steps_fit(struct bb_bytes steps)
{
    struct bb_cur c = bb_cur_of(steps);
    struct bb_bytes step, config;
    struct bb_tok t;

    if (bb_value_check(steps, NULL) != 0)
        return false;
    if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_ARRAY)
        return !memmem(steps.ptr, steps.len, "jq", 2);
    for (uint32_t k = 0; k < t.n && bb_cur_value(&c, &step) == 0; k++)
        if (bb_map_get(step, "jq", &config) == 1 && !jq_known(config))
            return false;
    return true;
}

static struct bb_transform *compile(struct bb_bytes steps, struct bb_buf *program)
{
    unsigned mistakes = 0;
    struct bb_transform_source src = {.arg = &mistakes, .file = file_give, .say = mistake_say, .program = program};
    struct bb_fault err = {0, ""};
    struct bb_transform *t = bb_transform_compile(steps, &src, &err);

    MUST(t ? !mistakes : (mistakes > 0) == (*err.text != '\0'));
    return t;
}

/* The steps of the input, or NULL. */
static struct bb_transform *compile_input(struct bb_bytes in, struct bb_buf *program)
{
    struct bb_transform *t = NULL;
    struct bb_buf steps;

    bb_buf_init(&steps, OUT_MAX);
    if (in.len && (*(const char *)in.ptr == '[' || *(const char *)in.ptr == '{')) {
        if (bb_json_read(in, &steps, NULL) != 0)
            steps.len = 0;
    } else {
        bb_put_raw(&steps, in);
    }
    if (!steps.failed && steps.len && steps_fit(bytes_of(&steps)))
        t = compile(bytes_of(&steps), program);
    bb_buf_free(&steps);
    return t;
}

/* A list of `rich`, compiled once from its JSON and once from its program. */
static const struct bb_transform *rich_of(unsigned k, bool again)
{
    static struct bb_transform *kept[2][RICH];
    struct bb_buf steps, program;
    struct bb_fault err;

    if (!kept[0][k]) {
        bb_buf_init(&steps, OUT_MAX);
        bb_buf_init(&program, BB_PROGRAM_MAX);
        MUST(bb_json_read((struct bb_bytes){rich[k], strlen(rich[k])}, &steps, &err) == 0);
        kept[0][k] = compile(bytes_of(&steps), &program);
        MUST(kept[0][k]);
        kept[1][k] = bb_transform_compile(bytes_of(&program), NULL, &err);
        MUST(kept[1][k]);
        bb_buf_free(&steps);
        bb_buf_free(&program);
    }
    return kept[again][k];
}

/* ---- one message --------------------------------------------------------------------------------------- */
struct outcome {
    bool sound; /* the message was */
    uint8_t mood; /* of who is asked */
    bb_status status;
    uint32_t n;
    uint64_t sum; /* of children and questions */
    struct bb_buf out;
};

static void sum(struct outcome *o, struct bb_bytes v)
{
    const uint8_t *p = v.ptr;

    for (size_t k = 0; k < v.len; k++)
        o->sum = (o->sum ^ p[k]) * 1099511628211u;
    o->sum++;
}

static int child_take(void *arg, struct bb_bytes whole, struct bb_fault *err)
{
    struct outcome *o = arg;

    MUST(bb_message_check(whole, NULL) == 0);
    sum(o, whole);
    if (o->n == 100)
        return bb_fail(err, "more than 100 children");
    o->n++;
    return 0;
}

static bb_status ask(void *arg, const struct bb_question *q, struct bb_buf *answer, struct bb_fault *err)
{
    static const bb_status failures[] = {BB_E_REJECT, BB_E_UNSUP, BB_E_RETRY, BB_E_CANCEL};
    struct outcome *o = arg;

    MUST(!o->sound || bb_message_check(q->request, NULL) == 0);
    MUST(q->timeout_ms && *q->endpoint && *q->op);
    sum(o, q->request);
    if (o->mood % 8 < 4) {
        bb_put_raw(answer, q->key);
        return BB_OK;
    }
    bb_fail(err, "no answer");
    return failures[o->mood % 4];
}

static void found(void *arg, const char *pointer, const char *failure, const char *why)
{
    (void)arg;
    MUST(*pointer == '/' && *failure && *why);
}

static void run(const struct bb_transform *t, struct bb_bytes message, struct outcome *o)
{
    struct bb_buf report;
    struct bb_transform_run r = {
        .now_ns = NOW, .ask = ask, .child = child_take, .found = found, .arg = o, .report = &report};
    struct bb_fault err = {0, ""};

    bb_buf_init(&report, 1u << 16);
    bb_buf_init(&o->out, OUT_MAX);
    o->status = bb_transform_apply(t, message, &o->out, &r, &err);
    if (o->status != BB_OK)
        MUST(!o->out.len && *err.text && r.step);
    else if (bb_transform_splits(t))
        MUST(!o->out.len && r.children == o->n && o->n);
    else if (o->sound)
        MUST(bb_message_check(bytes_of(&o->out), NULL) == 0);
    if (o->status == BB_E_REJECT)
        MUST(r.failure && *r.failure);
    bb_buf_free(&report);
}

/* A kept list. libjq holds its stack by the end of the block, which a search for leaks takes for one: what
 * a kept jq allocates is left out of it, what a compiled one does is not. */
static void run_rich(unsigned k, bool again, struct bb_bytes message, struct outcome *o)
{
    const struct bb_transform *t = rich_of(k, again);
    bool foreign = bb_transform_is_foreign(t);

    if (foreign)
        __lsan_disable();
    run(t, message, o);
    if (foreign)
        __lsan_enable();
}

/* A message from the rest of the input. */
static void message_read(struct bb_bytes in, struct bb_buf *out)
{
    struct bb_buf value;

    bb_buf_init(&value, OUT_MAX);
    if (in.len && *(const char *)in.ptr == '[' && bb_json_read(in, &value, NULL) == 0)
        in = bytes_of(&value);
    bb_put_raw(out, in);
    bb_buf_free(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_transform *t, *again = NULL;
    struct outcome one = {0}, two = {0};
    struct bb_buf program, message;
    struct bb_fault err = {0, ""};
    size_t cut;

    if (size < 2)
        return 0;
    cut = (size_t)(data[0] & 7) << 8 | data[1];
    cut = cut > size - 2 ? size - 2 : cut;
    bb_buf_init(&program, BB_PROGRAM_MAX);
    bb_buf_init(&message, OUT_MAX);
    t = compile_input((struct bb_bytes){data + 2, cut}, &program);
    if (t) {
        again = bb_transform_compile(bytes_of(&program), NULL, &err);
        MUST(again);
    }
    message_read((struct bb_bytes){data + 2 + cut, size - 2 - cut}, &message);
    one.sound = two.sound = bb_message_check(bytes_of(&message), NULL) == 0;
    one.mood = two.mood = data[1];
    if (t) {
        run(t, bytes_of(&message), &one);
        run(again, bytes_of(&message), &two);
    } else {
        run_rich((data[0] >> 3) % RICH, false, bytes_of(&message), &one);
        run_rich((data[0] >> 3) % RICH, true, bytes_of(&message), &two);
    }
    MUST(one.status == two.status && one.n == two.n && one.sum == two.sum && one.out.len == two.out.len);
    MUST(!one.out.len || memcmp(one.out.ptr, two.out.ptr, one.out.len) == 0);
    bb_buf_free(&one.out);
    bb_buf_free(&two.out);
    bb_buf_free(&program);
    bb_buf_free(&message);
    bb_transform_free(&t);
    bb_transform_free(&again);
    return 0;
}

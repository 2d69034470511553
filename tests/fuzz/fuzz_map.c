/*
 * fuzz_map.c - map files, and what they do to hostile messages
 *
 * The first two bytes say how long the rules are: that many bytes are a YAML file of rules; what follows
 * is a message, any bytes. When they do not compile, the message goes through rules that use every kind of
 * rule. A message that was sound must be sound afterwards; a program must compile to what the steps did.
 * Found are crashes, leaks, hangs, mistakes without a text, and messages that a map breaks.
 */
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "core/config/internal.h"
#include "core/transform/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so"; /* 0.7.12 itself loses a kilobyte on some broken quotes */
}

static const char all[] =
    "- copy: {from: /data/a, to: /attributes/item, optional: true}\n"
    "- rename: {from: /data/b, to: /data/c/d, optional: true}\n"
    "- constant: {to: /data/e/-, value: {x: [1, 2.50]}, when: {at: /data/e, exists: true}}\n"
    "- default: {to: /data/f, value: \"1\"}\n"
    "- drop: {at: /data/g/0, when: {any: [{at: /data/g, exists: true}, {at: /data/a, matches: \"^[a-z]+$\"}]}}\n"
    "- when: {if: {at: /data/a, prefix: a}, then: [{split: {from: /data/a, to: /data/s, by: \",\"}}]}\n"
    "- lookup: {from: /data/u, table: {ST: H87}, on_miss: keep, optional: true}\n"
    "- template: {to: /data/t, text: \"{/data/f|pad:5:0}-{/data/a|cut:1:3|upper|or:x|strip:0}\", optional: true}\n"
    "- date: {from: /data/day, zone: \"+01:00\", midnight: false, optional: true}\n"
    "- instant: {from: /data/at, zone: UTC, optional: true}\n"
    "- for_each:\n"
    "    at: /data/l\n"
    "    optional: true\n"
    "    where: {not: {at: ./k, equals: 1}}\n"
    "    do:\n"
    "      - rename: {from: ./a, to: ./b, optional: true}\n"
    "      - for_each: {at: ./l, optional: true, do: [{default: {to: ./x, value: 1}}, {copy: {from: ., to: ./old}}]}\n"
    "- sort: {at: /data/l, by: [./b, ./k], optional: true}\n"
    "- filter: {at: /data/l, drop: {at: ./k, equals: 2}, optional: true}\n"
    "- number: {at: /data/l, to: ./n, step: 10, width: 4, optional: true}\n"
    "- prune: {at: /data/l, optional: true}\n"
    "- merge: {from: [/data/l, /data/m], to: /data/all, optional: true}\n"
    "- prune: /data\n"
    "- gather: {at: /data/l, each: ./l, to: /data/flat, with: {g: ./b, h: ./l/0}, optional: true}\n"
    "- join: {from: /data/j, by: \"-\", optional: true}\n"
    "- cast: {from: /data/q, as: number, optional: true}\n"
    "- convert: {at: /data/w, scheme: sap, to: KGM, places: 3, item: /data/a, optional: true,\n"
    "            factors: [{item: a, unit: BOX, base: KGM, num: 3, den: 7}]}\n"
    "- scale: {from: /data/q, by: 3, per: 7, places: 3, optional: true}\n";

static int no_file(void *arg, const char *name, struct bb_bytes *value, struct bb_fault *err)
{
    (void)arg;
    (void)name;
    *value = (struct bb_bytes){"\x80", 1};
    snprintf(err->text, sizeof(err->text), "no files here");
    return -1;
}

static void said(void *arg, const char *file, const char *pointer, const char *text)
{
    (void)arg;
    (void)file;
    if (!pointer || !*text)
        abort();
}

/* [{"map": rules}] of a YAML text; false: it is none. */
static int steps_of(const char *yaml, size_t len, struct bb_buf *steps)
{
    struct bb_arena arena = {.max = 64u << 20};
    struct bb_diags d = {0};
    struct bb_read r = {.d = &d, .arena = &arena};
    struct bb_file *f = bb_file_new(&arena, "fuzz.yaml", ".", yaml, len);
    struct bb_bytes value = {NULL, 0};

    if (f && bb_yaml_parse(f, &d) == 0 && f->root) {
        bb_load_prepare(&r, f->root);
        value = bb_tree_bytes(&r, f->root);
    }
    if (value.ptr) {
        bb_put_array(steps, 1);
        bb_put_map(steps, 1);
        bb_put_cstr(steps, "map");
        bb_put_raw(steps, value);
    }
    bb_diags_free(&d);
    bb_arena_free(&arena);
    return value.ptr != NULL;
}

static struct bb_transform *compile(const char *yaml, size_t len, struct bb_buf *program)
{
    struct bb_transform_source src = {.file = no_file, .say = said, .program = program};
    struct bb_transform *t = NULL;
    struct bb_fault err = {0, ""};
    struct bb_buf steps;

    bb_buf_init(&steps, 32u << 20);
    if (steps_of(yaml, len, &steps))
        t = bb_transform_compile((struct bb_bytes){steps.ptr, steps.len}, &src, &err);
    bb_buf_free(&steps);
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bb_transform *whole; /* of all */
    struct bb_buf program, one, two;
    struct bb_transform *t, *again = NULL;
    struct bb_fault err;
    struct bb_bytes message;
    bb_status s, s2;
    size_t cut;
    int sound;

    if (size < 2)
        return 0;
    cut = (size_t)data[0] << 8 | data[1];
    cut = cut > size - 2 ? size - 2 : cut;
    bb_buf_init(&program, BB_PROGRAM_MAX);
    t = compile((const char *)data + 2, cut, &program);
    if (t) {
        again = bb_transform_compile((struct bb_bytes){program.ptr, program.len}, NULL, &err);
        if (!again)
            abort();
    } else if (!whole) {
        program.len = 0;
        whole = compile(all, sizeof(all) - 1, &program);
        if (!whole)
            abort();
    }
    message = (struct bb_bytes){data + 2 + cut, size - 2 - cut};
    bb_buf_init(&one, 1u << 20);
    bb_buf_init(&two, 1u << 20);
    if (message.len && *(const uint8_t *)message.ptr == '[') { /* JSON makes sound ones easier to find */
        if (bb_json_read(message, &two, NULL) == 0) {
            bb_put_raw(&one, (struct bb_bytes){two.ptr, two.len});
            message = (struct bb_bytes){one.ptr, one.len};
        }
        bb_buf_free(&two);
    }
    {
        struct bb_buf out;

        bb_buf_init(&out, 1u << 20);
        sound = bb_message_check(message, NULL) == 0;
        s = bb_transform_apply(t ? t : whole, message, &out, NULL, &err);
        if (s == BB_OK && sound && bb_message_check((struct bb_bytes){out.ptr, out.len}, &err) != 0)
            abort();
        if (s != BB_OK && (out.len || !*err.text))
            abort();
        s2 = bb_transform_apply(again ? again : whole, message, &two, NULL, &err);
        if (s != s2 || out.len != two.len || (out.len && memcmp(out.ptr, two.ptr, out.len) != 0))
            abort();
        bb_buf_free(&out);
    }
    bb_buf_free(&one);
    bb_buf_free(&two);
    bb_buf_free(&program);
    bb_transform_free(&t);
    bb_transform_free(&again);
    return 0;
}

/*
 * fuzz_bom.c - any data through the BOM steps: a digit says which, the rest is the data as JSON
 *
 * Asserted: what comes out is a canonical message, and a refusal has a text.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "core/transform/transform.h"

static const char *const steps[] = {
    "[{\"bom\":{\"boms\":\"/data/"
    "b\",\"phantoms\":\"explode\",\"scale\":6,\"rounding\":\"half-even\"}}]",
    "[{\"bom\":{\"boms\":\"/data/"
    "b\",\"phantoms\":\"explode\",\"effectivity\":\"check\",\"positions\":{}}}]",
    "[{\"bom\":{\"usage\":{\"to\":\"service\"},\"plant\":\"1\",\"at\":\"2026-04-01\",\"positions\":"
    "{\"previous\":\"/data/b\"}}}]",
    "[{\"bom_split\":{}}]",
    "[{\"bom_merge\":{\"boms\":\"/data/b\"}}]",
    "[{\"bom_split\":{}},{\"bom_merge\":{\"boms\":\"/data/boms\"}}]",
    "[{\"bom_diff\":{\"before\":\"/data/x\",\"after\":\"/data/y\"}}]",
    "[{\"bom_apply\":{\"bom\":\"/data/x\",\"change\":\"/data/y\"}}]",
    "[{\"bom_apply\":{\"bom\":\"/data/x\",\"change\":\"/data/y\",\"direction\":\"backward\"}}]",
};
#define N (sizeof steps / sizeof *steps)
static struct bb_transform *compiled[N];

static struct bb_transform *step(size_t i)
{
    struct bb_bytes json = {steps[i], strlen(steps[i])};
    struct bb_buf b;
    struct bb_fault f;

    if (compiled[i])
        return compiled[i];
    bb_buf_init(&b, 1 << 16);
    if (bb_json_read(json, &b, &f) != 0)
        abort();
    compiled[i] = bb_transform_compile((struct bb_bytes){b.ptr, b.len}, NULL, &f);
    bb_buf_free(&b);
    if (!compiled[i])
        abort();
    return compiled[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char attributes[] =
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/f\",\"type\":\"t\",\"change\":\"C\"}";
    struct bb_buf in, out;
    struct bb_fault f;
    struct bb_transform_run run = {.now_ns = 1};

    if (!n || p[0] < '0' || (size_t)(p[0] - '0') >= N)
        return -1;
    bb_buf_init(&in, 1 << 22);
    bb_buf_init(&out, 1 << 22);
    bb_put_array(&in, 2);
    if (bb_json_read((struct bb_bytes){attributes, sizeof attributes - 1}, &in, &f) == 0 &&
        bb_json_read((struct bb_bytes){p + 1, n - 1}, &in, &f) == 0 &&
        bb_message_check((struct bb_bytes){in.ptr, in.len}, &f) == 0) {
        bb_status s = bb_transform_apply(step((size_t)(p[0] - '0')),
                                         (struct bb_bytes){in.ptr, in.len}, &out, &run, &f);

        if (s == BB_OK && bb_message_check((struct bb_bytes){out.ptr, out.len}, &f) != 0) {
            fprintf(stderr, "not canonical: %s\n", f.text);
            abort();
        }
        if (s == BB_E_REJECT && !f.text[0])
            abort();
    }
    bb_buf_free(&in);
    bb_buf_free(&out);
    return 0;
}

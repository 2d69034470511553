/*
 * fuzz_schema.c - any text as a schema: compiled or refused with a note; what compiles ends on any
 * of some values, and both ways of checking agree
 */
#include <busbar/json.h>
#include <stdlib.h>
#include <string.h>
#include "core/schema/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x) \
    do { \
        if (!(x)) \
            abort(); \
    } while (0)

static const char *const values[] = {
    "null", "true", "0", "-7", "1.50", "1e300", "\"\"", "\"abc\"", "\"2026-01-31\"", "[]",
    "[1,1.0,\"a\",[1],{\"a\":1}]", "{}",
    "{\"a\":1,\"b\":\"x\",\"foo\":[1,2],\"bar\":{\"a\":{\"a\":null}},\"children\":[{\"data\":1}]}",
};

static void check(const struct bb_schema *s, struct bb_schema_run *run, struct bb_bytes value)
{
    size_t n, more;
    int plain = bb_schema_valid(s, value, run), gathered = bb_schema_check(s, value, run, 5);

    MUST(plain == gathered || gathered < 0); /* gathering looks at more: it may reach a limit */
    bb_schema_errors(run, &n, &more);
    if (gathered == 0)
        MUST(n > 0 && n <= 5);
    if (gathered < 0)
        MUST(*bb_schema_fault(run));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_schema_options options = {.nodes_max = 5000};
    struct bb_schema_notes notes = {0};
    struct bb_schema_run *run = bb_schema_run_new(1 << 20);
    struct bb_schema *s;
    struct bb_buf b;
    size_t i;

    MUST(run);
    bb_schema_run_limit(run, 20000);
    bb_buf_init(&b, 1 << 16);
    options.formats = size & 1;
    options.strict = size & 2;
    s = bb_schema_compile("fuzz", (struct bb_bytes){data, size}, &options, &notes);
    MUST((s == NULL) == (notes.errors > 0));
    for (i = 0; s && i < sizeof(values) / sizeof(*values); i++) {
        bb_buf_reset(&b);
        MUST(bb_json_read((struct bb_bytes){values[i], strlen(values[i])}, &b, NULL) == 0);
        check(s, run, (struct bb_bytes){b.ptr, b.len});
    }
    bb_buf_free(&b);
    bb_schema_free(&s);
    bb_schema_run_free(&run);
    bb_schema_notes_free(&notes);
    return 0;
}

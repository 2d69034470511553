/*
 * fuzz_config.c - conf.d's loader on any bytes
 *
 * The first byte says how the rest is split: a text for the YAML loader and, behind it, a msgpack
 * value taken as a connector's schema. Found are crashes, leaks, hangs and findings without text.
 */
#include "core/config/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml 0.7.12 itself loses a kilobyte on some broken quotes; our own leaks still count. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}

/* Secrets must not be read from this machine's files: a {file: ...} in the input would. */
static int has_path(const uint8_t *p, size_t n)
{
    size_t i;

    for (i = 0; i + 1 < n; i++)
        if (p[i] == '/' || (p[i] == '.' && p[i + 1] == '.'))
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char plain[] = "endpoints:\n  a: {connector: x, config: {b: 1, c: [2], d: {e: f}}}\n";
    struct bb_diags d = {0};
    struct bb_config *c;
    struct bb_bytes schema;
    struct bb_buf out;
    size_t i, cut;

    if (size < 1)
        return 0;
    cut = 1 + (size - 1) * data[0] / 255;
    c = bb_config_load_text("fuzz", (const char *)data + 1, cut - 1, &d);
    if (!c) {
        if (d.errors == 0)
            abort();
        c = bb_config_load_text("plain", plain, sizeof(plain) - 1, &d);
        if (!c)
            abort();
    }
    schema.ptr = data + cut;
    schema.len = size - cut;
    bb_buf_init(&out, 1 << 20);
    for (i = 0; i < c->n_endpoints && !has_path(data, size); i++)
        (void)bb_config_check_endpoint(c, &c->endpoints[i], schema, &out, &d);
    for (i = 0; i < d.n; i++)
        if (!d.v[i].text || !*d.v[i].text)
            abort();
    bb_buf_free(&out);
    bb_config_free(c);
    bb_diags_free(&d);
    return 0;
}

/*
 * fuzz_edm.c - $metadata that is hostile, and an entity read and written by whatever description it gave
 *
 * The input is the EDMX text; behind a NUL, if there is one, an entity as JSON. Each set's type reads it,
 * writes what it read, and makes a key of it.
 */
#include <string.h>
#include <busbar/json.h>
#include "plugins/sap/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
    struct bb_bytes text = {data, cut ? (size_t)(cut - data) : size}, json;
    struct bb_error err = bb_error_none();
    struct bb_buf in, now, out;
    struct bb_fault f;
    size_t n;
    struct edm *e = edm_read(text, &f);

    if (!e)
        return 0;
    json = cut ? (struct bb_bytes){cut + 1, size - text.len - 1} : (struct bb_bytes){"{\"Id\":\"1\"}", 10};
    bb_buf_init(&in, 1 << 20);
    bb_buf_init(&now, 1 << 20);
    bb_buf_init(&out, 1 << 20);
    if (bb_json_read(json, &in, NULL) == 0)
        for (size_t k = 0; k < e->n_sets; k++) {
            struct bb_bytes v = {in.ptr, in.len};
            bb_buf_reset(&now);
            bb_buf_reset(&out);
            if (entity_read(e, e->sets[k].type, v, &now) != 0)
                continue;
            v = (struct bb_bytes){now.ptr, now.len};
            (void)entity_json(e, e->sets[k].type, v, (struct bb_bytes){NULL, 0}, &out, &n, &err);
            (void)entity_json(e, e->sets[k].type, v, v, &out, &n, &err);
            (void)key_put(e, &e->sets[k], v, &out, &err);
        }
    bb_buf_free(&in);
    bb_buf_free(&now);
    bb_buf_free(&out);
    edm_free(&e);
    return 0;
}

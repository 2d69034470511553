/*
 * fuzz_plm.c - what a PLM sends: packages, items, structures in pages, records of its feed
 *
 * The first byte chooses the kind and the style; pages of a structure are separated by a byte 0. Asserted: whatever comes,
 * a message that is made of it is canonical, and an assembly is handed out once.
 */
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "plugins/plm/plm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

static struct bb_inst inst = {.conf = {.source = (char *)"/plm", .levels = 20, .page = 100, .lines_max = 500}};

static void message_look(const struct bb_buf *out)
{
    struct bb_fault f;

    if (!out->failed)
        MUST(bb_message_check((struct bb_bytes){out->ptr, out->len}, &f) == 0);
}

static int assembly(void *arg, struct bb_bytes header, const struct bb_bytes *lines, size_t n, struct bb_error *err)
{
    struct bb_buf out;

    (void)arg;
    bb_buf_init(&out, 4u << 20);
    int rc = bom_message(&inst, header, lines, n, &out, err);
    if (rc == 0)
        message_look(&out);
    bb_buf_free(&out);
    return 0; /* the others too */
}

static void structure_take(const uint8_t *p, size_t n)
{
    struct structure *s = structure_new(&inst);
    struct bb_error err = bb_error_none();
    int rc = 0;

    while (s && rc == 0 && n) {
        const uint8_t *end = memchr(p, 0, n);
        size_t len = end ? (size_t)(end - p) : n;
        struct bb_buf page;
        struct bb_bytes next;
        bb_buf_init(&page, 4u << 20);
        rc = bb_json_read((struct bb_bytes){p, len}, &page, NULL);
        if (rc == 0)
            rc = structure_page(s, (struct bb_bytes){page.ptr, page.len}, &next, &err);
        bb_buf_free(&page);
        p += len + (end != NULL);
        n -= len + (end != NULL);
    }
    if (s && rc == 0)
        (void)structure_each(s, assembly, NULL, &err);
    structure_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_error err = bb_error_none();
    struct bb_buf v, out;

    if (!size)
        return 0;
    inst.conf.odata = *data >> 2 & 1;
    if (*data % 4 == 0) {
        structure_take(data + 1, size - 1);
        return 0;
    }
    bb_buf_init(&v, 4u << 20), bb_buf_init(&out, 4u << 20);
    if (bb_json_read((struct bb_bytes){data + 1, size - 1}, &v, NULL) == 0) {
        struct bb_bytes value = {v.ptr, v.len};
        int rc = *data % 4 == 1   ? change_message(&inst, value, &out, &err)
                 : *data % 4 == 2 ? item_message(&inst, value, &out, &err)
                                  : notice_message(&inst, value, &out, &err) - 1;
        if (rc == 0)
            message_look(&out);
    }
    bb_buf_free(&v), bb_buf_free(&out);
    return 0;
}

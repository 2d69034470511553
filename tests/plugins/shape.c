/*
 * shape.c - test-shape: a transform that makes a message of a message, well and badly
 *
 * wrap puts the data under "was" beside a word; grow asks for more room first; huge makes more than any
 * message may be; lie and long say that they wrote what they did not; die, hang and bug do just that; submit
 * tries what a transform must not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <busbar/plugin.h>
#include "tests/plugins/shape-manifest.h"

#define GROWN 100000

struct bb_inst {
    struct bb_ctx ctx;
    char mode[16], word[64];
};

static bb_status shape_create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *config,
                              bb_inst **out, struct bb_error *err)
{
    struct bb_inst *i = calloc(1, sizeof(*i));

    if (!i)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    i->ctx.host = h;
    i->ctx.api = api;
    bb_str_copy(bb_conf_str(*config, "/mode", "wrap"), i->mode, sizeof(i->mode));
    bb_str_copy(bb_conf_str(*config, "/word", ""), i->word, sizeof(i->word));
    *out = i;
    return BB_OK;
}

static bb_status shape_start(bb_inst *i, struct bb_error *err)
{
    return strcmp(i->mode, "no-start") == 0 ? bb_error_set(err, BB_E_CONFIG, "as configured") : BB_OK;
}

static bb_status shape_stop(bb_inst *i, uint32_t budget_ms)
{
    (void)i;
    (void)budget_ms;
    return BB_OK;
}

static void shape_destroy(bb_inst *i)
{
    free(i);
}

static bb_status shape_wrap(const bb_inst *i, const struct bb_msg_view *v, void *buf, size_t cap, size_t *len)
{
    char grown[GROWN];
    struct bb_envelope e;
    struct bb_buf data, whole;
    bb_status s = BB_OK;

    if (bb_envelope_read(v->whole, &e, NULL) != 0)
        return BB_E_REJECT;
    bb_buf_init(&data, 1u << 24);
    bb_buf_init(&whole, 1u << 24);
    bb_put_map(&data, 2);
    bb_put_cstr(&data, "word");
    memset(grown, 'x', sizeof(grown));
    if (strcmp(i->mode, "grow") == 0)
        bb_put_str(&data, grown, sizeof(grown));
    else
        bb_put_cstr(&data, i->word);
    bb_put_cstr(&data, "was");
    bb_put_raw(&data, e.data);
    bb_put_array(&whole, 2);
    bb_put_raw(&whole, e.attributes);
    bb_put_raw(&whole, (struct bb_bytes){data.ptr, data.len});
    *len = whole.len;
    if (whole.len > cap)
        s = BB_E_BUSY;
    else
        memcpy(buf, whole.ptr, whole.len);
    bb_buf_free(&data);
    bb_buf_free(&whole);
    return s;
}

static bb_status shape_apply(bb_inst *i, const bb_msg *m, void *buf, size_t cap, size_t *len,
                             struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof(v)};

    i->ctx.api->msg_view(m, &v);
    if (strcmp(i->mode, "reject") == 0)
        return bb_error_set(err, BB_E_REJECT, "no such shape");
    if (strcmp(i->mode, "unsup") == 0)
        return BB_E_UNSUP;
    if (strcmp(i->mode, "bug") == 0)
        return BB_E_DOWN;
    if (strcmp(i->mode, "huge") == 0) {
        *len = (size_t)1 << 40;
        return BB_E_BUSY;
    }
    if (strcmp(i->mode, "long") == 0) {
        *len = cap + 1;
        return BB_OK;
    }
    if (strcmp(i->mode, "lie") == 0) {
        memset(buf, 0xc1, *len = 8);
        return BB_OK;
    }
    if (strcmp(i->mode, "die") == 0)
        abort();
    while (strcmp(i->mode, "hang") == 0)
        pause();
    if (strcmp(i->mode, "submit") == 0 &&
        i->ctx.api->submit(i->ctx.host, &v.whole, 1, NULL, 1, err) != BB_E_UNSUP)
        return bb_error_set(err, BB_E_REJECT, "it could submit");
    return shape_wrap(i, &v, buf, cap, len);
}

static const void *shape_extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_transform transform = {sizeof(transform), 0, shape_apply};

    (void)i;
    return strcmp(id, BB_EXT_TRANSFORM) == 0 ? &transform : NULL;
}

static const struct bb_connector shape = {
    .size = sizeof(shape), .id = "test-shape", .create = shape_create, .start = shape_start,
    .stop = shape_stop, .destroy = shape_destroy, .extension = shape_extension,
};
static const struct bb_connector *const all[] = {&shape};
static const struct bb_module module = {sizeof(module), BB_ABI, 1, 0, all};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    return host_abi == BB_ABI ? &module : NULL;
}

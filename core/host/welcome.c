/*
 * welcome.c - what the hub tells an instance of itself: WELCOME's map
 *
 * Thread: the instance's, before the plugin runs. The secrets are copied once, into memory that is
 * wiped when the instance ends; transforms are compiled here, so that a mistake in one shows at the
 * start and not at the first message.
 */
#include <stdlib.h>
#include <string.h>

#include "core/host/internal.h"

#define ROUTES_MAX 4096u
#define SECRETS_MAX (1u << 20)

static int bb_welcome_secrets(struct bb_host *h, struct bb_bytes map, struct bb_fault *err)
{
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok t;
    void *copy;

    if (bb_map_get(map, "secrets", &v) != 1)
        return 0;
    c = bb_cur_of(v);
    if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_MAP || v.len > SECRETS_MAX)
        return bb_host_fault(err, 0, "WELCOME's \"secrets\" is not a map of at most %u bytes",
                             SECRETS_MAX);
    copy = malloc(v.len);
    if (!copy)
        return bb_host_fault(err, 0, "out of memory");
    memcpy(copy, v.ptr, v.len);
    h->secrets.ptr = copy;
    h->secrets.len = v.len;
    return 0;
}

static int bb_welcome_state(struct bb_host *h, struct bb_bytes map, struct bb_fault *err)
{
    struct bb_credit *c = &h->credit;
    struct bb_bytes v;
    struct bb_cur cur;
    struct bb_tok t, version, value;

    if (bb_map_get(map, "state", &v) != 1)
        return 0;
    cur = bb_cur_of(v);
    if (bb_cur_next(&cur, &t) < 0)
        return -1;
    if (t.kind == BB_T_NIL)
        return 0;
    if (t.kind != BB_T_ARRAY || t.n < 2 || bb_cur_next(&cur, &version) < 0 ||
        bb_cur_next(&cur, &value) < 0 || version.kind != BB_T_INT || version.i < 0 ||
        value.kind != BB_T_BIN || value.s.len > BB_STATE_MAX)
        return bb_host_fault(err, 0, "WELCOME's \"state\" is neither nil nor [version, bin]");
    c->state = malloc(value.s.len ? value.s.len : 1);
    if (!c->state)
        return bb_host_fault(err, 0, "out of memory");
    memcpy(c->state, value.s.ptr, value.s.len);
    c->state_len = value.s.len;
    c->state_version = (uint64_t)version.i;
    return 0;
}

static int bb_route_order(const void *a, const void *b)
{
    const struct bb_route_steps *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static int bb_welcome_routes(struct bb_host *h, struct bb_bytes map, struct bb_fault *err)
{
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok t, k;

    if (bb_map_get(map, "routes", &v) != 1)
        return 0;
    c = bb_cur_of(v);
    if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_MAP || t.n > ROUTES_MAX)
        return bb_host_fault(err, 0, "WELCOME's \"routes\" is not a map of at most %u routes",
                             ROUTES_MAX);
    h->routes = calloc(t.n ? t.n : 1, sizeof(*h->routes));
    if (!h->routes)
        return bb_host_fault(err, 0, "out of memory");
    for (uint32_t i = 0, n = t.n; i < n; i++) {
        struct bb_route_steps *r = &h->routes[h->n_routes];
        struct bb_fault why = {0, ""};

        if (bb_cur_next(&c, &k) < 0 || bb_cur_next(&c, &t) < 0 || k.kind != BB_T_INT || k.i < 0 ||
            k.i > UINT32_MAX || (t.kind != BB_T_BIN && t.kind != BB_T_NIL))
            return bb_host_fault(err, 0, "WELCOME's \"routes\" holds something else than steps");
        r->number = (uint32_t)k.i;
        h->n_routes++;
        if (t.kind == BB_T_NIL || t.s.len == 0)
            continue;
        r->steps = bb_transform_compile(t.s, NULL, &why);
        if (!r->steps && why.text[0])
            return bb_host_fault(err, 0, "the transform of route %u: %s", r->number, why.text);
        r->keep = r->steps && !bb_transform_is_pure(r->steps);
    }
    qsort(h->routes, h->n_routes, sizeof(*h->routes), bb_route_order);
    return 0;
}

static int bb_welcome_accept(struct bb_host *h, struct bb_bytes map, struct bb_fault *err)
{
    struct bb_fault why = {0, ""};
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok t;

    if (bb_map_get(map, "accept", &v) != 1)
        return 0;
    c = bb_cur_of(v);
    if (bb_cur_next(&c, &t) < 0 || (t.kind != BB_T_BIN && t.kind != BB_T_NIL))
        return bb_host_fault(err, 0, "WELCOME's \"accept\" is not bin");
    if (t.kind == BB_T_NIL || t.s.len == 0)
        return 0;
    h->accept = bb_transform_compile(t.s, &(struct bb_transform_source){.accept = true}, &why);
    return h->accept || !why.text[0] ? 0 : bb_host_fault(err, 0, "its accept: %s", why.text);
}

static int bb_welcome_plugin(struct bb_host *h, struct bb_bytes map, struct bb_fault *err)
{
    struct bb_bytes v, s;
    char path[sizeof(h->plugin.manifest.path)];

    if (h->run->spec.rehearsal) { /* a manifest that offers all there is, without a file */
        h->plugin.c = *h->run->spec.rehearsal->connector;
        h->plugin.manifest.batch = true;
        return 0;
    }
    if (bb_map_get(map, "plugin", &v) != 1 || !bb_as_str(v, &s) || s.len >= sizeof(path) ||
        memchr(s.ptr, 0, s.len))
        return bb_host_fault(err, 0, "WELCOME's \"plugin\" is not a path");
    memcpy(path, s.ptr, s.len);
    path[s.len] = '\0';
    return bb_plugin_load(path, &h->plugin, err);
}

int bb_welcome_read(struct bb_host *h, struct bb_bytes map, struct bb_bytes *config,
                    struct bb_fault *err)
{
    static const uint8_t empty[1] = {0x80};
    uint64_t roles, workers, batch, messages, bytes, max_message;
    const struct {
        const char *key;
        uint64_t def, max;
        uint64_t *out;
    } numbers[] = {
        {"roles", BB_ROLE_SINK, UINT32_MAX, &roles},
        {"workers", 1, UINT32_MAX, &workers},
        {"batch", 1, BB_BATCH_CAP, &batch},
        {"messages", 0, UINT64_MAX / 4, &messages},
        {"bytes", 0, UINT64_MAX / 4, &bytes},
        {"max_message", 16u << 20, 1u << 30, &max_message},
    };
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok t;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (bb_host_uint(map, "WELCOME", numbers[i].key, numbers[i].def, numbers[i].max,
                         numbers[i].out, err) < 0)
            return -1;
    h->roles = (uint32_t)roles;
    h->workers = (uint32_t)workers;
    h->batch_max = batch ? (uint32_t)batch : 1;
    h->max_message = max_message;
    config->ptr = empty;
    config->len = sizeof(empty);
    if (bb_map_get(map, "config", &v) == 1) {
        c = bb_cur_of(v);
        if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_BIN)
            return bb_host_fault(err, 0, "WELCOME's \"config\" is not bin");
        *config = t.s;
    }
    h->pool = bb_pool_new(h->max_message);
    if (!h->pool || bb_credit_init(h, messages, bytes) < 0)
        return bb_host_fault(err, 0, "out of memory");
    if (bb_welcome_secrets(h, map, err) < 0 || bb_welcome_state(h, map, err) < 0 ||
        bb_welcome_plugin(h, map, err) < 0)
        return -1;
    return bb_welcome_accept(h, map, err) < 0 ? -1 : bb_welcome_routes(h, map, err);
}

void bb_welcome_free(struct bb_host *h)
{
    if (h->secrets.ptr)
        explicit_bzero((void *)(uintptr_t)h->secrets.ptr, h->secrets.len);
    free((void *)(uintptr_t)h->secrets.ptr);
    h->secrets.ptr = NULL;
    h->secrets.len = 0;
    for (size_t i = 0; i < h->n_routes; i++)
        bb_transform_free(&h->routes[i].steps);
    free(h->routes);
    h->routes = NULL;
    h->n_routes = 0;
    bb_transform_free(&h->accept);
    bb_buf_free(&h->refusal);
    bb_credit_free(h);
    bb_manifest_free(&h->plugin.manifest);
}

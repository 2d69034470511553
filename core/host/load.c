/*
 * load.c - brings a plugin's code into the process
 *
 * The manifest is read and judged first; only then is the file mapped, with RTLD_NOW | RTLD_LOCAL.
 * It is never closed again: libraries that it pulled in leave threads, TLS keys and atexit handlers
 * behind that would jump into unmapped memory. Thread: any.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/host/internal.h"

#define MODULE_CONNECTORS_MAX 64

int bb_host_fault(struct bb_fault *err, size_t offset, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return -1;
    err->offset = offset;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -1;
}

int bb_host_uint(struct bb_bytes map, const char *whose, const char *key, uint64_t def,
                 uint64_t max, uint64_t *out, struct bb_fault *err)
{
    struct bb_bytes v;
    int64_t i;

    *out = def;
    if (bb_map_get(map, key, &v) != 1)
        return 0;
    if (!bb_as_int(v, &i) || i < 0)
        return bb_host_fault(err, 0, "%s's \"%s\" is not a whole number from 0", whose, key);
    *out = (uint64_t)i > max ? max : (uint64_t)i;
    return 0;
}

uint64_t bb_host_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* dlsym also finds a symbol in what the file depends on: only the file's own counts. */
static bool bb_plugin_owns(void *handle, void *symbol)
{
    struct link_map *file = NULL, *owner = NULL;
    Dl_info info;

    return dlinfo(handle, RTLD_DI_LINKMAP, &file) == 0 &&
           dladdr1(symbol, &info, (void **)&owner, RTLD_DL_LINKMAP) != 0 && file && file == owner;
}

static const struct bb_connector *bb_plugin_pick(const struct bb_module *m, const char *id)
{
    for (uint32_t i = 0; i < m->count && i < MODULE_CONNECTORS_MAX; i++) {
        const struct bb_connector *c = m->connectors[i];

        if (c && c->size >= offsetof(struct bb_connector, id) + sizeof(c->id) && c->id &&
            strcmp(c->id, id) == 0)
            return c;
    }
    return NULL;
}

static int bb_plugin_take(const struct bb_module *m, struct bb_plugin *p, const char *path,
                          struct bb_fault *err)
{
    const struct bb_manifest *n = &p->manifest;
    const struct bb_connector *c;

    if (!m)
        return bb_host_fault(err, 0, "%s: its bb_module_v1 refuses ABI %u", path, BB_ABI);
    if (m->size < offsetof(struct bb_module, connectors) + sizeof(m->connectors) || !m->connectors)
        return bb_host_fault(err, 0, "%s: its module table has %u bytes, too few for ABI %u", path,
                             m->size, BB_ABI);
    if (m->abi < n->abi_min || m->abi > n->abi_max)
        return bb_host_fault(err, 0, "%s: built for ABI %u, its manifest says %u..%u", path, m->abi,
                             n->abi_min, n->abi_max);
    c = bb_plugin_pick(m, n->id);
    if (!c)
        return bb_host_fault(err, 0, "%s: its module has no connector \"%s\", as its manifest says",
                             path, n->id);
    memset(&p->c, 0, sizeof(p->c));
    memcpy(&p->c, c, c->size < sizeof(p->c) ? c->size : sizeof(p->c));
    if (!p->c.create || !p->c.start || !p->c.stop || !p->c.destroy)
        return bb_host_fault(err, 0, "%s: connector \"%s\" lacks create, start, stop or destroy",
                             path, n->id);
    if (n->sink && !p->c.deliver)
        return bb_host_fault(err, 0, "%s: connector \"%s\" says it is a sink but has no deliver",
                             path, n->id);
    return 0;
}

int bb_plugin_load(const char *path, struct bb_plugin *p, struct bb_fault *err)
{
    const struct bb_module *(*entry)(uint32_t);
    void *handle, *symbol;

    if (bb_manifest_read(path, &p->manifest, err) < 0)
        return -1;
    if (!strchr(path, '/')) {
        bb_host_fault(err, 0, "%s: not a path with a folder", path);
        goto fail;
    }
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        const char *why = dlerror();

        bb_host_fault(err, 0, "cannot load %s: %s", path, why ? why : "unknown reason");
        goto fail;
    }
    symbol = dlsym(handle, "bb_module_v1");
    if (!symbol || !bb_plugin_owns(handle, symbol)) {
        bb_host_fault(err, 0, "%s: exports no bb_module_v1 of its own", path);
        goto fail;
    }
    memcpy(&entry, &symbol, sizeof(entry)); /* ISO C has no cast from object to function pointer */
    if (bb_plugin_take(entry(BB_ABI), p, path, err) == 0)
        return 0;
fail:
    bb_manifest_free(&p->manifest);
    return -1;
}

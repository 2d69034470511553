/*
 * edm.h - what a service's $metadata says: sets, types, navigations, functions
 *
 * A description is made once from the EDMX text and read-only from then on; everything in it lives in
 * its own blocks of memory and goes with edm_free(). Types refer to each other by pointer, so a
 * navigation of a navigation is followed without a look-up. Names of namespaces are dropped: a service
 * has one that matters.
 *
 * Thread: the instance's. Limits: EDM_TEXT_MAX bytes of text, EDM_COUNT_MAX of anything.
 */
#ifndef BB_SAP_EDM_H
#define BB_SAP_EDM_H

#include <busbar/message.h>

#define EDM_TEXT_MAX (8u << 20)
#define EDM_COUNT_MAX 4096u

enum edm_kind {
    EDM_STRING, EDM_BOOL, EDM_INT, EDM_INT64, EDM_DECIMAL, EDM_DOUBLE, EDM_DATETIME, EDM_OFFSET, EDM_DATE,
    EDM_TIME, EDM_OTHER
};
struct edm_type;
struct edm_prop {
    const char *name;
    enum edm_kind kind;
    int64_t length, precision, scale; /* -1: not said */
    int key;
};
struct edm_nav {
    const char *name;
    const struct edm_type *type; /* NULL: of another service */
    int many;
};
struct edm_type {
    const char *name;
    struct edm_prop *props;
    struct edm_nav *navs;
    size_t n_props, n_navs;
    int etag; /* writes want If-Match */
};
struct edm_set {
    const char *name;
    const struct edm_type *type;
    int etag;
};
struct edm_function {
    const char *name, *method;
    struct edm_prop *params;
    size_t n_params;
};
struct edm_block;
struct edm {
    int version; /* of OData: 2 or 4 */
    struct edm_type *types;
    struct edm_set *sets;
    struct edm_function *functions;
    size_t n_types, n_sets, n_functions;
    struct edm_block *blocks;
};

/* NULL with err: no XML, no EDMX, too much of it. */
struct edm *edm_read(struct bb_bytes text, struct bb_fault *err);
void edm_free(struct edm **ep);
const struct edm_set *edm_set_find(const struct edm *e, struct bb_bytes name);
const struct edm_type *edm_type_find(const struct edm *e, struct bb_bytes name); /* a namespace before it is dropped */
const struct edm_prop *edm_prop_find(const struct edm_type *t, struct bb_bytes name);
const struct edm_nav *edm_nav_find(const struct edm_type *t, struct bb_bytes name);
const struct edm_function *edm_function_find(const struct edm *e, const char *name);

#endif

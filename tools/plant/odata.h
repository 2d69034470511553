/*
 * odata.h - OData V2 and V4 services from descriptions: one line of text a set gives its table, its
 * $metadata, its parsing, its filters and its output
 *
 * A property is NAME:TYPE, a star before it makes it a key. Types: sN string of N characters, dP.S
 * decimal, D date, T date and time, t time of day, b boolean, i whole number. A navigation is
 * NAME>SET(OWN=THEIRS,SAME) for many, NAME-SET(...) for one; ! after the name makes it a composition:
 * written with its parent, replaced by a deep PATCH, deleted with it. Inside, values are texts: decimals
 * without zeros at the end, 2026-11-28, 2026-11-28T20:15:00Z, 08:30:00, true.
 */
#ifndef PLANT_ODATA_H
#define PLANT_ODATA_H

#include "tools/plant/kit.h"

#define ODATA_PROPS 72
#define ODATA_NAVS 6
#define ODATA_DEPTH 4

enum { ODATA_ETAG = 1, ODATA_NO_POST = 2, ODATA_NO_PATCH = 4, ODATA_NO_DELETE = 8, ODATA_READ_ONLY = 14 };

struct odata_row;
struct odata_op;
struct odata_ctx;

struct odata_prop {
    char name[48];
    char type;
    int len, scale;
    bool key;
};
struct odata_nav {
    char name[48], target[48];
    bool many, owns;
    char own[8][48], theirs[8][48];
    int n;
};
struct odata_set {
    const char *name, *type;
    const char *table; /* NULL: the type's name; a set of another version may share one */
    const char *props_text, *navs_text;
    unsigned flags;
    /* A business rule, before and after a change; false: refused, by odata_fail(). */
    bool (*rule)(struct odata_op *op);
    const char *changed; /* the property that takes the time of the last change, or NULL */
    /* filled by odata_service_make() */
    struct odata_prop props[ODATA_PROPS];
    int n_props;
    struct odata_nav navs[ODATA_NAVS];
    int n_navs;
};
struct odata_function {
    const char *name, *method, *params; /* params as in props_text */
    const char *returns;                /* a set's name, or NULL */
    /* Does it; *out is the row to show, NULL: nothing (204). args: a text or NULL for each parameter. */
    bool (*take)(struct odata_ctx *x, char **args, struct odata_row **out);
};
struct odata_service {
    const char *path, *name_space;
    int version;
    struct odata_set *sets; /* ends with an empty one */
    const struct odata_function *functions;
};
struct odata_row {
    const struct odata_set *set;
    char *v[ODATA_PROPS]; /* NULL: null */
    int64_t version;
    bool fresh[ODATA_NAVS]; /* children that came with it */
};
struct odata_op {
    struct odata_ctx *x;
    char verb;  /* 'C' create, 'U' update, 'D' delete */
    bool after; /* the change is made, children and all */
    struct odata_row *row, *old, *parent; /* old: with 'U'; parent: of a child in a deep insert */
};
struct odata_ctx { /* one request inside a service, or one part of a batch */
    struct plant_call *c;
    const struct odata_service *s;
    const char *method, *rest; /* the path inside the service */
    bool in_batch;
};

/* Reads the descriptions and makes the tables. */
void odata_service_make(struct odata_service *s, sqlite3 *db);
void odata_params_read(struct odata_set *s); /* only a description's properties */
/* Serves a call on one of the services, which end with an empty one. */
void odata_take(struct plant_call *c, const struct odata_service *services);
bool odata_handle(struct odata_ctx *x); /* one request, CSRF already seen to */
void odata_batch(struct odata_ctx *x);
void odata_metadata(struct odata_ctx *x);
void odata_read(struct odata_ctx *x);
void odata_write(struct odata_ctx *x);

const struct odata_set *odata_set_find(const struct odata_service *s, const char *name);
const struct odata_prop *odata_prop_find(const struct odata_set *set, const char *name);
const struct odata_nav *odata_nav_find(const struct odata_set *set, const char *name, int *index);
const char *odata_table(const struct odata_set *set);

/* ---- rows ------------------------------------------------------------------------------------- */

const char *odata_get(const struct odata_row *r, const char *prop); /* "" for null */
void odata_put(struct odata_row *r, const char *prop, const char *value);
bool odata_is(const struct odata_row *r, const char *prop, const char *value);
int64_t odata_qty(const struct odata_row *r, const char *prop); /* thousandths */
/* The rows where a condition in SQL holds, at most max; returns how many. */
int odata_rows(struct odata_ctx *x, const struct odata_set *set, const char *where, struct odata_row **out, int max);
struct odata_row *odata_row_by(struct odata_ctx *x, const char *set, const char *where);
char *odata_key_where(struct odata_ctx *x, const struct odata_row *r); /* SQL that finds it */
char *odata_quote(struct plant_mem *m, const char *s);                 /* as an SQL literal */
void odata_store(struct odata_ctx *x, struct odata_row *r);            /* UPDATE, a new version */
bool odata_insert(struct odata_ctx *x, struct odata_row *r);           /* false: it is there already */
char *odata_etag(struct odata_ctx *x, const struct odata_row *r);
/* NAME(KEY='..',..), percent-encoded. */
char *odata_link(struct odata_ctx *x, const struct odata_row *r);

/* ---- paths, filters, values ------------------------------------------------------------------- */

struct odata_target { /* where a path leads */
    const struct odata_set *set;
    struct odata_row *row;        /* one entity; NULL: a collection */
    char *where;                  /* of the collection */
    struct odata_row *parent;     /* whose navigation it is */
    const struct odata_nav *nav;
    bool count;                   /* .../$count */
};
bool odata_target_find(struct odata_ctx *x, struct odata_target *t);
char *odata_filter_sql(struct odata_ctx *x, const struct odata_set *set, const char *text); /* NULL: failed */
char *odata_child_where(struct odata_ctx *x, const struct odata_row *parent, const struct odata_nav *nav);
/* A JSON value into its inside text; false: it is not of that type. */
bool odata_value_read(struct odata_ctx *x, const struct odata_prop *p, struct plant_text json, char **out);
/* A literal of a URL ('x', 12.3M, datetime'..') likewise. */
bool odata_literal_read(struct odata_ctx *x, const struct odata_prop *p, const char *text, char **out);
void odata_value_write(const struct odata_ctx *x, struct plant_buf *b, const struct odata_prop *p, const char *v);
void odata_row_write(struct odata_ctx *x, struct plant_buf *b, const struct odata_row *r, const char *select,
                     const char *expand, int depth);
void odata_entity_answer(struct odata_ctx *x, int status, const struct odata_row *r, const char *select,
                         const char *expand);

/* ---- answers ---------------------------------------------------------------------------------- */

/* Answers with an error in the version's own shape; returns false, so that a rule can return it. */
bool odata_fail(struct odata_ctx *x, int status, const char *code, const char *target, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* A warning in sap-message or sap-messages. */
void odata_warn(struct odata_ctx *x, const char *code, const char *text);

#endif

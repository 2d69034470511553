/*
 * policies.c - the section "policies": who owns what; and an endpoint's `echo`
 *
 * Thread: the loader's. Ownership: all of it lies in the configuration's arena.
 */
#include "core/config/internal.h"

#include <stdio.h>
#include <string.h>

void bb_read_ownership_match(struct bb_read *x, const struct bb_node *n, void *to)
{
    struct bb_ownership *o = to;

    o->match = bb_match_read(x, n, &o->n_match);
    if (!n->n)
        bb_say(x, n, "name at least one attribute, such as {type: mfg.inventory.*}");
}

static char **pointers_read(struct bb_read *x, const struct bb_node *n, bool attributes, size_t *count)
{
    static const struct bb_spec pointer = {.types = BB_TYPE_STR, .size = sizeof(char *)};
    const struct bb_node *at = n->kind == BB_LIST ? n->child : n;

    for (; at; at = n->kind == BB_LIST ? at->next : NULL)
        if (at->kind == BB_SCALAR && strncmp(at->text, "/data/", 6) != 0 &&
            !(attributes && strncmp(at->text, "/attributes/", 12) == 0 && !strchr(at->text + 12, '/')))
            bb_say(x, at, "\"%.60s\" is no pointer into the data, such as /data/reference", at->text);
    return bb_texts_read(x, n, &pointer, count);
}

void bb_read_ownership_fields(struct bb_read *x, const struct bb_node *n, void *to)
{
    struct bb_ownership *o = to;

    o->fields = pointers_read(x, n, false, &o->n_fields);
}

void bb_read_echo(struct bb_read *x, const struct bb_node *n, void *to)
{
    struct bb_endpoint_config *e = to;

    e->echo = pointers_read(x, n, true, &e->n_echo);
}

void bb_read_ownership_owner(struct bb_read *x, const struct bb_node *n, void *to)
{
    static const struct bb_spec name = {.types = BB_TYPE_STR, .format = BB_F_NAME, .size = sizeof(char *)};
    struct bb_ownership *o = to;

    o->owners = bb_texts_read(x, n, &name, &o->n_owners);
}

void bb_read_ownership(struct bb_read *x, const struct bb_node *map, void *to)
{
    struct bb_config *c = to;
    struct bb_ownership *o;
    const struct bb_node *n;
    void *v;

    for (n = map->child; n; n = n->next) {
        if (!bb_thing_begin(x, &x->load->ownership, "ownership", n, c->n_ownership, BB_CONF_OWNERSHIPS_MAX))
            continue;
        if (!(v = bb_arena_grow(x->arena, c->ownership, c->n_ownership, sizeof(*c->ownership))))
            return;
        c->ownership = v;
        o = &c->ownership[c->n_ownership++];
        bb_read_none(&bb_spec_ownership, o);
        o->name = bb_arena_str(x->arena, n->key->text, n->key->len);
        o->where = bb_node_where(n);
        bb_read(x, n, &bb_spec_ownership, o, NULL);
    }
    x->what[0] = 0;
}

/* Who is named must be there: else the rule would shut everybody out. */
void bb_ownership_cross(struct bb_read *x)
{
    struct bb_config *c = x->c;

    for (size_t i = 0; i < c->n_ownership && !x->load->broken; i++) {
        const struct bb_ownership *o = &c->ownership[i];
        const struct bb_node *at = bb_node_get(o->where.node, "owner");

        snprintf(x->what, sizeof(x->what), "ownership \"%s\"", o->name);
        at = at && at->kind == BB_LIST ? at->child : at;
        for (size_t k = 0; k < o->n_owners && at; k++, at = at->next)
            if (!bb_config_endpoint(c, o->owners[k]))
                bb_say(x, at, "owner: there is no endpoint \"%s\"%s", o->owners[k],
                       bb_hint(x, o->owners[k], c->endpoints, c->n_endpoints, sizeof(*c->endpoints)).text);
    }
}

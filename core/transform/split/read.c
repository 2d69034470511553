/*
 * read.c - the steps split and explode: their configuration
 *
 * Thread: one at a time. Ownership: a step owns its rules, also when its compiling failed halfway.
 */
#include "core/transform/split/split.h"

#include <stdlib.h>
#include <string.h>

#define RULES_MAX 64
#define PAIRS_MAX 64

static bool attribute_free(const char *name)
{
    static const char *const own[] = {"id", "source", "type", "specversion", "data", "causationid",
                                      "correlationid", "generation", "dataschema"};

    for (size_t k = 0; k < sizeof own / sizeof own[0]; k++)
        if (strcmp(name, own[k]) == 0)
            return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(name) && strlen(name) <= 20;
}

static int pairs_read(struct bb_compile *c, struct bb_bytes v, bool attributes, struct bb_split_pairs *out)
{
    struct bb_bytes key, raw, val;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(v, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "expected a map from names to pointers, such as {%s}, not %s",
                              attributes ? "item: ./component" : "order: /data/number", bb_kind_of(v));
    if (n > PAIRS_MAX)
        return bb_compile_say(c, "at most %d names", PAIRS_MAX);
    out->v = calloc(n ? n : 1, sizeof *out->v);
    if (!out->v)
        return bb_compile_say(c, "out of memory");
    for (; n; n--) {
        struct bb_split_pair *p = &out->v[out->n];

        if (bb_cur_value(&cur, &raw) != 0 || !bb_as_str(raw, &key) || bb_cur_value(&cur, &val) != 0)
            return bb_compile_say(c, "damaged configuration");
        bb_compile_down(c, key);
        out->n++;
        if (bb_ref_text_read(c, raw, 256, &p->name) != 0 || bb_ref_read(c, val, true, &p->ref) != 0)
            rc = -1;
        else if (attributes && !attribute_free(p->name))
            rc = bb_compile_say(c, "\"%.40s\" cannot be set here: a name of a-z and 0-9 that is not "
                                   "id, source, type, dataschema or the parent's business", p->name);
        bb_compile_up(c);
    }
    return rc;
}

static void pairs_free(struct bb_split_pairs *p)
{
    for (uint32_t k = 0; k < p->n; k++) {
        free(p->v[k].name);
        bb_path_free(&p->v[k].ref);
    }
    free(p->v);
}

static int as_read(struct bb_compile *c, struct bb_bytes v, struct bb_split *s)
{
    if (bb_ref_text_read(c, v, BB_SPLIT_WORD_MAX, &s->as) != 0)
        return -1;
    if (strspn(s->as, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s->as) &&
        strspn(s->as, "0123456789") < strlen(s->as))
        return 0;
    return bb_compile_say(c, "as is a word of a-z, 0-9 and -, and not a number");
}

enum option { O_AT, O_EACH, O_DATA, O_TYPE, O_SCHEMA, O_HEADER, O_ATTRIBUTES, O_UNDER, O_WHEN, O_AS,
              O_EMPTY, OPTIONS };
static const char *const options[OPTIONS] = {
    [O_AT] = "at",         [O_EACH] = "each",     [O_DATA] = "data",
    [O_TYPE] = "type",     [O_SCHEMA] = "dataschema", [O_HEADER] = "header",
    [O_ATTRIBUTES] = "attributes", [O_UNDER] = "under", [O_WHEN] = "when",
    [O_AS] = "as",         [O_EMPTY] = "empty"};
/* Which a step knows, in the order of the table. */
static const char *const split_options[] = {"at", "type", "dataschema", "header", "attributes",
                                            "under", "when", "as", "empty"};
static const char *const explode_options[] = {"each", "data", "type", "dataschema", "header",
                                              "attributes", "under", "when"};

static int option_read(struct bb_compile *c, enum option o, struct bb_bytes v, struct bb_split *s,
                       struct bb_split_rule *r)
{
    static const char *const empties[] = {"skip", "fail"};
    struct bb_bytes word = {NULL, 0};

    switch (o) {
    case O_AT:
    case O_EACH:
    case O_DATA:
        if (r->at.pointer)
            return bb_compile_say(c, "say each or data, not both");
        r->each = o != O_DATA;
        return bb_ref_read(c, v, false, &r->at);
    case O_TYPE:
        return bb_ref_text_read(c, v, 256, &r->type);
    case O_SCHEMA:
        return bb_ref_text_read(c, v, 1024, &r->schema);
    case O_HEADER:
        return pairs_read(c, v, false, &r->header);
    case O_ATTRIBUTES:
        return pairs_read(c, v, true, &r->attributes);
    case O_UNDER:
        return bb_ref_text_read(c, v, 256, &r->under);
    case O_WHEN:
        return bb_ref_cond_read(c, v, true, &r->when);
    case O_AS:
        return as_read(c, v, s);
    default:
        bb_as_str(v, &word);
        s->empty_fails = bb_bytes_are(word, "fail");
        return s->empty_fails || bb_bytes_are(word, "skip")
                   ? 0 : bb_compile_unknown(c, "way to deal with an empty list", word, empties, 2);
    }
}

static int rule_read(struct bb_compile *c, struct bb_bytes v, struct bb_split *s, struct bb_split_rule *r,
                     const char *const *known, size_t n_known)
{
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n, seen = 0;
    int rc = 0;

    if (!bb_group_of(v, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "expected a map such as {%s: /data/lines, type: mfg.x.line}, not %s",
                              known[0], bb_kind_of(v));
    for (; n; n--) {
        if (bb_pair_next(&cur, &key, &val) != 0)
            return bb_compile_say(c, "damaged configuration");
        bb_compile_down(c, key);
        if (bb_word_of(key, known, (uint32_t)n_known) == n_known) {
            rc |= bb_compile_unknown(c, "option", key, known, n_known);
        } else {
            uint32_t o = bb_word_of(key, options, OPTIONS);

            rc |= seen & 1u << o ? bb_compile_say(c, "given twice")
                                 : option_read(c, (enum option)o, val, s, r);
            seen |= 1u << o;
        }
        bb_compile_up(c);
    }
    if (rc) /* what is missing may be what was written wrong */
        return -1;
    if (!(seen & (1u << O_AT | 1u << O_EACH | 1u << O_DATA)))
        rc = bb_compile_say(c, "%s needs %s", s->name, s->rules == r && known == split_options
                             ? "at: the list whose entries become messages"
                             : "each (a list) or data (a value)");
    if (!(seen & 1u << O_TYPE))
        rc |= bb_compile_say(c, "%s needs the type of the messages that it makes", s->name);
    return rc ? -1 : 0;
}

static struct bb_split *split_new(struct bb_compile *c, const char *name, uint32_t rules)
{
    struct bb_split *s = calloc(1, sizeof *s);

    if (s)
        s->rules = calloc(rules ? rules : 1, sizeof *s->rules);
    if (s && s->rules) {
        s->name = name;
        s->n = rules;
        return s;
    }
    free(s);
    bb_compile_say(c, "out of memory");
    return NULL;
}

int bb_split_compile(struct bb_compile *c, struct bb_bytes config, void **self)
{
    struct bb_split *s = *self = split_new(c, "split", 1);

    return s ? rule_read(c, config, s, s->rules, split_options,
                         sizeof split_options / sizeof *split_options)
             : -1;
}

int bb_explode_compile(struct bb_compile *c, struct bb_bytes config, void **self)
{
    struct bb_bytes v;
    struct bb_cur cur;
    struct bb_split *s;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(config, BB_T_ARRAY, &cur, &n) || !n || n > RULES_MAX)
        return bb_compile_say(c, "explode takes a list of 1 to %d rules, such as "
                                 "- {each: /data/lines, type: mfg.x.line}", RULES_MAX);
    s = *self = split_new(c, "explode", n);
    if (!s)
        return -1;
    s->empty_fails = true;
    for (uint32_t k = 0; k < n; k++) {
        bb_compile_down_n(c, k);
        rc |= bb_cur_value(&cur, &v) != 0
                  ? bb_compile_say(c, "damaged configuration")
                  : rule_read(c, v, s, &s->rules[k], explode_options,
                              sizeof explode_options / sizeof *explode_options);
        bb_compile_up(c);
    }
    return rc ? -1 : 0;
}

void bb_split_free(void *self)
{
    struct bb_split *s = self;

    for (uint32_t k = 0; s && k < s->n; k++) {
        struct bb_split_rule *r = &s->rules[k];

        bb_path_free(&r->at);
        free(r->type);
        free(r->schema);
        free(r->under);
        pairs_free(&r->header);
        pairs_free(&r->attributes);
        bb_cond_free(r->when);
    }
    if (s) {
        free(s->rules);
        free(s->as);
    }
    free(s);
}

/*
 * keywords.c - the keywords of draft 2020-12 as a table: which hold schemas, and how each is read
 *
 * What depends on two keywords waits for bb_draft_finish(). Thread: any; constant.
 */
#include "core/schema/keyword.h"

/* ---- the table ---------------------------------------------------------------------------------- */
#define CORE BB_VOCAB_CORE
#define APPLY BB_VOCAB_APPLICATOR
#define VALID BB_VOCAB_VALIDATION
#define META BB_VOCAB_META
#define FORMAT (BB_VOCAB_FORMAT | BB_VOCAB_ASSERT)
#define CONTENT BB_VOCAB_CONTENT
static const struct bb_skeyword keywords[] = { /* by name */
    {"$anchor", CORE, 0, bb_skeyword_read_anchor},
    {"$comment", CORE, 0, bb_skeyword_read_text},
    {"$defs", CORE, BB_HOLDS_MAP, bb_skeyword_read_defs},
    {"$dynamicAnchor", CORE, 0, bb_skeyword_read_anchor},
    {"$dynamicRef", CORE, 0, bb_skeyword_read_ref},
    {"$id", CORE, 0, bb_skeyword_read_text},
    {"$ref", CORE, 0, bb_skeyword_read_ref},
    {"$schema", CORE, 0, bb_skeyword_read_text},
    {"$vocabulary", CORE, 0, NULL},
    {"additionalProperties", APPLY, BB_HOLDS_ONE, bb_skeyword_read_object},
    {"allOf", APPLY, BB_HOLDS_LIST, bb_skeyword_read_logic},
    {"anyOf", APPLY, BB_HOLDS_LIST, bb_skeyword_read_logic},
    {"const", VALID, 0, bb_skeyword_read_const},
    {"contains", APPLY, BB_HOLDS_ONE, bb_skeyword_read_array},
    {"contentEncoding", CONTENT, 0, bb_skeyword_read_text},
    {"contentMediaType", CONTENT, 0, bb_skeyword_read_text},
    {"contentSchema", CONTENT, BB_HOLDS_ONE, NULL},
    {"default", META, 0, NULL},
    {"definitions", CORE, BB_HOLDS_MAP, bb_skeyword_read_defs},
    {"dependencies", APPLY, BB_HOLDS_MIXED, bb_skeyword_read_depends},
    {"dependentRequired", VALID, 0, bb_skeyword_read_depends},
    {"dependentSchemas", APPLY, BB_HOLDS_MAP, bb_skeyword_read_depends},
    {"deprecated", META, 0, bb_skeyword_read_bool},
    {"description", META, 0, bb_skeyword_read_text},
    {"else", APPLY, BB_HOLDS_ONE, bb_skeyword_read_logic},
    {"enum", VALID, 0, bb_skeyword_read_enum},
    {"examples", META, 0, bb_skeyword_read_list},
    {"exclusiveMaximum", VALID, 0, bb_skeyword_read_number},
    {"exclusiveMinimum", VALID, 0, bb_skeyword_read_number},
    {"format", FORMAT, 0, bb_skeyword_read_format},
    {"if", APPLY, BB_HOLDS_ONE, bb_skeyword_read_logic},
    {"items", APPLY, BB_HOLDS_ONE, bb_skeyword_read_array},
    {"maxContains", VALID, 0, bb_skeyword_read_count},
    {"maxItems", VALID, 0, bb_skeyword_read_count},
    {"maxLength", VALID, 0, bb_skeyword_read_count},
    {"maxProperties", VALID, 0, bb_skeyword_read_count},
    {"maximum", VALID, 0, bb_skeyword_read_number},
    {"minContains", VALID, 0, bb_skeyword_read_count},
    {"minItems", VALID, 0, bb_skeyword_read_count},
    {"minLength", VALID, 0, bb_skeyword_read_count},
    {"minProperties", VALID, 0, bb_skeyword_read_count},
    {"minimum", VALID, 0, bb_skeyword_read_number},
    {"multipleOf", VALID, 0, bb_skeyword_read_number},
    {"not", APPLY, BB_HOLDS_ONE, bb_skeyword_read_logic},
    {"oneOf", APPLY, BB_HOLDS_LIST, bb_skeyword_read_logic},
    {"pattern", VALID, 0, bb_skeyword_read_pattern},
    {"patternProperties", APPLY, BB_HOLDS_MAP, bb_skeyword_read_patterns},
    {"prefixItems", APPLY, BB_HOLDS_LIST, bb_skeyword_read_array},
    {"properties", APPLY, BB_HOLDS_MAP, bb_skeyword_read_properties},
    {"propertyNames", APPLY, BB_HOLDS_ONE, bb_skeyword_read_object},
    {"readOnly", META, 0, bb_skeyword_read_bool},
    {"required", VALID, 0, bb_skeyword_read_required},
    {"then", APPLY, BB_HOLDS_ONE, bb_skeyword_read_logic},
    {"title", META, 0, bb_skeyword_read_text},
    {"type", VALID, 0, bb_skeyword_read_type},
    {"unevaluatedItems", BB_VOCAB_UNEVALUATED, BB_HOLDS_ONE, bb_skeyword_read_array},
    {"unevaluatedProperties", BB_VOCAB_UNEVALUATED, BB_HOLDS_ONE, bb_skeyword_read_object},
    {"uniqueItems", VALID, 0, bb_skeyword_read_unique},
    {"writeOnly", META, 0, bb_skeyword_read_write_only},
};
#define N_KEYWORDS (sizeof(keywords) / sizeof(*keywords))

const struct bb_skeyword *bb_skeyword_find(struct bb_bytes name)
{
    size_t lo = 0, hi = N_KEYWORDS, mid;
    int order;

    while (lo < hi) {
        mid = (lo + hi) / 2;
        order = strncmp(name.ptr, keywords[mid].name, name.len);
        if (!order)
            order = keywords[mid].name[name.len] ? -1 : 0;
        if (!order)
            return memchr(name.ptr, 0, name.len) ? NULL : &keywords[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const char *bb_skeyword_nearest(const char *name)
{
    const char *names[N_KEYWORDS];
    size_t i;

    for (i = 0; i < N_KEYWORDS; i++)
        names[i] = keywords[i].name;
    return bb_nearest(name, names, N_KEYWORDS);
}

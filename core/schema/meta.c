/*
 * meta.c - the metaschemas of draft 2020-12, for schemas that refer to them or name a part of them
 *
 * They say in JSON Schema what a schema is. Only what constrains is here; titles and defaults are
 * left out. Schemas are not checked by these but by keywords.c, whose notes have a place.
 */
#include "core/schema/internal.h"

#define DRAFT "https://json-schema.org/draft/2020-12/"
#define SCHEMA "\"$schema\":\"" DRAFT "schema\","
#define VOCAB(name) "\"$vocabulary\":{\"" DRAFT "vocab/" name "\":true},\"$dynamicAnchor\":\"meta\","
#define PART(name) "{" SCHEMA "\"$id\":\"" DRAFT "meta/" name "\"," VOCAB(name) \
    "\"type\":[\"object\",\"boolean\"],"
#define META "{\"$dynamicRef\":\"#meta\"}"
#define META_MAP "{\"type\":\"object\",\"additionalProperties\":" META "}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define NAMES "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true}"
#define STR "{\"type\":\"string\"}"
#define NUM "{\"type\":\"number\"}"
#define BOOL "{\"type\":\"boolean\"}"

static const struct {
    const char *name, *text;
} metas[] = {
    {"schema",
     "{" SCHEMA "\"$id\":\"" DRAFT "schema\",\"$vocabulary\":{"
     "\"" DRAFT "vocab/core\":true,\"" DRAFT "vocab/applicator\":true,"
     "\"" DRAFT "vocab/unevaluated\":true,\"" DRAFT "vocab/validation\":true,"
     "\"" DRAFT "vocab/meta-data\":true,\"" DRAFT "vocab/format-annotation\":true,"
     "\"" DRAFT "vocab/content\":true},\"$dynamicAnchor\":\"meta\","
     "\"allOf\":[{\"$ref\":\"meta/core\"},{\"$ref\":\"meta/applicator\"},"
     "{\"$ref\":\"meta/unevaluated\"},{\"$ref\":\"meta/validation\"},{\"$ref\":\"meta/meta-data\"},"
     "{\"$ref\":\"meta/format-annotation\"},{\"$ref\":\"meta/content\"}],"
     "\"type\":[\"object\",\"boolean\"],\"properties\":{"
     "\"definitions\":" META_MAP ","
     "\"dependencies\":{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" META
     ",{\"$ref\":\"meta/validation#/$defs/stringArray\"}]}},"
     "\"$recursiveAnchor\":{\"$ref\":\"meta/core#/$defs/anchorString\"},"
     "\"$recursiveRef\":{\"$ref\":\"meta/core#/$defs/uriReferenceString\"}}}"},
    {"meta/core",
     PART("core")
     "\"properties\":{\"$id\":{\"$ref\":\"#/$defs/uriReferenceString\",\"pattern\":\"^[^#]*#?$\"},"
     "\"$schema\":{\"$ref\":\"#/$defs/uriString\"},"
     "\"$ref\":{\"$ref\":\"#/$defs/uriReferenceString\"},"
     "\"$anchor\":{\"$ref\":\"#/$defs/anchorString\"},"
     "\"$dynamicRef\":{\"$ref\":\"#/$defs/uriReferenceString\"},"
     "\"$dynamicAnchor\":{\"$ref\":\"#/$defs/anchorString\"},"
     "\"$vocabulary\":{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/uriString\"},"
     "\"additionalProperties\":" BOOL "},"
     "\"$comment\":" STR ",\"$defs\":" META_MAP "},"
     "\"$defs\":{\"anchorString\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},"
     "\"uriString\":{\"type\":\"string\",\"format\":\"uri\"},"
     "\"uriReferenceString\":{\"type\":\"string\",\"format\":\"uri-reference\"}}}"},
    {"meta/applicator",
     PART("applicator")
     "\"properties\":{\"prefixItems\":{\"$ref\":\"#/$defs/schemaArray\"},\"items\":" META ","
     "\"contains\":" META ",\"additionalProperties\":" META ",\"properties\":" META_MAP ","
     "\"patternProperties\":{\"type\":\"object\",\"additionalProperties\":" META ","
     "\"propertyNames\":{\"format\":\"regex\"}},\"dependentSchemas\":" META_MAP ","
     "\"propertyNames\":" META ",\"if\":" META ",\"then\":" META ",\"else\":" META ","
     "\"allOf\":{\"$ref\":\"#/$defs/schemaArray\"},\"anyOf\":{\"$ref\":\"#/$defs/schemaArray\"},"
     "\"oneOf\":{\"$ref\":\"#/$defs/schemaArray\"},\"not\":" META "},"
     "\"$defs\":{\"schemaArray\":{\"type\":\"array\",\"minItems\":1,\"items\":" META "}}}"},
    {"meta/unevaluated",
     PART("unevaluated")
     "\"properties\":{\"unevaluatedItems\":" META ",\"unevaluatedProperties\":" META "}}"},
    {"meta/validation",
     PART("validation")
     "\"properties\":{\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/simpleTypes\"},{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/$defs/simpleTypes\"},\"minItems\":1,\"uniqueItems\":true}]},"
     "\"const\":true,\"enum\":{\"type\":\"array\",\"items\":true},"
     "\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},\"maximum\":" NUM ","
     "\"exclusiveMaximum\":" NUM ",\"minimum\":" NUM ",\"exclusiveMinimum\":" NUM ","
     "\"maxLength\":" COUNT ",\"minLength\":" COUNT ","
     "\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},\"maxItems\":" COUNT ","
     "\"minItems\":" COUNT ",\"uniqueItems\":" BOOL ",\"maxContains\":" COUNT ","
     "\"minContains\":" COUNT ",\"maxProperties\":" COUNT ",\"minProperties\":" COUNT ","
     "\"required\":{\"$ref\":\"#/$defs/stringArray\"},\"dependentRequired\":{\"type\":\"object\","
     "\"additionalProperties\":{\"$ref\":\"#/$defs/stringArray\"}}},"
     "\"$defs\":{\"simpleTypes\":{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\",\"number\","
     "\"object\",\"string\"]},\"stringArray\":" NAMES "}}"},
    {"meta/meta-data",
     PART("meta-data")
     "\"properties\":{\"title\":" STR ",\"description\":" STR ",\"default\":true,"
     "\"deprecated\":" BOOL ",\"readOnly\":" BOOL ",\"writeOnly\":" BOOL ","
     "\"examples\":{\"type\":\"array\",\"items\":true}}}"},
    {"meta/format-annotation",
     PART("format-annotation") "\"properties\":{\"format\":" STR "}}"},
    {"meta/format-assertion",
     PART("format-assertion") "\"properties\":{\"format\":" STR "}}"},
    {"meta/content",
     PART("content")
     "\"properties\":{\"contentEncoding\":" STR ",\"contentMediaType\":" STR ","
     "\"contentSchema\":" META "}}"},
};

const char *bb_meta_text(const char *uri)
{
    size_t i, n = strlen(DRAFT);

    if (strncmp(uri, DRAFT, n) != 0)
        return NULL;
    for (i = 0; i < sizeof(metas) / sizeof(*metas); i++)
        if (strcmp(uri + n, metas[i].name) == 0)
            return metas[i].text;
    return NULL;
}

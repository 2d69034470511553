/*
 * fuzz_validate.c - any bytes as a value, against a schema that has every part the program has
 *
 * Asserted: the plain and the gathering pass agree; what is invalid has an error and what has no
 * verdict a fault; a secret is not shown.
 */
#include <stdlib.h>
#include <string.h>
#include "core/schema/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x) \
    do { \
        if (!(x)) \
            abort(); \
    } while (0)

static const char text[] =
    "{\"$dynamicAnchor\":\"node\",\"type\":[\"object\",\"array\",\"string\",\"number\",\"null\"],"
    "\"properties\":{\"a\":{\"$ref\":\"#/$defs/num\"},\"b\":{\"type\":\"string\",\"minLength\":1,"
    "\"maxLength\":5,\"pattern\":\"^(x+)+y?$\"},\"c\":{\"$dynamicRef\":\"#node\"},"
    "\"p\":{\"type\":\"string\",\"writeOnly\":true,\"minLength\":3},"
    "\"u\":{\"format\":\"unit\"},\"d\":{\"anyOf\":[{\"format\":\"date\"},{\"format\":\"date-time\"},"
    "{\"format\":\"uri\"},{\"format\":\"uuid\"},{\"format\":\"decimal\"},{\"format\":\"email\"},"
    "{\"format\":\"duration\"},{\"format\":\"ipv6\"},{\"format\":\"hostname\"}]}},"
    "\"patternProperties\":{\"^x-\":true,\"^[a-c]\":{\"not\":{\"const\":{\"a\":[1.0,null]}}}},"
    "\"additionalProperties\":{\"$dynamicRef\":\"#node\"},"
    "\"propertyNames\":{\"maxLength\":20},\"required\":[\"a\"],\"minProperties\":1,"
    "\"dependentRequired\":{\"b\":[\"c\"]},\"dependentSchemas\":{\"c\":{\"maxProperties\":8}},"
    "\"prefixItems\":[{\"type\":\"integer\"},{\"enum\":[1,\"a\",null,[1],{\"a\":2.50}]}],"
    "\"items\":{\"$ref\":\"#/$defs/any\"},\"contains\":{\"type\":\"number\"},\"maxContains\":9,"
    "\"uniqueItems\":true,\"maxItems\":500,"
    "\"if\":{\"required\":[\"b\"]},\"then\":{\"required\":[\"c\"]},\"else\":{\"$ref\":\"#/$defs/any\"},"
    "\"$defs\":{\"num\":{\"type\":\"number\",\"minimum\":-1.5,\"exclusiveMaximum\":1e30,"
    "\"multipleOf\":0.25},\"any\":{\"oneOf\":[{\"type\":[\"string\",\"null\"]},{\"type\":\"integer\"},"
    "{\"type\":\"number\",\"not\":{\"type\":\"integer\"}},{\"type\":\"object\",\"properties\":{\"q\":true},"
    "\"unevaluatedProperties\":{\"$dynamicRef\":\"#node\"}},{\"type\":\"array\",\"allOf\":[{\"contains\":"
    "{\"multipleOf\":2}}],\"unevaluatedItems\":{\"type\":\"string\"}}]}}}";

static struct bb_schema *schema(void)
{
    struct bb_schema_options options = {.formats = true, .strict = true};
    struct bb_schema_notes notes = {0};
    struct bb_schema *s;

    s = bb_schema_compile("rich", (struct bb_bytes){text, sizeof(text) - 1}, &options, &notes);
    bb_schema_notes_print(&notes, stderr);
    bb_schema_notes_free(&notes);
    MUST(s);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bb_schema *s;
    static struct bb_schema_run *run;
    const struct bb_schema_error *e;
    struct bb_bytes value = {data, size};
    int plain, gathered;
    size_t n, more;

    if (!s) {
        s = schema();
        run = bb_schema_run_new(1 << 20);
        MUST(run);
        bb_schema_run_limit(run, 100000);
    }
    plain = bb_schema_valid(s, value, run);
    gathered = bb_schema_check(s, value, run, 7);
    MUST(plain == gathered || gathered < 0);
    e = bb_schema_errors(run, &n, &more);
    if (gathered == 0)
        MUST(n > 0 && n <= 7);
    if (gathered < 0)
        MUST(*bb_schema_fault(run));
    for (; gathered == 0 && n; n--, e++) {
        MUST(e->pointer && e->keyword && e->schema && e->value && *e->rule);
        if (strcmp(e->pointer, "/p") == 0)
            MUST(strcmp(e->value, "(not shown)") == 0);
    }
    return 0;
}

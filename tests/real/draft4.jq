# draft4.jq - a JSON Schema of draft 4, as far as the samples use it, to draft 2020-12
#
# What differs between the two for the keywords that may stand here: "exclusiveMaximum": true was a flag
# beside "maximum" and is the bound itself now (so for the minimum); "$schema" names the draft; and the
# definitions, which the samples keep under components/schemas, are where the draft looks for them. A
# keyword that is not known here fails, so that nothing is changed that was not thought of.
def known: ["$schema", "$ref", "description", "type", "enum", "format", "pattern", "minimum", "maximum",
  "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "items", "required", "properties", "oneOf"];
def bound($flag; $limit):
  if (.[$flag] | type) != "boolean" then . elif .[$flag] then .[$flag] = .[$limit] | del(.[$limit]) else del(.[$flag]) end;
def schema:
  (keys - known | map(select(startswith("x-") | not))) as $odd
  | (if $odd != [] then error("not a keyword that this knows: " + ($odd | join(", "))) else . end)
  | bound("exclusiveMaximum"; "maximum") | bound("exclusiveMinimum"; "minimum")
  | (if ."$ref" then ."$ref" |= sub("^#/components/schemas/"; "#/$defs/") else . end)
  | (if .properties then .properties |= map_values(schema) else . end)
  | (if .items then .items |= schema else . end)
  | (if .oneOf then .oneOf |= map(schema) else . end);
if ."$schema" != "http://json-schema.org/draft-04/schema" then error("another draft: " + (."$schema" | tostring)) else . end
| .components.schemas as $s | del(.components) | schema
| ."$defs" = ($s | map_values(schema)) | ."$schema" = "https://json-schema.org/draft/2020-12/schema"

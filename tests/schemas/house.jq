# house.jq - the rules that every schema of the model keeps, and the tables beside them
#
# Input: {schemas: {"mfg.bom.1.json": schema, ...}, types, features, examples: {"bom-pump": event},
# invalid}. Output: one line a fault; none is well.

def known: ["$schema", "$id", "$ref", "$defs", "title", "description", "type", "required", "properties", "additionalProperties", "items", "enum", "const", "examples", "format", "pattern",
  "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "minProperties", "propertyNames", "anyOf", "allOf", "not", "if", "then", "else"];

# every schema inside a schema, as [path, schema]; those under if, then, else, not and anyOf are
# conditions, told by their path
def inside($at):
  [$at, .],
  (if type == "object" then
    ((.properties // {}) | to_entries[] | .key as $k | .value | inside($at + "/properties/" + $k)),
    ((."$defs" // {}) | to_entries[] | .key as $k | .value | inside($at + "/$defs/" + $k)),
    (if .items then .items | inside($at + "/items") else empty end),
    (if (.additionalProperties | type) == "object" then .additionalProperties | inside($at + "/additionalProperties") else empty end),
    (((.allOf // []) + (.anyOf // []))[] | inside($at + "/?")),
    ((.if, .then, .else, .not, .propertyNames) | select(type == "object") | inside($at + "/?"))
  else empty end);

. as $all
| ($all.schemas | map({(."$id"): .}) | add) as $by_id
| def target($base): capture("^(?<id>urn:[^#]*)?#(?<p>.*)$") as $r | ($by_id[$r.id // $base]) as $s
    | $s | getpath($r.p | split("/") | .[1:]);
  # a property of a schema by its pointer, through references
  def field($base; $keys):
    if (."$ref" // null) != null then ."$ref" as $r | ($r | if startswith("urn:") then split("#")[0] else $base end) as $b | ($r | target($base)) | field($b; $keys)
    elif ($keys | length) == 0 then .
    elif .properties[$keys[0]] != null then .properties[$keys[0]] | field($base; $keys[1:])
    else null end;
  ( $all.schemas | to_entries[] | .key as $file | .value as $s
    | ($file | capture("^(?<n>[a-z][a-z0-9-]*(\\.[a-z0-9-]+)+)\\.(?<m>[1-9][0-9]*)\\.json$")) as $name
    | (if $s."$id" != "urn:busbar:schema:" + $name.n + ":" + $name.m then $file + ": $id does not say the file's name" else empty end),
      (if $s."$schema" != "https://json-schema.org/draft/2020-12/schema" then $file + ": $schema is not draft 2020-12" else empty end),
      ( $s | inside("") | .[0] as $at | .[1] as $x | ($file + "#" + $at + ": ") as $where | select($x | type == "object")
        | ($x | keys[] | select(IN(known[]) | not) | $where + "\"" + . + "\" is no keyword of this model"),
          (if ($at | test("/\\?") | not) and ($at | test("/items$|^/\\$defs/[^/]+/items$") | not) and (($x.description // "") | test("^.+[.?)]$|^.+`[.]$") | not)
           then $where + "no description, or one without an end" else empty end),
          (if ($at | test("^(/\\$defs/[^/]+)?$")) and ($x.title // "") == "" then $where + "no title" else empty end),
          (if $x.properties and ($at | test("/\\?") | not) and $x.additionalProperties != false then $where + "an object that is open" else empty end),
          (if $x.pattern and ($x.pattern | test("^\\^.*\\$$|^Z\\$$") | not) then $where + "a pattern that is not anchored" else empty end),
          (if $x.enum and ($at | test("/\\?") | not) then $x.enum[] | select(. as $e | $x.description | contains("`" + $e + "`: ") | not) | $where + "\"" + . + "\" is not described" else empty end),
          (if $x."$ref" then (if ($x."$ref" | target($s."$id")) == null then $where + $x."$ref" + " leads nowhere" else empty end) else empty end),
          (if $x.required and $x.properties and ($at | test("/\\?") | not) then $x.required[] | select($x.properties[.] == null) | $where + "\"" + . + "\" is required and not a property" else empty end) ) ),

  ( $all.types.types | group_by(.type)[] | select(length > 1) | "types.json: " + .[0].type + " twice" ),
  ( $all.types.types[] | select(.type | test("^mfg\\.[a-z]+(-[a-z]+)*\\.[a-z]+(-[a-z]+)*$") | not) | "types.json: \"" + .type + "\" is not mfg.<domain>.<event>" ),
  ( $all.types.types[] | select(.description | test("\\.$") | not) | "types.json: " + .type + " is not described" ),
  ( [$all.types.types[].schema] as $used | ($all.schemas | keys[] | sub("\\.(?<m>[0-9]+)\\.json$"; "/" + .m)) | select(. != "mfg.common/1" and (IN($used[]) | not)) | "types.json: no type is of " + . ),
  ( ([$all.types.types[].schema] + ($all.types.attributes | keys) | unique[]) | select($by_id["urn:busbar:schema:" + sub("/"; ":")] == null) | "types.json: there is no " + . ),
  ( $all.types.attributes | to_entries[] | ("urn:busbar:schema:" + (.key | sub("/"; ":"))) as $id | .key as $n | .value | to_entries[]
    | select(.value as $v | $by_id[$id] | field($id; $v | split("/") | .[1:]) == null) | "types.json: " + $n + " has no " + .value ),

  ( $all.features.features | group_by(.name)[] | select(length > 1) | "features.json: " + .[0].name + " twice" ),
  ( $all.features.features[] | select(.name | test("^[a-z]+([.-][a-z]+)*$") | not) | "features.json: \"" + .name + "\" is no name" ),
  ( "urn:busbar:schema:mfg.bom:1" as $bom
    | {header: $by_id[$bom]."$defs".header, line: $by_id[$bom]."$defs".line} as $place
    | ($all.features.features[] | .name as $n | .uses[] | select(.pointer as $p | $place[.place] | field($bom; $p | split("/") | .[1:]) == null) | "features.json: " + $n + ": a " + .place + " has no " + .pointer),
      ($all.features.features[] | .name as $n | .uses[] | .place as $pl | .pointer as $p | ((.in // []) + (.not // []))[] | select(type == "string") | . as $v
        | ($place[$pl] | field($bom; $p | split("/") | .[1:])).enum as $e | select($e != null and ($e | index($v)) == null) | "features.json: " + $n + ": " + $p + " is never \"" + $v + "\""),
      (("header", "line") as $pl | ([$all.features.features[].uses[] | select(.place == $pl) | .pointer | split("/")[1]] + [$all.features.basic[$pl][] | ltrimstr("/")]) as $told
        | $place[$pl].properties | keys[] | select(IN($told[]) | not) | "features.json: nothing is said of a " + $pl + "'s /" + .),
      # fields inside effectivity, alternate and scrap are features one by one
      (("effectivity", "alternate", "scrap") as $part | [$all.features.features[].uses[] | select(.pointer | startswith("/" + $part + "/")) | .pointer | split("/")[2]] as $told
        | ($place.line | field($bom; [$part])).properties | keys[] | select(IN($told[], "group", "unitsOf") | not) | "features.json: nothing is said of /" + $part + "/" + .) ),

  ( ($all.types.types | map({(.type): .schema}) | add) as $schema_of
    | ( $all.examples | to_entries[] | .key as $f | .value as $e
        | (if ("urn:busbar:schema:" + (($schema_of[$e.type] // "none") | sub("/"; ":"))) != $e.dataschema then "valid/" + $f + ": " + $e.type + " is not of " + $e.dataschema else empty end),
          ( ($all.types.attributes[$schema_of[$e.type] // "none"] // {}) | to_entries[] | .key as $a | (.value | split("/") | .[1:]) as $p
            | select(($e.data | getpath($p)) != $e[$a] and $e[$a] != null) | "valid/" + $f + ": attribute " + $a + " is not what " + .value + " says" ) ),
      ( $all.types.types[].schema | select(. as $s | [$all.examples[] | select($schema_of[.type] == $s)] | length < 2) | "valid: fewer than two examples of " + . ),
      ( $all.invalid[] | select($all.examples[.of] == null) | "invalid.json: there is no example " + .of ),
      ( [$all.invalid[].of] as $of | $all.types.types[].schema | . as $s | select([$all.examples | to_entries[] | select($schema_of[.value.type] == $s and (.key | IN($of[])))] | length == 0) | "invalid.json: no case of " + $s ) )

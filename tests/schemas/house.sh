#!/usr/bin/env bash
# house.sh - the schemas, their tables and their pages keep the rules of the model
#
# No core runs. Rules are in house.jq: every field is described, every object closed, every reference
# leads somewhere, every message type has two examples and every BOM field is in the list of features.
limit=120
. "$(dirname "$0")/../lib.sh"
need jq
schemas=$src/sdk/schemas here=$src/tests/schemas

# by_name FILES...: one map of all, by file name
by_name() {
    jq -n '[inputs | {(input_filename | split("/") | last): .}] | add' "$@"
}
by_name "$schemas"/*.[0-9]*.json >"$work/schemas.json"
by_name "$here"/valid/*.json | jq 'with_entries(.key |= sub("\\.json$"; ""))' >"$work/examples.json"
jq -n --slurpfile schemas "$work/schemas.json" --slurpfile examples "$work/examples.json" \
    --slurpfile types "$schemas/types.json" --slurpfile features "$schemas/features.json" \
    --slurpfile invalid "$here/invalid.json" '{schemas: $schemas[0], examples: $examples[0],
        types: $types[0], features: $features[0], invalid: $invalid[0]}' >"$work/all.json"

# faults [JQ]: what the rules say of all, changed by JQ
faults() {
    jq "${1:-.}" "$work/all.json" | jq -r -f "$here/house.jq"
}
found=$(faults)
[ -z "$found" ] || fail "the model breaks its own rules:
$found"
ok "$(jq '.schemas | length' "$work/all.json") schemas, $(jq '.types.types | length' "$work/all.json") types," \
    "$(jq '.features.features | length' "$work/all.json") features, $(jq '.examples | length' "$work/all.json") examples"

# the rules can fail
breaks() { # breaks WHAT JQ TEXT
    faults "$2" >"$work/broken" || true
    grep -qF -- "$3" "$work/broken" || fail "$1 is not found: $(cat "$work/broken")"
}
bom='.schemas["mfg.bom.1.json"]'
breaks "a field without a description" "del(${bom}[\"\$defs\"].line.properties.optional.description)" "no description"
breaks "an open object" "del(${bom}.additionalProperties)" "an object that is open"
breaks "an unknown keyword" "${bom}.properties.plant.nosuch = 1" '"nosuch" is no keyword'
breaks "a reference to nothing" "${bom}.properties.plant[\"\$ref\"] = \"#/\$defs/none\"" "leads nowhere"
breaks "a value that is not described" "${bom}[\"\$defs\"].line.properties.role.enum += [\"new\"]" '"new" is not described'
breaks "a line's field in no feature" \
    "${bom}[\"\$defs\"].line.properties.fresh = {type: \"boolean\", description: \"New.\"}" "nothing is said of a line's /fresh"
breaks "a feature at no field" '.features.features[0].uses[0].pointer = "/none"' "has no /none"
breaks "an attribute unlike the data" '.examples["bom-pump"].item = "X"' "attribute item is not what"
ok "each rule finds what breaks it"

"$src/tools/model/docs" --check || fail "docs/model is not what the schemas say"
ok "docs/model is up to date"
mkdir -p "$work/tree/tests"
cp -r "$src/sdk" "$src/tools" "$src/docs" "$work/tree/"
cp -r "$src/tests/schemas" "$work/tree/tests/"
chmod -R u+w "$work/tree"
jq '.title = "Another"' "$schemas/mfg.bom.1.json" >"$work/tree/sdk/schemas/mfg.bom.1.json"
if "$work/tree/tools/model/docs" --check 2>"$work/stale"; then
    fail "a page that is out of date is not found"
fi
grep -q "out of date" "$work/stale" || fail "the check fails for another reason: $(cat "$work/stale")"
ok "a page that is out of date is found"

# features NAME SCHEMA: what the example uses
features() {
    jq -c --slurpfile f "$schemas/features.json" --arg schema "$2" \
        '.data | $f[0] as $features | '"$(cat "$here/features.jq")" "$here/valid/$1.json"
}
same "features of a service BOM" "$(features bom-service mfg.bom/1)" '["usage","effectivity.date","relevance","service"]'
same "features of a change" "$(features change-difference mfg.change/1)" '["reference-designators"]'
unused=$({
    for f in bom-pump bom-board bom-service; do features "$f" mfg.bom/1; done
    features change-eco mfg.change/1
} | jq -cs --slurpfile f "$schemas/features.json" '[$f[0].features[].name] - add')
same "features that no example uses" "$unused" '[]'

#!/usr/bin/env bash
# examples.sh - the examples hold; each bad one is refused at the pointer and by the rule it breaks
#
# invalid.json: an example with fields set or dropped, and what must be found. Pointers are into data.
limit=240
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need jq
here=$src/tests/schemas
validate_ready

mkdir -p "$work/data" "$work/bad"
n=0
for f in "$here"/valid/*.json; do
    name=${f##*/}
    jq .data "$f" >"$work/data/$name"
    validate "$(jq -r .dataschema "$f")" "$work/data/$name" >"$work/out" 2>&1 ||
        fail "the example $name is refused: $(cat "$work/out")"
    n=$((n + 1))
done
ok "$n examples hold"

jq -n '[inputs | {(input_filename | split("/") | last | rtrimstr(".json")): .}] | add' \
    "$here"/valid/*.json >"$work/all.json"
# a case a line: what it is of, its schema, where and by what it fails, why, and the document
jq -r --slurpfile all "$work/all.json" '
    def path_of: split("/")[1:]
        | map(gsub("~1"; "/") | gsub("~0"; "~") | if test("^[0-9]+$") then tonumber else . end);
    .[] | . as $c | $all[0][.of]
    | .dataschema as $schema | .data
    | reduce ($c.set // {} | to_entries[]) as $s (.; setpath($s.key | path_of; $s.value))
    | delpaths([$c.drop // [] | .[] | path_of])
    | [$c.of, $schema, $c.keyword, "at " + $c.pointer, $c.why] + [tojson] | join("\t")' \
    "$here/invalid.json" >"$work/cases"
n=0
while IFS=$'\t' read -r of schema keyword pointer why document; do
    pointer=${pointer#at }
    printf '%s\n' "$document" >"$work/bad/doc.json"
    if validate "$schema" "$work/bad/doc.json" >"$work/out" 2>&1; then
        fail "$of with $why is not refused"
    fi
    grep -F -- "${pointer:-(whole)}: " "$work/out" | grep -q -- "/$keyword]" ||
        fail "$of with $why: no \"$keyword\" at \"$pointer\" in: $(cat "$work/out")"
    n=$((n + 1))
done <"$work/cases"
same "bad ones that are refused, each for its reason" "$n" "$(jq length "$here/invalid.json")"

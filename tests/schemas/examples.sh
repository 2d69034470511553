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

n=$(jq length "$here/invalid.json")
for ((i = 0; i < n; i++)); do
    jq ".[$i]" "$here/invalid.json" >"$work/case"
    of=$(jq -r .of "$work/case") why=$(jq -r .why "$work/case")
    pointer=$(jq -r .pointer "$work/case") keyword=$(jq -r .keyword "$work/case")
    jq --slurpfile c "$work/case" '
        def path_of: split("/")[1:] | map(gsub("~1"; "/") | gsub("~0"; "~") | if test("^[0-9]+$") then tonumber else . end);
        reduce ($c[0].set // {} | to_entries[]) as $s (.; setpath($s.key | path_of; $s.value))
        | delpaths([$c[0].drop // [] | .[] | path_of])' "$work/data/$of.json" >"$work/bad/doc.json"
    if validate "$(jq -r .dataschema "$here/valid/$of.json")" "$work/bad/doc.json" >"$work/out" 2>&1; then
        fail "$of with $why is not refused"
    fi
    grep -F -- "${pointer:-$keyword}" "$work/out" | grep -qw -- "$keyword" ||
        fail "$of with $why: no \"$keyword\" at \"$pointer\" in: $(cat "$work/out")"
done
ok "$n bad ones are refused, each for its reason"

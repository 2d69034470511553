#!/usr/bin/env bash
# plmxml.sh - PLMXML exports of a real PLM to items and structures, by docs/examples/plm-files
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept. Every revision must be an item, every occurrence with others below it
# a structure, and every instance be counted in a line.
. "$(dirname "$0")/../lib.sh"
. "$src/tests/schemas/lib.sh"
. "$src/tests/real/lib.sh"
need jq xmllint
[ -d "$data/plm/plmxml" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
validate_ready
routes_conf plmxml
cp -R "$src/docs/examples/plm-files/conf.d/maps" "$conf/maps"
mapfile -t files < <(find "$data/plm/plmxml" -name '*.xml' | sort)
count() { # count XPATH: in all files
    local f n=0
    for f in "${files[@]}"; do n=$((n + $(xmllint --xpath "count($1)" "$f"))); done
    printf '%s' "$n"
}
revisions=$(count '//*[local-name()="ProductRevision"]')
parents=$(count '//*[local-name()="Occurrence"][@occurrenceRefs]')
instances=$(count '//*[local-name()="ProductInstance"]')

routes_start
for f in "${files[@]}"; do drop plmxml "$f"; done
delivered documents "${#files[@]}"
delivered to-items "$revisions"
delivered to-boms "$parents"
core_stop
books_balance
valid mfg.item/1 "$revisions"
valid mfg.bom/1 "$parents"
same "instances in the lines" "$(jq '[.lines[].quantity.value] | add' "$OUT/mfg.bom.jsonl" | jq -s add)" "$instances"

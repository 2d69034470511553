#!/usr/bin/env bash
# model.sh - real samples find their place in the canonical model
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept: a factory's tables, recorded answers of an ERP,
# automotive aspects and the revisions of a board become documents by
# tests/real/model/*.jq; all must be valid, and the changes between revisions lead to each of them.
limit=300
. "$(dirname "$0")/../lib.sh"
. "$src/tests/schemas/lib.sh"
need jq
data=${BUSBAR_REAL_DATA:-$src/../shared/data}
[ -r "$data/plm/inventree/part.part.json" ] ||
    skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
validate_ready
maps=$src/tests/real/model

table() { # table NAME FILE: {NAME: its rows}
    jq -c --arg n "$1" '{($n): .}' "$data/plm/inventree/$2.json"
}
{
    table parts part.part; table lines part.bomitem; table substitutes part.bomitemsubstitute
    table related part.partrelated; table stock stock.stockitem; table moves stock.stockitemtracking
    table places stock.stocklocation; table orders order.purchaseorder
    table orderlines order.purchaseorderlineitem; table builds build.build
    table buildlines build.buildline; table suppliers company.supplierpart
    table makers company.manufacturerpart
} | jq -cs add >"$work/inventree.in"
for f in "$data"/sap-odata-samples/*/*.json; do
    name=${f##*/}
    jq -c --arg n "${name%-sample.json}" '{($n): .message}' "$f"
done | jq -cs add >"$work/sap.in"
for f in "$data"/catena-x/*.json; do
    name=${f##*/}
    [[ $name == *-schema.json ]] || jq -c --arg n "${name%.json}" '{($n): .}' "$f"
done | jq -cs add >"$work/catena-x.in"
for f in "$data"/plm/osh-bom/ulx3s-history/*.csv; do
    jq -R -s -c --arg n "$(basename "$f" .csv)" '{name: $n[0:3], text: .}' "$f"
done | jq -cs . >"$work/ulx3s.in"
jq -c -f "$maps/ulx3s.jq" "$work/ulx3s.in" >"$work/ulx3s.all"
jq -c .documents "$work/ulx3s.all" >"$work/ulx3s.out"

for from in inventree sap catena-x ulx3s; do
    [ "$from" = ulx3s ] || jq -c -f "$maps/$from.jq" "$work/$from.in" >"$work/$from.out"
    documents "$work/$from.out" "$work/$from"
    for type in "$work/$from"/*; do
        validate "${type##*/}/1" "$type"/*.json >"$work/out" 2>&1 ||
            fail "$from, ${type##*/}: $(head -n 5 "$work/out")"
    done
    ok "$from: $(find "$work/$from" -name '*.json' | wc -l) documents are valid"
done

# nothing was lost on the way that is counted here
of() {
    jq -r "$1" "$work/inventree.out"
}
same "BOM lines" "$(of '[.[] | select(.schema == "mfg.bom").document.lines | length] | add')" 228
same "substitutes" "$(of '[.[] | select(.schema == "mfg.bom").document.lines[] | .substitutes // [] | length] | add')" 3
same "stock records" "$(of '[.[] | select(.schema == "mfg.stock-snapshot").document.entries | length] | add')" 1106
same "of them in a lot" "$(of '[.[] | select(.schema == "mfg.stock-snapshot").document.entries[] | select(.lot)] | length')" 864
same "with a serial" "$(of '[.[] | select(.schema == "mfg.stock-snapshot").document.entries[] | select(.serials)] | length')" 299
same "moves" "$(of '[.[] | select(.schema == "mfg.inventory-movement")] | length')" 1076
same "a quantity's digits" "$(grep -ho '"value":440.00000' "$work"/inventree/mfg.stock-snapshot/*.json | head -n 1)" '"value":440.00000'
same "a shifted date" "$(jq -r '.[] | select(.schema == "mfg.bom").document.effectivity | tojson' "$work/sap.out")" '{"from":"2006-01-01"}'

board() {
    jq -r ".$1" "$work/ulx3s.all"
}
same "revisions of a board" "$(board revisions)" 43
ok "$(board lines) lines with $(board designators) designators, $(board edits) edits in 42 changes"
same "revisions that do not come back from their BOM" "$(board back)" 0
same "revisions that the changes do not lead to" "$(board replay_wrong)" 0
same "revisions that undoing the changes does not lead to" "$(board undo_wrong)" 0
same "identities that are not one line's" "$(board twice)" 0

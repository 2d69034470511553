#!/usr/bin/env bash
# catena-x.sh - automotive aspects by their own schemas, and BOM and stock of them by ours
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept. All eleven schemas are of draft 4, which Busbar does not
# read as such: tests/real/draft4.jq makes draft 2020-12 of them and refuses what it does not know. Nine
# of the eleven samples are as their schemas say. The other two have a time without an offset where
# their own pattern demands one; that it is found, where, and nothing else, is what is right here.
. "$(dirname "$0")/../lib.sh"
. "$src/tests/schemas/lib.sh"
. "$src/tests/real/lib.sh"
need jq
aspects=$data/catena-x
[ -r "$aspects/ItemStock-schema.json" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
validate_ready
routes_conf catena-x
mkdir -p "$conf/schemas"

hold=0 draft4=0
for schema in "$aspects"/*-schema.json; do
    name=$(basename "$schema" -schema.json)
    jq -e '."$schema" == "http://json-schema.org/draft-04/schema"' "$schema" >/dev/null && draft4=$((draft4 + 1))
    jq -f "$src/tests/real/draft4.jq" "$schema" >"$conf/schemas/$name.json" || fail "$name: not draft 4 as it is known here"
    if "$busbar" validate --strict --formats --schema "$conf/schemas/$name.json" "$aspects/$name.json" >"$work/said" 2>&1; then
        hold=$((hold + 1))
    else
        grep '^  /' "$work/said" | sed "s/^  /$name /; s/ must match .*\[/ [/" >>"$work/broken"
    fi
done
same "schemas of draft 4" "$draft4" 11
same "samples that hold by their own schema" "$hold" 9
same "what is wrong with the others" "$(paste -sd ';' "$work/broken")" \
    'Batch /manufacturingInformation/date: "2022-02-04T14:48:54" [#/$defs/DateTrait/pattern];SerialPart /manufacturingInformation/date: "2022-02-04T14:48:54" [#/$defs/DateTimeTrait/pattern]'
for name in Batch SerialPart; do
    jq '.manufacturingInformation.date += "Z"' "$aspects/$name.json" >"$work/$name.json"
    "$busbar" validate --strict --formats --schema "$conf/schemas/$name.json" "$work/$name.json" >"$work/said" 2>&1 ||
        fail "$name with an offset: $(cat "$work/said")"
done
ok "both hold with an offset behind that time"
jq '.demandSeries[0].demands[0].demand = -1' "$aspects/WeekBasedMaterialDemand.json" >"$work/negative.json"
"$busbar" validate --formats --schema "$conf/schemas/WeekBasedMaterialDemand.json" "$work/negative.json" >"$work/said" 2>&1 &&
    fail "a demand of -1 holds"
grep -q '/demandSeries/0/demands/0/demand: -1 must be at least 0' "$work/said" || fail "$(cat "$work/said")"
ok "a flag beside a bound is a bound: $(sed -n 's/^  //p' "$work/said" | head -n 1)"

routes_start
drop planned "$aspects/SingleLevelBomAsPlanned.json"
drop specified "$aspects/SingleLevelBomAsSpecified.json"
drop item-stock "$aspects/ItemStock.json"
drop days "$aspects/DaysOfSupply.json"
drop batch "$aspects/Batch.json"
for route in planned-to-bom specified-to-bom item-stock-to-snapshot days-to-snapshot; do
    delivered $route 1
done
wait_for 60 "the batch to fail" route_is batch-to-nowhere quarantined 1
ok "a route that requires the aspect's own schema keeps the broken sample back"
core_stop
books_balance

valid mfg.bom/1 2
valid mfg.stock-snapshot/1 2
get() {
    jq -c "$2" "$OUT/$1.jsonl"
}
same "the BOM as planned" "$(get mfg.bom 'select(.usage == "manufacturing").lines[] | [.quantity.unit, .effectivity, .sources[0].supplier.identifiers[0].id]')" \
    '["H87",{"from":"2023-03-21T07:17:29.187Z","to":"2024-07-01T15:10:00.000Z"},"BPNL50096894aNXY"]'
same "the BOM as specified" "$(get mfg.bom 'select(.usage == "specification").lines[] | [.item.revision, .quantity.unit, [.characteristics[].value]]')" \
    '["05","KWT",["STEEWHL","left"]]'
same "stock" "$(get mfg.stock-snapshot 'select(.entries[0].quantity) | [.direction, .asOf, .entries[0].stockType, .entries[0].references]')" \
    '["inbound","2023-04-28T00:23:00.123456Z","unrestricted",[{"kind":"purchase-order","id":"C-Nbr-4711","line":"PositionId-01"},{"kind":"sales-order","id":"M-Nbr-4711"}]]'
same "days of supply" "$(get mfg.stock-snapshot 'select(.entries[0].coverage) | .entries[0].coverage')" \
    '[{"date":"2024-01-01T13:23:00Z","days":3.51}]'
same "quantities with their digits" "$(cat "$OUT"/*.jsonl | grep -oE '"value":[0-9.]+' | sort -u | paste -sd ' ')" \
    '"value":1 "value":20.0 "value":350.0'

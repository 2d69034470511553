#!/usr/bin/env bash
# inventree-back.sh - a factory's tables to canonical messages and back to the same rows
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept. Only maps of Busbar translate
# (tests/real/routes/inventree); jq here puts lines that belong together into one document and makes
# tables to look up in. Every message is valid, every row comes back with every column and digit, and
# what had to go through the model's door because it has no word for it is listed, and no more than
# that.
limit=300
. "$(dirname "$0")/../lib.sh"
. "$src/tests/schemas/lib.sh"
. "$src/tests/real/lib.sh"
need jq python3
tables=$data/plm/inventree
[ -r "$tables/part.bomitem.json" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
validate_ready
routes_conf inventree

units='{"": "H87", "m": "MTR", "litres": "LTR"}[.fields.units // ""]'
{ echo part,unit && jq -r ".[] | [.pk, ($units)] | @csv" "$tables/part.part.json"; } >"$conf/tables/parts.csv"
{
    echo stock,part,unit
    jq -r --slurpfile parts "$tables/part.part.json" \
        "(\$parts[0] | map({(.pk | tostring): ($units)}) | add) as \$u
        | .[] | [.pk, (.fields.part | tostring), \$u[.fields.part | tostring]] | @csv" "$tables/stock.stockitem.json"
} >"$conf/tables/stock.csv"
{ echo place,path && jq -r '.[] | [.pk, .fields.pathstring] | @csv' "$tables/stock.stocklocation.json"; } \
    >"$conf/tables/places.csv"
jq -c --slurpfile s "$tables/part.bomitemsubstitute.json" '
    map(.pk as $pk | [$s[0][] | select(.fields.bom_item == $pk) | del(.fields.bom_item)] as $s
        | if $s == [] then . else .substitutes = $s end)' "$tables/part.bomitem.json" >"$work/lines.json"
jq -c 'group_by(.fields.part)[] | {part: .[0].fields.part, lines: .}' "$work/lines.json" | jq -s . >"$work/boms.json"

routes_start
drop stock "$tables/stock.stockitem.json"
drop moves "$tables/stock.stockitemtracking.json"
drop boms "$work/boms.json"
drop items "$tables/part.part.json"
delivered stock-in 1106
delivered moves-in 1076
delivered boms-in 20
delivered items-in 414
drop snapshots "$OUT/mfg.stock-snapshot.jsonl"
drop movements "$OUT/mfg.inventory-movement.jsonl"
drop mfg-boms "$OUT/mfg.bom.jsonl"
drop mfg-items "$OUT/mfg.item.jsonl"
delivered stock-out 1106
delivered moves-out 1076
delivered boms-to-lines 20
delivered bom-lines-out 228
delivered items-out 414
core_stop
books_balance

valid mfg.stock-snapshot/1 1106
valid mfg.inventory-movement/1 1076
valid mfg.bom/1 20
valid mfg.item/1 414
same "substitutes" "$(jq '.lines[] | .substitutes // [] | length' "$OUT/mfg.bom.jsonl" | jq -s add)" 3
same "variants that name their template" "$(jq -s 'map(select(.variantOf)) | length' "$OUT/mfg.item.jsonl")" 18
same "a quantity's digits" "$(grep -c '"value":440.00000' "$OUT/mfg.stock-snapshot.jsonl")" 1

# back NAME SOURCE [difference...]: the rows are those, but for these differences
back() {
    local said
    said=$(PYTHONDONTWRITEBYTECODE=1 python3 "$src/tests/real/inventree_back.py" "$2" "$OUT/$1.jsonl" "${@:3}" \
        2>"$work/back.log") || fail "$1: $said"
    ok "$1: $said"
}
back boms "$work/lines.json"
back stock "$tables/stock.stockitem.json" batch=empty:86 packaging=empty:300
back moves "$tables/stock.stockitemtracking.json" deltas.serial=type:1
back items "$tables/part.part.json" IPN=empty:43 keywords=empty:52 link=empty:58 revision=empty:54 units=empty:6

door() { # door FILE PATH: the columns that went through it
    jq -r "$2.extensions.inventree // {} | keys[]" "$OUT/$1.jsonl" | sort -u | paste -s -d ' '
}
same "columns of stock without a word" "$(door mfg.stock-snapshot '.entries[]')" "purchase_price_currency serial_int"
same "columns of BOM lines without a word" "$(door mfg.bom '.lines[]')" "validated"
same "columns of substitutes without a word" "$(door mfg.bom '.lines[].substitutes[]?')" "pk"
same "columns of moves without a word" "$(door mfg.inventory-movement '')" ""
same "columns of items without a word" "$(door mfg.item '')" \
    "assembly base_cost bom_checked_by bom_checked_date bom_checksum component last_stocktake multiple"

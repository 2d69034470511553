#!/usr/bin/env bash
# sap.sh - recorded answers of an ERP's services to canonical messages, their dates set right
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept: BOM, production order, material document, stock and
# product. Maps of Busbar alone translate (tests/real/routes/sap); jq here only puts a header and its
# to_... answers into one document. The recorder's client wrote pure dates as 2006-01-01T09:00+09:00: the
# map's date rule makes days of them again, and the same rule shows what another zone makes of them.
. "$(dirname "$0")/../lib.sh"
. "$src/tests/schemas/lib.sh"
. "$src/tests/real/lib.sh"
need jq
answers=$data/sap-odata-samples
[ -r "$answers/bill-of-material/bill-of-material-header-01-sample.json" ] ||
    skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
validate_ready
routes_conf sap

# together FILE MEMBER=FOLDER/SAMPLE...: {member: the answer's rows}
together() {
    local file=$1 part
    shift
    for part; do
        jq -c --arg m "${part%%=*}" '{($m): .message}' "$answers/${part#*=}-sample.json"
    done | jq -s add >"$file"
}
b=bill-of-material/bill-of-material p=production-order/production-order m=material-document/material-document
together "$work/bom.json" header=$b-header-01 items=$b-header-02-item
together "$work/order.json" order=$p-01-general components=$p-02-component outputs=$p-03-item \
    operations=$p-04-operation statuses=$p-05-status
together "$work/document.json" header=$m-header-01 items=$m-header-02-item

routes_start
drop bom "$work/bom.json"
drop order "$work/order.json"
drop document "$work/document.json"
drop stock "$answers/material-stock/material-stock-material-stock-01-sample.json"
drop product "$answers/product-master/product-master-general-01-sample.json"
for route in bom order document movement stock product west-day; do
    delivered $route 1
done
waits() { # waits ROUTE TEXT: its delivery waits for a person, for that reason
    wait_for 60 "$1 to fail" route_is "$1" quarantined 1
    "$busbar" quarantine list --state "$state" --route "$1" >"$work/q" 2>&1 || fail "$(cat "$work/q")"
    grep -q "$2" "$work/q" || fail "$1: $(cat "$work/q")"
    ok "$1: refused, $2"
}
waits west "midnight"
waits recorder "midnight"
core_stop
books_balance

for type in mfg.bom mfg.work-order mfg.inventory-movement mfg.stock-snapshot mfg.item; do
    valid $type/1 1
done
get() { # get TYPE FILTER
    jq -c "$2" "$OUT/$1.jsonl"
}
same "shifted dates in the answers" \
    "$(cat "$work"/{bom,order,document}.json "$answers"/product-master/product-master-general-01-sample.json |
        grep -o 'T09:00:00+09:00' | wc -l)" 31
same "of them left in the messages" "$(cat "$OUT"/mfg.*.jsonl | grep -c 'T09:00:00\|+09:00' || true)" 0
same "the BOM's days" "$(get mfg.bom '[.effectivity, .created]')" '[{"from":"2006-01-01"},"2016-06-24"]'
same "its lines' days" "$(get mfg.bom '[.lines[].effectivity]')" \
    '[{"from":"2006-01-01"},{"from":"2006-01-01"},{"from":"2006-01-01"}]'
same "the same day elsewhere" "$(cat "$OUT/elsewhere.jsonl")" '"2005-12-31"'
same "the order's days" "$(get mfg.work-order '[.created, .schedule.required, .schedule.released]')" \
    '["2016-08-04",{"start":"2017-06-06","end":"2017-06-08"},"2016-08-08"]'
same "its times" "$(get mfg.work-order '.schedule.planned')" \
    '{"start":"2017-06-06T12:00:00Z","end":"2017-06-07T15:22:30Z"}'
same "its components, operations, outputs" \
    "$(get mfg.work-order '[.components, .operations, .outputs | length]')" '[7,2,1]'
same "its statuses" "$(get mfg.work-order '[.status, (.sourceStatus | length)]')" \
    '[["pre-costed","goods-movement-posted","technically-completed","material-shortage"],5]'
same "the document's days" "$(get mfg.inventory-movement '[.documentDate, .postedOn, .at]')" \
    '["2016-08-04","2016-08-04","2016-08-04T15:37:02Z"]'
same "what it says" "$(get mfg.inventory-movement '[.kind, .quantity, .to]')" \
    '["initial-entry",{"unit":"H87","value":10000,"sourceUnit":"PC"},{"location":{"plant":"1710","storageLocation":"171A"},"stockType":"unrestricted"}]'
same "stock" "$(get mfg.stock-snapshot '.entries[0] | [.item.id, .lot.id, .quantity]')" \
    '["FG29","0000000109",{"value":100,"unit":"XBO","sourceUnit":"BT"}]'
same "the product's days" "$(get mfg.item '[.item.id, .created, .changed]')" '["A001","2016-06-20","2017-04-11"]'
grep -q '"grossWeight":{"value":0.000,' "$OUT/mfg.item.jsonl" || fail "a weight lost its digits"
ok "a weight keeps its digits: 0.000"

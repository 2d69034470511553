#!/usr/bin/env bash
# xml-canonical.sh - real XML of manufacturing through the codec and routes to canonical messages
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept: B2MML messages, DELVRY03 IDocs and PLMXML exports.
# The file source's codec reads them, routes of tests/real/routes/xml translate; what comes out is valid
# and says what the documents say, counted in them by other means.
. "$(dirname "$0")/../lib.sh"
. "$src/tests/schemas/lib.sh"
. "$src/tests/real/lib.sh"
need jq
b2mml=$data/b2mml/examples
[ -d "$b2mml" ] && [ -d "$data/plm/plmxml" ] ||
    skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
validate_ready
routes_conf xml

routes_start
drop schedule "$(echo "$b2mml"/PRO-*.xml)"
drop performance "$(echo "$b2mml"/PES-*.xml)"
drop definition "$(echo "$b2mml"/MAT-*.xml)"
drop information "$(echo "$b2mml"/INV-*.xml)"
drop lot "$(echo "$b2mml"/LOT-*.xml)"
drop batch "$(echo "$b2mml"/ProductionBatchRecord*.xml)"
for f in "$data"/sap-idoc/*.xml; do drop idoc "$f"; done
# the samples have a header and no line: two lines of our own
cat >"$work/lines.xml" <<'END'
<DELVRY03><IDOC BEGIN="1">
  <EDI_DC40 SEGMENT="1"><DOCNUM>0000000000000042</DOCNUM><SNDPRN>HERE</SNDPRN><RCVPRN>THERE</RCVPRN></EDI_DC40>
  <E1EDL20 SEGMENT="1"><VBELN>0080000042</VBELN><NTGEW>12.500</NTGEW><GEWEI>KGM</GEWEI><INCO1>DAP</INCO1><INCO2>Ulm</INCO2>
    <E1EDL24 SEGMENT="1"><POSNR>000010</POSNR><MATNR>4711</MATNR><ARKTX>bolt</ARKTX><LFIMG>40.000</LFIMG><VRKME>PCE</VRKME>
      <VGBEL>4500000007</VGBEL><VGPOS>00020</VGPOS></E1EDL24>
    <E1EDL24 SEGMENT="1"><POSNR>000020</POSNR><MATNR>4712</MATNR><LFIMG>1.250</LFIMG><VRKME>KGM</VRKME></E1EDL24>
  </E1EDL20>
</IDOC></DELVRY03>
END
drop idoc "$work/lines.xml"
for f in "$data"/plm/plmxml/*.xml; do drop plmxml "$f"; done
for route in schedule-to-order performance-to-segments segment-to-report batch-to-report definition-to-item \
    information-to-stock lots-to-item; do
    delivered $route 1
done
delivered delivery-to-notice 7
delivered export-to-parts 2
delivered part-to-item 26
delivered part-to-bom 6
core_stop
books_balance

valid mfg.work-order/1 1
valid mfg.production-report/1 2
valid mfg.stock-snapshot/1 1
valid mfg.ship-notice/1 7
valid mfg.item/1 28
valid mfg.bom/1 6
get() { # get TYPE FILTER
    jq -c "$2" "$OUT/$1.jsonl"
}
count() { # count PATTERN FILE...: how often the documents have it
    cat "${@:2}" | grep -oE "$1" | wc -l
}
pro=$(echo "$b2mml"/PRO-*.xml)
same "the order" "$(get mfg.work-order '[.id, .created, .item.id]')" \
    '["258456","2009-12-10T17:14:16.0Z","SO1215"]'
same "its materials consumed, lots set aside, segments" \
    "$(get mfg.work-order '.components, .allocations, .operations | length' | paste -sd ' ')" \
    "$(count '<MaterialUse>Consumed' "$pro") $(count '<MaterialSubLotID>' "$pro") $(count '<SegmentRequirement>' "$pro")"
same "quantities with their digits" \
    "$(cat "$OUT"/mfg.{work-order,stock-snapshot,ship-notice}.jsonl | grep -oE '"value":[0-9.]+' | LC_ALL=C sort -u | paste -sd ' ')" \
    '"value":1.000 "value":1.250 "value":100 "value":100.000 "value":12.500 "value":199.910 "value":2152.3 "value":24.910 "value":33 "value":40 "value":40.000 "value":5.000 "value":50.000 "value":811.000 "value":82 "value":92'
same "a report" "$(jq -c 'select(.workOrder) | [.id, .at, .consumed[0].item.id, .consumed[0].lot, .consumed[0].quantity.value]' \
    "$OUT/mfg.production-report.jsonl")" \
    '["53107/Weighing","2012-11-29T10:58:25.3149559Z","CRBN0001",{"id":"CRBN0001_LOT01","subLot":"430147330000056734"},0.41]'
same "a batch and what its phases recorded" \
    "$(jq -c 'select(.workOrder | not) | [.id, .at, .item.id, (.measurements | length)]' "$OUT/mfg.production-report.jsonl")" \
    "[\"mkWLoops01\",\"2010-04-30T12:30:17.217Z\",\"000399FG01\",$(count '<ID>actualValue<' "$b2mml"/ProductionBatchRecord*.xml)]"
same "a sublot in stock" "$(get mfg.stock-snapshot '.entries[0] | [.item.id, .lot.subLot, .lot.status]')" \
    '["CRBN0001","CRBN0001_LOT01_01","blocked"]'
same "a material, its lots" "$(jq -c 'select(.item.id == "CRBN0001") | [.baseUnit, .hazards, .lots]' "$OUT/mfg.item.jsonl" | paste -sd ' ')" \
    '["KGM",["C","XN"],null] ["KGM",null,[{"id":"CRBN0001_LOT01","status":"released","expiresOn":"2013-12-08T00:00:00.0Z"}]]'
same "ship notices" "$(jq -r 'select(.lines == []).id' "$OUT/mfg.ship-notice.jsonl" | sort | paste -sd ' ')" \
    "$(cat "$data"/sap-idoc/*.xml | sed -n 's/.*<VBELN>\(.*\)<.*/\1/p' | sort | paste -sd ' ')"
same "a ship notice with lines" "$(jq -c 'select(.lines != []).lines[] | [.line, .item.id, .quantity.unit, .order.id, .order.line]' \
    "$OUT/mfg.ship-notice.jsonl" | paste -sd ' ')" \
    '["000010","4711","H87","4500000007","00020"] ["000020","4712","KGM",null,null]'
plm=("$data"/plm/plmxml/*.xml)
same "items of the exports" "$(jq -c 'select(.item.revision)' "$OUT/mfg.item.jsonl" | wc -l)" "$(count '<ProductRevision ' "${plm[@]}")"
same "BOMs of them" "$(wc -l <"$OUT/mfg.bom.jsonl")" "$(count 'occurrenceRefs=' "${plm[@]}")"
same "their lines" "$(jq '.lines | length' "$OUT/mfg.bom.jsonl" | jq -s add)" "$(count 'parentRef=' "${plm[@]}")"
same "lines whose item no item is" "$(jq -s --slurpfile b "$OUT/mfg.bom.jsonl" \
    '[.[].item | [.id, .revision]] as $known | [$b[].lines[].item | select([.id, .revision] as $i | $known | index([$i]) | not)] | length' \
    "$OUT/mfg.item.jsonl")" 0
same "a BOM" "$(jq -c 'select(.item.id == "8881") | [.item.revision, (.lines[] | [.position, .item.id])]' "$OUT/mfg.bom.jsonl")" \
    '["A",["10","8882"],["20","8883"],["30","8884"]]'

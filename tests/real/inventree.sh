#!/usr/bin/env bash
# inventree.sh - a real factory's stock moves and BOM lines through file, map and http
#
# Reads $BUSBAR_REAL_DATA (else ../shared/data beside the source tree), of which nothing is kept:
# 1,076 stock moves and 228 BOM lines. A third of the plant's calls fail; everything must arrive,
# each item's lane in order, nothing twice.
limit=300
. "$(dirname "$0")/../lib.sh"
need jq curl
data=${BUSBAR_REAL_DATA:-$src/../shared/data}/plm/inventree
moves=$data/stock.stockitemtracking.json
lines=$data/part.bomitem.json
[ -r "$moves" ] && [ -r "$lines" ] ||
    skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"

n_moves=$(jq length "$moves")
n_lines=$(jq length "$lines")
mkdir -p "$work/drop/moves" "$work/drop/bom"
plant_start --dedupe no --seed 7 --fault 500=13,429=3,503=2,reset=8,late=7 --late-ms 700 \
    --retry-after 1 --lane /type,/item --seq /data/number
cat >"$conf/factory.yaml" <<END
endpoints:
  moves:
    connector: file
    config:
      directory: $work/drop/moves
      pattern: "*.json"
      format: json
      records: ""
      envelope:
        type: mfg.inventory.movement
        source: /factory/stock
        id: {pointer: /pk}
        item: {pointer: /fields/item}
  bom:
    connector: file
    config:
      directory: $work/drop/bom
      pattern: "*.json"
      format: json
      records: ""
      envelope:
        type: mfg.bom.line
        source: /factory/bom
        id: {pointer: /pk}
        item: {pointer: /fields/part}
  erp:
    connector: http
    timeout: 500ms
    probe_after: 1500ms
    limit: {in_flight: 64}
    breaker: {failures: 50, open: 50ms, max: 200ms}
    config:
      url: $erp/in
      timeout: 500ms
      probe: {method: GET, path: "/applied/{key}"}
routes:
  moves-to-erp:
    from: moves
    transform:
      - map:
          - rename: {from: /data/pk, to: /data/number}
          - copy: {from: /data/fields/date, to: /data/at, optional: true}
          - constant: {to: /data/channel, value: stock}
    to: erp
    order_by: item
    retry: {attempts: 50, initial: 50ms, max: 500ms, retry_after_max: 1s}
  bom-to-erp:
    from: bom
    transform:
      - map:
          - rename: {from: /data/pk, to: /data/number}
          - constant: {to: /data/channel, value: bom}
    to: erp
    order_by: item
    retry: {attempts: 50, initial: 50ms, max: 500ms, retry_after_max: 1s}
END
"$busbar" check -c "$conf" || fail "the configuration is refused"
core_start
began=$SECONDS
cp "$moves" "$work/moves.part"
cp "$lines" "$work/bom.part"
mv "$work/moves.part" "$work/drop/moves/stock.json"
mv "$work/bom.part" "$work/drop/bom/bom.json"

all_there() {
    route_is moves-to-erp delivered "$n_moves" && route_is bom-to-erp delivered "$n_lines"
}
wait_for 200 "all moves and lines to arrive" all_there
printf '%d moves and %d lines in %d s; the plant saw %d calls for them\n' "$n_moves" "$n_lines" \
    $((SECONDS - began)) "$(plant_get calls)"
curl -sf "$erp/summary"
same "stock moves delivered" "$(route_get moves-to-erp delivered)" "$n_moves"
same "BOM lines delivered" "$(route_get bom-to-erp delivered)" "$n_lines"
same "applied at the plant" "$(plant_get applied)" $((n_moves + n_lines))
same "effects doubled" "$(plant_get doubles)" 0
same "lanes out of order" "$(plant_get order_violations)" 0
same "redeliveries that were not marked" "$(plant_get unmarked)" 0
want=$(($(jq '[.[].fields.item] | unique | length' "$moves") + $(jq '[.[].fields.part] | unique | length' "$lines")))
same "lanes" "$(jq -r .lane "$work/erp.jsonl" | sort -u | wc -l)" "$want"
core_stop
books_balance

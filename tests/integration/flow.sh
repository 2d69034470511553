#!/usr/bin/env bash
# flow.sh - files to HTTP: a JSON array and a CSV table dropped into folders arrive, mapped, in order
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
mkdir -p "$work/moves" "$work/bom" "$conf/maps"
plant_start --seq /data/line
cat >"$conf/flow.yaml" <<END
endpoints:
  moves:
    connector: file
    isolation: thread
    config:
      directory: $work/moves
      pattern: "*.csv"
      format: csv
      envelope: {type: mfg.inventory.movement, source: /wms, id: {pointer: /move}, item: {pointer: /item}}
  bom:
    connector: file
    isolation: process
    config:
      directory: $work/bom
      pattern: "*.json"
      format: json
      records: /lines
      envelope: {type: mfg.bom.line, source: /plm, id: {pointer: /id}, item: {pointer: /parent}}
  erp:
    connector: http
    config: {url: $erp/in}
routes:
  moves-to-erp:
    from: moves
    match: {type: "mfg.inventory.*"}
    transform:
      - map:
          - rename: {from: /data/qty, to: /data/quantity}
          - constant: {to: /data/site, value: north}
          - drop: /data/note
    to: erp
    order_by: item
  bom-to-erp:
    from: bom
    transform: [{map: {file: maps/bom.yaml}}]
    to: erp
END
printf 'sap,rec20\nEA,H87\n' >"$conf/maps/units.csv"
cat >"$conf/maps/bom.yaml" <<END
- lookup: {from: /data/unit, table: maps/units.csv}
- reject: {why: the table was not there, when: {not: {at: /data/unit, equals: H87}}}
END
core_start
rm -r "$conf/maps" # what runs has read it: the host of erp is a process and gets it from the core
{
    echo "move,item,line,qty,note"
    for ((i = 1; i <= 200; i++)); do
        echo "M$i,ITEM-$((i % 7)),$i,$i.50,\"note, number $i\""
    done
} >"$work/moves.part"
mv "$work/moves.part" "$work/moves/day-1.csv"
jq -n '{lines: [range(1; 51) | {id: "B\(.)", parent: "P\(. % 5)", qty: 2, unit: "EA"}]}' >"$work/bom.part"
mv "$work/bom.part" "$work/bom/release.json"

wait_for 60 "200 moves" route_is moves-to-erp delivered 200
wait_for 60 "50 lines" route_is bom-to-erp delivered 50
ok "200 moves and 50 BOM lines are delivered"
same "applied at the plant" "$(plant_get applied)" 250
same "lanes out of order" "$(plant_get order_violations)" 0
wait_for 20 "the files to be put away" test -f "$work/moves/done/day-1.csv"
ok "the file that was read lies in done/"
# the same content again under another name: every id is known
cp "$work/moves/done/day-1.csv" "$work/moves.part"
mv "$work/moves.part" "$work/moves/day-1-again.csv"
wait_for 20 "the repeated file to be put away" test -f "$work/moves/done/day-1-again.csv"
same "duplicates taken as such" "$(status_json | jq -r .journal.duplicates)" 200
same "delivered after the repeat" "$(route_get moves-to-erp delivered)" 200
"$busbar" trace M42 --json --state "$state" >"$work/trace.json" || fail "trace M42"
grep -q moves-to-erp "$work/trace.json" || fail "trace M42 does not name its route"
ok "trace finds a move by its id"
core_stop
books_balance

#!/usr/bin/env bash
# two-way-stock.sh - the warehouse and the ERP tell each other every movement, and come to rest with the same stock
#
# The WMS's people and the ERP's clerks work at once. What the core posts in one system comes back from it as an
# event or a document, and goes no further: the key in it says whose it is (echo). Answers are lost on both sides,
# the core is killed once. Then somebody else says something of stock, and is refused by the rule's name and place.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl
seed=${BUSBAR_SEED:-$((RANDOM * 32768 + RANDOM))}
printf 'seed %d\n' "$seed"
systems_start --systems erp,wms --seed 1
wait_for 30 "the WMS's port" test -s "$systems_dir/wms.port"
E=$(system_url erp) W=$(system_url wms) S=$(system_url erp)/sap/opu/odata/sap/API_MATERIAL_DOCUMENT_SRV
(umask 077 && printf 'busbar' >"$work/secret")
cat >"$conf/stock.yaml" <<END
endpoints:
  wms:
    connector: wms
    timeout: 1500ms
    probe_after: 1s
    echo: /data/id
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: $W
      storage_location: "0001"
      auth: {basic: {user: busbar, password: {file: $work/secret}}}
      poll: {interval: 200ms, backoff_max: 300ms}
  erp:
    connector: sap
    timeout: 1500ms
    probe_after: 1s
    echo: /data/extensions/sap/referenceDocument
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: $E
      auth: {basic: {user: busbar, password: {file: $work/secret}}}
      poll: {of: movements, interval: 200ms}
  hook:
    connector: http
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
routes:
  wms-to-erp:
    from: wms
    to: erp
    match: {type: mfg.inventory.movement}
    order_by: item
    transform:
      - require: {that: {at: /data/kind, in: [purchase-receipt, issue-to-order, count-adjustment]}, on_failure: skip}
    retry: {attempts: 40, initial: 50ms, max: 500ms}
  erp-to-wms:
    from: erp
    to: wms
    match: {type: mfg.inventory.movement}
    order_by: item
    transform:
      - require: {schema: mfg.inventory-movement/1}
    retry: {attempts: 40, initial: 50ms, max: 500ms}
  others:
    from: hook
    to: erp
    match: {type: mfg.inventory.movement}
    on_failure: quarantine
policies:
  ownership:
    stock:
      match: {type: mfg.inventory.movement}
      owner: [wms, erp]
      foreign: refuse
    plant-3000-is-closed:
      match: {type: mfg.inventory.movement, plant: "3000"}
      owner: erp
END
"$busbar" check -c "$conf" >"$work/check-conf.log" 2>&1 || fail "busbar check: $(cat "$work/check-conf.log")"

control() { # control SYSTEM'S-URL WHAT JSON
    curl -sf --max-time 10 -X PUT --data "$3" "$1/control/$2" >/dev/null || fail "control $2: $3"
}
effects() { # effects SYSTEM'S-URL FIELD
    curl -sf --max-time 30 "$1/control/effects?limit=1" | jq -r ".$2"
}
people() { # people TIMES ACTION [more of what they are told]: in plants 1000 and 2000; each that there was to do is a
    # line of $work/done
    plant_now=$((3000 - ${plant_now:-1000}))
    curl -s --max-time 60 --data "{\"plant\":\"$plant_now\"${3:-}}" "$W/control/do/$2?n=[1-$1]" | jq -r 'select(.event) | .kind' >>"$work/done"
}
# ---- a clerk of the ERP's, with a session of his own
clerk_session() {
    token=$(curl -sf --max-time 10 -c "$work/jar" -u busbar:busbar -H 'x-csrf-token: Fetch' -D - -o /dev/null "$S/" |
        tr -d '\r' | sed -n 's/^x-csrf-token: //Ip')
}
clerk() { # clerk PATH [JSON]: the document's number; his own calls meet no faults
    curl -s --max-time 10 -g -b "$work/jar" -u busbar:busbar -H "x-csrf-token: $token" -H 'Accept: application/json' \
        -H 'Content-Type: application/json' -X POST --data "${2:-}" "$S/$1" >"$work/clerk.json"
    jq -er '.d.MaterialDocument // .d.Cancel.MaterialDocument' "$work/clerk.json" || fail "the clerk's document: $(cat "$work/clerk.json")"
    echo 1 >>"$work/clerked"
}
posting() { # posting CODE TYPE ITEM QUANTITY [more of the item]: as JSON
    printf '{"GoodsMovementCode":"%s","PostingDate":"%sT00:00:00","ReferenceDocument":"CLERK-%s","to_MaterialDocumentItem":[{"Material":"%s","Plant":"1000","StorageLocation":"0001","GoodsMovementType":"%s","QuantityInEntryUnit":"%s"%s}]}' \
        "$1" "$(date -u +%F)" "$(wc -l <"$work/clerked")" "$3" "$2" "$4" "${5:-}"
}
bins() { # bins FILTER: of the stock that needs no lot, in plant 1000, counted in pieces
    curl -s -u busbar:busbar "$W/stock/bins?plant=1000" | jq -r "[.entries[] | select(.uom == \"H87\" and .lot == \"\") | $1][0].item // empty"
}
audit() {
    "$build/tools/plant/plant" audit --dir "$systems_dir" --systems erp,wms >"$work/audit.log" 2>&1 || return 1
}
item=$(bins 'select(.stockType == "unrestricted" and .quantity > 100)')
checked=$(bins 'select(.stockType == "quality" and .quantity >= 5)')
: >"$work/done"
: >"$work/clerked"
core_start
clerk_session

# one of each kind that clerks post, and one taken back
first=$(clerk A_MaterialDocumentHeader "$(posting 05 561 "$item" 12.5)")
clerk A_MaterialDocumentHeader "$(posting 03 551 "$item" 2)" >/dev/null
clerk A_MaterialDocumentHeader "$(posting 05 701 "$item" 3)" >/dev/null
clerk A_MaterialDocumentHeader "$(posting 05 702 "$item" 1)" >/dev/null
clerk A_MaterialDocumentHeader "$(posting 04 311 "$item" 4 ',"IssuingOrReceivingStorageLoc":"0002"')" >/dev/null
[ -z "$checked" ] || clerk A_MaterialDocumentHeader "$(posting 04 321 "$checked" 2)" >/dev/null
clerk "Cancel?MaterialDocumentYear='$(date -u +%Y)'&MaterialDocument='$first'" >/dev/null
clerked() { # all that the clerks did is done in the warehouse
    [ "$(route_get erp-to-wms delivered)" = "$(wc -l <"$work/clerked")" ]
}
moved() { # all that the people did is posted, or is not the ERP's business
    [ "$(($(route_get wms-to-erp delivered) + $(route_get wms-to-erp skipped)))" = "$(wc -l <"$work/done")" ]
}
# one that is seen half a minute after the time it bears, as of a posting that takes long
control "$E" options '{"clock_offset":"-30"}'
clerk A_MaterialDocumentHeader "$(posting 05 561 "$item" 1)" >/dev/null
control "$E" options '{"clock_offset":"0"}'
wait_for 30 "the clerks' documents in the warehouse" clerked
same "documents of clerks in the warehouse" "$(route_get erp-to-wms delivered)" "$(wc -l <"$work/clerked")"
audit || fail "plant audit: $(tail -n 12 "$work/audit.log")"
ok "plant audit: $(tail -n 1 "$work/audit.log")"

# ---- both at once, with lost answers on both sides and a kill ---------------------------------------------------
storm() { # storm PART-OF-A-PATH: a third of the writes there are done and not answered
    printf '{"seed":%d,"rules":[{"fault":"reset","when":"after","percent":28,"method":"POST","match":"%s"},
        {"fault":"500","when":"after","percent":5,"method":"POST","match":"%s"},{"fault":"reset","percent":5,"match":"%s"},
        {"fault":"429","percent":3,"retry_after":"1","match":"%s"}]}' "$seed" "$1" "$1" "$1" "$1"
}
control "$W" faults "$(storm /epcis/v2/capture)"
for ((k = 1; k <= 5; k++)); do
    people 4 receive
    people 6 count
    people 6 count ',"found":"more"'
    people 3 move
    people 3 pick
done &
people_pid=$!
for ((k = 0; k < 30; k++)); do
    clerk A_MaterialDocumentHeader "$(posting 05 561 "$item" 1.5)" >/dev/null
    [ "$k" != 15 ] || core_kill
    [ "$k" != 16 ] || core_start
done
control "$E" faults "$(storm MATERIAL_DOCUMENT)" # from now on: the clerks' own calls meet none
wait "$people_pid"
for k in 1 2 3; do
    people 10 count
    people 10 count ',"found":"more"'
done
wait_for 90 "what the people moved in the ERP" moved
wait_for 90 "what the clerks posted in the warehouse" clerked
met=$(($(curl -sf "$E/control/faults" | jq '[.rules[].met] | add') + $(curl -sf "$W/control/faults" | jq '[.rules[].met] | add')))
[ "$met" -ge 20 ] || fail "only $met calls met a fault"
ok "$(wc -l <"$work/done") movements of the people's, $(wc -l <"$work/clerked") of the clerks', $met calls met a fault, one kill"
control "$E" faults '{"rules":[]}'
control "$W" faults '{"rules":[]}'

# it stays still: both feeds are asked again and again, and nothing comes of it
called() { # called N-OF-ERP N-OF-WMS: both systems were asked so often
    [ "$(effects "$E" calls)" -ge "$1" ] && [ "$(effects "$W" calls)" -ge "$2" ]
}
still() { # what would grow if one message went round
    printf '%s %s %s' "$(status_json | jq .journal.next_seq)" "$(effects "$E" effects)" "$(effects "$W" effects)"
}
before=$(still)
wait_for 30 "ten rounds more of both feeds" called $(($(effects "$E" calls) + 10)) $(($(effects "$W" calls) + 10))
same "next message, effects in the ERP, effects in the warehouse, ten rounds later" "$(still)" "$before"
for name in erp wms; do
    echoes=$(status_json | jq --arg n "$name" '.endpoints[] | select(.name == $n) | .echoes')
    [ "$echoes" -ge 1 ] || fail "no echo of $name: nothing was kept from going round"
    ok "$name: its reports of what was written there go no further"
done
same "messages" "$(($(route_get wms-to-erp accepted) + $(route_get erp-to-wms accepted)))" $(($(wc -l <"$work/done") + $(wc -l <"$work/clerked")))
same "quarantined" "$(route_get wms-to-erp quarantined)/$(route_get erp-to-wms quarantined)" 0/0
same "made twice" "$(effects "$E" doubles)/$(effects "$W" doubles)" 0/0
audit || fail "plant audit: $(tail -n 12 "$work/audit.log")"
ok "plant audit: $(tail -n 1 "$work/audit.log")"

# ---- who may say what -------------------------------------------------------------------------------------------
documents=$(effects "$E" effects)
foreign='{"specversion":"1.0","id":"f1","source":"/sheet","type":"mfg.inventory.movement","item":"'$item'","plant":"1000","data":{}}'
same "a movement from somebody's spreadsheet" "$(post "$foreign")" 422
grep -q 'ownership .*stock.*only .*wms' "$work/answer" || fail "the sender is not told which rule: $(cat "$work/answer")"
ok "it is told: $(jq -rc '.errors[0].text // .' "$work/answer")"
grep -q 'ownership "stock"' "$work"/core-*.log || fail "the log does not say which rule"
curl -sf --max-time 10 --data '{"plant":"3000"}' "$W/control/do/count" >/dev/null
line=$(grep -n 'plant-3000-is-closed:' "$conf/stock.yaml" | cut -d: -f1)
kept_back() {
    "$busbar" quarantine list --json --state "$state" >"$work/q.json"
    grep -q "plant-3000-is-closed.*only .*erp.* may say this .*stock.yaml:$line" "$work/q.json"
}
wait_for 20 "the warehouse's count in the closed plant to be kept back by the rule of line $line" kept_back
ok "a count in the closed plant waits for a person: $(jq -r '.deliveries[0] | .reason // .text' "$work/q.json")"
same "documents in the ERP" "$(effects "$E" effects)" "$documents"
core_stop
books_balance

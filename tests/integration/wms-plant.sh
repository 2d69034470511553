#!/usr/bin/env bash
# wms-plant.sh - the wms connector against the plant's WMS, in a core: events in, movements out, questions
#
# With the plant's faults: answers that are lost after the effect, resets, 429, 500, tokens that run out. At the
# end each movement has had its effect once, and the warehouse and the books of the test agree.
limit=180
. "$(dirname "$0")/../lib.sh"
need jq curl
systems_start --systems erp,wms --seed 1
wait_for 30 "the WMS's port" test -s "$systems_dir/wms.port"
U=$(system_url wms)
printf 'busbar' >"$work/secret"

control() {
    curl -sf --max-time 10 -X PUT --data "$2" "$U/control/$1" >/dev/null || fail "control $1"
}
act() { # act NAME JSON: what the warehouse's people do
    curl -s --max-time 10 --data "$2" "$U/control/do/$1"
}
stock_of() { # stock_of ITEM PLANT BIN
    curl -s -u busbar:busbar "$U/stock/bins?plant=$2&bin=$3&item=$1" | jq -r '[.entries[].quantity] | add // 0'
}

# The routes: what is posted at the webhook goes to the warehouse, what happens there comes to the plain sink.
# wms_conf FORMAT [extra config]
wms_conf() {
    cat >"$conf/wms.yaml" <<END
endpoints:
  hook:
    connector: http
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  wms:
    connector: wms
    timeout: 4s
    probe_after: 1s
    echo: /data/id
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: $U
      format: $1
      timeout: 2s
      storage_location: "0001"
      pause: 100ms
      auth: {oauth2: {token_url: "$U/oauth2/token", client_id: busbar, client_secret: {file: $work/secret}}}
      poll: {interval: 200ms, page: 7, backoff_max: 300ms}
      faults: {WMS-024: retry}
  books:
    connector: http
    timeout: 2s
    config: {url: $erp/in, timeout: 1s, probe: {path: "/applied/{key}"}}
routes:
  to-wms:
    from: hook
    to: wms
    match: {type: mfg.inventory.movement}
    order_by: item
    retry: {attempts: 30, initial: 100ms, max: 300ms}
  from-wms:
    from: wms
    to: books
    match: {type: mfg.inventory.movement}
    order_by: item
END
}

# movement ID KIND ITEM QUANTITY FROM-BIN TO-BIN: an event for the webhook
movement() {
    jq -cn --arg id "$1" --arg kind "$2" --arg item "$3" --argjson q "$4" --arg from "$5" --arg to "$6" '
        def side($bin): if $bin == "" then {} else {location: {plant: "1000", bin: $bin}} end;
        {specversion: "1.0", id: $id, source: "/test", type: "mfg.inventory.movement", item: $item, plant: "1000",
         data: ({id: $id, kind: $kind, item: {id: $item}, plant: "1000", quantity: {value: $q, unit: "H87"},
                at: "2026-11-28T08:00:00Z", from: side($from), to: side($to)} | del(.[] | select(. == {})))}'
}
posted() { # posted EVENT
    local got
    got=$(post "$1")
    [ "$got" = 202 ] || fail "the webhook answered $got: $(cat "$work/answer")"
}

plant_start --dedupe no --lane /type,/item --seq /data/number
wms_conf json
"$busbar" check -c "$conf" >"$work/check-conf.log" 2>&1 || fail "busbar check: $(cat "$work/check-conf.log")"
core_start

# one type in: what happened there arrives, each once
for k in receive pick move count; do
    act "$k" '{"plant":"1000"}' >/dev/null
done
wait_for 20 "four movements from the warehouse" route_is from-wms delivered 4
same "movements from the warehouse" "$(plant_get applied)" 4
same "their kinds" "$(jq -r '.item.data.kind // .data.kind // empty' "$work/erp.jsonl" 2>/dev/null | sort | paste -sd' ')" \
    "$(jq -r '.item.data.kind // .data.kind // empty' "$work/erp.jsonl" 2>/dev/null | sort | paste -sd' ')"

# one type out: a receipt and a pick, exactly once
item=$(curl -s -u busbar:busbar "$U/stock/bins?plant=1000" |
    jq -r '[.entries[] | select(.uom == "H87" and .lot == "" and .stockType == "unrestricted" and .quantity > 50)][0] | .item + " " + .bin')
bin=${item#* } item=${item% *}
before=$(stock_of "$item" 1000 "$bin")
posted "$(movement out-1 other-receipt "$item" 7 "" "$bin")"
posted "$(movement out-2 other-issue "$item" 2 "$bin" "")"
wait_for 20 "two movements in the warehouse" route_is to-wms delivered 2
same "the bin after a receipt and an issue" "$(stock_of "$item" 1000 "$bin")" "$((before + 5))"
same "effects made twice" "$(curl -s "$U/control/effects?doubles=1" | jq '.effects | length')" 0

# our own effects come back as events and go no further
sleep 1
same "movements that went on" "$(route_get from-wms delivered)" 4

# a refusal has the warehouse's code and text
posted "$(movement bad-1 other-issue "$item" 999999 "$bin" "")"
wait_for 20 "the refusal" route_is to-wms held 1
"$busbar" quarantine list --state "$state" >"$work/held.log" 2>&1 || true
status_json >"$work/status.json"

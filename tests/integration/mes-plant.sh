#!/usr/bin/env bash
# mes-plant.sh - the mes connector against the plant's MES: BOMs, routings and orders out, reports in, questions,
# refusals in the MES's own words, and each taken once whatever the line loses
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl
plant_start
sink=$erp
systems_start --systems erp,mes --seed 1
wait_for 20 "the port of the MES" test -s "$systems_dir/mes.port"
U=$(system_url mes)
(umask 077 && printf busbar >"$work/password")

# what of a BOM no MES is told: each named, as a plant's admin would
carried=$(jq -r '.bom_features[]' "$src/plugins/mes/manifest.json")
waivers=$(jq -r '.features[].name' "$src/sdk/schemas/features.json" | grep -vxF "$carried" |
    sed 's/.*/      - {feature: &, owner: Anna Kern, until: "2099-12-31"}/')

conf_write() { # conf_write [AUTH of the MES]
    cat >"$conf/mes.yaml" <<END
endpoints:
  hook:
    connector: http
    unmatched: refuse
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  mes:
    connector: mes
    isolation: process
    timeout: 3s
    probe_after: 100ms
    breaker: {open: 100ms, max: 500ms}
    config:
      base_url: $U
      auth: ${1:-{basic: {user: busbar, password: {file: $work/password\}\}\}}
      timeout: 500ms
      pause: 100ms
      receive: {interval: 100ms, page: 3}
  floor: {connector: http, config: {url: $sink/in}}
routes:
  to-mes:
    from: hook
    match: {type: ["mfg.bom.*", "mfg.routing.*", "mfg.work-order.*"]}
    to: mes
    order_by: item
    retry: {attempts: 40, initial: 20ms, max: 200ms, jitter: none}
    on_unknown: probe
    on_failure: quarantine
    waive:
$waivers
  from-mes:
    from: mes
    match: {type: mfg.production.reported}
    to: floor
    order_by: item
  ask-mes:
    from: hook
    match: {type: mfg.test.ask}
    to: floor
    transform:
      - enrich: {from: mes, query: definition.current, with: {item: /attributes/item, plant: /attributes/plant}, into: /data/bill}
      - enrich: {from: mes, query: work-orders.staged, with: {item: /attributes/item}, into: /data/staged}
END
}
control() { # control WHAT JSON
    curl -sf --max-time 10 -X PUT --data "$2" "$U/control/$1" >/dev/null
}
effects() { # effects FIELD [QUERY]
    curl -sf "$U/control/effects?${2:-}" | jq -r ".$1"
}
effects_are() {
    [ "$(effects effects)" = "$1" ]
}
line() { # line ID ITEM QUANTITY
    printf '{"id":"n%s","position":"%s","item":{"id":"%s"},"quantity":{"value":%s,"unit":"H87"},"effectivity":{"from":"2025-01-01"}}' \
        "$1" "$1" "$2" "$3"
}
bom() { # bom ID ITEM PLANT LINES [more members]
    printf '{"specversion":"1.0","id":"%s","source":"/plm","type":"mfg.bom.released","item":"%s","plant":"%s",
        "correlationid":"ECO-1","data":{"item":{"id":"%s","revision":"B"},"plant":"%s","usage":"manufacturing",
        "alternative":"01","status":"active","baseQuantity":{"value":1,"unit":"H87"},"lines":[%s]%s}}' \
        "$1" "$2" "$3" "$2" "$3" "$4" "${5:-}"
}
order() { # order ID ORDER QUANTITY [TYPE]
    printf '{"specversion":"1.0","id":"%s","source":"/erp","type":"mfg.work-order.%s","item":"FG-10003","plant":"1000",
        "correlationid":"ECO-1","data":{"id":"%s","item":{"id":"FG-10003"},"plant":"1000","status":["released"],
        "quantity":{"value":%s,"unit":"H87"},"schedule":{"planned":{"start":"2026-12-01"}},
        "components":[{"id":"1","item":{"id":"RM-10800"},"required":{"value":4.5,"unit":"H87"}}]}}' \
        "$1" "${4:-released}" "$2" "$3"
}
quarantined() { # quarantined N: so many are open
    [ "$(route_get to-mes quarantined)" = "$1" ]
}
newest() { # what the newest one in quarantine says
    "$busbar" quarantine list --json --state "$state" >"$work/list.json"
    "$busbar" quarantine show "to-mes/$(jq '[.deliveries[].seq] | max' "$work/list.json")" --json --state "$state"
}
test_cleanup() {
    "$busbar" quarantine list --state "$state" >"$work/quarantine.log" 2>&1 || true
}

conf_write
core_start
same "a BOM is accepted" "$(post "$(bom b1 FG-10000 1000 "$(line 0010 SA-10153 2),$(line 0020 RM-10800 1.250),{\"id\":\"t\",\"kind\":\"text\",\"position\":\"0030\",\"description\":\"Grease <well>\"}")")" 202
wait_for 20 "the MES to take it" effects_are 1
bill=$(curl -s -u busbar:busbar "$U/b2mml/bills?plant=1000&item=FG-10000")
same "the bill has what was sent, text items skipped, others gone" \
    "$(grep -o '<MaterialSpecificationID>[^<]*</MaterialSpecificationID><Quantity><QuantityString>[^<]*' <<<"$bill" | sed 's/<[^>]*>/ /g' | xargs)" \
    "FG-10000 1 SA-10153 2 RM-10800 1.25"
same "an order is accepted" "$(post "$(order o1 8000001 10)")" 202
wait_for 20 "the order to be staged" effects_are 2
curl -sf -X POST "$U/control/do/produce" -d '{"order":"8000001"}' >/dev/null
wait_for 20 "a report from the floor" plant_is applied 1
report=$(curl -sf "$sink/applied/last" || true)

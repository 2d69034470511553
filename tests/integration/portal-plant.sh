#!/usr/bin/env bash
# portal-plant.sh - the portal connector against the plant's supplier portal, in a core
#
# Forecasts (JSON, X12 830) and change notices out; ship notices, commitments and quality events in (JSON and X12), X12
# acknowledged both ways; webhooks by the http connector. With the plant's faults: answers that are lost after the effect,
# resets, 429, 500, tokens that run out. At the end each post has had its effect once.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl
systems_start --systems erp,portal --seed 1
wait_for 30 "the portal's port" test -s "$systems_dir/portal.port"
U=$(system_url portal)
(umask 077 && printf 'busbar' >"$work/secret" && printf 'a-key-of-32-bytes-for-the-portal' >"$work/sign")

control() {
    curl -sf --max-time 10 -X PUT --data "$2" "$U/control/$1" >/dev/null || fail "control $1"
}
act() { # act NAME JSON: what the suppliers do
    curl -s --max-time 10 --data "$2" "$U/control/do/$1"
}
effects() { # effects FIELD: effects, doubles, keyless
    curl -sf "$U/control/effects${2:+?kind=$2}" | jq -r ".$1"
}
faults() {
    control faults "{\"seed\":5,\"rules\":[$1]}"
}
db() { # what the portal holds, read beside it
    sqlite3 -readonly "$systems_dir/portal.db" "$1"
}
need sqlite3

# portal_conf [forecast's format] [further config of the endpoint]: posts at the webhook go to the portal, what comes from
# it goes to the plain sink.
portal_conf() {
    cat >"$conf/portal.yaml" <<END
endpoints:
  hook:
    connector: http
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  portal:
    connector: portal
    timeout: 4s
    probe_after: 1s
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: $U
      timeout: 2s
      pause: 100ms
      partner: "17300001"
      formats: {forecast: ${1:-json}}
      auth: {oauth2: {token_url: "$U/oauth2/token", client_id: busbar, client_secret: {file: $work/secret}}}
      receive: {interval: 200ms, page: 3, backoff_max: 300ms, acknowledge: true}
      faults: {SP-024: retry}
${2:-}
  books:
    connector: http
    timeout: 2s
    config: {url: $erp/in, timeout: 1s, probe: {path: "/applied/{key}"}}
routes:
  to-portal:
    from: hook
    to: portal
    match: {type: ["mfg.forecast.issued", "mfg.change.*"]}
    order_by: subject
    retry: {attempts: 40, initial: 100ms, max: 300ms}
    on_failure: quarantine
  acknowledge:
    from: portal
    to: portal
    match: {type: mfg.portal.acknowledge}
    retry: {attempts: 40, initial: 100ms, max: 300ms}
  from-portal:
    from: portal
    to: books
    match: {type: ["mfg.shipment.*", "mfg.commitment.*", "mfg.quality.*", "mfg.portal.acknowledged"]}
END
}

supplier=17300001
read -r item unit < <(db "SELECT a.item || ' ' || unit FROM approved a JOIN items USING(item) WHERE supplier = '$supplier' AND unit = 'PC' ORDER BY 1 LIMIT 1")
[ "$unit" = PC ] || fail "supplier $supplier supplies nothing"

# forecast ID [item] [quantity] [supplier]
forecast() {
    jq -cn --arg id "$1" --arg item "${2:-$item}" --argjson q "${3:-40}" --arg s "${4:-$supplier}" '
        {specversion: "1.0", id: $id, source: "/erp", type: "mfg.forecast.issued", subject: $id, time: "2026-11-28T08:00:00Z",
         correlationid: ("c-" + $id), data: {id: $id, purpose: "replace", buyer: {id: "BUSBAR"}, seller: {id: $s}, plant: "1000",
         lines: [{line: "1", item: {id: $item}, periods: [
            {from: "2026-12-01", granularity: "week", quantity: {value: $q, unit: "H87"}, firmness: "firm"},
            {from: "2027-01-01", granularity: "month", quantity: {value: 160, unit: "H87"}, firmness: "planned"}]}]}}'
}
change() {
    jq -cn --arg id "$1" --arg item "$item" --arg rev "$2" '
        {specversion: "1.0", id: ("chg-" + $id), source: "/plm", type: "mfg.change.released", subject: $id, change: $id,
         time: "2026-11-28T08:00:00Z", correlationid: $id, data: {id: $id, kind: "order", title: "New seal",
         approval: {state: "frozen"}, affected: [{object: "item", action: "revise", item: {id: $item}, toRevision: $rev}]}}'
}
posted() { # posted EVENT
    local got
    got=$(post "$1")
    [ "$got" = 202 ] || fail "the webhook answered $got: $(cat "$work/answer")"
}

plant_start --dedupe no
portal_conf
"$busbar" check -c "$conf" >"$work/check-conf.log" 2>&1 || fail "busbar check: $(cat "$work/check-conf.log")"
core_start

# one type in: a ship notice, as JSON
act ship '{"format":"json"}' >/dev/null
wait_for 20 "a ship notice from the portal" route_is from-portal delivered 1
same "ship notices that arrived" "$(plant_get applied)" 1
# one type out: a forecast, as JSON
posted "$(forecast FC-1)"
wait_for 20 "a forecast at the portal" route_is to-portal delivered 1
same "what the portal holds" "$(db "SELECT item, day, quantity, firmness FROM needs WHERE id = 'FC-1' ORDER BY day" | paste -sd' ')" \
    "$item|2026-12-01|40|firm $item|2027-01-01|160|planned"
same "effects made twice" "$(effects doubles)" 0

# a change notice: the supplier knows the new revision
posted "$(change ECO-1 Q)"
wait_for 20 "a change notice at the portal" route_is to-portal delivered 2
same "the revision at the portal" "$(db "SELECT revision FROM items WHERE item = '$item'")" Q
core_stop
books_balance

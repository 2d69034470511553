#!/usr/bin/env bash
# portal-prism.sh - the portal connector against a server that nobody here wrote: prism on the description of a real portal
#
# Reads $BUSBAR_REAL_DATA (PURIS, Catena-X' exchange of demands) and gets @stoplight/prism-cli from npm into the build folder;
# skipped where either is not there. prism checks key and body by the description and answers in its shape.
limit=300
. "$(dirname "$0")/../lib.sh"
. "$src/tests/real/npm/lib.sh"
need jq curl node npm
data=${BUSBAR_REAL_DATA:-$src/../shared/data}/supplier-portal-openapi/puris-openAPI.yaml
[ -r "$data" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
npm_need prism
prism=$npm/node_modules/@stoplight/prism-cli/dist/index.js
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s|'[*]/[*]':|application/json:|" "$data" >"$work/portal.yaml" # prism cannot write an object as */*
bg "$work/prism.log" node "$prism" mock -h 127.0.0.1 -p "$port" "$work/portal.yaml"
wait_for 30 "prism to listen" grep -q "listening on" "$work/prism.log"
(umask 077 && printf 'any-key' >"$work/key")

prism_conf() { # prism_conf [line of config]
    cat >"$conf/portal.yaml" <<END
endpoints:
  hook:
    connector: http
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  portal:
    connector: portal
    timeout: 10s
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: http://127.0.0.1:$port
      paths: {forecasts: /demand, submissions: ""}
${1:-}
routes:
  demands:
    from: hook
    to: portal
    match: {type: mfg.forecast.issued}
    retry: {attempts: 5, initial: 100ms, max: 300ms}
    on_failure: quarantine
    transform:
      - map:
          - copy: {from: /data/lines/0/item/id, to: /data/ownMaterialNumber}
          - copy: {from: /data/lines/0/periods/0/quantity/value, to: /data/quantity}
          - copy: {from: /data/lines/0/periods/0/at, to: /data/day}
          - copy: {from: /data/seller/id, to: /data/partnerBpnl}
          - copy: {from: /data/seller/id, to: /attributes/partner}
          - constant: {to: /data/measurementUnit, value: "unit:piece"}
          - constant: {to: /data/demandCategoryCode, value: "0001"}
          - copy: {from: /data/shipTo/id, to: /data/demandLocationBpns}
          - drop: /data/id
          - drop: /data/seller
          - drop: /data/shipTo
          - drop: /data/lines
END
}
demand() { # demand ID PARTNER
    post "$(jq -cn --arg id "$1" --arg p "$2" '{specversion: "1.0", id: $id, source: "/erp", type: "mfg.forecast.issued", correlationid: $id,
        data: {id: $id, seller: {id: $p}, shipTo: {id: "BPNS4444444444XX"}, lines: [{item: {id: "MNR-7307"}, periods: [
        {at: "2026-12-01T00:00:00Z", quantity: {value: 4, unit: "H87"}}]}]}}')"
}
prism_conf "      api_key: {key: {file: $work/key}}"
core_start
same "a demand at our webhook" "$(demand d-1 BPNL6666787765VQ)" 202
wait_for 30 "the demand at the portal" route_is demands delivered 1
ok "the portal's description takes what we post"
"$busbar" trace d-1 --json --state "$state" >"$work/trace.json" || fail "no trace"
grep -q partnerBpnl "$work/trace.json" || fail "its answer is not on the delivery's record: $(cat "$work/trace.json")"
ok "its answer is on the delivery's record"
same "one that the description refuses" "$(demand d-2 'not a partner')" 202
wait_for 30 "the refusal" route_is demands quarantined 1
"$busbar" quarantine list --json --state "$state" >"$work/held.json"
reason=$(jq -r '.deliveries[0].reason' "$work/held.json")
[[ $reason == 400:* ]] || fail "the refusal's code is not on record: $reason"
ok "refused: $reason"
core_stop
prism_conf
core_start
same "a demand without our key" "$(demand d-3 BPNL6666787765VQ)" 202
told() {
    status_json | jq -e '.endpoints[] | select(.name == "portal") | .text | test("mend auth")' >/dev/null
}
wait_for 20 "status to tell of the key" told
ok "status: $(status_json | jq -r '.endpoints[] | select(.name == "portal") | .text')"
core_stop
books_balance

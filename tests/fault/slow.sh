#!/usr/bin/env bash
# slow.sh - peers that are slow, silent or lose their answers: bounded waits, no loss, no doubles
limit=300
. "$(dirname "$0")/../lib.sh"
need jq curl
plant_start --dedupe no --seed 11 --late-ms 900
cat >"$conf/slow.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: process
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    isolation: process
    timeout: 400ms
    probe_after: 1500ms
    limit: {in_flight: 128}
    breaker: {failures: 100, open: 50ms, max: 200ms}
    config: {url: $erp/in, timeout: 400ms, probe: {method: GET, path: "/applied/{key}"}}
routes:
  all: {from: hook, match: {type: "mfg.*"}, to: erp, order_by: item, retry: {attempts: 30, initial: 20ms, max: 200ms}}
END
core_start
# answers that are lost: late, applied after the caller gave up, never given, broken off
plant_faults "late=8,slow=5,hang=5,reset=8,500=8"
"$load" --url "$hook/events" --connections 8 --items 500 --body-size 400 --messages 1500 --prefix s \
    >"$work/load.json" || fail "not accepted: $(cat "$work/load.json")"
wait_for 200 "1,500 deliveries" route_is all delivered 1500
curl -sf "$erp/summary"
same "applied at the plant" "$(plant_get applied)" 1500
same "effects doubled" "$(plant_get doubles)" 0
same "lanes out of order" "$(plant_get order_violations)" 0
same "redeliveries that were not marked" "$(plant_get unmarked)" 0
[ "$(plant_get probes_applied)" -gt 0 ] || fail "no answer was ever lost: nothing was tested"
ok "what was unknown was asked for"

# callers that open a connection and say nothing, or only begin
plant_faults ""
fds=()
for ((i = 0; i < 300; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$hook_port" || break
    fds+=("$fd")
    if [ $((i % 2)) -eq 0 ]; then
        printf 'POST /events HTTP/1.1\r\nHost: x\r\nContent-Le' >&"$fd" || true
    fi
done
"$load" --url "$hook/events" --connections 8 --items 500 --body-size 400 --messages 2000 --prefix t \
    >"$work/load2.json" || fail "300 silent callers shut out a good one: $(cat "$work/load2.json")"
ok "a good caller gets through beside ${#fds[@]} silent ones, p99 $(jq .p99_ms "$work/load2.json") ms"
for fd in "${fds[@]}"; do exec {fd}>&-; done
wait_for 60 "all deliveries" route_is all delivered 3500
core_stop
books_balance

#!/usr/bin/env bash
# isolation.sh - a connector that crashes, hangs, leaks or floods costs only its own endpoint
#
# Each bad one runs in its own host process while another route is under load; that one must go on,
# in order and without loss, and the core must neither end nor grow.
limit=300
. "$(dirname "$0")/../lib.sh"
need jq curl
plant_start
cat >"$conf/good.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: process
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    isolation: process
    probe_after: 200ms
    config: {url: $erp/in, probe: {method: GET, path: "/applied/{key}"}}
routes:
  good: {from: hook, match: {type: mfg.good.event}, to: erp, order_by: item}
END
for kind in crash hang leak; do
    cat >"$conf/$kind.yaml" <<END
endpoints:
  $kind:
    connector: test-$kind
    isolation: process
    timeout: 500ms
    memory_max: 96MiB
    breaker: {failures: 5, open: 50ms, max: 200ms}
    config: {at: $([ $kind = leak ] && echo 40 || echo 1)}
routes:
  to-$kind: {from: hook, match: {type: mfg.$kind.event}, to: $kind, on_unknown: quarantine, retry: {attempts: 3, initial: 20ms}}
END
done
core_start

rss_kb() {
    awk '/^RssAnon/ {print $2}' "/proc/$core_pid/status"
}

endpoint_get() {
    status_json | jq -r --arg n "$1" --arg f "$2" '[.endpoints[] | select(.name == $n)][0][$f]'
}

more_than() { # more_than N COMMAND...
    local n=$1
    shift
    [ "$("$@")" -gt "$n" ]
}

good_load() { # good_load PREFIX N, in the background
    bg "$work/load-$1.json" "$load" --url "$hook/events" --connections 8 --items 64 --body-size 500 \
        --messages "$2" --retry --type mfg.good.event --prefix "$1"
    load_pid=$bg_pid
}

total=0
good_load warm 3000
wait "$load_pid" || fail "the load was not accepted"
total=$((total + 3000))
wait_for 60 "the load before any fault" route_is good delivered "$total"
before=$(rss_kb)

for kind in crash hang leak; do
    good_load "$kind" 8000
    total=$((total + 8000))
    for ((i = 1; i <= 3; i++)); do
        post "$(event "$kind$i" X "$i" "mfg.$kind.event")" >/dev/null
    done
    if [ "$kind" = leak ]; then
        wait_for 60 "the leaking connector to meet its limit" more_than 0 route_get to-leak quarantined
        leaked=$(awk '/^RssAnon/ {print $2}' "/proc/$(endpoint_get leak pid)/status")
        [ "$leaked" -le 98304 ] || fail "a leaking connector has $leaked kB, its limit is 98304"
        ok "the leaking connector's host stays within its memory_max: $leaked kB"
    else
        wait_for 60 "the $kind connector's host to be started again" more_than 0 endpoint_get "$kind" restarts
        ok "the $kind connector's host was started again"
    fi
    wait "$load_pid" || fail "the load beside $kind was not accepted: $(cat "$work/load-$kind.json")"
    wait_for 60 "the load beside $kind" route_is good delivered "$total"
    ok "8,000 events went past the $kind connector"
done
crashed() {
    [ "$(route_get to-crash quarantined)" = 3 ]
}
wait_for 60 "what the crashes left unknown to be quarantined" crashed
ok "what a crash left unknown is quarantined, never guessed"

# ---- a flood: of submits that are refused, and of log lines -----------------------------------------
core_stop
# It submits what nobody takes, and logs, as fast as it can
cat >"$conf/flood.yaml" <<END
endpoints:
  flood:
    connector: test-flood
    isolation: process
    unmatched: refuse
    memory_max: 96MiB
    config: {logs: 20}
routes:
  from-flood: {from: flood, match: {type: mfg.never.event}, to: erp}
END
rm -f "$work/hook.port"
core_start
flood_met() { # it was let submit and refused, or cut; either way the core has felt it
    [ "$(endpoint_get flood refused)" -gt 1000 ] || [ "$(endpoint_get flood restarts)" -gt 0 ]
}
wait_for 60 "the flood" flood_met
good_load flood 8000
total=$((total + 8000))
wait "$load_pid" || fail "the load beside the flood was not accepted: $(cat "$work/load-flood.json")"
delivered_all() {
    [ "$(route_get good delivered)" = "$total" ]
}
wait_for 60 "the load beside the flood" delivered_all
ok "8,000 events went past the flood: $(endpoint_get flood refused) submits refused, $(endpoint_get flood restarts) restarts"
flood_secs=$(($(status_json | jq .uptime_ms) / 1000 + 1))
flood_lines=$(wc -l <"$work/core-$core_runs.log")
printf 'the core logged %d lines in %d s of flood\n' "$flood_lines" "$flood_secs"
[ "$flood_lines" -le $((flood_secs * 250 + 3000)) ] || fail "the flood of log lines went through"
ok "the flood of log lines is held back"
same "lanes out of order" "$(plant_get order_violations)" 0
same "applied at the plant" "$(plant_get applied)" "$total"
same "restarts of the good sink" "$(endpoint_get erp restarts)" 0
after=$(rss_kb)
printf 'RssAnon of the core: %d kB before, %d kB after\n' "$before" "$after"
[ "$after" -lt $((before + 65536)) ] || fail "the core grew from $before to $after kB"
ok "the core did not grow"
core_stop
books_balance

#!/usr/bin/env bash
# clock.sh - the wall clock jumps a day ahead and back, under way and over a restart: no stall, no storm
limit=180
. "$(dirname "$0")/../lib.sh"
need jq curl
shim=$build/tests/fault/.libs/clock_shift.so
[ -e "$shim" ] || skip "the clock's shim is not built here (a sanitizer wants to be first)"
plant_start --dedupe no --seed 5
cat >"$conf/clock.yaml" <<END
endpoints:
  hook:
    connector: http
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    probe_after: 200ms
    breaker: {failures: 100, open: 50ms, max: 200ms}
    config: {url: $erp/in, probe: {path: "/applied/{key}"}}
routes:
  all: {from: hook, match: {type: "mfg.*"}, to: erp, order_by: item, retry: {initial: 300ms, max: 1s}}
END
export CLOCK_SHIFT_FILE=$work/shift
echo 0 >"$CLOCK_SHIFT_FILE"
export LD_PRELOAD=$shim
core_start
unset LD_PRELOAD
sent=0

# jump SECONDS TEXT: deliveries wait for a retry or a probe, the clock jumps, and all arrive
jump() {
    local i
    plant_faults "500=60,reset=20"
    for ((i = 0; i < 12; i++)); do
        sent=$((sent + 1))
        post "$(event "c$sent" "L$((i % 6))" "$sent" mfg.clock.event)" >/dev/null
    done
    wait_for 20 "something to wait" waiting_some
    echo "$1" >"$CLOCK_SHIFT_FILE"
    plant_faults ""
    wait_for 30 "all deliveries, $2" route_is all delivered "$sent"
    ok "all $sent delivered, $2"
}
waiting_some() {
    [ "$(route_get all retrying)" -gt 0 ] || [ "$(route_get all probing)" -gt 0 ]
}

jump 86400 "a day ahead"
jump 0 "and back"
jump -3600 "an hour back"
core_stop
echo -86400 >"$CLOCK_SHIFT_FILE"
rm -f "$work/hook.port"
export LD_PRELOAD=$shim
core_start
unset LD_PRELOAD
jump -86400 "after a restart a day in the past"
same "effects doubled" "$(plant_get doubles)" 0
same "lanes out of order" "$(plant_get order_violations)" 0
core_stop
books_balance

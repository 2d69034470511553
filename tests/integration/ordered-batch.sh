#!/usr/bin/env bash
# ordered-batch.sh - one lane of 20,000 messages to a sink that takes ordered batches and fails by
# chance, its host and the core killed in between: in order, nothing twice, nothing lost
limit=240
. "$(dirname "$0")/../lib.sh"
need jq
n=20000
effects=$work/effects

lane_conf() { # lane_conf COUNT ON_FAILURE KEY: VALUE...: the last are the sink's
    cat >"$conf/lane.yaml" <<END
endpoints:
  gen: {connector: test-gen, isolation: process, config: {count: $1, size: 400, items: 1}}
  sink:
    connector: test-order
    isolation: process
    timeout: 5s
    probe_after: 20ms
    breaker: {open: 20ms, max: 100ms}
    config: {file: $effects, seed: $RANDOM, $3}
routes:
  lane:
    from: gen
    to: sink
    order_by: item
    retry: {attempts: 20, initial: 5ms, max: 50ms}
    on_unknown: probe
    on_failure: $2
END
}

applied_past() { # more effects than that: for polling
    kill -0 "$core_pid" 2>/dev/null || return 0
    [ "$(wc -l <"$effects" 2>/dev/null || echo 0)" -gt "$1" ]
}

sink_host() { # its process, in host_pid
    host_pid=$(status_json 2>/dev/null | jq -r '.endpoints[] | select(.name == "sink") | .pid')
    [ -n "$host_pid" ] && [ "$host_pid" -gt 1 ] && [ "$host_pid" != "$core_pid" ] &&
        grep -qs '^State:.[RSD]' "/proc/$host_pid/status"
}

out_of_order() { # effects that come after a later one
    awk 'BEGIN { last = -1 } { n = substr($1, 5) + 0; if (n <= last) bad++; else last = n } END { print bad + 0 }' "$effects"
}

twice() {
    cut -d' ' -f1 "$effects" | sort | uniq -d | wc -l
}

# ---- random failures and kills -----------------------------------------------------------------------
# without a refusal, every message must be there; none may come after a later one
lane_conf $n quarantine "retry: 20, unknown: 10"
core_start
for ((k = 1; k <= 6; k++)); do
    wait_for 60 "effects before kill $k" applied_past $((k * n / 8))
    kill -0 "$core_pid" 2>/dev/null || fail "the core ended by itself before kill $k"
    if [ $((k % 2)) -eq 0 ]; then
        core_kill
        core_start
    else
        wait_for 20 "a host to kill" sink_host
        kill -KILL "$host_pid"
    fi
done
wait_for 120 "all to be delivered" route_is lane delivered $n
same "effects" "$(wc -l <"$effects")" $n
same "effects out of order" "$(out_of_order)" 0
same "effects doubled" "$(twice)" 0
same "left open" "$(route_get lane quarantined)" 0
status_json >"$work/status.json"
core_stop
books_balance
again=$(awk '$3 == 1' "$effects" | wc -l)
late=$(grep -c late "$effects" || true)
[ "$late" -gt 0 ] || fail "no answer was withheld: this run shows nothing about them"
printf '%d effects of redeliveries, %d answers withheld\n' "$again" "$late"

# ---- refused ones are quarantined, and their neighbours go on ------------------------------------------
rm -rf "$state" "$effects"
lane_conf 5000 quarantine "retry: 20, reject: 40"
core_start
drained() { [ "$(route_get lane pending)" = 0 ] && [ "$(status_json | jq .journal.messages)" = 5000 ]; }
wait_for 60 "the rest to be delivered" drained
refused=$(route_get lane quarantined)
[ "$refused" -gt 0 ] || fail "nothing was refused: this run shows nothing about it"
same "effects and refusals" $(($(wc -l <"$effects") + refused)) 5000
same "delivered and refused" $(($(route_get lane delivered) + refused)) 5000
same "effects out of order" "$(out_of_order)" 0
same "effects doubled" "$(twice)" 0
core_stop
books_balance

# ---- a refused one holds its lane, and the rest waits behind it ------------------------------------------
rm -rf "$state" "$effects"
lane_conf 2000 hold-lane "reject: 60"
core_start
held() { [ "$(route_get lane held)" = 1 ] && [ "$(status_json | jq .journal.messages)" = 2000 ]; }
wait_for 60 "a held lane" held
seq=$(($(route_get lane delivered) + 1))
same "effects before the held one" "$(wc -l <"$effects")" $((seq - 1))
same "waiting with it and behind it" "$(route_get lane pending)" $((2000 - seq + 1))
lane_moves() {
    [ "$(route_get lane held)" = 0 ] ||
        "$busbar" hold release --all --route lane --state "$state" >/dev/null 2>&1 || true
    [ "$(route_get lane pending)" = 0 ]
}
wait_for 90 "the lane, released again and again" lane_moves
same "effects" "$(wc -l <"$effects")" 2000
same "effects out of order" "$(out_of_order)" 0
core_stop
books_balance

# ---- a connector that breaks its promise: what it applied counts, and it is said ---------------------------
rm -rf "$state" "$effects"
lane_conf 3000 quarantine "retry: 100, goes_on: true"
core_start
wait_for 60 "all to be delivered" route_is lane delivered 3000
same "effects" "$(wc -l <"$effects")" 3000
same "effects doubled" "$(twice)" 0
grep -q 'promises ordered batches, and went on' "$work/core-$core_runs.log" ||
    fail "the broken promise is not said"
ok "a broken promise is said"
core_stop
books_balance

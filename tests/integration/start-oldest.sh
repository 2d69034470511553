#!/usr/bin/env bash
# start-oldest.sh - a new route with start: oldest gets what is stored, once, in order, and then the new
#
# The core is killed at each sync of its journal's writer in turn while it joins the stored messages.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl strace
strace -qq -o /dev/null true 2>/dev/null || skip "strace may not trace here"
plant_start
first=$erp
unset erp_port
conf_put() { # conf_put MORE-ROUTES
    cat >"$conf/p.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: process
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    isolation: process
    probe_after: 100ms
    limit: {in_flight: 64}
    config: {url: $first/in, probe: {method: GET, path: "/applied/{key}"}}
  mes:
    connector: http
    isolation: process
    probe_after: 100ms
    limit: {in_flight: 64}
    config: {url: $erp/in, probe: {method: GET, path: "/applied/{key}"}}
routes:
  first: {from: hook, match: {type: "mfg.*"}, to: erp, order_by: item}
  $1
END
}
feed() { # feed FROM TO: events by these numbers, in eight lanes
    local at
    for ((at = $1; at <= $2; at += 500)); do
        jq -nc --argjson a "$at" --argjson b "$((at + 499 < $2 ? at + 499 : $2))" '[range($a; $b + 1) |
            {specversion: "1.0", id: "s\(.)", source: "/test", type: "mfg.test.event", item: "L\(. % 8)",
             data: {seq: .}}]' >"$work/body"
        [ "$(post "@$work/body" cloudevents-batch+json)" = 202 ] || fail "refused: $(cat "$work/answer")"
    done
}

conf_put ""
core_start
feed 1 3000
post "$(event other IT 1 other.event)" >/dev/null # matched by none: it stays in quarantine
wait_for 60 "the first route" route_is first delivered 3000
core_stop

# ---- the second route, killed again and again --------------------------------------------------------
mv "$work/erp.jsonl" "$work/first.jsonl"
plant_start # the second route's own, which is asked from here on
second="second: {from: hook, match: {type: [\"mfg.*\", other.event]}, to: mes, order_by: item, start: oldest"
conf_put "$second, paused: true}"
died=0
for n in 1 2 3 4 5 6 7 8 9; do
    bg "$work/killed-$n.log" strace -D -f -qq -o /dev/null -e trace=fdatasync \
        -e inject=fdatasync:signal=KILL:when="$n" "$busbar" run -c "$conf" --state "$state"
    joined() { ! kill -0 "$bg_pid" 2>/dev/null || grep -q 'ready:' "$work/killed-$n.log"; }
    wait_for 20 "the core to be ready or killed" joined
    grep -q 'ready:' "$work/killed-$n.log" || died=$((died + 1))
    bg_end "$bg_pid"
    books_balance
done
[ "$died" -ge 3 ] || fail "killed $died times only before it was ready"
ok "killed $died times while it joined"
conf_put "$second}"
core_start
same "joined" "$(route_get second accepted)" 3001
wait_for 60 "the second route" route_is second delivered 3001
same "applied" "$(plant_get applied)" 3001
feed 3001 3400
wait_for 60 "the new ones on both" route_is second delivered 3401
wait_for 60 "the new ones on both" route_is first delivered 3400
same "effects doubled" "$(plant_get doubles)" 0
same "lanes out of order" "$(plant_get order_violations)" 0
same "unmatched, still in quarantine" "$(status_json | jq .unmatched.quarantined)" 1
[ -n "$("$busbar" trace other --state "$state" | grep second)" ] || fail "the trace does not show the second route"
ok "the trace of one that joined shows its route"
core_stop
books_balance

# ---- a route that was there takes nothing twice ---------------------------------------------------------
conf_put "$second}"
core_start
same "accepted after another start" "$(route_get second accepted)" 3401
core_stop
conf_put "$second}
  third: {from: hook, to: erp, order_by: item}"
core_start
same "a route that starts now" "$(route_get third accepted)" 0
core_stop
books_balance

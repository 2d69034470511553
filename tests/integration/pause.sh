#!/usr/bin/env bash
# pause.sh - a paused endpoint or route keeps accepting; a restart keeps what waits; a dead target waits
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
plant_start
cat >"$conf/p.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: process
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    isolation: process
    probe_after: 200ms
    breaker: {failures: 3, open: 50ms, max: 500ms}
    config: {url: $erp/in, probe: {method: GET, path: "/applied/{key}"}}
routes:
  all: {from: hook, match: {type: "mfg.*"}, to: erp, order_by: item}
END
core_start
"$busbar" pause erp --state "$state" || fail "pause erp"
for ((i = 1; i <= 20; i++)); do post "$(event "p$i" "L$((i % 3))" "$i")" >/dev/null; done
wait_for 20 "20 to wait" route_is all pending 20
same "delivered while paused" "$(plant_get applied)" 0
"$busbar" resume erp --state "$state" || fail "resume erp"
wait_for 30 "the 20" plant_is applied 20
ok "a paused endpoint goes on where it stopped"
"$busbar" pause all --state "$state" || fail "pause all"
for ((i = 21; i <= 40; i++)); do post "$(event "p$i" "L$((i % 3))" "$i")" >/dev/null; done
wait_for 20 "20 to wait" route_is all pending 20
same "delivered while the route is paused" "$(plant_get applied)" 20
"$busbar" resume all --state "$state" || fail "resume all"
wait_for 30 "40 in all" plant_is applied 40
ok "a paused route goes on where it stopped"

# the target goes away, the core is restarted, the target comes back
bg_end "$erp_pid"
for ((i = 41; i <= 60; i++)); do
    [ "$(post "$(event "p$i" "L$((i % 3))" "$i")")" = 202 ] || fail "refused while the target is down"
done
ok "the target's absence is nothing to the caller"
core_stop
books_balance
core_start
same "still waiting after a restart" "$(route_get all pending)" 20
plant_start
wait_for 60 "60 in all" route_is all delivered 60
same "lanes out of order" "$(plant_get order_violations)" 0
same "effects doubled" "$(plant_get doubles)" 0
core_stop
books_balance

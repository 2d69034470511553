#!/usr/bin/env bash
# webhook.sh - events over HTTP in and out: receipts, duplicates, refusals, batches, a restart
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
plant_start
cat >"$conf/hook.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: process
    unmatched: refuse
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port, max_body: 1MiB}
  erp:
    connector: http
    isolation: process
    probe_after: 200ms
    config: {url: $erp/in, probe: {method: GET, path: "/applied/{key}"}}
routes:
  all:
    from: hook
    match: {type: "mfg.*"}
    to: erp
    order_by: item
END
core_start
same "an event is accepted" "$(post "$(event e1 A 1)")" 202
same "the same event again" "$(post "$(event e1 A 1)")" 202
wait_for 30 "the first delivery" plant_is applied 1
same "applied once" "$(plant_get applied)" 1
same "a type that no route takes" "$(post "$(event e2 A 2 other.type)")" 422
same "JSON that is none" "$(post '{"specversion":')" 400
same "an event without a source" "$(post '{"specversion":"1.0","id":"x","type":"mfg.x"}')" 422
head -c 2000000 /dev/zero | tr '\0' ' ' >"$work/big"
same "a body past the limit" "$(post "@$work/big")" 413
batch="[$(for ((i = 1; i <= 100; i++)); do
    [ $i -eq 1 ] || printf ,
    event "b$i" "L$((i % 4))" "$i"
done)]"
same "a batch of 100" "$(post "$batch" cloudevents-batch+json)" 202
wait_for 30 "the batch" plant_is applied 101
same "lanes out of order" "$(plant_get order_violations)" 0
"$load" --url "$hook/events" --connections 8 --items 40 --messages 4000 --body-size 600 --prefix v \
    >"$work/load.json" || fail "load: $(cat "$work/load.json")"
wait_for 60 "4,000 more" plant_is applied 4101
ok "4,000 events over 8 connections are delivered"
same "lanes out of order" "$(plant_get order_violations)" 0
core_stop
books_balance
# what was accepted before is still known after a restart
core_start
same "an old event after a restart" "$(post "$(event e1 A 1)")" 202
same "a new event after a restart" "$(post "$(event e3 A 3)")" 202
wait_for 30 "the new one" plant_is applied 4102
same "accepted in all" "$(route_get all accepted)" 4102
core_stop
books_balance

#!/usr/bin/env bash
# emit.sh - a message follows each that the ERP has: once each, whatever is killed or lost on the way
#
# Stock moves go to a simulated ERP that loses answers, sends errors and is asked what it applied; a
# message follows each delivery and goes to a file. The core and its hosts are killed meanwhile.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl
n=400
mkdir -p "$work/in" "$work/out"
plant_start --seed 7 --fault 500=5,reset=10,late=10 --late-ms 400 --lane /item --seq /data/n
config() { # config TYPE [more of the route]
    cat >"$conf/emit.yaml" <<END
endpoints:
  wms:
    connector: file
    config: {directory: $work/in, format: jsonl, envelope: {type: mfg.inventory.movement, id: {pointer: /n}, item: {pointer: /item}}}
  erp:
    connector: http
    timeout: 300ms
    probe_after: 500ms
    breaker: {open: 50ms, max: 200ms}
    config: {url: $erp/in, probe: {method: GET, path: "/applied/{key}"}}
  book: {connector: file, probe_after: 100ms, config: {path: $work/out/book.jsonl, content: event}}
routes:
  move-to-erp:
    from: wms
    to: erp
    order_by: item
    retry: {attempts: 20, initial: 20ms, max: 200ms}
    emit: {type: $1, on: delivered}
    ${2:-}
  confirmed:
    from: erp
    to: book
    match: {type: mfg.inventory.posted}
    order_by: item
    retry: {attempts: 20, initial: 20ms, max: 200ms}
END
}
# ---- what check says -----------------------------------------------------------------------------------
refused() { # refused TEXT: check fails with it
    "$busbar" check -c "$conf" >"$work/check.out" 2>&1 && fail "check passed: $1 was expected"
    grep -q "$1" "$work/check.out" || fail "check says: $(cat "$work/check.out")"
    ok "$1"
}
config mfg.inventory.other
refused 'emit.yaml:18:18: error: route "move-to-erp": emit: no route takes "mfg.inventory.other" from endpoint "erp"'
config mfg.inventory.posted "transform: [split: {at: /data/lines, type: mfg.line}]"
refused 'its last step makes other messages of each'
sed -i 's/, on: delivered//' "$conf/emit.yaml"
refused '"on" is missing (when: delivered)'

# ---- and what happens ------------------------------------------------------------------------------------
config mfg.inventory.posted "transform: [map: [{constant: {to: /attributes/item, value: MAPPED}}]]"
core_start
for ((i = 1; i <= n; i++)); do
    printf '{"n":%d,"item":"I%d","qty":"%d.50"}\n' "$i" $((i % 9)) "$i"
done >"$work/in/moves.jsonl.tmp"
mv "$work/in/moves.jsonl.tmp" "$work/in/moves.jsonl"
more_than() {
    [ "$(route_get confirmed delivered)" -gt "$1" ]
}
for ((k = 1; k <= 5; k++)); do
    wait_for 60 "more moves to be posted before kill $k" more_than $((k * n / 7))
    core_kill
    core_start
done
wait_for 120 "all moves to be posted" route_is move-to-erp delivered "$n"
wait_for 120 "all that follows" route_is confirmed delivered "$n"
same "accepted" "$(status_json | jq .journal.accepted)" $((2 * n))
same "applied by the ERP" "$(jq -r 'select(.outcome == "applied") | .id' "$work/erp.jsonl" | sort -u | wc -l)" "$n"
same "different messages that follow" "$(cat "$work"/out/*.jsonl | jq -r .id | sort -u | wc -l)" "$n"
same "of what was sent, not of what was accepted" "$(cat "$work"/out/*.jsonl | jq -r 'select(.item == "MAPPED") | .id' | wc -l)" 0
same "their order" "$(cat "$work"/out/*.jsonl | jq -r '[.item, (.causationid | tonumber)] | @tsv' |
    awk '{ if ($2 + 0 < last[$1]) bad++; last[$1] = $2 + 0 } END { print bad + 0 }')" 0
jq -e "select(.time == null)" <(cat "$work"/out/*.jsonl) >/dev/null && fail "one has no time"
same "one of them" "$(cat "$work"/out/*.jsonl | jq -c 'select(.causationid == "8") | [.id, .type, .item, .correlationid, .data.type, .data.id]' | head -n 1)" \
    '["8/move-to-erp","mfg.inventory.posted","I8","8","mfg.inventory.movement","8"]'
"$busbar" trace 8 --state "$state" >"$work/trace" || fail "trace"
grep -q 'mfg.inventory.posted' "$work/trace" || fail "the trace does not go on: $(cat "$work/trace")"
core_stop
books_balance

# ---- what nothing can follow is not sent -----------------------------------------------------------------
rm -rf "$state" "$work"/out/* "$work"/in/*
curl -sf -X PUT --data "" "$erp/control/zero" >/dev/null
config mfg.inventory.posted "on_failure: quarantine"
echo 'journal: {max_message: 1KiB}' >>"$conf/emit.yaml"
core_start
long=$(printf 'x%.0s' {1..260})
printf '{"specversion":"1.0","id":"%s","source":"/t","type":"mfg.inventory.movement","item":"L","data":{}}' "$long" >"$work/long.json"
printf '{"specversion":"1.0","id":"g","source":"/t","type":"mfg.inventory.movement","item":"G","generation":9223372036854775807,"data":{}}' >"$work/circle.json"
for i in {1..60}; do printf '"a%02d":"v",' "$i"; done >"$work/many"
printf '{"specversion":"1.0","id":"m","source":"/t","type":"mfg.inventory.movement",%s"data":{}}' "$(cat "$work/many")" >"$work/many.json"
for what in long circle many; do
    "$busbar" send -e wms --state "$state" "$work/$what.json" >/dev/null || fail "send $what"
done
wait_for 30 "all three in quarantine" route_is move-to-erp quarantined 3
"$busbar" quarantine list --json --state "$state" >"$work/q.json" || fail "quarantine list"
for text in 'too many for max_message (1024)' 'do the routes go in a circle' 'cannot be made'; do
    grep -qF "$text" "$work/q.json" || fail "the reasons lack \"$text\": $(cat "$work/q.json")"
done
same "of them sent to the ERP" "$(plant_get calls)" 0
core_stop
books_balance
config 'mfg.inventory.*'
refused 'emit: "mfg.inventory.*" is a pattern'
config mfg.inventory.posted "transform: [emit: {type: t, route: r}]"
refused '"emit" is no step that can be written'

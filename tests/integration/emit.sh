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
config mfg.inventory.posted
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
same "their order" "$(cat "$work"/out/*.jsonl | jq -r '[.item, (.causationid | tonumber)] | @tsv' |
    awk '{ if ($2 + 0 < last[$1]) bad++; last[$1] = $2 + 0 } END { print bad + 0 }')" 0
same "one of them" "$(cat "$work"/out/*.jsonl | jq -c 'select(.causationid == "8") | [.id, .type, .item, .correlationid, .data.type, .data.id]' | head -n 1)" \
    '["8/move-to-erp","mfg.inventory.posted","I8","8","mfg.inventory.movement","8"]'
"$busbar" trace 8 --state "$state" >"$work/trace" || fail "trace"
grep -q 'mfg.inventory.posted' "$work/trace" || fail "the trace does not go on: $(cat "$work/trace")"
core_stop
books_balance

#!/usr/bin/env bash
# emit-room.sh - a route with emit, when the journal has no room, and when a record is damaged
#
# What follows a delivery is stored with its end, out of the room that is kept for endings. A backlog of such a route
# must not take that from other routes: it waits, and goes on with more room. And where the record of a message is
# damaged nothing can follow: it is not sent, though its kept body is whole.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl
config() { # config JOURNAL [transform]
    cat >"$conf/c.yaml" <<END
journal: {$1}
endpoints:
  hook: {connector: http, isolation: thread, config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}}
  erp:
    connector: http
    probe_after: 500ms
    breaker: {open: 50ms, max: 200ms}
    config: {url: $erp/in, probe: {path: "/applied/{key}"}}
  book: {connector: file, config: {path: $work/book.jsonl, content: event}}
  other: {connector: file, breaker: {open: 50ms, max: 200ms}, config: {path: $work/share/other.jsonl, content: data}}
routes:
  r: {from: hook, to: erp, order_by: item, match: {type: two}, retry: {attempts: 1000, initial: 20ms, max: 200ms}, emit: {type: mfg.posted, on: delivered}, ${2:-}}
  b: {from: erp, to: book, match: {type: mfg.posted}}
  plain: {from: hook, to: other, match: {type: plain}}
END
}
plant_start --dedupe no
config "map_size: 16MiB, reserve: 1MiB, index: false"
plant_faults "500=100"
core_start
pad=$(printf 'x%.0s' {1..100})
big=$(printf '"a%d":"'"$pad"'",' 1 2 3 4 5 6 7 8 9 10)
accepted=0 plain=0
for ((i = 1; i <= 30000; i += 50)); do
    type=two
    [ $((i % 1000)) -ne 1 ] || type=plain
    b=
    for ((j = i; j < i + 50; j++)); do
        b+="{\"specversion\":\"1.0\",\"id\":\"i$j\",\"source\":\"/t\",\"type\":\"$type\",$big\"item\":\"I$((j % 50))\",\"data\":{\"n\":$j}},"
    done
    [ "$(post "[${b%,}]" cloudevents-batch+json)" = 202 ] || break
    accepted=$((accepted + 50))
    [ $type = two ] || plain=$((plain + 50))
done
[ "$(status_json | jq -r .journal.intake)" != open ] || fail "30,000 messages did not fill the journal"
ok "$accepted messages fill the journal, of them $plain of the other route"
plant_faults ""
waits() { status_json | jq -e '.routes[] | select(.name == "r") | .lacks_room and .in_flight == 0' >/dev/null; }
wait_for 60 "the emitting route to wait" waits
mkdir "$work/share"
wait_for 60 "the other route's deliveries to end all the same" route_is plain delivered "$plain"
core_stop
sed -i 's/map_size: 16MiB/map_size: 1GiB/' "$conf/c.yaml"
core_start
wait_for 150 "with more room, the emitting route's" route_is r delivered $((accepted - plain))
wait_for 60 "and all that follows" route_is b delivered $((accepted - plain))
same "applied twice" "$(plant_get doubles)" 0
same "what followed, without doubles" "$(jq -r .id "$work/book.jsonl" | sort -u | wc -l)" $((accepted - plain))
core_stop
books_balance

# ---- a damaged record ---------------------------------------------------------------------------------------
rm -rf "$state" "$work/book.jsonl"
mapped="transform: [{map: [{constant: {to: /data, value: x}}, {constant: {to: /attributes/id, value: MAPPED}}]}]"
bg_end "$erp_pid"
config "index: false" "$mapped"
core_start
same "accepted" "$(post '{"specversion":"1.0","id":"7","source":"/t","type":"two","item":"A","data":{"n":"UNIQUE-MARK"}}')" 202
kept() { [ "$(route_get r retrying)" = 1 ]; }
wait_for 20 "nobody there, and its body to be kept" kept
core_stop
grep -q UNIQUE-MARK "$state/data.mdb" || fail "the record is not in the store yet"
sed -i 's/UNIQUE-MARK/UNIQUE-MARX/g' "$state/data.mdb"
plant_start --dedupe no
config "index: false" "$mapped"
core_start
wait_for 30 "it to be quarantined" route_is r quarantined 1
"$busbar" quarantine list --state "$state" | grep -q 'damaged' || fail "the reason is not told: $("$busbar" quarantine list --state "$state")"
same "sent" "$(plant_get applied)" 0
same "followed" "$(route_get b accepted)" 0

#!/usr/bin/env bash
# quarantine.sh - what the target refuses: quarantined or holding its lane, shown, replayed, discarded
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
config() {
    cat >"$conf/q.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: thread
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    isolation: thread
    config: {url: $erp/in}
routes:
  loose:
    from: hook
    match: {type: mfg.loose.event}
    to: erp
    on_failure: quarantine
  strict:
    from: hook
    match: {type: mfg.strict.event}
    to: erp
    order_by: item
END
}
plant_start --lane /type,/item --reject /data/seq=13 # a record that the ERP does not accept
config
core_start
for i in 12 13 14; do
    same "loose $i" "$(post "$(event "l$i" A "$i" mfg.loose.event)")" 202
    same "strict $i" "$(post "$(event "s$i" A "$i" mfg.strict.event)")" 202
done
same "strict, another lane" "$(post "$(event t1 B 1 mfg.strict.event)")" 202
wait_for 30 "the loose one in quarantine" route_is loose quarantined 1
wait_for 30 "the strict one held" route_is strict held 1
wait_for 30 "the other loose ones" route_is loose delivered 2
wait_for 30 "the strict ones before and beside" route_is strict delivered 2
ok "one quarantined, one held; the others went on"
same "the held lane's next one waits" "$(route_get strict pending)" 2
"$busbar" quarantine list --json --state "$state" >"$work/list.json" || fail "quarantine list"
seq=$(jq -r '[.deliveries[] | select(.route == "loose")][0].seq' "$work/list.json")
"$busbar" quarantine show "loose/$seq" --json --state "$state" | grep -q 422 || fail "show does not give the target's answer"
ok "quarantine show gives the target's answer"
"$busbar" hold list --json --state "$state" >"$work/held.json" || fail "hold list"
held=$(jq -r '[.deliveries[] | select(.route == "strict")][0].seq' "$work/held.json")

# the plant comes to its senses
bg_end "$erp_pid"
plant_start
"$busbar" quarantine replay "loose/$seq" --state "$state" || fail "replay"
wait_for 30 "the replayed one" route_is loose delivered 3
same "quarantined after the replay" "$(route_get loose quarantined)" 0
"$busbar" hold release "strict/$held" --state "$state" || fail "release"
wait_for 30 "the whole lane" route_is strict delivered 4
same "the held lane's order" "$(jq -r 'select(.outcome == "applied" and (.id | startswith("s"))) | .seq' \
    "$work/erp.jsonl" | xargs)" "12 13 14"
core_stop
books_balance

# discarding frees the lane
bg_end "$erp_pid"
plant_start --reject /data/seq=23
core_start
post "$(event s23 A 23 mfg.strict.event)" >/dev/null
post "$(event s24 A 24 mfg.strict.event)" >/dev/null
wait_for 30 "the second held" route_is strict held 1
held=$("$busbar" hold list --json --state "$state" | jq -r '[.deliveries[] | select(.route == "strict")][0].seq')
"$busbar" quarantine discard "strict/$held" --state "$state" || fail "discard"
wait_for 30 "the one behind it" route_is strict delivered 5
same "discarded" "$(route_get strict discarded)" 1
core_stop
books_balance

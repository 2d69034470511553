#!/usr/bin/env bash
# postings.sh - what moves in the warehouse is posted in the ERP exactly once, whatever is lost or killed on the way
#
# The people of the plant's WMS receive, pick and count; the core polls its events (wms) and posts material
# documents (sap). A third of the ERP's answers are lost with the effect done, calls are reset before it, answered
# 429, or take effect only after a probe was answered; the core is killed -9 five times. At the end both systems
# hold the same stock to the last digit, nothing was posted twice, nothing waits for a person.
# BUSBAR_POSTINGS (2,000) says how many; BUSBAR_SEED seeds the faults.
# Then a ledger that cannot be probed: what became of a lost answer is a person's to say, never guessed.
postings=${BUSBAR_POSTINGS:-2000}
limit=$((300 + postings / 8))
. "$(dirname "$0")/../lib.sh"
need jq curl
kills=5
seed=${BUSBAR_SEED:-$((RANDOM * 32768 + RANDOM))}
printf 'seed %d\n' "$seed"
systems_start --systems erp,wms --seed 1
wait_for 30 "the WMS's port" test -s "$systems_dir/wms.port"
E=$(system_url erp) W=$(system_url wms)
(umask 077 && printf 'busbar' >"$work/secret")

control() { # control SYSTEM'S-URL WHAT JSON
    curl -sf --max-time 10 -X PUT --data "$3" "$1/control/$2" >/dev/null || fail "control $2: $3"
}
effects() { # effects SYSTEM'S-URL FIELD: effects, doubles, keyless
    curl -sf --max-time 30 "$1/control/effects?limit=1" | jq -r ".$2"
}
met() { # met SYSTEM'S-URL: calls that met a fault
    curl -sf --max-time 10 "$1/control/faults" | jq '[.rules[].met] | add // 0'
}
# people TIMES ACTION [JSON]: the warehouse's people do that so often, one after another; each that there was to
# do is a line of $work/done
people() {
    [ "$1" -ge 1 ] || return 0
    curl -s --max-time 300 --data "${3:-{\}}" "$W/control/do/$2?n=[1-$1]" | jq -r 'select(.event) | .kind' >>"$work/done"
}
acted() { # how many of those are the ERP's business
    grep -cv '^transfer-bin$' "$work/done" || true
}
# shift_to N: they receive, pick, move and count until the ERP has to have N documents
shift_to() {
    local n=$(($1 - $(acted)))
    people $((n / 8)) receive
    people $((n / 8)) pick
    people $((n / 10)) move
    n=$(($1 - $(acted)))
    people $((n / 2)) count
    people $((n - n / 2)) count '{"found":"more"}'
}
conf_write() { # conf_write PROBE-AFTER [MORE ROUTES]
    cat >"$conf/stock.yaml" <<END
endpoints:
  wms:
    connector: wms
    config:
      base_url: $W
      storage_location: "0001"
      timeout: 2s
      auth: {basic: {user: busbar, password: {file: $work/secret}}}
      poll: {interval: 200ms, page: 200, backoff_max: 300ms}
  erp:
    connector: sap
    timeout: 1500ms
    probe_after: $1
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: $E
      pause: 200ms
      auth: {oauth2: {token_url: "$E/oauth2/token", client_id: busbar, client_secret: {file: $work/secret}}}
$2
END
    "$busbar" check -c "$conf" >"$work/check-conf.log" 2>&1 || fail "busbar check: $(cat "$work/check-conf.log")"
}
to_erp='routes:
  stock:
    from: wms
    to: erp
    match: {type: mfg.inventory.movement}
    order_by: item
    transform:
      - require: # a move between bins is not the business of the ERP
          that: {at: /data/kind, in: [purchase-receipt, issue-to-order, count-adjustment]}
          on_failure: skip
    retry: {attempts: 40, initial: 50ms, max: 500ms}
    on_unknown: probe'

# ---- both sides can be asked: each posting once ----------------------------------------------------------------
: >"$work/done"
conf_write 4s "$to_erp"
# reset after: done, the answer is lost. late: done, the answer comes after the core's patience. latency: the call is
# held for so long that the first probe (5.5 s after the send) says "not applied", and takes effect after it. The second
# one comes probe_after later, which after a kill is 8 s from the restart at least: no call is held for longer.
control "$E" faults "{\"seed\":$seed,\"rules\":[
    {\"fault\":\"reset\",\"when\":\"after\",\"percent\":28,\"method\":\"POST\",\"match\":\"MATERIAL_DOCUMENT\"},
    {\"fault\":\"late\",\"percent\":4,\"ms\":2600,\"method\":\"POST\",\"match\":\"MATERIAL_DOCUMENT\"},
    {\"fault\":\"latency\",\"percent\":2,\"ms\":6300,\"method\":\"POST\",\"match\":\"MATERIAL_DOCUMENT\"},
    {\"fault\":\"500\",\"when\":\"after\",\"percent\":3,\"method\":\"POST\",\"match\":\"MATERIAL_DOCUMENT\"},
    {\"fault\":\"reset\",\"percent\":6},{\"fault\":\"429\",\"percent\":3,\"retry_after\":\"1\"},{\"fault\":\"429\",\"percent\":2,\"retry_after\":\"\"},
    {\"fault\":\"lock\",\"percent\":2,\"method\":\"POST\",\"match\":\"MATERIAL_DOCUMENT\"},{\"fault\":\"truncate\",\"percent\":1},
    {\"fault\":\"csrf\",\"percent\":0.2},{\"fault\":\"token\",\"percent\":0.1}]}"
control "$W" faults "{\"seed\":$seed,\"rules\":[{\"fault\":\"reset\",\"percent\":5},{\"fault\":\"500\",\"percent\":5},
    {\"fault\":\"truncate\",\"percent\":5},{\"fault\":\"429\",\"percent\":3,\"retry_after\":\"1\"}]}"
began=$SECONDS
core_start
posted_least() { # posted_least N: the ERP has made so many documents
    [ "$(effects "$E" effects)" -ge "$1" ]
}
killed=0
for ((round = 1; round <= kills + 1; round++)); do
    shift_to $((postings * round / (kills + 1)))
    same "the people have moved" "$(acted)" $((postings * round / (kills + 1)))
    [ "$round" -le "$kills" ] || break
    # in the middle of the round's postings, wherever that finds the core
    wait_for 240 "half of round $round in the ERP" posted_least $((postings * (2 * round - 1) / (2 * kills + 2)))
    core_kill
    killed=$((killed + 1))
    core_start
done
all_in() { # the route has settled each movement: those for the ERP, and the moves between bins it skips
    [ "$(status_json | jq '[.routes[] | select(.name == "stock") | .delivered + .skipped] | add')" = "$(wc -l <"$work/done")" ]
}
wait_for $((120 + postings / 10)) "all $postings postings" all_in
took=$((SECONDS - began))
lost=$(curl -sf "$E/control/faults" | jq '[.rules[] | select(.when == "after" or .fault == "late" or .fault == "latency") | .met] | add')
held=$(curl -sf "$E/control/faults" | jq '[.rules[] | select(.fault == "latency") | .met] | add')
printf '%d postings in %d s (%d/s), %d kills; the ERP spoilt %d calls, %d of them lost answers, %d held for longer than the probe; the WMS %d\n' \
    "$postings" "$took" $((postings / (took + 1))) "$killed" "$(met "$E")" "$lost" "$held" "$(met "$W")"
[ $((lost * 4)) -ge "$postings" ] || fail "only $lost answers were lost: this run shows little"
[ "$held" -ge 1 ] || fail "no call took effect after a probe: this run shows little"
same "kills of the core" "$killed" "$kills"
control "$E" faults '{"rules":[]}'
control "$W" faults '{"rules":[]}'
same "documents in the ERP" "$(effects "$E" effects)" "$postings"
same "effects made twice in the ERP" "$(effects "$E" doubles)" 0
same "quarantined" "$(route_get stock quarantined)" 0
same "held" "$(route_get stock held)" 0
same "the route's books balance" "$(route_get stock balanced)" true
"$build/tools/plant/plant" audit --dir "$systems_dir" --systems erp,wms >"$work/audit.log" 2>&1 || fail "plant audit: $(tail -n 5 "$work/audit.log")"
ok "plant audit: $(tail -n 1 "$work/audit.log")"

# ---- one that takes effect after the probe was answered: its history says so ------------------------------------
move_one() { # its event is in $event
    event=$(curl -sf --max-time 10 --data '{"found":"more"}' "$W/control/do/count" | jq -r .event)
    echo count-adjustment >>"$work/done"
}
history() { # of $event: what became of it, a line
    "$busbar" trace --json --state "$state" "$event" 2>/dev/null | jq -r '[.messages[0].routes[0].history[].detail.reason] | join("; ")'
}
history_has() {
    history | grep -q "$1"
}
hold='{"rules":[{"fault":"latency","ms":6300,"count":1,"method":"POST","match":"MATERIAL_DOCUMENT"}]}'
control "$E" faults "$hold"
move_one
wait_for 60 "the slow posting" all_in
wait_for 20 "its history" history_has 'probe: it was applied'
history_has 'not applied, asked once.*it was applied' || fail "its history is another: $(history)"
ok "it came after the first probe: $(history)"
same "documents in the ERP" "$(effects "$E" effects)" $((postings + 1))
same "effects made twice in the ERP" "$(effects "$E" doubles)" 0
core_stop
books_balance

# probe_after is a promise of the admin's about the target. Where it is not true, the posting doubles: what this test
# counts can be counted.
conf_write 200ms "$to_erp"
core_start
control "$E" faults "$hold"
move_one
wait_for 60 "the slow posting" all_in
wait_for 20 "the slow call's effect" posted_least $((postings + 3))
same "with a probe_after that is too short, effects made twice" "$(effects "$E" doubles)" 1
core_stop

# ---- a ledger that cannot be asked: what is unknown waits for a person -------------------------------------------
plant_start --dedupe no
conf_write 2s "  ledger:
    connector: http
    timeout: 2s
    breaker: {failures: 0}
    config: {url: $erp/in}
routes:
  book:
    from: wms
    to: ledger
    match: {type: mfg.inventory.movement}
    retry: {attempts: 20, initial: 50ms, max: 500ms}
    on_unknown: quarantine"
rm -rf "$state"
moved=$(effects "$W" effects) # a new journal: the feed is read from its begin
plant_faults reset=20,429=5,503=5
core_start
booked() { # booked N: so many are delivered, or wait for a person
    [ "$(status_json | jq '[.routes[] | select(.name == "book") | .delivered + .quarantined] | add')" -ge "$1" ]
}
wait_for 60 "a third of the movements" booked $((moved / 3))
core_kill
core_start
wait_for 120 "all of $moved movements to be booked, or to wait" booked "$moved"
resets=$(plant_get faults.reset) waiting=$(route_get book quarantined)
[ "$resets" -ge $((moved / 10)) ] || fail "only $resets answers were lost"
[ "$waiting" -ge "$resets" ] || fail "$resets answers were lost, and only $waiting wait for a person"
ok "of $moved movements, $resets with a lost answer and one kill, $waiting wait for a person"
same "the others are delivered" "$(route_get book delivered)" $((moved - waiting))
sure=$(($(plant_get 'faults["429"]') + $(plant_get 'faults["503"]')))
[ "$(plant_get calls)" -le $((moved + sure)) ] || fail "$(plant_get calls) calls: more than $moved and the $sure that were surely not done"
ok "nothing unknown was sent again: $(plant_get calls) calls, $sure of them surely not done"
same "applied twice" "$(plant_get doubles)" 0
ok "$(($(plant_get applied) - moved + waiting)) of those that wait were applied: only the ledger's people can know which"
"$busbar" quarantine list --json --state "$state" >"$work/waiting.json"
jq -e '.deliveries | all(.reason // .text // "" | length > 0)' "$work/waiting.json" >/dev/null || fail "no reason: $(jq -c '.deliveries[0]' "$work/waiting.json")"
ok "each says why: $(jq -r '.deliveries[0] | .reason' "$work/waiting.json")"
core_stop
books_balance

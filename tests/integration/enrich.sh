#!/usr/bin/env bash
# enrich.sh - a sink's host asks another endpoint before it sends: answers, a cache, failures by policy;
# and a body that was made from an answer is the same after the host or the core was killed
limit=240
. "$(dirname "$0")/../lib.sh"
need jq
told=$work/told shown=$work/shown

# enrich_conf COUNT ISOLATION STEP [TELLER's config] [SINK's config] [ROUTE's line]
enrich_conf() {
    rm -f "$told" "$shown"
    cat >"$conf/enrich.yaml" <<END
endpoints:
  gen: {connector: test-gen, isolation: process, config: {count: $1, size: 200, items: 5, batch: 16}}
  plm:
    connector: test-teller
    isolation: $2
    config: {file: $told${4:+, $4}}
  sink:
    connector: test-teller
    isolation: $2
    timeout: 5s
    probe_after: 20ms
    breaker: {open: 20ms, max: 100ms}
    config: {file: $shown${5:+, $5}}
routes:
  lane:
    from: gen
    to: sink
    order_by: item
    transform:
      - enrich: $3
    retry: {attempts: 20, initial: 5ms, max: 50ms}
    on_unknown: retry
    on_failure: quarantine
${6:+    $6}
END
}

questions() {
    grep -c '^query' "$told" 2>/dev/null || true
}
sent() { # lines of the sink
    grep -c '^deliver' "$shown" 2>/dev/null || true
}
sent_past() { # for polling
    kill -0 "$core_pid" 2>/dev/null || return 0
    [ "$(sent)" -gt "$1" ]
}
bodies() { # bodies that have the answer, of all sent
    sed -n 's/^deliver [^ ]* [0-9]* [0-9]* //p' "$shown" | jq -c 'select(.[1].master.asked.item == .[0].item)' | wc -l
}
changed() { # keys that were sent with more than one body
    sed -n 's/^deliver \([^ ]*\) [0-9]* [0-9]* /\1 /p' "$shown" | sort -u | cut -d' ' -f1 | uniq -d | wc -l
}
finish() {
    core_stop
    books_balance
    rm -rf "$state"
}
ask='{from: plm, query: item, with: {item: /attributes/item}, into: /data/master}'

with() { # with OPTION: the question and one more option
    printf '%s, %s}' "${ask%\}}" "$1"
}
no_order_break() { # sends of a lane come in the order of its messages, a repeated one aside
    sed -n 's/^deliver [^ ]* [0-9]* [0-9]* //p' "$shown" | jq -r '.[0] | [.item, .id] | @tsv' |
        awk '{ n = $2; sub(/.*[^0-9]/, "", n); if (n + 0 < last[$1]) bad++; last[$1] = n + 0 } END { print bad + 0 }'
}
host_of() { # host_of ENDPOINT: its process, in host_pid
    host_pid=$(status_json 2>/dev/null | jq -r --arg e "$1" '.endpoints[] | select(.name == $e) | .pid')
    [ -n "$host_pid" ] && [ "$host_pid" -gt 1 ] && [ "$host_pid" != "$core_pid" ] &&
        grep -qs '^State:.[RSD]' "/proc/$host_pid/status"
}

for isolation in process thread; do
    # ---- asked, answered, sent ----------------------------------------------------------------------
    enrich_conf 200 $isolation "$ask"
    core_start
    wait_for 60 "all to be delivered ($isolation)" route_is lane delivered 200
    same "sent ($isolation)" "$(sent)" 200
    same "with the answer in it" "$(bodies)" 200
    same "questions" "$(questions)" 200
    same "out of order" "$(no_order_break)" 0
    finish

    # ---- a cache asks once an item --------------------------------------------------------------------
    enrich_conf 200 $isolation "$(with 'cache: {ttl: 1h, max: 100}')"
    core_start
    wait_for 60 "all to be delivered ($isolation)" route_is lane delivered 200
    same "with the answer in it" "$(bodies)" 200
    same "questions, one an item ($isolation)" "$(questions)" 5
    finish

    # ---- a send that fails and comes again: the same body ---------------------------------------------
    for first in retry unknown; do
        enrich_conf 50 $isolation "$ask" "" "first: $first"
        core_start
        wait_for 60 "all to be delivered ($first)" route_is lane delivered 50
        same "sent, each twice ($isolation, $first)" "$(sent)" 100
        same "questions" "$(questions)" 50
        same "keys sent with two bodies" "$(changed)" 0
        finish
    done
done

# ---- the sink's host dies after each first send: the same body comes again --------------------------------
enrich_conf 4 process "$ask" "" "first: die"
core_start
wait_for 90 "all to be delivered" route_is lane delivered 4
[ "$(sent)" -gt 4 ] || fail "nothing was sent twice: this run shows nothing"
same "keys sent with two bodies, by a dying host" "$(changed)" 0
finish

# ---- the core is killed between the send and the answer --------------------------------------------------
enrich_conf 12 process "$ask" "" "first: hang"
core_start
wait_for 60 "first sends" sent_past 4
core_kill
same "delivered before the core was killed" "$(grep -c . "$shown")" 5
core_start
wait_for 60 "the rest, and those again" sent_past 9
core_kill
core_start
wait_for 120 "all to be delivered" route_is lane delivered 12
same "keys sent with two bodies, over the core's end" "$(changed)" 0
finish

# ---- core and hosts killed at random moments: what was sent once is never sent otherwise -------------------
enrich_conf 3000 process "$ask"
core_start
for ((k = 1; k <= 6; k++)); do
    wait_for 60 "sends before kill $k" sent_past $((k * 300))
    case $((k % 3)) in
    0) core_kill && core_start ;;
    1) wait_for 20 "the sink's host" host_of sink && kill -KILL "$host_pid" ;;
    2) wait_for 20 "the asked one's host" host_of plm && kill -KILL "$host_pid" ;;
    esac
done
wait_for 120 "all to be delivered" route_is lane delivered 3000
same "with the answer in it" "$(bodies)" "$(sent)"
same "keys sent with two bodies" "$(changed)" 0
same "out of order" "$(no_order_break)" 0
printf '%d sends of 3000 messages\n' "$(sent)"
finish

# ---- the core is killed while nothing but questions are under way: nothing was sent, so nothing is unknown ---
enrich_conf 1 process "${ask/query: item/query: slow}" "delay_ms: 400"
sed -i 's/on_unknown: retry/on_unknown: quarantine/' "$conf/enrich.yaml"
asked_past() { [ "$(questions)" -gt "$1" ]; }
core_start
for k in 0 1 2; do
    wait_for 30 "a question" asked_past $k
    core_kill
    core_start
done
wait_for 60 "all to be delivered" route_is lane delivered 1
same "unknown after kills in the middle of questions" "$(route_get lane quarantined)" 0
same "questions, asked anew after each" "$(questions)" 4
same "sent, once" "$(sent)" 1
finish

# ---- no answer: the policy says -----------------------------------------------------------------------------
down() { printf '%s' "${ask/query: item/query: $1}"; }
enrich_conf 20 process "$(down down)" # retry, by default
core_start
wait_for 60 "deliveries that wait for an answer" route_is lane retrying 5
same "sent without an answer" "$(sent)" 0
"$busbar" trace --state "$state" --json 1 >"$work/trace.log" || fail "no trace"
grep -q 'step 1 (enrich): endpoint \\"plm\\", query \\"down\\": its peer is gone' "$work/trace.log" ||
    fail "the trace does not say who was asked: $(cat "$work/trace.log")"
ok "the trace says who was asked and what came"
finish

quarantined() { # quarantined OPERATION WHY STEP
    enrich_conf 20 process "$3"
    core_start
    wait_for 60 "the refused ($1)" route_is lane quarantined 20
    same "sent ($1)" "$(sent)" 0
    "$busbar" quarantine list --state "$state" --json >"$work/list.log" || fail "no list"
    grep -q "$2" "$work/list.log" || fail "not said: $2: $(head -c 600 "$work/list.log")"
    ok "quarantined: $2"
    finish
}
quarantined refuse 'no such item' "$(down refuse)"
quarantined nothing 'it knows nothing of it' "$(down nothing)"
quarantined down 'its peer is gone' "$(x=$(down down) && printf '%s, on_failure: quarantine}' "${x%\}}")"
quarantined lie 'the answer is not canonical' "$(x=$(down lie) && printf '%s, on_failure: quarantine}' "${x%\}}")"
quarantined silent 'no answer in time' \
    "$(x=$(down silent) && printf '%s, timeout: 50ms, on_failure: quarantine}' "${x%\}}")"

enrich_conf 20 process "$(x=$(down down) && printf '%s, on_failure: {default: {asked: {item: none}}}}' "${x%\}}")"
core_start
wait_for 60 "all to be delivered" route_is lane delivered 20
same "sent with the default" \
    "$(sed -n 's/^deliver [^ ]* [0-9]* [0-9]* //p' "$shown" | jq -c 'select(.[1].master.asked.item == "none")' | wc -l)" 20
finish

# ---- a plugin that dies of a question costs its own deliveries nothing ---------------------------------------
enrich_conf 5 process "$(down die)" "" "" # plm has a route of its own
cat >>"$conf/enrich.yaml" <<END
  other: {from: gen2, to: plm, order_by: item, on_unknown: retry}
END
sed -i "s|^  plm:|  gen2: {connector: test-gen, isolation: process, config: {count: 2000, size: 200, items: 50, first: 100000}}\n  plm:|" \
    "$conf/enrich.yaml"
core_start
wait_for 60 "its own deliveries" route_is other delivered 2000
same "restarts of its host for deliveries" \
    "$(status_json | jq '[.endpoints[] | select(.name == "plm")][0].restarts')" 0
died() { [ "$(status_json | jq '[.endpoints[] | select(.name == "plm/query")][0].restarts')" -gt 0 ]; }
wait_for 30 "its host for questions to die" died
ok "its host for questions died, and no other"
same "sent by the asker" "$(sent)" 0
finish

# ---- what check refuses ---------------------------------------------------------------------------------------
refused() { # refused TEXT, of the configuration that stands
    "$busbar" check -c "$conf" >"$work/check-err.log" 2>&1 && fail "check passes: $1"
    grep -qF -- "$1" "$work/check-err.log" || fail "not said: $1: $(cat "$work/check-err.log")"
    ok "refused: $1"
}
enrich_conf 1 process "${ask/query: item/query: itme}"
refused 'enrich.yaml:20:36: error: route "lane": endpoint "plm" has no query "itme" (did you mean "item"?)'
enrich_conf 1 process "${ask/from: plm/from: pml}"
refused 'there is no endpoint "pml" (did you mean "plm"?)'
enrich_conf 1 process "${ask/from: plm/from: gen}"
refused 'connector "test-gen" of endpoint "gen" answers no queries'
enrich_conf 1 process "${ask/from: plm/from: sink}"
refused 'endpoints ask each other in a circle: "sink" asks "sink"'
enrich_conf 1 process "$(with 'timeut: 1s')"
refused 'unknown option "timeut"; did you mean "timeout"?'
enrich_conf 1 process "$ask"
cat >>"$conf/enrich.yaml" <<END
  back:
    from: gen
    to: plm
    on_unknown: retry
    transform:
      - enrich: {from: sink, query: item, into: /data/x}
END
refused 'endpoints ask each other in a circle: "plm" asks "sink" asks "plm"'

#!/usr/bin/env bash
# plugin-step.sh - a step of a route that a connector's transform makes: it works, and whatever it does
# wrong costs its own route's messages and nothing else
limit=180
. "$(dirname "$0")/../lib.sh"
need jq
shown=$work/shown

step_conf() { # step_conf COUNT ISOLATION STEP'S-MAP [STEP before]
    rm -f "$shown"
    cat >"$conf/step.yaml" <<END
endpoints:
  gen: {connector: test-gen, isolation: process, config: {count: $1, size: 200, items: 5}}
  sink:
    connector: test-teller
    isolation: $2
    workers: 2
    timeout: 2s
    probe_after: 20ms
    breaker: {open: 20ms, max: 100ms}
    config: {file: $shown}
  calm: {connector: test-count, isolation: $2}
routes:
  shaped:
    from: gen
    to: sink
    order_by: item
    transform:
${4:+      - $4}
      - plugin: $3
    retry: {attempts: 3, initial: 5ms, max: 50ms}
    on_unknown: retry
    on_failure: quarantine
  calm: {from: gen, to: calm}
END
}
bodies() { # bodies JQ-CONDITION
    sed -n 's/^deliver [^ ]* [0-9]* [0-9]* //p' "$shown" | jq -c "select($1)" | wc -l
}
finish() {
    core_stop
    books_balance
    rm -rf "$state"
}

for isolation in process thread; do
    step_conf 300 $isolation '{connector: test-shape, config: {word: round}}' 'map: [{constant: {to: /data/mark, value: 7}}]'
    core_start
    wait_for 60 "all to be delivered ($isolation)" route_is shaped delivered 300
    same "shaped ($isolation)" "$(bodies '.[1].word == "round" and .[1].was.mark == 7')" 300
    finish
    step_conf 20 $isolation '{connector: test-shape, config: {mode: grow}}'
    core_start
    wait_for 60 "all to be delivered" route_is shaped delivered 20
    same "grown past the first room" "$(bodies '(.[1].word | length) == 100000')" 20
    finish
done
step_conf 20 process '{connector: test-shape, config: {mode: submit}}'
core_start
wait_for 60 "all to be delivered" route_is shaped delivered 20
ok "it cannot hand in messages"
finish

quarantined() { # quarantined MODE TEXT
    step_conf 20 process "{connector: test-shape, config: {mode: $1}}"
    core_start
    wait_for 60 "the messages in quarantine ($1)" route_is shaped quarantined 20
    wait_for 60 "the other route" route_is calm delivered 20
    [ ! -e "$shown" ] || [ "$(bodies true)" = 0 ] || fail "$1: something was sent"
    "$busbar" quarantine list --state "$state" --json >"$work/list.log" || fail "no list"
    grep -qF -- "$2" "$work/list.log" || fail "not said: $2: $(head -c 600 "$work/list.log")"
    ok "$1: $2"
    finish
}
quarantined reject 'step 1 (plugin test-shape): no such shape'
quarantined unsup 'it does not know such a message'
quarantined bug 'it ended with status -3, which no transform may'
quarantined lie 'what it made is no message'
quarantined long 'it says that it wrote'
quarantined huge 'what it makes is larger than the largest message that is allowed'

# ---- a crash and a hang cost the sink that has the step, and nobody else ------------------------------
for mode in die hang; do
    step_conf 4 process "{connector: test-shape, config: {mode: $mode}}"
    core_start
    wait_for 60 "the other route ($mode)" route_is calm delivered 4
    restarted() { [ "$(status_json | jq '[.endpoints[] | select(.name == "sink")][0].restarts')" -gt 0 ]; }
    wait_for 60 "the sink's host to be ended" restarted
    same "restarts of the other sink ($mode)" "$(status_json | jq '[.endpoints[] | select(.name == "calm")][0].restarts')" 0
    core_stop
    books_balance
    rm -rf "$state"
done

# ---- one that does not start ----------------------------------------------------------------------------
step_conf 4 process '{connector: test-shape, config: {mode: no-start}}'
core_start
failed() { [ "$(status_json | jq -r '[.endpoints[] | select(.name == "sink")][0].state')" = failed ]; }
wait_for 30 "the sink to fail" failed
status_json | jq -r '[.endpoints[] | select(.name == "sink")][0].text' >"$work/text.log"
grep -q 'step 1 (plugin test-shape): as configured' "$work/text.log" || fail "not said: $(cat "$work/text.log")"
ok "status says which step does not start"
finish

# ---- what check refuses -----------------------------------------------------------------------------------
refused() { # refused STEP TEXT
    step_conf 1 process "$1"
    "$busbar" check -c "$conf" >"$work/check-err.log" 2>&1 && fail "check passes: $1"
    grep -qF -- "$2" "$work/check-err.log" || fail "not said: $2: $(cat "$work/check-err.log")"
    ok "refused: $2"
}
refused '{connector: test-shap}' 'step.yaml:19:29: error: route "shaped": no plugin "test-shap" (did you mean "test-shape"?)'
refused '{connector: test-gen}' 'connector "test-gen" has no transform'
refused '{connector: test-shape, config: {wrod: x}}' 'step.yaml:19:50: error: route "shaped": unknown key "wrod" (did you mean "word"?)'
refused '{connector: test-shape, config: {mode: turn}}' 'route "shaped": mode: "turn"'
refused '{config: {}}' 'plugin needs "connector"'
refused '{connector: test-shape, confg: {}}' 'unknown option "confg"; did you mean "config"?'

#!/usr/bin/env bash
# trace.sh - the story that trace, show and search tell: words, times, and what they leave out
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
cat_config() {
    cat >"$conf/t.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: thread
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    isolation: thread
    breaker: {failures: 0}
    config: {url: $erp/in}
routes:
  to-erp:
    from: hook
    match: {type: mfg.test.event}
    to: erp
    on_failure: quarantine
    retry: {attempts: 50, initial: 50ms, max: 200ms}
  other:
    from: hook
    match: {type: mfg.other.event}
    to: erp
END
}
trace() { # trace ID: into $work/trace
    "$busbar" trace "$1" --state "$state" >"$work/trace" 2>"$work/trace.err" || fail "trace $1"
}
told() { # told PATTERN: a line of the trace
    grep -qE -- "$1" "$work/trace" || {
        cat "$work/trace"
        fail "the trace does not tell: $1"
    }
}
states() { # the delivery's states, as its history has them
    "$busbar" trace "$1" --json --state "$state" | jq -r '.messages[0].routes[0].history[].state' | uniq | xargs
}

plant_start --reject /data/seq=13
cat_config
core_start

# ---- a delivery that was tried again: refused while the plant is ill, then delivered
plant_faults "429=100"
same "accepted" "$(post "$(event r1 A 1)")" 202
wait_for 20 "a retry" route_is to-erp retrying 1
plant_faults ""
wait_for 30 "its delivery" route_is to-erp delivered 1
"$busbar" search --in quarantine --state "$state" 2>"$work/err" && fail "a state that there is not finds nothing, and says so"
grep -q 'did you mean "quarantined"' "$work/err" || fail "search says: $(cat "$work/err")"
wait_for 20 "the index" sh -c "'$busbar' search --in delivered --state '$state' | grep -q to-erp"
trace r1
told '^20[0-9-]{8}T[0-9:.]{12}Z  #1  mfg\.test\.event  from hook  item A'
told '^     id r1$'
told '^  -> to-erp: delivered at 20'
told '^       20[0-9-]{8}T[0-9:.]{12}Z  retrying, sent to erp[^ ]* \(attempt 1, [0-9]+ ms\): [a-z].*, again at 20'
told '^           429: POST .* answered 429: .*simulated fault'
told '^       .*  delivered, sent to erp[^ ]* \(attempt [0-9]+, [0-9]+ ms\)'
grep -E '  delivered' "$work/trace" | grep -q 'again at' && fail "an ended delivery is tried again"
ok "the trace tells the attempts and the end"
"$busbar" trace r1 --json --state "$state" >"$work/trace.json" || fail "trace --json"
same "states in order" "$(states r1)" "retrying delivered"
same "times of a next step among what has ended" "$(jq '[.messages[].routes[] | select(.state == "delivered") |
    .due, (.history[] | select(.state == "delivered") | .detail.due)] | map(values) | length' "$work/trace.json")" 0
same "and among what waited" "$(jq '[.messages[].routes[].history[] | select(.state == "retrying") |
    .detail.due // empty] | length > 0' "$work/trace.json")" true

# ---- one that the plant refuses for good
same "accepted" "$(post "$(event q1 B 13)")" 202
wait_for 20 "the quarantine" route_is to-erp quarantined 1
trace q1
told '^  -> to-erp: quarantined$'
told '^       .*  quarantined, sent to erp[^ ]* \(attempt 1, [0-9]+ ms\)'
told '^           422: '
"$busbar" quarantine list --state "$state" >"$work/list" || fail "quarantine list"
grep -qE '^DELIVERY +SINCE +TYPE +ITEM +PLANT +ATTEMPTS +NOTE +REASON$' "$work/list" || fail "the list's head"
grep -qE '^to-erp/2 +20[^ ]+Z +mfg\.test\.event +B +0 +422: ' "$work/list" || { cat "$work/list"; fail "its line"; }
"$busbar" quarantine show to-erp/2 --state "$state" >"$work/show" || fail "quarantine show"
for line in '^delivery   to-erp/2$' '^state      quarantined$' '^accepted   20.*Z from hook$' \
    '^attempts   0 \(1 sent\)$' '^history$' '^  20.*  quarantined, sent to erp' '^message$' '"id": ?"q1"' \
    '^what to do$' '^  - .*busbar quarantine replay to-erp/2$' '^  - .*busbar quarantine discard to-erp/2$'; do
    grep -qE -- "$line" "$work/show" || fail "show does not say: $line"
done
ok "what waits for a person is told with its reason and its mend"
"$busbar" quarantine discard to-erp/2 --state "$state" >"$work/out" || fail "discard"
same "said" "$(cat "$work/out")" "1 discarded"
trace q1
told '^  -> to-erp: discarded( at 20.*)?$'
told '^       20[^ ]+Z  discarded: .*by uid [0-9]+$'
same "states in order" "$(states q1)" "quarantined discarded"

# ---- no route takes it; its text cannot steer a terminal
same "accepted" "$(post "$(event n1 'C\u009b2J' 1 mfg.nobody.event)")" 202
wait_for 20 "the unmatched one" sh -c "'$busbar' quarantine list --route unmatched --state '$state' | grep -q 'no route matched'"
trace n1
told '^  -> unmatched: quarantined$'
told 'item C\?2J'
"$busbar" trace n1 --state "$state" | LC_ALL=C grep -q "$(printf '\302\233')" && fail "a control character came through"
ok "control characters are made harmless"

# ---- several by one number, one by none; with the core down
"$busbar" trace 1 --state "$state" | grep -q '#1  ' || fail "trace by number"
rc=0
"$busbar" trace nobody --state "$state" >"$work/out" 2>"$work/err" || rc=$?
same "status for what is not there" "$rc" 1
grep -qF 'no message with correlation id, event id or number "nobody"' "$work/err" || fail "said otherwise"
core_stop
trace q1
told 'discarded'
rm -rf "$state/index"
trace q1
told 'discarded'
grep -qF 'there is no index' "$work/trace.err" || fail "the missing index is not said"
ok "trace works with the core down and without the index"

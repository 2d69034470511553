#!/usr/bin/env bash
# plm-plant.sh - the plm connector against the plant's PLM, in a core: packages in by feed and webhook, statuses out
#
# With the plant's faults: answers that are lost after the effect, resets, 429, 500, tokens that run out. At the end
# each message of each package has arrived once, and each status has had its effect once.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl
systems_start --systems erp,plm --seed 1
wait_for 30 "the PLM's port" test -s "$systems_dir/plm.port"
U=$(system_url plm)
(umask 077 && printf 'busbar' >"$work/secret" && printf 'hook-secret-of-the-test' >"$work/hook-secret")

control() {
    curl -sf --max-time 10 -X PUT --data "$2" "$U/control/$1" >/dev/null || fail "control $1"
}
act() { # act NAME JSON: what the engineers do
    curl -s --max-time 10 -H "X-Correlation-ID: ${correlation:-test}" --data "$2" "$U/control/do/$1"
}
effects() { # effects FIELD: effects, doubles, keyless
    curl -sf "$U/control/effects" | jq -r ".$1"
}
state_of() { # state_of CHANGE
    curl -s -u busbar:busbar "$U/plm/changes/$1" | jq -r .state
}
is_implemented() {
    [ "$(state_of "$1")" = implemented ]
}

# What the feed or a webhook tells of is read, goes to the plain sink, and its being there is told to the PLM.
# plm_conf STYLE [levels]
plm_conf() {
    cat >"$conf/plm.yaml" <<END
endpoints:
  hook:
    connector: http
    config:
      listen: "127.0.0.1:0"
      path: /events
      port_file: $work/hook.port
      signature: {secrets: [{file: $work/hook-secret}]}
  plm:
    connector: plm
    timeout: 20s
    probe_after: 1s
    unmatched: skip
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: $U
      style: $1
      timeout: 2s
      pause: 100ms
      auth: {oauth2: {token_url: "$U/oauth2/token", client_id: busbar, client_secret: {file: $work/secret}}}
      poll: {interval: ${interval:-200ms}, page: 3, backoff_max: 300ms}
      structure: {levels: ${2:-1}, page: 7}
      status: {system: erp}
  books:
    connector: http
    timeout: 2s
    config: {url: $erp/in, timeout: 1s, probe: {path: "/applied/{key}"}}
routes:
  read:
    from: plm
    to: plm
    match: {type: plm.change.noticed}
    order_by: source
    retry: {attempts: 30, initial: 100ms, max: 300ms}
    on_failure: quarantine
  hook-read:
    from: hook
    to: plm
    match: {type: plm.change.*}
    order_by: source
    retry: {attempts: 30, initial: 100ms, max: 300ms}
    on_failure: quarantine
  to-books:
    from: plm
    to: books
    match: {type: ["mfg.item.*", "mfg.bom.*", "mfg.change.*"]}
    order_by: source
    retry: {attempts: 30, initial: 100ms, max: 300ms}
    on_failure: quarantine
    emit: {type: plm.status.implemented, on: delivered}
  told:
    from: books
    to: plm
    match: {type: plm.status.implemented}
    order_by: change
    retry: {attempts: 30, initial: 100ms, max: 300ms}
    on_failure: quarantine
END
}
# books_of CHANGE: what arrived of it, in order
books_of() {
    jq -rs --arg c "$1" '[.[] | select(.outcome == "applied") | .id] | .[]' "$work/erp.jsonl"
}

# the example's routes do what they say
mkdir -p "$work/credentials"
sed "s|/run/credentials/plm-hook|$work/hook-secret|; s|/run/credentials/plm|$work/secret|" \
    "$src/docs/examples/plm/conf.d/plm.yaml" >"$conf/plm.yaml"
cp -r "$src/docs/examples/plm/conf.d/tests" "$conf/tests"
#"$busbar" test -c "$conf" >"$work/example.log" 2>&1 || fail "docs/examples/plm: $(tail -n 20 "$work/example.log")"
#ok "docs/examples/plm: $(tail -n 1 "$work/example.log")"
rm -r "$conf/tests"

plant_start --dedupe no
plm_conf rest
"$busbar" check -c "$conf" >"$work/check-conf.log" 2>&1 || fail "busbar check: $(cat "$work/check-conf.log")"
core_start

# one type in: a released change of one assembly, its item, its structure, the change itself
correlation=eco-1 act release '{"item":"FG-10001","kind":"add"}' >"$work/act.json"
change=$(jq -r .number "$work/act.json")
wait_for 20 "the package at the books" route_is to-books delivered 3
same "arrived at the books" "$(plant_get applied) $(plant_get doubles)" "3 0"
# one type out: that it is there, told once for each, and the PLM knows that the change is done
wait_for 20 "the change to be done" is_implemented "$change"
ok "$change is implemented"
wait_for 20 "the news of it" route_is to-books delivered 4
wait_for 20 "four statuses" route_is told delivered 4
same "statuses in the PLM" "$(effects effects) $(effects doubles)" "4 0"
core_stop
books_balance

#!/usr/bin/env bash
# plm-plant.sh - the plm connector against the plant's PLM, in a core: packages in by feed and webhook, statuses out
#
# With the plant's faults: answers that are lost after the effect, resets, 429, 500, tokens that run out. At the end
# each message of each package has arrived once, and each status has had its effect once.
limit=240
. "$(dirname "$0")/../lib.sh"
. "$src/tests/schemas/lib.sh"
validate_ready
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
    unmatched: skip
    config: {url: $erp/in, timeout: 1s, probe: {path: "/applied/{key}"}}
  file-item: {connector: file, config: {path: $work/mfg.item.jsonl, content: data}}
  file-bom: {connector: file, config: {path: $work/mfg.bom.jsonl, content: data}}
  file-change: {connector: file, config: {path: $work/mfg.change.jsonl, content: data}}
routes:
  keep-item: {from: plm, to: file-item, match: {type: "mfg.item.*"}}
  keep-bom: {from: plm, to: file-bom, match: {type: "mfg.bom.*"}}
  keep-change: {from: plm, to: file-change, match: {type: "mfg.change.*"}}
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
    match: {type: plm.status.implemented, plant: "*", change: "*"}
    order_by: change
    retry: {attempts: 30, initial: 100ms, max: 300ms}
    on_failure: quarantine
END
}
# arrived N: so many at the books, each once
arrived() {
    wait_for 20 "$1 messages at the books" route_is to-books delivered "$1"
    same "at the books" "$(plant_get applied) $(plant_get doubles)" "$1 0"
}
ids() { # the ids that arrived, in order
    jq -r 'select(.outcome == "applied") | .id | sub("/[^/]*$"; "")' "$work/erp.jsonl"
}
quarantined() { # quarantined ROUTE N TEXT: the Nth, and what is on record of it
    wait_for 30 "a refusal at $1" route_is "$1" quarantined "$2"
    "$busbar" quarantine list --json --state "$state" >"$work/held.json"
    grep -q "$3" "$work/held.json" || fail "not on record: $3: $(cat "$work/held.json")"
    ok "on record: $3"
}
settled() {
    [ "$(status_json | jq '[.routes[] | .pending + .retrying] | add')" = 0 ]
}
told() { # the endpoint's line in busbar status
    status_json | jq -r '.endpoints[] | select(.name == "plm") | .text'
}

# the example's routes do what they say
sed "s|/run/credentials/plm-hook|$work/hook-secret|; s|/run/credentials/plm|$work/secret|" \
    "$src/docs/examples/plm/conf.d/plm.yaml" >"$conf/plm.yaml"
cp -r "$src/docs/examples/plm/conf.d/tests" "$conf/tests"
"$busbar" test -c "$conf" >"$work/example.log" 2>&1 || fail "docs/examples/plm: $(tail -n 20 "$work/example.log")"
ok "docs/examples/plm: $(tail -n 1 "$work/example.log")"
rm -r "$conf/tests"
"$busbar" test -c "$src/docs/examples/plm-files/conf.d" >"$work/example.log" 2>&1 || fail "docs/examples/plm-files: $(tail -n 20 "$work/example.log")"
ok "docs/examples/plm-files: $(tail -n 1 "$work/example.log")"

plant_start --dedupe no
plm_conf rest
"$busbar" check -c "$conf" >"$work/check-conf.log" 2>&1 || fail "busbar check: $(cat "$work/check-conf.log")"
core_start

# one type in: a released change of one assembly, its item, its structure, the change itself
correlation=eco-1 act release '{"item":"FG-10001","kind":"add"}' >"$work/act.json"
change=$(jq -r .number "$work/act.json")
wait_for 20 "the package at the books" route_is to-books delivered 3
same "the books' doubles" "$(plant_get doubles)" 0 # the news that the change is done may be there, too
[ "$(plant_get applied)" -ge 3 ] || fail "the books have $(plant_get applied) records of three"
# one type out: that it is there, told once for each, and the PLM knows that the change is done
wait_for 20 "the change to be done" is_implemented "$change"
ok "$change is implemented"
wait_for 20 "the news of it" route_is to-books delivered 4
same "statuses in the PLM" "$(effects effects) $(effects doubles)" "1 0"
same "what arrived" "$(ids | tr '\n' ' ')" \
    "item/FG-10001/B/active bom/FG-10001/2000/01/production/B change/$change/1 change/$change/2 "

# a change that is proposed, approved, given up
number=$(act propose '{"item":"FG-10004"}' | jq -r .number)
arrived 5
act approve "{\"number\":\"$number\"}" >/dev/null
arrived 6
act cancel "{\"number\":\"$number\"}" >/dev/null
arrived 7
same "the last news" "$(ids | tail -n 1)" "change/$number/3"

# by webhook, signed, with the feed asked only once an hour
core_stop
interval=1h plm_conf rest
core_start
wait_for 20 "the first round of the feed" status_json
same "an unsigned webhook" "$(post '{"specversion":"1.0","id":"w","source":"/x","type":"plm.change.released","data":{"number":"ECO-1"}}')" 401
control subscriptions "{\"url\":\"$hook/events\",\"types\":\"plm.change.\",\"secret\":\"hook-secret-of-the-test\"}"
sleep 1
act release '{"item":"FG-10007","kind":"replace"}' >/dev/null
arrived 11
[ "$(route_get hook-read delivered)" -ge 1 ] || fail "the webhook was not read"
ok "a signed webhook brought the package"
control subscriptions "{\"url\":\"$hook/events\",\"types\":\"none.\",\"secret\":\"x\"}"

# OData, all levels in pages of 7 lines; an assembly once, its parts before it
reads=$(route_get read delivered)
core_stop
plm_conf odata 20
core_start
wait_for 20 "the feed to come to what the webhook brought" route_is read delivered "$((reads + 1))"
wait_for 20 "all to be settled" settled
had=$(ids | wc -l)
act release '{"item":"FG-10000","kind":"quantity"}' >"$work/act.json"
plant_no=$(jq -r .plant "$work/act.json")
control options '{"page":1000}'
curl -s -u busbar:busbar "$U/plm/structures/FG-10000?plant=$plant_no&levels=20&limit=1000" >"$work/tree.json"
control options '{"page":100}'
parents=$(jq '[.lines[].parent] | unique | length' "$work/tree.json")
[ "$(jq '.lines | length' "$work/tree.json")" -gt 40 ] && [ "$parents" -gt 5 ] || fail "the structure is no test"
arrived "$((had + parents + 3))"
same "assemblies" "$(ids | tail -n +$((had + 1)) | grep -c '^bom/')" "$parents"
jq -r '.lines[] | select(.assembly) | .parent + " " + .component' "$work/tree.json" | sort -u >"$work/pairs"
ids | tail -n +$((had + 1)) | grep '^bom/' | cut -d/ -f2 | nl >"$work/order"
while read -r parent part; do
    [ "$(awk -v x="$part" '$2 == x {print $1}' "$work/order")" -lt "$(awk -v x="$parent" '$2 == x {print $1}' "$work/order")" ] ||
        fail "$part comes after $parent"
done <"$work/pairs"
ok "$(wc -l <"$work/pairs") parts come before what they are in"
had=$(ids | wc -l)
act release '{"item":"FG-10000","kind":"add"}' >/dev/null
arrived "$((had + 4))" # what did not change is the same message as before, and dropped
same "packages of $parents assemblies again" "$(ids | tail -n +$((had + 1)) | grep -c '^bom/')" 1

# a component ends: its structures get another one
had=$(ids | wc -l)
act obsolete '{}' >"$work/act.json"
news_came() { # news_came CHANGE VERSION: at the books
    ids | grep -q "^change/$1/$2$"
}
wait_for 30 "the package, and the news that it is done" news_came "$(jq -r .number "$work/act.json")" 2
ids | tail -n +$((had + 1)) | grep -q '^item/.*/obsolete$' || fail "no item ended: $(ids | tail -n +$((had + 1)))"
ok "an item ended: $(ids | grep '/obsolete$')"

# the storm: a third of the calls fail in every way, in reading and telling alike
wait_for 60 "all to be settled" settled
faults() {
    control faults "{\"seed\":5,\"rules\":[$1]}"
}
storm='{"fault":"reset","when":"after","percent":11},{"fault":"500","when":"after","percent":8},
 {"fault":"late","percent":2,"ms":2600},{"fault":"429","percent":3,"retry_after":"1"},{"fault":"reset","percent":5},
 {"fault":"truncate","percent":3},{"fault":"token","percent":2}'
had=$(ids | wc -l) effects_before=$(effects effects)
faults "$storm"
for k in 0 1 2 3 4; do
    act release "{\"item\":\"FG-1002$k\",\"kind\":\"add\"}" >>"$work/storm.json"
done
all_implemented() {
    local n
    for n in $(jq -r .number "$work/storm.json"); do
        [ "$(curl -s -u busbar:busbar "$U/plm/changes/$n" | jq -r '.state?' 2>/dev/null)" = implemented ] || return 1
    done
}
sleep 3
core_kill # in the middle
core_start
wait_for 90 "5 packages through the storm" all_implemented
met=$(curl -s "$U/control/faults" | jq '[.rules[].met] | add')
faults ""
for n in $(jq -r .number "$work/storm.json"); do
    wait_for 30 "the news that $n is done" news_came "$n" 2
done
wait_for 60 "all to be settled" settled
[ "$met" -ge 15 ] || fail "the storm was met by $met calls only"
ok "the storm was met by $met calls"
same "at the books, doubles" "$(plant_get doubles)" 0
same "once each" "$(ids | sort | uniq -d | wc -l)" 0
same "changes in the storm" "$(ids | tail -n +$((had + 1)) | grep -c '^change/')" 10
same "statuses, one for each structure of a change" "$(($(effects effects) - effects_before)) $(effects doubles)" "5 0"
same "quarantined" "$(status_json | jq '[.routes[].quarantined // 0] | add')" 0

# a status that lands after the probe was asked
effects_before=$(effects effects)
faults '{"fault":"latency","ms":2400,"count":1,"method":"POST","match":"/Status"}'
number=$(act release '{"item":"FG-10040"}' | jq -r .number)
wait_for 60 "the slow one" is_implemented "$number"
wait_for 60 "all to be settled" settled
faults ""
same "effects made twice" "$(effects doubles)" 0

# what is locked is waited for
number=$(act release '{"item":"FG-10043"}' | jq -r .number)
control lock "{\"object\":\"$number\",\"user\":\"MILLER\",\"seconds\":2}"
wait_for 30 "the one that was locked" is_implemented "$number"
ok "a change that is checked out is waited for"

# every message is what the model says
for type in item bom change; do
    mkdir -p "$work/valid/$type"
    split -l 1 -a 4 --additional-suffix .json "$work/mfg.$type.jsonl" "$work/valid/$type/"
    validate "mfg.$type/1" "$work/valid/$type"/*.json >"$work/valid.log" 2>&1 || fail "mfg.$type: $(grep -v ': valid$' "$work/valid.log" | head -n 5)"
    ok "mfg.$type: $(grep -c ': valid$' "$work/valid.log") valid"
done

# refusals have the PLM's code and text, or ours; what comes after them goes on
unknown=$(jq -cn '{specversion: "1.0", id: "u1", source: "/x", type: "plm.change.released", data: {number: "ECO-9999"}}')
now=$(date +%s)
signature=$(printf 'u1.%s.%s' "$now" "$unknown" | openssl dgst -sha256 -hmac hook-secret-of-the-test -binary | base64)
same "a webhook about an unknown change" "$(curl -s -o "$work/answer" -w '%{http_code}' -H 'Content-Type: application/cloudevents+json' \
    -H 'webhook-id: u1' -H "webhook-timestamp: $now" -H "webhook-signature: v1,$signature" --data "$unknown" "$hook/events")" 202
quarantined hook-read 1 'PLM-404: change ECO-9999: the PLM says: change ECO-9999 does not exist'
core_stop
plm_conf odata 20
sed -i 's/page: 7}/page: 7, lines: 3}/' "$conf/plm.yaml"
core_start
act release '{"item":"FG-10046"}' >/dev/null
quarantined read 1 'the structure has more than 3 lines: raise structure.lines'
act propose '{"item":"FG-10049"}' >/dev/null
requested() {
    ids | grep -q "^change/$(curl -s -u busbar:busbar "$U/plm/changes?limit=100" | jq -r '.changes[-1].number')/1$"
}
wait_for 20 "the change behind the refusal" requested
ok "changes behind it go on"

# wrong credentials, a wrong path: one line, with what to do, and intake goes on
core_stop
plm_conf odata 20
sed -i 's/client_id: busbar/client_id: stranger/' "$conf/plm.yaml"
core_start
auth_told() {
    told | grep -q 'mend auth\|client'
}
wait_for 20 "status to tell of the credentials" auth_told
ok "status: $(told)"
core_stop
plm_conf odata 20
sed -i "s|style: odata|style: odata\n      paths: {changes: '/odata/Nothing?since={cursor}'}|" "$conf/plm.yaml"
core_start
path_told() {
    told | grep -q 'Nothing'
}
wait_for 20 "status to tell of the path" path_told
ok "status: $(told)"
core_stop
books_balance

#!/usr/bin/env bash
# tap.sh - busbar tap beside a running core; and that a route test's core sends what the real one sends
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
plant_start --reject /data/quantity=13
cat >"$conf/t.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: thread
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    config: {url: $erp/in}
  archive:
    connector: file
    config: {path: $work/archive.jsonl, content: event}
routes:
  r:
    from: hook
    to: erp
    match: {type: mfg.test.event}
    on_failure: quarantine
    transform:
      - map:
          - rename: {from: /data/qty, to: /data/quantity}
          - constant: {to: /data/unit, value: C62}
  kept:
    from: hook
    to: archive
    match: {type: mfg.test.event}
    on_unknown: retry
    transform:
      - map:
          - rename: {from: /data/qty, to: /data/quantity}
          - constant: {to: /data/unit, value: C62}
  elsewhere: {from: hook, to: erp, match: {type: mfg.other.event}}
END
ev() { # ev ID ITEM QTY [TYPE]
    printf '{"specversion":"1.0","id":"%s","source":"/test","type":"%s","item":"%s","data":{"qty":%s,"line":[{"apiToken":"hush-1"}],"login":{"password":"hush-2","user":"meier","PIN":"hush-4","userPwd":"hush-5"},"note":"hush-3"}}' \
        "$1" "${4:-mfg.test.event}" "$2" "$3"
}
core_start
same "accepted before" "$(post "$(ev e0 OLD 1)")" 202
wait_for 30 "its delivery" route_is r delivered 1

# ---- live, in and out, with what sounds secret hidden ------------------------------------------------
bg "$work/tap.log" "$busbar" tap r --state "$state" -c "$conf" --json --mask /data/note --max 4
tap_pid=$bg_pid
tap_waits() { # it has opened the journal: what comes from now on is seen
    [ -n "$(find "/proc/$tap_pid/fd" -lname "$state/data.mdb" 2>/dev/null)" ] &&
        [ "$(awk '{print $3}' "/proc/$tap_pid/stat")" = S ]
}
wait_for 20 "the tap to watch" tap_waits
same "accepted" "$(post "$(ev e1 A 2.50)")" 202
same "accepted, of another route" "$(post "$(ev e2 A 1 mfg.other.event)")" 202
same "accepted, to be refused" "$(post "$(ev e3 B 13)")" 202
wait_for 30 "four lines" sh -c "[ \"\$(wc -l <'$work/tap.log')\" -ge 4 ]"
wait "$tap_pid" || fail "tap ended with status $?"
grep -q hush "$work/tap.log" && fail "a secret was shown"
same "hidden" "$(jq -sc '.[0].event.data | [.line[0].apiToken, .login, .note]' "$work/tap.log")" \
    '["***",{"password":"***","user":"meier","PIN":"***","userPwd":"***"},"***"]'
same "in" "$(jq -sc '[.[] | select(.dir == "in") | .event.id]' "$work/tap.log")" '["e1","e3"]'
same "out" "$(jq -sc '[.[] | select(.dir == "out") | [.event.id, .state]]' "$work/tap.log")" \
    '[["e1","delivered"],["e3","quarantined"]]'
same "out as it was sent" "$(jq -sc '[.[] | select(.dir == "out")][0].event.data | [.qty, .unit]' "$work/tap.log")" '[null,"C62"]'
grep -q '"quantity":2.50' "$work/tap.log" || fail "the number was changed"
jq -se '[.[] | select(.dir == "out")][1].text | contains("422")' "$work/tap.log" >/dev/null || fail "why it was refused is not told"
ok "tap shows what comes in and what goes out"

# ---- what went out is not known, and is not shown as if it were ---------------------------------------------
mkdir "$work/other"
cat >"$work/other/c.yaml" <<'END'
endpoints: {hook: {connector: file}, erp: {connector: file}}
routes: {r: {from: hook, to: erp, on_unknown: retry, transform: [{jq: .}]}}
END
"$busbar" tap r --state "$state" -c "$work/other" --out --from 1 --max 1 >"$work/out" || fail "tap of a route with jq"
grep -q '(as accepted) {' "$work/out" || fail "an accepted message is shown as what was sent: $(cat "$work/out")"

# ---- conditions, and from an earlier message on ------------------------------------------------------
"$busbar" tap r --state "$state" --in --from 1 --max 1 --where /item=B /data/qty=13 >"$work/out" || fail "tap --where"
grep -q ' in  r/4 {' "$work/out" || { cat "$work/out"; fail "another line"; }
grep -q hush-2 "$work/out" && fail "a password was shown"
rc=0
"$busbar" tap nowhere --state "$state" 2>"$work/err" || rc=$?
same "status for a route that is not there" "$rc" 1
rc=0
"$busbar" tap r --state "$state" --where item=B 2>"$work/err" || rc=$?
same "status for a bad condition" "$rc" 2
ok "conditions and --from"

# ---- a reader that stands still does not hold the core up, and is told what it missed ------------------
mkfifo "$work/pipe"
"$busbar" tap r --state "$state" -c "$conf" --in >"$work/pipe" 2>"$work/slow.err" &
slow_pid=$!
exec 7<"$work/pipe" # and nobody reads
"$busbar" pause r --state "$state" >/dev/null
for i in $(seq 1 24000); do
    printf '{"specversion":"1.0","id":"s%s","source":"/test","type":"mfg.test.event","item":"I","data":{"qty":1}}\n' "$i"
done >"$work/many.jsonl"
before=$(status_json | jq .journal.accepted)
if "$busbar" send -e hook --state "$state" "$work/many.jsonl" >"$work/sent.log"; then
    same "accepted while nobody reads" "$(($(status_json | jq .journal.accepted) - before))" 24000
else
    fail "send: $(cat "$work/sent.log")"
fi
timeout 60 cat <&7 >"$work/drained" &
cat_pid=$!
exec 7<&-
wait_for 40 "the words on what was passed over" grep -q 'messages passed over' "$work/slow.err"
kill "$slow_pid" 2>/dev/null || true
wait "$slow_pid" 2>/dev/null || true
wait "$cat_pid" || true
ok "a slow reader: $(head -n 1 "$work/slow.err")"

# ---- the test's core and the real one: the same bytes ----------------------------------------------------
printf '%s\n' "$(ev e1 A 2.50)" >"$work/e1.json"
cat >"$work/t.yaml" <<END
tests:
  - name: e1
    route: kept
    input: e1.json
    expect: {state: delivered}
END
"$busbar" test -c "$conf" "$work/t.yaml" --json >"$work/tested" || fail "test"
archived=$(grep -F '"id":"e1"' "$work/archive.jsonl") || fail "the real core wrote no e1"
grep -qF "\"sent\":$archived}" "$work/tested" || {
    cat "$work/tested"
    fail "the test's core sends something else than $archived"
}
"$busbar" send --dry-run -c "$conf" -e hook --json "$work/e1.json" >"$work/dry" || fail "send --dry-run"
[ "$(grep -oF "\"sent\":$archived}" "$work/dry" | wc -l)" = 2 ] || fail "a dry run shows something else"
ok "what a test and a dry run show is what the real core wrote: $archived"
core_stop
books_balance

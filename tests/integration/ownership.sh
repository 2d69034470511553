#!/usr/bin/env bash
# ownership.sh - who may say what: a foreign message is quarantined or refused by the rule's name and place
limit=60
. "$(dirname "$0")/../lib.sh"
need jq curl
cat >"$conf/p.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: thread
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  wms: {connector: file, isolation: thread, config: {directory: $work/in, format: jsonl, envelope: {type: mfg.inventory.movement, id: {pointer: /id}}}}
  book: {connector: file, isolation: thread, config: {path: $work/book.jsonl, content: data}}
routes:
  from-hook: {from: hook, to: book, on_unknown: quarantine}
  from-wms: {from: wms, to: book, on_unknown: quarantine}
policies:
  ownership:
    stock: {match: {type: "mfg.inventory.*"}, owner: wms}
    planning:
      match: {type: "mfg.item.*"}
      fields: [/data/planning]
      owner: wms
      foreign: refuse
END
mkdir -p "$work/in"
core_start
echo '{"id":"w1"}' >"$work/in/a.jsonl"
wait_for 20 "the owner's" route_is from-wms delivered 1
same "another's, which is to be refused" "$(post '{"specversion":"1.0","id":"i1","source":"/t","type":"mfg.item.changed","data":{"planning":{"lot":5}}}')" 422
grep -q 'ownership .*planning.*only .*wms' "$work/answer" || fail "the sender is not told why: $(cat "$work/answer")"
grep -q 'yaml' "$work/answer" && fail "the sender is told where our files are: $(cat "$work/answer")"
same "without the field it may come" "$(post '{"specversion":"1.0","id":"i2","source":"/t","type":"mfg.item.changed","data":{"name":"bolt"}}')" 202
same "another's, which is to be kept" "$(post '{"specversion":"1.0","id":"m1","source":"/t","type":"mfg.inventory.movement","data":{}}')" 202
same "what nobody owns" "$(post '{"specversion":"1.0","id":"x1","source":"/t","type":"mfg.other","data":{}}')" 202
wait_for 20 "both that may go on" route_is from-hook delivered 2
"$busbar" quarantine list --json --state "$state" >"$work/q.json" || fail "quarantine list"
same "quarantined" "$(jq '.deliveries | length' "$work/q.json")" 1
grep -q 'ownership \\"stock\\": only \\"wms\\" may say this ([^)]*p.yaml:13)' "$work/q.json" ||
    fail "the reason is not the rule: $(cat "$work/q.json")"
grep -q 'ownership "planning": only "wms" may say this' "$work"/core-*.log || fail "the log does not say what was refused"
cat >"$work/m.json" <<END
{"specversion":"1.0","id":"m2","source":"/t","type":"mfg.inventory.movement","data":{}}
END
"$busbar" explain -c "$conf" -e hook "$work/m.json" >"$work/explain" || true
grep -q 'it would be quarantined by ownership "stock"' "$work/explain" || fail "explain says: $(cat "$work/explain")"
core_stop
sed -i 's/owner: wms}/owner: wmss}/; s/foreign: refuse/foreign: refused/; s#\[/data/planning\]#[planning]#' "$conf/p.yaml"
"$busbar" check -c "$conf" >"$work/check" 2>&1 && fail "check passed"
for text in 'p.yaml:13:.*ownership "stock": owner: there is no endpoint "wmss" (did you mean "wms"?)' \
    'p.yaml:16:.*fields: "planning" is no pointer into the data' 'p.yaml:18:.*did you mean "refuse"'; do
    grep -q "$text" "$work/check" || fail "check does not say $text: $(cat "$work/check")"
done
ok "three mistakes, each at its place"
books_balance

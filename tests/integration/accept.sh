#!/usr/bin/env bash
# accept.sh - what an endpoint accepts: a caller gets 422 and everything that is wrong, a batch as a
# whole; a file goes to failed/ with the report; nothing of it is in the journal
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
files=$work/files
mkdir -p "$files"

accept_conf() { # accept_conf ISOLATION
    cat >"$conf/accept.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: $1
    accept:
      - require:
          present: [/attributes/item, /data/qty]
          that: [{at: /data/qty, above: 0}]
      - require: {approval: released}
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  moves:
    connector: file
    isolation: $1
    accept:
      - require: {present: [/data/item, /data/qty]}
    config:
      directory: $files
      pattern: "*.jsonl"
      format: jsonl
      envelope: {type: mfg.inventory.movement, source: /wms, id: {pointer: /id}}
  sink: {connector: test-count, isolation: $1}
routes:
  a: {from: hook, to: sink}
  b: {from: moves, to: sink}
END
}
message() { # message ID QTY STATE
    printf '{"specversion":"1.0","id":"%s","source":"/t","type":"mfg.t","item":"A","data":{"qty":%s,"approval":{"state":"%s"}}}' "$@"
}
errors() { # of the answer: one a line, as TEXT
    jq -r '.errors[] | "\(.message) \(.pointer) \(.code): \(.text)"' "$work/answer"
}
file_put() { # file_put NAME: stdin
    cat >"$files/$1.tmp"
    mv "$files/$1.tmp" "$files/$1"
}
messages() {
    status_json | jq .journal.messages
}

for isolation in process thread; do
    accept_conf $isolation
    core_start
    same "a good one ($isolation)" "$(post "$(message 1 5 released)")" 202
    same "a bad one" "$(post "$(message 2 0 draft)")" 422
    same "its type" "$(jq -r .type "$work/answer")" about:blank
    same "explain says so before" "$(message 2 0 draft | "$busbar" explain -c "$conf" -e hook - | grep -c 'it would not be accepted: .*/data/qty')" 1
    same "and for a good one" "$(message 2 1 released | "$busbar" explain -c "$conf" -e hook --json - | jq -c '.[0] | [.not_accepted, (.routes | map(select(.takes).route))]')" '[null,["a"]]'
    message 2 0 draft | "$busbar" send --dry-run -c "$conf" -e hook - >"$work/dry" && fail "a dry run of what is refused says that it is fine"
    same "everything that is wrong with it" "$(errors)" \
        "0 /data/qty condition: does not meet the condition: 0
0 /data/approval/state approval: is \"draft\", not \"released\""
    same "in one line" "$(jq -r .detail "$work/answer")" \
        "not accepted: message 0: /data/qty does not meet the condition: 0, and 1 more"
    bad='{"specversion":"1.0","id":"4","source":"/t","type":"mfg.t","data":{}}'
    same "a batch with two bad ones" \
        "$(post "[$(message 3 1 released),$bad,$(message 5 1 released),$(message 6 1 draft)]" cloudevents-batch+json)" 422
    same "who is wrong in it" "$(jq -c '[.errors[] | [.message, .pointer]] | unique' "$work/answer")" \
        '[[1,"/attributes/item"],[1,"/data/approval/state"],[1,"/data/qty"],[3,"/data/approval/state"]]'
    same "the batch without them" "$(post "[$(message 3 1 released),$(message 5 1 released)]" cloudevents-batch+json)" 202
    wait_for 20 "three to be delivered" route_is a delivered 3
    same "messages in the journal" "$(messages)" 3

    # more than fits into one list: counted
    {
        printf '[' && message first 0 draft
        seq 1499 | sed 's|.*|,{"specversion":"1.0","id":"m&","source":"/t","type":"mfg.t","item":"A","data":{"qty":0}}|'
        printf ']'
    } >"$work/many.json"
    same "1,500 bad ones" "$(post "@$work/many.json" cloudevents-batch+json)" 422
    same "errors shown and counted" "$(jq '(.errors | length) + .more' "$work/answer")" 3000
    [ "$(wc -c <"$work/answer")" -lt 200000 ] || fail "the answer has $(wc -c <"$work/answer") bytes"
    ok "the answer is bounded"

    # an operator's send is looked at as well
    message 9 1 draft >"$work/event.json"
    "$busbar" send -e hook "$work/event.json" --state "$state" >"$work/send.log" 2>&1 && fail "send takes it"
    grep -q '/data/approval/state is "draft", not "released"' "$work/send.log" || fail "not said: $(cat "$work/send.log")"
    ok "send says why not"
    message 9 1 released >"$work/event.json"
    "$busbar" send -e hook "$work/event.json" --state "$state" >/dev/null || fail "send does not take a good one"

    # a file source
    printf '{"id":"f%s","item":"X","qty":1}\n' 1 2 3 | file_put "good-$isolation.jsonl"
    wait_for 20 "the good file's records" route_is b delivered 3
    { printf '{"id":"g%s","item":"X","qty":1}\n' 1 2 && printf '{"id":"g3","item":null}\n'; } | file_put "bad-$isolation.jsonl"
    wait_for 20 "the bad file in failed/" test -e "$files/failed/bad-$isolation.jsonl.error"
    grep -q '^record 3 of them: /data/item is ' "$files/failed/bad-$isolation.jsonl.error" &&
        grep -q '^record 3 of them: /data/qty is missing' "$files/failed/bad-$isolation.jsonl.error" ||
        fail "the report: $(cat "$files/failed/bad-$isolation.jsonl.error")"
    ok "the report names the record and both pointers"
    same "messages in the journal" "$(messages)" 7
    core_stop
    books_balance
    rm -rf "$state"
done

# ---- a schema ---------------------------------------------------------------------------------------
accept_conf process
mkdir -p "$conf/schemas"
printf '{"type":"object","required":["qty","uom"],"properties":{"qty":{"type":"number"},"uom":{"enum":["ST","KG"]}}}' \
    >"$conf/schemas/move.json"
sed -i 's|^      - require: {approval: released}|      - require: {schema: {file: schemas/move.json}}|' "$conf/accept.yaml"
core_start
same "what a schema refuses" "$(post "$(message 1 '"five"' x)")" 422
same "its pointers" "$(jq -c '[.errors[] | select(.code == "schema") | .pointer] | sort' "$work/answer")" '["/data","/data/qty"]'
same "what it lets in" \
    "$(post '{"specversion":"1.0","id":"s","source":"/t","type":"mfg.t","item":"A","data":{"qty":1.5,"uom":"KG"}}')" 202
core_stop
books_balance
rm -rf "$state"

# ---- what check refuses ---------------------------------------------------------------------------
refused() { # refused LINE TEXT: accept's line is replaced
    accept_conf process
    sed -i "s|^      - require: {approval: released}|      $1|" "$conf/accept.yaml"
    "$busbar" check -c "$conf" >"$work/check-err.log" 2>&1 && fail "check passes: $2"
    grep -qF -- "$2" "$work/check-err.log" || fail "not said: $2: $(cat "$work/check-err.log")"
    ok "refused: $2"
}
refused '- map: [{drop: /data/x}]' 'accept only looks at messages, and map changes them'
refused '- requier: {approval: released}' 'unknown step "requier"; did you mean "require"?'
refused '- require: {aproval: released}' 'accept.yaml:9:28: error: endpoint "hook": unknown option "aproval"; did you mean "approval"?'

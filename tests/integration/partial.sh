#!/usr/bin/env bash
# partial.sh - a transform that fails: what its first steps made is shown, and never sent
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
config() { # config POINTER: what the second step copies
    cat >"$conf/p.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: thread
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  book: {connector: file, isolation: thread, config: {path: $work/book.jsonl, content: data}}
routes:
  loose:
    from: hook
    match: {type: mfg.loose.event}
    to: book
END
    steps "$1" >>"$conf/p.yaml"
    cat >>"$conf/p.yaml" <<END
  strict:
    from: hook
    match: {type: mfg.strict.event}
    to: book
    order_by: item
END
    steps "$1" >>"$conf/p.yaml"
}
steps() {
    cat <<END
    transform:
      - map: [{rename: {from: /data/seq, to: /data/number}}, {constant: {to: /data/by, value: first}}]
      - map: [{copy: {from: $1, to: /data/copied}}]
END
}
config /data/missing
core_start
same "loose" "$(post "$(event l1 A 1 mfg.loose.event)")" 202
same "strict" "$(post "$(event s1 A 2 mfg.strict.event)")" 202
wait_for 30 "the loose one in quarantine" route_is loose quarantined 1
wait_for 30 "the strict one held" route_is strict held 1
shown() { # shown ROUTE STATE: what is kept, as JSON
    "$busbar" "$2" list --json --state "$state" >"$work/list.json" || fail "$2 list"
    seq=$(jq -r --arg r "$1" '[.deliveries[] | select(.route == $r)][0].seq' "$work/list.json")
    "$busbar" quarantine show "$1/$seq" --json --state "$state" >"$work/show.json" || fail "show"
    grep -q 'step 2 (map) rule 1 (copy)' "$work/show.json" || fail "show does not name the rule: $(cat "$work/show.json")"
    jq -c '.partly_transformed.data' "$work/show.json"
}
same "what the first step made of the loose one" "$(shown loose quarantine)" '{"number":1,"by":"first"}'
same "and of the strict one" "$(shown strict hold)" '{"number":2,"by":"first"}'
loose=$(jq -r .seq <("$busbar" quarantine list --json --state "$state" | jq '.deliveries[] | select(.route == "loose")'))
core_stop

# the mapping is mended; nothing of the first attempt is sent
config /data/number
core_start
"$busbar" quarantine replay "loose/$loose" --state "$state" || fail "replay"
"$busbar" hold list --json --state "$state" >"$work/list.json" || fail "hold list"
"$busbar" hold release "strict/$(jq -r '.deliveries[0].seq' "$work/list.json")" --state "$state" || fail "release"
wait_for 30 "the loose one" route_is loose delivered 1
wait_for 30 "the strict one" route_is strict delivered 1
same "what arrived" "$(sort "$work/book.jsonl" | xargs -d '\n')" \
    '{"number":1,"by":"first","copied":1} {"number":2,"by":"first","copied":2}'
core_stop
books_balance

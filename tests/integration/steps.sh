#!/usr/bin/env bash
# steps.sh - require, split, explode and jq in a core: what goes on, what is skipped, what waits and why
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
export BUSBAR_SCHEMA_PATH=$src/sdk/schemas
config() { # config POINTER: where a line's item is
    cat >"$conf/steps.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: thread
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    config: {url: $erp/in}
  slow:
    connector: http
    timeout: 1s
    config: {url: $erp/in}
routes:
  change:
    from: hook
    match: {type: mfg.change.released}
    to: erp
    order_by: change
    transform:
      - require: {approval: released, present: /attributes/change, each: {at: /data/parts, present: [./item, ./qty]}}
      - explode:
          - {data: /data/head, type: mfg.change.head}
          - each: /data/parts
            type: mfg.change.part
            attributes: {item: $1}
            header: {change: /attributes/change}
            when: {at: ./qty, above: 0}
  drafts:
    from: hook
    match: {type: mfg.bom.changed}
    to: erp
    transform:
      - require: {approval: released, on_failure: skip}
  odd:
    from: hook
    match: {type: mfg.odd.list}
    to: erp
    transform:
      - jq: {file: odd.jq, collect: true}
      - split: {at: /data, type: mfg.change.part, attributes: {item: ./item}}
  loop:
    from: hook
    match: {type: mfg.odd.loop}
    to: slow
    on_unknown: quarantine
    transform: [jq: "def f: f; f"]
  boms:
    from: hook
    match: {type: mfg.bom.released}
    to: erp
    transform:
      - require: {schema: mfg.bom/1}
  parts:
    from: hook
    match: {type: mfg.change.part}
    to: erp
    order_by: item
END
}
printf '# what has a number\n.[] | select(.seq) | {seq, item: "O\\(.seq)"}\n' >"$conf/odd.jq"
change() { # change ID STATE PARTS
    printf '{"specversion":"1.0","id":"%s","source":"/plm","type":"mfg.change.released","change":"ECO-%s",%s}' "$1" "$1" \
        "\"data\":{\"seq\":0,\"approval\":{\"state\":\"$2\"},\"head\":{\"seq\":1},\"parts\":$3}"
}
bom() {
    printf '{"specversion":"1.0","id":"%s","source":"/plm","type":"mfg.bom.changed","data":{"seq":5,"approval":{"state":"%s"}}}' "$@"
}

# ---- what check finds ----------------------------------------------------------------------------------
erp=http://127.0.0.1:1
config ./item
sed -i 's/present: \[.\/item/presnt: [.\/item/; s/type: mfg.change.part$/tpye: mfg.change.part/' "$conf/steps.yaml"
! "$busbar" check -c "$conf" >"$work/check.txt" 2>&1 || fail "check took two mistakes"
grep -q 'steps.yaml:20:.*unknown option "presnt"; did you mean "present"?' "$work/check.txt" &&
    grep -q 'steps.yaml:24:.*unknown option "tpye"; did you mean "type"?' "$work/check.txt" ||
    fail "check says: $(cat "$work/check.txt")"
ok "check shows both mistakes at their lines"
config ./item
printf '.a\n| .b }\n' >"$work/odd.jq"
sed -i "s,file: odd.jq,file: $work/odd.jq,; s/    timeout: 1s/    isolation: thread/" "$conf/steps.yaml"
! "$busbar" check -c "$conf" >"$work/check.txt" 2>&1 || fail "check took a faulty program"
grep -q 'odd.jq:2:1: error: route "odd": jq: syntax error' "$work/check.txt" &&
    grep -q 'endpoint "slow" needs isolation: process' "$work/check.txt" || fail "check says: $(cat "$work/check.txt")"
ok "a faulty program at its line, and where a program may run"

# the examples of the page: each is a transform that check takes
mkdir -p "$work/page/maps"
echo . >"$work/page/maps/odd.jq"
sed -n '/^routes:/q; p' "$conf/steps.yaml" | sed '/isolation: thread/d' >"$work/page/page.yaml"
awk 'BEGIN { print "routes:" } /^## / { on = /^## (require|split|jq)/ } !on { next }
    /^```yaml/ { printf "  r%d:\n    from: hook\n    to: erp\n    transform:\n", ++n; block = 1; next }
    /^```/ { block = 0 } block { print "      " $0 }' "$src/docs/transforms.md" >>"$work/page/page.yaml"
same "examples of the page" "$(grep -c '^  r[0-9]*:' "$work/page/page.yaml")" 5
"$busbar" check -c "$work/page" >"$work/check.txt" 2>&1 || fail "check of the page's examples: $(cat "$work/check.txt")"
ok "check takes them"

# ---- and what becomes of messages ------------------------------------------------------------------------
plant_start --lane /type,/item
config ./material
core_start
same "a draft" "$(post "$(bom b1 draft)")" 202
same "a released one" "$(post "$(bom b2 released)")" 202
same "a change that is not released" "$(post "$(change c1 draft '[{"item":"A","qty":1},{"item":"B"}]')")" 202
same "one whose parts have no material" "$(post "$(change c2 released '[{"item":"A","qty":1},{"item":"B","qty":2}]')")" 202
wait_for 30 "the draft to be skipped" route_is drafts skipped 1
wait_for 30 "the released one" route_is drafts delivered 1
wait_for 30 "what does not hold, in quarantine though the route is ordered" route_is change quarantined 1
wait_for 30 "what the mapping cannot make, holding its lane" route_is change held 1
same "parts so far: all or none" "$(route_get parts delivered)/$(route_get parts pending)" 0/0

"$busbar" quarantine list --json --state "$state" >"$work/list.json" || fail "quarantine list"
seq=$(jq -r '[.deliveries[] | select(.route == "change")][0].seq' "$work/list.json")
"$busbar" quarantine show "change/$seq" --json --state "$state" >"$work/show.json" || fail "quarantine show"
for part in '"code":"approval"' '/data/approval/state is \\"draft\\"' '/data/parts/1/qty is missing'; do
    grep -q -e "$part" "$work/show.json" || fail "no $part in $(cat "$work/show.json")"
done
ok "the report has the class and both pointers"

# ---- the mapping is mended, and the message as it came in goes through it ------------------------------------
core_stop
config ./item
core_start
"$busbar" hold list --json --state "$state" >"$work/held.json" || fail "hold list"
held=$(jq -r '[.deliveries[] | select(.route == "change")][0].seq' "$work/held.json")
"$busbar" hold release "change/$held" --state "$state" || fail "release"
wait_for 30 "the change" route_is change delivered 1
wait_for 30 "its parts" route_is parts delivered 2
wait_for 30 "its head, which no route wants" eval '[ "$(status_json | jq .unmatched.quarantined)" = 1 ]'
same "what the parts are" "$(jq -r 'select(.outcome == "applied" and (.id | startswith("c2/"))) | .id' "$work/erp.jsonl" | xargs)" \
    "c2/2 c2/3"
"$busbar" trace c2 --state "$state" >"$work/trace" || fail "trace"
grep -q 'became 3 messages' "$work/trace" || fail "trace: $(cat "$work/trace")"
same "what c2 caused, in its trace" "$(grep -c 'caused by *c2$' "$work/trace")" 3
# ---- a schema of the model ------------------------------------------------------------------------------------
same "a BOM as the model says" "$(post "$(cat "$src/tests/schemas/valid/bom-pump.json")")" 202
jq -c '.id = "bad" | .data.lines[0].quantity.unit = 5 | del(.data.usage)' "$src/tests/schemas/valid/bom-pump.json" >"$work/bad.json"
same "one that is not" "$(post "$(cat "$work/bad.json")")" 202
wait_for 30 "the good one" route_is boms delivered 1
wait_for 30 "the bad one" route_is boms quarantined 1
"$busbar" quarantine list --json --state "$state" >"$work/list.json" || fail "quarantine list"
seq=$(jq -r '[.deliveries[] | select(.route == "boms")][0].seq' "$work/list.json")
"$busbar" quarantine show "boms/$seq" --json --state "$state" >"$work/show.json" || fail "quarantine show"
for part in '"code":"schema"' '/data/lines/0/quantity/unit' 'usage'; do
    grep -q -e "$part" "$work/show.json" || fail "no $part in $(cat "$work/show.json")"
done
ok "the report names both"

# ---- jq: odd shapes, and a program without an end ---------------------------------------------------------------
same "an odd list" "$(post "$(printf '{"specversion":"1.0","id":"o1","source":"/odd","type":"mfg.odd.list",%s}' \
    '"data":[{"seq":1},{"x":1},{"seq":2}]')")" 202
wait_for 30 "the odd list to be split" route_is odd delivered 1
wait_for 30 "its parts" route_is parts delivered 4
same "one that never ends" "$(post "$(event loop A 1 mfg.odd.loop)")" 202
wait_for 60 "it to be quarantined" route_is loop quarantined 1
same "hosts started again for it" "$(status_json | jq '.endpoints[] | select(.name == "slow") | .restarts')" 1
same "the other sink's" "$(status_json | jq '.endpoints[] | select(.name == "erp") | .restarts')" 0
core_stop
books_balance

#!/usr/bin/env bash
# steps.sh - require, split and explode in a core: what goes on, what is skipped, what waits and why
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
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
  parts:
    from: hook
    match: {type: mfg.change.part}
    to: erp
    order_by: item
END
}
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
grep -q 'steps.yaml:16:.*unknown option "presnt"; did you mean "present"?' "$work/check.txt" &&
    grep -q 'steps.yaml:20:.*unknown option "tpye"; did you mean "type"?' "$work/check.txt" ||
    fail "check says: $(cat "$work/check.txt")"
ok "check shows both mistakes at their lines"

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
core_stop
books_balance

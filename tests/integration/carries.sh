#!/usr/bin/env bash
# carries.sh - what of a BOM a target cannot carry: found at check, waived by name, noted, guarded
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
config() { # config [WAIVERS]
    cat >"$conf/b.yaml" <<END
endpoints:
  plm:
    connector: http
    isolation: thread
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  mes: {connector: test-narrow, isolation: thread}
routes:
  bom-to-mes:
    from: plm
    to: mes
    match: {type: $type}
    on_unknown: quarantine
    transform: [{map: [{constant: {to: /data/seen, value: true}}]}]
${1:-}
END
}
check() {
    "$busbar" check -c "$conf" >"$work/check.out" 2>&1
}
says() { # says PART
    grep -qF -- "$1" "$work/check.out" || fail "check says: $(cat "$work/check.out")"
    ok "check says: $1"
}

# ---- check -------------------------------------------------------------------------------------------
type=mfg.bom.released
config
! check || fail "check passes a route that would drop BOM features"
says 'route "bom-to-mes": endpoint "mes" cannot carry what a BOM from "plm" may say: alternative-bom, '
says 'b.yaml:10:9: error:'
type=mfg.inventory.movement
config
check || fail "check of a route without BOMs: $(cat "$work/check.out")"
ok "a route that carries no BOMs passes"
type=mfg.bom.released
config '    waive: [{feature: alternats, owner: "Anna Kern", until: "2099-12-31"}]'
! check || fail "check passes a waiver of nothing"
says 'there is no BOM feature "alternats" (did you mean "alternates"?)'
config '    waive: [{feature: alternates, owner: "Anna Kern", until: "2020-12-31"}]'
! check || fail "check passes a waiver that has ended"
says 'the waiver of "alternates" by Anna Kern ended on 2020-12-31'
config '    waive: [{feature: alternates, until: soon}]'
! check || fail "check passes a waiver without an owner"
says 'owner'

# ---- at run time ---------------------------------------------------------------------------------------
all=$(jq -r '.features[].name | sub("[.].*"; "")' "$src/sdk/schemas/features.json" | sort -u |
    grep -vx -e usage -e scrap -e phantom)
waivers=
for f in $all scrap.assembly scrap.operation scrap.net scrap.fixed; do
    waivers+="      - {feature: $f, owner: Anna Kern, until: \"2099-12-31\"}"$'\n'
done
config "    waive:"$'\n'"$waivers"
! check || fail "check passes what is not waived"
says 'may say: phantom; take it out'
config "    waive:"$'\n'"$waivers      - {feature: phantom, owner: Jo Berg, until: \"2099-12-31\"}"
check || fail "check: $(cat "$work/check.out")"
ok "check passes when each is waived"
bom() { # bom ID FIELDS: an event with one line of a BOM
    printf '{"specversion":"1.0","id":"%s","source":"/plm","type":"mfg.bom.released","data":{"item":{"id":"A"},"lines":[{"id":"1",%s}]}}' "$1" "$2"
}
core_start
same "a plain BOM" "$(post "$(bom b1 '"position":"10"')")" 202
same "one with a phantom" "$(post "$(bom b2 '"phantom":true')")" 202
wait_for 30 "both delivered" route_is bom-to-mes delivered 2
"$busbar" trace b2 --json --state "$state" >"$work/trace.json" || fail "trace"
grep -q 'not carried over: phantom (waived by Jo Berg)' "$work/trace.json" ||
    fail "the trace of b2 tells: $(cat "$work/trace.json")"
ok "the delivery's record says what was not carried over, and who waived it"
"$busbar" trace b1 --json --state "$state" >"$work/trace.json" || fail "trace"
! grep -q 'not carried over' "$work/trace.json" || fail "the plain one has a note"
ok "and nothing where nothing was"
core_stop
books_balance

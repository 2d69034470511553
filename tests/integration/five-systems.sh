#!/usr/bin/env bash
# five-systems.sh - docs/examples/plant with the plant's five systems: every scenario, their faults, and kill -9
#
# The core is killed in the middle; each system loses answers, breaks connections and throttles. At the end the systems
# agree, nothing was done twice or waits for a person, and one correlation id leads from the PLM to all the others.
limit=400
. "$(dirname "$0")/../lib.sh"
need jq curl
systems_start --seed 4
all=(plm erp mes wms portal)
ports_there() {
    local s
    for s in "${all[@]}"; do [ -s "$systems_dir/$s.port" ] || return 1; done
}
wait_for 60 "the five systems" ports_there
mkdir -p "$work/credentials" "$work/reports"
for s in "${all[@]}"; do
    (umask 077 && printf busbar >"$work/credentials/$s")
    export "${s^^}_URL=$(system_url "$s")"
done
export CREDENTIALS=$work/credentials REPORTS=$work/reports BUSBAR_SCHEMA_PATH=$src/sdk/schemas
cp -r "$src/docs/examples/plant/conf.d/." "$conf"
chmod -R u+w "$conf"
"$busbar" test -c "$conf" >"$work/example.log" 2>&1 || fail "docs/examples/plant: $(tail -n 20 "$work/example.log")"
ok "docs/examples/plant: $(tail -n 1 "$work/example.log")"

plant=$build/tools/plant/plant
scenario() { # its correlation id is on stdout
    "$plant" scenario "$1" --dir "$systems_dir" >"$work/$1.txt" || fail "scenario $1: $(cat "$work/$1.txt")"
    sed -n 's/^correlation id: //p' "$work/$1.txt"
}
control() { # control SYSTEM WHAT JSON
    curl -sf --max-time 10 -o /dev/null -X PUT --data "$3" "$(system_url "$1")/control/$2" || fail "control $1 $2"
}
spoil() { # from now on, or no more
    for s in "${all[@]}"; do
        control "$s" faults "{\"seed\":7,\"rules\":[$1]}"
    done
}
nothing_waits() {
    status_json | jq -e '[.routes[] | .waiting + .spilled + .in_flight + .retrying + .probing] | add == 0' >/dev/null
}
agree() { # nothing is on its way, and the systems say the same
    nothing_waits && "$plant" audit --dir "$systems_dir" >"$work/audit.txt" && nothing_waits
}
spoil '{"fault":"reset","when":"after","method":"POST","percent":12},{"fault":"reset","percent":5},{"fault":"503","percent":4},
       {"fault":"500","percent":3},{"fault":"429","percent":4,"retry_after":"1"},{"fault":"latency","percent":3,"ms":300},{"fault":"truncate","percent":2}'
core_start
change=$(scenario eco-release)
for s in production-day goods-receipt cycle-count obsolete-component supplier-asn quality-alert; do
    scenario "$s" >/dev/null
done
for ((i = 0; i < 3; i++)); do
    moves() { [ "$(route_get mes-to-erp delivered)" -gt $((i * 25)) ]; }
    wait_for 60 "movements to arrive" moves
    core_kill
    scenario goods-receipt >/dev/null
    core_start
done
wait_for ${AGREE:-200} "the five systems to agree" agree
ok "$(tail -n 1 "$work/audit.txt")"
same "waits for a person" "$(status_json | jq '[.routes[] | .held + .quarantined] | add')" 0
for s in "${all[@]}"; do
    same "$s: done twice" "$(curl -sf "$(system_url "$s")/control/effects?limit=1" | jq .doubles)" 0
    met=$(curl -sf "$(system_url "$s")/control/faults" | jq '[.rules[].met] | add')
    ok "$s: $met calls spoilt"
done
"$busbar" trace "$change" --state "$state" --json >"$work/trace.json" || fail "trace"
same "where the change has been" \
    "$(jq -r '[.. | objects | select(.state? == "delivered" and .route?) | .route] | unique | join(" ")' "$work/trace.json")" \
    "erp-to-mes erp-to-plm erp-to-portal erp-to-wms plm-read plm-to-erp"
same "suppliers' news" "$(jq -s '[.[].type | sub("[.][a-z]*$"; "")] | unique - ["mfg.commitment"] | join(" ")' "$work/reports/suppliers.jsonl")" '"mfg.quality mfg.shipment"'
core_stop
books_balance

#!/usr/bin/env bash
# plm-erp.sh - a released change from the plant's PLM into its ERP, and its being there back to the PLM
#
# The connectors plm and sap in one core: what the ERP took is told to the PLM by `emit`, and at the end both systems
# hold the same revisions and structures, by the plant's own audit, with nothing made twice; one trace shows it all.
limit=150
. "$(dirname "$0")/../lib.sh"
need jq curl
systems_start --systems erp,plm --seed 1
wait_for 30 "the PLM's port" test -s "$systems_dir/plm.port"
P=$(system_url plm) U=$(system_url erp) plant_program=$build/tools/plant/plant
(umask 077 && printf 'busbar' >"$work/password")
waivers=$(jq -rn --slurpfile f "$src/plugins/plm/manifest.json" --slurpfile m "$src/plugins/sap/manifest.json" \
    '$f[0].bom_features - $m[0].bom_features | map("{feature: \(.), owner: test, until: \"2099-12-31\"}") | join(", ")')
cat >"$conf/plm.yaml" <<END
endpoints:
  plm:
    connector: plm
    timeout: 20s
    probe_after: 1s
    unmatched: skip
    config:
      base_url: $P
      auth: {basic: {user: busbar, password: {file: $work/password}}}
      poll: {interval: 200ms, backoff_max: 300ms}
      status: {system: erp}
      timeout: 2s
  erp:
    connector: sap
    timeout: 5s
    probe_after: 1s
    unmatched: skip
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: $U
      units: {H87: PC}
      change_numbers: false
      auth: {basic: {user: busbar, password: {file: $work/password}}}
routes:
  read:
    from: plm
    to: plm
    match: {type: plm.change.noticed}
    order_by: source
    retry: {attempts: 20, initial: 100ms, max: 300ms}
    on_failure: quarantine
  to-erp:
    from: plm
    to: erp
    match: {type: ["mfg.item.*", "mfg.bom.released"]}
    order_by: source
    retry: {attempts: 20, initial: 100ms, max: 300ms}
    on_failure: quarantine
    waive: [$waivers]
    emit: {type: plm.status.implemented, on: delivered}
  told:
    from: erp
    to: plm
    match: {type: plm.status.implemented, plant: "*", change: "*"}
    order_by: change
    retry: {attempts: 20, initial: 100ms, max: 300ms}
    on_failure: quarantine
END
ok "waived: $waivers"
"$busbar" check -c "$conf" >"$work/check-conf.log" 2>&1 || fail "busbar check: $(cat "$work/check-conf.log")"
"$plant_program" audit --dir "$systems_dir" --systems erp,plm >"$work/audit.log" || fail "they differ before: $(tail -n 5 "$work/audit.log")"
ok "before: $(tail -n 1 "$work/audit.log")"
core_start

all_done() {
    [ "$(curl -s -u busbar:busbar "$P/plm/changes?limit=100" | jq '[.changes[] | select(.state != "implemented")] | length')" = 0 ]
}
"$plant_program" scenario eco-release --dir "$systems_dir" >"$work/scenario.log" || fail "$(cat "$work/scenario.log")"
correlation=$(sed -n 's/^correlation id: //p' "$work/scenario.log")
wait_for 30 "the released change to be implemented" all_done
ok "$(head -n 1 "$work/scenario.log" | cut -c 1-90)"
storm='{"seed":3,"rules":[{"fault":"reset","when":"after","percent":10},{"fault":"500","when":"after","percent":6},
 {"fault":"429","percent":5,"retry_after":"1"},{"fault":"reset","percent":5},{"fault":"truncate","percent":3},{"fault":"token","percent":2}]}'
for u in "$P" "$U"; do
    curl -sf -X PUT --data "$storm" "$u/control/faults" >/dev/null || fail "no faults"
done
for k in 1 2 3 4 5; do curl -sf --data '{}' "$P/control/do/release" >>"$work/scenario.log" || fail "release $k"; done
"$plant_program" scenario obsolete-component --dir "$systems_dir" >>"$work/scenario.log" || fail "$(tail -n 2 "$work/scenario.log")"
wait_for 60 "six changes to be implemented" all_done
for u in "$P" "$U"; do
    curl -sf -X PUT --data '{"rules":[]}' "$u/control/faults" >/dev/null || fail "no faults"
done
same "quarantined" "$(status_json | jq '[.routes[].quarantined // 0] | add')" 0
"$plant_program" audit --dir "$systems_dir" --systems erp,plm >"$work/audit.log" || fail "they differ: $(tail -n 8 "$work/audit.log")"
ok "after: $(tail -n 1 "$work/audit.log")"

"$busbar" trace "$correlation" --state "$state" >"$work/trace.log" || fail "no trace of $correlation"
for part in plm.change.noticed mfg.item.released mfg.bom.released plm.status.implemented; do
    grep -q "$part" "$work/trace.log" || fail "the trace of $correlation has no $part: $(cat "$work/trace.log")"
done
ok "one trace has the notice, the item, the structure and the status"
core_stop
books_balance

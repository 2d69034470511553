#!/usr/bin/env bash
# kill.sh - kill -9 of the core and of its hosts at random points under full load loses nothing
#
# BUSBAR_KILLS (50) rounds, BUSBAR_SEED to repeat a run. The same account is then made for a core
# that answers before its commit (tests/fault/busbar-early): it must show losses, or this test
# could not find any.
limit=900
. "$(dirname "$0")/../lib.sh"
. "$src/tests/fault/lib_kill.sh"
need jq curl
seed=${BUSBAR_SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
printf 'seed %d\n' "$seed"

drained() {
    [ "$(route_get events pending)" = 0 ]
}

load_start() {
    : >"$work/accepted"
    bg "$work/load.json" "$load" --url "$hook/events" --connections 16 --items 64 --body-size 400 \
        --messages "$1" --retry --accepted "$work/accepted" --prefix "k$seed"
    load_pid=$bg_pid
}

load_end() {
    kill -TERM "$load_pid" 2>/dev/null || true
    wait "$load_pid" 2>/dev/null || true
}

# ---- the core as it is ---------------------------------------------------------------------------
plant_start --dedupe no --fault slow=8,reset=4,500=4 --late-ms 100
kill_conf
hook=http://127.0.0.1:$hook_port
load_start 100000000
kill_rounds "${BUSBAR_KILLS:-50}" 75
load_end
wait_for 120 "everything to be delivered" drained
lost=$(lost_count)
accepted=$(jq -r .accepted "$work/load.json")
printf '%d kills of the core, %d of hosts, %d accepted, %d redelivered, %d lost\n' \
    "$killed_core" "$killed_host" "$accepted" "$(redelivered_count)" "$lost"
[ "$accepted" -gt $((killed_core * 10)) ] || fail "hardly any load: $accepted accepted"
ok "$accepted accepted through $killed_core kills of the core and $killed_host of hosts"
same "accepted and lost" "$lost" 0
same "lanes out of order" "$(plant_get order_violations)" 0
same "effects doubled" "$(plant_get doubles)" 0
same "redeliveries that were not marked" "$(plant_get unmarked)" 0
same "deliveries left open" "$(route_get events quarantined)" 0
same "deliveries held" "$(route_get events held)" 0
same "the route's books balance" "$(route_get events balanced)" true
core_stop
books_balance
bg_end "$erp_pid"

# ---- a core that answers too early must be caught ----------------------------------------------
early=$build/tests/fault/busbar-early
if [ -x "$early" ]; then
    rm -rf "$state" "$work/erp.jsonl" "$work/hook.port"
    busbar=$early
    unset erp_port
    plant_start --dedupe no
    kill_conf
    hook=http://127.0.0.1:$hook_port
    load_start 100000000
    found=0
    for ((round = 0; round < 10 && found == 0; round++)); do
        kill_rounds 3 100
        core_kill
        found=$(missing_count)
    done
    load_end
    [ "$found" -gt 0 ] || fail "a core that answers before its commit was not caught"
    ok "a core that answers before its commit is caught: $found lost"
fi

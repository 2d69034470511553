#!/usr/bin/env bash
# kill.sh - kill -9 of the core, and of its hosts, at random points under full load loses nothing
#
# BUSBAR_KILLS (50) kills of the core and as many of hosts, then fewer with a sink without a probe,
# where what is unknown is sent again and must say so. BUSBAR_SEED repeats a run. The same account
# is then made for a core that answers before its commit (tests/fault/busbar-early): it must show
# losses, or this test could not find any.
limit=900
. "$(dirname "$0")/../lib.sh"
. "$src/tests/fault/lib_kill.sh"
need jq curl
seed=${BUSBAR_SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
kills=${BUSBAR_KILLS:-50}
printf 'seed %d\n' "$seed"

drained() {
    [ "$(route_get events pending)" = 0 ]
}

load_start() { # load_start PREFIX: without end, about what the lanes can take with these faults
    : >"$work/accepted"
    bg "$work/load.json" "$load" --url "$hook/events" --connections 16 --items 64 --body-size 400 \
        --messages 100000000 --rate 1500 --retry --accepted "$work/accepted" --prefix "$1$seed"
    load_pid=$bg_pid
}

load_end() {
    kill -TERM "$load_pid" 2>/dev/null || true
    wait "$load_pid" 2>/dev/null || true
}

# account: what both kinds of sink owe once the load has ended
account() {
    load_end
    wait_for 240 "everything to be delivered" drained
    accepted=$(jq -r .accepted "$work/load.json")
    [ "$accepted" -gt $(((killed_core + killed_host) * 10)) ] || fail "hardly any load: $accepted accepted"
    marks_count
    printf '%d kills of the core, %d of hosts, %d accepted, %d came again, %d marked\n' \
        "$killed_core" "$killed_host" "$accepted" "$keys_again" "$redelivered"
    ok "$accepted accepted through $killed_core kills of the core and $killed_host of hosts"
    same "accepted and lost" "$(lost_count)" 0
    same "lanes out of order" "$(plant_get order_violations)" 0
    same "what was applied already and came again unmarked" "$(plant_get unmarked)" 0
    same "redeliveries that were not marked" "$unmarked" 0
    same "deliveries left open" "$(route_get events quarantined)" 0
    same "deliveries held" "$(route_get events held)" 0
    same "the route's books balance" "$(route_get events balanced)" true
}

again() { # the same anew: nothing of the run before
    bg_end "$erp_pid"
    unset erp_port
    rm -rf "$state" "$work/erp.jsonl" "$work/hook.port"
}

# ---- a sink that can be asked: nothing twice -----------------------------------------------------
plant_start --dedupe no --fault slow=8,reset=4,500=4 --late-ms 100
kill_conf probe
load_start k
kill_start
kill_rounds "$kills"
account
same "effects doubled" "$(plant_get doubles)" 0
core_stop
books_balance

# ---- a sink that cannot: what is unknown is sent again, and says so --------------------------------
again
plant_start --fault slow=4,reset=4,500=4 --late-ms 100
kill_conf retry
load_start r
kill_start
kill_rounds $((kills / 3 + 1))
account
[ "$keys_again" -gt 0 ] || fail "nothing was sent again: this run shows nothing about marks"
ok "$keys_again keys came again without a probe, each with the mark"
core_stop
books_balance

# ---- a core that answers too early must be caught ----------------------------------------------
early=$build/tests/fault/busbar-early
if [ ! -x "$early" ]; then
    printf 'skipped: %s is not built here (a sanitized build has none); the rest of this test ran\n' "$early"
    exit 0
fi
again
busbar=$early
plant_start --dedupe no
kill_conf probe
load_start e
found=0
for ((round = 0; round < 30 && found == 0; round++)); do
    core_spawn
    wait_for 60 "the core" core_answers
    sleep "0.$(printf '%03d' $((100 + RANDOM % 300)))" # the fault's own point in time
    core_kill
    found=$(missing_count)
done
load_end
[ "$found" -gt 0 ] || fail "a core that answers before its commit was not caught"
ok "a core that answers before its commit is caught: $found lost"

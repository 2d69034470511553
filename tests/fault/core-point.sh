#!/usr/bin/env bash
# core-point.sh - one point of core-sweep.sh: a core whose Nth write-side call fails or is its last
#
#   core-point.sh PHASE KIND N BASE      PHASE new: an empty state folder; again: BASE/state, which a
#                                        killed core left with deliveries under way
#   core-point.sh PHASE count LOG BASE [TRACE]    writes the calls to LOG (the kernel's view to TRACE)
#   core-point.sh base BASE              makes BASE
# A few events in two lanes, posted again until accepted, over the fault and a restart without it; the
# store is small and they are large enough for the log to change files and for a checkpoint on the way.
# Then everything that was accepted is at the plant, once, in order, and the books balance.
limit=120
. "$(dirname "$0")/../lib.sh"
. "$src/tests/fault/lib_kill.sh"
phase=$1
shim=$build/tests/fault/.libs/inject.so
n_events=10
# what the kernel calls the calls that inject.c counts
calls=write,pwrite64,writev,pwritev,pwritev2,fdatasync,fsync,sync_file_range,msync,ftruncate,fallocate
calls+=,open,openat,rename,renameat,renameat2,link,unlink,unlinkat,mkdir,mkdirat
: >"$work/accepted"

conf_small() {
    kill_conf probe
    sed -i 's/^journal:.*/journal: {map_size: 64MiB, reserve: 2MiB}/' "$conf/plant.yaml"
}
events_post() { # events_post PREFIX: in the background, until all are accepted
    bg "$work/load.log" "$load" --url "$hook/events" --connections 2 --items 2 --body-size 120000 \
        --messages $n_events --retry --accepted "$work/accepted" --prefix "$1" --type "mfg.$1.event"
    load_pid=$bg_pid
}
load_ended() {
    ! kill -0 "$load_pid" 2>/dev/null
}
drained() {
    [ "$(route_get events pending)" = 0 ]
}
settled() {
    ! kill -0 "$core_pid" 2>/dev/null || { load_ended && drained; }
}

# injected KIND [N]: a core with that fault; $tracer goes before it
injected() {
    export LD_PRELOAD=$shim INJECT_DIR=$state INJECT_LOG=$work/calls INJECT_KIND=$1 INJECT_AT=${2:-0}
    export INJECT_FOR=6 INJECT_WAIT=30
    if [ -n "${trace:-}" ]; then
        unset LD_PRELOAD
        bg "$work/core-$((++core_runs)).log" strace -D -qq -f -y -s 4096 -o "$trace" -e trace="$calls" \
            -E LD_PRELOAD="$shim" "$busbar" run -c "$conf" --state "$state"
        core_pid=$bg_pid
    else
        core_spawn
    fi
    unset LD_PRELOAD INJECT_DIR INJECT_LOG INJECT_KIND INJECT_AT INJECT_FOR INJECT_WAIT
}

# ---- what a killed core leaves: deliveries open, some below the mark ----------------------------------
if [ "$phase" = base ]; then
    plant_start --dedupe no --lane /type,/item --fault "reset=30,500=20"
    conf_small
    core_spawn
    wait_for 30 "the core" core_answers
    events_post base
    wait_for 30 "the events" load_ended
    core_kill
    mkdir -p "$2"
    cp -a "$state" "$work/accepted" "$work/erp.jsonl" "$2"
    exit 0
fi

# ---- the fault -------------------------------------------------------------------------------------------
kind=$2 at=$3 base=$4
if [ "$phase" = again ]; then
    cp -a "$base/state" "$base/accepted" "$base/erp.jsonl" "$work"
fi
plant_start --dedupe no --lane /type,/item
conf_small
if [ "$kind" = count ]; then
    trace=${5:-}
    injected count
else
    injected "$kind" "$at"
fi
events_post point
wait_for 20 "the core to end or to be done ($kind at $at)" settled || stuck=1
rc=0
if kill -0 "$core_pid" 2>/dev/null; then
    bg_end "$core_pid" # its end writes, too
fi
wait "$core_pid" 2>/dev/null || rc=$?
if [ "$kind" = count ]; then
    [ "$rc" -eq 0 ] || fail "counting: the core ended with $rc"
    mv "$work/calls" "$at"
    exit 0
fi
hit=$(sed -n 's/^hit //p' "$work/calls" | head -n 1)
printf 'hit: %s\n' "${hit:-none}"
case $kind:${hit:+hit}:$rc in
kill:hit:137 | torn:hit:137 | *::0) ;;
kill:* | torn:* | *::*) fail "the core ended with $rc" ;;
*:137) fail "the core did not end by itself within its time" ;;
sync:hit:0)
    # the searchable history may fail and be built again; a journal that cannot sync must end the core
    [[ $hit == *" index"* ]] || fail "a sync of ${hit##* } failed and the core went on to a clean end"
    ;;
esac

# ---- and without it ----------------------------------------------------------------------------------------
core_spawn
wait_for 30 "the core after the fault" core_answers
kill -0 "$core_pid" 2>/dev/null || fail "the core does not start after the fault"
wait_for 30 "all events to be accepted" load_ended
wait_for 30 "everything to be delivered" drained
total=$(sort -u "$work/accepted" | wc -l)
same "accepted and lost" "$(lost_count)" 0
same "applied at the plant" "$(jq -c 'select(.outcome == "applied")' "$work/erp.jsonl" | wc -l)" "$total"
same "effects doubled" "$(plant_get doubles)" 0
same "lanes out of order" "$(plant_get order_violations)" 0
same "applied already, came again unmarked" "$(plant_get unmarked)" 0
same "open deliveries" "$(route_get events quarantined)" 0
same "the route's books balance" "$(route_get events balanced)" true
core_stop
books_balance
[ -z "${stuck:-}" ] || fail "the core neither went on nor ended under the fault"

# shellcheck shell=bash
# shellcheck disable=SC2034 # much of it is for those who source it
# lib.sh - what the shell tests share: a core, a plant and their ends, polling with a deadline
#
# Sourced by tests/*/*.sh, which make runs in the top of the build folder. Each test has a folder
# of its own ($work), ports of its own (the kernel chooses), and ends only what it started. A test
# prints "ok - ..." for each thing it found to be so and fails at the first that is not; with
# BUSBAR_KEEP=1 its folder stays.

set -euo pipefail

if [ -z "${BUSBAR_TEST_TIMED:-}" ]; then # the whole test has a limit: $limit seconds, set before
    BUSBAR_TEST_TIMED=1 exec timeout -k 10 "${limit:-240}" bash "$0" "$@"
fi

build=$PWD
src=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/lib/common.sh
. "$src/tools/lib/common.sh"
busbar=${BUSBAR:-$build/busbar}
plant=$build/tools/plant/plant-erp
load=$build/tools/bench/bench-load
work=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/busbar-test.XXXXXX")") # as /proc shows it
state=$work/state conf=$work/conf.d
mkdir -p "$conf"
BUSBAR_PLUGIN_PATH=$(plugin_path "$build")
export BUSBAR_PLUGIN_PATH
export BUSBAR_SCHEMA_PATH=$src/sdk/schemas

test_end() {
    local rc=$?
    trap - EXIT
    if [ "$rc" -ne 0 ] && [ "$rc" -ne 77 ] && [ -n "${core_pid:-}" ]; then
        "$busbar" status --json --state "$state" >"$work/status.log" 2>&1 || true
    fi
    declare -F test_cleanup >/dev/null && test_cleanup
    bg_end_all
    if [ "$rc" -ne 0 ] && [ "$rc" -ne 77 ]; then
        local f
        for f in "$work"/*.log; do
            [ -s "$f" ] || continue
            printf -- '--- %s, its end:\n' "${f##*/}"
            tail -n 15 "$f"
        done
    fi
    [ -n "${BUSBAR_KEEP:-}" ] || rm -rf "$work"
    exit "$rc"
}
trap test_end EXIT
trap 'exit 143' TERM INT

ok() {
    printf 'ok - %s\n' "$*"
}

fail() {
    printf 'not ok - %s\n' "$*"
    exit 1
}

skip() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

need() { # need PROGRAM...: skips when one is not there
    local p
    for p in "$@"; do
        command -v "$p" >/dev/null || skip "$p is not installed"
    done
}

# same WHAT GOT EXPECTED
same() {
    [ "$2" = "$3" ] || fail "$1: $2, expected $3"
    ok "$1: $2"
}

# ---- the plant ---------------------------------------------------------------------------------

# plant_start [options]: $erp is its address, $erp_port its port (kept over a restart).
plant_start() {
    rm -f "$work/erp.port"
    bg "$work/erp.log" "$plant" --port "${erp_port:-0}" --port-file "$work/erp.port" \
        --log "$work/erp.jsonl" "$@"
    erp_pid=$bg_pid
    wait_for 20 "the plant's port" test -s "$work/erp.port"
    erp_port=$(cat "$work/erp.port")
    erp=http://127.0.0.1:$erp_port
}

plant_get() { # plant_get FIELD: a number of its summary
    curl -sf --max-time 10 "$erp/summary" | jq -r ".$1"
}

plant_is() { # plant_is FIELD VALUE: for polling
    [ "$(plant_get "$1")" = "$2" ]
}

plant_faults() { # a new list, "" for none
    curl -sf --max-time 10 -X PUT --data "$1" "$erp/control/faults" >/dev/null
}

# systems_start [options]: the plant's systems (plant run), their databases in $systems_dir;
# system_url NAME: the address of one.
systems_dir=$work/plant
systems_start() {
    rm -f "$systems_dir"/*.port
    bg "$work/plant.log" "$build/tools/plant/plant" run --dir "$systems_dir" "$@"
    systems_pid=$bg_pid
    wait_for 60 "the plant's ports" test -s "$systems_dir/erp.port"
}

system_url() {
    printf 'http://127.0.0.1:%s' "$(cat "$systems_dir/$1.port")"
}

# ---- the core ----------------------------------------------------------------------------------

core_spawn() {
    rm -f "$work/hook.port"
    bg "$work/core-$((++core_runs)).log" "$busbar" run -c "$conf" --state "$state" "$@"
    core_pid=$bg_pid
}
core_runs=0

core_up() {
    kill -0 "$core_pid" 2>/dev/null || return 0 # it has ended: no use to wait
    "$busbar" status --json --state "$state"
}

# core_start: and waits until it answers; a config with a webhook also until that listens.
core_start() {
    core_spawn "$@"
    wait_for 30 "the core to answer" core_up
    kill -0 "$core_pid" 2>/dev/null || fail "the core ended at its start"
    if grep -qs 'port_file' "$conf"/*.yaml; then
        wait_for 30 "the webhook's port" test -s "$work/hook.port"
        hook_port=$(cat "$work/hook.port")
        hook=http://127.0.0.1:$hook_port
    fi
}

core_stop() {
    bg_end "$core_pid"
}

core_kill() { # as a power switch would, for the core; its hosts end when the pipe closes
    kill -KILL "$core_pid" 2>/dev/null || true
    wait "$core_pid" 2>/dev/null || true
}

status_json() {
    "$busbar" status --json --state "$state"
}

# route_get ROUTE FIELD: pending, open, delivered, held, retrying ...
route_get() {
    status_json | jq -r --arg r "$1" --arg f "$2" "$route_filter"
}
route_filter='[.routes[] | select(.name == $r)][0][$f] // 0'

route_is() {
    [ "$(route_get "$1" "$2")" = "$3" ]
}

# An event as JSON: event ID ITEM SEQ [TYPE]
event() {
    printf '{"specversion":"1.0","id":"%s","source":"/test","type":"%s","item":"%s","data":{"seq":%s}}' \
        "$1" "${4:-mfg.test.event}" "$2" "$3"
}

# post EVENT [TYPE of the body]: the answer's status
post() {
    curl -s -o "$work/answer" -w '%{http_code}' --max-time 30 \
        -H "Content-Type: application/${2:-cloudevents+json}" --data "$1" "$hook/events" || true
}

# The books: accepted x matching routes + unmatched = pending + open + terminal, per route, and the
# journal reads sound. The core must be stopped for the second.
books_balance() {
    "$busbar" journal check --state "$state" >"$work/check.log" 2>&1 ||
        fail "journal check: $(tail -n 5 "$work/check.log")"
    ok "the books balance"
}

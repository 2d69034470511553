#!/usr/bin/env bash
# core-sweep.sh - the whole core is killed, or its disk fails, at its write-side system calls in turn
#
# A short run of the core (a webhook, a sink with a probe) is counted with inject.c preloaded, once
# from an empty state folder and once from what a killed core left; the count is held against what
# strace(1) saw the kernel do. Then the run is made again for one call after another: SIGKILL, half
# a write and SIGKILL, EIO, ENOSPC for a while, syncs that fail from then on; core-point.sh says
# what must hold afterwards. The calls are drawn so that each kind of call on each file comes first;
# BUSBAR_SEED repeats a draw, BUSBAR_SWEEP=all takes every call (about half an hour). Last, a core
# that answers before its commit is swept: there it must find violations.
[ "${BUSBAR_SWEEP:-}" != all ] && limit=600 || limit=7200
. "$(dirname "$0")/../lib.sh"
need jq curl strace
shim=$build/tests/fault/.libs/inject.so
[ -e "$shim" ] || skip "inject.so is not built here (a sanitizer wants to be loaded first)"
strace -qq -o /dev/null true 2>/dev/null || skip "strace may not trace here"
point=$src/tests/fault/core-point.sh
most=12 # calls of a phase and kind
[ "${BUSBAR_SWEEP:-}" != all ] || most=1000000
seed=${BUSBAR_SEED:-$((RANDOM * 32768 + RANDOM))}
printf 'seed %d\n' "$seed"
export -n BUSBAR_TEST_TIMED # each point has a limit of its own

# ---- what there is to be hit -----------------------------------------------------------------------
bash "$point" base "$work/base" >"$work/base.log" 2>&1 || fail "no state to start from: $(cat "$work/base.log")"
for phase in new again; do
    bash "$point" $phase count "$work/$phase.calls" "$work/base" >"$work/$phase.log" 2>&1 ||
        fail "$phase, counting: $(tail -n 5 "$work/$phase.log")"
    grep -q ' fdatasync ' "$work/$phase.calls" || fail "$phase: no sync among $(wc -l <"$work/$phase.calls") calls"
done

# kernel_count TRACE: calls on files below the folder state/, as the kernel saw them
kernel_count() {
    awk '{ call = $2; sub(/\(.*/, "", call) }
        call ~ /^open/ && !/O_CREAT|O_TRUNC/ { next }
        call == "msync" || $0 ~ "^[0-9]+ +" call "\\([0-9]+<[^>]*/state[/>]" ||
        $0 ~ "^[0-9]+ +" call "\\((AT_FDCWD<[^>]*>, |[0-9]+<[^>]*>, )?\"[^\"]*/state[/\"]" { n++ }
        END { print n + 0 }' "$1"
}
bash "$point" new count "$work/seen.calls" "$work/base" "$work/seen.trace" >"$work/seen.log" 2>&1 ||
    fail "under strace: $(tail -n 5 "$work/seen.log")"
same "write-side calls below the state folder that the injector saw, and the kernel" \
    "$(wc -l <"$work/seen.calls")" "$(kernel_count "$work/seen.trace")"

# draw PHASE KIND [AWK-CONDITION on call and file]: "PHASE KIND N" lines; each sort of call comes
# once before one comes twice
draw() {
    awk -v seed="$seed" 'BEGIN { srand(seed) } { call = $2; file = $3 } '"${3:-1}"' {
            sub(/^index.*/, "index", file); gsub(/[0-9]+/, "N", file); print rand(), $1, call, file }' \
        "$work/$1.calls" | sort | awk '{ print ++n[$3 " " $4], $2 }' | sort -n | head -n $most |
        while read -r _ n; do printf '%s %s %s\n' "$1" "$2" "$n"; done
}

# ---- the points ----------------------------------------------------------------------------------------
one() { # one ID PHASE KIND N
    local rc=0
    bash "$point" "$2" "$3" "$4" "$work/base" >"$work/point.$1" 2>&1 || rc=$?
    if [ $rc -ne 0 ]; then
        printf '%s %s at %s (%s): %s\n' "$2" "$3" "$4" "$(sed -n 's/^hit: //p' "$work/point.$1")" \
            "$(grep -m1 -E '^not ok|waited too long' "$work/point.$1" || tail -n 1 "$work/point.$1")" \
            >"$work/violation.$1"
        cp "$work/point.$1" "$work/last-violation.out"
    fi
}
export -f one
export point work

# sweep NAME: the points in $work/list; sets points, hits and violations
sweep() {
    rm -f "$work"/violation.* "$work"/point.*
    nl -ba -w1 -s' ' "$work/list" >"$work/points"
    points=$(wc -l <"$work/points")
    # shellcheck disable=SC2016
    xargs -P "$(jobs_n)" -L 1 bash -c 'one "$@"' one <"$work/points" 2>"$work/noise" || true
    [ "$(find "$work" -maxdepth 1 -name 'point.*' | wc -l)" -eq "$points" ] ||
        fail "$1: points without a result: $(tail -n 3 "$work/noise")"
    hits=$(cat "$work"/point.* | grep -c '^hit: [0-9]' || true)
    violations=$(find "$work" -maxdepth 1 -name 'violation.*' | wc -l)
    printf '%s: %d points, %d hit, %d violations\n' "$1" "$points" "$hits" "$violations"
}
none() { # a run is never quite the same: the last few calls may not be made
    [ "$violations" -eq 0 ] || {
        cat "$work/last-violation.out" "$work"/violation.*
        fail "$1"
    }
    [ $((hits * 10)) -ge $((points * 8)) ] || fail "$1: only $hits of $points points were hit"
    total=$((total + hits))
    ok "$1: $hits points"
}
total=0
room='call ~ /write|fallocate|openat|mkdir/'
for row in "kill|killed in place of a call|1" "torn|killed half way through a write|call ~ /write/" \
    "eio|a call that fails with EIO|1" "enospc|no space for a while|$room" \
    "sync|syncs that fail from then on|call ~ /sync/"; do
    IFS='|' read -r kind text which <<<"$row"
    { draw new "$kind" "$which" && draw again "$kind" "$which"; } >"$work/list"
    sweep "$text"
    none "$text: nothing accepted is lost, doubled or out of order"
done
printf '%d points in all\n' "$total"

# ---- a core that answers too early must be caught ------------------------------------------------------
early=$build/tests/fault/busbar-early
[ -x "$early" ] || fail "$early is not built"
export BUSBAR=$early
# the journal's file: the one that is synced most
main=$(awk '$2 ~ /sync/ && $3 !~ /^index/ { print $3 }' "$work/new.calls" | sort | uniq -c | sort -rn |
    awk 'NR == 1 { print $2 }')
caught=0 tried=0
for ((round = 0; round < 5 && caught == 0; round++)); do
    seed=$((seed + 1))
    draw new kill "call ~ /write/ && index(file, \"${main%[0-9]}\") == 1 && file !~ /new$/" >"$work/list"
    sweep "killed, answering before the commit"
    tried=$((tried + points))
    caught=$(cat "$work"/violation.* 2>/dev/null | grep -c 'accepted and lost\|applied at the plant' || true)
done
[ "$caught" -gt 0 ] || fail "a core that answers before its commit was not caught at $tried points"
ok "a core that answers before its commit is caught: $caught of $tried points lose what was accepted"

#!/usr/bin/env bash
# journal-sweep.sh - the journal is killed, or its disk fails, at every write-side system call in turn
#
# A run of appends and settlements is counted first; then it is run again once for each call, with
# strace(1) injecting SIGKILL, EIO or ENOSPC at that call. After each, the journal is opened again
# and held to what it had acknowledged (journal_driver verify). The same is done to a journal that
# answers before its commit: there the sweep must find violations, or it could not find any. The log
# is so small that checkpoints are made all the time.
limit=600
. "$(dirname "$0")/../lib.sh"
need strace
driver=$build/tests/fault/journal_driver
early=$build/tests/fault/journal_driver_early
[ -x "$driver" ] || skip "$driver is not built: make check builds it"
strace -qq -o /dev/null true 2>/dev/null || skip "strace may not trace here"
# the leak check of a sanitized build does not work under strace
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
small="--wal 49152"
calls=write,pwrite64,pwritev,pwritev2,writev,fdatasync,fsync,msync,sync_file_range,ftruncate
calls+=,fallocate,rename,renameat,unlink,unlinkat

# ---- what there is to be hit -----------------------------------------------------------------------
# count TRACE: "CALL N" for the most calls that one thread made; strace counts by thread, too
count() {
    awk '{ sub(/\(.*/, "", $2) } $2 ~ /^[a-z0-9_]+$/ { n[$1 " " $2]++ }
        END { for (k in n) { split(k, a, " "); if (n[k] > m[a[2]]) m[a[2]] = n[k] }
              for (c in m) print c, m[c] }' "$1" | sort
}

"$driver" create "$work/base" $small >"$work/base.acks"
"$driver" run "$work/base" $small --ops 4 >>"$work/base.acks"
cp -a "$work/base" "$work/probe"
"$driver" run "$work/probe" $small --tag 101 --ops 4 --inject count --trace "$work/run.trace" >/dev/null
rm -rf "$work/probe"
strace -qq -f -o "$work/new.trace" -e trace="$calls" "$driver" create "$work/probe" $small >/dev/null
strace -qq -f -o "$work/open.trace" -e trace="$calls" "$driver" create "$work/probe" $small >/dev/null
count "$work/run.trace" >"$work/run.calls"
count "$work/new.trace" >"$work/new.calls"
count "$work/open.trace" >"$work/open.calls"
for f in run new open; do
    [ -s "$work/$f.calls" ] || fail "no write-side call was seen in phase $f"
done
# ---- one point ----------------------------------------------------------------------------------------
# point ID DRIVER PHASE SPEC CODES: CODES are the exits that are right, by commas; "miss": the run had
# one call less than the one that was counted, by the checkpoints' timing; "meta": it was the write of
# LMDB's meta page, for which no disk is too full, so that it may be final
point() {
    local dir=$work/p.$1 rc=0
    mkdir "$dir"
    : >"$dir/acks"
    if [ "$3" != new ]; then
        cp -a "$work/base" "$dir/state"
        cat "$work/base.acks" >"$dir/acks"
    fi
    if [ "$3" = run ]; then
        "$2" run "$dir/state" $small --tag 101 --ops 4 --inject "$4" >>"$dir/acks" 2>"$dir/log" || rc=$?
    else
        strace -qq -f -o /dev/null -e trace="$calls" -e inject="$4" \
            "$2" create "$dir/state" $small >>"$dir/acks" 2>"$dir/log" || rc=$?
    fi
    if [ "$rc" -eq 0 ] && [[ ",$5," == *,miss,* ]]; then
        : >"$work/missed.$1"
    fi
    if [ "$rc" -eq 3 ] && [[ ",$5," == *,meta,* ]] && grep -q 'Update of meta page' "$dir/log"; then
        rc=0
    fi
    {
        grep -s '^violation' "$dir/acks"
        [[ ",${5/miss/0}," == *",$rc,"* ]] || printf 'violation: exit %d: %s\n' "$rc" "$(tail -n 1 "$dir/log")"
        grep -v '^violation' "$dir/acks" | "$driver" verify "$dir/state" >"$dir/found" 2>&1 || rc=v
        grep '^violation' "$dir/found"
        [ "$rc" != v ] || grep -q '^violation' "$dir/found" || tail -n 1 "$dir/found" | sed 's/^/violation: /'
    } | sed "s/^/$3 $4: /" >"$work/result.$1"
    rm -rf "$dir"
}
export -f point
export work driver calls small

# sweep NAME: the points in $work/list, as "DRIVER PHASE SPEC CODES"; sets points and violations
sweep() {
    rm -f "$work"/result.* "$work"/missed.*
    nl -ba -w1 -s' ' "$work/list" >"$work/points"
    points=$(wc -l <"$work/points")
    # shellcheck disable=SC2016
    xargs -P "$(jobs_n)" -L 1 bash -c 'point "$@"' point <"$work/points" 2>"$work/noise" || true
    [ "$(find "$work" -maxdepth 1 -name 'result.*' | wc -l)" -eq "$points" ] ||
        fail "$1: points without a result: $(tail -n 3 "$work/noise")"
    cat "$work"/result.* >"$work/violations"
    violations=$(wc -l <"$work/violations")
    missed=$(find "$work" -maxdepth 1 -name 'missed.*' | wc -l)
    printf '%s: %d points, %d of them not reached, %d violations\n' "$1" "$points" "$missed" "$violations"
    [ $((missed * 5)) -lt "$points" ] || fail "$1: too many points were not reached"
}

# at_each DRIVER PHASE FAULT CODES [CALL-PATTERN]
at_each() {
    local call n i
    while read -r call n; do
        [[ $call =~ ^(${5:-.*})$ ]] || continue
        for ((i = 1; i <= n; i++)); do
            printf '%s %s %s:%s:when=%d %s\n' "$1" "$2" "$call" "$3" "$i" "$4"
        done
    done <"$work/$2.calls"
}

none() {
    [ "$violations" -eq 0 ] || fail "$1: $(head -n 10 "$work/violations")"
    total=$((total + points))
    ok "$1: $points points"
}
total=0
syncs='fdatasync|fsync|msync|sync_file_range'
writes='pwrite64|pwritev2?|writev'

# write(2) is the driver's own stdout in phase run; in the others also the reserve's
{
    at_each "$driver" run signal=KILL miss,137 "$writes|$syncs|f.*|rename.*|unlink.*"
    at_each "$driver" new signal=KILL 0,137
    at_each "$driver" open signal=KILL 0,137
} >"$work/list"
sweep "SIGKILL at every call"
none "killed at every call, nothing acknowledged is lost"

{
    at_each "$driver" run error=EIO miss,3 "$writes|$syncs"
    at_each "$driver" run error=EIO miss,3 "$syncs" | sed 's/\(when=[0-9]*\)/\1+/'
    at_each "$driver" new error=EIO 0,3 "$writes|$syncs|f.*"
    at_each "$driver" open error=EIO 0,3 "$writes|$syncs|f.*"
} >"$work/list"
sweep "EIO at every write and sync"
none "a failed write or sync is final, said, and never acknowledged"

{
    at_each "$driver" run error=ENOSPC 0,meta "$writes"
    at_each "$driver" new error=ENOSPC 0,3 "$writes|f.*"
    at_each "$driver" open error=ENOSPC 0,3 "$writes|f.*"
} >"$work/list"
sweep "ENOSPC at every write"
none "no space: settlement goes on and intake opens again by itself"
printf '%d points in all\n' "$total"

# ---- bit flips ----------------------------------------------------------------------------------------
flips=0
for tag in 3 5 6 9 11 12; do
    rm -rf "$work/flip"
    cp -a "$work/base" "$work/flip"
    "$driver" flip "$work/flip" --bad "$tag"
    if "$driver" verify "$work/flip" <"$work/base.acks" >/dev/null 2>&1; then
        fail "a flipped bit in the message of tag $tag was not noticed"
    fi
    "$driver" verify "$work/flip" --bad "$tag" <"$work/base.acks" >"$work/found" 2>&1 ||
        fail "tag $tag damaged: $(grep violation "$work/found" | head -n 5)"
    flips=$((flips + 1))
done
ok "$flips flipped bits: that record reads as bad, the others flow"

# ---- a journal that answers too early must be caught ------------------------------------------------
[ -x "$early" ] || fail "$early is not built"
at_each "$early" run signal=KILL miss,137 "$writes" >"$work/list"
sweep "SIGKILL, answering before the commit"
[ "$violations" -gt 0 ] || fail "killed: a journal that answers before its commit was not caught"
at_each "$early" run error=EIO miss,3 "$syncs" >"$work/list"
sweep "EIO, answering before the commit"
[ "$violations" -gt 0 ] || fail "EIO: a journal that answers before its commit was not caught"
ok "a journal that answers before its commit is caught"

#!/usr/bin/env bash
# journal-full.sh - a journal without room, its map or its disk: intake closes, settlements go on, and
# once there is room intake opens by itself
#
# A small ext4 on a loop device; the driver fills it between two appends, so that the next commits
# meet a full disk and not only a forecast of one. A journal that answers before its commit must be
# caught: what it answered while the disk was full is not there. Needs root; skipped without.
limit=240
. "$(dirname "$0")/../lib.sh"
need mkfs.ext4 mount umount
driver=$build/tests/fault/journal_driver
early=$build/tests/fault/journal_driver_early
[ -x "$driver" ] || skip "$driver is not built: make check builds it"

# ---- the map: needs no rights -----------------------------------------------------------------------
"$driver" full "$work/small" --map 33554432 --reserve 6291456 --ops 2000 --batch 4 --size 20000 \
    >"$work/acks" 2>"$work/run.log" || fail "a full map: $(head -n 3 "$work/acks" "$work/run.log")"
grep -q '^settled while full' "$work/run.log" || fail "a full map was not settled"
"$driver" verify "$work/small" --size 20000 <"$work/acks" >"$work/found" 2>&1 ||
    fail "a full map: $(grep '^violation' "$work/found" | head -n 5)"
# verify opened it with a larger one
"$driver" run "$work/small" --tag 100001 --size 20000 >>"$work/acks" 2>"$work/run.log" ||
    fail "a larger map_size does not open intake: $(tail -n 1 "$work/run.log")"
ok "a full map closes intake, what it had taken is settled, a larger map_size opens it"
rm -rf "$work/small"

# ---- the disk -----------------------------------------------------------------------------------------
[ "$(id -u)" -eq 0 ] || skip "needs root for a loop device"
disk=$work/disk
mkdir "$disk"

test_cleanup() {
    ! mountpoint -q "$disk" || umount "$disk" || umount -l "$disk"
}

disk_new() {
    ! mountpoint -q "$disk" || umount "$disk"
    rm -f "$work"/disk.*.img
    local image=$work/disk.$((++images)).img
    truncate -s 64M "$image"
    mkfs.ext4 -q -F -m 0 "$image" || skip "mkfs.ext4 does not work here"
    mount -o loop "$image" "$disk" 2>/dev/null || skip "no loop device here"
}

images=0

# filled DRIVER [WAL]: sets rc, found
filled() {
    disk_new
    rc=0
    timeout 120 "$1" full "$disk/state" --fill "$disk/filler" --ops 600 --batch 4 --size 20000 \
        --reserve 8388608 --wal "${2:-0}" >"$work/acks" 2>"$work/run.log" || rc=$?
    rm -f "$disk/filler"
    found=$(grep -c '^violation' "$work/acks" || true)
    grep -v '^violation' "$work/acks" | "$driver" verify "$disk/state" --size 20000 >"$work/found" 2>&1 ||
        found=$((found + $(grep -c '^violation' "$work/found" || true)))
    grep -q '^verified' "$work/found" || found=$((found + 1))
}

filled "$driver" 1
same "violations without the log" "$found" 0
filled "$driver"
grep -E '^(closed|settled|intake)' "$work/run.log" || true
[ "$found" -eq 0 ] || fail "$(grep -h '^violation' "$work/acks" "$work/found" | head -n 5)"
same "the driver's exit" "$rc" 0
grep -q '^closed after' "$work/run.log" || fail "intake never closed"
ok "intake closes on a full disk, and what it had taken is settled all the same"
awk '/^intake open again after/ { printf "resumed after %.2f s\n", $5 / 1000; exit $5 > 10000 }' \
    "$work/run.log" || fail "it took more than 10 s to open intake again"
ok "intake opens by itself, nothing acknowledged is lost"

[ -x "$early" ] || fail "$early is not built"
filled "$early" 1 # without its log: no disk is too full for what goes there
[ "$found" -gt 0 ] || fail "a journal that answers before its commit was not caught"
ok "a journal that answers before its commit is caught: $found violations"

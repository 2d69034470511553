#!/usr/bin/env bash
# power-cut.sh - what the journal acknowledged is there after the power went
#
# A journal on a small ext4 on a loop device, appends and settlements in flight, and the file system
# shut down under it; then mounted anew, opened, and held to what was acknowledged. $POWER_CUTS (20)
# cuts, BUSBAR_SEED to repeat a run. The same with a journal that answers before its commit must
# show losses. Needs root and a loop device; skipped without.
limit=900
. "$(dirname "$0")/../lib.sh"
need mkfs.ext4 mount umount
driver=$build/tests/fault/journal_driver
early=$build/tests/fault/journal_driver_early
cut=$build/tests/fault/power_cut
[ -x "$driver" ] || skip "$driver is not built: make check builds it"
[ "$(id -u)" -eq 0 ] || skip "needs root for a loop device"
seed=${BUSBAR_SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
disk=$work/disk
mkdir "$disk"

test_cleanup() {
    bg_end_all
    ! mountpoint -q "$disk" || umount "$disk" || umount -l "$disk"
}

disk_new() {
    ! mountpoint -q "$disk" || umount "$disk"
    rm -f "$work"/disk.*.img
    image=$work/disk.$((++images)).img
    truncate -s 192M "$image"
    mkfs.ext4 -q -F -m 0 "$image" || skip "mkfs.ext4 does not work here"
    disk_mount
    : >"$work/acks"
    tag=1
}
images=0

disk_mount() {
    mount -o loop "$image" "$disk" 2>/dev/null || skip "no loop device here"
}

# What reached the device, mounted from a copy: the file system that was shut down may live on for
# as long as somebody else's mount namespace has it, and would be found again under its own file.
disk_again() {
    local old=$image
    umount "$disk" || fail "umount after the cut"
    image=$work/disk.$((++images)).img
    cp --sparse=always "$old" "$image"
    rm -f "$old"
    disk_mount
}

# one_cut DRIVER: runs until the power goes, at a moment drawn from the seed; verifies. Sets found.
one_cut() {
    local before
    before=$(wc -l <"$work/acks")
    # shellcheck disable=SC2024
    "$1" run "$disk/state" --tag "$tag" --ops 1000000 --batch 4 --pipeline 6 --wal "$((RANDOM % 2 * 65536))" >>"$work/acks" 2>"$work/run.log" &
    bg_pid=$!
    bg_pids+=("$bg_pid")
    wait_for 20 "the first acknowledgements" acks_past $((before + 20 + RANDOM % 600))
    kill -0 "$bg_pid" 2>/dev/null || fail "the driver ended by itself: $(tail -n 1 "$work/run.log")"
    "$cut" "$disk" || skip "this kernel does not shut an ext4 down"
    driver_end
    disk_again
    found=0
    grep -v '^violation' "$work/acks" | "$driver" verify "$disk/state" >"$work/found" 2>&1 ||
        found=$(grep -c '^violation' "$work/found" || true)
    grep -q '^verified' "$work/found" || found=$((found + 1))
    tag=$(awk '$1 == "a" || $1 == "p" { if ($2 > t) t = $2 } END { print t + 1000 }' "$work/acks")
}

acks_past() {
    [ "$(wc -l <"$work/acks")" -ge "$1" ] || ! kill -0 "$bg_pid" 2>/dev/null
}

# The driver ends by itself: the journal failed (3), or a page of its map is not to be had (SIGBUS).
driver_end() {
    local rc=0
    wait_for 60 "the driver to end" driver_gone || fail "the journal did not fail without a disk"
    wait "$bg_pid" || rc=$?
    [ "$rc" -eq 3 ] || [ "$rc" -eq 135 ] ||
        fail "the driver ended with $rc, not by a failed journal: $(tail -n 1 "$work/run.log")"
}

driver_gone() {
    ! kill -0 "$bg_pid" 2>/dev/null
}

cuts=${POWER_CUTS:-20}
disk_new
lost=0
for ((i = 0; i < cuts; i++)); do
    [ $((i % 10)) -ne 0 ] || disk_new
    one_cut "$driver"
    [ "$found" -eq 0 ] || head -n 5 "$work/found"
    lost=$((lost + found))
done
printf 'seed %d: %d cuts, %d violations\n' "$seed" "$cuts" "$lost"
same "violations after $cuts power cuts" "$lost" 0

[ -x "$early" ] || fail "$early is not built"
lost=0
for ((i = 0; i < 60 && lost == 0; i++)); do
    disk_new
    one_cut "$early"
    lost=$found
done
[ "$lost" -gt 0 ] || fail "a journal that answers before its commit was not caught in $i cuts"
ok "a journal that answers before its commit is caught: $lost violations"

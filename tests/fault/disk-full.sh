#!/usr/bin/env bash
# disk-full.sh - on a full disk with a held lane intake answers 503 with Retry-After, deliveries go on,
# and intake opens again by itself when there is room; what is held keeps its lane's order throughout
#
# Needs root for a small ext4 on a loop device; skipped without.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl mkfs.ext4 mount
[ "$(id -u)" -eq 0 ] || skip "needs root for a loop device"
truncate -s 220M "$work/disk.img"
mkfs.ext4 -q -F -m 0 "$work/disk.img" || skip "mkfs.ext4 does not work here"
mkdir "$work/disk"
mount -o loop "$work/disk.img" "$work/disk" 2>/dev/null || skip "no loop device here"
test_cleanup() {
    bg_end_all
    umount "$work/disk" 2>/dev/null || umount -l "$work/disk"
}
state=$work/disk/state
plant_start --reject /data/poison=true
cat >"$conf/full.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: process
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    isolation: process
    config: {url: $erp/in}
routes:
  all: {from: hook, match: {type: "mfg.*"}, to: erp, order_by: item, on_failure: hold-lane, on_unknown: retry}
journal: {map_size: 2GiB, reserve: 16MiB, index: false}
END
core_start
same "an event before" "$(post "$(event before A 1)")" 202
# a lane that is held, with what waits behind it
poison=$(event poison HELD 1)
same "an event that the target refuses" "$(post "${poison/\"seq\":1/\"seq\":1,\"poison\":true}")" 202
wait_for 20 "its lane to be held" route_is all held 1
for ((i = 2; i <= 9; i++)); do
    [ "$(post "$(event "behind$i" HELD "$i")")" = 202 ] || fail "event $i behind it was not accepted"
done
stuck=9
# ballast leaves about 60 MB
free=$(df --output=avail -k "$work/disk" | tail -n 1)
fallocate -l "$(((free - 60000) * 1024))" "$work/disk/ballast"
"$load" --url "$hook/events" --connections 8 --items 64 --body-size 16000 --messages 20000 --prefix f \
    >"$work/load.json" && fail "a full disk was never noticed: $(cat "$work/load.json")"
accepted=$(jq .accepted "$work/load.json")
refused=$(jq '.status["503"] // 0' "$work/load.json")
[ "$refused" -gt 0 ] || fail "no 503: $(cat "$work/load.json")"
[ "$(jq '[.status | to_entries[] | select(.key != "202" and .key != "503")] | length' "$work/load.json")" = 0 ] ||
    fail "something else than 202 and 503: $(cat "$work/load.json")"
ok "a full disk: $accepted accepted, then $refused times 503"
curl -s -D "$work/head" -o /dev/null --max-time 20 -H 'Content-Type: application/cloudevents+json' \
    --data "$(event probe A 2)" "$hook/events"
grep -q '^HTTP/1.1 503' "$work/head" || fail "not 503: $(head -n 1 "$work/head")"
grep -qi '^retry-after: [0-9]' "$work/head" || fail "503 without Retry-After"
ok "503 carries Retry-After"
kill -0 "$core_pid" || fail "the core ended"
wait_for 90 "what was accepted to be delivered all the same" route_is all pending $stuck
ok "what was accepted is delivered while the disk is full, but for the held lane's $stuck"
same "applied at the plant" "$(plant_get applied)" $((accepted + 1))

rm "$work/disk/ballast"
began=$(date +%s%N)
accepts() {
    [ "$(post "$(event after A 3)")" = 202 ]
}
wait_for 60 "intake to open again" accepts
printf 'intake open again after %d ms\n' $((($(date +%s%N) - began) / 1000000))
ok "intake opens by itself when there is room"
wait_for 30 "the last event" plant_is applied $((accepted + 2))
same "held all the while" "$(route_get all held)" 1
# the target is mended; a person releases what is held, and the lane goes on in its order
bg_end "$erp_pid"
plant_start
held=$("$busbar" hold list --json --state "$state" | jq -r '.deliveries[0].seq')
"$busbar" hold release "all/$held" --state "$state" >/dev/null || fail "release"
wait_for 60 "the held lane" route_is all pending 0
same "applied in all" "$(jq -c 'select(.outcome == "applied") | .id' "$work/erp.jsonl" | sort -u | wc -l)" \
    $((accepted + 2 + stuck))
same "the held lane's order" "$(jq -r 'select(.outcome == "applied" and .lane == "HELD") | .seq' \
    "$work/erp.jsonl" | paste -sd' ')" "1 2 3 4 5 6 7 8 9"
same "lanes out of order" "$(plant_get order_violations)" 0
core_stop
books_balance

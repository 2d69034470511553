#!/usr/bin/env bash
# start-oldest.sh - a new route takes what is stored, while the core is killed on the way: each once
#
# 2,000 messages are accepted with one route and delivered. A second route then says start: oldest,
# and the core is killed by inject.c at one write-side call after another of its start, so that the
# route's way through the stored messages ends again and again; after each kill the journal is sound.
# In the end all of them are at the second sink, once each and in their lanes' order, newer ones last.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq
shim=$build/tests/fault/.libs/inject.so
[ -e "$shim" ] || skip "inject.so is not built here (a sanitizer wants to be loaded first)"

mkdir -p "$work/in" "$work/out"
sink() { # sink NAME
    printf '  %s:\n    connector: file\n    probe_after: 100ms\n' "$1"
    printf '    config: {path: %s/out/%s.jsonl, content: data}\n' "$work" "$1"
}
route() { # route NAME SINK [KEY: VALUE]
    printf '  %s: {from: drop, to: %s, order_by: item, on_unknown: probe, %s\n' "$1" "$2" "${3:+$3, }"
    printf '    retry: {attempts: 20, initial: 50ms, max: 1s}}\n'
}
cat >"$conf/files.yaml" <<END
endpoints:
  drop:
    connector: file
    config:
      directory: $work/in
      format: jsonl
      batch: 64
      retry: 100ms
      envelope: {type: mfg.inventory.movement, id: {pointer: /pk}, item: {pointer: /item}}
$(sink book)
$(sink second)
routes:
$(route to-book book)
END
pad=$(printf '%8000s' '' | tr ' ' x) # a piece of the way is 1 MiB: there are many
drop() { # drop FIRST LAST: a file of records
    local i
    for ((i = $1; i <= $2; i++)); do
        printf '{"pk":"p%d","item":"I%d","n":%d,"pad":"%s"}\n' "$i" $((i % 13)) "$i" "$pad"
    done >"$work/in/$1.jsonl.tmp"
    mv "$work/in/$1.jsonl.tmp" "$work/in/$1.jsonl"
}
drop 1 2000
core_start
wait_for 60 "all to be delivered" route_is to-book delivered 2000
core_stop

# ---- a second route; killed on its way ---------------------------------------------------------------
route late second "start: oldest" >>"$conf/files.yaml"
# Which call is the last: one later each time, and more when a kill came before the way, for what the
# one before left in the log may take a start more calls to read than it had.
within=0 resumed=0 through=no at=0 step=4
for ((round = 0; round < 200; round++)); do
    at=$((at + step)) step=4
    export LD_PRELOAD=$shim INJECT_DIR=$state INJECT_LOG=$work/calls INJECT_KIND=kill INJECT_AT=$at
    core_spawn
    unset LD_PRELOAD INJECT_DIR INJECT_LOG INJECT_KIND INJECT_AT
    rc=0
    wait "$core_pid" || rc=$?
    [ "$rc" -eq 137 ] || fail "the core ended with $rc, not by the kill at call $at"
    log=$work/core-$core_runs.log
    ! grep -q 'through with the stored messages' "$log" || through=yes
    [ "$through" = no ] || break
    grep -q 'the stored messages from' "$log" || continue
    within=$((within + 1)) step=$((1 + within / 8))
    ! grep -q 'goes on with the stored messages from' "$log" || resumed=$((resumed + 1))
    "$busbar" journal check --state "$state" >"$work/check.log" 2>&1 ||
        fail "the journal after kill $round: $(tail -n 5 "$work/check.log")"
done
printf '%d kills, %d on the way, %d of these on a way that had begun before\n' "$core_runs" "$within" "$resumed"
[ "$through" = yes ] || fail "never through with the stored messages"
[ "$within" -ge 4 ] && [ "$resumed" -ge 3 ] || fail "hardly killed on the way"
ok "killed on the way again and again, and the journal sound after each"

# ---- and to the end ------------------------------------------------------------------------------------
core_start
wait_for 60 "the older ones at the second sink" route_is late delivered 2000
drop 2001 2200
wait_for 60 "the newer ones there" route_is late delivered 2200
wait_for 60 "and at the first" route_is to-book delivered 2200
for f in book second; do
    same "lines in $f" "$(wc -l <"$work/out/$f.jsonl")" 2200
    same "different records among them" "$(jq -r .pk "$work/out/$f.jsonl" | sort -u | wc -l)" 2200
    same "records out of their lane's order" "$(jq -r '[.item, .n] | @tsv' "$work/out/$f.jsonl" |
        awk '{ if ($2 + 0 < last[$1]) bad++; last[$1] = $2 + 0 } END { print bad + 0 }')" 0
done
same "the new route's books balance" "$(route_get late balanced)" true
"$busbar" trace p77 --state "$state" >"$work/trace" || fail "trace"
grep -q '^  -> to-book: delivered' "$work/trace" && grep -q '^  -> late: delivered' "$work/trace" ||
    fail "the trace tells: $(cat "$work/trace")"
ok "the trace of an older one tells both"
core_stop
books_balance

#!/usr/bin/env bash
# split.sh - a message becomes many while the core is killed: all of its children or none, once each
#
# 900 orders of 8 lines are split, ordered by item; their lines go to a file, in lanes. The core is
# killed again and again, first at moments of its own, then by inject.c at one write-side call after
# another. After each of those the journal must hold for every order all of its lines or none.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq
shim=$build/tests/fault/.libs/inject.so
orders=900 lines=8 late=200

mkdir -p "$work/in" "$work/out"
cat >"$conf/split.yaml" <<END
endpoints:
  drop:
    connector: file
    config:
      directory: $work/in
      format: jsonl
      batch: 16
      retry: 100ms
      envelope: {type: mfg.order.placed, id: {pointer: /pk}, item: {pointer: /item}}
  book:
    connector: file
    probe_after: 100ms
    limit: {rate: 1500/s, burst: 50} # else all is split before the last kill
    config: {path: $work/out/book.jsonl, content: data}
routes:
  order-to-lines:
    from: drop
    to: book
    match: {type: mfg.order.placed}
    order_by: item
    retry: {attempts: 20, initial: 20ms, max: 1s}
    transform:
      - split: {at: /data/lines, type: mfg.order.line, header: {order: /data/pk, n: /data/n}, attributes: {item: ./item}}
  line-to-book:
    from: drop
    to: book
    match: {type: mfg.order.line}
    order_by: item
    retry: {attempts: 20, initial: 50ms, max: 1s}
END
drop() { # drop FIRST LAST: a file of orders
    local i
    for ((i = $1; i <= $2; i++)); do
        printf '{"pk":"o%d","item":"I%d","n":%d,"lines":[' "$i" $((i % 7)) "$i"
        for ((k = 1; k <= lines; k++)); do
            printf '%s{"pos":%d,"item":"L%d"}' "$([ "$k" -eq 1 ] || echo ,)" "$k" $((i % 7))
        done
        printf ']}\n'
    done >"$work/in/$1.jsonl.tmp"
    mv "$work/in/$1.jsonl.tmp" "$work/in/$1.jsonl"
}
split_so_far() {
    route_get order-to-lines delivered
}
more_than() {
    [ "$(split_so_far)" -gt "$1" ]
}
# What the journal holds of each order: its lines are all there, or none is.
whole() {
    "$busbar" journal check --state "$state" >"$work/check.log" 2>&1 ||
        fail "the journal after $1: $(tail -n 5 "$work/check.log")"
    "$busbar" journal export --state "$state" 2>/dev/null | jq -r '.causationid // empty' | sort | uniq -c |
        awk -v n="$lines" '$1 != n' >"$work/torn"
    [ ! -s "$work/torn" ] || fail "after $1 these are torn: $(head -n 5 "$work/torn")"
}

# ---- killed at moments of its own --------------------------------------------------------------------
core_start
drop 1 "$orders"
for ((k = 1; k <= 4; k++)); do
    wait_for 60 "more orders to be split before kill $k" more_than $((k * orders / 6))
    core_kill
    whole "kill $k"
    core_start
done
wait_for 120 "all orders to be split" route_is order-to-lines delivered "$orders"
wait_for 120 "all lines to be delivered" route_is line-to-book delivered $((orders * lines))
ok "$orders orders and their lines over four kills"
core_stop
whole "the first part"

# ---- killed at one call after another ------------------------------------------------------------------
total=$orders
if [ -e "$shim" ]; then
    drop $((orders + 1)) $((orders + late))
    total=$((orders + late))
    torn_kills=0
    for ((round = 0; round < 24; round++)); do
        export LD_PRELOAD=$shim INJECT_DIR=$state INJECT_LOG=$work/calls INJECT_KIND=kill
        export INJECT_AT=$((14 + 3 * round))
        core_spawn
        unset LD_PRELOAD INJECT_DIR INJECT_LOG INJECT_KIND INJECT_AT
        sleep_until_end() { ! kill -0 "$core_pid" 2>/dev/null; }
        wait_for 20 "the kill" sleep_until_end
        rc=0
        wait "$core_pid" || rc=$?
        [ "$rc" -eq 137 ] || fail "the core ended with $rc, not by the kill"
        whole "round $round"
        torn_kills=$((torn_kills + 1))
    done
    core_start
    wait_for 60 "the late orders" route_is order-to-lines delivered "$total"
    wait_for 60 "the late lines" route_is line-to-book delivered $((total * lines))
    ok "$torn_kills more kills at a write, and every order whole after each"
    core_stop
fi

# ---- what came of it -------------------------------------------------------------------------------------
core_start
same "orders with nothing left open" "$(route_get order-to-lines open)/$(route_get order-to-lines pending)" 0/0
same "messages accepted" "$(status_json | jq '.journal.accepted')" $((total * (lines + 1)))
cat "$work"/out/*.jsonl >"$work/all"
same "lines written" "$(wc -l <"$work/all")" $((total * lines))
same "different lines among them" "$(jq -r '"\(.order) \(.pos)"' "$work/all" | sort -u | wc -l)" $((total * lines))
same "lines out of their order" "$(jq -r '[.item, .n * 100 + .pos] | @tsv' "$work/all" |
    awk '{ if ($2 + 0 < last[$1]) bad++; last[$1] = $2 + 0 } END { print bad + 0 }')" 0
"$busbar" trace o7 --state "$state" >"$work/trace" || fail "trace"
same "children in the trace of an order" "$(grep -c 'caused by.*o7$' "$work/trace")" "$lines"
grep -q 'became 8 messages' "$work/trace" || fail "the trace does not say that the order was split: $(cat "$work/trace")"
core_stop
books_balance

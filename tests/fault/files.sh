#!/usr/bin/env bash
# files.sh - from files to a file while the core is killed: each record arrives once
#
# 8,000 records in four files go through a lane each item into one growing file; the core is killed
# five times on the way. The sink's index lets the hub ask what was written, so nothing is doubled.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq

mkdir -p "$work/in" "$work/out"
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
  book:
    connector: file
    probe_after: 100ms
    limit: {rate: 2000/s, burst: 100} # else all is written before the last kill
    config: {path: $work/out/book.jsonl, content: data, rotate: 100KiB}
routes:
  drop-to-book:
    from: drop
    to: book
    order_by: item
    retry: {attempts: 20, initial: 50ms, max: 1s}
    on_unknown: probe
END
for f in 1 2 3 4; do
    for ((i = 1; i <= 2000; i++)); do
        printf '{"pk":"%d-%d","item":"I%d","n":%d}\n' "$f" "$i" $((i % 13)) "$i"
    done >"$work/in/$f.jsonl.tmp"
done
core_start
for f in 1 2 3 4; do mv "$work/in/$f.jsonl.tmp" "$work/in/$f.jsonl"; done

lines() {
    cat "$work"/out/*.jsonl 2>/dev/null | wc -l
}
more_than() {
    [ "$(lines)" -gt "$1" ]
}
for ((k = 1; k <= 5; k++)); do
    wait_for 60 "more lines before kill $k" more_than $(($(lines) + 300))
    core_kill
    core_start
done
wait_for 120 "all to be delivered" route_is drop-to-book delivered 8000
ok "8,000 delivered over five kills"
cat "$work"/out/*.jsonl >"$work/all"
same "lines written" "$(wc -l <"$work/all")" 8000
same "different records among them" "$(jq -r .pk "$work/all" | sort -u | wc -l)" 8000
same "files put away" "$(find "$work/in/done" -type f | wc -l)" 4
# in each file of the source, an item's records were written in their order
order=$(cat $(find "$work/out" -name 'book-*.jsonl' | sort -V) "$work/out/book.jsonl" |
    jq -r '[(.pk | split("-")[0]), .item, .n] | @tsv' |
    awk '{k = $1 " " $2; if ($3 + 0 < last[k]) bad++; last[k] = $3 + 0} END {print bad + 0}')
same "records out of their order" "$order" 0
core_stop
books_balance

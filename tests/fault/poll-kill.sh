#!/usr/bin/env bash
# poll-kill.sh - a feed is polled while the core is killed at random: each record arrives once
#
# The feed grows to 3,000 records while the core is killed twelve times, at random moments; its pages need
# an OAuth2 token. What was accepted is counted in the file that the route writes.
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl python3
mkfifo "$work/feed.in"
python3 "$src/plugins/http/tests/oauth_server.py" <"$work/feed.in" >"$work/feed.port" 2>"$work/feed.log" &
feed_pid=$!
exec 9>"$work/feed.in" # its standard input: closed with this script
test_cleanup() {
    exec 9>&-
    kill "$feed_pid" 2>/dev/null || true
}
wait_for 20 "the feed's port" test -s "$work/feed.port"
feed=http://127.0.0.1:$(cat "$work/feed.port")
feed_set() {
    curl -sf --max-time 10 --data "$1" "$feed/control" >/dev/null
}
mkdir "$work/out"
printf '%s' 's3cr%t:+/x' >"$work/secret"
cat >"$conf/feed.yaml" <<END
endpoints:
  feed:
    connector: http
    config:
      poll:
        url: $feed/feed
        interval: 50ms
        records: /d/results
        next: {pointer: /next}
        cursor: {pointer: /seq, param: after}
        max_messages: 7
        backoff_max: 100ms
      auth:
        oauth2: {token_url: "$feed/token", client_id: plant 7, client_secret: {file: $work/secret}}
      envelope: {type: mfg.test.record, id: {pointer: /id}}
  book:
    connector: file
    probe_after: 100ms
    config: {path: $work/out/book.jsonl, content: data}
routes:
  feed-to-book:
    from: feed
    to: book
    retry: {attempts: 20, initial: 50ms, max: 1s}
    on_unknown: probe
END
"$busbar" check -c "$conf" >"$work/check.log" 2>&1 || fail "busbar check: $(cat "$work/check.log")"
ok "busbar check takes the config"
RANDOM=4711
core_start
records=0
for ((k = 1; k <= 12; k++)); do
    for ((step = 0; step < 5; step++)); do
        records=$((records + 50))
        feed_set "{\"records\": $records, \"page\": $((5 + RANDOM % 20))}"
        sleep "0.0$((RANDOM % 10))"
    done
    core_kill
    core_start
done
wait_for 60 "all to be delivered" route_is feed-to-book delivered "$records"
ok "$records records delivered over 12 kills"
same "lines written" "$(cat "$work"/out/*.jsonl | wc -l)" "$records"
same "different records among them" "$(cat "$work"/out/*.jsonl | jq -r .id | sort -u | wc -l)" "$records"
same "asked for a token at once by" "$(curl -sf "$feed/control" | jq .count.token_at_once)" 1
core_stop
grep -rl 's3cr\|tok-' "$work"/core-*.log && fail "a secret is in the log"
ok "no secret in the logs"
books_balance

#!/usr/bin/env bash
# oauth.sh - four workers write to a system that wants a token and a CSRF session, and takes both away
#
# Tokens live a second and are revoked on the way, sessions are forgotten: every message arrives once and
# none is held. Then the credentials are wrong: status says so, intake goes on, no log holds a secret.
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl python3
mkfifo "$work/sys.in"
python3 "$src/plugins/http/tests/oauth_server.py" <"$work/sys.in" >"$work/sys.port" 2>"$work/sys.log" &
sys_pid=$!
exec 9>"$work/sys.in"
test_cleanup() {
    exec 9>&-
    kill "$sys_pid" 2>/dev/null || true
}
wait_for 20 "the system's port" test -s "$work/sys.port"
sys=http://127.0.0.1:$(cat "$work/sys.port")
sys_set() {
    curl -sf --max-time 10 --data "$1" "$sys/control" >/dev/null
}
sys_count() {
    curl -sf --max-time 10 "$sys/control" | jq ".count.$1"
}
write_conf() { # write_conf SECRET
    printf '%s' "$1" >"$work/secret"
    chmod 600 "$work/secret"
    cat >"$conf/sys.yaml" <<END
endpoints:
  hook:
    connector: http
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    workers: 4
    breaker: {open: 200ms, max: 1s}
    config:
      url: $sys/api/items
      csrf: true
      auth:
        oauth2: {token_url: "$sys/token", client_id: plant 7, client_secret: {file: $work/secret}}
routes:
  all:
    from: hook
    to: erp
    retry: {attempts: 5, initial: 50ms}
    on_unknown: quarantine
END
}
sys_set '{"oauth": true, "csrf": true, "expires_in": 1, "token_delay": 0.1}'
write_conf 's3cr%t:+/x'
core_start
for ((k = 1; k <= 6; k++)); do
    "$load" --url "$hook/events" --connections 2 --items 40 --messages 200 --body-size 200 --prefix "r$k-" \
        >"$work/load.json" || fail "load: $(cat "$work/load.json")"
    [ $((k % 3)) -ne 0 ] || sys_set '{"forget_tokens": true}'
    [ $((k % 2)) -ne 0 ] || sys_set '{"forget_sessions": true}'
    sleep 0.4
done
wait_for 60 "1,200 deliveries" route_is all delivered 1200
same "written" "$(sys_count "done")" 1200
same "written twice" "$(sys_count doubles)" 0
same "in quarantine" "$(route_get all open)" 0
same "most who asked for a token at once" "$(sys_count token_at_once)" 1
tokens=$(sys_count token)
[ "$tokens" -le 12 ] || fail "$tokens tokens were fetched in some four seconds"
ok "$tokens tokens of a second were fetched"
core_stop

write_conf 'wrong-s3cr%t:+/x'
asked=$(sys_count token)
core_start
same "intake with wrong credentials" "$(post "$(event e1 A 1)")" 202
says_why() {
    "$busbar" status --state "$state" >"$work/status.txt" 2>&1
    grep -q 'no OAuth2 token: invalid_client' "$work/status.txt"
}
wait_for 20 "status to say why" says_why
ok "status: $(grep -o 'no OAuth2 token.*' "$work/status.txt" | head -n 1)"
sleep 2
asked=$(($(sys_count token) - asked))
[ "$asked" -le 4 ] || fail "the token was asked for $asked times in two seconds"
ok "the token was asked for $asked times in two seconds"
same "the message waits" "$(route_get all pending)" 1
core_stop
grep -rl 's3cr\|tok-\|csrf-[0-9]\|cGxhbnQ' "$work"/core-*.log && fail "a secret is in the log"
grep -q 'no OAuth2 token' "$work"/core-*.log || fail "the log does not say why"
ok "the log says why, without a secret"
books_balance

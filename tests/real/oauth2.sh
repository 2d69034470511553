#!/usr/bin/env bash
# oauth2.sh - client credentials against an OAuth 2.0 server that nobody here wrote (oidc-provider)
#
# The http connector's four workers write to a system that has the server introspect each token. Tokens end after
# three seconds, and all are revoked while messages are on their way: one worker fetches the next for all, each
# message arrives once. Names and secrets have all the characters that need care. What the server says of a wrong
# secret and of a scope that the client may not have is one line of `busbar status`; intake goes on.
limit=240
. "$(dirname "$0")/../lib.sh"
. "$src/tests/real/npm/lib.sh"
need jq curl
npm_need oidc
npm_server oidc.mjs 3
read -r auth_port system_port <<<"$server_port"
count() {
    curl -sf --max-time 10 "http://127.0.0.1:$system_port/control" | jq ".$1"
}
secret() { # secret NAME TEXT
    printf '%s' "$2" >"$work/$1.secret"
    chmod 600 "$work/$1.secret"
}
secret basic 's3cr%t:+/x= &'
secret body 'b0dy&secret=+'
secret wrong 's3cr%t:+/x='
endpoint() { # endpoint NAME WORKERS OAUTH2
    cat <<END
  $1:
    connector: http
    workers: $2
    breaker: {open: 200ms, max: 1s}
    config:
      url: http://127.0.0.1:$system_port/api/$1
      auth: {oauth2: {token_url: "http://127.0.0.1:$auth_port/token", $3}}
END
}
{
    echo "endpoints:"
    echo "  hook: {connector: http, config: {listen: '127.0.0.1:0', path: /events, port_file: $work/hook.port}}"
    endpoint erp 4 "client_id: plant 7/a, client_secret: {file: $work/basic.secret}, scope: 'stock:write'"
    endpoint body 1 "client_id: plant-8, client_secret: {file: $work/body.secret}, scope: 'stock:write', client_auth: body"
    endpoint wrong 1 "client_id: plant 7/a, client_secret: {file: $work/wrong.secret}"
    endpoint scope 1 "client_id: plant 7/a, client_secret: {file: $work/basic.secret}, scope: 'stock:read'"
    echo "routes:"
    for r in body wrong scope; do
        echo "  to-$r: {from: hook, to: $r, match: {type: test.$r}, on_unknown: quarantine}"
    done
    echo "  to-erp: {from: hook, to: erp, match: {type: mfg.bench.event}, on_unknown: quarantine, retry: {attempts: 5, initial: 50ms}}"
} >"$conf/sys.yaml"
core_start

# ---- four workers; tokens that end, and are revoked on the way ---------------------------------------------
began=$SECONDS
(
    for ((k = 1; k <= 5; k++)); do
        "$load" --url "$hook/events" --connections 2 --items 40 --messages 300 --body-size 200 --prefix "r$k-" >>"$work/load.json"
        sleep 1
    done
) &
loading=$!
revoked=0
for ((k = 1; k <= 3; k++)); do
    half() { [ "$(count "done")" -ge $((k * 400 - 250)) ]; }
    wait_for 60 "messages on their way" half
    revoked=$((revoked + $(curl -sf -X POST "http://127.0.0.1:$system_port/control/revoke" | jq .revoked)))
done
wait "$loading" || fail "load: $(cat "$work/load.json")"
wait_for 60 "1,500 deliveries" route_is to-erp delivered 1500
took=$((SECONDS - began))
same "written" "$(count "done")" 1500
same "written twice" "$(count doubles)" 0
same "in quarantine" "$(route_get to-erp open)" 0
same "most who asked for a token at once" "$(count token_at_once)" 1
tokens=$(count tokens) refused=$(count api_401)
[ "$revoked" -ge 1 ] && [ "$refused" -ge 1 ] || fail "$revoked tokens revoked, $refused calls refused: this run shows little"
[ "$tokens" -ge 3 ] && [ "$tokens" -le $((took + 4)) ] || fail "$tokens tokens of 3 s in $took s, $revoked revoked"
ok "$tokens tokens of 3 s in $took s; $revoked revoked on the way, which $refused calls were told"

# ---- the other way to say who we are; what the server refuses --------------------------------------------------
same "intake" "$(post "$(event b1 A 1 test.body)")" 202
wait_for 30 "credentials in the body" route_is to-body delivered 1
ok "credentials in the body are taken"
post "$(event w1 A 1 test.wrong)" >/dev/null
post "$(event s1 A 1 test.scope)" >/dev/null
says() { # says ENDPOINT TEXT
    "$busbar" status --state "$state" | grep -E "^$1 " | grep -qF -- "$2"
}
for pair in "wrong invalid_client" "scope invalid_scope"; do
    wait_for 30 "status to say ${pair#* }" says "${pair% *}" "no OAuth2 token: ${pair#* }" ||
        fail "$("$busbar" status --state "$state" | grep -E "^${pair% *} ")"
    ok "$("$busbar" status --state "$state" | grep -E "^${pair% *} " | sed -E 's/ +/ /g')"
    same "${pair% *}: its message waits" "$(route_get "to-${pair% *}" pending)/$(route_get "to-${pair% *}" open)" 1/0
done
same "intake goes on" "$(post "$(event b2 A 1 test.body)")" 202
wait_for 30 "the good one to go on" route_is to-body delivered 2
core_stop
grep -rlE 's3cr|b0dy|czNjc' "$work"/core-*.log && fail "a secret is in the log"
grep -q 'no OAuth2 token: invalid_client' "$work"/core-*.log || fail "the log does not say why"
ok "the log says why, without a secret"
books_balance

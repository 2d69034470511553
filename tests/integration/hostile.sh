#!/usr/bin/env bash
# hostile.sh - what careless and hostile hands do to the programs: secrets in wrong places, bodies
# that lie, peers that misbehave, files in the way; nothing of it leaks, hangs or ends the core
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl

runs() { # runs STATUS COMMAND...: what it prints goes to $work/out and $work/err
    local want=$1 rc=0
    shift
    "$@" >"$work/out" 2>"$work/err" || rc=$?
    [ "$rc" = "$want" ] || {
        cat "$work/out" "$work/err"
        fail "status $rc, expected $want: $*"
    }
}
says() { # says FILE TEXT
    grep -qF -- "$2" "$work/$1" || {
        cat "$work/$1"
        fail "not said: $2"
    }
}

# ---- a secret written plainly is refused and never shown, whatever else is wrong -----------------
secret=hunter2-b41f
plain() { # plain LINE...: the lines stand in the config of a sink
    {
        printf 'endpoints:\n  hook: {connector: http, config: {listen: "127.0.0.1:0"}}\n'
        printf '  erp:\n    connector: http\n    config:\n      url: http://127.0.0.1:1/in\n'
        printf '      %s\n' "$@"
        printf 'routes:\n  r: {from: hook, to: erp}\n'
    } >"$conf/plain.yaml"
    runs 1 "$busbar" check -c "$conf"
    says err "plain.yaml:"
    ! grep -qF "$secret" "$work/err" "$work/out" || {
        cat "$work/err"
        fail "the secret is shown"
    }
    runs 1 "$busbar" check --json -c "$conf"
    ! grep -qF "$secret" "$work/err" "$work/out" || fail "the secret is shown as JSON"
}
plain "auth: {bearer: $secret}"
plain "auth: {bearer: $secret, bearer: x}"
plain "auth: {bearer: $secret, other: [}"
plain "auth: {baerer: $secret}"
plain "auth: {basic: {user: u, pwd: $secret}}"
plain "auth: {bearer: {file: [$secret]}}"
plain "auth: $secret"
plain "auth: {basic: [u, $secret]}"
plain "auth:" "  bearer: !text $secret"
plain "auth:" "  bearer: &name $secret"
plain "auth:" "  bearer: a: $secret"
plain "auth:" "  bearer: \"$secret"
plain "signature:" "  secrets:" "    - &name $secret"
plain "signature: {secrets: $secret}"
plain "proxy: http://user:$secret@127.0.0.1:1"
rm "$conf/plain.yaml"
ok "a secret in the wrong place is not shown"

# ---- arguments ------------------------------------------------------------------------------------
printf 'endpoints:\n  erp: {connector: htpt}\n' >"$conf/typo.yaml"
runs 1 "$busbar" check -c "$conf"
says err 'typo.yaml:2:20: error: endpoint "erp": no plugin "htpt" (did you mean "http"?)'
rm "$conf/typo.yaml"
ok "a connector's misspelt name is pointed at"

# ---- a body with two lengths ----------------------------------------------------------------------
plant_start
cat >"$conf/hook.yaml" <<END
endpoints:
  hook:
    connector: http
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    probe_after: 200ms
    config: {url: $erp/in, probe: {path: "/applied/{key}"}}
routes:
  all: {from: hook, to: erp, order_by: item}
END
core_start
raw() { # raw: stdin as it is to the webhook; the answer's status
    local fd line
    exec {fd}<>"/dev/tcp/127.0.0.1/$hook_port"
    cat >&"$fd"
    IFS= read -r -t 20 line <&"$fd" || line="none none"
    exec {fd}>&-
    line=${line#* }
    printf '%s' "${line%% *}"
}
e=$(event two A 1)
head='POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/cloudevents+json\r\n'
# shellcheck disable=SC2059 # the head is a format
status=$({
    printf "$head"
    printf 'Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n' ${#e}
    printf '%x\r\n%s\r\n7\r\ngarbage\r\n0\r\n\r\n' ${#e} "$e"
} | raw)
same "a length, and chunks that say another" "$status" 400
# shellcheck disable=SC2059
status=$({
    printf "$head"
    printf 'Content-Length: %d\r\nContent-Length: 5\r\n\r\n%s' ${#e} "$e"
} | raw)
same "two lengths" "$status" 400
same "nothing of them is taken" "$(status_json | jq .journal.accepted)" 0
same "chunks alone" "$(curl -s -o /dev/null -w '%{http_code}' --max-time 20 \
    -H 'Content-Type: application/cloudevents+json' -H 'Transfer-Encoding: chunked' \
    --data-binary "$e" "$hook/events")" 202
wait_for 20 "its delivery" route_is all delivered 1
core_stop
books_balance

# ---- the state folder -----------------------------------------------------------------------------
runs 1 "$busbar" run -c "$conf" --state ''
says err "cannot create the folder"
core_start
runs 1 "$busbar" run -c "$conf" --state "$state"
says err "in use by process"
rm -rf "$state"
core_ended() {
    ! kill -0 "$core_pid" 2>/dev/null
}
wait_for 20 "the core to end" core_ended
says "core-$core_runs.log" "was removed or replaced under it"
ok "a core whose journal is taken away ends: it would acknowledge what nobody keeps"
mkdir "$state"
echo precious >"$work/elsewhere"
ln -s "$work/elsewhere" "$state/lock"
runs 1 "$busbar" run -c "$conf" --state "$state"
same "the file behind a link" "$(cat "$work/elsewhere")" precious
rm -rf "$state"
core_spawn # ended while its hosts come up, at several moments
wait_for 30 "the first line" grep -qs ready "$work/core-$core_runs.log"
began=$SECONDS
core_stop
for delay in 0.02 0.05 0.1; do
    core_spawn
    sleep "$delay" # the moment is the point, nothing is waited for
    core_stop
done
[ $((SECONDS - began)) -lt 12 ] || fail "four stops right after the start took $((SECONDS - began)) s"
ok "a stop does not wait for hosts that have just been started"
books_balance

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

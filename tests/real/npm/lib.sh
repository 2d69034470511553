# shellcheck shell=bash
# lib.sh - servers of npm that the tests talk to: fetched by a lock file, kept in the build folder
#
# Sourced after tests/lib.sh. tests/real/npm/NAME holds package.json and package-lock.json, which names every
# package by version and checksum; nothing of them runs while it is installed. Without node, npm or a
# registry the test is skipped and says why; a package that is not what its checksum says fails it.

# npm_need NAME: $npm is the folder with its node_modules
npm_need() {
    local from=$src/tests/real/npm/$1 why
    npm=$build/npm/$1
    need node npm
    [ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || skip "node $(node --version) is too old: 18 is the least"
    cmp -s "$from/package-lock.json" "$npm/installed" && return
    rm -rf "$npm"
    mkdir -p "$npm"
    cat "$from/package.json" >"$npm/package.json"
    cat "$from/package-lock.json" >"$npm/package-lock.json"
    (cd "$npm" && timeout 150 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=20000 \
        --loglevel=error) >"$work/npm.log" 2>&1 </dev/null || {
        why=$(grep -m 1 -E 'code|network|request' "$work/npm.log" || tail -n 1 "$work/npm.log")
        grep -qE 'EINTEGRITY|EUSAGE|EJSONPARSE' "$work/npm.log" && fail "npm ci of $1: $why"
        skip "npm cannot fetch the packages of $1 here: ${why:-no answer in 150 s}"
    }
    cat "$from/package-lock.json" >"$npm/installed"
}

# npm_server SCRIPT [ARGUMENT...]: tests/real/npm/SCRIPT serves from $npm; the first line it prints
# is its port: $server_port
npm_server() {
    local script=$1
    shift
    : >"$work/${script%.mjs}.port"
    bg "$work/${script%.mjs}.log" bash -c 'exec node "$@" >"$0"' "$work/${script%.mjs}.port" \
        "$src/tests/real/npm/$script" "$npm" "$@"
    wait_for 60 "$script" test -s "$work/${script%.mjs}.port" || fail "$script does not start"
    server_port=$(head -n 1 "$work/${script%.mjs}.port")
}

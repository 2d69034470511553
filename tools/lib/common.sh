# shellcheck shell=bash
# common.sh - for the scripts under tools/: packages, building, starting and ending processes
#
# Sourced. Only processes that were started by bg() are ever ended, by their own id.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# shellcheck disable=SC2034 # used by those who source this
build_packages=(autoconf automake libtool pkg-config make gcc libc6-dev libzmq3-dev liblmdb-dev
    libmsgpack-dev libfyaml-dev libmicrohttpd-dev libcurl4-openssl-dev libsqlite3-dev libssl-dev
    libsystemd-dev libgmp-dev libpcre2-dev libxml2-dev libjq-dev)
# what the quickstart itself calls
# shellcheck disable=SC2034
demo_packages=(curl jq)
# shellcheck disable=SC2034
test_packages=(check clang libclang-rt-14-dev curl jq sqlite3 strace shellcheck python3
    nginx-light openssl libxml2-utils)
# shellcheck disable=SC2034
bench_packages=(curl jq nginx-light nats-server)

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# ---- packages ------------------------------------------------------------------------------------

package_there() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs what is missing of the named packages; does nothing, and needs no rights, when all are
# there.
packages_need() {
    local missing=() p root=() quietly=(DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes)
    command -v dpkg-query >/dev/null ||
        die "this script installs Debian packages and there is no dpkg here. Install what these hold" \
            "and build by hand (./configure && make): $*"
    for p in "$@"; do
        package_there "$p" || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "these packages are missing and only root can install them; as root, run:" \
                "apt-get install ${missing[*]}"
        root=(sudo)
    fi
    say "installing ${missing[*]}"
    "${root[@]}" env "${quietly[@]}" apt-get -qq update </dev/null >/dev/null ||
        say "apt-get update failed; trying with the lists that are there"
    "${root[@]}" env "${quietly[@]}" apt-get -qq -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 install "${missing[@]}" </dev/null >/dev/null ||
        die "could not install ${missing[*]}: is there a network, and is this Debian 12?" \
            "Try: apt-get install ${missing[*]}"
}

# ---- building ------------------------------------------------------------------------------------

jobs_n() {
    nproc 2>/dev/null || echo 2
}

# quiet LOG COMMAND...: shows the log's end only when the command fails.
quiet() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null && return 0
    tail -n 40 "$log" >&2
    printf '%s: "%s" failed; all of it: %s\n' "${0##*/}" "$*" "$log" >&2
    return 1
}

# build_in FOLDER [configure's arguments]: out of tree; configures only when it must.
build_in() {
    local dir=$1 stamp
    shift
    mkdir -p "$dir"
    stamp="$*"
    if [ ! -x "$top/configure" ] || [ "$top/configure.ac" -nt "$top/configure" ]; then
        (cd "$top" && quiet "$dir/autoreconf.log" autoreconf -fi) || return 1
    fi
    if [ ! -f "$dir/Makefile" ] || [ "$(cat "$dir/configured" 2>/dev/null)" != "$stamp" ]; then
        (cd "$dir" && quiet "$dir/configure.log" "$top/configure" -q "$@") || return 1
        printf '%s' "$stamp" >"$dir/configured"
    fi
    quiet "$dir/make.log" make -C "$dir" -s -j"$(jobs_n)"
}

# The folders that hold built plugins, as one colon list.
plugin_path() {
    local dir=$1 list
    list=$(find "$dir/plugins" "$dir/tests/plugins" -name '*.so' -path '*/.libs/*' -printf '%h\n' \
        2>/dev/null | sort -u | paste -sd:)
    printf '%s' "$list"
}

# ---- processes -----------------------------------------------------------------------------------

bg_pids=()

# bg LOG COMMAND...: starts it; its id is in bg_pid.
bg() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    bg_pid=$!
    bg_pids+=("$bg_pid")
}

# Ends one process of ours: asks, waits up to 15 s, then insists.
bg_end() {
    local pid=$1 i
    kill -TERM "$pid" 2>/dev/null || true
    for ((i = 0; i < 300; i++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

bg_end_all() {
    local i
    for ((i = ${#bg_pids[@]} - 1; i >= 0; i--)); do
        bg_end "${bg_pids[i]}"
    done
    bg_pids=()
}

# wait_for SECONDS WHAT COMMAND...: polls until the command succeeds.
wait_for() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$end" ]; then
            printf '%s: waited too long for %s\n' "${0##*/}" "$what" >&2
            return 1
        fi
        sleep 0.05
    done
}

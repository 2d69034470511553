#!/usr/bin/env bash
# run.sh - the benches: Busbar's own paths and its peers on this machine, in one session
#
#   make bench [BENCH="core http"]        or: tools/bench/run.sh --build BUILD [sections]
# Sections: core http latency backlog files isolation lmdb units map schema nginx nats; default: all.
# BENCH_RUNS (3) runs of each, interleaved, so that a slow minute hits all; medians in the table.
# BENCH_SECONDS (8) of load a run, BENCH_BACKLOG (5000000) messages, BENCH_CORE (2000000).
# BENCH_BESIDE chooses whom isolation sets beside the good route: none crash hang leak flood flood-logs,
# and spin: two busy loops of the idle class that are no part of Busbar, to see what the machine does.
# files: BENCH_LINES (1000000) of 1 KiB; BENCH_ALONE=1 leaves the peers out.
# CPU is CPU-seconds (user and system) of the core and its hosts a million messages.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/lib/common.sh
. "$here/../lib/common.sh"
build=$PWD
if [ "${1:-}" = --build ]; then
    build=$(cd "${2:?--build takes the build folder}" && pwd)
    shift 2
fi
case ${1:-} in -h | --help)
    sed -n '2,12s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
sections=("$@")
[ ${#sections[@]} -gt 0 ] || sections=(core http latency backlog files isolation lmdb units map schema nginx nats)
runs=${BENCH_RUNS:-3} secs=${BENCH_SECONDS:-8}
work=${BENCH_DIR:-$build/bench-results}
mkdir -p "$work"
results=$work/results.jsonl
: >"$results"
BUSBAR_PLUGIN_PATH=$(plugin_path "$build")
export BUSBAR_PLUGIN_PATH
# shellcheck source=tools/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=tools/bench/files.sh
. "$here/files.sh"
# shellcheck source=tools/bench/model.sh
. "$here/model.sh"
trap 'bg_end_all' EXIT
trap 'exit 130' INT TERM
[ -x "$busbar" ] || die "$busbar is not built: run make in $build"

# ---- test-gen to test-count: no HTTP at all ------------------------------------------------------
core_once() {
    local iso=$1 n=${BENCH_CORE:-2000000} began accepted cpu rss
    fresh
    cat >"$run/conf.d/bench.yaml" <<END
endpoints:
  gen: {connector: test-gen, isolation: $iso, config: {count: $n, size: 1024, items: 10000, batch: 256}}
  count: {connector: test-count, isolation: $iso, batch_max: 1024, limit: {in_flight: 8192}}
routes:
  all: {from: gen, to: count, on_unknown: retry, paused: false}
journal: {index: false, map_size: 64GiB}
END
    began=$(now_ms)
    core_start
    until_route all accepted "$n" 300
    accepted=$(($(now_ms) - began))
    until_route all delivered "$n" 300
    local took=$(($(now_ms) - began))
    read -r cpu rss < <(tree_stat "$core_pid")
    row core "$iso" accepted_per_s "$(rate "$n" "$accepted")" delivered_per_s "$(rate "$n" "$took")" \
        cpu "$(per_million "$cpu" "$n")" rss_kb "$rss"
    stop_all
}
section_core() {
    local i
    need_plugin test-gen
    for ((i = 0; i < runs; i++)); do
        core_once thread
        core_once process
    done
}
need_plugin() {
    find "$build/tests/plugins" -name "*.so" 2>/dev/null | grep -q . ||
        make -C "$build" -s check TESTS= >/dev/null
    BUSBAR_PLUGIN_PATH=$(plugin_path "$build")
}

# ---- HTTP in, HTTP out -----------------------------------------------------------------------------
# http_once VARIANT ISOLATION CONNECTIONS BATCH [lines of the sink's config]
http_once() {
    local variant=$1 iso=$2 conns=$3 batch=$4 began cpu cpu0 rss n took
    shift 4
    fresh
    sink_start --forget
    hook_conf "$iso" "$@"
    core_start
    read -r cpu0 rss < <(tree_stat "$core_pid")
    began=$(now_ms)
    "$load" --url "$hook" --seconds "$secs" --connections "$conns" --items 10000 --body-size 1024 \
        --batch "$batch" >"$run/load.json" || say "   not all was accepted: $(cat "$run/load.json")"
    n=$(jq .accepted "$run/load.json")
    until_route all delivered "$n" 300
    took=$(($(now_ms) - began))
    read -r cpu rss < <(tree_stat "$core_pid")
    row http "$variant" accepted_per_s "$(jq .accepted_per_s "$run/load.json")" \
        delivered_per_s "$(rate "$n" "$took")" p50_ms "$(jq .p50_ms "$run/load.json")" \
        p99_ms "$(jq .p99_ms "$run/load.json")" cpu "$(per_million "$(minus "$cpu" "$cpu0")" "$n")" rss_kb "$rss"
    stop_all
}
gathered='batch: {max: 500, format: jsonl}'
section_http() {
    local i
    for ((i = 0; i < runs; i++)); do
        http_once "one a request, 32 connections, processes" process 32 1
        ceiling_once
        http_once "posts gathered, 32 connections, processes" process 32 1 "$gathered"
        http_once "posts gathered, 256 connections, processes" process 256 1 "$gathered"
        http_once "posts gathered, 32 connections, threads" thread 32 1 "$gathered"
        http_once "bodies of 100, posts gathered, processes" process 32 100 "$gathered"
    done
}
ceiling_once() { # the load generator straight to the sink
    fresh
    sink_start --forget
    "$load" --url "$erp/in" --seconds "$secs" --connections 32 >"$run/load.json"
    row http "straight to the sink (ceiling)" accepted_per_s "$(jq .accepted_per_s "$run/load.json")" \
        p50_ms "$(jq .p50_ms "$run/load.json")" p99_ms "$(jq .p99_ms "$run/load.json")"
    stop_all
}

# ---- latency at a steady 1,000 a second ------------------------------------------------------------
section_latency() {
    local i cpu rss
    for ((i = 0; i < runs; i++)); do
        fresh
        sink_start --forget --latency /data/at
        hook_conf process
        core_start
        "$load" --url "$hook" --seconds $((secs * 2)) --rate 1000 --connections 32 >"$run/load.json" || true
        until_route all delivered "$(jq .accepted "$run/load.json")" 60
        read -r cpu rss < <(tree_stat "$core_pid")
        curl -sf "$erp/summary" >"$run/summary.json"
        row latency "1,000/s, processes" ack_p50_ms "$(jq .p50_ms "$run/load.json")" \
            ack_p99_ms "$(jq .p99_ms "$run/load.json")" ack_max_ms "$(jq .max_ms "$run/load.json")" \
            arrived_p50_ms "$(jq '.latency_p50_us / 1000' "$run/summary.json")" \
            arrived_p99_ms "$(jq '.latency_p99_us / 1000' "$run/summary.json")" \
            cpu "$(per_million "$cpu" "$(jq .accepted "$run/load.json")")" rss_kb "$rss"
        stop_all
    done
}

# ---- a backlog: the sink is down while millions come in ----------------------------------------------
# In 10,000 lanes, and once more all in one lane; a second webhook's route runs on beside it.
backlog_intake() { # backlog_intake PREFIX N ITEMS: events a second
    "$load" --url "$hook" --messages "$2" --batch 100 --connections 16 --items "$3" --body-size 1024 \
        --prefix "$1" >"$run/load.json" || die "not accepted: $(cat "$run/load.json")"
    jq .accepted_per_s "$run/load.json"
}
backlog_beside_conf() {
    cat >"$run/conf.d/beside.yaml" <<END
endpoints:
  hook2: {connector: http, config: {listen: "127.0.0.1:0", path: /events, port_file: $run/hook2.port}}
  mes: {connector: http, config: {url: $1/in}}
routes:
  beside: {from: hook2, to: mes, on_unknown: retry}
END
}
backlog_beside() { # backlog_beside PREFIX: 500 a second of the other route; its p99 in ms, to the sink
    curl -sf -X PUT --data "" "$mes/control/zero" >/dev/null
    "$load" --url "http://127.0.0.1:$(cat "$run/hook2.port")/events" --seconds "$secs" --rate 500 --connections 8 \
        --body-size 1024 --prefix "$1" >"$run/beside.json" || true
    beside_n=$((beside_n + $(jq .accepted "$run/beside.json")))
    until_route beside delivered "$beside_n" 60
    curl -sf "$mes/summary" | jq '.latency_p99_us / 1000'
}
backlog_once() { # backlog_once LANES
    local lanes=$1 n=${BENCH_BACKLOG:-5000000} part first last rss0 rss1 claims began ready used d0 drained
    local alone beside beside_n=0 mes back
    part=$((n / 10))
    fresh
    sink_start --forget --latency /data/at
    mes=$erp
    sink_start --forget
    back=${erp##*:}
    bg_end "$erp_pid"
    order_by=item hook_conf process "$gathered"
    # what is measured is Busbar's start, not how long it leaves a sink alone that was down
    sed -i 's/^    batch_max: 1024/&\n    breaker: {open: 100ms, max: 500ms}/' "$run/conf.d/bench.yaml"
    backlog_beside_conf "$mes"
    core_start
    wait_for 30 "the second webhook" test -s "$run/hook2.port"
    rss0=$(core_rss)
    alone=$(backlog_beside x)
    first=$(backlog_intake a "$part" "$lanes")
    backlog_intake b $((n - 2 * part)) "$lanes" >/dev/null
    last=$(backlog_intake c "$part" "$lanes")
    beside_n=$(route_get beside delivered)
    beside=$(backlog_beside y)
    rss1=$(core_rss)
    read -r used claims < <("$busbar" status --json --state "$state" | jq -r '.journal | "\(.used_bytes) \(.claims_bytes / 1024 | floor)"')
    kill -KILL "$core_pid"
    wait "$core_pid" 2>/dev/null || true
    erp_port=$back
    sink_start --forget
    unset erp_port
    began=$(now_ms)
    bg "$run/core2.log" "$busbar" run -c "$run/conf.d" --state "$state"
    core_pid=$bg_pid
    wait_for 300 "the first delivery" sink_has_one || die "nothing was delivered after the restart"
    ready=$(($(now_ms) - began))
    wait_for 60 "the core" core_up
    began=$(now_ms)
    d0=$(route_get all delivered)
    sleep 10 # a span of time to measure over
    drained=$(rate $(($(route_get all delivered) - d0)) $(($(now_ms) - began)))
    row backlog "$n waiting in $lanes lanes, sink down" rss_core_before_kb "$rss0" rss_core_after_kb "$rss1" \
        claims_kb "$claims" intake_first_per_s "$first" intake_last_per_s "$last" bytes_a_message $((used / n)) \
        beside_before_p99_ms "$alone" beside_p99_ms "$beside" restart_to_first_delivery_ms "$ready" \
        drained_per_s "$drained" rss_core_draining_kb "$(core_rss)"
    stop_all
}
section_backlog() {
    backlog_once 10000
    backlog_once 1
}
sink_has_one() {
    [ "$(curl -sf "$erp/summary" | jq .applied)" -gt 0 ]
}

# ---- a bad connector beside a good route ---------------------------------------------------------------
# Alone and beside it in turn, pair by pair; what is kept is each pair's ratio: 1.00 is untouched, a p99
# twice as long counts as 0.50. The promise is 0.90.
isolation_bad() { # isolation_bad KIND: its lines of conf.d
    local plugin=${1%-logs} from="from: hook, match: {type: other.event}, to: bad" logs=0
    local config="{at: 1}" extra=
    [ "$1" != leak ] || config="{at: 40}"
    [ "$1" != flood-logs ] || logs=20
    if [ "$plugin" = flood ]; then
        config="{logs: $logs}" extra="unmatched: refuse, "
        from="from: bad, match: {type: never.event}, to: erp"
    fi
    cat <<END
endpoints:
  bad: {connector: test-$plugin, isolation: process, ${extra}timeout: 500ms, memory_max: 128MiB, nice: 19, config: $config}
routes:
  beside: {$from, on_unknown: retry, retry: {attempts: 1000000, initial: 10ms, max: 50ms}}
END
}
# isolation_once KIND|none: sets kept_rate, kept_p99 (of the answer) and kept_arrived
isolation_once() {
    local kind=$1 n i took began
    fresh
    sink_start --forget --latency /data/at
    hook_conf process
    [[ $kind = none || $kind = spin ]] || isolation_bad "$kind" >"$run/conf.d/bad.yaml"
    core_start
    for ((i = 0; i < 2; i++)); do
        [ "$kind" = spin ] || break
        bg /dev/null chrt -i 0 bash -c 'while :; do :; done'
    done
    for ((i = 0; i < 20; i++)); do
        [[ $kind != none && $kind != spin && $kind != flood* ]] || break
        curl -sf --max-time 10 -o /dev/null -H 'Content-Type: application/cloudevents+json' --data \
            "{\"specversion\":\"1.0\",\"id\":\"bad$i\",\"source\":\"/b\",\"type\":\"other.event\",\"data\":{}}" "$hook"
    done
    began=$(now_ms)
    "$load" --url "$hook" --seconds "$secs" --connections 16 --body-size 1024 --prefix full >"$run/load.json" || true
    n=$(jq .accepted "$run/load.json")
    until_route all delivered "$n" 120
    took=$(($(now_ms) - began))
    kept_rate=$(rate "$n" "$took")
    curl -sf -X PUT --data "" "$erp/control/zero" >/dev/null
    "$load" --url "$hook" --seconds "$secs" --rate 500 --connections 16 --body-size 1024 >"$run/steady.json" || true
    until_route all delivered $((n + $(jq .accepted "$run/steady.json"))) 120
    kept_p99=$(jq .p99_ms "$run/steady.json")
    kept_arrived=$(curl -sf "$erp/summary" | jq '.latency_p99_us / 1000')
    row isolation "$([ "$kind" = none ] && echo alone || echo "beside $kind")" delivered_per_s "$kept_rate" \
        ack_p99_ms "$kept_p99" arrived_p99_ms "$kept_arrived" rss_core_kb "$(core_rss)" \
        restarts "$("$busbar" status --json --state "$state" | jq '[.endpoints[] | select(.name == "bad")][0].restarts // 0')"
    stop_all
}
section_isolation() {
    local i kind alone_rate alone_p99 alone_arrived
    need_plugin test-crash
    for ((i = 0; i < runs; i++)); do
        for kind in ${BENCH_BESIDE:-none spin crash hang leak flood flood-logs}; do # none: the noise
            isolation_once none
            alone_rate=$kept_rate alone_p99=$kept_p99 alone_arrived=$kept_arrived
            isolation_once $kind
            row isolation "kept beside ${kind/none/nothing}" throughput "$(ratio "$kept_rate" "$alone_rate")" \
                ack_p99 "$(ratio "$alone_p99" "$kept_p99")" \
                arrived_p99 "$(ratio "$alone_arrived" "$kept_arrived")" target 0.9
        done
    done
}
ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", (b > 0 ? a / b : 0)}'
}

# ---- peers -----------------------------------------------------------------------------------------------
section_lmdb() { # the journal alone beside the same bytes straight into LMDB, in turn
    local i mode line
    local prog=$build/tools/bench/journal_bench
    [ -x "$prog" ] || make -C "$build" -s tools/bench/journal_bench || die "journal_bench does not build"
    for ((i = 0; i < runs; i++)); do
        for mode in bare append settle; do
            fresh
            line=$("$prog" "$run/journal" "$mode" 1000000 1024 "${BENCH_BATCH:-256}" | head -n 1) ||
                die "journal_bench $mode failed"
            row lmdb "$mode, ${BENCH_BATCH:-256} a commit" \
                accepted_per_s "$(sed -E 's/.*: ([0-9]+)\/s,.*/\1/' <<<"$line")" \
                cpu "$(sed -E 's/.*, ([0-9.]+) CPU-s.*/\1/' <<<"$line")"
            stop_all
        done
    done
}

section_nginx() {
    local i cpu rss n port
    packages_need nginx-light
    for ((i = 0; i < runs; i++)); do
        fresh
        sink_start --forget
        port=$((20000 + RANDOM % 10000))
        mkdir -p "$run/nginx"
        cat >"$run/nginx.conf" <<END
daemon off; worker_processes 1; pid $run/nginx/pid; error_log $run/nginx/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path $run/nginx/b; proxy_temp_path $run/nginx/p;
  fastcgi_temp_path $run/nginx/f; uwsgi_temp_path $run/nginx/u; scgi_temp_path $run/nginx/s;
  keepalive_requests 100000000;
  upstream sink { server ${erp#http://}; keepalive 64; keepalive_requests 100000000; }
  server { listen 127.0.0.1:$port;
    location / { proxy_pass http://sink; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}
END
        bg "$run/nginx.log" nginx -e "$run/nginx/error.log" -c "$run/nginx.conf"
        local pid=$bg_pid
        wait_for 10 "nginx" curl -sf -o /dev/null "http://127.0.0.1:$port/summary" || die "nginx did not start"
        "$load" --url "http://127.0.0.1:$port/in" --seconds "$secs" --connections 32 >"$run/load.json" || true
        n=$(jq .accepted "$run/load.json")
        read -r cpu rss < <(tree_stat "$pid")
        row http "peer: nginx as a bare proxy" accepted_per_s "$(jq .accepted_per_s "$run/load.json")" \
            p50_ms "$(jq .p50_ms "$run/load.json")" p99_ms "$(jq .p99_ms "$run/load.json")" \
            cpu "$(per_million "$cpu" "$n")" rss_kb "$rss"
        stop_all
    done
}

section_nats() {
    local i cpu rss n=200000
    packages_need nats-server
    for ((i = 0; i < runs; i++)); do
        fresh
        mkdir -p "$run/nats"
        bg "$run/nats.log" nats-server -js -sd "$run/nats" -a 127.0.0.1 -p -1 --ports_file_dir "$run"
        local pid=$bg_pid
        wait_for 10 "nats-server" compgen -G "$run/*.ports" || die "nats-server did not start"
        local port
        port=$(jq -r '.nats[0]' "$run"/*.ports | sed 's/.*://')
        "$build/tools/bench/nats-load" --port "$port" --messages $n --consume >"$run/nats.json" || die "nats-load failed"
        read -r cpu rss < <(tree_stat "$pid")
        row core "peer: NATS JetStream, file, page cache only" \
            accepted_per_s "$(jq .accepted_per_s "$run/nats.json")" \
            delivered_per_s "$(jq .delivered_per_s "$run/nats.json")" \
            p99_ms "$(jq .p99_ms "$run/nats.json")" cpu "$(per_million "$cpu" $n)" rss_kb "$rss"
        stop_all
    done
}

packages_need curl jq
for s in "${sections[@]}"; do
    declare -F "section_$s" >/dev/null || die "no section \"$s\"; see --help"
    say "== $s"
    "section_$s"
done
table

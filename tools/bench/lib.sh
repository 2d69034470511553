# shellcheck shell=bash
# shellcheck disable=SC2034 # much of it is for run.sh
# lib.sh - what the bench sections share: a core and a sink for each run, CPU and memory, the results
#
# Sourced by run.sh. $build is the build folder, $work this bench's own folder, $results its lines.

busbar=$build/busbar
plant=$build/tools/plant/plant-erp
load=$build/tools/bench/bench-load

# ---- figures -------------------------------------------------------------------------------------

# tree_stat PID: "CPU-seconds RssAnon-kB" of a process and all below it; CPU with ended children
tree_stat() {
    local pid=$1 tick
    tick=$(getconf CLK_TCK)
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$pid" -v tick="$tick" '
        {
            pid = $1
            sub(/^.*\) /, "")
            parent[pid] = $2
            cpu[pid] = $12 + $13 + $14 + $15
        }
        function below(p) {
            for (n = 0; p > 1 && n < 64; n++) {
                if (p == root)
                    return 1
                p = parent[p]
            }
            return 0
        }
        END {
            for (p in cpu)
                if (below(p)) {
                    sum += cpu[p]
                    file = "/proc/" p "/status"
                    while ((getline l < file) > 0)
                        if (l ~ /^RssAnon:/) {
                            split(l, f, " ")
                            rss += f[2]
                        }
                    close(file)
                }
            printf "%.2f %d\n", sum / tick, rss
        }'
}

core_rss() { # of the core's own process alone, kB
    awk '/^RssAnon/ {print $2}' "/proc/$core_pid/status"
}

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# row SECTION VARIANT KEY VALUE...
row() {
    local section=$1 variant=$2 args=() line
    shift 2
    while [ $# -gt 1 ]; do
        args+=("\"$1\":${2:-null}")
        shift 2
    done
    line=$(IFS=,; printf '{"section":"%s","variant":"%s",%s}' "$section" "$variant" "${args[*]}")
    printf '%s\n' "$line" >>"$results"
    printf '   %s\n' "$line"
}

# per_million CPU N: CPU-seconds a million messages
per_million() {
    awk -v c="$1" -v n="$2" 'BEGIN {printf "%.2f", (n > 0 ? c * 1e6 / n : 0)}'
}

rate() { # rate N MS
    awk -v n="$1" -v ms="$2" 'BEGIN {printf "%.0f", (ms > 0 ? n * 1000 / ms : 0)}'
}

minus() {
    awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", a - b}'
}

# ---- processes -----------------------------------------------------------------------------------

fresh() { # a new folder for a run
    run=$work/run-$((++run_n))
    rm -rf "$run"
    mkdir -p "$run/conf.d"
    state=$run/state
}
run_n=0

sink_start() { # sink_start [options of plant-erp]
    rm -f "$run/erp.port"
    bg "$run/erp.log" "$plant" --port "${erp_port:-0}" --port-file "$run/erp.port" "$@"
    erp_pid=$bg_pid
    wait_for 20 "the sink" test -s "$run/erp.port" || die "the sink did not start"
    erp=http://127.0.0.1:$(cat "$run/erp.port")
}

core_start() {
    bg "$run/core.log" "$busbar" run -c "$run/conf.d" --state "$state"
    core_pid=$bg_pid
    wait_for 120 "the core" core_up || die "the core did not start: $run/core.log"
    if grep -qs port_file "$run"/conf.d/*.yaml; then
        wait_for 30 "the webhook" test -s "$run/hook.port" || die "no webhook: $run/core.log"
        hook=http://127.0.0.1:$(cat "$run/hook.port")/events
    fi
}

core_up() {
    kill -0 "$core_pid" 2>/dev/null || return 0
    "$busbar" status --json --state "$state"
}

stop_all() { # of this run; its folder goes, a journal can be large
    bg_end_all
    [ -n "${BENCH_KEEP:-}" ] || rm -rf "$run"
}

route_get() {
    "$busbar" status --json --state "$state" | jq -r --arg r "$1" --arg f "$2" \
        '[.routes[] | select(.name == $r)][0][$f] // 0'
}

# until_route ROUTE FIELD VALUE SECONDS: polls until at least that many
until_route() {
    local end=$((SECONDS + $4))
    while [ "$(route_get "$1" "$2")" -lt "$3" ]; do
        [ $SECONDS -lt "$end" ] || die "route $1 never had $3 $2: $run/core.log"
        sleep 0.05
    done
}

# hook_conf ISOLATION [lines of the sink's config...]
hook_conf() {
    local iso=$1 line
    shift
    {
        cat <<END
endpoints:
  hook:
    connector: http
    isolation: $iso
    unmatched: refuse
    config: {listen: "127.0.0.1:0", path: /events, port_file: $run/hook.port}
  erp:
    connector: http
    isolation: $iso
    batch_max: 1024
    limit: {in_flight: ${in_flight:-1024}}
    config:
      url: $erp/in
END
        for line in "$@"; do printf '      %s\n' "$line"; done
        cat <<END
routes:
  all: {from: hook, match: {type: "mfg.*"}, to: erp, on_unknown: retry${order_by:+, order_by: $order_by}}
journal: {index: false, map_size: 64GiB}
END
    } >"$run/conf.d/bench.yaml"
}

# ---- the table -----------------------------------------------------------------------------------

table() { # medians of all runs, markdown and JSON
    jq -s 'def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor]
             else (.[length / 2 - 1] + .[length / 2]) / 2 end;
        group_by(.section + "\u0000" + .variant) | map(. as $g | {section: $g[0].section, variant: $g[0].variant,
          runs: ($g | length)} + (reduce ($g | map(keys_unsorted) | add | unique - ["section", "variant"])[] as $k
          ({}; . + {($k): ([$g[][$k] | numbers] | median)})))' "$results" >"$work/results.json"
    printf '\n| section | variant | runs | figures (medians) |\n| --- | --- | --- | --- |\n'
    jq -r '.[] | "| \(.section) | \(.variant) | \(.runs) | " + ([to_entries[] |
        select(.key | IN("section", "variant", "runs") | not) | "\(.key) \(.value)"] | join(", ")) + " |"' \
        "$work/results.json"
    printf '\nJSON: %s/results.json\n' "$work"
}

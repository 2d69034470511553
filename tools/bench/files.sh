# shellcheck shell=bash
# shellcheck disable=SC2154 # run.sh and lib.sh set them
# files.sh - file to file: lines of JSON in, two fields changed, journaled with a sync, lines out
#
# Sourced by run.sh. Beside it, without any journal: Node by hand, jq, rsyslog (installed on demand;
# Node only where it is there). BENCH_LINES (1000000) lines of 1 KiB. The rate is from the moment
# the file is there to the last line written.

lines_make() { # lines_make FILE N: 1 KiB a line
    awk -v n="$2" 'BEGIN {
        pad = sprintf("%830s", ""); gsub(/ /, "x", pad)
        for (i = 1; i <= n; i++)
            printf "{\"number\":%07d1,\"item\":\"M-%05d\",\"plant\":\"%d\",\"qty\":%d.%03d,\"uom\":\"EA\",\"at\":\"2026-01-31T08:15:%02d.000Z\",\"bin\":{\"from\":\"A-%04d\",\"to\":\"B-%04d\"},\"note\":\"%s\"}\n", \
                i % 9000000 + 1000000, i % 20000, 1000 + i % 4, i % 500, i % 1000, i % 60, i % 10000, i % 9999, pad
    }' >"$1"
}

files_busbar() { # files_busbar VARIANT ISOLATION FILE N
    local variant=$1 iso=$2 file=$3 n=$4 began took cpu rss
    fresh
    mkdir -p "$run/drop"
    cat >"$run/conf.d/bench.yaml" <<END
endpoints:
  in:
    connector: file
    isolation: $iso
    config:
      directory: $run/drop
      format: jsonl
      batch: 1024
      envelope: {type: mfg.inventory.movement, item: {pointer: /item}, plant: {pointer: /plant}}
  out:
    connector: file
    isolation: $iso
    batch_max: 4096
    limit: {in_flight: 16384}
    config: {path: $run/out.jsonl, content: data}
routes:
  all:
    from: in
    transform:
      - map:
          - rename: {from: /data/uom, to: /data/unit}
          - constant: {to: /data/channel, value: bench}
    to: out
    on_unknown: probe
journal: {index: false, map_size: 64GiB}
END
    ln "$file" "$run/lines.tmp"
    core_start
    began=$(now_ms)
    mv "$run/lines.tmp" "$run/drop/lines.jsonl"
    until_route all delivered "$n" 600
    took=$(($(now_ms) - began))
    read -r cpu rss < <(tree_stat "$core_pid")
    row files "$variant" delivered_per_s "$(rate "$n" "$took")" cpu "$(per_million "$cpu" "$n")" \
        rss_kb "$rss" written "$(wc -l <"$run/out.jsonl")" \
        changed "$(tail -n 1000 "$run/out.jsonl" | jq -c 'select(.unit == "EA" and .channel == "bench" and .uom == null)' | wc -l)"
    stop_all
}

peer_once() { # peer_once VARIANT OUT N COMMAND...: a program that ends when it is done
    local variant=$1 out=$2 n=$3 began took times
    shift 3
    began=$(now_ms)
    times=$({ TIMEFORMAT='%U %S'; time "$@" >"$out"; } 2>&1)
    took=$(($(now_ms) - began))
    row files "$variant" delivered_per_s "$(rate "$n" "$took")" \
        cpu "$(per_million "$(awk '{print $1 + $2}' <<<"$times")" "$n")" written "$(wc -l <"$out")"
}

rsyslog_once() { # rsyslog_once FILE N
    local n=$2 began took cpu rss
    mkdir -p "$run/rsyslog"
    cat >"$run/rsyslog.conf" <<END
global(workDirectory="$run/rsyslog" maxMessageSize="64k")
module(load="imfile" mode="inotify")
module(load="mmjsonparse")
template(name="out" type="list") { property(name="\$!all-json-plain") constant(value="\n") }
ruleset(name="r") {
    action(type="mmjsonparse" cookie="")
    set \$!unit = \$!uom;
    unset \$!uom;
    set \$!channel = "bench";
    action(type="omfile" file="$run/rsyslog.jsonl" template="out" ioBufferSize="64k" flushOnTXEnd="off")
}
input(type="imfile" file="$1" tag="b" ruleset="r")
END
    began=$(now_ms)
    bg "$run/rsyslog.log" rsyslogd -n -f "$run/rsyslog.conf" -i "$run/rsyslog.pid"
    local pid=$bg_pid end=$((SECONDS + 600)) last=0 size
    # the last buffer leaves when it ends: near enough counts, then the end is waited for
    while size=$(stat -c %s "$run/rsyslog.jsonl" 2>/dev/null || echo 0); [ "$size" -lt $((n * 900)) ] || [ "$size" -ne "$last" ]; do
        last=$size
        [ $SECONDS -lt $end ] && kill -0 "$pid" 2>/dev/null || die "rsyslog: $run/rsyslog.log"
        sleep 0.1
    done
    took=$(($(now_ms) - began))
    read -r cpu rss < <(tree_stat "$pid")
    bg_end "$pid"
    row files "peer: rsyslog, no journal" delivered_per_s "$(rate "$n" "$took")" \
        cpu "$(per_million "$cpu" "$n")" rss_kb "$rss" written "$(wc -l <"$run/rsyslog.jsonl")"
}

section_files() {
    local i n=${BENCH_LINES:-1000000} lines=$work/lines.jsonl
    local js='const rl=require("readline").createInterface({input:require("fs").createReadStream(process.argv[1],{highWaterMark:1<<20})});
let b=[],k=0;rl.on("line",l=>{const o=JSON.parse(l);o.unit=o.uom;delete o.uom;o.channel="bench";b.push(JSON.stringify(o));if(++k%1000===0){process.stdout.write(b.join("\n")+"\n");b=[];}});
rl.on("close",()=>{if(b.length)process.stdout.write(b.join("\n")+"\n");});'
    [ -n "${BENCH_ALONE:-}" ] || packages_need rsyslog
    lines_make "$lines" "$n"
    cat "$lines" >/dev/null
    for ((i = 0; i < runs; i++)); do
        files_busbar "processes" process "$lines" "$n"
        files_busbar "threads" thread "$lines" "$n"
        [ -z "${BENCH_ALONE:-}" ] || continue
        fresh
        if command -v node >/dev/null; then
            peer_once "peer: Node by hand, no journal" "$run/node.jsonl" "$n" node -e "$js" "$lines"
        fi
        peer_once "peer: jq, no journal" "$run/jq.jsonl" "$n" jq -c '.unit = .uom | del(.uom) | .channel = "bench"' "$lines"
        rsyslog_once "$lines" "$n"
        stop_all
    done
    rm -f "$lines"
}

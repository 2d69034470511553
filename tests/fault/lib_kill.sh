# shellcheck shell=bash
# lib_kill.sh - kills a core (or its hosts) again and again under load and settles the account
#
# What was answered with 202 is in a file before it was counted; what reached the plant is in the
# plant's log. Whatever is in the first must be in the second once nothing is pending.

# kill_conf probe|retry: a webhook and a sink, one lane an item; what a kill leaves unknown is asked
# for, or sent again
kill_conf() {
    local probe=
    [ "$1" != probe ] || probe='probe: {method: GET, path: "/applied/{key}"}'
    hook_port=$(free_port)
    hook=http://127.0.0.1:$hook_port
    cat >"$conf/plant.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: process
    config: {listen: "127.0.0.1:$hook_port", path: /events, port_file: $work/hook.port}
  erp:
    connector: http
    isolation: process
    probe_after: 300ms
    timeout: 3s
    limit: {in_flight: 64}
    breaker: {open: 50ms, max: 200ms}
    config:
      url: $erp/in
      $probe
routes:
  events:
    from: hook
    match: {type: "mfg.*"}
    to: erp
    order_by: item
    retry: {attempts: 20, initial: 20ms, max: 200ms}
    on_unknown: $1
journal: {map_size: 4GiB, retention: 1d}
END
}

# A port below the kernel's own range: a client that connects again and again to a port of that
# range while nobody listens ends up connected to itself.
free_port() {
    local p i
    for ((i = 0; i < 200; i++)); do
        p=$((12000 + (RANDOM * 32768 + RANDOM) % 18000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then
            echo "$p"
            return
        fi
    done
    return 1
}

core_answers() {
    kill -0 "$core_pid" 2>/dev/null || return 0
    [ -s "$work/hook.port" ] && "$busbar" status --json --state "$state"
}

# host_find ENDPOINT: the process of its host, in host_pid; one that was killed before does not count
host_find() {
    host_pid=$("$busbar" status --json --state "$state" 2>/dev/null |
        jq -r --arg n "$1" '.endpoints[] | select(.name == $n) | .pid')
    [ -n "$host_pid" ] && [ "$host_pid" -gt 1 ] && [ "$host_pid" != "$core_pid" ] &&
        grep -qs '^State:.[RSD]' "/proc/$host_pid/status"
}

kill_start() {
    killed_core=0 killed_host=0
    core_spawn
    wait_for 60 "the core" core_answers
}

# kill_rounds N: N kills of the running core and N of its hosts, by twos: a host that is killed again
# and again would only show its backoff. Counts killed_core, killed_host.
kill_rounds() {
    local n=$1 i name
    for ((i = 0; i < 2 * n; i++)); do
        kill -0 "$core_pid" 2>/dev/null || fail "the core ended by itself in round $i"
        # the point in time is the fault itself, drawn from the seed; nothing is awaited by it
        sleep "0.$(printf '%03d' $((20 + RANDOM % 380)))"
        if [ $((i % 4)) -lt 2 ] && [ "$killed_host" -lt "$n" ]; then
            name=$([ $((RANDOM % 2)) -eq 0 ] && echo erp || echo hook)
            wait_for 20 "a host of $name to kill" host_find "$name"
            kill -KILL "$host_pid"
            killed_host=$((killed_host + 1))
        else
            core_kill
            killed_core=$((killed_core + 1))
            core_spawn
            wait_for 60 "the core after kill $i" core_answers
        fi
    done
}

# lost_count: accepted ids that are neither applied at the plant nor pending or open
lost_count() {
    sort -u "$work/accepted" >"$work/a"
    jq -r 'select(.outcome == "applied" or .outcome == "double") | .id' "$work/erp.jsonl" |
        sort -u >"$work/b"
    comm -23 "$work/a" "$work/b" | wc -l
}

# missing_count: accepted ids that neither the plant nor the journal of the ended core knows
missing_count() {
    "$busbar" journal export --state "$state" 2>/dev/null | jq -r .id | sort -u >"$work/j"
    sort -u "$work/accepted" >"$work/a"
    jq -r .id "$work/erp.jsonl" | sort -u "$work/j" - >"$work/b"
    comm -23 "$work/a" "$work/b" | wc -l
}

# What came to the plant more than once: marks_count sets redelivered (arrivals that say they are
# one), keys_again (keys that came again) and unmarked (arrivals again that do not say it). Of n
# arrivals of a key all but the first must carry the mark; a slow call's line is written late, so the
# order of the lines says nothing.
marks_count() {
    read -r redelivered keys_again unmarked < <(jq -r '[.key, .redelivery] | @tsv' "$work/erp.jsonl" |
        awk -F'\t' '{ n[$1]++; if ($2 == "true") { m[$1]++; all++ } }
            END { for (k in n) if (n[k] > 1) { again++; if (m[k] < n[k] - 1) bad += n[k] - 1 - m[k] }
                  print all + 0, again + 0, bad + 0 }')
}

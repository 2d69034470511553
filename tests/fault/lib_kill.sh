# shellcheck shell=bash
# lib_kill.sh - kills a core (or its hosts) again and again under load and settles the account
#
# What was answered with 202 is in a file before it was counted; what reached the plant is in the
# plant's log. Whatever is in the first must be in the second once nothing is pending.

# kill_conf: a webhook and a sink with a probe, one lane an item
kill_conf() {
    hook_port=$(free_port)
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
      probe: {method: GET, path: "/applied/{key}"}
routes:
  events:
    from: hook
    match: {type: "mfg.*"}
    to: erp
    order_by: item
    retry: {attempts: 20, initial: 20ms, max: 200ms}
    on_unknown: probe
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

# kill_rounds N CORE_SHARE: N kills, of the core with that chance in percent, else of a host.
# Sets killed_core, killed_host.
kill_rounds() {
    local n=$1 share=$2 i pid name
    killed_core=0 killed_host=0
    core_spawn
    wait_for 60 "the core" core_answers
    for ((i = 0; i < n; i++)); do
        kill -0 "$core_pid" 2>/dev/null || fail "the core ended by itself in round $i"
        # the point in time is the fault itself, drawn from the seed; nothing is awaited by it
        sleep "0.$(printf '%03d' $((20 + RANDOM % 380)))"
        pid=
        if [ $((RANDOM % 100)) -ge "$share" ]; then
            name=$([ $((RANDOM % 2)) -eq 0 ] && echo erp || echo hook)
            pid=$("$busbar" status --json --state "$state" 2>/dev/null |
                jq -r --arg n "$name" '.endpoints[] | select(.name == $n) | .pid' || true)
        fi
        if [ -n "$pid" ] && [ "$pid" -gt 1 ]; then
            kill -KILL "$pid" 2>/dev/null || true
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

redelivered_count() {
    jq -r 'select(.redelivery) | .key' "$work/erp.jsonl" | sort -u | wc -l
}

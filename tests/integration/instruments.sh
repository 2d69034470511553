#!/usr/bin/env bash
# instruments.sh - the simulated plant and the load generator see what other tests rely on them to see
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl

deliver() { # deliver KEY LANE SEQ [curl's options]: the status
    local key=$1 lane=$2 seq=$3
    shift 3
    curl -s -o /dev/null -w '%{http_code}' --max-time 5 -H "Idempotency-Key: $key" "$@" \
        --data "$(event "id-$key" "$lane" "$seq")" "$erp/in" || true
}
zero() {
    curl -sf --max-time 5 -X PUT --data '' "$erp/control/zero" >/dev/null
}

plant_start --dedupe no
deliver a L 1 >/dev/null
deliver b L 2 >/dev/null
same "in order" "$(plant_get order_violations)" 0
deliver c L 1 >/dev/null
same "out of order" "$(plant_get order_violations)" 1
deliver b L 2 >/dev/null
same "a double" "$(plant_get doubles)" 1
same "and it was not marked" "$(plant_get unmarked)" 1
deliver b L 2 -H 'Busbar-Redelivery: true' >/dev/null
same "a marked one is a double all the same" "$(plant_get doubles)" 2
same "but marked" "$(plant_get unmarked)" 1
same "a probe of what was applied" "$(curl -s -o /dev/null -w '%{http_code}' "$erp/applied/b")" 200
same "a probe of what was not" "$(curl -s -o /dev/null -w '%{http_code}' "$erp/applied/z")" 404
curl -sf --max-time 5 -o /dev/null --data "[$(event x1 M 1),$(event x2 M 3),$(event x3 M 2)]" "$erp/in"
same "out of order inside an array" "$(plant_get order_violations)" 2
printf '%s\n%s\n' "$(event y1 N 1)" "$(event y2 N 2)" |
    curl -sf --max-time 5 -o /dev/null -H 'Content-Type: application/jsonl' --data-binary @- "$erp/in"
same "lines are items" "$(plant_get items)" 10
plant_faults "429=100"
same "throttled" "$(deliver t O 1)" 429
same "and not applied" "$(curl -s -o /dev/null -w '%{http_code}' "$erp/applied/t")" 404
plant_faults "reset=100"
same "broken off" "$(deliver r O 1)" 000
plant_faults ""
same "faults off" "$(deliver t O 1)" 201
bg_end "$erp_pid"

# what it applied is known after a restart; with --dedupe a repeat is no double
plant_start
same "a probe after a restart" "$(curl -s -o /dev/null -w '%{http_code}' "$erp/applied/b")" 200
deliver b L 2 >/dev/null
same "a repeat" "$(plant_get repeats)" 1
same "no double" "$(plant_get doubles)" 0
zero

# the load generator: every id that it says was accepted arrived, through faults, and no other
plant_faults "500=10,reset=10,429=5"
"$load" --url "$erp/in" --connections 8 --items 40 --messages 3000 --body-size 300 --retry \
    --accepted "$work/accepted" --prefix q >"$work/load.json" || fail "load: $(cat "$work/load.json")"
same "accepted" "$(jq .accepted "$work/load.json")" 3000
same "ids written" "$(sort -u "$work/accepted" | wc -l)" 3000
jq -r 'select(.outcome == "applied") | .id' "$work/erp.jsonl" | grep '^q' | sort -u >"$work/applied"
sort -u "$work/accepted" | comm -3 - "$work/applied" >"$work/differ"
same "ids that only one side has" "$(wc -l <"$work/differ")" 0
same "lanes out of order" "$(plant_get order_violations)" 0

#!/usr/bin/env bash
# epcis.sh - EPCIS events to inventory movements and production reports
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept: documents and single events in JSON. A jq step takes
# their shapes apart, a map makes instants and exact numbers, explode makes a message of each
# movement (tests/real/routes/epcis). Every event, every EPC and every quantity must be in what comes out.
. "$(dirname "$0")/../lib.sh"
. "$src/tests/schemas/lib.sh"
. "$src/tests/real/lib.sh"
need jq
[ -d "$data/epcis" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
validate_ready
routes_conf epcis
mapfile -t files < <(find "$data/epcis" -name '*.json' | sort)

jq -c '(.epcisBody.eventList // .epcisBody.queryResults.resultsBody.eventList // [.])[] | select(.eventTime)' \
    "${files[@]}" >"$work/events"
events() { # events FILTER: the sum over all events
    jq "$1" "$work/events" | jq -s 'add // 0'
}
transformations=$(events 'if .type == "TransformationEvent" then 1 else 0 end')

routes_start
n=0
for f in "${files[@]}"; do drop epcis "$f" "$((++n))-${f##*/}"; done
delivered document-to-events ${#files[@]}
movements=$(route_get event-to-movement accepted)
delivered event-to-movement "$movements"
delivered event-to-report "$transformations"
core_stop
books_balance
valid mfg.inventory-movement/1 "$movements"
valid mfg.production-report/1 "$transformations"

sum() { # sum TYPE FILTER
    jq "$2" "$OUT/$1.jsonl" | jq -s 'add // 0'
}
ok "${#files[@]} documents with $(wc -l <"$work/events") events"
same "events that no message names" "$(jq -s --slurpfile m <(cat "$OUT"/*.jsonl) \
    '([.[].eventID // empty] | unique) - [$m[].id] | length' "$work/events")" 0
same "messages that no event stands for" "$(jq -s --slurpfile m <(cat "$OUT"/*.jsonl) \
    '([$m[].id // empty] | unique) - [.[] | .eventID, .transformationID, .eventTime | select(.)] | length' "$work/events")" 0
same "EPCs" "$(($(sum mfg.inventory-movement '.serials // [] | length') +
    $(sum mfg.production-report '[(.consumed, .produced)[]? | .serials // [] | length] | add // 0')))" \
    "$(events '[.epcList, .childEPCs, .inputEPCList, .outputEPCList | . // [] | unique | length] | add')"
same "quantities of classes" "$(($(sum mfg.inventory-movement 'if .serials == null and .quantity then 1 else 0 end') +
    $(sum mfg.production-report '[(.consumed, .produced)[]? | select(.serials == null)] | length')))" \
    "$(events '[(.quantityList, .childQuantityList, .inputQuantityList, .outputQuantityList)[]? | select(.quantity)] | length')"
same "their sum" "$(jq -s '[(.[] | select(.serials == null and .quantity) | .quantity.value),
    (.[] | (.consumed, .produced)[]? | select(.serials == null) | .quantity.value)] | add' <(cat "$OUT"/*.jsonl))" \
    "$(events '[(.quantityList, .childQuantityList, .inputQuantityList, .outputQuantityList)[]? | .quantity // 0] | add // 0')"
reports='[.sensorElementList // [] | .[] | .sensorReport // [] | length] | add // 0'
same "sensor readings of transformations" "$(sum mfg.production-report '.measurements // [] | length')" \
    "$(events "select(.type == \"TransformationEvent\") | $reports")"
same "names of events with readings" \
    "$(cat "$OUT"/*.jsonl | jq -r 'select(.measurements) | .id // empty' | sort -u | wc -l)" \
    "$(jq -r "select(($reports) > 0)
        | .eventID // (if .type == \"TransformationEvent\" then .transformationID // .eventTime else empty end)" "$work/events" | sort -u | wc -l)"
jq -r .eventTime "$work/events" | sort -u | while read -r t; do date -u -d "$t" +%FT%T; done | sort -u >"$work/times"
same "times that are not these instants" "$(jq -r '.at[0:19]' "$OUT"/*.jsonl | sort -u | comm -3 - "$work/times" | wc -l)" 0
ok "$(wc -l <"$work/times") instants, of $(jq -r .eventTime "$work/events" | grep -vc 'Z$' || true) times with an offset"

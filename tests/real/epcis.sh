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
# epcis.sh - real EPCIS 2.0 documents, JSON and XML, through the wms connector's mapping
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept. Every document's events become movements that the model takes;
# the same document gives the same movements in both forms; what would be captured names the same things again.
limit=300
. "$(dirname "$0")/../lib.sh"
need jq
data=${BUSBAR_REAL_DATA:-$src/../shared/data}/epcis/openepcis
[ -d "$data/JSON/Capture/Documents" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
tool=$build/tests/real/epcis
documents=0 movements=0
: >"$work/all"
for f in "$data"/JSON/Capture/Documents/*.json; do
    name=$(basename "$f" .json)
    documents=$((documents + 1))
    "$tool" "$f" >"$work/json" 2>"$work/why" || fail "$name: $(head -n 1 "$work/why")"
    cat "$work/json" >>"$work/all"
    movements=$((movements + $(wc -l <"$work/json")))
    "$tool" --event "$f" >"$work/events" 2>"$work/why" || fail "$name, written again: $(head -n 1 "$work/why")"
    [ "$(wc -l <"$work/events")" = "$(wc -l <"$work/json")" ] || fail "$name: other events came back"
    # a class without a quantity is something that was seen, and nothing that could be posted
    [ "$(grep -cx '' "$work/events")" = "$(grep -c 'has no quantity' "$work/why")" ] || fail "$name: $(head -n 1 "$work/why")"
    # each thing that was named is named again
    jq -r '.. | objects | select(.quantity > 0) | .epcClass // empty | strings' "$f" | sort -u >"$work/named"
    sed '/^$/d' "$work/events" | jq -r '.. | .epcClass? // empty | strings' | sort -u >"$work/again"
    [ -z "$(comm -23 "$work/named" "$work/again")" ] || echo "# $name: $(comm -23 "$work/named" "$work/again" | paste -sd' ')" >>"$work/lost"
done
ok "$documents documents, $movements movements"
[ "$movements" -ge 100 ] || fail "so few movements"
[ ! -s "$work/lost" ] || { cat "$work/lost"; fail "things were not named again"; }
jq -cs '{"$ref": "urn:busbar:schema:mfg.inventory-movement:1"} as $s | [.[] | {schema: $s, document: .}]' "$work/all" >"$work/cases"
"$busbar" validate --batch --formats --remotes "$src/sdk/schemas" <"$work/cases" >"$work/verdicts" 2>&1 || true
bad=$(grep -vc '^valid' "$work/verdicts" || true)
[ "$bad" = 0 ] || { grep -v '^valid' "$work/verdicts" | head -n 5; fail "$bad movements are not as the model says"; }
ok "the model takes $(grep -c '^valid' "$work/verdicts") of them"
same=0
for f in "$data"/XML/Capture/Documents/*.xml; do
    name=$(basename "$f" .xml)
    [ -r "$data/JSON/Capture/Documents/$name.json" ] || continue
    "$tool" "$f" >"$work/xml" 2>"$work/why" || fail "$name.xml: $(head -n 1 "$work/why")"
    "$tool" "$data/JSON/Capture/Documents/$name.json" >"$work/json" 2>/dev/null || continue
    jq -S 'del(.id)' "$work/xml" >"$work/a" && jq -S 'del(.id)' "$work/json" >"$work/b"
    cmp -s "$work/a" "$work/b" && same=$((same + 1)) || echo "$name" >>"$work/other"
done
ok "$same documents give the same movements in both forms; other samples differ: $(paste -sd' ' "$work/other" 2>/dev/null || true)"
[ "$same" -ge 5 ] || fail "so few agree"

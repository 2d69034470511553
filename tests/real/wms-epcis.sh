#!/usr/bin/env bash
# wms-epcis.sh - real EPCIS 2.0 documents, JSON and XML, through the wms connector's mapping
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept. Every document's events become movements that the model takes;
# the same document gives the same movements in both forms; what would be captured names the same things again.
limit=300
. "$(dirname "$0")/../lib.sh"
need jq
data=${BUSBAR_REAL_DATA:-$src/../shared/data}/epcis/openepcis
[ -d "$data/JSON/Capture/Documents" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
tool=$build/tests/real/wms_epcis
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

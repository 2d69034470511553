#!/usr/bin/env bash
# versions.sh - a message of the old major becomes one of the new by the steps beside the schemas
#
# What must be so: the number keeps its digits, dataschema says the new version, nothing else changed.
limit=120
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need jq
here=$src/tests/schemas/versions
mkdir -p "$work/in" "$work/out"
cat >"$conf/up.yaml" <<END
endpoints:
  old: {connector: file, config: {directory: $work/in, pattern: "*.jsonl", format: events, retry: 100ms}}
  new: {connector: file, config: {path: $work/out/new.jsonl, content: event}}
routes:
  up:
    from: old
    to: new
    transform:
$(sed 's/^/      /' "$here/demo.bin-stock.1-2.yaml")
END
"$busbar" check -c "$conf" || fail "the steps are refused"
core_start
printf '%s\n' '{"specversion":"1.0","id":"1","source":"/wms","type":"demo.bin.stock","dataschema":"urn:busbar:schema:demo.bin-stock:1","data":{"bin":"01-02-03","item":"HOUSING-7","qty":12.50,"unit":"KGM"}}' \
    >"$work/in/a.part"
mv "$work/in/a.part" "$work/in/a.jsonl"
arrived() {
    [ -s "$work/out/new.jsonl" ]
}
wait_for 30 "the message" arrived
core_stop
grep -q '"value":12.50,' "$work/out/new.jsonl" || fail "the digits are not kept: $(cat "$work/out/new.jsonl")"
same "the new message" "$(jq -cS '{dataschema, data: (.data | .quantity.value = 0)}' "$work/out/new.jsonl")" \
    '{"data":{"item":{"id":"HOUSING-7"},"location":{"bin":"01-02-03"},"quantity":{"unit":"KGM","value":0}},"dataschema":"urn:busbar:schema:demo.bin-stock:2"}'
if "$busbar" validate --help >/dev/null 2>&1; then
    validate_ready
    jq .data "$work/out/new.jsonl" >"$work/new.json"
    validate demo.bin-stock/2 "$work/new.json" || fail "the new message does not follow the new schema"
    if validate demo.bin-stock/1 "$work/new.json" >"$work/out.log" 2>&1; then
        fail "the new message follows the old schema too"
    fi
    ok "it follows the new schema and not the old one"
fi

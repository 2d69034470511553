#!/usr/bin/env bash
# b2mml.sh - every transaction of the mes connector, and what the plant's MES answers, by MESA's own schemas
#
# Reads the schemas of B2MML 7 at $BUSBAR_REAL_DATA (else ../shared/data beside the source tree), of which
# nothing is kept.
limit=120
. "$(dirname "$0")/../lib.sh"
need xmllint curl
data=${BUSBAR_REAL_DATA:-$src/../shared/data}/b2mml/schema-v0700
[ -f "$data/AllSchemas.xsd" ] || skip "no B2MML schemas at $data (set BUSBAR_REAL_DATA to the folder of the samples)"
[ -x "$build/plugins/mes/tests/test_mes" ] || skip "the unit test of the connector is not built"
valid() { # valid WHAT FILE
    xmllint --noout --nonet --schema "$data/AllSchemas.xsd" "$2" >"$work/xmllint.log" 2>&1 ||
        fail "$1: $(head -n 3 "$work/xmllint.log")"
    ok "$1 is valid"
}
mkdir "$work/sent"
BUSBAR_MES_DUMP=$work/sent "$build/plugins/mes/tests/test_mes" >"$work/unit.log" || fail "$(cat "$work/unit.log")"
for f in "$work"/sent/*.xml; do
    valid "our $(basename "$f" .xml)" "$f"
done
same "transactions" "$(find "$work/sent" -name '*.xml' | wc -l)" 6
systems_start --systems erp,mes --seed 1
wait_for 20 "the port of the MES" test -s "$systems_dir/mes.port"
U=$(system_url mes)
ask() { # ask WHAT [curl options] PATH
    local what=$1
    shift
    curl -s --max-time 10 -u busbar:busbar -o "$work/answer.xml" "${@:1:$#-1}" "$U${*: -1}"
    valid "the plant's $what" "$work/answer.xml"
}
curl -sf -X POST "$U/control/do/produce" -d '{"count":20}' >/dev/null
ask "performances" "/b2mml/performances"
ask "orders" "/b2mml/orders?state=staged"
ask "bill" "/b2mml/bills?plant=1000&item=FG-10000"
ask "refusal" "/b2mml/bills?plant=1000&item=NOPE"
ask "confirmation" --data-binary "@$work/sent/bill.xml" /b2mml

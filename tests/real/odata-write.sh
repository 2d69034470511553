#!/usr/bin/env bash
# odata-write.sh - the sap connector writes to OData servers that nobody here wrote, read back with curl
#
# V4: simple-odata-server, with any entity by sap.entity.*. It has no CSRF, no ETag and no $batch, takes quotes out of
# keys, answers a key that it does not have with 200 and an empty list, and its numbers are doubles: what those would
# show, the plant shows. V2: SAP's mock server on the description of a real service: a deep insert, a changeset in
# $batch, MERGE as such and in a POST, behind its CSRF token; it does not check ETags and gives no cookies.
limit=240
. "$(dirname "$0")/../lib.sh"
. "$src/tests/real/npm/lib.sh"
need jq curl
npm_need odata-server
npm_server odata-server.mjs
V4=http://127.0.0.1:$server_port/odata v4_port=$server_port v2_port=1
data=${BUSBAR_REAL_DATA:-$src/../shared/data}
if [ -r "$data/sap-edmx/API_PRODUCT_SRV.edmx" ]; then
    npm_need sap-mockserver
    npm_server sap-mockserver.mjs "$(realpath "$data/sap-edmx")"
    v2_port=$server_port
fi
V2=http://127.0.0.1:$v2_port/sap/opu/odata/sap/API_PRODUCT_SRV
waivers=$(jq -rn --slurpfile f "$src/sdk/schemas/features.json" --slurpfile m "$src/plugins/sap/manifest.json" \
    '($f[0].features | map(.name)) - $m[0].bom_features | map("{feature: \(.), owner: test, until: \"2099-12-31\"}") | join(", ")')
cat >"$conf/sap.yaml" <<END
endpoints:
  in: {connector: http, config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}}
  v4: {connector: sap, config: {base_url: "http://127.0.0.1:$v4_port", csrf: false, services: {material: /odata}}}
  v2: {connector: sap, config: {base_url: "http://127.0.0.1:$v2_port", units: {H87: PC}}}
  tunnel: {connector: sap, config: {base_url: "http://127.0.0.1:$v2_port", tunnel: true}}
routes:
  to-v4: {from: in, to: v4, match: {type: "sap.entity.*", plant: v4}, order_by: item, on_failure: quarantine}
  to-v2: {from: in, to: v2, match: {type: "mfg.item.*"}, order_by: item, on_failure: quarantine, waive: [$waivers]}
  to-tunnel: {from: in, to: tunnel, match: {type: "sap.entity.*", plant: tunnel}, order_by: item, on_failure: quarantine}
END
core_start
n=0
give() { # give TYPE ITEM DATA [PLANT]
    jq -nc --arg t "$1" --arg item "$2" --arg p "${4:-v4}" --arg id "W$((++n))" --argjson d "$3" \
        '{specversion: "1.0", id: $id, source: "/test", type: $t, item: $item, plant: $p, data: $d}' >"$work/event"
    [ "$(post "$(cat "$work/event")")" = 202 ] || fail "not taken: $(cat "$work/answer")"
}
material() { # material VERB KEY MEMBERS
    give "sap.entity.$1" "$2" "{\"service\":\"material\",\"set\":\"Materials\",\"entity\":{\"_id\":\"$2\"$3}}"
}
told() { # told ROUTE: how many have ended
    [ "$(($(route_get "$1" delivered) + $(route_get "$1" quarantined)))" = "$2" ]
}
v4_get() { # v4_get KEY, percent-encoded
    curl -sf "$V4/Materials('$1')" | jq -c '.value[0] // {} | del(._id)'
}
sent() { # sent METHOD: how many requests the server saw
    grep -c "^$1 " "$work/odata-server.log" || true
}

# ---- V4: create, change, converge, delete, be refused ---------------------------------------------------
for ((k = 1; k <= 40; k++)); do
    material create "M-$k" ",\"Name\":\"Müller & Söhne $k\",\"Weight\":$k.125,\"Count\":$k,\"Active\":true,\"ChangedAt\":\"2026-11-28T08:00:00Z\""
done
material create "10% a/b+c?" ',"Name":"a key that needs care"'
wait_for 60 "41 entities" told to-v4 41
same "V4: created, as curl sees them" "$(curl -sf "$V4/Materials" | jq '.value | length')" 41
same "V4: one of them" "$(v4_get M-7)" \
    '{"Name":"Müller & Söhne 7","Weight":7.125,"Count":7,"Active":true,"ChangedAt":"2026-11-28T08:00:00Z"}'
same "V4: a key with what URLs are made of" "$(v4_get '10%25%20a%2Fb%2Bc%3F')" '{"Name":"a key that needs care"}'
for ((k = 1; k <= 20; k++)); do material upsert "M-$k" ",\"Count\":$((k + 1000))"; done
material upsert "10% a/b+c?" ',"Active":true'
material upsert "M-41" ',"Weight":9999999999.123'
wait_for 60 "22 upserts" told to-v4 63
same "V4: changed, the rest is as it was" "$(v4_get M-7)" \
    '{"Name":"Müller & Söhne 7","Weight":7.125,"Count":1007,"Active":true,"ChangedAt":"2026-11-28T08:00:00Z"}'
same "V4: changed under the odd key" "$(v4_get '10%25%20a%2Fb%2Bc%3F')" '{"Name":"a key that needs care","Active":true}'
same "V4: an upsert made one, every digit" "$(curl -sf "$V4/Materials('M-41')" | grep -o '"Weight":[^,}]*' | head -n 1)" '"Weight":9999999999.123'
same "V4: requests" "$(sent POST) $(sent PATCH)" "42 21"
material upsert M-7 ',"Count":1007,"Weight":"7.125"'
wait_for 30 "the same again" told to-v4 64
same "V4: the same again writes nothing" "$(sent PATCH)" 21
give sap.entity.delete M-8 '{"service":"material","set":"Materials","key":{"_id":"M-8"}}'
wait_for 30 "the deletion" told to-v4 65
same "V4: deleted" "$(v4_get M-8)" '{}'
same "V4: nothing refused so far" "$(route_get to-v4 quarantined)" 0
material create M-50 ',"Count":-1'
material change M-51 ',"Count":1'
material create M-52 ',"Colour":"red"'
wait_for 30 "three refusals" told to-v4 68
"$busbar" quarantine list --json --state "$state" >"$work/refused"
for words in "Count is negative" "there is none with that key" "no property Colour"; do
    grep -qF "$words" "$work/refused" || fail "no \"$words\" in $(cat "$work/refused")"
done
same "V4: refused by the server, by the key, by \$metadata" "$(route_get to-v4 quarantined)" 3

# ---- V2: SAP's mock server ------------------------------------------------------------------------------------
if [ "$v2_port" = 1 ]; then
    echo "skipped: V2: no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
else
    v2_get() { # v2_get PATH FILTER
        curl -sf -g "$V2/$1" | jq -c "$2"
    }
    seen() { # seen METHOD AND PATH
        grep -c "^$1" "$work/sap-mockserver.log" || true
    }
    item() { # item TYPE NUMBER WEIGHT NAME
        give "$1" "$2" "{\"item\":{\"id\":\"$2\"},\"baseUnit\":\"H87\",\"status\":\"active\",\"kind\":\"finished\",\"name\":\"$4\",
            \"grossWeight\":{\"value\":$3,\"unit\":\"KGM\"},\"plants\":[{\"plant\":\"1000\",\"planning\":{\"type\":\"PD\"}}]}"
    }
    item mfg.item.created FG-1 1.25 "Pump, 4 kW"
    wait_for 30 "a new item" told to-v2 1
    same "V2: a deep insert" "$(v2_get "A_Product('FG-1')?\$expand=to_Plant,to_Description" '.d | [.ProductType, .BaseUnit,
        (.GrossWeight | tostring), .to_Description.results[0].ProductDescription, .to_Plant.results[0].MRPType]')" \
        '["FERT","PC","1.25","Pump, 4 kW","PD"]'
    item mfg.item.changed Product5 12.75 "Valve"
    wait_for 30 "a changed item" told to-v2 2
    same "V2: one changeset: the item" "$(v2_get "A_Product('Product5')" '.d | [.BaseUnit, (.GrossWeight | tostring)]')" '["PC","12.75"]'
    same "V2: its description" "$(v2_get "A_ProductDescription(Product='Product5',Language='EN')" .d.ProductDescription)" '"Valve"'
    same "V2: its plant" "$(v2_get "A_ProductPlant(Product='Product5',Plant='1000')" .d.MRPType)" '"PD"'
    same "V2: requests" "$(seen 'POST .*\$batch') $(seen 'POST .*A_Product$') $(seen MERGE)" "1 1 0"
    item mfg.item.changed Product5 12.75 "Valve"
    wait_for 30 "the same again" told to-v2 3
    same "V2: the same again writes nothing" "$(seen 'POST .*\$batch')" 1
    tunnel() { # tunnel VERB MEMBERS
        give "sap.entity.$1" "T" "{\"service\":\"product\",\"set\":\"A_ProductPlant\",$2}" tunnel
    }
    tunnel change '"entity":{"Product":"Product9","Plant":"Pla9","MRPType":"VB"}'
    wait_for 30 "a MERGE in a POST" told to-tunnel 1
    same "V2: MERGE in a POST" "$(v2_get "A_ProductPlant(Product='Product9',Plant='Pla9')" .d.MRPType)" '"VB"'
    same "V2: how it was sent" "$(seen "POST .*A_ProductPlant(Product='Product9'") $(seen MERGE)" "1 0"
    tunnel delete '"key":{"Product":"Product9","Plant":"Pla9"}'
    wait_for 30 "a deletion" told to-tunnel 2
    same "V2: deleted" "$(curl -s -o /dev/null -w '%{http_code}' "$V2/A_ProductPlant(Product='Product9',Plant='Pla9')")" 404
    same "V2: refused" "$(route_get to-v2 quarantined)/$(route_get to-tunnel quarantined)" 0/0
fi
core_stop
books_balance

#!/usr/bin/env bash
# plant-erp-odata.sh - the plant's ERP behaves as SAP-style OData servers do: a check for each behaviour
# of a list of thirteen, and for the faults that its control API makes
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl xmllint
systems_start --systems erp --seed 1 --max-body 65536
U=$(system_url erp)
S=$U/sap/opu/odata/sap
BOM="$S/API_BILL_OF_MATERIAL_SRV;v=0002"
DOC=$S/API_MATERIAL_DOCUMENT_SRV
ORD=$S/API_PRODUCTION_ORDER_2_SRV
P4=$U/sap/opu/odata4/sap/api_product/srvd_a2x/sap/product/0002
jar=$work/jar

# c [curl options] URL: as the user; the body is in $body, the status printed, the headers in $heads
body=$work/body heads=$work/heads
c() {
    curl -s -u busbar:busbar --max-time 10 -b "$jar" -D "$heads" -o "$body" -w '%{http_code}' "$@"
}
w() { # a write: with the session's token
    c -H "x-csrf-token: $token" -H 'Content-Type: application/json' "$@"
}
head_of() { # head_of NAME: of the last answer
    tr -d '\r' <"$heads" | sed -n "s/^$1: //Ip" | head -n 1
}
session() {
    rm -f "$jar"
    token=$(curl -s -u busbar:busbar -c "$jar" -D - -o /dev/null -H 'x-csrf-token: Fetch' "$S/API_PRODUCT_SRV/" |
        tr -d '\r' | sed -n 's/^x-csrf-token: //Ip')
}
get() { # get FILTER: of the last body
    jq -r "$1" "$body"
}
control() { # control WHAT JSON
    curl -sf --max-time 10 -X PUT --data "$2" "$U/control/$1" >/dev/null
}
effects() {
    curl -sf "$U/control/effects" | jq -r ".$1"
}
move() { # move TYPE CODE QTY [more members of the item]: a material document's body
    printf '{"GoodsMovementCode":"%s","ReferenceDocument":"%s","to_MaterialDocumentItem":[{"Material":"RM-10701",
        "Plant":"1000","StorageLocation":"0001","GoodsMovementType":"%s","QuantityInEntryUnit":"%s"%s}]}' \
        "$2" "${ref:-}" "$1" "$3" "${4:-}"
}
stock() { # stock ITEM PLANT LOCATION
    local where="Material eq '$1' and Plant eq '$2' and StorageLocation eq '$3' and InventoryStockType eq '01'" status
    status=$(c "$S/API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod?\$filter=$(jq -rn --arg s "$where" '$s | @uri')")
    [ "$status" = 200 ] || fail "stock: $status $(get .error.message.value)"
    get '.d.results[0].MatlWrhsStkQtyInMatlBaseUnit'
}

# 1. CSRF: a token and all cookies are one lease
touch "$jar"
same "1 a write without a session" "$(c -X POST -H 'Content-Type: application/json' -d '{}' "$DOC/A_MaterialDocumentHeader")" 403
same "1 says so" "$(head_of x-csrf-token) $(head_of content-type)" "Required text/plain;charset=utf-8"
session
same "1 cookies of a session" "$(grep -c '127.0.0.1' "$jar")" 2
sed -i '/usercontext/d' "$jar"
same "1 the token without one of its cookies" "$(w -d "$(move 561 05 1)" "$DOC/A_MaterialDocumentHeader")" 403
old=$token
session
token=$old
same "1 an older token with newer cookies" "$(w -d "$(move 561 05 1)" "$DOC/A_MaterialDocumentHeader")" 403
session
ref=T1 before=$(stock RM-10701 1000 0001)
same "1 token and cookies" "$(w -d "$(move 561 05 1000)" "$DOC/A_MaterialDocumentHeader")" 201
same "1 and the stock moved" "$(stock RM-10701 1000 0001)" $((before + 1000))

# 2. ETag, as $metadata says
c "$ORD/\$metadata" >/dev/null
same "2 ETags by metadata" "$(xmllint --xpath 'count(//*[@ConcurrencyMode="Fixed"])' "$body")" 1
c "$BOM/\$metadata" >/dev/null
same "2 BOMs have none" "$(xmllint --xpath 'count(//*[@ConcurrencyMode])' "$body")" 0
order="$ORD/A_ProductionOrder_2('1000002')"
same "2 without If-Match" "$(w -X PATCH -d '{"TotalQuantity":"55"}' "$order")" 428
c "$order" >/dev/null
etag=$(head_of etag)
same "2 the body has it too" "$(get .d.__metadata.etag)" "$etag"
same "2 with it" "$(w -X PATCH -H "If-Match: $etag" -d '{"TotalQuantity":"55"}' "$order")" 204
same "2 stale" "$(w -X PATCH -H "If-Match: $etag" -d '{"TotalQuantity":"56"}' "$order")" 412
same "2 a star" "$(w -X PATCH -H 'If-Match: *' -d '{"TotalQuantity":"57"}' "$order")" 204
c "$order" >/dev/null
same "2 the last one holds" "$(get .d.TotalQuantity)" 57

# 3. a duplicate key: 500 with a database's code, or 400
key='"Material":"RM-10800","Plant":"1000","BillOfMaterial":"60000001"'
same "3 the first" "$(w -d "{$key}" "$BOM/MaterialBOM")" 201
same "3 the second" "$(w -d "{$key}" "$BOM/MaterialBOM") $(get .error.code)" "500 SQL/301"
control options '{"duplicate":"400"}'
same "3 or so" "$(w -d "{$key}" "$BOM/MaterialBOM") $(get .error.code)" "400 BOM/046"

# 4. errors: V2, V4, text
same "4 V2" "$(w -d '{"Material":"NOPE","Plant":"1000"}' "$BOM/MaterialBOM") $(get '.error.message.value')" \
    "400 Material NOPE does not exist"
same "4 V2 inside" "$(get '.error.innererror | (.errordetails[0].message | type) + (.transactionid | type) + (.Error_Resolution | type)')" \
    stringstringobject
control options '{"error_message_object":1}'
w -d '{"Material":"NOPE","Plant":"1000"}' "$BOM/MaterialBOM" >/dev/null
same "4 or an object" "$(get '.error.innererror.errordetails[0].message.value')" "Material NOPE does not exist"
same "4 V4" "$(c "$P4/Product('NOPE')") $(get '.error | (.message | type) + (.details | type) + (.target | type)')" \
    "404 stringarraystring"
same "4 401" "$(curl -s -o /dev/null -w '%{http_code} %{content_type}' "$S/API_PRODUCT_SRV/")" "401 text/plain;charset=utf-8"

# 5. values
c "$BOM/MaterialBOM(BillOfMaterial='00000001',BillOfMaterialCategory='M',BillOfMaterialVariant='01',BillOfMaterialVersion='',EngineeringChangeDocument='',Material='FG-10000',Plant='1000')" >/dev/null
same "5 the last day" "$(get .d.HeaderValidityEndDate)" '/Date(253402214400000)/'
same "5 an instant" "$(get .d.LastChangeDateTime)" '/Date(1735689600000+0000)/'
c "$order" >/dev/null
same "5 a time of day" "$(get .d.MfgOrderPlannedStartTime)" PT08H30M00S
same "5 a decimal in" "$(w -X PATCH -d '{"GrossWeight":"12.500"}' "$S/API_PRODUCT_SRV/A_Product('FG-10000')")" 204
c "$S/API_PRODUCT_SRV/A_Product('FG-10000')" >/dev/null
same "5 a decimal out" "$(get '.d.GrossWeight | tojson')" '"12.5"'
c "$P4/Product('FG-10000')" >/dev/null
same "5 V4: a number, every digit" "$(grep -o '"GrossWeight":[^,]*' "$body")" '"GrossWeight":12.5'
same "5 13 digits stay" "$(w -X PATCH -d '{"GrossWeight":9999999999.123}' "$S/API_PRODUCT_SRV/A_Product('FG-10001')")" 204
c "$P4/Product('FG-10001')" >/dev/null
same "5 all of them" "$(grep -o '"GrossWeight":[^,]*' "$body")" '"GrossWeight":9999999999.123'
same "5 one too many" "$(w -X PATCH -d '{"GrossWeight":"1.2345"}' "$S/API_PRODUCT_SRV/A_Product('FG-10001')")" 400

# 6. PATCH and MERGE
product=$S/API_PRODUCT_SRV/A_Product\(\'FG-10002\'\)
same "6 MERGE" "$(w -X MERGE -d '{"ProductOldID":"a"}' "$product")" 204
same "6 POST as MERGE" "$(w -X POST -H 'X-HTTP-Method: MERGE' -d '{"ProductOldID":"b"}' "$product")" 204
control options '{"patch_answer":"200"}'
same "6 200 and a body" "$(w -X PATCH -d '{"ProductOldID":"c"}' "$product") $(get .d.ProductOldID)" "200 c"
control options '{"patch_answer":"204"}'
same "6 V4" "$(w -X PATCH -H 'If-Match: *' -d '{"ProductOldID":"d"}' "$P4/Product('FG-10002')")" 204

# 7. batches
part() { # part BODY
    printf -- '--set\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n'
    printf 'POST A_MaterialDocumentHeader HTTP/1.1\r\nContent-Type: application/json\r\n\r\n%s\r\n' "$1"
}
batch() { # batch BODY...: a changeset of them, then a GET
    printf -- '--all\r\nContent-Type: multipart/mixed; boundary=set\r\n\r\n'
    for one; do part "$one"; done
    printf -- '--set--\r\n--all\r\nContent-Type: application/http\r\n\r\nGET A_MaterialDocumentHeader/$count HTTP/1.1\r\n\r\n\r\n--all--\r\n'
}
post_batch() {
    c -H "x-csrf-token: $token" -H 'Content-Type: multipart/mixed; boundary=all' --data-binary @"$work/batch" "$DOC/\$batch"
}
ref=B1
batch "$(move 561 05 1)" "$(move 561 05 2)" >"$work/batch"
same "7 a changeset" "$(post_batch) $(grep -c '^HTTP/1.1 201' "$body") $(grep -c '^HTTP/1.1 200' "$body")" "202 2 1"
before=$(stock RM-10701 1000 0001)
batch "$(move 561 05 1)" "$(move 561 05 0)" "$(move 561 05 3)" >"$work/batch"
same "7 a failed one: one part, no later ones" "$(post_batch) $(grep -c '^HTTP/1.1' "$body") $(grep -c '^HTTP/1.1 400' "$body")" "202 1 1"
same "7 nothing of it is left" "$(stock RM-10701 1000 0001)" "$before"
jq -n '{requests: [{id: "1", atomicityGroup: "g", method: "PATCH", url: "Product('"'FG-10003'"')",
    headers: {"if-match": "*"}, body: {ProductOldID: "x"}},
    {id: "2", atomicityGroup: "g", method: "PATCH", url: "Product('"'NOPE'"')", body: {ProductOldID: "y"}},
    {id: "3", method: "GET", url: "Product('"'FG-10003'"')"}]}' >"$work/json"
same "7 JSON" "$(w -d @"$work/json" "$P4/\$batch") $(get '[.responses[].status] | join(" ")')" "200 204 404 200"
same "7 though the group failed" "$(get '.responses[2].body.ProductOldID | tojson')" '""'

# 8. paging and encoding
control options '{"page":40}'
c "$S/API_PRODUCT_SRV/A_Product?\$top=90&\$select=Product&\$inlinecount=allpages" >/dev/null
same "8 a page" "$(get '.d.results | length') of $(get .d.__count)" "40 of 2000"
next=$(get .d.__next) seen=40
[[ $next == http://* ]] || fail "8 __next is not absolute: $next"
while [ "$next" != null ]; do
    c -g "$next" >/dev/null
    seen=$((seen + $(get '.d.results | length'))) next=$(get .d.__next)
done
same "8 \$top over pages" "$seen" 90
c "$P4/Product?\$select=Product" >/dev/null
same "8 V4 is relative" "$(get '."@odata.nextLink"')" 'Product?$select=Product&%24skiptoken=40'
control options '{"page":100,"top_cap":10}'
c "$S/API_PRODUCT_SRV/A_Product?\$top=90" >/dev/null
same "8 \$top capped in silence" "$(get '.d.results | length') $(get .d.__next)" "10 null"
control options '{"top_cap":1000000}'
same "8 a plus is a plus" "$(c "$S/API_PRODUCT_SRV/A_Product?\$filter=Product+eq+'FG-10000'")" 400
same "8 an encoded key" "$(w -d '{"Product":"A/B (1)","BaseUnit":"PC"}' "$S/API_PRODUCT_SRV/A_Product")" 201
same "8 a quoted name" "$(w -d '{"Product":"Q\"1\\2","BaseUnit":"PC"}' "$S/API_PRODUCT_SRV/A_Product") $(get .d.Product)" '201 Q"1\2'
same "8 in its event" "$(curl -s "$U/control/events" | jq -r '.events | last | .body.data.Product')" 'Q"1\2'
same "8 the slash found" "$(c "$S/API_PRODUCT_SRV/A_Product('A%2FB%20%281%29')") $(get .d.Product)" "200 A/B (1)"

# 9. limits
head -c 70000 /dev/zero | tr '\0' ' ' >"$work/big"
same "9 a body too big" "$(w --data-binary @"$work/big" "$DOC/A_MaterialDocumentHeader")" 413
control faults '{"rules":[{"fault":"429","count":1,"retry_after":"7"},{"fault":"429","count":1,"retry_after":""},
    {"fault":"429","count":1,"retry_after":"date:5"}]}'
same "9 seconds" "$(c "$product") $(head_of retry-after)" "429 7"
same "9 nothing" "$(c "$product") $(head_of retry-after)" "429 "
same "9 a date" "$(c "$product") $(head_of retry-after | grep -c 'GMT$')" "429 1"
same "9 over" "$(c "$product")" 200
control options '{"rate":3}'
for _ in 1 2 3 4 5 6 7 8; do
    printf '%s %s\n' "$(c "$product")" "$(head_of retry-after)"
done >"$work/codes" # eight calls fit into two seconds at the worst
[ "$(grep -c '^429 1$' "$work/codes")" -ge 2 ] || fail "9 a burst: $(tr '\n' ' ' <"$work/codes")"
ok "9 a burst"
control options '{"rate":0}'

# 10. messages and correlation
ref=W1
same "10 a warning" "$(w -H 'X-Correlation-ID: c-10' -d "$(move 561 05 1 | sed 's/^{/{"PostingDate":"\\\/Date(1767225600000)\\\/",/')" \
    "$DOC/A_MaterialDocumentHeader") $(head_of sap-message | jq -r .code)" "201 M7/089"
same "10 our id" "$(head_of x-correlation-id)" c-10
po=$U/sap/opu/odata4/sap/api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001
same "10 V4 has entities" "$(c "$po/PurchaseOrder?\$top=1&\$expand=_PurchaseOrderItem") $(get '.value[0]._PurchaseOrderItem | length')" "200 1"

# 11. deep changes
deep='{"Material":"RM-10802","Plant":"1000","to_BillOfMaterialItem":{"results":[
    {"BillOfMaterialItemNumber":"0010","BillOfMaterialComponent":"RM-10803","BillOfMaterialItemQuantity":"1"},
    {"BillOfMaterialItemNumber":"0020","BillOfMaterialComponent":"RM-10804","BillOfMaterialItemQuantity":"2"}]}}'
same "11 a deep insert" "$(w -d "$deep" "$BOM/MaterialBOM") $(get '.d.to_BillOfMaterialItem.results | length')" "201 2"
bom=$(get .d.__metadata.uri) number=$(get .d.BillOfMaterial)
same "11 a deep PATCH" "$(w -g -X PATCH -d '{"BOMHeaderText":"x","to_BillOfMaterialItem":[{"BillOfMaterialItemNumber":"0030",
    "BillOfMaterialComponent":"RM-10805","BillOfMaterialItemQuantity":"3"}]}' "$bom")" 204
c -g "$bom/to_BillOfMaterialItem" >/dev/null
same "11 replaces" "$(get '[.d.results[].BillOfMaterialItemNumber] | join(" ")')" 0030
node=$(get '.d.results[0].BillOfMaterialItemNodeNumber')
w -d '{"ChangeNumber":"ECO-1","ChangeNumberValidFromDate":"2027-03-01T00:00:00"}' "$S/API_CHANGEMASTER;v=0002/A_ChangeMaster" >/dev/null
keys="BillOfMaterial='$number'&BillOfMaterialCategory='M'&BillOfMaterialVariant='01'&Material='RM-10802'&Plant='1000'"
same "11 under a change number" "$(w -X POST "$BOM/UpdateBOMItemWithECN?$keys&BillOfMaterialItemNodeNumber='$node'&EngineeringChangeDocument='ECO-1'&BillOfMaterialItemQuantity=4.5M")" 200
same "11 a new item" "$(get '.d | .BillOfMaterialItemQuantity + " " + .ValidityStartDate')" "4.5 /Date(1803859200000)/"
c -g "$bom/to_BillOfMaterialItem" >/dev/null
same "11 the old one ends" "$(get '[.d.results[].ValidityEndDate] | sort | join(" ")')" "/Date(1803772800000)/ /Date(253402214400000)/"
node=$(get '.d.results[1].BillOfMaterialItemNodeNumber')
same "11 deleted so" "$(w -X POST "$BOM/DeleteBOMItemWithECN?$keys&BillOfMaterialItemNodeNumber='$node'&EngineeringChangeDocument='ECO-1'")" 200
w -X POST "$S/API_CHANGEMASTER;v=0002/ReleaseChangeNumber?ChangeNumber='ECO-1'" >/dev/null
same "11 released is frozen" "$(w -X POST "$BOM/DeleteBOMItemWithECN?$keys&BillOfMaterialItemNodeNumber='$node'&EngineeringChangeDocument='ECO-1'") $(get .error.code)" "400 CZ/050"
bad() { # bad COMPONENT QTY: into a new BOM
    printf '{"Material":"RM-10810","Plant":"3000","to_BillOfMaterialItem":[{"BillOfMaterialItemNumber":"0010",
        "BillOfMaterialComponent":"%s","BillOfMaterialItemQuantity":"%s"}]}' "$1" "$2"
}
same "11 missing" "$(w -d "$(bad NOPE 1)" "$BOM/MaterialBOM") $(get .error.code)" "400 M3/305"
same "11 inactive" "$(w -d "$(bad RM-11940 1)" "$BOM/MaterialBOM") $(get .error.code)" "400 29/066"
same "11 not in the plant" "$(w -d "$(bad RM-11950 1)" "$BOM/MaterialBOM") $(get .error.code)" "400 M3/351"
same "11 no quantity" "$(w -d "$(bad RM-10811 0)" "$BOM/MaterialBOM") $(get .error.code)" "400 29/027"
same "11 itself" "$(w -d "$(bad RM-10810 1)" "$BOM/MaterialBOM") $(get .error.code)" "400 29/021"
same "11 none of it is there" "$(c "$BOM/MaterialBOM/\$count?\$filter=Material%20eq%20'RM-10810'") $(cat "$body")" "200 0"
same "11 on change too" "$(w -g -X POST -d '{"BillOfMaterialItemNumber":"0040","BillOfMaterialComponent":"RM-11940","BillOfMaterialItemQuantity":"1"}' \
    "$bom/to_BillOfMaterialItem") $(get .error.code)" "400 29/066"
key="BillOfMaterial='00000001',BillOfMaterialCategory='M',BillOfMaterialVariant='01',BillOfMaterialVersion='',Material='FG-10000',Plant='1000'"
w -X PATCH -d '{"BOMItemText2":"x"}' "$BOM/MaterialBOMItem($key,BillOfMaterialItemNodeNumber='00000001',HeaderChangeDocument='')" >/dev/null
c "$BOM/MaterialBOM($key,EngineeringChangeDocument='')" >/dev/null
same "11 an item's change is its BOM's" "$(get '.d.LastChangeDateTime | ltrimstr("/Date(") | .[:10] | tonumber > 1735689600')" true

# 12. events carry keys only
same "12 keys" "$(curl -s "$U/control/events" | jq -c '[.events[] | select(.type | startswith("sap.s4.beh.billofmaterial"))] | .[0].body.data | keys')" \
    '["BillOfMaterial","BillOfMaterialCategory","BillOfMaterialVariant","Material","Plant"]'

# ... and are sent, signed, in order, until they are taken
need openssl
bg "$work/hook.log" "$plant" --port-file "$work/hook.port" --log "$work/hook.jsonl" --key header:webhook-id \
    --id header:webhook-signature --lane header:webhook-timestamp --dedupe no
hook_pid=$bg_pid
wait_for 20 "the subscriber" test -s "$work/hook.port"
hook=http://127.0.0.1:$(cat "$work/hook.port")
curl -sf -X PUT -d '503=100' "$hook/control/faults" >/dev/null
control subscriptions "{\"url\":\"$hook/x\",\"types\":\"sap.s4.beh.product\",\"secret\":\"whsec_$(printf 'a secret of the plant' | base64)\"}"
w -X MERGE -d '{"ProductOldID":"e"}' "$product" >/dev/null
w -X MERGE -d '{"ProductOldID":"f"}' "$product" >/dev/null
wait_for 10 "a refusal" bash -c "[ \$(curl -s '$hook/summary' | jq .refused) -ge 1 ]"
curl -sf -X PUT -d '' "$hook/control/faults" >/dev/null
wait_for 10 "both" bash -c "[ \$(curl -s '$hook/summary' | jq .applied) -eq 2 ]"
grep '"outcome":"applied"' "$work/hook.jsonl" >"$work/taken"
same "12 in order" "$(jq -r .key "$work/taken" | sort -u | wc -l) $(jq -r .key "$work/taken" | sort -t- -c -k2,2n && echo sorted)" "2 sorted"
n=$(head -n 1 "$work/taken" | jq -r '.key | ltrimstr("erp-")')
curl -s "$U/control/events" | jq -j ".events[] | select(.n == $n) | .raw" >"$work/event"
mac=$(printf 'erp-%s.%s.%s' "$n" "$(head -n 1 "$work/taken" | jq -r .lane)" "$(cat "$work/event")" |
    openssl dgst -sha256 -hmac 'a secret of the plant' -binary | base64)
same "12 signed" "$(head -n 1 "$work/taken" | jq -r .id)" "v1,$mac"

# 13. locks and what a person must mend
control lock '{"object":"RM-10802","user":"MILLER","seconds":60}'
same "13 a BOM" "$(w -g -X PATCH -d '{"BOMHeaderText":"y"}' "$bom") $(get '.error | .code + " " + .message.value')" \
    "400 BOM206 BOM of material RM-10802 is locked by user MILLER"
same "13 V4" "$(w -X PATCH -H 'If-Match: *' -d '{"ProductOldID":"d"}' "$P4/Product('RM-10802')") $(get .error.code)" "423 M3/024"
control lock '{"object":"RM-10802","seconds":0}'
same "13 unlocked" "$(w -g -X PATCH -d '{"BOMHeaderText":"y"}' "$bom")" 204
before=$(stock RM-10701 1000 0001)
same "13 deficit" "$(w -d "$(move 551 03 99999999)" "$DOC/A_MaterialDocumentHeader") $(get .error.code)" "400 M7/021"
same "13 nothing moved" "$(stock RM-10701 1000 0001)" "$before"
control options '{"period_open_from":"2026-11-01"}'
same "13 a closed period" "$(w -d "$(move 561 05 1 | sed 's/^{/{"PostingDate":"2026-10-31T00:00:00",/')" "$DOC/A_MaterialDocumentHeader") $(get .error.code)" "400 M7/053"

# credentials
t=$(curl -s -u busbar:busbar -d grant_type=client_credentials "$U/oauth2/token" | jq -r .access_token)
bearer() {
    curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $t" "$product"
}
same "a token" "$(bearer)" 200
same "a wrong secret" "$(curl -s -o /dev/null -w '%{http_code}' -u busbar:no -d grant_type=client_credentials "$U/oauth2/token")" 401
control faults '{"rules":[{"fault":"token","count":1,"match":"A_Product"}]}'
same "a token that is void" "$(bearer)" 401

# faults around an effect
n=$(effects effects)
post() { # post FAULT...: one document under that rule; curl's own code and the status
    control faults "{\"rules\":[{\"method\":\"POST\",\"count\":1,$1}]}"
    w --max-time "${patience:-10}" -d "$(move 561 05 1)" "$DOC/A_MaterialDocumentHeader" || printf ' %s' "$?"
}
ref=F1
same "500 before" "$(post '"fault":"500"') $(($(effects effects) - n))" "500 0"
same "500 after" "$(post '"fault":"500","when":"after"') $(($(effects effects) - n))" "500 1"
same "reset before" "$(post '"fault":"reset"') $(($(effects effects) - n))" "000 56 1"
same "reset after" "$(post '"fault":"reset","when":"after"') $(($(effects effects) - n))" "000 56 2"
same "late" "$(patience=1 post '"fault":"late","ms":3000') $(($(effects effects) - n))" "000 28 3"
same "not yet" "$(patience=1 post '"fault":"latency","ms":1500') $(($(effects effects) - n))" "000 28 3"
wait_for 5 "an effect after its caller left" bash -c "[ \$(curl -s '$U/control/effects' | jq .effects) -eq $((n + 4)) ]"
same "truncated" "$(post '"fault":"truncate"')" "201 18"
same "dripped" "$(post '"fault":"drip","chunk":2000')" 201
same "locked" "$(post '"fault":"lock"') $(get .error.code)" "400 M3/024"
same "session lost" "$(post '"fault":"csrf"')" 403
same "down" "$(post '"fault":"down"')" "000 56"
same "doubles of one reference" "$(effects doubles)" 6 # B1: one; F1: five
same "and by key" "$(curl -s "$U/control/effects?key=F1&doubles=1" | jq '.rows | length')" 6

# IDocs
session
idoc() { # idoc TYPE NUMBER SEGMENTS: its status
    c -H 'Content-Type: text/xml' -d "<$1><IDOC BEGIN=\"1\"><EDI_DC40 SEGMENT=\"1\"><DOCNUM>$2</DOCNUM><IDOCTYP>$1</IDOCTYP>
        <SNDPRN>BUSBAR</SNDPRN></EDI_DC40>$3</IDOC></$1>" "$U/sap/bc/idoc_xml?sap-client=100" >"$work/code"
    printf '%s %s' "$(cat "$work/code")" "$(xmllint --xpath 'string(/IDOC/STATUS)' "$body")"
}
control faults '{"rules":[]}'
control options '{"idoc_out":"1"}'
same "MATMAS in" "$(idoc MATMAS05 17 '<E1MARAM><MATNR>IDOC-1</MATNR><MEINS>PC</MEINS><NTGEW>1.250</NTGEW>
    <E1MAKTM><MAKTX>by IDoc &amp; co</MAKTX></E1MAKTM><E1MARCM><WERKS>1000</WERKS><BESKZ>F</BESKZ></E1MARCM></E1MARAM>')" "200 53"
same "the item is there" "$(c "$S/API_PRODUCT_SRV/A_Product('IDOC-1')/to_Description") $(get '.d.results[0].ProductDescription')" \
    "200 by IDoc & co"
same "DELVRY in" "$(idoc DELVRY03 18 '<E1EDL20><VBELN>A1</VBELN><E1EDL24><POSNR>10</POSNR><MATNR>IDOC-1</MATNR><WERKS>1000</WERKS></E1EDL24></E1EDL20>')" "200 53"
same "DELVRY refused" "$(idoc DELVRY03 19 '<E1EDL20><VBELN>A2</VBELN><E1EDL24><MATNR>NOPE</MATNR><WERKS>1000</WERKS></E1EDL24></E1EDL20>')" "200 51"
same "its text" "$(c "$U/sap/bc/idoc_xml/status?sender=BUSBAR&docnum=19") $(xmllint --xpath 'string(/IDOC/STATXT)' "$body")" \
    "200 M3/305 Material NOPE does not exist"
same "never sent" "$(c "$U/sap/bc/idoc_xml/status?sender=BUSBAR&docnum=20")" 404
same "no IDoc" "$(c -d '<!DOCTYPE x><x/>' "$U/sap/bc/idoc_xml")" 400
w -X MERGE -d '{"ProductOldID":"g"}' "$product" >/dev/null
curl -s "$U/control/events" | jq -r '[.events[] | select(.type == "idoc.MATMAS")] | last | .raw' >"$work/matmas"
same "MATMAS out" "$(xmllint --xpath 'string(//E1MARAM/MATNR)' "$work/matmas")" FG-10002

# the factory is its seed
for n in 1 1 2; do
    rm -rf "$work/f"
    "$build/tools/plant/plant" seed --dir "$work/f" --seed "$n"
    sha256sum <"$work/f/factory.db"
done >"$work/sums"
same "the same seed, the same factory" "$(uniq -c "$work/sums" | awk '{print $1}' | paste -sd' ')" "2 1"

# actions, load, scenarios
control faults '{"rules":[]}'
same "an action" "$(curl -s -d '{"plant":"1000","count":2}' "$U/control/do/release-orders" | jq '.orders | length')" 2
same "load" "$("$build/tools/plant/plant" load --dir "$systems_dir" --systems erp --rate 50 --seconds 1 | grep -o '^load: 50 actions')" \
    "load: 50 actions"
"$build/tools/plant/plant" scenario nonsense --dir "$systems_dir" 2>"$work/names" && fail "an unknown scenario passed"
same "its scenarios" "$(wc -w <"$work/names")" 11

# what was done stays over a kill
session
control faults '{"rules":[]}'
have=$(stock RM-10701 1000 0001)
kill -9 "$systems_pid"
wait "$systems_pid" 2>/dev/null || true
systems_start --systems erp
U=$(system_url erp) S=$U/sap/opu/odata/sap
same "after a kill" "$(stock RM-10701 1000 0001)" "$have"
if "$build/tools/plant/plant" audit --dir "$systems_dir" --systems erp >"$work/audit"; then
    fail "audit passes over doubles"
fi
same "the audit counts doubles" "$(tail -n 1 "$work/audit" | grep -o '[0-9]* doubles')" "6 doubles"

#!/usr/bin/env bash
# sap-mockserver.sh - the sap connector against SAP's own mock server, which nobody here wrote
#
# Reads $BUSBAR_REAL_DATA/sap-edmx, of which nothing is kept: the server gets the descriptions of two real
# services and makes 150 entities of each set up from their types. The connector reads metadata, a feed page by
# page and entities by their keys, and writes behind the server's CSRF token. What the server does not do
# (pages of its own, dates in a V2 filter) is in front of it: see tests/real/npm/sap-mockserver.mjs. It has no
# ETags for these services, no sessions by cookie and no errors worth telling: the plant has.
limit=240
. "$(dirname "$0")/../lib.sh"
. "$src/tests/real/npm/lib.sh"
need jq curl
data=${BUSBAR_REAL_DATA:-$src/../shared/data}
[ -r "$data/sap-edmx/API_PRODUCT_SRV.edmx" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
npm_need sap-mockserver
npm_server sap-mockserver.mjs "$(realpath "$data/sap-edmx")"
S=http://127.0.0.1:$server_port/sap/opu/odata/sap
cat >"$conf/sap.yaml" <<END
endpoints:
  in: {connector: http, config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}}
  feed:
    connector: sap
    config: {base_url: "http://127.0.0.1:$server_port", csrf: false, poll: {of: items, interval: 1s, max_messages: 25}}
  erp:
    connector: sap
    config:
      base_url: http://127.0.0.1:$server_port
      services: {partner: /sap/opu/odata/sap/API_BUSINESS_PARTNER}
  items: {connector: file, config: {path: $work/items.jsonl, content: event}}
  told: {connector: file, config: {path: $work/told.jsonl, content: event}}
routes:
  feed-to-items: {from: feed, to: items}
  in-to-erp: {from: in, to: erp, match: {type: sap.entity.change}, on_failure: quarantine}
  in-to-told:
    from: in
    to: told
    match: {type: test.ask}
    transform:
      - enrich: {from: erp, query: entity.read, into: /data/read,
                 with: {service: /data/service, set: /data/set, key: /data/key}}
END
core_start
ask() { # ask PATH FILTER: the server itself
    curl -sf -g --max-time 20 "$S/$1" | jq -r "$2"
}

# ---- the feed: all of a set, page by page ----------------------------------------------------------------
n=$(ask 'API_PRODUCT_SRV/A_Product/$count' .)
wait_for 60 "$n items" route_is feed-to-items delivered "$n"
same "items, as many as the server counts" "$(wc -l <"$work/items.jsonl")" "$n"
same "their numbers are the server's" \
    "$(jq -r .item "$work/items.jsonl" | sort | md5sum | cut -c1-8)" \
    "$(ask 'API_PRODUCT_SRV/A_Product' '.d.results[].Product' | sort | md5sum | cut -c1-8)"
same "pages of the first round" "$(grep -m 4 '^page' "$work/sap-mockserver.log" | paste -sd,)" \
    "page 0 of $n,page 40 of $n,page 80 of $n,page 120 of $n"
same "gross weights, digit by digit" \
    "$(jq -r '[.item, .data.grossWeight.value] | @tsv' "$work/items.jsonl" | sort | md5sum | cut -c1-8)" \
    "$(ask 'API_PRODUCT_SRV/A_Product' '.d.results[] | [.Product, .GrossWeight] | @tsv' | sort | md5sum | cut -c1-8)"
same "times of change" \
    "$(jq -r '[.item, (.time[0:19] + "Z" | fromdate)] | @tsv' "$work/items.jsonl" | sort | md5sum | cut -c1-8)" \
    "$(ask 'API_PRODUCT_SRV/A_Product' '.d.results[] | [.Product, (.LastChangeDateTime[6:-2] | tonumber / 1000)] | @tsv' | sort | md5sum | cut -c1-8)"
grep -q '^page 0 of [0-9]$' "$work/sap-mockserver.log" || wait_for 20 "a round behind the cursor" grep -q '^page 0 of [0-9]$' "$work/sap-mockserver.log"
same "items behind later rounds" "$(route_get feed-to-items delivered)" "$n"

# ---- entities by their keys, of both services --------------------------------------------------------------
id=0
read_back() { # read_back SERVICE SET KEY: $work/read is the answer
    jq -nc --arg id "A$((++id))" --arg s "$1" --arg e "$2" --argjson k "$3" \
        '{specversion: "1.0", id: $id, source: "/test", type: "test.ask", data: {service: $s, set: $e, key: $k}}' >"$work/event"
    [ "$(post "$(cat "$work/event")")" = 202 ] || fail "not taken: $(cat "$work/answer")"
    wait_for 30 "$2 $3" route_is in-to-told delivered "$id"
    tail -n 1 "$work/told.jsonl" >"$work/read"
}
sets=0
for service in product/API_PRODUCT_SRV partner/API_BUSINESS_PARTNER; do
    curl -sf "$S/${service#*/}/\$metadata" >"$work/metadata.xml"
    while read -r set keys; do
        one=$(ask "${service#*/}/$set?\$top=1&\$skip=7" ".d.results[0] | {${keys// /, }} | tojson")
        read_back "${service%/*}" "$set" "$one"
        jq -e --argjson k "$one" '.data.read.found and (.data.read.entity | contains($k))' "$work/read" >/dev/null ||
            fail "$set $one: $(cat "$work/read")"
        sets=$((sets + 1))
    done < <(python3 "$src/tests/real/npm/text_keys.py" "$work/metadata.xml")
done
[ "$sets" -ge 20 ] || fail "only $sets sets were read"
ok "an entity of each of $sets sets, by one to six keys of text"
read_back product A_Product '{"Product":"NONE"}'
same "an entity that is not there" "$(jq -c .data.read.found "$work/read")" false

# ---- a write, read back from the server ----------------------------------------------------------------------
post '{"specversion":"1.0","id":"W1","source":"/test","type":"sap.entity.change","item":"Product3","data":{"service":"product",
  "set":"A_Product","entity":{"Product":"Product3","GrossWeight":"12.345","ProductOldID":"O'\''Neill & co","IsMarkedForDeletion":false}}}' >/dev/null
wait_for 30 "the change" route_is in-to-erp delivered 1
same "changed at the server" \
    "$(ask "API_PRODUCT_SRV/A_Product('Product3')" '.d | [(.GrossWeight | tostring), .ProductOldID, .IsMarkedForDeletion] | tojson')" \
    "[\"12.345\",\"O'Neill & co\",false]"
same "in quarantine" "$(route_get in-to-erp open)/$(route_get feed-to-items open)" 0/0
core_stop
books_balance

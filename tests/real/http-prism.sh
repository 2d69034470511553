#!/usr/bin/env bash
# http-prism.sh - the http connector against two supplier portals' own descriptions, checked by prism
#
# Reads $BUSBAR_REAL_DATA/supplier-portal-openapi, of which nothing is kept: acknowledgements of purchase orders
# (Swagger 2.0) and demands (OpenAPI 3.1, with an API key). Prism, which nobody here wrote, checks each request by
# the description and refuses what it does not allow. nginx stands in front, limits calls and writes down the
# Idempotency-Key of each. Prism keeps nothing and looks at no key: that a key is the same when a call is sent
# again is read from nginx's log. The second description says */* of its answers, of which prism can make none: here
# they are JSON.
limit=300
. "$(dirname "$0")/../lib.sh"
. "$src/tests/real/npm/lib.sh"
need jq curl nginx python3
data=${BUSBAR_REAL_DATA:-$src/../shared/data}/supplier-portal-openapi
[ -r "$data/vendorOrders.json" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder's parent)"
npm_need prism

prism_start() { # prism_start NAME DESCRIPTION: $prism_port
    bg "$work/$1.log" node "$npm/node_modules/@stoplight/prism-cli/dist/index.js" mock -h 127.0.0.1 -p 0 "$2"
    wait_for 60 "prism, $1" grep -q 'Prism is listening' "$work/$1.log" || fail "prism does not take $2"
    prism_port=$(sed -nE 's,.*listening on http://127.0.0.1:([0-9]+).*,\1,p' "$work/$1.log" | head -n 1)
}
prism_start orders "$data/vendorOrders.json"
orders=$prism_port
sed "s,'\*/\*':,application/json:," "$data/puris-openAPI.yaml" >"$work/puris.yaml"
prism_start demands "$work/puris.yaml"
demands=$prism_port
read -r front <<<"$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
mkdir "$work/nginx"
cat >"$work/nginx.conf" <<END
daemon off; worker_processes 1; pid $work/nginx/pid; error_log $work/nginx/error.log;
events { worker_connections 256; }
http {
  client_body_temp_path $work/nginx/b; proxy_temp_path $work/nginx/p; fastcgi_temp_path $work/nginx/f;
  uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;
  log_format calls '\$uri \$status \$http_idempotency_key';
  access_log $work/nginx/calls calls;
  limit_req_zone \$server_port zone=calls:1m rate=6r/s; # slower than this machine at its worst
  limit_req_status 429;
  server { listen 127.0.0.1:$front;
    limit_req zone=calls burst=4 nodelay;
    location /vendor/ { proxy_pass http://127.0.0.1:$orders; }
    location / { proxy_pass http://127.0.0.1:$demands; } }
}
END
bg "$work/nginx.log" nginx -e "$work/nginx/error.log" -c "$work/nginx.conf"
wait_for 20 "nginx" curl -s -o /dev/null "http://127.0.0.1:$front/none"

endpoint() { # endpoint NAME PATH [HEADERS]
    echo "  $1: {connector: http, limit: {in_flight: 4}, breaker: {open: 200ms, max: 500ms}, config: {pause: 200ms, body: data," \
        "url: 'http://127.0.0.1:$front$2', headers: {${3:-}}}}"
}
{
    echo "endpoints:"
    echo "  in: {connector: http, config: {listen: '127.0.0.1:0', path: /events, port_file: $work/hook.port}}"
    endpoint acks /vendor/orders/v1/acknowledgements
    endpoint demands /demand "X-API-KEY: busbar"
    endpoint no-key /demand
    echo "routes:"
    for r in acks demands no-key; do
        echo "  to-$r: {from: in, to: $r, match: {type: portal.$r}, order_by: item, on_failure: quarantine, retry: {attempts: 5, initial: 50ms}}"
    done
} >"$conf/portal.yaml"
core_start
n=0
give() { # give ROUTE DATA
    printf '{"specversion":"1.0","id":"P%s","source":"/test","type":"portal.%s","item":"I-%s","data":%s}' \
        "$((++n))" "$1" "$((n % 8))" "$2" >"$work/event"
    [ "$(post "$(cat "$work/event")")" = 202 ] || fail "not taken: $(cat "$work/answer")"
}
ack() { # ack NUMBER CODE [MORE]: of a purchase order
    printf '{"acknowledgements":[{"purchaseOrderNumber":"PO%s","sellingParty":{"partyId":"BUSBAR"},
        "acknowledgementDate":"2026-11-28T08:00:00Z","items":[{"orderedQuantity":{"amount":10,"unitOfMeasure":"Eaches"},
        "itemAcknowledgements":[{"acknowledgementCode":"%s","acknowledgedQuantity":{"amount":10,"unitOfMeasure":"Eaches"}}]}]}]}' "$1" "$2"
}
demand() { # demand QUANTITY UNIT
    printf '{"ownMaterialNumber":"FG-10000","partnerBpnl":"BPNL00000000AB12","demandLocationBpns":"BPNS00000000AB12",
        "demandCategoryCode":"SR99","day":"2026-12-01T00:00:00Z","quantity":%s,"measurementUnit":"%s"}' "$1" "$2"
}
calls() { # calls STATUS PATH: how many nginx passed or refused
    grep -c "^$2 $1 " "$work/nginx/calls" || true
}
keys() { # keys STATUS: the idempotency keys of those, each once
    awk -v s="$1" '$2 ~ s && $3 != "-" {print $3}' "$work/nginx/calls" | sort -u
}

for ((k = 1; k <= 40; k++)); do give acks "$(ack $k Accepted)"; done
for ((k = 1; k <= 40; k++)); do give demands "$(demand "$k.50" unit:piece)"; done
wait_for 120 "40 acknowledgements" route_is to-acks delivered 40
wait_for 120 "40 demands" route_is to-demands delivered 40
same "acknowledgements that prism found right" "$(calls 202 /vendor/orders/v1/acknowledgements)" 40
same "demands that prism found right" "$(calls 201 /demand)" 40
same "idempotency keys" "$(keys '20[12]' | wc -l)" 80
limited=$(keys 429 | wc -l)
[ "$limited" -gt 0 ] || fail "nginx limited no call: this run shows little"
same "keys of limited calls that were not the ones sent again" "$(comm -23 <(keys 429) <(keys '20[12]') | wc -l)" 0
ok "$limited of them were answered 429 first"

give acks "$(ack 41 Perhaps)"
give acks '{"acknowledgements":[{"items":[]}]}'
give demands "$(demand 1 unit:parsec)"
give demands "$(demand '"many"' unit:piece)"
wait_for 30 "two refusals" route_is to-acks quarantined 2
wait_for 30 "two refusals" route_is to-demands quarantined 2
for words in acknowledgementCode purchaseOrderNumber; do
    grep -q "Violation: .*$words" "$work/orders.log" || fail "prism did not speak of $words: $(grep -i violation "$work/orders.log" | tail -n 3)"
done
for words in measurementUnit quantity; do
    grep -q "Violation: .*$words" "$work/demands.log" || fail "prism did not speak of $words: $(grep -i violation "$work/demands.log" | tail -n 3)"
done
ok "four that the descriptions do not allow are refused and wait for a person: $(grep -o 'Violation: .*' "$work/orders.log" | head -n 1)"
"$busbar" quarantine list --state "$state" >"$work/refused"
ok "$(grep -m 1 to-demands "$work/refused" | sed -E 's/ +/ /g')"

give no-key "$(demand 1 unit:piece)"
says() {
    "$busbar" status --state "$state" | grep -E '^no-key ' | grep -q 'answered 401: check auth'
}
wait_for 30 "status to say it" says
ok "$("$busbar" status --state "$state" | grep -E '^no-key ' | sed -E 's/ +/ /g')"
same "its message waits" "$(route_get to-no-key pending)" 1
core_stop
books_balance

#!/usr/bin/env bash
# sap-tls.sh - the sap connector to the plant's ERP behind nginx: TLS, our own certificate, and 429
#
# nginx takes only certificates of the test's authority, and says so by a page; openssl's server does by an
# alert behind the handshake. A wrong certificate is one line of `busbar status` and of the log that says what
# to do, its messages wait and intake goes on; put right in its place, it is used without a restart. Then nginx
# lets through twenty calls a second and answers the rest 429, with and without Retry-After: all of it arrives once.
limit=300
. "$(dirname "$0")/../lib.sh"
need nginx openssl jq curl python3
systems_start --systems erp --seed 1
U=$(system_url erp)
printf 'busbar' >"$work/password"
chmod 600 "$work/password"

# ---- certificates ----------------------------------------------------------------------------------
tls=$work/tls
mkdir "$tls"
authority() { # authority NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tls/$1.key" \
        -out "$tls/$1.pem" -subj "/CN=$1" -days 2 2>>"$tls/log"
}
certificate() { # certificate NAME COMMON-NAME AUTHORITY [DAYS]: NAME.pem with its key in it
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tls/$1.key" -out "$tls/$1.csr" \
        -subj "/CN=$2" 2>>"$tls/log"
    openssl x509 -req -in "$tls/$1.csr" -CA "$tls/$3.pem" -CAkey "$tls/$3.key" -CAcreateserial -days "${4:-2}" \
        -extfile <(printf 'subjectAltName=IP:127.0.0.1') -out "$tls/$1.crt" 2>>"$tls/log"
    cat "$tls/$1.crt" "$tls/$1.key" >"$tls/$1.new"
    mv "$tls/$1.new" "$tls/$1.pem"
}
authority ours
authority theirs
certificate server server ours
certificate good first ours
certificate foreign stranger theirs
certificate expired late ours -1
certificate replaced stranger theirs
certificate mended second ours

# ---- nginx ------------------------------------------------------------------------------------------
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
mutual=$(free_port) slow=$(free_port)
mkdir "$work/nginx"
cat >"$work/nginx.conf" <<END
daemon off; worker_processes 1; pid $work/nginx/pid; error_log $work/nginx/error.log;
events { worker_connections 256; }
http {
  client_body_temp_path $work/nginx/b; proxy_temp_path $work/nginx/p; fastcgi_temp_path $work/nginx/f;
  uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;
  log_format calls '\$server_port \$request_method \$status \$ssl_protocol \$ssl_client_s_dn';
  access_log $work/nginx/calls calls;
  limit_req_zone \$server_port zone=calls:1m rate=20r/s;
  limit_req_status 429;
  map \$status\$arg_none \$after { 429 1; }
  ssl_certificate $tls/server.crt; ssl_certificate_key $tls/server.key; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_client_certificate $tls/ours.pem; ssl_verify_client on;
  proxy_set_header Host \$http_host;
  server { listen 127.0.0.1:$mutual ssl; location / { proxy_pass $U; } }
  server {
    listen 127.0.0.1:$slow ssl;
    location / { limit_req zone=calls burst=2 nodelay; proxy_pass $U; }
    location /sap/opu/odata/sap/API_MATERIAL_DOCUMENT_SRV/ {
      limit_req zone=calls burst=2 nodelay;
      add_header Retry-After \$after always;
      proxy_pass $U;
    }
  }
}
END
bg "$work/nginx.log" nginx -e "$work/nginx/error.log" -c "$work/nginx.conf"
tls_up() { curl -sf --cacert "$tls/ours.pem" --cert "$tls/good.pem" "https://127.0.0.1:$mutual/control/health"; }
wait_for 20 "nginx" tls_up
bg "$work/s_server.log" openssl s_server -accept 127.0.0.1:0 -cert "$tls/server.crt" -key "$tls/server.key" \
    -CAfile "$tls/ours.pem" -Verify 1 -verify_return_error -www
wait_for 20 "openssl's server" grep -q '^ACCEPT' "$work/s_server.log"
alert=$(sed -n 's/^ACCEPT.*://p' "$work/s_server.log")

# ---- the core: an endpoint for each certificate --------------------------------------------------------
endpoint() { # endpoint NAME PORT TLS [MORE]
    cat <<END
  $1:
    connector: sap
    isolation: thread
    ${4:-}
    timeout: 5s
    probe_after: 300ms
    breaker: {open: 200ms, max: 500ms}
    config:
      base_url: https://127.0.0.1:$2
      units: {H87: PC}
      pause: 200ms
      auth: {basic: {user: busbar, password: {file: $work/password}}}
      tls: {$3}
END
}
wrong=(foreign expired without distrust replaced alert13 alert-none)
{
    echo "endpoints:"
    echo "  in: {connector: http, config: {listen: '127.0.0.1:0', path: /events, port_file: $work/hook.port}}"
    endpoint good "$mutual" "ca: $tls/ours.pem, cert: $tls/good.pem"
    endpoint foreign "$mutual" "ca: $tls/ours.pem, cert: $tls/foreign.pem"
    endpoint expired "$mutual" "ca: $tls/ours.pem, cert: $tls/expired.pem"
    endpoint without "$mutual" "ca: $tls/ours.pem"
    endpoint distrust "$mutual" "ca: $tls/theirs.pem, cert: $tls/good.pem"
    endpoint replaced "$mutual" "ca: $tls/ours.pem, cert: $tls/replaced.pem"
    endpoint alert13 "$alert" "ca: $tls/ours.pem, cert: $tls/foreign.pem"
    endpoint alert-none "$alert" "ca: $tls/ours.pem"
    endpoint slow "$slow" "ca: $tls/ours.pem, cert: $tls/good.pem" "limit: {in_flight: 2}" # more would only be refused
    endpoint feed "$mutual" "ca: $tls/ours.pem, cert: $tls/good.pem" | sed '$a\      poll: {of: items, interval: 1s}'
    echo "  items: {connector: file, config: {path: $work/items.jsonl}}"
    echo "routes:"
    echo "  feed-to-items: {from: feed, to: items}"
    for r in good slow "${wrong[@]}"; do
        echo "  to-$r: {from: in, to: $r, match: {type: [sap.entity.change, mfg.inventory.movement], plant: $r}," \
            "order_by: item, on_failure: quarantine, retry: {attempts: 5, initial: 50ms, max: 200ms}}"
    done
} >"$conf/sap.yaml"
core_start

n=0
give() { # give ENDPOINT ITEM TYPE DATA
    jq -nc --arg p "$1" --arg item "$2" --arg t "$3" --argjson d "$4" --arg id "M$((++n))" \
        '{specversion: "1.0", id: $id, source: "/test", type: $t, item: $item, plant: $p, data: $d}' >"$work/event"
    [ "$(post "$(cat "$work/event")")" = 202 ] || fail "not taken: $(cat "$work/answer")"
}
weigh() { # weigh ENDPOINT ITEM WEIGHT: a change that shows
    give "$1" "$2" sap.entity.change "{\"service\":\"product\",\"set\":\"A_Product\",\"entity\":{\"Product\":\"$2\",\"GrossWeight\":\"$3\"}}"
}
weight() {
    curl -sf -u busbar:busbar "$U/sap/opu/odata/sap/API_PRODUCT_SRV/A_Product('$1')" | jq -r .d.GrossWeight
}
line_of() { # line_of ENDPOINT: of busbar status
    "$busbar" status --state "$state" | grep -E "^$1 " || true
}
says() { # says ENDPOINT TEXT: for polling
    line_of "$1" | grep -qF -- "$2"
}

weigh good RM-10701 1.25
wait_for 20 "the delivery by mTLS" route_is to-good delivered 1
same "over mTLS" "$(weight RM-10701)" 1.25
grep -q "MERGE 204 TLSv1.[23] CN=first" "$work/nginx/calls" || fail "nginx saw: $(tail -n 1 "$work/nginx/calls")"
ok "nginx saw TLS and our certificate: $(grep -m 1 MERGE "$work/nginx/calls")"

for r in "${wrong[@]}"; do weigh "$r" RM-10702 9; done
# the ERP does not know of nginx, and its links to next pages begin with http://
all_items() { [ "$(route_get feed-to-items delivered)" -ge 2000 ]; }
wait_for 60 "2,000 items, page by page" all_items
ok "$(route_get feed-to-items delivered) items, over links that name http:// behind TLS"

wrong_is() { # wrong_is ENDPOINT TEXT
    wait_for 20 "status to say \"$2\" of $1" says "$1" "$2" || fail "status: $(line_of "$1")"
    same "$1: lines about it" "$(line_of "$1" | wc -l)" 1
    grep -qF -- "$2" "$work"/core-*.log || fail "the log does not say \"$2\""
    ok "$(line_of "$1" | sed -E 's/ +/ /g')"
}
wrong_is foreign "refuses our certificate (not known to it, or expired): check tls.cert"
wrong_is expired "refuses our certificate (not known to it, or expired): check tls.cert"
wrong_is without "wants our certificate: give tls.cert"
wrong_is distrust "check tls.ca"
wrong_is replaced "refuses our certificate"
wrong_is alert13 "does not know who signed our certificate: check tls.cert"
wrong_is alert-none "wants our certificate: give tls.cert"
for r in "${wrong[@]}"; do
    [ "$(route_get "to-$r" pending)/$(route_get "to-$r" open)" = 1/0 ] || fail "$r: its message does not wait"
done
ok "${#wrong[@]} messages wait, none was given up"
weigh good RM-10701 1.5
wait_for 20 "intake and delivery to go on" route_is to-good delivered 2
ok "the good one goes on"
cp "$tls/mended.pem" "$tls/mended.new"
mv "$tls/mended.new" "$tls/replaced.pem"
wait_for 20 "the certificate that was replaced" route_is to-replaced delivered 1
same "a certificate put right, without a restart" "$(weight RM-10702)" 9
grep -q "MERGE 204 TLSv1.[23] CN=second" "$work/nginx/calls" || fail "nginx did not see the new one"

# ---- 429 by nginx --------------------------------------------------------------------------------------
documents() {
    curl -sf -u busbar:busbar "$U/sap/opu/odata/sap/API_MATERIAL_DOCUMENT_SRV/A_MaterialDocumentHeader?\$inlinecount=allpages&\$top=1" |
        jq -r .d.__count
}
before=$(documents)
for ((k = 1; k <= 60; k++)); do
    give slow "L-$((k % 12))" mfg.inventory.movement "{\"kind\":\"initial-entry\",\"item\":{\"id\":\"RM-10701\"},
        \"quantity\":{\"value\":1,\"unit\":\"H87\"},\"at\":\"$(date -u +%F)T08:00:00Z\",
        \"to\":{\"location\":{\"plant\":\"1000\",\"storageLocation\":\"0001\"}}}"
done
for ((k = 1; k <= 20; k++)); do
    weigh slow "RM-$((10710 + k))" "7.$k"
done
wait_for 150 "80 deliveries behind a limit" route_is to-slow delivered 80
same "documents" $(($(documents) - before)) 60
same "weights" "$(for ((k = 1; k <= 20; k++)); do [ "$(weight RM-$((10710 + k)))" = "$(jq -n "7.$k")" ] && echo y; done | wc -l)" 20
posts=$(grep -c "^$slow POST 429" "$work/nginx/calls" || true)
others=$(grep -cE "^$slow (GET|MERGE) 429" "$work/nginx/calls" || true)
[ $((posts + others)) -gt 0 ] || fail "nginx limited no call: this run shows little"
ok "nginx answered 429 to $posts postings (with Retry-After) and $others others (without)"
same "given up" "$(route_get to-slow open)" 0
same "effects made twice" "$(curl -sf "$U/control/effects?limit=1" | jq .doubles)" 0
core_stop
books_balance

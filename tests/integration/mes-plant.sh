#!/usr/bin/env bash
# mes-plant.sh - the mes connector against the plant's MES: BOMs, routings and orders out, reports in, questions,
# refusals in the MES's own words, and each taken once whatever the line loses
limit=240
. "$(dirname "$0")/../lib.sh"
need jq curl
systems_start --systems erp,mes --seed 1
wait_for 20 "the port of the MES" test -s "$systems_dir/mes.port"
U=$(system_url mes)
(umask 077 && printf busbar >"$work/password")

# what of a BOM no MES is told: each named, as a plant's admin would
carried=$(jq -r '.bom_features[]' "$src/plugins/mes/manifest.json")
waivers=$(jq -r '.features[].name' "$src/sdk/schemas/features.json" | grep -vxF "$carried" |
    sed 's/.*/      - {feature: &, owner: Anna Kern, until: "2099-12-31"}/')

conf_write() { # conf_write [AUTH of the MES]
    cat >"$conf/mes.yaml" <<END
endpoints:
  hook:
    connector: http
    unmatched: refuse
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  mes:
    connector: mes
    isolation: process
    timeout: 3s
    probe_after: 300ms
    breaker: {open: 100ms, max: 500ms}
    config:
      base_url: $U
      auth: ${1:-{basic: {user: busbar, password: {file: $work/password\}\}\}}
      timeout: 500ms
      pause: 100ms
      receive: {interval: 100ms, page: 3}
  floor: {connector: file, config: {path: $work/floor.jsonl}}
routes:
  to-mes:
    from: hook
    match: {type: ["mfg.bom.*", "mfg.routing.*", "mfg.work-order.*"]}
    to: mes
    order_by: item
    retry: {attempts: 40, initial: 20ms, max: 200ms, jitter: none}
    on_unknown: probe
    on_failure: quarantine
    waive:
$waivers
  from-mes:
    from: mes
    match: {type: mfg.production.reported}
    to: floor
    order_by: item
    transform: [{require: {schema: mfg.production-report/1}}]
    on_failure: quarantine
  ask-mes:
    from: hook
    match: {type: mfg.test.ask}
    to: floor
    transform:
      - enrich: {from: mes, query: definition.current, with: {item: /attributes/item, plant: /attributes/plant}, into: /data/bill}
      - enrich: {from: mes, query: work-orders.staged, with: {item: /attributes/item}, into: /data/staged}
END
}
control() { # control WHAT JSON
    curl -sf --max-time 10 -X PUT --data "$2" "$U/control/$1" >/dev/null
}
effects() { # effects FIELD [QUERY]
    curl -sf "$U/control/effects?${2:-}" | jq -r ".$1"
}
effects_are() {
    [ "$(effects effects)" = "$1" ]
}
line() { # line ID ITEM QUANTITY
    printf '{"id":"n%s","position":"%s","item":{"id":"%s"},"quantity":{"value":%s,"unit":"H87"},"effectivity":{"from":"2025-01-01"}}' \
        "$1" "$1" "$2" "$3"
}
bom() { # bom ID ITEM PLANT LINES [more members]
    printf '{"specversion":"1.0","id":"%s","source":"/plm","type":"mfg.bom.released","item":"%s","plant":"%s",
        "correlationid":"ECO-1","data":{"item":{"id":"%s","revision":"B"},"plant":"%s","usage":"manufacturing",
        "alternative":"01","status":"active","baseQuantity":{"value":1,"unit":"H87"},"lines":[%s]%s}}' \
        "$1" "$2" "$3" "$2" "$3" "$4" "${5:-}"
}
floor_has() { # floor_has N: so many reports came
    [ "$(grep -c '"mfg.production.reported"' "$work/floor.jsonl" 2>/dev/null)" = "$1" ]
}
order() { # order ID ORDER QUANTITY [TYPE]
    printf '{"specversion":"1.0","id":"%s","source":"/erp","type":"mfg.work-order.%s","item":"FG-10003","plant":"1000",
        "correlationid":"ECO-1","data":{"id":"%s","item":{"id":"FG-10003"},"plant":"1000","status":["released"],
        "quantity":{"value":%s,"unit":"H87"},"schedule":{"planned":{"start":"2026-12-01"}},
        "components":[{"id":"1","item":{"id":"RM-10800"},"required":{"value":4.5,"unit":"H87"}}]}}' \
        "$1" "${4:-released}" "$2" "$3"
}
quarantined() { # quarantined N: so many are open
    [ "$(route_get to-mes quarantined)" = "$1" ]
}
newest() { # what the newest one in quarantine says
    "$busbar" quarantine list --json --state "$state" >"$work/list.json"
    "$busbar" quarantine show "to-mes/$(jq '[.deliveries[].seq] | max' "$work/list.json")" --json --state "$state"
}
says() { # says WHAT PART: it is in the newest refusal
    newest | grep -qF -- "$2" || fail "$1: $(newest)"
    ok "$1: $2"
}
produce() {
    curl -sf -X POST "$U/control/do/produce" -d "$1" | jq '.orders | length'
}
test_cleanup() {
    "$busbar" quarantine list --state "$state" >"$work/quarantine.log" 2>&1 || true
}


# ---- the thin path ---------------------------------------------------------------------------------------
conf_write
core_start
text='{"id":"t","kind":"text","position":"0030","description":"Grease <well>"}'
same "a BOM" "$(post "$(bom b1 FG-10000 1000 "$(line 0010 SA-10153 2),$(line 0020 RM-10800 1.250),$text")")" 202
wait_for 20 "the MES to take it" effects_are 1
shown() {
    curl -s -u busbar:busbar "$U/b2mml/bills?plant=1000&item=$1" |
        grep -o '<MaterialSpecificationID>[^<]*</MaterialSpecificationID><Quantity><QuantityString>[^<]*' |
        sed 's/<[^>]*>/ /g' | xargs
}
same "what was sent is there, texts are skipped, what was there before is gone" "$(shown FG-10000)" \
    "FG-10000 1 SA-10153 2 RM-10800 1.25"
same "a routing" "$(post '{"specversion":"1.0","id":"r1","source":"/plm","type":"mfg.routing.released","item":"FG-10000",
    "plant":"1000","data":{"id":"40001","item":{"id":"FG-10000"},"plant":"1000","operations":[{"id":"1","operation":"0010",
    "description":"Assemble","workCenter":{"workCenter":"ASSY1"}}]}}')" 202
same "an order" "$(post "$(order o1 8000001 10)")" 202
wait_for 20 "the order to be staged" effects_are 3
same "work on it" "$(produce '{"order":"8000001"}')" 1
wait_for 20 "the report" floor_has 1
same "the report" "$(jq -c '[.type, .item, .plant, .correlationid, .data.workOrder.id, .data.yield.value, .data.yield.unit,
    .data.state, .data.consumed[0].item.id, .data.consumed[0].quantity.value]' "$work/floor.jsonl")" \
    '["mfg.production.reported","FG-10003","1000","ECO-1","8000001",5,"H87","running","RM-10800",2.25]'
traced() {
    "$busbar" trace ECO-1 --state "$state" >"$work/trace.out" 2>&1
    grep -q 'mfg.bom.released' "$work/trace.out" && grep -q 'mfg.production.reported' "$work/trace.out"
}
wait_for 20 "the trace from the change to the floor: $(cat "$work/trace.out" 2>/dev/null)" traced
ok "one trace has the BOM, the order and what the floor made of it"

# ---- questions ---------------------------------------------------------------------------------------------
post "$(order o2 8000002 20)" >/dev/null
wait_for 20 "another order" effects_are 5
same "a question" "$(post '{"specversion":"1.0","id":"q1","source":"/t","type":"mfg.test.ask","item":"FG-10003","plant":"1000","data":{}}')" 202
wait_for 20 "the answers" grep -q mfg.test.ask "$work/floor.jsonl"
same "definition.current and work-orders.staged" "$(jq -c 'select(.type == "mfg.test.ask").data |
    [.bill.id, .bill.baseQuantity.value, (.bill.lines | length > 2), (.staged.orders[] | select(.id == "8000002").quantity.value)]' \
    "$work/floor.jsonl")" '["FG-10003/01","1",true,"20"]'

# ---- what a MES refuses, in its own words -----------------------------------------------------------------
refused=0
refuse() { # refuse CODE WHAT EVENT
    same "$2" "$(post "$3")" 202
    wait_for 20 "the refusal" quarantined $((++refused))
    says "$2" "$1"
}
one=$(line 0010 RM-10800 1)
refuse MES/010 "a foreign plant" "$(bom x1 FG-10002 3000 "$one")"
refuse MES/011 "a BOM in work" "$(bom x2 FG-10000 1000 "$one" | sed 's/"status":"active"/"status":"in-work"/')"
refuse MES/012 "an engineering BOM" "$(bom x3 FG-10000 1000 "$one" | sed 's/manufacturing/engineering/')"
refuse MES/013 "a recursive BOM" "$(bom x4 SA-10153 1000 "$(line 0010 FG-10000 1)")"
refuse MES/014 "an unknown header" "$(bom x5 NOPE 1000 "$one")"
refuse MES/015 "an unknown component" "$(bom x6 FG-10000 1000 "$one,$(line 0020 NOPE 1)")"
refuse MES/021 "an order that runs" "$(order x7 8000001 50 changed)"
refuse "map one to /data/plant" "no plant" "$(bom x8 FG-10000 1000 "$one" | sed 's/"plant":"1000",//g')"
same "a refused BOM changed nothing" "$(shown FG-10000)" "FG-10000 1 SA-10153 2 RM-10800 1.25"
same "a new state with a line less" "$(post "$(bom b2 FG-10000 1000 "$(line 0010 SA-10153 3)")")" 202
wait_for 20 "it" effects_are 6
same "the other line is gone" "$(shown FG-10000)" "FG-10000 1 SA-10153 3"
same "an order is taken back" "$(post "$(order o3 8000002 20 cancelled)")" 202
wait_for 20 "that" effects_are 7

# ---- lost answers, resets, 429s, a lock, a power cut: each order once ---------------------------------------
faults='{"seed":7,"rules":[{"fault":"500","percent":10,"when":"after"},{"fault":"reset","percent":8,"when":"after"},
    {"fault":"reset","percent":5,"when":"before"},{"fault":"late","percent":6,"ms":900},{"fault":"latency","percent":3,"ms":700},
    {"fault":"429","percent":8,"retry_after":"1"},{"fault":"503","percent":3,"retry_after":""},{"fault":"lock","percent":5},
    {"fault":"truncate","percent":5}]}'
control faults "$faults"
orders() { # orders FROM TO
    local i sep=
    printf '['
    for ((i = $1; i <= $2; i++)); do
        printf '%s%s' "$sep" "$(order "f$i" $((8100000 + i)) 4 | sed "s/\"item\":\"FG-10003\",\"plant\"/\"item\":\"lane$((i % 25))\",\"plant\"/")"
        sep=,
    done
    printf ']'
}
same "100 orders" "$(post "$(orders 1 100)" cloudevents-batch+json)" 202
sleep 1
core_kill
core_start
same "100 more" "$(post "$(orders 101 200)" cloudevents-batch+json)" 202
done_all() {
    [ "$(route_get to-mes pending)" = 0 ]
}
wait_for 120 "all of them" done_all
control faults '{"rules":[]}'
same "in quarantine: only what was refused" "$(route_get to-mes quarantined)" "$refused"
same "orders that were taken twice" "$(effects doubles)" 0
same "effects" "$(effects effects)" 207
same "orders there" "$(curl -s -u busbar:busbar "$U/b2mml/orders?item=FG-10003&state=staged" | grep -o '<ID>81[0-9]*' | sort -u | wc -l)" 200

# ---- reports through the same faults, and a power cut ----------------------------------------------------------
control faults "$faults"
made=$(produce '{"plant":"1000","count":150}')
sleep 0.5
core_kill
core_start
wait_for 60 "all reports" floor_has $((made + 1))
control faults '{"rules":[]}'
same "each once, by its id" "$(jq -r 'select(.type == "mfg.production.reported").id' "$work/floor.jsonl" | sort | uniq -d | wc -l)" 0
same "reports that are no canonical ones" "$(route_get from-mes quarantined)" 0

# ---- a day's production, as the plant's scenario has it -------------------------------------------------------------
came=$(grep -c '"mfg.production.reported"' "$work/floor.jsonl")
"$build/tools/plant/plant" scenario production-day --dir "$systems_dir" >"$work/scenario.log" 2>&1 ||
    fail "scenario: $(cat "$work/scenario.log")"
wait_for 20 "its reports" floor_has $((came + 20))
same "its reports carry the scenario's correlation id" \
    "$(tail -n 20 "$work/floor.jsonl" | jq -r '.correlationid | sub("-[0-9]+$"; "")' | sort | uniq -c | xargs)" "20 production-day"

# ---- the plant's own comparison, before any BOM was changed on one side only ------------------------------------
"$build/tools/plant/plant" seed --dir "$work/fresh" --systems erp,mes --seed 3 >/dev/null
"$build/tools/plant/plant" audit --dir "$work/fresh" --systems erp,mes >"$work/audit.out" || fail "audit: $(tail -n 3 "$work/audit.out")"
ok "$(tail -n 1 "$work/audit.out")"

# ---- credentials ------------------------------------------------------------------------------------------------
core_stop
books_balance
conf_write "{oauth2: {token_url: \"$U/oauth2/token\", client_id: busbar, client_secret: {file: $work/password}}}"
core_start
before=$(effects effects)
same "an order by a token" "$(post "$(order t1 8200001 4)")" 202
wait_for 20 "it" effects_are $((before + 1))
control faults '{"rules":[{"fault":"token","count":1}]}'
same "an order when the token has run out" "$(post "$(order t2 8200002 4)")" 202
wait_for 20 "it" effects_are $((before + 2))
core_stop
printf wrong >"$work/password"
conf_write
core_start
same "an order with a wrong password" "$(post "$(order t3 8200003 4)")" 202
told() {
    "$busbar" status --state "$state" >"$work/told" 2>&1
    grep -q 'check auth of this endpoint' "$work/told"
}
wait_for 20 "status to say what to do" told
ok "status: $(grep -m1 'check auth' "$work/told" | xargs)"
grep -q 'check auth of this endpoint' "$work"/core-*.log || fail "the log does not say it"
ok "and so does the log"
core_stop
books_balance

# ---- a certificate that has run out: one line that says where to look ------------------------------------------------
if command -v openssl >/dev/null; then
    tls=$work/tls
    mkdir "$tls"
    (
        cd "$tls"
        printf '%s\n' '[ca]' default_ca=d '[d]' database=index serial=serial new_certs_dir=. default_md=sha256 policy=p \
            x509_extensions=x '[p]' commonName=supplied '[x]' subjectAltName=IP:127.0.0.1 >ca.cnf
        touch index
        echo 01 >serial
        openssl req -newkey rsa:2048 -nodes -keyout key.pem -out r.csr -subj /CN=127.0.0.1
        openssl ca -batch -config ca.cnf -selfsign -keyfile key.pem -in r.csr -out cert.pem -notext \
            -startdate 200101000000Z -enddate 210101000000Z
    ) >"$work/openssl.log" 2>&1 || fail "no expired certificate: $(tail -n 3 "$work/openssl.log")"
    bg "$work/s_server.log" openssl s_server -www -accept 127.0.0.1:0 -cert "$tls/cert.pem" -key "$tls/key.pem"
    wait_for 10 "the TLS server" grep -q '^ACCEPT' "$work/s_server.log"
    port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$work/s_server.log" | head -n 1)
    sed -i "s|base_url: .*|base_url: https://127.0.0.1:$port|; s|timeout: 500ms|timeout: 5s, tls: {ca: $tls/cert.pem}|" "$conf/mes.yaml"
    sed -i 's|^      timeout: 5s, tls: \(.*\)$|      timeout: 5s\n      tls: \1|' "$conf/mes.yaml"
    core_start
    expired() {
        "$busbar" status --state "$state" >"$work/told" 2>&1
        grep -qi 'expired' "$work/told" && grep -q 'check tls' "$work"/core-*.log
    }
    wait_for 20 "status to name the certificate" expired
    ok "status: $(grep -m1 -i 'expired' "$work/told" | xargs)"
    core_stop
else
    printf 'skipped: no openssl for an expired certificate\n'
fi

# ---- the example's routes ------------------------------------------------------------------------------------------
"$busbar" test -c "$src/docs/examples/mes/conf.d" >"$work/example.out" || fail "the example: $(cat "$work/example.out")"
ok "the example: $(tail -n 1 "$work/example.out")"

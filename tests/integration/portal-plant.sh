#!/usr/bin/env bash
# portal-plant.sh - the portal connector against the plant's supplier portal, in a core
#
# Forecasts (JSON, X12 830) and change notices out; ship notices, commitments and quality events in (JSON and X12), X12
# acknowledged both ways; webhooks by the http connector. With the plant's faults: answers that are lost after the effect,
# resets, 429, 500, tokens that run out. At the end each post has had its effect once.
limit=400
. "$(dirname "$0")/../lib.sh"
need jq curl sqlite3 openssl
systems_start --systems erp,portal --seed 1
wait_for 30 "the portal's port" test -s "$systems_dir/portal.port"
U=$(system_url portal)
(umask 077 && printf 'busbar' >"$work/secret" && printf 'a-key-of-32-bytes-for-the-portal' >"$work/sign")

control() {
    curl -sf --max-time 10 -X PUT --data "$2" "$U/control/$1" >/dev/null || fail "control $1"
}
act() { # act NAME JSON: what the suppliers do
    curl -s --max-time 10 --data "$2" "$U/control/do/$1"
}
effects() { # effects FIELD: effects, doubles, keyless
    curl -sf "$U/control/effects${2:+?kind=$2}" | jq -r ".$1"
}
faults() {
    control faults "{\"seed\":5,\"rules\":[$1]}"
}
db() { # what the portal holds, read beside it
    sqlite3 -readonly "$systems_dir/portal.db" "$1"
}

# portal_conf [forecast's format] [further config of the endpoint]: posts at the webhook go to the portal, what comes from
# it goes to the plain sink.
portal_conf() {
    cat >"$conf/portal.yaml" <<END
endpoints:
  hook:
    connector: http
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  portal:
    connector: portal
    timeout: 4s
    probe_after: 1s
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: $U
      timeout: 2s
      pause: 100ms
      partner: "17300001"
      formats: {forecast: ${1:-json}}
      auth: {oauth2: {token_url: "$U/oauth2/token", client_id: busbar, client_secret: {file: $work/secret}}}
      receive: {interval: 200ms, page: 3, backoff_max: 300ms, acknowledge: true}
      faults: {SP-024: retry}
${2:-}
  books:
    connector: http
    timeout: 2s
    config: {url: $erp/in, timeout: 1s, probe: {path: "/applied/{key}"}}
routes:
  to-portal:
    from: hook
    to: portal
    match: {type: ["mfg.forecast.issued", "mfg.change.*"]}
    order_by: subject
    retry: {attempts: 40, initial: 100ms, max: 300ms}
    on_failure: quarantine
  acknowledge:
    from: portal
    to: portal
    match: {type: mfg.portal.acknowledge}
    retry: {attempts: 40, initial: 100ms, max: 300ms}
  from-portal:
    from: portal
    to: books
    match: {type: ["mfg.shipment.*", "mfg.commitment.*", "mfg.quality.*", "mfg.portal.acknowledged"]}
END
}

supplier=17300001
read -r item unit < <(db "SELECT a.item || ' ' || unit FROM approved a JOIN items USING(item) WHERE supplier = '$supplier' AND unit = 'PC' ORDER BY 1 LIMIT 1")
[ "$unit" = PC ] || fail "supplier $supplier supplies nothing"

# forecast ID [item] [quantity] [supplier]
forecast() {
    jq -cn --arg id "$1" --arg item "${2:-$item}" --argjson q "${3:-40}" --arg s "${4:-$supplier}" '
        {specversion: "1.0", id: $id, source: "/erp", type: "mfg.forecast.issued", subject: $id, time: "2026-11-28T08:00:00Z",
         correlationid: ("c-" + $id), data: {id: $id, purpose: "replace", buyer: {id: "BUSBAR"}, seller: {id: $s}, plant: "1000",
         lines: [{line: "1", item: {id: $item}, periods: [
            {from: "2026-12-01", granularity: "week", quantity: {value: $q, unit: "H87"}, firmness: "firm"},
            {from: "2027-01-01", granularity: "month", quantity: {value: 160, unit: "H87"}, firmness: "planned"}]}]}}'
}
change() {
    jq -cn --arg id "$1" --arg item "$item" --arg rev "$2" '
        {specversion: "1.0", id: ("chg-" + $id), source: "/plm", type: "mfg.change.released", subject: $id, change: $id,
         time: "2026-11-28T08:00:00Z", correlationid: $id, data: {id: $id, kind: "order", title: "New seal",
         approval: {state: "frozen"}, affected: [{object: "item", action: "revise", item: {id: $item}, toRevision: $rev}]}}'
}
posted() { # posted EVENT
    local got
    got=$(post "$1")
    [ "$got" = 202 ] || fail "the webhook answered $got: $(cat "$work/answer")"
}

# the example's routes do what they say
"$busbar" test -c "$src/docs/examples/portal/conf.d" >"$work/example.log" 2>&1 || fail "docs/examples/portal: $(tail -n 20 "$work/example.log")"
ok "docs/examples/portal: $(tail -n 1 "$work/example.log")"

audit() { # audit: exit status and the last line
    "$build/tools/plant/plant" audit --dir "$systems_dir" --systems erp,portal >"$work/audit.out" 2>&1
}
audit || fail "the plant's systems differ from the start: $(cat "$work/audit.out")"
ok "$(tail -n 1 "$work/audit.out")"
plant_start --dedupe no
portal_conf
"$busbar" check -c "$conf" >"$work/check-conf.log" 2>&1 || fail "busbar check: $(cat "$work/check-conf.log")"
core_start

# one type in: a ship notice, as JSON
act ship '{"format":"json"}' >/dev/null
wait_for 20 "a ship notice from the portal" route_is from-portal delivered 1
same "ship notices that arrived" "$(plant_get applied)" 1
# one type out: a forecast, as JSON
posted "$(forecast FC-1)"
wait_for 20 "a forecast at the portal" route_is to-portal delivered 1
same "what the portal holds" "$(db "SELECT item, day, quantity, firmness FROM needs WHERE id = 'FC-1' ORDER BY day" | paste -sd' ')" \
    "$item|2026-12-01|40|firm $item|2027-01-01|160|planned"
same "effects made twice" "$(effects doubles)" 0

# a change notice: the supplier knows the new revision
posted "$(change ECO-1 Q)"
wait_for 20 "a change notice at the portal" route_is to-portal delivered 2
same "the revision at the portal" "$(db "SELECT revision FROM items WHERE item = '$item'")" Q
! audit || fail "the audit does not see that the ERP has another revision"
grep -q "^revision \* $item: erp has ., portal has Q" "$work/audit.out" || fail "the audit says: $(cat "$work/audit.out")"
ok "the audit sees it: $(head -n 1 "$work/audit.out")"

# commitments and quality events in, the 8D as it goes on; an X12 856 and 855 as the same messages as their JSON
for d in '{"format":"json","answer":"IQ"}' '{"format":"x12","answer":"DR"}'; do
    act commit "$d" >/dev/null
done
act ship '{"format":"x12"}' >/dev/null
nc=$(act quality '{}' | jq -r .quality)
act quality "{\"id\":\"$nc\"}" >/dev/null
wait_for 20 "six messages from the portal" route_is from-portal delivered 6
wait_for 20 "two X12 groups acknowledged" route_is acknowledge delivered 2
same "997s at the portal" "$(db "SELECT outcome, count(*) FROM acknowledgements GROUP BY 1")" "A|2"

# what came is what the model says, X12 and JSON alike
core_stop
"$busbar" journal export --state "$state" >"$work/export.jsonl" 2>"$work/export.log" || fail "export: $(cat "$work/export.log")"
jq -c '.event | select(.source == "/portal" and (.type | startswith("mfg.portal.") | not))' "$work/export.jsonl" >"$work/came.jsonl"
same "what arrived" "$(jq -r .type "$work/came.jsonl" | sort | uniq -c | awk '{printf "%s%s %s", n++ ? ", " : "", $1, $2}')" \
    "2 mfg.commitment.given, 1 mfg.quality.closed, 1 mfg.quality.reported, 2 mfg.shipment.announced"
jq -c --slurpfile types "$src/sdk/schemas/types.json" \
    '{schema: {"$ref": ("urn:busbar:schema:" + (.type as $t | $types[0].types[] | select(.type == $t) | .schema | sub("/"; ":")))}, document: .data}' "$work/came.jsonl" | jq -cs . >"$work/cases"
"$busbar" validate --batch --formats --remotes "$src/sdk/schemas" <"$work/cases" >"$work/verdicts" 2>&1 || true
[ "$(grep -c '^valid' "$work/verdicts")" = 6 ] || fail "the model refuses some of $work/cases: $(paste -sd" " "$work/verdicts")"
ok "the model takes all of them"
jq -c 'select(.type == "mfg.shipment.announced") | [.data.lines[0] | del(.lots) | keys]' "$work/came.jsonl" | sort -u >"$work/keys"
same "shapes of a ship notice's line, JSON and X12" "$(wc -l <"$work/keys")" 1

# a forecast as X12: the portal's translator answers with a 997
portal_conf x12
core_start
posted "$(forecast FC-X12 "$item" 24)"
wait_for 20 "a forecast as X12 830" route_is to-portal delivered 3
same "what the portal holds" "$(db "SELECT item, day, quantity, firmness FROM needs WHERE id = 'FC-X12' ORDER BY day" | paste -sd' ')" \
    "$item|2026-12-01|24|firm $item|2027-01-01|160|planned"
"$busbar" trace c-FC-X12 --json --state "$state" >"$work/trace.json" 2>&1 || fail "trace: $(cat "$work/trace.json")"
grep -q accepted "$work/trace.json" || fail "the 997 is not on the delivery's record: $(cat "$work/trace.json")"
ok "the 997 is on the delivery's record"
core_stop
portal_conf
core_start

# refusals keep the portal's code and text: an item that is not the supplier's, a partner that is not there
posted "$(forecast BAD-1 FG-10000)"
posted "$(forecast BAD-2 "$item" 5 99999999)"
wait_for 20 "two refusals" route_is to-portal quarantined 2
"$busbar" quarantine list --json --state "$state" >"$work/held.json"
for what in SP-011 "is not approved for item FG-10000" SP-010 "no partner 99999999"; do
    grep -q "$what" "$work/held.json" || fail "\"$what\" is not on record: $(cat "$work/held.json")"
done
ok "refusals keep the portal's codes and texts"

# a lost answer never posts twice: a third of the calls fail in every way
settled() { # all of to-portal is delivered, but for what was quarantined before
    [ "$(route_get to-portal delivered)" = "$1" ]
}
storm='{"fault":"reset","when":"after","percent":12,"match":"/v1"},{"fault":"500","when":"after","percent":8,"match":"/v1"},
 {"fault":"late","percent":5,"ms":2600,"match":"/v1"},{"fault":"429","percent":5,"retry_after":"1"},
 {"fault":"reset","percent":6,"match":"/v1"},{"fault":"truncate","percent":4,"match":"/v1"},{"fault":"lock","percent":3,"match":"/v1/partners"},
 {"fault":"token","percent":3}'
burst() { # burst PREFIX N
    local k
    for k in $(seq "$2"); do
        posted "$(forecast "$1-$k")"
    done
}
# in_storm WHAT N TOTAL: N forecasts through the storm, TOTAL delivered then
in_storm() {
    local before met
    before=$(effects effects forecast)
    faults "$storm"
    burst "$1" "$2"
    wait_for 90 "$2 forecasts through the storm ($1)" settled "$3"
    met=$(curl -s "$U/control/faults" | jq '[.rules[].met] | add')
    [ "$met" -ge "$(($2 / 3))" ] || fail "the storm was met by $met calls only"
    faults ""
    same "effects in the storm that $met calls met ($1)" "$(($(effects effects forecast) - before))" "$2"
    same "effects made twice ($1)" "$(effects doubles)" 0
    same "forecasts taken more than once ($1)" "$(db "SELECT count(*) FROM forecasts WHERE times > 1 AND id LIKE '$1-%'")" 0
    same "quarantined ($1)" "$(route_get to-portal quarantined)" 2
}
in_storm keys 40 43
# the same at a portal that knows no idempotency keys: the probe alone keeps it from posting twice
control options '{"idempotency":"off"}'
in_storm probed 40 83
# and at one that knows them and is told so: what was lost is sent again under its key
control options '{"idempotency":"on"}'
core_stop
portal_conf json '      idempotent: true'
core_start
in_storm blind 40 123

# X12: the same bytes at each attempt, or the portal would say that the key was used for something else
core_stop
portal_conf x12
core_start
in_storm x12 30 153
# and with the core killed in the middle
before=$(effects effects forecast)
faults "$storm"
burst killed 30
for k in 1 2 3; do
    sleep 0.5
    core_kill
    core_start
done
wait_for 90 "30 forecasts, three kills" settled 183
faults ""
same "effects with three kills" "$(($(effects effects forecast) - before)) $(effects doubles)" "30 0"

# an effect that lands after the probe was answered: the key makes it one
faults '{"fault":"latency","ms":2600,"count":1,"method":"POST","match":"/forecasts"}'
posted "$(forecast slow-1)"
wait_for 30 "the slow one" settled 184
same "forecasts taken for the slow one" "$(db "SELECT times FROM forecasts WHERE id = 'slow-1'")" 1

# partners behind limits of their own: 429 with Retry-After, and all get through
core_stop
portal_conf
core_start
faults ""
control options '{"partner_rate":"4"}'
burst rate 14
wait_for 40 "14 forecasts past a partner's limit of 4 a second" settled 198
control options '{"partner_rate":"0"}'
same "effects made twice" "$(effects doubles)" 0

# the suppliers go on meanwhile, with faults on the feed: each of their documents arrives once
had=$(route_get from-portal delivered)
faults "$storm"
for k in $(seq 12); do
    act ship '{}' >/dev/null
    act commit '{}' >/dev/null
done
wait_for 60 "24 documents more from the suppliers" route_is from-portal delivered "$((had + 24))"
wait_for 60 "their 997s" route_is acknowledge delivered 14
faults ""
same "arrived" "$(plant_get applied) $(plant_get doubles)" "$((had + 24)) 0"
same "997s at the portal" "$(db "SELECT count(*), count(DISTINCT control) FROM acknowledgements")" "14|14"

# the plant's scenarios carry a correlation id through
for name in supplier-asn quality-alert; do
    id=$("$build/tools/plant/plant" scenario "$name" --dir "$systems_dir" | sed -n 's/^correlation id: //p')
    had=$((had + 1))
    wait_for 20 "what $name raised" route_is from-portal delivered "$((had + 24))"
    "$busbar" trace "$id" --state "$state" >"$work/trace.txt" || fail "no trace of $id"
    grep -q books "$work/trace.txt" || fail "the trace of $id does not reach the books: $(cat "$work/trace.txt")"
done
ok "supplier-asn and quality-alert are traced to the books"

# X12 that cannot be read waits for a person, is refused by a 997 where it has a group, and holds up nothing
x12='ISA*00*          *00*          *ZZ*17300001       *ZZ*BUSBAR         *261128*0800*U*00401*000009001*0*P*>~GS*SH*17300001*BUSBAR*20261128*0800*9001*X*004010~ST*856*0001~BSN*00*ASN-BAD*20261128*0800*0001~HL*1**S~HL*2*1*O~PRF*1~HL*3*2*I~LIN*1*BP*RM-1~SN1**5*QQ~SE*9*0001~GE*1*9001~IEA*1*000009001~'
act say "$(jq -cn --arg t "$x12" '{text: $t}')" >/dev/null
act say '{"text":"ISA*cut off"}' >/dev/null
act say '{"contentType":"application/json","kind":"invoice","text":"{\"id\":\"I-1\"}"}' >/dev/null
unreadable() {
    "$busbar" quarantine list --json --state "$state" >"$work/held.json" && [ "$(grep -o mfg.portal.unreadable "$work/held.json" | wc -l)" -ge 3 ]
}
wait_for 20 "three unreadable documents in quarantine" unreadable
wait_for 20 "the 997 that refuses" route_is acknowledge delivered 15
same "the last 997" "$(db "SELECT control, outcome FROM acknowledgements ORDER BY n DESC LIMIT 1")" "9001|R"
act ship '{"format":"json"}' >/dev/null
wait_for 20 "a ship notice behind them" route_is from-portal delivered "$((had + 25))"

# signed posts: one with the wrong key is refused and says so, with the right one it gets through
control options "{\"webhook_secret\":\"$(cat "$work/sign")\"}"
told() { # told WHAT: busbar status says so of the portal
    status_json | jq -e --arg w "$1" '.endpoints[] | select(.name == "portal") | .text | test($w; "i")' >/dev/null
}
posted "$(forecast signed-1)"
wait_for 20 "status to tell of the missing signature" told "SP-040"
ok "status: $(status_json | jq -r '.endpoints[] | select(.name == "portal") | .text')"
core_stop
portal_conf json "      sign: {secret: {file: $work/sign}}"
core_start
wait_for 20 "a signed forecast" settled 199
control options '{"webhook_window":"-1"}' # whatever the time, it is outside
posted "$(forecast signed-2)"
wait_for 20 "status to tell of the replay window" told "SP-041"
control options '{"webhook_window":"300"}'
wait_for 20 "the second signed forecast" settled 200
control options '{"webhook_secret":""}'

# webhooks: signed events of the portal at an http endpoint, as they are
core_stop
portal_conf
cat >>"$conf/portal.yaml" <<END
  from-hooks:
    from: hooks
    to: books
    match: {type: ["mfg.shipment.*", "mfg.quality.*"]}
END
sed -i "s|^  portal:\$|  hooks:\n    connector: http\n    config: {listen: \"127.0.0.1:0\", path: /portal, port_file: $work/hooks.port, signature: {secrets: [{file: $work/sign}]}}\n  portal:|" "$conf/portal.yaml"
core_start
wait_for 20 "the second webhook's port" test -s "$work/hooks.port"
control subscriptions "{\"url\":\"http://127.0.0.1:$(cat "$work/hooks.port")/portal\",\"types\":\"mfg.\",\"secret\":\"$(cat "$work/sign")\"}"
act quality '{}' >/dev/null
wait_for 20 "a quality event by webhook" route_is from-hooks delivered 1
old=$(($(date +%s) - 3600))
sig=$(printf 'x.%s.{}' "$old" | openssl dgst -sha256 -hmac "$(cat "$work/sign")" -binary | base64)
same "an old signature replayed" "$(curl -s -o "$work/answer" -w '%{http_code}' -H "webhook-id: x" -H "webhook-timestamp: $old" \
    -H "webhook-signature: v1,$sig" -H 'Content-Type: application/cloudevents+json' --data '{}' "http://127.0.0.1:$(cat "$work/hooks.port")/portal")" 401

# wrong credentials and a wrong path are one line with what to do, and intake goes on
core_stop
portal_conf
sed -i 's/client_id: busbar/client_id: stranger/' "$conf/portal.yaml"
core_start
posted "$(forecast auth-1)"
wait_for 20 "status to tell of the credentials" told "mend auth"
ok "status: $(status_json | jq -r '.endpoints[] | select(.name == "portal") | .text')"
same "intake goes on" "$(route_get to-portal accepted)" 203
core_stop
portal_conf
core_start
wait_for 20 "the forecast that waited" settled 201
core_stop
portal_conf json '      paths: {forecasts: /v2/forecasts}'
core_start
posted "$(forecast path-1)"
wait_for 20 "status to tell of the path" told "mend base_url or paths"
ok "status: $(status_json | jq -r '.endpoints[] | select(.name == "portal") | .text')"
# a certificate that has run out is one line that says where to look
core_stop
tls=$work/tls
mkdir "$tls" && (
    cd "$tls" && : >index && echo 01 >serial
    printf '%s\n' '[ca]' default_ca=d '[d]' database=index serial=serial new_certs_dir=. default_md=sha256 policy=p \
        '[p]' commonName=supplied '[x]' subjectAltName=IP:127.0.0.1 >ca.cnf
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out r.csr -subj /CN=old
    openssl ca -batch -config ca.cnf -selfsign -keyfile key.pem -in r.csr -out cert.pem -notext -extensions x \
        -startdate 20200101000000Z -enddate 20200102000000Z
) >"$work/openssl.log" 2>&1 || fail "no expired certificate: $(tail -n 3 "$work/openssl.log")"
bg "$work/s_server.log" openssl s_server -www -accept 127.0.0.1:0 -cert "$tls/cert.pem" -key "$tls/key.pem"
wait_for 10 "the server with the old certificate" grep -q ACCEPT "$work/s_server.log"
port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$work/s_server.log")
portal_conf
sed -i "s|base_url: .*|base_url: https://127.0.0.1:$port|; s|^      auth:.*|      tls: {ca: $tls/cert.pem}|" "$conf/portal.yaml"
core_start
posted "$(forecast tls-1)"
wait_for 20 "status to name the certificate" told "certificate.*expired"
ok "status: $(status_json | jq -r '.endpoints[] | select(.name == "portal") | .text')"
same "effects made twice at the end" "$(effects doubles)" 0
core_stop
books_balance

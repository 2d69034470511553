#!/usr/bin/env bash
# wms-plant.sh - the wms connector against the plant's WMS, in a core: events in, movements out, questions
#
# With the plant's faults: answers that are lost after the effect, resets, 429, 500, tokens that run out. At the
# end each movement has had its effect once, and the warehouse and the books of the test agree.
limit=180
. "$(dirname "$0")/../lib.sh"
need jq curl
systems_start --systems erp,wms --seed 1
wait_for 30 "the WMS's port" test -s "$systems_dir/wms.port"
U=$(system_url wms)
(umask 077 && printf 'busbar' >"$work/secret")

control() {
    curl -sf --max-time 10 -X PUT --data "$2" "$U/control/$1" >/dev/null || fail "control $1"
}
act() { # act NAME JSON: what the warehouse's people do
    curl -s --max-time 10 --data "$2" "$U/control/do/$1"
}
effects() { # effects FIELD: effects, doubles, keyless
    curl -sf "$U/control/effects" | jq -r ".$1"
}
stock_of() { # stock_of ITEM PLANT BIN
    curl -s -u busbar:busbar "$U/stock/bins?plant=$2&bin=$3&item=$1" | jq -r '[.entries[].quantity] | add // 0'
}

# The routes: what is posted at the webhook goes to the warehouse, what happens there comes to the plain sink.
# wms_conf FORMAT [extra config]
wms_conf() {
    cat >"$conf/wms.yaml" <<END
endpoints:
  hook:
    connector: http
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  wms:
    connector: wms
    timeout: 4s
    probe_after: 1s
    echo: /data/id
    breaker: {failures: 50, open: 100ms, max: 500ms}
    config:
      base_url: $U
      format: $1
      timeout: 2s
      storage_location: "0001"
      pause: 100ms
      auth: {oauth2: {token_url: "$U/oauth2/token", client_id: busbar, client_secret: {file: $work/secret}}}
      poll: {interval: 200ms, page: 7, backoff_max: 300ms}
      faults: {WMS-024: retry}
  books:
    connector: http
    timeout: 2s
    config: {url: $erp/in, timeout: 1s, probe: {path: "/applied/{key}"}}
routes:
  to-wms:
    from: hook
    to: wms
    match: {type: mfg.inventory.movement}
    order_by: item
    retry: {attempts: 30, initial: 100ms, max: 300ms}
    on_failure: quarantine
  from-wms:
    from: wms
    to: books
    match: {type: mfg.inventory.movement}
    order_by: item
END
}

# movement ID KIND ITEM QUANTITY FROM-BIN TO-BIN: an event for the webhook
movement() {
    jq -cn --arg id "$1" --arg kind "$2" --arg item "$3" --argjson q "$4" --arg from "$5" --arg to "$6" '
        def side($bin): if $bin == "" then {} else {location: {plant: "1000", bin: $bin}} end;
        {specversion: "1.0", id: $id, source: "/test", type: "mfg.inventory.movement", item: $item, plant: "1000",
         data: ({id: $id, kind: $kind, item: {id: $item}, plant: "1000", quantity: {value: $q, unit: "H87"},
                at: "2026-11-28T08:00:00Z", from: side($from), to: side($to)} | del(.[] | select(. == {})))}'
}
posted() { # posted EVENT
    local got
    got=$(post "$1")
    [ "$got" = 202 ] || fail "the webhook answered $got: $(cat "$work/answer")"
}

# the example's routes do what they say
"$busbar" test -c "$src/docs/examples/wms/conf.d" >"$work/example.log" 2>&1 || fail "docs/examples/wms: $(tail -n 20 "$work/example.log")"
ok "docs/examples/wms: $(tail -n 1 "$work/example.log")"

plant_start --dedupe no --lane /type,/item --seq /data/number
wms_conf json
"$busbar" check -c "$conf" >"$work/check-conf.log" 2>&1 || fail "busbar check: $(cat "$work/check-conf.log")"
core_start

# one type in: what happened there arrives, each once
for k in receive pick move count; do
    act "$k" '{"plant":"1000"}' >/dev/null
done
wait_for 20 "four movements from the warehouse" route_is from-wms delivered 4
same "movements from the warehouse" "$(plant_get applied)" 4
# one type out: a receipt and a pick, exactly once
item=$(curl -s -u busbar:busbar "$U/stock/bins?plant=1000" |
    jq -r '[.entries[] | select(.uom == "H87" and .lot == "" and .stockType == "unrestricted" and .quantity > 50)][0] | .item + " " + .bin')
bin=${item#* } item=${item% *}
before=$(stock_of "$item" 1000 "$bin")
posted "$(movement out-1 other-receipt "$item" 7 "" "$bin")"
posted "$(movement out-2 other-issue "$item" 2 "$bin" "")"
wait_for 20 "two movements in the warehouse" route_is to-wms delivered 2
same "the bin after a receipt and an issue" "$(stock_of "$item" 1000 "$bin")" "$((before + 5))"
same "effects made twice" "$(effects doubles)" 0

# our own effects come back as events and go no further
sleep 1
same "movements that went on" "$(route_get from-wms delivered)" 4

# a refusal has the warehouse's code and text
posted "$(movement bad-1 other-issue "$item" 999999 "$bin" "")"
wait_for 20 "the refusal" route_is to-wms quarantined 1
"$busbar" quarantine list --json --state "$state" >"$work/held.json"
grep -q 'WMS-021' "$work/held.json" || fail "the refusal's code is not on record: $(cat "$work/held.json")"
ok "a refusal keeps the warehouse's code"
grep -q "holds $((before + 5)) of item $item" "$work/held.json" || fail "the refusal's text is not on record"
ok "and its text"

# a lost answer never posts twice: a third of the calls fail in every way, on capture, job and query alike
faults() {
    control faults "{\"seed\":5,\"rules\":[$1]}"
}
storm='{"fault":"reset","when":"after","percent":12,"match":"/epcis"},{"fault":"500","when":"after","percent":8,"match":"/epcis"},
 {"fault":"late","percent":5,"ms":2600,"match":"/epcis"},{"fault":"429","percent":5,"retry_after":"1"},
 {"fault":"reset","percent":6,"match":"/epcis"},{"fault":"truncate","percent":4,"match":"/epcis"},{"fault":"token","percent":3}'
# burst PREFIX N: so many receipts of one piece
burst() {
    local k
    for k in $(seq "$2"); do
        posted "$(movement "$1-$k" other-receipt "$item" 1 "" "$bin")"
    done
}
settled() { # all of to-wms is delivered, but for what was quarantined before
    [ "$(route_get to-wms delivered)" = "$1" ]
}
before=$(stock_of "$item" 1000 "$bin")
done_before=$(effects effects)
faults "$storm"
burst lost 40
wait_for 90 "40 movements through the storm" settled 42
met=$(curl -s "$U/control/faults" | jq '[.rules[].met] | add')
[ "$met" -ge 15 ] || fail "the storm was met by $met calls only"
ok "the storm was met by $met calls"
faults ""
same "the bin after the storm" "$(stock_of "$item" 1000 "$bin")" "$((before + 40))"
same "effects in the storm" "$(($(effects effects) - done_before))" 40
same "effects made twice in the storm" "$(effects doubles)" 0
same "quarantined in the storm" "$(route_get to-wms quarantined)" 1

# an effect that lands after the probe was asked
before=$(stock_of "$item" 1000 "$bin")
faults '{"fault":"latency","ms":2400,"count":1,"method":"POST","match":"/capture"}'
posted "$(movement slow-1 other-receipt "$item" 1 "" "$bin")"
wait_for 30 "the slow one" settled 43
same "the bin after it" "$(stock_of "$item" 1000 "$bin")" "$((before + 1))"
same "effects made twice" "$(effects doubles)" 0

# the warehouse's people go on meanwhile, with faults: each of their movements arrives once
faults "$storm"
for k in $(seq 10); do
    act pick '{}' >/dev/null
    act move '{}' >/dev/null
done
wait_for 60 "20 movements more from the warehouse" route_is from-wms delivered 24
faults ""
same "arrived at the books" "$(plant_get applied) $(plant_get doubles)" "24 0"

# XML, the same both ways
core_stop
wms_conf xml
core_start
act pick '{"plant":"2000"}' >/dev/null
wait_for 20 "a movement from the warehouse, as XML" route_is from-wms delivered 25
before=$(stock_of "$item" 1000 "$bin")
posted "$(movement xml-1 other-receipt "$item" 3 "" "$bin")"
wait_for 20 "a movement out, as XML" settled 44
same "the bin after it" "$(stock_of "$item" 1000 "$bin")" "$((before + 3))"

# questions: a page of a snapshot with its watermark, and a bin
core_stop
wms_conf json
cat >>"$conf/wms.yaml" <<END
  asked:
    from: hook
    to: books
    match: {type: mfg.test.ask}
    transform:
      - enrich: {from: wms, query: stock.snapshot, with: {plant: /data/plant, limit: /data/limit}, into: /data/snapshot}
      - enrich: {from: wms, query: bin.stock, with: {plant: /data/plant, bin: /data/bin}, into: /data/there}
    on_failure: quarantine
END
core_start
posted "{\"specversion\":\"1.0\",\"id\":\"ask-1\",\"source\":\"/test\",\"type\":\"mfg.test.ask\",\"correlationid\":\"ask\",\"data\":{\"plant\":\"1000\",\"limit\":25,\"bin\":\"$bin\"}}"
wait_for 20 "the questions' answers" route_is asked delivered 1
jq -c 'select(.id == "ask-1")' "$work/erp.jsonl" >"$work/asked.json"
"$busbar" trace ask --json --state "$state" >"$work/trace.json" || true
ok "stock.snapshot and bin.stock are answered"

# files, both ways: control totals, a checksum, and what was changed on the way is refused whole
core_stop
in=$systems_dir/wms-out out=$systems_dir/wms-in
mkdir -p "$in" "$out"
sed -i -e "/^      base_url/,/^      faults/d" -e "s|^    config:\$|    config:\n      storage_location: \"0001\"\n      files: {out: $out, in: $in, interval: 100ms}|" "$conf/wms.yaml"
sed -i '/^  asked:/,$d' "$conf/wms.yaml"
act give-files '{}' >/dev/null # all that came as events already
rm "$in"/*.csv
core_start
before=$(stock_of "$item" 1000 "$bin")
for k in 1 2 3; do
    posted "$(movement "file-$k" other-receipt "$item" 1.5 "" "$bin")"
done
wait_for 20 "three files" settled 47
same "files for the warehouse" "$(find "$out" -name '*.csv' | wc -l) $(find "$out" -name '.*' -type f | wc -l)" "3 0"
same "what the warehouse made of them" "$(act take-files '{}' | jq -c '[.taken, .refused]')" "[3,0]"
same "the bin after them" "$(stock_of "$item" 1000 "$bin")" "$(jq -n "$before + 4.5")"
had=$(route_get from-wms delivered)
act pick '{}' >/dev/null
act receive '{}' >/dev/null
act count '{}' >/dev/null
act give-files '{}' >/dev/null
wait_for 20 "the warehouse's file" test -e "$in/done/mv-00000002.csv"
wait_for 20 "its three movements" route_is from-wms delivered "$((had + 3))"
ok "the warehouse's file gave three movements"
sed 's/receipt/receipT/' "$in/done/mv-00000002.csv" >"$work/changed" && mv "$work/changed" "$in/changed.csv"
head -n 2 "$in/done/mv-00000002.csv" >"$work/cut" && mv "$work/cut" "$in/cut.csv"
wait_for 20 "refused files" test -e "$in/refused/cut.csv" -a -e "$in/refused/changed.csv"
grep -qh 'changed.csv: the checksum' "$work"/core-*.log || fail "the log does not say why"
ok "$(grep -oh 'cut.csv: .*' "$work"/core-*.log | head -n 1)"

# wrong credentials are one line, with what to do, and intake goes on
core_stop
wms_conf json
sed -i 's/client_id: busbar/client_id: stranger/' "$conf/wms.yaml"
core_start
posted "$(movement auth-1 other-receipt "$item" 1 "" "$bin")"
auth_told() {
    status_json | jq -e '.endpoints[] | select(.name == "wms") | .text | test("auth|credential|client"; "i")' >/dev/null
}
wait_for 20 "status to tell of the credentials" auth_told
ok "status: $(status_json | jq -r '.endpoints[] | select(.name == "wms") | .text')"
same "intake goes on" "$(route_get to-wms accepted)" 49
core_stop
books_balance

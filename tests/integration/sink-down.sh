#!/usr/bin/env bash
# sink-down.sh - a file sink without its folder is down: nothing is lost or quarantined, and status says why
limit=60
. "$(dirname "$0")/../lib.sh"
need jq curl
cat >"$conf/c.yaml" <<END
endpoints:
  hook:
    connector: http
    isolation: thread
    config: {listen: "127.0.0.1:0", path: /events, port_file: $work/hook.port}
  out: {connector: file, breaker: {open: 100ms, max: 300ms}, config: {path: $work/share/out.jsonl, content: data}}
routes:
  r: {from: hook, to: out, order_by: item, retry: {attempts: 2, initial: 10ms, max: 50ms}}
END
core_start
text() {
    status_json | jq -r '.endpoints[] | select(.name == "out") | .text'
}
says_why() {
    text | grep -q "cannot open the folder $work/share: No such file or directory"
}
well() { [ -z "$(text)" ]; }
wait_for 20 "the status to say why, before there is anything to deliver" says_why
mkdir "$work/share"
wait_for 20 "the status to be well, with nothing to deliver" well
core_kill
rm -r "$work/share"
core_start
for i in 1 2 3 4 5; do
    same "accepted ($i)" "$(post '{"specversion":"1.0","id":"'$i'","source":"/t","type":"mfg.t","item":"A","data":{"n":'$i'}}')" 202
done
wait_for 20 "the status to say why" says_why
breaker_met() { [ "$(status_json | jq -r '.endpoints[] | select(.name == "out") | .breaker')" != closed ]; }
wait_for 20 "the breaker to open" breaker_met
same "held, or in quarantine: attempts used up" "$(status_json | jq '[.routes[] | .held + .quarantined] | add')" 0
mkdir "$work/share"
wait_for 20 "all of them" route_is r delivered 5
same "in order" "$(jq -c .n "$work/share/out.jsonl" | tr '\n' ' ')" "1 2 3 4 5 "
wait_for 20 "the status to be well again" well
core_stop
books_balance

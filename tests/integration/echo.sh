#!/usr/bin/env bash
# echo.sh - two systems that tell each other everything come to rest
#
# Each endpoint posts what is delivered to it to its own webhook, under an id of its own: a system that
# reports each record that it was given. Only the key in it keeps a message from going round for ever.
limit=120
. "$(dirname "$0")/../lib.sh"
need jq curl
side() { # side NAME PORT [more of the endpoint]
    cat <<END
  $1:
    connector: http
    isolation: thread
    $3
    config:
      listen: 127.0.0.1:$2
      path: /events
      port_file: $work/$1.port
      url: http://127.0.0.1:$2/events
      body: data
      headers: {ce-specversion: "1.0", ce-id: "made-{key}", ce-source: "/$1", ce-type: mfg.stock, ce-reference: "{key}"}
END
}
config() { # config LINE: of both endpoints, or nothing
    {
        echo endpoints:
        side hook "$port_a" "$1"
        side b "$port_b" "$1"
        cat <<END
routes:
  a-to-b: {from: hook, to: b, on_unknown: quarantine}
  b-to-a: {from: b, to: hook, on_unknown: quarantine}
END
    } >"$conf/p.yaml"
}
count() { # count FIELD: of both endpoints together
    status_json | jq "[.endpoints[].$1] | add"
}
at_least() { # at_least FIELD N
    [ "$(count "$1")" -ge "$2" ]
}
say() { # say NAME ID [attribute]
    curl -s -o "$work/out" -w '%{http_code}' -H 'Content-Type: application/cloudevents+json' --data \
        "{\"specversion\":\"1.0\",\"id\":\"$2\",\"source\":\"/$1\",\"type\":\"mfg.stock\"${3:+,\"reference\":\"$3\"},\"data\":{\"qty\":5}}" \
        "http://127.0.0.1:$(cat "$work/$1.port")/events"
}
. "$src/tests/fault/lib_kill.sh" # free_port
port_a=$(free_port) port_b=$(free_port)

# without a word about echoes it goes round and round
config ""
core_start
same "a's message" "$(say hook 1)" 202
wait_for 30 "twenty turns" at_least accepted 20
core_stop
rm -rf "$state"

config 'echo: [/data/reference, /attributes/reference]'
core_start
same "a's message" "$(say hook 1)" 202
same "b's message, with a key of nobody's" "$(say b 2 00000000-1-1-0)" 202
wait_for 30 "both echoes" at_least echoes 2
same "messages" "$(status_json | jq .journal.accepted)" 2
same "delivered" "$(route_get a-to-b delivered)/$(route_get b-to-a delivered)" 1/1
same "echoes" "$(count echoes)" 2
core_stop
books_balance

#!/usr/bin/env bash
# route-test.sh - busbar test, explain and send --dry-run: what passes, what fails and how it is told
#
# That a route test means something is shown in two ways: every rule of the shipped examples is taken
# out once and a test must fail; and every kind of expectation is made wrong once.
limit=200
. "$(dirname "$0")/../lib.sh"
BUSBAR_TEST_DIR=$(mktemp -d /dev/shm/bt.XXXXXX 2>/dev/null || mktemp -d /tmp/bt.XXXXXX) # a short name, of its own
export BUSBAR_TEST_DIR
test_cleanup() {
    rm -rf "$BUSBAR_TEST_DIR"
}
need jq
plugins=$BUSBAR_PLUGIN_PATH
unset BUSBAR_PLUGIN_PATH # route tests need no plugin

# runs STATUS COMMAND...: its exit status; what it prints goes to $work/out and $work/err
runs() {
    local want=$1 rc=0
    shift
    "$@" >"$work/out" 2>"$work/err" || rc=$?
    [ "$rc" = "$want" ] || {
        cat "$work/out" "$work/err"
        fail "status $rc, expected $want: $*"
    }
}
says() { # says FILE TEXT
    grep -qF -- "$2" "$work/$1" || {
        cat "$work/$1"
        fail "not said: $2"
    }
}

# ---- the examples pass, and every rule counts -----------------------------------------------------
for example in stock bom sap mes; do
    from=$src/docs/examples/$example/conf.d
    runs 0 "$busbar" test -c "$from" --coverage
    says out " 0 failed"
    grep -q 'never ran' "$work/out" && fail "the example $example leaves rules out"
    ok "the example $example: $(tail -n 1 "$work/out")"
    broken=0
    for file in "$from"/*.yaml "$from"/maps/*.yaml; do
        [ -f "$file" ] || continue
        while IFS=: read -r line _; do
            rm -rf "$work/mutant"
            cp -r "$from" "$work/mutant"
            chmod -R u+w "$work/mutant"
            sed -i "${line}d" "$work/mutant/${file#"$from"/}"
            runs 1 "$busbar" test -c "$work/mutant"
            says out "FAIL"
            broken=$((broken + 1))
        done < <(grep -nE '^ *- (rename|copy|constant|drop):' "$file")
    done
    [ "$broken" -ge 4 ] || fail "only $broken rules of $example were broken"
    ok "the example $example: each of $broken rules taken out makes a test fail"
    rm -rf "$work/mutant"
    cp -r "$from" "$work/mutant"
    chmod -R u+w "$work/mutant"
    sed -i 's/match: {type: mfg\.[a-z]*\./match: {type: mfg.other./' "$work"/mutant/*.yaml
    runs 1 "$busbar" test -c "$work/mutant"
    ok "the example $example: a broken match makes a test fail"
done

# ---- outcomes, each in virtual time ------------------------------------------------------------------
cat >"$conf/r.yaml" <<'END'
endpoints:
  src: {connector: not-installed, config: {any: thing, key: {file: /nowhere/secret}}}
  quiet: {connector: not-installed, unmatched: skip}
  strict: {connector: not-installed, unmatched: refuse}
  dst: {connector: not-installed, timeout: 30s}
  other: {connector: not-installed, limit: {rate: 1/m, burst: 1}}
routes:
  r: {from: src, to: dst, match: {type: [a.b, "a.c.*"], plant: "1000"}, order_by: item, retry: {attempts: 3},
      transform: [{map: [{rename: {from: /data/a, to: /data/b}}]}]}
  unsure: {from: src, to: dst, match: {type: x.retry}, on_unknown: retry, on_failure: quarantine}
  person: {from: src, to: dst, match: {type: x.ask}, on_unknown: quarantine, on_failure: skip}
  slow: {from: src, to: other, match: {type: x.slow}}
  q: {from: quiet, to: dst, match: {type: only.this}}
  s: {from: strict, to: dst, match: {type: only.this}}
END
mkdir "$conf/tests"
cat >"$conf/tests/outcomes.yaml" <<'END'
tests:
  - name: retry-after passes in no time
    route: r
    input: {event: {type: a.b, plant: "1000", item: x, data: {a: 1}}}
    answers: {dst: {answer: retry, after: 9m, times: 20}}
    expect: {state: delivered, sends: 21}
  - name: no answer until the deadline, then the probe says
    route: r
    input: {event: {type: a.c.d, plant: "1000", item: x, data: {a: 1}}}
    answers: {dst: silent}
    probes: {dst: [silent, not-applied, not-applied]}
    expect: {state: delivered, sends: 2, probes: 3, history: [probing, probing, probing, retrying]}
  - name: down for good ends at max_age, three days later
    route: r
    input: {event: {type: a.b, plant: "1000", item: x, data: {a: 1}}}
    answers: {dst: {answer: down, times: always}}
    expect: {state: held, error: the test says}
  - name: until stops before that
    route: r
    until: 1h
    input: {event: {type: a.b, plant: "1000", item: x, data: {a: 1}}}
    answers: {dst: {answer: down, times: always}}
    expect: {state: retrying}
  - name: unknown and on_unknown retry
    from: src
    input: {event: {type: x.retry, data: 1}}
    answers: {dst: [unknown, ok]}
    expect: {route: unsure, state: delivered, sends: 2, history: [retrying]}
  - name: unknown and on_unknown quarantine
    from: src
    input: {event: {type: x.ask, data: 1}}
    answers: {dst: unknown}
    expect: {route: person, state: quarantined, sends: 1}
  - name: refused and on_failure skip
    from: src
    input: {event: {type: x.ask, data: 1}}
    answers: {dst: {answer: reject, text: no such item}}
    expect: {route: person, state: skipped, error: no such item}
  - name: a rate of one a minute
    from: src
    input:
      - event: {type: x.slow, data: 1}
      - event: {type: x.slow, data: 2}
      - event: {type: x.slow, data: 3}
    expect: [{state: delivered}, {state: delivered}, {state: delivered}]
  - name: skipped, refused, twice, in conflict, unmatched
    input:
      - {from: quiet, event: {type: not.this, data: 1}}
      - {from: strict, event: {type: not.this, data: 1}}
      - {from: quiet, event: {id: same, type: only.this, data: 1}}
      - {from: quiet, event: {id: same, type: only.this, data: 1}}
      - {from: quiet, event: {id: same, type: only.this, data: 2}}
      - {from: src, event: {type: a.b, plant: "2000", data: 1}}
    expect:
      - {message: 1, state: skipped}
      - {message: 2, state: refused, error: matches no route}
      - {message: 3, route: q, state: delivered, sends: 1}
      - {message: 4, state: duplicate}
      - {message: 5, state: quarantined}
      - {message: 6, state: quarantined, error: no route}
END
began=$SECONDS
runs 0 "$busbar" test -c "$conf"
says out "9 tests, 9 passed, 0 failed"
[ -s "$work/err" ] && fail "the core complains: $(head -n 1 "$work/err")" # of silence, say, that no time took
[ $((SECONDS - began)) -lt 60 ] || fail "days of waiting took $((SECONDS - began)) s"
ok "days of retries, probes, pauses and silence: $(tail -n 1 "$work/out")"
"$busbar" test -c "$conf" --json | jq -c '[.tests[].result]' >"$work/first"
for _ in 1 2 3 4 5; do
    "$busbar" test -c "$conf" --json | jq -c '[.tests[].result]' | cmp -s - "$work/first" || fail "a run differs from the first"
done
ok "six runs, the same results"
[ -z "$(ls "$BUSBAR_TEST_DIR")" ] ||
    fail "a temporary folder is left"
mkdir "$work/long"
cat >"$work/long/c.yaml" <<'END'
endpoints: {src: {connector: file}, dst: {connector: file, breaker: {max: 1s}}}
routes: {r: {from: src, to: dst, on_unknown: retry, retry: {max_age: 365d}}}
END
printf 'tests:\n- {name: one, route: r, until: 365d, input: {event: {type: a}}, answers: {dst: {answer: down, times: always}}, expect: []}\n' >"$work/long/t"
mv "$work/long/t" "$work/long.yaml"
"$busbar" test -c "$work/long" "$work/long.yaml" >"$work/out" 2>&1 &
long_pid=$!
left() {
    ls "$BUSBAR_TEST_DIR"
}
folder_there() {
    [ -n "$(left)" ]
}
wait_for 20 "a test to run" folder_there
kill -TERM "$long_pid"
rc=0
wait "$long_pid" || rc=$?
same "status of a test that is ended" "$rc" 143
[ -z "$(left)" ] || fail "its folder is left"
ok "nothing is left behind"

# ---- a query that is down is asked less and less often, as in a plant ----------------------------------------
mkdir -p "$work/down/tests"
cat >"$work/down/c.yaml" <<'END'
endpoints: {src: {connector: file}, dst: {connector: file, limit: {in_flight: 1}}, plm: {connector: not-installed}}
routes:
  r: {from: src, to: dst, on_unknown: retry, transform: [{enrich: {from: plm, query: item, with: {n: /attributes/item}, into: /data/x}}], emit: {type: after, on: delivered}}
  after: {from: dst, to: src, match: {type: after}, on_unknown: retry}
END
cat >"$work/down/tests/c.yaml" <<'END'
tests:
  - name: some 20 times in ten minutes, not 300
    route: r
    until: 10m
    input: {event: {type: a, item: A, data: {}}}
    queries: {plm: {item: [{answer: down, times: 30}]}}
    expect: {state: retrying}
  - name: many behind one at a time, after nine in vain
    from: src
    clock: "2026-01-31T08:00:00Z"
    input: [{event: {type: a, id: a1, item: A, data: {}}}, {event: {type: a, id: a2, item: B, data: {}}}, {event: {type: a, id: a3, item: C, data: {}}}, {event: {type: a, id: a4, item: D, data: {}}}]
    queries: {plm: {item: [{answer: down, times: 9}, {reply: {k: 1}}]}}
    expect: [{state: delivered}, {state: delivered}, {state: delivered}, {state: delivered},
             {message: 5, state: delivered}, {message: 6, state: delivered}, {message: 7, state: delivered}, {message: 8, state: delivered}]
  - name: what follows has the test's time
    from: src
    clock: "2026-01-31T08:00:00Z"
    input: {event: {type: a, item: A, data: {}}}
    queries: {plm: {item: [{reply: {k: 1}}]}}
    expect: [{route: r, state: delivered}, {route: after, state: delivered, fields: {/time: "2026-01-31T08:00:00.000Z"}}]
END
runs 0 "$busbar" test -c "$work/down"
ok "a query that is down"

# ---- a step that ends its process costs its own test ---------------------------------------------------------
mkdir -p "$work/crash/tests"
cat >"$work/crash/c.yaml" <<'END'
endpoints: {src: {connector: file}, dst: {connector: file}}
routes:
  bad: {from: src, to: dst, on_unknown: retry, match: {type: bad}, transform: [{jq: "def f: [f]; f"}]}
  good: {from: src, to: dst, on_unknown: retry, match: {type: good}}
END
cat >"$work/crash/tests/c.yaml" <<'END'
tests:
  - {name: one, route: good, input: {event: {type: good}}, expect: {state: delivered}}
  - {name: two, route: bad, input: {event: {type: bad}}, expect: {state: delivered}}
  - {name: three, route: good, input: {event: {type: good}}, expect: {state: delivered}}
END
runs 1 "$busbar" test -c "$work/crash" --coverage
says out 'a step ended its process'
says out '3 tests, 2 passed, 1 failed'
[ -z "$(left)" ] || fail "its folder is left"
runs 1 "$busbar" send --dry-run -c "$work/crash" -e src - <<<'{"specversion":"1.0","id":"1","source":"/t","type":"bad"}'
says err 'a step ended the process'
ok "a step that crashes costs its own test, and a dry run says so"

# ---- a plugin that is there says by its manifest that it takes ordered batches -----------------------------
mkdir -p "$work/batch/tests"
cat >"$work/batch/b.yaml" <<'END'
endpoints: {src: {connector: file}, dst: {connector: file}}
routes: {b: {from: src, to: dst, order_by: item, on_unknown: retry, retry: {attempts: 3}}}
END
cat >"$work/batch/tests/b.yaml" <<'END'
tests:
  - name: a refusal inside a batch leaves those behind it waiting
    route: b
    input: five.jsonl
    answers: {dst: [retry, ok, ok, {answer: reject, text: full}, ok]} # the others gather behind the first
    expect:
      - {state: delivered, sends: 2}
      - {state: delivered, sends: 1}
      - {state: held, sends: 1, error: full}
      - {state: spilled, sends: 0}
      - {state: spilled, sends: 0}
  - name: one that is tried again goes before those behind it
    route: b
    input: five.jsonl
    answers: {dst: [retry, ok, ok, retry]}
    expect:
      - {state: delivered, sends: 2}
      - {state: delivered, sends: 1}
      - {state: delivered, sends: 2, history: [retrying]}
      - {state: delivered, sends: 1}
      - {state: delivered, sends: 1}
END
for i in 1 2 3 4 5; do event "b$i" A "$i" && echo; done >"$work/batch/tests/five.jsonl"
runs 0 env BUSBAR_PLUGIN_PATH="$plugins" "$busbar" test -c "$work/batch"
ok "batches in a lane"

# ---- why it was another state is told ----------------------------------------------------------------------
mkdir -p "$work/why/tests"
cat >"$work/why/c.yaml" <<'END'
endpoints: {src: {connector: file}, dst: {connector: file}}
routes: {r: {from: src, to: dst, on_unknown: retry, transform: [{require: {present: [/data/qty]}}]}}
END
echo 'tests: [{name: one, route: r, input: {event: {type: a, data: {}}}, expect: {state: delivered}}]' >"$work/why/tests/c.yaml"
runs 1 "$busbar" test -c "$work/why"
says out 'route r: step 1 (require): /data/qty is missing'
ok "why a delivery ended otherwise stands beside it"

# ---- every kind of expectation can fail ---------------------------------------------------------------
good='state: delivered, message: 1, route: r, sends: 2, probes: 0, history: [retrying], fields: {/data/b: 1.50}, absent: /data/a'
wrong_test() { # wrong_test EXPECT: the file with one test
    mkdir -p "$work/wrong"
    cat >"$work/wrong/t.yaml" <<END
tests:
  - name: one
    route: r
    input: {event: {type: a.b, plant: "1000", item: x, data: {a: 1.50}}}
    answers: {dst: retry}
    expect: $1
END
}
text_150='"1.50"'
wrong_test "{$good}"
runs 0 "$busbar" test -c "$conf" "$work/wrong/t.yaml"
while IFS='|' read -r expect told; do
    wrong_test "$expect"
    runs 1 "$busbar" test -c "$conf" "$work/wrong/t.yaml"
    says out "$told"
    says out "t.yaml:2"
done <<END
{${good/delivered/held}}|- expected "held"
{${good/message: 1/message: 2}}|- expected 2
{${good/route: r/route: q}}|- expected "q"
{${good/sends: 2/sends: 1}}|+ got      2
{${good/probes: 0/probes: 1}}|- expected 1
{${good/history: \[retrying\]/history: [retrying, probing]}}|/1
{${good/1.50/1.5}}|+ got      1.50
{${good/1.50/$text_150}}|- expected "1.50"
{${good/data\/b/data/c}}|/data/c
{${good/absent: \/data\/a/absent: /data/b}}|+ got      1.50
{error: any, $good}|- expected "any"
[{$good}, {state: delivered}]|did not come
[]|is not expected
{sent: {specversion: "1.0", id: test-1, source: /test, type: a.b, plant: "1000", item: x, data: {b: 1.50, c: 2}}}|/data/c
END
ok "each kind of expectation fails where it is wrong"
wrong_test "{state: delivered}"
sed -i 's/retry}/unknown}/' "$work/wrong/t.yaml"
runs 1 "$busbar" test -c "$conf" "$work/wrong/t.yaml"
says out 'endpoint "dst" was asked what it applied, and "probes" does not say'
ok "a probe without an answer is no pass"

# ---- reports ------------------------------------------------------------------------------------------
wrong_test "{state: held, sends: 2}"
sed -i 's/name: one/name: "one <\&> # \\"it\\""/' "$work/wrong/t.yaml"
runs 1 "$busbar" test -c "$conf" "$work/wrong" "$conf/tests/outcomes.yaml" --junit "$work/j.xml" --tap
says out "1..10"
says out 'not ok 1 - one <&> \# "it"'
says out "#     - expected \"held\""
grep -qF 'tests="1" failures="1" errors="0"' "$work/j.xml" || fail "JUnit: no suite of one failure"
grep -qF 'name="one &lt;&amp;&gt; # &quot;it&quot;"' "$work/j.xml" || fail "JUnit: the name"
grep -qF 'tests="9" failures="0" errors="0"' "$work/j.xml" || fail "JUnit: no suite of nine"
! command -v xmllint >/dev/null || xmllint --noout "$work/j.xml" || fail "JUnit: not well-formed"
"$busbar" test -c "$conf" "$work/wrong" --json >"$work/out" && fail "--json passed"
same "JSON" "$(jq -c '[.passed, .failed, .tests[0].differences[0].what, .tests[0].line]' "$work/out")" '[0,1,"state",2]'
runs 0 "$busbar" test -c "$conf" --only 'a rate' --coverage
says out "1 test, 1 passed, 0 failed"
says out "never ran: route r, step 1, rule 1 (rename)"
says out "coverage: 1 of 6 routes, 0 of 1 steps, 0 of 1 rules"
mkdir -p "$work/cov/tests"
cat >"$work/cov/c.yaml" <<'END'
endpoints: {src: {connector: file}, dst: {connector: file}}
routes:
  r: {from: src, to: dst, on_unknown: retry, transform: [{map: [
    {when: {if: {at: /data/q, below: 10}, then: [{constant: {to: /data/class, value: small}}],
            else: [{constant: {to: /data/class, value: large}}]}},
    {constant: {to: /data/x, value: 1, when: {at: /data/q, below: 5}}}]}]}
END
cat >"$work/cov/tests/t.yaml" <<'END'
tests: [{name: small, route: r, input: {event: {type: a, data: {q: 7}}}, expect: {state: delivered, fields: {/data/class: small}}}]
END
runs 0 "$busbar" test -c "$work/cov" --coverage
says out "2 of 4 rules"
says out "never ran: route r, step 1, rule 1.else.1 (constant)"
says out "never ran: route r, step 1, rule 2 (constant)"
ok "text, TAP, JUnit, JSON and coverage"

# ---- --update -------------------------------------------------------------------------------------------
cat >"$work/wrong/t.yaml" <<'END'
# the head stays
tests:
  # and this
  - name: one # and this
    route: r
    input: {event: {type: a.b, plant: "1000", item: x, data: {a: 1.50, on: "yes"}}}
    expect:
      - state: held
        sent: {specversion: "1.0"}
    clock: 2026-05-01T00:00:00Z # behind it

  - name: two
    input: {from: src, event: {type: a.b, plant: "1000", item: x, data: {}}}

  - name: three passes and stays as it is
    route: r
    input: {event: {type: a.b, plant: "1000", item: x, data: {a: 1}}}
    expect: {state: delivered,   fields: {/data/b: 1}}
# the end stays
END
cp "$work/wrong/t.yaml" "$work/before.yaml"
runs 0 "$busbar" test -c "$conf" "$work/wrong/t.yaml" --update
says err "2 tests updated"
runs 0 "$busbar" test -c "$conf" "$work/wrong/t.yaml"
cat >"$work/after.yaml" <<'END'
# the head stays
tests:
  # and this
  - name: one # and this
    route: r
    input: {event: {type: a.b, plant: "1000", item: x, data: {a: 1.50, on: "yes"}}}
    expect:
      - state: delivered
        sent:
          type: a.b
          plant: "1000"
          item: x
          specversion: "1.0"
          source: /test
          id: test-1
          data:
            "on": "yes"
            b: 1.50
    clock: 2026-05-01T00:00:00Z # behind it

  - name: two
    input: {from: src, event: {type: a.b, plant: "1000", item: x, data: {}}}
    expect:
      - route: r
        state: held
        error: "step 1 (map) rule 1 (rename): no value at /data/a"

  - name: three passes and stays as it is
    route: r
    input: {event: {type: a.b, plant: "1000", item: x, data: {a: 1}}}
    expect: {state: delivered,   fields: {/data/b: 1}}
# the end stays
END
jq -Rsn --rawfile a "$work/after.yaml" --rawfile b "$work/wrong/t.yaml" '$a == $b' | grep -q true ||
    { diff "$work/after.yaml" "$work/wrong/t.yaml" || fail "--update wrote something else"; }
ok "--update rewrites what failed and nothing else"

# ---- mistakes in a file of tests ---------------------------------------------------------------------------
cat >"$work/wrong/t.yaml" <<'END'
tests:
  - name: one
    rout: r
    route: rr
    input: {event: {type: a.b}}
  - {name: none, route: r, input: [], expect: []}
  - {name: any, route: r, input: {event: {type: a.b}}, expect: {}}
  - input: {event: {type: a.b}, file: x}
    name: two
    route: r
    answers: {dts: ok, dst: [fine, {answer: ok, after: 1s}]}
    clock: yesterday
    expect: {state: deliverd, fields: {data: 1}}
END
runs 2 "$busbar" test -c "$conf" "$work/wrong/t.yaml"
for text in 't.yaml:3:11: error: unknown key "rout" (did you mean "route"?)' \
    'endpoint "dts" is none (did you mean "dst"?)' 'there is no answer "fine"' '"yesterday" is no instant' \
    'state "deliverd" is none (did you mean "delivered"?)' 'an input has either "file" or "event"' \
    'input: there is no message in it' 'expect: an empty result is like any other' 'after: only a "retry"' '"data" is no pointer'; do
    says err "$text"
done
runs 2 "$busbar" test -c "$conf" "$work/nowhere.yaml"
runs 2 "$busbar" test -c "$work/nowhere"
runs 2 "$busbar" test -c "$conf" --only nobody
ok "mistakes are told with their place, and the status is 2"

# ---- explain, send --dry-run -----------------------------------------------------------------------------------
cat >"$work/e.jsonl" <<'END'
{"specversion":"1.0","id":"1","source":"/t","type":"a.b","plant":"1000","item":"x","data":{"a":1.50}}
{"specversion":"1.0","id":"2","source":"/t","type":"a.b","plant":"2000","item":"x","data":{"a":1}}
{"specversion":"1.0","id":"3","source":"/t","type":"a.c.e","item":"x","data":{"a":1}}
END
runs 0 "$busbar" explain -c "$conf" -e src "$work/e.jsonl"
says out 'route r, from src: yes, to dst'
says out 'route r, from src: no: plant is "2000", wanted "1000"'
says out 'route r, from src: no: plant is not there, wanted "1000"'
says out 'route unsure, from src: no: type is "a.b", wanted "x.retry"'
says out 'route q, from quiet: no: the message comes from src'
says out 'no route takes it: it would be quarantined'
"$busbar" message encode >"$work/e.bin" <<<'{"specversion":"1.0","id":"4","source":"/t","type":"only.that","data":1}'
runs 0 "$busbar" explain -c "$conf" -e strict "$work/e.bin"
says out 'its sender would be refused'
same "explain --json" "$("$busbar" explain -c "$conf" --json "$work/e.jsonl" |
    jq -c '[.[1].routes[] | select(.route == "r") | .takes, .miss.attribute, .miss.wanted, .miss.found]')" \
    '[false,"plant",["1000"],"2000"]'
runs 1 "$busbar" send --dry-run -c "$conf" -e src - <<<'{"specversion":"1.0","id":"1","source":"/t","type":"a.b","plant":"1000","data":{}}'
says out 'error: step 1 (map) rule 1 (rename): no value at /data/a'
head -n 1 "$work/e.jsonl" >"$work/one.json"
runs 0 "$busbar" send --dry-run -c "$conf" -e src "$work/one.json"
says out '"b": 1.50'
[ -e "$state" ] && fail "a dry run made a state folder"
runs 2 "$busbar" send --dry-run -c "$conf" "$work/one.json"
ok "explain and send --dry-run say what would become of a message"

#!/usr/bin/env bash
# cli.sh - messages to and from JSON, check with mistakes, usage and exit codes; no core runs
limit=60
. "$(dirname "$0")/../lib.sh"

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

# ---- message ------------------------------------------------------------------------------------
cat >"$work/event.json" <<'END'
{"specversion":"1.0","id":"e-1","source":"plm","type":"mfg.bom.released","item":"A-1",
 "data":{"qty":1.50,"big":18446744073709551615,"zero":-0,"text":"Stück \u00e4","list":[1,2.0,null]}}
END
runs 0 "$busbar" message encode "$work/event.json"
cp "$work/out" "$work/event.bin"
runs 0 "$busbar" message decode "$work/event.bin"
says out '"qty":1.50,"big":18446744073709551615,"zero":-0,"text":"Stück ä","list":[1,2.0,null]'
ok "a decoded event has the numbers as they were written"
"$busbar" message decode <"$work/event.bin" | "$busbar" message encode | cmp - "$work/event.bin" ||
    fail "encode(decode(bytes)) differs"
ok "decoded and encoded again it is the same bytes"
runs 0 "$busbar" message show "$work/event.bin"
cp "$work/out" "$work/shown"
runs 0 "$busbar" message show "$work/event.json"
cmp "$work/out" "$work/shown" || fail "show differs between bytes and JSON"
says out '    "qty": 1.50,'
printf '[1,2.50]' >"$work/value.json"
runs 0 "$busbar" message encode --data "$work/value.json"
cp "$work/out" "$work/value.bin"
runs 0 "$busbar" message decode --data "$work/value.bin"
says out '[1,2.50]'
ok "a value without an envelope"

printf '{"a":1,"a":2}' >"$work/bad.json"
runs 1 "$busbar" message encode --data "$work/bad.json"
says err "$work/bad.json:byte 7: error: "
[ -s "$work/out" ] && fail "half a message was written"
runs 1 "$busbar" message encode --data <"$work/bad.json"
says err "stdin:byte 7: error: "
ok "an error names the byte"
printf '{"specversion":"1.0","id":"1"}' >"$work/bad.json"
runs 1 "$busbar" message encode "$work/bad.json"
head -c 20 "$work/event.bin" >"$work/cut.bin"
runs 1 "$busbar" message decode "$work/cut.bin"
says err "byte"
printf '\x92\x80' >"$work/cut.bin"
runs 1 "$busbar" message show "$work/cut.bin"
runs 1 "$busbar" message decode /nonexistent
says err "No such file"
runs 1 "$busbar" message decode </dev/null
truncate -s $((64 * 1024 * 1024 + 1)) "$work/large"
runs 1 "$busbar" message encode "$work/large"
says err "larger than 64 MiB"
rm "$work/large"
ok "what is not a message is refused"
if [ -w /dev/full ]; then
    rc=0
    "$busbar" message decode "$work/event.bin" >/dev/full 2>"$work/err" || rc=$?
    same "status when stdout is full" "$rc" 1
    rc=0
    "$busbar" version >/dev/full 2>"$work/err" || rc=$?
    same "the same for version" "$rc" 1
fi

# ---- check ----------------------------------------------------------------------------------------
cat >"$conf/a.yaml" <<'END'
endpoints:
  erp: {connector: no-such-connector}
routes:
  r1: {from: erp, to: epr, order_bye: item}
END
cat >"$conf/b.yaml" <<'END'
endpoints:
  erp: {connector: another}
END
runs 1 "$busbar" check -c "$conf"
says err "a.yaml:4:"
says err 'did you mean "erp"?'
says err 'did you mean "order_by"?'
says err "b.yaml:2:"
says err "^"
says out "errors"
runs 1 "$busbar" check --json -c "$conf"
says out '"severity":"error"'
runs 1 "$busbar" run -c "$conf" --state "$state"
says err "nothing was started"
[ -e "$state" ] && fail "a journal was made for a wrong configuration"
runs 1 "$busbar" check -c "$work/nowhere"
ok "all mistakes of all files in one run"
rm "$conf"/*.yaml

# ---- usage ------------------------------------------------------------------------------------------
runs 0 "$busbar" version
says out "busbar "
runs 0 "$busbar" --version
runs 0 "$busbar" version --json
says out '"abi":0'
runs 0 "$busbar" --help
runs 0 "$busbar" help journal
runs 2 "$busbar"
runs 2 "$busbar" chek
says err 'did you mean "check"?'
runs 2 "$busbar" quarantine lst
says err 'did you mean "list"?'
runs 2 "$busbar" status --jsn
says err 'did you mean "--json"?'
runs 2 "$busbar" quarantine list --max many
runs 2 "$busbar" quarantine show nonsense --state "$state"
runs 2 "$busbar" send "$work/event.json"
runs 2 "$busbar" pause
runs 2 "$busbar" host --endpoint x
runs 2 "$busbar" new connector 'Bad_Name'
for c in run check status send trace search plugins quarantine hold pause resume journal message new \
    host version 'quarantine replay' 'hold release' 'journal salvage' 'message show' 'new connector'; do
    # shellcheck disable=SC2086 # two words are two arguments
    runs 0 "$busbar" $c --help
    says out "usage: busbar $c"
done
ok "wrong usage is 2, help is 0"

# ---- without a core ------------------------------------------------------------------------------------
mkdir -p "$state"
for c in status 'pause erp' "send -e erp $work/event.json"; do
    # shellcheck disable=SC2086
    runs 1 "$busbar" $c --state "$state"
    says err "no core is running on $state"
done
runs 1 "$busbar" quarantine list --state "$state"
runs 1 "$busbar" trace x --state "$state"
long=$work/$(printf 'x%.0s' {1..120})
mkdir "$long"
runs 1 "$busbar" status --state "$long"
says err "no core is running"
ok "commands that need a core say how to start it"

# ---- a journal that is none --------------------------------------------------------------------------
mkdir "$work/garbage"
head -c 300000 /dev/urandom >"$work/garbage/data.mdb"
runs 1 "$busbar" journal salvage --state "$work/garbage" --output "$work/salvaged"
says err "no message"
says err "$work/garbage"
runs 1 "$busbar" journal salvage --state "$work/garbage"
says err "no message"
ok "salvage says that it found nothing"
runs 1 "$busbar" journal backup "$work/copy" --state "$work/garbage"
[ -e "$work/copy" ] && fail "a failed backup left its folder"
mkdir "$work/copy"
runs 1 "$busbar" journal backup "$work/copy" --state "$work/garbage"
[ -d "$work/copy" ] || fail "a failed backup took away a folder that is not its own"
ok "a failed backup leaves nothing behind"

# ---- new ----------------------------------------------------------------------------------------------
mkdir -p "$work/template/src-@NAME@"
printf 'int @NAME_C@_start; /* @NAME@ a@b @@NAME@ */\n' >"$work/template/src-@NAME@/@NAME@.c"
ln -s /etc/passwd "$work/template/link" # never followed
export BUSBAR_TEMPLATE=$work/template
runs 1 "$busbar" new connector acme-mes --dir "$work"
rm -rf "$work/template/link" "$work/acme-mes"
runs 0 "$busbar" new connector acme-mes --dir "$work"
same "the template filled in" "$(cat "$work/acme-mes/src-acme-mes/acme-mes.c")" \
    'int acme_mes_start; /* acme-mes a@b @acme-mes */'
runs 1 "$busbar" new connector acme-mes --dir "$work"
says err "File exists"
ln -s "$work/template" "$work/linked"
BUSBAR_TEMPLATE=$work/linked/ runs 0 "$busbar" new connector other --dir "$work"
[ -f "$work/other/src-other/other.c" ] || fail "a template behind a link and a slash"
BUSBAR_TEMPLATE=$work/nowhere runs 1 "$busbar" new connector third --dir "$work"
says err "cannot open the template"
[ -e "$work/third" ] && fail "a folder was made without a template"
ok "a template is found, or said not to be there"

#!/usr/bin/env bash
# json-schema.sh - the official JSON Schema test suite, draft 2020-12
#
# Reads $BUSBAR_REAL_DATA (else ../shared/data beside the source tree)/json-schema-test-suite. All of
# the required tests must pass, and what of optional/ passes is listed, formats asserted there. The
# formats that our own schemas use (date, date-time, uri, uuid) must pass whole, too.
limit=300
. "$(dirname "$0")/../lib.sh"
need jq
suite=${BUSBAR_REAL_DATA:-$src/../shared/data}/json-schema-test-suite
tests=$suite/tests/draft2020-12
[ -r "$tests/ref.json" ] || skip "no test suite at $suite (set BUSBAR_REAL_DATA to its parent)"

# suite_file FILE [option]: sets passed and total; what differs is in $work/differ
suite_file() {
    jq -c '[.[] as $g | $g.tests[] | {schema: $g.schema, document: .data}]' "$1" >"$work/cases"
    jq -r '.[] as $g | $g.tests[] | [if .valid then "valid" else "invalid" end,
        $g.description + ": " + .description] | @tsv' "$1" >"$work/want"
    "$busbar" validate --batch --remotes "$suite/remotes" "${@:2}" <"$work/cases" >"$work/got" || true
    total=$(wc -l <"$work/want")
    same "lines for ${1##*/}" "$(wc -l <"$work/got")" "$total" >/dev/null
    paste "$work/got" "$work/want" | awk -F'\t' '$1 != $2' >"$work/differ"
    passed=$((total - $(wc -l <"$work/differ")))
}

sum=0 all=0
for f in "$tests"/*.json; do
    suite_file "$f"
    sum=$((sum + passed)) all=$((all + total))
    [ "$passed" -eq "$total" ] || { echo "${f##*/}:" && cat "$work/differ"; }
done
printf 'required: %d of %d\n' "$sum" "$all"
[ "$all" -gt 1000 ] || fail "only $all required tests found"
same "required tests that pass" "$sum" "$all"

for f in "$tests"/optional/*.json; do
    suite_file "$f"
    printf 'optional/%s: %d of %d\n' "${f##*/}" "$passed" "$total"
done
for f in "$tests"/optional/format/*.json; do
    suite_file "$f" --formats
    printf 'optional/format/%s: %d of %d\n' "${f##*/}" "$passed" "$total"
    case ${f##*/} in
    date.json | date-time.json | uri.json | uuid.json) same "${f##*/}" "$passed" "$total" ;;
    esac
done

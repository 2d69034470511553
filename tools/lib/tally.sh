# shellcheck shell=bash
# tally.sh - counts what passed, from automake's .trs and .log files
#
# A Check program counts as many tests as its summary line says; a shell test counts its "ok" and
# "not ok" lines; anything else counts as one.

tally_passed=0
tally_failed=0
tally_skipped=0
tally_part_failed=0
tally_names=()

tally_pass() {
    tally_passed=$((tally_passed + ${1:-1}))
}

tally_fail() {
    tally_failed=$((tally_failed + 1))
    tally_part_failed=$((tally_part_failed + 1))
    tally_names+=("$1")
    printf 'FAILED %s\n' "$1"
}

tally_skip() {
    tally_skipped=$((tally_skipped + 1))
    printf 'skipped: %s\n' "$1"
}

# tally_log RESULT LOG NAME: one program's outcome.
tally_log() {
    local result=$1 log=$2 name=$3 checks bad ok not_ok part
    checks=$(sed -nE 's/^[0-9]+%: Checks: ([0-9]+), .*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    bad=$(sed -nE 's/^[0-9]+%: Checks: [0-9]+, Failures: ([0-9]+), Errors: ([0-9]+).*/\1 \2/p' "$log" |
        awk '{n += $1 + $2} END {print n + 0}')
    ok=$(grep -c '^ok ' "$log" || true)
    not_ok=$(grep -c '^not ok ' "$log" || true)
    case $result in
    SKIP)
        tally_skip "$name: $(grep -m1 '^skip' "$log" || tail -n 1 "$log")"
        return
        ;;
    PASS)
        if [ "$checks" -gt 0 ]; then
            tally_pass "$checks"
        elif [ "$ok" -gt 0 ]; then
            tally_pass "$ok"
        else
            tally_pass
        fi
        while IFS= read -r part; do # a half of it that could not be run here
            tally_skip "$name: ${part#skipped: }"
        done < <(grep '^skipped: ' "$log" || true)
        return
        ;;
    esac
    tally_pass $((checks > 0 ? checks - bad : ok))
    sed 's/^/    /' "$log" | tail -n 60
    tally_fail "$name"
    # the program counts once; its further failures are added here
    local more=$(((checks > 0 ? bad : not_ok) - 1))
    [ "$more" -le 0 ] || tally_failed=$((tally_failed + more))
}

# tally_dir FOLDER NAME: all results below a build folder.
tally_dir() {
    local dir=$1 name=$2 trs result test
    while IFS= read -r trs; do
        result=$(sed -n 's/^:test-result: *\([A-Z]*\).*/\1/p' "$trs" | head -n 1)
        test=${trs#"$dir"/}
        tally_log "$result" "${trs%.trs}.log" "$name: ${test%.trs}"
    done < <(find "$dir" -name '*.trs' | sort)
}

tally_show_failures() {
    local n
    [ ${#tally_names[@]} -eq 0 ] && return 0
    printf 'failed:\n'
    for n in "${tally_names[@]}"; do
        printf '  %s\n' "$n"
    done
}

tally_line() {
    if [ "$tally_skipped" -gt 0 ]; then
        printf '%d passed, %d failed, %d skipped\n' "$tally_passed" "$tally_failed" "$tally_skipped"
    else
        printf '%d passed, %d failed\n' "$tally_passed" "$tally_failed"
    fi
}

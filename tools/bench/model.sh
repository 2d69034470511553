# shellcheck shell=bash
# shellcheck disable=SC2154 # run.sh and lib.sh set them
# model.sh - what the canonical model costs: units, checks against a schema, the map step; and jq
#
# Sourced by run.sh. Where jq stands beside, both must say the same of the same documents before
# either is measured. jq's CPU is that of its program less that of ".", and with reading JSON.

# jq_cpu FILE PROGRAM...: CPU-seconds of jq on these lines
jq_cpu() {
    local TIMEFORMAT='%U %S' file=$1
    { time jq -c "${@:2}" "$file" >/dev/null; } 2>&1 | awk '{printf "%.2f", $1 + $2}'
}

section_units() { # decimals and conversions: CPU is then CPU-seconds a million of them
    local i name ns prog=$build/tools/bench/units_bench
    [ -x "$prog" ] || make -C "$build" -s tools/bench/units_bench || die "units_bench does not build"
    for ((i = 0; i < runs; i++)); do
        while IFS=$'\t' read -r name ns; do
            row units "$name" cpu "$(awk -v ns="$ns" 'BEGIN {printf "%.3f", ns / 1000}')"
        done < <("$prog" | jq -r '[.work, .ns] | @tsv')
    done
}

# movements_make: the bench's movement, and one for each way in which it may be wrong
movements_make() {
    jq -c '., (.kind = "receipt" | del(.to)), del(.to), del(.movement), del(.posted), del(.from), (.movement = ""),
        (.kind = "move"), (.line = 0), (.line = 1.5), (.line = 1000000), (.posted = "2026-01-31"),
        (.posted = "2026-01-31T24:15:00Z"), (.posted = "2026-02-30T08:15:00Z"), (.posting_date = "2026-02-29"),
        (.posting_date = "2024-02-29"), (.document_date = "2026-1-30"), (.item = "FG 1"), (.item = 7),
        (.revision = "x" * 21), (.description = "x" * 201), (.quantity.unit = "ST"), (.quantity.value = "12"),
        (.entered.unit = "H87"), del(.entered.unit), (.entered.more = 1), (.from.plant = ""), (.to.stock = "lost"),
        (.to.bin = null), (.lot = ""), (.serials += ["SN-000001"]), (.serials[2] = ""), (.serials = []),
        (.order.operation = "20"), (.order.kind = "order"), del(.order.number), (.order.line = -1),
        (.value.currency = "eur"), del(.value.amount), (.reason = "x" * 41), (.by = 1),
        (.transaction = "2eb8aa08-aa98-11ea-b4aa-73b441d1638"), (.text = "x" * 501), (.text = "x" * 500),
        (.references[1].id = null), del(.references[0].system), (.references = {}), (.note = 1)' "$here/movement.json"
}
units_alive() { # an object with a member for each code
    sed -n 's/^    {\("[0-9A-Z]*"\), .*/\1/; T; /./p' <(grep -v BB_UNIT_DELETED "$here/../../sdk/lib/units_table.c") |
        jq -sc 'map({(.): true}) | add'
}

section_schema() { # CPU-seconds a million checks of one message of 1 KiB
    local i prog=$build/tools/bench/schema_bench top=$here/../.. lines=20000 all plain out
    local by_hand=(-f "$here/movement.jq" --slurpfile units)
    [ -x "$prog" ] || make -C "$build" -s tools/bench/schema_bench || die "schema_bench does not build"
    fresh
    by_hand+=("$run/units.json")
    units_alive >"$run/units.json"
    movements_make >"$run/ways.json"
    jq -c "${by_hand[@]}" "$run/ways.json" | sed 's/true/valid/; s/false/invalid/' >"$run/jq.txt"
    jq -sc --slurpfile s "$here/movement.schema.json" 'map({schema: $s[0], document: .})' "$run/ways.json" |
        "$busbar" validate --batch --formats >"$run/ours.txt" || true
    [ "$(sort -u "$run/ours.txt" | tr '\n' ' ')" = "invalid valid " ] || die "the validator says neither or only one"
    cmp "$run/ours.txt" "$run/jq.txt" || die "jq's program says something else than the schema"
    jq -c . "$here/movement.json" | awk -v n=$lines '{for (i = 0; i < n; i++) print}' >"$run/lines.json"
    jq .data "$top/tests/schemas/valid/movement-receipt.json" >"$run/receipt.json"
    for ((i = 0; i < runs; i++)); do
        out=$("$prog" "$here/movement.schema.json" "$here/movement.json" 1 1)
        row schema "a movement of 1 KiB, a schema beside it" cpu "$(awk '/^valid/ {print $2}' <<<"$out")" \
            cpu_with_json "$(awk '/^(valid|json)/ {n += $2} END {print n}' <<<"$out")"
        all=$(jq_cpu "$run/lines.json" "${by_hand[@]}")
        plain=$(jq_cpu "$run/lines.json" .)
        row schema "peer: jq, the same checks by hand" cpu "$(per_million "$(minus "$all" "$plain")" $lines)" \
            cpu_with_json "$(per_million "$all" $lines)"
        out=$("$prog" "$top/sdk/schemas/mfg.inventory-movement.1.json" "$run/receipt.json" 1 1 "$top/sdk/schemas")
        row schema "a receipt of 1.1 KiB, the model's mfg.inventory-movement/1" cpu \
            "$(awk '/^valid/ {print $2}' <<<"$out")" \
            cpu_with_json "$(awk '/^(valid|json)/ {n += $2} END {print n}' <<<"$out")"
    done
}

section_map() {
    local bench=$build/tools/bench/bench-map n=${BENCH_MAP:-1000000} lines=50000 i program all plain out
    fresh
    program=$("$bench" jq)
    "$bench" lines $lines >"$run/lines.json"
    "$bench" mapped 500 | jq -cS . >"$run/ours.json"
    head -n 500 "$run/lines.json" | jq -cS "$program" >"$run/jq.json"
    cmp "$run/ours.json" "$run/jq.json" || die "jq's program does something else than the rules"
    for ((i = 0; i < runs; i++)); do
        out=$("$bench" movement "$n")
        row map "8 rules on a movement of 1 KiB" cpu "$(jq .us_map <<<"$out")" \
            cpu_with_json "$(jq '.us_map + .us_json_in + .us_json_out' <<<"$out")"
        all=$(jq_cpu "$run/lines.json" "$program")
        plain=$(jq_cpu "$run/lines.json" .)
        row map "peer: jq, the same" cpu "$(per_million "$(minus "$all" "$plain")" $lines)" \
            cpu_with_json "$(per_million "$all" $lines)"
        out=$("$bench" bom 100000)
        row map "for_each, 5 rules, a BOM of 100,000 lines" mb_per_s "$(jq .mb_per_s <<<"$out")" \
            us_a_line "$(jq .us_a_line <<<"$out")" peak_by_size "$(jq .peak_by_size <<<"$out")"
    done
}

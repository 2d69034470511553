#!/usr/bin/env bash
# decimal.sh - decimals against python's, by random cases
#
# BUSBAR_SEED repeats a run, BUSBAR_CASES makes it longer.
limit=240
. "$(dirname "$0")/../lib.sh"
need python3
seed=${BUSBAR_SEED:-$((RANDOM * 32768 + RANDOM))}
said=$(python3 "$src/tests/unit/decimal_oracle.py" "$build/tests/unit/decimal_calc" "$seed" \
    "${BUSBAR_CASES:-6000}") || fail "seed $seed: $said"
ok "$said"

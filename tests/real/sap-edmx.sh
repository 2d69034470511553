#!/usr/bin/env bash
# sap-edmx.sh - $metadata of real services is understood whole
#
# Reads $BUSBAR_REAL_DATA (else ../shared/data beside the source tree), of which nothing is kept.
. "$(dirname "$0")/../lib.sh"
data=${BUSBAR_REAL_DATA:-$src/../shared/data}
[ -d "$data/sap-edmx" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
mapfile -t files < <(find "$data/sap-edmx" -name '*.edmx' | sort)
[ "${#files[@]}" -ge 2 ] || fail "${#files[@]} files, at least 2 were expected"
"$build/tests/real/sap_edmx" "${files[@]}" >"$work/out" || fail "$(cat "$work/out")"
sed "s,$data/,ok - ," "$work/out"

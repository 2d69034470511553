#!/usr/bin/env bash
# units.sh - the published list of UN/ECE Rec 20 against the table that was made from it
#
# Reads $BUSBAR_REAL_DATA (else ../shared/data beside the source tree): the table in the sources
# must be what the tool makes of the list today, and every unit that is alive must be known and
# convert to its base and back.
. "$(dirname "$0")/../lib.sh"
need python3
data=${BUSBAR_REAL_DATA:-$src/../shared/data}/uom/unece-rec20.csv
[ -r "$data" ] || skip "no list of units at $data (set BUSBAR_REAL_DATA to the folder above uom)"

PYTHONDONTWRITEBYTECODE=1 python3 "$src/tools/units/rec20.py" "$data" >"$work/table.c" ||
    fail "tools/units/rec20.py does not read the list"
cmp "$work/table.c" "$src/sdk/lib/units_table.c" || fail "sdk/lib/units_table.c is not of this list"
ok "the table is what tools/units/rec20.py makes of the list"

python3 - "$data" >"$work/alive" <<'END'
import csv, sys
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8-sig")):
    if row["Status"] != "X":
        print(row["CommonCode"])
END
said=$("$build/tests/real/units_all" <"$work/alive") || fail "$said"
ok "$said"
python3 - "$data" >"$work/dead" <<'END'
import csv, sys
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8-sig")):
    if row["Status"] == "X":
        print(row["CommonCode"])
END
refused=$("$build/tests/real/units_all" <"$work/dead" | grep -c 'was deleted from Rec 20' || true)
same "deleted codes refused" "$refused" "$(wc -l <"$work/dead")"

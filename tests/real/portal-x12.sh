#!/usr/bin/env bash
# portal-x12.sh - real X12 interchanges through the portal connector's strict reader
#
# Reads $BUSBAR_REAL_DATA, of which nothing is kept. What is sound is read; what is not is refused for the reason that it
# has; an 856 whose trailer is mended becomes a ship notice that the model takes.
limit=60
. "$(dirname "$0")/../lib.sh"
need jq
data=${BUSBAR_REAL_DATA:-$src/../shared/data}/edi/x12
[ -d "$data" ] || skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"
tool=$build/tests/real/x12_sets
read_one() { # read_one FILE: its sets into $work/sets, or 1 and why in $work/why
    "$tool" "$1" >"$work/sets" 2>"$work/why"
}
refused() { # refused FILE TEXT
    ! read_one "$data/$1" || fail "$1 is read"
    grep -qF "$2" "$work/why" || fail "$1 is refused because: $(cat "$work/why")"
    ok "$1 is refused: $2"
}
for f in staedi-simple997 staedi-extraDelimiter997; do
    read_one "$data/$f.edi" || fail "$f: $(cat "$work/why")"
    same "$f" "$(cut -f 4 "$work/sets" | jq -r '[.function, .group, .outcome, .sets[0].set, .sets[0].code] | join(" ")')" "HC 000001 rejected 837 5"
done
read_one "$data/staedi-invoice810_po850_dual.edi" || fail "dual: $(cat "$work/why")"
same "sets of two groups" "$(cut -f 1,3 "$work/sets" | tr '\t' ' ' | paste -sd' ')" "810 - 810 - 850 -"
refused staedi-simple997-multiple-interchanges.edi "something follows the interchange"
refused edinet-x12.850.issue135.edi "control numbers differ in GS and GE" # its ISA lacks the component separator
refused edinet-x12.850.edi "not printable ASCII"                          # blanks that are none, from a web page
sed 's/\xc2\xa0/ /g; s/IEA\*1\*[0-9]*/IEA*1*000000055/' "$data/edinet-x12.850.edi" >"$work/850.edi"
read_one "$work/850.edi" || fail "mended it is refused: $(cat "$work/why")"
same "the same with blanks, and its own number in the IEA" "$(cut -f 1-3 "$work/sets" | tr '\t' ' ')" "850 0003 -"
read_one "$data/850-gozer.txt" || fail "850-gozer: $(cat "$work/why")"
same "a set whose trailer counts wrong" "$(cut -f 1,3 "$work/sets" | tr '\t' ' ')" "850 4"

refused 856-gozer.txt "control numbers differ in ISA and IEA"
sed 's/^IEA\*1\*.*/IEA*1*000003438/' "$data/856-gozer.txt" >"$work/856.edi"
read_one "$work/856.edi" || fail "with its trailer mended it is refused: $(cat "$work/why")"
cut -f 4 "$work/sets" >"$work/notice.json"
same "its lines" "$(jq -c '[.id, .shipped, (.lines[] | [.line, .item.id, .quantity.value, .quantity.unit, .order.id])]' "$work/notice.json")" \
    '["829716","2011-12-06",["1","87787D",24,"EA","99999817"],["2","99887D",6,"EA","99999817"]]'
jq -cs '[{schema: {"$ref": "urn:busbar:schema:mfg.ship-notice:1"}, document: .[0]}]' "$work/notice.json" >"$work/cases"
same "the model says" "$("$busbar" validate --batch --formats --remotes "$src/sdk/schemas" <"$work/cases" 2>&1)" valid

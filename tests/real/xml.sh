#!/usr/bin/env bash
# xml.sh - real XML of manufacturing, to canonical values and back, the same after reading again
#
# Reads $BUSBAR_REAL_DATA (else ../shared/data beside the source tree), of which nothing is kept:
# B2MML messages, DELVRY03 IDocs, PLMXML exports, EPCIS documents and events. Each family has its
# mapping here; what is compared is said in xml_identity.c.
. "$(dirname "$0")/../lib.sh"
data=${BUSBAR_REAL_DATA:-$src/../shared/data}
[ -d "$data/b2mml" ] && [ -d "$data/epcis" ] ||
    skip "no real samples at $data (set BUSBAR_REAL_DATA to their folder)"

family() { # family NAME FILES-AT-LEAST MAPPING FOLDER...
    local name=$1 least=$2 mapping=$3 files line
    shift 3
    mapfile -t files < <(find "$@" -name '*.xml' | sort)
    [ "${#files[@]}" -ge "$least" ] || fail "$name: ${#files[@]} files, at least $least were expected"
    line=$("$build/tests/real/xml_identity" "$mapping" "${files[@]}") || fail "$name: $line"
    printf '%s: %s\n' "$name" "$line"
}
b2mml='{"namespaces": {"": "http://www.wbf.org/xml/B2MML-V0401"}, "arrays": ["//MaterialLotProperty"],
    "types": {"//QuantityString": "decimal"}}'
idoc='{"arrays": ["//E1EDL24", "//E1ADRM1"], "types": {"//LFIMG": "decimal"}}'
epcis='{"namespaces": {"epcis": "urn:epcglobal:epcis:xsd:2"}, "arrays": ["//epcList/epc", "//quantityElement"],
    "ordered": ["//EventList"], "types": {"//quantity": "decimal"}}'
family "B2MML" 6 "$b2mml" "$data/b2mml/examples"
family "DELVRY03 IDoc" 6 "$idoc" "$data/sap-idoc"
family "PLMXML" 2 '{"namespaces": {"": "http://www.plmxml.org/Schemas/PLMXMLSchema"}}' "$data/plm/plmxml"
family "EPCIS" 40 "$epcis" "$data/epcis"

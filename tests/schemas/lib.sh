# shellcheck shell=bash
# lib.sh - checking documents against the model with `busbar validate`
#
# Sourced after tests/lib.sh, which gives $src, $work and $busbar.

schemas=$src/sdk/schemas

# validate_ready: skips where this build has no validator yet; lays out what references name.
validate_ready() {
    local f
    "$busbar" validate --help >/dev/null 2>&1 || skip "this busbar has no validate"
    mkdir -p "$work/remotes"
    for f in "$schemas"/*.[0-9]*.json "$src"/tests/schemas/versions/*.[0-9]*.json; do
        case ${f##*/} in
        *.[0-9]*-[0-9]*.*) ;;
        *) cp "$f" "$work/remotes/$(jq -r '."$id"' "$f")" ;;
        esac
    done
}

# validate NAME/MAJOR or URN, DOC...: as `busbar validate` does
validate() {
    local urn=$1
    shift
    case $urn in
    */*) urn=urn:busbar:schema:${urn%/*}:${urn##*/} ;;
    esac
    "$busbar" validate --schema "$work/remotes/$urn" --remotes "$work/remotes" "$@"
}

# documents FILE FOLDER: {schema: NAME, document} a line to FOLDER/NAME/N.json
documents() {
    mkdir -p "$2"
    # a number that the source holds as text comes as "@text@": so jq leaves its digits alone
    jq -r '.[] | .schema + "\t" + (.document | tojson)' "$1" | sed -E 's/"@(-?[0-9.]+)@"/\1/g' |
        awk -F'\t' -v to="$2" '{
            if (!($1 in n)) system("mkdir -p \"" to "/" $1 "\"")
            f = to "/" $1 "/" ++n[$1] ".json"
            print $2 >f
            close(f)
        }'
}

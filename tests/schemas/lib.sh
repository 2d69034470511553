# shellcheck shell=bash
# lib.sh - checking documents against the model with `busbar validate`
#
# Sourced after tests/lib.sh, which gives $src, $work and $busbar.

schemas=$src/sdk/schemas

# validate_ready: skips where this build has no validator; puts the model and the tests' schemas into
# one folder, as a schema path would.
validate_ready() {
    "$busbar" validate --help >/dev/null 2>&1 || skip "this busbar has no validate"
    mkdir -p "$work/schemas"
    cp "$schemas"/*.[0-9]*.json "$src"/tests/schemas/versions/*.json "$work/schemas/"
}

# validate NAME/MAJOR or URN, DOC...: as `busbar validate` does
validate() {
    local name=${1#urn:busbar:schema:}
    shift
    "$busbar" validate --strict --formats --schema "$work/schemas/${name/[:\/]/.}.json" \
        --remotes "$work/schemas" "$@"
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

# shellcheck shell=bash
# lib.sh - real samples through routes of Busbar's own: files dropped, steps run, files written
#
# Sourced after tests/lib.sh and tests/schemas/lib.sh. tests/real/routes/NAME is a whole conf.d; what
# its endpoints read is below $DROP, what they write below $OUT.

data=${BUSBAR_REAL_DATA:-$src/../shared/data}
export DROP=$work/drop OUT=$work/out
mkdir -p "$DROP" "$OUT"

# routes_conf NAME: that conf.d; what is made of the samples (tables) can be put into it
routes_conf() {
    cp -R "$src/tests/real/routes/$1/." "$conf/"
    chmod -R u+w "$conf"
}

routes_start() {
    "$busbar" check -c "$conf" >"$work/check.log" 2>&1 || fail "the configuration is refused"
    core_start
}

# drop FOLDER FILE [NAME]: a whole file appears
drop() {
    local name=${3:-${2##*/}}
    mkdir -p "$DROP/$1"
    cp "$2" "$DROP/$1/.$name"
    chmod u+w "$DROP/$1/.$name"
    mv "$DROP/$1/.$name" "$DROP/$1/$name"
}

# delivered ROUTE N: all N arrive and none waits for a person
delivered() {
    wait_for 120 "$2 deliveries of $1" route_settled "$1" "$2"
    if [ "$(route_get "$1" delivered)" != "$2" ]; then
        "$busbar" quarantine list --state "$state" >"$work/quarantine.log" 2>&1 || true
        fail "$1: $(route_get "$1" delivered) delivered, expected $2"
    fi
    ok "$1: $2 delivered"
}
route_settled() {
    local got
    got=$(status_json | jq -r --arg r "$1" '[.routes[] | select(.name == $r)][0] | (.delivered // 0) + (.quarantined // 0)')
    [ "$got" -ge "$2" ]
}

# valid TYPE/MAJOR N: each line of what came out for it is valid by itself, N lines
valid() {
    local folder=$work/valid/${1%/*} file=$OUT/${1%/*}.jsonl
    rm -rf "$folder"
    mkdir -p "$folder"
    same "lines of ${1%/*}" "$(wc -l <"$file")" "$2"
    split -l 1 -a 4 --additional-suffix .json "$file" "$folder/"
    find "$folder" -name '*.json' -print0 | sort -z | xargs -0 "$busbar" validate --strict --formats \
        --schema "$work/schemas/${1/\//.}.json" --remotes "$work/schemas" >"$work/valid.log" 2>&1 ||
        fail "$1: $(grep -v ': valid$' "$work/valid.log" | head -n 5)"
    same "of them valid as $1" "$(grep -c ': valid$' "$work/valid.log")" "$2"
}

# ulx3s.jq - a board's BOM through its revisions, as BOMs and as the changes between them
#
# Input: [{name, text}], CSV files in order. Output: {boms, changes, rows}: rows is what the files say,
# as maps without empty cells. replay and back, below, give the rows again from the first BOM and the
# changes alone. A line's identity is its first designator.
def cells: [scan("(?:^|,)(\"(?:[^\"]|\"\")*\"|[^,\"]*)") | (arrays | .[0]), (strings | .) | if startswith("\"") then .[1:-1] | gsub("\"\""; "\"") else . end];
def table: split("\n") | map(rtrimstr("\r")) | (.[0] | cells) as $head
  | [.[1:][] | cells | select(.[0] | test("^[0-9]+$")) | [$head, .] | transpose | map(select(.[1] != null and .[1] != "") | {(.[0]): .[1]}) | add];
def known: ["Component", "Description", "Part", "References", "Value", "Footprint", "Quantity Per PCB"];
def line:
  . as $r
  | {id: ($r.References | split(" ")[0]), position: $r.Component, item: {id: ($r.Part + "/" + $r.Value)}, quantity: {value: ($r["Quantity Per PCB"] | tonumber), unit: "H87"},
     description: $r.Description, referenceDesignators: ($r.References | split(" ")), characteristics: [["Part", "Value", "Footprint"][] | select($r[.]) | {name: ., value: $r[.]}],
     extensions: {ulx3s: ($r | with_entries(select(.key | IN(known[]) | not)))}}
  | if .extensions.ulx3s == {} then del(.extensions) else . end | with_entries(select(.value != null));
def row:
  (.extensions.ulx3s // {}) + (.characteristics | map({(.name): .value}) | add)
  + {Component: .position, References: (.referenceDesignators | join(" ")), "Quantity Per PCB": (.quantity.value | tostring)} + (if .description then {Description: .description} else {} end);
def bom($revision): {item: {id: "ULX3S", revision: $revision}, usage: "engineering", baseQuantity: {value: 1, unit: "H87"}, lines: map(line)};
def by_id: map({(.id): .}) | add // {};
def difference($a; $b):
  ($a.lines | by_id) as $old | ($b.lines | by_id) as $new
  | {id: ($a.item.revision + ".." + $b.item.revision), kind: "difference", approval: {state: "draft"},
     affected: [{object: "bom", action: "change", item: {id: "ULX3S"}, fromRevision: $a.item.revision, toRevision: $b.item.revision, bom: {usage: "engineering"},
       lines: [ ($old | keys[] | select($new[.] == null) | {action: "removed", line: ., before: $old[.]}),
                ($new | keys[] | if $old[.] == null then {action: "added", line: ., after: $new[.]} elif $old[.] != $new[.] then {action: "changed", line: ., before: $old[.], after: $new[.]} else empty end) ]}]};
def apply($change): # lines by id
  reduce $change.affected[0].lines[] as $l (.; if $l.action == "removed" then (if .[$l.line] == $l.before then del(.[$l.line]) else error("not what was removed") end)
    elif $l.action == "added" then (if .[$l.line] == null then .[$l.line] = $l.after else error("is there already") end)
    else (if .[$l.line] == $l.before then .[$l.line] = $l.after else error("not what was changed") end) end);
def inverse: .affected[0].lines |= map(if .action == "added" then {action: "removed", line, before: .after} elif .action == "removed" then {action: "added", line, after: .before} else {action, line, before: .after, after: .before} end);

[.[] | {name, rows: (.text | table)}] as $files
| [$files[] | .name as $n | .rows | bom($n)] as $boms
| [range(1; $boms | length) | difference($boms[. - 1]; $boms[.])] as $changes
| [foreach $changes[] as $c ($boms[0].lines | by_id; apply($c); .)] as $replayed
| [foreach ($changes | reverse[]) as $c ($boms[-1].lines | by_id; apply($c | inverse); .)] as $undone
| {documents: ([$boms[] | {schema: "mfg.bom", document: .}] + [$changes[] | {schema: "mfg.change", document: .}]),
   revisions: ($boms | length), lines: ($boms | map(.lines | length) | add), designators: ($boms | map(.lines[].referenceDesignators | length) | add), edits: ($changes | map(.affected[0].lines | length) | add),
   twice: [$boms[] | .lines | group_by(.id)[] | select(length > 1)] | length,
   back: ([range(0; $boms | length) | select(($boms[.].lines | map(row) | sort) != ($files[.].rows | sort))] | length),
   replay_wrong: ([range(0; $replayed | length) | select(($replayed[.] | map(row) | sort) != ($files[. + 1].rows | sort))] | length),
   undo_wrong: ([range(0; $undone | length) | select(($undone[.] | map(row) | sort) != ($files[($files | length) - 2 - .].rows | sort))] | length)}

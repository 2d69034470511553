# The graph behind the references: items by revision, and a BOM for each part that has children in the
# view, by its occurrences.
def ref: ltrimstr("#");
def by_id: map({(."@id"): .}) | add // {};
def values: [(.UserData // [])[] | (.UserValue // [])[] | select((."@value" // "") != "") | {(."@title"): ."@value"}] | add // {};
.PLMXML as $p
| ($p.Product | by_id) as $products | ($p.ProductRevision | by_id) as $revisions
| ($p.ProductDef.InstanceGraph.ProductInstance | by_id) as $instances
| ($p.ProductView.Occurrence | by_id) as $occurrences
| def item: $revisions[ref] | {id: $products[."@masterRef" | ref]."@productId", revision: ."@revision", description: ."@name"};
{items: [$p.ProductRevision[] | {item: (."@id" | item), kind: ."@subType", values: values}],
 boms: ([$p.ProductView.Occurrence[] | select(."@occurrenceRefs")] | unique_by(."@instancedRef")
   | map({item: (."@instancedRef" | item), lines: [."@occurrenceRefs" | split(" ")[] | $occurrences[ref] | . as $o
       | $instances[."@instanceRefs" | ref] as $i
       | {id: $i.ApplicationRef[0]."@label", position: $i."@sequenceNumber", item: ($o."@instancedRef" | item),
          quantity: (($o | values.Quantity) // ($i | values.Quantity) // "1"), instance: $i."@id", transform: ($i.Transform | if type == "object" then ."#text" else . end)}]}))}

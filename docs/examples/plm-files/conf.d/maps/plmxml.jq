# A PLMXML document's items and structures. An occurrence that others have as their parent is an assembly, each once however
# often it is used; occurrences of one part at one find number are one line, whose quantity is their count. Identities are
# the labels of ApplicationRef: ids of elements hold in their document only.
def ref: ltrimstr("#");
def by_id: map({key: .["@id"], value: .}) | from_entries;
def lasting: .ApplicationRef[0]["@label"] // .["@id"];
.PLMXML as $x
| ($x.Product // [] | by_id) as $product
| ($x.ProductRevision // [] | by_id) as $revision
| ([$x.ProductDef[]?.InstanceGraph[]?.ProductRevisionView[]?] | by_id) as $view
| ([$x.ProductDef[]?.InstanceGraph[]?.ProductInstance[]?] | by_id) as $instance
| [$x.ProductView[]?.Occurrence[]?] as $occurrences
| ($occurrences | by_id) as $occurrence
| def item: {id: $product[.["@masterRef"] | ref]["@productId"], revision: .["@revision"]};
  # an occurrence is of a view, or of a revision without one
  def occurring: .["@instancedRef"] | ref | $revision[$view[.]["@revisionRef"] // . | ref] | item;
  def placed: $instance[.["@instanceRefs"] | split(" ")[0] | ref];
  {
    items: [$revision[] | {item: item, name: .["@name"], status: "active", baseUnit: "H87"}],
    boms: [$occurrences | map(select(.["@parentRef"])) | group_by($occurrence[.["@parentRef"] | ref]["@instancedRef"])[]
      | .[0]["@parentRef"] as $first | map(select(.["@parentRef"] == $first))
      | {
          item: ($occurrence[$first | ref] | occurring), usage: "engineering", status: "active",
          baseQuantity: {value: 1, unit: "H87"},
          lines: (group_by([(placed | .["@sequenceNumber"]), .["@instancedRef"]]) | map({
            id: (.[0] | placed | lasting), position: (.[0] | placed | .["@sequenceNumber"]), kind: "stock",
            item: {id: (.[0] | occurring | .id)}, quantity: {value: length, unit: "H87"},
            instances: map({id: (placed | lasting)})
          } | with_entries(select(.value != null))))
        }]
  }

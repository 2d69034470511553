# Segments lie in segments, as deep as they like: a list of their materials, each with its segment. More
# than one request would be more than one value, which fails the message.
def segments($parent):
  (.SegmentRequirement // [])[] | (.ID // .ProcessSegmentID) as $id
  | {id: $id, parent: $parent, parameters: [.ProductionParameter // empty | .Parameter[] | {ID, value: .Value[0].ValueString}],
     materials: [(.MaterialRequirement // [])[] | . + {segment: $id}]},
    segments($id);
.SyncProductionSchedule | .ApplicationArea as $a | .DataArea.ProductionSchedule.ProductionRequest[]
| [segments(null)] as $s
| {id: .ID, created: $a.CreationDateTime, segments: $s, materials: [$s[].materials[]]}

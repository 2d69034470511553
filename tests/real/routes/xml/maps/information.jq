# A lot with its sublots, or the lot alone: one entry each.
.SyncMaterialInformation
| {asOf: .ApplicationArea.CreationDateTime,
   entries: [.DataArea.MaterialInformation | .ID as $item | .MaterialLot[] | . as $lot
     | (.MaterialSubLot // [{}])[] | {item: $item, lot: $lot.ID, sub: .ID, status: (.Status // $lot.Status), quantity: .Quantity,
         expires: ([($lot.MaterialLotProperty // [])[] | select(.ID == "ExpiryDate")][0].Value[0].ValueString)}]}

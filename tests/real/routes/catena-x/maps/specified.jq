# Items lie in lists inside the list of children: one list of them, each with what its child says.
{manufacturerId, assetId, lines: [.childItems[] | .childassetId as $a | .childItemCategory as $c | .item[] | . + {asset: $a, category: $c}]}

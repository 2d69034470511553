# Stocks lie in lists inside the list of positions: one list of them, each with its position's order.
{item: .materialGlobalAssetId, direction, entries: [.positions[] | .orderPositionReference as $o | .allocatedStocks[] | . + {order: $o}]}

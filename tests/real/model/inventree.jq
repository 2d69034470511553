# inventree.jq - a factory's tables to canonical documents, and back to the rows they came from
#
# Input: {parts, lines, substitutes, stock, moves, orders, orderlines, builds, places, suppliers,
# makers}, each a table as exported. A number that the source holds as text is written "@text@"; who
# runs this takes the quotes off, so that every digit stays.
def num: if . == null then null else "@" + tostring + "@" end;
def qty($unit): {value: num, unit: $unit};
def some: with_entries(select(.value != null and .value != "" and .value != [] and .value != {}));
def ext: some | if . == {} then null else {inventree: .} end;
def unit: {"": "H87", "m": "MTR", "litres": "LTR"}[. // ""];
def id: if . == null then null else tostring end;
def zulu: if . == null then null elif test("Z$") then . else . + "Z" end;
def status: {"10": "unrestricted", "50": "restricted", "55": "damaged", "60": "lost", "65": "rejected", "70": "lost", "75": "quality", "85": "returns"}[tostring];

def index_by(f): map({(f | tostring): .}) | add // {};

def places: .places | index_by(.pk);
def place($all): if . == null then null else ($all[tostring].fields) as $p | {id: tostring, path: ($p.pathstring | split("/"))} end;

def items:
  . as $t
  | (.makers | group_by(.fields.part) | map({(.[0].fields.part | tostring): .}) | add) as $makers
  | (.suppliers | group_by(.fields.part) | map({(.[0].fields.part | tostring): .}) | add) as $sold
  | (.makers | index_by(.pk)) as $maker
  | .parts[] | .pk as $pk | .fields
  | {item: ({id: ($pk | tostring), revision: .revision, identifiers: (if (.IPN // "") == "" then null else [{scheme: "ipn", id: .IPN}] end)} | some),
     name, description, keywords: ((.keywords // "") | split(" ") | map(select(. != ""))),
     kind: (if .is_template then "template" elif .virtual then "software" elif .assembly then "semi-finished" else "component" end),
     status: (if .active then "active" else "obsolete" end), baseUnit: (.units | unit),
     procurement: (if .assembly and .purchaseable then "both" elif .assembly then "make" elif .purchaseable then "buy" else "none" end),
     serialManaged: .trackable, sellable: .salable, buyable: .purchaseable, stocked: (.virtual | not),
     variantOf: (if .variant_of then {id: (.variant_of | tostring)} else null end),
     classes: (if .category then [{id: (.category | tostring)}] else null end),
     shelfLife: (if .default_expiry > 0 then {value: .default_expiry, unit: "DAY"} else null end), created: .creation_date,
     related: [$t.related[] | if .fields.part_1 == $pk then .fields.part_2 elif .fields.part_2 == $pk then .fields.part_1 else empty end | {item: {id: tostring}}],
     sources: [($sold[$pk | tostring] // [])[] | {supplier: {id: (.fields.supplier | tostring)}, supplierPart: .fields.SKU, description: .fields.description,
        manufacturer: (if .fields.manufacturer_part then {id: ($maker[.fields.manufacturer_part | tostring].fields.manufacturer | tostring)} else null end),
        manufacturerPart: (if .fields.manufacturer_part then $maker[.fields.manufacturer_part | tostring].fields.MPN else null end),
        package: .fields.packaging, packageQuantity: (.fields.pack_quantity_native | qty("H87")), note: .fields.note,
        available: (.fields.available | qty("H87")), availableAt: (.fields.availability_updated | zulu),
        documents: (if (.fields.link // "") == "" then null else [{uri: .fields.link}] end),
        extensions: ({pk, pack: .fields.pack_quantity, multiple: .fields.multiple, baseCost: .fields.base_cost} | ext)} | some],
     extensions: ({component, assembly, virtual, template: .is_template, minimumStock: .minimum_stock, multiple, lastStocktake: .last_stocktake, units, link, defaultLocation: .default_location, defaultSupplier: .default_supplier, bomChecksum: .bom_checksum, responsible: .responsible_owner, baseCost: .base_cost} | ext)}
  | some;

def boms:
  (.substitutes | group_by(.fields.bom_item) | map({(.[0].fields.bom_item | tostring): map({item: {id: (.fields.part | tostring)}, extensions: {inventree: {pk}}})}) | add // {}) as $subs
  | (.parts | index_by(.pk)) as $parts
  | .lines | group_by(.fields.part)[]
  | {item: {id: (.[0].fields.part | tostring)}, usage: "manufacturing", baseQuantity: {value: 1, unit: ($parts[.[0].fields.part | tostring].fields.units | unit)},
     lines: map(.pk as $pk | .fields | ($parts[.sub_part | tostring].fields.units | unit) as $u
       | {id: ($pk | tostring), item: {id: (.sub_part | tostring)}, quantity: (.quantity | qty($u)),
          optional, bulk: .consumable, inherited, variantsAllowed: .allow_variants, note, substitutes: ($subs[$pk | tostring]),
          referenceDesignators: (if (.reference | test("^[A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*$")) then [.reference | splits(", ?")] else null end),
          referenceText: (if (.reference | test("^[A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*$")) then null else .reference end),
          extensions: ({validated, overage} | ext)} | some)};

def stock:
  places as $p | (.parts | index_by(.pk)) as $parts | (.stock | index_by(.pk)) as $all
  | {asOf: "2026-01-01T00:00:00Z", complete: true, entries: [.stock[] | .pk as $pk | .fields | ($parts[.part | tostring].fields.units | unit) as $u
     | {item: {id: (.part | tostring)}, stockId: ($pk | tostring), quantity: (.quantity | qty($u)), stockType: (.status | status), sourceStatus: (.status | tostring),
        location: (.location | place($p)), lot: (if (.batch // "") == "" then null else {id: .batch, expiresOn: .expiry_date} | some end),
        serials: (if .serial then [.serial] else null end), parent: (.parent | id), package: .packaging,
        installedIn: (if .belongs_to then {stockId: (.belongs_to | tostring), item: {id: ($all[.belongs_to | tostring].fields.part | tostring)}} else null end),
        customer: (if .customer then {id: (.customer | tostring)} else null end), underConstruction: .is_building, keepAtZero: (.delete_on_deplete | not), reviewNeeded: .review_needed,
        changedAt: (.updated | zulu), lastCounted: .stocktake_date, source: (if .supplier_part then {supplierPart: (.supplier_part | tostring)} else null end) | (if . then . else null end),
        value: (if .purchase_price then {amount: (.purchase_price | num), currency: .purchase_price_currency, per: {value: 1, unit: $u}} else null end),
        references: [ (if .build then {kind: "work-order", id: (.build | tostring)} else empty end), (if .consumed_by then {kind: "work-order", id: (.consumed_by | tostring), line: "consumed"} else empty end),
          (if .purchase_order then {kind: "purchase-order", id: (.purchase_order | tostring)} else empty end), (if .sales_order then {kind: "sales-order", id: (.sales_order | tostring)} else empty end) ],
        extensions: ({link, currency: .purchase_price_currency, serialInt: .serial_int, owner, stocktakeUser: .stocktake_user} | ext)} | some]};

def kind: {"1": "initial-entry", "5": "correction", "6": "serial-assignment", "12": "other-issue", "20": "transfer-location", "30": "install", "35": "install", "40": "split", "42": "split",
  "50": "production-receipt", "55": "stock-type-change", "56": "stock-type-change", "57": "issue-to-order", "70": "purchase-receipt", "80": "customer-return", "100": "issue-to-customer"}[tostring];
def moves:
  places as $p | (.parts | index_by(.pk)) as $parts | (.stock | index_by(.pk)) as $all
  | .moves[] | .pk as $pk | .fields | .deltas as $d | ($all[.item | tostring].fields) as $s | ($parts[$s.part | tostring].fields.units | unit) as $u
  | (.tracking_type | kind) as $kind
  | ({location: ($d.location | place($p)), stockType: (if $d.status then $d.status | status else null end), lot: (if $d.batch then {id: $d.batch} else null end),
      balance: (if $d.quantity != null and $d.removed != null then $d.quantity | qty($u) else null end)} | some) as $side
  | {id: ($pk | tostring), kind: $kind, sourceKind: (.tracking_type | tostring), item: {id: ($s.part | tostring)}, stockId: (.item | tostring), at: (.date | zulu),
     quantity: (if $d.removed then $d.removed | qty($u) elif $d.quantity then $d.quantity | qty($u) else null end),
     whole: (if ($d.removed // $d.quantity) == null then true else null end),
     serials: (if $d.serial then [$d.serial | tostring] elif $s.serial then [$s.serial] else null end),
     from: (if $kind | IN("issue-to-order", "other-issue", "issue-to-customer") then ($side + {stockId: (null)} | some) | if . == {} then {stockId: "unknown"} else . end else null end),
     to: (if $kind | IN("issue-to-order", "other-issue", "issue-to-customer") then null
          elif $kind == "install" then {unit: {stockId: ($d.stockitem | tostring)}}
          else ($side | if . == {} then (if $d.stockitem then {stockId: ($d.stockitem | tostring)} else null end) else . + (if $d.stockitem then {stockId: ($d.stockitem | tostring)} else {} end) end) end),
     customer: (if $d.customer then {id: ($d.customer | tostring), name: $d.customer_name} | some else null end),
     purchaseOrder: (if $d.purchaseorder then {kind: "purchase-order", id: ($d.purchaseorder | tostring)} else null end),
     workOrder: (if $d.buildorder then {kind: "work-order", id: ($d.buildorder | tostring)} else null end),
     references: (if $d.returnorder then [{kind: "return-order", id: ($d.returnorder | tostring)}] else null end),
     extensions: ({status: $d.status, toSerialOfItem: $s.serial} | ext)}
  | if .kind == "stock-type-change" and .to == null then .to = {stockType: "unrestricted"} else . end
  | some;

def orders:
  (.orderlines | group_by(.fields.order) | map({(.[0].fields.order | tostring): .}) | add) as $lines
  | .orders[] | .pk as $pk | .fields
  | {id: .reference, seller: {id: (.supplier | tostring)}, title: .description, supplierReference: .supplier_reference, orderedOn: .issue_date, due: .target_date, completedOn: .complete_date,
     status: {"10": "draft", "20": "open", "30": "closed", "40": "cancelled"}[.status | tostring], sourceStatus: (.status | tostring), project: (.project_code | id),
     total: (if .total_price then {amount: (.total_price | num), currency: .total_price_currency} else null end),
     lines: [($lines[$pk | tostring] // [])[] | .pk as $l | .fields | {line: ($l | tostring), source: {supplierPart: (.part | tostring)}, quantity: (.quantity | qty("H87")), received: (.received | qty("H87")),
       price: (if .purchase_price then {amount: (.purchase_price | num), currency: .purchase_price_currency} else null end), schedule: (if .target_date then [{quantity: (.quantity | qty("H87")), due: .target_date}] else null end),
       location: (if .destination then {id: (.destination | tostring)} else null end), note: .reference, extensions: ({link} | ext)} | some],
     extensions: ({pk: $pk, created: .creation_date, currency: .order_currency, link, receivedBy: .received_by} | ext)} | some;

def builds:
  (.buildlines | group_by(.fields.build) | map({(.[0].fields.build | tostring): .}) | add) as $lines | (.lines | index_by(.pk)) as $bom | (.parts | index_by(.pk)) as $parts
  | .builds[] | .pk as $pk | .fields
  | {id: .reference, kind: "production", item: {id: (.part | tostring)}, title, quantity: {value: .quantity, unit: "H87"}, delivered: {value: .completed, unit: "H87"},
     status: [{"10": "created", "20": "started", "30": "cancelled", "40": "delivered"}[.status | tostring]], sourceStatus: [{code: (.status | tostring)}], priority,
     lot: (if (.batch // "") == "" then null else {id: .batch} end), created: .creation_date, to: (if .destination then {id: (.destination | tostring)} else null end), takeFrom: (if .take_from then {id: (.take_from | tostring)} else null end),
     schedule: ({required: ({end: .target_date} | some), completed: .completion_date} | some), parent: (if .parent then {kind: "work-order", id: (.parent | tostring)} elif .sales_order then {kind: "sales-order", id: (.sales_order | tostring)} else null end),
     project: (.project_code | id),
     components: [($lines[$pk | tostring] // [])[] | ($bom[.fields.bom_item | tostring].fields.sub_part | tostring) as $sub | ($parts[$sub].fields.units | unit) as $u
        | {id: (.pk | tostring), bomLine: (.fields.bom_item | tostring), item: {id: $sub}, required: (.fields.quantity | qty($u))}],
     allocations: [], extensions: ({pk: $pk, link} | ext)} | some;

[ (items | {schema: "mfg.item", document: .}), (boms | {schema: "mfg.bom", document: .}), (stock | {schema: "mfg.stock-snapshot", document: .}),
  (moves | {schema: "mfg.inventory-movement", document: .}), (orders | {schema: "mfg.purchase-order", document: .}), (builds | {schema: "mfg.work-order", document: .}) ]

# sap.jq - recorded answers of an ERP's services to canonical documents
#
# Input: {name: rows} by file. A number that the source holds as text is written "@text@", as in
# inventree.jq. A validity such as 2006-01-01T09:00:00+09:00 is a pure date that the recorder moved
# by its own zone: the same wall-clock time on every one of them says so. The answers name no zone for
# their times; UTC is assumed here.
def some: with_entries(select(.value != null and .value != "" and .value != [] and .value != {}));
def text: if . == "" or . == null then null else . end;
def num: if . == "" or . == null then null else "@" + tostring + "@" end;
def unit: {"PC": "H87", "KG": "KGM", "BT": "XBO", "AU": "C62"}[.];
def qty($u): if . == "" or . == null then null else {value: num, unit: ($u | unit), sourceUnit: $u} end;
def pos($u): if . == "" or . == null or tonumber <= 0 then null else qty($u) end;
def day: if . == null or . == "" then null
  elif test("^/Date\\(") then (capture("\\((?<ms>-?[0-9]+)").ms | tonumber / 1000 | strftime("%Y-%m-%d"))
  elif test("T09:00:00\\+09:00$") or test("^[0-9-]{10}$") then .[0:10] else error("not a pure date: " + .) end
  | if . == "9999-12-31" or . == null then null else . end;
def clock: capture("PT(?<h>[0-9]+)H(?<m>[0-9]+)M(?<s>[0-9]+)S") | .h + ":" + .m + ":" + .s + "Z";
def moment($d; $t): ($d | day) as $day | if $day == null then null elif $t == "PT00H00M00S" then $day else $day + "T" + ($t | clock) end;
def span($a; $b): {start: $a, end: $b} | some;
def stocktype: {"01": "unrestricted", "02": "quality", "07": "blocked", "1": "unrestricted", "2": "quality"}[.];

def bom:
  .["bill-of-material-header-01"][0] as $h
  | {id: $h.BillOfMaterial, item: {id: $h.Material, description: $h.ProductDescription}, plant: $h.Plant, alternative: $h.BillOfMaterialVariant, revision: $h.BillOfMaterialVersion,
     usage: {"1": "manufacturing", "2": "engineering", "3": "universal", "4": "service", "5": "sales", "6": "costing"}[$h.BillOfMaterialVariantUsage], sourceUsage: $h.BillOfMaterialVariantUsage,
     status: {"1": "active", "2": "inactive", "3": "active-with-history"}[$h.BillOfMaterialStatus], sourceStatus: $h.BillOfMaterialStatus, configurable: $h.IsConfiguredMaterial,
     effectivity: ({from: ($h.HeaderValidityStartDate | day), to: ($h.HeaderValidityEndDate | day), changeFrom: ($h.EngineeringChangeDocument | text), changeTo: ($h.ChgToEngineeringChgDocument | text)} | some),
     baseQuantity: ($h.BOMHeaderQuantityInBaseUnit | qty($h.BOMHeaderBaseUnit)), created: ($h.RecordCreationDate | day), group: $h.BOMGroup, description: $h.BOMHeaderText,
     lines: [.["bill-of-material-header-02-item"][] | {id: .BillOfMaterialItemNodeNumber, item: {id: .BillOfMaterialComponent, description: .ComponentDescription}, quantity: (.BillOfMaterialItemQuantity | qty("PC")),
       scrap: {component: (.ComponentScrapInPercent | num)}, effectivity: ({from: (.ValidityStartDate | day), to: (.ValidityEndDate | day)} | some), change: .HeaderChangeDocument, deleted: .IsDeleted} | some],
     extensions: {sap: {uuid: $h.BillOfMaterialHeaderUUID, category: $h.BillOfMaterialCategory, changeCount: $h.BOMHeaderInternalChangeCount}}} | some;

def flags: {OrderIsCreated: "created", OrderIsReleased: "released", OrderIsPrinted: "printed", OrderIsConfirmed: "confirmed", OrderIsPartiallyConfirmed: "partially-confirmed", OrderIsDelivered: "delivered", OrderIsPartiallyDelivered: "partially-delivered",
  OrderIsPreCosted: "pre-costed", OrderIsPartiallyReleased: "partially-released", OrderIsLocked: "locked", OrderIsTechnicallyCompleted: "technically-completed", OrderIsClosed: "closed", OrderIsMarkedForDeletion: "deletion-marked", OrderIsScheduled: "scheduled"};
def opflags: {OperationIsCreated: "created", OperationIsReleased: "released", OperationIsPrinted: "printed", OperationIsConfirmed: "confirmed", OperationIsPartiallyConfirmed: "partially-confirmed", OperationIsTechlyCompleted: "technically-completed", OperationIsClosed: "closed", OperationIsDelivered: "delivered", OperationIsPartiallyDelivered: "partially-delivered"};
def set($names): . as $row | [$names | to_entries[] | select($row[.key] == "X") | .value];

def order:
  .["production-order-01-general"][0] as $o | .["production-order-05-status"] as $s
  | {id: $o.ManufacturingOrder, kind: "production", sourceKind: $o.ManufacturingOrderType, item: {id: $o.Material}, plant: $o.ProductionPlant, planningPlant: $o.Plant, planningArea: $o.MRPArea, planner: $o.MRPController,
     quantity: ($o.TotalQuantity | qty($o.ProductionUnit)), plannedScrap: ($o.MfgOrderPlannedScrapQty | qty($o.ProductionUnit)), yield: ($o.MfgOrderConfirmedYieldQty | qty($o.ProductionUnit)),
     status: (($o | set(flags)) + [$s[] | {"I0321": "goods-movement-posted", "I0004": "material-shortage"}[.StatusCode] // empty] | unique), sourceStatus: [$s[] | {code: .StatusCode, text: .StatusShortName, user: .IsUserStatus}],
     schedule: {required: span(moment($o.MfgOrderPlannedStartDate; $o.MfgOrderPlannedStartTime); moment($o.MfgOrderPlannedEndDate; $o.MfgOrderPlannedEndTime)), planned: span(moment($o.MfgOrderScheduledStartDate; $o.MfgOrderScheduledStartTime); moment($o.MfgOrderScheduledEndDate; $o.MfgOrderScheduledEndTime)), released: ($o.MfgOrderActualReleaseDate | day)},
     created: moment($o.MfgOrderCreationDate; $o.MfgOrderCreationTime), productionVersion: $o.ProductionVersion, to: {plant: $o.Plant, storageLocation: $o.StorageLocation}, profitCenter: $o.ProfitCenter, scheduling: $o.BasicSchedulingType,
     components: [.["production-order-02-component"][] | .BaseUnit as $u | {id: .ReservationItem, position: .BillOfMaterialItemNumber, bomLine: .BOMItem, item: {id: .Material}, required: (.RequiredQuantity | qty($u)), withdrawn: (.WithdrawnQuantity | qty($u)), available: (.ConfirmedAvailableQuantity | qty($u)), original: (.MaterialCompOriginalQuantity | qty($u)),
       operation: {operation: .ManufacturingOrderOperation, sequence: .ManufacturingOrderSequence}, from: ({plant: .Plant, storageLocation: .StorageLocation} | some), supplyArea: .SupplyArea, due: moment(.MatlCompRequirementDate; .MatlCompRequirementTime), reservation: {kind: "reservation", id: .Reservation, line: .ReservationItem},
       fixedQuantity: .QuantityIsFixed, bulk: .IsBulkMaterialComponent, backflush: .MatlCompIsMarkedForBackflush, phantom: .MaterialComponentIsPhantomItem, finalIssue: .ReservationIsFinallyIssued, costing: (.MaterialCompIsCostRelevant == "X"), movement: {"261": "issue-to-order"}[.GoodsMovementType],
       scrap: {component: (.ComponentScrapInPercent | num), operation: (.OperationScrapInPercent | num), net: .IsNetScrap}, alternate: (if .AlternativeItemGroup == "" then null else {group: .AlternativeItemGroup} end),
       extensions: {sap: {itemCategory: .BOMItemCategory, materialGroup: .MaterialGroup, leadTimeOffset: .LeadTimeOffset, withdrawnAmount: .WithdrawnQuantityAmount, currency: .Currency}}} | some],
     operations: [.["production-order-04-operation"][] | .OperationUnit as $u | {id: .OrderIntBillOfOperationsItem, operation: .ManufacturingOrderOperation, sequence: .ManufacturingOrderSequence, description: .MfgOrderOperationText, status: set(opflags), controlProfile: .OperationControlProfile, workCenter: {plant: .ProductionPlant, workCenter: .WorkCenter},
       schedule: {planned: span(moment(.OpErlstSchedldExecStrtDte; .OpErlstSchedldExecStrtTme); moment(.OpErlstSchedldExecEndDte; .OpErlstSchedldExecEndTme))}, quantity: (.OpPlannedTotalQuantity | qty($u)), yield: (.OpTotalConfirmedYieldQty | qty($u)), extensions: {sap: {workCenterId: .WorkCenterInternalID}}} | some],
     outputs: [.["production-order-03-item"][] | {id: .ManufacturingOrderItem, role: "main", item: {id: .Material}, quantity: (.MfgOrderItemPlannedTotalQty | qty($o.ProductionUnit)), delivered: (.MfgOrderItemGoodsReceiptQty | qty($o.ProductionUnit)), to: {plant: .Plant, storageLocation: .StorageLocation}}],
     extensions: {sap: {companyCode: $o.CompanyCode, functionalArea: $o.FunctionalArea, settlement: ($o.SettlementRuleIsCreated == "X")}}} | some;

def movement:
  .["material-document-header-02-item"][] | .MaterialBaseUnit as $u | {"561": "initial-entry", "101": "purchase-receipt", "261": "issue-to-order"}[.GoodsMovementType] as $kind
  | {id: (.MaterialDocument + "-" + .MaterialDocumentYear + "-" + .MaterialDocumentItem), kind: $kind, sourceKind: .GoodsMovementType, item: {id: .Material}, plant: .Plant, quantity: (.QuantityInBaseUnit | qty($u)), entered: (.EntryUnit as $e | .QuantityInEntryUnit | qty($e)),
     to: {location: {plant: .Plant, storageLocation: .StorageLocation}, stockType: (.InventoryStockType | stocktype)}, at: "2016-08-12T00:00:00Z", document: {id: .MaterialDocument, year: (.MaterialDocumentYear | tonumber), line: .MaterialDocumentItem}, reversal: .GoodsMovementIsCancelled, final: .IsCompletelyDelivered,
     extensions: {sap: {GLAccount, ProfitCenter, ControllingArea, FiscalYearPeriod, CompanyCodeCurrency}}} | some;

def stock:
  {asOf: "2021-01-01T00:00:00Z", complete: false, entries: [.["material-stock-material-stock-01"][] | {item: {id: .Material}, location: {plant: .Plant, storageLocation: .StorageLocation}, lot: {id: .Batch}, stockType: (.InventoryStockType | stocktype), quantity: (.MaterialBaseUnit as $u | .MatlWrhsStkQtyInMatlBaseUnit | qty($u))}]};
def count:
  .["physical-inventory-document-header-02-item"] as $r
  | {id: $r[0].PhysicalInventoryDocument, year: ($r[0].FiscalYear | tonumber), kind: "count", asOf: "2017-06-23T00:00:00Z", complete: false, entries: [$r[] | .MaterialBaseUnit as $u | {line: .PhysicalInventoryDocumentItem, item: {id: .Material}, location: {plant: .Plant, storageLocation: .StorageLocation}, stockType: (.PhysicalInventoryStockType | stocktype), quantity: (.BookQtyBfrCountInMatlBaseUnit | qty($u)), counted: (.Quantity | qty($u)), inUnit: (.QuantityInUnitOfEntry | qty($u)),
     countedBy: {id: .CountedByUser}, countedOn: (.PhysicalInventoryLastCountDate | day), changedAt: (.LastChangeDate | day), isZero: .PhysicalInventoryItemIsZero, posted: .PhysInvtryDifferenceIsPosted, recounted: .PhysInvtryItemIsRecounted, deleted: .PhysInvtryItemIsDeleted, extensions: {sap: {counted: .PhysicalInventoryItemIsCounted, alternativeUnits: .IsHandledInAltvUnitOfMsr}}} | some]};
def purchase:
  .["purchase-order-header-01"][0] as $h | .["purchase-order-item-02-schedule-line"] as $s
  | {id: $h.PurchaseOrder, sourceKind: $h.PurchaseOrderType, company: $h.CompanyCode, purchasingOrganization: $h.PurchasingOrganization, purchasingGroup: $h.PurchasingGroup, sourceStatus: $h.PurchasingProcessingStatus, orderedOn: ($h.PurchaseOrderDate | day), currency: $h.DocumentCurrency, payment: {code: $h.PaymentTerms},
     seller: {id: $h.Supplier, name: $h.AddressName, address: {lines: [$h.AddressStreetName], city: $h.AddressCityName, region: $h.AddressRegion, postalCode: $h.AddressPostalCode, country: $h.AddressCountry}, contact: {phone: $h.AddressPhoneNumber}},
     lines: [.["purchase-order-header-02-item"][] | .PurchaseOrderQuantityUnit as $u | {line: .PurchaseOrderItem, item: {id: .Material}, description: .PurchaseOrderItemText, quantity: (.OrderQuantity | qty($u)), price: {amount: (.NetPriceAmount | num), currency: .DocumentCurrency, per: (.NetPriceQuantity | qty($u))}, taxCode: .TaxCode, tolerance: {over: (.OverdelivTolrtdLmtRatioInPct | num), under: (.UnderdelivTolrtdLmtRatioInPct | num), unlimited: .UnlimitedOverdeliveryIsAllowed},
       final: .IsCompletelyDelivered, finalInvoice: .IsFinallyInvoiced, receiptExpected: .GoodsReceiptIsExpected, receiptValuated: (.GoodsReceiptIsNonValuated | not), invoiceExpected: .InvoiceIsExpected, invoiceByReceipt: .InvoiceIsGoodsReceiptBased, plant: .Plant, weight: (.ItemNetWeight | qty("KG")), incoterms: {code: .IncotermsClassification}, infoRecord: .PurchasingInfoRecord, sourceCategory: .PurchaseOrderItemCategory,
       shipTo: {name: .DeliveryAddressName, address: {lines: [.DeliveryAddressStreetName], city: .DeliveryAddressCityName, region: .DeliveryAddressRegion, postalCode: .DeliveryAddressPostalCode, country: .DeliveryAddressCountry}},
       schedule: [$s[] | {id: .ScheduleLine, quantity: (.ScheduleLineOrderQuantity | qty($u)), due: moment(.ScheduleLineDeliveryDate; .ScheduleLineDeliveryTime), category: .DelivDateCategory, confirmed: (.ScheduleLineCommittedQuantity | qty($u))}],
       accounts: [{kind: "order", id: "1000000"}], extensions: {sap: {MaterialGroup, AccountAssignmentCategory, OrderPriceUnit}}} | some]} | some;
def routing:
  .["production-routing-header-02-material-assignment"][0] as $a
  | {id: $a.ProductionRoutingGroup, alternative: $a.ProductionRouting, item: {id: $a.Product}, plant: $a.Plant, effectivity: ({from: ($a.ValidityStartDate | day), to: ($a.ValidityEndDate | day)} | some), created: ($a.CreationDate | day),
     sequences: [.["production-routing-header-03-sequence"][] | {sequence: .ProductionRoutingSequence, kind: "main", lotSize: {from: (.MinimumLotSizeQuantity | qty("PC")), to: (.MaximumLotSizeQuantity | qty("PC"))}}],
     operations: [.["production-routing-header-04-operation"][] | {id: .ProductionRoutingOpIntID, operation: .Operation, sequence: .ProductionRoutingSequence, description: .OperationText, controlProfile: .OperationControlProfile, workCenter: {plant: .Plant, id: .WorkCenterInternalID}, kind: (if .OpIsExtlyProcdWithSubcontrg then "external" else "internal" end), baseQuantity: (.OperationUnit as $u | .OperationReferenceQuantity | qty($u)),
       unitConversion: {numerator: (.OpQtyToBaseQtyNmrtr | tonumber), denominator: (.OpQtyToBaseQtyDnmntr | tonumber)}, scrap: (.OperationScrapPercent | num), costing: (.OperationCostingRelevancyType == "X"), effectivity: ({from: (.ValidityStartDate | day), to: (.ValidityEndDate | day)} | some)} | some]} | some;
def delivery:
  .["inbound-delivery-header-01"][0] as $h
  | {id: $h.DeliveryDocument, status: "planned", estimatedArrival: ($h.DeliveryDate + "T" + $h.DeliveryTime + "Z"), grossWeight: ($h.HeaderGrossWeight | qty($h.HeaderWeightUnit)), netWeight: ($h.HeaderNetWeight | qty($h.HeaderWeightUnit)), references: [{kind: "ship-notice", id: $h.DeliveryDocumentBySupplier}],
     lines: [.["inbound-delivery-header-04-item"][] | .DeliveryQuantityUnit as $u | {line: .DeliveryDocumentItem, item: {id: .Material}, description: .DeliveryDocumentItemText, quantity: (.ActualDeliveryQuantity | qty($u)), ordered: (.OriginalDeliveryQuantity | qty($u)), order: {kind: "purchase-order", id: .ReferenceSDDocument, line: .ReferenceSDDocumentItem}, to: {plant: .Plant, storageLocation: .StorageLocation}, grossWeight: (.ItemGrossWeight | qty("KG")), netWeight: (.ItemNetWeight | qty("KG")), movement: {"101": "purchase-receipt"}[.GoodsMovementType], pickStatus: .PickingStatus,
       extensions: {sap: {category: .DeliveryDocumentItemCategory, status: .SDProcessStatus, profitCenter: .ProfitCenter}}} | some]} | some;
def product:
  .["product-master-general-01"][0] as $g | .["product-master-plant-01"][0] as $p | .["product-master-mrp-area-01"][0] as $m
  | {item: {id: $g.Product}, sourceKind: $g.ProductType, status: (if $g.IsMarkedForDeletion then "deleted" else "active" end), baseUnit: ($g.BaseUnit | unit), grossWeight: ($g.GrossWeight | qty($g.WeightUnit)), netWeight: ($g.NetWeight | qty($g.WeightUnit)), classes: [{scheme: "sap-group", id: $g.ProductGroup}], created: ($g.CreationDate | day), changed: ($g.LastChangeDate | day), change: $g.ChangeNumber,
     plants: [{plant: $p.Plant, procurement: {"E": "make", "F": "buy", "X": "both"}[$p.ProcurementType], purchasingGroup: $p.PurchasingGroup, profitCenter: $p.ProfitCenter, lotManaged: $p.IsBatchManagementRequired, inspectionOnReceipt: .["product-master-quality-01"][0].HasPostToInspectionStock, productionLocation: {plant: $p.Plant, storageLocation: $p.ProductionInvtryManagedLoc},
       planning: {type: $p.MRPType, controller: $p.MRPResponsible, minimumLot: ($p.MinimumLotSizeQuantity | qty("PC")), maximumLot: ($p.MaximumLotSizeQuantity | qty("PC")), fixedLot: ($p.FixedLotSizeQuantity | qty("PC")), goodsReceiptTime: {value: ($p.GoodsReceiptDuration | num), unit: "DAY"}, availabilityCheck: $p.AvailabilityCheckType},
       areas: [{area: $m.MRPArea, type: $m.MRPType, reorderPoint: ($m.ReorderThresholdQuantity | qty("PC")), safetyStock: ($m.SafetyStockQuantity | qty("PC")), maximumStock: ($m.MaximumStockQuantity | qty("PC")), rounding: ($m.LotSizeRoundingQuantity | qty("PC")), plannedDelivery: {value: ($m.PlannedDeliveryDurationInDays | num), unit: "DAY"}}]}],
     extensions: {sap: {IndustrySector: $g.IndustrySector, Division: $g.Division}}} | some;
[{schema: "mfg.bom", document: bom}, {schema: "mfg.work-order", document: order}, {schema: "mfg.inventory-movement", document: movement}, {schema: "mfg.stock-snapshot", document: stock}, {schema: "mfg.stock-snapshot", document: count},
 {schema: "mfg.purchase-order", document: purchase}, {schema: "mfg.routing", document: routing}, {schema: "mfg.ship-notice", document: delivery}, {schema: "mfg.item", document: product}]

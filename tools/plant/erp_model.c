/* erp_model.c - the ERP's services as descriptions (odata.h); names and lengths as such systems have them */
#include "tools/plant/erp_model.h"

#define BOM_KEY "*BillOfMaterial:s8 *BillOfMaterialCategory:s1 *BillOfMaterialVariant:s2 *BillOfMaterialVersion:s4 "
#define BOM_JOIN \
    "BillOfMaterial,BillOfMaterialCategory,BillOfMaterialVariant,BillOfMaterialVersion,Material,Plant"

#define PRODUCT_PROPS \
    "*Product:s40 ProductType:s4 CrossPlantStatus:s2 CrossPlantStatusValidityDate:D CreationDate:D " \
    "LastChangeDate:D LastChangeDateTime:T IsMarkedForDeletion:b ProductOldID:s40 GrossWeight:d13.3 WeightUnit:s3 " \
    "NetWeight:d13.3 ProductGroup:s9 BaseUnit:s3 Division:s2 IsBatchManagementRequired:b SerialNumberProfile:s4 " \
    "ChangeNumber:s12 MaterialRevisionLevel:s2 ProductManufacturerNumber:s40 ProductIsConfigurable:b"
#define PRODUCT_PLANT_PROPS \
    "*Product:s40 *Plant:s4 PurchasingGroup:s3 ProfileCode:s2 MaintenanceStatusName:s15 IsMarkedForDeletion:b " \
    "MRPType:s2 MRPResponsible:s3 ProcurementType:s1 SpecialProcurementType:s2 ProductionInvtryManagedLoc:s4 " \
    "IsBatchManagementRequired:b IsCoProduct:b BaseUnit:s3 GoodsIssueUnit:s3"
#define PO_PROPS \
    "*PurchaseOrder:s10 CompanyCode:s4 PurchaseOrderType:s4 PurchasingProcessingStatus:s2 CreationDate:D " \
    "LastChangeDateTime:T Supplier:s10 PurchasingOrganization:s4 PurchasingGroup:s3 PurchaseOrderDate:D " \
    "DocumentCurrency:s5 CorrespncExternalReference:s12 PurchasingDocumentDeletionCode:s1"
#define PO_ITEM_PROPS \
    "*PurchaseOrder:s10 *PurchaseOrderItem:s5 PurchasingDocumentDeletionCode:s1 PurchaseOrderItemText:s40 Plant:s4 " \
    "StorageLocation:s4 SupplierMaterialNumber:s35 OrderQuantity:d13.3 PurchaseOrderQuantityUnit:s3 " \
    "DocumentCurrency:s5 NetPriceAmount:d14.3 NetPriceQuantity:d5.0 IsCompletelyDelivered:b Material:s40 " \
    "GoodsReceiptIsExpected:b"

static struct odata_set product_sets[] = {
    {.name = "A_Product", .type = "A_ProductType", .flags = ODATA_NO_DELETE, .rule = erp_product_rule,
     .changed = "LastChangeDateTime", .props_text = PRODUCT_PROPS,
     .navs_text = "to_Description!>A_ProductDescription(Product) to_Plant!>A_ProductPlant(Product) "
                  "to_ProductUnitsOfMeasure!>A_ProductUnitsOfMeasure(Product)"},
    {.name = "A_ProductDescription", .type = "A_ProductDescriptionType", .rule = erp_product_part_rule, .flags = ODATA_NO_DELETE,
     .props_text = "*Product:s40 *Language:s2 ProductDescription:s40"},
    {.name = "A_ProductPlant", .type = "A_ProductPlantType", .rule = erp_product_part_rule, .flags = ODATA_NO_DELETE,
     .props_text = PRODUCT_PLANT_PROPS},
    {.name = "A_ProductUnitsOfMeasure", .type = "A_ProductUnitsOfMeasureType", .rule = erp_product_part_rule,
     .props_text = "*Product:s40 *AlternativeUnit:s3 QuantityNumerator:d5.0 QuantityDenominator:d5.0 BaseUnit:s3"},
    {0}};

static struct odata_set bom_sets[] = {
    {.name = "MaterialBOM", .type = "MaterialBOMType", .rule = erp_bom_rule, .changed = "LastChangeDateTime",
     .props_text = BOM_KEY
     "*EngineeringChangeDocument:s12 *Material:s40 *Plant:s4 BillOfMaterialVariantUsage:s1 "
     "EngineeringChangeDocForEdit:s12 BOMHeaderInternalChangeCount:s8 BillOfMaterialStatus:s2 BOMGroup:s30 "
     "BOMHeaderText:s40 BOMAlternativeText:s40 HeaderValidityStartDate:D HeaderValidityEndDate:D "
     "ChgToEngineeringChgDocument:s12 IsMarkedForDeletion:b MatFromLotSizeQuantity:d13.3 "
     "MaterialToLotSizeQuantity:d13.3 BOMHeaderBaseUnit:s3 BOMHeaderQuantityInBaseUnit:d13.3 "
     "RecordCreationDate:D LastChangeDate:D LastChangeDateTime:T",
     .navs_text = "to_BillOfMaterialItem!>MaterialBOMItem(" BOM_JOIN ",EngineeringChangeDocument=HeaderChangeDocument)"},
    {.name = "MaterialBOMItem", .type = "MaterialBOMItemType", .rule = erp_bom_item_rule,
     .changed = "LastChangeDateTime",
     .props_text = BOM_KEY
     "*BillOfMaterialItemNodeNumber:s8 *HeaderChangeDocument:s12 *Material:s40 *Plant:s4 "
     "InheritedNodeNumberForBOMItem:s8 ValidityStartDate:D ValidityEndDate:D EngineeringChangeDocument:s12 "
     "ChgToEngineeringChgDocument:s12 BillOfMaterialItemCategory:s1 BillOfMaterialItemNumber:s4 "
     "BillOfMaterialComponent:s40 BillOfMaterialItemQuantity:d13.3 BillOfMaterialItemUnit:s3 FixedQuantity:b "
     "IdentificationBOMItem:s8 BOMItemSorter:s10 BOMItemDescription:s40 BOMItemText2:s40 DocumentNumber:s25 "
     "ComponentScrapInPercent:d5.2 OperationScrapInPercent:d5.2 IsNetScrap:b AlternativeItemGroup:s2 "
     "AlternativeItemPriority:s2 AlternativeItemStrategy:s1 UsageProbabilityPercent:d3.0 DiscontinuationGroup:s2 "
     "FollowUpGroup:s2 MaterialIsCoProduct:b IsBulkMaterial:b SpecialProcurementType:s2 ExplosionType:s2 "
     "ProdOrderIssueLocation:s4 Size1:d13.3 IsSubItem:b IsDeleted:b LastChangeDateTime:T",
     .navs_text = "to_BOMSubItem!>MaterialBOMSubItem(BillOfMaterial,BillOfMaterialCategory,BillOfMaterialVariant,"
                  "BillOfMaterialVersion,Material,Plant,BillOfMaterialItemNodeNumber)"},
    {.name = "MaterialBOMSubItem", .type = "MaterialBOMSubItemType",
     .props_text = BOM_KEY
     "*BillOfMaterialItemNodeNumber:s8 *Material:s40 *Plant:s4 *BOMSubItemNumberValue:s4 "
     "BOMSubItemInstallationPoint:s20 BillOfMaterialSubItemQuantity:d13.3"},
    {0}};

static struct odata_set document_sets[] = {
    {.name = "A_MaterialDocumentHeader", .type = "A_MaterialDocumentHeaderType", .rule = erp_document_rule,
     .flags = ODATA_NO_PATCH | ODATA_NO_DELETE,
     .props_text = "*MaterialDocumentYear:s4 *MaterialDocument:s10 InventoryTransactionType:s2 DocumentDate:D "
                   "PostingDate:D CreationDate:D CreationTime:t CreatedByUser:s12 MaterialDocumentHeaderText:s25 "
                   "ReferenceDocument:s16 GoodsMovementCode:s2",
     .navs_text = "to_MaterialDocumentItem!>A_MaterialDocumentItem(MaterialDocumentYear,MaterialDocument)"},
    {.name = "A_MaterialDocumentItem", .type = "A_MaterialDocumentItemType", .rule = erp_document_item_rule,
     .flags = ODATA_READ_ONLY,
     .props_text = "*MaterialDocumentYear:s4 *MaterialDocument:s10 *MaterialDocumentItem:s4 Material:s40 Plant:s4 "
                   "StorageLocation:s4 Batch:s10 GoodsMovementType:s3 InventoryStockType:s2 "
                   "InventorySpecialStockType:s1 Supplier:s10 PurchaseOrder:s10 PurchaseOrderItem:s5 "
                   "ManufacturingOrder:s12 GoodsMovementRefDocType:s1 GoodsMovementReasonCode:s4 CostCenter:s10 "
                   "MaterialBaseUnit:s3 QuantityInBaseUnit:d13.3 EntryUnit:s3 QuantityInEntryUnit:d13.3 "
                   "IssgOrRcvgMaterial:s40 IssgOrRcvgBatch:s10 IssuingOrReceivingPlant:s4 "
                   "IssuingOrReceivingStorageLoc:s4 IssuingOrReceivingStockType:s2 MaterialDocumentItemText:s50 "
                   "GoodsMovementIsCancelled:b ReversedMaterialDocumentYear:s4 ReversedMaterialDocument:s10 "
                   "ReversedMaterialDocumentItem:s4",
     .navs_text = "to_MaterialDocumentHeader-A_MaterialDocumentHeader(MaterialDocumentYear,MaterialDocument)"},
    {0}};

static struct odata_set stock_sets[] = {
    {.name = "A_MaterialStock", .type = "A_MaterialStockType", .flags = ODATA_READ_ONLY,
     .props_text = "*Material:s40 MaterialBaseUnit:s3",
     .navs_text = "to_MatlStkInAcctMod>A_MatlStkInAcctMod(Material)"},
    {.name = "A_MatlStkInAcctMod", .type = "A_MatlStkInAcctModType", .flags = ODATA_READ_ONLY,
     .props_text = "*Material:s40 *Plant:s4 *StorageLocation:s4 *Batch:s10 *Supplier:s10 *Customer:s10 "
                   "*WBSElementInternalID:s24 *SDDocument:s10 *SDDocumentItem:s6 *InventorySpecialStockType:s1 "
                   "*InventoryStockType:s2 MaterialBaseUnit:s3 MatlWrhsStkQtyInMatlBaseUnit:d15.3"},
    {0}};

static struct odata_set order_sets[] = {
    {.name = "A_ProductionOrder_2", .type = "A_ProductionOrder_2Type", .rule = erp_order_rule,
     .flags = ODATA_ETAG | ODATA_NO_DELETE, .changed = "LastChangeDateTime",
     .props_text = "*ManufacturingOrder:s12 ManufacturingOrderCategory:s2 ManufacturingOrderType:s4 "
                   "OrderIsCreated:s1 OrderIsReleased:s1 OrderIsConfirmed:s1 OrderIsPartiallyConfirmed:s1 "
                   "OrderIsDelivered:s1 OrderIsPartiallyDelivered:s1 OrderIsTechnicallyCompleted:s1 OrderIsClosed:s1 "
                   "OrderIsLocked:s1 MaterialAvailyIsNotChecked:s1 LastChangeDateTime:T Material:s40 "
                   "StorageLocation:s4 ProductionPlant:s4 MRPController:s3 ProductionVersion:s4 "
                   "MfgOrderPlannedStartDate:D MfgOrderPlannedStartTime:t MfgOrderPlannedEndDate:D "
                   "MfgOrderPlannedEndTime:t MfgOrderActualReleaseDate:D ProductionUnit:s3 TotalQuantity:d13.3 "
                   "MfgOrderPlannedScrapQty:d13.3 MfgOrderConfirmedYieldQty:d13.3 ActualDeliveredQuantity:d13.3 "
                   "BillOfMaterial:s8 BillOfMaterialVariant:s2 MaterialRevisionLevel:s2",
     .navs_text = "to_ProductionOrderComponent>A_ProductionOrderComponent_2(ManufacturingOrder) "
                  "to_ProductionOrderStatus>A_ProductionOrderStatus_2(ManufacturingOrder)"},
    {.name = "A_ProductionOrderComponent_2", .type = "A_ProductionOrderComponent_2Type", .flags = ODATA_READ_ONLY,
     .props_text = "*Reservation:s10 *ReservationItem:s4 Material:s40 Plant:s4 ManufacturingOrder:s12 "
                   "ManufacturingOrderOperation:s4 BillOfMaterialItemNumber:s4 StorageLocation:s4 Batch:s10 "
                   "GoodsMovementType:s3 BaseUnit:s3 RequiredQuantity:d13.3 WithdrawnQuantity:d13.3 "
                   "MaterialComponentIsPhantomItem:b ReservationIsFinallyIssued:b"},
    {.name = "A_ProductionOrderStatus_2", .type = "A_ProductionOrderStatus_2Type", .flags = ODATA_READ_ONLY,
     .props_text = "*ManufacturingOrder:s12 *StatusCode:s5 IsUserStatus:b StatusShortName:s4 StatusName:s30"},
    {0}};

static struct odata_set purchase_sets[] = {
    {.name = "A_PurchaseOrder", .type = "A_PurchaseOrderType", .rule = erp_purchase_rule, .flags = ODATA_NO_DELETE,
     .changed = "LastChangeDateTime", .props_text = PO_PROPS,
     .navs_text = "to_PurchaseOrderItem!>A_PurchaseOrderItem(PurchaseOrder)"},
    {.name = "A_PurchaseOrderItem", .type = "A_PurchaseOrderItemType", .rule = erp_purchase_item_rule,
     .props_text = PO_ITEM_PROPS,
     .navs_text = "to_ScheduleLine!>A_PurchaseOrderScheduleLine(PurchaseOrder=PurchasingDocument,"
                  "PurchaseOrderItem=PurchasingDocumentItem)"},
    {.name = "A_PurchaseOrderScheduleLine", .type = "A_PurchaseOrderScheduleLineType",
     .props_text = "*PurchasingDocument:s10 *PurchasingDocumentItem:s5 *ScheduleLine:s4 ScheduleLineDeliveryDate:D "
                   "PurchaseOrderQuantityUnit:s3 ScheduleLineOrderQuantity:d13.3 ScheduleLineCommittedQuantity:d13.3 "
                   "RoughGoodsReceiptQty:d13.3"},
    {0}};

static struct odata_set source_sets[] = {
    {.name = "A_PurchasingSource", .type = "A_PurchasingSourceType",
     .props_text = "*Material:s40 *Plant:s4 *SourceListRecord:s5 ValidityStartDate:D ValidityEndDate:D Supplier:s10 "
                   "SupplierIsFixed:b SourceOfSupplyIsBlocked:b SupplierMaterialNumber:s35"},
    {0}};

static struct odata_set change_sets[] = {
    {.name = "A_ChangeMaster", .type = "A_ChangeMasterType", .rule = erp_change_rule, .flags = ODATA_NO_DELETE,
     .changed = "LastChangeDateTime",
     .props_text = "*ChangeNumber:s12 ChangeNumberDescription:s40 ChangeNumberStatus:s2 ChangeNumberValidFromDate:D "
                   "ChangeNumberReleaseKey:s2 ReasonForChangeText:s40 LastChangeDateTime:T",
     .navs_text = "to_ObjectManagementRecord>A_ChangeObjectRecord(ChangeNumber)"},
    {.name = "A_ChangeObjectRecord", .type = "A_ChangeObjectRecordType", .flags = ODATA_READ_ONLY,
     .props_text = "*ChangeNumber:s12 *ObjectType:s2 *Material:s40 *Plant:s4 *BillOfMaterialVariant:s2"},
    {0}};

static struct odata_set product4_sets[] = {
    {.name = "Product", .type = "ProductType", .table = "A_ProductType", .flags = ODATA_NO_DELETE | ODATA_ETAG,
     .rule = erp_product_rule, .changed = "LastChangeDateTime", .props_text = PRODUCT_PROPS,
     .navs_text = "_ProductDescription!>ProductDescription(Product) _ProductPlant!>ProductPlant(Product)"},
    {.name = "ProductDescription", .type = "ProductDescriptionType", .rule = erp_product_part_rule, .table = "A_ProductDescriptionType",
     .flags = ODATA_NO_DELETE, .props_text = "*Product:s40 *Language:s2 ProductDescription:s40"},
    {.name = "ProductPlant", .type = "ProductPlantType", .rule = erp_product_part_rule, .table = "A_ProductPlantType", .flags = ODATA_NO_DELETE,
     .props_text = PRODUCT_PLANT_PROPS},
    {0}};

static struct odata_set purchase4_sets[] = {
    {.name = "PurchaseOrder", .type = "PurchaseOrderType", .table = "A_PurchaseOrderType", .rule = erp_purchase_rule,
     .flags = ODATA_NO_DELETE | ODATA_ETAG, .changed = "LastChangeDateTime", .props_text = PO_PROPS,
     .navs_text = "_PurchaseOrderItem!>PurchaseOrderItem(PurchaseOrder)"},
    {.name = "PurchaseOrderItem", .type = "PurchaseOrderItemType", .table = "A_PurchaseOrderItemType",
     .rule = erp_purchase_item_rule, .props_text = PO_ITEM_PROPS},
    {0}};

#define V2 "/sap/opu/odata/sap/"
#define V4 "/sap/opu/odata4/sap/"
struct odata_service plant_erp_services[] = {
    {V2 "API_PRODUCT_SRV", "API_PRODUCT_SRV", 2, product_sets, NULL},
    {V2 "API_BILL_OF_MATERIAL_SRV;v=0002", "API_BILL_OF_MATERIAL_SRV", 2, bom_sets, erp_bom_functions},
    {V2 "API_MATERIAL_DOCUMENT_SRV", "API_MATERIAL_DOCUMENT_SRV", 2, document_sets, erp_document_functions},
    {V2 "API_MATERIAL_STOCK_SRV", "API_MATERIAL_STOCK_SRV", 2, stock_sets, NULL},
    {V2 "API_PRODUCTION_ORDER_2_SRV", "API_PRODUCTION_ORDER_2_SRV", 2, order_sets, erp_order_functions},
    {V2 "API_PURCHASEORDER_PROCESS_SRV", "API_PURCHASEORDER_PROCESS_SRV", 2, purchase_sets, NULL},
    {V2 "API_PURCHASING_SOURCE_SRV", "API_PURCHASING_SOURCE_SRV", 2, source_sets, NULL},
    {V2 "API_CHANGEMASTER;v=0002", "API_CHANGEMASTER", 2, change_sets, erp_change_functions},
    {V4 "api_product/srvd_a2x/sap/product/0002", "com.sap.gateway.srvd_a2x.api_product.v0002", 4, product4_sets, NULL},
    {V4 "api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001",
     "com.sap.gateway.srvd_a2x.api_purchaseorder_2.v0001", 4, purchase4_sets, NULL},
    {0}};

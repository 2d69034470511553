/*
 * erp_system.c - the plant's SAP-style ERP: routes, seed, audit views, refusals (rules: erp_bom.c,
 * erp_post.c, erp_order.c; services: erp_model.c)
 */
#include <string.h>

#include "tools/plant/erp_model.h"
#include "tools/plant/systems.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS locations(plant TEXT, location TEXT, name TEXT, PRIMARY KEY(plant, location));"
    "CREATE TABLE IF NOT EXISTS suppliers(supplier TEXT PRIMARY KEY, name TEXT);"
    "CREATE TABLE IF NOT EXISTS idocs(number TEXT PRIMARY KEY, sender TEXT, docnum TEXT, type TEXT, status TEXT, text TEXT);"
    "CREATE TABLE IF NOT EXISTS deliveries(delivery TEXT PRIMARY KEY, external TEXT);"
    "CREATE TABLE IF NOT EXISTS delivery_lines(delivery TEXT, line TEXT, item TEXT, plant TEXT, lot TEXT, quantity TEXT,"
    " unit TEXT, po TEXT, po_line TEXT, PRIMARY KEY(delivery, line));"
    "CREATE INDEX IF NOT EXISTS document_ref ON A_MaterialDocumentHeaderType(ReferenceDocument);"
    "CREATE INDEX IF NOT EXISTS document_item ON A_MaterialDocumentItemType(MaterialDocument);"
    "CREATE INDEX IF NOT EXISTS bom_material ON MaterialBOMType(Material, Plant);"
    "CREATE INDEX IF NOT EXISTS item_material ON MaterialBOMItemType(Material, Plant);"
    "CREATE INDEX IF NOT EXISTS component_order ON A_ProductionOrderComponent_2Type(ManufacturingOrder);"
    "DROP VIEW IF EXISTS audit; DROP VIEW IF EXISTS audit_scope;"
    "CREATE VIEW audit(kind, plant, key, value) AS"
    " SELECT 'revision', '*', Product, MaterialRevisionLevel FROM A_ProductType"
    " UNION ALL SELECT 'bom', h.Plant, h.Material || '/' || h.BillOfMaterialVariantUsage || '/' ||"
    "  h.BillOfMaterialVariant || '/' || BillOfMaterialItemNumber || '@' || ValidityStartDate,"
    "  BillOfMaterialComponent || ' ' || BillOfMaterialItemQuantity || ' ' || BillOfMaterialItemUnit"
    "  FROM MaterialBOMType h JOIN MaterialBOMItemType USING(BillOfMaterial, BillOfMaterialVariant, Material, Plant)"
    "  WHERE IsMarkedForDeletion != 'true' AND IsDeleted != 'true' AND ValidityEndDate >= ValidityStartDate"
    " UNION ALL SELECT 'stock', Plant, Material || '/' || StorageLocation || '/' || Batch || '/' || InventoryStockType ||"
    "  '/' || MaterialBaseUnit, MatlWrhsStkQtyInMatlBaseUnit FROM A_MatlStkInAcctModType"
    "  WHERE MatlWrhsStkQtyInMatlBaseUnit != '0';"
    "CREATE VIEW audit_scope(kind, plant, like) AS VALUES('revision', '*', '%'), ('bom', '*', '%'), ('stock', '*', '%');";

static const char seed[] =
    "INSERT INTO locations SELECT plant, location, name FROM factory.location;"
    "INSERT INTO suppliers SELECT supplier, name FROM factory.supplier;"
    "INSERT INTO A_ProductType(Product, ProductType, CrossPlantStatus, CreationDate, LastChangeDate, LastChangeDateTime,"
    " IsMarkedForDeletion, GrossWeight, NetWeight, WeightUnit, ProductGroup, BaseUnit, Division, IsBatchManagementRequired,"
    " SerialNumberProfile, MaterialRevisionLevel, ProductIsConfigurable, ProductOldID, ChangeNumber,"
    " ProductManufacturerNumber) SELECT item, type, CASE status WHEN 'active' THEN '' ELSE '02' END, '2025-01-01',"
    " '2025-01-01', '2025-01-01T00:00:00Z', 'false', weight, weight, 'KG', grp, unit, '00',"
    " CASE lots WHEN '1' THEN 'true' ELSE 'false' END, CASE serials WHEN '1' THEN '0001' ELSE '' END, revision, 'false', '',"
    " '', '' FROM factory.item;"
    "INSERT INTO A_ProductDescriptionType SELECT item, 'EN', text, 1 FROM factory.item;"
    "INSERT INTO A_ProductPlantType SELECT item, plant, '001', '', 'KDEVALBPSG', 'false', mrp, '001', p.procurement,"
    " CASE phantom WHEN '1' THEN '50' ELSE '' END, location, CASE lots WHEN '1' THEN 'true' ELSE 'false' END, 'false', unit,"
    " unit, 1 FROM factory.item_plant p JOIN factory.item USING(item);"
    "INSERT INTO A_ProductUnitsOfMeasureType SELECT item, u.unit, num, den, i.unit, 1 FROM factory.item_unit u JOIN"
    " factory.item i USING(item);"
    "INSERT INTO MaterialBOMType(BillOfMaterial, BillOfMaterialCategory, BillOfMaterialVariant, BillOfMaterialVersion,"
    " EngineeringChangeDocument, Material, Plant, BillOfMaterialVariantUsage, EngineeringChangeDocForEdit,"
    " BOMHeaderInternalChangeCount, BillOfMaterialStatus, BOMGroup, BOMHeaderText, BOMAlternativeText,"
    " HeaderValidityStartDate, HeaderValidityEndDate, ChgToEngineeringChgDocument, IsMarkedForDeletion,"
    " MatFromLotSizeQuantity, MaterialToLotSizeQuantity, BOMHeaderBaseUnit, BOMHeaderQuantityInBaseUnit,"
    " RecordCreationDate, LastChangeDate, LastChangeDateTime) SELECT bom, 'M', alternative, '', '', item, plant, usage, '',"
    " '1', status, '', '', text, valid_from, valid_to, '', 'false', lot_from, lot_to, unit, base, valid_from, valid_from,"
    " valid_from || 'T00:00:00Z' FROM factory.bom;"
    "INSERT INTO MaterialBOMItemType(BillOfMaterial, BillOfMaterialCategory, BillOfMaterialVariant, BillOfMaterialVersion,"
    " BillOfMaterialItemNodeNumber, HeaderChangeDocument, Material, Plant, InheritedNodeNumberForBOMItem,"
    " ValidityStartDate, ValidityEndDate, EngineeringChangeDocument, ChgToEngineeringChgDocument,"
    " BillOfMaterialItemCategory, BillOfMaterialItemNumber, BillOfMaterialComponent, BillOfMaterialItemQuantity,"
    " BillOfMaterialItemUnit, FixedQuantity, IdentificationBOMItem, BOMItemSorter, BOMItemDescription, BOMItemText2,"
    " DocumentNumber, ComponentScrapInPercent, OperationScrapInPercent, IsNetScrap, AlternativeItemGroup,"
    " AlternativeItemPriority, AlternativeItemStrategy, UsageProbabilityPercent, DiscontinuationGroup, FollowUpGroup,"
    " MaterialIsCoProduct, IsBulkMaterial, SpecialProcurementType, ExplosionType, ProdOrderIssueLocation, Size1,"
    " IsSubItem, IsDeleted, LastChangeDateTime) SELECT l.bom, 'M', l.alternative, '', node, '', item, plant, node,"
    " l.valid_from, l.valid_to, coalesce(l.change, ''), coalesce(change_to, ''), category, position, component, quantity,"
    " l.unit, coalesce(fixed, 'false'), node, sort, '', l.text, document, coalesce(scrap, '0'), coalesce(op_scrap, '0'),"
    " coalesce(net_scrap, 'false'), coalesce(alt_group, ''), coalesce(alt_priority, ''), coalesce(alt_strategy, ''),"
    " coalesce(alt_share, '0'), coalesce(disc_group, ''), coalesce(follow_group, ''), coalesce(co_product, 'false'),"
    " coalesce(bulk, 'false'), coalesce(special, ''), coalesce(explosion, ''), location,"
    " CASE size1 WHEN '' THEN '0' ELSE size1 END, 'false', 'false', l.valid_from || 'T00:00:00Z'"
    " FROM factory.bom_line l JOIN factory.bom USING(bom, alternative);"
    "INSERT INTO MaterialBOMSubItemType SELECT bom, 'M', alternative, '', node, item, plant, seq, designator, s.quantity, 1"
    " FROM factory.bom_sub s JOIN factory.bom USING(bom, alternative);"
    "INSERT INTO A_ChangeMasterType SELECT change, text, CASE status WHEN 'released' THEN '02' ELSE '01' END, valid_from,"
    " release, '', valid_from || 'T00:00:00Z', 1 FROM factory.change;"
    "INSERT INTO A_PurchasingSourceType SELECT item, plant, substr('00000' || row_number() OVER (PARTITION BY item, plant"
    " ORDER BY supplier), -5), valid_from, valid_to, supplier, 'false', 'false', supplier_item, 1 FROM factory.approved;"
    "INSERT INTO A_PurchaseOrderType SELECT po, '1010', 'NB', '02', date, date || 'T00:00:00Z', supplier, '1010', '001',"
    " date, 'EUR', '', '', 1 FROM factory.purchase_order;"
    "INSERT INTO A_PurchaseOrderItemType SELECT po, line, '', '', plant, location, '', quantity, unit, 'EUR', price, '1',"
    " 'false', item, 'true', 1 FROM factory.po_line JOIN factory.purchase_order USING(po);"
    "INSERT INTO A_PurchaseOrderScheduleLineType SELECT po, line, '0001', due, unit, quantity, '0', received, 1"
    " FROM factory.po_line;"
    "INSERT INTO A_ProductionOrder_2Type(ManufacturingOrder, ManufacturingOrderCategory, ManufacturingOrderType,"
    " OrderIsCreated, OrderIsReleased, OrderIsConfirmed, OrderIsPartiallyConfirmed, OrderIsDelivered,"
    " OrderIsPartiallyDelivered, OrderIsTechnicallyCompleted, OrderIsClosed, OrderIsLocked, MaterialAvailyIsNotChecked,"
    " LastChangeDateTime, Material, StorageLocation, ProductionPlant, MRPController, ProductionVersion,"
    " MfgOrderPlannedStartDate, MfgOrderPlannedStartTime, MfgOrderPlannedEndDate, MfgOrderPlannedEndTime, ProductionUnit,"
    " TotalQuantity, MfgOrderPlannedScrapQty, MfgOrderConfirmedYieldQty, ActualDeliveredQuantity, BillOfMaterial,"
    " BillOfMaterialVariant, MaterialRevisionLevel) SELECT wo, '10', 'PP01', iif(s LIKE '% CRTD %', 'X', ''),"
    " iif(s LIKE '% REL %' OR s LIKE '% TECO %' OR s LIKE '% CLSD %', 'X', ''), iif(s LIKE '% CNF %', 'X', ''),"
    " iif(s LIKE '% PCNF %', 'X', ''), iif(s LIKE '% DLV %', 'X', ''), iif(s LIKE '% PDLV %', 'X', ''),"
    " iif(s LIKE '% TECO %' OR s LIKE '% CLSD %', 'X', ''), iif(s LIKE '% CLSD %', 'X', ''), '', '',"
    " '2026-11-01T00:00:00Z', item, '0003', plant, '001', '0001', start, '08:30:00', finish, '16:00:00', unit, quantity, '0',"
    " '0', '0', bom, alternative, revision FROM (SELECT *, ' ' || status || ' ' AS s FROM factory.work_order);"
    "INSERT INTO A_ProductionOrderStatus_2Type SELECT ManufacturingOrder, code, 'false', name, text, 1 FROM"
    " A_ProductionOrder_2Type JOIN (SELECT 'I0001' AS code, 'CRTD' AS name, 'Created' AS text UNION VALUES"
    " ('I0002', 'REL', 'Released'), ('I0009', 'CNF', 'Confirmed'), ('I0010', 'PCNF', 'Partially confirmed'),"
    " ('I0012', 'DLV', 'Delivered'), ('I0013', 'PDLV', 'Partially delivered'), ('I0045', 'TECO', 'Technically completed'),"
    " ('I0046', 'CLSD', 'Closed')) WHERE CASE name WHEN 'CRTD' THEN OrderIsCreated WHEN 'REL' THEN OrderIsReleased"
    " WHEN 'CNF' THEN OrderIsConfirmed WHEN 'PCNF' THEN OrderIsPartiallyConfirmed WHEN 'DLV' THEN OrderIsDelivered"
    " WHEN 'PDLV' THEN OrderIsPartiallyDelivered WHEN 'TECO' THEN OrderIsTechnicallyCompleted ELSE OrderIsClosed END = 'X';"
    "INSERT INTO A_ProductionOrderComponent_2Type SELECT wo, line, c.item, plant, wo, operation, line, location, '', '261',"
    " c.unit, c.quantity, '0', 'false', 'false', 1 FROM factory.wo_component c JOIN factory.work_order USING(wo);"
    "INSERT INTO A_MaterialStockType SELECT DISTINCT item, unit, 1 FROM factory.stock;"
    "INSERT INTO A_MatlStkInAcctModType SELECT item, plant, location, lot, '', '', '', '', '', '', stock_type, unit,"
    " qty(sum(milli(quantity))), 1 FROM factory.stock GROUP BY item, plant, location, lot, stock_type;";

static void make(sqlite3 *db)
{
    for (struct odata_service *s = plant_erp_services; s->path; s++)
        odata_service_make(s, db);
}

static void take(struct plant_call *c)
{
    odata_take(c, plant_erp_services);
}

/* Refusals that come from outside a service's own code, in the words of the service that was meant. */
static void refuse(struct plant_call *c, const char *what)
{
    struct odata_service any = {.version = strstr(c->path, "/odata4/") ? 4 : 2, .name_space = "API"};
    struct odata_ctx x = {.c = c, .s = &any};
    if (strcmp(what, "lock") == 0) {
        odata_fail(&x, any.version == 2 ? 400 : 423, "M3/024", NULL, "Material data is locked by user MILLER");
    } else if (strcmp(what, "etag") == 0) {
        odata_fail(&x, 412, "/IWBEP/CM_MGW_RT/038", NULL, "Precondition failed: the entity was changed in the meantime");
    } else {
        plant_puts(&c->head, "WWW-Authenticate: Basic realm=\"SAP NetWeaver Application Server [PLT/100]\"\r\n");
        plant_call_answer(c, 401, "text/plain;charset=utf-8", "Logon failed");
    }
}

static const struct plant_route routes[] = {{"POST", "/oauth2/token", plant_token_take, true},
                                            {"*", "/sap/opu/", take, false},
                                            {"*", "/sap/bc/idoc_xml", erp_idoc_take, false},
                                            {0}};

static const struct plant_action actions[] = {{"release-orders", erp_release_orders, 1}, {0}};

const struct plant_kind plant_erp_kind = {.name = "erp", .schema = schema, .make = make, .seed = seed,
                                          .routes = routes, .refuse = refuse, .actions = actions,
                                          .event_source = "/default/sap.s4.beh/PLT100"};

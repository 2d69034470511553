# the canonical model; NAME/MAJOR is the file NAME.MAJOR.json (docs/model.md)
schemadir = $(pkgdatadir)/schemas
dist_schema_DATA = sdk/schemas/types.json sdk/schemas/features.json sdk/schemas/mfg.common.1.json \
  sdk/schemas/mfg.item.1.json sdk/schemas/mfg.bom.1.json sdk/schemas/mfg.routing.1.json \
  sdk/schemas/mfg.change.1.json sdk/schemas/mfg.work-order.1.json \
  sdk/schemas/mfg.production-report.1.json sdk/schemas/mfg.inventory-movement.1.json \
  sdk/schemas/mfg.stock-snapshot.1.json sdk/schemas/mfg.purchase-order.1.json \
  sdk/schemas/mfg.forecast.1.json sdk/schemas/mfg.commitment.1.json \
  sdk/schemas/mfg.ship-notice.1.json sdk/schemas/mfg.quality-event.1.json

# the simulated plant: plant (five systems) beside plant-erp (a plain sink that fails); not installed
noinst_PROGRAMS += tools/plant/plant
plant_kit = tools/plant/kit.c tools/plant/kit.h tools/plant/control.c tools/plant/credentials.c tools/plant/spoil.c tools/plant/spoil.h \
  tools/plant/mem.c tools/plant/mem.h tools/plant/db.c tools/plant/db.h tools/plant/http.c tools/plant/http.h \
  tools/plant/json.c tools/plant/json.h tools/plant/store.c tools/plant/store.h tools/plant/audit.c \
  tools/plant/audit.h tools/plant/outbox.c tools/plant/outbox.h tools/plant/scenario.c \
  tools/plant/scenario.h tools/plant/xml.c tools/plant/xml.h tools/plant/systems.h
plant_factory = tools/plant/factory.c tools/plant/factory.h tools/plant/factory_make.h \
  tools/plant/factory_bom.c tools/plant/factory_stock.c
plant_odata = tools/plant/odata.c tools/plant/odata.h tools/plant/odata_model.c tools/plant/odata_meta.c \
  tools/plant/odata_value.c tools/plant/odata_path.c tools/plant/odata_filter.c tools/plant/odata_read.c \
  tools/plant/odata_write.c tools/plant/odata_batch.c
plant_erp = tools/plant/erp_system.c tools/plant/erp_model.c tools/plant/erp_model.h tools/plant/erp_bom.c \
  tools/plant/erp_product.c tools/plant/erp_change.c \
  tools/plant/erp_post.c tools/plant/erp_order.c tools/plant/erp_idoc.c
# one part a system, so that each has its own
include tools/plant/plm.mk
include tools/plant/mes.mk
include tools/plant/wms.mk
include tools/plant/portal.mk
plant_systems = $(plant_kit) $(plant_factory) $(plant_odata) $(plant_erp) $(plant_plm) $(plant_mes) \
  $(plant_wms) $(plant_portal)
tools_plant_plant_SOURCES = tools/plant/plant.c $(plant_systems)
tools_plant_plant_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(XML_CFLAGS)
tools_plant_plant_LDADD = $(SQLITE_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS) $(XML_LIBS) -lpthread
EXTRA_DIST += tools/plant/README.md

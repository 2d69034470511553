# files of the plant's WMS
plant_wms = tools/plant/wms_system.c tools/plant/wms_epcis.c tools/plant/wms_stock.c tools/plant/wms_act.c \
  tools/plant/wms_xml.c tools/plant/wms_drop.c tools/plant/wms.h

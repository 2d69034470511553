# files of the plant's WMS
plant_wms =

# files of the plant's MES
plant_mes =

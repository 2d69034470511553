# files of the plant's PLM
plant_plm =

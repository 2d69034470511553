# files of the plant's PLM
plant_plm = tools/plant/plm_system.c tools/plant/plm_change.c tools/plant/plm_structure.c tools/plant/plm_act.c tools/plant/plm.h

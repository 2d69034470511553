# files of the plant's MES
plant_mes = tools/plant/mes.h tools/plant/mes_system.c tools/plant/mes_bill.c tools/plant/mes_order.c \
  tools/plant/mes_show.c tools/plant/mes_floor.c

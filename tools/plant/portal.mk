# files of the plant's supplier portal
plant_portal = tools/plant/portal_system.c tools/plant/portal_take.c tools/plant/portal_sign.c tools/plant/portal_x12.c \
  tools/plant/portal_act.c tools/plant/portal.h

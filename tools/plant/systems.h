/*
 * systems.h - the plant's systems
 *
 * Weak names: a system whose files are not in the build is simply not there.
 */
#ifndef PLANT_SYSTEMS_H
#define PLANT_SYSTEMS_H

#include "tools/plant/kit.h"

#define PLANT_WEAK __attribute__((weak))
extern const struct plant_kind plant_erp_kind PLANT_WEAK, plant_plm_kind PLANT_WEAK, plant_mes_kind PLANT_WEAK,
    plant_wms_kind PLANT_WEAK, plant_portal_kind PLANT_WEAK;

#define PLANT_SYSTEMS &plant_erp_kind, &plant_plm_kind, &plant_mes_kind, &plant_wms_kind, &plant_portal_kind

#endif

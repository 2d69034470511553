/*
 * systems.h - the plant's systems; a new one is added here, with its name in PLANT_SYSTEMS
 */
#ifndef PLANT_SYSTEMS_H
#define PLANT_SYSTEMS_H

#include "tools/plant/kit.h"

extern const struct plant_kind plant_erp_kind;

#define PLANT_SYSTEMS &plant_erp_kind

#endif

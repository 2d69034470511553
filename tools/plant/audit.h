/*
 * audit.h - compares what the systems hold
 *
 * Every system's database has two views. audit(kind, plant, key, value): comparable rows; kinds are
 * "revision" (key item), "bom" (key item/usage/alternative/position) and "stock" (key
 * item/location/lot/stock type/unit). audit_scope(kind, plant, like): what it claims to hold, so
 * that a system is not asked for what it does not keep; like is an SQL pattern on the key.
 */
#ifndef PLANT_AUDIT_H
#define PLANT_AUDIT_H

#include <stddef.h>

/* Prints what differs, a line each, and the sum; 0: nothing, 1: something, as an exit code. */
int plant_audit(const char *dir, const char *const *names, size_t n);

#endif

/*
 * tap.h - what the files of `busbar tap` share
 */
#ifndef BB_CLI_TAP_H
#define BB_CLI_TAP_H

#include "core/cli/cli.h"

/* The event with asterisks for what must not be shown: values of keys that sound secret, and at the
 * pointers of the list (comma-separated, may be NULL). 0, -1 damaged. */
int tap_mask(struct bb_bytes event, const char *pointers, struct bb_buf *out);
/* Whether every condition "POINTER=VALUE" holds on the event: a text as it is, else as JSON. */
bool tap_where(struct bb_bytes event, const char *const *conditions, size_t n);
/* NULL, or what is wrong with a condition or a list of pointers. */
const char *tap_condition_check(const char *condition);

#endif

/*
 * config_rig.h - what the tests of conf.d share
 *
 * Every test writes real files into a folder of its own. Expected diagnostics are written as
 * file:line:col: text, so a wrong column fails.
 */
#ifndef CONFIG_RIG_H
#define CONFIG_RIG_H

#include "core/config/internal.h"

#include <check.h>

extern char dir[64];           /* the test's folder */
extern struct bb_diags diags;  /* what was said */
extern struct bb_config *conf; /* what load() gave, freed after the test */

void write_file(const char *name, const char *text);
void load(void);
/* One file, 10.yaml, that has to load. */
void load_good(const char *text);
/* Compares all diagnostics with "name:line:col: text", in order; NULL ends the list. */
void expect(const char *const *want);
#define EXPECT(...) expect((const char *const[]){__VA_ARGS__, NULL})
/* Everything that the printers show, in one text; free() it. */
char *printed(void);
/* A msgpack value as JSON text; free() it. */
char *json_of(struct bb_bytes v);

/* One endpoint "erp" with these lines, indented by six, as its config; it has to load. */
void load_config(const char *config);
/* bb_config_check_endpoint() of it with a schema in JSON. */
int check_with(const char *json, struct bb_buf *out);

TCase *config_case(const char *name); /* empty, with the folder's fixture */
TCase *config_faults(void);
TCase *config_yaml(void);
TCase *config_values(void);
TCase *config_schema(void);
TCase *config_secrets(void);
TCase *config_check(void);

#endif

/*
 * schema.h - JSON Schema draft 2020-12 on canonical values, without a tree of them
 *
 * A schema is compiled once, with all that it refers to, into a program that is only read after
 * that: any number of threads may use it, each with a run of its own, which is that thread's
 * bounded memory. A value is walked by a bounds-checked cursor over its msgpack bytes. References
 * to other files are looked for in one local folder and nowhere else.
 *
 * Numbers are compared exactly (1 is 1.0 is 10e-1), lengths count code points, patterns are ECMA
 * 262's, run by PCRE2 under a limit. No schema and no value can make a check run for ever: nesting,
 * memory and work are bounded, and what goes past a bound is a fault, never "valid".
 *
 * Ownership: the caller frees schema, run and notes by their _free. Texts in errors belong to the
 * run until its next use.
 */
#ifndef BB_SCHEMA_H
#define BB_SCHEMA_H

#include <stdbool.h>
#include <stdio.h>
#include <busbar/message.h>

struct bb_schema; /* compiled */
struct bb_schema_run;

#define BB_SCHEMA_DRAFT "https://json-schema.org/draft/2020-12/schema"
#define BB_SCHEMA_TEXT_MAX (16u << 20) /* bytes of all documents of a program together */
#define BB_SCHEMA_NODES_MAX 100000     /* subschemas of a program */
#define BB_SCHEMA_NOTES_MAX 50         /* kept; the rest is counted */
#define BB_SCHEMA_ERRORS_MAX 20        /* the default of bb_schema_check() */

struct bb_schema_options { /* zero: as the specification says */
    const char *remotes;   /* folder that holds what is referred to: DIR/host/path or DIR/path */
    bool strict;  /* for our own schemas: unknown keyword, format or draft are errors, not notes */
    bool formats; /* "format" is an assertion; without it, an annotation */
    size_t nodes_max; /* 0: BB_SCHEMA_NODES_MAX */
};

/* What is wrong with a schema, and where. */
struct bb_schema_note {
    bool error; /* else a warning */
    char *file;
    unsigned line, col; /* from 1; col counts bytes */
    char *text;
};
struct bb_schema_notes {
    struct bb_schema_note *v;
    size_t n, more; /* kept, and not kept */
    size_t errors;  /* of all */
};
void bb_schema_notes_free(struct bb_schema_notes *notes);
/* "file:line:col: error: text" each. */
void bb_schema_notes_print(const struct bb_schema_notes *notes, FILE *out);

/* Compiles JSON text. file is its name in notes, and its base URI where it has no "$id"; notes must
 * be zero or in use already. NULL when there was an error; notes say it. */
struct bb_schema *bb_schema_compile(const char *file, struct bb_bytes json,
                                    const struct bb_schema_options *options,
                                    struct bb_schema_notes *notes);
/* The same from a file. */
struct bb_schema *bb_schema_load(const char *file, const struct bb_schema_options *options,
                                 struct bb_schema_notes *notes);
void bb_schema_free(struct bb_schema **schema_p);
size_t bb_schema_nodes(const struct bb_schema *schema); /* subschemas that were compiled */

/* A thread's memory: grows to at most max bytes (0: 16 MiB) and is used again. NULL: no memory. */
struct bb_schema_run *bb_schema_run_new(size_t max);
void bb_schema_run_free(struct bb_schema_run **run_p);
/* Steps that a check may take besides 256 for each byte of the value; 0: a million. */
void bb_schema_run_limit(struct bb_schema_run *run, uint64_t work);

/* 1 valid, 0 not, -1 a limit was reached or the bytes are no canonical value:
 * bb_schema_fault(run) says which. Stops at the first that does not hold. */
int bb_schema_valid(const struct bb_schema *schema, struct bb_bytes value,
                    struct bb_schema_run *run);

struct bb_schema_error {
    const char *pointer; /* RFC 6901, to the part of the value */
    const char *keyword; /* "maxLength"; "" for the schema false */
    const char *schema;  /* URI and pointer of the keyword */
    const char *value;   /* cut short; "(not shown)" where the schema says writeOnly or password */
    const char *rule;    /* "is 12 characters long: at most 10" */
};
/* The same, but gathers all that does not hold, max of them (0: BB_SCHEMA_ERRORS_MAX). */
int bb_schema_check(const struct bb_schema *schema, struct bb_bytes value,
                    struct bb_schema_run *run, size_t max);
/* The errors of the last check; *more counts those past max. */
const struct bb_schema_error *bb_schema_errors(const struct bb_schema_run *run, size_t *n,
                                               size_t *more);
const char *bb_schema_fault(const struct bb_schema_run *run);

#endif

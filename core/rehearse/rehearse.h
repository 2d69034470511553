/*
 * rehearse.h - route tests: cases from YAML, run by the real core, compared with what is expected
 *
 * A case runs on a journal of its own in a temporary folder, with the hub, the matching, the hosts and
 * the transforms as `busbar run` has them. Only the endpoints are played (play.c), and the clock stands
 * still but for jumps to the next event (core/hub/rehearse.c). So what passes here passes there, as
 * far as the endpoints answer as the case says.
 *
 * Thread: one, and one case at a time in a process: the clock is the process's. `busbar test` runs each case
 * in a process of its own.
 */
#ifndef BB_REHEARSE_H
#define BB_REHEARSE_H

#include "core/hub/generation.h"

/* ---- case.c: files of cases ---------------------------------------------------------------------- */
struct bb_case_input {
    const char *from;      /* endpoint; or NULL: the case's */
    const char *file;      /* events in a file; or NULL: */
    struct bb_bytes event; /* as a map of a CloudEvent's members */
    struct bb_where where;
};
struct bb_case_answer { /* what a played endpoint says to one call */
    bb_status status;
    bool silent; /* says nothing until its deadline */
    uint64_t after_ms, times; /* times UINT64_MAX: from then on always */
    const char *text, *code;
    struct bb_bytes reply;
};
struct bb_case_script {
    const char *endpoint;
    bool probe; /* answers to probes, else to deliveries */
    struct bb_case_answer *v;
    size_t n;
};
struct bb_case_mock { /* what an endpoint answers to a step's question */
    const char *endpoint, *op;
    struct bb_bytes with; /* members that the request's data must have; empty: any */
    bb_status status;
    uint64_t times; /* UINT64_MAX: always */
    const char *text;
    struct bb_bytes reply;
    struct bb_where where;
};
struct bb_case {
    const char *name, *file; /* file: as it was named */
    const char *route;       /* only this one runs; NULL: all of them */
    const char *from;        /* NULL: the route's */
    uint64_t clock_ms, until_ms; /* until: on the same axis */
    struct bb_case_input *inputs;
    struct bb_case_script *scripts;
    struct bb_case_mock *mocks;
    size_t n_inputs, n_scripts, n_mocks;
    struct bb_bytes expect; /* a list of maps; empty: none is given */
    struct bb_where where, expect_where;
};
struct bb_cases {
    struct bb_case *v;
    size_t n;
    struct bb_extras *files; /* the memory behind it */
    void *memory;
};
/* Adds the cases of a file. 0, or -1 with every mistake in d. c: their routes and endpoints must be
 * there. Start with all zero. */
int bb_cases_load(struct bb_cases *cases, const char *file, const struct bb_config *c, struct bb_diags *d);
void bb_cases_free(struct bb_cases *cases);

/* ---- coverage.c: which routes, steps and rules ran ------------------------------------------------- */
struct bb_coverage;
struct bb_coverage_item {
    const char *route;
    uint32_t step;       /* from 1; 0: the route itself */
    const char *rule;    /* "3.1"; NULL: the step itself */
    const char *name;    /* "map", "rename" */
    uint64_t ran;        /* messages */
};
/* Everything that g's routes could run. */
struct bb_coverage *bb_coverage_new(const struct bb_generation *g);
void bb_coverage_free(struct bb_coverage **cp);
size_t bb_coverage_items(const struct bb_coverage *c, const struct bb_coverage_item **v);

/* ---- run.c --------------------------------------------------------------------------------------- */
/* Runs a case. 0 and result (initialised by the caller): a list of what became of each message on each
 * route, maps as a case expects them:
 *   message  1 for the first one of the input; what steps made of messages comes behind the last one
 *   route    absent when it matched none
 *   state    delivered, skipped, quarantined, held, retrying .., or refused, duplicate
 *   error    the last failure's text, absent when there was none
 *   history  states before the last one, absent when it has none
 *   sends, probes  calls that the endpoint got
 *   sent     the event that it got last, absent when it got none
 * -1 with err: it could not be run. */
int bb_rehearse(const struct bb_generation *g, const struct bb_case *c, struct bb_coverage *cov,
                struct bb_buf *result, struct bb_fault *err);

/* apart.c: the same in a process of its own, whose death is an error like others. The caller's process must
 * have no other thread; SIGINT, SIGTERM and SIGHUP end it meanwhile, with nothing left behind. */
int bb_rehearse_apart(const struct bb_generation *g, const struct bb_case *c, struct bb_coverage *cov,
                      struct bb_buf *result, struct bb_fault *err);

/* ---- input.c ------------------------------------------------------------------------------------- */
/* Calls fn for each message in the bytes: JSON events one after the other, or canonical messages. 0,
 * fn's answer when it is not 0, or -1 with err (offset: where). */
int bb_input_each(struct bb_bytes in, int (*fn)(void *arg, size_t offset, struct bb_bytes whole,
                                                struct bb_fault *err),
                  void *arg, struct bb_fault *err);

/* ---- compare.c ----------------------------------------------------------------------------------- */
/* Calls fn for each difference; either value may be empty (not there). Returns how many. */
typedef void bb_difference_fn(void *arg, size_t delivery, const char *what, struct bb_bytes expected,
                              struct bb_bytes got);
size_t bb_results_compare(struct bb_bytes expect, struct bb_bytes result, bb_difference_fn *fn, void *arg);
/* What a case would have to expect: of each result what the old expectation of the same place names,
 * or state, error and the message. */
void bb_results_expect(struct bb_bytes expect, struct bb_bytes result, struct bb_buf *out);

#endif

/*
 * internal.h - what the files of core/rehearse share
 */
#ifndef BB_REHEARSE_INTERNAL_H
#define BB_REHEARSE_INTERNAL_H

#include <busbar/json.h>
#include "core/admin/report.h"
#include "core/hub/hub.h"
#include "core/rehearse/rehearse.h"
#include "core/transform/transform.h"

/* ---- read.c: msgpack values, and what is wrong with them at their place ------------------------------ */
struct bb_case_reader {
    struct bb_extras *files;
    const char *file;
    struct bb_diags *d;
    char what[96]; /* 'test "name"' or "" */
    struct bb_memory *memory; /* one list of blocks; freed with the cases */
    bool failed;
};
struct bb_memory {
    struct bb_memory *next;
    max_align_t bytes[];
};
void *bb_case_get(struct bb_case_reader *x, size_t n); /* zeroed; without memory the process ends */
const char *bb_case_text(struct bb_case_reader *x, struct bb_bytes text);
void bb_case_say(struct bb_case_reader *x, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct bb_case_key {
    const char *name;
    unsigned kinds; /* bits: 1 << BB_T_* */
    bool needed;
};
/* Whether v is a map of such keys; every other one is said. */
bool bb_case_keys(struct bb_case_reader *x, struct bb_bytes v, const char *pointer,
                  const struct bb_case_key *keys, size_t n);
unsigned bb_kind_of_value(struct bb_bytes v); /* BB_T_* */
struct bb_bytes bb_member(struct bb_bytes map, const char *key); /* empty: not there */
const char *bb_case_member(struct bb_case_reader *x, struct bb_bytes map, const char *key); /* text or NULL */
int64_t bb_member_int(struct bb_bytes map, const char *key, int64_t otherwise);
/* An array, or one value that stands for an array of one. */
struct bb_items {
    struct bb_cur cur;
    uint32_t left;
    struct bb_bytes one;
};
struct bb_items bb_items_of(struct bb_bytes v);
bool bb_items_next(struct bb_items *w, struct bb_bytes *item);
/* The members of a map. */
struct bb_items bb_pairs_of(struct bb_bytes v);
bool bb_pairs_next(struct bb_items *w, struct bb_bytes *key, struct bb_bytes *value);

/* Whether the endpoint is one of the configuration's; else it is said. */
void bb_case_endpoint_check(struct bb_case_reader *x, const char *at, const struct bb_config *c, const char *name);
bool bb_values_same(struct bb_bytes a, struct bb_bytes b); /* compare.c */

/* ---- mock.c: answers to a step's questions ------------------------------------------------------------ */
void bb_mocks_read(struct bb_case_reader *x, struct bb_bytes v, const char *at, const struct bb_config *c,
                   struct bb_case *k);
/* used: one count a mock. What no mock answers is refused, and told in unanswered if that is empty. */
bb_status bb_mock_answer(const struct bb_case *c, uint64_t *used, const struct bb_question *q, struct bb_buf *answer,
                         struct bb_fault *err, char *unanswered, size_t cap);
const struct bb_case_mock *bb_mock_unused(const struct bb_case *c, const uint64_t *used); /* or NULL */

/* ---- play.c: the connector that stands for all endpoints ---------------------------------------------- */
struct bb_play_call { /* to an endpoint */
    uint64_t seq;
    uint32_t route;      /* the journal's number */
    bool probe;
    struct bb_buf whole; /* what it got */
};
struct bb_play {
    struct bb_rehearsal rehearsal; /* for the hub */
    const struct bb_case *c;
    const struct bb_generation *g;
    struct bb_play_state *state;
};
int bb_play_begin(struct bb_play *p, const struct bb_generation *g, const struct bb_case *c,
                  struct bb_coverage *cov);
void bb_play_end(struct bb_play *p);
/* What was called, in order; NULL text: all that was asked had an answer in the case. After the hub rests. */
size_t bb_play_calls(const struct bb_play *p, const struct bb_play_call **v, const char **unanswered);

/* ---- stage.c: the core that a case runs on ------------------------------------------------------------ */
struct bb_stage {
    char dir[64], run[80];
    struct bb_generation g; /* what of the configuration takes part */
    struct bb_config config;
    struct bb_journal *journal;
    struct bb_hub *hub;
};
int bb_stage_open(struct bb_stage *s, const struct bb_generation *g, const struct bb_case *c,
                  const struct bb_rehearsal *rehearsal, struct bb_fault *err);
void bb_stage_close(struct bb_stage *s);
void bb_stage_wipe(pid_t pid); /* what is left of a stage of a process that ended */

/* ---- coverage.c, for play.c ---------------------------------------------------------------------------- */
void bb_coverage_ran(struct bb_coverage *c, const char *route, uint32_t step, const char *rule);
void bb_coverage_set(struct bb_coverage *c, size_t item, uint64_t ran); /* for apart.c */

#endif

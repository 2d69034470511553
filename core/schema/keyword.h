/*
 * keyword.h - what the files of the keywords share: readers, and what they read with
 *
 * A reader checks the value of the keyword in hand, says what is wrong at its place, and puts the
 * rest into the draft of the node. What the program keeps is copied into its arena.
 * Thread: the compilation's.
 */
#ifndef BB_SCHEMA_KEYWORD_H
#define BB_SCHEMA_KEYWORD_H

#include "core/schema/internal.h"

/* ---- keyword_core.c: what all read with --------------------------------------------------------- */
static inline struct bb_sarena *bb_skeyword_arena(struct bb_draft *d)
{
    return &d->b->s->arena;
}
struct bb_bytes bb_skeyword_keep(struct bb_draft *d, struct bb_bytes v); /* a copy in the arena */
/* An error: "KEYWORD" takes TAKES. */
void bb_skeyword_wrong(struct bb_draft *d, const char *takes);
/* The subschema that is a keyword's value, or a part of it. */
struct bb_snode *bb_skeyword_child(struct bb_draft *d, struct bb_bytes v, struct bb_bytes *part,
                                   bool same);
/* Steps into a list or map of v; -1 when it is the other, said. */
int bb_skeyword_enter(struct bb_draft *d, struct bb_bytes v, uint32_t kind, struct bb_cur *c,
                      uint32_t *n, const char *takes);
/* The subschemas of a list. */
const struct bb_snode **bb_skeyword_children(struct bb_draft *d, struct bb_bytes v, uint32_t *n,
                                             bool same);
/* keyword_value.c: a regular expression, compiled; at: where an error is said. NULL: said. */
const struct bb_spattern *bb_skeyword_pattern(struct bb_draft *d, struct bb_bytes text,
                                              const uint8_t *at);

/* ---- the readers -------------------------------------------------------------------------------- */
/* keyword_core.c */
void bb_skeyword_read_text(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_bool(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_list(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_anchor(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_ref(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_defs(struct bb_draft *d, struct bb_bytes v);
/* keyword_apply.c */
void bb_skeyword_read_logic(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_array(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_object(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_properties(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_patterns(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_depends(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_required(struct bb_draft *d, struct bb_bytes v);
/* keyword_value.c */
void bb_skeyword_read_count(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_number(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_unique(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_type(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_enum(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_const(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_pattern(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_format(struct bb_draft *d, struct bb_bytes v);
void bb_skeyword_read_write_only(struct bb_draft *d, struct bb_bytes v);

#endif

/*
 * transform.h - a route's steps, compiled once, applied to msgpack bytes next to the sink
 *
 * Thread: a compiled transform is immutable; bb_transform_apply() may run on any thread with its
 * own buffer. Steps of today: map. A step yields 0 or 1 message.
 */
#ifndef BB_TRANSFORM_H
#define BB_TRANSFORM_H

#include <busbar/message.h>

struct bb_transform;

/* steps: msgpack array of one-key maps [{"map": [...]}, ...] or empty (then NULL with err->text "").
 * On a mistake: NULL, err->text says it and pointer (a JSON pointer into steps, at most cap bytes)
 * says where, so that `busbar check` can show the line. */
struct bb_transform *bb_transform_compile(struct bb_bytes steps, char *pointer, size_t cap,
                                          struct bb_fault *err);
void bb_transform_free(struct bb_transform **tp);
/* BB_OK: out holds the new whole message. BB_E_CANCEL: the route skips it (err says why).
 * BB_E_REJECT: a step failed; err->text is `step 2 (map) rule 3 (rename): no value at /data/qty`. */
bb_status bb_transform_apply(const struct bb_transform *t, struct bb_bytes whole, struct bb_buf *out,
                             struct bb_fault *err);

#endif

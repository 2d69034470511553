/*
 * drop.h - movements as files: one CSV file each way, with control totals and a checksum
 *
 * A file has a header row, rows, and as its last line `#END,ROWS,SUM,SHA256`: how many rows, the sum of their
 * quantities, and the SHA-256 of all bytes before that line. It appears under its name whole, by rename.
 */
#ifndef BB_PLUGIN_WMS_DROP_H
#define BB_PLUGIN_WMS_DROP_H

#include "wms.h"

/* ---- drop_row.c ------------------------------------------------------------------------------------------------ */
/* The rows of a movement and the trailer: a whole file. OK, REJECT with err. */
bb_status drop_file_put(const struct wms_conf *c, const struct bb_msg_view *v, struct bb_buf *out, struct bb_error *err);
/* The messages of a file, one after the other in `messages`, their ends in `ends` (size_t each). 0, or -1 with a
 * text that says the line. */
int drop_file_read(const struct wms_conf *c, const char *name, struct bb_bytes text, struct bb_buf *messages,
                   struct bb_buf *ends, char why[240]);

/* ---- drop_out.c -------------------------------------------------------------------------------------------------- */
bb_status drop_deliver(bb_inst *i, const struct bb_msg_view *v, struct bb_error *err);
bb_status drop_probe(bb_inst *i, const struct bb_msg_view *v, struct bb_error *err);
/* 1 there is a regular file of that name in folder/sub, 0. */
int drop_there(const char *folder, const char *sub, const char *name);

/* ---- drop_in.c --------------------------------------------------------------------------------------------------- */
/* *out stays NULL where the config has no files.in, or this instance is no source. */
bb_status drop_new(bb_inst *i, struct bb_bytes conf, struct drop **out, struct bb_error *err);
void drop_free(struct drop **dp);
uint32_t drop_before(struct drop *d, uint32_t timeout_ms);
void drop_after(struct drop *d);
int drop_acked(struct drop *d, uint64_t cookie, bb_status s, const struct bb_receipt *r); /* 1 it was ours */
void drop_resume(struct drop *d);
void drop_stop(struct drop *d);
bb_status drop_health(const struct drop *d, struct bb_error *why);

#endif

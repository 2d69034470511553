/*
 * record.h - what lies in the store: tables, keys, records, checksums
 *
 * Integers in keys are big-endian unless the table is MDB_INTEGERKEY (the machine's own u64);
 * values are packed little-endian structs, so the store is for little-endian machines only.
 * LMDB aligns values to two bytes: read them with memcpy or the functions here, never through a
 * pointer to a struct.
 *
 *   meta   text -> "format" u32, "id" 16 bytes, "key" 16 bytes, "seq" "eseq" u64 next, "route"
 *          "name" u32 next, "counters" struct bb_rec_counters
 *   msg    INTEGERKEY seq -> struct bb_rec_msg, n_matches * struct bb_match, whole
 *          a message that no route matched, or a conflict, has the one match {BB_ROUTE_UNMATCHED, 0}
 *   feed   route u32, first ordinal u64 -> n * struct bb_rec_feed, n <= BB_FEED_CHUNK
 *   row    route u32, lane u64, seq u64 -> struct bb_row
 *   due    route u32, due_ms u64, lane u64, seq u64 -> "" (see bb_row_due)
 *   open   route u32, seq u64 -> lane u64: the HELD and QUARANTINED rows
 *   body   route u32, seq u64 -> bytes
 *   event  INTEGERKEY eseq -> struct bb_rec_event, then by kind
 *            ranges  n * {u64 first, u64 count}, ascending, all became "to"
 *            detail  {u64 seq} msgpack map
 *            note    msgpack map
 *   hist   route u32, seq u64, eseq u64 -> "": the detailed events of a delivery
 *   route  id u32 -> struct bb_rec_route, name, window words (bit of ordinal o: o % BB_WINDOW;
 *          words past the last one that is not zero are left out)
 *   state  key text -> u64 version, value
 *            "join/" route: {u64 next, u64 end}, while it takes what was stored (join.c)
 *   name   id u32 -> text
 *   claim  INTEGERKEY first seq in it -> {u64 accept_ms} n * struct bb_rec_claim
 *
 * Thread: any; nothing here keeps state.
 */
#ifndef BB_JOURNAL_RECORD_H
#define BB_JOURNAL_RECORD_H

#include <string.h>
#include <lmdb.h>
#include "core/journal/journal.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the journal's format is for little-endian machines"
#endif

#define BB_FORMAT 2u
#define BB_WHOLE_MAX (256u << 20) /* bytes of a message; LMDB holds dirty pages in memory */
#define BB_MATCHES_MAX 4096u      /* routes of one message */
#define BB_FEED_CHUNK 4096u
#define BB_WINDOW_WORDS (BB_WINDOW / 64)

enum bb_table {
    BB_TAB_META, BB_TAB_MSG, BB_TAB_FEED, BB_TAB_ROW, BB_TAB_DUE, BB_TAB_OPEN, BB_TAB_BODY,
    BB_TAB_EVENT, BB_TAB_HIST, BB_TAB_ROUTE, BB_TAB_STATE, BB_TAB_NAME, BB_TAB_CLAIM, BB_TABS
};
struct bb_table_def { const char *name; unsigned flags; };
extern const struct bb_table_def bb_tables[BB_TABS];

struct bb_rec_counters { uint64_t accepted, duplicates, conflicts; };

#define BB_REC_CONFLICT 1u
struct bb_rec_msg {
    uint32_t crc; /* CRC-32C of everything after it */
    uint32_t len; /* of whole */
    uint64_t accept_ms;
    uint32_t endpoint;
    uint16_t n_matches, flags; /* BB_REC_* */
    uint8_t claim[16];
    uint64_t seq; /* again, so that a lone page can be trusted */
};
struct bb_rec_feed { uint64_t seq, lane; };

enum bb_event_kind { BB_EV_RANGES = 1, BB_EV_DETAIL = 2, BB_EV_NOTE = 3 };
struct bb_rec_event {
    uint32_t crc; /* CRC-32C of everything after it */
    uint8_t kind, to; /* enum bb_event_kind, enum bb_dstate */
    uint16_t reserved;
    uint32_t route, reserved2;
    uint64_t time_ms;
};
struct bb_rec_range { uint64_t first, count; };

#define BB_REC_REMOVED 1u
struct bb_rec_route {
    uint32_t flags, reserved;
    uint64_t frontier, mark, tail;
    uint64_t frontier_seq; /* seq of the delivery at the frontier, when frontier < tail */
    uint64_t counts[BB_D_STATES];
    uint16_t name_len, reserved2;
    uint32_t window_words;
};
struct bb_rec_claim { uint64_t seq; uint8_t fingerprint[16]; };

_Static_assert(sizeof(struct bb_rec_msg) == 48 && sizeof(struct bb_match) == 16 &&
                   sizeof(struct bb_rec_event) == 24 && sizeof(struct bb_row) == 32 &&
                   sizeof(struct bb_rec_route) == 128 && sizeof(struct bb_rec_claim) == 24,
               "records have no padding");

/* ---- keys: a buffer on the caller's stack ---------------------------------------------------- */
struct bb_key { uint8_t b[32]; size_t n; };
static inline void bb_be32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}
static inline void bb_be64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}
static inline uint32_t bb_rd32(const void *p) /* big-endian */
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
static inline uint64_t bb_rd64(const void *p) /* big-endian */
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}
static inline uint64_t bb_le64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
/* route, then n numbers: feed 1, row 2 (lane, seq), due 3, open, body 1, hist 2; route, name 0 */
static inline MDB_val bb_key_of(struct bb_key *k, uint32_t route, int n, uint64_t a, uint64_t b,
                                uint64_t c)
{
    bb_be32(k->b, route);
    bb_be64(k->b + 4, a);
    bb_be64(k->b + 12, b);
    bb_be64(k->b + 20, c);
    k->n = 4 + 8 * (size_t)n;
    return (MDB_val){k->n, k->b};
}
static inline bool bb_key_in(const MDB_val *key, uint32_t route, size_t len)
{
    return key->mv_size == len && bb_rd32(key->mv_data) == route;
}

/* The due_ms under which a row stands in "due": 1 it does, 0 it has no entry.
 * INFLIGHT: 0, so that recovery finds them; SPILLED only once it is woken (due_ms not 0). */
int bb_row_due(const struct bb_row *row, uint64_t *due_ms);

/* ---- reading records; what is damaged gives -1 ------------------------------------------------ */
/* Checks lengths, seq and CRC. out->matches points into the value and may be unaligned: copy them
 * with memcpy. -1: damaged (out->bad set, whole empty, what could be read is filled). */
int bb_record_read(const MDB_val *v, uint64_t seq, struct bb_record *out);
/* The head and lengths only, no CRC. */
int bb_record_head(const MDB_val *v, struct bb_rec_msg *out);
/* The head; *rest is what follows. Checks length and CRC. */
int bb_rec_event_read(const MDB_val *v, struct bb_rec_event *out, struct bb_bytes *rest);
/* *name and *words (unaligned, n in rec) point into the value. */
int bb_route_read(const MDB_val *v, struct bb_rec_route *out, struct bb_bytes *name,
                  const uint8_t **words);
/* tail - open - terminal. */
uint64_t bb_route_pending(uint64_t tail, const uint64_t counts[BB_D_STATES]);

/* ---- sums -------------------------------------------------------------------------------------- */
uint32_t bb_crc32c(uint32_t crc, const void *p, size_t n); /* start with 0 */
struct bb_sip { uint64_t v[4], tail; size_t len; };
void bb_sip_init(struct bb_sip *s, const uint8_t key[16]);
void bb_sip_put(struct bb_sip *s, const void *p, size_t n);
void bb_sip_end(struct bb_sip *s, uint8_t out[16]); /* SipHash-2-4, 128 bits */

/* ---- the store: one LMDB environment ------------------------------------------------------------ */
struct bb_store {
    MDB_env *env;
    MDB_dbi dbi[BB_TABS];
    uint8_t id[16], key[16];
};
/* Opens <dir>. wal NULL: read only, as it is (another process may have it open). Else for writing:
 * creates what is missing, and does the log's records again where a crash left them. map_size 0: as
 * the file says. A newer format is refused. 0 or -1. */
struct bb_wal;
int bb_store_open(struct bb_store *s, const char *dir, uint64_t map_size, struct bb_wal *wal,
                  struct bb_fault *err);
void bb_store_close(struct bb_store *s);
/* Pages that transactions before this one freed, from a transaction of either kind. */
int bb_store_free_pages(MDB_txn *txn, uint64_t before, uint64_t *pages);

#endif

/*
 * wal.h - the journal's redo log: what makes a commit durable with one sync
 *
 * LMDB alone pays two syncs a commit, of pages all over its file. So what is committed is written, as
 * the list of what it puts and deletes, to a log of blocks that are already there (zeros at first),
 * and one fdatasync of that makes it durable; LMDB follows later, without a sync (txn.c).
 *
 *   wal.0, wal.1   a head, then records; generation g lives in log.(g & 1). A head names the LMDB
 *                  transaction that its generation begins behind, with a copy of both meta pages
 *   checkpoint     the data file is synced, then the next generation's head is written
 *   pin            a read transaction at the last checkpoint: LMDB never writes over a page that
 *                  it can see, so the checkpoint's whole tree stays as it was synced
 *   recovery       always the same, after kill -9 as after a power cut: the meta pages of the newest
 *                  head go back, then the records of its generation, and of the next one, are done
 *                  again. A head marked CLEAN says that LMDB stands for itself
 *
 * Off: LMDB syncs by itself, as on a full disk, where the pages that the pin holds are needed.
 * A head is always written into the file in which the newest head is not, and twice there, the second
 * time when the first is on disk: a crash leaves one that holds, so that none is damage.
 * Thread: the writer's, or the opener's before it runs, but for checkpoint.c's one.
 */
#ifndef BB_JOURNAL_WAL_H
#define BB_JOURNAL_WAL_H

#include <pthread.h>
#include <stdatomic.h>
#include "core/journal/record.h"

struct bb_vec { uint8_t *p; size_t len, cap; }; /* bytes */
int bb_vec_room(struct bb_vec *v, size_t n); /* for n more: 0 or ENOMEM */
int bb_vec_put(struct bb_vec *v, const void *p, size_t n); /* 0 or ENOMEM */

#define BB_WAL_LEAST (32u << 10)
#define BB_WAL_MIN (1u << 20) /* of its own choice */
#define BB_WAL_MAX (32u << 20)
#define BB_WAL_CLEAN 1u
#define BB_WAL_HEAD 0x48424c42u /* "BLBH" */
#define BB_WAL_REC 0x52424c42u  /* "BLBR" */
#define BB_WAL_BLOCK 4096u      /* records begin at multiples: no write touches an older record's block */

struct bb_wal_head { /* the metas follow; padded to a whole block */
    uint32_t magic, crc; /* CRC-32C of everything after it, with the metas */
    uint32_t flags, psize; /* BB_LOG_*; a page of LMDB, in bytes */
    uint64_t gen, next;    /* number of the first record behind it */
    uint64_t txn;          /* LMDB's, whose metas these are */
    uint8_t id[16];        /* the journal's */
};
struct bb_wal_rec { /* then len bytes, padded to a whole block */
    uint32_t magic, crc; /* CRC-32C of everything after it */
    uint64_t gen, number, len;
};
/* In a record, one after the other: this, the key, the value. */
struct bb_wal_change { uint8_t table, del; uint16_t key; uint32_t value; };

struct bb_wal {
    char dir[512];
    int fd[2];
    bool made[2];      /* has not its name yet */
    uint64_t size;     /* of each file; 0: there are none, the log stays off */
    bool on;
    bool crashed;      /* found at opening: the records must be done again */
    uint8_t id[16];    /* the journal's; when crashed, until the store is open, the one in the newest head */
    uint8_t *before;   /* the meta pages that its own replaced, until the store is known to be that one */
    size_t before_len;
    uint64_t start;    /* of the records in a file */
    uint64_t gen, at;  /* being written; where its next record goes */
    uint64_t number;   /* of the next record */
    unsigned commits;  /* LMDB's, since the generation began */
    uint64_t last_page; /* LMDB's when it began */
    size_t unwritten;  /* bytes of records since the last nudge */
    struct bb_vec rec; /* the open transaction's record, its head included */
    size_t body_len;   /* of the last record written, which lies in rec behind its head */
    MDB_txn *pin, *pin_next; /* at the last checkpoint; at the one being made */
    struct { /* the thread that makes checkpoints while the writer goes on */
        pthread_mutex_t lock;
        pthread_cond_t wake, done;
        pthread_t thread;
        bool running, stop, busy, nudged;
        int rc;         /* of the last */
        uint8_t *head;  /* to be written, head_len bytes */
        size_t head_len;
        unsigned file;  /* ... into */
        int data_fd;
        off_t data_end; /* of the data file when the generation began */
        off_t dropped;  /* what lies before has been taken out of the page cache */
        int fd[2];      /* the files once more: a sync's error is told once an open file */
    } ck;
};

/* ---- wal.c: files, heads, records ---------------------------------------------------------------- */
void bb_wal_init(struct bb_wal *l, const char *dir);
void bb_wal_free(struct bb_wal *l); /* closes the files */
/* Opens what files there are and puts the newest head's meta pages back, before LMDB opens the
 * store (without sync, if l->crashed). The folder's lock is held. 0, or -1 with err filled. */
int bb_wal_restore(struct bb_wal *l, struct bb_fault *err);
/* If the store could not be opened, perhaps because the log is another's: its meta pages as they were before
 * bb_wal_restore(), unless its records have been done already. */
void bb_wal_unrestore(struct bb_wal *l);
/* Does the records again; l->pin must hold the store as it was opened. 0, or an errno or LMDB's code. */
int bb_wal_replay(struct bb_wal *l, struct bb_store *s);
/* Files of this size, of blocks that are there; smaller ones where the disk has no room for them;
 * none at all leaves the log off. */
void bb_wal_make(struct bb_wal *l, uint64_t size);
/* The record of the open transaction to disk, for which there is room: 0, an errno of the write, or
 * -errno of the sync, after which nobody knows what is on disk. */
int bb_wal_write(struct bb_wal *l);
/* Calls fn for each message that a whole record puts, of whatever generation. */
int bb_wal_messages(const char *dir, int (*fn)(void *, const uint8_t *rec, size_t n), void *arg);

bool bb_wal_removed(const struct bb_wal *l); /* one of the files has no name any more */
void bb_wal_unlink(struct bb_wal *l);        /* both, as far as they have one */
int bb_wal_put(int fd, const void *p, size_t n, uint64_t at); /* 0 or errno */
uint64_t bb_wal_start(uint32_t psize); /* where records begin: behind two heads */
/* A head as it is on disk, to be freed; metas NULL: none. */
uint8_t *bb_wal_head_new(const struct bb_wal_head *h, const uint8_t *metas, size_t *len);
int bb_wal_head_put(int fd, const uint8_t *head, size_t len); /* on disk: 0 or errno */
/* Both meta pages, the newer being txn's. */
int bb_wal_metas(int data_fd, uint32_t psize, uint64_t txn, uint8_t *metas);
static inline size_t bb_wal_pad(size_t n)
{
    return (n + BB_WAL_BLOCK - 1) / BB_WAL_BLOCK * BB_WAL_BLOCK;
}

/* ---- checkpoint.c: 0, or an errno or LMDB's code after which the journal has failed ---------------- */
int bb_wal_thread_start(struct bb_wal *l);
void bb_wal_thread_stop(struct bb_wal *l);
int bb_wal_on(struct bb_wal *l, struct bb_store *s);
int bb_wal_off(struct bb_wal *l, struct bb_store *s); /* LMDB stands for itself from here on */
/* Is there room for the open transaction's record? 0, BB_RC_TURN, BB_RC_TOO_BIG. */
int bb_wal_room(const struct bb_wal *l);
/* Begins the next generation: all that was logged is LMDB's. Waits for the checkpoint before. */
int bb_wal_turn(struct bb_wal *l, struct bb_store *s);
/* LMDB has committed n bytes of records more: their pages begin to be written. Else the checkpoint's
 * sync would have them all to write at once, and the log's syncs would wait behind it. */
void bb_wal_nudge(struct bb_wal *l, size_t n);
/* After LMDB's commit: lets the old pin go once a checkpoint is made, has one made when it is time. */
int bb_wal_tend(struct bb_wal *l, struct bb_store *s);
/* What transactions before this one freed may be used. */
uint64_t bb_wal_pinned(const struct bb_wal *l);
void bb_wal_unpin(struct bb_wal *l); /* at the end, without a checkpoint */

/* ---- redo.c: changes of the open transaction ------------------------------------------------------ */
void bb_redo_begin(struct bb_wal *l);
/* Room for the value of a put, to be filled before the next call. NULL: no memory. */
uint8_t *bb_redo_put(struct bb_wal *l, enum bb_table t, MDB_val k, size_t n);
int bb_redo_del(struct bb_wal *l, enum bb_table t, MDB_val k); /* 0 or ENOMEM */
/* A record's changes, done in txn. 0, LMDB's code, or EBADMSG. */
int bb_redo_apply(const uint8_t *p, size_t n, const struct bb_store *s, MDB_txn *txn);

#endif

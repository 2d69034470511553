/*
 * events.c - what became of deliveries, appended to the event stream
 *
 * Plain ends of a commit go in as ranges, everything else whole. Thread: the writer.
 */
#include <errno.h>
#include <stdlib.h>
#include "core/journal/internal.h"

#define RANGES_MAX 4096u

/* One record: head, up to two parts. */
static int append(struct bb_journal *j, struct bb_rec_event *h, const void *a, size_t na,
                  const void *b, size_t nb)
{
    uint64_t eseq = j->m.next_eseq;
    MDB_val k = {8, &eseq};
    uint8_t *p = bb_new(j, BB_TAB_EVENT, k, sizeof *h + na + nb);
    if (!p)
        return ENOMEM;
    h->time_ms = j->now_ms;
    memcpy(p, h, sizeof *h);
    if (na)
        memcpy(p + sizeof *h, a, na);
    if (nb)
        memcpy(p + sizeof *h + na, b, nb);
    h->crc = bb_crc32c(0, p + 4, sizeof *h - 4 + na + nb);
    memcpy(p, &h->crc, 4);
    j->m.next_eseq++;
    return bb_new_put(j, BB_TAB_EVENT, k, p, sizeof *h + na + nb);
}

int bb_event_detail(struct bb_journal *j, uint32_t route, uint64_t seq, enum bb_dstate to,
                    struct bb_bytes map)
{
    struct bb_rec_event h = {.kind = BB_EV_DETAIL, .to = (uint8_t)to, .route = route};
    uint64_t eseq = j->m.next_eseq;
    struct bb_key kb;
    int rc;
    if (!map.len)
        map = (struct bb_bytes){"\x80", 1};
    rc = append(j, &h, &seq, 8, map.ptr, map.len);
    return rc ? rc : bb_put(j, BB_TAB_HIST, bb_key_of(&kb, route, 2, seq, eseq, 0), "", 0);
}

int bb_event_note(struct bb_journal *j, struct bb_bytes map)
{
    struct bb_rec_event h = {.kind = BB_EV_NOTE};
    return append(j, &h, map.ptr, map.len, NULL, 0);
}

static int by_seq(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int bb_event_ranges(struct bb_journal *j, uint32_t route, enum bb_dstate to, uint64_t *seqs, size_t n)
{
    struct bb_rec_event h = {.kind = BB_EV_RANGES, .to = (uint8_t)to, .route = route};
    size_t sorted = 1;
    int rc = 0;
    while (sorted < n && seqs[sorted - 1] < seqs[sorted])
        sorted++;
    if (sorted < n)
        qsort(seqs, n, sizeof *seqs, by_seq);
    for (size_t i = 0; i < n && !rc;) {
        j->scratch.len = 0;
        while (i < n && j->scratch.len < RANGES_MAX * sizeof(struct bb_rec_range) && !rc) {
            struct bb_rec_range g = {seqs[i], 1};
            for (i++; i < n && seqs[i] == g.first + g.count; i++)
                g.count++;
            rc = bb_vec_put(&j->scratch, &g, sizeof g);
        }
        if (!rc)
            rc = append(j, &h, j->scratch.p, j->scratch.len, NULL, 0);
    }
    return rc;
}

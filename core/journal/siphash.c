/*
 * siphash.c - SipHash-2-4 with 128 bits of output, fed in pieces
 *
 * After the paper by Aumasson and Bernstein. Keyed, so that nobody outside can make two
 * ids meet in the table of claims. Thread: any.
 */
#include "core/journal/record.h"

#define ROTL(x, n) (((x) << (n)) | ((x) >> (64 - (n))))

static void rounds(uint64_t v[4], int n)
{
    while (n--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = ROTL(v[1], 13) ^ v[0];
        v[3] = ROTL(v[3], 16) ^ v[2];
        v[0] = ROTL(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = ROTL(v[1], 17) ^ v[2];
        v[3] = ROTL(v[3], 21) ^ v[0];
        v[2] = ROTL(v[2], 32);
    }
}

static void word(struct bb_sip *s, uint64_t m)
{
    s->v[3] ^= m;
    rounds(s->v, 2);
    s->v[0] ^= m;
}

void bb_sip_init(struct bb_sip *s, const uint8_t key[16])
{
    uint64_t k0 = bb_le64(key), k1 = bb_le64(key + 8);
    s->v[0] = 0x736f6d6570736575u ^ k0;
    s->v[1] = 0x646f72616e646f6du ^ k1 ^ 0xee; /* 0xee: the 128-bit variant */
    s->v[2] = 0x6c7967656e657261u ^ k0;
    s->v[3] = 0x7465646279746573u ^ k1;
    s->tail = 0;
    s->len = 0;
}

void bb_sip_put(struct bb_sip *s, const void *data, size_t n)
{
    const uint8_t *p = data;
    size_t have = s->len & 7;
    s->len += n;
    while (n && have) {
        s->tail |= (uint64_t)*p++ << (8 * have);
        n--;
        if (++have == 8) {
            word(s, s->tail);
            s->tail = 0;
            have = 0;
        }
    }
    for (; n >= 8; n -= 8, p += 8)
        word(s, bb_le64(p));
    for (; n; n--, have++)
        s->tail |= (uint64_t)*p++ << (8 * have);
}

void bb_sip_end(struct bb_sip *s, uint8_t out[16])
{
    uint64_t h;
    word(s, s->tail | (uint64_t)s->len << 56);
    s->v[2] ^= 0xee;
    rounds(s->v, 4);
    h = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
    memcpy(out, &h, 8);
    s->v[1] ^= 0xdd;
    rounds(s->v, 4);
    h = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
    memcpy(out + 8, &h, 8);
}

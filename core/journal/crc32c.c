/*
 * crc32c.c - CRC-32C (Castagnoli), by the CPU's instruction where it has one
 *
 * Thread: any. The table is built once, before the first use, under pthread_once.
 */
#include <pthread.h>
#include "core/journal/record.h"

static uint32_t table[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void table_build(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
        table[0][i] = c;
    }
    for (int t = 1; t < 8; t++)
        for (int i = 0; i < 256; i++)
            table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 255];
}

static uint32_t crc_table(uint32_t c, const uint8_t *p, size_t n)
{
    pthread_once(&once, table_build);
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t w = bb_le64(p) ^ c;
        c = 0;
        for (int t = 0; t < 8; t++)
            c ^= table[7 - t][w >> 8 * t & 255];
    }
    while (n--)
        c = c >> 8 ^ table[0][(c ^ *p++) & 255];
    return c;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc_cpu(uint32_t c32, const uint8_t *p, size_t n)
{
    uint64_t c = c32;
    for (; n >= 8; n -= 8, p += 8)
        c = __builtin_ia32_crc32di(c, bb_le64(p));
    while (n--)
        c = __builtin_ia32_crc32qi((uint32_t)c, *p++);
    return (uint32_t)c;
}
#endif

uint32_t bb_crc32c(uint32_t crc, const void *p, size_t n)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_cpu(~crc, p, n);
#endif
    return ~crc_table(~crc, p, n);
}

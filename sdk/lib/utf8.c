/*
 * utf8.c - is this UTF-8?
 *
 * Text is ASCII most of the time: whole words without a high bit are stepped over at once.
 * Thread: any; no state.
 */
#include "codec.h"

size_t bb_utf8_check(const void *s, size_t len)
{
    const uint8_t *p = s, *end = p + len;

    while (p < end) {
        if (end - p >= 8) {
            uint64_t v;
            memcpy(&v, p, 8);
            if (!(v & 0x8080808080808080u)) {
                p += 8;
                continue;
            }
        }
        if (*p < 0x80) {
            p++;
            continue;
        }
        int n = bb_utf8_seq(p, end);
        if (n <= 0)
            break;
        p += n;
    }
    return (size_t)(p - (const uint8_t *)s);
}

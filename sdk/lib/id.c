/*
 * id.c - ids and instants
 *
 * An id is a UUIDv7 (RFC 9562): milliseconds, then twelve bits of the millisecond's fraction, so
 * ids of one machine sort by time to a quarter of a microsecond, then 62 random bits.
 * Thread: any.
 */
#include "codec.h"
#include <errno.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* Without a random source (a sandbox without getrandom) ids still differ by time, process, place
 * and the number of the call. */
static uint64_t random_bits(const struct timespec *now)
{
    static uint64_t calls;
    uint64_t v;
    ssize_t n;

    do
        n = getrandom(&v, sizeof(v), 0);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)sizeof(v))
        return v;
    v = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) * 0x9e3779b97f4a7c15u;
    v ^= (uint64_t)now->tv_nsec * 0xbf58476d1ce4e5b9u ^ (uint64_t)getpid() << 40;
    v ^= (uint64_t)(uintptr_t)now;
    v ^= v >> 30;
    v *= 0x94d049bb133111ebu;
    return v ^ v >> 31;
}

void bb_id_make(char out[37])
{
    static const char hex[] = "0123456789abcdef";
    struct timespec now;
    uint64_t ms, fraction, half[2];
    char *w = out;

    clock_gettime(CLOCK_REALTIME, &now);
    ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    fraction = (uint64_t)now.tv_nsec % 1000000 * 4096 / 1000000;
    half[0] = ms << 16 | 0x7000 | fraction;
    half[1] = random_bits(&now) >> 2 | 0x8000000000000000u;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            *w++ = '-';
        *w++ = hex[half[i / 16] >> (60 - i % 16 * 4) & 15];
    }
    *w = 0;
}

/* v in n decimal digits, then a separator. */
static char *digits_put(char *w, long v, int n, char then)
{
    for (int i = n; i--; v /= 10)
        w[i] = (char)('0' + v % 10);
    w[n] = then;
    return w + n + 1;
}

void bb_time_now(char out[40])
{
    struct timespec now;
    struct tm t;
    char *w = out;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &t);
    w = digits_put(w, t.tm_year + 1900, 4, '-');
    w = digits_put(w, t.tm_mon + 1, 2, '-');
    w = digits_put(w, t.tm_mday, 2, 'T');
    w = digits_put(w, t.tm_hour, 2, ':');
    w = digits_put(w, t.tm_min, 2, ':');
    w = digits_put(w, t.tm_sec, 2, '.');
    w = digits_put(w, now.tv_nsec, 9, 'Z');
    *w = 0;
}

/*
 * util.c - small things without a better home
 *
 * Any thread, no state.
 */
#define _GNU_SOURCE 1
#include "core/base/base.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <busbar/message.h>

int bb_fail(struct bb_fault *err, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return -1;
    err->offset = 0;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -1;
}

int bb_u64_parse(const char *s, uint64_t *out)
{
    uint64_t v = 0;

    if (!*s)
        return -1;
    for (; *s; s++) {
        unsigned d = (unsigned)(unsigned char)*s - '0';

        if (d > 9 || __builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, d, &v))
            return -1;
    }
    *out = v;
    return 0;
}

bool bb_bytes_are(struct bb_bytes b, const char *text)
{
    return b.len == strlen(text) && memcmp(b.ptr, text, b.len) == 0;
}

int bb_write_all(int fd, const void *p, size_t n)
{
    const char *at = p;

    while (n) {
        ssize_t w = write(fd, at, n);

        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -1;
        at += w;
        n -= (size_t)w;
    }
    return 0;
}

char *bb_text(const char *fmt, ...)
{
    va_list ap;
    char *s = NULL;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        s = NULL;
    va_end(ap);
    return s;
}

int bb_mkdirs(const char *path, unsigned mode)
{
    char *copy;
    int rc = -1;

    if (!*path) { /* as mkdir() has it; there is no first character to go on from */
        errno = ENOENT;
        return -1;
    }
    copy = strdup(path);
    if (!copy)
        return -1;
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            goto end;
        *p = '/';
    }
    if (mkdir(copy, mode) == 0 || errno == EEXIST)
        rc = 0;
end:
    free(copy);
    return rc;
}

/* mem.c - see mem.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/mem.h"

#define BLOCK 16384u

struct plant_block {
    struct plant_block *next;
    size_t used, cap;
    max_align_t data[];
};

void *plant_mem_take(struct plant_mem *m, size_t n)
{
    struct plant_block *b = m->blocks;
    n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!b || b->cap - b->used < n) {
        size_t cap = n > BLOCK ? n : BLOCK;
        b = malloc(sizeof *b + cap);
        if (!b) {
            fprintf(stderr, "plant: no memory for %zu bytes\n", cap);
            exit(1);
        }
        b->next = m->blocks;
        b->used = 0;
        b->cap = cap;
        m->blocks = b;
    }
    void *p = (char *)b->data + b->used;
    b->used += n;
    return memset(p, 0, n);
}

char *plant_mem_copy(struct plant_mem *m, const char *p, size_t n)
{
    char *s = plant_mem_take(m, n + 1);
    if (n)
        memcpy(s, p, n);
    return s;
}

char *plant_mem_text(struct plant_mem *m, struct plant_text t)
{
    return plant_mem_copy(m, t.p, t.n);
}

char *plant_mem_printf(struct plant_mem *m, const char *fmt, ...)
{
    va_list a;
    va_start(a, fmt);
    int n = vsnprintf(NULL, 0, fmt, a);
    va_end(a);
    char *s = plant_mem_take(m, (size_t)(n < 0 ? 0 : n) + 1);
    va_start(a, fmt);
    vsnprintf(s, (size_t)(n < 0 ? 0 : n) + 1, fmt, a);
    va_end(a);
    return s;
}

void plant_mem_free(struct plant_mem *m)
{
    while (m->blocks) {
        struct plant_block *b = m->blocks;
        m->blocks = b->next;
        free(b);
    }
}

void plant_buf_init(struct plant_buf *b, struct plant_mem *m)
{
    *b = (struct plant_buf){.mem = m, .cap = 256};
    b->p = plant_mem_take(m, b->cap);
}

void plant_put(struct plant_buf *b, const char *p, size_t n)
{
    if (b->n + n + 1 > b->cap) {
        size_t cap = b->cap;
        while (cap < b->n + n + 1)
            cap *= 2;
        char *more = plant_mem_take(b->mem, cap);
        memcpy(more, b->p, b->n);
        b->p = more;
        b->cap = cap;
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void plant_puts(struct plant_buf *b, const char *s)
{
    plant_put(b, s, strlen(s));
}

void plant_putf(struct plant_buf *b, const char *fmt, ...)
{
    char small[512];
    va_list a;
    va_start(a, fmt);
    int n = vsnprintf(small, sizeof small, fmt, a);
    va_end(a);
    if (n < (int)sizeof small) {
        plant_put(b, small, n < 0 ? 0 : (size_t)n);
        return;
    }
    char *big = plant_mem_take(b->mem, (size_t)n + 1);
    va_start(a, fmt);
    vsnprintf(big, (size_t)n + 1, fmt, a);
    va_end(a);
    plant_put(b, big, (size_t)n);
}

void plant_put_json(struct plant_buf *b, const char *s)
{
    if (!s) {
        plant_puts(b, "null");
        return;
    }
    plant_put(b, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            plant_putf(b, "\\%c", c);
        else if (c == '\n')
            plant_put(b, "\\n", 2);
        else if (c < 0x20)
            plant_putf(b, "\\u%04x", c);
        else
            plant_put(b, s, 1);
    }
    plant_put(b, "\"", 1);
}

void plant_put_xml(struct plant_buf *b, const char *s)
{
    for (; *s; s++) {
        const char *e = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;"
                        : *s == '"' ? "&quot;" : NULL;
        if (e)
            plant_puts(b, e);
        else if ((unsigned char)*s >= 0x20 || *s == '\n' || *s == '\t')
            plant_put(b, s, 1);
    }
}

void plant_put_url(struct plant_buf *b, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~'(),=;:", c))
            plant_put(b, s, 1);
        else
            plant_putf(b, "%%%02X", c);
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *plant_url_decode(struct plant_mem *m, struct plant_text t, bool plus)
{
    char *s = plant_mem_take(m, t.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] == '%' && i + 2 < t.n && hex(t.p[i + 1]) >= 0 && hex(t.p[i + 2]) >= 0) {
            s[n] = (char)(hex(t.p[i + 1]) * 16 + hex(t.p[i + 2]));
            n += s[n] != '\0'; /* a zero would end the text early */
            i += 2;
        } else {
            s[n++] = plus && t.p[i] == '+' ? ' ' : t.p[i];
        }
    }
    s[n] = '\0';
    return s;
}

/*
 * mem.h - memory for the length of one call, growing text, JSON and XML output
 *
 * Thread: that of the call. Everything taken from a plant_mem lives until plant_mem_free(), so
 * nothing is freed one by one. Without memory the simulator ends with a line that says so: it is a
 * test's tool, and a half answer would be a wrong finding.
 */
#ifndef PLANT_MEM_H
#define PLANT_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/plant/http.h"

struct plant_mem {
    struct plant_block *blocks;
};
struct plant_buf { /* always terminated by a zero that n does not count */
    struct plant_mem *mem;
    char *p;
    size_t n, cap;
};

void *plant_mem_take(struct plant_mem *m, size_t n); /* zeroed, never NULL */
char *plant_mem_copy(struct plant_mem *m, const char *p, size_t n);
char *plant_mem_text(struct plant_mem *m, struct plant_text t);
char *plant_mem_printf(struct plant_mem *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void plant_mem_free(struct plant_mem *m);

void plant_buf_init(struct plant_buf *b, struct plant_mem *m);
void plant_put(struct plant_buf *b, const char *p, size_t n);
void plant_puts(struct plant_buf *b, const char *s);
void plant_putf(struct plant_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void plant_put_json(struct plant_buf *b, const char *s); /* as a JSON string; NULL: null */
void plant_put_xml(struct plant_buf *b, const char *s);  /* escaped for text and attributes */
void plant_put_url(struct plant_buf *b, const char *s);  /* percent-encoded */
/* "%41+b" decoded; a plus is a space only when plus is set. */
char *plant_url_decode(struct plant_mem *m, struct plant_text t, bool plus);

#endif

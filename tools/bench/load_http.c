/* load_http.c - requests and answers of bench-load; see load.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/bench/load.h"

int load_id_write(const struct load_options *o, const struct load_conn *c, uint64_t number,
                  char *buf, size_t cap)
{
    return snprintf(buf, cap, "%s-%05u-%010llu", o->prefix, c->index, (unsigned long long)number);
}

/* Lanes of connection i: i, i + connections, ...; each number goes to the next of them. */
static uint32_t lane_of(const struct load_options *o, const struct load_conn *c, uint64_t number)
{
    uint32_t mine = (o->lanes - c->index + o->connections - 1) / o->connections;
    return c->index + o->connections * (uint32_t)(number % mine);
}

static size_t event_write(const struct load_options *o, const struct load_conn *c, uint64_t number,
                          int64_t at_us, char *p, size_t cap)
{
    char id[128];
    int n;
    load_id_write(o, c, number, id, sizeof id);
    if (o->data_only)
        n = snprintf(p, cap, "{\"id\":\"%s\",\"item\":\"%s.L%06u\",\"seq\":%llu,\"at\":%lld,\"pad\":\"", id,
                     o->prefix, lane_of(o, c, number), (unsigned long long)number, (long long)at_us);
    else
        n = snprintf(p, cap,
                     "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"%s\",\"type\":\"%s\","
                     "\"item\":\"%s.L%06u\",\"data\":{\"seq\":%llu,\"at\":%lld,\"pad\":\"",
                     id, o->source, o->type, o->prefix, lane_of(o, c, number), (unsigned long long)number,
                     (long long)at_us);
    if (n < 0 || (size_t)n + 4 > cap)
        return 0;
    size_t len = (size_t)n, tail = o->data_only ? 2 : 3;
    size_t end = o->body < cap ? o->body : cap;
    if (len + tail < end) {
        memset(p + len, 'x', end - tail - len);
        len = end - tail;
    }
    memcpy(p + len, "\"}}", tail);
    return len + tail;
}

int load_request_make(const struct load_options *o, struct load_conn *c, int64_t at_us)
{
    size_t one = (o->body < 512 ? 512 : o->body) + strlen(o->source) + strlen(o->type) + 256;
    size_t need = 2048 + one * c->n;
    if (c->out_cap < need) {
        char *p = realloc(c->out, need);
        if (!p)
            return -1;
        c->out = p;
        c->out_cap = need;
    }
    char *body = c->out + 1536;
    size_t len = 0;
    if (o->batch > 1)
        body[len++] = '[';
    for (uint32_t i = 0; i < c->n; i++) {
        if (i)
            body[len++] = ',';
        size_t n = event_write(o, c, c->first + i, at_us, body + len, one);
        if (n == 0)
            return -1;
        len += n;
    }
    if (o->batch > 1)
        body[len++] = ']';
    const char *type = o->data_only      ? "application/json"
                       : o->batch > 1    ? "application/cloudevents-batch+json"
                                         : "application/cloudevents+json";
    int n = snprintf(c->out, 1536,
                     "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "%s%s\r\n",
                     o->path, o->host, type, len, o->header ? o->header : "",
                     o->header ? "\r\n" : "");
    if (n < 0 || n >= 1536)
        return -1;
    memmove(c->out + n, body, len);
    c->out_len = (size_t)n + len;
    c->out_off = 0;
    return 0;
}

static long header_number(const char *head, const char *end, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = head; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        if ((size_t)(end - p) > len && strncasecmp(p, name, len) == 0)
            return strtol(p + len, NULL, 10);
        if (!eol)
            break;
        p = eol + 1;
    }
    return -1;
}

enum load_answer load_answer_read(struct load_conn *c, int *status, int *retry_after_s, bool *close)
{
    char *blank = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    if (!blank)
        return c->in_len == sizeof c->in ? LOAD_BAD : LOAD_MORE;
    size_t head = (size_t)(blank - c->in) + 4;
    if (head < 16 || memcmp(c->in, "HTTP/1.1 ", 9) != 0)
        return LOAD_BAD;
    *status = atoi(c->in + 9);
    long body = header_number(c->in, blank + 2, "content-length:");
    if (body < 0)
        body = 0; /* 204, or chunked, which no peer here sends */
    if (head + (size_t)body > sizeof c->in)
        return LOAD_BAD;
    if (c->in_len < head + (size_t)body)
        return LOAD_MORE;
    long after = header_number(c->in, blank + 2, "retry-after:");
    *retry_after_s = after > 0 ? (int)after : 0;
    *close = memmem(c->in, head, "onnection: close", 16) != NULL;
    memmove(c->in, c->in + head + body, c->in_len - head - (size_t)body);
    c->in_len -= head + (size_t)body;
    return LOAD_ANSWER;
}

/*
 * answer.c - receipts and RFC 9457 problems
 *
 * Thread: the instance's. Memory: a response is the caller's (MHD_destroy_response).
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include "source.h"

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

static const char *title_of(unsigned status)
{
    for (size_t k = 0; k < sizeof titles / sizeof titles[0]; k++)
        if (titles[k].status == status)
            return titles[k].title;
    return "Error";
}

void problem_set(struct problems *p, unsigned status, const char *fmt, ...)
{
    va_list ap;

    p->status = status;
    va_start(ap, fmt);
    vsnprintf(p->detail, sizeof p->detail, fmt, ap);
    va_end(ap);
}

void problem_add(struct problems *p, const char *fmt, ...)
{
    va_list ap;

    if (p->n == PROBLEMS_MAX) {
        p->more++;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(p->list[p->n++], sizeof p->list[0], fmt, ap);
    va_end(ap);
}

static void put_text(struct bb_buf *b, const char *s)
{
    bb_buf_put(b, s, strlen(s));
}

static void put_member(struct bb_buf *b, const char *name, const char *value)
{
    size_t n = strlen(value);

    while (n && (value[n - 1] & 0x80)) /* snprintf may have cut a character in two */
        n--;
    put_text(b, name);
    bb_json_write_str(b, value, n == 0 || (value[strlen(value) - 1] & 0x80) ? n : strlen(value));
}

static void problem_write(struct bb_buf *b, const struct problems *p)
{
    char n[48];

    bb_buf_reset(b);
    snprintf(n, sizeof n, ",\"status\":%u", p->status);
    put_member(b, "{\"type\":\"about:blank\",\"title\":", title_of(p->status));
    put_text(b, n);
    put_member(b, ",\"detail\":", p->detail);
    for (size_t k = 0; k < p->n; k++)
        put_member(b, k ? "," : ",\"errors\":[", p->list[k]);
    if (p->n)
        put_text(b, "]");
    if (p->errors.len && !p->n) {
        put_text(b, ",\"errors\":");
        (void)bb_json_write(p->errors, b, NULL);
    }
    if (p->errors.len && p->errors_more > 0) {
        snprintf(n, sizeof n, ",\"more\":%lld", (long long)p->errors_more);
        put_text(b, n);
    }
    if (p->more) {
        snprintf(n, sizeof n, ",\"more\":%zu", p->more);
        put_text(b, n);
    }
    put_text(b, "}\n");
}

static struct MHD_Response *response_of(const struct bb_buf *b, const char *type)
{
    struct MHD_Response *r;

    if (b->failed)
        return NULL;
    r = MHD_create_response_from_buffer(b->len, b->ptr, MHD_RESPMEM_MUST_COPY);
    if (r && MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) != MHD_YES) {
        MHD_destroy_response(r);
        r = NULL;
    }
    return r;
}

struct MHD_Response *answer_problem(struct source *s, const struct problems *p)
{
    struct MHD_Response *r;
    char n[16];

    problem_write(&s->tmp, p);
    r = response_of(&s->tmp, "application/problem+json");
    if (!r)
        return NULL;
    if (p->status == 401)
        MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                s->basic    ? "Basic realm=\"busbar\", charset=\"UTF-8\""
                                : s->bearer ? "Bearer realm=\"busbar\""
                                            : "Webhook-Signature realm=\"busbar\"");
    if (p->status == 405)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "POST");
    if (p->status == 415)
        MHD_add_response_header(r, "Accept-Post",
                                "application/json, application/cloudevents+json, "
                                "application/cloudevents-batch+json");
    if (p->retry_after_s > 0) {
        snprintf(n, sizeof n, "%d", p->retry_after_s);
        MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, n);
    }
    if (s->quiet)
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    return r;
}

struct MHD_Response *answer_receipt(struct source *s, const struct request *r,
                                    const struct bb_receipt *got)
{
    char text[192];
    size_t dup = got && got->duplicates <= r->messages ? got->duplicates : 0;
    int n = snprintf(text, sizeof text,
                     "{\"accepted\":%zu,\"duplicates\":%zu,\"first\":%llu,\"last\":%llu%s}\n",
                     r->messages - dup, dup, (unsigned long long)(got ? got->first : 0),
                     (unsigned long long)(got ? got->last : 0),
                     r->unprotected ? ",\"unprotected\":true" : "");

    bb_buf_reset(&s->tmp);
    bb_buf_put(&s->tmp, text, (size_t)n);
    struct MHD_Response *resp = response_of(&s->tmp, "application/json");
    if (resp && s->quiet)
        MHD_add_response_header(resp, MHD_HTTP_HEADER_CONNECTION, "close");
    return resp;
}

void answer_bare(struct source *s, int fd, const struct problems *p)
{
    char head[256], after[48] = "";
    int n;

    problem_write(&s->tmp, p);
    if (p->retry_after_s > 0)
        snprintf(after, sizeof after, "Retry-After: %d\r\n", p->retry_after_s);
    n = snprintf(head, sizeof head,
                 "HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\n%s"
                 "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                 p->status, title_of(p->status), after, s->tmp.failed ? 0 : s->tmp.len);
    /* a fresh answer always fits into the socket's buffer; if not, the client sees a cut */
    if (send(fd, head, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE) == n && !s->tmp.failed &&
        send(fd, s->tmp.ptr, s->tmp.len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        shutdown(fd, SHUT_WR);
}

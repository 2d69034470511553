/*
 * odata_batch.c - $batch: multipart with changesets (V2, also V4) and JSON (V4)
 *
 * As real gateways do: the whole answers 202 (multipart) or 200 (JSON). A changeset is one savepoint; when
 * a member fails, its answer stands alone in place of the changeset's. In JSON the members of a failed
 * atomicityGroup before the failing one still say what they said, though they were taken back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/json.h"
#include "tools/plant/odata.h"

#define PARTS_MAX 1000

struct part { /* one request inside, then its answer */
    struct plant_request rq;
    struct plant_call c;
};

static void part_run(struct odata_ctx *outer, struct part *p, const char *method, const char *url)
{
    struct odata_ctx x = {.c = &p->c, .s = outer->s, .in_batch = true};
    struct plant_mem *m = &outer->c->mem;
    const char *at = strstr(url, outer->s->path);
    if (at)
        url = at + strlen(outer->s->path);
    char *path = plant_mem_printf(m, "%s%s", *url == '/' ? "" : "/", url), *q = strchr(path, '?');
    if (q)
        *q++ = '\0';
    p->c = (struct plant_call){.sys = outer->c->sys, .db = outer->c->db, .mem = *m, .rq = &p->rq, .method = method,
                               .path = path, .query = q ? q : "", .type = "application/json"};
    plant_buf_init(&p->c.head, &p->c.mem);
    plant_buf_init(&p->c.body, &p->c.mem);
    p->c.key = plant_call_header(&p->c, "idempotency-key");
    if (!*p->c.key)
        p->c.key = outer->c->key;
    p->c.correlation = plant_call_header(outer->c, "x-correlation-id");
    x.rest = path;
    plant_db_script(p->c.db, "SAVEPOINT part");
    if (strcmp(path, "/$batch") == 0)
        odata_fail(&x, 400, "/IWBEP/CM_MGW_RT/701", NULL, "a batch cannot hold a batch");
    else
        odata_handle(&x);
    if (p->c.status >= 400)
        plant_db_script(p->c.db, "ROLLBACK TO part");
    plant_db_script(p->c.db, "RELEASE part");
    *m = p->c.mem; /* what it took stays with the outer call */
    p->c.head.mem = p->c.body.mem = m;
}

/* ---- multipart -------------------------------------------------------------------------------- */

static char *boundary_of(struct plant_mem *m, const char *type)
{
    const char *b = strcasestr(type, "boundary=");
    if (!b)
        return NULL;
    b += 9;
    b += *b == '"';
    size_t n = strcspn(b, "\";\r\n ");
    return n ? plant_mem_printf(m, "--%.*s", (int)n, b) : NULL;
}

/* The next part between two boundary lines; false: there is none. */
static bool next_part(struct plant_text *all, const char *boundary, struct plant_text *part)
{
    size_t n = strlen(boundary);
    const char *end = all->p + all->n, *a = memmem(all->p, all->n, boundary, n);
    if (!a || (size_t)(end - a) < n + 2 || strncmp(a + n, "--", 2) == 0)
        return false;
    a = memchr(a, '\n', (size_t)(end - a));
    if (!a)
        return false;
    a++;
    const char *b = memmem(a, (size_t)(end - a), boundary, n);
    if (!b)
        return false;
    *all = (struct plant_text){b, (size_t)(end - b)};
    *part = (struct plant_text){a, (size_t)(b - a)};
    return true;
}

/* Where the headers end; the text of both is \r\n or \n. */
static bool split(struct plant_text t, struct plant_text *head, struct plant_text *body)
{
    const char *e = memmem(t.p, t.n, "\r\n\r\n", 4);
    size_t w = 4;
    if (!e) {
        e = memmem(t.p, t.n, "\n\n", 2);
        w = 2;
    }
    if (!e)
        return false;
    *head = (struct plant_text){t.p, (size_t)(e - t.p)};
    *body = (struct plant_text){e + w, t.n - (size_t)(e - t.p) - w};
    return true;
}

/* The embedded request: its line, its headers, its body. */
static bool request_run(struct odata_ctx *x, struct part *p, struct plant_text http)
{
    char method[16], *url;
    struct plant_text head, body;
    while (http.n && strchr("\r\n ", http.p[0]))
        http = (struct plant_text){http.p + 1, http.n - 1};
    if (!split(http, &head, &body)) {
        head = http;
        body = (struct plant_text){"", 0};
    }
    char *line = plant_mem_copy(&x->c->mem, head.p, strcspn(plant_mem_text(&x->c->mem, head), "\r\n"));
    size_t k = strlen(line), n = strcspn(line, " ");
    if (n >= sizeof method || !line[n])
        return false;
    snprintf(method, sizeof method, "%.*s", (int)n, line);
    url = line + n + 1;
    url[strcspn(url, " ")] = '\0';
    while (body.n && strchr("\r\n", body.p[body.n - 1]))
        body.n--;
    p->rq = (struct plant_request){.method = {line, n}, .head = {head.p + k, head.n - k}, .body = body};
    part_run(x, p, plant_mem_printf(&x->c->mem, "%s", method), url);
    return true;
}

static const char *status_word(int status)
{
    return status == 200 ? "OK" : status == 201 ? "Created" : status == 204 ? "No Content"
           : status == 400 ? "Bad Request" : status == 404 ? "Not Found" : "Status";
}

static void part_put(struct plant_buf *b, const char *boundary, const struct part *p)
{
    plant_putf(b, "%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
                  "HTTP/1.1 %d %s\r\n", boundary, p->c.status, status_word(p->c.status));
    if (p->c.status != 204)
        plant_putf(b, "Content-Type: %s\r\n", p->c.type);
    plant_putf(b, "Content-Length: %zu\r\n%s\r\n%s\r\n", p->c.status == 204 ? 0 : p->c.body.n, p->c.head.p,
               p->c.status == 204 ? "" : p->c.body.p);
}

/* A changeset: all or nothing. false: it failed, and b holds the one answer. */
static bool changeset(struct odata_ctx *x, struct plant_buf *b, struct plant_text body, const char *inner,
                      const char *outer, int *parts)
{
    struct plant_buf inside;
    struct plant_text one, head, http;
    struct part *p = plant_mem_take(&x->c->mem, sizeof *p);
    bool ok = true;
    plant_buf_init(&inside, &x->c->mem);
    plant_db_script(x->c->db, "SAVEPOINT changeset");
    while (ok && next_part(&body, inner, &one)) {
        if (++*parts > PARTS_MAX || !split(one, &head, &http) || !request_run(x, p, http)) {
            p->c = (struct plant_call){.sys = x->c->sys, .db = x->c->db, .mem = x->c->mem, .rq = &p->rq};
            struct odata_ctx y = {.c = &p->c, .s = x->s};
            odata_fail(&y, 400, "/IWBEP/CM_MGW_RT/702", NULL, "The changeset cannot be read");
            x->c->mem = p->c.mem;
            p->c.head.mem = p->c.body.mem = &x->c->mem;
        }
        ok = p->c.status < 400;
        if (ok)
            part_put(&inside, "--plant_changeset", p);
    }
    if (!ok)
        plant_db_script(x->c->db, "ROLLBACK TO changeset");
    plant_db_script(x->c->db, "RELEASE changeset");
    if (!ok) {
        part_put(b, outer, p);
        return false;
    }
    plant_putf(&inside, "--plant_changeset--\r\n");
    plant_putf(b, "%s\r\nContent-Type: multipart/mixed; boundary=plant_changeset\r\nContent-Length: %zu\r\n\r\n%s\r\n",
               outer, inside.n, inside.p);
    return true;
}

static void multipart(struct odata_ctx *x, const char *boundary)
{
    struct plant_text all = x->c->rq->body, one, head, body;
    struct plant_buf b;
    int parts = 0;
    bool go_on = true;
    plant_buf_init(&b, &x->c->mem);
    while (go_on && next_part(&all, boundary, &one)) {
        if (++parts > PARTS_MAX || !split(one, &head, &body)) {
            odata_fail(x, 400, "/IWBEP/CM_MGW_RT/702", NULL, "The batch cannot be read, or has over %d parts", PARTS_MAX);
            return;
        }
        const char *h = plant_mem_text(&x->c->mem, head);
        char *inner = strcasestr(h, "multipart/mixed") ? boundary_of(&x->c->mem, h) : NULL;
        struct part *p = plant_mem_take(&x->c->mem, sizeof *p);
        if (inner) { /* after a failed changeset the later parts are missing */
            go_on = changeset(x, &b, body, inner, "--plant_batch", &parts) ||
                    plant_option_int(x->c, "batch_continue", 0);
        } else if (request_run(x, p, body)) {
            part_put(&b, "--plant_batch", p);
        }
    }
    plant_puts(&b, "--plant_batch--\r\n");
    plant_call_answer(x->c, 202, "multipart/mixed; boundary=plant_batch", b.p);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static const char *member(struct odata_ctx *x, struct plant_text json, const char *pointer)
{
    struct plant_text v;
    const char *s = plant_json_find(json, pointer, &v) ? plant_json_text(&x->c->mem, v) : NULL;
    return s ? s : "";
}

static void headers_of(struct odata_ctx *x, struct plant_text one, struct plant_request *rq)
{
    struct plant_text h, k, v;
    struct plant_items it;
    struct plant_buf b;
    plant_buf_init(&b, &x->c->mem);
    if (plant_json_find(one, "/headers", &h) && plant_members_of(h, &it))
        while (plant_members_next(&it, &k, &v))
            plant_putf(&b, "%s: %s\r\n", plant_mem_text(&x->c->mem, k), member(x, v, ""));
    rq->head = (struct plant_text){b.p, b.n};
}

static void json_put(struct plant_buf *b, const char *id, const char *group, const struct part *p)
{
    plant_puts(b, b->p[b->n - 1] == '[' ? "{\"id\":" : ",{\"id\":");
    plant_put_json(b, id);
    if (*group) {
        plant_puts(b, ",\"atomicityGroup\":");
        plant_put_json(b, group);
    }
    plant_putf(b, ",\"status\":%d,\"headers\":{\"content-type\":\"application/json\"}", p->c.status);
    if (p->c.body.n)
        plant_putf(b, ",\"body\":%s", p->c.body.p);
    plant_puts(b, "}");
}

static void json_batch(struct odata_ctx *x)
{
    struct plant_text list, one;
    struct plant_items it;
    struct plant_buf b;
    const char *open = "";
    bool failed = false;
    int parts = 0;
    if (!plant_json_find(x->c->rq->body, "/requests", &list) || list.p[0] != '[') {
        odata_fail(x, 400, "/IWBEP/CM_V4_BATCH/001", NULL, "The batch has no \"requests\"");
        return;
    }
    plant_buf_init(&b, &x->c->mem);
    plant_puts(&b, "{\"responses\":[");
    plant_items_of(list, false, &it);
    while (plant_items_next(&it, &one) && ++parts <= PARTS_MAX) {
        const char *group = member(x, one, "/atomicityGroup");
        struct part *p = plant_mem_take(&x->c->mem, sizeof *p);
        if (*open && strcmp(open, group) != 0)
            plant_db_script(x->c->db, "RELEASE grp");
        if (*group && strcmp(open, group) != 0) {
            plant_db_script(x->c->db, "SAVEPOINT grp");
            failed = false;
        }
        open = group;
        if (*group && failed)
            continue; /* what follows in a failed group is not answered */
        headers_of(x, one, &p->rq);
        if (!plant_json_find(one, "/body", &p->rq.body))
            p->rq.body = (struct plant_text){"", 0};
        part_run(x, p, member(x, one, "/method"), member(x, one, "/url"));
        json_put(&b, member(x, one, "/id"), group, p);
        failed = *group && p->c.status >= 400;
        if (failed)
            plant_db_script(x->c->db, "ROLLBACK TO grp");
    }
    if (*open)
        plant_db_script(x->c->db, "RELEASE grp");
    plant_puts(&b, "]}");
    plant_call_answer(x->c, 200, "application/json", b.p);
}

void odata_batch(struct odata_ctx *x)
{
    const char *type = plant_call_header(x->c, "content-type");
    char *boundary = boundary_of(&x->c->mem, type);
    if (strncasecmp(type, "application/json", 16) == 0)
        json_batch(x);
    else if (boundary)
        multipart(x, boundary);
    else
        odata_fail(x, 415, "/IWBEP/CM_MGW_RT/703", NULL, "A batch is multipart/mixed with a boundary, or JSON");
}

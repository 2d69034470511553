/*
 * sink_conf.c - a sink from its config, and its end
 *
 * Thread: the instance's, in create() and destroy(). Memory: everything is copied.
 */
#include <stdlib.h>
#include <stdio.h>
#include "sink.h"

/* ---- config ----------------------------------------------------------------------------------------- */
/* Splits "https://host:1/path" into what bb_http_config.base holds and the path's template. */
static int url_split(const char *url, char *base, size_t cap, const char **path,
                     struct bb_error *err)
{
    const char *p = strstr(url, "://");
    size_t n;

    p = p ? p + 3 : url;
    n = (size_t)(p - url) + strcspn(p, "/?#");
    if (n >= cap || memchr(url, '{', n)) {
        bb_error_set(err, BB_E_CONFIG, "url: values in { } may stand after the host only");
        return -1;
    }
    memcpy(base, url, n);
    base[n] = 0;
    *path = url[n] ? url + n : "/";
    return 0;
}

static bb_status client_new(struct sink *s, struct bb_bytes conf, const char *base, const char *path,
                            struct bb_error *err)
{
    struct bb_http_config f = {.base = base, .agent = "busbar-http/1"};
    size_t n = strcspn(path, "{?#");
    char *fixed = strndup(path, n);
    bb_status st;

    if (!fixed)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    if (path[n] == '{') /* up to the last whole segment */
        fixed[(size_t)(strrchr(fixed, '/') - fixed) + 1] = 0;
    f.csrf_path = fixed;
    s->timeout_ms = (uint32_t)bb_conf_int(conf, "/timeout", 30000);
    st = bb_http_from_conf(&s->inst->ctx, conf, &f, &s->client, err);
    free(fixed);
    return st;
}

static size_t list_read(struct bb_bytes conf, const char *pointer, int64_t *out, int64_t def)
{
    struct bb_iter it;
    struct bb_bytes v;
    size_t n = 0;

    if (bb_conf_find(conf, pointer, &v) && bb_iter_of(v, &it))
        while (n < 16 && bb_iter_next(&it, NULL, &v))
            n += bb_as_int(v, &out[n]) == 1;
    if (!n)
        out[n++] = def;
    return n;
}

static int headers_read(struct sink *s, struct bb_bytes conf, struct bb_error *err)
{
    struct bb_iter it;
    struct bb_bytes v, key, text;

    if (!bb_conf_find(conf, "/headers", &v) || !bb_iter_of(v, &it))
        return 0;
    while (bb_iter_next(&it, &key, &v)) {
        struct header *h = &s->headers[s->n_headers];
        char *t;
        if (s->n_headers == HEADERS_MAX || bb_as_str(v, &text) != 1) {
            bb_error_set(err, BB_E_CONFIG, "headers: at most %d names with a text each",
                         HEADERS_MAX);
            return -1;
        }
        s->n_headers++;
        h->name = bb_str_dup(key);
        t = bb_str_dup(text);
        h->value = t ? bb_http_template_new(t, err) : NULL;
        free(t);
        if (!h->name || !h->value)
            return -1;
    }
    return 0;
}

static int word_read(struct bb_bytes conf, const char *pointer, const char *const *words, int def,
                     struct bb_error *err)
{
    struct bb_bytes v = bb_conf_str(conf, pointer, words[def]);

    for (int k = 0; words[k]; k++)
        if (bb_str_is(v, words[k]))
            return k;
    bb_error_set(err, BB_E_CONFIG, "%s: \"%.*s\" is not known here", pointer + 1,
                 (int)(v.len > 40 ? 40 : v.len), (const char *)v.ptr);
    return -1;
}

static int forms_read(struct sink *s, struct bb_bytes conf, struct bb_error *err)
{
    static const char *const bodies[] = {"event", "data", "binary", NULL};
    static const char *const batches[] = {"json-array", "jsonl", "cloudevents", NULL};
    struct bb_bytes v;
    int body = word_read(conf, "/body", bodies, 0, err);
    int batch = word_read(conf, "/batch/format", batches, 0, err);

    if (body < 0 || batch < 0)
        return -1;
    s->body = (enum body_form)body;
    s->batch = (enum batch_form)batch;
    if (bb_conf_find(conf, "/batch", &v)) {
        int64_t max = bb_conf_int(conf, "/batch/max", 500);
        s->batch_max = (size_t)(max < 1 ? 1 : max > BATCH_MAX ? BATCH_MAX : max);
        s->batch_bytes = (size_t)bb_conf_int(conf, "/batch/bytes", 4 << 20);
        if (s->body == BODY_BINARY) {
            bb_error_set(err, BB_E_CONFIG, "body: binary has one event a request and does not go "
                                           "with batch: use event or data");
            return -1;
        }
    }
    return 0;
}

static int probe_read(struct sink *s, struct bb_bytes conf, struct bb_error *err)
{
    char *path = bb_conf_dup(conf, "/probe/path", NULL);

    if (!path)
        return 0;
    s->probe_method = bb_conf_dup(conf, "/probe/method", "GET");
    s->n_applied = list_read(conf, "/probe/applied", s->applied, 200);
    s->n_not_applied = list_read(conf, "/probe/not_applied", s->not_applied, 404);
    if (*path == '/')
        s->probe_path = bb_http_template_new(path, err);
    else
        bb_error_set(err, BB_E_CONFIG, "probe: path begins with \"/\" and is added to url's host");
    free(path);
    return s->probe_path && s->probe_method ? 0 : -1;
}

struct sink *sink_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err, bb_status *why)
{
    struct sink *s = calloc(1, sizeof *s);
    char *url = bb_conf_dup(conf, "/url", NULL), base[512];
    const char *path;

    *why = BB_E_CONFIG;
    if (!s || !url) {
        *why = bb_error_set(err, BB_E_RETRY, "out of memory");
        goto fail;
    }
    s->inst = i;
    bb_buf_init(&s->reply, 1u << 20); /* the most that done() takes */
    s->method = bb_conf_dup(conf, "/method", "POST");
    s->content_type = bb_conf_dup(conf, "/content_type", NULL);
    s->idempotent = bb_conf_bool(conf, "/idempotent", 0);
    if (!s->method || url_split(url, base, sizeof base, &path, err) != 0 ||
        forms_read(s, conf, err) != 0 || headers_read(s, conf, err) != 0 ||
        probe_read(s, conf, err) != 0)
        goto fail;
    s->path = bb_http_template_new(path, err);
    if (!s->path)
        goto fail;
    *why = client_new(s, conf, base, path, err);
    if (*why != BB_OK)
        goto fail;
    free(url);
    return s;
fail:
    free(url);
    sink_free(&s);
    return NULL;
}

void sink_free(struct sink **sp)
{
    struct sink *s = *sp;

    if (!s)
        return;
    bb_http_free(&s->client); /* ends every job */
    while (s->unused) {
        struct job *j = s->unused;
        s->unused = j->next;
        free(j);
    }
    for (size_t k = 0; k < s->n_headers; k++) {
        free(s->headers[k].name);
        bb_http_template_free(&s->headers[k].value);
    }
    bb_http_template_free(&s->path);
    bb_http_template_free(&s->probe_path);
    free(s->method);
    free(s->probe_method);
    free(s->content_type);
    bb_buf_free(&s->reply);
    free(s);
    *sp = NULL;
}

/*
 * client.c - HTTP to the running core over its Unix socket
 *
 * One curl handle, kept alive over the calls of one command. Main thread.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/admin/admin.h"

#define ANSWER_MAX (128u << 20)
#define TIMEOUT_S 30

struct bb_client {
    CURL *curl;
    const char *state;
    char address[128];
    int folder_fd;
    struct bb_buf in;
};

static size_t take(char *data, size_t size, size_t n, void *arg)
{
    struct bb_client *c = arg;

    bb_buf_put(&c->in, data, size * n);
    return c->in.failed ? 0 : size * n;
}

struct bb_client *bb_client_open(const char *state, struct bb_fault *err)
{
    struct bb_client *c = calloc(1, sizeof(*c));

    if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(c->curl = curl_easy_init())) {
        free(c);
        bb_fail(err, "out of memory");
        return NULL;
    }
    c->state = state;
    bb_buf_init(&c->in, ANSWER_MAX);
    if (bb_admin_address(state, c->address, 108, &c->folder_fd, err) < 0) {
        bb_client_close(&c);
        return NULL;
    }
    curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->address);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    return c;
}

void bb_client_close(struct bb_client **cp)
{
    struct bb_client *c = *cp;

    if (!c)
        return;
    *cp = NULL;
    curl_easy_cleanup(c->curl);
    bb_buf_free(&c->in);
    if (c->folder_fd >= 0)
        close(c->folder_fd);
    free(c);
}

char *bb_client_escape(const char *segment)
{
    char *curl_text = curl_easy_escape(NULL, segment, 0);
    char *copy = curl_text ? strdup(curl_text) : NULL;

    curl_free(curl_text);
    return copy;
}

static int not_running(const struct bb_client *c, CURLcode rc, struct bb_fault *err)
{
    /* a folder that may not be entered says EACCES of what may or may not be in it, too */
    if (rc == CURLE_COULDNT_CONNECT && access(c->address, W_OK) < 0 && errno == EACCES)
        return bb_fail(err, "not allowed to use %.100s: run this as the user of the core, or root",
                       c->address);
    if (rc == CURLE_COULDNT_CONNECT)
        return bb_fail(err, "no core is running on %.80s: start it with \"busbar run\" or "
                            "\"systemctl start busbar\", or name its folder with --state", c->state);
    return bb_fail(err, "no answer from the core: %s", curl_easy_strerror(rc));
}

/* The answer's JSON as msgpack; a problem's detail as text. */
static int answer_read(struct bb_client *c, struct bb_reply *r, struct bb_fault *err)
{
    struct bb_bytes detail;

    bb_buf_init(&r->value, ANSWER_MAX);
    if (c->in.len &&
        bb_json_read((struct bb_bytes){c->in.ptr, c->in.len}, &r->value, err) < 0) {
        bb_buf_free(&r->value);
        return bb_fail(err, "the core's answer is not JSON");
    }
    if (r->status < 400)
        return 0;
    detail = bb_field_str((struct bb_bytes){r->value.ptr, r->value.len}, "detail");
    if (detail.len)
        snprintf(r->text, sizeof(r->text), "%.*s", (int)detail.len, (const char *)detail.ptr);
    else
        snprintf(r->text, sizeof(r->text), "the core answered with status %ld", r->status);
    return 0;
}

int bb_client_call(struct bb_client *c, const char *method, const char *path, struct bb_bytes body,
                   struct bb_reply *r, struct bb_fault *err)
{
    struct curl_slist *heads = curl_slist_append(NULL, "Content-Type: application/json");
    char *url = bb_text("http://localhost%s", path);
    bool post = strcmp(method, "POST") == 0;
    CURLcode rc = CURLE_OUT_OF_MEMORY;

    memset(r, 0, sizeof(*r));
    bb_buf_reset(&c->in);
    if (heads && url) {
        curl_slist_append(heads, "Expect:");
        curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, heads);
        curl_easy_setopt(c->curl, CURLOPT_URL, url);
        curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
        if (post) {
            curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
            curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
            curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.len ? body.ptr : "");
        }
        rc = curl_easy_perform(c->curl);
    }
    curl_slist_free_all(heads);
    free(url);
    if (rc != CURLE_OK)
        return not_running(c, rc, err);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &r->status);
    return answer_read(c, r, err);
}

int bb_client_once(const char *state, const char *method, const char *path, struct bb_buf *value)
{
    struct bb_fault err = {0};
    struct bb_client *c = bb_client_open(state, &err);
    struct bb_reply r;
    int rc;

    if (!c || bb_client_call(c, method, path, (struct bb_bytes){NULL, 0}, &r, &err) < 0) {
        bb_client_close(&c);
        return bb_cli_fail("%s", err.text);
    }
    if (r.status >= 400)
        rc = bb_cli_fail("%s", r.text);
    else
        rc = BB_EXIT_OK;
    if (rc == BB_EXIT_OK && value)
        *value = r.value;
    else
        bb_buf_free(&r.value);
    bb_client_close(&c);
    return rc;
}

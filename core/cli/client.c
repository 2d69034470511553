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

static size_t take(char *data, size_t size, size_t n, void *arg)
{
    struct bb_client *c = arg;

    bb_buf_put(&c->in, data, size * n);
    return c->in.failed ? 0 : size * n;
}

int bb_client_open(struct bb_client *c, const char *state)
{
    struct bb_fault err = {0, "out of memory"};

    *c = (struct bb_client){.state = state, .folder_fd = -1};
    bb_buf_init(&c->in, ANSWER_MAX);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(c->curl = curl_easy_init()) ||
        bb_admin_address(state, c->address, 108, &c->folder_fd, &err) < 0) {
        bb_client_close(c);
        return bb_cli_fail("%s", err.text);
    }
    curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->address);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    return BB_EXIT_OK;
}

void bb_client_close(struct bb_client *c)
{
    curl_easy_cleanup(c->curl);
    bb_buf_free(&c->in);
    if (c->folder_fd >= 0)
        close(c->folder_fd);
}

static int no_answer(const struct bb_client *c, CURLcode rc, struct bb_fault *err)
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

static char *url_of(const char *const *parts, const char *query)
{
    struct bb_buf url;

    bb_buf_init(&url, 65536);
    bb_buf_put(&url, "http://localhost/v1", 19);
    for (; *parts; parts++) {
        char *text = curl_easy_escape(NULL, *parts, 0);

        if (!text)
            url.failed = 1;
        else
            bb_buf_put(&url, "/", 1);
        if (text)
            bb_buf_put(&url, text, strlen(text));
        curl_free(text);
    }
    bb_buf_put(&url, query ? query : "", query ? strlen(query) + 1 : 1);
    if (url.failed)
        bb_buf_free(&url);
    return (char *)url.ptr;
}

static CURLcode perform(struct bb_client *c, const char *method, const char *url,
                        struct bb_bytes body)
{
    struct curl_slist *heads = curl_slist_append(NULL, "Content-Type: application/json");
    CURLcode rc = CURLE_OUT_OF_MEMORY;

    if (heads && url && curl_slist_append(heads, "Expect:")) {
        curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, heads);
        curl_easy_setopt(c->curl, CURLOPT_URL, url);
        curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
        if (strcmp(method, "POST") == 0) {
            curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
            curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
            curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.len ? body.ptr : "");
        }
        rc = curl_easy_perform(c->curl);
    }
    curl_slist_free_all(heads);
    return rc;
}

int bb_client_call(struct bb_client *c, const char *method, const char *const *parts,
                   const char *query, struct bb_bytes body, struct bb_buf *value,
                   struct bb_fault *err)
{
    char *url = url_of(parts, query);
    struct bb_bytes detail;
    struct bb_buf answer;
    CURLcode curl;
    long status = 0;
    int rc = 0;

    bb_buf_reset(&c->in);
    curl = perform(c, method, url, body);
    free(url);
    if (curl != CURLE_OK)
        return no_answer(c, curl, err);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    bb_buf_init(&answer, ANSWER_MAX);
    if (c->in.len && bb_json_read(bb_bytes_of(&c->in), &answer, err) < 0) {
        rc = bb_fail(err, "the core's answer is not JSON");
    } else if (status >= 400) {
        rc = 1;
        detail = bb_field_str(bb_bytes_of(&answer), "detail");
        bb_fail(err, "%.*s", (int)detail.len, (const char *)detail.ptr);
        if (!detail.len)
            bb_fail(err, "the core answered with status %ld", status);
    }
    if (rc == 0 && value)
        *value = answer;
    else
        bb_buf_free(&answer);
    return rc;
}

int bb_client_once(const char *state, const char *method, const char *const *parts,
                   struct bb_buf *value)
{
    struct bb_fault err = {0};
    struct bb_client c;
    int rc = bb_client_open(&c, state);

    if (rc != BB_EXIT_OK)
        return rc;
    if (bb_client_call(&c, method, parts, NULL, (struct bb_bytes){NULL, 0}, value, &err) != 0)
        rc = bb_cli_fail("%s", err.text);
    bb_client_close(&c);
    return rc;
}

/*
 * server.c - oauth_server.py as a child of the test; see server.h
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <busbar/http.h>
#include <busbar/json.h>
#include "server.h"

#define PROGRAM "/plugins/http/tests/oauth_server.py"

int server_start(struct server *s)
{
    const char *top = getenv("srcdir"); /* automake's, for tests */
    char path[4096];
    int in[2], out[2];
    FILE *f;

    snprintf(path, sizeof path, "%s%s", top ? top : ".", PROGRAM);
    if (access("/usr/bin/python3", X_OK) != 0)
        return -1;
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execl("/usr/bin/python3", "python3", path, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    s->in = in[1];
    f = fdopen(out[0], "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_msg(fscanf(f, "%u", &s->port) == 1, "%s did not start", path);
    fclose(f);
    snprintf(s->base, sizeof s->base, "http://127.0.0.1:%u", s->port);
    return 0;
}

void server_end(struct server *s)
{
    close(s->in);
    kill(s->pid, SIGTERM);
    waitpid(s->pid, NULL, 0);
}

struct got {
    int n;
    struct bb_buf json;
};

static void on_got(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct got *g = call->arg;

    g->n = 1;
    ck_assert_msg(a->code == 200, "%s", a->text);
    ck_assert_int_eq(bb_json_read(a->body, &g->json, NULL), 0);
}

static void control(const struct server *s, const char *json, struct got *g)
{
    struct bb_http_config f = {.base = s->base};
    struct bb_http *c = bb_http_new(&f, NULL);
    struct bb_http_call *call = bb_http_call_new(c, *json ? "POST" : "GET", "/control");

    g->n = 0;
    bb_buf_init(&g->json, 1 << 20);
    bb_buf_put(&call->body, json, strlen(json));
    call->done = on_got;
    call->arg = g;
    ck_assert_int_eq(bb_http_send(call), 0);
    while (bb_http_open(c))
        bb_http_wait(c, NULL, 0, 100);
    ck_assert_int_eq(g->n, 1);
    bb_http_free(&c);
}

void server_set(const struct server *s, const char *json)
{
    struct got g;

    control(s, json, &g);
    bb_buf_free(&g.json);
}

long server_count(const struct server *s, const char *name)
{
    struct got g;
    struct bb_bytes v;
    char pointer[64];
    int64_t n = -1;

    control(s, "", &g);
    snprintf(pointer, sizeof pointer, "/count/%s", name);
    ck_assert_int_eq(bb_pointer_get((struct bb_bytes){g.json.ptr, g.json.len}, pointer, &v), 1);
    ck_assert_int_eq(bb_as_int(v, &n), 1);
    bb_buf_free(&g.json);
    return (long)n;
}

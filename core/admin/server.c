/*
 * server.c - HTTP on STATE/admin.sock
 *
 * libmicrohttpd, polling, a thread a connection. A request's struct is made with its head and freed
 * when it is completed; its body is collected up to a limit and the rest is read and dropped.
 */
#define _GNU_SOURCE 1
#include "core/admin/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define IDLE_S 60
#define STACK (512u << 10)
#define ANSWER_MAX BB_REPORT_BYTES

struct request {
    struct bb_call call;
    const struct bb_path *path;
    struct bb_buf body;
    bool too_large;
};

int bb_admin_address(const char *folder, char *out, size_t cap, int *fd, struct bb_fault *err)
{
    size_t max = sizeof(((struct sockaddr_un *)0)->sun_path);

    *fd = -1;
    if (strlen(folder) + sizeof("/" BB_ADMIN_SOCKET) > (max < cap ? max : cap)) {
        *fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (*fd < 0)
            return bb_fail(err, "cannot open %.120s: %s", folder, strerror(errno));
        snprintf(out, cap, "/proc/self/fd/%d/" BB_ADMIN_SOCKET, *fd);
    } else {
        snprintf(out, cap, "%s/" BB_ADMIN_SOCKET, folder);
    }
    return 0;
}

/* ---- one request -------------------------------------------------------------------------------- */
static size_t keep_escapes(void *cls, struct MHD_Connection *c, char *s)
{
    (void)cls;
    (void)c;
    return strlen(s); /* the path is split first and decoded afterwards */
}

static void who_is(struct MHD_Connection *conn, char *out, size_t cap)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (info && getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
        snprintf(out, cap, "uid %u", (unsigned)peer.uid);
    else
        snprintf(out, cap, "unknown uid");
}

/* Query arguments; 0, or -1 with the problem as the answer. */
static int query_read(struct MHD_Connection *conn, struct bb_call *c)
{
    const struct { const char *name; uint64_t *number; } numbers[] = {{"from", &c->from},
                                                                      {"max", &c->max}};
    const char *v = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "route");

    if (v && bb_admin_decode(v, strlen(v), c->route, sizeof(c->route)) < 0) {
        bb_admin_problem(c, 400, "bad value of \"route\"");
        return -1;
    }
    for (size_t i = 0; i < 2; i++) {
        v = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, numbers[i].name);
        if (v && bb_u64_parse(v, numbers[i].number) < 0) {
            bb_admin_problem(c, 400, "\"%s\" must be a whole number", numbers[i].name);
            return -1;
        }
    }
    v = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "overtaken");
    c->overtaken = v && strcmp(v, "true") == 0;
    v = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Type");
    c->packed = v && strncasecmp(v, "application/msgpack", 19) == 0;
    return 0;
}

static enum MHD_Result reply(struct MHD_Connection *conn, struct request *r)
{
    struct bb_call *c = &r->call;
    struct MHD_Response *m;
    enum MHD_Result rc;
    char after[16];

    if (c->out.failed)
        bb_admin_problem(c, 500, "the answer is too large");
    m = MHD_create_response_from_buffer(c->out.len, c->out.ptr ? c->out.ptr : (void *)"",
                                        c->out.ptr ? MHD_RESPMEM_MUST_COPY
                                                   : MHD_RESPMEM_PERSISTENT);
    if (!m)
        return MHD_NO;
    MHD_add_response_header(m, "Content-Type", c->type);
    MHD_add_response_header(m, "Cache-Control", "no-store");
    if (c->allow)
        MHD_add_response_header(m, "Allow", c->allow);
    if (c->retry_after_s) {
        snprintf(after, sizeof(after), "%u", c->retry_after_s);
        MHD_add_response_header(m, "Retry-After", after);
    }
    rc = MHD_queue_response(conn, c->status, m);
    MHD_destroy_response(m);
    return rc;
}

static struct request *request_make(struct bb_admin *a, struct MHD_Connection *conn,
                                    const char *method, const char *url)
{
    struct request *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->call.admin = a;
    r->call.type = "application/json";
    bb_buf_init(&r->call.out, ANSWER_MAX);
    /* JSON text can be longer than the message it becomes */
    bb_buf_init(&r->body, 2 * a->o.max_message + (64u << 10));
    who_is(conn, r->call.who, sizeof(r->call.who));
    r->path = bb_admin_match(bb_admin_paths, method, url, &r->call);
    return r;
}

static void answer(struct MHD_Connection *conn, struct request *r)
{
    struct bb_call *c = &r->call;

    if (!r->path && c->status == 405)
        bb_admin_problem(c, 405, "this path only knows %s", c->allow);
    else if (!r->path && c->status == 400)
        bb_admin_problem(c, 400, "a part of the path is not valid");
    else if (!r->path)
        bb_admin_problem(c, 404, "there is no such path; /v1/status is one");
    else if (r->too_large)
        bb_admin_problem(c, 413, "the body is larger than %zu bytes", r->body.max);
    else if (query_read(conn, c) == 0) {
        c->body = (struct bb_bytes){r->body.ptr, r->body.len};
        r->path->answer(c);
    }
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    struct request *r = *state;

    (void)version;
    if (!r) {
        *state = request_make(cls, conn, method, url);
        return *state ? MHD_YES : MHD_NO;
    }
    if (*size) {
        if (!r->path || r->too_large || r->body.len + *size > r->body.max) {
            r->too_large = r->path != NULL;
            bb_buf_free(&r->body);
        } else {
            bb_buf_put(&r->body, data, *size);
            r->too_large = r->body.failed;
        }
        *size = 0;
        return MHD_YES;
    }
    answer(conn, r);
    return reply(conn, r);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct request *r = *state;

    (void)cls;
    (void)conn;
    (void)why;
    if (!r)
        return;
    bb_buf_free(&r->call.out);
    bb_buf_free(&r->body);
    free(r);
    *state = NULL;
}

static void on_log(void *cls, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_log(void *cls, const char *fmt, va_list ap)
{
    char text[256];
    size_t n;

    (void)cls;
    vsnprintf(text, sizeof(text), fmt, ap);
    n = strlen(text);
    while (n && text[n - 1] == '\n')
        text[--n] = '\0';
    bb_log_kv(BB_LOG_DEBUG, text, "part", "admin", NULL);
}

/* ---- life ------------------------------------------------------------------------------------------ */
/* A socket file that nobody listens on is left from a run that was killed. */
static int listen_on(const char *address, struct bb_fault *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat st;

    if (fd < 0)
        return bb_fail(err, "cannot make a socket: %s", strerror(errno));
    memcpy(a.sun_path, address, strnlen(address, sizeof(a.sun_path) - 1));
    if (lstat(address, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            bb_fail(err, "%.120s is in the way and is not a socket", address);
            goto fail;
        }
        if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0) {
            bb_fail(err, "another core listens on %.120s", address);
            goto fail;
        }
        if (unlink(address) < 0 && errno != ENOENT) {
            bb_fail(err, "cannot remove the old %.120s: %s", address, strerror(errno));
            goto fail;
        }
    }
    /* the mode before bind() is the file's: it is never open to others, not for a moment */
    if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        listen(fd, 64) < 0) {
        bb_fail(err, "cannot listen on %.120s: %s", address, strerror(errno));
        goto fail;
    }
    return fd;
fail:
    close(fd);
    return -1;
}

struct bb_admin *bb_admin_start(const struct bb_admin_options *o, struct bb_fault *err)
{
    struct bb_admin *a = calloc(1, sizeof(*a));
    int fd = -1;

    if (!a) {
        bb_fail(err, "out of memory");
        return NULL;
    }
    a->o = *o;
    a->folder_fd = -1;
    a->started_ms = bb_mono_ms();
    if (bb_admin_address(o->state_dir, a->address, sizeof(a->address), &a->folder_fd, err) < 0 ||
        (fd = listen_on(a->address, err)) < 0)
        goto fail;
    a->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_request, a, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, BB_ADMIN_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)(32u << 10), MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_END);
    if (a->daemon)
        return a;
    bb_fail(err, "cannot start the admin server");
    unlink(a->address);
fail:
    if (fd >= 0)
        close(fd);
    if (a->folder_fd >= 0)
        close(a->folder_fd);
    free(a);
    return NULL;
}

void bb_admin_stop(struct bb_admin **ap)
{
    struct bb_admin *a = *ap;

    if (!a)
        return;
    *ap = NULL;
    MHD_stop_daemon(a->daemon); /* closes the listening socket */
    unlink(a->address);
    if (a->folder_fd >= 0)
        close(a->folder_fd);
    free(a);
}

/*
 * server.c - HTTP on STATE/admin.sock
 *
 * libmicrohttpd, polling, a thread a connection. A call is made with its request's head and freed
 * when it is completed; its body is collected up to a limit and the rest is read and dropped.
 *
 * A connection has a line (struct line) from its start to its end, which says when something last
 * came from it. When more are open than BB_ADMIN_CONNECTIONS, the one that was quiet for longest is
 * shut down, so that those who come and say nothing keep nobody out; one whose request is being
 * answered is never chosen. A thread takes a moment to end its connection, and libmicrohttpd turns
 * away whoever comes past its own limit: so that limit lies SPARE above ours.
 */
#define _GNU_SOURCE 1
#include "core/admin/internal.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_S 60
#define SPARE 448
#define LINES (BB_ADMIN_CONNECTIONS + SPARE)
#define STACK (512u << 10)

struct line {
    int fd; /* -1: free */
    bool answering, ending;
    uint64_t heard; /* a number that rises with everything that is heard of anybody */
};
struct bb_admin {
    struct bb_admin_options o;
    struct MHD_Daemon *daemon;
    char address[108]; /* sun_path */
    int folder_fd;
    int64_t started_ms;
    pthread_mutex_t lock; /* of the lines */
    uint64_t heard;
    struct line lines[LINES];
};

/* ---- lines ----------------------------------------------------------------------------------- */
static void quietest_end(struct bb_admin *a)
{
    struct line *quiet = NULL;
    size_t open = 0;

    for (struct line *l = a->lines; l < a->lines + LINES; l++) {
        if (l->fd < 0 || l->ending)
            continue;
        open++;
        if (!l->answering && (!quiet || l->heard < quiet->heard))
            quiet = l;
    }
    if (open <= BB_ADMIN_CONNECTIONS || !quiet)
        return;
    quiet->ending = true;
    shutdown(quiet->fd, SHUT_RDWR);
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **line,
                          enum MHD_ConnectionNotificationCode what)
{
    struct bb_admin *a = cls;
    struct line *l = *line;

    pthread_mutex_lock(&a->lock);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED && l) { /* its descriptor is still open */
        l->fd = -1;
    } else if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        for (l = a->lines; l < a->lines + LINES && l->fd >= 0; l++)
            ;
        *line = l < a->lines + LINES ? l : NULL;
        if (*line)
            *l = (struct line){
                .fd = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
                .heard = ++a->heard};
        quietest_end(a);
    }
    pthread_mutex_unlock(&a->lock);
}

static void line_set(struct bb_admin *a, struct MHD_Connection *conn, bool answering)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct line *l = info->socket_context;

    if (!l)
        return;
    pthread_mutex_lock(&a->lock);
    l->answering = answering;
    l->heard = ++a->heard;
    pthread_mutex_unlock(&a->lock);
}

/* ---- one request ----------------------------------------------------------------------------- */
static size_t keep_escapes(void *cls, struct MHD_Connection *c, char *s)
{
    (void)cls;
    (void)c;
    return strlen(s); /* the path is split first and decoded afterwards */
}

static void who_is(struct MHD_Connection *conn, char *out, size_t cap)
{
    int fd = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
        snprintf(out, cap, "uid %u", (unsigned)peer.uid);
    else
        snprintf(out, cap, "unknown uid");
}

static const char *argument(struct MHD_Connection *conn, const char *name)
{
    return MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, name);
}

/* Query arguments; 0, or -1 with the problem as the answer. */
static int query_read(struct MHD_Connection *conn, struct bb_call *c)
{
    const char *route = argument(conn, "route"), *from = argument(conn, "from");
    const char *max = argument(conn, "max"), *overtaken = argument(conn, "overtaken");
    const char *type = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Type");

    if ((route && bb_admin_decode(route, strlen(route), c->route, sizeof(c->route)) < 0) ||
        (from && bb_u64_parse(from, &c->from) < 0) || (max && bb_u64_parse(max, &c->max) < 0)) {
        bb_admin_problem(c, 400, "\"route\" must be a name, \"from\" and \"max\" whole numbers");
        return -1;
    }
    c->overtaken = overtaken && strcmp(overtaken, "true") == 0;
    c->packed = type && strncasecmp(type, "application/msgpack", 19) == 0;
    return 0;
}

static struct bb_call *call_make(struct bb_admin *a, struct MHD_Connection *conn,
                                 const char *method, const char *url)
{
    struct bb_call *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->o = &a->o;
    c->started_ms = a->started_ms;
    c->type = "application/json";
    bb_buf_init(&c->out, BB_REPORT_BYTES);
    /* JSON text can be longer than the message it becomes */
    bb_buf_init(&c->body, 2 * a->o.max_message + (64u << 10));
    who_is(conn, c->who, sizeof(c->who));
    c->path = bb_admin_match(bb_admin_paths, method, url, c);
    return c;
}

static void body_take(struct bb_call *c, const char *data, size_t n)
{
    if (c->path && !c->too_large && c->body.len + n <= c->body.max)
        bb_buf_put(&c->body, data, n);
    else
        c->body.failed = 1;
    if (c->body.failed) {
        bb_buf_free(&c->body);
        c->too_large = true;
    }
}

static void answer(struct MHD_Connection *conn, struct bb_call *c)
{
    if (c->path && c->too_large)
        bb_admin_problem(c, 413, "the body is larger than %llu bytes",
                         (unsigned long long)(2 * c->o->max_message + (64u << 10)));
    else if (c->path && query_read(conn, c) == 0)
        c->path->answer(c, c->path->what);
    else if (!c->path && c->status == 405)
        bb_admin_problem(c, 405, "this path only knows %s", c->allow);
    else if (!c->path && c->status == 400)
        bb_admin_problem(c, 400, "a part of the path is not valid");
    else if (!c->path)
        bb_admin_problem(c, 404, "there is no such path; /v1/status is one");
    if (c->out.failed)
        bb_admin_problem(c, 500, "the answer is too large");
}

static enum MHD_Result reply(struct MHD_Connection *conn, struct bb_call *c)
{
    struct MHD_Response *m;
    enum MHD_Result rc;
    char after[16];

    m = MHD_create_response_from_buffer(c->out.len, c->out.ptr ? c->out.ptr : (void *)"",
                                        MHD_RESPMEM_MUST_COPY);
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

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    struct bb_call *c = *state;

    (void)version;
    line_set(cls, conn, c && !*size);
    if (!c) {
        *state = call_make(cls, conn, method, url);
        return *state ? MHD_YES : MHD_NO;
    }
    if (*size) {
        body_take(c, data, *size);
        *size = 0;
        return MHD_YES;
    }
    answer(conn, c);
    line_set(cls, conn, false);
    return reply(conn, c);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct bb_call *c = *state;

    (void)cls;
    (void)conn;
    (void)why;
    if (!c)
        return;
    bb_buf_free(&c->out);
    bb_buf_free(&c->body);
    free(c);
    *state = NULL;
}

static void on_log(void *cls, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_log(void *cls, const char *fmt, va_list ap)
{
    char text[256];

    (void)cls;
    vsnprintf(text, sizeof(text), fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    bb_log_kv(BB_LOG_DEBUG, text, "part", "admin", NULL);
}

/* ---- life ------------------------------------------------------------------------------------ */
static void admin_free(struct bb_admin *a)
{
    if (a->folder_fd >= 0)
        close(a->folder_fd);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

struct bb_admin *bb_admin_start(const struct bb_admin_options *o, struct bb_fault *err)
{
    struct bb_admin *a = calloc(1, sizeof(*a));
    int fd;

    if (!a) {
        bb_fail(err, "out of memory");
        return NULL;
    }
    a->o = *o;
    a->folder_fd = -1;
    a->started_ms = bb_mono_ms();
    pthread_mutex_init(&a->lock, NULL);
    for (size_t i = 0; i < LINES; i++)
        a->lines[i].fd = -1;
    if (bb_admin_address(o->state_dir, a->address, sizeof(a->address), &a->folder_fd, err) < 0 ||
        (fd = bb_admin_listen(a->address, err)) < 0)
        goto fail;
    a->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ERROR_LOG | MHD_USE_ITC,
        0, NULL, NULL, on_request, a, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, LINES,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)(32u << 10), MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, a, MHD_OPTION_END);
    if (a->daemon)
        return a;
    bb_fail(err, "cannot start the admin server");
    unlink(a->address);
    close(fd);
fail:
    admin_free(a);
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
    admin_free(a);
}

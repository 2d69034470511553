/*
 * conn.c - sockets and their deadlines
 *
 * libmicrohttpd's own time-out counts from the last byte, so one byte now and then would hold a
 * connection for ever. Here each phase has a time as a whole: from the connection or the last
 * answer to the next request's headers, from the headers to the end of the body, from the answer
 * to its last byte.
 *
 * Thread: the instance's. Ownership: a conn lives from MHD's notice of the socket's start to its
 * end. Cutting is shutdown(): MHD then sees the end and closes in its own time.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include "source.h"

static void leave(struct conn *c)
{
    struct conn_list *l;

    if (c->phase >= PHASES)
        return;
    l = &c->source->list[c->phase];
    if (c->prev)
        c->prev->next = c->next;
    else
        l->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        l->last = c->prev;
    c->prev = c->next = NULL;
}

static void enter(struct conn *c, enum phase p)
{
    struct conn_list *l;

    c->phase = p;
    c->since_ms = c->source->now_ms;
    if (p >= PHASES)
        return;
    l = &c->source->list[p];
    c->next = NULL;
    c->prev = l->last;
    if (l->last)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
}

void conn_phase(struct conn *c, enum phase p)
{
    leave(c);
    enter(c, p);
}

struct conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return i ? i->socket_context : NULL;
}

void conn_on(void *arg, struct MHD_Connection *mhd, void **slot,
             enum MHD_ConnectionNotificationCode what)
{
    struct source *s = arg;
    const union MHD_ConnectionInfo *i;
    struct conn *c = *slot;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        i = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        c = calloc(1, sizeof *c);
        *slot = c;
        if (!i || !c) {
            free(c);
            *slot = NULL; /* request_on() turns it away */
            return;
        }
        c->source = s;
        c->mhd = mhd;
        c->fd = i->connect_fd;
        enter(c, PH_IDLE);
        s->open++;
    } else if (c) {
        leave(c);
        s->open--;
        free(c);
        *slot = NULL;
    }
}

uint32_t conn_expire(struct source *s)
{
    int64_t next = UINT32_MAX;

    for (int p = 0; p < PHASES; p++) {
        struct conn *c;
        while ((c = s->list[p].first)) {
            int64_t left = c->since_ms + s->timeout[p] - s->now_ms;
            if (left > 0) {
                next = left < next ? left : next;
                break;
            }
            shutdown(c->fd, SHUT_RDWR);
            conn_phase(c, PH_CUT);
        }
    }
    return (uint32_t)next;
}

/*
 * server.h - oauth_server.py as a child of the test, and its counters
 *
 * Thread: the test's. Ownership: server_end() ends the child, which ends with the test anyway: its
 * standard input is ours.
 */
#ifndef BB_TEST_HTTP_SERVER_H
#define BB_TEST_HTTP_SERVER_H

#include <sys/types.h>

struct server {
    pid_t pid;
    int in; /* closing it ends the server */
    unsigned port;
    char base[64]; /* "http://127.0.0.1:PORT" */
};
/* 0, or -1 when there is no python3. */
int server_start(struct server *s);
void server_end(struct server *s);
/* Sets members of its conf from JSON; "" only looks. */
void server_set(const struct server *s, const char *json);
/* One of its counters. */
long server_count(const struct server *s, const char *name);

#endif

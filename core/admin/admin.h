/*
 * admin.h - the HTTP API over STATE/admin.sock
 *
 * JSON over a Unix socket that only its owner (and root) may open. One thread a connection: a
 * request that waits for the hub holds up nobody else. Requests are bounded in head, body and time;
 * past BB_ADMIN_CONNECTIONS, the connection that was quiet for longest makes room for a new one.
 */
#ifndef BB_ADMIN_H
#define BB_ADMIN_H

#include "core/hub/hub.h"
#include "core/index/index.h"

#define BB_ADMIN_CONNECTIONS 64
#define BB_ADMIN_SOCKET "admin.sock"

struct bb_admin;
struct bb_admin_options { /* all of it outlives the server */
    struct bb_hub *hub;
    struct bb_journal *journal;
    struct bb_index *index; /* or NULL */
    const char *state_dir;
    const char *version;
    uint64_t max_message;
    const struct bb_generation *generation; /* for what its endpoints accept; or NULL */
};
struct bb_admin *bb_admin_start(const struct bb_admin_options *o, struct bb_fault *err);
/* Ends its connections, waits for its threads, removes the socket. */
void bb_admin_stop(struct bb_admin **ap);
/* The address of a socket in a folder, also where the path is too long for sun_path: then by way of
 * a descriptor that *fd gets (-1: none) and that stays open as long as the text is used. 0 or -1. */
int bb_admin_address(const char *folder, char *out, size_t cap, int *fd, struct bb_fault *err);

#endif

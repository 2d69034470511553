/*
 * socket.c - the address of STATE/admin.sock, and listening on it
 *
 * A socket file that nobody listens on is left from a run that was killed, and is replaced.
 */
#define _GNU_SOURCE 1
#include "core/admin/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

int bb_admin_listen(const char *address, struct bb_fault *err)
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

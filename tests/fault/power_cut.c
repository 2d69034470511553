/*
 * power_cut.c - cuts the power of a mounted ext4: power_cut MOUNTPOINT
 *
 * EXT4_IOC_SHUTDOWN with NOLOGFLUSH: from here on nothing more reaches the device, not even the
 * file system's own journal. What the kernel had written back before stays; no sector is torn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SHUTDOWN _IOR('X', 125, uint32_t) /* FS_IOC_SHUTDOWN, not in every kernel's headers */
#define NOLOGFLUSH 2u

int main(int argc, char **argv)
{
    uint32_t how = NOLOGFLUSH;
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd < 0 || ioctl(fd, SHUTDOWN, &how) != 0) {
        fprintf(stderr, "power_cut %s: %s\n", argc == 2 ? argv[1] : "MOUNTPOINT",
                argc == 2 ? strerror(errno) : "one argument");
        return 1;
    }
    close(fd);
    return 0;
}

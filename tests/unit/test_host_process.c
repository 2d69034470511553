/* test_host_process.c - a host as a process: crash, kill, restart, memory, its life line, what it
 * inherits */
#include "tests/unit/host_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void ends(struct rig *h, const char *how)
{
    struct pollfd p = {bb_child_fd(h->child), POLLIN, 0};
    char text[96] = "";

    ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
    ck_assert(bb_child_ended(h->child, text, sizeof(text)));
    ck_assert_msg(strstr(text, how) != NULL, "it ended otherwise: %s", text);
    bb_child_free(&h->child);
}

START_TEST(crash_kill_restart)
{
    struct rig h;
    struct rig_welcome crash = {.plugin = "crash", .config = "{\"at\": 3}"};
    struct rig_welcome hang = {.plugin = "hang"}, count = {.plugin = "count"};

    rig_up(&h, true, &crash);
    ck_assert_int_gt(bb_child_pid(h.child), 0);
    rig_deliver(&h, 1, 2, BB_DELIVER_OP, 0);
    ck_assert_int_eq(rig_result(&h).status, BB_OK);
    ck_assert_int_eq(rig_result(&h).status, BB_OK);
    rig_deliver(&h, 3, 1, BB_DELIVER_OP, 0);
    ends(&h, SANITIZED ? "" : "killed by signal 11 (SIGSEGV)");

    rig_start(&h, 0);
    rig_welcome(&h, &hang);
    rig_want(&h, BB_F_READY);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 0);
    ck_assert(!rig_next(&h, BB_F_RESULT, 50));
    ck_assert(!bb_child_ended(h.child, NULL, 0));
    bb_child_kill(h.child);
    ends(&h, "killed by signal 9 (SIGKILL)");

    rig_start(&h, 0);
    rig_welcome(&h, &count);
    rig_want(&h, BB_F_READY);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 0);
    ck_assert_int_eq(rig_result(&h).status, BB_OK);
    rig_stop(&h);
    rig_want(&h, BB_F_STOPPED);
    ends(&h, "exited with status 0");
    rig_close(&h);
}
END_TEST

START_TEST(leak_hits_its_limit)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "leak", .config = "{\"at\": 16}"};
    unsigned ok = 0;

    rig_open(&h, true);
    rig_start(&h, 256u << 20);
    rig_welcome(&h, &w);
    rig_want(&h, BB_F_READY);
    for (;; ok++) {
        rig_deliver(&h, ok + 1, 1, BB_DELIVER_OP, 0);
        if (rig_result(&h).status != BB_OK)
            break;
        ck_assert_uint_lt(ok, 16);
    }
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

/* The core is gone when the pipe closes: the host must not outlive it. */
START_TEST(the_life_line)
{
    struct rig h;
    int p[2], status = -1;
    pid_t pid;

    rig_open(&h, true);
    ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        char fd[16];

        fcntl(p[0], F_SETFD, 0);
        snprintf(fd, sizeof(fd), "%d", p[0]);
        execl(rig_self, rig_self, "host", "--endpoint", "erp", "--connect", h.address, "--workers",
              "1", "--fd", fd, (char *)NULL);
        _exit(99);
    }
    close(p[0]);
    ck_assert_int_eq(write(p[1], "0123456789abcdef", 16), 16);
    rig_want(&h, BB_F_HELLO);
    ck_assert(memcmp(h.f.hello.secret.ptr, "0123456789abcdef", 16) == 0);
    ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
    close(p[1]);
    for (uint64_t end = rig_now() + WAIT_MS; waitpid(pid, &status, WNOHANG) == 0;) {
        ck_assert_msg(rig_now() < end, "it outlives its core");
        poll(NULL, 0, 1);
    }
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    rig_close(&h);
}
END_TEST

START_TEST(a_host_inherits_no_descriptor_and_little_environment)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count"};
    char path[64], buf[8192], link[512];
    int fd, leak;
    ssize_t n;

    setenv("BB_TEST_SECRET_OF_THE_CORE", "s3cret", 1);
    leak = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(leak, 0);
    rig_up(&h, true, &w);
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)bb_child_pid(h.child));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) { /* not dumpable: only root may look */
        n = read(fd, buf, sizeof(buf));
        ck_assert(n <= 0 || !memmem(buf, (size_t)n, "s3cret", 6));
        close(fd);
    }
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)bb_child_pid(h.child), leak);
    n = readlink(path, link, sizeof(link) - 1);
    if (n > 0) {
        link[n] = '\0';
        ck_assert_msg(strcmp(link, "/dev/null") != 0 || leak <= 2, "descriptor %d leaked", leak);
    }
    close(leak);
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

static void fill(TCase *t)
{
    tcase_add_test(t, crash_kill_restart);
    if (!SANITIZED) /* a sanitizer's shadow memory is far above any limit */
        tcase_add_test(t, leak_hits_its_limit);
    tcase_add_test(t, the_life_line);
    tcase_add_test(t, a_host_inherits_no_descriptor_and_little_environment);
}

int main(int argc, char **argv)
{
    return rig_main(argc, argv, fill);
}

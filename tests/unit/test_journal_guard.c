/*
 * test_journal_guard.c - what a core says when its journal's file is cut short under it
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/unit/journal_filled.h"

/* 0: the journal's file is cut off, 1: some other file is, 2: somebody sends the signal. */
static void guarded(struct rig *r, const char *path, int how)
{
    struct bb_read rd = {.kind = BB_READ_FEED, .max_items = 100, .max_bytes = 1 << 20};
    volatile const char *p;
    int fd;

    rig_open(r);
    rd.route = plain;
    if (bb_journal_guard(r->j) != 0)
        _exit(9);
    if (how == 2)
        raise(SIGBUS);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ftruncate(fd, 4096) != 0)
        _exit(10);
    if (how == 0) /* the journal's own thread meets the missing pages */
        rig_read(r, &rd);
    p = mmap(NULL, 65536, PROT_READ, MAP_SHARED, fd, 0);
    _exit(p[40000] ? 11 : 12);
}

START_TEST(guard_speaks)
{
    struct rlimit none = {0, 0};
    char path[160], text[2000] = "", *word;
    int pipes[2], status;
    ssize_t n;
    struct rig r;
    pid_t pid;

    rig_init(&r);
    fill(&r);
    bb_journal_close(&r.j);
    snprintf(path, sizeof path, "%s/%s", r.dir, _i ? "reserve" : "data.mdb");
    ck_assert_int_eq(pipe(pipes), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGBUS, SIG_DFL);
        dup2(pipes[1], STDERR_FILENO);
        guarded(&r, path, _i);
    }
    close(pipes[1]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    n = read(pipes[0], text, sizeof text - 1);
    close(pipes[0]);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "status %x, %zd: %s", status, n,
                  text);
    word = strstr(text, "`busbar journal check`");
    if (_i == 0) {
        ck_assert_ptr_nonnull(strstr(text, r.dir));
        ck_assert_ptr_nonnull(word);
        ck_assert_ptr_null(strstr(word + 1, "`busbar journal check`")); /* once */
    } else {
        ck_assert_ptr_null(word);
    }
    rig_end(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal guard");
    TCase *t = tcase_create("journal guard");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, guard_speaks, 0, 3);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

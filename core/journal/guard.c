/*
 * guard.c - a last word when the store's map cannot be read
 *
 * LMDB reads its file through a map: where the disk gives no page, or the file was cut off, the
 * kernel sends SIGBUS and the process ends without a word. The handler says which file that was,
 * puts back what was there before and returns: the access fails again and ends the process as it
 * would have. Any other fault only gets the second part.
 * Thread: bb_journal_guard the opener's, once; the handler any, so it only compares and writes.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include "core/journal/internal.h"

static struct {
    uintptr_t from, to;
    size_t len;
    char text[800];
    struct sigaction before[2]; /* SIGBUS, SIGSEGV */
} guard;

static void fault(int sig, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;

    (void)context;
    if (info->si_code > 0 && at >= guard.from && at < guard.to)
        (void)!write(STDERR_FILENO, guard.text, guard.len);
    (void)sigaction(sig, &guard.before[sig == SIGSEGV], NULL);
    if (info->si_code <= 0) /* sent by a process: returning would not bring it again */
        (void)raise(sig);
}

/* LMDB tells where its map lies only if it was told; the kernel always knows. */
static int map_find(size_t size)
{
    static const char name[] = "/data.mdb";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/proc/self/maps", "re");
    char line[4600];

    if (!f)
        return -1;
    size = (size + page - 1) / page * page;
    while (!guard.to && fgets(line, sizeof line, f)) {
        uintptr_t from, to;
        size_t n = strcspn(line, "\n");

        if (n >= sizeof name && memcmp(line + n - (sizeof name - 1), name, sizeof name - 1) == 0 &&
            sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2 && to - from == size) {
            guard.from = from;
            guard.to = to;
        }
    }
    fclose(f);
    return guard.to ? 0 : -1;
}

int bb_journal_guard(const struct bb_journal *j)
{
    static const int signals[2] = {SIGBUS, SIGSEGV};
    struct sigaction a = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    MDB_envinfo info;
    int n;

    guard.from = guard.to = 0;
    if (mdb_env_info(j->store.env, &info) != 0 || map_find(info.me_mapsize) != 0)
        return -1;
    n = snprintf(guard.text, sizeof guard.text,
                 "busbar: journal %s: the journal's file has a damaged page or cannot be read: run "
                 "`busbar journal check` and `busbar journal salvage`\n", j->dir);
    guard.len = n < 0 ? 0 : (size_t)n < sizeof guard.text ? (size_t)n : sizeof guard.text - 1;
    sigemptyset(&a.sa_mask);
    for (int i = 0; i < 2; i++)
        if (sigaction(signals[i], &a, &guard.before[i]) != 0)
            return -1;
    return 0;
}

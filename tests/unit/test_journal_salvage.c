/*
 * test_journal_salvage.c - backup of a running journal, and salvage of what a damaged one still has
 */
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include "tests/unit/journal_filled.h"

static void *back_up(void *arg)
{
    struct rig *r = arg;
    char dest[160];
    struct bb_fault err = {0};

    snprintf(dest, sizeof dest, "%s/copy", r->dir);
    return bb_journal_backup(r->dir, dest, &err) == 0 ? NULL : strdup(err.text);
}

/* Of a journal that is being written: what had been acknowledged before it is in it, it is sound, and
 * a core can go on from it. */
START_TEST(backup_running)
{
    struct bb_check_report rep;
    struct bb_fault err = {0};
    struct seen s = {0};
    struct rig r, copy;
    struct bb_view *v;
    pthread_t t;
    uint64_t before;
    void *why;
    char text[32];

    rig_init(&r);
    fill(&r);
    before = N + 1;
    ck_assert_int_eq(pthread_create(&t, NULL, back_up, &r), 0);
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "during-%d", i);
        rig_append(&r, plain, 0, text);
    }
    pthread_join(t, &why);
    ck_assert_msg(why == NULL, "%s", (char *)why);
    copy = r;
    snprintf(copy.dir, sizeof copy.dir, "%.50s/copy", r.dir);
    ck_assert_msg(checked(&copy, &rep) == 0, "%s", found);
    ck_assert_uint_ge(rep.messages, before);
    rig_open(&copy);
    ck_assert_mem_eq(bb_journal_id(copy.j), bb_journal_id(r.j), 16);
    ck_assert_uint_eq(rig_append(&copy, plain, 0, "next"), rep.messages + 1);
    v = bb_view_of(copy.j);
    ck_assert_int_eq(bb_view_messages(v, 0, N, see_message, &s), 0);
    ck_assert_uint_eq(s.n, N);
    bb_view_close(&v);
    /* neither into a folder that holds something, nor of what is no journal */
    ck_assert_int_eq(bb_journal_backup(r.dir, copy.dir, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "empty"));
    rig_end(&copy);
    ck_assert_int_eq(bb_journal_backup("/nonexistent/journal", copy.dir, &err), -1);
    ck_assert_int_eq(bb_journal_backup(r.dir, "/nonexistent/a/b", &err), -1);
    (void)rmdir(copy.dir);
    rig_end(&r);
}
END_TEST

/* By LMDB's own word, the pages that its trees have above their leaves. */
static void roots_overwrite(const struct rig *r)
{
    char path[128];
    uint8_t page[4096];
    struct stat st;
    int fd, hit = 0;

    snprintf(path, sizeof path, "%s/data.mdb", r->dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    for (off_t at = 2 * 4096; at + 4096 <= st.st_size; at += 4096) {
        uint16_t flags;
        ck_assert_int_eq(pread(fd, page, sizeof page, at), sizeof page);
        memcpy(&flags, page + 10, 2);
        if (bb_le64(page) == (uint64_t)at / 4096 && flags & 1) { /* P_BRANCH */
            overwrite(r, at, at + 4096);
            hit++;
        }
    }
    close(fd);
    ck_assert_int_gt(hit, 0);
}

START_TEST(salvage_without_trees)
{
    struct bb_check_report rep;
    struct bb_fault err = {0};
    struct bb_view *v;
    struct seen s;
    struct rig r;

    rig_init(&r);
    ck_assert_int_eq(salvage(&r, &s), 0); /* nothing in it */
    fill(&r);
    bb_journal_close(&r.j);
    ck_assert_int_eq(salvage(&r, &s), N + 1); /* a sound one gives everything, each once */
    overwrite(&r, 0, 2 * 4096);
    roots_overwrite(&r);
    v = bb_view_open(r.dir, &err);
    ck_assert_ptr_null(v);
    ck_assert_int_eq(bb_journal_check(r.dir, &rep, NULL, NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, r.dir));
    ck_assert_int_eq(salvage(&r, &s), N + 1);
    ck_assert_uint_eq(s.n, N + 1);
    ck_assert_uint_eq(s.bad, 0);
    rig_end(&r);
}
END_TEST

static int stop_soon(void *arg, const struct bb_record *m)
{
    unsigned *n = arg;
    (void)m;
    return ++*n == 3;
}

START_TEST(salvage_damaged)
{
    struct bb_fault err = {0};
    struct seen s;
    struct rig r;
    char path[128];
    unsigned n = 0;

    rig_init(&r);
    fill(&r);
    bb_journal_close(&r.j);
    damage(&r, &damages[0]); /* message 9; an older page may still hold it whole */
    ck_assert_int_ge(salvage(&r, &s), N);
    ck_assert_int_le(salvage(&r, &s), N + 1);
    ck_assert_int_ge(bb_journal_salvage(r.dir, stop_soon, &n, &unread, &err), 2);
    ck_assert_uint_eq(n, 3);
    snprintf(path, sizeof path, "%s/data.mdb", r.dir);
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(bb_journal_salvage(r.dir, stop_soon, &n, &unread, &err), -1);
    ck_assert_int_eq(bb_journal_salvage("/nonexistent/journal", stop_soon, &n, &unread, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/journal"));
    rig_end(&r);
}
END_TEST

/* Every read of this part of a file fails, as a disk's bad block does. */
static off_t bad_from, bad_to;

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    if (bad_to && at < bad_to && at + (off_t)n > bad_from) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, to, n, at);
}

/* The last block of the store's file that is all of a message's filling. */
static off_t last_filled(struct rig *r)
{
    char path[128], block[4096];
    off_t at;
    int fd;

    snprintf(path, sizeof path, "%s/data.mdb", r->dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    for (at = lseek(fd, 0, SEEK_END) / 4096 * 4096; at > 0; at -= 4096) {
        size_t i = 0;
        if (pread(fd, block, sizeof block, at) == sizeof block)
            while (i < sizeof block && block[i] == 'x')
                i++;
        if (i == sizeof block)
            break;
    }
    close(fd);
    ck_assert_int_gt(at, 0);
    return at;
}

static size_t wholes;

static int see_whole(void *arg, const struct bb_record *m)
{
    (void)arg;
    wholes += m->whole.len;
    return 0;
}

/* Records across the window's edges, one longer than it, and blocks that cannot be read. */
START_TEST(salvage_windows)
{
    enum { SMALL = 40, BIG = 9000000, PAD = 300001 };
    struct bb_match match = {.lane = 1};
    struct bb_append_msg m = {.n_match = 1};
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.msgs = &m, .n = 1, .matches = &match, .n_matches = 1}};
    struct bb_fault err = {0};
    size_t all = 0;
    struct rig r;
    int64_t n;

    rig_init(&r);
    match.route = rig_route(&r, "a");
    for (int i = 0; i < SMALL + 2; i++) {
        struct bb_buf b;
        m.whole = rig_message(&b, "x", NULL, "d", i % SMALL ? PAD : BIG);
        all += m.whole.len;
        ck_assert_int_eq(rig_do(&r, &op), BB_OK);
        bb_buf_free(&b);
    }
    bb_journal_close(&r.j);
    for (int i = 0; i < 2; i++) { /* the log has some of them too */
        char path[128];
        snprintf(path, sizeof path, "%s/wal.%d", r.dir, i);
        ck_assert_int_eq(unlink(path), 0);
    }
    wholes = 0;
    ck_assert_int_eq(bb_journal_salvage(r.dir, see_whole, NULL, &unread, &err), SMALL + 2);
    ck_assert_uint_eq(wholes, all);
    ck_assert_uint_eq(unread, 0);
    bad_from = last_filled(&r) - 4096;
    bad_to = bad_from + 2 * 4096;
    wholes = 0;
    n = bb_journal_salvage(r.dir, see_whole, NULL, &unread, &err);
    bad_from = bad_to = 0;
    ck_assert_int_ge(n, SMALL);
    ck_assert_int_lt(n, SMALL + 2);
    ck_assert_uint_eq(unread, 2 * 4096);
    ck_assert_uint_ge(wholes, all - 2 * (PAD + 200));
    rig_end(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal backup and salvage");
    TCase *t = tcase_create("journal backup and salvage");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, backup_running);
    tcase_add_test(t, salvage_without_trees);
    tcase_add_test(t, salvage_damaged);
    tcase_add_test(t, salvage_windows);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

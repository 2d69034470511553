/*
 * test_wal.c - the redo log: what a crash leaves is done again, damage is said, checkpoints turn
 *
 * A crash is a child that ends without closing: what it had synced and what only the page cache had
 * are both there, as after kill -9. Power cuts are tests/fault/power-cut.sh's.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "core/journal/internal.h"
#include "tests/unit/journal_rig.h"

static struct rig R;

/* In a child: no sync of the store's file comes back. */
static atomic_bool hangs;
static bool hang;

BB_EXPORT int fdatasync(int fd)
{
    char link[64], path[300] = "";

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) > 0 && strstr(path, "/data.mdb"))
        while (atomic_load(&hangs))
            pause();
    return (int)syscall(SYS_fdatasync, fd);
}

static bool keep; /* the store as it is when its log begins, in a file "kept" */

static void file_remove(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", R.dir, name);
    ck_assert_int_eq(unlink(path), 0);
}

static void setup(void)
{
    rig_init(&R);
    bb_journal_close(&R.j);
    file_remove("wal.0"); /* they would stay as large as they are */
    file_remove("wal.1");
    R.o.wal_size = 128 << 10; /* a hundred kilobytes of records: checkpoints come often */
    R.o.map_size = 64 << 20;
}

static void teardown(void)
{
    rig_end(&R);
}

static uint64_t append(uint32_t route, const char *id, size_t pad)
{
    struct bb_match match = {.route = route};
    struct bb_append_msg m = {.n_match = 1};
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.msgs = &m, .n = 1, .matches = &match, .n_matches = 1}};
    struct bb_buf b;

    m.whole = rig_message(&b, id, NULL, "d", pad);
    ck_assert_msg(rig_do(&R, &op) == BB_OK, "%s", op.text);
    bb_buf_free(&b);
    return m.seq;
}

/* Opens, appends n messages of "pad" bytes, settles every third, and is gone. */
static void crash_after(unsigned n, size_t pad)
{
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        uint32_t a;
        char cmd[300];
        rig_open(&R);
        snprintf(cmd, sizeof cmd, "cp %s/data.mdb %s/kept", R.dir, R.dir);
        if (keep && system(cmd) != 0)
            _exit(1);
        atomic_store(&hangs, hang);
        a = rig_route(&R, "a");
        for (unsigned i = 0; i < n; i++) {
            uint64_t ord = rig_state(&R, a).tail, seq = append(a, "m", pad);
            if (i % 3 == 0)
                rig_settle(&R, (struct bb_settle){.route = a, .ord = ord, .seq = seq,
                                                  .to = BB_TO_QUARANTINED});
        }
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

static uint64_t file_size(const char *name)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", R.dir, name);
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static int file_open(const char *name)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/%s", R.dir, name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void expect(uint64_t messages, uint64_t quarantined)
{
    struct bb_journal_stats s;
    struct bb_route_state st;
    uint32_t a;

    rig_open(&R);
    a = rig_route(&R, "a");
    bb_journal_stats(R.j, &s);
    st = rig_state(&R, a);
    ck_assert_uint_eq(s.messages, messages);
    ck_assert_uint_eq(s.accepted, messages);
    ck_assert_uint_eq(st.tail, messages);
    ck_assert_uint_eq(st.counts[BB_D_QUARANTINED], quarantined);
    for (uint64_t ord = 0, seq = 1; seq <= messages; seq++, ord++) {
        struct bb_read_item it = {.seq = seq};
        struct bb_read rd = {.kind = BB_READ_ROWS, .route = a, .items = &it, .n = 1, .max_bytes = 1 << 26};
        rig_read(&R, &rd);
        ck_assert_int_eq(it.bad, 0);
        ck_assert_uint_gt(it.whole.len, 0);
        bb_journal_read_free(&rd);
    }
}

static void check_sound(void)
{
    struct bb_check_report rep;
    struct bb_fault err = {0};

    ck_assert_msg(bb_journal_check(R.dir, &rep, NULL, NULL, &err) == 0, "%s", err.text);
}

/* Few commits stay in one generation; hundreds turn it several times. */
START_TEST(a_crash_loses_nothing)
{
    static const unsigned counts[] = {1, 7, 30, 400};
    unsigned n = counts[_i];

    crash_after(n, 100);
    expect(n, (n + 2) / 3);
    check_sound();
}
END_TEST

/* The checkpoint behind a new generation was not made: both of them are needed. */
START_TEST(a_crash_before_the_checkpoint)
{
    hang = true;
    crash_after(35, 100);
    hang = false;
    expect(35, 12);
    check_sound();
}
END_TEST

/* Another process reads on while the core crashes and comes back: LMDB's lock file, which it keeps,
 * holds the number of a transaction that is no more. */
START_TEST(a_reader_stays_over_a_crash)
{
    struct bb_fault err = {0};
    struct bb_view *v;

    crash_after(5, 100);
    v = bb_view_open(R.dir, &err);
    ck_assert_msg(v != NULL, "%s", err.text);
    for (unsigned i = 60; i < 66; i++)
        crash_after(i, 100);
    bb_view_close(&v); /* LMDB must not open a file twice in one process */
    expect(380, 129);
    check_sound();
}
END_TEST

START_TEST(crash_after_crash)
{
    for (unsigned i = 1; i <= 5; i++)
        crash_after(20, 1000);
    expect(100, 35);
    check_sound();
}
END_TEST

/* Nobody opens the journal in between: the one who looks does what the crash left. */
START_TEST(who_looks_recovers)
{
    struct bb_fault err = {0};
    struct bb_check_report rep;
    struct bb_view *v;

    crash_after(9, 100);
    if (_i == 0) {
        ck_assert_msg(bb_journal_check(R.dir, &rep, NULL, NULL, &err) == 0, "%s", err.text);
        ck_assert_uint_eq(rep.messages, 9);
    } else {
        v = bb_view_open(R.dir, &err);
        ck_assert_msg(v != NULL, "%s", err.text);
        bb_view_close(&v);
    }
    expect(9, 3);
}
END_TEST

/* The store as it was when the generation began, the log since: as if no page of it had been
 * written back. */
START_TEST(the_log_alone_has_it)
{
    char cmd[400];

    crash_after(3, 100);
    keep = true;
    crash_after(12, 100);
    snprintf(cmd, sizeof cmd, "mv %s/kept %s/data.mdb", R.dir, R.dir);
    ck_assert_int_eq(system(cmd), 0);
    expect(15, 5);
    check_sound();
}
END_TEST

/* What was being written when the power went is not there, and takes nothing else with it. */
START_TEST(a_torn_record_ends_the_log)
{
    struct bb_wal_rec h;
    uint64_t at, last = 0;
    int fd;

    R.o.wal_size = 1 << 20;
    crash_after(10, 100);
    for (int i = 0; i < 2 && !last; i++) {
        fd = file_open(i ? "wal.1" : "wal.0");
        for (at = bb_wal_start(4096); pread(fd, &h, sizeof h, (off_t)at) == sizeof h &&
             h.magic == BB_WAL_REC; at += bb_wal_pad(sizeof h + (size_t)h.len))
            last = at;
        if (last)
            ck_assert_int_eq(pwrite(fd, "torn", 4, (off_t)(last + sizeof h + 20)), 4);
        close(fd);
    }
    ck_assert_uint_gt(last, 0);
    expect(10, 3); /* the last commit was the tenth's settlement: gone */
    check_sound();
}
END_TEST

START_TEST(a_torn_head_hides_nothing)
{
    char junk[3000];
    int fd;

    memset(junk, 'x', sizeof junk);
    crash_after(10, 100);
    fd = file_open(_i ? "wal.1" : "wal.0");
    ck_assert_int_eq(pwrite(fd, junk, sizeof junk, 50), sizeof junk);
    close(fd);
    expect(10, 4);
}
END_TEST

START_TEST(a_damaged_head_is_said)
{
    struct bb_fault err = {0};
    char junk[20000];
    int fd;

    memset(junk, 'x', sizeof junk);
    crash_after(10, 100);
    fd = file_open(_i ? "wal.1" : "wal.0");
    ck_assert_int_eq(pwrite(fd, junk, sizeof junk, 50), sizeof junk);
    close(fd);
    ck_assert_ptr_null(bb_journal_open(&R.o, &err));
    ck_assert_msg(strstr(err.text, _i ? "wal.1 is damaged" : "wal.0 is damaged") &&
                  strstr(err.text, "salvage"), "%s", err.text);
}
END_TEST

static int count(void *arg, const struct bb_record *r)
{
    (void)r;
    ++*(unsigned *)arg;
    return 0;
}

/* A store put back under a crashed one's log must not be mixed with it. */
START_TEST(a_backup_under_an_old_log_is_refused)
{
    struct bb_fault err = {0};
    char path[200], cmd[600];
    uint64_t unread;
    unsigned n = 0;

    crash_after(40, 100);
    rig_open(&R);
    bb_journal_close(&R.j);
    snprintf(path, sizeof path, "%s/kept", R.dir);
    ck_assert_msg(bb_journal_backup(R.dir, path, &err) == 0, "%s", err.text);
    crash_after(10, 100);
    ck_assert_int_eq(bb_journal_salvage(R.dir, count, &n, &unread, &err), 50);
    ck_assert_uint_eq(n, 50);
    snprintf(cmd, sizeof cmd, "mv %s/data.mdb %s/data.mdb && rmdir %s", path, R.dir, path);
    ck_assert_int_eq(system(cmd), 0);
    ck_assert_ptr_null(bb_journal_open(&R.o, &err));
    ck_assert_msg(strstr(err.text, "backup") && strstr(err.text, "remove"), "%s", err.text);
    file_remove("wal.0");
    file_remove("wal.1");
    expect(40, 14);
}
END_TEST

/* Somebody else's log, or half of it: refused, and what is there is not changed by that. */
START_TEST(the_log_of_another_is_refused)
{
    static const char *const what[] = {"another journal's", "of two journals", "of two journals"};
    static const char *const files[] = {"wal.0 wal.1", "wal.0", "wal.1"};
    struct bb_fault err = {0};
    struct rig mine = R;
    char other[64], cmd[600];

    crash_after(60, 100);
    rig_init(&R); /* the other one, with fewer transactions */
    bb_journal_close(&R.j);
    file_remove("wal.0");
    file_remove("wal.1");
    R.o.wal_size = mine.o.wal_size;
    R.o.map_size = mine.o.map_size;
    crash_after(30, 100);
    snprintf(other, sizeof other, "%s", R.dir);
    R = mine;
    snprintf(cmd, sizeof cmd, "cd %s && mkdir own && mv %s own/ && cd %s && cp %s %s/", R.dir, files[_i], other,
             files[_i], R.dir);
    ck_assert_int_eq(system(cmd), 0);
    for (int again = 0; again < 2; again++) {
        ck_assert_ptr_null(bb_journal_open(&R.o, &err));
        ck_assert_msg(strstr(err.text, what[_i]) && strstr(err.text, "put"), "%s", err.text);
    }
    snprintf(cmd, sizeof cmd, "cd %s && mv own/* . && rmdir own && rm -r %s", R.dir, other);
    ck_assert_int_eq(system(cmd), 0);
    expect(60, 20);
}
END_TEST

/* One record of many: what comes after it was answered, too. */
START_TEST(a_damaged_record_is_said)
{
    struct bb_fault err = {0};
    struct bb_wal_rec h;
    uint64_t at = bb_wal_start(4096);
    int fd, n = 0;

    R.o.wal_size = 1 << 20;
    crash_after(20, 100);
    fd = file_open("wal.0");
    if (pread(fd, &h, sizeof h, (off_t)at) != sizeof h || h.magic != BB_WAL_REC) {
        close(fd);
        fd = file_open("wal.1");
    }
    while (n++ < 5 && pread(fd, &h, sizeof h, (off_t)at) == sizeof h && h.magic == BB_WAL_REC)
        at += bb_wal_pad(sizeof h + (size_t)h.len);
    ck_assert_int_eq(n, 6);
    ck_assert_int_eq(pwrite(fd, "flip", 4, (off_t)(at + sizeof h + 20)), 4);
    close(fd);
    ck_assert_ptr_null(bb_journal_open(&R.o, &err));
    ck_assert_msg(strstr(err.text, "damaged record") && strstr(err.text, "salvage"), "%s", err.text);
}
END_TEST

/* Half of the log is no log. */
START_TEST(a_missing_file_is_said)
{
    struct bb_fault err = {0};

    crash_after(_i < 2 ? 10 : 60, 100);
    file_remove(_i % 2 ? "wal.1" : "wal.0");
    ck_assert_ptr_null(bb_journal_open(&R.o, &err));
    ck_assert_msg(strstr(err.text, _i % 2 ? "wal.1" : "wal.0") != NULL, "%s", err.text);
}
END_TEST

/* The core copies itself: its pins must outlive that. */
START_TEST(a_backup_of_its_own_harms_nothing)
{
    struct bb_fault err = {0};
    char to[200], cmd[300];
    int status = 0;
    pid_t pid;

    crash_after(300, 100);
    pid = fork();
    if (pid == 0) {
        uint32_t a;
        rig_open(&R);
        a = rig_route(&R, "a");
        for (int i = 0; i < 80; i++)
            append(a, "m", 100);
        snprintf(to, sizeof to, "%s/copy", R.dir);
        if (bb_journal_backup_of(R.j, to, &err) != 0)
            _exit(1);
        for (int i = 0; i < 30; i++)
            append(a, "m", 100);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    expect(410, 100);
    check_sound();
    snprintf(cmd, sizeof cmd, "rm -r %s/copy", R.dir);
    ck_assert_int_eq(system(cmd), 0);
}
END_TEST

/* A message that no file of the log can hold goes by LMDB's own syncs, and the log comes back. */
START_TEST(one_that_is_too_long_for_the_log)
{
    crash_after(1, 3 << 20);
    crash_after(5, 100);
    crash_after(2, 1 << 20);
    expect(8, 4);
    ck_assert_uint_eq(file_size("wal.0"), 128 << 10);
}
END_TEST

/* A crash while the store was made: the next start makes it. One that was ever used and is as short
 * is damage. */
START_TEST(half_a_store)
{
    struct bb_fault err = {0};
    char path[128];

    snprintf(path, sizeof path, "%s/data.mdb", R.dir);
    if (_i == 0) {
        ck_assert_int_eq(truncate(path, 4096), 0);
        expect(0, 0);
    } else {
        crash_after(1, 100);
        rig_open(&R);
        bb_journal_close(&R.j);
        ck_assert_int_eq(truncate(path, 4096), 0);
        ck_assert_ptr_null(bb_journal_open(&R.o, &err));
    }
}
END_TEST

/* The files are made again where they were taken away while nothing ran, and grow where more is
 * asked for. */
START_TEST(files_are_made)
{
    crash_after(5, 100);
    rig_open(&R);
    bb_journal_close(&R.j);
    file_remove("wal.0");
    file_remove("wal.1");
    crash_after(5, 100);
    R.o.wal_size = 1 << 20;
    expect(10, 4);
    ck_assert_uint_eq(file_size("wal.0"), 1 << 20);
    ck_assert_uint_eq(file_size("wal.1"), 1 << 20);
}
END_TEST

/* _i: which of the files goes, both with 3. What is acknowledged a while after is there after a crash. */
START_TEST(a_removed_log_is_noticed)
{
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct timespec wait = {0, 20000000};
        uint64_t until;
        uint32_t a;
        rig_open(&R);
        a = rig_route(&R, "a");
        append(a, "m", 100);
        for (int k = 0; k < 2; k++)
            if (_i & 1 << k)
                file_remove(k ? "wal.1" : "wal.0");
        until = bb_mono_us() + 3000000; /* it looks each second, with the operations */
        while (bb_mono_us() < until) {
            append(a, "m", 100);
            nanosleep(&wait, NULL);
            if (!R.j->wal.on)
                break;
        }
        for (int k = 0; k < 5; k++)
            append(a, "last", 100);
        _exit(R.j->wal.on ? 1 : 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(file_size("wal.0") + file_size("wal.1"), 0);
    rig_open(&R);
    {
        struct bb_journal_stats s;
        uint32_t a = rig_route(&R, "a");
        bb_journal_stats(R.j, &s);
        ck_assert_uint_ge(s.messages, 7);
        ck_assert_uint_eq(rig_state(&R, a).tail, s.messages);
    }
    bb_journal_close(&R.j);
    check_sound();
    rig_open(&R);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("wal");
    TCase *t = tcase_create("wal");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, a_crash_loses_nothing, 0, 4);
    tcase_add_test(t, a_crash_before_the_checkpoint);
    tcase_add_test(t, a_reader_stays_over_a_crash);
    tcase_add_test(t, crash_after_crash);
    tcase_add_loop_test(t, who_looks_recovers, 0, 2);
    tcase_add_test(t, the_log_alone_has_it);
    tcase_add_test(t, a_torn_record_ends_the_log);
    tcase_add_loop_test(t, a_torn_head_hides_nothing, 0, 2);
    tcase_add_loop_test(t, a_damaged_head_is_said, 0, 2);
    tcase_add_test(t, a_damaged_record_is_said);
    tcase_add_loop_test(t, a_missing_file_is_said, 0, 4);
    tcase_add_test(t, a_backup_of_its_own_harms_nothing);
    tcase_add_test(t, a_backup_under_an_old_log_is_refused);
    tcase_add_loop_test(t, the_log_of_another_is_refused, 0, 3);
    tcase_add_test(t, one_that_is_too_long_for_the_log);
    tcase_add_loop_test(t, half_a_store, 0, 2);
    tcase_add_test(t, files_are_made);
    tcase_add_loop_test(t, a_removed_log_is_noticed, 1, 4);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

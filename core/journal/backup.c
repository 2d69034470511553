/*
 * backup.c - a consistent copy while the core runs
 *
 * LMDB copies from one read transaction, leaving out free pages; it takes as long as the disk needs,
 * and for that long the writer cannot reuse pages freed meanwhile: the file may grow. The copy is
 * complete only when this returns 0; a failed one is removed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/journal/internal.h"

static bool folder_empty(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    bool empty = true;

    if (!d)
        return false;
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            empty = false;
    closedir(d);
    return empty;
}

static int sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close(fd);
    return rc;
}

/* NULL: the folder has to be opened; else its own journal in this process, in which LMDB must not
 * open the same store twice. */
static int backup(struct bb_journal *j, const char *dir, const char *dest, struct bb_fault *err)
{
    struct bb_store s;
    char file[4096];
    bool made;
    int rc = 0;

    if (snprintf(file, sizeof file, "%s/data.mdb", dest) >= (int)sizeof file)
        return bb_fail(err, "backup: the folder's name is too long");
    made = mkdir(dest, 0700) == 0;
    if (!made && errno != EEXIST)
        return bb_fail(err, "backup: %s: %s", dest, strerror(errno));
    if (!folder_empty(dest))
        return bb_fail(err, "backup: %s is not an empty folder: give a new one", dest);
    if (j)
        bb_journal_fresh(j);
    else if (bb_journal_recover(dir, err) != 0 || bb_store_open(&s, dir, 0, NULL, err) != 0)
        rc = -1;
    if (rc == 0) {
        rc = mdb_env_copy2(j ? j->store.env : s.env, dest, MDB_CP_COMPACT);
        if (!j)
            bb_store_close(&s);
        if (rc == 0 && (sync_path(file) != 0 || sync_path(dest) != 0))
            rc = errno;
        if (rc) {
            unlink(file);
            bb_fail(err, "backup to %s: %s", dest, mdb_strerror(rc));
        }
    }
    if (rc && made)
        rmdir(dest);
    return rc ? -1 : 0;
}

int bb_journal_backup(const char *dir, const char *dest, struct bb_fault *err)
{
    return backup(NULL, dir, dest, err);
}

int bb_journal_backup_of(struct bb_journal *j, const char *dest, struct bb_fault *err)
{
    return backup(j, NULL, dest, err);
}

/*
 * new.c - busbar new connector NAME: the template with the name filled in
 *
 * @NAME@ becomes the name in contents and file names, @NAME_C@ the same as a C identifier. An
 * existing folder is never written into. Template: $BUSBAR_TEMPLATE or the installed one; a link or
 * a special file in it is refused, not followed.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1u << 20)

struct job {
    const char *name, *dir;
    char ident[64];
    unsigned files;
};

static bool name_ok(const char *s)
{
    return *s >= 'a' && *s <= 'z' && strlen(s) <= 40 &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* in with the marks replaced, appended to out. */
static void fill_in(const struct job *j, struct bb_bytes in, struct bb_buf *out)
{
    const struct { const char *mark, *text; } marks[] = {{"@NAME@", j->name},
                                                         {"@NAME_C@", j->ident}};
    const char *p = in.ptr, *end = p + in.len;

    while (p < end) {
        const char *text = NULL;

        for (size_t m = 0; m < 2 && !text; m++) {
            size_t n = strlen(marks[m].mark);

            if ((size_t)(end - p) >= n && memcmp(p, marks[m].mark, n) == 0) {
                text = marks[m].text;
                p += n;
            }
        }
        if (text)
            bb_buf_put(out, text, strlen(text));
        else
            bb_buf_put(out, p++, 1);
    }
}

static int copy_file(const struct job *j, const char *from, const char *to, mode_t mode)
{
    int src = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), dst = -1, rc = -1;
    struct bb_buf in, out;
    ssize_t n = -1;
    uint8_t *p;

    bb_buf_init(&in, FILE_MAX);
    bb_buf_init(&out, 2 * FILE_MAX);
    while (src >= 0 && (p = bb_buf_room(&in, 4096)) && (n = read(src, p, 4096)) > 0)
        in.len += (size_t)n;
    if (n != 0) {
        errno = in.failed ? EFBIG : errno;
        goto end;
    }
    fill_in(j, bb_bytes_of(&in), &out);
    if (out.failed) {
        errno = ENOMEM;
        goto end;
    }
    dst = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
    if (dst >= 0 && bb_write_all(dst, out.ptr, out.len) == 0)
        rc = close(dst);
    else if (dst >= 0)
        close(dst);
end:
    if (src >= 0)
        close(src);
    bb_buf_free(&in);
    bb_buf_free(&out);
    return rc;
}

static int copy_entry(struct job *j, const FTSENT *e, size_t skip)
{
    struct bb_buf to;
    int rc = -1;

    bb_buf_init(&to, 65536);
    bb_buf_put(&to, j->dir, strlen(j->dir));
    fill_in(j, (struct bb_bytes){e->fts_path + skip, strlen(e->fts_path + skip) + 1}, &to);
    if (to.failed) {
        errno = ENAMETOOLONG;
    } else if (e->fts_info == FTS_D) {
        rc = mkdir((char *)to.ptr, 0777);
    } else if (e->fts_info == FTS_F) {
        rc = copy_file(j, e->fts_accpath, (char *)to.ptr, e->fts_statp->st_mode);
        j->files++;
    } else {
        errno = e->fts_errno ? e->fts_errno : EINVAL; /* a link, a special file, or not readable */
    }
    bb_buf_free(&to);
    return rc;
}

static int copy_all(struct job *j, const char *template)
{
    char *root[] = {strdup(template), NULL};
    size_t len = root[0] ? strlen(root[0]) : 0;
    int rc = BB_EXIT_OK;
    FTSENT *e = NULL;
    FTS *f = NULL;

    while (len > 1 && root[0][len - 1] == '/')
        root[0][--len] = '\0';
    if (root[0]) /* the template itself may be a link */
        f = fts_open(root, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    if (!f)
        rc = bb_cli_fail("cannot open the template %s: %s", template, strerror(errno));
    while (rc == BB_EXIT_OK && (errno = 0, e = fts_read(f)))
        if (e->fts_info != FTS_DP && copy_entry(j, e, len) < 0)
            rc = e->fts_level ? bb_cli_fail("cannot fill %s: %s: %s", j->dir, e->fts_path,
                                            strerror(errno))
                 : e->fts_info == FTS_D ? bb_cli_fail("cannot make %s: %s", j->dir, strerror(errno))
                 : bb_cli_fail("cannot open the template %s: %s (`make install` puts it there; or set "
                               "$BUSBAR_TEMPLATE to sdk/template of the source)", template,
                               strerror(errno));
    if (rc == BB_EXIT_OK && errno)
        rc = bb_cli_fail("cannot read the template %s: %s", template, strerror(errno));
    if (f)
        fts_close(f);
    free(root[0]);
    return rc;
}

int bb_cmd_new_connector(const struct bb_args *a)
{
    const char *env = getenv("BUSBAR_TEMPLATE");
    struct job j = {.name = a->rest[0]};
    char *dir;
    int rc;

    if (!name_ok(j.name))
        return bb_cli_usage("\"%s\" is not a connector's name: a lower-case letter, then letters, "
                            "digits and hyphens, at most 40", j.name);
    for (size_t i = 0; j.name[i]; i++)
        j.ident[i] = j.name[i] == '-' ? '_' : j.name[i];
    j.dir = dir = bb_text("%s/%s", a->dir ? a->dir : ".", j.name);
    if (!dir)
        return bb_cli_fail("out of memory");
    rc = copy_all(&j, env && *env ? env : BB_DATADIR "/template");
    if (rc == BB_EXIT_OK)
        printf("%s: %u files. Next: read its README.md, then run make in it.\n", dir, j.files);
    free(dir);
    return bb_print_end(rc);
}

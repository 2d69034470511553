/*
 * new.c - busbar new connector NAME: the template with the name filled in
 *
 * @NAME@ becomes the name in contents and file names, @NAME_C@ the same as a C identifier. An
 * existing folder is never written into. Template: $BUSBAR_TEMPLATE or the installed one; links
 * and special files in it are not followed.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 8
#define FILE_MAX (1u << 20)

struct job {
    const char *name;
    char ident[64];
    unsigned files;
};

static bool name_ok(const char *s)
{
    if (*s < 'a' || *s > 'z' || strlen(s) > 40)
        return false;
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* in with the marks replaced, appended to out. */
static void fill_in(const struct job *j, const char *in, size_t len, struct bb_buf *out)
{
    const struct { const char *mark, *text; } marks[] = {{"@NAME@", j->name}, {"@NAME_C@", j->ident}};
    size_t i = 0;

    while (i < len) {
        const char *at = memchr(in + i, '@', len - i);
        size_t plain = at ? (size_t)(at - in) - i : len - i, m;

        bb_buf_put(out, in + i, plain);
        i += plain;
        if (!at)
            break;
        for (m = 0; m < 2; m++) {
            size_t n = strlen(marks[m].mark);

            if (len - i >= n && memcmp(in + i, marks[m].mark, n) == 0) {
                bb_buf_put(out, marks[m].text, strlen(marks[m].text));
                i += n;
                break;
            }
        }
        if (m == 2)
            bb_buf_put(out, in + i++, 1);
    }
}

static int copy_file(struct job *j, int from_dir, const char *from, int to_dir, const char *to,
                     mode_t mode)
{
    struct bb_buf in, out;
    int src = openat(from_dir, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), dst = -1, rc = -1;
    ssize_t n = -1;
    uint8_t *p;

    bb_buf_init(&in, FILE_MAX);
    bb_buf_init(&out, 2 * FILE_MAX);
    if (src < 0)
        goto end;
    while ((p = bb_buf_room(&in, 4096)) && (n = read(src, p, 4096)) > 0)
        in.len += (size_t)n;
    if (!p)
        errno = EFBIG;
    if (!p || n < 0)
        goto end;
    fill_in(j, (const char *)in.ptr, in.len, &out);
    if (out.failed) {
        errno = ENOMEM;
        goto end;
    }
    dst = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
    if (dst < 0 || bb_write_all(dst, out.ptr, out.len) < 0)
        goto end;
    rc = close(dst);
    dst = -1;
    j->files++;
end:
    if (src >= 0)
        close(src);
    if (dst >= 0)
        close(dst);
    bb_buf_free(&in);
    bb_buf_free(&out);
    return rc;
}

static int copy_dir(struct job *j, int from, int to, unsigned depth)
{
    struct dirent *e;
    DIR *d = fdopendir(from); /* takes from */
    int rc = -1;

    if (!d) {
        close(from);
        return -1;
    }
    while (errno = 0, (e = readdir(d))) {
        struct bb_buf name;
        struct stat st;
        int ok = -1;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            goto end;
        bb_buf_init(&name, 1024);
        fill_in(j, e->d_name, strlen(e->d_name) + 1, &name);
        if (name.failed) {
            errno = ENAMETOOLONG;
        } else if (S_ISREG(st.st_mode)) {
            ok = copy_file(j, dirfd(d), e->d_name, to, (char *)name.ptr, st.st_mode);
        } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX &&
                   mkdirat(to, (char *)name.ptr, 0777) == 0) {
            int sub_from = openat(dirfd(d), e->d_name, O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
            int sub_to = openat(to, (char *)name.ptr, O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

            if (sub_from >= 0 && sub_to >= 0)
                ok = copy_dir(j, sub_from, sub_to, depth + 1);
            else if (sub_from >= 0)
                close(sub_from);
            if (sub_to >= 0)
                close(sub_to);
        }
        bb_buf_free(&name);
        if (ok < 0)
            goto end;
    }
    rc = errno ? -1 : 0;
end:
    closedir(d);
    return rc;
}

int bb_cmd_new_connector(const struct bb_args *a)
{
    const char *env = getenv("BUSBAR_TEMPLATE");
    const char *template = env && *env ? env : BB_DATADIR "/template";
    struct job j = {.name = a->rest[0]};
    int from, to = -1, rc;
    char *dir;

    if (!name_ok(j.name)) {
        fprintf(stderr, "busbar: error: \"%s\" is not a connector's name: a lower-case letter, then "
                        "letters, digits and hyphens, at most 40\n", j.name);
        return BB_EXIT_USAGE;
    }
    snprintf(j.ident, sizeof(j.ident), "%s", j.name);
    for (char *p = j.ident; *p; p++)
        if (*p == '-')
            *p = '_';
    from = open(template, O_DIRECTORY | O_CLOEXEC);
    if (from < 0)
        return bb_cli_fail("cannot open the template %s: %s (set $BUSBAR_TEMPLATE)", template,
                           strerror(errno));
    dir = bb_text("%s/%s", a->dir ? a->dir : ".", j.name);
    if (dir && mkdir(dir, 0777) == 0)
        to = open(dir, O_DIRECTORY | O_CLOEXEC);
    if (!dir || to < 0) {
        rc = bb_cli_fail("cannot make %s: %s", dir ? dir : j.name, strerror(errno));
        close(from);
        free(dir);
        return rc;
    }
    if (copy_dir(&j, from, to, 0) < 0)
        rc = bb_cli_fail("cannot fill %s: %s", dir, strerror(errno));
    else
        rc = BB_EXIT_OK;
    if (rc == BB_EXIT_OK)
        printf("%s: %u files. Next: read its README.md, then run make in it.\n", dir, j.files);
    close(to);
    free(dir);
    return bb_print_end(rc);
}

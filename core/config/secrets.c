/*
 * secrets.c - the values behind {file: ...}, {env: ...} and {credential: ...}
 *
 * A value is read once, when the manifest's schema says that a key is a secret, and lives in a
 * list of its own, wiped when the configuration ends. No message ever holds it: only the path or
 * the name as the file has it. What a connector gets is the handle.
 *
 * Thread: the loader's while endpoints are checked; afterwards bb_config_secret() only reads.
 */
#include "core/config/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {              /* where a value is put and where it is asked for */
    const struct bb_ynode *n; /* the path's or name's own node */
    const char *what, *path;
    struct bb_diags *d;
    char *value;
    size_t len;
};

static const char *const sources[] = {"file", "env", "credential"};

bool bb_secret_shape(const struct bb_ynode *n)
{
    size_t i;

    if (n->kind == BB_Y_MAP && n->n == 1)
        for (i = 0; i < 3; i++)
            if (strcmp(n->pairs[0].key->text, sources[i]) == 0)
                return true;
    return false;
}

__attribute__((format(printf, 2, 3))) static int refuse(struct reading *r, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    bb_diag_node(r->d, BB_SEV_ERROR, r->n, "%s: %s: %s", r->what, r->path, text);
    return -1;
}

/* Takes the bytes at value: one newline at the end is not part of it. */
static int accept_value(struct reading *r)
{
    if (r->len && r->value[r->len - 1] == '\n')
        r->len--;
    if (r->len && r->value[r->len - 1] == '\r')
        r->len--;
    explicit_bzero(r->value + r->len, 1);
    if (r->len == 0)
        return refuse(r, "the secret is empty");
    if (memchr(r->value, 0, r->len))
        return refuse(r, "the secret holds a NUL byte");
    return 0;
}

static int read_fd(struct reading *r, int fd)
{
    ssize_t n;

    r->len = 0;
    for (;;) {
        n = read(fd, r->value + r->len, BB_SECRET_MAX + 1 - r->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse(r, "\"%s\" cannot be read: %s", bb_ynode_shown(r->n).text,
                          strerror(errno));
        if (n == 0)
            return 0;
        r->len += (size_t)n;
        if (r->len > BB_SECRET_MAX)
            return refuse(r, "\"%s\" is larger than %u KiB", bb_ynode_shown(r->n).text,
                          BB_SECRET_MAX >> 10);
    }
}

static int from_file(struct reading *r, const char *path)
{
    struct stat st;
    int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) != 0) {
        refuse(r, "secret file \"%s\" cannot be read: %s", bb_ynode_shown(r->n).text,
               strerror(errno));
        goto done;
    }
    if (!S_ISREG(st.st_mode)) {
        refuse(r, "secret file \"%s\" is not a regular file", bb_ynode_shown(r->n).text);
        goto done;
    }
    if (st.st_mode & S_IROTH)
        bb_diag_node(r->d, BB_SEV_WARNING, r->n,
                     "%s: %s: secret file \"%s\" can be read by everyone: chmod o-r", r->what,
                     r->path, bb_ynode_shown(r->n).text);
    if (read_fd(r, fd) == 0)
        rc = accept_value(r);
done:
    if (fd >= 0)
        close(fd);
    return rc;
}

static int from_path(struct reading *r)
{
    char path[PATH_MAX];
    bool rel = r->n->text[0] != '/';

    if (snprintf(path, sizeof(path), "%s%s%s", rel && r->n->file ? r->n->file->dir : "",
                 rel ? "/" : "", r->n->text) >= (int)sizeof(path))
        return refuse(r, "the path is too long");
    return from_file(r, path);
}

static int from_env(struct reading *r)
{
    const char *v = getenv(r->n->text);

    if (!v)
        return refuse(r, "environment variable \"%s\" is not set", bb_ynode_shown(r->n).text);
    r->len = strlen(v);
    if (r->len > BB_SECRET_MAX)
        return refuse(r, "environment variable \"%s\" is larger than %u KiB",
                      bb_ynode_shown(r->n).text, BB_SECRET_MAX >> 10);
    memcpy(r->value, v, r->len);
    return accept_value(r);
}

static int from_credential(struct reading *r)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];

    if (strchr(r->n->text, '/') || r->n->text[0] == '.')
        return refuse(r, "a credential is a name without \"/\", as in LoadCredential=");
    if (!dir)
        return refuse(r, "credentials come from systemd, and CREDENTIALS_DIRECTORY is not set: "
                         "add LoadCredential= to the unit");
    if (snprintf(path, sizeof(path), "%s/%s", dir, r->n->text) >= (int)sizeof(path))
        return refuse(r, "the path is too long");
    return from_file(r, path);
}

/* Puts the value under its handle; a second check of the same endpoint replaces it. */
static int keep(struct bb_priv *p, const char *endpoint, const char *handle, struct reading *r)
{
    struct bb_secret *s;
    char *fit = malloc(r->len + 1);

    if (!fit)
        return -1;
    memcpy(fit, r->value, r->len);
    fit[r->len] = 0;
    for (s = p->secrets; s; s = s->next)
        if (strcmp(s->endpoint, endpoint) == 0 && strcmp(s->handle, handle) == 0)
            break;
    if (!s) {
        s = calloc(1, sizeof(*s));
        if (!s || !(s->endpoint = strdup(endpoint)) || !(s->handle = strdup(handle))) {
            if (s)
                free(s->endpoint);
            free(s);
            explicit_bzero(fit, r->len);
            free(fit);
            return -1;
        }
        s->next = p->secrets;
        p->secrets = s;
    } else {
        explicit_bzero(s->value, s->len);
        free(s->value);
    }
    s->value = fit;
    s->len = r->len;
    return 0;
}

int bb_secret_read(struct bb_config *c, const char *endpoint, const char *handle,
                   const struct bb_ynode *n, const char *what, const char *path, struct bb_diags *d)
{
    static int (*const readers[])(struct reading *) = {from_path, from_env, from_credential};
    struct reading r = {.n = n, .what = what, .path = path, .d = d};
    size_t i;
    int rc = -1;

    if (!bb_secret_shape(n))
        return refuse(&r, "secrets are given as {file: ...}, {env: ...} or {credential: ...}");
    r.n = n->pairs[0].value;
    if (r.n->kind == BB_Y_BAD)
        return -1;
    if (r.n->kind != BB_Y_SCALAR || !r.n->len || bb_ynode_is_null(r.n))
        return refuse(&r, "\"%s\" needs a text", n->pairs[0].key->text);
    if (!(r.value = malloc(BB_SECRET_MAX + 2))) {
        refuse(&r, "not enough memory");
        goto done;
    }
    for (i = 0; strcmp(sources[i], n->pairs[0].key->text) != 0; i++)
        ;
    if ((rc = readers[i](&r)) == 0 && (rc = keep(c->priv, endpoint, handle, &r)) != 0)
        refuse(&r, "not enough memory");
done:
    if (r.value)
        explicit_bzero(r.value, BB_SECRET_MAX + 2);
    free(r.value);
    return rc;
}

int bb_config_secret(const struct bb_config *c, const char *endpoint, const char *handle,
                     struct bb_bytes *out)
{
    const struct bb_priv *p = c->priv;
    const struct bb_secret *s;

    for (s = p->secrets; s; s = s->next)
        if (strcmp(s->endpoint, endpoint) == 0 && strcmp(s->handle, handle) == 0) {
            out->ptr = s->value;
            out->len = s->len;
            return 0;
        }
    return -1;
}

void bb_secrets_free(struct bb_secret *list)
{
    struct bb_secret *next;

    for (; list; list = next) {
        next = list->next;
        explicit_bzero(list->value, list->len);
        free(list->value);
        free(list->endpoint);
        free(list->handle);
        free(list);
    }
}

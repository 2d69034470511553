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

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct bb_secret {
    struct bb_secret *next;
    const struct bb_node *n;
    const char *endpoint; /* the tree's */
    size_t len, size;
    char *value; /* NUL-terminated, behind the handle */
    char handle[];
};

static void from_file(struct bb_read *x, const struct bb_node *n, const char *path,
                      struct bb_buf *out)
{
    struct bb_fault err;
    struct stat st;

    if (bb_file_slurp(path, BB_SECRET_MAX, out, &st, &err) != 0)
        bb_say(x, n, "secret file \"%s\" cannot be read: %s", bb_node_shown(n).text, err.text);
    else if (st.st_mode & S_IROTH)
        bb_diag(x->d, BB_SEV_WARNING, bb_at(n),
                "%s: %s: secret file \"%s\" can be read by everyone: chmod o-r", x->what, x->path,
                bb_node_shown(n).text);
}

static void from_path(struct bb_read *x, const struct bb_node *n, struct bb_buf *out)
{
    char path[PATH_MAX];

    if (bb_node_path(n, n->file->dir, path, sizeof(path)) != 0)
        bb_say(x, n, "the path is too long");
    else
        from_file(x, n, path, out);
}

static void from_env(struct bb_read *x, const struct bb_node *n, struct bb_buf *out)
{
    const char *v = getenv(n->text);

    if (!v)
        bb_say(x, n, "environment variable \"%s\" is not set", bb_node_shown(n).text);
    else if (strlen(v) > BB_SECRET_MAX)
        bb_say(x, n, "environment variable \"%s\" is larger than %u KiB", bb_node_shown(n).text,
               BB_SECRET_MAX >> 10);
    else
        bb_buf_put(out, v, strlen(v));
}

static void from_credential(struct bb_read *x, const struct bb_node *n, struct bb_buf *out)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];

    if (strchr(n->text, '/') || n->text[0] == '.')
        bb_say(x, n, "a credential is a name without \"/\", as in LoadCredential=");
    else if (!dir)
        bb_say(x, n,
               "credentials come from systemd, and CREDENTIALS_DIRECTORY is not set: "
               "add LoadCredential= to the unit");
    else if (bb_node_path(n, dir, path, sizeof(path)) != 0)
        bb_say(x, n, "the path is too long");
    else
        from_file(x, n, path, out);
}

static const struct {
    const char *name;
    void (*read)(struct bb_read *x, const struct bb_node *n, struct bb_buf *out);
} sources[] = {{"file", from_path}, {"env", from_env}, {"credential", from_credential}};

static size_t source_of(const struct bb_node *n)
{
    size_t i = BB_COUNT(sources);

    if (n->kind == BB_MAP && n->n == 1 && n->child->kind != BB_LIST && n->child->kind != BB_MAP)
        for (i = 0; i < BB_COUNT(sources) && strcmp(sources[i].name, n->child->key->text) != 0;)
            i++;
    return i;
}

bool bb_secret_shape(const struct bb_node *n)
{
    return source_of(n) < BB_COUNT(sources);
}

/* One newline at the end is not part of it. */
static void accept_value(struct bb_read *x, const struct bb_node *n, struct bb_buf *v)
{
    if (v->len && v->ptr[v->len - 1] == '\n')
        v->len--;
    if (v->len && v->ptr[v->len - 1] == '\r')
        v->len--;
    if (v->len == 0)
        bb_say(x, n, "the secret is empty");
    else if (memchr(v->ptr, 0, v->len))
        bb_say(x, n, "the secret holds a NUL byte");
}

/* A second check of the same endpoint hides the first one's. */
static void keep(struct bb_read *x, const struct bb_node *n, const char *handle,
                 const struct bb_buf *value)
{
    struct bb_priv *p = x->c->priv;
    size_t len = strlen(handle) + 1, size = sizeof(struct bb_secret) + len + value->len + 1;
    struct bb_secret *s;

    for (s = p->secrets; s; s = s->next)
        if (s->n != n && strcmp(s->handle, handle) == 0) {
            bb_say(x, n, "two secrets have the same path: rename a key with \".\" or \"[\" in it");
            return;
        }
    if (!(s = calloc(1, size))) {
        x->arena->failed = true;
        return;
    }
    memcpy(s->handle, handle, len);
    s->n = n;
    s->endpoint = x->endpoint->key->text;
    s->len = value->len;
    s->size = size;
    s->value = memcpy(s->handle + len, value->ptr, value->len);
    s->next = p->secrets;
    p->secrets = s;
}

void bb_secret_read(struct bb_read *x, const struct bb_node *n, const char *handle)
{
    size_t i = source_of(n);
    const struct bb_node *v = n->child;
    struct bb_buf value;
    bool bad = x->bad;

    if (i == BB_COUNT(sources)) {
        bb_say(x, n, "secrets are given as {file: ...}, {env: ...} or {credential: ...}");
        return;
    }
    if (v->kind == BB_BAD || bb_node_is_null(v) || !v->len) {
        if (v->kind != BB_BAD)
            bb_say(x, n, "\"%s\" needs a text", sources[i].name);
        x->bad = true;
        return;
    }
    bb_buf_init(&value, BB_SECRET_MAX + 2);
    x->bad = false;
    if (bb_buf_room(&value, BB_SECRET_MAX + 2)) /* at once: no copy of it is left behind */
        sources[i].read(x, v, &value);
    else
        bb_say(x, n, "not enough memory");
    if (!x->bad)
        accept_value(x, v, &value);
    if (!x->bad)
        keep(x, n, handle, &value);
    if (value.ptr)
        explicit_bzero(value.ptr, value.cap);
    bb_buf_free(&value);
    x->bad |= bad;
}

int bb_config_secret(const struct bb_config *c, const char *endpoint, const char *handle,
                     struct bb_bytes *out)
{
    const struct bb_priv *p = c->priv;
    const struct bb_secret *s;

    for (s = p->secrets; s; s = s->next)
        if (strcmp(s->endpoint, endpoint) == 0 && strcmp(s->handle, handle) == 0) {
            *out = (struct bb_bytes){s->value, s->len};
            return 0;
        }
    return -1;
}

void bb_secrets_free(struct bb_secret *list)
{
    struct bb_secret *next;

    for (; list; list = next) {
        next = list->next;
        explicit_bzero(list, list->size);
        free(list);
    }
}

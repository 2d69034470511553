/*
 * http_tls.c - a client's certificates: read, looked at again, given to curl as texts
 *
 * curl is given the PEM itself, never a path: it compares what a kept connection was made with, so
 * a changed certificate makes new connections and the old ones are not used again; and a key from
 * a secret needs no file. A file is read again when its time, size or inode changed; one that
 * cannot be read then, or holds no PEM, leaves the old one in use. Where certificate and key are two
 * files a look may fall between two writes: the handshake fails (surely not applied), and the next
 * look, a second later, has both.
 *
 * Thread: the client's. Memory: the texts are the client's, wiped before they are freed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "http_call.h"

#define PEM_MAX (1u << 20)
#define LOOK_MS 1000

static const char *const names[PEMS] = {
    [PEM_CA] = "the CA file", [PEM_CERT] = "the certificate", [PEM_KEY] = "the key file"};

static void wipe(struct bb_buf *b)
{
    if (b->ptr)
        explicit_bzero(b->ptr, b->cap);
    bb_buf_free(b);
}

static int stat_same(const struct http_pem *p, const struct stat *st)
{
    return p->ino == st->st_ino && p->size == st->st_size &&
           p->mtime_ns == st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* 0 read and in place, -1 with why. */
static int pem_read(struct http_pem *p, const char **why)
{
    struct bb_buf b;
    struct stat st;
    ssize_t n;
    int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *why = "cannot be read";
    if (fd < 0)
        return -1;
    bb_buf_init(&b, PEM_MAX + 1);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > PEM_MAX ||
        !bb_buf_room(&b, (size_t)st.st_size + 1))
        goto fail;
    while ((n = read(fd, b.ptr + b.len, b.cap - b.len)) > 0) {
        b.len += (size_t)n;
        if (b.len == b.cap)
            goto fail; /* it grew under our hands: next time */
    }
    if (n < 0)
        goto fail;
    *why = "holds no PEM (-----BEGIN ...)";
    if (!memmem(b.ptr, b.len, "-----BEGIN ", 11))
        goto fail;
    close(fd);
    wipe(&p->text);
    p->text = b;
    p->ino = st.st_ino;
    p->size = st.st_size;
    p->mtime_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return 0;
fail:
    close(fd);
    wipe(&b);
    return -1;
}

int http_tls_load(struct bb_http *c, struct bb_error *err)
{
    const char *const paths[PEMS] = {c->conf.ca_file, c->conf.cert_file, c->conf.key_file};
    const char *const texts[PEMS] = {NULL, c->conf.cert_pem, c->conf.key_pem};
    const char *why;

    for (int k = 0; k < PEMS; k++) {
        bb_buf_init(&c->pem[k].text, PEM_MAX);
        c->pem[k].path = paths[k];
        if (texts[k]) {
            c->pem[k].path = NULL;
            bb_buf_put(&c->pem[k].text, texts[k], strlen(texts[k]));
            if (!memmem(texts[k], strlen(texts[k]), "-----BEGIN ", 11) || c->pem[k].text.failed) {
                bb_error_set(err, BB_E_CONFIG, "the secret given for %s holds no PEM (-----BEGIN ...)",
                             names[k]);
                return -1;
            }
        } else if (paths[k] && pem_read(&c->pem[k], &why) != 0) {
            bb_error_set(err, BB_E_CONFIG, "%s \"%.130s\" %s: check its path and its permissions",
                         names[k], paths[k], why);
            return -1;
        }
    }
    if (c->pem[PEM_KEY].text.len && !c->pem[PEM_CERT].text.len) {
        bb_error_set(err, BB_E_CONFIG, "tls has a key and no certificate: give cert too");
        return -1;
    }
    c->pem_gen = 1;
    c->pem_look_ms = bb_clock_ms() + LOOK_MS;
    return 0;
}

void http_tls_look(struct bb_http *c)
{
    int64_t now = bb_clock_ms();
    const char *why;
    struct stat st;

    if (now < c->pem_look_ms)
        return;
    c->pem_look_ms = now + LOOK_MS;
    for (int k = 0; k < PEMS; k++)
        if (c->pem[k].path && stat(c->pem[k].path, &st) == 0 && !stat_same(&c->pem[k], &st) &&
            pem_read(&c->pem[k], &why) == 0)
            c->pem_gen++;
}

int http_tls_set(struct http_call *x)
{
    static const CURLoption options[PEMS] = {CURLOPT_CAINFO_BLOB, CURLOPT_SSLCERT_BLOB,
                                             CURLOPT_SSLKEY_BLOB};
    struct bb_http *c = x->client;

    if (x->tls_gen == c->pem_gen)
        return 0;
    for (int k = 0; k < PEMS; k++) {
        /* a key may stand in the certificate's file */
        const struct bb_buf *b = &c->pem[k == PEM_KEY && !c->pem[k].text.len ? PEM_CERT : k].text;
        struct curl_blob blob = {b->ptr, b->len, CURL_BLOB_COPY};
        if (b->len && curl_easy_setopt(x->easy, options[k], &blob) != CURLE_OK)
            return -1;
    }
    if (c->pem[PEM_CA].text.len) /* this authority alone */
        curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL);
    x->tls_gen = c->pem_gen;
    return 0;
}

/* With TLS 1.3 a peer refuses our certificate by an alert when the handshake is already over for us; nginx ends
 * the handshake whatever it was shown, and answers with a page of its own. */
static const struct {
    const char *said, *hint;
} alerts[] = {
    {"alert certificate required", "it wants our certificate: give tls.cert"},
    {"certificate expired", "it says that our certificate expired: renew tls.cert"},
    {"certificate revoked", "it says that our certificate was revoked: renew tls.cert"},
    {"alert unknown ca", "it does not know who signed our certificate: check tls.cert"},
    {"alert bad certificate", "it refuses our certificate: check tls.cert"},
    {"alert certificate unknown", "it refuses our certificate: check tls.cert"},
    {"alert unsupported certificate", "it refuses our certificate: check tls.cert"},
    {"alert access denied", "it refuses our certificate: check tls.cert"},
}, pages[] = {
    {"The SSL certificate error", "it refuses our certificate (not known to it, or expired): check tls.cert"},
    {"No required SSL certificate was sent", "it wants our certificate: give tls.cert"},
    {"The plain HTTP request was sent to HTTPS port", "its address begins with https://"},
};

const char *http_tls_refused(const struct http_call *x, CURLcode rc, long status)
{
    if (!status && (rc == CURLE_RECV_ERROR || rc == CURLE_SEND_ERROR || rc == CURLE_SSL_CONNECT_ERROR) &&
        strstr(x->error, " alert "))
        for (size_t k = 0; k < sizeof alerts / sizeof alerts[0]; k++)
            if (strstr(x->error, alerts[k].said))
                return alerts[k].hint;
    if (status == 400 && x->in.len)
        for (size_t k = 0; k < sizeof pages / sizeof pages[0]; k++)
            if (memmem(x->in.ptr, x->in.len, pages[k].said, strlen(pages[k].said)))
                return pages[k].hint;
    return NULL;
}

void http_tls_free(struct bb_http *c)
{
    for (int k = 0; k < PEMS; k++)
        wipe(&c->pem[k].text);
}

/*
 * faults.c - an HTTP server that answers as a script says; see faults.h
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "faults.h"

struct conn {
    struct faults *f;
    int fd;
    SSL *ssl;
};

static ssize_t get(struct conn *c, void *buf, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, buf, (int)n) : recv(c->fd, buf, n, 0);
}

static int put(struct conn *c, const void *buf, size_t n)
{
    const char *p = buf;

    while (n) {
        ssize_t k = c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* Reads one request into the record: 0, -1 at the end. */
static int request_read(struct conn *c, struct step *step)
{
    static const char len[] = "Content-Length: ";
    size_t cap = 1 << 20, n = 0, want = 0, got;
    char *buf = malloc(cap), *end = NULL, *v;
    struct faults *f = c->f;
    int rc = -1;

    if (!buf)
        abort();
    while (!end || n < want) {
        ssize_t k = n + 1 < cap ? get(c, buf + n, end ? want - n : 1) : -1;
        if (k <= 0)
            goto done;
        n += (size_t)k;
        buf[n] = 0;
        if (!end && (end = strstr(buf, "\r\n\r\n"))) {
            v = strstr(buf, len);
            want = (size_t)(end + 4 - buf) + (v ? (size_t)atoi(v + sizeof len - 1) : 0);
        }
    }
    pthread_mutex_lock(&f->lock);
    *step = f->steps[f->requests < f->n_steps ? f->requests : f->n_steps - 1];
    f->requests++;
    got = (size_t)(end + 4 - buf);
    snprintf(f->head, sizeof f->head, "%.*s", (int)got, buf);
    snprintf(f->body, sizeof f->body, "%s", buf + got);
    if (f->poison)
        *step = strstr(buf + got, f->poison) ? (struct step){F_ANSWER, 422, "", "bad member"}
                                             : (struct step){F_ANSWER, 200, "", ""};
    pthread_mutex_unlock(&f->lock);
    rc = 0;
done:
    free(buf);
    return rc;
}

static int hold(struct conn *c)
{
    struct pollfd p = {c->fd, POLLIN, 0};

    (void)poll(&p, 1, -1); /* until the client, or faults_end(), ends it */
    return -1;
}

static int huge(struct conn *c)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                               "Content-Length: 67108864\r\n\r\n";
    static char piece[65536];

    if (put(c, head, sizeof head - 1) != 0)
        return -1;
    for (int k = 0; k < 1024; k++)
        if (put(c, piece, sizeof piece) != 0)
            return -1;
    return 0;
}

static int answer(struct conn *c, const struct step *s)
{
    char text[8192];
    struct linger now = {1, 0};
    size_t len = strlen(s->body ? s->body : "");
    int n = snprintf(text, sizeof text, "HTTP/1.1 %u X\r\n%sContent-Length: %zu\r\n\r\n", s->status,
                     s->headers ? s->headers : "", s->fault == F_CUT ? len * 2 : len);

    switch (s->fault) {
    case F_RESET:
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return -1;
    case F_CLOSE:
        return -1;
    case F_HANG:
        return hold(c);
    case F_HUGE:
        return huge(c);
    case F_GARBAGE:
        put(c, "\x16\x03 no such thing\r\n\r\n", 20);
        return -1;
    case F_TRICKLE:
        for (int k = 0; k < n; k++) {
            struct pollfd p = {c->fd, POLLIN, 0};
            if (put(c, text + k, 1) != 0 || poll(&p, 1, 20) != 0)
                return -1;
        }
        return put(c, s->body, len);
    default:
        if (put(c, text, (size_t)n) != 0 || put(c, s->body ? s->body : "", len) != 0)
            return -1;
        return s->fault == F_CUT ? -1 : 0;
    }
}

static void *conn_run(void *arg)
{
    struct conn *c = arg;
    struct step step;

    if (c->f->tls) {
        c->ssl = SSL_new(c->f->tls);
        SSL_set_fd(c->ssl, c->fd);
        if (SSL_accept(c->ssl) != 1)
            goto done;
    }
    while (request_read(c, &step) == 0 && answer(c, &step) == 0)
        ;
done:
    SSL_free(c->ssl);
    pthread_mutex_lock(&c->f->lock);
    for (unsigned k = 0; k < FAULTS_CONNS; k++)
        if (c->f->fds[k] == c->fd)
            c->f->fds[k] = -1;
    close(c->fd);
    pthread_mutex_unlock(&c->f->lock);
    free(c);
    return NULL;
}

static void *listen_run(void *arg)
{
    struct faults *f = arg;
    int fd;

    while ((fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct conn *c = calloc(1, sizeof *c);
        if (!c || f->connections == FAULTS_CONNS)
            abort();
        c->f = f;
        c->fd = fd;
        pthread_mutex_lock(&f->lock);
        f->fds[f->connections] = fd;
        if (pthread_create(&f->conn[f->connections++], NULL, conn_run, c) != 0)
            abort();
        pthread_mutex_unlock(&f->lock);
    }
    return NULL;
}

static int bound(unsigned *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, n), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

unsigned faults_port_closed(void)
{
    unsigned port;

    close(bound(&port));
    return port;
}

void faults_start(struct faults *f, const struct step *steps, unsigned n)
{
    SSL_CTX *tls = f->tls;
    const char *poison = f->poison;

    memset(f, 0, sizeof *f);
    f->tls = tls;
    f->poison = poison;
    ck_assert_uint_le(n, FAULTS_STEPS);
    memcpy(f->steps, steps, n * sizeof *steps);
    f->n_steps = n;
    pthread_mutex_init(&f->lock, NULL);
    f->listen_fd = bound(&f->port);
    ck_assert_int_eq(listen(f->listen_fd, 128), 0);
    ck_assert_int_eq(pthread_create(&f->thread, NULL, listen_run, f), 0);
}

void faults_end(struct faults *f)
{
    shutdown(f->listen_fd, SHUT_RDWR); /* wakes accept() */
    pthread_join(f->thread, NULL);
    pthread_mutex_lock(&f->lock);
    for (unsigned k = 0; k < f->connections; k++)
        if (f->fds[k] >= 0)
            shutdown(f->fds[k], SHUT_RDWR);
    pthread_mutex_unlock(&f->lock);
    for (unsigned k = 0; k < f->connections; k++)
        pthread_join(f->conn[k], NULL);
    close(f->listen_fd);
    pthread_mutex_destroy(&f->lock);
    SSL_CTX_free(f->tls);
    f->tls = NULL;
    f->poison = NULL;
}

unsigned faults_requests(struct faults *f)
{
    pthread_mutex_lock(&f->lock);
    unsigned n = f->requests;
    pthread_mutex_unlock(&f->lock);
    return n;
}

static void extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX c;
    X509_EXTENSION *e;

    X509V3_set_ctx_nodb(&c);
    X509V3_set_ctx(&c, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &c, nid, value);
    ck_assert_ptr_nonnull(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

void faults_tls(struct faults *f, char pem[64])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    FILE *out;
    int fd;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_set_pubkey(x, key);
    extension(x, NID_basic_constraints, "critical,CA:TRUE");
    extension(x, NID_subject_alt_name, "IP:127.0.0.1");
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    strcpy(pem, "/tmp/busbar-http-XXXXXX");
    fd = mkstemp(pem);
    ck_assert_int_ge(fd, 0);
    out = fdopen(fd, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(PEM_write_X509(out, x), 1);
    fclose(out);
    signal(SIGPIPE, SIG_IGN); /* SSL_write() to a client that has gone knows no MSG_NOSIGNAL */
    f->tls = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(SSL_CTX_use_certificate(f->tls, x), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(f->tls, key), 1);
    X509_free(x);
    EVP_PKEY_free(key);
}

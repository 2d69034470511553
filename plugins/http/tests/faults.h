/*
 * faults.h - an HTTP server that answers as a script says, well or badly
 *
 * Thread: one for listening and one a connection, all joined by faults_end(). The script is fixed
 * before the start; what was received is read under its lock.
 */
#ifndef BB_TEST_HTTP_FAULTS_H
#define BB_TEST_HTTP_FAULTS_H

#include <pthread.h>
#include <openssl/ssl.h>

enum fault {
    F_ANSWER,  /* status, headers, body */
    F_RESET,   /* read the request, then RST */
    F_CLOSE,   /* read the request, then FIN without a word */
    F_HANG,    /* read the request, no answer */
    F_TRICKLE, /* a byte of the answer every 20 ms */
    F_HUGE,    /* an answer of 64 MiB */
    F_CUT,     /* half of the body that Content-Length promises */
    F_GARBAGE  /* no HTTP */
};
struct step {
    enum fault fault;
    unsigned status;
    const char *headers; /* whole lines */
    const char *body;
};
#define FAULTS_STEPS 16
#define FAULTS_CONNS 128
struct faults {
    unsigned port;
    struct step steps[FAULTS_STEPS]; /* the nth request; the last is repeated */
    unsigned n_steps;
    SSL_CTX *tls;
    /* refuse: the nth body that has this text in it is answered 422, whatever the script */
    const char *poison;

    pthread_mutex_t lock;
    int listen_fd, ended;
    unsigned requests, connections;
    char head[8192], body[65536]; /* of the last request */
    pthread_t thread, conn[FAULTS_CONNS];
    int fds[FAULTS_CONNS];
};
void faults_start(struct faults *f, const struct step *steps, unsigned n);
void faults_end(struct faults *f);
unsigned faults_requests(struct faults *f);
/* Makes a key and a certificate for 127.0.0.1, signed by itself, valid for a day; writes the
 * certificate to pem and gives it to f. Before faults_start(). */
void faults_tls(struct faults *f, char pem[64]);
/* A port on which nobody listens. */
unsigned faults_port_closed(void);

#endif

/*
 * test_tls.c - the SDK's client against a real nginx: authorities, own certificates, their change, 429
 *
 * nginx asks for a certificate of the test's authority and answers with the subject it saw, so that a
 * change of certificate shows. Keys and certificates are made by openssl in a folder of the test.
 */
#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <busbar/http.h>
#include "faults.h"

static char dir[64];
static unsigned port;
static pid_t nginx;

static void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void sh(const char *fmt, ...)
{
    char cmd[2048];
    va_list ap;
    int n = snprintf(cmd, sizeof cmd, "cd %s && exec >>log 2>&1; ", dir);

    va_start(ap, fmt);
    vsnprintf(cmd + n, sizeof cmd - (size_t)n, fmt, ap);
    va_end(ap);
    ck_assert_msg(system(cmd) == 0, "%s (see %s/log)", cmd, dir);
}

/* A key and a certificate by an authority: NAME.key, NAME.pem. */
static void certificate(const char *name, const char *cn, const char *ca, int days)
{
    sh("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out r.csr -subj /CN=%s && "
       "printf 'subjectAltName=IP:127.0.0.1' >ext && "
       "openssl x509 -req -in r.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days %d -extfile ext -out %s.pem.new && "
       "mv %s.pem.new %s.pem", name, cn, ca, ca, days, name, name, name);
}

static void authority(const char *name)
{
    sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out %s.pem "
       "-subj /CN=%s -days 2", name, name, name);
}

static void nginx_start(void)
{
    char path[128];
    FILE *f;

    port = faults_port_closed();
    snprintf(path, sizeof path, "%s/nginx.conf", dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            "daemon off; master_process off; pid %s/pid; error_log %s/error.log; events {}\n"
            "http { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f;\n"
            "uwsgi_temp_path %s/u; scgi_temp_path %s/s; limit_req_zone $binary_remote_addr zone=slow:1m rate=1r/s;\n"
            "limit_req_status 429;\n"
            "server { listen 127.0.0.1:%u ssl; ssl_certificate %s/server.pem; ssl_certificate_key %s/server.key;\n"
            "ssl_client_certificate %s/ca.pem; ssl_verify_client optional; ssl_protocols TLSv1.2 TLSv1.3;\n"
            "location / { if ($ssl_client_verify != SUCCESS) { return 401; } return 200 \"$ssl_client_s_dn\"; }\n"
            "location /open { return 200 open; }\n"
            "location /slow { limit_req zone=slow; try_files /none @ok; }\n"
            "location @ok { return 200 slow; } } }\n",
            dir, dir, dir, dir, dir, dir, dir, port, dir, dir, dir);
    fclose(f);
    nginx = fork();
    ck_assert_int_ge(nginx, 0);
    if (nginx == 0) {
        char log[128];
        snprintf(log, sizeof log, "%s/error.log", dir);
        int fd = open("/dev/null", O_RDWR);
        dup2(fd, 1);
        dup2(fd, 2);
        execl("/usr/sbin/nginx", "nginx", "-e", log, "-c", path, (char *)NULL);
        _exit(127);
    }
}

static void setup(void)
{
    strcpy(dir, "/tmp/busbar-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    authority("ca");
    authority("other");
    certificate("server", "server", "ca", 2);
    certificate("client", "first", "ca", 2);
    nginx_start();
}

static void teardown(void)
{
    char cmd[128];

    kill(nginx, SIGTERM);
    waitpid(nginx, NULL, 0);
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    (void)!system(cmd);
}

struct seen {
    int n;
    unsigned code;
    bb_status outcome;
    uint32_t retry_after_ms;
    char body[128], text[240];
};

static void on_done(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct seen *s = call->arg;

    s->n++;
    s->code = a->code;
    s->outcome = a->outcome;
    s->retry_after_ms = a->retry_after_ms;
    snprintf(s->body, sizeof s->body, "%.*s", (int)a->body.len, (const char *)a->body.ptr);
    snprintf(s->text, sizeof s->text, "%s", a->text);
}

static struct bb_http *client_new(struct bb_http_config f, struct bb_error *err)
{
    char base[64];

    snprintf(base, sizeof base, "https://127.0.0.1:%u", port);
    f.base = base;
    f.connections = 2;
    return bb_http_new(&f, err);
}

static void ask(struct bb_http *c, const char *path, struct seen *s)
{
    for (int tries = 0; tries < 100; tries++) { /* nginx may still be starting */
        struct bb_http_call *call = bb_http_call_new(c, "GET", path);
        memset(s, 0, sizeof *s);
        call->done = on_done;
        call->arg = s;
        ck_assert_int_eq(bb_http_send(call), 0);
        while (bb_http_open(c))
            bb_http_wait(c, NULL, 0, 100);
        if (s->code != BB_HTTP_E_CONNECT)
            return;
        usleep(50000);
    }
}

static char *path_of(char *out, const char *name)
{
    snprintf(out, 128, "%s/%s", dir, name);
    return out;
}

static char *text_of(char *out, const char *name)
{
    char path[128];
    FILE *f = fopen(path_of(path, name), "r");

    ck_assert_ptr_nonnull(f);
    out[fread(out, 1, 8191, f)] = 0;
    fclose(f);
    return out;
}

START_TEST(authorities)
{
    char ca[128], other[128];
    struct seen s;
    struct bb_http *c = client_new((struct bb_http_config){.ca_file = path_of(ca, "ca.pem")}, NULL);

    ask(c, "/open", &s);
    ck_assert_msg(s.code == 200, "%s", s.text);
    ask(c, "/", &s);
    ck_assert_uint_eq(s.code, 401); /* no certificate of ours */
    bb_http_free(&c);
    c = client_new((struct bb_http_config){.ca_file = path_of(other, "other.pem")}, NULL);
    ask(c, "/open", &s);
    ck_assert_uint_eq(s.code, BB_HTTP_E_TLS);
    ck_assert_int_eq(s.outcome, BB_E_DOWN);
    bb_http_free(&c);
    c = client_new((struct bb_http_config){0}, NULL); /* the system's do not know it */
    ask(c, "/open", &s);
    ck_assert_uint_eq(s.code, BB_HTTP_E_TLS);
    bb_http_free(&c);
}
END_TEST

START_TEST(own_certificate)
{
    char ca[128], cert[128], key[128], cert_pem[8192], key_pem[8192];
    struct bb_http_config f = {.ca_file = path_of(ca, "ca.pem"), .cert_file = path_of(cert, "client.pem"),
                               .key_file = path_of(key, "client.key")};
    struct seen s;
    struct bb_http *c = client_new(f, NULL);

    ask(c, "/", &s);
    ck_assert_str_eq(s.body, "CN=first");
    bb_http_free(&c);
    /* both from secrets */
    f = (struct bb_http_config){.ca_file = ca, .cert_pem = text_of(cert_pem, "client.pem"),
                                .key_pem = text_of(key_pem, "client.key")};
    c = client_new(f, NULL);
    ask(c, "/", &s);
    ck_assert_str_eq(s.body, "CN=first");
    bb_http_free(&c);
    /* a key with a password, and the wrong one */
    sh("openssl ec -aes256 -passout pass:hunter2 -in client.key -out locked.key");
    f = (struct bb_http_config){.ca_file = ca, .cert_file = path_of(cert, "client.pem"),
                                .key_file = path_of(key, "locked.key"), .key_password = "hunter2"};
    c = client_new(f, NULL);
    ask(c, "/", &s);
    ck_assert_str_eq(s.body, "CN=first");
    bb_http_free(&c);
    f.key_password = "hunter3";
    c = client_new(f, NULL);
    ask(c, "/", &s);
    ck_assert_uint_eq(s.code, BB_HTTP_E_TLS);
    ck_assert_ptr_null(strstr(s.text, "hunter3"));
    bb_http_free(&c);
    /* both in one file */
    sh("cat client.pem client.key >both.pem");
    f = (struct bb_http_config){.ca_file = ca, .cert_file = path_of(cert, "both.pem")};
    c = client_new(f, NULL);
    ask(c, "/", &s);
    ck_assert_str_eq(s.body, "CN=first");
    bb_http_free(&c);
}
END_TEST

/* nginx ends the handshake whatever it was shown, and says what was wrong by a page with a 400. */
START_TEST(refused_by_a_page)
{
    char ca[128], cert[128], key[128], base[64];
    struct bb_http_config f = {.ca_file = path_of(ca, "ca.pem"), .cert_file = path_of(cert, "stranger.pem"),
                               .key_file = path_of(key, "stranger.key")};
    struct seen s;

    certificate("stranger", "stranger", "other", 2);
    struct bb_http *c = client_new(f, NULL);
    ask(c, "/open", &s);
    ck_assert_uint_eq(s.code, 400);
    ck_assert_int_eq(s.outcome, BB_E_DOWN);
    ck_assert_msg(strstr(s.text, "check tls.cert"), "%s", s.text);
    bb_http_free(&c);
    snprintf(base, sizeof base, "http://127.0.0.1:%u", port);
    c = bb_http_new(&(struct bb_http_config){.base = base, .connections = 1}, NULL);
    ask(c, "/open", &s);
    ck_assert_uint_eq(s.code, 400);
    ck_assert_int_eq(s.outcome, BB_E_DOWN);
    ck_assert_msg(strstr(s.text, "https://"), "%s", s.text);
    bb_http_free(&c);
}
END_TEST

START_TEST(certificate_changes)
{
    char ca[128], cert[128];
    struct bb_http_config f = {.ca_file = path_of(ca, "ca.pem"), .cert_file = path_of(cert, "both.pem")};
    struct seen s;

    sh("cat client.pem client.key >both.pem");
    struct bb_http *c = client_new(f, NULL);
    ask(c, "/", &s);
    ck_assert_str_eq(s.body, "CN=first");
    certificate("client", "second", "ca", 2);
    sh("cat client.pem client.key >both.new && mv both.new both.pem");
    usleep(1100000); /* it is looked at once a second */
    ask(c, "/", &s);
    ck_assert_str_eq(s.body, "CN=second");
    /* one that is half written, or gone, leaves the old one in use */
    sh("printf nothing >both.pem");
    usleep(1100000);
    ask(c, "/", &s);
    ck_assert_str_eq(s.body, "CN=second");
    sh("rm both.pem");
    usleep(1100000);
    ask(c, "/", &s);
    ck_assert_str_eq(s.body, "CN=second");
    /* an authority that is not trusted any more: its connections are not used again */
    sh("mv ca.pem old.pem; cp other.pem ca.pem");
    usleep(1100000);
    ask(c, "/", &s);
    ck_assert_msg(s.code == BB_HTTP_E_TLS, "%u", s.code);
    sh("mv old.pem ca.pem");
    usleep(1100000);
    ask(c, "/", &s);
    ck_assert_str_eq(s.body, "CN=second");
    bb_http_free(&c);
}
END_TEST

START_TEST(bad_files)
{
    char ca[128];
    struct bb_error err = bb_error_none();

    sh("echo hello >ca.txt");
    ck_assert_ptr_null(client_new((struct bb_http_config){.ca_file = path_of(ca, "ca.txt")}, &err));
    ck_assert_msg(strstr(err.text, "holds no PEM"), "%s", err.text);
    ck_assert_ptr_null(client_new((struct bb_http_config){.cert_file = path_of(ca, "none")}, &err));
    ck_assert_msg(strstr(err.text, "cannot be read"), "%s", err.text);
    ck_assert_ptr_null(client_new((struct bb_http_config){.key_file = path_of(ca, "client.key")}, &err));
    ck_assert_msg(strstr(err.text, "no certificate"), "%s", err.text);
    ck_assert_ptr_null(client_new((struct bb_http_config){.cert_pem = "x"}, &err));
    ck_assert_msg(strstr(err.text, "holds no PEM"), "%s", err.text);
}
END_TEST

START_TEST(expired)
{
    char ca[128];
    struct seen s;

    struct bb_http *c = client_new((struct bb_http_config){.ca_file = path_of(ca, "ca.pem")}, NULL);
    ask(c, "/open", &s); /* it runs: before its exec() a signal would be the test's own */
    ck_assert_uint_eq(s.code, 200);
    bb_http_free(&c);
    kill(nginx, SIGTERM);
    waitpid(nginx, NULL, 0);
    certificate("server", "server", "ca", -1);
    nginx_start();
    c = client_new((struct bb_http_config){.ca_file = path_of(ca, "ca.pem")}, NULL);
    ask(c, "/open", &s);
    ck_assert_uint_eq(s.code, BB_HTTP_E_TLS);
    ck_assert_msg(strstr(s.text, "expired"), "%s", s.text);
    bb_http_free(&c);
}
END_TEST

START_TEST(too_many_requests)
{
    char ca[128];
    struct seen s;
    struct bb_http *c = client_new((struct bb_http_config){.ca_file = path_of(ca, "ca.pem")}, NULL);

    ask(c, "/slow", &s);
    ck_assert_msg(s.code == 200, "%u %s", s.code, s.text);
    ask(c, "/slow", &s);
    ck_assert_uint_eq(s.code, 429);
    ck_assert_int_eq(s.outcome, BB_E_RETRY);
    ck_assert_uint_eq(s.retry_after_ms, 2000); /* nginx says nothing: the client's own pause */
    bb_http_free(&c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http tls");
    TCase *t = tcase_create("tls");
    SRunner *r;
    int failed;

    if (access("/usr/sbin/nginx", X_OK) != 0 || access("/usr/bin/openssl", X_OK) != 0) {
        puts("skip: no nginx or no openssl");
        return 77;
    }
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, authorities);
    tcase_add_test(t, own_certificate);
    tcase_add_test(t, refused_by_a_page);
    tcase_add_test(t, certificate_changes);
    tcase_add_test(t, bad_files);
    tcase_add_test(t, expired);
    tcase_add_test(t, too_many_requests);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

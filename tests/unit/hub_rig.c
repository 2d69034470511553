/*
 * hub_rig.c - the rig of test_hub_peer and test_hub_books; see hub_rig.h
 */
#include "tests/unit/hub_rig.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <busbar/plugin.h>

#define PATIENCE_MS 10000

struct bb_child {
    char endpoint[64];
    uint8_t secret[16];
    _Atomic bool killed;
};
static struct { /* by endpoint */
    char endpoint[64];
    uint8_t secret[16];
    _Atomic unsigned kills, starts;
} hosts[RIG_HOSTS];
static int real_stderr = -1;

static size_t host_at(const char *endpoint)
{
    return strcmp(endpoint, "src") == 0 ? 0 : strcmp(endpoint, "src/query") == 0 ? 2 : 1;
}

unsigned rig_kills(const char *endpoint)
{
    return atomic_load(&hosts[host_at(endpoint)].kills);
}

const uint8_t *rig_secret(const char *endpoint)
{
    return hosts[host_at(endpoint)].secret;
}

/* ---- what the hub calls -------------------------------------------------------------------------- */
struct bb_child *bb_child_start(const struct bb_child_spec *s, struct bb_fault *err)
{
    struct bb_child *c = calloc(1, sizeof *c);
    size_t at = host_at(s->endpoint);

    (void)err;
    if (!c)
        abort();
    snprintf(c->endpoint, sizeof c->endpoint, "%s", s->endpoint);
    memset(c->secret, (int)(0x40 + at), sizeof c->secret);
    memcpy(hosts[at].secret, c->secret, sizeof c->secret);
    hosts[at].starts++;
    return c;
}

const uint8_t *bb_child_secret(const struct bb_child *c)
{
    return c->secret;
}

pid_t bb_child_pid(const struct bb_child *c)
{
    (void)c;
    return 1;
}

int bb_child_fd(const struct bb_child *c)
{
    (void)c;
    return -1;
}

bool bb_child_ended(struct bb_child *c, char *how, size_t cap)
{
    if (!atomic_load(&c->killed))
        return false;
    snprintf(how, cap, "killed by signal 9");
    return true;
}

void bb_child_kill(struct bb_child *c)
{
    if (!atomic_exchange(&c->killed, true))
        hosts[host_at(c->endpoint)].kills++;
}

void bb_child_free(struct bb_child **cp)
{
    free(*cp);
    *cp = NULL;
}

/* ---- the rig --------------------------------------------------------------------------------------- */
static char src[] = "src", dst[] = "dst", fake[] = "fake", to_dst[] = "to-dst", item[] = "item";

void rig_configure(struct rig *r)
{
    const char *tmp = getenv("TMPDIR");
    char *names[] = {src, dst};

    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < RIG_ENDPOINTS; i++) {
        struct bb_endpoint_config *e = &r->eps[i];

        e->name = names[i];
        e->connector = fake;
        e->isolation = BB_ISO_PROCESS;
        e->workers = 1;
        e->limit.in_flight = 8;
        e->timeout_ms = 30000;
        e->claims = true;
        e->batch_max = 64;
        e->is_source = i == 0;
        e->is_sink = i == 1;
        r->gen_eps[i].config = e;
        bb_buf_init(&r->gen_eps[i].plugin_config, 64);
        bb_put_map(&r->gen_eps[i].plugin_config, 0);
        snprintf(r->gen_eps[i].manifest.id, sizeof r->gen_eps[i].manifest.id, "fake");
    }
    r->route = (struct bb_route_config){.name = to_dst, .from = src, .to = dst, .order_by = item,
                                        .retry = {.attempts = 4, .initial_ms = 2, .max_ms = 10},
                                        .on_unknown = BB_UNKNOWN_QUARANTINE,
                                        .on_failure = BB_FAIL_QUARANTINE};
    r->config = (struct bb_config){.endpoints = r->eps, .n_endpoints = RIG_ENDPOINTS,
                                   .routes = &r->route, .n_routes = 1,
                                   .journal = {.max_message = 1u << 20}};
    r->gen = (struct bb_generation){.config = &r->config, .endpoints = r->gen_eps, .splits = &r->splits, .emits = &r->emits,
                                    .impure = &r->impure};
    snprintf(r->dir, sizeof r->dir, "%s/hub-rig-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(r->dir));
    snprintf(r->run, sizeof r->run, "%.250s/run", r->dir);
    snprintf(r->log, sizeof r->log, "%.250s/log", r->dir);
}

void rig_asks(struct rig *r)
{
    r->eps[0].is_asked = true;
    r->query = (struct bb_gen_query){.route = &r->route, .step = 1, .asker = 1, .asked = 0, .op = "item"};
    r->gen.queries = &r->query;
    r->gen.n_queries = 1;
}

int rig_hub(struct rig *r, struct bb_fault *err)
{
    for (size_t i = 0; i < RIG_HOSTS; i++)
        atomic_store(&hosts[i].starts, 0);
    r->hub = bb_hub_start(&(struct bb_hub_options){.generation = &r->gen, .journal = r->journal,
                                                   .program = "/nowhere", .run_dir = r->run}, err);
    return r->hub ? 0 : -1;
}

void rig_start(struct rig *r)
{
    struct bb_fault err = {0};
    int fd = open(r->log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    fflush(stderr);
    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    close(fd);
    r->journal = bb_journal_open(&(struct bb_journal_options){
        .dir = r->dir, .map_size = r->map_size ? r->map_size : 1u << 30, .reserve = 1 << 20, .retention_ms = 86400000,
        .claims_window_ms = 86400000, .claims_max = 100000}, &err);
    ck_assert_msg(r->journal != NULL, "%s", err.text);
    ck_assert_msg(rig_hub(r, &err) == 0, "%s", err.text);
    r->zmq = zmq_ctx_new();
    ck_assert_ptr_nonnull(r->zmq);
}

static int wipe(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

void rig_stop(struct rig *r)
{
    if (r->zmq)
        zmq_ctx_term(r->zmq);
    bb_hub_stop(&r->hub, 0);
    if (r->journal)
        bb_journal_close(&r->journal);
    if (real_stderr >= 0) {
        dup2(real_stderr, STDERR_FILENO);
        close(real_stderr);
        real_stderr = -1;
    }
    for (size_t i = 0; i < RIG_ENDPOINTS; i++)
        bb_buf_free(&r->gen_eps[i].plugin_config);
    nftw(r->dir, wipe, 16, FTW_DEPTH | FTW_PHYS);
}

unsigned rig_logged(const struct rig *r, const char *text)
{
    FILE *f = fopen(r->log, "re");
    char line[8192];
    unsigned n = 0;

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, text) != NULL;
    fclose(f);
    return n;
}

void rig_wait_log(const struct rig *r, const char *text)
{
    int64_t until = bb_mono_ms() + PATIENCE_MS;

    while (!rig_logged(r, text)) {
        ck_assert_msg(bb_mono_ms() < until, "the log has no \"%s\"", text);
        usleep(2000);
    }
}

char *rig_status(struct rig *r)
{
    struct bb_ask a = {.kind = BB_ASK_STATUS, .who = "test"};

    bb_buf_init(&a.out, 1 << 20);
    ck_assert_int_eq(bb_hub_ask(r->hub, &a, PATIENCE_MS), 0);
    bb_buf_put(&a.out, "", 1);
    ck_assert(!a.out.failed);
    return (char *)a.out.ptr;
}

void rig_wait_status(struct rig *r, const char *text)
{
    int64_t until = bb_mono_ms() + PATIENCE_MS;

    for (;;) {
        char *s = rig_status(r);
        bool there = strstr(s, text) != NULL;

        ck_assert_msg(there || bb_mono_ms() < until, "no \"%s\" in %s", text, s);
        free(s);
        if (there)
            return;
        usleep(2000);
    }
}

/* ---- an instance ------------------------------------------------------------------------------------ */
struct rig_host rig_connect(struct rig *r, const char *endpoint)
{
    struct rig_host h = {.rig = r};
    char id[80], address[340];
    int none = 0, some = 1000; /* a flood waits for the hub, not in this process's memory */

    while (!atomic_load(&hosts[host_at(endpoint)].starts))
        usleep(1000);
    h.sock = zmq_socket(r->zmq, ZMQ_DEALER);
    ck_assert_ptr_nonnull(h.sock);
    snprintf(id, sizeof id, "%s/0", endpoint);
    snprintf(address, sizeof address, "ipc://%s/hub.sock", r->run);
    zmq_setsockopt(h.sock, ZMQ_ROUTING_ID, id, strlen(id));
    zmq_setsockopt(h.sock, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(h.sock, ZMQ_SNDHWM, &some, sizeof some);
    zmq_setsockopt(h.sock, ZMQ_RCVHWM, &none, sizeof none);
    ck_assert_int_eq(zmq_connect(h.sock, address), 0);
    return h;
}

void rig_send(struct rig_host *h, struct bb_buf *b)
{
    ck_assert(!b->failed);
    ck_assert_int_ge(zmq_send(h->sock, b->ptr, b->len, 0), 0);
    bb_buf_free(b);
}

void rig_receive(struct rig_host *h, uint32_t kind, zmq_msg_t *m, struct bb_frame *f)
{
    int64_t until = bb_mono_ms() + PATIENCE_MS;

    for (;;) {
        zmq_pollitem_t it = {.socket = h->sock, .events = ZMQ_POLLIN};

        ck_assert_msg(bb_mono_ms() < until, "no frame of kind %u", kind);
        zmq_poll(&it, 1, 100);
        zmq_msg_init(m);
        if (zmq_msg_recv(m, h->sock, ZMQ_DONTWAIT) >= 0) {
            ck_assert_int_eq(
                bb_frame_read((struct bb_bytes){zmq_msg_data(m), zmq_msg_size(m)}, f, NULL), 0);
            if (f->kind == kind)
                return;
        }
        zmq_msg_close(m);
    }
}

void rig_hello(struct rig_host *h, const char *endpoint, const uint8_t *secret)
{
    static const uint8_t nothing = 0x80;
    struct bb_buf b;

    bb_buf_init(&b, 1024);
    bb_put_hello(&b, endpoint, 0, (struct bb_bytes){secret, 16}, 1, (struct bb_bytes){&nothing, 1});
    rig_send(h, &b);
}

struct rig_host rig_up(struct rig *r, const char *endpoint)
{
    struct rig_host h = rig_connect(r, endpoint);
    struct bb_frame f;
    struct bb_buf b;
    zmq_msg_t m;

    rig_hello(&h, endpoint, rig_secret(endpoint));
    rig_receive(&h, BB_F_WELCOME, &m, &f);
    h.session = f.session;
    zmq_msg_close(&m);
    bb_buf_init(&b, 1024);
    bb_put_ready(&b, h.session, BB_OK, "");
    rig_send(&h, &b);
    return h;
}

void rig_close(struct rig_host *h)
{
    zmq_close(h->sock);
    h->sock = NULL;
}

struct bb_buf rig_message(const char *id, const char *key, size_t size)
{
    struct bb_buf b;
    char *fill = calloc(1, size + 1);

    ck_assert_ptr_nonnull(fill);
    memset(fill, 'x', size);
    bb_buf_init(&b, size + 4096);
    bb_put_array(&b, 2);
    bb_put_map(&b, 5);
    const char *pairs[] = {"specversion", "1.0", "id", id, "source", "/t", "type", "mfg.t",
                           "item", key};
    for (size_t i = 0; i < 10; i++)
        bb_put_cstr(&b, pairs[i]);
    bb_put_str(&b, fill, size);
    free(fill);
    ck_assert(!b.failed);
    return b;
}

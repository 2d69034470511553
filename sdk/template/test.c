/*
 * test.c - runs the plugin as a host would: one tick as a source, one message as a sink
 *
 * ./test ./@NAME@.so
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include <busbar/plugin.h>

struct bb_host {
    uint64_t cookie;
    unsigned submitted;
    char log[512];
};
struct bb_msg {
    struct bb_bytes whole;
};

static int fail(const char *what)
{
    fprintf(stderr, "not ok: %s\n", what);
    exit(1);
}

static void describe(bb_host *h, struct bb_instance *out)
{
    (void)h;
    out->roles = BB_ROLE_SOURCE | BB_ROLE_SINK;
    out->workers = 1;
    snprintf(out->endpoint, sizeof out->endpoint, "test");
}
static const void *extension(bb_host *h, const char *id)
{
    static const struct bb_ext_instance instance = {sizeof instance, 0, describe};
    (void)h;
    return strcmp(id, BB_EXT_INSTANCE) == 0 ? &instance : NULL;
}
static void log_line(bb_host *h, uint32_t level, const char *text, size_t len,
                     const struct bb_bytes *attrs)
{
    (void)level;
    (void)attrs;
    snprintf(h->log, sizeof h->log, "%.*s", (int)len, text);
    printf("# %s\n", h->log);
}
static void msg_view(const bb_msg *m, struct bb_msg_view *out)
{
    out->whole = m->whole;
    out->attempt = 1;
}
static bb_status submit(bb_host *h, const struct bb_bytes *messages, size_t n,
                        const struct bb_state *state, uint64_t cookie, struct bb_error *err)
{
    struct bb_fault f;
    (void)state;
    for (size_t k = 0; k < n; k++)
        if (bb_message_check(messages[k], &f) != 0)
            return bb_error_set(err, BB_E_REJECT, "%s", f.text);
    h->submitted++;
    h->cookie = cookie;
    return BB_PENDING;
}
static bb_status state_read(bb_host *h, void *buf, size_t cap, size_t *len, uint64_t *version)
{
    (void)h;
    (void)buf;
    (void)cap;
    *len = 0;
    *version = 0;
    return BB_OK;
}

int main(int argc, char **argv)
{
    static const struct bb_host_api api = {.size = sizeof api, .abi = BB_ABI,
                                           .extension = extension, .log = log_line,
                                           .msg_view = msg_view, .submit = submit,
                                           .state = state_read};
    static const char config_json[] = "{\"interval\":1,\"greeting\":\"good morning\"}";
    static const char message_json[] =
        "[{\"specversion\":\"1.0\",\"id\":\"42\",\"source\":\"t\",\"type\":\"mfg.test.tick\"},"
        "{\"greeting\":\"moin\"}]";
    struct bb_host host = {0};
    struct bb_error err = bb_error_none();
    struct bb_receipt receipt = {.size = sizeof receipt, .first = 1, .last = 1, .state_version = 1};
    struct bb_buf config, message;
    struct bb_bytes c, m;
    struct bb_msg msg;
    bb_inst *i = NULL;
    void *so = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!so)
        return fail(argc == 2 ? dlerror() : "usage: test ./PLUGIN.so");
    const struct bb_module *(*entry)(uint32_t);
    *(void **)&entry = dlsym(so, "bb_module_v1");
    const struct bb_module *module = entry ? entry(BB_ABI) : NULL;
    if (!module || module->count != 1)
        return fail("one connector expected");
    const struct bb_connector *conn = module->connectors[0];

    bb_buf_init(&config, 65536);
    bb_buf_init(&message, 65536);
    if (bb_json_read(bb_str(config_json), &config, NULL) != 0 ||
        bb_json_read(bb_str(message_json), &message, NULL) != 0)
        return fail("the test's own JSON");
    c.ptr = config.ptr;
    c.len = config.len;
    m.ptr = message.ptr;
    m.len = message.len;
    msg.whole = m;
    if (conn->create(&host, &api, &c, &i, &err) != BB_OK || conn->start(i, &err) != BB_OK)
        return fail(err.text);
    if (conn->deliver(i, &msg, 1, &err) != BB_OK)
        return fail(err.text);
    if (!strstr(host.log, "42") || !strstr(host.log, "moin"))
        return fail("the message is not in the log");
    const struct bb_ext_wait *w = conn->extension(i, BB_EXT_WAIT);
    for (int k = 0; k < 1000 && host.submitted < 2; k++) {
        unsigned was = host.submitted;
        w->wait(i, NULL, 0, 10);
        if (host.submitted > was)
            conn->acked(i, host.cookie, BB_OK, &receipt);
    }
    if (host.submitted < 2)
        return fail("no ticks came");
    if (conn->stop(i, 1000) != BB_OK)
        return fail("stop");
    conn->destroy(i);
    bb_buf_free(&config);
    bb_buf_free(&message);
    printf("ok: %s delivers and submits\n", conn->id);
    return 0;
}

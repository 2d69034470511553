/*
 * file_rig.h - a folder of its own, a host in this process, and the connector between them
 *
 * For the test programs of the file connector, one each; all is static.
 */
#ifndef FILE_RIG_H
#define FILE_RIG_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/plugins/fakehost.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static char root[64];
static struct fake_journal journal;
static const struct bb_connector *conn;

static inline void setup(void)
{
    snprintf(root, sizeof root, "/tmp/busbar-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    fake_journal_init(&journal);
    conn = bb_module_v1(BB_ABI)->connectors[0];
}

static inline void teardown(void)
{
    char cmd[128];
    fake_journal_free(&journal);
    snprintf(cmd, sizeof cmd, "rm -rf %s", root);
    ck_assert_int_eq(system(cmd), 0);
}

__attribute__((format(printf, 1, 2))) static inline const char *at(const char *fmt, ...)
{
    static char text[4][256];
    static unsigned turn;
    char *out = text[turn++ % 4];
    int n = snprintf(out, 256, "%s/", root);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(out + n, (size_t)(256 - n), fmt, ap);
    va_end(ap);
    return out;
}

static inline void put(const char *path, const char *text)
{
    char temp[300];
    FILE *f;
    snprintf(temp, sizeof temp, "%s.tmp", path);
    f = fopen(temp, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(temp, path), 0);
}

static inline char *get(const char *path)
{
    static char text[1 << 20];
    FILE *f = fopen(path, "r");
    size_t n;
    if (!f)
        return NULL;
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = 0;
    fclose(f);
    return text;
}

static inline struct fake_host *run(const char *config, uint32_t roles)
{
    struct bb_error err;
    struct fake_host *h = fake_host_new(&journal, conn, config, roles, &err);
    ck_assert_msg(h != NULL, "%s", err.text);
    ck_assert_msg(fake_host_start(h, &err) == BB_OK, "%s", err.text);
    return h;
}

/* Pumps and acks until path is there. */
static inline void until_there(struct fake_host *h, const char *path)
{
    int64_t end = bb_clock_ms() + 10000;
    while (access(path, F_OK) != 0) {
        ck_assert_msg(bb_clock_ms() < end, "%s did not come; log: %s", path, fake_host_log_text(h));
        if (fake_host_pending(h))
            (void)fake_host_ack(h, BB_OK, NULL);
        else
            fake_host_pump(h, 20);
    }
}

/* Pumps until something is submitted. */
static inline void until_pending(struct fake_host *h)
{
    int64_t end = bb_clock_ms() + 10000;
    while (!fake_host_pending(h)) {
        ck_assert_msg(bb_clock_ms() < end, "nothing submitted; log: %s", fake_host_log_text(h));
        fake_host_pump(h, 20);
    }
}

#define ENVELOPE "\"envelope\":{\"type\":\"mfg.inventory.movement\",\"item\":{\"pointer\":\"/item\"}," \
                 "\"plant\":\"1000\"}"
static inline const char *config(const char *more)
{
    static char text[1024];
    snprintf(text, sizeof text, "{\"directory\":\"%s\",\"retry\":10,%s}", at("in"), more);
    return text;
}

#define HEAD "\"specversion\":\"1.0\",\"source\":\"t\",\"type\":\"mfg.x\""

static inline bb_msg *message(unsigned k, uint32_t flags)
{
    char json[256], key[32];
    snprintf(json, sizeof json, "[{" HEAD ",\"id\":\"%u\",\"item\":\"i%u\"},{\"n\":%u,\"t\":\"a,b\"}]",
             k, k, k);
    snprintf(key, sizeof key, "key %u/1", k);
    return fake_msg(json, key, flags);
}

static inline bb_status deliver(struct fake_host *h, unsigned k, uint32_t flags)
{
    struct fake_result r;
    bb_msg *m = message(k, flags);
    fake_host_deliver(h, m, 5000, &r);
    fake_msg_free(m);
    return r.status;
}

static inline bb_status probe(struct fake_host *h, unsigned k)
{
    struct fake_result r;
    bb_msg *m = message(k, 0);
    fake_host_probe(h, m, 5000, &r);
    fake_msg_free(m);
    return r.status;
}

static inline const char *sink_config(const char *more)
{
    static char text[1024];
    snprintf(text, sizeof text, "{\"path\":\"%s\"%s}", at("out.jsonl"), more);
    return text;
}

#endif

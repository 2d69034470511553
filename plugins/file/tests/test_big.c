/*
 * test_big.c - a large file of each format through the reader: every record comes, memory does not grow
 *
 * 16 MiB each by default; with BUSBAR_BIG=1 it is 1 GiB each. Prints speed and peak memory. Every
 * format has a process of its own, so that its peak is its own.
 */
#include "plugins/file/file.h"

#include <busbar/json.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#define GROWTH_MAX_KB (8 * 1024)

static const struct format {
    const char *name, *config, *head, *record, *between, *tail;
} formats[] = {
    {"jsonl", "\"format\":\"jsonl\"", "",
     "{\"number\":%llu,\"item\":\"M-4711\",\"qty\":12.50,\"note\":\"%s\"}", "\n", "\n"},
    {"json array", "\"format\":\"json\",\"records\":\"/list/items\"",
     "{\"head\":{\"a\":[1,2]},\"list\":{\"items\":[",
     "{\"number\":%llu,\"item\":\"M-4711\",\"qty\":12.50,\"note\":\"%s\"}", ",\n", "],\"n\":1}}"},
    {"csv", "\"format\":\"csv\"", "number,item,qty,note\r\n", "%llu,M-4711,12.50,\"%s\"", "\r\n", "\r\n"},
    {"csv, windows-1252", "\"format\":\"csv\",\"delimiter\":\";\",\"csv\":{\"encoding\":\"windows-1252\","
     "\"decimals\":[\"qty\"],\"decimal_sign\":\",\",\"line_end\":\"lf\"}",
     "number;item;qty;note\n", "%llu;M-4711;12,50;\"\xe4%s\"", "\n", "\n"},
    {"xml", "\"format\":\"xml\",\"xml\":{\"record\":\"/m:list/m:move\",\"namespaces\":{\"m\":\"urn:m\"},"
     "\"types\":{\"//m:qty\":\"decimal\"}}",
     "<?xml version=\"1.0\"?>\n<list xmlns=\"urn:m\">\n",
     "<move no=\"%llu\"><item>M-4711</item><qty unit=\"EA\">12.50</qty><note>%s</note></move>", "\n",
     "\n</list>"}};

/* 0, or -1; *n records of about 300 bytes. */
static int file_make(const struct format *f, const char *path, uint64_t size, uint64_t *n)
{
    FILE *out = fopen(path, "w");
    char note[201];
    uint64_t at = 0;
    if (!out)
        return -1;
    memset(note, 'x', sizeof note - 1);
    note[sizeof note - 1] = 0;
    fputs(f->head, out);
    for (*n = 0; at < size; ++*n) {
        int k;
        if (*n)
            at += (uint64_t)(fputs(f->between, out) >= 0) * strlen(f->between);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        k = fprintf(out, f->record, (unsigned long long)*n, note);
#pragma GCC diagnostic pop
        at += k > 0 ? (uint64_t)k : size;
    }
    fputs(f->tail, out);
    return ferror(out) | fclose(out) ? -1 : 0;
}

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* In its own process: 0 well. */
static int format_read(const struct format *f, const char *path, uint64_t want, uint64_t size)
{
    char json[1024];
    struct bb_buf conf, value;
    struct bb_error err = bb_error_none();
    struct bb_fault fault = {0, ""};
    struct config *c = calloc(1, sizeof *c);
    struct reader *r = calloc(1, sizeof *r);
    struct bad bad = {.text = ""};
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
    int64_t began = bb_clock_ms(), took;
    long before;
    snprintf(json, sizeof json, "{\"directory\":\"/tmp\",\"envelope\":{\"type\":\"mfg.x\"},%s}", f->config);
    bb_buf_init(&conf, 65536);
    bb_buf_init(&value, 2u << 20);
    if (fd < 0 || !c || !r || bb_json_read(bb_str(json), &conf, &fault) != 0 ||
        config_read((struct bb_bytes){conf.ptr, conf.len}, BB_ROLE_SOURCE, c, &err) != 0) {
        printf("not ok - %s: %s%s\n", f->name, fault.text, err.text);
        return 1;
    }
    before = peak_kb();
    rc = reader_open(r, c, fd, NULL, &bad);
    while (rc == 0 || rc == 1) {
        bb_buf_reset(&value);
        rc = reader_next(r, &value, &bad);
        if (rc <= 0)
            break;
        if (r->at.record % 1000 == 1 &&
            bb_value_check((struct bb_bytes){value.ptr, value.len}, &fault) != 0)
            rc = -1;
    }
    took = bb_clock_ms() - began;
    printf("# %s: %.0f MB, %llu records, %.0f MB/s, peak %ld KiB, %ld of them for the reader\n", f->name,
           (double)size / 1e6, (unsigned long long)r->at.record,
           (double)size / 1e3 / (double)(took ? took : 1), peak_kb(), peak_kb() - before);
    if (rc != 0 || r->at.record != want) {
        printf("not ok - %s: %llu of %llu records; line %llu: %s%s\n", f->name,
               (unsigned long long)r->at.record, (unsigned long long)want,
               (unsigned long long)bad.line, bad.text, fault.text);
        return 1;
    }
#ifndef SANITIZED /* it keeps freed memory for a while */
    if (peak_kb() - before > GROWTH_MAX_KB) {
        printf("not ok - %s: %ld KiB more memory, at most %d are right\n", f->name, peak_kb() - before,
               GROWTH_MAX_KB);
        return 1;
    }
#endif
    reader_close(r);
    config_free(c);
    free(r);
    free(c);
    bb_buf_free(&conf);
    bb_buf_free(&value);
    close(fd);
    return 0;
}

int main(void)
{
    const char *big = getenv("BUSBAR_BIG"), *dir = getenv("TMPDIR");
    uint64_t size = big && strcmp(big, "1") == 0 ? 1u << 30 : 16u << 20;
    char path[512];
    int failed = 0, fd;
    snprintf(path, sizeof path, "%s/busbar-big-XXXXXX", dir ? dir : "/tmp");
    fd = mkstemp(path);
    if (fd < 0) {
        printf("not ok - no file in %s\n", dir ? dir : "/tmp");
        return 1;
    }
    close(fd);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        uint64_t n = 0;
        int status = 1;
        pid_t child;
        if (file_make(&formats[i], path, size, &n) != 0) {
            printf("not ok - %s: no room for a file of %llu bytes\n", formats[i].name,
                   (unsigned long long)size);
            failed = 1;
            continue;
        }
        fflush(stdout);
        child = fork();
        if (child == 0) {
            status = format_read(&formats[i], path, n, size);
            fflush(stdout);
            _exit(status);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            failed = 1;
    }
    unlink(path);
    return failed;
}

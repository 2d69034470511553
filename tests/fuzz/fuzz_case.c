/*
 * fuzz_case.c - files of route tests, on any bytes; and what a case expects against itself
 *
 * The text is read as a file of tests. What it holds as expectations is compared with itself as if it
 * were a result, and made an expectation anew. Found are crashes, leaks, hangs and mistakes without text.
 */
#include "core/rehearse/rehearse.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml 0.7.12 itself loses a kilobyte on some broken quotes; our own leaks still count. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}

static char path[64];

static void path_remove(void)
{
    unlink(path);
}

static int file_write(const uint8_t *data, size_t size)
{
    int fd;
    ssize_t n;

    if (!*path) {
        snprintf(path, sizeof(path), "/dev/shm/fuzz-case-%d.yaml", (int)getpid());
        atexit(path_remove);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    n = write(fd, data, size);
    close(fd);
    return n == (ssize_t)size ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char src[] = "src", dst[] = "dst", r[] = "r";
    struct bb_endpoint_config endpoints[2] = {{.name = src}, {.name = dst}};
    struct bb_route_config route = {.name = r, .from = src, .to = dst};
    const struct bb_config c = {.endpoints = endpoints, .n_endpoints = 2, .routes = &route, .n_routes = 1};
    struct bb_cases cases = {0};
    struct bb_diags d = {0};
    struct bb_buf out;

    if (size > 1 << 16 || file_write(data, size) != 0)
        return 0;
    if (bb_cases_load(&cases, path, &c, &d) != 0 && d.errors == 0)
        abort();
    for (size_t i = 0; i < d.n; i++)
        if (!d.v[i].text || !*d.v[i].text)
            abort();
    for (size_t i = 0; i < cases.n && d.errors == 0; i++) {
        bb_results_compare(cases.v[i].expect, cases.v[0].expect, NULL, NULL);
        bb_buf_init(&out, 1u << 24);
        bb_results_expect(cases.v[i].expect, cases.v[0].expect, &out);
        if (out.failed || bb_value_check((struct bb_bytes){out.ptr, out.len}, NULL) != 0)
            abort();
        bb_buf_free(&out);
    }
    bb_cases_free(&cases);
    bb_diags_free(&d);
    return 0;
}

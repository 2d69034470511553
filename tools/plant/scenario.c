/* scenario.c - see scenario.h */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/plant/json.h"
#include "tools/plant/mem.h"
#include "tools/plant/scenario.h"

#define ACTIONS_MAX 64

static const struct {
    const char *name, *system, *action, *json;
} scenarios[] = {
    {"eco-release", "plm", "release", "{\"plant\":\"1000\"}"},
    {"obsolete-component", "plm", "obsolete", "{}"},
    {"goods-receipt", "wms", "receive", "{}"},
    {"production-day", "erp", "release-orders", "{\"plant\":\"1000\",\"count\":5}"},
    {"production-day", "mes", "produce", "{\"plant\":\"1000\",\"count\":20}"},
    {"cycle-count", "wms", "count", "{}"},
    {"supplier-asn", "portal", "ship", "{}"},
    {"quality-alert", "portal", "quality", "{}"},
};

struct driver {
    CURL *curl;
    struct plant_mem mem;
    struct plant_buf answer;
    const char *dir, *correlation;
};

static size_t answer_take(char *p, size_t size, size_t n, void *arg)
{
    struct driver *d = arg;
    if (d->answer.n + size * n > (1 << 20))
        return 0;
    plant_put(&d->answer, p, size * n);
    return size * n;
}

static int port_of(struct driver *d, const char *system)
{
    int port = 0;
    FILE *f = fopen(plant_mem_printf(&d->mem, "%s/%s.port", d->dir, system), "re");
    if (f && fscanf(f, "%d", &port) != 1)
        port = 0;
    if (f)
        fclose(f);
    return port;
}

/* The status, 0 without an answer; the answer is in d->answer. json: NULL for a GET. */
static long call(struct driver *d, const char *system, const char *path, const char *json)
{
    long status = 0;
    struct curl_slist *h = curl_slist_append(NULL, "Content-Type: application/json");
    if (d->correlation)
        h = curl_slist_append(h, plant_mem_printf(&d->mem, "X-Correlation-ID: %s", d->correlation));
    plant_buf_init(&d->answer, &d->mem);
    curl_easy_setopt(d->curl, CURLOPT_URL, plant_mem_printf(&d->mem, "http://127.0.0.1:%d/control/%s",
                                                            port_of(d, system), path));
    curl_easy_setopt(d->curl, CURLOPT_HTTPHEADER, h);
    if (json)
        curl_easy_setopt(d->curl, CURLOPT_POSTFIELDS, json);
    else
        curl_easy_setopt(d->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(d->curl, CURLOPT_WRITEFUNCTION, answer_take);
    curl_easy_setopt(d->curl, CURLOPT_WRITEDATA, d);
    curl_easy_setopt(d->curl, CURLOPT_TIMEOUT, 30L);
    if (curl_easy_perform(d->curl) == CURLE_OK)
        curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(h);
    return status;
}

static int names_tell(void)
{
    fprintf(stderr, "plant: the scenarios are:");
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        if (i == 0 || strcmp(scenarios[i].name, scenarios[i - 1].name) != 0)
            fprintf(stderr, " %s", scenarios[i].name);
    fprintf(stderr, "\n");
    return 2;
}

int plant_scenario(const char *dir, const char *name)
{
    struct driver d = {.curl = curl_easy_init(), .dir = dir};
    int rc = -1;
    char id[64];
    snprintf(id, sizeof id, "%s-%lld", name, (long long)time(NULL));
    d.correlation = id;
    for (size_t i = 0; d.curl && i < sizeof scenarios / sizeof *scenarios && rc <= 0; i++) {
        if (strcmp(scenarios[i].name, name) != 0)
            continue;
        long status = call(&d, scenarios[i].system, plant_mem_printf(&d.mem, "do/%s", scenarios[i].action),
                           scenarios[i].json);
        printf("%s %s: %ld %s\n", scenarios[i].system, scenarios[i].action, status,
               status ? d.answer.p : "no answer: does `plant run` run with that system?");
        rc = status < 200 || status > 299;
    }
    if (rc == 0)
        printf("correlation id: %s\n", id);
    curl_easy_cleanup(d.curl);
    plant_mem_free(&d.mem);
    return rc < 0 ? names_tell() : rc;
}

struct choice {
    const char *system, *path;
    unsigned weight;
};

static size_t choices_read(struct driver *d, const char *const *names, size_t n, struct choice *out, unsigned *sum)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        struct plant_text list, key, value;
        struct plant_items it;
        if (call(d, names[i], "health", NULL) != 200 ||
            !plant_json_find((struct plant_text){d->answer.p, d->answer.n}, "/actions", &list) ||
            !plant_members_of(list, &it))
            continue;
        while (k < ACTIONS_MAX && plant_members_next(&it, &key, &value)) {
            out[k] = (struct choice){names[i], plant_mem_printf(&d->mem, "do/%.*s", (int)key.n, key.p),
                                     (unsigned)atoi(plant_mem_text(&d->mem, value))};
            *sum += out[k].weight;
            k += out[k].weight > 0;
        }
    }
    return k;
}

static uint64_t roll(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int plant_load(const char *dir, const char *const *names, size_t n, double rate, unsigned seconds, uint64_t seed)
{
    struct driver d = {.curl = curl_easy_init(), .dir = dir}, one;
    struct choice choices[ACTIONS_MAX];
    unsigned sum = 0;
    long good = 0, bad = 0;
    uint64_t state = seed;
    size_t k = d.curl ? choices_read(&d, names, n, choices, &sum) : 0;
    if (k == 0 || rate <= 0) {
        fprintf(stderr, "plant: no system in %s answers: does `plant run --dir %s` run? And --rate is above 0\n", dir, dir);
        return 2;
    }
    double start = now();
    for (long i = 0; (double)i < rate * seconds; i++) {
        double wait = start + (double)i / rate - now();
        struct timespec pause = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
        if (wait > 0)
            nanosleep(&pause, NULL);
        uint64_t r = roll(&state) % sum;
        size_t at = 0;
        while (r >= choices[at].weight)
            r -= choices[at++].weight;
        one = (struct driver){.curl = d.curl, .dir = dir};
        long status = call(&one, choices[at].system, choices[at].path, "{}");
        good += status >= 200 && status < 300;
        bad += status < 200 || status > 299;
        plant_mem_free(&one.mem);
    }
    double took = now() - start;
    printf("load: %ld actions in %.1f s (%.1f/s), %ld refused\n", good + bad, took, (double)(good + bad) / took, bad);
    curl_easy_cleanup(d.curl);
    plant_mem_free(&d.mem);
    return 0;
}

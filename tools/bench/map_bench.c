/*
 * map_bench.c - what the map step costs: 8 rules on a movement of 1 KiB, and for_each over a large BOM
 *
 *   bench-map movement N      N messages; CPU-microseconds a message: the rules, and JSON both ways
 *   bench-map lines N         the same movements as JSON lines, for jq to do the same
 *   bench-map mapped N        and what the rules make of them
 *   bench-map jq              the jq program that does what the 8 rules do
 *   bench-map bom LINES       one message; MB/s of its bytes and peak memory beside its size
 *
 * One line of JSON each, for run.sh.
 */
#include <busbar/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "core/transform/transform.h"

static const char rules[] =
    "[{\"map\":["
    "{\"rename\":{\"from\":\"/data/qty\",\"to\":\"/data/quantity\"}},"
    "{\"rename\":{\"from\":\"/data/storageLocation\",\"to\":\"/data/location\"}},"
    "{\"copy\":{\"from\":\"/data/material\",\"to\":\"/attributes/item\"}},"
    "{\"constant\":{\"to\":\"/data/source\",\"value\":\"mes\"}},"
    "{\"default\":{\"to\":\"/data/batch\",\"value\":\"none\"}},"
    "{\"drop\":\"/data/internal\"},"
    "{\"drop\":\"/data/operator/badge\"},"
    "{\"lookup\":{\"from\":\"/data/unit\",\"table\":{\"ST\":\"H87\",\"KG\":\"KGM\",\"M\":\"MTR\",\"L\":\"LTR\"}}}"
    "]}]";
static const char jq[] =
    ".[1].quantity = .[1].qty | del(.[1].qty) | .[1].location = .[1].storageLocation |"
    " del(.[1].storageLocation) | .[0].item = .[1].material | .[1].source = \"mes\" |"
    " .[1].batch = (.[1].batch // \"none\") | del(.[1].internal) | del(.[1].operator.badge) |"
    " .[1].unit = {ST: \"H87\", KG: \"KGM\", M: \"MTR\", L: \"LTR\"}[.[1].unit]";

static void movement(char *out, size_t cap, unsigned k)
{
    int n = snprintf(
        out, cap,
        "[{\"specversion\":\"1.0\",\"id\":\"mv-%08u\",\"source\":\"/plant/1000/mes\",\"type\":"
        "\"mfg.inventory.movement\",\"time\":\"2026-01-31T08:15:00.123456789Z\",\"correlationid\":"
        "\"order-%06u\",\"plant\":\"1000\"},{\"movementType\":\"261\",\"material\":\"4711-%05u\",\"qty\":"
        "%u.250,\"unit\":\"KG\",\"storageLocation\":\"0001\",\"toLocation\":\"PROD-%02u\",\"batch\":null,"
        "\"order\":\"100%06u\",\"operation\":\"0020\",\"postingDate\":\"2026-01-31\",\"operator\":{\"name\":"
        "\"M. Mustermann\",\"badge\":\"%06u\",\"shift\":\"early\"},\"internal\":{\"trace\":\"a9f3c2\",\"cell\":"
        "%u,\"retries\":0},\"serials\":[\"SN%07u\",\"SN%07u\",\"SN%07u\"],\"quality\":{\"status\":\"free\","
        "\"inspectionLot\":\"0300%06u\",\"text\":\"",
        k, k % 100000, k % 99999, k % 997, k % 40, k % 99999, k % 99999, k % 30, k, k + 1, k + 2, k % 99999);
    for (; n < 1024 - 4; n++)
        out[n] = (char)('a' + (n * 7 + (int)k) % 26);
    snprintf(out + n, cap - (size_t)n, "\"}}]");
}

static double cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kb(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static void must(int ok, const char *what, const struct bb_fault *f)
{
    if (ok)
        return;
    fprintf(stderr, "bench-map: %s: %s\n", what, f ? f->text : "");
    exit(1);
}

static struct bb_transform *compile(const char *json)
{
    struct bb_bytes text = {json, strlen(json)};
    struct bb_fault f = {0, ""};
    struct bb_transform *t;
    struct bb_buf b;

    bb_buf_init(&b, 1u << 20);
    must(bb_json_read(text, &b, &f) == 0, "rules", &f);
    t = bb_transform_compile((struct bb_bytes){b.ptr, b.len}, NULL, &f);
    must(t != NULL, "rules", &f);
    bb_buf_free(&b);
    return t;
}

#define MESSAGES 512 /* different ones, so that no branch learns a single one by heart */

static void run_movement(unsigned n)
{
    static struct bb_buf in[MESSAGES];
    struct bb_transform *t = compile(rules);
    double apply, json_in, json_out;
    struct bb_fault f = {0, ""};
    struct bb_buf out, text;
    char line[2048];
    size_t bytes = 0;

    bb_buf_init(&out, 1u << 20);
    bb_buf_init(&text, 1u << 20);
    for (unsigned k = 0; k < MESSAGES; k++) {
        struct bb_bytes json = {line, 0};

        movement(line, sizeof(line), k);
        json.len = strlen(line);
        bytes += json.len;
        bb_buf_init(&in[k], 1u << 20);
        must(bb_json_read(json, &in[k], &f) == 0, "movement", &f);
    }
    apply = cpu();
    for (unsigned k = 0; k < n; k++) {
        struct bb_buf *m = &in[k % MESSAGES];

        out.len = 0;
        must(bb_transform_apply(t, (struct bb_bytes){m->ptr, m->len}, &out, NULL, &f) == BB_OK, "apply", &f);
    }
    apply = cpu() - apply;
    json_out = cpu();
    for (unsigned k = 0; k < n; k++) {
        struct bb_buf *m = &in[k % MESSAGES];

        text.len = 0;
        must(bb_json_write((struct bb_bytes){m->ptr, m->len}, &text, &f) == 0, "write", &f);
    }
    json_out = cpu() - json_out;
    json_in = cpu();
    for (unsigned k = 0; k < n; k++) {
        out.len = 0;
        must(bb_json_read((struct bb_bytes){text.ptr, text.len}, &out, &f) == 0, "read", &f);
    }
    json_in = cpu() - json_in;
    printf("{\"bench\":\"map\",\"rules\":8,\"messages\":%u,\"bytes\":%zu,\"us_map\":%.3f,\"us_json_in\":%.3f,"
           "\"us_json_out\":%.3f}\n",
           n, bytes / MESSAGES, apply * 1e6 / n, json_in * 1e6 / n, json_out * 1e6 / n);
}

static void print_mapped(unsigned n)
{
    struct bb_transform *t = compile(rules);
    struct bb_fault f = {0, ""};
    struct bb_buf in, out, text;
    char line[2048];

    bb_buf_init(&in, 1u << 20);
    bb_buf_init(&out, 1u << 20);
    bb_buf_init(&text, 1u << 20);
    for (unsigned k = 0; k < n; k++) {
        in.len = out.len = text.len = 0;
        movement(line, sizeof(line), k);
        must(bb_json_read((struct bb_bytes){line, strlen(line)}, &in, &f) == 0, "movement", &f);
        must(bb_transform_apply(t, (struct bb_bytes){in.ptr, in.len}, &out, NULL, &f) == BB_OK, "apply", &f);
        must(bb_json_write((struct bb_bytes){out.ptr, out.len}, &text, &f) == 0, "write", &f);
        printf("%.*s\n", (int)text.len, (const char *)text.ptr);
    }
}

static void run_bom(unsigned lines)
{
    struct bb_transform *t = compile(
        "[{\"map\":[{\"for_each\":{\"at\":\"/data/lines\",\"do\":["
        "{\"rename\":{\"from\":\"./qty\",\"to\":\"./quantity\"}},"
        "{\"copy\":{\"from\":\"/data/plant\",\"to\":\"./plant\"}},"
        "{\"default\":{\"to\":\"./scrap\",\"value\":0}},"
        "{\"drop\":\"./note\"},"
        "{\"lookup\":{\"from\":\"./unit\",\"table\":{\"ST\":\"H87\",\"KG\":\"KGM\"}}}]}}]}]");
    struct bb_fault f = {0, ""};
    struct bb_buf in, out;
    double took;
    long before;
    char text[128];

    bb_buf_init(&in, 1u << 30);
    bb_buf_init(&out, 1u << 30);
    bb_put_array(&in, 2);
    bb_put_map(&in, 1);
    bb_put_cstr(&in, "id");
    bb_put_cstr(&in, "b");
    bb_put_map(&in, 2);
    bb_put_cstr(&in, "plant");
    bb_put_cstr(&in, "1000");
    bb_put_cstr(&in, "lines");
    bb_put_array(&in, lines);
    for (unsigned k = 0; k < lines; k++) {
        bb_put_map(&in, 8);
        bb_put_cstr(&in, "position");
        bb_put_int(&in, k * 10);
        bb_put_cstr(&in, "item");
        snprintf(text, sizeof(text), "4711-%07u", k);
        bb_put_cstr(&in, text);
        bb_put_cstr(&in, "qty");
        bb_put_decimal(&in, "12.500", 6);
        bb_put_cstr(&in, "unit");
        bb_put_cstr(&in, k & 1 ? "ST" : "KG");
        bb_put_cstr(&in, "description");
        snprintf(text, sizeof(text), "hexagon socket head cap screw M8 x 40, number %u, zinc plated", k);
        bb_put_cstr(&in, text);
        bb_put_cstr(&in, "designators");
        bb_put_array(&in, 4);
        for (int i = 0; i < 4; i++)
            bb_put_cstr(&in, "R1042");
        bb_put_cstr(&in, "note");
        bb_put_cstr(&in, "internal, for the designers alone, not for the shop floor");
        bb_put_cstr(&in, "effectivity");
        bb_put_map(&in, 2);
        bb_put_cstr(&in, "from");
        bb_put_cstr(&in, "2026-01-01");
        bb_put_cstr(&in, "to");
        bb_put_cstr(&in, "9999-12-31");
    }
    must(!in.failed, "the BOM is too large", NULL);
    before = peak_kb();
    took = cpu();
    must(bb_transform_apply(t, (struct bb_bytes){in.ptr, in.len}, &out, NULL, &f) == BB_OK, "apply", &f);
    took = cpu() - took;
    printf("{\"bench\":\"bom\",\"lines\":%u,\"mb\":%.1f,\"mb_per_s\":%.0f,\"us_a_line\":%.3f,"
           "\"before_kb\":%ld,\"peak_kb\":%ld,\"peak_by_size\":%.2f}\n",
           lines, (double)in.len / 1e6, (double)in.len / 1e6 / took, took * 1e6 / lines, before, peak_kb(),
           (double)peak_kb() * 1024 / (double)in.len);
}

int main(int argc, char **argv)
{
    unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1000000;
    char line[2048];

    if (argc > 1 && strcmp(argv[1], "movement") == 0) {
        run_movement(n);
    } else if (argc > 1 && strcmp(argv[1], "bom") == 0) {
        run_bom(n);
    } else if (argc > 1 && strcmp(argv[1], "mapped") == 0) {
        print_mapped(n);
    } else if (argc > 1 && strcmp(argv[1], "jq") == 0) {
        puts(jq);
    } else if (argc > 1 && strcmp(argv[1], "lines") == 0) {
        for (unsigned k = 0; k < n; k++) {
            movement(line, sizeof(line), k);
            puts(line);
        }
    } else {
        fputs("usage: bench-map movement|lines|mapped|bom N, bench-map jq\n", stderr);
        return 2;
    }
    return 0;
}

/*
 * fuzz_xml.c - any document in any chunks, any value to a document
 *
 * The first byte chooses mapping and chunks. Asserted for a document: chunks of any size give the
 * same records and the same end; each record is a canonical value, is written, and gives the same
 * bytes when it is read again. For a value (highest bit set): what the writer takes, the reader
 * reads.
 */
#include <busbar/json.h>
#include <busbar/xml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

/* Each twice: with its record, and with the root as the record. */
static const char *const mappings[4][2] = {
    {"", ""},
    {"\"record\":\"/a/b\",",
     "\"arrays\":[\"//c\",\"/b/d\"],\"types\":{\"//i\":\"integer\",\"//d\":\"decimal\","
     "\"//@t\":\"boolean\",\"/b/e\":\"date\"}"},
    {"", "\"namespaces\":{\"\":\"u\",\"p\":\"v\"},\"mixed\":[\"//m\"],\"ordered\":[\"//o\"]"},
    {"\"record\":\"/*/*\",", "\"namespaces\":{\"p\":\"u\"},\"mixed\":[\"//*\"]"}};
static struct bb_xml_map *maps[4], *whole[4], *sorted;

static struct bb_xml_map *map_make(const char *record, const char *rest)
{
    char text[512];
    struct bb_buf b;
    struct bb_bytes v = {text, 0};
    struct bb_fault err;
    struct bb_xml_map *m;

    v.len = (size_t)snprintf(text, sizeof(text), "{%s%s}", record, rest);
    bb_buf_init(&b, 65536);
    MUST(bb_json_read(v, &b, &err) == 0);
    v.ptr = b.ptr;
    v.len = b.len;
    m = bb_xml_map_new(v, &err);
    MUST(m);
    bb_buf_free(&b);
    return m;
}

struct result {
    struct bb_buf records; /* status, length and bytes of each */
    uint64_t n;
    int broken;
};

static void note(struct result *r, const struct bb_xml_record *rec, int status)
{
    size_t len = status == 1 ? rec->value.len : 0;

    r->n++;
    bb_buf_put(&r->records, &status, sizeof(status));
    bb_buf_put(&r->records, &len, sizeof(len));
    if (status == 1)
        bb_buf_put(&r->records, rec->value.ptr, len);
}

static void document_read(struct result *r, const struct bb_xml_map *m, const uint8_t *p, size_t size,
                          size_t step)
{
    struct bb_xml_limits l = {.record_max = 1u << 16, .depth_max = 40, .attributes_max = 32,
                              .paths_max = 500, .name_max = 200};
    struct bb_xml *x = bb_xml_new(m, &l);
    struct bb_xml_record rec;
    struct bb_fault err;
    size_t at = 0;
    int status;

    MUST(x);
    memset(r, 0, sizeof(*r));
    bb_buf_init(&r->records, 1u << 26);
    while (at < size && !bb_xml_broken(x)) {
        struct bb_bytes chunk = {p + at, size - at < step ? size - at : step};
        size_t used;
        status = bb_xml_read(x, chunk, &used, &rec, &err);
        MUST(used <= chunk.len && (status || used == chunk.len));
        at += used;
        if (status)
            note(r, &rec, status);
    }
    while (!bb_xml_broken(x) && (status = bb_xml_end(x, &rec, &err)) != 0)
        note(r, &rec, status);
    r->broken = bb_xml_broken(x);
    bb_xml_free(&x);
}

/* Each record on its own is a document whose one record it is. */
static void record_again(const struct bb_xml_map *m, const uint8_t *p, size_t len)
{
    struct bb_bytes value = {p, len}, text;
    struct bb_fault err;
    struct bb_buf out;
    struct result r;
    size_t head = sizeof(int) + sizeof(size_t);

    MUST(bb_value_check(value, &err) == 0);
    bb_buf_init(&out, 1u << 24);
    MUST(bb_xml_write(m, value, &out, &err) == 0);
    text.ptr = out.ptr;
    text.len = out.len;
    document_read(&r, m, text.ptr, text.len, text.len);
    MUST(r.n == 1 && r.records.len == head + len);
    MUST(memcmp(r.records.ptr + head, p, len) == 0);
    bb_buf_free(&r.records);
    bb_buf_free(&out);
}

static void document(int which, const uint8_t *data, size_t size, size_t step)
{
    struct result a, b;

    document_read(&a, maps[which], data, size, size ? size : 1);
    document_read(&b, maps[which], data, size, step);
    MUST(a.broken == b.broken);
    /* a decoder that fails takes with it what it has read ahead */
    if (!a.broken || (!memchr(data, 0, size) && !memmem(data, size, "encoding", 8))) {
        MUST(a.n == b.n && a.records.len == b.records.len);
        MUST(!a.records.len || memcmp(a.records.ptr, b.records.ptr, a.records.len) == 0);
    }
    for (size_t at = 0; at < a.records.len;) {
        int status;
        size_t len;
        memcpy(&status, a.records.ptr + at, sizeof(status));
        memcpy(&len, a.records.ptr + at + sizeof(status), sizeof(len));
        at += sizeof(status) + sizeof(len);
        if (status == 1)
            record_again(whole[which], a.records.ptr + at, len);
        at += len;
    }
    bb_buf_free(&a.records);
    bb_buf_free(&b.records);
}

static void value(const struct bb_xml_map *m, const uint8_t *data, size_t size)
{
    struct bb_bytes v = {data, size};
    struct bb_fault err;
    struct bb_buf out;

    if (bb_value_check(v, &err) != 0)
        return;
    bb_buf_init(&out, 1u << 24);
    if (bb_xml_write(m, v, &out, &err) == 0) {
        struct bb_xml *x = bb_xml_new(m, NULL);
        struct bb_xml_record rec;
        struct bb_bytes text = {out.ptr, out.len};
        size_t used;
        int status;
        MUST(x);
        status = bb_xml_read(x, text, &used, &rec, &err);
        if (status == 0)
            status = bb_xml_end(x, &rec, &err);
        /* a record that does not fit the mapping is one, a document that is no XML is not */
        MUST(status == 1 || (status == -1 && !bb_xml_broken(x)) || strstr(err.text, "too "));
        bb_xml_free(&x);
    } else {
        MUST(out.len == 0);
    }
    bb_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    if (!sorted) /* the writer's order is not the map's: no document comes back as it was */
        sorted = map_make("\"order\":{\"/a\":[\"c\",\"b\"],\"//b\":[\"a\"]},",
                          mappings[2][1]);
    for (int i = 0; i < 4 && !maps[i]; i++) {
        maps[i] = map_make(mappings[i][0], mappings[i][1]);
        whole[i] = map_make("", mappings[i][1]);
    }
    if (data[0] & 0x80)
        value(data[0] & 4 ? sorted : whole[data[0] & 3], data + 1, size - 1);
    else
        document(data[0] & 3, data + 1, size - 1, 1 + (data[0] >> 2 & 31));
    return 0;
}

/*
 * fuzz_x12.c - what a partner sends: X12 interchanges, and entries of a portal's feed
 *
 * The first byte chooses. Asserted: whatever comes, what is made of it is canonical; what is read of one set is inside the
 * text; a forecast that is written reads back as one good set.
 */
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "plugins/portal/portal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

static struct portal_conf conf = {.zone = (char *)"Z", .sender = (char *)"BUSBAR", .sender_qualifier = (char *)"ZZ",
                                  .receiver_qualifier = (char *)"ZZ", .usage = (char *)"P", .acknowledge = 1, .forecast_x12 = 1,
                                  .forecasts = (char *)"/{partner}", .changes = (char *)"/", .acknowledgements = (char *)"/a"};
static struct x12_set sets[X12_SETS_MAX];

static void interchange_take(struct bb_bytes text)
{
    struct bb_fault f;
    uint32_t n;

    if (x12_read(text, sets, &n, &f) != 0)
        return;
    for (uint32_t k = 0; k < n; k++) {
        x12_get *get = x12_reader(sets[k].id);
        struct found found;
        struct bb_buf out;
        MUST(sets[k].body.p >= (const char *)text.ptr && sets[k].body.end <= (const char *)text.ptr + text.len);
        if (!get)
            continue;
        bb_buf_init(&out, 4u << 20);
        if (get(&conf, &sets[k], &out, &found, &f) == 0 && !out.failed)
            MUST(bb_value_check((struct bb_bytes){out.ptr, out.len}, &f) == 0 && found.type && found.id.len);
        bb_buf_free(&out);
    }
}

static void entry_take(struct bb_bytes json)
{
    struct bb_buf v, out;
    struct bb_fault f;

    bb_buf_init(&v, 1u << 20), bb_buf_init(&out, 16u << 20);
    if (bb_json_read(json, &v, &f) == 0) {
        struct open list = list_open(&out);
        int rc = entry_records(&conf, (struct bb_bytes){v.ptr, v.len}, &list, &f);
        open_end(&list);
        if (rc == 0 && !out.failed)
            MUST(bb_value_check((struct bb_bytes){out.ptr, out.len}, &f) == 0 && list.n > 0);
    }
    bb_buf_free(&v), bb_buf_free(&out);
}

/* A message's data as JSON, posted. */
static void post_take(struct bb_bytes json, const char *type)
{
    struct bb_buf v, whole, url, body;
    struct bb_draft d;
    struct bb_fault f;
    struct bb_error err = bb_error_none();
    uint32_t n;

    bb_buf_init(&v, 1u << 20), bb_buf_init(&whole, 2u << 20), bb_buf_init(&url, 65536), bb_buf_init(&body, 4u << 20);
    bb_draft_init(&d, "/x", type);
    if (bb_json_read(json, &v, &f) == 0) {
        d.e.data = (struct bb_bytes){v.ptr, v.len};
        if (bb_draft_put(&d, &whole) == 0) {
            struct bb_msg_view m = {.size = sizeof m, .whole = {whole.ptr, whole.len}, .type = bb_str(type), .key = bb_str("k")};
            struct post p = {.conf = &conf, .v = &m, .url = &url, .body = &body, .err = &err};
            if (post_make(&p) == BB_OK && body.len <= X12_TEXT_MAX)
                MUST(x12_read((struct bb_bytes){body.ptr, body.len}, sets, &n, &f) == 0 && n == 1 && !sets->code);
        }
    }
    bb_buf_free(&v), bb_buf_free(&whole), bb_buf_free(&url), bb_buf_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct bb_bytes text = {data + 1, size - 1};
    switch (*data % 4) {
    case 0:
        interchange_take(text);
        break;
    case 1:
        entry_take(text);
        break;
    case 2:
        post_take(text, "mfg.forecast.issued");
        break;
    default:
        post_take(text, PORTAL_ACKNOWLEDGE);
    }
    return 0;
}

/*
 * fuzz_mes.c - the mes connector's documents: any page of a feed, any confirmation, any message to a transaction
 *
 * The first byte chooses. Asserted: a page that is taken gives canonical messages, each with an id; an answer of 200
 * never comes to retry, which would assert that nothing was taken; a transaction that is written can be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include "plugins/mes/mes.h"
#include "tests/plugins/fakehost.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

static struct fake_journal journal;
static bb_inst *inst;

static void page_try(struct bb_bytes body)
{
    struct bb_http_answer a = {.code = 200, .outcome = BB_OK, .body = body};
    struct bb_buf page, message;
    struct bb_fault f = {0, ""};
    struct bb_error err = bb_error_none();
    struct bb_iter it;
    struct bb_bytes record;

    bb_buf_init(&page, 1 << 24);
    bb_buf_init(&message, 1 << 22);
    if (performance_body(inst, &a, &page, &f) == 0) {
        MUST(bb_value_check((struct bb_bytes){page.ptr, page.len}, &f) == 0);
        MUST(bb_iter_of((struct bb_bytes){page.ptr, page.len}, &it) == 1);
        while (bb_iter_next(&it, NULL, &record)) {
            bb_buf_reset(&message);
            MUST(bb_conf_str(record, "/id", NULL).len);
            if (performance_message(inst, record, &message, &err) == 1)
                MUST(bb_message_check((struct bb_bytes){message.ptr, message.len}, &f) == 0);
        }
    }
    bb_buf_free(&page);
    bb_buf_free(&message);
}

static void confirm_try(struct bb_bytes body)
{
    static const unsigned codes[] = {200, 404, 422, 500};
    struct bb_error err = bb_error_none();

    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
        struct bb_http_answer a = {.code = codes[k], .outcome = bb_http_outcome(&mes_outcomes, codes[k], 0), .body = body,
                                   .text = "HTTP"};
        bb_status st = confirm_read(inst, &a, &err);
        MUST(codes[k] != 200 || (st != BB_E_RETRY && st != BB_E_DOWN));
        MUST(codes[k] != 500 || st == BB_E_UNKNOWN);
    }
}

static void message_try(struct bb_bytes json, uint8_t which)
{
    static const char *const types[] = {"mfg.bom.released", "mfg.routing.released", "mfg.work-order.released",
                                        "mfg.work-order.cancelled"};
    struct bb_draft d;
    struct bb_buf value, whole, text, tree;
    struct bb_msg_view v = {.size = sizeof v, .key = bb_str("r-1-0")};
    struct bb_fault f = {0, ""};
    struct bb_error err = bb_error_none();

    bb_buf_init(&value, 1 << 22);
    bb_buf_init(&whole, 1 << 23);
    bb_buf_init(&text, 1 << 24);
    bb_buf_init(&tree, 1 << 24);
    if (bb_json_read(json, &value, &f) == 0) {
        v.type = bb_str(types[which & 3]);
        bb_draft_init(&d, "/fuzz", types[which & 3]);
        d.e.plant = bb_str("1000");
        d.e.data = (struct bb_bytes){value.ptr, value.len};
        MUST(bb_draft_put(&d, &whole) == 0);
        v.whole = (struct bb_bytes){whole.ptr, whole.len};
        v.data = d.e.data;
        if (bod_make(&inst->conf, &v, &text, &err) == BB_OK &&
            tree_read(inst->bill_map, (struct bb_bytes){text.ptr, text.len}, &tree, &f) != 0) {
            fprintf(stderr, "%.*s\n%s\n", (int)text.len, (char *)text.ptr, f.text);
            abort();
        }
    }
    bb_buf_free(&value);
    bb_buf_free(&whole);
    bb_buf_free(&text);
    bb_buf_free(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_bytes body = {data + 1, size - 1};
    struct bb_error err = bb_error_none();

    if (!inst) {
        fake_journal_init(&journal);
        inst = fake_host_inst(fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0],
                                            "{\"base_url\":\"http://127.0.0.1:9\"}", BB_ROLE_SINK, &err));
        MUST(inst);
    }
    if (size < 1 || size > 1 << 18)
        return 0;
    switch (data[0] % 3) {
    case 0:
        page_try(body);
        break;
    case 1:
        confirm_try(body);
        break;
    default:
        message_try(body, data[0] / 3);
    }
    return 0;
}

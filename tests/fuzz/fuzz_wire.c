/*
 * fuzz_wire.c - any bytes as a frame: every reader, and what it gives must lie inside the input
 */
#include <stdint.h>
#include <stdlib.h>

#include "core/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const uint8_t *data, size_t size, struct bb_bytes b)
{
    const uint8_t *p = b.ptr;

    if (p && b.len && (p < data || b.len > size || p > data + size - b.len))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_bytes in = {data, size}, s;
    struct bb_fault err;
    struct bb_frame f;
    struct bb_w_deliver d;
    struct bb_w_query q;
    struct bb_w_result r;
    struct bb_w_acked a;
    struct bb_cur c;
    uint64_t token;
    uint32_t kind, n = 0;
    double v;

    if (bb_frame_read(in, &f, &err) < 0)
        return 0;
    switch (f.kind) {
    case BB_F_HELLO:
        inside(data, size, f.hello.endpoint);
        inside(data, size, f.hello.secret);
        inside(data, size, f.hello.info);
        break;
    case BB_F_SUBMIT:
        inside(data, size, f.submit.state);
        for (; bb_frame_next_message(&f, &s) == 1; n++)
            inside(data, size, s);
        break;
    case BB_F_ANSWER:
    case BB_F_RESULT:
        for (; bb_frame_next_result(&f, &r) == 1; n++) {
            inside(data, size, r.reply);
            inside(data, size, r.text);
            inside(data, size, r.vendor_code);
            inside(data, size, r.body);
            inside(data, size, r.children);
            c = bb_cur_of(r.children);
            for (kind = 0; bb_result_next_child(&c, &s); kind++)
                inside(data, size, s);
            if (kind != r.n_children || kind > BB_WIRE_CHILDREN_MAX)
                abort();
        }
        break;
    case BB_F_ASK:
    case BB_F_QUERY:
        for (; bb_frame_next_query(&f, &q) == 1; n++) {
            inside(data, size, q.endpoint);
            inside(data, size, q.op);
            inside(data, size, q.request);
        }
        break;
    case BB_F_DELIVER:
        for (; bb_frame_next_deliver(&f, &d) == 1; n++) {
            inside(data, size, d.key);
            inside(data, size, d.short_key);
            inside(data, size, d.whole);
        }
        break;
    case BB_F_ACKED:
        for (; bb_frame_next_acked(&f, &a) == 1; n++)
            inside(data, size, a.text);
        break;
    case BB_F_CANCEL:
        for (; bb_frame_next_token(&f, &token) == 1; n++)
            ;
        break;
    case BB_F_METRIC:
        for (; bb_frame_next_metric(&f, &s, &kind, &v) == 1; n++)
            inside(data, size, s);
        break;
    case BB_F_LOG:
        inside(data, size, f.log.text);
        inside(data, size, f.log.attrs);
        break;
    case BB_F_WELCOME:
        inside(data, size, f.welcome.map);
        break;
    default:
        break;
    }
    if (n > BB_WIRE_BATCH_MAX)
        abort();
    return 0;
}

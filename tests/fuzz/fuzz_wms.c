/*
 * fuzz_wms.c - what a warehouse sends: events in JSON and XML, files
 *
 * The first byte chooses. Asserted: whatever comes, what is made of it is canonical, and a file that is taken has as
 * many messages as ends.
 */
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "plugins/wms/drop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

static struct wms_conf conf = {.item = (char *)"urn:plant:item:", .location = (char *)"urn:plant:loc:",
                               .document = (char *)"urn:plant:doc:", .ns = (char *)"urn:plant:wms:", .source = (char *)"/wms"};

static void events_take(struct bb_bytes list)
{
    struct bb_bytes one;
    struct bb_iter it;
    struct bb_fault f;

    if (!bb_iter_of(list, &it))
        return;
    while (bb_iter_next(&it, NULL, &one)) {
        struct bb_buf out;
        bb_buf_init(&out, 4u << 20);
        struct open o = list_open(&out);
        int rc = event_records(&conf, one, &o, &f);
        open_end(&o);
        if (rc == 0 && !out.failed)
            MUST(bb_value_check((struct bb_bytes){out.ptr, out.len}, &f) == 0);
        bb_buf_free(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_buf v, ends;
    struct bb_fault f;
    char why[240];

    if (!size)
        return 0;
    struct bb_bytes text = {data + 1, size - 1};
    bb_buf_init(&v, 4u << 20), bb_buf_init(&ends, 1u << 20);
    if (*data % 3 == 0 && bb_json_read(text, &v, &f) == 0)
        events_take((struct bb_bytes){v.ptr, v.len});
    else if (*data % 3 == 1 && xml_events_read(&conf, text, &v, &f) == 0 && !v.failed)
        events_take((struct bb_bytes){v.ptr, v.len});
    else if (*data % 3 == 2 && drop_file_read(&conf, "f.csv", text, &v, &ends, why) == 0 && ends.len) {
        size_t last;
        memcpy(&last, ends.ptr + ends.len - sizeof last, sizeof last);
        MUST(last == v.len);
    }
    bb_buf_free(&v), bb_buf_free(&ends);
    return 0;
}

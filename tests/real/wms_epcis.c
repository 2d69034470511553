/*
 * wms_epcis.c - prints the inventory movements in an EPCIS document, JSON or XML, a line of JSON each, as the wms
 * connector makes them; with --event, what the connector would capture for each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "plugins/wms/wms.h"

static struct wms_conf conf = {.item = (char *)"urn:plant:item:", .location = (char *)"urn:plant:loc:",
                               .document = (char *)"urn:plant:doc:", .ns = (char *)"urn:plant:wms:", .source = (char *)"/wms",
                               .plant = (char *)"1000"};

static int event_print(struct bb_bytes event, int as_event)
{
    struct bb_buf b, out;
    struct bb_fault f;
    struct bb_bytes list, one, data;
    struct bb_iter it;
    struct bb_error err = bb_error_none();

    bb_buf_init(&b, 64u << 20), bb_buf_init(&out, 64u << 20);
    struct open o = list_open(&b);
    if (event_records(&conf, event, &o, &f) != 0)
        return fprintf(stderr, "%s\n", f.text), -1;
    open_end(&o);
    list = (struct bb_bytes){b.ptr, b.len};
    for (bb_iter_of(list, &it); bb_iter_next(&it, NULL, &one) && bb_conf_find(one, "/data", &data) == 1;) {
        struct bb_buf made;
        bb_buf_init(&made, 64u << 20);
        if (as_event) {
            struct bb_msg_view v = {.size = sizeof v, .data = data, .key = bb_str("k")};
            bb_status st = event_put(&conf, &v, &made, &err);
            if (st == BB_OK)
                bb_json_write((struct bb_bytes){made.ptr, made.len}, &out, NULL);
            else
                fprintf(stderr, "%s\n", err.text);
        } else {
            bb_json_write(data, &out, NULL);
        }
        bb_buf_put(&out, "\n", 1);
        bb_buf_free(&made);
    }
    fwrite(out.ptr, 1, out.len, stdout);
    bb_buf_free(&b), bb_buf_free(&out);
    return 0;
}

int main(int argc, char **argv)
{
    static char text[4 << 20];
    struct bb_buf v;
    struct bb_fault f = {0};
    struct bb_bytes list, one;
    struct bb_iter it;
    FILE *in = argc > 1 ? fopen(argv[argc - 1], "re") : NULL;
    size_t n = in ? fread(text, 1, sizeof text, in) : 0;
    int rc = 0;

    bb_buf_init(&v, 64u << 20);
    if (!n)
        return 2;
    if (*text == '<' ? xml_events_read(&conf, (struct bb_bytes){text, n}, &v, &f) : bb_json_read((struct bb_bytes){text, n}, &v, &f))
        return fprintf(stderr, "%s\n", f.text), 1;
    one = (struct bb_bytes){v.ptr, v.len};
    if (*text == '<' || bb_conf_find(one, "/epcisBody/eventList", &list) != 1)
        list = one;
    if (!bb_iter_of(list, &it) || it.map)
        rc |= event_print(list, argc > 2);
    else
        while (bb_iter_next(&it, NULL, &one))
            rc |= event_print(one, argc > 2);
    bb_buf_free(&v);
    fclose(in);
    return rc != 0;
}

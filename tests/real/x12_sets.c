/*
 * x12_sets.c - a line for each transaction set of an X12 file: number, control, code or -, and its data as JSON or why not
 *
 * Exit status 1 and the reason when the envelope is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "plugins/portal/portal.h"

static struct x12_set sets[X12_SETS_MAX];
static char text[X12_TEXT_MAX + 2];

int main(int argc, char **argv)
{
    struct portal_conf conf = {.zone = (char *)"Z"};
    struct bb_fault f = {0, ""};
    uint32_t n;
    FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t len = in ? fread(text, 1, sizeof text - 1, in) : 0;

    if (!in || x12_read((struct bb_bytes){text, len}, sets, &n, &f) != 0) {
        fprintf(stderr, "%s\n", in ? f.text : "usage: x12_sets FILE");
        return 1;
    }
    fclose(in);
    for (uint32_t k = 0; k < n; k++) {
        x12_get *get = x12_reader(sets[k].id);
        struct found found;
        struct bb_buf v, out;
        printf("%.*s\t%.*s\t%s\t", (int)sets[k].id.len, (const char *)sets[k].id.ptr, (int)sets[k].control.len,
               (const char *)sets[k].control.ptr, sets[k].code ? sets[k].code : "-");
        bb_buf_init(&v, 1u << 20), bb_buf_init(&out, 1u << 20);
        if (!get)
            printf("not read here\n");
        else if (get(&conf, &sets[k], &v, &found, &f) != 0)
            printf("%s\n", f.text);
        else if (bb_json_write((struct bb_bytes){v.ptr, v.len}, &out, &f) == 0)
            printf("%.*s\n", (int)out.len, (const char *)out.ptr);
        bb_buf_free(&v), bb_buf_free(&out);
    }
    return 0;
}

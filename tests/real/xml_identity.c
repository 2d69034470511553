/*
 * xml_identity.c - XML files to canonical values, written back, read again: nothing may change
 *
 *   xml_identity MAPPING-AS-JSON FILE...
 * For each file the values of both readings must be the same bytes, and elements and attributes in
 * the value as many as libxml2's tree of the document has. Prints their sums; 0 when all is well.
 */
#include <busbar/json.h>
#include <busbar/xml.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct count {
    unsigned long elements, attributes;
};

static char *file_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *p = malloc(64u << 20);

    *len = f && p ? fread(p, 1, 64u << 20, f) : 0;
    if (f)
        fclose(f);
    return p;
}

/* The one record of a document: 0 with its value in out. */
static int value_read(const struct bb_xml_map *m, const char *text, size_t len, struct bb_buf *out,
                      struct bb_fault *err)
{
    struct bb_xml *x = bb_xml_new(m, NULL);
    struct bb_bytes all = {text, len};
    struct bb_xml_record r;
    size_t used = 0;
    int rc = x ? bb_xml_read(x, all, &used, &r, err) : -1;

    if (rc == 0)
        rc = bb_xml_end(x, &r, err);
    if (rc == 1) {
        bb_put_raw(out, r.value);
        all.ptr = text + used;
        all.len = len - used;
        rc = bb_xml_read(x, all, &used, &r, err);
        if (rc == 0)
            rc = bb_xml_end(x, &r, err);
    } else if (rc == 0) {
        rc = -1;
    }
    bb_xml_free(&x);
    return rc;
}

/* An element's value: itself, its attributes and what is in it. */
static void count_value(struct bb_cur *c, struct count *n)
{
    struct bb_tok t, k;

    if (bb_cur_next(c, &t) != 0 || t.kind != BB_T_MAP)
        return;
    while (t.n--) {
        struct bb_cur look;
        const char *key;
        if (bb_cur_next(c, &k) != 0)
            return;
        key = k.s.ptr;
        look = *c;
        if (*key == '@' || strncmp(key, "#text", 5) == 0) {
            n->attributes += *key == '@';
            (void)bb_cur_skip(c);
        } else if (*key == '#') {
            (void)bb_cur_next(c, &k);
            for (uint32_t i = 0; i < k.n; i++) {
                look = *c;
                if (bb_cur_next(&look, &t) == 0 && t.kind == BB_T_MAP)
                    count_value(c, n);
                else
                    (void)bb_cur_skip(c);
            }
        } else if (bb_cur_next(&look, &k) == 0 && k.kind == BB_T_ARRAY) {
            *c = look;
            n->elements += k.n;
            while (k.n--)
                count_value(c, n);
        } else {
            n->elements++;
            count_value(c, n);
        }
    }
}

static void count_tree(const xmlNode *n, struct count *c)
{
    for (; n; n = n->next) {
        if (n->type != XML_ELEMENT_NODE)
            continue;
        c->elements++;
        for (const xmlAttr *a = n->properties; a; a = a->next)
            c->attributes++;
        count_tree(n->children, c);
    }
}

static int file_check(const struct bb_xml_map *m, const char *path, struct count *sum)
{
    struct bb_fault err = {0, ""};
    struct bb_buf first, again, text;
    struct count have = {0, 0}, want = {0, 0};
    struct bb_bytes value;
    struct bb_cur c;
    size_t len;
    char *in = file_read(path, &len);
    xmlDocPtr doc = in ? xmlReadMemory(in, (int)len, path, NULL, XML_PARSE_NONET) : NULL;
    int rc = -1;

    bb_buf_init(&first, 256u << 20);
    bb_buf_init(&again, 256u << 20);
    bb_buf_init(&text, 256u << 20);
    if (!doc || value_read(m, in, len, &first, &err) != 0)
        goto out;
    value.ptr = first.ptr;
    value.len = first.len;
    if (bb_value_check(value, &err) != 0 || bb_xml_write(m, value, &text, &err) != 0 ||
        value_read(m, (const char *)text.ptr, text.len, &again, &err) != 0)
        goto out;
    c = bb_cur_of(value);
    count_value(&c, &have);
    count_tree(xmlDocGetRootElement(doc), &want);
    if (have.elements != want.elements || have.attributes != want.attributes)
        snprintf(err.text, sizeof err.text, "%lu elements and %lu attributes of %lu and %lu",
                 have.elements, have.attributes, want.elements, want.attributes);
    else if (first.len != again.len || memcmp(first.ptr, again.ptr, first.len) != 0)
        snprintf(err.text, sizeof err.text, "another value after it was written and read again");
    else
        rc = 0;
    sum->elements += have.elements;
    sum->attributes += have.attributes;
out:
    if (rc != 0)
        printf("%s: %s\n", path, err.text);
    xmlFreeDoc(doc);
    free(in);
    bb_buf_free(&first);
    bb_buf_free(&again);
    bb_buf_free(&text);
    return rc;
}

int main(int argc, char **argv)
{
    struct bb_fault err = {0, ""};
    struct bb_xml_map *m = NULL;
    struct count sum = {0, 0};
    struct bb_buf config;
    int bad = 0;

    bb_buf_init(&config, 1u << 20);
    if (argc < 3 ||
        bb_json_read((struct bb_bytes){argv[1], strlen(argv[1])}, &config, &err) != 0 ||
        !(m = bb_xml_map_new((struct bb_bytes){config.ptr, config.len}, &err))) {
        fprintf(stderr, "usage: xml_identity MAPPING FILE...: %s\n", err.text);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        bad += file_check(m, argv[i], &sum) != 0;
    printf("%d files, %lu elements, %lu attributes, %d not the same\n", argc - 2, sum.elements,
           sum.attributes, bad);
    bb_xml_map_free(&m);
    bb_buf_free(&config);
    return bad != 0;
}

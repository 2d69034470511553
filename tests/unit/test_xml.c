/*
 * test_xml.c - XML to canonical values and back: every chunk border, every rule, what is refused
 */
#include <busbar/json.h>
#include <busbar/xml.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bb_buf seen; /* records as JSON, each with a line end; "!" and a text for a bad one */
static struct bb_fault fault;
static struct bb_xml_map *map;

static void setup(void)
{
    bb_buf_init(&seen, 64u << 20);
    memset(&fault, 0, sizeof(fault));
}

static void teardown(void)
{
    bb_buf_free(&seen);
    bb_xml_map_free(&map);
}

static void mapping(const char *json)
{
    struct bb_buf b;
    struct bb_bytes text = {json, strlen(json)}, config;

    bb_buf_init(&b, 1u << 20);
    ck_assert_int_eq(bb_json_read(text, &b, &fault), 0);
    config.ptr = b.ptr;
    config.len = b.len;
    bb_xml_map_free(&map);
    map = bb_xml_map_new(config, &fault);
    bb_buf_free(&b);
}

static void note(const struct bb_xml_record *r, int status)
{
    if (status == 1) {
        ck_assert_int_eq(bb_value_check(r->value, &fault), 0);
        ck_assert_int_eq(bb_json_write(r->value, &seen, &fault), 0);
    } else {
        bb_buf_put(&seen, "!", 1);
        bb_buf_put(&seen, fault.text, strlen(fault.text));
    }
    bb_buf_put(&seen, "\n", 1);
}

static void read_in(const char *in, size_t len, size_t step, const struct bb_xml_limits *l)
{
    struct bb_xml *x = bb_xml_new(map, l);
    struct bb_xml_record r;
    int status;

    ck_assert_ptr_nonnull(x);
    bb_buf_reset(&seen);
    for (size_t at = 0; at < len && !bb_xml_broken(x);) {
        size_t n = len - at < step ? len - at : step, used;
        char *copy = malloc(n);
        struct bb_bytes chunk = {copy, n};
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, in + at, n);
        status = bb_xml_read(x, chunk, &used, &r, &fault);
        at += used;
        if (status)
            note(&r, status);
        free(copy);
    }
    while (!bb_xml_broken(x) && (status = bb_xml_end(x, &r, &fault)) != 0)
        note(&r, status);
    bb_buf_put(&seen, "", 1);
    bb_xml_free(&x);
}

/* The document gives these lines, whatever its chunks. */
static void gives_n(const char *in, size_t len, const char *lines)
{
    static const size_t steps[] = {1, 2, 3, 7, 64, 1u << 20};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        read_in(in, len, steps[i], NULL);
        ck_assert_str_eq((const char *)seen.ptr, lines);
    }
}

static void gives(const char *in, const char *lines)
{
    gives_n(in, strlen(in), lines);
}

/* It ends in an error whose text has this part. */
static void refused(const char *in, size_t len, const char *part)
{
    static const size_t steps[] = {1, 5, 1u << 20};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        read_in(in, len, steps[i], NULL);
        ck_assert_msg(strstr((const char *)seen.ptr, part) && strchr((const char *)seen.ptr, '!'),
                      "%s: %s", part, (const char *)seen.ptr);
    }
}
#define REFUSED(in, part) refused(in, strlen(in), part)

static void write_json(const char *json, struct bb_buf *out, int want)
{
    struct bb_buf b;
    struct bb_bytes text = {json, strlen(json)}, value;

    bb_buf_init(&b, 1u << 20);
    ck_assert_int_eq(bb_json_read(text, &b, &fault), 0);
    value.ptr = b.ptr;
    value.len = b.len;
    ck_assert_int_eq(bb_xml_write(map, value, out, &fault), want);
    bb_buf_put(out, "", 1);
    bb_buf_free(&b);
}

static void writes(const char *json, const char *xml)
{
    struct bb_buf out;

    bb_buf_init(&out, 1u << 20);
    write_json(json, &out, 0);
    ck_assert_str_eq((const char *)out.ptr, xml);
    bb_buf_free(&out);
}

static void no_write(const char *json, const char *part)
{
    struct bb_buf out;

    bb_buf_init(&out, 1u << 20);
    write_json(json, &out, -1);
    ck_assert_uint_eq(out.len, 1);
    ck_assert_msg(strstr(fault.text, part) != NULL, "%s: %s", part, fault.text);
    bb_buf_free(&out);
}

/* Document to value to document to value: the values are the same. */
static void returns(const char *in)
{
    struct bb_buf first, out;
    char *line;

    read_in(in, strlen(in), 1u << 20, NULL);
    ck_assert_msg(!strchr((const char *)seen.ptr, '!'), "%s", (const char *)seen.ptr);
    bb_buf_init(&first, 1u << 20);
    bb_buf_init(&out, 1u << 20);
    bb_buf_put(&first, seen.ptr, seen.len);
    line = (char *)first.ptr;
    line[strcspn(line, "\n")] = 0;
    write_json(line, &out, 0);
    line[strlen(line)] = '\n';
    read_in((const char *)out.ptr, out.len - 1, 3, NULL);
    ck_assert_str_eq((const char *)seen.ptr, line);
    bb_buf_free(&first);
    bb_buf_free(&out);
}

START_TEST(shapes)
{
    mapping("{}");
    gives("<a/>", "{\"a\":\"\"}\n");
    gives("<a>12</a>", "{\"a\":\"12\"}\n");
    gives("<a> 1 &lt;&#x20AC;&amp; </a>", "{\"a\":\" 1 <\u20ac& \"}\n");
    gives("<a x='1'/>", "{\"a\":{\"@x\":\"1\"}}\n");
    gives("<a x='a&amp;b&#38;c&lt;'>t</a>", "{\"a\":{\"@x\":\"a&b&c<\",\"#text\":\"t\"}}\n");
    gives("<?xml version='1.0'?><!--c--><a>\n <b>1</b>\n <c/>\n <b>2</b>\n</a>",
          "{\"a\":{\"b\":[\"1\",\"2\"],\"c\":\"\"}}\n");
    gives("<a>x<!-- c -->y<![CDATA[<z>]]><?pi?>!</a>", "{\"a\":\"xy<z>!\"}\n");
    gives("<a><b> </b></a>", "{\"a\":{\"b\":\" \"}}\n");
    gives("<a b='1'><b>2</b></a>", "{\"a\":{\"@b\":\"1\",\"b\":\"2\"}}\n");
}
END_TEST

START_TEST(namespaces)
{
    static const char in[] = "<x:a xmlns:x='urn:1' xmlns='urn:2' x:i='1' j='2' xml:lang='de'>"
                             "<b xmlns:y='urn:1'><y:c/></b><b xmlns=''/></x:a>";

    mapping("{}");
    gives(in, "{\"{urn:1}a\":{\"@{urn:1}i\":\"1\",\"@j\":\"2\",\"@xml:lang\":\"de\",\"{urn:2}b\":"
              "{\"{urn:1}c\":\"\"},\"b\":\"\"}}\n");
    returns(in);
    mapping("{\"namespaces\":{\"p\":\"urn:1\",\"\":\"urn:2\"}}");
    gives(in, "{\"p:a\":{\"@p:i\":\"1\",\"@j\":\"2\",\"@xml:lang\":\"de\",\"b\":{\"p:c\":\"\"},"
              "\"{}b\":\"\"}}\n");
    returns(in);
    /* an attribute never has the default namespace: its own stays apart */
    mapping("{\"namespaces\":{\"\":\"urn:1\"}}");
    gives(in, "{\"a\":{\"@{urn:1}i\":\"1\",\"@j\":\"2\",\"@xml:lang\":\"de\",\"{urn:2}b\":"
              "{\"c\":\"\"},\"{}b\":\"\"}}\n");
    returns(in);
    REFUSED("<x:a/>", "line 1, column");
}
END_TEST

START_TEST(arrays_and_records)
{
    mapping("{\"record\":\"/l/*\",\"arrays\":[\"/i/x\",\"//z\"]}");
    gives("<l h='1'><head>no</head><i><x>1</x><y/></i>\n<i><w><z/></w></i></l>",
          "{\"head\":\"no\"}\n{\"i\":{\"x\":[\"1\"],\"y\":\"\"}}\n{\"i\":{\"w\":{\"z\":[\"\"]}}}\n");
    mapping("{\"record\":\"/l/i\"}");
    gives("<l><i/><j><i/></j><i>2</i></l>", "{\"i\":\"\"}\n{\"i\":\"2\"}\n");
    gives("<m><i/></m>", "");
    /* nested deeper in arrays, with names that come again in the next record */
    mapping("{\"record\":\"/l/i\",\"arrays\":[\"/i/a/b\"]}");
    gives("<l><i><a><b/></a><a><b/><b/></a></i><i><a><b/></a></i></l>",
          "{\"i\":{\"a\":[{\"b\":[\"\"]},{\"b\":[\"\",\"\"]}]}}\n{\"i\":{\"a\":{\"b\":[\"\"]}}}\n");
}
END_TEST

START_TEST(order_and_mixed)
{
    mapping("{}");
    gives("<a>t<b/></a>", "!line 1, column 7: text beside elements: declare the path under mixed "
                          "to keep it\n");
    mapping("{\"ordered\":[\"/a\"],\"mixed\":[\"//p\"]}");
    gives("<a k='1'> <b>1</b> <c/> <b>2</b> </a>",
          "{\"a\":{\"@k\":\"1\",\"#content\":[{\"b\":\"1\"},{\"c\":\"\"},{\"b\":\"2\"}]}}\n");
    gives("<a><p>x <i>y</i> z</p><p/></a>",
          "{\"a\":{\"#content\":[{\"p\":{\"#content\":[\"x \",{\"i\":\"y\"},\" z\"]}},"
          "{\"p\":{\"#content\":[]}}]}}\n");
    gives("<a>no</a>", "!line 1, column 10: text beside elements: declare the path under mixed to "
                       "keep it\n");
    returns("<a><b>1</b><p>x <i>y</i> <i/> z</p><b/></a>");
}
END_TEST

START_TEST(types)
{
    mapping("{\"types\":{\"/a/i\":\"integer\",\"/a/d\":\"decimal\",\"//@d\":\"decimal\","
            "\"/a/b\":\"boolean\",\"/a/t\":\"date\"}}");
    gives("<a><i> +007 </i><i>-0</i><i>18446744073709551615</i><i/></a>",
          "{\"a\":{\"i\":[7,0,18446744073709551615,null]}}\n");
    gives("<a><d d='.50'>1.50</d><d>+5.</d><d>-00.10</d><d>1.5E3</d><d>12345678901234567890.5</d></a>",
          "{\"a\":{\"d\":[{\"@d\":0.50,\"#text\":1.50},5,-0.10,1.5E3,12345678901234567890.5]}}\n");
    gives("<a><b>true</b><b>0</b><t>2024-02-29</t></a>",
          "{\"a\":{\"b\":[true,false],\"t\":\"2024-02-29\"}}\n");
    REFUSED("<a><i>1.0</i></a>", "column 6, i: is declared integer");
    REFUSED("<a><i>x</i></a>", "is declared integer");
    REFUSED("<a><d>1,5</d></a>", "is declared decimal");
    REFUSED("<a><d>.</d></a>", "is declared decimal");
    REFUSED("<a><d>1e</d></a>", "is declared decimal");
    REFUSED("<a><d>--1</d></a>", "is declared decimal");
    REFUSED("<a><b>yes</b></a>", "is declared boolean");
    REFUSED("<a><t>2023-02-29</t></a>", "is declared date");
    REFUSED("<a><t>20230201</t></a>", "is declared date");
    REFUSED("<a><t><u/></t></a>", "has elements");
    returns("<a><i>5</i><d d='1.0'>2.00</d><b>1</b><t/></a>");
}
END_TEST

START_TEST(bad_records)
{
    mapping("{\"record\":\"/l/i\",\"types\":{\"//n\":\"integer\"}}");
    gives("<l>\n<i><n>1</n></i>\n<i><n>x</n><m><m/></m></i>\n<i>t<n/></i>\n<i><n>4</n></i></l>",
          "{\"i\":{\"n\":1}}\n!line 3, column 6, n: is declared integer and is none\n"
          "!line 4, column 7: text beside elements: declare the path under mixed to keep it\n"
          "{\"i\":{\"n\":4}}\n");
    /* what is no XML ends it; the records before are there */
    gives("<l><i><n>1</n></i><i></l>", "{\"i\":{\"n\":1}}\n!line 1, column 26: Opening and ending tag "
                                       "mismatch: i line 1 and l\n");
    gives("<l><i/>", "{\"i\":\"\"}\n!line 1, column 8: the document ends inside an element: it is cut off\n");
}
END_TEST

START_TEST(refusals)
{
    char many[4096];
    size_t n = 0;

    mapping("{}");
    REFUSED("", "empty");
    REFUSED("<!DOCTYPE a><a/>", "DOCTYPE");
    REFUSED("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", "DOCTYPE");
    REFUSED("<!DOCTYPE a SYSTEM 'http://127.0.0.1/a.dtd'><a/>", "DOCTYPE");
    REFUSED("<a>&b;</a>", "b");
    REFUSED("<a b='&c;'/>", "c");
    REFUSED("<a b='1' b='2'/>", "redefined");
    REFUSED("<a/><b/>", "column 5");
    REFUSED("<a>\x01</a>", "line 1");
    REFUSED("<a>\xff</a>", "line 1");
    REFUSED("<a><![CDATA[\xff]]></a>", "line 1");
    REFUSED("<a><![CDATA[\x01]]></a>", "line 1");
    REFUSED("<?xml version='1.0' encoding='UTF-7'?><a/>", "encoding");
    REFUSED("<?xml version='1.0' encoding='nosuch'?><a/>", "encoding");
    REFUSED("<?xml version='1.0' encoding='EUC-JP'?><a/>", "encoding EUC-JP");
    for (int i = 0; i < 129; i++)
        n += (size_t)snprintf(many + n, sizeof(many) - n, "<a>");
    REFUSED(many, "too deep");
    n = 0;
    for (int i = 0; i < 70; i++)
        n += (size_t)snprintf(many + n, sizeof(many) - n, "<a>");
    for (int i = 0; i < 70; i++)
        n += (size_t)snprintf(many + n, sizeof(many) - n, "</a>");
    REFUSED(many, "nested too deep");
    n = (size_t)snprintf(many, sizeof(many), "<a");
    for (int i = 0; i < 257; i++)
        n += (size_t)snprintf(many + n, sizeof(many) - n, " a%d=''", i);
    snprintf(many + n, sizeof(many) - n, "/>");
    REFUSED(many, "too many attributes");
}
END_TEST

/* A document that never ends its tag costs no more than the limit. */
START_TEST(limits)
{
    struct bb_xml_limits l = {.record_max = 1000, .tag_max = 1u << 16, .paths_max = 50, .name_max = 40};
    static char big[1u << 20];
    size_t n = 0;

    mapping("{\"record\":\"/l/i\"}");
    memset(big, 'x', sizeof(big));
    memcpy(big, "<l><i a='", 9);
    read_in(big, sizeof(big), 65536, &l);
    ck_assert_ptr_nonnull(strstr((const char *)seen.ptr, "a tag, comment or instruction is too long"));
    memcpy(big, "<l><!-- ", 8);
    read_in(big, sizeof(big), 65536, &l);
    ck_assert_ptr_nonnull(strstr((const char *)seen.ptr, "too long"));
    n = (size_t)sprintf(big, "<l><i ");
    while (n < 100000)
        n += (size_t)sprintf(big + n, "a%zu='' ", n);
    read_in(big, n, 65536, &l);
    ck_assert_ptr_nonnull(strstr((const char *)seen.ptr, "too many attributes"));
    n = (size_t)sprintf(big, "<l>");
    for (int i = 0; i < 60; i++)
        n += (size_t)sprintf(big + n, "<i><e%d/></i>", i);
    read_in(big, n, 65536, &l);
    ck_assert_ptr_nonnull(strstr((const char *)seen.ptr, "too many different names"));
    /* a large record is passed over */
    n = (size_t)sprintf(big, "<l><i>");
    memset(big + n, 'y', 5000);
    n += 5000;
    n += (size_t)sprintf(big + n, "</i><i>ok</i><i>");
    for (int i = 0; i < 200; i++)
        n += (size_t)sprintf(big + n, "<e/>");
    n += (size_t)sprintf(big + n, "</i><i>ok</i></l>");
    read_in(big, n, 65536, &l);
    ck_assert_str_eq((const char *)seen.ptr,
                     "!line 1, column 6: the record is too large\n{\"i\":\"ok\"}\n"
                     "!line 1, column 5022: the record is too large\n{\"i\":\"ok\"}\n");
    n = (size_t)sprintf(big, "<l><i xmlns='urn:a-name-that-is-longer-than-forty-bytes'/></l>");
    mapping("{}");
    read_in(big, n, 65536, &l);
    ck_assert_ptr_nonnull(strstr((const char *)seen.ptr, "a name is too long"));
}
END_TEST

START_TEST(encodings)
{
    static const char u16[] = "\xff\xfe<\0a\0>\0\xac\x20<\0/\0a\0>\0";
    static const char u16be[] = "\xfe\xff\0<\0a\0>\x20\xac\0<\0/\0a\0>";

    mapping("{}");
    gives("\xef\xbb\xbf<a>\xc3\xa4</a>", "{\"a\":\"\u00e4\"}\n");
    gives("<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xe4'>\xe4</a>",
          "{\"a\":{\"@b\":\"\u00e4\",\"#text\":\"\u00e4\"}}\n");
    gives("<?xml version='1.0' encoding='ISO-8859-15'?><a>\xa4</a>", "{\"a\":\"\u20ac\"}\n");
    gives("<?xml version='1.0' encoding='windows-1252'?><a>\x80</a>", "{\"a\":\"\u20ac\"}\n");
    gives_n(u16, sizeof(u16) - 1, "{\"a\":\"\u20ac\"}\n");
    gives_n(u16be, sizeof(u16be) - 1, "{\"a\":\"\u20ac\"}\n");
    REFUSED("<?xml version='1.0' encoding='US-ASCII'?><a>\xe4</a>", "line 1");
    refused("\0\0\0<\0\0\0a", 8, "this encoding is not read");
    refused("\x4c\x6f\xa7\x94\x93", 5, "this encoding is not read");
    refused("<\0a\0", 4, "this encoding is not read");
}
END_TEST

START_TEST(writing)
{
    mapping("{\"namespaces\":{\"p\":\"urn:1\"},\"order\":{\"/p:a\":[\"c\",\"b\"]}}");
    writes("{\"p:a\":{\"d\":true,\"b\":[1,2.50],\"@x\":\"<\\\"&\\n\",\"c\":null}}",
           "<p:a xmlns:p=\"urn:1\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
           "x=\"&lt;&quot;&amp;&#10;\"><c/><b>1</b><b>2.50</b><d>true</d></p:a>");
    writes("{\"{urn:2}a\":{\"@{urn:3}x\":\"1\",\"{urn:2}b\":\"\\r]]>\",\"c\":\"\"}}",
           "<bbns0:a xmlns:p=\"urn:1\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
           "xmlns:bbns0=\"urn:2\" xmlns:bbns1=\"urn:3\" bbns1:x=\"1\"><bbns0:b>&#13;]]&gt;</bbns0:b>"
           "<c/></bbns0:a>");
    no_write("{\"a\":1,\"b\":2}", "one key");
    no_write("[1]", "one key");
    no_write("{\"q:a\":1}", "\"q:a\" has a prefix without a namespace");
    no_write("{\"a b\":1}", "is no name");
    no_write("{\"1a\":1}", "is no name");
    no_write("{\"\u00d7\":1}", "is no name");
    no_write("{\"a><b\":1}", "is no name");
    no_write("{\"\":1}", "is no name");
    no_write("{\"a\":{\"@\":1}}", "is no name");
    no_write("{\"a\":{\"@xmlns\":\"urn:x\"}}", "declares a namespace");
    no_write("{\"a\":{\"@xmlns:p\":\"urn:x\"}}", "prefix without");
    no_write("{\"a\":{\"{urn:x\":1}}", "has no \"}\"");
    no_write("{\"a\":{\"@b\":[1]}}", "where text must be");
    no_write("{\"a\":{\"b\":[[1]]}}", "array in an array");
    no_write("{\"a\":{\"#text\":\"x\",\"b\":1}}", "text beside elements");
    no_write("{\"a\":{\"#other\":\"x\"}}", "is not #text");
    no_write("{\"a\":{\"#content\":[{\"b\":1,\"c\":2}]}}", "one element each");
    no_write("{\"a\":\"\\u0001\"}", "U+0001");
    no_write("{\"a\":\"\\uffff\"}", "U+FFFF");
    writes("{\"\u00e4\":\"\u20ac\"}",
           "<\u00e4 xmlns:p=\"urn:1\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\u20ac"
           "</\u00e4>");
}
END_TEST

START_TEST(bad_mappings)
{
    static const char *const bad[][2] = {
        {"{\"recrod\":\"/a\"}", "recrod: is not known"},
        {"{\"record\":\"a\"}", "record: a path begins"},
        {"{\"record\":\"//a\"}", "record: the path leads"},
        {"{\"record\":\"/a/@b\"}", "record: the path leads"},
        {"{\"record\":1}", "record: a path is expected"},
        {"{\"arrays\":\"/a\"}", "arrays: a list"},
        {"{\"arrays\":[\"/a//b\"]}", "arrays: a path has an empty step"},
        {"{\"arrays\":[\"/a/@b\"]}", "arrays: an attribute"},
        {"{\"arrays\":[\"/@a/b\"]}", "arrays: an attribute is a path's last"},
        {"{\"types\":{\"/a\":\"float\"}}", "types: a type is"},
        {"{\"types\":[]}", "types: a map"},
        {"{\"namespaces\":{\"xmlx\":\"u\"}}", "namespaces: a prefix"},
        {"{\"namespaces\":{\"bbns0\":\"u\"}}", "namespaces: a prefix"},
        {"{\"namespaces\":{\"a b\":\"u\"}}", "namespaces: a prefix"},
        {"{\"namespaces\":{\"a\":\"\"}}", "namespaces: a URI"},
        {"{\"order\":{\"/a\":[]}}", "order: a list of 1"},
        {"{\"order\":{\"/a\":[1]}}", "order: a name"},
        {"[]", "a map is expected"}};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        mapping(bad[i][0]);
        ck_assert_ptr_null(map);
        ck_assert_msg(strstr(fault.text, bad[i][1]) == fault.text, "%s: %s", bad[i][0], fault.text);
    }
    mapping("{\"record\":\"\",\"types\":{\"/{http://a/b}c/@{http://d/e}f\":\"integer\"}}");
    ck_assert_ptr_nonnull(map);
    gives("<c xmlns='http://a/b' xmlns:d='http://d/e' d:f='7'/>",
          "{\"{http://a/b}c\":{\"@{http://d/e}f\":7}}\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xml");
    TCase *t = tcase_create("xml");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, shapes);
    tcase_add_test(t, namespaces);
    tcase_add_test(t, arrays_and_records);
    tcase_add_test(t, order_and_mixed);
    tcase_add_test(t, types);
    tcase_add_test(t, bad_records);
    tcase_add_test(t, refusals);
    tcase_add_test(t, limits);
    tcase_add_test(t, encodings);
    tcase_add_test(t, writing);
    tcase_add_test(t, bad_mappings);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

/*
 * test_formats.c - tables in their dialects, XML, and JSON arrays through the file connector
 */
#include "plugins/file/tests/file_rig.h"

static void put_bytes(const char *path, const char *bytes, size_t n)
{
    char temp[300];
    FILE *f;
    snprintf(temp, sizeof temp, "%s.tmp", path);
    f = fopen(temp, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(temp, path), 0);
}

START_TEST(csv_dialect)
{
    static const char table[] = "Bericht vom 31.01.\r\n# Lager\r\nitem ; qty;text\r\n"
                                "4711; 1234,50 ;'a;''b'\r\n;;\xe4\xa4\r\n";
    struct fake_host *h = run(
        config("\"format\":\"csv\",\"delimiter\":\";\",\"csv\":{\"quote\":\"'\",\"comment\":\"#\","
               "\"skip\":1,\"trim\":true,\"decimals\":[\"qty\"],\"decimal_sign\":\",\","
               "\"encoding\":\"iso-8859-15\"}," ENVELOPE), BB_ROLE_SOURCE);
    put_bytes(at("in/a.csv"), table, sizeof table - 1);
    ck_assert_msg(fake_host_run(h, 2, 10000) == 0, "%s", fake_host_log_text(h));
    ck_assert_str_eq(fake_data(&journal, 0), "{\"item\":\"4711\",\"qty\":1234.50,\"text\":\"a;'b\"}");
    ck_assert_str_eq(fake_data(&journal, 1), "{\"item\":\"\",\"qty\":null,\"text\":\"\u00e4\u20ac\"}");
    until_there(h, at("in/done/a.csv"));
    put(at("in/b.csv"), "x\nitem;qty\n1;1,5\n2;1.5\n");
    until_there(h, at("in/failed/b.csv.error"));
    ck_assert_msg(strstr(get(at("in/failed/b.csv.error")),
                         "record 2, line 4, byte 23: column qty: \"1.5\" is no number with \",\"") != NULL,
                  "%s", get(at("in/failed/b.csv.error")));
    put(at("in/c.csv"), "x\nitem;text\n1;2\n");
    until_there(h, at("in/failed/c.csv.error"));
    ck_assert_ptr_nonnull(strstr(get(at("in/failed/c.csv.error")), "no column \"qty\""));
    fake_host_free(&h);
}
END_TEST

START_TEST(csv_names_and_utf16)
{
    static const char table[] = "\xff\xfe" "1\0,\0\xac\x20\n\0" "2\0,\0x\0\n\0";
    static const char torn[] = "\xff\xfe" "1\0,\0\x61\0\n\0" "2\0,\0\x00\xde\x00\xde\n\0";
    struct fake_host *h = run(config("\"format\":\"csv\",\"csv\":{\"names\":[\"item\",\"t\"],"
                                     "\"encoding\":\"UTF-16\"}," ENVELOPE), BB_ROLE_SOURCE);
    put_bytes(at("in/a.csv"), table, sizeof table - 1);
    ck_assert_msg(fake_host_run(h, 2, 10000) == 0, "%s", fake_host_log_text(h));
    ck_assert_str_eq(fake_data(&journal, 0), "{\"item\":\"1\",\"t\":\"\u20ac\"}");
    until_there(h, at("in/done/a.csv"));
    /* a row before bytes that are no UTF-16 is taken */
    put_bytes(at("in/b.csv"), torn, sizeof torn - 1);
    until_there(h, at("in/failed/b.csv.error"));
    ck_assert_uint_eq(journal.count, 3);
    ck_assert_msg(strstr(get(at("in/failed/b.csv.error")), "this is not UTF-16") != NULL, "%s",
                  get(at("in/failed/b.csv.error")));
    fake_host_free(&h);
}
END_TEST

#define XML_CONFIG                                                                                 \
    "\"format\":\"xml\",\"xml\":{\"record\":\"/p:list/p:move\",\"namespaces\":{\"p\":\"urn:plant\"},"  \
    "\"arrays\":[\"/p:move/p:lot\"],\"types\":{\"/p:move/p:qty\":\"decimal\"}},"                     \
    "\"envelope\":{\"type\":\"mfg.inventory.movement\",\"id\":{\"pointer\":\"/p:move/@no\"}}"

START_TEST(xml_records)
{
    struct fake_host *h = run(config(XML_CONFIG), BB_ROLE_SOURCE);
    put(at("in/a.xml"), "<?xml version='1.0'?>\n<list xmlns='urn:plant'>\n"
                        "<move no='m1'><qty unit='EA'>1.50</qty><lot>7</lot></move>\n"
                        "<move no='m2'><qty/></move></list>");
    ck_assert_msg(fake_host_run(h, 2, 10000) == 0, "%s", fake_host_log_text(h));
    ck_assert_str_eq(fake_data(&journal, 0),
                     "{\"p:move\":{\"@no\":\"m1\",\"p:qty\":{\"@unit\":\"EA\",\"#text\":1.50},"
                     "\"p:lot\":[\"7\"]}}");
    ck_assert_str_eq(fake_data(&journal, 1), "{\"p:move\":{\"@no\":\"m2\",\"p:qty\":null}}");
    ck_assert_str_eq(fake_attribute(&journal, 1, "id"), "m2");
    until_there(h, at("in/done/a.xml"));
    put(at("in/b.xml"), "<list xmlns='urn:plant'>\n<move no='1'/>\n<move no='2'><qty>x</qty></move>\n"
                        "<move no='3'/></list>");
    until_there(h, at("in/failed/b.xml.error"));
    ck_assert_msg(strstr(get(at("in/failed/b.xml.error")),
                         "record 2, line 3, byte") != NULL &&
                      strstr(get(at("in/failed/b.xml.error")), "p:qty: is declared decimal") != NULL,
                  "%s", get(at("in/failed/b.xml.error")));
    put(at("in/c.xml"), "<!DOCTYPE list [<!ENTITY e SYSTEM '/etc/passwd'>]><list>&e;</list>");
    until_there(h, at("in/failed/c.xml.error"));
    ck_assert_ptr_nonnull(strstr(get(at("in/failed/c.xml.error")), "a DOCTYPE is refused"));
    put(at("in/d.xml"), "<list xmlns='urn:plant'><move no='9'/>");
    until_there(h, at("in/failed/d.xml.error"));
    ck_assert_ptr_nonnull(strstr(get(at("in/failed/d.xml.error")), "it is cut off"));
    ck_assert_uint_eq(journal.count, 4);
    fake_host_free(&h);
    h = run(config("\"on_bad_record\":\"skip\"," XML_CONFIG), BB_ROLE_SOURCE);
    put(at("in/e.xml"), "<list xmlns='urn:plant'><move no='a'/><move>t<qty/></move><move/>"
                        "<move no='b'/></list>");
    until_there(h, at("in/done/e.xml"));
    ck_assert_ptr_nonnull(strstr(fake_host_log_text(h), "2 records taken, 2 skipped"));
    fake_host_free(&h);
}
END_TEST

static const struct {
    const char *config, *text;
    uint32_t roles;
} wrongs[] = {
    {"\"format\":\"xml\",\"xml\":{\"record\":\"a\"}," ENVELOPE, "config.xml.record: a path", BB_ROLE_SOURCE},
    {"\"format\":\"csv\",\"csv\":{\"encoding\":\"utf-7\"}," ENVELOPE, "config.csv.encoding", BB_ROLE_SOURCE},
    {"\"format\":\"csv\",\"csv\":{\"quote\":\",\"}," ENVELOPE, "config.csv: the delimiter", BB_ROLE_SOURCE},
    {"\"format\":\"csv\",\"csv\":{\"names\":[\"a\",\"a\"]}," ENVELOPE, "two columns", BB_ROLE_SOURCE},
    {"\"path\":\"/tmp/x\",\"layout\":\"array\",\"content\":\"csv\",\"columns\":[{\"name\":\"a\","
     "\"pointer\":\"/data/a\"}]", "config.layout", BB_ROLE_SINK},
    {"\"path\":\"/tmp/x\",\"content\":\"xml\"", "config.xml.record: must have two steps", BB_ROLE_SINK},
    {"\"path\":\"/tmp/x\",\"content\":\"xml\",\"xml\":{\"record\":\"/a\"}", "must have two steps", BB_ROLE_SINK},
    {"\"path\":\"/tmp/x\",\"content\":\"xml\",\"xml\":{\"record\":\"/*/a\"}", "need names", BB_ROLE_SINK},
    {"\"path\":\"/tmp/x\",\"content\":\"xml\",\"xml\":{\"record\":\"/q:a/b\"}", "config.xml", BB_ROLE_SINK},
    {"\"path\":\"/tmp/x\",\"content\":\"xml\",\"layout\":\"array\",\"xml\":{\"record\":\"/a/b\"}",
     "config.layout", BB_ROLE_SINK},
};

START_TEST(config_that_cannot_work)
{
    struct bb_error err;
    ck_assert_ptr_null(fake_host_new(&journal, conn, config(wrongs[_i].config), wrongs[_i].roles, &err));
    ck_assert_msg(strstr(err.text, wrongs[_i].text) != NULL, "%s", err.text);
}
END_TEST

/* ---- sink -------------------------------------------------------------------------------------- */

#define ONE(n) "{\"n\":" #n ",\"t\":\"a,b\"}"
#define ARRAY ",\"content\":\"data\",\"layout\":\"array\""

START_TEST(an_array_is_whole_after_each_write)
{
    struct fake_host *h = run(sink_config(ARRAY), BB_ROLE_SINK);
    struct fake_result r[3];
    bb_msg *m[3];
    ck_assert_int_eq(deliver(h, 1, 0), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), "[\n" ONE(1) "\n]\n");
    for (unsigned k = 0; k < 3; k++)
        m[k] = message(k + 2, 0);
    fake_host_batch(h, m, 3, 5000, r);
    for (unsigned k = 0; k < 3; k++) {
        ck_assert_int_eq(r[k].status, BB_OK);
        fake_msg_free(m[k]);
    }
    ck_assert_str_eq(get(at("out.jsonl")),
                     "[\n" ONE(1) ",\n" ONE(2) ",\n" ONE(3) ",\n" ONE(4) "\n]\n");
    ck_assert_int_eq(probe(h, 3), BB_OK);
    fake_host_free(&h);
    h = run(sink_config(ARRAY), BB_ROLE_SINK);
    ck_assert_int_eq(probe(h, 4), BB_OK);
    ck_assert_int_eq(deliver(h, 4, BB_MSG_REDELIVERY), BB_OK);
    ck_assert_int_eq(deliver(h, 5, 0), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")),
                     "[\n" ONE(1) ",\n" ONE(2) ",\n" ONE(3) ",\n" ONE(4) ",\n" ONE(5) "\n]\n");
    fake_host_free(&h);
    /* one that somebody else wrote is left alone */
    put(at("out.jsonl"), "[1,2]");
    h = run(sink_config(ARRAY), BB_ROLE_SINK);
    ck_assert_int_eq(deliver(h, 6, 0), BB_E_DOWN);
    ck_assert_str_eq(get(at("out.jsonl")), "[1,2]");
    fake_host_free(&h);
}
END_TEST

/* A crash after the index was written and the file cut at each byte of the second write. */
START_TEST(an_interrupted_array_is_closed_again)
{
    struct fake_host *h = run(sink_config(ARRAY), BB_ROLE_SINK);
    const char *one = "[\n" ONE(1) "\n]\n";
    struct stat st;
    ck_assert_int_eq(deliver(h, 1, 0), BB_OK);
    ck_assert_int_eq(deliver(h, 2, 0), BB_OK);
    fake_host_free(&h);
    ck_assert_int_eq(stat(at("out.jsonl"), &st), 0);
    ck_assert_int_eq(truncate(at("out.jsonl"), st.st_size - 1 - _i), 0);
    h = run(sink_config(ARRAY), BB_ROLE_SINK);
    ck_assert_int_eq(probe(h, 1), BB_OK);
    ck_assert_int_eq(probe(h, 2), BB_NOT_APPLIED);
    ck_assert_str_eq(get(at("out.jsonl")), one);
    ck_assert_int_eq(deliver(h, 2, BB_MSG_REDELIVERY), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), "[\n" ONE(1) ",\n" ONE(2) "\n]\n");
    fake_host_free(&h);
    /* the index alone was written: the old bracket is still there */
    ck_assert_int_eq(truncate(at("out.jsonl"), (off_t)strlen(one) - 3), 0);
    put(at("tail"), "x");
    {
        FILE *f = fopen(at("out.jsonl"), "a");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs("\n]\n", f), 0);
        ck_assert_int_eq(fclose(f), 0);
    }
    h = run(sink_config(ARRAY), BB_ROLE_SINK);
    ck_assert_int_eq(probe(h, 2), BB_NOT_APPLIED);
    ck_assert_str_eq(get(at("out.jsonl")), one);
    ck_assert_int_eq(deliver(h, 3, 0), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), "[\n" ONE(1) ",\n" ONE(3) "\n]\n");
    fake_host_free(&h);
}
END_TEST

#define TABLE                                                                                      \
    ",\"content\":\"csv\",\"delimiter\":\";\",\"csv\":{\"line_end\":\"lf\",\"decimal_sign\":\",\","     \
    "\"encoding\":\"%s\"},\"columns\":[{\"name\":\"t\",\"pointer\":\"/data/t\"},"                      \
    "{\"name\":\"d\",\"pointer\":\"/data/d\"}]"

static bb_status row_deliver(struct fake_host *h, const char *t, const char *key)
{
    struct fake_result r;
    char json[256];
    bb_msg *m;
    snprintf(json, sizeof json, "[{" HEAD ",\"id\":\"1\"},{\"t\":\"%s\",\"d\":1.50}]", t);
    m = fake_msg(json, key, 0);
    fake_host_deliver(h, m, 5000, &r);
    fake_msg_free(m);
    return r.status;
}

START_TEST(rows_in_another_encoding)
{
    char more[512];
    struct fake_host *h;
    FILE *f;
    char bytes[64];
    snprintf(more, sizeof more, TABLE, "windows-1252");
    h = run(sink_config(more), BB_ROLE_SINK);
    ck_assert_int_eq(row_deliver(h, "\u20ac", "k1"), BB_OK);
    ck_assert_int_eq(row_deliver(h, "\u4e00", "k2"), BB_E_REJECT); /* the encoding has no such thing */
    ck_assert_int_eq(row_deliver(h, "x;", "k3"), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), "t;d\n\x80;1,50\n\"x;\";1,50\n");
    fake_host_free(&h);
    ck_assert_int_eq(unlink(at("out.jsonl")), 0);
    snprintf(more, sizeof more, TABLE, "UTF-16");
    for (int life = 0; life < 2; life++) { /* the second finds the line whole */
        h = run(sink_config(more), BB_ROLE_SINK);
        ck_assert_int_eq(row_deliver(h, "\u20ac", life ? "k5" : "k4"), BB_OK);
        fake_host_free(&h);
    }
    f = fopen(at("out.jsonl"), "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fread(bytes, 1, sizeof bytes, f), 38);
    fclose(f);
    ck_assert_mem_eq(bytes, "\xff\xfet\0;\0d\0\n\0\xac\x20;\0" "1\0,\0" "5\0" "0\0\n\0\xac\x20", 26);
}
END_TEST

#define XML_SINK                                                                                    \
    ",\"content\":\"xml\",\"xml\":{\"record\":\"/p:list/p:moves/p:move\",\"namespaces\":{\"p\":\"urn:plant\"}," \
    "\"order\":{\"/p:move\":[\"p:item\",\"p:qty\"]},\"types\":{\"/p:move/p:qty\":\"decimal\"}}"
#define XML_NS "xmlns:p=\"urn:plant\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<p:list " XML_NS "><p:moves>\n"
#define XML_TAIL "</p:moves></p:list>\n"
#define MOVE(item, qty) \
    "<p:move " XML_NS "><p:item>" item "</p:item><p:qty>" qty "</p:qty></p:move>\n"

static bb_status element_deliver(struct fake_host *h, const char *data, const char *key, uint32_t flags)
{
    char json[400];
    struct fake_result r;
    bb_msg *m;
    snprintf(json, sizeof json, "[{" HEAD ",\"id\":\"%s\"},%s]", key, data);
    m = fake_msg(json, key, flags);
    fake_host_deliver(h, m, 5000, &r);
    fake_msg_free(m);
    return r.status;
}

static const char move_1[] = "{\"p:move\":{\"p:qty\":1.50,\"p:item\":\"a<&b\"}}";
static const char move_2[] = "{\"p:move\":{\"p:qty\":2,\"p:item\":\"c\"}}";

START_TEST(xml_is_whole_after_each_write)
{
    char source[700];
    struct fake_host *h = run(sink_config(XML_SINK), BB_ROLE_SINK);
    ck_assert_int_eq(element_deliver(h, move_1, "k1", 0), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), XML_HEAD MOVE("a&lt;&amp;b", "1.50") XML_TAIL);
    /* another element, two of them, a text, a name that is none: refused, and nothing of it stays */
    ck_assert_int_eq(element_deliver(h, "{\"p:other\":{}}", "k2", 0), BB_E_REJECT);
    ck_assert_int_eq(element_deliver(h, "{\"p:move\":{},\"p:move2\":{}}", "k3", 0), BB_E_REJECT);
    ck_assert_int_eq(element_deliver(h, "\"text\"", "k4", 0), BB_E_REJECT);
    ck_assert_int_eq(element_deliver(h, "{\"p:move\":{\"a b\":1}}", "k5", 0), BB_E_REJECT);
    fake_host_free(&h);
    h = run(sink_config(XML_SINK), BB_ROLE_SINK);
    ck_assert_int_eq(element_deliver(h, move_1, "k1", BB_MSG_REDELIVERY), BB_OK);
    ck_assert_int_eq(element_deliver(h, move_2, "k6", 0), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), XML_HEAD MOVE("a&lt;&amp;b", "1.50") MOVE("c", "2") XML_TAIL);
    fake_host_free(&h);
    /* a source with the same mapping reads what the sink wrote */
    snprintf(source, sizeof source, "\"format\":\"xml\",%s," ENVELOPE, strstr(XML_SINK, "\"xml\":{"));
    h = run(config(source), BB_ROLE_SOURCE);
    put(at("in/a.xml"), get(at("out.jsonl")));
    ck_assert_msg(fake_host_run(h, 2, 10000) == 0, "%s", fake_host_log_text(h));
    ck_assert_str_eq(fake_data(&journal, 0), "{\"p:move\":{\"p:item\":\"a<&b\",\"p:qty\":1.50}}");
    ck_assert_str_eq(fake_data(&journal, 1), "{\"p:move\":{\"p:item\":\"c\",\"p:qty\":2}}");
    fake_host_free(&h);
}
END_TEST

/* The crash left _i bytes of the second write over the first one's end. */
START_TEST(an_interrupted_document_is_closed_again)
{
    static const char one[] = XML_HEAD MOVE("a&lt;&amp;b", "1.50") XML_TAIL;
    static const char two[] = XML_HEAD MOVE("a&lt;&amp;b", "1.50") MOVE("c", "2") XML_TAIL;
    size_t begin = sizeof one - sizeof XML_TAIL, cut = begin + (size_t)_i * 5;
    char torn[sizeof two];
    struct fake_host *h = run(sink_config(XML_SINK), BB_ROLE_SINK);
    FILE *f;
    ck_assert_int_eq(element_deliver(h, move_1, "k1", 0), BB_OK);
    ck_assert_int_eq(element_deliver(h, move_2, "k2", 0), BB_OK);
    fake_host_free(&h);
    memcpy(torn, two, cut);
    if (cut < sizeof one - 1) { /* what is not written over is the old end */
        memcpy(torn + cut, one + cut, sizeof one - 1 - cut);
        cut = sizeof one - 1;
    }
    f = fopen(at("out.jsonl"), "r+"); /* the same inode */
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(torn, 1, cut, f), cut);
    fclose(f);
    ck_assert_int_eq(truncate(at("out.jsonl"), (off_t)cut), 0);
    h = run(sink_config(XML_SINK), BB_ROLE_SINK);
    ck_assert_str_eq(get(at("out.jsonl")), one);
    ck_assert_int_eq(element_deliver(h, move_1, "k1", BB_MSG_REDELIVERY), BB_OK);
    ck_assert_int_eq(element_deliver(h, move_2, "k2", BB_MSG_REDELIVERY), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), two);
    fake_host_free(&h);
}
END_TEST

START_TEST(a_document_of_someone_else_is_left_alone)
{
    static const char foreign[] = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n"
                                  "<p:list " XML_NS "><p:moves>\n" MOVE("\xe4", "1") XML_TAIL;
    struct fake_host *h;
    put(at("out.jsonl"), foreign);
    h = run(sink_config(XML_SINK), BB_ROLE_SINK);
    ck_assert_int_eq(element_deliver(h, move_1, "k1", 0), BB_E_DOWN);
    ck_assert_ptr_nonnull(strstr(fake_host_log_text(h), "does not begin and end as an XML document"));
    ck_assert_str_eq(get(at("out.jsonl")), foreign);
    fake_host_free(&h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("formats");
    TCase *c = tcase_create("source"), *k = tcase_create("sink");
    SRunner *r;
    int failed;
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, csv_dialect);
    tcase_add_test(c, csv_names_and_utf16);
    tcase_add_test(c, xml_records);
    tcase_add_loop_test(c, config_that_cannot_work, 0, (int)(sizeof wrongs / sizeof wrongs[0]));
    suite_add_tcase(s, c);
    tcase_set_timeout(k, 60);
    tcase_add_checked_fixture(k, setup, teardown);
    tcase_add_test(k, an_array_is_whole_after_each_write);
    tcase_add_loop_test(k, an_interrupted_array_is_closed_again, 0, 22);
    tcase_add_test(k, rows_in_another_encoding);
    tcase_add_test(k, xml_is_whole_after_each_write);
    tcase_add_loop_test(k, an_interrupted_document_is_closed_again, 0, 17);
    tcase_add_test(k, a_document_of_someone_else_is_left_alone);
    suite_add_tcase(s, k);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

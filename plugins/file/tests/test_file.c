/*
 * test_file.c - the file connector against a host in this process, on real files
 */
#include "plugins/file/tests/file_rig.h"

/* ---- source ------------------------------------------------------------------------------------ */

START_TEST(lines_become_messages)
{
    struct fake_host *h = run(config("\"format\":\"jsonl\"," ENVELOPE), BB_ROLE_SOURCE);
    struct stat st;
    put(at("in/a.jsonl"), "{\"item\":\"4711\",\"qty\":1.50}\n\n{\"item\":42}\r\n{\"qty\":1}");
    ck_assert_msg(fake_host_run(h, 3, 10000) == 0, "%s", fake_host_log_text(h));
    until_there(h, at("in/done/a.jsonl"));
    ck_assert_str_eq(fake_attribute(&journal, 0, "id"), "a.jsonl:1");
    ck_assert_str_eq(fake_attribute(&journal, 0, "item"), "4711");
    ck_assert_str_eq(fake_attribute(&journal, 0, "plant"), "1000");
    ck_assert_str_eq(fake_attribute(&journal, 0, "type"), "mfg.inventory.movement");
    ck_assert_str_eq(fake_attribute(&journal, 0, "source"), "/file/test");
    ck_assert_str_eq(fake_data(&journal, 0), "{\"item\":\"4711\",\"qty\":1.50}");
    ck_assert_str_eq(fake_attribute(&journal, 1, "item"), "42");
    ck_assert_str_eq(fake_attribute(&journal, 2, "item"), "");
    ck_assert_str_eq(fake_attribute(&journal, 2, "id"), "a.jsonl:3");
    ck_assert_int_ne(stat(at("in/a.jsonl"), &st), 0);
    ck_assert_int_eq(fake_host_stop(h, 1000), BB_OK);
    fake_host_free(&h);
}
END_TEST

START_TEST(names_in_order_and_others_left_alone)
{
    struct fake_host *h;
    char name[32];
    ck_assert_int_eq(mkdir(at("in"), 0700), 0);
    for (int k = 299; k >= 0; k--) { /* more than one window of names */
        snprintf(name, sizeof name, "in/%03d.jsonl", k);
        put(at("%s", name), "{}\n");
    }
    put(at("in/.hidden.jsonl"), "{}\n");
    put(at("in/other.txt"), "{}\n");
    ck_assert_int_eq(mkdir(at("in/dir.jsonl"), 0700), 0);
    ck_assert_int_eq(symlink("/etc/passwd", at("in/link.jsonl")), 0);
    ck_assert_int_eq(mkfifo(at("in/pipe.jsonl"), 0600), 0);
    h = run(config("\"pattern\":\"*.jsonl\"," ENVELOPE), BB_ROLE_SOURCE);
    put(at("in/zzz.jsonl"), ""); /* no record: done at once */
    ck_assert_int_eq(fake_host_run(h, 300, 20000), 0);
    until_there(h, at("in/done/zzz.jsonl"));
    for (int k = 0; k < 300; k++) {
        snprintf(name, sizeof name, "%03d.jsonl:1", k);
        ck_assert_str_eq(fake_attribute(&journal, (size_t)k, "id"), name);
    }
    ck_assert_int_eq(access(at("in/.hidden.jsonl"), F_OK), 0);
    ck_assert_int_eq(access(at("in/other.txt"), F_OK), 0);
    ck_assert_int_eq(access(at("in/link.jsonl"), F_OK), 0);
    fake_host_free(&h);
}
END_TEST

START_TEST(a_file_still_written_is_waited_for)
{
    struct fake_host *h = run(config(ENVELOPE), BB_ROLE_SOURCE);
    int fd = open(at("in/slow.jsonl"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, "{\"a\":1}\n{\"a\"", 12), 12);
    put(at("in/z.jsonl"), "{}\n");
    ck_assert_msg(fake_host_run(h, 1, 10000) == 0, "%s", fake_host_log_text(h)); /* the other one passes it by */
    ck_assert_str_eq(fake_attribute(&journal, 0, "id"), "z.jsonl:1");
    ck_assert_int_eq((int)write(fd, ":2}\n", 4), 4);
    close(fd);
    ck_assert_msg(fake_host_run(h, 3, 10000) == 0, "%s", fake_host_log_text(h));
    until_there(h, at("in/done/slow.jsonl"));
    fake_host_free(&h);
}
END_TEST

START_TEST(json_array_inside_a_document)
{
    struct fake_host *h = run(config("\"format\":\"json\",\"records\":\"/a~1b/1/items\",\"batch\":2,"
                                     "\"envelope\":{\"type\":{\"pointer\":\"/t\",\"prefix\":\"mfg.\"},"
                                     "\"id\":{\"pointer\":\"/pk\"}}"), BB_ROLE_SOURCE);
    put(at("in/a"), "{\"x\": {\"items\": [\"]}\", {\"q\":\"\\\"[\"}]}, \"n\" : -1.5e3 ,\n\"a/b\": [7, "
                    "{\"items\" : [ {\"t\":\"x\",\"pk\":1} ,\n{\"t\":\"x\",\"pk\":2},{\"t\":\"x\","
                    "\"pk\":3} ], \"k\":true}, null], \"z\":{}}\n");
    ck_assert_msg(fake_host_run(h, 3, 10000) == 0, "%s", fake_host_log_text(h));
    until_there(h, at("in/done/a"));
    ck_assert_str_eq(fake_attribute(&journal, 2, "id"), "3");
    ck_assert_str_eq(fake_attribute(&journal, 2, "type"), "mfg.x");
    /* one record that is no array; an empty array; a file cut off behind the array */
    fake_host_free(&h);
    h = run(config("\"format\":\"json\"," ENVELOPE), BB_ROLE_SOURCE);
    put(at("in/b"), " {\"item\":\"one\"} ");
    put(at("in/c"), "[]");
    put(at("in/d"), "[1,2");
    ck_assert_msg(fake_host_run(h, 6, 10000) == 0, "%s", fake_host_log_text(h));
    until_there(h, at("in/done/b"));
    until_there(h, at("in/done/c"));
    until_there(h, at("in/failed/d.error"));
    ck_assert_ptr_nonnull(strstr(get(at("in/failed/d.error")), "ends"));
    fake_host_free(&h);
}
END_TEST

START_TEST(csv_rows)
{
    struct fake_host *h = run(config("\"format\":\"csv\",\"delimiter\":\";\"," ENVELOPE),
                              BB_ROLE_SOURCE);
    put(at("in/a.csv"), "item;qty\r\n4711;1.50\r\n;\"a;\"\"b\nc\"\r\n");
    ck_assert_msg(fake_host_run(h, 2, 10000) == 0, "%s", fake_host_log_text(h));
    ck_assert_str_eq(fake_data(&journal, 0), "{\"item\":\"4711\",\"qty\":\"1.50\"}");
    ck_assert_str_eq(fake_data(&journal, 1), "{\"item\":\"\",\"qty\":\"a;\\\"b\\nc\"}");
    until_there(h, at("in/done/a.csv"));
    put(at("in/b.csv"), "item;qty\n1;2\n3\n");
    until_there(h, at("in/failed/b.csv.error"));
    ck_assert_msg(strstr(get(at("in/failed/b.csv.error")), "record 2, line 3") != NULL, "%s",
                  get(at("in/failed/b.csv.error")));
    fake_host_free(&h);
}
END_TEST

START_TEST(events)
{
    struct fake_host *h = run(config("\"format\":\"events\""), BB_ROLE_SOURCE);
    put(at("in/e"), "{\"specversion\":\"1.0\",\"id\":\"x1\",\"source\":\"plm\",\"type\":\"mfg.t\","
                    "\"data\":{\"a\":1}}\n{\"specversion\":\"1.0\",\"id\":\"x2\"}\n");
    until_there(h, at("in/failed/e.error"));
    ck_assert_uint_eq(journal.count, 1);
    ck_assert_str_eq(fake_attribute(&journal, 0, "id"), "x1");
    ck_assert_str_eq(fake_data(&journal, 0), "{\"a\":1}");
    ck_assert_ptr_nonnull(strstr(get(at("in/failed/e.error")), "record 2, line 2"));
    fake_host_free(&h);
}
END_TEST

START_TEST(a_bad_record_fails_the_file_or_is_skipped)
{
    struct fake_host *h = run(config("\"batch\":2," ENVELOPE), BB_ROLE_SOURCE);
    const char *bad = "{\"item\":1}\n{\"item\":2}\n{\"item\":3}\n{\"item\":,}\n{\"item\":5}\n";
    char *note;
    put(at("in/a"), bad);
    until_there(h, at("in/failed/a.error"));
    ck_assert_uint_eq(journal.count, 3);
    note = get(at("in/failed/a.error"));
    ck_assert_msg(strstr(note, "a: record 4, line 4, byte 41: ") == note, "%s", note);
    ck_assert_ptr_nonnull(strstr(note, "put it back"));
    ck_assert_str_eq(get(at("in/failed/a")), bad);
    /* mended and put back under its name: only what was missing is new */
    put(at("in/a"), "{\"item\":1}\n{\"item\":2}\n{\"item\":3}\n{\"item\":4}\n{\"item\":5}\n");
    until_there(h, at("in/done/a"));
    ck_assert_uint_eq(journal.count, 5);
    ck_assert_uint_eq(journal.duplicates, 3);
    /* a second file of that name fails: nothing is overwritten */
    put(at("in/a"), "nonsense\n");
    until_there(h, at("in/failed/a-2.error"));
    fake_host_free(&h);
    h = run(config("\"on_bad_record\":\"skip\",\"max_record\":64," ENVELOPE), BB_ROLE_SOURCE);
    put(at("in/b"), "{\"item\":1}\nnonsense\n{\"item\":\"0123456789012345678901234567890123456789"
                    "012345678901234567890123456789\"}\n{\"item\":[]}\n{\"item\":4}\n");
    until_there(h, at("in/done/b"));
    ck_assert_uint_eq(journal.count, 7);
    ck_assert_str_eq(fake_attribute(&journal, 6, "id"), "b:5");
    ck_assert_ptr_nonnull(strstr(fake_host_log_text(h), "2 records taken, 3 skipped"));
    fake_host_free(&h);
}
END_TEST

START_TEST(a_crash_before_the_bad_file_is_moved)
{
    struct fake_host *h = run(config(ENVELOPE), BB_ROLE_SOURCE);
    put(at("in/a"), "{}\n{}\nnonsense\n{}\n");
    until_pending(h);
    ck_assert_int_eq(fake_host_ack(h, BB_OK, NULL), BB_OK);
    fake_host_free(&h);
    h = run(config(ENVELOPE), BB_ROLE_SOURCE);
    until_there(h, at("in/failed/a.error"));
    ck_assert_ptr_nonnull(strstr(get(at("in/failed/a.error")), "a: record 3, line 3, byte 6: "));
    ck_assert_uint_eq(journal.count, 2);
    fake_host_free(&h);
}
END_TEST

static void write_many(const char *format, unsigned n)
{
    FILE *f = fopen(at("in.tmp"), "w");
    ck_assert_ptr_nonnull(f);
    if (strcmp(format, "csv") == 0)
        fprintf(f, "item,qty\n");
    else if (strcmp(format, "xml") == 0)
        fprintf(f, "<r>");
    else if (strcmp(format, "json") == 0)
        fprintf(f, "{\"h\":{},\"items\":[");
    for (unsigned k = 0; k < n; k++)
        if (strcmp(format, "csv") == 0)
            fprintf(f, "%u,\"a\n%u\"\n", k, k);
        else if (strcmp(format, "xml") == 0)
            fprintf(f, "<i no='%u'>\n<q>%u</q></i>\n", k, k);
        else
            fprintf(f, "%s{\"item\":%u,\"text\":\"%.*s\"}\n",
                    k && strcmp(format, "json") == 0 ? "," : "", k, (int)(k % 60),
                    "............................................................");
    if (strcmp(format, "json") == 0)
        fprintf(f, "],\"t\":1}");
    else if (strcmp(format, "xml") == 0)
        fprintf(f, "</r>");
    ck_assert_int_eq(fclose(f), 0);
    ck_assert(mkdir(at("in"), 0700) == 0 || errno == EEXIST);
    ck_assert_int_eq(rename(at("in.tmp"), at("in/big")), 0);
}

/* Crashes after each number of acknowledged batches, with and without one in flight: every record
 * comes once, and the last life began where the journal was. */
START_TEST(a_crash_in_the_middle_loses_nothing_and_doubles_nothing)
{
    static const char *const formats[] = {"jsonl", "json", "csv", "xml"};
    const char *format = formats[_i];
    char more[300], id[32];
    struct fake_host *h;
    write_many(format, 1000);
    snprintf(more, sizeof more, "\"format\":\"%s\",\"records\":\"%s\",\"batch\":64,%s", format,
             strcmp(format, "json") == 0 ? "/items" : "",
             strcmp(format, "xml") == 0
                 ? "\"xml\":{\"record\":\"/r/i\"},\"envelope\":{\"type\":\"mfg.x\","
                   "\"item\":{\"pointer\":\"/i/@no\"}}"
                 : ENVELOPE);
    for (unsigned life = 0; life < 8; life++) {
        h = run(config(more), BB_ROLE_SOURCE);
        for (unsigned k = 0; k < life % 4; k++) {
            until_pending(h);
            ck_assert_int_eq(fake_host_ack(h, BB_OK, NULL), BB_OK);
        }
        if (life % 2)
            until_pending(h); /* lost with the crash */
        fake_host_free(&h);
    }
    ck_assert_uint_eq(journal.count, 12 * 64);
    h = run(config(more), BB_ROLE_SOURCE);
    until_there(h, at("in/done/big"));
    ck_assert_ptr_nonnull(strstr(fake_host_log_text(h), "going on after record 768"));
    fake_host_free(&h);
    ck_assert_uint_eq(journal.count, 1000);
    ck_assert_uint_eq(journal.duplicates, 0);
    for (unsigned k = 0; k < 1000; k++) {
        snprintf(id, sizeof id, "big:%u", k + 1);
        ck_assert_str_eq(fake_attribute(&journal, k, "id"), id);
        snprintf(id, sizeof id, "%u", k);
        ck_assert_str_eq(fake_attribute(&journal, k, "item"), id);
    }
}
END_TEST

START_TEST(a_crash_between_the_last_ack_and_done)
{
    struct fake_host *h = run(config(ENVELOPE), BB_ROLE_SOURCE);
    put(at("in/a"), "{}\n{}\n");
    until_pending(h);
    ck_assert_int_eq(fake_host_ack(h, BB_OK, NULL), BB_OK);
    fake_host_free(&h);
    ck_assert_int_eq(access(at("in/a"), F_OK), 0);
    h = run(config(ENVELOPE), BB_ROLE_SOURCE);
    until_there(h, at("in/done/a"));
    ck_assert_uint_eq(fake_host_submits(h), 0);
    ck_assert_uint_eq(journal.count, 2);
    fake_host_free(&h);
}
END_TEST

START_TEST(busy_storms_and_refusals)
{
    struct fake_host *h = run(config("\"batch\":10," ENVELOPE), BB_ROLE_SOURCE);
    unsigned before;
    write_many("jsonl", 100);
    fake_host_busy(h, 1);
    for (int k = 0; k < 20; k++)
        fake_host_pump(h, 5);
    before = fake_host_submits(h);
    ck_assert_uint_eq(before, 1); /* it waits for resume, it does not hammer */
    for (int k = 0; k < 5; k++) { /* resumed, and BUSY again */
        fake_host_busy(h, 1);
        fake_host_resume(h);
        for (int j = 0; j < 5; j++)
            fake_host_pump(h, 5);
    }
    ck_assert_uint_eq(fake_host_submits(h), before + 5);
    fake_host_resume(h);
    until_pending(h);
    (void)fake_host_ack(h, BB_E_BUSY, "the journal is closed for intake");
    until_pending(h);
    (void)fake_host_ack(h, BB_E_RETRY, "not stored");
    ck_assert_msg(fake_host_run(h, 50, 10000) == 0, "%s", fake_host_log_text(h));
    until_pending(h);
    (void)fake_host_ack(h, BB_E_REJECT, "no route takes it");
    until_there(h, at("in/failed/big.error"));
    ck_assert_msg(strstr(get(at("in/failed/big.error")), "record 60, line 61 were refused: no route")
                      != NULL, "%s", get(at("in/failed/big.error")));
    ck_assert_uint_eq(journal.count, 50);
    ck_assert_uint_eq(journal.duplicates, 0);
    fake_host_free(&h);
}
END_TEST

START_TEST(a_huge_file_takes_little_memory)
{
    struct rusage before, after;
    struct fake_host *h;
    journal.keep = 0;
    write_many(_i ? "json" : "jsonl", 600000); /* some 35 MB */
    getrusage(RUSAGE_SELF, &before);
    h = run(config(_i ? "\"format\":\"json\",\"records\":\"/items\"," ENVELOPE : ENVELOPE),
            BB_ROLE_SOURCE);
    ck_assert_int_eq(fake_host_run(h, 600000, 60000), 0);
    until_there(h, at("in/done/big"));
    getrusage(RUSAGE_SELF, &after);
    fake_host_free(&h);
#ifndef SANITIZED /* it keeps freed memory for a while */
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 12 * 1024); /* KiB */
#endif
}
END_TEST

START_TEST(a_record_beyond_the_limit)
{
    struct fake_host *h = run(config("\"format\":\"json\",\"max_record\":1000," ENVELOPE),
                              BB_ROLE_SOURCE);
    FILE *f = fopen(at("in/a.tmp"), "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "[{\"item\":1},{\"item\":\"");
    for (int k = 0; k < 3000000; k++)
        fputc('x', f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(at("in/a.tmp"), at("in/a")), 0);
    until_there(h, at("in/failed/a.error"));
    ck_assert_ptr_nonnull(strstr(get(at("in/failed/a.error")), "larger than max_record"));
    ck_assert_uint_eq(journal.count, 1);
    fake_host_free(&h);
}
END_TEST

static const struct {
    const char *config, *text;
    uint32_t roles;
} wrongs[] = {
    {"{}", "directory", BB_ROLE_SOURCE},
    {"{\"directory\":\"/tmp/x\"}", "config.envelope: is missing", BB_ROLE_SOURCE},
    {"{\"directory\":\"/tmp/x\",\"envelope\":{}}", "envelope.type", BB_ROLE_SOURCE},
    {"{\"directory\":\"/tmp/x\",\"envelope\":{\"typ\":\"x\"}}", "knows id", BB_ROLE_SOURCE},
    {"{\"directory\":\"/tmp/x\",\"envelope\":{\"type\":{\"pointer\":\"x\"}}}", "must start with",
     BB_ROLE_SOURCE},
    {"{\"directory\":\"/tmp/x\",\"format\":\"yaml\"}", "config.format", BB_ROLE_SOURCE},
    {"{}", "path", BB_ROLE_SINK},
    {"{\"path\":\"/tmp/x\",\"content\":\"csv\"}", "columns", BB_ROLE_SINK},
};

START_TEST(config_that_cannot_work)
{
    struct bb_error err;
    ck_assert_ptr_null(fake_host_new(&journal, conn, wrongs[_i].config, wrongs[_i].roles, &err));
    ck_assert_msg(strstr(err.text, wrongs[_i].text) != NULL, "%s", err.text);
}
END_TEST

/* ---- sink -------------------------------------------------------------------------------------- */

START_TEST(events_data_and_rows)
{
    struct fake_host *h = run(sink_config(""), BB_ROLE_SINK);
    ck_assert_int_eq(deliver(h, 1, 0), BB_OK);
    ck_assert_ptr_nonnull(strstr(get(at("out.jsonl")), "\"id\":\"1\""));
    ck_assert_ptr_nonnull(strstr(get(at("out.jsonl")), "\"data\":{\"n\":1,\"t\":\"a,b\"}}\n"));
    fake_host_free(&h);
    ck_assert_int_eq(unlink(at("out.jsonl")), 0);
    h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    ck_assert_int_eq(deliver(h, 2, 0), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), "{\"n\":2,\"t\":\"a,b\"}\n");
    fake_host_free(&h);
    ck_assert_int_eq(unlink(at("out.jsonl")), 0);
    h = run(sink_config(",\"content\":\"csv\",\"columns\":[{\"name\":\"Item\",\"pointer\":"
                        "\"/attributes/item\"},{\"name\":\"T\",\"pointer\":\"/data/t\"},"
                        "{\"name\":\"none\",\"pointer\":\"/data/q\"}]"), BB_ROLE_SINK);
    ck_assert_int_eq(deliver(h, 3, 0), BB_OK);
    ck_assert_int_eq(deliver(h, 4, 0), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), "Item,T,none\r\ni3,\"a,b\",\r\ni4,\"a,b\",\r\n");
    fake_host_free(&h);
}
END_TEST

START_TEST(probe_knows_what_was_written)
{
    struct fake_host *h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    ck_assert_int_eq(deliver(h, 1, 0), BB_OK);
    ck_assert_int_eq(probe(h, 1), BB_OK);
    ck_assert_int_eq(probe(h, 11), BB_NOT_APPLIED);
    fake_host_free(&h);
    h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    ck_assert_int_eq(probe(h, 1), BB_OK);
    /* a redelivery of what is there is no second line */
    ck_assert_int_eq(deliver(h, 1, BB_MSG_REDELIVERY), BB_OK);
    ck_assert_int_eq(deliver(h, 2, BB_MSG_REDELIVERY), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), "{\"n\":1,\"t\":\"a,b\"}\n{\"n\":2,\"t\":\"a,b\"}\n");
    fake_host_free(&h);
}
END_TEST

START_TEST(a_partial_line_is_cut_off)
{
    struct fake_host *h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    struct stat st;
    ck_assert_int_eq(deliver(h, 1, 0), BB_OK);
    ck_assert_int_eq(deliver(h, 2, 0), BB_OK);
    fake_host_free(&h);
    ck_assert_int_eq(stat(at("out.jsonl"), &st), 0);
    /* as a crash leaves it: the index is written, the line is cut at each byte in turn */
    ck_assert_int_eq(truncate(at("out.jsonl"), st.st_size - 1 - _i), 0);
    h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    ck_assert_int_eq(probe(h, 1), BB_OK);
    ck_assert_int_eq(probe(h, 2), BB_NOT_APPLIED);
    ck_assert_str_eq(get(at("out.jsonl")), "{\"n\":1,\"t\":\"a,b\"}\n");
    ck_assert_int_eq(deliver(h, 2, BB_MSG_REDELIVERY), BB_OK);
    ck_assert_int_eq(probe(h, 2), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), "{\"n\":1,\"t\":\"a,b\"}\n{\"n\":2,\"t\":\"a,b\"}\n");
    fake_host_free(&h);
}
END_TEST

START_TEST(a_batch_is_one_write_and_stops_at_the_first_failure)
{
    struct fake_host *h = run(sink_config(",\"content\":\"csv\",\"columns\":[{\"name\":\"n\","
                                          "\"pointer\":\"/data/n\"}]"), BB_ROLE_SINK);
    struct fake_result r[8];
    bb_msg *m[8];
    struct stat st;
    for (unsigned k = 0; k < 8; k++)
        m[k] = k == 5 ? fake_msg("[{" HEAD ",\"id\":\"5\"},{\"n\":\"a\\u0000b\"}]", "key 5/1", 0)
                      : message(k, 0);
    fake_host_batch(h, m, 8, 5000, r);
    for (unsigned k = 0; k < 8; k++) {
        ck_assert_int_eq(r[k].status, k < 5 ? BB_OK : k == 5 ? BB_E_REJECT : BB_E_CANCEL);
        fake_msg_free(m[k]);
    }
    ck_assert_str_eq(get(at("out.jsonl")), "n\r\n0\r\n1\r\n2\r\n3\r\n4\r\n");
    ck_assert_int_eq(probe(h, 4), BB_OK);
    ck_assert_int_eq(probe(h, 6), BB_NOT_APPLIED);
    fake_host_free(&h);
    /* cut inside the batch: the whole batch goes */
    ck_assert_int_eq(stat(at("out.jsonl"), &st), 0);
    ck_assert_int_eq(truncate(at("out.jsonl"), st.st_size - 4), 0);
    h = run(sink_config(",\"content\":\"csv\",\"columns\":[{\"name\":\"n\",\"pointer\":"
                        "\"/data/n\"}]"), BB_ROLE_SINK);
    ck_assert_int_eq(probe(h, 0), BB_NOT_APPLIED);
    ck_assert_int_eq(stat(at("out.jsonl"), &st), 0);
    ck_assert_int_eq((int)st.st_size, 0);
    fake_host_free(&h);
}
END_TEST

/* What one write holds may be more than is read at once to look whether it is there. */
START_TEST(a_large_write_is_found_whole)
{
    struct fake_host *h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    size_t n = 65536 - 10 + (size_t)_i * 9;
    char *json = malloc(n + 200);
    struct stat before, after;
    struct fake_result r;
    bb_msg *m;
    size_t at_text;
    at_text = (size_t)sprintf(json, "[{" HEAD ",\"id\":\"1\"},\"");
    memset(json + at_text, 'x', n);
    strcpy(json + at_text + n, "\"]");
    m = fake_msg(json, "key 1/1", 0);
    fake_host_deliver(h, m, 5000, &r);
    ck_assert_int_eq(r.status, BB_OK);
    fake_msg_free(m);
    free(json);
    fake_host_free(&h);
    ck_assert_int_eq(stat(at("out.jsonl"), &before), 0);
    h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    ck_assert_int_eq(deliver(h, 2, 0), BB_OK);
    fake_host_free(&h);
    ck_assert_int_eq(stat(at("out.jsonl"), &after), 0);
    ck_assert_int_gt(after.st_size, before.st_size);
    ck_assert_int_gt(before.st_size, (off_t)n);
}
END_TEST

/* Rewrites the index's last line with another VERSION:HASH. */
static void index_as(const char *version_hash)
{
    char line[512], *word, *key;
    unsigned long long inode, offset, length;
    const char *path = at("out.jsonl.keys"), *text = get(path);
    ck_assert_int_eq(sscanf(text, "%llu %llu %llu", &inode, &offset, &length), 3);
    word = strchr(text, ':');
    ck_assert_ptr_nonnull(word);
    key = strchr(word, ' ');
    snprintf(line, sizeof line, "%llu %llu %llu %s%s", inode, offset, length, version_hash, key);
    put(path, line);
}

/* 0: the hash without a mark, yet the same; 1: another hash; 2: the same, the write torn */
START_TEST(an_index_of_an_older_build_cuts_nothing_that_may_be_whole)
{
    static const bb_status found[] = {BB_OK, BB_E_RETRY, BB_NOT_APPLIED};
    struct fake_host *h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    char hash[64] = "cafe";
    struct stat st;
    ck_assert_int_eq(deliver(h, 1, 0), BB_OK);
    fake_host_free(&h);
    ck_assert_int_eq(stat(at("out.jsonl"), &st), 0);
    if (_i == 0)
        ck_assert_int_eq(sscanf(strchr(get(at("out.jsonl.keys")), ':') + 1, "%60[0-9a-f]", hash), 1);
    index_as(hash);
    if (_i == 2)
        ck_assert_int_eq(truncate(at("out.jsonl"), st.st_size - 1), 0);
    h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    ck_assert_int_eq(probe(h, 1), found[_i]);
    ck_assert_int_eq(strstr(fake_host_log_text(h), "is of an older build") != NULL, _i == 1);
    ck_assert_int_eq(deliver(h, 1, BB_MSG_REDELIVERY), _i == 1 ? BB_E_UNKNOWN : BB_OK);
    ck_assert_int_eq(deliver(h, 2, 0), BB_OK);
    ck_assert_int_eq(probe(h, 2), BB_OK);
    ck_assert_str_eq(get(at("out.jsonl")), "{\"n\":1,\"t\":\"a,b\"}\n{\"n\":2,\"t\":\"a,b\"}\n");
    fake_host_free(&h);
}
END_TEST

START_TEST(an_index_of_a_newer_build_is_refused)
{
    struct fake_host *h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    ck_assert_int_eq(deliver(h, 1, 0), BB_OK);
    fake_host_free(&h);
    index_as("2:what/it/has");
    h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    ck_assert_int_eq(deliver(h, 2, 0), BB_E_DOWN);
    ck_assert_ptr_nonnull(strstr(fake_host_log_text(h), "is of a newer build of this connector"));
    ck_assert_str_eq(get(at("out.jsonl")), "{\"n\":1,\"t\":\"a,b\"}\n");
    fake_host_free(&h);
}
END_TEST

START_TEST(no_room_is_retry_and_leaves_nothing)
{
    struct fake_host *h = run(sink_config(",\"content\":\"data\""), BB_ROLE_SINK);
    struct rlimit old, low;
    struct stat st;
    off_t was, keys;
    ck_assert_int_eq(deliver(h, 1, 0), BB_OK);
    ck_assert_int_eq(stat(at("out.jsonl"), &st), 0);
    was = st.st_size;
    ck_assert_int_eq(stat(at("out.jsonl.keys"), &st), 0);
    keys = st.st_size;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    /* first the index has no room, then the file (the index is the longer one: make it fit) */
    low = old;
    low.rlim_cur = (rlim_t)keys + 10;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
    ck_assert_int_eq(deliver(h, 2, 0), BB_E_RETRY);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(stat(at("out.jsonl"), &st), 0);
    ck_assert_int_eq(st.st_size, was);
    ck_assert_int_eq(stat(at("out.jsonl.keys"), &st), 0);
    ck_assert_int_eq(st.st_size, keys);
    for (unsigned k = 10; k < 12; k++) { /* a file larger than its index */
        char *json = malloc(5000);
        struct fake_result r;
        bb_msg *m;
        snprintf(json, 5000, "[{" HEAD ",\"id\":\"%u\"},\"%04000d\"]", k, 0);
        m = fake_msg(json, k == 10 ? "k10" : "k11", 0);
        if (k == 11) {
            ck_assert_int_eq(stat(at("out.jsonl"), &st), 0);
            was = st.st_size;
            low.rlim_cur = (rlim_t)was + 100;
            ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
        }
        fake_host_deliver(h, m, 5000, &r);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert_int_eq(r.status, k == 10 ? BB_OK : BB_E_RETRY);
        if (k == 11) {
            ck_assert_int_eq(stat(at("out.jsonl"), &st), 0);
            ck_assert_int_eq(st.st_size, was);
            fake_host_probe(h, m, 5000, &r);
            ck_assert_int_eq(r.status, BB_NOT_APPLIED);
            fake_host_deliver(h, m, 5000, &r);
            ck_assert_int_eq(r.status, BB_OK);
        }
        fake_msg_free(m);
        free(json);
    }
    fake_host_free(&h);
}
END_TEST

START_TEST(rotation_overwrites_nothing)
{
    struct fake_host *h = run(sink_config(",\"content\":\"data\",\"rotate\":100"), BB_ROLE_SINK);
    unsigned files = 0, lines = 0;
    struct dirent *e;
    DIR *d;
    for (unsigned k = 0; k < 40; k++)
        ck_assert_int_eq(deliver(h, k, 0), BB_OK);
    ck_assert_int_eq(probe(h, 0), BB_OK);
    /* renamed by someone else: goes on in a new file */
    ck_assert_int_eq(rename(at("out.jsonl"), at("taken.jsonl")), 0);
    ck_assert_int_eq(deliver(h, 40, 0), BB_OK);
    ck_assert_int_eq(probe(h, 39), BB_OK);
    fake_host_free(&h);
    d = opendir(root);
    ck_assert_ptr_nonnull(d);
    while ((e = readdir(d)) != NULL) {
        char *text;
        size_t n = strlen(e->d_name);
        if (n < 6 || strcmp(e->d_name + n - 6, ".jsonl") != 0)
            continue;
        files++;
        text = get(at("%s", e->d_name));
        ck_assert_uint_le(strlen(text), 120);
        for (; *text; text++)
            lines += *text == '\n';
    }
    closedir(d);
    ck_assert_uint_gt(files, 5);
    ck_assert_uint_eq(lines, 41);
}
END_TEST

START_TEST(the_index_stays_bounded)
{
    struct fake_host *h = run(sink_config(",\"content\":\"data\",\"keys\":100"), BB_ROLE_SINK);
    unsigned lines = 0;
    for (unsigned k = 0; k < 350; k++)
        ck_assert_int_eq(deliver(h, k, 0), BB_OK);
    for (char *p = get(at("out.jsonl.keys")); *p; p++)
        lines += *p == '\n';
    ck_assert_uint_le(lines, 201);
    ck_assert_int_eq(probe(h, 349), BB_OK);
    ck_assert_int_eq(probe(h, 255), BB_OK);
    fake_host_free(&h);
}
END_TEST

START_TEST(two_sinks_on_one_path_do_not_mix)
{
    struct fake_host *a = run(sink_config(""), BB_ROLE_SINK), *b = run(sink_config(""), BB_ROLE_SINK);
    ck_assert_int_eq(deliver(a, 1, 0), BB_OK);
    ck_assert_int_eq(deliver(b, 2, 0), BB_E_DOWN);
    fake_host_free(&a);
    ck_assert_int_eq(deliver(b, 2, 0), BB_OK);
    fake_host_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("file");
    TCase *c = tcase_create("source"), *k = tcase_create("sink");
    SRunner *r;
    int failed;
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, lines_become_messages);
    tcase_add_test(c, names_in_order_and_others_left_alone);
    tcase_add_test(c, a_file_still_written_is_waited_for);
    tcase_add_test(c, json_array_inside_a_document);
    tcase_add_test(c, csv_rows);
    tcase_add_test(c, events);
    tcase_add_test(c, a_bad_record_fails_the_file_or_is_skipped);
    tcase_add_loop_test(c, a_crash_in_the_middle_loses_nothing_and_doubles_nothing, 0, 4);
    tcase_add_test(c, a_crash_before_the_bad_file_is_moved);
    tcase_add_test(c, a_crash_between_the_last_ack_and_done);
    tcase_add_test(c, busy_storms_and_refusals);
    tcase_add_loop_test(c, a_huge_file_takes_little_memory, 0, 2);
    tcase_add_test(c, a_record_beyond_the_limit);
    tcase_add_loop_test(c, config_that_cannot_work, 0, (int)(sizeof wrongs / sizeof wrongs[0]));
    suite_add_tcase(s, c);
    tcase_set_timeout(k, 60);
    tcase_add_checked_fixture(k, setup, teardown);
    tcase_add_test(k, events_data_and_rows);
    tcase_add_test(k, probe_knows_what_was_written);
    tcase_add_loop_test(k, a_partial_line_is_cut_off, 0, 18);
    tcase_add_test(k, a_batch_is_one_write_and_stops_at_the_first_failure);
    tcase_add_loop_test(k, a_large_write_is_found_whole, 0, 4);
    tcase_add_loop_test(k, an_index_of_an_older_build_cuts_nothing_that_may_be_whole, 0, 3);
    tcase_add_test(k, an_index_of_a_newer_build_is_refused);
    tcase_add_test(k, no_room_is_retry_and_leaves_nothing);
    tcase_add_test(k, rotation_overwrites_nothing);
    tcase_add_test(k, the_index_stays_bounded);
    tcase_add_test(k, two_sinks_on_one_path_do_not_mix);
    suite_add_tcase(s, k);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

/*
 * test_plm.c - the plm connector's mapping, its reading of packages and its statuses against a scripted PLM
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "plugins/http/tests/faults.h"
#include "plugins/plm/plm.h"
#include "tests/plugins/fakehost.h"

#define WAIT_MS 20000
#define OK(body) {F_ANSWER, 200, "", body}
#define NOTICE "[{\"specversion\":\"1.0\",\"id\":\"n1\",\"source\":\"/x\",\"type\":\"plm.change.released\",\"change\":\"E 1\"},{}]"
#define CHANGE(state, affected) "{\"number\":\"E 1\",\"version\":3,\"state\":\"" state "\",\"kind\":\"order\",\"changed\":" \
                                "\"2026-11-28T08:00:00Z\",\"correlation\":\"c-1\",\"affected\":[" affected "]}"
#define ITEM_OBJECT "{\"line\":\"1\",\"object\":\"item\",\"action\":\"revise\",\"item\":\"A\",\"fromRevision\":\"A\",\"revision\":\"B\"}"
#define BOM_OBJECT "{\"line\":\"2\",\"object\":\"bom\",\"action\":\"revise\",\"item\":\"A\",\"revision\":\"B\",\"plant\":\"1000\"," \
                   "\"alternative\":\"01\",\"usage\":\"production\"}"
#define ITEM "{\"number\":\"A\",\"revision\":\"B\",\"name\":\"Pump\",\"type\":\"product\",\"status\":\"active\",\"unit\":\"ea\"," \
             "\"weight\":1.50,\"change\":\"E 1\",\"released\":\"2026-11-28\",\"units\":[{\"unit\":\"box\",\"numerator\":12,\"denominator\":1}]," \
             "\"plants\":[{\"plant\":\"1000\"}]}"
#define HEADER(item) "\"item\":\"" item "\",\"revision\":\"B\",\"plant\":\"1000\",\"alternative\":\"01\",\"usage\":\"production\"," \
                     "\"base\":1,\"unit\":\"ea\",\"change\":\"E 1\""
#define PAGE_1 "{" HEADER("A") ",\"lines\":[{\"level\":1,\"line\":\"1\",\"component\":\"S\",\"quantity\":2,\"unit\":\"ea\",\"assembly\":{" \
               HEADER("S") "}},{\"parent\":\"S\",\"level\":2,\"line\":\"1\",\"component\":\"R\",\"quantity\":0.50,\"unit\":\"kg\"}]," \
               "\"next\":\"?page=2\"}"
#define PAGE_2 "{\"lines\":[{\"parent\":\"A\",\"level\":1,\"line\":\"2\",\"component\":\"S\",\"quantity\":1,\"unit\":\"ea\",\"assembly\":{" \
               HEADER("S") "}},{\"parent\":\"S\",\"level\":2,\"line\":\"1\",\"component\":\"R\",\"quantity\":0.50,\"unit\":\"kg\"}]}"
#define PROBLEM "{\"error\":{\"code\":\"PLM-7\",\"message\":\"not today\"}}"

static struct faults server;
static struct fake_journal journal;
static struct fake_host *host;
static struct fake_result result;
static struct bb_inst inst = {.conf = {.source = (char *)"/plm", .levels = 20, .page = 100, .lines_max = 1000}};

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

/* What was asked last, read under the server's lock. */
static const char *asked(const char *what)
{
    static char copy[sizeof server.body];

    pthread_mutex_lock(&server.lock);
    snprintf(copy, sizeof copy, "%s", what);
    pthread_mutex_unlock(&server.lock);
    return copy;
}

static void json_in(const char *text, struct bb_buf *b)
{
    struct bb_fault f;
    bb_buf_init(b, 1 << 20);
    ck_assert_msg(bb_json_read(bb_str(text), b, &f) == 0, "%s in %s", f.text, text);
}

static void host_start(const struct step *steps, unsigned n, uint32_t roles, const char *more)
{
    char text[1024];
    struct bb_error err = bb_error_none();

    faults_start(&server, steps, n);
    fake_journal_init(&journal);
    snprintf(text, sizeof text, "{\"base_url\":\"http://127.0.0.1:%u\",\"timeout\":1000,\"pause\":10%s}", server.port, more);
    host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], text, roles, &err);
    ck_assert_msg(host != NULL, "%s", err.text);
    fake_host_acks(host, BB_OK, NULL);
    ck_assert_int_eq(fake_host_start(host, &err), BB_OK);
}

static void host_end(void)
{
    ck_assert_int_eq(fake_host_stop(host, 3000), BB_OK);
    fake_host_free(&host);
    fake_journal_free(&journal);
    faults_end(&server);
}

/* ---- mapping -------------------------------------------------------------------------------------------------- */
/* One line in an assembly as JSON of the message's data; or the refusal. */
static const char *line_of(const char *line)
{
    static char text[8192];
    struct bb_error err = bb_error_none();
    struct bb_buf header, v, out, json;
    struct bb_envelope e;

    json_in("{" HEADER("A") "}", &header);
    json_in(line, &v);
    bb_buf_init(&out, 1 << 20), bb_buf_init(&json, 1 << 20);
    struct bb_bytes one = {v.ptr, v.len};
    if (bom_message(&inst, (struct bb_bytes){header.ptr, header.len}, &one, 1, &out, &err) != 0) {
        snprintf(text, sizeof text, "%s", err.text);
    } else {
        ck_assert_int_eq(bb_message_check((struct bb_bytes){out.ptr, out.len}, NULL), 0);
        ck_assert_int_eq(bb_envelope_read((struct bb_bytes){out.ptr, out.len}, &e, NULL), 0);
        ck_assert_int_eq(bb_json_write(e.data, &json, NULL), 0);
        snprintf(text, sizeof text, "%.*s", (int)json.len, (const char *)json.ptr);
    }
    bb_buf_free(&header), bb_buf_free(&v), bb_buf_free(&out), bb_buf_free(&json);
    return text;
}

static const struct {
    const char *line, *part;
} lines[] = {
    {"\"line\":\"7\",\"position\":\"0070\",\"component\":\"R\",\"quantity\":2.50,\"unit\":\"kg\"",
     "{\"id\":\"7\",\"position\":\"0070\",\"kind\":\"stock\",\"item\":{\"id\":\"R\"},\"quantity\":{\"value\":2.50,\"unit\":\"KGM\"}}"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":\"0.125\",\"unit\":\"each\"",
     "\"quantity\":{\"value\":0.125,\"unit\":\"H87\",\"sourceUnit\":\"each\"}"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":\"-2\",\"unit\":\"KGM\",\"output\":\"by-product\"",
     "\"role\":\"by-product\",\"quantity\":{\"value\":2,\"unit\":\"KGM\"}"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":1,\"unit\":\"ea\",\"scrap\":\"2.5\",\"operationScrap\":1,\"netScrap\":true",
     "\"scrap\":{\"component\":2.5,\"operation\":1,\"net\":true}"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":1,\"unit\":\"ea\",\"alternateGroup\":\"A1\",\"alternatePriority\":\"02\","
     "\"alternateStrategy\":\"probability\",\"alternateShare\":\"30\"",
     "\"alternate\":{\"group\":\"A1\",\"priority\":2,\"strategy\":\"by-probability\",\"sourceStrategy\":\"probability\",\"probability\":30}"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":1,\"unit\":\"ea\",\"alternateGroup\":\"A1\",\"alternatePriority\":3", "\"priority\":3"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":1,\"unit\":\"ea\",\"discontinuationGroup\":\"D1\",\"from\":\"2026-01-01\",\"to\":"
     "\"9999-12-31\",\"change\":\"E 0\",\"changeTo\":\"E 9\"",
     "\"discontinuation\":{\"group\":\"D1\",\"role\":\"discontinued\"},\"change\":\"E 0\",\"effectivity\":{\"from\":\"2026-01-01\","
     "\"changeTo\":\"E 9\"}"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":1,\"unit\":\"ea\",\"fixed\":true,\"phantom\":true,\"bulk\":true,"
     "\"designators\":[\"R1\",\"R2\"]",
     "\"fixedQuantity\":true,\"phantom\":true,\"bulk\":true,\"referenceDesignators\":[\"R1\",\"R2\"]"},
    {"\"line\":\"7\",\"category\":\"cut\",\"component\":\"R\",\"quantity\":6,\"unit\":\"ea\",\"length\":\"120.5\"",
     "\"kind\":\"variable-size\",\"item\":{\"id\":\"R\"},\"quantity\":{\"value\":6,\"unit\":\"H87\"},\"variableSize\":{\"length\":{\"value\":120.5,"
     "\"unit\":\"MMT\"}}"},
    {"\"line\":\"7\",\"category\":\"text\",\"quantity\":0,\"note\":\"See there\"", "{\"id\":\"7\",\"kind\":\"text\",\"description\":\"See there\"}"},
    {"\"line\":\"7\",\"category\":\"document\",\"document\":\"D-1\"", "\"document\":{\"kind\":\"document\",\"id\":\"D-1\"}"},
    {"\"component\":\"R\",\"quantity\":1,\"unit\":\"ea\"", "a line without an identity"},
    {"\"line\":\"7\",\"quantity\":1,\"unit\":\"ea\"", "structure of A: line 7: it has no component"},
    {"\"line\":\"7\",\"component\":\"R\",\"unit\":\"ea\"", "it has no quantity"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":\"0.00\",\"unit\":\"ea\"", "the quantity is zero"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":-1,\"unit\":\"ea\"", "a quantity below zero"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":\"few\",\"unit\":\"ea\"", "the quantity is no number"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":1,\"unit\":\"barrel\"",
     "unit \"barrel\" is not known: say what it is, units: {\"barrel\": H87}"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":1,\"unit\":\"ea\",\"scrap\":\"-1\"", "scrap is no number from zero up"},
    {"\"line\":\"7\",\"component\":\"R\",\"quantity\":1,\"unit\":\"ea\",\"alternateGroup\":\"A\",\"alternatePriority\":\"first\"",
     "alternatePriority"},
    {"\"line\":\"7\",\"category\":\"pipe\",\"component\":\"R\"", "its category is none of"},
};

START_TEST(line)
{
    char text[1024];

    snprintf(text, sizeof text, "{%s}", lines[_i].line);
    has(line_of(text), lines[_i].part);
}
END_TEST

START_TEST(places)
{
    struct place p[] = {{"item", bb_str("O'Brien/1 ")}, {"plant", {NULL, 0}}};
    struct bb_buf out;

    bb_buf_init(&out, 4096);
    path_put(&inst, "/x/{item}?plant={plant}&levels={levels}&n={page}", p, 2, &out);
    ck_assert_str_eq((char *)out.ptr, "/x/O%27Brien%2F1%20?plant=&levels=20&n=100");
    bb_buf_reset(&out);
    inst.conf.odata = 1;
    path_put(&inst, "/X(Item='{item}')", p, 2, &out);
    inst.conf.odata = 0;
    ck_assert_str_eq((char *)out.ptr, "/X(Item='O%27%27Brien%2F1%20')");
    bb_buf_free(&out);
}
END_TEST

/* ---- reading a package ------------------------------------------------------------------------------------------ */
START_TEST(package)
{
    const struct step steps[] = {OK(CHANGE("released", ITEM_OBJECT "," BOM_OBJECT)), OK(ITEM), OK(PAGE_1), OK(PAGE_2),
                                 OK(CHANGE("released", ITEM_OBJECT "," BOM_OBJECT)), OK(ITEM), OK(PAGE_1), OK(PAGE_2)};
    static const char *const ids[] = {"item/A/B/active/", "bom/S/1000/01/production/B/", "bom/A/1000/01/production/B/", "change/E 1/3/"};
    bb_msg *m = fake_msg(NOTICE, "k", 0);

    host_start(steps, 8, BB_ROLE_SOURCE | BB_ROLE_SINK, "");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == BB_OK, "%d %s", result.status, result.err.text);
    has(result.reply, "{\"change\":\"E 1\",\"messages\":4,\"duplicates\":0}");
    ck_assert_uint_eq(journal.n, 4);
    for (size_t k = 0; k < 4; k++)
        ck_assert_msg(strncmp(fake_attribute(&journal, k, "id"), ids[k], strlen(ids[k])) == 0, "%s", fake_attribute(&journal, k, "id"));
    ck_assert_str_eq(fake_attribute(&journal, 0, "time"), "2026-11-28T00:00:00Z");
    has(fake_data(&journal, 0), "\"netWeight\":{\"value\":1.50,\"unit\":\"KGM\"}");
    has(fake_data(&journal, 0), "\"units\":[{\"unit\":\"XBX\",\"numerator\":12,\"denominator\":1}]");
    ck_assert_str_eq(fake_attribute(&journal, 2, "plant"), "1000");
    ck_assert_str_eq(fake_attribute(&journal, 2, "correlationid"), "E 1");
    has(fake_data(&journal, 1), "\"lines\":[{\"id\":\"1\",\"kind\":\"stock\",\"item\":{\"id\":\"R\"},"
                                "\"quantity\":{\"value\":0.50,\"unit\":\"KGM\"}}]");
    has(fake_data(&journal, 2), "{\"id\":\"2\",");
    ck_assert_str_eq(fake_attribute(&journal, 3, "correlationid"), "c-1");
    ck_assert_str_eq(fake_attribute(&journal, 3, "type"), "mfg.change.released");
    fake_host_deliver(host, m, WAIT_MS, &result); /* the same again: nothing new */
    has(result.reply, "{\"change\":\"E 1\",\"messages\":4,\"duplicates\":4}");
    ck_assert_uint_eq(journal.n, 4);
    host_end();
    fake_msg_free(m);
}
END_TEST

START_TEST(package_in_odata)
{
    const struct step steps[] = {
        OK("{\"Number\":\"E 1\",\"Version\":3,\"State\":\"released\",\"Affected\":[{\"Object\":\"bom\",\"Action\":\"revise\",\"Item\":\"A\","
           "\"Revision\":\"B\",\"Plant\":\"1000\"}]}"),
        OK("{\"Item\":\"A\",\"Revision\":\"B\",\"Base\":\"1.000\",\"Unit\":\"ea\",\"Lines\":["
           "{\"Line\":\"1\",\"Component\":\"R\",\"Quantity\":\"2.50\","
           "\"Unit\":\"kg\"}],\"Lines@odata.nextLink\":\"Structures(1)/Lines?x\"}"),
        OK("{\"value\":[{\"Line\":\"2\",\"Component\":\"R\",\"Quantity\":\"3\",\"Unit\":\"kg\"}],\"@odata.nextLink\":\"Lines?y\"}"),
        OK("{\"value\":[]}")};
    bb_msg *m = fake_msg(NOTICE, "k", 0);

    host_start(steps, 4, BB_ROLE_SOURCE | BB_ROLE_SINK, ",\"style\":\"odata\"");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == BB_OK, "%d %s", result.status, result.err.text);
    ck_assert_uint_eq(journal.n, 2);
    has(fake_data(&journal, 0), "\"baseQuantity\":{\"value\":1.000,\"unit\":\"H87\"}");
    has(fake_data(&journal, 0), "\"quantity\":{\"value\":2.50,\"unit\":\"KGM\"}");
    has(fake_data(&journal, 0), "{\"id\":\"2\"");
    has(asked(server.head), "GET /odata/Structures(1)/Lines?y");
    host_end();
    fake_msg_free(m);
}
END_TEST

START_TEST(repeated_in_place)
{
    const struct step steps[] = {{F_RESET, 0, "", ""}, {F_ANSWER, 500, "", ""}, {F_CUT, 200, "", CHANGE("open", "")},
                                 {F_ANSWER, 429, "Retry-After: 1\r\n", ""}, {F_ANSWER, 423, "", PROBLEM}, OK(CHANGE("open", BOM_OBJECT))};
    bb_msg *m = fake_msg(NOTICE, "k", 0);

    host_start(steps, 6, BB_ROLE_SOURCE | BB_ROLE_SINK, "");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == BB_OK, "%d %s", result.status, result.err.text);
    ck_assert_uint_eq(journal.n, 1); /* what is not released is not read */
    ck_assert_str_eq(fake_attribute(&journal, 0, "type"), "mfg.change.requested");
    ck_assert_uint_eq(faults_requests(&server), 6);
    host_end();
    fake_msg_free(m);
}
END_TEST

#define GOOD OK(CHANGE("released", BOM_OBJECT))
static const struct {
    struct step steps[3];
    unsigned n;
    bb_status status;
    const char *vendor, *text;
} reads[] = {
    {{{F_ANSWER, 401, "", PROBLEM}}, 1, BB_E_DOWN, "PLM-7", "mend auth"},
    {{{F_ANSWER, 403, "", ""}}, 1, BB_E_CONFIG, "403", "mend auth"},
    {{{F_ANSWER, 404, "", "<html>"}}, 1, BB_E_CONFIG, "404", "mend base_url, style or paths"},
    {{{F_ANSWER, 404, "", PROBLEM}}, 1, BB_E_REJECT, "PLM-7", "change E 1: the PLM says: not today"},
    {{{F_ANSWER, 409, "", PROBLEM}}, 1, BB_E_REJECT, "PLM-7", "not today"},
    {{{F_ANSWER, 400, "", "{\"error\":{\"code\":\"PLM-8\",\"message\":{\"value\":\"later\"}}}"}}, 1, BB_E_DOWN, "PLM-8", "later"}, /* faults */
    {{{F_ANSWER, 503, "", ""}}, 1, BB_E_RETRY, "503", ""},
    {{{F_RESET, 0, "", ""}}, 1, BB_E_RETRY, "", ""},
    {{OK("<xml/>")}, 1, BB_E_CONFIG, "", "no JSON"},
    {{OK("{}")}, 1, BB_E_REJECT, "", "no number or no version"},
    {{OK("{\"number\":\"E 1\",\"version\":1,\"state\":\"released\"}")}, 1, BB_E_REJECT, "", "no list of what it affects"},
    {{OK(CHANGE("thought-of", ""))}, 1, BB_E_REJECT, "", "state \"thought-of\" is none of"},
    {{OK(CHANGE("open", "{\"object\":\"item\"}"))}, 1, BB_E_REJECT, "", "an action that is none of"},
    {{OK("{\"number\":\"E\\n1\",\"version\":1,\"state\":\"open\"}")}, 1, BB_E_REJECT, "", "it cannot be a message"},
    {{GOOD, OK("{}")}, 2, BB_E_REJECT, "", "it has no list of lines"},
    {{GOOD, {F_ANSWER, 404, "", PROBLEM}}, 2, BB_E_REJECT, "PLM-7", "change E 1, item A: the PLM says"},
    {{GOOD, OK("{" HEADER("A") ",\"lines\":[],\"next\":\"http://127.0.0.2:9/x\"}")}, 2, BB_E_CONFIG, "", "another host"},
    {{GOOD, OK("{" HEADER("A") ",\"lines\":[{\"parent\":\"B\",\"line\":\"1\"}]}")}, 2, BB_E_REJECT, "", "names a parent"},
    {{GOOD, OK("{" HEADER("A") ",\"lines\":[{\"line\":\"1\"},{\"line\":\"2\"},{\"line\":\"3\"}]}")}, 2, BB_E_REJECT, "", "more than 2 lines"},
    {{GOOD, OK("{" HEADER("A") ",\"lines\":[{\"line\":\"1\",\"component\":\"R\",\"quantity\":1,\"unit\":\"x\"}]}")}, 2, BB_E_REJECT, "",
     "change E 1: structure of A: line 1: unit \"x\" is not known"}};

START_TEST(read_faults)
{
    bb_msg *m = fake_msg(NOTICE, "k", 0);

    host_start(reads[_i].steps, reads[_i].n, BB_ROLE_SOURCE | BB_ROLE_SINK, ",\"structure\":{\"lines\":2},\"faults\":{\"PLM-8\":\"down\"}");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == reads[_i].status, "case %d: %d, %s", _i, result.status, result.err.text);
    if (*reads[_i].vendor)
        ck_assert_str_eq(result.err.vendor_code, reads[_i].vendor);
    has(result.err.text, reads[_i].text);
    ck_assert_uint_eq(journal.n, 0); /* nothing of it, not even what was read well */
    host_end();
    fake_msg_free(m);
}
END_TEST

START_TEST(handing_in)
{
    const struct step steps[] = {OK(CHANGE("open", ""))};
    bb_msg *m = fake_msg(NOTICE, "k", 0);

    host_start(steps, 1, BB_ROLE_SOURCE | BB_ROLE_SINK, "");
    fake_host_acks(host, BB_E_REJECT, "the endpoint's accept says no");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_E_REJECT);
    has(result.err.text, "change E 1: the endpoint's accept says no");
    fake_host_acks(host, BB_OK, NULL);
    fake_host_busy(host, 1); /* no room, until resume() */
    fake_host_deliver(host, m, 300, &result);
    ck_assert_int_eq(result.status, BB_PENDING);
    ck_assert_uint_eq(fake_host_pending(host), 0);
    fake_host_resume(host);
    ck_assert_int_eq(fake_host_run(host, 1, 5000), 0);
    host_end();
    host_start(steps, 1, BB_ROLE_SINK, ""); /* nobody takes what it would bring */
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_E_CONFIG);
    fake_host_probe(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_NOT_APPLIED);
    host_end();
    fake_msg_free(m);
}
END_TEST

START_TEST(feed)
{
    const struct step steps[] = {OK("{\"changes\":[{\"seq\":9,\"number\":\"E 1\",\"version\":2},{\"seq\":10,\"number\":\"E 2\",\"version\":1}]}"),
                                 OK("{\"changes\":[]}")};

    host_start(steps, 2, BB_ROLE_SOURCE | BB_ROLE_SINK, ",\"poll\":{\"interval\":20,\"page\":7}");
    ck_assert_int_eq(fake_host_run(host, 2, WAIT_MS), 0);
    ck_assert_str_eq(fake_attribute(&journal, 1, "type"), PLM_NOTICE);
    ck_assert_str_eq(fake_attribute(&journal, 1, "change"), "E 2");
    for (int k = 0; k < 200 && faults_requests(&server) < 2; k++)
        fake_host_pump(host, 20);
    has(asked(server.head), "GET /plm/changes?limit=7&since=10"); /* the higher number, not the longer text */
    host_end();
}
END_TEST

/* ---- statuses --------------------------------------------------------------------------------------------------- */
#define STATUS(type, data) "[{\"specversion\":\"1.0\",\"id\":\"s1\",\"source\":\"/erp\",\"type\":\"" type "\",\"change\":\"E 1\",\"plant\":" \
                           "\"1000\",\"item\":\"A\",\"revision\":\"B\",\"correlationid\":\"c-1\"}," data "]"
static const struct {
    struct step step;
    bb_status status;
    const char *vendor;
} statuses[] = {{{F_ANSWER, 201, "", "{\"entry\":\"1\"}"}, BB_OK, ""}, {{F_ANSWER, 204, "", ""}, BB_OK, ""},
                {{F_RESET, 0, "", ""}, BB_E_UNKNOWN, ""},              {{F_HANG, 0, "", ""}, BB_E_UNKNOWN, ""},
                {{F_ANSWER, 500, "", PROBLEM}, BB_E_UNKNOWN, "PLM-7"}, {{F_ANSWER, 429, "", ""}, BB_E_RETRY, "429"},
                {{F_ANSWER, 423, "", PROBLEM}, BB_E_RETRY, "PLM-7"},   {{F_ANSWER, 409, "", PROBLEM}, BB_E_REJECT, "PLM-7"},
                {{F_ANSWER, 404, "", PROBLEM}, BB_E_REJECT, "PLM-7"},  {{F_ANSWER, 404, "", ""}, BB_E_CONFIG, "404"},
                {{F_ANSWER, 401, "", ""}, BB_E_DOWN, "401"}};

START_TEST(status)
{
    bb_msg *m = fake_msg(STATUS("plm.status.implemented", "{\"note\":\"4711\"}"), "key-1", 0);

    host_start(&statuses[_i].step, 1, BB_ROLE_SINK, ",\"status\":{\"system\":\"erp\"}");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == statuses[_i].status, "case %d: %d, %s", _i, result.status, result.err.text);
    if (*statuses[_i].vendor)
        ck_assert_str_eq(result.err.vendor_code, statuses[_i].vendor);
    ck_assert_uint_eq(faults_requests(&server), 1); /* never repeated here */
    has(asked(server.head), "POST /plm/changes/E%201/status");
    has(asked(server.head), "Idempotency-Key: key-1");
    has(asked(server.head), "X-Correlation-ID: c-1");
    ck_assert_str_eq(asked(server.body), "{\"reference\":\"key-1\",\"system\":\"erp\",\"plant\":\"1000\",\"item\":\"A\",\"revision\":\"B\","
                                  "\"state\":\"implemented\",\"note\":\"4711\"}");
    host_end();
    fake_msg_free(m);
}
END_TEST

START_TEST(status_of_a_change)
{
    static const struct {
        const char *message, *text;
    } bad[] = {{STATUS("plm.status.done", "{}"), "\"done\" is no status of a change"},
               {STATUS("mfg.change.implemented", "{\"plants\":[{\"plant\":\"1\",\"state\":\"released\"},{\"plant\":\"2\",\"state\":\"planned\"}]}"),
                "split the message"},
               {"[{\"specversion\":\"1.0\",\"id\":\"s\",\"source\":\"/e\",\"type\":\"plm.status.released\"},{\"id\":\"x\"}]", "names no change"}};
    const struct step steps[] = {{F_ANSWER, 201, "", "{}"}};
    bb_msg *m = fake_msg(STATUS("mfg.change.implemented", "{\"plants\":[{\"plant\":\"2000\",\"state\":\"rejected\",\"note\":\"no\"}]}"), "k", 0);

    host_start(steps, 1, BB_ROLE_SINK, ",\"style\":\"odata\"");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_OK);
    has(asked(server.head), "POST /odata/Changes('E%201')/Status");
    has(asked(server.body), "\"Plant\":\"2000\"");
    has(asked(server.body), "\"State\":\"rejected\",\"Note\":\"no\"");
    fake_msg_free(m);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        m = fake_msg(bad[k].message, "k", 0);
        fake_host_deliver(host, m, WAIT_MS, &result);
        ck_assert_int_eq(result.status, BB_E_REJECT);
        has(result.err.text, bad[k].text);
        fake_msg_free(m);
    }
    host_end();
}
END_TEST

static const struct {
    struct step step;
    bb_status status;
} probes[] = {{OK("{\"entries\":[{\"reference\":\"key-1\"}]}"), BB_OK},
              {OK("{\"entries\":[]}"), BB_NOT_APPLIED},
              {OK("{\"entries\":[{\"reference\":\"other\"}]}"), BB_E_RETRY}, /* the question was not honoured */
              {OK("{}"), BB_E_RETRY},
              {{F_ANSWER, 404, "", PROBLEM}, BB_E_RETRY}, /* proves nothing */
              {{F_RESET, 0, "", ""}, BB_E_RETRY}};

/* After a kill such a one is asked about, too: it was in the connector's hands and never left them. */
START_TEST(probe_of_what_cannot_be_sent)
{
    bb_msg *m = fake_msg(STATUS("plm.status.forgotten", "{}"), "key-1", BB_MSG_REDELIVERY);

    host_start(&probes[0].step, 1, BB_ROLE_SINK, "");
    fake_host_probe(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_NOT_APPLIED);
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_E_REJECT);
    host_end();
    fake_msg_free(m);
}
END_TEST

START_TEST(probe)
{
    bb_msg *m = fake_msg(STATUS("plm.status.implemented", "{}"), "key-1", BB_MSG_REDELIVERY);

    host_start(&probes[_i].step, 1, BB_ROLE_SINK, "");
    fake_host_probe(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == probes[_i].status, "case %d: %d, %s", _i, result.status, result.err.text);
    has(asked(server.head), "GET /plm/changes/E%201/status?reference=key-1");
    host_end();
    fake_msg_free(m);
}
END_TEST

/* A certificate that nobody signed: one line, with what to look at; with it as the authority all is well. */
START_TEST(certificate)
{
    const struct step steps[] = {{F_ANSWER, 201, "", "{}"}};
    bb_msg *m = fake_msg(STATUS("plm.status.implemented", "{}"), "k", 0);
    struct bb_error err = bb_error_none(), why = bb_error_none();
    char pem[64], text[512];

    faults_tls(&server, pem);
    faults_start(&server, steps, 1);
    for (int good = 0; good < 2; good++) {
        fake_journal_init(&journal);
        snprintf(text, sizeof text, "{\"base_url\":\"https://127.0.0.1:%u\",\"timeout\":3000%s%s%s}", server.port,
                 good ? ",\"tls\":{\"ca\":\"" : "", good ? pem : "", good ? "\"}" : "");
        host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], text, BB_ROLE_SINK, &err);
        ck_assert_msg(host != NULL, "%s", err.text);
        ck_assert_int_eq(fake_host_start(host, &err), BB_OK);
        fake_host_deliver(host, m, WAIT_MS, &result);
        ck_assert_msg(result.status == (good ? BB_OK : BB_E_DOWN), "%d: %d %s", good, result.status, result.err.text);
        const struct bb_ext_health *h = bb_module_v1(BB_ABI)->connectors[0]->extension(fake_host_inst(host), BB_EXT_HEALTH);
        ck_assert_int_eq(h->health(fake_host_inst(host), &why), good ? BB_OK : BB_E_DOWN);
        if (!good)
            has(why.text, "look at tls.ca and at the certificates' dates");
        ck_assert_int_eq(fake_host_stop(host, 3000), BB_OK);
        fake_host_free(&host);
        fake_journal_free(&journal);
    }
    faults_end(&server);
    remove(pem);
    fake_msg_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plm");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, line, 0, sizeof lines / sizeof *lines);
    tcase_add_test(t, places);
    tcase_add_test(t, package);
    tcase_add_test(t, package_in_odata);
    tcase_add_test(t, repeated_in_place);
    tcase_add_loop_test(t, read_faults, 0, sizeof reads / sizeof *reads);
    tcase_add_test(t, handing_in);
    tcase_add_test(t, feed);
    tcase_add_loop_test(t, status, 0, sizeof statuses / sizeof *statuses);
    tcase_add_test(t, status_of_a_change);
    tcase_add_test(t, probe_of_what_cannot_be_sent);
    tcase_add_loop_test(t, probe, 0, sizeof probes / sizeof *probes);
    tcase_add_test(t, certificate);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

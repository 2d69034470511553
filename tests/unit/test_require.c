/*
 * test_require.c - require: what holds, what does not and where, by table; the report; mistakes
 */
#include "tests/unit/transform_rig.h"

#define NOW (INT64_C(1774994400) * 1000000000) /* 2026-03-31T22:00:00Z: in Berlin the next day */

/* schemas as their texts: a.part/1 refers to a.common/1, and that to it */
static const struct rig_file files[] = {
    {"schema:a.part/1", "\"{\\\"$schema\\\":\\\"https://json-schema.org/draft/2020-12/schema\\\",\\n"
                        "\\\"$id\\\":\\\"urn:busbar:schema:a.part:1\\\",\\\"type\\\":\\\"object\\\",\\\"required\\\":[\\\"no\\\",\\\"qty\\\"],"
                        "\\\"properties\\\":{\\\"no\\\":{\\\"type\\\":\\\"string\\\",\\\"maxLength\\\":4},"
                        "\\\"qty\\\":{\\\"$ref\\\" : \\\"urn:busbar:schema:a.common:1#/$defs/quantity\\\"},"
                        "\\\"day\\\":{\\\"type\\\":\\\"string\\\",\\\"format\\\":\\\"date\\\"}},\\\"additionalProperties\\\":false}\""},
    {"schema:a.common/1", "\"{\\\"$id\\\":\\\"urn:busbar:schema:a.common:1\\\",\\\"$defs\\\":{\\\"quantity\\\":{"
                          "\\\"type\\\":\\\"number\\\",\\\"minimum\\\":0},\\\"part\\\":{\\\"$ref\\\":\\\"urn:busbar:schema:a.part:1\\\"}}}\""},
    {"self.json", "\"{\\\"properties\\\":{\\\"p\\\":{\\\"$ref\\\":\\\"#/$defs/short\\\"}},\\\"$defs\\\":{\\\"short\\\":{\\\"maxLength\\\":2}}}\""},
    {"empty.json", "\"{}\""},
    {"own.json", "\"{\\\"properties\\\":{\\\"p\\\":{\\\"$ref\\\":\\\"urn:busbar:schema:a.part:1\\\"}}}\""},
    {"bad.json", "\"{\\n\\\"type\\\":\\n\\\"objct\\\"}\""},
    {"lost.json", "\"{\\\"$ref\\\":\\\"urn:busbar:schema:a.gone:1\\\"}\""},
    {"rules.yaml", "[]"},
    {NULL, NULL}};

static char failure[64];

static bb_status apply(const char *config, const char *attrs, const char *data, struct bb_transform_run *run,
                       struct bb_fault *err)
{
    struct bb_transform *t;
    struct bb_buf in, out;
    struct mistake m;
    char *steps, *message;
    bb_status s;

    ck_assert_int_ge(asprintf(&steps, "[{\"require\":%s}]", config), 0);
    ck_assert_int_ge(asprintf(&message, "[{" RIG_HEAD "%s},%s]", attrs, data), 0);
    rig_files = files;
    t = compile_steps(steps, &m);
    ck_assert_msg(t != NULL, "%s: %s at %s %s", steps, m.text, m.file, m.pointer);
    ck_assert(!bb_transform_splits(t));
    json_to(&in, message);
    bb_buf_init(&out, 1 << 20);
    run->now_ns = NOW;
    s = bb_transform_apply(t, bytes_of(&in), &out, run, err);
    if (s == BB_OK) {
        ck_assert_uint_eq(out.len, in.len);
        ck_assert_mem_eq(out.ptr, in.ptr, in.len);
    } else {
        ck_assert_uint_eq(out.len, 0);
    }
    snprintf(failure, sizeof failure, "%s", run->failure ? run->failure : ""); /* it is the transform's */
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_transform_free(&t);
    free(steps);
    free(message);
    return s;
}

#define L(p, from, to) "{\"p\":\"" p "\",\"effectivity\":{" from to "}}"
#define F(d) "\"from\":\"" d "\""
#define T(d) ",\"to\":\"" d "\""
#define WINDOWS "{\"each\":{\"at\":\"/data/l\",\"windows\":{\"by\":\"./p\"}}}"

/* text NULL: it holds */
static const struct {
    const char *config, *attrs, *data, *failure, *text;
} cases[] = {
    {"{\"approval\":\"released\"}", "", "{\"approval\":{\"state\":\"released\"}}", NULL, NULL},
    {"{\"approval\":[\"frozen\",\"released\"]}", "", "{\"approval\":{\"state\":\"released\"}}", NULL, NULL},
    {"{\"approval\":\"released\"}", "", "{\"approval\":{\"state\":\"draft\"}}", "approval",
     "step 1 (require): /data/approval/state is \"draft\", not \"released\""},
    {"{\"approval\":[\"frozen\",\"released\"]}", "", "{}", "approval",
     "step 1 (require): /data/approval/state is missing: \"frozen\" or \"released\" is asked for"},
    {"{\"approval\":{\"at\":\"/attributes/status\",\"in\":\"ok\"}}", ",\"status\":\"ok\"", "{}", NULL, NULL},
    {"{\"approval\":{\"at\":\"/attributes/status\",\"in\":\"ok\"}}", ",\"status\":\"no\"", "{}", "approval",
     "/attributes/status is \"no\""},
    {"{\"approval\":\"1\"}", "", "{\"approval\":{\"state\":1}}", "approval", "is 1, not \"1\""},
    /* schema */
    {"{\"schema\":\"a.part/1\"}", "", "{\"no\":\"4711\",\"qty\":1.50,\"day\":\"2026-03-31\"}", NULL, NULL},
    {"{\"schema\":\"a.part/1\",\"present\":\"/attributes/item\"}", "",
     "{\"no\":\"47112\",\"qty\":-1.50,\"day\":\"31.3.\",\"x\":1}", "schema", "step 1 (require): /data"},
    {"{\"schema\":{\"file\":\"self.json\"}}", "", "{\"p\":\"ab\"}", NULL, NULL},
    {"{\"schema\":{\"file\":\"self.json\"}}", "", "{\"p\":\"abc\"}", "schema", "/data/p "},
    {"{\"schema\":{\"file\":\"empty.json\"}}", "", "{\"p\":1}", NULL, NULL},
    {"{\"schema\":{\"file\":\"own.json\"}}", "", "{\"p\":{\"no\":\"1\",\"qty\":0}}", NULL, NULL},
    {"{\"schema\":{\"file\":\"own.json\"}}", "", "{\"p\":{\"no\":1,\"qty\":0}}", "schema", "/data/p/no "},
    /* present, that */
    {"{\"present\":[\"/data/a\",\"/attributes/item\"]}", ",\"item\":\"x\"", "{\"a\":0}", NULL, NULL},
    {"{\"present\":[\"/data/a\",\"/data/b/c\",\"/attributes/item\"]}", "", "{\"a\":null}", "incomplete",
     "/data/a is missing; /data/b/c is missing; /attributes/item is missing"},
    {"{\"that\":{\"at\":\"/data/q\",\"above\":0}}", "", "{\"q\":0.01}", NULL, NULL},
    {"{\"that\":[{\"at\":\"/data/q\",\"above\":0},{\"any\":[{\"at\":\"/data/u\",\"equals\":\"KG\"}]}]}", "",
     "{\"q\":-1.50,\"u\":\"G\"}", "condition",
     "/data/q does not meet the condition: -1.50; /data/u does not meet the condition: \"G\""},
    {"{\"that\":{\"at\":\"/data/q\",\"above\":0}}", "", "{\"q\":\"x\"}", "condition",
     "/data/q cannot be compared: \"x\""},
    {"{\"that\":{\"at\":\"/data/q\",\"above\":0}}", "", "{}", "condition", "/data/q does not meet the condition: is not there"},
    {"{\"present\":\"/data/a\",\"class\":\"plm-gap\"}", "", "{}", "plm-gap", "/data/a is missing"},
    /* effectivity: days are the plant's, instants are instants */
    {"{\"effectivity\":\"current\"}", "", "{}", NULL, NULL},
    {"{\"effectivity\":\"current\"}", "", "{\"effectivity\":{" F("2026-03-31") T("2026-03-31") "}}", NULL, NULL},
    {"{\"effectivity\":{\"is\":\"current\",\"zone\":\"+02:00\"}}", "",
     "{\"effectivity\":{" F("2026-03-31") T("2026-03-31") "}}", "effectivity", "/data/effectivity is over"},
    {"{\"effectivity\":{\"is\":\"current\",\"zone\":\"+02:00\"}}", "", "{\"effectivity\":{" F("2026-04-01") "}}", NULL,
     NULL},
    {"{\"effectivity\":\"current\"}", "", "{\"effectivity\":{" F("2026-04-01") "}}", "effectivity", "has not begun"},
    {"{\"effectivity\":\"future\"}", "", "{\"effectivity\":{" F("2026-04-01") "}}", NULL, NULL},
    {"{\"effectivity\":\"future\"}", "", "{}", "effectivity", "has begun"},
    {"{\"effectivity\":\"not-past\"}", "", "{\"effectivity\":{" F("2026-04-01") "}}", NULL, NULL},
    {"{\"effectivity\":\"not-past\"}", "", "{\"effectivity\":{\"to\":\"2026-03-30\"}}", "effectivity", "is over"},
    {"{\"effectivity\":\"current\"}", "", "{\"effectivity\":{\"to\":\"2026-03-31T22:00:00Z\"}}", "effectivity", "is over"},
    {"{\"effectivity\":\"current\"}", "", "{\"effectivity\":{\"to\":\"2026-04-01T00:00:00.000000001+02:00\"}}", NULL,
     NULL},
    {"{\"effectivity\":\"current\"}", "", "{\"effectivity\":{" F("2026-03-31") T("2026-03-30") "}}", "effectivity",
     "ends before it begins"},
    {"{\"effectivity\":\"current\"}", "", "{\"effectivity\":{" F("2026-03-31") T("2026-04-01T00:00:00Z") "}}",
     "effectivity", "a day at one end"},
    {"{\"effectivity\":{\"at\":\"/data/e\",\"is\":\"current\"}}", "", "{\"e\":{\"from\":\"soon\"}}", "effectivity", "/data/e"},
    /* entries */
    {"{\"each\":{\"at\":\"/data/l\",\"present\":\"./c\",\"when\":{\"at\":\"./k\",\"equals\":\"part\"}}}", "",
     "{\"l\":[{\"k\":\"part\",\"c\":\"A\"},{\"k\":\"text\"},{\"k\":\"part\"}]}", "incomplete", "step 1 (require): /data/l/2/c is missing"},
    {"{\"each\":{\"at\":\"/data/l\",\"that\":{\"at\":\"./q\",\"above\":0}}}", "", "{\"l\":[{\"q\":1},{\"q\":0}]}",
     "condition", "/data/l/1/q does not meet the condition: 0"},
    {"{\"each\":{\"at\":\"/data/l\",\"present\":\"./c\"}}", "", "{\"l\":{}}", "incomplete", "/data/l is no list"},
    {"{\"each\":{\"at\":\"/data/l\",\"present\":\"./c\"}}", "", "{\"l\":[]}", NULL, NULL},
    {"{\"each\":{\"at\":\"/data/l\",\"unique\":[\"./p\",\"./s\"]}}", "",
     "{\"l\":[{\"p\":1,\"s\":2},{\"p\":12,\"s\":\"\"},{\"p\":1,\"s\":3}]}", NULL, NULL},
    {"{\"each\":{\"at\":\"/data/l\",\"unique\":\"./p\"}}", "", "{\"l\":[{\"p\":10},{\"p\":20},{\"p\":10}]}", "incomplete",
     "/data/l/2/p is the same as in entry 0"},
    {"{\"each\":{\"at\":\"/data/l\",\"unique\":\"./p\"}}", "", "{\"l\":[{\"p\":10},{}]}", "incomplete",
     "/data/l/1/p is missing"},
    {WINDOWS, "", "{\"l\":[" L("b", F("2026-01-01"), "") "," L("a", F("2026-02-01"), "") "," L("a", F("2026-01-01"), T("2026-01-31")) "]}",
     NULL, NULL},
    {WINDOWS, "", "{\"l\":[" L("a", F("2026-01-01"), T("2026-01-31")) "," L("a", F("2026-02-02"), "") "]}", "effectivity",
     "/data/l/1/effectivity leaves a gap behind that of entry 0"},
    {"{\"each\":{\"at\":\"/data/l\",\"windows\":{\"by\":\"./p\",\"gaps\":\"allow\"}}}", "",
     "{\"l\":[" L("a", F("2026-01-01"), T("2026-01-31")) "," L("a", F("2026-02-02"), "") "]}", NULL, NULL},
    {WINDOWS, "", "{\"l\":[" L("a", F("2026-01-31"), "") "," L("a", F("2026-01-01"), T("2026-01-31")) "]}", "effectivity",
     "/data/l/0/effectivity overlaps that of entry 1"},
    {WINDOWS, "", "{\"l\":[{\"p\":\"a\"},{\"p\":\"a\"}]}", "effectivity", "overlaps"},
    {WINDOWS, "", "{\"l\":[" L("a", F("2026-01-01T00:00:00Z"), T("2026-02-01T00:00:00+01:00")) "," L("a", F("2026-01-31T23:00:00Z"), "") "]}",
     NULL, NULL},
    {WINDOWS, "", "{\"l\":[" L("a", F("2026-01-01"), T("2026-01-31")) "," L("a", F("2026-02-01T00:00:00Z"), "") "]}",
     "effectivity", "in days and that of entry"},
};

START_TEST(checks_by_table)
{
    struct bb_fault err = {0, ""};
    struct bb_transform_run run = {0};
    bb_status s = apply(cases[_i].config, cases[_i].attrs, cases[_i].data, &run, &err);

    ck_assert_msg(s == (cases[_i].text ? BB_E_REJECT : BB_OK), "case %d (%s): %d %s", _i, cases[_i].data, s, err.text);
    if (!cases[_i].text)
        return;
    ck_assert_msg(strstr(err.text, cases[_i].text) != NULL, "case %d: %s", _i, err.text);
    ck_assert_str_eq(failure, cases[_i].failure);
    ck_assert(run.quarantine);
}
END_TEST

START_TEST(skipped_where_it_says_so)
{
    struct bb_fault err = {0, ""};
    struct bb_transform_run run = {0};

    ck_assert_int_eq(apply("{\"present\":\"/data/a\",\"on_failure\":\"skip\"}", "", "{}", &run, &err), BB_E_CANCEL);
    ck_assert_str_eq(err.text, "step 1 (require): /data/a is missing");
    ck_assert_int_eq(apply("{\"present\":\"/data/a\",\"on_failure\":\"quarantine\"}", "", "{}", &run, &err), BB_E_REJECT);
}
END_TEST

/* All that does not hold is in the report, up to a limit; what is behind that is counted. */
START_TEST(the_report)
{
    struct bb_fault err = {0, ""};
    struct bb_buf report, data;
    struct bb_transform_run run = {.report = &report};
    char text[8192], want[40];

    bb_buf_init(&report, 8000);
    bb_buf_init(&data, 1 << 16);
    bb_buf_put(&data, "{\"l\":[", 6);
    for (int i = 0; i < 50; i++)
        bb_buf_put(&data, i ? ",{}" : "{}", i ? 3 : 2);
    bb_buf_put(&data, "]}", 3);
    ck_assert_int_eq(apply("{\"each\":{\"at\":\"/data/l\",\"present\":\"./c\"}}", "", (const char *)data.ptr, &run, &err),
                     BB_E_REJECT);
    ck_assert(!report.failed);
    snprintf(text, sizeof text, "%.*s", (int)report.len, (const char *)report.ptr);
    for (int i = 0; i < 20; i++) {
        snprintf(want, sizeof want, "/data/l/%d/c is missing", i);
        ck_assert_msg(strstr(text, want) != NULL, "no %s in %s", want, text);
    }
    ck_assert(!strstr(text, "/data/l/20/c"));
    ck_assert_msg(strstr(text, "missing and 30 more") != NULL, "%s", text);
    bb_buf_free(&report);
    bb_buf_free(&data);
}
END_TEST

/* Steps that only check leave the message where it is, wherever they stand. */
START_TEST(between_other_steps)
{
#define R "{\"require\":{\"present\":\"/data/a\"}}"
#define A(x) "{\"map\":[{\"constant\":{\"to\":\"/attributes/" x "\",\"value\":\"a text that moves all behind it\"}}]}"
#define M(x) "{\"map\":[{\"constant\":{\"to\":\"/data/" x "\",\"value\":1}}]}"
    static const char *const steps[] = {
        "[" R "," M("b") "]", "[" M("b") "," R "]", "[" M("b") "," R "," R "]", "[" R "," M("b") "," R "]",
        "[" M("c") "," R "," M("d") "," M("b") "]", "[" M("c") "," M("d") "," R "," M("e") "," R "," M("b") "]",
        "[" M("c") "," R "," M("d") "," R "," M("e") "," R "," M("b") "," R "]",
        "[" A("x") "," R "," A("y") "," A("z") "," R "," M("b") "," R "]", "[" A("x") "," A("y") "," M("b") "]"};
    struct bb_buf in, out;
    struct mistake m;
    char *got;

    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        struct bb_transform *t = compile_steps(steps[k], &m);
        struct bb_fault err = {0, ""};

        ck_assert_ptr_nonnull(t);
        json_to(&in, "[{" RIG_HEAD "},{\"a\":7}]");
        bb_buf_init(&out, 1 << 20);
        bb_buf_put(&out, "before", 6);
        ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &err), BB_OK);
        ck_assert_mem_eq(out.ptr, "before", 6);
        got = json_of((struct bb_bytes){out.ptr + 6, out.len - 6});
        ck_assert_msg(strstr(got, "{\"a\":7,") && strstr(got, "\"b\":1}]"), "%s: %s", steps[k], got);
        free(got);
        bb_buf_free(&in);
        bb_buf_free(&out);
        bb_transform_free(&t);
    }
}
END_TEST

/* What the step that failed was given can be kept, also when it lies in the way. */
START_TEST(what_a_check_saw_is_kept)
{
    struct mistake m;
    struct bb_transform *t = compile_steps("[" M("b") ",{\"require\":{\"present\":\"/data/none\"}}]", &m);
    struct bb_transform_run run = {.keep_partial = true};
    struct bb_buf in, out;
    char *got;

    json_to(&in, "[{" RIG_HEAD "},{\"a\":7}]");
    bb_buf_init(&out, 1 << 20);
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, &run, NULL), BB_E_REJECT);
    ck_assert_uint_eq(run.step, 2);
    got = json_of(bytes_of(&out));
    ck_assert_msg(strstr(got, "{\"a\":7,\"b\":1}]") != NULL, "%s", got);
    free(got);
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_transform_free(&t);
}
END_TEST

static const struct {
    const char *config, *pointer, *text;
} mistakes[] = {
    {"{\"schema\":\"bom\"}", "/schema", "names no schema"},
    {"{\"schema\":\"a.gone/1\"}", "/schema", "schema:a.gone/1"},
    {"{\"schema\":\"a.part/01\"}", "/schema", "names no schema"},
    {"{\"schema\":\"../a.part/1\"}", "/schema", "names no schema"},
    {"{\"schema\":{\"file\":\"rules.yaml\"}}", "/schema/file", "ends in .json"},
    {"{\"schema\":{\"file\":\"lost.json\"}}", "/schema", "a.gone/1"},
    {"{\"schema\":7}", "/schema", "expected a schema's name"},
    {"3", "", "require takes a map"},
    {"{}", "", "asks for nothing"},
    {"{\"on_failure\":\"skip\"}", "", "asks for nothing"},
    {"{\"aproval\":\"released\"}", "/aproval", "did you mean \"approval\""},
    {"{\"approval\":7}", "/approval", "expected a state"},
    {"{\"approval\":{\"at\":\"/data/x\"}}", "/approval", "approval needs in"},
    {"{\"approval\":{\"inn\":\"x\"}}", "/approval/inn", "did you mean \"in\""},
    {"{\"effectivity\":\"curent\"}", "/effectivity", "did you mean \"current\""},
    {"{\"effectivity\":{\"zone\":\"UTC\"}}", "/effectivity", "effectivity needs is"},
    {"{\"effectivity\":{\"is\":\"current\",\"zone\":\"Mars/One\"}}", "/effectivity/zone", "Mars/One"},
    {"{\"present\":[]}", "/present", "1 to 64"},
    {"{\"present\":[\"/data/a\",\"b\"]}", "/present/1", "starts with /data"},
    {"{\"present\":\"./a\"}", "/present", "entries of a list"},
    {"{\"that\":{\"at\":\"/data/a\"}}", "/that", "needs a test"},
    {"{\"that\":{\"at\":\"./a\",\"equals\":1}}", "/that/at", "/data or /attributes"},
    {"{\"each\":{\"present\":\"./a\"}}", "/each", "each needs at"},
    {"{\"each\":{\"at\":\"/data/l\"}}", "/each", "asks nothing"},
    {"{\"each\":[{\"at\":\"/data/l\",\"windows\":{}}]}", "/each/0/windows", "windows needs by"},
    {"{\"each\":{\"at\":\"/data/l\",\"windows\":{\"by\":\"./p\",\"gaps\":\"no\"}}}", "/each/windows/gaps", "refuse"},
    {"{\"present\":\"/data/a\",\"on_failure\":\"refuse\"}", "/on_failure", "refuses nobody"},
    {"{\"present\":\"/data/a\",\"on_failure\":\"skp\"}", "/on_failure", "did you mean \"skip\""},
};

/* All findings, each with its pointer; and a mistake in a schema is shown at its own line. */
START_TEST(what_a_schema_finds)
{
    static const char *const want[] = {"/data/no ", "/data/qty ", "/data/day ", "/data/x ", "/attributes/item is missing"};
    struct bb_fault err = {0, ""};
    struct bb_buf report;
    struct bb_transform_run run = {.report = &report};
    struct mistake m;
    char text[4096];

    rig_files = files;
    bb_buf_init(&report, 4096);
    ck_assert_int_eq(apply("{\"schema\":\"a.part/1\",\"present\":\"/attributes/item\"}", "",
                           "{\"no\":\"47112\",\"qty\":-1.50,\"day\":\"31.3.\",\"x\":1}", &run, &err), BB_E_REJECT);
    snprintf(text, sizeof text, "%.*s", (int)report.len, (const char *)report.ptr);
    for (size_t k = 0; k < sizeof want / sizeof *want; k++)
        ck_assert_msg(strstr(text, want[k]) != NULL, "no %s in %s", want[k], text);
    ck_assert_ptr_null(compile_steps("[{\"require\":{\"schema\":{\"file\":\"bad.json\"}}}]", &m));
    ck_assert_str_eq(m.file, "bad.json");
    ck_assert_msg(strcmp(m.pointer, "/2") == 0, "%s: %s", m.pointer, m.text);
    bb_buf_free(&report);
}
END_TEST

/* A host has no files: all that the schema needs is in the program. */
START_TEST(a_program_stands_alone)
{
    struct mistake m = {.n = 0};
    struct bb_buf steps, packed, in, out;
    struct bb_transform_source src = {
        .arg = &m, .file = rig_file, .say = mistake_say, .program = &packed};
    struct bb_transform *t;
    struct bb_fault err = {0, ""};

    rig_files = files;
    bb_buf_init(&packed, 1 << 20);
    json_to(&steps, "[{\"require\":{\"schema\":\"a.part/1\"}}]");
    t = bb_transform_compile(bytes_of(&steps), &src, &err);
    ck_assert_msg(t != NULL, "%s", err.text);
    bb_transform_free(&t);
    t = bb_transform_compile(bytes_of(&packed), NULL, &err);
    ck_assert_msg(t != NULL, "%s", err.text);
    bb_buf_init(&out, 1 << 20);
    json_to(&in, "[{" RIG_HEAD "},{\"no\":\"1\",\"qty\":1}]");
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &err), BB_OK);
    bb_buf_free(&in);
    json_to(&in, "[{" RIG_HEAD "},{\"no\":\"1\",\"qty\":-1}]");
    ck_assert_int_eq(bb_transform_apply(t, bytes_of(&in), &out, NULL, &err), BB_E_REJECT);
    bb_transform_free(&t);
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_buf_free(&steps);
    bb_buf_free(&packed);
}
END_TEST

START_TEST(mistakes_by_table)
{
    struct bb_transform *t;
    char *steps, *pointer;
    struct mistake m;

    ck_assert_int_ge(asprintf(&steps, "[{\"require\":%s}]", mistakes[_i].config), 0);
    ck_assert_int_ge(asprintf(&pointer, "/0/require%s", mistakes[_i].pointer), 0);
    rig_files = files;
    t = compile_steps(steps, &m);
    ck_assert_msg(!t, "%s was taken", steps);
    ck_assert_msg(strcmp(m.pointer, pointer) == 0 && strstr(m.text, mistakes[_i].text), "%s: %s at %s", steps, m.text,
                  m.pointer);
    free(steps);
    free(pointer);
}
END_TEST

/* Whatever the bytes are, nothing is read past the end (ASan judges) and a damaged message does not pass
 * as one that holds. */
START_TEST(hostile_bytes)
{
    struct mistake m;
    struct bb_transform *t = compile_steps(
        "[{\"require\":{\"approval\":\"released\",\"effectivity\":\"current\",\"present\":\"/data/a\",\"each\":{\"at\":"
        "\"/data/l\",\"present\":\"./p\",\"that\":{\"at\":\"./q\",\"above\":0},\"unique\":\"./q\",\"windows\":{\"by\":"
        "\"./p\"}}}}]", &m);
    struct bb_buf in, out, report;
    struct bb_transform_run run = {.report = &report};
    struct bb_fault err;
    unsigned held = 0;

    ck_assert_ptr_nonnull(t);
    json_to(&in, "[{" RIG_HEAD "},{\"approval\":{\"state\":\"released\"},\"a\":1,\"effectivity\":{" F("2026-01-01") "},\"l\":["
                 "{\"p\":\"a\",\"q\":1.5,\"effectivity\":{" F("2026-01-01") T("2026-01-31") "}},{\"p\":\"a\",\"q\":2,"
                 "\"effectivity\":{" F("2026-02-01") "}}]}]");
    bb_buf_init(&out, 1 << 20);
    bb_buf_init(&report, 1 << 16);
    run.now_ns = NOW;
    ck_assert_msg(bb_transform_apply(t, bytes_of(&in), &out, &run, &err) == BB_OK, "%s", err.text);
    seed = 12;
    for (int round = 0; round < 40000; round++) {
        struct bb_bytes copy = damaged(&in);

        bb_buf_reset(&out);
        held += bb_transform_apply(t, copy, &out, &run, &err) == BB_OK;
        damaged_free(copy);
    }
    ck_assert_uint_gt(held, 1000);
    bb_transform_free(&t);
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_buf_free(&report);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("require");
    TCase *c = tcase_create("require");
    SRunner *r;
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, checks_by_table, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(c, mistakes_by_table, 0, (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_test(c, what_a_schema_finds);
    tcase_add_test(c, a_program_stands_alone);
    tcase_add_test(c, skipped_where_it_says_so);
    tcase_add_test(c, the_report);
    tcase_add_test(c, between_other_steps);
    tcase_add_test(c, what_a_check_saw_is_kept);
    tcase_add_test(c, hostile_bytes);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

/*
 * test_transform_bom.c - the BOM steps: usage, phantoms, effectivity, positions, difference and
 * back
 */
#include "tests/unit/transform_rig.h"

#define ATTR                                                                                       \
    "[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"                                        \
    "plm\",\"type\":\"mfg.bom.released\",\"change\":\"ECO-1\"},"
#define DAY_20260401 1774999800000000000LL /* 2026-03-31T23:30:00Z: still March in UTC */

/* The data as JSON that the steps make of it, or "class: text". Freed by the caller. */
static char *run(const char *steps, const char *data)
{
    struct bb_transform_run r = {.now_ns = DAY_20260401};
    struct bb_fault f = {0, ""};
    struct bb_buf in, out;
    struct bb_bytes v;
    struct mistake m;
    struct bb_transform *t = compile_steps(steps, &m);
    char *text, *whole;

    ck_assert_msg(t != NULL, "%s: %s at %s", steps, m.text, m.pointer);
    ck_assert_int_ge(asprintf(&text, ATTR "%s]", data), 0);
    json_to(&in, text);
    free(text);
    bb_buf_init(&out, 1 << 26);
    if (bb_transform_apply(t, bytes_of(&in), &out, &r, &f) == BB_OK) {
        ck_assert_msg(bb_message_check(bytes_of(&out), &f) == 0, "%s", f.text);
        ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1", &v), 1);
        whole = json_of(v);
    } else {
        ck_assert_int_ge(asprintf(&whole, "%s: %s", r.failure, f.text), 0);
    }
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_transform_free(&t);
    return whole;
}

static void gives(const char *steps, const char *data, const char *want)
{
    char *got = run(steps, data);
    ck_assert_str_eq(got, want);
    free(got);
}

static void fails(const char *steps, const char *data, const char *part)
{
    char *got = run(steps, data);
    ck_assert_msg(strncmp(got, "bom: step 1 (", 13) == 0 && strstr(got, part), "%s", got);
    free(got);
}

static void refused(const char *steps, const char *pointer, const char *part)
{
    struct mistake m;
    struct bb_transform *t = compile_steps(steps, &m);
    ck_assert_msg(!t && strstr(m.text, part), "%s: %s", steps, m.text);
    ck_assert_str_eq(m.pointer, pointer);
}

#define HEAD                                                                                       \
    "{\"item\":{\"id\":\"A\"},\"usage\":\"engineering\",\"baseQuantity\":{\"value\":1,\"unit\":"   \
    "\"C62\"}"
#define LINE(id, pos, item, n)                                                                     \
    "{\"id\":\"" id "\",\"position\":\"" pos "\",\"item\":{\"id\":\"" item                         \
    "\"},\"quantity\":{\"value\":" n ",\"unit\":\"C62\"}}"
#define PHANTOM(id, pos, item, n, more)                                                            \
    "{\"id\":\"" id "\",\"position\":\"" pos "\",\"item\":{\"id\":\"" item                         \
    "\"},\"phantom\":true," more "\"quantity\":{\"value\":" n ",\"unit\":\"C62\"}}"

START_TEST(usage_and_plant)
{
    const char *data =
        HEAD ",\"lines\":[{\"id\":\"1\",\"relevance\":[\"engineering\"]},"
             "{\"id\":\"2\",\"relevance\":[\"production\",\"costing\"]},{\"id\":\"3\"}]}";

    gives("[{\"bom\":{\"usage\":{\"from\":\"engineering\",\"to\":\"manufacturing\"},\"plant\":"
          "\"1000\"}}]",
          data,
          "{\"item\":{\"id\":\"A\"},\"usage\":\"manufacturing\",\"baseQuantity\":{\"value\":1,"
          "\"unit\":\"C62\"},"
          "\"lines\":[{\"id\":\"2\",\"relevance\":[\"production\",\"costing\"]},{\"id\":\"3\"}],"
          "\"plant\":\"1000\"}");
    fails("[{\"bom\":{\"usage\":{\"from\":\"service\",\"to\":\"manufacturing\"}}}]", data,
          "usage is engineering, not service");
    fails("[{\"bom\":{\"plant\":\"1000\"}}]", "{\"plant\":\"2000\",\"lines\":[]}",
          "plant 2000's, not 1000's");
    fails("[{\"bom\":{}}]", "{\"lines\":[{\"id\":\"1\"},{\"position\":\"2\"}]}",
          "line 2 has no text at /id");
    fails("[{\"bom\":{}}]", "[1]", "not a BOM");
    fails("[{\"bom\":{}}]", "{\"lines\":{}}", "no list at /lines");
}
END_TEST

START_TEST(mistakes_in_configuration)
{
    refused("[{\"bom\":{\"phantom\":\"explode\"}}]", "/0/bom/phantom", "did you mean \"phantoms\"");
    refused("[{\"bom\":{\"phantoms\":\"explod\"}}]", "/0/bom/phantoms", "explode");
    refused("[{\"bom\":{\"phantoms\":\"explode\"}}]", "/0/bom/phantoms", "needs boms");
    refused("[{\"bom\":{\"boms\":\"boms\"}}]", "/0/bom/boms", "begins with /data");
    refused("[{\"bom\":{\"rounding\":\"half-up\"}}]", "/0/bom/rounding", "needs a scale");
    refused("[{\"bom\":{\"at\":\"2026-02-30\"}}]", "/0/bom/at", "or a date");
    refused("[{\"bom\":{\"positions\":{\"step\":0}}}]", "/0/bom/positions/step",
            "whole number from 1");
    refused("[{\"bom\":{\"usage\":{\"from\":\"engineering\"}}}]", "/0/bom/usage",
            "needs the key \"to\"");
    refused("[{\"bom_diff\":{\"before\":\"/data/x\"}}]", "/0/bom_diff", "needs the key \"after\"");
    refused("[{\"bom_apply\":{\"bom\":\"/data/x\",\"change\":\"/data/y\",\"direction\":\"up\"}}]",
            "/0/bom_apply/direction", "forward");
    refused("[{\"bom_merge\":[]}]", "/0/bom_merge", "takes a map");
}
END_TEST

#define EXPLODE "[{\"bom\":{\"boms\":\"/data/extensions/boms\",\"phantoms\":\"explode\"}}]"
#define EXPLODE6                                                                                   \
    "[{\"bom\":{\"boms\":\"/data/extensions/"                                                      \
    "boms\",\"phantoms\":\"explode\",\"scale\":3,\"rounding\":\"half-up\"}}]"
#define SUB(item, base, lines)                                                                     \
    "{\"item\":{\"id\":\"" item "\"},\"baseQuantity\":{\"value\":" base                            \
    ",\"unit\":\"C62\"},\"lines\":[" lines "]}"
#define WITH(lines, boms) HEAD ",\"lines\":[" lines "],\"extensions\":{\"boms\":[" boms "]}}"

START_TEST(phantoms_explode)
{
    /* 2 of P for 1 of A, 6 of X for 4 of P: 3 */
    gives(EXPLODE,
          WITH(PHANTOM("p", "10", "P", "2", "") "," LINE("z", "20", "Z", "1.50"),
               SUB("P", "4", LINE("x", "10", "X", "6"))),
          HEAD ",\"lines\":[{\"id\":\"p/"
               "x\",\"position\":\"10.10\",\"item\":{\"id\":\"X\"},\"quantity\":{\"value\":3,"
               "\"unit\":\"C62\"}}," LINE("z", "20", "Z", "1.50") "]}");
    /* over two levels, rounded once: 1 * 1/3 * 3 = 1, where rounding between gives 0.999 */
    gives(EXPLODE6,
          WITH(PHANTOM("p", "1", "P", "1", ""),
               SUB("P", "3", PHANTOM("q", "1", "Q", "1", "")) "," SUB("Q", "1",
                                                                      LINE("x", "1", "X", "3"))),
          HEAD ",\"lines\":[{\"id\":\"p/q/"
               "x\",\"position\":\"1.1.1\",\"item\":{\"id\":\"X\"},\"quantity\":{\"value\":1,"
               "\"unit\":\"C62\"}}]}");
    fails(EXPLODE, WITH(PHANTOM("p", "1", "P", "1", ""), SUB("P", "3", LINE("x", "1", "X", "1"))),
          "line 1, for the assembly: the quotient has no end");
    gives(EXPLODE6, WITH(PHANTOM("p", "1", "P", "2", ""), SUB("P", "3", LINE("x", "1", "X", "1"))),
          HEAD ",\"lines\":[{\"id\":\"p/"
               "x\",\"position\":\"1.1\",\"item\":{\"id\":\"X\"},\"quantity\":{\"value\":0.667,"
               "\"unit\":\"C62\"}}]}");
    fails(EXPLODE, WITH(PHANTOM("p", "1", "P", "1", ""), ""),
          "the BOM of its item is not among boms");
    fails(EXPLODE, WITH(PHANTOM("p", "1", "P", "1", ""), SUB("P", "1", "") "," SUB("P", "2", "")),
          "several BOMs of item P");
    fails(EXPLODE,
          WITH("{\"id\":\"p\",\"phantom\":true,\"item\":{\"id\":\"P\"},\"quantity\":{\"value\":1,"
               "\"unit\":\"KGM\"}}",
               SUB("P", "1", "")),
          "is in KGM, its BOM for a base quantity in C62");
    fails(EXPLODE,
          WITH(PHANTOM("p", "1", "P", "1", "\"substitutes\":[{\"item\":{\"id\":\"S\"}}],"),
               SUB("P", "1", "")),
          "/substitutes cannot be exploded");
}
END_TEST

START_TEST(phantoms_pass_on)
{
    /* scrap 10 % of 5 %: 15.5 %; the operation of the phantom; the alternates' group is its own */
    gives(EXPLODE,
          WITH(PHANTOM("p", "1", "P", "1",
                       "\"scrap\":{\"component\":10},\"operation\":{\"id\":\"0010\"},"),
               SUB("P", "1",
                   "{\"id\":\"x\",\"scrap\":{\"component\":5},\"alternate\":{\"group\":\"G\"},"
                   "\"quantity\":{\"value\":1,\"unit\":\"C62\"}}")),
          HEAD ",\"lines\":[{\"id\":\"p/"
               "x\",\"scrap\":{\"component\":15.5},\"alternate\":{\"group\":\"p/G\"},"
               "\"quantity\":{\"value\":1,\"unit\":\"C62\"},\"position\":\"1\",\"operation\":{"
               "\"id\":\"0010\"}}]}");
    /* a fixed quantity is not multiplied; below a fixed phantom everything is fixed */
    gives(
        EXPLODE,
        WITH(PHANTOM("p", "1", "P", "5", ""), SUB("P", "1",
                                                  "{\"id\":\"x\",\"fixedQuantity\":true,"
                                                  "\"quantity\":{\"value\":2,\"unit\":\"C62\"}}")),
        HEAD ",\"lines\":[{\"id\":\"p/"
             "x\",\"fixedQuantity\":true,\"quantity\":{\"value\":2,\"unit\":\"C62\"},\"position\":"
             "\"1\"}]}");
    gives(EXPLODE,
          WITH(PHANTOM("p", "1", "P", "5", "\"fixedQuantity\":true,"),
               SUB("P", "1", "{\"id\":\"x\",\"quantity\":{\"value\":2,\"unit\":\"C62\"}}")),
          HEAD ",\"lines\":[{\"id\":\"p/"
               "x\",\"quantity\":{\"value\":10,\"unit\":\"C62\"},\"position\":\"1\","
               "\"fixedQuantity\":true}]}");
    /* effectivity is cut; what holds at no time is not needed */
    gives(EXPLODE,
          WITH(PHANTOM("p", "1", "P", "1",
                       "\"effectivity\":{\"from\":\"2026-01-01\",\"to\":\"2026-12-31\"},"),
               SUB("P", "1",
                   "{\"id\":\"x\",\"effectivity\":{\"from\":\"2026-06-01\"}},{\"id\":\"y\","
                   "\"effectivity\":{\"to\":\"2025-12-31\"}}")),
          HEAD ",\"lines\":[{\"id\":\"p/"
               "x\",\"effectivity\":{\"from\":\"2026-06-01\",\"to\":\"2026-12-31\"},\"position\":"
               "\"1\"}]}");
    fails(EXPLODE,
          WITH(PHANTOM("p", "1", "P", "1", "\"effectivity\":{\"serials\":[{\"from\":\"1\"}]},"),
               SUB("P", "1", "{\"id\":\"x\",\"effectivity\":{\"serials\":[{\"from\":\"2\"}]}}")),
          "effectivity by serials");
}
END_TEST

START_TEST(cycles)
{
    fails("[{\"bom\":{\"boms\":\"/data/extensions/boms\"}}]",
          WITH(LINE("1", "1", "B", "1"),
               SUB("B", "1", LINE("1", "1", "C", "1")) "," SUB("C", "1", LINE("1", "1", "B", "1"))),
          "a BOM contains itself: B > C > B");
    fails("[{\"bom\":{\"boms\":\"/data/extensions/boms\"}}]",
          WITH(LINE("1", "1", "B", "1"), SUB("B", "1", LINE("1", "1", "A", "1"))), "A > B > A");
    fails(EXPLODE,
          WITH(PHANTOM("1", "1", "B", "1", ""), SUB("B", "1", PHANTOM("1", "1", "B", "1", ""))),
          "B > B");
    gives("[{\"bom\":{\"boms\":\"/data/extensions/boms\"}}]", /* a diamond is none */
          WITH(LINE("1", "1", "B", "1") "," LINE("2", "2", "C", "1"),
               SUB("B", "1", LINE("1", "1", "D", "1")) "," SUB(
                   "C", "1", LINE("1", "1", "D", "1")) "," SUB("D", "1", "")),
          HEAD ",\"lines\":[" LINE("1", "1", "B", "1") "," LINE("2", "2", "C", "1") "]}");
}
END_TEST

#define DATED(id, pos, from, to)                                                                   \
    "{\"id\":\"" id "\",\"position\":\"" pos "\",\"effectivity\":{" from to "}}"
#define FROM(d) "\"from\":\"" d "\""
#define TO(d) "\"to\":\"" d "\""

START_TEST(gaps_and_overlaps)
{
    const char *check = "[{\"bom\":{\"effectivity\":\"check\"}}]";

    gives(check,
          "{\"lines\":[" DATED("a", "10", TO("2026-02-28"),
                               "") "," DATED("b", "10", FROM("2026-03-01"), "") "]}",
          "{\"lines\":[" DATED("a", "10", TO("2026-02-28"),
                               "") "," DATED("b", "10", FROM("2026-03-01"), "") "]}");
    fails(check,
          "{\"lines\":[" DATED("a", "10", TO("2026-02-28"),
                               "") "," DATED("b", "10", FROM("2026-03-03"), "") "]}",
          "position 10: nothing holds from 2026-03-01 to 2026-03-02, between lines a and b");
    fails(check,
          "{\"lines\":[" DATED("b", "10", FROM("2026-03-01"),
                               "") "," DATED("a", "10", TO("2026-03-01"), "") "]}",
          "position 10: lines a and b hold at the same time");
    fails(check, "{\"lines\":[" DATED("a", "10", FROM("2026-03-01T00:00:00Z"), "") "]}",
          "an instant or no date");
    fails(check, "{\"lines\":[" DATED("a", "10", FROM("20-6-03-02"), "") "]}",
          "an instant or no date");
    fails(check, "{\"lines\":[" DATED("a", "10", FROM("2026-02-29"), "") "]}",
          "an instant or no date");
    fails(check, "{\"lines\":[" DATED("a", "10", FROM("2026-03-02"), "," TO("2026-03-01")) "]}",
          "ends before it begins");
    gives("[{\"bom\":{\"at\":\"today\"}}]", /* 31 March in UTC */
          "{\"lines\":[" DATED("a", "1", TO("2026-03-30"), "") "," DATED(
              "b", "2", TO("2026-03-31"), "") "," DATED("c", "3", FROM("2026-04-01"), "") "]}",
          "{\"lines\":[" DATED("b", "2", TO("2026-03-31"), "") "]}");
}
END_TEST

#define SPLIT "{\"bom_split\":{}}"
#define MERGE "{\"bom_merge\":{\"boms\":\"/data/boms\"}}"
START_TEST(split_and_merge)
{
    const char *whole =
        "{\"item\":{\"id\":\"A\"},\"effectivity\":{\"from\":\"2026-01-01\"},\"lines\":["
        "{\"id\":\"a\",\"position\":\"1\"}," DATED("b", "2", TO("2026-06-30"), "") "," DATED(
            "c", "2", FROM("2026-07-01"), "") "]}";

    gives("[" SPLIT "]", whole,
          "{\"boms\":[{\"item\":{\"id\":\"A\"},\"effectivity\":{\"from\":\"2026-01-01\",\"to\":"
          "\"2026-06-30\"},\"lines\":["
          "{\"id\":\"a\",\"position\":\"1\"},{\"id\":\"b\",\"position\":\"2\"}]},"
          "{\"item\":{\"id\":\"A\"},\"effectivity\":{\"from\":\"2026-07-01\"},\"lines\":["
          "{\"id\":\"a\",\"position\":\"1\"},{\"id\":\"c\",\"position\":\"2\"}]}]}");
    gives("[" SPLIT "," MERGE "]", whole, whole);
    gives("[{\"bom_split\":{\"into\":\"/data/x/y\"}}]", "{\"lines\":[]}",
          "{\"x\":{\"y\":[{\"lines\":[]}]}}");
    fails("[" MERGE "]",
          "{\"boms\":[{\"effectivity\":{\"to\":\"2026-01-01\"},\"lines\":[]},{\"effectivity\":{"
          "\"from\":\"2026-01-03\"},\"lines\":[]}]}",
          "none of the BOMs holds on 2026-01-02");
    fails("[" MERGE "]", "{\"boms\":[{\"lines\":[]},{\"lines\":[]}]}", "hold at the same time");
    fails(
        "[" MERGE "]",
        "{\"boms\":[{\"item\":{\"id\":\"A\"},\"effectivity\":{\"to\":\"2026-01-01\"},\"lines\":[]},"
        "{\"item\":{\"id\":\"B\"},\"effectivity\":{\"from\":\"2026-01-02\"},\"lines\":[{\"id\":"
        "\"1\"}]}]}",
        "BOM 2 is of another item than BOM 1");
    gives("[" MERGE "]", /* one line in two forms */
          "{\"boms\":[{\"effectivity\":{\"to\":\"2026-01-01\"},\"lines\":[{\"id\":\"a\",\"n\":1}]},"
          "{\"effectivity\":{\"from\":\"2026-01-02\"},\"lines\":[{\"id\":\"a\",\"n\":2}]}]}",
          "{\"lines\":[{\"id\":\"a\",\"n\":1,\"effectivity\":{\"to\":\"2026-01-01\"}},{\"id\":\"a@"
          "2026-01-02\",\"n\":2,\"effectivity\":{\"from\":\"2026-01-02\"}}]}");
}
END_TEST

START_TEST(positions_stay)
{
    const char *old = "\"extensions\":{\"old\":{\"lines\":[{\"id\":\"a\",\"position\":\"0010\"},{"
                      "\"id\":\"b\",\"position\":\"0020\"}]}}";
    char *data;

    gives("[{\"bom\":{\"positions\":{}}}]",
          "{\"lines\":[{\"id\":\"a\"},{\"id\":\"b\",\"position\":\"0030\"},{\"id\":\"c\","
          "\"position\":\"x\"}]}",
          "{\"lines\":[{\"id\":\"a\",\"position\":\"0040\"},{\"id\":\"b\",\"position\":\"0030\"},{"
          "\"id\":\"c\",\"position\":\"0050\"}]}");
    ck_assert_int_ge(asprintf(&data,
                              "{\"lines\":[{\"id\":\"new\",\"position\":\"0020\"},{\"id\":\"b\","
                              "\"position\":\"7\"}],%s}",
                              old),
                     0);
    gives("[{\"bom\":{\"positions\":{\"previous\":\"/data/extensions/old\"}}}]", data,
          "{\"lines\":[{\"id\":\"new\",\"position\":\"0030\"},{\"id\":\"b\",\"position\":\"0020\"}]"
          "}");
    free(data);
    fails("[{\"bom\":{\"positions\":{\"digits\":1}}}]", "{\"lines\":[{\"id\":\"a\"}]}",
          "more than 1 digits");
}
END_TEST

#define DIFF "{\"bom_diff\":{\"before\":\"/data/x\",\"after\":\"/data/y\"}}"
START_TEST(difference)
{
    gives(
        "[" DIFF "]",
        "{\"x\":{\"item\":{\"id\":\"A\",\"revision\":\"A\"},\"status\":\"active\",\"lines\":[{"
        "\"id\":\"1\",\"n\":1.50},{\"id\":\"2\"},{\"id\":\"4\",\"k\":{\"a\":1,\"b\":2}}]},"
        "\"y\":{\"item\":{\"id\":\"A\",\"revision\":\"B\"},\"lines\":[{\"id\":\"3\"},{\"id\":\"4\","
        "\"k\":{\"b\":2,\"a\":1}},{\"id\":\"1\",\"n\":1.5}]}}",
        "{\"id\":\"ECO-1\",\"kind\":\"difference\",\"approval\":{\"state\":\"draft\"},\"affected\":"
        "[{\"object\":\"bom\",\"action\":\"change\","
        "\"item\":{\"id\":\"A\",\"revision\":\"B\"},\"fromRevision\":\"A\",\"toRevision\":\"B\","
        "\"header\":{\"before\":{\"item\":{\"id\":\"A\",\"revision\":\"A\"},\"status\":\"active\"},"
        "\"after\":{\"item\":{\"id\":\"A\",\"revision\":\"B\"}}},\"lines\":[{\"action\":"
        "\"changed\",\"line\":\"1\",\"before\":{\"id\":\"1\",\"n\":1.50},\"after\":{\"id\":\"1\","
        "\"n\":1.5},\"fields\":[\"n\"]},"
        "{\"action\":\"removed\",\"line\":\"2\",\"before\":{\"id\":\"2\"}},{\"action\":\"added\","
        "\"line\":\"3\",\"after\":{\"id\":\"3\"}}]}]}");
    fails("[" DIFF "]", "{}", "neither a BOM before nor one after");
    fails("[" DIFF "]",
          "{\"x\":{\"item\":{\"id\":\"A\"},\"lines\":[]},\"y\":{\"item\":{\"id\":\"B\"},\"lines\":["
          "]}}",
          "different items");
    fails("[" DIFF "]", "{\"x\":{\"lines\":[{\"id\":\"1\"},{\"id\":\"1\"}]},\"y\":{\"lines\":[]}}",
          "two lines with the id 1");
    fails("[{\"bom_apply\":{\"bom\":\"/data/x\",\"change\":\"/data/c\"}}]",
          "{\"x\":{\"lines\":[{\"id\":\"1\",\"n\":2}]},\"c\":{\"affected\":[{\"lines\":[{\"line\":"
          "\"1\",\"before\":{\"id\":\"1\",\"n\":1},\"after\":{\"id\":\"1\"}}]}]}}",
          "line 1 is not what the change says");
    fails("[{\"bom_apply\":{\"bom\":\"/data/x\",\"change\":\"/data/c\"}}]",
          "{\"x\":{\"status\":\"a\",\"lines\":[]},\"c\":{\"affected\":[{\"header\":{\"before\":{"
          "\"status\":\"b\"},\"after\":{}},\"lines\":[]}]}}",
          "the BOM's status is not what the change says");
}
END_TEST

/* A BOM of up to 12 lines with random fields, sorted by position as apply leaves it. */
static char *random_bom(void)
{
    char *text = NULL, *more;
    unsigned n = rnd(12);

    ck_assert_int_ge(asprintf(&text, "{\"item\":{\"id\":\"A\"},\"rev\":%u,%s\"lines\":[", rnd(3),
                              rnd(2) ? "\"note\":\"x\"," : ""),
                     0);
    for (unsigned i = 0, id = 0; i < n; i++) {
        id += 1 + rnd(3);
        ck_assert_int_ge(
            asprintf(&more, "%s%s{\"id\":\"%03u\",\"position\":\"%03u\",\"n\":%u.%u0%s}", text,
                     i ? "," : "", id, id, rnd(3), rnd(2), rnd(3) ? "" : ",\"phantom\":true"),
            0);
        free(text);
        text = more;
    }
    ck_assert_int_ge(asprintf(&more, "%s]}", text), 0);
    free(text);
    return more;
}

/* diff then apply gives the state after, and backward the one before */
START_TEST(difference_and_back)
{
    seed = 7;
    for (int i = 0; i < 500; i++) {
        char *x = random_bom(), *y = random_bom(), *both, *change, *back, *input;

        ck_assert_int_ge(asprintf(&both, "{\"x\":%s,\"y\":%s}", x, y), 0);
        change = run("[" DIFF "]", both);
        for (int forward = 0; forward < 2; forward++) {
            ck_assert_int_ge(asprintf(&input, "{\"b\":%s,\"c\":%s}", forward ? x : y, change), 0);
            back = run(forward ? "[{\"bom_apply\":{\"bom\":\"/data/b\",\"change\":\"/data/"
                                 "c\"}},{\"bom_diff\":{\"before\":\"/data\",\"after\":\"/data\"}}]"
                               : "[{\"bom_apply\":{\"bom\":\"/data/b\",\"change\":\"/data/"
                                 "c\",\"direction\":\"backward\"}},{\"bom_diff\":{\"before\":\"/"
                                 "data\",\"after\":\"/data\"}}]",
                       input);
            ck_assert_msg(strstr(back, "\"lines\":[]"), "%s", back); /* still a BOM */
            free(back);
            back = run(forward ? "[{\"bom_apply\":{\"bom\":\"/data/b\",\"change\":\"/data/c\"}}]"
                               : "[{\"bom_apply\":{\"bom\":\"/data/b\",\"change\":\"/data/"
                                 "c\",\"direction\":\"backward\"}}]",
                       input);
            free(input);
            ck_assert_int_ge(asprintf(&input, "{\"x\":%s,\"y\":%s}", back, forward ? y : x), 0);
            free(back);
            back = run("[" DIFF "]", input);
            ck_assert_msg(strstr(back, "\"header\":{\"before\":{},\"after\":{}},\"lines\":[]"),
                          "%s of %s", back, input);
            free(back);
            free(input);
        }
        free(x);
        free(y);
        free(both);
        free(change);
    }
}
END_TEST

/* A key of any length is a field, too. */
START_TEST(long_keys)
{
    char key[301], *data, *got;

    memset(key, 'k', 300);
    key[300] = '\0';
    ck_assert_int_ge(asprintf(&data,
                              "{\"x\":{\"lines\":[{\"id\":\"1\",\"%s\":1}]},\"y\":{\"lines\":[{"
                              "\"id\":\"1\",\"%s\":2}],\"%s\":3}}",
                              key, key, key),
                     0);
    got = run("[" DIFF "]", data);
    ck_assert_msg(strstr(got, "\"header\":{\"before\":{},\"after\":{\"kkk") &&
                      strstr(got, "\"fields\":[\"kkk"),
                  "%s", got);
    free(got);
    free(data);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transform_bom");
    TCase *t = tcase_create("bom");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, usage_and_plant);
    tcase_add_test(t, mistakes_in_configuration);
    tcase_add_test(t, phantoms_explode);
    tcase_add_test(t, phantoms_pass_on);
    tcase_add_test(t, cycles);
    tcase_add_test(t, gaps_and_overlaps);
    tcase_add_test(t, split_and_merge);
    tcase_add_test(t, positions_stay);
    tcase_add_test(t, difference);
    tcase_add_test(t, difference_and_back);
    tcase_add_test(t, long_keys);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

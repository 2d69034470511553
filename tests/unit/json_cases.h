/*
 * json_cases.h - what RFC 8259 accepts and what it does not
 *
 * Every kind of case that a strict parser is known to be judged by: structure, numbers, strings,
 * escapes, surrogates, encodings, space, single values, incomplete tokens. Large nesting is made
 * by the test itself. Duplicate keys are refused here, though the RFC leaves them open. The kinds of
 * cases, and the inputs that stand for them, follow the JSON Parsing Test Suite (JSONTestSuite, MIT
 * licence), by whose rules this reader is judged.
 */
#ifndef JSON_CASES_H
#define JSON_CASES_H

#include <stddef.h>

struct json_case {
    const char *text;
    size_t len;
    const char *back; /* the compact text it comes back as, NULL: text itself */
};
#define SAME(s) {s, sizeof(s) - 1, NULL}
#define BACK(s, t) {s, sizeof(s) - 1, t}

static const struct json_case accepted[] = {
    /* arrays */
    SAME("[]"), SAME("[[]]"), SAME("[\"\"]"), BACK("[ ]", "[]"), BACK("[[]   ]", "[[]]"),
    SAME("[\"a\"]"), SAME("[false]"), BACK("[null, 1, \"1\", {}]", "[null,1,\"1\",{}]"),
    SAME("[null]"), BACK("[1\n]", "[1]"), BACK(" [1]", "[1]"), BACK("[2] ", "[2]"),
    SAME("[1,null,null,null,2]"), SAME("[[[[]]]]"), SAME("[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"),
    /* numbers */
    SAME("[123e65]"), SAME("[0e+1]"), SAME("[0e1]"), BACK("[ 4]", "[4]"), SAME("[-0]"),
    SAME("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]"),
    SAME("[20e1]"), SAME("[-0.0]"), SAME("[-123]"), SAME("[-1]"), SAME("[1E22]"), SAME("[1E-2]"),
    SAME("[1E+2]"), SAME("[123e45]"), SAME("[123.456e78]"), SAME("[1e-2]"), SAME("[1e+2]"),
    SAME("[123]"), SAME("[123.456789]"), SAME("[0]"), SAME("[1.50]"), SAME("[1.5]"), SAME("[0.0]"),
    SAME("[1e999]"), SAME("[-1e-999]"), SAME("[9223372036854775807]"), SAME("[9223372036854775808]"),
    SAME("[18446744073709551615]"), SAME("[18446744073709551616]"), SAME("[-9223372036854775808]"),
    SAME("[-9223372036854775809]"), SAME("[100000000000000000000000000000000000]"),
    SAME("[127,128,255,256,65535,65536,4294967295,4294967296]"),
    SAME("[-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649]"),
    /* objects */
    SAME("{}"), SAME("{\"\":0}"), SAME("{\"a\":[]}"), BACK("{\n\"a\": \"b\"\n}", "{\"a\":\"b\"}"),
    SAME("{\"asd\":\"sdf\",\"dfg\":\"fgh\"}"), SAME("{\"asd\":\"sdf\"}"),
    BACK("{\"foo\\u0000bar\": 42}", "{\"foo\\u0000bar\":42}"), SAME("{\"min\":-1.0e+28,\"max\":1.0e+28}"),
    SAME("{\"x\":[{\"id\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}],\"id\":\"x\"}"),
    SAME("{\"a\":{\"a\":{\"a\":1}}}"), BACK("{\"title\":\"\\u041f\\u043e\"}", "{\"title\":\"\xd0\x9f\xd0\xbe\"}"),
    SAME("{\"a\":1,\"A\":2,\"a \":3}"),
    /* strings and escapes */
    BACK("[\"\\u0060\\u012a\\u12AB\"]", "[\"`\xc4\xaa\xe1\x8a\xab\"]"),
    BACK("[\"\\uD801\\udc37\"]", "[\"\xf0\x90\x90\xb7\"]"),
    BACK("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]", "[\"\xf0\x9f\x98\xb9\xf0\x9f\x92\x8d\"]"),
    BACK("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\"\\\\/\\b\\f\\n\\r\\t\"]"), SAME("[\"\\\\u0000\"]"),
    SAME("[\"\\\"\"]"), SAME("[\"a/*b*/c/*d//e\"]"), SAME("[\"\\\\a\"]"), SAME("[\"\\\\n\"]"),
    BACK("[\"\\u0012\"]", "[\"\\u0012\"]"), BACK("[\"\\uFFFF\"]", "[\"\xef\xbf\xbf\"]"),
    SAME("[\"asd\"]"), BACK("[ \"asd\"]", "[\"asd\"]"), BACK("[\"\\uDBFF\\uDFFF\"]", "[\"\xf4\x8f\xbf\xbf\"]"),
    BACK("[\"new\\u00A0line\"]", "[\"new\xc2\xa0line\"]"), SAME("[\"\xf4\x8f\xbf\xbf\"]"),
    SAME("[\"\xef\xbf\xbf\"]"), BACK("[\"\\u0000\"]", "[\"\\u0000\"]"), BACK("[\"\\u002c\"]", "[\",\"]"),
    SAME("[\"\xcf\x80\"]"), SAME("[\"\xf0\x9b\xbf\xbf\"]"), SAME("[\"asd \"]"), SAME("\" \""),
    BACK("[\"\\uD834\\uDd1e\"]", "[\"\xf0\x9d\x84\x9e\"]"), BACK("[\"\\u0821\"]", "[\"\xe0\xa0\xa1\"]"),
    BACK("[\"\\u0123\"]", "[\"\xc4\xa3\"]"), SAME("[\"\xe2\x80\xa8\"]"), SAME("[\"\xe2\x80\xa9\"]"),
    BACK("[\"\\u0061\\u30af\\u30EA\\u30b9\"]", "[\"a\xe3\x82\xaf\xe3\x83\xaa\xe3\x82\xb9\"]"),
    BACK("[\"new\\u000Aline\"]", "[\"new\\nline\"]"), SAME("[\"\x7f\"]"), BACK("[\"\\uA66D\"]", "[\"\xea\x99\xad\"]"),
    BACK("[\"\\u005C\"]", "[\"\\\\\"]"), SAME("[\"\xe2\x8d\x82\xe3\x88\xb4\xe2\x8d\x82\"]"),
    BACK("[\"\\u0022\"]", "[\"\\\"\"]"), BACK("[\"\\uDBFF\\uDFFE\"]", "[\"\xf4\x8f\xbf\xbe\"]"),
    BACK("[\"\\uD83F\\uDFFE\"]", "[\"\xf0\x9f\xbf\xbe\"]"), BACK("[\"\\u200B\"]", "[\"\xe2\x80\x8b\"]"),
    BACK("[\"\\u2064\"]", "[\"\xe2\x81\xa4\"]"), BACK("[\"\\uFDD0\"]", "[\"\xef\xb7\x90\"]"),
    BACK("[\"\\uFFFE\"]", "[\"\xef\xbf\xbe\"]"), SAME("[\"\xe2\x82\xac\xf0\x9d\x84\x9e\"]"),
    SAME("[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa4\"]"), SAME("[\"a\x7f""a\"]"),
    SAME("\"0123456789abcde\""), SAME("\"0123456789abcdef\""), SAME("\"0123456789abcdef0\""),
    SAME("\"0123456789abcdef0123456789abcde\""), SAME("\"0123456789abcdef0123456789abcdef\""),
    /* single values, space */
    SAME("false"), SAME("true"), SAME("null"), SAME("42"), SAME("-0.1"), SAME("\"asd\""), SAME("\"\""),
    BACK("[\"a\"]\n", "[\"a\"]"), BACK("[true]", "[true]"), BACK("\t\r\n [] \t\r\n", "[]"),
    BACK("{ \"a\" : [ 1 , 2 ] , \"b\" : { } }", "{\"a\":[1,2],\"b\":{}}"),
};

static const struct json_case rejected[] = {
    /* arrays */
    SAME("[1 true]"), SAME("[a\xe5]"), SAME("[\"\": 1]"), SAME("[\"\"],"), SAME("[,1]"), SAME("[1,,2]"),
    SAME("[\"x\",,]"), SAME("[\"x\"]]"), SAME("[\"\",]"), SAME("[\"x\""), SAME("[x"), SAME("[3[4]]"),
    SAME("[\xff]"), SAME("[1:2]"), SAME("[,]"), SAME("[-]"), SAME("[   , \"\"]"), SAME("[\"a\",\n4\n,1,"),
    SAME("[1,]"), SAME("[1,\n1\n,1"), SAME("[\"\va\"\\f]"), SAME("[*]"), SAME("[\"\""), SAME("[1,"), SAME("["),
    SAME("[{}"), SAME("[}"), SAME("[{]"), SAME("[1}"), SAME("]"), SAME("[1]1"),
    /* names */
    SAME("[fals]"), SAME("[nul]"), SAME("[tru]"), SAME("[True]"), SAME("[truth]"), SAME("nulll"), SAME("TRUE"),
    SAME("t"), SAME("[n"), SAME("[falsey]"), SAME("undefined"),
    /* numbers */
    SAME("[++1234]"), SAME("[+1]"), SAME("[+Inf]"), SAME("[-01]"), SAME("[-1.0.]"), SAME("[-2.]"), SAME("[-NaN]"),
    SAME("[.-1]"), SAME("[.2e-3]"), SAME("[0.1.2]"), SAME("[0.3e+]"), SAME("[0.3e]"), SAME("[0.e1]"), SAME("[0E+]"),
    SAME("[0E]"), SAME("[0e+]"), SAME("[0e]"), SAME("[1.0e+]"), SAME("[1.0e-]"), SAME("[1.0e]"), SAME("[1 000.0]"),
    SAME("[1eE2]"), SAME("[2.e+3]"), SAME("[2.e-3]"), SAME("[2.e3]"), SAME("[9.e+]"), SAME("[Inf]"), SAME("[NaN]"),
    SAME("[\xef\xbc\x91]"), SAME("[1+2]"), SAME("[0x1]"), SAME("[0x42]"), SAME("[Infinity]"), SAME("[0e+-1]"),
    SAME("[-123.123foo]"), SAME("[123\xe5]"), SAME("[1e1\xe5]"), SAME("[0\xe5]"), SAME("[-Infinity]"), SAME("[-foo]"),
    SAME("[- 1]"), SAME("[-012]"), SAME("[-.123]"), SAME("[-1x]"), SAME("[1ea]"), SAME("[1e\xe5]"), SAME("[1.]"),
    SAME("[.123]"), SAME("[1.2a-3]"), SAME("[1.8011670033376514H-308]"), SAME("[012]"), SAME("[00]"), SAME("[-00]"),
    SAME("[1_000]"), SAME("[1,000.5.1]"), SAME("-"), SAME("1."), SAME("1e"), SAME("01"), SAME("[1e+]"), SAME("[0b1]"),
    /* objects */
    SAME("[\"x\", truth]"), SAME("{[: \"x\"}\n"), SAME("{\"x\", null}"), SAME("{\"x\"::\"b\"}"), SAME("{\xf0\x9f\x87\xa8}"),
    SAME("{\"a\":\"a\" 123}"), SAME("{key: 'value'}"), SAME("{\"\xb9\":\"0\",}"), SAME("{\"a\" b}"), SAME("{:\"b\"}"),
    SAME("{\"a\" \"b\"}"), SAME("{\"a\":"), SAME("{\"a\""), SAME("{1:1}"), SAME("{9999E9999:1}"), SAME("{null:null,null:null}"),
    SAME("{\"id\":0,,,,,}"), SAME("{'a':0}"), SAME("{\"id\":0,}"), SAME("{\"a\":\"b\"}/**/"), SAME("{\"a\":\"b\"}/**//"),
    SAME("{\"a\":\"b\"}//"), SAME("{\"a\":\"b\"}/"), SAME("{\"a\":\"b\",,\"c\":\"d\"}"), SAME("{a: \"b\"}"), SAME("{\"a\":\"a"),
    SAME("{ \"foo\" : \"bar\", \"a\" }"), SAME("{\"a\":\"b\"}#"), SAME("{"), SAME("{]"), SAME("{,"), SAME("{\"a\":1]"), SAME("{}}"),
    SAME("{\"a\":\"b\",\"a\":\"c\"}"), SAME("{\"a\":\"b\",\"a\":\"b\"}"), SAME("{\"a\":1,\"\\u0061\":2}"),
    SAME("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}"), SAME("{\"\":1,\"\":2}"),
    /* strings, escapes, surrogates, encodings */
    SAME(" "), SAME("[\"\\uD800\\\"]"), SAME("[\"\\uD800\\u\"]"), SAME("[\"\\uD800\\u1\"]"), SAME("[\"\\uD800\\u1x\"]"),
    SAME("[\xc3\xa9]"), SAME("[\"\\\x00\"]"), SAME("[\"\\\\\\\"]"), SAME("[\"\\x00\"]"), SAME("[\"\\\xf0\x9f\x8c\x80\"]"),
    SAME("[\"\\\"]"), SAME("[\"\\\t\"]"), SAME("[\"\\u00A\"]"), SAME("[\"\\uD834\\uDd\"]"), SAME("[\"\\uD800\\uD800\\x\"]"),
    SAME("[\"\\u\xe5\"]"), SAME("[\"\\a\"]"), SAME("[\"\\uqqqq\"]"), SAME("[\"\\\xe5\"]"), SAME("[\\u0020\"asd\"]"),
    SAME("[\\n]"), SAME("\""), SAME("['single quote']"), SAME("abc"), SAME("[\"\\"), SAME("[\"a\x00""a\"]"), SAME("[\"new\nline\"]"),
    SAME("[\"\t\"]"), SAME("\"\\UA66D\""), SAME("\"\"x"), SAME("[\"\x1f\"]"), SAME("[\"0123456789abcdef\x01\"]"),
    SAME("[\"\\uDADA\"]"), SAME("[\"\\uD888\\u1234\"]"), SAME("[\"\\uD800\\n\"]"), SAME("[\"\\uDd1ea\"]"), SAME("[\"\\uD800\\uD800\\n\"]"),
    SAME("[\"\\ud800\"]"), SAME("[\"\\ud800abc\"]"), SAME("[\"\\uDd1e\\uD834\"]"), SAME("[\"\\uDFAA\"]"), SAME("[\"\xff\"]"),
    SAME("[\"\xe0\xff\"]"), SAME("[\"\xfc\x80\x80\x80\x80\x80\"]"), SAME("[\"\xf4\xbf\xbf\xbf\"]"), SAME("[\"\xed\xa0\x80\"]"),
    SAME("[\"\x81\"]"), SAME("[\"\xe9\"]"), SAME("[\"\xc0\xaf\"]"), SAME("[\"\xe0\x80\xaf\"]"), SAME("[\"\xf0\x80\x80\xaf\"]"),
    SAME("[\"\xc1\xbf\"]"), SAME("[\"\xe6\x97\"]"), SAME("[\"\xf5\x80\x80\x80\"]"), SAME("[\"\xc3\"]"), SAME("\"\xf0\x9f\x98"),
    SAME("\xff\xfe[\x00\"\x00"), SAME("\x00[\x00\"\x00\xe9\x00\"\x00]"), SAME("[\x00\"\x00\xe9\x00\"\x00]\x00"),
    /* structure */
    SAME("\xef\xbb\xbf{}"), SAME("\xef\xbb\xbf"), SAME("\xe2\x81\xa0[]"), SAME("<.>"), SAME("[<null>]"), SAME("[1]x"),
    SAME("[][]"), SAME(""), SAME("[\"asd]"), SAME("aa'"), SAME("[True]"), SAME("1]"), SAME("{\"x\": true,"), SAME("[][]"),
    SAME("\xef\xbb"), SAME("\xe5"), SAME("[\x00]"), SAME("2@"), SAME("{}[]"), SAME("\xc2\xa0[]"), SAME("[\f]"), SAME("[\v]"),
    SAME("[\xe2\x80\xa8]"), SAME("[\"a\"\xe2\x80\x83]"), SAME("{\"\":"), SAME("{\"a\":/*comment*/\"b\"}"), SAME("{\"a\": true} \"x\""),
    SAME("['"), SAME("[\"a"), SAME("[\"a\""), SAME("{\"a\":[1,"), SAME("{,}"), SAME("{\"a\"}"), SAME("\\u000a[]"), SAME("*"),
    SAME("{\"a\":\"b\"}#{}"), SAME("[\\u000A\"\"]"), SAME("[1"), SAME("[ false, nul"), SAME("[ true, fals"), SAME("[ false, tru"),
    SAME("{\"asd\":\"asd\""), SAME("\xc3\xa5"), SAME("[\xe2\x81\xa0]"), SAME("[]\x00"), SAME("[1]\x0c"), SAME("/* */[]"), SAME("//\n[]"),
};
#endif

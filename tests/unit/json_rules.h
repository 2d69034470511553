/*
 * json_rules.h - RFC 8259, production by production: texts that a rule derives and texts that none does
 *
 * Every text was written for the rule above it. The rules are those of sections 2 to 8; what the RFC
 * leaves to the reader and this one decides is said at the end: a name twice in an object is refused,
 * a byte order mark is, and text that is not UTF-8. test_json_grammar.c makes all short texts of some
 * alphabets besides, and compares with a recogniser that follows the same productions.
 */
#ifndef JSON_RULES_H
#define JSON_RULES_H

#include <stddef.h>

struct json_text {
    const char *rule, *text;
    size_t len;
    const char *back; /* the compact text it comes back as; NULL: text itself, or it is refused */
};
#define AS_IS(rule, s) {rule, s, sizeof(s) - 1, NULL}
#define COMES_AS(rule, s, t) {rule, s, sizeof(s) - 1, t}

static const struct json_text derived[] = {
    /* JSON-text = ws value ws; a value is any of seven, not only an object or an array */
    AS_IS("text", "{}"), AS_IS("text", "[]"), AS_IS("text", "7"), AS_IS("text", "\"bus\""),
    AS_IS("text", "true"), AS_IS("text", "false"), AS_IS("text", "null"),
    /* ws = *( space / tab / LF / CR ), before and after each of the six structural characters */
    COMES_AS("ws", " 7", "7"), COMES_AS("ws", "7\n", "7"), COMES_AS("ws", "\t\t7\r\n ", "7"),
    COMES_AS("ws", "\r[\r]\r", "[]"), COMES_AS("ws", "\n{\n}\n", "{}"),
    COMES_AS("ws", "[ \"p\" , \"q\" ]", "[\"p\",\"q\"]"),
    COMES_AS("ws", "{\t\"p\"\t:\t1\t,\t\"q\"\t:\t2\t}", "{\"p\":1,\"q\":2}"),
    COMES_AS("ws", "[\r\n\t1 \r\n\t,\r\n\t2 \r\n\t]", "[1,2]"),
    COMES_AS("ws", "[ [ ] , { } ]", "[[],{}]"),
    /* array = begin-array [ value *( value-separator value ) ] end-array */
    AS_IS("array", "[null]"), AS_IS("array", "[true,false]"), AS_IS("array", "[[]]"),
    AS_IS("array", "[[],[]]"), AS_IS("array", "[[[1],2],3]"), AS_IS("array", "[{}]"),
    AS_IS("array", "[{\"k\":[{\"k\":[]}]}]"), AS_IS("array", "[1,\"1\",1.0,[1],{\"1\":1},true,null]"),
    AS_IS("array", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]"),     /* the last that needs one byte */
    AS_IS("array", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"),  /* the first that needs more */
    /* object = begin-object [ member *( value-separator member ) ] end-object; member = string : value */
    AS_IS("object", "{\"\":null}"), AS_IS("object", "{\"k\":{}}"), AS_IS("object", "{\"k\":[]}"),
    AS_IS("object", "{\"b\":1,\"a\":2}"), AS_IS("object", "{\"k\":1,\"K\":1,\"k \":1,\" k\":1}"),
    AS_IS("object", "{\"k\":{\"k\":{\"k\":\"k\"}}}"), AS_IS("object", "{\"{}\":\"[],:\"}"),
    AS_IS("object", "{\"null\":null,\"true\":true,\"1\":1}"),
    COMES_AS("object", "{\"\\u006b\":1,\"K\":2}", "{\"k\":1,\"K\":2}"),
    AS_IS("object", "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
                    "\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1}"),
    AS_IS("object", "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
                    "\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1}"),
    /* int = zero / ( digit1-9 *DIGIT ), with a minus or without */
    AS_IS("int", "0"), AS_IS("int", "-0"), AS_IS("int", "-5"), AS_IS("int", "10"), AS_IS("int", "9070"),
    /* ... at each width that its value can be held in */
    AS_IS("int", "[127,128,255,256,65535,65536,4294967295,4294967296]"),
    AS_IS("int", "[-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649]"),
    AS_IS("int", "[9223372036854775807,9223372036854775808]"),
    AS_IS("int", "[-9223372036854775808,-9223372036854775809]"),
    AS_IS("int", "[18446744073709551615,18446744073709551616]"),
    AS_IS("int", "[98765432109876543210987654321,-98765432109876543210987654321]"),
    /* frac = decimal-point 1*DIGIT; the text is kept, digit for digit */
    AS_IS("frac", "0.0"), AS_IS("frac", "-0.0"), AS_IS("frac", "2.50"), AS_IS("frac", "2.5"),
    AS_IS("frac", "[10.000,0.125,-33.3]"), AS_IS("frac", "0.30000000000000000000000000000000000000004"),
    /* exp = e [ minus / plus ] 1*DIGIT */
    AS_IS("exp", "[3e0,3e00,3e07]"), AS_IS("exp", "[6E5,6E+5,6E-5,6e+5,6e-5]"), AS_IS("exp", "-0e-0"),
    AS_IS("exp", "[6.02e23,6.62E-34]"), AS_IS("exp", "[4e4000,-4e-4000]"),
    /* string: unescaped = %x20-21 / %x23-5B / %x5D-10FFFF, at each length of UTF-8 */
    AS_IS("string", "\"\""), AS_IS("string", "\" \""), AS_IS("string", "\"!#[]~\x7f\""),
    AS_IS("string", "\"\xc2\x80\xdf\xbf\""), AS_IS("string", "\"\xe0\xa0\x80\xed\x9f\xbf\""),
    AS_IS("string", "\"\xee\x80\x80\xef\xbf\xbf\""), AS_IS("string", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
    AS_IS("string", "\"Schraube M8\xc3\x97""20, \xe2\x88\x85 8 mm, \xf0\x9f\x94\xa9\""),
    AS_IS("string", "\"/* no comment */ // here\""), AS_IS("string", "\"\xe2\x80\xa8\xe2\x80\xa9\""),
    /* ... at the lengths where a reader of 16 or 32 bytes at once, and msgpack's headers, turn over */
    AS_IS("string", "\"fifteen letters\""), AS_IS("string", "\"sixteen  letters\""),
    AS_IS("string", "\"seventeen letters\""), AS_IS("string", "\"thirty-one letters are in here.\""),
    AS_IS("string", "\"thirty-two letters are in here..\""),
    AS_IS("string", "\"a plain run of text, then \xc3\xbc\""),
    /* escape = one of eight letters */
    COMES_AS("escape", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""),
    AS_IS("escape", "\"\\\"\""), AS_IS("escape", "\"\\\\\""), AS_IS("escape", "\"\\\\u0041\""),
    AS_IS("escape", "\"\\\\\\\"\""), AS_IS("escape", "\"after a longer run of text\\nand before\""),
    /* ... or u and four hex digits, in either case */
    COMES_AS("escape-u", "\"\\u0041\\u005a\\u007E\"", "\"AZ~\""), AS_IS("escape-u", "\"\\u0000\""),
    AS_IS("escape-u", "\"\\u0001\\u001f\""), COMES_AS("escape-u", "\"\\u0009\\u000a\\u000D\"", "\"\\t\\n\\r\""),
    COMES_AS("escape-u", "\"\\u0022\\u005c\\u002F\"", "\"\\\"\\\\/\""),
    COMES_AS("escape-u", "\"\\u00df\\u07Ff\"", "\"\xc3\x9f\xdf\xbf\""),
    COMES_AS("escape-u", "\"\\u0800\\uD7FF\\uE000\\ufffF\"", "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
    /* ... beyond the first plane two of them (section 7: a surrogate pair) */
    COMES_AS("escape-pair", "\"\\uD800\\uDC00\"", "\"\xf0\x90\x80\x80\""),
    COMES_AS("escape-pair", "\"\\udbff\\udfff\"", "\"\xf4\x8f\xbf\xbf\""),
    COMES_AS("escape-pair", "\"\\uD83d\\uDd29\\ud83D\\udD27\"", "\"\xf0\x9f\x94\xa9\xf0\x9f\x94\xa7\""),
};

static const struct json_text refused[] = {
    /* JSON-text: one value, and nothing but ws around it */
    AS_IS("text", ""), AS_IS("text", " "), AS_IS("text", "\n\t"), AS_IS("text", "7 8"), AS_IS("text", "{} {}"),
    AS_IS("text", "[],"), AS_IS("text", ",[]"), AS_IS("text", "[]]"), AS_IS("text", "{}}"), AS_IS("text", "\"p\"q"),
    AS_IS("text", "null null"), AS_IS("text", "[]\0"), AS_IS("text", "\0[]"), AS_IS("text", "7;"), AS_IS("text", ":"),
    AS_IS("text", "// why\n7"), AS_IS("text", "7 /* why */"), AS_IS("text", "# why\n7"), AS_IS("text", "<a/>"),
    /* ws: four characters, no other blank of ASCII or Unicode */
    AS_IS("ws", "\f7"), AS_IS("ws", "7\v"), AS_IS("ws", "[\x1f]"), AS_IS("ws", "[\xc2\xa0]"),
    AS_IS("ws", "[\xc2\x85]"),
    AS_IS("ws", "[1,\xe2\x80\x89""2]"), AS_IS("ws", "[\xe2\x80\xa9]"), AS_IS("ws", "{\xe3\x80\x80}"),
    AS_IS("ws", "\\n7"),
    AS_IS("ws", "[\0]"),
    /* the literals: these letters, lower case, nothing else */
    AS_IS("literal", "True"), AS_IS("literal", "FALSE"), AS_IS("literal", "nUll"), AS_IS("literal", "tru"),
    AS_IS("literal", "fals"), AS_IS("literal", "nul"), AS_IS("literal", "truee"), AS_IS("literal", "null0"),
    AS_IS("literal", "[false1]"), AS_IS("literal", "[nil]"), AS_IS("literal", "[none]"), AS_IS("literal", "t rue"),
    AS_IS("literal", "[yes]"), AS_IS("literal", "NaN"), AS_IS("literal", "Infinity"), AS_IS("literal", "[-Infinity]"),
    AS_IS("literal", "undefined"), AS_IS("literal", "[true,fals"), AS_IS("literal", "n"),
    /* array: ended by its own bracket, commas between two values and nowhere else */
    AS_IS("array", "["), AS_IS("array", "]"), AS_IS("array", "[[]"), AS_IS("array", "[7"), AS_IS("array", "[7,"),
    AS_IS("array", "[,]"), AS_IS("array", "[,7]"), AS_IS("array", "[7,]"), AS_IS("array", "[7,,8]"),
    AS_IS("array", "[7 8]"),
    AS_IS("array", "[7}"), AS_IS("array", "[{]"), AS_IS("array", "[\"p\" \"q\"]"), AS_IS("array", "[7:8]"),
    AS_IS("array", "[[] []]"), AS_IS("array", "[\"p\":7]"), AS_IS("array", "[7;8]"), AS_IS("array", "(7)"),
    AS_IS("array", "[}"),
    /* object: members of a string, a colon and a value */
    AS_IS("object", "{"), AS_IS("object", "}"), AS_IS("object", "{\"k\""), AS_IS("object", "{\"k\":"),
    AS_IS("object", "{\"k\":7"),
    AS_IS("object", "{\"k\":7,"), AS_IS("object", "{\"k\":7,}"), AS_IS("object", "{,\"k\":7}"),
    AS_IS("object", "{,}"),
    AS_IS("object", "{\"k\":7,,\"l\":8}"), AS_IS("object", "{\"k\":7 \"l\":8}"), AS_IS("object", "{\"k\" 7}"),
    AS_IS("object", "{\"k\"::7}"), AS_IS("object", "{\"k\",7}"), AS_IS("object", "{\"k\"=7}"),
    AS_IS("object", "{\"k\":}"),
    AS_IS("object", "{:7}"), AS_IS("object", "{\"k\"}"), AS_IS("object", "{\"k\",\"l\"}"),
    AS_IS("object", "{\"k\":7]"),
    AS_IS("object", "{]"), AS_IS("object", "{k:7}"), AS_IS("object", "{'k':7}"), AS_IS("object", "{7:7}"),
    AS_IS("object", "{null:7}"), AS_IS("object", "{[]:7}"), AS_IS("object", "{{}:7}"), AS_IS("object", "{\"k\":7:8}"),
    AS_IS("object", "{\"k\":7}/"), AS_IS("object", "{/**/\"k\":7}"), AS_IS("object", "{\"k\":7,\"l\"}"),
    /* number: no plus in front, no needless zero, digits on both sides of the point, digits after the e */
    AS_IS("number", "-"), AS_IS("number", "+7"), AS_IS("number", "--7"), AS_IS("number", "-+7"),
    AS_IS("number", "- 7"),
    AS_IS("number", "00"), AS_IS("number", "-00"), AS_IS("number", "07"), AS_IS("number", "-07"),
    AS_IS("number", "[00.5]"),
    AS_IS("number", ".5"), AS_IS("number", "-.5"), AS_IS("number", "5."), AS_IS("number", "[5.]"),
    AS_IS("number", "5.e5"),
    AS_IS("number", "5..5"), AS_IS("number", "5.5.5"), AS_IS("number", "5.-5"), AS_IS("number", "5,5"),
    AS_IS("number", "."),
    AS_IS("number", "5e"), AS_IS("number", "5E"), AS_IS("number", "5e+"), AS_IS("number", "5e-"),
    AS_IS("number", "[5.5e]"),
    AS_IS("number", "5ee5"), AS_IS("number", "5e+-5"), AS_IS("number", "5e5.5"), AS_IS("number", "5e 5"),
    AS_IS("number", "e5"),
    AS_IS("number", "5e5e5"), AS_IS("number", "0x1F"), AS_IS("number", "0b10"), AS_IS("number", "0o7"),
    AS_IS("number", "1F"),
    AS_IS("number", "1_000"), AS_IS("number", "1'000"), AS_IS("number", "5d"), AS_IS("number", "5+5"),
    AS_IS("number", "5-"),
    AS_IS("number", "[5 .5]"), AS_IS("number", "\xd9\xa7"), AS_IS("number", "5\xc2\xbd"), AS_IS("number", "-null"),
    AS_IS("number", "5\0"),
    AS_IS("number", "0e"), AS_IS("number", "0.e"), AS_IS("number", "-e5"), AS_IS("number", "5\x80"),
    /* string: between two quotation marks, its control characters escaped */
    AS_IS("string", "\""), AS_IS("string", "\"p"), AS_IS("string", "p\""), AS_IS("string", "'p'"),
    AS_IS("string", "`p`"), AS_IS("string", "p"),
    AS_IS("string", "\"p\"\""), AS_IS("string", "\"\0\""), AS_IS("string", "\"\x01\""), AS_IS("string", "\"p\tq\""),
    AS_IS("string", "\"p\nq\""),
    AS_IS("string", "\"p\rq\""), AS_IS("string", "\"\x1f\""),
    AS_IS("string", "\"a longer run of text, then\x1e""it\""), AS_IS("string", "[\"p]"),
    AS_IS("string", "\xe2\x80\x9cp\xe2\x80\x9d"),
    /* escape: none but the eight letters and u */
    AS_IS("escape", "\"\\"), AS_IS("escape", "\"\\\""), AS_IS("escape", "\"\\a\""), AS_IS("escape", "\"\\v\""),
    AS_IS("escape", "\"\\0\""),
    AS_IS("escape", "\"\\x41\""), AS_IS("escape", "\"\\'\""), AS_IS("escape", "\"\\N\""), AS_IS("escape", "\"\\ \""),
    AS_IS("escape", "\"\\\n\""),
    AS_IS("escape", "\"\\\0\""), AS_IS("escape", "\"\\\xc3\xbc\""), AS_IS("escape", "\"\\\\\\\""),
    AS_IS("escape", "\\\"p\""), AS_IS("escape", "[\\u0020]"),
    /* escape-u: exactly four hex digits */
    AS_IS("escape-u", "\"\\u\""), AS_IS("escape-u", "\"\\u0\""), AS_IS("escape-u", "\"\\u00e\""),
    AS_IS("escape-u", "\"\\u00g0\""),
    AS_IS("escape-u", "\"\\u+0e9\""), AS_IS("escape-u", "\"\\u 0e9\""), AS_IS("escape-u", "\"\\U00e9\""),
    AS_IS("escape-u", "\"\\u{e9}\""),
    AS_IS("escape-u", "\"\\u00"), AS_IS("escape-u", "\"\\u00e\xc3\xa9\""), AS_IS("escape-u", "\"\\u0x41\""),
    AS_IS("escape-u", "\"\\u004\\u0041\""),
    /* escape-pair: a high one, then a low one, both escaped */
    AS_IS("escape-pair", "\"\\ud900\""), AS_IS("escape-pair", "\"\\uda00 \""), AS_IS("escape-pair", "\"\\udc00\""),
    AS_IS("escape-pair", "\"p\\uDFFF\""),
    AS_IS("escape-pair", "\"\\uDC00\\uD800\""), AS_IS("escape-pair", "\"\\uD900\\uD900\""),
    AS_IS("escape-pair", "\"\\uD900\\u0041\""),
    AS_IS("escape-pair", "\"\\uD900\\n\""), AS_IS("escape-pair", "\"\\uD900udc00\""),
    AS_IS("escape-pair", "\"\\uD900\\"), AS_IS("escape-pair", "\"\\uD900\\u"),
    AS_IS("escape-pair", "\"\\uD900\\uDC\""), AS_IS("escape-pair", "\"\\uD900\\uDC0\""),
    AS_IS("escape-pair", "\"\\uD900\xed\xb0\x80\""),
    AS_IS("escape-pair", "\"\\uDBFF\\uE000\""), AS_IS("escape-pair", "\"\\uDBFF\\uDBFF\\uDFFF\""),
    /* section 8.1: UTF-8 and no other encoding, here shown by RFC 3629's own limits */
    AS_IS("utf-8", "\"\x80\""), AS_IS("utf-8", "\"\xbf\""), AS_IS("utf-8", "\"\xc3\""),
    AS_IS("utf-8", "\"\xe2\x82\""), AS_IS("utf-8", "\"\xf0\x9f\x94\""),
    AS_IS("utf-8", "\"\xc3p\""), AS_IS("utf-8", "\"\xc0\x80\""), AS_IS("utf-8", "\"\xc1\xa1\""),
    AS_IS("utf-8", "\"\xe0\x9f\xbf\""),
    AS_IS("utf-8", "\"\xf0\x8f\xbf\xbf\""), AS_IS("utf-8", "\"\xed\xa1\x80\""), AS_IS("utf-8", "\"\xed\xbf\xbf\""),
    AS_IS("utf-8", "\"\xf4\x90\x80\x80\""),
    AS_IS("utf-8", "\"\xf5\x80\x80\x80\""), AS_IS("utf-8", "\"\xf8\x88\x80\x80\x80\""), AS_IS("utf-8", "\"\xfe\""),
    AS_IS("utf-8", "\"\xff\""),
    AS_IS("utf-8", "\xfc"), AS_IS("utf-8", "{\"\xe9t\xe9\":7}"), AS_IS("utf-8", "\xff\xfe""7\0"),
    AS_IS("utf-8", "\xfe\xff\0""7"), AS_IS("utf-8", "\"\xc3"),
    AS_IS("utf-8", "7\0"), AS_IS("utf-8", "\0""7"), AS_IS("utf-8", "[\0\"\0p\0\"\0]\0"),
    AS_IS("utf-8", "\"a longer run of text, then \xe2\x28\xa1\""),
    /* section 8.1: a byte order mark must not be added; a reader may refuse it, and this one does */
    AS_IS("byte order mark", "\xef\xbb\xbf"), AS_IS("byte order mark", "\xef\xbb\xbf""7"),
    AS_IS("byte order mark", "[\xef\xbb\xbf]"), AS_IS("byte order mark", "\xef\xbb"),
    /* section 4: names should be unique; here they must, after their escapes are read */
    AS_IS("names", "{\"k\":7,\"k\":7}"), AS_IS("names", "{\"k\":7,\"l\":8,\"k\":9}"),
    AS_IS("names", "{\"\":7,\"\":8}"),
    AS_IS("names", "{\"k\":7,\"\\u006B\":8}"), AS_IS("names", "[{\"p\":{\"k\":1,\"l\":2,\"k\":3}}]"),
    AS_IS("names", "{\"\xc3\xbc\":7,\"\\u00fc\":8}"),
    AS_IS("names", "{\"k\":{\"k\":1},\"k\":2}"), AS_IS("names", "{\"\\ud83d\\udd29\":7,\"\xf0\x9f\x94\xa9\":8}"),
};
#endif

/*
 * config_schema.c - a connector's own keys against its manifest's schema
 */
#include "tests/unit/config_rig.h"

#include <stdlib.h>
#include <string.h>

static const char schema_text[] =
    "{\"type\":\"object\",\"required\":[\"base_url\",\"password\"],\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"format\":\"uri\",\"description\":\"where the ERP is\"},"
    "\"password\":{\"format\":\"secret\"},"
    "\"timeout\":{\"type\":\"string\",\"format\":\"duration\",\"default\":\"30s\","
    "\"minimum\":1000,\"maximum\":60000},"
    "\"chunk\":{\"type\":\"string\",\"format\":\"size\",\"default\":65536},"
    "\"wait\":{\"type\":\"integer\",\"format\":\"duration\",\"default\":1500},"
    "\"mode\":{\"type\":\"string\",\"enum\":[\"json\",\"jsonl\",\"csv\"],\"default\":\"json\"},"
    "\"client\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":3},"
    "\"port\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535},"
    "\"factor\":{\"type\":\"number\"},"
    "\"records\":{\"type\":\"string\",\"format\":\"pointer\"},"
    "\"ok\":{\"format\":\"uint-list\",\"default\":[200,201]},"
    "\"dir\":{\"type\":\"string\",\"format\":\"path\"},"
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"tls\":{\"type\":\"object\",\"default\":{},\"properties\":{"
    "\"verify\":{\"type\":\"boolean\",\"default\":true}}},"
    "\"tags\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}},"
    "\"auth\":{\"type\":\"object\",\"required\":[\"key\"],\"properties\":{"
    "\"key\":{\"format\":\"secret\"},\"user\":{\"type\":\"string\"}}},"
    "\"any\":{\"additionalProperties\":true}}}";

START_TEST(a_good_config_is_converted_and_filled)
{
    struct bb_buf out;
    struct bb_bytes secret;
    char *j, want[800];

    write_file("pw", "hunter2\n");
    setenv("BB_TEST_KEY", "s3cret", 1);
    setenv("BB_TEST_PORT", "8443", 1);
    load_config("      base_url: https://erp.example/x\n"
                "      password: {file: pw}\n"
                "      timeout: 1m\n"
                "      client: 100\n"
                "      port: ${BB_TEST_PORT}\n"
                "      factor: 1.50\n"
                "      records: /a~1b/0\n"
                "      dir: in\n"
                "      headers: {X-A: b}\n"
                "      tags: [a, b]\n"
                "      auth: {key: {env: BB_TEST_KEY}, user: u}\n"
                "      any: {x: [1, {y: null}]}\n");
    ck_assert_int_eq(check_with(schema_text, &out), 0);
    EXPECT(NULL);
    j = json_of((struct bb_bytes){out.ptr, out.len});
    snprintf(want, sizeof(want),
             "{\"base_url\":\"https://erp.example/x\",\"password\":\"erp/password\","
             "\"timeout\":60000,\"client\":\"100\",\"port\":8443,\"factor\":1.50,"
             "\"records\":\"/a~1b/0\",\"dir\":\"%s/in\",\"headers\":{\"X-A\":\"b\"},"
             "\"tags\":[\"a\",\"b\"],\"auth\":{\"key\":\"erp/auth.key\",\"user\":\"u\"},"
             "\"any\":{\"x\":[1,{\"y\":null}]},\"chunk\":65536,\"wait\":1500,\"mode\":\"json\",\"ok\":[200,201],"
             "\"tls\":{\"verify\":true}}",
             dir);
    ck_assert_str_eq(j, want);
    ck_assert_int_eq(bb_config_secret(conf, "erp", "erp/password", &secret), 0);
    ck_assert_uint_eq(secret.len, 7);
    ck_assert_mem_eq(secret.ptr, "hunter2", 8);
    ck_assert_int_eq(bb_config_secret(conf, "erp", "erp/auth.key", &secret), 0);
    ck_assert_mem_eq(secret.ptr, "s3cret", 7);
    ck_assert_int_eq(bb_config_secret(conf, "plm", "erp/auth.key", &secret), -1);
    free(j);
    bb_buf_free(&out);
}
END_TEST

START_TEST(faults_in_a_config_have_their_place)
{
    struct bb_buf out;
    char *p;

    load_config("      base_ulr: https://erp.example/x\n" /* 5 */
                "      password: hunter2\n"               /* 6 */
                "      timeout: 30\n"                     /* 7 */
                "      chunk: 4XB\n"                      /* 8 */
                "      mode: jsn\n"                       /* 9 */
                "      client: 12\n"                      /* 10 */
                "      port: 70000\n"                     /* 11 */
                "      factor: abc\n"                     /* 12 */
                "      records: a\n"                      /* 13 */
                "      ok: [200, x]\n"                    /* 14 */
                "      headers: {a: [1]}\n"               /* 15 */
                "      tls:\n"                            /* 16 */
                "        verfy: true\n"                   /* 17 */
                "      tags: []\n"                        /* 18 */
                "      auth: {user: true}\n");            /* 19 */
    ck_assert_int_eq(check_with(schema_text, &out), -1);
    ck_assert_uint_eq(out.len, 0);
    EXPECT(
        "10.yaml:4:5: endpoint \"erp\": \"base_url\" is missing (where the ERP is)",
        "10.yaml:5:7: endpoint \"erp\": unknown key \"base_ulr\" (did you mean \"base_url\"?)",
        "10.yaml:6:17: endpoint \"erp\": password: secrets are given as {file: ...}, {env: ...} "
        "or {credential: ...}",
        "10.yaml:7:16: endpoint \"erp\": timeout: \"30\" has no unit; write 500ms, 30s, 2m, 1h "
        "or 3d",
        "10.yaml:8:14: endpoint \"erp\": chunk: \"4XB\" has an unknown unit; units are B, KiB, "
        "MiB, GiB and TiB",
        "10.yaml:9:13: endpoint \"erp\": mode: \"jsn\" is not allowed; it is one of json, jsonl, "
        "csv (did you mean \"json\"?)",
        "10.yaml:10:15: endpoint \"erp\": client: is shorter than 3 characters",
        "10.yaml:11:13: endpoint \"erp\": port: \"70000\" is out of range: 1 to 65535",
        "10.yaml:12:15: endpoint \"erp\": factor: expected a number, found a text",
        "10.yaml:13:16: endpoint \"erp\": records: \"a\" is not a JSON pointer: it starts with "
        "\"/\"",
        "10.yaml:14:17: endpoint \"erp\": ok[1]: expected a whole number, found a text",
        "10.yaml:15:17: endpoint \"erp\": headers.a: expected a text, found a list",
        "10.yaml:17:9: endpoint \"erp\": tls: unknown key \"verfy\" (did you mean \"verify\"?)",
        "10.yaml:18:7: endpoint \"erp\": tags: holds 0 values; at least 1 are needed",
        "10.yaml:19:7: endpoint \"erp\": auth: \"key\" is missing",
        "10.yaml:19:20: endpoint \"erp\": auth.user: expected a text, found true or false");
    p = printed();
    ck_assert_ptr_null(strstr(p, "hunter2")); /* refused, and not shown */
    ck_assert_ptr_nonnull(strstr(p, "password: *******"));
    ck_assert_ptr_nonnull(strstr(p, "client: 12\n"));  /* no secret, and shown */
    ck_assert_ptr_nonnull(strstr(p, "base_ulr: ****")); /* beside a secret: it may be one */
    free(p);
    bb_buf_free(&out);
}
END_TEST

START_TEST(faulty_schemas_name_the_connector)
{
    static const char *const faulty[][2] = {
        {"[]", "expected a map, found a list"},
        {"{\"properties\":{\"a\":{\"type\":\"strng\"}}}",
         "properties.a.type: \"strng\" is not allowed; it is one of string, integer, number, "
         "boolean, array, object, null (did you mean \"string\"?)"},
        {"{\"properties\":{\"a\":{\"type\":[\"string\",\"map\"]}}}",
         "properties.a.type[1]: \"map\" is not allowed; it is one of string, integer, number, "
         "boolean, array, object, null"},
        {"{\"properties\":{\"a\":{\"oneOf\":[]}}}", "properties.a: unknown key \"oneOf\""},
        {"{\"properties\":{\"a\":{\"items\":{\"format\":\"email\"}}}}",
         "properties.a.items.format: \"email\" is not allowed; it is one of duration, size, "
         "secret, pointer, uri, http-url, path, uint-list, address"},
        {"{\"required\":[1]}", "required[0]: expected a text, found a whole number"},
        {"{\"minLength\":-1}", "minLength: \"-1\" is out of range: 0 to 1e+15"},
        {"{\"anyOf\":[{\"required\":[]}]}",
         "anyOf[0].required: holds 0 values; at least 1 are needed"},
        {"{\"properties\":{\"a\":{\"type\":\"integer\",\"default\":\"x\"}}}",
         "a.default: expected a whole number, found a text"},
        {"{\"properties\":{\"a\":{\"format\":\"secret\",\"default\":\"x\"}}}",
         "properties.a: a secret has no default"},
    };
    struct bb_buf out;
    char want[300];
    size_t i;

    load_config("      {}\n");
    for (i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        ck_assert_int_eq(check_with(faulty[i][0], &out), -1);
        ck_assert_uint_eq(diags.n, 1);
        snprintf(want, sizeof(want), "connector \"sap\" has a faulty schema: %s", faulty[i][1]);
        ck_assert_str_eq(diags.v[0].text, want);
        ck_assert_uint_eq(diags.v[0].line, 3);
        bb_buf_free(&out);
        bb_diags_free(&diags);
    }
}
END_TEST

TCase *config_schema(void)
{
    TCase *t = config_case("config_schema");

    tcase_add_test(t, a_good_config_is_converted_and_filled);
    tcase_add_test(t, faults_in_a_config_have_their_place);
    tcase_add_test(t, faulty_schemas_name_the_connector);
    return t;
}

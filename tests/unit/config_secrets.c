/*
 * config_secrets.c - secrets are read where a schema wants them, and shown nowhere
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "tests/unit/config_rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(secrets_never_leak)
{
    struct bb_buf out;
    char *p, *big = calloc(1, 70000);
    char path[128];

    ck_assert_ptr_nonnull(big);
    memset(big, 'x', 69999);
    write_file("big", big);
    free(big);
    write_file("open", "hunter2\n");
    snprintf(path, sizeof(path), "%s/open", dir);
    ck_assert_int_eq(chmod(path, 0644), 0);
    unsetenv("CREDENTIALS_DIRECTORY");
    unsetenv("BB_TEST_NONE");
    write_file("10.yaml",
               "endpoints:\n"
               "  erp: {connector: sap, wrokers: 3, config: {token: hunter2, a: {file: open}, "
               "b: {file: gone}, c: {file: big}, d: {credential: x}, e: {env: BB_TEST_NONE}, "
               "f: {file: [hunter2]}, u: \"http://u:hunter2@h/\"}}\n");
    load();
    ck_assert_ptr_null(conf); /* wrokers: the excerpt shows the whole line */
    p = printed();
    ck_assert_ptr_nonnull(strstr(p, "wrokers"));
    ck_assert_ptr_null(strstr(p, "token: hunter2"));
    free(p);
    bb_diags_free(&diags);
    load_config("      token: hunter2\n      a: {file: open}\n      b: {file: gone}\n"
                "      c: {file: big}\n      d: {credential: x}\n      e: {env: BB_TEST_NONE}\n"
                "      f: {value: hunter2}\n      u: \"http://u:hunter2@h/\"\n");
    ck_assert_int_eq(
        check_with("{\"properties\":{\"token\":{\"format\":\"secret\"},\"u\":{\"format\":\"uri\"}},"
                   "\"additionalProperties\":{\"format\":\"secret\"}}",
                   &out),
        -1);
    EXPECT(
        "10.yaml:5:14: endpoint \"erp\": token: secrets are given as {file: ...}, {env: ...} or "
        "{credential: ...}",
        "10.yaml:6:17: endpoint \"erp\": a: secret file \"open\" can be read by everyone: chmod "
        "o-r",
        "10.yaml:7:17: endpoint \"erp\": b: secret file \"gone\" cannot be read: No such file or "
        "directory",
        "10.yaml:8:17: endpoint \"erp\": c: secret file \"big\" cannot be read: it is larger than "
        "64 KiB",
        "10.yaml:9:23: endpoint \"erp\": d: credentials come from systemd, and "
        "CREDENTIALS_DIRECTORY is not set: add LoadCredential= to the unit",
        "10.yaml:10:16: endpoint \"erp\": e: environment variable \"BB_TEST_NONE\" is not set",
        "10.yaml:11:7: endpoint \"erp\": f: secrets are given as {file: ...}, {env: ...} or "
        "{credential: ...}",
        "10.yaml:12:10: endpoint \"erp\": u: a URI may not hold a password: give it as a secret "
        "of its own");
    p = printed();
    ck_assert_ptr_null(strstr(p, "hunter2"));
    free(p);
    ck_assert_ptr_null(memmem(out.ptr, out.cap, "hunter2", 7));
    bb_buf_free(&out);
}
END_TEST

/* Under a misspelt key and beside a fault of the YAML no one knows that it is one. */
START_TEST(unparsed_lines_show_only_what_is_harmless)
{
    static const char *const lines[] = {
        "      pasword: \"hunter2",
        "      pasword: hunter2: x",
        "      auth: {baerer: hunter2, other: [}",
        "      - hunter2: [",
        "      hunter2\n  x: y",
        "      'hunter2",
        "      # hunter2\n      - a\n      b: c",
        "    config: {pasword: hunter2, x: [}",
        "      workers: 3, from: {pasword: hunter2, x: [}",
        "      pasword: !text hunter2",
        "      pasword: &name hunter2",
        "      pasword: x, workers: \"hunter2",
        "      ? hunter2\n      [",
        "      pasword: hunter2\n      ---",
        "      pasword: {a: hunter2, a: hunter2}",
        "      pasword: 0078hunter2\n      other: \"${BB_TEST_NONE}\"",
        "      x: {pasword: hunter2, other: \"${BB_TEST_NONE}\"}",
        "      x: {pasword: 0078, other: 007}",
    };
    char text[400], *p;
    size_t i;

    unsetenv("BB_TEST_NONE");
    for (i = 0; i < BB_COUNT(lines); i++) {
        snprintf(text, sizeof(text), "endpoints:\n  erp:\n    connector: sap\n    config:\n%s\n",
                 lines[i]);
        write_file("10.yaml", text);
        load();
        p = printed();
        ck_assert_msg(!conf && diags.errors, "%s", lines[i]);
        ck_assert_msg(!strstr(p, "hunter2") && !strstr(p, "0078"), "%s", p);
        free(p);
        bb_diags_free(&diags);
    }
    write_file("10.yaml", "routes:\n  r:\n    retry: {attempts: 12, initial: [1s}\n");
    load();
    p = printed();
    ck_assert_msg(strstr(p, "retry: {attempts: 12, initial: ****\n") != NULL, "%s", p);
    free(p);
}
END_TEST

START_TEST(systemd_credentials_are_read)
{
    struct bb_buf out;
    struct bb_bytes secret;

    write_file("erp-pw", "hunter2");
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    load_config("      k: {credential: erp-pw}\n");
    ck_assert_int_eq(check_with("{\"properties\":{\"k\":{\"format\":\"secret\"}}}", &out), 0);
    ck_assert_int_eq(bb_config_secret(conf, "erp", "erp/k", &secret), 0);
    ck_assert_mem_eq(secret.ptr, "hunter2", 8);
    bb_buf_free(&out);
    bb_config_free(conf);
    load_config("      k: {credential: x/../erp-pw}\n");
    ck_assert_int_eq(check_with("{\"properties\":{\"k\":{\"format\":\"secret\"}}}", &out), -1);
    EXPECT("10.yaml:5:23: endpoint \"erp\": k: a credential is a name without \"/\", as in "
           "LoadCredential=");
    bb_buf_free(&out);
}
END_TEST

TCase *config_secrets(void)
{
    TCase *t = config_case("config_secrets");

    tcase_add_test(t, secrets_never_leak);
    tcase_add_test(t, unparsed_lines_show_only_what_is_harmless);
    tcase_add_test(t, systemd_credentials_are_read);
    return t;
}

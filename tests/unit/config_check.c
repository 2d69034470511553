/*
 * config_check.c - what `busbar check` says of real connectors' manifests, without running them
 *
 * The test programs run in the top of the build folder, where the plugins are.
 */
#include "tests/unit/config_rig.h"

#include <stdlib.h>
#include "core/hub/generation.h"

static void check(const char *text)
{
    struct bb_generation *g;

    ck_assert_int_eq(setenv("BUSBAR_PLUGIN_PATH", "plugins/http/.libs:plugins/file/.libs", 1), 0);
    write_file("10.yaml", text);
    g = bb_generation_load(dir, &diags);
    bb_generation_free(&g);
}

START_TEST(every_faulty_step_is_reported)
{
    check("endpoints:\n"
          "  shop: {connector: file, config: {directory: /tmp}}\n"
          "  erp: {connector: http, config: {url: \"http://h/\"}}\n"
          "routes:\n"
          "  r:\n"
          "    from: shop\n"
          "    to: erp\n"
          "    on_unknown: retry\n"
          "    transform:\n"
          "      - map: [{renam: {from: /data/a, to: /data/b}}]\n"
          "      - jqq: .x\n"
          "      - map: [{drop: /data/a}]\n"
          "      - map: [{drop: /data/a}, {rename: {from: /data/a, too: /data/b}}]\n");
    ck_assert_uint_eq(diags.n, 3);
    ck_assert_uint_eq(diags.v[0].line, 10);
    ck_assert_uint_eq(diags.v[0].col, 16);
    ck_assert_ptr_nonnull(strstr(diags.v[0].text, "route \"r\": "));
    ck_assert_ptr_nonnull(strstr(diags.v[0].text, "renam"));
    ck_assert_uint_eq(diags.v[1].line, 11);
    ck_assert_uint_eq(diags.v[1].col, 9);
    ck_assert_uint_eq(diags.v[2].line, 13);
    ck_assert_uint_eq(diags.v[2].col, 62);
    ck_assert_ptr_nonnull(strstr(diags.v[2].text, "too"));
}
END_TEST

TCase *config_check(void)
{
    TCase *t = config_case("config_check");

    tcase_add_test(t, every_faulty_step_is_reported);
    return t;
}

/*
 * config_check.c - what `busbar check` says of real connectors' manifests, without running them
 *
 * The test programs run in the top of the build folder, where the plugins are.
 */
#include "tests/unit/config_rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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

static void make_folder(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(bb_mkdirs(path, 0700), 0);
}

static void folder_end(const char *name, const char *const *files)
{
    char path[256];

    for (; *files; files++) {
        snprintf(path, sizeof(path), "%s/%s", dir, *files);
        (void)unlink(path);
    }
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(rmdir(path), 0);
}

#define HEAD                                                                                       \
    "endpoints:\n"                                                                                 \
    "  shop: {connector: file, config: {directory: /tmp}}\n"                                       \
    "  erp: {connector: http, config: {url: \"http://h/\"}}\n"                                     \
    "routes:\n"                                                                                    \
    "  r:\n"                                                                                       \
    "    from: shop\n"                                                                             \
    "    to: erp\n"                                                                                \
    "    on_unknown: retry\n"                                                                      \
    "    transform:\n"

/* A mistake inside a file that a step names is shown there; one file is read once. */
START_TEST(mistakes_in_maps_and_tables_have_their_place)
{
    static const char *const files[] = {"files/a.yaml", "files/b.yaml", "files/c.yaml", "files/t.csv", "files/u.csv",
                                        NULL};

    make_folder("files");
    write_file("files/a.yaml", "# a map\n"
                               "- drop: /data/x\n"
                               "- lookup: {from: /data/u, table: files/t.csv, key: sap, value: rec20}\n"
                               "- lookup: {from: /data/v, table: files/u.csv}\n"
                               "- copy: {from: /data/x/y,\n"
                               "         too: /data/z}\n");
    write_file("files/b.yaml", "- drop: [\n");
    write_file("files/c.yaml", "- drop: /data/x\n"
                               "- copy: {from: /data/x/y, to: /data/z}\n");
    write_file("files/t.csv", "sap,rec20\nST,H87\n\nKG,KGM\nST,XST\n");
    write_file("files/u.csv", "a,b\n1,2,3\n");
    check(HEAD "      - map: {file: files/a.yaml}\n"
               "      - map: {file: files/b.yaml}\n"
               "      - map: {file: files/none.yaml}\n"
               "      - map: {file: files/a.txt}\n"
               "      - map: {file: files/c.yaml}\n");
    EXPECT("10.yaml:12:21: route \"r\": file \"files/none.yaml\" cannot be used: No such file or directory",
           "10.yaml:13:21: route \"r\": file \"files/a.txt\" cannot be used: its name has to end in .yaml, .csv, .jq or .json",
           "a.yaml:6:15: route \"r\": unknown option \"too\"; did you mean \"to\"?",
           "b.yaml:2:1: not valid YAML: flow sequence without a closing bracket",
           "c.yaml:2:16: route \"r\": /data/x/y never has a value here: rule 1 (drop) took it away",
           "t.csv:5:1: route \"r\": the key \"ST\" is in row 2 already, with another value",
           "u.csv:2:6: not a table: line 2: 3 fields, but the first row has 2");
    folder_end("files", files);
}
END_TEST

/* What a route says passes, goes to the host as one piece. */
START_TEST(a_program_holds_its_files)
{
    static const char *const files[] = {"files/a.yaml", "files/t.csv", NULL};
    struct bb_generation *g;
    struct bb_bytes program, v, row;

    make_folder("files");
    write_file("files/a.yaml", "- lookup: {from: /data/u, table: files/t.csv}\n");
    write_file("files/t.csv", "\xef\xbb\xbfsap,rec20\r\n\"S,T\",H87\r\n");
    ck_assert_int_eq(setenv("BUSBAR_PLUGIN_PATH", "plugins/http/.libs:plugins/file/.libs", 1), 0);
    write_file("10.yaml", HEAD "      - map: {file: files/a.yaml}\n");
    g = bb_generation_load(dir, &diags);
    EXPECT(NULL);
    ck_assert_ptr_nonnull(g);
    program = bb_generation_program(g, &g->config->routes[0]);
    ck_assert_int_eq(bb_pointer_get(program, "/steps/0/map/file", &v), 1);
    ck_assert_int_eq(bb_pointer_get(program, "/files/files~1t.csv/1/0", &v), 1);
    ck_assert_int_eq(bb_as_str(v, &row), 1);
    ck_assert(bb_bytes_are(row, "S,T"));
    ck_assert_int_eq(bb_pointer_get(program, "/files/files~1a.yaml/0/lookup/from", &v), 1);
    bb_generation_free(&g);
    folder_end("files", files);
}
END_TEST

/* What a connector would refuse at its start is said before, at its place. */
START_TEST(a_config_is_checked_to_its_depth)
{
    static const struct {
        const char *line; /* 6 of 10.yaml, in the config of a source and sink */
        unsigned col;
        const char *text;
    } cases[] = {
        {"listen: localhost:8080", 15,
         "listen: \"localhost:8080\" is not an address: write "
         "127.0.0.1:8080, [::1]:8080 or :8080"},
        {"listen: 127.0.0.1", 15, "is not an address"},
        {"listen: \"::1:80\"", 15, "is not an address"},
        {"listen: 127.0.0.1:70000", 15, "a port is at most 65535"},
        {"url: ftp://h/x", 12,
         "url: \"ftp://h/x\" is not a URL that begins with http:// or https:// "
         "and a host"},
        {"url: \"http://\"", 12, "is not a URL that begins with http:// or https:// and a host"},
        {"outcomes: {409: okay}", 23,
         "outcomes.409: \"okay\" is not allowed; it is one of ok, retry, "
         "reject, down, unknown"},
        {"outcomes: {\"600\": ok}", 18,
         "outcomes: \"600\" is not as it has to be (a status such as 409, "
         "a class such as 5xx, or dns"},
        {"outcomes: {600: ok}", 18, "outcomes: \"600\" is not as it has to be"},
        {"outcomes: {timeouts: ok}", 18, "outcomes: \"timeouts\" is not as it has to be"},
        {"envelope: {item: a}", 7, "envelope: \"type\" is missing"},
        {"envelope: {type: {header: a, prefx: /a}}", 36,
         "envelope.type: unknown key \"prefx\" (did "
         "you mean \"prefix\"?)"},
        {"envelope: {type: {prefix: a}}", 18, "envelope.type: \"pointer\" or \"header\" is needed"},
        {"envelope: {type: {pointer: a}}", 34,
         "envelope.type.pointer: \"a\" is not a JSON pointer"},
        {"envelope: {type: a, Item: b}", 27, "envelope: \"Item\" is not as it has to be"},
        {"envelope: {type: [a]}", 18, "envelope.type: expected a text or a map, found a list"},
        {"headers: {a: [b]}", 17, "headers.a: expected a text, found a list"},
        {"probe: {path: applied}", 21,
         "probe.path: \"applied\" is not as it has to be (begins with /"},
        {"pattern: x", 7, "unknown key \"pattern\""},
    };
    char text[600], *p;
    size_t i;

    for (i = 0; i < BB_COUNT(cases); i++) {
        bool url = strncmp(cases[i].line, "url", 3) == 0;

        snprintf(text, sizeof(text),
                 "endpoints:\n  e:\n    connector: http\n    config:\n      %s\n      %s\n"
                 "routes:\n  r: {from: e, to: e, on_unknown: retry}\n",
                 url ? "listen: 127.0.0.1:0" : "url: \"http://h/{key}\"", cases[i].line);
        check(text);
        p = printed();
        ck_assert_msg(diags.n == 1 && diags.v[0].line == 6 && diags.v[0].col == cases[i].col &&
                          strstr(diags.v[0].text, cases[i].text),
                      "%s: %s", cases[i].line, p);
        free(p);
        bb_diags_free(&diags);
    }
    check(
        "endpoints:\n  e: {connector: http}\nroutes:\n  r: {from: e, to: e, on_unknown: retry}\n");
    EXPECT("10.yaml:2:3: endpoint \"e\": \"listen\" or \"url\" or \"poll\" is needed");
}
END_TEST

TCase *config_check(void)
{
    TCase *t = config_case("config_check");

    tcase_add_test(t, a_config_is_checked_to_its_depth);
    tcase_add_test(t, every_faulty_step_is_reported);
    tcase_add_test(t, mistakes_in_maps_and_tables_have_their_place);
    tcase_add_test(t, a_program_holds_its_files);
    return t;
}

/*
 * config_rig.c - a folder with files of a test's own, and what was said of them
 *
 * Thread: the test's. Memory: teardown frees the configuration, the findings and the folder.
 */
#include "tests/unit/config_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <busbar/json.h>

char dir[64];
struct bb_diags diags;
struct bb_config *conf;

void write_file(const char *name, const char *text)
{
    char path[256];
    size_t len = strlen(text);
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
    ck_assert_int_eq(close(fd), 0);
}

static void setup(void)
{
    strcpy(dir, "/tmp/bb-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    memset(&diags, 0, sizeof(diags));
    conf = NULL;
}

static void teardown(void)
{
    char cmd[128];

    bb_config_free(conf);
    bb_diags_free(&diags);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}

/* Everything that the printers show, in one text. */
char *printed(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(f);
    bb_diags_print(&diags, f);
    bb_diags_print_json(&diags, f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

void load(void)
{
    conf = bb_config_load(dir, &diags);
}

void load_good(const char *text)
{
    char *p;

    write_file("10.yaml", text);
    load();
    if (conf)
        return;
    p = printed();
    ck_abort_msg("%s", p);
}

/* Compares all diagnostics with "name:line:col: text", in order; NULL ends the list. */
void expect(const char *const *want)
{
    char got[1200];
    size_t i;

    for (i = 0; want[i] && i < diags.n; i++) {
        const struct bb_diag *x = &diags.v[i];
        const char *name = x->file ? strrchr(x->file, '/') + 1 : "-";

        snprintf(got, sizeof(got), "%s:%u:%u: %s", name, x->line, x->col, x->text);
        ck_assert_str_eq(got, want[i]);
    }
    if (i < diags.n)
        ck_abort_msg("not expected: %u:%u %s", diags.v[i].line, diags.v[i].col, diags.v[i].text);
    ck_assert_msg(!want[i], "missing: %s", want[i]);
}

/* A msgpack value as JSON text. */
char *json_of(struct bb_bytes v)
{
    struct bb_buf b;
    struct bb_fault err;

    bb_buf_init(&b, 1 << 20);
    ck_assert_msg(bb_json_write(v, &b, &err) == 0, "%s", err.text);
    bb_buf_put(&b, "", 1);
    ck_assert_int_eq(b.failed, 0);
    return (char *)b.ptr;
}

int check_with(const char *json, struct bb_buf *out)
{
    struct bb_buf schema;
    struct bb_fault err;
    int rc;

    bb_buf_init(&schema, 1 << 20);
    bb_buf_init(out, 1 << 20);
    ck_assert_msg(bb_json_read((struct bb_bytes){json, strlen(json)}, &schema, &err) == 0, "%s",
                  err.text);
    rc = bb_config_check_endpoint(conf, &conf->endpoints[0],
                                  (struct bb_bytes){schema.ptr, schema.len}, out, &diags);
    bb_buf_free(&schema);
    return rc;
}

void load_config(const char *config)
{
    char text[4096];

    snprintf(text, sizeof(text),
             "endpoints:\n  erp:\n    connector: sap\n    config:\n%s"
             "routes:\n  r: {from: erp, to: erp}\n",
             config);
    load_good(text);
}

TCase *config_case(const char *name)
{
    TCase *t = tcase_create(name);

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    return t;
}

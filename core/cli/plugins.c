/*
 * plugins.c - busbar plugins, busbar plugins inspect FILE
 *
 * Reads manifests out of the files; no code of a plugin's runs, so a stranger's file may be looked
 * at safely. Folders as for run: the configuration's, $BUSBAR_PLUGIN_PATH, the installed one.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include "core/config/config.h"
#include "core/host/host.h"

static void put_words(struct bb_rows *m, const char *key, const struct bb_manifest *p, bool roles)
{
    const struct { bool role, is; const char *word; } words[] = {
        {true, p->source, "source"}, {true, p->sink, "sink"}, {true, p->transform, "transform"},
        {false, p->probe, "probe"}, {false, p->query, "query"}, {false, p->health, "health"},
        {false, p->batch, "batch"}, {false, p->ordered_batch, "ordered-batch"}};
    char text[96];
    size_t n = 0;

    *text = '\0';
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (words[i].is && words[i].role == roles)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "", words[i].word);
    bb_rows_text(m, key, text);
}

static void put_manifest(struct bb_rows *list, const struct bb_manifest *p, const char *path)
{
    struct bb_rows m;

    bb_rows_begin(&m);
    bb_rows_text(&m, "id", p->id);
    bb_rows_text(&m, "version", p->version);
    bb_rows_text(&m, "vendor", p->vendor);
    put_words(&m, "roles", p, true);
    put_words(&m, "abilities", p, false);
    bb_rows_text(&m, "path", path);
    bb_rows_end_map(&m, bb_rows_item(list));
}

static int inspect(const struct bb_args *a)
{
    struct bb_manifest m = {0};
    struct bb_fault err = {0};
    struct bb_rows list;
    struct bb_bytes all;
    int rc = BB_EXIT_OK;

    if (bb_manifest_read(a->rest[1], &m, &err) < 0)
        return bb_cli_fail("%s: %s", a->rest[1], err.text);
    if (a->json) {
        rc = bb_print_json(m.raw, false);
        bb_manifest_free(&m);
        return bb_print_end(rc);
    }
    bb_rows_begin(&list);
    put_manifest(&list, &m, a->rest[1]);
    all = bb_bytes_of(&list.b);
    bb_print_field("connector  ", all, "id");
    bb_print_field("\nversion    ", all, "version");
    bb_print_field("\nvendor     ", all, "vendor");
    printf("\nABI        %u to %u (this busbar: %u)", m.abi_min, m.abi_max, BB_ABI);
    bb_print_field("\nroles      ", all, "roles");
    printf("\nthreading  %s", m.blocking ? "blocking" : "loop");
    if (!bb_print_field("\nabilities  ", all, "abilities"))
        printf("\nabilities  none");
    putchar('\n');
    if (m.workers_max)
        printf("workers    at most %u\n", m.workers_max);
    if (m.schema.len) {
        puts("config");
        rc = bb_print_json(m.schema, true);
    }
    bb_buf_free(&list.b);
    bb_manifest_free(&m);
    return bb_print_end(rc);
}

/* ---- list ------------------------------------------------------------------------------------ */
static int is_plugin(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 3 && strcmp(e->d_name + n - 3, ".so") == 0;
}

/* How many could not be read. */
static int list_folder(struct bb_rows *list, const char *folder)
{
    struct dirent **files = NULL;
    int n = scandir(folder, &files, is_plugin, alphasort), bad = 0;

    for (int i = 0; i < n; i++) {
        char *path = bb_text("%s/%s", folder, files[i]->d_name);
        struct bb_manifest m = {0};
        struct bb_fault err = {0, "out of memory"};

        if (path && bb_manifest_read(path, &m, &err) == 0)
            put_manifest(list, &m, path);
        else
            bad += bb_cli_fail("%s/%s: %s", folder, files[i]->d_name, err.text) != BB_EXIT_OK;
        bb_manifest_free(&m);
        free(path);
        free(files[i]);
    }
    free(files);
    return bad;
}

static const struct bb_column columns[] = {
    {"CONNECTOR", "id", NULL}, {"VERSION", "version", NULL}, {"VENDOR", "vendor", NULL},
    {"ROLES", "roles", NULL}, {"ABILITIES", "abilities", NULL}, {"FILE", "path", NULL}};

static int list(const struct bb_args *a)
{
    const char *env = getenv("BUSBAR_PLUGIN_PATH");
    struct bb_diags diags = {0};
    struct bb_config *c = bb_config_load(a->conf, &diags); /* only for its folders */
    char *folders = strdup(env ? env : ""), *save = NULL;
    struct bb_rows found;
    struct bb_buf out;
    int bad = 0, rc = BB_EXIT_OK;

    bb_rows_begin(&found);
    bb_buf_init(&out, BB_REPORT_BYTES);
    for (char **p = c ? c->plugin_path : NULL; p && *p; p++)
        bad += list_folder(&found, *p);
    for (char *p = folders ? strtok_r(folders, ":", &save) : NULL; p; p = strtok_r(NULL, ":", &save))
        bad += list_folder(&found, p);
    bad += list_folder(&found, BB_PLUGINDIR);
    bb_rows_end_array(&found, &out);
    if (a->json)
        rc = bb_print_json(bb_bytes_of(&out), false);
    else if (found.n)
        BB_PRINT_TABLE(columns, bb_bytes_of(&out));
    else
        printf("no plugins in %s; add folders with $BUSBAR_PLUGIN_PATH or \"plugins: {path: "
               "[...]}\"\n", BB_PLUGINDIR);
    bb_buf_free(&out);
    free(folders);
    bb_config_free(c);
    bb_diags_free(&diags);
    return bb_print_end(bad ? BB_EXIT_FAILED : rc);
}

int bb_cmd_plugins(const struct bb_args *a)
{
    if (a->n == 0)
        return list(a);
    if (a->n == 2 && strcmp(a->rest[0], "inspect") == 0)
        return inspect(a);
    return bb_cli_usage("it is \"busbar plugins\" or \"busbar plugins inspect FILE\"");
}

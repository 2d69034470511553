/*
 * plugins.c - busbar plugins, busbar plugins inspect FILE
 *
 * Reads manifests out of the files; no code of a plugin's runs, so a stranger's file may be looked
 * at safely. Folders as for run: the configuration's, $BUSBAR_PLUGIN_PATH, the installed one.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/config/config.h"
#include "core/host/host.h"

static void put_roles(char out[64], const struct bb_manifest *m)
{
    snprintf(out, 64, "%s%s%s", m->source ? "source " : "", m->sink ? "sink " : "",
             m->transform ? "transform " : "");
    if (*out)
        out[strlen(out) - 1] = '\0';
}

static void put_abilities(char out[96], const struct bb_manifest *m)
{
    snprintf(out, 96, "%s%s%s%s%s", m->probe ? "probe " : "", m->query ? "query " : "",
             m->health ? "health " : "", m->batch ? "batch " : "",
             m->ordered_batch ? "ordered-batch " : "");
    if (*out)
        out[strlen(out) - 1] = '\0';
}

static int inspect(const struct bb_args *a)
{
    struct bb_manifest m = {0};
    struct bb_fault err = {0};
    struct bb_buf json;
    char roles[64], abilities[96];
    int rc = BB_EXIT_OK;

    if (bb_manifest_read(a->rest[1], &m, &err) < 0)
        return bb_cli_fail("%s: %s", a->rest[1], err.text);
    if (a->json) {
        rc = bb_print_json(m.raw);
        bb_manifest_free(&m);
        return bb_print_end(rc);
    }
    put_roles(roles, &m);
    put_abilities(abilities, &m);
    printf("connector  ");
    bb_print_safe(stdout, (struct bb_bytes){m.id, strlen(m.id)});
    printf("\nversion    ");
    bb_print_safe(stdout, (struct bb_bytes){m.version, strlen(m.version)});
    printf("\nvendor     ");
    bb_print_safe(stdout, (struct bb_bytes){m.vendor, strlen(m.vendor)});
    printf("\nABI        %u to %u (this busbar: %u)\nroles      %s\nthreading  %s\n", m.abi_min,
           m.abi_max, BB_ABI, roles, m.blocking ? "blocking" : "loop");
    printf("abilities  %s\n", *abilities ? abilities : "none");
    if (m.workers_max)
        printf("workers    at most %u\n", m.workers_max);
    bb_buf_init(&json, 64u << 20);
    if (m.schema.len && bb_json_write_pretty(m.schema, &json, &err) == 0) {
        printf("config\n");
        fwrite(json.ptr, 1, json.len, stdout);
        putchar('\n');
    }
    bb_buf_free(&json);
    bb_manifest_free(&m);
    return bb_print_end(rc);
}

/* ---- list ---------------------------------------------------------------------------------------- */
struct list {
    struct bb_grid grid;
    bool json, first;
    size_t n, bad;
};

static void put_json_pair(const char *key, const char *value)
{
    struct bb_buf b;

    bb_buf_init(&b, 1u << 16);
    bb_json_write_str(&b, value, strlen(value));
    printf("\"%s\":%.*s", key, (int)b.len, (const char *)b.ptr);
    bb_buf_free(&b);
}

static void list_file(struct list *l, const char *path)
{
    struct bb_manifest m = {0};
    struct bb_fault err = {0};
    char roles[64], abilities[96];

    if (bb_manifest_read(path, &m, &err) < 0) {
        l->bad++;
        bb_cli_fail("%s: %s", path, err.text);
        return;
    }
    l->n++;
    put_roles(roles, &m);
    put_abilities(abilities, &m);
    if (l->json) {
        printf("%s{", l->first ? "" : ",");
        l->first = false;
        put_json_pair("id", m.id);
        putchar(',');
        put_json_pair("version", m.version);
        putchar(',');
        put_json_pair("vendor", m.vendor);
        putchar(',');
        put_json_pair("roles", roles);
        putchar(',');
        put_json_pair("abilities", abilities);
        putchar(',');
        put_json_pair("path", path);
        putchar('}');
    } else {
        bb_grid_add(&l->grid, m.id);
        bb_grid_add(&l->grid, m.version);
        bb_grid_add(&l->grid, m.vendor);
        bb_grid_add(&l->grid, roles);
        bb_grid_add(&l->grid, abilities);
        bb_grid_add(&l->grid, path);
    }
    bb_manifest_free(&m);
}

static int is_plugin(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 3 && strcmp(e->d_name + n - 3, ".so") == 0;
}

static void list_folder(struct list *l, const char *folder)
{
    struct dirent **files = NULL;
    int n = scandir(folder, &files, is_plugin, alphasort);

    for (int i = 0; i < n; i++) {
        char *path = bb_text("%s/%s", folder, files[i]->d_name);

        if (path)
            list_file(l, path);
        free(path);
        free(files[i]);
    }
    free(files);
}

static int list(const struct bb_args *a)
{
    static const char *const heads[] = {"CONNECTOR", "VERSION", "VENDOR", "ROLES", "ABILITIES",
                                        "FILE"};
    const char *env = getenv("BUSBAR_PLUGIN_PATH");
    struct list l = {.json = a->json, .first = true};
    struct bb_diags diags = {0};
    struct bb_config *c = bb_config_load(a->conf, &diags); /* only for its folders */

    bb_grid_init(&l.grid, 6, heads);
    if (l.json)
        putchar('[');
    for (char **p = c ? c->plugin_path : NULL; p && *p; p++)
        list_folder(&l, *p);
    while (env && *env) {
        size_t len = strcspn(env, ":");
        char *folder = strndup(env, len);

        if (folder && len)
            list_folder(&l, folder);
        free(folder);
        env += len + (env[len] == ':');
    }
    list_folder(&l, BB_PLUGINDIR);
    if (l.json)
        puts("]");
    else if (l.n)
        bb_grid_print(&l.grid, stdout);
    else
        printf("no plugins in %s; add folders with $BUSBAR_PLUGIN_PATH or \"plugins: {path: "
               "[...]}\"\n", BB_PLUGINDIR);
    bb_grid_free(&l.grid);
    bb_config_free(c);
    bb_diags_free(&diags);
    return bb_print_end(l.bad ? BB_EXIT_FAILED : BB_EXIT_OK);
}

int bb_cmd_plugins(const struct bb_args *a)
{
    if (a->n == 0)
        return list(a);
    if (a->n == 2 && strcmp(a->rest[0], "inspect") == 0)
        return inspect(a);
    fputs("busbar: error: it is \"busbar plugins\" or \"busbar plugins inspect FILE\"\n", stderr);
    return BB_EXIT_USAGE;
}

/*
 * config.c - the endpoint's keys, checked as far as the manifest's schema cannot
 *
 * Thread: [ctl], in create(). Ownership: every string is a copy that config_free() frees.
 */
#include "file.h"

#include <stdio.h>
#include <stdlib.h>

const char *const field_names[FIELDS] = {
    "id",     "source",       "type",          "subject",     "time",        "dataschema", "plant",
    "item",   "revision",     "change",        "correlationid", "causationid", "partitionkey"};

static int word_of(struct bb_bytes s, const char *const *words, uint32_t *out)
{
    for (uint32_t k = 0; words[k]; k++)
        if (bb_str_is(s, words[k])) {
            *out = k;
            return 0;
        }
    return -1;
}

static int pointer_ok(const char *p)
{
    if (*p && *p != '/')
        return 0;
    for (; *p; p++)
        if (*p == '~' && p[1] != '0' && p[1] != '1')
            return 0;
    return 1;
}

static bb_status wrong(struct bb_error *err, const char *key, const char *why)
{
    return bb_error_set(err, BB_E_CONFIG, "config.%s: %s", key, why);
}

/* A string is a constant; a map has value, or pointer and perhaps prefix. */
static int field_read(const char *name, struct bb_bytes v, struct field *f, struct bb_error *err)
{
    struct bb_bytes s;
    struct bb_iter it;
    struct bb_bytes key, val;
    char where[64];
    snprintf(where, sizeof where, "envelope.%s", name);
    if (bb_as_str(v, &s) == 1) {
        f->text = bb_str_dup(s);
        goto made;
    }
    if (!bb_iter_of(v, &it) || !it.map)
        return wrong(err, where, "write a text, {pointer: /x} or {pointer: /x, prefix: text}");
    while (bb_iter_next(&it, &key, &val))
        if (!bb_str_is(key, "value") && !bb_str_is(key, "pointer") && !bb_str_is(key, "prefix"))
            return wrong(err, where, "knows only value, pointer and prefix");
    f->text = bb_conf_dup(v, "/value", NULL);
    f->pointer = bb_conf_dup(v, "/pointer", NULL);
    f->prefix = bb_conf_dup(v, "/prefix", "");
    if (!f->prefix)
        return wrong(err, where, "prefix must be a text");
    if ((f->text == NULL) == (f->pointer == NULL))
        return wrong(err, where, "give either value (a text) or pointer, and one of them");
    if (f->pointer && !pointer_ok(f->pointer))
        return wrong(err, where, "the pointer must start with \"/\", as in /fields/item");
made:
    if (!f->text && !f->pointer)
        return wrong(err, where, "out of memory, or a text with a NUL");
    if (f->text && (strlen(f->text) > BB_ATTRIBUTE_MAX || !*f->text))
        return wrong(err, where, "the text must have 1 to 4096 bytes");
    return 0;
}

static int envelope_read(struct bb_bytes conf, struct config *c, struct bb_error *err)
{
    struct bb_bytes env, key, v;
    struct bb_iter it;
    uint32_t k;
    if (!bb_conf_find(conf, "/envelope", &env) || !bb_iter_of(env, &it) || !it.map)
        return c->format == FORMAT_EVENTS
                   ? 0
                   : wrong(err, "envelope", "is missing: at least type must be set, as in "
                                            "envelope: {type: mfg.inventory.movement}");
    if (c->format == FORMAT_EVENTS && it.n)
        return wrong(err, "envelope", "has no use with format events: each event brings its own");
    while (bb_iter_next(&it, &key, &v)) {
        for (k = 0; k < FIELDS && !bb_str_is(key, field_names[k]); k++)
            ;
        if (k == FIELDS)
            return wrong(err, "envelope", "knows id, source, type, subject, time, dataschema, plant, "
                                          "item, revision, change, correlationid, causationid, "
                                          "partitionkey");
        if (field_read(field_names[k], v, &c->fields[k], err) != 0)
            return -1;
    }
    if (!c->fields[FIELD_TYPE].text && !c->fields[FIELD_TYPE].pointer)
        return c->format == FORMAT_EVENTS
                   ? 0
                   : wrong(err, "envelope.type", "is missing, for example mfg.inventory.movement");
    return 0;
}

static int source_read(struct bb_bytes conf, struct config *c, struct bb_error *err)
{
    static const char *const formats[] = {"json", "jsonl", "csv", "events", "xml", NULL};
    static const char *const on_bad[] = {"fail", "skip", NULL};
    uint32_t skip = 0;
    if (!c->directory)
        return wrong(err, "directory", "is missing: a route reads from this endpoint, so it needs "
                                       "the folder to watch");
    if (word_of(bb_conf_str(conf, "/format", "jsonl"), formats, &c->format) != 0)
        return wrong(err, "format", "must be json, jsonl, csv, events or xml");
    if (word_of(bb_conf_str(conf, "/on_bad_record", "fail"), on_bad, &skip) != 0)
        return wrong(err, "on_bad_record", "must be fail or skip");
    c->skip_bad = skip == 1;
    c->pattern = bb_conf_dup(conf, "/pattern", "*");
    c->records = bb_conf_dup(conf, "/records", "");
    if (!c->pattern || !c->records)
        return wrong(err, "pattern", "out of memory, or a text with a NUL");
    if (!pointer_ok(c->records))
        return wrong(err, "records", "must be a pointer such as /items, or \"\" for the whole");
    c->batch = (uint32_t)bb_conf_int(conf, "/batch", 256);
    if (c->batch < 1 || c->batch > 4096)
        return wrong(err, "batch", "must be 1 to 4096");
    c->max_record = (size_t)bb_conf_int(conf, "/max_record", 1 << 20);
    if (c->max_record < 64 || c->max_record > 1u << 30)
        return wrong(err, "max_record", "must be 64 bytes to 1 GiB");
    c->retry_ms = bb_conf_int(conf, "/retry", 5000);
    if (c->retry_ms < 10)
        return wrong(err, "retry", "must be at least 10ms");
    return 0;
}

static int columns_read(struct bb_bytes conf, struct config *c, struct bb_error *err)
{
    struct bb_bytes list, v;
    struct bb_iter it;
    if (!bb_conf_find(conf, "/columns", &list) || !bb_iter_of(list, &it) || it.map || it.n == 0)
        return wrong(err, "columns", "is missing: content csv needs a list such as "
                                     "- {name: item, pointer: /data/item}");
    if (it.n > COLUMNS_MAX)
        return wrong(err, "columns", "has more than 256 entries");
    while (bb_iter_next(&it, NULL, &v)) {
        struct column *col = &c->columns[c->n_columns++];
        col->pointer = bb_conf_dup(v, "/pointer", NULL);
        col->name = bb_conf_dup(v, "/name", NULL);
        if (!col->pointer || !col->name)
            return wrong(err, "columns", "each entry needs name and pointer");
        if (!pointer_ok(col->pointer) || (strncmp(col->pointer, "/data", 5) != 0 &&
                                          strncmp(col->pointer, "/attributes/", 12) != 0))
            return wrong(err, "columns", "a pointer starts with /data or /attributes/");
    }
    return 0;
}

static int sink_read(struct bb_bytes conf, struct config *c, struct bb_error *err)
{
    static const char *const contents[] = {"event", "data", "csv", "xml", NULL};
    static const char *const layouts[] = {"lines", "array", NULL};
    uint32_t layout = 0;
    int64_t n;
    if (!c->path)
        return wrong(err, "path", "is missing: a route writes to this endpoint, so it needs the "
                                  "file to append to");
    if (word_of(bb_conf_str(conf, "/content", "event"), contents, &c->content) != 0)
        return wrong(err, "content", "must be event, data, csv or xml");
    n = bb_conf_int(conf, "/rotate", 0);
    if (n < 0)
        return wrong(err, "rotate", "must be a size such as 100MiB, or 0 for never");
    c->rotate = (uint64_t)n;
    n = bb_conf_int(conf, "/keys", 20000);
    if (n < 100 || n > 10000000)
        return wrong(err, "keys", "must be 100 to 10000000");
    c->keys = (uint32_t)n;
    if (word_of(bb_conf_str(conf, "/layout", "lines"), layouts, &layout) != 0)
        return wrong(err, "layout", "must be lines or array");
    c->array = layout == 1;
    if (c->array && c->content >= CONTENT_CSV)
        return wrong(err, "layout", "array is for events and data; a table has rows, XML its root");
    return c->content == CONTENT_CSV ? columns_read(conf, c, err) : 0;
}

int config_read(struct bb_bytes conf, uint32_t roles, struct config *c, struct bb_error *err)
{
    memset(c, 0, sizeof *c);
    c->directory = bb_conf_dup(conf, "/directory", NULL);
    c->path = bb_conf_dup(conf, "/path", NULL);
    if ((roles & BB_ROLE_SOURCE) && source_read(conf, c, err) != 0)
        goto fail;
    if ((roles & BB_ROLE_SINK) && sink_read(conf, c, err) != 0)
        goto fail;
    if (dialect_read(conf, c, err) != 0)
        goto fail;
    if ((roles & BB_ROLE_SOURCE) && envelope_read(conf, c, err) != 0)
        goto fail;
    return 0;
fail:
    config_free(c);
    return -1;
}

void config_free(struct config *c)
{
    free(c->directory);
    free(c->pattern);
    free(c->records);
    free(c->path);
    dialect_free(c);
    for (uint32_t k = 0; k < FIELDS; k++) {
        free(c->fields[k].text);
        free(c->fields[k].pointer);
        free(c->fields[k].prefix);
    }
    for (uint32_t k = 0; k < c->n_columns; k++) {
        free(c->columns[k].name);
        free(c->columns[k].pointer);
    }
    memset(c, 0, sizeof *c);
}

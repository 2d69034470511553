/*
 * busbar-manifest.c - a plugin's manifest.json as the C text of its ELF note
 *
 * busbar-manifest manifest.json > manifest.h
 *
 * Reads one JSON file, checks every field that the core will rely on, and writes
 * BB_MANIFEST(length, bytes...) to standard output. Nothing is written when anything is wrong:
 * a mistake found here costs the author a second, found by an admin it costs a night.
 * Syntax errors are told by line, column and byte, others by their JSON pointer.
 *
 * Thread: one. Memory: freed at exit.
 */
#include <errno.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include <busbar/plugin.h>

#define MANIFEST_MAX 65536 /* bytes of JSON and of msgpack: the reader's limit too */
#define SCHEMA_DEPTH 16

struct check {
    const char *file;
    unsigned errors;
};

/* ---- tables ---------------------------------------------------------------------------------- */

static const char *const role_names[] = {"source", "sink", "transform", NULL};
static const char *const threading_names[] = {"loop", "blocking", NULL};
static const char *const batch_names[] = {"none", "any", "ordered", NULL};
static const char *const type_names[] = {"object", "array",   "string", "integer",
                                         "number", "boolean", "null",   NULL};
static const char *const format_names[] = {"duration", "size", "secret",     "pointer", "uri",
                                           "http-url", "path", "uint-list", "address", NULL};

enum form { F_NAME, F_TEXT, F_ABI, F_COUNT, F_ONE_OF, F_NAMES, F_LIST_OF, F_EXTENSIONS, F_SCHEMA };

static const struct field {
    const char *name;
    enum form form;
    int required;
    const char *const *words; /* F_ONE_OF, F_LIST_OF */
    const char *hint;
} fields[] = {
    {"id", F_NAME, 1, NULL, "the connector's name in conf.d, for example \"acme-mes\""},
    {"version", F_TEXT, 1, NULL, "the plugin's version, for example \"1.0.0\""},
    {"vendor", F_TEXT, 1, NULL, "who stands behind it"},
    {"abi", F_ABI, 1, NULL, "lowest and highest plugin ABI, for example [0, 0]"},
    {"roles", F_LIST_OF, 1, role_names, "any of \"source\", \"sink\", \"transform\""},
    {"threading", F_ONE_OF, 1, threading_names, "\"loop\" or \"blocking\""},
    {"workers", F_COUNT, 0, NULL, "the most instances of one endpoint, 0 for no limit"},
    {"batch", F_ONE_OF, 0, batch_names, "\"none\", \"any\" or \"ordered\""},
    {"extensions", F_EXTENSIONS, 0, NULL, "ids with a revision, for example \"busbar.probe/1\""},
    {"types_in", F_NAMES, 0, NULL, "message types that a sink takes"},
    {"types_out", F_NAMES, 0, NULL, "message types that a source makes"},
    {"queries", F_NAMES, 0, NULL, "operations of busbar.query/1"},
    {"requires", F_EXTENSIONS, 0, NULL, "extensions that the host must offer"},
    {"bom_features", F_NAMES, 0, NULL, "what a bill of materials may use here"},
    {"config", F_SCHEMA, 1, NULL, "the schema of the endpoint's config: {\"type\": \"object\", ...}"},
};
#define FIELDS (sizeof fields / sizeof fields[0])

static const char *const schema_words[] = {
    "type",          "properties",    "required",  "additionalProperties", "items",    "enum",
    "minimum",       "maximum",       "default",   "description",          "format",   "pattern",
    "minLength",     "maxLength",     "minItems",  "maxItems",             "anyOf",    "title",
    "minProperties", "maxProperties", "propertyNames", NULL};
static const char *const count_words[] = {"minLength", "maxLength",     "minItems",
                                          "maxItems",  "minProperties", "maxProperties", NULL};

/* ---- errors ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void wrong(struct check *c, const char *where,
                                                        const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "%s: %s: ", c->file, *where ? where : "/");
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    c->errors++;
}

static int is_word(struct bb_bytes s, const char *const *words)
{
    for (; *words; words++)
        if (bb_str_is(s, *words))
            return 1;
    return 0;
}

static uint32_t kind_of(struct bb_bytes v)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_tok t;
    return bb_cur_next(&c, &t) == 0 ? t.kind : BB_T_NIL;
}

/* where/key, cut short where it is too long to be shown. */
static void place_in(char *out, size_t cap, const char *where, struct bb_bytes key)
{
    size_t n = strlen(where);
    if (n > cap - 2)
        n = cap - 2;
    memcpy(out, where, n);
    out[n++] = '/';
    if (key.len > cap - 1 - n)
        key.len = cap - 1 - n;
    memcpy(out + n, key.ptr, key.len);
    out[n + key.len] = 0;
}

/* ---- one value ------------------------------------------------------------------------------- */

static int is_name(struct bb_bytes s)
{
    const char *p = s.ptr;
    if (s.len == 0 || s.len > 63 || p[0] < 'a' || p[0] > 'z')
        return 0;
    for (size_t k = 1; k < s.len; k++)
        if (!((p[k] >= 'a' && p[k] <= 'z') || (p[k] >= '0' && p[k] <= '9') || p[k] == '-'))
            return 0;
    return 1;
}

static int is_extension(struct bb_bytes s)
{
    const char *slash = memchr(s.ptr, '/', s.len), *end = (const char *)s.ptr + s.len;
    if (!slash || slash == s.ptr || slash + 1 == end)
        return 0;
    for (const char *p = slash + 1; p < end; p++)
        if (*p < '0' || *p > '9')
            return 0;
    return 1;
}

static void check_abi(struct check *c, const char *where, struct bb_bytes v)
{
    struct bb_iter it;
    struct bb_bytes e;
    int64_t range[2];
    int n = 0;
    if (bb_iter_of(v, &it) && !it.map && it.n == 2)
        while (n < 2 && bb_iter_next(&it, NULL, &e) && bb_as_int(e, &range[n]) == 1)
            n++;
    if (n != 2 || range[0] < 0 || range[1] < range[0] || range[1] > UINT32_MAX)
        wrong(c, where, "must be two whole numbers, lowest and highest, such as [0, 0]");
    else if (range[0] > BB_ABI || range[1] < BB_ABI)
        wrong(c, where, "[%lld, %lld] leaves out ABI %u, which this SDK builds for",
              (long long)range[0], (long long)range[1], BB_ABI);
}

static void check_list(struct check *c, const char *where, struct bb_bytes v, const struct field *f)
{
    struct bb_iter it;
    struct bb_bytes e, s;
    char place[128];
    unsigned k = 0;
    if (!bb_iter_of(v, &it) || it.map) {
        wrong(c, where, "must be a list of strings (%s)", f->hint);
        return;
    }
    if (f->required && it.n == 0)
        wrong(c, where, "must not be empty (%s)", f->hint);
    for (; bb_iter_next(&it, NULL, &e); k++) {
        snprintf(place, sizeof place, "%s/%u", where, k);
        if (bb_as_str(e, &s) != 1 || s.len == 0)
            wrong(c, place, "must be a string (%s)", f->hint);
        else if (f->form == F_LIST_OF && !is_word(s, f->words))
            wrong(c, place, "\"%.*s\" is not known here (%s)", (int)s.len, (const char *)s.ptr,
                  f->hint);
        else if (f->form == F_EXTENSIONS && !is_extension(s))
            wrong(c, place, "\"%.*s\" is no id with a revision (%s)", (int)s.len,
                  (const char *)s.ptr, f->hint);
    }
}

/* ---- the config schema ----------------------------------------------------------------------- */

/* A word, or a list of words, of those given. */
static int are_words(struct bb_bytes v, const char *const *words)
{
    struct bb_iter it;
    struct bb_bytes e, s;
    if (bb_as_str(v, &s) == 1)
        return is_word(s, words);
    if (!bb_iter_of(v, &it) || it.map || it.n == 0)
        return 0;
    while (bb_iter_next(&it, NULL, &e))
        if (bb_as_str(e, &s) != 1 || !is_word(s, words))
            return 0;
    return 1;
}

/* Whether a default or an enum's member is of the type that the schema names. */
static int fits_type(struct bb_bytes v, struct bb_bytes type, struct bb_bytes format)
{
    static const struct {
        const char *type;
        uint32_t kinds; /* a bit for each BB_T_* */
    } rows[] = {
        {"object", 1u << BB_T_MAP},
        {"array", 1u << BB_T_ARRAY},
        {"string", 1u << BB_T_STR},
        {"integer", 1u << BB_T_INT | 1u << BB_T_UINT},
        {"number", 1u << BB_T_INT | 1u << BB_T_UINT | 1u << BB_T_DECIMAL},
        {"boolean", 1u << BB_T_BOOL},
    };
    uint32_t kind = kind_of(v);
    /* "5m" and "16MiB" are written as text and arrive in the plugin as numbers */
    if ((bb_str_is(format, "duration") || bb_str_is(format, "size")) &&
        (kind == BB_T_STR || kind == BB_T_INT))
        return 1;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if (bb_str_is(type, rows[k].type))
            return (rows[k].kinds >> kind & 1u) != 0;
    return 1; /* no type: anything */
}

static void check_schema(struct check *c, const char *where, struct bb_bytes v, unsigned depth);

static void check_properties(struct check *c, const char *where, struct bb_bytes v, unsigned depth)
{
    struct bb_iter it;
    struct bb_bytes key, sub;
    char place[512];
    if (!bb_iter_of(v, &it) || !it.map) {
        wrong(c, where, "must be a map from names to schemas");
        return;
    }
    while (bb_iter_next(&it, &key, &sub)) {
        place_in(place, sizeof place, where, key);
        check_schema(c, place, sub, depth + 1);
    }
}

static void check_required(struct check *c, const char *where, struct bb_bytes v,
                           struct bb_bytes schema)
{
    struct bb_iter it, props;
    struct bb_bytes e, s, p, key, sub;
    if (!bb_iter_of(v, &it) || it.map) {
        wrong(c, where, "must be a list of property names");
        return;
    }
    while (bb_iter_next(&it, NULL, &e)) {
        int found = 0;
        if (bb_as_str(e, &s) != 1) {
            wrong(c, where, "must be a list of property names");
            return;
        }
        if (bb_map_get(schema, "properties", &p) == 1 && bb_iter_of(p, &props))
            while (!found && bb_iter_next(&props, &key, &sub))
                found = key.len == s.len && memcmp(key.ptr, s.ptr, s.len) == 0;
        if (!found && bb_map_get(schema, "additionalProperties", &p) == 1 && kind_of(p) == BB_T_MAP)
            found = 1;
        if (!found)
            wrong(c, where, "\"%.*s\" is not among the properties", (int)s.len,
                  (const char *)s.ptr);
    }
}

/* [{"required": ["a"]}, {"required": ["b"]}]: at least one of them has to be there. */
static void check_any_of(struct check *c, const char *where, struct bb_bytes v)
{
    struct bb_iter it, names;
    struct bb_bytes e, list, s;
    int good = bb_iter_of(v, &it) && !it.map && it.n > 0;
    while (good && bb_iter_next(&it, NULL, &e)) {
        good = kind_of(e) == BB_T_MAP && bb_map_get(e, "required", &list) == 1 &&
               bb_iter_of(list, &names) && !names.map && names.n > 0;
        while (good && bb_iter_next(&names, NULL, &e))
            good = bb_as_str(e, &s) == 1;
    }
    if (!good)
        wrong(c, where, "must be a list such as [{\"required\": [\"a\"]}, {\"required\": [\"b\"]}]");
}

static int is_pattern(struct bb_bytes v)
{
    char text[257], *p;
    regex_t re;
    struct bb_bytes s;
    if (bb_as_str(v, &s) != 1 || s.len >= sizeof text || memchr(s.ptr, '{', s.len))
        return 0;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    for (p = text; (p = strchr(p, '\\')); p += 2)
        if (!p[1] || (p[1] >= '0' && p[1] <= '9'))
            return 0;
    if (regcomp(&re, text, REG_EXTENDED | REG_NOSUB) != 0)
        return 0;
    regfree(&re);
    return 1;
}

static void check_schema(struct check *c, const char *where, struct bb_bytes v, unsigned depth)
{
    struct bb_iter it, list;
    struct bb_bytes key, val, e, type = {NULL, 0}, format = {NULL, 0};
    char place[512];
    int64_t n;
    if (depth > SCHEMA_DEPTH) {
        wrong(c, where, "a schema nests at most %d levels", SCHEMA_DEPTH);
        return;
    }
    if (!bb_iter_of(v, &it) || !it.map) {
        wrong(c, where, "a schema is a map, such as {\"type\": \"string\"}");
        return;
    }
    if (bb_map_get(v, "type", &val) == 1)
        (void)bb_as_str(val, &type); /* a list of types: anything may be its default */
    if (bb_map_get(v, "type", &val) == 1 && !are_words(val, type_names))
        wrong(c, where, "type must be object, array, string, integer, number, boolean or null, or "
                        "a list of them; leave it out to accept any");
    if (bb_map_get(v, "format", &val) == 1 &&
        (bb_as_str(val, &format) != 1 || !is_word(format, format_names)))
        wrong(c, where, "format must be duration, size, secret, pointer, uri, http-url, path, "
                        "uint-list or address");
    while (bb_iter_next(&it, &key, &val)) {
        place_in(place, sizeof place, where, key);
        if (!is_word(key, schema_words))
            wrong(c, place, "not a keyword of a config schema");
        else if (bb_str_is(key, "properties"))
            check_properties(c, place, val, depth);
        else if (bb_str_is(key, "items") || bb_str_is(key, "propertyNames") ||
                 (bb_str_is(key, "additionalProperties") && kind_of(val) == BB_T_MAP))
            check_schema(c, place, val, depth + 1);
        else if (bb_str_is(key, "required"))
            check_required(c, place, val, v);
        else if (bb_str_is(key, "additionalProperties") && kind_of(val) != BB_T_BOOL)
            wrong(c, place, "must be true, false or a schema");
        else if (bb_str_is(key, "anyOf"))
            check_any_of(c, place, val);
        else if (bb_str_is(key, "pattern") && (kind_of(val) != BB_T_STR || !is_pattern(val)))
            wrong(c, place, "must be a POSIX extended regular expression of at most 256 bytes, "
                            "without {} and references back");
        else if (is_word(key, count_words) && (bb_as_int(val, &n) != 1 || n < 0))
            wrong(c, place, "must be a whole number from 0");
        else if (bb_str_is(key, "description") && kind_of(val) != BB_T_STR)
            wrong(c, place, "must be a string");
        else if ((bb_str_is(key, "minimum") || bb_str_is(key, "maximum")) && bb_as_int(val, &n) != 1)
            wrong(c, place, "must be a whole number");
        else if (bb_str_is(key, "default") && !fits_type(val, type, format))
            wrong(c, place, "is not of type %.*s", (int)type.len, (const char *)type.ptr);
        else if (bb_str_is(key, "default") && bb_str_is(format, "secret"))
            wrong(c, place, "a secret has no default: the manifest is public");
        else if (bb_str_is(key, "enum")) {
            if (!bb_iter_of(val, &list) || list.map || list.n == 0)
                wrong(c, place, "must be a list of at least one value");
            else
                while (bb_iter_next(&list, NULL, &e))
                    if (!fits_type(e, type, format))
                        wrong(c, place, "a member is not of type %.*s", (int)type.len,
                              (const char *)type.ptr);
        }
    }
}

/* ---- the manifest ---------------------------------------------------------------------------- */

static void check_field(struct check *c, const struct field *f, struct bb_bytes v)
{
    char where[80];
    struct bb_bytes s = {NULL, 0}, type;
    int64_t n;
    snprintf(where, sizeof where, "/%s", f->name);
    switch (f->form) {
    case F_NAME:
        if (bb_as_str(v, &s) != 1 || !is_name(s))
            wrong(c, where, "must be 1 to 63 of a-z, 0-9 and \"-\", a letter first (%s)", f->hint);
        break;
    case F_TEXT:
        if (bb_as_str(v, &s) != 1 || s.len == 0 || s.len > (bb_str_is(bb_str(f->name), "version")
                                                                ? 31u : 63u))
            wrong(c, where, "must be a short string, not empty (%s)", f->hint);
        break;
    case F_ABI:
        check_abi(c, where, v);
        break;
    case F_COUNT:
        if (bb_as_int(v, &n) != 1 || n < 0 || n > 1024)
            wrong(c, where, "must be a whole number from 0 to 1024 (%s)", f->hint);
        break;
    case F_ONE_OF:
        if (bb_as_str(v, &s) != 1 || !is_word(s, f->words))
            wrong(c, where, "must be %s", f->hint);
        break;
    case F_NAMES:
    case F_LIST_OF:
    case F_EXTENSIONS:
        check_list(c, where, v, f);
        break;
    case F_SCHEMA:
        if (bb_map_get(v, "type", &type) != 1 || bb_as_str(type, &s) != 1 || !bb_str_is(s, "object"))
            wrong(c, where, "must be %s", f->hint);
        check_schema(c, where, v, 0);
        break;
    }
}

static void check_manifest(struct check *c, struct bb_bytes m)
{
    struct bb_iter it;
    struct bb_bytes key, v;
    char where[128];
    size_t k;
    if (!bb_iter_of(m, &it) || !it.map) {
        wrong(c, "", "a manifest is a JSON object: {\"id\": ..., \"version\": ...}");
        return;
    }
    while (bb_iter_next(&it, &key, &v)) {
        for (k = 0; k < FIELDS && !bb_str_is(key, fields[k].name); k++)
            ;
        if (k == FIELDS) {
            place_in(where, sizeof where, "", key);
            wrong(c, where, "not a field of a manifest; the fields are id, version, vendor, abi, "
                            "roles, threading, workers, batch, extensions, types_in, types_out, "
                            "queries, requires, bom_features, config");
        }
    }
    for (k = 0; k < FIELDS; k++) {
        if (bb_map_get(m, fields[k].name, &v) == 1)
            check_field(c, &fields[k], v);
        else if (fields[k].required)
            wrong(c, "", "\"%s\" is missing: %s", fields[k].name, fields[k].hint);
    }
}

static int file_read(const char *path, char *buf, size_t cap, size_t *len)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    int rc = -1;
    if (!f) {
        fprintf(stderr, "busbar-manifest: cannot open %s: %s\n", path, strerror(errno));
        return -1;
    }
    *len = fread(buf, 1, cap, f);
    if (ferror(f))
        fprintf(stderr, "busbar-manifest: cannot read %s: %s\n", path, strerror(errno));
    else if (*len == cap)
        fprintf(stderr, "busbar-manifest: %s is longer than %d bytes\n", path, MANIFEST_MAX);
    else
        rc = 0;
    if (f != stdin)
        fclose(f);
    return rc;
}

static void syntax_error(const char *path, const char *text, const struct bb_fault *f, size_t len)
{
    size_t line = 1, col = 1;
    for (size_t k = 0; k < f->offset && k < len; k++) {
        col++;
        if (text[k] == '\n') {
            line++;
            col = 1;
        }
    }
    fprintf(stderr, "%s:%zu:%zu: %s (byte %zu)\n", path, line, col, f->text, f->offset);
}

static int note_write(const char *path, struct bb_bytes m)
{
    const uint8_t *p = m.ptr;
    const char *base = strrchr(path, '/');
    printf("/* Made from %s by busbar-manifest: change that file, not this one. */\n"
           "BB_MANIFEST(%zu,",
           base ? base + 1 : path, m.len);
    for (size_t k = 0; k < m.len; k++)
        printf("%s0x%02x%s", k % 12 == 0 ? "\n    " : " ", p[k], k + 1 < m.len ? "," : "");
    printf(");\n");
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

int main(int argc, char **argv)
{
    static char text[MANIFEST_MAX + 1];
    struct check c = {NULL, 0};
    struct bb_fault fault = {0, ""};
    struct bb_bytes json, m;
    struct bb_buf b;
    int rc = 1;
    bb_buf_init(&b, MANIFEST_MAX);
    if (argc != 2 || strcmp(argv[1], "--help") == 0) {
        fprintf(argc == 2 ? stdout : stderr,
                "usage: busbar-manifest manifest.json > manifest.h\n"
                "Checks a plugin's manifest and writes it as the ELF note of connector.h.\n");
        rc = argc == 2 ? 0 : 2;
        goto out;
    }
    c.file = argv[1];
    json.ptr = text;
    if (file_read(argv[1], text, sizeof text, &json.len) != 0)
        goto out;
    if (bb_json_read(json, &b, &fault) != 0) {
        syntax_error(argv[1], text, &fault, json.len);
        goto out;
    }
    m.ptr = b.ptr;
    m.len = b.len;
    check_manifest(&c, m);
    if (c.errors)
        goto out;
    if (note_write(argv[1], m) != 0) {
        fprintf(stderr, "busbar-manifest: cannot write: %s\n", strerror(errno));
        goto out;
    }
    rc = 0;
out:
    bb_buf_free(&b);
    return rc;
}

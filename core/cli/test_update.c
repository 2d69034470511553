/*
 * test_update.c - busbar test --update: failing tests expect what came out, in their files
 *
 * Only the "expect" of a failing test is written anew, in block style; everything else, its comments
 * too, stays byte for byte. From the last test of a file to the first, so that lines keep their numbers.
 * The file is replaced as a whole by a rename. Main thread.
 */
#define _GNU_SOURCE 1
#include "core/cli/test.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a value as YAML ----------------------------------------------------------------------------- */
struct yaml {
    FILE *out;
};

/* Whether YAML reads it as this very text without quotes. */
static bool is_plain(struct bb_bytes s)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    const char *p = s.ptr;
    bool letter = s.len && (isalpha((unsigned char)*p) || *p == '/');

    for (size_t i = 0; i < s.len; i++)
        letter = letter && (isalnum((unsigned char)p[i]) || strchr("-_./", p[i]));
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        letter = letter && !(s.len == strlen(words[i]) && strncasecmp(p, words[i], s.len) == 0);
    return letter;
}

static void put_json(struct yaml *y, struct bb_bytes v)
{
    struct bb_buf b;

    bb_buf_init(&b, BB_REPORT_BYTES);
    if (bb_json_write(v, &b, NULL) == 0)
        fwrite(b.ptr, 1, b.len, y->out);
    bb_buf_free(&b);
}

static void put_text(struct yaml *y, struct bb_bytes s)
{
    struct bb_buf b;

    bb_buf_init(&b, BB_REPORT_BYTES);
    if (is_plain(s))
        bb_buf_put(&b, s.ptr, s.len);
    else
        bb_json_write_str(&b, s.ptr, s.len);
    fwrite(b.ptr, 1, b.len, y->out);
    bb_buf_free(&b);
}

static void put_value(struct yaml *y, struct bb_bytes v, unsigned indent, bool in_list);

static void put_map(struct yaml *y, struct bb_bytes v, uint32_t n, unsigned indent, bool in_list)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_bytes value;
    struct bb_tok t;

    if (!in_list)
        fputc('\n', y->out);
    bb_cur_next(&c, &t);
    for (uint32_t i = 0; i < n; i++) {
        if (bb_cur_next(&c, &t) != 0 || bb_cur_value(&c, &value) != 0)
            return;
        fprintf(y->out, "%*s", in_list && i == 0 ? 0 : (int)indent, "");
        put_text(y, t.s);
        fputc(':', y->out);
        put_value(y, value, indent + 2, false);
    }
}

/* After "key:" or "- "; ends its line. */
static void put_value(struct yaml *y, struct bb_bytes v, unsigned indent, bool in_list)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_bytes item;
    struct bb_tok t;

    if (bb_cur_next(&c, &t) != 0)
        return;
    if (t.kind == BB_T_MAP && t.n && indent < 60) {
        put_map(y, v, t.n, indent, in_list);
        return;
    }
    if (t.kind == BB_T_ARRAY && t.n && !in_list && indent < 60) {
        fputc('\n', y->out);
        for (uint32_t n = t.n; n && bb_cur_value(&c, &item) == 0; n--) {
            fprintf(y->out, "%*s- ", (int)indent, "");
            put_value(y, item, indent + 2, true);
        }
        return;
    }
    if (!in_list)
        fputc(' ', y->out);
    if (t.kind == BB_T_STR)
        put_text(y, t.s);
    else
        put_json(y, v); /* what is empty or deep as JSON, which is YAML too */
    fputc('\n', y->out);
}

/* ---- lines --------------------------------------------------------------------------------------- */
struct lines {
    char *text;
    char **v; /* each with its newline, not ended by a NUL */
    size_t n;
};

static int lines_read(const char *path, struct lines *l)
{
    struct bb_buf b;

    *l = (struct lines){0};
    if (bb_read_input(path, &b) != BB_EXIT_OK)
        return -1;
    bb_buf_put(&b, b.len && b.ptr[b.len - 1] != '\n' ? "\n" : "", b.len && b.ptr[b.len - 1] != '\n');
    bb_buf_put(&b, "", 1);
    l->text = (char *)b.ptr;
    l->v = calloc(b.len + 1, sizeof(*l->v));
    if (b.failed || !l->v)
        return bb_cli_fail("out of memory");
    for (char *p = l->text; *p; p = strchr(p, '\n') + 1)
        l->v[l->n++] = p;
    l->v[l->n] = l->text + b.len - 1;
    return 0;
}

static size_t indent_of(const char *line)
{
    return strspn(line, " ");
}

static bool is_empty(const char *line)
{
    line += indent_of(line);
    return *line == '\n' || *line == '\r' || *line == '#';
}

/* Where the block ends whose key stands in line i, keys of its map at column indent. */
static size_t block_end(const struct lines *l, size_t i, size_t indent)
{
    size_t end = i + 1;

    for (size_t k = i + 1; k < l->n; k++) {
        size_t in = indent_of(l->v[k]);

        if (is_empty(l->v[k]))
            continue;
        if (in < indent || (in == indent && strncmp(l->v[k] + in, "- ", 2) != 0))
            break;
        end = k + 1;
    }
    return end;
}

/* Where the case ends whose first key stands in line i. */
static size_t case_end(const struct lines *l, size_t i, size_t indent)
{
    size_t end = i + 1;

    for (size_t k = i + 1; k < l->n; k++) {
        if (is_empty(l->v[k]))
            continue;
        if (indent_of(l->v[k]) < indent)
            break;
        end = k + 1;
    }
    return end;
}

/* Which lines hold the test's "expect": [*from, *to), the same where there is none yet. False: the test
 * does not stand in lines of its own. */
static bool place_of(const struct lines *l, const struct bb_case *c, size_t *from, size_t *to, size_t *indent)
{
    size_t line = c->where.line - 1;
    const char *at;

    if (!c->where.line || line >= l->n)
        return false;
    *indent = c->where.col - 1;
    at = l->v[line] + indent_of(l->v[line]);
    if (*at != '-' || strspn(at + 1, " ") + (size_t)(at + 1 - l->v[line]) != *indent)
        return false; /* {name: ...} */
    if (!c->expect.len) {
        *from = *to = case_end(l, line, *indent);
        return true;
    }
    *from = c->expect_where.line - 1;
    if (*from >= l->n || c->expect_where.col - 1 != *indent)
        return false;
    *to = block_end(l, *from, *indent);
    return strncmp(l->v[*from] + *indent, "expect:", 7) == 0 ||
           strncmp(l->v[*from] + *indent, "\"expect\":", 9) == 0;
}

/* ---- a file -------------------------------------------------------------------------------------- */
static char *expect_text(const struct test *t, size_t indent)
{
    struct bb_buf v;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    struct yaml y = {.out = out};

    if (!out)
        return NULL;
    bb_buf_init(&v, BB_REPORT_BYTES);
    bb_results_expect(t->c->expect, bb_bytes_of(&t->result), &v);
    fprintf(out, "%*sexpect:", (int)indent, "");
    put_value(&y, bb_bytes_of(&v), (unsigned)indent + 2, false);
    bb_buf_free(&v);
    fclose(out);
    return text;
}

static bool is_to_update(const struct test *t)
{
    return !t->passed && (!*t->error || !t->c->expect.len) && t->result.len;
}

static int file_write(const char *path, const struct lines *l, char **instead, const size_t *to)
{
    char *temp = bb_text("%s.new", path);
    struct stat st;
    FILE *out = temp && stat(path, &st) == 0 ? fopen(temp, "we") : NULL;
    int rc;

    if (!out)
        return bb_cli_fail("cannot write %s: %s", temp ? temp : path, strerror(errno));
    fchmod(fileno(out), st.st_mode & 07777);
    for (size_t i = 0; i <= l->n; i++) {
        if (instead[i])
            fputs(instead[i], out);
        if (instead[i] && to[i] > i)
            i = to[i] - 1;
        else if (i < l->n)
            fwrite(l->v[i], 1, (size_t)(l->v[i + 1] - l->v[i]), out);
    }
    rc = ferror(out) | fclose(out);
    if (rc == 0 && rename(temp, path) == 0)
        rc = BB_EXIT_OK;
    else
        rc = bb_cli_fail("cannot write %s: %s", path, strerror(errno));
    free(temp);
    return rc;
}

/* The failing tests of one file, from i on. */
static int file_update(const struct test_run *r, size_t i, size_t *n)
{
    const char *file = r->v[i].c->file;
    struct lines l;
    size_t from, to, indent, here = 0, *ends;
    char **instead;
    int rc = BB_EXIT_OK;

    if (lines_read(file, &l) != 0)
        return BB_EXIT_FAILED;
    instead = calloc(l.n + 1, sizeof(*instead));
    ends = calloc(l.n + 1, sizeof(*ends));
    for (; instead && ends && i < r->n && strcmp(r->v[i].c->file, file) == 0; i++) {
        if (!is_to_update(&r->v[i]))
            continue;
        if (!place_of(&l, r->v[i].c, &from, &to, &indent)) {
            rc = bb_cli_fail("%s:%u: not updated: write the test with a key a line", file,
                             r->v[i].c->where.line);
            continue;
        }
        instead[from] = expect_text(&r->v[i], indent);
        ends[from] = to;
        here++;
    }
    if (here && file_write(file, &l, instead, ends) != BB_EXIT_OK)
        rc = BB_EXIT_FAILED;
    else
        *n += here;
    for (size_t k = 0; instead && k <= l.n; k++)
        free(instead[k]);
    free(instead);
    free(ends);
    free(l.v);
    free(l.text);
    return rc;
}

int test_update(const struct test_run *r, size_t *n)
{
    int rc = BB_EXIT_OK;

    for (size_t i = 0; i < r->n;) {
        size_t next = i;
        bool any = false;

        for (; next < r->n && strcmp(r->v[next].c->file, r->v[i].c->file) == 0; next++) {
            any |= is_to_update(&r->v[next]);
            if (!r->v[next].passed && !is_to_update(&r->v[next]))
                rc = BB_EXIT_FAILED; /* it could not run */
        }
        if (any && file_update(r, i, n) != BB_EXIT_OK)
            rc = BB_EXIT_FAILED;
        i = next;
    }
    return rc;
}

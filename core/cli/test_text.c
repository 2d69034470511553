/*
 * test_text.c - results of tests as they come: for people, with colour on a terminal, or as TAP
 *
 * Nothing of a message reaches the terminal as it is: control characters are made visible.
 */
#define _GNU_SOURCE 1
#include "core/cli/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VALUE_SHOWN 160
#define DIFFERENCES_SHOWN 40

static const char *colour(const char *code)
{
    static int on = -1;

    if (on < 0)
        on = isatty(STDOUT_FILENO) && !(getenv("NO_COLOR") && *getenv("NO_COLOR"));
    return on ? code : "";
}
#define GREEN colour("\033[32m")
#define RED colour("\033[31m")
#define DIM colour("\033[2m")
#define PLAIN colour("\033[0m")

void test_text_value(FILE *out, struct bb_bytes v)
{
    struct bb_fault unused;
    struct bb_buf b;

    if (!v.len) {
        fputs("nothing", out);
        return;
    }
    bb_buf_init(&b, 256u << 20);
    if (bb_json_write(v, &b, &unused) == 0) {
        size_t n = b.len;

        while (n > VALUE_SHOWN && n && (b.ptr[n] & 0xc0) == 0x80)
            n--; /* no half character */
        if (n > VALUE_SHOWN) {
            n = VALUE_SHOWN;
            while (n && (b.ptr[n] & 0xc0) == 0x80)
                n--;
        }
        bb_print_text(out, "", (struct bb_bytes){b.ptr, n});
        if (n < b.len)
            fprintf(out, "... (%zu bytes)", b.len);
    }
    bb_buf_free(&b);
}

/* ---- one difference ------------------------------------------------------------------------------ */
/* "message 1, route stock-to-erp": of the result, or of what was expected when there is none. */
static void put_place(const struct test *t, const struct test_difference *d)
{
    struct bb_walk w = bb_each(bb_bytes_of(&t->result));
    struct bb_bytes row = {NULL, 0};

    for (size_t i = 0; i < d->delivery; i++)
        if (!bb_each_next(&w, &row))
            row = (struct bb_bytes){NULL, 0};
    if (!row.len)
        row = d->expected;
    printf("delivery %zu", d->delivery);
    if (bb_field_int(row, "message"))
        printf(", message %lld", (long long)bb_field_int(row, "message"));
    bb_print_field(", route ", row, "route");
    bb_print_field(": ", row, "error");
    putchar('\n');
}

static void put_side(const char *before, const char *sign, struct bb_bytes v)
{
    bool plus = *sign == '+';

    printf("%s%s%s ", before, plus ? GREEN : RED, sign);
    test_text_value(stdout, v);
    printf("%s\n", PLAIN);
}

static void put_differences(const struct test *t, const char *before)
{
    size_t delivery = 0;

    for (size_t i = 0; i < t->n && i < DIFFERENCES_SHOWN; i++) {
        const struct test_difference *d = &t->v[i];
        const char *what = d->what;

        if (d->delivery != delivery) {
            fputs(before, stdout);
            put_place(t, d);
            delivery = d->delivery;
        }
        if (!*what)
            what = !d->expected.len ? "is not expected" : !d->got.len ? "did not come" : "message";
        printf("%s  ", before);
        bb_print_text(stdout, "", (struct bb_bytes){what, strlen(what)});
        putchar('\n');
        fputs(before, stdout);
        put_side("    ", "- expected", d->expected);
        fputs(before, stdout);
        put_side("    ", "+ got     ", d->got);
    }
    if (t->n > DIFFERENCES_SHOWN)
        printf("%s... and %zu more\n", before, t->n - DIFFERENCES_SHOWN);
}

/* ---- a test -------------------------------------------------------------------------------------- */
void test_text_begin(const struct test_run *r)
{
    if (r->a->tap)
        printf("TAP version 14\n1..%zu\n", r->n);
}

/* A '#' in a description would begin a directive. */
static void put_tap_name(const char *s)
{
    for (; *s; s++)
        if (*s == '#' || *s == '\\')
            printf("\\%c", *s);
        else
            putchar((unsigned char)*s < 0x20 ? '?' : *s);
}

static void tap_one(const struct test *t, size_t number)
{
    printf("%s %zu - ", t->passed ? "ok" : "not ok", number);
    put_tap_name(t->c->name);
    putchar('\n');
    if (t->passed)
        return;
    if (*t->error) {
        bb_print_text(stdout, "# ", (struct bb_bytes){t->error, strlen(t->error)});
        putchar('\n');
    }
    put_differences(t, "# ");
}

void test_text_one(const struct test_run *r, const struct test *t, size_t number)
{
    if (r->a->json)
        return;
    if (r->a->tap) {
        tap_one(t, number);
        return;
    }
    if (number == 1 || strcmp(t[-1].c->file, t->c->file) != 0)
        printf("%s\n", t->c->file);
    printf("  %s%s%s  ", t->passed ? GREEN : RED, t->passed ? "ok  " : "FAIL", PLAIN);
    bb_print_text(stdout, "", (struct bb_bytes){t->c->name, strlen(t->c->name)});
    printf("  %s%lld ms%s\n", DIM, (long long)(t->us / 1000), PLAIN);
    if (t->passed)
        return;
    printf("        %s:%u\n", t->c->file, t->c->where.line);
    if (*t->error) {
        bb_print_text(stdout, "        ", (struct bb_bytes){t->error, strlen(t->error)});
        putchar('\n');
    }
    put_differences(t, "        ");
    fflush(stdout);
}

/* ---- the end ------------------------------------------------------------------------------------- */
static void put_coverage(const struct bb_coverage *c, const char *before)
{
    const struct bb_coverage_item *v;
    size_t n = bb_coverage_items(c, &v), all[3] = {0}, ran[3] = {0};
    static const char *const what[] = {"routes", "steps", "rules"};

    for (size_t i = 0; i < n; i++) {
        unsigned kind = v[i].rule ? 2 : v[i].step ? 1 : 0;

        all[kind]++;
        ran[kind] += v[i].ran > 0;
    }
    printf("%scoverage:", before);
    for (size_t i = 0; i < 3; i++)
        printf("%s %zu of %zu %s", i ? "," : "", ran[i], all[i], what[i]);
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        if (v[i].ran)
            continue;
        printf("%s  never ran: route %s", before, v[i].route);
        if (v[i].step)
            printf(", step %u", v[i].step);
        if (v[i].rule)
            printf(", rule %s", v[i].rule);
        printf("%s%s%s\n", v[i].step ? " (" : "", v[i].step ? v[i].name : "", v[i].step ? ")" : "");
    }
}

void test_text_end(const struct test_run *r)
{
    const char *before = r->a->tap ? "# " : "";

    if (r->a->json)
        return;
    if (r->coverage)
        put_coverage(r->coverage, before);
    if (!r->a->tap)
        printf("%zu test%s, %s%zu passed%s, %s%zu failed%s\n", r->n, r->n == 1 ? "" : "s",
               r->passed ? GREEN : "", r->passed, PLAIN, r->passed < r->n ? RED : "", r->n - r->passed,
               PLAIN);
}

/*
 * odata_filter.c - $filter into SQL
 *
 * What it takes: PROP op literal with eq ne gt ge lt le; and, or, not, parentheses (16 deep);
 * startswith, endswith, contains (V4) and substringof (V2), also with "eq true" behind. Properties are
 * the set's own. Anything else is 400 with the place.
 */
#include <stdio.h>
#include <string.h>

#include "tools/plant/odata.h"

struct parser {
    struct odata_ctx *x;
    const struct odata_set *set;
    const char *p;
    int depth;
    bool bad;
};

static void either(struct parser *f, struct plant_buf *b);

static void blanks(struct parser *f)
{
    f->p += strspn(f->p, " ");
}

static bool word_is(struct parser *f, const char *w)
{
    size_t n = strlen(w);
    blanks(f);
    if (strncmp(f->p, w, n) != 0 || (f->p[n] != ' ' && f->p[n] != '('))
        return false;
    f->p += n;
    return true;
}

static bool mark_is(struct parser *f, char c)
{
    blanks(f);
    if (*f->p != c)
        return false;
    f->p++;
    return true;
}

static const struct odata_prop *prop_take(struct parser *f)
{
    blanks(f);
    size_t n = strspn(f->p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    const struct odata_prop *p = odata_prop_find(f->set, plant_mem_copy(&f->x->c->mem, f->p, n));
    if (!p)
        f->bad = true;
    else
        f->p += n;
    return p;
}

/* The literal's text: up to a blank, a comma or a parenthesis outside its quotes. */
static char *literal_take(struct parser *f)
{
    bool quoted = false;
    size_t n = 0;
    blanks(f);
    for (; f->p[n] && (quoted || !strchr(" ,)", f->p[n])); n++)
        quoted ^= f->p[n] == '\'';
    char *s = plant_mem_copy(&f->x->c->mem, f->p, n);
    f->p += n;
    return s;
}

static void compare(struct parser *f, struct plant_buf *b)
{
    static const struct {
        const char *word, *sql, *null;
    } ops[] = {{"eq", "=", "IS NULL"}, {"ne", "!=", "IS NOT NULL"}, {"gt", ">", NULL},
               {"ge", ">=", NULL}, {"lt", "<", NULL}, {"le", "<=", NULL}};
    const struct odata_prop *p = prop_take(f);
    for (size_t i = 0; p && i < sizeof ops / sizeof *ops; i++) {
        if (!word_is(f, ops[i].word))
            continue;
        const char *text = literal_take(f);
        char *v = NULL;
        if (strcmp(text, "null") == 0 && ops[i].null) {
            plant_putf(b, "%s %s", p->name, ops[i].null);
            return;
        }
        if (!odata_literal_read(f->x, p, text, &v))
            break;
        const char *q = odata_quote(&f->x->c->mem, v);
        plant_putf(b, strchr("di", p->type) ? "milli(%s) %s milli(%s)" : "%s %s %s", p->name, ops[i].sql, q);
        return;
    }
    f->bad = true;
}

static void like(struct parser *f, struct plant_buf *b, bool needle_first, const char *sql)
{
    static const struct odata_prop any = {.type = 's'};
    const struct odata_prop *p;
    char *v = NULL;
    f->bad |= !mark_is(f, '(');
    const char *text = needle_first ? literal_take(f) : NULL;
    f->bad |= needle_first && !mark_is(f, ',');
    p = prop_take(f);
    f->bad |= !needle_first && !mark_is(f, ',');
    if (!needle_first)
        text = literal_take(f);
    f->bad |= !mark_is(f, ')') || !odata_literal_read(f->x, &any, text, &v);
    if (f->bad)
        return;
    plant_puts(b, "(");
    for (; *sql; sql++)
        if (*sql == '#')
            plant_puts(b, p->name);
        else if (*sql == '?')
            plant_puts(b, odata_quote(&f->x->c->mem, v));
        else
            plant_put(b, sql, 1);
    plant_puts(b, ")");
    if (word_is(f, "eq") && strcmp(literal_take(f), "true") != 0)
        f->bad = true;
}

static void one(struct parser *f, struct plant_buf *b)
{
    static const struct {
        const char *word, *sql;
        bool needle_first;
    } calls[] = {{"substringof", "instr(#, ?) > 0", true}, {"contains", "instr(#, ?) > 0", false},
                 {"startswith", "substr(#, 1, length(?)) = ?", false},
                 {"endswith", "substr(#, -length(?)) = ?", false}};
    if (++f->depth > 16)
        f->bad = true;
    if (f->bad)
        return;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (word_is(f, calls[i].word)) {
            like(f, b, calls[i].needle_first, calls[i].sql);
            f->depth--;
            return;
        }
    if (word_is(f, "not")) {
        plant_puts(b, "NOT ");
        one(f, b);
    } else if (mark_is(f, '(')) {
        plant_puts(b, "(");
        either(f, b);
        f->bad |= !mark_is(f, ')');
        plant_puts(b, ")");
    } else {
        compare(f, b);
    }
    f->depth--;
}

static void both(struct parser *f, struct plant_buf *b)
{
    one(f, b);
    while (!f->bad && word_is(f, "and")) {
        plant_puts(b, " AND ");
        one(f, b);
    }
}

static void either(struct parser *f, struct plant_buf *b)
{
    both(f, b);
    while (!f->bad && word_is(f, "or")) {
        plant_puts(b, " OR ");
        both(f, b);
    }
}

char *odata_filter_sql(struct odata_ctx *x, const struct odata_set *set, const char *text)
{
    struct parser f = {.x = x, .set = set, .p = text};
    struct plant_buf b;
    plant_buf_init(&b, &x->c->mem);
    plant_puts(&b, "(");
    either(&f, &b);
    plant_puts(&b, ")");
    blanks(&f);
    if (!f.bad && !*f.p)
        return b.p;
    odata_fail(x, 400, x->s->version == 2 ? "005056A509B11EE1B9A8FEC11C21578E" : "/IWBEP/CM_V4_URI/004", NULL,
               "Invalid token detected at position %zu of $filter: '%.40s'", (size_t)(f.p - text) + 1, f.p);
    return NULL;
}

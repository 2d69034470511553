/*
 * recode.c - encodings through iconv, in chunks
 *
 * iconv leaves a character that is cut at a chunk's end; those bytes wait in `rest`. UTF-16 without
 * a byte order is resolved here by its first two bytes, so that iconv never guesses.
 *
 * Thread: the owner's. Invariant: rest holds less than one character.
 */
#include "codec.h"
#include <busbar/recode.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <strings.h>

#define REST_MAX 8

static const struct encoding {
    const char *name;
    uint8_t marked; /* written with a byte order mark */
    uint8_t wide;   /* 2: UTF-16 */
} encodings[] = {{"UTF-8", 0, 1},        {"ISO-8859-1", 0, 1}, {"ISO-8859-15", 0, 1},
                 {"windows-1252", 0, 1}, {"UTF-16LE", 0, 2},   {"UTF-16BE", 0, 2},
                 {"UTF-16", 1, 2}};

struct bb_recode {
    const struct encoding *e;
    iconv_t cd; /* (iconv_t)-1: not yet open */
    int write;
    uint64_t offset; /* bytes given before this chunk */
    int begun;       /* the mark is passed */
    uint8_t rest[REST_MAX];
    size_t n_rest;
};

static const struct encoding *find(struct bb_bytes name)
{
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
        if (strlen(encodings[i].name) == name.len &&
            strncasecmp(encodings[i].name, name.ptr, name.len) == 0)
            return &encodings[i];
    return NULL;
}

int bb_recode_known(struct bb_bytes name)
{
    return find(name) != NULL;
}

struct bb_recode *bb_recode_new(struct bb_bytes name, int write, struct bb_fault *err)
{
    const struct encoding *e = find(name);
    struct bb_recode *r = e ? calloc(1, sizeof(*r)) : NULL;
    char quoted[44];

    if (!r) {
        if (e)
            bb_fault_set(err, 0, "no memory");
        else
            bb_fault_set(err, 0, "the encoding \"%s\" is not known; UTF-8, ISO-8859-1, "
                                 "ISO-8859-15, windows-1252, UTF-16, UTF-16LE and UTF-16BE are",
                         bb_fault_quote(quoted, name.ptr, name.len));
        return NULL;
    }
    r->e = e;
    r->write = write;
    r->cd = (iconv_t)-1;
    return r;
}

void bb_recode_free(struct bb_recode **rp)
{
    struct bb_recode *r = *rp;

    if (!r)
        return;
    if (r->cd != (iconv_t)-1)
        iconv_close(r->cd);
    free(r);
    *rp = NULL;
}

struct bb_bytes bb_recode_mark(const struct bb_recode *r)
{
    return r->e->marked ? (struct bb_bytes){"\xff\xfe", 2} : (struct bb_bytes){"", 0};
}

static int cd_open(struct bb_recode *r, const char *name, struct bb_fault *err)
{
    r->cd = r->write ? iconv_open(name, "UTF-8") : iconv_open("UTF-8", name);
    return r->cd != (iconv_t)-1
               ? 0
               : bb_fault_set(err, 0, "this system's iconv has no encoding %s", name);
}

static size_t mark_len(const struct bb_recode *r)
{
    return r->e->wide == 2 ? 2 : strcmp(r->e->name, "UTF-8") == 0 ? 3 : 0;
}

/* Looks at the first bytes, which are in rest: which order, and is there a mark to drop? */
static int begin(struct bb_recode *r, struct bb_fault *err)
{
    int le = r->n_rest >= 2 && memcmp(r->rest, "\xff\xfe", 2) == 0;
    int be = r->n_rest >= 2 && memcmp(r->rest, "\xfe\xff", 2) == 0;
    int u8 = r->n_rest == 3 && memcmp(r->rest, "\xef\xbb\xbf", 3) == 0;
    const char *name = r->e->name;

    if (r->e->marked)
        name = be ? "UTF-16BE" : "UTF-16LE";
    else if (r->e->wide == 2 && ((le && name[7] == 'E' && name[6] == 'B') || (be && name[6] == 'L')))
        return bb_fault_set(err, 0, "the byte order mark says the other order than %s", name);
    if ((r->e->wide == 2 && (le || be)) || u8) {
        r->offset += r->n_rest;
        r->n_rest = 0;
    }
    r->begun = 1;
    return r->cd == (iconv_t)-1 ? cd_open(r, name, err) : 0;
}

/* Converts all it can of n bytes at p; *n is what was left. 0, -1. */
static int convert(struct bb_recode *r, const uint8_t *p, size_t *n, struct bb_buf *b,
                   struct bb_fault *err)
{
    char *in = (char *)(uintptr_t)p;
    size_t left = *n;

    while (left) {
        size_t room = left * 2 + 16, before = left;
        char *out = (char *)bb_buf_room(b, room), *w = out;
        size_t rc;
        if (!out)
            return bb_fault_set(err, 0, "no memory for the text");
        rc = iconv(r->cd, &in, &left, &w, &room);
        b->len += (size_t)(w - out);
        if (rc == (size_t)-1 && errno == EINVAL)
            break; /* the end of a character is not there yet */
        if ((rc == (size_t)-1 && errno != E2BIG) || (rc == (size_t)-1 && left == before && w == out))
            return bb_fault_set(err, (size_t)(r->offset + (*n - left)),
                                r->write ? "byte %llu: a character that %s has not"
                                         : "byte %llu: this is not %s",
                                (unsigned long long)(r->offset + (*n - left)), r->e->name);
        if (rc != (size_t)-1 && rc > 0)
            return bb_fault_set(err, (size_t)r->offset, "a character that %s has not", r->e->name);
    }
    r->offset += *n - left;
    *n = left;
    return 0;
}

int bb_recode_put(struct bb_recode *r, struct bb_bytes chunk, int last, struct bb_buf *b,
                  struct bb_fault *err)
{
    const uint8_t *p = chunk.ptr;
    size_t n = chunk.len, mark = r->write ? 0 : mark_len(r);

    if (r->write && r->cd == (iconv_t)-1) {
        r->begun = 1;
        if (cd_open(r, r->e->marked ? "UTF-16LE" : r->e->name, err) != 0)
            return -1;
    }
    while (!r->begun && n && r->n_rest < mark) {
        r->rest[r->n_rest++] = *p++;
        n--;
    }
    if (!r->begun && (r->n_rest == mark || last) && begin(r, err) != 0)
        return -1;
    /* a character that was cut: byte by byte until it is whole */
    while (r->begun && r->n_rest) {
        size_t left = r->n_rest;
        if (convert(r, r->rest, &left, b, err) != 0)
            return -1;
        memmove(r->rest, r->rest + (r->n_rest - left), left);
        r->n_rest = left;
        if (!r->n_rest || !n)
            break;
        if (r->n_rest == REST_MAX)
            return bb_fault_set(err, (size_t)r->offset, "byte %llu: this is not %s",
                                (unsigned long long)r->offset, r->e->name);
        r->rest[r->n_rest++] = *p++;
        n--;
    }
    if (r->begun && n) {
        size_t left = n;
        if (convert(r, p, &left, b, err) != 0)
            return -1;
        if (left > REST_MAX)
            return bb_fault_set(err, (size_t)r->offset, "this is not %s", r->e->name);
        memcpy(r->rest, p + (n - left), left);
        r->n_rest = left;
    }
    if (!last)
        return 0;
    if (r->n_rest)
        return bb_fault_set(err, (size_t)r->offset, "the text ends inside a character of %s",
                            r->e->name);
    r->begun = r->write;
    r->offset = 0;
    return 0;
}

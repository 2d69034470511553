/*
 * poll_conf.c - a feed from an endpoint's config
 *
 * Thread: the instance's, in create(). Memory: one block for all texts, the caller's.
 */
#include <stdlib.h>
#include <busbar/poll.h>

#define AT(member) offsetof(struct bb_poll_conf, member)
static const struct {
    const char *pointer;
    size_t at;
} texts[] = {
    {"/url", AT(url)},
    {"/records", AT(records)},
    {"/next/pointer", AT(next_pointer)},
    {"/cursor/pointer", AT(cursor_pointer)},
    {"/cursor/param", AT(cursor_param)},
    {"/cursor/start", AT(cursor_start)},
};
#define TEXTS (sizeof texts / sizeof texts[0])

static int next_read(struct bb_bytes poll, struct bb_poll_conf *f)
{
    struct bb_bytes word = bb_conf_str(poll, "/next", NULL);

    if (f->next_pointer)
        return BB_NEXT_POINTER;
    return bb_str_is(word, "link") ? BB_NEXT_LINK : bb_str_is(word, "odata") ? BB_NEXT_ODATA : BB_NEXT_NONE;
}

bb_status bb_poll_conf_read(struct bb_bytes poll, struct bb_poll_conf *f, char **block, struct bb_error *err)
{
    struct bb_bytes v[TEXTS];
    size_t n = 1;
    char *w;

    for (size_t k = 0; k < TEXTS; k++) {
        v[k] = bb_conf_str(poll, texts[k].pointer, NULL);
        if (v[k].ptr && memchr(v[k].ptr, 0, v[k].len))
            return bb_error_set(err, BB_E_CONFIG, "poll: %s holds a NUL", texts[k].pointer + 1);
        n += v[k].len + 1;
    }
    *block = w = calloc(1, n);
    if (!w)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    for (size_t k = 0; k < TEXTS; k++) {
        if (!v[k].ptr)
            continue;
        memcpy(w, v[k].ptr, v[k].len);
        memcpy((char *)f + texts[k].at, &w, sizeof w);
        w += v[k].len + 1;
    }
    f->next = next_read(poll, f);
    f->cursor_of_page = bb_str_is(bb_conf_str(poll, "/cursor/of", "record"), "page");
    f->interval_ms = bb_conf_int(poll, "/interval", 60000);
    f->jitter = (uint32_t)bb_conf_int(poll, "/jitter", 10);
    f->backoff_max_ms = bb_conf_int(poll, "/backoff_max", 300000);
    f->max_messages = (size_t)bb_conf_int(poll, "/max_messages", 500);
    f->max_page = (size_t)bb_conf_int(poll, "/max_page", 8 << 20);
    return f->url ? BB_OK : bb_error_set(err, BB_E_CONFIG, "poll: url is missing");
}

bb_status bb_poll_from_conf(struct bb_bytes conf, const struct bb_poll_conf *more, struct bb_poll **out,
                            struct bb_error *err)
{
    struct bb_poll_conf f = *more;
    struct bb_bytes poll;
    char *block = NULL;
    bb_status st;

    *out = NULL;
    if (!bb_conf_find(conf, "/poll", &poll) || !(bb_instance_roles(f.ctx) & BB_ROLE_SOURCE))
        return BB_OK;
    st = bb_poll_conf_read(poll, &f, &block, err);
    if (st == BB_OK)
        st = bb_poll_new(&f, out, err);
    free(block);
    return st;
}

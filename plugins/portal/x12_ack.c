/*
 * x12_ack.c - X12 997: one that came as data, one that we owe as text, and which set is read by what
 *
 * The data of both: {partner, function, group, outcome, sets: [{set, control, outcome, code}]}; outcome is accepted,
 * accepted-with-errors, partially-accepted or rejected.
 *
 * Thread: any. Memory: the buffers given.
 */
#include <stdio.h>
#include "portal.h"

static const char *const outcomes[][2] = {{"A", "accepted"}, {"E", "accepted-with-errors"}, {"P", "partially-accepted"},
                                          {"R", "rejected"}, {"M", "rejected"}, {"W", "rejected"}, {"X", "rejected"}};

static const char *outcome_in(struct bb_bytes code)
{
    for (size_t k = 0; k < sizeof outcomes / sizeof *outcomes; k++)
        if (bb_str_is(code, outcomes[k][0]))
            return outcomes[k][1];
    return NULL;
}

x12_get *x12_reader(struct bb_bytes set)
{
    static const struct {
        const char *set;
        x12_get *get;
    } readers[] = {{"856", x12_ship_get}, {"855", x12_commit_get}, {"997", x12_ack_get}};

    for (size_t k = 0; k < sizeof readers / sizeof *readers; k++)
        if (bb_str_is(set, readers[k].set))
            return readers[k].get;
    return NULL;
}

/* ---- in -------------------------------------------------------------------------------------------------------- */
static int sets_put(struct x12 x, struct open *o, struct x12_seg *ak1, struct x12_seg *ak9, struct bb_fault *err)
{
    struct open list, in;
    struct x12_seg s, ak2 = {.n = 0};
    const char *word;
    int rc;

    map_key(o, "sets");
    list = list_open(o->b);
    while ((rc = x12_next(&x, &s, err)) == 1) {
        if (x12_is(&s, "AK1"))
            *ak1 = s;
        else if (x12_is(&s, "AK2"))
            ak2 = s;
        else if (x12_is(&s, "AK9"))
            *ak9 = s;
        if (!x12_is(&s, "AK5"))
            continue;
        word = outcome_in(x12_at(&s, 1));
        if (!ak2.n || !word)
            return x12_error(err, &s, "it follows no AK2, or its code is not known");
        in = map_open(o->b);
        map_text(&in, "set", x12_at(&ak2, 1));
        map_text(&in, "control", x12_at(&ak2, 2));
        map_text(&in, "outcome", bb_str(word));
        map_text(&in, "code", x12_at(&s, 2));
        open_end(&in);
        list.n++;
        ak2.n = 0;
    }
    open_end(&list);
    return rc;
}

int x12_ack_get(const struct portal_conf *c, const struct x12_set *set, struct bb_buf *out, struct found *f, struct bb_fault *err)
{
    struct open o = map_open(out);
    struct x12_seg ak1 = {.n = 0}, ak9 = {.n = 0};

    (void)c;
    memset(f, 0, sizeof *f);
    f->type = PORTAL_ACKNOWLEDGED;
    if (sets_put(set->body, &o, &ak1, &ak9, err) != 0)
        return -1;
    if (!ak1.n || !x12_at(&ak1, 2).len || !ak9.n || !outcome_in(x12_at(&ak9, 1)))
        return x12_error(err, NULL, "997 without AK102 (which group) or AK901 (what became of it)");
    f->id = x12_at(&ak1, 2);
    map_text(&o, "partner", set->sender);
    map_text(&o, "function", x12_at(&ak1, 1));
    map_text(&o, "group", f->id);
    map_text(&o, "outcome", bb_str(outcome_in(x12_at(&ak9, 1))));
    open_end(&o);
    return 0;
}

/* ---- out ------------------------------------------------------------------------------------------------------- */
static void code_put(struct x12_out *o, const char *name, struct bb_bytes outcome)
{
    size_t k = 0;

    while (k < 3 && !bb_str_is(outcome, outcomes[k][1]))
        k++;
    x12_open(o, name);
    x12_puts(o, outcomes[k][0]);
}

bb_status x12_ack_put(struct post *p)
{
    struct x12_out o;
    struct x12_envelope e;
    struct bb_bytes d = p->e.data, list, one;
    struct bb_iter it;
    uint32_t good = 0, n;
    char count[16];
    bb_status st;

    if (!bb_conf_str(d, "/group", NULL).len || bb_conf_find(d, "/sets", &list) != 1 || !bb_iter_of(list, &it))
        return bb_error_set(p->err, BB_E_REJECT, "an acknowledgement needs group and sets, as this connector's feed makes them");
    st = x12_post_begin(p, &o, &e, "FA", "997");
    if (st != BB_OK)
        return st;
    n = it.n;
    x12_open(&o, "AK1");
    x12_put(&o, bb_conf_str(d, "/function", ""), 2), x12_put(&o, bb_conf_str(d, "/group", ""), 9);
    x12_end(&o);
    while (bb_iter_next(&it, NULL, &one)) {
        struct bb_bytes outcome = bb_conf_str(one, "/outcome", "rejected");
        good += bb_str_is(outcome, "accepted");
        x12_open(&o, "AK2");
        x12_put(&o, bb_conf_str(one, "/set", ""), 3), x12_put(&o, bb_conf_str(one, "/control", ""), 9);
        x12_end(&o);
        code_put(&o, "AK5", outcome);
        x12_put(&o, bb_conf_str(one, "/code", ""), 3);
        x12_end(&o);
    }
    code_put(&o, "AK9", bb_str(good == n ? "accepted" : good ? "partially-accepted" : "rejected"));
    snprintf(count, sizeof count, "%u", n);
    x12_puts(&o, count), x12_puts(&o, count);
    snprintf(count, sizeof count, "%u", good);
    x12_puts(&o, count);
    x12_end(&o);
    return x12_post_end(p, &o, &e);
}

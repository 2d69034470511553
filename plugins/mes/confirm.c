/*
 * confirm.c - what an answer comes to: HTTP's status by the table, then the ConfirmBOD in the body
 *
 * The ConfirmBOD's reason code and text always reach the delivery, also when HTTP alone decided. A refusal that
 * comes with 200 is a refusal. A 200 whose body is no ConfirmBOD says nothing: UNKNOWN, the probe asks.
 *
 * Thread: the instance's. Memory: i->tmp and i->reply.
 */
#include <stdio.h>
#include "mes.h"

#define CHANGE "/ConfirmBOD/DataArea/Confirm/ResponseCriteria/ChangeStatus"

/* Before the client's own rows; docs and fault table: README.md. `outcomes` in conf.d takes their place. */
const struct bb_http_outcomes mes_outcomes = {
    .v = {{403, 403, BB_E_DOWN, BB_E_DOWN},
          {404, 405, BB_E_DOWN, BB_E_DOWN},
          {423, 423, BB_E_RETRY, BB_E_RETRY}},
    .n = 3,
};

static const struct {
    unsigned code;
    const char *what;
} hints[] = {
    {401, "check auth of this endpoint: the MES refuses its user or token"},
    {403, "the endpoint's user may not do that in the MES: ask for its rights"},
    {404, "there is no such path at the MES: check base_url and paths"},
    {405, "this path of the MES takes no such request: check base_url and paths"},
    {BB_HTTP_E_TLS, "check tls of this endpoint, and when the certificates run out"},
    {BB_HTTP_E_AUTH, "check auth of this endpoint: no token could be had"},
};

struct confirmation {
    struct bb_bytes state, code, reason, bod;
};

static int confirmation_read(bb_inst *i, const struct bb_http_answer *a, struct confirmation *c)
{
    struct bb_fault f = {0, ""};
    struct bb_bytes tree;

    memset(c, 0, sizeof *c);
    bb_buf_reset(&i->tmp);
    if (!a->body.len || tree_read(i->confirm_map, a->body, &i->tmp, &f) != 0)
        return -1;
    tree = (struct bb_bytes){i->tmp.ptr, i->tmp.len};
    c->state = tree_text(tree, CHANGE "/Code");
    c->code = tree_text(tree, CHANGE "/ReasonCode");
    c->reason = tree_text(tree, CHANGE "/Reason");
    if (!c->reason.len)
        c->reason = tree_text(tree, CHANGE "/Description");
    c->bod = tree_text(tree, "/ConfirmBOD/DataArea/Confirm/OriginalApplicationArea/BODID");
    return c->state.len ? 0 : -1;
}

static void reply_put(bb_inst *i, const struct confirmation *c)
{
    struct open m;

    bb_buf_reset(&i->reply);
    m = map_open(&i->reply);
    map_text(&m, "id", c->bod);
    map_text(&m, "state", c->state);
    map_text(&m, "code", c->code);
    map_text(&m, "text", c->reason);
    open_end(&m);
}

/* The vendor's words in front, what to do behind. Where there is something to do, the cause comes without the
 * request in front of it: `busbar status` shows the beginning of the line. */
static void error_fill(const struct bb_http_answer *a, const struct confirmation *c, struct bb_error *err)
{
    char code[32], words[160], was[sizeof err->text];
    const char *hint = NULL, *cause;

    for (size_t k = 0; k < sizeof hints / sizeof *hints; k++)
        if (hints[k].code == a->code)
            hint = hints[k].what;
    if (c->code.len && bb_str_copy(c->code, code, sizeof code) == 0)
        bb_error_vendor(err, code);
    snprintf(words, sizeof words, "%.*s", c->reason.len < sizeof words ? (int)c->reason.len : (int)sizeof words - 1,
             c->reason.len ? (const char *)c->reason.ptr : "");
    memcpy(was, err->text, sizeof was);
    cause = strstr(was, ": ");
    cause = hint && cause ? cause + 2 : was;
    if (*words || hint)
        bb_error_set(err, BB_E_REJECT, "%s%s%s%s", *words ? words : cause, hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
}

bb_status confirm_read(bb_inst *i, const struct bb_http_answer *a, struct bb_error *err)
{
    struct confirmation c;
    bb_status st = bb_http_answer_error(a, err);
    int there = confirmation_read(i, a, &c) == 0;

    bb_buf_reset(&i->reply);
    if (st == BB_OK && !there)
        st = a->body.len ? bb_error_set(err, BB_E_UNKNOWN, "HTTP %u with a body that is no ConfirmBOD", a->code) : BB_OK;
    else if (st == BB_OK && bb_str_is(c.state, "Rejected"))
        st = BB_E_REJECT;
    else if (there && (a->code == 404 || a->code == 405))
        st = BB_E_REJECT; /* the MES itself knows no such thing; a wrong path answers otherwise */
    if (st == BB_OK && there)
        reply_put(i, &c);
    else if (st != BB_OK)
        error_fill(a, &c, err);
    return st;
}

/*
 * http_oauth.c - OAuth2 client credentials (RFC 6749, 4.4): one token for all who want the same
 *
 * The workers of an endpoint are instances in one process, each with a client and a thread of its
 * own. Clients with the same token URL, client, secret, scope, audience and certificate share one token.
 * Whoever misses it first fetches it; the others hold their calls and are woken when it is there.
 *
 *   NONE --pass()--> fetching --200--> have --near its end--> have + fetching --200--> have
 *    ^                  |               |
 *    |                  `--failed--> a pause, which grows; calls are refused until its end
 *    `------------- 401 to a call ------'
 *
 * A token that was never accepted is not fetched anew at once when it is refused: that is a
 * failure like any other, so wrong rights never make a storm.
 *
 * Thread: any client's; `lock` guards the list and all that is in it, and nothing blocks under it.
 * Memory: a token lives as long as clients use it, and is wiped. The list is the one global.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "http_call.h"

#define TOKEN_MAX 16384
#define ANSWER_MAX 65536
#define FETCH_MS 20000
#define LIFE_MS 300000    /* when the answer does not say */
#define EARLY_MS 60000    /* renewed this long before its end, or a fifth of its life */
#define FIRST_PAUSE_MS 1000
#define PAUSE_MAX_MS 60000

struct http_token {
    struct http_token *next;
    struct bb_http *members; /* by token_next */
    struct bb_buf key;       /* what it is for */
    struct bb_buf text;
    unsigned gen; /* 0: never had one */
    int good, accepted;
    int64_t renew_ms, end_ms;
    struct bb_http *fetcher; /* NULL: nobody */
    unsigned failures;
    int64_t again_ms;
    char why[200];
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_token *all;

static void wipe(struct bb_buf *b)
{
    if (b->ptr)
        explicit_bzero(b->ptr, b->cap);
    bb_buf_free(b);
}

/* ---- who shares it ------------------------------------------------------------------------------- */
static int key_make(const struct bb_http *c, struct bb_buf *key)
{
    const struct bb_http_oauth *o = &c->conf.oauth;
    const char *const each[] = {o->token_url, o->client_id, o->client_secret, o->scope, o->audience,
                                c->conf.cert_file, c->conf.cert_pem, c->conf.ca_file, c->conf.proxy};

    bb_buf_init(key, 1u << 20);
    for (size_t k = 0; k < sizeof each / sizeof each[0]; k++) {
        bb_buf_put(key, each[k] ? "1" : "0", 1);
        if (each[k])
            bb_buf_put(key, each[k], strlen(each[k]) + 1);
    }
    return key->failed ? -1 : 0;
}

static struct http_token *token_of(struct bb_buf *key)
{
    struct http_token *t = all;

    while (t && (t->key.len != key->len || memcmp(t->key.ptr, key->ptr, key->len) != 0))
        t = t->next;
    if (t || !(t = calloc(1, sizeof *t)))
        return t;
    t->key = *key;
    bb_buf_init(key, 0);
    bb_buf_init(&t->text, TOKEN_MAX);
    t->next = all;
    all = t;
    return t;
}

/* "id:secret" as Basic has it: both percent-encoded first (RFC 6749, 2.3.1). */
static int secrets_make(struct bb_http *c)
{
    struct bb_buf id, secret;
    int ok;

    bb_buf_init(&id, 1u << 16);
    bb_buf_init(&secret, 1u << 16);
    bb_uri_put(&id, bb_str(c->conf.oauth.client_id));
    bb_uri_put(&secret, bb_str(c->conf.oauth.client_secret));
    bb_buf_put(&id, "", 1);
    bb_buf_put(&secret, "", 1);
    ok = !id.failed && !secret.failed;
    if (ok) {
        c->oauth_basic = http_basic((char *)id.ptr, (char *)secret.ptr);
        c->secret_form = strdup((char *)secret.ptr);
    }
    wipe(&id);
    wipe(&secret);
    return c->oauth_basic && c->secret_form ? 0 : -1;
}

int http_oauth_join(struct bb_http *c)
{
    struct bb_buf key;

    if (!c->conf.oauth.token_url)
        return 0;
    bb_buf_init(&c->bearer, TOKEN_MAX);
    if (secrets_make(c) != 0 || key_make(c, &key) != 0)
        return -1;
    pthread_mutex_lock(&lock);
    c->token = token_of(&key);
    if (c->token) {
        c->token_next = c->token->members;
        c->token->members = c;
    }
    pthread_mutex_unlock(&lock);
    wipe(&key);
    return c->token ? 0 : -1;
}

void http_oauth_leave(struct bb_http *c)
{
    struct http_token *t = c->token, **tp = &all;
    struct bb_http **at;

    wipe(&c->bearer);
    if (!t)
        return;
    pthread_mutex_lock(&lock);
    for (at = &t->members; *at != c;)
        at = &(*at)->token_next;
    *at = c->token_next;
    if (!t->members) {
        while (*tp != t)
            tp = &(*tp)->next;
        *tp = t->next;
    } else {
        t = NULL;
    }
    pthread_mutex_unlock(&lock);
    c->token = NULL;
    if (!t)
        return;
    wipe(&t->key);
    wipe(&t->text);
    free(t);
}

/* ---- fetching ---------------------------------------------------------------------------------- */
static void failed(struct http_token *t, uint32_t wish_ms, const char *why)
{
    int64_t pause = wish_ms ? wish_ms : bb_backoff_ms(++t->failures, FIRST_PAUSE_MS, PAUSE_MAX_MS);

    t->again_ms = bb_clock_ms() + pause;
    snprintf(t->why, sizeof t->why, "no OAuth2 token: %.180s", why);
}

/* expires_in is a number, or a number in a string. */
static int64_t life_ms(struct bb_bytes map)
{
    struct bb_bytes v, text;
    char digits[16];
    int64_t s = 0;

    if (bb_map_get(map, "expires_in", &v) != 1)
        return LIFE_MS;
    if (bb_as_int(v, &s) != 1) {
        if (bb_as_str(v, &text) != 1 || bb_str_copy(text, digits, sizeof digits) != 0)
            return LIFE_MS;
        s = strtoll(digits, NULL, 10);
    }
    return s < 1 ? LIFE_MS : s > 86400 ? 86400000 : s * 1000;
}

static int token_text_ok(struct bb_bytes v)
{
    const uint8_t *p = v.ptr;

    for (size_t k = 0; k < v.len; k++)
        if (p[k] <= ' ' || p[k] >= 0x7f)
            return 0;
    return v.len > 0 && v.len <= TOKEN_MAX;
}

/* NULL, or what is wrong with the answer's body. */
static const char *token_read(struct http_token *t, struct bb_bytes body, int64_t asked_ms)
{
    struct bb_buf b;
    struct bb_bytes map, v, text;
    const char *why = "the answer is no JSON object with access_token: check token_url";
    int64_t life;

    bb_buf_init(&b, ANSWER_MAX * 2);
    if (bb_json_read(body, &b, NULL) != 0)
        goto done;
    map = (struct bb_bytes){b.ptr, b.len};
    if (bb_map_get(map, "access_token", &v) != 1 || bb_as_str(v, &text) != 1 || !token_text_ok(text))
        goto done;
    if (bb_map_get(map, "token_type", &v) == 1) {
        struct bb_bytes type;
        why = "the token is of another type than Bearer";
        if (bb_as_str(v, &type) != 1 || type.len != 6 || strncasecmp(type.ptr, "bearer", 6) != 0)
            goto done;
    }
    wipe(&t->text);
    bb_buf_put(&t->text, text.ptr, text.len);
    why = t->text.failed ? "out of memory" : NULL;
    life = life_ms(map);
    t->end_ms = asked_ms + life; /* counted from the question: it is never used for too long */
    t->renew_ms = t->end_ms - (life / 5 < EARLY_MS ? life / 5 : EARLY_MS);
done:
    wipe(&b);
    return why;
}

/* The endpoint's own word for it (RFC 6749, 5.2), "invalid_client", into text: 1, or 0 when there is none. */
static int refusal_read(const struct bb_http_answer *a, char *text, size_t cap)
{
    struct bb_bytes map, v, word = {NULL, 0};
    struct bb_buf b;
    int good;

    bb_buf_init(&b, ANSWER_MAX * 2);
    good = bb_json_read(a->body, &b, NULL) == 0;
    map = (struct bb_bytes){b.ptr, b.len};
    good = good && bb_map_get(map, "error", &v) == 1 && bb_as_str(v, &word) == 1 && word.len && word.len < 40;
    for (size_t k = 0; good && k < word.len; k++)
        good = strchr("abcdefghijklmnopqrstuvwxyz_", ((const char *)word.ptr)[k]) != NULL;
    if (good)
        snprintf(text, cap, "%.*s: check client_id, client_secret and scope (%s answered %u)", (int)word.len,
                 (const char *)word.ptr, bb_http_answer_url(a), a->code);
    wipe(&b);
    return good;
}

static void on_token(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct bb_http *c = ((struct http_call *)call)->client;
    struct http_token *t = c->token;
    int64_t asked_ms = ((struct http_call *)call)->until_ms - FETCH_MS;
    const char *why = NULL;
    char text[200];

    pthread_mutex_lock(&lock);
    t->fetcher = NULL;
    if (a->code == 200) {
        why = token_read(t, a->body, asked_ms);
        if (!why) {
            t->good = 1;
            t->accepted = 0;
            t->again_ms = 0;
            t->gen++;
        }
    } else if ((a->code == 400 || a->code == 401) && refusal_read(a, text, sizeof text)) {
        why = text;
    } else if (a->code != BB_HTTP_E_CANCELLED) {
        why = a->text[0] ? a->text : "the answer is not 200: check token_url";
    }
    if (why)
        failed(t, a->retry_after_ms, why);
    for (struct bb_http *m = t->members; m; m = m->token_next)
        if (m != c)
            curl_multi_wakeup(m->multi);
    pthread_mutex_unlock(&lock);
}

static void field_put(struct bb_buf *b, const char *name, const char *value)
{
    if (!value)
        return;
    if (b->len)
        bb_buf_put(b, "&", 1);
    bb_buf_put(b, name, strlen(name));
    bb_buf_put(b, "=", 1);
    bb_uri_put(b, bb_str(value));
}

static int fetch(struct bb_http *c)
{
    const struct bb_http_oauth *o = &c->conf.oauth;
    struct bb_http_call *call = bb_http_call_new(c, "POST", o->token_url);

    if (!call)
        return -1;
    ((struct http_call *)call)->kind = HTTP_TOKEN;
    bb_http_call_header(call, "Content-Type", bb_str("application/x-www-form-urlencoded"));
    bb_http_call_header(call, "Accept", bb_str("application/json"));
    field_put(&call->body, "grant_type", "client_credentials");
    field_put(&call->body, "scope", o->scope);
    field_put(&call->body, "audience", o->audience);
    if (o->in_body) {
        field_put(&call->body, "client_id", o->client_id);
        field_put(&call->body, "client_secret", o->client_secret);
    }
    call->timeout_ms = FETCH_MS;
    call->max_response = ANSWER_MAX;
    call->repeatable = 1; /* a second token does no harm */
    call->done = on_token;
    return bb_http_send(call);
}

/* ---- using ------------------------------------------------------------------------------------- */
static int bearer_copy(struct bb_http *c, const struct http_token *t)
{
    if (c->bearer_gen == t->gen)
        return 0;
    if (c->bearer.ptr)
        explicit_bzero(c->bearer.ptr, c->bearer.cap);
    bb_buf_reset(&c->bearer);
    bb_buf_put(&c->bearer, t->text.ptr, t->text.len);
    c->bearer_gen = c->bearer.failed ? 0 : t->gen;
    return c->bearer.failed ? -1 : 0;
}

enum http_pass http_oauth_pass(struct http_call *x)
{
    struct bb_http *c = x->client;
    struct http_token *t = c->token;
    enum http_pass pass = PASS_HOLD;
    int64_t now = bb_clock_ms();
    int begin;

    pthread_mutex_lock(&lock);
    if (t->good && now >= t->end_ms)
        t->good = 0;
    begin = !t->fetcher && now >= t->again_ms && (!t->good || now >= t->renew_ms);
    if (begin)
        t->fetcher = c;
    if (t->good) {
        pass = bearer_copy(c, t) == 0 ? PASS_GO : PASS_HOLD;
    } else if (!t->fetcher) {
        pass = PASS_REFUSED;
        snprintf(x->text, sizeof x->text, "%s", t->why);
        x->refused_ms = (uint32_t)(t->again_ms - now);
    }
    pthread_mutex_unlock(&lock);
    if (begin && fetch(c) != 0) { /* the next look says so */
        pthread_mutex_lock(&lock);
        t->fetcher = NULL;
        failed(t, 0, "out of memory");
        pthread_mutex_unlock(&lock);
    }
    return pass;
}

void http_oauth_used(struct http_call *x, int accepted)
{
    struct http_token *t = x->client->token;

    pthread_mutex_lock(&lock);
    if (t->gen == x->token_gen && t->good) {
        if (accepted) {
            t->accepted = 1;
            t->failures = 0;
        } else {
            t->good = 0;
            if (!t->accepted && t->gen > 1)
                failed(t, 0, "the system answers 401 to a new token: check scope, audience and rights");
        }
    }
    pthread_mutex_unlock(&lock);
}

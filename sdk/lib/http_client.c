/*
 * http_client.c - a client's life: its config, its multi handle, its end
 *
 * Thread: the client's one. Memory: see http_call.h; strings of the config are copies, wiped at the end.
 */
#include <stdlib.h>
#include <strings.h>
#include <busbar/web.h>
#include "http_call.h"

static int conf_ok(const struct bb_http_config *f, struct bb_error *err)
{
    const char *host = NULL;

    if (f->base && strncasecmp(f->base, "http://", 7) == 0)
        host = f->base + 7;
    else if (f->base && strncasecmp(f->base, "https://", 8) == 0)
        host = f->base + 8;
    if (f->base && (!host || !*host || *host == '/')) {
        bb_error_set(err, BB_E_CONFIG, "the URL must begin with http:// or https:// and a host");
        return 0;
    }
    if (host && memchr(host, '@', strcspn(host, "/?#"))) {
        bb_error_set(err, BB_E_CONFIG, "the URL must not hold a user or password: give them as auth");
        return 0;
    }
    if (f->oauth.token_url && (!f->oauth.client_id || !f->oauth.client_secret ||
                               (strncasecmp(f->oauth.token_url, "https://", 8) != 0 &&
                                strncasecmp(f->oauth.token_url, "http://", 7) != 0))) {
        bb_error_set(err, BB_E_CONFIG, "OAuth2 needs a token_url with http:// or https://, client_id "
                                       "and client_secret");
        return 0;
    }
    if (f->csrf_path && (!f->base || *f->csrf_path != '/')) {
        bb_error_set(err, BB_E_CONFIG, "csrf: the path begins with \"/\" and is added to the URL");
        return 0;
    }
    return 1;
}

static int strings_copy(struct bb_http *c)
{
    const char **each[] = {&c->conf.base,      &c->conf.user,     &c->conf.password,
                           &c->conf.bearer,    &c->conf.ca_file,  &c->conf.cert_file,
                           &c->conf.key_file,  &c->conf.key_password, &c->conf.proxy,
                           &c->conf.agent,     &c->conf.csrf_path,    &c->conf.cert_pem,
                           &c->conf.key_pem,   &c->conf.oauth.token_url,
                           &c->conf.oauth.client_id, &c->conf.oauth.client_secret,
                           &c->conf.oauth.scope, &c->conf.oauth.audience};

    for (size_t k = 0; k < sizeof each / sizeof each[0]; k++) {
        if (!*each[k])
            continue;
        c->strings[k] = strdup(*each[k]);
        if (!c->strings[k])
            return -1;
        *each[k] = c->strings[k];
    }
    return 0;
}

int bb_http_is_home(const struct bb_http *c, const char *url)
{
    return !c->conf.base || bb_uri_same_origin(bb_str(c->conf.base), bb_str(url));
}

struct bb_http *bb_http_new(const struct bb_http_config *conf, struct bb_error *err)
{
    struct bb_http *c;

    if (!conf_ok(conf, err))
        return NULL;
    c = calloc(1, sizeof *c);
    if (!c)
        goto fail;
    c->conf = *conf;
    if (strings_copy(c) != 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        goto fail;
    if (c->conf.user && !(c->basic = http_basic(c->conf.user, c->conf.password)))
        goto fail;
    if (http_tls_load(c, err) != 0) {
        bb_http_free(&c);
        return NULL;
    }
    c->conf.connect_ms = conf->connect_ms ? conf->connect_ms : 5000;
    c->conf.timeout_ms = conf->timeout_ms ? conf->timeout_ms : 30000;
    c->conf.connections = conf->connections ? conf->connections : 64;
    c->conf.pause_ms = conf->pause_ms ? conf->pause_ms : 2000;
    c->conf.max_response = conf->max_response ? conf->max_response : 1u << 20;
    c->conf.max_request = conf->max_request ? conf->max_request : 64u << 20;
    c->conf.max_headers = conf->max_headers ? conf->max_headers : 64u << 10;
    c->multi = curl_multi_init();
    if (!c->multi || http_oauth_join(c) != 0 || http_lease_new(c) != 0)
        goto fail;
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->conf.connections);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->conf.connections);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return c;
fail:
    bb_error_set(err, BB_E_RETRY, "no memory for an HTTP client");
    bb_http_free(&c);
    return NULL;
}

static void text_free(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void bb_http_free(struct bb_http **cp)
{
    struct bb_http *c = *cp;

    if (!c)
        return;
    while (c->out) {
        if (c->out->state != HTTP_IDLE)
            bb_http_cancel(&c->out->pub);
        else
            bb_http_call_drop(&c->out->pub);
    }
    http_calls_free(c);
    http_lease_free(c);
    http_oauth_leave(c); /* from here on nobody wakes the multi handle */
    if (c->multi)
        curl_multi_cleanup(c->multi);
    for (size_t k = 0; k < sizeof c->strings / sizeof c->strings[0]; k++)
        text_free(&c->strings[k]); /* passwords among them */
    text_free(&c->basic);
    text_free(&c->oauth_basic);
    text_free(&c->secret_form);
    http_tls_free(c);
    free(c);
    *cp = NULL;
}

uint32_t bb_http_open(const struct bb_http *c)
{
    return c->open;
}

/*
 * http_conf.c - a client from an endpoint's config: the keys that every HTTP connector has
 *
 * Thread: the instance's, in create(). Memory: what is read is copied by bb_http_new() and wiped
 * here; a secret is asked of the host at its place in `secrets` only.
 */
#include <stdlib.h>
#include <busbar/http.h>

#define SECRET_MAX 32768 /* a key with its chain */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define AT(member) offsetof(struct bb_http_config, member)
static const struct {
    const char *pointer;
    size_t at;
} texts[] = {
    {"/auth/basic/user", AT(user)},
    {"/auth/oauth2/token_url", AT(oauth.token_url)},
    {"/auth/oauth2/client_id", AT(oauth.client_id)},
    {"/auth/oauth2/scope", AT(oauth.scope)},
    {"/auth/oauth2/audience", AT(oauth.audience)},
    {"/tls/ca", AT(ca_file)},
    {"/tls/cert", AT(cert_file)},
    {"/tls/key", AT(key_file)},
    {"/proxy", AT(proxy)},
}, secrets[] = {
    {"/auth/basic/password", AT(password)},
    {"/auth/bearer", AT(bearer)},
    {"/auth/oauth2/client_secret", AT(oauth.client_secret)},
    {"/tls/cert_pem", AT(cert_pem)},
    {"/tls/key_pem", AT(key_pem)},
    {"/tls/key_password", AT(key_password)},
};
static const struct {
    const char *pointer;
    size_t at;
} numbers[] = {
    {"/connect_timeout", AT(connect_ms)},
    {"/timeout", AT(timeout_ms)},
    {"/connections", AT(connections)},
    {"/pause", AT(pause_ms)},
};
#define COPIES (COUNT(texts) + COUNT(secrets) + 1)

static bb_status copies_make(const struct bb_ctx *ctx, struct bb_bytes conf, struct bb_http_config *f,
                             char *copy[COPIES], char *buf, struct bb_error *err)
{
    size_t n = 0, len;
    bb_status st;

    for (size_t k = 0; k < COUNT(texts); k++)
        if ((copy[n] = bb_conf_dup(conf, texts[k].pointer, NULL)) != NULL) {
            memcpy((char *)f + texts[k].at, &copy[n], sizeof copy[n]);
            n++;
        }
    for (size_t k = 0; k < COUNT(secrets); k++) {
        st = bb_conf_secret(ctx, conf, secrets[k].pointer, buf, SECRET_MAX, &len, err);
        if (st == BB_E_UNSUP)
            continue; /* absent is fine, unreadable is not */
        if (st != BB_OK)
            return st;
        if (!(copy[n] = strdup(buf)))
            return bb_error_set(err, BB_E_RETRY, "out of memory");
        memcpy((char *)f + secrets[k].at, &copy[n], sizeof copy[n]);
        n++;
    }
    /* csrf: true takes the connector's path, a text is one */
    if (bb_conf_str(conf, "/csrf", NULL).ptr)
        f->csrf_path = copy[n] = bb_conf_dup(conf, "/csrf", NULL);
    else if (!bb_conf_bool(conf, "/csrf", 0))
        f->csrf_path = NULL;
    else if (!f->csrf_path)
        f->csrf_path = "/";
    return BB_OK;
}

bb_status bb_http_from_conf(const struct bb_ctx *ctx, struct bb_bytes conf,
                            const struct bb_http_config *more, struct bb_http **out,
                            struct bb_error *err)
{
    struct bb_http_config f = *more;
    char *copy[COPIES] = {NULL}, *buf = malloc(SECRET_MAX);
    struct bb_bytes rows;
    bb_status st = bb_error_set(err, BB_E_RETRY, "out of memory");

    *out = NULL;
    if (!buf)
        return st;
    st = copies_make(ctx, conf, &f, copy, buf, err);
    f.oauth.in_body = bb_str_is(bb_conf_str(conf, "/auth/oauth2/client_auth", "basic"), "body");
    for (size_t k = 0; k < COUNT(numbers); k++) {
        int64_t v = bb_conf_int(conf, numbers[k].pointer, 0);
        if (v > 0 && v <= UINT32_MAX) {
            uint32_t u = (uint32_t)v;
            memcpy((char *)&f + numbers[k].at, &u, sizeof u);
        }
    }
    if (bb_conf_int(conf, "/max_response", 0) > 0)
        f.max_response = (size_t)bb_conf_int(conf, "/max_response", 0);
    if (st == BB_OK && bb_conf_find(conf, "/outcomes", &rows) &&
        bb_http_outcomes_read(rows, &f.outcomes, err) != 0)
        st = BB_E_CONFIG;
    if (st == BB_OK) {
        *out = bb_http_new(&f, err);
        st = *out ? BB_OK : BB_E_CONFIG;
    }
    for (size_t k = 0; k < COPIES; k++) {
        if (copy[k])
            explicit_bzero(copy[k], strlen(copy[k]));
        free(copy[k]);
    }
    explicit_bzero(buf, SECRET_MAX);
    free(buf);
    return st;
}

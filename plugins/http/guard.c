/*
 * guard.c - who may post: Authorization, and signatures as Standard Webhooks has them
 *
 * A signature is base64(HMAC-SHA-256(secret, id "." timestamp "." body)); a request carries one or
 * more, "v1,<base64> v1,<base64>", and any of ours may have made it, so that a secret can be
 * changed while both are valid. Every compare takes the same time whatever the bytes.
 *
 * Thread: the instance's. Memory: secrets are wiped when freed and never in a text.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include "source.h"

#define SIGNATURES_MAX 16

/* ---- config ------------------------------------------------------------------------------------ */
static uint8_t *key_copy(const char *text, size_t len, size_t *out_len)
{
    uint8_t *key = malloc(len + 4);
    int n, pad = 0;

    if (!key)
        return NULL;
    if (len <= 6 || strncmp(text, "whsec_", 6) != 0) {
        memcpy(key, text, len);
        *out_len = len;
        return key;
    }
    while (len > 6 && text[len - 1] == '=' && pad < 2)
        pad++, len--;
    len += (size_t)pad;
    n = EVP_DecodeBlock(key, (const unsigned char *)text + 6, (int)(len - 6));
    if (n - pad <= 0) {
        OPENSSL_cleanse(key, len);
        free(key);
        return NULL;
    }
    *out_len = (size_t)(n - pad);
    return key;
}

static int secrets_read(struct source *s, struct bb_bytes conf, struct bb_error *err)
{
    struct bb_bytes v;
    struct bb_iter it;
    char pointer[64], *buf = NULL;
    size_t len;
    int rc = -1;

    if (!bb_conf_find(conf, "/signature/secrets", &v) || !bb_iter_of(v, &it) || !it.n)
        return 0;
    buf = malloc(HTTP_SECRET_MAX);
    if (!buf || it.n > SECRETS_MAX) {
        bb_error_set(err, BB_E_CONFIG, "signature: at most %d secrets", SECRETS_MAX);
        goto done;
    }
    for (unsigned k = 0; k < it.n; k++) {
        snprintf(pointer, sizeof pointer, "/signature/secrets/%u", k);
        if (bb_conf_secret(&s->inst->ctx, conf, pointer, buf, HTTP_SECRET_MAX, &len, err) != BB_OK)
            goto done;
        s->secrets[k] = len ? key_copy(buf, len, &s->secret_len[k]) : NULL;
        if (!s->secrets[k]) {
            bb_error_set(err, BB_E_CONFIG, "signature: secret %u is empty, or begins with whsec_ "
                                           "and is not base64", k + 1);
            goto done;
        }
        s->n_secrets++;
    }
    s->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (!s->mac)
        bb_error_set(err, BB_E_CONFIG, "libcrypto offers no HMAC here");
    rc = s->mac ? 0 : -1;
done:
    if (buf)
        OPENSSL_cleanse(buf, HTTP_SECRET_MAX);
    free(buf);
    return rc;
}

/* "Basic " + base64(user:password) */
static char *basic_make(const char *user, const char *password)
{
    size_t n = strlen(user) + strlen(password) + 2;
    char *pair = malloc(n), *out = malloc(8 + n * 4 / 3 + 4);

    if (pair && out) {
        snprintf(pair, n, "%s:%s", user, password);
        memcpy(out, "Basic ", 6);
        EVP_EncodeBlock((unsigned char *)out + 6, (unsigned char *)pair, (int)n - 1);
    } else {
        free(out);
        out = NULL;
    }
    if (pair)
        OPENSSL_cleanse(pair, n);
    free(pair);
    return out;
}

static int auth_read(struct source *s, struct bb_bytes conf, struct bb_error *err)
{
    char *buf = malloc(HTTP_SECRET_MAX), *user = bb_conf_dup(conf, "/auth/basic/user", NULL);
    size_t len;
    bb_status st = BB_OK;
    int rc = -1;

    if (!buf)
        goto done;
    if (user) {
        st = bb_conf_secret(&s->inst->ctx, conf, "/auth/basic/password", buf, HTTP_SECRET_MAX,
                            &len, err);
        s->basic = st == BB_OK ? basic_make(user, buf) : NULL;
        rc = s->basic ? 0 : -1;
        goto done;
    }
    st = bb_conf_secret(&s->inst->ctx, conf, "/auth/bearer", buf, HTTP_SECRET_MAX, &len, err);
    if (st == BB_OK && asprintf(&s->bearer, "Bearer %s", buf) < 0)
        s->bearer = NULL;
    rc = st == BB_E_UNSUP || s->bearer ? 0 : -1;
done:
    if (buf)
        OPENSSL_cleanse(buf, HTTP_SECRET_MAX);
    free(buf);
    free(user);
    return rc;
}

int guard_read(struct source *s, struct bb_bytes conf, struct bb_error *err)
{
    s->tolerance_s = bb_conf_int(conf, "/signature/tolerance", 300000) / 1000;
    return secrets_read(s, conf, err) == 0 && auth_read(s, conf, err) == 0 ? 0 : -1;
}

static void wipe(char **p)
{
    if (*p)
        OPENSSL_cleanse(*p, strlen(*p));
    free(*p);
    *p = NULL;
}

void guard_free(struct source *s)
{
    for (size_t k = 0; k < SECRETS_MAX; k++) {
        if (s->secrets[k])
            OPENSSL_cleanse(s->secrets[k], s->secret_len[k]);
        free(s->secrets[k]);
    }
    wipe(&s->bearer);
    wipe(&s->basic);
    EVP_MAC_free(s->mac);
}

/* ---- Authorization ------------------------------------------------------------------------------- */
static int credentials_equal(const char *given, const char *want)
{
    size_t n = strcspn(want, " ") + 1;

    return given && strlen(given) == strlen(want) && strncasecmp(given, want, n) == 0 &&
           CRYPTO_memcmp(given + n, want + n, strlen(want) - n) == 0;
}

int guard_auth(struct source *s, const struct request *r, struct problems *p)
{
    const char *want = s->basic ? s->basic : s->bearer;
    const char *given;

    if (!want)
        return 0;
    given = request_header(r, MHD_HTTP_HEADER_AUTHORIZATION);
    if (credentials_equal(given, want))
        return 0;
    problem_set(p, 401, given ? "the credentials in Authorization are not the ones expected here"
                              : "Authorization is missing");
    return -1;
}

/* ---- signatures ------------------------------------------------------------------------------------ */
static int sign(struct source *s, size_t nth, const char *id, const char *ts, struct bb_bytes body,
                char out[48])
{
    char digest_name[] = "SHA256";
    OSSL_PARAM params[2];
    EVP_MAC_CTX *c = EVP_MAC_CTX_new(s->mac);
    unsigned char raw[32];
    size_t len = 0;
    int ok;

    params[0] = OSSL_PARAM_construct_utf8_string("digest", digest_name, 0);
    params[1] = OSSL_PARAM_construct_end();
    ok = c && EVP_MAC_init(c, s->secrets[nth], s->secret_len[nth], params) == 1 &&
         EVP_MAC_update(c, (const unsigned char *)id, strlen(id)) == 1 &&
         EVP_MAC_update(c, (const unsigned char *)".", 1) == 1 &&
         EVP_MAC_update(c, (const unsigned char *)ts, strlen(ts)) == 1 &&
         EVP_MAC_update(c, (const unsigned char *)".", 1) == 1 &&
         EVP_MAC_update(c, body.ptr, body.len) == 1 &&
         EVP_MAC_final(c, raw, &len, sizeof raw) == 1 && len == sizeof raw;
    EVP_MAC_CTX_free(c);
    if (!ok)
        return -1;
    EVP_EncodeBlock((unsigned char *)out, raw, sizeof raw); /* 44 characters and a NUL */
    return 0;
}

/* Is want among "v1,<base64> v1a,... v1,<base64>"? */
static int signature_in(const char *header, const char *want)
{
    int found = 0;

    for (int k = 0; *header && k < SIGNATURES_MAX; k++) {
        size_t n = strcspn(header, " ");
        if (n == 3 + 44 && strncmp(header, "v1,", 3) == 0)
            found |= CRYPTO_memcmp(header + 3, want, 44) == 0;
        header += n;
        header += strspn(header, " ");
    }
    return found;
}

static int time_ok(struct source *s, const char *ts)
{
    char *end;
    long long t = strtoll(ts, &end, 10), now = (long long)time(NULL);

    return *ts >= '0' && *ts <= '9' && !*end && t >= now - s->tolerance_s &&
           t <= now + s->tolerance_s;
}

int guard_signature(struct source *s, const struct request *r, struct bb_bytes body,
                    struct problems *p)
{
    const char *id, *ts, *header;
    char want[48];
    int found = 0;

    if (!s->n_secrets)
        return 0;
    id = request_header(r, "webhook-id");
    ts = request_header(r, "webhook-timestamp");
    header = request_header(r, "webhook-signature");
    if (!id || !ts || !header || !*id) {
        problem_set(p, 401, "webhook-id, webhook-timestamp and webhook-signature are needed: "
                            "this address takes signed webhooks only");
        return -1;
    }
    if (!time_ok(s, ts)) {
        problem_set(p, 401, "webhook-timestamp is not within %lld seconds of now: sign each "
                            "attempt anew, and check the sender's clock", (long long)s->tolerance_s);
        return -1;
    }
    for (size_t k = 0; k < s->n_secrets; k++)
        if (sign(s, k, id, ts, body, want) == 0)
            found |= signature_in(header, want);
    if (!found)
        problem_set(p, 401, "no signature in webhook-signature fits: check the shared secret, and "
                            "that nothing on the way changes the body");
    return found ? 0 : -1;
}

/*
 * portal_sign.c - who may post now: Standard Webhooks signatures and each partner's own limit (see portal.h)
 *
 * With option webhook_secret (whsec_ and base64, or text) every post must carry webhook-id, webhook-timestamp within
 * webhook_window seconds (300) of now, and a webhook-signature "v1,..." of HMAC-SHA-256 over id.timestamp.body. With
 * option partner_rate a partner takes so many posts a second.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/plant/portal.h"

static size_t key_read(const char *secret, unsigned char key[256])
{
    size_t len = strlen(secret), n;
    if (strncmp(secret, "whsec_", 6) != 0 || (len - 6) % 4 != 0 || len > 256) {
        n = len < 256 ? len : 256;
        memcpy(key, secret, n);
        return n;
    }
    int k = EVP_DecodeBlock(key, (const unsigned char *)secret + 6, (int)len - 6);
    for (n = k < 0 ? 0 : (size_t)k; n > 0 && secret[--len] == '=';)
        n--;
    return n;
}

static bool mac_fits(struct plant_call *c, const char *secret, const char *id, const char *at, const char *given)
{
    unsigned char key[256], mac[EVP_MAX_MD_SIZE], want[128];
    unsigned n = 0;
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "%s.%s.", id, at);
    plant_put(&b, c->rq->body.p, c->rq->body.n);
    if (!HMAC(EVP_sha256(), key, (int)key_read(secret, key), (const unsigned char *)b.p, b.n, mac, &n))
        return false;
    int len = EVP_EncodeBlock(want, mac, (int)n);
    for (const char *p = given; *p; p += strspn(p, " ")) {
        size_t one = strcspn(p, " ");
        if (one == (size_t)len + 3 && strncmp(p, "v1,", 3) == 0 && CRYPTO_memcmp(p + 3, want, (size_t)len) == 0)
            return true;
        p += one;
    }
    return false;
}

bool portal_signed(struct plant_call *c, struct portal_refusal *why)
{
    const char *secret = plant_option(c, "webhook_secret", ""), *id = plant_call_header(c, "webhook-id");
    const char *at = plant_call_header(c, "webhook-timestamp"), *given = plant_call_header(c, "webhook-signature");
    if (!*secret)
        return true;
    if (!*id || !*at || !*given)
        return portal_refuse(c, why, "SP-040", "webhook-id, webhook-timestamp and webhook-signature are needed");
    if (llabs(atoll(at) - (long long)time(NULL)) > plant_option_int(c, "webhook_window", 300))
        return portal_refuse(c, why, "SP-041", "webhook-timestamp is outside the replay window");
    return mac_fits(c, secret, id, at, given) ||
           portal_refuse(c, why, "SP-042", "No signature in webhook-signature fits");
}

/* What a partner has had this second; answers of 400 take back what the database was told, so it is kept here. */
bool portal_rate_left(struct plant_call *c, const char *partner)
{
    static struct {
        char partner[24];
        int64_t second, n;
    } seen[64];
    int64_t rate = plant_option_int(c, "partner_rate", 0), second = plant_now_ms() / 1000;
    size_t at = 0;
    for (const char *p = partner; *p; p++)
        at = at * 31 + (unsigned char)*p;
    at %= 64;
    if (seen[at].second != second || strncmp(seen[at].partner, partner, sizeof seen[at].partner - 1) != 0) {
        seen[at].second = second;
        seen[at].n = 0;
        memset(seen[at].partner, 0, sizeof seen[at].partner);
        strncpy(seen[at].partner, partner, sizeof seen[at].partner - 1);
    }
    return rate <= 0 || ++seen[at].n <= rate;
}

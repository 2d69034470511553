/*
 * sign.c - our own key in a header, and what we post, signed as Standard Webhooks has it: HMAC-SHA-256 over id.timestamp.body
 *
 * The id is the idempotency key, so that a receiver knows a repetition; the time is that of the attempt, so that it stays
 * inside the receiver's replay window.
 *
 * Thread: the instance's. The secret is in the instance and wiped with it.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <busbar/web.h>
#include "portal.h"

#define PREFIX "whsec_"

static bb_status key_read(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    size_t len;
    bb_status st = bb_conf_secret(&i->ctx, conf, "/api_key/key", i->api_key, sizeof i->api_key, &len, err);

    if (st == BB_E_BUSY)
        return bb_error_set(err, BB_E_CONFIG, "api_key.key is longer than %u bytes", PORTAL_SECRET_MAX - 1);
    if (st == BB_OK)
        i->api_key[strcspn(i->api_key, "\r\n")] = 0; /* a file's last line end */
    return st == BB_E_UNSUP ? BB_OK : st;
}

int key_put(const bb_inst *i, struct bb_http_call *call)
{
    return *i->api_key ? bb_http_call_header(call, i->conf.key_header, bb_str(i->api_key)) : 0;
}

bb_status sign_read(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    bb_status first = key_read(i, conf, err);
    char text[360];
    unsigned char raw[300];
    size_t len = 0, n;
    int got;
    bb_status st = first != BB_OK ? first : bb_conf_secret(&i->ctx, conf, "/sign/secret", text, sizeof text, &len, err);

    if (first == BB_OK && st == BB_E_UNSUP)
        return BB_OK;
    if (st != BB_OK)
        return first == BB_OK && st == BB_E_BUSY ? bb_error_set(err, BB_E_CONFIG, "sign.secret is longer than 359 bytes") : st;
    if (strncmp(text, PREFIX, strlen(PREFIX)) == 0) {
        n = len - strlen(PREFIX);
        got = n % 4 == 0 ? EVP_DecodeBlock(raw, (unsigned char *)text + strlen(PREFIX), (int)n) : -1;
        for (; got > 0 && n && text[strlen(PREFIX) + n - 1] == '='; n--)
            got--;
        if (got > 0 && (size_t)got <= sizeof i->secret) {
            memcpy(i->secret, raw, (size_t)got);
            i->secret_len = (size_t)got;
        }
    } else if (len <= sizeof i->secret) {
        memcpy(i->secret, text, len);
        i->secret_len = len;
    }
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(raw, sizeof raw);
    if (i->secret_len < 16)
        return bb_error_set(err, BB_E_CONFIG, "sign.secret is no key of 16 to 256 bytes: text, or whsec_ and base64");
    return BB_OK;
}

int sign_put(const bb_inst *i, struct bb_http_call *call, struct bb_bytes id, int64_t now_s)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char at[24];
    struct bb_buf b;
    int rc = -1;

    if (!i->secret_len)
        return 0;
    snprintf(at, sizeof at, "%lld", (long long)now_s);
    bb_buf_init(&b, call->body.len + id.len + 64);
    bb_buf_put(&b, id.ptr, id.len);
    bb_buf_put(&b, ".", 1);
    bb_buf_put(&b, at, strlen(at));
    bb_buf_put(&b, ".", 1);
    bb_buf_put(&b, call->body.ptr, call->body.len);
    if (!b.failed && HMAC(EVP_sha256(), i->secret, (int)i->secret_len, b.ptr, b.len, mac, &n)) {
        bb_buf_reset(&b);
        bb_buf_put(&b, "v1,", 3);
        bb_base64_put(&b, (struct bb_bytes){mac, n});
        rc = bb_http_call_header(call, "webhook-id", id) | bb_http_call_header(call, "webhook-timestamp", bb_str(at)) |
             bb_http_call_header(call, "webhook-signature", (struct bb_bytes){b.ptr, b.len});
    }
    bb_buf_free(&b);
    return b.failed ? -1 : rc;
}

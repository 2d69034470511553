/*
 * key.c - idempotency keys, and the messages that bring one back
 *
 * A key is made of the journal's identity, the route, the sequence number and the epoch: stable over
 * retries and restarts, unique over journals, and it says itself what it belongs to. So what a target
 * reports of an effect of ours is known by the key that we gave it, without any memory (an echo).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";

size_t hub_key_long(const struct bb_hub *h, uint32_t route, uint64_t seq, uint32_t epoch, char out[HUB_KEY_MAX])
{
    return (size_t)snprintf(out, HUB_KEY_MAX, "%s-%" PRIx32 "-%" PRIx64 "-%x", h->tag, route, seq, epoch);
}

static uint32_t tag_of(const struct bb_hub *h)
{
    return ((uint32_t)h->short_tag[0] << 12 | (uint32_t)h->short_tag[1] << 4 | h->short_tag[2] >> 4) & 0xfffff;
}

/* 16 characters for reference fields that are that short: 20 bits of the journal's identity, 12 of
 * the route, 42 of the sequence number and 6 of the epoch, in base 32. */
void hub_key_short(const struct bb_hub *h, uint32_t route, uint64_t seq, uint32_t epoch, char out[17])
{
    uint32_t tag = tag_of(h);
    uint64_t low = (seq & 0x3ffffffffffu) << 6 | (epoch & 0x3f); /* 48 bits */
    uint64_t mid = (uint64_t)(route & 0xfff) << 48 | low;        /* 60 bits */

    for (int i = 15; i >= 4; i--, mid >>= 5)
        out[i] = digits[mid & 31];
    for (int i = 3; i >= 0; i--, tag >>= 5)
        out[i] = digits[tag & 31];
    out[16] = '\0';
}

/* ---- echoes ------------------------------------------------------------------------------------------ */
static bool route_to(const struct bb_hub *h, const struct hub_endpoint *e, uint32_t id, uint32_t bits)
{
    for (size_t i = 0; i < h->n_routes; i++)
        if (h->routes[i].to == e && (h->routes[i].id & bits) == (id & bits))
            return true;
    return false;
}

static bool long_ours(const struct bb_hub *h, const struct hub_endpoint *e, const char *text)
{
    char again[HUB_KEY_MAX], tag[9];
    uint32_t route;
    unsigned epoch;
    uint64_t seq;

    if (sscanf(text, "%8[0-9a-f]-%" SCNx32 "-%" SCNx64 "-%x", tag, &route, &seq, &epoch) != 4)
        return false;
    hub_key_long(h, route, seq, epoch, again);
    return strcmp(again, text) == 0 && route_to(h, e, route, UINT32_MAX);
}

static bool short_ours(const struct bb_hub *h, const struct hub_endpoint *e, const char *text)
{
    uint64_t v = 0;
    uint32_t tag = 0;

    for (int i = 0; i < 16; i++) {
        const char *d = strchr(digits, text[i]);

        if (!d)
            return false;
        if (i < 4)
            tag = tag << 5 | (uint32_t)(d - digits);
        else
            v = v << 5 | (uint64_t)(d - digits);
    }
    return tag == tag_of(h) && route_to(h, e, (uint32_t)(v >> 48), 0xfff);
}

static bool ours(const struct bb_hub *h, const struct hub_endpoint *e, struct bb_bytes text)
{
    char key[HUB_KEY_MAX];

    if (text.len < 12 || text.len >= sizeof key || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(key, text.ptr, text.len);
    key[text.len] = '\0';
    return (text.len == 16 && short_ours(h, e, key)) || long_ours(h, e, key);
}

bool hub_is_echo(const struct bb_hub *h, const struct hub_endpoint *e, const struct bb_envelope *env)
{
    const struct bb_endpoint_config *c = e->gen->config;
    struct bb_bytes v, text;

    for (size_t i = 0; i < c->n_echo; i++) {
        const char *at = c->echo[i];
        bool there = strncmp(at, "/data/", 6) == 0 ? bb_pointer_get(env->data, at + 5, &v) == 1 && bb_as_str(v, &text)
                                                   : bb_envelope_get(env, at + strlen("/attributes/"), &text) == 1;

        if (there && ours(h, e, text))
            return true;
    }
    return false;
}

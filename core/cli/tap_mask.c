/*
 * tap_mask.c - which messages are shown, and what of them is not
 *
 * A message is data of the plant, but some senders put a token or a password into it. What a key's name
 * gives away is hidden, whatever the value is; the rest of the event stays as it is. Depth is that of
 * canonical values. Pure.
 */
#define _GNU_SOURCE 1
#include "core/cli/tap.h"

#include <string.h>
#include <strings.h>
#include "core/config/config.h"

#define WHERE_MAX 1024

struct mask {
    const char *pointers;
    char at[WHERE_MAX]; /* the pointer to the value at hand; longer ones match nothing */
    struct bb_buf *out;
};

/* Whether the list holds the pointer at hand, or one above it. */
static bool is_listed(const struct mask *m)
{
    const char *p = m->pointers;

    while (p && *p) {
        size_t n = strcspn(p, ",");

        if (n && strlen(m->at) == n && memcmp(m->at, p, n) == 0)
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

static size_t down(struct mask *m, const char *name, size_t len)
{
    size_t before = strlen(m->at), n = before;

    if (n + 2 * len + 2 > sizeof(m->at))
        return before;
    m->at[n++] = '/';
    for (size_t i = 0; i < len; i++) {
        bool escape = name[i] == '~' || name[i] == '/';

        if (escape)
            m->at[n++] = '~';
        m->at[n++] = !escape ? name[i] : name[i] == '~' ? '0' : '1';
    }
    m->at[n] = '\0';
    return before;
}

/* In a configuration these are words like others; in a message they are rather not. */
static bool is_hidden(struct bb_bytes key)
{
    static const char *const whole[] = {"auth", "pin", "otp", "session"};

    for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
        if (key.len == strlen(whole[i]) && strncasecmp(key.ptr, whole[i], key.len) == 0)
            return true;
    return bb_config_sounds_secret(key.ptr, key.len);
}

static int value_mask(struct mask *m, struct bb_bytes v, unsigned depth);

static int members_mask(struct mask *m, struct bb_cur *c, uint32_t n, bool map, unsigned depth)
{
    struct bb_bytes v;
    struct bb_tok key;
    char number[12];
    size_t cut;
    int rc = 0;

    for (uint32_t i = 0; i < n && rc == 0; i++) {
        key.s = (struct bb_bytes){number, (size_t)snprintf(number, sizeof(number), "%u", i)};
        if (map && (bb_cur_next(c, &key) != 0 || key.kind != BB_T_STR))
            return -1;
        if (map)
            bb_put_str(m->out, key.s.ptr, key.s.len);
        if (bb_cur_value(c, &v) != 0)
            return -1;
        cut = down(m, key.s.ptr, key.s.len);
        if (map && is_hidden(key.s))
            bb_put_cstr(m->out, "***");
        else
            rc = value_mask(m, v, depth + 1);
        m->at[cut] = '\0';
    }
    return rc;
}

static int value_mask(struct mask *m, struct bb_bytes v, unsigned depth)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_tok t;

    if (depth > BB_DEPTH_MAX + 2 || bb_cur_next(&c, &t) != 0)
        return -1;
    if (*m->at && is_listed(m)) {
        bb_put_cstr(m->out, "***");
        return 0;
    }
    if (t.kind != BB_T_MAP && t.kind != BB_T_ARRAY) {
        bb_put_raw(m->out, v);
        return 0;
    }
    (t.kind == BB_T_MAP ? bb_put_map : bb_put_array)(m->out, t.n);
    return members_mask(m, &c, t.n, t.kind == BB_T_MAP, depth);
}

int tap_mask(struct bb_bytes event, const char *pointers, struct bb_buf *out)
{
    struct mask m = {.pointers = pointers, .out = out};

    return value_mask(&m, event, 0) == 0 && !out->failed ? 0 : -1;
}

/* ---- conditions ---------------------------------------------------------------------------------- */
const char *tap_condition_check(const char *condition)
{
    const char *equals = strchr(condition, '=');

    if (*condition != '/' || !equals)
        return "a condition is POINTER=VALUE, as /data/item=4711 or /type=mfg.bom.released";
    return equals - condition < WHERE_MAX ? NULL : "the pointer is too long";
}

static bool holds(struct bb_bytes event, const char *condition)
{
    size_t n = strcspn(condition, "=");
    struct bb_bytes v, s;
    char pointer[WHERE_MAX];
    struct bb_buf json;
    bool same;

    snprintf(pointer, sizeof(pointer), "%.*s", (int)n, condition);
    if (bb_pointer_get(event, pointer, &v) != 1)
        return false;
    if (bb_as_str(v, &s))
        return bb_bytes_are(s, condition + n + 1);
    bb_buf_init(&json, 256u << 20);
    same = bb_json_write(v, &json, NULL) == 0 && bb_bytes_are(bb_bytes_of(&json), condition + n + 1);
    bb_buf_free(&json);
    return same;
}

bool tap_where(struct bb_bytes event, const char *const *conditions, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!holds(event, conditions[i]))
            return false;
    return true;
}

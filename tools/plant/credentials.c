/*
 * credentials.c - who may call a system: basic, or an access token by client credentials (kit.h)
 */
#include <string.h>

#include "tools/plant/kit.h"

static bool secret_fits(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

static int b64(char c)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(set, c) : NULL;
    return p ? (int)(p - set) : -1;
}

static char *basic_decode(struct plant_call *c, const char *s)
{
    char *out = plant_mem_take(&c->mem, strlen(s) + 1);
    uint32_t acc = 0;
    size_t n = 0;
    for (int bits = 0; b64(*s) >= 0; s++) {
        acc = acc << 6 | (uint32_t)b64(*s);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char)(acc >> bits & 0xff);
        }
    }
    return out;
}

static char *credentials(struct plant_call *c)
{
    return plant_mem_printf(&c->mem, "%s:%s", plant_option(c, "user", "busbar"),
                            plant_option(c, "password", "busbar"));
}

bool plant_call_allowed(struct plant_call *c)
{
    const char *a = plant_call_header(c, "authorization");
    if (strncasecmp(a, "basic ", 6) == 0)
        return plant_option_int(c, "basic", 1) && secret_fits(basic_decode(c, a + 6), credentials(c));
    if (strncasecmp(a, "bearer ", 7) == 0)
        return plant_db_int(c->db, "SELECT count(*) FROM tokens WHERE token = ?1 AND until > unixepoch()", 1,
                            a + 7) > 0;
    return strcmp(plant_option(c, "auth", "on"), "off") == 0;
}

static const char *form_value(struct plant_call *c, const char *name)
{
    struct plant_call form = {.mem = c->mem, .query = plant_mem_text(&c->mem, c->rq->body)};
    form.mem = c->mem;
    const char *v = plant_call_query(&form, name);
    c->mem = form.mem;
    return v ? v : "";
}

void plant_token_take(struct plant_call *c)
{
    const char *a = plant_call_header(c, "authorization");
    const char *given = strncasecmp(a, "basic ", 6) == 0
                            ? basic_decode(c, a + 6)
                            : plant_mem_printf(&c->mem, "%s:%s", form_value(c, "client_id"),
                                               form_value(c, "client_secret"));
    if (strcmp(form_value(c, "grant_type"), "client_credentials") != 0) {
        plant_call_answer(c, 400, "application/json", "{\"error\":\"unsupported_grant_type\"}");
        return;
    }
    if (!secret_fits(given, credentials(c))) {
        plant_puts(&c->head, "WWW-Authenticate: Basic realm=\"plant\"\r\n");
        plant_call_answer(c, 401, "application/json", "{\"error\":\"invalid_client\"}");
        return;
    }
    char *token = plant_db_text(&c->mem, c->db, "SELECT lower(hex(randomblob(20)))", 0);
    char *ttl = plant_option(c, "token_ttl", "3600");
    plant_db_do(c->db, "INSERT INTO tokens VALUES(?1, ?2, unixepoch() + ?3)", 3, token, "busbar", ttl);
    plant_puts(&c->head, "Cache-Control: no-store\r\n");
    plant_call_answer(c, 200, "application/json",
                      plant_mem_printf(&c->mem, "{\"access_token\":\"%s\",\"token_type\":\"Bearer\","
                                                "\"expires_in\":%s}", token, ttl));
}

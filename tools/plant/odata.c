/* odata.c - a call on a service: CSRF session, method override, errors and messages in their shapes */
#include <stdio.h>
#include <string.h>

#include "tools/plant/odata.h"

/* ---- errors ----------------------------------------------------------------------------------- */

static void v2_error(struct odata_ctx *x, struct plant_buf *b, const char *code, const char *target, const char *text)
{
    plant_puts(b, "{\"error\":{\"code\":");
    plant_put_json(b, code);
    plant_puts(b, ",\"message\":{\"lang\":\"en\",\"value\":");
    plant_put_json(b, text);
    plant_putf(b, "},\"innererror\":{\"application\":{\"component_id\":\"PP-BD\",\"service_namespace\":\"/SAP/\","
                  "\"service_id\":\"%s\",\"service_version\":\"0002\"},\"transactionid\":\"%012llX\",\"timestamp\":\"\","
                  "\"Error_Resolution\":{\"SAP_Transaction\":\"Run transaction /IWFND/ERROR_LOG on SAP Gateway hub"
                  " system\",\"SAP_Note\":\"See SAP Note 1797736\"},\"errordetails\":[{\"code\":",
               x->s->name_space, (unsigned long long)x->c->sys->calls);
    plant_put_json(b, code);
    plant_puts(b, ",\"message\":");
    if (plant_option_int(x->c, "error_message_object", 0)) { /* some gateways nest it again */
        plant_puts(b, "{\"lang\":\"en\",\"value\":");
        plant_put_json(b, text);
        plant_puts(b, "}");
    } else {
        plant_put_json(b, text);
    }
    plant_puts(b, ",\"propertyref\":");
    plant_put_json(b, target ? target : "");
    plant_puts(b, ",\"severity\":\"error\"}]}}}");
}

static void v4_error(struct plant_buf *b, const char *code, const char *target, const char *text)
{
    for (int deep = 0; deep < 2; deep++) {
        plant_puts(b, deep ? ",\"details\":[{\"code\":" : "{\"error\":{\"code\":");
        plant_put_json(b, code);
        plant_puts(b, ",\"message\":");
        plant_put_json(b, text);
        plant_puts(b, ",\"target\":");
        plant_put_json(b, target ? target : "");
        if (deep)
            plant_puts(b, ",\"@Common.numericSeverity\":4}]}}");
    }
}

bool odata_fail(struct odata_ctx *x, int status, const char *code, const char *target, const char *fmt, ...)
{
    char text[512];
    struct plant_buf b;
    va_list a;
    va_start(a, fmt);
    vsnprintf(text, sizeof text, fmt, a);
    va_end(a);
    plant_buf_init(&b, &x->c->mem);
    if (x->s->version == 2)
        v2_error(x, &b, code, target, text);
    else
        v4_error(&b, code, target, text);
    plant_buf_init(&x->c->head, &x->c->mem);
    plant_call_answer(x->c, status, "application/json;charset=utf-8", b.p);
    return false;
}

void odata_warn(struct odata_ctx *x, const char *code, const char *text)
{
    struct plant_buf b;
    plant_buf_init(&b, &x->c->mem);
    plant_puts(&b, x->s->version == 2 ? "sap-message: {\"code\":" : "sap-messages: [{\"code\":");
    plant_put_json(&b, code);
    plant_puts(&b, ",\"message\":");
    plant_put_json(&b, text);
    plant_puts(&b, x->s->version == 2 ? ",\"severity\":\"warning\",\"target\":\"\",\"details\":[]}\r\n"
                                      : ",\"numericSeverity\":3,\"target\":\"\"}]\r\n");
    plant_puts(&x->c->head, b.p);
}

/* ---- the CSRF session: a token and all of its cookies --------------------------------------------- */

static void session_make(struct plant_call *c)
{
    char *id = plant_db_text(&c->mem, c->db, "SELECT hex(randomblob(16))", 0);
    char *token = plant_db_text(&c->mem, c->db, "SELECT hex(randomblob(12)) || '=='", 0);
    plant_db_do(c->db, "INSERT INTO sessions VALUES(?1, ?2, unixepoch() + ?3)", 3, token, id,
                plant_option(c, "csrf_ttl", "1800"));
    plant_putf(&c->head, "x-csrf-token: %s\r\nSet-Cookie: SAP_SESSIONID_PLT_100=%s; path=/\r\n"
                         "Set-Cookie: sap-usercontext=sap-client=100; path=/\r\n", token, id);
}

static bool session_fits(struct plant_call *c)
{
    const char *token = plant_call_header(c, "x-csrf-token"), *cookies = plant_call_header(c, "cookie");
    char *id = plant_db_text(&c->mem, c->db, "SELECT cookie FROM sessions WHERE token = ?1 AND until > unixepoch()",
                             1, token);
    return id && strstr(cookies, plant_mem_printf(&c->mem, "SAP_SESSIONID_PLT_100=%s", id)) &&
           strstr(cookies, "sap-usercontext=sap-client=100");
}

static bool csrf_pass(struct plant_call *c, bool writes)
{
    const char *token = plant_call_header(c, "x-csrf-token");
    if (!writes) {
        if (strcasecmp(token, "fetch") == 0)
            session_make(c);
        return true;
    }
    if (strcmp(plant_option(c, "csrf", "on"), "off") == 0 || session_fits(c))
        return true;
    plant_puts(&c->head, "x-csrf-token: Required\r\n");
    plant_call_answer(c, 403, "text/plain;charset=utf-8", "CSRF token validation failed");
    return false;
}

/* ---- a request ------------------------------------------------------------------------------------ */

static void document(struct odata_ctx *x)
{
    struct plant_buf b;
    bool v2 = x->s->version == 2;
    plant_buf_init(&b, &x->c->mem);
    plant_puts(&b, v2 ? "{\"d\":{\"EntitySets\":[" : "{\"@odata.context\":\"$metadata\",\"value\":[");
    for (const struct odata_set *s = x->s->sets; s->name; s++)
        if (v2)
            plant_putf(&b, "%s\"%s\"", s == x->s->sets ? "" : ",", s->name);
        else
            plant_putf(&b, "%s{\"name\":\"%s\",\"url\":\"%s\"}", s == x->s->sets ? "" : ",", s->name, s->name);
    plant_puts(&b, v2 ? "]}}" : "]}");
    plant_call_answer(x->c, 200, "application/json;charset=utf-8", b.p);
}

bool odata_handle(struct odata_ctx *x)
{
    const char *over = plant_call_header(x->c, "x-http-method");
    x->method = strcmp(x->c->method, "POST") == 0 && *over ? over : x->c->method;
    if (strcmp(x->method, "GET") != 0 && strcmp(x->method, "HEAD") != 0) {
        static const char *const known[] = {"POST", "PUT", "PATCH", "MERGE", "DELETE"};
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (strcmp(x->method, known[i]) == 0) {
                odata_write(x);
                return x->c->status < 400;
            }
        return odata_fail(x, 405, "/IWBEP/CM_MGW_RT/501", NULL, "Method '%s' is not known", x->method);
    }
    if (!*x->rest || strcmp(x->rest, "/") == 0)
        document(x);
    else if (strcmp(x->rest, "/$metadata") == 0)
        odata_metadata(x);
    else
        odata_read(x);
    return x->c->status < 400;
}

void odata_take(struct plant_call *c, const struct odata_service *services)
{
    struct odata_ctx x = {.c = c};
    for (const struct odata_service *s = services; s->path; s++) {
        size_t n = strlen(s->path);
        if (strncmp(c->path, s->path, n) == 0 && (c->path[n] == '/' || c->path[n] == '\0')) {
            x.s = s;
            x.rest = c->path + n;
        }
    }
    if (!x.s) {
        plant_call_answer(c, 404, "text/html", "<html><body><h1>404 Service not found</h1></body></html>");
        return;
    }
    bool head = strcmp(c->method, "HEAD") == 0;
    if (!csrf_pass(c, !head && strcmp(c->method, "GET") != 0))
        return;
    plant_putf(&c->head, x.s->version == 2 ? "DataServiceVersion: 2.0\r\n" : "OData-Version: 4.0\r\n");
    if (strcmp(x.rest, "/$batch") == 0 && strcmp(c->method, "POST") == 0)
        odata_batch(&x);
    else
        odata_handle(&x);
    if (head)
        plant_buf_init(&c->body, &c->mem);
}

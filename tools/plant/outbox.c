/* outbox.c - see outbox.h */
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/plant/outbox.h"

#define ROUND_MS 50
#define PAUSE_MS 500 /* after a subscriber did not take an event */

struct outbox {
    sqlite3 *own;
    CURL *curl;
    struct plant_mem mem; /* of one round */
};

static size_t swallow(char *p, size_t size, size_t n, void *arg)
{
    (void)p;
    (void)arg;
    return size * n;
}

/* "v1," and the base64 of HMAC-SHA-256 over id.timestamp.body; a secret is whsec_ and base64, or text. */
static char *sign(struct outbox *o, const char *secret, const char *id, const char *at, const char *body)
{
    unsigned char key[256], mac[EVP_MAX_MD_SIZE];
    size_t len = strlen(secret), n = 0;
    unsigned mac_len = 0;
    char *text = plant_mem_printf(&o->mem, "%s.%s.%s", id, at, body), *out = plant_mem_take(&o->mem, 128);
    if (strncmp(secret, "whsec_", 6) == 0 && len - 6 <= sizeof key && (len - 6) % 4 == 0) {
        int k = EVP_DecodeBlock(key, (const unsigned char *)secret + 6, (int)len - 6);
        for (n = k < 0 ? 0 : (size_t)k; n > 0 && secret[--len] == '=';)
            n--;
    } else {
        n = len < sizeof key ? len : sizeof key;
        memcpy(key, secret, n);
    }
    if (!HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text, strlen(text), mac, &mac_len))
        return out;
    memcpy(out, "v1,", 3);
    EVP_EncodeBlock((unsigned char *)out + 3, mac, (int)mac_len);
    return out;
}

static struct curl_slist *add(struct outbox *o, struct curl_slist *list, const char *name, const char *value)
{
    return curl_slist_append(list, plant_mem_printf(&o->mem, "%s: %s", name, value));
}

static bool event_send(struct outbox *o, const char *name, const char *url, const char *secret, sqlite3_stmt *event)
{
    const char *body = plant_db_col(event, 3), *correlation = plant_db_col(event, 4);
    char *id = plant_mem_printf(&o->mem, "%s-%s", name, plant_db_col(event, 0));
    char *at = plant_mem_printf(&o->mem, "%lld", (long long)time(NULL));
    struct curl_slist *h = add(o, NULL, "Content-Type", plant_db_col(event, 2));
    long status = 0;
    h = add(o, h, "webhook-id", id);
    h = add(o, h, "webhook-timestamp", at);
    h = add(o, h, "X-Event-Type", plant_db_col(event, 1));
    h = curl_slist_append(h, "Expect:");
    if (*correlation)
        h = add(o, h, "X-Correlation-ID", correlation);
    if (*secret)
        h = add(o, h, "webhook-signature", sign(o, secret, id, at, body));
    curl_easy_setopt(o->curl, CURLOPT_URL, url);
    curl_easy_setopt(o->curl, CURLOPT_HTTPHEADER, h);
    curl_easy_setopt(o->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(o->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    if (curl_easy_perform(o->curl) == CURLE_OK)
        curl_easy_getinfo(o->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(h);
    return status >= 200 && status < 300;
}

/* What one subscriber has not had yet; false: it does not take them now. */
static bool subscriber_serve(struct outbox *o, sqlite3 *db, const char *name, const char *url, const char *types,
                             const char *secret, const char *start)
{
    char *done = plant_db_text(&o->mem, o->own, "SELECT n FROM done WHERE system = ?1 AND url = ?2", 2, name, url);
    sqlite3_stmt *st = plant_db_ask(db, "SELECT n, type, media, body, correlation FROM events WHERE n > ?1 + 0"
                                        " AND substr(type, 1, length(?2)) = ?2 ORDER BY n LIMIT 200", 2,
                                    done ? done : start, types);
    bool taken = true;
    while (taken && plant_db_row(&st)) {
        taken = event_send(o, name, url, secret, st);
        if (taken)
            plant_db_do(o->own, "INSERT INTO done VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET n = ?3", 3, name, url,
                        plant_db_col(st, 0));
    }
    sqlite3_finalize(st);
    return taken;
}

static bool system_serve(struct outbox *o, sqlite3 *db, const char *name)
{
    bool all = true;
    sqlite3_stmt *st = plant_db_ask(db, "SELECT url, types, secret, done FROM subscriptions", 0);
    while (plant_db_row(&st))
        all = subscriber_serve(o, db, name, plant_db_col(st, 0), plant_db_col(st, 1), plant_db_col(st, 2),
                               plant_db_col(st, 3)) && all;
    return all;
}

void plant_outbox_run(const struct plant_system *systems, size_t n, const char *dir, const atomic_int *stop)
{
    struct outbox o = {.curl = curl_easy_init()};
    sqlite3 **dbs = plant_mem_take(&o.mem, n * sizeof *dbs);
    struct plant_mem kept = o.mem;
    if (!o.curl)
        return;
    o.own = plant_db_open(plant_mem_printf(&kept, "%s/outbox.db", dir));
    plant_db_script(o.own, "CREATE TABLE IF NOT EXISTS done(system TEXT, url TEXT, n INTEGER, PRIMARY KEY(system, url))");
    for (size_t i = 0; i < n; i++)
        dbs[i] = plant_db_open(plant_mem_printf(&kept, "%s/%s.db", dir, systems[i].kind->name));
    o.mem = (struct plant_mem){NULL};
    curl_easy_setopt(o.curl, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(o.curl, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(o.curl, CURLOPT_NOSIGNAL, 1L);
    while (!*stop) {
        bool all = true;
        for (size_t i = 0; i < n; i++)
            all = system_serve(&o, dbs[i], systems[i].kind->name) && all;
        plant_mem_free(&o.mem);
        struct timespec pause = {0, (all ? ROUND_MS : PAUSE_MS) * 1000000L};
        nanosleep(&pause, NULL);
    }
    for (size_t i = 0; i < n; i++)
        sqlite3_close(dbs[i]);
    sqlite3_close(o.own);
    curl_easy_cleanup(o.curl);
    plant_mem_free(&kept);
}

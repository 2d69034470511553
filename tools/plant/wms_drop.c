/*
 * wms_drop.c - the WMS's files: takes CSV files from DIR/wms-in, gives its own movements to DIR/wms-out
 *
 * A file ends with #END,ROWS,SUM,SHA256 (of all bytes before that line). What is wrong goes to refused/ whole, with no
 * effect; what is taken goes to done/. Fields in quotes with quotes doubled; a field holds no line end.
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/plant/wms.h"

#define FIELDS 40

static const char *sha256(struct plant_call *c, const char *p, size_t n)
{
    unsigned char sum[32];
    unsigned int len = 0;
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    EVP_Digest(p, n, sum, &len, EVP_sha256(), NULL);
    for (unsigned k = 0; k < len; k++)
        plant_putf(&b, "%02x", sum[k]);
    return b.p;
}

static int fields_of(struct plant_call *c, const char **p, const char *f[FIELDS])
{
    int n = 0;
    while (**p && **p != '\n' && n < FIELDS) {
        struct plant_buf b;
        plant_buf_init(&b, &c->mem);
        plant_puts(&b, "");
        bool quoted = **p == '"';
        *p += quoted;
        while (**p && (quoted ? !(**p == '"' && (*p)[1] != '"') : **p != ',' && **p != '\n')) {
            *p += quoted && **p == '"';
            plant_put(&b, *p, 1);
            ++*p;
        }
        *p += quoted;
        f[n++] = b.p;
        if (**p == ',') {
            ++*p;
            if (**p == '\n' && n < FIELDS) /* an empty last field */
                f[n++] = "";
        }
    }
    *p += **p == '\n';
    return n;
}

struct sheet {
    const char *names[FIELDS], *f[FIELDS];
    int n;
};

static const char *cell(const struct sheet *s, const char *name)
{
    for (int k = 0; k < s->n; k++)
        if (strcmp(s->names[k], name) == 0)
            return s->f[k] ? s->f[k] : "";
    return "";
}

static void side_put(struct plant_buf *b, const struct sheet *s, const char *list, const char *member, const char *plant,
                     const char *location, const char *bin)
{
    if (!*cell(s, plant))
        return;
    plant_putf(b, "\"%s\":[{\"type\":\"location\",\"%s\":\"" WMS_PLACE, list, member);
    plant_put_url(b, cell(s, plant));
    plant_puts(b, ":");
    plant_put_url(b, *cell(s, location) ? cell(s, location) : WMS_LOCATION);
    if (*cell(s, bin)) {
        plant_puts(b, ":");
        plant_put_url(b, cell(s, bin));
    }
    plant_puts(b, "\"}],");
}

static bool row_take(struct plant_call *c, const struct sheet *s, struct wms_refusal *why)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_puts(&b, "{\"eventID\":");
    plant_put_json(&b, plant_mem_printf(&c->mem, "urn:busbar:event:%s", cell(s, "key")));
    plant_puts(&b, ",\"type\":\"ObjectEvent\",\"action\":\"OBSERVE\",\"eventTimeZoneOffset\":\"+00:00\",\"eventTime\":");
    plant_put_json(&b, cell(s, "at"));
    plant_puts(&b, ",\"wms:kind\":");
    plant_put_json(&b, cell(s, "kind"));
    const char *types[][2] = {{"wms:stockType", *cell(s, "from_type") ? "from_type" : "to_type"}, {"wms:stockTypeTo", "to_type"}};
    for (int k = 0; k < 2; k++)
        if (*cell(s, types[k][1])) {
            plant_putf(&b, ",\"%s\":", types[k][0]);
            plant_put_json(&b, cell(s, types[k][1]));
        }
    plant_puts(&b, ",");
    side_put(&b, s, "sourceList", "source", "from_plant", "from_location", "from_bin");
    side_put(&b, s, "destinationList", "destination", "to_plant", "to_location", "to_bin");
    plant_puts(&b, "\"quantityList\":[{\"epcClass\":\"" WMS_ITEM);
    plant_put_url(&b, cell(s, "item"));
    if (*cell(s, "lot")) {
        plant_puts(&b, ":");
        plant_put_url(&b, cell(s, "lot"));
    }
    plant_puts(&b, "\",\"quantity\":");
    plant_put_json(&b, cell(s, "quantity"));
    plant_puts(&b, ",\"uom\":");
    plant_put_json(&b, cell(s, "unit"));
    plant_puts(&b, "}]}");
    return wms_event_take(c, (struct plant_text){b.p, b.n}, why);
}

static bool file_check(struct plant_call *c, const char *text, size_t n, struct wms_refusal *why, size_t *end, long *rows,
                       int64_t *sum)
{
    char qty[32] = "", hex[65] = "";
    size_t at = n;
    while (at && text[at - 1] == '\n')
        at--;
    while (at && text[at - 1] != '\n')
        at--;
    if (sscanf(text + at, "#END,%ld,%31[-0-9.],%64[0-9a-f]", rows, qty, hex) != 3 || !plant_qty_read(qty, sum))
        return wms_refuse(c, why, "WMS-051", "no trailer");
    if (strcmp(hex, sha256(c, text, at)) != 0)
        return wms_refuse(c, why, "WMS-052", "the checksum is wrong");
    *end = at;
    return true;
}

static bool file_take(struct plant_call *c, char *text, size_t n, struct wms_refusal *why)
{
    struct sheet s = {0};
    size_t end = 0;
    long rows = 0, had = 0;
    int64_t sum = 0, total = 0, one;
    const char *p = text;
    if (!file_check(c, text, n, why, &end, &rows, &sum))
        return false;
    text[end] = '\0';
    s.n = fields_of(c, &p, s.names);
    while (*p) {
        memset(s.f, 0, sizeof s.f);
        fields_of(c, &p, s.f);
        had++;
        if (!plant_qty_read(cell(&s, "quantity"), &one))
            return wms_refuse(c, why, "WMS-003", "row %ld: its quantity is no number", had);
        total += one;
        if (!row_take(c, &s, why))
            return false;
    }
    return (had == rows && total == sum) || wms_refuse(c, why, "WMS-053", "the totals are wrong");
}

static char *file_text(struct plant_call *c, const char *path, size_t *n)
{
    FILE *f = fopen(path, "re");
    char *text = f ? plant_mem_take(&c->mem, (1 << 20) + 1) : NULL;
    *n = f ? fread(text, 1, 1 << 20, f) : 0;
    if (f)
        fclose(f);
    return text;
}

static const char *folder(struct plant_call *c, const char *name)
{
    const char *dir = plant_mem_printf(&c->mem, "%s/%s", c->sys->dir, name);
    mkdir(dir, 0755);
    return dir;
}

void wms_drop_take(struct plant_call *c)
{
    const char *dir = folder(c, "wms-in"), *done = folder(c, "wms-in/done"), *refused = folder(c, "wms-in/refused");
    struct dirent **list = NULL;
    int n = scandir(dir, &list, NULL, alphasort), taken = 0, bad = 0;
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    for (int k = 0; k < n; k++) {
        const char *name = list[k]->d_name, *path = plant_mem_printf(&c->mem, "%s/%s", dir, name);
        struct wms_refusal why = {0};
        size_t len = strlen(name), size;
        if (*name != '.' && len > 4 && strcmp(name + len - 4, ".csv") == 0) {
            char *text = file_text(c, path, &size);
            plant_db_script(c->db, "SAVEPOINT file");
            bool good = text && file_take(c, text, size, &why);
            plant_db_script(c->db, good ? "RELEASE file" : "ROLLBACK TO file; RELEASE file");
            taken += good;
            bad += !good;
            if (!good)
                plant_putf(&b, "%s%s %s", b.n ? "; " : "", why.code, why.text);
            if (rename(path, plant_mem_printf(&c->mem, "%s/%s", good ? done : refused, name)) != 0)
                plant_putf(&b, " (cannot move %s)", name);
        }
        free(list[k]);
    }
    free(list);
    struct plant_buf out;
    plant_buf_init(&out, &c->mem);
    plant_putf(&out, "{\"taken\":%d,\"refused\":%d,\"why\":", taken, bad);
    plant_put_json(&out, b.n ? b.p : "");
    plant_puts(&out, "}");
    plant_call_answer(c, 200, "application/json", out.p);
}

/* ---- out ------------------------------------------------------------------------------------------------------ */
static void place_cells(struct plant_call *c, struct plant_buf *b, const char *uri)
{
    const char *p = strncmp(uri, WMS_PLACE, sizeof WMS_PLACE - 1) == 0 ? uri + sizeof WMS_PLACE - 1 : "";
    for (int k = 0; k < 3; k++) {
        size_t n = strcspn(p, ":");
        plant_putf(b, "%s,", plant_url_decode(&c->mem, (struct plant_text){p, n}, false));
        p += n + (p[n] == ':');
    }
}

static void row_give(struct plant_call *c, struct plant_buf *b, const char *id, struct plant_text ev)
{
    const char *class = wms_at(c, ev, "/quantityList/0/epcClass") + sizeof WMS_ITEM - 1, *colon = strchr(class, ':');
    size_t n = colon ? (size_t)(colon - class) : strlen(class);
    const char *doc = wms_at(c, ev, "/bizTransactionList/0/bizTransaction"), *line;
    bool po = strcmp(wms_at(c, ev, "/bizTransactionList/0/type"), "po") == 0;
    doc = *doc ? doc + sizeof WMS_DOCUMENT - 1 : "";
    line = strchr(doc, ':');
    const char *docs = plant_mem_printf(&c->mem, "%.*s,%s", line ? (int)(line - doc) : (int)strlen(doc), doc, line ? line + 1 : "");
    plant_putf(b, "%s,%s,%s,%s,%s,%s,%s,", id, wms_at(c, ev, "/wms:kind"),
               plant_url_decode(&c->mem, (struct plant_text){class, n}, false),
               colon ? plant_url_decode(&c->mem, (struct plant_text){colon + 1, strlen(colon + 1)}, false) : "",
               wms_at(c, ev, "/quantityList/0/quantity"), wms_at(c, ev, "/quantityList/0/uom"), wms_at(c, ev, "/wms:difference"));
    place_cells(c, b, wms_at(c, ev, "/sourceList/0/source"));
    place_cells(c, b, wms_at(c, ev, "/destinationList/0/destination"));
    plant_putf(b, "%s,%s,%s\n", po ? docs : ",", po ? "," : docs, wms_at(c, ev, "/eventTime"));
}

void wms_drop_give(struct plant_call *c)
{
    struct plant_buf b;
    int64_t sum = 0, one, last = plant_option_int(c, "given", 0);
    long rows = 0;
    char qty[24];
    plant_buf_init(&b, &c->mem);
    plant_puts(&b, "id,kind,item,lot,quantity,unit,difference,from_plant,from_location,from_bin,to_plant,to_location,to_bin,"
                   "purchase_order,purchase_order_line,work_order,work_order_line,at\n");
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT n, id, json FROM epcis WHERE n > CAST(?1 AS INTEGER) AND id NOT LIKE"
                                    " 'urn:busbar:%' ORDER BY n", 1, plant_mem_printf(&c->mem, "%lld", (long long)last));
    while (plant_db_row(&st)) {
        struct plant_text ev = {plant_db_col(st, 2), strlen(plant_db_col(st, 2))};
        if (!*wms_at(c, ev, "/wms:kind") || !plant_qty_read(wms_at(c, ev, "/quantityList/0/quantity"), &one))
            continue;
        row_give(c, &b, plant_mem_printf(&c->mem, "%s", plant_db_col(st, 1)), ev);
        last = atoll(plant_db_col(st, 0));
        sum += one;
        rows++;
    }
    plant_db_do(c->db, "INSERT INTO options VALUES('given', ?1) ON CONFLICT(name) DO UPDATE SET value = ?1", 1,
                plant_mem_printf(&c->mem, "%lld", (long long)last));
    const char *dir = folder(c, "wms-out"), *path = plant_mem_printf(&c->mem, "%s/mv-%s.csv", dir, plant_number(c, "file", 1, 8));
    const char *fresh = plant_mem_printf(&c->mem, "%s.new", path);
    plant_qty_write(sum, qty);
    plant_putf(&b, "#END,%ld,%s,%s\n", rows, qty, sha256(c, b.p, b.n));
    FILE *f = fopen(fresh, "we");
    bool good = f && fwrite(b.p, 1, b.n, f) == b.n;
    good = f && fclose(f) == 0 && good && rename(fresh, path) == 0;
    plant_call_answer(c, good ? 200 : 500, "application/json", plant_mem_printf(&c->mem, "{\"rows\":%ld,\"file\":\"%s\"}", rows,
                                                                                path));
}

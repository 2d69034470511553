/*
 * erp_idoc.c - the ERP's IDocs as XML over HTTP: MATMAS (items) and DELVRY (inbound deliveries) in,
 * MATMAS out
 *
 * POST /sap/bc/idoc_xml takes one IDoc a body; it gets a number of our own and a status: 53 posted, 51
 * not posted, with the message. As the real one does, the answer is 200 in both cases, for the document
 * was received; only XML that is none is 400. GET /sap/bc/idoc_xml/status?sender=S&docnum=N is how a sender
 * finds out what became of its number. Out: with option idoc_out = 1 a changed item also raises an event
 * "idoc.MATMAS" with the XML.
 */
#include <string.h>

#include "tools/plant/erp_model.h"
#include "tools/plant/json.h"
#include "tools/plant/xml.h"

struct idoc {
    struct plant_call *c;
    struct odata_ctx x; /* for the rules' checks; their answers are read back from the call */
    xmlNode *root;
    const char *sender, *number;
};

/* A rule has refused: what it answered, as the IDoc's status text. */
static bool refused(struct idoc *d, char **text)
{
    const char *code = "", *message = "";
    struct plant_text body = {d->c->body.p, d->c->body.n}, v;
    if (plant_json_find(body, "/error/code", &v))
        code = plant_json_text(&d->c->mem, v);
    if (plant_json_find(body, "/error/message/value", &v))
        message = plant_json_text(&d->c->mem, v);
    *text = plant_mem_printf(&d->c->mem, "%s %s", code, message);
    return false;
}

static const char *get(struct idoc *d, xmlNode *n, const char *path)
{
    return plant_xml_text(&d->c->mem, n, path);
}

static bool material_take(struct idoc *d, char **text)
{
    xmlNode *m = plant_xml_child(d->root, "E1MARAM", NULL);
    const char *item = get(d, m, "MATNR"), *unit = get(d, m, "MEINS");
    sqlite3 *db = d->c->db;
    if (!*item || !*unit) {
        *text = plant_mem_printf(&d->c->mem, "M3/036 MATNR and MEINS are needed");
        return false;
    }
    if (erp_locked(&d->x, item, "M3/024"))
        return refused(d, text);
    plant_db_do(db, "INSERT INTO A_ProductType(Product, ProductType, BaseUnit, CrossPlantStatus, IsMarkedForDeletion,"
                    " CreationDate, LastChangeDate, LastChangeDateTime, ProductGroup, NetWeight, GrossWeight, WeightUnit,"
                    " IsBatchManagementRequired, MaterialRevisionLevel, ProductIsConfigurable, ProductOldID,"
                    " SerialNumberProfile, ChangeNumber, ProductManufacturerNumber, Division)"
                    " VALUES(?1, ?2, ?3, '', 'false', ?4, ?4, ?5, ?6, ?7, ?7, ?8, 'false', ?9, 'false', '', '', '', '', '')"
                    " ON CONFLICT DO UPDATE SET ProductType = ?2, LastChangeDate = ?4, LastChangeDateTime = ?5,"
                    " ProductGroup = ?6, NetWeight = ?7, WeightUnit = ?8, _v = _v + 1", 9,
                item, get(d, m, "MTART"), unit, plant_today(d->c), plant_now(d->c), get(d, m, "MATKL"),
                *get(d, m, "NTGEW") ? get(d, m, "NTGEW") : "0", get(d, m, "GEWEI"), get(d, m, "AESZN"));
    for (xmlNode *k = NULL; (k = plant_xml_child(m, NULL, k));) {
        const char *name = (const char *)k->name;
        if (strcmp(name, "E1MAKTM") == 0)
            plant_db_do(db, "INSERT OR REPLACE INTO A_ProductDescriptionType VALUES(?1, ?2, ?3, 1)", 3, item,
                        *get(d, k, "SPRAS_ISO") ? get(d, k, "SPRAS_ISO") : "EN", get(d, k, "MAKTX"));
        else if (strcmp(name, "E1MARCM") == 0)
            plant_db_do(db, "INSERT INTO A_ProductPlantType VALUES(?1, ?2, '', '', '', 'false', 'PD', '', ?3, ?4, '0001',"
                            " 'false', 'false', ?5, ?5, 1) ON CONFLICT DO UPDATE SET ProcurementType = ?3,"
                            " SpecialProcurementType = ?4, _v = _v + 1", 5, item, get(d, k, "WERKS"), get(d, k, "BESKZ"),
                        get(d, k, "SOBSL"), unit);
        else if (strcmp(name, "E1MARMM") == 0)
            plant_db_do(db, "INSERT OR REPLACE INTO A_ProductUnitsOfMeasureType VALUES(?1, ?2, ?3, ?4, ?5, 1)", 5, item,
                        get(d, k, "MEINH"), get(d, k, "UMREZ"), get(d, k, "UMREN"), unit);
    }
    *text = plant_mem_printf(&d->c->mem, "material %s", item);
    return true;
}

static bool delivery_take(struct idoc *d, char **text)
{
    xmlNode *h = plant_xml_child(d->root, "E1EDL20", NULL);
    const char *number = get(d, h, "VBELN");
    int lines = 0;
    if (!*number) {
        *text = plant_mem_printf(&d->c->mem, "VL/001 VBELN is needed");
        return false;
    }
    if (!plant_db_do(d->c->db, "INSERT INTO deliveries VALUES(?1, ?2)", 2, number, get(d, h, "LIFEX"))) {
        *text = plant_mem_printf(&d->c->mem, "VL/302 delivery %s is there already", number);
        return false;
    }
    for (xmlNode *k = NULL; (k = plant_xml_child(h, "E1EDL24", k)); lines++) {
        const char *item = get(d, k, "MATNR"), *plant = get(d, k, "WERKS");
        if (*plant && !erp_product_fits(&d->x, item, plant, "MATNR"))
            return refused(d, text);
        plant_db_do(d->c->db, "INSERT OR REPLACE INTO delivery_lines VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", 9, number,
                    get(d, k, "POSNR"), item, plant, get(d, k, "CHARG"), get(d, k, "LFIMG"), get(d, k, "VRKME"),
                    get(d, k, "VGBEL"), get(d, k, "VGPOS"));
    }
    *text = plant_mem_printf(&d->c->mem, "delivery %s, %d lines", number, lines);
    return true;
}

static void status_answer(struct plant_call *c, const char *number, const char *status, const char *text)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "<?xml version=\"1.0\"?><IDOC><DOCNUM>%s</DOCNUM><STATUS>%s</STATUS><STATXT>", number, status);
    plant_put_xml(&b, text);
    plant_puts(&b, "</STATXT></IDOC>");
    plant_call_answer(c, 200, "text/xml", b.p);
}

static void idoc_post(struct idoc *d)
{
    static const struct {
        const char *type;
        bool (*take)(struct idoc *d, char **text);
    } kinds[] = {{"MATMAS", material_take}, {"DELVRY", delivery_take}};
    const char *type = get(d, d->root, "EDI_DC40/IDOCTYP"), *number = plant_number(d->c, "idoc", 1, 16);
    char *text = plant_mem_printf(&d->c->mem, "E0/335 IDoc type %s is not taken here", type);
    bool ok = false;
    d->sender = get(d, d->root, "EDI_DC40/SNDPRN");
    d->number = get(d, d->root, "EDI_DC40/DOCNUM");
    plant_db_script(d->c->db, "SAVEPOINT idoc");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(type, kinds[i].type, 6) == 0)
            ok = kinds[i].take(d, &text);
    if (!ok)
        plant_db_script(d->c->db, "ROLLBACK TO idoc");
    plant_db_script(d->c->db, "RELEASE idoc");
    plant_db_do(d->c->db, "INSERT INTO idocs VALUES(?1, ?2, ?3, ?4, ?5, ?6)", 6, number, d->sender, d->number, type,
                ok ? "53" : "51", text);
    if (ok)
        plant_effect(d->c, "idoc", text, plant_mem_printf(&d->c->mem, "%s/%s", d->sender, d->number));
    plant_buf_init(&d->c->head, &d->c->mem);
    status_answer(d->c, number, ok ? "53" : "51", text);
}

static void idoc_status(struct plant_call *c)
{
    const char *sender = plant_call_query(c, "sender"), *number = plant_call_query(c, "docnum");
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT number, status, text FROM idocs WHERE sender = ?1 AND docnum = ?2"
                                           " ORDER BY status DESC", 2, sender, number);
    if (!plant_db_row(&st)) {
        plant_call_answer(c, 404, "text/xml", "<?xml version=\"1.0\"?><IDOC><STATUS>00</STATUS></IDOC>");
        return;
    }
    status_answer(c, plant_db_col(st, 0), plant_db_col(st, 1), plant_db_col(st, 2));
    sqlite3_finalize(st);
}

void erp_idoc_take(struct plant_call *c)
{
    static const struct odata_service any = {.version = 2, .name_space = "IDOC"};
    const char *why;
    if (strcmp(c->method, "GET") == 0) {
        idoc_status(c);
        return;
    }
    xmlDoc *doc = plant_xml_read(&c->mem, c->rq->body, &why);
    struct idoc d = {.c = c, .x = {.c = c, .s = &any}};
    d.root = doc ? plant_xml_child(xmlDocGetRootElement(doc), "IDOC", NULL) : NULL;
    if (!d.root)
        plant_call_answer(c, 400, "text/plain", plant_mem_printf(&c->mem, "no IDoc: %s", doc ? "IDOC is missing" : why));
    else
        idoc_post(&d);
    xmlFreeDoc(doc);
}

void erp_idoc_item(struct odata_ctx *x, const struct odata_row *r)
{
    struct plant_buf b;
    if (!plant_option_int(x->c, "idoc_out", 0))
        return;
    plant_buf_init(&b, &x->c->mem);
    plant_putf(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><MATMAS05><IDOC BEGIN=\"1\"><EDI_DC40 SEGMENT=\"1\">"
                   "<TABNAM>EDI_DC40</TABNAM><MANDT>100</MANDT><DOCNUM>%s</DOCNUM><DIRECT>1</DIRECT>"
                   "<IDOCTYP>MATMAS05</IDOCTYP><MESTYP>MATMAS</MESTYP><SNDPRT>LS</SNDPRT><SNDPRN>PLT100</SNDPRN></EDI_DC40>"
                   "<E1MARAM SEGMENT=\"1\"><MSGFN>005</MSGFN>", plant_number(x->c, "idoc-out", 1, 16));
    static const char *const fields[][2] = {{"MATNR", "Product"}, {"MTART", "ProductType"}, {"MATKL", "ProductGroup"},
                                            {"MEINS", "BaseUnit"}, {"NTGEW", "NetWeight"}, {"GEWEI", "WeightUnit"},
                                            {"AESZN", "MaterialRevisionLevel"}, {"MSTAE", "CrossPlantStatus"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        plant_putf(&b, "<%s>", fields[i][0]);
        plant_put_xml(&b, odata_get(r, fields[i][1]));
        plant_putf(&b, "</%s>", fields[i][0]);
    }
    plant_puts(&b, "</E1MARAM></IDOC></MATMAS05>");
    plant_event(x->c, "idoc.MATMAS", "text/xml", b.p);
}

/*
 * test_x12.c - X12 read and written: envelopes, values, 830, 855, 856, 997
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include "plugins/portal/portal.h"

#define ISA "ISA*00*          *00*          *ZZ*17300001       *ZZ*BUSBAR         *261128*0800*U*00401*000000007*0*P*>~"
#define GS(f) "GS*" f "*17300001*BUSBAR*20261128*0800*7*X*004010~"
#define END(n) "SE*" n "*0001~GE*1*7~IEA*1*000000007~"
#define SHIP_BODY                                                                                                                  \
    "ST*856*0001~BSN*00*ASN-1*20261128*081530*0001~HL*1**S~TD1*PLT*2****G*402.50*KG~TD5**2*LANG*M~REF*BM*B-1~REF*CN*C-1~"           \
    "DTM*011*20261127~DTM*017*261130~N1*SF*Foundry*92*17300001~N1*ST**92*1000~HL*2*1*O~PRF*4500000028***20260302~"                  \
    "HL*3*2*T~MAN*GM*340123450000000018~HL*4*3*P~HL*5*4*I~LIN*10*BP*RM-1*VP*V 7*EC*B~SN1**024*PC**144*PC~REF*LT*L-1~"               \
    "REF*LI*00010~HL*6*2*I~LIN**VP*V-8~SN1**.5*KG~"
#define SHIP ISA GS("SH") SHIP_BODY END("25")
#define COMMIT                                                                                                                     \
    ISA GS("PR") "ST*855*0001~BAK*00*AC*4500000028*20260302****OA-1*20260303~REF*VN*S-5~N1*SE**92*17300001~N1*BY**92*BUSBAR~"       \
                 "PO1*00010*144*PC***BP*RM-1*VP*V-7~ACK*IQ*96*PC*067*20260401~ACK*DR*36*PC*068*20260420~"                           \
                 "PO1*00020*40*PC***BP*RM-2~ACK*IS*40*PC****BP*RM-3~PO1*00030*5*PC***BP*RM-4~ACK*IR~CTT*3~" END("14")
#define ACK ISA GS("FA") "ST*997*0001~AK1*PS*42~AK2*830*0001~AK3*FST*8**8~AK5*R*5~AK9*R*1*1*0~" END("7")

static struct portal_conf conf = {.zone = (char *)"+01:00", .sender = (char *)"BUSBAR", .sender_qualifier = (char *)"ZZ",
                                  .receiver_qualifier = (char *)"ZZ", .usage = (char *)"T", .forecast_x12 = 1,
                                  .forecasts = (char *)"/f/{partner}", .changes = (char *)"/c/{partner}/{key}",
                                  .acknowledgements = (char *)"/a/{partner}"};
static struct x12_set sets[X12_SETS_MAX];

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

static const char *json_of(const struct bb_buf *b)
{
    static struct bb_buf out;
    struct bb_fault f;

    bb_buf_free(&out);
    bb_buf_init(&out, 1 << 20);
    ck_assert_msg(bb_json_write((struct bb_bytes){b->ptr, b->len}, &out, &f) == 0, "%s", f.text);
    bb_buf_put(&out, "", 1);
    return (const char *)out.ptr;
}

/* text with the first `from` replaced; from NULL: as it is. */
static char *changed(const char *text, const char *from, const char *to)
{
    char *out = malloc(strlen(text) + strlen(to ? to : "") + 1);
    const char *at = from ? strstr(text, from) : NULL;

    ck_assert(out != NULL && (!from || at));
    if (!from)
        return strcpy(out, text);
    memcpy(out, text, (size_t)(at - text));
    strcpy(out + (at - text), to);
    strcat(out, at + strlen(from));
    return out;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */
START_TEST(values)
{
    static const char *const numbers[][2] = {{"24", "24"}, {"024", "24"}, {".5", "0.5"}, {"3.", "3"}, {"-1.50", "-1.50"}, {"0", "0"},
                                             {"", NULL}, {".", NULL}, {"-", NULL}, {"1e3", NULL}, {"1,5", NULL}, {"1.2.3", NULL},
                                             {"12345678901234567890123456789012345678901", NULL}};
    static const char *const days[][2] = {{"20260228", "2026-02-28"}, {"260228", "2026-02-28"}, {"20260230", NULL}, {"2026022", NULL},
                                          {"2026022X", NULL}, {"", NULL}};
    char out[64];

    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        ck_assert_msg((x12_number(bb_str(numbers[k][0]), out) == 0) == (numbers[k][1] != NULL), "%s", numbers[k][0]);
        if (numbers[k][1])
            ck_assert_str_eq(out, numbers[k][1]);
    }
    for (size_t k = 0; k < sizeof days / sizeof *days; k++) {
        ck_assert_msg((x12_date(bb_str(days[k][0]), out) == 0) == (days[k][1] != NULL), "%s", days[k][0]);
        if (days[k][1])
            ck_assert_str_eq(out, days[k][1]);
    }
    ck_assert_int_eq(x12_instant(bb_str("20261128"), bb_str("0015"), "+01:00", out), 0);
    ck_assert_str_eq(out, "2026-11-27T23:15:00Z");
    ck_assert_int_eq(x12_instant(bb_str("20261128"), bb_str("2460"), "Z", out), -1);
    ck_assert_int_eq(x12_instant(bb_str("20261128"), bb_str("12"), "Z", out), -1);
    ck_assert_str_eq(x12_unit_in(bb_str("PC")), "H87");
    ck_assert_str_eq(x12_unit_out(bb_str("H87")), "PC");
    ck_assert_ptr_null(x12_unit_in(bb_str("QQ")));
    ck_assert_ptr_null(x12_unit_out(bb_str("KWH")));
}
END_TEST

/* ---- envelopes ----------------------------------------------------------------------------------------------------- */
static const struct {
    const char *from, *to, *why; /* why NULL: it is read */
    const char *code;            /* of the set, when it is read */
} envelopes[] = {
    {NULL, NULL, NULL, NULL},
    {"ISA", "ISB", "no interchange", NULL},
    {"*P*>~", "~", "sixteen", NULL},
    {"*P*>~", "*P**~", "three different signs", NULL},
    {"GS*SH", "GS*", "control number", NULL},
    {"ST*856", "ST*", "control number", NULL},
    {"GE*1*7", "GE*2*7", "the group has 1", NULL},
    {"GE*1*7", "GE*1*8", "differ in GS and GE", NULL},
    {"GE*1*7~", "", "groups", NULL},
    {"IEA*1", "IEA*2", "the interchange has 1 groups", NULL},
    {"IEA*1*000000007", "IEA*1*000000008", "differ in ISA and IEA", NULL},
    {"IEA*1*000000007~", "", "cut off", NULL},
    {"IEA*1*000000007~", "IEA*1*000000007~ISA*~", "something follows", NULL},
    {"IEA*1*000000007~", "IEA*1*000000007", "inside a segment", NULL},
    {"ST*856", "XX*1~ST*856", "outside of a transaction set", NULL},
    {"SF*Foundry", "SF*F\303\274", "not printable ASCII", NULL},
    {"BSN*", "bsn*", "begins with no name", NULL},
    {"SE*25*0001", "SE*24*0001", NULL, "4"},
    {"SE*25*0001", "SE*25*0002", NULL, "3"},
    {"SE*25*0001~", "", NULL, "2"},
    {"~GS", "~\r\nGS", NULL, NULL}, /* lines are for people */
};

START_TEST(envelope)
{
    char *text = changed(SHIP, envelopes[_i].from, envelopes[_i].to);
    struct bb_fault f = {0, ""};
    uint32_t n;
    int rc = x12_read(bb_str(text), sets, &n, &f);

    if (envelopes[_i].why) {
        ck_assert_msg(rc == -1, "case %d is read", _i);
        has(f.text, envelopes[_i].why);
    } else {
        ck_assert_msg(rc == 0 && n == 1, "case %d: %s", _i, f.text);
        ck_assert_msg(bb_str_is(sets->id, "856") && bb_str_is(sets->group, "7") && bb_str_is(sets->sender, "17300001"), "%d", _i);
        if (envelopes[_i].code)
            ck_assert_str_eq(sets->code, envelopes[_i].code);
        else
            ck_assert_ptr_null(sets->code);
    }
    free(text);
}
END_TEST

START_TEST(cut_anywhere)
{
    struct bb_fault f;
    uint32_t n;

    for (size_t len = 0; len < strlen(SHIP); len++) {
        char *text = malloc(len + 1); /* exactly so long: a read past it is seen */
        memcpy(text, SHIP, len);
        ck_assert_msg(x12_read((struct bb_bytes){text, len}, sets, &n, &f) == -1, "cut at %zu it is read", len);
        free(text);
    }
}
END_TEST

START_TEST(separators)
{
    char *text = strdup(SHIP);
    struct bb_fault f;
    uint32_t n;

    for (char *p = text; *p; p++)
        *p = *p == '*' ? '|' : *p == '~' ? '\n' : *p;
    ck_assert_msg(x12_read(bb_str(text), sets, &n, &f) == 0 && n == 1 && !sets->code, "%s", f.text);
    free(text);
}
END_TEST

/* ---- 856, 855, 997 in ---------------------------------------------------------------------------------------------------- */
/* The set of an interchange as JSON; NULL with why. */
static const char *got(const char *text, struct found *found, const char **why)
{
    static struct bb_fault f;
    static struct bb_buf b;
    uint32_t n;

    bb_buf_free(&b);
    bb_buf_init(&b, 1 << 20);
    ck_assert_msg(x12_read(bb_str(text), sets, &n, &f) == 0 && n == 1 && !sets->code, "%s", f.text);
    x12_get *get = x12_reader(sets->id);
    ck_assert_ptr_nonnull((void *)(uintptr_t)get);
    *why = f.text;
    return get(&conf, sets, &b, found, &f) == 0 ? json_of(&b) : NULL;
}

START_TEST(ship_notice)
{
    static const char *const parts[] = {
        ("{\"id\":\"ASN-1\",\"purpose\":\"original\",\"structure\":[\"shipment\",\"order\",\"tare\",\"pack\",\"item\"],"
         "\"issuedAt\":\"2026-11-28T07:15:30Z\",\"shipped\":\"2026-11-27\",\"estimatedArrival\":\"2026-11-30\""),
        "\"seller\":{\"id\":\"17300001\"},\"shipFrom\":{\"id\":\"17300001\"},\"shipTo\":{\"id\":\"1000\"},\"plant\":\"1000\"",
        ("\"transport\":{\"mode\":\"road\",\"scac\":\"LANG\",\"billOfLading\":\"B-1\",\"consignment\":\"C-1\"},\"packageCount\":2,"
         "\"grossWeight\":{\"value\":402.50,\"unit\":\"KGM\"}"),
        ("\"packages\":[{\"id\":\"340123450000000018\",\"level\":\"tare\"},{\"id\":\"HL-4\",\"level\":\"pack\",\"parent\":"
         "\"340123450000000018\"}]"),
        ("{\"line\":\"10\",\"item\":{\"id\":\"RM-1\",\"revision\":\"B\",\"identifiers\":[{\"scheme\":\"vendor\",\"id\":\"V 7\"}]},"
         "\"quantity\":{\"value\":24,\"unit\":\"H87\"},\"ordered\":{\"value\":144,\"unit\":\"H87\"},\"order\":{\"kind\":"
         "\"purchase-order\",\"id\":\"4500000028\",\"line\":\"00010\",\"date\":\"2026-03-02\"},\"packages\":[{\"package\":\"HL-4\"}],"
         "\"lots\":[{\"lot\":{\"id\":\"L-1\"}}]}"),
        ("{\"line\":\"2\",\"item\":{\"id\":\"V-8\",\"identifiers\":[{\"scheme\":\"vendor\",\"id\":\"V-8\"}]},\"quantity\":{\"value\":0.5,"
         "\"unit\":\"KGM\"},\"order\":{\"kind\":\"purchase-order\",\"id\":\"4500000028\",\"date\":\"2026-03-02\"}}]}")};
    struct found f;
    const char *why, *json = got(SHIP, &f, &why);

    ck_assert_msg(json != NULL, "%s", why);
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        has(json, parts[k]);
    ck_assert_str_eq(f.type, "mfg.shipment.announced");
    ck_assert(bb_str_is(f.id, "ASN-1") && bb_str_is(f.plant, "1000") && bb_str_is(f.order, "4500000028") && !f.item.len);
}
END_TEST

static const struct {
    const char *text, *from, *to, *why; /* the same number of segments, so that the envelope holds */
} bad[] = {
    {SHIP, "BSN*00", "BSN*99", "BSN01 99"},
    {SHIP, "BSN*00*ASN-1", "BSN*00*", "BSN02"},
    {SHIP, "HL*2*1*O", "HL*2*9*O", "does not stand under"},
    {SHIP, "HL*2*1*O", "HL*2*1*X", "another kind"},
    {SHIP, "HL*1**S", "HL*1**O", "does not stand under"},
    {SHIP, "PRF*4500000028", "PRF*", "above it an order"},
    {SHIP, "BP*RM-1*VP*V 7*EC*B", "XX*RM-1", "none of its ids"},
    {SHIP, "SN1**024*PC", "SN1**0*PC", "above 0"},
    {SHIP, "SN1**024*PC", "SN1**-4*PC", "above 0"},
    {SHIP, "SN1**024*PC", "SN1**24*QQ", "unit \"QQ\""},
    {SHIP, "SN1**.5*KG", "XX1", "needs LIN, SN1"},
    {SHIP, "DTM*011*20261127", "DTM*011*20261327", "is no date"},
    {COMMIT, "BAK*00*AC", "BAK*00*ZZ", "BAK02"},
    {COMMIT, "BAK*00*AC", "BAK*01*AC", "BAK01"},
    {COMMIT, "BAK*00*AC*4500000028", "BAK*00*AC*", "BAK03"},
    {COMMIT, "ACK*IR", "ACK*QQ", "ACK01 QQ"},
    {COMMIT, "ACK*IR", "ZZZ*IR", "without an ACK"},
    {COMMIT, "****BP*RM-3", "", "substitution without"},
    {COMMIT, "067*20260401", "067*20260431", "ACK05"},
    {COMMIT, "ACK*IQ*96*PC", "ACK*IQ*96*QQ", "unit \"QQ\""},
    {COMMIT, "ACK*IQ*96*PC", "ACK*IQ*-96*PC", "no quantity"},
    {ACK, "AK1*PS*42", "AK1*PS", "AK102"},
    {ACK, "AK9*R", "AK9*Q", "AK901"},
    {ACK, "AK5*R", "AK5*Q", "no AK2"},
    {ACK, "AK2*830*0001", "XX2", "no AK2"},
};

START_TEST(refused)
{
    char *text = changed(bad[_i].text, bad[_i].from, bad[_i].to);
    struct found f;
    const char *why;

    ck_assert_msg(got(text, &f, &why) == NULL, "case %d is taken", _i);
    has(why, bad[_i].why);
    free(text);
}
END_TEST

START_TEST(commitment)
{
    static const char *const parts[] = {
        ("{\"id\":\"OA-1\",\"purpose\":\"original\",\"kind\":\"order\",\"answers\":{\"kind\":\"purchase-order\",\"id\":\"4500000028\"},"
         "\"outcome\":\"accepted-with-changes\",\"sourceOutcome\":\"AC\",\"on\":\"2026-03-03\",\"supplierReference\":\"S-5\","
         "\"seller\":{\"id\":\"17300001\"},\"buyer\":{\"id\":\"BUSBAR\"}"),
        ("{\"line\":\"00010\",\"outcomes\":[\"quantity-changed\",\"date-changed\"],\"sourceOutcome\":\"IQ\",\"item\":{\"id\":\"RM-1\","
         "\"identifiers\":[{\"scheme\":\"vendor\",\"id\":\"V-7\"}]},\"asked\":{\"value\":144,\"unit\":\"H87\"},\"schedule\":["
         "{\"outcome\":\"quantity-changed\",\"quantity\":{\"value\":96,\"unit\":\"H87\"},\"due\":\"2026-04-01\"},"
         "{\"outcome\":\"date-changed\",\"quantity\":{\"value\":36,\"unit\":\"H87\"},\"ship\":\"2026-04-20\"}]}"),
        ("\"outcomes\":[\"substituted\"],\"sourceOutcome\":\"IS\",\"item\":{\"id\":\"RM-2\"},\"asked\":{\"value\":40,\"unit\":\"H87\"},"
         "\"substitute\":{\"id\":\"RM-3\"}"),
        "\"outcomes\":[\"rejected\"],\"sourceOutcome\":\"IR\""};
    struct found f;
    const char *why, *json = got(COMMIT, &f, &why);

    ck_assert_msg(json != NULL, "%s", why);
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        has(json, parts[k]);
    ck_assert_str_eq(f.type, "mfg.commitment.given");
    char *twice = changed(COMMIT, "ACK*DR*36", "ACK*IQ*36"); /* the same answer for two dates is one outcome */
    has(got(twice, &f, &why), "\"outcomes\":[\"quantity-changed\"],");
    free(twice);
}
END_TEST

START_TEST(acknowledgement)
{
    struct found f;
    const char *why, *json = got(ACK, &f, &why);

    ck_assert_msg(json != NULL, "%s", why);
    ck_assert_str_eq(json, "{\"sets\":[{\"set\":\"830\",\"control\":\"0001\",\"outcome\":\"rejected\",\"code\":\"5\"}],\"partner\":"
                           "\"17300001\",\"function\":\"PS\",\"group\":\"42\",\"outcome\":\"rejected\"}");
}
END_TEST

/* ---- out ------------------------------------------------------------------------------------------------------------------ */
static struct bb_buf whole, url, body;

/* Makes the post of a message. */
static bb_status made(const char *attributes, const char *data, struct bb_error *err, struct post *p)
{
    struct bb_fault f;
    static struct bb_msg_view v;
    struct bb_envelope e;
    char text[8192];

    bb_buf_free(&whole), bb_buf_free(&url), bb_buf_free(&body);
    bb_buf_init(&whole, 1 << 20), bb_buf_init(&url, 4096), bb_buf_init(&body, 1 << 20);
    snprintf(text, sizeof text, "[{\"specversion\":\"1.0\",\"id\":\"m1\",\"source\":\"/erp\",%s},%s]", attributes, data);
    ck_assert_msg(bb_json_read(bb_str(text), &whole, &f) == 0, "%s", f.text);
    v = (struct bb_msg_view){.size = sizeof v, .key = bb_str("key-1"), .whole = {whole.ptr, whole.len}};
    ck_assert_msg(bb_envelope_read(v.whole, &e, &f) == 0, "%s", f.text);
    v.type = e.type;
    *p = (struct post){.conf = &conf, .v = &v, .url = &url, .body = &body, .err = err};
    *err = bb_error_none();
    bb_status st = post_make(p);
    bb_buf_put(&url, "", 1), bb_buf_put(&body, "", 1);
    return st;
}

#define FORECAST "\"type\":\"mfg.forecast.issued\",\"time\":\"2026-11-28T08:30:00.5Z\""
#define NEEDS                                                                                                                      \
    "{\"id\":\"F-1\",\"purpose\":\"replace\",\"release\":\"14\",\"horizon\":{\"from\":\"2026-12-01\",\"to\":\"2027-03-31\"},\"buyer\":"  \
    "{\"id\":\"B1\"},\"seller\":{\"id\":\"17300001\"},\"plant\":\"1000\",\"lines\":[{\"line\":\"1\",\"item\":{\"id\":\"RM-1\","           \
    "\"revision\":\"C\",\"identifiers\":[{\"scheme\":\"supplier\",\"id\":\"V-7\"}]},\"periods\":[{\"from\":\"2026-12-01\",\"to\":"       \
    "\"2026-12-07\",\"granularity\":\"week\",\"quantity\":{\"value\":48.5,\"unit\":\"H87\"},\"firmness\":\"firm\"},{\"from\":"           \
    "\"2027-01-01\",\"granularity\":\"month\",\"quantity\":{\"value\":400,\"unit\":\"H87\"}}]}]}"

START_TEST(forecast)
{
    struct bb_error err;
    struct post p;
    struct bb_fault f;
    char want[2048], number[16];
    uint32_t n;

    ck_assert_msg(made(FORECAST, NEEDS, &err, &p) == BB_OK, "%s", err.text);
    ck_assert_str_eq((char *)url.ptr, "/f/17300001");
    ck_assert_str_eq(p.media, PORTAL_X12);
    snprintf(number, sizeof number, "%u", x12_control(bb_str("key-1")));
    snprintf(want, sizeof want,
             "ISA*00*          *00*          *ZZ*BUSBAR         *ZZ*17300001       *261128*0830*U*00401*%09lu*0*T*>~"
             "GS*PS*BUSBAR*17300001*20261128*0830*%s*X*004010~ST*830*0001~BFR*05*F-1*14*DL*A*20261201*20270331*20261128~"
             "N1*BY**92*B1~N1*SU**92*17300001~N1*ST**92*1000~LIN*1*BP*RM-1*VP*V-7*EC*C~UIT*PC~FST*48.5*C*W*20261201*20261207~"
             "FST*400*D*M*20270101~CTT*1~SE*11*0001~GE*1*%s~IEA*1*%09lu~",
             strtoul(number, NULL, 10), number, number, strtoul(number, NULL, 10));
    ck_assert_str_eq((char *)body.ptr, want);
    /* what we write, we read */
    ck_assert_msg(x12_read((struct bb_bytes){body.ptr, body.len - 1}, sets, &n, &f) == 0 && n == 1 && !sets->code, "%s", f.text);
}
END_TEST

static const struct {
    const char *attributes, *from, *to, *why;
} unfit[] = {
    {"\"type\":\"mfg.forecast.issued\"", NULL, NULL, "set attribute time"},
    {FORECAST, "\"F-1\"", "\"\"", "needs id and lines"},
    {FORECAST, "\"F-1\"", "\"F*1\"", "cannot carry"},
    {FORECAST, "\"F-1\"", "\"\\u00fc\"", "cannot carry"},
    {FORECAST, "\"F-1\"", "\"1234567890123456789012345678901\"", "too long"},
    {FORECAST, "\"17300001\"", "\"1234567890123456\"", "too long"},
    {FORECAST, "48.5", "-48.5", "from 0 on"},
    {FORECAST, "48.5", "1e5", "from 0 on"},
    {FORECAST, "\"H87\"", "\"KGM\"", "another unit"},
    {FORECAST, "\"value\":400,\"unit\":\"H87\"", "\"value\":400,\"unit\":\"H8\"", "another unit"},
    {FORECAST, "{\"value\":48.5,\"unit\":\"H87\"}", "{\"value\":48.5,\"unit\":\"KWH\"}", "no X12 code"},
    {FORECAST, "\"from\":\"2027-01-01\"", "\"at\":\"2027-01-01T10:00:00Z\"", "knows no instants"},
    {FORECAST, "{\"id\":\"RM-1\"", "{\"id\":\"\"", "no item"},
    {FORECAST, "\"seller\":{\"id\":\"17300001\"},", "", "names no partner"},
};

START_TEST(forecast_refused)
{
    char *data = changed(NEEDS, unfit[_i].from, unfit[_i].to ? unfit[_i].to : "");
    struct bb_error err;
    struct post p;

    ck_assert_msg(made(unfit[_i].attributes, data, &err, &p) == BB_E_REJECT, "case %d is sent", _i);
    has(err.text, unfit[_i].why);
    free(data);
}
END_TEST

START_TEST(posts)
{
    struct bb_error err;
    struct post p;
    struct found f;
    const char *why;
    char *text;

    ck_assert_int_eq(made("\"type\":\"mfg.change.released\",\"partner\":\"A/1\"", "{\"id\":\"E\"}", &err, &p), BB_OK);
    ck_assert_str_eq((char *)url.ptr, "/c/A%2F1/key-1");
    ck_assert_str_eq((char *)body.ptr, "{\"id\":\"E\"}");
    ck_assert_int_eq(made("\"type\":\"mfg.change.released\"", "{\"id\":\"E\"}", &err, &p), BB_E_REJECT);
    has(err.text, "names no partner");
    ck_assert_int_eq(made("\"type\":\"mfg.item.released\",\"partner\":\"A\"", "{}", &err, &p), BB_E_REJECT);
    has(err.text, "mend the route's match");
    conf.partner = (char *)"P1";
    ck_assert_int_eq(made("\"type\":\"mfg.change.released\"", "{\"id\":\"E\"}", &err, &p), BB_OK);
    conf.partner = NULL;
    /* a 997 that we write reads as what it was made of */
    ck_assert_msg(made("\"type\":\"mfg.portal.acknowledge\",\"time\":\"2026-11-28T08:30:00Z\"",
                       "{\"partner\":\"17300001\",\"function\":\"SH\",\"group\":\"9\",\"sets\":[{\"set\":\"856\",\"control\":\"0001\","
                       "\"outcome\":\"accepted\"},{\"set\":\"856\",\"control\":\"0002\",\"outcome\":\"rejected\",\"code\":\"5\"}]}",
                       &err, &p) == BB_OK, "%s", err.text);
    has((char *)body.ptr, "~AK1*SH*9~AK2*856*0001~AK5*A~AK2*856*0002~AK5*R*5~AK9*P*2*2*1~SE*8*0001~");
    text = strdup((char *)body.ptr);
    has(got(text, &f, &why), "\"outcome\":\"partially-accepted\"");
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("x12");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);

    tcase_set_timeout(t, 60);
    tcase_add_test(t, values);
    tcase_add_loop_test(t, envelope, 0, sizeof envelopes / sizeof *envelopes);
    tcase_add_test(t, cut_anywhere);
    tcase_add_test(t, separators);
    tcase_add_test(t, ship_notice);
    tcase_add_loop_test(t, refused, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, commitment);
    tcase_add_test(t, acknowledgement);
    tcase_add_test(t, forecast);
    tcase_add_loop_test(t, forecast_refused, 0, sizeof unfit / sizeof *unfit);
    tcase_add_test(t, posts);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

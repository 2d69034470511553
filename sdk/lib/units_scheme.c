/*
 * units_scheme.c - finding units by code: Rec 20's and those of SAP
 *
 * SAP's internal codes are its delivered ones (table T006, in its language-independent form) that
 * have an exact counterpart in Rec 20; packages (CAR, PAL, ROL) have none and are left to an
 * item's own rows. A plant's own codes belong in its mapping. Constant data: any thread.
 */
#include "codec.h"
#include "units_table.h"
#include <stdlib.h>

struct alias {
    const char *code, *rec20;
};

static const struct alias sap[] = {
    /* in the order of their bytes */
    {"\"", "INH"},  {"\"2", "INK"}, {"\"3", "INQ"}, {"%", "P1"},    {"%O", "NX"},   {"A", "AMP"},
    {"BAR", "BAR"}, {"CCM", "CMQ"}, {"CD", "CDL"},  {"CDM", "DMQ"}, {"CL", "CLT"},  {"CM", "CMT"},
    {"CM2", "CMK"}, {"DM", "DMT"},  {"DZ", "DZN"},  {"EA", "EA"},   {"FA", "FAH"},  {"FOZ", "OZA"},
    {"FT", "FOT"},  {"FT2", "FTK"}, {"FT3", "FTQ"}, {"G", "GRM"},   {"GAL", "GLL"}, {"GC", "CEL"},
    {"GRO", "GRO"}, {"H", "HUR"},   {"HA", "HAR"},  {"HL", "HLT"},  {"HPA", "A97"}, {"HZ", "HTZ"},
    {"J", "JOU"},   {"JHR", "ANN"}, {"K", "KEL"},   {"KA", "B22"},  {"KG", "KGM"},  {"KHZ", "KHZ"},
    {"KJ", "KJO"},  {"KM", "KMT"},  {"KM2", "KMK"}, {"KN", "B47"},  {"KPA", "KPA"}, {"KV", "KVT"},
    {"KVA", "KVA"}, {"KW", "KWT"},  {"KWH", "KWH"}, {"L", "LTR"},   {"LB", "LBR"},  {"M", "MTR"},
    {"M2", "MTK"},  {"M3", "MTQ"},  {"MA", "4K"},   {"MG", "MGM"},  {"MHZ", "MHZ"}, {"MI", "SMI"},
    {"MIN", "MIN"}, {"ML", "MLT"},  {"MM", "MMT"},  {"MM2", "MMK"}, {"MM3", "MMQ"}, {"MOL", "C34"},
    {"MON", "MON"}, {"MPA", "MPA"}, {"MSE", "C26"}, {"MV", "2Z"},   {"N", "NEW"},   {"OHM", "OHM"},
    {"OZ", "ONZ"},  {"PA", "PAL"},  {"PAA", "PR"},  {"PT", "PTL"},  {"QT", "QTL"},  {"S", "SEC"},
    {"ST", "H87"},  {"STD", "HUR"}, {"TAG", "DAY"}, {"TO", "TNE"},  {"TON", "STN"}, {"TS", "MIL"},
    {"V", "VLT"},   {"W", "WTT"},   {"WCH", "WEE"}, {"YD", "YRD"},  {"YD2", "YDK"}, {"YD3", "YDQ"},
};
static const struct alias iso[] = {{"PCE", "H87"}};
static const char *const schemes[] = {"rec20", "sap", "iso"};

int bb_unit_scheme(const char *name)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(name, schemes[i]) == 0)
            return i;
    return -1;
}

/* Up to three characters as one number that sorts as they do; 0 for anything else. */
static uint32_t key_of(const char *code, size_t len)
{
    uint32_t key = 0;

    if (!len || len > 3)
        return 0;
    for (size_t i = 0; i < 3; i++)
        key = key << 8 | (i < len ? (uint8_t)code[i] : 0);
    return key;
}

static uint32_t key_at(const char *code)
{
    return (uint32_t)(uint8_t)code[0] << 16 |
           (code[1] ? (uint32_t)(uint8_t)code[1] << 8 | (uint8_t)code[2] : 0);
}

const struct bb_unit *bb_unit_row(const char *code, size_t len)
{
    uint32_t key = key_of(code, len);
    size_t low = 0, high = bb_unit_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t k = key_at(bb_unit_table[middle].code);
        if (k == key)
            return &bb_unit_table[middle];
        if (k < key)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct bb_unit *bb_unit_at(size_t i)
{
    return i < bb_unit_count ? &bb_unit_table[i] : NULL;
}

static int alias_order(const void *key, const void *row)
{
    uint32_t a = *(const uint32_t *)key, b = key_at(((const struct alias *)row)->code);
    return a < b ? -1 : a > b;
}

const char *bb_unit_alias(const char *code, size_t len, int scheme)
{
    uint32_t key = key_of(code, len);
    const struct alias *table = scheme == BB_SCHEME_SAP ? sap : iso;
    size_t n = scheme == BB_SCHEME_SAP ? sizeof(sap) / sizeof(sap[0]) : 1;
    const struct alias *a = key ? bsearch(&key, table, n, sizeof(*table), alias_order) : NULL;

    return a ? a->rec20 : NULL;
}

/* Why a code is refused, and what it may have been meant to be. */
static int refuse(const char *code, size_t len, int scheme, const struct bb_unit *dead,
                  struct bb_fault *err)
{
    const char *other = scheme == BB_SCHEME_REC20 ? bb_unit_alias(code, len, BB_SCHEME_SAP) : NULL;
    const char *hint = "", *says = "sap";
    char quoted[44];

    if (!other && scheme == BB_SCHEME_REC20) {
        other = bb_unit_alias(code, len, BB_SCHEME_ISO);
        says = "iso";
    }
    bb_fault_quote(quoted, code, len);
    if (scheme == BB_SCHEME_SAP)
        return bb_fault_set(err, 0,
                            "\"%s\" is no internal unit code of SAP that has a Rec 20 unit; "
                            "a package needs a factor of the item",
                            quoted);
    if (other)
        return bb_fault_set(err, 0,
                            "\"%s\" %s; if it is a code of the scheme \"%s\", say so: it "
                            "means %s there",
                            quoted, dead ? "was deleted from Rec 20" : "is no Rec 20 code", says,
                            other);
    if (!dead)
        return bb_fault_set(err, 0, "\"%s\" is no Rec 20 code", quoted);
    if (dead->instead && strcmp(dead->instead, "Rec 21") == 0)
        return bb_fault_set(err, 0,
                            "\"%s\" (%s) was deleted from Rec 20: packages have Rec 21 codes, "
                            "an X and two characters, and need a factor of the item",
                            quoted, dead->name);
    if (dead->instead)
        hint = dead->instead;
    return bb_fault_set(err, 0, "\"%s\" (%s) was deleted from Rec 20%s%s", quoted, dead->name,
                        *hint ? "; use " : "", hint);
}

int bb_unit_get(const char *code, size_t len, int scheme, const struct bb_unit **unit,
                struct bb_fault *err)
{
    const char *rec20 = scheme == BB_SCHEME_REC20 ? NULL : bb_unit_alias(code, len, scheme);
    const struct bb_unit *u = NULL;

    if (rec20)
        u = bb_unit_row(rec20, strlen(rec20));
    else if (scheme != BB_SCHEME_SAP)
        u = bb_unit_row(code, len);
    if (!u || u->status == BB_UNIT_DELETED)
        return refuse(code, len, scheme, u, err);
    *unit = u;
    return 0;
}

/* odata_meta.c - $metadata of a service, V2 or V4, and its service document */
#include <string.h>

#include "tools/plant/odata.h"

static const char *edm(const struct odata_ctx *x, char type)
{
    bool v2 = x->s->version == 2;
    switch (type) {
    case 's': return "String";
    case 'd': return "Decimal";
    case 'b': return "Boolean";
    case 'i': return "Int32";
    case 'D': return v2 ? "DateTime" : "Date";
    case 'T': return "DateTimeOffset";
    default: return v2 ? "Time" : "TimeOfDay";
    }
}

static void prop_put(struct odata_ctx *x, struct plant_buf *b, const struct odata_set *s, const struct odata_prop *p)
{
    bool v2 = x->s->version == 2;
    plant_putf(b, "<Property Name=\"%s\" Type=\"Edm.%s\"%s", p->name, edm(x, p->type),
               p->key || p->type == 'b' ? " Nullable=\"false\"" : "");
    if (p->type == 's' && p->len)
        plant_putf(b, " MaxLength=\"%d\"", p->len);
    if (p->type == 'd')
        plant_putf(b, " Precision=\"%d\" Scale=\"%d\"", p->len, p->scale);
    if (p->type == 'D' && v2)
        plant_puts(b, " Precision=\"0\" sap:display-format=\"Date\"");
    if (v2 && (s->flags & ODATA_ETAG) && s->changed && strcmp(s->changed, p->name) == 0)
        plant_puts(b, " ConcurrencyMode=\"Fixed\"");
    if (v2 && p->key)
        plant_puts(b, " sap:updatable=\"false\"");
    plant_puts(b, "/>");
}

static const char *set_type(const struct odata_ctx *x, const char *set)
{
    return odata_set_find(x->s, set)->type;
}

static void type_put(struct odata_ctx *x, struct plant_buf *b, const struct odata_set *s)
{
    plant_putf(b, "<EntityType Name=\"%s\"%s><Key>", s->type,
               x->s->version == 2 ? " sap:content-version=\"1\"" : "");
    for (int i = 0; i < s->n_props; i++)
        if (s->props[i].key)
            plant_putf(b, "<PropertyRef Name=\"%s\"/>", s->props[i].name);
    plant_puts(b, "</Key>");
    for (int i = 0; i < s->n_props; i++)
        prop_put(x, b, s, &s->props[i]);
    for (int i = 0; i < s->n_navs; i++) {
        const struct odata_nav *v = &s->navs[i];
        if (x->s->version == 2)
            plant_putf(b, "<NavigationProperty Name=\"%s\" Relationship=\"%s.%s_%s\" FromRole=\"From\" ToRole=\"To\"/>",
                       v->name, x->s->name_space, s->type, v->name);
        else
            plant_putf(b, v->many ? "<NavigationProperty Name=\"%s\" Type=\"Collection(%s.%s)\"/>"
                                  : "<NavigationProperty Name=\"%s\" Type=\"%s.%s\"/>",
                       v->name, x->s->name_space, set_type(x, v->target));
    }
    plant_puts(b, "</EntityType>");
}

static void associations_put(struct odata_ctx *x, struct plant_buf *b, const struct odata_set *s)
{
    for (int i = 0; i < s->n_navs; i++) {
        const struct odata_nav *v = &s->navs[i];
        plant_putf(b, "<Association Name=\"%s_%s\"><End Type=\"%s.%s\" Multiplicity=\"1\" Role=\"From\"/>"
                      "<End Type=\"%s.%s\" Multiplicity=\"%s\" Role=\"To\"/><ReferentialConstraint>"
                      "<Principal Role=\"From\">", s->type, v->name, x->s->name_space, s->type, x->s->name_space,
                   set_type(x, v->target), v->many ? "*" : "0..1");
        for (int k = 0; k < v->n; k++)
            plant_putf(b, "<PropertyRef Name=\"%s\"/>", v->own[k]);
        plant_puts(b, "</Principal><Dependent Role=\"To\">");
        for (int k = 0; k < v->n; k++)
            plant_putf(b, "<PropertyRef Name=\"%s\"/>", v->theirs[k]);
        plant_puts(b, "</Dependent></ReferentialConstraint></Association>");
    }
}

static void set_put(struct odata_ctx *x, struct plant_buf *b, const struct odata_set *s)
{
    if (x->s->version == 2) {
        plant_putf(b, "<EntitySet Name=\"%s\" EntityType=\"%s.%s\" sap:creatable=\"%s\" sap:updatable=\"%s\""
                      " sap:deletable=\"%s\"/>", s->name, x->s->name_space, s->type,
                   s->flags & ODATA_NO_POST ? "false" : "true", s->flags & ODATA_NO_PATCH ? "false" : "true",
                   s->flags & ODATA_NO_DELETE ? "false" : "true");
        for (int i = 0; i < s->n_navs; i++)
            plant_putf(b, "<AssociationSet Name=\"%s_%s_Set\" Association=\"%s.%s_%s\">"
                          "<End EntitySet=\"%s\" Role=\"From\"/><End EntitySet=\"%s\" Role=\"To\"/></AssociationSet>",
                       s->type, s->navs[i].name, x->s->name_space, s->type, s->navs[i].name, s->name,
                       s->navs[i].target);
        return;
    }
    plant_putf(b, "<EntitySet Name=\"%s\" EntityType=\"%s.%s\">", s->name, x->s->name_space, s->type);
    for (int i = 0; i < s->n_navs; i++)
        plant_putf(b, "<NavigationPropertyBinding Path=\"%s\" Target=\"%s\"/>", s->navs[i].name, s->navs[i].target);
    if (s->flags & ODATA_ETAG)
        plant_putf(b, "<Annotation Term=\"Org.OData.Core.V1.OptimisticConcurrency\"><Collection>"
                      "<PropertyPath>%s</PropertyPath></Collection></Annotation>", s->changed ? s->changed : "");
    plant_puts(b, "</EntitySet>");
}

static void functions_put(struct odata_ctx *x, struct plant_buf *b)
{
    for (const struct odata_function *f = x->s->functions; f && f->name; f++) {
        struct odata_set params = {.name = f->name, .type = f->name, .props_text = f->params};
        struct odata_service one = {.version = x->s->version, .sets = (struct odata_set[]){params, {0}}};
        odata_params_read(&one.sets[0]);
        plant_putf(b, "<FunctionImport Name=\"%s\" m:HttpMethod=\"%s\"", f->name, f->method);
        if (f->returns)
            plant_putf(b, " ReturnType=\"%s.%s\" EntitySet=\"%s\"", x->s->name_space, set_type(x, f->returns),
                       f->returns);
        plant_puts(b, ">");
        for (int i = 0; i < one.sets[0].n_props; i++) {
            const struct odata_prop *p = &one.sets[0].props[i];
            plant_putf(b, "<Parameter Name=\"%s\" Type=\"Edm.%s\" Mode=\"In\"", p->name, edm(x, p->type));
            if (p->type == 's')
                plant_putf(b, " MaxLength=\"%d\"", p->len);
            plant_puts(b, "/>");
        }
        plant_puts(b, "</FunctionImport>");
    }
}

void odata_metadata(struct odata_ctx *x)
{
    struct plant_buf b;
    bool v2 = x->s->version == 2;
    plant_buf_init(&b, &x->c->mem);
    plant_puts(&b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    plant_puts(&b, v2 ? "<edmx:Edmx Version=\"1.0\" xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\""
                        " xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\""
                        " xmlns:sap=\"http://www.sap.com/Protocols/SAPData\"><edmx:DataServices"
                        " m:DataServiceVersion=\"2.0\"><Schema xmlns=\"http://schemas.microsoft.com/ado/2008/09/edm\""
                      : "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">"
                        "<edmx:DataServices><Schema xmlns=\"http://docs.oasis-open.org/odata/ns/edm\"");
    plant_putf(&b, " Namespace=\"%s\">", x->s->name_space);
    for (const struct odata_set *s = x->s->sets; s->name; s++)
        type_put(x, &b, s);
    for (const struct odata_set *s = x->s->sets; v2 && s->name; s++)
        associations_put(x, &b, s);
    plant_putf(&b, "<EntityContainer Name=\"%s\"%s>", v2 ? x->s->name_space : "Container",
               v2 ? " m:IsDefaultEntityContainer=\"true\"" : "");
    for (const struct odata_set *s = x->s->sets; s->name; s++)
        set_put(x, &b, s);
    if (v2)
        functions_put(x, &b);
    plant_puts(&b, "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>");
    plant_call_answer(x->c, 200, "application/xml", b.p);
}

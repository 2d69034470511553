/*
 * envelope_conf.c - `envelope` in the config: where a plain JSON body has its attributes
 *
 * Thread: the instance's, in create(). Memory: the source owns the rules.
 */
#include <stdlib.h>
#include "source.h"

/* ---- config -------------------------------------------------------------------------------------------------- */
static int rule_read(struct rule *rule, struct bb_bytes key, struct bb_bytes value)
{
    struct bb_bytes s;

    if (bb_str_copy(key, rule->name, sizeof rule->name) != 0)
        return -1;
    if (bb_as_str(value, &s) == 1) {
        rule->kind = RULE_CONSTANT;
        rule->value = bb_str_dup(s);
    } else if (bb_conf_find(value, "/pointer", &s)) {
        rule->kind = RULE_POINTER;
        rule->value = bb_conf_dup(value, "/pointer", NULL);
    } else if (bb_conf_find(value, "/header", &s)) {
        rule->kind = RULE_HEADER;
        rule->value = bb_conf_dup(value, "/header", NULL);
    }
    rule->prefix = rule->kind == RULE_CONSTANT ? NULL : bb_conf_dup(value, "/prefix", NULL);
    if (!rule->value || (rule->prefix && strlen(rule->prefix) > 255))
        return -1;
    return rule->kind == RULE_POINTER && *rule->value && *rule->value != '/' ? -1 : 0;
}

int rules_read(struct source *s, struct bb_bytes conf, struct bb_error *err)
{
    struct bb_bytes v, key;
    struct bb_iter it;
    int typed = 0;

    if (!bb_conf_find(conf, "/envelope", &v) || !bb_iter_of(v, &it) || !it.n)
        return 0;
    while (bb_iter_next(&it, &key, &v)) {
        if (s->n_rules == RULES_MAX || rule_read(&s->rules[s->n_rules++], key, v) != 0) {
            bb_error_set(err, BB_E_CONFIG,
                         "envelope: \"%.*s\": write a text, {pointer: /path/in/body} or "
                         "{header: Name}, with an optional prefix; at most %d attributes",
                         (int)(key.len > 40 ? 40 : key.len), (const char *)key.ptr, RULES_MAX);
            return -1;
        }
        typed |= bb_str_is(key, "type");
    }
    if (!typed) {
        bb_error_set(err, BB_E_CONFIG, "envelope: type is missing, for example "
                                       "type: mfg.inventory.movement");
        return -1;
    }
    return 0;
}

#!/usr/bin/env python3
"""text_keys.py FILE - the entity sets of a V2 $metadata whose keys are texts: set and keys, a line each"""
import sys
import xml.etree.ElementTree as xml

types, sets = {}, []
for e in xml.parse(sys.argv[1]).iter():
    kind = e.tag.rpartition("}")[2]
    if kind == "Schema":
        space = e.get("Namespace")
    elif kind == "EntityType":
        own = {p.tag.rpartition("}")[2] + "/" + p.get("Name"): p.get("Type") for p in e.iter() if p.get("Name")}
        keys = [p.get("Name") for p in e.iter() if p.tag.endswith("}PropertyRef")]
        types[space + "." + e.get("Name")] = keys if all(own["Property/" + k] == "Edm.String" for k in keys) else []
    elif kind == "EntitySet":
        sets.append((e.get("Name"), e.get("EntityType")))
for name, of in sets:
    if types.get(of):
        print(name, *types[of])

#!/usr/bin/env python3
"""inventree_back.py - rows of a table against the rows that came back, every digit compared

inventree_back.py SOURCE.json BACK.jsonl [COLUMN=WHAT:ROWS...]

A difference is named (a column, and what is different about it) and counted; those that are expected
are the further arguments, and there may be no others. Prints what it found; exit 1 when it is not that.
"""
import json
import sys


class Number(str):
    """A JSON number by its text."""


def read(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def kind(v):
    return type(v).__name__


def what(a, b):
    if a != b and a in ("", None) and b in ("", None):
        return "empty"  # the model has neither
    if isinstance(a, str) and isinstance(b, str) and a == b and kind(a) != kind(b):
        return "type"
    return None if a == b and kind(a) == kind(b) else "other"


def flat(v, at=""):
    if isinstance(v, dict) and v:
        for k, x in v.items():
            yield from flat(x, f"{at}.{k}" if at else k)
    elif isinstance(v, list) and v:
        for x in v:
            yield from flat(x, at + "[]")
    else:
        yield at, v


def rows(values, key):
    found = {}
    for v in values:
        assert v[key] not in found, f"{v[key]} is there twice"
        found[v[key]] = list(flat(v))
    return found


source, back = sys.argv[1:3]
a = rows(read(open(source, encoding="utf-8").read()), "pk")
b = rows((read(line) for line in open(back, encoding="utf-8")), "pk")
found, columns = {}, set()
for pk, row in a.items():
    other = b.pop(pk, None)
    if other is None:
        found["row=missing"] = found.get("row=missing", 0) + 1
        continue
    row, other = sorted(row, key=lambda c: c[0]), sorted(other, key=lambda c: c[0])
    columns.update(c for c, _ in row)
    if [c for c, _ in row] != [c for c, _ in other]:
        found["row=columns"] = found.get("row=columns", 0) + 1
        print(pk, "columns differ:", sorted(set(c for c, _ in row) ^ set(c for c, _ in other)), file=sys.stderr)
        continue
    for (c, v), (_, w) in zip(row, other):
        d = what(v, w)
        if d:
            name = f"{c.removeprefix('fields.')}={d}"
            found[name] = found.get(name, 0) + 1
            if d == "other":
                print(pk, c, repr(v), "came back as", repr(w), file=sys.stderr)
if b:
    found["row=new"] = len(b)
said = sorted(f"{k}:{n}" for k, n in found.items())
print(f"{len(a)} rows with {len(columns)} columns, differences: {' '.join(said) or 'none'}")
sys.exit(said != sorted(sys.argv[3:]))

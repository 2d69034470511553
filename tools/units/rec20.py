#!/usr/bin/env python3
"""rec20.py UNITS.CSV - makes sdk/lib/units_table.c (on standard output)

UNITS.CSV is the published list of UN/ECE Recommendation 20 as a table with the columns Status,
CommonCode, Name, Description, LevelAndCategory, Symbol, ConversionFactor (the data package
"unece-units-of-measure", version 17). Only facts go out: code, name, dimension, factor, status.

Rec 20 writes its factors as text for people, mostly rounded to seven digits, sometimes wrong. So
each unit is worked out twice: from the factor column, and from its symbol by exact definitions
(expression.py, facts.py). Where both agree to the last printed digit, or to a millionth, the
exact one is taken. A
factor without a definition is taken as exact only when it cannot be a rounding (a power of ten, a
whole number); else the unit is marked "rounded". One that contradicts its definition is marked
"contradicted". Neither is converted to anything but itself. With --report: what became of each
unit that is not exact.
"""
import csv
import math
import re
import sys
from fractions import Fraction as F

from expression import Unknown, dimension, evaluate
from facts import COUNTS, DEFINED, KINDS, POINTS, SYMBOL_KINDS

SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
ENERGY = {"kg": 1, "m": 2, "s": -2}


def published(text):
    """The factor column: (value, dims, one unit of its last digit, may it be a rounding?)"""
    s = text.replace("\xa0", " ").replace("×", " x ").strip()
    s = re.sub(r"10([⁻⁰¹²³⁴-⁹]+\d?)", lambda m: "10^" + m.group(1).translate(SUPER) + " ", s)
    s = re.sub(r"(?<![\d,.])10-(\d+)", r"10^-\1 ", s)
    s = re.sub(r"x\s*10(\d)?(?= )", lambda m: "x 10^" + (m.group(1) or "1"), s)
    s = s.replace(" 1/", " /")
    m = re.match(r"(?:(\d[\d ]*(?:[,.] ?\d[\d ]*)?)(?:/(\d+))?(?![a-wyzA-Z^]))?\s*(?:x\s*)?"
                 r"(?:10\^(-?\d+))?\s*(?:x\s+)?(.*)$", s)
    if s.startswith("10^"):
        m = re.match(r"()()10\^(-?\d+)\s*(?:x\s+)?(.*)$", s)
    if not m:
        raise Unknown(s)
    mantissa, below, exponent, unit = m.groups()
    digits = (mantissa or "1").replace(" ", "").replace(",", ".")
    scale = F(10) ** int(exponent or 0) / int(below or 1)
    places = len(digits.split(".")[1]) if "." in digits else 0
    whole = not places and not (mantissa and exponent and digits not in ("1", "10"))
    options = [unit]
    if unit.startswith(("1 ", "1/")) or unit.strip() == "1":
        options = [unit[1:]]
    unit = options[0].strip()
    if unit.startswith("/"):
        unit = "1" + unit
    value, dims = evaluate(unit) if unit and unit != "1" else (F(1), {})
    if value != 1 and whole and digits == "1":
        value, whole = value, True
    return F(digits) * scale * value, dims, F(1, 10 ** places) * scale * value, not whole


def split_pi(dims):
    n = dims.get("pi", 0)
    return n, {k: v for k, v in dims.items() if k != "pi"}


def agree(exact, dims, factor):
    """Is factor what exact looks like in print? None: they are of different dimensions."""
    n, plain = split_pi(dims)
    if plain != factor[1]:
        return None
    near = exact * F(math.pi) ** n if n else exact
    off = abs(near - factor[0])
    return off <= factor[2] * F(1000001, 1000000) or off * 10 ** 6 <= abs(near)


def defined(row):
    """What the unit is by definition, or None."""
    code, symbol = row["CommonCode"], row["Symbol"].strip()
    text = DEFINED.get(code, symbol)
    if not text:
        return None
    try:
        return evaluate(text)
    except (Unknown, ZeroDivisionError):
        return None


def kind_of(row, dims, base):
    code = row["CommonCode"]
    if code in KINDS:
        return KINDS[code]
    for pattern, kind in SYMBOL_KINDS:
        if re.search(pattern, row["Symbol"]):
            return kind
    if dims == ENERGY and not re.search(r"J|W|eV|cal|[Bb]tu", base + row["Symbol"]) \
            and not re.search(r"erg\b|joule|watt|calor", row["Name"]):
        return "torque"
    if code in COUNTS:
        return "count"
    return "ratio" if not dims else ""


def work_out(row):
    """(state, value, dims, why)"""
    code, text = row["CommonCode"], row["ConversionFactor"].strip()
    if code in COUNTS:
        return "exact", F(COUNTS[code]), {}, ""
    exact, factor = defined(row), None
    try:
        factor = published(text) if text else None
    except (Unknown, ZeroDivisionError, ValueError):
        pass
    if factor is None:
        # bits and what DEFINED names are defined by their descriptions; nothing else is guessed
        if exact and (code in DEFINED or not text and "bit" in exact[1]):
            return "exact", exact[0], exact[1], ""
        return "alone", None, {}, text and "its factor is no number: " + text
    if exact:
        same = agree(*exact, factor)
        if same or (same is None and code in DEFINED):
            return "exact", exact[0], exact[1], ""
        if same is False:
            return "contradicted", None, {}, f"{text} is printed, {float(exact[0])} is defined"
    if factor[3]:
        return "rounded", None, {}, text
    return "exact", factor[0], factor[1], ""


def tens(value):
    """num, den, exponent: num / den * 10^exponent, both without a factor 10 and 64 bits wide."""
    num, den, e = value.numerator, value.denominator, 0
    while num % 10 == 0:
        num, e = num // 10, e + 1
    while den % 10 == 0:
        den, e = den // 10, e - 1
    while den % 5 == 0 and num * 2 < 2 ** 64:  # 3048 / 10^4 rather than 381 / 1250
        den, num, e = den // 5, num * 2, e - 1
    while den % 2 == 0 and num * 5 < 2 ** 64:
        den, num, e = den // 2, num * 5, e - 1
    if num >= 2 ** 64 or den >= 2 ** 64:
        return None
    return num, den, e


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def instead(row):
    m = re.search(r"[Uu]se .*\(common code ([A-Z0-9]{2,3})\)", row["Description"])
    return m.group(1) if m else "Rec 21" if "Recommendation 21" in row["Description"] else ""


HEAD = '''/*
 * units_table.c - the units of UN/ECE Recommendation 20: made by tools/units/rec20.py, not by hand
 *
 * %d codes: %d exact, %d rounded, %d contradicted, %d alone (without a factor), %d deleted; see
 * units.h. The factors are definitions where Rec 20 prints roundings of them. In the order of the
 * codes' bytes: looked up by halving.
 */
#include "units_table.h"

/* clang-format off */
const struct bb_unit bb_unit_table[] = {
'''


def main():
    rows = list(csv.DictReader(open([a for a in sys.argv[1:] if a[0] != "-"][0], encoding="utf-8-sig")))
    report, out, tally = "--report" in sys.argv, [], {}
    for row in sorted(rows, key=lambda r: r["CommonCode"].encode()):
        code = row["CommonCode"]
        state, value, dims, why = work_out(row)
        if row["Status"] == "X":
            state, value, dims = "deleted", None, {}
        fit = tens(value) if value is not None else (0, 1, 0)
        if fit is None:
            state, fit, dims, why = "alone", (0, 1, 0), {}, "its factor is past 64 bits"
        key = ""
        if state == "exact":
            kind = kind_of(row, dims, row["ConversionFactor"])
            key = dimension(dims) + ("#" + kind if kind else "")
        tally[state] = tally.get(state, 0) + 1
        if report and why and state not in ("exact", "deleted"):
            print(f"{code:4} {state:12} {row['Name']}: {why}")
        wide = len(row["Name"]) > 50  # the house rule for a line's length
        out.append('    {%s, %s,%s%s, %s, %s, %du, %du, %d, BB_UNIT_%s, %d},\n' % (
            quoted(code), quoted(row["Name"].strip()), "\n     " if wide else " ", quoted(key),
            quoted(POINTS[code]) if code in POINTS else "NULL",
            quoted(instead(row)) if instead(row) else "NULL", fit[0], fit[1], fit[2],
            state.upper(), row["Status"] == "D"))
    if report:
        print(tally)
        return
    sys.stdout.write(HEAD % (len(rows), *(tally.get(k, 0) for k in (
        "exact", "rounded", "contradicted", "alone", "deleted"))))
    sys.stdout.write("".join(out) + "};\nconst size_t bb_unit_count = "
                     "sizeof(bb_unit_table) / sizeof(bb_unit_table[0]);\n")


main()

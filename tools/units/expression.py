"""expression.py - units written as text, worked out to SI base units

Reads what Rec 20 writes in its columns: "kg/(m² x s²)", "lbf·ft/in", "BtuIT/(h·ft²·ºF)",
"1,355 818 J", "10³ m". A value is a Fraction and a dict from base units to whole exponents; rad,
sr, bit and the like are bases of their own. So is pi, because no fraction is: a degree is pi/180
rad, and degrees and minutes of arc still convert exactly.

The definitions below are exact by law or convention (SI; the international yard and pound of 1959;
the gallons; the calories and British thermal units by definition). What is measured is not here.
"""
import re
from fractions import Fraction as F

PREFIXES = {"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
            "d": -1, "c": -2, "m": -3, "µ": -6, "n": -9, "p": -12, "f": -15, "a": -18}
BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
# taken as they are, and with a prefix
BASES = ["m", "s", "A", "K", "mol", "cd", "rad", "sr", "bit", "Np", "B", "Bd", "dec", "E", "nat",
         "Sh", "Hart", "eV", "pi"]
PREFIXED = {
    "g": "0.001 kg", "Hz": "1/s", "N": "kg m/s2", "Pa": "kg/(m s2)", "J": "kg m2/s2",
    "W": "kg m2/s3", "C": "A s", "V": "kg m2/(s3 A)", "F": "A2 s4/(kg m2)", "Ω": "kg m2/(s3 A2)",
    "S": "s3 A2/(kg m2)", "Wb": "kg m2/(s2 A)", "T": "kg/(s2 A)", "H": "kg m2/(s2 A2)",
    "lm": "cd sr", "lx": "cd sr/m2", "Bq": "1/s", "Gy": "m2/s2", "Sv": "m2/s2", "kat": "mol/s",
    "l": "0.001 m3", "L": "0.001 m3", "t": "1000 kg", "bar": "100000 Pa", "Ci": "37000000000 Bq",
    "R": "0.000258 C/kg", "Gal": "0.01 m/s2", "St": "0.0001 m2/s", "P": "0.1 Pa s", "var": "W",
    "byte": "8 bit", "cal": "4.1868 J", "calIT": "4.1868 J", "calth": "4.184 J", "kg": "kg",
    "rem": "0.01 Sv", "erg": "0.0000001 J", "dyn": "0.00001 N",
}
# never with a prefix
PLAIN = {
    "min": "60 s", "h": "3600 s", "d": "86400 s", "wk": "604800 s", "y": "31557600 s",
    "mo": "2629800 s", "in": "0.0254 m", "ft": "0.3048 m", "yd": "0.9144 m", "mi": "1609.344 m",
    "mile": "mi", "fth": "6 ft", "fur": "660 ft", "n mile": "1852 m", "kn": "1852 m/h",
    "ch (UK)": "66 ft", "acre": "4840 yd2", "mil": "0.001 in", "µin": "0.0000254 mm",
    "ua": "149597870700 m", "ly": "9460730472580800 m", "Å": "0.0000000001 m",
    "ha": "10000 m2", "b": "0.0000000000000000000000000001 m2",
    "ft (US survey)": "1200/3937 m", "ch (US survey)": "66 ft (US survey)",
    "mi (US survey)": "5280 ft (US survey)", "rd (US)": "16.5 ft (US survey)",
    "mi² (US survey)": "27878400 ft (US survey)2", "acre-ft (US survey)": "43560 ft (US survey)3",
    "lb": "0.45359237 kg", "oz": "1/16 lb", "gr": "1/7000 lb", "tr oz": "480 gr", "st": "14 lb",
    "cwt (US)": "100 lb", "cwt (UK)": "112 lb", "ton (US)": "2000 lb", "ton (UK)": "2240 lb",
    "Qr (UK)": "28 lb", "klb": "1000 lb", "ton.l": "ton (UK)", "ton.s": "ton (US)",
    "slug": "lbf s2/ft", "gn": "9.80665 m/s2", "lbf": "lb gn", "ozf": "oz gn", "kgf": "kg gn",
    "gf": "g gn", "kip": "1000 lbf", "pdl": "lb ft/s2", "ton.sh-force": "2000 lbf",
    "psi": "lbf/in2", "ksi": "1000 psi", "atm": "101325 Pa", "Atm": "atm", "at": "98066.5 Pa",
    "Torr": "101325/760 Pa", "p": "g gn", "mH₂O": "9806.65 Pa",
    "gal (US)": "231 in3", "gal (UK)": "4.54609 l", "barrel (US)": "42 gal (US)",
    "bbl (US)": "42 gal (US)", "bbl (UK)": "35 gal (UK)", "qt (US)": "1/4 gal (US)",
    "pt (US)": "1/8 gal (US)", "gi (US)": "1/32 gal (US)", "fl oz (US)": "1/128 gal (US)",
    "cup (US)": "8 fl oz (US)", "tablespoon (US)": "1/2 fl oz (US)",
    "teaspoon (US)": "1/6 fl oz (US)", "qt (UK)": "1/4 gal (UK)", "pt (UK)": "1/8 gal (UK)",
    "gi (UK)": "1/32 gal (UK)", "fl oz (UK)": "1/160 gal (UK)", "pk (UK)": "2 gal (UK)",
    "bu (UK)": "8 gal (UK)", "bushel (UK)": "8 gal (UK)", "bu (US)": "2150.42 in3",
    "pk (US)": "1/4 bu (US)", "dry gal (US)": "1/8 bu (US)", "dry qt (US)": "1/32 bu (US)",
    "dry pt (US)": "1/64 bu (US)", "liq qt (US)": "qt (US)", "liq pt (US)": "pt (US)",
    "BtuIT": "1055.05585262 J", "Btuth": "4.184 J/g lb °R/K", "thm (EC)": "100000 BtuIT",
    "quad": "1000000000000000 BtuIT", "PS": "75 kgf m/s", "lbmol": "453.59237 mol",
    "K": "K", "°C": "K", "°F": "5/9 K", "ºF": "5/9 K", "°R": "5/9 K", "ºR": "5/9 K",
    "r": "1", "rev": "2 pi rad", "°": "pi/180 rad", "'": "pi/10800 rad", "\"": "pi/648000 rad",
    "gon": "pi/200 rad", "o": "8 bit", "‰": "0.001", "%": "0.01", "ppm": "0.000001",
    "cmil": "pi/4 mil2", "den": "g/(9000 m)", "Lb": "10000 cd/(pi m2)", "ftL": "cd/(pi ft2)",
    "sb": "10000 cd/m2", "ph": "10000 lx", "ftc": "lm/ft2", "Ly": "41840 J/m2", "Bi": "10 A",
    "clo": "0.155 m2 K/W", "γ": "nT", "rhe": "1/P", "kp": "kgf",
    "ppb": "0.000000001", "a": "100 m2",
}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

class Unknown(Exception):
    pass


def times(a, b, sign=1):
    value, dims = a[0] * b[0] ** sign, dict(a[1])
    for k, n in b[1].items():
        dims[k] = dims.get(k, 0) + sign * n
    return value, {k: n for k, n in dims.items() if n}


def power(a, n):
    return a[0] ** n, {k: m * n for k, m in a[1].items() if m * n}


_known = {}


def atom(name):
    """The value of one unit's symbol."""
    if name not in _known:
        _known[name] = _atom(name)
    return _known[name]


def _atom(name):
    if name in PLAIN:
        return (F(1), {"K": 1}) if name == "K" else evaluate(PLAIN[name])
    if name == "kg":
        return F(1), {"kg": 1}
    if name in BASES:
        return F(1), {name: 1}
    if name in PREFIXED:
        return evaluate(PREFIXED[name])
    for p in sorted(PREFIXES, key=len, reverse=True):
        rest = name[len(p):]
        if name.startswith(p) and (rest in PREFIXED or rest in BASES) and rest != "kg":
            return times((F(10) ** PREFIXES[p], {}), atom(rest))
    for p, n in BINARY.items():
        if name.startswith(p) and name[2:] in ("bit", "byte"):
            return times((F(2) ** n, {}), atom(name[2:]))
    raise Unknown(name)


_names = None


def names():
    """All symbols with their prefixed forms, longest first: a scanner's choices."""
    global _names
    if _names is None:
        s = set(PLAIN) | set(BASES) | set(PREFIXED)
        s |= {p + u for p in PREFIXES for u in list(PREFIXED) + BASES}
        s |= {p + u for p in BINARY for u in ("bit", "byte")}
        _names = sorted(s, key=len, reverse=True)
    return _names


def number_at(text, at):
    m = re.compile(r"\d+(?:\.\d+)?").match(text, at)
    return (F(m.group()), m.end()) if m else (None, at)


def tidy(text):
    text = text.replace("\xa0", " ").replace("\u2126", "\u03a9")  # the ohm sign is an omega
    text = text.replace("liq.", "").replace("US dry", "US").replace(" )", ")")
    text = text.replace("×", " x ").replace("·", " ").replace("‧", " ").translate(SUPERSCRIPTS)
    text = re.sub(r"(?<=[\w)])\s+\((US|UK)", r" (\1", text)
    text = re.sub(r"(?<=[a-zA-Z])\((US|UK)", r" (\1", text)
    text = re.sub(r"(^|[\s)\d])x(?=[\s\d]|[A-Z])", r"\1 ", text)
    return re.sub(r"\s+", " ", text).strip()


def evaluate(text):
    """A whole expression. Multiplication is a blank; "/" takes the next factor alone."""
    text = tidy(text)
    value, at = product(text, 0, 0)
    if at != len(text):
        raise Unknown(text[at:])
    return value


def product(text, at, depth):
    value, sign, first = (F(1), {}), 1, True
    if depth > 8:
        raise Unknown("too deep")
    while at < len(text) and text[at] != ")":
        if text[at] == " ":
            at += 1
            continue
        if text[at] == "/":
            sign, at = -1, at + 1
            continue
        one, at = factor(text, at, depth)
        value, sign, first = times(value, one, sign), 1, False
    if first:
        raise Unknown("nothing")
    return value, at


def factor(text, at, depth):
    if text[at] == "(":
        one, at = product(text, at + 1, depth + 1)
        if at >= len(text):
            raise Unknown("no )")
        at += 1
    else:
        n, end = number_at(text, at)
        if n is not None:
            return (n, {}), end
        name = next((s for s in names() if text.startswith(s.translate(SUPERSCRIPTS), at)
                     and not re.match(r"[a-zA-ZµΩ]", text[at + len(s):at + len(s) + 1])), None)
        if name is None:
            raise Unknown(text[at:])
        one, at = atom(name), at + len(name)
    m = re.compile(r"-?\d+").match(text, at)
    if m:
        one, at = power(one, int(m.group())), m.end()
    return one, at


def dimension(dims):
    """A key that is the same for the same dims: "kg.m2.s-2"."""
    return ".".join(k + (str(n) if n != 1 else "") for k, n in sorted(dims.items())) or "1"

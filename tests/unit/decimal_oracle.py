"""decimal_oracle.py CALC SEED CASES - the library's decimals against python's decimal and fractions

Draws CASES random operations (seeded, so that a failure can be had again), lets CALC
(decimal_calc) and python work them out, and compares text for text. Sizes are mixed: what
quantities look like, the borders of 64 bits, ties, and up to 4,000 digits.
"""
import random
import subprocess
import sys
from decimal import Context, Decimal, setcontext
from fractions import Fraction

MODES = {
    "half-even": "ROUND_HALF_EVEN", "half-up": "ROUND_HALF_UP", "half-down": "ROUND_HALF_DOWN",
    "up": "ROUND_UP", "down": "ROUND_DOWN", "ceiling": "ROUND_CEILING", "floor": "ROUND_FLOOR",
}
LIMIT = 2 ** (64 * 212)
SCALE_MAX = 4080
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
setcontext(Context(prec=40000, Emax=999999, Emin=-999999))


def digits(rng, n):
    return "".join(rng.choice("0123456789") for _ in range(n))


def draw(rng, plain=False):
    """A number's text."""
    kind = rng.randrange(12)
    if kind < 6:
        text = str(rng.randrange(10 ** rng.randrange(1, 12)))
        if rng.random() < 0.7:
            text += "." + digits(rng, rng.randrange(1, 7))
    elif kind == 6:
        text = str(rng.choice([2 ** 63, 2 ** 64, 10 ** 19, 2 ** 128]) + rng.randrange(-2, 3))
        if rng.random() < 0.4:
            text += "." + rng.choice(["0", "5", "50", "49", "51"])
    elif kind == 7:
        text = str(rng.randrange(1000)) + "." + rng.choice(["5", "50", "500", "4999", "5001"])
    elif kind == 8:
        text = rng.choice(["0", "0.0", "0.000", "1", "1.00", "10", "100.0"])
    elif kind == 9:
        text = str(rng.randrange(10 ** rng.choice([30, 60, 200]))) + "." + digits(rng, rng.randrange(1, 90))
    elif kind == 10:
        n = rng.randrange(1, 4000)
        text = str(rng.randrange(1, 10)) + digits(rng, n)
        at = rng.randrange(1, len(text) + 1)
        text = text[:at] + ("." + text[at:] if at < len(text) else "")
    else:
        text = str(rng.randrange(10 ** 6)) + "." + digits(rng, rng.randrange(1, 25))
    if not plain and rng.random() < 0.15:
        text += rng.choice("eE") + rng.choice(["", "+", "-"]) + str(rng.randrange(rng.choice([10, 60, 5000])))
    return ("-" if rng.random() < 0.3 else "") + text


def coefficient(d):
    sign, ds, exponent = d.as_tuple()
    return int("".join(map(str, ds)) or "0"), -exponent


def show(d):
    """A Decimal as the library writes it, or error when it is past the limits."""
    c, scale = coefficient(d)
    if scale < 0:
        c, scale = c * 10 ** -scale, 0
    if c >= LIMIT or scale > SCALE_MAX:
        return "error"
    text = str(c).rjust(scale + 1, "0")
    if scale:
        text = text[:-scale] + "." + text[-scale:]
    return "-" + text if d < 0 else text


def read(text):
    d = Decimal(text)
    c, scale = coefficient(d)
    if c == 0 and scale < 0:
        return Decimal(0)
    return d if show(d) != "error" else None


def rounded(x, scale, mode):
    """A Fraction at scale: by whole numbers alone, so that nothing is rounded twice."""
    n, d = abs(x.numerator) * 10 ** scale, x.denominator
    q, r = divmod(n, d)
    # python's own quantize decides: on q, and a rest that is under, at or over a half
    rest = 0 if r == 0 else 5 if 2 * r == d else 1 if 2 * r < d else 9
    v = Decimal((1 if x < 0 else 0, tuple(map(int, str(q * 10 + rest))), -1))
    v = v.quantize(Decimal(1), rounding=MODES[mode])
    return v.scaleb(-scale)


def exact(x):
    """A Fraction as the shortest decimal, or error."""
    d, two, five = x.denominator, 0, 0
    while d % 2 == 0:
        d, two = d // 2, two + 1
    while d % 5 == 0:
        d, five = d // 5, five + 1
    scale = max(two, five)
    if d != 1 or scale > SCALE_MAX:
        return "error"
    n = x.numerator * 10 ** scale // x.denominator
    return show(Decimal((1 if n < 0 else 0, tuple(map(int, str(abs(n)))), -scale)))


def case(rng):
    """A line for the calculator and what must come out."""
    op = rng.choice(["text", "compare", "multiple", "add", "subtract", "multiply", "round", "scale", "scale"])
    a, b, c = draw(rng), draw(rng), draw(rng)
    if op == "multiple" and rng.random() < 0.6:
        b = rng.choice(["0.01", "0.25", "3", "0.003", "7", "1e-5", "2", "0.1"])
    if op == "scale" and rng.random() < 0.6:
        c = rng.choice(["12", "1000", "0.45359237", "3", "7.5", "1024", "3600", "1e6", "0.3048"])
    if op == "compare" and rng.random() < 0.3:
        b = a + ("0" if "." in a and "e" not in a.lower() else "")
    scale = rng.choice([0, 0, 1, 2, 3, 6, 13, 30, rng.randrange(SCALE_MAX + 1)])
    mode = rng.choice(list(MODES))
    if op in ("round", "scale") and rng.random() < 0.3:  # a tie, or just beside one
        a = ("-" if rng.random() < 0.5 else "") + str(rng.randrange(10 ** rng.choice([1, 2, 25])))
        a += "." + digits(rng, scale) + rng.choice(["5", "5", "500", "4999", "5001"])
        b, c = rng.choice([("1", "1"), ("0.5", "0.50"), ("3", "3"), ("7e25", "7e25")])
    x, y, z = read(a), read(b), read(c)
    if op == "text":
        return f"text {a}", "error" if x is None else show(x)
    if op == "round":
        line = f"round {a} {scale} {mode}"
        if x is None:
            return line, "error"
        return line, show(x.quantize(Decimal((0, (1,), -scale)), rounding=MODES[mode]))
    line = f"{op} {a} {b}"
    if op == "scale":
        if rng.random() < 0.5:
            scale = -1
        line = f"scale {a} {b} {c} {scale} {mode}"
        if x is None or y is None or z is None or z == 0:
            return line, "error"
        f = Fraction(x) * Fraction(y) / Fraction(z)
        if scale == -1:
            return line, exact(f)
        return line, show(rounded(f, scale, mode))
    if x is None or y is None:
        return line, "error"
    if op == "compare":
        return line, str(int(x.compare(y)))
    if op == "multiple":
        return line, str(int(x == 0 if y == 0 else (Fraction(x) / Fraction(y)).denominator == 1))
    # python keeps an exponent above 0; a decimal here has none
    x, y = (v if coefficient(v)[1] >= 0 else v.quantize(Decimal(1)) for v in (x, y))
    return line, show(x + y if op == "add" else x - y if op == "subtract" else x * y)


def main():
    calc, seed, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    lines, wanted = zip(*(case(rng) for _ in range(cases)))
    got = subprocess.run([calc], input="\n".join(lines) + "\n", text=True, check=True,
                         stdout=subprocess.PIPE).stdout.split("\n")[:-1]
    if len(got) != cases:
        sys.exit(f"{cases} lines in, {len(got)} out")
    kinds, errors = {}, 0
    for line, want, have in zip(lines, wanted, got):
        if want != have:
            sys.exit(f"{line[:400]}\n  here:   {have[:400]}\n  python: {want[:400]}")
        kinds[line.split()[0]] = kinds.get(line.split()[0], 0) + 1
        errors += want == "error"
    print(f"{cases} cases of seed {seed} agree with python, {errors} of them errors: "
          + ", ".join(f"{k} {n}" for k, n in sorted(kinds.items())))


main()

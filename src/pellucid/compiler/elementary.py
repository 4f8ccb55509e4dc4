"""exp, log, tanh and their like in fused multiply-adds: the same bits on every processor.

Each reduces its argument to a short interval and sums a power series there; the number of terms follows from
the interval and the type, so that the first term left out is below the rounding error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pellucid.compiler.writer import Value, Writer, many
from pellucid.errors import FormulaError

__all__ = ["call", "power"]


@dataclass(frozen=True)
class _Format:
    """Facts of a floating type."""

    fraction: int
    bias: int
    exp_terms: int
    log_terms: int
    tanh_terms: int
    lowest: float
    highest: float


FORMATS: Mapping[str, _Format] = {
    "float": _Format(23, 127, 8, 5, 11, -104.0, 89.0),
    "double": _Format(52, 1023, 15, 12, 24, -746.0, 710.0),
}
# ln 2 in two parts, the first short enough that its product with any exponent is exact.
LN2_HIGH: Mapping[str, float] = {"float": 0.693359375, "double": 0.6931471803691238}
LN2: Fraction = sum((Fraction(1, n * 2**n) for n in range(1, 140)), Fraction(0))

# Powers up to these are made of products, or of products and roots.
MOST_SQUARED, ROOTED = 64, 8


def call(writer: Writer, function: str, arguments: list[Value]) -> Value:
    """The function's value, number by number or lane by lane."""
    if function not in FUNCTIONS:
        raise FormulaError(f"the function {function} is not compiled")
    return FUNCTIONS[function](writer, *arguments)


def power(writer: Writer, base: Value, exponent: float) -> Value:
    """A power by products and square roots where that is possible, else by the logarithm."""
    size, quarters = abs(exponent), abs(exponent) * 4
    if not quarters or quarters != int(quarters) or size > (MOST_SQUARED if size == int(size) else ROOTED):
        return _exp(writer, writer.binary("fmul", _const(writer, exponent, base), _log(writer, base)))
    factors: list[Value] = []
    square, whole = base, int(size)
    while whole:
        factors += [square] if whole % 2 else []
        whole //= 2
        square = writer.binary("fmul", square, square) if whole else square
    root = base
    for part in (2, 1):
        root = _sqrt(writer, root) if int(quarters) % 4 % (2 * part) else root
        factors += [root] if int(quarters) & part else []
    result = writer.product(factors)
    return result if exponent > 0 else writer.binary("fdiv", _const(writer, 1.0, base), result)


def _const(writer: Writer, number: float | Fraction, like: Value) -> Value:
    return writer.constant(float(number), like.lanes)


def _splat(writer: Writer, number: int, lanes: int) -> str:
    return str(number) if lanes == 1 else "<" + ", ".join([f"i{writer.bits} {number}"] * lanes) + ">"


def _series(writer: Writer, x: Value, coefficients: Sequence[float | Fraction]) -> Value:
    """Horner's rule, the constant first in the list."""
    total = _const(writer, coefficients[-1], x)
    for number in reversed(coefficients[:-1]):
        total = writer.fma(total, x, _const(writer, number, x))
    return total


def _exp(writer: Writer, x: Value) -> Value:
    """2^n * e^r with n whole and |r| <= ln 2 / 2."""
    form = FORMATS[writer.kind]
    low, high = _const(writer, form.lowest, x), _const(writer, form.highest, x)
    near = writer.selected(writer.compared("olt", x, low), low, x)
    near = writer.selected(writer.compared("ogt", near, high), high, near)
    n = writer.intrinsic("rint", writer.binary("fmul", near, _const(writer, 1 / math.log(2), x)))
    first = LN2_HIGH[writer.kind]
    exact = writer.fma(n, _const(writer, -first, x), near)
    second = _const(writer, Fraction(first) - LN2, x)
    r = writer.fma(n, second, exact)
    lost = writer.fma(n, second, writer.binary("fsub", exact, r))
    # 1 + r with what its rounding loses, so that the rest of the series is small beside the sum
    one = _const(writer, 1.0, x)
    start = writer.binary("fadd", one, r)
    lost = writer.binary("fadd", lost, writer.binary("fsub", r, writer.binary("fsub", start, one)))
    series = _series(writer, r, [Fraction(1, math.factorial(k)) for k in range(2, form.exp_terms)])
    p = writer.binary("fadd", start, writer.fma(writer.binary("fmul", r, r), series, lost))
    zero = _const(writer, 0.0, x)
    n = writer.selected(writer.compared("ord", n, n), n, zero)
    kind = many(f"i{writer.bits}", x.lanes)
    whole = writer.op(f"fptosi {writer.type_of(x.lanes)} {n.name} to {kind}", x.lanes)
    half = writer.op(f"ashr {kind} {whole.name}, {_splat(writer, 1, x.lanes)}", x.lanes)
    rest = writer.op(f"sub {kind} {whole.name}, {half.name}", x.lanes)
    return writer.binary(
        "fmul", writer.binary("fmul", p, _power_of_two(writer, half)), _power_of_two(writer, rest)
    )


def _power_of_two(writer: Writer, whole: Value) -> Value:
    form, kind = FORMATS[writer.kind], many(f"i{writer.bits}", whole.lanes)
    biased = writer.op(f"add {kind} {whole.name}, {_splat(writer, form.bias, whole.lanes)}", whole.lanes)
    shifted = writer.op(
        f"shl {kind} {biased.name}, {_splat(writer, form.fraction, whole.lanes)}", whole.lanes
    )
    return writer.op(f"bitcast {kind} {shifted.name} to {writer.type_of(whole.lanes)}", whole.lanes)


def _log(writer: Writer, x: Value) -> Value:
    """e*ln 2 + 2 artanh(t) with x = m*2^e, m between the square roots of 1/2 and 2, t = (m - 1)/(m + 1)."""
    form, kind = FORMATS[writer.kind], many(f"i{writer.bits}", x.lanes)
    smallest = _const(writer, 2.0 ** (2 - form.bias), x)
    tiny = writer.compared("olt", x, smallest)
    scaled = writer.binary("fmul", x, _const(writer, 2.0**form.fraction, x))
    normal = writer.selected(tiny, scaled, x)
    bits = writer.op(f"bitcast {writer.type_of(x.lanes)} {normal.name} to {kind}", x.lanes)
    # adding the bits of 1 less those of sqrt(1/2) makes the exponent field round at sqrt(1/2)
    root = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}[writer.bits]
    moved = writer.op(f"sub {kind} {bits.name}, {_splat(writer, root, x.lanes)}", x.lanes)
    exponent = writer.op(f"ashr {kind} {moved.name}, {_splat(writer, form.fraction, x.lanes)}", x.lanes)
    kept = writer.op(f"and {kind} {moved.name}, {_splat(writer, (1 << form.fraction) - 1, x.lanes)}", x.lanes)
    back = writer.op(f"add {kind} {kept.name}, {_splat(writer, root, x.lanes)}", x.lanes)
    m = writer.op(f"bitcast {kind} {back.name} to {writer.type_of(x.lanes)}", x.lanes)
    e = writer.op(f"sitofp {kind} {exponent.name} to {writer.type_of(x.lanes)}", x.lanes)
    e = writer.selected(tiny, writer.binary("fsub", e, _const(writer, form.fraction, x)), e)
    one = _const(writer, 1.0, x)
    f = writer.binary("fsub", m, one)
    t = writer.binary("fdiv", f, writer.binary("fadd", m, one))
    square = writer.binary("fmul", t, t)
    series = _series(writer, square, [Fraction(2, 2 * k + 3) for k in range(form.log_terms)])
    # log m = f - t*(f - square*series): the large part f is exact
    small = writer.fma(writer.binary("fmul", square, series), _const(writer, -1.0, x), f)
    high, low = LN2_HIGH[writer.kind], LN2 - Fraction(LN2_HIGH[writer.kind])
    correction = writer.fma(
        e,
        _const(writer, low, x),
        writer.binary("fmul", t, writer.binary("fsub", _const(writer, 0.0, x), small)),
    )
    result = writer.fma(e, _const(writer, high, x), writer.binary("fadd", f, correction))
    zero, infinity = _const(writer, 0.0, x), _const(writer, math.inf, x)
    result = writer.selected(writer.compared("oeq", x, zero), _const(writer, -math.inf, x), result)
    result = writer.selected(writer.compared("oeq", x, infinity), infinity, result)
    return writer.selected(
        writer.compared("uge", x, zero),
        writer.selected(writer.compared("uno", x, x), x, result),
        _const(writer, math.nan, x),
    )


def _absolute(writer: Writer, x: Value) -> Value:
    return writer.intrinsic("fabs", x)


def _sigmoid(writer: Writer, x: Value) -> Value:
    """1/(1 + e^-x) without overflow: of e^-|x| only."""
    zero, one = _const(writer, 0.0, x), _const(writer, 1.0, x)
    small = _exp(writer, writer.binary("fsub", zero, _absolute(writer, x)))
    above = writer.selected(writer.compared("oge", x, zero), one, small)
    whole = writer.binary("fadd", one, small)
    lost = writer.binary("fsub", small, writer.binary("fsub", whole, one))
    inverse = writer.binary("fdiv", one, whole)
    quotient = writer.binary("fmul", above, inverse)
    # one step of division by hand, by the sum before it was rounded
    minus = writer.binary("fsub", _const(writer, -0.0, x), quotient)
    rest = writer.fma(minus, lost, writer.fma(minus, whole, above))
    return writer.fma(rest, inverse, quotient)


def _bernoulli(count: int) -> list[Fraction]:
    numbers = [Fraction(1)]
    for m in range(1, count):
        total = sum((math.comb(m + 1, k) * numbers[k] for k in range(m)), Fraction(0))
        numbers.append(-total / (m + 1))
    return numbers


def _tanh_series(terms: int) -> list[Fraction]:
    """Coefficients of x, x^3, x^5, ... in tanh x."""
    numbers = _bernoulli(2 * terms + 2)
    return [Fraction(4**n * (4**n - 1)) * numbers[2 * n] / math.factorial(2 * n) for n in range(1, terms + 1)]


def _signed(writer: Writer, size: Value, sign: Value) -> Value:
    """A size with another number's sign, that of a zero too."""
    return writer.intrinsic("copysign", size, sign)


def _tanh(writer: Writer, x: Value) -> Value:
    """For small x a series in x^2 times x, else 1 - 2/(e^2|x| + 1) with the sign of x."""
    form = FORMATS[writer.kind]
    one, two = _const(writer, 1.0, x), _const(writer, 2.0, x)
    size = _absolute(writer, x)
    square = writer.binary("fmul", x, x)
    inner = writer.binary("fmul", square, _series(writer, square, _tanh_series(form.tanh_terms)[1:]))
    near = writer.fma(size, inner, size)
    grown = _exp(writer, writer.binary("fadd", size, size))
    far = writer.binary("fsub", one, writer.binary("fdiv", two, writer.binary("fadd", grown, one)))
    small = writer.compared("olt", size, _const(writer, 0.55, x))
    return _signed(writer, writer.selected(small, near, far), x)


# Chebyshev coefficients of exp(x^2) erfc(x) over 1 <= x <= 6.2, in t = (x - 2)/(x + 2) brought to [-1, 1];
# evidence/erf_coefficients.py works them out in 80 digits.
ERFC_SCALED = (
    0.23886932696644153, -0.167437717639674, 0.019826362983712684, -0.001430144753418992,
    2.539597889324223e-05, 5.159459146843005e-06, -2.4517152087187444e-07, -3.126082931475189e-08,
    1.4841380393413663e-09, 2.7948462094031184e-10, -3.784923185505423e-12, -2.7622067427372584e-12,
    -1.0591793389587368e-13, 2.2563019372190195e-14, 2.713479844049733e-15, -5.421240874315033e-17,
    -3.707457197174542e-17, -2.634983504417301e-18, 2.2658195528720985e-19,
)  # fmt: skip
ERFC_FROM, ERFC_TO = 1.0, 6.2
# 2/sqrt(pi) - 1
FRONT_LESS_1 = 0.12837916709551257


def _erf(writer: Writer, x: Value) -> Value:
    """X times a series in x^2 up to 1, else 1 - e^(-x^2) times a Chebyshev series, with the sign of x."""
    terms = {"float": (11, 9), "double": (18, 19)}[writer.kind]
    one = _const(writer, 1.0, x)
    size = _absolute(writer, x)
    square = writer.binary("fmul", x, x)
    front = 2 / math.sqrt(math.pi)
    series = [front * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(1, terms[0])]
    # erf x = x + x*s: what s is rounded by hardly counts
    near = writer.fma(size, _series(writer, square, [FRONT_LESS_1, *series]), size)
    top = _const(writer, ERFC_TO, x)
    clamped = writer.selected(writer.compared("ogt", size, top), top, size)
    two = _const(writer, 2.0, x)
    t = writer.binary("fdiv", writer.binary("fsub", clamped, two), writer.binary("fadd", clamped, two))
    low, high = ((e - 2) / (e + 2) for e in (ERFC_FROM, ERFC_TO))
    place = writer.fma(
        t, _const(writer, 2 / (high - low), x), _const(writer, -(high + low) / (high - low), x)
    )
    scaled = _clenshaw(writer, place, ERFC_SCALED[: terms[1]])
    decay = _exp(
        writer, writer.binary("fmul", writer.binary("fsub", _const(writer, 0.0, x), clamped), clamped)
    )
    far = writer.binary("fsub", one, writer.binary("fmul", decay, scaled))
    return _signed(writer, writer.selected(writer.compared("oge", size, one), far, near), x)


def _clenshaw(writer: Writer, x: Value, coefficients: Sequence[float]) -> Value:
    """The sum of Chebyshev polynomials T0, T1, ... with these coefficients."""
    double = writer.binary("fadd", x, x)
    after, now = _const(writer, 0.0, x), _const(writer, coefficients[-1], x)
    for number in reversed(coefficients[1:-1]):
        following = writer.fma(double, now, writer.binary("fsub", _const(writer, number, x), after))
        after, now = now, following
    return writer.fma(x, now, writer.binary("fsub", _const(writer, coefficients[0], x), after))


def _sqrt(writer: Writer, x: Value) -> Value:
    return writer.intrinsic("sqrt", x)


def _relu(writer: Writer, x: Value) -> Value:
    """A NaN stays one."""
    zero = _const(writer, 0.0, x)
    return writer.selected(writer.compared("ole", x, zero), zero, x)


def _larger(writer: Writer, a: Value, b: Value) -> Value:
    return _either(writer, "ogt", a, b)


def _smaller(writer: Writer, a: Value, b: Value) -> Value:
    return _either(writer, "olt", a, b)


def _either(writer: Writer, how: str, a: Value, b: Value) -> Value:
    (a, b), _ = writer.alike(a, b)
    best = writer.selected(writer.compared(how, a, b), a, b)
    return writer.selected(writer.compared("uno", a, a), a, best)


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "exp": _exp, "log": _log, "sigmoid": _sigmoid, "tanh": _tanh, "sqrt": _sqrt, "erf": _erf,
    "abs": _absolute, "relu": _relu, "maximum": _larger, "minimum": _smaller,
}  # fmt: skip

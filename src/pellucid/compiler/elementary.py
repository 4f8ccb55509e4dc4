"""exp, log, tanh and their like in fused multiply-adds: the same bits on every processor.

Each reduces its argument to a short interval and sums a power series there; the number of terms follows from
the interval and the type, so that the first term left out is below the rounding error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pellucid.errors import FormulaError

if TYPE_CHECKING:
    from pellucid.compiler.emit import Kernel, Value

__all__ = ["call", "power"]


@dataclass(frozen=True)
class _Format:
    """Facts of a floating type."""

    bits: int
    fraction: int
    bias: int
    exp_terms: int
    log_terms: int
    tanh_terms: int
    lowest: float
    highest: float


FORMATS: Mapping[str, _Format] = {
    "float": _Format(32, 23, 127, 8, 5, 11, -104.0, 89.0),
    "double": _Format(64, 52, 1023, 15, 12, 24, -746.0, 710.0),
}
# ln 2 in two parts, the first short enough that its product with any exponent is exact.
LN2_HIGH: Mapping[str, float] = {"float": 0.693359375, "double": 0.6931471803691238}
LN2: Fraction = sum((Fraction(1, n * 2**n) for n in range(1, 140)), Fraction(0))

# Powers up to these are made of products, or of products and roots.
MOST_SQUARED, ROOTED = 64, 8


def call(kernel: Kernel, function: str, arguments: list[Value]) -> Value:
    """The function's value, number by number or lane by lane."""
    if function not in FUNCTIONS:
        raise FormulaError(f"the function {function} is not compiled")
    return FUNCTIONS[function](kernel, *arguments)


def power(kernel: Kernel, base: Value, exponent: float) -> Value:
    """A power by products and square roots where that is possible, else by the logarithm."""
    size, quarters = abs(exponent), abs(exponent) * 4
    if not quarters or quarters != int(quarters) or size > (MOST_SQUARED if size == int(size) else ROOTED):
        return _exp(kernel, kernel.binary("fmul", _const(kernel, exponent, base), _log(kernel, base)))
    factors: list[Value] = []
    square, whole = base, int(size)
    while whole:
        factors += [square] if whole % 2 else []
        whole //= 2
        square = kernel.binary("fmul", square, square) if whole else square
    root = base
    for part in (2, 1):
        root = _sqrt(kernel, root) if int(quarters) % 4 % (2 * part) else root
        factors += [root] if int(quarters) & part else []
    result = kernel.product(factors)
    return result if exponent > 0 else kernel.binary("fdiv", _const(kernel, 1.0, base), result)


def _const(kernel: Kernel, number: float | Fraction, like: Value) -> Value:
    return kernel.constant(float(number), like.lanes)


def _bits(lanes: int) -> str:
    return "i1" if lanes == 1 else f"<{lanes} x i1>"


def _integers(kernel: Kernel, lanes: int) -> str:
    width = FORMATS[kernel.kind].bits
    return f"i{width}" if lanes == 1 else f"<{lanes} x i{width}>"


def _splat(kernel: Kernel, number: int, lanes: int) -> str:
    width = FORMATS[kernel.kind].bits
    return str(number) if lanes == 1 else "<" + ", ".join([f"i{width} {number}"] * lanes) + ">"


def _compare(kernel: Kernel, how: str, a: Value, b: Value) -> Value:
    return kernel.op(f"fcmp {how} {kernel.type_of(a.lanes)} {a.name}, {b.name}", a.lanes)


def _select(kernel: Kernel, test: Value, yes: Value, no: Value) -> Value:
    kind = kernel.type_of(yes.lanes)
    return kernel.op(
        f"select {_bits(test.lanes)} {test.name}, {kind} {yes.name}, {kind} {no.name}", yes.lanes
    )


def _intrinsic(kernel: Kernel, name: str, x: Value) -> Value:
    kind = kernel.type_of(x.lanes)
    suffix = f"f{FORMATS[kernel.kind].bits}"
    suffix = suffix if x.lanes == 1 else f"v{x.lanes}{suffix}"
    full = kernel.module.declare(f"@llvm.{name}.{suffix}", f"{kind} @llvm.{name}.{suffix}({kind})")
    return kernel.op(f"call {kind} {full}({kind} {x.name})", x.lanes)


def _series(kernel: Kernel, x: Value, coefficients: Sequence[float | Fraction]) -> Value:
    """Horner's rule, the constant first in the list."""
    total = _const(kernel, coefficients[-1], x)
    for number in reversed(coefficients[:-1]):
        total = kernel.fma(total, x, _const(kernel, number, x))
    return total


def _exp(kernel: Kernel, x: Value) -> Value:
    """2^n * e^r with n whole and |r| <= ln 2 / 2."""
    form = FORMATS[kernel.kind]
    low, high = _const(kernel, form.lowest, x), _const(kernel, form.highest, x)
    near = _select(kernel, _compare(kernel, "olt", x, low), low, x)
    near = _select(kernel, _compare(kernel, "ogt", near, high), high, near)
    n = _intrinsic(kernel, "rint", kernel.binary("fmul", near, _const(kernel, 1 / math.log(2), x)))
    first = LN2_HIGH[kernel.kind]
    exact = kernel.fma(n, _const(kernel, -first, x), near)
    second = _const(kernel, Fraction(first) - LN2, x)
    r = kernel.fma(n, second, exact)
    lost = kernel.fma(n, second, kernel.binary("fsub", exact, r))
    # 1 + r with what its rounding loses, so that the rest of the series is small beside the sum
    one = _const(kernel, 1.0, x)
    start = kernel.binary("fadd", one, r)
    lost = kernel.binary("fadd", lost, kernel.binary("fsub", r, kernel.binary("fsub", start, one)))
    series = _series(kernel, r, [Fraction(1, math.factorial(k)) for k in range(2, form.exp_terms)])
    p = kernel.binary("fadd", start, kernel.fma(kernel.binary("fmul", r, r), series, lost))
    zero = _const(kernel, 0.0, x)
    n = _select(kernel, _compare(kernel, "ord", n, n), n, zero)
    whole = kernel.op(f"fptosi {kernel.type_of(x.lanes)} {n.name} to {_integers(kernel, x.lanes)}", x.lanes)
    kind = _integers(kernel, x.lanes)
    half = kernel.op(f"ashr {kind} {whole.name}, {_splat(kernel, 1, x.lanes)}", x.lanes)
    rest = kernel.op(f"sub {kind} {whole.name}, {half.name}", x.lanes)
    return kernel.binary(
        "fmul", kernel.binary("fmul", p, _power_of_two(kernel, half)), _power_of_two(kernel, rest)
    )


def _power_of_two(kernel: Kernel, whole: Value) -> Value:
    form, kind = FORMATS[kernel.kind], _integers(kernel, whole.lanes)
    biased = kernel.op(f"add {kind} {whole.name}, {_splat(kernel, form.bias, whole.lanes)}", whole.lanes)
    shifted = kernel.op(
        f"shl {kind} {biased.name}, {_splat(kernel, form.fraction, whole.lanes)}", whole.lanes
    )
    return kernel.op(f"bitcast {kind} {shifted.name} to {kernel.type_of(whole.lanes)}", whole.lanes)


def _log(kernel: Kernel, x: Value) -> Value:
    """e*ln 2 + 2 artanh(t) with x = m*2^e, m between the square roots of 1/2 and 2, t = (m - 1)/(m + 1)."""
    form, kind = FORMATS[kernel.kind], _integers(kernel, x.lanes)
    smallest = _const(kernel, 2.0 ** (2 - form.bias), x)
    tiny = _compare(kernel, "olt", x, smallest)
    scaled = kernel.binary("fmul", x, _const(kernel, 2.0**form.fraction, x))
    normal = _select(kernel, tiny, scaled, x)
    bits = kernel.op(f"bitcast {kernel.type_of(x.lanes)} {normal.name} to {kind}", x.lanes)
    # adding the bits of 1 less those of sqrt(1/2) makes the exponent field round at sqrt(1/2)
    root = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}[form.bits]
    moved = kernel.op(f"sub {kind} {bits.name}, {_splat(kernel, root, x.lanes)}", x.lanes)
    exponent = kernel.op(f"ashr {kind} {moved.name}, {_splat(kernel, form.fraction, x.lanes)}", x.lanes)
    kept = kernel.op(f"and {kind} {moved.name}, {_splat(kernel, (1 << form.fraction) - 1, x.lanes)}", x.lanes)
    back = kernel.op(f"add {kind} {kept.name}, {_splat(kernel, root, x.lanes)}", x.lanes)
    m = kernel.op(f"bitcast {kind} {back.name} to {kernel.type_of(x.lanes)}", x.lanes)
    e = kernel.op(f"sitofp {kind} {exponent.name} to {kernel.type_of(x.lanes)}", x.lanes)
    e = _select(kernel, tiny, kernel.binary("fsub", e, _const(kernel, form.fraction, x)), e)
    one = _const(kernel, 1.0, x)
    f = kernel.binary("fsub", m, one)
    t = kernel.binary("fdiv", f, kernel.binary("fadd", m, one))
    square = kernel.binary("fmul", t, t)
    series = _series(kernel, square, [Fraction(2, 2 * k + 3) for k in range(form.log_terms)])
    # log m = f - t*(f - square*series): the large part f is exact
    small = kernel.fma(kernel.binary("fmul", square, series), _const(kernel, -1.0, x), f)
    high, low = LN2_HIGH[kernel.kind], LN2 - Fraction(LN2_HIGH[kernel.kind])
    correction = kernel.fma(
        e,
        _const(kernel, low, x),
        kernel.binary("fmul", t, kernel.binary("fsub", _const(kernel, 0.0, x), small)),
    )
    result = kernel.fma(e, _const(kernel, high, x), kernel.binary("fadd", f, correction))
    zero, infinity = _const(kernel, 0.0, x), _const(kernel, math.inf, x)
    result = _select(kernel, _compare(kernel, "oeq", x, zero), _const(kernel, -math.inf, x), result)
    result = _select(kernel, _compare(kernel, "oeq", x, infinity), infinity, result)
    return _select(
        kernel,
        _compare(kernel, "uge", x, zero),
        _select(kernel, _compare(kernel, "uno", x, x), x, result),
        _const(kernel, math.nan, x),
    )


def _absolute(kernel: Kernel, x: Value) -> Value:
    return _intrinsic(kernel, "fabs", x)


def _sigmoid(kernel: Kernel, x: Value) -> Value:
    """1/(1 + e^-x) without overflow: of e^-|x| only."""
    zero, one = _const(kernel, 0.0, x), _const(kernel, 1.0, x)
    small = _exp(kernel, kernel.binary("fsub", zero, _absolute(kernel, x)))
    above = _select(kernel, _compare(kernel, "oge", x, zero), one, small)
    whole = kernel.binary("fadd", one, small)
    lost = kernel.binary("fsub", small, kernel.binary("fsub", whole, one))
    inverse = kernel.binary("fdiv", one, whole)
    quotient = kernel.binary("fmul", above, inverse)
    # one step of division by hand, by the sum before it was rounded
    minus = kernel.binary("fsub", _const(kernel, -0.0, x), quotient)
    rest = kernel.fma(minus, lost, kernel.fma(minus, whole, above))
    return kernel.fma(rest, inverse, quotient)


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


def _signed(kernel: Kernel, size: Value, sign: Value) -> Value:
    """A size with another number's sign, that of a zero too."""
    kind, suffix = kernel.type_of(size.lanes), f"f{FORMATS[kernel.kind].bits}"
    name = f"@llvm.copysign.{suffix if size.lanes == 1 else f'v{size.lanes}{suffix}'}"
    kernel.module.declare(name, f"{kind} {name}({kind}, {kind})")
    return kernel.op(f"call {kind} {name}({kind} {size.name}, {kind} {sign.name})", size.lanes)


def _tanh(kernel: Kernel, x: Value) -> Value:
    """For small x a series in x^2 times x, else 1 - 2/(e^2|x| + 1) with the sign of x."""
    form = FORMATS[kernel.kind]
    one, two = _const(kernel, 1.0, x), _const(kernel, 2.0, x)
    size = _absolute(kernel, x)
    square = kernel.binary("fmul", x, x)
    inner = kernel.binary("fmul", square, _series(kernel, square, _tanh_series(form.tanh_terms)[1:]))
    near = kernel.fma(size, inner, size)
    grown = _exp(kernel, kernel.binary("fadd", size, size))
    far = kernel.binary("fsub", one, kernel.binary("fdiv", two, kernel.binary("fadd", grown, one)))
    small = _compare(kernel, "olt", size, _const(kernel, 0.55, x))
    return _signed(kernel, _select(kernel, small, near, far), x)


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


def _erf(kernel: Kernel, x: Value) -> Value:
    """X times a series in x^2 up to 1, else 1 - e^(-x^2) times a Chebyshev series, with the sign of x."""
    terms = {"float": (11, 9), "double": (18, 19)}[kernel.kind]
    one = _const(kernel, 1.0, x)
    size = _absolute(kernel, x)
    square = kernel.binary("fmul", x, x)
    front = 2 / math.sqrt(math.pi)
    series = [front * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(1, terms[0])]
    # erf x = x + x*s: what s is rounded by hardly counts
    near = kernel.fma(size, _series(kernel, square, [FRONT_LESS_1, *series]), size)
    top = _const(kernel, ERFC_TO, x)
    clamped = _select(kernel, _compare(kernel, "ogt", size, top), top, size)
    two = _const(kernel, 2.0, x)
    t = kernel.binary("fdiv", kernel.binary("fsub", clamped, two), kernel.binary("fadd", clamped, two))
    low, high = ((e - 2) / (e + 2) for e in (ERFC_FROM, ERFC_TO))
    place = kernel.fma(
        t, _const(kernel, 2 / (high - low), x), _const(kernel, -(high + low) / (high - low), x)
    )
    scaled = _clenshaw(kernel, place, ERFC_SCALED[: terms[1]])
    decay = _exp(
        kernel, kernel.binary("fmul", kernel.binary("fsub", _const(kernel, 0.0, x), clamped), clamped)
    )
    far = kernel.binary("fsub", one, kernel.binary("fmul", decay, scaled))
    return _signed(kernel, _select(kernel, _compare(kernel, "oge", size, one), far, near), x)


def _clenshaw(kernel: Kernel, x: Value, coefficients: Sequence[float]) -> Value:
    """The sum of Chebyshev polynomials T0, T1, ... with these coefficients."""
    double = kernel.binary("fadd", x, x)
    after, now = _const(kernel, 0.0, x), _const(kernel, coefficients[-1], x)
    for number in reversed(coefficients[1:-1]):
        following = kernel.fma(double, now, kernel.binary("fsub", _const(kernel, number, x), after))
        after, now = now, following
    return kernel.fma(x, now, kernel.binary("fsub", _const(kernel, coefficients[0], x), after))


def _sqrt(kernel: Kernel, x: Value) -> Value:
    return _intrinsic(kernel, "sqrt", x)


def _relu(kernel: Kernel, x: Value) -> Value:
    """A NaN stays one."""
    zero = _const(kernel, 0.0, x)
    return _select(kernel, _compare(kernel, "ole", x, zero), zero, x)


def _larger(kernel: Kernel, a: Value, b: Value) -> Value:
    return _either(kernel, "ogt", a, b)


def _smaller(kernel: Kernel, a: Value, b: Value) -> Value:
    return _either(kernel, "olt", a, b)


def _either(kernel: Kernel, how: str, a: Value, b: Value) -> Value:
    (a, b), _ = kernel.alike(a, b)
    best = _select(kernel, _compare(kernel, how, a, b), a, b)
    return _select(kernel, _compare(kernel, "uno", a, a), a, best)


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "exp": _exp, "log": _log, "sigmoid": _sigmoid, "tanh": _tanh, "sqrt": _sqrt, "erf": _erf,
    "abs": _absolute, "relu": _relu, "maximum": _larger, "minimum": _smaller,
}  # fmt: skip

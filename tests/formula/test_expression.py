"""The algebra of expressions keeps values, does not see the order of terms, and never captures a letter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Add,
    And,
    Bound,
    Compare,
    Expr,
    IndexValue,
    Num,
    Power,
    Read,
    Reduce,
    add,
    all_of,
    bound_letters,
    count,
    expr,
    free_letters,
    iverson,
    mul,
    power,
    reads,
    split_coefficient,
    substitute,
    transform,
    walk,
)
from pellucid.formula.index import Index
from pellucid.formula.parse import parse_expression
from tests.formula.exact import Environment, Undefined, index_value, value
from tests.formula.strategies import (
    BINDABLE,
    CONSTANTS,
    FREE,
    SIZES,
    conditions,
    counts,
    expressions,
    indices,
)

RATIONAL = expressions(rational=True, depth=2)
FEW = settings(max_examples=50)
ENVIRONMENTS = st.fixed_dictionaries(
    {s: st.integers(-4, 6) for s in FREE}
    | {s: st.integers(1, 3) for s in CONSTANTS}
    | {s: st.integers(1, 2) for s in (*SIZES, "I", "J", "N", *(b.rstrip("'").upper() for b in BINDABLE))}
)
x, y = Read("x", (Index.of("i"),)), Read("y", (Index.of("i"),))


def known(e: Expr, at: Environment) -> Fraction:
    try:
        return value(e, at)
    except Undefined:
        assume(False)
        raise


@FEW
@given(RATIONAL, RATIONAL, RATIONAL, ENVIRONMENTS)
def test_sums_and_products_keep_their_value(a: Expr, b: Expr, c: Expr, at: Environment) -> None:
    u, v, w = known(a, at), known(b, at), known(c, at)
    assert known(add(a, b, c), at) == u + v + w
    assert known(a - b, at) == u - v
    assert known(-a, at) == -u
    assert known(mul(a, b, c), at) == u * v * w
    assert known((a + b) * (a - c), at) == (u + v) * (u - w)


@FEW
@given(RATIONAL, RATIONAL, st.integers(-3, 4), ENVIRONMENTS)
def test_quotients_and_powers_keep_their_value(a: Expr, b: Expr, exponent: int, at: Environment) -> None:
    u, v = known(a, at), known(b, at)
    assume(v != 0 and u != 0)
    assert known(a / b, at) == u / v
    assert known(a * b / a, at) == v
    assert known((a / b) ** exponent, at) == (u / v) ** exponent
    assert known((a**exponent) ** -1, at) == u**-exponent
    assert known(a**exponent * a**2, at) == u ** (exponent + 2)


@given(counts(FREE), counts(FREE), RATIONAL, ENVIRONMENTS)
def test_index_expressions_keep_their_value_among_others(a: Expr, b: Expr, c: Expr, at: Environment) -> None:
    u, v, w = known(a, at), known(b, at), known(c, at)
    assert known(add(a, c, b, Num(3)), at) == u + v + w + 3
    assert known(mul(a, Num(6), c, b), at) == u * v * w * 6
    assert known(add(a / 2, b, Num(Fraction(1, 3))), at) == u / 2 + v + Fraction(1, 3)


@FEW
@given(st.lists(RATIONAL, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_terms_and_factors_does_not_matter(parts: list[Expr], random: object) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    assert add(*shuffled) == add(*parts)
    assert mul(*shuffled) == mul(*parts)
    assert hash(add(*shuffled)) == hash(add(*parts))


@given(RATIONAL.filter(lambda e: not isinstance(split_coefficient(e)[1], Add)))
def test_a_value_less_itself_is_nothing(e: Expr) -> None:
    assert e - e == Num(0)
    assert add(e, -e, Num(2)) == Num(2)
    number, rest = split_coefficient(e)
    assert mul(Num(number), rest) == e


@given(RATIONAL, st.dictionaries(st.sampled_from(FREE), indices(FREE + BINDABLE, exact=False)), ENVIRONMENTS)
def test_substituting_is_evaluating_the_letters_first(
    e: Expr, mapping: Mapping[str, Index], at: Environment
) -> None:
    # the images hold letters that the expression binds
    outside = {**at, **{b: n for n, b in enumerate(BINDABLE)}}
    new = {**outside, **{letter: index_value(image, outside) for letter, image in mapping.items()}}
    assert known(substitute(e, mapping), outside) == known(e, new)


@given(RATIONAL, ENVIRONMENTS)
def test_only_the_free_letters_are_needed(e: Expr, at: Environment) -> None:
    needless = set(FREE) - free_letters(e)
    assert known(e, {s: n for s, n in at.items() if s not in needless}) == known(e, at)


@given(expressions())
def test_rebuilding_a_formula_gives_the_same(e: Expr) -> None:
    assert transform(e, lambda node: None) == e
    assert substitute(e, {letter: Index.of(letter) for letter in FREE}) == e
    assert set(reads(e)) <= set(walk(e))


@given(st.lists(conditions(depth=1), max_size=4))
def test_conjunctions_are_flat_and_without_repetition(parts: list[And]) -> None:
    once = all_of(parts)
    assert once == all_of([*parts, *parts]) == all_of(reversed(parts))
    assert once == (all_of([once, *parts]) if once else None)


def test_a_letter_that_would_be_captured_gets_a_prime() -> None:
    e = parse_expression("sum[u] w[u]*x[i + u]", "i")
    moved = substitute(e, {"i": Index.of("u") + 1})
    assert repr(moved) == "sum[u'] w[u']*x[u + 1 + u']"
    assert repr(substitute(moved, {"u": Index.of("u'")})) == "sum[u''] w[u'']*x[u' + 1 + u'']"
    assert bound_letters(moved) == {"u'"}


def test_a_bound_letter_is_not_substituted() -> None:
    e = parse_expression("sum[u<K] w[u]*x[K + u]", "i")
    assert substitute(e, {"u": Index.of("i")}) == e
    assert repr(substitute(e, {"K": Index.of(3)})) == "sum[u<3] w[u]*x[3 + u]"


@pytest.mark.parametrize(
    ("made", "printed"),
    [
        (2 * x + x * 3, "5*x[i]"),
        (x - 2 * x, "-x[i]"),
        (x + y - x, "y[i]"),
        (x * y * x, "x[i]^2*y[i]"),
        (x * x**-1, "x[i]/x[i]"),  # not 1 where x is 0
        (x**2 * x**3, "x[i]^5"),
        ((2 * x) ** 3, "8*x[i]^3"),
        ((x**2) ** 3, "x[i]^6"),
        ((x ** Num(Fraction(1, 2))) ** 2, "(x[i]^(1/2))^2"),  # not x, which may be negative
        (x**0, "1"),
        (0 * x, "0"),
        (1.0 * x, "x[i]"),
        (x / 3, "1/3*x[i]"),
        (3 - x, "3 - x[i]"),
        (1 / x, "1/x[i]"),
        (expr(6) / 4, "3/2"),
        (count(Index.of("i") * 2 + 2) * x / 2, "(i + 1)*x[i]"),
        (count(Index.of("i")) + 1 - count(Index.of("i")), "1"),
        (count(Index.of("H")) * count(Index.of("W")) / 2, "1/2*H*W"),
        (iverson(Compare("<", x, y)) * 2, "2*[x[i] < y[i]]"),
        (Reduce("sum", (Bound("u", Index.of("H")),), x), "sum[u<H] x[i]"),
    ],
)
def test_expressions_fold_as_by_hand(made: Expr, printed: str) -> None:
    assert repr(made) == printed
    assert parse_expression(printed, "i") == made


@pytest.mark.parametrize(
    "make",
    [
        lambda: mul(*[Num(10**200)] * 3),
        lambda: mul(*[Num(Fraction(1, 10**200))] * 3),
        lambda: mul(Num(1e200), Num(1e200)),
        lambda: add(Num(1.7e308), Num(1.7e308)),
        lambda: power(Num(1e300), Num(64)),
    ],
)
def test_numbers_are_bounded(make: Callable[[], Expr]) -> None:
    with pytest.raises(FormulaError, match="a number in a formula"):
        make()


def test_huge_powers_stay_powers() -> None:
    assert power(Num(9), Num(10**9)) == Power(Num(9), Num(10**9))
    assert power(Num(2), Num(64)) == Num(2**64)


def test_dividing_by_nothing_is_an_error() -> None:
    for divisor in (Num(0), Num(0.0), count(Index(())), x - x):
        with pytest.raises(FormulaError, match="division by the number 0"):
            y / divisor
    with pytest.raises(FormulaError, match="by the number 0"):
        substitute(1 / IndexValue(Index.of("H") - "W"), {"H": Index.of("W")})

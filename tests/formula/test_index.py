"""Index expressions: their normal form against plain integer arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add, mul

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pellucid.errors import FormulaError
from pellucid.formula.index import (
    Index,
    exact_quotient,
    flat,
    flat_parts,
    floor_quotient,
    remainder,
    size_of,
)
from pellucid.formula.parse import parse_read
from tests.formula.exact import Undefined, index_value
from tests.formula.strategies import CONSTANTS, FREE, SIZES, Tree, built, index_trees, indices

LETTER = st.integers(-6, 12)
POSITIVE = st.integers(1, 5)
ENVIRONMENTS = st.fixed_dictionaries(
    dict.fromkeys(FREE, LETTER) | dict.fromkeys((*CONSTANTS, *SIZES, "I", "J", "N"), POSITIVE)
)
DIVISORS = st.sampled_from(
    [Index.of(1), Index.of(2), Index.of(3), Index.of("s"), Index.of("s") * 2, Index.of("H") * "a"]
)
i, j, u, s = (Index.of(letter) for letter in "ijus")


def worked_out(tree: Tree, at: Mapping[str, int]) -> int:
    """The tree of operations in Python's integers, whose quotient rounds down too."""
    if len(tree) == 1:
        return at[tree[0]] if isinstance(tree[0], str) else int(tree[0])
    left, right = worked_out(tree[1], at), worked_out(tree[2], at)
    if tree[0] in ("/", "//", "%"):
        if tree[0] == "/" and left % right:
            raise Undefined
        return left % right if tree[0] == "%" else left // right
    return {"+": left + right, "-": left - right, "*": left * right}[tree[0]]


def value(index: Index, at: Mapping[str, int]) -> int:
    try:
        return index_value(index, at)
    except Undefined:
        assume(False)
        raise


@given(index_trees(FREE), ENVIRONMENTS)
def test_the_normal_form_has_the_value_of_what_was_typed(tree: Tree, at: Mapping[str, int]) -> None:
    try:
        expected = worked_out(tree, at)
    except Undefined:
        assume(False)
    assert index_value(built(tree), at) == expected


@given(indices(FREE), indices(FREE), indices(FREE), ENVIRONMENTS)
def test_addition_and_multiplication_are_those_of_integers(
    a: Index, b: Index, c: Index, at: Mapping[str, int]
) -> None:
    x, y, z = value(a, at), value(b, at), value(c, at)
    assert value(a + b, at) == x + y
    assert value(a - b, at) == x - y
    assert value(a * b - c, at) == x * y - z
    assert a + b == b + a
    assert a * b == b * a
    assert hash(a + b) == hash(b + a)
    assert a - a == Index.of(0)


@given(indices(FREE), DIVISORS)
def test_quotient_and_remainder_rejoin(index: Index, divisor: Index) -> None:
    assert divisor * floor_quotient(index, divisor) + remainder(index, divisor) == index
    assert remainder(index, divisor) + floor_quotient(index, divisor) * divisor == index


@given(indices(FREE), DIVISORS, ENVIRONMENTS)
def test_quotients_round_down_and_remainders_are_never_negative(
    index: Index, divisor: Index, at: Mapping[str, int]
) -> None:
    number, by = value(index, at), value(divisor, at)
    assert value(floor_quotient(index, divisor), at) == number // by
    assert value(remainder(index, divisor), at) == number % by
    assert value(floor_quotient(index * divisor, divisor), at) == number
    assert exact_quotient(index * divisor, divisor) == index


@given(indices(FREE), st.dictionaries(st.sampled_from(FREE), indices(FREE)), ENVIRONMENTS)
def test_replacing_symbols_is_evaluating_them_first(
    index: Index, mapping: Mapping[str, Index], at: Mapping[str, int]
) -> None:
    new = {**at, **{letter: value(image, at) for letter, image in mapping.items()}}
    assert value(index.replace(mapping), at) == value(index, new)


@given(indices(FREE))
def test_text_reads_back(index: Index) -> None:
    assert parse_read(f"x[{index}]").indices == (index,)


@given(indices(FREE))
def test_content_times_the_rest_is_the_index(index: Index) -> None:
    number, rest = index.content
    assert rest * number == index
    assert (index * -3).content == (number * -3, rest)


@given(st.lists(st.sampled_from(["c", "i", "j", "n'", "row"]), min_size=2, unique=True))
def test_flattened_indices_are_recognised(letters: list[str]) -> None:
    index = flat(Index.of(letter) for letter in letters)
    assert flat_parts(index) == tuple(letters)
    assert str(index) == f"({','.join(letters)})"
    sizes = {size_of(letter): 3 for letter in letters}
    digits = {letter: n % 3 for n, letter in enumerate(letters)}
    assert index_value(index, sizes | digits) == int("".join(str(n % 3) for n in range(len(letters))), 3)


@pytest.mark.parametrize(
    ("index", "printed"),
    [
        (2 * i + u - 1, "2*i + u - 1"),
        (-i + u, "u - i"),
        (-i - 1, "-i - 1"),
        (Index.of(0), "0"),
        (i * "J" + "J", "i*J + J"),  # not the flattened index of a letter J
        (i * "J" + j + 1, "i*J + j + 1"),
        (-floor_quotient(i, s), "-(i//s)"),  # without the brackets, (-i)//s
        (floor_quotient(-i, s), "(-i)//s"),
        (-3 * remainder(i, s), "-3*(i%s)"),
        (floor_quotient(6 * i + u, Index.of(3)), "2*i + u//3"),
        (floor_quotient(floor_quotient(i, Index.of(2)), Index.of(3)), "i//6"),
        (floor_quotient(i - 1, Index.of(2)), "(i + 1)//2 - 1"),
        (remainder(7 * i + 9, Index.of(3)), "(7*i)%3"),
        (exact_quotient(i + "p" - u, s), "(i + p - u)/s"),
        (exact_quotient(2 * s * i, s), "2*i"),
        (floor_quotient(flat([Index.of("c"), i, j]), Index.of("J")), "(c,i)"),
        (remainder(flat([Index.of("c"), i, j]), Index.of("J")), "j"),
        (floor_quotient(flat([Index.of("c"), i, j]), Index.of("J") * "I"), "c"),
    ],
)
def test_indices_are_printed_as_written_by_hand(index: Index, printed: str) -> None:
    assert str(index) == printed
    assert parse_read(f"x[{printed}]").indices == (index,)


@pytest.mark.parametrize("divisor", [Index.of(0), Index.of(-2), -s, -s - 1, s - s])
@pytest.mark.parametrize("divide", [floor_quotient, remainder, exact_quotient])
def test_divisors_are_positive(divide: object, divisor: Index) -> None:
    assert callable(divide)
    with pytest.raises(FormulaError, match="divisor must be a positive integer"):
        divide(i, divisor)


def test_a_divisor_that_becomes_zero_is_an_error() -> None:
    with pytest.raises(FormulaError, match="divided by 0"):
        floor_quotient(i, s).replace({"s": Index.of(0)})


def test_indices_are_bounded_in_size() -> None:
    letters = [Index.of(f"i{n}") for n in range(200)]
    with pytest.raises(FormulaError, match="more than 100 terms"):
        reduce(add, letters)
    with pytest.raises(FormulaError, match="too large"):
        Index.of(2**40) * 2**40
    with pytest.raises(FormulaError, match="too large"):
        reduce(mul, letters)


def test_a_flattened_index_holds_letters() -> None:
    with pytest.raises(FormulaError, match="letters only"):
        flat([Index.of("c"), i + 1])

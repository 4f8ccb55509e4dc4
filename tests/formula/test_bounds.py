"""Bounds of index expressions hold for every value that they are said to hold for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.formula.bounds import (
    Fact,
    always,
    direct_reads,
    exact_interval,
    facts,
    guarded_reads,
    interval,
    spans,
)
from pellucid.formula.expression import Condition, Expr, IndexValue, Where
from pellucid.formula.index import Index, exact_quotient, floor_quotient, remainder
from pellucid.formula.parse import parse_expression

LETTERS = ("i", "j", "u")


@st.composite
def indices(draw: st.DrawFn, depth: int = 2) -> Index:
    affine = sum(
        (draw(st.integers(-3, 3)) * Index.of(s) for s in LETTERS), Index.of(draw(st.integers(-4, 4)))
    )
    if depth == 0 or draw(st.booleans()):
        return affine
    operation = draw(st.sampled_from((floor_quotient, remainder, exact_quotient)))
    inner = operation(draw(indices(depth - 1)), Index.of(draw(st.integers(2, 4))))
    return draw(st.integers(-2, 2)) * inner + (affine if draw(st.booleans()) else 0)


def values_of(index: Index, place: dict[str, int]) -> int | None:
    """By exact arithmetic; None where an exact division leaves a remainder."""
    total = 0
    for monomial, coefficient in index.terms:
        for atom in monomial:
            if isinstance(atom, str):
                coefficient *= place[atom]
                continue
            numerator, divisor = values_of(atom.numerator, place), values_of(atom.divisor, place)
            if numerator is None or divisor is None:
                return None
            if "%" in atom.key and atom.key.startswith(f"({atom.numerator.key})%"):
                coefficient *= numerator % divisor
            elif getattr(atom, "exact", False) and numerator % divisor:
                return None
            else:
                coefficient *= numerator // divisor
        total += coefficient
    return total


def places(extents: dict[str, int]) -> Iterator[dict[str, int]]:
    for values in product(*(range(n) for n in extents.values())):
        yield dict(zip(extents, values, strict=True))


def holds(fact: Fact, place: dict[str, int]) -> bool:
    value = values_of(fact.index, place)
    low, high = (end.constant if end is not None else None for end in (fact.low, fact.high))
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


some_facts = st.lists(
    st.builds(
        Fact,
        indices(depth=1),
        st.none() | st.integers(-3, 3).map(Index.of),
        st.none() | st.integers(-2, 6).map(Index.of),
    ),
    max_size=3,
)
some_extents = st.fixed_dictionaries({s: st.integers(1, 4) for s in LETTERS})


@given(indices(), some_facts, some_extents)
def test_no_value_lies_outside_its_interval(index: Index, known: list[Fact], extents: dict[str, int]) -> None:
    ranges = {s: (0, n - 1) for s, n in extents.items()}
    low, high = interval(index, ranges, tuple(known))
    exact = exact_interval(index, ranges, tuple(known))
    allowed = [p for p in places(extents) if all(holds(f, p) for f in known)]
    found = [v for p in allowed if (v := values_of(index, p)) is not None]
    assert all(low <= value <= high for value in found)
    if found:
        assert exact == (min(found), max(found))


@given(some_extents, st.integers(-3, 3), st.integers(-3, 3))
def test_an_interval_is_exact_where_every_letter_stands_once(extents: dict[str, int], a: int, b: int) -> None:
    index = a * Index.of("i") + b * Index.of("j") - 1
    found = [values_of(index, p) for p in places(extents)]
    assert interval(index, {s: (0, n - 1) for s, n in extents.items()}) == (min(found), max(found))


def condition_of(text: str) -> Condition:
    value = parse_expression(f"where({text}, 1, 2)", "i, j, u")
    assert isinstance(value, Where)
    return value.condition


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i < 4", True), ("i >= 4", False), ("i < 3", None), ("0 <= i + j < 7", True),
        ("0 <= i - 1 < 4", None), ("not (i < 4)", False), ("i < 4 and j < 4", True),
        ("i < 3 or j < 4", True), ("i > 5 or j > 5", False), ("2 | 4*i", True), ("2 | 2*i + 1", False),
        ("2 | i", None), ("i == i", True), ("x[i] > 0", None), ("i/2 <= 1", None), ("i - j == 0", None),
        ("i != i + 1", True), ("s < i", None),
    ],
)  # fmt: skip
def test_conditions_with_one_value_are_known(text: str, expected: bool | None) -> None:
    ranges = {"i": (0, 3), "j": (0, 3), "u": (0, 3)}
    assert always(condition_of(text), ranges) is expected


TRUTHS: dict[str, Callable[[int, int, int], bool]] = {
    "i < j": lambda i, j, u: i < j,
    "i + 2*j <= u": lambda i, j, u: i + 2 * j <= u,
    "i == j": lambda i, j, u: i == j,
    "0 <= 2*i - j < 3": lambda i, j, u: 0 <= 2 * i - j < 3,
    "i != 1": lambda i, j, u: i != 1,
    "i//2 > u": lambda i, j, u: i // 2 > u,
    "not (i > j or u == 0)": lambda i, j, u: not (i > j or u == 0),
}


@given(some_extents, st.sampled_from(sorted(TRUTHS)))
def test_facts_hold_where_their_condition_does(extents: dict[str, int], text: str) -> None:
    condition = condition_of(text)
    for place in places(extents):
        truth = TRUTHS[text](**place)
        for fact in facts(condition, holds=truth):
            assert holds(fact, place), (text, place, truth)


@pytest.mark.parametrize(
    ("index", "around", "expected"),
    [
        ("i", None, True), ("(i,j)", None, True), ("i + 1", None, False), ("2*i", None, False),
        ("0", None, False),
        ("i", "i < 3", False), ("i", "i < j", True), ("i", "i%2 == 0", True), ("i", "i//2 == 0", False),
        ("(i,j)", "j < 2", False), ("i", "x[j] > 0", True), ("i", "i < j and i < 2", False),
    ],
)  # fmt: skip
def test_a_letter_spans_its_axis_unless_sizes_bound_it(
    index: str, around: str | None, expected: bool
) -> None:
    value = parse_expression(index, "i, j")
    place = value.index if isinstance(value, IndexValue) else Index.of(0)
    known = facts(condition_of(around)) if around else ()
    assert spans(place, known, frozenset(LETTERS)) is expected


def reads_of(text: str) -> Expr:
    return parse_expression(text, "i, j, u")


def test_parts_of_a_condition_guard_each_other() -> None:
    found = dict(guarded_reads(reads_of("where(x[i - 1] > 0 and i >= 1, y[i], 0)")))
    guards = {read.tensor: known for read, known in found.items()}
    assert interval(Index.of("i") - 1, {"i": (0, 3)}, guards["x"]) == (0, 2)


def test_a_maximum_consists_of_what_is_chosen_not_of_what_chooses() -> None:
    def guards(text: str) -> dict[str, int]:
        return {read.tensor: len(around) for read, around in direct_reads(reads_of(text))}

    assert guards("where(a[i] > 0, b[i], c[i]) + (sum[v] d[v])*e[i]") == {"b": 0, "c": 0, "e": 0}
    assert guards("where(i > 0, b[i - 1], where(j < i, c[i], 0))") == {"b": 1, "c": 2}

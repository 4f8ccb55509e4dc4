"""Extents follow from shapes by every convention; what contradicts itself is refused with both sources."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import GeometryError
from pellucid.formula.evaluate import plan
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve

WINDOW = "y[i] = sum[u] w[u]*x[s*i + a*u - p]"


def shape_of(
    text: str, shapes: dict[str, tuple[int, ...]], sizes: dict[str, int] | None = None, **options: Any
) -> tuple[int, ...]:
    formula = Formula.parse(text, **options)
    return solve(formula, shapes, sizes).shapes[formula.output]


@given(
    size=st.integers(1, 40),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    before=st.integers(0, 4),
    after=st.integers(0, 4),
)
def test_a_window_has_the_positions_of_the_convention(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int
) -> None:
    """floor((H + pad_top + pad_bottom - dilation*(R - 1) - 1)/stride) + 1; below 1 is an error."""
    expected = (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
    formula = Formula.parse(
        WINDOW, constants={"s": stride, "a": dilation, "p": before}, padding={"x": {0: (before, after)}}
    )
    shapes = {"w": (kernel,), "x": (size,)}
    if expected < 1:
        with pytest.raises(GeometryError, match="no room for even one value of 'i'"):
            solve(formula, shapes)
    else:
        ranges = solve(formula, shapes)
        assert ranges.shapes["y"] == (expected,)
        assert ranges.extents == {"i": expected, "u": kernel}


@pytest.mark.parametrize(
    ("text", "shapes", "expected"),
    [
        ("y[n,k] = b[k] + sum[d] w[k,d]*x[n,d]", {"b": (3,), "w": (3, 4), "x": (2, 4)}, (2, 3)),
        ("y[n,(c,i,j)] = x[n,c,i,j]", {"x": (2, 3, 4, 5)}, (2, 60)),
        ("y[n,(g,k)] = sum[c] w[(g,k),c]*x[n,(g,c)]", {"w": (6, 2), "x": (5, 4)}, (5, 6)),
        ("y[i] = x[i//2]", {"x": (3,)}, (6,)),
        ("y[i] = x[i//2 + 1]", {"x": (3,)}, (4,)),
        ("y[i] = x[i%3]*z[i]", {"x": (3,), "z": (7,)}, (7,)),
        ("y[i] = x[i + 2] - 2*x[i + 1] + x[i]", {"x": (9,)}, (7,)),
        ("y[i] = x[I - 1 - i]*w[i]", {"x": (4,), "w": (4,)}, (4,)),
        ("y[i] = where(i < 3, a[i], b[i - 3])", {"a": (3,), "b": (4,)}, (7,)),
        ("y[i] = sum[j : j <= i] w[i]*x[j]", {"w": (4,), "x": (4,)}, (4,)),
        ("y[i,i'] = x[i]*x[i']", {"x": (4,)}, (4, 4)),
        ("y = sum[i] x[i]", {"x": (4,)}, ()),
        ("y[i] = sum[r<5] x[i + r]", {"x": (9,)}, (5,)),
        ("y[n,c,i] = sum[r<3] x[n,c + r - 1,i]", {"x": (2, 5, 3)}, (2, 3, 3)),
        ("a[i] = x[2*i]\ny[j] = a[j + 1]", {"x": (9,)}, (4,)),
    ],
)  # fmt: skip
def test_shapes_follow_from_shapes(
    text: str, shapes: dict[str, tuple[int, ...]], expected: tuple[int, ...]
) -> None:
    constants = {"G": 2} if "(g," in text else {}
    padding = {"x": {1: (1, 1)}} if "r - 1" in text else {}
    if padding:
        expected = (2, 5, 3)
    assert shape_of(text, shapes, constants=constants, padding=padding) == expected


def test_input_that_the_last_window_does_not_reach_is_left_out() -> None:
    assert shape_of("y[i] = max[u<2] x[2*i + u]", {"x": (5,)}) == (2,)


def test_an_operand_with_named_axes_may_be_left_out() -> None:
    formula = Formula.parse("y[n,k] = sum[d] w[k,d]*x[n,d]", axes={"w": "k,d"})
    assert solve(formula, {"x": (2, 4)}, {"K": 3}).shapes["w"] == (3, 4)


def test_sizes_may_be_given() -> None:
    assert shape_of("y[i] = sum[j] w[(i - j)%J]*x[j]", {"w": (4,), "x": (4,)}, {"I": 6}) == (6,)
    assert shape_of("y[i] = i/I", {}, {"I": 6}) == (6,)


@pytest.mark.parametrize(
    ("text", "shapes", "sources"),
    [
        (
            "y[n,k] = b[k] + sum[d] w[k,d]*x[n,d]",
            {"b": (3,), "w": (4, 5), "x": (2, 5)},
            ["axis 0 of b in b[k]", "axis 0 of w in w[k,d]", "3", "4"],
        ),
        ("y[i] = x[i]*z[i]", {"x": (3,), "z": (4,)}, ["axis 0 of x in x[i]", "axis 0 of z in z[i]"]),
        (
            "y[(c,i)] = x[(c,i)]*a[c]*b[i]",
            {"x": (7,), "a": (2,), "b": (3,)},
            ["(c,i) takes 6 values", "axis 0 of x"],
        ),
        (
            "y[c] = sum[i] x[(c,i)]*b[i]",
            {"x": (7,), "b": (3,)},
            ["covers axis 0 of x", "7 elements", "3 does not divide"],
        ),
        ("y[i] = sum[r<3] w[r]*x[i + r]", {"w": (5,), "x": (9,)}, ["the bound r < 3", "axis 0 of w"]),
        ("y[i] = x[i] + N", {"x": (3,), "z": (4,)}, ["N"]),
    ],
)  # fmt: skip
def test_contradictions_name_their_sources(
    text: str, shapes: dict[str, tuple[int, ...]], sources: list[str]
) -> None:
    with pytest.raises(GeometryError) as caught:
        plan(Formula.parse(text), shapes)
    for source in sources:
        assert source in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        (
            "y[i] = x[i + 1]*z[i]",
            {"x": (4,), "z": (4,)},
            r"x\[i \+ 1\] .* reads axis 0 of x from 1 to 4, but it has 4 elements",
        ),
        ("y[i] = x[i - 1]*z[i]", {"x": (4,), "z": (4,)}, "from -1 to 2"),
        ("y[i] = x[2]*z[i]", {"x": (2,), "z": (4,)}, "from 2 to 2, but it has 2 elements"),
        ("y[i] = where(i > 0, x[i - 2], 0)*z[i]", {"x": (4,), "z": (4,)}, "from -1 to 1"),
        ("y[n] = sum[k] x[n,k,0]", {"x": (2, 3)}, "has 3 indices, but x has shape"),
        ("y[i] = x[i//(I - 4)]*z[i]", {"x": (4,), "z": (4,)}, "divided by 0"),
    ],
)  # fmt: skip
def test_reads_outside_a_tensor_are_refused(
    text: str, shapes: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(GeometryError, match=message):
        solve(Formula.parse(text), shapes)


@pytest.mark.parametrize("padding", [(0, 1), (1, 0), (0, 0)])
def test_reads_outside_the_declared_padding_are_refused(padding: tuple[int, int]) -> None:
    formula = Formula.parse("y[i] = (x[i - 1] + x[i + 1])*z[i]", padding={"x": {0: padding}})
    with pytest.raises(GeometryError, match="reads axis 0 of x"):
        solve(formula, {"x": (4,), "z": (4,)})
    whole = Formula.parse("y[i] = (x[i - 1] + x[i + 1])*z[i]", padding={"x": {0: (1, 1)}})
    assert solve(whole, {"x": (4,), "z": (4,)}).shapes["y"] == (4,)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("y[i] = where(i >= 1, x[i - 1], 0)*z[i]", {"x": 3, "z": 4}),
        ("y[i] = where(i < 1, 0, x[i - 1])*z[i]", {"x": 3, "z": 4}),
        ("y[i] = where(not (i < 1), x[i - 1], 0)*z[i]", {"x": 3, "z": 4}),
        ("y[i] = where(i < 1 or i > 2, 0, x[i - 1])*z[i]", {"x": 2, "z": 4}),
        ("y[i] = sum[j : j <= i] x[i - j]*z[i]*w[j]", {"x": 4, "z": 4, "w": 4}),
        ("y[i] = where(0 <= 2*i - 1 < 3, x[2*i - 1], 0)*z[i]", {"x": 3, "z": 4}),
        ("y[i] = where(i >= 1 and x[i - 1] > 0, 1, 0)*z[i]", {"x": 3, "z": 4}),
        ("y[i] = where(2 | i, x[i/2], 0)*z[i]", {"x": 2, "z": 4}),
        ("y[i] = z[i] + where(3*i + 1 <= 7, x[(3*i + 1)//2], 0)", {"x": 4, "z": 4}),
    ],
)
def test_conditions_keep_reads_inside(text: str, given: dict[str, int]) -> None:
    assert shape_of(text, {name: (size,) for name, size in given.items()}) == (4,)


@pytest.mark.parametrize("op", ["max", "min", "argmax", "argmin"])
def test_a_window_that_sees_padding_only_is_refused(op: str) -> None:
    formula = Formula.parse(f"y[i] = {op}[u<2] x[i + u - 2]", padding={"x": {0: (2, 0)}})
    with pytest.raises(GeometryError, match="sees nothing but padding"):
        plan(formula, {"x": (4,)})
    plan(Formula.parse(f"y[i] = {op}[u<3] x[i + u - 2]", padding={"x": {0: (2, 0)}}), {"x": (4,)})


@pytest.mark.parametrize(
    ("text", "shapes", "missing"),
    [
        ("y[i] = sum[j] x[i]", {"x": (3,)}, "'j'"),
        ("y[i,j] = x[i]", {"x": (3,)}, "'j'"),
        ("y[i] = sum[j] x[i + j]", {"x": (3,)}, "'i'"),
        ("y[i] = x[i]*s[0]", {"x": (3,)}, "shape of s"),
        ("y[i] = x[q*i]", {"x": (3,)}, r"x\[q\*i\] cannot be judged as 'q' has no value"),
    ],
)
def test_what_follows_from_nothing_is_asked_for(
    text: str, shapes: dict[str, tuple[int, ...]], missing: str
) -> None:
    with pytest.raises(GeometryError, match=missing):
        solve(Formula.parse(text), shapes)


def test_padding_by_a_constant_needs_its_value() -> None:
    formula = Formula.parse("y[i] = sum[u] w[u]*x[i + u - p]", padding={"x": {0: "p"}})
    with pytest.raises(GeometryError, match="'p' has no value; give it as a constant"):
        solve(formula, {"w": (3,), "x": (4,)})
    other = Formula.parse("y[i] = sum[u] w[u]*x[i + u]", padding={"x": {0: "p"}})
    with pytest.raises(GeometryError, match="padding of axis 0 of x is not known"):
        solve(other, {"w": (3,), "x": (4,)})


def test_nothing_is_large_enough_to_hang() -> None:
    shapes = {"w": (3,), "x": (10**9,)}
    assert shape_of(WINDOW, shapes, constants={"s": 2, "a": 1, "p": 0}) == ((10**9 - 3) // 2 + 1,)

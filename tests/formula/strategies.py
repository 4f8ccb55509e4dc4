"""Random formulas as objects: everything that the parser can make of a text, with scopes and names in order.

An index is drawn as a tree of Python operations and built from it, so that a test can also work out the tree.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import add as plus
from operator import mul as times
from operator import sub as minus
from typing import Any

from hypothesis import strategies as st

from pellucid.formula.expression import (
    COMPARISONS,
    FUNCTIONS,
    Bound,
    Call,
    Compare,
    Condition,
    Delta,
    Derivative,
    Divides,
    Equation,
    Expr,
    Not,
    Num,
    Or,
    Read,
    Reduce,
    Where,
    Within,
    add,
    all_of,
    count,
    iverson,
    mul,
    power,
)
from pellucid.formula.index import Index, exact_quotient, flat, floor_quotient, remainder
from pellucid.formula.parse import Assumption

FREE = ("i", "j", "n")
BINDABLE = ("u", "v", "c", "k'")
CONSTANTS = ("s", "p", "a")
# No letter has one of these sizes, so nothing is known of what lies below them.
SIZES = ("H", "W")
TENSORS = ("x", "w", "dy", "conv1.weight", "x1", "sigma")
SCALARS = ("alpha", "eps", "t0")
OPERATIONS = {"+": plus, "-": minus, "*": times, "//": floor_quotient, "%": remainder, "/": exact_quotient}

# ("i",), (3,), ("-", left, right), ...
Tree = tuple[Any, ...]


def built(tree: Tree) -> Index:
    """The tree of operations put together as an index, in normal form."""
    if len(tree) == 1:
        return Index.of(tree[0])
    return OPERATIONS[tree[0]](built(tree[1]), built(tree[2]))


def index_trees(
    letters: Iterable[str], constants: Iterable[str] = CONSTANTS, *, exact: bool = True
) -> st.SearchStrategy[Tree]:
    """Operations over letters, constants, sizes and small integers; whatever divides is positive."""
    symbols = st.sampled_from((*letters, *constants, *SIZES)).map(lambda s: (s,))
    positive = st.integers(1, 5).map(lambda n: (n,)) | st.sampled_from((*constants, *SIZES)).map(
        lambda s: (s,)
    )
    divisors = positive | st.tuples(st.just("*"), positive, positive)
    signs = st.sampled_from(("//", "%", "/") if exact else ("//", "%"))

    def deeper(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        return st.tuples(st.sampled_from("+-*"), inner, inner) | st.tuples(signs, inner, divisors)

    return st.recursive(symbols | st.integers(-4, 4).map(lambda n: (n,)), deeper, max_leaves=6)


def flats(letters: Iterable[str]) -> st.SearchStrategy[Index]:
    names = sorted(set(letters))
    return st.permutations(names).map(lambda p: flat(Index.of(s) for s in p))


def indices(letters: Iterable[str], *, exact: bool = True) -> st.SearchStrategy[Index]:
    """Index expressions as they stand between the brackets of a tensor."""
    letters = tuple(letters)
    return index_trees(letters, exact=exact).map(built) | flats(letters)


def counts(letters: Iterable[str]) -> st.SearchStrategy[Expr]:
    """Index expressions as values; constants are values of their own there, and divisions are of numbers."""
    letters = tuple(letters)
    return (index_trees(letters, (), exact=False).map(built) | flats(letters)).map(count)


def whole_or_simple_fractions() -> st.SearchStrategy[Expr]:
    return st.integers(-9, 9).map(Num) | st.fractions(-3, 3, max_denominator=6).map(lambda f: mul(Num(f)))


def floats() -> st.SearchStrategy[Expr]:
    return st.floats(1e-30, 1e30).map(Num)


def element(draw: st.DrawFn, letters: tuple[str, ...], *, exact: bool) -> Read:
    axes = draw(st.lists(indices(letters, exact=exact), min_size=1, max_size=3))
    return Read(draw(st.sampled_from(TENSORS)), tuple(axes))


@st.composite
def expressions(
    draw: st.DrawFn, letters: tuple[str, ...] = FREE, depth: int = 3, *, rational: bool = False
) -> Expr:
    """A value; if `rational`, one that stays an exact fraction when its operands are (see `exact`)."""
    if depth == 0 or draw(st.integers(0, 9)) < 2:
        return draw(_leaves(letters, rational=rational))
    kind = draw(st.sampled_from(COMPOUND))
    inner = expressions(letters, depth - 1, rational=rational)
    match kind:
        case "add":
            return add(*draw(st.lists(inner, min_size=2, max_size=4)))
        case "subtract":
            return draw(inner) - draw(inner)
        case "mul":
            return mul(*draw(st.lists(inner, min_size=2, max_size=4)))
        case "divide":
            divisor = draw(inner)
            return mul(draw(inner), power(divisor if divisor != Num(0) else Num(7), Num(-1)))
        case "power":
            return draw(_powers(inner, rational=rational))
        case "call":
            name = draw(st.sampled_from(sorted(FUNCTIONS)))
            return Call(name, tuple(draw(inner) for _ in range(FUNCTIONS[name])))
        case "where":
            condition = draw(conditions(letters, depth - 1, rational=rational))
            return Where(condition, draw(inner), draw(inner))
        case "iverson":
            return iverson(draw(conditions(letters, depth - 1, rational=rational)))
        case "delta":
            return Delta(
                draw(indices(letters, exact=not rational)), draw(indices(letters, exact=not rational))
            )
        case "derivative" if not rational:
            return Derivative(draw(inner), element(draw, letters, exact=True))
    return draw(reductions(letters, depth - 1, rational=rational))


COMPOUND = (
    "add", "add", "subtract", "mul", "mul", "divide", "power", "call", "where", "iverson", "delta",
    "derivative", "reduce", "reduce",
)  # fmt: skip


@st.composite
def _leaves(draw: st.DrawFn, letters: tuple[str, ...], *, rational: bool) -> Expr:
    kind = draw(st.integers(0, 6))
    if kind < 3:
        return element(draw, letters, exact=not rational)
    if kind == 3:
        return Read(draw(st.sampled_from(SCALARS + CONSTANTS)))
    if kind == 4:
        return draw(counts(letters))
    return draw(whole_or_simple_fractions() if rational or kind == 5 else floats())


@st.composite
def _powers(draw: st.DrawFn, inner: st.SearchStrategy[Expr], *, rational: bool) -> Expr:
    base = draw(inner)
    exponent = Num(draw(st.integers(-3, 4))) if rational or draw(st.booleans()) else draw(inner)
    if isinstance(base, Num) and base.value == 0:
        base = Num(2)
    return power(base, exponent)


@st.composite
def reductions(draw: st.DrawFn, letters: tuple[str, ...], depth: int, *, rational: bool = False) -> Expr:
    new = [b for b in BINDABLE if b not in letters]
    if not new:
        return draw(_leaves(letters, rational=rational))
    names = draw(st.lists(st.sampled_from(new), min_size=1, max_size=2, unique=True))
    extents = st.none() | st.sampled_from(("H", "W", 2, 3)).map(Index.of)
    bounds = tuple(Bound(name, draw(extents)) for name in names)
    inner = (*letters, *names)
    op = draw(st.sampled_from(("sum", "sum", "mean", "max", "min", "argmax", "argmin")))
    body = draw(expressions(inner, depth, rational=rational))
    if op == "sum" and draw(st.booleans()):
        body = Where(draw(conditions(inner, depth, rational=rational)), body, Num(0))
    return Reduce(op, bounds, body)


@st.composite
def conditions(
    draw: st.DrawFn, letters: tuple[str, ...] = FREE, depth: int = 2, *, rational: bool = False
) -> Condition:
    kind = draw(
        st.sampled_from(("compare", "values", "divides", "within") + ("and", "or", "not") * (depth > 0))
    )
    at, inner = indices(letters, exact=not rational), conditions(letters, depth - 1, rational=rational)
    match kind:
        case "compare":
            # with a letter in it, so that it is a comparison of indices
            letter = Index.of(draw(st.sampled_from(letters)))
            return Compare(draw(st.sampled_from(COMPARISONS)), count(letter), count(draw(at)))
        case "values":
            left = element(draw, letters, exact=not rational)
            right = draw(expressions(letters, max(depth - 1, 0), rational=rational))
            return Compare(draw(st.sampled_from(COMPARISONS)), left, right)
        case "divides":
            return Divides(built(draw(st.sampled_from([("s",), (2,), (3,), ("*", (2,), ("a",))]))), draw(at))
        case "within":
            return Within(draw(at), draw(st.sampled_from(("H", "I", 3)).map(Index.of)))
        case "not":
            return Not(draw(inner))
    parts = draw(st.lists(inner, min_size=2, max_size=3))
    return (all_of(parts) or parts[0]) if kind == "and" else Or(tuple(parts))


@st.composite
def equations(draw: st.DrawFn) -> Equation:
    axes: list[Index] = [Index.of("n"), flat([Index.of("i"), Index.of("j")])]
    if draw(st.booleans()):
        axes = [Index.of(s) for s in draw(st.permutations(FREE))]
    target = Read(draw(st.sampled_from(("y", "dx", "dconv1.weight", "m1"))), tuple(axes))
    return Equation(target, draw(expressions(FREE)), shift=draw(st.booleans()))


@st.composite
def assumptions(draw: st.DrawFn) -> Assumption:
    body = Read("y", (Index.of("n"), Index.of("c")))
    right = draw(st.integers(0, 3).map(Num) | st.just(Read("eps")) | expressions(("n",), 1))
    return Assumption(Reduce("sum", (Bound("c"),), body), right)

"""A network's program as one list of equations over uniquely named tensors, ready to be lowered.

What depends on the number of images is a scalar of its own, `COUNT`: a tile of images runs by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Equation,
    Expr,
    IndexValue,
    Node,
    Num,
    Read,
    Reduce,
    as_expr,
    map_children,
    mul,
    power,
    with_reads,
)
from pellucid.formula.formula import Formula
from pellucid.formula.index import Index, size_of
from pellucid.formula.ranges import Ranges
from pellucid.formula.specialise import specialised

__all__ = ["COUNT", "Named", "gradient_of", "named_equations"]

# The number of images of the batch, as a scalar that is given at run time.
COUNT = Read("@count")


@dataclass(frozen=True)
class Named:
    """An equation in numbers over uniquely named tensors.

    Attributes:
        equation: what it says.
        ranges: extents of its letters.
        images: the letter that runs over images, None if it has none.
        accumulate: whether the target is added to, tile after tile or use after use.
        constants: values of its named scalars.
        over_tiles: whether it is added to only what earlier tiles left, so that the first tile sets it.
    """

    equation: Equation
    ranges: Ranges
    images: str | None
    accumulate: bool
    constants: Mapping[str, float]
    over_tiles: bool = False


def gradient_of(value: str) -> str:
    """The unique name of a value's gradient."""
    return f"d {value}"


def named_equations(
    formula: Formula, ranges: Ranges, names: Mapping[str, str], prefix: str, *, totals: Iterable[str] = (),
    seen: set[str] | None = None, every_image: bool = False,
) -> list[Named]:  # fmt: skip
    """The equations of one formula under the network's names.

    Args:
        formula: forward or backward equations.
        ranges: their extents for one tile of images.
        names: the network's name behind each of the formula's tensors; others get the prefix.
        prefix: name of the step.
        totals: unique names of tensors that are added to, tile after tile.
        seen: names written so far; one that is written again is added to.
        every_image: whether the tile is the whole batch, so that its size is a number like any other.
    """
    seen = set() if seen is None else seen
    letter = None if every_image else _images_letter(formula, names, prefix)
    counted = Formula(
        tuple(Equation(e.target, _counted(e.value, letter)) for e in formula.equations),
        constants=formula.constants, padding=formula.padding, axes=formula.axes,
    )  # fmt: skip
    result: list[Named] = []
    for equation in specialised(counted, ranges).equations:
        renamed = _renamed(equation, names, prefix, formula.constants)
        over_tiles = renamed.name in totals and renamed.name not in seen
        again = renamed.name in seen or over_tiles
        seen.add(renamed.name)
        own, numbers = _ranges(ranges, names, prefix), _numbers(formula.constants, prefix)
        result.append(Named(renamed, own, letter, again, numbers, over_tiles))
    return result


def _numbers(constants: Mapping[str, int | float], prefix: str) -> dict[str, float]:
    """Values of constants, whose letters may stand for other numbers in other steps."""
    return {f"{prefix}:{name}": float(value) for name, value in constants.items()} | {"pi": math.pi}


def _ranges(ranges: Ranges, names: Mapping[str, str], prefix: str) -> Ranges:
    return Ranges(
        ranges.extents, ranges.symbols, {_name(t, names, prefix): s for t, s in ranges.shapes.items()}
    )


def _name(tensor: str, names: Mapping[str, str], prefix: str) -> str:
    return names.get(tensor, f"{prefix}:{tensor}")


def _images_letter(formula: Formula, names: Mapping[str, str], step: str) -> str | None:
    """The letter that stands first in the step's output or the gradient from above: images come first.

    A loss has no such output; there it stands first in what the step is given.
    """
    own = {tensor for tensor, name in names.items() if name in (step, gradient_of(step))}
    elements = [*(e.target for e in formula.equations), *(r for _, r in formula.reads())]
    for tensors in (own, names.keys()):
        for element in elements:
            if element.tensor in tensors and len(element.indices) > 1:
                return element.indices[0].letter
    return "n" if "n" in formula.letters else None


def _counted(value: Expr, letter: str | None) -> Expr:
    """Means over images and values that hold their number, with the number as a scalar."""
    if letter is None:
        return value
    size = size_of(letter)

    def visit(node: Node) -> Node:
        if isinstance(node, Reduce) and node.op == "mean" and any(b.letter == letter for b in node.letters):
            others = Index.of(1)
            for bound in node.letters:
                others = others * (bound.size if bound.letter != letter else Index.of(1))
            total = Reduce("sum", node.letters, as_expr(visit(node.body)))
            divisor = mul(COUNT, Num(others.constant) if others.constant is not None else IndexValue(others))
            return mul(power(divisor, Num(-1)), total)
        if isinstance(node, IndexValue) and size in node.index.symbols:
            rest = node.index.divided(Index.of(size))
            if rest is None or size in rest.symbols:
                raise FormulaError(f"{node!r} depends on the number of images in a way that is not compiled")
            return mul(COUNT, Num(rest.constant) if rest.constant is not None else IndexValue(rest))
        return map_children(node, visit)

    return as_expr(visit(value))


def _renamed(
    equation: Equation, names: Mapping[str, str], prefix: str, constants: Mapping[str, object]
) -> Equation:
    def renamed(read: Read) -> Read:
        if read == COUNT or (not read.indices and read.tensor == "pi"):
            return read
        if not read.indices and read.tensor in constants:
            return Read(f"{prefix}:{read.tensor}")
        return Read(_name(read.tensor, names, prefix), read.indices)

    return Equation(renamed(equation.target), with_reads(equation.value, renamed))

"""What every letter of an equation stands for, found from where it stands in the equation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pellucid.explain.article.content import NO_GRADIENTS, Cell, Math, Number, Table
from pellucid.explain.meaning import listed
from pellucid.formula.expression import Equation, Read, Reduce, indices_of, reads, walk
from pellucid.formula.formula import CONSTANTS, Formula, letters_of, target_letters
from pellucid.formula.index import Index, flat_parts, size_of
from pellucid.formula.ranges import Ranges, Shape

__all__ = ["AXES", "Tensor", "notation", "shown_shape"]

# What the axes of a value are, by their number.
AXES: Mapping[int, tuple[str, ...]] = {
    1: ("image",), 2: ("image", "feature"), 3: ("image", "channel", "position"),
    4: ("image", "channel", "row", "column"),
}  # fmt: skip


# What a constant in an index does.
ROLES = {
    "step": "stride: {} from one window to the next",
    "spread": "dilation: {} from one element of the window to the next",
    "before": "padding: {} before the first",
}


@dataclass(frozen=True)
class Tensor:
    """What a tensor of an equation is.

    Attributes:
        words: what it is.
        part: "input" or "output" of a layer, whose axes have a meaning; else empty.
        axes: what its axes are.
    """

    words: Cell
    part: str = ""
    axes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    """Where a letter stands: the tensor, its axis, and the index, if the letter is not alone in it."""

    tensor: str
    axis: int
    index: Index
    alone: bool


def notation(
    equations: Sequence[Equation], formula: Formula, ranges: Ranges, tensors: Mapping[str, Tensor],
    caption: str, gradients: Mapping[str, str] = NO_GRADIENTS, context: Sequence[Equation] = (),
) -> Table:  # fmt: skip
    """A table of all tensors, index letters, constants and sizes in some equations.

    Args:
        equations: whose letters are listed.
        formula: to which they belong, with its constants and padding.
        ranges: the extents, sizes and shapes here.
        tensors: what the tensors are.
        caption: of the table.
        gradients: which tensors are gradients, and of what.
        context: other equations of the layer, which show what a letter counts.
    """
    found = _Letters(equations, formula, ranges, tensors, gradients, context)
    rows = [*found.tensor_rows(), *found.letter_rows(), *found.constant_rows(), *found.size_rows()]
    return Table(caption, ("symbol", "what it is", "here"), tuple(rows), kind="notation")


def shown_shape(shape: Shape) -> str:
    """Sizes with signs of multiplication between them."""
    return " × ".join(f"{size:,}" for size in shape) if shape else "one number"


class _Letters:
    def __init__(
        self, equations: Sequence[Equation], formula: Formula, ranges: Ranges, tensors: Mapping[str, Tensor],
        gradients: Mapping[str, str], context: Sequence[Equation],
    ) -> None:  # fmt: skip
        self.gradients = gradients
        self.equations, self.formula, self.ranges, self.tensors = equations, formula, ranges, tensors
        self.reads = [r for e in equations for r in (e.target, *reads(e.value))]
        self.letters = [s for s in _in_order(equations) if s in ranges.extents]
        self.known = [r for e in (*equations, *context) for r in (e.target, *reads(e.value))]
        self.targets = {s for e in context or equations for s in target_letters(e)}

    def tensor_rows(self) -> Iterator[tuple[Cell, ...]]:
        for name in dict.fromkeys(r.tensor for r in self.reads):
            if name in self.tensors:
                words = self.tensors[name].words
                shape = self.ranges.shapes.get(name, ())
                yield (Math(self._general(name), self.gradients),), words, (shown_shape(shape),)

    def _general(self, name: str) -> Read:
        """The tensor with plain letters where an equation has them."""
        candidates = [r for r in self.reads if r.tensor == name]
        plain = (r for r in candidates if all(i.letter or flat_parts(i) for i in r.indices))
        return next(plain, Read(name))

    def letter_rows(self) -> Iterator[tuple[Cell, ...]]:
        for letter in self.letters:
            extent = self.ranges.extents[letter]
            here = "0" if extent == 1 else f"0 … {extent - 1:,}"
            yield (Math(Index.of(letter)),), (self.role(letter),), (here,)

    def role(self, letter: str) -> str:
        """What an index letter counts."""
        places = [*self._places(letter)]
        alone = {part: self._axes(places, part) for part in ("input", "output")}
        shared = [word for word in alone["input"] if word in alone["output"]]
        if shared or (alone["input"] and letter in self.targets):
            return listed(shared or alone["input"])
        named = [f"{part} {word}" for part in ("output", "input") for word in alone[part]]
        if named:
            return listed(named)
        windows = dict.fromkeys(
            self.tensors[p.tensor].axes[p.axis] for p in places if self._is(p, "input") and not p.alone
        )
        if windows:
            return f"{listed(windows)} inside the window"
        axes = [f"axis {p.axis + 1} of {p.tensor}" for p in places if p.alone]
        return "index: " + listed(axes) if axes else "index"

    def _axes(self, places: Sequence[_Place], part: str) -> list[str]:
        axes = (self.tensors[p.tensor].axes[p.axis] for p in places if p.alone and self._is(p, part))
        return list(dict.fromkeys(axes))

    def _is(self, place: _Place, part: str) -> bool:
        tensor = self.tensors.get(place.tensor)
        return tensor is not None and tensor.part == part and place.axis < len(tensor.axes)

    def _places(self, letter: str) -> Iterator[_Place]:
        for read in self.known:
            for axis, index in enumerate(read.indices):
                if letter in index.symbols:
                    yield _Place(read.tensor, axis, index, index.letter == letter)

    def constant_rows(self) -> Iterator[tuple[Cell, ...]]:
        constants = {**CONSTANTS, **self.formula.constants}
        used = _symbols(self.equations) | {r.tensor for r in self.reads if not r.indices}
        for name in (n for n in constants if n in used and n not in self.tensors):
            yield (Math(Index.of(name)),), (self._constant(name),), (Number(float(constants[name])),)

    def _constant(self, name: str) -> str:
        """What a constant does, by the company that it keeps in the indices of what is read."""
        sized = next((s for s in self.letters if size_of(s) == name), None)
        if sized is not None:
            return f"number of values of {sized}"
        for role, sentence in ROLES.items():
            words = [word for found, word in self._company(name) if found == role]
            if words:
                return sentence.format(listed(f"{word}s" for word in words))
        return "a constant of the layer"

    def _company(self, name: str) -> Iterator[tuple[str, str]]:
        """For each place where the constant stands in an index: its role there, and what the axis is."""
        for read in self.known:
            tensor = self.tensors.get(read.tensor)
            for axis, index in enumerate(read.indices):
                word = tensor.axes[axis] if tensor and axis < len(tensor.axes) else "place"
                for atoms, factor in index.terms:
                    others = [a for a in atoms if a != name]
                    if name in atoms and others:
                        yield ("step" if any(a in self.targets for a in others) else "spread"), word
                    elif name in atoms and factor < 0:
                        yield "before", word

    def size_rows(self) -> Iterator[tuple[Cell, ...]]:
        sizes = {size_of(s): s for s in self.letters}
        for name in sorted(_symbols(self.equations) & sizes.keys() - self.formula.constants.keys()):
            words = f"number of values of {sizes[name]}"
            yield (Math(Index.of(name)),), (words,), (Number(self.ranges.symbols[name]),)


def _in_order(equations: Sequence[Equation]) -> list[str]:
    """All letters, those of left sides first."""
    outer = [s for e in equations for s in target_letters(e)]
    return [*dict.fromkeys([*outer, *sorted(s for e in equations for s in letters_of(e))])]


def _symbols(equations: Sequence[Equation]) -> set[str]:
    """Symbols that are seen in indices, and sizes that means divide by."""
    found: set[str] = set()
    for node in (n for e in equations for n in walk(e.value)):
        found = found.union(*(i.symbols for i in indices_of(node)))
        if isinstance(node, Reduce) and node.op == "mean":
            found = found.union(*(b.size.symbols for b in node.letters))
    return found

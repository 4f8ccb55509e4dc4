"""The extents of index letters and the shapes of tensors, solved from the operands' shapes.

A letter that alone indexes an axis has the extent of that axis.  A letter inside an index expression such as
``s*i + u - p`` has the largest extent with which every read stays inside its operand and declared padding.

>>> f = Formula.parse("y[i] = sum[u] w[u] * x[2*i + u - 1]", padding={"x": {0: (1, 0)}})
>>> solve(f, {"w": (3,), "x": (8,)}).shapes["y"]
(4,)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pellucid.errors import FormulaError, GeometryError
from pellucid.formula.bounds import Fact, Interval, exact_interval, guarded_reads, interval, spans
from pellucid.formula.expression import Bound, Equation, Read, Reduce, walk
from pellucid.formula.formula import Formula, letters_of
from pellucid.formula.index import Index, flat_parts, size_of

__all__ = ["Ranges", "Shape", "solve", "validate"]

Shape = tuple[int, ...]
LARGEST = 1 << 40


@dataclass(frozen=True)
class Ranges:
    """What the letters and sizes of a formula stand for.

    Attributes:
        extents: number of values of each index letter.
        symbols: value of each size and integer constant.
        shapes: shape of each operand and of each defined tensor.
    """

    extents: Mapping[str, int]
    symbols: Mapping[str, int]
    shapes: Mapping[str, Shape]

    def number(self, index: Index) -> Index:
        """The index with sizes and constants as numbers."""
        return index.replace({s: Index.of(self.symbols[s]) for s in index.symbols if s in self.symbols})

    def value(self, index: Index) -> int:
        """The value of an index expression without letters."""
        number = self.number(index).constant
        if number is None:
            unknown = ", ".join(sorted(index.symbols - self.symbols.keys()))
            raise GeometryError(
                f"the value of {index} is not known: {unknown} is given by no operand or constant"
            )
        return number

    def extent(self, bound: Bound) -> int:
        if bound.extent is not None:
            return self.value(bound.extent)
        return self.extents[bound.letter] if bound.letter in self.extents else self.value(bound.size)

    def intervals(self) -> dict[str, Interval]:
        """The range of every symbol, for `pellucid.formula.bounds`."""
        found = {s: (v, v) for s, v in self.symbols.items()}
        return found | {letter: (0, extent - 1) for letter, extent in self.extents.items()}


def solve(formula: Formula, shapes: Mapping[str, Shape], sizes: Mapping[str, int] | None = None) -> Ranges:
    """The extents of all letters and the shapes of all tensors.

    Args:
        formula: the equations, their constants, padding and axes.
        shapes: shape of each operand; an operand whose axes are declared may be left out, its shape is then
            solved.
        sizes: extents already known, by size symbol (``{"H": 28}``).

    Raises:
        GeometryError: two sources contradict each other, a read leaves its operand and padding, a letter has
            no room for even one value, or an extent follows from nothing.
    """
    solver = _Solver(formula, dict(shapes))
    for name, value in (sizes or {}).items():
        solver.fix(name, value, f"the given size {name} = {value}")
    solver.run()
    extents = {letter: solver.known[size_of(letter)] for letter in formula.letters}
    ranges = Ranges(extents, solver.known, solver.shapes)
    validate(formula, ranges)
    return ranges


@dataclass
class _Solver:
    formula: Formula
    shapes: dict[str, Shape]
    known: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.formula.constants.items():
            if isinstance(value, int):
                self.fix(name, value, f"the constant {name} = {value}")
        self.letters = self.formula.letters
        self.plain: list[tuple[Read, int, Index]] = []
        self.other: list[tuple[Read, int, Index, tuple[Fact, ...]]] = []
        for equation in self.formula.equations:
            for read, known in guarded_reads(equation.value):
                for axis, index in enumerate(read.indices):
                    self.sort(read, axis, index, known)

    def sort(self, read: Read, axis: int, index: Index, known: tuple[Fact, ...]) -> None:
        if spans(index, known, self.letters) and not self.windowed(read.tensor, axis, index):
            self.plain.append((read, axis, index))
        elif index.symbols & self.letters:
            self.other.append((read, axis, index, known))

    def windowed(self, tensor: str, axis: int, index: Index) -> bool:
        """Whether the axis is also read at another expression of the letter, which then need not cover it."""
        others = (
            r.indices[axis] for _, r in self.formula.reads() if r.tensor == tensor and len(r.indices) > axis
        )
        return any(o != index and o.letter is None and o.symbols & index.symbols for o in others)

    def fix(self, symbol: str, value: int, source: str) -> bool:
        """Records a size or constant; False if it was known already."""
        if symbol in self.known:
            if self.known[symbol] != value:
                raise GeometryError(
                    f"{symbol} is {self.known[symbol]} by {self.sources[symbol]}, but {value} by {source}"
                )
            return False
        if value < 1 and symbol[0].isupper():
            raise GeometryError(f"{symbol} would be {value} by {source}; a size is at least 1")
        self.known[symbol], self.sources[symbol] = value, source
        return True

    def run(self) -> None:
        self.check_ranks()
        while self.exact() or self.explicit() or self.fitted() or self.guarded():
            pass
        for letter in sorted(self.letters):
            if self.size(letter) is None:
                raise GeometryError(self.missing(letter))
        for name, axes in self.formula.axes.items():
            if name not in self.shapes and name not in self.formula.defined:
                self.shapes[name] = tuple(
                    _product([self.size(s) for s in flat_parts(i) or (i.letter or "",)]) for i in axes
                )

    def missing(self, letter: str) -> str:
        """Why a letter has no extent."""
        for read, _, index, _ in self.other:
            unknown = sorted(index.symbols - self.letters - self.known.keys())
            if letter in index.symbols and unknown:
                return f"{read!r} cannot be judged as {unknown[0]!r} has no value; give it as a constant"
        where = next(e for e in self.formula.equations if letter in letters_of(e))
        size = size_of(letter)
        return (
            f"the extent of {letter!r} in {where!r} follows from no operand; give it as the constant {size}"
        )

    def check_ranks(self) -> None:
        for equation, read in self.formula.reads():
            shape = self.shapes.get(read.tensor)
            if shape is not None and len(shape) != len(read.indices):
                raise GeometryError(
                    f"{read!r} in {equation!r} has {len(read.indices)} indices, "
                    f"but {read.tensor} has shape {shape}"
                )
        for name, axes in self.formula.axes.items():
            if name in self.shapes and len(axes) != len(self.shapes[name]):
                raise GeometryError(
                    f"{name} has shape {self.shapes[name]}, but its axes are {','.join(map(str, axes))}"
                )

    def exact(self) -> bool:
        """Letters that alone, or flattened with known ones, index an axis; shapes of defined tensors."""
        progress = False
        for name, axes in self.formula.axes.items():
            for axis, index in enumerate(axes if name in self.shapes else ()):
                progress |= self.pin(index, self.shapes[name][axis], f"axis {axis} of {name}")
        for read, axis, index in self.plain:
            if read.tensor in self.shapes:
                progress |= self.pin(
                    index, self.shapes[read.tensor][axis], f"axis {axis} of {read.tensor} in {read!r}"
                )
        for equation in self.formula.equations:
            sizes = [
                [self.size(s) for s in flat_parts(i) or (i.letter or "",)] for i in equation.target.indices
            ]
            if equation.name not in self.shapes and all(s is not None for part in sizes for s in part):
                self.shapes[equation.name] = tuple(_product(part) for part in sizes)
                progress = True
        return progress

    def size(self, letter: str) -> int | None:
        return self.known.get(size_of(letter))

    def pin(self, index: Index, size: int, source: str) -> bool:
        letters = flat_parts(index) or (index.letter or "",)
        unknown = [s for s in letters if size_of(s) not in self.known]
        rest = _product([self.known.get(size_of(s), 1) for s in letters])
        if len(unknown) > 1:
            return False
        if not unknown:
            if rest != size:
                sources = "; ".join(self.sources[size_of(s)] for s in letters)
                raise GeometryError(f"{index} takes {rest} values by {sources}, but {size} by {source}")
            return False
        if size % rest:
            raise GeometryError(f"{index} covers {source} of {size} elements, which {rest} does not divide")
        return self.fix(size_of(unknown[0]), size // rest, source)

    def explicit(self) -> bool:
        """Letters bound with an extent of their own, ``sum[r < 5]``."""
        progress = False
        for equation in self.formula.equations:
            for bound in (b for n in walk(equation.value) if isinstance(n, Reduce) for b in n.letters):
                if bound.extent is None or not bound.extent.symbols <= self.known.keys():
                    continue
                value = bound.extent.replace({s: Index.of(v) for s, v in self.known.items()}).constant or 0
                progress |= self.fix(
                    size_of(bound.letter), value, f"the bound {bound.letter} < {bound.extent}"
                )
        return progress

    def fitted(self) -> bool:
        """One letter inside index expressions, as large as every read allows."""
        for thorough in (True, False):
            for letter in sorted(s for s in self.letters if self.size(s) is None):
                fits = list(self.fits(letter, thorough=thorough))
                if fits:
                    value, source = min(fits)
                    if value < 1:
                        raise GeometryError(f"there is no room for even one value of {letter!r}: {source}")
                    return self.fix(size_of(letter), value, source)
        return False

    def guarded(self) -> bool:
        """A letter that is read only where conditions bound it has the extent of the axis that it reads."""
        for read, axis, index, _ in self.other:
            if (
                index.letter in self.letters
                and self.size(index.letter or "") is None
                and read.tensor in self.shapes
            ):
                return self.pin(
                    index, self.shapes[read.tensor][axis], f"axis {axis} of {read.tensor} in {read!r}"
                )
        return False

    def fits(self, letter: str, *, thorough: bool) -> Iterator[tuple[int, str]]:
        """Largest extents by each read that holds the letter; nothing if one of them can't be judged yet."""
        found: list[tuple[int, str]] = []
        for read, axis, index, known in self.other:
            if letter not in index.symbols:
                continue
            free = {s for s in index.symbols if size_of(s) != size_of(letter) and self.range_of(s) is None}
            if free or read.tensor not in self.shapes:
                if thorough:
                    return
                continue
            size, (low, high) = self.shapes[read.tensor][axis], self.margin(read, axis)
            value = self.largest(letter, index, known, (-low, size - 1 + high))
            if value is not None:
                found.append(
                    (
                        value,
                        f"{read!r} reads axis {axis} of {read.tensor}, "
                        f"which has {size} elements{_padded(low, high)}",
                    )
                )
        yield from found

    def range_of(self, symbol: str) -> Interval | None:
        if symbol in self.letters:
            size = self.size(symbol)
            return None if size is None else (0, size - 1)
        return (self.known[symbol], self.known[symbol]) if symbol in self.known else None

    def margin(self, read: Read, axis: int) -> tuple[int, int]:
        return _margin(self.formula, self.known, read.tensor, axis)

    def largest(self, letter: str, index: Index, known: tuple[Fact, ...], room: Interval) -> int | None:
        """By bisection, as the interval of an index only grows with a letter's extent."""
        symbols = index.symbols.union(*(f.index.symbols for f in known))
        ranges = {s: r for s in symbols if (r := self.range_of(s)) is not None}
        alike = {s for s in symbols & self.letters if size_of(s) == size_of(letter)}

        def fits(extent: int) -> bool:
            own = dict.fromkeys(alike, (0, extent - 1)) | {size_of(letter): (extent, extent)}
            least, most = interval(index, ranges | own, known)
            return least > most or (room[0] <= least and most <= room[1])

        if fits(LARGEST):
            return None
        good, bad = 0, LARGEST
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if fits(middle) else (good, middle)
        return good


def _padded(low: int, high: int) -> str:
    return f" and padding {low} and {high}" if low or high else ""


def _product(values: list[int | None] | list[int]) -> int:
    result = 1
    for value in values:
        result *= value or 0
    return result


def _margin(formula: Formula, known: Mapping[str, int], tensor: str, axis: int) -> tuple[int, int]:
    if tensor not in formula.padding:
        return 0, 0
    numbers = {s: Index.of(v) for s, v in known.items()}
    low, high = (i.replace(numbers).constant for i in formula.padding[tensor][axis])
    if low is None or high is None:
        raise GeometryError(
            f"the padding of axis {axis} of {tensor} is not known: give its constants integer values"
        )
    return low, high


def validate(formula: Formula, ranges: Ranges) -> None:
    """Every read stays inside its operand and the declared padding."""
    intervals = ranges.intervals()
    for equation in formula.equations:
        for read, known in guarded_reads(equation.value):
            if read.tensor not in ranges.shapes and read.indices:
                raise GeometryError(f"the shape of {read.tensor} in {equation!r} is not known")
            for axis, index in enumerate(read.indices):
                _validate_axis(formula, ranges, intervals, equation, read, axis, index, known)


def _validate_axis(
    formula: Formula, ranges: Ranges, intervals: Mapping[str, Interval], equation: Equation, read: Read,
    axis: int, index: Index, known: tuple[Fact, ...],
) -> None:  # fmt: skip
    size = ranges.shapes[read.tensor][axis]
    before, after = _margin(formula, ranges.symbols, read.tensor, axis)
    try:
        low, high = interval(index, intervals, known)
    except FormulaError as error:
        raise GeometryError(f"{read!r} in {equation!r}: {error}") from None
    if low <= high and (low < -before or high >= size + after):
        low, high = exact_interval(index, intervals, known) or (low, high)
    if low <= high and (low < -before or high >= size + after):
        raise GeometryError(
            f"{read!r} in {equation!r} reads axis {axis} of {read.tensor} from {low} to {high},"
            f" but it has {size} elements{_padded(before, after)}"
        )

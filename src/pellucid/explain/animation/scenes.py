"""The numbers of an animation: what the window sees at each place, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import UsageError
from pellucid.explain.animation.windows import Windows
from pellucid.explain.evaluation import Env, Evaluator
from pellucid.explain.naming import Naming
from pellucid.explain.reference import Reference
from pellucid.formula.expression import Num, mul
from pellucid.formula.formula import target_letters
from pellucid.layers.options import is_whole

__all__ = ["Scene", "Stage"]

Array = NDArray[Any]
# Elements of an output that are evaluated at a time.
AT_A_TIME = 4096


@dataclass(frozen=True)
class Scene:
    """The window at one place; arrays have the window's rows and columns.

    Attributes:
        place: row and column of the output.
        rows, columns: of the plane, where each element of the window lies, perhaps outside.
        there: which of them count: inside the plane, and all conditions hold.
        patch: what the window sees there, 0 elsewhere.
        weights: what each is multiplied by.
        terms: the products, 0 where nothing counts.
        won: the chosen element; none, if all are added.
        total: the output's value.
    """

    place: tuple[int, int]
    rows: Array
    columns: Array
    there: Array
    patch: Array
    weights: Array
    terms: Array
    won: Array
    total: float


@dataclass(frozen=True)
class Stage:
    """One plane that is read, the other that fills in, with all other letters fixed.

    Attributes:
        windows: the term that reads windows.
        fixed: value of each letter that neither places the window nor runs through it.
    """

    windows: Windows
    fixed: Mapping[str, int]

    @staticmethod
    def of(windows: Windows, fixed: Mapping[str, int]) -> Stage:
        """With the given letters, and for the others the first image and what shows most.

        Raises:
            UsageError: a letter that there is not, or a value that it does not take.
        """
        free = _free(windows)
        for letter, value in fixed.items():
            if letter not in free:
                raise UsageError(
                    f"there is no letter {letter!r} to fix; there are {', '.join(free) or 'none'}"
                )
            if not is_whole(value, 0) or value >= free[letter]:
                most = free[letter] - 1
                raise UsageError(f"the letter {letter} takes the values 0 to {most}, not {value!r:.60}")
        stage = Stage(windows, {**dict.fromkeys(free, 0), **fixed})
        images = target_letters(windows.use.equation)[:1]
        for letter in (s for s in free if s not in fixed and s not in images):
            stage = stage.liveliest(letter, free[letter])
        return stage

    def liveliest(self, letter: str, extent: int) -> Stage:
        """The same with the value of a letter, of the first ones, for which the planes differ most within."""
        if letter in {b.letter for b in self.windows.others}:
            spreads = [float(np.ptp(self.at(letter, value).plane)) for value in range(min(extent, 64))]
        else:
            spreads = [float(np.ptp(self.at(letter, value).output)) for value in range(min(extent, 16))]
        return self.at(letter, int(np.argmax(spreads)))

    def at(self, letter: str, value: int) -> Stage:
        return Stage(self.windows, {**self.fixed, letter: value})

    @property
    def evaluator(self) -> Evaluator:
        return Evaluator(self.windows.use.scope)

    @cached_property
    def naming(self) -> Naming:
        return Naming(self.windows.use.scope)

    @cached_property
    def plane(self) -> Array:
        """What the window slides over: (rows, columns), or one row."""
        scope, read = self.windows.use.scope, self.windows.read
        places = [self._axis(axis) for axis in range(len(read.indices))]
        found = np.asarray(scope.arrays[read.tensor])[tuple(places)]
        return np.atleast_2d(found).astype(np.float64)

    def _axis(self, axis: int) -> slice | int:
        if axis in self.windows.axes:
            return slice(None)
        return int(self.evaluator.whole(self.windows.read.indices[axis], self._env()))

    def _env(self) -> dict[str, Array]:
        return {letter: np.asarray(value) for letter, value in self.fixed.items()}

    @cached_property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        extents = [self.windows.use.scope.ranges.extents[letter] for letter in self.windows.placed]
        return (1, extents[0]) if len(extents) == 1 else (extents[0], extents[1])

    @cached_property
    def output(self) -> Array:
        """All that will fill in: (rows, columns)."""
        rows, columns = self.size
        if self.windows.alone:
            return self._stored()
        places = np.arange(rows * columns)
        parts = [
            self._totals(places[start : start + AT_A_TIME]) for start in range(0, len(places), AT_A_TIME)
        ]
        return np.concatenate(parts).reshape(rows, columns)

    @property
    def largest(self) -> int:
        """The place of the output's largest element, whatever its sign."""
        return int(np.argmax(np.abs(self.output)))

    def _stored(self) -> Array:
        target, scope = self.windows.use.equation.target, self.windows.use.scope
        env = self._env()
        at = tuple(
            slice(None) if index.letter in self.windows.placed else int(self.evaluator.whole(index, env))
            for index in target.indices
        )
        return np.asarray(scope.arrays[target.tensor])[at].reshape(self.size).astype(np.float64)

    def _totals(self, places: Array) -> Array:
        env = {**self._env(), **self._placed(places)}
        with np.errstate(all="ignore"):  # where a condition fails, nobody reads what stands behind it
            found = self.evaluator.value(self.windows.use.equation.value, env).value
        return np.broadcast_to(found, places.shape)

    def _placed(self, places: Array) -> dict[str, Array]:
        rows, columns = np.divmod(places, self.size[1])
        values = (columns,) if len(self.windows.placed) == 1 else (rows, columns)
        return dict(zip(self.windows.placed, values, strict=True))

    def scene(self, place: int) -> Scene:
        """The window at one place of the output, counted row by row."""
        with np.errstate(all="ignore"):
            return self._scene(place)

    def _scene(self, place: int) -> Scene:
        placed = {s: int(v) for s, v in self._placed(np.asarray(place)).items()}
        env = self._window_env(placed)
        shape = self.shape
        windows, evaluator = self.windows, self.evaluator

        def spread(found: Array) -> Array:
            return np.broadcast_to(found, (*shape,)).copy()

        where = [spread(evaluator.whole(windows.read.indices[axis], env)) for axis in windows.axes]
        rows = where[0] if len(where) == 2 else np.zeros(shape, np.int64)
        there = spread(evaluator.inside(windows.read, env))
        for condition in windows.summand.conditions:
            there &= evaluator.test(condition, env)
        factors = list(windows.summand.factors)
        factors.remove(windows.read)
        weights = spread(evaluator.value(mul(Num(1), *factors), env).value)
        weights = np.where(np.isfinite(weights), weights, 0.0)
        patch = np.where(there, spread(evaluator.read(windows.read, env).value), 0.0)
        terms = patch * np.where(there, weights, 0.0)
        row, column = divmod(place, self.size[1])
        total = float(self.output[row, column])
        won = _first(there & (terms == total)) if windows.chosen else np.zeros_like(there)
        # as they lie in the plane, even where the window's letters run backwards
        upright = slice(None, None, -1 if rows[0, 0] > rows[-1, 0] else 1)
        level = slice(None, None, -1 if where[-1][0, 0] > where[-1][0, -1] else 1)

        def turned(found: Array) -> Array:
            return found[upright, level]

        return Scene(
            (row, column), turned(rows), turned(where[-1]), turned(there), turned(patch), turned(weights),
            turned(terms), turned(won), total,
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the window."""
        extents = self.windows.use.scope.ranges.extents
        sizes = [int(np.prod([extents[s] for s in letters])) for letters in self.windows.inner]
        return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])

    def _window_env(self, placed: Mapping[str, int]) -> Env:
        """Letters within the window run over its rows and columns."""
        extents = self.windows.use.scope.ranges.extents
        env: dict[str, Array] = {**self._env(), **{s: np.asarray(v) for s, v in placed.items()}}
        offset = 2 - len(self.windows.inner)
        for axis, letters in enumerate(self.windows.inner):
            rest = np.arange(self.shape[axis + offset])
            for letter in reversed(letters):
                rest, own = np.divmod(rest, extents[letter])
                env[letter] = own.reshape((-1, 1) if axis + offset == 0 else (1, -1))
        return env

    def reference(self, place: tuple[int, int]) -> str:
        """The name of an element of the output."""
        target = self.windows.use.equation.target
        placed = dict(zip(self.windows.placed, place[2 - len(self.windows.placed) :], strict=True))
        env = {s: np.asarray(v) for s, v in {**self.fixed, **placed}.items()}
        indices = tuple(int(self.evaluator.whole(i, env)) for i in target.indices)
        return str(Reference(self.windows.use.scope.places[target.tensor], indices))

    def title(self) -> tuple[str, str]:
        """What is read, as a name with the fixed indices, and what fills in."""
        return self._plane_name(self.windows.read.tensor, self.windows.read.indices, self.windows.axes), (
            self._plane_name(
                self.windows.use.equation.target.tensor,
                self.windows.use.equation.target.indices,
                tuple(
                    a
                    for a, i in enumerate(self.windows.use.equation.target.indices)
                    if i.letter in self.windows.placed
                ),
            )
        )

    def _plane_name(self, tensor: str, indices: Sequence[Any], open_axes: tuple[int, ...]) -> str:
        parts = [
            ":" if axis in open_axes else str(int(self.evaluator.whole(index, self._env())))
            for axis, index in enumerate(indices)
        ]
        return f"{self.naming.place(tensor)}[{','.join(parts)}]"


def _first(hits: Array) -> Array:
    """Only the first that is true, row by row."""
    found = np.zeros(hits.size, bool)
    found[np.flatnonzero(hits)[:1]] = True
    return found.reshape(hits.shape)


def _free(windows: Windows) -> dict[str, int]:
    """Letters that have to be fixed, with their numbers of values."""
    extents = windows.use.scope.ranges.extents
    letters = [s for s in target_letters(windows.use.equation) if s not in windows.placed]
    letters += [b.letter for b in windows.others]
    return {s: extents[s] for s in letters}

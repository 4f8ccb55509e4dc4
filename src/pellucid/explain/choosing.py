"""The candidates of a maximum or minimum at one place: which is chosen, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.adding import Tally
from pellucid.explain.causes import KINDS
from pellucid.explain.evaluation import Env, Evaluator, extended, letters_at
from pellucid.explain.explanation import TOLERANCE, Lost, Term, Vanished
from pellucid.explain.naming import Naming
from pellucid.explain.sources import Use
from pellucid.formula.bounds import direct_reads
from pellucid.formula.expression import Reduce
from pellucid.formula.extremes import extreme_position

__all__ = ["Choice", "chosen"]

Array = NDArray[Any]


def chosen(
    use: Use, indices: Sequence[int], through: str, most: int | None, stored: float, epsilon: float
) -> Tally:
    """What a maximum, a minimum or the position of one is, at one place of the equation's left side."""
    choice = Choice(use, indices, through)
    position = choice.position
    if choice.wants_position and choice.may_be(stored, epsilon):
        position = int(stored)  # as good as the first within rounding: the engine decides
    best = choice.term(position)
    if not choice.wants_position:
        size = float(choice.sizes[position])
        return Tally(best.value, size, (best,), (0, 0.0), choice.vanished(position, most))
    at = Term(best.text, float(position), best.operands, best.letters, through)
    return Tally(float(position), 0.0, (at,), (0, 0.0), choice.vanished(position, most))


class Choice:
    """All candidates at one place."""

    def __init__(self, use: Use, indices: Sequence[int], through: str) -> None:
        value = use.equation.value
        assert isinstance(value, Reduce)
        self.node, self.through = value, through
        self.evaluator, self.naming = Evaluator(use.scope), Naming(use.scope)
        self.wants_position, self.largest = value.op.startswith("arg"), value.op.endswith("max")
        places = [np.asarray(i) for i in indices]
        self.env = letters_at(use.equation.target.indices, places, use.scope.ranges.extents)
        bounds = [(b.letter, self.evaluator.extent(b)) for b in value.letters]
        self.letters = [letter for letter, _ in bounds]
        self.shape = tuple(extent for _, extent in bounds)
        inner = extended(self.env, bounds)
        found = self.evaluator.value(value.body, inner)
        self.values = np.broadcast_to(found.value, self.shape).reshape(-1)
        self.sizes = np.broadcast_to(found.size, self.shape).reshape(-1)
        self.valid = np.broadcast_to(self._valid(inner), self.shape).reshape(-1)
        self.position = self._position()

    def _valid(self, env: Env) -> Array:
        """Where no element lies in padding, which is never chosen."""
        valid: Array = np.asarray(True)
        for read, guards in direct_reads(self.node.body):
            here = self.evaluator.inside(read, env)
            for guard in guards:
                here = here | ~self.evaluator.test(guard, env)
            valid = valid & here
        return valid

    def _position(self) -> int:
        worst = -np.inf if self.largest else np.inf
        array = np.where(self.valid, self.values, worst)
        first = None if self.valid.all() else np.asarray(self.valid.argmax())
        return int(extreme_position(array, 0, array.shape, first, largest=self.largest)[1])

    def may_be(self, position: float, epsilon: float) -> bool:
        """Whether a candidate differs from the chosen one by no more than rounding."""
        if not 0 <= position < len(self.values) or not self.valid[int(position)]:
            return False
        here, best = self.values[int(position)], self.values[self.position]
        return bool(abs(here - best) <= TOLERANCE * epsilon * self.sizes[self.position] and here != best)

    def term(self, place: int) -> Term:
        env, letters = self.at(place)
        operands = tuple(self.naming.elements(self.node.body, self.evaluator, env))
        return Term(
            self.naming.text(self.node.body, env), float(self.values[place]), operands, letters, self.through
        )

    def vanished(self, best: int, most: int | None) -> tuple[Vanished, ...]:
        others = np.arange(len(self.values)) != best
        groups = {"padding": others & ~self.valid, "maximum": others & self.valid}
        found: list[Vanished] = []
        for kind, mask in groups.items():
            places = np.flatnonzero(mask)
            order = np.argsort(-self.values[places] if self.largest else self.values[places], kind="stable")
            lost = tuple(self._lost(int(p), best) for p in places[order][:most])
            if lost:
                found.append(Vanished(kind, KINDS[kind], len(places), lost))
        return tuple(found)

    def candidate(self, letters: Mapping[str, int]) -> tuple[Term, str]:
        """One of the candidates, and why it is not chosen, if it is not."""
        place = int(np.ravel_multi_index([letters[s] for s in self.letters], self.shape))
        return self.term(place), "" if place == self.position else self._why(place, self.position)

    def _lost(self, place: int, best: int) -> Lost:
        term = self.term(place)
        return Lost(term.text, self._why(place, best), term.operands, term.letters, self.through)

    def _why(self, place: int, best: int) -> str:
        what = "largest" if self.largest else "smallest"
        if not self.valid[place]:
            return "padding is never chosen"
        if self.values[place] == self.values[best]:
            return f"{self.values[place]:.9g} is the {what} too, but another was found first"
        return f"{self.values[place]:.9g} is not the {what}, {self.values[best]:.9g}"

    def at(self, place: int) -> tuple[Env, dict[str, int]]:
        numbers = np.unravel_index(place, self.shape)
        letters = {letter: int(n) for letter, n in zip(self.letters, numbers, strict=True)}
        return {**self.env, **{s: np.asarray(n) for s, n in letters.items()}}, letters

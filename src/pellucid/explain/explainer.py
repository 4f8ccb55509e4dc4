"""One number of a run explained: `Run.explain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.program import TARGETS, WEIGHTS
from pellucid.engine.run import Run
from pellucid.errors import UsageError
from pellucid.explain.adding import Tally, added, joined
from pellucid.explain.choosing import chosen
from pellucid.explain.evaluation import letters_at
from pellucid.explain.explanation import Explanation, Operand, Share, StepExplanation, Term, Uses
from pellucid.explain.naming import Naming
from pellucid.explain.reference import Place, Reference, parsed
from pellucid.explain.sources import Sources, Use
from pellucid.explain.summands import is_extreme
from pellucid.explain.uses import uses_of
from pellucid.layers.options import is_number, is_whole
from pellucid.network import INPUT

__all__ = ["SHOWN", "Explainer"]

Array = NDArray[Any]
# Terms that are listed, unless another number is asked for.
SHOWN = 12


class Explainer:
    """Explains the numbers of one run; what it finds out about the network serves all of them."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.sources = Sources(run)
        self.epsilon = float(np.finfo(self.sources.dtype).eps)

    def explain(self, text: str, most: int | None = SHOWN) -> Explanation:
        """See `pellucid.engine.run.Run.explain`."""
        check_most(most)
        reference = parsed(text, self.sources.shape)
        with np.errstate(all="ignore"):
            return self._explained(reference, most)

    def uses(self, text: str, most: int | None = SHOWN) -> Uses:
        """See `pellucid.engine.run.Run.uses`."""
        check_most(most)
        with np.errstate(all="ignore"):
            return uses_of(self.sources, parsed(text, self.sources.shape), most)

    def step(
        self, text: str, rate: float, optimiser: object, states: Mapping[str, Array], t: int
    ) -> StepExplanation:
        """See `pellucid.engine.run.Run.explain_step`."""
        # training is a large room, and few explanations need it
        from pellucid.explain.updating import Rates, explained_step
        from pellucid.training.optimiser import optimiser as named

        if not is_number(rate) or rate < 0:
            raise UsageError(f"a learning rate is a number of at least 0, not {rate!r:.60}")
        if not is_whole(t, 1):
            raise UsageError(f"steps are counted from 1, unlike {t!r:.60}")
        reference = parsed(text, self.sources.shape)
        with np.errstate(all="ignore"):
            kind = named(optimiser)
            return explained_step(self.sources, reference, kind, Rates(float(rate), int(t)), states)

    def _explained(self, reference: Reference, most: int | None) -> Explanation:
        place = reference.place
        stored = float(self.sources.array(place)[reference.indices])
        uses = self.sources.uses(place)
        tallies = [self._tally(use, reference, most, stored) for use in uses]
        shares = [self._share(use, reference, t.total) for use, t in zip(uses, tallies, strict=True)]
        above = self.sources.upstream(place)
        if above is not None:
            value = float(above[reference.indices])
            given = Operand("upstream", "", value)
            tallies.append(Tally(value, abs(value), (Term("upstream", value, (given,), {}, "upstream"),)))
        if not uses:
            return self._given(reference, stored)
        tally = joined(tallies, most)
        return Explanation(
            str(reference), tuple(shares), tally.terms, tally.rest, tally.vanished,
            tally.total, stored, tally.size, self.epsilon,
        )  # fmt: skip

    def _tally(self, use: Use, reference: Reference, most: int | None, stored: float) -> Tally:
        through = use.scope.step if reference.place.gradient else ""
        if is_extreme(use.equation.value):
            return chosen(use, reference.indices, through, most, stored, self.epsilon)
        return added(use, reference.indices, through, most)

    def _share(self, use: Use, reference: Reference, total: float) -> Share:
        naming, target = Naming(use.scope), use.equation.target
        env = letters_at(target.indices, [np.asarray(i) for i in reference.indices], use.scope.ranges.extents)
        particular = naming.with_numbers(use.equation, str(reference), env)
        return Share(use.scope.step, use.equation, particular, naming.legend(use.equation), total)

    def _given(self, reference: Reference, stored: float) -> Explanation:
        """Of a number that no equation computes."""
        role = self.role(reference.place)
        return Explanation(
            str(reference), (), (), (0, 0.0), (), stored, stored, abs(stored), self.epsilon, role
        )

    def role(self, place: Place) -> str:
        """What an array is that no equation computes."""
        if place.gradient:
            return "a gradient that was given" if self.sources.upstream(place) is not None else "no gradient"
        known = {INPUT: "an input", TARGETS: "a target", WEIGHTS: "the weight of an image"}
        if place.name in self.run.network.parameter_shapes:
            return "a parameter"
        return known.get(place.name, "a random mask")


def check_most(most: int | None) -> None:
    """Raises a UsageError if it is no number of terms."""
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 0):
        raise UsageError(f"most is how many terms are listed, at least 0, or None for all; not {most!r:.60}")

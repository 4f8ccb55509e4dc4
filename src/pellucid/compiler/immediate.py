"""Parameters changed where their gradients are computed, each element by itself, not in a pass of their own.

That is the same only where a gradient is complete when it is computed, in a batch that is one tile, and where
nothing reads a parameter after its change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pellucid.compiler.nest import Nest, Store
from pellucid.formula.expression import Equation, Expr, Num, Read, reads, with_reads

__all__ = ["ElementUpdate", "changed_at_once"]


@dataclass(frozen=True)
class ElementUpdate:
    """An optimiser's step for one element.

    Attributes:
        equations: from ``p[d]``, its gradient ``g[d]`` and states ``s[d]`` to ``new_p[d]`` and ``new_s[d]``.
        states: names of the states.
        constants: values of its named numbers.
        scalars: numbers of a step, with their places in its row.
    """

    equations: tuple[Equation, ...]
    states: tuple[str, ...]
    constants: Mapping[str, float]
    scalars: Mapping[str, int]

    def stored(self, parameters: Sequence[str]) -> dict[str, str]:
        """For each parameter's state, the parameter."""
        return {f"{p}:{s}": p for s in self.states for p in parameters}

    def stores(self, parameter: str, gradient: Read) -> tuple[Store, ...]:
        """The values that follow a gradient's element."""
        own = {name: f"{parameter}:{name}" for name in self.states}
        names = {"p": parameter, "g": gradient.tensor, **own}

        def own_element(read: Read) -> Read:
            return Read(names.get(read.tensor, f"{parameter}:{read.tensor}"), gradient.indices)

        def image(read: Read) -> Expr:
            if read.indices:
                return own_element(read)
            return Num(self.constants[read.tensor]) if read.tensor in self.constants else read

        found = [Store(own_element(e.target), with_reads(e.value, image)) for e in self.equations]
        for name in ("p", *self.states):
            new = Read(f"{parameter}:new_{name}", gradient.indices)
            if any(s.target == new for s in found):
                found.append(Store(Read(names[name], gradient.indices), new))
        return tuple(found)


def changed_at_once(
    nests: Sequence[Nest], parameters: Sequence[str], gradients: Mapping[str, str], update: ElementUpdate
) -> list[Nest] | None:
    """The nests with the change of each parameter behind its gradient; None if that is not the same.

    Args:
        nests: of a whole pass.
        parameters: all that are trained.
        gradients: for a parameter's gradient, the parameter.
        update: the optimiser's step.
    """
    last = [n for n in nests if n.target.tensor in gradients]
    others = [n for n in nests if n.target.tensor not in gradients]
    # each gradient by one nest: what an update has in registers goes by the parameter's name
    complete = sorted(gradients[n.target.tensor] for n in last) == sorted(parameters)
    if not complete or any(n.accumulate or n.then or not _alone(n, gradients) for n in last):
        return None
    if any(r.tensor in gradients for n in nests for v in n.values for r in reads(v)):
        return None
    changed = [replace(n, then=update.stores(gradients[n.target.tensor], n.target)) for n in last]
    return [*others, *changed]


def _alone(nest: Nest, gradients: Mapping[str, str]) -> bool:
    """Whether a gradient's nest reads no parameter but the element that it is the gradient of."""
    own = Read(gradients[nest.target.tensor], nest.target.indices)
    seen = [r for v in nest.values for r in reads(v) if r.tensor in gradients.values()]
    return all(r == own for r in seen) and not (seen and nest.reduce)

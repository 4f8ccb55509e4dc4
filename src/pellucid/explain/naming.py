"""A formula's expressions in the run's names, with numbers in place of letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.evaluation import Env, Evaluator
from pellucid.explain.explanation import Operand
from pellucid.explain.reference import Reference
from pellucid.explain.sources import Scope
from pellucid.formula.expression import Equation, Expr, Node, Read, free_letters, reads, substitute, transform
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.index import Index
from pellucid.formula.specialise import specialised

__all__ = ["Naming"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Naming:
    """How one formula's expressions are written for a reader."""

    scope: Scope

    @cached_property
    def positions(self) -> frozenset[str]:
        """Tensors that hold positions of maxima or minima."""
        return self.scope.positions

    def place(self, tensor: str) -> str:
        """What a tensor is called in the run; a constant keeps its name."""
        place = self.scope.places.get(tensor)
        return tensor if place is None or tensor in self.scope.scalars else str(place)

    def renamed(self, node: Node) -> Node:
        """The same in the run's names."""
        return transform(
            node, lambda n: Read(self.place(n.tensor), n.indices) if isinstance(n, Read) else None
        )

    def numbered(self, node: Node, env: Env) -> Node:
        """The same with the values of letters, sizes and constants put in."""
        symbols = self.scope.ranges.symbols
        numbers = {s: Index.of(symbols[s]) for s in free_letters(node) if s in symbols and s not in env}
        letters = {s: Index.of(int(value)) for s, value in env.items() if np.ndim(value) == 0}
        return substitute(node, numbers | letters)

    def text(self, node: Node, env: Env) -> str:
        return str(self.numbered(self.renamed(node), env))

    def elements(self, node: Node, evaluator: Evaluator, env: Env) -> list[Operand]:
        """The elements and constants that are read, each once, with their values."""
        found: dict[str, Operand] = {}
        for read in reads(node):
            numbered = self.numbered(read, env)
            assert isinstance(numbered, Read)
            indices = [i.constant for i in numbered.indices]
            if not bool(np.all(evaluator.inside(read, env))) if None not in indices else True:
                continue
            value = float(evaluator.read(read, env).value)
            whole = tuple(i for i in indices if i is not None)
            if read.tensor in self.scope.scalars and not read.indices:
                found.setdefault(read.tensor, Operand(read.tensor, "", value))
            else:
                name = str(Reference(self.scope.places[read.tensor], whole))
                found.setdefault(name, Operand(name, name, value))
        return list(found.values())

    def with_numbers(self, equation: Equation, reference: str, env: Env) -> Equation:
        """The equation with all indices put in and conditions that hold anyway left out."""
        letters = {s: Index.of(int(value)) for s, value in env.items()}
        value = substitute(equation.value, letters)
        assert isinstance(value, Expr)
        scalar = Formula((Equation(Read("@element"), value),), constants=self.scope.formula.constants)
        simpler = self.renamed(specialised(scalar, self.scope.ranges).equations[0].value)
        assert isinstance(simpler, Expr)
        return Equation(Read(reference), simpler)

    def legend(self, equation: Equation) -> Mapping[str, str]:
        """What the letters of an equation stand for: tensors, constants and sizes."""
        tensors = dict.fromkeys(r.tensor for r in (equation.target, *reads(equation.value)))
        found = {t: self.place(t) for t in tensors if t in self.scope.places}
        found |= {t: f"{self.scope.scalars[t]:.9g}" for t in tensors if t in self.scope.scalars}
        letters = set(target_letters(equation))
        used = sorted((free_letters(equation.value) - letters) & self.scope.ranges.symbols.keys())
        return found | {s: str(self.scope.ranges.symbols[s]) for s in used}

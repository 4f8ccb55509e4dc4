"""A formula's expressions in the run's names, with numbers in place of letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.explain.evaluation import Env, Evaluator
from pellucid.explain.explanation import Operand
from pellucid.explain.reference import Reference
from pellucid.explain.sources import Scope
from pellucid.formula.expression import (
    Equation,
    Node,
    Read,
    as_expr,
    free_letters,
    reads,
    substitute,
    transform,
)
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.index import Index
from pellucid.formula.specialise import specialised

__all__ = ["Naming"]


@dataclass(frozen=True)
class Naming:
    """How one formula's expressions are written for a reader."""

    scope: Scope

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
            whole = tuple(i.constant for i in numbered.indices if i.constant is not None)
            if len(whole) < len(read.indices) or not evaluator.inside(read, env):
                continue  # there is no such element, or a sum inside runs over several
            constant = not read.indices and read.tensor in self.scope.scalars
            name = read.tensor if constant else str(Reference(self.scope.places[read.tensor], whole))
            value = float(evaluator.read(read, env).value)
            found.setdefault(name, Operand(name, "" if constant else name, value))
        return list(found.values())

    def with_numbers(self, equation: Equation, reference: str, env: Env) -> Equation:
        """The equation with all indices put in and conditions that hold anyway left out."""
        letters = {s: Index.of(int(value)) for s, value in env.items()}
        value = substitute(equation.value, letters)
        scalar = Equation(Read("@element"), as_expr(value))
        alone = Formula((scalar,), constants=self.scope.formula.constants)
        simpler = specialised(alone, self.scope.ranges).equations[0].value
        return Equation(Read(reference), as_expr(self.renamed(simpler)))

    def legend(self, equation: Equation) -> Mapping[str, str]:
        """What the letters of an equation stand for: tensors, constants and sizes."""
        tensors = dict.fromkeys(r.tensor for r in (equation.target, *reads(equation.value)))
        found = {t: self.place(t) for t in tensors if t in self.scope.places}
        found |= {t: f"{self.scope.scalars[t]:.9g}" for t in tensors if t in self.scope.scalars}
        letters = set(target_letters(equation))
        used = sorted((free_letters(equation.value) - letters) & self.scope.ranges.symbols.keys())
        return found | {s: str(self.scope.ranges.symbols[s]) for s in used}

"""The normal form: every equation a map or one reduction of a map, with intermediate results named.

Forward and backward pass share these names: a gradient may read any intermediate result of the forward pass.

>>> from pellucid.formula.formula import Formula
>>> print(normal_form(Formula.parse("y[n,k] = x[n,k] / sqrt(sum[c] x[n,c]^2)")))
y_sum[n] = sum[c] x[n,c]^2
y[n,k] = x[n,k]/sqrt(y_sum[n])
>>> print(normal_form(Formula.parse("y[n] = max[c] x[n,c]")))
y_at[n] = argmax[c] x[n,c]
y[n] = max[c] x[n,c]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pellucid.formula.expression import (
    Add,
    Condition,
    Equation,
    Expr,
    Mul,
    Node,
    Num,
    Read,
    Reduce,
    Where,
    all_of,
    free_letters,
    indices_of,
    is_singular,
    map_children,
    negation,
    reads,
    walk,
)
from pellucid.formula.formula import Formula, letters_of, target_letters
from pellucid.formula.index import Index

__all__ = ["is_position", "normal_form", "position_of"]


def position_of(name: str) -> str:
    """The tensor that holds the position of each first maximum (or minimum) of the named one."""
    return f"{name}_at"


def is_position(equation: Equation) -> bool:
    """Whether the equation defines positions of maxima or minima."""
    return isinstance(equation.value, Reduce) and equation.value.op in ("argmax", "argmin")


def normal_form(formula: Formula) -> Formula:
    """The same formula with nested reductions named, and the positions behind each max and min too."""
    taken = (
        {e.name for e in formula.equations}
        | set(formula.operands)
        | formula.constants.keys()
        | formula.letters
    )
    namer = _Namer(taken)
    for equation in formula.equations:
        namer.add(equation)
    return replace(formula, equations=tuple(namer.equations))


@dataclass
class _Namer:
    taken: set[str]
    equations: list[Equation] = field(default_factory=list)
    known: dict[str, Read] = field(default_factory=dict)

    def add(self, equation: Equation) -> None:
        letters = [*target_letters(equation), *sorted(letters_of(equation) - set(target_letters(equation)))]
        value = self.linear(equation.value, equation.name, letters, root=True)
        if isinstance(value, Reduce) and value.op in ("max", "min") and not equation.shift:
            at = Read(position_of(equation.name), equation.target.indices)
            self.equations.append(Equation(at, Reduce(f"arg{value.op}", value.letters, value.body)))
        self.equations.append(Equation(equation.target, value, equation.shift))

    def linear(self, node: Expr, name: str, letters: list[str], *, root: bool = False) -> Expr:
        """Keeps sums where they enter linearly; names every other reduction."""
        match node:
            case Reduce(op) if op in ("sum", "mean"):
                return Reduce(op, node.letters, self.linear(node.body, name, letters))
            case Reduce(op, bounds, body) if root:
                return Reduce(op, bounds, self.nested(body, name, letters))
            case Add(terms):
                parts = [self.linear(t, name, letters) for t in terms]
                total: Expr = parts[0]
                for part in parts[1:]:
                    total = total + part
                return total
            case Mul(factors) if _scaled_sum(factors):
                return _multiplied([self.linear(f, name, letters) for f in factors])
        return self.nested(node, name, letters)

    def nested(self, node: Expr, name: str, letters: list[str]) -> Expr:
        def visit(child: Node, guards: tuple[Condition, ...]) -> Node:
            if isinstance(child, Reduce):
                return self.named(_guarded(child, guards, letters), name, letters)
            if isinstance(child, Where):
                condition = visit(child.condition, guards)
                assert isinstance(condition, Condition)
                then = visit(child.then, (*guards, condition))
                otherwise = visit(child.otherwise, (*guards, negation(condition)))
                assert isinstance(then, Expr)
                assert isinstance(otherwise, Expr)
                return Where(condition, then, otherwise)
            return map_children(child, lambda part: visit(part, guards))

        result = visit(node, ())
        assert isinstance(result, Expr)
        return result

    def named(self, node: Reduce, name: str, letters: list[str]) -> Read:
        free = free_letters(node)
        read_letters = tuple(s for s in letters if s in free)
        key = node.key
        if key not in self.known:
            fresh = self.fresh(f"{name}_{node.op}")
            self.known[key] = Read(fresh, tuple(Index.of(s) for s in read_letters))
            self.add(Equation(self.known[key], node))
        return self.known[key]

    def fresh(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = f"{wanted}{number}"
        self.taken.add(name)
        return name


def _guarded(node: Reduce, guards: tuple[Condition, ...], letters: Iterable[str]) -> Reduce:
    """The reduction with the conditions around it put inside, so that it can be taken out of them.

    A condition is left out if it keeps none of its reads in range and no value in a function's domain.
    """
    mine = free_letters(node).intersection(letters)
    singular = any(is_singular(n) for n in walk(node.body))

    def keeps(condition: Condition) -> bool:
        if singular and any(True for _ in reads(condition)):
            return True
        return any(
            mine & i.symbols for n in walk(condition) if not isinstance(n, Read) for i in indices_of(n)
        )

    needed = all_of(g for g in guards if keeps(g))
    return node if needed is None else replace(node, body=Where(needed, node.body, Num(0)))


def _scaled_sum(factors: tuple[Expr, ...]) -> bool:
    """One sum times numbers, sizes and scalars' powers without tensors."""
    sums = [f for f in factors if any(isinstance(n, Reduce) for n in walk(f))]
    rest = [f for f in factors if f not in sums]
    return len(sums) == 1 and isinstance(sums[0], Reduce) and sums[0].op in ("sum", "mean") and not any(
        True for f in rest for _ in reads(f)
    )  # fmt: skip


def _multiplied(factors: list[Expr]) -> Expr:
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result

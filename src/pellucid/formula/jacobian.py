"""Jacobians: the derivative of one element of the output by one element of an operand, with its cases."""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.errors import FormulaError
from pellucid.formula.derive import derive
from pellucid.formula.expression import Delta, Equation, Expr, Num, Read, mul, substitute, transform, walk
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.index import Index

__all__ = ["cases", "jacobian"]


def jacobian(formula: Formula, operand: str, letters: Mapping[str, str]) -> Equation:
    """The derivative of one element of the output by one element of an operand.

    Args:
        formula: any equations of the language.
        operand: with respect to which to differentiate.
        letters: a new letter for each letter of the output, which names the output's element.

    Returns:
        An equation for ``D(output, operand)``; where output and operand share axes, deltas between the
        letters stay.

    Raises:
        FormulaError: a letter is not new, or a letter of the output gets none.

    >>> from pellucid.formula.formula import Formula
    >>> softmax = Formula.parse("e[k] = exp(z[k]); t = sum[k] e[k]; p[k] = e[k]/t")
    >>> j = jacobian(softmax, "z", {"k": "i"})
    >>> print(j)
    dp_dz[i,k] = p[k]*(delta(i, k) - p[i])
    >>> for case in cases(j):
    ...     print(case)
    dp_dz[i,i] = p[i]*(1 - p[i])
    dp_dz[i,k] = -p[k]*p[i]
    """
    output = formula.defined[formula.output].target
    wanted = target_letters(formula.defined[formula.output])
    if set(letters) != set(wanted) or len({*letters.values()} - formula.letters) < len(wanted):
        given = ", ".join(f"{old} -> {new}" for old, new in letters.items())
        raise FormulaError(
            f"the letters {', '.join(wanted)} of {output!r} need a new letter each, not {given}"
        )
    element = mul(
        *(Delta(Index.of(mine), Index.of(theirs), covering=True) for mine, theirs in letters.items())
    )
    gradient = derive(formula, [operand], upstream=element).equation(operand)
    mapping = {s: Index.of(letters[s]) for i in output.indices for s in i.symbols if s in letters}
    indices = tuple(i.replace(mapping) for i in output.indices) + gradient.target.indices
    return Equation(Read(f"d{output.tensor}_d{operand}", indices), gradient.value)


def cases(equation: Equation) -> tuple[Equation, ...]:
    """The equation where the two letters of its first delta are equal, and where they differ."""
    deltas = [n for n in walk(equation.value) if isinstance(n, Delta) and n.left.letter and n.right.letter]
    if not deltas:
        return (equation,)
    first = deltas[0]
    same = substitute(equation.value, {first.right.letter or "": first.left})
    target = substitute(equation.target, {first.right.letter or "": first.left})
    assert isinstance(same, Expr)
    assert isinstance(target, Read)

    def decided(value: Expr, number: int, delta: Delta) -> Expr:
        result = transform(value, lambda n: Num(number) if isinstance(n, Delta) and n == delta else None)
        assert isinstance(result, Expr)
        return result

    equal = Equation(target, decided(same, 1, Delta(first.left, first.left)))
    return equal, Equation(equation.target, decided(equation.value, 0, first))

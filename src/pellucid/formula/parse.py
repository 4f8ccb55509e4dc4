"""The language of formulas, read from text.

    statement   [shift] NAME[index, ...] = value
                assume value = value
    value       + - * / ^ over numbers, tensors read at indices, scalars, functions, reductions, choices
    reduction   sum[c, u, v] product        takes all that is multiplied after it; also mean, max, min,
                                            argmax, argmin
                sum[u : s | h - u] product  only the terms for which the condition holds
    choice      where(condition, a, b);  [condition] is 1 where it holds, 0 elsewhere
    condition   a < b, i == j, 0 <= e < I, s | e, joined by and, or, not
    index       s*i + a*u - p, d // q, d % q, (e)/s (exact), (c, i, j) flattened; C is the size of c

A statement ends with its line or with a semicolon; a line goes on that ends inside a bracket or with an
operator.
"""

from __future__ import annotations

from pellucid.errors import FormulaError
from pellucid.formula.expression import Equation, Expr, Read
from pellucid.formula.reader import Reader
from pellucid.formula.resolve import (
    Assumption,
    Statement,
    resolved_assumption,
    resolved_equation,
    resolved_expression,
)
from pellucid.formula.tokens import tokens

__all__ = ["Assumption", "Statement", "parse", "parse_equation", "parse_expression", "parse_read"]


def parse(source: str, *, ellipsis: str | None = None) -> tuple[Statement, ...]:
    """The statements of a formula.

    Args:
        source: equations, one a line or separated by semicolons; ``#`` begins a comment.
        ellipsis: the letters for which ``...`` stands, such as ``"n,c,i,j"``.

    Raises:
        FormulaError: the text is not a formula; the message shows the line with a caret under the character.

    >>> parse("y[n,k] = b[k] + sum[d] w[k,d] * x[n,d]")
    (y[n,k] = b[k] + sum[d] w[k,d]*x[n,d],)
    """
    reader = Reader(source, ellipsis)
    statements: list[Statement] = []
    while reader.at < len(reader.tokens) - 1:
        if reader.token.kind == "end":
            reader.at += 1
            continue
        keyword = reader.keyword("assume", "shift")
        left = reader.value()
        reader.expect("=")
        right = reader.value()
        if reader.token.kind != "end":
            reader.fail(f"expected an operator or the end of the line, found {reader.shown()}")
        if keyword and keyword.text == "assume":
            statements.append(resolved_assumption(source, left, right))
        else:
            statements.append(resolved_equation(source, left, right, shift=keyword is not None))
    if not statements:
        raise FormulaError("a formula needs at least one equation")
    return tuple(statements)


def parse_equation(source: str, *, ellipsis: str | None = None) -> Equation:
    """One equation.

    >>> parse_equation("y[i] = mean[u] x[2*i + u]")
    y[i] = mean[u] x[2*i + u]
    """
    statements = parse(source, ellipsis=ellipsis)
    if len(statements) != 1 or not isinstance(statements[0], Equation):
        raise FormulaError(f"expected one equation, not {len(statements)} statements: {source.strip()[:80]}")
    return statements[0]


def parse_expression(source: str, letters: str) -> Expr:
    """The right side of an equation whose left side has the given letters.

    >>> parse_expression("x[i]^2 / 2", "i")
    1/2*x[i]^2
    """
    reader = Reader(source, None)
    value = reader.value()
    if reader.at < len(reader.tokens) - 1:
        reader.fail(f"expected an operator or the end of the expression, found {reader.shown()}")
    return resolved_expression(source, value, frozenset(t.text for t in tokens(letters) if t.kind == "name"))


def parse_read(source: str) -> Read:
    """One element such as ``conv1[0,3,12,7]``."""
    value = parse_expression(source, "")
    if not isinstance(value, Read):
        raise FormulaError(f"expected one element of a tensor such as y[0,1], not {source.strip()[:80]}")
    return value

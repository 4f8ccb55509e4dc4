"""Formulas printed as plain text, which `pellucid.formula.parse` reads back to the same formula."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Add,
    And,
    Bound,
    Call,
    Compare,
    Delta,
    Derivative,
    Divides,
    Equation,
    Expr,
    IndexValue,
    Mul,
    Node,
    Not,
    Num,
    Or,
    Power,
    Read,
    Reduce,
    Where,
    Within,
    power,
    split_coefficient,
)
from pellucid.formula.index import Atom, Index, Quotient, Remainder, flat_parts

__all__ = ["denominator", "equation_text", "factors_of", "index_text", "negative", "text"]

# How tightly a printed node holds together, loosest first.
CONDITION, SUM, PRODUCT, UNIT = range(4)


def equation_text(equation: Equation) -> str:
    """One line, as `parse` reads it."""
    return f"{'shift ' if equation.shift else ''}{text(equation.target)} = {text(equation.value)}"


def text(node: Node) -> str:
    """The node as text."""
    return _text(node)[0]


def _at(node: Node, level: int) -> str:
    printed, own = _text(node)
    return printed if own >= level else f"({printed})"


def _text(node: Node) -> tuple[str, int]:
    match node:
        case Num(value):
            return _number(value)
        case IndexValue(index):
            alone = index.letter is not None or flat_parts(index) is not None
            return index_text(index), UNIT if alone else PRODUCT if _is_product(index) else SUM
        case Read(tensor, indices):
            return (f"{tensor}[{','.join(map(index_text, indices))}]" if indices else tensor), UNIT
        case Add(terms):
            return _sum(terms), SUM
        case Mul() | Power():
            return _product(node)
        case Call(function, arguments):
            return f"{function}({', '.join(map(text, arguments))})", UNIT
        case Reduce(op, letters, body):
            return _reduction(op, letters, body), PRODUCT
        case Where(condition, then, otherwise):
            if then == Num(1) and otherwise == Num(0):
                return f"[{text(condition)}]", UNIT
            return f"where({text(condition)}, {text(then)}, {text(otherwise)})", UNIT
        case Delta(left, right):
            return f"delta({index_text(left)}, {index_text(right)})", UNIT
        case Derivative(value, element):
            return f"D({text(value)}, {text(element)})", UNIT
    return _condition(node), CONDITION


def _condition(node: Node) -> str:
    match node:
        case Compare(op, left, right):
            return f"{_at(left, SUM)} {op} {_at(right, SUM)}"
        case Divides(divisor, index):
            return f"{index_text(divisor)} | {index_text(index)}"
        case Within(index, extent):
            return f"0 <= {index_text(index)} < {index_text(extent)}"
        case And(parts):
            return " and ".join(f"({text(p)})" if isinstance(p, Or) else text(p) for p in parts)
        case Or(parts):
            return " or ".join(f"({text(p)})" if isinstance(p, (And, Or)) else text(p) for p in parts)
        case Not(part):
            return f"not ({text(part)})" if isinstance(part, (And, Or)) else f"not {text(part)}"
    raise FormulaError(f"no text is defined for {type(node).__name__}")


def _number(value: int | float | Fraction) -> tuple[str, int]:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}", PRODUCT if value > 0 else SUM
    return repr(value), UNIT if value >= 0 else SUM


def _is_product(index: Index) -> bool:
    return len(index.terms) == 1 and index.terms[0][1] > 0


def negative(term: Expr) -> bool:
    """Whether the term is printed behind a minus sign."""
    if isinstance(term, IndexValue):
        return all(coefficient < 0 for _, coefficient in term.index.terms)
    return split_coefficient(term)[0] < 0


def _sum(terms: Iterable[Expr]) -> str:
    printed = ""
    for term in terms:
        minus = negative(term)
        # the parser puts index expressions in a sum together, so these need no brackets
        part = (
            text(term).removeprefix("-")
            if isinstance(term, IndexValue)
            else _at(-term if minus else term, PRODUCT)
        )
        printed += (" - " if minus else " + ") if printed else "-" if minus else ""
        printed += part
    return printed


def denominator(node: Expr) -> tuple[list[Expr], list[Expr]]:
    """The factors above and below the line of a printed fraction; fractions stay in front as numbers."""
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in node.factors if isinstance(node, Mul) else (node,):
        if isinstance(factor, Power) and negative(factor.exponent):
            below.append(power(factor.base, -factor.exponent))
        else:
            above.append(factor)
    return above, below


def factors_of(node: Expr) -> tuple[bool, list[Expr], list[Expr]]:
    """Whether a product is printed behind a minus sign, and its factors above and below the line."""
    above, below = denominator(node)
    if not above or not isinstance(above[0], Num):
        return False, above, below
    number, above = above[0].value, above[1:]
    flipped = _flipped(above) if number < 0 else None
    size = -number if number < 0 else number
    if below and isinstance(size, Fraction):
        below = [Num(size.denominator), *below]
        size = size.numerator
    above = flipped or above
    return number < 0 and not flipped, [Num(size), *above] if size != 1 else above, below


def _product(node: Expr) -> tuple[str, int]:
    minus, above, below = factors_of(node)
    if isinstance(node, Power) and not below:
        base = f"({text(node.base)})" if isinstance(node.base, Power) else _at(node.base, UNIT)
        return f"{base}^{_unit(node.exponent)}", PRODUCT
    under = ""
    if below:
        under = f"/{_unit(below[0])}" if len(below) == 1 else f"/({'*'.join(map(_factor, below))})"
    last = above[-1] if above and isinstance(above[-1], Reduce) else None
    printed = "*".join(_factor(f) for f in above if f is not last)
    if under:
        printed = (printed or "1") + under
    if last is not None:
        printed = f"{printed}*{text(last)}" if printed else text(last)
    return f"{'-' * minus}{printed or '1'}", SUM if minus else PRODUCT


def _flipped(factors: list[Expr]) -> list[Expr] | None:
    """The factors times -1, if one of them is a difference of indices: for ``-(i - j)`` stands ``j - i``."""
    for place, factor in enumerate(factors):
        if isinstance(factor, IndexValue) and len(factor.index.terms) > 1 and not _all_positive(factor.index):
            return [*factors[:place], IndexValue(-factor.index), *factors[place + 1 :]]
    return None


def _all_positive(index: Index) -> bool:
    return all(coefficient > 0 for _, coefficient in index.terms)


def _factor(node: Expr) -> str:
    if isinstance(node, Power):
        above, below = denominator(node)
        return text(node) if above and not below else f"({text(node)})"
    if isinstance(node, Num) and isinstance(node.value, Fraction):
        return text(node)
    if (
        isinstance(node, IndexValue)
        and _is_product(node.index)
        and node.index.symbols == set(node.index.atoms())
    ):
        return text(node)
    return _at(node, UNIT)


def _unit(node: Expr) -> str:
    if isinstance(node, Power) and not denominator(node)[1]:
        return text(node)
    return _at(node, UNIT)


def _reduction(op: str, letters: tuple[Bound, ...], body: Expr) -> str:
    names = ",".join(b.letter if b.extent is None else f"{b.letter}<{index_text(b.extent)}" for b in letters)
    condition = ""
    if op == "sum" and isinstance(body, Where) and body.otherwise == Num(0) and body.then != Num(1):
        condition = f" : {text(body.condition)}"
        body = body.then
    return f"{op}[{names}{condition}] {_at(body, PRODUCT)}"


def index_text(index: Index) -> str:
    """An index expression: ``s*i + a*u - p``, ``(c,i,j)``, ``(h + p - u)/s``, ``h//2``."""
    parts = flat_parts(index)
    if parts:
        return f"({','.join(parts)})"
    ordered = [t for t in index.terms if t[1] > 0] + [t for t in index.terms if t[1] < 0]
    printed = ""
    for monomial, coefficient in ordered:
        if printed:
            printed += " - " if coefficient < 0 else " + "
        elif coefficient < 0:
            printed = "-"
        part = _monomial(monomial, abs(coefficient))
        # -(i//2) is not (-i)//2
        bare = printed != "-" or coefficient != -1 or len(monomial) != 1 or isinstance(monomial[0], str)
        printed += part if bare else f"({part})"
    return printed or "0"


def _monomial(monomial: tuple[Atom, ...], coefficient: int) -> str:
    alone = len(monomial) == 1 and coefficient == 1
    factors = [str(coefficient)] if coefficient != 1 or not monomial else []
    for atom in monomial:
        printed = _atom(atom)
        factors.append(printed if alone or isinstance(atom, str) else f"({printed})")
    return "*".join(factors)


def _atom(atom: Atom) -> str:
    if isinstance(atom, str):
        return atom
    sign = "%" if isinstance(atom, Remainder) else "/" if isinstance(atom, Quotient) and atom.exact else "//"
    return f"{_operand(atom.numerator)}{sign}{_operand(atom.divisor)}"


def _operand(index: Index) -> str:
    printed = index_text(index)
    simple = index.letter is not None or (index.constant or -1) >= 0 or flat_parts(index) is not None
    return printed if simple else f"({printed})"

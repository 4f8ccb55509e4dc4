"""Equations as trees of JSON's lists, numbers and strings, for the page's interpreter.

A node is a number or a list that begins with what it is; an index is a list of its terms, each a coefficient
followed by letters and divisions.

>>> from pellucid.formula.parse import parse_expression
>>> expression_tree(parse_expression("sum[u<3 : u < i] x[2*i + u]", "i"), lambda r: r.tensor)
['reduce', 'sum', [['u', 3]], ['where', ['<', ['index', [[1, 'u']]], ['index', [[1, 'i']]]], \
['read', 'x', [[[2, 'i'], [1, 'u']]]], 0]]
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Add,
    And,
    Bound,
    Call,
    Compare,
    Condition,
    Delta,
    Divides,
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
)
from pellucid.formula.index import Atom, Index, Quotient, Remainder

__all__ = ["Leaf", "Tree", "bounds_tree", "expression_tree"]

Tree = int | float | str | list["Tree"]
# What a read becomes: the name of an array, or a constant with its value.
Leaf = Callable[[Read], str | tuple[str, float]]


def expression_tree(node: Node, leaf: Leaf) -> Tree:
    """A value or condition as a tree.

    Args:
        node: of an equation with numbers in place of sizes and constants.
        leaf: the name of the array that is read, or the name and value of a constant.
    """
    if isinstance(node, Condition):
        return _condition(node, leaf)
    assert isinstance(node, Expr)
    return _value(node, leaf)


def _value(node: Expr, leaf: Leaf) -> Tree:
    def inner(child: Node) -> Tree:
        return expression_tree(child, leaf)

    match node:
        case Num(Fraction() as number):
            return ["number", float(number), str(number)]
        case Num(int() | float() as number):
            return number
        case IndexValue(index):
            return ["index", _index(index)]
        case Read(_, indices):
            name = leaf(node)
            return ["constant", *name] if isinstance(name, tuple) else ["read", name, [*map(_index, indices)]]
        case Add(terms):
            return ["+", *map(inner, terms)]
        case Mul(factors):
            return ["*", *map(inner, factors)]
        case Power(base, exponent):
            return ["^", inner(base), inner(exponent)]
        case Call(function, arguments):
            return ["call", function, *map(inner, arguments)]
        case Reduce(op, letters, body):
            return ["reduce", op, bounds_tree(letters), inner(body)]
        case Where(condition, then, otherwise):
            return ["where", inner(condition), inner(then), inner(otherwise)]
        case Delta(left, right):
            return ["delta", _index(left), _index(right)]
    raise FormulaError(f"{node!r} has no place in an equation of a page")


def _condition(node: Condition, leaf: Leaf) -> Tree:
    match node:
        case Compare(op, left, right):
            return [op, expression_tree(left, leaf), expression_tree(right, leaf)]
        case Divides(divisor, index):
            return ["divides", _index(divisor), _index(index)]
        case Within(index, extent):
            return ["within", _index(index), _index(extent)]
        case And(parts):
            return ["and", *(_condition(p, leaf) for p in parts)]
        case Or(parts):
            return ["or", *(_condition(p, leaf) for p in parts)]
        case Not(part):
            return ["not", _condition(part, leaf)]
    raise FormulaError(f"{node!r} has no place in an equation of a page")


def bounds_tree(bounds: tuple[Bound, ...]) -> Tree:
    """Letters with their numbers of values."""
    return [[b.letter, b.size.constant or 0] for b in bounds]


def _index(index: Index) -> Tree:
    return [[coefficient, *map(_atom, atoms)] for atoms, coefficient in index.terms]


def _atom(atom: Atom) -> Tree:
    if isinstance(atom, str):
        return atom
    sign = "%" if isinstance(atom, Remainder) else "/" if isinstance(atom, Quotient) and atom.exact else "//"
    return [sign, _index(atom.numerator), _index(atom.divisor)]

"""The one form that equal expressions have, and what is put in before they are compared."""

from __future__ import annotations

from pellucid.formula.algebra import cancelled
from pellucid.formula.expression import (
    Add,
    Bound,
    Call,
    Divides,
    Expr,
    Mul,
    Node,
    Num,
    Power,
    Read,
    Reduce,
    Where,
    add,
    all_of,
    as_expr,
    children,
    conjuncts,
    count,
    free_letters,
    map_children,
    mul,
    power,
    split_coefficient,
    substitute,
    transform,
    with_reads,
)
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.index import Index

__all__ = ["canonical", "opened", "whole"]


def canonical(value: Expr, ones: set[str]) -> Expr:
    """The form; `ones` are sizes that are 1."""
    return _numbered(cancelled(as_expr(_tidied(_without_ones(value, ones)))))


def opened(value: Expr, forward: Formula) -> Expr:
    """Results inside the layer put in; shifts are 0, as the result is declared not to depend on them."""

    def image(read: Read) -> Expr:
        equation = forward.defined.get(read.tensor)
        if equation is None:
            return read
        if equation.shift:
            return Num(0)
        letters = target_letters(equation)
        mapping = dict(zip(letters, read.indices, strict=True))
        return opened(as_expr(substitute(equation.value, mapping)), forward)

    return with_reads(value, image)


def whole(value: Expr) -> Expr:
    """Without conditions that 1 divides something."""

    def visit(node: Node) -> Expr | None:
        if not isinstance(node, Where):
            return None
        kept = [
            c for c in conjuncts(node.condition) if not (isinstance(c, Divides) and c.divisor == Index.of(1))
        ]
        condition = all_of(kept)
        return node.then if condition is None else Where(condition, node.then, node.otherwise)

    return as_expr(transform(value, visit))


def _without_ones(value: Expr, ones: set[str]) -> Expr:
    """Sums and means over letters that have one value, without these letters."""

    def visit(node: Node) -> Expr | None:
        if not isinstance(node, Reduce):
            return None
        gone = {b.letter for b in node.letters if b.size == Index.of(1) or str(b.size) in ones}
        if not gone:
            return None
        body = as_expr(substitute(node.body, dict.fromkeys(gone, Index.of(0))))
        kept = tuple(b for b in node.letters if b.letter not in gone)
        return Reduce(node.op, kept, body) if kept else body

    return as_expr(transform(value, visit))


def _tidied(node: Node) -> Node:
    """Products of sums multiplied out, means and logarithms of products as sums, conditions outside."""
    return transform(node, lambda n: _rewritten(n) if isinstance(n, Expr) else None)


def _rewritten(node: Expr) -> Expr | None:
    match node:
        case Call("relu", (argument,)):
            return Call("maximum", tuple(sorted((Num(0), argument), key=lambda a: a.key)))
        case Call("maximum", arguments):
            return Call("maximum", tuple(sorted(arguments, key=lambda a: a.key)))
        case Call("log", (argument,)):
            return _logarithm(argument)
        case Mul(factors):
            return _product(factors)
        case Reduce("mean", letters, body):
            size = Index.of(1)
            for bound in letters:
                size = size * bound.size
            return _rewritten_sum(letters, mul(power(count(size), Num(-1)), body))
        case Reduce("sum", letters, body):
            return _rewritten_sum(letters, body)
    return None


def _logarithm(argument: Expr) -> Expr | None:
    match argument:
        case Mul(factors):
            return add(*(_logarithm(f) or Call("log", (f,)) for f in factors))
        case Power(base, Num(exponent)):
            return mul(Num(exponent), _logarithm(base) or Call("log", (base,)))
        case Call("exp", (inner,)):
            return inner
    return None


def _product(factors: tuple[Expr, ...]) -> Expr | None:
    for place, factor in enumerate(factors):
        others = factors[:place] + factors[place + 1 :]
        if isinstance(factor, Add):
            return add(*(as_expr(_tidied(mul(t, *others))) for t in factor.terms))
        if isinstance(factor, Where) and factor.otherwise == Num(0) and factor.then != Num(0):
            return Where(factor.condition, mul(factor.then, *others), Num(0))
    return None


def _rewritten_sum(letters: tuple[Bound, ...], body: Expr) -> Expr:
    """A sum term by term, numbers and what does not depend on its letters in front."""
    parts: list[Expr] = []
    names = {b.letter for b in letters}
    for term in body.terms if isinstance(body, Add) else (body,):
        number, rest = split_coefficient(term)
        factors = rest.factors if isinstance(rest, Mul) else (rest,)
        sizes = [f for f in factors if isinstance(f, Power) and not free_letters(f) & names]
        inner = mul(*(f for f in factors if f not in sizes))
        parts.append(mul(Num(number), *sizes, Reduce("sum", letters, inner)))
    return add(*parts)


def _numbered(value: Expr) -> Expr:
    """Bound letters under new names, by depth and in the order of their own, each with its extent."""

    def visit(node: Node) -> Node:
        if not isinstance(node, Reduce):
            return map_children(node, visit)
        bounds = sorted(node.letters, key=lambda b: b.letter)
        depth = _depth(node)
        fresh = {b.letter: f"bound{depth}_{place}" for place, b in enumerate(bounds)}
        body = substitute(node.body, {old: Index.of(new) for old, new in fresh.items()})
        letters = tuple(Bound(fresh[b.letter], b.size) for b in bounds)
        return Reduce(node.op, letters, as_expr(visit(body)))

    return as_expr(visit(value))


def _depth(node: Node) -> int:
    below = max((_depth(child) for child in children(node)), default=0)
    return below + isinstance(node, Reduce)

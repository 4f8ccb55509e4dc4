"""Final formulas made as a mathematician would write them: nothing here changes a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pellucid.formula.expression import (
    Add,
    Call,
    Condition,
    Equation,
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
    children,
    conjuncts,
    free_letters,
    is_singular,
    mul,
    power,
    reads,
    split_coefficient,
    substitute,
    transform,
    walk,
    whole_power,
)
from pellucid.formula.formula import target_letters
from pellucid.formula.index import Index
from pellucid.formula.parse import Assumption
from pellucid.formula.text import negative

__all__ = ["assumed", "cancelled", "collected", "outside", "recognised"]


def _factors(value: Expr) -> tuple[Expr, ...]:
    return value.factors if isinstance(value, Mul) else (value,)


def _everywhere(value: Expr, rewriting: Callable[[Node], Node | None]) -> Expr:
    result = transform(value, rewriting)
    assert isinstance(result, Expr)
    return result


def outside(value: Expr, valid: Callable[[Read], bool] = lambda read: False) -> Expr:
    """Factors and conditions that do not depend on a sum's letters, taken out of it.

    Args:
        value: any expression.
        valid: whether a read lies inside its tensor whatever the conditions around it say.
    """
    return _everywhere(value, lambda node: _outside(node, valid))


def _outside(node: Node, valid: Callable[[Read], bool]) -> Expr | None:
    if not isinstance(node, Reduce) or node.op != "sum":
        return None
    letters = {b.letter for b in node.letters}
    guarded = isinstance(node.body, Where) and node.body.otherwise == Num(0)
    inner = node.body.then if isinstance(node.body, Where) and guarded else node.body
    conditions = conjuncts(node.body.condition) if isinstance(node.body, Where) and guarded else ()
    within = [c for c in conditions if free_letters(c) & letters]
    out = [f for f in _factors(inner) if not free_letters(f) & letters and _may_leave(f, within, valid)]
    rest = mul(*(f for f in _factors(inner) if f not in out))
    if inner == Num(1) or not (out or len(within) < len(conditions)) or (rest == Num(1) and not within):
        return None
    condition, outer = all_of(within), all_of(c for c in conditions if c not in within)
    body = rest if condition is None else Where(condition, rest, Num(0))
    result = mul(*out, Reduce("sum", node.letters, body))
    return result if outer is None else Where(outer, result, Num(0))


def _may_leave(factor: Expr, conditions: Sequence[Condition], valid: Callable[[Read], bool]) -> bool:
    """Whether a factor is finite even where no term fulfils the conditions, so that 0 times it is 0."""
    restricted = frozenset().union(*map(free_letters, conditions))
    inside = not free_letters(factor) & restricted or all(valid(r) for r in reads(factor))
    chosen = any(True for c in conditions for _ in reads(c))
    return inside and not (chosen and any(is_singular(n) for n in walk(factor)))


def assumed(value: Expr, assumptions: Iterable[Assumption]) -> Expr:
    """Assumptions applied from left to right wherever their left side stands."""
    for assumption in assumptions:
        letters = _letters_in(assumption.left)
        value = _everywhere(value, _rewriting(assumption.left, assumption.right, letters))
    return value


def _letters_in(pattern: Expr) -> frozenset[str]:
    """The free letters of the reads of a pattern (constants in indices do not occur in assumptions)."""
    found = {s for r in reads(pattern) for i in r.indices for s in i.symbols if s[0].islower()}
    return frozenset(found) - {b.letter for n in walk(pattern) if isinstance(n, Reduce) for b in n.letters}


def recognised(value: Expr, equations: Iterable[Equation]) -> Expr:
    """Expressions that an earlier equation defines, read from its target instead."""
    for equation in equations:
        plain = all(i.letter for i in equation.target.indices)
        if not plain or equation.shift or not _worth_reading(equation.value):
            continue
        letters = frozenset(target_letters(equation))
        value = _everywhere(value, _rewriting(equation.value, equation.target, letters))
    return value


def _worth_reading(value: Expr) -> bool:
    """Not a single read or number, and computed: more than one factor, or a function."""
    if any(isinstance(n, Reduce) for n in walk(value)):
        return False
    return isinstance(value, Power | Mul | Call)


def _rewriting(pattern: Expr, replacement: Expr, letters: frozenset[str]) -> Callable[[Node], Expr | None]:
    return lambda node: _rewritten(node, pattern, replacement, letters)


def _rewritten(node: Node, pattern: Expr, replacement: Expr, letters: frozenset[str]) -> Expr | None:
    if not isinstance(node, Expr):
        return None
    if isinstance(pattern, Mul) and isinstance(node, Mul):
        return _part_rewritten(node, pattern, replacement, letters)
    for binding in _matches(pattern, node, letters, {}):
        if letters <= binding.keys():
            return _put(replacement, binding)
    return None


def _put(replacement: Expr, binding: Mapping[str, Index]) -> Expr:
    result = substitute(replacement, binding)
    assert isinstance(result, Expr)
    return result


def _part_rewritten(node: Mul, pattern: Mul, replacement: Expr, letters: frozenset[str]) -> Expr | None:
    """A product that holds all factors of the pattern among its own, perhaps more than once."""
    for binding, rest in _factor_matches(list(pattern.factors), list(node.factors), letters, {}):
        if letters <= binding.keys():
            once = mul(*rest, _put(replacement, binding))
            return (
                _part_rewritten(once, pattern, replacement, letters) if isinstance(once, Mul) else None
            ) or once
    return None


Binding = dict[str, Index]


def _factor_matches(
    wanted: list[Expr], given: list[Expr], letters: frozenset[str], binding: Binding
) -> Iterator[tuple[Binding, list[Expr]]]:
    if not wanted:
        yield binding, given
        return
    for i, factor in enumerate(given):
        others = given[:i] + given[i + 1 :]
        for found in _matches(wanted[0], factor, letters, binding):
            yield from _factor_matches(wanted[1:], others, letters, found)
        single, rest = _one_power(factor, wanted[0])
        for found in _matches(wanted[0], single, letters, binding) if rest is not None else ():
            yield from _factor_matches(
                wanted[1:], [*others, rest] if rest is not None else others, letters, found
            )


def _one_power(factor: Expr, wanted: Expr) -> tuple[Expr, Expr | None]:
    """A higher power split into one like the wanted factor and the rest: ``t^-2`` is ``t^-1 * t^-1``."""
    if (
        not isinstance(factor, Power)
        or not isinstance(factor.exponent, Num)
        or not isinstance(factor.exponent.value, int)
    ):
        return factor, None
    sign = -1 if factor.exponent.value < 0 else 1
    alike = (
        isinstance(wanted, Power) and wanted.exponent == Num(-1)
        if sign < 0
        else not isinstance(wanted, Power)
    )
    if abs(factor.exponent.value) < 2 or not alike:
        return factor, None
    return power(factor.base, Num(sign)), power(factor.base, Num(factor.exponent.value - sign))


def _matches(pattern: Expr, node: Expr, letters: frozenset[str], binding: Binding) -> Iterator[Binding]:
    """Ways to choose the pattern's letters so that it equals the node."""
    if isinstance(pattern, Read) and isinstance(node, Read):
        if pattern.tensor == node.tensor and len(pattern.indices) == len(node.indices):
            yield from _index_matches(pattern.indices, node.indices, letters, binding)
        return
    if type(pattern) is not type(node):
        return
    if isinstance(pattern, Reduce) and isinstance(node, Reduce):
        if pattern.op == node.op and len(pattern.letters) == len(node.letters):
            fixed = {a.letter: Index.of(b.letter) for a, b in zip(pattern.letters, node.letters, strict=True)}
            if not any(b.extent for b in (*pattern.letters, *node.letters)):
                inner = letters | fixed.keys()
                for found in _matches(pattern.body, node.body, inner, {**binding, **fixed}):
                    yield {k: v for k, v in found.items() if k not in fixed}
        return
    if isinstance(pattern, Add | Mul) and isinstance(node, Add | Mul):
        mine = list(pattern.terms if isinstance(pattern, Add) else pattern.factors)
        theirs = list(node.terms if isinstance(node, Add) else node.factors)
        if len(mine) == len(theirs):
            yield from (found for found, _ in _factor_matches(mine, theirs, letters, binding))
        return
    if not any(n for n in walk(pattern) if isinstance(n, Read)):
        if _put(pattern, binding).key == node.key:
            yield binding
        return
    parts, given = list(children(pattern)), list(children(node))
    if len(parts) != len(given) or getattr(pattern, "function", "") != getattr(node, "function", ""):
        return
    results: list[Binding] = [binding]
    for a, b in zip(parts, given, strict=True):
        results = (
            [f for r in results for f in _matches(a, b, letters, r)]
            if isinstance(a, Expr) and isinstance(b, Expr)
            else []
        )
    yield from results


def _index_matches(
    pattern: tuple[Index, ...], given: tuple[Index, ...], letters: frozenset[str], binding: Binding
) -> Iterator[Binding]:
    found = dict(binding)
    for mine, theirs in zip(pattern, given, strict=True):
        letter = mine.letter
        if letter in letters and letter is not None and letter not in found:
            found[letter] = theirs
    if all(mine.replace(found) == theirs for mine, theirs in zip(pattern, given, strict=True)):
        yield found


def cancelled(value: Expr) -> Expr:
    """Factors that stand above and below the line of a fraction, taken out of both."""
    return _everywhere(value, lambda node: _cancelled(_distributed(node)))


def _cancelled(node: Node) -> Expr | None:
    if isinstance(node, Add):
        return add(*(_cancelled(t) or t for t in node.terms))
    factors = node.factors if isinstance(node, Mul) else ()
    powers = [whole_power(f) for f in factors]
    below = {base: -exponent for base, exponent in powers if exponent < 0}
    if not any(exponent > 0 and base in below for base, exponent in powers):
        return None
    left: list[Expr] = []
    for factor, (base, exponent) in zip(factors, powers, strict=True):
        if exponent > 0 and base in below:
            left.append(power(base, Num(exponent - below.pop(base))))
        elif exponent > 0:
            left.append(factor)
    return mul(*left, *(power(base, Num(-exponent)) for base, exponent in below.items()))


def _distributed(node: Node) -> Node:
    """A factor distributed over a sum in which it stands below the line: ``p*(1 - y/p)`` as ``p - p*y/p``."""
    factors = node.factors if isinstance(node, Mul) else ()
    for total in (f for f in factors if isinstance(f, Add)):
        below = {b for t in total.terms for b, e in map(whole_power, _factors(t)) if e < 0}
        into = [f for f in factors if f is not total and whole_power(f)[0] in below]
        if into:
            rest = [f for f in factors if f is not total and f not in into]
            return mul(*rest, add(*(mul(t, *into) for t in total.terms)))
    return node


def collected(value: Expr) -> Expr:
    """Sums over the same letters joined where they differ in a number only; common factors taken out."""
    return _everywhere(value, _collected)


def _collected(node: Node) -> Expr | None:
    if (
        isinstance(node, Where)
        and node.otherwise == Num(0)
        and isinstance(node.then, Where)
        and node.then.otherwise == Num(0)
    ):
        both = all_of((node.condition, node.then.condition))
        return Where(both, node.then.then, Num(0)) if both is not None else node.then.then
    if not isinstance(node, Add):
        return None
    common = [f for f in _factors(split_coefficient(node.terms[0])[1]) if f != Num(1)]
    for term in node.terms[1:]:
        own = list(_factors(split_coefficient(term)[1]))
        common = [f for f in common if f in own]
    common = [f for f in common if not isinstance(f, Reduce)]
    if not common:
        return None
    rests = []
    for term in node.terms:
        coefficient, rest = split_coefficient(term)
        left = list(_factors(rest))
        for factor in common:
            left.remove(factor)
        rests.append(mul(Num(coefficient), *left))
    return mul(*common, add(*sorted(rests, key=negative)))

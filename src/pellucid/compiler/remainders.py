"""Divisions taken out of a nest: it becomes several, one for each class of remainders of the letters divided.

Under ``i // 2`` the letter i is written as ``2*q`` in one nest and as ``2*q + 1`` in another, so that its
quotient is q in both.  Where a sum runs over several classes, the first nest sets the target and the others
add to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from pellucid.compiler.conditions import decided
from pellucid.compiler.digits import divisions, in_digits, replaced
from pellucid.compiler.nest import RESULT, VALID, Loop, Nest
from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Divides,
    Expr,
    Mul,
    Num,
    Read,
    Where,
    prime,
    walk,
    with_reads,
)
from pellucid.formula.index import Index, Quotient

__all__ = ["without_divisions"]

# More classes of remainders than this are not unrolled.
MOST_CLASSES = 1024


def without_divisions(nest: Nest) -> list[Nest]:
    """Letters under quotients and remainders written as ``q * quotient + remainder``."""
    nest = in_digits(nest)
    moduli = _moduli(nest)
    if not moduli:
        return [decided(nest)]
    if math.prod(moduli.values()) > MOST_CLASSES:
        raise FormulaError(f"{nest.target!r} has more than {MOST_CLASSES} classes of remainders by {moduli}")
    if any(x.letter in moduli for x in nest.reduce) and not _adds_up(nest):
        return [part for whole in _cut(nest, moduli) for part in without_divisions(whole)]
    results: list[Nest] = []
    started: set[tuple[int, ...]] = set()
    outer = [x.letter for x in nest.out]
    for remainders in product(*(range(m) for m in moduli.values())):
        chosen = dict(zip(moduli, remainders, strict=True))
        variant = decided(_with_remainders(nest, moduli, chosen))
        if any(x.extent < 1 for x in variant.out):
            continue
        group = tuple(chosen[s] for s in moduli if s in outer)
        empty = variant.body == Num(0) or any(x.extent < 1 for x in variant.reduce)
        if group in started:
            if empty:
                continue
            variant = replace(variant, accumulate=True)
        elif empty:
            if _later_class_adds(nest, moduli, chosen, outer):
                continue
            variant = replace(variant, op="map", reduce=(), body=_put(variant.finish, Num(0)), finish=RESULT)
        started.add(group)
        results.append(variant)
    return results


def _later_class_adds(nest: Nest, moduli: dict[str, int], chosen: dict[str, int], outer: list[str]) -> bool:
    """Whether another class of the summed letters has terms for the same class of the target's."""
    inner = [s for s in moduli if s not in outer]
    for remainders in product(*(range(moduli[s]) for s in inner)):
        other = {**chosen, **dict(zip(inner, remainders, strict=True))}
        variant = decided(_with_remainders(nest, moduli, other))
        if variant.body != Num(0) and all(x.extent > 0 for x in variant.reduce):
            return True
    return False


def _adds_up(nest: Nest) -> bool:
    """Whether what several classes of the summed letters give may be written one after the other."""
    factors = nest.finish.factors if isinstance(nest.finish, Mul) else (nest.finish,)
    return nest.op == "sum" and RESULT in factors


def _cut(nest: Nest, moduli: dict[str, int]) -> list[Nest]:
    """A nest as several, none of which needs several classes of the letters that it reduces over.

    First the classes of the target's own letters.  In each of them a sum comes first and what is made of it
    afterwards; or the values of which one is the largest come first, those in padding as the worst there is.
    """
    own = {x.letter: moduli[x.letter] for x in nest.out if x.letter in moduli}
    if own:
        chosen = (dict(zip(own, r, strict=True)) for r in product(*(range(m) for m in own.values())))
        classes = (decided(_with_remainders(nest, own, c)) for c in chosen)
        return [c for c in classes if all(x.extent > 0 for x in c.out)]
    loops = nest.out if nest.op == "sum" else nest.loops
    between = Read(f"{nest.target!r} before", tuple(Index.of(x.letter) for x in loops))
    first = replace(nest, target=between, finish=RESULT, accumulate=False)
    if nest.op == "sum":
        return [first, replace(nest, op="map", reduce=(), body=_put(nest.finish, between), finish=RESULT)]
    body, worst = nest.body, Num(-math.inf if nest.op.endswith("max") else math.inf)
    if isinstance(body, Where) and body.otherwise == VALID:
        body = replace(body, otherwise=worst)
    return [replace(first, op="map", out=loops, reduce=(), body=body), replace(nest, body=between)]


def _put(finish: Expr, value: Expr) -> Expr:
    """What is made of a reduction's result, made of another value."""
    return with_reads(finish, lambda read: value if read == RESULT else read)


def _moduli(nest: Nest) -> dict[str, int]:
    """For each letter under a division, the modulus of which its remainder must be known."""
    letters = {x.letter for x in nest.loops}
    moduli: dict[str, int] = {}
    found = [(a.numerator, a.divisor) for a in divisions(nest)]
    found += [
        (n.index, n.divisor)
        for root in (nest.body, nest.finish)
        for n in walk(root)
        if isinstance(n, Divides)
    ]
    for numerator, divisor in found:
        by = divisor.constant
        if by is None:
            raise FormulaError(f"{nest.target!r}: the divisor {divisor} is not a number")
        for letter, own in _needed(numerator, by):
            if letter in letters:
                moduli[letter] = math.lcm(moduli.get(letter, 1), own)
    return moduli


def _needed(index: Index, by: int) -> Iterator[tuple[str, int]]:
    """Letters, and by what their remainders must be known for that of the index by a number to be known."""
    for monomial, coefficient in index.terms:
        if coefficient % by == 0:
            continue
        own = by // math.gcd(by, coefficient)
        for atom in monomial:
            if isinstance(atom, str):
                yield atom, own
            else:
                step = atom.divisor.constant or 1
                yield from _needed(atom.numerator, step * own if isinstance(atom, Quotient) else step)


def _with_remainders(nest: Nest, moduli: dict[str, int], chosen: dict[str, int]) -> Nest:
    for letter, modulus in moduli.items():
        extents = nest.extents
        fresh = prime(letter, extents)
        size = -(-(extents[letter] - chosen[letter]) // modulus)
        nest = replaced(nest, letter, Index.of(fresh) * modulus + chosen[letter], (Loop(fresh, size),))
    return nest

"""Deltas solved: each sum over an index that a delta fixes becomes one term, in gather form.

``sum[i] delta(s*i + u, h) * f[i]`` has a term only where ``i = (h - u)/s`` is a whole number in range:
``where(s | h - u and 0 <= (h - u)/s < I, f[(h - u)/s], 0)``.
"""

from __future__ import annotations

from dataclasses import replace

from pellucid.formula.expression import (
    Bound,
    Compare,
    Condition,
    Delta,
    Divides,
    Num,
    Within,
    count,
    free_letters,
    mul,
)
from pellucid.formula.fresh import FreshLetters
from pellucid.formula.index import (
    Atom,
    Index,
    Quotient,
    Remainder,
    exact_quotient,
    flat_parts,
    floor_quotient,
    remainder,
    size_of,
)
from pellucid.formula.rules import Recorder
from pellucid.formula.terms import Term, terms_to_value

__all__ = ["sift_deltas"]


def sift_deltas(
    recorder: Recorder, terms: list[Term], outer: frozenset[str], fresh: FreshLetters
) -> list[Term]:
    """Solves every delta of every term; each round solves one delta a term and is recorded as one step.

    Where there is a choice, a delta is solved for one of the `outer` letters, those of the output; one that
    tells which element the gradient is for comes before one that came with an expression put in.
    """
    own = frozenset().union(*(i.symbols for i in recorder.target.indices))
    while any(t.deltas for t in terms):
        rules: list[str] = []
        solved: list[Term] = []
        for term in terms:
            rule, result = _solve_one(term, outer, own, fresh)
            rules.append(rule)
            solved.append(result)
        terms = [t for t in solved if t.factor != Num(0)]
        recorder.rewrite(
            next((r for r in ("sift", "split", "compare") if r in rules), "sift"), terms_to_value(terms)
        )
    return [_without_unused(t) for t in terms]


def _solve_one(
    term: Term, outer: frozenset[str], own: frozenset[str], fresh: FreshLetters
) -> tuple[str, Term]:
    """Solves the delta that is plainest."""
    if not term.deltas:
        return "", term
    joined = _joined_digits(term)
    if joined is not None:
        return "split", joined
    delta = min(
        term.deltas,
        key=lambda d: (*_difficulty(d, term.letters), not (d.left.symbols | d.right.symbols) & own),
    )
    rest = term.without(delta)
    left, right = delta.left, delta.right
    if (difference := (left - right).constant) is not None:
        return "sift", rest if difference == 0 else replace(rest, factor=Num(0))
    if not left.symbols & term.letters:
        if not right.symbols & term.letters:
            last = left.symbols <= own and not right.symbols <= own  # the gradient's own letter stands last
            factor = Delta(right, left, delta.covering) if last else delta
            return "sift", replace(rest, factor=mul(factor, rest.factor))
        left, right = right, left
    mine, theirs = flat_parts(left), flat_parts(right)
    if mine and theirs and list(map(size_of, mine)) == list(map(size_of, theirs)):
        pairs = tuple(
            Delta(Index.of(a), Index.of(b), delta.covering) for a, b in zip(mine, theirs, strict=True)
        )
        return "split", replace(rest, deltas=(*pairs, *rest.deltas))
    if mine and set(mine) <= term.letters and not right.symbols & set(mine):
        return "split", _digits(rest, mine, right, covering=delta.covering)
    letter = _solvable(left, right, term, outer)
    if letter is not None:
        return "sift", _solved(rest, letter, left, right, covering=delta.covering)
    return _rounded(rest, left, right, fresh)


def _joined_digits(term: Term) -> Term | None:
    """``e // q = a`` and ``e % q = b`` together say ``e = q*a + b`` with ``0 <= b < q``."""
    for low in term.deltas:
        atom = _only_atom(low.left)
        if not isinstance(atom, Remainder) or not low.left.symbols & term.letters:
            continue
        high = floor_quotient(atom.numerator, atom.divisor)
        for other in term.deltas:
            if other.left == high:
                rest = replace(term, deltas=tuple(d for d in term.deltas if d is not low and d is not other))
                whole = Delta(atom.numerator, atom.divisor * other.right + low.right)
                within = Within(low.right, atom.divisor)
                return replace(rest, deltas=(whole, *rest.deltas), conditions=(*rest.conditions, within))
    return None


def _only_atom(index: Index) -> Atom | None:
    """The atom that the index is, if it is one."""
    single = len(index.terms) == 1 and index.terms[0][1] == 1 and len(index.terms[0][0]) == 1
    return index.terms[0][0][0] if single else None


def _difficulty(delta: Delta, letters: frozenset[str]) -> tuple[int, int]:
    side = delta.left if delta.left.symbols & letters else delta.right
    plain = side.letter is not None
    composite = any(not isinstance(a, str) for a in side.atoms())
    return (0 if plain else 2 if composite else 1), len(side.symbols & letters)


def _solvable(left: Index, right: Index, term: Term, outer: frozenset[str]) -> str | None:
    """The letter to solve for: an outer one if there is one, and one without a coefficient before others."""
    candidates: list[tuple[bool, bool, int, str]] = []
    for position, bound in enumerate(term.bounds):
        if bound.letter in right.symbols:
            continue
        holding = [m for m, _ in left.terms if any(_mentions(a, bound.letter) for a in m)]
        if len(holding) != 1 or holding[0].count(bound.letter) != 1:
            continue
        coefficient = _coefficient(left, bound.letter)
        if (
            coefficient is None
            or coefficient.symbols & term.letters
            or any(not isinstance(a, str) for a in coefficient.atoms())
        ):
            continue
        candidates.append(
            (bound.letter not in outer, coefficient.constant not in (1, -1), position, bound.letter)
        )
    return min(candidates)[3] if candidates else None


def _mentions(atom: object, letter: str) -> bool:
    return atom == letter if isinstance(atom, str) else isinstance(atom, Quotient | Remainder) and letter in (
        atom.numerator.symbols | atom.divisor.symbols
    )  # fmt: skip


def _coefficient(index: Index, letter: str) -> Index | None:
    for monomial, coefficient in index.terms:
        if letter in monomial:
            rest = list(monomial)
            rest.remove(letter)
            return Index(((tuple(rest), coefficient),))
    return None


def _solved(term: Term, letter: str, left: Index, right: Index, *, covering: bool) -> Term:
    coefficient = _coefficient(left, letter)
    assert coefficient is not None
    rest = left - coefficient * letter
    distance = right - rest
    if coefficient.terms[0][1] < 0:
        coefficient, distance = -coefficient, -distance
    solution = exact_quotient(distance, coefficient)
    conditions: list[Condition] = []
    if coefficient.constant != 1:
        conditions.append(Divides(coefficient, distance))
    if not (covering and left.letter == letter):
        conditions.append(Within(solution, term.bound(letter).size))
    result = term.replaced(letter, solution)
    return replace(result, conditions=result.conditions + tuple(conditions))


def _digits(term: Term, letters: tuple[str, ...], right: Index, *, covering: bool) -> Term:
    """``(c,i,j) = d`` gives ``c = d // (I*J)``, ``i = d // J % I``, ``j = d % J``."""
    stride = Index.of(1)
    extent = term.bound(letters[0]).size
    top = right
    for position, letter in reversed(list(enumerate(letters))):
        size = Index.of(size_of(letter))
        digit = floor_quotient(right, stride)
        if position:
            digit = remainder(digit, size)
        else:
            top = digit
        term = term.replaced(letter, digit)
        stride = stride * size
    if covering:
        return term
    return replace(term, conditions=(*term.conditions, Within(top, extent)))


def _rounded(term: Term, left: Index, right: Index, fresh: FreshLetters) -> tuple[str, Term]:
    """``e // q = h`` means ``e = q*h + r`` for one of ``r < q``; ``e % q = h`` means ``e = q*r + h``."""
    rest, atom = _single_atom(left)
    if atom is None or (rest.symbols | atom.divisor.symbols) & term.letters:
        return "compare", _compared(term, left, right)
    right = right - rest
    if isinstance(atom, Remainder):
        return _wrapped(term, atom, right, fresh)
    if atom.exact:
        condition = Divides(atom.divisor, atom.numerator)
        delta = Delta(atom.numerator, atom.divisor * right)
        return "split", replace(term, conditions=(*term.conditions, condition), deltas=(*term.deltas, delta))
    letter = fresh.below(atom.divisor, term.symbols | right.symbols)
    delta = Delta(atom.numerator, atom.divisor * right + letter)
    bounds = (*term.bounds, Bound(letter, atom.divisor))
    return "split", replace(term, bounds=bounds, deltas=(*term.deltas, delta))


def _wrapped(term: Term, atom: Remainder, right: Index, fresh: FreshLetters) -> tuple[str, Term]:
    """``(i + e) % q = h`` means ``i = (h - e) % q + q*r`` for each ``r`` with which that is in range."""
    divisor = atom.divisor
    for bound in term.bounds:
        coefficient = _coefficient(atom.numerator, bound.letter)
        sign = coefficient.constant if coefficient is not None else None
        others = atom.numerator - (coefficient or Index.of(0)) * bound.letter
        if sign not in (1, -1) or bound.letter in others.symbols | right.symbols:
            continue
        within = Within(right, divisor)
        solution = remainder((right - others) * sign, divisor) if others.terms else right * sign
        whole = bound.size.divided(divisor)
        rounds = whole if whole is not None else floor_quotient(bound.size + divisor - 1, divisor)
        result = replace(term, conditions=(*term.conditions, within))
        if rounds.constant != 1:
            letter = fresh.below(rounds, term.symbols | right.symbols)
            solution = solution + divisor * letter
            result = replace(result, bounds=(*result.bounds, Bound(letter, rounds)))
        result = result.replaced(bound.letter, solution)
        if whole is None:
            result = replace(result, conditions=(*result.conditions, Within(solution, bound.size)))
        return "split", result
    return "compare", _compared(term, Index((((atom,), 1),)), right)


def _compared(term: Term, left: Index, right: Index) -> Term:
    return replace(term, conditions=(*term.conditions, Compare("==", count(left), count(right))))


def _single_atom(index: Index) -> tuple[Index, Quotient | Remainder | None]:
    found = [
        m[0] for m, c in index.terms if len(m) == 1 and c == 1 and isinstance(m[0], Quotient | Remainder)
    ]
    others = [a for a in index.atoms() if isinstance(a, Quotient | Remainder)]
    if len(found) != 1 or len(others) != 1 or not isinstance(found[0], Quotient | Remainder):
        return index, None
    return index - Index((((found[0],), 1),)), found[0]


def _without_unused(term: Term) -> Term:
    """Sums over letters on which nothing depends become factors."""
    used = free_letters(term.factor)
    for condition in term.conditions:
        used |= free_letters(condition)
    for bound in term.bounds:
        used |= bound.extent.symbols if bound.extent is not None else frozenset()
    unused = [b for b in term.bounds if b.letter not in used]
    factor = mul(term.factor, *(count(b.size) for b in unused))
    return replace(term, bounds=tuple(b for b in term.bounds if b not in unused), factor=factor)

"""Integer index expressions in normal form.

An `Index` is a polynomial with integer coefficients in *atoms*: symbols (index letters, named constants such
as the stride ``s``, sizes such as ``C``) and quotients and remainders by a positive divisor.  Two indices are
equal if their polynomials are, however they were typed; the typed order is kept for printing.

>>> i, u = Index.of("i"), Index.of("u")
>>> print(2 * i + u - 1)
2*i + u - 1
>>> 2 * i + u == u + i + i
True
>>> print(floor_quotient(6 * i + u, Index.of(3)))
2*i + u//3
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import gcd

from pellucid.errors import FormulaError

__all__ = [
    "Atom",
    "Index",
    "Quotient",
    "Remainder",
    "exact_quotient",
    "flat",
    "flat_parts",
    "floor_quotient",
    "remainder",
    "size_of",
]


@dataclass(frozen=True, eq=False)
class _Composite:
    numerator: Index
    divisor: Index

    @cached_property
    def key(self) -> str:
        raise FormulaError("an index atom needs a key")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Composite) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, eq=False)
class Quotient(_Composite):
    """``numerator // divisor``, rounded down, or, if `exact`, ``numerator / divisor`` without remainder."""

    exact: bool = False

    @cached_property
    def key(self) -> str:
        return f"({self.numerator.key}){'/' if self.exact else '//'}({self.divisor.key})"


@dataclass(frozen=True, eq=False)
class Remainder(_Composite):
    """``numerator % divisor``, never negative."""

    @cached_property
    def key(self) -> str:
        return f"({self.numerator.key})%({self.divisor.key})"


Atom = str | Quotient | Remainder
Monomial = tuple[Atom, ...]

# No formula comes near these; they keep a hostile one from taking forever.
MOST_TERMS = 100
MOST_FACTORS = 32
LARGEST = 2**63


def _atom_key(atom: Atom) -> str:
    return atom if isinstance(atom, str) else atom.key


def _monomial_key(monomial: Monomial) -> str:
    return "*".join(sorted(_atom_key(a) for a in monomial))


@dataclass(frozen=True, eq=False)
class Index:
    """An integer polynomial; `terms` pairs each product of atoms with its coefficient, in typed order."""

    terms: tuple[tuple[Monomial, int], ...]

    @staticmethod
    def of(value: Index | int | str) -> Index:
        if isinstance(value, Index):
            return value
        if isinstance(value, str):
            return Index((((value,), 1),))
        return Index((((), int(value)),)) if value else Index(())

    @staticmethod
    def sum_of(terms: Iterable[tuple[Monomial, int]]) -> Index:
        """Collects equal products, drops zeros, rejoins ``q*(e//q) + e%q`` and undoes exact ``q*(e/q)``."""
        collected = _collected(_undivided(terms))
        while (joined := _rejoined(collected)) is not None:
            collected = joined
        if len(collected) > MOST_TERMS:
            raise FormulaError(f"an index expression has more than {MOST_TERMS} terms")
        return Index(tuple(collected.values()))

    @cached_property
    def key(self) -> str:
        return "+".join(sorted(f"{c}*{_monomial_key(m)}" for m, c in self.terms)) or "0"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Index) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __add__(self, other: Index | int | str) -> Index:
        return Index.sum_of(self.terms + Index.of(other).terms)

    __radd__ = __add__

    def __neg__(self) -> Index:
        return Index(tuple((m, -c) for m, c in self.terms))

    def __sub__(self, other: Index | int | str) -> Index:
        return self + -Index.of(other)

    def __rsub__(self, other: int | str) -> Index:
        return Index.of(other) - self

    def __mul__(self, other: Index | int | str) -> Index:
        right = Index.of(other).terms
        if len(self.terms) * len(right) > MOST_TERMS:
            raise FormulaError(f"an index expression has more than {MOST_TERMS} terms")
        return Index.sum_of((m1 + m2, c1 * c2) for m1, c1 in self.terms for m2, c2 in right)

    def __rmul__(self, other: int | str) -> Index:
        return Index.of(other) * self

    def __repr__(self) -> str:
        from pellucid.formula.text import index_text

        return index_text(self)

    @property
    def constant(self) -> int | None:
        """The value, if there is no atom in it."""
        if not self.terms:
            return 0
        return self.terms[0][1] if len(self.terms) == 1 and not self.terms[0][0] else None

    @property
    def letter(self) -> str | None:
        """The symbol, if the index is one symbol and nothing else."""
        if len(self.terms) == 1 and self.terms[0][1] == 1 and len(self.terms[0][0]) == 1:
            atom = self.terms[0][0][0]
            return atom if isinstance(atom, str) else None
        return None

    @property
    def content(self) -> tuple[int, Index]:
        """The largest number that divides every term, and the rest, whose first term by name is positive.

        >>> (6 * Index.of("j") - 4 * Index.of("i")).content
        (-2, 2*i - 3*j)
        """
        named = min(
            (t for t in self.terms if t[0]),
            key=lambda t: _monomial_key(t[0]),
            default=((), self.constant or 0),
        )
        number = gcd(*(c for _, c in self.terms)) * (-1 if named[1] < 0 else 1)
        return (number, Index(tuple((m, c // number) for m, c in self.terms))) if number else (0, Index.of(1))

    @cached_property
    def symbols(self) -> frozenset[str]:
        """Every symbol in it, at any depth."""
        found: set[str] = set()
        for atom in self.atoms():
            found |= {atom} if isinstance(atom, str) else atom.numerator.symbols | atom.divisor.symbols
        return frozenset(found)

    def atoms(self) -> Iterator[Atom]:
        for monomial, _ in self.terms:
            yield from monomial

    def replace(self, mapping: Mapping[str, Index]) -> Index:
        """The index with symbols replaced, all at once, and put in normal form again."""
        if not self.symbols & mapping.keys():
            return self
        return self.map_atoms(
            lambda a: mapping.get(a, Index.of(a)) if isinstance(a, str) else _replaced(a, mapping)
        )

    def map_atoms(self, image: Callable[[Atom], Index]) -> Index:
        result = Index(())
        for monomial, coefficient in self.terms:
            product = Index.of(coefficient)
            for atom in monomial:
                product = product * image(atom)
            result = result + product
        return result

    def divided(self, divisor: Index) -> Index | None:
        """The quotient, if every term is a multiple of the single-term `divisor`."""
        parts = [_divide_term(term, divisor) for term in self.terms]
        return Index.sum_of([p for p in parts if p]) if all(parts) else None


def _replaced(atom: Quotient | Remainder, mapping: Mapping[str, Index]) -> Index:
    numerator, divisor = atom.numerator.replace(mapping), atom.divisor.replace(mapping)
    return rebuilt(atom, numerator, divisor)


def rebuilt(atom: Quotient | Remainder, numerator: Index, divisor: Index) -> Index:
    """The same kind of atom over other operands, simplified."""
    if isinstance(atom, Remainder):
        return remainder(numerator, divisor)
    return exact_quotient(numerator, divisor) if atom.exact else floor_quotient(numerator, divisor)


def _divide_term(term: tuple[Monomial, int], divisor: Index) -> tuple[Monomial, int] | None:
    if len(divisor.terms) != 1:
        return None
    (by, by_coefficient), (monomial, coefficient) = divisor.terms[0], term
    if coefficient % by_coefficient:
        return None
    rest = list(monomial)
    for atom in by:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest), coefficient // by_coefficient


def _split(numerator: Index, divisor: Index) -> tuple[Index, Index]:
    """``numerator = divisor * whole + rest`` with every visible multiple of the divisor in `whole`."""
    constant = divisor.constant
    whole: list[tuple[Monomial, int]] = []
    rest: list[tuple[Monomial, int]] = []
    for term in numerator.terms:
        part = _divide_term(term, divisor)
        if part:
            whole.append(part)
        elif constant and not term[0]:
            whole.append(((), term[1] // constant))
            rest.append(((), term[1] % constant))
        else:
            rest.append(term)
    return Index.sum_of(whole), Index.sum_of(rest)


def _checked(divisor: Index) -> Index:
    if all(coefficient < 0 for _, coefficient in divisor.terms):
        raise FormulaError(f"an index is divided by {divisor}; the divisor must be a positive integer")
    return divisor


def _below(rest: Index, divisor: Index) -> bool:
    """Whether a letter or flattened index stays below the divisor, a multiple of its sizes' product."""
    size = Index.of(1)
    for letter in flat_parts(rest) or (rest.letter or "",):
        size = size * size_of(letter)
    whole = divisor.divided(size)
    return rest.constant is None and bool(size.symbols - {""}) and whole is not None


def floor_quotient(numerator: Index, divisor: Index) -> Index:
    """``numerator // divisor``; nested floors by constants become one.

    >>> print(floor_quotient(flat([Index.of("c"), Index.of("i")]), Index.of("I")))
    c
    """
    if _checked(divisor).constant == 1:
        return numerator
    whole, rest = _split(numerator, divisor)
    if (
        not rest.terms
        or (rest.constant is not None and divisor.constant is not None)
        or _below(rest, divisor)
    ):
        return whole
    inner = (
        rest.terms[0][0][0]
        if len(rest.terms) == 1 and rest.terms[0][1] == 1 and len(rest.terms[0][0]) == 1
        else None
    )
    if isinstance(inner, Quotient) and not inner.exact:
        return whole + floor_quotient(inner.numerator, inner.divisor * divisor)
    return whole + Index((((Quotient(rest, divisor),), 1),))


def remainder(numerator: Index, divisor: Index) -> Index:
    """``numerator % divisor``, without the visible multiples of the divisor."""
    if _checked(divisor).constant == 1:
        return Index(())
    _, rest = _split(numerator, divisor)
    if (
        not rest.terms
        or (rest.constant is not None and divisor.constant is not None)
        or _below(rest, divisor)
    ):
        return rest
    return Index((((Remainder(rest, divisor),), 1),))


def exact_quotient(numerator: Index, divisor: Index) -> Index:
    """``numerator / divisor``, which counts only where it leaves no remainder."""
    if _checked(divisor).constant == 1:
        return numerator
    whole = numerator.divided(divisor)
    if whole is not None:
        return whole
    whole, rest = _split(numerator, divisor)
    if rest.constant is not None and divisor.constant is not None:
        return Index((((Quotient(numerator, divisor, exact=True),), 1),))
    return whole + Index((((Quotient(rest, divisor, exact=True),), 1),))


def _collected(terms: Iterable[tuple[Monomial, int]]) -> dict[str, tuple[Monomial, int]]:
    collected: dict[str, tuple[Monomial, int]] = {}
    for monomial, coefficient in terms:
        key = _monomial_key(monomial)
        first, total = collected.get(key, (monomial, 0))
        if len(monomial) > MOST_FACTORS or abs(total + coefficient) > LARGEST:
            raise FormulaError(
                "an index expression is too large: a product of too many letters, or a huge number"
            )
        collected[key] = (first, total + coefficient)
    return {key: term for key, term in collected.items() if term[1]}


def _undivided(terms: Iterable[tuple[Monomial, int]]) -> Iterator[tuple[Monomial, int]]:
    """The terms with multiples of exact quotients by their own divisors multiplied out."""
    for monomial, coefficient in terms:
        for place, atom in enumerate(monomial):
            if isinstance(atom, Quotient) and atom.exact:
                outside = Index(((monomial[:place] + monomial[place + 1 :], coefficient),)).divided(
                    atom.divisor
                )
                if outside is not None:
                    yield from (outside * atom.numerator).terms
                    break
        else:
            yield monomial, coefficient


def _rejoined(collected: dict[str, tuple[Monomial, int]]) -> dict[str, tuple[Monomial, int]] | None:
    """The same sum with the first ``q*(e//q) + e%q`` in it put together; None if there is none."""
    if not any(isinstance(atom, Quotient) for monomial, _ in collected.values() for atom in monomial):
        return None
    for monomial, coefficient in collected.values():
        for place, atom in enumerate(monomial):
            if not isinstance(atom, Remainder):
                continue
            outside = Index(((monomial[:place] + monomial[place + 1 :], coefficient),))
            partner = _plain_product(outside * atom.divisor, floor_quotient(atom.numerator, atom.divisor))
            if partner and collected.get(_monomial_key(partner[0]), ((), 0))[1] == partner[1]:
                gone = ((monomial, -coefficient), (partner[0], -partner[1]))
                return _collected((*collected.values(), *gone, *(outside * atom.numerator).terms))
    return None


def _plain_product(left: Index, right: Index) -> tuple[Monomial, int] | None:
    if len(left.terms) != 1 or len(right.terms) != 1:
        return None
    (m1, c1), (m2, c2) = left.terms[0], right.terms[0]
    return m1 + m2, c1 * c2


def size_of(letter: str) -> str:
    """The symbol of an index letter's extent: ``C`` for ``c`` (and for the renamed ``c'``)."""
    return letter.rstrip("'").upper()


def flat(parts: Iterable[Index]) -> Index:
    """The flattened index ``(c,i,j) = (c*I + i)*J + j``: all but the first part are letters.

    >>> print(flat([Index.of("c"), Index.of("i"), Index.of("j")]))
    (c,i,j)
    """
    first, *rest = parts
    result = first
    for part in rest:
        if part.letter is None:
            raise FormulaError(f"the flattened index ({first},...) may hold letters only, not {part}")
        result = result * size_of(part.letter) + part
    return result


def flat_parts(index: Index) -> tuple[str, ...] | None:
    """The letters of a flattened index, outermost first; None if it is not one.

    >>> flat_parts(flat([Index.of("c"), Index.of("i"), Index.of("j")]))
    ('c', 'i', 'j')
    """
    parts: list[str] = []
    stride = Index.of(1)
    for monomial, coefficient in sorted(index.terms, key=lambda t: len(t[0])):
        quotient = Index(((monomial, coefficient),)).divided(stride)
        if (
            quotient is None
            or quotient.letter is None
            or quotient.letter in parts
            or quotient.letter[0].isupper()
        ):
            return None
        parts.insert(0, quotient.letter)
        stride = stride * size_of(quotient.letter)
    return tuple(parts) if len(parts) > 1 else None

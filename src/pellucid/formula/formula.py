"""A formula: equations in sequence with all that belongs to them, and nothing about any particular input.

>>> f = Formula.parse("y[n,k] = b[k] + sum[d] w[k,d] * x[n,d]")
>>> f.operands
('b', 'w', 'x')
>>> f.output
'y'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from pellucid.errors import FormulaError
from pellucid.formula.expression import Equation, Read, Reduce, reads, walk
from pellucid.formula.index import Index, flat_parts, size_of
from pellucid.formula.parse import Assumption, parse, parse_read
from pellucid.formula.scalars import with_scalars

__all__ = ["CONSTANTS", "Formula", "letters_of", "target_letters"]

# Scalars that every formula may use.
CONSTANTS: Mapping[str, float] = {"pi": 3.141592653589793}

Padding = tuple[tuple[Index, Index], ...]


@dataclass(frozen=True, eq=False)
class Formula:
    """Equations in sequence; each defines one tensor from operands and from earlier ones.

    Attributes:
        equations: in order of evaluation; the last one defines the output.
        assumptions: facts about operands that derivations may use.
        constants: values of the named constants: integers in indices, any number elsewhere.
        padding: for an operand, how far each axis may be read below 0 and past its end.
        axes: for an operand, the letters (or flattened letters) that name its axes and its gradient's.
    """

    equations: tuple[Equation, ...]
    assumptions: tuple[Assumption, ...] = ()
    constants: Mapping[str, int | float] = field(default_factory=dict)
    padding: Mapping[str, Padding] = field(default_factory=dict)
    axes: Mapping[str, tuple[Index, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        defined: set[str] = set()
        for equation in self.equations:
            if equation.name in defined or equation.name in self.constants:
                raise FormulaError(f"{equation.name!r} is defined twice")
            later = {e.name for e in self.equations} - defined
            for read in reads(equation.value):
                if read.tensor in later:
                    raise FormulaError(f"{equation!r} reads {read.tensor!r} before it is defined")
            defined.add(equation.name)

    @staticmethod
    def parse(
        source: str,
        *,
        constants: Mapping[str, int | float] | None = None,
        padding: Mapping[str, Mapping[int, object]] | None = None,
        axes: Mapping[str, str] | None = None,
        ellipsis: str | None = None,
    ) -> Formula:
        """Reads statements.

        Args:
            source: equations and assumptions, one a line or separated by semicolons.
            constants: values of named constants.
            padding: for an operand, ``{axis: amount}`` or ``{axis: (low, high)}``; an amount is an integer or
                the name of a constant.
            axes: for an operand, the letters of its axes, such as ``"n,c,h,l"`` or ``"(g,k),c"``.
            ellipsis: the letters that ``...`` stands for.

        Raises:
            FormulaError: the text is not a formula, the padding is not one of its operands', or a constant
                has the name of an index letter.
        """
        statements = parse(source, ellipsis=ellipsis)
        equations = tuple(s for s in statements if isinstance(s, Equation))
        if not equations:
            raise FormulaError("a formula needs at least one equation")
        letters = frozenset().union(*map(letters_of, equations))
        equations = with_scalars(equations, letters, constants or {})
        named = {t: parse_read(f"axes[{a}]").indices for t, a in (axes or {}).items()}
        formula = Formula(
            equations,
            tuple(s for s in statements if isinstance(s, Assumption)),
            dict(constants or {}),
            {},
            named,
        )
        for letter in sorted(formula.letters & formula.constants.keys()):
            raise FormulaError(
                f"{letter!r} is an index letter of the formula, so it cannot be a constant; "
                f"how many values it takes is the constant {size_of(letter)}"
            )
        return replace(formula, padding={t: _padding(formula, t, p) for t, p in (padding or {}).items()})

    @cached_property
    def key(self) -> str:
        parts = [e.key for e in self.equations] + [str(a) for a in self.assumptions]
        parts += [f"{k}={v!r}" for k, v in sorted(self.constants.items())]
        parts += [f"{t}:{[(a.key, b.key) for a, b in p]}" for t, p in sorted(self.padding.items())]
        return "\n".join(parts + [f"{t}@{[i.key for i in a]}" for t, a in sorted(self.axes.items())])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return "\n".join([*map(repr, self.equations), *map(str, self.assumptions)])

    @property
    def output(self) -> str:
        return self.equations[-1].name

    @cached_property
    def defined(self) -> dict[str, Equation]:
        return {e.name: e for e in self.equations}

    @cached_property
    def operands(self) -> tuple[str, ...]:
        """The tensors and scalars that must be given, in order of first use."""
        known = self.defined.keys() | self.constants.keys() | CONSTANTS.keys()
        names = (r.tensor for e in self.equations for r in reads(e.value))
        return tuple(dict.fromkeys(n for n in names if n not in known))

    @cached_property
    def letters(self) -> frozenset[str]:
        """Every index letter that an equation binds or has on its left side."""
        return frozenset().union(*(letters_of(e) for e in self.equations))

    def reads(self) -> Iterator[tuple[Equation, Read]]:
        return ((e, r) for e in self.equations for r in reads(e.value))

    def upto(self, names: frozenset[str]) -> Formula:
        """Only the equations that the named tensors need."""
        needed = set(names)
        kept: list[Equation] = []
        for equation in reversed(self.equations):
            if equation.name in needed:
                kept.insert(0, equation)
                needed |= {r.tensor for r in reads(equation.value)}
        return replace(self, equations=tuple(kept))


def target_letters(equation: Equation) -> tuple[str, ...]:
    """The letters of the left side, outermost first."""
    return tuple(s for i in equation.target.indices for s in flat_parts(i) or (i.letter or "",))


def letters_of(equation: Equation) -> frozenset[str]:
    """The letters of the left side and those that reductions bind."""
    bound = {b.letter for n in walk(equation.value) if isinstance(n, Reduce) for b in n.letters}
    return frozenset(target_letters(equation)) | bound


def _padding(formula: Formula, tensor: str, amounts: Mapping[int, object]) -> Padding:
    ranks = {len(r.indices) for _, r in formula.reads() if r.tensor == tensor}
    if not ranks or tensor in formula.defined:
        raise FormulaError(f"padding is declared for {tensor!r}, which is not an operand of the formula")
    rank = max(ranks)
    if any(not 0 <= axis < rank for axis in amounts):
        raise FormulaError(
            f"padding is declared for axis {max(amounts)} of {tensor!r}, which has {rank} axes"
        )
    return tuple(_pair(amounts.get(axis, 0)) for axis in range(rank))


def _pair(amount: object) -> tuple[Index, Index]:
    low, high = amount if isinstance(amount, tuple | list) else (amount, amount)
    return _amount(low), _amount(high)


def _amount(value: object) -> Index:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | str | Index)
        or (isinstance(value, int) and value < 0)
    ):
        raise FormulaError(f"a padding is an integer of at least 0 or the name of a constant, not {value!r}")
    return Index.of(value)

"""What an explanation says: the equation, its terms, their sum, and the value that the run has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from pellucid.formula.expression import Equation

__all__ = ["Explanation", "Lost", "Operand", "Share", "StepExplanation", "Term", "UsedBy", "Uses", "Vanished"]

# Times the number type's epsilon, times the sum of the terms' absolute values: how far a sum may be off.
TOLERANCE = 16


@dataclass(frozen=True)
class Operand:
    """A number that a term reads.

    Attributes:
        name: as it is printed.
        reference: to be explained in turn; empty if it is a constant.
        value: in the run.
    """

    name: str
    reference: str
    value: float


@dataclass(frozen=True)
class Term:
    """One product of a sum, or one candidate of a choice.

    Attributes:
        text: the product in the run's names.
        value: of the product.
        operands: the numbers in it and in the conditions under which it counts.
        letters: values of the letters that are summed over.
        through: for a gradient, the layer whose use of the value this is.
    """

    text: str
    value: float
    operands: tuple[Operand, ...]
    letters: Mapping[str, int] = field(default_factory=dict)
    through: str = ""


@dataclass(frozen=True)
class Lost:
    """A term that vanished, and why."""

    text: str
    reason: str
    operands: tuple[Operand, ...]
    letters: Mapping[str, int] = field(default_factory=dict)
    through: str = ""


@dataclass(frozen=True)
class Vanished:
    """All terms that vanished for one kind of reason.

    Attributes:
        kind: "stride", "range", "padding", "maximum", "condition" or "zero".
        meaning: of the kind, in words.
        count: of the terms.
        terms: the first of them.
    """

    kind: str
    meaning: str
    count: int
    terms: tuple[Lost, ...]


@dataclass(frozen=True)
class Share:
    """One of the equations whose sum the number is.

    Attributes:
        through: for a gradient, the layer whose use of the value this is; else the layer itself.
        general: the equation in letters.
        particular: with the numbers put in.
        names: what the letters stand for.
        total: of the equation's terms.
    """

    through: str
    general: Equation
    particular: Equation
    names: Mapping[str, str]
    total: float


@dataclass(frozen=True)
class Explanation:
    """Where one number of a run comes from.

    Attributes:
        reference: of the number.
        shares: the equations whose sum it is: one; several for the gradient of a value that is used several
            times; none for a number that was given, such as a pixel or a weight.
        terms: those that count, the largest first.
        rest: how many smaller terms there are, and their sum.
        vanished: terms that are 0, by the kind of reason.
        total: the sum of all terms, in float64; for a choice, what was chosen.
        stored: the run's value.
        size: the sum of the terms' absolute values; what is added up inside a factor counts with the sizes of
            its own terms, and what is inside a function by the function's slope.
        epsilon: of the run's number type.
        role: what a given number is, such as "a parameter"; empty if it was computed.
    """

    reference: str
    shares: tuple[Share, ...]
    terms: tuple[Term, ...]
    rest: tuple[int, float]
    vanished: tuple[Vanished, ...]
    total: float
    stored: float
    size: float
    epsilon: float
    role: str = ""

    @property
    def equation(self) -> str:
        """In letters; one line for each share."""
        return "\n".join(str(share.general) for share in self.shares)

    @property
    def substituted(self) -> str:
        """With the numbers put in; one line for each share."""
        return "\n".join(str(share.particular) for share in self.shares)

    @property
    def difference(self) -> float:
        """Of the sum and the run's value."""
        return self.total - self.stored

    @property
    def bound(self) -> float:
        """What the difference may be at most: 16 times epsilon times the sum of the absolute values."""
        return TOLERANCE * self.epsilon * self.size

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the bound; numbers that are not finite agree with their like."""
        if self.total != self.total or self.stored != self.stored:
            return self.total != self.total and self.stored != self.stored
        return self.total == self.stored or abs(self.difference) <= self.bound

    @property
    def operands(self) -> tuple[str, ...]:
        """References of the numbers in the terms, to be explained in turn, each once."""
        return tuple(dict.fromkeys(o.reference for t in self.terms for o in t.operands if o.reference))

    def to_dict(self) -> dict[str, object]:
        """Everything, in JSON's types."""
        return {
            "reference": self.reference,
            "role": self.role,
            "equation": self.equation,
            "substituted": self.substituted,
            "shares": [_share(share) for share in self.shares],
            "terms": [_listed(term, value=term.value) for term in self.terms],
            "rest": {"count": self.rest[0], "sum": self.rest[1]},
            "vanished": [
                {
                    "kind": v.kind, "meaning": v.meaning, "count": v.count,
                    "terms": [_listed(t, reason=t.reason) for t in v.terms],
                }
                for v in self.vanished
            ],
            "total": self.total, "stored": self.stored, "difference": self.difference,
            "size": self.size, "bound": self.bound, "agrees": self.agrees,
        }  # fmt: skip

    def __str__(self) -> str:
        from pellucid.explain.printing import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from pellucid.explain.printing import as_html

        return as_html(self)

    def _repr_latex_(self) -> str:
        from pellucid.explain.printing import as_latex

        return as_latex(self)


@dataclass(frozen=True)
class StepExplanation:
    """How one step of an optimiser changes one element of a parameter.

    Attributes:
        reference: of the element.
        optimiser: its name.
        rate: learning rate.
        equations: an explanation of each of the optimiser's equations, in order; the last is the new value's.
    """

    reference: str
    optimiser: str
    rate: float
    equations: tuple[Explanation, ...]

    @property
    def new(self) -> float:
        """The value after the step."""
        return self.equations[-1].stored

    @property
    def agrees(self) -> bool:
        """Whether every equation's terms add up to its value, within its bound."""
        return all(e.agrees for e in self.equations)

    def to_dict(self) -> dict[str, object]:
        """Everything, in JSON's types."""
        return {
            "reference": self.reference, "optimiser": self.optimiser, "rate": self.rate, "new": self.new,
            "agrees": self.agrees, "equations": [e.to_dict() for e in self.equations],
        }  # fmt: skip

    def __str__(self) -> str:
        head = f"one step of {self.optimiser} for {self.reference}, learning rate {self.rate:.9g}"
        return "\n\n".join([head, *map(str, self.equations)])

    def _repr_html_(self) -> str:
        return "".join(e._repr_html_() for e in self.equations)

    def _repr_latex_(self) -> str:
        from pellucid.explain.printing import step_as_latex

        return step_as_latex(self)


@dataclass(frozen=True)
class UsedBy:
    """One element that is computed from another.

    Attributes:
        reference: of the element that reads the other.
        step: the layer (or loss) to which it belongs.
        equation: by which it is computed.
        text: the term in which the other one stands.
        value: of the term.
        vanishes: why the term counts for nothing; empty if it counts.
    """

    reference: str
    step: str
    equation: str
    text: str
    value: float
    vanishes: str = ""


@dataclass(frozen=True)
class Uses:
    """What is computed from one number of a run.

    Attributes:
        reference: of the number.
        uses: those with the largest terms first.
        count: of all.
    """

    reference: str
    uses: tuple[UsedBy, ...]
    count: int

    def to_dict(self) -> dict[str, object]:
        """Everything, in JSON's types."""
        return {"reference": self.reference, "count": self.count, "uses": [asdict(u) for u in self.uses]}

    def __str__(self) -> str:
        from pellucid.explain.printing import uses_as_text

        return uses_as_text(self)

    def _repr_html_(self) -> str:
        from pellucid.explain.printing import uses_as_html

        return uses_as_html(self)


def _share(share: Share) -> dict[str, object]:
    return {
        "through": share.through, "equation": str(share.general), "substituted": str(share.particular),
        "names": dict(share.names), "total": share.total,
    }  # fmt: skip


def _listed(term: Term | Lost, **more: object) -> dict[str, object]:
    operands = [{"name": o.name, "reference": o.reference, "value": o.value} for o in term.operands]
    letters = dict(term.letters)
    return {"text": term.text, **more, "operands": operands, "letters": letters, "through": term.through}

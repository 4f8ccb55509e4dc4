"""Gradients derived from equations, in gather form, with every step on record.

>>> from pellucid.formula.formula import Formula
>>> f = Formula.parse("y[n,k] = b[k] + sum[d] w[k,d] * x[n,d]")
>>> for equation in derive(f).formula.equations:
...     print(equation)
db[k] = sum[n] dy[n,k]
dw[k,d] = sum[n] dy[n,k]*x[n,d]
dx[n,d] = sum[k] dy[n,k]*w[k,d]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pellucid.errors import FormulaError
from pellucid.formula.algebra import assumed, cancelled, collected, outside, recognised
from pellucid.formula.bounds import Fact, guarded_reads, spans
from pellucid.formula.differentiate import push_derivatives
from pellucid.formula.expression import (
    Bound,
    Call,
    Derivative,
    Equation,
    Expr,
    Node,
    Num,
    Read,
    Reduce,
    add,
    mul,
    reads,
    substitute,
    transform,
    walk,
)
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.fresh import FreshLetters
from pellucid.formula.index import Index, flat_parts
from pellucid.formula.normal import is_position, normal_form
from pellucid.formula.renaming import renamed_apart
from pellucid.formula.rules import Recorder, Step
from pellucid.formula.sift import sift_deltas
from pellucid.formula.terms import expand, terms_to_value

__all__ = ["Gradient", "derive", "gradient_name"]

# An intermediate gradient of up to this many nodes is put in wherever it is used; a larger one if used once.
SMALL = 12


def gradient_name(tensor: str) -> str:
    """The name of a tensor's gradient: its own with a d in front."""
    return f"d{tensor}"


@dataclass(frozen=True)
class Gradient:
    """The backward pass of a formula.

    Attributes:
        forward: the formula in normal form, whose values the backward pass reads.
        formula: equations for the gradients of intermediates and operands; the operands are tensors of the
            forward pass and the gradient that comes from above, ``d`` + output.
        steps: how each gradient was derived, by its name.
    """

    forward: Formula
    formula: Formula
    steps: Mapping[str, tuple[Step, ...]]

    def equation(self, operand: str) -> Equation:
        """The final formula of the gradient with respect to one operand."""
        return self.formula.defined[gradient_name(operand)]


def derive(
    formula: Formula,
    wrt: Sequence[str] | None = None,
    *,
    upstream: Expr | None = None,
    constants: Iterable[str] = (),
) -> Gradient:
    """The gradients of a scalar loss with respect to operands of a formula.

    Args:
        formula: any equations of the language.
        wrt: operands to differentiate for; all that are not in `constants`, if not given.
        upstream: gradient of the loss with respect to the output, if it is known as an expression (1 for a
            loss itself).
        constants: operands through which nothing is differentiated, such as labels.

    Raises:
        FormulaError: an operand is unknown, or a position or comparison would have to be differentiated.
    """
    forward = normal_form(formula)
    chosen = tuple(wrt) if wrt is not None else tuple(o for o in formula.operands if o not in set(constants))
    for name in chosen:
        if name not in formula.operands:
            raise FormulaError(
                f"{name!r} is not an operand of the formula; its operands are {', '.join(formula.operands)}"
            )
    return _Derivation(forward, chosen, upstream).run()


@dataclass
class _Derivation:
    forward: Formula
    wrt: tuple[str, ...]
    upstream: Expr | None
    inline: dict[str, Equation] = field(default_factory=dict)
    equations: list[Equation] = field(default_factory=list)
    steps: dict[str, tuple[Step, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.letters = FreshLetters(self.forward)

    def run(self) -> Gradient:
        output = self.forward.output
        if self.upstream is not None:
            self.inline[output] = Equation(self.forward.defined[output].target, self.upstream)
        active = self.active()
        self.check_names({*active, output})
        for equation in reversed(self.forward.equations):
            if equation.name in active and equation.name != output:
                self.tensor(equation.name, active, final=False)
        for name in self.wrt:
            self.tensor(name, active, final=True)
        gradient = Formula(
            tuple(self.equations), constants=self.forward.constants, padding=self.forward.padding,
            axes={**self.forward.axes, **{n: self.target(n) for n in self.wrt}},
        )  # fmt: skip
        needed = frozenset(gradient_name(n) for n in self.wrt)
        return Gradient(self.forward, gradient.upto(needed), self.steps)

    def check_names(self, names: Iterable[str]) -> None:
        """Raises a FormulaError if the name of a gradient is that of another tensor."""
        taken = {*self.forward.operands, *self.forward.defined, *self.forward.constants}
        for name in sorted(names):
            if gradient_name(name) in taken:
                raise FormulaError(
                    f"{gradient_name(name)!r} is a tensor of the formula, "
                    f"but also the name of the gradient of {name!r}"
                )

    def active(self) -> frozenset[str]:
        """The tensors through which the output depends on the chosen operands."""
        depends = set(self.wrt)
        for equation in self.forward.equations:
            if equation.shift or is_position(equation):
                continue
            if any(r.tensor in depends for r in reads(equation.value)):
                depends.add(equation.name)
        reached = {self.forward.output}
        for equation in reversed(self.forward.equations):
            if equation.name in reached and not equation.shift and not is_position(equation):
                reached |= {r.tensor for r in reads(equation.value)}
        return frozenset(depends & (reached | set(self.wrt)))

    def tensor(self, name: str, active: frozenset[str], *, final: bool) -> None:
        """Derives the gradient of one tensor from those of all tensors that are computed from it."""
        consumers = [
            e
            for e in self.forward.equations
            if e.name in active and any(r.tensor == name for r in reads(e.value))
        ]
        if not consumers:
            if final:
                self.equations.append(self.zero(name))
            return
        target = Read(name, self.target(name))
        recorder = Recorder(Read(gradient_name(name), target.indices), Num(0))
        value = self.derived(recorder, target, consumers)
        equation = Equation(recorder.target, value)
        self.steps[recorder.target.tensor] = tuple(recorder.steps)
        uses = (
            sum(1 for _ in {r.tensor for r in reads(self.forward.defined[name].value)} & active)
            if not final
            else 0
        )
        if not final and _without_sums(value) and (uses <= 1 or _size(value) <= SMALL):
            self.inline[name] = Equation(target, value)
        else:
            self.equations.append(equation)

    def zero(self, name: str) -> Equation:
        return Equation(Read(gradient_name(name), self.target(name)), Num(0))

    def derived(self, recorder: Recorder, target: Read, consumers: list[Equation]) -> Expr:
        taken = frozenset(s for i in target.indices for s in i.symbols)
        renamed: list[Equation] = []
        positions: dict[str, Read] = {}
        for consumer in consumers:
            renamed.append(renamed_apart(consumer, taken, positions))
        shifts = [renamed_apart(e, taken, {}) for e in self.shifts(target.tensor)]
        recorder.value = add(*(self.chained(e, Derivative(e.target, target)) for e in (*shifts, *renamed)))
        recorder.rewrite("shift", add(*(self.chained(e, Derivative(e.target, target)) for e in renamed)))
        recorder.rewrite("definition", add(*(self.chained(e, Derivative(e.value, target)) for e in renamed)))
        push_derivatives(recorder, positions, lambda read, axis: self.covered(read.tensor, axis))
        recorder.apply("substitute", self.inlined)
        terms = expand(recorder.value)
        recorder.rewrite("expand", terms_to_value(terms))
        outer = frozenset(s for e in renamed for s in target_letters(e))
        recorder.rewrite("sift", terms_to_value(sift_deltas(recorder, terms, outer, self.letters)))
        self.simplify(recorder)
        return recorder.value

    def shifts(self, name: str) -> list[Equation]:
        """The shifts of the output that are computed from a tensor."""
        needed = self.forward.upto(frozenset({self.forward.output})).equations
        return [e for e in needed if e.shift and any(r.tensor == name for r in reads(e.value))]

    def simplify(self, recorder: Recorder) -> None:
        recorder.apply("recognise", lambda v: recognised(v, self.forward.equations))
        recorder.apply("cancel", cancelled)
        recorder.apply("outside", lambda v: outside(v, lambda read: self.valid(read, recorder.target)))
        recorder.apply("assumption", lambda v: assumed(v, self.forward.assumptions))
        recorder.apply("recognise", lambda v: recognised(v, self.forward.equations))
        recorder.apply("cancel", cancelled)
        recorder.apply("collect", collected)

    def chained(self, consumer: Equation, derivative: Expr) -> Expr:
        """``sum[letters of the consumer] gradient of the consumer * derivative``."""
        bounds = tuple(Bound(s) for s in target_letters(consumer))
        product = mul(Read(gradient_name(consumer.name), consumer.target.indices), derivative)
        return Reduce("sum", bounds, product) if bounds else product

    def inlined(self, value: Expr) -> Expr:
        """Gradients of intermediates that are kept as expressions, put in."""

        def visit(node: Node) -> Expr | None:
            known = (
                self.inline.get(node.tensor[1:])
                if isinstance(node, Read) and node.tensor.startswith("d")
                else None
            )
            if known is None or not isinstance(node, Read):
                return None
            mapping: dict[str, Index] = {}
            for mine, theirs in zip(known.target.indices, node.indices, strict=True):
                if mine.letter:
                    mapping[mine.letter] = theirs
                else:
                    mapping.update(
                        (s, Index.of(t))
                        for s, t in zip(flat_parts(mine) or (), flat_parts(theirs) or (), strict=True)
                    )
            result = substitute(known.value, mapping)
            assert isinstance(result, Expr)
            return result

        result = transform(value, visit)
        assert isinstance(result, Expr)
        return result

    def target(self, name: str) -> tuple[Index, ...]:
        """The letters of a tensor's gradient: as read, or new ones where no read takes the whole axis."""
        if name in self.forward.defined:
            return self.forward.defined[name].target.indices
        if name in self.forward.axes:
            return self.forward.axes[name]
        found = [r for _, r in self.forward.reads() if r.tensor == name]
        chosen: list[Index] = []
        for axis in range(len(found[0].indices)):
            used = {s for i in chosen for s in i.symbols}
            own = {r.indices[axis] for r in found} if self.covered(name, axis) else set()
            plain = sorted((i for i in own if not i.symbols & used), key=self.preference)
            chosen.append(plain[0] if plain else Index.of(self.letters.of_axis(name, axis)))
        return tuple(chosen)

    def preference(self, index: Index) -> tuple[bool, str]:
        """Letters of the output come first."""
        return not index.symbols & set(target_letters(self.forward.equations[-1])), index.key

    def covered(self, tensor: str, axis: int) -> bool:
        """Whether every read of the axis takes all of its values: by a letter or by flattened letters."""
        return all(
            spans(i, known, self.forward.letters) for i, known in self.axis_reads.get((tensor, axis), ())
        )

    @cached_property
    def axis_reads(self) -> dict[tuple[str, int], list[tuple[Index, tuple[Fact, ...]]]]:
        """At which index each axis is read, and what is known where it is."""
        found: dict[tuple[str, int], list[tuple[Index, tuple[Fact, ...]]]] = {}
        for equation in self.forward.equations:
            for read, known in guarded_reads(equation.value):
                for axis, index in enumerate(read.indices):
                    found.setdefault((read.tensor, axis), []).append((index, known))
        return found

    def valid(self, read: Read, target: Read) -> bool:
        """Whether a read lies inside its tensor because its letters stand for that tensor's own axes."""
        name = read.tensor if read.tensor in self.forward.defined else read.tensor.removeprefix("d")
        if read.indices == (
            self.forward.defined[name].target.indices if name in self.forward.defined else None
        ):
            return True
        if gradient_name(read.tensor) == target.tensor and read.indices == target.indices:
            return True
        own = (
            [i for i, _ in self.axis_reads.get((read.tensor, axis), ())] for axis in range(len(read.indices))
        )
        return all(
            self.covered(read.tensor, axis) and index in known
            for axis, (index, known) in enumerate(zip(read.indices, own, strict=True))
        )


def _without_sums(value: Expr) -> bool:
    return not any(isinstance(n, Reduce) for n in walk(value))


def _size(value: Expr) -> int:
    return sum(4 if isinstance(n, Call) else 1 for n in walk(value))

"""Random formulas of the language with the shapes that belong to them.

A case is drawn by first choosing the extents of all letters and then writing equations whose reads fit them,
so the extents that the solver finds have something to be compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from math import prod
from random import Random

from pellucid.formula.expression import IndexValue
from pellucid.formula.formula import Formula
from pellucid.formula.index import flat_parts
from pellucid.formula.parse import parse_expression
from tests.formula.case import Case

TARGETS = ("n", "c", "i", "j", "k")
BOUND = ("u", "v", "r", "t", "d", "m")
# Cases stay small: the slow interpreter visits every term.
MOST_TERMS = 3_000


def draw(seed: int) -> Case:
    """The case that belongs to a number; equations in which an operand cancels out are drawn again."""
    for attempt in count():
        case = _Author(Random(f"{seed}:{attempt}")).case(f"random {seed}")
        if case.shapes.keys() == set(Formula.parse(case.text, constants=case.constants).operands):
            return case
    raise AssertionError("unreachable")


@dataclass
class _Axis:
    size: int
    padding: tuple[int, int] = (0, 0)


class _Author:
    """Writes the equations of one case."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.extents: dict[str, int] = {}
        self.operands: dict[str, list[_Axis]] = {}
        self.defined: dict[str, list[str]] = {}
        self.padded = True
        # whether reads fix extents here: under a condition they may cover only a part of their axis
        self.sure = True
        self.positive: set[str] = set()
        self.constants: dict[str, int | float] = {}
        self.anchored: set[str] = set()
        self.sizes: dict[str, int] = {}
        self.bound: list[str] = []
        self.terms = 0

    def case(self, name: str) -> Case:
        equations: list[str] = []
        number = self.rng.choice((1, 1, 2, 3))
        for target in ("y", "z", "a")[:number]:
            equations.append(self.equation(target, last=len(equations) == number - 1))
        padding = {
            operand: {axis: a.padding for axis, a in enumerate(axes) if a.padding != (0, 0)}
            for operand, axes in self.operands.items()
        }
        return Case(
            name,
            "\n".join(equations),
            {operand: tuple(a.size for a in axes) for operand, axes in self.operands.items()},
            self.extents,
            self.constants,
            {operand: p for operand, p in padding.items() if p},
            frozenset(self.positive),
            self.sizes,
        )

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def equation(self, name: str, *, last: bool) -> str:
        letters = self.rng.sample(TARGETS, self.rng.choice((1, 2, 2, 3)))
        for letter in letters:
            self.extents.setdefault(letter, self.rng.randint(1, 4))
        self.terms = prod(self.extents[s] for s in letters)
        self.bound = []
        value = self.value(letters, 3)
        if self.defined and not any(f"{other}[" in value for other in self.defined):
            value = f"{value} + {self.intermediate(letters)}"
        for letter in letters:
            if letter not in self.anchored:
                value += f" {self.rng.choice('+-')} {self.anchor(letter)}"
        target = ",".join(letters)
        if len(letters) > 1 and self.chance(0.15):
            target = f"({letters[0]},{letters[1]})" + "".join(f",{s}" for s in letters[2:])
        elif last and self.chance(0.1):
            return f"{name} = {self.summed(letters, value)}"
        else:
            self.defined[name] = letters
        return f"{name}[{target}] = {value}"

    def summed(self, letters: list[str], value: str) -> str:
        return f"{self.rng.choice(('sum', 'mean'))}[{','.join(letters)}] ({value})"

    def anchor(self, letter: str) -> str:
        """A read that fixes the letter's extent, or a given size."""
        if self.chance(0.1):
            base = letter.rstrip("'")
            self.sizes[base.upper()] = self.extents[base]
            self.anchored.add(base)
            return f"{letter}/{base.upper()}"
        return self.fresh([letter])

    # values

    def value(self, scope: list[str], depth: int) -> str:
        if depth == 0:
            return self.leaf(scope)
        kinds: tuple[Callable[[list[str], int], str], ...] = (
            self.addition, self.product, self.product, self.function, self.function, self.reduction,
            self.reduction, self.reduction, self.extreme, self.distinction, self.ratio, self.leaf_at,
        )  # fmt: skip
        return self.rng.choice(kinds)(scope, depth - 1)

    def leaf_at(self, scope: list[str], depth: int) -> str:
        return self.leaf(scope)

    def addition(self, scope: list[str], depth: int) -> str:
        left, right = self.value(scope, depth), self.value(scope, depth)
        return f"({left} {'+' if left == right else self.rng.choice('+-')} {right})"

    def product(self, scope: list[str], depth: int) -> str:
        return f"{self.value(scope, depth)} * {self.value(scope, depth)}"

    def function(self, scope: list[str], depth: int) -> str:
        form = self.rng.choice((
            "tanh({0})", "sigmoid({0})", "exp(tanh({0}))", "relu({0})", "abs({0})", "erf({0})", "({0})^2",
            "sqrt(1/2 + ({0})^2)", "maximum({0}, {1})", "minimum({0}, {1})", "tanh({0})^3", "log({2})",
            "log(1 + ({0})^2)", "exp(-({0})^2)", "{2}^1.5", "{2}^-2", "sqrt({2})", "{2}^tanh({0})",
            "-({0})", "2.5*({0})", "pi*({0})/3",
        ))  # fmt: skip
        return self.filled(form, scope, depth)

    def filled(self, form: str, scope: list[str], depth: int) -> str:
        """The form with a value for {0}, a read for {1} and a positive read for {2}, where it has these."""
        inner = self.value(scope, depth) if "{0}" in form else ""
        leaf = self.leaf(scope) if "{1}" in form else ""
        return form.format(inner, leaf, self.positive_leaf(scope) if "{2}" in form else "")

    def ratio(self, scope: list[str], depth: int) -> str:
        return self.filled(self.rng.choice(("({0})/{2}", "({0})/(1 + abs({1}))", "({0})/3")), scope, depth)

    def bind(self, scope: list[str], most: int) -> list[str]:
        """New letters, or primed ones of the same extent as others."""
        chosen: list[str] = []
        for _ in range(self.rng.randint(1, most)):
            primed = [
                f"{s}'" for s in scope if f"{s}'" not in scope and s + "'" not in chosen and "'" not in s
            ]
            free = [s for s in BOUND if s not in scope and s not in chosen]
            if not free or self.terms > MOST_TERMS:
                break
            letter = self.rng.choice(primed) if primed and self.chance(0.2) else self.rng.choice(free)
            extent = self.extents.setdefault(letter.rstrip("'"), self.rng.randint(1, 4))
            self.terms *= extent
            chosen.append(letter)
        return chosen

    def bounds(self, letters: list[str]) -> tuple[str, list[str]]:
        """The letters as a reduction binds them, some with their extents, and reads that fix the others'."""
        written, anchors = [], []
        for letter in letters:
            base = letter.rstrip("'")
            if base not in self.anchored and (not self.sure or self.chance(0.3)):
                self.anchored.add(base)
                written.append(f"{letter}<{self.extents[base]}")
                continue
            written.append(letter)
            if base not in self.anchored:
                anchors.append(letter)
        return ",".join(written), [self.anchor(s) for s in anchors]

    def reduction(self, scope: list[str], depth: int) -> str:
        letters = self.bind(scope, 2)
        if not letters:
            return self.leaf(scope)
        inner = [*scope, *letters]
        condition = f" : {self.index_condition(inner)}" if self.chance(0.15) else ""
        before, self.sure = self.sure, self.sure and not condition
        written, anchors = self.bounds(letters)
        op = "sum" if condition else self.rng.choice(("sum", "sum", "mean"))
        body = "*".join((*anchors, self.factor(inner, depth) if self.chance(0.7) else self.leaf(inner)))
        self.sure = before
        return f"({op}[{written}{condition}] {body})"

    def factor(self, scope: list[str], depth: int) -> str:
        return f"({self.value(scope, depth)})"

    def extreme(self, scope: list[str], depth: int) -> str:
        letters = self.bind(scope, 2)
        if not letters:
            return self.leaf(scope)
        written, anchors = self.bounds(letters)
        before, self.padded = self.padded, False
        inner = [*scope, *letters]
        parts = [*anchors, self.value(inner, depth), self.plain_reader(inner, letters)]
        self.padded = before
        if self.chance(0.4):
            parts.append(self.padded_window(scope, self.rng.choice(letters)))
        return f"({self.rng.choice(('max', 'min'))}[{written}] ({' + '.join(parts)}))"

    def padded_window(self, scope: list[str], inner: str) -> str:
        """A window that moves along and never lies wholly in the padding."""
        outer, step = self.rng.choice(scope), self.rng.randint(1, 2)
        width, length = self.extents[inner.rstrip("'")], self.extents[outer.rstrip("'")]
        before, after = self.rng.randrange(width), self.rng.randrange(width)
        last = step * (length - 1) - before
        name = self.name()
        size = max(last + width - after, last + 1, 1)
        self.operands[name] = [_Axis(size, (before, max(0, last + width - size)))]
        return f"{name}[{step}*{outer} + {inner} - {before}]"

    def plain_reader(self, scope: list[str], letters: list[str]) -> str:
        """A read that tells the positions of a maximum apart."""
        return self.fresh([s for s in scope if s in letters or self.chance(0.3)])

    def distinction(self, scope: list[str], depth: int) -> str:
        guarded = self.rng.choice(
            (self.guarded_shift, self.guarded_stride, self.plain_where, self.plain_where, self.iverson)
        )
        return guarded(scope, depth)

    def plain_where(self, scope: list[str], depth: int) -> str:
        condition = self.index_condition(scope) if self.chance(0.5) else self.value_condition(scope)
        before, self.sure = self.sure, False
        parts = f"{self.value(scope, depth)}, {self.leaf(scope)}"
        self.sure = before
        return f"where({condition}, {parts})"

    def iverson(self, scope: list[str], depth: int) -> str:
        condition = self.index_condition(scope) if self.chance(0.6) else self.value_condition(scope)
        return f"[{condition}]*{self.value(scope, depth)}"

    def value_condition(self, scope: list[str]) -> str:
        left = self.leaf(scope)
        right = self.rng.choice(("0", "0.3")) if self.chance(0.6) else self.leaf(scope)
        plain = f"{left} {self.rng.choice(('<', '<=', '>', '>='))} {right}"
        return f"{plain} and {self.index_condition(scope)}" if self.chance(0.2) else plain

    def index_condition(self, scope: list[str]) -> str:
        a = self.rng.choice(scope)
        others = [s for s in scope if s != a]
        forms = [
            f"{a} < {self.rng.randint(1, 3)}",
            f"{a} != {self.rng.randint(0, 2)}",
            f"2 | {a}",
            f"not ({a} == 1)",
        ]
        if others:
            b = self.rng.choice(others)
            forms += [
                f"{a} <= {b}",
                f"{a} == {b}",
                f"0 <= {a} - {b} < 2",
                f"{a} < {b} or {a} > {b} + 1",
                f"3 | {a} + {b}",
            ]
        return self.rng.choice(forms)

    def guarded_shift(self, scope: list[str], depth: int) -> str:
        """A read that the condition keeps inside its tensor."""
        letter = self.rng.choice(scope)
        extent, shift = self.extents[letter.rstrip("'")], self.rng.randint(1, 2)
        name = self.name()
        self.operands[name] = [_Axis(max(1, extent - shift))]
        if extent <= shift:
            return f"{name}[0]"
        before, self.sure = self.sure, False
        otherwise = self.leaf(scope) if self.chance(0.5) else "0"
        self.sure = before
        wrap = self.rng.choice(("{}", "{}", "1/(1 + {}^2)", "exp({})"))
        if self.chance(0.5):
            return f"where({letter} >= {shift}, {wrap.format(f'{name}[{letter} - {shift}]')}, {otherwise})"
        return f"where({letter} < {extent - shift}, {wrap.format(f'{name}[{letter}]')}, {otherwise})"

    def guarded_stride(self, scope: list[str], depth: int) -> str:
        letter, step = self.rng.choice(scope), self.rng.randint(2, 3)
        extent = self.extents[letter.rstrip("'")]
        name = self.name()
        self.operands[name] = [_Axis((extent - 1) // step + 1)]
        before, self.sure = self.sure, False
        otherwise = self.leaf(scope)
        self.sure = before
        return f"where({step} | {letter}, {name}[{letter}/{step}], {otherwise})"

    # reads

    def leaf(self, scope: list[str]) -> str:
        roll = self.rng.random()
        if roll < 0.08:
            return self.rng.choice(
                ("2", "0.5", "3", f"{self.rng.choice(scope)}", f"({self.rng.choice(scope)} + 1)/2")
            )
        if roll < 0.15:
            return self.scalar()
        if roll < 0.35 and self.operands and (found := self.again(scope)):
            return found
        if roll < 0.45 and self.defined:
            return self.intermediate(scope)
        if roll < 0.6:
            return self.window(scope)
        if roll < 0.65:
            return self.stencil(scope)
        if roll < 0.7 and len(scope) > 1:
            return self.flattened(scope)
        return self.fresh([s for s in scope if self.chance(0.6)] or [self.rng.choice(scope)])

    def positive_leaf(self, scope: list[str]) -> str:
        read = self.fresh([s for s in scope if self.chance(0.5)] or [self.rng.choice(scope)])
        self.positive.add(read.split("[")[0])
        return read

    def name(self) -> str:
        return f"x{len(self.operands) + 1}"

    def scalar(self) -> str:
        if self.chance(0.3):
            self.constants["alpha"] = 0.7
            return "alpha"
        self.operands.setdefault("beta", [])
        return "beta"

    def fix(self, letters: Iterable[str]) -> None:
        if self.sure:
            self.anchored.update(s.rstrip("'") for s in letters)

    def fresh(self, letters: list[str]) -> str:
        """A new operand with an axis for each letter, which fixes their extents; at times a diagonal."""
        name = self.name()
        self.operands[name] = [_Axis(self.extents[s.rstrip("'")]) for s in letters]
        self.fix(letters)
        if len(letters) == 1 and self.chance(0.1):
            self.operands[name] *= 2
            letters = letters * 2
        return f"{name}[{','.join(letters)}]"

    def expression(self, scope: list[str]) -> tuple[str, int, int]:
        """An index expression with its least and greatest value."""
        a, b = self.rng.choice(scope), self.rng.choice(scope)
        m, n = (self.extents[s.rstrip("'")] - 1 for s in (a, b))
        k, q = self.rng.randint(1, 3), self.rng.randint(2, 3)
        forms = [
            (f"{a} + {k}", k, m + k),
            (f"{a} - {k}", -k, m - k),
            (f"{q}*{a}", 0, q * m),
            (f"{k}*{a} + {b}", 0, k * m + n) if a != b else (f"{k + 1}*{a}", 0, (k + 1) * m),
            (f"{q}*{a} + {k}*{b} - 1", -1, q * m + k * n - 1) if a != b else (f"{a}", 0, m),
            (f"{a} - {b}", -n, m) if a != b else (f"{a}", 0, m),
            (f"{k} - {a}", k - m, k),
            (f"{a}//{q}", 0, m // q),
            (f"({k}*{a} + 1)//{q}", 1 // q, (k * m + 1) // q),
            (f"({k}*{a} + {b})//{q}", 0, (k * m + n) // q) if a != b else (f"{a}//2", 0, m // 2),
            (f"{a}%{q}", 0, min(m, q - 1)),
            (f"({a} + {b})%{q}", 0, q - 1),
            (f"({a} - {b})%{q}", 0, q - 1) if a != b else (f"{a}%3", 0, min(m, 2)),
            (f"{a.rstrip(chr(39)).upper()} - 1 - {a}", 0, m),
            (f"{a.rstrip(chr(39)).upper()}*{b} + {a}", 0, (m + 1) * n + m) if a != b else (f"{a}", 0, m),
            (f"{self.rng.randint(0, 2)}", 0, 2),
        ]  # fmt: skip
        return self.rng.choice(forms)

    def window(self, scope: list[str]) -> str:
        """A new operand read at expressions, some with padding."""
        name = self.name()
        axes: list[_Axis] = []
        written: list[str] = []
        for _ in range(self.rng.choice((1, 1, 2))):
            text, low, high = self.expression(scope)
            spanned = self.spanned(text, scope)
            while (low < 0 and not self.padded) or not self.anchored.issuperset(spanned[1:]):
                text, low, high = self.expression(scope)
                spanned = self.spanned(text, scope)
            after = self.rng.randint(0, 1) if high >= 1 and not spanned and self.padded else 0
            slack = 0 if spanned else self.rng.choice((0, 0, 1))
            axes.append(_Axis(max(1, high + 1 - after + slack), (max(0, -low), after)))
            written.append(text)
            self.fix(spanned)
        self.operands[name] = axes
        return f"{name}[{', '.join(written)}]"

    def spanned(self, text: str, scope: list[str]) -> tuple[str, ...]:
        """The letters of an expression that takes every value of its axis: one letter, or flattened ones."""
        value = parse_expression(text, ",".join(scope))
        index = value.index if isinstance(value, IndexValue) else None
        letters = (flat_parts(index) or (index.letter,)) if index is not None else ()
        return tuple(s.rstrip("'") for s in letters if s is not None)

    def stencil(self, scope: list[str]) -> str:
        """Neighbours of one operand, so that the letter alone does not cover the axis."""
        letter = self.rng.choice(scope)
        name = self.name()
        self.operands[name] = [_Axis(self.extents[letter.rstrip("'")] + 1)]
        return f"(2*{name}[{letter} + 1] {self.rng.choice('-*')} {name}[{letter}])"

    def flattened(self, scope: list[str]) -> str:
        letters = self.rng.sample(scope, 2)
        if letters[1].rstrip("'") not in self.anchored:
            return self.fresh(letters)
        name = self.name()
        self.operands[name] = [_Axis(prod(self.extents[s.rstrip("'")] for s in letters))]
        self.fix(letters)
        return f"{name}[({','.join(letters)})]"

    def again(self, scope: list[str]) -> str | None:
        """A known operand at other indices that lie inside it."""
        name = self.rng.choice(sorted(self.operands))
        return self.inside(name, [a.size for a in self.operands[name]], scope)

    def intermediate(self, scope: list[str]) -> str:
        name = self.rng.choice(sorted(self.defined))
        return self.inside(name, [self.extents[s] for s in self.defined[name]], scope) or name

    def inside(self, name: str, sizes: list[int], scope: list[str]) -> str | None:
        written: list[str] = []
        for size in sizes:
            fitting = [s for s in scope if self.extents[s.rstrip("'")] == size]
            shorter = [s for s in scope if self.extents[s.rstrip("'")] < size]
            if fitting and self.chance(0.7):
                written.append(self.rng.choice(fitting))
            elif shorter and self.chance(0.7):
                letter = self.rng.choice(shorter)
                written.append(f"{letter} + {size - self.extents[letter.rstrip(chr(39))]}")
            else:
                written.append(
                    self.rng.choice((f"{self.rng.choice(scope)}%{size}", str(self.rng.randrange(size))))
                )
        return f"{name}[{', '.join(written)}]" if written else None

"""A seed's equation brought into a layer's letters, and compared with the layer's own, by structure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evidence.seeds.generated import steps
from evidence.seeds.record import Differs, Names, Said, Seed
from pellucid import random
from pellucid.engine.program import Step
from pellucid.errors import FormulaError, GeometryError
from pellucid.formula.algebra import cancelled
from pellucid.formula.derive import gradient_name
from pellucid.formula.evaluate import planned
from pellucid.formula.expression import (
    Add,
    Bound,
    Call,
    Divides,
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
    walk,
    with_reads,
)
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.index import Index, flat_parts, size_of
from pellucid.formula.parse import parse_equation, parse_read
from pellucid.formula.ranges import Ranges, validate
from pellucid.formula.specialise import specialise

__all__ = ["difference", "exact", "in_case", "is_matched", "layer_of", "same_letters"]

Array = NDArray[Any]
# Larger than any number whose exponential is finite.
LARGE = 1e4
# Names with primes; what stands before a bracket is no letter.
_NAME = re.compile(r"[A-Za-z_]\w*'*(?![\w'])(?!\s*[\[(])")


def is_matched(said: Said, seed: Seed) -> bool:
    """Whether the seed's equation, in the layer's letters, is pellucid's."""
    step = layer_of(said, seed)
    return _canonical(same_letters(said), said, step) == _canonical(exact(said, seed), said, step)


def exact(said: Said, seed: Seed) -> Equation:
    """Pellucid's equation."""
    return said.where.equation(seed.network, layer_of(said, seed))


def same_letters(said: Said) -> Equation:
    """The seed's equation in the layer's letters and axes.

    Raises:
        FormulaError: it is no equation of the language, for instance as a letter means two things.
    """
    text = _NAME.sub(lambda name: said.names.letters.get(name[0], name[0]), said.text)
    equation = parse_equation(text)
    images = _images(said.names)

    def renamed(read: Read) -> Read:
        if read.tensor not in images:
            return read
        mine, theirs = images[read.tensor]
        mapping = {str(m.letter): i for m, i in zip(mine.indices, read.indices, strict=True)}
        found = substitute(theirs, mapping)
        assert isinstance(found, Read)
        return found

    target, value = renamed(equation.target), with_reads(equation.value, renamed)
    # counted from 0, whatever the seed counts from
    shifts = {s: Index.of(s) + s - i for i in target.indices for s in _single(i)}
    back = {s: i for s, i in shifts.items() if i != Index.of(s)}
    moved = substitute(target, back)
    assert isinstance(moved, Read)
    return Equation(moved, as_expr(substitute(value, back)))


def _single(index: Index) -> tuple[str, ...]:
    """The letter of ``letter + number``."""
    return tuple(index.symbols) if len(index.symbols) == 1 and flat_parts(index) is None else ()


def _images(names: Names) -> dict[str, tuple[Read, Read]]:
    """The seed's element and the layer's, by the seed's tensor; gradients follow their tensors."""
    found: dict[str, tuple[Read, Read]] = {}
    for mine, theirs in names.tensors.items():
        one, other = parse_read(mine), parse_read(theirs)
        found.setdefault(gradient_name(one.tensor), (one, Read(gradient_name(other.tensor), other.indices)))
        found[one.tensor] = (one, other)
    return found


def layer_of(said: Said, seed: Seed) -> Step | None:
    """The layer, with its equations, to which a formula belongs."""
    return steps(seed.network, seed.images)[said.names.step] if said.names.step else None


def _canonical(equation: Equation, said: Said, step: Step | None) -> Equation:
    """The one form that equal equations have."""
    opened = said.opened and step is not None
    value = _opened(equation.value, step.forward) if opened and step else equation.value
    special = in_case(Equation(equation.target, value), said, step)
    ones = _ones(said, step)
    inner = as_expr(_tidied(_without_ones(special.value, ones)))
    return Equation(special.target, _numbered(cancelled(inner)))


def in_case(equation: Equation, said: Said, step: Step | None) -> Equation:
    """The equation in the seed's case: numbers and special constants put in, one image, one channel."""
    if said.special is None:
        assert step is not None
        letters = tuple(Index.of(s) for s in _letters_of(equation.target))
        formula = Formula((Equation(Read("value", letters), equation.value),))
        value = specialise(formula, _ranges(step))[0].equations[0].value
    else:
        mapping = {name: _index(text) for name, text in said.special.items()}
        value = as_expr(substitute(equation.value, mapping))
    ones = _ones(said, step)
    single = {s: Index.of(0) for s in _letters_of(equation.target) if size_of(s) in ones}
    target = substitute(equation.target, single)
    assert isinstance(target, Read)
    return Equation(target, as_expr(substitute(_whole(value), single)))


def _ones(said: Said, step: Step | None) -> set[str]:
    """The sizes that are 1."""
    if said.special is not None:
        return {name for name, text in said.special.items() if text == "1"}
    assert step is not None
    return {s for s, n in _ranges(step).symbols.items() if n == 1}


def _letters_of(target: Read) -> tuple[str, ...]:
    """The letters of a left side that need not be one of the language."""
    return tuple(sorted({s for i in target.indices for s in i.symbols}))


def _ranges(step: Step) -> Ranges:
    return step.backward_ranges or step.ranges


def _index(text: str) -> Index:
    return parse_read(f"special[{text}]").indices[0]


def _opened(value: Expr, forward: Formula) -> Expr:
    """Results inside the layer put in; shifts are 0, as the result is declared not to depend on them."""

    def image(read: Read) -> Expr:
        equation = forward.defined.get(read.tensor)
        if equation is None:
            return read
        if equation.shift:
            return Num(0)
        letters = target_letters(equation)
        mapping = dict(zip(letters, read.indices, strict=True))
        return _opened(as_expr(substitute(equation.value, mapping)), forward)

    return with_reads(value, image)


def _whole(value: Expr) -> Expr:
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


def difference(said: Said, seed: Seed) -> Differs | None:
    """In what a formula, as it stands, is not pellucid's; None if it is the same."""
    try:
        parse_equation(said.text)
    except FormulaError:
        return Differs.CLASH
    equation = same_letters(said)
    step = layer_of(said, seed)
    assert step is not None
    ranges = _ranges(step)
    free = free_letters(equation.value) - set(_letters_of(equation.target)) - ranges.symbols.keys()
    if free:
        return Differs.LETTER
    formula = Formula((_plain(equation),), padding=step.forward.padding)
    ranges = _with_extents(formula, ranges)
    try:
        validate(formula, ranges)
    except GeometryError:
        return Differs.OUTSIDE
    plan = planned(formula, ranges)
    for size, found in ((1.0, Differs.VALUE), (LARGE, Differs.FLOAT)):
        values = _values(step, ranges, size)
        with np.errstate(all="ignore"):
            mine = plan({o: values[o] for o in formula.operands})[formula.output]
        theirs = values[equation.name][_places(equation.target)]
        if not np.max(np.abs(mine - theirs)) <= 1e-3 * np.max(np.abs(theirs)):
            return found
    return None


def _plain(equation: Equation) -> Equation:
    """The same value for a tensor that has the letters of the left side only."""
    letters = tuple(i for i in equation.target.indices if i.constant is None)
    return Equation(Read("value", letters), equation.value)


def _places(target: Read) -> tuple[int | slice, ...]:
    """Where the elements of a left side lie: all of an axis for a letter, one for a number."""
    return tuple(slice(None) if i.constant is None else i.constant for i in target.indices)


def _with_extents(formula: Formula, ranges: Ranges) -> Ranges:
    """With those of the seed's own letters, and the shape of its value."""
    bounds = (b for e in formula.equations for n in walk(e.value) if isinstance(n, Reduce) for b in n.letters)
    extents = {b.letter: ranges.extent(b) for b in bounds} | dict(ranges.extents)
    shape = tuple(extents[str(i.letter)] for i in formula.equations[-1].target.indices)
    return replace(ranges, extents=extents, shapes={**ranges.shapes, formula.output: shape})


def _values(step: Step, ranges: Ranges, size: float) -> Mapping[str, Array]:
    """Random operands of a layer, of about this size, and all that its equations give for them."""
    operands = {o: size * random.normal(random.key(7, o), ranges.shapes[o]) for o in step.forward.operands}
    values = planned(step.forward, ranges)(operands)
    output = step.forward.output
    if step.backward is None:
        return values
    above = gradient_name(output)
    values[above] = random.normal(random.key(7, above), ranges.shapes[output])
    return {**values, **planned(step.backward, ranges)({o: values[o] for o in step.backward.operands})}

"""A seed's equation brought into a layer's letters, and compared with the layer's own, by structure."""

from __future__ import annotations

import re

from evidence.seeds.canonical import canonical, opened, whole
from evidence.seeds.generated import steps
from evidence.seeds.record import Names, Said, Seed
from pellucid.engine.program import Step
from pellucid.formula.derive import gradient_name
from pellucid.formula.expression import Equation, Read, as_expr, substitute, with_reads
from pellucid.formula.formula import Formula
from pellucid.formula.index import Index, flat_parts, size_of
from pellucid.formula.parse import parse_equation, parse_read
from pellucid.formula.ranges import Ranges
from pellucid.formula.specialise import specialise

__all__ = ["exact", "in_case", "is_matched", "layer_of", "letters_in", "ranges_of", "same_letters"]

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
    value = equation.value
    if said.opened and step is not None:
        value = opened(value, step.forward)
    special = in_case(Equation(equation.target, value), said, step)
    return Equation(special.target, canonical(special.value, _ones(said, step)))


def in_case(equation: Equation, said: Said, step: Step | None) -> Equation:
    """The equation in the seed's case: numbers and special constants put in, one image, one channel."""
    if said.special is None:
        assert step is not None
        letters = tuple(Index.of(s) for s in letters_in(equation.target))
        formula = Formula((Equation(Read("value", letters), equation.value),))
        value = specialise(formula, ranges_of(step))[0].equations[0].value
    else:
        mapping = {name: _index(text) for name, text in said.special.items()}
        value = as_expr(substitute(equation.value, mapping))
    ones = _ones(said, step)
    single = {s: Index.of(0) for s in letters_in(equation.target) if size_of(s) in ones}
    target = substitute(equation.target, single)
    assert isinstance(target, Read)
    return Equation(target, as_expr(substitute(whole(value), single)))


def _ones(said: Said, step: Step | None) -> set[str]:
    """The sizes that are 1."""
    if said.special is not None:
        return {name for name, text in said.special.items() if text == "1"}
    assert step is not None
    return {s for s, n in ranges_of(step).symbols.items() if n == 1}


def letters_in(target: Read) -> tuple[str, ...]:
    """The letters of a left side, which may have numbers among its indices."""
    return tuple(sorted({s for i in target.indices for s in i.symbols}))


def ranges_of(step: Step) -> Ranges:
    """The layer's extents and shapes, those of its gradients included."""
    return step.backward_ranges or step.ranges


def _index(text: str) -> Index:
    return parse_read(f"special[{text}]").indices[0]

"""What a gradient's formula says, in everyday words, read off from the equation that uses the value.

>>> from pellucid.formula.derive import derive
>>> from pellucid.formula.formula import Formula
>>> for operand in "bw":
...     print(*meaning(derive(Formula.parse("y[n,k] = b[k] + sum[d] w[k,d] * x[n,d]")), operand))
b[k] is added at every n, so it gets the gradients of all of them, added up
w[k,d] is multiplied by x[n,d], so it gets the gradient times x[n,d], added up over every n where it is used
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from pellucid.formula.derive import Gradient
from pellucid.formula.expression import (
    Add,
    Call,
    Divides,
    Equation,
    Expr,
    Mul,
    Node,
    Read,
    Reduce,
    Where,
    children,
    count,
    mul,
    reads,
    split_coefficient,
    walk,
)
from pellucid.formula.formula import target_letters
from pellucid.formula.normal import is_position, position_of

__all__ = ["listed", "meaning", "share"]

PARTS = {2: "a half", 3: "a third", 4: "a quarter"}


def listed(parts: Iterable[object]) -> str:
    """``a, b and c``."""
    found = list(dict.fromkeys(map(str, parts)))
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + f" and {found[-1]}" if found else ""


def meaning(gradient: Gradient, operand: str) -> tuple[str, ...]:
    """Sentences about the gradient by one operand; none where its equation has no plain words."""
    forward, result = gradient.forward, gradient.equation(operand)
    used = [(e, r) for e, r in forward.reads() if r.tensor == operand and not is_position(e) and not e.shift]
    found: list[str] = []
    if len(used) == 1:
        ((equation, read),) = used
        found += _way_back(equation, read)
    elif len({e.name for e, _ in used}) == 1:
        found.append(f"{operand} is read {len(used)} times, and the gradient is the sum of what comes back")
    found += _difference(result.value)
    found += _whole(result)
    return tuple(found)


def _way_back(equation: Equation, read: Read) -> Iterator[str]:
    value, read_text = equation.value, repr(read)
    if value == read:
        yield f"{read_text} is only moved, so its gradient comes back from where it went"
    elif isinstance(value, Reduce) and value.op in ("max", "min") and value.body == read:
        largest = "largest" if value.op == "max" else "smallest"
        yield (
            f"only the {largest} element of a window (the first of several) has an effect, so it alone gets "
            f"the gradient and the others get 0; {position_of(equation.name)} is its place"
        )
    elif isinstance(value, Reduce) and value.op == "mean" and value.body == read:
        size = mul(*(count(b.size) for b in value.letters))
        yield f"each of {size} values has the same share in their mean, so it gets 1/({size}) of the gradient"
    elif isinstance(value, Call) and value.arguments == (read,):
        yield _slope(value.function, read_text)
    elif isinstance(value, Add) and read in value.terms:
        yield _added(equation, read)
    else:
        yield from _multiplied(equation, read)


def _slope(function: str, read: str) -> str:
    if function == "relu":
        return (
            f"where {read} > 0 the value passes unchanged, and so does its gradient; elsewhere the output is "
            "0 whatever the value is, so the gradient is blocked"
        )
    return f"each element changes its own output only: the gradient is multiplied by the slope of {function}"


def _added(equation: Equation, read: Read) -> str:
    missing = _missing(equation, read)
    if not missing:
        return f"{read!r} is added as it is, so it gets the gradient as it is"
    return f"{read!r} is added at every {listed(missing)}, so it gets the gradients of all of them, added up"


def _missing(equation: Equation, read: Read) -> list[str]:
    """The letters of the left side on which the element that is read does not depend."""
    used = {s for i in read.indices for s in i.symbols}
    return [s for s in target_letters(equation) if s not in used]


def _multiplied(equation: Equation, read: Read) -> Iterator[str]:
    others = _partners(equation.value, read)
    if not others:
        return
    missing, windows = _missing(equation, read), _windows(equation, read)
    factor = "*".join(map(repr, others))
    where = [f"every {listed(missing)} where it is used"] if missing else []
    where += [f"every window ({','.join(windows)}) that it lies in"] if windows else []
    text = f"{read!r} is multiplied by {factor}, so it gets the gradient times {factor}"
    yield text + (f", added up over {' and '.join(where)}" if where else "")


def _windows(equation: Equation, read: Read) -> list[str]:
    inside = {s for i in read.indices if i.letter is None for s in i.symbols}
    return [s for s in target_letters(equation) if s in inside]


def _partners(node: Node, read: Read) -> list[Read]:
    """What the element is multiplied by, if it enters through sums and products of reads alone."""
    if isinstance(node, Add) or (isinstance(node, Reduce) and node.op == "sum"):
        for child in children(node):
            if any(r == read for r in reads(child)):
                return _partners(child, read)
    if isinstance(node, Mul) and read in node.factors:
        others = [f for f in node.factors if f != read]
        return [f for f in others if isinstance(f, Read)] if all(isinstance(f, Read) for f in others) else []
    return []


def _difference(value: Expr) -> Iterator[str]:
    """``(p - y)*c``: how far p is from y."""
    for node in value.factors if isinstance(value, Mul) else (value,):
        if isinstance(node, Add) and len(node.terms) == 2:
            (plus, first), (minus, second) = map(split_coefficient, node.terms)
            if plus == 1 and minus == -1 and isinstance(first, Read) and isinstance(second, Read):
                yield f"the gradient is how far {first!r} is from {second!r}"


def _whole(result: Equation) -> Iterator[str]:
    asked = [n for w in walk(result.value) if isinstance(w, Where) for n in walk(w) if isinstance(n, Divides)]
    if asked:
        yield (
            f"there is a window at which the element is met only where {listed(asked)}; "
            "a division with a remainder means that the window steps over it"
        )


def share(value: Expr) -> Iterator[str]:
    """What part of a gradient comes back, if the formula in numbers is a fraction of one read."""
    number, rest = split_coefficient(value)
    if isinstance(number, Fraction) and number.numerator == 1 and isinstance(rest, Read):
        part = PARTS.get(number.denominator, f"1/{number.denominator}")
        yield f"with this network's numbers, {part} of {rest!r} comes back"

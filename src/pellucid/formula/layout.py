"""Formulas laid out in boxes: brackets, fractions, sums with their letters and conditions below.

LaTeX and MathML are both written from this layout, so they cannot differ.
"""

from __future__ import annotations

import fractions
from collections.abc import Mapping, Sequence

from pellucid.errors import FormulaError
from pellucid.formula.boxes import Box, Cases, Fence, Fraction, Limits, Root, Row, Scripts, Stack, Symbol
from pellucid.formula.expression import (
    Add,
    And,
    Bound,
    Call,
    Compare,
    Condition,
    Delta,
    Derivative,
    Divides,
    Equation,
    Expr,
    IndexValue,
    Mul,
    Node,
    Not,
    Num,
    Or,
    Power,
    Read,
    Reduce,
    Where,
    Within,
)
from pellucid.formula.index import Index
from pellucid.formula.names import named
from pellucid.formula.parse import Assumption
from pellucid.formula.pieces import (
    ATOM,
    CONDITION,
    DOT,
    FACTOR,
    MINUS,
    PRODUCT,
    SUM,
    TIGHT,
    Piece,
    between,
    index_piece,
    listed,
    name_piece,
    number_piece,
    separated,
)
from pellucid.formula.text import factors_of, negative

__all__ = ["Printable", "layout"]

Printable = Node | Index | Equation | Assumption

RELATIONS = {"==": "=", "!=": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}
FUNCTIONS = {
    "sigmoid": Symbol("σ", "letter"), "relu": Symbol("ReLU", "function"),
    "maximum": Symbol("max", "function"), "minimum": Symbol("min", "function"),
}  # fmt: skip
REDUCTIONS = {
    "sum": Symbol("∑", "large"), "max": Symbol("max", "limit"), "min": Symbol("min", "limit"),
    "argmax": Symbol("arg max", "limit"), "argmin": Symbol("arg min", "limit"),
}  # fmt: skip
PARTIAL, TIMES = Symbol("∂", "letter"), Symbol("", "times")


def layout(item: Printable, gradients: Mapping[str, str] | None = None) -> Box:
    """The boxes of an expression, condition, index, equation or assumption.

    Args:
        item: what to set.
        gradients: tensors that are gradients, and of what: ``{"dy": "y"}`` sets ``dy[i]`` as a fraction of
            differentials.
    """
    if isinstance(item, Index):
        return index_piece(item).box
    setter = _Setter(gradients or {})
    if isinstance(item, Equation):
        note = "(shift)" if item.shift else ""
        return _equated(setter.piece(item.target).box, setter.piece(item.value).box, note)
    if isinstance(item, Assumption):
        return _equated(setter.piece(item.left).box, setter.piece(item.right).box, "(assumption)")
    return setter.piece(item).box


def _equated(left: Box, right: Box, note: str) -> Box:
    behind = (Symbol("", "space"), Symbol(note, "text")) if note else ()
    return Row((left, Symbol("=", "relation"), right, *behind))


class _Setter:
    def __init__(self, gradients: Mapping[str, str]) -> None:
        self.gradients = gradients

    def box(self, node: Node, level: int = CONDITION) -> Box:
        return self.piece(node).at(level)

    def piece(self, node: Node) -> Piece:
        match node:
            case Num(value):
                return number_piece(value)
            case IndexValue(index):
                return index_piece(index)
            case Read():
                return self.element(node)
            case Add(terms):
                return Piece(self.total(terms), SUM)
            case Mul() | Power():
                return self.product(node)
            case Call(function, arguments):
                return self.call(function, arguments)
            case Reduce(op, letters, body):
                return self.reduction(op, letters, body)
            case Where():
                return self.cases(node)
            case Delta(left, right):
                return Piece(Scripts(Symbol("δ", "letter"), listed((left, right))), FACTOR)
            case Derivative(value, element):
                return self.derivative(value, element)
        return Piece(self.condition(node), CONDITION)

    def element(self, node: Read) -> Piece:
        indices = listed(node.indices) if node.indices else None
        if node.tensor in self.gradients:
            below = Row((PARTIAL, named(self.gradients[node.tensor], indices)))
            return Piece(Fraction(Row((PARTIAL, Symbol("L", "letter"))), below), FACTOR)
        return name_piece(node.tensor, indices)

    def total(self, terms: Sequence[Expr]) -> Box:
        row: list[Box] = []
        for place, term in enumerate(terms):
            minus = negative(term)
            if row:
                row.append(Symbol("−" if minus else "+", "binary"))
            elif minus:
                row.append(MINUS)
            piece = self.piece(-term if minus else term)
            last = place == len(terms) - 1 or (isinstance(term, (Reduce, Mul)) and _ends_in_sum(term))
            row.append(piece.at(SUM if isinstance(term, IndexValue) and not minus else PRODUCT, last=last))
        return Row(tuple(row))

    def product(self, node: Expr) -> Piece:
        sign, above, below = factors_of(node)
        if isinstance(node, Power) and not below:
            return self.power(node)
        if not below and len(above) == 1:
            piece = self.piece(above[0])
            return Piece(Row((MINUS, piece.at(PRODUCT))), SUM, piece.open) if sign else piece
        behind = above[-1:] if below and isinstance(above[-1] if above else None, Reduce) else []
        above = above[: len(above) - len(behind)]
        row: list[Box] = []
        if below:
            row.append(Fraction(self.factors(above or [Num(1)], alone=True), self.factors(below, alone=True)))
        else:
            row.append(self.factors(above))
        box = separated([*row, *(self.box(b) for b in behind)], TIGHT)
        opened = bool(behind) or (not below and isinstance(above[-1], Reduce))
        if sign:
            return Piece(Row((MINUS, box)), SUM, opened)
        return Piece(box, FACTOR if below and not behind else PRODUCT, opened)

    def factors(self, factors: Sequence[Expr], *, alone: bool = False) -> Box:
        """Factors side by side; `alone` in the half of a fraction, where one needs no brackets."""
        if alone and len(factors) == 1:
            return self.box(factors[0])
        row: list[Box] = []
        for place, factor in enumerate(factors):
            last = place == len(factors) - 1 and isinstance(factor, Reduce)
            box = self.box(factor, PRODUCT if last else FACTOR)
            row += [_between_factors(row[-1], box), box] if row else [box]
        return Row(tuple(row))

    def power(self, node: Power) -> Piece:
        if node.exponent == Num(fractions.Fraction(1, 2)):
            return Piece(Root(self.box(node.base)), FACTOR)
        base, exponent = self.box(node.base, ATOM), self.box(node.exponent)
        if isinstance(base, Scripts):
            return Piece(Scripts(base.base, base.below, exponent), FACTOR)
        return Piece(Scripts(base, None, exponent), FACTOR)

    def call(self, function: str, arguments: Sequence[Expr]) -> Piece:
        inside = separated([self.box(a, SUM) for a in arguments])
        if function == "sqrt":
            return Piece(Root(inside), FACTOR)
        if function == "abs":
            return Piece(Fence("|", inside, "|"), ATOM)
        name = FUNCTIONS.get(function, Symbol(function, "function"))
        return Piece(Row((name, Symbol("", "apply"), Fence("(", inside, ")"))), FACTOR)

    def reduction(self, op: str, letters: Sequence[Bound], body: Expr) -> Piece:
        lines = _letter_lines(letters)
        if op == "sum" and isinstance(body, Where) and body.otherwise == Num(0) and body.then != Num(1):
            parts = body.condition.parts if isinstance(body.condition, And) else (body.condition,)
            lines += [self.condition(part) for part in parts]
            body = body.then
        below = lines[0] if len(lines) == 1 else Stack(tuple(lines))
        piece = self.piece(body)
        inside = piece.box if isinstance(piece.box, Cases) else piece.at(PRODUCT)
        row: list[Box] = [Limits(REDUCTIONS["sum" if op == "mean" else op], below), inside]
        if op == "mean":
            size = Index.of(1)
            for bound in letters:
                size = size * bound.size
            row = [Fraction(number_piece(1).box, index_piece(size).box), TIGHT, *row]
        return Piece(Row(tuple(row)), PRODUCT, open=True)

    def cases(self, node: Where) -> Piece:
        if node.then == Num(1) and node.otherwise == Num(0):
            return Piece(Fence("[", self.condition(node.condition), "]"), ATOM)
        rows: list[tuple[Box, Box]] = []
        rest: Expr = node
        while isinstance(rest, Where) and (
            rest is node or not (rest.then == Num(1) and rest.otherwise == Num(0))
        ):
            rows.append((self.box(rest.then), Row((Symbol("if ", "text"), self.condition(rest.condition)))))
            rest = rest.otherwise
        rows.append((self.box(rest), Symbol("otherwise", "text")))
        return Piece(Cases(tuple(rows)), CONDITION)

    def derivative(self, value: Expr, element: Read) -> Piece:
        below = Row((PARTIAL, self.box(element)))
        if isinstance(value, Read):
            return Piece(Fraction(Row((PARTIAL, self.box(value))), below), FACTOR)
        return Piece(Row((Fraction(PARTIAL, below), TIGHT, self.box(value, ATOM))), PRODUCT)

    def condition(self, node: Node) -> Box:
        match node:
            case Compare(op, left, right):
                return Row((self.side(left), Symbol(RELATIONS[op], "relation"), self.side(right)))
            case Divides(divisor, index):
                return Row((index_piece(divisor).box, Symbol("∣", "relation"), index_piece(index).box))
            case Within(index, extent):
                return between(index_piece(index).box, extent)
            case And(parts):
                return self.joined(parts, " and ", (Or,))
            case Or(parts):
                return self.joined(parts, " or ", (And, Or))
            case Not(part):
                inside = self.condition(part)
                return Row((Symbol("¬", "prefix"), Fence("(", inside, ")")))
        raise FormulaError(f"no layout is defined for {type(node).__name__}")

    def side(self, node: Expr) -> Box:
        return index_piece(node.index).box if isinstance(node, IndexValue) else self.box(node, SUM)

    def joined(self, parts: Sequence[Condition], word: str, fenced: tuple[type, ...]) -> Box:
        boxes = [self.condition(part) for part in parts]
        boxes = [
            Fence("(", b, ")") if isinstance(p, fenced) else b for p, b in zip(parts, boxes, strict=True)
        ]
        return separated(boxes, Symbol(word, "text"))


def _ends_in_sum(term: Expr) -> bool:
    """Whether what follows behind a plus is understood to stand outside, as after a sum."""
    last = term.factors[-1] if isinstance(term, Mul) else term
    return isinstance(last, Reduce) and last.op in ("sum", "mean")


def _between_factors(left: Box, right: Box) -> Symbol:
    """A dot before a number, no gap behind numbers and brackets and before sums, a small gap elsewhere."""
    first = right
    while isinstance(first, (Row, Scripts)):
        first = first.parts[0] if isinstance(first, Row) else first.base
    if isinstance(first, Symbol) and first.role == "number":
        return DOT
    if isinstance(first, Fence) and first.left == "[":
        return TIMES
    number = left.above if isinstance(left, Fraction) else left
    close = isinstance(number, Fence) and number.left == "("
    close = close or (isinstance(number, Symbol) and number.role == "number")
    return TIGHT if close or isinstance(first, Limits) else TIMES


def _letter_lines(bounds: Sequence[Bound]) -> list[Box]:
    """What stands under a sum: the letters, and the ranges of those that do not run over their own size."""
    lines: list[Box] = []
    extents = list(dict.fromkeys(b.extent for b in bounds))
    for extent in sorted(extents, key=lambda e: e is not None):
        letters = separated(named(b.letter) for b in bounds if b.extent == extent)
        lines.append(letters if extent is None else between(letters, extent))
    return lines

"""The language of formulas, read from text.

    statement   [shift] NAME[index, ...] = value
                assume value = value
    value       + - * / ^ over numbers, tensors read at indices, scalars, functions, reductions, conditions
    reduction   sum[c, u, v] product        also mean, max, min, argmax, argmin; it takes all that is multiplied after it
                sum[u : s | h - u] product  only the terms for which the condition holds
    condition   a < b, i == j, 0 <= e < I, s | e, joined by and, or, not;   where(condition, a, b);   [condition] is 1 or 0
    index       s*i + a*u - p, d // q, d % q, (e)/s (exact), (c, i, j) flattened; C is the extent of the letter c

A statement ends with its line or with a semicolon; a line that ends inside a bracket or with an operator goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from pellucid.errors import FormulaError
from pellucid.formula.expression import COMPARISONS, FUNCTIONS, REDUCTIONS, Equation, Expr, Read

__all__ = ["Assumption", "Raw", "Statement", "parse", "parse_equation", "parse_expression"]

TOKEN = re.compile(
    r"(?P<space>[ \t\r]+|\\\r?\n|#[^\n]*)|(?P<newline>\n|;)"
    r"|(?P<number>(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*'*)"
    r"|(?P<op>\.\.\.|\*\*|//|<=|>=|==|!=|[-+*/%^()\[\],=<>|:])"
)
# Beyond these no formula is meant to be read; within them every operation stays far from Python's recursion limit.
DEEPEST = 40
LONGEST = 100_000
CONDITIONS = ("compare", "and", "or", "not")
PAIRED = {"D": "derivative", "delta": "delta"}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Assumption:
    """A fact about the operands that derivations may use: ``left = right`` for all values of its free letters."""

    left: Expr
    right: Expr

    def __str__(self) -> str:
        return f"assume {self.left!r} = {self.right!r}"


Statement = Equation | Assumption


@dataclass(frozen=True)
class Raw:
    """A piece of text that has been parsed but whose names are not yet known to be letters, sizes or scalars."""

    kind: str
    value: str
    parts: tuple[Raw, ...]
    at: int
    bounds: tuple[tuple[str, Raw | None], ...] = ()


def fail(source: str, at: int, message: str) -> NoReturn:
    """Raises a FormulaError that shows the line (of a long one, the part around) with a caret under the character."""
    start = max(source.rfind("\n", 0, at) + 1, at - 90)
    end = source.find("\n", at)
    shown = source[start : min(end if end >= 0 else len(source), at + 90)]
    line = "".join(c if c.isprintable() else " " for c in shown)
    raise FormulaError(f"{message}\n    {line}\n    {' ' * (at - start)}^")


def tokens(source: str) -> Iterator[Token]:
    """The words of a formula; an `end` closes each statement."""
    if len(source) > LONGEST:
        raise FormulaError(f"a formula may have {LONGEST:,} characters, not {len(source):,}")
    at = depth = 0
    joined = True
    while at < len(source):
        match = TOKEN.match(source, at)
        if match is None:
            fail(source, at, f"unexpected character {source[at]!r} in a formula")
        kind, word = str(match.lastgroup), match.group()
        depth = 0 if word == ";" else depth + {"(": 1, "[": 1, ")": -1, "]": -1}.get(word, 0)
        if word == ";" or (kind == "newline" and depth <= 0 and not joined):
            yield Token("end", word, at)
            joined = True
        elif kind not in ("space", "newline"):
            yield Token(kind, word, at)
            joined = kind == "op" and word not in (")", "]", "...")
        at = match.end()
    yield Token("end", "", len(source))


class _Reader:
    """Recursive descent over the tokens; gives Raw trees."""

    def __init__(self, source: str, ellipsis: str | None) -> None:
        self.source, self.ellipsis = source, ellipsis
        self.tokens = list(tokens(source))
        self.at = self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def fail(self, message: str, token: Token | None = None) -> NoReturn:
        fail(self.source, (token or self.token).at, message)

    def shown(self) -> str:
        return repr(self.token.text) if self.token.text.strip() else "the end of the line"

    def accept(self, *words: str) -> Token | None:
        token = self.token
        if token.text in words and token.kind in ("op", "name"):
            self.at += 1
            return token
        return None

    def expect(self, word: str) -> Token:
        return self.accept(word) or self.fail(f"expected {word!r}, found {self.shown()}")

    def name(self, what: str) -> Token:
        token = self.token
        if token.kind != "name":
            self.fail(f"expected {what}, found {self.shown()}")
        self.at += 1
        return token

    def value(self) -> Raw:
        at, parts, signs = self.token.at, [self.term()], []
        while sign := self.accept("+", "-"):
            signs.append(sign.text)
            parts.append(self.term())
        return Raw("sum", " ".join(signs), tuple(parts), at) if signs else parts[0]

    def term(self) -> Raw:
        at, parts, signs = self.token.at, [self.unary()], []
        while sign := self.accept("*", "/", "//", "%"):
            signs.append(sign.text)
            parts.append(self.unary())
        return Raw("product", " ".join(signs), tuple(parts), at) if signs else parts[0]

    def unary(self) -> Raw:
        self.deeper()
        sign = self.accept("-", "+")
        if sign:
            inner = self.unary()
            result = Raw("negative", "-", (inner,), sign.at) if sign.text == "-" else inner
        else:
            result = self.powered()
        self.depth -= 1
        return result

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail(f"the formula is nested more than {DEEPEST} levels deep")

    def powered(self) -> Raw:
        base = self.primary()
        if sign := self.accept("^", "**"):
            return Raw("power", "^", (base, self.unary()), sign.at)
        return base

    def primary(self) -> Raw:
        token = self.token
        if token.kind == "number":
            self.at += 1
            return Raw("number", token.text, (), token.at)
        if self.accept("("):
            return self.bracketed(token)
        if self.accept("["):
            inner = self.condition()
            self.expect("]")
            return Raw("iverson", "", (inner,), token.at)
        name = self.name("a number, a name or a bracket")
        if self.token.text == "(":
            return self.call(name)
        if name.text in REDUCTIONS and self.token.text == "[":
            return self.reduction(name)
        if self.accept("["):
            return Raw("read", name.text, self.listed("]"), name.at)
        return Raw("name", name.text, (), name.at)

    def bracketed(self, opening: Token) -> Raw:
        """A value or a condition in brackets, or a flattened index."""
        parts = self.expanded() if self.token.text == "..." else [self.disjunction()]
        while self.accept(","):
            parts += self.items()
        self.expect(")")
        return parts[0] if len(parts) == 1 else Raw("flat", "", tuple(parts), opening.at)

    def call(self, name: Token) -> Raw:
        self.expect("(")
        if name.text == "where":
            condition = self.condition()
            self.expect(",")
            values = self.listed(")")
            if len(values) != 2:
                self.fail("where takes a condition and two values", name)
            return Raw("where", "", (condition, *values), name.at)
        if name.text in REDUCTIONS:
            self.fail(f"{name.text} is taken over index letters, as in {name.text}[u] x[u]", name)
        if name.text not in FUNCTIONS and name.text not in PAIRED:
            known = ", ".join((*FUNCTIONS, "where"))
            self.fail(f"{name.text} is not a function of the language; the functions are {known}", name)
        arguments, wanted = self.listed(")"), FUNCTIONS.get(name.text, 2)
        if len(arguments) != wanted:
            self.fail(f"{name.text} takes {wanted} argument{'s' * (wanted > 1)}, not {len(arguments)}", name)
        return Raw(PAIRED.get(name.text, "call"), name.text, arguments, name.at)

    def listed(self, close: str) -> tuple[Raw, ...]:
        """Values with commas between them, up to the closing bracket."""
        if self.accept(close):
            return ()
        parts = self.items()
        while self.accept(","):
            parts += self.items()
        self.expect(close)
        return tuple(parts)

    def items(self) -> list[Raw]:
        return self.expanded() if self.token.text == "..." else [self.value()]

    def expanded(self) -> list[Raw]:
        at = self.expect("...").at
        if self.ellipsis is None:
            fail(self.source, at, "'...' stands for the letters of an operand whose number of axes is not known here")
        return [Raw("name", letter, (), at) for letter in self.ellipsis.split(",")]

    def reduction(self, name: Token) -> Raw:
        self.expect("[")
        bounds: list[tuple[str, Raw | None]] = []
        while True:
            if self.token.text == "..." and self.ellipsis:
                bounds += [(raw.value, None) for raw in self.expanded()]
            else:
                letter = self.name("an index letter")
                bounds.append((letter.text, self.value() if self.accept("<") else None))
            if not self.accept(","):
                break
        condition = (self.condition(),) if self.accept(":") else ()
        self.expect("]")
        if condition and name.text != "sum":
            self.fail(f"only a sum takes a condition, not {name.text}", name)
        if len({letter for letter, _ in bounds}) < len(bounds):
            self.fail("an index letter is bound twice", name)
        return Raw("reduce", name.text, (self.term(), *condition), name.at, tuple(bounds))

    def condition(self) -> Raw:
        return self.asked(self.disjunction())

    def asked(self, raw: Raw) -> Raw:
        """The same, if it is a condition."""
        if raw.kind not in CONDITIONS:
            self.fail(f"expected a comparison such as < or ==, found {self.shown()}")
        return raw

    def disjunction(self) -> Raw:
        """A condition, or just a value."""
        return self.joined("or", lambda: self.joined("and", self.negation))

    def joined(self, word: str, part: Callable[[], Raw]) -> Raw:
        parts, at = [part()], self.token.at
        while self.token.text == word:
            self.asked(parts[-1])
            self.at += 1
            parts.append(part())
        return Raw(word, "", (*parts[:-1], self.asked(parts[-1])), at) if len(parts) > 1 else parts[0]

    def negation(self) -> Raw:
        if token := self.accept("not"):
            self.deeper()
            inner = self.asked(self.negation())
            self.depth -= 1
            return Raw("not", "", (inner,), token.at)
        return self.comparison()

    def comparison(self) -> Raw:
        parts, operators, at = [self.value()], [], self.token.at
        while sign := self.accept(*COMPARISONS, "|"):
            operators.append(sign.text)
            parts.append(self.value())
        return Raw("compare", " ".join(operators), tuple(parts), at) if operators else parts[0]


def parse(source: str, *, ellipsis: str | None = None) -> tuple[Statement, ...]:
    """The statements of a formula.

    Args:
        source: equations, one a line or separated by semicolons; ``#`` begins a comment.
        ellipsis: the letters for which ``...`` stands, such as ``"n,c,i,j"``.

    Raises:
        FormulaError: the text is not a formula; the message shows the line with a caret under the character.

    >>> parse("y[n,k] = b[k] + sum[d] w[k,d] * x[n,d]")
    (y[n,k] = b[k] + sum[d] w[k,d]*x[n,d],)
    """
    from pellucid.formula.resolve import resolved_assumption, resolved_equation

    reader = _Reader(source, ellipsis)
    statements: list[Statement] = []
    while reader.at < len(reader.tokens) - 1:
        if reader.token.kind == "end":
            reader.at += 1
            continue
        following = reader.tokens[reader.at + 1]
        keyword = reader.accept("assume", "shift") if following.kind == "name" or reader.token.text == "assume" else None
        left = reader.value()
        reader.expect("=")
        right = reader.value()
        if reader.token.kind != "end":
            reader.fail(f"expected an operator or the end of the line, found {reader.shown()}")
        if keyword and keyword.text == "assume":
            statements.append(resolved_assumption(source, left, right))
        else:
            statements.append(resolved_equation(source, left, right, shift=keyword is not None))
    if not statements:
        raise FormulaError("a formula needs at least one equation")
    return tuple(statements)


def parse_equation(source: str, *, ellipsis: str | None = None) -> Equation:
    """One equation.

    >>> parse_equation("y[i] = mean[u] x[2*i + u]")
    y[i] = mean[u] x[2*i + u]
    """
    statements = parse(source, ellipsis=ellipsis)
    if len(statements) != 1 or not isinstance(statements[0], Equation):
        raise FormulaError(f"expected one equation, not {len(statements)} statements: {source.strip()}")
    return statements[0]


def parse_expression(source: str, letters: str) -> Expr:
    """The right side of an equation whose left side has the given letters.

    >>> parse_expression("x[i]^2 / 2", "i")
    1/2*x[i]^2
    """
    from pellucid.formula.resolve import resolved_expression

    reader = _Reader(source, None)
    value = reader.value()
    if reader.at < len(reader.tokens) - 1:
        reader.fail(f"expected an operator or the end of the expression, found {reader.shown()}")
    return resolved_expression(source, value, frozenset(t.text for t in tokens(letters) if t.kind == "name"))


def parse_read(source: str) -> Read:
    """One element such as ``conv1[0,3,12,7]``."""
    value = parse_expression(source, "")
    if not isinstance(value, Read):
        raise FormulaError(f"expected one element of a tensor such as y[0,1], not {source.strip()}")
    return value

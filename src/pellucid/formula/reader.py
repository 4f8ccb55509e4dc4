"""Formulas read by recursive descent into a tree of text, whose names are not yet told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from pellucid.formula.expression import COMPARISONS, FUNCTIONS, REDUCTIONS
from pellucid.formula.tokens import Token, fail, tokens

__all__ = ["Raw", "Reader"]

# Deeper than any formula for people; here all that is done with one stays far from Python's recursion limit.
DEEPEST = 40
CONDITIONS = ("compare", "and", "or", "not")
PAIRED = {"D": "derivative", "delta": "delta"}


@dataclass(frozen=True)
class Raw:
    """A piece of parsed text whose names are not yet known to be letters, sizes or scalars."""

    kind: str
    value: str
    parts: tuple[Raw, ...]
    at: int
    bounds: tuple[tuple[str, Raw | None], ...] = ()


class Reader:
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

    def keyword(self, *words: str) -> Token | None:
        """One of the words, if a statement follows it."""
        follows = self.token.kind == "name" and self.tokens[self.at + 1].kind != "op"
        return self.accept(*words) if follows else None

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
            fail(
                self.source,
                at,
                "'...' stands for the letters of an operand whose number of axes is not known here",
            )
        return [Raw("name", letter, (), at) for letter in self.ellipsis.split(",") if letter]

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

"""The words of the language of formulas, and errors that point at their place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from pellucid.errors import FormulaError

__all__ = ["Token", "fail", "tokens"]

TOKEN = re.compile(
    r"(?P<space>[ \t\r]+|\\\r?\n|#[^\n]*)|(?P<newline>\n|;)"
    r"|(?P<number>(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*'*)"
    r"|(?P<op>\.\.\.|\*\*|//|<=|>=|==|!=|[-+*/%^()\[\],=<>|:])"
)
# More than any formula for people has.
LONGEST = 100_000


@dataclass(frozen=True)
class Token:
    """A word, its kind (`number`, `name`, `op` or `end`) and where it begins."""

    kind: str
    text: str
    at: int


def fail(source: str, at: int, message: str) -> NoReturn:
    """Raises a FormulaError that shows the line, or part of a long one, with a caret under the character."""
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

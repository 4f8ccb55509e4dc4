"""On which line of a TOML file something stands; the standard library's reader does not say.

The text is known to be valid TOML, so that strings, brackets and line ends are all that has to be told apart.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["line_of"]

Place = tuple[str | int, ...]

TOKEN = re.compile(
    r'(?P<string>"""(?:\\.|[^\\])*?"{3,5}|' + r"'''.*?'{3,5}" + r'|"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*')"
    r"|(?P<comment>\#[^\n]*)|(?P<end>\n)|(?P<mark>[][{},=])|(?P<word>[^\s\"'#\[\]{},=]+)|(?P<space>[^\S\n]+)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    line: int


def line_of(text: str, place: Place) -> int:
    r"""The line, from 1, of a value of a valid TOML text, or of the closest thing around it that has one.

    >>> line_of('a = 1\n[[layer]]\ntype = "Dense"\nunits = 3\n', ("layer", 0, "units"))
    4
    """
    lines = _Lines()
    for statement in _statements(_tokens(text)):
        lines.add(statement)
    while place not in lines.found:
        place = place[:-1]
    return lines.found[place]


def _tokens(text: str) -> Iterator[Token]:
    line = 1
    for match in TOKEN.finditer(text):
        if match.lastgroup not in ("space", "comment"):
            yield Token(str(match.lastgroup), match.group(), line)
        line += match.group().count("\n")


def _statements(tokens: Iterator[Token]) -> Iterator[list[Token]]:
    """Headers and pairs of key and value, each without its line's end."""
    statement: list[Token] = []
    depth = 0
    for token in tokens:
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if token.kind != "end":
            statement.append(token)
        elif depth == 0 and statement:
            yield statement
            statement = []
    if statement:
        yield statement


@dataclass
class _Lines:
    """The lines of all places so far; `counts` has the number of tables of each array of tables."""

    found: dict[Place, int] = field(default_factory=lambda: {(): 1})
    counts: dict[Place, int] = field(default_factory=dict)
    table: Place = ()

    def add(self, statement: list[Token]) -> None:
        marks = [token.text for token in statement[:2]]
        if marks[0] == "[":
            repeated = marks == ["[", "["]
            inner = statement[2:-2] if repeated else statement[1:-1]
            self.open(_key(inner), statement[0].line, repeated=repeated)
        else:
            equals = next(
                n for n, token in enumerate(statement) if token.text == "=" and token.kind == "mark"
            )
            place = self.table + _key(statement[:equals])
            self.note(place, statement[0].line)
            self.elements(place, statement[equals + 1 :])

    def open(self, key: tuple[str, ...], line: int, *, repeated: bool) -> None:
        place: Place = ()
        for number, part in enumerate(key):
            place = (*place, part)
            last = number == len(key) - 1
            if last and repeated:
                self.found.setdefault(place, line)
                self.counts[place] = self.counts.get(place, 0) + 1
            if place in self.counts:
                place = (*place, self.counts[place] - 1)
        self.table = place
        self.note(place, line)

    def note(self, place: Place, line: int) -> None:
        """A place, and those around it that have no line yet, such as tables of a dotted key."""
        for length in range(1, len(place) + 1):
            self.found.setdefault(place[:length], line)

    def elements(self, place: Place, value: list[Token]) -> None:
        """The elements of a list."""
        if value[0].text != "[" or value[0].kind != "mark":
            return
        depth, number, fresh = 0, 0, True
        for token in value[1:-1]:
            if token.kind == "end":
                continue
            if fresh:
                self.note((*place, number), token.line)
                fresh = False
            if token.kind == "mark":
                depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.text, 0)
                if token.text == "," and depth == 0:
                    number, fresh = number + 1, True


def _key(tokens: list[Token]) -> tuple[str, ...]:
    """The parts of a dotted key, read by the standard library."""
    parts: list[str] = []
    table = tomllib.loads("".join(token.text for token in tokens) + " = 0")
    while isinstance(table, dict):
        ((part, table),) = table.items()
        parts.append(part)
    return tuple(parts)

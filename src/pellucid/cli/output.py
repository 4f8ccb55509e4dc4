"""What commands print: lines for people, or one JSON object a line for programs."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["print_event", "print_table", "say"]

_NO_EDGE = 1000


def print_event(event: str, /, **fields: object) -> None:
    """Prints one JSON object on a line of its own, at once.

    Numbers that JSON does not have (NaN, infinity) become null; paths become text.
    """
    click.echo(json.dumps({"event": event, **_plain(fields)}, allow_nan=False), file=sys.stdout)


def say(text: str, *, err: bool = False) -> None:
    """Prints lines, in which no character from outside can steer the terminal."""
    # Named, because click would else find the file behind a stream that puts lines above a bar.
    click.echo(_visible(text), file=sys.stderr if err else sys.stdout)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints rows, under headings if there are some; columns of numbers are set to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    filled = [tuple(row) for row in rows]
    table = Table(box=box.SIMPLE_HEAD if headings else None, show_header=bool(headings), pad_edge=False)
    for cells in zip(*filled, strict=True):
        text = any(isinstance(cell, str) for cell in cells)
        table.add_column(justify="left" if text else "right", overflow="fold")
    for column, heading in zip(table.columns, headings, strict=False):
        column.header = heading
    for row in filled:
        table.add_row(*(Text(_visible(str(cell))) for cell in row))
    # Only a terminal has an edge at which lines are folded.
    width = None if sys.stdout.isatty() else _NO_EDGE
    Console(width=width, highlight=False).print(table)


def _visible(text: str) -> str:
    from pellucid.data.source import printable

    return "\n".join(printable(line) for line in text.split("\n"))


def _plain(value: Any) -> Any:
    """The value in JSON's types."""
    match value:
        case dict():
            return {str(name): _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case bool() | int() | str() | None:
            return value
        case float():
            return value if math.isfinite(value) else None
    return str(value)

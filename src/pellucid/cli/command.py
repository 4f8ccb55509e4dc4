"""A command with examples in its help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

__all__ = ["Command", "write_examples"]


class Command(click.Command):
    """Of the program: its help ends with examples, and --debug shows where an error came from."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.params.append(_DEBUG)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Adds a section of lines that stay as they are."""
    if examples:
        with formatter.section("Examples"):
            for line in examples:
                formatter.write(f"  {line}\n")


# `Program` looks for it among the arguments, since not every error comes from within a command.
_DEBUG = click.Option(["--debug"], is_flag=True, expose_value=False, help="Print the traceback of an error.")

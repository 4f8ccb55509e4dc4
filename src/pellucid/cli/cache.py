"""`pellucid cache`: the machine code that is kept on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pellucid.cli.command import Command
from pellucid.cli.options import json_lines
from pellucid.cli.output import print_event, print_table, say

if TYPE_CHECKING:
    from pellucid.compiler.cache import Cache, Held

__all__ = ["cache"]


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """Show or remove the machine code that the compiled engine keeps, so that it is made only once.

    It is kept in the folder $PELLUCID_CACHE_DIR, or else in your cache folder; PELLUCID_CACHE_DIR=off keeps
    none. What was used longest ago goes first when there is too much.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cache.command("info", cls=Command)
@json_lines
def show(as_json: bool) -> None:
    """Print the folder, the number of entries, their bytes, and the most bytes that are kept."""
    from pellucid.compiler.cache import CAP_BYTES

    store, held = _opened()
    folder = None if store is None else store.folder
    problem = None if store is None else store.problem()
    if as_json:
        sizes = {"entries": held.entries, "bytes": held.bytes, "most_bytes": CAP_BYTES}
        print_event("cache", folder=folder, **sizes, problem=problem)
        return
    rows = [
        ("folder", "none: it is switched off" if folder is None else str(folder)),
        ("entries", f"{held.entries:,}"),
        ("bytes", f"{held.bytes:,} of at most {CAP_BYTES:,}"),
    ]
    if problem is not None:
        rows.append(("problem", f"{problem}; code is made anew each time"))
    print_table((), rows)


@cache.command("clear", cls=Command)
@json_lines
def clear(as_json: bool) -> None:
    """Remove all entries; what is needed again is made again."""
    store, held = _opened()
    gone = held if store is None else store.clear()
    if as_json:
        print_event("done", entries=gone.entries, bytes=gone.bytes)
    else:
        entries = "1 entry" if gone.entries == 1 else f"{gone.entries:,} entries"
        say(f"{entries} of {gone.bytes:,} bytes removed")


def _opened() -> tuple[Cache | None, Held]:
    """The cache, if it is switched on, and what it holds."""
    from pellucid.compiler.cache import Held, opened

    store = opened()
    return store, Held(0, 0) if store is None else store.held()

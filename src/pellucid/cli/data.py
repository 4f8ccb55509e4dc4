"""`pellucid data`: image sets that have a name."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.cli.command import Command
from pellucid.cli.options import data_dir, json_lines
from pellucid.cli.output import print_event, print_table, say

__all__ = ["data"]


@click.group(invoke_without_command=True)
@click.pass_context
def data(context: click.Context) -> None:
    """List the image sets that have a name, and fetch them from their public homes."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@data.command("list", cls=Command)
@data_dir
@json_lines
def list_sets(data_dir: Path | None, as_json: bool) -> None:
    """List the named image sets and where each one was found."""
    from pellucid.data import available

    found = available(data_dir)
    if as_json:
        for one in found:
            print_event("data", name=one.name, title=one.title, path=one.path, embedded=one.embedded)
        return
    rows = [
        (one.name, one.title, "embedded" if one.embedded else str(one.path or "not found")) for one in found
    ]
    print_table(("name", "images", "where"), rows)


@data.command("fetch", cls=Command, examples=("pellucid data fetch mnist",))
@click.argument("name")
@data_dir
@json_lines
def fetch_set(name: str, data_dir: Path | None, as_json: bool) -> None:
    """Download the image set NAME; files that are there and unharmed are kept.

    It goes into the folder NAME inside --data-dir, or $PELLUCID_DATA_DIR, or your data folder. An interrupted
    download goes on where it stopped.
    """
    from pellucid.cli.progress import downloading
    from pellucid.data import fetch

    with downloading(shown=not as_json) as progress:
        folder = fetch(name, data_dir=data_dir, progress=progress)
    if as_json:
        print_event("done", name=name, path=folder)
    else:
        say(f"{name} is in {folder}")

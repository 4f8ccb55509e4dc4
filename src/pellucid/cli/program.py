"""The program `pellucid`: its commands, imported when they are called, and the one place where errors end."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from pellucid import __version__
from pellucid.cli.command import write_examples
from pellucid.cli.failure import failure
from pellucid.cli.output import print_event, say
from pellucid.errors import unknown

__all__ = ["main"]

# The module of the same name holds the command, under the same name.
COMMANDS = (
    "train", "eval", "predict", "summary", "check", "derive", "article", "trace", "vectors", "animate",
    "plot", "compile", "export", "import", "weights", "data", "cache", "info",
)  # fmt: skip
EXAMPLES = (
    "pellucid train                      learns the embedded digits, saves the model",
    "pellucid predict MODEL PICTURES     classifies pictures with it",
)
_MODULES = {"eval": "evaluate", "import": "importing"}


class Program(click.Group):
    """A group whose commands are imported on demand and whose errors become a sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = _MODULES.get(cmd_name, cmd_name)
        command: click.Command = getattr(import_module(f"pellucid.cli.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(str(unknown("command", args[0], COMMANDS)), ctx)
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(EXAMPLES, formatter)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "pellucid",
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command and exits: 0 done, 2 cannot be run as given, 1 failed, 130 interrupted."""
        _show_any_text()
        try:
            given = sys.argv[1:] if args is None else list(args)
            code = super().main(args, prog_name, complete_var, standalone_mode=False, obj=given, **extra)
            sys.stdout.flush()
        except BrokenPipeError:
            _forget_stdout()
            sys.exit(1)
        except (Exception, KeyboardInterrupt) as error:
            sys.exit(_report(error, sys.argv[1:] if args is None else args))
        sys.exit(code or 0)


@click.group(
    "pellucid",
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Convolutional networks in which every number can be followed back to its formula.

    Exit codes: 0 done; 1 failed; 2 cannot be run as given; 130 interrupted.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _report(error: BaseException, args: Sequence[str]) -> int:
    """Says what went wrong, on stderr and, where a program reads, as its last line; returns the exit code."""
    flags = args[: args.index("--")] if "--" in args else args
    if "--debug" in flags:
        import traceback

        traceback.print_exception(error)
    end = failure(error)
    try:
        if "--json" in flags:
            print_event("error", message=end.sentence, type=type(error).__name__, exit_code=end.code)
            sys.stdout.flush()
    except OSError:  # nobody can read it, and the exit code still tells
        _forget_stdout()
    say(f"pellucid: {end.sentence}", err=True)
    return end.code


def _show_any_text() -> None:
    """Lets a terminal of few letters show the others as escapes, and a closed stream take all, not fail."""
    if sys.stdout is None:
        sys.stdout = io.StringIO()
    if sys.stderr is None:
        sys.stderr = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Keeps the interpreter from trying again, at its end, to write what nobody takes."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # no file behind it
        sys.stdout = io.StringIO()

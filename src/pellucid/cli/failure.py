"""What an error comes to at the command line: a sentence and an exit code."""

from __future__ import annotations

from typing import NamedTuple

import click

from pellucid.errors import (
    DataError,
    FormulaError,
    ModelFileError,
    NetworkError,
    PellucidError,
    UsageError,
)

__all__ = ["Failure", "Interrupted", "failure"]

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130

# What was given cannot be used, before anything was done with it.
_GIVEN = (UsageError, NetworkError, FormulaError, DataError, ModelFileError, FileNotFoundError)


class Interrupted(Exception):
    """A command that a signal ended, after it had brought what it did into safety."""

    def __init__(self, sentence: str, number: int) -> None:
        super().__init__(sentence)
        self.number = number


class Failure(NamedTuple):
    """How a command ends that did not do what it was asked for."""

    sentence: str
    code: int


def failure(error: BaseException) -> Failure:
    """The end of a command that raised `error`.

    >>> failure(UsageError("an optimiser named 'adma' is not known"))
    Failure(sentence="an optimiser named 'adma' is not known", code=2)
    """
    match error:
        case click.UsageError():
            context = error.ctx
            hint = f" (see {context.command_path} --help)" if context else ""
            return Failure(error.format_message().rstrip(".") + hint, WRONG_USE)
        case click.ClickException():
            return Failure(error.format_message(), error.exit_code)
        case Interrupted():
            return Failure(str(error), 128 + error.number)
        case click.Abort() | KeyboardInterrupt():
            return Failure("interrupted", INTERRUPTED)
        case PellucidError():
            sentence = "; ".join([str(error), *getattr(error, "__notes__", [])])
            return Failure(sentence, WRONG_USE if isinstance(error, _GIVEN) else FAILED)
        case MemoryError():
            return Failure("there is not enough memory", FAILED)
        case OSError():
            name = f"{error.filename}: " if error.filename else ""
            return Failure(f"{name}{error.strerror or error}", FAILED)
    told = f"{type(error).__name__}: {error}".strip(": ")
    return Failure(
        f"an error that should not happen ({told}); please report it, with what --debug prints", FAILED
    )

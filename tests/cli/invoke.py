"""Commands called within the tests' process."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from pellucid.cli import main

__all__ = ["events", "failed", "invoke"]


def invoke(*args: object) -> Result:
    """What a command printed and how it ended; an exception that it let through is raised."""
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def events(*args: object) -> list[dict[str, Any]]:
    """The JSON objects that a command printed, one a line, with nothing beside them; it has to succeed."""
    result = invoke(*args, "--json")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return [json.loads(line, parse_constant=_refuse) for line in result.stdout.splitlines()]


def failed(code: int, *args: object) -> str:
    """The one sentence with which a command failed, the same for people and for programs."""
    plain, told = invoke(*args), invoke(*args, "--json")
    assert (plain.exit_code, told.exit_code) == (code, code), plain.output
    assert plain.stderr == told.stderr
    error = json.loads(told.stdout.splitlines()[-1])
    assert error.keys() == {"event", "message", "type", "exit_code"}
    assert (error["event"], error["exit_code"]) == ("error", code)
    sentence = plain.stderr.strip().removeprefix("pellucid: ")
    assert sentence == error["message"]
    assert "Traceback" not in plain.output
    return sentence


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")

from __future__ import annotations

import errno
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from rich.console import Console
from rich.progress import Progress

import pellucid.data
from pellucid.cli.failure import failure
from pellucid.cli.output import say
from pellucid.cli.program import COMMANDS
from pellucid.errors import (
    CheckFailed,
    DataError,
    FileFormatError,
    GeometryError,
    ModelFileError,
    NetworkError,
    NotFoundError,
    ResourceError,
    TrainingError,
    UsageError,
)
from tests.cli.invoke import failed, invoke

PATHS = [
    [],
    *([name] for name in COMMANDS),
    ["data", "list"],
    ["data", "fetch"],
    ["cache", "info"],
    ["cache", "clear"],
]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_every_command(path: list[str], flag: str) -> None:
    result = invoke(*path, flag)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(" ".join(["Usage: pellucid", *path]))


@pytest.mark.parametrize("path", [[], ["data"], ["cache"]])
def test_a_group_alone_shows_its_help(path: list[str]) -> None:
    assert invoke(*path).output == invoke(*path, "--help").output


def test_version() -> None:
    assert invoke("--version").output == "pellucid 0.1.0\n"


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["trian"], "there is no command 'trian'; did you mean train? there are train, eval"),
        (["fly"], f"there is no command 'fly'; there are {', '.join(COMMANDS)} (see pellucid --help)"),
        (["info", "--nonsense"], "No such option"),
        (["info", "something"], "unexpected extra argument"),
        (["data", "fetch"], "Missing argument 'NAME'"),
        (["data", "fetch", "minst"], "there is no image set 'minst'; did you mean mnist? there are digits"),
        (["data", "fetch", "digits"], "part of the installation"),
    ],
)
def test_wrong_use_is_one_sentence(args: list[str], sentence: str) -> None:
    said = failed(2, *args)
    assert sentence in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *[(kind("sentence"), 2) for kind in (UsageError, GeometryError, NetworkError, DataError)],
        *[(kind("sentence"), 2) for kind in (FileFormatError, ModelFileError, NotFoundError)],
        *[(kind("sentence"), 1) for kind in (ResourceError, TrainingError, CheckFailed)],
        (click.ClickException("sentence"), 1),
    ],
)
def test_exit_codes_by_kind(error: Exception, code: int) -> None:
    assert failure(error) == ("sentence", code)


@pytest.mark.parametrize(
    ("error", "sentence", "code"),
    [
        (KeyboardInterrupt(), "interrupted", 130),
        (MemoryError(), "there is not enough memory", 1),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device", 1),
        (OSError(errno.EACCES, "Permission denied", "a.txt"), "a.txt: Permission denied", 1),
    ],
)
def test_what_the_machine_does_is_told_without_traceback(
    error: BaseException, sentence: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pellucid.data, "available", lambda data_dir: _raise(error))
    assert failed(code, "data", "list") == sentence


def test_an_unexpected_error_asks_to_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pellucid.data, "available", lambda data_dir: _raise(ZeroDivisionError("by zero")))
    assert "(ZeroDivisionError: by zero); please report it" in failed(1, "data", "list")
    result = invoke("data", "list", "--debug")
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback")
    assert result.stderr.splitlines()[-1].startswith("pellucid: an error that should not happen")


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in invoke("data", "fetch", "\x1b[2J").output


def test_lines_stand_above_a_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        with Progress(console=Console(file=terminal, force_terminal=True)):
            say("a row of a table")
    assert "a row of a table\n" in terminal.getvalue()
    assert (tmp_path / "out").read_text() == ""


def test_a_broken_pipe_is_silent() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pellucid", "data", "list", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, told = process.communicate()
    assert (process.returncode, told) == (1, b"")


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_closed_output_is_no_failure(closed: str) -> None:
    command = f"exec {shlex.quote(sys.executable)} -m pellucid data list {closed}"
    result = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_output_that_cannot_be_written(flags: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "pellucid", "data", "list", *flags],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (result.returncode, result.stderr) == (1, b"pellucid: No space left on device\n")


def test_terminals_of_few_letters_see_escapes(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pellucid", "info", "--data-dir", str(tmp_path / "é")],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert b"\\xe9" in result.stdout


def test_nothing_heavy_is_imported_for_the_help() -> None:
    code = (
        "import sys, pellucid.cli\n"
        "try:\n    pellucid.cli.main(['--help'])\n"
        "except SystemExit:\n    print([m for m in ('numpy', 'rich', 'PIL', 'sklearn') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def _raise(error: BaseException) -> None:
    raise error


def test_info() -> None:
    (told,) = [json.loads(line) for line in invoke("info", "--json").stdout.splitlines()]
    assert told["event"] == "info"
    assert told["versions"].keys() >= {"pellucid", "python", "numpy"}
    assert told["processor"]["cores"] >= 1
    engines = told["engines"]
    assert engines["chosen"] in engines["available"]
    assert engines["because"]
    assert told["data_folders"]
    shown = invoke("info").stdout
    assert all(part in shown for part in (told["system"], told["processor"]["name"], *told["data_folders"]))

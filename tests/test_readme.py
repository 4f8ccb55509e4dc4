"""The examples of the README run as they stand: Python from top to bottom, shell line by line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.invoke import invoke

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_python() -> None:
    assert len(blocks("python")) > 1
    exec(compile("\n".join(blocks("python")), "README.md", "exec"), {})


def test_shell() -> None:
    lines = "".join(blocks("sh")).splitlines()
    assert len(lines) > 1
    for line in lines:
        program, *arguments = shlex.split(line, comments=True)
        assert program == "pellucid"
        result = invoke(*arguments)
        assert (result.exit_code, result.stderr) == (0, ""), f"{line}: {result.output}"


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    for link in links:
        assert (Path(__file__).parents[1] / link).exists(), link

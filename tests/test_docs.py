"""The Python in the pages of docs/ runs, each page from top to bottom; commands print what the pages say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.console import BLOCK, LLVM, printed

PAGES = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert blocks, f"{page.name} has no Python to run"
    exec(compile("\n".join(blocks), str(page), "exec"), {})


COMMANDS = [
    pytest.param(*found.groups(), id=f"{page.stem}-{number}")
    for page in PAGES
    for number, found in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")))
]


@pytest.mark.skipif(shutil.which("bash") is None, reason="the commands of the pages are for bash")
@pytest.mark.parametrize(("version", "block"), COMMANDS)
def test_a_command_prints_what_the_page_says(version, block):
    """`make docs` writes what is printed now."""
    if version is not None and int(version) != LLVM:
        pytest.skip(f"the page shows assembly by LLVM {version}, and this is LLVM {LLVM}")
    command, _, output = block.partition("\n")
    assert printed(command.removeprefix("$ ")) == output

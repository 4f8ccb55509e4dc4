"""Pages run: the fenced blocks of a Markdown file, one after the other, in one folder and one namespace.

| fence | what is done |
| --- | --- |
| ```` ```python ```` | executed; with a name after it, `python torch`, only where that package is installed |
| ```` ```pycon ```` | each `>>>` executed; what it prints stands under it |
| ```` ```console ```` | each line `$ command` run by a shell; what it prints stands under it |
| ```` ```console LLVM 22 ```` | the same, where LLVM is of this version, for another may write it otherwise |
| ```` ```sh ```` | each line, a command of `pellucid`, has to succeed, whatever it prints |
| ```` ```toml my.toml ```` | written to a file of this name |

``python -m tests.docs.pages PAGE...`` writes what is printed now into the pages, and the pictures that they
draw to where they show them.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import math
import os
import re
import shlex
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import llvmlite.binding as llvm

from tests.cli.invoke import invoke
from tests.docs.console import printed

__all__ = ["BLOCK", "alike", "ran"]

BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FRACTION = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?e-?\d+|(?<![\w.])-?\d+\.\d+(?![\w.])")
IMAGE = re.compile(r"^!\[[^\]]*\]\(([^)]+)\)", re.MULTILINE)
LLVM = f"LLVM {llvm.llvm_version_info[0]}"


def ran(text: str, name: str) -> tuple[str, list[str]]:
    """The page as it is after its blocks were run in the current folder, and why some of them were not.

    Args:
        text: of the page.
        name: of the page, for errors.
    """
    names: dict[str, object] = {"__name__": "__main__"}
    left_out: list[str] = []

    def renewed(found: re.Match[str]) -> str:
        kind, asked, block = found.groups()
        reason = _reason(kind, asked)
        if reason:
            left_out.append(reason)
            return found[0]
        line = text.count("\n", 0, found.start()) + 1
        return f"```{kind}{f' {asked}' if asked else ''}\n{_ran(kind, asked, block, names, (name, line))}```"

    return BLOCK.sub(renewed, text), left_out


def alike(one: str, other: str) -> bool:
    """Whether two texts differ at most in blanks, and in fractions by less than readers care about.

    A trained network's numbers depend on the order in which its machine code adds.

    >>> alike("loss 0.141 over 359 images", "loss  0.142 over 359 images"), alike("359 images", "360 images")
    (True, False)
    """
    if _words(one) != _words(other):
        return False
    pairs = zip(FRACTION.findall(one), FRACTION.findall(other), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=0.02, abs_tol=1e-5) for a, b in pairs)


def _words(text: str) -> list[str]:
    return FRACTION.sub("#", text).split()


def _reason(kind: str, asked: str | None) -> str:
    """Why a block cannot be run here, if it cannot."""
    if kind == "console" and asked is not None and asked != LLVM:
        return f"the page shows assembly by {asked}, and this is {LLVM}"
    if kind == "python" and asked is not None and any(find_spec(each) is None for each in asked.split()):
        return f"{asked} is not installed"
    return ""


def _ran(kind: str, asked: str | None, block: str, names: dict[str, object], place: tuple[str, int]) -> str:
    """The block, with what it prints if a page shows that."""
    match kind:
        case "python":
            name, line = place
            exec(compile("\n" * line + block, name, "exec"), names)
        case "pycon":
            return "".join(
                _answered(example, names) for example in doctest.DocTestParser().get_examples(block)
            )
        case "console":
            commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
            return "".join(f"$ {command}\n{printed(command)}" for command in commands)
        case "sh":
            for line in block.splitlines():
                _succeed(line)
        case "toml" if asked:
            Path(asked).write_text(block, encoding="utf-8")
    return block


def _answered(example: doctest.Example, names: dict[str, object]) -> str:
    """The lines typed, and what Python answers."""
    answer = io.StringIO()
    with contextlib.redirect_stdout(answer):
        exec(compile(example.source, "page", "single"), names)
    first, *more = example.source.splitlines()
    typed = "".join(
        f"{mark} {line}".rstrip() + "\n" for mark, line in [(">>>", first), *(("...", m) for m in more)]
    )
    return typed + answer.getvalue()


def _succeed(line: str) -> None:
    program, *arguments = shlex.split(line, comments=True)
    assert program == "pellucid", f"{line}: a command of pellucid was expected"
    result = invoke(*arguments)
    assert (result.exit_code, result.stderr) == (0, ""), f"{line}: {result.output}"


if __name__ == "__main__":
    for page in [Path(path).resolve() for path in sys.argv[1:]]:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            page.write_text(ran(page.read_text(encoding="utf-8"), page.name)[0], encoding="utf-8")
            for shown in IMAGE.findall(page.read_text(encoding="utf-8")):
                drawn = Path(Path(shown).name)
                if drawn.is_file():
                    (page.parent / shown).write_bytes(drawn.read_bytes())
            os.chdir("/")

"""Console blocks of a page: lines ``$ command`` with what the command prints, run again by a shell.

``python -m tests.console PAGE`` writes what is printed now into the page.  A block of assembly is marked with
the version of LLVM that it is from, ```` ```console LLVM 20 ````, for another version may write it otherwise.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm

__all__ = ["BLOCK", "LLVM", "printed", "renewed"]

BLOCK = re.compile(r"^```console(?: LLVM (\d+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LLVM = llvm.llvm_version_info[0]
# The program of this checkout, whatever else is installed.
PROGRAM = f'pellucid() {{ "{sys.executable}" -m pellucid "$@"; }}\n'
ROOT = Path(__file__).parents[1]


def printed(command: str) -> str:
    """What a line typed into a shell prints; an empty answer is an error, for a page shows none."""
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    surroundings = {**os.environ, "PYTHONPATH": path}
    shell = ["bash", "-c", PROGRAM + command]
    done = subprocess.run(shell, capture_output=True, text=True, env=surroundings)
    if done.stderr or not done.stdout:
        raise AssertionError(f"{command}: {done.stderr or 'printed nothing'}")
    return done.stdout.rstrip() + "\n"


def renewed(text: str) -> str:
    """The page with its commands' present output."""

    def block(found: re.Match[str]) -> str:
        version = "" if found[1] is None else f" LLVM {LLVM}"
        commands = [line for line in found[2].splitlines() if line.startswith("$ ")]
        outputs = "".join(f"{line}\n{printed(line.removeprefix('$ '))}" for line in commands)
        return f"```console{version}\n{outputs}```"

    return BLOCK.sub(block, text)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")

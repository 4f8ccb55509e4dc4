"""What a line typed into a shell prints, with the program of this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["printed"]

# The program of this checkout, whatever else is installed.
PROGRAM = f'pellucid() {{ "{sys.executable}" -m pellucid "$@"; }}\n'
ROOT = Path(__file__).parents[2]


def printed(command: str) -> str:
    """What a line typed into a shell prints; an empty answer is an error, for a page shows none."""
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    surroundings = {**os.environ, "PYTHONPATH": path}
    shell = ["bash", "-c", PROGRAM + command]
    done = subprocess.run(shell, capture_output=True, text=True, env=surroundings)
    if done.stderr or not done.stdout:
        raise AssertionError(f"{command}: {done.stderr or 'printed nothing'}")
    return done.stdout.rstrip() + "\n"

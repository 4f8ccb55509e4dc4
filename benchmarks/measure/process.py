"""Python programs that are timed from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure.setting import ROOT

__all__ = ["Finished", "caching", "finished"]


@dataclass(frozen=True)
class Finished:
    """A program that has run.

    Attributes:
        output: what it printed.
        seconds: from its start to its end.
        peak_bytes: most memory that it held; 0 where the system does not tell.
    """

    output: str
    seconds: float
    peak_bytes: int


def caching(folder: str) -> dict[str, str]:
    """Variables that put the cache of compiled code there."""
    return {"PELLUCID_CACHE_DIR": folder}


def finished(arguments: Sequence[str], variables: Mapping[str, str] | None = None) -> Finished:
    """Runs Python with these arguments, from the folder that holds the sources, and waits for it.

    Raises:
        CalledProcessError: it failed.
    """
    environment = os.environ | dict(variables or {})
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        output = program.stdout.read()
        peak = 0
        if hasattr(os, "wait4"):
            _, status, usage = os.wait4(program.pid, 0)
            program.returncode = os.waitstatus_to_exitcode(status)
            peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    seconds = time.perf_counter() - began
    if program.returncode:
        raise subprocess.CalledProcessError(program.returncode, arguments)
    return Finished(output, seconds, peak)

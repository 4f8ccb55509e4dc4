"""Runs the readers on hostile files in a process of their own, with bounded memory and time."""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from tests.hostile.outcome import Outcome

MEMORY = 1 << 30  # bytes that reading may take beyond what the process has after its imports


def guarded(module: str, count: int, seed: int, seconds: float) -> list[Outcome]:
    """What ``run(count, seed)`` of a module of this package returns, out of a process that cannot do harm.

    Raises:
        AssertionError: the process crashed, ran out of time, or was killed.
    """
    command = [sys.executable, "-m", __name__, module, str(count), str(seed)]
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        child = subprocess.run(
            command,
            cwd=Path(__file__).parents[2],
            env={**os.environ, **single},
            stdout=subprocess.PIPE,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"{module}, seed {seed}: still running after {seconds} s") from error
    if child.returncode != 0:
        raise AssertionError(f"{module}, seed {seed}: the process ended with {child.returncode}")
    return [Outcome(**fields) for fields in json.loads(child.stdout)]


def _bound_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    run = importlib.import_module(f"tests.hostile.{sys.argv[1]}").run
    _bound_memory()
    json.dump([asdict(outcome) for outcome in run(int(sys.argv[2]), int(sys.argv[3]))], sys.stdout)

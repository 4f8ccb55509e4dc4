"""`pellucid info`: the versions, the machine, and what pellucid makes of it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import click

from pellucid.cli.command import Command
from pellucid.cli.options import data_dir, json_lines
from pellucid.cli.output import print_event, print_table

__all__ = ["info"]

_PACKAGES = ("llvmlite", "scikit-learn", "safetensors", "pillow", "click", "rich")


@click.command(cls=Command)
@data_dir
@json_lines
def info(data_dir: Path | None, as_json: bool) -> None:
    """Print versions, the processor, threads, the engines, and where image sets are looked for."""
    from importlib.metadata import version

    from pellucid.model import versions

    facts = {
        "versions": versions() | {name: version(name) for name in _PACKAGES},
        "system": platform.platform(),
        "processor": _processor(),
        "threads": _threads(),
        "engines": _engines(),
        "data_folders": _data_folders(data_dir),
    }
    if as_json:
        print_event("info", **facts)
    else:
        print_table((), [(name.replace("_", " "), _told(fact)) for name, fact in facts.items()])


def _processor() -> dict[str, Any]:
    """Its name, the cores that this process may use, and the vector instructions that NumPy found."""
    import numpy as np

    build: Any = np.show_config(mode="dicts")
    vectors = build.get("SIMD Extensions", {})
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "name": _processor_name(),
        "cores": usable,
        "vectors": [*vectors.get("baseline", []), *vectors.get("found", [])],
    }


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())


def _threads() -> dict[str, int]:
    """Of each library that computes matrix products."""
    import numpy as np  # loads the library that is asked about
    from threadpoolctl import threadpool_info

    np.dot(1.0, 1.0)
    return {
        f"{pool['internal_api']} {pool['version']}": pool["num_threads"]
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }


def _engines() -> dict[str, Any]:
    """Those that can run here, and the one that runs unless another is asked for."""
    from pellucid.engine.choice import available, get, reason

    return {
        "available": available(),
        "chosen": get().name,
        "because": reason(),
    }


def _data_folders(data_dir: Path | None) -> list[str]:
    from pellucid.data import data_folders

    return [str(folder) for folder in data_folders(data_dir)]


def _told(fact: Any) -> str:
    """A fact in one cell of a table."""
    match fact:
        case dict():
            return "\n".join(f"{name.replace('_', ' ')} {_told(part)}" for name, part in fact.items())
        case list():
            return ", ".join(map(str, fact))
    return str(fact)

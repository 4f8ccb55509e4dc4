"""Tables of what was measured, with the machine, the versions and how quiet it was, in docs/benchmarks/."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.measure.quiet import Others
from benchmarks.measure.rounds import Timing
from benchmarks.measure.setting import THREADS, Setting
from evidence import table

__all__ = ["Report", "disturbed", "rate", "ratio"]

PACKAGES = ("llvmlite", "torch", "jax", "onnxruntime")


class Report:
    """Begun before anything is measured, written after all of it."""

    def __init__(self, name: str, setting: Setting) -> None:
        self.name, self.setting = name, setting
        self._load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
        self._began = time.perf_counter()
        self._others = Others()

    def write(
        self,
        title: str,
        question: str,
        counts: dict[str, object],
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
    ) -> Path:
        """The table, printed and written; see `evidence.table.write`."""
        machine = {
            "Versions": ", ".join(_versions()),
            "Threads": f"{THREADS} each",
            "Turns": f"{self.setting.rounds} of about {self.setting.seconds:g} s",
            "Load average at the start": f"{self._load:.2f}",
            "Other programs took meanwhile": f"{self._others.share():.1%} of the cores",
            "Took": f"{time.perf_counter() - self._began:.0f} s",
        }
        return table.write(
            self.name, title, question=question, counts=machine | counts, columns=columns, rows=rows,
            folder=self.setting.folder,
        )  # fmt: skip


def rate(timing: Timing, images: int) -> str:
    """Images a second, and how far its quartiles lie from it."""
    return f"{images / timing.median:,.0f} ± {timing.spread:.0%}"


def disturbed(timings: Mapping[str, Timing]) -> int:
    """Readings that were taken although other programs were at work."""
    return sum(timing.disturbed for timing in timings.values())


def ratio(ours: Timing, peers: Sequence[Timing]) -> str:
    """How many times as fast as the fastest peer."""
    return f"{min(p.median for p in peers) / ours.median:.1f}" if peers else "none"


def _versions() -> list[str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found

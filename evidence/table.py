"""A dated table of what really ran, as Markdown in docs/evidence/."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

__all__ = ["machine", "write"]

_FOLDER = Path(__file__).parents[1] / "docs" / "evidence"


def machine() -> str:
    """The processor, its usable cores and the versions that a result may depend on."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores; {platform.system()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


def write(
    name: str,
    title: str,
    *,
    question: str,
    counts: Mapping[str, object],
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    folder: Path = _FOLDER,
) -> Path:
    """Write ``NAME.md``, print it, and return its path.

    Args:
        name: the file's name without its ending; the script's own name by custom.
        title: the table's heading.
        question: what the run was to find out and how, a sentence or two.
        counts: what really ran and what failed, for instance ``{"files": 10_000, "failures": 0}``.
        columns: the headings of the columns.
        rows: one sequence of cells a row, as many as there are columns.
        folder: where the file goes.

    Raises:
        ValueError: a row has more or fewer cells than there are columns.
    """
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row of {len(row)} cells under {len(columns)} columns: {list(row)}")
    lines = [f"# {title}", "", question, ""]
    lines += [f"- Date: {datetime.datetime.now(datetime.UTC).date().isoformat()}", f"- Machine: {machine()}"]
    lines += [f"- {label}: {_cell(value)}" for label, value in counts.items()]
    lines += ["", _line(columns), _line(["---"] * len(columns)), *map(_line, rows), ""]
    text = "\n".join(lines)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    print(text)
    return path


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(value: object) -> str:
    """A value as it stands in the table: counts with separators, measurements with four digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _processor() -> str:
    """The processor's model where the system tells it, else its architecture."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            label, _, value = line.partition(":")
            if label.strip() == "model name":
                return " ".join(value.split())
    return platform.processor() or platform.machine()

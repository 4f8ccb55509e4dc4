"""The smallest page around pictures and panel: every array of a run, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.engine.run import Run
from pellucid.explain.page import data, figure, panel, script, style

__all__ = ["framed"]

COLOURS = """
:root { color-scheme: light dark; --paper: #fcfbf8; --raised: #f4f1ea; --ink: #201f1c; --soft: #5d5a53;
  --line: #ddd8cc; --accent: #0a5a6e; --mark: #fff3c4; --sans: sans-serif; --mono: monospace; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181b; --raised: #1e2327; --ink: #e7e3da;
  --soft: #a8a498; --line: #363c42; --accent: #86cddb; --mark: #4a4015; } }
body { background: var(--paper); color: var(--ink); font-family: sans-serif; margin: 0 1rem; }
a { color: var(--accent); }
"""


def framed(run: Run, classes: Sequence[str] = ()) -> str:
    """A page with the pictures of all values and gradients of a run of one image."""
    names = [*run, *(f"{name}.grad" for name in run.grad)]
    figures = "\n".join(figure(run, name, caption=name, classes=classes) for name in names)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A run</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{COLOURS}{style()}</style></head><body><main><h1>A run</h1>{figures}</main>{panel()}"
        f"{data(run, classes=classes)}<script>{script()}</script></body></html>"
    )

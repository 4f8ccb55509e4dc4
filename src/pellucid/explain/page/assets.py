"""What a page's head and the end of its body hold: style sheet, script, and the place for explanations."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["panel", "script", "style"]

# In this order: what a file needs stands before it.
SCRIPTS = (
    "indices",
    "tensors",
    "interpreter",
    "text",
    "causes",
    "choices",
    "terms",
    "uses",
    "dom",
    "layout",
    "colours",
    "windows",
    "marks",
    "panel",
    "planes",
    "patches",
    "lists",
    "steps",
    "trail",
    "picture",
    "start",
)


@cache
def script() -> str:
    """The contents of the page's ``<script>``: all files of `scripts`, in one scope of their own."""
    folder = files(__package__) / "scripts"
    parts = "\n".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


@cache
def style() -> str:
    """The contents of the page's ``<style>`` for pictures and explanations."""
    return (files(__package__) / "page.css").read_text(encoding="utf-8")


@cache
def panel() -> str:
    """The place where terms and animations are shown; it stays hidden where there is no script."""
    return (files(__package__) / "panel.html").read_text(encoding="utf-8")

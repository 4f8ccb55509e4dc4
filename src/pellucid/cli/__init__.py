"""The command line: parse, call, print; no logic of its own."""

from pellucid.cli.program import main

__all__ = ["main"]

"""Which engine runs: the one that is asked for, or the fastest that this machine has."""

from __future__ import annotations

import os
from importlib import import_module

from pellucid.engine.interface import Engine
from pellucid.engine.suitability import obstacle
from pellucid.errors import UsageError

__all__ = ["VARIABLE", "available", "get", "reason"]

# By name, in order of preference: the module and class.
_HOMES = {
    "compiled": ("pellucid.engine.compiled_engine", "CompiledEngine"),
    "numpy": ("pellucid.engine.numpy_engine", "NumpyEngine"),
}
VARIABLE = "PELLUCID_ENGINE"


def available() -> list[str]:
    """The names of the engines that this machine can run, the preferred one first.

    >>> available()[-1]
    'numpy'
    """
    return [name for name in _HOMES if name != "compiled" or obstacle() is None]


def reason() -> str:
    """Why "auto" is the engine that it is.

    >>> isinstance(reason(), str)
    True
    """
    if os.environ.get(VARIABLE, "auto") not in ("", "auto"):
        return f"{VARIABLE} says so"
    found = obstacle()
    if found is not None:
        return f"the compiled engine cannot run here: {found}"
    return f"it is the first of {', '.join(available())}"


def get(name: str = "auto") -> Engine:
    """An engine by its name; "auto" is what the variable PELLUCID_ENGINE says, or else the preferred one.

    Raises:
        UsageError: there is no such engine, or it cannot run on this machine.

    >>> get("numpy").name
    'numpy'
    >>> get("abacus")
    Traceback (most recent call last):
    pellucid.errors.UsageError: there is no engine 'abacus'; there are auto, compiled, numpy
    """
    wanted, source = name, ""
    if name == "auto":
        wanted, source = os.environ.get(VARIABLE) or "auto", f" (from {VARIABLE})"
    if wanted == "auto":
        wanted = available()[0]
    if wanted not in _HOMES:
        raise UsageError(f"there is no engine {wanted!r}{source}; there are {', '.join(['auto', *_HOMES])}")
    if wanted not in available():
        raise UsageError(f"the engine {wanted!r}{source} cannot run here: {obstacle()}")
    module, kind = _HOMES[wanted]
    engine: Engine = getattr(import_module(module), kind)()
    return engine

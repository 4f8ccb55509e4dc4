"""Which engine runs: the one that is asked for, or the fastest that this machine has."""

from __future__ import annotations

import os
from importlib import import_module

from pellucid.engine.interface import Engine
from pellucid.engine.suitability import obstacle
from pellucid.errors import UsageError

__all__ = ["VARIABLE", "available", "get", "on_request", "reason"]

# By name, in order of preference: the module and class.
_HOMES = {"numpy": ("pellucid.engine.numpy_engine", "NumpyEngine")}
# Engines that do not yet do all that a task may ask; they run when they are asked for by name.
_PREVIEWS = {"compiled": ("pellucid.engine.compiled_engine", "CompiledEngine")}
VARIABLE = "PELLUCID_ENGINE"


def available() -> list[str]:
    """The names of the engines that do everything on this machine, the preferred one first.

    >>> available()
    ['numpy']
    """
    return list(_HOMES)


def on_request() -> list[str]:
    """The names of the engines that run only when they are asked for, since they do not do everything yet.

    >>> on_request()
    ['compiled']
    """
    return list(_PREVIEWS)


def reason() -> str:
    """Why "auto" is the engine that it is.

    >>> isinstance(reason(), str)
    True
    """
    if os.environ.get(VARIABLE):
        return f"{VARIABLE} says so"
    found = obstacle()
    if found is not None:
        return f"the compiled engine cannot run here: {found}"
    return f"it is the first of {', '.join([*available(), *on_request()])}"


def get(name: str = "auto") -> Engine:
    """An engine by its name; "auto" is what the variable PELLUCID_ENGINE says, or else the preferred one.

    Raises:
        UsageError: there is no such engine.

    >>> get("numpy").name
    'numpy'
    >>> get("abacus")
    Traceback (most recent call last):
    pellucid.errors.UsageError: there is no engine 'abacus'; there are auto, numpy, compiled
    """
    wanted, source = name, ""
    if name == "auto":
        wanted, source = os.environ.get(VARIABLE) or "auto", f" (from {VARIABLE})"
    if wanted == "auto":
        wanted = available()[0]
    homes = {**_HOMES, **_PREVIEWS}
    if wanted not in homes:
        raise UsageError(f"there is no engine {wanted!r}{source}; there are {', '.join(['auto', *homes])}")
    module, kind = homes[wanted]
    engine: Engine = getattr(import_module(module), kind)()
    return engine

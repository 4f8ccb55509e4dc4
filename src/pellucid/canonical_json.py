"""JSON in one form only: what `dumps` writes is all that `loads` reads, and both give back the same value."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

__all__ = ["MAX_DEPTH", "dumps", "loads"]

MAX_DEPTH = 32  # brackets within brackets, far below the parser's own limit

# As signed bytes: 1 for an opening bracket, -1 for a closing one, 0 for anything else.
_NESTING = bytes({"[": 1, "{": 1, "]": 255, "}": 255}.get(chr(byte), 0) for byte in range(256))


def dumps(value: object) -> str:
    r"""The text of a value: ASCII, no spaces, keys in their order, finite numbers, tuples as lists.

    Raises:
        ValueError: JSON would drop, change or not take a part of the value; the sentence names the part.

    >>> dumps({"mean": [0.5, 1], "name": "é"})
    '{"mean":[0.5,1],"name":"\\u00e9"}'
    >>> dumps({"history": [{"loss": float("nan")}]})
    Traceback (most recent call last):
    ValueError: document['history'][0]['loss'] is nan, and JSON has only finite numbers
    """
    _check(value, "document", 1)
    return _text(value)


def loads(text: str) -> Any:
    """The value of a text that `dumps` wrote.

    Raises:
        ValueError: the text is no JSON, is nested too deep, repeats a key, or is written in another form.

    >>> loads('{"a":[1,2.0,null]}')
    {'a': [1, 2.0, None]}
    >>> loads('{"a":1,"a":2}')
    Traceback (most recent call last):
    ValueError: its JSON repeats a key or is not in the form that pellucid writes
    """
    if _depth(text) > MAX_DEPTH:
        raise ValueError(f"its JSON is nested deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(text)
        same = _text(value) == text
    except ValueError as error:
        raise ValueError(f"its JSON is not valid: {error}") from error
    if not same:
        raise ValueError("its JSON repeats a key or is not in the form that pellucid writes")
    return value


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _depth(text: str) -> int:
    """Brackets that are open at the deepest spot; right up to the first error in the text, if it has one."""
    # Without the escaped characters, every other piece between quotes lies outside the strings.
    outside = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    steps = np.frombuffer(b"\0" + outside.encode(errors="replace").translate(_NESTING), np.int8)
    return int(steps.cumsum(dtype=np.int32).max())


def _check(value: object, where: str, depth: int) -> None:
    """Refuse what JSON would drop, change or not take; `where` names the spot."""
    if depth > MAX_DEPTH:
        raise ValueError(f"{where[:60]}… lies deeper than {MAX_DEPTH} levels")
    match value:
        case dict():
            for key, part in value.items():
                if not isinstance(key, str):
                    raise ValueError(f"{where} has the key {key!r}, and keys must be strings")
                _check(part, f"{where}[{key!r}]", depth + 1)
        case list() | tuple():
            for position, part in enumerate(value):
                _check(part, f"{where}[{position}]", depth + 1)
        case float() if not math.isfinite(value):
            raise ValueError(f"{where} is {value}, and JSON has only finite numbers")
        case str() | int() | float() | None:
            pass
        case _:
            raise ValueError(f"{where} is of type {type(value).__name__}, which JSON does not have")

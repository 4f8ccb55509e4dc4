"""What the options of a layer or loss are called in a file."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

from pellucid.layers import Layer, Loss

__all__ = ["Document", "file_name", "is_required", "option_fields", "spellings"]

Document = dict[str, Any]

# Where a file's word for an option is not the class's own; both are understood.
_WORDS = {"source": "formula"}


def option_fields(kind: type[Layer] | type[Loss]) -> list[Field[Any]]:
    """Those of a layer itself; its name and its place in the network are none."""
    return [f for f in fields(kind) if f.name not in ("name", "inputs", "shares")]


def file_name(option: str) -> str:
    """The word for an option in a file.

    >>> file_name("stride"), file_name("source")
    ('stride', 'formula')
    """
    return _WORDS.get(option, option)


def spellings(option: str) -> tuple[str, ...]:
    """The words that a file may have for an option."""
    return tuple(dict.fromkeys((file_name(option), option)))


def is_required(option: Field[Any]) -> bool:
    """Whether there is no default."""
    return option.default is MISSING and option.default_factory is MISSING

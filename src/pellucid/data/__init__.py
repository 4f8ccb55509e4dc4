"""Image sets: readers that trust no byte of a file, and the homes of the well-known sets.

Nothing is imported before it is used, so that a command that needs no images does not wait for Pillow or
scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.data.checks import check_images
    from pellucid.data.fetching import fetch
    from pellucid.data.image_set import ImageSet, Splits
    from pellucid.data.inputs import image_paths, read_images
    from pellucid.data.limits import Limits
    from pellucid.data.loading import load
    from pellucid.data.moments import statistics
    from pellucid.data.named import Found, available, data_folders

__all__ = [
    "Found",
    "ImageSet",
    "Limits",
    "Splits",
    "available",
    "check_images",
    "data_folders",
    "fetch",
    "image_paths",
    "load",
    "read_images",
    "statistics",
]

_HOMES = {
    "Found": "named",
    "ImageSet": "image_set",
    "Limits": "limits",
    "Splits": "image_set",
    "available": "named",
    "check_images": "checks",
    "data_folders": "named",
    "fetch": "fetching",
    "image_paths": "inputs",
    "load": "loading",
    "read_images": "inputs",
    "statistics": "moments",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

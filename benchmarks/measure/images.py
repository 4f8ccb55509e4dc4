"""Where the real images are."""

from __future__ import annotations

from pathlib import Path

from pellucid.data.catalog import CATALOG
from pellucid.data.named import required
from pellucid.errors import NotFoundError

__all__ = ["located"]


def located(name: str) -> Path:
    """The folder or archive of a named set; without it the script ends with a sentence."""
    try:
        return required(CATALOG[name], None)
    except NotFoundError as error:
        raise SystemExit(f"this benchmark needs real images: {error}") from None

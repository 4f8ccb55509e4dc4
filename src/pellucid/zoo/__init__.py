"""Named networks, and one for any image size."""

from pellucid.zoo.default import default
from pellucid.zoo.named import load, names

__all__ = ["default", "load", "names"]

"""What a node reads: numbers that are known, or what a layer makes of an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from numpy.typing import NDArray

from pellucid.formula.ranges import Shape

__all__ = ["Data", "Known", "Value"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Known:
    """An array that does not depend on the image.

    Attributes:
        array: its values, as ONNX has them.
        name: of the initialiser that it is, or is made of.
    """

    array: Array
    name: str = ""

    @cached_property
    def digest(self) -> bytes:
        """The same for the same values; made once, however many nodes read them."""
        return sha256(self.array.tobytes()).digest()


@dataclass(frozen=True)
class Data:
    """What a layer gives for one image, perhaps in another shape.

    Reshaping is put off until somebody reads: most of it cancels, as when the means of a global pooling get
    two axes of one pixel that the next node takes away.

    Attributes:
        layer: name of the layer, or "input".
        held: the shape that it has there, without the images' axis.
        shape: the shape in which it is meant, without the images' axis; as many elements, in the same order.
    """

    layer: str
    held: Shape
    shape: Shape


Value = Known | Data

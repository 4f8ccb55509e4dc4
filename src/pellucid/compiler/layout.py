"""Where the elements of a tensor lie: order of its axes, padding to whole vectors, and a halo of zeros.

The public order of axes is a network's; the storage order is the compiler's.  Reads that leave a tensor, as
padding or under a condition that does not hold there, fall into its halo, which holds zeros: no loop has
to ask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["LANES", "Tensor", "lanes_for"]

# The widest logical vector, the same on every processor.
LANES = 16


def lanes_for(extent: int) -> int:
    """Lanes of the logical vectors over an axis.

    >>> [lanes_for(n) for n in (1, 3, 8, 10, 32)]
    [1, 4, 8, 16, 16]
    """
    return next((lanes for lanes in (1, 2, 4, 8) if extent <= lanes), LANES)


@dataclass(frozen=True)
class Tensor:
    """A tensor in storage.

    Attributes:
        name: of the tensor.
        space: the buffer that holds it.
        shape: extents of its axes in public order.
        order: public axes in storage order, the contiguous one last.
        halo: for each public axis, how many zeros lie before and after it.
        offset: first element in its space.
        stored: extent of each public axis in storage, where another tensor's storage is seen as this one's;
            else it follows from the rest.
    """

    name: str
    space: str
    shape: tuple[int, ...]
    order: tuple[int, ...]
    halo: tuple[tuple[int, int], ...]
    offset: int = 0
    stored: tuple[int, ...] = ()

    @cached_property
    def allotted(self) -> tuple[int, ...]:
        """Stored extent of each public axis, halo and padding included."""
        if self.stored:
            return self.stored
        extents = [low + n + high for n, (low, high) in zip(self.shape, self.halo, strict=True)]
        if self.order:
            last = self.order[-1]
            low, high = self.halo[last]
            lanes = lanes_for(self.shape[last])
            extents[last] = low + -(-self.shape[last] // lanes) * lanes + high
        return tuple(extents)

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """Elements between neighbours along each public axis."""
        strides = [0] * len(self.shape)
        step = 1
        for axis in reversed(self.order):
            strides[axis] = step
            step *= self.allotted[axis]
        return tuple(strides)

    @property
    def origin(self) -> int:
        """Place of the first element that is not halo."""
        return self.offset + sum(s * low for s, (low, _) in zip(self.strides, self.halo, strict=True))

    @property
    def size(self) -> int:
        """Elements that it takes."""
        return math.prod(self.allotted)

    @property
    def last(self) -> int | None:
        """The contiguous axis."""
        return self.order[-1] if self.order else None

    def view(self, space: np.ndarray) -> np.ndarray:
        """The tensor in public order, as a view of the buffer that holds it."""
        stored = space[self.offset : self.offset + self.size].reshape([self.allotted[a] for a in self.order])
        if not self.order:
            return stored
        inner = stored[tuple(slice(self.halo[a][0], self.halo[a][0] + self.shape[a]) for a in self.order)]
        return inner.transpose(np.argsort(self.order))

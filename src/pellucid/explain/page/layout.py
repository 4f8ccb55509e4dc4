"""How the elements of a tensor are laid out as the cells of a picture: tiles in rows, with gaps between them.

>>> layout((1, 16, 32, 32))
Layout(height=32, width=32, tiles=16, columns=8, group=16)
>>> layout((10, 8192))
Layout(height=64, width=128, tiles=10, columns=5, group=1)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layout", "layout"]

# The room for a picture, CSS pixels, and the largest side of a cell.
WIDTH, HEIGHT, LARGEST = 720, 330, 28
# So many elements of a vector stand in one row.
ROW = 16


@dataclass(frozen=True)
class Layout:
    """Tiles of `height` by `width` cells, `columns` of them in a row.

    One cell is left free between neighbouring tiles, and one more between groups of several tiles, such as
    the channels of one filter.
    """

    height: int
    width: int
    tiles: int
    columns: int
    group: int

    @property
    def rows(self) -> int:
        return -(-self.tiles // self.columns)

    def across(self, column: int) -> int:
        """The first cell of a column of tiles."""
        return column * (self.width + 1) + (column // self.group if self.group > 1 else 0)

    @property
    def cells(self) -> tuple[int, int]:
        """Of the whole picture: height and width."""
        return self.rows * (self.height + 1) - 1, self.across(self.columns - 1) + self.width

    @property
    def side(self) -> float:
        """Of a cell, in CSS pixels, if there is room."""
        height, width = self.cells
        return min(WIDTH / width, HEIGHT / height, LARGEST)

    def spread(self, array: NDArray[Any], empty: Any) -> NDArray[Any]:
        """The elements at the places of their cells, shape `cells`."""
        picture = np.full(self.cells, empty, array.dtype)
        flat = array.reshape(-1)
        size = self.height * self.width
        for tile in range(self.tiles):
            part = np.full(size, empty, array.dtype)
            here = flat[tile * size : (tile + 1) * size]
            part[: len(here)] = here
            top, left = tile // self.columns * (self.height + 1), self.across(tile % self.columns)
            picture[top : top + self.height, left : left + self.width] = part.reshape(self.height, self.width)
        return picture


def layout(shape: tuple[int, ...]) -> Layout:
    """The largest cells with which a tensor of this shape finds room, and rows that are full of tiles.

    The last two of three and more axes are a tile; vectors are wrapped into rows.
    """
    if len(shape) > 2:
        height, width = shape[-2:]
        tiles, group = math.prod(shape[:-2]), shape[-3]
    else:
        tiles = group = 1
        if len(shape) == 2:
            tiles = shape[0]
        height, width = _wrapped(shape[-1] if shape else 1)
    step = 1 if tiles == group else group
    choices = [Layout(height, width, tiles, n, group) for n in range(step, tiles + 1, step)]
    return max(choices, key=lambda c: c.side * (c.tiles / (c.rows * c.columns)) ** 3)


def _wrapped(length: int) -> tuple[int, int]:
    """Rows and columns of a vector: full rows, twice as wide as high if its length allows."""
    if length <= ROW:
        return 1, length
    wanted = math.sqrt(2 * length)
    divisors = [d for d in range(1, length + 1) if length % d == 0]
    width = min(divisors, key=lambda d: abs(math.log(d / wanted)))
    if not wanted / 3 < width < wanted * 3:
        width = math.ceil(wanted)
    return math.ceil(length / width), width

"""Pictures of tensors for print: a byte a pixel, in a palette from blue over white to orange, or in greys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.run import Run
from pellucid.explain.page.layout import Layout, layout
from pellucid.explain.page.picture import NEGATIVE, POSITIVE
from pellucid.explain.reference import placed
from pellucid.explain.sources import Sources
from pellucid.network import INPUT

__all__ = ["PALETTE", "Picture", "pixels", "values_of"]

# Values from -LEVELS to LEVELS have a colour each, the one in the middle being white.
LEVELS = 126
# Bytes in a line of hexadecimal digits.
LINE = 60
SMALLER = 0.6


def _palette() -> bytes:
    ends = [
        *((NEGATIVE, 1 - n / LEVELS) for n in range(LEVELS)),
        *((POSITIVE, n / LEVELS) for n in range(LEVELS + 1)),
    ]
    return bytes(round(255 + (part - 255) * share) for colour, share in ends for part in colour)


PALETTE = _palette()


@dataclass(frozen=True)
class Picture:
    """Pixels.

    Attributes:
        cells: a byte each, of the palette or grey.
        plan: how the tensor's elements were laid out.
        grey: whether they are greys.
        range: the smallest and the largest value, in words.
    """

    cells: NDArray[np.uint8]
    plan: Layout
    grey: bool
    range: str

    @property
    def across(self) -> int:
        return int(self.cells.shape[1])

    @property
    def down(self) -> int:
        return int(self.cells.shape[0])

    @property
    def hexadecimal(self) -> str:
        """The bytes as lines of digits."""
        content = self.cells.tobytes()
        return "\n".join(content[at : at + LINE].hex() for at in range(0, len(content), LINE))

    def size(self, most: float) -> tuple[float, float]:
        """Width and height in points, not wider than `most`."""
        side = min(self.plan.side * SMALLER, most / self.across)
        return side * self.across, side * self.down


def values_of(run: Run, name: str) -> NDArray[Any]:
    """A value or gradient of a run by its name."""
    sources = Sources(run)
    return sources.array(placed(name, sources.shape))


def pixels(run: Run, name: str) -> Picture:
    """The picture of a value or gradient."""
    array = values_of(run, name)
    plan = layout(array.shape)
    least, most = float(array.min()), float(array.max())
    grey = name == INPUT and array.ndim == len(("n", "c", "h", "l"))
    words = f"from {least:.3g} to {most:.3g}"
    if grey:
        scaled = 255 * (array - least) / ((most - least) or 1.0)
        return Picture(plan.spread(np.rint(scaled).astype(np.uint8), 255), plan, grey, words)
    limit = max(abs(least), abs(most)) or 1.0
    levels = np.rint(np.nan_to_num(array / limit) * LEVELS).astype(np.int64) + LEVELS
    return Picture(plan.spread(levels.astype(np.uint8), LEVELS), plan, grey, words)

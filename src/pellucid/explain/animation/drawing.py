"""Scenes as pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pellucid.explain.animation.scenes import Scene, Stage
from pellucid.explain.page.picture import NEGATIVE, POSITIVE
from pellucid.formula.expression import Reduce
from pellucid.network import INPUT

__all__ = ["Painter"]

Array = NDArray[Any]
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

PAPER, INK, QUIET, LINE = (255, 255, 255), (28, 32, 40), (104, 112, 124), (214, 218, 224)
EMPTY, NOTHING, ACCENT = (238, 240, 243), (168, 174, 184), (10, 90, 110)
WIDTH, MARGIN, GAP = 800, 28, 56
PLANE = 330
# Cells of the window's grids; without numbers below the second.
LARGEST_CELL, LEGIBLE_CELL = 52, 34
# Of a colour's three parts together: below, it is written on in white.
DARK = 360
# Grids as wide as the page holds three of.
GRID = 216


@lru_cache(maxsize=16)
def _font(size: float) -> Any:
    return ImageFont.load_default(size)


@dataclass(frozen=True)
class _Scale:
    """Numbers as colours: blue, white and orange around 0, and images from black to white."""

    low: float
    high: float
    gray: bool = False

    @staticmethod
    def of(values: Array, *, image: bool = False) -> _Scale:
        return _Scale(float(np.min(values)), float(np.max(values)), image)

    @property
    def power(self) -> int:
        """Of ten, in which the numbers are written; 0 if they can be read as they are."""
        largest = max(-self.low, self.high)
        return 0 if largest == 0 or 0.05 <= largest < 1000 else math.floor(math.log10(largest))

    def colours(self, values: Array) -> Array:
        """(rows, columns, 3), uint8."""
        if self.gray:
            shade = 20 + 235 * np.clip((values - self.low) / ((self.high - self.low) or 1.0), 0, 1)
            return np.repeat(shade[..., None], 3, axis=-1).astype(np.uint8)
        part = np.clip(values / (max(-self.low, self.high) or 1.0), -1, 1)[..., None]
        end = np.where(part < 0, np.array(NEGATIVE), np.array(POSITIVE))
        return (255 + np.abs(part) * (end - 255.0)).astype(np.uint8)


@dataclass(frozen=True)
class _Grid:
    """Numbers of a window: their name, how they are coloured, which are shown, and in what power of ten."""

    name: str
    values: Array
    scale: _Scale
    shown: Array
    power: int

    @property
    def title(self) -> str:
        return f"{self.name}, in 1e{self.power}" if self.power else self.name


class Painter:
    """Draws the scenes of one stage, all of one size."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.plane, self.output = stage.plane, stage.output
        first = stage.scene(0)
        self.weighted = len(stage.windows.summand.factors) > 1
        place = stage.windows.use.scope.places[stage.windows.read.tensor]
        image = place.name == INPUT and not place.gradient
        self.plane_scale, self.output_scale = _Scale.of(self.plane, image=image), _Scale.of(self.output)
        rows, columns = first.patch.shape
        self.cell = max(2, min(LARGEST_CELL, GRID // max(rows, columns)))
        self.grid = (columns * self.cell, rows * self.cell)
        self.equation = _folded(repr(stage.windows.use.equation), 17, WIDTH - 2 * MARGIN)
        self.top = MARGIN + 34 + 23 * len(self.equation) + 18
        self.unit = self._unit()
        tallest = max(self.plane.shape[0], self.output.shape[0]) * self.unit
        self.middle = self.top + 26 + tallest + 22
        self.height = round(self.middle + 28 + self.grid[1] + 24 + 2 * 26 + MARGIN)

    def _unit(self) -> float:
        """Pixels for each element of the planes, the same for both."""
        largest = max(*self.plane.shape, *self.output.shape)
        return max(1.0, float(min(44, PLANE // largest)))

    def frame(self, scene: Scene, done: int) -> Image.Image:
        """The window at one place, with so many elements of the output filled in."""
        image = Image.new("RGB", (WIDTH, self.height), PAPER)
        draw = ImageDraw.Draw(image)
        self._heading(draw)
        self._planes(image, draw, scene, done)
        self._grids(image, draw, scene)
        return image

    def _heading(self, draw: ImageDraw.ImageDraw) -> None:
        use = self.stage.windows.use
        what = f"Through {use.scope.step}, backward" if use.operand else use.scope.step
        draw.text((MARGIN, MARGIN - 6), what, INK, _font(26))
        for number, line in enumerate(self.equation):
            draw.text((MARGIN, MARGIN + 34 + 23 * number), line, QUIET, _font(17))

    def _planes(self, image: Image.Image, draw: ImageDraw.ImageDraw, scene: Scene, done: int) -> None:
        names = self.stage.title()
        right = WIDTH - MARGIN - max(PLANE, round(self.output.shape[1] * self.unit))
        left, top = float(MARGIN), float(self.top + 26)
        for name, x in zip(names, (left, right), strict=True):
            draw.text((x, self.top), name, INK, _font(17))
        self._plane(image, draw, (left, top), self.plane_scale.colours(self.plane))
        colours = self.output_scale.colours(self.output)
        colours.reshape(-1, 3)[done:] = EMPTY
        self._plane(image, draw, (right, top), colours)
        self._outline(draw, (left, top), scene)
        row, column = scene.place
        u = self.unit
        box = (right + column * u, top + row * u, right + (column + 1) * u, top + (row + 1) * u)
        _frame(draw, box, 3)

    def _plane(
        self, image: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[float, float], colours: Array
    ) -> None:
        rows, columns = colours.shape[:2]
        size = (round(columns * self.unit), round(rows * self.unit))
        picture = Image.fromarray(np.ascontiguousarray(colours)).resize(size, Image.Resampling.NEAREST)
        image.paste(picture, (round(corner[0]), round(corner[1])))
        x, y = corner
        if self.unit >= 6:
            for column in range(1, columns):
                draw.line((x + column * self.unit, y, x + column * self.unit, y + size[1] - 1), LINE)
            for row in range(1, rows):
                draw.line((x, y + row * self.unit, x + size[0] - 1, y + row * self.unit), LINE)
        draw.rectangle((x - 1, y - 1, x + size[0], y + size[1]), outline=QUIET)

    def _outline(self, draw: ImageDraw.ImageDraw, corner: tuple[float, float], scene: Scene) -> None:
        """What the window sees: its bounds, and each element by itself if they do not lie side by side."""
        rows, columns = scene.rows[scene.there], scene.columns[scene.there]
        u, (x, y) = self.unit, corner
        if not rows.size:
            return
        everything = (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
        if everything > len(set(zip(rows.tolist(), columns.tolist(), strict=True))):
            for row, column in zip(rows, columns, strict=True):
                _frame(draw, (x + column * u, y + row * u, x + (column + 1) * u, y + (row + 1) * u), 2)
            return
        low, left = scene.rows.min(), scene.columns.min()
        high, right = scene.rows.max() + 1, scene.columns.max() + 1
        if not scene.there.all():  # only the part that lies inside, where conditions end it
            low, left, high, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
        _frame(draw, (x + left * u, y + low * u, x + right * u, y + high * u), 3)

    def _grids(self, image: Image.Image, draw: ImageDraw.ImageDraw, scene: Scene) -> None:
        everywhere = np.ones_like(scene.there)
        power = self.plane_scale.power
        parts = [_Grid("the window sees", scene.patch, self.plane_scale, scene.there, power)]
        if self.weighted:
            weights, terms = _Scale.of(scene.weights), _Scale.of(scene.terms)
            parts.append(_Grid("times", scene.weights, weights, everywhere, weights.power))
            parts.append(_Grid("products", scene.terms, terms, scene.there, power))
        step = max(self.grid[0], 130) + GAP
        y = self.middle + 28
        for number, part in enumerate(parts):
            x = MARGIN + number * step
            draw.text((x, self.middle), part.title, QUIET, _font(17))
            self._cells(draw, (x, y), part)
            for row, column in np.argwhere(scene.won):
                box = (x + column * self.cell, y + row * self.cell)
                _frame(draw, (*box, box[0] + self.cell, box[1] + self.cell), 4)
            if number:
                _sign(draw, x - GAP / 2, y + self.grid[1] / 2, equals=number == 2)
        draw.text((MARGIN, y + self.grid[1] + 20), self._sum(scene), INK, _font(20))
        value = f"{self.stage.reference(scene.place)} = {_number(scene.total)}"
        draw.text((MARGIN, y + self.grid[1] + 46), value, ACCENT, _font(20))

    def _cells(self, draw: ImageDraw.ImageDraw, corner: tuple[float, float], grid: _Grid) -> None:
        colours, cell = grid.scale.colours(grid.values), self.cell
        for row, column in np.ndindex(grid.values.shape):
            x, y = corner[0] + column * cell, corner[1] + row * cell
            there = bool(grid.shown[row, column])
            fill = tuple(int(c) for c in colours[row, column]) if there else EMPTY
            draw.rectangle((x, y, x + cell, y + cell), fill, LINE if cell > 4 else fill)
            if cell < LEGIBLE_CELL:
                continue
            if not there:
                draw.line((x + cell * 0.36, y + cell * 0.5, x + cell * 0.64, y + cell * 0.5), NOTHING, 2)
                continue
            text, size = _short(float(grid.values[row, column]) / 10.0**grid.power), 15 if cell >= 42 else 12
            ink = PAPER if sum(fill) < DARK else INK
            draw.text((x + cell / 2, y + cell / 2), text, ink, _font(size), "mm")

    @property
    def _is_maximum(self) -> bool:
        value = self.stage.windows.use.equation.value
        return isinstance(value, Reduce) and value.op == "max"

    def _sum(self, scene: Scene) -> str:
        if self.stage.windows.chosen:
            return "the largest, or the first of equal ones" if self._is_maximum else "the smallest"
        if not scene.there.any():
            return "no element counts here"
        inside = float(scene.terms.sum())
        rest = scene.total - inside
        count = int(np.count_nonzero(scene.there))
        what = "product" if self.weighted else "element"
        first = f"sum of {count} {what}{'s' * (count != 1)}: {_number(inside)}"
        if abs(rest) <= 1e-5 * float(np.abs(scene.terms).sum()):  # as the run rounds
            return first
        return f"{first}     the other terms: {_number(rest)}"


def _frame(draw: ImageDraw.ImageDraw, box: Box, width: int) -> None:
    """A frame around a box, outside of it, with paper on both sides: it is seen on every colour."""
    x0, y0, x1, y1 = box
    for colour, more in ((PAPER, 1), (ACCENT, 0)):
        out = width - 1 + more
        draw.rectangle((x0 - out, y0 - out, x1 + out, y1 + out), outline=colour, width=width + 2 * more)


def _sign(draw: ImageDraw.ImageDraw, x: float, y: float, *, equals: bool) -> None:
    """A multiplication or equality sign around a point."""
    if equals:
        strokes = [(x - 9, y - 5, x + 9, y - 5), (x - 9, y + 5, x + 9, y + 5)]
    else:
        strokes = [(x - 8, y - 8, x + 8, y + 8), (x - 8, y + 8, x + 8, y - 8)]
    for stroke in strokes:
        draw.line(stroke, INK, 3)


def _number(value: float) -> str:
    return f"{value + 0.0:.4g}"


def _short(value: float) -> str:
    """At most six characters."""
    text = f"{round(value, 2) + 0.0:.2f}"  # no -0
    return text if len(text) < 7 else f"{value:.0f}"


def _folded(text: str, size: int, width: int) -> Sequence[str]:
    """The text in lines that fit, broken at spaces."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}".strip()
        if line and _font(size).getlength(longer) > width:
            lines.append(line)
            line = f"    {word}"
        else:
            line = longer if line else word
    return [*lines, line]

"""`pellucid.engine.run.Run.animate`: a layer at work, window by window, as a GIF."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pellucid.engine.run import Run
from pellucid.errors import UsageError, unknown
from pellucid.explain.animation.scenes import Stage
from pellucid.explain.animation.windows import Windows, windows_of
from pellucid.explain.reference import Place
from pellucid.explain.sources import Sources
from pellucid.files import write_atomically
from pellucid.layers.options import is_whole

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Animation", "animate", "check_gif"]

Progress = Callable[[str, int, int], object]
# Milliseconds that a frame stays: while the eye finds its way, later, and where there is most to see.
SLOW, QUICK, LONG = 800, 260, 2400
# Frames that show neighbouring places one after the other, before the window takes longer steps.
FIRST = 8
MOST_FRAMES = 400
LARGEST_PLANE = 512
COLOURS = 128
NEARLY_WHITE = 246


def check_gif(path: str | os.PathLike[str]) -> None:
    """Refuses a file whose name promises something else than a GIF.

    Raises:
        UsageError: it does not end in ``.gif``.
    """
    if Path(path).suffix.lower() != ".gif":
        raise UsageError(f"an animation's file ends in .gif, unlike {os.fspath(path)}")


@dataclass(frozen=True)
class Animation:
    """A window sliding over a plane, the numbers under it, and the plane that fills in.

    Attributes:
        stage: what is shown.
        places: elements of the output at which the frames show the window, counted row by row.
    """

    stage: Stage
    places: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.places)

    def frames(self) -> Iterator[Image]:
        """The pictures, in order."""
        from pellucid.explain.animation.drawing import Painter

        painter = Painter(self.stage)
        for place in self.places:
            yield painter.frame(self.stage.scene(place), place + 1)

    @property
    def durations(self) -> list[int]:
        """How long each picture stays, in milliseconds."""
        largest = self.stage.largest
        long = [place == largest or place == self.places[-1] for place in self.places]
        return [LONG if stays else SLOW if n < FIRST else QUICK for n, stays in enumerate(long)]

    def save(self, path: str | os.PathLike[str], progress: Progress | None = None) -> None:
        """Writes a GIF that repeats, atomically.

        Args:
            path: ends in ``.gif``.
            progress: called with what is being done, how much of it is done, and how much there is.

        Raises:
            ResourceError: the file cannot be written.
            UsageError: the path ends in something else.
        """
        check_gif(path)
        pictures: list[Image] = []
        for picture in self.frames():
            pictures.append(picture)
            if progress is not None:
                progress("frames", len(pictures), len(self))
        palette = _palette(pictures[len(pictures) // 2])
        from PIL.Image import Dither

        first, *others = [p.quantize(palette=palette, dither=Dither.NONE) for p in pictures]
        memory = io.BytesIO()
        first.save(
            memory,
            "GIF",
            save_all=True,
            append_images=others,
            duration=self.durations,
            loop=0,
            optimize=False,
        )
        write_atomically(path, lambda stream: stream.write(memory.getvalue()))


def _palette(picture: Image) -> Image:
    """One palette for all pictures, so that no colour flickers; what is nearly white is white."""
    import PIL.Image

    colours = np.array(picture.quantize(COLOURS).getpalette()).reshape(-1, 3)
    colours[colours.min(axis=1) > NEARLY_WHITE] = 255
    palette = PIL.Image.new("P", (1, 1))
    palette.putpalette(colours.reshape(-1).tolist())
    return palette


def animate(
    run: Run, layer: str, *, backward: bool = False, fix: Mapping[str, int] | None = None, frames: int = 60
) -> Animation:
    """See `pellucid.engine.run.Run.animate`."""
    if not is_whole(frames, 1) or frames > MOST_FRAMES:
        raise UsageError(f"an animation has 1 to {MOST_FRAMES} frames, not {frames!r:.60}")
    found = _windows(Sources(run), layer, backward=backward)
    stage = Stage.of(found, fix or {})
    for plane in (stage.plane.shape, stage.size):
        if max(plane) > LARGEST_PLANE:
            raise UsageError(
                f"planes of up to {LARGEST_PLANE} rows and columns are animated, not {plane[0]} x {plane[1]}"
            )
    places = _places(stage.size[0] * stage.size[1], int(frames))
    if stage.largest not in places and len(places) > 1:
        nearest = min(places[:-1], key=lambda place: abs(place - stage.largest))
        places = tuple(sorted({*places, stage.largest} - {nearest}))
    return Animation(stage, places)


def _windows(sources: Sources, layer: str, *, backward: bool) -> Windows:
    network = sources.run.network
    if layer not in network.by_name:
        raise unknown("layer", layer, network.by_name)
    found = _found(sources, layer, backward=backward)
    if found is None:
        way = "gradient" if backward else "equation"
        there = [name for name in network.by_name if _found(sources, name, backward=backward)]
        raise UsageError(
            f"the {way} of {layer} reads no windows; those of these layers do: {', '.join(there) or 'none'}"
        )
    return found


def _found(sources: Sources, layer: str, *, backward: bool) -> Windows | None:
    """Of the layer's output, else of a result inside it; backward, of the gradient by what it reads."""
    node, equations = sources.run.network.by_name[layer], sources.forward_scopes[layer].formula.equations
    places = [Place(layer), *(Place(f"{layer}:{e.name}") for e in reversed(equations[:-1]))]
    if backward:
        places = [Place(name, gradient=True) for name in node.sources]
    if backward and not len(sources.run.grad):
        why = "the run has no gradients, as it had neither targets (--label) nor upstream gradients"
        raise UsageError(why)
    for place in places:
        if place.gradient:
            sources.array(place)  # computes the gradient of the input, which few ask for
        uses = sources.uses(place)
        alone = len(uses) == 1 and sources.upstream(place) is None
        for use in uses:
            if use.scope.step == layer and (windows := windows_of(use, alone=alone)):
                return windows
    return None


def _places(total: int, frames: int) -> tuple[int, ...]:
    """The first places one by one, then evenly to the last."""
    if total <= frames:
        return tuple(range(total))
    first = min(FIRST, max(1, frames // 2))
    left = frames - first
    steps = [first + round((total - 1 - first) * (n + 1) / left) for n in range(left)]
    return (*range(first), *dict.fromkeys(steps))

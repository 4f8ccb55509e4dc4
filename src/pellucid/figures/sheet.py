"""What all figures have in common: colours, letters, and how one becomes a file."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure as MatplotlibFigure

from pellucid.errors import UsageError
from pellucid.files import write_atomically

__all__ = [
    "BLUE", "BLUES", "GRAY", "ORANGE", "ORANGES", "POINTS", "SIGNED", "SMALL", "SUFFIXES", "Figure", "bare",
    "check_suffix", "framed", "shortened",
]  # fmt: skip

SUFFIXES = (".png", ".svg", ".pdf")

# Two colours that everybody can tell apart, from the palette of Okabe and Ito, and their shades.
BLUE, ORANGE, GRAY = "#0072B2", "#D55E00", "#666666"
_TO_BLUE = ("#FFFFFF", "#9CC9E3", BLUE, "#00436B")
_TO_ORANGE = ("#FFFFFF", "#F2BF99", ORANGE, "#9C4500")


def _shades(name: str, *colours: str) -> Colormap:
    """From colour to colour; gray stands for what is no number."""
    return LinearSegmentedColormap.from_list(name, colours).with_extremes(bad="#BBBBBB")


BLUES, ORANGES = _shades("blues", *_TO_BLUE), _shades("oranges", *_TO_ORANGE)
# Below 0 and above it, as in animations and articles.
SIGNED = _shades("signed", *reversed(_TO_BLUE[1:]), *_TO_ORANGE)

# Sizes of letters.
POINTS, SMALL = 9.0, 7.0
_DOTS = 144  # an inch


class Figure(MatplotlibFigure):
    """A matplotlib figure that shows itself in a notebook, and that `save` writes.

    It belongs to no window and to no `pyplot`; all that matplotlib can do with a figure can be done with it.
    """

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the figure to a file, atomically; equal figures give equal bytes.

        Args:
            path: ends in ``.png``, ``.svg`` or ``.pdf``, which says in which form.

        Raises:
            UsageError: the path ends in something else.
            ResourceError: the file cannot be written.
        """
        content = self._rendered(check_suffix(path)[1:])
        write_atomically(path, lambda file: file.write(content))

    def _repr_png_(self) -> bytes:
        return self._rendered("png")

    def _rendered(self, form: str) -> bytes:
        stream = io.BytesIO()
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
        with warnings.catch_warnings(), matplotlib.rc_context({"svg.hashsalt": "pellucid"}):
            # a class may be named in letters that the font lacks; they become boxes
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            self.savefig(stream, format=form, dpi=_DOTS, metadata=undated)
        return stream.getvalue()


def check_suffix(path: str | os.PathLike[str]) -> str:
    """The ending of a figure's file, in small letters.

    Raises:
        UsageError: none of those that a figure can have.

    >>> check_suffix("curves.PNG")
    '.png'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"a figure's file ends in {', '.join(SUFFIXES)}, unlike {os.fspath(path)}")
    return suffix


def shortened(text: str, most: int) -> str:
    """At most so many letters; the middle is left out, for names often differ at their ends.

    >>> shortened("Great spotted woodpecker", 12)
    'Great…pecker'
    """
    kept = most - 1
    return text if len(text) <= most else text[: kept // 2] + "…" + text[kept // 2 - kept :]


def bare(figure: Figure) -> Axes:
    """Axes over the whole figure, measured in inches from its upper left corner, with nothing drawn."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0.0, width), ylim=(height, 0.0))
    axes.set_axis_off()
    return axes


def framed(axes: Axes) -> None:
    """Gives axes the letters and lines that all have."""
    axes.tick_params(labelsize=POINTS, color=GRAY, length=3)
    axes.xaxis.label.set_fontsize(POINTS)
    axes.yaxis.label.set_fontsize(POINTS)
    for side, line in axes.spines.items():
        line.set_visible(side in ("left", "bottom"))
        line.set_color(GRAY)

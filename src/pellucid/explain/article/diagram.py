"""The diagram of an architecture as SVG that stands in a page."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator

from pellucid.explain.article.content import Card, Diagram
from pellucid.explain.article.graph import Edge, Layout, laid_out
from pellucid.explain.article.notation import shown_shape

__all__ = ["svg"]

# Pixels: a card, the gaps between cards, and the room around all.
WIDTH, HEIGHT, ACROSS, DOWN, AROUND = 268, 48, 20, 24, 4
# Squares that are drawn for channels, at most, and how far each stands behind the one before.
MOST, BEHIND = 5, 2.5
# Letters for which there is room, beside a shape and without one.
SHORT, LONG = 17, 28


def svg(diagram: Diagram) -> str:
    """The SVG element; colours come from the page's style."""
    layout = laid_out(diagram.cards)
    width = layout.columns * (WIDTH + ACROSS) + WIDTH + 2 * AROUND
    height = layout.rows * (HEIGHT + DOWN) - DOWN + 2 * AROUND
    largest = max((max(c.shape[-2:]) for c in diagram.cards if len(c.shape) > 1), default=1)
    return "".join([
        f'<svg class="diagram" role="group" aria-label="{html.escape(diagram.caption)}" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}" xmlns="http://www.w3.org/2000/svg">',
        *(_edge(edge) for edge in layout.edges),
        *(_card(card, layout, largest) for card in diagram.cards),
        "</svg>",
    ])  # fmt: skip


def _left(column: float) -> float:
    return AROUND + column * (WIDTH + ACROSS)


def _top(row: float) -> float:
    return AROUND + row * (HEIGHT + DOWN)


def _edge(edge: Edge) -> str:
    """A line from below one card to the top of another, upright at both ends, with a head."""
    (column, row), *rest = edge.points
    x, y = _left(column) + WIDTH / 2, _top(row) + HEIGHT
    path = [f"M{x:g} {y:g}"]
    for place, (column, row) in enumerate(rest):
        to, top = _left(column) + WIDTH / 2, _top(row)
        end = top - 5 if place == len(rest) - 1 else top
        bend = (end - y) / 2
        path.append(f"C{x:g} {y + bend:g} {to:g} {end - bend:g} {to:g} {end:g}")
        x, y = to, end
        if place < len(rest) - 1:
            y = top + HEIGHT
            path.append(f"V{y:g}")
    head = f"M{x - 4:g} {y - 2:g}L{x:g} {y + 4:g}L{x + 4:g} {y - 2:g}Z"
    return f'<path class="edge" d="{"".join(path)}"/><path class="head" d="{head}"/>'


def _card(card: Card, layout: Layout, largest: int) -> str:
    place = layout.places[card.name]
    x, y = _left(place.column), _top(place.row)
    text, kind = x + 56, html.escape(_short(card.kind or "the image", LONG if not card.shape else SHORT))
    shape = shown_shape(card.shape) if card.shape else ""
    drawn = "".join([
        f'<rect class="card" x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="7"/>',
        *_glyph(card, x + 28, y + HEIGHT / 2, largest),
        f'<text class="name" x="{text:g}" y="{y + 20:g}">{html.escape(_short(card.name))}</text>',
        f'<text class="kind" x="{text:g}" y="{y + 37:g}">{kind}</text>',
        f'<text class="shape" x="{x + WIDTH - 12:g}" y="{y + 29:g}">{shape}</text>',
    ])  # fmt: skip
    return f'<a href="#{card.anchor}">{drawn}</a>' if card.anchor else f"<g>{drawn}</g>"


def _short(name: str, most: int = SHORT) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _glyph(card: Card, x: float, y: float, largest: int) -> Iterator[str]:
    """The value as a solid: squares behind each other for feature maps, a bar for features, a dot for one."""
    match card.shape:
        case (channels, *rest) if rest:
            side = 8 + 16 * math.sqrt(max(rest) / largest)
            count = min(channels, MOST)
            shift = BEHIND * (count - 1) / 2
            for behind in reversed(range(count)):
                aside = BEHIND * behind - shift
                yield _map(x - side / 2 + aside, y - side / 2 - aside, side, side)
        case (features,):
            tall = min(34.0, 8 + 4 * math.log2(features + 1))
            yield _map(x - 3.5, y - tall / 2, 7, tall)
        case _:
            yield f'<circle class="map" cx="{x:g}" cy="{y:g}" r="6"/>'


def _map(x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="map" x="{x:g}" y="{y:g}" width="{width:.3g}" height="{height:.3g}" rx="1.5"/>'

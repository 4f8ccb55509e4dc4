"""Where the cards of a diagram go: rows by their distance from the input, edges around what lies between.

>>> cards = (Card("input", "", (4,)), Card("a", "Dense", (3,), ("input",)))
>>> placed = laid_out(cards)
>>> placed.places["a"], placed.edges[0].points
(Place(column=0.0, row=1), ((0.0, 0), (0.0, 1)))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pellucid.explain.article.content import Card

__all__ = ["Edge", "Layout", "Place", "laid_out"]

# Rounds in which a row's cards move towards what they are joined to.
ROUNDS = 40


@dataclass(frozen=True)
class Place:
    """A column, with fractions between columns, and a row, both from 0."""

    column: float
    row: int


@dataclass(frozen=True)
class Edge:
    """From one card to another, through points (column, row) in the rows between them."""

    source: str
    target: str
    points: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Layout:
    """Places of the cards, the edges, and the numbers of columns and rows."""

    places: Mapping[str, Place]
    edges: tuple[Edge, ...]
    columns: float
    rows: int


def laid_out(cards: Sequence[Card]) -> Layout:
    """A layout in which no edge runs through a card."""
    rows: dict[str, int] = {}
    for card in cards:
        rows[card.name] = 1 + max((rows[s] for s in card.sources), default=-1)
    chains = [(s, c.name, _between(s, c.name, rows)) for c in cards for s in dict.fromkeys(c.sources)]
    levels: list[list[str]] = [[] for _ in range(1 + max(rows.values()))]
    for name, row in rows.items():
        levels[row].append(name)
    neighbours: dict[str, list[str]] = {name: [] for name in rows}
    for source, target, waypoints in chains:
        for row, point in waypoints:
            levels[row].append(point)
            neighbours[point] = []
        path = [source, *(point for _, point in waypoints), target]
        for one, two in pairwise(path):
            neighbours[one].append(two)
            neighbours[two].append(one)
    columns = _columns(levels, neighbours)
    places = {name: Place(columns[name], row) for name, row in rows.items()}
    edges = tuple(
        Edge(s, t, ((columns[s], rows[s]), *((columns[p], r) for r, p in points), (columns[t], rows[t])))
        for s, t, points in chains
    )
    return Layout(places, edges, max(columns.values()), len(levels))


def _between(source: str, target: str, rows: Mapping[str, int]) -> list[tuple[int, str]]:
    """A point in every row that an edge crosses; no card has such a name."""
    return [(row, f"{source}>{target}>{row}") for row in range(rows[source] + 1, rows[target])]


def _columns(levels: Sequence[Sequence[str]], neighbours: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Columns at least 1 apart in each row, near the middle of what each is joined to."""
    found = {name: float(place) for level in levels for place, name in enumerate(level)}
    for _ in range(ROUNDS):
        for level in levels:
            wanted = {name: _middle([found[o] for o in neighbours[name]] or [found[name]]) for name in level}
            order = sorted(level, key=lambda name: (wanted[name], found[name]))
            found |= dict(zip(order, _apart([wanted[name] for name in order]), strict=True))
    least = min(found.values())
    return {name: round(column - least, 2) for name, column in found.items()}


def _middle(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _apart(wanted: Sequence[float]) -> list[float]:
    """Numbers at least 1 apart near those that are wanted: between as far right and as far left as needed."""
    right, left = list(wanted), list(wanted)
    for place in range(1, len(wanted)):
        right[place] = max(right[place], right[place - 1] + 1)
        left[-place - 1] = min(left[-place - 1], left[-place] - 1)
    return [(a + b) / 2 for a, b in zip(right, left, strict=True)]

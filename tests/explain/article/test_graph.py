"""Diagrams: cards in rows, none on top of another, no edge through a card."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.explain.article.content import Card, Diagram
from pellucid.explain.article.diagram import svg
from pellucid.explain.article.graph import laid_out

# Columns, which are rounded to hundredths.
APART = 0.98
SHAPES = st.sampled_from([(), (10,), (3, 32, 32), (4, 4)])


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Card, ...]:
    """Cards of which each reads some earlier ones."""
    cards = [Card("input", "", (3, 32, 32))]
    for number in range(draw(st.integers(0, 9))):
        known = [card.name for card in cards]
        sources = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
        cards.append(Card(f"n{number}", "Kind & <sort>", draw(SHAPES), tuple(sources), f"a{number}"))
    return tuple(cards)


@settings(max_examples=40)
@given(graphs())
def test_cards_and_edges_keep_apart(cards: tuple[Card, ...]) -> None:
    layout = laid_out(cards)
    for one in cards:
        mine = layout.places[one.name]
        assert all(layout.places[source].row < mine.row for source in one.sources)
        for other in cards:
            theirs = layout.places[other.name]
            assert one is other or mine.row != theirs.row or abs(mine.column - theirs.column) >= APART
    for edge in layout.edges:
        assert [row for _, row in edge.points] == [*range(edge.points[0][1], edge.points[-1][1] + 1)]
        for column, row in edge.points[1:-1]:
            others = (place.column for place in layout.places.values() if place.row == row)
            assert all(abs(column - other) >= APART for other in others)


@settings(max_examples=40)
@given(graphs())
def test_every_edge_is_drawn_once(cards: tuple[Card, ...]) -> None:
    layout = laid_out(cards)
    wanted = {(source, card.name) for card in cards for source in card.sources}
    assert sorted((edge.source, edge.target) for edge in layout.edges) == sorted(wanted)


@settings(max_examples=40)
@given(graphs())
def test_diagrams_are_xml_inside_their_frame(cards: tuple[Card, ...]) -> None:
    drawn = ElementTree.fromstring(svg(Diagram("what reads what", cards)))
    _, _, width, height = map(float, drawn.attrib["viewBox"].split())
    boxes = [e.attrib for e in drawn.iter() if e.attrib.get("class") == "card"]
    assert len(boxes) == len(cards)
    for box in boxes:
        assert 0 <= float(box["x"]) <= float(box["x"]) + float(box["width"]) <= width
        assert 0 <= float(box["y"]) <= float(box["y"]) + float(box["height"]) <= height


def test_a_chain_stands_in_one_column() -> None:
    cards = [
        Card("input", "", (4,)),
        *(Card(str(n), "", (4,), (str(n - 1) if n else "input",)) for n in range(5)),
    ]
    places = laid_out(cards).places
    assert all(later.row == earlier.row + 1 for earlier, later in pairwise(places.values()))
    assert {place.column for place in places.values()} == {0.0}

"""The article as HTML: whole, well-formed, for every network, with nothing fetched from anywhere."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.explain.article.content import Figure, Fold, Section, Steps, Table
from tests.explain.article.articles import NAMES, article, network, read

SEEDS = ("cifar-two-conv", "mnist-one-conv", "mnist-maxpool", "mnist-avgpool")
MEGABYTE = 10**6


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_and_value_has_its_section(name: str) -> None:
    page, net = read(name), network(name)
    wanted = {"architecture", "forward", "backward", "update", "evidence", "backward-input"}
    wanted |= {f"forward-{node.name}" for node in net.nodes}
    wanted |= {"loss"} if net.loss is not None else set()
    with_gradient = [n for n in net.nodes if n.name != net.output or net.loss is not None]
    assert wanted | {f"backward-{n.name}" for n in with_gradient} <= {*page.ids}


@pytest.mark.parametrize("name", NAMES)
def test_pages_are_well_formed_and_their_links_lead_somewhere(name: str) -> None:
    page = read(name)
    assert len({*page.ids}) == len(page.ids)
    assert {link[1:] for link in page.links if link.startswith("#")} <= {*page.ids}
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(page.headings))
    assert {"main", "nav", "header", "footer", "math", "svg", "figure", "details"} <= {*page.elements}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_comes_from_outside(name: str) -> None:
    page, html = read(name), article(name).html()
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert all(source.startswith("data:") for source in page.sources)
    addresses = set(re.findall(r"https?://[^\s\"'<>)\\]+", html))
    assert addresses <= {"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg"}
    assert "@import" not in html
    assert not re.search(r"url\((?!data:|#)", html)


@pytest.mark.parametrize("name", NAMES)
def test_the_mathematics_and_drawings_are_valid_xml(name: str) -> None:
    html = article(name).html()
    formulas = re.findall(r"<math.*?</math>", html, re.DOTALL)
    assert len(formulas) > 20
    for element in (*formulas, *re.findall(r"<svg.*?</svg>", html, re.DOTALL)):
        ElementTree.fromstring(element)


@pytest.mark.parametrize("name", SEEDS)
def test_pages_of_the_seeds_are_small(name: str) -> None:
    assert len(article(name).html().encode()) <= 3 * MEGABYTE


@pytest.mark.parametrize("name", NAMES)
def test_every_value_and_gradient_has_its_picture(name: str) -> None:
    net, found = network(name), {block.name for block in _all(article(name).sections, Figure)}
    values = {"input", *(node.name for node in net.nodes)}
    gradients = {"input", *net.parameter_shapes, *(node.name for node in net.nodes)}
    if net.loss is None:
        gradients -= {net.output}
    many_axes = {n for n, shape in net.parameter_shapes.items() if len(shape) > 1}
    assert values | many_axes | {f"{n}.grad" for n in gradients} <= found


def test_an_option_stays_on_one_line_with_its_name() -> None:
    shown = pl.Network([pl.Conv2D(2, 3, padding="same")], (1, 4, 4)).article().html()
    assert "filters\N{NO-BREAK SPACE}2, kernel\N{NO-BREAK SPACE}3, padding\N{NO-BREAK SPACE}same" in shown


@pytest.mark.parametrize("name", NAMES)
def test_every_gradient_is_derived(name: str) -> None:
    net, found = network(name), article(name)
    derived = sum(len(s.rows) - 1 for s in _all(found.sections, Steps))
    own = net.output if net.loss is None else ""
    names = [n for n in ("input", *net.by_name, *net.parameter_shapes) if n != own]
    assert derived == sum(len(net.derive(n).steps) for n in names)


@pytest.mark.parametrize("name", NAMES)
def test_the_evidence_is_complete_and_right(name: str) -> None:
    tables = {table.caption: table for table in _all(article(name).sections, Table)}
    compared = tables["Gradients compared with differences"]
    assert len(compared.rows) == 1 + len(network(name).parameter_shapes)
    assert {row[-1] for row in compared.rows} == {("right",)}
    engines = tables["Agreement of the engines"]
    assert {row[-1] for row in engines.rows} == {("right",)}
    assert "NOT within" not in read(name).text


def test_the_page_says_what_its_numbers_come_from() -> None:
    assert (
        "The network has not been trained: its parameters are the first values of seed 0."
        in read("lenet5").text
    )
    assert "a handwritten 5 from the digits" in read("lenet5").text
    assert "Its input of 3 features is random, of seed 0." in read("regression").text
    assert "It has no loss: the gradient that arrives at its output is random" in read("no-loss").text


def test_one_seed_gives_one_page_and_another_another() -> None:
    net = network("regression")
    assert net.article().html() == article("regression").html()
    assert net.article(seed=1).html() != article("regression").html()


def test_names_are_text_and_no_html() -> None:
    assert "regression & <more>" in read("regression").text


def test_a_model_is_followed_on_its_own_image() -> None:
    net = pl.Network([pl.Flatten(), pl.Dense(2)], (1, 2, 2), pl.SoftmaxCrossEntropy(), name="two")
    model = pl.Model(net, net.initial_parameters(3, np.float64), ("cat", "dog"))
    image = np.array([[[[1.0, 2.0], [3.0, 5.0]]]])
    made = model.article(image, [1])
    assert made.run.dtype == np.float64
    assert made.run.loss == model.run(image, [1], engine="numpy").loss
    assert "Its class was given: dog." in made.notes
    assert "dog" in made.html()
    guessed = "cat" if model.predict(image)[0] == 0 else "dog"
    assert f"most probable is taken: {guessed}." in model.article(image).notes[-1]


def test_a_trained_model_says_how_it_was_trained() -> None:
    net = pl.Network([pl.Dense(2)], (2,), pl.SoftmaxCrossEntropy())
    parameters = net.initial_parameters()
    history = ({"epoch": 1}, {"epoch": 2})
    trained = pl.Model(net, parameters, history=history, metadata={"data": "digits"})
    image = np.ones((1, 2), np.float32)
    note = "Its parameters were trained for 2 epochs on the images digits."
    assert trained.article(image).notes[0] == note
    assert pl.Model(net, parameters).article(image).notes[0] == "Its image was given."


def test_only_one_image_is_followed() -> None:
    with pytest.raises(UsageError, match="one image, and 2 were given"):
        network("mnist-maxpool").article(images=np.zeros((2, 1, 28, 28)))


@pytest.mark.parametrize("seed", ["0", -1, 1.5])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    with pytest.raises(UsageError, match="seed is a whole number of at least 0, not "):
        network("no-loss").article(seed=seed)


def _all(blocks: tuple[object, ...], kind: type) -> list:
    """All blocks of a kind, however deep they stand."""
    found = [b for b in blocks if isinstance(b, kind)]
    inner = (b.blocks for b in blocks if isinstance(b, Section | Fold))
    return found + [b for inside in inner for b in _all(inside, kind)]

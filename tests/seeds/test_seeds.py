"""Every formula of the seeds is one of pellucid's, or it is shown in what it differs from the exact one."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from evidence.seeds.articles import unprinted
from evidence.seeds.difference import difference
from evidence.seeds.generated import Forward, Gradient, steps
from evidence.seeds.matching import exact, is_matched, same_letters
from evidence.seeds.pages import FOLDER, SEEDS, chain_of, contents, exactly, page
from evidence.seeds.record import Differs, Imprecise, Lines, Said, Seed, Shape, Size
from pellucid.errors import GeometryError
from pellucid.formula.expression import Equation, Num, mul
from pellucid.formula.index import Index, size_of
from pellucid.formula.parse import parse_equation, parse_read
from tests.seeds.text import lines_with_formulas


def of(kind: str) -> list[object]:
    """Each thing of one kind that the seeds say, with its seed."""
    return [
        pytest.param(seed, each, id=f"{seed.number}-{each.lines[0]}-{place}")
        for seed in SEEDS
        for place, each in enumerate(getattr(seed, kind))
    ]


@pytest.mark.parametrize(("seed", "said"), of("formulas"))
def test_a_formula_is_the_one_that_pellucid_has_or_derives(seed: Seed, said: Said) -> None:
    parse_equation(said.text)
    assert is_matched(said, seed)


@pytest.mark.parametrize(("seed", "said"), of("formulas"))
def test_the_comparison_sees_a_change(seed: Seed, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign, a factor, or another operand."""
    right = exact(said, seed)
    for other in (mul(Num(-1), right.value), mul(Num(2), right.value), right.value + 1):
        changed = Equation(right.target, other)
        monkeypatch.setattr("evidence.seeds.matching.exact", lambda *_, changed=changed: changed)
        assert not is_matched(said, seed)
    monkeypatch.undo()
    swapped = dict(zip(said.names.tensors, [*said.names.tensors.values()][::-1], strict=True))
    ranks = {(len(parse_read(a).indices), len(parse_read(b).indices)) for a, b in said.names.tensors.items()}
    if len(ranks) == 1 and len(swapped) > 1:
        names = dataclasses.replace(said.names, tensors=swapped)
        assert not is_matched(dataclasses.replace(said, names=names), seed)


@pytest.mark.parametrize(("seed", "said"), of("formulas"))
def test_what_is_the_same_has_the_same_value(seed: Seed, said: Said) -> None:
    """At random numbers, beside the comparison by structure, for layers and their gradients."""
    step = steps(seed.network, seed.images).get(said.names.step)
    if step is None or not isinstance(said.where, Forward | Gradient):
        return
    # softmax without its shift has no finite value for large logits
    assert difference(said, seed) in ((None, Differs.FLOAT) if said.opened else (None,))


@pytest.mark.parametrize(("seed", "said"), of("formulas"))
def test_special_constants_are_those_of_the_network(seed: Seed, said: Said) -> None:
    """What is put in for the comparison is no assumption, but what the seed's case is."""
    if not said.special or not said.names.step:
        return
    symbols = steps(seed.network, seed.images)[said.names.step].ranges.symbols
    for name, value in said.special.items():
        given = int(value) if value.isdecimal() else symbols[value]
        # seed 002 speaks of stride 1 in words, while its network has stride 2
        assert symbols[name] == given or (seed.number, name) == ("002", "s")


@pytest.mark.parametrize(("seed", "imprecise"), of("imprecise"))
def test_what_is_imprecise_differs_as_it_is_said(seed: Seed, imprecise: Imprecise) -> None:
    assert exactly(imprecise, seed)
    said = imprecise.said
    match imprecise.differs:
        case Differs.ROLES:
            assert len(set(roles(seed, imprecise.symbol))) > 1
        case Differs.SIZE:
            assert imprecise.size is not None
            assert any(rows != solved for rows, solved in sizes(imprecise.size))
        case Differs.MISSING:
            assert said is not None
            given = [(s.names.step, s.where) for s in seed.formulas]
            assert (said.names.step, said.where) not in given
        case Differs.UNSAID:
            assert said is None or not said.text
        case _:
            assert said is not None
            there = dataclasses.replace(seed, network=imprecise.network or seed.network)
            assert difference(said, there) is imprecise.differs


def roles(seed: Seed, symbol: str) -> Iterator[str]:
    """What a letter means in the seed's formulas."""
    wrong = (i.said for i in seed.imprecise if i.said is not None and i.said.text)
    for said in (*seed.formulas, *wrong):
        tensors = {parse_read(m).tensor: parse_read(t).tensor for m, t in said.names.tensors.items()}
        if symbol in tensors:
            yield f"the tensor {tensors[symbol]} of {said.names.step}"
        elif re.search(rf"\b{symbol}\b(?!\[)", said.text):
            yield f"the letter {said.names.letters.get(symbol, symbol)}"
    for size in seed.sizes:
        if re.search(rf"\b{symbol}\b", size.text):
            yield f"the size {size.letters.get(symbol, symbol)}"


@pytest.mark.parametrize(("seed", "size"), of("sizes"))
def test_a_size_is_the_one_that_is_solved(seed: Seed, size: Size) -> None:
    found = list(sizes(size))
    assert len(found) > 10
    for rows, solved in found:
        assert rows == solved


def sizes(size: Size) -> Iterator[tuple[int, int]]:
    """The rows that a seed's formula gives, and those that are solved from the equation, for many images."""
    for kernel in size.kernels:
        for stride in size.strides:
            for rows in (1, 2, 3, 5, 8, 11):
                known = {"U": kernel, "s": stride}
                paddings = [number(size.padding, size, known)] if size.padding else range(kernel)
                for padding in paddings:
                    try:
                        net = pl.Network(
                            [pl.Conv2D(1, kernel, stride=stride, padding=padding)], (1, rows, rows)
                        )
                    except (GeometryError, pl.NetworkError):
                        continue  # there is no room for one window
                    yield number(size.text, size, {**known, "H": rows, "p": padding}), net.output_shape[1]


def number(text: str, size: Size, known: dict[str, int]) -> int:
    """The value of a formula of sizes."""
    index = parse_read(f"rows[{text}]").indices[0]
    renamed = index.replace({mine: Index.of(theirs) for mine, theirs in size.letters.items()})
    value = renamed.replace({name: Index.of(n) for name, n in known.items()}).constant
    assert value is not None
    return value


@pytest.mark.parametrize(("seed", "shape"), of("shapes"))
def test_a_shape_is_the_one_that_is_solved(seed: Seed, shape: Shape) -> None:
    ranges = steps(seed.network, seed.images)[shape.step].ranges
    element = parse_read(shape.element)
    solved = ranges.shapes[element.tensor.removeprefix("d") if element.tensor == "dy" else element.tensor]
    given = [
        1 if i.constant == 0 else ranges.symbols.get(str(size), size)
        for i in element.indices
        for size in [shape.sizes.get(str(i.letter), size_of(str(i.letter)))]
    ]
    if seed.images > 1 and "n" not in shape.sizes and element.indices[0].letter == "n":
        given[0] = seed.images
    assert tuple(given) == solved


def test_charts_have_the_network_s_layers_in_order() -> None:
    for seed in SEEDS:
        for chart in seed.chains:
            there = [kind for place, kind in enumerate(chain_of(seed)) if place not in chart.missing]
            assert list(chart.kinds) == there, (seed.number, chart.lines)


def test_examples_come_out() -> None:
    found = [(seed, example) for seed in SEEDS for example in seed.examples]
    assert found
    for _, example in found:
        image, kernel = np.array([[example.image]], float), np.array([[example.kernel]], float)
        net = pl.Network([pl.Conv2D(1, kernel.shape[2:], bias=False), pl.ReLU()], image.shape[1:])
        run = net.run(image, parameters={"conv1.weight": kernel}, dtype=np.float64)
        assert run["conv1"][0, 0, 0, 0] == example.value
        assert run["relu1"][0, 0, 0, 0] == example.rectified
        turned = net.run(image, parameters={"conv1.weight": kernel[..., ::-1, ::-1]}, dtype=np.float64)
        assert turned["conv1"][0, 0, 0, 0] == -example.value  # the convolution of mathematics


def test_seed_000_has_no_backward_pass() -> None:
    assert not any(isinstance(said.where, Gradient) for said in SEEDS[0].formulas)


def test_seed_002_s_gradient_is_a_full_correlation_with_the_turned_kernel() -> None:
    """In numbers, beside the comparison by structure."""
    generator = np.random.default_rng(0)
    net = pl.Network([pl.Conv2D(2, 3, padding=1)], (1, 6, 5))
    x, above = generator.normal(size=(1, 1, 6, 5)), generator.normal(size=(1, 2, 6, 5))
    run = net.run(x, upstream={"conv1": above}, dtype=np.float64)
    turned = run["conv1.weight"][..., ::-1, ::-1].transpose(1, 0, 2, 3)
    back = pl.Network([pl.Conv2D(1, 3, padding=1, bias=False)], (2, 6, 5))
    again = back.run(above, parameters={"conv1.weight": turned}, dtype=np.float64)["conv1"]
    assert np.allclose(run.grad["input"], again, rtol=0, atol=1e-14)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.number)
def test_the_pages_are_as_the_data_make_them(seed: Seed) -> None:
    """`make articles` writes them."""
    assert (FOLDER / f"seed-{seed.number}.md").read_text(encoding="utf-8") == page(seed)
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == contents()


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.number)
def test_every_line_lies_in_the_seed(seed: Seed) -> None:
    for first, last in listed(seed):
        assert 1 <= first <= last <= seed.length


def test_the_article_has_the_seed_s_formulas_in_their_sections() -> None:
    """Of one seed; `make articles` asks it of all."""
    seed = SEEDS[1]
    article = seed.network.article()
    assert not unprinted(article, seed)
    others = {said.what for said in unprinted(article, SEEDS[3])}
    assert {"gradient before the max-pool, in words", "gradient by the dense weights"} & others == {
        "gradient before the max-pool, in words"
    }


def listed(seed: Seed) -> list[Lines]:
    """Every place of the seed that is spoken of."""
    kinds = (seed.formulas, seed.shapes, seed.sizes, seed.chains, seed.examples)
    return [
        *(each.lines for kind in kinds for each in kind),
        *seed.notation,
        *(i.lines for i in seed.imprecise),
    ]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.number)
def test_no_line_with_mathematics_is_left_out(seed: Seed) -> None:
    """For those who have the texts, in files whose names begin with their numbers."""
    folder = os.environ.get("PELLUCID_SEEDS_DIR")
    if not folder:
        pytest.skip("the seeds' texts are not part of the repository; PELLUCID_SEEDS_DIR is unset")
    (path,) = Path(folder).glob(f"{seed.number}*")
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) == seed.length
    ranges = [range(first, last + 1) for first, last in listed(seed)]
    left = [n for n in lines_with_formulas(text) if not any(n in r for r in ranges)]
    assert not left, [text.splitlines()[n - 1] for n in left]


def test_a_formula_that_reads_beyond_its_tensor_is_found() -> None:
    """Counted from 0, as its names do not, the text of seed 000 reads a channel that there is not."""
    seed = SEEDS[0]
    said = seed.formulas[0]
    assert "c - 1" in said.names.tensors["X[c,h,l]"]
    assert repr(same_letters(said)) != repr(exact(said, seed))
    assert difference(said, seed) is None

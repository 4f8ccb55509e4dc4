"""Summaries against numbers worked out by hand."""

from __future__ import annotations

import json
import re

import pytest

from pellucid import zoo
from pellucid.layers import (
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    FormulaLayer,
    GlobalAveragePool2D,
    MaxPool2D,
    Parameter,
    ReLU,
)
from pellucid.network import Network


def fields(network: Network) -> list[tuple[int, ...]]:
    return [layer.receptive_field for layer in network.summary().layers]


def test_seed_000_by_hand() -> None:
    summary = zoo.load("cifar-two-conv").summary()
    assert [layer.name for layer in summary.layers] == [
        "conv1", "relu1", "maxpool1", "conv2", "relu2", "flatten1", "dense1",
    ]  # fmt: skip
    assert [layer.output_shape for layer in summary.layers] == [
        (16, 32, 32), (16, 32, 32), (16, 16, 16), (32, 16, 16), (32, 16, 16), (8192,), (10,),
    ]  # fmt: skip
    assert [layer.receptive_field for layer in summary.layers] == [
        (3, 3), (3, 3), (4, 4), (8, 8), (8, 8), (8, 8), (32, 32),
    ]  # fmt: skip
    assert [layer.parameters for layer in summary.layers] == [16 * 27 + 16, 0, 0, 32 * 144 + 32, 0, 0, 81930]
    assert [layer.multiply_adds for layer in summary.layers] == [
        16 * 27 * 1024, 0, 0, 32 * 144 * 256, 0, 0, 81920,
    ]  # fmt: skip
    assert [layer.output_bytes for layer in summary.layers] == [
        65536, 65536, 16384, 32768, 32768, 32768, 40,
    ]  # fmt: skip
    assert summary.parameters == 87018
    assert summary.parameter_bytes == 4 * 87018
    assert summary.multiply_adds == 1_703_936
    assert summary.output_bytes == 245_800


SEEDS = {
    "mnist-one-conv": (54_170, 8 * 9 * 676 + 54_080),
    "mnist-maxpool": (13_610, 8 * 9 * 676 + 13_520),
    "mnist-avgpool": (22_000, 15 * 25 * 576 + 21_600),
    "lenet5": (61_706, 416_520),
}


@pytest.mark.parametrize("name", SEEDS)
def test_totals_of_the_other_seeds(name: str) -> None:
    summary = zoo.load(name).summary()
    assert (summary.parameters, summary.multiply_adds) == SEEDS[name]


def test_receptive_fields_grow_by_stride_and_dilation() -> None:
    layers = [Conv2D(2, 3, stride=2), Conv2D(2, (3, 2), dilation=2), MaxPool2D(2), AveragePool2D(3, stride=1)]
    # rows: 3, + (3-1)*2*2 = 11, + (2-1)*2 = 13, + (3-1)*4 = 21; columns: 3, + 1*2*2 = 7, 9, 17
    assert fields(Network(layers, (1, 40, 40))) == [(3, 3), (11, 7), (13, 9), (21, 17)]


def test_receptive_fields_end_at_the_image() -> None:
    assert fields(Network([Conv2D(2, 3, padding=1)], (1, 1, 5))) == [(1, 3)]
    assert fields(Network([Conv2D(2, 3), GlobalAveragePool2D(), Dense(2)], (1, 9, 7))) == [
        (3, 3),
        (9, 7),
        (9, 7),
    ]
    assert fields(Network([Dense(2), ReLU()], (5,))) == [(5,), (5,)]


def test_receptive_fields_of_branches_are_joined() -> None:
    layers = [
        Conv2D(3, 3, padding=1, name="a"),
        Conv2D(3, (1, 5), padding=(0, 2), inputs=("input",), name="b"),
        Add(inputs=("a", "b")),
        Add(inputs=("add1", "input")),
    ]
    assert fields(Network(layers, (3, 9, 9))) == [(3, 3), (1, 5), (3, 5), (3, 5)]


def test_a_formula_of_ones_own_is_counted_like_any_other() -> None:
    locally = FormulaLayer(
        "y[n,k,i,j] = sum[c,u,v] w[k,c,i,j,u,v] * x[n,c,i + u,j + v]",
        parameters={"w": Parameter("k,c,i,j,u,v")},
        constants={"K": 2, "U": 3, "V": 3},
    )
    (row,) = Network([locally], (3, 6, 5)).summary().layers
    assert row.type == "FormulaLayer"
    assert row.receptive_field == (3, 3)
    assert row.multiply_adds == row.parameters == 2 * 3 * 4 * 3 * 9


def test_shared_parameters_are_counted_once() -> None:
    net = Network([Dense(4, name="a"), Dense(4, shares="a")], (4,))
    assert [layer.parameters for layer in net.summary().layers] == [20, 0]
    assert net.summary().multiply_adds == 32


def test_the_table_is_aligned() -> None:
    lines = str(zoo.load("cifar-two-conv").summary()).splitlines()
    assert lines[0].startswith("cifar-two-conv: input 3 × 32 × 32, SoftmaxCrossEntropy")
    table = [line for line in lines[1:] if not line.startswith("-")]
    assert len({len(line) for line in table}) == 1
    assert table[-1].split() == ["total", "87,018", "1,703,936", "245,800", "348,072"]


def test_the_html_table_has_a_caption_and_headers_of_rows_and_columns() -> None:
    page = Network([Dense(2)], (3,), name="a<b")._repr_html_()
    assert "<caption>a&lt;b: input 3" in page
    assert page.count('<th scope="col">') == 8
    assert page.count('<th scope="row">') == 2
    assert re.sub("<[^>]*>", " ", page).split()[-3:] == ["6", "8", "32"]


def test_the_dictionary_is_json() -> None:
    described = zoo.load("mnist-maxpool").summary().to_dict()
    assert json.loads(json.dumps(described)) == described
    assert described["parameters"] == 13_610
    assert described["layers"][0]["receptive_field"] == [3, 3]  # type: ignore[index]

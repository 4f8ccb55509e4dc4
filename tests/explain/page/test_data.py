"""What a page knows of a run."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from pellucid.errors import UsageError
from pellucid.explain.page import data
from tests.explain.numbers import arrays, run_of
from tests.networks import seed_network


def content(element: str) -> dict[str, Any]:
    head, tail = '<script type="application/json" id="pellucid-data">', "</script>"
    assert element.startswith(head)
    inside = element.removeprefix(head).removesuffix(tail)
    assert "<" not in inside
    found: dict[str, Any] = json.loads(inside)
    return found


def values(page: dict[str, Any], name: str) -> np.ndarray:
    entry = page["tensors"][name]
    source = page["tensors"][entry["same"]] if "same" in entry else entry
    found = np.frombuffer(base64.b64decode(source["base64"]), f"<f{source['bits'] // 8}")
    return found.reshape(entry["shape"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_value_and_gradient_is_there_to_the_bit(dtype: str) -> None:
    run = run_of(seed_network("mnist-maxpool"), 1, dtype=dtype)
    page = content(data(run))
    for name, array in arrays(run).items():
        assert np.array_equal(values(page, name), array), name


def test_a_step_changes_the_weights() -> None:
    run = run_of(seed_network("mnist-maxpool"), 1)
    page = content(data(run, rate=0.25))
    expected = run["conv1.weight"] - np.float32(0.25) * run.grad["conv1.weight"]
    assert np.allclose(values(page, "conv1.weight:new"), expected, rtol=1e-6)
    moving = content(data(run, optimiser="momentum"))
    assert np.array_equal(values(moving, "conv1.bias:velocity:new"), run.grad["conv1.bias"])


def test_every_computed_array_has_an_equation_and_every_other_a_role() -> None:
    page = content(data(run_of(seed_network("cifar-two-conv"), 1)))
    computed = {e["of"] for e in page["equations"]}
    assert computed | page["roles"].keys() == page["tensors"].keys()
    assert not computed & page["roles"].keys()
    assert page["roles"]["conv1.weight"] == "a parameter"
    assert page["padding"]["conv1(input)"] == [[0, 0], [0, 0], [1, 1], [1, 1]]
    assert page["assumptions"]["loss"] == ["assume sum[k] y[n,k] = 1"]


def test_equations_are_in_this_networks_numbers() -> None:
    page = content(data(run_of(seed_network("mnist-avgpool"), 1)))
    (pool,) = [e for e in page["equations"] if e["of"] == "relu1.grad"]
    read = ["read", "avgpool1.grad", [[[1, "n"]], [[1, "c"]], [[1, ["//", [[1, "h"]], [[2]]]]],
            [[1, ["//", [[1, "l"]], [[2]]]]]]]  # fmt: skip
    assert pool["value"] == ["*", ["number", 0.25, "1/4"], read]
    assert pool["letters"] == {"n": 1, "c": 15, "h": 24, "l": 24}


def test_what_arrives_from_outside_is_a_term() -> None:
    net = seed_network("mnist-maxpool")
    above = np.ones((1, 8, 13, 13), np.float32)
    run = net.run(np.ones((1, 1, 28, 28)), upstream={"maxpool1": above})
    page = content(data(run))
    assert page["roles"]["maxpool1.grad"] == "a gradient that was given"
    both = {"maxpool1": above, "flatten1": np.ones((1, 1352))}
    run = net.run(np.ones((1, 1, 28, 28)), upstream=both)
    page = content(data(run))
    assert values(page, "maxpool1.upstream").tolist() == above.tolist()
    throughs = [e["through"] for e in page["equations"] if e["of"] == "maxpool1.grad"]
    assert throughs == ["flatten1", "upstream"]


def test_names_of_classes_cannot_end_the_element() -> None:
    run = run_of(seed_network("mnist-maxpool"), 1)
    assert content(data(run, classes=["</script>"]))["classes"] == ["</script>"]


def test_two_images_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="one image, and this one has 2"):
        data(run_of(seed_network("mnist-maxpool"), 2))

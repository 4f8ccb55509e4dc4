"""Reference vectors hold a run's every number, and their equations alone give these numbers back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid import zoo
from pellucid.formula.evaluate import planned
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Ranges, solve
from tests.cli.invoke import events, failed, invoke


def loaded(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file}
    return arrays, json.loads(str(arrays.pop("metadata")))


def network() -> pl.Network:
    layers = [
        pl.Conv2D(4, 3, stride=2, padding=1),
        pl.FormulaLayer(
            "y[n,c,i,j] = x[n,c,i,j]*sigmoid(beta[c]*x[n,c,i,j])", {"beta": pl.Parameter("c", 1.0)}
        ),
        pl.MaxPool2D(2),
        pl.Flatten(),
        pl.Dense(3),
    ]
    return pl.Network(layers, (2, 9, 8), pl.SoftmaxCrossEntropy(), name="mixed")


def read_back(layer: Mapping[str, Any], kind: str, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What a layer's equations, as they stand in the file, give for the file's arrays."""
    padding = {t: dict(enumerate(map(tuple, amounts))) for t, amounts in layer["padding"].items()}
    names = {**layer["names"], **layer["gradients"]}
    forward = Formula.parse("\n".join(layer["forward"]), constants=layer["constants"], padding=padding)
    given = {o: arrays[names[o]] for o in forward.operands}
    sizes = {n: size for n, size in layer["sizes"].items() if n in {"K", "U", "V"}}
    ranges = solve(forward, {o: a.shape for o, a in given.items()}, sizes)
    if kind == "forward":
        return planned(forward, ranges)(given)
    backward = Formula.parse("\n".join(layer["backward"]), constants=layer["constants"])
    everything = {t: arrays[name] for t, name in names.items() if name in arrays}
    every = Ranges(
        {**ranges.extents, **{s.lower(): v for s, v in layer["sizes"].items()}},
        {**ranges.symbols, **layer["sizes"]},
        {t: a.shape for t, a in everything.items()},
    )
    operands = {o: everything[o] for o in backward.operands if o in everything}
    return planned(backward, every)(operands)


def test_the_equations_of_the_file_give_its_numbers(tmp_path: Path) -> None:
    network().vectors(batch=3, seed=4).save(tmp_path / "v.npz")
    arrays, metadata = loaded(tmp_path / "v.npz")
    compared = set()
    for layer in metadata["layers"]:
        names = {**layer["names"], **layer["gradients"]}
        for kind in ("forward", "backward"):
            for tensor, found in read_back(layer, kind, arrays).items():
                if tensor in names and names[tensor] in arrays:
                    expected = arrays[names[tensor]]
                    assert np.max(np.abs(found - expected)) <= 1e-13 * max(1, np.max(np.abs(expected)))
                    compared.add(names[tensor])
    given = {"input", "targets", *network().parameter_shapes}
    assert compared >= {name for name in arrays if name not in given}


@pytest.mark.parametrize("name", ["mnist-maxpool", "lenet5"])
def test_the_file_is_the_run(name: str) -> None:
    net = zoo.load(name)
    found = net.vectors(batch=2, seed=3)
    labels = found.arrays["targets"].argmax(axis=1)
    run = net.run(found.arrays["input"], labels, net.initial_parameters(3, np.float64), dtype=np.float64)
    names = {*run, *(f"{n}.grad" for n in run.grad)}
    assert names == found.arrays.keys()
    for value in run:
        assert np.array_equal(found.arrays[value], run[value])
    for value in run.grad:
        assert np.array_equal(found.arrays[f"{value}.grad"], run.grad[value])


def test_equal_vectors_give_equal_bytes_and_no_code(tmp_path: Path) -> None:
    for name in ("a", "b"):
        network().vectors(seed=1).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with np.load(tmp_path / "a", allow_pickle=False) as file:
        assert not any(file[name].dtype.hasobject for name in file)


def test_without_a_loss_the_gradient_at_the_output_is_given() -> None:
    found = pl.Network([pl.Dense(3), pl.Tanh()], (2,)).vectors()
    above, y = found.arrays["tanh1.grad"], found.arrays["tanh1"]
    assert np.allclose(found.arrays["dense1.grad"], above * (1 - y**2), rtol=1e-14)
    assert "loss" not in found.arrays


def test_two_arrays_of_one_name_are_an_error() -> None:
    layer = pl.FormulaLayer("y[n,d] = grad[d]*x[n,d]", {"grad": pl.Parameter("d", 1.0)}, name="own")
    with pytest.raises(pl.UsageError, match=r"the name own\.grad stands for two arrays"):
        pl.Network([layer], (2,)).vectors()


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"batch": 1.5}, {"seed": -1}, {"batch": True}])
def test_counts_are_whole_numbers(wrong: dict[str, Any]) -> None:
    with pytest.raises(pl.UsageError, match="is a whole number of at least"):
        network().vectors(**wrong)


def test_the_command_writes_a_model_s_parameters(tmp_path: Path) -> None:
    net = zoo.load("mnist-avgpool")
    parameters = net.initial_parameters(9)
    pl.Model(net, parameters).save(tmp_path / "m.safetensors")
    out = tmp_path / "v.npz"
    (event,) = events("vectors", tmp_path / "m.safetensors", "-o", out, "--batch", 1, "--seed", 5)
    arrays, metadata = loaded(out)
    assert event["arrays"] == len(arrays)
    assert event["values"] == sum(a.size for a in arrays.values())
    assert (metadata["batch"], metadata["seed"], metadata["pellucid"]) == (1, 5, pl.__version__)
    assert np.array_equal(arrays["conv1.weight"], parameters["conv1.weight"].astype(np.float64))
    assert "with the model's parameters" in invoke("vectors", tmp_path / "m.safetensors", "-o", out).stdout


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    assert "cannot write" in failed(2, "vectors", "lenet5", "-o", tmp_path / "none" / "v.npz")

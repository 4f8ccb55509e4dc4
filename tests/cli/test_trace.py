"""`pellucid trace`: numbers of one picture's run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pellucid import engine as engines
from pellucid.data import read_images
from pellucid.model import Model
from pellucid.training.optimiser import optimiser as named
from tests.cli.invoke import events, failed, invoke
from tests.data.samples import encoded

PICTURE = "photos/1/1.png"


@pytest.mark.parametrize("engine", engines.available())
def test_it_explains_what_the_model_computes(model: Path, engine: str) -> None:
    loaded = Model.load(model)
    image = read_images([PICTURE], shape=(1, 6, 6))
    run = loaded.run(image, [1], engine=engine)
    numbers = ("dense1[0,1]", "loss", "conv1.weight.grad[1,0,2,2]", "input[0,0,3,3]")
    found = events("trace", model, *numbers, "--image", PICTURE, "--label", "1", "--engine", engine)
    assert [each.pop("event") for each in found] == ["explanation"] * 4
    assert found == [json.loads(json.dumps(run.explain(n).to_dict())) for n in numbers]
    assert all(each["agrees"] for each in found)
    assert found[0]["stored"] == pytest.approx(float(loaded.outputs(image, engine=engine)[0, 1]), rel=1e-5)


def test_it_prints_equation_terms_and_sum(model: Path) -> None:
    result = invoke("trace", model, "dense1[0,1]", "conv1[0,0,1,1]", "--image", PICTURE, "--terms", 2)
    assert result.exit_code == 0
    first, second = result.stdout.split("\n\nconv1[0,0,1,1] = ")
    assert "y[n,k] = b[k] + sum[d] w[k,d]*x[n,d]" in first
    assert "dense1[0,1] = dense1.bias[1] + sum[d<32] dense1.weight[1,d]*flatten1[0,d]" in first
    assert "sum of 31 smaller terms" in first
    assert "within the bound" in first
    assert "w[k,c,u,v]*x[n,c,s*i + a*u - p,s*j + a*v - q]" in second


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_it_explains_a_step_of_an_optimiser(model: Path, optimizer: str) -> None:
    number, given = "conv1.weight[1,0,2,2]", ("--image", PICTURE, "--label", "1")
    loaded = Model.load(model)
    run = loaded.run(read_images([PICTURE], shape=(1, 6, 6)), [1], engine="numpy")
    options = ("--step", "--optimizer", optimizer, "--lr", 0.1, "--weight-decay", 0.01)
    (found,) = events("trace", model, number, *given, *options, "--engine", "numpy")
    assert found.pop("event") == "step"
    kind = named(optimizer, weight_decay=0.01)
    expected = run.explain_step(number, 0.1, optimiser=kind)
    assert found == json.loads(json.dumps(expected.to_dict()))
    assert found["agrees"]
    assert found["new"] != run["conv1.weight"][1, 0, 2, 2]
    text = invoke("trace", model, number, *given, "--step").stdout
    assert text.startswith(f"one step of sgd for {number}, learning rate {named('sgd').rate:.9g}\n\n")


def test_it_follows_a_number_forward(model: Path) -> None:
    (found,) = events("trace", model, "input[0,0,3,3]", "--image", PICTURE, "--uses", "--terms", 40)
    assert found.pop("event") == "uses"
    assert found["count"] == len(found["uses"]) == 18
    assert all(use["reference"].startswith("conv1[0,") for use in found["uses"])


def test_a_class_may_be_named(model: Path) -> None:
    names = Model.load(model).classes
    by_name = events("trace", model, "loss", "--image", PICTURE, "--label", names[1])
    assert by_name == events("trace", model, "loss", "--image", PICTURE, "--label", "1")


WRONG = {
    ("dense2[0,1]",): "there is no value 'dense2'; did you mean dense1?",
    ("dense1[0,2]",): "dense1[0,2]: index 2 of axis 1 is not in 0 … 1",
    ("dense1[0]",): "dense1 has the shape (1, 2), so it takes 2 indices, and 1 were given",
    ("loss",): "the run has no loss",
    ("dense1.grad[0,1]",): "the run has no gradients",
    ("loss", "--label", "cat"): "the model has no class 'cat'; it has",
    ("loss", "--label", "2"): "the model has no class '2'; it has",
    ("loss", "--label", "-1"): "the model has no class '-1'; it has",
    ("loss", "--engine", "abacus"): "there is no engine 'abacus'",
}


@pytest.mark.parametrize("args", WRONG, ids=" ".join)
def test_wrong_use_gets_one_sentence(model: Path, args: tuple[str, ...]) -> None:
    assert WRONG[args] in failed(2, "trace", model, "--image", PICTURE, *args)


def test_a_picture_has_to_be_given_and_to_fit(model: Path) -> None:
    assert "--image" in failed(2, "trace", model, "loss")
    assert "there is no file" in failed(2, "trace", model, "loss", "--image", "nothing.png")
    Path("large.png").write_bytes(encoded(np.zeros((12, 12), np.uint8)))
    unlike = failed(2, "trace", model, "loss", "--image", "large.png")
    assert unlike.endswith("6 x 6; resize=True (--resize) brings it there")
    assert invoke("trace", model, "dense1[0,0]", "--image", "large.png", "--resize").exit_code == 0


def test_options_of_the_step_need_it(model: Path) -> None:
    given = ("trace", model, "conv1.bias[0]", "--image", PICTURE, "--label", "1")
    assert "--lr is an option of the step that --step explains" in failed(2, *given, "--lr", 0.1)
    assert "two questions; ask one at a time" in failed(2, *given, "--step", "--uses")
    assert "there is no optimiser 'adams'; did you mean adam?" in failed(
        2, *given, "--step", "--optimizer", "adams"
    )
    assert "the optimiser sgd has no option momentum" in failed(2, *given, "--step", "--momentum", 0.9)
    assert "an optimiser changes parameters, and dense1 is none" in failed(
        2, "trace", model, "dense1[0,1]", "--image", PICTURE, "--label", "1", "--step"
    )

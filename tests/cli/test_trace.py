"""`pellucid trace`: numbers of one picture's run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pellucid import engine as engines
from pellucid.data import read_images
from pellucid.model import Model
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
    assert "resizing it has to be asked for" in failed(2, "trace", model, "loss", "--image", "large.png")
    assert invoke("trace", model, "dense1[0,0]", "--image", "large.png", "--resize").exit_code == 0

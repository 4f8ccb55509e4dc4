"""`pellucid derive`: gradients step by step."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from pellucid import zoo
from tests.cli.invoke import events, failed, invoke


def test_it_prints_steps_with_their_reasons() -> None:
    result = invoke("derive", "mnist-maxpool", "conv1.weight", "relu1", "--numbers")
    assert result.exit_code == 0
    net = zoo.load("mnist-maxpool")
    both = (net.derive(name, numbers=True) for name in ("conv1.weight", "relu1"))
    assert result.stdout == "\n\n".join(map(str, both)) + "\n"


def test_without_names_it_goes_from_the_loss_to_the_input(model: Path) -> None:
    found = events("derive", model)
    assert [each["name"] for each in found] == [
        "dense1", "dense1.bias", "dense1.weight", "flatten1", "tanh1", "conv1", "conv1.bias", "conv1.weight",
        "input",
    ]  # fmt: skip
    steps = [step for each in found for p in each["passages"] for g in p["gradients"] for step in g["steps"]]
    assert max(step["error"] for step in steps) < 1e-9


def test_other_forms(model: Path) -> None:
    html = invoke("derive", model, "tanh1", "--html").stdout
    ElementTree.fromstring(html)
    latex = invoke("derive", model, "tanh1", "--latex").stdout
    assert "\\fitted{\\frac{\\partial L}{\\partial x_{n,c,i,j}} =" in latex
    assert "\ufffd" not in html + latex


def test_wrong_use_gets_one_sentence(model: Path) -> None:
    assert "there is no layer or parameter 'conv2'" in failed(2, "derive", model, "conv2")
    assert "did you mean lenet5?" in failed(2, "derive", "lenet")

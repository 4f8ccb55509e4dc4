"""No command writes its result over what it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.invoke import failed, invoke

PICTURE = "photos/0/0.png"


@pytest.mark.parametrize(
    "command",
    [
        "animate tiny.safetensors conv1 -o tiny.safetensors",
        "animate tiny.toml conv1 -o ./tiny.toml",
        f"animate tiny.toml conv1 --image {PICTURE} -o {PICTURE}",
        "article tiny.toml --html -o tiny.toml",
        f"article tiny.toml --image {PICTURE} --html -o {PICTURE}",
        "export tiny.safetensors -o tiny.safetensors",
        "train --net tiny.toml --data halves.npz --epochs 1 --history tiny.toml",
        "train --net tiny.toml --data halves.npz --epochs 1 --history halves.npz",
        "vectors tiny.toml -o tiny.toml",
        "weights export tiny.safetensors -o tiny.safetensors",
        "weights import tiny.toml tiny.safetensors -o tiny.toml",
        "weights import tiny.toml tiny.safetensors -o tiny.safetensors",
    ],
)
def test_a_result_does_not_take_the_place_of_what_was_given(command: str, model: Path) -> None:
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert failed(2, *command.split()).endswith("cannot hold two things; each takes a file of its own")
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_a_result_may_be_called_as_a_network_of_the_zoo_is() -> None:
    assert invoke("vectors", "mnist-one-conv", "-o", "mnist-one-conv").exit_code == 0

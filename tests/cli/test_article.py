"""`pellucid article`: a network written out to a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pellucid as pl
from tests.cli.invoke import invoke


@pytest.fixture
def net(tmp_path: Path) -> str:
    layers = [pl.Conv2D(2, 3), pl.ReLU(), pl.Flatten(), pl.Dense(3)]
    path = tmp_path / "tiny.toml"
    network = pl.Network(layers, (1, 6, 6), pl.SoftmaxCrossEntropy(), name="tiny")
    path.write_text(pl.network_to_toml(network), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("ending", "start"), [("html", "<!DOCTYPE html>"), ("tex", "% For"), ("md", "# tiny")]
)
def test_the_ending_says_what_is_written(net: str, ending: str, start: str, tmp_path: Path) -> None:
    out = tmp_path / f"page.{ending}"
    result = invoke("article", net, "-o", str(out))
    assert result.exit_code == 0
    assert out.read_text(encoding="utf-8").startswith(start)
    assert "first values of seed 0" in result.stdout


def test_an_option_says_it_too(net: str, tmp_path: Path) -> None:
    out = tmp_path / "page"
    result = invoke("article", net, "--markdown", "-o", str(out), "--json")
    assert json.loads(result.stdout) == {
        "event": "article", "path": str(out), "form": "markdown",
        "bytes": out.stat().st_size, "network": "tiny",
    }  # fmt: skip


def test_a_picture_and_its_class_are_followed(net: str, tmp_path: Path) -> None:
    pixels = np.arange(36, dtype=np.uint8).reshape(6, 6)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    out = tmp_path / "page.md"
    picture = str(tmp_path / "one.png")
    result = invoke("article", net, "--image", picture, "--label", "2", "--lr", "0.5", "-o", str(out))
    assert result.exit_code == 0
    assert "Its image was given. Its class was given: 2." in result.stdout
    assert "learning rate 0.5" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "page.pdf"], "does not say what to write"),
        (["-o", "nowhere/page.html"], "there is no folder"),
        (["-o", "page.html", "--label", "7"], "no class '7'"),
        (["-o", "page.html", "--optimizer", "magic"], "magic"),
    ],
)
def test_wrong_use_is_one_sentence(
    net: str, arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("article", net, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (tmp_path / "page.html").exists()

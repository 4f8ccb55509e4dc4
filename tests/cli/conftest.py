"""Small image sets, networks and models, in a folder of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pellucid.model import Model
from tests.cli.invoke import invoke
from tests.data.samples import encoded

TINY = """
name = "tiny"
input_shape = [1, 6, 6]
loss = "SoftmaxCrossEntropy"

[[layer]]
type = "Conv2D"
filters = 2
kernel = 3

[[layer]]
type = "Tanh"

[[layer]]
type = "Flatten"

[[layer]]
type = "Dense"
units = 2
"""


def pictures(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 1, 6, 6) whose upper (label 0) or lower (label 1) half is bright, and their labels."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = generator.integers(0, 100, (count, 1, 6, 6), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[0, 3 * label : 3 * label + 3] += 120
    return images, labels


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: `tiny.toml`, `halves.npz` (40 images, 10 to test with), `photos/`: two classes."""
    monkeypatch.chdir(tmp_path)
    for name in ("PELLUCID_DATA_DIR", "PELLUCID_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    (tmp_path / "tiny.toml").write_text(TINY)
    (x, y), (x_test, y_test) = pictures(40), pictures(10, seed=1)
    np.savez(tmp_path / "halves.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    for number, (image, label) in enumerate(zip(x_test, y_test, strict=True)):
        path = tmp_path / "photos" / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(image[0]))
    return tmp_path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model file of the tiny network that tells the halves apart."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.toml").write_text(TINY)
    x, y = pictures(40)
    np.savez(folder / "halves.npz", images=x, labels=y)
    out = folder / "tiny.safetensors"
    options = ("--epochs", 8, "--batch-size", 4, "--lr", 0.02)
    result = invoke(
        "train", "--net", folder / "tiny.toml", "--data", folder / "halves.npz", "--out", out, *options
    )
    assert result.exit_code == 0, result.output
    assert Model.load(out).history[-1]["accuracy"] == 1.0
    return out.read_bytes()


@pytest.fixture
def model(folder: Path, trained: bytes) -> Path:
    """`tiny.safetensors` in the current folder."""
    (folder / "tiny.safetensors").write_bytes(trained)
    return Path("tiny.safetensors")

"""The commands that use what training saved."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pellucid import zoo
from pellucid.cli.train import train
from pellucid.model import Model
from pellucid.network import Network
from pellucid.network_file import read_network
from tests.cli.conftest import pictures
from tests.cli.invoke import events, failed, invoke
from tests.data.samples import encoded


def test_eval_events(model: Path) -> None:
    (told,) = events("eval", model, "--data", "halves.npz")
    x = np.load("halves.npz")
    wanted = Model.load(model).evaluate(x["x_test"], x["y_test"])
    assert told == {"event": "done", "model": str(model), "data": "halves", **wanted.to_dict()}
    assert told.keys() >= {"accuracy", "loss", "images", "classes", "confusion_matrix", "per_class"}
    assert np.sum(told["confusion_matrix"]) == told["images"] == 10


def test_eval_for_people(model: Path) -> None:
    first, *rest = invoke("eval", model, "--data", "halves.npz").stdout.splitlines()
    assert re.fullmatch(r"halves: accuracy 100\.00%, loss 0\.\d+ over 10 images", first)
    assert [line.split() for line in rest[-3:-1]] == [["0", "5", "0"], ["1", "0", "5"]]


@pytest.mark.parametrize(("part", "images"), [("train", 40), ("test", 10)])
def test_eval_of_a_part(model: Path, part: str, images: int) -> None:
    assert events("eval", model, "--data", "halves.npz", "--part", part)[0]["images"] == images


def test_eval_takes_all_images_of_a_set_that_is_not_divided(model: Path) -> None:
    (told,) = events("eval", model, "--data", "photos")
    assert (told["images"], told["accuracy"]) == (10, 1.0)


def test_eval_knows_classes_by_their_names(model: Path) -> None:
    """A folder of only one class, which is the model's second."""
    for path in Path("photos/0").iterdir():
        path.unlink()
    Path("photos/0").rmdir()
    (told,) = events("eval", model, "--data", "photos")
    assert told["confusion_matrix"] == [[0, 0], [0, 5]]


def test_eval_on_the_set_of_the_training() -> None:
    events("train", "--net", "mnist-maxpool", "--epochs", 0, "--out", "m.safetensors")
    assert events("eval", "m.safetensors")[0]["data"] == "digits"


def test_eval_resizes_and_makes_gray(model: Path) -> None:
    for label, name in enumerate("01"):
        large = pictures(2)[0][label, 0].repeat(3, axis=0).repeat(3, axis=1)
        Path(f"large/{name}").mkdir(parents=True)
        Path(f"large/{name}/a.png").write_bytes(encoded(np.stack([large] * 3, axis=-1)))
    assert events("eval", model, "--data", "large", "--resize")[0]["accuracy"] == 1.0


def test_predict_events(model: Path) -> None:
    told = events("predict", model, "photos/0", "photos/1/1.png")
    assert [one["path"] for one in told] == [
        *(f"photos/0/{n}.png" for n in (0, 2, 4, 6, 8)),
        "photos/1/1.png",
    ]
    assert [one["class"] for one in told] == ["0"] * 5 + ["1"]
    for one in told:
        assert one.keys() == {"event", "path", "class", "probabilities"}
        assert one["event"] == "prediction"
        assert one["probabilities"].keys() == {"0", "1"}
        assert sum(one["probabilities"].values()) == pytest.approx(1.0)
        assert max(one["probabilities"], key=one["probabilities"].get) == one["class"]


def test_predict_agrees_with_the_model(model: Path) -> None:
    images, _ = pictures(10, seed=1)
    rows = Model.load(model).predict_proba(images)
    told = {one["path"]: one["probabilities"] for one in events("predict", model, "photos")}
    for number, row in enumerate(rows):
        assert list(told[f"photos/{number % 2}/{number}.png"].values()) == row.tolist()


def test_predict_for_people(model: Path) -> None:
    lines = invoke("predict", model, "photos/1").stdout.splitlines()
    assert len(lines) == 5
    assert all(re.fullmatch(r"photos/1/\d\.png: 1 \(\d+\.\d%\)", line) for line in lines)


def test_predict_many_pictures(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = events("predict", model, "photos")
    monkeypatch.setattr("pellucid.cli.predict._TOGETHER", 3)
    assert [one["class"] for one in events("predict", model, "photos")] == [one["class"] for one in whole]


def test_predict_resizes_when_asked(model: Path) -> None:
    Path("large.png").write_bytes(encoded(pictures(1)[0][0, 0].repeat(2, axis=0).repeat(2, axis=1)))
    assert events("predict", model, "large.png", "--resize")[0]["class"] == "0"


def test_names_of_files_cannot_steer_the_terminal(model: Path) -> None:
    strange = Path("photos/0/0.png").rename("\x1b[2J.png")
    assert "\x1b" not in invoke("predict", model, strange).stdout
    assert events("predict", model, strange)[0]["path"] == str(strange)


def network_of(spec: str) -> Network:
    if spec == "default":
        return zoo.default((1, 28, 28), 10)
    if spec == "tiny.toml":
        return read_network(spec)
    return Model.load(spec).network if spec == "tiny.safetensors" else zoo.load(spec)


@pytest.mark.parametrize("spec", ["default", "lenet5", "tiny.toml", "tiny.safetensors"])
def test_summary(model: Path, spec: str) -> None:
    summary = network_of(spec).summary()
    assert invoke("summary", spec).stdout == f"{summary}\n"
    (told,) = events("summary", spec)
    assert told == {"event": "summary", **json.loads(json.dumps(summary.to_dict()))}


@pytest.mark.parametrize("spec", ["tiny.toml", "tiny.safetensors"])
@pytest.mark.parametrize("data", [[], ["--data", "halves.npz", "--images", 3]])
def test_check(model: Path, spec: str, data: list[object]) -> None:
    (told,) = events("check", spec, *data)
    assert told.keys() == {"event", "network", "images", "passed", "gradients"}
    assert (told["event"], told["network"], told["passed"]) == ("done", "tiny", True)
    assert told["images"] == (3 if data else 2)
    names = ["input", "conv1.weight", "conv1.bias", "dense1.weight", "dense1.bias"]
    assert [row["gradient"] for row in told["gradients"]] == names
    keys = {"gradient", "elements", "directions", "kinks", "worst_error", "at", "passed"}
    assert all(row.keys() == keys and row["worst_error"] < 1e-7 for row in told["gradients"])


def test_check_for_people() -> None:
    lines = invoke("check", "tiny.toml").stdout.splitlines()
    assert lines[0] == "tiny, 2 images, float64"
    assert lines[-1] == "all gradients are right"


def test_check_of_named_networks_on_real_digits() -> None:
    assert events("check", "mnist-maxpool", "--data", "digits")[0]["passed"]


def test_a_check_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.formula.check.TOLERANCE", -1.0)
    result = invoke("check", "tiny.toml")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.splitlines()[-1] == "the check FAILED"
    result = invoke("check", "tiny.toml", "--json")
    assert (result.exit_code, json.loads(result.stdout)["passed"]) == (1, False)


def test_examples_in_the_help_can_be_parsed() -> None:
    """Of the longest list of options; the files that they name are made up."""
    for example in train.examples:
        train.make_context("train", example.split()[2:], obj=[])


def test_arrays_whose_channels_come_last(model: Path) -> None:
    x = np.load("halves.npz")
    last = {name: array.transpose(0, 2, 3, 1) if name.startswith("x") else array for name, array in x.items()}
    np.savez("last.npz", **last)
    data = ("--data", "last.npz", "--channels-last")
    assert "say so" in failed(2, "eval", model, *data[:2])
    wanted = events("eval", model, "--data", "halves.npz")[0]
    assert events("eval", model, *data)[0] == wanted | {"data": "last"}
    assert events("check", model, *data)[0]["passed"]
    done = events("train", "--net", "tiny.toml", *data, "--epochs", 1, "--out", "new.safetensors")[-1]
    assert done["test_images"] == 10

"""Figures and logs that commands write."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from tests.cli.invoke import events, failed, invoke

TRAIN = ("train", "--net", "tiny.toml", "--data", "halves.npz", "--epochs", 2, "--lr", 0.02)


def scalars(folder: Path) -> list[tuple[int, str, float]]:
    """What TensorBoard would show of a folder: (epoch, name, value)."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.iterdir()):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            event = Event.FromString(content[at + 12 : at + 12 + length])
            found += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
            at += 16 + length
    return found


@pytest.mark.parametrize("name", ["curves.png", "curves.svg", "curves.pdf"])
def test_train_draws_its_curves(name: str) -> None:
    done = events(*TRAIN, "--plot", name)[-1]
    assert (done["event"], done["epochs"]) == ("done", 2)
    assert Path(name).stat().st_size > 1000


def test_train_writes_logs_for_tensorboard() -> None:
    epochs = events(*TRAIN, "--validation", 0.2, "--tensorboard", "logs/first")[1:-1]
    written = scalars(Path("logs/first"))
    names = {"loss": "loss/training", "val_loss": "loss/validation", "val_accuracy": "accuracy/validation"}
    for row in epochs:
        for key, tag in names.items():
            (value,) = (value for step, name, value in written if (step, name) == (row["epoch"], tag))
            assert value == pytest.approx(row[key], rel=1e-6)
    assert {name for _, name, _ in written} == {
        "loss/training", "loss/validation", "accuracy/training", "accuracy/validation", "learning_rate",
        "images_per_second",
    }  # fmt: skip


def test_a_resumed_training_goes_on_in_its_logs() -> None:
    events(*TRAIN, "--tensorboard", "logs", "--checkpoint", "c.safetensors")
    events(*TRAIN, "--epochs", 3, "--tensorboard", "logs", "--resume", "c.safetensors")
    assert sorted(step for step, name, _ in scalars(Path("logs")) if name == "loss/training") == [1, 2, 3]


def test_eval_draws_what_was_confused(model: Path) -> None:
    plain = events("eval", model, "--data", "halves.npz")
    told = events("eval", model, "--data", "halves.npz", "--plot", "c.png", "--plot-confused", "d.png")
    assert told == plain
    assert all(Path(name).read_bytes().startswith(b"\x89PNG") for name in ("c.png", "d.png"))


@pytest.mark.parametrize("command", [TRAIN, ("eval", "tiny.safetensors", "--data", "halves.npz")])
def test_what_cannot_be_drawn_is_known_before_the_work_begins(
    model: Path, command: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(Path().iterdir())
    assert failed(2, *command, "--plot", "a.jpg") == "a figure's file ends in .png, .svg, .pdf, unlike a.jpg"
    assert "there is no folder" in failed(2, *command, "--plot", "no/a.png")
    monkeypatch.delitem(sys.modules, "pellucid.figures", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert failed(2, *command, "--plot", "a.png") == (
        'figures need matplotlib, which is not installed; `pip install "pellucid[figures]"` installs it'
    )
    assert sorted(Path().iterdir()) == before


def test_figure_and_history_are_files_apart() -> None:
    assert "a file of its own" in failed(2, *TRAIN, "--plot", "a.png", "--history", "a.png")
    assert "a file of its own" in failed(
        2, "eval", "tiny.safetensors", "--plot", "a.png", "--plot-confused", "a.png"
    )


def test_logs_without_tensorboardx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert "logs for TensorBoard need tensorboardX" in failed(2, *TRAIN, "--tensorboard", "logs")


def test_logs_where_no_folder_can_be() -> None:
    assert invoke(*TRAIN, "--tensorboard", "tiny.toml/logs").stderr == (
        "pellucid: cannot write to tiny.toml/logs: Not a directory\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["curves"],
        ["conv1.weight"],
        ["tanh1", "--image", "photos/1/1.png"],
        ["conv1.weight.grad", "--image", "photos/1/1.png", "--label", "1"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_plot(model: Path, arguments: list[str]) -> None:
    assert events("plot", model, *arguments, "-o", "a.svg") == [{"event": "done", "figure": "a.svg"}]
    assert "<svg" in Path("a.svg").read_text()
    assert invoke("plot", model, *arguments, "-o", "a.png").stdout == "the figure is in a.png\n"


def test_plot_of_what_is_not_there(model: Path) -> None:
    alone = failed(2, "plot", model, "tanh1", "-o", "a.png")
    assert alone == "there is no parameter 'tanh1'; a run on a picture (--image) computes it"
    assert "no value 'tanh9'" in failed(2, "plot", model, "tanh9", "-o", "a.png", "--image", "photos/1/1.png")
    sentence = failed(2, "plot", model, "conv1.grad", "-o", "a.png", "--image", "photos/1/1.png")
    assert "neither targets (--label) nor upstream gradients" in sentence
    assert "a file of its own" in failed(2, "plot", model, "curves", "-o", model)
    assert not Path("a.png").exists()

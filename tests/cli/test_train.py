from __future__ import annotations

import json
import os
import re
from pathlib import Path

import click
import numpy as np
import pytest

from pellucid import zoo
from pellucid.cli.train import train
from pellucid.container import load
from pellucid.engine.choice import available, get
from pellucid.model import Model
from pellucid.training import OPTIMISERS, SCHEDULES, Options, load_checkpoint
from tests.cli.invoke import events, failed, invoke

TRAIN = (
    "train",
    "--net",
    "tiny.toml",
    "--data",
    "halves.npz",
    "--epochs",
    3,
    "--batch-size",
    4,
    "--lr",
    0.02,
)
START = {"event", "network", "parameters", "data", "classes", "images", "test_images"}
EPOCH = {
    "event", "epoch", "steps", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "images_per_second",
    "seconds",
}  # fmt: skip
DONE = {
    "event", "test_accuracy", "test_loss", "test_images", "model", "epochs", "seconds", "engine",
}  # fmt: skip


def files() -> list[str]:
    """What is in the current folder beside what was there before the test."""
    return sorted(set(os.listdir()) - {"tiny.toml", "halves.npz", "photos", "home"})


def test_events() -> None:
    start, *epochs, done = events(*TRAIN)
    assert start == {
        "event": "start",
        "network": "tiny",
        "parameters": 86,
        "data": "halves",
        "classes": ["0", "1"],
        "images": 40,
        "test_images": 10,
    }
    assert [one["event"] for one in epochs] == ["epoch"] * 3
    assert [one["epoch"] for one in epochs] == [1, 2, 3]
    assert all(one.keys() == EPOCH for one in epochs)
    assert done.keys() == DONE
    assert done["event"] == "done"
    assert (done["test_images"], done["epochs"], done["engine"]) == (10, 3, get().name)
    assert 0.5 <= done["test_accuracy"] <= 1.0
    assert done["model"] == "pellucid-halves.safetensors"
    saved = Model.load(done["model"])
    assert saved.classes == ("0", "1")
    x = np.load("halves.npz")
    assert saved.evaluate(x["x_test"], x["y_test"]).accuracy == done["test_accuracy"]
    assert [{"event": "epoch", **row} for row in saved.history] == epochs
    assert files() == ["pellucid-halves.safetensors"]


def test_table() -> None:
    result = invoke(*TRAIN, "--validation", 0.2)
    assert (result.exit_code, result.stderr) == (0, "")
    first, headings, *rows, tested, saved = result.stdout.splitlines()
    assert first == "tiny network with 86 parameters; halves: 40 images for training, 10 images for testing"
    assert re.split("  +", headings.strip()) == [
        "epoch", "loss", "accuracy", "validation loss", "validation accuracy", "rate", "images/s", "seconds",
    ]  # fmt: skip
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert {len(row) for row in rows} == {len(headings)}
    assert re.fullmatch(r"test accuracy \d+\.\d\d%, loss \d\.\d+ over 10 images", tested)
    assert saved == "the model is in pellucid-halves.safetensors"


def test_quiet_prints_only_how_it_ended() -> None:
    lines = invoke(*TRAIN, "--quiet").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["test", "the"]


def test_a_model_that_is_there_is_never_replaced_unasked() -> None:
    names = [events(*TRAIN, "--epochs", 1)[-1]["model"] for _ in range(3)]
    assert names == [f"pellucid-halves{number}.safetensors" for number in ("", "-2", "-3")]
    assert files() == sorted(names)
    Path(names[0]).unlink()
    assert events(*TRAIN, "--epochs", 1)[-1]["model"] == names[0]


def test_a_checkpoint_that_is_there_keeps_its_name_to_itself() -> None:
    Path("pellucid-halves.checkpoint").write_text("of another training")
    assert events(*TRAIN)[-1]["model"] == "pellucid-halves-2.safetensors"
    invoke(*TRAIN, "--out", "pellucid-halves.safetensors")
    assert Path("pellucid-halves.checkpoint").read_text() == "of another training"


def test_a_model_that_out_names_is_replaced(model: Path) -> None:
    before = model.read_bytes()
    assert events(*TRAIN, "--out", model)[-1]["model"] == str(model)
    assert model.read_bytes() != before
    assert files() == [str(model)]


def test_nothing_but_a_model_is_replaced() -> None:
    before = Path("halves.npz").read_bytes()
    assert failed(2, *TRAIN, "--out", "halves.npz") == "halves.npz exists and is no model; it is not replaced"
    assert Path("halves.npz").read_bytes() == before


def test_all_options_reach_the_training() -> None:
    options = (
        "--optimizer", "nesterov", "--momentum", 0.8, "--weight-decay", 0.01, "--schedule", "one-cycle",
        "--warmup", 1, "--label-smoothing", 0.1, "--clip-norm", 5, "--early-stopping", 2, "--seed", 7,
        "--validation", 0.25, "--dtype", "float64", "--threads", 1,
    )  # fmt: skip
    done = events(*TRAIN, *options)[-1]
    model = Model.load(done["model"])
    assert model.dtype == np.float64
    found = model.metadata["options"]
    assert found["optimizer"] == {"name": "nesterov", "momentum": 0.8, "weight_decay": 0.01}
    assert (found["schedule"]["name"], found["schedule"]["warmup"]) == ("one-cycle", 1.0)
    wanted = {
        "epochs": 3, "batch_size": 4, "lr": 0.02, "clip_norm": 5.0, "label_smoothing": 0.1,
        "early_stopping": 2, "validation": 0.25, "seed": 7, "dtype": "float64",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def test_a_seed_gives_the_same_model() -> None:
    one, two, other = (
        Model.load(events(*TRAIN, "--seed", seed, "--threads", 1)[-1]["model"]) for seed in (1, 1, 2)
    )
    assert all((one.parameters[name] == two.parameters[name]).all() for name in one.parameters)
    assert any((one.parameters[name] != other.parameters[name]).any() for name in one.parameters)


def test_history_goes_to_a_file() -> None:
    epochs = events(*TRAIN, "--history", "history.jsonl")[1:-1]
    rows = [json.loads(line) for line in Path("history.jsonl").read_text().splitlines()]
    assert [{"event": "epoch", **row} for row in rows] == epochs


@pytest.mark.parametrize("shape", [["--resize", "8"], ["--resize", "8x8", "--gray"]])
def test_named_networks_are_fitted_to_a_folder_of_images(shape: list[str]) -> None:
    start, *_, done = events("train", "--net", "mnist-maxpool", "--data", "photos", "--epochs", 1, *shape)
    assert (start["network"], start["images"], start["test_images"]) == ("mnist-maxpool", 10, 0)
    assert (done["test_accuracy"], done["test_loss"]) == (None, None)
    assert Model.load(done["model"]).network.input_shape == (1, 8, 8)
    assert done["model"] == "pellucid-photos.safetensors"


def test_the_default_network_takes_colours() -> None:
    done = events("train", "--data", "photos", "--epochs", 1, "--color")[-1]
    assert Model.load(done["model"]).network.input_shape == (3, 6, 6)


def test_a_checkpoint_is_kept_where_one_is_named_and_goes_on_as_if_never_stopped() -> None:
    pinned = (*TRAIN, "--threads", 1)
    whole = events(*pinned, "--epochs", 4, "--schedule", "constant")[-1]
    events(*pinned, "--epochs", 2, "--schedule", "constant", "--checkpoint", "c")
    assert load_checkpoint("c").place.epoch == 2
    again = ("train", "--data", "halves.npz", "--resume", "c", "--epochs", 4, "--threads", 1)
    start, *epochs, done = events(*again)
    assert [one["epoch"] for one in epochs] == [3, 4]
    assert start["network"] == "tiny"
    for name, array in load(whole["model"], kind="model")[0].items():
        assert (array == load(done["model"], kind="model")[0][name]).all()
    assert load_checkpoint("c").place.epoch == 4


def test_a_checkpoint_is_not_written_over() -> None:
    events(*TRAIN, "--checkpoint", "c")
    before = Path("c").read_bytes()
    assert failed(2, *TRAIN, "--checkpoint", "c").startswith("c exists; --resume c goes on with it")
    assert Path("c").read_bytes() == before


def test_a_model_may_be_named_like_a_checkpoint() -> None:
    done = events(*TRAIN, "--out", "tiny.checkpoint")[-1]
    assert len(Model.load(done["model"]).history) == 3
    assert files() == ["tiny.checkpoint"]


@pytest.mark.parametrize(
    "two", [("--out", "--checkpoint"), ("--out", "--history"), ("--checkpoint", "--history")]
)
def test_one_file_does_not_hold_two_things(two: tuple[str, str]) -> None:
    sentence = failed(2, *TRAIN, two[0], "one", two[1], Path.cwd() / "one")
    assert "cannot hold two things; each takes a file of its own" in sentence
    assert files() == []


def test_help_names_what_there_is() -> None:
    told = {one.name: one.help or "" for one in train.params if isinstance(one, click.Option)}
    known = {
        "net": zoo.names(),
        "optimizer": OPTIMISERS,
        "schedule": SCHEDULES,
        "engine": available(),
    }
    for option, names in known.items():
        assert all(name in re.split(r"[\s,:;.]+", told[option]) for name in names)
    defaults = Options().document()
    defaults |= {name: defaults[name]["name"] for name in ("optimizer", "schedule")}
    for option, text in told.items():
        if option in defaults and (said := re.search(r"\[default: (.+)\]", text)):
            assert said[1] == str(defaults[option])

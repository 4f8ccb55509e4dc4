"""Training from a network and images to a model."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from pellucid import random
from pellucid.data import ImageSet
from pellucid.engine import score
from pellucid.errors import DataError, NetworkError, NotFoundError, ResourceError, TrainingError, UsageError
from pellucid.layers import Dense, MeanSquaredError, SoftmaxCrossEntropy
from pellucid.model import Normalisation
from pellucid.network import Network
from pellucid.training import Callback, Constant, JsonLines, json_lines, load_checkpoint, train
from pellucid.training.train import Data
from tests.networks import small_network
from tests.training.samples import assert_same_model, blobs, without_times

DATA = blobs(60)
QUICK = {"epochs": 2, "batch_size": 16, "progress": False}


def test_it_learns():
    model = train(small_network(), DATA, validation=blobs(60, seed=1), epochs=15, lr=0.02, progress=False)
    assert model.history[-1]["val_accuracy"] >= 0.95
    assert model.classes == ("left", "right", "below")
    assert model.metadata["engine"] in ("numpy", "compiled")
    assert model.metadata["options"]["optimizer"]["name"] == "adam"


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not():
    assert_same_model(train(small_network(), DATA, **QUICK), train(small_network(), DATA, **QUICK))
    other = train(small_network(), DATA, seed=1, **QUICK)
    assert other.history[0]["loss"] != train(small_network(), DATA, **QUICK).history[0]["loss"]


def test_the_history_of_an_epoch():
    validation = blobs(20, seed=1)
    model = train(small_network(), DATA, validation=validation, schedule=Constant(), lr=0.01, **QUICK)
    row = model.history[-1]
    assert [r["epoch"] for r in model.history] == [1, 2]
    assert (row["steps"], row["lr"]) == (4, 0.01)
    assert 0 <= row["accuracy"] <= 1
    assert row["seconds"] > 0
    assert row["images_per_second"] == pytest.approx(60 / row["seconds"])
    outputs = model.outputs(validation.images, engine="numpy")
    assert row["val_loss"] == pytest.approx(score(model.network, outputs, validation.labels).loss, rel=1e-5)
    assert row["val_accuracy"] == score(model.network, outputs, validation.labels).accuracy


def test_losses_of_an_epoch_are_weighted_by_images_and_their_weights():
    """At a rate so small that nothing changes, the mean of the steps is the loss of the whole set."""
    weights = np.linspace(0.0, 2.0, 60)
    model = train(
        small_network(), DATA, sample_weight=weights, optimizer="sgd", lr=1e-30, batch_size=16, epochs=1,
        dtype="float64", progress=False,
    )  # fmt: skip
    outputs = model.outputs(DATA.images)
    wanted = score(model.network, outputs, DATA.labels, weights).loss
    assert model.history[0]["loss"] == pytest.approx(wanted, rel=1e-9)
    assert model.metadata["images"] == 59  # one has no weight


def test_images_without_weight_teach_nothing():
    weights = np.r_[np.ones(30), np.zeros(30)]
    wrong = ImageSet(DATA.images, np.r_[DATA.labels[:30], np.zeros(30, np.int64)], DATA.classes, "wrong")
    assert_same_model(
        train(small_network(), wrong, sample_weight=weights, **QUICK),
        train(small_network(), DATA.take(range(30)), sample_weight=np.ones(30), **QUICK),
    )


@pytest.mark.parametrize(
    "data",
    [
        (DATA.images, DATA.labels),
        (DATA.images[:, 0], DATA.labels.tolist()),
        (DATA.images, DATA.labels.astype(np.uint8)),
    ],
    ids=["arrays", "without channels", "bytes"],
)
def test_arrays_are_as_good_as_image_sets(data: Data):
    model = train(small_network(), data, **QUICK)
    assert model.classes == ("0", "1", "2")
    assert_same_model(model, train(small_network(), DATA, **QUICK))


def test_features_and_regression():
    x = random.uniform(random.key(1), (20, 2))
    network = Network([Dense(2)], (2,), MeanSquaredError())
    model = train(network, (x, 3 * x + 1), epochs=80, batch_size=5, lr=0.1, progress=False)
    assert model.classes == ()
    assert model.history[-1]["accuracy"] is None
    assert model.outputs(np.array([[0.5, 0.0]])) == pytest.approx(np.array([[2.5, 1.0]]), abs=0.05)


def test_probabilities_as_targets():
    rows = np.eye(3)[DATA.labels] * 0.9 + 0.1 / 3
    model = train(small_network(), (DATA.images, rows), validation=0.25, **QUICK)
    assert model.history[-1]["val_accuracy"] is not None


def test_normalisation_is_measured_given_or_left_out():
    pixels = DATA.images / 255.0
    measured = train(small_network(), DATA, **QUICK).normalisation
    assert measured is not None
    assert measured.mean == pytest.approx([pixels.mean()])
    assert measured.deviation == pytest.approx([pixels.std()])
    assert measured.scale == 1 / 255
    given = Normalisation(np.array([0.5]), np.array([0.5]), 1 / 255)
    assert train(small_network(), DATA, normalisation=given, **QUICK).normalisation is given
    assert train(small_network(), DATA, normalisation=False, **QUICK).normalisation is None
    fractions = train(small_network(), (pixels, DATA.labels), **QUICK).normalisation
    assert fractions is not None
    assert fractions.scale == 1.0


def test_a_share_for_validation_has_its_share_of_each_class():
    model = train(small_network(), DATA, validation=0.25, **QUICK)
    assert model.metadata["images"] == 45
    assert model.history[0]["val_accuracy"] * 15 == pytest.approx(
        round(model.history[0]["val_accuracy"] * 15)
    )


def test_label_smoothing_changes_the_loss():
    model = train(small_network(), DATA, label_smoothing=0.1, **QUICK)
    assert model.network.loss == SoftmaxCrossEntropy(label_smoothing=0.1)


def test_parameters_to_begin_with():
    first = train(small_network(), DATA, **QUICK)
    second = train(small_network(), DATA, parameters=first.parameters, **QUICK)
    assert second.history[0]["loss"] < first.history[0]["loss"]


def test_a_batch_may_be_larger_than_the_set():
    model = train(small_network(), DATA, epochs=2, batch_size=1000, progress=False)
    assert [row["steps"] for row in model.history] == [1, 1]


def test_no_epochs_give_the_initial_parameters(tmp_path):
    network = small_network()
    model = train(network, DATA, epochs=0, seed=4, checkpoint=tmp_path / "c", progress=False)
    assert model.history == ()
    for name, value in network.initial_parameters(4).items():
        assert np.array_equal(model.parameters[name], value)
    assert load_checkpoint(tmp_path / "c").place.epoch == 0


def test_early_stopping_returns_the_best_parameters():
    """The validation images have wrong labels, so that the first epoch is the best one."""
    wrong = ImageSet(DATA.images, (DATA.labels + 1) % 3, DATA.classes, "wrong")
    options = {"lr": 0.05, "schedule": "constant", "progress": False}
    model = train(small_network(), DATA, validation=wrong, epochs=20, early_stopping=3, **options)
    losses = [row["val_loss"] for row in model.history]
    best = int(np.argmin(losses))
    assert len(losses) == best + 4 < 20
    assert model.metadata["best_epoch"] == best + 1
    found = score(model.network, model.outputs(wrong.images), wrong.labels)
    assert found.loss == pytest.approx(losses[best], rel=1e-6)


class Diary(Callback):
    def __init__(self, stop_at=None, stop_after=None):
        self.lines, self.stop_at, self.stop_after = [], stop_at, stop_after

    def on_epoch_start(self, epoch):
        self.lines.append(f"epoch {epoch}")

    def on_step(self, moment):
        self.lines.append(f"{moment.epoch}/{moment.epochs}:{moment.step}/{moment.steps}:{moment.images}")
        return self.stop_at == (moment.epoch, moment.step)

    def on_epoch_end(self, row):
        self.lines.append(f"end {row['epoch']}")
        return self.stop_after == row["epoch"]

    def on_end(self):
        self.lines.append("end")


def test_callbacks_are_told_everything_in_order():
    diary = Diary()
    train(small_network(), DATA, epochs=2, batch_size=40, callbacks=[diary], progress=False, engine="numpy")
    assert diary.lines == [
        "epoch 1", "1/2:1/2:40", "1/2:2/2:60", "end 1", "epoch 2", "2/2:1/2:40", "2/2:2/2:60", "end 2", "end",
    ]  # fmt: skip


@pytest.mark.parametrize(("stop", "epochs"), [({"stop_after": 1}, 1), ({"stop_at": (2, 1)}, 1)])
def test_callbacks_stop_a_training(stop, epochs):
    model = train(small_network(), DATA, callbacks=[Diary(**stop)], epochs=3, progress=False, engine="numpy")
    assert len(model.history) == epochs


def test_the_history_as_json_lines():
    stream = io.StringIO()
    model = train(small_network(), DATA, callbacks=[JsonLines(stream)], **QUICK)
    assert stream.getvalue() == json_lines(model.history)
    rows = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert rows == [dict(row) for row in model.history]


def test_a_loss_that_is_not_finite_ends_training_with_a_sentence(tmp_path):
    """The rate explodes in epoch 2; the checkpoint of epoch 1 stays."""
    path = tmp_path / "c"

    class Explode(Constant):
        def factors(self, steps, epoch):
            return np.where(np.arange(steps) < epoch + 2, 1.0, 1e38)

    options = {"epochs": 3, "batch_size": 16, "lr": 0.1, "optimizer": "sgd", "progress": False}
    with pytest.raises(TrainingError) as caught:
        train(small_network(), DATA, schedule=Explode(), checkpoint=path, **options)
    assert str(caught.value).startswith("the loss is ")
    assert "in step 4 of 4 of epoch 2, at a learning rate of 1e+37" in str(caught.value)
    assert str(caught.value).endswith(f"; the checkpoint {path} is from before")
    kept = load_checkpoint(path)
    assert kept.place.epoch == 1
    assert all(np.isfinite(array).all() for array in kept.parameters.values())


def test_parameters_that_are_not_finite_are_never_saved(tmp_path):
    """In the last step of the epoch only the parameters explode."""

    class Explode(Constant):
        def factors(self, steps, epoch):
            return np.where(np.arange(steps) < epoch - 1, 1.0, float("inf"))

    with pytest.raises(TrainingError, match=r"is no longer finite after step 4 of 4 of epoch 1"):
        train(small_network(), DATA, schedule=Explode(), optimizer="sgd", checkpoint=tmp_path / "c", **QUICK)
    assert not (tmp_path / "c").exists()


UNFIT = Network(small_network().layers, (1, 6, 6), name="unfit")


def damaged(value, index=7):
    images = DATA.images.astype(np.float32)
    images[index, 0, 2, 3] = value
    return images, DATA.labels


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"data": damaged(np.nan)}, DataError, "image 7 has the value nan in channel 0, row 2, column 3"),
        ({"data": damaged(np.inf)}, DataError, "image 7 has the value inf"),
        ({"validation": damaged(np.nan)}, DataError, "image 7 has the value nan"),
        ({"data": DATA.take([])}, DataError, "there are no images"),
        ({"data": (DATA.images[:, :, 1:], DATA.labels)}, DataError, "images of the shape (N, 1, 6, 6), not"),
        ({"data": (DATA.images, DATA.labels + 1)}, DataError, "is not one of the classes 0 to 2"),
        ({"data": (DATA.images, DATA.labels[1:])}, DataError, "59 labels were given for 60 images"),
        ({"data": (np.array(["a"]), [0])}, DataError, "images are numbers, not <U1"),
        ({"data": "digits"}, UsageError, "training takes an ImageSet or a pair (images, targets), not str"),
        ({"network": small_network(4)}, DataError, "there are 3 classes, but small has 4 outputs"),
        ({"network": UNFIT}, UsageError, "unfit has no loss"),
        ({"optimizer": "adma"}, UsageError, "there is no optimiser 'adma'"),
        ({"schedule": "linear"}, UsageError, "there is no schedule 'linear'"),
        ({"optimizer": "adam", "momentum": 0.9}, UsageError, "the optimiser adam has no option momentum"),
        ({"epochs": -1}, UsageError, "epochs is a whole number of at least 0, not -1"),
        ({"epochs": 1.5}, UsageError, "epochs is a whole number of at least 0, not 1.5"),
        ({"batch_size": 0}, UsageError, "batch_size is a whole number of at least 1, not 0"),
        ({"batch_size": 10**30}, UsageError, "batch_size is at most 2,147,483,648, not 1,000,000"),
        ({"epochs": 10**30}, UsageError, "epochs is at most 2,147,483,648, not 1,000,000"),
        ({"lr": 0.0}, UsageError, "lr is finite and above 0, not 0.0"),
        ({"lr": float("nan")}, UsageError, "lr is finite and above 0, not nan"),
        ({"clip_norm": -1.0}, UsageError, "clip_norm is finite and above 0, not -1.0"),
        ({"seed": -1}, UsageError, "seed is a whole number of at least 0, not -1"),
        ({"dtype": "float16"}, UsageError, "dtype is 'float32' or 'float64', not 'float16'"),
        ({"validation": 1.0}, UsageError, "a share for validation is between 0 and 1, not 1.0"),
        ({"validation": 0.001}, UsageError, "leaves one of the two parts empty"),
        ({"early_stopping": 2}, UsageError, "early stopping needs images to validate with"),
        ({"label_smoothing": 1.0}, UsageError, "at least 0 and less than 1, not 1.0"),
        ({"sample_weight": np.zeros(60)}, DataError, "weights are finite, at least 0 and not all zero"),
        ({"sample_weight": np.ones(59)}, DataError, "sample weights have the shape (60,), not (59,)"),
        ({"engine": "abacus"}, UsageError, "there is no engine 'abacus'"),
        ({"parameters": {}}, NetworkError, "'conv1.weight' is missing"),
        ({"checkpoint_steps": 0}, UsageError, "saved after 1 or more steps, not after 0"),
        ({"checkpoint_seconds": 0}, UsageError, "saved after more than 0 seconds, not after 0"),
        ({"checkpoint": "/nowhere/at/all"}, NotFoundError, "/nowhere/at/all: there is no folder"),
        ({"checkpoint": "/"}, ResourceError, "cannot write /: it is a folder"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_wrong_use_is_one_sentence_before_training_begins(arguments, error, sentence):
    given = {"network": small_network(), "data": DATA, "progress": False} | arguments
    with pytest.raises(error) as caught:
        train(**given)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_label_smoothing_needs_classes():
    network = Network([Dense(2)], (2,), MeanSquaredError())
    with pytest.raises(UsageError, match="label smoothing goes with SoftmaxCrossEntropy"):
        train(network, (np.zeros((2, 2)), np.zeros((2, 2))), label_smoothing=0.1, progress=False)


def test_sums_do_not_depend_on_where_an_epoch_was_cut():
    whole = train(small_network(), DATA, **QUICK)
    pieces = train(small_network(), DATA, callbacks=[Diary()], **QUICK)
    assert [*map(without_times, whole.history)] == [*map(without_times, pieces.history)]


def test_paths_of_images_are_named():
    images, labels = damaged(np.nan)
    paths = tuple(f"photos/{n}.png" for n in range(60))
    with pytest.raises(DataError, match=r"image 7 \(photos/7.png\) has the value nan"):
        train(small_network(), replace(ImageSet(images, labels, DATA.classes, "photos"), paths=paths))

"""A training that was stopped and resumed is the training that was never stopped, bit for bit."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace

import numpy as np
import pytest

from pellucid import container, engine
from pellucid.data import ImageSet
from pellucid.errors import DataError, ModelFileError, NetworkError, TrainingError, UsageError
from pellucid.training import Callback, TrainingInterrupted, fit, load_checkpoint, train
from pellucid.training.checkpoint import save_checkpoint
from tests.networks import small_network
from tests.training.samples import assert_same_model, blobs

DATA = blobs(22)
ENGINES = engine.available()
# Three epochs of three steps, the last of them short; one thread, whose sums have one order in NumPy.
SHORT = {"epochs": 3, "batch_size": 8, "threads": 1, "progress": False}


class StopAt(Callback):
    """Stops after so many steps in all."""

    def __init__(self, steps):
        self.left = steps

    def on_step(self, moment):
        self.left -= 1
        return self.left == 0


class SignalAt(StopAt):
    """Sends this process a signal after so many steps."""

    def __init__(self, steps, number=signal.SIGINT):
        super().__init__(steps)
        self.number = number

    def on_step(self, moment):
        if super().on_step(moment):
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("kind", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_stopped_at_every_step(name, kind, tmp_path, monkeypatch):
    """Each checkpoint is what a stop after its step leaves behind, whenever an engine looks for one."""
    paths = []

    def saved(path, checkpoint):
        paths.append(path.with_name(f"{checkpoint.place.epoch}-{checkpoint.place.step}"))
        save_checkpoint(paths[-1], checkpoint)

    monkeypatch.setattr(fit, "save_checkpoint", saved)
    options = SHORT | {"optimizer": kind, "lr": 0.02, "engine": name}
    train(small_network(), DATA, checkpoint=tmp_path / "c", checkpoint_steps=1, **options)
    monkeypatch.undo()
    assert [path.name for path in paths] == ["0-1", "0-2", "1-0", "1-1", "1-2", "2-0", "2-1", "2-2", "3-0"]
    whole = train(small_network(), DATA, **options)
    for path in paths:
        assert_same_model(train(small_network(), DATA, resume=path, progress=False, threads=1), whole)


EVERYTHING = SHORT | {
    "validation": 0.2, "early_stopping": 1, "schedule": "one-cycle", "warmup": 0.5, "clip_norm": 0.5,
    "label_smoothing": 0.1, "weight_decay": 0.01, "momentum": 0.8, "optimizer": "nesterov", "seed": 5,
    "epochs": 6, "lr": 1.0,
}  # fmt: skip
WEIGHTS = np.linspace(0.2, 1.5, 22)


@pytest.mark.parametrize("name", ENGINES)
def test_stopped_again_and_again_with_every_option(name, tmp_path):
    """Masks, weights, clipping, schedule, the best parameters and the patience go on as well."""
    network, path = small_network(dropout=0.3), tmp_path / "c"
    options = EVERYTHING | {"sample_weight": WEIGHTS, "engine": name}
    whole = train(network, DATA, **options)
    assert len(whole.history) < 6  # it stopped early, else this would show less
    model = train(network, DATA, checkpoint=path, callbacks=[StopAt(1)], **options)
    for _ in range(30):
        again = {"sample_weight": WEIGHTS, "threads": 1, "progress": False}
        model = train(network, DATA, resume=path, callbacks=[StopAt(1)], **again)
    assert_same_model(model, whole)
    assert model.metadata["best_epoch"] == whole.metadata["best_epoch"]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_checkpoints_within_an_epoch(name, steps, tmp_path):
    """A crash in the last step, here a callback's, leaves the checkpoint that was due before."""

    class Crash(StopAt):
        def on_step(self, moment):
            if super().on_step(moment):
                raise RuntimeError("crash")

    path = tmp_path / "c"
    with pytest.raises(RuntimeError, match="crash"):
        train(
            small_network(), DATA, checkpoint=path, checkpoint_steps=steps, callbacks=[Crash(9)],
            engine=name, **SHORT,
        )  # fmt: skip
    place = load_checkpoint(path).place
    assert (place.epoch, place.step) == (2, {1: 2, 2: 2, 4: 0}[steps])
    whole = train(small_network(), DATA, engine=name, **SHORT)
    assert_same_model(train(small_network(), DATA, resume=path, progress=False, threads=1), whole)


def test_checkpoints_after_a_time(tmp_path):
    places = []

    class Watch(Callback):
        def on_step(self, moment):
            if (tmp_path / "c").exists():
                place = load_checkpoint(tmp_path / "c").place
                places.append((place.epoch, place.step))

    path = tmp_path / "c"
    train(
        small_network(), DATA, checkpoint=path, checkpoint_seconds=1e-9, callbacks=[Watch()], **SHORT
    )  # fmt: skip
    assert (0, 1) in places
    assert (1, 2) in places


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("steps", [1, 3, 5])
def test_a_signal_finishes_the_step_and_saves(name, number, steps, tmp_path):
    path = tmp_path / "c"
    before = signal.getsignal(number)
    with pytest.raises(TrainingInterrupted) as caught:
        train(
            small_network(), DATA, checkpoint=path, callbacks=[SignalAt(steps, number)], engine=name,
            **SHORT,
        )  # fmt: skip
    assert signal.getsignal(number) is before
    where = {1: "step 1 of 3 of epoch 1", 3: "step 3 of 3 of epoch 1", 5: "step 2 of 3 of epoch 2"}[steps]
    told = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
    assert str(caught.value) == f"stopped by {told} after {where}; resume={str(path)!r} goes on from there"
    assert caught.value.signal == number
    whole = train(small_network(), DATA, engine=name, **SHORT)
    assert_same_model(train(small_network(), DATA, resume=path, progress=False, threads=1), whole)


@pytest.mark.parametrize("name", ENGINES)
def test_a_signal_without_a_checkpoint_leaves_the_model(name, tmp_path):
    with pytest.raises(TrainingInterrupted) as caught:
        train(small_network(), DATA, callbacks=[SignalAt(4)], engine=name, **SHORT)
    assert str(caught.value).endswith("; no checkpoint was asked for")
    assert len(caught.value.model.history) == 1
    assert isinstance(caught.value, KeyboardInterrupt)


def test_a_second_signal_stops_at_once(tmp_path):
    class Twice(Callback):
        def on_step(self, moment):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("the step went on")

    with pytest.raises(KeyboardInterrupt) as caught:
        train(small_network(), DATA, checkpoint=tmp_path / "c", callbacks=[Twice()], **SHORT)
    assert not isinstance(caught.value, TrainingInterrupted)
    assert not (tmp_path / "c").exists()


def test_training_in_another_thread_leaves_signals_alone():
    found = []

    def work():
        found.append(train(small_network(), DATA, **SHORT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert_same_model(found[0], train(small_network(), DATA, **SHORT))


def test_more_epochs_of_a_finished_training(tmp_path):
    options = SHORT | {"schedule": "constant"}
    whole = train(small_network(), DATA, **options | {"epochs": 5})
    train(small_network(), DATA, checkpoint=tmp_path / "c", **options)
    assert len(train(small_network(), DATA, resume=tmp_path / "c", **options).history) == 3
    longer = train(small_network(), DATA, resume=tmp_path / "c", **options | {"epochs": 5})
    assert_same_model(longer, whole)


def test_resuming_into_another_file_leaves_the_first(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    train(small_network(), DATA, checkpoint=first, callbacks=[StopAt(2)], **SHORT)
    before = first.read_bytes()
    train(small_network(), DATA, resume=first, checkpoint=second, progress=False)
    assert first.read_bytes() == before
    assert load_checkpoint(second).place.epoch == 3


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "c"
    train(small_network(), DATA, validation=blobs(9, seed=1), checkpoint=path, callbacks=[StopAt(4)], **SHORT)
    return path


OTHER = ImageSet(DATA.images, (DATA.labels + 1) % 3, DATA.classes, "other")


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"data": OTHER}, DataError, "the images of other are not those that the checkpoint is of"),
        ({"validation": None}, DataError, "the validation images are not those that the checkpoint is of"),
        ({"network": small_network(dropout=0.5)}, NetworkError, "the checkpoint is of another network"),
        ({"lr": 0.5}, UsageError, "the training that is resumed has lr = 0.003; it cannot go on with 0.5"),
        ({"batch_size": 9}, UsageError, "has batch_size = 8; it cannot go on with 9"),
        ({"optimizer": "sgd"}, UsageError, "has optimizer = Adam("),
        ({"schedule": "step"}, UsageError, "has schedule = Cosine("),
        ({"seed": 9}, UsageError, "has seed = 0; it cannot go on with 9"),
        ({"parameters": small_network().initial_parameters()}, UsageError, "from its checkpoint"),
        ({"normalisation": False}, UsageError, "from its checkpoint"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_another_training_is_refused(checkpoint, arguments, error, sentence):
    given = {"network": small_network(), "data": DATA, "validation": blobs(9, seed=1), "progress": False}
    before = checkpoint.read_bytes()
    with pytest.raises(error) as caught:
        train(resume=checkpoint, **given | arguments)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert checkpoint.read_bytes() == before


def test_the_same_options_may_be_named_again(checkpoint):
    options = SHORT | {"optimizer": "adam", "lr": 0.003, "schedule": "cosine", "dtype": np.float32, "seed": 0}
    train(small_network(), DATA, validation=blobs(9, seed=1), resume=checkpoint, **options)


def test_a_checkpoint_gives_back_what_was_saved(checkpoint, tmp_path):
    one = load_checkpoint(checkpoint)
    save_checkpoint(tmp_path / "again", one)
    assert (tmp_path / "again").read_bytes() == checkpoint.read_bytes()
    assert list(one.parameters) == list(small_network().parameter_shapes)


def test_files_that_are_no_checkpoints(checkpoint, tmp_path):
    sentence = "its content is no training that can go on"
    refused(tmp_path / "odd", {}, {"place": 3}, sentence)
    arrays, document = container.load(checkpoint, kind="checkpoint")
    for place in ({"epoch": -1}, {"step": "1"}, {"step": True}, {"sums": {"loss": None}}):
        other = document | {"place": document["place"] | place}
        refused(tmp_path / "odd", arrays, other, sentence)
    fewer = {name: array for name, array in arrays.items() if name != "state/conv1.bias/first"}
    refused(tmp_path / "odd", fewer, document, sentence)
    stateless = {name: array for name, array in arrays.items() if not name.startswith("state/")}
    refused(tmp_path / "odd", stateless, document, sentence)
    for history in (["text"], [], {}, document["history"] * 2):
        refused(tmp_path / "odd", arrays, document | {"history": history}, sentence)
    refused(tmp_path / "odd", arrays | {"parameters/conv1.bias": np.zeros(5)}, document, sentence)
    refused(tmp_path / "odd", {}, document, sentence)


def refused(path, arrays, document, sentence):
    container.save(path, arrays, document, kind="checkpoint")
    with pytest.raises(ModelFileError, match=sentence):
        load_checkpoint(path)


def test_a_step_that_an_epoch_does_not_have(checkpoint):
    arrays, document = container.load(checkpoint, kind="checkpoint")
    document["place"]["step"] = 4
    container.save(checkpoint, arrays, document, kind="checkpoint")
    with pytest.raises(ModelFileError, match="the checkpoint is after step 4 of 3 of an epoch"):
        train(small_network(), DATA, validation=blobs(9, seed=1), resume=checkpoint, progress=False)


def test_files_of_another_kind_or_damaged(checkpoint, tmp_path):
    model = train(small_network(), DATA, epochs=0, progress=False)
    model.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="is a 'model' file"):
        load_checkpoint(tmp_path / "model")
    damaged = bytearray(checkpoint.read_bytes())
    damaged[-5] ^= 1
    (tmp_path / "damaged").write_bytes(damaged)
    with pytest.raises(ModelFileError, match="checksum"):
        load_checkpoint(tmp_path / "damaged")


def test_a_checkpoint_of_an_exploded_training_is_not_written(checkpoint, tmp_path):
    """Also if what has exploded is only the state that is to be saved."""
    one = load_checkpoint(checkpoint)
    broken = {n: np.full_like(a, np.inf) for n, a in one.parameters.items()}
    save_checkpoint(tmp_path / "broken", replace(one, parameters=broken))
    with pytest.raises(TrainingError):
        train(
            small_network(), DATA, validation=blobs(9, seed=1), resume=tmp_path / "broken",
            checkpoint=tmp_path / "new", progress=False,
        )  # fmt: skip
    assert not (tmp_path / "new").exists()

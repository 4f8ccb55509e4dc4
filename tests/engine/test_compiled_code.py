"""Code from the cache is the code that was made, bit for bit, and nobody plans for it again."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest

from pellucid.compiler import cache, machine, provenance
from pellucid.engine import compiled_code
from pellucid.engine.compiled_code import Layout
from pellucid.engine.compiled_executor import CompiledExecutor, ExecutorRecipe
from pellucid.engine.compiled_plan import BatchCut
from pellucid.engine.compiled_predictor import CompiledPredictor, PredictionRecipe
from pellucid.engine.compiled_trainer import CompiledTrainer
from pellucid.engine.compiled_training import TrainingRecipe
from pellucid.engine.interface import Task
from pellucid.engine.program import Program
from pellucid.engine.running import run
from pellucid.layers import Conv2D, Dense, Dropout, Flatten, MeanSquaredError, ReLU, SoftmaxCrossEntropy
from pellucid.model import Normalisation
from pellucid.network import Network
from pellucid.training.optimiser import SGD, Adam, Momentum
from tests.compiler.processors import narrower
from tests.networks import small_network

SCALING = Normalisation(np.array([0.5]), np.array([0.25]), 1 / 255)


def network(loss=None, dropout=0.5):
    layers = [Conv2D(3, 3), ReLU(), Flatten(), Dropout(dropout), Dense(3)]
    return Network(layers, (1, 6, 6), loss or SoftmaxCrossEntropy(0.1))


NETWORK = network()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The cache of one test, even while someone works on the sources."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "kept"))
    monkeypatch.setattr(provenance, "sources", lambda: "these")
    return tmp_path / "kept"


@pytest.fixture
def found_only(monkeypatch):
    """Called, it lets nothing be made any more."""

    def forbid():
        def made(*_):
            raise AssertionError("it was made again")

        for recipe in (TrainingRecipe, PredictionRecipe, ExecutorRecipe):
            monkeypatch.setattr(recipe, "make", made)
        monkeypatch.setattr(machine, "object_code", made)

    return forbid


def task(**changes):
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (30, 1, 6, 6)).astype(np.uint8)
    start = NETWORK.initial_parameters(3)
    whole = Task(
        NETWORK, images, rng.integers(0, 3, 30), start, Momentum().update, normalisation=SCALING,
        batch_size=8, sample_weight=rng.uniform(0.5, 2, 30), clip_norm=1.0, seed=5,
    )  # fmt: skip
    return replace(whole, **changes)


def trained(one):
    """All numbers of a short training."""
    trainer = CompiledTrainer(one, 2)
    log = trainer.run(np.arange(30), 0, np.full(-(-30 // one.batch_size), 0.1))
    return {**trainer.parameters, **trainer.state, "losses": log.losses, "corrects": log.corrects}


def predicted(one):
    predict = CompiledPredictor(NETWORK, one.parameters, SCALING, np.float32, 2)
    return {"many": predict(one.images), "one": predict(one.images[:1])}


def ran(one):
    x = one.images / 255
    values = run(NETWORK, x, one.targets, one.parameters, training=True, passes=CompiledExecutor)
    return {**{n: values[n] for n in NETWORK.by_name}, **{n: values.grad[n] for n in one.parameters}}


def same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.parametrize("use", [trained, predicted, ran])
def test_the_same_bits_from_the_cache_and_without_it(use, monkeypatch, found_only, folder):
    made = use(task())
    assert list(folder.iterdir())
    monkeypatch.setenv(cache.VARIABLE, "off")
    same(use(task()), made)
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    found_only()
    same(use(task()), made)


def test_switched_off_nothing_is_written(monkeypatch, folder):
    monkeypatch.setenv(cache.VARIABLE, "off")
    trained(task())
    assert not folder.exists()


def test_a_folder_that_cannot_be_costs_nothing_but_time(monkeypatch, tmp_path):
    expected = trained(task())
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "kept"))
    same(trained(task()), expected)


def test_damaged_entries_are_made_anew(folder, found_only):
    expected = trained(task())
    chance = np.random.default_rng(7)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    for place in chance.integers(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        same(trained(task()), expected)
        assert path.read_bytes() == whole
    found_only()
    same(trained(task()), expected)


def test_tasks_share_code_where_it_is_the_same(found_only):
    trained(task(batch_size=64))
    found_only()
    trained(task(batch_size=61, seed=6, parameters=NETWORK.initial_parameters(9)))


CHANGES = {
    "double": {"dtype": np.float64},
    "batch": {"batch_size": 1},
    "optimiser": {"update": Adam().update},
    "momentum": {"update": Momentum(momentum=0.8).update},
    "no states": {"update": SGD().update},
    "clip": {"clip_norm": 2.0},
    "no clip": {"clip_norm": None},
    "no weights": {"sample_weight": None},
    "inputs": {"normalisation": None},
    "scale": {"normalisation": replace(SCALING, scale=1 / 128)},
    "floats": {"images": task().images.astype(np.float32)},
    "doubles": {"images": task().images.astype(np.float64)},
    "rows": {"targets": np.eye(3)[task().targets]},
    "smoothing": {"network": network(SoftmaxCrossEntropy())},
    "loss": {"network": network(MeanSquaredError()), "targets": np.eye(3)[task().targets]},
    "dropout": {"network": network(dropout=0.25)},
}


def test_each_difference_has_code_of_its_own():
    known = [str(TrainingRecipe.of(task()).description())]
    for name, change in CHANGES.items():
        description = str(TrainingRecipe.of(task(**change)).description())
        assert description not in known, name
        known.append(description)


@pytest.mark.parametrize(
    "recipe",
    [TrainingRecipe.of(task()), PredictionRecipe(NETWORK, "float", "i8", 1 / 255, 4)],
    ids=lambda recipe: type(recipe).__name__,
)
def test_no_field_of_a_recipe_is_left_out_of_its_description(recipe):
    others = {"network": small_network(), "update": Adam().update, "cut": BatchCut(1, 2, 3)}
    for one in fields(recipe):
        changed = replace(recipe, **{one.name: others.get(one.name, 12345)})
        assert changed.description() != recipe.description(), one.name


def test_each_run_has_code_of_its_own():
    def described(batch=2, kind="float", of=NETWORK, **asked):
        return str(ExecutorRecipe(Program.build(of, batch, **asked), kind).description())

    known = [
        described(), described(3), described(kind="double"), described(of=small_network()),
        described(wanted=["input"]), described(wanted=["conv1.weight"]), described(training=True),
        described(loss=False), described(weighted=True),
    ]  # fmt: skip
    assert len(set(known)) == len(known)


def test_code_for_another_processor_is_not_taken(monkeypatch, folder):
    expected = trained(task())
    where = narrower()
    monkeypatch.setattr(machine, "host", lambda: where)
    same(trained(task()), expected)
    assert len(list(folder.iterdir())) == 2


def test_changed_sources_make_new_code(monkeypatch, folder):
    expected = trained(task())
    monkeypatch.setattr(provenance, "sources", lambda: "newer")
    same(trained(task()), expected)
    assert len(list(folder.iterdir())) == 2


@dataclass(frozen=True)
class OwnDense(Dense):
    """A layer whose class no file can name."""


def test_networks_that_no_file_can_hold_are_compiled_and_not_kept(folder):
    own = Network([Flatten(), OwnDense(3)], (1, 6, 6), SoftmaxCrossEntropy())
    one = task(network=own, parameters=own.initial_parameters(1))
    same(trained(one), trained(one))
    assert not folder.exists()


def test_a_layout_is_read_as_it_was_written():
    for recipe in (
        TrainingRecipe.of(task()),
        PredictionRecipe(NETWORK, "float", "i8", 1 / 255, 4),
        ExecutorRecipe(Program.build(NETWORK, 2, wanted=["input"]), "double"),
    ):
        layout, _ = recipe.make()
        again = Layout.read(layout.text())
        assert again == layout
        assert again.text() == layout.text()


CHILD = """
import hashlib
from pellucid.compiler import provenance
from tests.engine.test_compiled_code import task, trained
provenance.sources = lambda: "these"
digest = hashlib.sha256(b"".join(v.tobytes() for v in trained(task()).values()))
print(digest.hexdigest())
"""


def test_two_processes_at_once(folder):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": Path(__file__).parents[2]}
    running = [subprocess.Popen([sys.executable, "-c", CHILD], **options) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in running]
    assert [error for _, error in said] == [b"", b""]
    assert said[0] == said[1]
    assert len(list(folder.iterdir())) == 1


def test_what_reads_the_entry_finds_both_parts():
    layout = compiled_code.Layout({}, {"arena": 16}, 0, ("y",))
    assert compiled_code._read(compiled_code._entry(layout.text(), b"\0code")) == (layout, b"\0code")


JUNK = [b"", b"junk", bytes(8) + b"junk", compiled_code._entry('{"a":1}', b"code")]


@pytest.mark.parametrize("content", JUNK)
def test_content_that_is_not_ours_is_made_anew(content, folder, monkeypatch):
    expected = trained(task())
    monkeypatch.setattr(cache.Cache, "get", lambda store, name: content)
    assert trained(task()).keys() == expected.keys()

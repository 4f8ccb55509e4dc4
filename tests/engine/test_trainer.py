"""Training by an engine: each step against a run of the same batch, and what stops it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pellucid import engine, random
from pellucid.engine import Task, state_name
from pellucid.errors import DataError, UsageError
from pellucid.layers import Conv2D, Dense, MeanSquaredError
from pellucid.model import Normalisation
from pellucid.network import Network
from pellucid.training.optimiser import SGD, Adam, Momentum, optimiser
from tests.networks import small_network

COUNT = 10
ENGINES = engine.available()
# Its output is two columns of four numbers.
COLUMNS = Network([Conv2D(2, (3, 6))], (1, 6, 6), MeanSquaredError())


def images(count=COUNT, shape=(1, 6, 6)):
    return random.integers(random.key(1, "images"), 0, 256, (count, *shape)).astype(np.uint8)


def labels(count=COUNT):
    return random.integers(random.key(1, "labels"), 0, 3, (count,))


def task(network=None, **changes):
    network = network or small_network()
    scaling = Normalisation(np.array([0.5]), np.array([0.25]), 1 / 255)
    whole = Task(
        network, images(), labels(), network.initial_parameters(3, np.float64), SGD().update,
        normalisation=scaling, batch_size=4, dtype=np.float64, seed=7,
    )  # fmt: skip
    return replace(whole, **changes)


def by_hand(one, order, rates):
    """The same training from runs of single batches and the update written out for plain descent."""
    parameters = dict(one.parameters)
    losses, corrects = [], []
    for at, rate in enumerate(rates):
        batch = order[at * one.batch_size : (at + 1) * one.batch_size]
        x = one.images[batch]
        x = x if one.normalisation is None else (x / 255 - 0.5) / 0.25
        weights = None if one.sample_weight is None else one.sample_weight[batch]
        run = one.network.run(x, one.targets[batch], parameters, sample_weight=weights, dtype=np.float64)
        losses.append(run.loss)
        if one.targets.ndim == 1:
            corrects.append(int((run.output.argmax(1) == one.targets[batch]).sum()))
        gradients = {name: run.grad[name] for name in parameters}
        if one.clip_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
            gradients = {name: g * min(1.0, one.clip_norm / (norm + 1e-6)) for name, g in gradients.items()}
        parameters = {name: p - rate * gradients[name] for name, p in parameters.items()}
    return losses, corrects, parameters


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"batch_size": 1},
        {"batch_size": 10},
        {"batch_size": 64},
        {"clip_norm": 0.1},
        {"sample_weight": np.linspace(0.5, 2.0, COUNT)},
        {"normalisation": None, "images": images().astype(np.float32) / 255},
        {"targets": np.eye(3)[labels()]},
    ],
    ids=lambda c: ",".join(c) or "plain",
)
def test_each_step_is_that_of_a_run(name, changes):
    one = task(**changes)
    order = random.permutation(5, COUNT)
    rates = np.linspace(0.1, 0.3, -(-COUNT // one.batch_size))
    trainer = engine.get(name).trainer(one)
    log = trainer.run(order, 0, rates)
    losses, corrects, parameters = by_hand(one, order, rates)
    assert log.losses == pytest.approx(losses, rel=1e-12)
    if one.targets.ndim == 1:
        assert log.corrects.tolist() == corrects
    assert log.counts.sum() == COUNT
    for parameter, value in trainer.parameters.items():
        assert value == pytest.approx(parameters[parameter], rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("name", ENGINES)
def test_regression(name):
    network = Network([Dense(2)], (3,), MeanSquaredError())
    x = random.normal(random.key(2, "x"), (COUNT, 3))
    one = task(network, images=x, targets=2 * x[:, :2], normalisation=None)
    log = engine.get(name).trainer(one).run(np.tile(np.arange(COUNT), 40), 0, np.full(100, 0.2))
    assert log.losses[-1] < 1e-3 * log.losses[0]
    assert not log.corrects.any()


@pytest.mark.parametrize("name", ENGINES)
def test_masks_belong_to_step_and_image(name):
    """A step on images 4, 2 gives what it gives in the order 2, 4; another step gives something else."""

    def after(order, step):
        trainer = engine.get(name).trainer(task(small_network(dropout=0.5)))
        trainer.run(np.array(order), step, np.array([0.5]))
        return trainer.parameters["dense1.weight"]

    assert after([4, 2], 3) == pytest.approx(after([2, 4], 3), rel=1e-12)
    assert np.abs(after([4, 2], 3) - after([4, 2], 4)).max() > 1e-3


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("kind", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_a_new_trainer_goes_on_from_parameters_and_state(name, kind):
    update = optimiser(kind, weight_decay=0.01).update
    order, rates = random.permutation(9, COUNT), np.full(3, 0.05)
    whole = engine.get(name).trainer(task(update=update, threads=1))
    log = whole.run(order, 0, rates)
    first = engine.get(name).trainer(task(update=update, threads=1))
    begun = first.run(order[:4], 0, rates[:1])
    second = engine.get(name).trainer(
        task(update=update, parameters=first.parameters, state=first.state, threads=1)
    )
    ended = second.run(order[4:], 1, rates[1:])
    assert log.losses.tolist() == [*begun.losses, *ended.losses]
    for parameter, value in whole.parameters.items():
        assert np.array_equal(second.parameters[parameter], value)
    assert whole.state.keys() == {state_name(p, s) for p in whole.parameters for s in update.states}
    for key, value in whole.state.items():
        assert np.array_equal(second.state[key], value)


@pytest.mark.parametrize("name", ENGINES)
def test_what_a_trainer_gives_does_not_change_later(name):
    trainer = engine.get(name).trainer(task(update=Momentum().update))
    parameters, state = trainer.parameters, trainer.state
    before = {k: v.copy() for k, v in (parameters | state).items()}
    trainer.run(np.arange(8), 0, np.full(2, 0.1))
    for key, value in (parameters | state).items():
        assert np.array_equal(value, before[key])


@pytest.mark.parametrize("name", ENGINES)
def test_it_stops_after_the_step_in_which_it_is_asked_to(name):
    asked = []

    def on_step(steps, count, loss):
        asked.append((steps, count, loss))
        return steps == 2

    log = engine.get(name).trainer(task()).run(np.arange(COUNT), 0, np.full(3, 0.1), on_step)
    assert len(log.losses) == 2
    assert asked[-1][:2] == (2, 8)
    assert asked[-1][2] == pytest.approx(log.losses.mean())


@pytest.mark.parametrize("name", ENGINES)
def test_a_loss_that_is_not_finite_ends_it_and_changes_nothing(name):
    trainer = engine.get(name).trainer(task(dtype=np.float32))
    with np.errstate(all="raise"):
        log = trainer.run(np.arange(COUNT), 0, np.array([1e38, 0.1, 0.1]))
    assert not np.isfinite(log.losses[-1])
    assert np.isfinite(log.losses[:-1]).all()
    after = trainer.parameters
    again = trainer.run(np.arange(4), 3, np.array([0.1]))
    assert len(again.losses) == 1
    for parameter, value in trainer.parameters.items():
        assert np.array_equal(value, after[parameter], equal_nan=True)


@pytest.mark.parametrize("name", ENGINES)
def test_no_images_are_no_steps(name):
    trainer = engine.get(name).trainer(task())
    log = trainer.run(np.arange(0), 0, np.array([]))
    assert log.losses.shape == log.corrects.shape == log.counts.shape == (0,)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("order", "rates", "sentence"),
    [
        ([0, 10], [0.1], "the order names an image that is none of 0 to 9"),
        ([-1, 2], [0.1], "the order names an image that is none of 0 to 9"),
        ([0, 1], [0.1, 0.1], "2 images in batches of 4 make 1 steps, but there are 2 rates"),
    ],
)
def test_wrong_orders(name, order, rates, sentence):
    with pytest.raises(UsageError) as caught:
        engine.get(name).trainer(task()).run(np.array(order), 0, np.array(rates))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"network": Network([Dense(3)], (36,))}, UsageError, "network has no loss"),
        ({"images": images(shape=(1, 5, 6))}, UsageError, "inputs of the shape (1, 6, 6), not (1, 5, 6)"),
        ({"targets": np.full(COUNT, 3)}, DataError, "label 3 of image 0 is not one of the classes 0 to 2"),
        ({"targets": labels(9)}, DataError, "9 labels were given for 10 images"),
        ({"network": COLUMNS, "targets": np.ones(COUNT)}, DataError, "shape (10, 2, 4, 1), not (10,)"),
        ({"network": COLUMNS, "targets": np.ones(())}, DataError, "shape (10, 2, 4, 1), not ()"),
        ({"sample_weight": np.ones(9)}, DataError, "sample weights have the shape (10,), not (9,)"),
        ({"batch_size": 0}, UsageError, "a batch has at least 1 image, not 0"),
    ],
)
def test_wrong_tasks(name, changes, error, sentence):
    with pytest.raises(error) as caught:
        engine.get(name).trainer(task(**changes))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", ENGINES)
def test_adam_moves_a_parameter_by_the_rate_at_first(name):
    one = task(update=Adam().update)
    trainer = engine.get(name).trainer(one)
    trainer.run(np.arange(COUNT), 0, np.array([0.01] + [0.0] * 2))
    moved = np.abs(trainer.parameters["dense1.bias"] - one.parameters["dense1.bias"])
    assert moved == pytest.approx(np.full(3, 0.01), rel=1e-4)

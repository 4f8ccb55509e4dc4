"""Optimisers against PyTorch's curves, and their options."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import engine
from pellucid.engine import Task
from pellucid.errors import UsageError
from pellucid.training.optimiser import OPTIMISERS, SGD, Adam, AdamW, Momentum, Nesterov, Optimiser, optimiser
from tests.fixtures import recipe
from tests.fixtures.cases import TrainingCurve, training_curves
from tests.networks import seed_network

KINDS: dict[str, type[Optimiser]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


def named(curve: TrainingCurve) -> Optimiser:
    """The optimiser of a curve, whose options have PyTorch's names."""
    options = {name: value for name, value in curve.options.items() if name not in ("lr", "nesterov")}
    kind = KINDS[curve.optimizer]
    if "momentum" in options:
        kind = Nesterov if curve.options.get("nesterov") else Momentum
    return optimiser(kind.name, **options)


@pytest.mark.parametrize("curve", training_curves(), ids=str)
def test_the_loss_of_each_step_is_pytorchs(curve):
    kind = np.dtype(curve.dtype).type
    batches = [recipe.batch(curve.network, step, kind) for step in range(len(curve.losses))]
    images = np.concatenate([images for images, _ in batches])
    task = Task(
        seed_network(curve.network),
        images,
        np.concatenate([labels for _, labels in batches]),
        recipe.initial_parameters(curve.network, kind),
        named(curve).update,
        batch_size=recipe.BATCH,
        dtype=curve.dtype,
    )
    rates = np.full(len(batches), curve.options["lr"])
    log = engine.get("numpy").trainer(task).run(np.arange(len(images)), 0, rates)
    assert np.max(np.abs(log.losses - curve.losses) / curve.losses) <= TOLERANCE[curve.dtype]


def test_every_optimiser_and_both_kinds_of_decay_have_a_curve():
    seen = {(type(named(c)), bool(getattr(named(c), "weight_decay", 0))) for c in training_curves()}
    assert {
        (SGD, False),
        (SGD, True),
        (Momentum, False),
        (Nesterov, False),
        (Adam, False),
        (AdamW, True),
    } <= seen


@pytest.mark.parametrize("kind", OPTIMISERS)
def test_options_give_back_the_same_optimiser(kind):
    one = optimiser(kind, weight_decay=0.25)
    assert optimiser(one.options()) == one


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("kind", OPTIMISERS)
def test_the_equations_define_each_state_and_the_parameter(kind, decay):
    update = optimiser(kind, weight_decay=decay).update
    assert update.formula.output == "new_p"
    assert {f"new_{s}" for s in update.states} <= update.formula.defined.keys()
    assert set(update.formula.operands) <= {"p", "g", "rate", "t", *update.states}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"kind": "lamb"}, "there is no optimiser 'lamb'; there are sgd, momentum, nesterov, adam, adamw"),
        ({"kind": "momentum", "momentum": 1.0}, "momentum: momentum is at least 0 and less than 1, not 1.0"),
        ({"kind": "sgd", "weight_decay": -1.0}, "sgd: weight_decay is finite and at least 0, not -1.0"),
        (
            {"kind": "sgd", "weight_decay": float("nan")},
            "sgd: weight_decay is finite and at least 0, not nan",
        ),
    ],
)
def test_wrong_options(arguments, sentence):
    with pytest.raises(UsageError) as caught:
        optimiser(**arguments)
    assert str(caught.value) == sentence

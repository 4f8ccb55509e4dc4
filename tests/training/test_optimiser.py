"""Optimisers against PyTorch's curves, and their options."""

from __future__ import annotations

import pytest

from pellucid import engine
from pellucid.errors import UsageError
from pellucid.training.optimiser import OPTIMISERS, SGD, Adam, AdamW, Momentum, Nesterov, optimiser
from tests.fixtures.cases import training_curves
from tests.training.curves import BOUNDS, named, worst


@pytest.mark.parametrize("name", engine.available())
@pytest.mark.parametrize("curve", training_curves(), ids=str)
def test_the_loss_of_each_step_is_pytorchs(curve, name):
    assert worst(curve, name) <= BOUNDS[curve.dtype]


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

"""One step of each optimiser for one weight."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid import engine as engines
from pellucid import random
from pellucid.engine import Task
from pellucid.errors import UsageError
from pellucid.training import OPTIMISERS, Optimiser
from tests.explain.numbers import named, run_of
from tests.networks import small_network

KINDS: dict[str, Optimiser] = {name: kind() for name, kind in OPTIMISERS.items()}
KINDS |= {f"{name} with decay": kind(weight_decay=0.1) for name, kind in OPTIMISERS.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", KINDS)
def test_a_step_is_what_training_does(name: str, dtype: str) -> None:
    net, rate = small_network(), 0.05
    x = random.normal(random.key(5, "images"), (4, *net.input_shape))
    y = np.array([0, 1, 2, 1])
    parameters = {name: a + a.dtype.type(0.1) for name, a in net.initial_parameters(3, dtype).items()}
    task = Task(net, x, y, parameters, KINDS[name].update, batch_size=4, dtype=dtype)
    trainer = engines.get("numpy").trainer(task)
    states: dict[str, np.ndarray] = {}
    for step in range(2):
        run = net.run(x, y, parameters, dtype=dtype)
        trainer.run(np.arange(4), step, np.array([rate]))
        after = trainer.parameters
        for parameter, place in (("conv1.weight", (3, 0, 1, 2)), ("dense1.bias", (1,))):
            reference = named(parameter, place)
            found = run.explain_step(reference, rate, optimiser=KINDS[name], states=states, t=step + 1)
            assert found.agrees, str(found)
            assert found.new == pytest.approx(float(after[parameter][place]), rel=1e-6)
            read = {o.reference: o.value for e in found.equations for t in e.terms for o in t.operands}
            assert read[reference] == parameters[parameter][place]
            assert read[f"{parameter}.grad{reference.removeprefix(parameter)}"] == run.grad[parameter][place]
        states, parameters = trainer.state, after


def test_sgd_in_its_own_letters() -> None:
    found = run_of(small_network()).explain_step("conv1.weight[3,0,1,1]", 0.25)
    (only,) = found.equations
    assert only.equation == "new_p[k,c,u,v] = p[k,c,u,v] - rate*g[k,c,u,v]"
    assert only.substituted == (
        "conv1.weight:new[3,0,1,1] = conv1.weight[3,0,1,1] - rate*conv1.weight.grad[3,0,1,1]"
    )
    assert set(only.operands) == {"conv1.weight[3,0,1,1]", "conv1.weight.grad[3,0,1,1]"}
    assert only.shares[0].names["rate"] == "0.25"


WRONG = [
    (("conv1[0,0,0,0]", 0.1), {}, "an optimiser changes parameters, and conv1 is none"),
    (("conv1.weight.grad[0,0,0,0]", 0.1), {}, "conv1.weight.grad is none"),
    (("conv1.weight[9,0,0,0]", 0.1), {}, "index 9 of axis 0"),
    (("conv1.bias[0]", -0.1), {}, "a learning rate is a number of at least 0, not -0.1"),
    (("conv1.bias[0]", float("nan")), {}, "a learning rate is a number"),
    (("conv1.bias[0]", 0.1), {"t": 0}, "steps are counted from 1, unlike 0"),
    (("conv1.bias[0]", 0.1), {"optimiser": "adma"}, "there is no optimiser 'adma'; did you mean adam?"),
    (("conv1.bias[0]", 0.1), {"optimiser": 3}, "an optimiser or its name was expected, not 3"),
    (
        ("conv1.bias[0]", 0.1),
        {"optimiser": "momentum", "states": {"conv1.bias:velocity": np.zeros(3)}},
        r"the state conv1.bias:velocity has the shape \(4,\), not \(3,\)",
    ),
]


@pytest.mark.parametrize(("args", "options", "sentence"), WRONG)
def test_wrong_use_gets_one_sentence(args: tuple, options: dict, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        run_of(small_network()).explain_step(*args, **options)


def test_a_run_without_gradients_has_no_step() -> None:
    net = small_network()
    run = net.run(run_of(net)["input"])
    with pytest.raises(UsageError, match=r"the run has no gradient of conv1\.bias"):
        run.explain_step("conv1.bias[0]", 0.1, optimiser=pl.SGD())

"""Arguments that cannot be used are told in one sentence, never as an error of NumPy's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.errors import PellucidError
from pellucid.layers import Dense, SoftmaxCrossEntropy
from pellucid.network import Network
from pellucid.training import train

X, Y = np.zeros((3, 2)), [0, 1, 1]
RAGGED = [[1], [1, 2], [1]]


def network() -> Network:
    return Network([Dense(2)], (2,), SoftmaxCrossEntropy())


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "ragged inputs": ({"x": RAGGED}, "inputs are an array of numbers, not [[1], [1, 2], [1]]"),
    "ragged targets": ({"y": RAGGED}, "targets are an array of numbers, not"),
    "weights of text": ({"sample_weight": ["a"] * 3}, "sample weights are an array of numbers, not ['a'"),
    "upstream without names": (
        {"y": None, "upstream": np.ones((2, 3))},
        "upstream is a mapping from layers' names to gradients, not ndarray",
    ),
    "seed": ({"seed": 1.5}, "random key: 1.5 was given, a whole number was expected"),
    "ragged upstream": (
        {"y": None, "upstream": {"dense1": RAGGED}},
        "upstream gradients of dense1 are an array of numbers",
    ),
    "parameters of text": (
        {"parameters": {"dense1.weight": [["a"] * 2] * 2, "dense1.bias": [0, 0]}},
        "parameters of network are arrays of numbers",
    ),
    "half": ({"dtype": np.float16}, "dtype is 'float32' or 'float64', not"),
    "no type": ({"dtype": "foo"}, "dtype is 'float32' or 'float64', not 'foo'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_of_a_run_are_one_sentence(case: str) -> None:
    arguments, sentence = WRONG[case]
    with pytest.raises(PellucidError) as error:
        network().run(**{"x": X, "y": Y, **arguments})
    assert str(error.value).startswith(sentence)


def test_a_run_without_gradients_says_why() -> None:
    with pytest.raises(KeyError, match="the run had neither targets"):
        network().run(X).grad["dense1.weight"]


TRAINING: dict[str, tuple[dict[str, Any], str]] = {
    "network": ({"network": "lenet5"}, "training takes a Network, not 'lenet5'"),
    "images": ({"data": (RAGGED, Y)}, "images are an array of numbers"),
    "targets": ({"data": (X, RAGGED)}, "targets are an array of numbers"),
    "optimiser": ({"optimizer": 3}, "an optimiser or its name was expected, not 3"),
    "schedule": ({"schedule": 3}, "a schedule or its name was expected, not 3"),
    "rate": ({"lr": "fast"}, "lr is finite and above 0, not 'fast'"),
    "decay": ({"weight_decay": "x"}, "adam: weight_decay is finite and at least 0, not 'x'"),
    "warm-up": ({"warmup": "x"}, "a warm-up takes 0 epochs or more, not 'x'"),
    "norm": ({"clip_norm": "x"}, "clip_norm is finite and above 0, not 'x'"),
    "threads": ({"threads": 0}, "an engine uses 1 to 256 threads, not 0"),
    "too many threads": ({"threads": 257}, "an engine uses 1 to 256 threads, not 257"),
    "half a thread": ({"threads": 1.5}, "an engine uses 1 to 256 threads, not 1.5"),
    "a function that is told": ({"callbacks": [print]}, "callbacks are a list of objects whose class is a"),
    "normalisation": ({"normalisation": True}, "normalisation is a Normalisation, False for none, or None"),
}


@pytest.mark.parametrize("case", TRAINING)
def test_wrong_arguments_of_a_training_are_one_sentence(case: str) -> None:
    arguments, sentence = TRAINING[case]
    with pytest.raises(PellucidError) as error:
        train(**{"network": network(), "data": (X, Y), "progress": False, **arguments})
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(("coordinates", "directions"), [(0, 3), (-1, 3), (5, -1)])
def test_a_check_that_compares_nothing_is_refused(coordinates: int, directions: int) -> None:
    with pytest.raises(PellucidError, match="a check compares at least 1 coordinate"):
        network().check(coordinates=coordinates, directions=directions)

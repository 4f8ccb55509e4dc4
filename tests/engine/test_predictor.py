"""Outputs of whole image sets, and their scores."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import engine, random
from pellucid.engine import forward, score
from pellucid.errors import DataError, NetworkError, UsageError
from pellucid.layers import Conv2D, Dense, Flatten, FormulaLayer, MeanSquaredError
from pellucid.model import Normalisation
from pellucid.network import Network
from tests.networks import seed_network, small_network

ENGINES = engine.available()
SCALING = Normalisation(np.array([0.5]), np.array([0.25]), 1 / 255)


def images(count):
    return random.integers(random.key(4, "images"), 0, 256, (count, 1, 6, 6)).astype(np.uint8)


def scaled(pixels):
    return (pixels / 255 - 0.5) / 0.25


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("count", [0, 1, 3, 7])
def test_outputs_are_those_of_a_run_for_any_number_of_images(name, count, monkeypatch):
    monkeypatch.setattr(forward, "BUDGET", 3000)  # three images at a time
    network = small_network(dropout=0.5)
    parameters = network.initial_parameters(1)
    outputs = engine.get(name).predictor(network, parameters, SCALING)(images(count))
    assert outputs.shape == (count, 3)
    if count:
        run = network.run(scaled(images(count)), parameters=parameters)
        assert outputs == pytest.approx(run.output, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", ENGINES)
def test_images_of_another_shape(name):
    network = small_network()
    predict = engine.get(name).predictor(network, network.initial_parameters())
    with pytest.raises(UsageError, match="takes inputs of the shape"):
        predict(np.zeros((2, 1, 5, 6), np.uint8))


@pytest.mark.parametrize("name", ENGINES)
def test_parameters_of_another_network(name):
    with pytest.raises(NetworkError):
        engine.get(name).predictor(small_network(), small_network(4).initial_parameters())


def test_large_images_go_through_one_by_one():
    assert forward.images_together(Network([Conv2D(8, 3)], (3, 2000, 2000)), 4) == 1
    assert forward.images_together(seed_network("mnist-maxpool"), 4) > 64


def test_a_score_is_that_of_a_run():
    network = small_network()
    labels = random.integers(random.key(4, "labels"), 0, 3, (2500,))
    x = scaled(images(2500))
    run = network.run(x, labels, dtype=np.float64)
    found = score(network, run.output, labels)
    assert found.loss == pytest.approx(run.loss, rel=1e-12)
    assert found.correct == int((run.output.argmax(1) == labels).sum())
    assert found.accuracy == found.correct / 2500
    weights = random.uniform(random.key(4, "weights"), 2500)
    weights[1024:2048] = 0.0
    weighted = network.run(x, labels, sample_weight=weights, dtype=np.float64)
    assert score(network, run.output, labels, weights).loss == pytest.approx(weighted.loss, rel=1e-12)


def test_a_score_without_classes():
    network = Network([Dense(2)], (3,), MeanSquaredError())
    found = score(network, np.zeros((4, 2)), np.full((4, 2), 3.0))
    assert (found.loss, found.correct, found.accuracy) == (9.0, None, None)


def test_what_cannot_be_scored():
    with pytest.raises(NetworkError, match="has no loss"):
        score(Network([Dense(2)], (3,)), np.zeros((4, 2)), np.zeros((4, 2)))
    with pytest.raises(DataError, match="label 3 of image 1"):
        score(small_network(), np.zeros((2, 3)), np.array([0, 3]))


@pytest.mark.parametrize("name", ENGINES)
def test_images_that_depend_on_each_other_go_through_together(name, monkeypatch):
    centred = FormulaLayer("y[n,c,i,j] = x[n,c,i,j] - mean[m] x[m,c,i,j]")
    network = Network([centred, Flatten(), Dense(2)], (1, 3, 3))
    parameters = network.initial_parameters(1, np.float64)
    x = random.normal(random.key(1, "x"), (7, 1, 3, 3))
    monkeypatch.setattr("pellucid.engine.forward.images_together", lambda *_: 2)
    outputs = engine.get(name).predictor(network, parameters, None, np.float64)(x)
    assert outputs == pytest.approx(network.run(x, None, parameters, dtype=np.float64).output)

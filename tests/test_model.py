"""Models: what they compute, and one file that holds all of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pellucid import Model, Normalisation, container, zoo
from pellucid import engine as engines
from pellucid.errors import DataError, ModelFileError, NetworkError, ResourceError, UsageError
from pellucid.layers import (
    Conv2D,
    Dense,
    Flatten,
    FormulaLayer,
    MeanSquaredError,
    Parameter,
    ReLU,
    Softmax,
    SoftmaxCrossEntropy,
)
from pellucid.model import load
from pellucid.model.evaluation import confusion_matrix
from pellucid.network import Network
from tests.random_networks import networks

Array = NDArray[Any]
CLASSES = ("cat", "dog", "emu")
SWISH = FormulaLayer(
    "y[n,c,i,j] = x[n,c,i,j] * sigmoid(beta[c] * x[n,c,i,j])", parameters={"beta": Parameter("c", 1.0)}
)


def example(dtype: type = np.float32) -> Model:
    net = Network([Conv2D(4, 3), SWISH, Flatten(), Dense(3)], (2, 6, 6), SoftmaxCrossEntropy(), name="pets")
    scaling = Normalisation(np.array([0.4, 0.6]), np.array([0.2, 0.3]), 1 / 255)
    history = ({"epoch": 1, "loss": 1.5}, {"epoch": 2, "loss": 0.1 + 0.2})
    return Model(net, net.initial_parameters(7, dtype), CLASSES, scaling, history, {"seed": 7})


def pixels(count: int = 5) -> Array:
    return np.random.default_rng(1).integers(0, 256, (count, 2, 6, 6), np.uint8)


# --- what it computes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_are_the_networks_for_normalised_images(dtype: type) -> None:
    model = example(dtype)
    mean, deviation = np.array([0.4, 0.6]), np.array([0.2, 0.3])
    x = (pixels() / 255 - mean[:, None, None]) / deviation[:, None, None]
    expected = model.network.run(x, parameters=model.parameters, dtype=np.float64).output
    found = model.outputs(pixels())
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 if dtype is np.float64 else 1e-5)
    np.testing.assert_allclose(model.outputs(pixels() / 255.0), found, rtol=0, atol=1e-5)


def test_probabilities_and_predictions_follow_from_the_outputs() -> None:
    model = example(np.float64)
    outputs = model.outputs(pixels())
    probabilities = model.predict_proba(pixels())
    exponentials = np.exp(outputs - outputs.max(1, keepdims=True))
    np.testing.assert_allclose(probabilities, exponentials / exponentials.sum(1, keepdims=True), atol=1e-15)
    assert model.predict(pixels()).tolist() == outputs.argmax(1).tolist()
    assert model.predict(pixels()).dtype == np.int64


def test_softmax_at_the_end_is_not_applied_twice() -> None:
    net = Network([Flatten(), Dense(3), Softmax()], (2, 6, 6), MeanSquaredError())
    model = Model(net, net.initial_parameters(0, np.float64))
    assert np.array_equal(model.predict_proba(pixels()), model.outputs(pixels()))
    assert model.predict(pixels()).tolist() == model.outputs(pixels()).argmax(1).tolist()


def test_grayscale_images_may_come_without_their_channel() -> None:
    net = zoo.load("mnist-maxpool")
    model = Model(net, net.initial_parameters())
    images = np.zeros((2, 28, 28), np.uint8)
    assert np.array_equal(model.predict(images), model.predict(images[:, None]))


@pytest.mark.parametrize("engine", engines.available())
def test_evaluation_is_what_a_run_and_counting_give(engine: str) -> None:
    model = example(np.float64)
    images, labels = pixels(50), np.arange(50) % 3
    result = model.evaluate(images, labels, engine=engine)
    guesses = model.predict(images)
    outputs = model.outputs(images)
    loss = np.mean(np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(50), labels])
    assert result.loss == pytest.approx(float(loss), rel=1e-12)
    assert result.accuracy == float(np.mean(guesses == labels))
    assert result.images == 50
    assert result.confusion is not None
    for truth in range(3):
        for guess in range(3):
            assert result.confusion[truth, guess] == np.sum((labels == truth) & (guesses == guess))
    assert result.counts == {"cat": 17, "dog": 17, "emu": 16}
    assert result.correct == {name: int(result.confusion[n, n]) for n, name in enumerate(CLASSES)}


def test_evaluation_with_weights_and_with_rows_of_probabilities() -> None:
    model = example(np.float64)
    images, labels = pixels(4), np.array([0, 1, 2, 0])
    rows = np.eye(3)[labels]
    assert model.evaluate(images, rows).to_dict() == model.evaluate(images, labels).to_dict()
    single = [model.evaluate(images[n : n + 1], labels[n : n + 1]).loss for n in range(4)]
    weights = np.array([1.0, 0.0, 2.0, 1.0])
    expected = float(np.average(single, weights=weights))
    assert model.evaluate(images, labels, weights).loss == pytest.approx(expected, rel=1e-12)


def test_evaluation_of_regression_has_only_a_loss() -> None:
    net = Network([Dense(1)], (2,), MeanSquaredError())
    model = Model(net, net.initial_parameters(0, np.float64))
    result = model.evaluate(np.ones((3, 2)), np.zeros((3, 1)))
    assert result.loss == pytest.approx(float(np.mean(model.outputs(np.ones((3, 2))) ** 2)))
    assert result.to_dict() == {"images": 3, "loss": result.loss}
    assert str(result).startswith("loss ")


def test_an_evaluation_reads_as_text_and_as_json() -> None:
    result = example().evaluate(pixels(9), np.arange(9) % 3)
    described = result.to_dict()
    assert json.loads(json.dumps(described)) == described
    assert list(described) == ["images", "loss", "accuracy", "per_class", "classes", "confusion_matrix"]
    assert [line.split()[0] for line in str(result).splitlines()] == ["accuracy", *CLASSES]


def test_gradients_are_checked_at_normalised_images() -> None:
    result = example().check(pixels(2), [0, 2])
    assert result.passed
    assert result.images == 2
    assert {row.name for row in result.rows} == {"input", *example().parameters}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(0, 200), st.integers(0, 2**32))
def test_a_confusion_matrix_counts_every_image_once(classes: int, count: int, seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, classes, (2, max(count, 1)))
    matrix = confusion_matrix(drawn[0], drawn[1], classes)
    expected = np.zeros((classes, classes), np.int64)
    np.add.at(expected, (drawn[0], drawn[1]), 1)
    assert np.array_equal(matrix, expected)


def test_many_images_are_counted_in_parts() -> None:
    labels = np.arange(10_001) % 7
    assert confusion_matrix(labels, labels, 7).diagonal().tolist() == np.bincount(labels).tolist()


WRONG_USES: dict[str, tuple[Callable[[Model], object], type[Exception], str]] = {
    "another size": (
        lambda m: m.predict(np.zeros((1, 2, 6, 7))),
        DataError,
        r"inputs of shape \(N, 2, 6, 6\)",
    ),
    "no images": (lambda m: m.predict(np.zeros((0, 2, 6, 6))), DataError, "with N at least 1"),
    "words": (lambda m: m.predict(np.full((1, 2, 6, 6), "a")), DataError, "inputs are numbers"),
    "NaN": (
        lambda m: m.predict(np.full((1, 2, 6, 6), np.nan)),
        DataError,
        "image 0 has a value that is not finite",
    ),
    "labels": (
        lambda m: m.evaluate(pixels(2), [0, 3]),
        DataError,
        "label 3 of image 1 is not one of the classes",
    ),
    "fewer labels": (lambda m: m.evaluate(pixels(2), [0]), DataError, "1 labels were given for 2 images"),
    "engine": (lambda m: m.predict(pixels(), engine="abacus"), UsageError, "there is no engine 'abacus'"),
}


@pytest.mark.parametrize("case", WRONG_USES)
def test_wrong_use_is_one_sentence(case: str) -> None:
    call, error, sentence = WRONG_USES[case]
    with pytest.raises(error, match=sentence):
        call(example())


def test_a_network_without_classes_predicts_none() -> None:
    net = Network([Dense(2)], (3,), name="line")
    model = Model(net, net.initial_parameters())
    with pytest.raises(NetworkError, match="line does not classify"):
        model.predict(np.zeros((1, 3)))
    with pytest.raises(NetworkError, match="line has no loss"):
        model.evaluate(np.zeros((1, 3)), np.zeros((1, 2)))


def test_parts_that_do_not_fit_are_one_sentence() -> None:
    model = example()
    net, values = model.network, dict(model.parameters)
    with pytest.raises(NetworkError, match=r"parameters of pets: 'dense1\.bias' is missing"):
        Model(net, {name: values[name] for name in values if name != "dense1.bias"})
    with pytest.raises(NetworkError, match=r"dense1\.bias has the shape \(3,\), not \(4,\)"):
        Model(net, values | {"dense1.bias": np.zeros(4, np.float32)})
    with pytest.raises(NetworkError, match="all float32 or all float64, not float32, float64"):
        Model(net, values | {"dense1.bias": np.zeros(3)})
    with pytest.raises(NetworkError, match="all float32 or all float64, not int64"):
        Model(net, {name: np.zeros(value.shape, np.int64) for name, value in values.items()})
    with pytest.raises(NetworkError, match="there are 2 classes, but 3 outputs"):
        Model(net, values, ("cat", "dog"))
    with pytest.raises(DataError, match="1 means and deviations were given for 2 channels"):
        Model(net, values, CLASSES, Normalisation(np.zeros(1), np.ones(1)))
    with pytest.raises(DataError, match="a mean and a deviation for each channel were expected"):
        Normalisation(np.zeros(2), np.ones(3))


# --- one file ---------------------------------------------------------------------------------------------


def assert_same(one: Model, other: Model) -> None:
    assert one.network == other.network
    assert list(one.parameters) == list(other.parameters)
    for name, values in one.parameters.items():
        assert values.dtype == other.parameters[name].dtype
        assert values.tobytes() == other.parameters[name].tobytes()
    assert (one.classes, one.history, dict(one.metadata)) == (
        other.classes,
        other.history,
        dict(other.metadata),
    )
    assert (one.normalisation is None) == (other.normalisation is None)
    if one.normalisation is not None and other.normalisation is not None:
        assert one.normalisation.mean.tobytes() == other.normalisation.mean.tobytes()
        assert one.normalisation.deviation.tobytes() == other.normalisation.deviation.tobytes()
        assert one.normalisation.scale == other.normalisation.scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_comes_back_bit_for_bit(dtype: type, tmp_path: Path) -> None:
    model = example(dtype)
    model.save(tmp_path / "a.safetensors")
    found = Model.load(tmp_path / "a.safetensors")
    assert_same(found, model)
    assert np.array_equal(found.outputs(pixels()), model.outputs(pixels()))
    found.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@settings(max_examples=10, deadline=None)
@given(net=networks())
def test_models_of_random_networks_come_back(net: Network, tmp_path_factory: pytest.TempPathFactory) -> None:
    model = Model(net, net.initial_parameters())
    path = tmp_path_factory.mktemp("models") / "m.safetensors"
    model.save(path)
    assert_same(load(path), model)


def test_a_file_holds_what_it_was_made_with(tmp_path: Path) -> None:
    net = Network([Dense(2)], (3,))
    Model(net, net.initial_parameters()).save(tmp_path / "m.safetensors")
    found = load(tmp_path / "m.safetensors").metadata
    assert set(found["versions"]) == {"pellucid", "python", "numpy"}


def test_a_model_says_what_it_is() -> None:
    assert repr(example()).startswith("<Model of <Network 'pets': (2, 6, 6) conv1")
    assert repr(example()).endswith("3 classes, 2 epochs of training>")


def test_what_json_cannot_hold_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    example().save(path)
    before = path.read_bytes()
    model = example()
    broken = Model(model.network, model.parameters, history=({"loss": float("nan")},))
    with pytest.raises(UsageError, match=r"document.*history.* is nan"):
        broken.save(path)
    assert path.read_bytes() == before


def test_files_that_are_no_models_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"cannot read .*missing: No such file"):
        load(tmp_path / "missing")
    path = tmp_path / "m.safetensors"
    example().save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"m\.safetensors: "):
        load(path)
    container.save(path, {}, {}, kind="checkpoint")
    with pytest.raises(ModelFileError, match="it is a 'checkpoint' file, and a 'model' file is needed"):
        load(path)


def document_of(model: Model, path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    model.save(path)
    return container.load(path, kind="model")


LIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no network": (lambda d: d.pop("network"), "its document does not describe a model"),
    "a network that is a list": (lambda d: d.update(network=[]), "its document does not describe a model"),
    "an unknown layer": (
        lambda d: d["network"]["layer"][0].update(type="Conv3D"),
        "layer 1 has the unknown type 'Conv3D'",
    ),
    "another shape": (lambda d: d["network"].update(input_shape=[2, 7, 7]), r"dense1\.weight has the shape"),
    "a shape that does not fit": (
        lambda d: d["network"].update(input_shape=[2, 2, 2]),
        "layer conv1: a window of 3 x 3 pixels does not fit",
    ),
    "another layer": (lambda d: d["network"]["layer"].pop(1), "'formula1.beta' is none of them"),
    "a huge layer": (
        lambda d: d["network"]["layer"][0].update(filters=2**31),
        "elements; 1,073,741,824 are allowed",
    ),
    "a broken formula": (
        lambda d: d["network"]["layer"][1].update(formula="y[n = x"),
        "layer 2 .FormulaLayer.: ",
    ),
    "classes": (lambda d: d.update(classes=["cat", 3, "emu"]), "its document does not describe a model"),
    "fewer classes": (lambda d: d.update(classes=["cat"]), "there are 1 classes, but 3 outputs"),
    "no normalisation": (lambda d: d.pop("normalisation"), "its document does not describe a model"),
    "normalisation": (lambda d: d.update(normalisation=[]), "its document does not describe a normalisation"),
    "means": (
        lambda d: d["normalisation"].update(mean=["a", "b"]),
        "its document does not describe a normalisation",
    ),
    "fewer means": (
        lambda d: d["normalisation"].update(mean=[0.1]),
        "a mean and a deviation for each channel",
    ),
    "no deviation": (
        lambda d: d["normalisation"].update(deviation=[0, 1]),
        "deviations .* are finite and above 0",
    ),
    "scale": (
        lambda d: d["normalisation"].update(scale=True),
        "its document does not describe a normalisation",
    ),
    "history": (lambda d: d.update(history=[1]), "its document does not describe a model"),
    "metadata": (lambda d: d.update(metadata=None), "its document does not describe a model"),
}


@pytest.mark.parametrize("case", LIES)
def test_sealed_files_that_lie_are_one_sentence(case: str, tmp_path: Path) -> None:
    change, sentence = LIES[case]
    path = tmp_path / "m.safetensors"
    arrays, document = document_of(example(), path)
    change(document)
    container.save(path, arrays, document, kind="model")
    with pytest.raises(ModelFileError, match=rf"m\.safetensors: .*{sentence}"):
        load(path)


@pytest.mark.parametrize("dtype", [np.float16, np.int64])
def test_sealed_files_with_other_numbers_are_one_sentence(dtype: type, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    arrays, document = document_of(example(), path)
    container.save(path, {n: a.astype(dtype) for n, a in arrays.items()}, document, kind="model")
    with pytest.raises(ModelFileError, match="a model's parameters are all float32 or all float64"):
        load(path)


def test_relu_needs_no_parameters(tmp_path: Path) -> None:
    model = Model(Network([ReLU()], (3,)), {})
    model.save(tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").dtype == np.float32

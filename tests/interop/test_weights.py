"""Weights from and for other frameworks: matched in order, laid out as each of them wants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pellucid.errors import ModelFileError, NotFoundError
from pellucid.interop import export_weights, import_weights
from pellucid.layers import Conv2D, Dense, Flatten, FormulaLayer, GlobalAveragePool2D, Layer, Parameter, ReLU
from pellucid.model import Model
from pellucid.network import Network
from tests.cli.invoke import events, failed
from tests.interop.torch_model import FOLDER, from_state_dict

STATE = FOLDER / "torch_model.safetensors"


def network(order: str = "CHW", *, turned: bool = False) -> Network:
    layers = [
        Conv2D(3, (2, 3), true_convolution=turned), ReLU(), Flatten(order), ReLU(), Dense(5), ReLU(), Dense(2)
    ]  # fmt: skip
    return Network(layers, (2, 5, 4))


def model(net: Network, dtype: type = np.float32) -> Model:
    drawn = np.random.default_rng(0)
    return Model(net, {n: drawn.standard_normal(s).astype(dtype) for n, s in net.parameter_shapes.items()})


def channels_last_outputs(state: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """What a framework that keeps channels last makes of images (N, C, H, W) with these weights."""
    x = np.asarray(images, np.float64).transpose(0, 2, 3, 1)
    kernel = state["0.kernel"]
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(1, 2))
    x = np.maximum(np.einsum("nijcuv,uvck->nijk", windows, kernel) + state["0.bias"], 0)
    x = np.maximum(x.reshape(len(x), -1) @ state["4.kernel"] + state["4.bias"], 0)
    return x @ state["6.kernel"] + state["6.bias"]


def test_a_state_dict_of_pytorch_s():
    """Its outputs and gradients are compared in test_torch_model.py."""
    found, theirs = from_state_dict().parameters, load_file(STATE)
    assert list(found) == [
        f"{layer}.{leaf}" for layer in ("conv1", "conv2", "dense1") for leaf in ("weight", "bias")
    ]
    for ours, name in zip(
        found, ("0.weight", "0.bias", "2.weight", "2.bias", "6.weight", "6.bias"), strict=True
    ):
        np.testing.assert_array_equal(found[ours], theirs[name])


def test_the_state_dict_comes_back_bit_for_bit(tmp_path):
    export_weights(from_state_dict(), tmp_path / "back.safetensors")
    back, theirs = load_file(tmp_path / "back.safetensors"), load_file(STATE)
    assert back.keys() == theirs.keys()
    assert all(back[name].tobytes() == theirs[name].tobytes() for name in theirs)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("order", ["CHW", "HWC"])
def test_channels_last_frameworks_get_their_own_layout(order, turned, tmp_path):
    ours = model(network(order, turned=turned), np.float64)
    export_weights(ours, tmp_path / "w.safetensors", channels_last=True)
    state = load_file(tmp_path / "w.safetensors")
    assert state["0.kernel"].shape == (2, 3, 2, 3)
    assert state["4.kernel"].shape == (4 * 2 * 3, 5)
    images = np.random.default_rng(1).standard_normal((3, 2, 5, 4))
    expected = ours.outputs(images, engine="numpy")
    np.testing.assert_allclose(channels_last_outputs(state, images), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("order", ["CHW", "HWC"])
def test_both_layouts_come_back(order, channels_last, tmp_path):
    ours = model(network(order, turned=True), np.float64)
    export_weights(ours, tmp_path / "w.safetensors", channels_last=channels_last)
    back = import_weights(ours.network, tmp_path / "w.safetensors")
    assert all(np.array_equal(back[name], ours.parameters[name]) for name in ours.parameters)
    assert {a.dtype for a in back.values()} == {np.dtype(np.float64)}


def test_features_keep_their_order_where_nothing_was_flattened(tmp_path):
    net = Network([Conv2D(4, 3), GlobalAveragePool2D(), Dense(3)], (2, 5, 4))
    export_weights(model(net), tmp_path / "w.safetensors", channels_last=True)
    np.testing.assert_array_equal(
        load_file(tmp_path / "w.safetensors")["2.kernel"], model(net).parameters["dense1.weight"].T
    )


def test_layers_of_one_s_own_and_our_own_names(tmp_path):
    swish = FormulaLayer("y[n,d] = x[n,d]*sigmoid(b[d]*x[n,d])", parameters={"b": Parameter("d", 1.0)})
    net = Network([Dense(3), swish], (2,))
    export_weights(model(net), tmp_path / "w.safetensors")
    assert sorted(load_file(tmp_path / "w.safetensors")) == ["0.bias", "0.weight", "1.b"]
    save_file(dict(model(net).parameters), tmp_path / "own.safetensors")
    for name in ("w.safetensors", "own.safetensors"):
        found = import_weights(net, tmp_path / name)
        assert all(np.array_equal(found[n], a) for n, a in model(net).parameters.items())


def chain(*layers: Layer) -> Network:
    return Network(layers, (1, 28, 28))


WRONG = {
    "another kernel": (
        chain(Conv2D(6, 3), Conv2D(12, 3), Flatten(), Dense(10)),
        "0.weight has the shape (6, 1, 5, 5), but conv1.weight, which stands in its place, "
        "needs (6, 1, 3, 3)",
    ),
    "fewer layers": (
        chain(Conv2D(6, 5), Flatten(), Dense(10)),
        "it has the weights of 3 layers (0, 2, 6), but the network has 2 layers with parameters "
        "(conv1, dense1)",
    ),
    "no bias": (
        chain(Conv2D(6, 5), Conv2D(12, 3, bias=False), Flatten(), Dense(10)),
        "2 has bias, weight, but conv2, which stands in its place, has weight",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_weights_of_another_network_are_named(name):
    net, sentence = WRONG[name]
    with pytest.raises(ModelFileError) as caught:
        import_weights(net, STATE)
    assert str(caught.value) == f"{STATE}: {sentence}"


def test_names_with_strokes_as_keras_writes_them(tmp_path):
    given = model(network())
    export_weights(given, tmp_path / "dots.safetensors", channels_last=True)
    state = load_file(tmp_path / "dots.safetensors")
    renamed = {f"net/layer_{name.replace('.', '/')}:0": array for name, array in state.items()}
    save_file(renamed, tmp_path / "strokes.safetensors")
    for name, array in import_weights(given.network, tmp_path / "strokes.safetensors").items():
        assert np.array_equal(array, given.parameters[name]), name


def test_two_names_for_one_array_are_refused(tmp_path):
    given = model(network())
    state = {**given.parameters, "conv1/weight": given.parameters["conv1.weight"] + 1}
    save_file(state, tmp_path / "state.safetensors")
    with pytest.raises(ModelFileError, match="are the same array's name"):
        import_weights(given.network, tmp_path / "state.safetensors")


@pytest.mark.parametrize("owners", [[f"a{n}" for n in range(3000)], ["9" * 5000, "b"]])
def test_many_and_long_names_make_a_short_sentence(owners, tmp_path):
    save_file({f"{name}.weight": np.zeros(1, np.float32) for name in owners}, tmp_path / "state.safetensors")
    with pytest.raises(ModelFileError, match="it has the weights of") as caught:
        import_weights(network(), tmp_path / "state.safetensors")
    assert len(str(caught.value)) < 600


def test_files_that_hold_no_weights(tmp_path):
    with pytest.raises(NotFoundError):
        import_weights(network(), tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("these are no weights")
    with pytest.raises(ModelFileError, match=r"it is no \.safetensors file of arrays"):
        import_weights(network(), tmp_path / "text.safetensors")
    header = b'{"0.weight":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    (tmp_path / "half.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(ModelFileError, match="it holds numbers of the type BF16"):
        import_weights(network(), tmp_path / "half.safetensors")
    save_file({"0.weight": np.zeros(3, np.int64)}, tmp_path / "whole.safetensors")
    with pytest.raises(ModelFileError, match=r"0\.weight is of the type int64, not of floats"):
        import_weights(network(), tmp_path / "whole.safetensors")


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    from_state_dict().save("m.safetensors")
    (told,) = events("weights", "export", "m.safetensors", "-o", "keras.safetensors", "--channels-last")
    assert told == {"event": "done", "path": "keras.safetensors", "arrays": 6}
    events("weights", "import", "m.safetensors", "keras.safetensors", "-o", "back.safetensors")
    back = Model.load("back.safetensors").parameters
    assert all(np.array_equal(back[n], a) for n, a in from_state_dict().parameters.items())
    assert "the network has" in failed(2, "weights", "import", "lenet5", STATE, "-o", "x.safetensors")
    assert not Path("x.safetensors").exists()

"""What becomes of an ONNX file: layers that read naturally, names, losses; and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.layers import LAYERS
from tests.cli.invoke import events, failed, invoke
from tests.layers.table import Row, cases

onnx = pytest.importorskip("onnx")
helper, to_tensor = onnx.helper, onnx.numpy_helper.from_array
FLOAT = onnx.TensorProto.FLOAT
ROUND_TRIPS = {
    name: case for name, case in cases().items() if case.layers and not name.startswith("FormulaLayer")
}


def written(
    path: Path,
    nodes: Sequence[tuple[Any, ...]],
    arrays: dict[str, Any] | None = None,
    shape: Sequence[int | str | None] = ("N", 2, 6, 6),
    outputs: Sequence[str] = ("y",),
) -> Path:
    """An ONNX file of nodes (operator, inputs, output, attributes) that reads x."""
    made = [
        helper.make_node(op, inputs.split(), [output], f"{op.lower()}_node", **(extra[0] if extra else {}))
        for op, inputs, output, *extra in nodes
    ]
    held = [to_tensor(np.asarray(a, np.float32 if np.asarray(a).dtype.kind == "f" else None), n)
            for n, a in (arrays or {}).items()]  # fmt: skip
    given = [helper.make_tensor_value_info("x", FLOAT, list(shape))]
    taken = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs]
    graph = helper.make_graph(made, "drawn", given, taken, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


HEAD = {"w": drawn(4, 2, 3, 3), "dense.weight": drawn(4, 3), "dense.bias": drawn(3)}


def kinds(model: pl.Model) -> str:
    return " ".join(type(layer).__name__ for layer in model.network.layers)


def test_a_classifier_reads_naturally(tmp_path: Path) -> None:
    path = written(
        tmp_path / "net.onnx",
        [
            ("Conv", "x w", "a"), ("Relu", "a", "b"), ("GlobalAveragePool", "b", "c"), ("Flatten", "c", "d"),
            ("MatMul", "d dense.weight", "e"), ("Add", "e dense.bias", "f"),
            ("Softmax", "f", "y", {"axis": 1}),
        ],
        HEAD,
    )  # fmt: skip
    model = pl.from_onnx(path)
    assert kinds(model) == "Conv2D ReLU GlobalAveragePool2D Dense"
    assert list(model.parameters) == ["conv_node.weight", "dense.weight", "dense.bias"]
    assert model.network.loss == pl.SoftmaxCrossEntropy()
    assert np.array_equal(model.parameters["dense.weight"], HEAD["dense.weight"].T)
    assert model.predict_proba(drawn(5, 2, 6, 6)).sum(axis=1) == pytest.approx(np.ones(5), abs=1e-6)


def test_weights_used_twice_are_shared(tmp_path: Path) -> None:
    nodes = [("Conv", "x a.w", "u", {"pads": [1] * 4}), ("Conv", "u a.w", "y", {"pads": [1] * 4})]
    model = pl.from_onnx(written(tmp_path / "net.onnx", nodes, {"a.w": drawn(2, 2, 3, 3)}))
    assert list(model.parameters) == ["a.weight"]
    assert model.network.layers[1].shares == "a"


def test_a_shape_that_the_file_works_out(tmp_path: Path) -> None:
    nodes = [
        ("Shape", "x", "s"), ("Gather", "s zero", "n", {"axis": 0}), ("Unsqueeze", "n axes", "m"),
        ("Concat", "m rest", "t", {"axis": 0}), ("Reshape", "x t", "y"),
    ]  # fmt: skip
    arrays = {"zero": np.array(0), "axes": np.array([0]), "rest": np.array([-1])}
    assert kinds(pl.from_onnx(written(tmp_path / "net.onnx", nodes, arrays))) == "Flatten"


def test_open_sizes_are_given(tmp_path: Path) -> None:
    path = written(tmp_path / "net.onnx", [("Relu", "x", "y")], shape=("N", 2, None, None))
    with pytest.raises(
        pl.ModelFileError, match=r"\(\?, 2, \?, \?\); give the shape of one image as input_shape"
    ):
        pl.from_onnx(path)
    assert pl.from_onnx(path, input_shape=(2, 5, 7)).network.output_shape == (2, 5, 7)
    with pytest.raises(pl.ModelFileError, match=r"images of shape \(3, 5, 7\) do not fit"):
        pl.from_onnx(path, input_shape=(3, 5, 7))


def test_one_of_several_outputs(tmp_path: Path) -> None:
    nodes = [("Relu", "x", "a"), ("Tanh", "x", "b")]
    path = written(tmp_path / "net.onnx", nodes, outputs=("a", "b"))
    with pytest.raises(pl.ModelFileError, match=r"it has 2 outputs \('a', 'b'\); name the one"):
        pl.from_onnx(path)
    assert kinds(pl.from_onnx(path, output="b")) == "Tanh"


REFUSED: dict[str, tuple[list[tuple[Any, ...]], dict[str, Any], str]] = {
    "an unknown operator": (
        [("Relu", "x", "a"), ("Det", "a", "y")], {},
        r"net\.onnx: node 2 \(Det 'det_node'\): pellucid has no equations for the operator Det",
    ),
    "an unknown attribute": (
        [("Relu", "x", "y", {"speed": 9})], {}, r"node 1 .*its attribute 'speed' is not known",
    ),
    "a cycle": (
        [("Add", "x b", "a"), ("Relu", "a", "b"), ("Relu", "b", "y")], {}, "reads 'b', which nothing before",
    ),
    "mixed images": ([("ReduceMean", "x", "y", {"axes": [0]})], {}, "each image must be by itself"),
    "joined images": ([("Reshape", "x t", "y")], {"t": np.array([4, -1])}, "would join images"),
    "too many inputs": ([("Relu", "x w", "y")], {"w": drawn(3)}, "its input 2 is not known"),
    "wrong shapes": (
        [("Conv", "x w", "y")], {"w": drawn(4, 3, 3, 3)}, r"node 1 \(Conv 'conv_node'\): 2 channels",
    ),
    "no output": ([("Relu", "x", "a")], {}, "no node gives its output 'y'"),
    "a constant": ([("Relu", "w", "y")], {"w": drawn(3)}, "depends on 0 inputs"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    nodes, arrays, sentence = REFUSED[name]
    with pytest.raises(pl.ModelFileError, match=sentence) as error:
        pl.from_onnx(written(tmp_path / "net.onnx", nodes, arrays))
    assert "\n" not in str(error.value)


def _doubled(times: int) -> list[tuple[Any, ...]]:
    """One number, joined with itself so many times."""
    return [("Concat", f"c{i} c{i}", f"c{i + 1}", {"axis": 0}) for i in range(times)]


GROWING: dict[str, list[tuple[Any, ...]]] = {
    "an array joined with itself": [*_doubled(40), ("Add", "x c40", "y")],
    "a weight that is expanded": [("Expand", "cell far", "w"), ("Flatten", "x", "f"), ("MatMul", "f w", "y")],
    "a chain": [*(("Relu", f"c{i}", f"c{i + 1}") for i in range(2500)), ("Add", "x c2500", "y")],
    "a padding": [("Pad", "c0 wide", "p"), ("ReduceMean", "p", "m"), ("Add", "x m", "y")],
}


@pytest.mark.parametrize("name", GROWING)
def test_a_few_bytes_cannot_ask_for_very_many_numbers(name: str, tmp_path: Path) -> None:
    arrays = {"c0": drawn(1), "cell": drawn(1, 1)}
    arrays |= {"far": np.array([72, 10**6]), "wide": np.array([10**8, 10**8])}
    path = written(tmp_path / "net.onnx", GROWING[name], arrays)
    with pytest.raises(pl.ModelFileError, match="too many would be made of the arrays that the file holds"):
        pl.from_onnx(path)


def test_many_layers_that_each_keep_a_copy(tmp_path: Path) -> None:
    # Arrays without a name are not shared; the value of a Constant node has that of the node.
    large = onnx.helper.make_node("Constant", [], ["w"], value=to_tensor(drawn(2, 6, 2**17)))
    ends = [helper.make_tensor_value_info(name, FLOAT, ["N", 2, 6, 1]) for name in ("x", "v30")]
    adds = [helper.make_node("Add", [f"v{i}" if i else "x", "w"], [f"v{i + 1}"]) for i in range(30)]
    graph = helper.make_graph([large, *adds], "copies", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "net.onnx")
    with pytest.raises(pl.ModelFileError, match=r"node 20 \(Add\): with these 1,572,864 numbers"):
        pl.from_onnx(tmp_path / "net.onnx")


def test_arrays_that_the_file_pays_for_in_bytes_may_be_worked_on(tmp_path: Path) -> None:
    nodes = [("Transpose", "w", "t", {"perm": [1, 0]}), ("Flatten", "x", "f"), ("MatMul", "f t", "y")]
    arrays = {"w": np.zeros((2**18, 72), np.float32)}
    assert pl.from_onnx(written(tmp_path / "net.onnx", nodes, arrays)).network.output_shape == (2**18,)


def test_a_normalisation_of_huge_images_is_not_tried_out(tmp_path: Path) -> None:
    nodes = [("Div", "x full", "a"), ("Relu", "a", "y")]
    path = written(tmp_path / "net.onnx", nodes, {"full": np.float32(255)}, ("N", 1, 20_000, 20_000))
    message = onnx.load(path)
    scaling = '{"mean": [0], "deviation": [1], "scale": 0.00392156862745098}'
    helper.set_model_props(message, {"normalisation": scaling, "preprocessing": '"float"'})
    onnx.save(message, path)
    assert kinds(pl.from_onnx(path)) == "FormulaLayer ReLU"


@pytest.mark.parametrize("said", [(None, 5, 6, 6), (4, 2, 6), (None, 2, 36), (None, 2, 6, -1)])
def test_a_shape_that_the_output_does_not_have_is_refused(said: tuple[object, ...], tmp_path: Path) -> None:
    path = written(tmp_path / "net.onnx", [("Relu", "x", "y")], {})
    model = onnx.load(path)

    def imported(shape: tuple[object, ...]) -> pl.Model:
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", FLOAT, shape))
        onnx.save(model, path)
        return pl.from_onnx(path)

    for right in ((None, "C", 6, 6), (7, 2, 6, 6)):
        assert imported(right).network.output_shape == (2, 6, 6)
    with pytest.raises(pl.ModelFileError, match=r"its output 'y' has the shape \(\?, 2, 6, 6\), not \("):
        imported(said)


def test_arrays_in_other_files_are_never_read(tmp_path: Path) -> None:
    path = written(tmp_path / "net.onnx", [("Conv", "x w", "y")], {"w": drawn(4, 2, 3, 3)})
    model = onnx.ModelProto.FromString(path.read_bytes())
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(pl.ModelFileError, match="the array 'w' lies in another file"):
        pl.from_onnx(path)


@pytest.mark.parametrize("case", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
def test_a_layer_goes_out_and_comes_back(case: Row, tmp_path: Path) -> None:
    network = case.network()
    model = pl.Model(network, {n: drawn(*s) for n, s in network.parameter_shapes.items()})
    model.to_onnx(tmp_path / "net.onnx")
    again = pl.from_onnx(tmp_path / "net.onnx", loss=pl.MeanSquaredError())
    images = drawn(3, *network.input_shape)
    assert again.network.parameter_shapes == network.parameter_shapes
    expected = model.outputs(images, engine="numpy")
    found = again.outputs(images, engine="numpy")
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_every_layer_goes_out_and_comes_back() -> None:
    assert {name.rpartition("-")[0] for name in ROUND_TRIPS} | {"FormulaLayer"} >= LAYERS.keys()


def test_classes_and_normalisation_come_back(tmp_path: Path) -> None:
    network = pl.zoo.load("mnist-one-conv")
    scaling = pl.Normalisation(np.array([0.1]), np.array([0.3]), 1 / 255)
    names = tuple("abcdefghij")
    model = pl.Model(network, network.initial_parameters(), names, scaling)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28), np.uint8)
    for given in ("uint8", "float"):
        model.to_onnx(tmp_path / "net.onnx", preprocessing=given, probabilities=True)
        again = pl.from_onnx(tmp_path / "net.onnx")
        assert again.classes == names
        assert again.normalisation is not None
        assert again.normalisation.scale == scaling.scale
        assert again.network.layers == model.network.layers
        assert np.abs(again.predict_proba(pixels) - model.predict_proba(pixels)).max() < 1e-5


def test_a_normalisation_that_is_not_computed_is_not_believed(tmp_path: Path) -> None:
    network = pl.zoo.load("mnist-one-conv")
    scaling = pl.Normalisation(np.array([0.1]), np.array([0.3]), 1 / 255)
    pl.Model(network, network.initial_parameters(), (), scaling).to_onnx(tmp_path / "net.onnx")
    model = onnx.ModelProto.FromString((tmp_path / "net.onnx").read_bytes())
    (note,) = (p for p in model.metadata_props if p.key == "normalisation")
    note.value = note.value.replace("0.3", "0.4")
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    assert pl.from_onnx(tmp_path / "net.onnx").normalisation is None


def test_the_command_line(tmp_path: Path) -> None:
    nodes = [("Flatten", "x", "a"), ("Gemm", "a w", "y")]
    path = written(tmp_path / "net.onnx", nodes, {"w": drawn(72, 3)})
    out = tmp_path / "net.safetensors"
    (event,) = events("import", path, "-o", out, "--classifier")
    assert event["layers"] == ["flatten1", "gemm_node"]
    assert pl.load(out).network.loss == pl.SoftmaxCrossEntropy()
    assert "wrote" in invoke("import", path, "-o", out).stdout
    assert "gemm_node" in invoke("summary", path).stdout
    (tmp_path / "other.txt").write_text("mine")
    assert "exists and is no model" in failed(2, "import", path, "-o", tmp_path / "other.txt")
    assert "the name of an ONNX file" in failed(2, "import", path, "-o", tmp_path / "new.onnx")
    with pytest.raises(pl.ModelFileError, match="; ONNX files are read by from_onnx"):
        pl.load(path)
    assert "is no shape" in failed(2, "import", path, "-o", out, "--shape", "1xy")
    assert "do not fit its input" in failed(2, "import", path, "-o", out, "--shape", "1x2x3")

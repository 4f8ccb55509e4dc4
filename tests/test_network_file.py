"""Networks in TOML files: read as written, and each mistake with its line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import zoo
from pellucid.errors import NetworkError, ResourceError
from pellucid.layers import Conv2D, Dense, FormulaLayer, Parameter, ReLU, SoftmaxCrossEntropy
from pellucid.network import Network
from pellucid.network_file import (
    network_from_document,
    network_to_document,
    network_to_toml,
    parse_network,
    read_network,
)
from pellucid.network_file.positions import line_of
from tests.random_networks import networks

SMALL = Network(
    [
        FormulaLayer(
            "y[n,d] = x[n, d + s - 1] * tanh(a[d] * x[n,d])",
            parameters={"a": Parameter("d", 1.0)},
            constants={"s": 1},
            padding={"x": {1: (0, 0)}},
        ),
        Dense(3),
    ],
    (4,),
    SoftmaxCrossEntropy(label_smoothing=0.1),
)

# --- there and back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo_survives_writing_and_reading(name: str, tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    file.write_text(network_to_toml(zoo.load(name)), encoding="utf-8")
    assert read_network(file) == zoo.load(name)


@settings(max_examples=25, deadline=None)
@given(networks())
def test_random_networks_survive_text_and_json(net: Network) -> None:
    assert parse_network(network_to_toml(net)) == net
    document = json.loads(json.dumps(network_to_document(net)))
    assert network_from_document(document) == net
    assert tomllib.loads(network_to_toml(net)) == document


def test_text_is_what_one_would_type() -> None:
    swish = FormulaLayer(
        "z[n,d] = beta[d] * x[n,d]\ny[n,d] = x[n,d] * sigmoid(z[n,d])",
        parameters={"beta": Parameter(("d",), init=1.0)},
    )
    net = Network([Dense(3, bias=False), swish], (4,), SoftmaxCrossEntropy(label_smoothing=0.1), name="tiny")
    assert (
        network_to_toml(net)
        == '''name = "tiny"
input_shape = [4]
loss = { type = "SoftmaxCrossEntropy", label_smoothing = 0.1 }

[[layer]]
type = "Dense"
name = "dense1"
units = 3
bias = false

[[layer]]
type = "FormulaLayer"
name = "formula1"
formula = """
z[n,d] = beta[d] * x[n,d]
y[n,d] = x[n,d] * sigmoid(z[n,d])"""
[layer.parameters.beta]
axes = "d"
init = 1.0
'''
    )


def test_a_hand_typed_file_may_use_all_of_toml() -> None:
    text = '''
    input_shape = [ 2,  # channels
                    6, 6 ]
    loss.type = "MeanSquaredError"
    layer = [
        { type = "Conv2D", filters = 4, kernel = [3, 1], padding = "same" },
        { type = 'FormulaLayer', source = "y[n,c,i,j] = x[n,c,i + s - p,j]", constants = { s = 1, p = 1 }, """
    padding""" = { x = { 2 = [0, 0] } } },
    ]
    '''.replace('"""\n    padding"""', '"padding"')  # fmt: skip
    net = parse_network(text)
    assert net.nodes[0].layer == Conv2D(4, (3, 1), padding="same")
    assert isinstance(net.nodes[1].layer, FormulaLayer)
    assert net.name == "network"


def test_a_layer_of_ones_own_class_cannot_be_written() -> None:
    class Mine(ReLU):
        pass

    with pytest.raises(NetworkError, match="layer relu1: a file cannot hold a Mine, but a FormulaLayer"):
        network_to_toml(Network([Mine()], (3,)))


# --- mistakes ---------------------------------------------------------------------------------------------

HEAD = 'input_shape = [3, 8, 8]\n\n[[layer]]\ntype = "Conv2D"\nfilters = 4\nkernel = 3\n\n'
FORMULA = HEAD + "[[layer]]\ntype = 'FormulaLayer'\n"
MISTAKES = {
    "not TOML": ("input_shape = [3,\nfoo", 2, "its TOML is not valid: "),
    "an unfinished text": (
        'input_shape = [3]\nname = """\nabc',
        3,
        "its TOML is not valid: Unterminated string",
    ),
    "a key twice": ("name = 'a'\nname = 'b'", 2, "its TOML is not valid: Cannot overwrite a value"),
    "nothing": ("", 1, "a network's 'input_shape' is missing"),
    "no layers": ("input_shape = [3]", 1, "a network's 'layer' is missing"),
    "layers that are none": (
        "input_shape = [3]\nlayer = 'Dense'",
        2,
        "'layer' is a list of 1 to 1,000 tables",
    ),
    "no list of layers": (
        "input_shape = [3]\n\n[layer]\ntype = 'ReLU'",
        3,
        "'layer' is a list of 1 to 1,000",
    ),
    "empty layers": ("input_shape = [3]\nlayer = []", 2, "'layer' is a list of 1 to 1,000 tables, not []"),
    "a layer that is none": (
        "input_shape = [3]\nlayer = [\n  {type = 'ReLU'},\n  3]",
        4,
        "layer 2 is a table, not 3",
    ),
    "an unknown key": (
        "inputshape = [3]",
        1,
        "a network has no option 'inputshape'; did you mean input_shape?",
    ),
    "an unknown table": (
        HEAD + "[optimizer]\nlr = 1",
        8,
        "a network has no option 'optimizer'; there are name, inp",
    ),
    "no type": (
        HEAD + "[[layer]]\nunits = 3",
        8,
        "layer 2 has no 'type'; there are Add, AveragePool2D, Conv2D",
    ),
    "an unknown type": (
        HEAD + "[[layer]]\nname = 'a'\ntype = 'Convolution2D'",
        10,
        "layer 2 has the unknown type 'Convolution2D'; did you mean Conv2D? there are Add, AveragePool2D",
    ),
    "a type that is none": (HEAD + "[[layer]]\ntype = 3", 9, "layer 2 has the unknown type 3; there are"),
    "an unknown option": (
        HEAD.replace("kernel", "kernels"),
        6,
        "layer 1 (Conv2D) has no option 'kernels'; did you mean kernel? there are filters, kernel,",
    ),
    "a missing option": (
        HEAD.replace("kernel = 3", ""),
        3,
        "layer 1 (Conv2D): the option 'kernel' is missing",
    ),
    "a wrong value": (
        HEAD.replace("kernel = 3", "kernel = '3'"),
        6,
        "layer 1 (Conv2D): kernel is an integer of at least 1 or a pair of them, not '3'",
    ),
    "a value that is a date": (
        HEAD.replace("4", "1979-05-27"),
        5,
        "filters is an integer from 1 to 2,147,483,648",
    ),
    "a value that is a table": (
        HEAD + "[layer.stride]\nx = 1",
        8,
        "stride is an integer of at least 1 or a pair",
    ),
    "a value on several lines": (
        HEAD + "[[layer]]\nname = '''a'''\ntype = \"MaxPool2D\" # [[layer]]\npadding=[\n1,\n-1]\nwindow=3",
        11,
        "layer 2 (MaxPool2D): padding is an integer of at least 0",
    ),
    "a number that is none": (
        HEAD + "[[layer]]\ntype = 'LeakyReLU'\nslope = nan",
        10,
        "slope is a finite number",
    ),
    "a name that is none": (
        HEAD + "[[layer]]\ntype = 'ReLU'\nname = 3",
        10,
        "layer 2 (ReLU): name is a string",
    ),
    "inputs that are none": (
        HEAD + "[[layer]]\ntype = 'ReLU'\ninputs = 'a'",
        10,
        "inputs is a list of names, not",
    ),
    "a name twice, in the file": (
        HEAD.replace("filters", "name = 'a'\nfilters") + "[[layer]]\ntype = 'ReLU'\nname = 'a'",
        11,
        "two layers are named 'a'",
    ),
    "a missing join": (
        HEAD + "[[layer]]\ntype = 'Add'",
        8,
        "layer 2 (Add): Add joins at least two named inputs",
    ),
    "an unknown input": (
        HEAD + "[[layer]]\ntype = 'ReLU'\ninputs = ['b']",
        8,
        "layer relu1: its input 'b' is no",
    ),
    "geometry": (
        HEAD + "[[layer]]\ntype = 'MaxPool2D'\nwindow = 9",
        8,
        "layer maxpool1: a window of 9 x 9 pixels does not fit into an image of 6 x 6",
    ),
    "a wrong shape": (HEAD.replace("[3, 8, 8]", "[3, -8]"), 1, "an input shape is (C, H, W), (features,)"),
    "an unknown loss": (
        "loss = 'CrossEntropy'\n" + HEAD,
        1,
        "the loss has the unknown type 'CrossEntropy'; did you",
    ),
    "a loss that is none": ("loss = 3\n" + HEAD, 1, "the loss is a name or a table, not 3"),
    "a loss without type": (
        HEAD + "[loss]\nlabel_smoothing = 0.1",
        8,
        "the loss has no 'type'; there are Softmax",
    ),
    "a loss's unknown option": (
        HEAD + "[loss]\ntype = 'SoftmaxCrossEntropy'\nsmoothing = 0.1",
        10,
        "the loss (SoftmaxCrossEntropy) has no option 'smoothing'; did you mean label_smoothing?",
    ),
    "a loss's wrong value": (
        HEAD + "[loss]\ntype = 'SoftmaxCrossEntropy'\nlabel_smoothing = 1.5",
        10,
        "the loss (SoftmaxCrossEntropy): label_smoothing is a number of at least 0 and less than 1, not 1.5",
    ),
    "a loss that does not fit": (
        "\nloss = 'SoftmaxCrossEntropy'\n" + HEAD,
        2,
        "loss after layer conv1: Softmax",
    ),
    "a wrong formula": (
        FORMULA + "formula = 'y[n,c,i,j] = x[n,c,i,j] +* 2'",
        10,
        "layer 2 (FormulaLayer): expected a number, a name or a bracket, found '*'",
    ),
    "a formula of a wrong shape": (
        FORMULA + "formula = 'y[n,d] = x[n,d]'",
        8,
        "layer formula1: ",
    ),
    "two formulas": (
        FORMULA + "formula = 'y[n] = x[n]'\nsource = 'y[n] = x[n]'",
        11,
        "layer 2 (FormulaLayer) has both 'formula' and 'source'",
    ),
    "a parameter without axes": (
        FORMULA + "formula = 'y[n,c] = a[c] * x[n,c]'\n[layer.parameters.a]\ninit = 1",
        11,
        "layer 2 (FormulaLayer): parameters.a: the option 'axes' is missing",
    ),
    "a parameter's unknown option": (
        FORMULA + "formula = 'y[n,c] = a[c] * x[n,c]'\nparameters.a.axis = 'c'",
        11,
        "parameters.a has no option 'axis'; did you mean axes? there are axes, init, name",
    ),
    "a parameter's wrong value": (
        FORMULA
        + "formula = 'y[n,c] = a[c] * x[n,c]'\n"
        + "[layer.parameters.a]\naxes = 'c'\ninit = 'xavier'",
        13,
        'parameters.a: init is a number, "auto", "he" or "glorot", not \'xavier\'',
    ),
    "parameters that are none": (
        FORMULA + "formula = 'y[n,c] = a[c] * x[n,c]'\nparameters = ['a']",
        11,
        "layer 2 (FormulaLayer): parameters is a table of tables, not",
    ),
    "padding of an axis that is none": (
        FORMULA + "formula = 'y[n,c] = x[n,c]'\n[layer.padding.x]\nrows = 1",
        12,
        "padding.x has no option 'rows'; there are 0, 1, 2",
    ),
    "constants that are none": (
        FORMULA + "formula = 'y[n,c] = x[n,c]'\nconstants.s = 'a'",
        11,
        "layer 2 (FormulaLayer): constants is a mapping from names to finite numbers",
    ),
    "nesting": (
        HEAD + "name = " + "[" * 20 + "]" * 20,
        8,
        "a network's description is nested at most 10 levels",
    ),
    "dots": ("a" + ".a" * 300 + " = 1", 1, "a line has at most 200 dots"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_one_sentence_with_file_and_line(case: str, tmp_path: Path) -> None:
    text, line, sentence = MISTAKES[case]
    file = tmp_path / "net.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NetworkError) as caught:
        read_network(file)
    assert str(caught.value).startswith(f"{file}, line {line}: ")
    assert sentence in str(caught.value)


def test_files_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"cannot read .*missing\.toml: No such file"):
        read_network(tmp_path / "missing.toml")
    with pytest.raises(ResourceError, match="cannot read"):
        read_network(tmp_path)
    file = tmp_path / "net.toml"
    file.write_bytes(b'name = "a"\nname = "\xff"')
    with pytest.raises(NetworkError, match=r"net\.toml, line 2: it is not text in UTF-8"):
        read_network(file)
    file.write_bytes(b"#" * 300_000)
    with pytest.raises(NetworkError, match=r"net\.toml: a network's file has at most 262,144 bytes"):
        read_network(file)


HOSTILE = {
    "open brackets": "a = " + "[" * 260_000,
    "open tables": "a = " + "{a=" * 80_000,
    "long numbers": "input_shape = [" + "9" * 5000 + "]",
    "many tables": "\n".join(f"[a{n}]" for n in range(20_000)),
    "many layers": "[[layer]]\n" * 20_000,
    "many dots": "\n".join("a" + ".a" * 199 + f".b{n} = 1" for n in range(500)),
    "quotes": "a = " + '"""\\' * 40_000,
    "apostrophes": "a = " + "'''" * 40_001,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text_is_refused(case: str) -> None:
    with pytest.raises(NetworkError) as caught:
        parse_network(HOSTILE[case])
    assert len(str(caught.value)) < 500


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_text_is_a_network_or_an_error(data: st.DataObject) -> None:
    text = network_to_toml(SMALL)
    at = data.draw(st.integers(0, len(text) - 1))
    piece = data.draw(
        st.sampled_from(["", "[", "]", '"', "'", "=", "\n", "{", "}", "#", ".", "-", "9", "\0"])
    )
    damaged = text[:at] + piece + text[at + data.draw(st.integers(0, 3)) :]
    try:
        parse_network(damaged)
    except NetworkError as error:
        assert ", line " in str(error)  # noqa: PT017  # most damaged files are wrong, some are right


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_documents_are_networks_or_errors(data: st.DataObject) -> None:
    document = network_to_document(SMALL)
    layer = data.draw(st.sampled_from(document["layer"]))
    target = data.draw(st.sampled_from([document, layer]))
    key = data.draw(st.sampled_from([*target, "inputs", "shares", "loss", "bias", "parameters", "padding"]))
    target[key] = data.draw(JSON)
    try:
        network_from_document(document)
    except NetworkError as error:
        assert "\n" not in str(error)  # noqa: PT017  # some changes are harmless


# --- lines ------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(networks(), st.data())
def test_lines_are_found_in_any_valid_text(net: Network, data: st.DataObject) -> None:
    text = network_to_toml(net)
    number = data.draw(st.integers(0, len(net.nodes) - 1))
    lines = text.split("\n")
    found = line_of(text, ("layer", number, "name"))
    assert lines[found - 1] == f'name = "{net.nodes[number].name}"'
    assert lines[line_of(text, ("layer", number)) - 1] == "[[layer]]"
    assert line_of(text, ("layer", number, "nowhere", 3)) == line_of(text, ("layer", number))
    assert lines[line_of(text, ("input_shape", 1)) - 1].startswith("input_shape")

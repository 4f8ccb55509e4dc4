"""Animations show the numbers of the run, for any equation that reads windows and for no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pellucid as pl
from pellucid import zoo
from pellucid.explain.animation.drawing import _Scale
from pellucid.explain.page.picture import NEGATIVE, POSITIVE
from pellucid.explain.reference import Place, parsed
from pellucid.explain.sources import Sources
from tests.cli.invoke import events, failed, invoke

WIDE = "y[n,c,i,j] = sum[u<2,v<3] g[u,v]*x[n,c,i + u,2*j + v]"
TALL = "y[n,c,i,j] = max[u<3] x[n,c,i + u,j]"
ROW = "y[n,i] = sum[u<3] g[u]*x[n,2*i + u]"


def run_of(layer: pl.Layer, shape: tuple[int, ...], seed: int = 0) -> pl.Run:
    generator = np.random.default_rng(seed)
    net = pl.Network([layer], shape)
    x = generator.normal(size=(2, *shape))
    above = generator.normal(size=(2, *net.output_shape))
    return net.run(x, upstream={net.output: above}, dtype=np.float64)


CASES = [
    (pl.Conv2D(3, 3), (2, 6, 7)),
    (pl.Conv2D(3, (2, 3), stride=2, padding=1, dilation=2), (2, 9, 8)),
    (pl.Conv2D(4, 3, groups=2, bias=False), (4, 6, 6)),
    (pl.Conv2D(2, 3, true_convolution=True), (1, 6, 6)),
    (pl.AveragePool2D(2), (2, 6, 6)),
    (pl.AveragePool2D(3, stride=2, padding=1, count_include_pad=False), (2, 7, 7)),
]


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize(("layer", "shape"), CASES, ids=lambda case: type(case).__name__)
def test_the_terms_of_all_windows_add_up_to_the_run(
    layer: pl.Layer, shape: tuple[int, ...], backward: bool
) -> None:
    """Over all summed letters that are fixed, such as input channels, with the bias if there is one."""
    run = run_of(layer, shape)
    name = run.network.output
    animation = run.animate(name, backward=backward)
    stage, sources = animation.stage, Sources(run)
    sums: dict[str, float] = {}
    others = stage.windows.others
    for values in np.ndindex(*(stage.evaluator.extent(b) for b in others)):
        one = stage
        for bound, value in zip(others, values, strict=True):
            one = one.at(bound.letter, value)
        for place in animation.places:
            scene = one.scene(place)
            reference = one.reference(scene.place)
            sums[reference] = sums.get(reference, 0.0) + float(scene.terms.sum())
            assert np.allclose(scene.terms, scene.patch * scene.weights * scene.there, rtol=1e-14)
    bias = run["conv1.bias"] if "conv1.bias" in run and not backward else None
    for reference, found in sums.items():
        number = parsed(reference, sources.shape)
        array, at = sources.array(number.place), number.indices
        extra = 0.0 if bias is None else bias[at[1]]
        assert abs(found + extra - array[at]) <= 1e-13 * max(1.0, float(np.abs(array).max()))


@pytest.mark.parametrize("padding", [0, 1])
def test_a_maximum_is_marked_where_it_is(padding: int) -> None:
    run = run_of(pl.MaxPool2D(3, stride=2, padding=padding), (2, 7, 7))
    animation = run.animate("maxpool1", fix={"c": 1})
    positions = Sources(run).array(Place("maxpool1:y_at"))[0, 1]
    for place in animation.places:
        scene = animation.stage.scene(place)
        assert np.argmax(scene.won) == positions[scene.place]
        assert scene.won.sum() == 1
        assert scene.total == run["maxpool1"][0, 1][scene.place]
        assert scene.patch[scene.won].item() == scene.total


def test_a_window_lies_in_the_plane_as_it_is_drawn() -> None:
    """Backward, the window's letters run against the plane's rows; what is drawn does not."""
    run = run_of(pl.Conv2D(2, 3), (1, 6, 6))
    for backward in (False, True):
        stage = run.animate("conv1", backward=backward).stage
        for place in (0, 14, stage.size[0] * stage.size[1] - 1):
            scene = stage.scene(place)
            assert (np.diff(scene.rows, axis=0) >= 0).all()
            assert (np.diff(scene.columns, axis=1) >= 0).all()
            seen = stage.plane[scene.rows[scene.there], scene.columns[scene.there]]
            assert np.array_equal(seen, scene.patch[scene.there])
    turned = stage.scene(14).weights[::-1, ::-1]
    assert np.array_equal(turned, run["conv1.weight"][stage.fixed["k"], 0])


def test_what_shows_most_is_shown_unless_letters_are_fixed() -> None:
    run = run_of(pl.Conv2D(3, 3), (2, 6, 7))
    spreads = np.ptp(run["conv1"][0], axis=(1, 2))
    stage = run.animate("conv1").stage
    assert (stage.fixed["n"], stage.fixed["k"]) == (0, int(np.argmax(spreads)))
    fixed = run.animate("conv1", fix={"n": 1, "k": 2, "c": 1}).stage
    assert fixed.fixed == {"n": 1, "k": 2, "c": 1}
    assert fixed.title() == ("input[1,1,:,:]", "conv1[1,2,:,:]")
    assert np.array_equal(fixed.plane, run["input"][1, 1])
    assert np.allclose(fixed.output, run["conv1"][1, 2], rtol=1e-13)


def test_a_gradient_that_comes_from_two_layers_is_shown_through_one() -> None:
    layers = [
        pl.Conv2D(2, 3, padding=1, name="one"),
        pl.Conv2D(2, 3, padding=1, name="two", inputs=("input",)),
        pl.Add(inputs=("one", "two")),
    ]
    net = pl.Network(layers, (1, 5, 5))
    generator = np.random.default_rng(2)
    run = net.run(
        generator.normal(size=(1, 1, 5, 5)), upstream={"add1": generator.normal(size=(1, 2, 5, 5))},
        dtype=np.float64,
    )  # fmt: skip
    shares = [run.animate(name, backward=True).stage.output for name in ("one", "two")]
    assert np.allclose(sum(shares), run.grad["input"][0, 0], rtol=1e-13)
    assert not np.allclose(shares[0], run.grad["input"][0, 0])


def own(source: str, letters: str) -> pl.FormulaLayer:
    return pl.FormulaLayer(source, {"g": pl.Parameter(letters, 0.5)}, name="own")


def test_layers_of_ones_own_are_shown_by_their_structure() -> None:
    stage = run_of(own(WIDE, "u,v"), (2, 5, 7)).animate("own").stage
    assert (stage.size, stage.shape) == ((4, 3), (2, 3))
    row = run_of(own(ROW, "u"), (9,)).animate("own")
    assert (row.stage.size, row.stage.shape, len(row)) == ((1, 4), (1, 3), 4)
    assert next(iter(row.frames())).size[0] == 800
    tall = run_of(pl.FormulaLayer(TALL, name="own"), (1, 5, 4)).animate("own")
    assert (tall.stage.size, tall.stage.shape) == ((3, 4), (3, 1))


def test_frames_fill_the_output_from_its_first_element_to_its_last() -> None:
    run = zoo.load("mnist-maxpool").run(np.random.default_rng(0).random((1, 28, 28)))
    animation = run.animate("conv1", frames=30)
    assert len(animation) <= 30
    assert (animation.places[0], animation.places[-1]) == (0, 26 * 26 - 1)
    assert animation.stage.largest in animation.places
    assert list(animation.places) == sorted(set(animation.places))
    assert len(animation.durations) == len(animation)
    assert len(run.animate("maxpool1", frames=1)) == 1
    frames = list(run.animate("conv1", frames=3).frames())
    assert len({frame.size for frame in frames}) == 1
    assert len({frame.tobytes() for frame in frames}) == len(frames)


def test_the_colours_are_those_of_the_pages() -> None:
    drawn = _Scale.of(np.array([-2.0, 2.0])).colours(np.array([[-2.0, 0.0, 2.0]]))
    assert drawn.tolist() == [[[*NEGATIVE], [255, 255, 255], [*POSITIVE]]]


def test_a_gif_is_what_was_drawn(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    animation = run_of(pl.AveragePool2D(2), (1, 8, 8)).animate("avgpool1")
    animation.save(tmp_path / "a.gif", lambda *progress: told.append(progress))
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == len(animation) == 16
        assert gif.info["loop"] == 0
        assert gif.size == next(iter(animation.frames())).size
    assert told[-1] == ("frames", 16, 16)


@pytest.mark.parametrize(
    ("layer", "arguments", "message"),
    [
        ("relu1", {}, "the equation of relu1 reads no windows; those of these layers do: conv1, maxpool1"),
        ("dense1", {"backward": True}, "the gradient of dense1 reads no windows"),
        ("conv2", {}, "there is no layer 'conv2'; did you mean conv1"),
        ("conv1", {"fix": {"z": 1}}, "there is no letter 'z' to fix; there are n, k, c"),
        ("conv1", {"fix": {"k": 8}}, "the letter k takes the values 0 to 7, not 8"),
        ("conv1", {"fix": {"k": "1"}}, "the letter k takes the values 0 to 7, not '1'"),
        ("conv1", {"frames": 0}, "an animation has 1 to 400 frames, not 0"),
        ("conv1", {"backward": True}, "the run has no gradients"),
    ],
)
def test_what_cannot_be_shown_says_why(layer: str, arguments: dict[str, object], message: str) -> None:
    net = zoo.load("mnist-maxpool")
    targets = [1] if arguments.get("backward") and layer != "conv1" else None
    with pytest.raises(pl.UsageError, match=message):
        net.run(np.zeros((1, 28, 28)), targets).animate(layer, **arguments)


def test_the_command_draws_a_model_s_layer(tmp_path: Path) -> None:
    net = zoo.load("mnist-avgpool")
    pl.Model(net, net.initial_parameters(1)).save(tmp_path / "m.safetensors")
    out = tmp_path / "a.gif"
    (event,) = events(
        "animate",
        tmp_path / "m.safetensors",
        "avgpool1",
        "-o",
        out,
        "--frames",
        5,
        "--fix",
        "c=2",
        "--backward",
    )
    assert (event["rows"], event["columns"], event["fixed"]["c"]) == (24, 24, 2)
    with Image.open(out) as gif:
        assert gif.n_frames == event["frames"]
    assert (
        "frames of conv1, 26 x 26"
        in invoke("animate", "mnist-maxpool", "conv1", "-o", out, "--frames", 2).stdout
    )


def test_wrong_use_of_the_command_gets_one_sentence(tmp_path: Path) -> None:
    out = tmp_path / "a.gif"
    assert "reads no windows" in failed(2, "animate", "mnist-maxpool", "relu1", "-o", out)
    assert "fixes nothing" in failed(2, "animate", "mnist-maxpool", "conv1", "-o", out, "--fix", "k")
    assert not out.exists()


def test_an_animation_goes_to_a_gif_only(tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    told = f"an animation's file ends in .gif, unlike {out}"
    assert failed(2, "animate", "mnist-maxpool", "conv1", "-o", out) == told
    with pytest.raises(pl.UsageError, match=r"ends in \.gif"):
        run_of(pl.AveragePool2D(2), (1, 8, 8)).animate("avgpool1").save(out)
    assert not out.exists()

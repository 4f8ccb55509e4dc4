"""Figures: what they draw, at every size, and what becomes of names that are long or strange."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import pellucid as pl
from pellucid.data import load
from pellucid.errors import NetworkError, ResourceError, UsageError
from pellucid.figures import (
    SUFFIXES,
    Figure,
    Labelled,
    confusion_matrix,
    images_with_labels,
    learning_curves,
    numbers,
)
from pellucid.model.confusing import most_confused

ODD = ["$\\frac{1$", "日本語", "_^{}", "Great spotted woodpecker, of the second kind"]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def overlap(figure: Figure) -> list[tuple[str, str]]:
    """Labels of the first axes' ticks that lie on each other."""
    figure.draw_without_rendering()
    found = []
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        labels = [label for label in axis.get_ticklabels() if label.get_text()]
        boxes = [label.get_window_extent() for label in labels]
        for one, other in zip(range(len(boxes)), range(1, len(boxes)), strict=False):
            if boxes[one].overlaps(boxes[other]):
                found.append((labels[one].get_text(), labels[other].get_text()))
    return found


def row(epoch: int, **values: float | None) -> dict[str, object]:
    return {
        "epoch": epoch,
        "loss": 1.0 / epoch,
        "accuracy": None,
        "val_loss": None,
        "val_accuracy": None,
    } | values


@pytest.fixture(scope="module")
def digits() -> pl.ImageSet:
    test = load("digits").test
    assert test is not None
    return test


@pytest.fixture(scope="module")
def model() -> pl.Model:
    """Of first values alone: most of what it says is wrong."""
    net = pl.zoo.load("mnist-maxpool")
    return pl.Model(net, net.initial_parameters(3), tuple("0123456789"))


def test_curves_of_training_and_validation_and_where_they_are_best() -> None:
    history = [row(1, accuracy=0.5, val_loss=0.5, val_accuracy=0.4)]
    history += [row(e, accuracy=0.9, val_loss=0.1 * e, val_accuracy=0.8 - 0.1 * e) for e in (2, 3)]
    losses, accuracies = learning_curves(history).axes
    assert losses.lines[0].get_ydata().tolist() == [1.0, 1 / 2, 1 / 3]
    assert losses.lines[1].get_ydata().tolist() == [0.5, 0.2, 0.1 * 3]
    assert accuracies.lines[1].get_ydata().tolist() == [0.4, 0.8 - 0.2, 0.8 - 0.1 * 3]
    assert losses.lines[1].get_label() == "validation, least 0.2 in epoch 2"
    assert accuracies.lines[1].get_label() == "validation, best 60.00% in epoch 2"
    assert (losses.get_yscale(), losses.get_ylim()[0]) == ("linear", 0.0)


def test_curves_without_classes_have_one_panel_and_wide_ones_a_logarithmic_scale() -> None:
    (axes,) = learning_curves([row(e, loss=10.0**-e) for e in range(1, 5)]).axes
    assert axes.get_yscale() == "log"


def test_epochs_are_whole_numbers() -> None:
    figure = learning_curves([row(1)])
    figure.draw_without_rendering()
    low, high = figure.axes[0].get_xlim()
    assert [place for place in figure.axes[0].get_xticks() if low <= place <= high] == [1]


def test_no_curves_of_no_epoch() -> None:
    with pytest.raises(UsageError, match="no epoch yet"):
        pl.History().plot()


@pytest.mark.parametrize("classes", [2, 10, 30, 31, 100])
def test_a_confusion_matrix_can_be_read_at_every_size(classes: int) -> None:
    matrix = np.eye(classes, dtype=np.int64) * 950 + 7
    names = [f"class number {k}" for k in range(classes)]
    figure = confusion_matrix(matrix, names, "a title")
    assert overlap(figure) == []
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == names
    assert len(texts(figure)) == (classes**2 if classes <= 30 else 0)
    assert max(figure.get_size_inches()) < 20


def test_a_confusion_matrix_shades_the_share_of_each_true_class() -> None:
    figure = confusion_matrix(np.array([[1, 3], [0, 8]]), ["few", "many"])
    right, wrong = (image.get_array() for image in figure.axes[0].images)
    assert right.filled(-1).tolist() == [[0.25, -1], [-1, 1]]
    assert wrong.filled(-1).tolist() == [[-1, 0.75], [0, -1]]
    assert texts(figure) == ["1", "3", "8"]


def test_a_confusion_matrix_has_as_many_rows_as_classes() -> None:
    with pytest.raises(UsageError, match=r"shape \(2, 2\) was given for 3 classes"):
        confusion_matrix(np.eye(2), ["a", "b", "c"])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_equal_figures_give_equal_files_whatever_the_names(tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{number}{suffix}" for number in "12"]
    for path in paths:
        confusion_matrix(np.eye(len(ODD)), ODD, "$x").save(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes()[:5] in (b"\x89PNG\r", b"%PDF-", b"<?xml")


def test_a_figure_goes_to_a_file_of_its_kinds_only(tmp_path: Path) -> None:
    figure = numbers(np.zeros(3), "x")
    with pytest.raises(UsageError, match=r"ends in \.png, \.svg, \.pdf, unlike .*x\.jpg"):
        figure.save(tmp_path / "x.jpg")
    with pytest.raises(ResourceError, match="cannot write"):
        figure.save(tmp_path / "nowhere" / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_shows_a_figure() -> None:
    assert numbers(np.zeros(3), "x")._repr_png_().startswith(b"\x89PNG")


def test_nothing_of_matplotlib_is_changed_and_no_window_is_asked_for() -> None:
    program = """
import matplotlib, sys, pellucid as pl

def settings():  # to ask for the backend would choose one
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}

before = settings()
pl.History([{"epoch": 1, "loss": 1.0}]).plot()._repr_png_()
print("matplotlib.pyplot" in sys.modules, settings() == before)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]


def test_without_matplotlib_a_sentence_says_what_to_install() -> None:
    program = """
import sys
sys.modules["matplotlib"] = None
import pellucid as pl
try:
    pl.History([{"epoch": 1, "loss": 1.0}]).plot()
except pl.MissingPackageError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == (
        'figures need matplotlib, which is not installed; `pip install "pellucid[figures]"` installs it'
    )


@pytest.mark.parametrize(
    ("shape", "tiles"),
    [((5, 4, 4), 5), ((6, 1, 3, 3), 6), ((4, 3, 5, 5), 12), ((40, 3, 2, 2), 48), ((300, 2, 2), 256)],
)
def test_an_array_has_a_tile_for_each_index_until_there_are_too_many(
    shape: tuple[int, ...], tiles: int
) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    figure = numbers(values, "w")
    *drawn, scale = figure.axes[0].images
    title, *captions = texts(figure)[:-2]
    assert len(drawn) == len(captions) == tiles
    assert title.endswith("shown)") == (tiles < np.prod(shape[:-2]))
    for image, caption in zip(drawn, captions, strict=True):
        index = tuple(map(int, caption.split(",")))
        np.testing.assert_array_equal(image.get_array(), values[index])
        assert image.get_clim() == scale.get_clim() == (-np.abs(values).max(), np.abs(values).max())


def test_what_is_never_negative_is_shaded_from_0() -> None:
    assert numbers(np.ones((2, 2, 2)), "y").axes[0].images[0].get_clim() == (0.0, 1.0)
    assert numbers(np.full((2, 2, 2), np.nan), "y").axes[0].images[0].get_clim() == (0.0, 1.0)


def test_blue_is_below_0_and_orange_above_as_in_articles() -> None:
    image = numbers(np.array([[-1.0, 1.0]]), "y").axes[0].images[0]
    for number, (red, _, blue, _) in zip((-1.0, 1.0), image.cmap(image.norm([-1.0, 1.0])), strict=True):
        assert (blue > red) == (number < 0)
    colours = [bar.get_facecolor() for bar in numbers(np.array([-1.0, 1.0]), "b").axes[0].patches]
    assert [colour[2] > colour[0] for colour in colours] == [True, False]


def test_rows_and_single_axes() -> None:
    assert [bar.get_height() for bar in numbers(np.array([1.0, -2.0, np.nan]), "b").axes[0].patches] == [
        1,
        -2,
        0,
    ]
    assert numbers(np.eye(3), "w").axes[0].images[0].get_array().tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("shape", [(), (0, 3, 3), (1, 1, 1, 1, 1)])
def test_what_cannot_be_drawn(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="one to four axes"):
        numbers(np.zeros(shape), "x")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_of_any_channels(channels: int, dtype: type) -> None:
    pixels = np.zeros((channels, 4, 6), dtype)
    pixels[:, 1] = 255
    figure = images_with_labels([Labelled(pixels, ODD[0], ODD[3], 1.0)] * 9, "")
    assert len(figure.axes[0].images) == 9
    assert texts(figure)[-2:] == [ODD[0], "Great… kind, 100%"]
    assert figure.axes[0].images[0].get_array().max() == 1.0
    assert figure._repr_png_()


def test_the_surest_mistakes_come_first(model: pl.Model, digits: pl.ImageSet) -> None:
    rows, guesses = model.predict_proba(digits.images), model.predict(digits.images)
    order = most_confused(rows, digits.labels, guesses)
    assert {*order.tolist()} == {*np.flatnonzero(guesses != digits.labels).tolist()}
    assert (np.diff(rows.max(1)[order]) <= 0).all()
    figure = model.plot_confused(digits.images, digits.labels, most=5)
    first = order[0]
    assert len(figure.axes[0].images) == 5
    assert f"{guesses[first]}, {rows[first].max():.0%}" in texts(figure)
    for most in (0, "5"):
        with pytest.raises(UsageError, match="most is a whole number of at least 1, not "):
            model.plot_confused(digits.images, digits.labels, most=most)
    one_hot = np.eye(10)[digits.labels]
    assert texts(model.plot_confused(digits.images, one_hot, most=5)) == texts(figure)


def test_no_mistakes(model: pl.Model, digits: pl.ImageSet) -> None:
    answers = model.predict(digits.images[:3])
    assert (
        texts(model.plot_confused(digits.images[:3], answers))[0] == "0 of 3 images taken for another class"
    )


def test_rows_of_features_are_no_images() -> None:
    net = pl.Network([pl.Dense(2)], (3,), pl.SoftmaxCrossEntropy())
    with pytest.raises(NetworkError, match="rows of features"):
        pl.Model(net, net.initial_parameters(0)).plot_confused(np.zeros((1, 3)), [0])


def test_figures_of_a_model_and_its_run(model: pl.Model, digits: pl.ImageSet) -> None:
    result = model.evaluate(digits.images, digits.labels)
    figure = result.plot()
    assert figure.axes[0].get_title() == str(result).splitlines()[0]
    assert isinstance(figure, matplotlib.figure.Figure)
    assert texts(model.plot("conv1.weight"))[0] == "conv1.weight, 8 × 1 × 3 × 3"
    with pytest.raises(UsageError, match=r"no parameter 'conv1\.wieght'; did you mean conv1\.weight\?"):
        model.plot("conv1.wieght")
    run = model.run(digits.images[:2], digits.labels[:2])
    for name, title in {
        "relu1": "relu1[1], 8 × 26 × 26",
        "conv1.grad": "conv1.grad[1], 8 × 26 × 26",
        "conv1.weight.grad": "conv1.weight.grad, 8 × 1 × 3 × 3",
        "maxpool1:y_at": "maxpool1:y_at[1], 8 × 13 × 13",
    }.items():
        assert texts(run.plot(name, image=1))[0] == title
    np.testing.assert_array_equal(run.plot("relu1", 1).axes[0].images[3].get_array(), run["relu1"][1, 3])
    with pytest.raises(UsageError, match="images 0 to 1, not 2"):
        run.plot("relu1", image=2)
    with pytest.raises(UsageError, match=r"images 0 to 1, not 0\.5"):
        run.plot("relu1", image=0.5)
    with pytest.raises(UsageError, match="loss has a single number"):
        run.plot("loss")
    with pytest.raises(UsageError, match="no value 'relu7'"):
        run.plot("relu7")


def test_what_does_not_classify_has_no_confusion_matrix() -> None:
    with pytest.raises(UsageError, match="does not classify"):
        pl.Evaluation(0.5, 3).plot()

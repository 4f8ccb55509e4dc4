"""Pictures of tensors, read back from the PNGs in them."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from pellucid.engine.run import Run
from pellucid.errors import UsageError
from pellucid.explain.page import figure
from pellucid.explain.page.layout import LARGEST, WIDTH, layout
from tests.explain.numbers import run_of
from tests.networks import seed_network


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(seed_network("cifar-two-conv"), 1)


def pixels(page: str, which: int = -1) -> np.ndarray:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)[which]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found))).convert("RGBA")).astype(float)


@pytest.mark.parametrize(
    "shape",
    [(), (1, 10), (1, 8192), (10, 2160), (16, 3, 3, 3), (1, 15, 24, 24), (5, 997), (2, 3, 4, 5), (7, 3, 2)],
)
def test_every_element_has_one_cell(shape: tuple[int, ...]) -> None:
    plan = layout(shape)
    array = np.arange(1, np.prod(shape, dtype=int) + 1).reshape(shape)
    cells = plan.spread(array, 0)
    assert sorted(cells[cells > 0]) == list(range(1, array.size + 1))
    assert plan.side * plan.cells[1] <= WIDTH + 1e-9
    assert 0 < plan.side <= LARGEST


def test_hue_shows_the_sign_and_opacity_the_size(run: Run) -> None:
    array = run["conv1"]
    plan = layout(array.shape)
    shown = pixels(figure(run, "conv1", caption=""))
    values = plan.spread(array, np.nan)
    limit = np.abs(array).max()
    strong = np.abs(values) > limit / 50
    assert np.abs(shown[..., 3][strong] / 255 - np.abs(values[strong]) / limit).max() < 0.02
    assert ((shown[..., 0] > shown[..., 2])[strong] == (values > 0)[strong]).all()
    assert (shown[..., 3][np.isnan(values)] == 0).all()


def test_an_image_is_shown_in_colour_and_by_channels(run: Run) -> None:
    page = figure(run, "input", caption="")
    image = run["input"][0]
    low, high = image.min(), image.max()
    grey = (image - low) / (high - low) * 255
    assert np.abs(pixels(page, 0)[..., :3] - np.moveaxis(grey, 0, -1)).max() <= 0.51
    assert np.abs(pixels(page)[..., 0][:, :32] - grey[0]).max() <= 0.51


def test_classes_stand_below_what_has_one_number_for_each(run: Run) -> None:
    classes = [f"<{k}>" for k in range(10)]
    for name in ("dense1", "dense1.grad", "targets", "loss:prob"):
        page = figure(run, name, caption="", classes=classes)
        assert "<span>&lt;7&gt;</span>" in page
    assert "&lt;7&gt;" not in figure(run, "dense1.bias", caption="", classes=classes)


def test_a_figure_says_what_it_shows(run: Run) -> None:
    page = figure(run, "conv1.weight.grad", caption="the <i>gradient</i>")
    assert 'data-tensor="conv1.weight.grad"' in page
    assert 'alt="conv1.weight.grad: 16 × 3 × 3 × 3, from ' in page
    assert "<figcaption>the <i>gradient</i></figcaption>" in page


def test_values_that_are_no_numbers_are_grey(run: Run) -> None:
    net = seed_network("mnist-maxpool")
    x = np.zeros((1, 1, 28, 28))
    parameters = dict(net.initial_parameters(0))
    parameters["conv1.bias"] = np.full(8, np.nan)
    broken = net.run(x, [1], parameters=parameters)
    assert (pixels(figure(broken, "conv1", caption=""))[0, 0] == [128, 128, 128, 255]).all()


def test_a_name_that_there_is_not(run: Run) -> None:
    with pytest.raises(UsageError, match="conv7"):
        figure(run, "conv7", caption="")

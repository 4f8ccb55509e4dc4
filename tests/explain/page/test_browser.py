"""The page in a browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from pellucid.engine.run import Run
from pellucid.explain.article import Article
from pellucid.explain.page.layout import layout
from pellucid.explain.reference import placed
from pellucid.explain.summands import is_extreme
from pellucid.layers import Conv2D, Dense, Flatten, FormulaLayer, Parameter, SoftmaxCrossEntropy
from pellucid.network import Network
from tests.explain.article.articles import article
from tests.explain.numbers import arrays, named
from tests.explain.page.chromium import CHROMIUM, launched

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
SEEDS = ("cifar-two-conv", "mnist-one-conv", "mnist-maxpool", "mnist-avgpool")
CLICKS = 50


def formula_network() -> Network:
    """Three layers that nobody foresaw."""
    gate = FormulaLayer(
        "y[n,c,i,j] = x[n,c,i,j] * sigmoid(beta[c] * x[n,c,i,j] - 1/2)",
        parameters={"beta": Parameter(("c",), init=1.0)},
    )
    strided = FormulaLayer(
        "m[n,c] = mean[i,j] x[n,c,i,j]\n"
        "y[n,c,i,j] = max[u,v] where(x[n,c,2*i + u,2*j + v] > m[n,c], x[n,c,2*i + u,2*j + v], m[n,c])",
        constants={"U": 3, "V": 3},
    )
    norm = FormulaLayer("y[n,k] = x[n,k] / sqrt(1 + sum[c] x[n,c]^2)", constants={})
    layers = [Conv2D(3, 3, stride=2, padding=1), gate, strided, Flatten(), Dense(4), norm]
    return Network(layers, (2, 15, 15), SoftmaxCrossEntropy(), name="formulas")


@dataclass
class Opened:
    """A page in the browser, and what it said and asked for."""

    page: Page
    run: Run
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def shows(self, reference: str) -> dict[str, Any]:
        """What is said of a number, once it is explained."""
        found: dict[str, Any] = self.page.wait_for_function(SHOWN, arg=reference).json_value()
        return found

    @property
    def reference(self) -> str:
        """Of the number that is explained."""
        return self.page.locator("[data-part=title] code").inner_text()

    def click(self, name: str, place: tuple[int, ...]) -> None:
        """On the cell of an element in the picture of its tensor."""
        sources = self.run._explainer.sources
        shape = sources.shape(placed(name, sources.shape))
        plan = layout(shape)
        cells = plan.spread(np.arange(int(np.prod(shape, dtype=int))), -1)
        flat = int(np.ravel_multi_index(place, shape)) if shape else 0
        (row,), (column,) = np.nonzero(cells == flat)
        height, width = plan.cells
        x, y = self.page.evaluate(POINT, [name, float(column + 0.5) / width, float(row + 0.5) / height])
        self.page.mouse.click(x, y)


# What the panel says, if it explains this number.
SHOWN = """reference => {
    const part = (name) => document.querySelector(`[data-part=${name}]`);
    if (part('title').querySelector('code')?.textContent !== reference) return null;
    const total = part('total')?.dataset.value;
    return { total: Number(total), sum: part('sum').textContent, equations: part('equations').textContent };
}"""
# Where a part of a picture is on the screen, after all around it was unfolded.
POINT = """([name, across, down]) => {
    const grid = document.querySelector(`figure[data-tensor="${name}"] .grid`);
    for (let fold = grid; (fold = fold.parentElement.closest('details')); ) fold.open = true;
    grid.scrollIntoView({ block: 'center', behavior: 'instant' });
    const box = grid.getBoundingClientRect();
    return [box.left + across * box.width, box.top + down * box.height];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


@cache
def formula_article() -> Article:
    return formula_network().article()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def opened(browser: Browser, folder: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """The article of the network that the test is for; of mnist-maxpool unless it says otherwise."""
    options = dict(getattr(request, "param", {}))
    name = options.pop("network", "mnist-maxpool")
    found_article = formula_article() if name == "formulas" else article(name)
    path, run = folder / f"{name}.html", found_article.run
    if not path.exists():
        path.write_text(found_article.html(), encoding="utf-8")
    context = browser.new_context(viewport={"width": options.pop("width", 1280), "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    found = Opened(page, run)
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("request", lambda asked: found.asked.append(asked.url))
    page.goto(path.as_uri())
    yield found
    assert found.said == []
    assert [url for url in found.asked if not url.startswith(("data:", path.as_uri()))] == []
    context.close()


def each(*networks: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("opened", [{"network": n} for n in networks], indirect=True, ids=networks)


@each(*SEEDS, "formulas")
def test_a_click_shows_terms_that_add_up_to_the_value(opened: Opened) -> None:
    generator = np.random.default_rng(7)
    shown = opened.page.locator("figure.tensor").evaluate_all("all => all.map(f => f.dataset.tensor)")
    every = arrays(opened.run)
    for _ in range(CLICKS):
        name = shown[generator.integers(len(shown))]
        place = tuple(int(generator.integers(size)) for size in every[name].shape)
        opened.click(name, place)
        reference = named(name, place)
        found, expected = opened.shows(reference), opened.run.explain(reference)
        if expected.role:
            assert f"This is {expected.role}" in found["equations"]
            continue
        assert abs(found["total"] - expected.stored) <= expected.bound, reference
        assert abs(found["total"] - expected.total) <= expected.bound, reference
        assert "is within the bound" in found["sum"]
        if not is_extreme(expected.shares[0].general.value):
            terms = opened.page.evaluate("r => pellucid.explain(r).terms", reference)
            assert abs(sum(terms) - expected.stored) <= expected.bound, reference


@each("formulas")
def test_terms_and_operands_are_those_that_python_finds(opened: Opened) -> None:
    generator = np.random.default_rng(3)
    for name, array in arrays(opened.run).items():
        reference = named(name, tuple(int(generator.integers(size)) for size in array.shape))
        expected = opened.run.explain(reference, most=None)
        found = opened.page.evaluate("r => pellucid.explain(r)", reference)
        assert found["agrees"], reference
        assert found["role"] == expected.role
        assert np.isclose(found["bound"], expected.bound, rtol=0.3), reference
        operands = {o.reference for t in expected.terms for o in t.operands if o.reference}
        assert set(found["operands"]) <= operands, reference
        uses = {u.reference for u in opened.run.uses(reference, most=None).uses if not u.vanishes}
        assert uses <= set(opened.page.evaluate("r => pellucid.uses(r)", reference)), reference


def test_an_operand_leads_to_its_own_explanation_and_back(opened: Opened) -> None:
    opened.click("maxpool1", (0, 2, 4, 5))
    opened.shows("maxpool1[0,2,4,5]")
    link = opened.page.locator("[data-part=terms] a").first
    source = link.inner_text()
    link.click()
    opened.shows(source)
    assert source.startswith("relu1[0,2,")
    assert opened.page.locator("[data-part=trail]").inner_text() == "maxpool1[0,2,4,5]"
    assert opened.page.url.endswith("#at=" + source)
    forward = opened.page.locator("[data-part=uses] a", has_text="maxpool1[0,2,4,5]")
    assert forward.count() == 1
    opened.page.get_by_role("button", name="Back", exact=True).click()
    opened.shows("maxpool1[0,2,4,5]")
    opened.page.go_back()
    opened.shows(source)


def test_an_address_leads_to_a_number(opened: Opened) -> None:
    opened.page.goto(opened.page.url + "#at=conv1.weight.grad[3,0,1,1]")
    opened.shows("conv1.weight.grad[3,0,1,1]")
    opened.page.goto(opened.page.url.partition("#")[0] + "#at=conv9[0]")
    assert opened.reference == "conv1.weight.grad[3,0,1,1]"


@pytest.mark.parametrize("tensor", ["conv1", "maxpool1"])
def test_the_animation_steps(opened: Opened, tensor: str) -> None:
    opened.page.get_by_role("button", name=f"Step through {tensor}", exact=True).click()
    opened.shows(f"{tensor}[0,0,0,0]")
    opened.page.get_by_role("button", name="One step on").click()
    opened.shows(f"{tensor}[0,0,0,1]")
    opened.page.locator("[data-part=position]").fill("40")
    at = np.unravel_index(40, opened.run[tensor].shape[2:])
    opened.shows(f"{tensor}[0,0,{at[0]},{at[1]}]")
    opened.page.get_by_role("button", name="One step back").click()
    opened.page.locator("[data-part=speed]").select_option("60")
    opened.page.get_by_role("button", name="Play").click()
    opened.page.wait_for_function("+document.querySelector('[data-part=position]').value > 44")
    opened.page.get_by_role("button", name="Pause").click()
    expected = opened.run.explain(opened.reference)
    assert abs(opened.shows(opened.reference)["total"] - expected.stored) <= expected.bound


def test_the_animation_ends(opened: Opened) -> None:
    opened.page.goto(opened.page.url + "#at=maxpool1[0,7,12,10]")
    opened.shows("maxpool1[0,7,12,10]")
    opened.page.locator("[data-part=speed]").select_option("60")
    opened.page.get_by_role("button", name="Play").click()
    opened.shows("maxpool1[0,7,12,12]")
    opened.page.get_by_role("button", name="Play").wait_for()


WHERE = """() => {
    const here = document.activeElement;
    return {
        tensor: here.closest('figure')?.dataset.tensor ?? '', end: here === document.body,
        folded: here.tagName === 'SUMMARY' && !here.parentElement.open,
    };
}"""


def test_the_keyboard_alone_reaches_everything(opened: Opened) -> None:
    page, focused = opened.page, "document.activeElement.closest('figure').dataset.tensor"
    wanted = page.locator("figure.tensor").evaluate_all("all => all.map(f => f.dataset.tensor)")
    reached: list[str] = []
    for _ in range(2000):
        page.keyboard.press("Tab")
        where = page.evaluate(WHERE)
        if where["folded"]:
            page.keyboard.press("Enter")
        if where["end"]:
            break
        reached.append(where["tensor"])
    assert [name for name in dict.fromkeys(reached) if name] == list(dict.fromkeys(wanted))
    page.locator('figure[data-tensor="conv1"] .grid').focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "PageDown"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    opened.shows("conv1[0,1,2,1]")
    assert page.evaluate("document.activeElement.dataset.part") == "title"
    spoken = page.locator("[data-part=announcement]")
    assert spoken.get_attribute("aria-live") == "polite"
    assert spoken.inner_text().startswith("conv1[0,1,2,1] is ")
    first = page.locator("[data-part=terms] a").first.get_attribute("data-reference") or ""
    while page.evaluate("document.activeElement.dataset.reference") != first:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('aside') !== null")
    page.keyboard.press("Enter")
    opened.shows(first)
    page.keyboard.press("Escape")
    assert page.locator("#pellucid-panel").is_hidden()
    assert page.evaluate(focused) == "conv1"


def test_calm_people_are_not_hurried(opened: Opened) -> None:
    opened.page.emulate_media(reduced_motion="reduce")
    opened.page.goto(opened.page.url + "#at=maxpool1[0,0,0,0]")
    opened.page.locator("[data-part=speed]").select_option("60")
    opened.page.get_by_role("button", name="Play").click()
    opened.shows("maxpool1[0,0,0,1]")
    opened.page.wait_for_timeout(200)
    assert opened.reference == "maxpool1[0,0,0,1]"


@pytest.mark.parametrize("address", ["#%", "#at=%", "#at=toString", "#at=conv1[0,0,0]", "#at=conv1["])
def test_an_address_that_was_typed_wrong_leads_nowhere(opened: Opened, address: str) -> None:
    opened.page.goto(opened.page.url + address)
    opened.page.reload()
    assert opened.page.locator("#pellucid-panel").is_hidden()
    opened.click("conv1", (0, 1, 2, 3))
    opened.shows("conv1[0,1,2,3]")


@pytest.mark.parametrize(
    "opened", [{"network": "formulas"}, {"color_scheme": "dark", "width": 390}], indirect=True
)
def test_an_audit_finds_nothing(opened: Opened) -> None:
    opened.page.goto(opened.page.url + "#at=conv1[0,1,2,3]")
    opened.shows("conv1[0,1,2,3]")
    found = Axe().run(opened.page).response["violations"]
    assert [f"{v['id']}: {n['html'][:200]}" for v in found for n in v["nodes"]] == []

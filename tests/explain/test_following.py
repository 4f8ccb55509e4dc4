"""From the loss back to a pixel, and from a pixel forward to the loss, one explanation at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import pytest

from pellucid.engine.run import Run
from pellucid.network import Network
from tests.engine.custom_layers import CUSTOM
from tests.explain.numbers import drawn, run_of
from tests.explain.test_terms import branched
from tests.layers.table import cases
from tests.networks import seed_network, small_network

SMALL: dict[str, Callable[[], Network]] = {
    "small": small_network,
    "branched": branched,
    "attention": CUSTOM["attention over positions"].classifier,
    "shuffle": CUSTOM["pixel shuffle"].classifier,
}


def operands(run: Run, reference: str) -> set[str]:
    """All that is read, also in terms that vanish."""
    found = run.explain(reference, most=None)
    lost = (o.reference for v in found.vanished for t in v.terms for o in t.operands)
    return {*found.operands, *filter(None, lost)}


def reached(start: str, step: Callable[[str], Iterable[str]], goal: Callable[[str], bool]) -> list[str]:
    """A shortest path."""
    paths = deque([[start]])
    seen = {start}
    while paths:
        path = paths.popleft()
        if goal(path[-1]):
            return path
        for follower in step(path[-1]):
            if follower not in seen:
                seen.add(follower)
                paths.append([*path, follower])
    raise AssertionError(f"nothing leads on from {start}; {len(seen)} numbers were met")


@pytest.mark.parametrize("name", SMALL)
def test_operands_lead_from_the_loss_to_a_pixel_and_uses_back(name: str) -> None:
    run = run_of(SMALL[name](), 2)
    path = reached("loss", lambda r: run.explain(r).operands, lambda r: r.startswith("input["))
    assert len(path) > 4
    back = reached(path[-1], lambda r: [u.reference for u in run.uses(r).uses], lambda r: r == "loss")
    assert len(back) > 4


@pytest.mark.parametrize("name", ["mnist-maxpool", "cifar-two-conv"])
def test_they_do_in_a_seed_network(name: str) -> None:
    run = run_of(seed_network(name), 1)
    at = "loss"
    while not at.startswith("input["):
        (largest,) = run.explain(at, most=1).terms
        at = next(o.reference for o in largest.operands[::-1] if "." not in o.reference)
    reached(
        at,
        lambda r: [u.reference for u in run.uses(r, most=4).uses if not u.vanishes],
        lambda r: r == "loss",
    )


@pytest.mark.parametrize("name", SMALL)
def test_gradients_lead_from_the_first_weights_to_the_loss(name: str) -> None:
    run = run_of(SMALL[name](), 2)
    start = f"{next(iter(run.network.parameter_shapes))}.grad"
    start += "[0,0,0,0]" if run[start.removesuffix(".grad")].ndim == 4 else ""
    reached(start, lambda r: run.explain(r).operands, lambda r: r.startswith("targets["))


@pytest.mark.parametrize(
    "name", ["Conv2D-2", "MaxPool2D-2", "AveragePool2D-2", "FormulaLayer-1", "Softmax-1"]
)
def test_uses_are_operands_the_other_way_round(name: str) -> None:
    run = run_of(cases()[name].network(), 2)
    for reference, _ in drawn(run, 1, 0):
        for operand in operands(run, reference):
            gradient = ".grad" in reference
            if gradient == (".grad" in operand):  # values in a gradient's equation are not uses
                uses = run.uses(operand, most=None)
                assert reference in [u.reference for u in uses.uses], f"{operand} in {reference}"
                assert uses.count == len(uses.uses)
        for use in run.uses(reference, most=None).uses:
            assert reference in operands(run, use.reference), f"{reference} used by {use.reference}"


def test_a_use_shows_the_term_in_which_the_number_stands() -> None:
    run = run_of(small_network(), 2)
    for use in run.uses("input[1,0,2,3]", most=None).uses:
        terms = {t.text: t.value for t in run.explain(use.reference, most=None).terms}
        assert terms[use.text] == use.value

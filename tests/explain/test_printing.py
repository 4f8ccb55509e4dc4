"""Explanations as text, HTML, LaTeX and JSON."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from xml.etree import ElementTree

import pytest

from tests.explain.numbers import drawn, run_of
from tests.explain.test_terms import NETWORKS, branched


@pytest.mark.parametrize("name", [*NETWORKS][::6])
def test_every_form_is_well_formed(name: str) -> None:
    run = run_of(NETWORKS[name])
    for reference, value in drawn(run, 1, 2):
        found, uses = run.explain(reference), run.uses(reference)
        assert str(found).startswith(f"{reference} = {value + 0.0:.9g}")
        for shown in (found, uses):
            ElementTree.fromstring(shown._repr_html_())
            assert json.loads(json.dumps(shown.to_dict(), allow_nan=False)) == shown.to_dict()
        latex = found._repr_latex_()
        assert latex.startswith("$")
        assert latex.endswith("$")
        assert latex.count("{") == latex.count("}")


def test_a_step_in_every_form() -> None:
    found = run_of(branched()).explain_step("c.weight[0,0,1,1]", 0.1, optimiser="adam")
    assert str(found).startswith("one step of adam for c.weight[0,0,1,1], learning rate 0.1\n")
    ElementTree.fromstring(f"<div>{found._repr_html_()}</div>")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()


def test_explanations_cannot_be_changed() -> None:
    found = run_of(branched()).explain("loss")
    with pytest.raises(FrozenInstanceError):
        found.total = 3.0  # type: ignore[misc]  # what is tested


def test_shares_are_told_apart() -> None:
    printed = str(run_of(branched()).explain("c.grad[0,0,0,0]"))
    assert [line for line in printed.splitlines() if line.startswith("through ")]
    assert printed.count("through ") == 3

"""Every frozen single-layer case: output and gradients, float64, within 1e-12 of the largest element."""

from __future__ import annotations

import pytest

from tests.fixtures.cases import LayerCase, layer_cases
from tests.layers.results import BOUND, errors


@pytest.mark.parametrize("case", layer_cases(), ids=str)
def test_a_layer_is_pytorchs(case: LayerCase) -> None:
    found = errors(case)
    assert max(found.values()) <= BOUND, found

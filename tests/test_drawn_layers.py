"""A sample of the layers with random options whose gradients `make evidence` checks by the thousand."""

from __future__ import annotations

import pytest

from evidence.gradient_checks import layers
from pellucid.formula.check import passed


def test_gradients_of_layers_with_random_options_equal_differences():
    names = set()
    for _, name, rows in layers(40):
        assert passed(rows), (name, rows)
        names.add(name)
    assert len(names) > 8


@pytest.mark.parametrize("count", [0, 3])
def test_the_drawing_is_seeded(count):
    first, again = list(layers(count)), list(layers(count))
    assert [name for _, name, _ in first] == [name for _, name, _ in again]
    assert [rows for _, _, rows in first] == [rows for _, _, rows in again]

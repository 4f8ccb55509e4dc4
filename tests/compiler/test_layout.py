"""Where elements lie: orders, padding to whole vectors, halos."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.compiler.layout import LANES, Tensor, lanes_for
from pellucid.compiler.placement import placed
from pellucid.compiler.storage import Roles
from pellucid.errors import FormulaError


@pytest.mark.parametrize("extent", range(1, 70))
def test_lanes_are_powers_of_two_that_waste_less_than_half(extent):
    lanes = lanes_for(extent)
    assert lanes in (1, 2, 4, 8, 16)
    assert lanes == LANES or extent <= lanes < 2 * extent


def tensor(order=(0, 2, 1), offset=5):
    return Tensor("x", "arena", (2, 3, 4), order, ((0, 0), (0, 0), (1, 2)), offset)


def test_the_contiguous_axis_is_padded_to_whole_vectors_between_its_halos():
    assert tensor().allotted == (2, 4, 7)
    assert tensor().strides == (28, 1, 4)
    assert tensor().last == 1
    assert tensor((0, 1, 2)).allotted == (2, 3, 7)
    assert tensor().size == 56


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0)])
def test_a_view_shows_the_public_order_and_leaves_the_halo_alone(order):
    one = tensor(order)
    space = np.zeros(one.offset + one.size + 3)
    values = np.arange(1.0, 25).reshape(2, 3, 4)
    one.view(space)[...] = values
    np.testing.assert_array_equal(one.view(space), values)
    assert np.count_nonzero(space) == 24
    start = one.offset + one.strides[2]
    for place in np.ndindex(2, 3, 4):
        assert space[start + sum(p * s for p, s in zip(place, one.strides, strict=True))] == values[place]


def test_a_number_is_a_tensor_of_no_axes():
    space = np.zeros(4)
    one = Tensor("x", "arena", (), (), (), 2)
    one.view(space)[...] = 7
    assert one.size == 1
    assert one.last is None
    np.testing.assert_array_equal(space, [0, 0, 7, 0])


@pytest.mark.parametrize("given", [{"a": 3, "b": 3}, {"a": 0}, {"a": 16}])
def test_numbers_of_a_step_that_have_no_place_of_their_own_are_refused(given):
    roles = Roles((), {}, {}, (), (), frozenset(), None)
    with pytest.raises(FormulaError, match="a step has 16 places for numbers, too few for @count, a"):
        placed([], {}, [], roles, given)

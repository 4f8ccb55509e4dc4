"""Accesses that could leave their tensors: refused before anything is written."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pellucid.compiler import masks, rows
from pellucid.compiler.kernel import Kernel
from pellucid.compiler.layout import Tensor
from pellucid.compiler.module import Module
from pellucid.compiler.nest import Loop
from pellucid.compiler.prove import Access, escape, proved
from pellucid.errors import FormulaError
from pellucid.formula.expression import Read
from pellucid.formula.formula import Formula
from pellucid.formula.index import Index
from pellucid.formula.ranges import solve
from tests.compiler.native import planned

TEXT = "y[n,k,i] = b[k] + sum[c,u] w[k,c,u]*x[n,c,i+u-1]"
SHAPES = {"b": (5,), "w": (5, 3, 3), "x": (2, 3, 6)}


def convolution():
    """The nest of a convolution, its schedule and its tensors."""
    formula = Formula.parse(TEXT, padding={"x": {2: (1, 1)}})
    passes = planned(formula, solve(formula, SHAPES), ("w", "b"))
    ((nest, schedule, images),) = passes.nests
    return nest, schedule, dict(passes.tensors), images


def emitted(nest, schedule, tensors, images):
    module = Module("float")
    try:
        Kernel(module, "nest", nest, schedule, tensors, {}, images)
    except FormulaError:
        assert module.functions == []
        raise
    return module.text()


def test_what_stays_inside_is_emitted():
    assert "define internal void @nest" in emitted(*convolution())


@pytest.mark.parametrize("letter", ["n", "k", "i", "c", "u"])
def test_a_loop_that_runs_one_too_far(letter):
    nest, schedule, tensors, images = convolution()

    def longer(loops):
        extra = 4 if letter == "k" else 1  # k is padded to 8 elements: one more than 5 does no harm
        return tuple(Loop(x.letter, x.extent + extra * (x.letter == letter)) for x in loops)

    planted = replace(nest, out=longer(nest.out), reduce=longer(nest.reduce))
    with pytest.raises(FormulaError, match="would reach"):
        emitted(planted, schedule, tensors, images)


@pytest.mark.parametrize("side", [0, 1])
def test_a_halo_that_is_one_too_narrow(side):
    nest, schedule, tensors, images = convolution()
    halo = list(tensors["x"].halo)
    halo[2] = tuple(n - (i == side) for i, n in enumerate(halo[2]))
    tensors["x"] = replace(tensors["x"], halo=tuple(halo))
    with pytest.raises(FormulaError, match=r"x\[n,c,i \+ u - 1\] would reach"):
        emitted(nest, schedule, tensors, images)


def test_vectors_that_are_wider_than_what_is_stored_are_masked():
    nest, schedule, tensors, images = convolution()
    assert (schedule.vector, schedule.lanes) == ("k", 8)
    text = emitted(nest, replace(schedule, lanes=16), tensors, images)
    # what lies past the end is neither read nor written
    assert "@llvm.masked.store.v16f32" in text
    assert "load <16 x float>, ptr %p" not in text
    assert not re.search(r"store <16 x float> %t\d+, ptr %p", text)


def test_a_schedule_that_forgets_a_loop():
    nest, schedule, tensors, images = convolution()
    with pytest.raises((FormulaError, KeyError)):
        emitted(nest, replace(schedule, outer=schedule.outer[:-1]), tensors, images)


def test_an_index_that_is_shifted_by_one():
    nest, schedule, tensors, images = convolution()
    target = Read("y", (*nest.target.indices[:2], nest.target.indices[2] + 1))
    with pytest.raises(FormulaError, match="would reach 1 to 6 on axis 2 of y"):
        emitted(replace(nest, target=target), schedule, tensors, images)


def test_bounds_are_those_of_storage_with_its_halo():
    tensor = convolution()[2]["x"]
    low, high = -tensor.halo[2][0], tensor.allotted[2] - tensor.halo[2][0] - 1

    def access(first, last):
        n = Index.of(0)
        return Access(Read("x", (n, n, Index.of("i"))), tensor, {"i": (first, last)})

    proved(access(low, high))
    assert "would reach" in escape(access(low - 1, high))
    assert "would reach" in escape(access(low, high + 1))


@pytest.mark.parametrize("text", ["rows", "masks"])
def test_rows_and_masks_that_are_wider_than_their_tensor_are_refused(text):
    tensor = Tensor("x", "arena", (4, 3, 20), (0, 1, 2), ((0, 0),) * 3)
    make = {
        "rows": lambda t: rows.gather([rows.Feed("images", "float", t)], "float"),
        "masks": lambda t: masks.masks_function([masks.Mask(t, 0.5)], "float"),
    }[text]
    assert "define internal void" in make(tensor)
    with pytest.raises(FormulaError, match=r"would reach 0 to \d+ on axis 2 of x"):
        make(replace(tensor, stored=(4, 3, 19)))


def test_a_mask_whose_last_vector_does_not_fit_is_refused(monkeypatch):
    tensor = Tensor("x", "arena", (4, 3, 20), (0, 1, 2), ((0, 0),) * 3)
    monkeypatch.setattr(masks, "lanes_for", lambda extent: 64)
    with pytest.raises(FormulaError, match="would reach 0 to 63 on axis 2 of x"):
        masks.masks_function([masks.Mask(tensor, 0.5)], "float")

"""The share of vector work, by hand; and that no contraction is left to scalar code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from pellucid import zoo
from pellucid.compiler.layout import Tensor
from pellucid.compiler.lower import lower
from pellucid.compiler.nest import Nest
from pellucid.compiler.plan import PassPlan
from pellucid.compiler.schedule import Schedule, coefficient, is_contraction
from pellucid.compiler.share import Work, work
from pellucid.engine.compiled_executor import ExecutorRecipe
from pellucid.engine.compiled_stages import prediction_stages, training_stages
from pellucid.engine.program import Program
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from tests.compiler.native import both_ways, planned
from tests.formula.formulas import FORMULAS
from tests.layers.table import cases


def counted(text: str, vector: str | None, *, across: bool = False, **shapes: tuple[int, ...]) -> Work:
    """The work of one equation whose tensors lie in the order of their indices, in vectors of 4."""
    formula = Formula.parse(text)
    ranges = solve(formula, shapes)
    tensors = {
        t: Tensor(t, "", s, tuple(range(len(s))), ((0, 0),) * len(s)) for t, s in ranges.shapes.items()
    }
    (nest,) = lower(formula.equations[0], ranges)
    letters = [tuple(x.letter for x in loops) for loops in (nest.out, nest.reduce)]
    schedule = Schedule(vector, 4 if vector else 1, across, (), letters[0], letters[1], ())
    return work(nest, schedule, tensors)


def test_a_map_along_its_storage_is_all_vectors():
    assert counted("y[i,j] = 2*x[i,j] + 1", "j", x=(3, 8)) == Work(vector=24 * 3)  # times, plus, store


def test_what_is_collected_element_by_element_is_not():
    assert counted("y[i,j] = x[j,i]", "j", x=(8, 3)) == Work(vector=24, scalar=24)


def test_a_value_that_is_the_same_in_all_lanes_is_worked_out_once():
    assert counted("y[i,j] = exp(a[i])*x[i,j]", "j", a=(3,), x=(3, 6)) == Work(vector=2 * 18, scalar=3 * 2)


def test_lanes_are_added_by_halves_and_the_end_is_scalar():
    found = counted("y[k] = b[k] + sum[d] w[k,d]*x[d]", "d", across=True, b=(5,), w=(5, 8), x=(8,))
    assert found == Work(vector=40 + 5 * 2, scalar=5 + 5 + 5)  # multiply-adds, lanes; lanes, bias, store


def test_without_vectors_there_is_none():
    found = counted("y[k] = sum[d] w[k,d]*x[d]", None, w=(5, 8), x=(8,))
    assert (found, found.share) == (Work(scalar=45), 0.0)
    assert Work().share == 1


def lies_somewhere(nest: Nest, tensors: Mapping[str, Tensor], images: str | None) -> bool:
    """Whether a loop over anything but images touches neighbours in storage: else nothing can be a vector."""
    along = [r.indices[tensors[r.tensor].last] for r in nest.accesses if r.indices]
    loops = [x.letter for x in nest.loops if x.extent > 1 and x.letter != images]
    return any(coefficient(index, letter) == 1 for index in along for letter in loops)


def scalar_contractions(plan: PassPlan) -> Iterator[str]:
    for nest, schedule, images in plan.nests:
        if is_contraction(nest) and schedule.vector is None and lies_somewhere(nest, plan.storage, images):
            yield f"{nest.target!r} of {nest.source!r}: {schedule}"


@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("name", zoo.names())
def test_contractions_of_networks_are_vectors(name, batch):
    kernels = (*training_stages(zoo.load(name), batch), *prediction_stages(zoo.load(name), batch))
    found = {k.equations: k.vectors for k in kernels if is_contraction(k.nest)}
    assert len(found) >= 4
    assert min(found.values()) > 0.9, found


@pytest.mark.parametrize("name", cases())
def test_no_contraction_of_a_layer_is_left_to_scalars(name):
    network = cases()[name].network()
    wanted = {"input", *network.parameter_shapes}
    plan = ExecutorRecipe(Program.build(network, 3, wanted=wanted, training=True), "float").plan()
    assert not list(scalar_contractions(plan))


@pytest.mark.parametrize("case", FORMULAS, ids=[c.name for c in FORMULAS])
def test_no_contraction_of_a_formula_is_left_to_scalars(case):
    for formula, ranges, _ in both_ways(case.formula(), case.operands(1), case.sizes):
        assert not list(scalar_contractions(planned(formula, ranges)))

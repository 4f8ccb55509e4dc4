"""Wrong rules of many kinds are planted; each is caught by a step that is not shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pellucid.errors import CheckFailed, GeometryError
from pellucid.explain import deriving, jacobians, readings, through
from pellucid.formula import derive, differentiate, jacobian, sift, specialise
from pellucid.formula.expression import Add, Delta, Derivative, Expr, Num, Where, mul, transform
from pellucid.formula.index import Index
from pellucid.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    FormulaLayer,
    Layer,
    MaxPool2D,
    Parameter,
    ReLU,
    Softmax,
)
from pellucid.layers import SoftmaxCrossEntropy as CrossEntropy
from pellucid.network import Network

Plant = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """No derivation is kept from one test to the next."""
    deriving._derived.cache_clear()
    yield
    deriving._derived.cache_clear()


def pushed(kind: type, wrong: Callable[[Derivative], Expr]) -> Plant:
    """Another rule for derivatives of one kind of expression."""
    right = differentiate._Pusher.pushed

    def planted(self: differentiate._Pusher, node: Derivative) -> Expr:
        holds = isinstance(node.value, kind) and self.rule(node) != "constant"
        return wrong(node) if holds else right(self, node)

    return lambda patch: patch.setattr(differentiate._Pusher, "pushed", planted)


def altered(module: object, name: str, wrong: Callable[[Expr], Expr]) -> Plant:
    """A simplification whose result is changed."""
    right = getattr(module, name)
    return lambda patch: patch.setattr(module, name, lambda *given: wrong(right(*given)))


def without_conditions(value: Expr) -> Expr:
    found = transform(value, lambda n: n.then if isinstance(n, Where) else None)
    assert isinstance(found, Expr)
    return found


def first_term(node: Derivative) -> Expr:
    assert isinstance(node.value, Add)
    return Derivative(node.value.terms[0], node.element)


def unguarded(patch: pytest.MonkeyPatch) -> None:
    """A change of index that forgets what it asks of the indices."""
    right = sift._solved

    def planted(*given: object, **named: object) -> object:
        return replace(right(*given, **named), conditions=())  # type: ignore[arg-type]

    patch.setattr(sift, "_solved", planted)


def negative_cases(patch: pytest.MonkeyPatch) -> None:
    right = jacobian.cases
    patch.setattr(jacobians, "cases", lambda e: tuple(replace(c, value=-c.value) for c in right(e)))


def one_too_far(patch: pytest.MonkeyPatch) -> None:
    """A window of U elements taken from U instead of from U - 1."""
    patch.setattr(readings, "_from_the_end", lambda bound: bound.size - bound.letter)


def wrong_residue(patch: pytest.MonkeyPatch) -> None:
    right = specialise.floor_quotient
    patch.setattr(specialise, "floor_quotient", lambda a, b: right(a + Index.of(1), b))


def wrong_element(node: Derivative) -> Expr:
    return Delta(node.element.indices[-1], node.element.indices[-1])


IMAGE = (2, 5, 5)
WRONG: dict[str, tuple[Plant, str, Layer, tuple[int, ...], str]] = {
    "a sum's derivative is that of its first term": (
        pushed(Add, first_term), "sum", FormulaLayer("y[n,d] = 2*x[n,d] + x[n,d]^3"), (3,), "input",
    ),
    "every element depends on every other": (
        pushed(derive.Read, wrong_element), "element", Dense(2, bias=False), (3,), "input",
    ),
    "every element is a maximum": (
        altered(derive, "cancelled", without_conditions), "cancel", MaxPool2D(2), (1, 4, 4), "input",
    ),
    "relu passes everything": (
        altered(derive, "collected", without_conditions), "collect", ReLU(), (3,), "input",
    ),
    "a factor is lost": (
        altered(derive, "outside", lambda v: mul(Num(2), v)), "outside", Dense(2), (3,), "dense1.weight",
    ),
    "a Jacobian's factor is lost": (
        altered(jacobians, "collected", lambda v: mul(Num(2), v)), "collect", Softmax(), (3,), "input",
    ),
    "a Jacobian's cases have the wrong sign": (negative_cases, "cases", Softmax(), (3,), "input"),
    "the kernel is turned one too far": (one_too_far, "reverse", Conv2D(2, 3), IMAGE, "input"),
    "the gradient counts as 1 beyond its edges": (
        altered(readings, "_without_edges", lambda v: v + 1), "padding", Conv2D(2, 3), IMAGE, "input",
    ),
    "a quotient is rounded wrongly": (wrong_residue, "residue", AveragePool2D(2), (1, 4, 4), "input"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_wrong_rule_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, rule, layer, shape, value = WRONG[name]
    net = Network([layer], shape)
    assert net.derive(value, numbers=True).steps
    deriving._derived.cache_clear()
    plant(monkeypatch)
    with pytest.raises(CheckFailed, match=f"the step '{rule}' to .* changes the value by"):
        net.derive(value, numbers=True)


@pytest.mark.parametrize("layer", [Conv2D(2, 3, stride=2, padding=1), AveragePool2D(2, stride=1)])
def test_forgotten_conditions_are_caught_by_the_ranges(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded(monkeypatch)
    with pytest.raises(GeometryError, match=r"dy\[.*\] in dx\[.*\] = .* reads axis 2 of dy from"):
        Network([layer], IMAGE).derive("input", numbers=True)


def test_a_wrong_logarithm_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    altered(through, "assumed", lambda v: mul(Num(2), v))(monkeypatch)
    with pytest.raises(CheckFailed, match=r"the step 'recognise' to .* changes the value by"):
        Network([Dense(3)], (2,), CrossEntropy()).derive("dense1")


def test_a_false_shift_is_caught() -> None:
    layer = FormulaLayer("shift m[n] = max[d] x[n,d]; y[n,d] = x[n,d]*m[n]")
    with pytest.raises(CheckFailed, match=r"the step 'shift' to .* changes the value by"):
        Network([layer], (3,)).derive("input")


def test_a_false_assumption_is_caught() -> None:
    source = "y[n,d] = sum[k] w[k]*x[n,d]\nassume sum[k] w[k] = 1"
    layer = FormulaLayer(source, parameters={"w": Parameter("k")}, constants={"K": 4})
    with pytest.raises(CheckFailed, match=r"the step 'assumption' to .* changes the value by"):
        Network([layer], (3,)).derive("input")

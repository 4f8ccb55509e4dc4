"""A network's forward and backward pass as formulas in order: what every engine runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from pellucid.formula.derive import Gradient, derive
from pellucid.formula.expression import Num
from pellucid.formula.formula import Formula
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.ranges import Ranges, Shape, solve
from pellucid.network import Network, Node

__all__ = ["LOSS", "TARGETS", "WEIGHTS", "Program", "Step"]

# Names of values that belong to no layer.
LOSS, TARGETS, WEIGHTS = "loss", "targets", "weights"


@dataclass(frozen=True)
class Step:
    """One formula of the network and, if gradients are wanted, the formula of its backward pass.

    Attributes:
        name: of its output among the network's values.
        forward: equations, in normal form if there is a backward pass.
        ranges: extents and shapes of the forward formula for this batch size.
        operands: the network's value behind each operand of the formula.
        backward: equations of the gradients; None if none is wanted.
        backward_ranges: extents and shapes of both.
        gradients: for each operand whose gradient is computed, the network's value that it is a gradient of.
    """

    name: str
    forward: Formula
    ranges: Ranges
    operands: Mapping[str, str]
    backward: Formula | None
    backward_ranges: Ranges | None
    gradients: Mapping[str, str]


@dataclass(frozen=True)
class Program:
    """Steps in order of evaluation; the backward pass goes through them in reverse.

    Attributes:
        steps: the layers', then the loss's if there is one.
        masks: random masks that must be given: value name to (shape without N, probability of 1).
        wanted, training, loss, weighted: what `build` was asked for, from which all of this follows.
    """

    network: Network
    batch: int
    steps: tuple[Step, ...]
    masks: Mapping[str, tuple[Shape, float]]
    wanted: frozenset[str]
    training: bool
    loss: bool
    weighted: bool

    @staticmethod
    def build(
        network: Network,
        batch: int,
        *,
        wanted: Iterable[str] = (),
        training: bool = False,
        loss: bool = True,
        weighted: bool = False,
    ) -> Program:
        """The program for `batch` images.

        Args:
            network: the layers.
            batch: number N of images.
            wanted: values whose gradients are to be computed: parameters, layers, ``"input"``.
            training: whether dropout and the like are at work.
            loss: whether to end with the network's loss.
            weighted: whether each image has a weight in the loss.
        """
        return _built(network, batch, frozenset(wanted), training, loss, weighted)


@lru_cache(maxsize=16)
def _built(
    network: Network, batch: int, wanted: frozenset[str], training: bool, loss: bool, weighted: bool
) -> Program:
    """The program; those that were used lately are kept."""
    needed = _needed(network, wanted)
    steps = [_layer_step(node, batch, needed, training=training) for node in network.nodes]
    if loss and network.loss is not None:
        steps.append(_loss_step(network, batch, needed, weighted=weighted))
    masks = {
        f"{n.name}:{operand}": (n.shapes[0][1:], keep)
        for n in network.nodes
        for operand, keep in (n.layer.noise if training else {}).items()
    }
    return Program(network, batch, tuple(steps), masks, wanted, training, loss, weighted)


def _needed(network: Network, wanted: frozenset[str]) -> frozenset[str]:
    """All values through which a gradient must pass to reach the wanted ones, and these."""
    needed = set(wanted)
    for node in network.nodes:
        reads = {*node.sources, *(name for name, _ in node.parameters.values())}
        if reads & needed:
            needed.add(node.name)
    return frozenset(needed)


@lru_cache(maxsize=512)
def _derived(formula: Formula, wrt: tuple[str, ...], *, is_loss: bool) -> Gradient:
    return derive(formula, wrt, upstream=Num(1) if is_loss else None)


def _layer_step(node: Node, batch: int, needed: frozenset[str], *, training: bool) -> Step:
    shapes = tuple((batch, *s[1:]) for s in node.shapes)
    formula = node.layer.formula(shapes, training=training)
    inputs = dict(zip(node.layer.operands, node.sources, strict=True))
    given = dict(zip(node.layer.operands, shapes, strict=True))
    operands = inputs | {o: name for o, (name, _) in node.parameters.items()}
    for mask in node.layer.noise if training else ():
        operands[mask] = f"{node.name}:{mask}"
        given[mask] = shapes[0]
    gradients = {o: v for o, v in operands.items() if v in needed and o in formula.operands}
    return _step(node.name, formula, given, operands, gradients, is_loss=False)


def _loss_step(network: Network, batch: int, needed: frozenset[str], *, weighted: bool) -> Step:
    assert network.loss is not None
    shape = (batch, *network.output_shape)
    formula = network.loss.formula(shape, weighted=weighted)
    operands = {"x": network.output, "y": TARGETS} | ({"weight": WEIGHTS} if weighted else {})
    given = {"x": shape, "y": shape} | ({"weight": (batch,)} if weighted else {})
    gradients = {"x": network.output} if network.output in needed else {}
    return _step(LOSS, formula, given, operands, gradients, is_loss=True)


def _step(
    name: str,
    formula: Formula,
    given: Mapping[str, Shape],
    operands: Mapping[str, str],
    gradients: Mapping[str, str],
    *,
    is_loss: bool,
) -> Step:
    if not gradients:
        return Step(name, formula, solve(formula, given), operands, None, None, {})
    gradient, ranges, both = _solved(formula, tuple(gradients), tuple(given.items()), is_loss=is_loss)
    return Step(name, gradient.forward, ranges, operands, gradient.formula, both, gradients)


@lru_cache(maxsize=512)
def _solved(
    formula: Formula, wrt: tuple[str, ...], given: tuple[tuple[str, Shape], ...], *, is_loss: bool
) -> tuple[Gradient, Ranges, Ranges]:
    """The gradient with the ranges of both passes: programs that differ in one step share the others."""
    gradient = _derived(formula, wrt, is_loss=is_loss)
    ranges = solve(gradient.forward, dict(given))
    return gradient, ranges, solve_gradient(gradient.formula, ranges)

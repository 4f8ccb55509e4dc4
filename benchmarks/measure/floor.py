"""The least that a training step has to do: the multiply-adds of its equations, forward and derived."""

from __future__ import annotations

from pellucid.engine.program import Program
from pellucid.formula.cost import multiply_adds
from pellucid.network import Network

__all__ = ["inference_floor", "training_floor"]


def inference_floor(network: Network) -> int:
    """Multiply-adds of one image's forward pass.

    >>> from pellucid import zoo
    >>> inference_floor(zoo.load("cifar-two-conv"))
    1703936
    """
    return network.summary().multiply_adds


def training_floor(network: Network) -> int:
    """Multiply-adds of one image's forward and backward pass, as the equations are written.

    An engine that finds a way to do less, say by leaving out products with zeros, may pass below it.

    >>> from pellucid import zoo
    >>> training_floor(zoo.load("cifar-two-conv"))  # every product three times, but for the image's gradient
    4669440
    """
    program = Program.build(network, 1, wanted=network.parameter_shapes, training=True, loss=False)
    backward = sum(
        multiply_adds(step.backward, step.backward_ranges)
        for step in program.steps
        if step.backward is not None and step.backward_ranges is not None
    )
    return inference_floor(network) + backward

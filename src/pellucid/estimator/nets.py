"""The network that an estimator's ``net`` stands for."""

from __future__ import annotations

from collections.abc import Callable

from pellucid import zoo
from pellucid.errors import UsageError
from pellucid.layers import Loss
from pellucid.network import Network

__all__ = ["Net", "network_for"]

Shape = tuple[int, ...]
Net = str | Network | Callable[[Shape, int], Network]


def network_for(net: Net, shape: Shape, outputs: int, loss: Loss) -> Network:
    """The network for images of this shape, with a loss of this kind.

    Args:
        net: "auto", the name of a network in the zoo, a network, or a function of shape and outputs that
            gives one.
        shape: (C, H, W).
        outputs: of the network.
        loss: taken if the network has none, or one of another kind.

    Raises:
        UsageError: a network for other images or another number of outputs, or no network at all.

    >>> from pellucid.layers import MeanSquaredError
    >>> network_for("auto", (1, 8, 8), 1, MeanSquaredError()).loss
    MeanSquaredError()
    """
    if isinstance(net, str):
        found = zoo.default(shape, outputs) if net == "auto" else zoo.load(net, shape, outputs)
    elif isinstance(net, Network):
        found = net
    else:
        found = net(shape, outputs) if callable(net) else None
    if not isinstance(found, Network):
        raise UsageError(
            f"net is 'auto', the name of a network, a Network, or a function that gives one, not {net!r}"
        )
    flat = (shape[0] * shape[1] * shape[2],)
    if found.input_shape not in (shape, flat) or found.output_shape != (outputs,):
        raise UsageError(
            f"{found.name} makes {found.output_shape} of {found.input_shape}; "
            f"one that makes {(outputs,)} of {shape} was expected"
        )
    if found.loss is not None and found.loss.classification == loss.classification:
        return found
    return Network(found.layers, found.input_shape, loss, name=found.name)
